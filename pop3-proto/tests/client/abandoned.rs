//! Commands that were given up: what still happens, and how much is read for it.

use pop3_proto::Command;
use pop3_proto::client::Pipelining;
use pop3_proto::state::State;

use crate::support::{
    Run, Step, all_ways, dele, expect_in_transaction, login, number, retr, s, strict, tolerant,
};

/// I3: the rest of what is abandoned is read up to the limit, terminator included, and not an octet further.
#[test]
fn draining_has_a_limit() {
    let mut config = tolerant();
    config.limits.drain = 100;
    let error = "error DrainLimit { limit: 100 }";
    for (command, rest) in [
        (retr(1), format!("{}\r\n.\r\n", "x".repeat(95))),
        (retr(1), format!("..{}\r\n.\r\n", "\r\n".repeat(46) + "x")),
        (Command::List(None), "1 1\r\n".repeat(18) + "xxxxx\r\n" + ".\r\n"),
        (Command::Capa, format!("{}\r\n.\r\n", "x".repeat(95))),
    ] {
        let over = rest.replacen('x', "xx", 1);
        for (rest, line) in [(rest, "#2 finished"), (over, error)] {
            let abandoned =
                [Step::C(command.clone()), Step::Abandon(2), s(format!("+OK\r\n{rest}"))];
            expect_in_transaction(config, &abandoned, &[line]);
            let midway = [Step::C(command.clone()), s("+OK\r\n"), Step::Abandon(2), s(&rest)];
            expect_in_transaction(config, &midway, &["#2 started + \"\"", line]);
        }
    }
    assert_eq!(tolerant().limits.drain, 1 << 20);
    // A single line is no drain, and what is not abandoned has no such limit.
    let line = "x".repeat(200);
    let single = [Step::C(Command::Noop), Step::Abandon(2), s(format!("+OK {line}\r\n"))];
    expect_in_transaction(config, &single, &[&format!("#2 completed + \"{line}\"")]);
}

/// R1939-3.09: what is abandoned still ends, and its effects still happen; what follows correlates.
#[test]
fn abandoned_commands_still_take_effect() {
    let mut config = strict();
    config.pipelining = Pipelining::Always;
    let script = [
        Step::C(dele(1)),
        Step::C(Command::Stat),
        Step::C(Command::Uidl(Some(number(2)))),
        Step::C(Command::Uidl(None)),
        Step::C(retr(2)),
        Step::C(Command::Capa),
        Step::C(Command::Noop),
        Step::Abandon(2),
        Step::Abandon(3),
        Step::Abandon(4),
        Step::Abandon(5),
        Step::Abandon(6),
        Step::Abandon(7),
        s(
            "+OK\r\n+OK 2 3\r\n+OK 2 b\r\n+OK\r\n2 b\r\nnonsense\r\n.\r\n+OK\r\n..\r\n.\r\n+OK\r\nPIPELINING\r\n.\r\n",
        ),
        s("+OK mine\r\n"),
    ];
    let run = expect_in_transaction(
        config,
        &script,
        &[
            "#2 completed + \"\"",
            "#3 completed + \"2 3\"",
            "#4 completed + \"2 b\"",
            "#5 finished",
            "#6 finished",
            "#7 finished",
            "#8 completed + \"mine\"",
        ],
    );
    assert!(run.session.is_marked(number(1)));
    assert_eq!(run.session.capabilities(), None, "a list that nobody saw is none");
    // Login.
    let mut script = login();
    script.insert(4, Step::Abandon(1));
    assert_eq!(all_ways(config, &script).session.state(), State::Transaction);
}

/// A command that is not in flight cannot be abandoned, nor one that has ended.
#[test]
fn only_what_is_in_flight_is_abandoned() {
    let mut run = Run::in_transaction(tolerant());
    let id = run.send(&Command::Noop).unwrap();
    assert!(run.session.abandon(id) && run.session.abandon(id));
    run.feed(b"+OK\r\n");
    assert_eq!(run.take_trace(), ["#2 completed + \"\""]);
    assert!(!run.session.abandon(id));
}
