//! What fuzzing found in the client session, each as the shortest story that shows it.

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, ClientConfig, ClientSession, Event, Pipelining, ProtocolError, Security,
};
use pop3_proto::{Command, RawFraming};

fn session(change: impl FnOnce(&mut ClientConfig)) -> ClientSession {
    let mut config = ClientConfig::new(Security::PlaintextAllowed);
    config.pipelining = Pipelining::Always;
    change(&mut config);
    ClientSession::new(config, Channel::Clear)
}

fn flush(session: &mut ClientSession) {
    let mut outgoing = session.outgoing();
    let waiting = outgoing.remaining();
    outgoing.advance(waiting);
}

fn poll(session: &mut ClientSession) -> Result<Vec<Event>, ProtocolError> {
    let mut events = Vec::new();
    while let Some(event) = session.poll_event()? {
        events.push(event);
    }
    Ok(events)
}

/// A block as long as the longest line: what was consumed in front of a line must not be missing behind it.
#[test]
fn a_line_of_the_limit_fits_whatever_stands_before_it() {
    let limit = 64;
    let mut session = session(|config| {
        config.limits.status_line = limit;
        config.limits.listing_line = limit;
        config.limits.sasl_line = limit;
        config.limits.input_block = limit;
    });
    assert_eq!(session.receive(b"+OK\r\n"), 5);
    assert_eq!(poll(&mut session).unwrap().len(), 1);
    session.send(&Command::Capa).unwrap();
    flush(&mut session);
    let reply = [b"-ERR ", &[b'x'; 57][..], b"\r\n"].concat();
    assert_eq!(reply.len(), limit);
    let taken = session.receive(&reply);
    assert!(taken < reply.len());
    assert_eq!(poll(&mut session), Ok(Vec::new()));
    assert!(session.wants_read() && !session.incoming().is_empty());
    assert_eq!(session.receive(&reply[taken..]), reply.len() - taken);
    assert!(matches!(poll(&mut session).as_deref(), Ok([Event::Completed { .. }])));
}

/// Limits of nothing refuse every line; they do not make a session that neither reads nor fails.
#[test]
fn limits_of_nothing_fail_and_do_not_hang() {
    let mut session = session(|config| {
        config.limits.status_line = 0;
        config.limits.listing_line = 0;
        config.limits.sasl_line = 0;
        config.limits.input_block = 0;
    });
    assert!(session.receive(b"+OK\r\n") > 0);
    assert_eq!(session.poll_event(), Err(ProtocolError::LineTooLong { limit: 0 }));
}

/// Class H1: a farewell is the last that a server says. What it says to a command that left later is no reply.
#[test]
fn nothing_follows_a_farewell() {
    let mut session = session(|_| {});
    assert_eq!(session.receive(b"+OK\r\n"), 5);
    assert_eq!(poll(&mut session).unwrap().len(), 1);
    let raw = Command::raw("XTND", RawFraming::SingleLine).unwrap();
    session.send(&raw).unwrap();
    assert_eq!(session.receive(b"-ERR autologout\r\n"), 17);
    assert_eq!(poll(&mut session), Ok(Vec::new()));
    flush(&mut session);
    assert_eq!(session.receive(b"+OK\r\n"), 5);
    assert_eq!(poll(&mut session), Err(ProtocolError::Unsolicited));
}
