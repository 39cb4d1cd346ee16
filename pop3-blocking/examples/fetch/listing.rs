//! What the server has: LIST and UIDL put together.
//!
//! Neither list is believed to be complete. A message that only one of them names is a message; one
//! that they contradict each other about has no unique-id here, so that it is fetched rather than
//! taken for another.

use std::collections::BTreeMap;
use std::net::TcpStream;

use pop3_blocking::pop3_proto::{MessageNumber, Text, UniqueId};
use pop3_blocking::{Error, Session};

use crate::failure::{Doing, Failure};
use crate::progress::tell;

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

impl Listing {
    /// Asks the server. LIST comes first: on a server that lets mail in meanwhile, the message that
    /// only the second list names is then one with a unique-id.
    pub(crate) fn read(session: &mut Session<TcpStream>) -> Result<Self, Failure> {
        let mut found: BTreeMap<MessageNumber, Found> = BTreeMap::new();
        let failed = || Failure::server(Doing::Command("LIST"));
        let mut unreadable = 0;
        for listing in session.list().map_err(failed())? {
            match listing {
                Ok(listing) => {
                    found.entry(listing.message).or_default().octets = Some(listing.octets);
                }
                Err(Error::MalformedItem(line)) => {
                    tell(&format_args!("LIST: a malformed line: \"{line}\""));
                    match leading_number(&line) {
                        Some(number) => drop(found.entry(number).or_default()),
                        None => unreadable += 1,
                    }
                }
                Err(error) => return Err(failed()(error)),
            }
        }

        let failed = || Failure::server(Doing::Command("UIDL"));
        match session.uidl() {
            // A failure of the moment must not have everything fetched again.
            Err(Error::Refused(response)) if response.means_not_implemented() => {
                tell(&format_args!("UIDL: the server gives no unique-ids: {}", response.text));
            }
            Err(error) => return Err(failed()(error)),
            Ok(listings) => {
                for listing in listings {
                    match listing {
                        Ok(listing) => found.entry(listing.message).or_default().name(listing.id),
                        Err(Error::MalformedItem(line)) => {
                            tell(&format_args!("UIDL: a malformed line: \"{line}\""));
                            if let Some(number) = leading_number(&line) {
                                found.entry(number).or_default();
                            }
                        }
                        Err(error) => return Err(failed()(error)),
                    }
                }
            }
        }

        let messages = found.into_iter().map(|(number, found)| found.message(number)).collect();
        Ok(Self { messages, unreadable })
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
