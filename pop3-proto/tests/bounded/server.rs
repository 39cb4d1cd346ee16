//! What a hostile client can make a server session hold.

use allocation_counter::{AllocationInfo, measure};
use bytes::Buf as _;
use pop3_proto::server::{
    Action, Entry, Event, Maildrop, ServerConfig, ServerLimits, ServerSession,
};
use pop3_proto::{Base64, MechanismName};

use crate::ceiling;
use crate::server_support::{Server, greeted, in_transaction, number, session, text, unique_id};

#[track_caller]
fn assert_within(counted: &AllocationInfo, limits: &ServerLimits, what: &str) {
    let ceiling = ceiling::server(limits);
    assert!(counted.bytes_max <= ceiling, "{what}: {} > {ceiling}", counted.bytes_max);
}

fn write(session: &mut ServerSession) {
    let mut out = session.outgoing();
    out.advance(out.remaining());
}

/// Answers whatever comes, and keeps nothing; commands are not carried out. How many events there were.
fn serve(session: &mut ServerSession, mut octets: &[u8]) -> usize {
    let mut events = 0;
    loop {
        let before = events;
        while let Some(event) = session.poll_event() {
            events += 1;
            match event {
                Event::Command(_) => session.err(None, &text("no")).unwrap(),
                Event::Rejected(_) => session.reject().unwrap(),
                _ => {}
            }
        }
        write(session);
        let taken = session.receive(octets);
        octets = &octets[taken..];
        if taken == 0 && events == before {
            return events;
        }
    }
}

/// E16, F14, F15, S19.1: a million empty lines are answered to as many as the budget bears; where it bears them all, they
/// are held as little.
#[test]
fn lines_with_nothing_cost_nothing() {
    const LINES: usize = 1_000_000;
    let flood = b"\r\n".repeat(LINES);
    for (borne, answered) in [(3, 3), (u32::MAX, LINES)] {
        let mut config = ServerConfig::new();
        config.limits.bad_commands_before_login = borne;
        let limits = config.limits;
        let counted = measure(|| {
            let mut session = greeted(config);
            let events = serve(&mut session, &flood);
            let closed = usize::from(borne == 3);
            assert_eq!(events, answered + closed);
            assert_eq!(session.receive(b"\r\n") == 0, borne == 3, "it goes on reading");
        });
        assert_within(&counted, &limits, "empty lines");
        assert!(counted.count_total <= 16 * (1 + answered as u64 / 16), "{}", counted.count_total);
    }
}

/// F14, F15, I18, S14.7: cancelled exchanges are failed logins: the third ends the session, and where a hundred thousand
/// are borne, nothing is left of them.
#[test]
fn cancelled_exchanges_leave_nothing() {
    const EXCHANGES: u32 = 100_000;
    for borne in [3, u32::MAX] {
        let mut config = ServerConfig::new();
        config.mechanisms = vec![MechanismName::LOGIN];
        config.limits.login_attempts = borne;
        let limits = config.limits;
        let challenge = Base64::new("VXNlcm5hbWU6").unwrap();
        let mut cancelled = 0;
        let counted = measure(|| {
            let mut session = greeted(config);
            for _ in 0..EXCHANGES {
                session.receive(b"AUTH LOGIN\r\n*\r\n");
                match session.poll_event() {
                    Some(Event::Command(_)) => session.challenge(&challenge).unwrap(),
                    Some(Event::Closed { commit: false }) => break,
                    event => panic!("{event:?}"),
                }
                assert_eq!(session.poll_event(), Some(Event::SaslCancelled));
                cancelled += 1;
                write(&mut session);
            }
            assert_eq!(session.receive(b"x") == 0, borne == 3, "it goes on reading");
        });
        assert_eq!(cancelled, borne.min(EXCHANGES));
        assert_within(&counted, &limits, "cancelled exchanges");
        assert!(counted.count_total <= 16 + 8 * u64::from(cancelled), "{}", counted.count_total);
    }
}

/// I3, F17, R2449-6.6.01: a hundred thousand commands, and nobody reads the answers: what is taken of them is one block and
/// what the output has room for.
#[test]
fn what_is_not_read_is_not_answered() {
    const COMMANDS: usize = 100_000;
    for line in ["NOOP\r\n", "CAPA\r\n", "RETR 1\r\n", "LIST\r\n", "UIDL\r\n", "TOP 1 9\r\n"] {
        let config = ServerConfig::new();
        let limits = config.limits;
        let message = b"a line of a message that is not very long\n".repeat(10_000);
        let mut server = Server::new(config, vec![message]);
        server.converse(b"USER alice\r\nPASS correct horse\r\n");
        let flood = line.repeat(COMMANDS);
        let mut taken = 0;
        server.events.reserve(COMMANDS);
        let counted = measure(|| {
            for _ in 0..COMMANDS {
                taken += server.session.receive(&flood.as_bytes()[taken..]);
                server.turn();
            }
        });
        assert_within(&counted, &limits, line);
        assert!(server.session.outgoing().remaining() <= limits.output + 512, "{line}");
        assert!(taken <= limits.output + limits.input_block, "{line}: {taken} octets are taken");
        assert!(!server.session.wants_read(), "{line}");
    }
}

/// F1 to F4, F16, E15: an endless line, as a command and as a response, ends at its limit and the session soon after.
#[test]
fn no_line_goes_on_for_ever() {
    for exchange in [false, true] {
        let mut config = ServerConfig::new();
        config.mechanisms = vec![MechanismName::PLAIN];
        config.limits.bad_commands_before_login = u32::MAX;
        let limits = config.limits;
        let line = if exchange { limits.sasl_line } else { limits.command_line };
        let mut taken = 0;
        let counted = measure(|| {
            let mut session = session(config);
            if exchange {
                serve(&mut session, b"");
                session.receive(b"AUTH PLAIN\r\n");
                assert!(matches!(session.poll_event(), Some(Event::Command(_))));
                session.challenge(&Base64::empty()).unwrap();
            }
            for _ in 0..10_000 {
                taken += session.receive(&[b'A'; 1000]);
                serve(&mut session, b"");
            }
            assert_eq!(session.receive(b"A"), 0, "it goes on reading");
        });
        let over = taken - limits.discard;
        assert!((1..=line.max(limits.input_block) + 1000).contains(&over), "{over} of {line}");
        assert_within(&counted, &limits, "an endless line");
    }
}

/// E11, S6.5: LIST and UIDL of 2^20 messages hold no more of their lines than the output.
#[test]
fn a_listing_is_never_held() {
    const MESSAGES: u32 = 1 << 20;
    let entries = (1..=MESSAGES).map(|of| Entry::new(u64::MAX, unique_id(&format!("{of}"))));
    let mut maildrop = Maildrop::new(entries.collect()).unwrap();
    let mut session = in_transaction(ServerConfig::new());
    let limits = session.config().limits;
    for line in [&b"LIST\r\n"[..], b"UIDL\r\n"] {
        let mut octets = 0;
        let counted = measure(|| {
            session.receive(line);
            let Some(Event::Command(command)) = session.poll_event() else { panic!("a command") };
            assert_eq!(maildrop.answer(&command, &mut session), Ok(Action::Listing));
            loop {
                octets += session.outgoing().remaining();
                write(&mut session);
                if maildrop.resume(&mut session).unwrap() {
                    break;
                }
            }
            octets += session.outgoing().remaining();
            write(&mut session);
        });
        assert!(octets > 8 << 20, "{octets} octets");
        assert_within(&counted, &limits, "a listing");
        assert!(counted.count_total <= 16, "{}", counted.count_total);
    }
}

/// E13, F8, G1, G6: a number that a client names sizes nothing.
#[test]
fn named_numbers_size_nothing() {
    let mut session = in_transaction({
        let mut config = ServerConfig::new();
        config.limits.bad_commands_after_login = u32::MAX;
        config
    });
    serve(&mut session, b"NOOP\r\n");
    for size in ["4294967295", "4294967296", "18446744073709551615", "18446744073709551616"] {
        for line in [
            format!("TOP 1 {size}\r\n"),
            format!("RETR {size}\r\n"),
            format!("LIST {size}\r\n"),
            format!("DELE {size}\r\n"),
            format!("TOP 1 {{{size}}}\r\n"),
        ] {
            let counted = measure(|| assert_eq!(serve(&mut session, line.as_bytes()), 1));
            assert!(counted.bytes_max <= 1024, "{line}: {}", counted.bytes_max);
        }
    }
    session.receive(b"TOP 1 18446744073709551615\r\n");
    let top = pop3_proto::Command::Top { message: number(1), lines: u64::MAX };
    assert_eq!(session.poll_event(), Some(Event::Command(top)));
}

/// I3: in the steady state a message that is served costs no allocation, whatever it is, and neither does a command that
/// says nothing of its own.
#[test]
fn a_message_served_allocates_nothing() {
    let lines = &b"a line of a message that is not very long\n"[..];
    for (line, octets) in
        [(lines, 0), (lines, 4096), (lines, 1 << 20), (b".\n", 4096), (b".\n", 1 << 20)]
    {
        let message = line.repeat(octets / line.len());
        let mut session = in_transaction(ServerConfig::new());
        let mut serve = || {
            session.receive(b"RETR 1\r\n");
            assert!(matches!(session.poll_event(), Some(Event::Command(_))));
            session.begin_multiline(&text("message follows")).unwrap();
            let mut taken = 0;
            while taken < message.len() {
                taken += session.write_body(&message[taken..]).unwrap();
                write(&mut session);
            }
            session.finish_multiline().unwrap();
            write(&mut session);
        };
        serve();
        let counted = measure(|| (0..10).for_each(|_| serve()));
        assert_eq!(counted.count_total, 0, "{octets} octets");
    }
}
