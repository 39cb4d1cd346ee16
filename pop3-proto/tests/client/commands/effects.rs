//! What replies change: marks, the language, the login, and what is known of the server.

use pop3_proto::client::{Eof, Pipelining, SendError, Support};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, LanguageRange};

use crate::support::{
    self, GREETED, GREETING, Run, Step, all_ways, apop, dele, expect_in_transaction, login, number,
    outlook, pass, presets, retr, s, tolerant, user,
};

/// R1939-5.03, C0026: what DELE marked can be named no more, until RSET is answered `+OK`. Nothing else marks, and
/// nothing else clears.
#[test]
fn marked_messages_are_not_named() {
    let naming: [fn(u32) -> Command; 5] = [
        retr,
        dele,
        |message| Command::Top { message: number(message), lines: 1 },
        |message| Command::List(Some(number(message))),
        |message| Command::Uidl(Some(number(message))),
    ];
    let mut run = Run::in_transaction(tolerant());
    let marked = |run: &mut Run, message: u32, is: bool| {
        assert_eq!(run.session.is_marked(number(message)), is);
        for command in naming {
            let command = command(message);
            if is {
                assert_eq!(run.send(&command), Err(SendError::MarkedDeleted(number(message))));
            }
        }
    };
    for (command, reply, one, two) in [
        (dele(1), "-ERR\r\n", false, false),
        (dele(1), "+OK\r\n", true, false),
        (retr(2), "+OK\r\n.\r\n", true, false),
        (Command::Rset, "-ERR\r\n", true, false),
        (dele(2), "+OK\r\n", true, true),
        (Command::List(None), "+OK\r\n1 1\r\n2 2\r\n.\r\n", true, true),
        (Command::Rset, "+OK\r\n", false, false),
        (dele(2), "+OK\r\n", false, true),
    ] {
        run.send(&command).unwrap();
        run.feed(reply.as_bytes());
        marked(&mut run, 1, one);
        marked(&mut run, 2, two);
        marked(&mut run, 3, false);
    }
    assert!(!SendError::MarkedDeleted(number(1)).is_transient());

    // While an RSET is in flight nobody knows: waiting for its answer decides.
    run.send(&Command::Rset).unwrap();
    let undecided = SendError::Barrier { keyword: Keyword::Rset };
    assert_eq!(run.send(&retr(2)), Err(undecided.clone()));
    assert!(undecided.is_transient());
    run.feed(b"+OK\r\n");
    run.send(&retr(2)).unwrap();
}

/// I5: marks follow the order of the replies, also in a pipeline, and legality the replies that are in.
#[test]
fn marks_follow_the_replies() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let mut run = Run::in_transaction(config);
    for command in [dele(1), retr(1), Command::Rset, dele(2)] {
        run.send(&command).unwrap();
    }
    let mut marks = Vec::new();
    for reply in ["+OK\r\n", "-ERR deleted\r\n", "+OK\r\n", "+OK\r\n"] {
        run.feed(reply.as_bytes());
        marks.push((run.session.is_marked(number(1)), run.session.is_marked(number(2))));
    }
    assert_eq!(marks, [(true, false), (true, false), (false, false), (false, true)]);
}

/// R6856-3.2.03, R6856-3.2.04: `+OK` to LANG tells of a language, `-ERR` of none.
#[test]
fn a_refused_language_is_not_chosen() {
    let lang = |range| Step::C(Command::Lang(Some(LanguageRange::new(range).unwrap())));
    let chosen = ["#2 language fr \"\"", "#2 completed + \"fr \""];
    for config in presets() {
        let refused = [lang("uga"), s("-ERR pas support\u{e9}\r\n")];
        expect_in_transaction(config, &refused, &["#2 completed - \"pas support\u{e9}\""]);
        expect_in_transaction(config, &[lang("*"), s("+OK fr \r\n")], &chosen);
    }
}

/// R2449-6.9.01: whatever a server calls itself, it is told the same, and the same is made of what it says.
#[test]
fn an_implementation_changes_nothing() {
    let play = |name: &str| {
        let list = format!("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n{name}.\r\n");
        let script = [
            &[s(GREETING), Step::C(Command::Capa), s(list)][..],
            &login()[1..],
            &[Step::C(Command::List(None)), s("+OK\r\n1 5 more\r\n2 x\r\n.\r\n")],
            &[Step::C(retr(1)), s("+OK\r\n..x\r\n.\r\n"), Step::C(Command::Uidl(None))],
            &[s("-ERR what\r\n"), Step::C(Command::Quit), s("+OK\r\n"), Step::End(Eof::Clean)],
        ]
        .concat();
        let mut run = all_ways(tolerant(), &script);
        let mut trace = run.take_trace();
        trace.retain(|line| !line.contains("IMPLEMENTATION"));
        (run.sent, trace)
    };
    let none = play("");
    assert!(none.0.ends_with(b"UIDL\r\nQUIT\r\n") && none.1.len() > 10, "{none:?}");
    for name in ["Cyrus POP3 3.6.1", "Microsoft Exchange", "Dovecot", "Shlemazle-Plotz-v302"] {
        assert_eq!(play(&format!("IMPLEMENTATION {name}\r\n")), none, "{name}");
    }
}

/// R1939-4.03, R1939-7.07, C0045: after a refusal of USER or PASS the client may try again.
#[test]
fn a_refused_login_may_be_tried_again() {
    let script = [
        s(GREETING),
        Step::C(user("a")),
        s("-ERR\r\n"),
        Step::C(user("b")),
        s("+OK\r\n"),
        Step::C(pass("x")),
        s("-ERR [AUTH] no\r\n"),
        Step::C(apop()),
        s("-ERR\r\n"),
        Step::C(user("b")),
        s("+OK\r\n"),
        Step::C(pass("y")),
        s("+OK\r\n"),
    ];
    let run = support::expect(
        outlook(),
        &script,
        &[
            GREETED,
            "#0 completed - \"\"",
            "#1 completed + \"\"",
            "#2 completed - \"[AUTH] no\"",
            "#3 completed - \"\"",
            "#4 completed + \"\"",
            "#5 completed + \"\"",
        ],
    );
    assert_eq!(run.session.state(), State::Transaction);
}

/// RFC 2449 §5: what a server does not have is told from what failed at the moment, and what it does from what it
/// announces.
#[test]
fn what_a_server_supports() {
    let uidl = Command::Uidl(None);
    let one = Command::Uidl(Some(number(1)));
    let top = Command::Top { message: number(1), lines: 0 };
    for (keyword, command, reply, support) in [
        (Keyword::Uidl, &uidl, "+OK\r\n.\r\n", Support::Proven),
        (Keyword::Uidl, &uidl, "-ERR what?\r\n", Support::Missing),
        (Keyword::Uidl, &uidl, "-ERR [SYS/TEMP] later\r\n", Support::Unknown),
        (Keyword::Uidl, &uidl, "-ERR [SYS/OTHER] later\r\n", Support::Unknown),
        (Keyword::Uidl, &uidl, "-ERR [OTHER] what?\r\n", Support::Missing),
        (Keyword::Uidl, &one, "-ERR no such message\r\n", Support::Unknown),
        (Keyword::Top, &top, "+OK\r\n.\r\n", Support::Proven),
        (Keyword::Top, &top, "-ERR what?\r\n", Support::Missing),
        (Keyword::Capa, &Command::Capa, "+OK\r\n.\r\n", Support::Proven),
        (Keyword::Capa, &Command::Capa, "-ERR what?\r\n", Support::Missing),
        (Keyword::Capa, &Command::Capa, "+OK\r\nUIDL\r\n.\r\n", Support::Proven),
    ] {
        let mut run = Run::in_transaction(tolerant());
        assert_eq!(run.session.support(keyword), Support::Unknown);
        run.send(command).unwrap();
        run.feed(reply.as_bytes());
        assert_eq!(run.session.support(keyword), support, "{keyword} {reply}");
    }
    // What is announced counts until it is refused, and what was refused until it is not.
    let mut run = Run::in_transaction(tolerant());
    for (command, reply, support) in [
        (&Command::Capa, "+OK\r\nUIDL\r\n.\r\n", Support::Announced),
        (&uidl, "-ERR [SYS/TEMP] later\r\n", Support::Announced),
        (&uidl, "-ERR what?\r\n", Support::Missing),
        (&Command::Capa, "+OK\r\n.\r\n", Support::Missing),
        (&uidl, "+OK\r\n.\r\n", Support::Proven),
    ] {
        run.send(command).unwrap();
        run.feed(reply.as_bytes());
        assert_eq!(run.session.support(Keyword::Uidl), support, "{reply}");
    }
}
