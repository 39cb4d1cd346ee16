//! What a server session reports, and how it refuses an answer.

use core::fmt;

use crate::error::CommandError;
use crate::{Base64, Command};

/// What a client did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A command, legal in the present state. It must be answered; the next one is withheld until
    /// it is. CAPA, UTF8, LANG without a language and AUTH without a mechanism never come here: the
    /// session answers them.
    Command(Command),
    /// A line that is to be answered `-ERR`: with
    /// [`ServerSession::reject`](super::ServerSession::reject), or a text of your own. An AUTH exchange
    /// that was going on is over.
    Rejected(CommandError),
    /// What the client answers to a challenge. It is answered like AUTH itself: with
    /// [`ServerSession::challenge`](super::ServerSession::challenge),
    /// [`ServerSession::authenticated`](super::ServerSession::authenticated),
    /// [`ServerSession::authentication_failed`](super::ServerSession::authentication_failed) or
    /// [`ServerSession::err`](super::ServerSession::err) (RFC 5034 §4).
    SaslResponse(Base64),
    /// The client gave the AUTH exchange up with `*`. The session has answered `-ERR` and counted a
    /// failed login; forget the exchange (RFC 5034 §4).
    SaslCancelled,
    /// The `+OK` to STLS has left: the TLS handshake is due at once, on the bare transport. Nothing is
    /// read before [`ServerSession::tls_established`](super::ServerSession::tls_established); there is
    /// no way back to clear (RFC 2595 §4).
    StartTls,
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
    /// A response to a challenge from the client, or `*`.
    SaslResponse,
    /// An answer from the caller.
    Response,
    /// The TLS handshake.
    Tls,
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
    /// The text is not ASCII, and the client has asked neither for UTF8 nor for a language
    /// (RFC 6856 §2.1).
    NotAscii,
    /// The challenge is longer than [`ServerLimits::sasl_line`](super::ServerLimits::sasl_line).
    TooLong,
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
            Self::NotAscii => "the client has not asked for a text that is not ASCII",
            Self::TooLong => "the challenge is too long",
        })
    }
}

impl core::error::Error for RespondError {}
