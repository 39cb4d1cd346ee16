//! Bounds on what a peer can make a session hold or do.

/// Octets of a command line at most, CRLF included (RFC 2449 §4).
pub const MAX_COMMAND_OCTETS: usize = 255;

/// Octets of a status line or a capability line at most, CRLF included (RFC 2449 §§3, 4).
pub const MAX_RESPONSE_OCTETS: usize = 512;

/// Bounds of a client session. What passes one is a [`ProtocolError`](crate::client::ProtocolError), never
/// silently cut.
///
/// A session holds at most two input blocks, the output (up to three times its limit while it moves), 96
/// octets for each command in flight (and half as much again while their queue grows), two capability
/// lists, the last one and the one that is being read, and a few lines as values: with the defaults
/// 128 KiB + 192 KiB + 144 KiB + 8 MiB, the last only against a server that fills 512 capability lines to
/// their limit. A strict session needs up to 24 octets besides for each gap between the message-numbers of
/// a listing: 48 MiB against a server that leaves one behind each of 2^21 items. Nothing is ever sized by a
/// number that the server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a status line, CRLF included. The specification says 512; servers in the field
    /// write more. Worst case: held once.
    pub status_line: usize,
    /// Octets of a line in a LIST, UIDL or CAPA listing, CRLF included. The specification says 512.
    /// Worst case: held once; a capability line for as long as the list.
    pub listing_line: usize,
    /// Items of a LIST or UIDL listing. They are streamed: this bounds time, not memory, but for the
    /// message-numbers that a strict session compares, one entry of a map for each gap.
    pub listing_items: u32,
    /// Lines of a capability list, which the session keeps.
    pub capabilities: usize,
    /// Octets of a challenge and of a response in an AUTH exchange, CRLF included: RFC 5034 §4 leaves
    /// it to the mechanisms. OAuth tokens have several KiB. Worst case: held once each.
    pub sasl_line: usize,
    /// Challenges of one AUTH exchange; the next one is answered `*`.
    pub sasl_rounds: u32,
    /// Commands whose replies are owed; 0 counts as 1.
    pub in_flight: usize,
    /// Octets of an input block. Raised to the longest line limit if it is smaller, since a line is
    /// read in one piece. 32 KiB to 128 KiB is the flat optimum for reading.
    pub input_block: usize,
    /// Octets of output that may wait to be written: beyond, `send` refuses until some has left.
    pub output: usize,
    /// Octets read and dropped for one abandoned command before the session is given up.
    pub drain: u64,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        status_line: 8 * 1024,
        listing_line: 8 * 1024,
        listing_items: 1 << 21,
        capabilities: 512,
        sasl_line: 64 * 1024,
        sasl_rounds: 16,
        in_flight: 1024,
        input_block: 64 * 1024,
        output: 64 * 1024,
        drain: 1024 * 1024,
    };
}

impl Default for Limits {
    /// [`Limits::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}
