//! What of the messages on the server is here already.
//!
//! Unique-ids ought to be unique, and different messages may carry the same all the same; a server
//! may also give the unique-id of a deleted message to a new one. So that nothing is lost by that:
//!
//! 1. The k-th message in the maildrop with some unique-id belongs to the file of its k-th
//!    occurrence. If that file is here, the message is taken for it and not fetched.
//! 2. Before a message is *deleted* that alone is not enough: the k-th message of today need not be
//!    the k-th of last time. It is taken for its file only if no other message and no other file
//!    has this unique-id and the file is as long as the server says.
//! 3. Every other message is fetched. It is then compared with the files of its unique-id that no
//!    message of this run belongs to yet: if one holds the same octets the message belongs to that
//!    file, else it is delivered as the first occurrence from the k-th on that is free.
//!
//! 4. Messages that share a unique-id are deleted together or not at all: one that is left behind,
//!    alone, would look like another that is here.
//!
//! So what is deleted was fetched in this very run or has its length and its unshared unique-id in
//! common with a file, and what a killed run has delivered is not delivered again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{DirEntry, Metadata};
use std::path::PathBuf;

use crate::failure::Failure;
use crate::listing::{Listing, Message};
use crate::maildir::{Delivery, Maildir};
use crate::names::{Names, file_name};

/// The files of the unique-ids that the server has.
#[derive(Debug)]
pub(crate) struct Archive {
    names: Names,
    stems: HashMap<String, Stem>,
}

/// What there is with one unique-id.
#[derive(Debug, Default)]
struct Stem {
    on_server: usize,
    /// Messages that were looked at so far.
    seen: u32,
    /// Files that no message of this run belongs to yet.
    files: BTreeMap<Occurrence, Copy>,
    /// Occurrences whose files a message of this run belongs to.
    taken: BTreeSet<Occurrence>,
}

/// A file with a unique-id.
#[derive(Debug)]
struct Copy {
    path: PathBuf,
    octets: u64,
}

/// Which occurrence of its unique-id a message is, if it has one.
pub(crate) type Occurrence = u32;

impl Archive {
    /// Looks which of the listed messages are here.
    pub(crate) fn of(names: Names, listing: &Listing, maildir: &Maildir) -> Result<Self, Failure> {
        let mut stems: HashMap<String, Stem> = HashMap::new();
        for id in listing.messages.iter().filter_map(|message| message.id.as_ref()) {
            stems.entry(names.stem(id)).or_default().on_server += 1;
        }
        maildir.for_each(|name, entry| {
            if let Some((stem, occurrence)) = names.parse(name) {
                if let Some(stem) = stems.get_mut(stem) {
                    stem.put(occurrence, entry);
                }
            }
        })?;
        Ok(Self { names, stems })
    }

    /// Looks at the next message of the maildrop: which occurrence it is, and whether it is here.
    pub(crate) fn look(&mut self, message: &Message, deleting: bool) -> (Occurrence, bool) {
        let Some(stem) = self.stem(message) else { return (1, false) };
        stem.seen += 1;
        let occurrence = stem.seen;
        let unshared = stem.on_server == 1 && stem.files.len() == 1;
        let here = stem
            .files
            .get(&occurrence)
            .is_some_and(|copy| !deleting || (unshared && message.octets == Some(copy.octets)));
        if here {
            stem.take(occurrence);
        }
        (occurrence, here)
    }

    /// Puts a message that was fetched where it belongs; `false` if it was there.
    pub(crate) fn deliver(
        &mut self,
        message: &Message,
        occurrence: Occurrence,
        mut delivery: Delivery,
    ) -> Result<bool, Failure> {
        let Some(id) = &message.id else {
            delivery.finish(None)?;
            return Ok(true);
        };
        let name = self.names.stem(id);
        let stem = self.stems.entry(name.clone()).or_default();
        let octets = delivery.octets();
        for (&occurrence, copy) in stem.files.iter().filter(|(_, copy)| copy.octets == octets) {
            if delivery.is_the_same_as(&copy.path)? {
                stem.take(occurrence);
                return Ok(false);
            }
        }
        let is_free = |occurrence: &Occurrence| {
            !stem.files.contains_key(occurrence) && !stem.taken.contains(occurrence)
        };
        match (occurrence..=Occurrence::MAX).find(is_free) {
            Some(occurrence) => {
                delivery.finish(Some(&file_name(&name, occurrence)))?;
                stem.taken.insert(occurrence);
            }
            None => delivery.finish(None)?,
        }
        Ok(true)
    }

    /// Whether all messages with this one's unique-id are here.
    pub(crate) fn may_delete(&self, message: &Message) -> bool {
        let stem = message.id.as_ref().and_then(|id| self.stems.get(&self.names.stem(id)));
        stem.is_none_or(|stem| stem.taken.len() >= stem.on_server)
    }

    fn stem(&mut self, message: &Message) -> Option<&mut Stem> {
        self.stems.get_mut(&self.names.stem(message.id.as_ref()?))
    }
}

impl Stem {
    /// A mail program that moves a file lets it be seen twice: later is where it is.
    fn put(&mut self, occurrence: Occurrence, entry: &DirEntry) {
        if let Some(metadata) = entry.metadata().ok().filter(Metadata::is_file) {
            self.files.insert(occurrence, Copy { path: entry.path(), octets: metadata.len() });
        }
    }

    fn take(&mut self, occurrence: Occurrence) {
        self.files.remove(&occurrence);
        self.taken.insert(occurrence);
    }
}
