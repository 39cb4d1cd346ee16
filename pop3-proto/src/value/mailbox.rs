//! The name of a maildrop.

use alloc::boxed::Box;
use core::fmt;

use crate::error::InvalidValue;
use crate::escape::Escaped;

/// The string that identifies a mailbox in USER and APOP, of significance only to the server
/// (RFC 1939 §7).
///
/// Printable ASCII without spaces, 0x21..=0x7E: an argument ends at a space (C0004). A name of
/// [`Mailbox::utf8`] may be more than ASCII, for a server that announces `UTF8 USER`.
///
/// On Exchange a name may also say whose maildrop to open in the user's stead: see
/// [`Mailbox::delegation`].
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

    /// The name `name`, which need not be ASCII (RFC 6856 §2.2).
    ///
    /// Only a server that announces [`utf8_user`](crate::Capabilities::utf8_user) may be sent one
    /// that is not. The caller prepares the name as RFC 4013 says, which takes the tables of Unicode.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty or holds a space, a control (C0, DEL, C1) or a line or
    /// paragraph separator: nothing is repaired. The offset is that of the character's first octet.
    ///
    /// ```
    /// use pop3_proto::Mailbox;
    /// assert!(!Mailbox::utf8("jürgen")?.is_ascii());
    /// assert!(Mailbox::new("jürgen").is_err());
    /// # Ok::<(), pop3_proto::InvalidValue>(())
    /// ```
    pub fn utf8(name: &str) -> Result<Self, InvalidValue> {
        if name.is_empty() {
            return Err(InvalidValue::Empty);
        }
        let forbidden = |character: char| {
            character.is_control() || matches!(character, ' ' | '\u{2028}' | '\u{2029}')
        };
        match name.find(forbidden) {
            Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
            None => Ok(Self(name.into())),
        }
    }

    /// Whether the name is ASCII, and so may be sent to any server.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name that is not ASCII is escaped: see [`Escaped`].
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ascii() { f.pad(&self.0) } else { Escaped::new(self.0.as_bytes()).fmt(f) }
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

    /// R1939-3.03, I6, C0003: printable ASCII, and no space in USER or APOP.
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

    /// I6, R6856-2.2.02, R6856-2.2.05: every character but the space and what could end a line.
    #[test]
    fn only_what_ends_no_line_or_argument_names_a_mailbox_in_utf8() {
        for character in (0..=0x0010_ffff_u32).filter_map(char::from_u32) {
            let refused = matches!(
                character,
                '\0'..=' ' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}'
            );
            let name = alloc::format!("x{character}");
            let expected =
                if refused { Err(InvalidValue::ForbiddenOctet { at: 1 }) } else { Ok(()) };
            assert_eq!(Mailbox::utf8(&name).map(|_| ()), expected, "{character:?}");
        }
        assert_eq!(Mailbox::utf8(""), Err(InvalidValue::Empty));
        assert_eq!(Mailbox::utf8("äö ü"), Err(InvalidValue::ForbiddenOctet { at: 4 }));
    }

    /// R6856-2.2.03: a name in ASCII is the same however it was made; another one is told apart.
    #[test]
    fn ascii_is_told_apart() {
        assert_eq!(Mailbox::utf8("mrose"), Mailbox::new("mrose"));
        assert!(Mailbox::utf8("mrose").unwrap().is_ascii());
        assert!(!Mailbox::utf8("mrosé").unwrap().is_ascii());
        assert!("mrosé".parse::<Mailbox>().is_err());
    }

    /// Class K: a name from a client drives no terminal and turns no text around.
    #[test]
    fn a_name_is_shown_harmlessly() {
        let shown = |name: &str| {
            let name = Mailbox::utf8(name).unwrap();
            (name.to_string(), alloc::format!("{name:?}"))
        };
        assert_eq!(shown("a\\b"), ("a\\b".into(), r#"Mailbox("a\\b")"#.into()));
        assert_eq!(shown("é"), ("é".into(), r#"Mailbox("é")"#.into()));
        assert_eq!(shown("é\u{202e}x"), (r"é\u{202e}x".into(), r#"Mailbox("é\u{202e}x")"#.into()));
    }
}
