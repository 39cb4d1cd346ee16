//! Message-numbers and sets of them.

use alloc::collections::BTreeMap;
use core::fmt;
use core::num::NonZeroU32;

use crate::error::InvalidValue;

/// The number of a message in an open maildrop, counted from 1 (RFC 1939 §4).
///
/// It means nothing outside the session that gave it: after a reconnect the same number may name
/// another message. To recognise a message later, keep its [`UniqueId`](crate::UniqueId).
///
/// ```
/// use pop3_proto::MessageNumber;
/// assert_eq!(MessageNumber::new(7).unwrap().to_string(), "7");
/// assert!(MessageNumber::new(0).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// The first message of every maildrop.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// A message-number, or `None` for 0, which names no message.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number itself, never 0.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0.get()
    }

    /// How many digits it is written with.
    pub(crate) fn digits(self) -> usize {
        1 + usize::try_from(self.0.ilog10()).unwrap_or(0)
    }
}

impl TryFrom<u32> for MessageNumber {
    type Error = InvalidValue;

    fn try_from(number: u32) -> Result<Self, InvalidValue> {
        Self::new(number).ok_or(InvalidValue::MessageNumberZero)
    }
}

impl From<MessageNumber> for u32 {
    fn from(number: MessageNumber) -> Self {
        number.value()
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of message-numbers, kept as ranges.
///
/// Runs of neighbours cost one entry however long they are; memory is bounded by the number of
/// insertions and never by the value of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NumberSet {
    /// First number of each range to its last; ranges neither overlap nor touch.
    ranges: BTreeMap<u32, u32>,
}

impl NumberSet {
    #[inline]
    pub(crate) fn contains(&self, number: MessageNumber) -> bool {
        // Nearly always: no message is marked, and this is asked for every command.
        !self.ranges.is_empty() && self.range_at(number.value()).is_some()
    }

    /// Adds `number`; `false` if it was there.
    pub(crate) fn insert(&mut self, number: MessageNumber) -> bool {
        let number = number.value();
        if self.range_at(number).is_some() {
            return false;
        }
        let last = match number.checked_add(1).and_then(|next| self.ranges.remove(&next)) {
            Some(last) => last,
            None => number,
        };
        match self.ranges.range_mut(..number).next_back() {
            Some((_, before)) if before.checked_add(1) == Some(number) => *before = last,
            _ => {
                self.ranges.insert(number, last);
            }
        }
        true
    }

    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
    }

    fn range_at(&self, number: u32) -> Option<(u32, u32)> {
        let (first, last) = self.ranges.range(..=number).next_back()?;
        (number <= *last).then_some((*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        /// The ranges say the same as a plain set, and never touch one another.
        #[test]
        fn ranges_equal_a_plain_set(numbers in prop::collection::vec(1u32..40, 0..80)) {
            let mut set = NumberSet::default();
            let mut plain = BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(set.insert(MessageNumber::new(number).unwrap()), plain.insert(number));
            }
            for number in 1..50 {
                prop_assert_eq!(set.contains(MessageNumber::new(number).unwrap()), plain.contains(&number));
            }
            let ranges: alloc::vec::Vec<_> = set.ranges.iter().collect();
            prop_assert!(ranges.windows(2).all(|pair| *pair[0].1 + 1 < *pair[1].0));
        }
    }

    #[test]
    fn the_ends_of_the_number_space_do_not_wrap() {
        let mut set = NumberSet::default();
        let last = MessageNumber::new(u32::MAX).unwrap();
        assert!(set.insert(last));
        assert!(set.insert(MessageNumber::FIRST));
        assert!(set.contains(last) && !set.insert(last));
        assert!(!set.contains(MessageNumber::new(2).unwrap()));
    }
}
