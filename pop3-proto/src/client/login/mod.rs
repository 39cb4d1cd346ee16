//! Logging in, without I/O: what is sent, in which order, and what is chosen.
//!
//! An adapter drives an [`Opening`] or a [`Login`] with one loop and decides nothing itself:
//!
//! 1. [`Login::step`];
//! 2. for [`Step::Exchange`], write what the session has to write, then read once;
//! 3. for [`Step::StartTls`], make the handshake and call
//!    [`ClientSession::tls_established`](super::ClientSession::tls_established);
//! 4. step again, until [`Step::Done`] or an error.

mod dialogue;
mod error;
mod method;
mod opening;
#[cfg(feature = "scram")]
mod scram;

use alloc::boxed::Box;
use alloc::string::ToString as _;

pub use error::{LoginError, RefusedLogin, Unfit};
pub use method::{Choice, Credentials, Method};
pub use opening::{Opening, Step, UseStls};

use super::ClientSession;
#[cfg(feature = "scram")]
use crate::sasl::ChannelBinding;
use crate::sasl::{Mechanism, Preparation};
use crate::state::State;
use crate::{Command, InvalidValue, Response, Text};
use dialogue::{Dialogue, Said};
use method::Circumstances;

/// A login: the [`Opening`], the capabilities, the choice of a [`Method`], the exchange, and the
/// capabilities anew, since many servers have others once somebody is logged in (RFC 2449 §5).
///
/// One method is tried. If it fails nothing weaker is tried by itself: whoever can make the strong
/// one fail would get the password.
#[derive(Debug)]
pub struct Login {
    opening: Opening,
    how: How,
    circumstances: Circumstances,
    phase: Phase,
    dialogue: Dialogue,
    failed: Option<LoginError>,
}

#[derive(Debug)]
enum How {
    Choose(Credentials, Choice),
    /// Taken when the exchange begins.
    Mechanism(Option<Box<dyn Mechanism>>, Method),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Opening,
    /// The capabilities, by which the method is chosen.
    Announcement,
    User,
    Pass,
    Apop,
    Auth(Method),
    Capabilities(Method),
    Done(Method),
}

impl Login {
    /// A login with `credentials`; how TLS is begun follows from the session's policy.
    #[must_use]
    pub const fn new(session: &ClientSession, credentials: Credentials, choice: Choice) -> Self {
        Self::of(session, How::Choose(credentials, choice))
    }

    /// A login by a mechanism of the caller's own, and no other.
    #[must_use]
    pub fn with_mechanism(session: &ClientSession, mechanism: Box<dyn Mechanism>) -> Self {
        let method = Method::Sasl(mechanism.name());
        Self::of(session, How::Mechanism(Some(mechanism), method))
    }

    const fn of(session: &ClientSession, how: How) -> Self {
        Self {
            opening: Opening::new(UseStls::of(session.config().security, session.channel())),
            how,
            circumstances: Circumstances::NONE,
            phase: Phase::Opening,
            dialogue: Dialogue::new(),
            failed: None,
        }
    }

    /// Begins TLS otherwise than the policy says: what the policy forbids in clear stays forbidden.
    #[must_use]
    pub fn with_stls(mut self, stls: UseStls) -> Self {
        self.opening = Opening::new(stls);
        self
    }

    /// Gives the nonce that SCRAM needs: printable ASCII without a comma, unpredictable and never
    /// used again, such as 18 random octets in base64. Without one SCRAM is not chosen.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty or holds any other octet.
    pub fn with_nonce(mut self, nonce: &str) -> Result<Self, InvalidValue> {
        if nonce.is_empty() {
            return Err(InvalidValue::Empty);
        }
        let forbidden = |octet: u8| !octet.is_ascii_graphic() || octet == b',';
        if let Some(at) = nonce.bytes().position(forbidden) {
            return Err(InvalidValue::ForbiddenOctet { at });
        }
        self.circumstances.nonce = Some(nonce.to_string());
        Ok(self)
    }

    /// Gives what prepares names and passwords that are not ASCII for SCRAM and APOP (RFC 4013). Without it
    /// neither is chosen for them.
    #[must_use]
    pub fn with_preparation(mut self, prepare: Preparation) -> Self {
        self.circumstances.prepare = Some(prepare);
        self
    }

    /// Gives what binds SCRAM to the TLS channel (RFC 5802 §6): before the first step if the channel is
    /// TLS already, else between the handshake and the step behind it.
    #[cfg(feature = "scram")]
    #[cfg_attr(docsrs, doc(cfg(feature = "scram")))]
    pub fn bind(&mut self, binding: ChannelBinding) {
        self.circumstances.binding = Some(binding);
    }

    /// How the login is made, once that is chosen.
    #[must_use]
    pub const fn method(&self) -> Option<Method> {
        match self.phase {
            Phase::Opening | Phase::Announcement => None,
            phase => Some(phase.method()),
        }
    }

    /// Goes on until something is to be done, or somebody is logged in.
    ///
    /// # Errors
    /// [`LoginError`] if nobody is. Under a policy that requires TLS nothing but CAPA, STLS and QUIT has
    /// left before it.
    pub fn step(&mut self, session: &mut ClientSession) -> Result<Step<Method>, LoginError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let step = self.advance(session).map_err(|error| self.withheld(error));
        step.inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The error without what the server said in it that may tell what was said before.
    fn withheld(&self, error: LoginError) -> LoginError {
        if matches!(self.phase, Phase::Opening | Phase::Announcement | Phase::User) {
            return error;
        }
        match error {
            LoginError::Closed(farewell) => {
                LoginError::Closed(farewell.filter(|response| !self.echoes(response, None)))
            }
            LoginError::Protocol(error) => {
                LoginError::Protocol(error.without_line(|line| self.tells(line)))
            }
            error => error,
        }
    }

    fn advance(&mut self, session: &mut ClientSession) -> Result<Step<Method>, LoginError> {
        loop {
            if let Phase::Opening = self.phase {
                match self.opening.step(session)? {
                    Step::Exchange => return Ok(Step::Exchange),
                    Step::StartTls => return Ok(Step::StartTls),
                    Step::Deviation(deviation) => return Ok(Step::Deviation(deviation)),
                    Step::Done(()) if self.chooses() && session.capabilities().is_none() => {
                        self.phase = Phase::Announcement;
                    }
                    Step::Done(()) => self.phase = self.choose(session)?,
                }
            }
            let said = match self.phase {
                Phase::Done(method) => return Ok(Step::Done(method)),
                Phase::Auth(method) => self.authenticate(session, method)?,
                _ => {
                    let command = self.command(session)?;
                    self.dialogue.step(session, command.as_ref())?
                }
            };
            match said {
                Said::Nothing => return Ok(Step::Exchange),
                Said::Deviation(deviation) => return Ok(Step::Deviation(deviation)),
                Said::Greeting | Said::StartTls | Said::Ended => {}
                Said::Answer(response) => {
                    self.phase = match self.phase {
                        Phase::Announcement => self.choose(session)?,
                        Phase::Capabilities(method) => Phase::Done(method),
                        Phase::User if response.is_ok() => Phase::Pass,
                        phase if response.is_ok() && session.capabilities().is_some() => {
                            Phase::Capabilities(phase.method())
                        }
                        phase if response.is_ok() => Phase::Done(phase.method()),
                        phase => {
                            let detail = self.dialogue.detail.take();
                            let echoes = self.echoes(&response, detail.as_ref());
                            return Err(LoginError::Refused(Box::new(RefusedLogin {
                                method: phase.method(),
                                response,
                                detail,
                                cancelled: self.dialogue.cancelled.take(),
                                echoes,
                            })));
                        }
                    }
                }
            }
        }
    }

    /// Whether what the server said may tell the secret.
    fn echoes(&self, response: &Response, detail: Option<&Text>) -> bool {
        self.tells(response.text.octets())
            || detail.is_some_and(|detail| self.tells_secret(detail.octets()))
    }

    /// Whether a text may tell the secret, or what was computed from it.
    fn tells(&self, text: &[u8]) -> bool {
        let chooses = matches!(self.how, How::Choose(..));
        self.tells_secret(text) || chooses && looks_computed(text)
    }

    fn tells_secret(&self, text: &[u8]) -> bool {
        match &self.how {
            How::Mechanism(..) => !text.is_empty(),
            How::Choose(credentials, _) => {
                credentials.secret().is_some_and(|secret| secret.is_told_by(text))
            }
        }
    }

    /// Whether the server's announcements matter: to the choice, or to where the first message goes.
    fn chooses(&self) -> bool {
        match &self.how {
            How::Choose(credentials, Choice::Only(Method::UserPass | Method::Apop)) => {
                credentials.are_utf8()
            }
            _ => true,
        }
    }

    fn choose(&self, session: &ClientSession) -> Result<Phase, LoginError> {
        if session.state() == State::Transaction {
            return Err(
                super::SendError::WrongState { keyword: None, state: session.state() }.into()
            );
        }
        let method = match &self.how {
            How::Mechanism(_, method) if method::may_be_tried(*method, session.capabilities()) => {
                *method
            }
            How::Mechanism(..) => return Err(method::none_of(session.capabilities())),
            How::Choose(credentials, choice) => {
                method::choose(choice, credentials, &self.circumstances, session)?
            }
        };
        Ok(match method {
            Method::UserPass => Phase::User,
            Method::Apop => Phase::Apop,
            Method::Sasl(_) => Phase::Auth(method),
        })
    }

    /// The command of a phase that has one.
    #[cfg_attr(not(feature = "md5"), expect(unused_variables, reason = "APOP alone needs it"))]
    fn command(&self, session: &ClientSession) -> Result<Option<Command>, LoginError> {
        if self.dialogue.is_open() {
            return Ok(None);
        }
        if let Phase::Announcement | Phase::Capabilities(_) = self.phase {
            return Ok(Some(Command::Capa));
        }
        let How::Choose(Credentials::Password { mailbox, password, authorization: None }, _) =
            &self.how
        else {
            return Err(self.unfit());
        };
        Ok(match self.phase {
            Phase::User => Some(Command::User(mailbox.clone())),
            Phase::Pass => Some(Command::Pass(password.clone())),
            #[cfg(feature = "md5")]
            Phase::Apop => {
                let timestamp = session.greeting().and_then(crate::Greeting::timestamp);
                let timestamp = timestamp.ok_or(super::SendError::NoTimestamp)?;
                let prepared = self.circumstances.for_apop(mailbox, password);
                let (mailbox, secret) = prepared
                    .map_err(|reason| LoginError::Unfit { method: Method::Apop, reason })?;
                let digest = crate::ApopDigest::compute(&timestamp, &secret);
                Some(Command::Apop { mailbox, digest })
            }
            _ => return Err(self.unfit()),
        })
    }

    /// The choice of a method has seen to it that this does not happen.
    const fn unfit(&self) -> LoginError {
        LoginError::Unfit { method: self.phase.method(), reason: Unfit::Credentials }
    }

    fn authenticate(
        &mut self,
        session: &mut ClientSession,
        method: Method,
    ) -> Result<Said, LoginError> {
        let mut mechanism = None;
        // It is used up by the attempt: nothing may stand in its way.
        if !self.dialogue.is_open() && session.in_flight() == 0 {
            mechanism = match (&mut self.how, method) {
                (How::Mechanism(mechanism, _), _) => mechanism.take(),
                (How::Choose(credentials, _), Method::Sasl(name)) => {
                    Some(method::mechanism(name, credentials, &self.circumstances, session)?)
                }
                _ => None,
            };
        }
        self.dialogue.step_with(session, |session| {
            mechanism.map(|mechanism| session.authenticate(mechanism)).transpose()
        })
    }
}

/// Whether a text holds what no word is: a digest or a proof, which is good for guessing the password.
fn looks_computed(text: &[u8]) -> bool {
    /// Digits of the shortest, SHA-1 in base64, are 28.
    const DIGITS: usize = 20;
    let digit = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
    text.split(|octet| !digit(octet)).any(|run| run.len() >= DIGITS)
}

impl Phase {
    const fn method(self) -> Method {
        match self {
            Self::Opening | Self::Announcement | Self::User | Self::Pass => Method::UserPass,
            Self::Apop => Method::Apop,
            Self::Auth(method) | Self::Capabilities(method) | Self::Done(method) => method,
        }
    }
}
