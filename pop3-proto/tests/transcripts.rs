//! Every transcript of `transcripts/` is played: whole, one octet at a time, and cut in two at every place.
//!
//! `transcripts/README.md` says how one is written; `examples/inspect` plays it.

#[path = "../examples/inspect/play/mod.rs"]
mod play;

#[path = "support/transcript.rs"]
mod transcript;

use play::{Cut, Forgiven, Role, Run};
use transcript::{Transcript, play_every, read_folder, texts, wrote_what_is_there};

fn transcripts() -> Vec<Transcript> {
    read_folder("tests/transcripts", |name, text| Ok(vec![Transcript::read(name, text)?]))
}

/// Whether a session says something else than the script has for it, which it tells.
fn says_otherwise(run: &Run) -> bool {
    let otherwise = ["says: ", "unfit answer: "];
    texts(run).iter().any(|told| otherwise.iter().any(|word| told.starts_with(word)))
}

/// I1: a client's caller is told what the transcripts say, however what the server says is cut; and it sends their
/// lines and no others.
#[test]
fn a_client_plays_every_transcript() {
    play_every(&transcripts(), Role::Client, |transcript, run| {
        wrote_what_is_there(Role::Client, transcript, run);
    });
}

/// I1: a server's caller is told what the transcripts say, however what the client says is cut; and it answers with
/// their lines and no others.
#[test]
fn a_server_plays_every_transcript() {
    play_every(&transcripts(), Role::Server, |transcript, run| {
        if !says_otherwise(run) {
            wrote_what_is_there(Role::Server, transcript, run);
        }
    });
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
    assert_eq!(
        read(&format!("# rules: C0001, V0001, MS-2.1, R2449-6.6.02, OX-3.1\n{sound}")),
        None
    );
    for id in ["C1", "X0001", "R1939-", "R-1.01", "R1939-a", "OX", "MS-", "MS-2."] {
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
