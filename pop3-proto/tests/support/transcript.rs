//! One session that is played: whole, one octet at a time, and cut in two at every place.
//!
//! `transcripts/README.md` says how one is written; `examples/inspect` plays it.

#![allow(dead_code, reason = "not every test needs each of them")]

use std::fs;
use std::path::Path;

use pop3_proto::client::Security;

use super::play::{self, Cut, Forgiven, Role, Run, Script, Step, Told};

/// Up to how many octets a session is cut in two at every place; a longer one at as many.
const PLACES: usize = 1024;

/// What a client's session tells of the answer to STLS, where octets behind it come in a piece of their own.
const STARTS_TLS: [&str; 2] = [" STLS starts TLS: ", "TLS begins"];

pub(crate) struct Transcript {
    pub(crate) name: String,
    pub(crate) script: Script,
    pub(crate) roles: Vec<Role>,
    pub(crate) leniency: Forgiven,
    /// What the client may say in clear.
    pub(crate) security: Security,
    /// What a strict session tells last.
    pub(crate) strict: Option<String>,
    /// The rows of the catalogue of attacks that it shows.
    pub(crate) attacks: Vec<String>,
    /// Why no adapter plays it.
    pub(crate) core: Option<String>,
    /// The state in which it ends.
    pub(crate) ends: String,
}

impl Transcript {
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, String> {
        Self::of(name, text, Headers::read(text)?)
    }

    /// The sessions of a file in which `---` begins another one, under the headers of the first and its own.
    pub(crate) fn read_all(name: &str, text: &str) -> Result<Vec<Self>, String> {
        let mut line = 0;
        let mut first: Option<Headers> = None;
        let mut transcripts = Vec::new();
        for (number, session) in (1..).zip(text.split("\n---\n")) {
            let mut headers = Headers::read(session)?;
            headers.inherit(first.get_or_insert_with(|| headers.clone()));
            // The lines of the script have the numbers that they have in the file.
            let script = "\n".repeat(line) + session;
            transcripts.push(Self::of(&format!("{name}, {number}"), &script, headers)?);
            line += session.matches('\n').count() + 2;
        }
        Ok(transcripts)
    }

    fn of(name: &str, text: &str, mut headers: Headers) -> Result<Self, String> {
        let script = Script::read(text.as_bytes()).map_err(|error| error.to_string())?;
        let roles = headers.required("role")?;
        let list = |names: Option<String>| match names {
            Some(names) => names.split(", ").map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let security = match headers.take("security").as_deref() {
            None => Security::PlaintextAllowed,
            Some("implicit") => Security::Implicit,
            Some("stls required") => Security::StlsRequired,
            Some("stls preferred") => Security::StlsPreferred,
            Some(policy) => return Err(format!("no such policy: {policy}")),
        };
        let transcript = Self {
            name: name.to_owned(),
            script,
            roles: roles.split(", ").map(Role::parse).collect::<Result<_, _>>()?,
            leniency: Forgiven::parse(&headers.required("leniency")?)?.with_security(security),
            security,
            strict: headers.take("strict"),
            attacks: list(headers.take("attacks")),
            core: headers.take("core"),
            ends: headers.required("ends")?,
        };
        headers.required("source")?;
        for rule in list(headers.take("rules")) {
            if !is_rule(&rule) {
                return Err(format!("no rule: {rule}"));
            }
        }
        headers.none_left()?;
        transcript.check()
    }

    /// What is expected is expected of a role that is played, and something is.
    fn check(self) -> Result<Self, String> {
        if self.strict.is_some() && self.roles.len() != 1 {
            return Err("a strict twin is for one role".to_owned());
        }
        for role in [Role::Client, Role::Server] {
            let told = |step: &Step| matches!(step, Step::Told(of, _) if *of == role);
            let expected = self.script.entries.iter().any(|entry| told(&entry.step));
            if expected && !self.roles.contains(&role) {
                return Err(format!("{role:?} is expected to tell something, and is not played"));
            }
            if !expected && self.roles == [role] {
                return Err(format!("{role:?} is not expected to tell anything"));
            }
        }
        Ok(self)
    }

    /// What a session of `role` is to tell, and behind which line of the script.
    pub(crate) fn expected(&self, role: Role) -> Vec<String> {
        let mut line = 0;
        let mut lines = Vec::new();
        for entry in &self.script.entries {
            match &entry.step {
                Step::Told(of, text) if *of == role => lines.push(format!("{line}: {text}")),
                Step::Told(..) => {}
                _ => line = entry.line,
            }
        }
        lines
    }

    pub(crate) fn play(&self, role: Role, leniency: &Forgiven, cut: Cut) -> Run {
        let run = play::play(&self.script, role, leniency, cut);
        run.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// I1: the same comes of it however the octets are cut.
    pub(crate) fn play_in_pieces(&self, role: Role, leniency: &Forgiven) -> Run {
        let whole = self.play(role, leniency, Cut::Whole);
        let by_line = self.play(role, leniency, Cut::Lines);
        let received = by_line.received.max(whole.received);
        let cuts = (1..received).step_by(1 + received / PLACES).map(Cut::At);
        for cut in [Cut::Lines, Cut::Octets].into_iter().chain(cuts) {
            let run = self.play(role, leniency, cut);
            let same = texts(&run) == texts(&whole)
                && (run.failed, run.state) == (whole.failed, whole.state);
            assert!(
                same || switched(&run, &whole),
                "{} {role:?} {cut:?}: {:#?}\nwhole: {:#?}",
                self.name,
                texts(&run),
                texts(&whole)
            );
        }
        by_line
    }
}

pub(crate) fn texts(run: &Run) -> Vec<&str> {
    run.lines.iter().map(|told| &told.text[..]).collect()
}

/// Octets behind STLS that come by themselves meet a session that waits for TLS; nothing else may differ.
fn switched(run: &Run, whole: &Run) -> bool {
    let (run, whole) = (texts(run), texts(whole));
    let Some((error, before)) = whole.split_last() else { return false };
    match run.strip_prefix(before) {
        Some([.., last]) if error.contains("where TLS was to begin") && last == error => {
            run[before.len()..run.len() - 1].iter().all(|line| {
                STARTS_TLS.iter().any(|tls| line.contains(tls)) || *line == "command: STLS"
            })
        }
        _ => false,
    }
}

/// The `# name: value` lines above the first line of a script.
#[derive(Clone)]
struct Headers(Vec<(String, String)>);

impl Headers {
    fn read(text: &str) -> Result<Self, String> {
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if !name.bytes().all(|octet| octet.is_ascii_lowercase()) {
                continue;
            }
            if headers.iter().any(|(of, _)| of == name) {
                return Err(format!("two headers {name}"));
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self(headers))
    }

    /// What it does not say itself.
    fn inherit(&mut self, from: &Self) {
        for (name, value) in &from.0 {
            if !self.0.iter().any(|(of, _)| of == name) {
                self.0.push((name.clone(), value.clone()));
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(of, _)| of == name)?;
        Some(self.0.remove(at).1)
    }

    fn required(&mut self, name: &str) -> Result<String, String> {
        self.take(name).ok_or_else(|| format!("no header {name}"))
    }

    fn none_left(&self) -> Result<(), String> {
        match self.0.first() {
            Some((name, _)) => Err(format!("unknown header {name}")),
            None => Ok(()),
        }
    }
}

/// C0001, V0001 and MS-2.1 of the Outlook documents, R1939-3.02 of an RFC, OX… of MS-OXPOP3.
fn is_rule(id: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let rest = |start: char| id.strip_prefix(start);
    if let Some(rule) = id.strip_prefix("OX") {
        return rule.bytes().any(|octet| octet.is_ascii_digit());
    }
    if let Some(section) = id.strip_prefix("MS-") {
        return section.split('.').all(digits);
    }
    match rest('R').and_then(|rule| rule.split_once('-')) {
        Some((document, rule)) => digits(document) && rule.split('.').all(digits),
        None => id.len() == 5 && rest('C').or_else(|| rest('V')).is_some_and(digits),
    }
}

/// The sessions of every file of a folder of these tests, as `read` reads a file of this name.
pub(crate) fn read_folder(
    folder: &str,
    read: impl Fn(&str, &str) -> Result<Vec<Transcript>, String>,
) -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|of| of.unwrap().path()).collect();
    files.sort();
    files.retain(|file| !file.ends_with("README.md"));
    let read = |file: &Path| {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(file.extension().unwrap(), "txt", "{name}");
        let text = fs::read_to_string(file).unwrap();
        read(name, &text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    files.iter().map(std::path::PathBuf::as_path).flat_map(read).collect()
}

/// Nothing but what the script has of a role is on the wire: nothing between, and nothing behind.
pub(crate) fn wrote_what_is_there(role: Role, transcript: &Transcript, run: &Run) {
    // At once, or when what it waited for has come.
    let refused = |line: usize| {
        run.lines.iter().filter(|told| told.line == line).any(|told| {
            let held = told.text.strip_prefix("held back ").and_then(|held| held.split_once(':'));
            let later = held.map(|(keyword, _)| format!("refused {keyword}:"));
            let refused_later = |of: &Told| {
                of.line > line && later.as_ref().is_some_and(|later| of.text.starts_with(later))
            };
            told.text.starts_with("refused") || run.lines.iter().any(refused_later)
        })
    };
    // The answers behind an error are those that are never given.
    let broken = run.lines.iter().find(|told| told.text.starts_with("error: "));
    let end = broken.map_or(usize::MAX, |told| told.line);
    let mut expected = Vec::new();
    for entry in transcript.script.entries.iter().filter(|entry| entry.line <= end) {
        match (&entry.step, role) {
            (Step::Client(octets), Role::Client) if !refused(entry.line) => {
                expected.extend_from_slice(octets);
            }
            (Step::Server(octets), Role::Server) => expected.extend_from_slice(octets),
            _ => {}
        }
    }
    let shown = |octets: &[u8]| octets.escape_ascii().to_string();
    assert_eq!(shown(&run.sent), shown(&expected), "{} {role:?}", transcript.name);
}

/// Plays all sessions of a role.
pub(crate) fn play_every(
    transcripts: &[Transcript],
    role: Role,
    mut check: impl FnMut(&Transcript, &Run),
) {
    let mut played = 0;
    for transcript in transcripts.iter().filter(|of| of.roles.contains(&role)) {
        let run = transcript.play_in_pieces(role, &transcript.leniency);
        let told = run.lines.iter().map(|told| format!("{}: {}", told.line, told.text));
        let told: Vec<_> = told.collect();
        assert_eq!(told, transcript.expected(role), "{} {role:?}", transcript.name);
        assert_eq!(run.state.to_string(), transcript.ends, "{} {role:?}", transcript.name);
        check(transcript, &run);
        played += 1;
    }
    assert!(played > 0, "nothing is played");
}
