//! The exclusive-access lock (RFC 1939 §4).

use std::os::fd::OwnedFd;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::{Errno, retry_on_intr};

use super::super::store::OpenError;
use super::folders::Folders;

/// Never removed: who holds a lock on a removed file holds nothing.
const NAME: &str = ".pop3-lock";

/// Held until it is dropped, or the process dies.
#[derive(Debug)]
pub(super) struct Lock(OwnedFd);

impl Lock {
    /// The lock, or `InUse` at once: each descriptor has its own, so that it also keeps out the other
    /// sessions of this process.
    pub(super) fn acquire(folders: &Folders) -> Result<Self, OpenError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = openat(folders.root(), NAME, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| OpenError::Io(error.into()))?;
        match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Self(file)),
            Err(Errno::WOULDBLOCK) => Err(OpenError::InUse),
            Err(error) => Err(OpenError::Io(error.into())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not release it while a child process has not yet closed its copy.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
