//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::play::{Forgiven, Role};

pub(crate) const HELP: &str = "\
Plays a session and prints what the core makes of it, one event a line.

inspect [--leniency PRESET[,SWITCH]...] [--role client|server] [FILE]

  --leniency  strict, tolerant (default) or outlook; switches of Leniency and ServerLeniency may follow
  --role      client (default): the C lines are what our client is to send, the S lines are received
              server: the C lines are received, the S lines are what our server is to answer
  FILE        the script; without it, what stands on the standard input

A script has one of these on each line:
  C: TEXT     a line of the client; CRLF is added
  S: TEXT     a line of the server; CRLF is added
  TLS         TLS begins; as the first line, it carries the session from the start
  EOF         the peer's input ends
  # TEXT      nothing, and so is an empty line; > TEXT and < TEXT are for the tests
In TEXT, \\r \\n \\t \\xNN and \\\\ are octets, \\N{TEXT} is TEXT N times; behind a \\ at its end no CRLF is
added.

Exit status: 0; 1 if the peer broke the protocol, which the last line tells; 2 for a bad command line
or script.";

pub(crate) struct Arguments {
    pub(crate) role: Role,
    pub(crate) leniency: Forgiven,
    pub(crate) file: Option<PathBuf>,
}

impl Arguments {
    /// `None`: only help is wanted.
    pub(crate) fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut arguments = Self { role: Role::Client, leniency: Forgiven::default(), file: None };
        let mut options = true;
        while let Some(word) = words.next() {
            let option = word.to_str().filter(|word| options && word.starts_with("--"));
            let (name, value) = match option.map(|option| option.split_once('=')) {
                Some(Some((name, value))) => (Some(name), Some(value.to_owned())),
                _ => (option, None),
            };
            let mut value = |name| match value.clone() {
                Some(value) => Ok(value),
                None => words
                    .next()
                    .and_then(|value| value.into_string().ok())
                    .ok_or_else(|| format!("{name} wants a value; see --help")),
            };
            match name {
                Some("--leniency") => arguments.leniency = Forgiven::parse(&value("--leniency")?)?,
                Some("--role") => arguments.role = Role::parse(&value("--role")?)?,
                Some("--help") => return Ok(None),
                Some("--") => options = false,
                Some(name) => return Err(format!("no such option: {name}; see --help")),
                None if arguments.file.is_none() => arguments.file = Some(word.into()),
                None => return Err("more than one file; see --help".to_owned()),
            }
        }
        Ok(Some(arguments))
    }
}
