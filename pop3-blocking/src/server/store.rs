//! What a server asks of the place where its maildrops live.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use pop3_proto::server::Entry;
use pop3_proto::{Mailbox, MessageNumber};

/// Where maildrops live. Shared by all connections, and by other runtimes' adapters through their
/// blocking pools.
pub trait Store: Send + Sync {
    /// A maildrop while it is open.
    type Maildrop: OpenMaildrop;

    /// Opens a maildrop and locks it against every other session, in this process and in others,
    /// until it is dropped (RFC 1939 §4). It does not wait for the lock.
    ///
    /// # Errors
    /// [`OpenError`] says why the client gets `-ERR`; nothing is locked then.
    fn open(&self, mailbox: &Mailbox) -> Result<Self::Maildrop, OpenError>;
}

/// A maildrop that is open: locked, and numbered from 1 on (RFC 1939 §4). Dropping it unlocks it and
/// removes nothing (RFC 1939 §6).
pub trait OpenMaildrop: Send {
    /// One entry a message, in the order of message-numbers; fixed while the maildrop is open.
    fn entries(&self) -> &[Entry];

    /// The octets of a message as they are stored, with any line ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if the message has vanished; otherwise what the storage says.
    fn message(&mut self, message: MessageNumber) -> io::Result<Box<dyn Read + Send>>;

    /// Removes messages for good: what QUIT does to those marked as deleted (RFC 1939 §6).
    ///
    /// It goes on behind a failure. Messages that are already gone count as removed.
    ///
    /// # Errors
    /// [`RemoveError`] if not all of them are gone for good.
    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError>;
}

/// Why a maildrop was not opened (RFC 1939 §4).
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another session has it open: the response code IN-USE (RFC 2449 §8.1.1).
    InUse,
    /// There is no such maildrop.
    Missing,
    /// It could not be locked or read.
    Io(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("the maildrop is in use by another session"),
            Self::Missing => f.write_str("there is no such maildrop"),
            Self::Io(error) => write!(f, "the maildrop cannot be opened: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::InUse | Self::Missing => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Some messages were not removed (RFC 1939 §6: `-ERR some deleted messages not removed`).
#[derive(Debug)]
#[non_exhaustive]
pub struct RemoveError {
    /// Messages that are gone.
    pub removed: usize,
    /// Messages that are still there. None if all were removed, but may come back after a crash.
    pub failed: usize,
    /// What went wrong first.
    pub error: io::Error,
}

impl RemoveError {
    /// `failed` messages are still there, `removed` are not; `error` came first.
    #[must_use]
    pub const fn new(removed: usize, failed: usize, error: io::Error) -> Self {
        Self { removed, failed, error }
    }
}

impl fmt::Display for RemoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removed, failed, error } = self;
        write!(f, "{failed} messages not removed, {removed} removed: {error}")
    }
}

impl std::error::Error for RemoveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

macro_rules! store_behind_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<S: Store + ?Sized> Store for $pointer {
            type Maildrop = S::Maildrop;

            fn open(&self, mailbox: &Mailbox) -> Result<Self::Maildrop, OpenError> {
                (**self).open(mailbox)
            }
        }
    )*};
}

store_behind_a_pointer!(&S, Arc<S>, Box<S>);

impl<M: OpenMaildrop + ?Sized> OpenMaildrop for Box<M> {
    fn entries(&self) -> &[Entry] {
        (**self).entries()
    }

    fn message(&mut self, message: MessageNumber) -> io::Result<Box<dyn Read + Send>> {
        (**self).message(message)
    }

    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError> {
        (**self).remove(messages)
    }
}

/// Where the message with this number stands among the entries.
pub(super) fn position(message: MessageNumber) -> usize {
    // A number beyond `usize` is beyond every maildrop.
    usize::try_from(message.value()).map_or(usize::MAX, |number| number - 1)
}

/// For a number that names no message of the maildrop.
pub(super) fn no_such_message() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there is no such message")
}
