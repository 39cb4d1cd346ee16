//! How a message becomes a file: written to `tmp/`, synced, given its name in `new/`, and the folder
//! synced. What stands in `new/` is whole, whenever the machine stops.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// What the names begin with that files have in `tmp/`.
const OURS: &str = "pop3-fetch.";

/// The age at which a file in `tmp/` is nobody's any more, by the rules of Maildir.
const STALE: Duration = Duration::from_secs(36 * 60 * 60);

/// Octets moved at a time.
pub(crate) const BLOCK: usize = 64 * 1024;

/// A Maildir that this run delivers into.
#[derive(Debug)]
pub(crate) struct Maildir {
    root: PathBuf,
    /// Makes names unique: no other run has it.
    run: String,
    begun: u64,
    writing: Writing,
}

/// The files in `tmp/` that are being written. Whoever makes a file or gives it its final name does
/// so under the lock: for whom holds it, that has been done entirely, and is on record, or has not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writing(Arc<Mutex<HashSet<PathBuf>>>);

impl Writing {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Maildir {
    /// Opens a Maildir, making what is missing of it.
    pub(crate) fn open(root: &Path, writing: Writing) -> Result<Self, Failure> {
        for folder in ["tmp", "new", "cur"] {
            make(&root.join(folder))?;
        }
        remove_stale(&root.join("tmp"));
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let random = std::hash::RandomState::new().build_hasher().finish();
        let run = format!("{OURS}{seconds}.{}.{random:016x}", process::id());
        Ok(Self { root: root.to_owned(), run, begun: 0, writing })
    }

    /// Shows every file in `new/` and then in `cur/`. In this order no message is missed that a mail
    /// program moves meanwhile; it may be shown twice.
    pub(crate) fn for_each(&self, mut see: impl FnMut(&str, &DirEntry)) -> Result<(), Failure> {
        for folder in ["new", "cur"].map(|folder| self.root.join(folder)) {
            for entry in fs::read_dir(&folder).map_err(Failure::disk("read", &folder))? {
                let entry = entry.map_err(Failure::disk("read", &folder))?;
                if let Some(name) = entry.file_name().to_str() {
                    see(name, &entry);
                }
            }
        }
        Ok(())
    }

    /// Begins to write a message. Dropped unfinished, it leaves nothing behind.
    pub(crate) fn begin(&mut self) -> Result<Delivery, Failure> {
        self.begun += 1;
        let name = format!("{}.{}", self.run, self.begun);
        let path = self.root.join("tmp").join(&name);
        let mut writing = self.writing.lock();
        let file = create(&path).map_err(Failure::disk("create", &path))?;
        writing.insert(path.clone());
        drop(writing);
        Ok(Delivery {
            writing: self.writing.clone(),
            new: self.root.join("new"),
            file: BufWriter::with_capacity(BLOCK, file),
            path,
            name,
            octets: 0,
            ended: false,
        })
    }

    /// Makes sure that names in `new/` and `cur/` survive a power cut: also those that a run made
    /// which was killed before it could.
    pub(crate) fn sync(&self) -> Result<(), Failure> {
        sync_folder(&self.root.join("new"))?;
        sync_folder(&self.root.join("cur"))
    }
}

/// A message that is being written.
#[derive(Debug)]
pub(crate) struct Delivery {
    writing: Writing,
    new: PathBuf,
    file: BufWriter<File>,
    path: PathBuf,
    name: String,
    octets: u64,
    ended: bool,
}

impl Delivery {
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.file.write_all(octets).map_err(Failure::disk("write", &self.path))?;
        self.octets += u64::try_from(octets.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    pub(crate) const fn octets(&self) -> u64 {
        self.octets
    }

    /// Whether the message, all of it written, is what a file holds. A file that has gone is not.
    pub(crate) fn is_the_same_as(&mut self, file: &Path) -> Result<bool, Failure> {
        self.file.flush().map_err(Failure::disk("write", &self.path))?;
        let other = match File::open(file) {
            Ok(other) => other,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Failure::disk("read", file)(error)),
        };
        let written = File::open(&self.path).map_err(Failure::disk("read", &self.path))?;
        same_octets(written, other).map_err(Failure::disk("compare with", file))
    }

    /// Delivers the message into `new/`, under `name` or one that no other message has. What another
    /// run has delivered there meanwhile stays: if it is this message there is nothing left to do.
    pub(crate) fn finish(mut self, name: Option<&str>) -> Result<(), Failure> {
        self.file.flush().map_err(Failure::disk("write", &self.path))?;
        self.file.get_ref().sync_all().map_err(Failure::disk("sync", &self.path))?;
        let own = self.new.join(&self.name);
        let mut to = name.map_or_else(|| own.clone(), |name| self.new.join(name));
        if !self.put(&to)? {
            if self.is_the_same_as(&to)? {
                return sync_folder(&self.new);
            }
            to = own;
            if !self.put(&to)? {
                return Err(Failure::disk("deliver into", &to)(
                    io::ErrorKind::AlreadyExists.into(),
                ));
            }
        }
        self.ended = true;
        sync_folder(&self.new)
    }

    /// Gives the file its final name; `false` if there is a file of that name.
    fn put(&self, to: &Path) -> Result<bool, Failure> {
        let mut writing = self.writing.lock();
        match fs::hard_link(&self.path, to) {
            // If this fails, it is a second name in tmp/: harmless.
            Ok(()) => drop(fs::remove_file(&self.path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            // Not every file system has links.
            Err(_) => fs::rename(&self.path, to).map_err(Failure::disk("deliver into", to))?,
        }
        writing.remove(&self.path);
        Ok(true)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.ended {
            let mut writing = self.writing.lock();
            // If this fails, it is a file in tmp/ as a power cut leaves it: harmless.
            let _ = fs::remove_file(&self.path);
            writing.remove(&self.path);
        }
    }
}

/// Makes a folder, and those above it, that nobody else can look into.
fn make(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = match folder.parent() {
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
        None => Path::new("."),
    };
    if above != Path::new(".") {
        make(above)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => {
            Err(Failure::disk("make the folder", folder)(error))
        }
        _ => sync_folder(above),
    }
}

/// Makes a file that did not exist, and that nobody else can read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Elsewhere a folder cannot be opened like a file.
fn sync_folder(folder: &Path) -> Result<(), Failure> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(Failure::disk("sync", folder))?;
    }
    Ok(())
}

/// Removes what killed runs have left. Only the age says that nobody writes a file any more: a
/// process-id proves nothing about a folder that several machines share. A file of another program
/// is that program's.
fn remove_stale(tmp: &Path) {
    let is_ours = |name: OsString| name.to_str().is_some_and(|name| name.starts_with(OURS));
    let is_old = |metadata: fs::Metadata| {
        let age = metadata.modified().ok().and_then(|then| then.elapsed().ok());
        metadata.is_file() && age.is_some_and(|age| age > STALE)
    };
    for entry in fs::read_dir(tmp).into_iter().flatten().flatten() {
        if is_ours(entry.file_name()) && entry.metadata().is_ok_and(is_old) {
            // The next run may do it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn same_octets(mut a: impl Read, mut b: impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let (in_left, in_right) = (fill(&mut a, &mut left)?, fill(&mut b, &mut right)?);
        if left[..in_left] != right[..in_right] {
            return Ok(false);
        }
        if in_left == 0 {
            return Ok(true);
        }
    }
}

/// Reads until `buffer` is full or there is no more.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
