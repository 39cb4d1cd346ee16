//! What the benches share: corpora, the order of rows, limits to compare with, and sessions that talk in memory.

#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a bench whose rows are wrong has to end, and many a row is run for its time alone"
)]

pub mod client;
pub mod corpora;
pub mod drain;
pub mod fetch;
pub mod limits;
pub mod memory;
mod processor_time;
mod random;
pub mod replay;
pub mod rows;
pub mod server;
pub mod shapes;
