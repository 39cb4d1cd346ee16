//! Errors of making and reading values. The errors of a session stand with the session.

use core::fmt;

use crate::state::Keyword;

/// A constructor refused a value: the caller's fault, nothing was changed.
///
/// It says where and why, and never holds the value itself, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidValue {
    /// The value must not be empty.
    Empty,
    /// The value is longer than the protocol allows.
    TooLong {
        /// Its length in octets.
        octets: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// The octet at this offset cannot stand there: a control, a line end, a space, 8-bit.
    ForbiddenOctet {
        /// Offset in octets from the start of the value.
        at: usize,
    },
    /// Message-number 0 names no message (RFC 1939 §4).
    MessageNumberZero,
    /// An APOP digest is 32 lower-case hexadecimal digits (RFC 1939 §7).
    ApopDigest,
    /// An APOP timestamp is one RFC 822 msg-id (RFC 1939 §7).
    ApopTimestamp,
    /// Base64 is whole groups of its alphabet, padded at the end and only where due (RFC 5034 §5).
    Base64,
    /// A delegation is the name of a delegate and that of a principal, and neither may be read for
    /// something else (MS-OXPOP3 §2.2.2).
    Delegation,
    /// This keyword has a command of its own; a raw line would get around its rules.
    RawKeyword(Keyword),
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the value is empty"),
            Self::TooLong { octets, limit } => {
                write!(f, "the value has {octets} octets, at most {limit} are allowed")
            }
            Self::ForbiddenOctet { at } => {
                write!(f, "the octet at offset {at} is not allowed there")
            }
            Self::MessageNumberZero => f.write_str("message-numbers begin at 1"),
            Self::ApopDigest => f.write_str("an APOP digest is 32 lower-case hexadecimal digits"),
            Self::ApopTimestamp => f.write_str("an APOP timestamp is one RFC 822 msg-id"),
            Self::Base64 => f.write_str("the text is no base64"),
            Self::Delegation => f.write_str("the names of a delegation cannot be told apart"),
            Self::RawKeyword(keyword) => write!(f, "{keyword} has a command of its own"),
        }
    }
}

impl core::error::Error for InvalidValue {}

/// A command line that a server answers with `-ERR` (RFC 1939 §3): the client's fault.
///
/// It never holds an argument, which may be a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommandError {
    /// The line is empty.
    Empty,
    /// The line holds an octet that cannot stand in a command: a control, or 8-bit text.
    ForbiddenOctet,
    /// No such keyword.
    Unknown,
    /// A keyword of an extension that is not offered.
    Unsupported(Keyword),
    /// Too few arguments, too many, or malformed ones.
    Arguments(Keyword),
    /// The message-number is 0, or larger than any maildrop.
    MessageNumber(Keyword),
    /// The command is not legal in the present state.
    WrongState(Keyword),
    /// The command holds a credential, and the channel is in clear.
    NotProtected(Keyword),
    /// AUTH names a mechanism that is not offered (RFC 5034 §4).
    Mechanism,
    /// What answers a challenge is no base64; the exchange is over (RFC 5034 §4).
    Base64,
    /// The exchange had more rounds than the limit; it is over.
    TooManyRounds,
    /// The line is longer than the limit; it is dropped to its end.
    TooLong,
    /// The line ended by LF without CR; nobody can say where the next one begins.
    BareLineFeed,
}

impl CommandError {
    /// The text for the `-ERR` line; it repeats nothing that the client sent.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "empty command",
            Self::ForbiddenOctet => "octet not allowed in a command",
            Self::Unknown => "unknown command",
            Self::Unsupported(_) => "command not supported",
            Self::Arguments(_) => "syntax error in arguments",
            Self::MessageNumber(_) => "no such message",
            Self::WrongState(_) => "command not valid in this state",
            Self::NotProtected(_) => "credentials are not accepted in clear",
            Self::Mechanism => "mechanism not supported",
            Self::Base64 => "not base64",
            Self::TooManyRounds => "too many rounds",
            Self::TooLong => "command line too long",
            Self::BareLineFeed => "command line not ended by CRLF",
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())?;
        match self {
            Self::Unsupported(keyword)
            | Self::Arguments(keyword)
            | Self::MessageNumber(keyword)
            | Self::WrongState(keyword)
            | Self::NotProtected(keyword) => {
                write!(f, " ({keyword})")
            }
            _ => Ok(()),
        }
    }
}

impl core::error::Error for CommandError {}
