//! Why a run ends before its end.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pop3_blocking::pop3_proto::MessageNumber;

/// Why a run ends before its end. Text of the server is escaped wherever it is shown.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line cannot be.
    Usage(String),
    /// The server, or the way to it.
    Server { doing: Doing, error: pop3_blocking::Error },
    /// The server, before a login could begin, and what else the user should know.
    Connecting { to: String, error: Box<pop3_blocking::Error>, advice: &'static str },
    /// The login; without what the server said if that repeats a secret.
    Login { said: String },
    /// The disk.
    Disk { doing: &'static str, path: PathBuf, error: io::Error },
    /// Something else about this machine.
    Local { doing: &'static str, reason: String },
}

/// What was being done when the server failed.
#[derive(Clone, Debug)]
pub(crate) enum Doing {
    Command(&'static str),
    Fetching(MessageNumber),
    Deleting(MessageNumber),
}

impl Failure {
    pub(crate) fn usage(reason: impl fmt::Display) -> Self {
        Self::Usage(reason.to_string())
    }

    /// For `map_err`.
    pub(crate) fn server(doing: Doing) -> impl FnOnce(pop3_blocking::Error) -> Self {
        move |error| Self::Server { doing, error }
    }

    /// For `map_err`.
    pub(crate) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Disk { doing, path, error }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(reason) => f.write_str(reason),
            Self::Server { doing, error } => write!(f, "{doing}: {error}"),
            Self::Connecting { to, error, advice } => {
                write!(f, "connecting to {to}: {error}{advice}")
            }
            Self::Login { said } => write!(f, "login failed: {said}"),
            Self::Disk { doing, path, error } => {
                write!(f, "cannot {doing} {}: {error}", path.display())
            }
            Self::Local { doing, reason } => write!(f, "cannot {doing}: {reason}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Server { error, .. } => Some(error),
            Self::Connecting { error, .. } => Some(&**error),
            Self::Disk { error, .. } => Some(error),
            Self::Usage(_) | Self::Login { .. } | Self::Local { .. } => None,
        }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => f.write_str(command),
            Self::Fetching(message) => write!(f, "message {message}"),
            Self::Deleting(message) => write!(f, "message {message}, to be deleted"),
        }
    }
}
