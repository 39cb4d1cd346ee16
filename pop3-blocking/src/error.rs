//! What can go wrong, by blame.

use std::fmt;
use std::io;

use pop3_proto::client::{LoginError, ProtocolError, SendError, Update};
use pop3_proto::{Advice, CredentialProblem, InvalidValue, Response, Text};

use crate::address::AddressError;
use crate::tls::{TlsError, TlsErrorKind};

/// Why an operation failed.
///
/// A server's `-ERR` leaves the session usable, and so do [`Error::Send`], [`Error::Invalid`],
/// [`Error::TooLarge`] (if what is left of the message is within the session's drain limit) and
/// [`Error::MalformedItem`]. Everything else ends it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The transport failed, or could not be connected.
    Io(io::Error),
    /// TLS could not be begun, or it broke. If it could not be begun, nothing of POP3 was sent.
    Tls(TlsError),
    /// The server broke the protocol, closed too early or fell silent.
    Protocol(ProtocolError),
    /// The server refused: `-ERR`.
    Refused(Response),
    /// TLS could not be begun by STLS, or nobody could be logged in.
    Login(LoginError),
    /// The server closed the connection between replies; the farewell is what it said before.
    Closed {
        /// A `-ERR` line that nothing had asked for.
        farewell: Option<Response>,
    },
    /// The session did not take the command: the caller's fault.
    Send(SendError),
    /// A value was refused: the caller's fault.
    Invalid(InvalidValue),
    /// A URL was refused: the caller's fault.
    Address(AddressError),
    /// A line of a listing is no item; the listing goes on.
    MalformedItem(Text),
    /// A message is larger than the caller allowed to collect.
    TooLarge {
        /// The limit in octets.
        limit: u64,
    },
    /// The server answered, within the protocol, with something else than its command calls for.
    Unexpected,
}

impl Error {
    /// Whether something did not come in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Protocol(error) => matches!(error, ProtocolError::TimedOut { .. }),
            Self::Io(error) => error.kind() == io::ErrorKind::TimedOut,
            Self::Tls(error) => error.kind() == TlsErrorKind::TimedOut,
            _ => false,
        }
    }

    /// Whether TLS is the problem: a certificate, a handshake, a record that is not what was sent.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether the server says that the credentials are the problem (RFC 3206 §5). Many servers
    /// refuse wrong credentials without saying so: then the place where the error came from tells.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        self.response()
            .is_some_and(|response| response.credential_problem() == CredentialProblem::Yes)
    }

    /// Whether the same may succeed later without anybody doing anything (RFC 2449 §8.1, RFC 3206 §4).
    /// Only response codes that the server announced count.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.response().and_then(Response::advice),
            Some(Advice::RetryLater | Advice::Wait)
        ) || matches!(self, Self::Send(error) if error.is_transient())
    }

    /// Whether the server broke the protocol.
    #[must_use]
    pub fn is_protocol(&self) -> bool {
        matches!(self, Self::Protocol(error) if !matches!(error, ProtocolError::TimedOut { .. }))
    }

    /// The server's `-ERR`, if there is one behind the error.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Refused(response) | Self::Login(LoginError::StlsRefused(response)) => {
                Some(response)
            }
            Self::Login(LoginError::Refused(refused)) => Some(&refused.response),
            Self::Closed { farewell } => farewell.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
            Self::Refused(response) if response.text.is_empty() => {
                f.write_str("the server refused")
            }
            Self::Refused(response) => write!(f, "the server refused: {}", response.text),
            Self::Login(error) => error.fmt(f),
            Self::Closed { farewell: None } => f.write_str("the server closed the connection"),
            Self::Closed { farewell: Some(response) } => {
                write!(f, "the server closed the connection: {}", response.text)
            }
            Self::Send(error) => error.fmt(f),
            Self::Invalid(error) => error.fmt(f),
            Self::Address(error) => error.fmt(f),
            Self::MalformedItem(text) => {
                write!(f, "the server's reply has a malformed line: \"{text}\"")
            }
            Self::TooLarge { limit } => write!(f, "the message has more than {limit} octets"),
            Self::Unexpected => f.write_str("the server's answer does not fit the command"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Protocol(error) => Some(error),
            Self::Login(error) => Some(error),
            Self::Send(error) => Some(error),
            Self::Invalid(error) => Some(error),
            Self::Address(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    /// An error that a [`Body`](crate::Body) or TLS wrapped for `std::io` is unwrapped again.
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(error) => return error,
            Err(error) => error,
        };
        #[cfg(feature = "tls")]
        let error = match error.downcast::<rustls::Error>() {
            Ok(error) => return Self::Tls(error.into()),
            Err(error) => error,
        };
        error.downcast::<TlsError>().map_or_else(Self::Io, Self::Tls)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(_) => {
                let Error::Io(error) = error else { return Self::other(error) };
                return error;
            }
            Error::Tls(error) => error.io_kind(),
            Error::Protocol(ProtocolError::TimedOut { .. }) => io::ErrorKind::TimedOut,
            Error::Protocol(ProtocolError::UnexpectedEof { .. }) => io::ErrorKind::UnexpectedEof,
            Error::Protocol(_) | Error::MalformedItem(_) | Error::Unexpected => {
                io::ErrorKind::InvalidData
            }
            Error::Closed { .. } => io::ErrorKind::ConnectionAborted,
            Error::Login(LoginError::Unfit { .. })
            | Error::Send(_)
            | Error::Invalid(_)
            | Error::Address(_) => io::ErrorKind::InvalidInput,
            Error::Login(_) => io::ErrorKind::PermissionDenied,
            Error::Refused(_) | Error::TooLarge { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<LoginError> for Error {
    /// What has a name of its own here keeps it.
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Protocol(error) => Self::Protocol(error),
            LoginError::Send(error) => Self::Send(error),
            LoginError::Invalid(error) => Self::Invalid(error),
            LoginError::NoService(response) => Self::Refused(response),
            LoginError::Closed(farewell) => Self::Closed { farewell },
            error => Self::Login(error),
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<InvalidValue> for Error {
    fn from(error: InvalidValue) -> Self {
        Self::Invalid(error)
    }
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

/// QUIT was not answered: what became of the deletions, and why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct QuitError {
    /// [`Update::Unknown`] if QUIT had left in TRANSACTION.
    pub update: Update,
    /// Why.
    pub error: Error,
}

impl QuitError {
    /// For an adapter: QUIT was not answered because of `error`.
    #[must_use]
    pub const fn new(update: Update, error: Error) -> Self {
        Self { update, error }
    }
}

impl fmt::Display for QuitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.error, self.update)
    }
}

impl std::error::Error for QuitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<QuitError> for Error {
    fn from(error: QuitError) -> Self {
        error.error
    }
}
