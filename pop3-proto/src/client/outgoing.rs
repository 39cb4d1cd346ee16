//! What a client session has to write.

use alloc::collections::VecDeque;

use bytes::Buf;

use super::InFlight;
use crate::buffer::Output;

/// Octets to write, borrowed from a [`ClientSession`](super::ClientSession).
///
/// [`Buf::advance`] says that octets have left: call it with what the transport really took, since
/// only a command whose last octet has left can be answered.
#[derive(Debug)]
pub struct Outgoing<'a> {
    output: &'a mut Output,
    in_flight: &'a mut VecDeque<InFlight>,
    received: u64,
}

impl<'a> Outgoing<'a> {
    pub(super) const fn new(
        output: &'a mut Output,
        in_flight: &'a mut VecDeque<InFlight>,
        received: u64,
    ) -> Self {
        Self { output, in_flight, received }
    }
}

impl Buf for Outgoing<'_> {
    fn remaining(&self) -> usize {
        self.output.waiting().len()
    }

    fn chunk(&self) -> &[u8] {
        self.output.waiting()
    }

    /// # Panics
    /// If `count` is more than remains.
    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "cannot advance past the end of the output");
        self.output.advance(count);
        let first = self.in_flight.partition_point(|command| command.left_at.is_some());
        for command in self.in_flight.iter_mut().skip(first) {
            if command.ends_at > self.output.left() {
                break;
            }
            command.left_at = Some(self.received);
        }
    }
}
