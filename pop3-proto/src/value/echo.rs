//! Peers repeat what they do not like, and that may be a secret.

use alloc::collections::BTreeSet;

use super::{Base64, Secret};

/// Octets of a secret in a row that are too many to be shown: a peer or a limit may have cut the rest
/// off.
const PART: usize = 12;

impl Secret {
    /// Whether `text`, of a peer that was told the secret, tells it or a part of it: as it is, or inside
    /// what base64 makes of a message that holds it. What this finds is not to be shown. An empty
    /// secret is told by nothing.
    #[cfg_attr(docsrs, doc(cfg(feature = "sasl")))]
    #[must_use]
    pub fn is_told_by(&self, text: &[u8]) -> bool {
        holds_part(text, self.expose())
            || (0..3).any(|before| holds_part(text, self.in_base64(before).expose()))
    }

    /// The base64 digits that depend on the secret and on nothing else, where so many octets of their
    /// group come before it.
    fn in_base64(&self, before: usize) -> Self {
        let octets = [[0; 2].get(..before).unwrap_or_default(), self.expose()].concat();
        let octets = Self::new(octets);
        let digits = (before * 8).div_ceil(6)..octets.expose().len() * 8 / 6;
        let text = Base64::encode(octets.expose());
        Self::new(text.expose().get(digits).unwrap_or_default())
    }
}

fn holds_part(text: &[u8], secret: &[u8]) -> bool {
    let octets = secret.len().min(PART);
    if octets == 0 {
        return false;
    }
    let parts: BTreeSet<&[u8]> = text.windows(octets).collect();
    secret.windows(octets).any(|part| parts.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I10, K: raw and inside base64, wherever it stands, whole or cut; nothing else.
    #[test]
    fn an_echo_is_found() {
        let secret = Secret::new("hunter2");
        assert!(secret.is_told_by(b"unknown command PASS hunter2"));
        for message in
            [&b"hunter2"[..], b"\0u\0hunter2", b"\0mrose\0hunter2", b"12hunter2 and more"]
        {
            let encoded = Base64::encode(message);
            assert!(secret.is_told_by(&[b"bad response ", encoded.expose()].concat()));
        }
        for text in [&b""[..], b"authentication failed", b"hunter3", b"aHVudHNtYW4="] {
            assert!(!secret.is_told_by(text), "{text:?}");
        }
        assert!(!Secret::new("").is_told_by(b"anything"));
        assert!(Secret::new("ab").is_told_by(b"cabin"));
    }

    /// I10: in whatever base64 has around it, and parts of a long one.
    #[test]
    fn an_echo_is_found_wherever_it_stands() {
        let long = b"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
        for before in [&b""[..], b"a", b"ab", b"abc", b"user=mrose\x01auth=Bearer "] {
            for behind in [&b""[..], b"z", b"zy", b"\x01\x01"] {
                for secret in [b"tanstaaf", &b"p"[..], b"pw", long, b"\xff\xfe\xfd"] {
                    let text = Base64::encode(&[before, secret, behind].concat());
                    let told = Secret::new(secret).is_told_by(text.expose());
                    // Of a single octet base64 need not hold a single digit that is its own.
                    assert!(told || secret.len() == 1, "{before:?} {secret:?} {behind:?}");
                }
            }
        }
        assert!(Secret::new(long).is_told_by(b"Bearer vF9dft4qmTc2... is malformed"));
        assert!(!Secret::new(long).is_told_by(b"Bearer vF9dft4q... is malformed"));
    }
}
