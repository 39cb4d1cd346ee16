//! Which lines of the server answer which line of the client.

use std::collections::VecDeque;

use pop3_proto::Command;

use super::{Script, Step};

/// A line of the client and what the script has for an answer.
#[derive(Debug)]
pub(super) struct Turn {
    /// The line, without its end.
    pub(super) line: Vec<u8>,
    /// Its offset in what the client says.
    pub(super) at: usize,
    /// Its octets, with its end.
    pub(super) octets: usize,
    /// The reply, with its line ends; empty if the script has none.
    pub(super) reply: Vec<u8>,
}

/// A script as a server needs it: the greeting, and turn by turn what was said.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) greeting: Vec<u8>,
    pub(super) turns: VecDeque<Turn>,
}

impl Dialogue {
    /// `bare`: a line of the client may end by LF alone.
    pub(super) fn of(script: &Script, bare: bool) -> Self {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for entry in &script.entries {
            match &entry.step {
                Step::Client(octets) => client.extend_from_slice(octets),
                Step::Server(octets) => server.extend_from_slice(octets),
                _ => {}
            }
        }
        let mut replies = &server[..];
        let greeting = take(&mut replies, line_len(&server)).to_vec();
        let mut turns = VecDeque::new();
        let (mut at, mut exchange) = (0, false);
        for whole in lines(&client, bare) {
            let line = trim(whole).to_vec();
            let len = reply_len(&line, exchange, replies);
            let reply = take(&mut replies, len).to_vec();
            exchange = is_challenge(&line, &reply);
            turns.push_back(Turn { line, at, octets: whole.len(), reply });
            at += whole.len();
        }
        Self { greeting, turns }
    }
}

/// Octets of the reply to `line` at the start of `replies`.
pub(super) fn reply_len(line: &[u8], exchange: bool, replies: &[u8]) -> usize {
    let status = line_len(replies);
    let multiline = !exchange
        && replies.starts_with(b"+OK")
        && Command::parse(line).is_ok_and(|command| {
            command.lists_items() || matches!(command, Command::Retr(_) | Command::Top { .. })
        });
    if !multiline {
        return status;
    }
    let mut len = status;
    while let Some(rest) = replies.get(len..).filter(|rest| !rest.is_empty()) {
        len += line_len(rest);
        if rest.starts_with(b".\r\n") {
            break;
        }
    }
    len
}

/// Whether the reply to `line` goes on with an AUTH exchange: also where it is `+OK` before the client has said who it
/// is, which can be no end (MS-POP3 §2.2.1).
pub(super) fn is_challenge(line: &[u8], reply: &[u8]) -> bool {
    let begins = || matches!(Command::parse(line), Ok(Command::Auth { initial: None, .. }));
    reply.starts_with(b"+ ") || trim(reply) == b"+" || reply.starts_with(b"+OK") && begins()
}

fn lines(octets: &[u8], bare: bool) -> impl Iterator<Item = &[u8]> {
    let ends = move |line: &[u8]| line.ends_with(if bare { b"\n" } else { b"\r\n" });
    let mut rest = octets;
    std::iter::from_fn(move || {
        let len = (1..=rest.len()).find(|len| rest.get(..*len).is_some_and(ends));
        let len = len.or_else(|| (!rest.is_empty()).then_some(rest.len()))?;
        Some(take(&mut rest, len))
    })
}

fn line_len(octets: &[u8]) -> usize {
    octets.iter().position(|octet| *octet == b'\n').map_or(octets.len(), |at| at + 1)
}

fn take<'a>(octets: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = octets.split_at(len.min(octets.len()));
    *octets = rest;
    taken
}

/// A line without its end.
pub(super) fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
