//! TLS by rustls (RFC 8314); here is which certificates are believed and what a handshake came to.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
mod end_point;
mod error;
#[cfg(all(feature = "tls", feature = "server"))]
mod server;
#[cfg(feature = "tls")]
mod stream;
#[cfg(all(test, feature = "tls", feature = "server"))]
mod tests;

use std::fmt;

#[cfg(feature = "scram")]
use pop3_proto::sasl::ChannelBinding;

#[cfg(not(feature = "tls"))]
pub(crate) use absent::*;
#[cfg(feature = "tls")]
pub(crate) use client::Peer;
#[cfg(feature = "tls")]
pub use client::Tls;
pub use error::{TlsError, TlsErrorKind};
#[cfg(all(feature = "tls", feature = "server"))]
pub use server::ServerTls;
#[cfg(feature = "tls")]
pub(crate) use stream::TlsStream;

/// The protocol's name in ALPN.
#[cfg(feature = "tls")]
const ALPN: &[u8] = b"pop3";

/// What ties an authentication to its TLS connection (RFC 5056), for SASL mechanisms whose names end
/// in `-PLUS`. In clear there is nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelBindings {
    /// `tls-exporter` (RFC 9266): 32 octets. TLS 1.3 only.
    pub tls_exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate. `None` where the
    /// certificate's signature has no single hash function, as Ed25519 has not, and on a server whose
    /// certificate was chosen by a configuration of the caller's own.
    pub tls_server_end_point: Option<Vec<u8>>,
}

#[cfg(feature = "scram")]
impl ChannelBindings {
    /// The one to bind SCRAM to: `tls-exporter` where there is TLS 1.3 (RFC 9266 §3).
    pub(crate) fn preferred(&self) -> Option<ChannelBinding> {
        match (&self.tls_exporter, &self.tls_server_end_point) {
            (Some(exported), _) => Some(ChannelBinding::tls_exporter(exported)),
            (None, Some(hash)) => ChannelBinding::tls_server_end_point(hash).ok(),
            (None, None) => None,
        }
    }
}

impl fmt::Debug for ChannelBindings {
    /// Which there are, not what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBindings")
            .field("tls_exporter", &self.tls_exporter.is_some())
            .field("tls_server_end_point", &self.tls_server_end_point.is_some())
            .finish()
    }
}
