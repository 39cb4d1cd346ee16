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

/// Every row of every table.
pub(crate) fn rows() -> Vec<Row> {
    let mut lines = PAGE.lines().filter(|line| line.starts_with('|')).peekable();
    let mut rows = Vec::new();
    while let Some(line) = lines.next() {
        let is_head = lines.peek().is_some_and(|next| next.starts_with("|---"));
        if !is_head && !line.starts_with("|---") {
            rows.push(Row::read(line).unwrap_or_else(|| panic!("no row: {line}")));
        }
    }
    assert!(!rows.is_empty());
    rows
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
