//! What a client does with a server, as one string of octets.
//!
//! Ten octets make the configuration, two say where the link is cut or where an attacker has a hand in it; then the next
//! two say how far on and how many octets, and those octets follow. The rest is what the client does, one letter each with an
//! argument of one octet where it needs one; NUL begins a message of the maildrop, the next NUL ends it.

use alloc::vec::Vec;

use crate::client::{Channel, ClientConfig, Eof, Pipelining, Security};
use crate::fuzzing::Sizes;
use crate::fuzzing::server::script::leniency;
use crate::fuzzing::store::Store;
use crate::server::ServerConfig;
use crate::{Command, Leniency, MessageNumber};

const MAX_MESSAGES: usize = 8;
/// Of one message.
const MAX_OCTETS: usize = 1 << 10;
const MAX_ACTS: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Send(Sent),
    /// Gives up the command that was taken last.
    Abandon,
    /// Bodies are read into a buffer from now on, of so many octets; polled if 0.
    Read(usize),
    /// All replies are in.
    Wait,
    ReleaseIdle,
}

/// [`Command`] without what cannot be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Stat,
    List(Option<MessageNumber>),
    Uidl(Option<MessageNumber>),
    Retr(MessageNumber),
    Top(MessageNumber, u64),
    Dele(MessageNumber),
    Noop,
    Rset,
    Capa,
    Quit,
}

impl Sent {
    pub(super) fn command(self) -> Command {
        match self {
            Self::Stat => Command::Stat,
            Self::List(message) => Command::List(message),
            Self::Uidl(message) => Command::Uidl(message),
            Self::Retr(message) => Command::Retr(message),
            Self::Top(message, lines) => Command::Top { message, lines },
            Self::Dele(message) => Command::Dele(message),
            Self::Noop => Command::Noop,
            Self::Rset => Command::Rset,
            Self::Capa => Command::Capa,
            Self::Quit => Command::Quit,
        }
    }
}

pub(super) struct Script {
    pub(super) client: ClientConfig,
    pub(super) server: ServerConfig,
    pub(super) channel: Channel,
    pub(super) up: Sizes,
    pub(super) down: Sizes,
    /// Of messages, and of what the store reads at a time.
    pub(super) parts: Sizes,
    pub(super) cut: Option<Cut>,
    pub(super) edit: Option<Edit>,
    /// Passwords that are wrong, before the right one.
    pub(super) wrong: usize,
    /// The server refuses to commit.
    pub(super) refuses: bool,
    pub(super) store: Store,
    pub(super) acts: Vec<Act>,
}

/// Where the link ends, in octets of one direction, and how.
#[derive(Clone, Copy, Debug)]
pub(in crate::fuzzing) struct Cut {
    pub(super) up: bool,
    pub(super) at: usize,
    pub(super) eof: Eof,
}

/// What an attacker does to one direction of the link.
#[derive(Clone, Debug)]
pub(in crate::fuzzing) struct Edit {
    pub(in crate::fuzzing) up: bool,
    /// Octets that pass before it.
    pub(super) at: usize,
    pub(super) kind: EditKind,
    pub(in crate::fuzzing) octets: Vec<u8>,
}

/// To as many octets as those of the edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fuzzing) enum EditKind {
    /// Those of the edit come before them.
    Insert,
    Delete,
    /// Those of the edit come in their place.
    Replace,
    /// They come twice.
    Duplicate,
}

impl Edit {
    /// Down in a small letter, up in a capital one.
    pub(in crate::fuzzing) fn read(how: u8, at: u8, rest: &[u8]) -> Option<(Self, &[u8])> {
        let kind = match how.to_ascii_lowercase() {
            b'i' => EditKind::Insert,
            b'd' => EditKind::Delete,
            b'r' => EditKind::Replace,
            b'u' => EditKind::Duplicate,
            _ => return None,
        };
        let (&[further, len], rest) = rest.split_first_chunk()?;
        let (octets, rest) = rest.split_at(rest.len().min(len.into()));
        let at = usize::from(at) + 256 * usize::from(further % 4);
        Some((Self { up: how.is_ascii_uppercase(), at, kind, octets: octets.to_vec() }, rest))
    }
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (&[preset, pipelining, block, queue, lines, messages, output, habits, up, down], rest) =
            data.split_first_chunk()?;
        let (&[how, at_octet], rest) = rest.split_first_chunk()?;
        let mut client = match preset {
            b'S' => ClientConfig::strict(Security::PlaintextAllowed),
            b'o' => ClientConfig {
                leniency: Leniency::outlook(),
                ..ClientConfig::new(Security::PlaintextAllowed)
            },
            _ => ClientConfig::new(Security::PlaintextAllowed),
        };
        client.pipelining = match pipelining {
            b'P' => Pipelining::Always,
            b'N' => Pipelining::Never,
            _ => Pipelining::Announced,
        };
        if block != b'0' {
            client.limits.status_line = crate::MAX_RESPONSE_OCTETS;
            client.limits.listing_line = 128;
            client.limits.input_block = usize::from(block);
        }
        if queue != b'0' {
            client.limits.in_flight = 1 + usize::from(queue % 16);
            client.limits.output = usize::from(queue);
        }
        let mut server = ServerConfig::new();
        server.plaintext = true;
        server.leniency = leniency(lines, messages);
        if output != b'0' {
            server.limits.output = usize::from(output) * 8;
            server.limits.command_line = crate::MAX_COMMAND_OCTETS;
            server.limits.input_block = usize::from(output);
        }
        let eof = if how & 2 == 0 { Eof::Clean } else { Eof::Abrupt };
        let at = usize::from(at_octet) + if how & 4 == 0 { 0 } else { 256 };
        let (edit, rest) = match Edit::read(how, at_octet, rest) {
            Some((edit, rest)) => (Some(edit), rest),
            None => (None, rest),
        };
        let cuts = how != b'0' && edit.is_none();
        let cut = cuts.then_some(Cut { up: how & 1 != 0, at, eof });
        let (acts, messages) = acts(rest);
        let store = Store::new(messages, server.leniency);
        Some(Self {
            client,
            server,
            channel: if habits & 8 == 0 { Channel::Clear } else { Channel::Tls },
            up: Sizes::new(up, up ^ habits),
            down: Sizes::new(down, down ^ habits),
            parts: Sizes::new(up ^ down, habits),
            cut,
            edit,
            wrong: usize::from(habits & 3).min(2),
            refuses: habits & 4 != 0,
            store,
            acts,
        })
    }
}

fn acts(script: &[u8]) -> (Vec<Act>, Vec<Vec<u8>>) {
    let (mut acts, mut messages) = (Vec::new(), Vec::<Vec<u8>>::new());
    let mut script = script.iter().copied();
    while let Some(name) = script.next() {
        if name == 0 {
            // A NUL cannot stand in a message here: 0x01 stands for it.
            let message = script.by_ref().take_while(|octet| *octet != 0);
            let mut message: Vec<_> =
                message.map(|octet| if octet == 1 { 0 } else { octet }).collect();
            message.truncate(MAX_OCTETS);
            if messages.len() < MAX_MESSAGES {
                messages.push(message);
            }
            continue;
        }
        if name == b'*' {
            // So many times the octets of the last message.
            let times = usize::from(script.next().unwrap_or(2));
            if let Some(last) = messages.last_mut().filter(|last| last.len() * times <= MAX_OCTETS)
            {
                *last = last.repeat(times);
            }
            continue;
        }
        let mut argument = || u32::from(script.next().unwrap_or(b'1'));
        let mut number = || MessageNumber::new(argument() % 16).unwrap_or(MessageNumber::FIRST);
        if acts.len() < MAX_ACTS {
            acts.push(match name {
                b's' => Act::Send(Sent::Stat),
                b'l' => Act::Send(Sent::List(None)),
                b'L' => Act::Send(Sent::List(Some(number()))),
                b'i' => Act::Send(Sent::Uidl(None)),
                b'I' => Act::Send(Sent::Uidl(Some(number()))),
                b'r' => Act::Send(Sent::Retr(number())),
                b't' => Act::Send(Sent::Top(number(), 0)),
                b'T' => Act::Send(Sent::Top(number(), 2)),
                b'd' => Act::Send(Sent::Dele(number())),
                b'n' => Act::Send(Sent::Noop),
                b'z' => Act::Send(Sent::Rset),
                b'c' => Act::Send(Sent::Capa),
                b'q' => Act::Send(Sent::Quit),
                b'A' => Act::Abandon,
                b'b' => Act::Read(usize::try_from(argument()).expect("an octet")),
                b'-' => Act::ReleaseIdle,
                _ => Act::Wait,
            });
        }
    }
    (acts, messages)
}
