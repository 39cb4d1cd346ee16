//! The mechanisms of AUTH (RFC 5034, RFC 4422), both sides, without I/O.
//!
//! A [`Mechanism`] is the client's side of one exchange, an [`Acceptor`] the server's. Both take and
//! give octets that are already out of their base64; the session does the framing, sends `*` and
//! counts. Neither draws random numbers: a nonce comes from the caller, fresh for each exchange.
//!
//! | mechanism | client | server | first to speak |
//! |---|---|---|---|
//! | PLAIN | [`Plain`] | [`PlainAcceptor`] | client |
//! | LOGIN | [`Login`] | [`LoginAcceptor`] | server |
//! | CRAM-MD5 (feature `md5`) | `CramMd5` | `CramMd5Acceptor` | server |
//! | SCRAM-SHA-1, SCRAM-SHA-256, and their -PLUS (feature `scram`) | `Scram` | `ScramAcceptor` | client |
//! | XOAUTH2 | [`XOAuth2`] | [`XOAuth2Acceptor`] | client |
//! | OAUTHBEARER | [`OAuthBearer`] | [`OAuthBearerAcceptor`] | client |
//! | EXTERNAL | [`External`] | [`ExternalAcceptor`] | client |
//! | ANONYMOUS | [`Anonymous`] | [`AnonymousAcceptor`] | client |
//!
//! None of them negotiates a security layer (RFC 4422 §3.7): TLS is the layer.
//!
//! An [`Acceptor`] knows no users. It [asks](Question) whoever drives it, who may answer at once or
//! much later, and that is all it learns about them.

mod acceptor;
#[cfg(all(feature = "md5", feature = "scram"))]
mod acceptors;
mod anonymous;
#[cfg(feature = "md5")]
mod cram_md5;
mod error;
mod external;
#[cfg(any(feature = "md5", feature = "scram"))]
mod hash;
mod login;
mod mechanism;
mod oauthbearer;
mod octets;
mod plain;
mod preparation;
#[cfg(feature = "scram")]
mod scram;
mod scram_keys;
mod token;
mod turn;
mod xoauth2;

pub use acceptor::{Acceptor, Answer, Identity, Input, Question, Refusal, Step, TokenFailure};
#[cfg(all(feature = "md5", feature = "scram"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "md5", feature = "scram"))))]
pub use acceptors::Acceptors;
pub use anonymous::{Anonymous, AnonymousAcceptor};
#[cfg(feature = "md5")]
pub(crate) use cram_md5::apop;
#[cfg(feature = "md5")]
#[cfg_attr(docsrs, doc(cfg(feature = "md5")))]
pub use cram_md5::{CramMd5, CramMd5Acceptor};
pub use error::{MechanismError, ServerError};
pub use external::{External, ExternalAcceptor};
pub(crate) use login::MAX_NAME_CHARACTERS;
pub use login::{Login, LoginAcceptor};
pub use mechanism::Mechanism;
pub use oauthbearer::{OAuthBearer, OAuthBearerAcceptor};
pub use plain::{Plain, PlainAcceptor};
pub use preparation::{Preparation, PreparedAs};
#[cfg(feature = "scram")]
#[cfg_attr(docsrs, doc(cfg(feature = "scram")))]
pub use scram::{Binding, ChannelBinding, Scram, ScramAcceptor, ScramDecoy, ScramOffer};
pub use scram_keys::{ScramHash, ScramKeys};
pub use xoauth2::{XOAuth2, XOAuth2Acceptor};

/// The service name of POP3 (RFC 5034 §4), for mechanisms of the caller's own that take one, such as
/// GSSAPI. None of this library does.
pub const SERVICE_NAME: &str = "pop";
