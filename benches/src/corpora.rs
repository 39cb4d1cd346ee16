//! Corpora, made by code so that nothing large lies in the tree.
//!
//! Each is a body as it is on the wire: byte-stuffed, its lines ended by CRLF, its last line the terminator. The octets are
//! the same in every run.

use std::iter;

use crate::random::Random;

/// Octets that one row goes over while they stay in the second-level cache, as octets fresh from a read do.
pub const HOT: usize = 512 << 10;

/// Octets that no cache holds.
pub const COLD: usize = 64 << 20;

pub(crate) const TERMINATOR: &[u8] = b".\r\n";

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
        let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
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
pub fn base64(octets: usize) -> Corpus {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Corpus::new("b base64", octets, |random, wire| {
        wire.extend(iter::repeat_with(|| ALPHABET[random.below(64)]).take(76));
    })
}

/// Lines of 998 octets, the longest that RFC 5322 §2.1.1 allows.
pub fn long_lines(octets: usize) -> Corpus {
    Corpus::new("c long lines", octets, |random, wire| words(random, wire, 998))
}

/// Every line byte-stuffed, of ordinary length: the hostile message that costs a hit for each line.
pub fn dotted_lines(octets: usize) -> Corpus {
    Corpus::new("d dotted lines", octets, |random, wire| {
        wire.extend_from_slice(b"..");
        let length = 58 + random.below(19);
        words(random, wire, length);
    })
}

/// Lines of 2 to 4 octets with their line ends.
pub fn tiny_lines(octets: usize) -> Corpus {
    Corpus::new("e tiny lines", octets, |random, wire| {
        let length = random.below(3);
        wire.extend(iter::repeat_n(b'x', length));
    })
}

/// Lines of 75 octets and a soft line break, HTML in quoted-printable: hardly a line without dots, and none begins with one.
pub fn quoted_printable(octets: usize) -> Corpus {
    const PIECES: [&str; 6] = [
        "<a href=3D\"https://www.example.org/a.b.html\">",
        "<td style=3D\"font-size:1.5em;padding:.2em .4em\">",
        "<img src=3D\"cid:logo.gif@example.org\">",
        "No. 7, p. 12. ",
        "caf=C3=A9 &nbsp; ",
        "p.small{margin:0 .5em} ",
    ];
    Corpus::new("f quoted-printable", octets, |random, wire| {
        let end = wire.len() + 75;
        while wire.len() < end {
            wire.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
        }
        wire.truncate(end);
        wire.push(b'=');
    })
}

/// Nothing but byte-stuffed dots: the message with most hits for its octets.
pub fn dots(octets: usize) -> Corpus {
    Corpus::new("g dots", octets, |_, wire| wire.extend_from_slice(b".."))
}

/// Lines of 16 to 47 octets with words in them: repairs too far apart for octets, too near for a search each.
pub fn short_lines(octets: usize) -> Corpus {
    Corpus::new("h short lines", octets, |random, wire| {
        let length = 14 + random.below(32);
        words(random, wire, length);
    })
}

/// Those from a to g, in `octets` octets each.
pub fn all(octets: usize) -> [Corpus; 7] {
    [text, base64, long_lines, dotted_lines, tiny_lines, quoted_printable, dots]
        .map(|corpus| corpus(octets))
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
