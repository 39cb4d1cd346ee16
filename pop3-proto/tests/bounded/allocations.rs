//! What a client session allocates: within its limits whatever comes, no more for small reads, and nothing once it has its
//! blocks.

use allocation_counter::measure;
use pop3_proto::client::{
    BodyRead, Channel, ClientConfig, ClientSession, Event, Pipelining, ProtocolError,
};
use pop3_proto::{Command, RawFraming};

use crate::ceiling::{self, Holds};
use crate::client::ask;
use crate::support::{Run, apop, outlook, presets, retr, strict, tolerant};

/// I3: an idle session gives both buffers back, and goes on as if nothing had been.
#[test]
fn buffers_come_again() {
    let config = tolerant();
    let mut run = Run::in_transaction(config);
    let held = measure(|| run.session.release_idle());
    let input = i64::try_from(config.limits.input_block).unwrap();
    assert!(held.bytes_current <= -(input + 512), "{held:?}");
    run.send(&Command::Noop).unwrap();
    run.feed(b"+O");
    run.session.release_idle();
    run.feed(b"K\r\n");
    assert_eq!(run.take_trace(), ["#2 completed + \"\""], "part of a line is not given away");
}

/// Feeds octets in windows of at most `read`, drops every event at once, and stops at an error or when all is fed.
fn pump(session: &mut ClientSession, mut octets: &[u8], read: usize) -> Result<(), ProtocolError> {
    loop {
        while session.poll_event()?.is_some() {}
        let window = session.incoming();
        let len = window.len().min(read).min(octets.len());
        if len == 0 {
            return Ok(());
        }
        window[..len].copy_from_slice(&octets[..len]);
        session.received(len);
        octets = &octets[len..];
    }
}

fn session_with(config: ClientConfig) -> ClientSession {
    ClientSession::new(config, Channel::Trusted)
}

fn log_in(session: &mut ClientSession) {
    pump(session, b"+OK <a@b>\r\n", 4096).unwrap();
    ask(session, &apop());
    pump(session, b"+OK\r\n", 4096).unwrap();
}

/// I3, E1, E11, E13, E16, E18, E20, E21, G5, G10, G18: whatever the server sends or announces, a session allocates no
/// more than its limits say.
#[test]
fn memory_is_bounded() {
    let megabyte = 1 << 20;
    let listing = |line: &str| {
        [b"+OK\r\n".to_vec(), line.repeat(megabyte / line.len()).into_bytes()].concat()
    };
    let id = "9".repeat(70);
    let long_id = "9".repeat(255);
    let endless: Vec<(Command, Vec<u8>)> = vec![
        (Command::Noop, vec![b'A'; megabyte]),
        (Command::Noop, [b"+OK ".to_vec(), vec![b'<'; megabyte]].concat()),
        (Command::Stat, b"+OK 4294967295 18446744073709551615\r\n".to_vec()),
        (
            Command::List(None),
            b"+OK 4294967295 messages\r\n4294967295 18446744073709551615\r\n".to_vec(),
        ),
        (Command::List(None), listing("4294967295 1\r\n")),
        (Command::List(None), listing("\r\n")),
        (Command::List(None), vec![b'1'; megabyte]),
        (Command::Uidl(None), listing(&format!("1 {id}\r\n"))),
        (Command::Uidl(None), listing(&format!("1 {long_id}\r\n"))),
        (Command::Uidl(None), listing(&format!("1 {}\r\n", "x".repeat(8000)))),
        (retr(1), [b"+OK 999999999999 octets\r\n".to_vec(), vec![b'A'; 4 * megabyte]].concat()),
        (retr(1), listing("\r\n")),
        (retr(1), listing("..\r\n")),
        (retr(1), listing("\r\n.\r")),
    ];
    for config in presets() {
        for (command, octets) in &endless {
            for read in [1 << 20, 1000] {
                let counted = measure(|| {
                    let mut session = session_with(config);
                    log_in(&mut session);
                    ask(&mut session, command);
                    // Repeated numbers are an error in strict, and so are malformed items.
                    let _ = pump(&mut session, octets, read);
                });
                let bound = ceiling::client(&config.limits, Holds::default());
                assert!(counted.bytes_max <= bound, "{command:?}: {} > {bound}", counted.bytes_max);
                assert_eq!(counted.bytes_current, 0, "{command:?}");
            }
        }
    }
}

/// I3, E16, E18: capability lists are kept, the last whole one and the one being read; each within its limits.
#[test]
fn capability_lists_are_bounded() {
    for config in [tolerant(), outlook()] {
        let line = format!("X {}\r\n", "y".repeat(8192 - 4));
        let full = ["+OK\r\n", &line.repeat(512), ".\r\n"].concat();
        let endless = ["+OK\r\n", &line.repeat(514)].concat();
        let counted = measure(|| {
            let mut session = session_with(config);
            log_in(&mut session);
            for _ in 0..3 {
                ask(&mut session, &Command::Capa);
                pump(&mut session, full.as_bytes(), 65_536).unwrap();
            }
            assert_eq!(session.capabilities().map(pop3_proto::Capabilities::len), Some(512));
            ask(&mut session, &Command::Capa);
            let error = pump(&mut session, endless.as_bytes(), 65_536);
            assert_eq!(error, Err(ProtocolError::TooManyItems { limit: 512 }));
        });
        let holding = |lists| ceiling::client(&config.limits, Holds { lists, ..Holds::default() });
        let (one, two) = (holding(1), holding(2));
        assert!(counted.bytes_max <= two, "{} > {two}", counted.bytes_max);
        assert!(counted.bytes_max > one, "the old list is kept until the new one is whole");
    }
}

/// I3, E19, H15: so is what the caller queues.
#[test]
fn queues_are_bounded() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let counted = measure(|| {
        let mut session = session_with(config);
        log_in(&mut session);
        let long = Command::raw(&"x".repeat(253), RawFraming::SingleLine).unwrap();
        let mut queued = 0;
        while session.send(&long).is_ok() {
            queued += 1;
        }
        assert_eq!(queued, 65_536 / 255);
        drop(session);
        let mut session = session_with(config);
        log_in(&mut session);
        for _ in 0..1024 {
            session.send(&Command::Noop).unwrap();
        }
        assert!(session.send(&Command::Noop).is_err());
    });
    let bound = ceiling::client(&config.limits, Holds { in_flight: 1024, ..Holds::default() });
    assert!(counted.bytes_max <= bound, "{} > {bound}", counted.bytes_max);
}

/// I3: strict sessions compare message-numbers, 24 octets for each gap and nothing for a run.
#[test]
fn seen_numbers_are_bounded() {
    let listing = |step: usize| {
        let mut lines = b"+OK\r\n".to_vec();
        for message in (1..=100_000_usize).step_by(step) {
            lines.extend_from_slice(format!("{message} 1\r\n").as_bytes());
        }
        lines
    };
    let peak = |listing: &[u8]| {
        measure(|| {
            let mut session = session_with(strict());
            log_in(&mut session);
            ask(&mut session, &Command::List(None));
            pump(&mut session, listing, 65_536).unwrap();
        })
        .bytes_max
    };
    let fixed = ceiling::client(&strict().limits, Holds::default());
    assert!(peak(&listing(1)) <= fixed);
    assert!(peak(&listing(2)) <= fixed + 50_000 * 24);
}

/// I4, E15: reading octet by octet costs no more allocations than reading whole blocks, and a drained session always
/// has a window: nothing is gathered, moved away or begun anew for a read.
#[test]
fn small_reads_cost_nothing_more() {
    let wires = [
        (retr(1), ["+OK\r\n", &"..dot\r\nline\r\n".repeat(5000), ".\r\n"].concat()),
        (retr(1), ["+OK\r\n", &"x".repeat(100_000), "\r\n.\r\n"].concat()),
        (Command::List(None), ["+OK\r\n", &"7 7\r\n".repeat(10_000), ".\r\n"].concat()),
        (Command::Noop, ["+OK ", &"y".repeat(8000), "\r\n"].concat()),
    ];
    for (command, wire) in wires {
        let count = |read: usize| {
            let mut session = session_with(tolerant());
            log_in(&mut session);
            ask(&mut session, &command);
            measure(|| pump(&mut session, wire.as_bytes(), read).unwrap()).count_total
        };
        let whole = count(usize::MAX);
        for read in [1, 2, 7, 4096] {
            let count = count(read);
            assert!(count <= whole, "{command:?} in reads of {read}: {count} > {whole}");
        }
        assert!(whole <= 2, "{command:?}: {whole}");
    }
}

/// I3: in steady state a RETR allocates nothing, whatever the message and the reads, with `poll_event` and with
/// `read_body`: the block is used again.
#[test]
fn a_retr_allocates_nothing() {
    let lines = "Subject: x\r\n\r\n..dot and a longer line behind it, as mail has them\r\n";
    let dots = "..\r\n";
    for (line, count) in [
        (lines, 0),
        (lines, 4096 / lines.len()),
        (lines, (1 << 20) / lines.len()),
        (dots, 4096 / dots.len()),
        (dots, (1 << 20) / dots.len()),
    ] {
        let body = line.repeat(count);
        let wire = ["+OK\r\n", &body, ".\r\n"].concat();
        for read in [1024, 65_536] {
            allocates_nothing(wire.as_bytes(), body.len() - count, read);
        }
    }
}

/// For the answer `wire` to RETR, whose message has so many `octets`.
fn allocates_nothing(wire: &[u8], octets: usize, read: usize) {
    let mut session = session_with(tolerant());
    log_in(&mut session);
    let command = retr(1);
    let polled = |session: &mut ClientSession| {
        ask(session, &command);
        pump(session, wire, read).unwrap();
        assert_eq!(session.in_flight(), 0);
    };
    polled(&mut session);
    let counted = measure(|| (0..10).for_each(|_| polled(&mut session)));
    assert_eq!(counted.count_total, 0, "poll_event, {octets} octets in reads of {read}");

    let mut out = vec![0; 16 * 1024];
    let mut copied = |session: &mut ClientSession| {
        let id = ask(session, &command);
        let (mut rest, mut copied) = (wire, 0);
        loop {
            match session.read_body(id, &mut out).unwrap() {
                BodyRead::Data(len) => copied += len,
                BodyRead::EventFirst => drop(session.poll_event().unwrap()),
                BodyRead::End => break,
                BodyRead::NeedMore => {
                    let window = session.incoming();
                    let len = window.len().min(read).min(rest.len());
                    window[..len].copy_from_slice(&rest[..len]);
                    session.received(len);
                    rest = &rest[len..];
                }
            }
        }
        assert!(matches!(session.poll_event(), Ok(Some(Event::Finished { .. }))));
        assert_eq!(copied, octets);
    };
    copied(&mut session);
    let counted = measure(|| (0..10).for_each(|_| copied(&mut session)));
    assert_eq!(counted.count_total, 0, "read_body, {octets} octets in reads of {read}");
}

/// E17: a session that is not polled takes one block and no more; what it could not take was not lost.
#[test]
fn a_session_that_is_not_polled_stops_reading() {
    let mut run = Run::in_transaction(tolerant());
    run.send(&retr(1)).unwrap();
    let wire = [b"+OK\r\n".to_vec(), vec![b'x'; 1 << 20], b"\r\n.\r\n".to_vec()].concat();
    let taken = run.session.receive(&wire);
    assert!(taken <= 64 * 1024);
    assert!(!run.session.wants_read() && run.session.incoming().is_empty());
    assert_eq!(run.session.receive(&wire[taken..]), 0);
    run.poll();
    run.feed(&wire[taken..]);
    let data = format!("#2 data \"{}\\r\\n\"", "x".repeat(1 << 20));
    assert_eq!(run.take_trace(), ["#2 started + \"\"", &data, "#2 finished"]);
}
