//! Whose turn it is.

use super::{Answer, Identity, Input, MechanismError, Question, Refusal, Step};
use crate::{Mailbox, Secret};

/// A client's exchange in which the client says one thing and then waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    Unsaid,
    Said,
    Failed,
}

impl Once {
    /// The message may leave, once.
    pub(super) fn say(&mut self) -> Result<(), MechanismError> {
        let fresh = *self == Self::Unsaid;
        *self = if fresh { Self::Said } else { Self::Failed };
        if fresh { Ok(()) } else { Err(MechanismError::Used) }
    }

    /// A challenge came.
    pub(super) fn challenged(&mut self) -> MechanismError {
        *self = Self::Failed;
        MechanismError::UnexpectedChallenge
    }

    pub(super) fn is_said(self) -> bool {
        self == Self::Said
    }
}

/// What is a mechanism's own on the server's side; [`step`] does the rest.
pub(super) trait Exchange {
    fn turn(&mut self) -> &mut Turn;

    /// The first challenge, if the server speaks first.
    fn opening(&mut self) -> Option<Secret> {
        None
    }

    /// The client said this.
    fn message(&mut self, message: &[u8]) -> Next;

    /// The back end said this to the question that the exchange asked last.
    fn answer(&mut self, answer: Answer) -> Next;

    /// The back end did not allow the identity.
    fn not_authorized(&mut self, answer: Answer) -> Next {
        refused(&answer)
    }
}

/// What an exchange wants next.
#[derive(Debug)]
pub(super) enum Next {
    Challenge(Secret),
    Ask(Question),
    /// The client is `authentication` and wants to be `authorization`.
    Identified {
        authentication: Mailbox,
        authorization: Option<Mailbox>,
    },
    Refused(Refusal),
}

/// What may come next on the server's side.
#[derive(Debug)]
pub(super) enum Turn {
    /// AUTH.
    Start,
    /// A line of the client.
    Client,
    /// An answer of the back end.
    BackEnd,
    /// The answer whether this identity is allowed.
    Authorizing(Identity),
    /// Nothing.
    Over,
}

/// One step of `exchange`. Whatever comes out of turn ends it.
pub(super) fn step(exchange: &mut impl Exchange, input: Input<'_>) -> Step {
    let turn = core::mem::replace(exchange.turn(), Turn::Over);
    let next = match (turn, input) {
        (Turn::Start, Input::Start) => {
            // RFC 4422 §3: a client that has the first word is asked for it.
            Next::Challenge(exchange.opening().unwrap_or_else(|| Secret::new([])))
        }
        (Turn::Start, Input::Initial(message)) => match exchange.opening() {
            Some(_) => Next::Refused(Refusal::InitialResponse),
            None => exchange.message(message),
        },
        (Turn::Client, Input::Response(message)) => exchange.message(message),
        (Turn::BackEnd, Input::Answer(answer)) => exchange.answer(answer),
        (Turn::Authorizing(identity), Input::Answer(Answer::Accepted)) => {
            return Step::Done(identity);
        }
        (Turn::Authorizing(_), Input::Answer(answer)) => exchange.not_authorized(answer),
        (_, Input::Answer(_)) => Next::Refused(Refusal::Unavailable),
        (_, _) => Next::Refused(Refusal::Malformed),
    };
    let (turn, step) = match next {
        Next::Challenge(challenge) => (Turn::Client, Step::Challenge(challenge)),
        Next::Ask(question) => (Turn::BackEnd, Step::Ask(question)),
        Next::Refused(refusal) => (Turn::Over, Step::Refused(refusal)),
        Next::Identified { authentication, authorization } => match authorization {
            Some(authorization) if authorization != authentication => (
                Turn::Authorizing(Identity::new(authentication.clone(), authorization.clone())),
                Step::Ask(Question::Authorize { authentication, authorization }),
            ),
            _ => (Turn::Over, Step::Done(Identity::new(authentication.clone(), authentication))),
        },
    };
    *exchange.turn() = turn;
    step
}

/// What an answer means that is none of those asked for.
pub(super) fn refused(answer: &Answer) -> Next {
    Next::Refused(match answer {
        Answer::Refused | Answer::TokenRefused(_) => Refusal::Credentials,
        _ => Refusal::Unavailable,
    })
}
