//! The server's side of an exchange, and whom it asks.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::scram_keys::{ScramHash, ScramKeys};
use crate::error::InvalidValue;
use crate::{Mailbox, MechanismName, Secret, Text};

/// The server's side of one exchange: made for one AUTH, stepped until it says
/// [`Step::Done`] or [`Step::Refused`], then dropped.
///
/// Whoever drives it gives the client's messages without their base64 and answers its questions,
/// now or at any later time. Out of turn it refuses, whatever was said before.
pub trait Acceptor: fmt::Debug + Send + Sync {
    /// The name that follows AUTH.
    fn name(&self) -> MechanismName;

    /// Takes what came and says what is next.
    fn step(&mut self, input: Input<'_>) -> Step;
}

/// What an [`Acceptor`] is given.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "AUTH has no more to give (RFC 5034 §4)")]
pub enum Input<'a> {
    /// AUTH without an initial response.
    Start,
    /// AUTH with this initial response; for `=` it is empty.
    Initial(&'a [u8]),
    /// What the client answers to a [`Step::Challenge`].
    Response(&'a [u8]),
    /// What the back end answers to a [`Step::Ask`].
    Answer(Answer),
}

/// What an [`Acceptor`] wants next.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the driver has to do each of them")]
pub enum Step {
    /// Send this challenge; the client's line is the next input.
    Challenge(Secret),
    /// Put this question to the back end; its answer is the next input.
    Ask(Question),
    /// `+OK`: open the maildrop of [`Identity::authorization`].
    Done(Identity),
    /// `-ERR`, with what [`Refusal::text`] says.
    Refused(Refusal),
}

/// What only the back end knows.
///
/// A back end that does not know the user says [`Answer::Refused`] and nothing else: the acceptor
/// then takes the same steps as for any other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// Is this the password? [`Answer::Accepted`] or [`Answer::Refused`].
    Verify {
        /// Who the client says it is.
        mailbox: Mailbox,
        /// The password: UTF-8 for PLAIN, any octets for LOGIN.
        password: Secret,
    },
    /// The password itself, which CRAM-MD5 and APOP need: [`Answer::Secret`] or
    /// [`Answer::Refused`].
    Secret {
        /// Who the client says it is.
        mailbox: Mailbox,
    },
    /// What is stored for SCRAM: [`Answer::ScramKeys`] or [`Answer::Refused`].
    ScramKeys {
        /// Who the client says it is.
        mailbox: Mailbox,
        /// The keys of one hash are of no use with another.
        hash: ScramHash,
    },
    /// Whose token is this? [`Answer::Identified`], [`Answer::TokenRefused`] or
    /// [`Answer::Refused`].
    Token {
        /// XOAUTH2 or OAUTHBEARER.
        mechanism: MechanismName,
        /// Whose maildrop the client wants, if it says so. Whether the owner of the token may have
        /// it is asked afterwards.
        mailbox: Option<Mailbox>,
        /// The bearer token.
        token: Secret,
    },
    /// Is anybody let in, and as whom? [`Answer::Identified`] or [`Answer::Refused`].
    Anonymous {
        /// What the client says about itself, at most 255 characters; it may be empty, it may be a
        /// lie.
        trace: Text,
    },
    /// Whom does the certificate name that the adapter verified? [`Answer::Identified`] or
    /// [`Answer::Refused`]. Nothing that the client said is an answer to this.
    External {
        /// Whose maildrop the client wants, if it says so. Whether it may have it is asked
        /// afterwards.
        authorization: Option<Mailbox>,
    },
    /// May one act for the other? They differ. [`Answer::Accepted`] or [`Answer::Refused`].
    Authorize {
        /// Who it is, proven.
        authentication: Mailbox,
        /// Whose maildrop is wanted.
        authorization: Mailbox,
    },
}

/// What the back end says to a [`Question`], which says what it takes. Any other answer refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Yes.
    Accepted,
    /// Yes, and it is this one.
    Identified(Mailbox),
    /// The password.
    Secret(Secret),
    /// What is stored for SCRAM.
    ScramKeys(ScramKeys),
    /// No, for whatever reason: wrong, unknown, not allowed.
    Refused,
    /// No, and this is what the token lacks.
    TokenRefused(TokenFailure),
    /// Nobody knows at present: the back end is out of order.
    Unavailable,
}

/// Who logs in, as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Whose credentials were shown.
    pub authentication: Mailbox,
    /// Whose maildrop is opened. The back end said yes if it is another's.
    pub authorization: Mailbox,
}

impl Identity {
    /// An identity of an [`Acceptor`] that is not of this library.
    #[must_use]
    pub const fn new(authentication: Mailbox, authorization: Mailbox) -> Self {
        Self { authentication, authorization }
    }
}

/// Why nobody logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A message does not follow the mechanism's grammar, or came out of turn.
    Malformed,
    /// An initial response, where the server speaks first (RFC 5034 §4).
    InitialResponse,
    /// The client's channel binding does not fit the server's offer (RFC 5802 §6): somebody stands
    /// between them, or one of them is mistaken.
    ChannelBinding,
    /// Unknown user, wrong password, bad token, not allowed: nobody is told which.
    Credentials,
    /// The back end could not answer, or did not answer what it was asked.
    Unavailable,
}

impl Refusal {
    /// The text for the `-ERR` line; it repeats nothing that the client sent.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "malformed response",
            Self::InitialResponse => "no initial response with this mechanism",
            Self::ChannelBinding => "channel binding does not match",
            Self::Credentials => "authentication failed",
            Self::Unavailable => "authentication is not available at present",
        }
    }

    /// Whether credentials were judged: only then is it a failed login that counts, and `[AUTH]`
    /// (RFC 3206 §4) would be true.
    #[must_use]
    pub const fn is_failed_login(self) -> bool {
        matches!(self, Self::Credentials)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// What a server says of a token that it refuses (RFC 7628 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFailure {
    status: Box<str>,
    scope: Option<Box<str>>,
    openid_configuration: Option<Box<str>>,
}

impl TokenFailure {
    /// A failure with this status: `invalid_token` and its like for OAUTHBEARER, `401` and its like
    /// for XOAUTH2.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty, longer than 255 octets or not printable ASCII, or holds `"`
    /// or `\`.
    pub fn new(status: &str) -> Result<Self, InvalidValue> {
        Ok(Self { status: word(status)?, scope: None, openid_configuration: None })
    }

    /// With the scope that a token should have.
    ///
    /// # Errors
    /// As for [`TokenFailure::new`].
    pub fn with_scope(self, scope: &str) -> Result<Self, InvalidValue> {
        Ok(Self { scope: Some(word(scope)?), ..self })
    }

    /// With the address of the provider's configuration (`openid-configuration`), an `https` URL.
    ///
    /// # Errors
    /// As for [`TokenFailure::new`].
    pub fn with_openid_configuration(self, url: &str) -> Result<Self, InvalidValue> {
        Ok(Self { openid_configuration: Some(word(url)?), ..self })
    }

    /// The JSON of the challenge. Its strings hold nothing that JSON would escape.
    pub(super) fn challenge(&self, schemes: Option<&str>) -> Secret {
        let members = [
            Some(("status", &*self.status)),
            schemes.map(|schemes| ("schemes", schemes)),
            self.scope.as_deref().map(|scope| ("scope", scope)),
            self.openid_configuration.as_deref().map(|url| ("openid-configuration", url)),
        ];
        let mut json = Vec::new();
        for (name, value) in members.into_iter().flatten() {
            json.push(if json.is_empty() { b'{' } else { b',' });
            for part in ["\"", name, "\":\"", value, "\""] {
                json.extend_from_slice(part.as_bytes());
            }
        }
        json.push(b'}');
        Secret::new(json)
    }
}

fn word(text: &str) -> Result<Box<str>, InvalidValue> {
    super::octets::checked(text.as_bytes(), |octet| {
        matches!(octet, b' '..=b'~') && octet != b'"' && octet != b'\\'
    })?;
    Ok(text.into())
}
