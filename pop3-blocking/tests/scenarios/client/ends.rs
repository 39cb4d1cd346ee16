//! Connections that end, and transports that break.

use std::io;

use pop3_blocking::Error;

use super::{ENDS, Scenario, unexpected_end};
use crate::scenarios::{Call, Take, does, fails, is, over};
use crate::support::{Act, expect, send};

/// H6, H7: an unfinished reply is an error whatever has come of it, and the session is over.
pub(crate) fn an_unfinished_reply_is_an_error() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (end, eof) in ENDS {
        for (call, heard, said, seen) in [
            (Call::Retr(1, Take::All), "RETR 1\r\n", "+OK\r\nhalf\r\n.\r", vec![is("half\r\n")]),
            (Call::Retr(1, Take::Reads(4)), "RETR 1\r\n", "+OK\r\nhalf", vec![is("half")]),
            (Call::Retr(1, Take::UpTo(99)), "RETR 1\r\n", "+OK\r\nhalf", vec![]),
            (Call::Retr(1, Take::All), "RETR 1\r\n", "+OK 9 octets", vec![]),
            (Call::List(Take::All), "LIST\r\n", "+OK\r\n1 1\r\n2 2", vec![is("1 1")]),
            (Call::List(Take::All), "LIST\r\n", "+OK\r\n1 1\r\n", vec![is("1 1")]),
            (Call::Uidl(Take::All), "UIDL\r\n", "+OK\r\n", vec![]),
            (Call::Capa, "CAPA\r\n", "+OK\r\nUIDL\r\n", vec![]),
            (Call::Stat, "STAT\r\n", "+OK 1 1", vec![]),
            (Call::Stat, "STAT\r\n", "", vec![]),
        ] {
            let name = format!("{end:?} behind {said:?}, {call:?}");
            let script = vec![expect(heard), send(said), end.clone()];
            let seen: Vec<_> = seen.into_iter().chain([unexpected_end(eof)]).collect();
            scenarios.push(Scenario::logged_in(name, script, vec![does(call, seen), over()]));
        }
    }
    scenarios
}

/// A transport that fails is told as it failed, and ends the session; every later call says so.
pub(crate) fn a_broken_transport_ends_the_session() -> Vec<Scenario> {
    let denied = io::ErrorKind::PermissionDenied;
    let nothing = io::ErrorKind::WriteZero;
    [(Act::Break(denied), ""), (Act::Break(nothing), ""), (Act::BreakFlush(denied), "NOOP\r\n")]
        .map(|(act, written)| {
            let name = format!("{act:?}");
            let failed = if matches!(act, Act::Break(io::ErrorKind::WriteZero)) {
                fails!(Error::Io(error) if error.kind() == io::ErrorKind::WriteZero)
            } else {
                fails!(Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied)
            };
            let script = vec![act, expect(written)];
            let steps = vec![does(Call::Noop, [failed]), over()];
            Scenario::logged_in(name, script, steps)
        })
        .into()
}

/// When the connection is gone for writing, what the server said before is still read.
pub(crate) fn what_was_said_before_the_end_is_still_read() -> Vec<Scenario> {
    let kind = io::ErrorKind::BrokenPipe;
    let mut scenarios = Vec::new();
    // What was only flushed in vain may have left, and is answered.
    for (act, written) in [(Act::Break(kind), ""), (Act::BreakFlush(kind), "NOOP\r\n")] {
        let name = format!("{act:?}");
        let said = send("-ERR [SYS/TEMP] later\r\n");
        let seen = if written.is_empty() {
            fails!(Error::Closed { farewell: Some(_) })
        } else {
            fails!(Error::Refused(_))
        };
        let script = vec![act, expect(written), said, Act::Close];
        scenarios.push(Scenario::logged_in(name, script, vec![does(Call::Noop, [seen])]));
    }
    scenarios
}
