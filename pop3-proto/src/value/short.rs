//! Octets held in place when they are few.

use alloc::boxed::Box;
use core::hash::{Hash, Hasher};

/// What a unique-id may be at most (RFC 1939 §7), and so what is held in place.
pub(crate) const INLINE: usize = 70;

/// Immutable octets: in place up to [`INLINE`] of them, boxed beyond, so that a listing of a
/// hundred thousand items allocates nothing and pins no receive buffer.
#[derive(Clone)]
pub(crate) struct Short(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, octets: [u8; INLINE] },
    Boxed(Box<[u8]>),
}

impl Short {
    pub(crate) fn new(source: &[u8]) -> Self {
        let mut octets = [0; INLINE];
        if let (Some(room), Ok(len)) = (octets.get_mut(..source.len()), u8::try_from(source.len()))
        {
            room.copy_from_slice(source);
            return Self(Repr::Inline { len, octets });
        }
        Self(Repr::Boxed(source.into()))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, octets } => octets.get(..usize::from(*len)).unwrap_or_default(),
            Repr::Boxed(octets) => octets,
        }
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Short {}

impl PartialOrd for Short {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Short {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_was_given_at_every_length() {
        for len in 0..200 {
            let octets: alloc::vec::Vec<u8> = (0..len).collect();
            let short = Short::new(&octets);
            assert_eq!(short.as_slice(), octets);
            assert_eq!(matches!(short.0, Repr::Inline { .. }), octets.len() <= INLINE);
        }
    }
}
