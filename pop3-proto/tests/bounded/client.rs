//! What a hostile server can make a client session hold.

use allocation_counter::{AllocationInfo, measure};
use bytes::Buf as _;
use pop3_proto::client::{
    Channel, ClientConfig, ClientSession, CommandId, Event, Pipelining, ProtocolError, SendError,
};
use pop3_proto::{Command, Limits};

use crate::ceiling::{self, Holds};
use crate::support::{apop, auth, base64, number, outlook, presets, retr, strict, tolerant};

const LINES: u32 = 1 << 20;
const PIECE: usize = 64;

/// A session in TRANSACTION.
fn logged_in(config: ClientConfig) -> ClientSession {
    let mut session = ClientSession::new(config, Channel::Trusted);
    feed(&mut session, b"+OK <a@b>\r\n").unwrap();
    ask(&mut session, &apop());
    feed(&mut session, b"+OK\r\n").unwrap();
    session
}

/// Sends and writes out, without keeping anything.
pub(crate) fn ask(session: &mut ClientSession, command: &Command) -> CommandId {
    let id = session.send(command).unwrap();
    write(session);
    id
}

fn write(session: &mut ClientSession) {
    let mut out = session.outgoing();
    out.advance(out.remaining());
}

/// Hands octets over and drops every event at once; what was not taken when the session failed is given up.
fn feed(session: &mut ClientSession, mut octets: &[u8]) -> Result<(), ProtocolError> {
    loop {
        while session.poll_event()?.is_some() {}
        if octets.is_empty() {
            return Ok(());
        }
        octets = &octets[session.receive(octets)..];
    }
}

/// The same over and over.
fn feed_times(
    session: &mut ClientSession,
    octets: &[u8],
    times: usize,
) -> Result<(), ProtocolError> {
    const AT_ONCE: usize = 1000;
    let many = octets.repeat(AT_ONCE);
    (0..times / AT_ONCE).try_for_each(|_| feed(session, &many))
}

/// What the octets handed over themselves may cost in a test.
const FEED: u64 = 64 * 1024;

#[track_caller]
fn assert_within(counted: &AllocationInfo, limits: &Limits, holds: Holds, what: &str) {
    let ceiling = ceiling::client(limits, holds);
    assert!(counted.bytes_max <= ceiling + FEED, "{what}: {} > {ceiling}", counted.bytes_max);
    assert_eq!(counted.bytes_current, 0, "{what}: something is left");
}

/// The line of a message-number.
type Line<'a> = &'a dyn Fn(u32) -> String;

/// A listing of [`LINES`], in pieces.
fn list(session: &mut ClientSession, line: Line<'_>) -> Result<(), ProtocolError> {
    feed(session, b"+OK\r\n")?;
    for first in (1..=LINES).step_by(PIECE) {
        let lines: String = (first..).take(PIECE).map(line).collect();
        feed(session, lines.as_bytes())?;
    }
    feed(session, b".\r\n")
}

/// What [`list`] itself costs.
fn allocations_of(line: Line<'_>) -> u64 {
    measure(|| {
        for first in (1..=LINES).step_by(PIECE) {
            std::hint::black_box((first..).take(PIECE).map(line).collect::<String>());
        }
    })
    .count_total
}

/// E11, E12, E14, E21: a listing of 2^20 lines costs what one of a few does, and no allocation for a line, but for a
/// unique-id that is longer than RFC 1939 §7 allows.
#[test]
fn a_listing_is_never_held() {
    let id = "9".repeat(70);
    let long = "9".repeat(255);
    let scan = |number: u32| format!("{number} 18446744073709551615\r\n");
    let unique_id = |number: u32| format!("{number} {id}\r\n");
    let long_id = |number: u32| format!("{number} {long}\r\n");
    let rows: [(Command, Line<'_>, &[ClientConfig], u64); 3] = [
        (Command::List(None), &scan, &presets(), 0),
        (Command::Uidl(None), &unique_id, &presets(), 0),
        (Command::Uidl(None), &long_id, &[tolerant(), outlook()], 1),
    ];
    for (command, line, configs, each) in rows {
        let feeding = allocations_of(line);
        for config in configs {
            let counted = measure(|| {
                let mut session = logged_in(*config);
                ask(&mut session, &command);
                list(&mut session, line).unwrap();
                assert_eq!(session.in_flight(), 0);
            });
            assert_within(&counted, &config.limits, Holds::default(), &format!("{command:?}"));
            let allocations = counted.count_total - feeding;
            let bound = each * u64::from(LINES) + 32;
            assert!(allocations <= bound, "{command:?}: {allocations} allocations");
        }
    }
}

/// G10: a strict session compares the numbers of a listing, at a price for each gap.
#[test]
fn gaps_between_numbers_have_their_price() {
    let config = strict();
    let counted = measure(|| {
        let mut session = logged_in(config);
        ask(&mut session, &Command::List(None));
        list(&mut session, &|number| format!("{} 1\r\n", 2 * number)).unwrap();
    });
    let gaps = usize::try_from(LINES).unwrap();
    assert_within(&counted, &config.limits, Holds { gaps, ..Holds::default() }, "gaps");
}

/// E11: a listing ends at its limit, whoever goes on with it.
#[test]
fn an_endless_listing_ends() {
    for command in [Command::List(None), Command::Uidl(None)] {
        let mut config = tolerant();
        config.limits.listing_items = 1_000_000;
        let mut session = logged_in(config);
        ask(&mut session, &command);
        feed(&mut session, b"+OK\r\n").unwrap();
        feed_times(&mut session, b"1 x\r\n", 1_000_000).unwrap();
        let limit = 1_000_000;
        assert_eq!(feed(&mut session, b"1 x\r\n"), Err(ProtocolError::TooManyItems { limit }));
    }
}

/// E16, E18: a million lines with nothing in them are body in a body, items in a listing up to its limit, and nowhere
/// anything to hold.
#[test]
fn lines_with_nothing_cost_nothing() {
    for (command, ends) in [
        (retr(1), None),
        (Command::Top { message: number(1), lines: 0 }, None),
        (Command::List(None), None),
        (Command::Uidl(None), None),
        (Command::Capa, Some(ProtocolError::TooManyItems { limit: 512 })),
    ] {
        for config in [tolerant(), outlook()] {
            let counted = measure(|| {
                let mut session = logged_in(config);
                ask(&mut session, &command);
                feed(&mut session, b"+OK\r\n").unwrap();
                let fed = feed_times(&mut session, b"\r\n", 1_000_000);
                assert_eq!(fed.err(), ends);
            });
            assert_within(&counted, &config.limits, Holds::default(), &format!("{command:?}"));
            assert!(counted.count_total <= 64 + 512, "{command:?}: {}", counted.count_total);
        }
    }
}

/// E18, I18: a hundred thousand exchanges begun and given up leave nothing, each costs the same few allocations, and a
/// server that goes on with challenges is given up.
#[test]
fn cancelled_exchanges_leave_nothing() {
    const EXCHANGES: u64 = 100_000;
    let config = tolerant();
    let mut session = ClientSession::new(config, Channel::Trusted);
    feed(&mut session, b"+OK ready\r\n").unwrap();
    let login = auth("LOGIN", None);
    let exchange = |session: &mut ClientSession| {
        let id = ask(session, &login);
        feed(session, b"+ VXNlcm5hbWU6\r\n").unwrap();
        session.cancel_auth().unwrap();
        write(session);
        feed(session, b"-ERR cancelled\r\n").unwrap();
        assert_eq!((session.in_flight(), id.keyword()), (0, login.keyword()));
    };
    exchange(&mut session);
    let counted = measure(|| (0..EXCHANGES).for_each(|_| exchange(&mut session)));
    assert_within(&counted, &config.limits, Holds::default(), "cancelled exchanges");
    assert_eq!(counted.count_total % EXCHANGES, 0, "each costs the same");
    assert!(counted.count_total <= 2 * EXCHANGES, "{} for each", counted.count_total / EXCHANGES);

    let mut session = ClientSession::new(config, Channel::Trusted);
    feed(&mut session, b"+OK ready\r\n").unwrap();
    ask(&mut session, &login);
    let mut rounds = 0;
    let given_up = loop {
        assert!(rounds <= config.limits.sasl_rounds + 1, "it goes on answering");
        session.receive(b"+ \r\n");
        match session.poll_event() {
            Ok(Some(Event::Challenge { .. })) => session.answer(&base64("")).unwrap(),
            Ok(Some(Event::Cancelled { .. })) => {}
            Ok(event) => panic!("{event:?}"),
            Err(error) => break error,
        }
        write(&mut session);
        rounds += 1;
    };
    assert_eq!(given_up, ProtocolError::NotCancelled);
    assert_eq!(rounds, config.limits.sasl_rounds + 1);
}

/// E17, E19: of a hundred thousand commands the window takes what its limits say, and the others when there is room.
#[test]
fn a_pipeline_holds_its_window() {
    const COMMANDS: usize = 100_000;
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let window = config.limits.in_flight;
    let counted = measure(|| {
        let mut session = logged_in(config);
        let mut left = COMMANDS;
        while left > 0 {
            let mut taken = 0;
            while taken < left {
                match session.send(&Command::Noop) {
                    Ok(_) => taken += 1,
                    Err(error) => {
                        assert_eq!(error, SendError::TooManyInFlight { limit: window });
                        assert_eq!(session.in_flight(), window);
                        break;
                    }
                }
            }
            left -= taken;
            write(&mut session);
            feed(&mut session, &b"+OK\r\n".repeat(taken)).unwrap();
            assert_eq!(session.in_flight(), 0);
        }
    });
    let holds = Holds { in_flight: window, ..Holds::default() };
    assert_within(&counted, &config.limits, holds, "a pipeline");
    assert!(counted.count_total <= 32 + 2 * 100, "{}", counted.count_total);
}

/// I3, D20, E13, G1, G5: what a server announces sizes nothing.
#[test]
fn announced_sizes_size_nothing() {
    let top = || Command::Top { message: number(1), lines: u64::MAX };
    let huge = [
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
    ];
    for config in presets() {
        for size in huge {
            for (command, reply) in [
                (retr(1), format!("+OK {size} octets\r\n\r\n.\r\n")),
                (retr(1), format!("+OK {{{size}}}\r\n{{{size}}}\r\n.\r\n")),
                (top(), format!("+OK {{{size}}}\r\n{{{size}+}}\r\n.\r\n")),
                (top(), format!("+OK {size} octets\r\n.\r\n")),
                (Command::Stat, format!("+OK {size} {size}\r\n")),
                (
                    Command::List(None),
                    format!("+OK {size} messages ({size} octets)\r\n1 {size}\r\n{size} 1\r\n.\r\n"),
                ),
                (Command::List(Some(number(u32::MAX))), format!("+OK {size} {size}\r\n")),
                (Command::Uidl(None), format!("+OK {size}\r\n{size} a\r\n.\r\n")),
                (Command::Uidl(Some(number(u32::MAX))), format!("+OK {size} {size}\r\n")),
            ] {
                let mut session = logged_in(config);
                ask(&mut session, &command);
                let counted = measure(|| {
                    // What does not fit is an error or malformed; either way it is nothing to hold.
                    let _ = feed(&mut session, reply.as_bytes());
                });
                assert!(counted.bytes_max <= 512, "{command:?} {size}: {}", counted.bytes_max);
            }
        }
    }
}

/// I3, E1, E7, E8, E15, E19: a line that does not end is refused at its limit, of whatever kind it is.
#[test]
fn no_line_goes_on_for_ever() {
    type Begin = fn(ClientConfig) -> ClientSession;
    let greeting: Begin = |config| ClientSession::new(config, Channel::Trusted);
    let idle: Begin = logged_in;
    let status: Begin = |config| begun(config, &Command::Noop, b"");
    let listing: Begin = |config| begun(config, &Command::List(None), b"+OK\r\n");
    let capability: Begin = |config| begun(config, &Command::Capa, b"+OK\r\n");
    let challenge: Begin = |config| {
        let mut session = ClientSession::new(config, Channel::Trusted);
        feed(&mut session, b"+OK ready\r\n").unwrap();
        ask(&mut session, &auth("LOGIN", None));
        session
    };
    let too_long = |limit| ProtocolError::LineTooLong { limit };
    for config in presets() {
        let limits = config.limits;
        for (begin, line, limit, error) in [
            (greeting, "+", limits.status_line, too_long(limits.status_line)),
            (greeting, "+OK <", limits.status_line, too_long(limits.status_line)),
            (status, "+OK ", limits.status_line, too_long(limits.status_line)),
            (status, "-ERR ", limits.status_line, too_long(limits.status_line)),
            (status, "", limits.status_line, too_long(limits.status_line)),
            (idle, "-ERR ", limits.status_line, ProtocolError::Unsolicited),
            (listing, "1 ", limits.listing_line, too_long(limits.listing_line)),
            (listing, ".", limits.listing_line, too_long(limits.listing_line)),
            (capability, "X ", limits.listing_line, too_long(limits.listing_line)),
            (challenge, "+ ", limits.sasl_line, too_long(limits.sasl_line)),
        ] {
            let mut taken = 0;
            let counted = measure(|| {
                let mut session = begin(config);
                taken += session.receive(line.as_bytes());
                let failed = loop {
                    taken += session.receive(&[b'x'; 1000]);
                    match session.poll_event() {
                        Ok(event) => assert_eq!(event, None),
                        Err(error) => break error,
                    }
                };
                assert_eq!(failed, error);
                assert_eq!(session.receive(b"x"), 0, "it goes on reading");
            });
            assert!((limit..limit + 1000).contains(&taken), "{line:?}: {taken} octets of {limit}");
            assert_within(&counted, &limits, Holds::default(), line);
        }
    }
}

/// With `reply` begun.
fn begun(config: ClientConfig, command: &Command, reply: &[u8]) -> ClientSession {
    let mut session = logged_in(config);
    ask(&mut session, command);
    feed(&mut session, reply).unwrap();
    session
}

/// H8, D18: what nobody wants is read up to the limit, each command's for itself, and none of it is held.
#[test]
fn what_is_dropped_is_not_held() {
    let mut config = tolerant();
    config.limits.drain = 1_000_000;
    for (command, line) in [(retr(1), &b"12345678\r\n"[..]), (Command::List(None), b"1 345678\r\n")]
    {
        let counted = measure(|| {
            let mut session = logged_in(config);
            for _ in 0..3 {
                let id = ask(&mut session, &command);
                assert!(session.abandon(id));
                feed(&mut session, b"+OK\r\n").unwrap();
                feed_times(&mut session, line, 99_000).unwrap();
                feed(&mut session, b".\r\n").unwrap();
                assert_eq!(session.in_flight(), 0);
            }
            let id = ask(&mut session, &command);
            assert!(session.abandon(id));
            feed(&mut session, b"+OK\r\n").unwrap();
            let error = feed_times(&mut session, line, 101_000);
            assert_eq!(error, Err(ProtocolError::DrainLimit { limit: 1_000_000 }));
        });
        assert_within(&counted, &config.limits, Holds::default(), &format!("{command:?}"));
        assert!(counted.count_total <= 64, "{}", counted.count_total);
    }
}
