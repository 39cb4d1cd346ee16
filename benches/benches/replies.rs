//! Whole replies through a client session, beside what moving the same octets costs at least.
//!
//! One turn sends a window of RETR and receives the replies. `copy in` copies their octets into one block, as reads from a
//! socket do; `copy in and memmem` also passes a search for `LF "."` over them, which is what finding the ends costs at
//! least. The session's rows do the same copy, and everything else: commands, status lines, un-stuffing, events.

use std::cell::RefCell;
use std::hint::black_box;

use benches::client;
use benches::corpora::text;
use benches::limits::{self, BLOCK};
use benches::rows::Rows;
use benches::shapes;
use criterion::Throughput;
use memchr::memmem::Finder;
use pop3_proto::{Command, MessageNumber};

const STATUS_LINE: &[u8] = b"+OK\r\n";

/// Octets of a message, and how many of it are fetched in one turn.
const MESSAGES: [(&str, usize, usize); 5] = [
    ("0 B", 0, 64),
    ("512 B", 512, 64),
    ("4 KiB", 4 << 10, 64),
    ("64 KiB", 64 << 10, 16),
    ("1 MiB", 1 << 20, 4),
];

fn main() {
    let retr = Command::Retr(MessageNumber::FIRST);
    let block = RefCell::new(vec![0; BLOCK]);
    let out = RefCell::new(Vec::new());
    let replies = MESSAGES.map(|(name, octets, window)| {
        let corpus = text(octets);
        let reply = [STATUS_LINE, &corpus.wire].concat();
        (name, window, corpus.body * window, reply.len(), reply.repeat(window))
    });
    let mut rows = Rows::new();
    for &(name, window, body, reply, ref replies) in &replies {
        let finder = Finder::new(b"\n.");
        let hits = limits::search(replies, &finder);
        let (mut polled, mut copied) = (client::logged_in(), client::logged_in());
        let (retr, block, out) = (&retr, &block, &out);
        rows.group(format!("replies {name}"), Throughput::Elements(window as u64))
            .row("copy in", replies.len(), || {
                limits::copy_in(black_box(replies), &mut block.borrow_mut())
            })
            .row("copy in and memmem", hits, move || {
                limits::copy_in_and_search(black_box(replies), &mut block.borrow_mut(), &finder)
            })
            .row("poll_event", (body, 0), move || {
                client::send(&mut polled, retr, window);
                client::poll(&mut polled, black_box(replies), BLOCK)
            })
            .row("read_body", (body, 0), move || {
                client::send(&mut copied, retr, window);
                client::read(&mut copied, black_box(replies), BLOCK, &mut block.borrow_mut())
            })
            .row("line by line with a copy", body, move || {
                let line_by_line = |reply: &[u8]| {
                    shapes::line_by_line_with_a_copy(
                        &reply[STATUS_LINE.len()..],
                        &mut out.borrow_mut(),
                    )
                };
                black_box(replies).chunks(reply).map(|reply| line_by_line(reply).0).sum()
            });
    }
    rows.run();
}
