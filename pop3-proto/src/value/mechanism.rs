//! The names of SASL mechanisms.

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::error::InvalidValue;

/// The name of a SASL mechanism: 1 to 20 octets of `A-Z`, `0-9`, `-` and `_` (RFC 4422 §3.1).
///
/// Names are taken in any case (RFC 5034 §5) and kept and written in upper case.
///
/// ```
/// use pop3_proto::MechanismName;
/// assert_eq!(MechanismName::new("scram-sha-256")?, MechanismName::SCRAM_SHA_256);
/// assert!(MechanismName::new("PLAIN\r\nQUIT").is_err());
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MechanismName {
    /// Zero behind the name.
    octets: [u8; Self::MAX_OCTETS],
}

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: Self = Self::known($name);)*

        /// Every mechanism that this library knows by name.
        pub const KNOWN: &'static [Self] = &[$(Self::$constant),*];
    };
}

impl MechanismName {
    /// Octets of a name at most.
    pub const MAX_OCTETS: usize = 20;

    names! {
        /// PLAIN (RFC 4616).
        PLAIN "PLAIN";
        /// LOGIN, which has no specification but drafts.
        LOGIN "LOGIN";
        /// CRAM-MD5 (RFC 2195).
        CRAM_MD5 "CRAM-MD5";
        /// SCRAM-SHA-1 (RFC 5802).
        SCRAM_SHA_1 "SCRAM-SHA-1";
        /// SCRAM-SHA-1-PLUS, with channel binding (RFC 5802).
        SCRAM_SHA_1_PLUS "SCRAM-SHA-1-PLUS";
        /// SCRAM-SHA-256 (RFC 7677).
        SCRAM_SHA_256 "SCRAM-SHA-256";
        /// SCRAM-SHA-256-PLUS, with channel binding (RFC 7677).
        SCRAM_SHA_256_PLUS "SCRAM-SHA-256-PLUS";
        /// XOAUTH2, of Google and Microsoft.
        XOAUTH2 "XOAUTH2";
        /// OAUTHBEARER (RFC 7628).
        OAUTHBEARER "OAUTHBEARER";
        /// EXTERNAL (RFC 4422 appendix A).
        EXTERNAL "EXTERNAL";
        /// ANONYMOUS (RFC 4505).
        ANONYMOUS "ANONYMOUS";
        /// NTLM (MS-OXPOP3).
        NTLM "NTLM";
    }

    /// The name `name`, in upper case.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty, longer than 20 octets or holds any other octet.
    pub fn new(name: &str) -> Result<Self, InvalidValue> {
        if name.is_empty() {
            return Err(InvalidValue::Empty);
        }
        let mut octets = [0; Self::MAX_OCTETS];
        let room = octets
            .get_mut(..name.len())
            .ok_or(InvalidValue::TooLong { octets: name.len(), limit: Self::MAX_OCTETS })?;
        for (at, (room, octet)) in room.iter_mut().zip(name.bytes()).enumerate() {
            let octet = octet.to_ascii_uppercase();
            if !matches!(octet, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_') {
                return Err(InvalidValue::ForbiddenOctet { at });
            }
            *room = octet;
        }
        Ok(Self { octets })
    }

    #[expect(clippy::indexing_slicing, reason = "the compiler evaluates it, at the constants")]
    const fn known(name: &str) -> Self {
        let mut octets = [0; Self::MAX_OCTETS];
        let mut at = 0;
        while at < name.len() {
            octets[at] = name.as_bytes()[at];
            at += 1;
        }
        Self { octets }
    }

    /// The name as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let len = self.octets.iter().position(|octet| *octet == 0).unwrap_or(Self::MAX_OCTETS);
        let name = self.octets.get(..len).unwrap_or_default();
        core::str::from_utf8(name).unwrap_or_default()
    }
}

impl Hash for MechanismName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MechanismName").field(&self.as_str()).finish()
    }
}

impl core::str::FromStr for MechanismName {
    type Err = InvalidValue;

    fn from_str(name: &str) -> Result<Self, InvalidValue> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    /// R4422-3.1.01, R5034-5.01, I6.
    #[test]
    fn a_name_is_one_to_twenty_octets_of_four_kinds() {
        for character in (0..=0xff_u32).filter_map(char::from_u32) {
            let legal = character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
            assert_eq!(MechanismName::new(&character.to_string()).is_ok(), legal, "{character:?}");
        }
        assert_eq!(MechanismName::new(""), Err(InvalidValue::Empty));
        let longest = "ABCDEFGHIJKLMNOPQRST";
        assert_eq!(MechanismName::new(longest).map(|name| name.to_string()), Ok(longest.into()));
        assert_eq!(
            MechanismName::new("ABCDEFGHIJKLMNOPQRSTU"),
            Err(InvalidValue::TooLong { octets: 21, limit: 20 })
        );
        for known in MechanismName::KNOWN {
            assert_eq!(MechanismName::new(&known.as_str().to_ascii_lowercase()), Ok(*known));
        }
    }
}
