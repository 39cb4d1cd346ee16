//! A client and a server of this library, over a link that cuts the octets of both directions anywhere, and perhaps ends.

mod client;
mod script;
mod server;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::Sizes;
use crate::MessageNumber;
use crate::client::{Eof, Update};
use client::Client;
use script::{Cut, Script};
use server::Server;

/// Rounds in which everybody does what there is to do; each moves an octet at least.
const MAX_ROUNDS: usize = 1 << 20;

/// I1, I2, I5, I7 and I9 of both sides together: the client gets, in order, what a model of the maildrop says, message for
/// message and line for line; nobody waits for ever; what the client knows of UPDATE agrees with what the server was told
/// to do, also where the link was cut.
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
        if !(acted || client_saw || server_saw || up || down || ended) {
            break;
        }
    }
    pair.finish(&script);
}

/// One direction: octets on their way.
struct Link {
    sizes: Sizes,
    on_the_way: VecDeque<u8>,
    carried: usize,
    /// Octets that pass before it is cut.
    left: Option<usize>,
    eof: Option<Eof>,
}

impl Link {
    fn new(sizes: Sizes, cut: Option<Cut>) -> Self {
        Self {
            sizes,
            on_the_way: VecDeque::new(),
            carried: 0,
            left: cut.map(|cut| cut.at),
            eof: None,
        }
    }

    /// Takes some octets in and hands some over; whether it moved any.
    fn carry(
        &mut self,
        write: impl FnOnce(usize) -> Vec<u8>,
        receive: impl FnOnce(&[u8]) -> usize,
    ) -> bool {
        let size = self.sizes.next();
        let written = write(size);
        self.on_the_way.extend(&written);
        let len = self.sizes.next().min(self.on_the_way.len()).min(self.left.unwrap_or(usize::MAX));
        let piece: Vec<_> = self.on_the_way.iter().copied().take(len).collect();
        let taken = receive(&piece);
        self.on_the_way.drain(..taken);
        self.carried += taken;
        if let Some(left) = &mut self.left {
            *left -= taken;
        }
        taken > 0 || !written.is_empty()
    }

    fn is_cut(&self) -> bool {
        self.left == Some(0)
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
        let cut = |up| script.cut.filter(|cut| cut.up == up);
        Self {
            client: Client::new(script),
            server: Server::new(script),
            up: Link::new(script.up.clone(), cut(true)),
            down: Link::new(script.down.clone(), cut(false)),
            cut: script.cut,
        }
    }

    /// Ends the link where it is to end, and behind a side that is over; whether anything ended.
    fn end(&mut self) -> bool {
        let mut ended = false;
        let eof = self.cut.map_or(Eof::Clean, |cut| cut.eof);
        let cut = self.up.is_cut() || self.down.is_cut();
        let server_over = self.server.closed.is_some() && self.down.on_the_way.is_empty();
        if self.down.eof.is_none()
            && (self.down.is_cut() || server_over || cut && eof == Eof::Abrupt)
        {
            self.down.eof = Some(eof);
            self.client.session.receive_eof(eof);
            ended = true;
        }
        let client_over = self.client.is_over() && self.up.on_the_way.is_empty();
        if self.up.eof.is_none() && (self.up.is_cut() || client_over || cut && eof == Eof::Abrupt) {
            self.up.eof = Some(eof);
            self.server.session.receive_eof(eof);
            ended = true;
        }
        ended
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
