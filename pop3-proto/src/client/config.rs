//! What a client session may do, and how forgiving it is.

use core::fmt;
use core::net::IpAddr;

use crate::{Leniency, Limits};

/// When a client may send what (RFC 8314 §5.2). A required choice: nothing here sends a credential
/// in clear by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Security {
    /// TLS from the first octet. On a channel that is in clear nothing but CAPA, STLS and QUIT
    /// leaves.
    Implicit,
    /// TLS begun by STLS. Before it nothing but CAPA, STLS and QUIT leaves.
    StlsRequired,
    /// TLS begun by STLS if the server offers it. No credential leaves in clear, nor a raw command,
    /// of which nobody here can tell whether it holds one.
    StlsPreferred,
    /// Anything may leave in clear, passwords too.
    PlaintextAllowed,
}

/// What carries the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// In clear: anybody on the way can read and write.
    Clear,
    /// TLS whose peer was verified.
    Tls,
    /// In clear, but nobody can be on the way: loopback, a local socket, a tunnel.
    Trusted,
}

impl Channel {
    /// What a connection in clear is, by the address of its peer: trusted on loopback and nowhere else. An IPv4
    /// address that is written as one of IPv6 counts as what it is.
    #[must_use]
    pub const fn in_clear(peer: IpAddr) -> Self {
        if peer.to_canonical().is_loopback() { Self::Trusted } else { Self::Clear }
    }

    /// Whether credentials may pass.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Tls | Self::Trusted)
    }
}

/// Whether commands may be sent before the replies to earlier ones are in (RFC 2449 §6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Pipelining {
    /// Once the server has announced PIPELINING.
    #[default]
    Announced,
    /// Always: the caller knows that this server can take it.
    Always,
    /// Never.
    Never,
}

/// Which commands a client refrains from sending although the protocol has them, and what it sends although the protocol
/// forbids it. What is not permitted is refused with [`SendError::Forbidden`](super::SendError::Forbidden).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each with a name of its own"
)]
pub struct SendPolicy {
    /// LIST and UIDL with a message-number (V0003, V0007).
    pub single_listings: bool,
    /// RSET (V0006).
    pub rset: bool,
    /// APOP (V0008).
    pub apop: bool,
    /// Names and passwords that are more than printable ASCII: those of [`Mailbox::utf8`](crate::Mailbox::utf8)
    /// and [`Password::opaque`](crate::Password::opaque) (C0003).
    pub beyond_ascii: bool,
    /// UTF-8 in USER, PASS and APOP, to a server that takes it without announcing `UTF8 USER` (RFC 6856
    /// §2.2).
    pub unannounced_utf8: bool,
}

impl SendPolicy {
    /// Every command may be sent, and nothing that is forbidden.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            single_listings: true,
            rset: true,
            apop: true,
            beyond_ascii: true,
            unannounced_utf8: false,
        }
    }

    /// Outlook sends no LIST or UIDL with a message-number, no RSET, no APOP, and nothing but printable
    /// ASCII (V0003, V0006, V0007, V0008, C0003).
    #[must_use]
    pub const fn outlook() -> Self {
        Self {
            single_listings: false,
            rset: false,
            apop: false,
            beyond_ascii: false,
            unannounced_utf8: false,
        }
    }
}

impl Default for SendPolicy {
    /// [`SendPolicy::all`].
    fn default() -> Self {
        Self::all()
    }
}

/// The configuration of a client session: a preset, of which single fields may be changed.
///
/// ```
/// use pop3_proto::client::{ClientConfig, Security};
/// let mut config = ClientConfig::new(Security::StlsRequired);
/// config.limits.status_line = 512;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClientConfig {
    /// When what may be sent.
    pub security: Security,
    /// What is forgiven.
    pub leniency: Leniency,
    /// What is not sent.
    pub send_policy: SendPolicy,
    /// Whether commands are pipelined.
    pub pipelining: Pipelining,
    /// Bounds.
    pub limits: Limits,
}

impl ClientConfig {
    /// The default: [`Leniency::tolerant`], every command, pipelining where it is announced.
    #[must_use]
    pub const fn new(security: Security) -> Self {
        Self {
            security,
            leniency: Leniency::tolerant(),
            send_policy: SendPolicy::all(),
            pipelining: Pipelining::Announced,
            limits: Limits::DEFAULT,
        }
    }

    /// As [`ClientConfig::new`], with [`Leniency::strict`].
    #[must_use]
    pub const fn strict(security: Security) -> Self {
        Self { leniency: Leniency::strict(), ..Self::new(security) }
    }

    /// As Outlook: [`Leniency::outlook`], and [`SendPolicy::outlook`].
    #[must_use]
    pub const fn outlook(security: Security) -> Self {
        Self {
            leniency: Leniency::outlook(),
            send_policy: SendPolicy::outlook(),
            ..Self::new(security)
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "in clear",
            Self::Tls => "TLS",
            Self::Trusted => "trusted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_loopback_is_trusted() {
        for (peer, channel) in [
            ("127.0.0.1", Channel::Trusted),
            ("127.255.0.9", Channel::Trusted),
            ("::1", Channel::Trusted),
            ("::ffff:127.0.0.1", Channel::Trusted),
            ("0.0.0.0", Channel::Clear),
            ("10.0.0.1", Channel::Clear),
            ("126.255.255.255", Channel::Clear),
            ("128.0.0.1", Channel::Clear),
            ("::", Channel::Clear),
            ("::2", Channel::Clear),
            ("::127.0.0.1", Channel::Clear),
            ("::ffff:192.0.2.1", Channel::Clear),
            ("fe80::1", Channel::Clear),
        ] {
            assert_eq!(Channel::in_clear(peer.parse().unwrap()), channel, "{peer}");
        }
    }
}
