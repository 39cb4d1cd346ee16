//! A reader of replies that knows RFC 1939 §3 and nothing of the session.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::MAX_RESPONSE_OCTETS;
use crate::codec::LineEnding;
use crate::fuzzing::codec::unstuffed;
use crate::fuzzing::store::Reply;

/// Reads `replies` from `output`: every line well-formed, every body as it should be, nothing beside them. Unless
/// `complete`, the output may end anywhere.
pub(super) fn check(output: &[u8], replies: &[Reply], complete: bool) {
    let mut rest = output;
    for reply in replies {
        if read(&mut rest, reply).is_none() {
            let cut = matches!(reply, Reply::Cut(..));
            assert!(cut || !complete, "{reply:?} is not there to its end: {}", shown(output));
            assert!(rest.is_empty());
            return;
        }
    }
    assert!(rest.is_empty(), "more than the replies: {}", shown(rest));
}

/// `None`: the output ended first.
fn read(rest: &mut &[u8], reply: &Reply) -> Option<()> {
    let (Reply::Line(status)
    | Reply::Lines(status, _)
    | Reply::Body(status, _)
    | Reply::Cut(status, _)) = reply;
    assert!(["+OK", "-ERR", "+ "].iter().any(|indicator| status.starts_with(indicator)));
    assert_eq!(line(rest, Some(status))?, *status);
    match reply {
        Reply::Line(_) => Some(()),
        Reply::Lines(_, lines) => {
            let mut found = Vec::new();
            loop {
                let line = line(rest, None)?;
                if line == "." {
                    break;
                }
                assert!(!line.starts_with('.') && !line.is_empty(), "{line:?}");
                found.push(line);
            }
            // Capabilities come in any order.
            if lines.iter().any(|line| line == "PIPELINING") {
                found.sort();
            }
            assert_eq!(found, *lines);
            Some(())
        }
        Reply::Body(_, expected) => {
            let outcome = unstuffed(rest, LineEnding::Crlf);
            assert!(expected.starts_with(&outcome.body), "{}", shown(&outcome.body));
            *rest = if outcome.ended { &rest[outcome.consumed..] } else { &[] };
            outcome.ended.then(|| assert_eq!(outcome.body, *expected))
        }
        Reply::Cut(_, expected) => {
            let outcome = unstuffed(rest, LineEnding::Crlf);
            assert!(!outcome.ended, "what was broken off looks whole");
            assert!(expected.starts_with(&outcome.body), "{}", shown(&outcome.body));
            *rest = &[];
            None
        }
    }
}

fn line(rest: &mut &[u8], status: Option<&str>) -> Option<String> {
    let Some(at) = rest.iter().position(|octet| *octet == b'\n') else {
        let expected = status.map(|status| [status.as_bytes(), b"\r\n"].concat());
        assert!(expected.is_none_or(|line| line.starts_with(rest)), "{}", shown(rest));
        *rest = &[];
        return None;
    };
    let (line, later) = rest.split_at(at + 1);
    *rest = later;
    assert!(line.len() <= MAX_RESPONSE_OCTETS, "RFC 2449 §4: {} octets", line.len());
    let line = line.strip_suffix(b"\r\n").expect("a line ends with CRLF");
    assert!(line.iter().all(|octet| matches!(octet, 0x20..=0x7e)), "{}", shown(line));
    Some(String::from_utf8_lossy(line).to_string())
}

fn shown(octets: &[u8]) -> impl core::fmt::Display + '_ {
    octets.escape_ascii()
}
