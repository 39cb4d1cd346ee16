//! How Outlook reads what a server says, and what becomes of a server that falls silent where Outlook would hang:
//! `Leniency::outlook`.

use pop3_proto::Command;
use pop3_proto::client::{Channel, ClientConfig, Eof, ProtocolError, Update, Waiting};

use crate::client::{in_transaction, outlook, top};
use crate::support::{
    Run, Step, dele, expect, login, number, pass, retr, s, strict, tolerant, user,
};

/// Runs a session that logs in, says `commands` with these replies, and leaves; the lines are those of its events
/// between the login and QUIT, whose commands count from `#2`.
#[track_caller]
fn session(config: ClientConfig, commands: &[(Command, &str)], lines: &[&str]) -> Run {
    let mut script = login();
    script.extend(exchanges(commands));
    script.extend([Step::C(Command::Quit), s("+OK bye\r\n")]);
    let bye = format!("#{} completed + \"bye\"", commands.len() + 2);
    let logged_in = ["#0 completed + \"\"", "#1 completed + \"\""];
    let expected =
        [&[crate::support::GREETED][..], &logged_in, lines, &[&bye, "closed Committed"]].concat();
    expect(config, &script, &expected)
}

/// The same where the last reply is the session's end.
#[track_caller]
fn fails(config: ClientConfig, commands: &[(Command, &str)], lines: &[&str]) {
    let script = exchanges(commands).collect::<Vec<_>>();
    crate::support::expect_in_transaction(config, &script, lines);
}

fn exchanges(commands: &[(Command, &str)]) -> impl Iterator<Item = Step> {
    commands.iter().flat_map(|(command, reply)| [Step::C(command.clone()), s(reply)])
}

/// What the session waits for is `waiting`, which a time-out names and an end of the connection too.
#[track_caller]
fn is_missed(prepare: impl Fn() -> Run, waiting: impl Fn(&Run) -> Waiting, named: &str) {
    let mut run = prepare();
    let waiting = waiting(&run);
    assert_eq!(run.session.waiting(), waiting);
    let error = run.session.time_out();
    assert_eq!(error, ProtocolError::TimedOut { waiting });
    assert_eq!(error.to_string(), format!("timed out waiting for {named}"));
    assert_eq!(run.session.poll_event(), Err(error));
    let mut run = prepare();
    run.session.receive_eof(Eof::Clean);
    let error = run.session.poll_event().unwrap_err();
    assert_eq!(error, ProtocolError::UnexpectedEof { waiting, eof: Eof::Clean });
}

/// A session that has sent `command` and has got as much of the reply.
fn asked(command: &Command, part: &str) -> Run {
    let mut run = Run::in_transaction(outlook());
    run.send(command).unwrap();
    run.feed(part.as_bytes());
    run
}

/// C0002, C0005: no greeting, or one without its CRLF. An end of line that is none is refused at once.
#[test]
fn a_greeting_that_does_not_come() {
    for part in ["", "+", "+OK ready", "+OK ready\r"] {
        let greeted = || {
            let mut run = Run::new(outlook(), Channel::Clear);
            run.feed(part.as_bytes());
            run
        };
        is_missed(greeted, |_| Waiting::Greeting, "the greeting");
    }
    for config in [outlook(), tolerant(), strict()] {
        expect(config, &[s("+OK ready\n")], &["error BareLineFeed"]);
    }
}

/// C0005, C0014: no reply, or one without its CRLF.
#[test]
fn a_reply_that_does_not_come() {
    for (command, name) in
        [(Command::Stat, "STAT"), (retr(1), "RETR"), (dele(1), "DELE"), (Command::Noop, "NOOP")]
    {
        for part in ["", "+OK 2 320", "+OK 2 320\r", "-ERR"] {
            is_missed(
                || asked(&command, part),
                |run| Waiting::Reply(run.ids[2]),
                &format!("the reply to {name}"),
            );
        }
        for config in [outlook(), tolerant(), strict()] {
            fails(config, &[(command.clone(), "+OK 2 320\n")], &["error BareLineFeed"]);
        }
    }
}

/// C0006: no final line, or one without its CRLF; what came before is told.
#[test]
fn an_end_that_does_not_come() {
    for (command, name, line) in [
        (Command::List(None), "LIST", "1 120\r\n"),
        (Command::Uidl(None), "UIDL", "1 a\r\n"),
        (Command::Capa, "CAPA", "TOP\r\n"),
        (retr(1), "RETR", "Subject: one\r\n"),
        (top(1, 0), "TOP", "Subject: one\r\n"),
    ] {
        for end in ["", ".", ".\r", "..\r\n.", "1 1"] {
            // In a listing the preset takes `..` for the end: V0002.
            if end.starts_with("..") && command.lists_items() {
                continue;
            }
            let rest = format!("+OK\r\n{line}{end}");
            is_missed(
                || asked(&command, &rest),
                |run| Waiting::Rest(run.ids[2]),
                &format!("the rest of the reply to {name}"),
            );
            let told = asked(&command, &rest).take_trace();
            assert_eq!(told[0], "#2 started + \"\"");
            assert!(told.len() == 2 && !told[1].contains("finished"), "{told:?}");
        }
    }
    for (command, line) in [(Command::List(None), "1 120"), (Command::Capa, "TOP")] {
        let started = "#2 started + \"\"";
        let reply = format!("+OK\r\n{line}\n.\r\n");
        fails(outlook(), &[(command, &reply)], &[started, "error BareLineFeed"]);
    }
}

/// C0004, C0017, C0021, C0038: spaces and tabs, one or more, in every response, and more behind what was asked for. A
/// strict session takes one space.
#[test]
fn spaces_and_tabs_between_fields() {
    let told = |id: u32, what: &str| format!("#{id} deviation {what}");
    session(
        outlook(),
        &[
            (Command::Stat, "+OK \t2\t \t320 and more\r\n"),
            (Command::List(None), "+OK\t2 messages\r\n1 \t 120\r\n2\t200\texactly\r\n.\r\n"),
            (Command::Uidl(None), "+OK\r\n1\t\twhqtswO\r\n2  QhdPYR seen\r\n.\r\n"),
            (Command::Noop, "+OK\t\r\n"),
            (retr(3), "-ERR\tno such message\r\n"),
            (Command::Capa, "+OK\r\nSASL \tPLAIN\tLOGIN\r\nTOP\t\r\n.\r\n"),
        ],
        &[
            &told(2, "FieldSeparators"),
            "#2 drop 2 320",
            "#2 completed + \"\\u{9}2\\u{9} \\u{9}320 and more\"",
            &told(3, "FieldSeparators"),
            "#3 started + \"2 messages\"",
            "#3 scan 1 120",
            "#3 scan 2 200",
            "#3 finished",
            "#4 started + \"\"",
            &told(4, "FieldSeparators"),
            "#4 id 1 whqtswO",
            &told(4, "TrailingInformation"),
            "#4 id 2 QhdPYR",
            "#4 finished",
            &told(5, "FieldSeparators"),
            "#5 completed + \"\"",
            &told(6, "FieldSeparators"),
            "#6 completed - \"no such message\"",
            "#7 started + \"\"",
            &told(7, "FieldSeparators"),
            "#7 capability SASL PLAIN LOGIN",
            "#7 capability TOP",
            "#7 finished",
        ],
    );
    let stamped = [s("+OK\tready <1896.697170952@dbc.mtview.ca.us>\r\n")];
    let run = expect(
        outlook(),
        &stamped,
        &["deviation FieldSeparators", "greeting + \"ready <1896.697170952@dbc.mtview.ca.us>\""],
    );
    assert!(run.session.greeting().unwrap().timestamp().is_some());

    for (command, reply, line) in [
        (Command::Stat, "+OK  2 320\r\n", " 2 320"),
        (Command::Stat, "+OK 2\t320\r\n", "2\\u{9}320"),
        (Command::List(None), "+OK\r\n1  120\r\n.\r\n", "1  120"),
        (Command::List(None), "+OK\r\n1 120\tmore\r\n.\r\n", "1 120\\u{9}more"),
        (Command::Uidl(None), "+OK\r\n1\ta\r\n.\r\n", "1\\u{9}a"),
        (Command::Uidl(None), "+OK\r\n1 a b\r\n.\r\n", "1 a b"),
    ] {
        let error = format!("error MalformedItem {{ line: \"{line}\" }}");
        let started = command.lists_items().then_some("#2 started + \"\"");
        let lines: Vec<&str> = started.into_iter().chain([error.as_str()]).collect();
        fails(strict(), &[(command, reply)], &lines);
    }
    // What one space sets apart behind the sizes is nobody's deviation (C0017, C0021).
    for config in [outlook(), strict()] {
        session(
            config,
            &[
                (Command::Stat, "+OK 2 320 and more\r\n"),
                (Command::List(None), "+OK\r\n1 9 x\r\n.\r\n"),
            ],
            &[
                "#2 drop 2 320",
                "#2 completed + \"2 320 and more\"",
                "#3 started + \"\"",
                "#3 scan 1 9",
                "#3 finished",
            ],
        );
    }
}

/// V0001: a `+` is positive, whatever follows and in any case, and everything else negative, from the greeting to
/// QUIT. A strict session takes none of these lines; whether TLS begins is not guessed either.
#[test]
fn a_plus_is_positive_and_all_else_negative() {
    let script = [
        s("+hello\r\n"),
        Step::C(user("mrose")),
        s("who is that?\r\n"),
        Step::C(user("mrose")),
        s("+oK\r\n"),
        Step::C(pass("tan staaf")),
        s("+\r\n"),
        Step::C(Command::Stat),
        s("+Ok 2 320\r\n"),
        Step::C(Command::List(None)),
        s("+LIST\r\n1 120\r\n.\r\n"),
        Step::C(retr(1)),
        s("+ here it is\r\nA\r\n.\r\n"),
        Step::C(dele(1)),
        s("-Err locked\r\n"),
        Step::C(dele(1)),
        s("OK\r\n"),
        Step::C(Command::Quit),
        s("+bye\r\n"),
    ];
    let run = expect(
        outlook(),
        &script,
        &[
            "deviation AnyPlusPositive",
            "greeting + \"hello\"",
            "#0 deviation AnyPlusPositive",
            "#0 completed - \"who is that?\"",
            "#1 deviation StatusCase",
            "#1 completed + \"\"",
            "#2 deviation AnyPlusPositive",
            "#2 completed + \"\"",
            "#3 deviation StatusCase",
            "#3 drop 2 320",
            "#3 completed + \"2 320\"",
            "#4 deviation AnyPlusPositive",
            "#4 started + \"LIST\"",
            "#4 scan 1 120",
            "#4 finished",
            "#5 deviation AnyPlusPositive",
            "#5 started + \"here it is\"",
            "#5 data \"A\\r\\n\"",
            "#5 finished",
            "#6 deviation StatusCase",
            "#6 completed - \"locked\"",
            "#7 deviation AnyPlusPositive",
            "#7 completed - \"OK\"",
            "#8 deviation AnyPlusPositive",
            "#8 completed + \"bye\"",
            "closed Committed",
        ],
    );
    assert!(!run.session.is_marked(number(1)));
    assert_eq!(run.session.update(), Update::Committed);

    expect(
        outlook(),
        &[s("554 no service\r\n")],
        &["deviation AnyPlusPositive", "greeting - \"554 no service\"", "closed NotRequested"],
    );
    for line in ["+hello", "+oK", "+", "+ here it is", "-Err locked", "OK", "who is that?"] {
        let reply = format!("{line}\r\n");
        let error = format!("error NotAGreeting {{ line: \"{line}\" }}");
        expect(strict(), &[s(&reply)], &[&error]);
        let error = format!("error MalformedStatus {{ line: \"{line}\" }}");
        fails(strict(), &[(dele(1), &reply)], &[&error]);
        let script = [s("+OK\r\n"), Step::C(Command::Stls), s(&reply)];
        expect(outlook(), &script, &["greeting + \"\"", &error]);
    }
}

/// V0002: in a message the octet is taken away if more follows it; in what LIST, UIDL and CAPA list it ends the reply,
/// and what follows it is not looked at. A strict session takes it away there too.
#[test]
fn the_termination_octet() {
    let body = "+OK\r\nA\r\n..\r\n.B\r\n...C\r\n. \r\n.\r\n";
    let data = |id: u32| format!("#{id} data \"A\\r\\n.\\r\\nB\\r\\n..C\\r\\n \\r\\n\"");
    for config in [outlook(), strict()] {
        session(
            config,
            &[(retr(1), body), (top(1, 9), body)],
            &[
                "#2 started + \"\"",
                &data(2),
                "#2 finished",
                "#3 started + \"\"",
                &data(3),
                "#3 finished",
            ],
        );
    }
    let listings = [
        (Command::List(None), "+OK\r\n1 120\r\n.2 200\r\n"),
        (Command::Uidl(None), "+OK\r\n1 a\r\n. end\r\n"),
        (Command::Capa, "+OK\r\nTOP\r\n..\r\n"),
    ];
    let run = session(
        outlook(),
        &listings,
        &[
            "#2 started + \"\"",
            "#2 scan 1 120",
            "#2 deviation LeadingDotEndsListing",
            "#2 finished",
            "#3 started + \"\"",
            "#3 id 1 a",
            "#3 deviation LeadingDotEndsListing",
            "#3 finished",
            "#4 started + \"\"",
            "#4 capability TOP",
            "#4 deviation LeadingDotEndsListing",
            "#4 finished",
        ],
    );
    assert_eq!(run.session.capabilities().map(pop3_proto::Capabilities::len), Some(1));
    session(
        strict(),
        &[(Command::List(None), "+OK\r\n1 120\r\n.2 200\r\n.\r\n")],
        &["#2 started + \"\"", "#2 scan 1 120", "#2 scan 2 200", "#2 finished"],
    );
}

/// C0020, C0022, C0023, C0034, C0037: LIST, RETR, TOP and UIDL are answered by several lines, and what stands in them
/// says nothing about where they end. No message is an end at once; a refusal is one line.
#[test]
fn several_lines_follow_the_command() {
    let empty = ["started + \"\"", "finished"];
    for config in [outlook(), strict()] {
        for (command, lines, told) in [
            (Command::List(None), "1 120\r\n2 200\r\n", &["scan 1 120", "scan 2 200"][..]),
            (Command::Uidl(None), "1 whqtswO\r\n2 +OK\r\n", &["id 1 whqtswO", "id 2 +OK"]),
            (retr(1), "A: b\r\n\r\n+OK 2 320\r\n", &["data \"A: b\\r\\n\\r\\n+OK 2 320\\r\\n\""]),
            (top(1, 1), "A: b\r\n\r\n-ERR\r\n", &["data \"A: b\\r\\n\\r\\n-ERR\\r\\n\""]),
        ] {
            let of = |id: u32, lines: &[&str]| -> Vec<String> {
                lines.iter().map(|line| format!("#{id} {line}")).collect()
            };
            let whole = [&empty[..1], told, &empty[1..]].concat();
            let refused = ["completed - \"no\""];
            let all = [of(2, &whole), of(3, &empty), of(4, &refused), of(5, &refused)].concat();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let reply = format!("+OK\r\n{lines}.\r\n");
            session(
                config,
                &[
                    (command.clone(), &reply),
                    (command.clone(), "+OK\r\n.\r\n"),
                    (command.clone(), "-ERR no\r\n"),
                    (command.clone(), "-ERR no\r\n"),
                ],
                &all,
            );
        }
    }
}

/// C0019, C0036: with a message-number the answer is one line, for that message. Outlook does not ask so; who reads as
/// Outlook does may.
#[test]
fn one_line_follows_a_message_number() {
    let (list, uidl) = (Command::List(Some(number(2))), Command::Uidl(Some(number(2))));
    for config in [crate::support::outlook(), strict()] {
        session(
            config,
            &[(list.clone(), "+OK 2 200\r\n"), (uidl.clone(), "+OK 2 QhdPYR\r\n")],
            &[
                "#2 scan 2 200",
                "#2 completed + \"2 200\"",
                "#3 id 2 QhdPYR",
                "#3 completed + \"2 QhdPYR\"",
            ],
        );
        let wrong = "error WrongMessage { asked: MessageNumber(2), answered: MessageNumber(1) }";
        fails(config, &[(list.clone(), "+OK 1 120\r\n")], &[wrong]);
        fails(config, &[(uidl.clone(), "+OK 1 whqtswO\r\n")], &[wrong]);
    }
}

/// C0011, C0029: messages are numbered from 1 on, and NOOP does nothing but answer.
#[test]
fn numbers_from_one_on() {
    for config in [outlook(), strict()] {
        let run = session(
            config,
            &[
                (Command::Noop, "+OK\r\n"),
                (Command::List(None), "+OK\r\n1 1\r\n2 2\r\n3 3\r\n.\r\n"),
            ],
            &[
                "#2 completed + \"\"",
                "#3 started + \"\"",
                "#3 scan 1 1",
                "#3 scan 2 2",
                "#3 scan 3 3",
                "#3 finished",
            ],
        );
        assert_eq!(run.sent, b"USER mrose\r\nPASS secret\r\nNOOP\r\nLIST\r\nQUIT\r\n");
    }
    let zero = "error MalformedItem { line: \"0 1\" }";
    let started = "#2 started + \"\"";
    fails(strict(), &[(Command::List(None), "+OK\r\n0 1\r\n.\r\n")], &[started, zero]);
    let kept = [started, "#2 deviation MalformedItem", "#2 malformed \"0 1\"", "#2 finished"];
    session(outlook(), &[(Command::List(None), "+OK\r\n0 1\r\n.\r\n")], &kept);
}

/// C0039: every octet of 0x2E to 0x7E, which the statement names, and those from 0x21 on, which RFC 1939 §7 has
/// besides; one to 70 of them. More is let through and told; a strict session refuses it. OX-31: base64 is made of them.
#[test]
fn unique_ids_of_one_to_seventy_octets() {
    let octets: String = ('!'..='~').collect();
    let (first, rest) = octets.split_at(70);
    let (one, longest) = ("~", "x".repeat(70));
    // 24 octets, as Exchange 5.0 has them.
    let base64 = "AAECAwQFBgcICQoLDA0OD/D++Pv/PgAB";
    let reply =
        format!("+OK\r\n1 {first}\r\n2 {rest}\r\n3 {one}\r\n4 {longest}\r\n5 {base64}\r\n.\r\n");
    let items = [(1, first), (2, rest), (3, one), (4, &longest), (5, base64)];
    let items = items.map(|(message, id)| format!("#2 id {message} {id}"));
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let lines = [&["#2 started + \"\""], &items[..], &["#2 finished"]].concat();
    for config in [outlook(), strict()] {
        session(config, &[(Command::Uidl(None), &reply)], &lines);
    }
    let reply = format!("+OK\r\n1 x{longest}\r\n.\r\n");
    let error = format!("error MalformedItem {{ line: \"1 x{longest}\" }}");
    let (told, long) = ("#2 deviation LongUniqueId", format!("#2 id 1 x{longest}"));
    fails(strict(), &[(Command::Uidl(None), &reply)], &[lines[0], &error]);
    session(outlook(), &[(Command::Uidl(None), &reply)], &[lines[0], told, &long, lines[6]]);
}

/// C0041: two messages with one unique-id are two messages; what is done to one, by its number, is not done to the
/// other.
#[test]
fn two_copies_with_one_unique_id() {
    for config in [outlook(), strict()] {
        let run = session(
            config,
            &[
                (Command::Uidl(None), "+OK\r\n1 same\r\n2 same\r\n.\r\n"),
                (retr(2), "+OK\r\nB\r\n.\r\n"),
                (dele(2), "+OK\r\n"),
                (retr(1), "+OK\r\nA\r\n.\r\n"),
            ],
            &[
                "#2 started + \"\"",
                "#2 id 1 same",
                "#2 id 2 same",
                "#2 finished",
                "#3 started + \"\"",
                "#3 data \"B\\r\\n\"",
                "#3 finished",
                "#4 completed + \"\"",
                "#5 started + \"\"",
                "#5 data \"A\\r\\n\"",
                "#5 finished",
            ],
        );
        assert_eq!([1, 2].map(|message| run.session.is_marked(number(message))), [false, true]);
    }
}

/// MS-2.3, C0014: there are no errors of its own kind: each command may be refused, that is its reply, and the
/// session goes on with the next.
#[test]
fn each_command_may_be_refused() {
    let commands = in_transaction().into_iter().chain([Command::Capa]);
    let refused: Vec<_> = commands.map(|command| (command, "-ERR not now\r\n")).collect();
    let lines: Vec<String> =
        (2..).take(refused.len()).map(|id| format!("#{id} completed - \"not now\"")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for config in [outlook(), strict()] {
        let run = session(config, &refused, &lines);
        assert!(!run.session.is_marked(number(1)));
    }
}
