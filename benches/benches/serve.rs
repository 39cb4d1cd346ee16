//! Whole answers through a server session, beside what moving the same octets costs at least.
//!
//! One turn receives a window of commands and serves them until all output has left. `copy in` copies the octets of the
//! answers into one block, which is what any server does that owns its output. The session's row does the same copy, and
//! everything else: framing and parsing commands, states, the maildrop, status lines, byte-stuffing. Messages come from
//! memory in the parts that a store would read.

use std::cell::RefCell;
use std::hint::black_box;

use benches::corpora::text;
use benches::limits::{self, BLOCK};
use benches::rows::Rows;
use benches::server::Server;

struct Case {
    name: &'static str,
    server: Server,
    commands: Vec<u8>,
    replies: Vec<u8>,
}

impl Case {
    fn new(
        name: &'static str,
        mut server: Server,
        command: &[u8],
        window: usize,
        reply: &[u8],
    ) -> Self {
        let (commands, replies) = (command.repeat(window), reply.repeat(window));
        let mut out = Vec::new();
        server.serve(&commands, |octets| out.extend_from_slice(octets));
        assert!(out == replies, "{name} is answered otherwise");
        Self { name, server, commands, replies }
    }
}

/// The lines of a listing with its status line and its end.
fn listing(octets: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut listing = format!("+OK 10000 messages ({octets} octets)\r\n");
    listing.extend((1..=10_000).map(line));
    listing.push_str(".\r\n");
    listing.into()
}

fn main() {
    let mut cases = Vec::new();
    for (name, octets, window) in [("RETR of 4 KiB", 4 << 10, 64), ("RETR of 1 MiB", 1 << 20, 4)] {
        let corpus = text(octets);
        let reply = [b"+OK\r\n", &corpus.wire[..]].concat();
        let server = Server::new(1, corpus.message(b"\r\n"));
        cases.push(Case::new(name, server, b"RETR 1\r\n", window, &reply));
    }
    let server = || Server::new(10_000, vec![b'x'; 4321]);
    let list = listing(43_210_000, |number| format!("{number} 4321\r\n"));
    cases.push(Case::new("LIST of 10,000", server(), b"LIST\r\n", 1, &list));
    let uidl = listing(43_210_000, |number| format!("{number} {number:08x}5d9f3a21\r\n"));
    cases.push(Case::new("UIDL of 10,000", server(), b"UIDL\r\n", 1, &uidl));
    cases.push(Case::new("1,000 NOOP", server(), b"NOOP\r\n", 1000, b"+OK nothing done\r\n"));

    let block = RefCell::new(vec![0; BLOCK]);
    let mut rows = Rows::new();
    for Case { name, server, commands, replies } in &mut cases {
        let (block, replies, commands) = (&block, &*replies, &*commands);
        rows.octets(format!("serve {name}"), replies.len())
            .row("copy in", replies.len(), || {
                limits::copy_in(black_box(replies), &mut block.borrow_mut())
            })
            .row("session", replies.len(), move || server.serve(black_box(commands), |_| {}));
    }
    rows.run();
}
