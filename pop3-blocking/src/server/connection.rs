//! One connection, from its greeting to its end.

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use bytes::Buf as _;
use pop3_proto::client::{Channel, Eof};
use pop3_proto::server::{Action, Event, Maildrop, RespondError, ServerSession};
use pop3_proto::state::State;
use pop3_proto::{Command, KnownCode, Mailbox, MessageNumber, Password, Text};

use super::authenticator::Authenticator;
use super::store::{OpenError, OpenMaildrop, Store};
use super::{Server, ServerError};
use crate::deadline::{Timeouts, after};
use crate::driver::is_end;
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
    server: &'a Server<T, A>,
    session: ServerSession,
    stream: Transport<S>,
    /// Who was named by USER.
    mailbox: Option<Mailbox>,
    open: Option<Opened<T::Maildrop>>,
    ended: Ended,
    /// What was read of a message, kept for the next one.
    chunk: Vec<u8>,
    login_until: Instant,
    idle_until: Instant,
}

/// An open maildrop: what POP3 says about it, and where its messages lie.
struct Opened<M> {
    maildrop: Maildrop,
    stored: M,
    /// A listing waits for room.
    listing: bool,
}

/// Why a connection is not served any more.
enum Stop {
    TimedOut,
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
        let session = ServerSession::new(server.config.clone(), channel, server.greeting.clone())?;
        Ok(Self {
            server,
            session,
            stream,
            mailbox: None,
            open: None,
            ended: Ended::NothingRemoved,
            chunk: Vec::new(),
            login_until: after(server.deadlines.login),
            idle_until: after(server.deadlines.idle),
        })
    }

    pub(super) fn run(mut self) -> Result<Ended, ServerError> {
        let ended = self.serve();
        self.stream.close();
        trace::ended(&ended);
        ended
    }

    fn serve(&mut self) -> Result<Ended, ServerError> {
        loop {
            let event = self.session.poll_event();
            trace::received(event.as_ref());
            let step = match event {
                Some(Event::Command(command)) => self.command(command),
                Some(Event::Rejected(_)) => self.session.reject().map_err(Stop::from),
                Some(Event::Closed { .. }) => return Ok(self.ended),
                // No AUTH exchange is begun here, and no TLS.
                Some(_) => Ok(()),
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
                Err(Stop::Respond(error)) => return Err(error.into()),
            }
        }
    }

    fn command(&mut self, command: Command) -> Result<(), Stop> {
        match command {
            Command::User(mailbox) => {
                self.mailbox = Some(mailbox);
                // Whether the mailbox exists is for nobody to know before PASS.
                Ok(self.session.ok(&text("send PASS"))?)
            }
            Command::Pass(password) => self.log_in(&password),
            Command::Apop { .. } | Command::Auth { .. } | Command::Stls | Command::Lang(_) => {
                Ok(self.session.err(None, &text("not supported"))?)
            }
            command => self.in_maildrop(&command),
        }
    }

    fn log_in(&mut self, password: &Password) -> Result<(), Stop> {
        let mailbox = self.mailbox.take();
        let verified = mailbox.filter(|mailbox| {
            let verified = self.server.authenticator.verify(mailbox, password);
            trace::authenticated(mailbox, verified);
            verified
        });
        let Some(mailbox) = verified else { return Ok(self.session.authentication_failed()?) };
        let opened = self.server.store.open(&mailbox).and_then(|stored| {
            let maildrop = Maildrop::new(stored.entries().to_vec());
            let maildrop = maildrop.map_err(|error| OpenError::Io(io::Error::other(error)))?;
            Ok(Opened { maildrop, stored, listing: false })
        });
        match opened {
            Ok(opened) => {
                let messages = opened.maildrop.drop_listing().messages;
                self.open = Some(opened);
                self.session.authenticated(&text(&format!("{messages} messages")))?;
            }
            Err(OpenError::InUse) => {
                self.session.err(
                    Some(KnownCode::InUse),
                    &text("the maildrop is open in another session"),
                )?;
            }
            Err(_) => {
                self.session
                    .err(Some(KnownCode::SysTemp), &text("the maildrop cannot be opened"))?;
            }
        }
        Ok(())
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
        let until = match self.session.state() {
            State::Authorization => self.idle_until.min(self.login_until),
            _ => self.idle_until,
        };
        self.arm(until)?;
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
        let until = after(self.server.deadlines.write);
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
            match self.stream.flush() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.arm(until)?,
                flushed => return Ok(flushed?),
            }
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
fn text(words: &str) -> Text {
    Text::new(words).unwrap_or_else(|_| unreachable!("our own words are printable ASCII"))
}
