//! What a client session reports.

use alloc::boxed::Box;
use core::fmt;

use bytes::Bytes;

use crate::leniency::Deviation;
use crate::state::Keyword;
use crate::{
    Base64, Capability, DropListing, Greeting, LanguageListing, MechanismName, Response,
    ScanListing, Text, UniqueIdListing,
};

/// Names one command that a session accepted; its events carry it. Ids of one session only grow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId {
    /// First, so that ids are ordered by it.
    pub(super) number: u64,
    pub(super) keyword: Option<Keyword>,
}

impl CommandId {
    /// The command's keyword; `None` for a raw one.
    #[must_use]
    pub const fn keyword(self) -> Option<Keyword> {
        self.keyword
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandId").field(&self.number).finish()
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.number)
    }
}

/// What happened, in the order in which it happened.
///
/// All events of a command come before any of the next. Every command ends exactly once, with
/// [`Event::Completed`], [`Event::Finished`] or [`Event::StartTls`], unless the session closes or
/// fails, which ends them all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server's first line (RFC 1939 §4). If it is negative the session is over.
    Greeting(Greeting),
    /// A multi-line response began with this positive status line. `Item`s or `Data` follow, then
    /// `Finished`.
    Started {
        /// Which command.
        id: CommandId,
        /// Its status line; its text may hold a size, which is a hint only.
        response: Response,
    },
    /// One item of a listing, or what STAT, `LIST n` or `UIDL n` said.
    Item {
        /// Which command.
        id: CommandId,
        /// The item.
        item: Item,
    },
    /// Octets of a message or of the lines of a raw command, byte-stuffing undone, CRLF kept. Drop
    /// the chunk before the next read and its memory is used again.
    Data {
        /// Which command.
        id: CommandId,
        /// The octets, never empty.
        data: Bytes,
    },
    /// A multi-line response ended: it is complete.
    Finished {
        /// Which command.
        id: CommandId,
    },
    /// A single-line response: any negative one, and positive ones of commands that have no lines.
    Completed {
        /// Which command.
        id: CommandId,
        /// The status line.
        response: Response,
    },
    /// A challenge of an AUTH exchange that the caller conducts itself (RFC 5034 §4): give the response
    /// with [`ClientSession::answer`](super::ClientSession::answer), or give up with
    /// [`ClientSession::cancel_auth`](super::ClientSession::cancel_auth).
    Challenge {
        /// Which command.
        id: CommandId,
        /// The challenge; often empty.
        challenge: Base64,
    },
    /// The session gave an AUTH exchange up with `*` (RFC 5034 §4). The server's `-ERR` follows as
    /// `Completed`.
    Cancelled {
        /// Which command.
        id: CommandId,
        /// Why.
        reason: CancelReason,
    },
    /// What a server says about a failure before it fails an AUTH exchange: the JSON of OAUTHBEARER
    /// and XOAUTH2 (RFC 7628 §3.2.2). The `-ERR` follows as `Completed`.
    FailureDetail {
        /// Which command.
        id: CommandId,
        /// What it says, bounded.
        detail: Text,
    },
    /// STLS was answered `+OK`, which ends the command: the TLS handshake is due at once, on the bare
    /// transport. Nothing can be sent or received before
    /// [`ClientSession::tls_established`](super::ClientSession::tls_established); there is no way back
    /// to clear (RFC 2595 §4).
    StartTls {
        /// Which command.
        id: CommandId,
        /// The status line.
        response: Response,
    },
    /// The server deviated from the specifications and was forgiven; told once for each kind and
    /// response, before the event that it concerns.
    Deviation {
        /// Which command; `None` in the greeting and in a farewell.
        id: Option<CommandId>,
        /// What was forgiven.
        deviation: Deviation,
    },
    /// The session is over, orderly: QUIT was answered, or the server closed between replies.
    /// Nothing follows.
    Closed {
        /// What became of the messages marked as deleted.
        update: Update,
        /// A `-ERR` line that nothing had asked for, which servers send before they close.
        farewell: Option<Response>,
        /// How the transport ended; `None` if QUIT was answered before that.
        eof: Option<Eof>,
    },
}

impl Event {
    /// Whether it brings the reply to command `id`, or part of it: a caller that waits for one reply drops what brings another,
    /// which was abandoned.
    #[must_use]
    pub fn replies_to(&self, id: CommandId) -> bool {
        match self {
            Self::Started { id: of, .. }
            | Self::Item { id: of, .. }
            | Self::Data { id: of, .. }
            | Self::Finished { id: of }
            | Self::Completed { id: of, .. } => *of == id,
            _ => false,
        }
    }
}

/// One item of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// STAT.
    Drop(DropListing),
    /// LIST.
    Scan(ScanListing),
    /// UIDL.
    UniqueId(UniqueIdListing),
    /// CAPA.
    Capability(Box<Capability>),
    /// AUTH without a mechanism.
    Mechanism(MechanismName),
    /// LANG.
    Language(LanguageListing),
    /// A line that is no item, as it came: `malformed_items` let it through.
    Malformed(Text),
}

/// Why the session itself gave an AUTH exchange up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The challenge is no base64, or not one that this exchange can have (RFC 5034 §4).
    MalformedChallenge,
    /// More challenges came than [`Limits::sasl_rounds`](crate::Limits::sasl_rounds).
    TooManyRounds,
    /// The mechanism did not accept the challenge.
    #[cfg(feature = "sasl")]
    Mechanism(crate::sasl::MechanismError),
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedChallenge => f.write_str("the server's challenge is malformed"),
            Self::TooManyRounds => f.write_str("the server sent too many challenges"),
            #[cfg(feature = "sasl")]
            Self::Mechanism(error) => error.fmt(f),
        }
    }
}

/// What is known of a server and an optional command: see
/// [`ClientSession::support`](super::ClientSession::support).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Support {
    /// Nothing: it was neither announced nor tried, or it failed for a reason of the moment.
    Unknown,
    /// The capability list holds it.
    Announced,
    /// It was answered `+OK`.
    Proven,
    /// It was answered `-ERR`, and nothing says that this was a failure of the moment
    /// ([`Response::means_not_implemented`]).
    Missing,
}

/// What became of the messages marked as deleted (RFC 1939 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 1939 §6 leaves no other outcome")]
pub enum Update {
    /// QUIT did not leave in TRANSACTION: nothing was removed.
    NotRequested,
    /// QUIT was answered `+OK`: they were removed.
    Committed,
    /// QUIT was answered `-ERR`: some or none were removed.
    Refused,
    /// QUIT left and its answer never came: nobody can tell.
    Unknown,
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRequested => "nothing was removed",
            Self::Committed => "deletions were committed",
            Self::Refused => "the server refused to commit: some or no messages were removed",
            Self::Unknown => "the answer to QUIT never came: deletions may or may not be committed",
        })
    }
}

/// How the transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an end is orderly or it is not")]
pub enum Eof {
    /// The peer closed: a FIN, or a TLS `close_notify`.
    Clean,
    /// The connection broke: a reset, or the end of TLS without `close_notify`.
    Abrupt,
}

/// What the session waits for: what to name in a time-out, and which deadline applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// Nothing: it is the caller's turn.
    Nothing,
    /// The greeting.
    Greeting,
    /// Output to be written.
    Write,
    /// The status line of the reply to this command.
    Reply(CommandId),
    /// The rest of the multi-line reply to this command.
    Rest(CommandId),
    /// The caller's response to a challenge of this AUTH command.
    Answer(CommandId),
    /// The TLS handshake.
    Tls,
    /// The end of the connection.
    Close,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id: &CommandId| id.keyword.map_or("a raw command", Keyword::as_str);
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Greeting => f.write_str("the greeting"),
            Self::Write => f.write_str("a command to be sent"),
            Self::Reply(id) => write!(f, "the reply to {}", name(id)),
            Self::Rest(id) => write!(f, "the rest of the reply to {}", name(id)),
            Self::Answer(_) => f.write_str("a response to the server's challenge"),
            Self::Tls => f.write_str("the TLS handshake"),
            Self::Close => f.write_str("the server to close"),
        }
    }
}

/// What [`ClientSession::read_body`](super::ClientSession::read_body) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle each")]
#[must_use]
pub enum BodyRead {
    /// This many octets of the body were copied out; never 0 unless there is no room for any.
    Data(usize),
    /// More has to be received first.
    NeedMore,
    /// An event waits: poll it first.
    EventFirst,
    /// The body is complete.
    End,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    /// I5: what brings a reply brings it to its command and to no other; what is told besides brings none.
    #[test]
    fn replies_are_those_of_their_command() {
        let [id, other] = [1, 2].map(|number| CommandId { number, keyword: Some(Keyword::Retr) });
        let response = Response::new(Status::Ok, Text::received(b""));
        for event in [
            Event::Started { id, response: response.clone() },
            Event::Item { id, item: Item::Malformed(Text::received(b"")) },
            Event::Data { id, data: Bytes::new() },
            Event::Finished { id },
            Event::Completed { id, response },
        ] {
            assert!(event.replies_to(id) && !event.replies_to(other), "{event:?}");
        }
        let cancelled = Event::Cancelled { id, reason: CancelReason::TooManyRounds };
        assert!(!cancelled.replies_to(id));
    }
}
