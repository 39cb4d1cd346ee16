//! Who a server says that it is.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ServerConfig, ServerConnection};

use super::client::{certificates, unusable};
use super::end_point::server_end_point;
use super::error::TlsError;
use super::{ALPN, ChannelBindings};

/// How a server begins TLS: its certificate, and the key to it.
///
/// TLS 1.2 and 1.3 (RFC 8997), by ring; no client certificate is asked for (RFC 8314 §4.2). A client
/// that offers application protocols and not `pop3` among them is refused; one that offers none is
/// served. For anything else there is a `rustls::ServerConfig` of your own.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    /// The hash of the certificate, where it is known which one is shown.
    end_point: Option<Vec<u8>>,
}

impl ServerTls {
    /// From a chain of certificates, the server's own first, and its private key (PKCS #8, PKCS #1 or
    /// SEC 1), both in PEM.
    ///
    /// # Errors
    /// [`TlsErrorKind::Configuration`](super::TlsErrorKind::Configuration) if one of them is missing
    /// or malformed, or the key is not the certificate's.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        let end_point = chain.first().and_then(|certificate| server_end_point(certificate));
        let key = PrivateKeyDer::from_pem_slice(key).map_err(unusable)?;
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), end_point })
    }

    /// The configuration, for adapters that make their own connections.
    #[must_use]
    pub const fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// The bindings of a connection that was made with this, whose handshake is done.
    #[must_use]
    pub fn channel_bindings(&self, connection: &ServerConnection) -> ChannelBindings {
        ChannelBindings {
            tls_exporter: ChannelBindings::exporter(connection),
            tls_server_end_point: self.end_point(),
        }
    }

    pub(super) fn connection(&self) -> Result<ServerConnection, TlsError> {
        Ok(ServerConnection::new(Arc::clone(&self.config))?)
    }

    pub(super) fn end_point(&self) -> Option<Vec<u8>> {
        self.end_point.clone()
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    /// A configuration of the caller's own, taken as it is. Which certificate it shows is not known:
    /// there is no `tls-server-end-point`.
    fn from(config: Arc<ServerConfig>) -> Self {
        Self { config, end_point: None }
    }
}
