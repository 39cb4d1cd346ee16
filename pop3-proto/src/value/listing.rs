//! What STAT, LIST and UIDL say.

use bytes::BufMut;

use super::{MessageNumber, UniqueId};
use crate::codec::put_decimal;

/// The drop listing that answers STAT: how many messages the maildrop holds and their octets
/// together, messages marked as deleted in neither (RFC 1939 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DropListing {
    /// Messages in the maildrop.
    pub messages: u32,
    /// Octets of all messages together; `None` if the server gave a negative size, as some do past
    /// 2 GiB. A hint: sizes in the field are often wrong.
    pub octets: Option<u64>,
}

impl DropListing {
    /// A drop listing of `messages` messages and `octets` octets.
    #[must_use]
    pub const fn new(messages: u32, octets: u64) -> Self {
        Self { messages, octets: Some(octets) }
    }

    /// Writes `2 320`: what follows `+OK ` in the response. Octets that are not known are written
    /// as 0.
    pub fn encode(&self, out: &mut impl BufMut) {
        put_decimal(out, self.messages.into());
        out.put_u8(b' ');
        put_decimal(out, self.octets.unwrap_or(0));
    }
}

/// The scan listing of one message: its number and its size in octets (RFC 1939 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ScanListing {
    /// Which message.
    pub message: MessageNumber,
    /// Its size in octets, each line end counted as two, byte-stuffing not counted. A hint: sizes in
    /// the field are often wrong, and nothing may be framed or allocated by them.
    pub octets: u64,
}

impl ScanListing {
    /// A scan listing.
    #[must_use]
    pub const fn new(message: MessageNumber, octets: u64) -> Self {
        Self { message, octets }
    }

    /// Writes `1 120`, without a line end.
    pub fn encode(&self, out: &mut impl BufMut) {
        put_decimal(out, self.message.value().into());
        out.put_u8(b' ');
        put_decimal(out, self.octets);
    }
}

/// The unique-id listing of one message (RFC 1939 §7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UniqueIdListing {
    /// Which message.
    pub message: MessageNumber,
    /// Its unique-id. Two messages may carry the same (C0041).
    pub id: UniqueId,
}

impl UniqueIdListing {
    /// A unique-id listing.
    #[must_use]
    pub const fn new(message: MessageNumber, id: UniqueId) -> Self {
        Self { message, id }
    }

    /// Writes `1 whqtswO00WBw418f9t5JxYwZ`, without a line end.
    pub fn encode(&self, out: &mut impl BufMut) {
        put_decimal(out, self.message.value().into());
        out.put_u8(b' ');
        out.put_slice(self.id.octets());
    }
}
