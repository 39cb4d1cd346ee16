//! What the presets let through, and that the documented tables say so.

use std::collections::{BTreeMap, BTreeSet};

use pop3_proto::codec::LineEnding;
use pop3_proto::server::ServerLeniency;
use pop3_proto::{Command, Deviation, Leniency};

use super::only;
use crate::support::{self, Step, s};

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
    let rows = documented(include_str!("../../../src/leniency.rs"));
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
    let rows = documented(include_str!("../../../src/server/config.rs"));
    assert!(rows.keys().eq(columns.keys()), "{rows:?}");
    for (switch, cells) in rows {
        let [presets @ .., needed_by, outcome] = &cells[..] else { panic!("{switch}: {cells:?}") };
        assert_eq!(presets, columns[switch], "{switch}");
        assert!(!needed_by.is_empty() && !outcome.is_empty(), "{switch}");
    }
    let shown = format!("{:?}", ServerLeniency::strict());
    assert_eq!(shown.matches(": ").count(), columns.len(), "{shown}");
}
