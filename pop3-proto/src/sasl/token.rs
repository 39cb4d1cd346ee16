//! What XOAUTH2 and OAUTHBEARER have in common: a failure is told in a challenge of its own.

use super::octets::{self, mailbox};
use super::turn::{Next, Once, refused};
use super::{Answer, MechanismError, Question, Refusal, TokenFailure};
use crate::error::InvalidValue;
use crate::{Mailbox, MechanismName, Secret, Text};

/// A client's exchange: one message, and the server's reasons if it does not like it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) token: Secret,
    pub(super) once: Once,
    failure: Option<Text>,
}

impl Client {
    pub(super) fn new(token: Secret) -> Result<Self, InvalidValue> {
        octets::token(token.expose())?;
        Ok(Self { token, once: Once::Unsaid, failure: None })
    }

    /// Keeps the reasons, unless they tell the token; what to answer is `response`.
    pub(super) fn respond(
        &mut self,
        challenge: &[u8],
        response: &[u8],
    ) -> Result<Secret, MechanismError> {
        let due = self.once.is_said();
        let unexpected = self.once.challenged();
        if !due {
            return Err(unexpected);
        }
        let shown = match challenge.get(..Text::MAX_OCTETS).unwrap_or(challenge) {
            echo if self.token.is_told_by(echo) => b"(withheld: it echoes the token)",
            shown => shown,
        };
        self.failure = Some(Text::received(shown));
        Ok(Secret::new(response))
    }

    pub(super) fn failure(&self) -> Option<&Text> {
        self.failure.as_ref()
    }
}

/// A server's exchange, once the message is taken apart.
#[derive(Debug)]
pub(super) struct Server {
    mechanism: MechanismName,
    /// What is said of a token if the back end has nothing better.
    failure: TokenFailure,
    wanted: Option<Mailbox>,
    /// The failure is told; whatever the client says to it, it is refused.
    told: bool,
}

impl Server {
    pub(super) const fn new(mechanism: MechanismName, failure: TokenFailure) -> Self {
        Self { mechanism, failure, wanted: None, told: false }
    }

    pub(super) const fn mechanism(&self) -> MechanismName {
        self.mechanism
    }

    /// Whether the client's next message is the dummy after a failure.
    pub(super) const fn is_over(&self) -> bool {
        self.told
    }

    /// Asks whose token it is. A client that wants to know what token it needs sends none
    /// (RFC 7628 §4.3).
    pub(super) fn ask(&mut self, user: Option<&str>, token: &str) -> Next {
        self.wanted = user.and_then(mailbox);
        if token.is_empty() || (user.is_some() && self.wanted.is_none()) {
            return self.fail();
        }
        if octets::token(token.as_bytes()).is_err() {
            return Next::Refused(Refusal::Malformed);
        }
        Next::Ask(Question::Token {
            mechanism: self.mechanism,
            mailbox: self.wanted.clone(),
            token: Secret::new(token),
        })
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Next {
        match answer {
            Answer::Identified(authentication) => {
                Next::Identified { authentication, authorization: self.wanted.take() }
            }
            answer => self.refuse(answer),
        }
    }

    pub(super) fn refuse(&mut self, answer: Answer) -> Next {
        match answer {
            Answer::Refused => self.fail(),
            Answer::TokenRefused(failure) => {
                self.failure = failure;
                self.fail()
            }
            answer => refused(&answer),
        }
    }

    /// Tells of the failure (RFC 7628 §3.2.2).
    pub(super) fn fail(&mut self) -> Next {
        self.told = true;
        let schemes = (self.mechanism == MechanismName::XOAUTH2).then_some("Bearer");
        Next::Challenge(self.failure.challenge(schemes))
    }
}

/// The token of `Bearer <token>`, the scheme in any case (RFC 9110 §11.1); empty if there is none.
pub(super) fn bearer(credentials: &str) -> Option<&str> {
    if credentials.is_empty() {
        return Some("");
    }
    let (scheme, token) = credentials.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
