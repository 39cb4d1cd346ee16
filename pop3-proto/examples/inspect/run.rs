//! From a command line to an exit status.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::arguments::{Arguments, HELP};
use crate::play::{self, Cut, Script};

const SUCCESS: u8 = 0;
/// The peer broke the protocol.
const FAILURE: u8 = 1;
/// The command line or the script is bad.
const USAGE: u8 = 2;

/// Plays what the words of the command line say; the exit status.
pub(crate) fn run(
    words: impl Iterator<Item = OsString>,
    input: &mut dyn Read,
    out: &mut dyn Write,
    error: &mut dyn Write,
) -> u8 {
    // Whoever closes an end has seen enough.
    match inspect(words, input) {
        Ok((lines, status)) => {
            let _ = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
            status
        }
        Err(reason) => {
            let _ = writeln!(error, "inspect: {reason}");
            USAGE
        }
    }
}

fn inspect(
    words: impl Iterator<Item = OsString>,
    input: &mut dyn Read,
) -> Result<(Vec<String>, u8), String> {
    let Some(arguments) = Arguments::parse(words)? else {
        return Ok((vec![HELP.to_owned()], SUCCESS));
    };
    let text = read(arguments.file.as_deref(), input).map_err(|error| error.to_string())?;
    let run = Script::read(&text)
        .and_then(|script| play::play(&script, arguments.role, &arguments.leniency, Cut::Lines))
        .map_err(|error| error.to_string())?;
    let status = if run.failed { FAILURE } else { SUCCESS };
    Ok((run.lines.into_iter().map(|told| told.text).collect(), status))
}

fn read(file: Option<&Path>, input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match file {
        Some(file) => File::open(file)?.read_to_end(&mut text)?,
        None => input.read_to_end(&mut text)?,
    };
    Ok(text)
}
