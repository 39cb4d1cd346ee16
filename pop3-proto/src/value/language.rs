//! The languages of a server's texts (RFC 6856 §3).

use alloc::boxed::Box;
use core::fmt;

use bytes::BufMut;

use super::Text;
use crate::error::InvalidValue;

/// A language tag (RFC 5646) as LANG lists and confirms it: subtags of 1 to 8 letters and digits,
/// joined by `-`.
///
/// Compared without regard to case, as tags are; kept as it came.
#[derive(Clone)]
pub struct LanguageTag(Box<str>);

impl LanguageTag {
    /// Octets of a tag at most: RFC 5646 §4.4.1 asks for 35, and private ones are longer.
    pub const MAX_OCTETS: usize = 100;

    /// The tag `tag`.
    ///
    /// # Errors
    /// [`InvalidValue`] unless it is subtags as above, the first of letters only.
    pub fn new(tag: &str) -> Result<Self, InvalidValue> {
        if tag.is_empty() {
            return Err(InvalidValue::Empty);
        }
        if tag.len() > Self::MAX_OCTETS {
            return Err(InvalidValue::TooLong { octets: tag.len(), limit: Self::MAX_OCTETS });
        }
        let mut start = 0;
        for subtag in tag.split('-') {
            let legal = |octet: &u8| {
                if start == 0 { octet.is_ascii_alphabetic() } else { octet.is_ascii_alphanumeric() }
            };
            if let Some(at) = subtag.bytes().position(|octet| !legal(&octet)) {
                return Err(InvalidValue::ForbiddenOctet { at: start + at });
            }
            if subtag.is_empty() || subtag.len() > 8 {
                return Err(InvalidValue::ForbiddenOctet { at: start + subtag.len().min(8) });
            }
            start += subtag.len() + 1;
        }
        Ok(Self(tag.into()))
    }

    /// The tag as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for LanguageTag {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for LanguageTag {}

impl core::hash::Hash for LanguageTag {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for octet in self.0.bytes() {
            octet.to_ascii_lowercase().hash(state);
        }
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LanguageTag").field(&self.0).finish()
    }
}

/// The argument of LANG: a basic language range (RFC 4647 §2.1, RFC 6856 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 4647 §2.1 has no other basic range")]
pub enum LanguageRange {
    /// `*`: whatever the server's administrator prefers.
    Default,
    /// A language.
    Tag(LanguageTag),
}

impl LanguageRange {
    /// The range `range`: `*`, or a tag.
    ///
    /// # Errors
    /// As [`LanguageTag::new`].
    pub fn new(range: &str) -> Result<Self, InvalidValue> {
        if range == "*" { Ok(Self::Default) } else { LanguageTag::new(range).map(Self::Tag) }
    }

    /// The range as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Default => "*",
            Self::Tag(tag) => tag.as_str(),
        }
    }
}

/// A language listing: a line of LANG, and what a positive response to `LANG tag` begins with
/// (RFC 6856 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LanguageListing {
    /// The language.
    pub tag: LanguageTag,
    /// Its description in that language, UTF-8; in the response to `LANG tag`, a text in it.
    pub description: Text,
}

impl LanguageListing {
    /// A listing.
    #[must_use]
    pub const fn new(tag: LanguageTag, description: Text) -> Self {
        Self { tag, description }
    }

    /// Writes the line, without a line end. An octet that cannot stand in a line is written as `?`.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.tag.as_str().as_bytes());
        if !self.description.is_empty() {
            out.put_u8(b' ');
            self.description.encode(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    /// R6856-3.2.03, I6.
    #[test]
    fn a_tag_is_subtags() {
        for tag in ["es", "sv", "MUL", "de-AT-1996", "i-default", "zh-Hant", "x-abcdefgh"] {
            assert_eq!(LanguageTag::new(tag).map(|tag| tag.as_str() == tag.to_string()), Ok(true));
        }
        for tag in [
            "",
            "*",
            "-",
            "de-",
            "-de",
            "d e",
            "de--AT",
            "1de",
            "abcdefghi",
            "de-abcdefghi",
            "de\r",
            "d\u{e9}",
        ] {
            assert!(LanguageTag::new(tag).is_err(), "{tag:?}");
        }
        assert_eq!(LanguageRange::new("*"), Ok(LanguageRange::Default));
        assert_eq!(LanguageTag::new("EN"), LanguageTag::new("en"));
    }
}
