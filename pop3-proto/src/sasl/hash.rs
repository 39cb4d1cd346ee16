//! The hashes, with nothing left behind.

use hmac::digest::block_api::EagerHash;
use hmac::{Hmac, KeyInit as _, Mac as _};
use zeroize::Zeroize as _;

use crate::Secret;

/// HMAC (RFC 2104) of the parts one behind the other.
#[expect(clippy::expect_used, reason = "a key may have any length (RFC 2104 §2)")]
pub(super) fn hmac<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut mac = Hmac::<D>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    kept(mac.finalize().into_bytes())
}

/// The octets of an output, which is wiped.
pub(super) fn kept(mut output: impl AsMut<[u8]>) -> Secret {
    let secret = Secret::new(&*output.as_mut());
    output.as_mut().zeroize();
    secret
}
