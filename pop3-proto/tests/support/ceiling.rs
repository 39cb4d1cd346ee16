//! What a session may hold: the sums that the documentation of [`Limits`] and [`ServerLimits`] gives.

#![allow(dead_code, reason = "each test file uses a part of it")]

use pop3_proto::Limits;
use pop3_proto::server::ServerLimits;

/// What a client session holds of what has no limit of its own size.
#[derive(Clone, Copy, Default)]
pub(crate) struct Holds {
    /// Commands in flight.
    pub(crate) in_flight: usize,
    /// Capability lists, whole or begun.
    pub(crate) lists: usize,
    /// Gaps between the message-numbers of a listing, where those are compared.
    pub(crate) gaps: usize,
}

/// Octets for each command in flight.
const COMMAND: usize = 96;
/// Octets for each capability besides its line.
const CAPABILITY: usize = 16;
/// Octets for each gap.
const GAP: usize = 24;
/// What is there once, whatever happens: an event, a response, what is known of the server.
const BESIDES: usize = 4 * 1024;

pub(crate) fn client(limits: &Limits, holds: Holds) -> u64 {
    let line = limits.status_line.max(limits.listing_line);
    let blocks = 2 * limits.input_block.max(line).max(limits.sasl_line);
    // It grows by doubling, and the old half lives while the new whole is filled.
    let queue = holds.in_flight.next_power_of_two() * COMMAND * 3 / 2;
    let output = if holds.in_flight > 1 { 3 * limits.output } else { 0 };
    let lists = holds.lists * limits.capabilities * (limits.listing_line + 3 * CAPABILITY);
    let gaps = holds.gaps * GAP;
    // A line is a value, and perhaps an event, besides.
    octets(blocks + queue + output + lists + gaps + 2 * line + BESIDES)
}

pub(crate) fn server(limits: &ServerLimits) -> u64 {
    let block = |line| limits.input_block.max(line);
    // The block of commands lives while the one of responses is filled.
    let input = block(limits.command_line) + block(limits.sasl_line);
    octets(input + 3 * limits.output + 2 * limits.sasl_line + BESIDES)
}

fn octets(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}
