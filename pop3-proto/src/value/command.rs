//! Commands.

use alloc::boxed::Box;
use core::fmt;

use bytes::BufMut;

use super::{ApopDigest, Base64, LanguageRange, Mailbox, MechanismName, MessageNumber, Password};
use crate::MAX_COMMAND_OCTETS;
use crate::codec::put_decimal;
use crate::error::{CommandError, InvalidValue};
use crate::state::Keyword;

/// A command: what a client sends and a server receives (RFC 1939 §§4–7, RFC 2449 §5).
///
/// Its parts are validated values, so no command can hold a line end. `Debug` shows no credential.
///
/// ```
/// use pop3_proto::{Command, MessageNumber};
/// let top = Command::Top { message: MessageNumber::FIRST, lines: 10 };
/// let mut line = Vec::new();
/// top.encode(&mut line);
/// assert_eq!(line, b"TOP 1 10\r\n");
/// assert_eq!(Command::parse(b"top 1 10"), Ok(top));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `USER name`: which mailbox (RFC 1939 §7).
    User(Mailbox),
    /// `PASS string`: its password; only directly after an accepted USER (RFC 1939 §7).
    Pass(Password),
    /// `APOP name digest` (RFC 1939 §7).
    Apop {
        /// Which mailbox.
        mailbox: Mailbox,
        /// MD5 over the greeting's timestamp and the shared secret.
        digest: ApopDigest,
    },
    /// `AUTH mechanism [initial-response]`: an exchange of challenges and responses begins
    /// (RFC 5034 §4).
    Auth {
        /// Which mechanism.
        mechanism: MechanismName,
        /// What the client says first, if it is said on this line; empty is sent as `=`.
        initial: Option<Base64>,
    },
    /// `AUTH` alone: the mechanisms. No RFC has it; servers that know no CAPA may know it.
    Mechanisms {
        /// Whether a space follows, as MS-OXPOP3 has it.
        trailing_space: bool,
    },
    /// `STLS`: TLS begins behind its `+OK` (RFC 2595 §4).
    Stls,
    /// `UTF8`: turns UTF-8 mode on (RFC 6856 §2).
    Utf8,
    /// `LANG [range]`: the languages of the server's texts, or the choice of one (RFC 6856 §3).
    Lang(Option<LanguageRange>),
    /// `STAT`: the drop listing (RFC 1939 §5).
    Stat,
    /// `LIST [msg]`: scan listings of all messages, or of one (RFC 1939 §5).
    List(Option<MessageNumber>),
    /// `RETR msg`: the message (RFC 1939 §5).
    Retr(MessageNumber),
    /// `DELE msg`: mark as deleted; nothing is removed before QUIT (RFC 1939 §5).
    Dele(MessageNumber),
    /// `NOOP` (RFC 1939 §5).
    Noop,
    /// `RSET`: unmark all messages (RFC 1939 §5).
    Rset,
    /// `TOP msg n`: the headers, the blank line and `n` lines of the body (RFC 1939 §7).
    Top {
        /// Which message.
        message: MessageNumber,
        /// Lines of the body, 0 allowed.
        lines: u64,
    },
    /// `UIDL [msg]`: unique-id listings of all messages, or of one (RFC 1939 §7).
    Uidl(Option<MessageNumber>),
    /// `CAPA`: the capability list (RFC 2449 §5).
    Capa,
    /// `QUIT`: from TRANSACTION, remove what is marked and end; from AUTHORIZATION, just end
    /// (RFC 1939 §§4, 6).
    Quit,
    /// A command that this library does not know: see [`Command::raw`].
    Raw(RawCommand),
}

impl Command {
    /// A command that this library does not know, for servers with commands of their own: the line
    /// without its CRLF, and how the response is framed, which only the caller can know.
    ///
    /// # Errors
    /// [`InvalidValue`] if the line is empty, begins with a space, holds an octet outside
    /// 0x20..=0x7E or is too long for [`MAX_COMMAND_OCTETS`], and for every keyword of
    /// [`Keyword::ALL`]: those have rules that a raw line would get around.
    ///
    /// ```
    /// use pop3_proto::{Command, RawFraming};
    /// assert!(Command::raw("XTND XMIT", RawFraming::SingleLine).is_ok());
    /// assert!(Command::raw("DELE 1", RawFraming::SingleLine).is_err());
    /// ```
    pub fn raw(line: &str, framing: RawFraming) -> Result<Self, InvalidValue> {
        if line.is_empty() {
            return Err(InvalidValue::Empty);
        }
        if let Some(at) = line.bytes().position(|octet| !matches!(octet, 0x20..=0x7e)) {
            return Err(InvalidValue::ForbiddenOctet { at });
        }
        let limit = MAX_COMMAND_OCTETS - 2;
        if line.len() > limit {
            return Err(InvalidValue::TooLong { octets: line.len(), limit });
        }
        let keyword = line.split(' ').next().unwrap_or_default();
        if keyword.is_empty() {
            return Err(InvalidValue::ForbiddenOctet { at: 0 });
        }
        match Keyword::parse(keyword.as_bytes()) {
            Some(keyword) => Err(InvalidValue::RawKeyword(keyword)),
            None => Ok(Self::Raw(RawCommand { line: line.into(), framing })),
        }
    }

    /// Reads one command line, without its line end, as a server does.
    ///
    /// Keywords are taken in any case; arguments are separated by exactly one space (RFC 1939 §3).
    /// Everything after the one space behind `PASS` is the password.
    ///
    /// # Errors
    /// [`CommandError`] says what to answer `-ERR` for. It never holds an argument.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        crate::codec::command(line)
    }

    /// The command's keyword; `None` for a raw one.
    #[must_use]
    pub const fn keyword(&self) -> Option<Keyword> {
        Some(match self {
            Self::User(_) => Keyword::User,
            Self::Pass(_) => Keyword::Pass,
            Self::Apop { .. } => Keyword::Apop,
            Self::Auth { .. } | Self::Mechanisms { .. } => Keyword::Auth,
            Self::Stls => Keyword::Stls,
            Self::Utf8 => Keyword::Utf8,
            Self::Lang(_) => Keyword::Lang,
            Self::Stat => Keyword::Stat,
            Self::List(_) => Keyword::List,
            Self::Retr(_) => Keyword::Retr,
            Self::Dele(_) => Keyword::Dele,
            Self::Noop => Keyword::Noop,
            Self::Rset => Keyword::Rset,
            Self::Top { .. } => Keyword::Top,
            Self::Uidl(_) => Keyword::Uidl,
            Self::Capa => Keyword::Capa,
            Self::Quit => Keyword::Quit,
            Self::Raw(_) => return None,
        })
    }

    /// The message that the command names, if it names one.
    #[must_use]
    pub const fn message(&self) -> Option<MessageNumber> {
        match self {
            Self::List(message) | Self::Uidl(message) => *message,
            Self::Retr(message) | Self::Dele(message) | Self::Top { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// Whether the line holds a credential, or may hold one: it is wiped once it has left, and never
    /// leaves in clear unless that is allowed. Of a raw command nobody here can tell.
    #[must_use]
    pub fn holds_credential(&self) -> bool {
        match self {
            Self::Mechanisms { .. } => false,
            _ => self.keyword().is_none_or(|keyword| keyword.rule().credential),
        }
    }

    /// Octets of the line, CRLF included: what [`Command::encode`] writes.
    #[must_use]
    pub fn octets(&self) -> usize {
        let keyword = self.keyword().map_or(0, |keyword| keyword.as_str().len());
        let arguments = match self {
            Self::User(mailbox) => 1 + mailbox.as_str().len(),
            Self::Pass(password) => 1 + password.expose().len(),
            Self::Apop { mailbox, digest } => 2 + mailbox.as_str().len() + digest.expose().len(),
            Self::Auth { mechanism, initial } => {
                let initial = initial.as_ref().map_or(0, |text| 1 + text.expose().len().max(1));
                1 + mechanism.as_str().len() + initial
            }
            Self::Mechanisms { trailing_space } => usize::from(*trailing_space),
            Self::Lang(Some(range)) => 1 + range.as_str().len(),
            Self::Top { message, lines } => {
                let log10 = usize::try_from(lines.checked_ilog10().unwrap_or(0)).unwrap_or(0);
                " ".len() + message.digits() + " ".len() + 1 + log10
            }
            Self::Raw(raw) => raw.line.len(),
            _ => self.message().map_or(0, |message| 1 + message.digits()),
        };
        keyword + arguments + "\r\n".len()
    }

    /// Writes the line with its CRLF. What is written may be a secret: see
    /// [`Command::holds_credential`].
    pub fn encode(&self, out: &mut impl BufMut) {
        if let Self::Raw(raw) = self {
            out.put_slice(raw.line.as_bytes());
        }
        if let Some(keyword) = self.keyword() {
            out.put_slice(keyword.as_str().as_bytes());
        }
        match self {
            Self::User(mailbox) => put_argument(out, mailbox.as_str().as_bytes()),
            Self::Pass(password) => put_argument(out, password.expose()),
            Self::Apop { mailbox, digest } => {
                put_argument(out, mailbox.as_str().as_bytes());
                put_argument(out, digest.expose());
            }
            Self::Auth { mechanism, initial } => {
                put_argument(out, mechanism.as_str().as_bytes());
                match initial.as_ref().map(Base64::expose) {
                    None => {}
                    Some(b"") => put_argument(out, b"="),
                    Some(text) => put_argument(out, text),
                }
            }
            Self::Mechanisms { trailing_space: true } => out.put_u8(b' '),
            Self::Lang(Some(range)) => put_argument(out, range.as_str().as_bytes()),
            _ => {
                if let Some(message) = self.message() {
                    out.put_u8(b' ');
                    put_decimal(out, message.value().into());
                }
                if let Self::Top { lines, .. } = self {
                    out.put_u8(b' ');
                    put_decimal(out, *lines);
                }
            }
        }
        out.put_slice(b"\r\n");
    }
}

fn put_argument(out: &mut impl BufMut, argument: &[u8]) {
    out.put_u8(b' ');
    out.put_slice(argument);
}

/// How the response to a raw command is framed when it is positive; a negative one is always a
/// single line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 1939 §3 frames responses in these two ways only")]
pub enum RawFraming {
    /// One line.
    SingleLine,
    /// A status line, byte-stuffed lines, and the termination octet on a line of its own.
    Multiline,
}

/// A command line that this library does not know; made by [`Command::raw`].
#[derive(Clone, PartialEq, Eq)]
pub struct RawCommand {
    line: Box<str>,
    framing: RawFraming,
}

impl RawCommand {
    /// The line without its CRLF.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// How its response is framed.
    #[must_use]
    pub const fn framing(&self) -> RawFraming {
        self.framing
    }
}

impl fmt::Debug for RawCommand {
    /// Shows the first word only: what follows may be a credential of a mechanism unknown here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.line.split(' ').next().unwrap_or_default();
        f.debug_struct("RawCommand").field("word", &word).field("framing", &self.framing).finish()
    }
}
