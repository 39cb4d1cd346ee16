//! What came of a run.

use pop3_blocking::pop3_proto::Deviations;
use pop3_blocking::pop3_proto::client::Update;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Messages that were delivered, and their octets.
    pub(crate) fetched: usize,
    pub(crate) octets: u64,
    /// Messages that were here before.
    pub(crate) here: usize,
    /// Messages that the server refused.
    pub(crate) refused: usize,
    /// Messages that were delivered and cannot be recognised again.
    pub(crate) without_id: usize,
    /// Lines of the listing that may have named a message.
    pub(crate) unreadable: usize,
    /// Messages marked as deleted, and what became of them.
    pub(crate) marked: usize,
    pub(crate) update: Update,
    pub(crate) deviations: Deviations,
    pub(crate) problems: usize,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            fetched: 0,
            octets: 0,
            here: 0,
            refused: 0,
            without_id: 0,
            unreadable: 0,
            marked: 0,
            update: Update::NotRequested,
            deviations: Deviations::NONE,
            problems: 0,
        }
    }
}

impl Summary {
    /// Whether everything was done that was to be done.
    pub(crate) fn is_complete(&self) -> bool {
        let committed = self.marked == 0 || self.update == Update::Committed;
        self.problems == 0 && self.refused == 0 && self.unreadable == 0 && committed
    }

    /// What else the user should know.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.without_id > 0 {
            remarks.push(format!(
                "{} without a unique-id: unless deleted, delivered again by the next run",
                messages(self.without_id)
            ));
        }
        if self.unreadable > 0 {
            remarks.push(format!(
                "{} in LIST without a message-number: there may be messages that were not seen",
                if self.unreadable == 1 { "a line" } else { "lines" }
            ));
        }
        let forgiven: Vec<String> =
            self.deviations.iter().map(|deviation| deviation.to_string()).collect();
        if !forgiven.is_empty() {
            remarks.push(format!("the server was forgiven: {}", forgiven.join("; ")));
        }
        remarks
    }
}

pub(crate) fn messages(count: usize) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}
