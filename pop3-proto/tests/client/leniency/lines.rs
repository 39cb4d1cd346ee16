//! Switches of what is a line, a field and a status, forbidden and allowed.

use pop3_proto::Command;
use pop3_proto::client::Eof;
use pop3_proto::codec::LineEnding;
use pop3_proto::state::State;

use super::{all_but, only, reply};
use crate::support::{
    GREETED, Step, expect, expect_in_transaction, number, outlook, presets, retr, s, strict,
    tolerant,
};

/// R1939-3.02, R1939-5.01, R1939-5.02, R1939-7.01: one space, not a run and no tab.
#[test]
fn field_separators_forbid() {
    let config = all_but(|switches| {
        switches.field_separators = false;
        switches.malformed_items = false;
        switches.any_plus_positive = false;
    });
    for config in [strict(), config] {
        let malformed = |line: &str| format!("error MalformedItem {{ line: \"{line}\" }}");
        reply(config, Command::Stat, "+OK 2  320\r\n", &[&malformed("2  320")]);
        reply(config, Command::Stat, "+OK  2 320\r\n", &[&malformed(" 2 320")]);
        let status = "error MalformedStatus { line: \"+OK\\u{9}2 320\" }";
        reply(config, Command::Stat, "+OK\t2 320\r\n", &[status]);
        for (command, line) in [
            (Command::List(None), "1\t120"),
            (Command::List(None), " 1 120"),
            (Command::Uidl(None), "1  a"),
            (Command::Capa, "SASL  PLAIN"),
            (Command::Capa, "TOP "),
        ] {
            reply(
                config,
                command,
                format!("+OK\r\n{line}\r\n.\r\n"),
                &["#2 started + \"\"", &malformed(&line.replace('\t', "\\u{9}"))],
            );
        }
    }
}

/// C0004, C0017, C0021, C0038: runs of spaces and tabs, told once for each reply.
#[test]
fn field_separators_allow() {
    for config in [only(|switches| switches.field_separators = true), tolerant(), outlook()] {
        let told = "#2 deviation FieldSeparators";
        let stat = "+OK \t 2 \t 320\r\n";
        reply(
            config,
            Command::Stat,
            stat,
            &[told, "#2 drop 2 320", "#2 completed + \"\\u{9} 2 \\u{9} 320\""],
        );
        let stat = "+OK\t2\t320\tmore\r\n";
        reply(
            config,
            Command::Stat,
            stat,
            &[told, "#2 drop 2 320", "#2 completed + \"2\\u{9}320\\u{9}more\""],
        );
        reply(
            config,
            Command::List(None),
            "+OK\r\n1 1\r\n2  2\r\n 3\t3\r\n.\r\n",
            &[
                "#2 started + \"\"",
                "#2 scan 1 1",
                told,
                "#2 scan 2 2",
                "#2 scan 3 3",
                "#2 finished",
            ],
        );
        reply(
            config,
            Command::Uidl(None),
            "+OK\r\n1 \t a\r\n\t2 b\r\n.\r\n",
            &["#2 started + \"\"", told, "#2 id 1 a", "#2 id 2 b", "#2 finished"],
        );
        reply(
            config,
            Command::Capa,
            "+OK\r\nSASL\t PLAIN  LOGIN \r\n TOP\t\r\n.\r\n",
            &[
                "#2 started + \"\"",
                told,
                "#2 capability SASL PLAIN LOGIN",
                "#2 capability TOP",
                "#2 finished",
            ],
        );
        // Told anew for the next reply.
        expect_in_transaction(
            config,
            &[
                Step::C(Command::List(Some(number(1)))),
                s("+OK 1  9\r\n"),
                Step::C(Command::Uidl(Some(number(1)))),
                s("+OK\t1\ta\r\n"),
            ],
            &[
                told,
                "#2 scan 1 9",
                "#2 completed + \"1  9\"",
                "#3 deviation FieldSeparators",
                "#3 id 1 a",
                "#3 completed + \"1\\u{9}a\"",
            ],
        );
    }
}

/// R1939-7.01: nothing behind a unique-id. R1939-5.01, R1939-5.02, R1939-5.06, C0017, C0021: behind STAT and LIST it is always let through.
#[test]
fn trailing_information_forbid() {
    let config = all_but(|switches| {
        switches.trailing_information = false;
        switches.malformed_items = false;
    });
    for config in [strict(), config] {
        let lines = ["#2 started + \"\"", "error MalformedItem { line: \"1 a b\" }"];
        reply(config, Command::Uidl(None), "+OK\r\n1 a b\r\n.\r\n", &lines);
        let error = ["error MalformedItem { line: \"1 a b\" }"];
        reply(config, Command::Uidl(Some(number(1))), "+OK 1 a b\r\n", &error);
        let stat = ["#2 drop 2 320", "#2 completed + \"2 320 (3 seen)\""];
        reply(config, Command::Stat, "+OK 2 320 (3 seen)\r\n", &stat);
        let list = ["#2 started + \"\"", "#2 scan 1 120", "#2 finished"];
        reply(config, Command::List(None), "+OK\r\n1 120 octets\r\n.\r\n", &list);
    }
}

/// R1939-7.01, C0038: a unique-id ends at the first space or tab.
#[test]
fn trailing_information_allow() {
    for config in [only(|switches| switches.trailing_information = true), tolerant(), outlook()] {
        reply(
            config,
            Command::Uidl(None),
            "+OK\r\n1 a b\r\n2 c d e\r\n3 f\r\n.\r\n",
            &[
                "#2 started + \"\"",
                "#2 deviation TrailingInformation",
                "#2 id 1 a",
                "#2 id 2 c",
                "#2 id 3 f",
                "#2 finished",
            ],
        );
    }
    reply(
        tolerant(),
        Command::Uidl(Some(number(1))),
        "+OK 1 a\tb\r\n",
        &[
            "#2 deviation FieldSeparators",
            "#2 deviation TrailingInformation",
            "#2 id 1 a",
            "#2 completed + \"1 a\\u{9}b\"",
        ],
    );
}

/// R1939-3.06, R1939-3.13, H5: status indicators are upper case.
#[test]
fn status_case_forbid() {
    let config = all_but(|switches| {
        switches.status_case = false;
        switches.any_plus_positive = false;
    });
    for config in [strict(), config] {
        for line in ["+ok x", "-err", "-Err no"] {
            let error = format!("error MalformedStatus {{ line: \"{line}\" }}");
            reply(config, Command::Noop, format!("{line}\r\n"), &[&error]);
            let error = format!("error NotAGreeting {{ line: \"{line}\" }}");
            expect(config, &[s(format!("{line}\r\n"))], &[&error]);
        }
        // As a farewell it is none.
        expect(
            config,
            &[s("+OK\r\n"), s("-err bye\r\n"), Step::End(Eof::Clean)],
            &["greeting + \"\"", "error Unsolicited"],
        );
    }
}

/// R1939-3.13, V0001: any case, told once.
#[test]
fn status_case_allow() {
    for config in [only(|switches| switches.status_case = true), tolerant(), outlook()] {
        let told = "#2 deviation StatusCase";
        reply(config, Command::Noop, "+ok x\r\n", &[told, "#2 completed + \"x\""]);
        reply(config, Command::Noop, "-Err\r\n", &[told, "#2 completed - \"\""]);
        let lines = [told, "#2 started + \"\"", "#2 data \"a\\r\\n\"", "#2 finished"];
        reply(config, retr(1), "+Ok\r\na\r\n.\r\n", &lines);
        expect(config, &[s("+Ok hello\r\n")], &["deviation StatusCase", "greeting + \"hello\""]);
        expect(
            config,
            &[s("+OK\r\n"), s("-err bye\r\n"), Step::End(Eof::Clean)],
            &[
                "greeting + \"\"",
                "deviation StatusCase",
                "closed NotRequested farewell - \"bye\" Clean",
            ],
        );
    }
}

/// R1939-3.06, H5, A17: what is neither `+OK` nor `-ERR` is no status line.
#[test]
fn any_plus_positive_forbid() {
    let config = all_but(|switches| switches.any_plus_positive = false);
    for config in [strict(), tolerant(), config] {
        for line in ["+OKtext", "+OK:", "+foo", "+", "-", "-ERRx", "error", "", "OK", "."] {
            let error = format!("error MalformedStatus {{ line: \"{line}\" }}");
            reply(config, Command::Noop, format!("{line}\r\n"), &[&error]);
            let error = format!("error NotAGreeting {{ line: \"{line}\" }}");
            expect(config, &[s(format!("{line}\r\n"))], &[&error]);
        }
    }
}

/// V0001: what begins with `+` is positive, any other line negative.
#[test]
fn any_plus_positive_allow() {
    for config in [only(|switches| switches.any_plus_positive = true), outlook()] {
        let told = "#2 deviation AnyPlusPositive";
        for (line, end) in [
            ("+OKtext", "+ \"text\""),
            ("+OK: 2 messages", "+ \": 2 messages\""),
            ("+foo", "+ \"foo\""),
            ("+ hello", "+ \"hello\""),
            ("+", "+ \"\""),
            ("-", "- \"-\""),
            ("-ERRx", "- \"x\""),
            ("error", "- \"error\""),
            ("", "- \"\""),
        ] {
            let end = format!("#2 completed {end}");
            reply(config, Command::Noop, format!("{line}\r\n"), &[told, &end]);
        }
        reply(config, retr(1), "+ here\r\n.\r\n", &[told, "#2 started + \"here\"", "#2 finished"]);
        reply(config, retr(1), "none\r\n", &[told, "#2 completed - \"none\""]);
        expect(config, &[s("+hi\r\n")], &["deviation AnyPlusPositive", "greeting + \"hi\""]);
        // What is exact is not told.
        reply(config, Command::Noop, "-ERR\r\n", &["#2 completed - \"\""]);
    }
}

/// R1939-3.11, H5: the first line is the greeting.
#[test]
fn junk_before_greeting_forbid() {
    for config in [strict(), tolerant()] {
        let error = ["error NotAGreeting { line: \"Welcome!\" }"];
        expect(config, &[s("Welcome!\r\n+OK\r\n")], &error);
    }
}

/// At most 100 lines, told once.
#[test]
fn junk_before_greeting_allow() {
    let config = only(|switches| switches.junk_before_greeting = true);
    let told = "deviation JunkBeforeGreeting";
    let run =
        expect(config, &[s("Welcome!\r\n\r\n+OKno\r\n+OK hi\r\n")], &[told, "greeting + \"hi\""]);
    assert_eq!(run.session.state(), State::Authorization);
    let junk = |lines: usize| s("x\r\n".repeat(lines) + "+OK\r\n");
    expect(config, &[junk(100)], &[told, "greeting + \"\""]);
    expect(config, &[junk(101)], &[told, "error NotAGreeting { line: \"x\" }"]);
    // What is told of the greeting is told of it alone.
    let mut config = tolerant();
    config.leniency.junk_before_greeting = true;
    expect(
        config,
        &[s("x\r\n+ok\r\n"), Step::C(Command::Capa), s("-err\r\n")],
        &[
            told,
            "deviation StatusCase",
            "greeting + \"\"",
            "#0 deviation StatusCase",
            "#0 completed - \"\"",
        ],
    );
}

/// R1939-3.05, R1939-3.07, C0005, C0006, F23, D2, D3, D7: a bare LF where a line was due is an error at once, in every
/// preset; in a body it is data.
#[test]
fn line_ending_forbid() {
    for config in presets() {
        let error = "error BareLineFeed";
        expect(config, &[s("+OK hello\n")], &[error]);
        reply(config, Command::Noop, "+OK\n", &[error]);
        reply(config, retr(1), "+OK\n", &[error]);
        let started = "#2 started + \"\"";
        reply(config, Command::List(None), "+OK\r\n1 1\n", &[started, error]);
        reply(config, Command::Capa, "+OK\r\nTOP\r\n.\n", &[started, "#2 capability TOP", error]);
        let data = "#2 data \"A\\n.\\n+OK\\n\\r.\\r\\nB\\r\\n\"";
        let body = "+OK\r\nA\n.\n+OK\n\r.\r\nB\r\n.\r\n";
        reply(config, retr(1), body, &[started, data, "#2 finished"]);
    }
}

/// D2: lines and terminator alike; told once for each reply, but not of the lines of a message.
#[test]
fn line_ending_allow() {
    let config = only(|switches| switches.line_ending = LineEnding::CrlfOrLf);
    let told = "#2 deviation BareLineFeed";
    reply(config, Command::Noop, "+OK\n", &[told, "#2 completed + \"\""]);
    let started = "#2 started + \"\"";
    let lines = [told, started, "#2 scan 1 1", "#2 scan 2 2", "#2 finished"];
    reply(config, Command::List(None), "+OK\n1 1\n2 2\r\n.\n", &lines);
    let lines = [started, told, "#2 scan 1 1", "#2 finished"];
    reply(config, Command::List(None), "+OK\r\n1 1\n.\r\n", &lines);
    let data = "#2 data \"A\\n.b\\n\"";
    reply(config, retr(1), "+OK\r\nA\n..b\n.\r\n", &[started, data, "#2 finished"]);
    for body in ["+OK\nA\n..b\n.\n", "+OK\nA\n..b\n.\r\n"] {
        reply(config, retr(1), body, &[told, started, data, "#2 finished"]);
    }
    let greeting = [s("+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\n")];
    expect(config, &greeting, &["deviation BareLineFeed", GREETED]);
}
