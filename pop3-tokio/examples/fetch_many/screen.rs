//! What the user sees: a bar for each maildrop that is being fetched, and lines above all of them.

use std::fmt;
use std::io::{self, Write as _};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use crate::progress::Progress;

/// Where bars and lines go; if stderr is no terminal there are lines only.
#[derive(Clone, Debug)]
pub(crate) struct Screen(MultiProgress);

impl Screen {
    pub(crate) fn new() -> Self {
        Self(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// A bar for a maildrop.
    pub(crate) fn bar(&self, name: &dyn fmt::Display) -> Progress {
        let bar = self.0.add(ProgressBar::no_length().with_prefix(format!("{name}: ")));
        Progress::on(bar)
    }

    /// Writes a line to stdout, where the bars make room and come again with what is next to be shown.
    /// If nobody can read it, that is no reason to stop.
    pub(crate) fn print(&self, line: &dyn fmt::Display) {
        let _ = self.0.clear();
        let _ = writeln!(io::stdout(), "{line}");
    }
}
