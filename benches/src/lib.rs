//! What the benches share. Corpora are made by code, so that nothing large lies in the tree.
//!
//! Each is a body as it is on the wire: byte-stuffed, its lines ended by CRLF, its last line the terminator. The octets are
//! the same in every run.

use std::iter;

pub mod drain;
pub mod fetch;
pub mod replay;

/// Octets that one row goes over while they stay in the second-level cache, as octets fresh from a read do.
pub const HOT: usize = 512 << 10;

/// Octets that no cache holds.
pub const COLD: usize = 64 << 20;

const TERMINATOR: &[u8] = b".\r\n";

/// A body on the wire, and what is to be known of it beforehand.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What the rows are called after.
    pub name: &'static str,
    /// The octets on the wire, the terminator included.
    pub wire: Vec<u8>,
    /// Octets of the body: those of the wire without leading dots and terminator.
    pub body: usize,
}

impl Corpus {
    /// The message as it lies in a store: without byte-stuffing and terminator, each line ended by `line_end`.
    #[must_use]
    pub fn message(&self, line_end: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.body);
        let lines = self.wire.strip_suffix(TERMINATOR).unwrap_or(&self.wire);
        for line in lines.split_inclusive(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r\n").unwrap_or(line);
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            message.extend_from_slice(line_end);
        }
        message
    }

    fn new(
        name: &'static str,
        octets: usize,
        mut line: impl FnMut(&mut Random, &mut Vec<u8>),
    ) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut wire = Vec::with_capacity(octets + 2048);
        let mut body = 0;
        while wire.len() < octets {
            let start = wire.len();
            line(&mut random, &mut wire);
            wire.extend_from_slice(b"\r\n");
            body += wire.len() - start - usize::from(wire[start] == b'.');
        }
        wire.extend_from_slice(TERMINATOR);
        Self { name, wire, body }
    }
}

/// Lines of 60 to 78 octets, one in a thousand byte-stuffed: ordinary mail.
#[must_use]
pub fn text(octets: usize) -> Corpus {
    Corpus::new("a text", octets, |random, wire| {
        if random.below(1000) == 0 {
            wire.extend_from_slice(b"..");
        }
        let length = 60 + random.below(19);
        words(random, wire, length);
    })
}

/// Lines of 76 octets without dots: an attachment.
#[must_use]
pub fn base64(octets: usize) -> Corpus {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Corpus::new("b base64", octets, |random, wire| {
        wire.extend(iter::repeat_with(|| ALPHABET[random.below(64)]).take(76));
    })
}

/// Lines of 998 octets, the longest that RFC 5322 §2.1.1 allows.
#[must_use]
pub fn long_lines(octets: usize) -> Corpus {
    Corpus::new("c long lines", octets, |random, wire| words(random, wire, 998))
}

/// Every line byte-stuffed, of ordinary length: the hostile message that costs a hit for each line.
#[must_use]
pub fn dotted_lines(octets: usize) -> Corpus {
    Corpus::new("d dotted lines", octets, |random, wire| {
        wire.extend_from_slice(b"..");
        let length = 58 + random.below(19);
        words(random, wire, length);
    })
}

/// Lines of 2 to 4 octets with their line ends.
#[must_use]
pub fn tiny_lines(octets: usize) -> Corpus {
    Corpus::new("e tiny lines", octets, |random, wire| {
        let length = random.below(3);
        wire.extend(iter::repeat_n(b'x', length));
    })
}

/// Lines of 16 to 47 octets with words in them: repairs too far apart for octets, too near for a search each.
#[must_use]
pub fn short_lines(octets: usize) -> Corpus {
    Corpus::new("f short lines", octets, |random, wire| {
        let length = 14 + random.below(32);
        words(random, wire, length);
    })
}

/// Nothing but byte-stuffed dots: the message with most hits for its octets.
#[must_use]
pub fn dots(octets: usize) -> Corpus {
    Corpus::new("g dots", octets, |_, wire| wire.extend_from_slice(b".."))
}

/// All of them, in `octets` octets each.
#[must_use]
pub fn all(octets: usize) -> Vec<Corpus> {
    [text, base64, long_lines, dotted_lines, tiny_lines, dots].map(|corpus| corpus(octets)).into()
}

/// Letters with a space now and then, and a full stop now and then, as text has them.
fn words(random: &mut Random, wire: &mut Vec<u8>, length: usize) {
    let octet = |_| match random.below(40) {
        0..=5 => b' ',
        6 => b'.',
        letter => b"etaoinshrdlcumwfgypbvkjxqzETAOINSH"[letter - 7],
    };
    let start = wire.len();
    wire.extend((0..length).map(octet));
    if wire[start] == b'.' {
        wire[start] = b'e';
    }
}

/// A multiplicative generator: the same octets in every run and on every machine.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).map_or(0, |number| number % bound)
    }
}
