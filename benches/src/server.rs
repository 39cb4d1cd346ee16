//! A server session that is logged in, over a maildrop in memory.

use std::hint::black_box;

use bytes::Buf as _;
use pop3_proto::client::Channel;
use pop3_proto::server::{Action, Entry, Event, Maildrop, ServerConfig, ServerSession};
use pop3_proto::{Command, Text, UniqueId};

use crate::limits::BLOCK;

/// A session in TRANSACTION.
#[derive(Debug)]
pub struct Server {
    session: ServerSession,
    maildrop: Maildrop,
    message: Vec<u8>,
}

impl Server {
    /// A logged-in session over a maildrop of `messages` messages that are all `message`.
    pub fn new(messages: usize, message: Vec<u8>) -> Self {
        let entry = |number| {
            let id = format!("{number:08x}5d9f3a21");
            Entry::new(message.len() as u64, UniqueId::new(id.as_bytes()).expect("hexadecimal"))
        };
        let maildrop = Maildrop::new((1..=messages).map(entry).collect()).expect("few messages");
        let mut config = ServerConfig::new();
        config.plaintext = true;
        let session = ServerSession::new(config, Channel::Clear, said()).expect("USER and PASS");
        let mut server = Self { session, maildrop, message };
        let mut out = Vec::new();
        server.serve(b"USER a\r\nPASS b\r\n", |octets| out.extend_from_slice(octets));
        assert_eq!(out, b"+OK\r\n+OK\r\n+OK\r\n");
        server
    }

    /// Serves `commands` until all output has left through `write`; gives the octets that left.
    pub fn serve(&mut self, commands: &[u8], mut write: impl FnMut(&[u8])) -> usize {
        let (mut received, mut written) = (0, 0);
        // What was begun: octets of the message that were taken, and a listing.
        let (mut sending, mut listing) = (None, false);
        loop {
            received += self.session.receive(&commands[received..]);
            loop {
                if let Some(taken) = &mut sending {
                    let part = &self.message[*taken..self.message.len().min(*taken + BLOCK)];
                    *taken += self.session.write_body(part).expect("begun");
                    if *taken < self.message.len() && !part.is_empty() && self.session.wants_write()
                    {
                        break;
                    }
                    if self.session.finish_multiline().is_err() {
                        break;
                    }
                    sending = None;
                }
                if listing {
                    listing = !self.maildrop.resume(&mut self.session).expect("begun");
                    if listing {
                        break;
                    }
                }
                match self.session.poll_event() {
                    None => break,
                    Some(Event::Command(command)) => match self.answer(&command) {
                        Action::Send(_) => sending = Some(0),
                        Action::Listing => listing = true,
                        _ => {}
                    },
                    Some(event) => panic!("{event:?}"),
                }
            }
            let mut outgoing = self.session.outgoing();
            let len = outgoing.remaining();
            if len == 0 && received == commands.len() {
                return written;
            }
            write(black_box(outgoing.chunk()));
            outgoing.advance(len);
            written += len;
        }
    }

    fn answer(&mut self, command: &Command) -> Action {
        let session = &mut self.session;
        let answered = match command {
            Command::User(_) => session.ok(&said()),
            Command::Pass(_) => session.authenticated(&said()),
            _ => {
                let action = self.maildrop.answer(command, session).expect("due");
                if matches!(action, Action::Send(_)) {
                    session.begin_multiline(&said()).expect("due");
                }
                return action;
            }
        };
        answered.expect("due");
        Action::Answered
    }
}

fn said() -> Text {
    Text::new("").expect("printable")
}
