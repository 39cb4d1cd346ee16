//! What must not be shown.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::error::InvalidValue;

/// Octets that must not be shown: `Debug` says `Secret(..)` in every build, there is no `Display`,
/// comparison takes the same time wherever the difference lies, and with feature `zeroize` the
/// octets are wiped on drop.
///
/// The octets are owned because a shared buffer could not be wiped.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes ownership of `octets`. With spare capacity they are copied, since giving it back may
    /// leave a copy behind, and what they were copied from is wiped as the secret is.
    #[must_use]
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        let mut octets = octets.into();
        if octets.len() == octets.capacity() {
            Self(octets.into_boxed_slice())
        } else {
            Self(moved(&mut octets))
        }
    }

    /// The octets. Whoever calls this answers for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// An exact copy; the original is wiped, with all the room that it has.
#[cfg_attr(
    not(feature = "zeroize"),
    expect(clippy::needless_pass_by_ref_mut, reason = "nothing is wiped")
)]
fn moved(octets: &mut Vec<u8>) -> Box<[u8]> {
    let exact = Box::from(octets.as_slice());
    #[cfg(feature = "zeroize")]
    zeroize::Zeroize::zeroize(octets);
    exact
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && are_equal(self.0.iter().zip(&other.0))
    }
}

/// Whether no pair differs. Each is looked at, whatever those before it were.
fn are_equal<'a>(pairs: impl Iterator<Item = (&'a u8, &'a u8)>) -> bool {
    pairs.fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(feature = "zeroize")]
impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// The argument of PASS (RFC 1939 §7): everything after the one space, so it may hold spaces.
///
/// ```
/// use pop3_proto::Password;
/// let password = Password::new("correct horse")?;
/// assert_eq!(format!("{password:?}"), "Password(..)");
/// assert!(Password::new("x\r\nDELE 1").is_err());
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Secret);

impl Password {
    /// A password of printable ASCII, spaces included (C0003).
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty or holds any other octet. The error does not hold the password.
    pub fn new(password: &str) -> Result<Self, InvalidValue> {
        Self::checked(password.as_bytes(), |octet| matches!(octet, 0x20..=0x7e))
    }

    /// A password of any octets but CR, LF and NUL: TAB, other controls and 8-bit text in whatever
    /// encoding the server expects. This goes beyond RFC 1939, for passwords that exist.
    ///
    /// One that is UTF-8 is sent in PASS only to a server that announces
    /// [`utf8_user`](crate::Capabilities::utf8_user) (RFC 6856 §2.2).
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty or holds CR, LF or NUL.
    pub fn opaque(octets: &[u8]) -> Result<Self, InvalidValue> {
        Self::checked(octets, |octet| !matches!(octet, b'\r' | b'\n' | 0))
    }

    fn checked(octets: &[u8], legal: impl Fn(u8) -> bool) -> Result<Self, InvalidValue> {
        if octets.is_empty() {
            return Err(InvalidValue::Empty);
        }
        match octets.iter().position(|&octet| !legal(octet)) {
            Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
            None => Ok(Self(Secret::new(octets))),
        }
    }

    /// The octets. Whoever calls this answers for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// Whether it holds octets that only [`Password::opaque`] takes.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        !self.expose().iter().all(|octet| matches!(octet, 0x20..=0x7e))
    }

    /// Whether it is UTF-8 and more than ASCII.
    pub(crate) fn is_utf8(&self) -> bool {
        !self.expose().is_ascii() && core::str::from_utf8(self.expose()).is_ok()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The digest of APOP: 32 lower-case hexadecimal digits (RFC 1939 §7). It is as good as the
/// password to whoever replays or guesses, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApopDigest(Secret);

impl ApopDigest {
    /// A digest in its wire form.
    ///
    /// # Errors
    /// [`InvalidValue`] unless it is exactly 32 octets of `0-9a-f`.
    pub fn new(digest: &str) -> Result<Self, InvalidValue> {
        if digest.len() != 32 {
            return Err(InvalidValue::ApopDigest);
        }
        if digest.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(Secret::new(digest)))
        } else {
            Err(InvalidValue::ApopDigest)
        }
    }

    /// The digest with which somebody who knows `secret` answers `timestamp` (RFC 1939 §7). A server
    /// compares it with what a client sent.
    ///
    /// A secret that is UTF-8 has been prepared, as a stored string (RFC 6856 §2.2).
    #[cfg(feature = "md5")]
    #[cfg_attr(docsrs, doc(cfg(feature = "md5")))]
    #[must_use]
    pub fn compute(timestamp: &super::ApopTimestamp, secret: &Secret) -> Self {
        Self(crate::sasl::apop(timestamp, secret))
    }

    /// The 32 digits.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for ApopDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApopDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    /// I10, K11: nothing stays behind of what a secret is made from.
    #[cfg(feature = "zeroize")]
    #[test]
    fn spare_room_is_not_given_back_with_a_copy_in_it() {
        let mut octets = Vec::with_capacity(64);
        octets.extend_from_slice(b"hunter2");
        assert_eq!(&*moved(&mut octets), b"hunter2");
        assert_eq!((octets.len(), octets.capacity()), (0, 64));
        octets.extend_from_slice(b"hunter2");
        assert_eq!(Secret::new(octets).expose(), b"hunter2");
    }

    /// I10: no form of `Debug` shows a secret.
    #[test]
    fn nothing_secret_is_shown() {
        let canary = "Tr0ub4dor&3";
        let shown = format!(
            "{:?}{:#?}{:?}",
            Secret::new(canary),
            Password::new(canary).unwrap(),
            ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").unwrap()
        );
        assert!(!shown.contains(canary) && !shown.contains("c4c9"), "{shown}");
    }

    /// I6 and R1939-7.08: a password holds spaces but never a line end.
    #[test]
    fn a_password_cannot_break_its_line() {
        for octet in 0..=u8::MAX {
            let octets = [b'a', octet];
            assert_eq!(Password::opaque(&octets).is_ok(), !matches!(octet, 0 | b'\r' | b'\n'));
            if let Ok(text) = core::str::from_utf8(&octets) {
                assert_eq!(Password::new(text).is_ok(), matches!(octet, 0x20..=0x7e));
            }
        }
        assert!(Password::new("").is_err() && Password::opaque(b"").is_err());
        assert!(Password::opaque(b"p\xe4ss").unwrap().is_opaque());
        assert!(!Password::new("p ss").unwrap().is_opaque());
    }

    #[test]
    fn equality_sees_every_octet() {
        assert_eq!(Secret::new("abc"), Secret::new("abc"));
        for other in ["abd", "bbc", "ab", "abcd", ""] {
            assert_ne!(Secret::new("abc"), Secret::new(other));
        }
    }

    /// I26: where the difference lies does not tell by the time that it takes.
    #[test]
    fn equality_looks_behind_a_difference() {
        for other in [b"abc", b"xbc", b"axc", b"abx"] {
            let mut looked = 0;
            let pairs = b"abc".iter().zip(other).inspect(|_| looked += 1);
            assert_eq!(are_equal(pairs), other == b"abc");
            assert_eq!(looked, 3);
        }
    }

    /// R1939-7.03: the example of RFC 1939 §7.
    #[cfg(feature = "md5")]
    #[test]
    fn an_apop_digest_is_computed() {
        let timestamp = crate::ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").unwrap();
        let digest = ApopDigest::compute(&timestamp, &Secret::new("tanstaaf"));
        assert_eq!(digest, ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").unwrap());
        assert_ne!(digest, ApopDigest::compute(&timestamp, &Secret::new("tanstaag")));
    }

    /// R1939-7.03: 32 lower-case hexadecimal digits.
    #[test]
    fn an_apop_digest_has_one_form() {
        assert!(ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").is_ok());
        for wrong in [
            "",
            "c4c9334bac560ecc979e58001b3e22f",
            "C4C9334BAC560ECC979E58001B3E22FB",
            "c4c9334bac560ecc979e58001b3e22fbb",
            "c4c9334bac560ecc979e58001b3e22f\n",
        ] {
            assert!(ApopDigest::new(wrong).is_err(), "{wrong}");
        }
    }
}
