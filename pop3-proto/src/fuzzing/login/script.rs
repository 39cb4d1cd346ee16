//! Who logs in where, and what the server says, as one string of octets.
//!
//! Ten octets make the configuration: who plays, the preset, the policy, the channel, STLS, the choice, the credentials, what
//! the caller adds to them, and two for the sizes of reads. Of a server that says anything the rest is what it says; NUL and a
//! letter is what happens at that point. `\0|` ends what it says before the client's next line leaves. Of both sides together
//! the rest is what the server offers, how the link cuts octets, and what somebody does who alters them.

use alloc::vec::Vec;

use super::setup::Setup;
use crate::client::Eof;
use crate::fuzzing::Sizes;
use crate::fuzzing::pair::script::Edit;
use crate::fuzzing::script::{Directive, Step, steps};

#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The client's lines leave.
    Rest,
    TlsEstablished,
    /// The handshake fails.
    NoTls,
    TimeOut,
    Eof(Eof),
    /// The first message of SCRAM.
    First,
    /// The last one, with the signature that is right or another.
    Last {
        right: bool,
    },
}

pub(super) struct Script {
    pub(super) setup: Setup,
    pub(super) seed: [u8; 2],
    pub(super) play: Play,
}

pub(super) enum Play {
    Alone(Vec<Step<Act>>),
    Together(Server),
}

/// What a server offers, and who is between.
pub(super) struct Server {
    /// A bit for each mechanism that is known.
    pub(super) mechanisms: u16,
    pub(super) offers: u8,
    pub(super) up: Sizes,
    pub(super) down: Sizes,
    pub(super) edit: Option<Edit>,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (&[play, rest @ ..], script): (&[u8; 10], _) = data.split_first_chunk()?;
        let [preset, security, channel, stls, choice, who, more, small, large] = rest;
        let mut setup = Setup::read([preset, security, channel, stls, choice, who, more]);
        let play = match play {
            b'T' => {
                // What a server does not announce it does not take.
                setup.config.send_policy.unannounced_utf8 = false;
                Play::Together(Server::read(script)?)
            }
            _ => Play::Alone(steps(script, act)),
        };
        Some(Self { setup, seed: [small, large], play })
    }
}

impl Server {
    fn read(data: &[u8]) -> Option<Self> {
        let (&[low, high, offers, up, down], rest) = data.split_first_chunk()?;
        let edit =
            rest.split_first_chunk().and_then(|(&[how, at], rest)| Edit::read(how, at, rest));
        Some(Self {
            mechanisms: u16::from_le_bytes([low, high]),
            offers,
            up: Sizes::new(up, down),
            down: Sizes::new(down, up),
            edit: edit.map(|(edit, _)| edit),
        })
    }
}

fn act(script: &mut dyn Iterator<Item = u8>) -> Directive<Act> {
    Directive::Act(match script.next().unwrap_or(b'|') {
        0 => return Directive::Nul,
        b'*' => return Directive::Repeat(script.next().unwrap_or(2).into()),
        b'V' => Act::TlsEstablished,
        b'N' => Act::NoTls,
        b'T' => Act::TimeOut,
        b'E' => Act::Eof(Eof::Clean),
        b'e' => Act::Eof(Eof::Abrupt),
        b'f' => Act::First,
        b'v' => Act::Last { right: true },
        b'w' => Act::Last { right: false },
        _ => Act::Rest,
    })
}
