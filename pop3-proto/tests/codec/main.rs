//! The codec: lines and bodies, exhaustively where they are short, at random where they are long.

mod exhaustive;
mod lines;
mod random;
mod vectors;
