//! An open maildrop.

use crate::UniqueId;

/// What a server must know of a message when its maildrop is opened (RFC 1939 §4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Entry {
    /// Octets as RETR will send them: every line end counted as two, byte-stuffing not counted. See
    /// [`WireOctets`](crate::codec::WireOctets).
    pub octets: u64,
    /// Its unique-id.
    pub id: UniqueId,
}

impl Entry {
    /// An entry.
    #[must_use]
    pub const fn new(octets: u64, id: UniqueId) -> Self {
        Self { octets, id }
    }
}
