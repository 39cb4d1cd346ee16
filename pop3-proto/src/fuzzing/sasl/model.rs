//! What each mechanism comes to, written down once more from its document and on its own.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::parties::{
    CHALLENGE, CLIENT_NONCE, HOST, ITERATIONS, Kind, Offer, PASSWORD, PORT, SALT, SERVER_NONCE,
    SHARED, Setup, TOKEN, USER, identity,
};
use crate::Base64;
use crate::fuzzing::oracle;
use crate::sasl::{Identity, ScramHash};

/// What was said so far.
pub(super) struct Transcript<'a> {
    pub(super) setup: &'a Setup,
    /// The password with which parts are made that nobody could guess.
    pub(super) password: &'a str,
    pub(super) client: &'a [Vec<u8>],
    /// An empty challenge in front of a client's first message is not among them.
    pub(super) server: &'a [Vec<u8>],
}

impl Transcript<'_> {
    /// What nobody could guess, for a message of which there is `so_far`.
    pub(super) fn part(&self, letter: u8, so_far: &[u8]) -> Vec<u8> {
        match letter {
            b'u' => USER.into(),
            b'p' => PASSWORD.into(),
            b't' => TOKEN.into(),
            b'd' => cram_digest(self.password.as_bytes(), CHALLENGE.as_bytes()).into_bytes(),
            // What whoever has an empty secret would say.
            b'D' => cram_digest(b"", CHALLENGE.as_bytes()).into_bytes(),
            b'n' => CLIENT_NONCE.into(),
            b's' => base64(SALT),
            b'r' => self.attribute(0, 'r').into(),
            b'c' => {
                let header =
                    self.client.first().and_then(|first| header(first)).unwrap_or_default();
                base64(&[header, self.setup.channel(flag(header)).unwrap_or_default()].concat())
            }
            b'k' => so_far.strip_suffix(b",p=").map_or_else(Vec::new, |so_far| {
                self.scram(so_far).map_or_else(Vec::new, |scram| base64(&scram.proof))
            }),
            b'v' => self.last().map_or_else(Vec::new, |scram| base64(&scram.signature)),
            other => [2, other].into(),
        }
    }

    fn attribute(&self, server: usize, letter: char) -> &str {
        let message = self.server.get(server).and_then(|message| str::from_utf8(message).ok());
        let parts = message.unwrap_or_default().split(',');
        let mut values = parts.filter_map(|part| part.strip_prefix(letter)?.strip_prefix('='));
        values.next().unwrap_or_default()
    }

    /// Proof and signature, for a last message of the client that begins so.
    pub(super) fn scram(&self, without_proof: &[u8]) -> Option<Scram> {
        let Kind::Scram(hash) = self.setup.kind else { return None };
        let (first, shown) = (self.client.first()?, self.server.first()?);
        let bare = first.strip_prefix(header(first)?)?;
        let said = [bare, b",", shown, b",", without_proof].concat();
        let salt = oracle::base64(self.attribute(0, 's').as_bytes())?;
        let iterations = self.attribute(0, 'i').parse::<u32>().ok().filter(|count| *count <= 16)?;
        let salted = salted(hash, self.password.as_bytes(), &salt, iterations);
        let client_key = hmac(hash, &salted, b"Client Key");
        let signature = hmac(hash, &digest(hash, &client_key), &said);
        let proof = client_key.iter().zip(&signature).map(|(key, octet)| key ^ octet).collect();
        let server_key = hmac(hash, &salted, b"Server Key");
        Some(Scram { proof, signature: hmac(hash, &server_key, &said) })
    }

    /// The same, for the last message that the client has sent.
    pub(super) fn last(&self) -> Option<Scram> {
        let message = self.client.get(1)?;
        let end = memchr::memmem::rfind(message, b",p=")?;
        self.scram(&message[..end])
    }

    /// RFC 5802 §5.1: whether the server's first message may be answered at all.
    pub(super) fn may_be_answered(&self) -> bool {
        let nonce = self.attribute(0, 'r');
        let extended = nonce.strip_prefix(CLIENT_NONCE).is_some_and(|rest| !rest.is_empty());
        let iterations =
            self.attribute(0, 'i').parse().is_ok_and(|count| ITERATIONS.contains(&count));
        let demands = self.server.first().is_some_and(|shown| shown.starts_with(b"m="));
        extended && iterations && !demands
    }

    /// RFC 5802 §3: whether the server has shown that it knows the password.
    pub(super) fn proves_the_server(&self) -> bool {
        let [_, last] = self.server else { return false };
        let right = self.last().map(|scram| [b"v=".to_vec(), base64(&scram.signature)].concat());
        let signature = last.split(|octet| *octet == b',').next();
        self.may_be_answered() && signature == right.as_deref()
    }

    /// Who may be let in after what the client has said, and by what was shown to it. What is said of OAUTHBEARER and of SCRAM
    /// holds if somebody was let in, not if nobody was.
    pub(super) fn lets_in(&self, starts: bool) -> Option<Identity> {
        let first = self.client.first()?;
        let text = str::from_utf8(first).ok();
        match self.setup.kind {
            Kind::Plain => {
                let fields: Vec<_> = text?.split('\0').collect();
                let [name, USER, PASSWORD] = fields[..] else { return None };
                may_be(name)
            }
            Kind::Login => {
                let right = [USER.as_bytes(), PASSWORD.as_bytes()];
                (starts && self.client == right).then(|| identity(USER))
            }
            Kind::CramMd5 => {
                let right =
                    format!("{USER} {}", cram_digest(PASSWORD.as_bytes(), CHALLENGE.as_bytes()));
                (starts && text == Some(&right)).then(|| identity(USER))
            }
            Kind::XOAuth2 => [USER, SHARED].into_iter().find_map(|user| {
                let scheme = text?.strip_prefix(&format!("user={user}\x01auth="))?;
                let scheme = scheme.strip_suffix(&format!(" {TOKEN}\x01\x01"))?;
                scheme.eq_ignore_ascii_case("Bearer").then(|| identity(user))
            }),
            Kind::OAuthBearer => {
                let (header, rest) = text?.split_once(",\x01")?;
                let elsewhere = |pair: &str| {
                    let host = pair
                        .strip_prefix("host=")
                        .is_some_and(|host| !host.eq_ignore_ascii_case(HOST));
                    host || pair.strip_prefix("port=").is_some_and(|port| port != format!("{PORT}"))
                };
                if self.setup.placed && rest.split('\x01').any(elsewhere) {
                    return None;
                }
                let shown = rest.split('\x01').filter_map(|pair| pair.strip_prefix("auth="));
                let right = |shown: &str| shown.to_ascii_lowercase().starts_with("bearer ");
                let mut shown = shown.filter(|shown| right(shown) && shown[7..] == *TOKEN);
                shown.next()?;
                may_be(header.split_once(',')?.1.strip_prefix("a=").unwrap_or_default())
            }
            Kind::External => may_be(text?),
            Kind::Anonymous => {
                let text = text?;
                let fits =
                    text.chars().count() <= 255 && !text.bytes().any(|o| o.is_ascii_control());
                let name = crate::Mailbox::new("anonymous").expect("RFC 1939 §7");
                fits.then(|| Identity::new(name.clone(), name))
            }
            Kind::Scram(_) => self.scram_lets_in(),
        }
    }

    fn scram_lets_in(&self) -> Option<Identity> {
        let [first, last, end] = self.client else { return None };
        let header = header(first)?;
        let data = match (flag(header), self.setup.offer) {
            ("n", Offer::WithoutPlus | Offer::BesidePlus) | ("y", Offer::WithoutPlus) => &[][..],
            (name, _) => self.setup.channel(name)?,
        };
        let bare = str::from_utf8(first.strip_prefix(header)?).ok()?;
        let nonce = bare.strip_prefix(&format!("n={USER},r="))?.split(',').next()?;
        let binding = String::from_utf8(base64(&[header, data].concat())).ok()?;
        let begins = format!("c={binding},r={nonce}{SERVER_NONCE},");
        let proof = [&b",p="[..], &base64(&self.last()?.proof)].concat();
        let right = last.starts_with(begins.as_bytes()) && last.ends_with(&proof) && end.is_empty();
        let name = header.split(|octet| *octet == b',').nth(1)?;
        let name = str::from_utf8(name.strip_prefix(b"a=").unwrap_or_default()).ok()?;
        if right { may_be(name) } else { None }
    }
}

pub(super) struct Scram {
    pub(super) proof: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Whose maildrop `USER` opens who asks for this one.
fn may_be(name: &str) -> Option<Identity> {
    match name {
        "" | USER => Some(identity(USER)),
        SHARED => Some(identity(SHARED)),
        _ => None,
    }
}

/// `gs2-header`, its second comma included.
fn header(first: &[u8]) -> Option<&[u8]> {
    let mut commas = memchr::memchr_iter(b',', first);
    Some(&first[..=commas.nth(1)?])
}

/// `gs2-cbind-flag`; of one that names a type, the type.
fn flag(header: &[u8]) -> &str {
    let flag = header.split(|octet| *octet == b',').next().unwrap_or_default();
    let flag = str::from_utf8(flag).unwrap_or_default();
    flag.strip_prefix("p=").unwrap_or(flag)
}

pub(in crate::fuzzing) fn base64(octets: &[u8]) -> Vec<u8> {
    Base64::encode(octets).expose().to_vec()
}

/// RFC 2195 §2.
pub(in crate::fuzzing) fn cram_digest(password: &[u8], challenge: &[u8]) -> String {
    let mut mac = Hmac::<Md5>::new_from_slice(password).expect("RFC 2104 §2");
    mac.update(challenge);
    let octets = mac.finalize().into_bytes();
    octets.iter().fold(String::new(), |digits, octet| format!("{digits}{octet:02x}"))
}

/// `Hi` of RFC 5802 §2.2.
pub(in crate::fuzzing) fn salted(
    hash: ScramHash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
) -> Vec<u8> {
    let mut round = hmac(hash, password, &[salt, &[0, 0, 0, 1]].concat());
    let mut salted = round.clone();
    for _ in 1..iterations {
        round = hmac(hash, password, &round);
        for (octet, with) in salted.iter_mut().zip(&round) {
            *octet ^= with;
        }
    }
    salted
}

pub(in crate::fuzzing) fn hmac(hash: ScramHash, key: &[u8], message: &[u8]) -> Vec<u8> {
    let key_fits = "RFC 2104 §2";
    match hash {
        ScramHash::Sha1 => {
            let mut mac = Hmac::<Sha1>::new_from_slice(key).expect(key_fits);
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        ScramHash::Sha256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect(key_fits);
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
    }
}

pub(in crate::fuzzing) fn digest(hash: ScramHash, octets: &[u8]) -> Vec<u8> {
    match hash {
        ScramHash::Sha1 => Sha1::digest(octets).to_vec(),
        ScramHash::Sha256 => Sha256::digest(octets).to_vec(),
    }
}
