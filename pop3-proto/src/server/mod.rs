//! The server's side of a POP3 session.
//!
//! Drive a [`ServerSession`] like this, over any transport:
//!
//! 1. poll events until there is none, and answer each command;
//! 2. write what [`ServerSession::outgoing`] holds and advance it by what was really written;
//! 3. read into [`ServerSession::incoming`] if [`ServerSession::wants_read`], and begin again.
//!
//! What POP3 says about an open maildrop is [`Maildrop`]; where messages lie is for the caller.

mod config;
mod event;
mod maildrop;
mod message;
mod receive;
mod respond;

use bytes::Buf;

pub use config::{ConfigError, ServerConfig, ServerLeniency, ServerLimits};
pub use event::{Event, RespondError, Waiting};
pub use maildrop::{Action, Entry, Maildrop, Marked};
pub use message::MessageOctets;

use crate::buffer::{Input, Output};
use crate::client::{Channel, Eof};
use crate::codec::LineDecoder;
use crate::state::{Keyword, Points, State};
use crate::{MessageNumber, Status, Text};
use message::MessageEncoder;

/// One POP3 session, seen from the server: octets in, commands out, answers in, octets out (RFC 1939).
///
/// It takes one command at a time, in order, and withholds the next one until the answer is complete
/// *and* enough output has left: a client that sends and never reads makes it hold no more than its
/// limits. It knows nothing of users, passwords or messages.
#[derive(Debug)]
pub struct ServerSession {
    config: ServerConfig,
    channel: Channel,
    state: State,
    after_user: bool,
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
}

impl ServerSession {
    /// A session over a transport that has just been accepted; `channel` says what it is, `greeting`
    /// is the text of the first line.
    ///
    /// # Errors
    /// [`ConfigError`] if nobody could ever authenticate (C0009).
    pub fn new(
        config: ServerConfig,
        channel: Channel,
        greeting: Text,
    ) -> Result<Self, ConfigError> {
        // One octet at the least, or nothing could ever be read.
        let block = config.limits.input_block.max(config.limits.command_line).max(1);
        let mut session = Self {
            channel,
            state: State::Authorization,
            after_user: false,
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
        if !session.takes_passwords() {
            return Err(ConfigError::NoAuthentication);
        }
        session.put(&respond::response(Status::Ok, None, greeting));
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
        } else if !matches!(self.open, Open::Nothing) && !self.is_full() {
            Waiting::Response
        } else if self.wants_write() {
            Waiting::Write
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

    /// Gives the buffers back while the session is idle; they come again when needed.
    pub fn release_idle(&mut self) {
        self.input.release();
        self.output.release();
    }

    fn reads(&self) -> bool {
        self.state != State::Closed && !self.ending && self.eof.is_none()
    }

    /// Whether USER and PASS are taken on this channel.
    fn takes_passwords(&self) -> bool {
        self.config.user_pass && (self.config.plaintext || self.channel.is_protected())
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
