//! Errors of a client session, by blame.

use core::fmt;

use super::event::{Eof, Waiting};
use crate::escape::Escaped;
use crate::state::{Keyword, State};
use crate::{MessageNumber, Response, ResponseCode, Text};

/// The server broke the protocol, fell silent, or passed a limit. Fatal: the session has failed and
/// goes on giving the same error. Nothing is ever resynchronised by guessing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The connection ended where something was due; whatever was being received is incomplete.
    UnexpectedEof {
        /// What was due.
        waiting: Waiting,
        /// How the transport ended.
        eof: Eof,
    },
    /// What was due did not come in the time that the caller allows: see
    /// [`ClientSession::time_out`](super::ClientSession::time_out).
    TimedOut {
        /// What was due.
        waiting: Waiting,
    },
    /// The connection ended inside an AUTH exchange. Servers that have had enough close so; what they
    /// said to the last attempt before, if there was one, tells why.
    AuthenticationInterrupted {
        /// The last `-ERR` to a login on this connection.
        refusal: Option<Refusal>,
        /// How the transport ended.
        eof: Eof,
    },
    /// The server said `+OK` to a login before it had proved what the mechanism has it prove, or
    /// before anything was said at all: whoever it is, the login does not count.
    ServerNotVerified,
    /// The server went on with an AUTH exchange that was cancelled: `-ERR` was due (RFC 5034 §4).
    NotCancelled,
    /// Octets came behind the reply to STLS, in clear: somebody may have put them there, and nothing
    /// of them may be used inside TLS (RFC 2595 §4).
    OctetsAfterStls,
    /// STLS was abandoned and the server is ready for TLS: there is no way back.
    StlsAbandoned,
    /// Octets that answer no command, or that came before the command they would answer had left.
    Unsolicited,
    /// The first line is no POP3 greeting.
    NotAGreeting {
        /// The line.
        line: Excerpt,
    },
    /// A line is no status line where one was due.
    MalformedStatus {
        /// The line.
        line: Excerpt,
    },
    /// A line of a listing is no item.
    MalformedItem {
        /// The line.
        line: Excerpt,
    },
    /// A line is longer than the limit.
    LineTooLong {
        /// The limit in octets, CRLF included.
        limit: usize,
    },
    /// A line ended by LF without CR.
    BareLineFeed,
    /// LIST or UIDL with a message-number was answered for another message.
    WrongMessage {
        /// The message asked for.
        asked: MessageNumber,
        /// The message answered for.
        answered: MessageNumber,
    },
    /// A listing names a message twice.
    RepeatedNumber(MessageNumber),
    /// A listing has more items than the limit.
    TooManyItems {
        /// The limit.
        limit: usize,
    },
    /// The reply to an abandoned command is longer than the session is willing to drain.
    DrainLimit {
        /// The limit in octets.
        limit: u64,
    },
}

impl ProtocolError {
    /// The same, with what it shows of the server's line withheld if that `tells` something.
    #[cfg(feature = "sasl")]
    pub(super) fn without_line(mut self, tells: impl FnOnce(&[u8]) -> bool) -> Self {
        if let Self::NotAGreeting { line }
        | Self::MalformedStatus { line }
        | Self::MalformedItem { line } = &mut self
        {
            if line.octets().is_some_and(tells) {
                *line = Excerpt::withheld();
            }
        }
        self
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof { waiting, eof } => {
                let how = match eof {
                    Eof::Clean => "the server closed the connection",
                    Eof::Abrupt => "the connection broke",
                };
                write!(f, "{how} while waiting for {waiting}")
            }
            Self::TimedOut { waiting } => write!(f, "timed out waiting for {waiting}"),
            Self::AuthenticationInterrupted { refusal, eof } => {
                f.write_str(match eof {
                    Eof::Clean => "the server closed the connection during authentication",
                    Eof::Abrupt => "the connection broke during authentication",
                })?;
                match refusal {
                    Some(refusal) => write!(f, "; it had refused a login before: {refusal}"),
                    None => Ok(()),
                }
            }
            Self::ServerNotVerified => {
                f.write_str("the server accepted the login without having proved who it is")
            }
            Self::NotCancelled => {
                f.write_str("the server went on with an authentication that was cancelled")
            }
            Self::OctetsAfterStls => {
                f.write_str("the server sent something in clear where TLS was to begin")
            }
            Self::StlsAbandoned => f.write_str("STLS was abandoned and TLS is due"),
            Self::Unsolicited => {
                f.write_str("the server sent something that nothing had asked for")
            }
            Self::NotAGreeting { line } => {
                write!(f, "the server did not greet as a POP3 server: {line}")
            }
            Self::MalformedStatus { line } => {
                write!(f, "the server's reply is neither +OK nor -ERR: {line}")
            }
            Self::MalformedItem { line } => {
                write!(f, "the server's reply has a malformed line: {line}")
            }
            Self::LineTooLong { limit } => {
                write!(f, "the server sent a line of more than {limit} octets")
            }
            Self::BareLineFeed => f.write_str("the server ended a line without CR"),
            Self::WrongMessage { asked, answered } => {
                write!(f, "the server answered for message {answered}, asked was {asked}")
            }
            Self::RepeatedNumber(message) => write!(f, "the server listed message {message} twice"),
            Self::TooManyItems { limit } => {
                write!(f, "the server's listing has more than {limit} items")
            }
            Self::DrainLimit { limit } => {
                write!(f, "more than {limit} octets were left of an abandoned reply")
            }
        }
    }
}

impl core::error::Error for ProtocolError {}

/// The beginning of a line that a server sent, for an error: bounded, and escaped when shown.
///
/// Withheld where the line answers a command that held a credential: servers echo what they do not
/// understand.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Option<Text>);

impl Excerpt {
    /// Octets that are kept at most.
    pub const MAX_OCTETS: usize = 120;

    pub(super) fn of(line: &[u8]) -> Self {
        Self(Some(Text::received(line.get(..Self::MAX_OCTETS).unwrap_or(line))))
    }

    pub(super) const fn withheld() -> Self {
        Self(None)
    }

    /// The octets; `None` if they are withheld.
    #[must_use]
    pub fn octets(&self) -> Option<&[u8]> {
        self.0.as_ref().map(Text::octets)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.octets() {
            Some(octets) => write!(f, "\"{}\"", Escaped::new(octets)),
            None => f.write_str("(withheld: it may echo a credential)"),
        }
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a server said when it refused a login, its text cut to [`Excerpt::MAX_OCTETS`].
///
/// Only its response code is shown: servers echo what they do not understand, and what they were told
/// was a credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal(Response);

impl Refusal {
    pub(super) fn of(response: &Response) -> Self {
        let text = response.text.octets();
        let text = Text::received(text.get(..Excerpt::MAX_OCTETS).unwrap_or(text));
        let mut response = response.clone();
        response.text = text;
        Self(response)
    }

    /// The response. Whoever shows its text answers for what it may echo.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code().and_then(ResponseCode::known) {
            Some(code) => write!(f, "[{}]", code.as_str()),
            None => f.write_str("(its text is withheld: it may echo a credential)"),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A command was not taken: the caller's fault or just too early. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The greeting is not in: a client sends nothing before it (C0007).
    BeforeGreeting,
    /// The session is over, or about to be: QUIT was sent, the server closed, or it failed.
    Over,
    /// The command is not legal in this state (RFC 1939 §3).
    WrongState {
        /// Which command; `None` for a raw one.
        keyword: Option<Keyword>,
        /// The state, as confirmed by the replies that are in.
        state: State,
    },
    /// A command in flight allows nothing behind it until its reply is in, or this one allows
    /// nothing before it (RFC 2595 §4, C0045, C0047); or the message is marked as deleted and an RSET
    /// in flight may unmark it. Transient.
    Barrier {
        /// The command that stands in the way.
        keyword: Keyword,
    },
    /// A reply is owed and the server did not announce PIPELINING (RFC 2449 §6.6). Transient.
    NotPipelined,
    /// As many commands are in flight as the limits allow. Transient.
    TooManyInFlight {
        /// The limit.
        limit: usize,
    },
    /// As much output waits as the limits allow. Transient.
    OutputFull,
    /// TLS carries the session already, or UTF8 was accepted before: STLS comes first and once
    /// (RFC 2595 §4, RFC 6856 §2.1).
    TooLateForTls,
    /// STLS was answered `+OK`: TLS must be established first.
    TlsDue,
    /// No challenge waits for a response.
    NoChallenge,
    /// The name or the password is UTF-8, and the server did not announce `UTF8 USER` (RFC 6856 §2.2).
    NotAscii(Keyword),
    /// The mechanism cannot begin.
    #[cfg(feature = "sasl")]
    Mechanism(crate::sasl::MechanismError),
    /// The message is marked as deleted (RFC 1939 §5).
    MarkedDeleted(MessageNumber),
    /// The greeting holds no timestamp for APOP (RFC 1939 §7).
    NoTimestamp,
    /// The send policy forbids the command.
    Forbidden(Keyword),
    /// The security policy forbids the command before TLS (RFC 8314 §5.2).
    NotProtected {
        /// Which command; `None` for a raw one.
        keyword: Option<Keyword>,
    },
    /// The line is longer than the protocol allows (RFC 2449 §4). For a long password use
    /// a SASL mechanism, if the server has one.
    TooLong {
        /// Its octets, CRLF included.
        octets: usize,
        /// Octets allowed.
        limit: usize,
    },
}

impl SendError {
    /// Whether the same command may be taken later, once output has been written and replies are in.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Barrier { .. }
                | Self::NotPipelined
                | Self::TooManyInFlight { .. }
                | Self::OutputFull
        )
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |keyword: &Option<Keyword>| keyword.map_or("a raw command", Keyword::as_str);
        match self {
            Self::BeforeGreeting => f.write_str("nothing may be sent before the greeting"),
            Self::Over => f.write_str("the session is over"),
            Self::WrongState { keyword, state } => {
                write!(f, "{} is not legal now ({state})", name(keyword))
            }
            Self::Barrier { keyword } => write!(f, "the reply to {keyword} must be in first"),
            Self::NotPipelined => {
                f.write_str("a reply is owed and the server does not announce PIPELINING")
            }
            Self::TooManyInFlight { limit } => write!(f, "{limit} replies are owed already"),
            Self::OutputFull => f.write_str("output must be written first"),
            Self::TooLateForTls => f.write_str("it is too late for STLS"),
            Self::TlsDue => f.write_str("TLS must be established first"),
            Self::NoChallenge => f.write_str("no challenge waits for a response"),
            Self::NotAscii(keyword) => {
                write!(f, "the server takes no UTF-8 in {keyword} (UTF8 USER)")
            }
            #[cfg(feature = "sasl")]
            Self::Mechanism(error) => error.fmt(f),
            Self::MarkedDeleted(message) => write!(f, "message {message} is marked as deleted"),
            Self::NoTimestamp => f.write_str("the greeting holds no timestamp for APOP"),
            Self::Forbidden(keyword) => write!(f, "the send policy forbids {keyword}"),
            Self::NotProtected { keyword } => {
                write!(f, "the security policy forbids {} in clear", name(keyword))
            }
            Self::TooLong { octets, limit } => {
                write!(f, "the command has {octets} octets, at most {limit} are allowed")
            }
        }
    }
}

impl core::error::Error for SendError {}
