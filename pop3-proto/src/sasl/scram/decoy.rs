//! What a server shows of users that it does not have.

use core::num::NonZeroU32;

use super::super::{ScramHash, ScramKeys};
use super::keys::hmac;
use crate::error::InvalidValue;
use crate::{Mailbox, Secret};

/// Where the salt of an unknown user comes from: it must be there, stay the same for the same name,
/// and look like any other, or the server tells who its users are.
///
/// So the salts and iteration counts of all users should look like this one's. Whoever has users of
/// several counts tells one from the other, whatever is done here. The name is taken as the client
/// wrote it: a back end that knows one user by several spellings, in any case say, tells its users by
/// the one salt that they have.
#[derive(Clone, Debug)]
pub struct ScramDecoy {
    key: Secret,
    iterations: NonZeroU32,
    salt_octets: usize,
}

impl ScramDecoy {
    /// Salts of `salt_octets` octets made of `key`, and this iteration count. The key is random and
    /// the server's own; it should stay the same from start to start.
    ///
    /// # Errors
    /// [`InvalidValue`] if the key is empty, or `salt_octets` is 0 or more than 32.
    pub fn new(
        key: Secret,
        iterations: NonZeroU32,
        salt_octets: usize,
    ) -> Result<Self, InvalidValue> {
        if key.expose().is_empty() || salt_octets == 0 {
            return Err(InvalidValue::Empty);
        }
        let limit = ScramHash::Sha256.octets();
        if salt_octets > limit {
            return Err(InvalidValue::TooLong { octets: salt_octets, limit });
        }
        Ok(Self { key, iterations, salt_octets })
    }

    /// Keys that fit no password.
    pub(super) fn keys(&self, hash: ScramHash, user: &Mailbox) -> Result<ScramKeys, InvalidValue> {
        let made_of = |what: &[u8], of: ScramHash| {
            let mechanism = hash.mechanism(false);
            let parts =
                [what, b"\0", mechanism.as_str().as_bytes(), b"\0", user.as_str().as_bytes()];
            hmac(of, &self.key, &parts)
        };
        let salt = made_of(b"salt", ScramHash::Sha256);
        let salt = salt.expose().get(..self.salt_octets).unwrap_or_default();
        let keys = (made_of(b"stored", hash), made_of(b"server", hash));
        ScramKeys::of(hash, salt, self.iterations, keys)
    }
}
