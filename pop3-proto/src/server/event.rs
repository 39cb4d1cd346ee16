//! What a server session reports, and how it refuses an answer.

use core::fmt;

use crate::Command;
use crate::error::CommandError;

/// What a client did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A command, legal in the present state. It must be answered; the next one is withheld until
    /// it is. CAPA never comes here: the session answers it.
    Command(Command),
    /// A line that is to be answered `-ERR`: with
    /// [`ServerSession::reject`](super::ServerSession::reject), or a text of your own.
    Rejected(CommandError),
    /// The session is over; nothing follows.
    Closed {
        /// Whether the session entered UPDATE: a complete QUIT came in TRANSACTION. Otherwise nothing
        /// may be removed (RFC 1939 §6).
        commit: bool,
    },
}

/// What a server session waits for, to choose a deadline by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// A command line from the client. Only a complete one resets the autologout timer, which is at
    /// least 10 minutes (RFC 1939 §3).
    Command,
    /// An answer from the caller.
    Response,
    /// Output to be written.
    Write,
    /// Nothing: the session is over.
    Nothing,
}

/// An answer was not taken: the caller's fault, or just too early. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RespondError {
    /// No command waits for an answer.
    NothingToAnswer,
    /// The answer does not fit the command, or what was begun of its answer.
    Mismatch,
    /// Too much output waits: write it, then give the same answer again.
    Full,
}

impl RespondError {
    /// Whether the same answer may be taken once output has left.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Full)
    }
}

impl fmt::Display for RespondError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingToAnswer => "no command waits for an answer",
            Self::Mismatch => "the answer does not fit the command",
            Self::Full => "output must be written first",
        })
    }
}

impl core::error::Error for RespondError {}
