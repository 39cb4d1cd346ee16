//! Grammars over one framed line, the ABNF above each.
//!
//! All of them take a whole line (or the text of one) without its line end, so `nom` is used in its
//! `complete` form and nothing is ever parsed twice.

mod capability;
mod command;
mod continuation;
mod extension;
mod listing;
mod response;
mod token;

pub use capability::capability;
pub(crate) use capability::number_param;
pub use command::command;
pub(crate) use continuation::is_base64;
pub use continuation::{Continuation, continuation};
pub use extension::{language_listing, mechanism_listing};
pub use listing::{drop_listing, scan_listing, unique_id_listing};
pub use response::{ResponseLine, response};
pub(crate) use response::{response_code, timestamp};
pub(crate) use token::put_decimal;

use crate::leniency::Deviations;

/// What a line says, and what had to be forgiven to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed<T> {
    /// What the line says.
    pub value: T,
    /// Deviations that the given leniency let through.
    pub deviations: Deviations,
}

impl<T> Parsed<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Parsed<U> {
        Parsed { value: f(self.value), deviations: self.deviations }
    }
}

/// The line does not follow its grammar, even with the leniency given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the line does not follow its grammar")
    }
}

impl core::error::Error for Malformed {}
