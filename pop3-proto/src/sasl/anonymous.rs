//! ANONYMOUS (RFC 4505): nobody in particular.

use alloc::boxed::Box;

use super::turn::{Exchange, Next, Once, Turn, refused, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Question, Refusal, Step};
use crate::error::InvalidValue;
use crate::{MechanismName, Secret, Text};

/// Characters of a trace at most (RFC 4505 §2).
const MAX_TRACE_CHARACTERS: usize = 255;

/// ANONYMOUS, client side (RFC 4505): a trace of who is there, or none.
#[derive(Debug)]
pub struct Anonymous {
    trace: Box<str>,
    once: Once,
}

impl Anonymous {
    /// Leaves this trace, which may be empty. A mail address belongs there only with its owner's
    /// permission (RFC 4505 §2).
    ///
    /// # Errors
    /// [`InvalidValue`] if it has more than 255 characters or holds a control.
    pub fn new(trace: &str) -> Result<Self, InvalidValue> {
        checked(trace)?;
        Ok(Self { trace: trace.into(), once: Once::Unsaid })
    }
}

fn checked(trace: &str) -> Result<(), InvalidValue> {
    if trace.chars().nth(MAX_TRACE_CHARACTERS).is_some() {
        return Err(InvalidValue::TooLong { octets: trace.len(), limit: MAX_TRACE_CHARACTERS });
    }
    match trace.bytes().position(|octet| octet.is_ascii_control()) {
        Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
        None => Ok(()),
    }
}

impl Mechanism for Anonymous {
    fn name(&self) -> MechanismName {
        MechanismName::ANONYMOUS
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        self.once.say()?;
        Ok(Some(Secret::new(self.trace.as_bytes())))
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

/// ANONYMOUS, server side (RFC 4505). It asks [`Question::Anonymous`]. Nothing offers it unless the
/// caller does (RFC 4505 §5).
#[derive(Debug)]
pub struct AnonymousAcceptor {
    turn: Turn,
}

impl AnonymousAcceptor {
    /// One exchange.
    #[must_use]
    pub const fn new() -> Self {
        Self { turn: Turn::Start }
    }
}

impl Default for AnonymousAcceptor {
    fn default() -> Self {
        Self::new()
    }
}

impl Acceptor for AnonymousAcceptor {
    fn name(&self) -> MechanismName {
        MechanismName::ANONYMOUS
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for AnonymousAcceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn message(&mut self, message: &[u8]) -> Next {
        match core::str::from_utf8(message).map(checked) {
            Ok(Ok(())) => Next::Ask(Question::Anonymous { trace: Text::received(message) }),
            _ => Next::Refused(Refusal::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Next {
        match answer {
            Answer::Identified(authentication) => {
                Next::Identified { authentication, authorization: None }
            }
            answer => refused(&answer),
        }
    }
}
