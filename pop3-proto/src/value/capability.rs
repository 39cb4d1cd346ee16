//! What CAPA lists.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::BufMut;

use crate::error::InvalidValue;
use crate::state::Keyword;

/// One line of a capability list: a tag and its parameters (RFC 2449 §3), kept whole whether the
/// tag is known or not.
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
        self.tag().eq_ignore_ascii_case(tag)
    }

    /// The parameters, in the order in which they were sent.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.line.split(' ').skip(1)
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

/// A whole capability list (RFC 2449 §5), in the order in which it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// The first capability with `tag`, whatever the case.
    #[must_use]
    pub fn find(&self, tag: &str) -> Option<&Capability> {
        self.0.iter().find(|capability| capability.is(tag))
    }

    /// Whether the server announced PIPELINING: commands may be sent before the replies to earlier
    /// ones are in (RFC 2449 §6.6).
    #[must_use]
    pub fn pipelining(&self) -> bool {
        self.find("PIPELINING").is_some()
    }

    /// Whether the optional command `keyword` was announced. Absence proves little: servers in the
    /// field support TOP and UIDL without saying so.
    #[must_use]
    pub fn announces(&self, keyword: Keyword) -> bool {
        self.find(keyword.as_str()).is_some()
    }

    /// All of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Capability> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().collect())
    }
}

impl Extend<Capability> for Capabilities {
    fn extend<I: IntoIterator<Item = Capability>>(&mut self, capabilities: I) {
        self.0.extend(capabilities);
    }
}

impl<'a> IntoIterator for &'a Capabilities {
    type Item = &'a Capability;
    type IntoIter = core::slice::Iter<'a, Capability>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
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

    /// R2449-5.01: tags are case-insensitive.
    #[test]
    fn a_tag_is_found_whatever_its_case() {
        let list: Capabilities =
            [Capability::new("Pipelining", &[]).unwrap(), Capability::new("uidl", &[]).unwrap()]
                .into_iter()
                .collect();
        assert!(
            list.pipelining() && list.announces(Keyword::Uidl) && !list.announces(Keyword::Top)
        );
    }
}
