//! The list of mutants that no test can catch speaks of code that there is.

use std::fs;
use std::path::Path;

/// Each row names a file and a function, or a constant, of it, and a reason.
#[test]
fn what_is_listed_is_there() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let list = include_str!("../../MUTANTS.md");
    let rows: Vec<&str> = list.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, file, function, mutant, reason, _] = cells[..] else { panic!("{row}") };
        let text = fs::read_to_string(source.join(file.trim_matches('`'))).expect(row);
        let name = function.trim_matches('`').rsplit("::").next().expect(row);
        let is_named = |kind| text.contains(&format!("{kind} {name}"));
        assert!(is_named("fn") || is_named("const"), "{row}");
        assert!(!mutant.is_empty() && !reason.is_empty(), "{row}");
    }
}
