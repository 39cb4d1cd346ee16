//! What a hostile client can make a session do, hold and say: budgets, limits, and what is told to
//! those who have not logged in.

use std::fmt::Write as _;

use bytes::Buf as _;
use pop3_proto::client::{Channel, Eof};
use pop3_proto::codec::LineEnding;
use pop3_proto::server::{
    ConfigError, Event, RespondError, ServerConfig, ServerLimits, ServerSession, Waiting,
};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, CommandError};

use crate::server_support::*;

const LOGIN: &[u8] = b"USER alice\r\nPASS correct horse\r\n";
const LOGGED_IN: &str = "+OK ready\r\n+OK password, please\r\n+OK maildrop open\r\n";

fn server(config: ServerConfig) -> Server {
    Server::new(config, vec![b"Subject: one\n\nfirst\n".to_vec(), b"second".to_vec()])
}

fn said(server: &mut Server, octets: &[u8]) -> String {
    String::from_utf8(server.converse(octets)).expect("text")
}

/// S19.1, class F18: the third bad command before login and the twentieth after it are answered and
/// end the session, whatever kind they are, and QUIT behind them is not looked at.
#[test]
fn bad_commands_are_borne_so_often() {
    let bad: [&[u8]; 9] = [
        b"X\r\n",
        b"\r\n",
        b"\0\r\n",
        b"DELE\r\n",
        b"RETR 0\r\n",
        b"AUTH PLAIN\r\n",
        b"PASS x\r\n",
        b"USER a b\r\n",
        &[&[b'A'; 600][..], b"\r\n"].concat(),
    ];
    for line in bad {
        for (login, borne) in [(&b""[..], 3), (LOGIN, 20)] {
            let mut server = server(ServerConfig::new());
            server.converse(login);
            if login.is_empty() {
                written(&mut server.session);
            }
            let flood = [line.repeat(borne), b"QUIT\r\n".to_vec(), line.repeat(100)].concat();
            let out = said(&mut server, &flood);
            assert_eq!(out.matches("-ERR ").count(), borne, "{}", line.escape_ascii());
            assert_eq!(out.lines().count(), borne);
            assert_eq!((server.closed, server.removed), (Some(false), None));
            assert_eq!(server.session.state(), State::Closed);
        }
    }
}

/// One bad command fewer is borne, good ones between do not matter, and login begins a new count.
#[test]
fn bad_commands_are_counted_over_the_whole_state() {
    let mut server = server(ServerConfig::new());
    let lines = [&b"X\r\nCAPA\r\nX\r\n"[..], LOGIN, &b"X\r\nNOOP\r\n".repeat(19)].concat();
    let out = said(&mut server, &lines);
    assert_eq!((out.matches("-ERR ").count(), server.closed), (21, None));
    assert_eq!(said(&mut server, b"X\r\nNOOP\r\n"), "-ERR unknown command\r\n");
    assert_eq!(server.closed, Some(false));
}

#[test]
fn the_budgets_are_configurable() {
    for borne in [1, 2, 7] {
        let mut config = ServerConfig::new();
        config.limits.bad_commands_before_login = borne;
        config.limits.login_attempts = borne;
        let times = usize::try_from(borne).unwrap();
        let mut bad = server(config.clone());
        let out = said(&mut bad, &b"X\r\n".repeat(100));
        assert_eq!(out, format!("+OK ready\r\n{}", "-ERR unknown command\r\n".repeat(times)));
        let mut wrong = server(config);
        let out = said(&mut wrong, &b"USER alice\r\nPASS x\r\n".repeat(100));
        let pair = "+OK password, please\r\n-ERR [AUTH] authentication failed\r\n";
        assert_eq!(out, format!("+OK ready\r\n{}", pair.repeat(times)));
    }
}

/// R1939-7.15, R3206-6.01, S14.7, S19.2: nobody learns who exists. The same octets for every
/// name and every password, `[AUTH]` for every refusal, and the third ends the session.
#[test]
fn every_failed_login_looks_the_same() {
    for (name, password) in [("alice", "wrong"), ("nobody", "wrong"), ("nobody", PASSWORD)] {
        let mut server = server(ServerConfig::new());
        let attempt = format!("USER {name}\r\nPASS {password}\r\n");
        let out = said(&mut server, attempt.repeat(2).as_bytes());
        let pair = "+OK password, please\r\n-ERR [AUTH] authentication failed\r\n";
        assert_eq!(out, format!("+OK ready\r\n{}", pair.repeat(2)));
        assert_eq!((server.closed, server.session.state()), (None, State::Authorization));
        assert_eq!(said(&mut server, format!("{attempt}QUIT\r\n").as_bytes()), pair);
        assert_eq!(server.closed, Some(false));
    }
    // A login that succeeds within the attempts is taken.
    let mut server = server(ServerConfig::new());
    let wrong = b"USER alice\r\nPASS wrong\r\n".repeat(2);
    let out = said(&mut server, &[&wrong, LOGIN].concat());
    assert!(out.ends_with("+OK password, please\r\n+OK maildrop open\r\n"), "{out}");
    assert_eq!(server.session.state(), State::Transaction);
}

/// R3206-5.02, R2449-5.04: a server that says `[AUTH]` announces it, in both states.
#[test]
fn capabilities_are_the_same_in_both_states() {
    let mut server = server(ServerConfig::new());
    let before = said(&mut server, b"CAPA\r\n");
    let before = before.strip_prefix("+OK ready\r\n").expect("the greeting first");
    server.converse(LOGIN);
    assert_eq!(said(&mut server, b"CAPA\r\n"), before);
    for tag in ["TOP", "UIDL", "USER", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"] {
        assert_eq!(before.lines().filter(|line| *line == tag).count(), 1, "{tag}");
    }
    assert_eq!(before.lines().count(), 8);
}

/// R1939-4.05, C0009: a session that nobody could log in to is not made.
#[test]
fn a_way_to_authenticate_is_required() {
    for (user_pass, plaintext, channel, possible) in [
        (true, false, Channel::Clear, false),
        (true, true, Channel::Clear, true),
        (true, false, Channel::Tls, true),
        (true, false, Channel::Trusted, true),
        (true, true, Channel::Tls, true),
        (false, true, Channel::Clear, false),
        (false, true, Channel::Tls, false),
        (false, false, Channel::Trusted, false),
    ] {
        let mut config = ServerConfig::new();
        (config.user_pass, config.plaintext) = (user_pass, plaintext);
        let made = ServerSession::new(config, channel, text("ready"));
        assert_eq!(made.err(), (!possible).then_some(ConfigError::NoAuthentication));
    }
}

/// F1–F4, F16, F24, S5.3: an over-long line is answered once, with nothing else in it being a command,
/// wherever the limit, the reads and the block fall; what follows its CRLF is one again.
#[test]
fn the_tail_of_an_over_long_line_is_no_command() {
    for length in [255, 500, 505, 510, 511, 512, 513, 600, 1023, 2047, 2048, 2049, 4095, 4097, 9000]
    {
        for tail in ["DELE 1", "QUIT", ".", "\rQUIT", "\r\rDELE 1", " QUIT"] {
            let line = format!("{}{tail}\r\nSTAT\r\n", "A".repeat(length));
            let error = if length + tail.len() + 2 > 512 {
                CommandError::TooLong
            } else if tail.contains('\r') {
                CommandError::ForbiddenOctet
            } else {
                CommandError::Unknown
            };
            for read in [1, 2, 511, 512, 513, usize::MAX] {
                let mut server = server(ServerConfig::new());
                server.converse(LOGIN);
                let events = server.events.len();
                let mut out = String::new();
                for piece in line.as_bytes().chunks(read.min(line.len())) {
                    out.push_str(&said(&mut server, piece));
                }
                assert_eq!(
                    out,
                    format!("-ERR {}\r\n+OK 2 31\r\n", error.text()),
                    "{length} {tail}"
                );
                assert_eq!(
                    server.events[events..],
                    [Event::Rejected(error), Event::Command(Command::Stat)]
                );
            }
        }
    }
}

/// Class F4: an over-long line that never ends is dropped up to the budget, and then the session.
#[test]
fn an_endless_line_ends_the_session() {
    let limits = ServerLimits::DEFAULT;
    for read in [1, 100, 2048, usize::MAX] {
        let mut server = server(ServerConfig::new());
        let line = vec![b'A'; 512 + limits.discard];
        let mut taken = 0;
        let mut out = Vec::new();
        for piece in line.chunks(read.min(line.len())) {
            let mut rest = piece;
            while !rest.is_empty() && server.closed.is_none() {
                let len = server.session.receive(rest);
                taken += len;
                rest = &rest[len..];
                server.turn();
                out.extend_from_slice(&written(&mut server.session));
                server.turn();
            }
        }
        assert_eq!(String::from_utf8(out).unwrap(), "+OK ready\r\n-ERR command line too long\r\n");
        assert_eq!(server.closed, Some(false), "{read}");
        let over = taken - limits.discard;
        assert!((1..=limits.input_block).contains(&over), "{read}: {taken}");
    }
}

/// Class F23: a bare LF ends the session behind one `-ERR`; nothing behind it is looked at, and
/// nothing before it is lost.
#[test]
fn a_bare_line_feed_ends_the_session() {
    for (line, before) in [
        (&b"NOOP\nDELE 1\r\nQUIT\r\n"[..], ""),
        (b"\nQUIT\r\n", ""),
        (b"QUIT\n", ""),
        (b"STAT\r\nNOOP\n\r\nQUIT\r\n", "+OK 2 31\r\n"),
        (b"STAT\r\nNOOP\r\r\n\nQUIT\r\n", "+OK 2 31\r\n-ERR octet not allowed in a command\r\n"),
    ] {
        for read in [1, 2, 3, usize::MAX] {
            let mut server = server(ServerConfig::new());
            server.converse(LOGIN);
            let mut out = String::new();
            for piece in line.chunks(read.min(line.len())) {
                out.push_str(&said(&mut server, piece));
            }
            assert_eq!(out, format!("{before}-ERR command line not ended by CRLF\r\n"));
            assert_eq!((server.closed, server.removed), (Some(false), None));
        }
    }
}

/// The same LF inside an over-long line: no second answer, but the end.
#[test]
fn a_bare_line_feed_in_a_dropped_line_ends_the_session() {
    for read in [1, 2, 511, 512, 513, usize::MAX] {
        let mut server = server(ServerConfig::new());
        server.converse(LOGIN);
        let line = [&[b'A'; 600][..], b"\nQUIT\r\n"].concat();
        let mut out = String::new();
        for piece in line.chunks(read.min(line.len())) {
            out.push_str(&said(&mut server, piece));
        }
        assert_eq!(out, "-ERR command line too long\r\n");
        assert_eq!((server.closed, server.removed), (Some(false), None));
    }
}

/// `LineEnding::CrlfOrLf` is the switch that allows it, for whoever asks for it.
#[test]
fn a_bare_line_feed_may_be_allowed() {
    let mut config = ServerConfig::new();
    config.leniency.line_ending = LineEnding::CrlfOrLf;
    let mut server = server(config);
    server.converse(LOGIN);
    assert_eq!(said(&mut server, b"NOOP\nDELE 1\r\nQUIT\n").matches("+OK").count(), 3);
    assert_eq!((server.closed, server.removed), (Some(true), Some(vec![1])));
}

/// S4.3, C0043: what came before the greeting was written is answered behind it.
#[test]
fn early_commands_are_answered_after_the_greeting() {
    let mut session = session(ServerConfig::new());
    say(&mut session, b"CAPA\r\nUSER alice\r\nPASS x\r\nQUIT\r\n");
    assert_eq!(session.waiting(), Waiting::Write);
    assert!(matches!(session.poll_event(), Some(Event::Command(Command::User(_)))));
    assert!(written(&mut session).starts_with(b"+OK ready\r\n+OK capability list follows\r\n"));

    let mut server = server(ServerConfig::new());
    let out = said(&mut server, &[LOGIN, b"QUIT\r\n"].concat());
    assert_eq!(out, format!("{LOGGED_IN}+OK bye\r\n"));
}

/// S12.4, R2449-6.6.03: the next command is not looked at before the answer to this one, however much
/// is in.
#[test]
fn one_command_at_a_time_in_order() {
    let mut session = in_transaction(ServerConfig::new());
    let commands = [
        (&b"STAT\r\n"[..], Command::Stat),
        (b"NOOP\r\n", Command::Noop),
        (b"DELE 7\r\n", Command::Dele(number(7))),
        (b"RSET\r\n", Command::Rset),
        (b"LIST 3\r\n", Command::List(Some(number(3)))),
        (b"QUIT\r\n", Command::Quit),
    ];
    say(&mut session, &commands.iter().map(|(line, _)| *line).collect::<Vec<_>>().concat());
    let mut expected = String::new();
    for (turn, (_, command)) in commands.into_iter().enumerate() {
        assert_eq!(session.poll_event(), Some(Event::Command(command)));
        for _ in 0..3 {
            assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Response));
        }
        session.err(None, &text(&format!("answer {turn}"))).expect("a command waits");
        write!(expected, "-ERR answer {turn}\r\n").unwrap();
    }
    assert_eq!(written(&mut session), expected.as_bytes());
    assert_eq!(session.poll_event(), Some(Event::Closed { commit: true }));
}

/// R2449-6.6.01, F17, S6.5, I3: ten thousand commands in one go, and nobody reads. Neither what is held of them nor
/// of their answers passes the limits; once somebody reads, every one of them is answered, in order.
#[test]
fn a_client_that_never_reads_is_not_answered_for_ever() {
    const COMMANDS: usize = 10_000;
    let message = b"a line of a message that is not very long\n".repeat(100);
    let octets = message.len() + 100;
    for line in ["RETR 1\r\n", "LIST\r\n", "STAT\r\n", "CAPA\r\n", "TOP 1 20\r\n", "UIDL\r\n"] {
        let mut config = ServerConfig::new();
        config.limits.output = 16 * 1024;
        config.limits.bad_commands_after_login = u32::MAX;
        let mut server = Server::new(config, vec![message.clone()]).in_pieces_of(1000);
        server.converse(LOGIN);
        let flood = line.repeat(COMMANDS) + "QUIT\r\n";
        let mut rest = flood.as_bytes();
        let one = 100
            + match line {
                "CAPA\r\n" => 0,
                _ => octets,
            };
        let held = allocation_counter::measure(|| {
            for _ in 0..1000 {
                let taken = server.session.receive(rest);
                rest = &rest[taken..];
                server.turn();
            }
        });
        let waiting = server.session.outgoing().remaining();
        assert!((16 * 1024 - 600..16 * 1024 + 600).contains(&waiting), "{line}: {waiting}");
        let blocked = flood.len() - rest.len();
        assert!(blocked < 16 * 1024 + 2048, "{line}: {blocked} octets of commands were taken");
        assert!(server.session.incoming().is_empty() && !server.session.wants_read());
        // The block, the output in a buffer up to twice as large, the one before it while it grows,
        // and the harness's own list of events.
        let events = server.events.capacity() * size_of::<Event>();
        let bound = u64::try_from(3 * 16 * 1024 + 4 * 1024 + 3 * events + one).unwrap();
        assert!(held.bytes_max < bound, "{line}: {} octets, not {bound}", held.bytes_max);

        // Now it reads, at its own pace.
        let mut out = Vec::new();
        loop {
            let taken = server.session.receive(rest);
            rest = &rest[taken..];
            let some = written_at_most(&mut server.session, 5000);
            server.turn();
            if some.is_empty() && taken == 0 && !server.session.wants_write() {
                break;
            }
            out.extend_from_slice(&some);
        }
        assert_eq!(rest.len(), 0, "{line}");
        let mut fresh = Server::new(ServerConfig::new(), vec![message.clone()]);
        fresh.converse(LOGIN);
        let answer = fresh.converse(line.as_bytes());
        let expected = [answer.repeat(COMMANDS), b"+OK bye\r\n".to_vec()].concat();
        assert!(out == expected, "{line}: {} octets, not {}", out.len(), expected.len());
        assert_eq!(server.closed, Some(true));
    }
}

/// I3: what a client sends while an answer is awaited is held up to one block, and the rest is not
/// taken.
#[test]
fn input_is_taken_up_to_one_block() {
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"NOOP\r\n");
    assert!(session.poll_event().is_some());
    let (mut taken, flood) = (0, b"NOOP\r\n".repeat(1000));
    let held = allocation_counter::measure(|| {
        for _ in 0..100 {
            taken += session.receive(&flood[taken..]);
        }
    });
    assert!(taken <= 2048 && taken > 2048 - 512, "{taken}");
    assert_eq!(
        (session.receive(&flood), session.incoming().len(), session.wants_read()),
        (0, 0, false)
    );
    assert_eq!(held.count_total, 0);
}

/// R8314, S14.6: where the channel is in clear and that is not allowed, there is no way in; where it
/// is allowed, there is.
#[test]
fn credentials_in_clear_only_where_they_are_allowed() {
    let mut config = ServerConfig::new();
    config.plaintext = true;
    let mut session =
        ServerSession::new(config, Channel::Clear, text("ready")).expect("a way to authenticate");
    say(&mut session, b"CAPA\r\nUSER alice\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(Command::User(_)))));
    assert!(written(&mut session).windows(8).any(|line| line == b"\r\nUSER\r\n"));
}

/// F20, S18.3, I9: without a complete QUIT line from TRANSACTION nothing is committed, however the
/// connection ends, and wherever the octets were cut.
#[test]
fn only_a_complete_quit_commits() {
    for (octets, commit) in [
        (&b"DELE 1\r\n"[..], false),
        (b"DELE 1\r\nQUI", false),
        (b"DELE 1\r\nQUIT", false),
        (b"DELE 1\r\nQUIT\r", false),
        (b"DELE 1\r\nQUIT\n", false),
        (b"DELE 1\r\nQUIT \r\n", false),
        (b"DELE 1\r\nQUIT x\r\n", false),
        (b"DELE 1\r\n QUIT\r\n", false),
        (b"DELE 1\r\nQUIT\r\r\n", false),
        (b"DELE 1\r\nQUIT\0\r\n", false),
        (b"DELE 1\r\nXQUIT\r\n", false),
        (b"DELE 1\r\nQUIT\r\n", true),
        (b"DELE 1\r\nquit\r\nNOOP\r\n", true),
    ] {
        for eof in [Eof::Clean, Eof::Abrupt] {
            for read in [1, 2, 7, usize::MAX] {
                let mut server = server(ServerConfig::new());
                server.converse(LOGIN);
                for piece in octets.chunks(read.min(octets.len())) {
                    server.converse(piece);
                }
                server.session.receive_eof(eof);
                server.converse(b"");
                let removed = commit.then(|| vec![1]);
                assert_eq!(
                    (server.closed, server.removed),
                    (Some(commit), removed),
                    "{} {eof:?}",
                    octets.escape_ascii()
                );
            }
        }
    }
    // QUIT in AUTHORIZATION is complete, and commits nothing (R1939-4.09).
    for start in [&b""[..], b"USER alice\r\n"] {
        let mut server = server(ServerConfig::new());
        server.converse(start);
        assert!(said(&mut server, b"QUIT\r\n").ends_with("+OK bye\r\n"));
        assert_eq!((server.closed, server.removed), (Some(false), None));
    }
}

/// R1939-3.18: what came before a clean end is answered, part of a line is not, and a clean end in
/// the middle of an answer leaves the answer whole.
#[test]
fn what_came_before_a_clean_end_is_answered() {
    let mut server = server(ServerConfig::new());
    let lines = [LOGIN, b"RETR 1\r\nSTAT\r\nDEL"].concat();
    say(&mut server.session, &lines);
    server.session.receive_eof(Eof::Clean);
    assert_eq!(server.session.receive(b"E 1\r\nQUIT\r\n"), 0);
    let out = String::from_utf8(server.converse(b"")).unwrap();
    let message = "+OK message follows\r\nSubject: one\r\n\r\nfirst\r\n.\r\n+OK 2 31\r\n";
    assert_eq!(out, format!("{LOGGED_IN}{message}"));
    assert_eq!(server.closed, Some(false));
}

/// After an abrupt end nothing is written and nothing is polled but the end, once.
#[test]
fn an_abrupt_end_ends_at_once() {
    for line in [&b""[..], b"NOOP\r\n", b"LIST\r\n", b"RETR 1\r\n", b"QUIT\r\n", b"XTND\r\n", b"NO"]
    {
        let mut session = in_transaction(ServerConfig::new());
        say(&mut session, line);
        let polled = session.poll_event();
        if line == b"LIST\r\n" || line == b"RETR 1\r\n" {
            session.begin_multiline(&text("begun")).expect("a multi-line answer");
        }
        session.receive_eof(Eof::Abrupt);
        let commit = polled == Some(Event::Command(Command::Quit));
        assert_eq!(session.poll_event(), Some(Event::Closed { commit }));
        assert_eq!((session.poll_event(), session.poll_event()), (None, None));
        assert_eq!((written(&mut session), session.wants_write()), (Vec::new(), false));
        assert_eq!(session.err(None, &text("late")), Err(RespondError::NothingToAnswer));
        assert_eq!(session.waiting(), Waiting::Nothing);
    }
}

/// An abrupt end before QUIT was polled commits nothing: the client cannot tell, and keeps its mail.
#[test]
fn a_quit_that_was_not_taken_commits_nothing() {
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"QUIT\r\n");
    session.receive_eof(Eof::Clean);
    session.receive_eof(Eof::Abrupt);
    assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
}

/// What the session says it waits for, to choose a deadline by (R1939-3.16, 3.17).
#[test]
fn a_session_says_what_it_waits_for() {
    let mut session = session(ServerConfig::new());
    assert_eq!(session.waiting(), Waiting::Write);
    written(&mut session);
    assert_eq!(session.waiting(), Waiting::Command);
    say(&mut session, b"USER al");
    assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Command));
    say(&mut session, b"ice\r\n");
    assert!(session.poll_event().is_some());
    assert_eq!(session.waiting(), Waiting::Response);
    session.ok(&text("x")).expect("USER waits");
    assert_eq!(session.waiting(), Waiting::Write);
    session.abort();
    written(&mut session);
    assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
    assert_eq!(session.waiting(), Waiting::Nothing);
}

/// I10: no state of a session shows a credential, nor the line that held one.
#[test]
fn no_credential_is_shown() {
    let canary = "Tr0ub4dor";
    for line in [
        format!("USER alice\r\nPASS {canary}\r\n"),
        format!("PASS {canary}\r\n"),
        format!("USER alice\r\nPASS {canary}"),
        format!("APOP alice {canary}\r\n"),
        format!("AUTH PLAIN {canary}\r\n"),
        format!("USER alice\r\nPASS {canary}{}\r\n", "x".repeat(600)),
    ] {
        let mut server = server(ServerConfig::new());
        let mut shown = format!("{server:?}");
        for octet in line.as_bytes().chunks(1) {
            server.session.receive(octet);
            write!(shown, "{:?}", server.session).unwrap();
            server.turn();
            write!(shown, "{server:?}").unwrap();
        }
        let out = written(&mut server.session);
        shown.push_str(&String::from_utf8(out).unwrap());
        assert!(!shown.contains(canary));
    }
    let error = CommandError::Arguments(Keyword::Pass);
    assert_eq!(error.to_string(), "syntax error in arguments (PASS)");
}

/// I3: idle sessions give their buffers back, and go on as if nothing had been.
#[test]
fn buffers_come_again() {
    let mut server = server(ServerConfig::new());
    server.converse(LOGIN);
    let held = allocation_counter::measure(|| server.session.release_idle());
    assert!(held.bytes_current <= -(2048 + 512), "{held:?}");
    assert_eq!(said(&mut server, b"STAT\r\nNO"), "+OK 2 31\r\n");
    // Part of a line is not given away.
    server.session.release_idle();
    assert_eq!(said(&mut server, b"OP\r\n"), "+OK nothing done\r\n");
}

/// I3: a session that is over holds no buffer, even if octets behind its end were in.
#[test]
fn the_end_gives_the_buffers_back() {
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"QUIT\r\nNOOP\r\n");
    assert_eq!(session.poll_event(), Some(Event::Command(Command::Quit)));
    session.ok(&text("bye")).expect("QUIT waits");
    assert_eq!(written(&mut session), b"+OK bye\r\n");
    let held = allocation_counter::measure(|| {
        assert_eq!(session.poll_event(), Some(Event::Closed { commit: true }));
    });
    assert!(held.bytes_current <= -(2048 + 512), "{held:?}");
}
