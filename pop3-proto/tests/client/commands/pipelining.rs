//! What may be sent while a reply is owed, and how much.

use pop3_proto::client::{Pipelining, SendError};
use pop3_proto::state::{Barrier, Keyword};
use pop3_proto::{Command, RawFraming};

use super::{Point, Row, table};
use crate::support::{Run, Step, all_ways, dele, expect_in_transaction, retr, s, strict, tolerant};

/// C0045, C0047, R2595-4.03, H16: behind what logs in, STLS, UTF8, LANG and QUIT nothing is taken until their reply is
/// in; once it is, what is legal then is taken.
#[test]
fn nothing_behind_a_barrier() {
    let barriers: Vec<Row> = table()
        .into_iter()
        .filter(|row| {
            row.command.keyword().is_some_and(|keyword| keyword.rule().barrier > Barrier::None)
        })
        .collect();
    let names: Vec<_> = barriers.iter().map(|row| row.wire).collect();
    assert_eq!(
        names,
        [
            "USER mrose",
            "PASS secret",
            "PASS  two  words ",
            "APOP mrose c4c9334bac560ecc979e58001b3e22fb",
            "AUTH PLAIN AG1yb3NlAHNlY3JldA==",
            "AUTH EXTERNAL =",
            "AUTH PLAIN",
            "AUTH",
            "AUTH ",
            "STLS",
            "UTF8",
            "LANG",
            "LANG sv",
            "LANG *",
            "QUIT",
        ]
    );
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    for barrier in &barriers {
        let point = if barrier.legal == "U" { Point::AfterUser } else { Point::Authorization };
        for behind in table() {
            let mut run = all_ways(config, &point.script());
            run.send(&barrier.command).unwrap();
            let keyword = barrier.command.keyword().unwrap();
            let error = match keyword {
                Keyword::Quit => SendError::Over,
                keyword => SendError::Barrier { keyword },
            };
            assert_eq!(error.is_transient(), keyword != Keyword::Quit);
            assert_eq!(run.send(&behind.command), Err(error), "{}", behind.wire);
        }
    }
}

/// R2595-4.03, RFC 5034 §4: AUTH and STLS are not taken while a reply is owed, not even where everything else may be
/// pipelined; once it is in, they are.
#[test]
fn nothing_before_auth_and_stls() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let around = table().into_iter().filter(|row| {
        row.command.keyword().is_some_and(|keyword| keyword.rule().barrier == Barrier::Around)
    });
    let mut tried = 0;
    for row in around {
        let keyword = row.command.keyword().unwrap();
        let mut run = Run::greeted(config);
        run.queue(&Command::Capa).unwrap();
        let refused = Err(SendError::Barrier { keyword });
        assert_eq!(run.send(&row.command), refused, "{}", row.wire);
        run.flush();
        run.feed(b"+OK\r\n");
        assert_eq!(run.send(&row.command), refused, "{}", row.wire);
        run.feed(b".\r\n");
        assert!(run.send(&row.command).is_ok(), "{}", row.wire);
        tried += 1;
    }
    assert_eq!(tried, 6);
}

/// R2449-6.6.02: more than one command is in flight only where PIPELINING was announced, or the caller says so; replies
/// are matched in order.
#[test]
fn pipelining_announced_always_and_never() {
    let list = "+OK\r\nPipelining\r\n.\r\n";
    let bare = "+OK\r\nTOP\r\n.\r\n";
    for (pipelining, capabilities, may) in [
        (Pipelining::Announced, None, false),
        (Pipelining::Announced, Some(bare), false),
        (Pipelining::Announced, Some(list), true),
        (Pipelining::Announced, Some("-ERR\r\n"), false),
        (Pipelining::Always, None, true),
        (Pipelining::Always, Some(bare), true),
        (Pipelining::Never, None, false),
        (Pipelining::Never, Some(list), false),
    ] {
        let mut config = tolerant();
        config.pipelining = pipelining;
        let mut run = Run::in_transaction(config);
        if let Some(capabilities) = capabilities {
            run.send(&Command::Capa).unwrap();
            run.feed(capabilities.as_bytes());
            run.take_trace();
            run.sent.clear();
        }
        assert_eq!(run.session.may_pipeline(), may);
        let first = run.send(&Command::Stat).unwrap();
        let second = run.send(&retr(1));
        if may {
            let second = second.unwrap();
            let third = run.send(&Command::Noop).unwrap();
            assert_eq!(run.sent, b"STAT\r\nRETR 1\r\nNOOP\r\n");
            run.feed(b"+OK 1 2\r\n+OK\r\nx\r\n.\r\n-ERR\r\n");
            let lines = [
                format!("{first} drop 1 2"),
                format!("{first} completed + \"1 2\""),
                format!("{second} started + \"\""),
                format!("{second} data \"x\\r\\n\""),
                format!("{second} finished"),
                format!("{third} completed - \"\""),
            ];
            assert_eq!(run.take_trace(), lines);
        } else {
            assert_eq!(second, Err(SendError::NotPipelined));
            assert!(SendError::NotPipelined.is_transient());
            run.feed(b"+OK 1 2\r\n");
            assert!(run.send(&retr(1)).is_ok());
        }
    }
}

/// H17: a pipelined run of which every command fails does not shift a reply.
#[test]
fn refusals_in_a_pipeline_do_not_shift() {
    let mut config = strict();
    config.pipelining = Pipelining::Always;
    let commands = [Command::Stat, retr(1), Command::List(None), Command::Uidl(None), dele(1)];
    let mut script: Vec<Step> = commands.into_iter().map(Step::C).collect();
    script.push(s("-ERR a\r\n-ERR b\r\n-ERR c\r\n+OK\r\n1 x\r\n.\r\n-ERR e\r\n"));
    expect_in_transaction(
        config,
        &script,
        &[
            "#2 completed - \"a\"",
            "#3 completed - \"b\"",
            "#4 completed - \"c\"",
            "#5 started + \"\"",
            "#5 id 1 x",
            "#5 finished",
            "#6 completed - \"e\"",
        ],
    );
}

/// I3: no more commands are in flight than the limit says, and one reply makes room for one.
#[test]
fn the_limit_of_commands_in_flight() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    config.limits.in_flight = 3;
    let mut run = Run::in_transaction(config);
    for _ in 0..3 {
        run.send(&Command::Noop).unwrap();
    }
    let full = SendError::TooManyInFlight { limit: 3 };
    assert!(full.is_transient());
    assert_eq!(run.send(&Command::Noop), Err(full.clone()));
    run.feed(b"+OK\r\n");
    assert_eq!(run.session.in_flight(), 2);
    assert!(run.send(&Command::Noop).is_ok());
    assert_eq!(run.send(&Command::Noop), Err(full));

    // Nothing could ever leave under a limit of 0: it counts as 1.
    config.limits.in_flight = 0;
    let mut run = Run::in_transaction(config);
    run.send(&Command::Noop).unwrap();
    assert_eq!(run.send(&Command::Noop), Err(SendError::TooManyInFlight { limit: 1 }));
}

/// I3: output waits up to the limit and no octet beyond; a single line always goes.
#[test]
fn the_limit_of_output() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    config.limits.output = 12;
    let mut run = Run::in_transaction(config);
    run.queue(&Command::Noop).unwrap();
    run.queue(&Command::Noop).unwrap();
    assert!(SendError::OutputFull.is_transient());
    assert_eq!(run.queue(&Command::Noop), Err(SendError::OutputFull));
    bytes::Buf::advance(&mut run.session.outgoing(), 5);
    assert_eq!(run.queue(&Command::Noop), Err(SendError::OutputFull));
    bytes::Buf::advance(&mut run.session.outgoing(), 1);
    run.queue(&Command::Noop).unwrap();
    run.flush();
    let long = Command::raw(&"x".repeat(253), RawFraming::SingleLine).unwrap();
    assert!(run.queue(&long).is_ok());
}
