//! Whole replies through a client session, beside what moving the same octets costs at least.
//!
//! One turn sends a window of commands and receives their replies. `memcpy` copies the octets of the
//! replies into one block, as a read from a socket does; `memcpy and memmem` also passes a search for
//! `LF "."` over them, which is what finding the ends costs at least. The session's rows do the same copy, and
//! everything else: commands, status lines, un-stuffing, events.

use std::hint::black_box;

use benches::text;
use bytes::Buf as _;
use criterion::{Criterion, Throughput};
use memchr::memmem::Finder;
use pop3_proto::client::{
    BodyRead, Channel, ClientConfig, ClientSession, Event, Pipelining, Security,
};
use pop3_proto::{Command, Mailbox, MessageNumber, Password};

/// Octets that a read brings at most.
const READ: usize = 64 << 10;

/// A logged-in session that may pipeline.
fn session() -> ClientSession {
    let mut config = ClientConfig::new(Security::PlaintextAllowed);
    config.pipelining = Pipelining::Always;
    let mut session = ClientSession::new(config, Channel::Clear);
    receive_all(&mut session, b"+OK ready\r\n");
    assert!(matches!(session.poll_event(), Ok(Some(Event::Greeting(_)))));
    let user = Command::User(Mailbox::new("a").expect("a mailbox"));
    let pass = Command::Pass(Password::new("b").expect("a password"));
    for command in [user, pass] {
        session.send(&command).expect("legal");
        write_all(&mut session);
        receive_all(&mut session, b"+OK\r\n");
        assert!(matches!(session.poll_event(), Ok(Some(Event::Completed { .. }))));
    }
    session
}

fn write_all(session: &mut ClientSession) {
    let len = session.outgoing().remaining();
    session.outgoing().advance(len);
}

fn receive_all(session: &mut ClientSession, octets: &[u8]) {
    assert_eq!(session.receive(octets), octets.len());
}

/// Sends `command` `window` times, receives `replies` and polls every event; gives the octets of bodies
/// and the items seen.
fn poll(
    session: &mut ClientSession,
    command: &Command,
    window: usize,
    replies: &[u8],
) -> (usize, usize) {
    send(session, command, window);
    let (mut octets, mut items, mut at) = (0, 0, 0);
    while at < replies.len() {
        let end = replies.len().min(at + READ);
        at += session.receive(&replies[at..end]);
        while let Some(event) = session.poll_event().expect("a well-formed reply") {
            match event {
                Event::Data { data, .. } => octets += black_box(data).len(),
                Event::Item { item, .. } => {
                    black_box(item);
                    items += 1;
                }
                _ => {}
            }
        }
    }
    assert_eq!(session.in_flight(), 0);
    (octets, items)
}

/// The same, with bodies copied into a buffer of the caller's.
fn read(
    session: &mut ClientSession,
    command: &Command,
    window: usize,
    replies: &[u8],
    buffer: &mut [u8],
) -> (usize, usize) {
    send(session, command, window);
    let (mut octets, mut at) = (0, 0);
    let mut current = None;
    while at < replies.len() {
        let end = replies.len().min(at + READ);
        at += session.receive(&replies[at..end]);
        loop {
            if let Some(id) = current {
                match session.read_body(id, buffer).expect("a well-formed reply") {
                    BodyRead::Data(len) => {
                        black_box(&buffer[..len]);
                        octets += len;
                        continue;
                    }
                    BodyRead::NeedMore => break,
                    BodyRead::EventFirst | BodyRead::End => {}
                }
            }
            match session.poll_event().expect("a well-formed reply") {
                Some(Event::Started { id, .. }) => current = Some(id),
                Some(Event::Finished { .. }) => current = None,
                Some(_) => {}
                None => break,
            }
        }
    }
    assert_eq!(session.in_flight(), 0);
    (octets, 0)
}

fn send(session: &mut ClientSession, command: &Command, window: usize) {
    for _ in 0..window {
        session.send(command).expect("legal");
    }
    write_all(session);
}

fn rows(
    criterion: &mut Criterion,
    name: &str,
    command: &Command,
    window: usize,
    reply: &[u8],
    expected: (usize, usize),
) {
    let replies = reply.repeat(window);
    let expected = (expected.0 * window, expected.1 * window);
    let mut group = criterion.benchmark_group(format!("replies {name}"));
    group.throughput(Throughput::Bytes(replies.len() as u64));
    let mut block = vec![0; READ];
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| {
            for part in black_box(&replies).chunks(READ) {
                block[..part.len()].copy_from_slice(part);
                black_box(&block);
            }
        });
    });
    let finder = Finder::new(b"\n.");
    group.bench_function("memcpy and memmem", |bencher| {
        bencher.iter(|| {
            let mut found = 0;
            for part in black_box(&replies).chunks(READ) {
                block[..part.len()].copy_from_slice(part);
                found += finder.find_iter(&block[..part.len()]).count();
            }
            found
        });
    });
    let mut polled = session();
    assert_eq!(poll(&mut polled, command, window, &replies), expected, "{name}");
    group.bench_function("poll_event", |bencher| {
        bencher.iter(|| poll(&mut polled, command, window, black_box(&replies)));
    });
    if expected.1 == 0 {
        let mut copied = session();
        assert_eq!(read(&mut copied, command, window, &replies, &mut block), expected, "{name}");
        group.bench_function("read_body", |bencher| {
            bencher.iter(|| read(&mut copied, command, window, black_box(&replies), &mut block));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().sample_size(15).configure_from_args();
    let retr = Command::Retr(MessageNumber::FIRST);
    for (name, octets, window) in [("empty", 0, 64), ("4 KiB", 4 << 10, 64), ("1 MiB", 1 << 20, 4)]
    {
        let corpus = text(octets);
        let mut reply = b"+OK\r\n".to_vec();
        reply.extend_from_slice(&corpus.wire);
        rows(&mut criterion, name, &retr, window, &reply, (corpus.body, 0));
    }
    let mut listing = b"+OK\r\n".to_vec();
    for number in 1..=10_000 {
        listing.extend_from_slice(format!("{number} {number:08x}5d9f3a21\r\n").as_bytes());
    }
    listing.extend_from_slice(b".\r\n");
    rows(&mut criterion, "UIDL of 10,000", &Command::Uidl(None), 1, &listing, (0, 10_000));
    criterion.final_summary();
}
