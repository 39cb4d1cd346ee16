//! Framing and grammar: bufferless decoders that answer with offsets, grammars over one framed
//! line, and encoders.
//!
//! Usable without a session: for proxies, other ways to buffer, and fuzzing. Frame first, parse
//! second: a boundary that a decoder found holds whatever the line or body says.

mod grammar;
mod line;
mod multiline;
mod scan;
mod stuff;
mod top;

pub use grammar::{
    Continuation, Malformed, Parsed, ResponseLine, capability, command, continuation, drop_listing,
    language_listing, mechanism_listing, response, scan_listing, unique_id_listing,
};
pub(crate) use grammar::{is_base64, number_param, put_decimal, response_code, timestamp};
pub use line::{LineDecoder, LineEnding, LineStep};
pub use multiline::{BodyStep, Decoded, MultilineDecoder};
pub use stuff::{MultilineEncoder, Stuff, WireOctets};
pub use top::TopLines;

/// A length in memory as a count of octets on the wire.
pub(crate) fn octets(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
