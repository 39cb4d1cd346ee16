//! What the server has: LIST and UIDL put together.
//!
//! Neither list is believed to be complete. A message that only one of them names is a message; one
//! that they contradict each other about has no unique-id here, so that it is fetched rather than
//! taken for another.

use std::collections::BTreeMap;

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::{MessageNumber, ScanListing, Text, UniqueId, UniqueIdListing};

use crate::failure::{Doing, Failure};
use crate::progress::Tell;

/// A message on the server.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) number: MessageNumber,
    /// What the server says. A hint: nothing is decided by it alone.
    pub(crate) octets: Option<u64>,
    pub(crate) id: Option<UniqueId>,
}

/// All messages on the server, by number.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) messages: Vec<Message>,
    /// Lines of LIST in which not even the number could be read: messages that may be missing here.
    pub(crate) unreadable: usize,
}

/// The lists while they are read. LIST comes first: on a server that lets mail in meanwhile, the
/// message that only the second list names is then one with a unique-id.
pub(crate) struct Lists<'a> {
    found: BTreeMap<MessageNumber, Found>,
    unreadable: usize,
    tell: Tell<'a>,
}

impl<'a> Lists<'a> {
    pub(crate) const fn new(tell: Tell<'a>) -> Self {
        Self { found: BTreeMap::new(), unreadable: 0, tell }
    }

    /// A line of LIST.
    pub(crate) fn size(&mut self, listing: Result<ScanListing, Error>) -> Result<(), Failure> {
        match listing {
            Ok(listing) => {
                self.found.entry(listing.message).or_default().octets = Some(listing.octets);
            }
            Err(Error::MalformedItem(line)) => {
                (self.tell)(&format_args!("LIST: a malformed line: \"{line}\""));
                match leading_number(&line) {
                    Some(number) => drop(self.found.entry(number).or_default()),
                    None => self.unreadable += 1,
                }
            }
            Err(error) => return Err(Failure::server(Doing::Command("LIST"))(error)),
        }
        Ok(())
    }

    /// A line of UIDL.
    pub(crate) fn name(&mut self, listing: Result<UniqueIdListing, Error>) -> Result<(), Failure> {
        match listing {
            Ok(listing) => self.found.entry(listing.message).or_default().name(listing.id),
            Err(Error::MalformedItem(line)) => {
                (self.tell)(&format_args!("UIDL: a malformed line: \"{line}\""));
                if let Some(number) = leading_number(&line) {
                    self.found.entry(number).or_default();
                }
            }
            Err(error) => return Err(Failure::server(Doing::Command("UIDL"))(error)),
        }
        Ok(())
    }

    /// There is no list of unique-ids. A failure of the moment must not have everything fetched again.
    pub(crate) fn no_names(&self, error: Error) -> Result<(), Failure> {
        match error {
            Error::Refused(response) if response.means_not_implemented() => {
                let text = response.text;
                (self.tell)(&format_args!("UIDL: the server gives no unique-ids: {text}"));
                Ok(())
            }
            error => Err(Failure::server(Doing::Command("UIDL"))(error)),
        }
    }

    /// What the lists come to.
    pub(crate) fn listing(self) -> Listing {
        let messages =
            self.found.into_iter().map(|(number, found)| found.message(number)).collect();
        Listing { messages, unreadable: self.unreadable }
    }
}

/// What the lists say about a message so far.
#[derive(Debug, Default)]
struct Found {
    octets: Option<u64>,
    id: Named,
}

/// What UIDL says about a message so far.
#[derive(Debug, Default)]
enum Named {
    #[default]
    Not,
    By(UniqueId),
    Contradictorily,
}

impl Found {
    fn name(&mut self, id: UniqueId) {
        self.id = match std::mem::take(&mut self.id) {
            Named::Not => Named::By(id),
            Named::By(before) if before == id => Named::By(id),
            _ => Named::Contradictorily,
        };
    }

    fn message(self, number: MessageNumber) -> Message {
        let id = match self.id {
            Named::By(id) => Some(id),
            Named::Not | Named::Contradictorily => None,
        };
        Message { number, octets: self.octets, id }
    }
}

/// The message-number at the start of a line that is no item.
fn leading_number(line: &Text) -> Option<MessageNumber> {
    let field = line.octets().split(|octet| matches!(octet, b' ' | b'\t')).next()?;
    let digits = field.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(field).ok().filter(|_| digits)?.parse().ok()?;
    MessageNumber::new(number)
}
