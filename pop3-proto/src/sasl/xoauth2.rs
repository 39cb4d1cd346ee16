//! XOAUTH2 (Google, Microsoft): a bearer token in one message.

use alloc::boxed::Box;

use super::octets::{joined, name};
use super::token::{Client, Server, bearer};
use super::turn::{Exchange, Next, Turn, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Refusal, Step, TokenFailure};
use crate::error::InvalidValue;
use crate::{MechanismName, Secret, Text};

/// XOAUTH2, client side: a user and a bearer token.
///
/// The first message waits for the empty challenge: Exchange Online takes it in no other way, and a
/// token seldom fits into a command line.
#[derive(Debug)]
pub struct XOAuth2 {
    user: Box<str>,
    client: Client,
}

impl XOAuth2 {
    /// Opens the maildrop of `user`, which may be a shared one, with `token`, which the caller has
    /// from its authorization server and keeps fresh.
    ///
    /// # Errors
    /// [`InvalidValue`] if the user is empty, longer than 255 octets or holds a control, or the
    /// token is empty or holds anything but printable ASCII without spaces.
    pub fn new(user: &str, token: Secret) -> Result<Self, InvalidValue> {
        Ok(Self { user: name(user)?, client: Client::new(token)? })
    }
}

impl Mechanism for XOAuth2 {
    fn name(&self) -> MechanismName {
        MechanismName::XOAUTH2
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        self.client.once.say()?;
        let token = self.client.token.expose();
        Ok(Some(joined(&[b"user=", self.user.as_bytes(), b"\x01auth=Bearer ", token, b"\x01\x01"])))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.client.respond(challenge, b"")
    }

    fn is_satisfied(&self) -> bool {
        self.client.once.is_said()
    }

    fn initial_response_in_command(&self) -> bool {
        false
    }

    fn exposes_secret(&self) -> bool {
        true
    }

    fn failure(&self) -> Option<&Text> {
        self.client.failure()
    }
}

/// XOAUTH2, server side. It asks [`Question::Token`](super::Question::Token), and
/// [`Question::Authorize`](super::Question::Authorize) if the token is not that user's.
#[derive(Debug)]
pub struct XOAuth2Acceptor {
    turn: Turn,
    server: Server,
}

impl XOAuth2Acceptor {
    /// One exchange; a client whose token is refused is told `failure`, unless the back end says
    /// otherwise.
    #[must_use]
    pub const fn new(failure: TokenFailure) -> Self {
        Self { turn: Turn::Start, server: Server::new(MechanismName::XOAUTH2, failure) }
    }
}

impl Acceptor for XOAuth2Acceptor {
    fn name(&self) -> MechanismName {
        self.server.mechanism()
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for XOAuth2Acceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn message(&mut self, message: &[u8]) -> Next {
        if self.server.is_over() {
            return Next::Refused(Refusal::Credentials);
        }
        match fields(message) {
            Some((user, token)) if name(user).is_ok() => self.server.ask(Some(user), token),
            _ => Next::Refused(Refusal::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Next {
        self.server.answer(answer)
    }

    fn not_authorized(&mut self, answer: Answer) -> Next {
        self.server.refuse(answer)
    }
}

/// `user=` user ^A `auth=Bearer ` token ^A ^A.
fn fields(message: &[u8]) -> Option<(&str, &str)> {
    let message = core::str::from_utf8(message).ok()?;
    let (user, credentials) =
        message.strip_prefix("user=")?.strip_suffix("\x01\x01")?.split_once("\x01auth=")?;
    Some((user, bearer(credentials)?))
}
