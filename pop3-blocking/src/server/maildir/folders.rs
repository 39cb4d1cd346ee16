//! The folders of a Maildir, held open, and the files in them.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use super::super::store::OpenError;
use super::name::{File, Place};

/// A Maildir. Every name is looked up in a folder that is open already, so that neither a renamed
/// folder nor a link in its place leads elsewhere.
#[derive(Debug)]
pub(super) struct Folders {
    root: OwnedFd,
    cur: OwnedFd,
    new: OwnedFd,
}

impl Folders {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let open = || {
            let root = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            let inside = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let cur = openat(&root, "cur", inside, Mode::empty())?;
            let new = openat(&root, "new", inside, Mode::empty())?;
            Ok(Self { root, cur, new })
        };
        open().map_err(|error| match error {
            // A mailbox whose folder's name is too long has none.
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => OpenError::Missing,
            error => OpenError::Io(error.into()),
        })
    }

    /// The Maildir itself, where the lock and the index lie.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    pub(super) fn folder(&self, place: Place) -> BorrowedFd<'_> {
        match place {
            Place::Cur => self.cur.as_fd(),
            Place::New => self.new.as_fd(),
        }
    }

    /// Names every file that may be a message.
    ///
    /// A message moved meanwhile from `new` to `cur` may be named twice, but is not missed.
    pub(super) fn each(&self, mut each: impl FnMut(Place, &[u8])) -> io::Result<()> {
        for place in [Place::New, Place::Cur] {
            let mut folder = Dir::read_from(self.folder(place))?;
            while let Some(entry) = folder.read() {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                let plain = matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown);
                if plain && !name.starts_with(b".") {
                    each(place, name);
                }
            }
        }
        Ok(())
    }

    /// What the folder knows about a file; `None` if it is not there, or no plain file.
    pub(super) fn stat(&self, file: &File) -> io::Result<Option<Stat>> {
        match statat(self.folder(file.place), &*file.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(is_plain(&stat).then_some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file for reading, as far as it goes now: its end is known and not asked for again. `None`
    /// if it is not there, or no plain file.
    pub(super) fn read(&self, file: &File) -> io::Result<Option<io::Take<fs::File>>> {
        // NONBLOCK: a FIFO that has taken the place of a message does not hold us up.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        match openat(self.folder(file.place), &*file.name, flags, Mode::empty()) {
            Ok(opened) => {
                let stat = fstat(&opened)?;
                let length = u64::try_from(stat.st_size).unwrap_or_default();
                Ok(is_plain(&stat).then(|| fs::File::from(opened).take(length)))
            }
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file; whether it was there.
    pub(super) fn unlink(&self, file: &File) -> io::Result<bool> {
        match unlinkat(self.folder(file.place), &*file.name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_plain(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}
