//! `MultilineDecoder`, exhaustively.

use pop3_proto::codec::{LineEnding, MultilineDecoder};

use super::{
    ENDINGS, METHODS, Method, Outcome, decoded, decoded_by_turns, decodes_to, for_each_split,
    for_each_string, octet_by_octet, unstuffed,
};

/// I1, RFC 1939 §3, classes D1–D7, D9, D13: one result, the oracle's, however the octets come.
#[test]
fn every_short_body_decodes_alike_however_it_is_cut() {
    for_each_string(9, |wire| {
        for ending in ENDINGS {
            let expected = unstuffed(wire, ending);
            let check = |cuts: &[usize], method| decodes_to(&expected, wire, cuts, ending, method);
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
                    decodes_to(&expected, &wire, &[wire.len()], ending, method);
                    let from = if middle.len() <= 2 { before } else { wire.len() };
                    for cut in from..wire.len().min(before + middle.len() + 2) {
                        decodes_to(&expected, &wire, &[cut, wire.len()], ending, method);
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
                        decodes_to(&expected, &wire, &[wire.len()], ending, method);
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
