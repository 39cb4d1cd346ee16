//! What the user sees while it goes on: a bar on a terminal, and lines on stderr.

use std::fmt;
use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{prefix}{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";

/// Writes a line to stderr. If nobody can read it, that is no reason to stop.
pub(crate) fn tell(line: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Where lines for the user go.
pub(crate) type Tell<'a> = &'a (dyn Fn(&dyn fmt::Display) + Sync);

/// A bar of octets, and a count of messages.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    messages: usize,
    done: usize,
    /// The sum of what messages have and, of those to come, of what the server says they have.
    octets: u64,
}

impl Progress {
    pub(crate) fn on(bar: ProgressBar) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        Self { bar, messages: 0, done: 0, octets: 0 }
    }

    /// So many messages are to come, of which the server says that they have so many octets.
    pub(crate) fn begin(&mut self, messages: usize, octets: u64) {
        self.messages = messages;
        self.octets = octets;
        self.bar.set_length(octets);
        self.show_count();
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

    /// Writes a line above the bar. A terminal may have gone, which `suspend` would not survive.
    pub(crate) fn tell(&self, line: &dyn fmt::Display) {
        if self.bar.is_hidden() {
            tell(line);
        } else {
            self.bar.println(line.to_string());
        }
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
