//! Taking the byte-stuffing out of bodies, beside what the machine can do at most and what other loops do.
//!
//! `decode` only finds the runs, and `decode_runs` those of a whole read; `decode_into` also copies them to one place. `decode_in_place` spoils its input, so that
//! its rows contain one `memcpy` of the read into the buffer it works in, as a read from a socket would do: compare with
//! `copy in`. Behind a name stand the octets of a read.

use std::cell::RefCell;
use std::hint::black_box;

use benches::corpora::{self, COLD, Corpus, HOT};
use benches::limits::{self, BLOCK};
use benches::rows::{Group, Rows};
use benches::shapes::{self, Lengths};
use memchr::memmem::Finder;
use pop3_proto::codec::{BodyStep, LineEnding, MultilineDecoder};

/// What a read of the adapters brings at most, and small ones.
const READS: [(&str, usize); 3] = [("64K", BLOCK), ("16K", 16 << 10), ("4K", 4 << 10)];

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

fn decode_runs(wire: &[u8], read: usize) -> Lengths {
    let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
    let (mut body, mut consumed, mut shown) = (0, 0, 0);
    while !decoder.ended() {
        shown = wire.len().min(shown + read);
        let part = decoder.decode_runs(&wire[consumed..shown], |run| _ = black_box(run));
        body += part.written;
        consumed += part.read;
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

fn decode_in_place(wire: &[u8], buffer: &mut [u8]) -> Lengths {
    let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
    let (mut body, mut consumed) = (0, 0);
    while !decoder.ended() {
        let rest = &wire[consumed..];
        let input = &rest[..rest.len().min(buffer.len())];
        let buffer = &mut buffer[..input.len()];
        buffer.copy_from_slice(input);
        let part = decoder.decode_in_place(buffer);
        black_box(&buffer[..part.written]);
        body += part.written;
        consumed += part.read;
    }
    (body, consumed)
}

/// What all rows write to, so that none has a better place than another.
struct Out {
    octets: RefCell<Vec<u8>>,
    pushed: RefCell<Vec<u8>>,
    text: RefCell<String>,
    block: RefCell<Vec<u8>>,
}

fn bounds<'a>(group: &mut Group<'_, 'a>, wire: &'a [u8], out: &'a Out) {
    let finder = Finder::new(b"\n.");
    let hits = limits::search(wire, &finder);
    group.row("memcpy", wire.len(), || {
        limits::memcpy(black_box(wire), &mut out.octets.borrow_mut())
    });
    group.row("copy in", wire.len(), || {
        limits::copy_in(black_box(wire), &mut out.block.borrow_mut())
    });
    group.row("memmem", hits, move || limits::search(black_box(wire), &finder));
}

fn decoders<'a>(
    group: &mut Group<'_, 'a>,
    corpus: &'a Corpus,
    out: &'a Out,
    reads: &[(&str, usize)],
) {
    let wire = &corpus.wire[..];
    let expected = (corpus.body, wire.len());
    for &(name, read) in reads {
        group.row(format!("decode {name}"), expected, move || decode(black_box(wire), read));
        group.row(format!("decode_runs {name}"), expected, move || {
            decode_runs(black_box(wire), read)
        });
        group.row(format!("decode_into {name}"), expected, move || {
            decode_into(black_box(wire), read, &mut out.octets.borrow_mut())
        });
        group.row(format!("decode_in_place {name}"), expected, move || {
            decode_in_place(black_box(wire), &mut out.block.borrow_mut()[..read])
        });
    }
    group.row("naive", expected, || shapes::naive(black_box(wire), &mut out.pushed.borrow_mut()));
}

fn others<'a>(group: &mut Group<'_, 'a>, corpus: &'a Corpus, out: &'a Out) {
    let wire = &corpus.wire[..];
    let expected = (corpus.body, wire.len());
    group
        .row("octet by octet", expected, || {
            shapes::octet_by_octet(black_box(wire), &mut out.octets.borrow_mut())
        })
        .row("switch with a write for each line", expected, || {
            let write = &mut |octets: &[u8]| _ = black_box(octets);
            shapes::switch_with_a_write_for_each_line(black_box(wire), write)
        })
        .row("scan for LF copying octets", expected, || {
            shapes::scan_for_lf_copying_octets(black_box(wire), &mut out.octets.borrow_mut())
        })
        .row("search for CR with a copy", expected, || {
            shapes::search_for_cr_with_a_copy(black_box(wire), &mut out.pushed.borrow_mut())
        })
        .row("line by line with a copy", expected, || {
            shapes::line_by_line_with_a_copy(black_box(wire), &mut out.pushed.borrow_mut())
        })
        .row("string for each line", expected, || {
            shapes::string_for_each_line(black_box(wire), &mut out.text.borrow_mut())
        })
        .row("search for each LF", expected, || shapes::search_for_each_lf(black_box(wire)))
        .row("search for each dot", expected, || shapes::search_for_each_dot(black_box(wire)))
        .row("search for each leading dot", expected, || {
            shapes::search_for_each_leading_dot(black_box(wire))
        });
}

/// Whether time is linear in the length of the message, whatever a read brings.
fn linear<'a>(rows: &mut Rows<'a>, [short, long, huge]: &'a [Corpus; 3]) {
    let mut group = rows.octets("unstuff 16 MiB", huge.wire.len());
    let expected = (huge.body, huge.wire.len());
    for (name, read) in [("64K", BLOCK), ("2K", 2 << 10)] {
        group.row(format!("decode {name}"), expected, move || decode(black_box(&huge.wire), read));
    }
    for (name, corpus) in [("16 KiB", short), ("1 MiB", long)] {
        let expected = (corpus.body, corpus.wire.len());
        let mut group = rows.octets(format!("unstuff {name}"), corpus.wire.len());
        group.row("decode 1", expected, || decode(black_box(&corpus.wire), 1));
        group.row("decode 2K", expected, || decode(black_box(&corpus.wire), 2 << 10));
        let body = corpus.wire.len() - 3;
        group.row("search again from the start 2K", (body, corpus.wire.len()), || {
            shapes::search_again_from_the_start(black_box(&corpus.wire), 2 << 10)
        });
    }
}

fn main() {
    let hot = corpora::all(HOT);
    let cold = corpora::text(COLD);
    let messages = [16 << 10, 1 << 20, 16 << 20].map(corpora::text);
    let out = Out {
        octets: RefCell::new(vec![0; cold.wire.len()]),
        pushed: RefCell::default(),
        text: RefCell::default(),
        block: RefCell::new(vec![0; BLOCK]),
    };
    let mut rows = Rows::new();
    for corpus in &hot {
        let mut group = rows.octets(format!("unstuff hot {}", corpus.name), corpus.wire.len());
        bounds(&mut group, &corpus.wire, &out);
        decoders(&mut group, corpus, &out, &READS);
        others(&mut group, corpus, &out);
    }
    let mut group = rows.octets(format!("unstuff cold {}", cold.name), cold.wire.len());
    bounds(&mut group, &cold.wire, &out);
    decoders(&mut group, &cold, &out, &READS[..1]);
    linear(&mut rows, &messages);
    rows.run();
}
