//! What carries a session: in clear, or by TLS.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::deadline::Timeouts;
#[cfg(feature = "server")]
use crate::tls::ServerTls;
use crate::tls::{ChannelBindings, Peer, TlsError, TlsErrorKind, TlsStream};

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

impl<S: Timeouts> Transport<S> {
    /// Begins TLS as a client. Afterwards the transport is TLS, or it is gone.
    pub(crate) fn upgrade_client(&mut self, peer: Peer, within: Duration) -> Result<(), TlsError> {
        self.upgrade(|stream| TlsStream::client(peer, stream, within))
    }

    /// Begins TLS as a server. Afterwards the transport is TLS, or it is gone.
    #[cfg(feature = "server")]
    pub(crate) fn upgrade_server(
        &mut self,
        tls: &ServerTls,
        within: Duration,
    ) -> Result<(), TlsError> {
        let begun = self.upgrade(|stream| TlsStream::server(tls, stream, within));
        crate::trace::accepted_tls(&begun, self.negotiated());
        begun
    }

    fn upgrade(
        &mut self,
        begin: impl FnOnce(S) -> Result<TlsStream<S>, TlsError>,
    ) -> Result<(), TlsError> {
        // TLS does not begin twice: what is no transport in clear is gone as well.
        let Self::Clear(stream) = std::mem::replace(self, Self::Gone) else {
            return Err(TlsErrorKind::Failed.into());
        };
        *self = Self::Tls(Box::new(begin(stream)?));
        Ok(())
    }

    /// Says over TLS that nothing more will come; in clear the end of the connection says it.
    pub(crate) fn close(&mut self) {
        if let Self::Tls(stream) = self {
            stream.close();
        }
    }
}

impl<S> Transport<S> {
    /// The version and the cipher suite of TLS, if it is TLS.
    pub(crate) fn negotiated(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Tls(stream) => stream.negotiated(),
            Self::Clear(_) | Self::Gone => None,
        }
    }

    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        match self {
            Self::Tls(stream) => stream.channel_bindings(),
            Self::Clear(_) | Self::Gone => ChannelBindings::default(),
        }
    }
}

impl<S: Timeouts> Read for Transport<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S: Timeouts> Write for Transport<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(octets),
            Self::Tls(stream) => stream.write(octets),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S: Timeouts> Timeouts for Transport<S> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.set_timeout(timeout),
            Self::Tls(stream) => stream.set_timeout(timeout),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
