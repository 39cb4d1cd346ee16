//! Fixed vectors of the codec, each at every cut.

use pop3_proto::codec::{BodyStep, LineDecoder, LineEnding, LineStep, MultilineDecoder, TopLines};

/// The body, and what is left behind its end (`None`: it has not ended).
fn decoded(reads: &[&[u8]], ending: LineEnding) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut decoder = MultilineDecoder::new(ending);
    let (mut body, mut input) = (Vec::new(), Vec::new());
    for read in reads {
        input.extend_from_slice(read);
        while !decoder.ended() {
            let (BodyStep::Data { len, skip } | BodyStep::End { len, skip }) =
                decoder.decode(&input)
            else {
                break;
            };
            body.extend_from_slice(&input[..len]);
            input.drain(..len + skip);
        }
    }
    let rest = decoder.ended().then_some(input);
    (body, rest)
}

/// Checks a vector whole, octet by octet and at every 2-split.
fn check(wire: &[u8], ending: LineEnding, expected: impl Fn((Vec<u8>, Option<Vec<u8>>)) -> bool) {
    let octets: Vec<&[u8]> = wire.chunks(1).collect();
    let whole = decoded(&[wire], ending);
    for cut in 0..=wire.len() {
        let (first, second) = wire.split_at(cut);
        assert_eq!(
            decoded(&[first, second], ending),
            whole,
            "\"{}\" cut at {cut}",
            wire.escape_ascii()
        );
    }
    assert_eq!(decoded(&octets, ending), whole, "\"{}\" octet by octet", wire.escape_ascii());
    assert!(expected(whole), "\"{}\" decodes to something else", wire.escape_ascii());
}

/// RFC 1939 §3, classes D1, D4–D6, D11, D13, D14, D17: bodies that end.
#[test]
fn bodies_that_end() {
    let vectors: [(&[u8], &[u8], &[u8]); 14] = [
        (b".\r\n", b"", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"..foo\r\n..\r\n.foo\r\n.\r\nfoo", b".foo\r\n.\r\nfoo\r\n", b"foo"),
        (b"\r.\r\n.\r\n", b"\r.\r\n", b""),
        (b"\n\r.\r\r\n.\r\n", b"\n\r.\r\r\n", b""),
        (b"text\r\n..\r\n+OK forged\r\n.\r\n", b"text\r\n.\r\n+OK forged\r\n", b""),
        (b"Hello\r\n.\r\n+OK extra\r\n", b"Hello\r\n", b"+OK extra\r\n"),
        (b".foo\r\n.\r\n", b"foo\r\n", b""),
        (b"a\0b\r\n\0\r\n\xff\r\n.\r\n", b"a\0b\r\n\0\r\n\xff\r\n", b""),
        (b"....\r\n.\r\n", b"...\r\n", b""),
        (b".\r\r\n.\r\n", b"\r\r\n", b""),
        (b".\r.\r\n.\r\n.\r\n", b"\r.\r\n", b".\r\n"),
        (b".\n\r\n.\r\n", b"\n\r\n", b""),
        (b"aaaa.\r\n.\r\n", b"aaaa.\r\n", b""),
    ];
    for (wire, body, rest) in vectors {
        check(wire, LineEnding::Crlf, |outcome| outcome == (body.to_vec(), Some(rest.to_vec())));
    }
}

/// RFC 1939 §3, classes D2, D3, D7, D9: octets that end nothing, though some reader once took them for an end.
#[test]
fn bodies_that_do_not_end() {
    let vectors: [&[u8]; 27] = [
        b"",
        b".",
        b"..",
        b".\r",
        b".\rx",
        b"..\r\n",
        b"\r.",
        b"\r.\r\n",
        b"\r.\n",
        b"\r..\n",
        b"\r\n.",
        b"\r\n.\r",
        b"\r\n.\rx\n",
        b"\r\n..\r\n",
        b"\n..\r\n",
        b"foo.\r\n",
        b"\n.\n",
        b"\n.\r\n",
        b".\n",
        b"\r\n.\n",
        b"\r\n.\rfoo\n.\n",
        b"\r\n.\r\r\n",
        b"\r.\r",
        b"\n\r.\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"A\n.\r\n+OK SMUGGLED\r\n",
    ];
    for wire in vectors {
        check(wire, LineEnding::Crlf, |(_, rest)| rest.is_none());
    }
}

/// RFC 1939 §3 forgone, class D9: what `LineEnding::CrlfOrLf` is documented as unsafe for.
#[test]
fn bodies_that_end_only_when_a_bare_line_feed_ends_a_line() {
    let vectors: [(&[u8], &[u8]); 5] = [
        (b"\n.\n", b"\n"),
        (b"\n.\r\n", b"\n"),
        (b".\n", b""),
        (b"\r\n.\n", b"\r\n"),
        (b"..a\n...\n.\n", b".a\n..\n"),
    ];
    for (wire, body) in vectors {
        check(wire, LineEnding::CrlfOrLf, |outcome| outcome == (body.to_vec(), Some(Vec::new())));
    }
    for wire in [&b"\r\n.\r\r\n"[..], b"\r.\r", b"\n\r.\n", b"\n.\0\n"] {
        check(wire, LineEnding::CrlfOrLf, |(_, rest)| rest.is_none());
    }
}

/// RFC 1939 §3 and §4, class E (long lines): a limit counts the line end, and holds before it has come.
#[test]
fn lines_at_their_limit() {
    let step = |input: &[u8], limit| LineDecoder::new(LineEnding::Crlf).decode(input, limit);
    assert_eq!(step(b"", 0), LineStep::NeedMore);
    assert_eq!(step(b"QUIT\r\n", 6), LineStep::Line { len: 4, consumed: 6 });
    assert_eq!(step(b"QUIT\r\n", 5), LineStep::TooLong { skip: 6, end: true });
    assert_eq!(step(b"QUIT\r", 6), LineStep::NeedMore);
    assert_eq!(step(b"QUIT\r", 5), LineStep::TooLong { skip: 5, end: false });
    assert_eq!(step(b"QUI\rT\r\n", 9), LineStep::Line { len: 5, consumed: 7 });
    assert_eq!(step(b"QUIT\n", 9), LineStep::BareLineFeed { at: 4 });
    assert_eq!(step(b"\n", 9), LineStep::BareLineFeed { at: 0 });
    assert_eq!(step(b"\r\n", 9), LineStep::Line { len: 0, consumed: 2 });

    let step = |input: &[u8]| LineDecoder::new(LineEnding::CrlfOrLf).decode(input, 9);
    assert_eq!(step(b"QUIT\n"), LineStep::Line { len: 4, consumed: 5 });
    assert_eq!(step(b"QUIT\r\n"), LineStep::Line { len: 4, consumed: 6 });
    assert_eq!(step(b"QUIT\r\r\n"), LineStep::Line { len: 5, consumed: 7 });
}

/// RFC 1939 §3, class E: the CR of the line end that ends a discarded line may have come with an earlier read.
#[test]
fn a_discarded_line_ends_at_a_line_end_that_was_cut() {
    let mut decoder = LineDecoder::new(LineEnding::Crlf);
    assert_eq!(decoder.decode(b"NOOP\r", 5), LineStep::TooLong { skip: 5, end: false });
    assert_eq!(decoder.decode(b"", 5), LineStep::NeedMore);
    assert_eq!(decoder.decode(b"\nQ", 5), LineStep::TooLong { skip: 1, end: true });
    assert_eq!(decoder.decode(b"Q\r\n", 5), LineStep::Line { len: 1, consumed: 3 });
    assert_eq!(decoder.decode(b"NOOP N\nX", 5), LineStep::TooLong { skip: 6, end: false });
    for _ in 0..2 {
        assert_eq!(decoder.decode(b"\nX", 5), LineStep::BareLineFeed { at: 0 }, "and again");
    }
}

/// RFC 1939 §7: the corner cases of TOP.
#[test]
fn tops_of_messages() {
    let taken = |message: &[u8], lines| {
        let mut top = TopLines::new(lines);
        (top.take(message), top.done())
    };
    assert_eq!(taken(b"A: b\r\n\r\none\r\n", 0), (8, true), "headers and blank line");
    assert_eq!(taken(b"A: b\r\n\r\none\r\n", 1), (13, true));
    assert_eq!(taken(b"A: b\r\n\r\none\r\n", 2), (13, false), "the whole message");
    assert_eq!(taken(b"A: b\r\n\r\none", 1), (11, false), "an unfinished line is a line");
    assert_eq!(taken(b"A: b\r\nC: d\r\n", 0), (12, false), "no blank line: all header");
    assert_eq!(taken(b"\r\none\r\ntwo\r\n", 1), (7, true), "no headers");
    assert_eq!(taken(b"", 3), (0, false));

    let mut top = TopLines::new(0);
    assert_eq!((top.take(b"\r"), top.done()), (1, false), "an LF would belong to it");
    assert_eq!((top.take(b"\n\n"), top.done()), (1, true));
    let mut top = TopLines::new(0);
    assert_eq!((top.take(b"\r"), top.take(b"a"), top.done()), (1, 0, true));
}

/// The decoders go where sessions go.
#[test]
fn decoders_and_encoders_are_values() {
    fn value<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
    value::<LineDecoder>();
    value::<MultilineDecoder>();
    value::<pop3_proto::codec::MultilineEncoder>();
    value::<pop3_proto::codec::WireOctets>();
    value::<TopLines>();
}
