//! Exhaustive small-scope proof of `LineDecoder` (I1, I2, I3, I4; R1939-3.02, RFC 1939 §§3, 4, RFC 2449 §4; classes E, F13),
//! against an oracle that sees the stream whole.
//!
//! What is covered, over `CR LF a`, both line endings, every limit of 0 to 7 octets: every string of up to 9 octets whole
//! and octet by octet; up to 8 octets at every 2-split; up to 6 octets at every 3-split.

use pop3_proto::codec::{LineDecoder, LineEnding, LineStep};

const LONGEST: usize = 9;
const LARGEST_LIMIT: usize = 7;
const STRINGS: usize = 29_524;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Line(Vec<u8>),
    /// So many octets dropped of one line; whether it has ended.
    TooLong(usize, bool),
    BareLineFeed,
    /// So many octets of which nothing can be said yet.
    Undecided(usize),
}

/// RFC 1939 §3, RFC 2449 §4: a line is at most `limit` octets, its end included.
fn expected(stream: &[u8], ending: LineEnding, limit: usize) -> Vec<Found> {
    let (mut found, mut rest) = (Vec::new(), stream);
    while !rest.is_empty() {
        let line_feed = rest.iter().position(|octet| *octet == b'\n');
        let whole = line_feed.map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at(whole);
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let is_bare = line_feed.is_some() && ending == LineEnding::Crlf && !text.ends_with(b"\r");
        let dropped = if is_bare { text.len() } else { line.len() };
        match line_feed {
            _ if whole > limit && dropped > 0 => {
                found.push(Found::TooLong(dropped, line_feed.is_some() && !is_bare));
            }
            None if rest.len() >= limit => found.push(Found::TooLong(rest.len(), false)),
            None => found.push(Found::Undecided(rest.len())),
            Some(_) if is_bare => {}
            Some(_) => found.push(Found::Line(text.strip_suffix(b"\r").unwrap_or(text).to_vec())),
        }
        if is_bare {
            found.push(Found::BareLineFeed);
            break;
        }
        rest = behind;
    }
    found
}

/// Shows the decoder the stream as it arrives, `cuts` being the ends of the reads.
fn decoded(stream: &[u8], cuts: &[usize], ending: LineEnding, limit: usize) -> Vec<Found> {
    let mut decoder = LineDecoder::new(ending);
    let (mut found, mut start) = (Vec::new(), 0);
    for &cut in cuts {
        loop {
            let shown = &stream[start..cut];
            match decoder.decode(shown, limit) {
                LineStep::NeedMore => break,
                LineStep::Line { len, consumed } => {
                    assert!(consumed <= limit && len < consumed, "I3");
                    found.push(Found::Line(shown[..len].to_vec()));
                    start += consumed;
                }
                LineStep::TooLong { skip, end } => {
                    assert!(skip > 0, "I2: no progress");
                    match found.last_mut() {
                        Some(Found::TooLong(dropped, ended @ false)) => {
                            (*dropped, *ended) = (*dropped + skip, end);
                        }
                        _ => found.push(Found::TooLong(skip, end)),
                    }
                    start += skip;
                }
                LineStep::BareLineFeed { at } => {
                    let again = decoder.decode(shown, limit);
                    assert_eq!(again, LineStep::BareLineFeed { at }, "not the same again");
                    assert_eq!(shown[at], b'\n');
                    found.push(Found::BareLineFeed);
                    return found;
                }
            }
        }
        // Nothing is held back longer than the limit allows.
        assert!(cut - start < limit.max(1), "I3");
    }
    if start < stream.len() {
        found.push(Found::Undecided(stream.len() - start));
    }
    found
}

/// I1: one result, the oracle's, however the stream is cut and whatever the limit.
#[test]
fn every_short_stream_is_cut_into_the_same_lines() {
    let mut strings = 0;
    let mut streams = vec![Vec::new()];
    for _ in 0..=LONGEST {
        for stream in &streams {
            strings += 1;
            for ending in [LineEnding::Crlf, LineEnding::CrlfOrLf] {
                (0..=LARGEST_LIMIT).for_each(|limit| however_cut(stream, ending, limit));
            }
        }
        let longer = |stream: &Vec<u8>| b"\r\na".map(|octet| [stream, &[octet][..]].concat());
        streams = streams.iter().flat_map(longer).collect();
    }
    assert_eq!(strings, STRINGS);
}

fn however_cut(stream: &[u8], ending: LineEnding, limit: usize) {
    let length = stream.len();
    let expected = expected(stream, ending, limit);
    let check = |cuts: &[usize]| {
        assert_eq!(
            decoded(stream, cuts, ending, limit),
            expected,
            "\"{}\" cut at {cuts:?}, {ending:?}, limit {limit}",
            stream.escape_ascii()
        );
    };
    check(&[length]);
    check(&(1..=length).collect::<Vec<_>>());
    for first in 0..=length {
        if length < LONGEST {
            check(&[first, length]);
        }
        if length <= 6 {
            (first..=length).for_each(|second| check(&[first, second, length]));
        }
    }
}
