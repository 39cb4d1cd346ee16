//! A client session that is logged in and is shown the replies to what it sends.

use std::hint::black_box;

use bytes::Buf as _;
use pop3_proto::client::{
    BodyRead, Channel, ClientConfig, ClientSession, CommandId, Event, Pipelining, Security,
};
use pop3_proto::{Command, Mailbox, Password};

/// What came: octets of bodies, and items of listings or other replies without a body.
pub type Seen = (usize, usize);

/// A session in TRANSACTION that may pipeline.
pub fn logged_in() -> ClientSession {
    let mut config = ClientConfig::new(Security::PlaintextAllowed);
    config.pipelining = Pipelining::Always;
    let mut session = ClientSession::new(config, Channel::Clear);
    assert_eq!(session.receive(b"+OK ready\r\n"), 11);
    assert!(matches!(session.poll_event(), Ok(Some(Event::Greeting(_)))));
    let user = Command::User(Mailbox::new("a").expect("a mailbox"));
    let pass = Command::Pass(Password::new("b").expect("a password"));
    for command in [user, pass] {
        send(&mut session, &command, 1);
        assert_eq!(poll(&mut session, b"+OK\r\n", 5), (0, 1));
    }
    session
}

/// Sends `command` `window` times in one batch, and lets it leave.
pub fn send(session: &mut ClientSession, command: &Command, window: usize) {
    for _ in 0..window {
        session.send(command).expect("legal");
    }
    let len = session.outgoing().remaining();
    black_box(session.outgoing().chunk());
    session.outgoing().advance(len);
}

/// Receives `replies`, `read` octets at a time, and polls every event.
pub fn poll(session: &mut ClientSession, replies: &[u8], read: usize) -> Seen {
    let (mut octets, mut items, mut at) = (0, 0, 0);
    while at < replies.len() {
        let end = replies.len().min(at + read);
        at += session.receive(&replies[at..end]);
        while let Some(event) = session.poll_event().expect("a well-formed reply") {
            match event {
                Event::Data { data, .. } => octets += black_box(data).len(),
                Event::Item { item, .. } => {
                    black_box(item);
                    items += 1;
                }
                Event::Completed { response, .. } => {
                    black_box(response);
                    items += 1;
                }
                _ => {}
            }
        }
    }
    (octets, items)
}

/// The same, with bodies copied into a buffer of the caller's.
pub fn read(session: &mut ClientSession, replies: &[u8], read: usize, buffer: &mut [u8]) -> Seen {
    let (mut octets, mut items, mut at) = (0, 0, 0);
    let mut current: Option<CommandId> = None;
    while at < replies.len() {
        let end = replies.len().min(at + read);
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
                Some(event) => {
                    black_box(event);
                    items += 1;
                }
                None => break,
            }
        }
    }
    (octets, items)
}
