//! Whom a client believes.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::ALPN;
use super::error::{TlsError, TlsErrorKind};

/// How a client begins TLS: which certificates it believes, and what it offers.
///
/// TLS 1.2 and 1.3 (RFC 8997), by ring; the server's certificate is always verified, for the name
/// that the caller connects to; the application protocol `pop3` is offered. For anything else there is
/// a `rustls::ClientConfig` of your own: another provider, client certificates, other roots.
///
/// ```no_run
/// use pop3_blocking::pop3_proto::client::Security;
/// use pop3_blocking::{Client, Tls};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = Client::builder(Security::Implicit);
/// builder.tls = Some(Tls::with_authorities(&std::fs::read("ca.pem")?)?);
/// let client = builder.connect("pop.example.org", 995)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Believes whom the platform believes. On Linux these are the authorities of its certificate
    /// store, or of `SSL_CERT_FILE`.
    ///
    /// # Errors
    /// [`TlsErrorKind::Configuration`] if the platform's authorities cannot be had.
    pub fn platform() -> Result<Self, TlsError> {
        let builder = builder()?.with_platform_verifier().map_err(unusable)?;
        Ok(Self::offering(builder))
    }

    /// Believes these authorities and nobody else: certificates in PEM, as octets of one file.
    ///
    /// # Errors
    /// [`TlsErrorKind::Configuration`] if there is none among them, or one is malformed.
    pub fn with_authorities(pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(unusable)?;
        }
        Ok(Self::offering(builder()?.with_root_certificates(roots)))
    }

    /// Believes the authorities that Mozilla believed when this was built.
    ///
    /// # Errors
    /// [`TlsErrorKind::Configuration`] if ring cannot do TLS 1.2 and 1.3.
    #[cfg(feature = "webpki-roots")]
    pub fn mozilla() -> Result<Self, TlsError> {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>();
        Ok(Self::offering(builder()?.with_root_certificates(roots)))
    }

    /// The same without ALPN: for a server that breaks when it is offered anything.
    #[must_use]
    pub fn without_alpn(mut self) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols.clear();
        self
    }

    fn offering(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> Self {
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Self { config: Arc::new(config) }
    }

    /// The configuration, for whoever begins TLS without this crate.
    #[must_use]
    pub const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// For whom the certificate of `host`, a name or an address, has to be.
    ///
    /// # Errors
    /// [`TlsErrorKind::ServerName`] if no certificate could be for it.
    pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
        // A name that is written to its root is in no certificate with its last dot, an address in
        // none with its brackets.
        let host = host.strip_suffix('.').unwrap_or(host);
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        ServerName::try_from(host.to_owned())
            .map_err(|error| TlsError::new(TlsErrorKind::ServerName, error))
    }

    /// Whom to begin TLS with, by name or address.
    pub(crate) fn peer(&self, host: &str) -> Result<Peer, TlsError> {
        Ok(Peer { config: Arc::clone(&self.config), name: Self::server_name(host)? })
    }
}

impl From<Arc<ClientConfig>> for Tls {
    /// A configuration of the caller's own, taken as it is: what it verifies and offers is what
    /// happens.
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }
}

/// A server, and how to begin TLS with it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Peer {
    pub(super) fn connection(self) -> Result<ClientConnection, TlsError> {
        Ok(ClientConnection::new(self.config, self.name)?)
    }
}

/// The provider is named: with two of them in a build there is no default, and asking for it panics.
fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)
}

/// The certificates of a PEM file, at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(unusable)?;
    if certificates.is_empty() { Err(unusable("no certificate in PEM")) } else { Ok(certificates) }
}

pub(super) fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TlsError {
    TlsError::new(TlsErrorKind::Configuration, error)
}
