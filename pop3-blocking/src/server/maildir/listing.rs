//! What lies in a Maildir when it is opened.

use std::io;

use rustix::fs::Stat;

use super::duplicates::settle;
use super::folders::Folders;
use super::name::File;

/// How often the folders are read again because something moved meanwhile.
const ATTEMPTS: usize = 3;

/// A message, as the folder knows it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) file: File,
    /// More names of the same file under the same base name.
    pub(super) links: Vec<File>,
    pub(super) stamp: Stamp,
    pub(super) inode: u64,
}

/// By which a file that was changed is told from the one that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    /// Seconds and nanoseconds.
    pub(super) modified: (i64, u32),
    pub(super) length: u64,
}

impl Listed {
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_fallible_conversions,
        reason = "the fields have other types elsewhere"
    )]
    pub(super) fn new(file: File, stat: &Stat) -> Self {
        let seconds = i64::try_from(stat.st_mtime).unwrap_or_default();
        let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
        let length = u64::try_from(stat.st_size).unwrap_or_default();
        let inode = u64::try_from(stat.st_ino).unwrap_or_default();
        let stamp = Stamp { modified: (seconds, nanoseconds), length };
        Self { file, links: Vec::new(), stamp, inode }
    }
}

/// The messages of a Maildir in the order of their numbers, no two with one base name.
pub(super) fn list(folders: &Folders) -> io::Result<Vec<Listed>> {
    let mut attempt = 1;
    loop {
        let (mut messages, moved) = list_once(folders)?;
        if !moved || attempt == ATTEMPTS {
            settle(folders, &mut messages)?;
            return Ok(messages);
        }
        attempt += 1;
    }
}

/// The messages in any order, and whether one was gone again before it was looked at.
fn list_once(folders: &Folders) -> io::Result<(Vec<Listed>, bool)> {
    let mut files = Vec::new();
    folders.each(|place, name| files.push(File::new(place, name)))?;
    let mut messages = Vec::with_capacity(files.len());
    let mut moved = false;
    for file in files {
        match folders.stat(&file)? {
            Some(stat) => messages.push(Listed::new(file, &stat)),
            None => moved = true,
        }
    }
    Ok((messages, moved))
}
