//! The table of limits in SECURITY.md is what the code has.

#![cfg(feature = "server")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use pop3_blocking::pop3_proto::sasl::Scram;
use pop3_blocking::pop3_proto::server::ServerLimits;
use pop3_blocking::pop3_proto::{Limits, MAX_COMMAND_OCTETS, MAX_RESPONSE_OCTETS, UniqueId};
use pop3_blocking::server::{ConnectionLimits, Memory, Passwords, Server, ServerDeadlines};
use pop3_blocking::{COLLECT_AHEAD, COLLECT_LIMIT, Deadlines};

/// The limits of a structure, each by its name: what `Debug` shows is every field, those of tomorrow too.
fn fields(limits: impl Debug) -> impl Iterator<Item = (String, String)> {
    let shown = format!("{limits:?}");
    let (name, fields) = shown.split_once(" { ").expect("a structure");
    let fields: Vec<_> = fields
        .trim_end_matches(" }")
        .split(", ")
        .map(|field| {
            let (field, value) = field.split_once(": ").expect("a name and a value");
            (format!("{name}::{field}"), value.to_owned())
        })
        .collect();
    fields.into_iter()
}

/// What a cell of the table says, as `Debug` would show it.
fn value(cell: &str) -> String {
    let unit = |suffix, times: u64| {
        let count = cell.strip_suffix(suffix)?.parse::<u64>().ok()?;
        Some((count * times).to_string())
    };
    let power = || Some((1_u64 << cell.strip_prefix("2^")?.parse::<u32>().ok()?).to_string());
    let seconds = || Some(format!("{}s", cell.strip_suffix(" s")?));
    unit(" KiB", 1 << 10)
        .or_else(|| unit(" MiB", 1 << 20))
        .or_else(power)
        .or_else(seconds)
        .unwrap_or_else(|| cell.to_owned())
}

/// A number, or a number of seconds.
fn amount(value: &str) -> u64 {
    value.trim_end_matches('s').parse().expect("a number")
}

#[test]
fn the_table_of_limits_is_the_one_in_the_code() {
    let constants = [
        ("MAX_COMMAND_OCTETS", MAX_COMMAND_OCTETS.to_string()),
        ("MAX_RESPONSE_OCTETS", MAX_RESPONSE_OCTETS.to_string()),
        ("UniqueId::MAX_OCTETS", UniqueId::MAX_OCTETS.to_string()),
        ("UniqueId::MAX_LENIENT_OCTETS", UniqueId::MAX_LENIENT_OCTETS.to_string()),
        ("Scram::ITERATIONS", Scram::ITERATIONS.end().to_string()),
        ("COLLECT_LIMIT", COLLECT_LIMIT.to_string()),
        ("COLLECT_AHEAD", COLLECT_AHEAD.to_string()),
    ];
    let expected: BTreeMap<String, String> = fields(Limits::DEFAULT)
        .chain(fields(ServerLimits::DEFAULT))
        .chain(fields(Deadlines::DEFAULT))
        .chain(fields(ServerDeadlines::DEFAULT))
        .chain(fields(ConnectionLimits::DEFAULT))
        .chain(constants.map(|(name, value)| (name.to_owned(), value)))
        .collect();

    let page = include_str!("../../SECURITY.md");
    let (_, rest) = page.split_once("<!-- limits -->\n").expect("the beginning of the table");
    let (table, _) = rest.split_once("<!-- /limits -->").expect("the end of the table");
    let mut found = BTreeMap::new();
    for row in table.lines().skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [limit, default, least, bounds, beyond] = cells[..] else { panic!("{row}") };
        let name = limit.split('`').nth(1).expect("a name in code").to_owned();
        if least != "–" {
            assert!(amount(&value(default)) >= amount(&value(least)), "less than is due: {row}");
        }
        assert!(!bounds.is_empty() && !beyond.is_empty(), "{row}");
        assert_eq!(found.insert(name, value(default)), None, "twice: {row}");
    }
    assert_eq!(found, expected);

    // What the adapters change of it stands in its row.
    let output = Server::new(Memory::new(), Passwords::new()).config.limits.output;
    let row = table.lines().find(|row| row.contains("`ServerLimits::output`")).expect("a row");
    assert!(row.contains(&format!("{} KiB in the adapters", output >> 10)), "{row}");
    let row = table.lines().find(|row| row.contains("`ServerDeadlines::write`")).expect("a row");
    assert!(row.contains(&format!("{} KiB", ServerDeadlines::WRITE_OCTETS >> 10)), "{row}");
}
