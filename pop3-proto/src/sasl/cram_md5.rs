//! CRAM-MD5 (RFC 2195), and the digest of APOP (RFC 1939 §7), which is its ancestor.

use alloc::boxed::Box;
use alloc::vec::Vec;

use md5::{Digest as _, Md5};

use super::hash::{hmac, kept};
use super::octets::{checked_unbounded, joined, mailbox, name};
use super::turn::{Exchange, Next, Turn, refused, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Question, Refusal, Step};
use crate::error::InvalidValue;
use crate::{ApopDigest, ApopTimestamp, Mailbox, MechanismName, Secret, Text};

/// CRAM-MD5, client side (RFC 2195): a keyed digest of the server's challenge.
///
/// The password does not travel, but whoever reads the exchange can guess at it at leisure, and the
/// server is not verified: this is no substitute for TLS.
#[derive(Debug)]
pub struct CramMd5 {
    authentication: Box<str>,
    secret: Secret,
    due: Due,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Start,
    Digest,
    Nothing,
    Failed,
}

impl CramMd5 {
    /// Logs in as `authentication`.
    ///
    /// # Errors
    /// [`InvalidValue`] if the name is empty, longer than 255 octets or holds a control, or the
    /// secret is empty.
    pub fn new(authentication: &str, secret: Secret) -> Result<Self, InvalidValue> {
        checked_unbounded(secret.expose(), |_| true)?;
        Ok(Self { authentication: name(authentication)?, secret, due: Due::Start })
    }
}

impl Mechanism for CramMd5 {
    fn name(&self) -> MechanismName {
        MechanismName::CRAM_MD5
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        let fresh = self.due == Due::Start;
        self.due = if fresh { Due::Digest } else { Due::Failed };
        if fresh { Ok(None) } else { Err(MechanismError::Used) }
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        let due = self.due == Due::Digest;
        self.due = if due { Due::Nothing } else { Due::Failed };
        if !due {
            return Err(MechanismError::UnexpectedChallenge);
        }
        let digest = digest(&self.secret, challenge);
        Ok(joined(&[self.authentication.as_bytes(), b" ", digest.expose()]))
    }

    fn is_satisfied(&self) -> bool {
        self.due == Due::Nothing
    }

    fn exposes_secret(&self) -> bool {
        false
    }

    fn failure(&self) -> Option<&Text> {
        None
    }
}

/// CRAM-MD5, server side (RFC 2195). It asks [`Question::Secret`], and so needs the passwords
/// themselves.
#[derive(Debug)]
pub struct CramMd5Acceptor {
    turn: Turn,
    challenge: ApopTimestamp,
    claim: Option<(Mailbox, Secret)>,
}

impl CramMd5Acceptor {
    /// One exchange with this challenge, which must differ in every exchange and not be guessable
    /// (RFC 2195 §2).
    #[must_use]
    pub const fn new(challenge: ApopTimestamp) -> Self {
        Self { turn: Turn::Start, challenge, claim: None }
    }
}

impl Acceptor for CramMd5Acceptor {
    fn name(&self) -> MechanismName {
        MechanismName::CRAM_MD5
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for CramMd5Acceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn opening(&mut self) -> Option<Secret> {
        Some(Secret::new(self.challenge.as_str()))
    }

    fn message(&mut self, message: &[u8]) -> Next {
        // A name may hold spaces, a digest cannot.
        let Some((user, digest)) =
            core::str::from_utf8(message).ok().and_then(|message| message.rsplit_once(' '))
        else {
            return Next::Refused(Refusal::Malformed);
        };
        if name(user).is_err() || ApopDigest::new(digest).is_err() {
            return Next::Refused(Refusal::Malformed);
        }
        let Some(mailbox) = mailbox(user) else {
            return Next::Refused(Refusal::Credentials);
        };
        self.claim = Some((mailbox.clone(), Secret::new(digest)));
        Next::Ask(Question::Secret { mailbox })
    }

    fn answer(&mut self, answer: Answer) -> Next {
        // Nobody has an empty secret; for whom there is none, one is made up, and it takes as long.
        let (secret, known) = match answer {
            Answer::Secret(secret) => {
                let known = !secret.expose().is_empty();
                (secret, known)
            }
            Answer::Refused => (Secret::new("unknown"), false),
            answer => return refused(&answer),
        };
        let expected = digest(&secret, self.challenge.as_str().as_bytes());
        match self.claim.take() {
            Some((authentication, claimed)) if (claimed == expected) & known => {
                Next::Identified { authentication, authorization: None }
            }
            _ => Next::Refused(Refusal::Credentials),
        }
    }
}

/// HMAC-MD5 in lower-case hexadecimal (RFC 2195 §2).
fn digest(secret: &Secret, challenge: &[u8]) -> Secret {
    hexadecimal(hmac::<Md5>(secret.expose(), &[challenge]).expose())
}

/// MD5 of the timestamp and the secret, in lower-case hexadecimal (RFC 1939 §7).
pub(crate) fn apop(timestamp: &ApopTimestamp, secret: &Secret) -> Secret {
    let mut hash = Md5::new();
    hash.update(timestamp.as_str());
    hash.update(secret.expose());
    hexadecimal(kept(hash.finalize()).expose())
}

fn hexadecimal(octets: &[u8]) -> Secret {
    let mut digits = Vec::with_capacity(2 * octets.len());
    for nibble in octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]) {
        digits.push(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
    }
    Secret::new(digits)
}
