//! What messages are made of.

use alloc::boxed::Box;
use alloc::string::String;

use crate::error::InvalidValue;
use crate::{Mailbox, Secret};

/// Octets of a name or password at most (RFC 4616 §2).
pub(super) const MAX_FIELD_OCTETS: usize = 255;

/// One to 255 octets, all of them legal.
pub(super) fn checked(octets: &[u8], legal: impl Fn(u8) -> bool) -> Result<(), InvalidValue> {
    if octets.len() > MAX_FIELD_OCTETS {
        return Err(InvalidValue::TooLong { octets: octets.len(), limit: MAX_FIELD_OCTETS });
    }
    checked_unbounded(octets, legal)
}

/// One octet or more, all of them legal.
pub(super) fn checked_unbounded(
    octets: &[u8],
    legal: impl Fn(u8) -> bool,
) -> Result<(), InvalidValue> {
    if octets.is_empty() {
        return Err(InvalidValue::Empty);
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

/// UTF-8 without controls.
pub(super) fn checked_text(octets: &[u8]) -> Result<(), InvalidValue> {
    checked_unbounded(octets, |octet| !octet.is_ascii_control())?;
    core::str::from_utf8(octets)
        .map(drop)
        .map_err(|error| InvalidValue::ForbiddenOctet { at: error.valid_up_to() })
}

/// A bearer token: printable ASCII without spaces (RFC 6750 §2.1 allows less).
pub(super) fn token(token: &[u8]) -> Result<(), InvalidValue> {
    checked_unbounded(token, |octet| octet.is_ascii_graphic())
}

/// A name as it stands between commas (`saslname`, RFC 5802 §7).
pub(super) fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// The name that `escaped` stands for; `None` if a `=` begins anything but `=2C` or `=3D`.
pub(super) fn unescaped(escaped: &str) -> Option<String> {
    let mut parts = escaped.split('=');
    let mut name = String::from(parts.next()?);
    for part in parts {
        let (character, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return None,
        };
        name.push(character);
        name.push_str(rest);
    }
    (!name.is_empty() && !escaped.contains(',')).then_some(name)
}
