//! What happens on Ctrl-C, SIGTERM and SIGHUP: the run ends at once and without QUIT, so the server
//! keeps everything, and the message in progress leaves nothing behind in `tmp/`.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;
use crate::maildir::Writing;
use crate::progress::tell;

/// What the handler must know. It keeps both locks until the process is gone.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    pub(crate) writing: Writing,
    quit: Arc<Mutex<Quit>>,
}

/// How far the end of the session has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Quit {
    NotSent,
    /// It leaves, and with it deletions.
    Committing,
    /// All that is left is to say what happened.
    Answered,
}

impl Interrupt {
    pub(crate) fn install() -> Result<Self, Failure> {
        let quit = Arc::new(Mutex::new(Quit::NotSent));
        let interrupt = Self { writing: Writing::default(), quit };
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.interrupted()).map_err(|error| Failure::Local {
            doing: "take care of interruptions",
            reason: error.to_string(),
        })?;
        Ok(interrupt)
    }

    pub(crate) fn quit(&self) -> MutexGuard<'_, Quit> {
        self.quit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interrupted(&self) {
        let writing = self.writing.lock();
        let quit = self.quit();
        for path in &*writing {
            // If this fails, it is a file in tmp/ as a power cut leaves it: harmless.
            let _ = fs::remove_file(path);
        }
        let said = match *quit {
            Quit::NotSent => "nothing was removed from the server",
            Quit::Committing => "QUIT is not answered yet: deletions may or may not be committed",
            Quit::Answered => return,
        };
        // Below the bar and not behind it.
        let line_end = if io::stderr().is_terminal() { "\n" } else { "" };
        tell(&format_args!("{line_end}fetch: interrupted; {said}"));
        process::exit(130);
    }
}
