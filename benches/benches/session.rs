//! A client session over bodies of every kind, and a client session and a server session that talk in memory.
//!
//! `session hot` and `session cold`: one RETR and its reply, by events and by `read_body`. `copy in and memmem` is the copy
//! that every receiver makes and one pass of a search for the end; `memcpy` over 64 MiB is what copying a message costs that
//! no cache holds. Behind a name stand the octets of a read.
//!
//! `session both`: every octet is made by a server session out of a message in memory, and read by a client session.

use std::cell::RefCell;
use std::hint::black_box;

use benches::client::{self, Seen};
use benches::corpora::{self, COLD, Corpus, HOT, text};
use benches::limits::{self, BLOCK};
use benches::rows::Rows;
use benches::server::Server;
use benches::shapes;
use bytes::Buf as _;
use memchr::memmem::Finder;
use pop3_proto::client::ClientSession;
use pop3_proto::{Command, MessageNumber};

const STATUS_LINE: &[u8] = b"+OK\r\n";
const RETR: Command = Command::Retr(MessageNumber::FIRST);

/// What all rows write to, so that none has a better place than another.
struct Out {
    octets: RefCell<Vec<u8>>,
    pushed: RefCell<Vec<u8>>,
    block: RefCell<Vec<u8>>,
    caller: RefCell<Vec<u8>>,
}

/// A reply to RETR, and octets of its body.
struct Reply {
    name: String,
    octets: Vec<u8>,
    body: usize,
}

impl Reply {
    fn new(heat: &str, corpus: &Corpus) -> Self {
        let octets = [STATUS_LINE, &corpus.wire].concat();
        Self { name: format!("session {heat} {}", corpus.name), octets, body: corpus.body }
    }

    fn rows<'a>(&'a self, rows: &mut Rows<'a>, out: &'a Out, reads: &[(&str, usize)]) {
        let octets = &self.octets[..];
        let finder = Finder::new(b"\n.");
        let hits = limits::search(octets, &finder);
        let mut group = rows.octets(&self.name, octets.len());
        group
            .row("memcpy", octets.len(), || {
                limits::memcpy(black_box(octets), &mut out.octets.borrow_mut())
            })
            .row("copy in and memmem", hits, move || {
                limits::copy_in_and_search(black_box(octets), &mut out.block.borrow_mut(), &finder)
            })
            .row("naive", (self.body, octets.len() - STATUS_LINE.len()), move || {
                let wire = &black_box(octets)[STATUS_LINE.len()..];
                shapes::naive(wire, &mut out.pushed.borrow_mut())
            });
        for &(name, read) in reads {
            let mut session = client::logged_in();
            group.row(format!("poll_event {name}"), (self.body, 0), move || {
                client::send(&mut session, &RETR, 1);
                client::poll(&mut session, black_box(octets), read)
            });
            let mut session = client::logged_in();
            group.row(format!("read_body {name}"), (self.body, 0), move || {
                client::send(&mut session, &RETR, 1);
                client::read(&mut session, black_box(octets), read, &mut out.caller.borrow_mut())
            });
        }
    }
}

/// Sends `command` `window` times to `server`, and polls what it answers.
fn talk(
    client: &mut ClientSession,
    server: &mut Server,
    command: &Command,
    window: usize,
    commands: &mut Vec<u8>,
) -> Seen {
    for _ in 0..window {
        client.send(command).expect("legal");
    }
    commands.clear();
    commands.extend_from_slice(client.outgoing().chunk());
    client.outgoing().advance(commands.len());
    let (mut octets, mut items) = (0, 0);
    server.serve(commands, |replies| {
        let seen = client::poll(client, replies, BLOCK);
        octets += seen.0;
        items += seen.1;
    });
    assert_eq!(client.in_flight(), 0);
    (octets, items)
}

fn main() {
    let hot = corpora::all(HOT).map(|corpus| Reply::new("hot", &corpus));
    // The sparse ones: what dots cost, the hot rows show.
    let cold = [text, corpora::base64, corpora::long_lines, corpora::quoted_printable]
        .map(|corpus| Reply::new("cold", &corpus(COLD)));
    let most = cold.iter().map(|reply| reply.octets.len()).max().unwrap_or_default();
    let out = Out {
        octets: RefCell::new(vec![0; most]),
        pushed: RefCell::default(),
        block: RefCell::new(vec![0; BLOCK]),
        caller: RefCell::new(vec![0; BLOCK]),
    };
    let mut rows = Rows::new();
    for reply in &hot {
        reply.rows(&mut rows, &out, &[("64K", BLOCK), ("16K", 16 << 10), ("4K", 4 << 10)]);
    }
    for reply in &cold {
        reply.rows(&mut rows, &out, &[("64K", BLOCK)]);
    }
    for (name, octets, window) in [("RETR of 4 KiB", 4 << 10, 64), ("RETR of 1 MiB", 1 << 20, 4)] {
        let corpus = text(octets);
        let mut server = Server::new(1, corpus.message(b"\r\n"));
        let (mut client, mut commands) = (client::logged_in(), Vec::new());
        rows.octets(format!("session both {name}"), corpus.wire.len() * window).row(
            "talk",
            (corpus.body * window, 0),
            move || talk(&mut client, &mut server, &RETR, window, &mut commands),
        );
    }
    for command in [Command::List(None), Command::Uidl(None)] {
        let mut server = Server::new(10_000, vec![b'x'; 4321]);
        let (mut client, mut commands) = (client::logged_in(), Vec::new());
        let octets = server.serve(&encoded(&command), |_| {});
        let name = command.keyword().map_or("", |keyword| keyword.as_str());
        rows.octets(format!("session both {name} of 10,000"), octets).row(
            "talk",
            (0, 10_000),
            move || talk(&mut client, &mut server, &command, 1, &mut commands),
        );
    }
    rows.run();
}

fn encoded(command: &Command) -> Vec<u8> {
    let mut line = Vec::new();
    command.encode(&mut line);
    line
}
