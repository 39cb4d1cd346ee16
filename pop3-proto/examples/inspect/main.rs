//! Paste a session, see what the core makes of it:
//! `cargo run -p pop3-proto --example inspect -- [--leniency PRESET] [--role client|server] [FILE]`.
//!
//! Read [`play`] first: it is the sessions and all that is printed, and what plays the transcripts of
//! `tests/transcripts` too. [`arguments`] is the command line, [`run`] what comes between.

mod arguments;
mod play;
mod run;

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1);
    run::run(words, &mut io::stdin(), &mut io::stdout().lock(), &mut io::stderr()).into()
}
