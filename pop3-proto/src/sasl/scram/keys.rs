//! From a password to keys (RFC 5802 §3).

use core::num::NonZeroU32;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::super::hash::{self, kept};
use super::super::{ScramHash, ScramKeys};
use crate::Secret;
use crate::error::InvalidValue;

impl ScramKeys {
    /// The keys of a password. It takes `iterations` rounds of the hash, which is the point of it:
    /// at least 4096, and as many as every client may be asked to do (RFC 5802 §5.1, RFC 7677 §4).
    ///
    /// The salt is random and every user's own; 16 octets are usual. A password beyond ASCII must
    /// have been prepared as RFC 4013 says, as every client will.
    ///
    /// # Errors
    /// [`InvalidValue`] if the salt is empty or longer than 1024 octets.
    #[cfg_attr(docsrs, doc(cfg(feature = "scram")))]
    pub fn derive(
        hash: ScramHash,
        password: &Secret,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> Result<Self, InvalidValue> {
        let salted = salted_password(hash, password, salt, iterations);
        let stored_key = stored_key(hash, &client_key(hash, &salted));
        Self::of(hash, salt, iterations, (stored_key, server_key(hash, &salted)))
    }
}

pub(super) fn salted_password(
    hash: ScramHash,
    password: &Secret,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Secret {
    let mut salted = alloc::vec![0; hash.octets()];
    let derive = match hash {
        ScramHash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>,
        ScramHash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>,
    };
    derive(password.expose(), salt, iterations.get(), &mut salted);
    Secret::new(salted)
}

pub(super) fn client_key(hash: ScramHash, salted_password: &Secret) -> Secret {
    hmac(hash, salted_password, &[b"Client Key"])
}

pub(super) fn server_key(hash: ScramHash, salted_password: &Secret) -> Secret {
    hmac(hash, salted_password, &[b"Server Key"])
}

pub(super) fn stored_key(hash: ScramHash, client_key: &Secret) -> Secret {
    match hash {
        ScramHash::Sha1 => kept(Sha1::digest(client_key.expose())),
        ScramHash::Sha256 => kept(Sha256::digest(client_key.expose())),
    }
}

pub(super) fn hmac(hash: ScramHash, key: &Secret, parts: &[&[u8]]) -> Secret {
    match hash {
        ScramHash::Sha1 => hash::hmac::<Sha1>(key.expose(), parts),
        ScramHash::Sha256 => hash::hmac::<Sha256>(key.expose(), parts),
    }
}

/// The two of one length, octet by octet.
pub(super) fn exclusive_or(a: &Secret, b: &Secret) -> Secret {
    let octets = a.expose().iter().zip(b.expose()).map(|(a, b)| a ^ b);
    Secret::new(octets.collect::<alloc::vec::Vec<u8>>())
}
