//! Why there is no TLS.

use std::fmt;
use std::io;

use pop3_proto::Escaped;

#[cfg(feature = "tls")]
use crate::driver::is_end;

/// Octets of an underlying error's text that are shown at most: names in a certificate are the peer's.
const SHOWN: usize = 300;

/// TLS could not be begun, or it broke.
///
/// The text is bounded and escaped. [`source`](std::error::Error::source) is the `rustls::Error`
/// where there is one; its text may hold whatever the peer put into its certificate.
#[derive(Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// This build has no TLS: feature `tls` is off.
    Unsupported,
    /// A certificate, a key or a list of authorities cannot be used: the caller's fault.
    Configuration,
    /// The host is no name that a certificate could be for: the caller's fault.
    ServerName,
    /// The handshake did not end in time.
    TimedOut,
    /// The peer closed the connection within the handshake.
    Closed,
    /// The peer does not speak TLS.
    NotTls,
    /// The peers have no application protocol in common (ALPN, RFC 7301).
    NoApplicationProtocol,
    /// The certificate is for another name.
    WrongName,
    /// The certificate was issued by nobody who is trusted.
    UnknownIssuer,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotValidYet,
    /// Something else is wrong with the certificate.
    Certificate,
    /// Anything else: the peers do not agree, one of them broke TLS, or somebody is on the way.
    Failed,
}

impl TlsError {
    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    #[cfg(feature = "tls")]
    pub(crate) fn new(
        kind: TlsErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    pub(crate) const fn io_kind(&self) -> io::ErrorKind {
        match self.kind {
            TlsErrorKind::Unsupported => io::ErrorKind::Unsupported,
            TlsErrorKind::Configuration | TlsErrorKind::ServerName => io::ErrorKind::InvalidInput,
            TlsErrorKind::TimedOut => io::ErrorKind::TimedOut,
            TlsErrorKind::Closed => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match &self.source {
            Some(source) => {
                write!(f, ": {}", Escaped::bounded(source.to_string().as_bytes(), SHOWN))
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl fmt::Display for TlsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "TLS is not supported by this build",
            Self::Configuration => "the configuration of TLS cannot be used",
            Self::ServerName => "the host is no name that a certificate could be for",
            Self::TimedOut => "timed out waiting for the TLS handshake",
            Self::Closed => "the connection was closed within the TLS handshake",
            Self::NotTls => "the peer does not speak TLS",
            Self::NoApplicationProtocol => "the peer does not speak POP3 over TLS",
            Self::WrongName => "the certificate is for another name",
            Self::UnknownIssuer => "the certificate was issued by nobody who is trusted",
            Self::Expired => "the certificate has expired",
            Self::NotValidYet => "the certificate is not valid yet",
            Self::Certificate => "the certificate cannot be accepted",
            Self::Failed => "TLS failed",
        })
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

impl From<TlsErrorKind> for TlsError {
    fn from(kind: TlsErrorKind) -> Self {
        Self { kind, source: None }
    }
}

#[cfg(feature = "tls")]
impl From<io::Error> for TlsError {
    /// What a handshake came to that did not come to its end. What TLS wrapped for `std::io` is
    /// unwrapped again.
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(error) => return error,
            Err(error) => error,
        };
        match error.downcast::<rustls::Error>() {
            Ok(error) => error.into(),
            // The transport was given no more time than was left.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                TlsErrorKind::TimedOut.into()
            }
            Err(error) if is_end(&error) => TlsErrorKind::Closed.into(),
            Err(error) => Self::new(TlsErrorKind::Failed, error),
        }
    }
}

#[cfg(feature = "tls")]
impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        use rustls::{AlertDescription, CertificateError, InvalidMessage};
        let kind = match &error {
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => TlsErrorKind::WrongName,
                CertificateError::UnknownIssuer => TlsErrorKind::UnknownIssuer,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    TlsErrorKind::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    TlsErrorKind::NotValidYet
                }
                _ => TlsErrorKind::Certificate,
            },
            rustls::Error::NoApplicationProtocol
            | rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
                TlsErrorKind::NoApplicationProtocol
            }
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                TlsErrorKind::NotTls
            }
            _ => TlsErrorKind::Failed,
        };
        Self::new(kind, error)
    }
}
