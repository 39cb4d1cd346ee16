//! Unique-ids.

use alloc::string::String;
use core::fmt::{self, Write as _};

use super::short::{INLINE, Short};
use crate::error::InvalidValue;

/// The unique-id of a message: an opaque, case-sensitive string that persists across sessions
/// (RFC 1939 §7, C0039).
///
/// One to 70 octets of 0x21..=0x7E; servers in the field send more, which [`UniqueId::lenient`]
/// takes up to 255. Two messages may carry the same unique-id (C0041), so it is no key by itself.
///
/// It is a peer's string and a legal one may be `../../x` or `NUL`: there is no conversion to a
/// path. For a file's name use [`UniqueId::file_safe`].
///
/// ```
/// use pop3_proto::UniqueId;
/// let id = UniqueId::new(b"whqtswO00WBw418f9t5JxYwZ")?;
/// assert_eq!(id.as_str(), "whqtswO00WBw418f9t5JxYwZ");
/// assert!(UniqueId::new(b"two words").is_err());
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId(Short);

impl UniqueId {
    /// Octets that RFC 1939 §7 allows at most.
    pub const MAX_OCTETS: usize = INLINE;

    /// Octets that [`UniqueId::lenient`] takes at most.
    pub const MAX_LENIENT_OCTETS: usize = 255;

    /// A unique-id as RFC 1939 §7 defines it: 1 to 70 octets of 0x21..=0x7E.
    ///
    /// # Errors
    /// [`InvalidValue`] says what is wrong: empty, too long, or an octet out of range.
    pub fn new(octets: &[u8]) -> Result<Self, InvalidValue> {
        Self::within(octets, Self::MAX_OCTETS)
    }

    /// A unique-id as servers in the field send it: 1 to 255 octets of 0x21..=0x7E.
    ///
    /// # Errors
    /// As [`UniqueId::new`].
    pub fn lenient(octets: &[u8]) -> Result<Self, InvalidValue> {
        Self::within(octets, Self::MAX_LENIENT_OCTETS)
    }

    fn within(octets: &[u8], limit: usize) -> Result<Self, InvalidValue> {
        if octets.is_empty() {
            return Err(InvalidValue::Empty);
        }
        if octets.len() > limit {
            return Err(InvalidValue::TooLong { octets: octets.len(), limit });
        }
        // None is left out, so that they are looked at many at a time.
        if octets.iter().fold(true, |legal, octet| legal & octet.is_ascii_graphic()) {
            return Ok(Self(Short::new(octets)));
        }
        let at = octets.iter().position(|octet| !octet.is_ascii_graphic()).unwrap_or_default();
        Err(InvalidValue::ForbiddenOctet { at })
    }

    /// The octets, all of 0x21..=0x7E.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The same as text; it is ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.octets()).unwrap_or_default()
    }

    /// Whether it is longer than RFC 1939 §7 allows.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.octets().len() > Self::MAX_OCTETS
    }

    /// A form that is safe as part of a file's name on any system: different unique-ids have
    /// different forms, also where case is ignored.
    ///
    /// Lower-case letters, digits and `-` stand for themselves, every other octet is `_` and two
    /// lower-case hexadecimal digits. At most three times as long as the unique-id.
    ///
    /// ```
    /// # use pop3_proto::UniqueId;
    /// assert_eq!(UniqueId::new(b"../A")?.file_safe(), "_2e_2e_2f_41");
    /// # Ok::<(), pop3_proto::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn file_safe(&self) -> String {
        let mut form = String::with_capacity(self.octets().len());
        for &octet in self.octets() {
            if octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-' {
                form.push(char::from(octet));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(form, "_{octet:02x}");
            }
        }
        form
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UniqueId").field(&self.as_str()).finish()
    }
}

impl core::str::FromStr for UniqueId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use alloc::vec;
    use proptest::prelude::*;

    /// R1939-7.02, C0039: 1 to 70 characters, each 0x21..=0x7E.
    #[test]
    fn the_range_of_rfc_1939_is_exact() {
        for octet in 0..=u8::MAX {
            assert_eq!(UniqueId::new(&[b'a', octet]).is_ok(), (0x21..=0x7e).contains(&octet));
        }
        for (len, strict, lenient) in [
            (0, false, false),
            (1, true, true),
            (70, true, true),
            (71, false, true),
            (255, false, true),
            (256, false, false),
        ] {
            let octets = vec![b'x'; len];
            assert_eq!(UniqueId::new(&octets).is_ok(), strict, "{len}");
            assert_eq!(UniqueId::lenient(&octets).is_ok(), lenient, "{len}");
        }
        assert!(UniqueId::lenient(&[b'x'; 71]).unwrap().is_long());
    }

    #[test]
    fn the_file_safe_form_holds_no_separator_and_no_dot() {
        for hostile in
            ["../../.ssh/authorized_keys", "/etc/x", "..", "C:\\x", "NUL", "a:2,S", "con.txt"]
        {
            let form = hostile.parse::<UniqueId>().unwrap().file_safe();
            assert!(
                form.bytes().all(|octet| octet.is_ascii_lowercase()
                    || octet.is_ascii_digit()
                    || octet == b'-'
                    || octet == b'_'),
                "{form}"
            );
        }
    }

    #[test]
    fn what_may_stand_in_a_file_s_name_stands_for_itself() {
        assert_eq!("a1-B_z".parse::<UniqueId>().unwrap().file_safe(), "a1-_42_5fz");
    }

    proptest! {
        /// R1939-7.06: injective, also after folding case.
        #[test]
        fn the_file_safe_form_is_injective(a in "[!-~]{1,12}", b in "[!-~]{1,12}") {
            let (left, right) = (a.parse::<UniqueId>().unwrap(), b.parse::<UniqueId>().unwrap());
            prop_assert_eq!(left == right, left.file_safe().eq_ignore_ascii_case(&right.file_safe()));
            prop_assert_eq!(left.to_string(), a);
        }
    }
}
