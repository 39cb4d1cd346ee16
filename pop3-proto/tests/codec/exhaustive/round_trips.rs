//! What is stuffed comes back, and ends once.

use pop3_proto::codec::LineEnding;

use super::{
    ENDINGS, METHODS, Method, Outcome, TERMINATOR, counted, decoded, decodes_to, encoded_by_runs,
    encoded_whole, for_each_string, normalised, stepped, unstuffed, with_runs,
};

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
            assert_eq!(counted(&[&message]), normal.len());
            for ending in ENDINGS {
                let expected = unstuffed(&message, ending);
                for method in METHODS {
                    decodes_to(&expected, &message, &[message.len()], ending, method);
                }
            }
        }
    });
}

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

        assert_eq!(counted(&[message]), normal.len(), "\"{}\"", message.escape_ascii());
        let octets: Vec<&[u8]> = message.chunks(1).collect();
        assert_eq!(counted(&octets), normal.len(), "\"{}\"", message.escape_ascii());
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
                        decodes_to(&expected, &wire, &[cut, wire.len()], ending, method);
                    }
                }
            }
        }
    });
}
