//! An open maildrop.

use alloc::vec::Vec;

use super::{RespondError, ServerSession};
use crate::error::InvalidValue;
use crate::state::State;
use crate::value::put_text;
use crate::{Command, DropListing, MessageNumber, ScanListing, Text, UniqueId, UniqueIdListing};

/// What a server must know of a message when its maildrop is opened (RFC 1939 §4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Entry {
    /// Octets as RETR will send them: every line end counted as two, byte-stuffing not counted. See
    /// [`MessageOctets`](super::MessageOctets).
    pub octets: u64,
    /// Its unique-id.
    pub id: UniqueId,
}

impl Entry {
    /// An entry.
    #[must_use]
    pub const fn new(octets: u64, id: UniqueId) -> Self {
        Self { octets, id }
    }
}

/// What POP3 says about an open maildrop: message-numbers, sizes and marks, and what STAT, LIST, UIDL,
/// DELE, RSET and NOOP answer (RFC 1939 §5). Messages marked as deleted are hidden everywhere.
///
/// It holds no message: [`Action::Send`] and [`Action::Commit`] say what is to be done with them.
#[derive(Clone, Debug)]
pub struct Maildrop {
    entries: Vec<Entry>,
    marked: Vec<bool>,
    /// Messages not marked, and their octets; 128 bits cannot be filled by 32 bits of sizes.
    kept: u32,
    octets: u128,
    /// Octets of all messages.
    all: u128,
    /// A listing that is being sent.
    listing: Option<Listing>,
}

#[derive(Clone, Copy, Debug)]
struct Listing {
    kind: Kind,
    /// Messages before this one are sent.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Scan,
    UniqueId,
}

/// What is left to do for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Action {
    /// Nothing: it is answered.
    Answered,
    /// A listing is being sent: call [`Maildrop::resume`] whenever output has left.
    Listing,
    /// Send this message: begin a multi-line answer, write the message's octets, finish; or answer
    /// `-ERR` if it is not there any more.
    Send(MessageNumber),
    /// QUIT in TRANSACTION: remove what is marked ([`Maildrop::marked`]), then answer `+OK`, or `-ERR` if not all
    /// could be removed (RFC 1939 §6).
    Commit,
    /// The command has nothing to do with an open maildrop; nothing was answered.
    NotMine,
}

impl Maildrop {
    /// A maildrop with the messages `entries`, the first of which is message 1.
    ///
    /// # Errors
    /// [`InvalidValue::TooLong`] if there are more messages than message-numbers, or if a unique-id is
    /// longer than a server may send (RFC 1939 §7).
    pub fn new(entries: Vec<Entry>) -> Result<Self, InvalidValue> {
        if let Some(entry) = entries.iter().find(|entry| entry.id.is_long()) {
            let octets = entry.id.octets().len();
            return Err(InvalidValue::TooLong { octets, limit: UniqueId::MAX_OCTETS });
        }
        let too_long = InvalidValue::TooLong {
            octets: entries.len(),
            limit: usize::try_from(u32::MAX).unwrap_or(usize::MAX),
        };
        let kept = u32::try_from(entries.len()).map_err(|_| too_long)?;
        let all = entries.iter().map(|entry| u128::from(entry.octets)).sum();
        let marked = alloc::vec![false; entries.len()];
        Ok(Self { entries, marked, kept, octets: all, all, listing: None })
    }

    /// The drop listing: messages that are not marked, and their octets.
    #[must_use]
    pub fn drop_listing(&self) -> DropListing {
        DropListing::new(self.kept, u64::try_from(self.octets).unwrap_or(u64::MAX))
    }

    /// The messages marked as deleted, in order.
    #[must_use]
    pub fn marked(&self) -> Marked<'_> {
        Marked { marked: &self.marked, next: 0 }
    }

    /// Answers a command of TRANSACTION as far as that needs no message's octets.
    ///
    /// # Errors
    /// [`RespondError`] if `command` is not the one that `session` wants answered; nothing changed.
    pub fn answer(
        &mut self,
        command: &Command,
        session: &mut ServerSession,
    ) -> Result<Action, RespondError> {
        session.awaits(command)?;
        match command {
            Command::Stat => session.drop_listing(self.drop_listing())?,
            Command::Noop => session.ok(&Text::received(b"nothing done"))?,
            Command::Rset => {
                self.unmark();
                session.ok(&put_text(|text| self.describe(text)))?;
            }
            Command::List(None) => return self.begin(Kind::Scan, session),
            Command::Uidl(None) => return self.begin(Kind::UniqueId, session),
            Command::List(Some(message)) => match self.entry(*message) {
                Ok((_, entry)) => session.scan_listing(ScanListing::new(*message, entry.octets))?,
                Err(refusal) => session.err(None, &refusal.text())?,
            },
            Command::Uidl(Some(message)) => match self.entry(*message) {
                Ok((_, entry)) => {
                    session.unique_id_listing(&UniqueIdListing::new(*message, entry.id.clone()))?;
                }
                Err(refusal) => session.err(None, &refusal.text())?,
            },
            Command::Dele(message) => match self.mark(*message) {
                Ok(()) => session.ok(&Text::received(b"message deleted"))?,
                Err(refusal) => session.err(None, &refusal.text())?,
            },
            Command::Retr(message) | Command::Top { message, .. } => match self.entry(*message) {
                Ok(_) => return Ok(Action::Send(*message)),
                Err(refusal) => session.err(None, &refusal.text())?,
            },
            // In AUTHORIZATION there is nothing to commit (RFC 1939 §4).
            Command::Quit if session.state() == State::Update => return Ok(Action::Commit),
            _ => return Ok(Action::NotMine),
        }
        Ok(Action::Answered)
    }

    /// Goes on with a listing; `true` once it is complete.
    ///
    /// # Errors
    /// [`RespondError`] if `session` is not in the middle of that listing.
    pub fn resume(&mut self, session: &mut ServerSession) -> Result<bool, RespondError> {
        let Some(Listing { kind, mut next }) = self.listing else { return Ok(true) };
        let sent = loop {
            let (Some(entry), Some(marked)) = (self.entries.get(next), self.marked.get(next))
            else {
                break session.finish_multiline();
            };
            if !marked {
                let Some(message) = number(next) else { break session.finish_multiline() };
                let sent = match kind {
                    Kind::Scan => session.scan_listing(ScanListing::new(message, entry.octets)),
                    Kind::UniqueId => {
                        session.unique_id_listing(&UniqueIdListing::new(message, entry.id.clone()))
                    }
                };
                if sent.is_err() {
                    break sent;
                }
            }
            next += 1;
        };
        match sent {
            Ok(()) => {
                self.listing = None;
                Ok(true)
            }
            Err(error) if error.is_transient() => {
                self.listing = Some(Listing { kind, next });
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn begin(&mut self, kind: Kind, session: &mut ServerSession) -> Result<Action, RespondError> {
        session.begin_multiline(&put_text(|text| self.describe(text)))?;
        self.listing = Some(Listing { kind, next: 0 });
        Ok(if self.resume(session)? { Action::Answered } else { Action::Listing })
    }

    /// `2 messages (320 octets)`.
    fn describe(&self, text: &mut Vec<u8>) {
        use crate::codec::put_decimal;
        let listing = self.drop_listing();
        put_decimal(text, listing.messages.into());
        text.extend_from_slice(b" messages (");
        put_decimal(text, listing.octets.unwrap_or(0));
        text.extend_from_slice(b" octets)");
    }

    fn mark(&mut self, message: MessageNumber) -> Result<(), Refusal> {
        let (index, entry) = self.entry(message)?;
        let octets = u128::from(entry.octets);
        if let Some(mark) = self.marked.get_mut(index) {
            *mark = true;
            self.kept -= 1;
            self.octets -= octets;
        }
        Ok(())
    }

    fn unmark(&mut self) {
        self.marked.fill(false);
        self.kept = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.octets = self.all;
    }

    fn entry(&self, message: MessageNumber) -> Result<(usize, &Entry), Refusal> {
        let index = usize::try_from(message.value()).ok().and_then(|number| number.checked_sub(1));
        let found = index
            .and_then(|index| Some((index, self.entries.get(index)?, *self.marked.get(index)?)));
        match found {
            Some((index, entry, false)) => Ok((index, entry)),
            Some((_, _, true)) => Err(Refusal::Marked),
            None => Err(Refusal::Missing),
        }
    }
}

/// Why a message cannot be named.
enum Refusal {
    Missing,
    Marked,
}

impl Refusal {
    fn text(&self) -> Text {
        Text::received(match self {
            Self::Missing => b"no such message",
            Self::Marked => b"message already deleted",
        })
    }
}

fn number(index: usize) -> Option<MessageNumber> {
    u32::try_from(index).ok().and_then(|index| MessageNumber::new(index.checked_add(1)?))
}

/// The messages of a [`Maildrop`] that are marked as deleted.
#[derive(Clone, Debug)]
pub struct Marked<'a> {
    marked: &'a [bool],
    next: usize,
}

impl Iterator for Marked<'_> {
    type Item = MessageNumber;

    fn next(&mut self) -> Option<MessageNumber> {
        loop {
            let marked = *self.marked.get(self.next)?;
            self.next += 1;
            if marked {
                return number(self.next - 1);
            }
        }
    }
}
