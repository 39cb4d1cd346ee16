//! A peer that follows a script over TLS, without this library and without a socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use pop3_blocking::Timeouts;
use pop3_blocking::rustls::{
    ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
};

use super::super::support::{Act, Pauses, Scripted};

/// A script whose octets are TLS from `Act::BeginTls` on.
pub(crate) struct Secured {
    script: Scripted,
    waits: Option<Connection>,
    tls: Option<Connection>,
    /// The other broke TLS off, or did not believe the certificate.
    failed: bool,
}

impl Secured {
    /// A server that follows the script.
    pub(crate) fn server(script: Scripted, config: ServerConfig) -> Self {
        let connection = ServerConnection::new(Arc::new(config)).expect("a configuration");
        Self::new(script, connection.into())
    }

    /// A client that follows the script.
    pub(crate) fn client(script: Scripted, config: ClientConfig) -> Self {
        let name = "localhost".try_into().expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        Self::new(script, connection.into())
    }

    fn new(mut script: Scripted, connection: Connection) -> Self {
        script.patient = true;
        Self { script, waits: Some(connection), tls: None, failed: false }
    }
}

impl Read for Secured {
    fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else {
                if self.script.take_act(|act| matches!(act, Act::BeginTls)) {
                    self.tls = self.waits.take();
                    continue;
                }
                return self.script.read(buffer);
            };
            if tls.wants_write() {
                return tls.write_tls(&mut buffer);
            }
            if self.failed {
                return Ok(0);
            }
            if tls.is_handshaking() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if self.script.take_act(|act| matches!(act, Act::EndTls)) {
                tls.send_close_notify();
                continue;
            }
            let mut octets = [0; 4096];
            match self.script.read(&mut octets)? {
                0 => return Ok(0),
                read => tls.writer().write_all(&octets[..read])?,
            }
        }
    }
}

impl Write for Secured {
    fn write(&mut self, mut octets: &[u8]) -> io::Result<usize> {
        if self.tls.is_none() && self.script.take_unheard(|act| matches!(act, Act::BeginTls)) {
            self.tls = self.waits.take();
        }
        let Some(tls) = &mut self.tls else { return self.script.write(octets) };
        let taken = tls.read_tls(&mut octets)?;
        if tls.process_new_packets().is_err() {
            self.failed = true;
            return Ok(taken);
        }
        let mut heard = Vec::new();
        match tls.reader().read_to_end(&mut heard) {
            Ok(_) => self.script.ended = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        self.script.write_all(&heard)?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.script.flush()
    }
}

impl Pauses for Secured {
    fn take_pause(&mut self) -> Option<Duration> {
        let busy = self.tls.as_ref().is_some_and(|tls| tls.wants_write() || tls.is_handshaking());
        if busy || self.failed { None } else { self.script.take_pause() }
    }
}

impl Timeouts for Secured {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.script.set_timeout(timeout)
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.write(octets)
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.script.fmt(f)
    }
}
