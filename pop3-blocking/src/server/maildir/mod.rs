//! Maildrops as Maildirs.

mod duplicates;
mod folders;
mod index;
mod listing;
mod lock;
mod maildrop;
mod name;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use pop3_proto::Mailbox;

use super::store::{OpenError, Store};
use folders::Folders;
use lock::Lock;
pub use maildrop::MaildirMaildrop;
use name::folder_name;

/// Maildrops as Maildirs: folders with `new` and `cur`, and a file for each message.
///
/// What this store does to a Maildir:
///
/// * It lists `new` and `cur` and moves nothing from one to the other. A message is known by its base
///   name, which is what stands in front of `:2,`, so that other programs may move it and change its
///   flags while it is open here. Files whose names begin with a dot, symbolic links and whatever else
///   is no plain file are no messages.
/// * Messages are numbered in the order of their delivery: by the number that begins their names, then
///   by base name.
/// * The unique-id is the SHA-256 of the base name in hexadecimal digits. It survives moves, flags,
///   copies of the Maildir and the loss of every other file; as no base name is used twice, no unique-id
///   is (RFC 1939 §7).
/// * Where two messages have one base name, which no Maildir should have, the later one is renamed when
///   the maildrop is opened. A message with two links under one base name is one message.
/// * `.pop3-lock` is locked (`flock`) while the maildrop is open, by which a second session is told
///   [`OpenError::InUse`] at once. The system releases it when the process dies. Programs that know
///   nothing of it, such as delivery or IMAP servers, are not kept out; on network file systems it is
///   worth as much as their `flock`.
/// * `.pop3-index` keeps the sizes as they are sent, so that a login does not have to read each message
///   for the CRs that it lacks. It is a cache: a message whose length or modification time differ from
///   what it says is measured anew, and without it, or if it is damaged, all are.
///
/// Files are opened beneath the Maildir without following links, so that nobody who may write there
/// makes the server read what lies elsewhere. The Maildir itself may be reached through links. What
/// is created has mode 0600, folders 0700.
///
/// ```
/// use pop3_blocking::server::{Maildir, OpenMaildrop as _, Store as _};
/// use pop3_proto::Mailbox;
///
/// let root = tempfile::tempdir()?;
/// let (store, mrose) = (Maildir::folders(root.path()), Mailbox::new("mrose")?);
/// store.create(&mrose)?;
/// std::fs::write(root.path().join("mrose/new/813.1.dewey"), "Subject: tea\n\nAt five?\n")?;
/// let maildrop = store.open(&mrose)?;
/// assert_eq!(maildrop.entries()[0].octets, 26); // each LF is sent as CRLF
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Maildir {
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Folders(PathBuf),
    Single(Mailbox, PathBuf),
}

impl Maildir {
    /// A Maildir for each mailbox, beneath `root`.
    ///
    /// The folder is called as the mailbox is. Lower-case letters, digits, `-`, `@` and `.` stand for
    /// themselves, but for a `.` in front; every other octet is `_` and two hexadecimal digits. So each
    /// mailbox has a folder of its own, also where case is ignored, and none lies elsewhere: `Alice` has
    /// `_41lice`, `../x` has `_2e._2fx`.
    pub fn folders(root: impl Into<PathBuf>) -> Self {
        Self { layout: Layout::Folders(root.into()) }
    }

    /// One Maildir, for one mailbox; there are no others.
    pub fn single(mailbox: Mailbox, folder: impl Into<PathBuf>) -> Self {
        Self { layout: Layout::Single(mailbox, folder.into()) }
    }

    /// The Maildir of a mailbox, whether it is there or not; `None` if the store is for another mailbox.
    #[must_use]
    pub fn folder(&self, mailbox: &Mailbox) -> Option<PathBuf> {
        match &self.layout {
            Layout::Folders(root) => Some(root.join(folder_name(mailbox))),
            Layout::Single(only, folder) => (only == mailbox).then(|| folder.clone()),
        }
    }

    /// Makes the Maildir of a mailbox, as far as it is not there.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::NotFound`] if the store is for another mailbox.
    pub fn create(&self, mailbox: &Mailbox) -> io::Result<()> {
        let folder = self.folder(mailbox).ok_or(io::ErrorKind::NotFound)?;
        for name in ["tmp", "new", "cur"] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder.join(name))?;
        }
        Ok(())
    }
}

impl Store for Maildir {
    type Maildrop = MaildirMaildrop;

    /// As [`Store::open`]. Missing is a folder that is not there, or that has no `new` or `cur`.
    fn open(&self, mailbox: &Mailbox) -> Result<MaildirMaildrop, OpenError> {
        let folder = self.folder(mailbox).ok_or(OpenError::Missing)?;
        let folders = Folders::open(&folder)?;
        let lock = Lock::acquire(&folders)?;
        Ok(MaildirMaildrop::read(folders, lock)?)
    }
}
