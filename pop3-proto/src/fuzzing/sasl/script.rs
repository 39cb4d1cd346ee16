//! Who speaks with whom, and what is said, as one string of octets.
//!
//! Four octets make the exchange: the mechanism, who plays, the choices of both sides, and a back end out of order. Of one
//! side alone the rest is what its peer says, a message up to each 0xFF; 0x02 and a letter is what nobody could guess, such as
//! `\x02k` for the proof of SCRAM. Of both sides together the rest is what somebody between them does: to which message, what,
//! from which octet on, and octets.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::model;
use super::parties::{Bad, Bound, Kind, Offer, Setup};
use crate::sasl::ScramHash;

const MAX_MESSAGES: usize = 6;

pub(super) struct Script {
    pub(super) setup: Setup,
    pub(super) play: Play,
}

pub(super) enum Play {
    /// A client, and what it is told.
    Client(Vec<Vec<u8>>),
    /// An acceptor, and what it is told; AUTH comes without the first of it if the server `starts`.
    Server {
        starts: bool,
        messages: Vec<Vec<u8>>,
    },
    Together {
        starts: bool,
        alteration: Option<Alteration>,
    },
}

/// What somebody does to one message.
#[derive(Clone, Debug)]
pub(super) struct Alteration {
    /// How many messages go before it, of either side.
    pub(super) message: usize,
    how: u8,
    at: usize,
    octets: Vec<u8>,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (&[kind, play, choices, answers], rest) = data.split_first_chunk()?;
        let kind = match kind {
            b'P' => Kind::Plain,
            b'L' => Kind::Login,
            b'C' => Kind::CramMd5,
            b'x' => Kind::XOAuth2,
            b'o' => Kind::OAuthBearer,
            b'e' => Kind::External,
            b'a' => Kind::Anonymous,
            b's' => Kind::Scram(ScramHash::Sha1),
            _ => Kind::Scram(ScramHash::Sha256),
        };
        let bound = [Bound::Unsupported, Bound::NotOffered, Bound::Exporter, Bound::EndPoint];
        let offer = [Offer::WithoutPlus, Offer::BesidePlus, Offer::Exporter, Offer::Both];
        let bad = [Bad::Unavailable, Bad::Refused, Bad::OfAnotherKind, Bad::Empty, Bad::Token];
        let setup = Setup {
            kind,
            authorization: [None, Some("tim"), Some("shared"), Some("mallory")]
                [usize::from(choices & 3)],
            bound: bound[usize::from(choices >> 2 & 3)],
            offer: offer[usize::from(choices >> 4 & 3)],
            wrong: choices & 0x40 != 0,
            placed: choices & 0x80 != 0,
            iterations: NonZeroU32::new(if choices & 0x80 == 0 { 2 } else { 9 }).expect("not 0"),
            bad: (answers != b'0')
                .then(|| (usize::from(answers & 1), bad[usize::from(answers >> 1) % bad.len()])),
        };
        let messages = || {
            let messages = rest.split(|octet| *octet == 0xff).map(<[u8]>::to_vec);
            messages.take(MAX_MESSAGES).collect()
        };
        let play = match play {
            b'c' => Play::Client(messages()),
            b's' | b'S' => Play::Server { starts: play == b'S', messages: messages() },
            _ => Play::Together { starts: play == b'B', alteration: Alteration::read(rest) },
        };
        Some(Self { setup, play })
    }
}

impl Alteration {
    fn read(rest: &[u8]) -> Option<Self> {
        let (&[message, how, at], octets) = rest.split_first_chunk()?;
        let message = usize::from(message) % 8;
        Some(Self { message, how, at: at.into(), octets: octets.to_vec() })
    }

    /// What becomes of `message`; `before` is what the same side said before it.
    pub(super) fn alter(&self, message: &[u8], before: Option<&[u8]>) -> Vec<u8> {
        let (front, rest) = message.split_at(message.len().min(self.at));
        let (some, back) = rest.split_at(rest.len().min(self.octets.len()));
        match self.how {
            b'i' => [front, &self.octets, rest].concat(),
            b'd' => [front, back].concat(),
            b'r' => [front, &self.octets, back].concat(),
            b'u' => [front, some, some, back].concat(),
            b'c' => front.to_vec(),
            b'w' => self.octets.clone(),
            b'^' => {
                let flipped = some.iter().zip(&self.octets).map(|(octet, with)| octet ^ with);
                [front, &flipped.collect::<Vec<_>>(), back].concat()
            }
            // Said in clear, and said again.
            b'a' => before.unwrap_or_default().to_vec(),
            _ => message.to_vec(),
        }
    }
}

/// What a message stands for: 0x02 and a letter is what `said` makes of it.
pub(super) fn filled_in(message: &[u8], said: &model::Transcript<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = message.iter().copied();
    while let Some(octet) = rest.next() {
        match octet {
            2 => {
                let part = said.part(rest.next().unwrap_or(2), &octets);
                octets.extend_from_slice(&part);
            }
            _ => octets.push(octet),
        }
    }
    octets
}
