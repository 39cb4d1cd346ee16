//! Properties of the codec on long input, where the searches go by blocks and by `memchr`.

use bytes::BufMut;
use pop3_proto::codec::{
    BodyStep, Decoded, LineDecoder, LineEnding, LineStep, MultilineDecoder, MultilineEncoder,
    WireOctets,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::exhaustive::normalised;

fn ending() -> impl Strategy<Value = LineEnding> {
    prop_oneof![Just(LineEnding::Crlf), Just(LineEnding::CrlfOrLf)]
}

/// Octets in which every kind of neighbourhood comes up, with stretches around the sizes that the searches work in.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => vec(prop::sample::select(&b".\r\na"[..]), 1..12),
        3 => (1..40_usize, prop::sample::select(&["..\r\n", ".a\r\n", "\r\n.", "\n.", "\r.", "\n", "\r", ".", "a.\r\n"][..]))
            .prop_map(|(times, text)| text.as_bytes().repeat(times)),
        2 => (0..6_usize, 62..67_usize).prop_map(|(blocks, more)| vec![b'x'; 64 * blocks + more]),
        1 => vec(any::<u8>(), 0..100),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Sizes of reads, taken in turn.
fn reads() -> impl Strategy<Value = Vec<usize>> {
    vec(
        prop_oneof![2 => 1..4_usize, 2 => 4..80_usize, 1 => 62..67_usize, 1 => 80..2000_usize],
        1..8,
    )
}

/// A state machine over single octets, which shares nothing with the decoder.
fn unstuffed(wire: &[u8], ending: LineEnding) -> (Vec<u8>, bool) {
    let (mut body, mut line) = (Vec::new(), Vec::new());
    for &octet in wire {
        line.push(octet);
        if octet == b'\n' && (ending == LineEnding::CrlfOrLf || line.ends_with(b"\r\n")) {
            if line == b".\r\n" || line == b".\n" {
                return (body, true);
            }
            body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            line.clear();
        }
    }
    if line != b".\r" {
        body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
    (body, false)
}

/// Decodes read by read, each time with the method whose turn it is.
fn decoded(
    wire: &[u8],
    reads: &[usize],
    methods: &[u8],
    ending: LineEnding,
) -> (Vec<u8>, bool, usize) {
    let mut decoder = MultilineDecoder::new(ending);
    let (mut body, mut consumed, mut shown) = (Vec::new(), 0, 0);
    let (mut reads, mut methods) = (reads.iter().cycle(), methods.iter().cycle());
    while shown < wire.len() && !decoder.ended() {
        shown = wire.len().min(shown + reads.next().unwrap());
        loop {
            let input = &wire[consumed..shown];
            let (data, read) = match methods.next().unwrap() {
                0 => match decoder.decode(input) {
                    BodyStep::Data { len, skip } => {
                        assert!(len + skip > 0, "no progress");
                        (input[..len].to_vec(), len + skip)
                    }
                    BodyStep::End { len, skip } => (input[..len].to_vec(), len + skip),
                    BodyStep::NeedMore => (Vec::new(), 0),
                },
                1 => {
                    let mut buffer = input.to_vec();
                    let Decoded { written, read, .. } = decoder.decode_in_place(&mut buffer);
                    assert_eq!(buffer[read..], input[read..], "what is not read is unchanged");
                    buffer.truncate(written);
                    (buffer, read)
                }
                2 => {
                    let mut body = Vec::new();
                    let Decoded { written, read, .. } =
                        decoder.decode_runs(input, |run| body.extend_from_slice(run));
                    assert_eq!(written, body.len());
                    (body, read)
                }
                room => {
                    let mut out = vec![0; usize::from(*room)];
                    let Decoded { written, read, .. } = decoder.decode_into(input, &mut out);
                    out.truncate(written);
                    (out, read)
                }
            };
            body.extend_from_slice(&data);
            consumed += read;
            if read == 0 || decoder.ended() {
                break;
            }
        }
        assert!(
            decoder.ended() || shown - consumed <= 1,
            "more than the undecided octet is held back"
        );
    }
    (body, decoder.ended(), consumed)
}

/// Encodes write by write, by [`MultilineEncoder::encode_runs`].
fn encoded_by_runs(message: &[u8], writes: &[usize]) -> String {
    let mut encoder = MultilineEncoder::new();
    let (mut wire, mut rest) = (Vec::new(), message);
    let mut writes = writes.iter().cycle();
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(rest.len().min(*writes.next().unwrap()));
        encoder.encode_runs(piece, |run| wire.extend_from_slice(run));
        rest = later;
    }
    assert!(encoder.finish(&mut wire));
    wire.escape_ascii().to_string()
}

/// The answers of a line decoder that is shown `reads`, with the parts of one long line put together.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Line(Vec<u8>),
    TooLong { octets: usize, end: bool },
    BareLineFeed { at: usize },
}

fn lines(stream: &[u8], reads: &[usize], limit: usize, ending: LineEnding) -> Vec<Found> {
    let mut decoder = LineDecoder::new(ending);
    let (mut found, mut consumed, mut shown) = (Vec::new(), 0, 0);
    let mut reads = reads.iter().cycle();
    while shown < stream.len() {
        shown = stream.len().min(shown + reads.next().unwrap());
        loop {
            let input = &stream[consumed..shown];
            match decoder.decode(input, limit) {
                LineStep::NeedMore => {
                    assert!(input.len() < limit, "the limit holds on incomplete lines");
                    break;
                }
                LineStep::Line { len, consumed: octets } => {
                    assert!(octets <= limit);
                    found.push(Found::Line(input[..len].to_vec()));
                    consumed += octets;
                }
                LineStep::TooLong { skip, end } => {
                    assert!(skip > 0, "no progress");
                    consumed += skip;
                    match found.last_mut() {
                        Some(Found::TooLong { octets, end: ended }) if !*ended => {
                            *octets += skip;
                            *ended = end;
                        }
                        _ => found.push(Found::TooLong { octets: skip, end }),
                    }
                }
                LineStep::BareLineFeed { at } => {
                    found.push(Found::BareLineFeed { at: consumed + at });
                    return found;
                }
            }
        }
    }
    found
}

/// RFC 1939 §4 by looking at the whole stream.
fn lines_of(stream: &[u8], limit: usize, ending: LineEnding) -> Vec<Found> {
    let (mut found, mut start) = (Vec::new(), 0);
    while start < stream.len() {
        let rest = &stream[start..];
        let feed = rest.iter().position(|&octet| octet == b'\n');
        let line = &rest[..feed.map_or(rest.len(), |at| at + 1)];
        let whole = ending == LineEnding::CrlfOrLf || line.ends_with(b"\r\n");
        if line.len() > limit || (line.len() == limit && feed.is_none()) {
            let bare = feed.is_some() && !whole;
            let octets = line.len() - usize::from(bare);
            found.push(Found::TooLong { octets, end: feed.is_some() && !bare });
            if bare {
                found.push(Found::BareLineFeed { at: start + octets });
                break;
            }
        } else if feed.is_some() && !whole {
            found.push(Found::BareLineFeed { at: start + line.len() - 1 });
            break;
        } else if feed.is_some() {
            let text = &line[..line.len() - 1];
            found.push(Found::Line(text.strip_suffix(b"\r").unwrap_or(text).to_vec()));
        }
        start += line.len();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// I1, RFC 1939 §3, class D15: any reads and any mix of the four methods give the body of the octet machine.
    #[test]
    fn bodies_do_not_depend_on_reads_or_methods(
        wire in octets(),
        reads in reads(),
        methods in vec(prop_oneof![Just(0_u8), Just(1), Just(2), 3..200_u8], 1..6),
        ending in ending(),
    ) {
        let (body, ended, consumed) = decoded(&wire, &reads, &methods, ending);
        let (expected, expected_end) = unstuffed(&wire, ending);
        prop_assert_eq!(ended, expected_end);
        prop_assert_eq!(body.escape_ascii().to_string(), expected.escape_ascii().to_string());
        let whole = decoded(&wire, &[wire.len().max(1)], &[0], ending);
        prop_assert_eq!(consumed, whole.2);
    }

    /// I7, classes D8, D10: whatever the cuts and rooms on the way out and the reads on the way in.
    #[test]
    fn messages_survive(
        message in octets(),
        writes in reads(),
        room in prop_oneof![1..200_usize, 200..3000_usize],
        reads in reads(),
        junk in vec(any::<u8>(), 0..9),
    ) {
        let mut encoder = MultilineEncoder::new();
        let (mut wire, mut taken, mut shown) = (Vec::new(), 0, 0);
        let mut octets = WireOctets::new();
        let mut sizes = writes.iter().cycle();
        while taken < message.len() {
            shown = message.len().min(shown + sizes.next().unwrap());
            octets.update(&message[taken..shown]);
            while taken < shown {
                taken += encoder.encode(&message[taken..shown], &mut (&mut wire).limit(room));
            }
        }
        while !encoder.finish(&mut (&mut wire).limit(room)) {}
        prop_assert_eq!(encoded_by_runs(&message, &writes), wire.escape_ascii().to_string());

        let lines: Vec<&[u8]> = wire.split(|octet| b"\r\n".contains(octet)).collect();
        prop_assert_eq!(lines.iter().filter(|line| **line == b".").count(), 1, "one end under every reading");

        let length = wire.len();
        wire.extend_from_slice(&junk);
        let (body, ended, consumed) = decoded(&wire, &reads, &[0, 1, 2, 100], LineEnding::Crlf);
        prop_assert!(ended);
        prop_assert_eq!(consumed, length);
        prop_assert_eq!(octets.octets(), body.len() as u64);
        prop_assert_eq!(body, normalised(&message));
    }

    /// I1, class E: lines, limits and bare LFs do not depend on the reads.
    #[test]
    fn lines_do_not_depend_on_reads(
        stream in octets(),
        reads in reads(),
        limit in prop_oneof![1..8_usize, 60..70_usize, Just(512)],
        ending in ending(),
    ) {
        let expected = lines_of(&stream, limit, ending);
        prop_assert_eq!(lines(&stream, &reads, limit, ending), expected.as_slice());
        prop_assert_eq!(lines(&stream, &[1], limit, ending), expected);
    }

    /// Class E: a line of the limit is a line, one octet more is none.
    #[test]
    fn limits_are_exact(length in 0..300_usize, reads in reads(), ending in ending()) {
        let mut line = vec![b'a'; length];
        line.extend_from_slice(b"\r\n");
        let whole = vec![Found::Line(vec![b'a'; length])];
        for limit in [length + 2, length + 3] {
            prop_assert_eq!(lines(&line, &reads, limit, ending), whole.as_slice());
        }
        if length > 0 {
            let expected = vec![Found::TooLong { octets: length + 2, end: true }];
            prop_assert_eq!(lines(&line, &reads, length + 1, ending), expected);
        }
    }
}

/// I4, class D16: a body of one mebioctet, one octet at a time and with every undecided octet presented again.
#[test]
fn a_body_is_shown_at_most_once_and_one_octet_again() {
    let wire = b".\ra\r\n..\r\n".repeat(1 << 17);
    let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
    let (mut consumed, mut presented) = (0, 0);
    for shown in 1..=wire.len() {
        loop {
            let input = &wire[consumed..shown];
            presented += input.len();
            match decoder.decode(input) {
                BodyStep::Data { len, skip } => consumed += len + skip,
                BodyStep::NeedMore => break,
                BodyStep::End { .. } => unreachable!("there is no terminator"),
            }
        }
    }
    assert!(presented <= 2 * wire.len(), "{presented} octets presented for {}", wire.len());
}
