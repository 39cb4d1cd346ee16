//! Records in, records out.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use rustls::Connection;

#[cfg(feature = "server")]
use super::ServerTls;
use super::error::TlsError;
use super::{ChannelBindings, Peer};
use crate::deadline::{Timeouts, after};
use crate::driver::is_end;

/// How long saying goodbye may take.
const CLOSING: Duration = Duration::from_secs(1);

/// A transport over which TLS has been begun.
///
/// Each read and each write asks the transport once. What that did not suffice for ends in
/// [`io::ErrorKind::Interrupted`], so that the caller looks at its clock in between: a peer that
/// dribbles, or sends records with nothing in them, gains no time by it.
pub(crate) struct TlsStream<S> {
    connection: Connection,
    stream: S,
    /// [`Timeouts::try_write`] of the transport: dropping knows no bounds.
    try_write: fn(&mut S, &[u8]) -> io::Result<usize>,
    /// The hash of the certificate that this side shows.
    shown: Option<Vec<u8>>,
}

impl<S: Timeouts> TlsStream<S> {
    /// Begins TLS with a server. The handshake, all of it, has `within` this time to come to its end.
    pub(crate) fn client(peer: Peer, stream: S, within: Duration) -> Result<Self, TlsError> {
        Self::new(peer.connection()?, stream, None, within)
    }

    /// The same with a client.
    #[cfg(feature = "server")]
    pub(crate) fn server(tls: &ServerTls, stream: S, within: Duration) -> Result<Self, TlsError> {
        Self::new(tls.connection()?, stream, tls.end_point(), within)
    }

    fn new(
        connection: impl Into<Connection>,
        stream: S,
        shown: Option<Vec<u8>>,
        within: Duration,
    ) -> Result<Self, TlsError> {
        let connection = connection.into();
        let mut this = Self { connection, stream, try_write: S::try_write, shown };
        match this.shake_hands(after(within)) {
            Ok(()) => Ok(this),
            Err(error) => Err(error.into()),
        }
    }

    fn shake_hands(&mut self, until: Instant) -> io::Result<()> {
        // The last record may be ours.
        let mut unflushed = false;
        while self.connection.is_handshaking() || self.connection.wants_write() || unflushed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_timeout(left)?;
            let step = if self.connection.wants_write() {
                unflushed = true;
                self.write_records()
            } else if unflushed {
                self.stream.flush().map(|()| unflushed = false)
            } else {
                self.read_records()
            };
            match step {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                step => step?,
            }
        }
        Ok(())
    }

    /// Says that nothing more will come (RFC 8314 §3.4). Only a session that is over is closed: what
    /// the peer has not taken by now it is not given any more.
    pub(crate) fn close(&mut self) {
        if self.connection.wants_write() {
            return;
        }
        self.connection.send_close_notify();
        let until = after(CLOSING);
        while self.connection.wants_write() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stream.set_timeout(left).is_err() {
                return;
            }
            match self.write_records() {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                _ => {}
            }
        }
        let _ = self.stream.flush();
    }

    /// Reads once and takes apart what came.
    fn read_records(&mut self) -> io::Result<()> {
        if self.connection.read_tls(&mut self.stream)? == 0 && self.connection.is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match self.connection.process_new_packets() {
            Ok(_) => Ok(()),
            Err(error) => {
                // The peer may learn why; whether it does changes nothing.
                let _ = self.write_records().and_then(|()| self.stream.flush());
                Err(TlsError::from(error).into())
            }
        }
    }

    /// Writes once of what waits.
    fn write_records(&mut self) -> io::Result<()> {
        match self.connection.write_tls(&mut self.stream) {
            Ok(0) if self.connection.wants_write() => Err(io::ErrorKind::WriteZero.into()),
            written => written.map(drop),
        }
    }

    /// Makes sure that nothing waits to be written.
    fn write_out(&mut self) -> io::Result<()> {
        if self.connection.wants_write() {
            self.write_records()?;
        }
        if self.connection.wants_write() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

impl<S> TlsStream<S> {
    /// The version and the cipher suite.
    pub(crate) fn negotiated(&self) -> Option<(&'static str, &'static str)> {
        crate::trace::negotiated(&self.connection)
    }

    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        match &self.connection {
            Connection::Client(connection) => ChannelBindings::of(connection),
            Connection::Server(connection) => ChannelBindings {
                tls_exporter: ChannelBindings::exporter(connection),
                tls_server_end_point: self.shown.clone(),
            },
        }
    }
}

impl<S: Timeouts> Read for TlsStream<S> {
    /// 0 is the peer's `close_notify`; an end without one is [`io::ErrorKind::UnexpectedEof`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        match self.write_out() {
            // A peer that takes nothing more may have said something before.
            Err(error) if is_end(&error) => {}
            written => written?,
        }
        self.read_records()?;
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::ErrorKind::Interrupted.into())
            }
            read => read,
        }
    }
}

impl<S: Timeouts> Write for TlsStream<S> {
    /// Takes octets only when all that was taken before has left. An error takes nothing.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.write_out()?;
        self.connection.writer().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.stream.flush()
    }
}

impl<S: Timeouts> Timeouts for TlsStream<S> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_timeout(timeout)
    }
}

impl<S> Drop for TlsStream<S> {
    /// Says that nothing more will come, if that takes no waiting; see [`TlsStream::close`].
    fn drop(&mut self) {
        if self.connection.is_handshaking() || self.connection.wants_write() {
            return;
        }
        self.connection.send_close_notify();
        let mut alert = Vec::new();
        let written = self.connection.write_tls(&mut alert);
        if written.is_ok() && !alert.is_empty() {
            let _ = (self.try_write)(&mut self.stream, &alert);
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("stream", &self.stream).finish_non_exhaustive()
    }
}
