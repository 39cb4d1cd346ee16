//! What stands in for TLS in a build without it: the same names, and no values.

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pop3_blocking::{ChannelBindings, TlsError};
#[cfg(feature = "server")]
use pop3_blocking::{TlsErrorKind, server::Server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug)]
pub(crate) enum Peer {}

impl Peer {
    #[expect(clippy::unused_async, reason = "TLS would wait")]
    pub(crate) async fn connect<S>(self, _: S) -> Result<TlsStream<S>, TlsError> {
        match self {}
    }
}

#[derive(Debug)]
pub(crate) struct TlsStream<S>(Infallible, PhantomData<S>);

pub(crate) fn negotiated<S>(stream: &TlsStream<S>) -> Option<(&'static str, &'static str)> {
    match stream.0 {}
}

pub(crate) fn channel_bindings<S>(stream: &TlsStream<S>) -> ChannelBindings {
    match stream.0 {}
}

#[cfg(feature = "server")]
pub(crate) type ServerStream<S> = TlsStream<S>;

#[cfg(feature = "server")]
pub(crate) const fn has_certificate<T, A>(_: &Server<T, A>) -> bool {
    false
}

#[cfg(feature = "server")]
#[allow(clippy::unused_async, reason = "TLS would wait")]
pub(crate) async fn accept<S, T, A>(_: &Server<T, A>, _: S) -> Result<ServerStream<S>, TlsError> {
    Err(TlsErrorKind::Unsupported.into())
}

#[cfg(feature = "server")]
pub(crate) fn accepted<S>(stream: &ServerStream<S>) -> Option<(&'static str, &'static str)> {
    negotiated(stream)
}

#[cfg(feature = "server")]
pub(crate) fn accepted_bindings<S, T, A>(
    _: &Server<T, A>,
    stream: &ServerStream<S>,
) -> ChannelBindings {
    channel_bindings(stream)
}

impl<S> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}

impl<S> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}
