//! What holds whatever an attacker made of the octets between two honest sides.

use alloc::vec::Vec;

use super::Pair;
use crate::client::{Eof, Update};

impl Pair {
    /// Ends a link on which each side waits for what the attacker took away; whether it did.
    pub(super) fn give_up(&mut self) -> bool {
        let waits = self.up.tampered && (self.up.eof.is_none() || self.down.eof.is_none());
        if waits {
            self.end_up(Eof::Clean);
            self.end_down(Eof::Clean);
        }
        waits
    }

    /// I2, I5, I9, C18.1, S18.3: nothing is taken for complete that did not come to its end, and nothing is committed but by
    /// a QUIT that the server got whole.
    pub(super) fn finish_tampered(&self) {
        let (client, server) = (&self.client, &self.server);
        assert!(client.is_over() && server.closed.is_some(), "one side is over, the other not");
        let asked = lines(&self.up.received);
        let answered = lines(&self.down.received);
        if server.closed == Some(true) {
            assert!(asked.iter().any(|line| line.eq_ignore_ascii_case(b"QUIT")), "S18.3");
            let right = |line: &&[u8]| line.eq_ignore_ascii_case(b"PASS right");
            assert!(asked.iter().any(right), "I9: committed without a login");
            assert_eq!(server.committed, server.model.marked());
        }
        if client.session.update() == Update::Committed {
            assert!(client.quit, "I9: nobody has said QUIT");
            assert!(answered.iter().any(|line| line.starts_with(b"+OK")));
        }
        let replies = answered.len().saturating_sub(1);
        assert!(client.completed <= replies, "I5: more replies than lines behind the greeting");
        let ends = answered.iter().filter(|line| line.starts_with(b".")).count();
        assert!(client.finished <= ends, "C18.1: a body or a listing without an end");
    }
}

/// Whole lines, whichever way they end.
fn lines(octets: &[u8]) -> Vec<&[u8]> {
    let lines = octets.split_inclusive(|octet| *octet == b'\n');
    let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
    whole.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}
