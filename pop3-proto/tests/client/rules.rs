//! The rules of RFC 1939 and RFC 1957 for clients that no other test proves: what a client concludes from
//! nothing, and does without.

use pop3_proto::client::{Eof, Support, Update};
use pop3_proto::state::State;
use pop3_proto::{Command, RawFraming};

use crate::support::{
    GREETED, GREETING, Run, Step, apop, auth, dele, expect, expect_in_transaction, login, number,
    pass, presets, retr, s, user,
};

/// R1939-3.12: `-ERR` tells nobody whether a command is not implemented or was not carried out: whatever was
/// refused may be sent again, and is believed when it is answered `+OK`.
#[test]
fn a_refused_command_may_be_sent_again() {
    let top = Command::Top { message: number(1), lines: 0 };
    let raw = Command::raw("XTND", RawFraming::SingleLine).unwrap();
    let before_login: [(Command, &str); 8] = [
        (user("mrose"), "+OK\r\n"),
        (apop(), "+OK\r\n"),
        (auth("PLAIN", Some("AG1yb3NlAHNlY3JldA==")), "+OK\r\n"),
        (Command::Mechanisms { trailing_space: false }, "+OK\r\nPLAIN\r\n.\r\n"),
        (Command::Capa, "+OK\r\nTOP\r\n.\r\n"),
        (Command::Stls, "+OK\r\n"),
        (Command::Utf8, "+OK\r\n"),
        (Command::Lang(None), "+OK\r\nen English\r\n.\r\n"),
    ];
    let after_login: [(Command, &str); 5] = [
        (top, "+OK\r\na\r\n.\r\n"),
        (Command::Uidl(None), "+OK\r\n1 a\r\n.\r\n"),
        (Command::Uidl(Some(number(1))), "+OK 1 a\r\n"),
        (retr(1), "+OK\r\na\r\n.\r\n"),
        (raw, "+OK\r\n"),
    ];
    for config in presets() {
        for (begin, commands) in
            [(Run::greeted as fn(_) -> _, &before_login[..]), (Run::in_transaction, &after_login)]
        {
            for (command, positive) in commands {
                let mut run = begin(config);
                let state = run.session.state();
                for refusal in ["-ERR\r\n", "-ERR unknown command\r\n", "-ERR not now\r\n"] {
                    let id =
                        run.send(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
                    run.feed(refusal.as_bytes());
                    let text = refusal[4..].trim();
                    assert_eq!(run.take_trace(), [format!("{id} completed - {text:?}")]);
                    assert_eq!(run.session.state(), state);
                }
                let id = run.send(command).unwrap();
                run.feed(positive.as_bytes());
                let last = run.take_trace().pop().expect("an answer");
                let ends = ["completed + ", "finished", "starts TLS + "];
                assert!(ends.iter().any(|end| last.starts_with(&format!("{id} {end}"))), "{last}");
                if let Some(keyword) = command.keyword() {
                    assert_ne!(run.session.support(keyword), Support::Missing, "{keyword}");
                }
            }
        }
    }
}

/// R1939-4.03: after a refused login QUIT is legal, and a server that closes is no surprise.
#[test]
fn a_refused_login_may_be_the_end() {
    let begun = [&login()[..4], &[s("-ERR [AUTH] no\r\n")]].concat();
    let lines = [GREETED, "#0 completed + \"\"", "#1 completed - \"[AUTH] no\""];
    for config in presets() {
        let quit = [&begun[..], &[Step::C(Command::Quit), s("+OK bye\r\n")]].concat();
        let ended = [&lines[..], &["#2 completed + \"bye\"", "closed NotRequested"]].concat();
        expect(config, &quit, &ended);
        for (eof, closed) in
            [(Eof::Clean, "closed NotRequested Clean"), (Eof::Abrupt, "closed NotRequested Abrupt")]
        {
            let script = [&begun[..], &[Step::End(eof)]].concat();
            let run = expect(config, &script, &[&lines[..], &[closed]].concat());
            assert_eq!(run.session.state(), State::Closed);
        }
    }
}

/// R1939-6.01: only QUIT asks for what is marked to be removed; however else a session ends, it says that
/// nothing was.
#[test]
fn nothing_is_removed_without_quit() {
    for config in presets() {
        for (rest, last) in [
            (Step::End(Eof::Clean), "closed NotRequested Clean"),
            (Step::End(Eof::Abrupt), "closed NotRequested Abrupt"),
            (s("+OK nobody asked\r\n"), "error Unsolicited"),
        ] {
            let script = [Step::C(dele(1)), s("+OK\r\n"), rest];
            let run = expect_in_transaction(config, &script, &["#2 completed + \"\"", last]);
            assert_eq!(run.session.update(), Update::NotRequested);
        }
        let mut run = Run::in_transaction(config);
        run.send(&dele(1)).unwrap();
        run.feed(b"+OK\r\n");
        run.session.time_out();
        assert_eq!(run.session.update(), Update::NotRequested);
    }
}

/// R1939-8.01: a message that was fetched is still there, whatever the server announces of how long it keeps
/// messages: only the `+OK` of DELE marks it, and DELE leaves.
#[test]
fn a_fetched_message_is_not_taken_for_deleted() {
    for expire in ["EXPIRE 0", "EXPIRE 0 USER", "EXPIRE 7", "X-DELETES-WHAT-WAS-READ"] {
        for config in presets() {
            let mut run = Run::in_transaction(config);
            run.send(&Command::Capa).unwrap();
            run.feed(format!("+OK\r\n{expire}\r\n.\r\n").as_bytes());
            for _ in 0..2 {
                run.send(&retr(1)).unwrap();
                run.feed(b"+OK\r\na\r\n.\r\n");
                assert!(!run.session.is_marked(number(1)));
            }
            run.sent.clear();
            run.send(&dele(1)).unwrap();
            assert_eq!(run.sent, b"DELE 1\r\n");
            run.feed(b"+OK\r\n");
            assert!(run.session.is_marked(number(1)));
        }
    }
}

/// R1939-9.01: of any answer but those to STAT, LIST and UIDL nothing counts but the status indicator.
#[test]
fn texts_decide_nothing() {
    for text in
        ["", "-ERR", "+OK", "2 320", "1 a", "0 messages (0 octets)", ".", "[IN-USE] no", "bye"]
    {
        let ok = || s(format!("+OK {text}\r\n"));
        let plus = format!("+ {text:?}");
        let script = [
            ok(),
            Step::C(user("mrose")),
            ok(),
            Step::C(pass("secret")),
            ok(),
            Step::C(Command::Noop),
            ok(),
            Step::C(dele(1)),
            ok(),
            Step::C(Command::Rset),
            ok(),
            Step::C(dele(2)),
            ok(),
            Step::C(dele(3)),
            s(format!("-ERR {text}\r\n")),
            Step::C(Command::List(None)),
            s(format!("+OK {text}\r\n1 2\r\n.\r\n")),
            Step::C(retr(1)),
            s(format!("+OK {text}\r\na\r\n.\r\n")),
        ];
        let mut lines = vec![format!("greeting {plus}")];
        lines.extend((0..6).map(|id| format!("#{id} completed {plus}")));
        lines.push(format!("#6 completed - {text:?}"));
        lines.extend([format!("#7 started {plus}"), "#7 scan 1 2".into(), "#7 finished".into()]);
        lines.extend([
            format!("#8 started {plus}"),
            "#8 data \"a\\r\\n\"".into(),
            "#8 finished".into(),
        ]);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for config in presets() {
            let mut run = expect(config, &script, &lines);
            let marked = [1, 2, 3].map(|message| run.session.is_marked(number(message)));
            assert_eq!((marked, run.session.state()), ([false, true, false], State::Transaction));
            run.send(&Command::Quit).unwrap();
            run.feed(format!("+OK {text}\r\n").as_bytes());
            assert_eq!(run.session.update(), Update::Committed);
        }
    }
}

/// R1957-1.01: no space and no text has to follow the status indicator, whatever it answers.
#[test]
fn a_status_indicator_may_stand_alone() {
    let script = [
        s("+OK\r\n"),
        Step::C(user("mrose")),
        s("+OK\r\n"),
        Step::C(pass("wrong")),
        s("-ERR\r\n"),
        Step::C(user("mrose")),
        s("+OK\r\n"),
        Step::C(pass("secret")),
        s("+OK\r\n"),
        Step::C(retr(1)),
        s("+OK\r\na\r\n.\r\n"),
        Step::C(retr(2)),
        s("-ERR\r\n"),
        Step::C(Command::Quit),
        s("+OK\r\n"),
    ];
    for config in presets() {
        expect(
            config,
            &script,
            &[
                "greeting + \"\"",
                "#0 completed + \"\"",
                "#1 completed - \"\"",
                "#2 completed + \"\"",
                "#3 completed + \"\"",
                "#4 started + \"\"",
                "#4 data \"a\\r\\n\"",
                "#4 finished",
                "#5 completed - \"\"",
                "#6 completed + \"\"",
                "closed Committed",
            ],
        );
    }
}

/// R1957-1.02: TOP and UIDL are optional, as CAPA is: where there are none mail is fetched and deleted all the
/// same.
#[test]
fn top_and_uidl_are_not_needed() {
    let refused = "-ERR unknown command\r\n";
    let script = [
        s(GREETING),
        Step::C(Command::Capa),
        s(refused),
        Step::C(user("mrose")),
        s("+OK\r\n"),
        Step::C(pass("secret")),
        s("+OK\r\n"),
        Step::C(Command::Uidl(None)),
        s(refused),
        Step::C(Command::Top { message: number(1), lines: 0 }),
        s(refused),
        Step::C(Command::Stat),
        s("+OK 1 3\r\n"),
        Step::C(Command::List(None)),
        s("+OK\r\n1 3\r\n.\r\n"),
        Step::C(retr(1)),
        s("+OK\r\na\r\n.\r\n"),
        Step::C(dele(1)),
        s("+OK\r\n"),
        Step::C(Command::Quit),
        s("+OK\r\n"),
    ];
    for config in presets() {
        expect(
            config,
            &script,
            &[
                GREETED,
                "#0 completed - \"unknown command\"",
                "#1 completed + \"\"",
                "#2 completed + \"\"",
                "#3 completed - \"unknown command\"",
                "#4 completed - \"unknown command\"",
                "#5 drop 1 3",
                "#5 completed + \"1 3\"",
                "#6 started + \"\"",
                "#6 scan 1 3",
                "#6 finished",
                "#7 started + \"\"",
                "#7 data \"a\\r\\n\"",
                "#7 finished",
                "#8 completed + \"\"",
                "#9 completed + \"\"",
                "closed Committed",
            ],
        );
    }
}
