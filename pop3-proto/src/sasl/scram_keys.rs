//! What a server stores for SCRAM instead of a password.

use alloc::boxed::Box;
use core::num::NonZeroU32;

use crate::error::InvalidValue;
use crate::{MechanismName, Secret};

/// Octets of a salt at most.
pub(super) const MAX_SALT_OCTETS: usize = 1024;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScramHash {
    /// SHA-1 (RFC 5802).
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
}

impl ScramHash {
    /// The mechanism with this hash, without or with channel binding.
    #[must_use]
    pub const fn mechanism(self, plus: bool) -> MechanismName {
        match (self, plus) {
            (Self::Sha1, false) => MechanismName::SCRAM_SHA_1,
            (Self::Sha1, true) => MechanismName::SCRAM_SHA_1_PLUS,
            (Self::Sha256, false) => MechanismName::SCRAM_SHA_256,
            (Self::Sha256, true) => MechanismName::SCRAM_SHA_256_PLUS,
        }
    }

    /// Octets of its output.
    #[must_use]
    pub const fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// What a server stores for SCRAM instead of a password (RFC 5802 §3). Whoever has it can play the
/// server and guess at the password, but not log in. `Debug` shows none of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramKeys {
    hash: ScramHash,
    salt: Box<[u8]>,
    iterations: NonZeroU32,
    stored_key: Secret,
    server_key: Secret,
}

impl ScramKeys {
    /// Keys for SCRAM-SHA-1 as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] if the salt is empty or longer than 1024 octets.
    pub fn sha_1(
        salt: &[u8],
        iterations: NonZeroU32,
        stored_key: &[u8; 20],
        server_key: &[u8; 20],
    ) -> Result<Self, InvalidValue> {
        let keys = (Secret::new(*stored_key), Secret::new(*server_key));
        Self::of(ScramHash::Sha1, salt, iterations, keys)
    }

    /// Keys for SCRAM-SHA-256 as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] if the salt is empty or longer than 1024 octets.
    pub fn sha_256(
        salt: &[u8],
        iterations: NonZeroU32,
        stored_key: &[u8; 32],
        server_key: &[u8; 32],
    ) -> Result<Self, InvalidValue> {
        let keys = (Secret::new(*stored_key), Secret::new(*server_key));
        Self::of(ScramHash::Sha256, salt, iterations, keys)
    }

    pub(super) fn of(
        hash: ScramHash,
        salt: &[u8],
        iterations: NonZeroU32,
        (stored_key, server_key): (Secret, Secret),
    ) -> Result<Self, InvalidValue> {
        match salt.len() {
            0 => Err(InvalidValue::Empty),
            octets if octets > MAX_SALT_OCTETS => {
                Err(InvalidValue::TooLong { octets, limit: MAX_SALT_OCTETS })
            }
            _ => Ok(Self { hash, salt: salt.into(), iterations, stored_key, server_key }),
        }
    }

    /// The hash that they are for.
    #[must_use]
    pub const fn hash(&self) -> ScramHash {
        self.hash
    }

    /// The salt, which every client is told.
    #[must_use]
    pub const fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iteration count, which every client is told.
    #[must_use]
    pub const fn iterations(&self) -> NonZeroU32 {
        self.iterations
    }

    /// The key that a client's proof is checked against.
    #[must_use]
    pub const fn stored_key(&self) -> &Secret {
        &self.stored_key
    }

    /// The key that the server proves itself with.
    #[must_use]
    pub const fn server_key(&self) -> &Secret {
        &self.server_key
    }
}
