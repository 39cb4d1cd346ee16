//! Every script of `attacks/` is played: whole, one octet at a time, and cut in two at every place; and every row of the
//! catalogue has a script, a test, or a reason.
//!
//! `attacks/README.md` is the catalogue.

#[path = "../examples/inspect/play/mod.rs"]
mod play;
#[path = "support/transcript.rs"]
mod transcript;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use play::Role;
use pop3_proto::client::Security;
use transcript::{Transcript, play_every, read_folder, wrote_what_is_there};

/// The classes of the catalogue, and how many rows each has.
const CLASSES: [(char, usize); 12] = [
    ('A', 18),
    ('B', 19),
    ('C', 13),
    ('D', 21),
    ('E', 23),
    ('F', 27),
    ('G', 18),
    ('H', 18),
    ('I', 26),
    ('J', 14),
    ('K', 11),
    ('L', 7),
];

const FOLDER: &str = "tests/attacks";

fn attacks() -> Vec<Transcript> {
    read_folder(FOLDER, Transcript::read_all)
}

/// What a hostile server does, and what comes of it: exactly these events or this error, and nothing but the script's
/// own lines on the wire.
#[test]
fn hostile_servers() {
    play_every(&attacks(), Role::Client, |transcript, run| {
        wrote_what_is_there(Role::Client, transcript, run);
    });
}

/// The same of hostile clients.
#[test]
fn hostile_clients() {
    play_every(&attacks(), Role::Server, |transcript, run| {
        wrote_what_is_there(Role::Server, transcript, run);
    });
}

/// What stands in the last column of a row.
#[derive(Debug)]
struct Row {
    scripts: BTreeSet<String>,
    tests: BTreeSet<String>,
    /// Why it cannot apply.
    reason: Option<String>,
}

impl Row {
    fn read(text: &str) -> Self {
        let mut row = Self { scripts: BTreeSet::new(), tests: BTreeSet::new(), reason: None };
        if let Some(reason) = text.strip_prefix("cannot be: ") {
            row.reason = Some(reason.to_owned());
            return row;
        }
        for word in text.split_whitespace() {
            let word = word.strip_prefix('`').and_then(|word| word.strip_suffix('`'));
            let word = word.unwrap_or_else(|| panic!("in backticks: {text}"));
            let of = if word.contains("::") { &mut row.tests } else { &mut row.scripts };
            assert!(of.insert(word.to_owned()), "twice: {text}");
        }
        row
    }
}

/// The catalogue, row by row.
fn catalogue() -> BTreeMap<String, Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let text = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut rows = BTreeMap::new();
    let mut class = None;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            class = heading.chars().next();
        }
        let row = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |"));
        let Some(row) = row.filter(|_| class.is_some()) else { continue };
        let cells: Vec<_> = row.split(" | ").collect();
        let [id, what, by] = cells[..] else { panic!("three columns: {line}") };
        if id == "id" {
            continue;
        }
        assert_eq!(id.chars().next(), class, "{id} stands in another class");
        assert!(!what.is_empty(), "{id}");
        assert!(rows.insert(id.to_owned(), Row::read(by)).is_none(), "{id} stands twice");
    }
    rows
}

/// Each row of the catalogue is there, and is shown by a script or by a test, or cannot be, for a reason.
#[test]
fn every_row_is_shown() {
    let mut rows = catalogue();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (class, count) in CLASSES {
        for number in 1..=count {
            let id = format!("{class}{number}");
            let row = rows.remove(&id).unwrap_or_else(|| panic!("{id} is missing"));
            let shown = !row.scripts.is_empty() || !row.tests.is_empty();
            let excused = row.reason.as_ref().is_some_and(|reason| !reason.is_empty());
            assert!(shown != excused, "{id}: {row:?}");
            for test in &row.tests {
                let (path, function) = test.split_once("::").unwrap();
                let text = fs::read_to_string(root.join(path));
                let text = text.unwrap_or_else(|error| panic!("{id}: {path}: {error}"));
                assert!(text.contains(&format!("fn {function}(")), "{id}: no test {test}");
            }
        }
    }
    assert!(rows.is_empty(), "nobody knows {:?}", rows.keys());
}

/// A row names the scripts that name it, and no others.
#[test]
fn rows_and_scripts_name_each_other() {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for attack in attacks() {
        assert!(!attack.attacks.is_empty(), "{}: no row", attack.name);
        let (file, _) = attack.name.split_once(", ").unwrap();
        for id in attack.attacks {
            named.entry(id).or_default().insert(file.to_owned());
        }
    }
    let rows = catalogue();
    for (id, scripts) in &named {
        assert!(rows.contains_key(id), "{scripts:?}: no row {id}");
    }
    for (id, row) in rows {
        assert_eq!(row.scripts, named.remove(&id).unwrap_or_default(), "{id}");
    }
}

/// `---` begins a session of its own: with the headers of the first, but for those that it has itself.
#[test]
fn a_file_holds_sessions() {
    let first =
        "# source: here\n# attacks: A1\n# role: client\n# leniency: strict\n# ends: closed\n";
    let text =
        format!("{first}\nS: -ERR\n> x\n---\n# ends: failed\n# security: implicit\nS: x\n> y\n");
    let [one, two] = &Transcript::read_all("x", &text).unwrap()[..] else { panic!("two sessions") };
    assert_eq!((&one.name[..], &one.ends[..]), ("x, 1", "closed"));
    assert_eq!((&two.name[..], &two.ends[..]), ("x, 2", "failed"));
    assert_eq!(two.attacks, ["A1"]);
    assert_eq!((one.security, two.security), (Security::PlaintextAllowed, Security::Implicit));
    assert_eq!(one.expected(Role::Client), ["7: x"]);
    assert_eq!(two.expected(Role::Client), ["12: y"]);
    let error = Transcript::read_all("x", &text.replace("implicit", "none")).err();
    assert_eq!(error.as_deref(), Some("no such policy: none"));
}
