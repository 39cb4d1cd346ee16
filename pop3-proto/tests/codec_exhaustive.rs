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
//! `LineDecoder` has its own proof in `codec_lines.rs`, and what a server repairs before it encodes in `server_messages.rs`.

use bytes::BufMut;
use pop3_proto::codec::{
    BodyStep, Decoded, LineEnding, MultilineDecoder, MultilineEncoder, Stuff, TopLines, WireOctets,
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

/// I1, RFC 1939 §3, classes D1–D7, D9, D13: one result, the oracle's, however the octets come.
#[test]
fn every_short_body_decodes_alike_however_it_is_cut() {
    for_each_string(9, |wire| {
        for ending in ENDINGS {
            let expected = unstuffed(wire, ending);
            let check = |cuts: &[usize], method| {
                let outcome = decoded(wire, cuts, ending, method);
                assert_eq!(
                    outcome,
                    expected,
                    "{method:?} of \"{}\" cut at {cuts:?}, {ending:?}",
                    wire.escape_ascii()
                );
            };
            for method in METHODS {
                (0..=wire.len()).for_each(|cut| check(&[cut, wire.len()], method));
                check(&octet_by_octet(wire.len()), method);
            }
        }
    });
}

/// I1, RFC 1939 §3: the methods share their state: one result, the oracle's, whichever takes which of three parts.
#[test]
fn every_short_body_decodes_alike_by_mixed_methods() {
    for_each_string(6, |wire| {
        for ending in ENDINGS {
            let expected = unstuffed(wire, ending);
            for_each_split(wire.len(), |cuts| {
                for choice in 0..64 {
                    let methods = [choice % 4, choice / 4 % 4, choice / 16].map(|at| METHODS[at]);
                    assert_eq!(
                        decoded_by_turns(wire, &cuts, ending, methods),
                        expected,
                        "{methods:?} of \"{}\" cut at {cuts:?}, {ending:?}",
                        wire.escape_ascii()
                    );
                }
            });
        }
    });
}

/// Calls `check` with the ends of the parts of every 3-split.
fn for_each_split(length: usize, mut check: impl FnMut([usize; 3])) {
    for first in 0..=length {
        for second in first..=length {
            check([first, second, length]);
        }
    }
}

/// RFC 1939 §3, class D15: the walk by blocks gives what the oracle gives, whatever stands at whichever place of a block.
#[test]
fn every_short_string_decodes_alike_at_every_place_of_a_block() {
    for_each_string(4, |middle| {
        for shift in 0..64 {
            let mut wire = b"..\r\n..\r\n..\r\n".repeat(8);
            wire.resize(wire.len() + shift, b'a');
            wire.extend_from_slice(b"\r\n..\r\n.a\r");
            let before = wire.len();
            wire.extend_from_slice(middle);
            wire.extend_from_slice(&b"\r\n.a".repeat(40));
            for ending in ENDINGS {
                let expected = unstuffed(&wire, ending);
                for method in METHODS {
                    let outcome = decoded(&wire, &[wire.len()], ending, method);
                    assert_eq!(
                        outcome,
                        expected,
                        "{method:?} of \"{}\", {ending:?}",
                        wire.escape_ascii()
                    );
                    let from = if middle.len() <= 2 { before } else { wire.len() };
                    for cut in from..wire.len().min(before + middle.len() + 2) {
                        let outcome = decoded(&wire, &[cut, wire.len()], ending, method);
                        assert_eq!(
                            outcome,
                            expected,
                            "{method:?} of \"{}\" cut at {cut}, {ending:?}",
                            wire.escape_ascii()
                        );
                    }
                }
            }
        }
    });
}

/// RFC 1939 §3, class D15: the same where nothing but the string repeats: the walk begins right behind the first dot, and the
/// block in which the string stands, or begins, is the last.
#[test]
fn every_short_string_decodes_alike_where_the_walk_by_blocks_begins_and_ends() {
    // One block behind the only dot; one that has two more, and another behind it.
    let surroundings = [(&b"a\r\n."[..], 62), (b"a\r\n..\r\n..\r\n.", 126)];
    for_each_string(4, |middle| {
        for (head, tail) in surroundings {
            for shift in 0..64 {
                let wire = [head, &[b'a'; 64][..shift], middle, &[b'a'; 126][..tail]].concat();
                for ending in ENDINGS {
                    let expected = unstuffed(&wire, ending);
                    for method in METHODS {
                        let outcome = decoded(&wire, &[wire.len()], ending, method);
                        assert_eq!(
                            outcome,
                            expected,
                            "{method:?} of \"{}\", {ending:?}",
                            wire.escape_ascii()
                        );
                    }
                }
            }
        }
    });
}

/// RFC 1939 §3: where dots come too far apart for a walk by blocks, what goes on begins behind the octets that were walked.
#[test]
fn dots_far_apart_are_all_taken_out() {
    for distance in 250..=400 {
        let line = [&b".."[..], &b"a".repeat(distance), b"\r\n"].concat();
        let wire = line.repeat(24 * 1024 / distance);
        for ending in ENDINGS {
            let expected = unstuffed(&wire, ending);
            for method in [Method::Offsets, Method::Runs] {
                let outcome = decoded(&wire, &[wire.len()], ending, method);
                assert!(outcome == expected, "{method:?} of dots {distance} octets apart");
            }
        }
    }
}

/// `string` with every `a` made a run of `length`.
fn with_runs(string: &[u8], length: usize) -> Vec<u8> {
    let run = |octet: &u8| std::iter::repeat_n(*octet, if *octet == b'a' { length } else { 1 });
    string.iter().flat_map(run).collect()
}

/// Octets at which a way of walking begins or ends.
const RUNS: [usize; 6] = [23, 24, 25, 31, 32, 64];

/// I1, I7, RFC 1939 §3: long runs are walked in other ways than short ones, to the same octets.
#[test]
fn every_short_string_of_long_runs_survives() {
    for_each_string(6, |string| {
        for length in RUNS {
            let message = with_runs(string, length);
            let wire = encoded_whole(&message);
            let normal = normalised(&message);
            let expected = Outcome { body: normal.clone(), consumed: wire.len(), ended: true };
            assert_eq!(unstuffed(&wire, LineEnding::Crlf), expected);
            assert_eq!(stepped(&[&message]), wire, "\"{}\"", message.escape_ascii());
            assert_eq!(encoded_by_runs(&[&message]), wire, "\"{}\"", message.escape_ascii());
            let mut octets = WireOctets::new();
            octets.update(&message);
            assert_eq!(usize::try_from(octets.octets()), Ok(normal.len()));
            for ending in ENDINGS {
                let expected = unstuffed(&message, ending);
                for method in METHODS {
                    let outcome = decoded(&message, &[message.len()], ending, method);
                    assert_eq!(outcome, expected, "{method:?} of \"{}\"", message.escape_ascii());
                }
            }
        }
    });
}

/// The body, copied into rooms of `room` octets.
fn decoded_in_rooms(wire: &[u8], room: usize, ending: LineEnding) -> Outcome {
    let mut decoder = MultilineDecoder::new(ending);
    let mut outcome = Outcome::default();
    loop {
        let mut out = vec![0; room];
        let step = decoder.decode_into(&wire[outcome.consumed..], &mut out);
        outcome.body.extend_from_slice(&out[..step.written]);
        outcome.consumed += step.read;
        outcome.ended = step.end;
        if step.end || step.written < room {
            return outcome;
        }
    }
}

/// RFC 1939 §3: `decode_into` stops at any room, and finds an end that needs none.
#[test]
fn every_short_body_decodes_into_every_room() {
    for_each_string(7, |wire| {
        for ending in ENDINGS {
            let expected = unstuffed(wire, ending);
            for room in 1..=4 {
                let outcome = decoded_in_rooms(wire, room, ending);
                assert_eq!(outcome, expected, "\"{}\" in rooms of {room}", wire.escape_ascii());
            }
            let mut exact = vec![0; expected.body.len()];
            let step = MultilineDecoder::new(ending).decode_into(wire, &mut exact);
            assert_eq!(
                (step.read, step.end),
                (expected.consumed, expected.ended),
                "\"{}\"",
                wire.escape_ascii()
            );
        }
    });
}

/// RFC 1939 §3: where a block finds no room, what has room is decoded, to the same octets.
#[test]
fn blocks_decode_alike_into_rooms_of_every_size() {
    let mut wire = b"..\r\n.a\n.a\r\naa\r\n".repeat(40);
    wire.extend_from_slice(b".\r\n+OK");
    for ending in ENDINGS {
        let expected = unstuffed(&wire, ending);
        assert!(expected.ended);
        for room in 1..400 {
            assert!(decoded_in_rooms(&wire, room, ending) == expected, "rooms of {room} octets");
        }
    }
}

/// Every line end CRLF, and the last line completed.
fn normalised(message: &[u8]) -> Vec<u8> {
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

/// The encoding, written into rooms of `room` octets.
fn encoded_in_rooms(chunks: &[&[u8]], room: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut encoder = MultilineEncoder::new();
    for chunk in chunks {
        let mut rest = *chunk;
        while !rest.is_empty() {
            assert_eq!(
                encoder.encode(rest, &mut [0_u8; 0].as_mut_slice()),
                0,
                "nothing fits into no room"
            );
            let mut free = (&mut wire).limit(room);
            let taken = encoder.encode(rest, &mut free);
            assert!(taken > 0 || free.remaining_mut() < room, "no progress");
            rest = &rest[taken..];
        }
    }
    assert!(!encoder.finish(&mut [0_u8; 0].as_mut_slice()), "nothing fits into no room");
    for _ in 0..8 {
        if encoder.finish(&mut (&mut wire).limit(room)) {
            return wire;
        }
    }
    panic!("no progress");
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

/// A way to read lines that RFC 1939 §3 does not know: which octets end one, and which are dropped wherever they stand.
#[derive(Clone, Copy, Debug)]
struct Reading {
    ends: &'static [u8],
    dropped: &'static [u8],
}

/// LF with any number of CRs before it, CR whatever is behind it, and either.
const READINGS: [Reading; 3] = [
    Reading { ends: b"\n", dropped: b"\r" },
    Reading { ends: b"\r", dropped: b"\n" },
    Reading { ends: b"\r\n", dropped: b"" },
];

/// What this reading makes of a body: its lines, stuffing undone, but for empty ones; and where the dot stands that ends it.
fn read(wire: &[u8], reading: Reading) -> (Vec<Vec<u8>>, usize) {
    let (mut lines, mut line, mut start) = (Vec::new(), Vec::new(), 0);
    for (at, octet) in wire.iter().enumerate() {
        if reading.ends.contains(octet) {
            match line.as_slice() {
                b"." => return (lines, start),
                b"" => {}
                text => lines.push(text.strip_prefix(b".").unwrap_or(text).to_vec()),
            }
            line.clear();
        } else if !reading.dropped.contains(octet) {
            if line.is_empty() {
                start = at;
            }
            line.push(*octet);
        }
    }
    panic!("no end in \"{}\"", wire.escape_ascii());
}

fn lines_of(normal: &[u8]) -> Vec<Vec<u8>> {
    let lines = normal.split(|octet| b"\r\n".contains(octet));
    lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// I7, RFC 1939 §3, classes D8, D10, D12, D21: what was stuffed un-stuffs to the normalised message; no reader, however
/// lenient about line ends, sees an end before the end; the octets counted are the octets received.
#[test]
fn every_short_message_survives_and_ends_once() {
    for_each_string(9, |message| {
        let wire = encoded_whole(message);
        let normal = normalised(message);
        let expected = Outcome { body: normal.clone(), consumed: wire.len(), ended: true };
        for ending in ENDINGS {
            assert_eq!(unstuffed(&wire, ending), expected, "\"{}\"", message.escape_ascii());
        }
        assert_eq!(decoded(&wire, &[wire.len()], LineEnding::Crlf, Method::Offsets), expected);

        for reading in READINGS {
            assert_eq!(
                read(&wire, reading),
                (lines_of(&normal), wire.len() - TERMINATOR),
                "\"{}\" by {reading:?}",
                message.escape_ascii()
            );
        }

        let mut octets = WireOctets::new();
        octets.update(message);
        assert_eq!(
            usize::try_from(octets.octets()),
            Ok(normal.len()),
            "\"{}\"",
            message.escape_ascii()
        );
        let mut octets = WireOctets::new();
        message.chunks(1).for_each(|octet| octets.update(octet));
        assert_eq!(usize::try_from(octets.octets()), Ok(normal.len()));
    });
}

/// I1, I7, RFC 1939 §3: the end of a body is where its encoder put it, whatever comes behind; the next reply is left as it is.
#[test]
fn what_is_pipelined_behind_a_body_is_left() {
    let behind = [&b"."[..], b".\r\n", b"\r\n", b"\n.\r\n", b"+OK\r\n.a\r\n.\r\n"];
    for_each_string(6, |message| {
        let body = encoded_whole(message);
        let expected = Outcome { body: normalised(message), consumed: body.len(), ended: true };
        for next in behind {
            let wire = [&body, next].concat();
            for ending in ENDINGS {
                for method in METHODS {
                    for cut in 1..=wire.len() {
                        let outcome = decoded(&wire, &[cut, wire.len()], ending, method);
                        assert_eq!(
                            outcome,
                            expected,
                            "{method:?} of \"{}\" cut at {cut}, {ending:?}",
                            wire.escape_ascii()
                        );
                    }
                }
            }
        }
    });
}

/// I1 for the writers: neither the cuts of the message nor the room of the output change a single octet.
#[test]
fn every_short_message_encodes_alike_however_it_is_cut() {
    for_each_string(7, |message| {
        let wire = encoded_whole(message);
        for cut in 0..=message.len() {
            let (first, second) = message.split_at(cut);
            for room in 1..=4 {
                let cut_wire = encoded_in_rooms(&[first, second], room);
                assert_eq!(
                    cut_wire,
                    wire,
                    "\"{}\" cut at {cut}, rooms of {room}",
                    message.escape_ascii()
                );
            }
            assert_eq!(
                stepped(&[first, second]),
                wire,
                "\"{}\" cut at {cut}, by offsets",
                message.escape_ascii()
            );
            assert_eq!(
                encoded_by_runs(&[first, second]),
                wire,
                "\"{}\" cut at {cut}, by runs",
                message.escape_ascii()
            );
            let mut octets = WireOctets::new();
            octets.update(first);
            octets.update(second);
            assert_eq!(usize::try_from(octets.octets()), Ok(normalised(message).len()));
        }
    });
}

/// I1 for the writers: the methods share their state: the same octets, whichever takes which of three parts.
#[test]
fn every_short_message_encodes_alike_by_mixed_methods() {
    for_each_string(6, |message| {
        let wire = encoded_whole(message);
        for_each_split(message.len(), |[first, second, _]| {
            let chunks = [&message[..first], &message[first..second], &message[second..]];
            for choice in 0..27 {
                let methods = [choice % 3, choice / 3 % 3, choice / 9];
                assert_eq!(
                    encoded_by_turns(chunks, methods),
                    wire,
                    "{methods:?} of \"{}\" cut at {first}, {second}",
                    message.escape_ascii()
                );
            }
            let mut octets = WireOctets::new();
            for chunk in chunks {
                octets.update(chunk);
            }
            assert_eq!(usize::try_from(octets.octets()), Ok(normalised(message).len()));
        });
    });
}

/// Each chunk by its method: [`MultilineEncoder::encode`] into rooms of 2, 1 and 3 octets, `step`, or `encode_runs`.
fn encoded_by_turns(chunks: [&[u8]; 3], methods: [u8; 3]) -> Vec<u8> {
    let mut encoder = MultilineEncoder::new();
    let mut wire = Vec::new();
    for (turn, mut rest) in chunks.into_iter().enumerate() {
        while !rest.is_empty() {
            let taken = match methods[turn] {
                0 => encoder.encode(rest, &mut (&mut wire).limit([2, 1, 3][turn])),
                1 => {
                    let Stuff { copy, insert } = encoder.step(rest);
                    wire.extend_from_slice(&rest[..copy]);
                    wire.extend_from_slice(insert);
                    copy
                }
                _ => {
                    push_runs(&mut encoder, rest, &mut wire);
                    rest.len()
                }
            };
            rest = &rest[taken..];
        }
    }
    assert!(encoder.finish(&mut wire));
    wire
}

/// I1 for the writers, class D15: the walk by blocks writes what the offsets say, whatever stands at whichever place of it.
#[test]
fn every_short_string_encodes_alike_at_every_place_of_a_block() {
    for_each_string(4, |middle| {
        for shift in 0..64 {
            encodes_alike_between(b".\n.\r.\r\n", &[b'\n'].repeat(shift), middle, b".\n");
            encodes_alike_between(b".\r\n..\r\n", &[b'a'].repeat(shift), middle, b".\r\n");
        }
    });
}

fn encodes_alike_between(before: &[u8], shift: &[u8], middle: &[u8], behind: &[u8]) {
    let first = [&before.repeat(8), shift, middle].concat();
    let second = behind.repeat(40);
    let message = [&first[..], &second].concat();
    let expected = stepped(&[&message]);
    assert_eq!(encoded_whole(&message), expected, "\"{}\"", message.escape_ascii());
    assert_eq!(encoded_by_runs(&[&message]), expected, "\"{}\"", message.escape_ascii());
    let cut = first.len();
    assert!(
        encoded_in_rooms(&[&first, &second], 4096) == expected,
        "\"{}\" cut at {cut}",
        message.escape_ascii()
    );
    assert!(
        encoded_by_runs(&[&first, &second]) == expected,
        "\"{}\" cut at {cut}",
        message.escape_ascii()
    );
    let mut octets = WireOctets::new();
    octets.update(&message);
    assert_eq!(usize::try_from(octets.octets()), Ok(normalised(&message).len()));
}

/// RFC 1939 §3, class D15: the same where nothing but the string repeats: it stands in the one block that is walked, or at its
/// end, or behind blocks without repairs.
#[test]
fn every_short_string_encodes_alike_where_the_walk_by_blocks_ends() {
    for_each_string(4, |middle| {
        for head in [&b"\n\n"[..], &[b'a'; 256]] {
            for shift in 0..64 {
                let message = [head, &[b'a'; 64][..shift], middle, &[b'a'; 61]].concat();
                let expected = stuffed(&message);
                let text = message.escape_ascii();
                assert_eq!(encoded_whole(&message), expected, "\"{text}\"");
                assert_eq!(encoded_by_runs(&[&message]), expected, "\"{text}\" by runs");
            }
        }
    });
}

/// I1 for the writers: lines long enough to be written as a whole are written in parts where they find no room, or have
/// another end than an LF.
#[test]
fn every_short_string_of_long_runs_encodes_into_every_room() {
    for_each_string(5, |string| {
        let message = with_runs(string, 24);
        let expected = stuffed(&message);
        for room in 1..=message.len() + TERMINATOR {
            let wire = encoded_in_rooms(&[&message], room);
            assert_eq!(wire, expected, "\"{}\" in rooms of {room}", message.escape_ascii());
        }
    });
}

/// I1 for the writers: a block that finds no room in the output is written by runs, to the same octets.
#[test]
fn blocks_encode_alike_in_rooms_of_every_size() {
    let message = b".\n.\r.\r\na\n".repeat(60);
    let expected = encoded_whole(&message);
    for room in 1..400 {
        let mut encoder = MultilineEncoder::new();
        let (mut taken, mut wire) = (0, Vec::new());
        loop {
            let mut out = (&mut wire).limit(room);
            taken += encoder.encode(&message[taken..], &mut out);
            if taken == message.len() && encoder.finish(&mut out) {
                break;
            }
        }
        assert!(wire == expected, "rooms of {room} octets");
    }
}

/// The encoding, line by line.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let normal = normalised(message);
    let mut wire = Vec::new();
    for line in normal.split_inclusive(|octet| *octet == b'\n') {
        wire.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
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

/// RFC 1939 §7, line by line: how many octets belong to the answer.
fn top(message: &[u8], lines: u64) -> usize {
    let mut taken = 0;
    let mut left = None;
    while taken < message.len() && left != Some(0) {
        let (line, line_end) = first_line(&message[taken..]);
        taken += line + line_end;
        left = match left {
            None => (line == 0).then_some(lines),
            Some(left) => Some(left - 1),
        };
    }
    taken
}

/// RFC 1939 §7: headers, blank line and n lines, however the message is cut, and the same before and after its line ends
/// became CRLF.
#[test]
fn every_short_message_is_cut_alike_for_top() {
    for_each_string(8, |message| {
        for lines in 0..=3 {
            let expected = top(message, lines);
            let check = |cuts: &[usize]| {
                let mut top = TopLines::new(lines);
                let (mut taken, mut start) = (0, 0);
                for &cut in cuts {
                    let accepted = top.take(&message[start..cut]);
                    taken += accepted;
                    assert!(accepted == cut - start || top.done());
                    start = cut;
                }
                assert_eq!(
                    taken,
                    expected,
                    "\"{}\" cut at {cuts:?}, TOP {lines}",
                    message.escape_ascii()
                );
                assert!(
                    !top.done() || top.take(b"\n\r\na") == 0,
                    "nothing is taken when it is done"
                );
            };
            check(&[message.len()]);
            check(&octet_by_octet(message.len()));
            if message.len() <= 7 {
                (0..message.len()).for_each(|cut| check(&[cut, message.len()]));
            }
            let normal = normalised(message);
            assert_eq!(normalised(&message[..expected]), normal[..top(&normal, lines)]);
        }
    });
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
