//! One connection, from its greeting to its end: what moves its octets, and its deadlines.

use std::future::poll_fn;
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Buf as _;
use pop3_blocking::server::{
    Authenticator, Conversation, Ended, Server, ServerDeadlines, ServerError, Step, Store, Work,
};
use pop3_blocking::trace::accepted_tls;
use pop3_blocking::{ChannelBindings, TlsError, is_end};
use pop3_proto::client::{Channel, Eof};
use pop3_proto::server::RespondError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use crate::clock::after;
use crate::tls::{ServerStream, accept, accepted, accepted_bindings, has_certificate};
use crate::transport::Transport;

/// What carries a conversation.
pub(super) struct Connection<S, T, A> {
    server: Arc<Server<T, A>>,
    stream: Transport<S, ServerStream<S>>,
    login_until: Instant,
    idle_until: Instant,
}

/// Boxed, as it goes to other threads and comes back, and a future holds what it moves more than once.
type Talk<T> = Box<Conversation<<T as Store>::Maildrop>>;

/// Why something was not done.
enum Stop {
    TimedOut,
    /// The client is gone.
    Gone,
    Failed(ServerError),
}

impl<E: Into<ServerError>> From<E> for Stop {
    fn from(error: E) -> Self {
        match error.into() {
            ServerError::Io(error) if is_end(&error) => Self::Gone,
            error => Self::Failed(error),
        }
    }
}

impl<S, T, A> Connection<S, T, A>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: Store + 'static,
    A: Authenticator + 'static,
{
    pub(super) fn new(
        server: Arc<Server<T, A>>,
        stream: Transport<S, ServerStream<S>>,
        channel: Channel,
    ) -> Result<(Self, Talk<T>), ServerError> {
        let bindings = bindings(&server, &stream);
        let can_begin_tls = has_certificate(&server);
        let conversation = Conversation::new(&server, channel, &bindings, can_begin_tls)?;
        let connection = Self {
            login_until: after(server.deadlines.login),
            idle_until: after(server.deadlines.idle),
            server,
            stream,
        };
        Ok((connection, Box::new(conversation)))
    }

    pub(super) async fn run(mut self, mut conversation: Talk<T>) -> Result<Ended, ServerError> {
        let mut step = conversation.step(&self.server);
        let ended = loop {
            let done = match step {
                Err(error) => break Err(error.into()),
                Ok(Step::Closed(ended)) => break Ok(ended),
                Ok(Step::Write) => self.write(&mut conversation).await,
                Ok(Step::Read) => self.read(&mut conversation).await,
                Ok(Step::StartTls) => self.begin_tls(&mut conversation).await,
                Ok(Step::Work(work)) if conversation.awaits_login() => {
                    self.log_in(&mut conversation, work).await
                }
                Ok(Step::Work(work)) => {
                    (conversation, step) = self.work(conversation, work).await?;
                    continue;
                }
            };
            match done {
                Ok(()) => {}
                Err(Stop::TimedOut) => break Ok(conversation.timed_out()),
                Err(Stop::Gone) => conversation.receive_eof(Eof::Abrupt),
                Err(Stop::Failed(error)) => break Err(error),
            }
            step = conversation.step(&self.server);
        };
        if conversation.holds_maildrop() {
            // The lock is given back before anything else is waited for.
            let _ = spawn_blocking(move || drop(conversation)).await;
        }
        self.stream.close().await;
        ended
    }

    /// Asks store or authenticator, on a thread that may wait. What comes of a question that is too
    /// late for the login is dropped when it comes.
    async fn log_in(
        &self,
        conversation: &mut Talk<T>,
        work: Work<T::Maildrop>,
    ) -> Result<(), Stop> {
        let server = Arc::clone(&self.server);
        let task = spawn_blocking(move || work.run(&server));
        let done = by(self.login_until, task).await?.map_err(not_done)?;
        Ok(conversation.done(done)?)
    }

    /// Goes to a thread that may wait and stays there for all the work that comes next: as long as
    /// commands are there and their answers find room.
    async fn work(
        &self,
        mut conversation: Talk<T>,
        mut work: Work<T::Maildrop>,
    ) -> Result<(Talk<T>, Result<Step<T::Maildrop>, RespondError>), ServerError> {
        let server = Arc::clone(&self.server);
        let task = spawn_blocking(move || {
            loop {
                let done = conversation.done(work.run(&server));
                match done.and_then(|()| conversation.step(&server)) {
                    Ok(Step::Work(next)) => work = next,
                    step => return (conversation, step),
                }
            }
        });
        task.await.map_err(not_done)
    }

    /// The handshake behind STLS has its own deadline, and the login's.
    async fn begin_tls(&mut self, conversation: &mut Talk<T>) -> Result<(), Stop> {
        let left = self.login_until.saturating_duration_since(Instant::now());
        let within = self.server.deadlines.tls.min(left);
        // A client that goes away within it is told like any other failure.
        let begun = secure(&mut self.stream, &self.server, within).await;
        begun.map_err(|error| Stop::Failed(error.into()))?;
        conversation.secured(&bindings(&self.server, &self.stream))?;
        self.idle_until = after(self.server.deadlines.idle);
        Ok(())
    }

    async fn read(&mut self, conversation: &mut Talk<T>) -> Result<(), Stop> {
        let until = self.or_login(conversation, self.idle_until);
        let stream = &mut self.stream;
        let read = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(conversation.session().incoming());
            let read = Pin::new(&mut *stream).poll_read(cx, &mut buffer);
            let read = read.map_ok(|()| buffer.filled().len());
            if read.is_pending() {
                conversation.release_idle();
            }
            read
        });
        match by(until, read).await? {
            Ok(0) => conversation.receive_eof(Eof::Clean),
            Ok(read) => conversation.session().received(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn write(&mut self, conversation: &mut Talk<T>) -> Result<(), Stop> {
        while !self.write_part(conversation).await? {}
        // Only a complete command is answered, and while the answer left none was to be expected.
        self.idle_until = after(self.server.deadlines.idle);
        Ok(())
    }

    /// Writes what has a deadline of its own; whether nothing is left.
    async fn write_part(&mut self, conversation: &mut Talk<T>) -> Result<bool, Stop> {
        let until = self.or_login(conversation, after(self.server.deadlines.write));
        let session = conversation.session();
        let stream = &mut self.stream;
        let mut left = ServerDeadlines::WRITE_OCTETS;
        let write = poll_fn(|cx| {
            loop {
                if left == 0 {
                    return Poll::Ready(Ok(false));
                }
                let stream = Pin::new(&mut *stream);
                let written = if session.wants_write() {
                    stream.poll_write(cx, session.outgoing().chunk()).map_ok(Some)
                } else {
                    stream.poll_flush(cx).map_ok(|()| None)
                };
                match written {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(None)) => return Poll::Ready(Ok(true)),
                    Poll::Ready(Ok(Some(0))) => {
                        return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero)));
                    }
                    Poll::Ready(Ok(Some(written))) => {
                        session.outgoing().advance(written);
                        left = left.saturating_sub(written);
                    }
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                }
            }
        });
        Ok(by(until, write).await??)
    }

    /// `until`, or the end of the login if nobody is logged in by then.
    fn or_login(&self, conversation: &Talk<T>, until: Instant) -> Instant {
        if conversation.awaits_login() { until.min(self.login_until) } else { until }
    }
}

/// Makes the handshake with a client. Afterwards the transport is TLS, or it is gone.
pub(super) async fn secure<S, T, A>(
    stream: &mut Transport<S, ServerStream<S>>,
    server: &Server<T, A>,
    within: Duration,
) -> Result<(), TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begun = stream.upgrade(|stream| accept(server, stream), within).await;
    let negotiated = match stream {
        Transport::Tls(stream) => accepted(stream),
        Transport::Clear(_) | Transport::Gone => None,
    };
    accepted_tls(&begun, negotiated);
    begun
}

/// What a client may bind its login to.
fn bindings<S, T, A>(
    server: &Server<T, A>,
    stream: &Transport<S, ServerStream<S>>,
) -> ChannelBindings {
    match stream {
        Transport::Tls(stream) => accepted_bindings(server, stream),
        Transport::Clear(_) | Transport::Gone => ChannelBindings::default(),
    }
}

/// What comes before `until`, which is over even for what is ready then.
async fn by<F: Future>(until: Instant, future: F) -> Result<F::Output, Stop> {
    if Instant::now() >= until {
        return Err(Stop::TimedOut);
    }
    timeout_at(until, future).await.map_err(|_| Stop::TimedOut)
}

/// A panic of the store's or the authenticator's goes on; the runtime may also be ending.
fn not_done(error: JoinError) -> ServerError {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(error) => io::Error::other(error).into(),
    }
}
