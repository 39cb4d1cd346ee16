//! Taking the byte-stuffing out of bodies, beside what the machine can do at most and what a plain loop does.
//!
//! It is about ratios within one run. `memcpy` is the speed of memory, `memmem` one pass of the search without any decoding,
//! `naive` the state machine over single octets that no input may make anything here slower than. `decode` only finds the
//! runs; `decode_into` also copies them to one place. `decode_in_place` spoils its input, so that its rows contain one
//! `memcpy` of the read into the buffer it works in, as a read from a socket would do: compare with `memcpy`.

use std::hint::black_box;

use benches::{COLD, Corpus, HOT, all, text};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use memchr::memmem::Finder;
use pop3_proto::codec::{BodyStep, LineEnding, MultilineDecoder};

/// What a read of the adapters brings at most, and a small one.
const READS: [(&str, usize); 2] = [("64K", 64 << 10), ("4K", 4 << 10)];

/// The octets of the body and of the wire that a decoder saw.
type Lengths = (usize, usize);

fn decode(wire: &[u8], read: usize) -> Lengths {
    let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
    let (mut body, mut consumed, mut shown) = (0, 0, 0);
    while !decoder.ended() {
        shown = wire.len().min(shown + read);
        loop {
            match decoder.decode(&wire[consumed..shown]) {
                BodyStep::Data { len, skip } => {
                    black_box(&wire[consumed..consumed + len]);
                    body += len;
                    consumed += len + skip;
                }
                BodyStep::End { len, skip } => {
                    black_box(&wire[consumed..consumed + len]);
                    return (body + len, consumed + len + skip);
                }
                BodyStep::NeedMore => break,
            }
        }
    }
    (body, consumed)
}

fn decode_into(wire: &[u8], read: usize, out: &mut [u8]) -> Lengths {
    let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
    let (mut body, mut consumed, mut shown) = (0, 0, 0);
    while !decoder.ended() {
        shown = wire.len().min(shown + read);
        let part = decoder.decode_into(&wire[consumed..shown], &mut out[body..]);
        body += part.written;
        consumed += part.read;
    }
    black_box(&*out);
    (body, consumed)
}

fn decode_in_place(wire: &[u8], read: usize, buffer: &mut [u8]) -> Lengths {
    let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
    let (mut body, mut consumed) = (0, 0);
    while !decoder.ended() {
        let rest = &wire[consumed..];
        let input = &rest[..rest.len().min(read)];
        let buffer = &mut buffer[..input.len()];
        buffer.copy_from_slice(input);
        let part = decoder.decode_in_place(buffer);
        black_box(&buffer[..part.written]);
        body += part.written;
        consumed += part.read;
    }
    (body, consumed)
}

/// One octet, one state, one branch: how most mail clients do it.
fn naive(wire: &[u8], out: &mut Vec<u8>) -> Lengths {
    #[derive(Clone, Copy)]
    enum State {
        Text,
        CarriageReturn,
        LineStart,
        Dot,
        DotCarriageReturn,
    }
    out.clear();
    let mut state = State::LineStart;
    for (at, &octet) in wire.iter().enumerate() {
        state = match (state, octet) {
            (State::LineStart, b'.') => {
                state = State::Dot;
                continue;
            }
            (State::Dot, b'\r') => {
                state = State::DotCarriageReturn;
                continue;
            }
            (State::DotCarriageReturn, b'\n') => {
                black_box(&*out);
                return (out.len(), at + 1);
            }
            (State::DotCarriageReturn, _) => {
                out.push(b'\r');
                if octet == b'\r' { State::CarriageReturn } else { State::Text }
            }
            (State::CarriageReturn, b'\n') => State::LineStart,
            (_, b'\r') => State::CarriageReturn,
            _ => State::Text,
        };
        out.push(octet);
    }
    (out.len(), wire.len())
}

fn search(wire: &[u8], finder: &Finder<'_>) -> usize {
    finder.find_iter(wire).count()
}

fn row(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    expected: Lengths,
    mut run: impl FnMut() -> Lengths,
) {
    assert_eq!(run(), expected, "{name} decodes to something else");
    group.bench_function(name, |bencher| bencher.iter(&mut run));
}

fn rows(criterion: &mut Criterion, corpus: &Corpus, heat: &str) {
    let mut group = criterion.benchmark_group(format!("unstuff {heat} {}", corpus.name));
    group.throughput(Throughput::Bytes(corpus.wire.len() as u64));
    let wire = &corpus.wire;
    let expected = (corpus.body, wire.len());
    let mut out = vec![0; wire.len()];

    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| {
            out.copy_from_slice(black_box(wire));
            black_box(&out);
        });
    });
    let finder = Finder::new(b"\n.");
    group.bench_function("memmem", |bencher| bencher.iter(|| search(black_box(wire), &finder)));
    for (name, read) in READS {
        row(&mut group, &format!("decode {name}"), expected, || decode(black_box(wire), read));
        row(&mut group, &format!("decode_into {name}"), expected, || {
            decode_into(black_box(wire), read, &mut out)
        });
        let mut buffer = vec![0; read];
        row(&mut group, &format!("decode_in_place {name}"), expected, || {
            decode_in_place(black_box(wire), read, &mut buffer)
        });
    }
    row(&mut group, "naive", expected, || naive(black_box(wire), &mut out));
    group.finish();
}

fn hot(criterion: &mut Criterion) {
    for corpus in all(HOT) {
        rows(criterion, &corpus, "hot");
    }
}

fn cold(criterion: &mut Criterion) {
    rows(criterion, &text(COLD), "cold");
}

fn main() {
    let mut criterion = Criterion::default().sample_size(15).configure_from_args();
    hot(&mut criterion);
    cold(&mut criterion);
    criterion.final_summary();
}
