//! One command after the other.

use core::fmt;

use super::LoginError;
use crate::client::{CancelReason, ClientSession, CommandId, Event, SendError};
use crate::leniency::Deviation;
use crate::{Command, Response, Text};

/// Sends one command at a time and waits for its end.
pub(super) struct Dialogue {
    /// The command whose end is awaited.
    open: Option<CommandId>,
    /// What was said of a failure before the end.
    pub(super) detail: Option<Text>,
    /// Why the session gave the exchange up.
    pub(super) cancelled: Option<CancelReason>,
}

impl fmt::Debug for Dialogue {
    /// Without what the server said: it may echo what it was told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue").field("open", &self.open).finish_non_exhaustive()
    }
}

/// What came of it so far.
pub(super) enum Said {
    /// More has to be received first.
    Nothing,
    Deviation(Deviation),
    Greeting,
    StartTls,
    /// A command that was given up before ended: what waited for that may be sent now.
    Ended,
    /// The command ended; a list that is complete counts as `+OK`.
    Answer(Response),
}

impl Dialogue {
    pub(super) const fn new() -> Self {
        Self { open: None, detail: None, cancelled: None }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// As [`Dialogue::step_with`], for a command that is just sent.
    pub(super) fn step(
        &mut self,
        session: &mut ClientSession,
        command: Option<&Command>,
    ) -> Result<Said, LoginError> {
        self.step_with(session, |session| command.map(|command| session.send(command)).transpose())
    }

    /// Sends, if nothing is open, and polls until something is worth telling.
    pub(super) fn step_with(
        &mut self,
        session: &mut ClientSession,
        send: impl FnOnce(&mut ClientSession) -> Result<Option<CommandId>, SendError>,
    ) -> Result<Said, LoginError> {
        if self.open.is_none() {
            match send(session) {
                Ok(id) => {
                    self.open = id;
                    (self.detail, self.cancelled) = (None, None);
                }
                // Replies to what was given up come first.
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            let Some(event) = session.poll_event()? else { return Ok(Said::Nothing) };
            match event {
                Event::Deviation { deviation, .. } => return Ok(Said::Deviation(deviation)),
                Event::Greeting(greeting) if greeting.response.is_ok() => {
                    return Ok(Said::Greeting);
                }
                Event::Greeting(greeting) => return Err(LoginError::NoService(greeting.response)),
                Event::Closed { farewell, .. } => return Err(LoginError::Closed(farewell)),
                Event::FailureDetail { detail, .. } => self.detail = Some(detail),
                Event::Cancelled { reason, .. } => self.cancelled = Some(reason),
                Event::StartTls { .. } => {
                    self.open = None;
                    return Ok(Said::StartTls);
                }
                Event::Completed { id, response } if self.open == Some(id) => {
                    self.open = None;
                    return Ok(Said::Answer(response));
                }
                Event::Finished { id } if self.open == Some(id) => {
                    self.open = None;
                    return Ok(Said::Answer(Response::new(crate::Status::Ok, Text::received(b""))));
                }
                Event::Completed { .. } | Event::Finished { .. } => return Ok(Said::Ended),
                _ => {}
            }
        }
    }
}
