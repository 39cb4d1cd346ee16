//! A plain model of a session: what may be said, and what is due.

use std::collections::BTreeSet;

use pop3_proto::client::Item;
use pop3_proto::{Capability, Command, DropListing, ScanListing, UniqueIdListing};

use super::english;

use crate::server_support::{MAILBOX, PASSWORD, normalised, number, top_of, unique_id};

/// What a command should come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) ok: bool,
    pub(crate) items: Vec<Item>,
    pub(crate) data: Vec<u8>,
}

/// What a server and its mailbox come to if the commands are executed in their order.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name of its own")]
pub(crate) struct Model {
    /// As a client receives them.
    messages: Vec<Vec<u8>>,
    pub(crate) marked: BTreeSet<u32>,
    /// Directly after an accepted USER: whether it named the mailbox.
    named: Option<bool>,
    pub(crate) open: bool,
    /// QUIT was said.
    pub(crate) left: bool,
    /// STLS, AUTH, UTF8 and LANG are offered.
    pub(crate) extended: bool,
    pub(crate) tls: bool,
    pub(crate) utf8: bool,
}

fn octets(message: &[u8]) -> u64 {
    u64::try_from(message.len()).unwrap()
}

fn ok(items: Vec<Item>) -> Due {
    Due { ok: true, items, data: Vec::new() }
}

impl Model {
    pub(crate) fn new(messages: &[Vec<u8>]) -> Self {
        Self {
            messages: messages.iter().map(|message| normalised(message)).collect(),
            marked: BTreeSet::new(),
            named: None,
            open: false,
            left: false,
            extended: false,
            tls: false,
            utf8: false,
        }
    }

    fn kept(&self) -> impl Iterator<Item = (u32, &Vec<u8>)> {
        (1..).zip(&self.messages).filter(|(number, _)| !self.marked.contains(number))
    }

    /// Whether a command may be given here (RFC 1939 §§4, 5, RFC 2595 §4, RFC 5034 §4, RFC 6856 §2.1).
    pub(crate) fn admits(&self, command: &Command) -> bool {
        match command {
            _ if self.left => false,
            Command::Quit => true,
            Command::Pass(_) => self.named.is_some(),
            _ if self.named.is_some() => false,
            Command::Capa | Command::Lang(_) => true,
            Command::Stls => !self.open && !self.tls && !self.utf8,
            Command::User(_) | Command::Apop { .. } | Command::Auth { .. } | Command::Utf8 => {
                !self.open
            }
            _ => self.open,
        }
    }

    /// Whether a message is named that is marked as deleted (RFC 1939 §5).
    pub(crate) fn names_marked(&self, command: &Command) -> bool {
        command.message().is_some_and(|message| self.marked.contains(&message.value()))
    }

    /// AUTH was taken, and `right` says whether what the client goes on to say is right.
    pub(crate) fn authenticate(&mut self, right: bool) -> Due {
        self.open = right;
        Due { ok: right, ..Due::default() }
    }

    pub(crate) fn due(&mut self, command: &Command) -> Due {
        let named = self.named.take();
        let scan = |(message, body): (u32, &Vec<u8>)| {
            Item::Scan(ScanListing::new(number(message), octets(body)))
        };
        let unique = |(message, _): (u32, &Vec<u8>)| {
            let id = unique_id(&format!("id{}", message - 1));
            Item::UniqueId(UniqueIdListing::new(number(message), id))
        };
        if let Some(message) = command.message() {
            if !self.kept().any(|(kept, _)| kept == message.value()) {
                return Due::default();
            }
        }
        let one = command.message().map(u32::from);
        let found = one.and_then(|one| self.kept().find(|(kept, _)| *kept == one));
        match command {
            Command::User(mailbox) => {
                self.named = Some(mailbox.as_str() == MAILBOX);
                ok(Vec::new())
            }
            Command::Pass(password) => {
                self.open = named == Some(true) && password.expose() == PASSWORD.as_bytes();
                Due { ok: self.open, ..Due::default() }
            }
            Command::Capa => self.capabilities(),
            Command::Stat => {
                let (count, sum) = self
                    .kept()
                    .fold((0, 0), |(count, sum), (_, body)| (count + 1, sum + octets(body)));
                ok(vec![Item::Drop(DropListing::new(count, sum))])
            }
            Command::List(None) => ok(self.kept().map(scan).collect()),
            Command::Uidl(None) => ok(self.kept().map(unique).collect()),
            Command::List(Some(_)) => ok(found.map(scan).into_iter().collect()),
            Command::Uidl(Some(_)) => ok(found.map(unique).into_iter().collect()),
            Command::Retr(_) => Due { ok: true, data: found.unwrap().1.clone(), items: Vec::new() },
            Command::Top { lines, .. } => {
                Due { ok: true, data: top_of(found.unwrap().1, *lines), items: Vec::new() }
            }
            Command::Dele(message) => {
                self.marked.insert(message.value());
                ok(Vec::new())
            }
            Command::Rset => {
                self.marked.clear();
                ok(Vec::new())
            }
            Command::Lang(_) => ok(vec![Item::Language(english())]),
            Command::Stls => {
                self.tls = true;
                ok(Vec::new())
            }
            Command::Utf8 => {
                self.utf8 = true;
                ok(Vec::new())
            }
            Command::Quit => {
                self.left = true;
                ok(Vec::new())
            }
            _ => ok(Vec::new()),
        }
    }

    /// RFC 2449 §5, RFC 2595 §4.
    fn capabilities(&self) -> Due {
        let mut list = vec!["TOP", "USER", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UIDL"];
        if self.extended {
            list.insert(2, "SASL PLAIN");
            if !self.open && !self.tls && !self.utf8 {
                list.push("STLS");
            }
            list.extend(["UTF8", "LANG"]);
        }
        ok(list
            .iter()
            .map(|line| {
                let words: Vec<_> = line.split(' ').collect();
                Item::Capability(Box::new(Capability::new(words[0], &words[1..]).unwrap()))
            })
            .collect())
    }
}
