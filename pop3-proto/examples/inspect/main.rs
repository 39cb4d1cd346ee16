//! Paste a session, see what the core makes of it:
//! `cargo run -p pop3-proto --example inspect -- [--leniency PRESET] [--role client|server] [FILE]`.
//!
//! Read [`play`] first: it is the sessions and all that is printed; the transcripts of `tests/transcripts` are played
//! by it too. [`arguments`] is the command line.

mod arguments;
mod play;

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, HELP};
use play::{Cut, Script};

/// What is wrong with the command line or the script.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return print([HELP], ExitCode::SUCCESS),
        Err(error) => return refuse(&error),
    };
    let text = match read(arguments.file.as_deref()) {
        Ok(text) => text,
        Err(error) => return refuse(&error.to_string()),
    };
    let played = Script::read(&text)
        .and_then(|script| play::play(&script, arguments.role, &arguments.leniency, Cut::Lines));
    match played {
        Ok(run) => {
            let code = if run.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            print(run.lines.iter().map(|told| &told.text), code)
        }
        Err(error) => refuse(&error.to_string()),
    }
}

fn read(file: Option<&Path>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match file {
        Some(file) => File::open(file)?.read_to_end(&mut text)?,
        None => io::stdin().read_to_end(&mut text)?,
    };
    Ok(text)
}

/// Whoever closes its end of a pipe has seen enough.
fn print<S: AsRef<str>>(lines: impl IntoIterator<Item = S>, code: ExitCode) -> ExitCode {
    let mut out = io::stdout().lock();
    let _ = lines.into_iter().try_for_each(|line| writeln!(out, "{}", line.as_ref()));
    code
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("inspect: {error}");
    ExitCode::from(USAGE)
}
