//! Every transcript of `transcripts/` is played: whole, one octet at a time, and cut in two at every place.
//!
//! `transcripts/README.md` says how one is written; `examples/inspect` plays it.

#[path = "../examples/inspect/play/mod.rs"]
mod play;

use std::fs;
use std::path::{Path, PathBuf};

use play::{Cut, Forgiven, Role, Run, Script, Step};

/// What a client's session tells of the answer to STLS, where octets behind it come in a piece of their own.
const STARTS_TLS: [&str; 2] = [" STLS starts TLS: ", "TLS begins"];

struct Transcript {
    name: String,
    script: Script,
    roles: Vec<Role>,
    leniency: Forgiven,
    /// What a strict session tells last.
    strict: Option<String>,
    /// The state in which it ends.
    ends: String,
}

impl Transcript {
    fn read(name: &str, text: &str) -> Result<Self, String> {
        let script = Script::read(text.as_bytes()).map_err(|error| error.to_string())?;
        let mut headers = Headers::read(text)?;
        let roles = headers.required("role")?;
        let transcript = Self {
            name: name.to_owned(),
            script,
            roles: roles.split(", ").map(Role::parse).collect::<Result<_, _>>()?,
            leniency: Forgiven::parse(&headers.required("leniency")?)?,
            strict: headers.take("strict"),
            ends: headers.required("ends")?,
        };
        headers.required("source")?;
        for rule in headers.take("rules").iter().flat_map(|rules| rules.split(", ")) {
            if !is_rule(rule) {
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
    fn expected(&self, role: Role) -> Vec<String> {
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

    fn play(&self, role: Role, leniency: &Forgiven, cut: Cut) -> Run {
        let run = play::play(&self.script, role, leniency, cut);
        run.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// I1: the same comes of it however the octets are cut.
    fn play_in_pieces(&self, role: Role, leniency: &Forgiven) -> Run {
        let whole = self.play(role, leniency, Cut::Whole);
        let by_line = self.play(role, leniency, Cut::Lines);
        let cuts = (1..by_line.received.max(whole.received)).map(Cut::At);
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

fn texts(run: &Run) -> Vec<&str> {
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

/// C0001 and V0001 of the Outlook documents, R1939-3.02 of an RFC, OX… of MS-OXPOP3.
fn is_rule(id: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let rest = |start: char| id.strip_prefix(start);
    if let Some(rule) = id.strip_prefix("OX") {
        return rule.bytes().any(|octet| octet.is_ascii_digit());
    }
    match rest('R').and_then(|rule| rule.split_once('-')) {
        Some((document, rule)) => digits(document) && rule.split('.').all(digits),
        None => id.len() == 5 && rest('C').or_else(|| rest('V')).is_some_and(digits),
    }
}

fn transcripts() -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|of| of.unwrap().path()).collect();
    files.sort();
    files.retain(|file| !file.ends_with("README.md"));
    let read = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(file.extension().unwrap(), "txt", "{name}");
        let text = fs::read_to_string(file).unwrap();
        Transcript::read(name, &text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    files.iter().map(read).collect()
}

fn play_every(role: Role) {
    let mut played = 0;
    for transcript in transcripts().iter().filter(|of| of.roles.contains(&role)) {
        let run = transcript.play_in_pieces(role, &transcript.leniency);
        let told = run.lines.iter().map(|told| format!("{}: {}", told.line, told.text));
        let told: Vec<_> = told.collect();
        assert_eq!(told, transcript.expected(role), "{} {role:?}", transcript.name);
        assert_eq!(run.state.to_string(), transcript.ends, "{} {role:?}", transcript.name);
        played += 1;
    }
    assert!(played > 0, "nothing is played");
}

/// I1: a client's caller is told what the transcripts say, however what the server says is cut.
#[test]
fn a_client_plays_every_transcript() {
    play_every(Role::Client);
}

/// I1: a server's caller is told what the transcripts say, however what the client says is cut.
#[test]
fn a_server_plays_every_transcript() {
    play_every(Role::Server);
}

/// What is forgiven in a transcript is refused by a session that forgives nothing.
#[test]
fn strict_twins_refuse() {
    let mut played = 0;
    for transcript in transcripts() {
        let Some(strict) = &transcript.strict else { continue };
        for role in &transcript.roles {
            let run = transcript.play_in_pieces(*role, &Forgiven::strict());
            let last = run.lines.last().map(|told| &told.text);
            assert_eq!(last, Some(strict), "{} {role:?}", transcript.name);
            let forgiving = transcript.play(*role, &transcript.leniency, Cut::Lines);
            assert_ne!(texts(&run), texts(&forgiving), "{}: nothing to forgive", transcript.name);
            played += 1;
        }
    }
    assert!(played > 0, "nothing is played");
}

/// A header that nobody knows, or one that is missing, is no comment.
#[test]
fn headers_are_known() {
    let read = |text: &str| Transcript::read("x", text).err();
    let sound =
        "# source: here\n# role: client\n# leniency: strict\n# ends: closed\nS: -ERR\n> x\n";
    assert_eq!(read(sound), None);
    assert_eq!(read(&format!("# note: x\n{sound}")).as_deref(), Some("unknown header note"));
    assert_eq!(read(&format!("# Note: x\n# a note\n{sound}")), None);
    assert_eq!(read(&format!("# rules: C0001, V0001, R2449-6.6.02, OX-3.1\n{sound}")), None);
    for id in ["C1", "X0001", "R1939-", "R-1.01", "R1939-a", "OX"] {
        let error = read(&format!("# rules: {id}\n{sound}"));
        assert_eq!(error, Some(format!("no rule: {id}")));
    }
    assert_eq!(read(&format!("# role: client\n{sound}")).as_deref(), Some("two headers role"));
    for name in ["source", "role", "leniency", "ends"] {
        let line = sound.lines().find(|line| line.contains(name)).unwrap();
        let without = sound.replace(&format!("{line}\n"), "");
        assert_eq!(read(&without), Some(format!("no header {name}")));
    }
    assert!(read(&sound.replace("> x", "< x")).is_some(), "a role that is not played");
    assert!(read(&sound.replace("> x\n", "")).is_some(), "nothing to tell");
}
