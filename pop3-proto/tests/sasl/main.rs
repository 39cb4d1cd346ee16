//! The mechanisms of AUTH: by themselves, against their own other side, and conducted by a session.

#![cfg(all(feature = "md5", feature = "scram"))]

mod authenticate;
mod exchanges;
mod malformed;
mod secrets;
mod sessions;
mod vectors;

#[path = "../sasl_support/mod.rs"]
mod sasl_support;
#[path = "../server_support/mod.rs"]
mod server_support;
#[path = "../support/mod.rs"]
mod support;
