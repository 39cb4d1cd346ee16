//! What carries a session: in clear, or by TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pop3_blocking::{ChannelBindings, TlsError, TlsErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tls::{Peer, TlsStream, channel_bindings};

/// A transport that may turn to TLS, and never back.
///
/// In clear nothing is buffered, so there is nothing to forget when TLS begins (RFC 2595 §4).
#[derive(Debug)]
pub(crate) enum Transport<S> {
    Clear(S),
    Tls(Box<TlsStream<S>>),
    /// TLS was to begin and did not: the transport is dropped, and nothing goes on in clear.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport<S> {
    /// Begins TLS. Afterwards the transport is TLS, or it is gone.
    pub(crate) async fn upgrade(&mut self, peer: Peer, within: Duration) -> Result<(), TlsError> {
        // TLS does not begin twice: what is no transport in clear is gone as well.
        let Self::Clear(stream) = std::mem::replace(self, Self::Gone) else {
            return Err(TlsErrorKind::Failed.into());
        };
        let handshake = tokio::time::timeout(within, peer.connect(stream)).await;
        *self = Self::Tls(Box::new(handshake.map_err(|_| TlsErrorKind::TimedOut)??));
        Ok(())
    }
}

impl<S> Transport<S> {
    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        match self {
            Self::Tls(stream) => channel_bindings(stream),
            Self::Clear(_) | Self::Gone => ChannelBindings::default(),
        }
    }
}

/// What a transport that is gone answers.
fn gone<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Transport<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Gone => gone(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Transport<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(cx, octets),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, octets),
            Self::Gone => gone(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Gone => gone(),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Gone => gone(),
        }
    }
}
