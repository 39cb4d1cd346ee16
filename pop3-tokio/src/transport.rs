//! What carries a session: in clear, or by TLS.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pop3_blocking::{ChannelBindings, TlsError, TlsErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tls::{TlsStream, channel_bindings, negotiated};

/// How long saying goodbye may take.
const CLOSING: Duration = Duration::from_secs(1);

/// A transport that may turn to TLS, and never back.
///
/// In clear nothing is buffered, so there is nothing to forget when TLS begins (RFC 2595 §4).
#[derive(Debug)]
pub(crate) enum Transport<S, T = TlsStream<S>> {
    Clear(S),
    Tls(Box<T>),
    /// TLS was to begin and did not: the transport is dropped, and nothing goes on in clear.
    Gone,
}

impl<S, T> Transport<S, T> {
    /// Begins TLS. Afterwards the transport is TLS, or it is gone.
    pub(crate) async fn upgrade<F>(
        &mut self,
        handshake: impl FnOnce(S) -> F,
        within: Duration,
    ) -> Result<(), TlsError>
    where
        F: Future<Output = Result<T, TlsError>>,
    {
        // TLS does not begin twice: what is no transport in clear is gone as well.
        let Self::Clear(stream) = std::mem::replace(self, Self::Gone) else {
            return Err(TlsErrorKind::Failed.into());
        };
        let handshake = tokio::time::timeout(within, handshake(stream)).await;
        *self = Self::Tls(Box::new(handshake.map_err(|_| TlsErrorKind::TimedOut)??));
        Ok(())
    }
}

impl<S> Transport<S> {
    /// The version and the cipher suite of TLS, if it is TLS.
    pub(crate) fn negotiated(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Tls(stream) => negotiated(stream),
            Self::Clear(_) | Self::Gone => None,
        }
    }

    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        match self {
            Self::Tls(stream) => channel_bindings(stream),
            Self::Clear(_) | Self::Gone => ChannelBindings::default(),
        }
    }
}

impl<S, T> Transport<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    /// Says that nothing more will come, by `close_notify` over TLS (RFC 8314 §3.4). Only a session
    /// that is over is closed: whether the peer learns of it changes nothing.
    pub(crate) async fn close(&mut self) {
        let shutdown = poll_fn(|cx| Pin::new(&mut *self).poll_shutdown(cx));
        let _ = tokio::time::timeout(CLOSING, shutdown).await;
    }
}

/// What a transport that is gone answers.
fn gone<R>() -> Poll<io::Result<R>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl<S, T> AsyncRead for Transport<S, T>
where
    S: AsyncRead + Unpin,
    T: AsyncRead + Unpin,
{
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

impl<S, T> AsyncWrite for Transport<S, T>
where
    S: AsyncWrite + Unpin,
    T: AsyncWrite + Unpin,
{
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
