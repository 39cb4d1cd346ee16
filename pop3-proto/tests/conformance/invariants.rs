//! `ARCHITECTURE.md` names, for each invariant, tests that name it back and fuzz targets that there are.

use crate::sources::Sources;

const PAGE: &str = include_str!("../../../ARCHITECTURE.md");
const TARGETS: &str = include_str!("../../../fuzz/Cargo.toml");
const INVARIANTS: usize = 12;

#[test]
fn each_invariant_leads_to_tests_that_name_it() {
    let (_, rest) = PAGE.split_once("<!-- proofs -->\n").expect("the beginning of the table");
    let (table, _) = rest.split_once("<!-- /proofs -->").expect("the end of the table");
    let sources = Sources::read();
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), INVARIANTS);
    for (row, number) in rows.iter().zip(1..) {
        let invariant = format!("I{number}");
        let [_, name, tests, targets, _] = row.split('|').collect::<Vec<_>>()[..] else {
            panic!("not three cells: {row}");
        };
        assert_eq!(name.trim(), invariant);
        assert!(quoted(tests).count() > 0, "{invariant} has no test");
        for test in quoted(tests) {
            let text = sources.test(test).unwrap_or_else(|| panic!("there is no {test}"));
            assert!(names(text, &invariant), "{test} does not name {invariant}");
        }
        for target in quoted(targets) {
            assert!(TARGETS.contains(&format!("name = \"{target}\"")), "no target {target}");
        }
    }
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn names(text: &str, invariant: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == invariant)
}
