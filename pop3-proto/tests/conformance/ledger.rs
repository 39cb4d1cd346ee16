//! The rows of the ledger.

pub(crate) const PAGE: &str = include_str!("../../../CONFORMANCE.md");

pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) level: String,
    pub(crate) role: String,
    pub(crate) rule: String,
    /// Of the Outlook document only.
    pub(crate) editions: Option<String>,
    pub(crate) status: String,
    pub(crate) tests: Vec<String>,
}

/// Every row of the ledger itself, whose tables begin with the column `id`.
pub(crate) fn rows() -> Vec<Row> {
    let read = |line: &str| Row::read(line).unwrap_or_else(|| panic!("no row: {line}"));
    let rows: Vec<_> = lines("| id |").map(read).collect();
    assert!(!rows.is_empty());
    rows
}

/// The rules that were broken on purpose, and the test that noticed.
pub(crate) fn broken() -> Vec<(&'static str, &'static str)> {
    let read = |line: &'static str| match *line
        .trim_matches(['|', ' '])
        .split(" | ")
        .collect::<Vec<_>>()
    {
        [id, _, test] => (id, test.trim_matches('`')),
        _ => panic!("no row: {line}"),
    };
    lines("| rule |").map(read).collect()
}

/// The lines of every table whose head begins so.
fn lines(head: &'static str) -> impl Iterator<Item = &'static str> {
    let tables = PAGE.split("\n\n").filter(move |block| block.starts_with(head));
    tables.flat_map(|table| table.lines().skip(2))
}

impl Row {
    pub(crate) fn read(line: &str) -> Option<Self> {
        let line = line.strip_prefix("| ")?.trim_end().strip_suffix('|')?;
        let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let (&[id, level, party, rule], rest) = cells.split_first_chunk()?;
        let (editions, status, tests) = match *rest {
            [status, tests] => (None, status, tests),
            [editions, status, tests] => (Some(editions.into()), status, tests),
            _ => return None,
        };
        let tests = tests.split_whitespace().map(|test| {
            let test = test.strip_prefix('`').and_then(|test| test.strip_suffix('`'));
            test.unwrap_or_else(|| panic!("{id}: a test stands in backticks")).into()
        });
        Some(Self {
            id: id.into(),
            level: level.into(),
            role: party.into(),
            rule: rule.into(),
            editions,
            status: status.into(),
            tests: tests.collect(),
        })
    }

    /// Whether it is a numbered statement of the Outlook document.
    pub(crate) fn is_outlook(&self) -> bool {
        self.id.starts_with('C') || self.id.starts_with('V')
    }
}
