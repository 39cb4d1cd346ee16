//! A client and a server of this library, over a link that cuts the octets of both directions anywhere, and perhaps ends, or
//! on which somebody changes what they say.

mod client;
pub(super) mod link;
pub(super) mod script;
mod server;
mod tampered;

use super::Sizes;
use crate::MessageNumber;
use crate::client::{Eof, Update};
use client::Client;
use link::Link;
use script::{Cut, Script};
use server::Server;

/// Rounds in which everybody does what there is to do; each moves an octet at least.
const MAX_ROUNDS: usize = 1 << 20;

/// I1, I2, I5, I7 and I9 of both sides together: the client gets, in order, what a model of the maildrop says, message for
/// message and line for line; nobody waits for ever; what the client knows of UPDATE agrees with what the server was told
/// to do, also where the link was cut. Where an attacker inserts, deletes, replaces or repeats octets (class T12), all that
/// ends ends by what really came, and nobody panics.
///
/// Input: see the script's format.
pub fn pair(data: &[u8]) {
    let Some(script) = Script::read(data) else { return };
    let mut pair = Pair::new(&script);
    for round in 0.. {
        assert!(round < MAX_ROUNDS, "I2: it never ends");
        let acted = pair.client.act(&script);
        let client_saw = pair.client.poll();
        let server_saw = pair.server.serve(&script);
        let up = pair.up.carry(|len| pair.client.write(len), |octets| pair.server.receive(octets));
        let down =
            pair.down.carry(|len| pair.server.write(len), |octets| pair.client.receive(octets));
        let ended = pair.end();
        if !(acted || client_saw || server_saw || up || down || ended || pair.give_up()) {
            break;
        }
    }
    if script.edit.is_some() {
        pair.finish_tampered();
    } else {
        pair.finish(&script);
    }
}

struct Pair {
    client: Client,
    server: Server,
    up: Link,
    down: Link,
    cut: Option<Cut>,
}

impl Pair {
    fn new(script: &Script) -> Self {
        let link = |up, sizes: &Sizes| {
            let cut = script.cut.filter(|cut| cut.up == up);
            let edit = script.edit.clone().filter(|edit| edit.up == up);
            let mut link = Link::new(sizes.clone(), cut, edit);
            link.tampered = script.edit.is_some();
            link
        };
        Self {
            client: Client::new(script),
            server: Server::new(script),
            up: link(true, &script.up),
            down: link(false, &script.down),
            cut: script.cut,
        }
    }

    /// Ends the link where it is to end, and behind a side that is over; whether anything ended.
    fn end(&mut self) -> bool {
        let eof = self.cut.map_or(Eof::Clean, |cut| cut.eof);
        let cut = (self.up.is_cut() || self.down.is_cut()) && eof == Eof::Abrupt;
        let server_over = self.server.closed.is_some() && self.down.on_the_way.is_empty();
        let down = (self.down.is_cut() || server_over || cut) && self.end_down(eof);
        let client_over = self.client.is_over() && self.up.on_the_way.is_empty();
        let up = (self.up.is_cut() || client_over || cut) && self.end_up(eof);
        down || up
    }

    fn end_down(&mut self, eof: Eof) -> bool {
        let first = self.down.eof.replace(eof).is_none();
        if first {
            self.client.session.receive_eof(eof);
        }
        first
    }

    fn end_up(&mut self, eof: Eof) -> bool {
        let first = self.up.eof.replace(eof).is_none();
        if first {
            self.server.session.receive_eof(eof);
        }
        first
    }

    fn finish(&mut self, script: &Script) {
        let client = &mut self.client;
        let server = &mut self.server;
        let cut = self.up.is_cut() || self.down.is_cut();
        let update = client.session.update();
        if !cut {
            assert_eq!(client.failed, None, "nobody broke the protocol");
            assert!(client.is_done(), "it stands still");
        }
        if client.is_over() || cut {
            assert!(client.is_over() && server.closed.is_some(), "one side is over, the other not");
        } else {
            assert_eq!(client.session.state(), server.session.state());
        }
        // I9: what one side knows the other did.
        let commit = server.closed.unwrap_or(false);
        match update {
            Update::Committed => assert!(commit && !script.refuses),
            Update::Refused => assert!(commit && script.refuses),
            Update::NotRequested => assert!(!commit),
            Update::Unknown => assert!(cut),
        }
        if commit {
            assert_eq!(server.committed, server.model.marked());
        }
        if update == Update::Committed {
            for (number, message) in (1..).zip(&server.model.messages) {
                let number = MessageNumber::new(number).expect("not 0");
                let marked = server.model.marked().contains(&number.value());
                assert_eq!(client.session.is_marked(number), marked, "{message:?}");
            }
        }
    }
}
