//! The example `inspect`: its command line, its scripts, and what it prints, which is an interface.

#[path = "../examples/inspect/arguments.rs"]
mod arguments;
#[path = "../examples/inspect/play/mod.rs"]
mod play;
#[path = "../examples/inspect/run.rs"]
mod run;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use play::{Cut, Forgiven, Role, Script};
use proptest::prelude::*;

/// What a run printed, what it complained of, and its exit status.
fn inspect(words: &[&str], script: &str) -> (String, String, u8) {
    let (mut out, mut error) = (Vec::new(), Vec::new());
    let words = words.iter().map(OsString::from);
    let status = run::run(words, &mut script.as_bytes(), &mut out, &mut error);
    (String::from_utf8(out).unwrap(), String::from_utf8(error).unwrap(), status)
}

/// A session in every word that a script has.
const SESSION: &str = "\
# A session.

S: +OK ready
C: CAPA
S: +OK
S: SASL PLAIN
S: STLS
S: .
C: STLS
S: +OK begin
TLS
C: AUTH PLAIN
S: +\\x20
C: dGVzdAB0ZXN0AHRlc3Q=
S: +ok in
C: STAT
S: +OK 1 12
C: UIDL
S: +OK\\r\\n1 a\\r\\n\\
S: .
C: RSET
S: +OK
C: TOP 1 0
S: +OK
S: Subject:\\t\\xe9\\\\
S:
S: .
C: DELE 1
S: +OK
C: QUIT
S: +OK bye
EOF
> nobody reads this
";

#[test]
fn a_client_prints_one_event_a_line() {
    let expected = "\
greeting: +OK ready
#0 CAPA: +OK
#0 CAPA item: capability SASL PLAIN
#0 CAPA item: capability STLS
#0 CAPA finished
#1 STLS starts TLS: +OK begin
#2 AUTH challenge: 0 octets
#2 AUTH deviation: status indicator not in upper case
#2 AUTH completed: +OK in
#3 STAT item: messages 1, octets 12
#3 STAT completed: +OK 1 12
#4 UIDL: +OK
#4 UIDL item: message 1, unique-id a
#4 UIDL finished
#5 RSET completed: +OK
#6 TOP: +OK
#6 TOP data: Subject:\\t\\xe9\\\\\\r\\n
#6 TOP data: \\r\\n
#6 TOP finished
#7 DELE completed: +OK
#8 QUIT completed: +OK bye
closed: deletions were committed
";
    assert_eq!(inspect(&[], SESSION), (expected.to_owned(), String::new(), 0));
    assert_eq!(inspect(&["--role", "client", "--leniency=tolerant"], SESSION).0, expected);
}

#[test]
fn a_server_prints_one_event_a_line() {
    let expected = "\
says: +OK capability list follows
says: TOP
says: USER
says: SASL PLAIN
says: RESP-CODES
says: AUTH-RESP-CODE
says: PIPELINING
says: UIDL
says: STLS
says: .
command: STLS
TLS begins
command: AUTH PLAIN
response: 14 octets
unfit answer: neither +OK nor -ERR
closed: UPDATE was not entered
";
    assert_eq!(inspect(&["--role=server"], SESSION), (expected.to_owned(), String::new(), 0));
    let rest = "\
response: 14 octets
command: STAT
command: UIDL
command: RSET
command: TOP 1 0
command: DELE 1
command: QUIT
closed: UPDATE was entered
";
    let (out, ..) = inspect(&["--role=server"], &SESSION.replace("+ok", "+OK"));
    assert!(out.ends_with(rest), "{out}");
}

/// V0006: a policy is part of a preset.
#[test]
fn what_our_client_does_not_send_is_said() {
    let (out, _, status) = inspect(&["--leniency", "outlook"], SESSION);
    assert!(out.contains("\nrefused RSET: the send policy forbids RSET\n#5 TOP: +OK\n"), "{out}");
    assert_eq!(status, 0);
    let script = "C: CAPA\nS: +OK ready\nC: RETR\nC: LIST 1\nS: -ERR\nC: \\xff\nC: XTND\nS: -ERR\n";
    let expected = "\
refused CAPA: nothing may be sent before the greeting
greeting: +OK ready
refused: syntax error in arguments (RETR)
refused LIST: LIST is not legal now (AUTHORIZATION)
refused: octet not allowed in a command
#0 raw completed: -ERR
";
    assert_eq!(inspect(&[], script).0, expected);
}

/// A command that nobody here knows is framed as the script has its reply.
#[test]
fn a_reply_to_an_unknown_command_is_framed_as_it_stands_there() {
    let script = "S: +OK\nC: XLIST\nS: +OK\nS: a\nS: .\nC: XNOOP\nS: +OK\nC: CAPA\nS: -ERR\n";
    let expected = "\
greeting: +OK
#0 raw: +OK
#0 raw data: a\\r\\n
#0 raw finished
#1 raw completed: +OK
#2 CAPA completed: -ERR
";
    assert_eq!(inspect(&[], script).0, expected);
}

/// The offset is that of the first octet that was not taken, in what the peer said.
#[test]
fn a_protocol_error_says_where() {
    for (words, script, offset) in [
        (&["--leniency=strict"][..], "S: +OK\nC: CAPA\nS: +ok\n", 5),
        (&[], "S: +OK\nS: more\n", 5),
        (&[], "S: +OK\\n\\\n", 0),
        (&[], "S: +OK\nC: CAPA\nS: +OK\nS: TOP\nEOF\n", 15),
        (&["--role=server"], "S: +OK\nC: CAPA\nC: NOOP\\n\\\n", 6),
        (&["--role=server"], "S: +OK\nC: CAPA\nC: STLS\\r\\nUSER a\nS: +OK\n", 12),
        (&["--role=server"], "S: +OK\nC: STLS\nS: +OK\nC: USER a\nS: +OK\n", 6),
    ] {
        let (out, error, status) = inspect(words, script);
        let last = out.lines().last().unwrap();
        assert!(last.starts_with("error: "), "{script}: {out}");
        assert!(last.ends_with(&format!(" (at octet {offset})")), "{script}: {last}");
        assert_eq!((error.as_str(), status), ("", 1), "{script}");
    }
}

#[test]
fn a_script_that_ends_early_says_what_is_due() {
    for (words, script, told) in [
        (&[][..], "", "waiting: the greeting\n"),
        (&[], "S: +OK\nC: CAPA\n", "greeting: +OK\nwaiting: the reply to CAPA\n"),
        (
            &["--role=server"],
            "C: USER a\n",
            "says: +OK POP3 server ready\ncommand: USER (withheld)\nwaiting: an answer\n",
        ),
    ] {
        assert_eq!(inspect(words, script), (told.to_owned(), String::new(), 0));
    }
}

/// A bad script says its line, and shows nothing of it.
#[test]
fn a_bad_script_says_its_line() {
    for (words, script, line) in [
        (&[][..], "S: +OK\nPASS tanstaaf\n", 2),
        (&[], "# x\n\nC:PASS tanstaaf\n", 3),
        (&[], "S: \\q\n", 1),
        (&[], "S: \\x4\n", 1),
        (&[], "S: \\xg0\n", 1),
        (&[], "S: \\2{a\n", 1),
        (&[], "S: \\2a}\n", 1),
        (&[], "S: \\2}a{\n", 1),
        (&[], "S: \\1048577{a}\n", 1),
        (&[], "S: \\18446744073709551615{aa}\n", 1),
        (&[], "S: \\18446744073709551616{}\n", 1),
        (&[], "S: +OK\nTLS\n", 2),
        (&[], "S: +OK\nEOF\nS: +OK\n", 3),
        (&[], "> x\n\nEOF x\n", 3),
        (&["--role=server"], "S: +OK\nEOF\nC: CAPA\n", 3),
        (&["--role=server"], "S: +OK\nC: CAPA\nTLS\n", 3),
        (&["--role=server"], "C: CAPA\nS: -ERR full\n", 2),
    ] {
        let (out, error, status) = inspect(words, script);
        assert_eq!((out.as_str(), status), ("", 2), "{script}");
        assert!(error.starts_with(&format!("inspect: line {line}: ")), "{script}: {error}");
        assert!(!error.contains("tanstaaf"), "{error}");
    }
}

/// What comes many times is written once, and is no more than what it stands for.
#[test]
fn a_repetition_is_written_out() {
    let (out, _, status) = inspect(&[], "S: +OK \\3{ab}\\0{c}\\2{\\x41}\\\\2{d}\n");
    assert_eq!((&out[..], status), ("greeting: +OK abababAA\\\\2{d}\n", 0));
}

#[test]
fn a_bad_command_line_is_refused() {
    for words in [
        &["--leniency"][..],
        &["--leniency=lax"],
        &["--leniency=strict,everything"],
        &["--role=proxy"],
        &["--port=110"],
        &["a", "b"],
        &["/nonexistent/session.txt"],
    ] {
        let (out, error, status) = inspect(words, "");
        assert_eq!((out.as_str(), status), ("", 2), "{words:?}");
        assert!(error.starts_with("inspect: ") && error.lines().count() == 1, "{error}");
    }
    let (out, error, status) = inspect(&["--help"], "");
    assert!(out.contains("--leniency") && error.is_empty() && status == 0);
}

/// A file is read as the standard input is.
#[test]
fn a_file_is_played() {
    let file = transcripts().into_iter().find(|file| file.ends_with("rfc1939-quit.txt")).unwrap();
    let (out, _, status) = inspect(&["--leniency", "strict", file.to_str().unwrap()], "EOF");
    assert_eq!(status, 0);
    assert!(out.ends_with("closed: nothing was removed\n"), "{out}");
}

/// What README.md shows is what is printed.
#[test]
fn the_readme_tells_the_truth() {
    let readme = include_str!("../../README.md");
    let between = |start: &str, end: &str| {
        let (_, text) = readme.split_once(start).unwrap();
        text.split_once(end).unwrap().0
    };
    let (script, shown) = (between("<<'END'\n", "END\n"), between("END\n```\n\n```text\n", "```"));
    assert_eq!(inspect(&["--role", "client"], script), (shown.to_owned(), String::new(), 0));
}

/// Each switch of leniency is known by its name, and does something.
#[test]
fn switches_have_the_names_of_their_fields() {
    let fields = format!("{:?}", pop3_proto::Leniency::strict())
        + &format!("{:?}", pop3_proto::server::ServerLeniency::strict());
    let names = fields.split([' ', '{', ',']).filter_map(|word| word.strip_suffix(':'));
    let on = ["bare_plus", "password_spaces"];
    let mut known = 0;
    for name in names {
        let switched = Forgiven::parse(&format!("strict,{name}")).unwrap();
        assert_eq!(switched == Forgiven::strict(), on.contains(&name), "{name}");
        known += 1;
    }
    assert!(known > on.len());
}

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|of| of == "txt")).collect()
}

/// I10: nothing that is printed of any transcript holds a password, a digest or what was said in AUTH.
#[test]
fn no_credential_is_printed() {
    let mut secrets = 0;
    for file in transcripts() {
        let text = fs::read_to_string(&file).unwrap();
        let script = Script::read(text.as_bytes()).unwrap();
        let said = text.lines().filter_map(|line| line.strip_prefix("C: "));
        let secret = said.filter_map(|line| match line.split_once(' ') {
            Some(("PASS", password)) => Some(password.trim()),
            Some(("APOP", arguments)) => arguments.rsplit(' ').next(),
            Some(("AUTH", arguments)) => arguments.split_once(' ').map(|(_, initial)| initial),
            None if line.len() > 8 => Some(line),
            _ => None,
        });
        for secret in secret.filter(|secret| *secret != "=" && !secret.is_empty()) {
            for role in [Role::Client, Role::Server] {
                let Ok(run) = play::play(&script, role, &Forgiven::default(), Cut::Lines) else {
                    continue;
                };
                for told in run.lines {
                    assert!(!told.text.contains(secret), "{}: {}", file.display(), told.text);
                }
                secrets += 1;
            }
        }
    }
    assert!(secrets > 0);
}

/// I10: a server that repeats a credential, as it is or decoded, is not quoted.
#[test]
fn no_echo_is_printed() {
    let script = "\
S: +OK ready
C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==
S: -ERR not AHRpbQB0YW5zdGFhZg==
C: USER tim
S: +OK
C: PASS tanstaaf
S: what is tanstaaf?
";
    for (words, status) in [(&["--leniency=outlook"][..], 0), (&["--leniency=strict"], 1)] {
        let (out, _, got) = inspect(words, script);
        assert_eq!(got, status);
        assert_eq!(out.matches("withheld").count(), 2, "{out}");
        for secret in ["tanstaaf", "AHRpbQB0YW5zdGFhZg=="] {
            assert!(!out.contains(secret), "{out}");
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    const SAID: &[&str] = &[
        "CAPA",
        "STLS",
        "AUTH PLAIN",
        "AUTH",
        "*",
        "USER a",
        "PASS b",
        "LIST",
        "RETR 1",
        "QUIT",
        "+OK",
        "-ERR",
        "+ ",
        "+",
        ".",
        "1 120",
        "+OK 1 2",
        "SASL PLAIN",
        "+OK <a@b>",
        "x\\r\\ny",
        "x\\n\\",
        "\\x00\\",
    ];
    let said = (prop::sample::select(&["C: ", "S: "][..]), prop::sample::select(SAID));
    prop_oneof![
        8 => said.prop_map(|(who, what)| format!("{who}{what}")),
        1 => prop::sample::select(&["TLS", "EOF"][..]).prop_map(str::to_owned),
    ]
}

proptest! {
    /// I2: whatever a script says, it is played to its end or refused.
    #[test]
    fn any_script_ends(lines in prop::collection::vec(line(), 0..24), strict: bool) {
        let script = Script::read(lines.join("\n").as_bytes()).unwrap();
        let forgiven = if strict { Forgiven::strict() } else { Forgiven::default() };
        for role in [Role::Client, Role::Server] {
            for cut in [Cut::Lines, Cut::Whole, Cut::Octets, Cut::At(7)] {
                if let Ok(run) = play::play(&script, role, &forgiven, cut) {
                    let errors = run.lines.iter().filter(|told| told.text.starts_with("error: "));
                    prop_assert_eq!(errors.count(), usize::from(run.failed));
                }
            }
        }
    }
}
