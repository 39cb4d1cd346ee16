//! One connection without its transport: what is answered to what, and what store and authenticator
//! are asked.

use std::fmt;
use std::io::{self, Read};

use pop3_proto::client::{Channel, Eof};
use pop3_proto::sasl::{
    Acceptor, Acceptors, Answer, ChannelBinding, Question, ScramDecoy, TokenFailure,
};
use pop3_proto::server::{Action, Event, Login, Maildrop, RespondError, ServerSession, Turn};
use pop3_proto::state::State;
use pop3_proto::{ApopTimestamp, Base64, Command, KnownCode, Mailbox, MechanismName};
use pop3_proto::{MessageNumber, Text};

use super::authenticator::Authenticator;
use super::store::{OpenError, OpenMaildrop, RemoveError, Store};
use super::{Server, ServerError};
use crate::preparation::prepared;
use crate::tls::ChannelBindings;
use crate::trace;

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

/// Octets of a message that are read from a store at first: most messages have no more.
const FIRST: usize = 64 * 1024;

/// Octets that are read of the rest at a time: for an adapter each time may be a change of threads.
const REST: usize = 256 * 1024;

/// What one client and the server say to each other, without I/O: call [`Conversation::step`] and do
/// what it calls for, again and again.
///
/// It holds the maildrop that is open; dropped, it unlocks it and removes nothing (RFC 1939 §6).
pub struct Conversation<M> {
    session: ServerSession,
    login: Login,
    bindings: Vec<ChannelBinding>,
    open: Option<Opened<M>>,
    /// What a login came to, and nobody has looked at.
    turn: Option<Turn>,
    sending: Sending,
    chunk: Chunk,
    ended: Ended,
}

/// An open maildrop: what POP3 says about it, and where its messages lie.
struct Opened<M> {
    maildrop: Maildrop,
    /// `None` while [`Work`] is done with it.
    stored: Option<M>,
}

/// The rest of an answer that waits for room.
enum Sending {
    Nothing,
    Listing,
    /// The chunk of a message from `taken` on, and what is behind it.
    Message {
        reader: Reader,
        taken: usize,
        behind: Behind,
    },
    /// The message is complete; its last line is not.
    Ending,
}

type Reader = Box<dyn Read + Send>;

/// What was read of a message. Its room is kept for the next one, and zeroed only once.
#[derive(Default)]
struct Chunk {
    room: Vec<u8>,
    filled: usize,
}

/// What follows a chunk of a message.
#[derive(Clone, Copy)]
enum Behind {
    More,
    Nothing,
    /// There is more, and it cannot be read.
    Broken,
}

/// What is to be done next.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle each")]
#[must_use]
pub enum Step<M> {
    /// Write all that waits, and flush. The time for the next command begins then.
    Write,
    /// Nothing waits to be written: read once.
    Read,
    /// Make the handshake of TLS, then say so by [`Conversation::secured`].
    StartTls,
    /// Let this be done where waiting is allowed, and hand back what it came to by
    /// [`Conversation::done`].
    Work(Work<M>),
    /// Close the transport.
    Closed(Ended),
}

/// What a store or an authenticator is asked, which may take its time. It may hold the open maildrop:
/// dropped, it unlocks it and removes nothing.
pub struct Work<M>(Ask<M>);

enum Ask<M> {
    Authenticator(Question),
    Open(Mailbox),
    Message(M, MessageNumber, Chunk),
    Chunk(Reader, Chunk),
    Remove(M, Vec<MessageNumber>),
}

/// What [`Work`] came to.
pub struct Done<M>(Said<M>);

enum Said<M> {
    /// And whom the authenticator refused.
    Authenticator(Answer, Option<Mailbox>),
    Opened(Result<(Maildrop, M), OpenError>),
    Message(M, Chunk, io::Result<(Reader, Behind)>),
    Chunk(Reader, Chunk, Behind),
    Removed(Result<(), RemoveError>),
}

impl<M: OpenMaildrop> Work<M> {
    /// Does it, on the caller's thread.
    #[must_use]
    pub fn run<T, A>(self, server: &Server<T, A>) -> Done<M>
    where
        T: Store<Maildrop = M>,
        A: Authenticator,
    {
        Done(match self.0 {
            Ask::Authenticator(question) => {
                let answer = server.authenticator.answer(&question);
                let refused = matches!(answer, Answer::Refused).then(|| claimed(&question));
                Said::Authenticator(answer, refused.flatten().cloned())
            }
            Ask::Open(mailbox) => Said::Opened(server.store.open(&mailbox).and_then(|stored| {
                let maildrop = Maildrop::new(stored.entries().to_vec());
                let maildrop = maildrop.map_err(|error| OpenError::Io(io::Error::other(error)))?;
                Ok((maildrop, stored))
            })),
            Ask::Message(mut stored, message, mut chunk) => {
                let begun = stored.message(message).map(|mut reader| {
                    let behind = chunk.fill(&mut reader, FIRST);
                    (reader, behind)
                });
                Said::Message(stored, chunk, begun)
            }
            Ask::Chunk(mut reader, mut chunk) => {
                let behind = chunk.fill(&mut reader, REST);
                Said::Chunk(reader, chunk, behind)
            }
            Ask::Remove(mut stored, marked) => {
                Said::Removed(stored.remove(&mut marked.into_iter()))
            }
        })
    }
}

impl Chunk {
    /// Reads so many octets, all of them where there are so many.
    fn fill(&mut self, reader: &mut Reader, octets: usize) -> Behind {
        if self.room.len() < octets {
            self.room = vec![0; octets];
        }
        self.filled = 0;
        while self.filled < octets {
            match reader.read(&mut self.room[self.filled..octets]) {
                Ok(0) => return Behind::Nothing,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Behind::Broken,
            }
        }
        Behind::More
    }

    fn octets(&self) -> &[u8] {
        &self.room[..self.filled]
    }
}

impl<M: OpenMaildrop> Conversation<M> {
    /// With a client that has just been accepted; `channel` says over what, and `bindings` what its
    /// handshake came to, if there was one. STLS is offered only if the caller can begin TLS
    /// (RFC 8314 §4).
    ///
    /// # Errors
    /// [`ServerError::Config`] if the configuration leaves no way to log in; [`ServerError::Io`] if
    /// APOP is on and there are no random numbers.
    pub fn new<T, A>(
        server: &Server<T, A>,
        channel: Channel,
        bindings: &ChannelBindings,
        can_begin_tls: bool,
    ) -> Result<Self, ServerError> {
        let mut config = server.config.clone();
        config.stls &= can_begin_tls;
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
        let login = Login::new().with_preparation(prepared);
        let login = if server.delegates { login.with_delegates() } else { login };
        let mut conversation = Self {
            session,
            login,
            bindings: Vec::new(),
            open: None,
            turn: None,
            sending: Sending::Nothing,
            chunk: Chunk::default(),
            ended: Ended::NothingRemoved,
        };
        conversation.bind(bindings);
        Ok(conversation)
    }

    /// The session, to read for and to write from.
    pub const fn session(&mut self) -> &mut ServerSession {
        &mut self.session
    }

    /// Whether it holds an open maildrop, so that dropping it may take its time.
    #[must_use]
    pub const fn holds_maildrop(&self) -> bool {
        self.open.is_some()
    }

    /// Whether nobody has logged in: the time for that runs (RFC 1939 §4).
    #[must_use]
    pub fn awaits_login(&self) -> bool {
        self.session.state() == State::Authorization
    }

    /// How it ends if a deadline has passed.
    #[must_use]
    pub fn timed_out(&self) -> Ended {
        if self.ended == Ended::NothingRemoved { Ended::TimedOut } else { self.ended }
    }

    /// Gives buffers back while nothing comes; they come again when needed.
    pub fn release_idle(&mut self) {
        self.session.release_idle();
        self.chunk = Chunk::default();
    }

    /// Says that the client has ended its side. Behind an abrupt end nothing more is written.
    pub fn receive_eof(&mut self, eof: Eof) {
        if eof == Eof::Abrupt {
            self.sending = Sending::Nothing;
        }
        self.session.receive_eof(eof);
    }

    /// Says that the handshake behind [`Step::StartTls`] is done, and what it came to.
    ///
    /// # Errors
    /// [`RespondError`] if none was due.
    pub fn secured(&mut self, bindings: &ChannelBindings) -> Result<(), RespondError> {
        self.session.tls_established()?;
        self.bind(bindings);
        Ok(())
    }

    /// Offers no binding to a channel that has nothing to bind to.
    fn bind(&mut self, bindings: &ChannelBindings) {
        self.bindings = bindings.of_scram().collect();
        if self.bindings.is_empty() {
            self.session.without_channel_binding();
        }
    }

    /// Goes on until something is to be done outside.
    ///
    /// # Errors
    /// [`RespondError`] if an answer did not fit its command: a fault of this library.
    pub fn step<T, A>(&mut self, server: &Server<T, A>) -> Result<Step<M>, RespondError> {
        loop {
            let step = if let Some(turn) = self.turn.take() {
                self.log_in(turn, server)?
            } else if let Some(step) = self.send()? {
                Some(step)
            } else {
                self.poll()?
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// Takes what [`Step::Work`] came to.
    ///
    /// # Errors
    /// As [`Conversation::step`].
    pub fn done(&mut self, done: Done<M>) -> Result<(), RespondError> {
        match done.0 {
            Said::Authenticator(answer, refused) => {
                if let Some(mailbox) = refused {
                    trace::authenticated(&mailbox, false);
                }
                self.turn = Some(self.login.answer(&mut self.session, answer)?);
            }
            Said::Opened(opened) => self.opened(opened)?,
            Said::Message(stored, chunk, begun) => {
                self.chunk = chunk;
                if let Some(opened) = &mut self.open {
                    opened.stored = Some(stored);
                }
                self.begin_message(begun)?;
            }
            Said::Chunk(reader, chunk, behind) => {
                self.chunk = chunk;
                self.sending = Sending::Message { reader, taken: 0, behind };
            }
            Said::Removed(Ok(())) => {
                self.ended = Ended::Committed;
                self.session.ok(&text("bye"))?;
            }
            Said::Removed(Err(_)) => {
                self.ended = Ended::CommitFailed;
                self.session.err(None, &text("some deleted messages not removed"))?;
            }
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<Option<Step<M>>, RespondError> {
        let event = self.session.poll_event();
        trace::received(event.as_ref());
        Ok(match event {
            Some(Event::Closed { .. }) => Some(Step::Closed(self.ended)),
            Some(event) => {
                self.turn = Some(self.login.take(&mut self.session, event)?);
                None
            }
            None if self.session.wants_write() => Some(Step::Write),
            None if self.session.wants_read() => Some(Step::Read),
            // What ended the session is reported by the next poll.
            None => None,
        })
    }

    /// Who asks whom, from an event to an open maildrop.
    fn log_in<T, A>(
        &mut self,
        turn: Turn,
        server: &Server<T, A>,
    ) -> Result<Option<Step<M>>, RespondError> {
        match turn {
            Turn::Answered => Ok(None),
            Turn::Other(event) => self.event(event),
            Turn::Begin(name) => {
                let acceptor = self.acceptor(name, server.decoy.as_ref());
                self.turn = Some(self.login.begin(&mut self.session, acceptor)?);
                Ok(None)
            }
            Turn::Ask(question) => Ok(Some(Step::Work(Work(Ask::Authenticator(question))))),
            Turn::Open(identity) => {
                trace::authenticated(&identity.authentication, true);
                Ok(Some(Step::Work(Work(Ask::Open(identity.authorization)))))
            }
        }
    }

    /// `None` where it cannot be had: without random numbers, most likely.
    fn acceptor(
        &self,
        name: MechanismName,
        decoy: Option<&ScramDecoy>,
    ) -> Option<Box<dyn Acceptor>> {
        let nonce = random::<18>().ok()?;
        let nonce = Base64::encode(&nonce);
        let offered: Vec<_> = self.session.mechanisms().collect();
        // RFC 7628 §3.2.2; XOAUTH2 has the status of HTTP there.
        let status = if name == MechanismName::XOAUTH2 { "401" } else { "invalid_token" };
        let acceptors = Acceptors {
            offered: &offered,
            nonce: std::str::from_utf8(nonce.expose()).ok()?,
            challenge: &timestamp().ok()?,
            decoy: decoy?,
            bindings: &self.bindings,
            failure: &TokenFailure::new(status).ok()?,
        };
        acceptors.make(name)
    }

    fn opened(&mut self, opened: Result<(Maildrop, M), OpenError>) -> Result<(), RespondError> {
        match opened {
            Ok((maildrop, stored)) => {
                let messages = maildrop.drop_listing().messages;
                self.open = Some(Opened { maildrop, stored: Some(stored) });
                self.session.authenticated(&text(&format!("{messages} messages")))
            }
            Err(OpenError::InUse) => self
                .session
                .err(Some(KnownCode::InUse), &text("the maildrop is open in another session")),
            Err(_) => {
                self.session.err(Some(KnownCode::SysTemp), &text("the maildrop cannot be opened"))
            }
        }
    }

    fn event(&mut self, event: Event) -> Result<Option<Step<M>>, RespondError> {
        match event {
            Event::Command(Command::Stls) => self.session.ok(&text("begin TLS"))?,
            Event::StartTls => return Ok(Some(Step::StartTls)),
            Event::Command(Command::Lang(_)) => self.session.err(None, &text("not supported"))?,
            Event::Command(command) => return self.in_maildrop(&command),
            Event::Rejected(_) => self.session.reject()?,
            _ => {}
        }
        Ok(None)
    }

    fn in_maildrop(&mut self, command: &Command) -> Result<Option<Step<M>>, RespondError> {
        let Some(opened) = &mut self.open else {
            // QUIT before login.
            self.session.ok(&text("bye"))?;
            return Ok(None);
        };
        let ask = match opened.maildrop.answer(command, &mut self.session)? {
            Action::Listing => {
                self.sending = Sending::Listing;
                None
            }
            Action::Send(message) => opened
                .stored
                .take()
                .map(|stored| Ask::Message(stored, message, std::mem::take(&mut self.chunk))),
            // UPDATE (RFC 1939 §6): what is marked is removed, and the maildrop given back.
            Action::Commit => self.open.take().and_then(|opened| {
                let marked = opened.maildrop.marked().collect();
                opened.stored.map(|stored| Ask::Remove(stored, marked))
            }),
            _ => None,
        };
        Ok(ask.map(|ask| Step::Work(Work(ask))))
    }

    fn begin_message(&mut self, begun: io::Result<(Reader, Behind)>) -> Result<(), RespondError> {
        match begun {
            Ok((reader, behind)) => {
                self.session.begin_multiline(&text("message follows"))?;
                self.sending = Sending::Message { reader, taken: 0, behind };
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.session.err(None, &text("the message is gone"))
            }
            Err(_) => {
                self.session.err(Some(KnownCode::SysTemp), &text("the message cannot be read"))
            }
        }
    }

    /// Goes on with an answer that waited for room; `None` if there is no such answer any more.
    fn send(&mut self) -> Result<Option<Step<M>>, RespondError> {
        loop {
            match std::mem::replace(&mut self.sending, Sending::Nothing) {
                Sending::Nothing => return Ok(None),
                Sending::Listing => {
                    if self.session.wants_write() {
                        self.sending = Sending::Listing;
                        return Ok(Some(Step::Write));
                    }
                    let Some(opened) = &mut self.open else { return Ok(None) };
                    if !opened.maildrop.resume(&mut self.session)? {
                        self.sending = Sending::Listing;
                    }
                }
                Sending::Message { .. } if !self.session.wants_body() => {
                    self.sending = Sending::Ending;
                }
                Sending::Message { reader, taken, behind } if taken == self.chunk.filled => {
                    match behind {
                        Behind::More => {
                            let ask = Ask::Chunk(reader, std::mem::take(&mut self.chunk));
                            return Ok(Some(Step::Work(Work(ask))));
                        }
                        Behind::Nothing => self.sending = Sending::Ending,
                        // What breaks never looks complete.
                        Behind::Broken => self.session.abort(),
                    }
                }
                Sending::Message { reader, taken, behind } => {
                    let taken = taken + self.session.write_body(&self.chunk.octets()[taken..])?;
                    self.sending = Sending::Message { reader, taken, behind };
                    if taken < self.chunk.filled {
                        return Ok(Some(Step::Write));
                    }
                }
                Sending::Ending => match self.session.finish_multiline() {
                    Err(error) if error.is_transient() => {
                        self.sending = Sending::Ending;
                        return Ok(Some(Step::Write));
                    }
                    finished => finished?,
                },
            }
        }
    }
}

impl<M> fmt::Debug for Conversation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("session", &self.session)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Work<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Done<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done").finish_non_exhaustive()
    }
}

/// Who the client says it is, where the question is about that.
const fn claimed(question: &Question) -> Option<&Mailbox> {
    match question {
        Question::Verify { mailbox, .. }
        | Question::Secret { mailbox }
        | Question::ScramKeys { mailbox, .. } => Some(mailbox),
        Question::Authorize { authentication, .. } => Some(authentication),
        _ => None,
    }
}

/// What nobody can guess and nobody was given before, in the form of a message-id (RFC 1939 §7,
/// RFC 2195 §2). It says nothing of the host.
fn timestamp() -> io::Result<ApopTimestamp> {
    let digits = u128::from_be_bytes(random()?);
    ApopTimestamp::new(&format!("<{digits}@localhost>")).map_err(io::Error::other)
}

fn random<const OCTETS: usize>() -> io::Result<[u8; OCTETS]> {
    let mut octets = [0; OCTETS];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    Ok(octets)
}

/// A text of our own words.
fn text(words: &str) -> Text {
    Text::new(words).unwrap_or_else(|_| unreachable!("our own words are printable ASCII"))
}
