//! Deadlines: how long what may take, and how a transport is told.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pop3_proto::client::Waiting;

/// How long what may take. Passing one ends the session with an error that says what was awaited;
/// no silence lasts without an end on a transport that knows [`Timeouts`]. A body or a listing may go
/// on for as long as something comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Deadlines {
    /// To connect, all resolved addresses together: 30 s.
    pub connect: Duration,
    /// For the handshake of TLS, all of it: 30 s.
    pub tls: Duration,
    /// From the connection to the greeting: 60 s.
    pub greeting: Duration,
    /// From a command to its status line, and the longest silence inside a multi-line reply: 60 s.
    /// Servers delay the answer to a wrong password on purpose; below 10 s that looks like a broken
    /// connection.
    pub reply: Duration,
    /// From the first command of a login to its end: 180 s. What comes between the greeting and a client,
    /// CAPA and STLS, has as long, and what the greeting left of its time.
    pub login: Duration,
}

impl Deadlines {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(30),
        tls: Duration::from_secs(30),
        greeting: Duration::from_secs(60),
        reply: Duration::from_secs(60),
        login: Duration::from_secs(180),
    };
}

impl Default for Deadlines {
    /// [`Deadlines::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A transport whose reads and writes can be given an end.
pub trait Timeouts: Read + Write {
    /// Lets every following read and write fail with [`io::ErrorKind::WouldBlock`] or
    /// [`io::ErrorKind::TimedOut`] once it has blocked for `timeout`, which is never zero.
    ///
    /// # Errors
    /// Whatever the transport says.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Writes what can be written without any waiting. It is how a TLS session that is dropped says
    /// that it ends; a transport that knows no such write leaves this as it is, and says nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if nothing can be written; whatever the transport says.
    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let _ = octets;
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Timeouts for TcpStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        (&*self).set_timeout(timeout)
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        (&*self).try_write(octets)
    }
}

impl Timeouts for &TcpStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.set_nonblocking(true)?;
        let written = self.write(octets);
        self.set_nonblocking(false)?;
        written
    }
}

#[cfg(unix)]
impl Timeouts for std::os::unix::net::UnixStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.set_nonblocking(true)?;
        let written = self.write(octets);
        self.set_nonblocking(false)?;
        written
    }
}

impl<T: Timeouts + ?Sized> Timeouts for &mut T {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        (**self).set_timeout(timeout)
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        (**self).try_write(octets)
    }
}

impl<T: Timeouts + ?Sized> Timeouts for Box<T> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        (**self).set_timeout(timeout)
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        (**self).try_write(octets)
    }
}

/// Any transport, without deadlines: a read or write that blocks blocks for as long as the transport
/// lets it. A deadline is noticed only when the transport gives up by itself.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper and nothing else")]
pub struct Untimed<S>(pub S);

impl<S: Read> Read for Untimed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for Untimed<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write> Timeouts for Untimed<S> {
    fn set_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// The end of a time that begins now; a time beyond the end of time lasts a century.
#[cfg(any(feature = "server", feature = "tls"))]
pub(crate) fn after(time: Duration) -> Instant {
    later(Instant::now(), time)
}

fn later(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or(now + Duration::from_secs(3_155_760_000))
}

/// When the thing that is awaited must have come.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) deadlines: Deadlines,
    /// What was awaited when the clock was last looked at, and until when.
    awaited: Option<(Waiting, Instant)>,
    /// An end that holds whatever is awaited: that of an opening or a login.
    overall: Option<Instant>,
    /// The timeout that the transport was last given.
    armed: Option<Duration>,
}

impl Clock {
    pub(crate) const fn new(deadlines: Deadlines) -> Self {
        Self { deadlines, awaited: None, overall: None, armed: None }
    }

    pub(crate) fn begin_opening(&mut self) {
        let Deadlines { greeting, login, .. } = self.deadlines;
        self.overall = Instant::now().checked_add(greeting.saturating_add(login));
    }

    pub(crate) fn begin_login(&mut self) {
        self.overall = Instant::now().checked_add(self.deadlines.login);
    }

    /// The opening or the login is over.
    pub(crate) const fn end(&mut self) {
        self.overall = None;
    }

    /// Something came: silence begins anew.
    pub(crate) const fn progress(&mut self, waiting: Waiting) {
        if matches!(waiting, Waiting::Rest(_)) {
            self.awaited = None;
        }
    }

    /// Somebody else has told the transport about time.
    pub(crate) const fn disarmed(&mut self) {
        self.armed = None;
    }

    /// Arms the transport for what is awaited now; `false` if its time is over.
    pub(crate) fn arm(
        &mut self,
        waiting: Waiting,
        transport: &mut impl Timeouts,
    ) -> io::Result<bool> {
        let limit = if waiting == Waiting::Greeting {
            self.deadlines.greeting
        } else {
            self.deadlines.reply
        };
        let now = Instant::now();
        let until = match self.awaited {
            Some((same, until)) if same == waiting => until,
            _ => {
                let until = later(now, limit);
                self.awaited = Some((waiting, until));
                until
            }
        };
        let until = self.overall.map_or(until, |overall| overall.min(until));
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            return Ok(false);
        }
        // Setting a timeout costs a system call: one that is a little too long will do, since the
        // clock is looked at again when it has passed.
        let good_enough = self
            .armed
            .is_some_and(|armed| armed >= left && armed <= left.saturating_add(left / 64));
        if !good_enough {
            transport.set_timeout(left)?;
            self.armed = Some(left);
        }
        Ok(true)
    }
}
