//! What answers nothing: replies that nobody asked for, and those that come before their command has left.

use pop3_proto::Command;
use pop3_proto::client::{Channel, Eof, Event, SendError, Waiting};
use pop3_proto::state::State;

use crate::support::{
    GREETED, GREETING, Run, Step, expect, expect_in_transaction, pass, presets, retr, s, strict,
    tolerant, user,
};

const UNSOLICITED: &str = "error Unsolicited";

/// H1, H2, B16, E19: what comes behind the greeting answers nothing, and cannot log anybody in.
#[test]
fn octets_behind_the_greeting_are_unsolicited() {
    for behind in [
        "+OK\r\n",
        "+OK 2 messages (320 octets)\r\n1 120\r\n.\r\n",
        "+",
        "\r\n",
        " ",
        "+OK\r\n+OK\r\n",
    ] {
        for config in presets() {
            let greeting = [GREETING, behind.as_bytes()].concat();
            let mut run = expect(config, &[s(greeting)], &[GREETED, UNSOLICITED]);
            assert_eq!(run.send(&user("mrose")), Err(SendError::Over));
            assert_eq!((run.session.state(), run.sent.as_slice()), (State::Failed, &b""[..]));
        }
    }
    // Also when they are not polled before the commands are tried.
    let mut run = Run::new(tolerant(), Channel::Clear);
    assert_eq!(run.session.receive(b"+OK\r\n+OK\r\n+OK\r\n"), 15);
    assert_eq!(run.send(&user("mrose")), Err(SendError::BeforeGreeting));
    assert!(matches!(run.session.poll_event(), Ok(Some(Event::Greeting(_)))));
    run.send(&user("mrose")).unwrap();
    run.poll();
    assert_eq!(run.take_trace(), [UNSOLICITED]);
    assert_eq!(run.send(&pass("x")), Err(SendError::Over));
}

/// H2, A16: a reply that begins before its command has left answers nothing, whether the command waits as a whole or
/// but for its last octet.
#[test]
fn a_reply_that_begins_before_its_command_has_left() {
    for left in 0..=6 {
        let mut run = Run::in_transaction(tolerant());
        let id = run.queue(&Command::Noop).unwrap();
        bytes::Buf::advance(&mut run.session.outgoing(), left);
        run.feed(b"+OK\r\n");
        let lines = if left == 6 { format!("{id} completed + \"\"") } else { UNSOLICITED.into() };
        assert_eq!(run.take_trace(), [lines], "{left} octets had left");
    }
}

/// A16: nor does one of which only the first octet came too early.
#[test]
fn a_reply_whose_first_octet_came_too_early() {
    for early in 1.."-ERR no\r\n".len() {
        let (before, behind) = "-ERR no\r\n".split_at(early);
        let mut run = Run::in_transaction(tolerant());
        run.queue(&Command::Noop).unwrap();
        run.feed(before.as_bytes());
        assert_eq!(run.take_trace(), [""; 0]);
        run.flush();
        run.feed(behind.as_bytes());
        assert_eq!(run.take_trace(), [""; 0], "it is a farewell, not a reply");
        assert_eq!(run.session.in_flight(), 1);
        run.end(Eof::Clean);
        assert_eq!(run.take_trace(), ["closed NotRequested farewell - \"no\" Clean"]);
        assert_eq!(run.session.in_flight(), 0);
    }
}

/// H1: one `-ERR` line, and then the end: a server says farewell, and the text is kept.
#[test]
fn a_farewell() {
    for config in presets() {
        for end in [Eof::Clean, Eof::Abrupt] {
            let line = format!("closed NotRequested farewell - \"[SYS/TEMP] idle\" {end:?}");
            let script = [s("-ERR [SYS/TEMP] idle\r\n"), Step::End(end)];
            let run = expect_in_transaction(config, &script, &[&line]);
            assert_eq!(run.session.state(), State::Closed);
            expect(config, &[&[s(GREETING)], &script[..]].concat(), &[GREETED, &line]);
        }
    }
    let run = expect_in_transaction(strict(), &[s("-ERR idle\r\n")], &[]);
    assert_eq!(run.session.waiting(), Waiting::Close);
    assert_eq!(run.session.state(), State::Transaction);
}

/// H1: whatever follows a farewell makes it none; nor is one anything but a whole `-ERR` line.
#[test]
fn what_is_no_farewell() {
    for behind in ["+OK\r\n", "-ERR again\r\n", "-", "\r", "\r\n", "x"] {
        let script = [s(format!("-ERR idle\r\n{behind}"))];
        expect_in_transaction(strict(), &script, &[UNSOLICITED]);
    }
    for line in ["-ERR", "-ERR idle\r", "-"] {
        let script = [s(line), Step::End(Eof::Clean)];
        expect_in_transaction(strict(), &script, &[UNSOLICITED]);
    }
    for line in ["-ERR idle\n", "-ERRidle\r\n", "-OK\r\n"] {
        expect_in_transaction(strict(), &[s(line)], &[UNSOLICITED]);
    }
    let mut config = strict();
    config.limits.status_line = 64;
    let line = |octets: usize| format!("-ERR {}\r\n", "x".repeat(octets - 7));
    expect_in_transaction(config, &[s(line(64))], &[]);
    expect_in_transaction(config, &[s(line(65))], &[UNSOLICITED]);
}

/// H1: a command that was taken but has not left does not make a farewell its reply.
#[test]
fn a_farewell_before_a_command_has_left() {
    let mut run = Run::in_transaction(tolerant());
    run.queue(&retr(1)).unwrap();
    run.feed(b"-ERR idle\r\n");
    assert_eq!(run.send(&Command::Noop), Err(SendError::Over));
    run.end(Eof::Clean);
    assert_eq!(run.take_trace(), ["closed NotRequested farewell - \"idle\" Clean"]);
    assert!(!run.session.wants_write() && !run.session.wants_read());
}
