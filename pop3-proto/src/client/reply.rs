//! How the reply to each command is shaped, and what its lines say.

use alloc::boxed::Box;

use super::error::{Excerpt, ProtocolError};
use super::event::Item;
use crate::codec::{self, Parsed};
use crate::leniency::{Deviation, Deviations};
use crate::state::Framing;
use crate::value::NumberSet;
use crate::{Command, Leniency, Limits, MessageNumber, RawFraming, Text};

/// What follows a positive status line, and what the line itself says. It follows from the command
/// that was sent, never from the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing follows the status line; before it, an AUTH exchange has its continuations.
    Line,
    /// Nothing follows; the text is a drop listing.
    Drop,
    /// Nothing follows; the text is the scan listing of this message.
    Scan(MessageNumber),
    /// Nothing follows; the text is the unique-id listing of this message.
    UniqueId(MessageNumber),
    /// Nothing follows; the text is a language listing.
    Language,
    /// A listing follows.
    Listing(Kind),
    /// A body follows.
    Body,
}

/// What a listing lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scan,
    UniqueId,
    Capability,
    Mechanism,
    Language,
}

impl Shape {
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Stat => Self::Drop,
            Command::List(Some(message)) => Self::Scan(*message),
            Command::Uidl(Some(message)) => Self::UniqueId(*message),
            Command::List(None) => Self::Listing(Kind::Scan),
            Command::Uidl(None) => Self::Listing(Kind::UniqueId),
            Command::Capa => Self::Listing(Kind::Capability),
            Command::Mechanisms { .. } => Self::Listing(Kind::Mechanism),
            Command::Lang(None) => Self::Listing(Kind::Language),
            Command::Lang(Some(_)) => Self::Language,
            Command::Raw(raw) if raw.framing() == RawFraming::Multiline => Self::Body,
            _ => match command.keyword().map(|keyword| keyword.rule().framing) {
                Some(Framing::Multiline) => Self::Body,
                _ => Self::Line,
            },
        }
    }
}

impl Command {
    /// Whether a positive reply of several lines gives items ([`Event::Item`](super::Event::Item)) and
    /// not a body: LIST and UIDL without a message-number, CAPA, and AUTH and LANG without an argument.
    #[must_use]
    pub fn lists_items(&self) -> bool {
        matches!(Shape::of(self), Shape::Listing(_))
    }
}

/// How much of the reply at the head of the queue has been read.
#[derive(Debug)]
pub(super) enum Progress {
    /// The status line is due; of an AUTH exchange, the next challenge or the status line.
    Status,
    /// A challenge is in: the caller's response is due.
    Answer,
    /// Lines of a listing are due.
    Listing(Listing),
    /// Octets of a body are due.
    Body {
        /// The last run was short: the next are moved together.
        dense: bool,
    },
}

/// A listing that is being read.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) kind: Kind,
    items: usize,
    last: Option<MessageNumber>,
    /// Every number so far, where a repeated one is an error.
    seen: NumberSet,
}

impl Listing {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, items: 0, last: None, seen: NumberSet::default() }
    }

    /// Reads one framed line that does not end the listing.
    pub(super) fn item(
        &mut self,
        line: &[u8],
        leniency: &Leniency,
        limits: &Limits,
    ) -> Result<Parsed<Item>, ProtocolError> {
        let line = line.strip_prefix(b".").unwrap_or(line);
        self.items += 1;
        let limit = match self.kind {
            Kind::Capability | Kind::Mechanism | Kind::Language => limits.capabilities,
            Kind::Scan | Kind::UniqueId => {
                usize::try_from(limits.listing_items).unwrap_or(usize::MAX)
            }
        };
        if self.items > limit {
            return Err(ProtocolError::TooManyItems { limit });
        }
        parse(self.kind, line, leniency, |message, deviations| {
            self.check_order(message, leniency, deviations)
        })
    }

    fn check_order(
        &mut self,
        message: MessageNumber,
        leniency: &Leniency,
        deviations: &mut Deviations,
    ) -> Result<(), ProtocolError> {
        if self.last.replace(message).is_some_and(|last| last >= message) {
            deviations.insert(Deviation::ListingOrder);
        }
        if !leniency.repeated_numbers && !self.seen.insert(message) {
            return Err(ProtocolError::RepeatedNumber(message));
        }
        Ok(())
    }
}

/// Whether a line of a listing ends it (RFC 1939 §3, V0002).
pub(super) fn end_of_listing(line: &[u8], leniency: &Leniency) -> Option<Deviations> {
    let mut deviations = Deviations::NONE;
    match line {
        b"." => Some(deviations),
        [b'.', ..] if leniency.leading_dot_ends_listing => {
            deviations.insert(Deviation::LeadingDotEndsListing);
            Some(deviations)
        }
        _ => None,
    }
}

/// `check` is asked about the message that an item is about.
fn parse(
    kind: Kind,
    line: &[u8],
    leniency: &Leniency,
    check: impl FnOnce(MessageNumber, &mut Deviations) -> Result<(), ProtocolError>,
) -> Result<Parsed<Item>, ProtocolError> {
    match kind {
        Kind::Scan => {
            if let Ok(mut scan) = codec::scan_listing(line, leniency) {
                check(scan.value.message, &mut scan.deviations)?;
                return Ok(scan.map(Item::Scan));
            }
        }
        Kind::UniqueId => {
            if let Ok(mut listing) = codec::unique_id_listing(line, leniency) {
                check(listing.value.message, &mut listing.deviations)?;
                return Ok(listing.map(Item::UniqueId));
            }
        }
        Kind::Capability => {
            if let Ok(capability) = codec::capability(line, leniency) {
                return Ok(capability.map(|capability| Item::Capability(Box::new(capability))));
            }
        }
        Kind::Mechanism => {
            if let Ok(name) = codec::mechanism_listing(line, leniency) {
                return Ok(name.map(Item::Mechanism));
            }
        }
        Kind::Language => {
            if let Ok(listing) = codec::language_listing(line, leniency) {
                return Ok(listing.map(Item::Language));
            }
        }
    }
    malformed(line, leniency)
}

fn malformed(line: &[u8], leniency: &Leniency) -> Result<Parsed<Item>, ProtocolError> {
    if !leniency.malformed_items {
        return Err(ProtocolError::MalformedItem { line: Excerpt::of(line) });
    }
    let mut deviations = Deviations::NONE;
    deviations.insert(Deviation::MalformedItem);
    Ok(Parsed { value: Item::Malformed(Text::received(line)), deviations })
}

/// Reads what the text of a single positive line says, if the shape has it say anything.
pub(super) fn single(
    shape: Shape,
    text: &[u8],
    leniency: &Leniency,
) -> Result<Option<Parsed<Item>>, ProtocolError> {
    let (kind, asked) = match shape {
        Shape::Line | Shape::Listing(_) | Shape::Body => return Ok(None),
        Shape::Language => (Kind::Language, None),
        Shape::Drop => {
            let parsed = codec::drop_listing(text, leniency).map(|listing| listing.map(Item::Drop));
            return parsed.or_else(|_| malformed(text, leniency)).map(Some);
        }
        Shape::Scan(asked) => (Kind::Scan, Some(asked)),
        Shape::UniqueId(asked) => (Kind::UniqueId, Some(asked)),
    };
    parse(kind, text, leniency, |answered, _| match asked {
        Some(asked) if asked != answered => Err(ProtocolError::WrongMessage { asked, answered }),
        _ => Ok(()),
    })
    .map(Some)
}
