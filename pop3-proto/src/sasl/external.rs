//! EXTERNAL (RFC 4422 appendix A): who it is, the channel says.

use alloc::boxed::Box;

use super::octets::{mailbox, name};
use super::turn::{Exchange, Next, Once, Turn, refused, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Question, Refusal, Step};
use crate::error::InvalidValue;
use crate::{Mailbox, MechanismName, Secret, Text};

/// EXTERNAL, client side (RFC 4422 appendix A): the certificate that the client showed in TLS is
/// all that it needs.
#[derive(Debug)]
pub struct External {
    authorization: Option<Box<str>>,
    once: Once,
}

impl External {
    /// Logs in as whoever the certificate names, to act for `authorization` if that is another.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty, longer than 255 octets or holds a control.
    pub fn new(authorization: Option<&str>) -> Result<Self, InvalidValue> {
        Ok(Self { authorization: authorization.map(name).transpose()?, once: Once::Unsaid })
    }
}

impl Mechanism for External {
    fn name(&self) -> MechanismName {
        MechanismName::EXTERNAL
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        self.once.say()?;
        Ok(Some(Secret::new(self.authorization.as_deref().unwrap_or_default().as_bytes())))
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        Err(self.once.challenged())
    }

    fn is_satisfied(&self) -> bool {
        self.once.is_said()
    }

    fn exposes_secret(&self) -> bool {
        false
    }

    fn failure(&self) -> Option<&Text> {
        None
    }
}

/// EXTERNAL, server side (RFC 4422 appendix A). It asks [`Question::External`]: who the client is,
/// nothing that the client sends can say.
#[derive(Debug)]
pub struct ExternalAcceptor {
    turn: Turn,
    authorization: Option<Mailbox>,
}

impl ExternalAcceptor {
    /// One exchange.
    #[must_use]
    pub const fn new() -> Self {
        Self { turn: Turn::Start, authorization: None }
    }
}

impl Default for ExternalAcceptor {
    fn default() -> Self {
        Self::new()
    }
}

impl Acceptor for ExternalAcceptor {
    fn name(&self) -> MechanismName {
        MechanismName::EXTERNAL
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for ExternalAcceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn message(&mut self, message: &[u8]) -> Next {
        if !message.is_empty() {
            match core::str::from_utf8(message).map(|text| (text, name(text))) {
                Ok((text, Ok(_))) => match mailbox(text) {
                    Some(mailbox) => self.authorization = Some(mailbox),
                    None => return Next::Refused(Refusal::Credentials),
                },
                _ => return Next::Refused(Refusal::Malformed),
            }
        }
        Next::Ask(Question::External { authorization: self.authorization.clone() })
    }

    fn answer(&mut self, answer: Answer) -> Next {
        match answer {
            Answer::Identified(authentication) => {
                Next::Identified { authentication, authorization: self.authorization.take() }
            }
            answer => refused(&answer),
        }
    }
}
