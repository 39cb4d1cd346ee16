//! A Maildir that is open.

use std::fs;
use std::io::{self, Read};

use pop3_proto::MessageNumber;
use pop3_proto::codec::WireOctets;
use pop3_proto::server::Entry;
use rustix::fs::fsync;
use rustix::io::Errno;

use super::super::store::{OpenMaildrop, RemoveError, no_such_message, position};
use super::folders::Folders;
use super::index::{Index, Record};
use super::listing::{Listed, Stamp, list};
use super::lock::Lock;
use super::name::{File, Place};

/// Octets that are read at once from a message that is measured.
const BLOCK: usize = 64 * 1024;

/// How often messages that are not where they were are looked for before they count as gone.
const SEARCHES: usize = 2;

/// A maildrop of [`Maildir`](super::Maildir) while it is open.
///
/// A message that is not where it was costs one reading of both folders, which finds all others that
/// have moved.
#[derive(Debug)]
pub struct MaildirMaildrop {
    folders: Folders,
    /// In the order of keys.
    messages: Vec<Message>,
    entries: Vec<Entry>,
    /// Released when everything else is done.
    _lock: Lock,
}

#[derive(Debug)]
struct Message {
    file: File,
    links: Vec<File>,
}

impl MaildirMaildrop {
    pub(super) fn read(folders: Folders, lock: Lock) -> io::Result<Self> {
        let (messages, stamps): (Vec<_>, Vec<_>) = list(&folders)?
            .into_iter()
            .map(|Listed { file, links, stamp, .. }| (Message { file, links }, stamp))
            .unzip();
        let mut maildrop = Self { folders, messages, entries: Vec::new(), _lock: lock };
        maildrop.note_sizes(stamps)?;
        Ok(maildrop)
    }

    /// Makes the entries: sizes from the index, as far as it fits, and the rest by reading.
    fn note_sizes(&mut self, stamps: Vec<Stamp>) -> io::Result<()> {
        let index = Index::read(&self.folders, stamps.len());
        let mut known = index.records().peekable();
        let mut stale = false;
        let mut measured = Vec::with_capacity(stamps.len());
        for (at, stamp) in stamps.into_iter().enumerate() {
            let key = self.messages[at].file.key();
            while known.next_if(|record| record.key < key).is_some() {
                stale = true;
            }
            if let Some(record) = known.next_if(|record| (record.key, record.stamp) == (key, stamp))
            {
                measured.push(Some((stamp, record.octets)));
            } else {
                stale = true;
                measured.push(self.measure(at)?.map(|octets| (stamp, octets)));
            }
        }
        stale |= known.next().is_some();

        // What vanished while others were measured is no message.
        let mut there = measured.iter().map(Option::is_some);
        self.messages.retain(|_| there.next().unwrap_or_default());
        let measured = || self.messages.iter().zip(measured.iter().flatten());
        let entries = measured()
            .map(|(message, &(_, octets))| Entry::new(octets, message.file.key().unique_id()));
        self.entries = entries.collect();
        if stale {
            let records = measured().map(|(message, &(stamp, octets))| Record {
                key: message.file.key(),
                stamp,
                octets,
            });
            // Without it the next login takes longer: no reason to refuse this one on a full disk.
            let _ = Index::write(&self.folders, records);
        }
        Ok(())
    }

    /// Counts a message as RETR will send it (RFC 1939 §11); `None` if it has vanished.
    fn measure(&mut self, at: usize) -> io::Result<Option<u64>> {
        let Some(mut file) = self.open(at)? else { return Ok(None) };
        let (mut octets, mut block) = (WireOctets::new(), vec![0; BLOCK]);
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(Some(octets.octets())),
                Ok(read) => octets.update(&block[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Opens a message, wherever it is by now; `None` if it has vanished.
    fn open(&mut self, at: usize) -> io::Result<Option<io::Take<fs::File>>> {
        let opened = self.folders.read(&self.messages[at].file)?;
        if opened.is_some() {
            return Ok(opened);
        }
        self.search()?;
        self.folders.read(&self.messages[at].file)
    }

    /// Notes where the messages are that are no longer where they were.
    fn search(&mut self) -> io::Result<()> {
        let Self { folders, messages, .. } = self;
        let mut in_place = vec![false; messages.len()];
        let mut moved = Vec::new();
        folders.each(|place, name| {
            let file = File::new(place, name);
            let found = messages.binary_search_by(|message| message.file.key().cmp(&file.key()));
            if let Ok(at) = found {
                if messages[at].file == file {
                    in_place[at] = true;
                } else {
                    moved.push((at, file));
                }
            }
        })?;
        for (at, file) in moved {
            if !in_place[at] {
                messages[at].file = file;
            }
        }
        Ok(())
    }

    /// Unlinks a message; whether it was where it should be.
    fn unlink(&self, message: &Message) -> io::Result<bool> {
        let mut there = self.folders.unlink(&message.file)?;
        for link in &message.links {
            there |= self.folders.unlink(link)?;
        }
        Ok(there)
    }

    /// Makes removals last.
    fn sync(&self) -> io::Result<()> {
        for place in [Place::Cur, Place::New] {
            match fsync(self.folders.folder(place)) {
                // A file system that cannot sync folders.
                Ok(()) | Err(Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl OpenMaildrop for MaildirMaildrop {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// As [`OpenMaildrop::message`]. What took the place of a message and is no plain file is no message.
    fn message(&mut self, message: MessageNumber) -> io::Result<Box<dyn Read + Send>> {
        let at = position(message);
        if at >= self.messages.len() {
            return Err(no_such_message());
        }
        let file = self.open(at)?.ok_or_else(no_such_message)?;
        Ok(Box::new(file))
    }

    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError> {
        let mut tally = Tally::default();
        let mut missing: Vec<usize> = messages.map(position).collect();
        missing.sort_unstable();
        missing.dedup();
        for search in 0..=SEARCHES {
            if search > 0 && !missing.is_empty() {
                if let Err(error) = self.search() {
                    // Whether they are gone is not known.
                    tally.fail(std::mem::take(&mut missing).len(), error);
                }
            }
            missing.retain(|&at| {
                let message = self.messages.get(at).ok_or_else(no_such_message);
                match message.and_then(|message| self.unlink(message)) {
                    Ok(true) => tally.removed += 1,
                    Ok(false) => return true,
                    Err(error) => tally.fail(1, error),
                }
                false
            });
        }
        tally.removed += missing.len();
        if let Err(error) = self.sync() {
            tally.fail(0, error);
        }
        tally.result()
    }
}

/// What became of messages that were to be removed.
#[derive(Default)]
struct Tally {
    removed: usize,
    failed: usize,
    error: Option<io::Error>,
}

impl Tally {
    fn fail(&mut self, messages: usize, error: io::Error) {
        self.failed += messages;
        self.error.get_or_insert(error);
    }

    fn result(self) -> Result<(), RemoveError> {
        let Self { removed, failed, error } = self;
        error.map_or(Ok(()), |error| Err(RemoveError::new(removed, failed, error)))
    }
}
