//! SCRAM, server side.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::octets::{joined, mailbox};
use super::super::turn::{Exchange, Next, Turn, refused, step};
use super::super::{Acceptor, Answer, Input, Question, Refusal, ScramHash, ScramKeys, Step};
use super::keys::{exclusive_or, hmac, stored_key};
use super::message::{ClientFinal, ClientFirst, Flag, checked_nonce, demands_extension};
use super::{ChannelBinding, ScramDecoy};
use crate::error::InvalidValue;
use crate::{Base64, Mailbox, MechanismName, Secret};

/// Which mechanism the client named, and what else it was offered (RFC 5802 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is nothing else to offer (RFC 5802 §6)")]
pub enum ScramOffer {
    /// The mechanism, and the server does not offer its -PLUS.
    WithoutPlus,
    /// The mechanism, while the server offers its -PLUS too: a client that could bind channels and
    /// believes that the server cannot was lied to, and is refused.
    BesidePlus,
    /// The -PLUS: the client binds to one of these.
    Plus(Vec<ChannelBinding>),
}

/// SCRAM, server side (RFC 5802, RFC 7677). It asks [`Question::ScramKeys`], and
/// [`Question::Authorize`] for another authorization identity.
///
/// A client that fails is told `-ERR` and no more, which RFC 5802 §5.1 allows, unless it demands an
/// extension; an unknown user fails where a wrong password does.
#[derive(Debug)]
pub struct ScramAcceptor {
    turn: Turn,
    hash: ScramHash,
    nonce: Box<str>,
    decoy: ScramDecoy,
    offer: ScramOffer,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Start,
    /// The back end is asked for keys.
    Keys(Claim),
    /// The client's proof is due.
    Proof(Claim, Shown),
    /// The client has still to take note of the server's signature.
    Proven(Names),
    Over,
}

/// Who the client says it is, and how.
#[derive(Debug)]
struct Claim {
    names: Names,
    bare: Box<str>,
    /// The client's nonce and the server's.
    nonce: String,
    /// What `c=` has to be: the header, and the data of the channel.
    binding: Secret,
}

#[derive(Debug)]
struct Names {
    authentication: Mailbox,
    authorization: Option<Mailbox>,
}

/// What the server showed.
#[derive(Debug)]
struct Shown {
    keys: ScramKeys,
    /// Whether there is such a user.
    known: bool,
    message: Secret,
}

impl ScramAcceptor {
    /// One exchange. The nonce must be random and never used before: 18 octets of a good generator
    /// or more, in base64, are right.
    ///
    /// # Errors
    /// [`InvalidValue`] if the nonce is empty, longer than 255 octets or holds anything but
    /// printable ASCII without spaces and commas.
    pub fn new(
        hash: ScramHash,
        nonce: &str,
        decoy: ScramDecoy,
        offer: ScramOffer,
    ) -> Result<Self, InvalidValue> {
        checked_nonce(nonce)?;
        let (turn, stage) = (Turn::Start, Stage::Start);
        Ok(Self { turn, hash, nonce: nonce.into(), decoy, offer, stage })
    }

    fn first(&mut self, message: &[u8]) -> Next {
        if demands_extension(message) {
            // Whatever is answered to that is refused (RFC 5802 §5.1).
            return Next::Challenge(Secret::new("e=extensions-not-supported"));
        }
        let Some(first) = ClientFirst::parse(message) else {
            return Next::Refused(Refusal::Malformed);
        };
        let Some(data) = self.channel(&first.flag) else {
            return Next::Refused(Refusal::ChannelBinding);
        };
        let binding = joined(&[first.header.as_bytes(), data]);
        // A name that no mailbox can have is nobody's.
        let authorization = first.authorization.as_deref().map(mailbox);
        let (Some(authentication), None | Some(Some(_))) = (mailbox(&first.user), &authorization)
        else {
            return Next::Refused(Refusal::Credentials);
        };
        let question = Question::ScramKeys { mailbox: authentication.clone(), hash: self.hash };
        self.stage = Stage::Keys(Claim {
            names: Names { authentication, authorization: authorization.flatten() },
            bare: first.bare.into(),
            nonce: alloc::format!("{}{}", first.nonce, self.nonce),
            binding,
        });
        Next::Ask(question)
    }

    /// The data that the client has to know; `None` if its flag does not fit the offer.
    fn channel(&self, flag: &Flag<'_>) -> Option<&[u8]> {
        match (&self.offer, flag) {
            (ScramOffer::WithoutPlus | ScramOffer::BesidePlus, Flag::Unsupported)
            | (ScramOffer::WithoutPlus, Flag::NotOffered) => Some(&[]),
            (ScramOffer::Plus(bindings), Flag::Bound(name)) => {
                bindings.iter().find(|binding| binding.name() == *name).map(ChannelBinding::data)
            }
            _ => None,
        }
    }

    fn show(&mut self, claim: Claim, keys: ScramKeys, known: bool) -> Next {
        let salt = Base64::encode(keys.salt());
        let iterations = alloc::format!("{}", keys.iterations());
        let message = joined(&[
            b"r=",
            claim.nonce.as_bytes(),
            b",s=",
            salt.expose(),
            b",i=",
            iterations.as_bytes(),
        ]);
        self.stage = Stage::Proof(claim, Shown { keys, known, message: message.clone() });
        Next::Challenge(message)
    }

    fn verify(&mut self, claim: Claim, shown: &Shown, message: &[u8]) -> Next {
        let Some(last) = ClientFinal::parse(message).filter(|last| last.nonce == claim.nonce)
        else {
            return Next::Refused(Refusal::Malformed);
        };
        if last.binding != claim.binding {
            return Next::Refused(Refusal::ChannelBinding);
        }
        let message: [&[u8]; 5] = [
            claim.bare.as_bytes(),
            b",",
            shown.message.expose(),
            b",",
            last.without_proof.as_bytes(),
        ];
        let signature = hmac(self.hash, shown.keys.stored_key(), &message);
        let client_key = exclusive_or(&last.proof, &signature);
        let whole = last.proof.expose().len() == self.hash.octets();
        let proven = stored_key(self.hash, &client_key) == *shown.keys.stored_key();
        if !(whole & proven & shown.known) {
            return Next::Refused(Refusal::Credentials);
        }
        let signature = hmac(self.hash, shown.keys.server_key(), &message);
        self.stage = Stage::Proven(claim.names);
        Next::Challenge(joined(&[b"v=", Base64::encode(signature.expose()).expose()]))
    }
}

impl Acceptor for ScramAcceptor {
    fn name(&self) -> MechanismName {
        self.hash.mechanism(matches!(self.offer, ScramOffer::Plus(_)))
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for ScramAcceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn message(&mut self, message: &[u8]) -> Next {
        match core::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Start => self.first(message),
            Stage::Proof(claim, shown) => self.verify(claim, &shown, message),
            // The outcome carries no data, so the signature was a challenge (RFC 5034 §4).
            Stage::Proven(Names { authentication, authorization }) if message.is_empty() => {
                Next::Identified { authentication, authorization }
            }
            _ => Next::Refused(Refusal::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Next {
        match (answer, core::mem::replace(&mut self.stage, Stage::Over)) {
            (Answer::ScramKeys(keys), Stage::Keys(claim)) if keys.hash() == self.hash => {
                self.show(claim, keys, true)
            }
            (Answer::Refused, Stage::Keys(claim)) => {
                match self.decoy.keys(self.hash, &claim.names.authentication) {
                    Ok(keys) => self.show(claim, keys, false),
                    Err(_) => Next::Refused(Refusal::Unavailable),
                }
            }
            (answer, _) => refused(&answer),
        }
    }
}
