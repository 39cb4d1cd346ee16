//! Bodies, in and out, against oracles that know nothing of states, chunks or blocks.

use alloc::vec::Vec;

use bytes::BufMut as _;

use super::Sizes;
use crate::codec::{
    BodyStep, Decoded, LineEnding, MultilineDecoder, MultilineEncoder, Stuff, TopLines, WireOctets,
};

#[derive(Clone, Copy, Debug)]
enum Method {
    Offsets,
    Runs,
    InPlace,
    Into(usize),
}

/// I1: every method, alone and mixed, in whatever reads, gives the body, the end and the consumed octets of the oracle.
///
/// Input: line ending, room, two sizes of reads, then what the server sends.
pub fn multiline(data: &[u8]) {
    let Some((&[ending, room, small, large], wire)) = data.split_first_chunk() else { return };
    let ending = if ending % 2 == 1 { LineEnding::CrlfOrLf } else { LineEnding::Crlf };
    let expected = unstuffed(wire, ending);
    let into = Method::Into(1 + usize::from(room));
    for methods in [
        &[Method::Offsets][..],
        &[Method::Runs],
        &[Method::InPlace],
        &[into],
        &[Method::InPlace, into, Method::Runs, Method::Offsets],
        &[Method::Offsets, Method::Into(0), Method::InPlace, Method::Into(1)],
    ] {
        for sizes in [Sizes::always(usize::MAX), Sizes::new(small, large), Sizes::octets()] {
            let found = decoded(wire, sizes, methods, ending);
            assert_eq!(found, expected, "{methods:?}");
        }
    }
}

/// I7, classes D8, D10 and D21: what is encoded, in whatever writes and rooms, comes back as the message with its line ends
/// made CRLF; it has one end under every reading; its length is the announced one. And TOP cuts where the oracle does.
///
/// Input: room, two sizes of writes, lines of TOP, then the message.
pub fn stuffing(data: &[u8]) {
    let Some((&[room, small, large, lines], message)) = data.split_first_chunk() else { return };
    let normalised = normalised(message);

    let mut wire = Vec::new();
    let mut encoder = MultilineEncoder::new();
    assert_eq!(encoder.encode(message, &mut wire), message.len());
    assert!(encoder.finish(&mut wire));
    let length = wire.len();
    assert!(encoder.finish(&mut wire) && encoder.encode(b"more", &mut wire) == 0);
    assert_eq!(wire.len(), length, "after the terminator nothing is written");

    for sizes in [Sizes::new(small, large), Sizes::octets()] {
        for room in [1 + usize::from(room), 1] {
            assert_eq!(encoded_in_rooms(message, sizes.clone(), room), wire, "rooms of {room}");
        }
        assert_eq!(encoded_in_steps(message, sizes.clone()), wire, "steps");
        assert_eq!(encoded_in_runs(message, sizes.clone()), wire, "runs");

        let mut counted = WireOctets::new();
        let mut rest = message;
        while !rest.is_empty() {
            let (piece, later) = sizes.clone().cut(rest);
            counted.update(piece);
            rest = later;
        }
        assert_eq!(counted.octets(), crate::codec::octets(normalised.len()));
        check_top(message, u64::from(lines % 8), sizes);
    }

    let ends = wire.split(|octet| b"\r\n".contains(octet)).filter(|line| *line == b".").count();
    assert_eq!(ends, 1, "one end, whatever is taken for the end of a line");
    assert!(wire.ends_with(b".\r\n"));
    for ending in [LineEnding::Crlf, LineEnding::CrlfOrLf] {
        let found = decoded(&wire, Sizes::new(large, small), &[Method::Offsets], ending);
        assert_eq!(found, Outcome { body: normalised.clone(), consumed: length, ended: true });
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) body: Vec<u8>,
    pub(super) consumed: usize,
    pub(super) ended: bool,
}

/// RFC 1939 §3, line by line. A leading dot is consumed at once, the CR behind it not before it is decided.
pub(super) fn unstuffed(wire: &[u8], ending: LineEnding) -> Outcome {
    let (mut body, mut line) = (Vec::new(), Vec::new());
    for (at, &octet) in wire.iter().enumerate() {
        line.push(octet);
        if octet == b'\n' && (ending == LineEnding::CrlfOrLf || line.ends_with(b"\r\n")) {
            if line == b".\r\n" || line == b".\n" {
                return Outcome { body, consumed: at + 1, ended: true };
            }
            body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            line.clear();
        }
    }
    if line == b".\r" {
        return Outcome { body, consumed: wire.len() - 1, ended: false };
    }
    body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    Outcome { body, consumed: wire.len(), ended: false }
}

fn decoded(wire: &[u8], mut sizes: Sizes, methods: &[Method], ending: LineEnding) -> Outcome {
    let mut decoder = MultilineDecoder::new(ending);
    let mut found = Outcome::default();
    let mut room = Vec::new();
    let (mut shown, mut turn) = (0, 0);
    while shown < wire.len() && !found.ended {
        shown += sizes.cut(&wire[shown..]).0.len();
        let mut idle = 0;
        // Every method must have had its turn: one without room cannot go on.
        while idle < methods.len() && !found.ended {
            let input = &wire[found.consumed..shown];
            let method = methods[turn % methods.len()];
            let read = decode(&mut decoder, input, method, &mut room, &mut found.body);
            turn += 1;
            found.consumed += read;
            found.ended = decoder.ended();
            idle = if read == 0 { idle + 1 } else { 0 };
        }
        assert!(found.ended || shown - found.consumed <= 1, "more than one octet is undecided");
    }
    if found.ended {
        let rest = &wire[found.consumed..];
        let length = found.body.len();
        assert_eq!(decoder.decode(rest), BodyStep::End { len: 0, skip: 0 });
        for method in [Method::Runs, Method::InPlace, Method::Into(9)] {
            assert_eq!(decode(&mut decoder, rest, method, &mut room, &mut found.body), 0);
        }
        assert_eq!(found.body.len(), length, "behind the end nothing is body");
    }
    found
}

/// Adds to `body` what comes next of it; how much of the input was read.
fn decode(
    decoder: &mut MultilineDecoder,
    input: &[u8],
    method: Method,
    room: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> usize {
    let Decoded { written, read, .. } = match method {
        Method::Offsets => {
            let (len, skip) = match decoder.decode(input) {
                BodyStep::Data { len, skip } => {
                    assert!(len + skip > 0, "no progress");
                    (len, skip)
                }
                BodyStep::End { len, skip } => (len, skip),
                BodyStep::NeedMore => (0, 0),
            };
            body.extend_from_slice(&input[..len]);
            return len + skip;
        }
        Method::Runs => {
            let before = body.len();
            let runs = decoder.decode_runs(input, |run| body.extend_from_slice(run));
            assert_eq!(runs.written, body.len() - before);
            return runs.read;
        }
        Method::InPlace => {
            room.clear();
            room.extend_from_slice(input);
            let in_place = decoder.decode_in_place(room);
            assert!(in_place.written <= in_place.read);
            assert_eq!(
                room[in_place.read..],
                input[in_place.read..],
                "what is not read is unchanged"
            );
            in_place
        }
        Method::Into(len) => {
            room.resize(len, 0);
            decoder.decode_into(input, room)
        }
    };
    body.extend_from_slice(&room[..written]);
    read
}

/// Every line end CRLF, and the last line completed.
pub(super) fn normalised(message: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (at, &octet) in message.iter().enumerate() {
        match octet {
            b'\n' if at > 0 && message[at - 1] == b'\r' => {}
            b'\r' | b'\n' => octets.extend_from_slice(b"\r\n"),
            _ => octets.push(octet),
        }
    }
    if !octets.is_empty() && !octets.ends_with(b"\r\n") {
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

fn encoded_in_rooms(message: &[u8], mut sizes: Sizes, room: usize) -> Vec<u8> {
    let mut encoder = MultilineEncoder::new();
    let (mut wire, mut rest) = (Vec::new(), message);
    while !rest.is_empty() {
        let (mut piece, later) = sizes.cut(rest);
        rest = later;
        while !piece.is_empty() {
            let before = wire.len();
            let taken = encoder.encode(piece, &mut (&mut wire).limit(room));
            assert!(taken > 0 || wire.len() > before, "no progress");
            assert!(wire.len() - before <= room, "more than there is room for");
            piece = &piece[taken..];
        }
    }
    while !encoder.finish(&mut (&mut wire).limit(room)) {}
    wire
}

fn encoded_in_steps(message: &[u8], mut sizes: Sizes) -> Vec<u8> {
    let mut encoder = MultilineEncoder::new();
    let (mut wire, mut rest) = (Vec::new(), message);
    while !rest.is_empty() {
        let (mut piece, later) = sizes.cut(rest);
        rest = later;
        while !piece.is_empty() {
            let Stuff { copy, insert } = encoder.step(piece);
            assert!(copy + insert.len() > 0, "no progress");
            wire.extend_from_slice(&piece[..copy]);
            wire.extend_from_slice(insert);
            piece = &piece[copy..];
        }
    }
    assert!(encoder.finish(&mut wire));
    wire
}

fn encoded_in_runs(message: &[u8], mut sizes: Sizes) -> Vec<u8> {
    let mut encoder = MultilineEncoder::new();
    let (mut wire, mut rest) = (Vec::new(), message);
    while !rest.is_empty() {
        let (piece, later) = sizes.cut(rest);
        rest = later;
        let before = wire.len();
        let octets = encoder.encode_runs(piece, |run| wire.extend_from_slice(run));
        assert_eq!(octets, wire.len() - before);
    }
    assert!(encoder.finish(&mut wire));
    wire
}

fn check_top(message: &[u8], lines: u64, mut sizes: Sizes) {
    let mut top = TopLines::new(lines);
    let (mut taken, mut rest) = (0, message);
    while !rest.is_empty() {
        let (piece, later) = sizes.cut(rest);
        rest = later;
        let took = top.take(piece);
        taken += took;
        if took < piece.len() {
            assert!(top.done() && top.take(later) == 0);
            break;
        }
    }
    assert_eq!(taken, top_of(message, lines));
}

/// RFC 1939 §7: headers, the blank line, and so many lines; CRLF, CR and LF each end one.
pub(super) fn top_of(message: &[u8], lines: u64) -> usize {
    let (mut at, mut wanted) = (0, None);
    while at < message.len() && wanted != Some(0) {
        let rest = &message[at..];
        let Some(length) = rest.iter().position(|octet| b"\r\n".contains(octet)) else {
            return message.len();
        };
        wanted = match wanted {
            None if length == 0 => Some(lines),
            wanted => wanted.map(|lines| lines - 1),
        };
        at += length + if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    at
}
