//! How others go over a body: the loops of mail clients and servers, and designs that were tried and lost.
//!
//! Each is the shape of such a loop, in Rust, so that rows differ by what is done and not by the language. All of them take a
//! body from its first octet and give what they found: octets of the body, and octets of the wire. They are right about
//! every corpus here; nothing more is asked of them.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _};

use memchr::memmem::Finder;
use memchr::{memchr, memmem};

use crate::limits::BLOCK;

/// The octets of the body and of the wire that were gone over.
pub type Lengths = (usize, usize);

const TERMINATOR: &[u8] = b".\r\n";

/// One octet, one state, one branch, one push: the loop that no input may make anything here slower than.
pub fn naive(wire: &[u8], out: &mut Vec<u8>) -> Lengths {
    #[derive(Clone, Copy)]
    enum State {
        Text,
        CarriageReturn,
        LineStart,
        Dot,
        DotCarriageReturn,
    }
    out.clear();
    let mut state = State::LineStart;
    for (at, &octet) in wire.iter().enumerate() {
        state = match (state, octet) {
            (State::LineStart, b'.') => {
                state = State::Dot;
                continue;
            }
            (State::Dot, b'\r') => {
                state = State::DotCarriageReturn;
                continue;
            }
            (State::DotCarriageReturn, b'\n') => {
                black_box(&*out);
                return (out.len(), at + 1);
            }
            (State::DotCarriageReturn, _) => {
                out.push(b'\r');
                if octet == b'\r' { State::CarriageReturn } else { State::Text }
            }
            (State::CarriageReturn, b'\n') => State::LineStart,
            (_, b'\r') => State::CarriageReturn,
            _ => State::Text,
        };
        out.push(octet);
    }
    (out.len(), wire.len())
}

/// Octets come one by one out of a reader, go through the states of a line and into a slice: the byte machine of Go's
/// `textproto`.
pub fn octet_by_octet(wire: &[u8], out: &mut [u8]) -> Lengths {
    enum State {
        BeginLine,
        Dot,
        DotCarriageReturn,
        CarriageReturn,
        Data,
    }
    let (mut read, mut written) = (0, 0);
    let mut state = State::BeginLine;
    for octet in BufReader::with_capacity(4096, wire).bytes() {
        let octet = octet.expect("octets in memory");
        read += 1;
        state = match (state, octet) {
            (State::BeginLine, b'.') => {
                state = State::Dot;
                continue;
            }
            (State::Dot, b'\r') => {
                state = State::DotCarriageReturn;
                continue;
            }
            (State::DotCarriageReturn, b'\n') => {
                black_box(&*out);
                return (written, read);
            }
            (State::DotCarriageReturn, _) => {
                out[written] = b'\r';
                written += 1;
                State::Data
            }
            (State::CarriageReturn, b'\n') => State::BeginLine,
            (State::BeginLine | State::Data, b'\r') => State::CarriageReturn,
            _ => State::Data,
        };
        out[written] = octet;
        written += 1;
    }
    (written, read)
}

/// A switch over each octet counts how much of `CRLF.CRLF` has come, and each line and each line end is written apart:
/// curl's.
pub fn switch_with_a_write_for_each_line(wire: &[u8], write: &mut dyn FnMut(&[u8])) -> Lengths {
    // The CRLF of the status line counts and is no part of the body.
    let (mut matched, mut strip) = (2, 2);
    let (mut body, mut last) = (0, 0);
    let mut deliver = |octets: &[u8]| {
        body += octets.len();
        write(octets);
    };
    for (at, &octet) in wire.iter().enumerate() {
        let before = matched;
        match octet {
            b'\r' => match matched {
                0 => {
                    deliver(&wire[last..at]);
                    matched = 1;
                    last = at;
                }
                3 => matched = 4,
                _ => matched = 1,
            },
            b'\n' if matched == 1 || matched == 4 => matched += 1,
            b'.' if matched == 2 => matched = 3,
            _ => matched = 0,
        }
        if matched == 5 {
            deliver(&b"\r\n"[strip..]);
            return (body, at + 1);
        }
        if before != 0 && before >= matched {
            deliver(&b"\r\n"[strip..before.min(2).max(strip)]);
            if before == 4 {
                deliver(b"\r");
            }
            strip = 0;
            last = at;
        }
    }
    (body, wire.len())
}

/// Octets are copied one by one up to each LF, and the dot is looked for where a line begins: `MailKit`'s.
pub fn scan_for_lf_copying_octets(wire: &[u8], out: &mut [u8]) -> Lengths {
    let (mut at, mut written) = (0, 0);
    while at < wire.len() {
        if wire[at] == b'.' {
            if wire[at..].starts_with(TERMINATOR) {
                black_box(&*out);
                return (written, at + TERMINATOR.len());
            }
            at += 1;
        }
        while at < wire.len() {
            let octet = wire[at];
            out[written] = octet;
            written += 1;
            at += 1;
            if octet == b'\n' {
                break;
            }
        }
    }
    (written, at)
}

/// A search for each CR, the octets before it copied at once: Dovecot's `istream-dot`.
pub fn search_for_cr_with_a_copy(wire: &[u8], out: &mut Vec<u8>) -> Lengths {
    out.clear();
    let mut at = 0;
    let mut line_start = true;
    while at < wire.len() {
        if line_start && wire[at] == b'.' {
            if wire[at..].starts_with(TERMINATOR) {
                black_box(&*out);
                return (out.len(), at + TERMINATOR.len());
            }
            at += 1;
        }
        let rest = &wire[at..];
        let length = memchr(b'\r', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..length]);
        line_start = rest[length..].starts_with(b"\r\n");
        let end = if line_start { 2 } else { rest.len().min(length + 1) - length };
        out.extend_from_slice(&rest[length..length + end]);
        at += length + end;
    }
    (out.len(), at)
}

/// `read_until` into a line, the line copied behind the others.
pub fn line_by_line_with_a_copy(wire: &[u8], out: &mut Vec<u8>) -> Lengths {
    out.clear();
    let mut reader = BufReader::with_capacity(BLOCK, wire);
    let mut line = Vec::with_capacity(1024);
    let mut read = 0;
    loop {
        line.clear();
        read += reader.read_until(b'\n', &mut line).expect("octets in memory");
        if line.is_empty() || line == TERMINATOR {
            black_box(&*out);
            return (out.len(), read);
        }
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

/// A `String` for each line, and another one without its line end.
pub fn string_for_each_line(wire: &[u8], out: &mut String) -> Lengths {
    out.clear();
    let mut reader = BufReader::with_capacity(BLOCK, wire);
    let mut read = 0;
    loop {
        let mut line = String::new();
        read += reader.read_line(&mut line).expect("ASCII in memory");
        let text = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() || text == "." {
            black_box(&*out);
            return (out.len(), read);
        }
        let text = text.strip_prefix('.').unwrap_or(text).to_string();
        out.push_str(&text);
        out.push_str("\r\n");
    }
}

/// Nothing is copied, and a search for each LF looks at the octet behind it.
pub fn search_for_each_lf(wire: &[u8]) -> Lengths {
    runs(wire, |from| {
        let mut from = from;
        loop {
            from += memchr(b'\n', &wire[from..])? + 1;
            if wire.get(from) == Some(&b'.') {
                return Some(from);
            }
        }
    })
}

/// Nothing is copied, and a search for each dot looks at the octet before it.
pub fn search_for_each_dot(wire: &[u8]) -> Lengths {
    runs(wire, |from| {
        let mut from = from;
        loop {
            let dot = from + memchr(b'.', &wire[from..])?;
            if dot > 0 && wire[dot - 1] == b'\n' {
                return Some(dot);
            }
            from = dot + 1;
        }
    })
}

/// Nothing is copied, and a search for `CRLF "."` begins anew behind each one that it has found.
pub fn search_for_each_leading_dot(wire: &[u8]) -> Lengths {
    let finder = Finder::new(b"\r\n.");
    runs(wire, |from| Some(from + finder.find(&wire[from..])? + 2))
}

/// After every read of `read` octets the terminator is looked for from the first octet on.
pub fn search_again_from_the_start(wire: &[u8], read: usize) -> Lengths {
    let mut shown = 0;
    loop {
        shown = wire.len().min(shown + read);
        let found = memmem::find(&wire[..shown], b"\r\n.\r\n");
        if let Some(end) = found {
            return (end + 2, end + 2 + TERMINATOR.len());
        }
        if shown == wire.len() {
            return (shown, shown);
        }
    }
}

/// Goes from leading dot to leading dot; `next` finds the first one behind an octet that is no line's first.
fn runs(wire: &[u8], mut next: impl FnMut(usize) -> Option<usize>) -> Lengths {
    let (mut body, mut start) = (0, 0);
    let mut dot = if wire.first() == Some(&b'.') { Some(0) } else { next(0) };
    while let Some(at) = dot {
        black_box(&wire[start..at]);
        body += at - start;
        if wire[at..].starts_with(TERMINATOR) {
            return (body, at + TERMINATOR.len());
        }
        start = at + 1;
        dot = next(start);
    }
    (body + wire.len() - start, wire.len())
}

/// Byte-stuffs octet by octet, one branch and one push for each: how most servers do it, had they thought of the bare CR.
/// The octets on the wire.
pub fn stuff_naive(message: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut last = b'\n';
    for &octet in message {
        if last == b'\r' && octet != b'\n' {
            out.push(b'\n');
            last = b'\n';
        }
        match octet {
            b'.' if last == b'\n' => out.extend_from_slice(b".."),
            b'\n' if last != b'\r' => out.extend_from_slice(b"\r\n"),
            _ => out.push(octet),
        }
        last = octet;
    }
    out.extend_from_slice(match last {
        b'\n' => b".\r\n",
        b'\r' => b"\n.\r\n",
        _ => b"\r\n.\r\n",
    });
    black_box(out).len()
}

/// Byte-stuffs line by line: a search for each LF and a copy. It takes CRLF and LF for line ends. The octets on the wire.
pub fn stuff_line_by_line(message: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut rest = message;
    while !rest.is_empty() {
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..length];
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
        rest = rest.get(length + 1..).unwrap_or_default();
    }
    out.extend_from_slice(TERMINATOR);
    black_box(out).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora;

    /// Each loop takes every corpus apart alike, and the naive one and the one over lines put it together again.
    #[test]
    fn loops_are_right_about_every_corpus() {
        for corpus in corpora::all(64 << 10) {
            let wire = &corpus.wire[..];
            let message = corpus.message(b"\r\n");
            let expected = (corpus.body, wire.len());
            let assert_same = |name: &str, lengths: Lengths, octets: &[u8]| {
                assert_eq!(lengths, expected, "{name}: {}", corpus.name);
                assert!(octets[..lengths.0] == message, "{name}: {}", corpus.name);
            };
            let (mut out, mut slice, mut text) = (Vec::new(), vec![0; wire.len()], String::new());
            assert_same("naive", naive(wire, &mut out), &out);
            assert_same("CR", search_for_cr_with_a_copy(wire, &mut out), &out);
            assert_same("lines", line_by_line_with_a_copy(wire, &mut out), &out);
            assert_same("strings", string_for_each_line(wire, &mut text), text.as_bytes());
            assert_same("octets", octet_by_octet(wire, &mut slice), &slice);
            assert_same("LF", scan_for_lf_copying_octets(wire, &mut slice), &slice);
            let mut written = Vec::new();
            let write = &mut |octets: &[u8]| written.extend_from_slice(octets);
            assert_same("switch", switch_with_a_write_for_each_line(wire, write), &written);
            for search in [search_for_each_lf, search_for_each_dot, search_for_each_leading_dot] {
                assert_eq!(search(wire), expected, "{}", corpus.name);
            }
            for line_end in [&b"\r\n"[..], b"\n"] {
                for stuff in [stuff_naive, stuff_line_by_line] {
                    assert_eq!(stuff(&corpus.message(line_end), &mut out), wire.len());
                    assert!(out == wire, "{}", corpus.name);
                }
            }
        }
    }
}
