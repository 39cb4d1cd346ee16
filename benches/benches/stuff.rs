//! Byte-stuffing of messages, beside what the machine can do at most and what a plain loop does.
//!
//! It is about ratios within one run. `memcpy` is the speed of memory, `memmem` one pass of a search for `LF "."` without
//! any encoding, `naive` the loop over single octets that no input may make anything here slower than. `step` only finds
//! the runs, for a caller who sends the octets from where they are; `encode` also copies them into a buffer, in one go or
//! through a room of 64 KiB as a session does; `WireOctets` counts what LIST has to announce.

use std::hint::black_box;

use benches::{COLD, Corpus, HOT, base64, dots, dotted_lines, short_lines, text, tiny_lines};
use bytes::BufMut as _;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use memchr::memmem::Finder;
use pop3_proto::codec::{MultilineEncoder, WireOctets};

/// What a session has room for at most.
const ROOM: usize = 64 << 10;

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
        let mut room = (&mut *out).limit(ROOM);
        taken += encoder.encode(&message[taken..], &mut room);
        ended = taken == message.len() && encoder.finish(&mut room);
        wire += black_box(&*out).len();
    }
    wire
}

/// One octet, one branch: how most servers do it, had they thought of the bare CR.
fn naive(message: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut last = b'\n';
    for &octet in message {
        if last == b'\r' && octet != b'\n' {
            out.push(b'\n');
            last = b'\n';
        }
        match octet {
            b'.' if last == b'\n' => out.extend_from_slice(b".."),
            b'\n' if last != b'\r' => out.extend_from_slice(b"\r\n"),
            _ => out.push(octet),
        }
        last = octet;
    }
    out.extend_from_slice(match last {
        b'\n' => b".\r\n",
        b'\r' => b"\n.\r\n",
        _ => b"\r\n.\r\n",
    });
    black_box(out).len()
}

fn row(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    expected: usize,
    mut run: impl FnMut() -> usize,
) {
    assert_eq!(run(), expected, "{name} encodes to something else");
    group.bench_function(name, |bencher| bencher.iter(&mut run));
}

fn rows(criterion: &mut Criterion, name: &str, corpus: &Corpus, line_end: &[u8]) {
    let message = corpus.message(line_end);
    let wire = corpus.wire.len();
    let mut group = criterion.benchmark_group(format!("stuff {name}"));
    group.throughput(Throughput::Bytes(message.len() as u64));
    let mut copy = vec![0; message.len()];
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| {
            copy.copy_from_slice(black_box(&message));
            black_box(&copy);
        });
    });
    let finder = Finder::new(b"\n.");
    group.bench_function("memmem", |bencher| {
        bencher.iter(|| finder.find_iter(black_box(&message)).count());
    });
    let mut out = Vec::with_capacity(2 * wire);
    encode(&message, &mut out);
    assert!(out == corpus.wire, "{name} encodes to something else");
    naive(&message, &mut out);
    assert!(out == corpus.wire, "{name} is encoded by the loop to something else");
    row(&mut group, "step", wire, || step(black_box(&message)));
    row(&mut group, "encode", wire, || encode(black_box(&message), &mut out));
    row(&mut group, "encode 64K", wire, || encode_in_rooms(black_box(&message), &mut out));
    row(&mut group, "WireOctets", corpus.body, || {
        let mut octets = WireOctets::new();
        octets.update(black_box(&message));
        usize::try_from(octets.octets()).expect("a small message")
    });
    row(&mut group, "naive", wire, || naive(black_box(&message), &mut out));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().sample_size(15).configure_from_args();
    let (crlf, lf) = (b"\r\n", b"\n");
    rows(&mut criterion, "hot a text CRLF", &text(HOT), crlf);
    rows(&mut criterion, "hot b text LF", &text(HOT), lf);
    rows(&mut criterion, "hot c dotted lines", &dotted_lines(HOT), crlf);
    rows(&mut criterion, "hot d dots CRLF", &dots(HOT), crlf);
    rows(&mut criterion, "hot e dots LF", &dots(HOT), lf);
    rows(&mut criterion, "hot f base64", &base64(HOT), crlf);
    rows(&mut criterion, "hot g text CR", &text(HOT), b"\r");
    rows(&mut criterion, "hot h dots CR", &dots(HOT), b"\r");
    rows(&mut criterion, "hot i dotted lines LF", &dotted_lines(HOT), lf);
    rows(&mut criterion, "hot j short lines LF", &short_lines(HOT), lf);
    rows(&mut criterion, "hot k tiny lines LF", &tiny_lines(HOT), lf);
    rows(&mut criterion, "cold a text CRLF", &text(COLD), crlf);
    criterion.final_summary();
}
