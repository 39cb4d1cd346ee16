//! POP3 as a pure state machine: octets pushed in, events pulled out.
//!
//! `pop3-proto` reads no socket, sleeps on no clock and draws no random number. It is for those who
//! embed POP3 in a mail client, a proxy or a test harness, who wrap it for a runtime, or who fuzz
//! it. To fetch or serve mail over `std::net`, use `pop3-blocking`.
//!
//! * [`codec`] — framing and grammar without buffers: offsets out, nothing copied.
//! * [`client::ClientSession`] — one session, seen from the client.
//! * [`server::ServerSession`] and [`server::Maildrop`] — one session, seen from the server.
//! * [`state`] — the one table about commands, which everything reads.
//! * The values at the root — what cannot be wrong once it is made.
//!
//! # The client's loop
//!
//! ```
//! use bytes::Buf as _;
//! use pop3_proto::client::{Channel, ClientConfig, ClientSession, Event, Security};
//! use pop3_proto::Command;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfig::new(Security::PlaintextAllowed);
//! let mut session = ClientSession::new(config, Channel::Clear);
//!
//! // What came from the network, in whatever pieces it came.
//! session.receive(b"+OK POP3 server ready\r\n");
//! assert!(matches!(session.poll_event()?, Some(Event::Greeting(_))));
//!
//! session.send(&Command::Capa)?;
//! let mut out = session.outgoing();
//! assert_eq!(out.chunk(), b"CAPA\r\n");
//! let written = out.remaining(); // what the socket really took
//! out.advance(written);
//! # Ok(())
//! # }
//! ```
//!
//! # Errors, by blame
//!
//! | type | whose fault | afterwards |
//! |---|---|---|
//! | [`client::ProtocolError`] | the server's | the session has failed for good |
//! | [`client::SendError`] | the caller's, or just too early | nothing changed |
//! | [`server::RespondError`] | the caller's, or just too early | nothing changed |
//! | [`server::ConfigError`] | the caller's | there is no session |
//! | [`CommandError`] | the client's, seen by a server | answered `-ERR` |
//! | [`InvalidValue`] | whoever made the value | there is no value |
//!
//! A server's `-ERR` is no error but a [`Response`].
//!
//! # Features
//!
//! * `std` (default): the scanners choose the widest vector instructions at run time. Nothing else.
//! * `zeroize`: credentials are wiped when they are dropped.
//! * `sasl`: the mechanisms of AUTH, both sides: PLAIN, LOGIN, XOAUTH2, OAUTHBEARER, EXTERNAL and
//!   ANONYMOUS. Brings `zeroize`.
//! * `md5`: CRAM-MD5, and the digest of APOP. Brings `sasl`.
//! * `scram`: SCRAM-SHA-1 and SCRAM-SHA-256, and their -PLUS. Brings `sasl`.

#![no_std]
#![deny(clippy::as_conversions)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod buffer;
pub mod client;
pub mod codec;
mod effort;
mod error;
mod escape;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "to panic where an invariant does not hold is what it is for"
)]
pub mod fuzzing;
mod leniency;
mod limits;
#[cfg(feature = "sasl")]
#[cfg_attr(docsrs, doc(cfg(feature = "sasl")))]
pub mod sasl;
pub mod server;
pub mod state;
mod value;

pub use error::{CommandError, InvalidValue};
pub use escape::Escaped;
pub use leniency::{Deviation, Deviations, Leniency};
pub use limits::{Limits, MAX_COMMAND_OCTETS, MAX_RESPONSE_OCTETS};
pub use value::{
    Advice, ApopDigest, ApopTimestamp, Base64, Capabilities, Capability, Command,
    CredentialProblem, Delegate, Delegation, DropListing, Expire, Expiry, Greeting,
    KnownCapability, KnownCode, LanguageListing, LanguageRange, LanguageTag, Levels, LoginDelay,
    Mailbox, MechanismName, Mechanisms, MessageNumber, Password, RawCommand, RawFraming, Response,
    ResponseCode, ScanListing, Secret, Status, Text, UniqueId, UniqueIdListing,
};
