//! The server's side of a POP3 session.
//!
//! Drive a [`ServerSession`] like this, over any transport:
//!
//! 1. poll events until there is none, and answer each command;
//! 2. write what [`ServerSession::outgoing`] holds and advance it by what was really written;
//! 3. read into [`ServerSession::incoming`] if [`ServerSession::wants_read`], and begin again.
//!
//! An AUTH exchange is a command that is answered more than once: challenges, and then a status line
//! (RFC 5034 §4). Behind [`Event::StartTls`] the transport belongs to the TLS handshake until
//! [`ServerSession::tls_established`] (RFC 2595 §4).
//!
//! What POP3 says about an open maildrop is [`Maildrop`]; where messages lie is for the caller.

mod config;
mod event;
mod exchange;
#[cfg(feature = "sasl")]
mod login;
mod maildrop;
mod message;
mod offer;
mod receive;
mod respond;
mod tls;

use bytes::Buf;

pub use config::{ConfigError, ServerConfig, ServerLeniency, ServerLimits, Utf8Offer};
pub use event::{Event, RespondError, Waiting};
#[cfg(feature = "sasl")]
#[cfg_attr(docsrs, doc(cfg(feature = "sasl")))]
pub use login::{Login, Turn};
pub use maildrop::{Action, Entry, Maildrop, Marked};
pub use message::MessageOctets;

use crate::buffer::{Input, Output};
use crate::client::{Channel, Eof};
use crate::codec::LineDecoder;
use crate::state::{Keyword, Points, State};
use crate::value::put_text;
use crate::{ApopTimestamp, Greeting, MessageNumber, Response, Status, Text};
use exchange::Exchange;
use message::MessageEncoder;

/// One POP3 session, seen from the server: octets in, commands out, answers in, octets out (RFC 1939).
///
/// It takes one command at a time, in order, and withholds the next one until the answer is complete
/// *and* enough output has left: a client that sends and never reads makes it hold no more than its
/// limits. It knows nothing of users, passwords or messages.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with a name of its own")]
pub struct ServerSession {
    config: ServerConfig,
    channel: Channel,
    /// The channel has nothing to bind to.
    unbound: bool,
    state: State,
    after_user: bool,
    /// What the greeting held; without it there is no APOP.
    timestamp: Option<ApopTimestamp>,
    /// UTF8 was accepted.
    utf8: bool,
    /// A language was chosen.
    language: bool,
    /// An AUTH exchange is going on, and no response of it waits for an answer but in `open`.
    exchange: Option<Exchange>,
    input: Input,
    line: LineDecoder,
    output: Output,
    open: Open,
    /// Octets of an over-long line that were dropped; its end is still to come.
    discarded: Option<usize>,
    bad_commands: u32,
    failed_logins: u32,
    /// A complete QUIT came in TRANSACTION.
    commit: bool,
    /// Nothing more is read; once output has left the session is closed.
    ending: bool,
    eof: Option<Eof>,
}

/// What is to be answered, and how much of the answer has been given.
#[derive(Debug)]
enum Open {
    Nothing,
    /// A command, before its status line; `lines` is what TOP asks for.
    Command {
        keyword: Keyword,
        message: Option<MessageNumber>,
        lines: Option<u64>,
    },
    /// A line that is answered `-ERR`.
    Rejection(crate::CommandError),
    /// The lines of LIST or UIDL.
    Listing(Keyword),
    /// The message of RETR or TOP.
    Message(MessageEncoder),
    /// What answers a challenge.
    Response,
    /// STLS was answered `+OK`; `begun` once that has left and the caller knows.
    Tls {
        begun: bool,
    },
}

impl ServerSession {
    /// A session over a transport that has just been accepted; `channel` says what it is, `greeting`
    /// is the text of the first line.
    ///
    /// Without a timestamp APOP is not offered.
    ///
    /// # Errors
    /// [`ConfigError`] if nobody could ever authenticate (C0009), if the greeting looks as if it had a
    /// timestamp, or if something in it or in the configuration cannot be written.
    pub fn new(
        config: ServerConfig,
        channel: Channel,
        greeting: Text,
    ) -> Result<Self, ConfigError> {
        Self::greeting(config, channel, greeting, None)
    }

    /// The same with a timestamp behind the greeting's text, to be different in every session and
    /// never guessed; APOP is offered with it if [`ServerConfig::apop`] says so, and without that no
    /// timestamp is sent (RFC 1939 §7).
    ///
    /// # Errors
    /// As [`ServerSession::new`].
    pub fn with_timestamp(
        config: ServerConfig,
        channel: Channel,
        greeting: Text,
        timestamp: ApopTimestamp,
    ) -> Result<Self, ConfigError> {
        let timestamp = Some(timestamp).filter(|_| config.apop);
        Self::greeting(config, channel, greeting, timestamp)
    }

    fn greeting(
        config: ServerConfig,
        channel: Channel,
        text: Text,
        timestamp: Option<ApopTimestamp>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        // One octet at the least, or nothing could ever be read.
        let block = config.limits.input_block.max(config.limits.command_line).max(1);
        let mut session = Self {
            channel,
            unbound: false,
            state: State::Authorization,
            after_user: false,
            timestamp,
            utf8: false,
            language: false,
            exchange: None,
            input: Input::new(block),
            line: LineDecoder::new(config.leniency.line_ending),
            output: Output::default(),
            open: Open::Nothing,
            discarded: None,
            bad_commands: 0,
            failed_logins: 0,
            commit: false,
            ending: false,
            eof: None,
            config,
        };
        session.check_ways()?;
        let greeting = greeting(text, session.timestamp.as_ref())?;
        session.put(&greeting);
        Ok(session)
    }

    /// Initialised room to read into; then call [`ServerSession::received`]. Empty means: do not read
    /// now. Commands that are already in have to be answered first, or the session is over.
    pub fn incoming(&mut self) -> &mut [u8] {
        if self.reads() { self.input.window() } else { &mut [] }
    }

    /// Says that the first `n` octets of [`ServerSession::incoming`] are input now.
    ///
    /// # Panics
    /// If `n` is more than the last call to `incoming` gave.
    pub fn received(&mut self, n: usize) {
        assert!(n <= self.incoming().len(), "more octets received than there was room for");
        self.input.filled(n);
    }

    /// Takes octets by copying them and says how many it took: when it is less than all, poll events
    /// and offer the rest again. It takes none once the session is over.
    pub fn receive(&mut self, octets: &[u8]) -> usize {
        if self.reads() { self.input.copy_from(octets) } else { 0 }
    }

    /// Says that the client has ended its side. After a clean end the commands that came before it
    /// are still answered; after an abrupt one the session is closed at once.
    pub fn receive_eof(&mut self, eof: Eof) {
        if self.eof != Some(Eof::Abrupt) {
            self.eof = Some(eof);
        }
    }

    /// What is to be written, as a [`Buf`]: advance it by what the transport really took.
    pub fn outgoing(&mut self) -> Outgoing<'_> {
        Outgoing(&mut self.output)
    }

    /// Whether it makes sense to read.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.reads() && self.input.has_room()
    }

    /// Whether something waits to be written.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        !self.output.waiting().is_empty()
    }

    /// What the session waits for, to choose a deadline by.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        if self.state == State::Closed {
            Waiting::Nothing
        } else if matches!(self.open, Open::Tls { .. }) && !self.wants_write() {
            Waiting::Tls
        } else if self.awaits_answer() && !self.is_full() {
            Waiting::Response
        } else if self.wants_write() {
            Waiting::Write
        } else if self.exchange.is_some() {
            Waiting::SaslResponse
        } else {
            Waiting::Command
        }
    }

    /// The state (RFC 1939 §3).
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What carries the session.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The timestamp that the greeting held, which goes into the digest of APOP (RFC 1939 §7).
    #[must_use]
    pub const fn timestamp(&self) -> Option<&ApopTimestamp> {
        self.timestamp.as_ref()
    }

    /// Whether the client has turned UTF-8 mode on (RFC 6856 §2).
    #[must_use]
    pub const fn utf8(&self) -> bool {
        self.utf8
    }

    /// Gives the buffers back while the session is idle; they come again when needed.
    pub fn release_idle(&mut self) {
        self.input.release();
        self.output.release();
    }

    fn reads(&self) -> bool {
        let over = self.state == State::Closed || self.ending || self.eof.is_some();
        !over && !self.is_locked()
    }

    const fn awaits_answer(&self) -> bool {
        !matches!(self.open, Open::Nothing | Open::Tls { .. })
    }

    fn point(&self) -> Option<Points> {
        Points::of(self.state, self.after_user)
    }

    /// Octets of output that find room. A line finds room in an empty output whatever the limit, or
    /// nothing could ever be answered.
    fn room(&self) -> usize {
        let limit = self.config.limits.output.max(crate::MAX_RESPONSE_OCTETS);
        limit.saturating_sub(self.output.waiting().len())
    }

    fn is_full(&self) -> bool {
        self.room() == 0
    }
}

/// The first line. Only the caller's timestamp may look like one.
fn greeting(text: Text, timestamp: Option<&ApopTimestamp>) -> Result<Response, ConfigError> {
    if !text.octets().is_ascii() {
        return Err(ConfigError::GreetingNotAscii);
    }
    // Some clients look for these three and nothing more.
    let mut octets = text.octets().iter();
    if b"<@>".iter().all(|wanted| octets.any(|octet| octet == wanted)) {
        return Err(ConfigError::GreetingTimestamp);
    }
    let line = match timestamp {
        None => text,
        Some(timestamp) => put_text(|line| {
            line.extend_from_slice(text.octets());
            if !line.is_empty() {
                line.push(b' ');
            }
            line.extend_from_slice(timestamp.as_str().as_bytes());
        }),
    };
    let octets = line.octets().len();
    let response = respond::response(Status::Ok, None, line);
    if octets > Text::MAX_OCTETS || response.text.octets().len() < octets {
        return Err(ConfigError::GreetingTooLong);
    }
    let greeting = Greeting::new(response);
    if greeting.timestamp().as_ref() == timestamp {
        Ok(greeting.response)
    } else {
        Err(ConfigError::GreetingTimestamp)
    }
}

/// Octets to write, borrowed from a [`ServerSession`]. [`Buf::advance`] says that octets have left.
#[derive(Debug)]
pub struct Outgoing<'a>(&'a mut Output);

impl Buf for Outgoing<'_> {
    fn remaining(&self) -> usize {
        self.0.waiting().len()
    }

    fn chunk(&self) -> &[u8] {
        self.0.waiting()
    }

    /// # Panics
    /// If `count` is more than remains.
    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "cannot advance past the end of the output");
        self.0.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I2: with limits of nothing a line is still refused, and not waited for.
    #[test]
    fn there_is_always_room_to_read() {
        let mut config = ServerConfig::new();
        config.limits.command_line = 0;
        config.limits.input_block = 0;
        let greeting = Text::received(b"ready");
        let mut session = ServerSession::new(config, Channel::Trusted, greeting).unwrap();
        assert!(session.wants_read() && !session.incoming().is_empty());
        assert_eq!(session.receive(b"QUIT\r\n"), 1);
        let event = session.poll_event();
        assert_eq!(event, Some(Event::Rejected(crate::CommandError::TooLong)));
    }
}
