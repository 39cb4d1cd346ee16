//! The Maildir of one maildrop, off the runtime's threads.

use std::path::PathBuf;

use tokio::task;

use crate::archive::{Archive, Occurrence};
use crate::failure::Failure;
use crate::listing::{Listing, Message};
use crate::maildir::{Delivery, Maildir, Writing};
use crate::names::Names;

/// Where the messages of one maildrop are written, one after the other. Whatever is done at it is
/// done to its end; dropped, it leaves nothing of an unfinished message behind.
#[derive(Debug)]
pub(crate) struct Desk {
    maildir: Maildir,
    archive: Archive,
    delivery: Option<Delivery>,
}

/// A message that is not here, and which occurrence of its unique-id it is.
pub(crate) type Wanted = (Message, Occurrence);

impl Desk {
    /// Looks which of the listed messages are to be fetched, and how many need not be.
    pub(crate) async fn new(
        maildir: Maildir,
        names: Names,
        listing: Listing,
    ) -> Result<(Self, Vec<Wanted>, usize), Failure> {
        off_the_runtime(move || {
            let mut archive = Archive::of(names, &listing, &maildir)?;
            let listed = listing.messages.len();
            let wanted: Vec<Wanted> = listing
                .messages
                .into_iter()
                .filter_map(|message| match archive.look(&message, false) {
                    (_, true) => None,
                    (occurrence, false) => Some((message, occurrence)),
                })
                .collect();
            let here = listed - wanted.len();
            Ok((Self { maildir, archive, delivery: None }, wanted, here))
        })
        .await
    }

    /// Does `work` at the desk.
    pub(crate) async fn at<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<(Self, T), Failure> {
        off_the_runtime(move || work(&mut self).map(|done| (self, done))).await
    }

    /// Writes octets of a message that are not the last.
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        let mut delivery = self.delivery()?;
        delivery.write(octets)?;
        self.delivery = Some(delivery);
        Ok(())
    }

    /// Writes the last octets of a message and delivers it: how many it has, and whether it was not
    /// here.
    pub(crate) fn deliver(
        &mut self,
        octets: &[u8],
        message: &Message,
        occurrence: Occurrence,
    ) -> Result<(u64, bool), Failure> {
        let mut delivery = self.delivery()?;
        delivery.write(octets)?;
        let octets = delivery.octets();
        Ok((octets, self.archive.deliver(message, occurrence, delivery)?))
    }

    fn delivery(&mut self) -> Result<Delivery, Failure> {
        self.delivery.take().map_or_else(|| self.maildir.begin(), Ok)
    }
}

/// Opens a Maildir. No handler of signals has to clean up: who is stopped drops its deliveries.
pub(crate) async fn open(root: PathBuf) -> Result<Maildir, Failure> {
    off_the_runtime(move || Maildir::open(&root, Writing::default())).await
}

/// The disk makes threads wait, and the runtime's have more to do.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Failure::Local { doing: "work on the Maildir", reason: error.to_string() })
    })
}
