//! Framing and grammar: bufferless decoders that answer with offsets, and encoders.

mod line;
mod multiline;
mod scan;
mod stuff;
mod top;

pub use line::{LineDecoder, LineEnding, LineStep};
pub use multiline::{BodyStep, Decoded, MultilineDecoder};
pub use stuff::{MultilineEncoder, Stuff, WireOctets};
pub use top::TopLines;
