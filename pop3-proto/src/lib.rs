//! POP3 as a pure state machine.
#![no_std]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
pub mod codec;
