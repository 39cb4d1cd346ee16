//! What messages are made of.

use alloc::boxed::Box;

use crate::error::InvalidValue;
use crate::{Mailbox, Secret};

/// Octets of a name or password at most (RFC 4616 §2).
pub(super) const MAX_FIELD_OCTETS: usize = 255;

/// One to 255 octets, all of them legal.
pub(super) fn checked(octets: &[u8], legal: impl Fn(u8) -> bool) -> Result<(), InvalidValue> {
    if octets.is_empty() {
        return Err(InvalidValue::Empty);
    }
    if octets.len() > MAX_FIELD_OCTETS {
        return Err(InvalidValue::TooLong { octets: octets.len(), limit: MAX_FIELD_OCTETS });
    }
    match octets.iter().position(|&octet| !legal(octet)) {
        Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
        None => Ok(()),
    }
}

/// The name of a user: no controls, which preparation forbids (RFC 4013 §2.3) and separators are
/// made of.
pub(super) fn name(name: &str) -> Result<Box<str>, InvalidValue> {
    checked(name.as_bytes(), |octet| !octet.is_ascii_control())?;
    Ok(name.into())
}

/// A name that a client sent, if a mailbox can have it.
pub(super) fn mailbox(name: &str) -> Option<Mailbox> {
    Mailbox::new(name).ok()
}

/// The parts one behind the other. The allocation is exact, so that no copy stays behind.
pub(super) fn joined(parts: &[&[u8]]) -> Secret {
    Secret::new(parts.concat())
}
