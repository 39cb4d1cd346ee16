//! Exhaustive small-scope proof of the codec: every string over the four octets that matter, against oracles that know
//! nothing of states, chunks or blocks.
//!
//! What is covered, over `. CR LF a`:
//!
//! - `MultilineDecoder`, both line endings, every string of up to 9 octets (349,525 of them; those that hold a terminator
//!   have every continuation behind it): all four methods whole, octet by octet and at every 2-split. Up to 7 octets:
//!   `decode_into` in rooms of 1 to 4 octets, and of exactly the octets of the body. Up to 6 octets: every 3-split, with
//!   each of the 64 ways to choose a method for each part.
//! - The same decoder where it walks by blocks: every string of up to 4 octets at each of the 64 places of a block, among
//!   dots and alone; up to 2 octets among dots also cut in front of, within and behind the string. One body in rooms of 1
//!   to 399 octets, and bodies whose dots are 250 to 400 octets apart.
//! - `MultilineEncoder` and `WireOctets`: every message of up to 9 octets whole; up to 7 octets at every 2-split and in
//!   rooms of 1 to 4 octets. Up to 6 octets: every 3-split, with each of the 27 ways to choose `encode`, `step` or
//!   `encode_runs` for each part, and in rooms that differ.
//! - The same encoder where it walks by blocks: every string of up to 4 octets at each of the 64 places of a block, among
//!   repairs and alone, whole; among repairs also cut behind the string; `WireOctets` there too.
//! - Both where runs are long: every string of up to 6, in which `a` stands for a run as long as a way of walking begins
//!   or ends at; `encode` with every string of up to 5, in every room.
//! - The encoder's output under every lenient reading of lines: every message of up to 9 octets ends where it ends, and
//!   nowhere before.
//! - Encoder into decoder with the next reply behind: every message of up to 6 octets, at every 2-split.
//! - `TopLines`: every message of up to 8 octets, 0 to 3 lines, octet by octet; up to 7 octets at every 2-split.
//!
//! `LineDecoder` has its own proof in `codec/lines.rs`, and what a server repairs before it encodes in `server/messages.rs`.

mod bodies;
mod messages;
mod round_trips;
mod top;

use pop3_proto::codec::{
    BodyStep, Decoded, LineEnding, MultilineDecoder, MultilineEncoder, WireOctets,
};

const ENDINGS: [LineEnding; 2] = [LineEnding::Crlf, LineEnding::CrlfOrLf];

/// What became of a stream: the body, the octets consumed, and whether the body ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    body: Vec<u8>,
    consumed: usize,
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
enum Method {
    Offsets,
    Runs,
    InPlace,
    Into,
}

const METHODS: [Method; 4] = [Method::Offsets, Method::Runs, Method::InPlace, Method::Into];

/// Calls `check` with every string over `. CR LF a` of at most `longest` octets.
fn for_each_string(longest: usize, mut check: impl FnMut(&[u8])) {
    let mut octets = Vec::with_capacity(longest);
    for length in 0..=longest {
        for number in 0..1_usize << (2 * length) {
            octets.clear();
            octets.extend((0..length).map(|place| b".\r\na"[(number >> (2 * place)) & 3]));
            check(&octets);
        }
    }
}

/// RFC 1939 §3, line by line. What is undecided at the end stays unconsumed.
fn unstuffed(wire: &[u8], ending: LineEnding) -> Outcome {
    let line_end: &[u8] = if ending == LineEnding::Crlf { b"\r\n" } else { b"\n" };
    let mut outcome = Outcome::default();
    while !outcome.ended && outcome.consumed < wire.len() {
        let rest = &wire[outcome.consumed..];
        let end = rest.windows(line_end.len()).position(|octets| octets == line_end);
        let line = &rest[..end.map_or(rest.len(), |at| at + line_end.len())];
        outcome.consumed += line.len();
        match line {
            b".\r\n" => outcome.ended = true,
            b".\n" if ending == LineEnding::CrlfOrLf => outcome.ended = true,
            b".\r" => return Outcome { consumed: outcome.consumed - 1, ..outcome },
            _ => outcome.body.extend_from_slice(line.strip_prefix(b".").unwrap_or(line)),
        }
    }
    outcome
}

/// Shows the decoder the stream as it arrives, `cuts` being the ends of the reads.
fn decoded(wire: &[u8], cuts: &[usize], ending: LineEnding, method: Method) -> Outcome {
    decoded_by_turns(wire, cuts, ending, [method; 3])
}

/// The same, by one method after the other, and over again.
fn decoded_by_turns(
    wire: &[u8],
    cuts: &[usize],
    ending: LineEnding,
    methods: [Method; 3],
) -> Outcome {
    let mut decoder = MultilineDecoder::new(ending);
    let mut outcome = Outcome::default();
    for (&cut, method) in cuts.iter().zip(methods.into_iter().cycle()) {
        loop {
            let shown = &wire[outcome.consumed..cut];
            let (data, read, more) = one_step(&mut decoder, shown, method);
            assert!(!more || read > 0, "no progress on {:?}", shown.escape_ascii().to_string());
            outcome.body.extend_from_slice(&data);
            outcome.consumed += read;
            if !more {
                break;
            }
        }
        assert!(
            cut - outcome.consumed <= 1 || decoder.ended(),
            "more than the undecided octet is held back"
        );
    }
    outcome.ended = decoder.ended();
    let held = &wire[outcome.consumed..];
    if outcome.ended {
        assert_eq!(decoder.decode(held), BodyStep::End { len: 0, skip: 0 }, "the end is sticky");
    }
    outcome
}

/// Asserts that `wire`, read so, comes to `expected`.
#[track_caller]
fn decodes_to(expected: &Outcome, wire: &[u8], cuts: &[usize], ending: LineEnding, method: Method) {
    assert_eq!(
        decoded(wire, cuts, ending, method),
        *expected,
        "{method:?} of \"{}\" cut at {cuts:?}, {ending:?}",
        wire.escape_ascii()
    );
}

/// The octets decoded, the octets read, and whether to call again at once.
fn one_step(
    decoder: &mut MultilineDecoder,
    shown: &[u8],
    method: Method,
) -> (Vec<u8>, usize, bool) {
    let mut out = [0; 512];
    let step = match method {
        Method::Offsets => {
            return match decoder.decode(shown) {
                BodyStep::Data { len, skip } => (shown[..len].to_vec(), len + skip, true),
                BodyStep::End { len, skip } => (shown[..len].to_vec(), len + skip, false),
                BodyStep::NeedMore => (Vec::new(), 0, false),
            };
        }
        Method::Runs => {
            let mut body = Vec::new();
            let step = decoder.decode_runs(shown, |run| {
                assert!(!run.is_empty(), "a run of nothing");
                body.extend_from_slice(run);
            });
            assert_eq!((step.written, step.end), (body.len(), decoder.ended()));
            return (body, step.read, false);
        }
        Method::InPlace => {
            out[..shown.len()].copy_from_slice(shown);
            let step = decoder.decode_in_place(&mut out[..shown.len()]);
            assert_eq!(
                out[step.read..shown.len()],
                shown[step.read..],
                "what is not read is unchanged"
            );
            step
        }
        Method::Into => decoder.decode_into(shown, &mut out),
    };
    let Decoded { written, read, end } = step;
    assert_eq!(end, decoder.ended());
    (out[..written].to_vec(), read, false)
}

fn octet_by_octet(length: usize) -> Vec<usize> {
    (1..=length).collect()
}

/// Calls `check` with the ends of the parts of every 3-split.
fn for_each_split(length: usize, mut check: impl FnMut([usize; 3])) {
    for first in 0..=length {
        for second in first..=length {
            check([first, second, length]);
        }
    }
}

/// `string` with every `a` made a run of `length`.
fn with_runs(string: &[u8], length: usize) -> Vec<u8> {
    let run = |octet: &u8| std::iter::repeat_n(*octet, if *octet == b'a' { length } else { 1 });
    string.iter().flat_map(run).collect()
}

/// Every line end CRLF, and the last line completed.
pub(crate) fn normalised(message: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (line, line_end) = first_line(rest);
        octets.extend_from_slice(&rest[..line]);
        octets.extend_from_slice(b"\r\n");
        rest = &rest[line + line_end..];
    }
    octets
}

/// The lengths of the first line and of its line end: CRLF, LF or CR.
fn first_line(message: &[u8]) -> (usize, usize) {
    let line = message.iter().position(|octet| b"\r\n".contains(octet)).unwrap_or(message.len());
    let rest = &message[line..];
    (line, if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) })
}

fn encoded_whole(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut encoder = MultilineEncoder::new();
    assert_eq!(encoder.encode(message, &mut wire), message.len());
    assert!(encoder.finish(&mut wire));
    assert!(encoder.finish(&mut wire), "finishing twice writes nothing");
    assert_eq!(encoder.encode(b"a", &mut wire), 0, "nothing comes behind the terminator");
    wire
}

/// Octets of the terminator.
const TERMINATOR: usize = ".\r\n".len();

/// What [`WireOctets`] counts.
fn counted(chunks: &[&[u8]]) -> usize {
    let mut octets = WireOctets::new();
    for chunk in chunks {
        octets.update(chunk);
    }
    usize::try_from(octets.octets()).expect("what is in memory")
}

/// The encoding by way of [`MultilineEncoder::step`].
fn stepped(chunks: &[&[u8]]) -> Vec<u8> {
    let mut encoder = MultilineEncoder::new();
    let mut wire = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        while !rest.is_empty() {
            let stuff = encoder.step(rest);
            assert!(stuff.copy > 0 || !stuff.insert.is_empty(), "no progress");
            wire.extend_from_slice(&rest[..stuff.copy]);
            wire.extend_from_slice(stuff.insert);
            rest = &rest[stuff.copy..];
        }
    }
    assert!(encoder.finish(&mut wire));
    wire
}

/// The encoding by way of [`MultilineEncoder::encode_runs`].
fn encoded_by_runs(chunks: &[&[u8]]) -> Vec<u8> {
    let mut encoder = MultilineEncoder::new();
    let mut wire = Vec::new();
    for chunk in chunks {
        push_runs(&mut encoder, chunk, &mut wire);
    }
    assert!(encoder.finish(&mut wire));
    assert_eq!(encoder.encode_runs(b"a", |_| panic!("a run behind the terminator")), 0);
    wire
}

fn push_runs(encoder: &mut MultilineEncoder, input: &[u8], wire: &mut Vec<u8>) {
    let before = wire.len();
    let octets = encoder.encode_runs(input, |run| {
        assert!(!run.is_empty(), "a run of nothing");
        wire.extend_from_slice(run);
    });
    assert_eq!(octets, wire.len() - before);
}
