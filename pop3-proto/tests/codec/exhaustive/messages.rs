//! `MultilineEncoder` and `WireOctets`, exhaustively.

use bytes::BufMut as _;
use pop3_proto::codec::{MultilineEncoder, Stuff};

use super::{
    TERMINATOR, counted, encoded_by_runs, encoded_whole, for_each_split, for_each_string,
    normalised, push_runs, stepped, with_runs,
};

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
            assert_eq!(counted(&[first, second]), normalised(message).len());
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
            assert_eq!(counted(&chunks), normalised(message).len());
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
    assert_eq!(counted(&[&message]), normalised(&message).len());
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
