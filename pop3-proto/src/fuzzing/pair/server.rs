//! The server's side of a pair.

use alloc::vec::Vec;

use bytes::Buf as _;

use super::script::Script;
use crate::fuzzing::Sizes;
use crate::fuzzing::store::{FOLLOWS, Store};
use crate::server::{Action, Event, Maildrop, ServerSession};
use crate::state::State;
use crate::{Command, MessageNumber, Text};

pub(super) struct Server {
    pub(super) session: ServerSession,
    maildrop: Maildrop,
    messages: Vec<Vec<u8>>,
    parts: Sizes,
    listing: bool,
    /// The message that is being sent, and how much of it was taken.
    message: Option<(usize, usize)>,
    /// The commands of TRANSACTION, once more: the last that were carried out.
    pub(super) model: Store,
    pub(super) committed: Vec<u32>,
    pub(super) closed: Option<bool>,
}

impl Server {
    pub(super) fn new(script: &Script) -> Self {
        let greeting = Text::new("ready").expect("printable");
        let entries = script.store.entries(script.server.leniency);
        Self {
            session: ServerSession::new(script.server.clone(), script.channel, greeting)
                .expect("USER and PASS are offered"),
            maildrop: Maildrop::new(entries).expect("few messages"),
            messages: script.store.messages.iter().map(|stored| stored.octets.clone()).collect(),
            parts: script.parts.clone(),
            listing: false,
            message: None,
            model: script.store.clone(),
            committed: Vec::new(),
            closed: None,
        }
    }

    pub(super) fn write(&mut self, len: usize) -> Vec<u8> {
        let mut outgoing = self.session.outgoing();
        let len = len.min(outgoing.remaining());
        let octets = outgoing.chunk()[..len].to_vec();
        outgoing.advance(len);
        octets
    }

    pub(super) fn receive(&mut self, octets: &[u8]) -> usize {
        let over = self.session.state() == State::Closed;
        if over { octets.len() } else { self.session.receive(octets) }
    }

    /// Does what there is to do; whether there was anything.
    pub(super) fn serve(&mut self, script: &Script) -> bool {
        let before = self.session.outgoing().remaining();
        let went_on = self.go_on();
        let idle = !self.listing && self.message.is_none();
        let event = self.session.poll_event();
        let ended = matches!(event, Some(Event::Closed { .. }));
        assert!(idle || event.is_none() || ended, "a command while an answer is open");
        let any = event.is_some();
        match event {
            None => {}
            Some(Event::Command(command)) => self.answer(&command, script),
            Some(Event::Closed { commit }) => {
                assert_eq!(self.closed, None);
                self.closed = Some(commit);
                (self.listing, self.message) = (false, None);
            }
            Some(Event::Rejected(_)) if script.edit.is_some() => {
                assert_eq!(self.session.reject(), Ok(()));
            }
            Some(event) => panic!("our client sends nothing bad: {event:?}"),
        }
        any || went_on || self.session.outgoing().remaining() > before
    }

    fn answer(&mut self, command: &Command, script: &Script) {
        let session = &mut self.session;
        let answered = match command {
            Command::User(_) => session.ok(&text("send PASS")),
            Command::Pass(password) if password.expose() == b"right" => {
                session.authenticated(&text("open"))
            }
            Command::Pass(_) => session.authentication_failed(),
            _ => {
                let action = self.maildrop.answer(command, session).expect("it is due");
                if !matches!(command, Command::Quit) {
                    // Only its marks matter here; what the client gets is compared there.
                    self.model.answer(command);
                }
                match action {
                    Action::Answered => Ok(()),
                    Action::Listing => {
                        self.listing = true;
                        Ok(())
                    }
                    Action::Send(message) => {
                        let index = usize::try_from(message.value() - 1).expect("32 bits");
                        self.message = Some((index, 0));
                        session.begin_multiline(&text(FOLLOWS))
                    }
                    Action::Commit => {
                        self.committed = self.maildrop.marked().map(MessageNumber::value).collect();
                        if script.refuses {
                            let code = Some(crate::KnownCode::SysTemp);
                            session.err(code, &text("some messages were not removed"))
                        } else {
                            session.ok(&text("bye"))
                        }
                    }
                    Action::NotMine => session.ok(&text("bye")),
                }
            }
        };
        assert_eq!(answered, Ok(()));
    }

    /// Goes on with a listing or a message; whether that came any further.
    fn go_on(&mut self) -> bool {
        if self.listing {
            self.listing = !self.maildrop.resume(&mut self.session).expect("it was begun");
            return !self.listing;
        }
        let Some((index, given)) = &mut self.message else { return false };
        let octets = &self.messages[*index];
        let (piece, _) = self.parts.cut(&octets[*given..]);
        let taken = self.session.write_body(piece).expect("it was begun");
        *given += taken;
        let whole = *given == octets.len() || !self.session.wants_body();
        if whole && self.session.finish_multiline().is_ok() {
            self.message = None;
            return true;
        }
        taken > 0
    }
}

fn text(text: &str) -> Text {
    Text::new(text).expect("printable")
}
