//! Byte-stuffing of messages, beside what the machine can do at most and what other loops do.
//!
//! `step` and `encode_runs` only find the runs, for a caller who sends the octets from where they are; `encode` also copies them into a
//! buffer, in one go or through a room of 64 KiB as a session does; `WireOctets` counts what LIST has to announce. Behind
//! the name of a corpus stands what ends the lines of the message.

use std::cell::RefCell;
use std::hint::black_box;

use benches::corpora::{self, COLD, Corpus, HOT, dots, short_lines, text};
use benches::limits::{self, BLOCK};
use benches::rows::Rows;
use benches::shapes;
use bytes::BufMut as _;
use memchr::memmem::Finder;
use pop3_proto::codec::{MultilineEncoder, WireOctets};

/// Octets on the wire, the terminator included.
fn step(message: &[u8]) -> usize {
    let mut encoder = MultilineEncoder::new();
    let (mut taken, mut wire) = (0, 0);
    while taken < message.len() {
        let stuff = encoder.step(&message[taken..]);
        black_box(&message[taken..taken + stuff.copy]);
        black_box(stuff.insert);
        taken += stuff.copy;
        wire += stuff.copy + stuff.insert.len();
    }
    let mut end = Vec::new();
    assert!(encoder.finish(&mut end));
    wire + end.len()
}

fn encode_runs(message: &[u8]) -> usize {
    let mut encoder = MultilineEncoder::new();
    let wire = encoder.encode_runs(message, |run| _ = black_box(run));
    let mut end = Vec::new();
    assert!(encoder.finish(&mut end));
    wire + end.len()
}

fn encode(message: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut encoder = MultilineEncoder::new();
    encoder.encode(message, out);
    assert!(encoder.finish(out));
    black_box(out).len()
}

fn encode_in_rooms(message: &[u8], out: &mut Vec<u8>) -> usize {
    let mut encoder = MultilineEncoder::new();
    let (mut taken, mut wire, mut ended) = (0, 0, false);
    while !ended {
        out.clear();
        let mut room = (&mut *out).limit(BLOCK);
        taken += encoder.encode(&message[taken..], &mut room);
        ended = taken == message.len() && encoder.finish(&mut room);
        wire += black_box(&*out).len();
    }
    wire
}

/// Buffers of all rows, so that none has a better place than another.
struct Out {
    octets: RefCell<Vec<u8>>,
    pushed: RefCell<Vec<u8>>,
}

/// A message in a store, and the corpus that it came from.
struct Message {
    name: String,
    corpus: Corpus,
    octets: Vec<u8>,
}

impl Message {
    fn new(heat: &str, corpus: Corpus, end: &str) -> Self {
        let line_end: &[u8] = match end {
            "CRLF" => b"\r\n",
            "LF" => b"\n",
            _ => b"\r",
        };
        let octets = corpus.message(line_end);
        Self { name: format!("stuff {heat} {} {end}", corpus.name), corpus, octets }
    }

    /// Compares octets once; in the rows their number has to do.
    fn check(&self) {
        let mut out = Vec::new();
        for encode in [encode, shapes::stuff_naive] {
            encode(&self.octets, &mut out);
            assert!(out == self.corpus.wire, "{} is encoded to something else", self.name);
        }
    }

    fn rows<'a>(&'a self, rows: &mut Rows<'a>, out: &'a Out) {
        let message = &self.octets[..];
        let (wire, body) = (self.corpus.wire.len(), self.corpus.body);
        let finder = Finder::new(b"\n.");
        let hits = limits::search(message, &finder);
        rows.octets(&self.name, message.len())
            .row("memcpy", message.len(), || {
                limits::memcpy(black_box(message), &mut out.octets.borrow_mut())
            })
            .row("memmem", hits, move || limits::search(black_box(message), &finder))
            .row("step", wire, || step(black_box(message)))
            .row("encode_runs", wire, || encode_runs(black_box(message)))
            .row("encode", wire, || encode(black_box(message), &mut out.pushed.borrow_mut()))
            .row("encode 64K", wire, || {
                encode_in_rooms(black_box(message), &mut out.pushed.borrow_mut())
            })
            .row("WireOctets", body, || {
                let mut octets = WireOctets::new();
                octets.update(black_box(message));
                usize::try_from(octets.octets()).expect("a small message")
            })
            .row("naive", wire, || {
                shapes::stuff_naive(black_box(message), &mut out.pushed.borrow_mut())
            });
        if !self.name.ends_with(" CR") {
            rows.octets(&self.name, message.len()).row("line by line with a copy", wire, || {
                shapes::stuff_line_by_line(black_box(message), &mut out.pushed.borrow_mut())
            });
        }
    }
}

fn main() {
    let mut messages = Vec::new();
    for end in ["CRLF", "LF"] {
        messages.extend(corpora::all(HOT).map(|corpus| Message::new("hot", corpus, end)));
    }
    messages.push(Message::new("hot", short_lines(HOT), "LF"));
    messages.extend([text(HOT), dots(HOT)].map(|corpus| Message::new("hot", corpus, "CR")));
    messages.push(Message::new("cold", text(COLD), "CRLF"));
    let most = messages.iter().map(|message| message.corpus.wire.len()).max().unwrap_or_default();
    let out = Out {
        octets: RefCell::new(vec![0; most]),
        pushed: RefCell::new(Vec::with_capacity(2 * most)),
    };
    let mut rows = Rows::new();
    for message in &messages {
        message.check();
        message.rows(&mut rows, &out);
    }
    rows.run();
}
