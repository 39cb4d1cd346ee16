//! POP3 over tokio: a thin asynchronous adapter for [`pop3_proto`].
//!
//! A [`Client`] stands in AUTHORIZATION; logging in turns it into a [`Session`] in TRANSACTION;
//! [`Session::quit`] commits the deletions and says what became of them. A session that is dropped
//! without QUIT deletes nothing.
//!
//! ```no_run
//! # #[cfg(feature = "net")]
//! # async fn fetch() -> Result<(), pop3_tokio::Error> {
//! use pop3_tokio::Client;
//! use pop3_tokio::pop3_proto::client::Security;
//! use pop3_tokio::pop3_proto::{Mailbox, MessageNumber, Password};
//! use tokio::io::AsyncReadExt as _;
//!
//! let client = Client::builder(Security::PlaintextAllowed).connect("localhost", 110).await?;
//! let mut session = client.login(&Mailbox::new("mrose")?, &Password::new("tanstaaf")?).await?;
//! let mut listings = session.list().await?;
//! while let Some(listing) = listings.next().await {
//!     let listing = listing?;
//!     println!("{} has {} octets", listing.message, listing.octets);
//! }
//! drop(listings);
//! let mut message = Vec::new();
//! session.retr(MessageNumber::FIRST).await?.read_to_end(&mut message).await?;
//! println!("{}", session.quit().await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Cancel safety
//!
//! Any future may be dropped at any point, by a time-out of the caller's own or in a `select!`. What
//! happens then is said with each method; it is one of three things:
//!
//! * **Nothing is lost.** What gives one thing after the other ([`Body::chunk`], [`Listing::next`],
//!   [`Pipeline::next`]) goes on with the next call where it stopped.
//! * **The command is abandoned.** Of the command that a method of [`Session`] sends, nothing may have
//!   left, a part, or all. The next call sends what is left of a part, nothing is sent twice, and the
//!   reply is read and dropped, up to the session's drain limit. The command does what it does, and the
//!   session heeds it: a message that an abandoned DELE has marked is marked. A [`Body`], a [`Listing`]
//!   or a [`Pipeline`] that is dropped abandons what it waits for in the same way.
//! * **The connection is dropped.** What takes a [`Client`] or a [`Session`] by value takes the
//!   connection with it: connecting, logging in, QUIT. Nobody can tell how far it came.
//!
//! No drop reads, writes or waits. A deadline of the adapter's own ([`Deadlines`]) is no cancellation:
//! it ends the session with an error that says what was awaited, and every later call says that the
//! session is over. The time of a reply that is owed runs whether somebody waits for it or not, but
//! what has come meanwhile has come in time.
//!
//! # The runtime
//!
//! Deadlines need the timers of a tokio runtime (`enable_time`), and sockets its I/O (`enable_io`).
//!
//! # What is told
//!
//! With feature `tracing`, sessions and connections tell what those of `pop3_blocking` tell, under the same
//! targets. What a store or an authenticator tells by itself, on a blocking thread of the runtime, is not
//! within the connection's span.
//!
//! Everything that the protocol decides is decided in `pop3_proto`; here are streams and deadlines.
//! What is neither, as addresses and errors, is that of `pop3_blocking`.

mod body;
mod client;
mod clock;
mod connect;
mod driver;
mod listing;
mod pipeline;
#[cfg(feature = "server")]
pub mod server;
mod session;
#[cfg_attr(not(feature = "tls"), path = "tls_absent.rs")]
mod tls;
mod transport;

pub use body::Body;
pub use client::{Client, LoginError};
pub use connect::Builder;
pub use listing::{Items, Listing, ScanListings, UniqueIdListings};
pub use pipeline::{Outcome, Pipeline, Reply};
#[cfg(feature = "ntlm")]
pub use pop3_blocking::Ntlm;
#[cfg(feature = "tls")]
pub use pop3_blocking::Tls;
/// For a configuration of TLS of your own: see [`Tls`].
#[cfg(feature = "tls")]
pub use pop3_blocking::rustls;
pub use pop3_blocking::{
    Address, AddressError, Authentication, COLLECT_AHEAD, COLLECT_LIMIT, ChannelBindings,
    Deadlines, Error, QuitError, TlsError, TlsErrorKind,
};
pub use pop3_proto;
pub use session::Session;
