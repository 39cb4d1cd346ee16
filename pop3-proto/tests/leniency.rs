//! Each switch of [`Leniency`] forbidden and allowed, through a session. The three that concern AUTH are tested with
//! their exchanges.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use pop3_proto::client::{ClientConfig, Eof};
use pop3_proto::codec::LineEnding;
use pop3_proto::server::ServerLeniency;
use pop3_proto::state::State;

use pop3_proto::{Command, Deviation, Leniency};
use support::{
    GREETED, Step, expect, expect_in_transaction, number, outlook, presets, retr, s, strict,
    tolerant, with,
};

/// Strict, but for one switch.
fn only(switch: impl FnOnce(&mut Leniency)) -> ClientConfig {
    let mut leniency = Leniency::strict();
    switch(&mut leniency);
    with(leniency)
}

/// As Outlook, but for one switch.
fn all_but(switch: impl FnOnce(&mut Leniency)) -> ClientConfig {
    let mut leniency = Leniency::outlook();
    switch(&mut leniency);
    with(leniency)
}

/// Sends `command` in TRANSACTION, where it is `#2`, and expects `lines`.
#[track_caller]
fn reply(config: ClientConfig, command: Command, octets: impl AsRef<[u8]>, lines: &[&str]) {
    expect_in_transaction(config, &[Step::C(command), s(octets)], lines);
}

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

/// R1939-3.10, R2449-3.06: in a listing, too, a dot with more behind it is byte-stuffing.
#[test]
fn leading_dot_ends_listing_forbid() {
    let config = all_but(|switches| switches.leading_dot_ends_listing = false);
    for config in [strict(), tolerant(), config] {
        let lines = ["#2 started + \"\"", "#2 scan 1 2", "#2 scan 3 4", "#2 finished"];
        reply(config, Command::List(None), "+OK\r\n.1 2\r\n3 4\r\n.\r\n", &lines);
        let lines = ["#2 started + \"\"", "#2 id 1 .", "#2 finished"];
        reply(config, Command::Uidl(None), "+OK\r\n.1 .\r\n.\r\n", &lines);
        let lines = ["#2 started + \"\"", "#2 capability TOP", "#2 finished"];
        reply(config, Command::Capa, "+OK\r\n.TOP\r\n.\r\n", &lines);
    }
}

/// V0002: for LIST, UIDL and CAPA, and for nothing else.
#[test]
fn leading_dot_ends_listing_allow() {
    for config in [only(|switches| switches.leading_dot_ends_listing = true), outlook()] {
        for command in [Command::List(None), Command::Uidl(None), Command::Capa] {
            for end in ["..", ". ", ".1 2", ".\t."] {
                reply(
                    config,
                    command.clone(),
                    format!("+OK\r\n{end}\r\n"),
                    &["#2 started + \"\"", "#2 deviation LeadingDotEndsListing", "#2 finished"],
                );
            }
            reply(config, command, "+OK\r\n.\r\n", &["#2 started + \"\"", "#2 finished"]);
        }
        let body = ["#2 started + \"\"", "#2 data \"1 2\\r\\n.\\r\\n\"", "#2 finished"];
        reply(config, retr(1), "+OK\r\n.1 2\r\n..\r\n.\r\n", &body);
    }
}

/// R1939-7.02, E4, G13: 70 octets and no more.
#[test]
fn long_unique_ids_forbid() {
    let config = all_but(|switches| {
        switches.long_unique_ids = false;
        switches.malformed_items = false;
    });
    for config in [strict(), config] {
        let fits = "x".repeat(70);
        let item = format!("#2 id 1 {fits}");
        let lines = ["#2 started + \"\"", &item, "#2 finished"];
        reply(config, Command::Uidl(None), format!("+OK\r\n1 {fits}\r\n.\r\n"), &lines);
        let error = format!("error MalformedItem {{ line: \"1 {}\" }}", "x".repeat(71));
        let lines = ["#2 started + \"\"", &error];
        reply(config, Command::Uidl(None), format!("+OK\r\n1 x{fits}\r\n.\r\n"), &lines);
    }
}

/// 71 to 255 octets; longer is a malformed item.
#[test]
fn long_unique_ids_allow() {
    let both = only(|switches| {
        switches.long_unique_ids = true;
        switches.malformed_items = true;
    });
    for config in [both, tolerant(), outlook()] {
        let [fits, long, longest, over] = [70, 71, 255, 256].map(|len| "x".repeat(len));
        let listing = format!("+OK\r\n1 {fits}\r\n2 {long}\r\n3 {longest}\r\n4 {over}\r\n.\r\n");
        reply(
            config,
            Command::Uidl(None),
            listing,
            &[
                "#2 started + \"\"",
                &format!("#2 id 1 {fits}"),
                "#2 deviation LongUniqueId",
                &format!("#2 id 2 {long}"),
                &format!("#2 id 3 {longest}"),
                "#2 deviation MalformedItem",
                &format!("#2 malformed \"4 {over}\""),
                "#2 finished",
            ],
        );
    }
}

/// Lines that are no items, and the command they come in; G1 to G8, G12, G16, E5, E9.
fn malformed_lines() -> Vec<(Command, &'static str)> {
    let list = ["", "0 1", "1", "1 ", "-1 4", "1 -1", "x 1", "1 0x1", "+1 1", "1 1x"];
    let overflow = ["4294967296 1", "1 18446744073709551616", "1 000000000000000000001"];
    let ids = ["", "0 a", "1", "1 ", "1", "a", "-1 a", "1 \u{e4}", "1 a\0b", "1 a\x1b[2J"];
    let capabilities = ["", " ", "SASL \x01", "A.B", "SASL \u{e4}", "\0"];
    let scan = list.iter().chain(&overflow).map(|line| (Command::List(None), *line));
    let ids = ids.iter().map(|line| (Command::Uidl(None), *line));
    scan.chain(ids).chain(capabilities.iter().map(|line| (Command::Capa, *line))).collect()
}

/// A line as `Debug` shows it.
fn shown(line: &str) -> String {
    pop3_proto::Escaped::new(line.as_bytes()).to_string()
}

/// R1939-4.01, R1939-7.01, R2449-3.03: a line of a listing is an item.
#[test]
fn malformed_items_forbid() {
    let config = all_but(|switches| switches.malformed_items = false);
    for config in [strict(), config] {
        for (command, line) in malformed_lines() {
            let error = format!("error MalformedItem {{ line: \"{}\" }}", shown(line));
            let lines = ["#2 started + \"\"", error.as_str()];
            reply(config, command, format!("+OK\r\n{line}\r\n.\r\n"), &lines);
        }
        for (command, text) in [
            (Command::Stat, ""),
            (Command::Stat, "2"),
            (Command::Stat, "4294967296 1"),
            (Command::List(Some(number(1))), "x"),
            (Command::Uidl(Some(number(1))), ""),
            (Command::Uidl(Some(number(1))), "1"),
        ] {
            let error = format!("error MalformedItem {{ line: \"{text}\" }}");
            reply(config, command, format!("+OK {text}\r\n"), &[&error]);
        }
    }
}

/// The framing holds, so the listing goes on; told once.
#[test]
fn malformed_items_allow() {
    for config in [only(|switches| switches.malformed_items = true), tolerant(), outlook()] {
        for (command, line) in malformed_lines() {
            let good = match command {
                Command::List(_) => ("7 8", "scan 7 8"),
                Command::Uidl(_) => ("7 b", "id 7 b"),
                _ => ("TOP", "capability TOP"),
            };
            let item = format!("#2 malformed \"{}\"", shown(line));
            let listing = format!("+OK\r\n{line}\r\n{}\r\n{line}\r\n.\r\n", good.0);
            let run = expect_in_transaction(
                config,
                &[Step::C(command.clone()), s(listing)],
                &[
                    "#2 started + \"\"",
                    "#2 deviation MalformedItem",
                    &item,
                    &format!("#2 {}", good.1),
                    &item,
                    "#2 finished",
                ],
            );
            let kept = run.session.capabilities().map(pop3_proto::Capabilities::len);
            assert_eq!(kept, (command == Command::Capa).then_some(1));
        }
        reply(
            config,
            Command::Stat,
            "+OK two\r\n",
            &["#2 deviation MalformedItem", "#2 malformed \"two\"", "#2 completed + \"two\""],
        );
    }
}

/// G8: a number twice, next to one another or not, is an error; out of order is told.
#[test]
fn repeated_numbers_forbid() {
    let config = all_but(|switches| switches.repeated_numbers = false);
    for config in [strict(), config] {
        let error = "error RepeatedNumber(MessageNumber(1))";
        let started = "#2 started + \"\"";
        let lines = [started, "#2 scan 1 9", error];
        reply(config, Command::List(None), "+OK\r\n1 9\r\n1 9\r\n.\r\n", &lines);
        let lines = [started, "#2 id 1 a", "#2 id 2 b", "#2 id 5 c", error];
        reply(config, Command::Uidl(None), "+OK\r\n1 a\r\n2 b\r\n5 c\r\n1 d\r\n.\r\n", &lines);
        reply(
            config,
            Command::List(None),
            "+OK\r\n3 1\r\n1 1\r\n2 1\r\n.\r\n",
            &[
                started,
                "#2 scan 3 1",
                "#2 deviation ListingOrder",
                "#2 scan 1 1",
                "#2 scan 2 1",
                "#2 finished",
            ],
        );
    }
}

/// G8: delivered as they came, and told once.
#[test]
fn repeated_numbers_allow() {
    for config in [only(|switches| switches.repeated_numbers = true), tolerant(), outlook()] {
        reply(
            config,
            Command::Uidl(None),
            "+OK\r\n2 a\r\n1 b\r\n1 c\r\n2 a\r\n.\r\n",
            &[
                "#2 started + \"\"",
                "#2 id 2 a",
                "#2 deviation ListingOrder",
                "#2 id 1 b",
                "#2 id 1 c",
                "#2 id 2 a",
                "#2 finished",
            ],
        );
    }
}

/// G1, G4: sizes have no sign.
#[test]
fn negative_stat_forbid() {
    let config = all_but(|switches| {
        switches.negative_stat = false;
        switches.malformed_items = false;
    });
    for config in [strict(), config] {
        let error = ["error MalformedItem { line: \"2 -161\" }"];
        reply(config, Command::Stat, "+OK 2 -161\r\n", &error);
    }
}

/// The octets are unknown then; nothing else may be negative.
#[test]
fn negative_stat_allow() {
    for config in [only(|switches| switches.negative_stat = true), tolerant(), outlook()] {
        reply(
            config,
            Command::Stat,
            "+OK 2 -161\r\n",
            &["#2 deviation NegativeStat", "#2 drop 2 ?", "#2 completed + \"2 -161\""],
        );
    }
    let config = only(|switches| switches.negative_stat = true);
    for text in ["-2 161", "2 --161", "2 -", "2 - 161"] {
        let error = format!("error MalformedItem {{ line: \"{text}\" }}");
        reply(config, Command::Stat, format!("+OK {text}\r\n"), &[&error]);
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

/// Every switch as the presets have it.
fn columns() -> BTreeMap<&'static str, [String; 3]> {
    let presets = [Leniency::strict(), Leniency::tolerant(), Leniency::outlook()];
    let yes = |value: fn(&Leniency) -> bool| {
        presets.map(|preset| if value(&preset) { "yes" } else { "no" }.to_owned())
    };
    let ending = presets.map(|preset| match preset.line_ending {
        LineEnding::Crlf => "CRLF".to_owned(),
        other => format!("{other:?}"),
    });
    BTreeMap::from([
        ("field_separators", yes(|preset| preset.field_separators)),
        ("trailing_information", yes(|preset| preset.trailing_information)),
        ("status_case", yes(|preset| preset.status_case)),
        ("any_plus_positive", yes(|preset| preset.any_plus_positive)),
        ("leading_dot_ends_listing", yes(|preset| preset.leading_dot_ends_listing)),
        ("long_unique_ids", yes(|preset| preset.long_unique_ids)),
        ("malformed_items", yes(|preset| preset.malformed_items)),
        ("repeated_numbers", yes(|preset| preset.repeated_numbers)),
        ("negative_stat", yes(|preset| preset.negative_stat)),
        ("ok_as_continuation", yes(|preset| preset.ok_as_continuation)),
        ("bare_plus", yes(|preset| preset.bare_plus)),
        ("text_challenge", yes(|preset| preset.text_challenge)),
        ("junk_before_greeting", yes(|preset| preset.junk_before_greeting)),
        ("line_ending", ending),
    ])
}

/// V0001, V0002, C0004, C0017, C0021, C0038: what each preset lets through.
#[test]
fn presets_say_what_was_settled() {
    let settled = [
        ("field_separators", ["no", "yes", "yes"]),
        ("trailing_information", ["no", "yes", "yes"]),
        ("status_case", ["no", "yes", "yes"]),
        ("any_plus_positive", ["no", "no", "yes"]),
        ("leading_dot_ends_listing", ["no", "no", "yes"]),
        ("long_unique_ids", ["no", "yes", "yes"]),
        ("malformed_items", ["no", "yes", "yes"]),
        ("repeated_numbers", ["no", "yes", "yes"]),
        ("negative_stat", ["no", "yes", "yes"]),
        ("ok_as_continuation", ["no", "yes", "yes"]),
        ("bare_plus", ["yes", "yes", "yes"]),
        ("text_challenge", ["no", "yes", "yes"]),
        ("junk_before_greeting", ["no", "no", "no"]),
        ("line_ending", ["CRLF", "CRLF", "CRLF"]),
    ];
    let settled: BTreeMap<_, _> =
        settled.map(|(switch, columns)| (switch, columns.map(str::to_owned))).into();
    assert_eq!(columns(), settled);
    assert_eq!(Leniency::default(), Leniency::tolerant());
    // No switch is left out: each is a field that `Debug` shows.
    let shown = format!("{:?}", Leniency::strict());
    assert_eq!(shown.matches(": ").count(), settled.len(), "{shown}");
}

/// A switch, how it is set, and a session of which it alone changes what becomes of it.
type Case = (&'static str, fn(&mut Leniency, bool), Vec<Step>);

fn cases() -> Vec<Case> {
    let answered = |command, reply: &str| {
        let mut script = support::login();
        script.extend([Step::C(command), s(reply)]);
        script
    };
    let challenged =
        |reply: &str| vec![s("+OK ready\r\n"), Step::C(support::auth("PLAIN", None)), s(reply)];
    let long = format!("+OK\r\n1 {}\r\n.\r\n", "x".repeat(71));
    let (list, uidl) = (Command::List(None), Command::Uidl(None));
    vec![
        ("field_separators", |to, on| to.field_separators = on, {
            answered(Command::Stat, "+OK 2\t320\r\n")
        }),
        ("trailing_information", |to, on| to.trailing_information = on, {
            answered(uidl.clone(), "+OK\r\n1 a b\r\n.\r\n")
        }),
        ("status_case", |to, on| to.status_case = on, answered(Command::Noop, "+ok\r\n")),
        ("any_plus_positive", |to, on| to.any_plus_positive = on, {
            answered(Command::Noop, "+OK: done\r\n")
        }),
        ("leading_dot_ends_listing", |to, on| to.leading_dot_ends_listing = on, {
            answered(list.clone(), "+OK\r\n. end\r\n")
        }),
        ("long_unique_ids", |to, on| to.long_unique_ids = on, answered(uidl, &long)),
        ("malformed_items", |to, on| to.malformed_items = on, {
            answered(list.clone(), "+OK\r\n1\r\n.\r\n")
        }),
        ("repeated_numbers", |to, on| to.repeated_numbers = on, {
            answered(list, "+OK\r\n1 1\r\n1 1\r\n.\r\n")
        }),
        ("negative_stat", |to, on| to.negative_stat = on, {
            answered(Command::Stat, "+OK 2 -320\r\n")
        }),
        ("ok_as_continuation", |to, on| to.ok_as_continuation = on, challenged("+OK\r\n")),
        ("bare_plus", |to, on| to.bare_plus = on, challenged("+\r\n")),
        ("text_challenge", |to, on| to.text_challenge = on, challenged("+ go ahead\r\n")),
        ("junk_before_greeting", |to, on| to.junk_before_greeting = on, {
            vec![s("warning\r\n"), s("+OK ready\r\n")]
        }),
        ("line_ending", set_line_ending, answered(Command::Noop, "+OK\n")),
    ]
}

fn set_line_ending(leniency: &mut Leniency, on: bool) {
    leniency.line_ending = if on { LineEnding::CrlfOrLf } else { LineEnding::Crlf };
}

/// What a caller is told when a switch alone was needed; nothing is told where it is off.
fn notices() -> BTreeMap<&'static str, Deviation> {
    let notice = |(switch, set, script): Case| {
        let told = |on| {
            let mut run = support::all_ways(only(|leniency| set(leniency, on)), &script);
            let told = run.take_trace().into_iter();
            let told = told.filter_map(|line| Some(line.split_once("deviation ")?.1.to_owned()));
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(false), [""; 0], "{switch}");
        let [name] = &told(true)[..] else { panic!("{switch}: {:?}", told(true)) };
        let named = |deviation: &&Deviation| format!("{deviation:?}") == *name;
        (switch, *Deviation::ALL.iter().find(named).expect("a deviation"))
    };
    cases().into_iter().map(notice).collect()
}

/// The cells of the rows that `text` documents, by switch.
fn documented(text: &'static str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let rows = text.lines().filter_map(|line| {
        let cells = line.trim_start().strip_prefix("/// | `")?.strip_suffix('|')?;
        let mut cells = cells.split('|').map(str::trim);
        let switch = cells.next()?.strip_suffix('`')?;
        Some((switch, cells.collect()))
    });
    rows.collect()
}

/// The table in the documentation says what the presets do, and what a caller is told of each switch; each deviation is
/// told of one of them.
#[test]
fn the_documented_table_is_true() {
    let (columns, notices) = (columns(), notices());
    let told: BTreeSet<_> = notices.values().copied().collect();
    assert_eq!(told, Deviation::ALL.iter().copied().collect());
    assert_eq!(notices.len(), told.len());
    let rows = documented(include_str!("../src/leniency.rs"));
    assert!(rows.keys().eq(columns.keys()), "{rows:?}");
    for (switch, cells) in rows {
        let [presets @ .., needed_by, notice] = &cells[..] else { panic!("{switch}: {cells:?}") };
        assert_eq!(presets, columns[switch], "{switch}");
        assert!(!needed_by.is_empty(), "{switch}");
        let deviation = notices[switch];
        assert_eq!(*notice, format!("[`{deviation:?}`](Deviation::{deviation:?})"), "{switch}");
    }
}

/// So does the server's.
#[test]
fn the_documented_table_of_the_server_is_true() {
    let presets = [ServerLeniency::strict(), ServerLeniency::tolerant()];
    let yes = |value: fn(&ServerLeniency) -> bool| {
        presets.map(|preset| if value(&preset) { "yes" } else { "no" })
    };
    let ending = presets.map(|preset| match preset.line_ending {
        LineEnding::Crlf => "CRLF",
        other => panic!("{other:?} is in no preset"),
    });
    let columns = BTreeMap::from([
        ("auth_listing", yes(|preset| preset.auth_listing)),
        ("password_spaces", yes(|preset| preset.password_spaces)),
        ("opaque_passwords", yes(|preset| preset.opaque_passwords)),
        ("line_ending", ending),
        ("nul_replacement", yes(|preset| preset.nul_replacement.is_some())),
        ("missing_blank_line", yes(|preset| preset.missing_blank_line)),
    ]);
    let rows = documented(include_str!("../src/server/config.rs"));
    assert!(rows.keys().eq(columns.keys()), "{rows:?}");
    for (switch, cells) in rows {
        let [presets @ .., needed_by, outcome] = &cells[..] else { panic!("{switch}: {cells:?}") };
        assert_eq!(presets, columns[switch], "{switch}");
        assert!(!needed_by.is_empty() && !outcome.is_empty(), "{switch}");
    }
    let shown = format!("{:?}", ServerLeniency::strict());
    assert_eq!(shown.matches(": ").count(), columns.len(), "{shown}");
}
