//! The one loop that moves octets: events, write, flush, read. All that it knows is kept here and
//! nothing in a future, so that a future may be dropped anywhere.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use pop3_blocking::trace::Trace;
use pop3_blocking::{Deadlines, Error, TlsError, TlsErrorKind, is_end};
use pop3_proto::client::{self, ClientSession, CommandId, Eof, Event, ProtocolError, Step};
use pop3_proto::{Command, Deviation, Deviations};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::Clock;
use crate::tls::Peer;
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

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
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
    pub(crate) async fn begin_tls(&mut self, peer: Peer) -> Result<(), Error> {
        if self.write_closed {
            // What belongs before TLS may stand in the transport.
            return Err(TlsError::from(TlsErrorKind::Closed).into());
        }
        let within = self.clock.deadlines.tls;
        let begun = self.stream.upgrade(|stream| peer.connect(stream), within).await;
        self.trace.tls(&begun, self.stream.negotiated());
        Ok(begun?)
    }

    /// Does what `step` calls for until it is done; `None` if the TLS handshake is due.
    pub(crate) async fn run<T>(
        &mut self,
        mut step: impl FnMut(&mut ClientSession, &mut Trace) -> Result<Step<T>, client::LoginError>,
    ) -> Result<Option<T>, Stop> {
        loop {
            let step = step(&mut self.session, &mut self.trace);
            match step.inspect_err(|error| self.trace.not_logged_in(error)).map_err(Stop::Login)? {
                Step::Exchange => poll_fn(|cx| self.poll_exchange(cx)).await?,
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
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        command: &Command,
    ) -> Poll<Result<CommandId, Error>> {
        loop {
            match self.session.send(command) {
                Ok(id) => {
                    self.trace.sent(id, command);
                    return Poll::Ready(Ok(id));
                }
                // Nobody else waits: what ends here was abandoned.
                Err(error) if error.is_transient() => {
                    let wanted = |event: &Event| !matches!(event, Event::Closed { .. });
                    ready!(self.poll_event(cx, wanted, drop))?;
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// The next event of command `id`; ends of abandoned commands before it are dropped.
    pub(crate) fn poll_event_of(
        &mut self,
        cx: &mut Context<'_>,
        id: CommandId,
    ) -> Poll<Result<Event, Error>> {
        self.poll_event(cx, |event| event.replies_to(id), |event| event)
    }

    /// The next octets of the body that `id` is answered with; `None` at its end.
    fn poll_data_of(
        &mut self,
        cx: &mut Context<'_>,
        id: CommandId,
    ) -> Poll<Result<Option<Bytes>, Error>> {
        self.poll_event(
            cx,
            |event| event.replies_to(id),
            |event| match event {
                Event::Data { data, .. } => Some(data),
                _ => None,
            },
        )
    }

    /// What `take` makes of the next event that is wanted. Events are large, and moving them is most of what a small message
    /// costs: they are looked at where they lie, and moved once.
    fn poll_event<T>(
        &mut self,
        cx: &mut Context<'_>,
        wanted: impl Fn(&Event) -> bool,
        take: impl FnOnce(Event) -> T,
    ) -> Poll<Result<T, Error>> {
        loop {
            let polled = poll(&mut self.session);
            match &polled {
                Ok(Some(Event::Deviation { deviation, .. })) => self.forgive(*deviation),
                Ok(Some(event)) => {
                    self.trace.event(event);
                    if wanted(event) {
                        if let Ok(Some(event)) = polled {
                            return Poll::Ready(Ok(take(event)));
                        }
                    } else if let Event::Closed { farewell, .. } = event {
                        return Poll::Ready(Err(Error::Closed { farewell: farewell.clone() }));
                    }
                }
                Ok(None) => ready!(self.poll_exchange(cx))?,
                Err(error) => {
                    let error = error.clone().into();
                    self.trace.failed(&error);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    fn forgive(&mut self, deviation: Deviation) {
        self.trace.deviation(deviation);
        self.deviations.insert(deviation);
    }

    /// Writes what can be written, and reads once. Neither waits for the other: a peer that takes
    /// nothing more before its replies are taken is no reason to stand still (RFC 2449 §6.6).
    pub(crate) fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let _ = self.poll_write(cx)?;
        if !self.session.wants_read() {
            return self.over(Error::Closed { farewell: None });
        }
        if self.poll_read(cx)?.is_ready() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.clock.poll(cx, self.session.waiting()));
        let error = self.session.time_out().into();
        self.over(error)
    }

    /// Writes, and flushes once all is written.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.write_closed && (self.session.wants_write() || self.unflushed) {
            let stream = Pin::new(&mut self.stream);
            let written = if self.session.wants_write() {
                ready!(stream.poll_write(cx, self.session.outgoing().chunk())).map(Some)
            } else {
                ready!(stream.poll_flush(cx)).map(|()| None)
            };
            match written {
                Ok(Some(0)) => return self.failed(io::ErrorKind::WriteZero.into()),
                Ok(Some(written)) => {
                    self.session.outgoing().advance(written);
                    self.unflushed = true;
                    if !self.session.wants_write() {
                        self.trace.left(self.session.waiting());
                    }
                }
                Ok(None) => self.unflushed = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_end(&error) => self.write_closed = true,
                Err(error) => return self.failed(error),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut buffer = ReadBuf::new(self.session.incoming());
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))
            .map(|()| buffer.filled().len());
        match read {
            Ok(0) => self.session.receive_eof(Eof::Clean),
            Ok(read) => {
                self.session.received(read);
                self.clock.progress(self.session.waiting());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_end(&error) => self.session.receive_eof(Eof::Abrupt),
            Err(error) => return self.failed(error),
        }
        Poll::Ready(Ok(()))
    }

    /// The transport is of no use any more, and whoever tries it again learns so from the session.
    fn failed(&mut self, error: io::Error) -> Poll<Result<(), Error>> {
        self.session.receive_eof(Eof::Abrupt);
        self.over(error.into())
    }

    fn over(&self, error: Error) -> Poll<Result<(), Error>> {
        self.trace.failed(&error);
        Poll::Ready(Err(error))
    }
}

/// As a call it writes the event where it is wanted; inlined, the event would be moved piece by piece.
#[inline(never)]
fn poll(session: &mut ClientSession) -> Result<Option<Event>, ProtocolError> {
    session.poll_event()
}

/// A command whose reply is awaited; dropped before its end, it is abandoned.
#[derive(Debug)]
pub(crate) struct InFlight<'a, S> {
    pub(crate) driver: &'a mut Driver<S>,
    pub(crate) id: CommandId,
    pub(crate) ended: bool,
}

impl<'a, S> InFlight<'a, S> {
    pub(crate) const fn new(driver: &'a mut Driver<S>, id: CommandId) -> Self {
        Self { driver, id, ended: false }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> InFlight<'_, S> {
    /// Its next event.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        let event = ready!(self.driver.poll_event_of(cx, self.id))?;
        self.ended = matches!(event, Event::Finished { .. } | Event::Completed { .. });
        Poll::Ready(Ok(event))
    }

    /// The next octets of its body; `None` at its end.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let data = ready!(self.driver.poll_data_of(cx, self.id))?;
        self.ended = data.is_none();
        Poll::Ready(Ok(data))
    }

    pub(crate) async fn event(&mut self) -> Result<Event, Error> {
        poll_fn(|cx| self.poll_event(cx)).await
    }
}

impl<S> Drop for InFlight<'_, S> {
    fn drop(&mut self) {
        if !self.ended {
            self.driver.session.abandon(self.id);
        }
    }
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
