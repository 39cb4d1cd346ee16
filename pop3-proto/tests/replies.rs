//! What a server says, when it says it, and where it stops.

mod support;

use bytes::Bytes;
use pop3_proto::client::{
    Channel, Eof, Event, Pipelining, ProtocolError, SendError, Update, Waiting,
};
use pop3_proto::state::State;
use pop3_proto::{Command, KnownCode, RawFraming};
use support::{
    GREETED, GREETING, Run, Step, all_ways, dele, error_line, expect, expect_in_transaction, login,
    number, outlook, pass, presets, retr, s, strict, tolerant, user,
};

const UNSOLICITED: &str = "error Unsolicited";

fn eof(waiting: &str, eof: Eof) -> String {
    format!("error UnexpectedEof {{ waiting: {waiting}, eof: {eof:?} }}")
}

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

/// H6, H7, H11, E23: the end where something is due says what was due, once and for good.
#[test]
fn the_end_in_each_state() {
    for config in presets() {
        for end in [Eof::Clean, Eof::Abrupt] {
            let closed = format!("closed NotRequested {end:?}");
            for begun in ["", "+", "+OK hello\r"] {
                expect(config, &[s(begun), Step::End(end)], &[&eof("Greeting", end)]);
            }
            expect(config, &[s(GREETING), Step::End(end)], &[GREETED, &closed]);
            expect_in_transaction(config, &[Step::End(end)], &[&closed]);
            let started = "#2 started + \"\"";
            let rest = eof("Rest(CommandId(2))", end);
            for (command, octets, lines) in [
                (retr(1), "+OK\r\n", vec![started]),
                (retr(1), "+OK\r\nhalf", vec![started, "#2 data \"half\""]),
                (retr(1), "+OK\r\nhalf\r\n.", vec![started, "#2 data \"half\\r\\n\""]),
                (retr(1), "+OK\r\nhalf\r\n.\r", vec![started, "#2 data \"half\\r\\n\""]),
                (Command::Uidl(None), "+OK\r\n1 a\r\n2", vec![started, "#2 id 1 a"]),
                (Command::List(None), "+OK\r\n1 2\r\n.", vec![started, "#2 scan 1 2"]),
                (Command::Capa, "+OK\r\nTOP\r\n.\r", vec![started, "#2 capability TOP"]),
            ] {
                let script = [Step::C(command), s(octets), Step::End(end)];
                let run = expect_in_transaction(config, &script, &[lines, vec![&rest]].concat());
                assert_eq!(run.session.capabilities(), None);
                assert_eq!(run.session.update(), Update::NotRequested);
            }
            let mut run = Run::in_transaction(config);
            run.queue(&retr(1)).unwrap();
            run.end(end);
            assert_eq!(run.take_trace(), [eof("Write", end)]);
        }
    }
}

/// R1939-6.01, R1939-6.02, I9, H10: committed only with its `+OK`, refused with `-ERR`, unknown when QUIT left and its
/// answer never came.
#[test]
fn the_three_outcomes_of_quit() {
    let marked = [Step::C(dele(1)), s("+OK\r\n"), Step::C(Command::Quit)];
    let done = "#2 completed + \"\"";
    for (rest, lines, update) in [
        (
            vec![s("+OK bye\r\n")],
            vec!["#3 completed + \"bye\"", "closed Committed"],
            Update::Committed,
        ),
        (
            vec![s("-ERR some\r\n")],
            vec!["#3 completed - \"some\"", "closed Refused"],
            Update::Refused,
        ),
        (vec![Step::End(Eof::Clean)], vec!["closed Unknown Clean"], Update::Unknown),
        (vec![Step::End(Eof::Abrupt)], vec!["closed Unknown Abrupt"], Update::Unknown),
        (vec![s("+O"), Step::End(Eof::Abrupt)], vec!["closed Unknown Abrupt"], Update::Unknown),
        (
            vec![s("+OK bye\r"), Step::End(Eof::Clean)],
            vec!["closed Unknown Clean"],
            Update::Unknown,
        ),
        (vec![s("bye\r\n")], vec!["error MalformedStatus { line: \"bye\" }"], Update::Unknown),
        (vec![s("+OK\n")], vec!["error BareLineFeed"], Update::Unknown),
    ] {
        let script = [&marked[..], &rest].concat();
        let run = expect_in_transaction(strict(), &script, &[vec![done], lines].concat());
        assert_eq!(run.session.update(), update);
    }
    let mut run = Run::in_transaction(tolerant());
    run.send(&Command::Quit).unwrap();
    assert_eq!(run.session.update(), Update::Unknown);
    run.session.time_out();
    assert_eq!(run.session.update(), Update::Unknown);
}

/// I9: a QUIT that has not left commits nothing; one that left behind an unanswered command may have.
#[test]
fn a_quit_that_waits() {
    let mut run = Run::in_transaction(tolerant());
    run.queue(&Command::Quit).unwrap();
    bytes::Buf::advance(&mut run.session.outgoing(), 5);
    assert_eq!(run.session.update(), Update::NotRequested);
    run.end(Eof::Clean);
    assert_eq!(run.take_trace(), [eof("Write", Eof::Clean)]);
    assert_eq!(run.session.update(), Update::NotRequested);

    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let script = [Step::C(retr(1)), Step::C(Command::Quit), s("+OK\r\nx"), Step::End(Eof::Clean)];
    let rest = eof("Rest(CommandId(2))", Eof::Clean);
    let lines = ["#2 started + \"\"", "#2 data \"x\"", &rest];
    let run = expect_in_transaction(config, &script, &lines);
    assert_eq!(run.session.update(), Update::Unknown);
    // From AUTHORIZATION there is nothing to commit (R1939-4.09).
    let script = [s(GREETING), Step::C(Command::Quit), Step::End(Eof::Clean)];
    expect(config, &script, &[GREETED, "closed NotRequested Clean"]);
}

/// H8, R1939-3.09: a time-out says what was awaited, is final, and nothing that comes later is read.
#[test]
fn a_time_out_says_what_was_awaited() {
    type Case = (fn() -> Run, fn(&Run) -> Waiting, bool);
    let cases: [Case; 7] = [
        (|| Run::new(tolerant(), Channel::Clear), |_| Waiting::Greeting, true),
        (|| Run::in_transaction(tolerant()), |_| Waiting::Nothing, true),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.queue(&Command::Noop).unwrap();
                run
            },
            |_| Waiting::Write,
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.send(&Command::Noop).unwrap();
                run.feed(b"+O");
                run
            },
            |run| Waiting::Reply(run.ids[2]),
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.send(&retr(1)).unwrap();
                run.feed(b"+OK\r\nx");
                run
            },
            |run| Waiting::Rest(run.ids[2]),
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.feed(b"-ERR idle\r\n");
                run
            },
            |_| Waiting::Close,
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.end(Eof::Clean);
                run
            },
            |_| Waiting::Nothing,
            false,
        ),
    ];
    for (reach, waiting, open) in cases {
        let mut run = reach();
        let waiting = waiting(&run);
        assert_eq!(run.session.waiting(), waiting);
        run.take_trace();
        let error = ProtocolError::TimedOut { waiting };
        assert_eq!(run.session.time_out(), error);
        run.feed(b"+OK late\r\n");
        assert_eq!(run.session.incoming(), b"");
        assert!(!run.session.wants_read() && !run.session.wants_write());
        assert_eq!(run.session.in_flight(), 0);
        assert_eq!(run.send(&Command::Noop), Err(SendError::Over));
        if open {
            assert_eq!(run.session.time_out(), error, "the first error stays");
            assert_eq!(run.take_trace(), [error_line(&error)]);
            assert_eq!(run.session.state(), State::Failed);
        } else {
            assert_eq!(run.take_trace(), [""; 0]);
            assert_eq!(run.session.state(), State::Closed);
        }
    }
}

/// R1939-3.05, R2449-3.02, E1, E3, E8: a status line ends within its limit, judged on incomplete data.
#[test]
fn a_status_line_at_its_limit() {
    let mut config = strict();
    config.limits.status_line = 512;
    let line = |octets: usize| format!("+OK {}", "<".repeat(octets - 6));
    let error = "error LineTooLong { limit: 512 }";
    let greeting = format!("greeting + \"{}\"", "<".repeat(506));
    expect(config, &[s(line(512) + "\r\n")], &[&greeting]);
    expect(config, &[s(line(513) + "\r\n")], &[error]);
    expect(config, &[s(line(514))], &[error]);
    expect(config, &[s(line(513))], &[]);
    let completed = format!("#2 completed + \"{}\"", "<".repeat(506));
    let noop = Step::C(Command::Noop);
    expect_in_transaction(config, &[noop.clone(), s(line(512) + "\r\n")], &[&completed]);
    expect_in_transaction(config, &[noop, s(line(513) + "\r\n")], &[error]);
    // The default.
    let mut run = Run::new(tolerant(), Channel::Clear);
    run.feed(&[b'x'; 8191]);
    assert_eq!(run.take_trace(), [""; 0]);
    run.feed(b"x");
    assert_eq!(run.take_trace(), ["error LineTooLong { limit: 8192 }"]);
}

/// R2449-3.03, E4, E6, E7: so does a line of a listing; E2, E20: lines of a body have no limit.
#[test]
fn a_listing_line_at_its_limit() {
    let mut config = strict();
    config.limits.listing_line = 512;
    config.limits.status_line = 100;
    let line = |octets: usize| format!("X {}", "y".repeat(octets - 4));
    let started = "#2 started + \"\"";
    let capability = format!("#2 capability {}", line(512));
    let script =
        |octets: usize| [Step::C(Command::Capa), s(format!("+OK\r\n{}\r\n.\r\n", line(octets)))];
    expect_in_transaction(config, &script(512), &[started, &capability, "#2 finished"]);
    expect_in_transaction(config, &script(513), &[started, "error LineTooLong { limit: 512 }"]);
    let long = "z".repeat(2000);
    let body = [Step::C(retr(1)), s(format!("+OK\r\n{long}\r\n.\r\n"))];
    let data = format!("#2 data \"{long}\\r\\n\"");
    expect_in_transaction(config, &body, &[started, &data, "#2 finished"]);
}

/// I1, I2, D15: lines as long as the block that holds them, at every offset in it; and bodies of every length around it.
#[test]
fn a_block_no_longer_than_a_line() {
    let mut config = tolerant();
    config.limits.status_line = 64;
    config.limits.listing_line = 64;
    config.limits.input_block = 1;
    for first in 7..=64 {
        let line = |octets: usize| format!("1 {}\r\n", "u".repeat(octets - 4));
        let listing = format!("+OK\r\n{}{}{}.\r\n", line(first), line(64), line(63));
        let item = |octets: usize| format!("#2 id 1 {}", "u".repeat(octets - 4));
        let told = "#2 deviation ListingOrder";
        let script = [Step::C(Command::Uidl(None)), s(listing)];
        expect_in_transaction(
            config,
            &script,
            &["#2 started + \"\"", &item(first), told, &item(64), &item(63), "#2 finished"],
        );
    }
    for len in 1..=200 {
        let body = "b".repeat(len);
        let data = format!("#2 data \"{body}\\r\\n\"");
        let script = [Step::C(retr(1)), s(format!("+OK\r\n{body}\r\n.\r\n"))];
        let lines = ["#2 started + \"\"", &data, "#2 finished"];
        expect_in_transaction(config, &script, &lines);
    }
}

/// E11, E12, E16, E18: listings have a limit in items, of which malformed ones are some.
#[test]
fn a_listing_at_its_limit() {
    for mut config in presets() {
        config.limits.listing_items = 3;
        config.limits.capabilities = 2;
        let started = "#2 started + \"\"";
        for (command, item) in [(Command::List(None), "scan"), (Command::Uidl(None), "id")] {
            let listing = |count: usize| {
                let lines: String = ["1 1\r\n", "2 2\r\n", "3 3\r\n", "4 4\r\n"][..count].concat();
                [Step::C(command.clone()), s(format!("+OK\r\n{lines}.\r\n"))]
            };
            let items = [1, 2, 3].map(|n| format!("#2 {item} {n} {n}"));
            let [one, two, three] = items.each_ref().map(String::as_str);
            let lines = [started, one, two, three, "#2 finished"];
            expect_in_transaction(config, &listing(3), &lines);
            let lines = [started, one, two, three, "error TooManyItems { limit: 3 }"];
            expect_in_transaction(config, &listing(4), &lines);
        }
        let lines = [started, "#2 capability A", "#2 capability B"];
        for (rest, end) in
            [(".\r\n", "#2 finished"), ("C\r\n.\r\n", "error TooManyItems { limit: 2 }")]
        {
            let script = [Step::C(Command::Capa), s(format!("+OK\r\nA\r\nB\r\n{rest}"))];
            expect_in_transaction(config, &script, &[&lines[..], &[end]].concat());
        }
    }
    let mut config = tolerant();
    config.limits.capabilities = 2;
    let script = [Step::C(Command::Capa), s("+OK\r\n\r\n\r\n\r\n.\r\n")];
    expect_in_transaction(
        config,
        &script,
        &[
            "#2 started + \"\"",
            "#2 deviation MalformedItem",
            "#2 malformed \"\"",
            "#2 malformed \"\"",
            "error TooManyItems { limit: 2 }",
        ],
    );
}

/// G9: LIST n and UIDL n are answered for the message that was asked for.
#[test]
fn an_answer_for_another_message() {
    let error = "error WrongMessage { asked: MessageNumber(2), answered: MessageNumber(1) }";
    for config in presets() {
        for command in [Command::List(Some(number(2))), Command::Uidl(Some(number(2)))] {
            for reply in ["+OK 1 120\r\n", "+OK 00001 9\r\n"] {
                expect_in_transaction(config, &[Step::C(command.clone()), s(reply)], &[error]);
            }
            let fine = [Step::C(command), s("-ERR no such message\r\n")];
            expect_in_transaction(config, &fine, &["#2 completed - \"no such message\""]);
        }
    }
}

/// R1939-7.05, R1939-7.06, C0041, E10, G8, G11, G14: gaps and unique-ids that occur twice are legal in every preset,
/// and so are ids that look like paths; ids that differ in case differ.
#[test]
fn gaps_and_equal_unique_ids_are_legal() {
    for config in presets() {
        let listing = "+OK\r\n1 a\r\n3 a\r\n7 A\r\n8 ../../x\r\n4294967295 ~\r\n.\r\n";
        let script = [Step::C(Command::Uidl(None)), s(listing)];
        expect_in_transaction(
            config,
            &script,
            &[
                "#2 started + \"\"",
                "#2 id 1 a",
                "#2 id 3 a",
                "#2 id 7 A",
                "#2 id 8 ../../x",
                "#2 id 4294967295 ~",
                "#2 finished",
            ],
        );
    }
}

/// R1939-5.05, D13: an empty maildrop has an empty listing, an empty message an empty body.
#[test]
fn empty_listings_and_bodies() {
    let raw = Command::raw("XLST", RawFraming::Multiline).unwrap();
    for config in presets() {
        for command in
            [Command::List(None), Command::Uidl(None), Command::Capa, retr(1), raw.clone()]
        {
            let script = [Step::C(command), s("+OK\r\n.\r\n")];
            expect_in_transaction(config, &script, &["#2 started + \"\"", "#2 finished"]);
        }
    }
}

/// R1939-3.10, V0002, D1 to D9, D11 to D13, D17, D20: where a body ends, and what is left of its dots.
#[test]
fn bodies() {
    for (wire, body) in [
        (".\r\n", ""),
        ("\r\n.\r\n", "\r\n"),
        ("..\r\n.\r\n", ".\r\n"),
        (".secret\r\n.\r\n", "secret\r\n"),
        ("text\r\n..\r\n+OK forged\r\n.\r\n", "text\r\n.\r\n+OK forged\r\n"),
        ("A\n.\n+OK SMUGGLED\r\n.\r\n", "A\n.\n+OK SMUGGLED\r\n"),
        ("A\n.\r\n.\r\n", "A\n.\r\n"),
        ("A\r\n.\n\r\n.\r\n", "A\r\n\n\r\n"),
        ("A\r\n.\r\r\n.\r\n", "A\r\n\r\r\n"),
        ("A\r\r\n.\r\n", "A\r\r\n"),
        ("A\r\n\0.\r\n.\r\n", "A\r\n\0.\r\n"),
        ("\r.\r\n.\r\n", "\r.\r\n"),
        ("foo.\r\n.\r\n", "foo.\r\n"),
    ] {
        for config in presets() {
            for text in ["", " 999999999999999999999 octets", " 0 octets"] {
                let reply = format!("+OK{text}\r\n{wire}-ERR next\r\n");
                let mut config = config;
                config.pipelining = Pipelining::Always;
                let script = [Step::C(retr(1)), Step::C(Command::Noop), s(reply)];
                let started = format!("#2 started + {:?}", text.trim_start());
                let data = format!("#2 data \"{}\"", body.as_bytes().escape_ascii());
                let mut lines = vec![started.as_str()];
                lines.extend((!body.is_empty()).then_some(data.as_str()));
                lines.extend(["#2 finished", "#3 completed - \"next\""]);
                expect_in_transaction(config, &script, &lines);
            }
        }
    }
}

/// All octets of a body, read in windows of `read` octets, chunks kept for `kept` reads.
fn body_of(wire: &[u8], read: usize, kept: usize) -> Vec<u8> {
    let mut run = Run::in_transaction(tolerant());
    let id = run.send(&retr(1)).unwrap();
    let (mut body, mut held) = (Vec::new(), std::collections::VecDeque::<Vec<Bytes>>::new());
    let mut rest = wire;
    loop {
        let mut chunks = Vec::new();
        while let Some(event) = run.session.poll_event().unwrap() {
            match event {
                Event::Data { id: of, data } => {
                    assert_eq!(of, id);
                    body.extend_from_slice(&data);
                    chunks.push(data);
                }
                Event::Finished { .. } => {
                    assert_eq!(rest, b"");
                    return body;
                }
                other => assert!(matches!(other, Event::Started { .. })),
            }
        }
        held.push_back(chunks);
        while held.len() > kept {
            held.pop_front();
        }
        let window = run.session.incoming();
        let len = read.min(window.len()).min(rest.len());
        assert!(len > 0);
        window[..len].copy_from_slice(&rest[..len]);
        run.session.received(len);
        rest = &rest[len..];
    }
}

/// D1, D11, I1, I4: bodies of which every line begins with a dot, while chunks are dropped and while they are held.
#[test]
fn dense_dots() {
    for line in [&b".\r\n"[..], b"..\r\n", b".a\r\n", b"\r\n", b"a.\r\n", b".\r.\n.\r\n"] {
        let body = line.repeat((1 << 20) / line.len());
        let mut wire = b"+OK\r\n".to_vec();
        for line in body.split_inclusive(|&octet| octet == b'\n') {
            // Bare LF begins no line: what is stuffed follows CRLF or begins the body.
            let begins = wire.ends_with(b"\r\n");
            if begins && line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        wire.extend_from_slice(b".\r\n");
        for (read, kept) in
            [(65_536, 0), (1024, 0), (4099, 0), (65_536, 1), (4099, 1), (4099, usize::MAX)]
        {
            assert!(body_of(&wire, read, kept) == body, "{line:?}, {read} octets, {kept} kept");
        }
    }
}

/// I1, D1, D11: how a body is searched may follow from the one before it, what is found in it may not.
#[test]
fn a_body_is_the_same_behind_any_other() {
    let plain = "a line of a message like others, of some fifty octets\r\n";
    let bodies = [
        String::new(),
        ".\r\n".into(),
        ".\r\n".repeat(200),
        plain.into(),
        format!("{plain}.\r\n"),
        format!("{}.a\r\n{plain}", plain.repeat(4)),
        format!("{}.a\r\n{plain}..\r\n", plain.repeat(40)),
        plain.repeat(100),
    ];
    let wire = |body: &String| {
        let lines = body.split_inclusive('\n');
        let stuffed: String =
            lines.map(|line| line.replacen('.', "..", line.starts_with('.').into())).collect();
        format!("+OK\r\n{stuffed}.\r\n")
    };
    for read in [usize::MAX, 61] {
        let mut run = Run::in_transaction(tolerant());
        for body in
            bodies.iter().flat_map(|first| bodies.iter().flat_map(move |then| [first, then]))
        {
            let id = run.send(&retr(1)).unwrap();
            let mut seen = Vec::new();
            for octets in wire(body).as_bytes().chunks(read) {
                assert_eq!(run.session.receive(octets), octets.len());
                while let Some(event) = run.session.poll_event().unwrap() {
                    assert!(event.replies_to(id), "{event:?}");
                    if let Event::Data { data, .. } = event {
                        seen.extend_from_slice(&data);
                    }
                }
            }
            assert_eq!(run.session.in_flight(), 0);
            assert!(seen == body.as_bytes(), "{} octets, {read} a read", body.len());
        }
    }
}

/// The sizes of the pieces in which a body comes that is received in reads of `read` octets.
fn pieces(body: &[u8], read: usize) -> Vec<usize> {
    let mut config = tolerant();
    config.limits.input_block = 128 << 10;
    let mut run = Run::in_transaction(config);
    run.send(&retr(1)).unwrap();
    let wire = [b"+OK\r\n", body, b".\r\n"].concat();
    let mut sizes = Vec::new();
    for octets in wire.chunks(read) {
        assert_eq!(run.session.receive(octets), octets.len());
        while let Some(event) = run.session.poll_event().unwrap() {
            if let Event::Data { data, .. } = event {
                sizes.push(data.len());
            }
        }
    }
    sizes
}

/// I4: runs that are short are moved together, not given away one by one; long ones are given away as they are.
#[test]
fn short_runs_are_moved_together() {
    let dense = b"..\r\n".repeat(8192);
    let plain = b"a line of a message like others, of some fifty octets\r\n".repeat(600);
    let both = [&dense[..], &plain].concat();
    let sizes = pieces(&both, usize::MAX);
    assert_eq!(sizes.iter().sum::<usize>(), 3 * 8192 + plain.len());
    assert!(sizes.len() <= 12, "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > plain.len() / 2), "{sizes:?}");
    // One piece for each read, though the reads end inside a line.
    for (body, read) in [(&dense, 1001), (&plain, 1000), (&plain, 10_000)] {
        let sizes = pieces(body, read);
        assert!(sizes.len() <= body.len().div_ceil(read) + 2, "{read} {sizes:?}");
    }
}

/// I3: the rest of what is abandoned is read up to the limit, terminator included, and not an octet further.
#[test]
fn draining_has_a_limit() {
    let mut config = tolerant();
    config.limits.drain = 100;
    let error = "error DrainLimit { limit: 100 }";
    for (command, rest) in [
        (retr(1), format!("{}\r\n.\r\n", "x".repeat(95))),
        (retr(1), format!("..{}\r\n.\r\n", "\r\n".repeat(46) + "x")),
        (Command::List(None), "1 1\r\n".repeat(18) + "xxxxx\r\n" + ".\r\n"),
        (Command::Capa, format!("{}\r\n.\r\n", "x".repeat(95))),
    ] {
        let over = rest.replacen('x', "xx", 1);
        for (rest, line) in [(rest, "#2 finished"), (over, error)] {
            let abandoned =
                [Step::C(command.clone()), Step::Abandon(2), s(format!("+OK\r\n{rest}"))];
            expect_in_transaction(config, &abandoned, &[line]);
            let midway = [Step::C(command.clone()), s("+OK\r\n"), Step::Abandon(2), s(&rest)];
            expect_in_transaction(config, &midway, &["#2 started + \"\"", line]);
        }
    }
    assert_eq!(tolerant().limits.drain, 1 << 20);
    // A single line is no drain, and what is not abandoned has no such limit.
    let line = "x".repeat(200);
    let single = [Step::C(Command::Noop), Step::Abandon(2), s(format!("+OK {line}\r\n"))];
    expect_in_transaction(config, &single, &[&format!("#2 completed + \"{line}\"")]);
}

/// R1939-3.09: what is abandoned still ends, and its effects still happen; what follows correlates.
#[test]
fn abandoned_commands_still_take_effect() {
    let mut config = strict();
    config.pipelining = Pipelining::Always;
    let script = [
        Step::C(dele(1)),
        Step::C(Command::Stat),
        Step::C(Command::Uidl(Some(number(2)))),
        Step::C(Command::Uidl(None)),
        Step::C(retr(2)),
        Step::C(Command::Capa),
        Step::C(Command::Noop),
        Step::Abandon(2),
        Step::Abandon(3),
        Step::Abandon(4),
        Step::Abandon(5),
        Step::Abandon(6),
        Step::Abandon(7),
        s(
            "+OK\r\n+OK 2 3\r\n+OK 2 b\r\n+OK\r\n2 b\r\nnonsense\r\n.\r\n+OK\r\n..\r\n.\r\n+OK\r\nPIPELINING\r\n.\r\n",
        ),
        s("+OK mine\r\n"),
    ];
    let run = expect_in_transaction(
        config,
        &script,
        &[
            "#2 completed + \"\"",
            "#3 completed + \"2 3\"",
            "#4 completed + \"2 b\"",
            "#5 finished",
            "#6 finished",
            "#7 finished",
            "#8 completed + \"mine\"",
        ],
    );
    assert!(run.session.is_marked(number(1)));
    assert_eq!(run.session.capabilities(), None, "a list that nobody saw is none");
    // Login.
    let mut script = login();
    script.insert(4, Step::Abandon(1));
    assert_eq!(all_ways(config, &script).session.state(), State::Transaction);
}

/// A command that is not in flight cannot be abandoned, nor one that has ended.
#[test]
fn only_what_is_in_flight_is_abandoned() {
    let mut run = Run::in_transaction(tolerant());
    let id = run.send(&Command::Noop).unwrap();
    assert!(run.session.abandon(id) && run.session.abandon(id));
    run.feed(b"+OK\r\n");
    assert_eq!(run.take_trace(), ["#2 completed + \"\""]);
    assert!(!run.session.abandon(id));
}

/// G16: junk in a capability list is handed over or skipped, and never kept.
#[test]
fn junk_in_a_capability_list() {
    let junk = "+OK\r\n\r\n \r\nSASL\r\nSASL  PLAIN\r\n+APOP\r\nLOGIN-DELAY -1\r\nEXPIRE 99999999999999999999\r\n\
                pIpElInInG\r\n..x\r\n\x01\r\n.\r\n";
    let script = [Step::C(Command::Capa), s(junk)];
    let run = expect_in_transaction(
        tolerant(),
        &script,
        &[
            "#2 started + \"\"",
            "#2 deviation MalformedItem",
            "#2 malformed \"\"",
            "#2 malformed \" \"",
            "#2 capability SASL",
            "#2 deviation FieldSeparators",
            "#2 capability SASL PLAIN",
            "#2 capability +APOP",
            "#2 capability LOGIN-DELAY -1",
            "#2 capability EXPIRE 99999999999999999999",
            "#2 capability pIpElInInG",
            "#2 malformed \".x\"",
            "#2 malformed \"\\u{1}\"",
            "#2 finished",
        ],
    );
    assert_eq!(run.session.capabilities().map(pop3_proto::Capabilities::len), Some(6));
    assert!(run.session.may_pipeline());
}

/// R2449-5.03, A4: `-ERR` to CAPA leaves the list as it was; a new list takes the place of the old one only as a whole.
#[test]
fn a_capability_list_is_kept_whole() {
    let mut run = Run::in_transaction(tolerant());
    let mut capa = |reply: &str| {
        run.send(&Command::Capa).unwrap();
        run.feed(reply.as_bytes());
        run.session
            .capabilities()
            .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let list = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(capa("-ERR no\r\n"), None);
    assert_eq!(capa("+OK\r\nTOP\r\nUIDL\r\n.\r\n"), list(&["TOP", "UIDL"]));
    assert_eq!(capa("-ERR no\r\n"), list(&["TOP", "UIDL"]));
    assert_eq!(capa("+OK\r\nX\r\n.\r\n"), list(&["X"]));
    assert_eq!(capa("+OK\r\n.\r\n"), list(&[]));
}

/// R1939-3.11, H4: a `-ERR` greeting is the end, and nothing is sent.
#[test]
fn a_refused_greeting() {
    for config in presets() {
        let script = [s("-ERR [IN-USE] POP3 server not ready\r\n+OK really\r\n")];
        let lines = ["greeting - \"[IN-USE] POP3 server not ready\"", "closed NotRequested"];
        let mut run = expect(config, &script, &lines);
        assert_eq!(run.send(&Command::Capa), Err(SendError::Over));
        assert_eq!((run.session.state(), run.sent.as_slice()), (State::Closed, &b""[..]));
        let greeting = run.session.greeting().unwrap();
        let code = greeting.response.code().unwrap();
        assert_eq!(code.known(), Some(KnownCode::InUse));
    }
}

/// R1957-1.01, R1939-3.11, H5: any positive response greets, with or without text.
#[test]
fn positive_greetings() {
    for (line, text) in [("+OK", ""), ("+OK ", ""), ("+OK  x", " x"), ("+OK \u{e4}", "\u{e4}")] {
        for config in presets() {
            let greeting = format!("greeting + \"{text}\"");
            let run = expect(config, &[s(format!("{line}\r\n"))], &[&greeting]);
            assert_eq!(run.session.state(), State::Authorization);
        }
    }
}

/// H5: another protocol's banner is no greeting; under `any_plus_positive` it is a negative one. Nothing is sent.
#[test]
fn foreign_banners() {
    for (banner, text) in [
        ("220 smtp", "220 smtp"),
        ("* OK imap", "* OK imap"),
        ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
        ("SSH-2.0-x", "SSH-2.0-x"),
        ("OK", "OK"),
        ("-ERRfoo", "foo"),
        ("", ""),
        ("\0+OK", "\0+OK"),
        (" +OK", " +OK"),
    ] {
        let line = s(format!("{banner}\r\n"));
        let shown = pop3_proto::Escaped::new(banner.as_bytes()).to_string();
        let error = format!("error NotAGreeting {{ line: \"{shown}\" }}");
        for config in [strict(), tolerant()] {
            let run = expect(config, std::slice::from_ref(&line), &[&error]);
            assert_eq!((run.session.state(), run.sent.as_slice()), (State::Failed, &b""[..]));
        }
        let text = pop3_proto::Escaped::new(text.as_bytes()).to_string();
        let greeting = format!("greeting - \"{text}\"");
        let lines = ["deviation AnyPlusPositive", &greeting, "closed NotRequested"];
        let run = expect(outlook(), &[line], &lines);
        assert_eq!((run.session.state(), run.sent.as_slice()), (State::Closed, &b""[..]));
    }
}

/// H5: a server that speaks TLS where none was asked for.
#[test]
fn records_of_tls() {
    for config in presets() {
        // An alert: unexpected_message.
        let alert = s(b"\x15\x03\x01\x00\x02\x02\x0a");
        expect(config, &[alert], &["error BareLineFeed"]);
        let hello = [&b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"[..], &[0xaa; 100]].concat();
        let end = eof("Greeting", Eof::Clean);
        expect(config, &[s(&hello), Step::End(Eof::Clean)], &[&end]);
        let mut config = config;
        config.limits.status_line = 64;
        expect(config, &[s(&hello)], &["error LineTooLong { limit: 64 }"]);
    }
}

/// H3, V0005: `-ERR` to a multi-line command is one line, and the next reply is the next command's.
#[test]
fn a_negative_reply_is_one_line() {
    let raw = Command::raw("XLST", RawFraming::Multiline).unwrap();
    for config in presets() {
        for command in
            [retr(1), Command::List(None), Command::Uidl(None), Command::Capa, raw.clone()]
        {
            let script = [Step::C(command), s("-ERR no\r\n"), Step::C(Command::Noop), s("+OK\r\n")];
            let lines = ["#2 completed - \"no\"", "#3 completed + \"\""];
            expect_in_transaction(config, &script, &lines);
        }
    }
}

/// H18, R2449-8.01, R2449-8.03, R3206-4.02, K3: a response code stands first; texts are shown escaped, and kept as they came.
#[test]
fn codes_and_hostile_texts() {
    let mut run = Run::greeted(strict());
    run.send(&Command::Capa).unwrap();
    assert_eq!(run.session.receive(b"-ERR [sys/perm/x] \x1b[31m\xff\xe2\x80\xae%s\r\n"), 31);
    let Ok(Some(Event::Completed { response, .. })) = run.session.poll_event() else {
        panic!("no reply");
    };
    assert_eq!(response.code().unwrap().known(), Some(KnownCode::SysPerm));
    assert_eq!(response.text.octets(), b"[sys/perm/x] \x1b[31m\xff\xe2\x80\xae%s");
    assert_eq!(response.text.to_string(), "[sys/perm/x] \\u{1b}[31m\\xff\\u{202e}%s");
}

/// K5: an error shows what came escaped, and no more than 120 octets of it.
#[test]
fn errors_are_bounded_and_escaped() {
    let mut run = Run::new(strict(), Channel::Clear);
    run.feed(&[b"\x1b]0;\xc2\x9b".to_vec(), vec![b'x'; 5000], b"\r\n".to_vec()].concat());
    let shown = run.session.poll_event().unwrap_err().to_string();
    let expected = format!(
        "the server did not greet as a POP3 server: \"\\u{{1b}}]0;\\u{{9b}}{}\"",
        "x".repeat(120 - 6)
    );
    assert_eq!(shown, expected);
}
