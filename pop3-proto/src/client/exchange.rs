//! AUTH exchanges: challenges in, responses out, until a status line ends them (RFC 5034 §4).

#[cfg(feature = "sasl")]
use alloc::boxed::Box;

use super::receive::Step;
use super::reply::Progress;
use super::{CancelReason, ClientSession, CommandId, Event, ProtocolError, SendError};
use crate::Base64;
use crate::codec::{self, Continuation};
use crate::leniency::Deviations;
use crate::state::State;
#[cfg(feature = "sasl")]
use crate::{Command, MAX_COMMAND_OCTETS, Secret, sasl::Mechanism};

/// The exchange of the AUTH command in flight.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// What the client says first went with AUTH.
    initial_sent: bool,
    /// Challenges so far.
    rounds: u32,
    /// `*` was sent.
    cancelled: bool,
    /// What the server said of a failure was shown.
    #[cfg(feature = "sasl")]
    failure_shown: bool,
    /// Who answers challenges; the caller, if there is none.
    #[cfg(feature = "sasl")]
    mechanism: Option<Conductor>,
}

/// A mechanism, and what it says first if that has not been said.
#[cfg(feature = "sasl")]
#[derive(Debug)]
struct Conductor {
    mechanism: Box<dyn Mechanism>,
    initial: Option<Secret>,
}

impl Exchange {
    pub(super) fn new(initial_sent: bool) -> Self {
        Self { initial_sent, ..Self::default() }
    }

    /// Whether a positive status line may count: both sides have said what they have to say.
    pub(super) fn check_success(&self) -> Result<(), ProtocolError> {
        if self.cancelled {
            return Err(ProtocolError::NotCancelled);
        }
        #[cfg(feature = "sasl")]
        let satisfied = self.mechanism.as_ref().is_none_or(|conductor| {
            conductor.initial.is_none() && conductor.mechanism.is_satisfied()
        });
        #[cfg(not(feature = "sasl"))]
        let satisfied = true;
        // Without a word of the client nobody can have been authenticated (RFC 4422 §3).
        if satisfied && (self.initial_sent || self.rounds > 0) {
            Ok(())
        } else {
            Err(ProtocolError::ServerNotVerified)
        }
    }
}

/// What a challenge is answered with.
enum Answer {
    /// The caller is to say.
    #[cfg_attr(feature = "sasl", allow(dead_code, reason = "without `sasl` it is the one way"))]
    Caller(Base64),
    /// The mechanism has said.
    #[cfg(feature = "sasl")]
    Response(Base64),
    /// `None` if the caller wants to hear no more of it.
    Cancel(Option<CancelReason>),
}

impl ClientSession {
    /// Begins AUTH with a mechanism that answers challenges by itself, inside
    /// [`ClientSession::poll_event`]; no [`Event::Challenge`] comes (RFC 5034 §4).
    ///
    /// What the mechanism says first goes with the AUTH line if the server announced SASL, the line
    /// keeps within 255 octets and the mechanism does not want it otherwise; else it answers the
    /// empty challenge. `+OK` counts only once [`Mechanism::is_satisfied`].
    ///
    /// # Errors
    /// As [`ClientSession::send`]; [`SendError::Mechanism`] if the mechanism cannot begin.
    #[cfg(feature = "sasl")]
    pub fn authenticate(
        &mut self,
        mut mechanism: Box<dyn Mechanism>,
    ) -> Result<CommandId, SendError> {
        let name = mechanism.name();
        let plain = Command::Auth { mechanism: name, initial: None };
        self.check(&plain)?;
        let initial = mechanism.initial_response().map_err(SendError::Mechanism)?;
        let announced = self.capabilities.as_ref().is_some_and(|list| list.find("SASL").is_some());
        let command = match &initial {
            Some(response) if announced && mechanism.initial_response_in_command() => {
                Command::Auth { mechanism: name, initial: Some(Base64::encode(response.expose())) }
            }
            _ => plain.clone(),
        };
        let in_command = command != plain && command.octets() <= MAX_COMMAND_OCTETS;
        let id = self.send(if in_command { &command } else { &plain })?;
        if let Some(exchange) = &mut self.exchange {
            let initial = initial.filter(|_| !in_command);
            exchange.mechanism = Some(Conductor { mechanism, initial });
        }
        Ok(id)
    }

    /// Answers the [`Event::Challenge`] that came last.
    ///
    /// # Errors
    /// [`SendError::NoChallenge`] if none waits; [`SendError::TooLong`] beyond
    /// [`Limits::sasl_line`](crate::Limits::sasl_line), and [`SendError::Over`] once the session is.
    pub fn answer(&mut self, response: &Base64) -> Result<(), SendError> {
        self.check_challenge()?;
        let octets = response.expose().len() + "\r\n".len();
        let limit = self.config.limits.sasl_line;
        if octets > limit {
            return Err(SendError::TooLong { octets, limit });
        }
        self.put_response(response.expose());
        Ok(())
    }

    /// Gives the exchange up with `*` instead of a response to the [`Event::Challenge`] that came last;
    /// the server's `-ERR` ends the command. To give up at any moment, see
    /// [`ClientSession::abandon`].
    ///
    /// # Errors
    /// [`SendError::NoChallenge`] if none waits, [`SendError::Over`] once the session is.
    pub fn cancel_auth(&mut self) -> Result<(), SendError> {
        self.check_challenge()?;
        self.put_cancel();
        Ok(())
    }

    pub(super) fn check_challenge(&self) -> Result<(), SendError> {
        match (self.state, &self.progress) {
            (State::Closed | State::Failed, _) => Err(SendError::Over),
            _ if self.farewell.is_some() || self.eof.is_some() => Err(SendError::Over),
            (_, Progress::Answer) => Ok(()),
            _ => Err(SendError::NoChallenge),
        }
    }

    /// Reads a line that is a challenge; `None` if it is a status line, which is left where it is.
    pub(super) fn read_challenge(&mut self) -> Result<Option<Step>, ProtocolError> {
        let limit = self.config.limits.sasl_line.max(self.config.limits.status_line);
        let Some((len, consumed)) = self.frame(self.head(), limit)? else {
            return Ok(Some(Step::NeedMore));
        };
        let (Some(head), Some(exchange)) = (self.in_flight.front(), &mut self.exchange) else {
            return Ok(None);
        };
        let (id, abandoned) = (head.id, head.abandoned);
        let first = exchange.rounds == 0 && !exchange.initial_sent && !exchange.cancelled;
        let line = self.input.pending().get(..len).unwrap_or_default();
        let (challenge, deviations) = match codec::continuation(line, &self.config.leniency, first)
        {
            Ok(parsed) => match parsed.value {
                Continuation::Response => return Ok(None),
                Continuation::Challenge(text) => (Base64::received(text).ok(), parsed.deviations),
            },
            Err(_) => (None, Deviations::NONE),
        };
        if exchange.cancelled {
            return Err(ProtocolError::NotCancelled);
        }
        let limit = self.config.limits.sasl_line;
        if consumed > limit {
            return Err(ProtocolError::LineTooLong { limit });
        }
        exchange.rounds = exchange.rounds.saturating_add(1);
        let answer = if abandoned {
            Answer::Cancel(None)
        } else if exchange.rounds > self.config.limits.sasl_rounds {
            Answer::Cancel(Some(CancelReason::TooManyRounds))
        } else {
            match challenge {
                Some(challenge) => exchange.answer(challenge)?,
                None => Answer::Cancel(Some(CancelReason::MalformedChallenge)),
            }
        };
        self.input.consume_wiped(consumed);
        self.report(Some(id), deviations);
        self.report_failure(id);
        match answer {
            Answer::Caller(challenge) => {
                self.progress = Progress::Answer;
                self.events.push_back(Event::Challenge { id, challenge });
            }
            #[cfg(feature = "sasl")]
            Answer::Response(response) => self.put_response(response.expose()),
            Answer::Cancel(reason) => {
                self.put_cancel();
                self.events.extend(reason.map(|reason| Event::Cancelled { id, reason }));
            }
        }
        Ok(Some(Step::Again))
    }

    /// Shows what the server said of a failure, once.
    #[cfg(feature = "sasl")]
    fn report_failure(&mut self, id: CommandId) {
        let Some(exchange) = &mut self.exchange else { return };
        let failure = exchange.mechanism.as_ref().and_then(|of| of.mechanism.failure());
        if let Some(detail) = failure.filter(|_| !exchange.failure_shown) {
            exchange.failure_shown = true;
            self.events.push_back(Event::FailureDetail { id, detail: detail.clone() });
        }
    }

    #[cfg(not(feature = "sasl"))]
    #[expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "a mechanism may say")]
    const fn report_failure(&mut self, _: CommandId) {}

    pub(super) fn put_cancel(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.cancelled = true;
        }
        self.put_response(b"*");
    }

    /// Queues a line of the exchange; what answers it can come only after it has left.
    fn put_response(&mut self, line: &[u8]) {
        self.progress = Progress::Status;
        let end = self.output.append(line.len() + "\r\n".len(), true, |buffer| {
            buffer.extend_from_slice(line);
            buffer.extend_from_slice(b"\r\n");
        });
        if let Some(head) = self.in_flight.front_mut() {
            head.ends_at = end;
            head.left_at = None;
        }
    }
}

#[cfg(feature = "sasl")]
impl Exchange {
    fn answer(&mut self, challenge: Base64) -> Result<Answer, ProtocolError> {
        let Some(Conductor { mechanism, initial }) = &mut self.mechanism else {
            return Ok(Answer::Caller(challenge));
        };
        let Ok(octets) = challenge.decode() else {
            return Ok(Answer::Cancel(Some(CancelReason::MalformedChallenge)));
        };
        let response = match initial.take() {
            // A server that waits for the client to speak has nothing to say (RFC 4422 §3).
            Some(response) if challenge.is_empty() => Ok(response),
            Some(_) => return Ok(Answer::Cancel(Some(CancelReason::MalformedChallenge))),
            None => mechanism.respond(octets.expose()),
        };
        match response {
            Ok(response) => Ok(Answer::Response(Base64::encode(response.expose()))),
            Err(error) if error.is_fatal() => Err(ProtocolError::ServerNotVerified),
            Err(error) => Ok(Answer::Cancel(Some(CancelReason::Mechanism(error)))),
        }
    }
}

#[cfg(not(feature = "sasl"))]
impl Exchange {
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "a mechanism may find the server out"
    )]
    const fn answer(&mut self, challenge: Base64) -> Result<Answer, ProtocolError> {
        Ok(Answer::Caller(challenge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Channel, ClientConfig, Eof, Security};
    use crate::{Command, MechanismName};
    use bytes::Buf as _;

    /// I10: an exchange holds secrets of a mechanism; it ends with the session at the latest.
    #[test]
    fn no_exchange_outlives_its_session() {
        let begin = || {
            let config = ClientConfig::strict(Security::PlaintextAllowed);
            let mut session = ClientSession::new(config, Channel::Clear);
            session.receive(b"+OK\r\n");
            assert!(matches!(session.poll_event(), Ok(Some(Event::Greeting(_)))));
            let mechanism = MechanismName::PLAIN;
            assert!(session.send(&Command::Auth { mechanism, initial: None }).is_ok());
            let len = session.outgoing().remaining();
            session.outgoing().advance(len);
            session.receive(b"+ \r\n");
            assert!(matches!(session.poll_event(), Ok(Some(Event::Challenge { .. }))));
            assert!(session.exchange.is_some());
            session
        };
        let mut failed = begin();
        failed.time_out();
        assert!(failed.exchange.is_none());
        let mut closed = begin();
        closed.receive(b"-ERR too slow\r\n");
        closed.receive_eof(Eof::Clean);
        assert!(matches!(closed.poll_event(), Ok(Some(Event::Closed { .. }))));
        assert!(closed.exchange.is_none());
    }
}
