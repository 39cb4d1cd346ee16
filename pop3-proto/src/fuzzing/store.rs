//! A maildrop as a list of messages, and what a server has to say about it: the model beside `server::Maildrop`.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::codec::{normalised, top_of};
use crate::server::{Entry, MessageOctets, ServerLeniency};
use crate::{Command, MessageNumber, UniqueId};

/// How RETR and TOP begin their answer.
pub(super) const FOLLOWS: &str = "message follows";

/// How the session begins its capability list.
pub(super) const LIST_FOLLOWS: &str = "+OK capability list follows";

/// What has to come for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// This line and nothing more.
    Line(String),
    /// A status line, these lines, the terminator.
    Lines(String, Vec<String>),
    /// A status line, a body, the terminator.
    Body(String, Vec<u8>),
    /// A status line and part of this body, then the end of the connection.
    Cut(String, Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// As it lies there.
    pub(super) octets: Vec<u8>,
    /// With the repairs that the configuration asks for, its line ends as they lie there.
    repaired: Vec<u8>,
    pub(super) id: UniqueId,
    marked: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) messages: Vec<Stored>,
}

impl Store {
    pub(super) fn new(messages: Vec<Vec<u8>>, leniency: ServerLeniency) -> Self {
        let stored = |(index, octets): (usize, Vec<u8>)| Stored {
            repaired: repaired(&octets, leniency),
            id: id(index),
            octets,
            marked: false,
        };
        Self { messages: messages.into_iter().enumerate().map(stored).collect() }
    }

    pub(super) fn entries(&self, leniency: ServerLeniency) -> Vec<Entry> {
        let entry = |message: &Stored| {
            let mut octets = MessageOctets::new(leniency);
            for piece in message.octets.chunks(7) {
                octets.update(piece);
            }
            Entry::new(octets.octets(), message.id.clone())
        };
        self.messages.iter().map(entry).collect()
    }

    /// Messages that are not marked, each with its message-number.
    pub(super) fn kept(&self) -> impl Iterator<Item = (usize, &Stored)> {
        self.messages
            .iter()
            .enumerate()
            .filter(|(_, message)| !message.marked)
            .map(|(index, message)| (index + 1, message))
    }

    pub(super) fn marked(&self) -> Vec<u32> {
        let numbers = (1..).zip(&self.messages);
        numbers.filter(|(_, message)| message.marked).map(|(number, _)| number).collect()
    }

    pub(super) fn find(&self, message: MessageNumber) -> Result<(usize, &Stored), &'static str> {
        let index = usize::try_from(message.value() - 1).expect("32 bits");
        match self.messages.get(index) {
            None => Err("-ERR no such message"),
            Some(stored) if stored.marked => Err("-ERR message already deleted"),
            Some(stored) => Ok((index, stored)),
        }
    }

    /// RFC 1939 §5: what a command of TRANSACTION is answered, and what it does.
    pub(super) fn answer(&mut self, command: &Command) -> Reply {
        let found = command.message().map(|message| self.find(message));
        let (index, line) = match found {
            Some(Err(refusal)) => return Reply::Line(refusal.into()),
            Some(Ok((index, stored))) => {
                let what = match command {
                    Command::Uidl(_) => stored.id.as_str().into(),
                    _ => format!("{}", stored.body().len()),
                };
                (index, format!("+OK {} {what}", index + 1))
            }
            None => (0, String::new()),
        };
        match command {
            Command::Stat => Reply::Line(format!("+OK {} {}", self.kept().count(), self.octets())),
            Command::Noop => Reply::Line("+OK nothing done".into()),
            Command::Rset => {
                for message in &mut self.messages {
                    message.marked = false;
                }
                Reply::Line(self.describe())
            }
            Command::List(None) => {
                let lines =
                    self.kept().map(|(number, kept)| format!("{number} {}", kept.body().len()));
                Reply::Lines(self.describe(), lines.collect())
            }
            Command::Uidl(None) => {
                let lines = self.kept().map(|(number, kept)| format!("{number} {}", kept.id));
                Reply::Lines(self.describe(), lines.collect())
            }
            Command::Dele(_) => {
                self.messages[index].marked = true;
                Reply::Line("+OK message deleted".into())
            }
            Command::Retr(_) => Reply::Body(format!("+OK {FOLLOWS}"), self.messages[index].body()),
            Command::Top { lines, .. } => {
                Reply::Body(format!("+OK {FOLLOWS}"), self.messages[index].top(*lines))
            }
            _ => Reply::Line(line),
        }
    }

    fn octets(&self) -> usize {
        self.kept().map(|(_, message)| message.body().len()).sum()
    }

    fn describe(&self) -> String {
        format!("+OK {} messages ({} octets)", self.kept().count(), self.octets())
    }
}

impl Stored {
    /// As RETR gives it.
    pub(super) fn body(&self) -> Vec<u8> {
        normalised(&self.repaired)
    }

    fn top(&self, lines: u64) -> Vec<u8> {
        normalised(&self.repaired[..top_of(&self.repaired, lines)])
    }
}

/// What Outlook needs: no NUL, and a blank line behind the headers.
fn repaired(message: &[u8], leniency: ServerLeniency) -> Vec<u8> {
    let mut octets = message.to_vec();
    if let Some(replacement) = leniency.nul_replacement {
        for octet in octets.iter_mut().filter(|octet| **octet == 0) {
            *octet = replacement;
        }
    }
    if leniency.missing_blank_line {
        let mut lines = normalised(&octets);
        lines.splice(..0, *b"\r\n");
        if !lines.windows(4).any(|window| window == b"\r\n\r\n") {
            octets = normalised(&octets);
            octets.extend_from_slice(b"\r\n");
        }
    }
    octets
}

/// Every third is as long as RFC 1939 §7 allows.
fn id(index: usize) -> UniqueId {
    let mut octets = format!("!{index}").into_bytes();
    if index % 3 == 2 {
        octets.extend(vec![b'~'; UniqueId::MAX_OCTETS - octets.len()]);
    }
    UniqueId::new(&octets).expect("graphic ASCII")
}
