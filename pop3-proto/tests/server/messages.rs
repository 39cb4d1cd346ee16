//! Messages on their way out through RETR and TOP: what a client receives, whatever the room, and
//! under whichever reading of a line end.

use pop3_proto::Command;
use pop3_proto::codec::{BodyStep, LineEnding, MultilineDecoder};
use pop3_proto::server::{
    Event, MessageOctets, RespondError, ServerConfig, ServerLeniency, ServerSession,
};
use pop3_proto::state::State;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::server_support::*;

/// A session whose output takes no more than a longest response line.
fn narrow(leniency: ServerLeniency) -> ServerSession {
    let mut config = ServerConfig::new();
    config.leniency = leniency;
    config.limits.output = 512;
    in_transaction(config)
}

/// Asks for a message and begins the answer so that there is room for one octet.
fn begin(session: &mut ServerSession, lines: Option<u64>) {
    let line = match lines {
        None => "RETR 1\r\n".to_owned(),
        Some(lines) => format!("TOP 1 {lines}\r\n"),
    };
    say(session, line.as_bytes());
    assert!(matches!(session.poll_event(), Some(Event::Command(_))));
    session.begin_multiline(&text(&"t".repeat(505))).expect("a multi-line answer");
}

/// The body as it is written: the message offered in pieces of `piece` octets, and `leaving` octets
/// leaving whenever there is no more room.
fn wire(
    session: &mut ServerSession,
    lines: Option<u64>,
    message: &[u8],
    piece: usize,
    leaving: usize,
) -> Vec<u8> {
    begin(session, lines);
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let stuck = if at < message.len() && session.wants_body() {
            let to = message.len().min(at.saturating_add(piece));
            let taken = session.write_body(&message[at..to]).expect("a message was begun");
            assert!(taken <= to - at);
            at += taken;
            taken == 0
        } else {
            match session.finish_multiline() {
                Ok(()) => break,
                Err(error) => error == RespondError::Full,
            }
        };
        if stuck {
            let left = written_at_most(session, leaving);
            assert!(!left.is_empty(), "no progress");
            out.extend_from_slice(&left);
        }
    }
    out.extend_from_slice(&written(session));
    out.split_off(511)
}

/// The message as a client should receive it.
fn expected(message: &[u8], lines: Option<u64>, leniency: ServerLeniency) -> Vec<u8> {
    let replaced: Vec<u8> = message
        .iter()
        .map(|octet| if *octet == 0 { leniency.nul_replacement.unwrap_or(0) } else { *octet })
        .collect();
    let mut whole = normalised(&replaced);
    let mut lines_of = whole.split_inclusive(|octet| *octet == b'\n');
    if leniency.missing_blank_line && !lines_of.any(|line| line == b"\r\n") {
        whole.extend_from_slice(b"\r\n");
    }
    match lines {
        None => whole,
        Some(count) => top_of(&whole, count),
    }
}

fn leniencies() -> Vec<ServerLeniency> {
    let mut all = Vec::new();
    for nul_replacement in [None, Some(0x80), Some(b'.')] {
        for missing_blank_line in [false, true] {
            let mut leniency = ServerLeniency::strict();
            leniency.nul_replacement = nul_replacement;
            leniency.missing_blank_line = missing_blank_line;
            all.push(leniency);
        }
    }
    all
}

fn counted(message: &[u8], leniency: ServerLeniency, piece: usize) -> u64 {
    let mut octets = MessageOctets::new(leniency);
    for piece in message.chunks(piece.min(message.len()).max(1)) {
        octets.update(piece);
    }
    octets.octets()
}

/// How deviating clients find the end of a body (D2–D7): where they see it, if they do.
fn ends_seen(wire: &[u8]) -> Vec<Option<usize>> {
    let readings: [fn(&[u8]) -> bool; 4] = [
        // Any LF ends a line, CRs before it are dropped.
        |line| trimmed(line) == b".",
        // CRs at either side are dropped.
        |line| trimmed(line).iter().skip_while(|octet| **octet == b'\r').eq(b"."),
        // A dot that is not doubled ends, whatever follows.
        |line| line.starts_with(b".") && !line.starts_with(b".."),
        // What stands before the dot may be the end of a line, too.
        |line| line.ends_with(b"\r.\r\n") || line == b".\r\n",
    ];
    let mut seen: Vec<_> = readings
        .iter()
        .map(|ends| {
            let mut at = 0;
            wire.split_inclusive(|octet| *octet == b'\n').find_map(|line| {
                at += line.len();
                ends(line).then_some(at)
            })
        })
        .collect();
    // A bare CR ends a line as well.
    let mut at = 0;
    seen.push(wire.split_inclusive(|octet| matches!(octet, b'\r' | b'\n')).find_map(|line| {
        at += line.len();
        // Its LF belongs to it.
        (trimmed(line) == b".").then(|| at + usize::from(wire[at..].starts_with(b"\n")))
    }));
    seen
}

fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|octet| !matches!(octet, b'\r' | b'\n'));
    &line[..end.map_or(0, |at| at + 1)]
}

/// R1939-3.08, D8, D10, D12, D14, D21: octets that once made servers send a forged end, and what is sent.
#[test]
fn what_once_ended_messages_early() {
    let strict = ServerLeniency::strict();
    for (message, sent) in [
        (&b""[..], &b".\r\n"[..]),
        (b".", b"..\r\n.\r\n"),
        (b".\r\nsecret", b"..\r\nsecret\r\n.\r\n"),
        (b"..", b"...\r\n.\r\n"),
        (b"a\r\n\r\n.\r\nDELE 1\r\n", b"a\r\n\r\n..\r\nDELE 1\r\n.\r\n"),
        (b"a\r\n.\r\n+OK forged\r\n", b"a\r\n..\r\n+OK forged\r\n.\r\n"),
        (b"a\n.\n+OK forged\n", b"a\r\n..\r\n+OK forged\r\n.\r\n"),
        (b"a\r.\r+OK forged\r", b"a\r\n..\r\n+OK forged\r\n.\r\n"),
        (b"a\n\r.\nb", b"a\r\n\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\r\n.\r\r\nb", b"a\r\n\r\n..\r\n\r\nb\r\n.\r\n"),
        (b"a\n.\r\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\n.\r\r\nb", b"a\r\n..\r\n\r\nb\r\n.\r\n"),
        (b"a\0b\r\n\0\r\n", b"a\0b\r\n\0\r\n.\r\n"),
        (b"a\xff\xfe\x80\x7f\x1b", b"a\xff\xfe\x80\x7f\x1b\r\n.\r\n"),
        (b"a.b.\r\n.a", b"a.b.\r\n..a\r\n.\r\n"),
    ] {
        for (piece, leaving) in [(1, 1), (2, 1), (usize::MAX, 1), (usize::MAX, 3), (3, usize::MAX)]
        {
            let out = wire(&mut narrow(strict), None, message, piece, leaving);
            assert_eq!(out.escape_ascii().to_string(), sent.escape_ascii().to_string());
            assert!(ends_seen(&out).iter().all(|end| *end == Some(out.len())));
        }
    }
}

/// R1939-3.19, R1939-5.09, R1939-5.10, R1939-7.12, R1939-11.01, R1939-11.02, R1939-11.03, D10, S10.6, S10.7, I7:
/// every message of up to five octets that matter, as RETR and as TOP, in any pieces and through any room, under every leniency. What is
/// counted for LIST is what the client receives, and no deviating client sees the end early.
#[test]
fn every_short_message_through_every_room() {
    const OCTETS: [u8; 5] = *b".\r\na\0";
    let mut messages = vec![Vec::new()];
    let mut last = messages.clone();
    for _ in 0..5 {
        last = last
            .iter()
            .flat_map(|start: &Vec<u8>| OCTETS.map(|octet| [start, &[octet][..]].concat()))
            .collect();
        messages.extend_from_slice(&last);
    }
    assert_eq!(messages.len(), 3906);
    for leniency in leniencies() {
        let mut session = narrow(leniency);
        for (turn, message) in messages.iter().enumerate() {
            for lines in [None, Some(0), Some(1), Some(2), Some(u64::MAX)] {
                let expected = expected(message, lines, leniency);
                let piece = [1, 2, usize::MAX][turn % 3];
                for leaving in [1, 2, 3, usize::MAX] {
                    let out = wire(&mut session, lines, message, piece, leaving);
                    assert!(
                        out == stuffed(&expected),
                        "{} {lines:?} {leniency:?} {piece} {leaving}: {}",
                        message.escape_ascii(),
                        out.escape_ascii()
                    );
                    if leaving == 1 {
                        assert!(ends_seen(&out).iter().all(|end| *end == Some(out.len())));
                    }
                }
                if lines.is_none() {
                    let octets = u64::try_from(expected.len()).unwrap();
                    for piece in [1, 2, usize::MAX] {
                        let shown = message.escape_ascii();
                        assert_eq!(
                            counted(message, leniency, piece),
                            octets,
                            "{shown} {leniency:?}"
                        );
                    }
                }
            }
        }
    }
}

/// R1939-7.12: TOP of messages with and without a body, a blank line, and an end to the last line.
#[test]
fn top_gives_headers_blank_line_and_so_many_lines() {
    let strict = ServerLeniency::strict();
    for (message, lines, sent) in [
        (&b"A: b\n\n1\n2\n3\n"[..], 0, &b"A: b\r\n\r\n.\r\n"[..]),
        (b"A: b\n\n1\n2\n3\n", 1, b"A: b\r\n\r\n1\r\n.\r\n"),
        (b"A: b\n\n1\n2\n3\n", 3, b"A: b\r\n\r\n1\r\n2\r\n3\r\n.\r\n"),
        (b"A: b\n\n1\n2\n3\n", 4, b"A: b\r\n\r\n1\r\n2\r\n3\r\n.\r\n"),
        (b"A: b\n\n1\n2\n3\n", u64::MAX, b"A: b\r\n\r\n1\r\n2\r\n3\r\n.\r\n"),
        (b"A: b\r\rone\rtwo", 1, b"A: b\r\n\r\none\r\n.\r\n"),
        (b"A: b\n\n\n\n", 1, b"A: b\r\n\r\n\r\n.\r\n"),
        (b"A: b\n\n.\n..\n", 1, b"A: b\r\n\r\n..\r\n.\r\n"),
        (b"A: b\n\nunfinished", 1, b"A: b\r\n\r\nunfinished\r\n.\r\n"),
        (b"A: b\n", 0, b"A: b\r\n.\r\n"),
        (b"A: b", 5, b"A: b\r\n.\r\n"),
        (b"\nbody only", 0, b"\r\n.\r\n"),
        (b"", 0, b".\r\n"),
    ] {
        for (piece, leaving) in [(1, 1), (1, usize::MAX), (usize::MAX, 1), (2, 2)] {
            let out = wire(&mut narrow(strict), Some(lines), message, piece, leaving);
            assert_eq!(out.escape_ascii().to_string(), sent.escape_ascii().to_string());
        }
    }
}

/// `missing_blank_line`, forbidden and allowed, with TOP and RETR.
#[test]
fn a_missing_blank_line_is_added_on_request() {
    let strict = ServerLeniency::strict();
    let mut adding = strict;
    adding.missing_blank_line = true;
    for (message, forbidden, allowed) in [
        (&b"A: b\r\n"[..], &b"A: b\r\n.\r\n"[..], &b"A: b\r\n\r\n.\r\n"[..]),
        (b"A: b", b"A: b\r\n.\r\n", b"A: b\r\n\r\n.\r\n"),
        (b"", b".\r\n", b"\r\n.\r\n"),
        (b"A: b\r\n\r\n", b"A: b\r\n\r\n.\r\n", b"A: b\r\n\r\n.\r\n"),
        (b"A: b\r\n\r", b"A: b\r\n\r\n.\r\n", b"A: b\r\n\r\n.\r\n"),
        (b"A: b\r\n\r\nc", b"A: b\r\n\r\nc\r\n.\r\n", b"A: b\r\n\r\nc\r\n.\r\n"),
    ] {
        for lines in [None, Some(9)] {
            for (leniency, sent) in [(strict, forbidden), (adding, allowed)] {
                let out = wire(&mut narrow(leniency), lines, message, 1, 1);
                assert_eq!(out, sent, "{}", message.escape_ascii());
            }
        }
    }
}

/// TOP reads no further than it has to, and says so.
#[test]
fn top_wants_no_more_than_it_sends() {
    let mut session = narrow(ServerLeniency::strict());
    begin(&mut session, Some(1));
    written(&mut session);
    assert!(session.wants_body());
    assert_eq!(session.write_body(b"A: b\r\n\r\none\r\n"), Ok(13));
    assert!(!session.wants_body());
    let rest = vec![b'x'; 1 << 20];
    assert_eq!(session.write_body(&rest), Ok(rest.len()), "taken and dropped");
    session.finish_multiline().expect("room");
    assert!(!session.wants_body());
    assert_eq!(written(&mut session), b"A: b\r\n\r\none\r\n.\r\n");
    begin(&mut session, None);
    assert!(session.wants_body());
}

/// A message that cannot be read to its end: wherever that happens, the client sees the connection end
/// inside the answer, under every reading, and nothing that it had sent is answered any more.
#[test]
fn an_answer_broken_off_never_looks_complete() {
    let messages: [&[u8]; 5] =
        [b"a\r\n.\r\nb\r\n", b".\r\n.\r\n.\r\n", b"\n.\n.\r.\r\n", b"...\r\n", b"\r\n\r\n\r\n"];
    for message in messages {
        for offered in 0..=message.len() {
            for leaving in [1, 2, usize::MAX] {
                let mut session = narrow(ServerLeniency::strict());
                begin(&mut session, None);
                say(&mut session, b"DELE 1\r\nQUIT\r\n");
                let (mut out, mut at) = (Vec::new(), 0);
                while at < offered {
                    at += session.write_body(&message[at..offered]).expect("a message was begun");
                    if at < offered {
                        out.extend_from_slice(&written_at_most(&mut session, leaving));
                    }
                }
                session.abort();
                assert_eq!(session.write_body(b"x"), Err(RespondError::NothingToAnswer));
                assert_eq!(session.finish_multiline(), Err(RespondError::NothingToAnswer));
                assert_eq!((session.receive(b"QUIT\r\n"), session.incoming().len()), (0, 0));
                assert_eq!(session.poll_event(), None, "what was written still leaves");
                out.extend_from_slice(&written(&mut session));
                assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
                assert_eq!(session.state(), State::Closed);
                let body = &out[511..];
                assert!(
                    stuffed(&normalised(&message[..offered])).starts_with(body),
                    "{}",
                    body.escape_ascii()
                );
                let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
                let mut read = 0;
                loop {
                    match decoder.decode(&body[read..]) {
                        BodyStep::Data { len, skip } => read += len + skip,
                        BodyStep::End { .. } => panic!("{}", body.escape_ascii()),
                        BodyStep::NeedMore => break,
                    }
                }
            }
        }
    }
}

/// Breaking off is possible at any point, once and for all.
#[test]
fn a_session_is_broken_off_anywhere() {
    for line in [&b""[..], b"NOOP\r\n", b"LIST\r\n", b"QUIT\r\n", b"XTND\r\n"] {
        let mut session = in_transaction(ServerConfig::new());
        say(&mut session, line);
        let polled = session.poll_event();
        session.abort();
        session.abort();
        let commit = polled == Some(Event::Command(Command::Quit));
        assert_eq!(session.poll_event(), Some(Event::Closed { commit }));
        assert_eq!(session.poll_event(), None);
    }
}

/// A message that is not there any more when it is asked for is refused in one line.
#[test]
fn a_message_that_is_gone_is_refused() {
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"RETR 1\r\nNOOP\r\n");
    assert!(session.poll_event().is_some());
    session.err(Some(pop3_proto::KnownCode::SysTemp), &text("it is gone")).expect("RETR waits");
    assert_eq!(written(&mut session), b"-ERR [SYS/TEMP] it is gone\r\n");
    assert_eq!(session.poll_event(), Some(Event::Command(Command::Noop)));
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => vec(prop::sample::select(&b".\r\na:\0"[..]), 1..12),
        2 => prop::sample::select(&[
            "Subject: tea\r\n", "\r\n", "\n", ".\r\n", "\r\n.\r\n", "\n.\n", "\r.\r", "..", "a.\r\n",
        ][..]).prop_map(|text| text.as_bytes().to_vec()),
        2 => (0..9_usize, 60..70_usize).prop_map(|(blocks, more)| vec![b'x'; 64 * blocks + more]),
        1 => vec(any::<u8>(), 0..100),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// The same for longer messages, where the encoder goes by blocks.
    #[test]
    fn any_message_through_any_room(
        message in message(),
        lines in prop::option::of(0..6_u64),
        piece in prop_oneof![1..70_usize, Just(usize::MAX)],
        leaving in prop_oneof![1..70_usize, 400..600_usize],
        leniency in prop::sample::select(leniencies()),
    ) {
        let expected = expected(&message, lines, leniency);
        let out = wire(&mut narrow(leniency), lines, &message, piece, leaving);
        prop_assert_eq!(&out, &stuffed(&expected));
        prop_assert!(ends_seen(&out).iter().all(|end| *end == Some(out.len())));
        if lines.is_none() {
            let octets = u64::try_from(expected.len()).unwrap();
            prop_assert_eq!(counted(&message, leniency, piece), octets);
        }
    }
}
