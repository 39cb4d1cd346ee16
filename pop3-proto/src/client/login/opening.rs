//! From the greeting to where a login may begin: TLS.

use super::LoginError;
use super::dialogue::{Dialogue, Said};
use crate::client::{Channel, ClientSession, Security};
use crate::leniency::Deviation;
use crate::state::State;
use crate::{Capabilities, Command};

/// When STLS is used (RFC 8314 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UseStls {
    /// Always: without TLS there is no session.
    Required,
    /// If the server offers it. What was offered and fails is a failure, and never the reason to go on
    /// in clear.
    IfOffered,
    /// Never.
    Never,
}

impl UseStls {
    /// What a policy calls for on a channel: on one that is trusted TLS is welcome, and nothing is lost
    /// without it.
    #[must_use]
    pub const fn of(security: Security, channel: Channel) -> Self {
        match (security, channel) {
            (_, Channel::Tls) | (Security::Implicit | Security::PlaintextAllowed, _) => Self::Never,
            (Security::StlsRequired, Channel::Clear) => Self::Required,
            (Security::StlsRequired | Security::StlsPreferred, _) => Self::IfOffered,
        }
    }
}

/// What an adapter is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle each")]
#[must_use]
pub enum Step<T> {
    /// Write what is to be written, read once, and step again.
    Exchange,
    /// Make the TLS handshake on the bare transport, call
    /// [`ClientSession::tls_established`], and step again.
    StartTls,
    /// The server deviated and was forgiven; step again.
    Deviation(Deviation),
    /// It is done.
    Done(T),
}

/// Brings a session from its greeting to where a login may begin: it waits for the greeting and, where
/// that is called for, asks for the capabilities and begins TLS by STLS (RFC 2595 §4).
///
/// STLS is tried once at most. On a channel that is TLS already there is nothing to begin. What the
/// server told before TLS is forgotten then: ask for the capabilities anew.
#[derive(Debug)]
pub struct Opening {
    stls: UseStls,
    phase: Phase,
    dialogue: Dialogue,
    failed: Option<LoginError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Capabilities,
    Stls,
    Handshake,
    Done,
}

impl Opening {
    /// An opening; see [`UseStls::of`].
    #[must_use]
    pub const fn new(stls: UseStls) -> Self {
        Self { stls, phase: Phase::Greeting, dialogue: Dialogue::new(), failed: None }
    }

    /// Goes on until something is to be done, or all is.
    ///
    /// # Errors
    /// [`LoginError`] if it cannot be done, for good. Nothing but CAPA and STLS has left by then.
    pub fn step(&mut self, session: &mut ClientSession) -> Result<Step<()>, LoginError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.advance(session).inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn advance(&mut self, session: &mut ClientSession) -> Result<Step<()>, LoginError> {
        loop {
            let command = match self.phase {
                Phase::Greeting if session.state() == State::Greeting => None,
                Phase::Greeting => {
                    // What it was forgiven is told first, and has left the state as it is now.
                    if let Some(greeting) = session.greeting().filter(|of| !of.response.is_ok()) {
                        return Err(LoginError::NoService(greeting.response.clone()));
                    }
                    self.phase = match session.capabilities() {
                        _ if session.channel() == Channel::Tls || self.stls == UseStls::Never => {
                            Phase::Done
                        }
                        Some(_) => Phase::Stls,
                        None => Phase::Capabilities,
                    };
                    continue;
                }
                Phase::Handshake if session.channel() == Channel::Tls => {
                    self.phase = Phase::Done;
                    continue;
                }
                Phase::Capabilities => Some(Command::Capa),
                Phase::Stls if self.dialogue.is_open() || self.begins(session)? => {
                    Some(Command::Stls)
                }
                Phase::Stls => {
                    self.phase = Phase::Done;
                    continue;
                }
                // The session may be over before there is TLS.
                Phase::Handshake => None,
                Phase::Done => return Ok(Step::Done(())),
            };
            match self.dialogue.step(session, command.as_ref())? {
                Said::Nothing if self.phase == Phase::Handshake => return Ok(Step::StartTls),
                Said::Nothing => return Ok(Step::Exchange),
                Said::Deviation(deviation) => return Ok(Step::Deviation(deviation)),
                Said::Greeting | Said::Ended => {}
                Said::StartTls => self.phase = Phase::Handshake,
                Said::Answer(response) => {
                    self.phase = match self.phase {
                        Phase::Capabilities => Phase::Stls,
                        _ => return Err(LoginError::StlsRefused(response)),
                    }
                }
            }
        }
    }

    /// Whether STLS is to be sent.
    fn begins(&self, session: &ClientSession) -> Result<bool, LoginError> {
        let offered = session.capabilities().map(Capabilities::stls);
        match self.stls {
            UseStls::Never => Ok(false),
            UseStls::IfOffered => Ok(offered == Some(true)),
            // A server that knows no CAPA may know STLS all the same.
            UseStls::Required if offered == Some(false) => Err(LoginError::StlsNotOffered),
            UseStls::Required => Ok(true),
        }
    }
}
