//! One connection, from its greeting to its end.

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use bytes::Buf as _;
use pop3_proto::client::{Channel, Eof};
use pop3_proto::server::{Action, Event, Login, Maildrop, RespondError, ServerSession};
use pop3_proto::state::State;
use pop3_proto::{Command, KnownCode, MessageNumber, Text};

use super::authenticator::Authenticator;
use super::login::{bindings, timestamp};
use super::store::{OpenMaildrop, Store};
use super::{Server, ServerError};
use crate::deadline::{Timeouts, after};
use crate::driver::is_end;
use crate::tls::TlsError;
use crate::trace;
use crate::transport::Transport;

/// Octets of a message that are read from a store at a time.
const CHUNK: usize = 32 * 1024;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// QUIT came in TRANSACTION, and everything marked as deleted was removed.
    Committed,
    /// QUIT came in TRANSACTION, and not everything marked as deleted could be removed.
    CommitFailed,
    /// Anything else: QUIT before login, a connection that ended, a budget that was spent. Nothing
    /// was removed.
    NothingRemoved,
    /// A deadline passed. Nothing was removed, and nothing was said to the client (RFC 1939 §3).
    TimedOut,
}

/// A session, its transport and its maildrop.
pub(super) struct Connection<'a, S, T: Store, A> {
    pub(super) server: &'a Server<T, A>,
    pub(super) session: ServerSession,
    pub(super) stream: Transport<S>,
    pub(super) login: Login,
    pub(super) open: Option<Opened<T::Maildrop>>,
    ended: Ended,
    /// What was read of a message, kept for the next one.
    chunk: Vec<u8>,
    pub(super) login_until: Instant,
    idle_until: Instant,
}

/// An open maildrop: what POP3 says about it, and where its messages lie.
pub(super) struct Opened<M> {
    pub(super) maildrop: Maildrop,
    pub(super) stored: M,
    /// A listing waits for room.
    pub(super) listing: bool,
}

/// Why a connection is not served any more.
pub(super) enum Stop {
    TimedOut,
    Tls(TlsError),
    Io(io::Error),
    Respond(RespondError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The transport was given no more time than was left.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

impl From<TlsError> for Stop {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<RespondError> for Stop {
    fn from(error: RespondError) -> Self {
        Self::Respond(error)
    }
}

impl<'a, S: Timeouts, T: Store, A: Authenticator> Connection<'a, S, T, A> {
    pub(super) fn new(
        server: &'a Server<T, A>,
        stream: Transport<S>,
        channel: Channel,
    ) -> Result<Self, ServerError> {
        let mut config = server.config.clone();
        // A server that cannot make the handshake does not offer it (RFC 8314 §4).
        config.stls &= server.certificate().is_ok();
        if server.decoy.is_none() {
            // Clients try the best that is offered and nothing weaker.
            config.mechanisms.clear();
        }
        let greeting = server.greeting.clone();
        let session = if config.apop {
            ServerSession::with_timestamp(config, channel, greeting, timestamp()?)?
        } else {
            ServerSession::new(config, channel, greeting)?
        };
        let login = if server.delegates { Login::new().with_delegates() } else { Login::new() };
        let mut connection = Self {
            server,
            session,
            stream,
            login,
            open: None,
            ended: Ended::NothingRemoved,
            chunk: Vec::new(),
            login_until: after(server.deadlines.login),
            idle_until: after(server.deadlines.idle),
        };
        connection.bind();
        Ok(connection)
    }

    pub(super) fn run(mut self) -> Result<Ended, ServerError> {
        let ended = self.serve();
        self.stream.close();
        ended
    }

    fn serve(&mut self) -> Result<Ended, ServerError> {
        loop {
            let event = self.session.poll_event();
            trace::received(event.as_ref());
            let step = match event {
                Some(Event::Closed { .. }) => return Ok(self.ended),
                Some(event) => self.event(event),
                None => self.exchange(),
            };
            match step {
                Ok(()) => {}
                Err(Stop::TimedOut) if self.ended == Ended::NothingRemoved => {
                    return Ok(Ended::TimedOut);
                }
                Err(Stop::TimedOut) => return Ok(self.ended),
                Err(Stop::Io(error)) if is_end(&error) => self.session.receive_eof(Eof::Abrupt),
                Err(Stop::Io(error)) => return Err(error.into()),
                Err(Stop::Tls(error)) => return Err(error.into()),
                Err(Stop::Respond(error)) => return Err(error.into()),
            }
        }
    }

    fn event(&mut self, event: Event) -> Result<(), Stop> {
        match self.log_in(event)? {
            Some(Event::Command(Command::Stls)) => Ok(self.session.ok(&text("begin TLS"))?),
            Some(Event::StartTls) => self.begin_tls(),
            Some(Event::Command(Command::Lang(_))) => {
                Ok(self.session.err(None, &text("not supported"))?)
            }
            Some(Event::Command(command)) => self.in_maildrop(&command),
            Some(Event::Rejected(_)) => Ok(self.session.reject()?),
            _ => Ok(()),
        }
    }

    /// The handshake behind STLS has its own deadline, and the login's.
    fn begin_tls(&mut self) -> Result<(), Stop> {
        let left = self.login_until.saturating_duration_since(Instant::now());
        let within = self.server.deadlines.tls.min(left);
        self.stream.upgrade_server(self.server.certificate()?, within)?;
        self.session.tls_established()?;
        self.bind();
        self.idle_until = after(self.server.deadlines.idle);
        Ok(())
    }

    /// Offers no binding to a channel that has nothing to bind to.
    fn bind(&mut self) {
        if bindings(&self.stream.channel_bindings()).is_empty() {
            self.session.without_channel_binding();
        }
    }

    fn in_maildrop(&mut self, command: &Command) -> Result<(), Stop> {
        let Some(opened) = &mut self.open else {
            // QUIT before login.
            return Ok(self.session.ok(&text("bye"))?);
        };
        match opened.maildrop.answer(command, &mut self.session)? {
            Action::Listing => {
                opened.listing = true;
                Ok(())
            }
            Action::Send(message) => self.send(message),
            Action::Commit => self.commit(),
            _ => Ok(()),
        }
    }

    fn send(&mut self, message: MessageNumber) -> Result<(), Stop> {
        let Some(opened) = &mut self.open else { return Ok(()) };
        let mut reader = match opened.stored.message(message) {
            Ok(reader) => reader,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(self.session.err(None, &text("the message is gone"))?);
            }
            Err(_) => {
                return Ok(self
                    .session
                    .err(Some(KnownCode::SysTemp), &text("the message cannot be read"))?);
            }
        };
        self.session.begin_multiline(&text("message follows"))?;
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.resize(CHUNK, 0);
        while self.session.wants_body() {
            let len = match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.session.abort();
                    return Ok(());
                }
            };
            let mut rest = &chunk[..len];
            while !rest.is_empty() {
                let taken = self.session.write_body(rest)?;
                rest = &rest[taken..];
                if !rest.is_empty() {
                    self.write_all()?;
                }
            }
        }
        self.chunk = chunk;
        while let Err(error) = self.session.finish_multiline() {
            if !error.is_transient() {
                return Err(error.into());
            }
            self.write_all()?;
        }
        Ok(())
    }

    /// UPDATE (RFC 1939 §6): removes what is marked, answers, and gives the maildrop back.
    fn commit(&mut self) -> Result<(), Stop> {
        let Some(mut opened) = self.open.take() else { return Ok(()) };
        if opened.stored.remove(&mut opened.maildrop.marked()).is_ok() {
            self.ended = Ended::Committed;
            self.session.ok(&text("bye"))?;
        } else {
            self.ended = Ended::CommitFailed;
            self.session.err(None, &text("some deleted messages not removed"))?;
        }
        Ok(())
    }

    /// Writes all that waits, goes on with a listing, or reads once.
    fn exchange(&mut self) -> Result<(), Stop> {
        if self.session.wants_write() {
            self.write_all()?;
            // Only a complete command is answered, and while the answer left none was to be expected.
            self.idle_until = after(self.server.deadlines.idle);
        }
        if let Some(opened) = self.open.as_mut().filter(|opened| opened.listing) {
            opened.listing = !opened.maildrop.resume(&mut self.session)?;
            return Ok(());
        }
        if !self.session.wants_read() {
            // What ended the session is reported by the next poll.
            return Ok(());
        }
        self.arm(self.or_login(self.idle_until))?;
        match self.stream.read(self.session.incoming()) {
            Ok(0) => self.session.receive_eof(Eof::Clean),
            Ok(read) => self.session.received(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn write_all(&mut self) -> Result<(), Stop> {
        if !self.session.wants_write() {
            return Ok(());
        }
        let until = self.or_login(after(self.server.deadlines.write));
        while self.session.wants_write() {
            self.arm(until)?;
            match self.stream.write(self.session.outgoing().chunk()) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => self.session.outgoing().advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            self.arm(until)?;
            match self.stream.flush() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                flushed => return Ok(flushed?),
            }
        }
    }

    /// `until`, or the end of the login if nobody is logged in by then.
    fn or_login(&self, until: Instant) -> Instant {
        match self.session.state() {
            State::Authorization => until.min(self.login_until),
            _ => until,
        }
    }

    fn arm(&mut self, until: Instant) -> Result<(), Stop> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Stop::TimedOut);
        }
        Ok(self.stream.set_timeout(left)?)
    }
}

/// A text of our own words.
pub(super) fn text(words: &str) -> Text {
    Text::new(words).unwrap_or_else(|_| unreachable!("our own words are printable ASCII"))
}
