//! The lines that are printed.

use std::fmt;

use super::Told;
use super::octets::escape;
use super::secrets::Secrets;

const WITHHELD: &str = "(withheld: it repeats a credential)";

/// What a session has told so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) secrets: Secrets,
    lines: Vec<Told>,
    /// The line of the script that is being played.
    at: usize,
    /// Of a message whose octets are coming: what its lines begin with, and its last line so far.
    data: Option<(String, Vec<u8>)>,
    pub(super) failed: bool,
}

impl Trace {
    /// What comes now comes of this line of the script.
    pub(super) fn begin(&mut self, line: usize) {
        self.at = line;
    }

    fn push(&mut self, text: String) {
        self.lines.push(Told { line: self.at, text });
    }

    /// A line of our own words.
    pub(super) fn line(&mut self, line: impl fmt::Display) {
        self.end_data();
        self.push(line.to_string());
    }

    /// A line that ends with what a peer said.
    pub(super) fn text(&mut self, before: impl fmt::Display, text: &[u8]) {
        self.end_data();
        let line = format!("{before}{}", self.shown(text));
        self.push(line.trim_end().to_owned());
    }

    /// Octets of a message, one printed line for each of its lines, in whatever pieces they come.
    pub(super) fn data(&mut self, before: impl fmt::Display, octets: &[u8]) {
        for octet in octets {
            let (_, line) = self.data.get_or_insert_with(|| (before.to_string(), Vec::new()));
            line.push(*octet);
            if *octet == b'\n' {
                self.end_data();
            }
        }
    }

    fn end_data(&mut self) {
        if let Some((before, line)) = self.data.take() {
            self.push(format!("{before}{}", self.shown(&line)));
        }
    }

    /// The peer broke the protocol; `at`: the offset of the first octet that could not be taken.
    pub(super) fn error(&mut self, error: impl fmt::Display, at: usize) {
        self.failed = true;
        let error = error.to_string();
        let told = self.secrets.are_told_by(error.as_bytes());
        let error = if told { WITHHELD } else { &error };
        self.line(format_args!("error: {error} (at octet {at})"));
    }

    /// Octets of a peer, safe to show.
    fn shown(&self, text: &[u8]) -> String {
        if self.secrets.are_told_by(text) { WITHHELD.to_owned() } else { escape(text) }
    }

    pub(super) fn into_lines(mut self) -> Vec<Told> {
        self.end_data();
        self.lines
    }
}
