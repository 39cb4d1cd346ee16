//! Maildrops that live as long as the process.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pop3_proto::codec::WireOctets;
use pop3_proto::server::Entry;
use pop3_proto::{Mailbox, MessageNumber, UniqueId};

use super::store::{OpenError, OpenMaildrop, RemoveError, Store, no_such_message, position};

/// Maildrops in memory: for tests, and for mail that is made while it is asked for. A clone is
/// another handle to the same maildrops.
///
/// Unique-ids count up behind a number drawn when the store was made, so that neither a later message
/// nor a later store gives one again (RFC 1939 §7). They consist of `0-9a-f`.
///
/// ```
/// use pop3_blocking::server::{Memory, OpenMaildrop as _, Store as _};
/// use pop3_proto::Mailbox;
///
/// let (store, mrose) = (Memory::new(), Mailbox::new("mrose")?);
/// store.deliver(&mrose, "Subject: tea\n\nAt five?\n");
/// let maildrop = store.open(&mrose)?;
/// assert_eq!(maildrop.entries()[0].octets, 26); // each LF is sent as CRLF
/// assert!(store.open(&mrose).is_err()); // in use
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Memory(Arc<Mutex<Maildrops>>);

struct Maildrops {
    /// In front of every unique-id of this store.
    prefix: u64,
    deliveries: u64,
    by_mailbox: BTreeMap<Mailbox, Maildrop>,
}

#[derive(Default)]
struct Maildrop {
    open: bool,
    /// By the number of their delivery.
    messages: BTreeMap<u64, Message>,
}

struct Message {
    entry: Entry,
    octets: Bytes,
}

impl Memory {
    /// A store without maildrops.
    #[must_use]
    pub fn new() -> Self {
        Self::with_prefix(RandomState::new().hash_one("unique-id"))
    }

    /// A store without maildrops whose unique-ids begin with `prefix`: the same deliveries in the same
    /// order have the same unique-ids in every run. Where messages differ from run to run this gives
    /// a unique-id again to another message, which RFC 1939 §7 forbids: use [`Memory::new`] there.
    #[must_use]
    pub fn with_prefix(prefix: u64) -> Self {
        Self(Arc::new(Mutex::new(Maildrops { prefix, deliveries: 0, by_mailbox: BTreeMap::new() })))
    }

    /// Makes an empty maildrop, unless the mailbox has one.
    pub fn create(&self, mailbox: &Mailbox) {
        self.maildrops().by_mailbox.entry(mailbox.clone()).or_default();
    }

    /// Puts a message with any line ends behind the others of the maildrop, which is made if there is
    /// none, and gives its unique-id. A session that has it open does not see the message.
    pub fn deliver(&self, mailbox: &Mailbox, message: impl Into<Bytes>) -> UniqueId {
        let octets = message.into();
        let mut count = WireOctets::new();
        count.update(&octets);
        let mut maildrops = self.maildrops();
        maildrops.deliveries += 1;
        let (delivery, id) = (maildrops.deliveries, maildrops.last_unique_id());
        let entry = Entry::new(count.octets(), id.clone());
        let maildrop = maildrops.by_mailbox.entry(mailbox.clone()).or_default();
        maildrop.messages.insert(delivery, Message { entry, octets });
        id
    }

    /// Takes a message away from under any session, as another program might.
    pub fn discard(&self, mailbox: &Mailbox, id: &UniqueId) {
        if let Some(maildrop) = self.maildrops().by_mailbox.get_mut(mailbox) {
            maildrop.messages.retain(|_, message| message.entry.id != *id);
        }
    }

    /// The messages that a mailbox has now, in the order of delivery.
    #[must_use]
    pub fn messages(&self, mailbox: &Mailbox) -> Vec<Bytes> {
        let maildrops = self.maildrops();
        let messages = maildrops.by_mailbox.get(mailbox).map(|maildrop| maildrop.messages.values());
        messages.into_iter().flatten().map(|message| message.octets.clone()).collect()
    }

    fn maildrops(&self) -> MutexGuard<'_, Maildrops> {
        // Nothing in here panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Store for Memory {
    type Maildrop = MemoryMaildrop;

    fn open(&self, mailbox: &Mailbox) -> Result<MemoryMaildrop, OpenError> {
        let mut maildrops = self.maildrops();
        let maildrop = maildrops.by_mailbox.get_mut(mailbox).ok_or(OpenError::Missing)?;
        if std::mem::replace(&mut maildrop.open, true) {
            return Err(OpenError::InUse);
        }
        let deliveries = maildrop.messages.keys().copied().collect();
        let entries = maildrop.messages.values().map(|message| message.entry.clone()).collect();
        Ok(MemoryMaildrop { store: self.clone(), mailbox: mailbox.clone(), deliveries, entries })
    }
}

impl Maildrops {
    fn last_unique_id(&self) -> UniqueId {
        let id = format!("{:016x}{:016x}", self.prefix, self.deliveries);
        UniqueId::new(id.as_bytes()).expect("32 hexadecimal digits are a unique-id")
    }
}

/// A maildrop of [`Memory`] while it is open.
#[derive(Debug)]
pub struct MemoryMaildrop {
    store: Memory,
    mailbox: Mailbox,
    /// The key of each entry's message.
    deliveries: Vec<u64>,
    entries: Vec<Entry>,
}

impl OpenMaildrop for MemoryMaildrop {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn message(&mut self, message: MessageNumber) -> io::Result<Box<dyn Read + Send>> {
        let delivery = self.deliveries.get(position(message)).ok_or_else(no_such_message)?;
        let maildrops = self.store.maildrops();
        let maildrop = maildrops.by_mailbox.get(&self.mailbox).ok_or_else(no_such_message)?;
        let message = maildrop.messages.get(delivery).ok_or_else(no_such_message)?;
        Ok(Box::new(Cursor::new(message.octets.clone())))
    }

    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError> {
        let (mut removed, mut failed) = (0, 0);
        for message in messages {
            let Some(delivery) = self.deliveries.get(position(message)) else {
                failed += 1;
                continue;
            };
            if let Some(maildrop) = self.store.maildrops().by_mailbox.get_mut(&self.mailbox) {
                maildrop.messages.remove(delivery);
            }
            removed += 1;
        }
        if failed == 0 {
            return Ok(());
        }
        Err(RemoveError::new(removed, failed, no_such_message()))
    }
}

impl Drop for MemoryMaildrop {
    fn drop(&mut self) {
        if let Some(maildrop) = self.store.maildrops().by_mailbox.get_mut(&self.mailbox) {
            maildrop.open = false;
        }
    }
}
