//! What a server says: how long it may be, what a listing holds, and what is told of it.

use pop3_proto::client::{Channel, Event};
use pop3_proto::{Command, KnownCode, RawFraming};

use crate::support::{
    Run, Step, expect, expect_in_transaction, number, presets, retr, s, strict, tolerant,
};

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
