//! Servers repeat what they do not like, and that may be a secret.

use std::collections::HashSet;

use pop3_blocking::pop3_proto::{Base64, Escaped};

/// Octets of a secret in a row that are too many to be shown: a server or a limit may have cut the
/// rest off.
const PART: usize = 12;

/// Whether `said` holds the secret or a part of it: escaped as texts of the server are shown, or in
/// base64, in which a secret stands wherever the message of a SASL mechanism holds it.
pub(crate) fn repeats(said: &str, secret: &[u8]) -> bool {
    let escaped = Escaped::new(secret).to_string();
    holds_part(said, escaped.as_bytes())
        || (0..3).any(|before| holds_part(said, &in_base64(secret, before)))
}

fn holds_part(said: &str, text: &[u8]) -> bool {
    let octets = text.len().min(PART);
    if octets == 0 {
        return false;
    }
    let parts: HashSet<&[u8]> = said.as_bytes().windows(octets).collect();
    text.windows(octets).any(|part| parts.contains(part))
}

/// The base64 digits that depend on `secret` and on nothing else, where so many octets of their group
/// come before it.
fn in_base64(secret: &[u8], before: usize) -> Vec<u8> {
    let octets = [&[0; 2][..before], secret].concat();
    let digits = (before * 8).div_ceil(6)..octets.len() * 8 / 6;
    Base64::encode(&octets).expose()[digits].to_vec()
}
