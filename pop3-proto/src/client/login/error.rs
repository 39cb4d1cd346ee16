//! Why there is no login.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::Method;
use crate::client::{CancelReason, ProtocolError, SendError};
use crate::{InvalidValue, MechanismName, Response, Text};

/// Why a session could not be opened, or nobody logged in.
///
/// After [`LoginError::Refused`], [`LoginError::NoMethod`], [`LoginError::Unfit`],
/// [`LoginError::Invalid`] and [`LoginError::Send`] (but for [`SendError::Over`]) the session stands in
/// AUTHORIZATION, and another login may be tried. Nothing here tries a weaker method by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// The server broke the protocol.
    Protocol(ProtocolError),
    /// The session did not take a command; [`SendError::NotProtected`] if the policy forbids what the
    /// login would send in clear.
    Send(SendError),
    /// The credentials do not fit the method.
    Invalid(InvalidValue),
    /// The greeting was negative: no service.
    NoService(Response),
    /// The server closed the connection; the farewell is what it said before, unless it may tell the
    /// secret.
    Closed(Option<Response>),
    /// TLS is required, and the server does not offer STLS.
    StlsNotOffered,
    /// TLS was to begin, and the server refused STLS, which it had offered or which is required.
    StlsRefused(Response),
    /// The server offers no method that is acceptable and for which the credentials are enough.
    NoMethod {
        /// The first [`LoginError::MAX_ANNOUNCED`] mechanisms that it announced.
        announced: Vec<MechanismName>,
    },
    /// The method that was asked for cannot be had with these credentials here.
    Unfit {
        /// Which method.
        method: Method,
        /// Why not.
        reason: Unfit,
    },
    /// The server refused the credentials, or the mechanism did not accept the server.
    Refused(Box<RefusedLogin>),
}

impl LoginError {
    /// Mechanisms that [`LoginError::NoMethod`] names at most: far more than there are, and far fewer than a
    /// server can list.
    pub const MAX_ANNOUNCED: usize = 64;
}

/// Why a method cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unfit {
    /// It takes another kind of credentials, or this build does not have it.
    Credentials,
    /// It takes names and passwords in ASCII only: SCRAM and APOP unless they can be prepared (RFC 5802
    /// §2.2), see [`Login::with_preparation`](super::Login::with_preparation); APOP, USER and PASS unless
    /// the server announces `UTF8 USER` (RFC 6856 §2.2).
    NotAscii,
    /// The name or the password is no UTF-8, or holds what its preparation prohibits (RFC 4013 §2.3).
    Prohibited,
    /// The name has more characters than LOGIN takes, 63 (draft-murchison-sasl-login-00 §2).
    TooLong,
    /// It cannot say that another's maildrop is wanted.
    Authorization,
    /// There is no TLS to bind it to (RFC 5802 §6).
    ChannelBinding,
    /// The caller gave no nonce: [`Login::with_nonce`](super::Login::with_nonce).
    Nonce,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "it is not for such credentials, or not in this build",
            Self::NotAscii => "it takes names and passwords in ASCII only",
            Self::Prohibited => "the name or the password holds what is prohibited in it",
            Self::TooLong => "the name is too long for it",
            Self::Authorization => "it cannot open another's maildrop",
            Self::ChannelBinding => "there is no TLS to bind it to",
            Self::Nonce => "there is no nonce",
        })
    }
}

/// A login that the server refused, or that the mechanism gave up.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedLogin {
    /// How the login was tried.
    pub method: Method,
    /// The server's `-ERR`.
    pub response: Response,
    /// What the server said of it before, as OAUTHBEARER and XOAUTH2 have it.
    pub detail: Option<Text>,
    /// Why the client gave the exchange up, if it did.
    pub cancelled: Option<CancelReason>,
    /// Nobody can say that the server does not echo the credentials.
    pub(super) echoes: bool,
}

impl RefusedLogin {
    /// Whether what the server said may be shown: not if it tells the secret, as it is or in base64, or
    /// holds what may be a digest of it, nor if a mechanism of the caller's own alone knows that secret. `Display` withholds it then.
    #[must_use]
    pub const fn may_be_shown(&self) -> bool {
        !self.echoes
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Invalid(error) => error.fmt(f),
            Self::NoService(response) => write!(f, "the server refused service: {}", response.text),
            Self::Closed(None) => f.write_str("the server closed the connection"),
            Self::Closed(Some(farewell)) => {
                write!(f, "the server closed the connection: {}", farewell.text)
            }
            Self::StlsNotOffered => f.write_str("TLS is required and the server does not offer it"),
            Self::StlsRefused(response) => {
                write!(f, "the server refused to begin TLS: {}", response.text)
            }
            Self::NoMethod { announced } => {
                f.write_str("the server offers no acceptable way to log in")?;
                let mut separator = "; it announces ";
                for name in announced {
                    write!(f, "{separator}{name}")?;
                    separator = " ";
                }
                Ok(())
            }
            Self::Unfit { method, reason } => write!(f, "no login by {method}: {reason}"),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl fmt::Debug for RefusedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedLogin(\"{self}\")")
    }
}

impl fmt::Display for RefusedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, response, detail, cancelled, echoes } = self;
        match cancelled {
            Some(reason) => write!(f, "the login by {method} was given up: {reason}")?,
            None => write!(f, "the server refused the login by {method}")?,
        }
        if *echoes {
            return f.write_str(", with a text that is withheld: it may echo a credential");
        }
        if cancelled.is_none() && !response.text.is_empty() {
            write!(f, ": {}", response.text)?;
        }
        match detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Protocol(error) => Some(error),
            Self::Send(error) => Some(error),
            Self::Invalid(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ProtocolError> for LoginError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<SendError> for LoginError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<InvalidValue> for LoginError {
    fn from(error: InvalidValue) -> Self {
        Self::Invalid(error)
    }
}
