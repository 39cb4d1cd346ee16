//! The two buffers that a session owns: one for what comes in, one for what goes out.

mod input;
mod output;

pub(crate) use input::Input;
pub(crate) use output::Output;
