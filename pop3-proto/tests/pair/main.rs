//! Client against server, in memory: sessions at random over links that fragment, stall and break, and every short one.

mod product;
mod sessions;
mod support;

#[path = "../server_support/mod.rs"]
mod server_support;
