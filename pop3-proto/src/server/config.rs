//! What a server offers, and how forgiving it is.

use core::fmt;

use crate::codec::LineEnding;

/// Bounds of a server session. What passes one is answered `-ERR`, or ends the session; nothing that
/// a client sends makes a session hold more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Octets of a command line, CRLF included. The specification says 255 (RFC 2449 §4).
    pub command_line: usize,
    /// Octets of an over-long line that are read and dropped before the session ends.
    pub discard: usize,
    /// Octets of an input block; raised to the command line's limit if it is smaller.
    pub input_block: usize,
    /// Octets of output from which on no further command is taken, and no further line or part of a
    /// message is accepted. Raised to the 512 of a response line if it is smaller.
    pub output: usize,
    /// Bad commands before login; the last one ends the session.
    pub bad_commands_before_login: u32,
    /// Bad commands after login; the last one ends the session.
    pub bad_commands_after_login: u32,
    /// Failed logins; the last one ends the session.
    pub login_attempts: u32,
}

impl ServerLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        command_line: 512,
        discard: 64 * 1024,
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

/// What a server does for clients in the field that deviate.
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

/// The configuration of a server session.
///
/// ```
/// use pop3_proto::server::ServerConfig;
/// let mut config = ServerConfig::new();
/// config.plaintext = true; // passwords in clear, on a channel that everybody can read
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent offers, each with a name of its own"
)]
pub struct ServerConfig {
    /// USER and PASS are offered (RFC 1939 §7).
    pub user_pass: bool,
    /// Credentials are taken in clear too. Off by default (RFC 5034 §4, RFC 8314 §4.1).
    pub plaintext: bool,
    /// TOP is offered (RFC 1939 §7).
    pub top: bool,
    /// UIDL is offered (RFC 1939 §7).
    pub uidl: bool,
    /// What is forgiven.
    pub leniency: ServerLeniency,
    /// Bounds.
    pub limits: ServerLimits,
}

impl ServerConfig {
    /// The default: USER and PASS, but not in clear; TOP and UIDL.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            user_pass: true,
            plaintext: false,
            top: true,
            uidl: true,
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
    /// Nobody could ever authenticate on this channel: a server must support at least one way
    /// (RFC 1939 §4, C0009).
    NoAuthentication,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthentication => {
                f.write_str("the configuration leaves no way to authenticate on this channel")
            }
        }
    }
}

impl core::error::Error for ConfigError {}
