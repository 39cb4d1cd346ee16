//! The name of a maildrop.

use alloc::boxed::Box;
use core::fmt;

use crate::error::InvalidValue;

/// The string that identifies a mailbox in USER and APOP, of significance only to the server
/// (RFC 1939 §7).
///
/// Printable ASCII without spaces, 0x21..=0x7E: an argument ends at a space (C0004).
///
/// ```
/// use pop3_proto::Mailbox;
/// assert_eq!(Mailbox::new("mrose")?.as_str(), "mrose");
/// assert!(Mailbox::new("alice\r\nDELE 1").is_err());
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox(Box<str>);

impl Mailbox {
    /// The name `name`.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty or holds an octet outside 0x21..=0x7E: nothing is repaired.
    pub fn new(name: &str) -> Result<Self, InvalidValue> {
        if name.is_empty() {
            return Err(InvalidValue::Empty);
        }
        match name.bytes().position(|octet| !octet.is_ascii_graphic()) {
            Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
            None => Ok(Self(name.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailbox").field(&self.0).finish()
    }
}

impl core::str::FromStr for Mailbox {
    type Err = InvalidValue;

    fn from_str(name: &str) -> Result<Self, InvalidValue> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    /// I6, C0003: printable ASCII, and no space in USER or APOP.
    #[test]
    fn only_graphic_ascii_names_a_mailbox() {
        for character in (0..=0xff_u32).filter_map(char::from_u32) {
            assert_eq!(
                Mailbox::new(&character.to_string()).is_ok(),
                ('!'..='~').contains(&character)
            );
        }
        assert_eq!(Mailbox::new(""), Err(InvalidValue::Empty));
    }
}
