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
use pop3_proto::Base64;
use pop3_proto::client::Login;
#[cfg(feature = "scram")]
use pop3_proto::sasl::ChannelBinding;
#[cfg(feature = "tls")]
use rustls::{ClientConnection, ConnectionCommon, ProtocolVersion};

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

use crate::error::Error;
#[cfg(feature = "scram")]
use crate::preparation;

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

impl ChannelBindings {
    /// Those of a client whose handshake is done.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn of(connection: &ClientConnection) -> Self {
        let tls_server_end_point = connection
            .peer_certificates()
            .and_then(<[_]>::first)
            .and_then(|certificate| end_point::server_end_point(certificate));
        Self { tls_exporter: Self::exporter(connection), tls_server_end_point }
    }

    #[cfg(feature = "tls")]
    fn exporter<T>(connection: &ConnectionCommon<T>) -> Option<[u8; 32]> {
        // RFC 9266 §4.2: before TLS 1.3 the exporter binds to nothing unless more is negotiated.
        if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return None;
        }
        connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).ok()
    }

    /// Gives a login what only the outside has: randomness, and what the connection is bound to. Without
    /// feature `scram` it needs neither.
    ///
    /// # Errors
    /// [`Error::Io`] if the system has no randomness.
    pub fn prepare(&self, login: Login) -> Result<Login, Error> {
        #[cfg(feature = "scram")]
        let login = {
            let mut random = [0; 18];
            getrandom::fill(&mut random).map_err(std::io::Error::other)?;
            let nonce = Base64::encode(&random);
            let nonce = std::str::from_utf8(nonce.expose()).unwrap_or_default();
            let mut login = login.with_nonce(nonce)?.with_preparation(preparation::prepared);
            if let Some(binding) = self.of_scram().next() {
                login.bind(binding);
            }
            login
        };
        Ok(login)
    }

    /// What SCRAM may be bound to, the preferred one first: `tls-exporter` where there is TLS 1.3 (RFC 9266 §3).
    #[cfg(feature = "scram")]
    pub(crate) fn of_scram(&self) -> impl Iterator<Item = ChannelBinding> {
        let exporter = self.tls_exporter.as_ref().map(ChannelBinding::tls_exporter);
        let end_point = self.tls_server_end_point.as_deref();
        let end_point = end_point.and_then(|hash| ChannelBinding::tls_server_end_point(hash).ok());
        exporter.into_iter().chain(end_point)
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
