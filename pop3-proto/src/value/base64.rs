//! What stands in the lines of an AUTH exchange.

use core::fmt;

use super::Secret;
use crate::codec;
use crate::error::InvalidValue;

/// Base64 text as RFC 5034 §5 has it: whole groups, padding only at the end and only where due. It
/// may be empty.
///
/// It is a credential or as good as one, so `Debug` does not show it.
///
/// ```
/// use pop3_proto::Base64;
/// assert!(Base64::new("dGVzdAB0ZXN0AHRlc3Q=").is_ok());
/// assert!(Base64::new("AAA=BBBB").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Base64(Secret);

impl Base64 {
    /// The text `text`, which is base64 already.
    ///
    /// # Errors
    /// [`InvalidValue::Base64`] if it is not. The error does not hold the text.
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        Self::received(text.as_bytes())
    }

    /// What a peer sent.
    pub(crate) fn received(text: &[u8]) -> Result<Self, InvalidValue> {
        if codec::is_base64(text) { Ok(Self(Secret::new(text))) } else { Err(InvalidValue::Base64) }
    }

    /// No octets at all: an empty challenge or response.
    #[must_use]
    pub fn empty() -> Self {
        Self(Secret::new([]))
    }

    /// Whether it stands for no octets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }

    /// The text. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

#[cfg(feature = "sasl")]
impl Base64 {
    /// Encodes octets.
    #[must_use]
    pub fn encode(octets: &[u8]) -> Self {
        use base64ct::Encoding as _;
        Self(Secret::new(base64ct::Base64::encode_string(octets)))
    }

    /// The octets that it stands for.
    ///
    /// # Errors
    /// [`InvalidValue::Base64`] if bits are set where its last group has none to give: two texts for
    /// the same octets are one too many.
    pub fn decode(&self) -> Result<Secret, InvalidValue> {
        use base64ct::Encoding as _;
        let mut room = alloc::vec![0; self.expose().len() / 4 * 3];
        let octets = base64ct::Base64::decode(self.expose(), &mut room).map(Secret::new);
        // Refused octets are secret too.
        zeroize::Zeroize::zeroize(&mut room);
        octets.map_err(|_| InvalidValue::Base64)
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Base64(..)")
    }
}

#[cfg(all(test, feature = "sasl"))]
mod tests {
    use super::*;

    /// R5034-4.06, R5034-4.07: nothing else is taken, and what is taken has one meaning.
    #[test]
    fn only_canonical_text_decodes() {
        for (text, octets) in [
            ("", &b""[..]),
            ("QQ==", b"A"),
            ("QUI=", b"AB"),
            ("QUJD", b"ABC"),
            ("+/+/", b"\xfb\xff\xbf"),
        ] {
            let decoded = Base64::new(text).and_then(|text| text.decode());
            assert_eq!(decoded.as_ref().map(Secret::expose), Ok(octets), "{text}");
            assert_eq!(Base64::encode(octets).expose(), text.as_bytes());
        }
        for text in
            ["=", "=AAA", "AAA=BBB", "A", "QQ", "QQ=", "QQ= ", "QU JD", "QQ==QQ==", "\u{e9}AAA"]
        {
            assert_eq!(Base64::new(text), Err(InvalidValue::Base64), "{text}");
        }
        for text in ["QR==", "QUJ="] {
            let decoded = Base64::new(text).and_then(|text| text.decode());
            assert_eq!(decoded, Err(InvalidValue::Base64), "{text}");
        }
    }
}
