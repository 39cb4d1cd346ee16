//! The mechanisms of AUTH (RFC 5034, RFC 4422), both sides, without I/O.
//!
//! A [`Mechanism`] is the client's side of one exchange, an [`Acceptor`] the server's. Both take and
//! give octets that are already out of their base64; the session does the framing, sends `*` and
//! counts. Neither draws random numbers: a nonce comes from the caller, fresh for each exchange.
//!
//! | mechanism | client | server | first to speak |
//! |---|---|---|---|
//! | PLAIN | [`Plain`] | [`PlainAcceptor`] | client |
//!
//! An [`Acceptor`] knows no users. It [asks](Question) whoever drives it, who may answer at once or
//! much later, and that is all it learns about them.

mod acceptor;
mod error;
mod mechanism;
mod octets;
mod plain;
mod scram_keys;
mod turn;

pub use acceptor::{Acceptor, Answer, Identity, Input, Question, Refusal, Step, TokenFailure};
pub use error::{MechanismError, ServerError};
pub use mechanism::Mechanism;
pub use plain::{Plain, PlainAcceptor};
pub use scram_keys::{ScramHash, ScramKeys};
