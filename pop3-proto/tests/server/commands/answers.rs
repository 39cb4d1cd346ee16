//! Every answer to every open command.

use pop3_proto::server::{RespondError, ServerConfig, ServerSession};
use pop3_proto::{DropListing, KnownCode, ScanListing, UniqueIdListing};

use super::{Point, at};
use crate::server_support::*;

/// One way to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Ok,
    Err,
    /// `-ERR` with a code that any command may be given.
    System,
    /// `-ERR` with a code that only a login may be given.
    InUse,
    /// `-ERR` with the code that only [`Answer::Failed`] gives.
    Auth,
    Reject,
    Authenticated,
    Failed,
    Drop,
    Scan(u32),
    Unique(u32),
    Begin,
    Write,
    Finish,
}

use Answer::{
    Auth, Authenticated, Begin, Drop, Err as Negative, Failed, Finish, InUse, Ok as Positive,
    Reject, Scan, System, Unique, Write,
};

const ANSWERS: [Answer; 16] = [
    Positive,
    Negative,
    System,
    InUse,
    Auth,
    Reject,
    Authenticated,
    Failed,
    Drop,
    Scan(1),
    Scan(2),
    Unique(1),
    Unique(2),
    Begin,
    Write,
    Finish,
];

fn give(session: &mut ServerSession, answer: Answer) -> Result<(), RespondError> {
    let text = text("text");
    match answer {
        Positive => session.ok(&text),
        Negative => session.err(None, &text),
        System => session.err(Some(KnownCode::SysTemp), &text),
        InUse => session.err(Some(KnownCode::InUse), &text),
        Auth => session.err(Some(KnownCode::Auth), &text),
        Reject => session.reject(),
        Authenticated => session.authenticated(&text),
        Failed => session.authentication_failed(),
        Drop => session.drop_listing(DropListing::new(1, 2)),
        Scan(message) => session.scan_listing(ScanListing::new(number(message), 3)),
        Unique(message) => {
            session.unique_id_listing(&UniqueIdListing::new(number(message), unique_id("a")))
        }
        Begin => session.begin_multiline(&text),
        Write => session.write_body(b"octets").map(|taken| assert_eq!(taken, 6)),
        Finish => session.finish_multiline(),
    }
}

/// A point, a line, whether its multi-line answer is begun, and the answers that are taken then.
type Situation = (Point, &'static [u8], bool, &'static [Answer]);

const SITUATIONS: [Situation; 25] = [
    (Point::Authorization, b"", false, &[]),
    (Point::Transaction, b"", false, &[]),
    (Point::Authorization, b"USER a\r\n", false, &[Positive, Negative, System]),
    (Point::AfterUser, b"PASS a\r\n", false, &[Negative, System, InUse, Authenticated, Failed]),
    (Point::Authorization, b"QUIT\r\n", false, &[Positive, Negative, System]),
    (Point::AfterUser, b"QUIT\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"QUIT\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"STAT\r\n", false, &[Negative, System, Drop]),
    (Point::Transaction, b"LIST\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"LIST 1\r\n", false, &[Negative, System, Scan(1)]),
    (Point::Transaction, b"LIST 2\r\n", false, &[Negative, System, Scan(2)]),
    (Point::Transaction, b"UIDL\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"UIDL 1\r\n", false, &[Negative, System, Unique(1)]),
    (Point::Transaction, b"UIDL 2\r\n", false, &[Negative, System, Unique(2)]),
    (Point::Transaction, b"RETR 1\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"TOP 1 1\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"DELE 1\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"RSET\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"NOOP\r\n", false, &[Positive, Negative, System]),
    (Point::Authorization, b"PASS x\r\n", false, &[Negative, System, Reject]),
    (Point::Transaction, b"XTND\r\n", false, &[Negative, System, Reject]),
    (Point::Transaction, b"LIST\r\n", true, &[Scan(1), Scan(2), Finish]),
    (Point::Transaction, b"UIDL\r\n", true, &[Unique(1), Unique(2), Finish]),
    (Point::Transaction, b"RETR 1\r\n", true, &[Write, Finish]),
    (Point::Transaction, b"TOP 1 1\r\n", true, &[Write, Finish]),
];

fn situation(&(point, line, begun, _): &Situation) -> ServerSession {
    let mut session = at(point, ServerConfig::new());
    say(&mut session, line);
    assert_eq!(session.poll_event().is_some(), !line.is_empty());
    if begun {
        session.begin_multiline(&text("begun")).expect("a multi-line answer");
    }
    session
}

/// R3206-4.03, I8, R1939-5.08, R2449-8.1.2.02, R3206-5.03, R3206-6.01: what fits is taken, and what does not fit
/// changes nothing, neither the output nor anything else that the session knows.
#[test]
fn only_what_fits_the_command_is_taken() {
    for case @ &(_, line, begun, fitting) in &SITUATIONS {
        for answer in ANSWERS {
            let mut session = situation(case);
            let before = format!("{session:?}");
            let shown = format!("{} {begun} {answer:?}", line.escape_ascii());
            let given = give(&mut session, answer);
            if fitting.contains(&answer) {
                assert_eq!(given, Ok(()), "{shown}");
                assert_ne!(format!("{session:?}"), before, "{shown}");
                continue;
            }
            let refused = if line.is_empty() {
                RespondError::NothingToAnswer
            } else {
                RespondError::Mismatch
            };
            assert_eq!(given, Err(refused), "{shown}");
            assert_eq!(format!("{session:?}"), before, "{shown}");
            // And the right answer still is.
            if let Some(right) = fitting.first() {
                assert_eq!(give(&mut session, *right), Ok(()), "{shown}");
            }
        }
    }
}

/// One answer ends a command: none fits any more, until the next one is polled.
#[test]
fn a_command_is_answered_once() {
    for case @ &(_, line, begun, fitting) in &SITUATIONS {
        for ends in fitting.iter().filter(|ends| {
            let goes_on = matches!(ends, Begin | Write) || begun && **ends != Finish;
            !goes_on
        }) {
            let mut session = situation(case);
            give(&mut session, *ends).expect("an answer that fits");
            let before = format!("{session:?}");
            for answer in ANSWERS {
                assert_eq!(
                    give(&mut session, answer),
                    Err(RespondError::NothingToAnswer),
                    "{} {ends:?} {answer:?}",
                    line.escape_ascii()
                );
            }
            assert_eq!(format!("{session:?}"), before);
        }
    }
}

/// I8: an answer that finds no room changes nothing, at any height of the output, and finds its
/// place once output has left.
#[test]
fn a_full_output_changes_nothing() {
    let mut config = ServerConfig::new();
    config.limits.output = 600;
    for (line, items) in [(&b"LIST\r\n"[..], true), (b"UIDL\r\n", true), (b"RETR 1\r\n", false)] {
        for filled in 0..=600 {
            let mut session = in_transaction(config.clone());
            say(&mut session, line);
            assert!(session.poll_event().is_some());
            session.begin_multiline(&text("begun")).expect("a multi-line answer");
            let begun = b"+OK begun\r\n".len();
            let item = if line.starts_with(b"LIST") { Scan(1) } else { Unique(1) };
            let mut expected = b"+OK begun\r\n".to_vec();
            if items {
                for _ in 0..filled {
                    if give(&mut session, item).is_ok() {
                        let line: &[u8] = if item == Scan(1) { b"1 3\r\n" } else { b"1 a\r\n" };
                        expected.extend_from_slice(line);
                    }
                }
                if filled > 100 {
                    let before = format!("{session:?}");
                    assert_eq!(give(&mut session, item), Err(RespondError::Full));
                    assert_eq!(format!("{session:?}"), before);
                }
            } else {
                let octets = vec![b'x'; filled];
                let taken = session.write_body(&octets).expect("a message was begun");
                assert_eq!(taken, filled.min(600 - begun));
                expected.extend_from_slice(&octets[..taken]);
                if taken > 0 {
                    expected.extend_from_slice(b"\r\n");
                }
            }
            let before = format!("{session:?}");
            let mut out = Vec::new();
            if let Err(error) = session.finish_multiline() {
                assert_eq!(error, RespondError::Full);
                assert_eq!(format!("{session:?}"), before);
                out = written(&mut session);
                session.finish_multiline().expect("room");
            }
            out.extend_from_slice(&written(&mut session));
            expected.extend_from_slice(b".\r\n");
            assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
    }
}

/// R2449-3.04, R2449-6.4.02, S13.3: with RESP-CODES announced, no text of the caller begins with `[`.
#[test]
fn a_text_is_never_taken_for_a_response_code() {
    let forged = text("[AUTH] forged");
    let mut session = ServerSession::new(
        ServerConfig::new(),
        pop3_proto::client::Channel::Trusted,
        forged.clone(),
    )
    .expect("a way to authenticate");
    assert_eq!(written(&mut session), b"+OK  [AUTH] forged\r\n");
    let mut answer = |line: &[u8], give: &dyn Fn(&mut ServerSession), wire: &[u8]| {
        say(&mut session, line);
        assert!(session.poll_event().is_some());
        give(&mut session);
        let out = written(&mut session);
        assert_eq!(out.escape_ascii().to_string(), wire.escape_ascii().to_string());
    };
    answer(b"USER a\r\n", &|s| s.err(None, &forged).unwrap(), b"-ERR  [AUTH] forged\r\n");
    answer(b"USER a\r\n", &|s| s.ok(&forged).unwrap(), b"+OK  [AUTH] forged\r\n");
    answer(
        b"PASS a\r\n",
        &|s| s.err(Some(KnownCode::InUse), &forged).unwrap(),
        b"-ERR [IN-USE] [AUTH] forged\r\n",
    );
    answer(b"USER a\r\n", &|s| s.ok(&text("who")).unwrap(), b"+OK who\r\n");
    answer(b"PASS a\r\n", &|s| s.authenticated(&forged).unwrap(), b"+OK  [AUTH] forged\r\n");
    answer(b"XTND\r\n", &|s| s.err(None, &forged).unwrap(), b"-ERR  [AUTH] forged\r\n");
    answer(
        b"LIST\r\n",
        &|s| {
            s.begin_multiline(&forged).unwrap();
            s.finish_multiline().unwrap();
        },
        b"+OK  [AUTH] forged\r\n.\r\n",
    );
}

/// R2449-3.02, R1939-3.05: whatever the text and the code, no line has more than 512 octets.
#[test]
fn no_line_is_longer_than_512_octets() {
    let long = text(&"x".repeat(pop3_proto::Text::MAX_OCTETS));
    let bracketed = text(&"[".repeat(pop3_proto::Text::MAX_OCTETS));
    for text in [&long, &bracketed] {
        for code in [None, Some(KnownCode::SysPerm), Some(KnownCode::SysTemp)] {
            let mut session = in_transaction(ServerConfig::new());
            say(&mut session, b"NOOP\r\nNOOP\r\n");
            assert!(session.poll_event().is_some());
            session.err(code, text).expect("NOOP waits");
            let negative = written(&mut session);
            assert!(session.poll_event().is_some());
            session.ok(text).expect("NOOP waits");
            let positive = written(&mut session);
            assert_eq!((negative.len(), positive.len()), (512, 511));
            for line in [negative, positive] {
                let end = line.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
                assert_eq!(end, Some(line.len() - 2));
                assert!(line.ends_with(b"\r\n"));
            }
        }
    }
}
