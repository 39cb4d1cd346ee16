//! One connection, from its greeting to its end: what moves its octets, and its deadlines.

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use bytes::Buf as _;
use pop3_proto::client::{Channel, Eof};
use pop3_proto::server::RespondError;

use super::authenticator::Authenticator;
use super::conversation::{Conversation, Ended, Step};
use super::store::Store;
use super::{Server, ServerDeadlines, ServerError};
use crate::deadline::{Timeouts, after};
use crate::driver::is_end;
use crate::tls::TlsError;
use crate::transport::Transport;

/// A conversation and its transport.
pub(super) struct Connection<'a, S, T: Store, A> {
    server: &'a Server<T, A>,
    conversation: Conversation<T::Maildrop>,
    stream: Transport<S>,
    login_until: Instant,
    idle_until: Instant,
}

/// Why a connection is not served any more.
enum Stop {
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
        let bindings = stream.channel_bindings();
        let can_begin_tls = server.certificate().is_ok();
        Ok(Self {
            server,
            conversation: Conversation::new(server, channel, &bindings, can_begin_tls)?,
            stream,
            login_until: after(server.deadlines.login),
            idle_until: after(server.deadlines.idle),
        })
    }

    pub(super) fn run(mut self) -> Result<Ended, ServerError> {
        let ended = self.serve();
        self.stream.close();
        ended
    }

    fn serve(&mut self) -> Result<Ended, ServerError> {
        loop {
            let done = match self.conversation.step(self.server)? {
                Step::Closed(ended) => return Ok(ended),
                Step::Write => self.write(),
                Step::Read => self.read(),
                Step::StartTls => self.begin_tls(),
                Step::Work(_) if self.login_is_late() => Err(Stop::TimedOut),
                Step::Work(work) => Ok(self.conversation.done(work.run(self.server))?),
            };
            match done {
                Ok(()) => {}
                Err(Stop::TimedOut) => return Ok(self.conversation.timed_out()),
                Err(Stop::Io(error)) if is_end(&error) => {
                    self.conversation.receive_eof(Eof::Abrupt);
                }
                Err(Stop::Io(error)) => return Err(error.into()),
                Err(Stop::Tls(error)) => return Err(error.into()),
                Err(Stop::Respond(error)) => return Err(error.into()),
            }
        }
    }

    fn login_is_late(&self) -> bool {
        self.conversation.awaits_login() && Instant::now() >= self.login_until
    }

    /// The handshake behind STLS has its own deadline, and the login's.
    fn begin_tls(&mut self) -> Result<(), Stop> {
        let left = self.login_until.saturating_duration_since(Instant::now());
        let within = self.server.deadlines.tls.min(left);
        self.stream.upgrade_server(self.server.certificate()?, within)?;
        self.conversation.secured(&self.stream.channel_bindings())?;
        self.idle_until = after(self.server.deadlines.idle);
        Ok(())
    }

    fn read(&mut self) -> Result<(), Stop> {
        let until = self.or_login(self.idle_until);
        arm(&mut self.stream, until)?;
        match self.stream.read(self.conversation.session().incoming()) {
            Ok(0) => self.conversation.receive_eof(Eof::Clean),
            Ok(read) => self.conversation.session().received(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Stop> {
        while !self.write_part()? {}
        // Only a complete command is answered, and while the answer left none was to be expected.
        self.idle_until = after(self.server.deadlines.idle);
        Ok(())
    }

    /// Writes what has a deadline of its own; whether nothing is left.
    fn write_part(&mut self) -> Result<bool, Stop> {
        let until = self.or_login(after(self.server.deadlines.write));
        let session = self.conversation.session();
        let mut left = ServerDeadlines::WRITE_OCTETS;
        while left > 0 {
            arm(&mut self.stream, until)?;
            let written = if session.wants_write() {
                self.stream.write(session.outgoing().chunk()).map(Some)
            } else {
                self.stream.flush().map(|()| None)
            };
            match written {
                Ok(None) => return Ok(true),
                Ok(Some(0)) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(Some(written)) => {
                    session.outgoing().advance(written);
                    left = left.saturating_sub(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// `until`, or the end of the login if nobody is logged in by then.
    fn or_login(&self, until: Instant) -> Instant {
        if self.conversation.awaits_login() { until.min(self.login_until) } else { until }
    }
}

fn arm<S: Timeouts>(stream: &mut Transport<S>, until: Instant) -> Result<(), Stop> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Stop::TimedOut);
    }
    Ok(stream.set_timeout(left)?)
}
