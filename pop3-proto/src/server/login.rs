//! Who logs in, without I/O: USER and PASS, APOP, AUTH.

use alloc::boxed::Box;
use core::mem;

use super::{Event, RespondError, ServerSession};
use crate::sasl::{
    Acceptor, Answer, Identity, Input, Preparation, PreparedAs, Question, Refusal, Step,
};
use crate::{
    ApopDigest, ApopTimestamp, Base64, Command, KnownCode, Mailbox, MechanismName, Secret, Text,
};

/// The logins of one connection: it answers what only the protocol decides, asks what only the back
/// end knows, and says whose maildrop is to be opened.
///
/// Give it every [`Event`]; what it does not answer comes back as [`Turn::Other`].
#[derive(Debug, Default)]
pub struct Login {
    delegates: bool,
    prepare: Option<Preparation>,
    /// Who was named by USER.
    named: Option<Mailbox>,
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nothing,
    /// The back end is asked whether the password is right.
    Password(Identity),
    /// It was right; the back end is asked whether one may act for the other.
    Delegate(Identity),
    /// The back end is asked for the secret behind the digest.
    Apop(Mailbox, ApopDigest),
    /// An acceptor is due; the client said this first.
    Begin(Option<Base64>),
    Auth(Box<dyn Acceptor>),
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle each")]
#[must_use]
pub enum Turn {
    /// The client was answered: poll on.
    Answered,
    /// AUTH was begun: make an acceptor and hand it to [`Login::begin`].
    Begin(MechanismName),
    /// Ask the back end and hand what it says to [`Login::answer`], now or at any later time.
    Ask(Question),
    /// Open the maildrop of [`Identity::authorization`], then answer with
    /// [`ServerSession::authenticated`], or with [`ServerSession::err`] if it cannot be opened.
    Open(Identity),
    /// The event is no matter of a login.
    Other(Event),
}

impl Login {
    /// Nobody has said anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names in USER that have the form of a delegate's are taken for that: the delegate's password
    /// opens the principal's maildrop, if the back end says so (MS-OXPOP3 §2.2.2).
    #[must_use]
    pub const fn with_delegates(mut self) -> Self {
        self.delegates = true;
        self
    }

    /// Gives what prepares the names and passwords of USER, PASS and APOP that are not ASCII (RFC 6856 §2.2,
    /// RFC 4013): the back end is asked about prepared ones, and what cannot be prepared logs nobody in.
    /// Without it they go to the back end as they came, but log nobody in by APOP.
    #[must_use]
    pub const fn with_preparation(mut self, prepare: Preparation) -> Self {
        self.prepare = Some(prepare);
        self
    }

    /// Takes an event of the session.
    ///
    /// # Errors
    /// [`RespondError`] if the session does not wait for this answer: the event was not its last.
    pub fn take(
        &mut self,
        session: &mut ServerSession,
        event: Event,
    ) -> Result<Turn, RespondError> {
        // Whatever was going on is over, and what was said before TLS is forgotten (RFC 2595 §4).
        let (named, stage) = (self.named.take(), mem::take(&mut self.stage));
        match event {
            Event::Command(Command::User(mailbox)) => {
                self.named = Some(mailbox);
                // Whether there is such a mailbox is for nobody to know before PASS.
                session.ok(&text("send PASS"))?;
                Ok(Turn::Answered)
            }
            Event::Command(Command::Pass(password)) => {
                let Some(mailbox) = named else {
                    return self.refuse(session, Refusal::Credentials);
                };
                let secret = Secret::new(password.expose());
                let prepared = self.prepared_secret(&secret, PreparedAs::Query);
                let (Some(identity), Some(password)) = (self.identity(mailbox), prepared) else {
                    return self.refuse(session, Refusal::Credentials);
                };
                let mailbox = identity.authentication.clone();
                self.stage = Stage::Password(identity);
                Ok(Turn::Ask(Question::Verify { mailbox, password }))
            }
            Event::Command(Command::Apop { mailbox, digest }) => {
                let is_fit = mailbox.is_ascii() || self.prepare.is_some();
                let Some(mailbox) = self.prepared_name(mailbox).filter(|_| is_fit) else {
                    return self.refuse(session, Refusal::Credentials);
                };
                self.stage = Stage::Apop(mailbox.clone(), digest);
                Ok(Turn::Ask(Question::Secret { mailbox }))
            }
            Event::Command(Command::Auth { mechanism, initial }) => {
                self.stage = Stage::Begin(initial);
                Ok(Turn::Begin(mechanism))
            }
            Event::SaslResponse(response) => match stage {
                Stage::Auth(acceptor) => {
                    self.message(session, acceptor, &response, |octets| Input::Response(octets))
                }
                _ => self.refuse(session, Refusal::Malformed),
            },
            Event::SaslCancelled => Ok(Turn::Answered),
            event => Ok(Turn::Other(event)),
        }
    }

    /// Gives the acceptor for [`Turn::Begin`]; `None` if there is none after all.
    ///
    /// # Errors
    /// As [`Login::take`].
    pub fn begin(
        &mut self,
        session: &mut ServerSession,
        acceptor: Option<Box<dyn Acceptor>>,
    ) -> Result<Turn, RespondError> {
        let (Stage::Begin(initial), Some(mut acceptor)) = (mem::take(&mut self.stage), acceptor)
        else {
            return self.refuse(session, Refusal::Unavailable);
        };
        match initial {
            None => {
                let step = acceptor.step(Input::Start);
                self.proceed(session, acceptor, step)
            }
            Some(initial) => {
                self.message(session, acceptor, &initial, |octets| Input::Initial(octets))
            }
        }
    }

    /// Gives what the back end says to [`Turn::Ask`].
    ///
    /// # Errors
    /// As [`Login::take`].
    pub fn answer(
        &mut self,
        session: &mut ServerSession,
        answer: Answer,
    ) -> Result<Turn, RespondError> {
        match (mem::take(&mut self.stage), answer) {
            (Stage::Auth(mut acceptor), answer) => {
                let step = acceptor.step(Input::Answer(answer));
                self.proceed(session, acceptor, step)
            }
            (Stage::Password(identity), Answer::Accepted)
                if identity.authentication != identity.authorization =>
            {
                let Identity { authentication, authorization } = identity.clone();
                self.stage = Stage::Delegate(identity);
                Ok(Turn::Ask(Question::Authorize { authentication, authorization }))
            }
            (Stage::Password(identity) | Stage::Delegate(identity), Answer::Accepted) => {
                Ok(Turn::Open(identity))
            }
            (Stage::Apop(mailbox, digest), Answer::Secret(secret)) => {
                let is_fit = secret.expose().is_ascii() || self.prepare.is_some();
                let prepared = self.prepared_secret(&secret, PreparedAs::Stored).filter(|_| is_fit);
                // Nobody has an empty secret.
                let known = prepared.as_ref().is_some_and(|secret| !secret.expose().is_empty());
                let secret = prepared.unwrap_or(secret);
                let proven = digest_of(session.timestamp(), &secret) == Some(digest);
                if proven & known {
                    return Ok(Turn::Open(Identity::new(mailbox.clone(), mailbox)));
                }
                self.refuse(session, Refusal::Credentials)
            }
            (Stage::Apop(..), Answer::Refused) => {
                // As much work as for a user that there is.
                let digest = digest_of(session.timestamp(), &Secret::new(*b"nobody's"));
                core::hint::black_box(digest);
                self.refuse(session, Refusal::Credentials)
            }
            (Stage::Password(_) | Stage::Delegate(_), Answer::Refused) => {
                self.refuse(session, Refusal::Credentials)
            }
            _ => self.refuse(session, Refusal::Unavailable),
        }
    }

    /// Whose password, and whose maildrop; `None` if a name cannot be prepared.
    fn identity(&self, mailbox: Mailbox) -> Option<Identity> {
        let delegation = mailbox.delegation().filter(|_| self.delegates);
        let named = delegation.and_then(|delegation| {
            let (delegate, _) = mailbox.as_str().rsplit_once('/')?;
            Some((Mailbox::utf8(delegate).ok()?, Mailbox::utf8(delegation.principal).ok()?))
        });
        let (whose, wanted) = named.unwrap_or_else(|| (mailbox.clone(), mailbox));
        Some(Identity::new(self.prepared_name(whose)?, self.prepared_name(wanted)?))
    }

    fn message(
        &mut self,
        session: &mut ServerSession,
        mut acceptor: Box<dyn Acceptor>,
        message: &Base64,
        input: impl for<'a> FnOnce(&'a [u8]) -> Input<'a>,
    ) -> Result<Turn, RespondError> {
        let Ok(octets) = message.decode() else {
            return self.refuse(session, Refusal::Malformed);
        };
        let step = acceptor.step(input(octets.expose()));
        self.proceed(session, acceptor, step)
    }

    fn proceed(
        &mut self,
        session: &mut ServerSession,
        acceptor: Box<dyn Acceptor>,
        step: Step,
    ) -> Result<Turn, RespondError> {
        match step {
            Step::Challenge(challenge) => {
                match session.challenge(&Base64::encode(challenge.expose())) {
                    // It repeats what the client said.
                    Err(RespondError::TooLong) => return self.refuse(session, Refusal::Malformed),
                    said => said?,
                }
                self.stage = Stage::Auth(acceptor);
                Ok(Turn::Answered)
            }
            Step::Ask(question) => {
                self.stage = Stage::Auth(acceptor);
                Ok(Turn::Ask(question))
            }
            Step::Done(identity) => Ok(Turn::Open(identity)),
            Step::Refused(refusal) => self.refuse(session, refusal),
        }
    }

    fn prepared_name(&self, name: Mailbox) -> Option<Mailbox> {
        match self.prepare.filter(|_| !name.is_ascii()) {
            None => Some(name),
            Some(prepare) => Mailbox::utf8(&prepare(name.as_str(), PreparedAs::Query)?).ok(),
        }
    }

    /// Octets that are no text have nothing to prepare.
    fn prepared_secret(&self, secret: &Secret, kind: PreparedAs) -> Option<Secret> {
        let text = core::str::from_utf8(secret.expose()).ok().filter(|text| !text.is_ascii());
        match (text, self.prepare) {
            (Some(text), Some(prepare)) => prepare(text, kind).map(Secret::new),
            _ => Some(secret.clone()),
        }
    }

    fn refuse(
        &mut self,
        session: &mut ServerSession,
        refusal: Refusal,
    ) -> Result<Turn, RespondError> {
        self.stage = Stage::Nothing;
        match refusal {
            Refusal::Credentials => session.authentication_failed()?,
            Refusal::Unavailable => session.err(Some(KnownCode::SysTemp), &text(refusal.text()))?,
            _ => session.err(None, &text(refusal.text()))?,
        }
        Ok(Turn::Answered)
    }
}

fn text(text: &'static str) -> Text {
    Text::received(text.as_bytes())
}

#[cfg(feature = "md5")]
fn digest_of(timestamp: Option<&ApopTimestamp>, secret: &Secret) -> Option<ApopDigest> {
    timestamp.map(|timestamp| ApopDigest::compute(timestamp, secret))
}

/// Nobody can tell: APOP needs feature `md5`.
#[cfg(not(feature = "md5"))]
const fn digest_of(_: Option<&ApopTimestamp>, _: &Secret) -> Option<ApopDigest> {
    None
}
