//! PLAIN (RFC 4616): one message, the password in clear.

use alloc::boxed::Box;

use super::octets::{MAX_FIELD_OCTETS, checked, checked_text, joined, mailbox, name};
use super::turn::{Exchange, Next, Once, Turn, refused, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Question, Refusal, Step};
use crate::error::InvalidValue;
use crate::{Mailbox, MechanismName, Secret, Text};

/// PLAIN, client side (RFC 4616): both identities and the password, in clear.
///
/// ```
/// use pop3_proto::Secret;
/// use pop3_proto::sasl::{Mechanism as _, Plain};
/// let mut plain = Plain::new(None, "tim", Secret::new("tanstaaftanstaaf"))?;
/// let message = plain.initial_response()?.expect("PLAIN speaks first");
/// assert_eq!(message.expose(), b"\0tim\0tanstaaftanstaaf");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Plain {
    authorization: Option<Box<str>>,
    authentication: Box<str>,
    password: Secret,
    once: Once,
}

impl Plain {
    /// Logs in as `authentication`, to act for `authorization` if that is another. Both and the
    /// password should have been prepared as RFC 4013 says (RFC 4616 §2); ASCII is prepared already.
    ///
    /// # Errors
    /// [`InvalidValue`] if one of them is empty, longer than 255 octets or holds a control, or the
    /// password is not UTF-8.
    pub fn new(
        authorization: Option<&str>,
        authentication: &str,
        password: Secret,
    ) -> Result<Self, InvalidValue> {
        checked(password.expose(), |_| true)?;
        checked_text(password.expose())?;
        Ok(Self {
            authorization: authorization.map(name).transpose()?,
            authentication: name(authentication)?,
            password,
            once: Once::Unsaid,
        })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> MechanismName {
        MechanismName::PLAIN
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        self.once.say()?;
        let authorization = self.authorization.as_deref().unwrap_or_default();
        Ok(Some(joined(&[
            authorization.as_bytes(),
            b"\0",
            self.authentication.as_bytes(),
            b"\0",
            self.password.expose(),
        ])))
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        Err(self.once.challenged())
    }

    fn is_satisfied(&self) -> bool {
        self.once.is_said()
    }

    fn exposes_secret(&self) -> bool {
        true
    }

    fn failure(&self) -> Option<&Text> {
        None
    }
}

/// PLAIN, server side (RFC 4616). It asks [`Question::Verify`], and [`Question::Authorize`] for
/// another authorization identity.
#[derive(Debug)]
pub struct PlainAcceptor {
    turn: Turn,
    /// Who is being verified, and whose maildrop is wanted.
    names: Option<(Mailbox, Option<Mailbox>)>,
}

impl PlainAcceptor {
    /// One exchange.
    #[must_use]
    pub const fn new() -> Self {
        Self { turn: Turn::Start, names: None }
    }
}

impl Default for PlainAcceptor {
    fn default() -> Self {
        Self::new()
    }
}

impl Acceptor for PlainAcceptor {
    fn name(&self) -> MechanismName {
        MechanismName::PLAIN
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for PlainAcceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn message(&mut self, message: &[u8]) -> Next {
        let Some((authorization, authentication, password)) = fields(message) else {
            return Next::Refused(Refusal::Malformed);
        };
        // A name that no mailbox can have is nobody's.
        let authorization = match authorization {
            "" => None,
            name => match mailbox(name) {
                Some(mailbox) => Some(mailbox),
                None => return Next::Refused(Refusal::Credentials),
            },
        };
        let Some(mailbox) = mailbox(authentication) else {
            return Next::Refused(Refusal::Credentials);
        };
        self.names = Some((mailbox.clone(), authorization));
        Next::Ask(Question::Verify { mailbox, password: Secret::new(password) })
    }

    fn answer(&mut self, answer: Answer) -> Next {
        match (answer, self.names.take()) {
            (Answer::Accepted, Some((authentication, authorization))) => {
                Next::Identified { authentication, authorization }
            }
            (answer, _) => refused(&answer),
        }
    }
}

/// `[authzid] NUL authcid NUL passwd`, each of at most 255 octets (RFC 4616 §2).
fn fields(message: &[u8]) -> Option<(&str, &str, &str)> {
    let message = core::str::from_utf8(message).ok()?;
    let mut fields = message.split('\0');
    let (authorization, authentication, password) =
        (fields.next()?, fields.next()?, fields.next()?);
    let legal = |field: &str| {
        field.len() <= MAX_FIELD_OCTETS && !field.bytes().any(|octet| octet.is_ascii_control())
    };
    let whole = fields.next().is_none() && !authentication.is_empty() && !password.is_empty();
    (whole && legal(authorization) && legal(authentication) && legal(password)).then_some((
        authorization,
        authentication,
        password,
    ))
}
