//! From octets to commands.

use super::respond::lines_of;
use super::{Event, Open, ServerSession};
use crate::client::Eof;
use crate::codec::{self, LineStep};
use crate::error::CommandError;
use crate::state::{Keyword, Points, State};
use crate::{Capability, Command, Response, Status, Text};

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
            if self.ending || !idle || self.is_full() {
                return None;
            }
            let step = self.line.decode(self.input.pending(), self.config.limits.command_line);
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
                LineStep::Line { len, consumed } => {
                    let line = self.input.pending().get(..len).unwrap_or_default();
                    let is_auth_listing = self.config.leniency.auth_listing
                        && (line.eq_ignore_ascii_case(b"AUTH")
                            || line.eq_ignore_ascii_case(b"AUTH "));
                    let command = codec::command(line);
                    self.input.consume_wiped(consumed);
                    if is_auth_listing && self.state == State::Authorization {
                        // Passwords are the one way to authenticate: there is no mechanism to list.
                        self.after_user = false;
                        self.put_listing("mechanism list follows", &[]);
                    } else if let Some(event) = self.judge(command) {
                        return Some(event);
                    }
                }
                LineStep::TooLong { skip, end } => {
                    self.input.consume_wiped(skip);
                    self.discarded = (!end).then_some(skip);
                    self.ending = skip > self.config.limits.discard;
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
        if keyword == Keyword::Capa {
            self.put_capabilities();
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

    fn check(&self, command: Command, here: Option<Points>) -> Result<Command, CommandError> {
        let keyword = command.keyword().ok_or(CommandError::Unknown)?;
        let offered = match keyword {
            Keyword::User | Keyword::Pass => self.config.user_pass,
            Keyword::Top => self.config.top,
            Keyword::Uidl => self.config.uidl,
            Keyword::Apop | Keyword::Auth | Keyword::Stls | Keyword::Utf8 | Keyword::Lang => false,
            _ => true,
        };
        if !offered {
            return Err(CommandError::Unsupported(keyword));
        }
        let rule = keyword.rule();
        if !here.is_some_and(|here| rule.legal.contains(here)) {
            return Err(CommandError::WrongState(keyword));
        }
        if rule.credential && !self.takes_passwords() {
            return Err(CommandError::NotProtected(keyword));
        }
        if let Command::Pass(password) = &command {
            let leniency = &self.config.leniency;
            if password.is_opaque() && !leniency.opaque_passwords {
                return Err(CommandError::ForbiddenOctet);
            }
            if password.expose().contains(&b' ') && !leniency.password_spaces {
                return Err(CommandError::Arguments(keyword));
            }
        }
        Ok(command)
    }

    /// Counts a bad command; the last one that is borne ends the session.
    fn rejected(&mut self, error: CommandError) -> Event {
        self.after_user = false;
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
        self.output = crate::buffer::Output::default();
        self.input.release_all();
        Event::Closed { commit: self.commit }
    }

    /// What the table and the configuration say (RFC 2449 §5). What is there before login is listed
    /// after it too.
    fn put_capabilities(&mut self) {
        let offers = [
            (self.config.top, "TOP"),
            (self.takes_passwords(), "USER"),
            (true, "RESP-CODES"),
            (true, "AUTH-RESP-CODE"),
            (true, "PIPELINING"),
            (self.config.uidl, "UIDL"),
        ];
        let list = offers.into_iter().filter(|(offered, _)| *offered);
        let list: alloc::vec::Vec<_> =
            list.filter_map(|(_, tag)| Capability::new(tag, &[]).ok()).collect();
        self.put_listing("capability list follows", &list);
    }

    fn put_listing(&mut self, text: &'static str, list: &[Capability]) {
        self.put(&Response::new(Status::Ok, Text::received(text.as_bytes())));
        for capability in list {
            self.put_line(|line| capability.encode(line));
        }
        self.put_line(|line| line.push(b'.'));
    }
}
