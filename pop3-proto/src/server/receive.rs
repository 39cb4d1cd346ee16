//! From octets to commands.

use alloc::vec::Vec;

use super::respond::lines_of;
use super::tls::is_stls;
use super::{Event, Open, ServerSession};
use crate::buffer::Output;
use crate::client::Eof;
use crate::codec::{self, LineStep};
use crate::error::CommandError;
use crate::state::{Keyword, State};
use crate::{Capability, Command, LanguageListing, MAX_RESPONSE_OCTETS, Response, Status, Text};

impl ServerSession {
    /// The next event, or `None`: then answer what is to be answered, write, read, and poll again.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if self.state == State::Closed {
                return None;
            }
            let idle = matches!(self.open, Open::Nothing);
            if self.eof == Some(Eof::Abrupt) || (self.ending && idle && !self.wants_write()) {
                return Some(self.close());
            }
            if let Some(event) = self.begin_tls() {
                return Some(event);
            }
            if self.ending || !idle || self.is_full() {
                return None;
            }
            let step = self.line.decode(self.input.pending(), self.line_limit());
            if matches!(step, LineStep::NeedMore) {
                self.input.drained();
                self.eof?;
                // Part of a line is no command.
                self.ending = true;
                continue;
            }
            if let Some(dropped) = self.discarded {
                self.discard(step, dropped);
                continue;
            }
            match step {
                LineStep::Line { len, consumed } if self.exchange.is_some() => {
                    return Some(self.read_response(len, consumed));
                }
                LineStep::Line { len, consumed } => {
                    let line = self.input.pending().get(..len).unwrap_or_default();
                    let stls = is_stls(line);
                    let command = codec::command(line);
                    self.input.consume_wiped(consumed);
                    if stls && !self.input.pending().is_empty() {
                        // Who put them there, before TLS, is anybody's guess.
                        self.ending = true;
                    } else if let Some(event) = self.judge(command) {
                        return Some(event);
                    }
                }
                LineStep::TooLong { skip, end } => {
                    // What begins like STLS and never ends hides what is behind it.
                    let limit = self.config.limits.command_line;
                    let start = self.input.pending().get(..limit).unwrap_or_default();
                    let stls = self.exchange.is_none() && is_stls(start);
                    self.input.consume_wiped(skip);
                    self.discarded = (!end).then_some(skip);
                    self.ending = stls || skip > self.config.limits.discard;
                    return Some(self.rejected(CommandError::TooLong));
                }
                LineStep::BareLineFeed { .. } => {
                    // Whether what follows is a command is anybody's guess: nothing of it is looked at.
                    self.ending = true;
                    return Some(self.rejected(CommandError::BareLineFeed));
                }
                LineStep::NeedMore => {}
            }
        }
    }

    /// Drops what comes of an over-long line, up to the limit; its tail is never a command.
    fn discard(&mut self, step: LineStep, dropped: usize) {
        match step {
            LineStep::TooLong { skip, end } => {
                self.input.consume_wiped(skip);
                let dropped = dropped.saturating_add(skip);
                self.discarded = (!end).then_some(dropped);
                self.ending = dropped > self.config.limits.discard;
            }
            // A line end that is none ends it as little as it ends a command.
            _ => self.ending = true,
        }
    }

    /// Decides about a line that was parsed; `None` if the session answered it by itself.
    fn judge(&mut self, command: Result<Command, CommandError>) -> Option<Event> {
        let here = self.point();
        // PASS must follow USER directly, whatever comes between (RFC 1939 §7).
        self.after_user = false;
        let command = match command.and_then(|command| self.check(command, here)) {
            Ok(command) => command,
            Err(error) => return Some(self.rejected(error)),
        };
        let Some(keyword) = command.keyword() else {
            return Some(self.rejected(CommandError::Unknown));
        };
        if self.answer_by_itself(&command) {
            return None;
        }
        if keyword == Keyword::Quit && self.state == State::Transaction {
            self.state = State::Update;
            self.commit = true;
        }
        let (message, lines) = (command.message(), lines_of(&command));
        self.open = Open::Command { keyword, message, lines };
        Some(Event::Command(command))
    }

    /// Answers what needs nothing but table and configuration; whether it did.
    fn answer_by_itself(&mut self, command: &Command) -> bool {
        match command {
            Command::Capa => {
                let list = self.capabilities();
                put_listing(&mut self.output, "capability list follows", &list, Capability::encode);
            }
            Command::Mechanisms { .. } => {
                let list: Vec<_> = self.mechanisms().collect();
                put_listing(&mut self.output, "mechanism list follows", &list, |name, line| {
                    line.extend_from_slice(name.as_str().as_bytes());
                });
            }
            Command::Utf8 => {
                self.utf8 = true;
                self.put(&Response::new(Status::Ok, Text::received(b"UTF8 enabled")));
            }
            Command::Lang(None) => {
                let list = &self.config.languages;
                put_listing(
                    &mut self.output,
                    "language listing follows",
                    list,
                    LanguageListing::encode,
                );
            }
            _ => return false,
        }
        true
    }

    /// Counts a bad command; the last one that is borne ends the session.
    pub(super) fn rejected(&mut self, error: CommandError) -> Event {
        self.after_user = false;
        self.end_exchange();
        self.bad_commands = self.bad_commands.saturating_add(1);
        let limits = &self.config.limits;
        let borne = match self.state {
            State::Authorization => limits.bad_commands_before_login,
            _ => limits.bad_commands_after_login,
        };
        self.ending |= self.bad_commands >= borne;
        self.open = Open::Rejection(error);
        Event::Rejected(error)
    }

    pub(super) fn close(&mut self) -> Event {
        self.state = State::Closed;
        self.open = Open::Nothing;
        self.output = Output::default();
        self.input.release_all();
        Event::Closed { commit: self.commit }
    }
}

fn put_listing<T>(
    output: &mut Output,
    text: &'static str,
    list: &[T],
    encode: impl Fn(&T, &mut Vec<u8>),
) {
    let status = Response::new(Status::Ok, Text::received(text.as_bytes()));
    output.write(MAX_RESPONSE_OCTETS, |buffer| status.encode(buffer));
    for item in list {
        output.write(MAX_RESPONSE_OCTETS, |buffer| {
            encode(item, buffer);
            buffer.extend_from_slice(b"\r\n");
        });
    }
    output.write(MAX_RESPONSE_OCTETS, |buffer| buffer.extend_from_slice(b".\r\n"));
}
