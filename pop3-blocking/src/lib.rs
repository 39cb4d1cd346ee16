//! POP3 over `std::io`: a thin blocking adapter for [`pop3_proto`].
//!
//! A [`Client`] stands in AUTHORIZATION; logging in turns it into a [`Session`] in TRANSACTION;
//! [`Session::quit`] commits the deletions and says what became of them. A session that is dropped
//! without QUIT deletes nothing.
//!
//! ```no_run
//! use std::io::Read as _;
//! use pop3_blocking::Client;
//! use pop3_proto::client::Security;
//! use pop3_proto::{Mailbox, MessageNumber, Password};
//!
//! # fn main() -> Result<(), pop3_blocking::Error> {
//! let client = Client::builder(Security::Implicit).connect("pop.example.org", 995)?;
//! let mut session = client.login(&Mailbox::new("mrose")?, &Password::new("tanstaaf")?)?;
//! for listing in session.list()? {
//!     let listing = listing?;
//!     println!("{} has {} octets", listing.message, listing.octets);
//! }
//! let mut message = Vec::new();
//! session.retr(MessageNumber::FIRST)?.read_to_end(&mut message)?;
//! println!("{}", session.quit()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tls` (default): TLS by rustls, certificates verified as the platform verifies them; `webpki-roots`:
//!   Mozilla's authorities, for systems that have none.
//! - `scram`, `md5` (default): logging in by SCRAM, by APOP and CRAM-MD5. `ntlm`: logging in by NTLM, as
//!   Exchange has it; it brings some twenty crates.
//! - `server`, `maildir` (default): serving mail, from Maildirs.
//! - `tracing`: spans and events of the crate `tracing`. Targets `pop3::client` and `pop3::server`, at DEBUG,
//!   tell of connections, TLS, logins, deviations, errors and ends; `pop3::wire`, at TRACE, of each command,
//!   and on the client's side of replies. No credential is ever told, nor what answers one.
//!
//! Everything that the protocol decides is decided in `pop3_proto`; here are sockets and deadlines.

mod address;
mod body;
mod client;
mod collected;
mod connect;
mod deadline;
mod driver;
mod error;
mod listing;
#[cfg(feature = "ntlm")]
mod ntlm;
mod pipeline;
#[cfg(feature = "scram")]
mod preparation;
#[cfg(feature = "server")]
pub mod server;
mod session;
mod tls;
pub mod trace;
mod transport;

pub use address::{Address, AddressError, Authentication};
pub use body::{Body, COLLECT_AHEAD, COLLECT_LIMIT};
pub use client::{Client, LoginError};
pub use collected::Collected;
pub use connect::Builder;
pub use deadline::{Deadlines, Timeouts, Untimed};
pub use driver::is_end;
pub use error::{Error, QuitError};
pub use listing::{FromItem, Items, Listing, ScanListings, UniqueIdListings};
#[cfg(feature = "ntlm")]
pub use ntlm::Ntlm;
pub use pipeline::{Outcome, Pipeline, Reply};
pub use pop3_proto;
/// For a configuration of TLS of your own: see [`Tls`].
#[cfg(feature = "tls")]
pub use rustls;
pub use session::Session;
#[cfg(feature = "tls")]
pub use tls::Tls;
pub use tls::{ChannelBindings, TlsError, TlsErrorKind};

/// The examples of the project's README, so that they are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct ReadmeDoctests;
