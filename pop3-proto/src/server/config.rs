//! What a server offers, and how forgiving it is.

use alloc::vec::Vec;
use core::fmt;

use crate::codec::LineEnding;
use crate::{Capability, LanguageListing, MechanismName};

/// Bounds of a server session. What passes one is answered `-ERR`, or ends the session; nothing that
/// a client sends makes a session hold more.
///
/// A session holds at most an input block for commands, in an exchange one for responses, a challenge and a
/// response, and the output (up to three times its limit while it moves): with the defaults 2 KiB + 12 KiB +
/// 24 KiB + 192 KiB. Idle it holds nothing of that: see
/// [`ServerSession::release_idle`](super::ServerSession::release_idle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Octets of a command line, CRLF included. The specification says 255 (RFC 2449 §4).
    pub command_line: usize,
    /// Octets of an over-long line that are read and dropped before the session ends.
    pub discard: usize,
    /// Octets of a response in an AUTH exchange, and of a challenge, CRLF included: RFC 5034 §4 leaves
    /// it to the mechanisms. Worst case: held once each, and only while an exchange is going on.
    pub sasl_line: usize,
    /// Responses of one AUTH exchange; the next one is answered `-ERR`.
    pub sasl_rounds: u32,
    /// Octets of an input block; raised to the limit of the line that is due if it is smaller.
    pub input_block: usize,
    /// Octets of output from which on no further command is taken, and no further line or part of a
    /// message is accepted. Raised to the 512 of a response line if it is smaller.
    pub output: usize,
    /// Bad commands before login; the last one ends the session.
    pub bad_commands_before_login: u32,
    /// Bad commands after login; the last one ends the session.
    pub bad_commands_after_login: u32,
    /// Failed logins; the last one ends the session. AUTH exchanges that the client cancelled are
    /// among them, and logins that were refused without a response code.
    pub login_attempts: u32,
}

impl ServerLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        command_line: 512,
        discard: 64 * 1024,
        sasl_line: 12 * 1024,
        sasl_rounds: 16,
        input_block: 2 * 1024,
        output: 64 * 1024,
        bad_commands_before_login: 3,
        bad_commands_after_login: 20,
        login_attempts: 3,
    };
}

impl Default for ServerLimits {
    /// [`ServerLimits::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a server does for clients in the field that deviate. Nobody is told that it was needed: what is let
/// through comes as any command does.
///
/// | switch | strict | tolerant | who needs it | what comes of it |
/// |---|---|---|---|---|
/// | `auth_listing` | no | yes | desktop clients older than CAPA | the session answers by itself |
/// | `password_spaces` | yes | yes | people whose password is a sentence | PASS with its spaces |
/// | `opaque_passwords` | no | no | clients that send passwords in the encoding of their system | PASS with the octets as they came |
/// | `line_ending` | CRLF | CRLF | scripts, and people at a terminal | commands as ever |
/// | `nul_replacement` | no | no | desktop clients that end a message at a NUL | messages and their sizes change |
/// | `missing_blank_line` | no | no | desktop clients that wait for the blank line | messages and their sizes change |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each with a name of its own"
)]
pub struct ServerLeniency {
    /// `AUTH` and `AUTH ` list the mechanisms, of which there may be none (MS-OXPOP3: Outlook asks).
    pub auth_listing: bool,
    /// A password may hold spaces (RFC 1939 §7 lets a server choose).
    pub password_spaces: bool,
    /// A password may hold TABs, other controls and 8-bit text. Whatever it is handed to must take
    /// it as opaque octets.
    pub opaque_passwords: bool,
    /// Which octets end a command line. [`LineEnding::CrlfOrLf`] lets a proxy before this server and
    /// this server disagree about where a command ends.
    pub line_ending: LineEnding,
    /// NULs in a message are sent as this octet (0x80 does for Outlook, which ends a message at a
    /// NUL). `None` sends them as they are, and so do CR and LF, which no other octet may become.
    pub nul_replacement: Option<u8>,
    /// A message that has headers only and no blank line behind them is sent with one (Outlook
    /// Express waits for it).
    pub missing_blank_line: bool,
}

impl ServerLeniency {
    /// What the specifications say and nothing else.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            auth_listing: false,
            password_spaces: true,
            opaque_passwords: false,
            line_ending: LineEnding::Crlf,
            nul_replacement: None,
            missing_blank_line: false,
        }
    }

    /// The default: `AUTH` alone is answered.
    #[must_use]
    pub const fn tolerant() -> Self {
        Self { auth_listing: true, ..Self::strict() }
    }
}

impl Default for ServerLeniency {
    /// [`ServerLeniency::tolerant`].
    fn default() -> Self {
        Self::tolerant()
    }
}

/// Whether UTF8 is offered (RFC 6856 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6856 §2 has no other argument of the capability")]
pub enum Utf8Offer {
    /// It is not.
    #[default]
    No,
    /// It is.
    Yes,
    /// It is, and USER, PASS and APOP take names and passwords in UTF-8, before UTF8 too (RFC 6856 §2.2).
    /// They are prepared before they are compared: see
    /// [`Login::with_preparation`](super::Login::with_preparation). What AUTH takes is for its acceptors to say:
    /// those of this library know names in ASCII only.
    User,
}

/// The configuration of a server session.
///
/// ```
/// use pop3_proto::MechanismName;
/// use pop3_proto::server::ServerConfig;
/// let mut config = ServerConfig::new();
/// config.stls = true;
/// config.mechanisms = vec![MechanismName::SCRAM_SHA_256, MechanismName::PLAIN];
/// config.plaintext = true; // passwords in clear, on a channel that everybody can read
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent offers, each with a name of its own"
)]
pub struct ServerConfig {
    /// USER and PASS are offered (RFC 1939 §7).
    pub user_pass: bool,
    /// APOP is offered in sessions that are given a timestamp:
    /// [`ServerSession::with_timestamp`](super::ServerSession::with_timestamp) (RFC 1939 §7). A mailbox
    /// should not be open to PASS and APOP both (RFC 1939 §13).
    pub apop: bool,
    /// The mechanisms of AUTH, in the order in which they are announced; none: AUTH is not offered
    /// (RFC 5034).
    pub mechanisms: Vec<MechanismName>,
    /// Credentials are taken in clear too, of whatever kind. Off by default (RFC 5034 §4, RFC 8314
    /// §4.1).
    pub plaintext: bool,
    /// STLS is offered where there is no TLS yet (RFC 2595 §4). Only if the handshake is likely to
    /// come off (RFC 8314 §4).
    pub stls: bool,
    /// Whether UTF8 is offered.
    pub utf8: Utf8Offer,
    /// What LANG lists; none: LANG is not offered (RFC 6856 §3).
    pub languages: Vec<LanguageListing>,
    /// TOP is offered (RFC 1939 §7).
    pub top: bool,
    /// UIDL is offered (RFC 1939 §7).
    pub uidl: bool,
    /// What CAPA lists behind all that the session lists by itself: LOGIN-DELAY, EXPIRE,
    /// IMPLEMENTATION and others. The session does nothing about them. What differs from user to user
    /// is the longest delay and the soonest expiry here: see
    /// [`ServerSession::announce`](super::ServerSession::announce).
    pub capabilities: Vec<Capability>,
    /// What is forgiven.
    pub leniency: ServerLeniency,
    /// Bounds.
    pub limits: ServerLimits,
}

impl ServerConfig {
    /// The default: USER and PASS, but not in clear; TOP and UIDL; no AUTH, no STLS, nothing else.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            user_pass: true,
            apop: false,
            mechanisms: Vec::new(),
            plaintext: false,
            stls: false,
            utf8: Utf8Offer::No,
            languages: Vec::new(),
            top: true,
            uidl: true,
            capabilities: Vec::new(),
            leniency: ServerLeniency::tolerant(),
            limits: ServerLimits::DEFAULT,
        }
    }
}

impl Default for ServerConfig {
    /// [`ServerConfig::new`].
    fn default() -> Self {
        Self::new()
    }
}

/// A server session cannot be made: the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nobody could ever authenticate on this channel, nor after STLS: a server must support at least
    /// one way (RFC 1939 §4, C0009).
    NoAuthentication,
    /// A further capability that the session lists by itself, or one that is no capability line, or one that
    /// is worse than what was announced: see [`ServerSession::announce`](super::ServerSession::announce).
    Capability,
    /// The mechanisms do not fit in one capability line (RFC 2449 §3).
    Mechanisms,
    /// A language listing that does not fit in one line (RFC 2449 §4).
    Language,
    /// The greeting, with its timestamp, does not fit in one line (RFC 2449 §4).
    GreetingTooLong,
    /// The greeting is not ASCII, and nobody has asked for anything else yet (RFC 6856 §2.1).
    GreetingNotAscii,
    /// The greeting holds what a client may take for a timestamp: APOP would be tried with it
    /// (RFC 1939 §7).
    GreetingTimestamp,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAuthentication => {
                "the configuration leaves no way to authenticate on this channel"
            }
            Self::Capability => {
                "a further capability is none, is the session's own, or is worse than announced"
            }
            Self::Mechanisms => "the mechanisms do not fit in one line",
            Self::Language => "a language listing does not fit in one line",
            Self::GreetingTooLong => "the greeting does not fit in one line",
            Self::GreetingNotAscii => "the greeting is not ASCII",
            Self::GreetingTimestamp => "the greeting holds a timestamp by accident",
        })
    }
}

impl core::error::Error for ConfigError {}
