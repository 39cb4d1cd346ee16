//! What POP3 says about an open maildrop, against a plain model of one.

use pop3_proto::server::{
    Action, Entry, Event, Maildrop, RespondError, ServerConfig, ServerSession,
};
use pop3_proto::state::State;
use pop3_proto::{Command, UniqueId};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::server_support::*;

/// An open maildrop and its session, without any message.
struct Open {
    maildrop: Maildrop,
    session: ServerSession,
}

impl Open {
    fn new(entries: &[(u64, &str)]) -> Self {
        Self::with(ServerConfig::new(), entries)
    }

    fn with(config: ServerConfig, entries: &[(u64, &str)]) -> Self {
        let entries = entries.iter().map(|(octets, id)| Entry::new(*octets, unique_id(id)));
        Self {
            maildrop: Maildrop::new(entries.collect()).expect("a maildrop"),
            session: in_transaction(config),
        }
    }

    /// What the maildrop answers to one line; what it leaves to its caller is shown in brackets.
    fn say(&mut self, line: &str) -> String {
        say(&mut self.session, format!("{line}\r\n").as_bytes());
        let mut out = String::new();
        match self.session.poll_event() {
            Some(Event::Command(command)) => {
                let action = self.maildrop.answer(&command, &mut self.session);
                match action.expect("the command that waits") {
                    Action::Answered => {}
                    Action::Listing => loop {
                        let some = written(&mut self.session);
                        assert!(!some.is_empty(), "no progress");
                        out.push_str(core::str::from_utf8(&some).expect("text"));
                        if self.maildrop.resume(&mut self.session).expect("a listing") {
                            break;
                        }
                    },
                    action => {
                        self.session.err(None, &text(&format!("({action:?})"))).expect("it waits");
                    }
                }
            }
            Some(Event::Rejected(_)) => self.session.reject().expect("it waits"),
            event => panic!("{event:?}"),
        }
        out.push_str(core::str::from_utf8(&written(&mut self.session)).expect("text"));
        out
    }

    fn marked(&self) -> Vec<u32> {
        self.maildrop.marked().map(u32::from).collect()
    }
}

const MISSING: &str = "-ERR no such message\r\n";
const DELETED: &str = "-ERR message already deleted\r\n";

/// R1939-4.08, R1939-5.07, R1939-5.08, R1939-5.11, R1939-5.12, R1939-7.13: the session of RFC 1939 §10, and what the paragraphs of
/// §5 say of deleted messages.
#[test]
fn deleted_messages_are_hidden_until_rset() {
    let mut open = Open::new(&[(120, "whqtswO00WBw418f9t5JxYwZ"), (200, "QhdPYR:00WBw1Ph7x7")]);
    for _ in 0..2 {
        for (line, answer) in [
            ("STAT", "+OK 2 320\r\n"),
            ("LIST", "+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"),
            ("LIST 2", "+OK 2 200\r\n"),
            ("LIST 3", MISSING),
            (
                "UIDL",
                "+OK 2 messages (320 octets)\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n\
                 2 QhdPYR:00WBw1Ph7x7\r\n.\r\n",
            ),
            ("UIDL 1", "+OK 1 whqtswO00WBw418f9t5JxYwZ\r\n"),
            ("RETR 1", "-ERR (Send(MessageNumber(1)))\r\n"),
            ("TOP 2 10", "-ERR (Send(MessageNumber(2)))\r\n"),
            ("NOOP", "+OK nothing done\r\n"),
            ("DELE 1", "+OK message deleted\r\n"),
            // Marked: an error to name, in no listing and no total; the other keeps its number.
            ("DELE 1", DELETED),
            ("LIST 1", DELETED),
            ("UIDL 1", DELETED),
            ("RETR 1", DELETED),
            ("TOP 1 0", DELETED),
            ("STAT", "+OK 1 200\r\n"),
            ("LIST", "+OK 1 messages (200 octets)\r\n2 200\r\n.\r\n"),
            ("UIDL", "+OK 1 messages (200 octets)\r\n2 QhdPYR:00WBw1Ph7x7\r\n.\r\n"),
            ("LIST 2", "+OK 2 200\r\n"),
            ("DELE 2", "+OK message deleted\r\n"),
            ("STAT", "+OK 0 0\r\n"),
            ("LIST", "+OK 0 messages (0 octets)\r\n.\r\n"),
            ("UIDL", "+OK 0 messages (0 octets)\r\n.\r\n"),
        ] {
            assert_eq!(open.say(line), answer, "{line}");
        }
        assert_eq!(open.marked(), [1, 2]);
        assert_eq!(open.say("RSET"), "+OK 2 messages (320 octets)\r\n");
        assert_eq!(open.marked(), []);
    }
    assert_eq!(open.say("DELE 2"), "+OK message deleted\r\n");
    assert_eq!(open.say("QUIT"), "-ERR (Commit)\r\n");
    assert_eq!((open.marked(), open.session.state()), (vec![2], State::Update));
}

/// G6, G7, S7.3: a number that names no message changes nothing, and is never another number.
#[test]
fn a_number_that_names_no_message_changes_nothing() {
    let mut open = Open::new(&[(120, "a"), (200, "b")]);
    for number in [
        "0",
        "3",
        "4294967295",
        "4294967296",
        "4294967297",
        "4294967298",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551617",
        "99999999999999999999",
        "99999999999999999999999999999999",
    ] {
        for line in ["LIST", "UIDL", "RETR", "DELE", "TOP"] {
            let before = format!("{:?}", open.maildrop);
            let lines = if line == "TOP" { " 0" } else { "" };
            assert_eq!(open.say(&format!("{line} {number}{lines}")), MISSING, "{line} {number}");
            assert_eq!(format!("{:?}", open.maildrop), before);
            // Bad commands are counted: begin anew.
            open.session = in_transaction(ServerConfig::new());
        }
    }
    assert_eq!(open.say("DELE 00000000000000000002"), "+OK message deleted\r\n");
    assert_eq!(open.marked(), [2]);
}

/// R1939-5.08: an empty maildrop.
#[test]
fn an_empty_maildrop_lists_nothing() {
    let mut open = Open::new(&[]);
    assert_eq!(open.say("STAT"), "+OK 0 0\r\n");
    assert_eq!(open.say("LIST"), "+OK 0 messages (0 octets)\r\n.\r\n");
    assert_eq!(open.say("UIDL"), "+OK 0 messages (0 octets)\r\n.\r\n");
    assert_eq!(open.say("RSET"), "+OK 0 messages (0 octets)\r\n");
    for line in ["LIST 1", "UIDL 1", "RETR 1", "DELE 1", "TOP 1 0"] {
        assert_eq!(open.say(line), MISSING);
    }
    assert_eq!(open.say("QUIT"), "-ERR (Commit)\r\n");
    assert_eq!(open.marked(), []);
}

/// B7.2, S7.3: sizes whose sum does not fit are never wrapped, and what is taken away comes back.
#[test]
fn the_largest_sizes_do_not_wrap() {
    let max = u64::MAX;
    let mut open = Open::new(&[(max, "a"), (max, "b"), (1, "c")]);
    let all = format!("+OK 3 {max}\r\n");
    for _ in 0..3 {
        assert_eq!(open.say("STAT"), all);
        assert_eq!(open.say("LIST 2"), format!("+OK 2 {max}\r\n"));
        open.say("DELE 1");
        assert_eq!(open.say("STAT"), format!("+OK 2 {max}\r\n"));
        open.say("DELE 3");
        assert_eq!(open.say("STAT"), format!("+OK 1 {max}\r\n"));
        open.say("DELE 2");
        assert_eq!(open.say("STAT"), "+OK 0 0\r\n");
        assert_eq!(open.say("RSET"), format!("+OK 3 messages ({max} octets)\r\n"));
    }
}

/// R1939-7.13, C0041: ids are sent as they are, legal ones that look like something else included.
#[test]
fn any_legal_unique_id_is_listed() {
    let ids = [".", "..", "+OK", "-ERR", "../../x", "NUL", "!", "~", "[AUTH]", &"~".repeat(70)];
    let entries: Vec<_> = ids.iter().map(|id| (1, *id)).collect();
    let mut open = Open::new(&entries);
    let lines: Vec<_> =
        ids.iter().enumerate().map(|(index, id)| format!("{} {id}\r\n", index + 1)).collect();
    let listed = lines.concat();
    assert_eq!(open.say("UIDL"), format!("+OK 10 messages (10 octets)\r\n{listed}.\r\n"));
    for (index, id) in ids.iter().enumerate() {
        let number = index + 1;
        assert_eq!(open.say(&format!("UIDL {number}")), format!("+OK {number} {id}\r\n"));
    }
}

/// R1939-3.19, R1939-5.08: 100,000 messages through an output of 1 KiB, each once and in order, whatever
/// leaves at a time; the marked ones never.
#[test]
fn a_long_listing_goes_through_a_small_output() {
    const MESSAGES: u32 = 100_000;
    let mut config = ServerConfig::new();
    config.limits.output = 1024;
    let entries = (1..=MESSAGES).map(|number| {
        Entry::new(u64::from(number) * 7, UniqueId::new(format!("u{number}").as_bytes()).unwrap())
    });
    let mut maildrop = Maildrop::new(entries.collect()).expect("a maildrop");
    let mut session = in_transaction(config);
    for number in (1..=MESSAGES).filter(|number| number % 1000 == 7) {
        say(&mut session, format!("DELE {number}\r\n").as_bytes());
        let Some(Event::Command(dele)) = session.poll_event() else { panic!("DELE") };
        assert_eq!(maildrop.answer(&dele, &mut session), Ok(Action::Answered));
        written(&mut session);
    }
    let kept: Vec<u32> = (1..=MESSAGES).filter(|number| number % 1000 != 7).collect();
    let octets: u64 = kept.iter().map(|number| u64::from(*number) * 7).sum();
    for (line, at_a_time) in
        [("LIST", usize::MAX), ("LIST", 100), ("UIDL", 1024), ("UIDL", 333), ("LIST", 1)]
    {
        say(&mut session, format!("{line}\r\n").as_bytes());
        let Some(Event::Command(command)) = session.poll_event() else { panic!("{line}") };
        let mut action = maildrop.answer(&command, &mut session).expect("it waits");
        let mut out = Vec::new();
        let held = allocation_counter::measure(|| {
            out.reserve(4 << 20);
            while action == Action::Listing {
                let some = written_at_most(&mut session, at_a_time);
                assert!(!some.is_empty() && some.len() <= 1024);
                out.extend_from_slice(&some);
                if maildrop.resume(&mut session).expect("a listing") {
                    action = Action::Answered;
                }
            }
        });
        // I3: nothing is held but the output.
        assert!(held.bytes_max < (4 << 20) + 4096, "{}", held.bytes_max);
        while !out.ends_with(b"\r\n.\r\n") {
            out.extend_from_slice(&written(&mut session));
        }
        let mut expected = format!("+OK {} messages ({octets} octets)\r\n", kept.len());
        for number in &kept {
            use core::fmt::Write as _;
            if line == "LIST" {
                write!(expected, "{number} {}\r\n", u64::from(*number) * 7).unwrap();
            } else {
                write!(expected, "{number} u{number}\r\n").unwrap();
            }
        }
        expected.push_str(".\r\n");
        assert!(out == expected.as_bytes(), "{line} {at_a_time}");
    }
}

/// I8: a listing goes on in the session that it was begun in, and in no other.
#[test]
fn a_listing_belongs_to_its_session() {
    let entries = (0..500).map(|number| Entry::new(1, unique_id(&format!("u{number}"))));
    let mut maildrop = Maildrop::new(entries.collect()).expect("a maildrop");
    let mut config = ServerConfig::new();
    config.limits.output = 1024;
    let mut session = in_transaction(config.clone());
    say(&mut session, b"LIST\r\n");
    let Some(Event::Command(list)) = session.poll_event() else { panic!("LIST") };
    assert_eq!(maildrop.answer(&list, &mut session), Ok(Action::Listing));
    assert_eq!(maildrop.resume(&mut session), Ok(false), "nothing has left");
    let mut other = in_transaction(config);
    assert_eq!(maildrop.resume(&mut other), Err(RespondError::NothingToAnswer));
    let mut lines = 0;
    loop {
        lines += written(&mut session).split(|octet| *octet == b'\n').count() - 1;
        if maildrop.resume(&mut session).expect("its listing") {
            break;
        }
    }
    lines += written(&mut session).split(|octet| *octet == b'\n').count() - 1;
    assert_eq!(lines, 502);
}

/// F14, S19.3: marking and unmarking a hundred thousand times leaves the counts exact and holds
/// nothing.
#[test]
fn marking_and_unmarking_holds_nothing() {
    let mut open = Open::new(&[(5, "a"), (7, "b")]);
    open.say("DELE 1");
    open.say("RSET");
    let held = allocation_counter::measure(|| {
        for _ in 0..100_000 {
            for line in [&b"DELE 1\r\n"[..], b"RSET\r\n", b"DELE 1\r\n", b"DELE 1\r\n", b"RSET\r\n"]
            {
                say(&mut open.session, line);
                let Some(Event::Command(command)) = open.session.poll_event() else {
                    panic!("{}", line.escape_ascii())
                };
                assert_eq!(open.maildrop.answer(&command, &mut open.session), Ok(Action::Answered));
                written(&mut open.session);
            }
        }
    });
    assert_eq!(held.bytes_current, 0);
    assert!(held.bytes_max < 1024, "{}", held.bytes_max);
    assert_eq!(open.say("STAT"), "+OK 2 12\r\n");
    assert_eq!(open.marked(), []);
}

/// What a maildrop leaves to its caller, and what is none of its business.
#[test]
fn other_commands_are_not_the_maildrop_s() {
    let mut maildrop = Maildrop::new(vec![Entry::new(1, unique_id("a"))]).expect("a maildrop");
    for (mut session, line) in [
        (greeted(ServerConfig::new()), &b"USER alice\r\n"[..]),
        (after_user(ServerConfig::new()), b"PASS x\r\n"),
        (greeted(ServerConfig::new()), b"QUIT\r\n"),
    ] {
        say(&mut session, line);
        let Some(Event::Command(command)) = session.poll_event() else { panic!("a command") };
        let before = format!("{session:?}{maildrop:?}");
        assert_eq!(maildrop.answer(&command, &mut session), Ok(Action::NotMine));
        assert_eq!(format!("{session:?}{maildrop:?}"), before);
        session.err(None, &text("it still waits")).expect("it waits");
        assert_eq!(maildrop.answer(&command, &mut session), Err(RespondError::NothingToAnswer));
    }
    let mut session = in_transaction(ServerConfig::new());
    assert_eq!(maildrop.resume(&mut session), Ok(true));
}

#[derive(Debug, Clone)]
enum Act {
    Stat,
    List(Option<u32>),
    Uidl(Option<u32>),
    Retr(u32),
    Top(u32, u64),
    Dele(u32),
    Rset,
    Noop,
}

fn act() -> impl Strategy<Value = Act> {
    let message = || 1..12_u32;
    prop_oneof![
        1 => Just(Act::Stat),
        1 => prop::option::of(message()).prop_map(Act::List),
        1 => prop::option::of(message()).prop_map(Act::Uidl),
        1 => message().prop_map(Act::Retr),
        1 => (message(), any::<u64>()).prop_map(|(message, lines)| Act::Top(message, lines)),
        4 => message().prop_map(Act::Dele),
        1 => Just(Act::Rset),
        1 => Just(Act::Noop),
    ]
}

/// The plain model: (octets, id, marked).
struct Model(Vec<(u64, String, bool)>);

impl Model {
    fn kept(&self) -> impl Iterator<Item = (usize, &(u64, String, bool))> {
        self.0.iter().enumerate().filter(|(_, (.., marked))| !marked)
    }

    fn totals(&self) -> (usize, u64) {
        (
            self.kept().count(),
            self.kept().fold(0, |sum: u64, (_, (octets, ..))| sum.saturating_add(*octets)),
        )
    }

    fn one(&self, message: u32, show: impl Fn(&(u64, String, bool)) -> String) -> String {
        match self.0.get(usize::try_from(message).unwrap() - 1) {
            None => MISSING.into(),
            Some((.., true)) => DELETED.into(),
            Some(entry) => show(entry),
        }
    }

    fn all(&self, show: impl Fn(&(u64, String, bool)) -> String) -> String {
        let (count, octets) = self.totals();
        let lines: Vec<_> = self
            .kept()
            .map(|(index, entry)| format!("{} {}\r\n", index + 1, show(entry)))
            .collect();
        let lines = lines.concat();
        format!("+OK {count} messages ({octets} octets)\r\n{lines}.\r\n")
    }

    /// The line to send and the answer that is due.
    fn act(&mut self, act: &Act) -> (String, String) {
        let (count, octets) = self.totals();
        match act {
            Act::Stat => ("STAT".into(), format!("+OK {count} {octets}\r\n")),
            Act::Noop => ("NOOP".into(), "+OK nothing done\r\n".into()),
            Act::List(None) => ("LIST".into(), self.all(|entry| entry.0.to_string())),
            Act::Uidl(None) => ("UIDL".into(), self.all(|entry| entry.1.clone())),
            Act::List(Some(message)) => (
                format!("LIST {message}"),
                self.one(*message, |entry| format!("+OK {message} {}\r\n", entry.0)),
            ),
            Act::Uidl(Some(message)) => (
                format!("UIDL {message}"),
                self.one(*message, |entry| format!("+OK {message} {}\r\n", entry.1)),
            ),
            Act::Retr(message) => (
                format!("RETR {message}"),
                self.one(*message, |_| format!("-ERR (Send(MessageNumber({message})))\r\n")),
            ),
            Act::Top(message, lines) => (
                format!("TOP {message} {lines}"),
                self.one(*message, |_| format!("-ERR (Send(MessageNumber({message})))\r\n")),
            ),
            Act::Dele(message) => {
                let answer = self.one(*message, |_| "+OK message deleted\r\n".into());
                if let Some(entry) = self.0.get_mut(usize::try_from(*message).unwrap() - 1) {
                    entry.2 = true;
                }
                (format!("DELE {message}"), answer)
            }
            Act::Rset => {
                for entry in &mut self.0 {
                    entry.2 = false;
                }
                let (count, octets) = self.totals();
                ("RSET".into(), format!("+OK {count} messages ({octets} octets)\r\n"))
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// R1939-6.03, R1939-6.04, S18.3: every answer is the model's, and what QUIT removes is what the model has
    /// marked.
    #[test]
    fn a_maildrop_is_a_list_with_marks(
        entries in vec((prop_oneof![0..1000_u64, Just(u64::MAX)], "[!-~]{1,8}"), 0..10),
        acts in vec(act(), 0..60),
        output in 512..2000_usize,
    ) {
        let mut config = ServerConfig::new();
        config.limits.output = output;
        let entries: Vec<_> = entries.iter().map(|(octets, id)| (*octets, id.as_str())).collect();
        let mut open = Open::with(config, &entries);
        let mut model =
            Model(entries.iter().map(|(octets, id)| (*octets, (*id).to_owned(), false)).collect());
        for act in &acts {
            let (line, answer) = model.act(act);
            prop_assert_eq!(open.say(&line), answer, "{}", line);
            let marked: Vec<u32> = (1..)
                .zip(&model.0)
                .filter_map(|(number, (.., marked))| marked.then_some(number))
                .collect();
            prop_assert_eq!(open.marked(), marked);
        }
        say(&mut open.session, b"QUIT\r\n");
        prop_assert_eq!(open.session.poll_event(), Some(Event::Command(Command::Quit)));
        prop_assert_eq!(
            open.maildrop.answer(&Command::Quit, &mut open.session),
            Ok(Action::Commit)
        );
    }
}
