//! The bodies of the fuzz targets, one function for each: octets in, a panic if an invariant does not hold.
//!
//! They are here and not in the fuzzing crate so that ordinary tests compile them, run them over the corpora and feed them
//! random octets. Not part of the public API.

mod client;
mod codec;
mod login;
mod oracle;
mod pair;
mod sasl;
mod script;
mod server;
mod store;
mod values;

pub use client::{client_session, client_session_cut_anywhere};
pub use codec::{multiline, stuffing};
pub use login::{login, login_comes_to};
pub use pair::pair;
pub use sasl::sasl_exchange;
pub use server::server_session;
pub use values::{command_roundtrip, response_roundtrip};

#[cfg(feature = "std")]
pub use crate::effort::{Effort, effort};

use alloc::format;
use core::fmt::{Debug, Display};

/// Cuts after which no session is cut octet by octet any more: what could differ has by then, and the next input is worth
/// more than the rest of this one.
const MAX_OCTETS_ALONE: usize = 1 << 8;

/// Sizes of reads or writes, one after the other and over again: small ones, and one of any size.
#[derive(Clone, Debug)]
struct Sizes {
    sizes: [usize; 2],
    turn: usize,
}

impl Sizes {
    fn new(small: u8, large: u8) -> Self {
        Self { sizes: [1 + usize::from(small % 32), 1 + usize::from(large)], turn: 0 }
    }

    const fn always(size: usize) -> Self {
        Self { sizes: [size, size], turn: 0 }
    }

    /// Octet by octet, at length in pieces.
    const fn octets() -> Self {
        Self::always(1)
    }

    /// Cuts the next piece off `octets`, at least one octet of it.
    fn cut<'a>(&mut self, octets: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        octets.split_at(octets.len().min(self.next()))
    }

    /// The next size, at least 1.
    fn next(&mut self) -> usize {
        self.turn += 1;
        match self.sizes {
            [1, 1] if self.turn > MAX_OCTETS_ALONE => 61,
            sizes => sizes[self.turn % 2].max(1),
        }
    }
}

/// I10 and class K: what is shown of a peer's octets drives no terminal and forges no line.
fn assert_printable(shown: &str) {
    let hostile = |character: char| {
        character.is_control()
            || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    assert!(!shown.contains(hostile), "shown raw: {}", shown.escape_default());
}

fn assert_shown_printable(value: &(impl Debug + Display)) {
    assert_printable(&format!("{value}"));
    assert_debug_printable(value);
}

fn assert_debug_printable(value: &impl Debug) {
    assert_printable(&format!("{value:?}"));
}

/// I6: one CRLF, at the end, and no other octet that ends a line anywhere.
fn assert_one_line(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\r\n").expect("a line ends with CRLF");
    assert!(!text.iter().any(|octet| b"\r\n\0".contains(octet)), "{}", line.escape_ascii());
    text
}
