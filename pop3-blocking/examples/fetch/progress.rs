//! What the user sees while it goes on: a bar on a terminal, and lines on stderr.

use std::fmt;
use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";

/// Writes a line to stderr. If nobody can read it, that is no reason to stop.
pub(crate) fn tell(line: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A bar of octets, and a count of messages; invisible unless stderr is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    messages: usize,
    done: usize,
    /// The sum of what messages have and, of those to come, of what the server says they have.
    octets: u64,
}

impl Progress {
    pub(crate) fn new(messages: usize, octets: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(octets), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(TEMPLATE)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        let progress = Self { bar, messages, done: 0, octets };
        progress.show_count();
        progress
    }

    pub(crate) fn received(&self, octets: usize) {
        self.bar.inc(octets.try_into().unwrap_or(u64::MAX));
    }

    /// A message has ended that was listed with so many octets; it had others, or was refused.
    pub(crate) fn ended(&mut self, listed: Option<u64>, octets: u64) {
        self.done += 1;
        self.octets = self.octets.saturating_add(octets).saturating_sub(listed.unwrap_or(0));
        self.bar.set_length(self.octets);
        self.show_count();
    }

    /// Writes a line above the bar.
    pub(crate) fn tell(&self, line: &dyn fmt::Display) {
        self.bar.suspend(|| tell(line));
    }

    fn show_count(&self) {
        self.bar.set_message(format!("{}/{} messages", self.done, self.messages));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
