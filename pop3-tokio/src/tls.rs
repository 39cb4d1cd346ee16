//! TLS by tokio-rustls; what is believed and what a handshake came to is said in `pop3_blocking`.

use pop3_blocking::rustls::pki_types::ServerName;
use pop3_blocking::{ChannelBindings, Tls, TlsError, trace};
#[cfg(feature = "server")]
use pop3_blocking::{TlsErrorKind, server::Server};
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(feature = "server")]
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;
pub(crate) use tokio_rustls::client::TlsStream;
#[cfg(feature = "server")]
pub(crate) use tokio_rustls::server::TlsStream as ServerStream;

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

pub(crate) fn negotiated<S>(stream: &TlsStream<S>) -> Option<(&'static str, &'static str)> {
    trace::negotiated(stream.get_ref().1)
}

pub(crate) fn channel_bindings<S>(stream: &TlsStream<S>) -> ChannelBindings {
    ChannelBindings::of(stream.get_ref().1)
}

/// Whether a server can begin TLS.
#[cfg(feature = "server")]
pub(crate) const fn has_certificate<T, A>(server: &Server<T, A>) -> bool {
    server.tls.is_some()
}

/// Makes the handshake with a client.
#[cfg(feature = "server")]
pub(crate) async fn accept<S, T, A>(
    server: &Server<T, A>,
    stream: S,
) -> Result<ServerStream<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let tls = server.tls.as_ref().ok_or(TlsErrorKind::Configuration)?;
    Ok(TlsAcceptor::from(tls.config().clone()).accept(stream).await?)
}

#[cfg(feature = "server")]
pub(crate) fn accepted<S>(stream: &ServerStream<S>) -> Option<(&'static str, &'static str)> {
    trace::negotiated(stream.get_ref().1)
}

#[cfg(feature = "server")]
pub(crate) fn accepted_bindings<S, T, A>(
    server: &Server<T, A>,
    stream: &ServerStream<S>,
) -> ChannelBindings {
    server.tls.as_ref().map(|tls| tls.channel_bindings(stream.get_ref().1)).unwrap_or_default()
}
