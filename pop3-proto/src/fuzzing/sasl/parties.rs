//! The two sides of an exchange, and the back end that one of them asks.

use alloc::boxed::Box;
use alloc::vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

use crate::sasl::{
    Acceptor, Acceptors, Anonymous, Answer, Binding, ChannelBinding, CramMd5, External, Identity,
    Input, Login, Mechanism, OAuthBearer, OAuthBearerAcceptor, Plain, Question, Refusal, Scram,
    ScramDecoy, ScramHash, ScramKeys, Step, TokenFailure, XOAuth2,
};
use crate::{ApopTimestamp, Mailbox, MechanismName, Secret};

pub(super) const USER: &str = "tim";
pub(in crate::fuzzing) const PASSWORD: &str = "hunter2";
pub(in crate::fuzzing) const TOKEN: &str = "vF9dft4qmTc2";
pub(in crate::fuzzing) const CHALLENGE: &str = "<1896.697@x.example>";
pub(in crate::fuzzing) const CLIENT_NONCE: &str = "fyko+d2l";
pub(in crate::fuzzing) const SERVER_NONCE: &str = "3rfcNHYJ";
pub(in crate::fuzzing) const SALT: &[u8] = b"ten octets";
pub(super) const HOST: &str = "pop.example";
pub(super) const PORT: u16 = 995;
/// Whom `USER` may act for.
pub(super) const SHARED: &str = "shared";
/// What a client does.
pub(super) const ITERATIONS: RangeInclusive<u32> = 2..=8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Login,
    CramMd5,
    XOAuth2,
    OAuthBearer,
    External,
    Anonymous,
    Scram(ScramHash),
}

/// What a client makes of channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Unsupported,
    NotOffered,
    Exporter,
    EndPoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    WithoutPlus,
    BesidePlus,
    /// -PLUS with `tls-exporter`.
    Exporter,
    /// -PLUS with `tls-server-end-point` too.
    Both,
}

/// What a back end says that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Unavailable,
    Refused,
    OfAnotherKind,
    /// There is a secret, and it is nothing.
    Empty,
    Token,
}

#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) kind: Kind,
    pub(super) authorization: Option<&'static str>,
    pub(super) bound: Bound,
    pub(super) offer: Offer,
    /// The client has a wrong password or token.
    pub(super) wrong: bool,
    pub(super) iterations: NonZeroU32,
    /// A client of OAUTHBEARER says where it connected to, and the server knows where that has to be.
    pub(super) placed: bool,
    /// Which question is answered how.
    pub(super) bad: Option<(usize, Bad)>,
}

pub(in crate::fuzzing) fn bindings() -> [ChannelBinding; 2] {
    let end_point = ChannelBinding::tls_server_end_point(b"certificate").expect("not empty");
    [ChannelBinding::tls_exporter(&[0x5a; 32]), end_point]
}

impl Setup {
    pub(super) fn password(&self) -> &'static str {
        if self.wrong { "hunter3" } else { PASSWORD }
    }

    pub(super) fn client(&self) -> Box<dyn Mechanism> {
        let [exporter, end_point] = bindings();
        let token = Secret::new(if self.wrong { "stale" } else { TOKEN });
        let (name, password) = (self.authorization, Secret::new(self.password()));
        let made = match self.kind {
            Kind::Plain => Plain::new(name, USER, password).map(boxed),
            Kind::Login => Login::new(USER, password).map(boxed),
            Kind::CramMd5 => CramMd5::new(USER, password).map(boxed),
            Kind::XOAuth2 => XOAuth2::new(name.unwrap_or(USER), token).map(boxed),
            Kind::OAuthBearer if self.placed => OAuthBearer::new(name, token)
                .and_then(|made| made.connected_to(HOST, PORT))
                .map(boxed),
            Kind::OAuthBearer => OAuthBearer::new(name, token).map(boxed),
            Kind::External => External::new(name).map(boxed),
            Kind::Anonymous => Anonymous::new("just looking").map(boxed),
            Kind::Scram(hash) => {
                let binding = match self.bound {
                    Bound::Unsupported => Binding::Unsupported,
                    Bound::NotOffered => Binding::NotOffered,
                    Bound::Exporter => Binding::Bound(exporter),
                    Bound::EndPoint => Binding::Bound(end_point),
                };
                let scram = Scram::new(hash, name, USER, password, CLIENT_NONCE, binding);
                scram.map(|scram| boxed(scram.with_iterations(ITERATIONS)))
            }
        };
        made.expect("well-formed")
    }

    pub(super) fn acceptor(&self) -> Box<dyn Acceptor> {
        if self.kind == Kind::OAuthBearer && self.placed {
            let acceptor = OAuthBearerAcceptor::new(failure()).serving(HOST, PORT);
            return Box::new(acceptor.expect("a host"));
        }
        let hash = if let Kind::Scram(hash) = self.kind { hash } else { ScramHash::Sha1 };
        let name = match self.kind {
            Kind::Plain => MechanismName::PLAIN,
            Kind::Login => MechanismName::LOGIN,
            Kind::CramMd5 => MechanismName::CRAM_MD5,
            Kind::XOAuth2 => MechanismName::XOAUTH2,
            Kind::OAuthBearer => MechanismName::OAUTHBEARER,
            Kind::External => MechanismName::EXTERNAL,
            Kind::Anonymous => MechanismName::ANONYMOUS,
            Kind::Scram(hash) => hash.mechanism(self.offers_plus()),
        };
        let offered = match self.offer {
            Offer::WithoutPlus => vec![name],
            _ => vec![name, hash.mechanism(true)],
        };
        let key = Secret::new("the server's own key");
        let acceptors = Acceptors {
            offered: &offered,
            nonce: SERVER_NONCE,
            challenge: &ApopTimestamp::new(CHALLENGE).expect("a msg-id"),
            decoy: &ScramDecoy::new(key, self.iterations, SALT.len()).expect("a key"),
            bindings: &bindings()[..if self.offer == Offer::Both { 2 } else { 1 }],
            failure: &failure(),
        };
        let acceptor = acceptors.make(name).expect("every mechanism");
        assert_eq!(acceptor.name(), name);
        acceptor
    }

    pub(super) fn offers_plus(&self) -> bool {
        matches!(self.offer, Offer::Exporter | Offer::Both)
    }

    /// The data of the channel, for a client that names its type.
    pub(super) fn channel(&self, name: &str) -> Option<&'static [u8]> {
        match (self.offer, name) {
            (Offer::Exporter | Offer::Both, "tls-exporter") => Some(&[0x5a; 32]),
            (Offer::Both, "tls-server-end-point") => Some(b"certificate"),
            _ => None,
        }
    }
}

fn boxed(mechanism: impl Mechanism + 'static) -> Box<dyn Mechanism> {
    Box::new(mechanism)
}

pub(in crate::fuzzing) fn failure() -> TokenFailure {
    TokenFailure::new("invalid_token").expect("printable")
}

fn named(name: &str) -> Mailbox {
    Mailbox::new(name).expect("RFC 1939 §7")
}

pub(super) fn identity(authorization: &str) -> Identity {
    Identity::new(named(USER), named(authorization))
}

/// What an acceptor says, all of its questions answered.
#[derive(Debug)]
pub(super) enum Said {
    Challenge(Secret),
    End(Result<Identity, Refusal>),
}

/// Who knows the users.
pub(super) struct BackEnd {
    /// The password of `USER`; without one there is no such user.
    password: Option<&'static str>,
    iterations: NonZeroU32,
    bad: Option<(usize, Bad)>,
    asked: usize,
    /// A question was answered as it should not be.
    pub(super) failed: bool,
    /// Whom it allowed to act for whom, just now.
    allowed: Option<Identity>,
}

impl BackEnd {
    pub(super) fn new(setup: &Setup) -> Self {
        Self { bad: setup.bad, ..Self::with(setup, Some(PASSWORD)) }
    }

    pub(super) fn with(setup: &Setup, password: Option<&'static str>) -> Self {
        let iterations = setup.iterations;
        Self { password, iterations, bad: None, asked: 0, failed: false, allowed: None }
    }

    /// One turn of `acceptor`.
    pub(super) fn say(&mut self, acceptor: &mut dyn Acceptor, input: Input<'_>) -> Said {
        let mut step = acceptor.step(input);
        for _ in 0..3 {
            match step {
                Step::Challenge(challenge) => return Said::Challenge(challenge),
                Step::Done(identity) => {
                    assert!(!self.failed, "let in by a back end that did not say so");
                    let same = identity.authentication == identity.authorization;
                    assert!(same || self.allowed.as_ref() == Some(&identity), "it did not ask");
                    return Said::End(Ok(identity));
                }
                Step::Refused(refusal) => return Said::End(Err(refusal)),
                Step::Ask(question) => {
                    self.allowed = None;
                    step = acceptor.step(Input::Answer(self.answer(&question)));
                }
            }
        }
        panic!("I2: it asks without end");
    }

    fn answer(&mut self, question: &Question) -> Answer {
        self.asked += 1;
        if let Some((_, bad)) = self.bad.filter(|(at, _)| at + 1 == self.asked) {
            self.failed = true;
            return bad.answer(question, self.iterations);
        }
        let password = self.password.map(Secret::new);
        let is_user = |mailbox: &Mailbox| mailbox.as_str() == USER;
        let answer = match question {
            Question::Verify { mailbox, password: shown } => {
                let right = is_user(mailbox) && password.as_ref() == Some(shown);
                right.then_some(Answer::Accepted)
            }
            Question::Secret { mailbox } => {
                password.filter(|_| is_user(mailbox)).map(Answer::Secret)
            }
            Question::ScramKeys { mailbox, hash } => {
                let keys = |password| ScramKeys::derive(*hash, &password, SALT, self.iterations);
                let keys = password.filter(|_| is_user(mailbox)).map(keys);
                keys.map(|keys| Answer::ScramKeys(keys.expect("a salt")))
            }
            Question::Token { token, .. } => {
                (token.expose() == TOKEN.as_bytes()).then(|| Answer::Identified(named(USER)))
            }
            Question::Anonymous { .. } => Some(Answer::Identified(named("anonymous"))),
            Question::External { .. } => Some(Answer::Identified(named(USER))),
            Question::Authorize { authentication, authorization } => {
                assert_ne!(authentication, authorization);
                let allowed = is_user(authentication) && authorization.as_str() == SHARED;
                let identity = Identity::new(authentication.clone(), authorization.clone());
                self.allowed = allowed.then_some(identity);
                allowed.then_some(Answer::Accepted)
            }
        };
        answer.unwrap_or(Answer::Refused)
    }
}

impl Bad {
    fn answer(self, question: &Question, iterations: NonZeroU32) -> Answer {
        match (self, question) {
            (Self::Unavailable, _) => Answer::Unavailable,
            (Self::Refused, _) => Answer::Refused,
            (Self::Empty, Question::Secret { .. }) => Answer::Secret(Secret::new([])),
            (Self::Token, _) => Answer::TokenRefused(failure()),
            (_, Question::Verify { .. } | Question::Authorize { .. }) => {
                Answer::Identified(named(USER))
            }
            // What is stored for one hash is nothing for another.
            (_, Question::ScramKeys { hash, .. }) => {
                let other =
                    if *hash == ScramHash::Sha1 { ScramHash::Sha256 } else { ScramHash::Sha1 };
                let keys = ScramKeys::derive(other, &Secret::new(PASSWORD), SALT, iterations);
                Answer::ScramKeys(keys.expect("a salt"))
            }
            _ => Answer::Accepted,
        }
    }
}
