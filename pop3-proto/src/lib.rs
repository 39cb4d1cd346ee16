//! POP3 as a pure state machine.
#![no_std]
extern crate alloc;
pub mod codec;
