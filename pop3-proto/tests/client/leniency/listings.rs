//! Switches of what stands in a listing, and in the answer to STAT, forbidden and allowed.

use pop3_proto::Command;

use super::{all_but, only, reply, shown};
use crate::support::{Step, expect_in_transaction, number, outlook, retr, s, strict, tolerant};

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
