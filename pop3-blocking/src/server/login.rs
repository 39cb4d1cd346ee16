//! From an event to an open maildrop: who asks whom.

use std::io;
use std::time::Instant;

use pop3_proto::sasl::{Acceptor, Acceptors, Answer, ChannelBinding, Question, TokenFailure};
use pop3_proto::server::{Event, Maildrop, Turn};
use pop3_proto::{ApopTimestamp, Base64, KnownCode, Mailbox, MechanismName};

use super::authenticator::Authenticator;
use super::connection::{Connection, Opened, Stop, text};
use super::store::{OpenError, OpenMaildrop as _, Store};
use crate::deadline::Timeouts;
use crate::tls::ChannelBindings;
use crate::trace;

impl<S: Timeouts, T: Store, A: Authenticator> Connection<'_, S, T, A> {
    /// Does all that an event calls for, if it is a matter of a login; otherwise gives it back.
    pub(super) fn log_in(&mut self, event: Event) -> Result<Option<Event>, Stop> {
        let mut turn = self.login.take(&mut self.session, event)?;
        loop {
            turn = match turn {
                Turn::Answered => return Ok(None),
                Turn::Other(event) => return Ok(Some(event)),
                Turn::Begin(name) => {
                    let acceptor = self.acceptor(name);
                    self.login.begin(&mut self.session, acceptor)?
                }
                Turn::Ask(question) => {
                    if Instant::now() >= self.login_until {
                        return Err(Stop::TimedOut);
                    }
                    let answer = self.server.authenticator.answer(&question);
                    if let (Answer::Refused, Some(mailbox)) = (&answer, claimed(&question)) {
                        trace::authenticated(mailbox, false);
                    }
                    self.login.answer(&mut self.session, answer)?
                }
                Turn::Open(identity) => {
                    trace::authenticated(&identity.authentication, true);
                    return self.open(&identity.authorization).map(|()| None);
                }
            }
        }
    }

    /// `None` where it cannot be had: without random numbers, most likely.
    fn acceptor(&self, name: MechanismName) -> Option<Box<dyn Acceptor>> {
        let nonce = random::<18>().ok()?;
        let nonce = Base64::encode(&nonce);
        let offered: Vec<_> = self.session.mechanisms().collect();
        // RFC 7628 §3.2.2; XOAUTH2 has the status of HTTP there.
        let status = if name == MechanismName::XOAUTH2 { "401" } else { "invalid_token" };
        let acceptors = Acceptors {
            offered: &offered,
            nonce: std::str::from_utf8(nonce.expose()).ok()?,
            challenge: &timestamp().ok()?,
            decoy: self.server.decoy.as_ref()?,
            bindings: &bindings(&self.stream.channel_bindings()),
            failure: &TokenFailure::new(status).ok()?,
        };
        acceptors.make(name)
    }

    fn open(&mut self, mailbox: &Mailbox) -> Result<(), Stop> {
        let opened = self.server.store.open(mailbox).and_then(|stored| {
            let maildrop = Maildrop::new(stored.entries().to_vec());
            let maildrop = maildrop.map_err(|error| OpenError::Io(io::Error::other(error)))?;
            Ok(Opened { maildrop, stored, listing: false })
        });
        match opened {
            Ok(opened) => {
                let messages = opened.maildrop.drop_listing().messages;
                self.open = Some(opened);
                self.session.authenticated(&text(&format!("{messages} messages")))?;
            }
            Err(OpenError::InUse) => {
                self.session.err(
                    Some(KnownCode::InUse),
                    &text("the maildrop is open in another session"),
                )?;
            }
            Err(_) => {
                self.session
                    .err(Some(KnownCode::SysTemp), &text("the maildrop cannot be opened"))?;
            }
        }
        Ok(())
    }
}

/// Who the client says it is, where the question is about that.
const fn claimed(question: &Question) -> Option<&Mailbox> {
    match question {
        Question::Verify { mailbox, .. }
        | Question::Secret { mailbox }
        | Question::ScramKeys { mailbox, .. } => Some(mailbox),
        Question::Authorize { authentication, .. } => Some(authentication),
        _ => None,
    }
}

/// What a client may bind SCRAM to.
pub(super) fn bindings(of: &ChannelBindings) -> Vec<ChannelBinding> {
    let exporter = of.tls_exporter.as_ref().map(ChannelBinding::tls_exporter);
    let end_point = of.tls_server_end_point.as_deref();
    let end_point = end_point.and_then(|hash| ChannelBinding::tls_server_end_point(hash).ok());
    exporter.into_iter().chain(end_point).collect()
}

/// What nobody can guess and nobody was given before, in the form of a message-id (RFC 1939 §7,
/// RFC 2195 §2). It says nothing of the host.
pub(super) fn timestamp() -> io::Result<ApopTimestamp> {
    let digits = u128::from_be_bytes(random()?);
    ApopTimestamp::new(&format!("<{digits}@localhost>")).map_err(io::Error::other)
}

fn random<const OCTETS: usize>() -> io::Result<[u8; OCTETS]> {
    let mut octets = [0; OCTETS];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    Ok(octets)
}
