//! What once went wrong in a server session or its maildrop, each in the fewest words.

use pop3_proto::server::{
    Action, Entry, Event, Maildrop, MessageOctets, RespondError, ServerConfig,
};
use pop3_proto::{Command, InvalidValue, KnownCode, ScanListing, UniqueId, UniqueIdListing};

use crate::server_support::*;

/// R2449-6.4.02, RFC 2449 §8: a response code may stand in a positive response too, so that no text
/// of one begins with `[`.
#[test]
fn a_positive_text_is_not_taken_for_a_response_code() {
    let mut session = greeted(ServerConfig::new());
    say(&mut session, b"USER alice\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(_))));
    session.ok(&text("[1] please")).expect("USER waits");
    assert_eq!(written(&mut session), b"+OK  [1] please\r\n");
}

/// R2449-8.1.1.01, R2449-8.1.2.02, R3206-5.03, R3206-6.01: codes of a login go with nothing else, and `[AUTH]` is not
/// said without being counted.
#[test]
fn codes_of_a_login_go_with_a_login() {
    let mut session = greeted(ServerConfig::new());
    for code in [KnownCode::Auth, KnownCode::InUse, KnownCode::LoginDelay] {
        say(&mut session, b"USER alice\r\n");
        assert!(matches!(session.poll_event(), Some(Event::Command(_))));
        let before = format!("{session:?}");
        assert_eq!(session.err(Some(code), &text("no")), Err(RespondError::Mismatch));
        assert_eq!(format!("{session:?}"), before);
        session.ok(&text("go on")).expect("USER waits");
        say(&mut session, b"PASS x\r\n");
        assert!(matches!(session.poll_event(), Some(Event::Command(_))));
        let taken = session.err(Some(code), &text("no"));
        assert_eq!(taken.is_ok(), code != KnownCode::Auth);
        if taken.is_err() {
            session.authentication_failed().expect("PASS waits");
        }
    }
}

/// I8: an end that finds no room is not half written.
#[test]
fn an_end_without_room_changes_nothing() {
    let mut config = ServerConfig::new();
    config.limits.output = 600;
    let mut session = in_transaction(config);
    say(&mut session, b"RETR 1\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(_))));
    session.begin_multiline(&text("message")).expect("RETR waits");
    while session.write_body(b"x").expect("a message was begun") > 0 {}
    let before = format!("{session:?}");
    written_at_most(&mut session, 1);
    let after_one = format!("{session:?}");
    assert_ne!(after_one, before);
    assert_eq!(session.finish_multiline(), Err(RespondError::Full));
    assert_eq!(format!("{session:?}"), after_one);
    // A dot that may be owed, two line ends, the termination octet and its line's end are eight.
    written_at_most(&mut session, 6);
    assert_eq!(session.finish_multiline(), Err(RespondError::Full));
    written_at_most(&mut session, 1);
    assert_eq!(session.finish_multiline(), Ok(()));
    assert!(written(&mut session).ends_with(b"x\r\n.\r\n"));
}

/// R1939-5.08: LIST with a message-number is answered for that message.
#[test]
fn a_listing_of_one_message_is_of_that_message() {
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"LIST 2\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(_))));
    let other = ScanListing::new(number(1), 120);
    assert_eq!(session.scan_listing(other), Err(RespondError::Mismatch));
    session.scan_listing(ScanListing::new(number(2), 200)).expect("LIST 2 waits");
    assert_eq!(written(&mut session), b"+OK 2 200\r\n");
}

/// I8, I9: a command that the session does not wait for marks, unmarks and commits nothing.
#[test]
fn a_maildrop_answers_only_what_was_asked() {
    let mut maildrop = Maildrop::new(vec![Entry::new(1, unique_id("a")); 2]).expect("a maildrop");
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"DELE 1\r\nNOOP\r\nQUIT\r\n");
    let Some(Event::Command(dele)) = session.poll_event() else { panic!("DELE") };
    assert_eq!(maildrop.answer(&dele, &mut session), Ok(Action::Answered));
    let others = [
        Command::Rset,
        Command::Dele(number(2)),
        Command::Retr(number(2)),
        Command::List(None),
        Command::Quit,
    ];
    for expected in [RespondError::NothingToAnswer, RespondError::Mismatch] {
        for other in &others {
            let before = (format!("{session:?}"), format!("{maildrop:?}"));
            assert_eq!(maildrop.answer(other, &mut session), Err(expected), "{other:?}");
            assert_eq!((format!("{session:?}"), format!("{maildrop:?}")), before, "{other:?}");
        }
        let next = session.poll_event();
        assert_eq!(next.is_some(), expected == RespondError::NothingToAnswer);
    }
    // QUIT before login has nothing to commit.
    let mut session = greeted(ServerConfig::new());
    say(&mut session, b"QUIT\r\n");
    assert!(session.poll_event().is_some());
    assert_eq!(maildrop.answer(&Command::Quit, &mut session), Ok(Action::NotMine));
}

/// I2: limits that are too small for a line do not bring the session to a halt.
#[test]
fn the_smallest_limits_let_a_session_go_on() {
    let mut config = ServerConfig::new();
    config.limits.output = 0;
    config.limits.input_block = 0;
    let mut server = Server::new(config, vec![b"one".to_vec(), b"two".to_vec()]);
    let out =
        server.converse(b"USER alice\r\nPASS correct horse\r\nLIST\r\nUIDL\r\nRETR 2\r\nQUIT\r\n");
    assert_eq!(
        String::from_utf8(out).expect("text"),
        "+OK ready\r\n+OK password, please\r\n+OK maildrop open\r\n\
         +OK 2 messages (10 octets)\r\n1 5\r\n2 5\r\n.\r\n\
         +OK 2 messages (10 octets)\r\n1 id0\r\n2 id1\r\n.\r\n\
         +OK message follows\r\ntwo\r\n.\r\n+OK bye\r\n"
    );
    assert_eq!(server.closed, Some(true));
}

/// I1: how an over-long line was cut does not decide whether it passes the budget.
#[test]
fn the_discard_budget_does_not_depend_on_the_reads() {
    let mut config = ServerConfig::new();
    let line = [&[b'A'; 1000][..], b"\r\nUSER alice\r\n"].concat();
    for (budget, ends) in [(0, true), (600, true), (1001, true), (1002, false)] {
        config.limits.discard = budget;
        for read in [1, 511, 512, 513, 1002, line.len()] {
            let mut server = Server::new(config.clone(), Vec::new());
            let mut out = Vec::new();
            for piece in line.chunks(read) {
                out.extend_from_slice(&server.converse(piece));
            }
            let user: &[u8] = if ends { b"" } else { b"+OK password, please\r\n" };
            let expected = [GREETING, b"-ERR command line too long\r\n", user].concat();
            assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
            assert_eq!(server.closed, ends.then_some(false), "{budget} {read}");
        }
    }
}

/// R1939-7.02, class G15: a unique-id of more than 70 octets, which a client bears, a server does not
/// send.
#[test]
fn no_unique_id_of_71_octets_is_sent() {
    let long = UniqueId::lenient(&[b'x'; 71]).expect("a client takes it");
    let refused = Maildrop::new(vec![Entry::new(1, unique_id("a")), Entry::new(1, long.clone())]);
    assert_eq!(refused.err(), Some(InvalidValue::TooLong { octets: 71, limit: 70 }));
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"UIDL 1\r\n");
    assert!(session.poll_event().is_some());
    let listing = UniqueIdListing::new(number(1), long);
    assert_eq!(session.unique_id_listing(&listing), Err(RespondError::Mismatch));
    let longest = unique_id(&"x".repeat(70));
    let listing = UniqueIdListing::new(number(1), longest.clone());
    assert_eq!(session.unique_id_listing(&listing), Ok(()));
    assert_eq!(written(&mut session), format!("+OK 1 {longest}\r\n").as_bytes());
}

fn retrieved(config: ServerConfig, message: &[u8]) -> Vec<u8> {
    let mut server = Server::new(config, vec![message.to_vec()]);
    server.converse(b"USER alice\r\nPASS correct horse\r\n");
    let out = server.converse(b"RETR 1\r\n");
    out.strip_prefix(b"+OK message follows\r\n").expect("a message").to_vec()
}

/// A blank line that ends in a bare CR is one, and no second one is sent behind it.
#[test]
fn a_blank_line_of_one_cr_is_not_missing() {
    let mut config = ServerConfig::new();
    config.leniency.missing_blank_line = true;
    for message in [&b"Subject: x\r\n\r"[..], b"Subject: x\r\r", b"Subject: x\n\r", b"Subject: x\r"]
    {
        assert_eq!(retrieved(config.clone(), message), b"Subject: x\r\n\r\n.\r\n");
        let mut octets = MessageOctets::new(config.leniency);
        octets.update(message);
        assert_eq!(octets.octets(), 14);
    }
}

/// R1939-11.03: a NUL becomes no line end, which nobody would have counted.
#[test]
fn a_nul_is_never_replaced_by_a_line_end() {
    for (replacement, sent) in [(b'\r', 0), (b'\n', 0), (0, 0), (b'.', b'.'), (0x80, 0x80)] {
        let mut config = ServerConfig::new();
        config.leniency.nul_replacement = Some(replacement);
        let expected = [b"a", &[sent][..], b"b\r\n.\r\n"].concat();
        assert_eq!(retrieved(config, b"a\0b"), expected);
    }
}

/// I4: a message that is offered whole is looked at once, however little room there is. When each
/// call looked at all that was left, this took half a minute.
#[test]
fn a_message_offered_whole_is_looked_at_once() {
    let message = [b"Subject: x\r\n\r\n".to_vec(), vec![b'a'; 8 << 20]].concat();
    for line in [&b"RETR 1\r\n"[..], b"TOP 1 1\r\n"] {
        let mut config = ServerConfig::new();
        config.leniency.nul_replacement = Some(0x80);
        config.limits.output = 512;
        let mut server = Server::new(config, vec![message.clone()]);
        server.converse(b"USER alice\r\nPASS correct horse\r\n");
        let out = server.converse(line);
        assert_eq!(out.len(), "+OK message follows\r\n".len() + message.len() + "\r\n.\r\n".len());
    }
}

/// I4: what waits is not moved for every octet that leaves.
#[test]
fn a_client_that_reads_octet_by_octet_costs_no_more() {
    let message = vec![b'a'; 1 << 20];
    let mut server = Server::new(ServerConfig::new(), vec![message.clone()]);
    server.converse(b"USER alice\r\nPASS correct horse\r\n");
    say(&mut server.session, b"RETR 1\r\n");
    let mut left = 0;
    loop {
        server.turn();
        match written_at_most(&mut server.session, 1).len() {
            0 => break,
            octets => left += octets,
        }
    }
    assert_eq!(left, "+OK message follows\r\n".len() + message.len() + "\r\n.\r\n".len());
}

/// R1957-1.03: a space and a text follow the status indicator, which some clients need.
#[test]
fn a_text_follows_the_status_indicator() {
    let mut server = Server::new(ServerConfig::new(), vec![b"one".to_vec()]);
    for line in [
        &b""[..],
        b"XTND\r\n",
        b"USER alice\r\n",
        b"PASS wrong\r\n",
        b"USER alice\r\n",
        b"PASS correct horse\r\n",
        b"CAPA\r\n",
        b"NOOP\r\n",
        b"RSET\r\n",
        b"LIST\r\n",
        b"UIDL\r\n",
        b"DELE 1\r\n",
        b"DELE 1\r\n",
        b"RETR 2\r\n",
        b"QUIT\r\n",
    ] {
        let out = server.converse(line);
        let text = out.strip_prefix(b"+OK ").or_else(|| out.strip_prefix(b"-ERR "));
        let first = text.and_then(<[u8]>::first);
        assert!(first.is_some_and(u8::is_ascii_graphic), "{}", out.escape_ascii());
    }
}
