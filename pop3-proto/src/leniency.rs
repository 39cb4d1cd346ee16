//! Which deviations of real servers are forgiven.

use core::fmt;

use crate::codec::LineEnding;

/// Which deviations from the specifications a client forgives. Start from a preset and change
/// single switches; each names the deviation that it forgives, and each is reported with a
/// [`Deviation`] when it was needed ([`Event::Deviation`](crate::client::Event::Deviation)).
///
/// | switch | strict | tolerant | outlook | who needs it | notice |
/// |---|---|---|---|---|---|
/// | `field_separators` | no | yes | yes | servers that align their columns, or part them by tabs | [`FieldSeparators`](Deviation::FieldSeparators) |
/// | `trailing_information` | no | yes | yes | servers whose unique-ids hold spaces, or that add a remark | [`TrailingInformation`](Deviation::TrailingInformation) |
/// | `status_case` | no | yes | yes | hand-written servers, and scripts that stand in for one | [`StatusCase`](Deviation::StatusCase) |
/// | `any_plus_positive` | no | no | yes | gateways and test servers that say `+OK:` or `+ hello` | [`AnyPlusPositive`](Deviation::AnyPlusPositive) |
/// | `leading_dot_ends_listing` | no | no | yes | servers that add something to the line that ends a listing | [`LeadingDotEndsListing`](Deviation::LeadingDotEndsListing) |
/// | `long_unique_ids` | no | yes | yes | servers that make unique-ids of the names of folders and files | [`LongUniqueId`](Deviation::LongUniqueId) |
/// | `malformed_items` | no | yes | yes | webmail gateways that leave unique-ids out or put text between the lines | [`MalformedItem`](Deviation::MalformedItem) |
/// | `repeated_numbers` | no | yes | yes | providers whose lists are out of sequence when a maildrop is large | [`ListingOrder`](Deviation::ListingOrder) |
/// | `negative_stat` | no | yes | yes | servers that count octets in 32 bits, beyond 2 GiB | [`NegativeStat`](Deviation::NegativeStat) |
/// | `ok_as_continuation` | no | yes | yes | old groupware servers, in NTLM | [`OkAsContinuation`](Deviation::OkAsContinuation) |
/// | `bare_plus` | yes | yes | yes | groupware servers that leave the space out | [`BarePlus`](Deviation::BarePlus) |
/// | `text_challenge` | no | yes | yes | servers that say `+ go ahead` | [`TextChallenge`](Deviation::TextChallenge) |
/// | `junk_before_greeting` | no | no | no | servers before which a wrapper or a login script prints something | [`JunkBeforeGreeting`](Deviation::JunkBeforeGreeting) |
/// | `line_ending` | CRLF | CRLF | CRLF | servers on systems where LF ends a line | [`BareLineFeed`](Deviation::BareLineFeed) |
///
/// ```
/// use pop3_proto::Leniency;
/// let mut leniency = Leniency::strict();
/// leniency.status_case = true;
/// assert_ne!(leniency, Leniency::tolerant());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each with a name of its own"
)]
pub struct Leniency {
    /// Runs of spaces and tabs where one space is due, in status, listing and capability lines
    /// (C0004, C0017, C0021, C0038).
    pub field_separators: bool,
    /// More behind the unique-id in a unique-id listing (C0038). What follows the size in drop and
    /// scan listings is always let through: RFC 1939 §5 allows it.
    pub trailing_information: bool,
    /// `+ok` and `-Err`: status indicators in any case (V0001).
    pub status_case: bool,
    /// A status line that begins with `+` is positive, any other line negative: `+OK:`, `+OKtext`,
    /// `+ hello`, `error` (V0001).
    pub any_plus_positive: bool,
    /// LIST, UIDL and CAPA listings end at any line that begins with the termination octet; the rest
    /// of that line is discarded (V0002).
    pub leading_dot_ends_listing: bool,
    /// Unique-ids of 71 to 255 octets.
    pub long_unique_ids: bool,
    /// Lines in a listing that are no item are handed over as they are, and the listing goes on; the
    /// framing is not touched by them.
    pub malformed_items: bool,
    /// The same message-number twice in a listing. Numbers out of order are let through always, and
    /// reported.
    pub repeated_numbers: bool,
    /// A negative size in a drop listing: the octets are unknown.
    pub negative_stat: bool,
    /// `+OK` where the first `+ ` of AUTH is due (MS-OXPOP3, Exchange 2003).
    pub ok_as_continuation: bool,
    /// `+` without its space as an empty challenge in AUTH.
    pub bare_plus: bool,
    /// A first challenge in AUTH that is no base64 counts as empty: `+ go ahead`.
    pub text_challenge: bool,
    /// Lines before the greeting that are no status line are skipped.
    pub junk_before_greeting: bool,
    /// Which octets end a line. [`LineEnding::CrlfOrLf`] is unsafe against a sender of mail who can
    /// put a bare LF into a body: it is in no preset.
    pub line_ending: LineEnding,
}

impl Leniency {
    /// What the specifications say and nothing else.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            field_separators: false,
            trailing_information: false,
            status_case: false,
            any_plus_positive: false,
            leading_dot_ends_listing: false,
            long_unique_ids: false,
            malformed_items: false,
            repeated_numbers: false,
            negative_stat: false,
            ok_as_continuation: false,
            bare_plus: true,
            text_challenge: false,
            junk_before_greeting: false,
            line_ending: LineEnding::Crlf,
        }
    }

    /// The default: what servers in the field need, as long as nothing is lost by it and no boundary
    /// of a message can move. Meets every MUST for clients of the Outlook documents.
    #[must_use]
    pub const fn tolerant() -> Self {
        Self {
            field_separators: true,
            trailing_information: true,
            status_case: true,
            long_unique_ids: true,
            malformed_items: true,
            repeated_numbers: true,
            negative_stat: true,
            ok_as_continuation: true,
            text_challenge: true,
            ..Self::strict()
        }
    }

    /// What Outlook does (V0001, V0002). It takes other protocols' lines for replies; use it only
    /// where a server needs it.
    #[must_use]
    pub const fn outlook() -> Self {
        Self { any_plus_positive: true, leading_dot_ends_listing: true, ..Self::tolerant() }
    }
}

impl Default for Leniency {
    /// [`Leniency::tolerant`].
    fn default() -> Self {
        Self::tolerant()
    }
}

/// A deviation from the specifications that a peer made and that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Deviation {
    /// Not exactly one space between fields.
    FieldSeparators,
    /// More behind a unique-id.
    TrailingInformation,
    /// A status indicator in lower or mixed case.
    StatusCase,
    /// A status line that is neither `+OK` nor `-ERR`.
    AnyPlusPositive,
    /// A listing ended by a line that only begins with the termination octet.
    LeadingDotEndsListing,
    /// A unique-id of more than 70 octets.
    LongUniqueId,
    /// A line in a listing that is no item.
    MalformedItem,
    /// Message-numbers out of order or repeated.
    ListingOrder,
    /// A negative size in a drop listing.
    NegativeStat,
    /// `+OK` in place of a continuation.
    OkAsContinuation,
    /// `+` without its space.
    BarePlus,
    /// A first challenge that is no base64.
    TextChallenge,
    /// Lines before the greeting.
    JunkBeforeGreeting,
    /// A line ended by LF without CR. Told of status lines and lines of listings; the lines of a
    /// message are not looked at one by one.
    BareLineFeed,
}

impl Deviation {
    /// Every deviation.
    pub const ALL: &'static [Self] = &[
        Self::FieldSeparators,
        Self::TrailingInformation,
        Self::StatusCase,
        Self::AnyPlusPositive,
        Self::LeadingDotEndsListing,
        Self::LongUniqueId,
        Self::MalformedItem,
        Self::ListingOrder,
        Self::NegativeStat,
        Self::OkAsContinuation,
        Self::BarePlus,
        Self::TextChallenge,
        Self::JunkBeforeGreeting,
        Self::BareLineFeed,
    ];

    const fn bit(self) -> u16 {
        1 << match self {
            Self::FieldSeparators => 0,
            Self::TrailingInformation => 1,
            Self::StatusCase => 2,
            Self::AnyPlusPositive => 3,
            Self::LeadingDotEndsListing => 4,
            Self::LongUniqueId => 5,
            Self::MalformedItem => 6,
            Self::ListingOrder => 7,
            Self::NegativeStat => 8,
            Self::OkAsContinuation => 9,
            Self::BarePlus => 10,
            Self::TextChallenge => 11,
            Self::JunkBeforeGreeting => 12,
            Self::BareLineFeed => 13,
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FieldSeparators => "fields not separated by one space",
            Self::TrailingInformation => "more behind a unique-id",
            Self::StatusCase => "status indicator not in upper case",
            Self::AnyPlusPositive => "status line neither +OK nor -ERR",
            Self::LeadingDotEndsListing => "listing ended by a line that only begins with a dot",
            Self::LongUniqueId => "unique-id of more than 70 octets",
            Self::MalformedItem => "line in a listing that is no item",
            Self::ListingOrder => "message-numbers out of order or repeated",
            Self::NegativeStat => "negative size of the maildrop",
            Self::OkAsContinuation => "+OK in place of a continuation",
            Self::BarePlus => "continuation without its space",
            Self::TextChallenge => "challenge that is no base64",
            Self::JunkBeforeGreeting => "lines before the greeting",
            Self::BareLineFeed => "line ended by LF without CR",
        })
    }
}

/// A set of deviations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deviations(u16);

impl Deviations {
    /// No deviation.
    pub const NONE: Self = Self(0);

    /// Adds `deviation`; `false` if it was there.
    pub fn insert(&mut self, deviation: Deviation) -> bool {
        let new = !self.contains(deviation);
        self.0 |= deviation.bit();
        new
    }

    /// Whether `deviation` is in the set.
    #[must_use]
    pub const fn contains(self, deviation: Deviation) -> bool {
        self.0 & deviation.bit() != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set.
    pub fn iter(self) -> impl Iterator<Item = Deviation> {
        Deviation::ALL.iter().copied().filter(move |deviation| self.contains(*deviation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_deviation_has_a_bit_of_its_own() {
        let mut set = Deviations::NONE;
        for deviation in Deviation::ALL {
            assert!(!set.contains(*deviation));
            assert!(set.insert(*deviation) && !set.insert(*deviation));
        }
        assert!(set.iter().eq(Deviation::ALL.iter().copied()));
    }
}
