//! What a script says.

use std::fmt;

use super::Role;
use super::octets::{expand, unescape};

/// A script, line by line.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) entries: Vec<Entry>,
}

/// What a line of a script says; comments and empty lines say nothing.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The number of the line.
    pub(crate) line: usize,
    pub(crate) step: Step,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The client says this.
    Client(Vec<u8>),
    /// The server says this.
    Server(Vec<u8>),
    /// TLS begins.
    Tls,
    /// The peer's input ends.
    Eof,
    /// What a session of this role is expected to tell here.
    #[allow(dead_code, reason = "the tests compare it")]
    Told(Role, String),
}

/// A script that cannot be played.
#[derive(Debug)]
pub(crate) struct BadScript {
    line: usize,
    reason: String,
}

impl BadScript {
    pub(super) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

impl fmt::Display for BadScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl Script {
    pub(crate) fn read(text: &[u8]) -> Result<Self, BadScript> {
        let mut entries = Vec::new();
        for (number, line) in (1..).zip(text.split(|octet| *octet == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let step = step(line).map_err(|reason| BadScript::new(number, reason))?;
            entries.extend(step.map(|step| Entry { line: number, step }));
        }
        Ok(Self { entries })
    }
}

fn step(line: &[u8]) -> Result<Option<Step>, String> {
    Ok(Some(match line {
        [] | [b'#', ..] => return Ok(None),
        b"TLS" => Step::Tls,
        b"EOF" => Step::Eof,
        [b'C', b':', text @ ..] => Step::Client(said(text)?),
        [b'S', b':', text @ ..] => Step::Server(said(text)?),
        [b'>', b' ', text @ ..] => Step::Told(Role::Client, told(text)?),
        [b'<', b' ', text @ ..] => Step::Told(Role::Server, told(text)?),
        _ => return Err("neither C:, S:, TLS, EOF nor a comment".to_owned()),
    }))
}

fn said(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = match text {
        [] => text,
        [b' ', text @ ..] => text,
        _ => return Err("a space is due behind the colon".to_owned()),
    };
    let (mut octets, ended) = unescape(text)?;
    if ended {
        octets.extend_from_slice(b"\r\n");
    }
    Ok(octets)
}

fn told(text: &[u8]) -> Result<String, String> {
    String::from_utf8(expand(text)?).map_err(|_| "not UTF-8".to_owned())
}
