//! Whole answers through a server session, beside what moving the same octets costs at least.
//!
//! One turn receives a window of commands and serves them until all output has left. `memcpy` copies the octets of the
//! answers into one block, which is what any server does that owns its output. The session's row does the same copy, and
//! everything else: framing and parsing commands, states, the maildrop, status lines, byte-stuffing. Messages come from
//! memory in the parts that a store would read.

use std::hint::black_box;

use benches::text;
use bytes::Buf as _;
use criterion::{Criterion, Throughput};
use pop3_proto::client::Channel;
use pop3_proto::server::{Action, Entry, Event, Maildrop, ServerConfig, ServerSession};
use pop3_proto::{Command, Text, UniqueId};

/// Octets that a store reads, and that a write takes, at most.
const BLOCK: usize = 64 << 10;

struct Server {
    session: ServerSession,
    maildrop: Maildrop,
    message: Vec<u8>,
}

impl Server {
    /// A logged-in session over a maildrop of `messages` messages that are all `message`.
    fn new(messages: usize, message: Vec<u8>) -> Self {
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

    /// Serves `commands`; gives the octets that left.
    fn serve(&mut self, commands: &[u8], mut write: impl FnMut(&[u8])) -> usize {
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

fn rows(
    criterion: &mut Criterion,
    name: &str,
    mut server: Server,
    command: &[u8],
    window: usize,
    reply: &[u8],
) {
    let commands = command.repeat(window);
    let replies = reply.repeat(window);
    let mut out = Vec::new();
    server.serve(&commands, |octets| out.extend_from_slice(octets));
    assert!(out == replies, "{name} is answered otherwise");

    let mut group = criterion.benchmark_group(format!("serve {name}"));
    group.throughput(Throughput::Bytes(replies.len() as u64));
    let mut block = vec![0; BLOCK];
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| {
            for part in black_box(&replies).chunks(BLOCK) {
                block[..part.len()].copy_from_slice(part);
                black_box(&block);
            }
        });
    });
    group.bench_function("session", |bencher| {
        bencher.iter(|| {
            let octets = server.serve(black_box(&commands), |_| {});
            assert_eq!(octets, replies.len());
        });
    });
    group.finish();
}

/// The lines of a listing with its status line and its end.
fn listing(octets: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut listing = format!("+OK 10000 messages ({octets} octets)\r\n");
    listing.extend((1..=10_000).map(line));
    listing.push_str(".\r\n");
    listing.into()
}

fn main() {
    let mut criterion = Criterion::default().sample_size(15).configure_from_args();
    for (name, octets, window) in [("RETR of 4 KiB", 4 << 10, 64), ("RETR of 1 MiB", 1 << 20, 4)] {
        let corpus = text(octets);
        let reply = [b"+OK\r\n", &corpus.wire[..]].concat();
        let server = Server::new(1, corpus.message(b"\r\n"));
        rows(&mut criterion, name, server, b"RETR 1\r\n", window, &reply);
    }
    let server = || Server::new(10_000, vec![b'x'; 4321]);
    let list = listing(43_210_000, |number| format!("{number} 4321\r\n"));
    rows(&mut criterion, "LIST of 10,000", server(), b"LIST\r\n", 1, &list);
    let uidl = listing(43_210_000, |number| format!("{number} {number:08x}5d9f3a21\r\n"));
    rows(&mut criterion, "UIDL of 10,000", server(), b"UIDL\r\n", 1, &uidl);
    rows(&mut criterion, "1,000 NOOP", server(), b"NOOP\r\n", 1000, b"+OK nothing done\r\n");
    criterion.final_summary();
}
