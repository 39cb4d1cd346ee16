//! What the messages of a Maildir measure, kept from one login to the next.
//!
//! ```text
//! pop3-index 1 <SHA-256 of what follows, in hexadecimal digits> LF
//! <length> <modified: seconds> <nanoseconds> <octets> <base name> NUL
//! …
//! ```
//!
//! Records stand in the order of message-numbers. A file's name holds any octet but `/` and NUL.

use std::io::{self, Read as _, Write as _};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};

use super::folders::Folders;
use super::listing::Stamp;
use super::name::{Key, hex};

const NAME: &str = ".pop3-index";
const TEMPORARY: &str = ".pop3-index.tmp";
const HEADER: &[u8] = b"pop3-index 1 ";

/// Octets that a record has at most: four numbers, their spaces and a file's name.
const RECORD: u64 = 512;

/// The records of an index that was undamaged when it was read.
#[derive(Debug, Default)]
pub(super) struct Index(Vec<u8>);

/// What one message measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) key: Key<'a>,
    pub(super) stamp: Stamp,
    pub(super) octets: u64,
}

impl Index {
    /// The index of a Maildir; an empty one if there is none, if it is damaged, or if it is larger than
    /// one of so many messages can be: what another wrote does not decide about our memory.
    pub(super) fn read(folders: &Folders, messages: usize) -> Self {
        let limit =
            u64::try_from(messages).unwrap_or(u64::MAX).saturating_add(1).saturating_mul(RECORD);
        Self::read_within(folders, limit).unwrap_or_default()
    }

    fn read_within(folders: &Folders, limit: u64) -> io::Result<Self> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = std::fs::File::from(openat(folders.root(), NAME, flags, Mode::empty())?);
        let mut content = Vec::new();
        if file.metadata()?.len() <= limit {
            file.take(limit).read_to_end(&mut content)?;
        }
        Ok(Self::parse(content).unwrap_or_default())
    }

    fn parse(mut content: Vec<u8>) -> Option<Self> {
        let (digest, records) = content.strip_prefix(HEADER)?.split_at_checked(64)?;
        let records = records.strip_prefix(b"\n")?;
        if hex(records).as_bytes() != digest {
            return None;
        }
        let start = content.len() - records.len();
        content.drain(..start);
        Some(Self(content))
    }

    /// The records; what is none is left out.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.0.split_inclusive(|&octet| octet == 0).filter_map(|record| {
            let mut fields = record.strip_suffix(b"\0")?.splitn(5, |&octet| octet == b' ');
            let length = number(fields.next()?)?;
            let modified = (number(fields.next()?)?, number(fields.next()?)?);
            let octets = number(fields.next()?)?;
            let key = Key::of(fields.next()?);
            Some(Record { key, stamp: Stamp { modified, length }, octets })
        })
    }

    /// Puts these records in the place of the index: all of them, or none.
    pub(super) fn write<'a>(
        folders: &Folders,
        records: impl Iterator<Item = Record<'a>>,
    ) -> io::Result<()> {
        let mut content = Vec::new();
        for Record { key, stamp: Stamp { modified: (seconds, nanoseconds), length }, octets } in
            records
        {
            write!(content, "{length} {seconds} {nanoseconds} {octets} ")?;
            content.extend_from_slice(key.base);
            content.push(0);
        }
        let header = [HEADER, hex(&content).as_bytes(), b"\n"].concat();
        // Left by a process that died; nobody else writes while we hold the lock.
        let _ = unlinkat(folders.root(), TEMPORARY, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(folders.root(), TEMPORARY, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = std::fs::File::from(file);
        file.write_all(&header)?;
        file.write_all(&content)?;
        // Not synced: after a crash the digest tells whether it is whole.
        Ok(renameat(folders.root(), TEMPORARY, folders.root(), NAME)?)
    }
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
