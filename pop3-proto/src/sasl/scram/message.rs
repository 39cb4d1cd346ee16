//! The messages, taken apart by the grammar of RFC 5802 §7 and by nothing looser.

use alloc::string::String;
use core::num::NonZeroU32;

use super::super::octets::unescaped;
use super::super::scram_keys::MAX_SALT_OCTETS;
use crate::error::InvalidValue;
use crate::{Base64, Secret};

/// Octets of a nonce at most.
const MAX_NONCE_OCTETS: usize = 1024;

/// The letters that have a meaning; what is called an extension has another.
const LETTERS: &str = "anmrcsipve";

/// `client-first-message`.
pub(super) struct ClientFirst<'a> {
    /// `gs2-header`, both commas included.
    pub(super) header: &'a str,
    pub(super) flag: Flag<'a>,
    pub(super) authorization: Option<String>,
    /// `client-first-message-bare`.
    pub(super) bare: &'a str,
    pub(super) user: String,
    pub(super) nonce: &'a str,
}

/// `gs2-cbind-flag`.
pub(super) enum Flag<'a> {
    Unsupported,
    NotOffered,
    Bound(&'a str),
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let message = text(message)?;
        let mut parts = message.splitn(3, ',');
        let (flag, name, bare) = (parts.next()?, parts.next()?, parts.next()?);
        let header = message.strip_suffix(bare)?;
        let flag = match flag {
            "n" => Flag::Unsupported,
            "y" => Flag::NotOffered,
            _ => Flag::Bound(attribute(flag, 'p')?),
        };
        let authorization = match name {
            "" => None,
            _ => Some(unescaped(attribute(name, 'a')?)?),
        };
        let mut parts = bare.split(',');
        let user = unescaped(attribute(parts.next()?, 'n')?)?;
        let nonce = attribute(parts.next()?, 'r').filter(|nonce| nonce_is_legal(nonce))?;
        are_extensions(parts).then_some(Self { header, flag, authorization, bare, user, nonce })
    }
}

/// Whether a `client-first-message` begins with `reserved-mext`, a mandatory extension.
pub(super) fn demands_extension(message: &[u8]) -> bool {
    let bare = text(message).and_then(|message| message.splitn(3, ',').nth(2));
    bare.is_some_and(|bare| bare.starts_with("m="))
}

/// `server-first-message`, behind `reserved-mext`.
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Secret,
    pub(super) iterations: NonZeroU32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let mut parts = message.split(',');
        let nonce = attribute(parts.next()?, 'r').filter(|nonce| nonce_is_legal(nonce))?;
        let salt = decoded(attribute(parts.next()?, 's')?)
            .filter(|salt| salt.expose().len() <= MAX_SALT_OCTETS)?;
        let iterations = attribute(parts.next()?, 'i').and_then(positive)?;
        are_extensions(parts).then_some(Self { nonce, salt, iterations })
    }
}

/// `client-final-message`.
pub(super) struct ClientFinal<'a> {
    /// `client-final-message-without-proof`.
    pub(super) without_proof: &'a str,
    pub(super) binding: Secret,
    pub(super) nonce: &'a str,
    pub(super) proof: Secret,
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let (without_proof, proof) = text(message)?.rsplit_once(",p=")?;
        let mut parts = without_proof.split(',');
        let binding = decoded(attribute(parts.next()?, 'c')?)?;
        let nonce = attribute(parts.next()?, 'r')?;
        let proof = decoded(proof)?;
        are_extensions(parts).then_some(Self { without_proof, binding, nonce, proof })
    }
}

/// `server-final-message`.
pub(super) enum ServerFinal<'a> {
    Signature(Secret),
    Error(&'a str),
}

impl<'a> ServerFinal<'a> {
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let mut parts = message.split(',');
        let first = parts.next()?;
        let parsed = match attribute(first, 'e') {
            Some(error) => Self::Error(error),
            None => Self::Signature(decoded(attribute(first, 'v')?)?),
        };
        are_extensions(parts).then_some(parsed)
    }
}

/// UTF-8 without NUL.
pub(super) fn text(message: &[u8]) -> Option<&str> {
    core::str::from_utf8(message).ok().filter(|message| !message.contains('\0'))
}

/// A nonce of a caller.
pub(super) fn checked_nonce(nonce: &str) -> Result<(), InvalidValue> {
    super::super::octets::checked(nonce.as_bytes(), is_nonce_octet)
}

fn nonce_is_legal(nonce: &str) -> bool {
    nonce.len() <= MAX_NONCE_OCTETS && nonce.bytes().all(is_nonce_octet)
}

/// `printable`.
fn is_nonce_octet(octet: u8) -> bool {
    octet.is_ascii_graphic() && octet != b','
}

/// The value of the attribute `letter`, which is not empty.
fn attribute(part: &str, letter: char) -> Option<&str> {
    part.strip_prefix(letter)?.strip_prefix('=').filter(|value| !value.is_empty())
}

/// `extensions`, all optional and ignored.
fn are_extensions<'a>(mut parts: impl Iterator<Item = &'a str>) -> bool {
    parts.all(|part| {
        part.chars().next().is_some_and(|letter| {
            letter.is_ascii_alphabetic()
                && !LETTERS.contains(letter)
                && attribute(part, letter).is_some()
        })
    })
}

/// `posit-number`, as far as it can be counted.
fn positive(digits: &str) -> Option<NonZeroU32> {
    let plain = digits.bytes().all(|octet| octet.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

fn decoded(text: &str) -> Option<Secret> {
    let octets = Base64::new(text).and_then(|text| text.decode()).ok()?;
    (!octets.expose().is_empty()).then_some(octets)
}
