//! What CAPA lists.

mod known;
mod list;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use bytes::BufMut;

pub use known::{Expire, Expiry, KnownCapability, LoginDelay, Mechanisms};
pub use list::Capabilities;

use crate::error::InvalidValue;

/// One line of a capability list: a tag and its parameters (RFC 2449 §3), kept whole whether the
/// tag is known or not. What a known one says, [`Capability::known`] reads;
/// [`KnownCapability::to_capability`] is the way back.
///
/// ```
/// use pop3_proto::Capability;
/// let capability = Capability::new("SASL", &["PLAIN", "SCRAM-SHA-256"])?;
/// assert_eq!(capability.tag(), "SASL");
/// assert_eq!(capability.params().collect::<Vec<_>>(), ["PLAIN", "SCRAM-SHA-256"]);
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Capability {
    /// Tag and parameters, one space between each.
    line: Box<str>,
}

impl Capability {
    /// A capability.
    ///
    /// # Errors
    /// [`InvalidValue`] if the tag or a parameter is empty, holds an octet outside 0x21..=0x7E or,
    /// in the tag, a `.`, or if the line would pass 512 octets (RFC 2449 §3).
    pub fn new(tag: &str, params: &[&str]) -> Result<Self, InvalidValue> {
        if let Some(at) = tag.bytes().position(|octet| octet == b'.') {
            return Err(InvalidValue::ForbiddenOctet { at });
        }
        let mut line = String::new();
        for word in core::iter::once(&tag).chain(params) {
            if word.is_empty() {
                return Err(InvalidValue::Empty);
            }
            if let Some(at) = word.bytes().position(|octet| !octet.is_ascii_graphic()) {
                return Err(InvalidValue::ForbiddenOctet { at });
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let limit = crate::MAX_RESPONSE_OCTETS - 2;
        if line.len() > limit {
            return Err(InvalidValue::TooLong { octets: line.len(), limit });
        }
        Ok(Self { line: line.into() })
    }

    /// `line`: tag and parameters with one space between each, checked by the grammar.
    pub(crate) const fn framed(line: Box<str>) -> Self {
        Self { line }
    }

    /// The tag as it was sent; compare it without regard to case (RFC 2449 §5).
    #[must_use]
    pub fn tag(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Whether the tag is `tag`, whatever the case.
    #[must_use]
    pub fn is(&self, tag: &str) -> bool {
        // Asked of each capability before each pipelined command: most differ at once.
        let sent = self.line.bytes().take_while(|octet| *octet != b' ');
        sent.map(|octet| octet.to_ascii_lowercase())
            .eq(tag.bytes().map(|octet| octet.to_ascii_lowercase()))
    }

    /// The parameters, in the order in which they were sent.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.line.split(' ').skip(1)
    }

    /// The parameters as they stand in the line; empty if there are none.
    fn params_as_sent(&self) -> &str {
        self.line.split_once(' ').map_or("", |(_, params)| params)
    }

    /// What the line says if a specification defines its tag and its parameters are as they should
    /// be, whatever the case; see [`KnownCapability`].
    ///
    /// ```
    /// use pop3_proto::{Capability, Expire, Expiry, KnownCapability};
    /// let capability = Capability::new("EXPIRE", &["5", "USER"])?;
    /// let expire = Expire { expiry: Expiry::Days(5), per_user: true };
    /// assert_eq!(capability.known(), Some(KnownCapability::Expire(expire)));
    /// # Ok::<(), pop3_proto::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn known(&self) -> Option<KnownCapability<'_>> {
        KnownCapability::of(self)
    }

    /// Writes the line, without a line end.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.line.as_bytes());
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.line)
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Capability").field(&self.line).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I6: no tag and no parameter can break the line or begin it with the termination octet.
    #[test]
    fn only_words_make_a_capability() {
        assert!(Capability::new("LOGIN-DELAY", &["900", "USER"]).is_ok());
        assert!(Capability::new("IMPLEMENTATION", &["Example-v1.2"]).is_ok());
        for (tag, params) in [
            ("", &[][..]),
            (".", &[]),
            ("A.B", &[]),
            ("A B", &[]),
            ("A", &[""]),
            ("A", &["b c"]),
            ("A", &["b\r"]),
            ("A\n", &[]),
            ("Ä", &[]),
        ] {
            assert!(Capability::new(tag, params).is_err(), "{tag:?} {params:?}");
        }
        assert!(Capability::new("X", &[&"y".repeat(508)]).is_ok());
        assert!(Capability::new("X", &[&"y".repeat(509)]).is_err());
    }
}
