//! `CONFORMANCE.md` is what it says it is: every row has its test, every id that a test names has its row. So are the table of
//! `ARCHITECTURE.md` and the list of `MUTANTS.md`.

mod architecture;
mod invariants;
mod ledger;
mod mutants;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Row, rows};
use sources::{Sources, ids};

const LEVELS: [&str; 6] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "–"];
const ROLES: [&str; 3] = ["client", "server", "both"];

#[test]
fn each_row_is_whole() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert_eq!(ids(&row.id), [row.id.as_str()], "no id");
        assert!(seen.insert(row.id.clone()), "{} twice", row.id);
        assert!(LEVELS.contains(&row.level.as_str()), "{}: level {:?}", row.id, row.level);
        assert!(ROLES.contains(&row.role.as_str()), "{}: role {:?}", row.id, row.role);
        assert!(row.rule.ends_with('.'), "{}: the rule is a sentence: {:?}", row.id, row.rule);
        if row.is_outlook() {
            assert_eq!(row.editions.as_deref(), Some("3.0, 5.0"), "{}: both editions", row.id);
        }
        match row.status.split_once(": ") {
            None => {
                assert_eq!(row.status, "proven", "{}", row.id);
                assert!(!row.tests.is_empty(), "{}: no test", row.id);
            }
            Some((status, reason)) => {
                assert_eq!(status, "waived", "{}", row.id);
                assert!(reason.split(' ').count() >= 4, "{}: no reason: {reason:?}", row.id);
            }
        }
    }
}

/// The numbers of a section run from one on, so that no row is lost unseen.
#[test]
fn no_number_is_left_out() {
    let mut sections: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in rows() {
        let digits = row.id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (section, number) = row.id.split_at(digits);
        if !section.starts_with("MS-") {
            sections.entry(section.into()).or_default().push(number.parse().unwrap());
        }
    }
    for (section, mut numbers) in sections {
        numbers.sort_unstable();
        let expected: Vec<_> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "{section}");
    }
    let all: BTreeSet<_> = rows().into_iter().map(|row| row.id).collect();
    for (letter, last) in [("C", 47), ("V", 8)] {
        for number in 1..=last {
            assert!(
                all.contains(&format!("{letter}{number:04}")),
                "{letter}{number:04} is missing"
            );
        }
    }
}

#[test]
fn each_row_leads_to_tests_that_name_it() {
    let sources = Sources::read();
    let mut wrong = Vec::new();
    for row in rows() {
        for test in &row.tests {
            match sources.test(test) {
                None => wrong.push(format!("{}: there is no {test}", row.id)),
                Some(text) if !ids(text).contains(&row.id.as_str()) => {
                    wrong.push(format!("{}: {test} does not name it", row.id));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_id_that_is_named_has_a_row() {
    let known: BTreeSet<String> = rows().into_iter().map(|row| row.id).collect();
    let mut wrong = Vec::new();
    for (path, text) in Sources::read().files() {
        for id in ids(text) {
            if !known.contains(id) {
                wrong.push(format!("{path} names {id}, which has no row"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Twenty of the rules that are a MUST were broken to see their tests fail: tests that their rows name.
#[test]
fn what_was_broken_was_noticed_by_the_rows_own_test() {
    let rows = rows();
    let broken = ledger::broken();
    assert_eq!(broken.len(), 20);
    for (id, test) in broken {
        let row = rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("no row {id}"));
        assert!(row.level.starts_with("MUST"), "{id}");
        let names_it = |named: &String| named.rsplit("::").next() == Some(test);
        assert!(row.tests.iter().any(names_it), "{id}: its row does not name {test}");
    }
}

/// The page says of itself how many rows it has.
#[test]
fn the_numbers_of_the_preface_are_right() {
    let rows = rows();
    let waived = rows.iter().filter(|row| row.status != "proven").count();
    let sum = format!("{} rules, {} proven, {waived} waived", rows.len(), rows.len() - waived);
    assert!(ledger::PAGE.contains(&sum), "CONFORMANCE.md does not say {sum:?}");
}

/// The test of the tests: what an id is, where a test begins and ends.
#[test]
fn the_reader_reads() {
    assert_eq!(
        ids(
            "C0001, V0008; `R1939-3.02`. R4422-3.4.1.01: RXOAUTH2-MS.01 OX-07, MS-2.3. xC0001 C00011 R1939-3 RFC"
        ),
        ["C0001", "V0008", "R1939-3.02", "R4422-3.4.1.01", "RXOAUTH2-MS.01", "OX-07", "MS-2.3"]
    );
    let text = "mod a {\n    /// OX-01\n    #[test]\n    fn one() {\n        // OX-02\n    }\n\n    /// OX-03\n    #[test]\n    fn two() {\n    }\n}\n";
    let one = sources::function(text, "one").unwrap();
    assert_eq!(ids(one), ["OX-01", "OX-02"]);
    assert_eq!(ids(sources::function(text, "two").unwrap()), ["OX-03"]);
    assert_eq!(sources::function(text, "on"), None);
    let row = Row::read(
        "| C0001 | MUST | both | A rule, by `a\\|b`. | 3.0, 5.0 | proven | `a.rs::b` `c.txt` |",
    )
    .unwrap();
    assert_eq!((row.rule.as_str(), row.tests.len()), ("A rule, by `a\\|b`.", 2));
}
