//! The one loop that moves octets: events, write, read.

use std::io::{self, Read as _, Write as _};

use bytes::{Buf as _, Bytes};
use pop3_proto::client::{self, ClientSession, CommandId, Eof, Event, ProtocolError, Step};
use pop3_proto::{Command, Deviation, Deviations};

use crate::deadline::{Clock, Deadlines, Timeouts};
use crate::error::Error;
use crate::tls::{Peer, TlsError, TlsErrorKind};
use crate::trace::Trace;
use crate::transport::Transport;

/// A session and its transport.
#[derive(Debug)]
pub(crate) struct Driver<S> {
    pub(crate) session: ClientSession,
    pub(crate) stream: Transport<S>,
    pub(crate) clock: Clock,
    /// What was written may still stand in the transport.
    unflushed: bool,
    /// The transport takes nothing more; what the server said before that may still be read.
    write_closed: bool,
    /// What the server has been forgiven so far.
    pub(crate) deviations: Deviations,
    pub(crate) trace: Trace,
}

impl<S: Timeouts> Driver<S> {
    pub(crate) fn new(session: ClientSession, stream: S, deadlines: Deadlines) -> Self {
        Self {
            session,
            stream: Transport::Clear(stream),
            clock: Clock::new(deadlines),
            unflushed: false,
            write_closed: false,
            deviations: Deviations::NONE,
            trace: Trace::new(),
        }
    }

    /// Begins TLS: the session that goes on knows nothing that came before it.
    pub(crate) fn begin_tls(&mut self, peer: Peer) -> Result<(), Error> {
        if self.write_closed {
            // What belongs before TLS may stand in the transport.
            return Err(TlsError::from(TlsErrorKind::Closed).into());
        }
        let begun = self.stream.upgrade_client(peer, self.clock.deadlines.tls);
        self.trace.tls(&begun, self.stream.negotiated());
        begun?;
        self.clock.disarmed();
        Ok(())
    }

    /// Does what `step` calls for until it is done; `None` if the TLS handshake is due.
    pub(crate) fn run<T>(
        &mut self,
        mut step: impl FnMut(&mut ClientSession, &mut Trace) -> Result<Step<T>, client::LoginError>,
    ) -> Result<Option<T>, Stop> {
        loop {
            let step = step(&mut self.session, &mut self.trace);
            match step.inspect_err(|error| self.trace.not_logged_in(error)).map_err(Stop::Login)? {
                Step::Exchange => self.exchange()?,
                Step::StartTls => {
                    self.trace.stls();
                    return Ok(None);
                }
                Step::Deviation(deviation) => self.forgive(deviation),
                Step::Done(done) => return Ok(Some(done)),
            }
        }
    }

    /// Queues a command. While it is too early, replies to abandoned commands are read and dropped.
    pub(crate) fn send(&mut self, command: &Command) -> Result<CommandId, Error> {
        loop {
            match self.session.send(command) {
                Ok(id) => {
                    self.trace.sent(id, command);
                    return Ok(id);
                }
                // Nobody else waits: what ends here was abandoned.
                Err(error) if error.is_transient() => {
                    self.event(|event| !matches!(event, Event::Closed { .. }), drop)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next event of command `id`; ends of abandoned commands before it are dropped.
    pub(crate) fn event_of(&mut self, id: CommandId) -> Result<Event, Error> {
        self.event(|event| event.replies_to(id), |event| event)
    }

    /// The next octets of the body that `id` is answered with; `None` at its end.
    pub(crate) fn data_of(&mut self, id: CommandId) -> Result<Option<Bytes>, Error> {
        self.event(
            |event| event.replies_to(id),
            |event| match event {
                Event::Data { data, .. } => Some(data),
                _ => None,
            },
        )
    }

    /// What `take` makes of the next event that is wanted; blocks until there is one. Events are large, and moving them is
    /// most of what a small message costs: they are looked at where they lie, and moved once.
    fn event<T>(
        &mut self,
        wanted: impl Fn(&Event) -> bool,
        take: impl FnOnce(Event) -> T,
    ) -> Result<T, Error> {
        loop {
            let polled = poll(&mut self.session);
            match &polled {
                Ok(Some(Event::Deviation { deviation, .. })) => self.forgive(*deviation),
                Ok(Some(event)) => {
                    self.trace.event(event);
                    if wanted(event) {
                        if let Ok(Some(event)) = polled {
                            return Ok(take(event));
                        }
                    } else if let Event::Closed { farewell, .. } = event {
                        return Err(Error::Closed { farewell: farewell.clone() });
                    }
                }
                Ok(None) => self.exchange()?,
                Err(error) => {
                    let error = error.clone().into();
                    self.trace.failed(&error);
                    return Err(error);
                }
            }
        }
    }

    fn forgive(&mut self, deviation: Deviation) {
        self.trace.deviation(deviation);
        self.deviations.insert(deviation);
    }

    /// Writes all that is to be written, then reads once.
    pub(crate) fn exchange(&mut self) -> Result<(), Error> {
        self.write_then_read().inspect_err(|error| self.trace.failed(error))
    }

    fn write_then_read(&mut self) -> Result<(), Error> {
        let writes = self.session.wants_write();
        while !self.write_closed && (self.session.wants_write() || self.unflushed) {
            self.write()?;
        }
        if writes {
            self.trace.left(self.session.waiting());
        }
        if self.session.wants_read() { self.read() } else { Err(Error::Closed { farewell: None }) }
    }

    /// Writes once, or flushes if all is written.
    fn write(&mut self) -> Result<(), Error> {
        self.arm()?;
        let written = if self.session.wants_write() {
            self.stream.write(self.session.outgoing().chunk()).map(Some)
        } else {
            self.stream.flush().map(|()| None)
        };
        match written {
            Ok(Some(0)) => self.failed(io::ErrorKind::WriteZero.into()),
            Ok(Some(written)) => {
                self.session.outgoing().advance(written);
                self.unflushed = true;
                Ok(())
            }
            Ok(None) => {
                self.unflushed = false;
                Ok(())
            }
            Err(error) if is_end(&error) => {
                self.write_closed = true;
                Ok(())
            }
            Err(error) => self.failed(error),
        }
    }

    fn read(&mut self) -> Result<(), Error> {
        self.arm()?;
        match self.stream.read(self.session.incoming()) {
            Ok(0) => self.session.receive_eof(Eof::Clean),
            Ok(read) => {
                self.session.received(read);
                self.clock.progress(self.session.waiting());
            }
            Err(error) if is_end(&error) => self.session.receive_eof(Eof::Abrupt),
            Err(error) => return self.failed(error),
        }
        Ok(())
    }

    /// Gives the transport the time that is left for what is awaited.
    fn arm(&mut self) -> Result<(), Error> {
        if self.clock.arm(self.session.waiting(), &mut self.stream)? {
            Ok(())
        } else {
            Err(self.session.time_out().into())
        }
    }

    fn failed(&mut self, error: io::Error) -> Result<(), Error> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            // The transport was given no more time than was left.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Err(self.session.time_out().into())
            }
            // The transport is of no use any more, and whoever tries it again learns so from the session.
            _ => {
                self.session.receive_eof(Eof::Abrupt);
                Err(error.into())
            }
        }
    }
}

/// As a call it writes the event where it is wanted; inlined, the event would be moved piece by piece.
#[inline(never)]
fn poll(session: &mut ClientSession) -> Result<Option<Event>, ProtocolError> {
    session.poll_event()
}

/// Why a login did not come to its end.
pub(crate) enum Stop {
    Login(client::LoginError),
    Adapter(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Adapter(error)
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Login(error) => error.into(),
            Stop::Adapter(error) => error,
        }
    }
}

/// Whether the connection is gone, rather than something about it wrong: what an adapter reports as
/// [`Eof::Abrupt`]. For adapters of other runtimes.
#[must_use]
pub fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}
