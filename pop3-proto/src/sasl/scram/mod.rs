//! SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and nothing that
//! travels is it.

mod binding;
mod client;
mod decoy;
mod keys;
mod message;
mod server;

pub use binding::{Binding, ChannelBinding};
pub use client::Scram;
pub use decoy::ScramDecoy;
pub use server::{ScramAcceptor, ScramOffer};
