//! The human-readable part of a response line.

use core::fmt;

use bytes::BufMut;

use super::short::Short;
use crate::MAX_RESPONSE_OCTETS;
use crate::error::InvalidValue;
use crate::escape::Escaped;

/// The text of a response line, after the status indicator and one separator (RFC 1939 §3).
///
/// A text that a peer sent is kept octet for octet, without its line end; it may hold controls or
/// octets that are no UTF-8, so `Display` and `Debug` escape it (see [`Escaped`]). A text that is
/// made here with [`Text::new`] is printable ASCII.
///
/// Up to 70 octets are held in place, more are boxed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Short);

impl Text {
    /// Octets of a text at most, so that `-ERR`, a space, the text and CRLF stay within the 512
    /// octets of RFC 2449 §4.
    pub const MAX_OCTETS: usize = MAX_RESPONSE_OCTETS - "-ERR \r\n".len();

    /// A text to send: printable ASCII (0x20..=0x7E), at most [`Text::MAX_OCTETS`] octets.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is too long or holds any other octet: nothing is repaired.
    ///
    /// ```
    /// use pop3_proto::Text;
    /// assert_eq!(Text::new("2 messages")?.octets(), b"2 messages");
    /// assert!(Text::new("fine\r\n+OK forged").is_err());
    /// # Ok::<(), pop3_proto::InvalidValue>(())
    /// ```
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        if text.len() > Self::MAX_OCTETS {
            return Err(InvalidValue::TooLong { octets: text.len(), limit: Self::MAX_OCTETS });
        }
        match text.bytes().position(|octet| !matches!(octet, 0x20..=0x7e)) {
            Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
            None => Ok(Self::received(text.as_bytes())),
        }
    }

    /// A text to send to a peer that takes UTF-8 (RFC 6856): no control character, at most
    /// [`Text::MAX_OCTETS`] octets.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is too long or holds a control character: nothing is repaired.
    pub fn utf8(text: &str) -> Result<Self, InvalidValue> {
        if text.len() > Self::MAX_OCTETS {
            return Err(InvalidValue::TooLong { octets: text.len(), limit: Self::MAX_OCTETS });
        }
        match text.char_indices().find(|(_, character)| character.is_control()) {
            Some((at, _)) => Err(InvalidValue::ForbiddenOctet { at }),
            None => Ok(Self::received(text.as_bytes())),
        }
    }

    /// A text as a peer sent it; the caller has framed the line.
    pub(crate) fn received(octets: &[u8]) -> Self {
        Self(Short::new(octets))
    }

    /// The octets as they came, unescaped.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Writes the octets. One that cannot stand in a line (CR, LF or NUL of a peer) is written as `?`.
    pub(crate) fn encode(&self, out: &mut impl BufMut) {
        for &octet in self.octets() {
            out.put_u8(if matches!(octet, b'\r' | b'\n' | 0) { b'?' } else { octet });
        }
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets().is_empty()
    }
}

/// A text of our own words; the caller answers for its octets.
pub(crate) fn put_text(write: impl FnOnce(&mut alloc::vec::Vec<u8>)) -> Text {
    let mut text = alloc::vec::Vec::new();
    write(&mut text);
    Text::received(&text)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::new(self.octets()).fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Escaped::new(self.octets()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    /// I6: what is made here cannot break a line.
    #[test]
    fn only_printable_ascii_can_be_made() {
        for character in (0..=0xff_u32).filter_map(char::from_u32) {
            let text = character.to_string();
            assert_eq!(Text::new(&text).is_ok(), (' '..='~').contains(&character), "{character:?}");
        }
        assert!(Text::utf8("Kommandot \"LANG\" lyckades \u{e5}").is_ok());
        for control in ["\r", "\n", "\0", "\u{85}", "\u{1b}"] {
            assert!(Text::utf8(control).is_err(), "{control:?}");
        }
        assert!(Text::new(&"x".repeat(Text::MAX_OCTETS)).is_ok());
        assert!(Text::new(&"x".repeat(Text::MAX_OCTETS + 1)).is_err());
    }

    #[test]
    fn peer_text_is_escaped_when_shown() {
        let text = Text::received(b"\x1b]0;t\x07\r");
        assert_eq!(text.to_string(), "\\u{1b}]0;t\\u{7}\\u{d}");
        assert_eq!(alloc::format!("{text:?}"), "\"\\u{1b}]0;t\\u{7}\\u{d}\"");
    }
}
