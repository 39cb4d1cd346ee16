//! I3, T27: whatever a peer sends, announces or asks for, a session holds no more than its limits say, and allocates no
//! oftener than is stated here. Counted, in numbers that no honest peer comes near.

mod allocations;
mod client;
mod server;

#[path = "../support/ceiling.rs"]
mod ceiling;
#[path = "../server_support/mod.rs"]
mod server_support;
#[path = "../support/mod.rs"]
mod support;
