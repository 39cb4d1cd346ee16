//! LOGIN (draft-murchison-sasl-login): the name, then the password, each when asked.

use alloc::boxed::Box;

use super::octets::{checked, mailbox, name};
use super::turn::{Exchange, Next, Turn, refused, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Question, Refusal, Step};
use crate::error::InvalidValue;
use crate::{Mailbox, MechanismName, Secret, Text};

/// Characters of a name at most: the draft has fewer than 64 (draft-murchison-sasl-login-00 §2).
pub(crate) const MAX_NAME_CHARACTERS: usize = 63;

/// LOGIN, client side: the name and the password, in clear, whatever the two challenges say.
///
/// It has no specification but drafts, and PLAIN does the same in one message: LOGIN is for servers
/// that know nothing else.
#[derive(Debug)]
pub struct Login {
    authentication: Box<str>,
    password: Secret,
    due: Due,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Start,
    Name,
    Password,
    Nothing,
    Failed,
}

impl Login {
    /// Logs in as `authentication`.
    ///
    /// # Errors
    /// [`InvalidValue`] if one of them is empty, the name has more than 63 characters or holds a
    /// control, or the password is longer than 255 octets or holds NUL, CR or LF.
    pub fn new(authentication: &str, password: Secret) -> Result<Self, InvalidValue> {
        checked(password.expose(), is_password_octet)?;
        if authentication.chars().nth(MAX_NAME_CHARACTERS).is_some() {
            let (octets, limit) = (authentication.len(), MAX_NAME_CHARACTERS);
            return Err(InvalidValue::TooLong { octets, limit });
        }
        Ok(Self { authentication: name(authentication)?, password, due: Due::Start })
    }
}

fn is_password_octet(octet: u8) -> bool {
    !matches!(octet, 0 | b'\r' | b'\n')
}

impl Mechanism for Login {
    fn name(&self) -> MechanismName {
        MechanismName::LOGIN
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        let fresh = self.due == Due::Start;
        self.due = if fresh { Due::Name } else { Due::Failed };
        if fresh { Ok(None) } else { Err(MechanismError::Used) }
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        let (response, due) = match self.due {
            Due::Name => (Ok(Secret::new(self.authentication.as_bytes())), Due::Password),
            Due::Password => (Ok(self.password.clone()), Due::Nothing),
            _ => (Err(MechanismError::UnexpectedChallenge), Due::Failed),
        };
        self.due = due;
        response
    }

    fn is_satisfied(&self) -> bool {
        self.due == Due::Nothing
    }

    fn exposes_secret(&self) -> bool {
        true
    }

    fn failure(&self) -> Option<&Text> {
        None
    }
}

/// LOGIN, server side. It asks [`Question::Verify`].
///
/// Its challenges are `Username:` and `Password:`, since there are clients that want them so
/// (draft-murchison-sasl-login-00 §2.2). It takes longer names than a client may send (§2).
#[derive(Debug)]
pub struct LoginAcceptor {
    turn: Turn,
    said: Said,
}

#[derive(Debug)]
enum Said {
    Nothing,
    /// The name, if a mailbox can have it. Only after the password is anybody told.
    Name(Option<Mailbox>),
    Password(Mailbox),
}

impl LoginAcceptor {
    /// One exchange.
    #[must_use]
    pub const fn new() -> Self {
        Self { turn: Turn::Start, said: Said::Nothing }
    }
}

impl Default for LoginAcceptor {
    fn default() -> Self {
        Self::new()
    }
}

impl Acceptor for LoginAcceptor {
    fn name(&self) -> MechanismName {
        MechanismName::LOGIN
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for LoginAcceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn opening(&mut self) -> Option<Secret> {
        Some(Secret::new("Username:"))
    }

    fn message(&mut self, message: &[u8]) -> Next {
        match core::mem::replace(&mut self.said, Said::Nothing) {
            Said::Nothing => match core::str::from_utf8(message).map(|text| (text, name(text))) {
                Ok((text, Ok(_))) => {
                    self.said = Said::Name(mailbox(text));
                    Next::Challenge(Secret::new("Password:"))
                }
                _ => Next::Refused(Refusal::Malformed),
            },
            Said::Name(_) if checked(message, is_password_octet).is_err() => {
                Next::Refused(Refusal::Malformed)
            }
            Said::Name(Some(mailbox)) => {
                self.said = Said::Password(mailbox.clone());
                Next::Ask(Question::Verify { mailbox, password: Secret::new(message) })
            }
            Said::Name(None) => Next::Refused(Refusal::Credentials),
            Said::Password(_) => Next::Refused(Refusal::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Next {
        match (answer, core::mem::replace(&mut self.said, Said::Nothing)) {
            (Answer::Accepted, Said::Password(authentication)) => {
                Next::Identified { authentication, authorization: None }
            }
            (answer, _) => refused(&answer),
        }
    }
}
