//! TLS by tokio-rustls; what is believed and what a handshake came to is said in `pop3_blocking`.

use pop3_blocking::rustls::pki_types::ServerName;
use pop3_blocking::{ChannelBindings, Tls, TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
pub(crate) use tokio_rustls::client::TlsStream;

/// A server, and how to begin TLS with it.
#[derive(Debug)]
pub(crate) struct Peer {
    tls: Tls,
    name: ServerName<'static>,
}

impl Peer {
    pub(crate) fn new(tls: Tls, host: &str) -> Result<Self, TlsError> {
        Ok(Self { tls, name: Tls::server_name(host)? })
    }

    /// Makes the handshake.
    pub(crate) async fn connect<S>(self, stream: S) -> Result<TlsStream<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(self.tls.config().clone());
        Ok(connector.connect(self.name, stream).await?)
    }
}

pub(crate) fn channel_bindings<S>(stream: &TlsStream<S>) -> ChannelBindings {
    ChannelBindings::of(stream.get_ref().1)
}
