//! How names and passwords are prepared that are not ASCII.

use alloc::string::String;

/// Prepares a name or a password as RFC 4013 (`SASLprep`) says, which takes the tables of Unicode; `None`
/// if it holds what is prohibited.
pub type Preparation = fn(&str, PreparedAs) -> Option<String>;

/// What a string is prepared as (RFC 3454 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 3454 §7 has two")]
pub enum PreparedAs {
    /// A query: a name, by which somebody is looked for. It may hold code points that were not assigned
    /// when the tables were made.
    Query,
    /// A stored string: a secret, of which both sides derive the same. It may not.
    Stored,
}
