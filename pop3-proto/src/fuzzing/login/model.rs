//! Which method is the strongest that is announced and possible, and what it says, written down once more and on its own.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use md5::Md5;
use sha2::Digest as _;

use super::replies::List;
use super::setup::{Kind, Setup, TRACE, Way};
use crate::Base64;
use crate::client::{Choice, Method, Unfit};
use crate::fuzzing::oracle;
use crate::fuzzing::sasl::model::{cram_digest, digest, hmac, salted};
use crate::fuzzing::sasl::parties::CLIENT_NONCE;
use crate::sasl::{PreparedAs, ScramHash};

/// What a server announced where the method is chosen.
pub(super) struct Announced<'a> {
    pub(super) list: Option<&'a List>,
    /// The greeting has a timestamp.
    pub(super) timestamp: bool,
    pub(super) tls: bool,
}

/// Why no method is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoMethod {
    NotAnnounced,
    Unfit(Method, Unfit),
}

const PASSWORD: [&str; 8] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "USER",
];

/// What the credentials are good for, the strongest first; APOP is only for who asks for it.
fn strongest_first(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Password => &PASSWORD,
        Kind::Token => &["OAUTHBEARER", "XOAUTH2"],
        Kind::Certificate => &["EXTERNAL"],
        Kind::Anonymous => &["ANONYMOUS"],
    }
}

fn named(name: &str) -> Method {
    match name {
        "USER" => Method::UserPass,
        "APOP" => Method::Apop,
        name => Method::Sasl(name.parse().expect("a mechanism")),
    }
}

pub(super) fn choose(setup: &Setup, announced: &Announced<'_>) -> Result<Method, NoMethod> {
    let possible =
        |name: &&str| is_offered(name, announced) && unfit(setup, name, announced).is_none();
    match &setup.way {
        Way::Mechanism => is_not_ruled_out("PLAIN", announced)
            .then(|| named("PLAIN"))
            .ok_or(NoMethod::NotAnnounced),
        Way::Choose(Choice::Best) => {
            let name = strongest_first(setup.who.kind).iter().copied().find(|name| possible(name));
            name.map(named).ok_or(NoMethod::NotAnnounced)
        }
        Way::Choose(Choice::FirstOf(methods)) => {
            let found = methods.iter().find(|method| possible(&&*format!("{method}")));
            found.copied().ok_or(NoMethod::NotAnnounced)
        }
        Way::Choose(Choice::Only(method)) => {
            let name = format!("{method}");
            if !is_not_ruled_out(&name, announced) {
                return Err(NoMethod::NotAnnounced);
            }
            match unfit(setup, &name, announced) {
                None => Ok(*method),
                Some(reason) => Err(NoMethod::Unfit(*method, reason)),
            }
        }
    }
}

fn is_offered(name: &str, announced: &Announced<'_>) -> bool {
    match (name, announced.list) {
        ("APOP", _) => announced.timestamp,
        ("USER", Some(list)) => list.has("USER") || list.mechanisms().next().is_none(),
        ("USER", None) => true,
        (name, list) => list.is_some_and(|list| list.offers(name)),
    }
}

/// RFC 5034 §3: a server that lists mechanisms has no others.
fn is_not_ruled_out(name: &str, announced: &Announced<'_>) -> bool {
    let Some(list) = announced.list.filter(|_| !matches!(name, "USER" | "APOP")) else {
        return true;
    };
    list.mechanisms().next().is_none() || list.offers(name)
}

/// Why the method cannot say what there is to be said.
fn unfit(setup: &Setup, name: &str, announced: &Announced<'_>) -> Option<Unfit> {
    let who = &setup.who;
    let scram = name.starts_with("SCRAM-");
    let prepares = || match setup.prepare {
        None => Some(Unfit::NotAscii),
        Some(_) if prepared(setup).is_none() => Some(Unfit::Prohibited),
        Some(_) => None,
    };
    let ours = strongest_first(who.kind).contains(&name);
    if !(ours || name == "APOP" && who.kind == Kind::Password) {
        return Some(Unfit::Credentials);
    }
    if name.ends_with("-PLUS") && !(announced.tls && setup.binding.is_some()) {
        return Some(Unfit::ChannelBinding);
    }
    if scram && !setup.nonce {
        return Some(Unfit::Nonce);
    }
    if who.kind != Kind::Password {
        return None;
    }
    // RFC 4013 §2.3.
    let control = who.secret.iter().any(u8::is_ascii_control).then_some(Unfit::Prohibited);
    let reason = match name {
        _ if scram && !who.is_printable() => prepares().or(control),
        "USER" | "APOP" if who.is_utf8() && !may_name_in_utf8(setup, announced) => {
            Some(Unfit::NotAscii)
        }
        "APOP" if !(who.name.is_ascii() && who.secret.is_ascii()) => prepares(),
        "PLAIN" if core::str::from_utf8(who.secret).is_err() => Some(Unfit::Prohibited),
        "PLAIN" if control.is_some() => control,
        "LOGIN" if who.name.chars().count() > 63 => Some(Unfit::TooLong),
        _ => None,
    };
    let for_another = who.authorization.is_some() && !scram && name != "PLAIN";
    reason.or_else(|| for_another.then_some(Unfit::Authorization))
}

fn may_name_in_utf8(setup: &Setup, announced: &Announced<'_>) -> bool {
    setup.config.send_policy.unannounced_utf8 || announced.list.is_some_and(List::utf8_user)
}

/// Name and secret as SCRAM and APOP have them.
pub(super) fn prepared(setup: &Setup) -> Option<(String, Vec<u8>)> {
    let prepare = setup.prepare?;
    let secret = prepare(core::str::from_utf8(setup.who.secret).ok()?, PreparedAs::Stored)?;
    Some((prepare(setup.who.name, PreparedAs::Query)?, secret.into_bytes()))
}

/// What whoever is asked about a name or a password sees of it.
pub(super) fn queried(setup: &Setup, octets: &[u8]) -> Vec<u8> {
    let text = core::str::from_utf8(octets).ok();
    let prepared =
        text.zip(setup.prepare).and_then(|(text, prepare)| prepare(text, PreparedAs::Query));
    prepared.map_or_else(|| octets.to_vec(), String::into_bytes)
}

/// The line of APOP.
pub(super) fn apop(setup: &Setup, timestamp: &[u8]) -> Vec<u8> {
    let who = &setup.who;
    let ascii = who.name.is_ascii() && who.secret.is_ascii();
    let as_given = || (who.name.into(), who.secret.to_vec());
    let (name, secret) = if ascii { as_given() } else { prepared(setup).expect("it fits") };
    let digest = Md5::digest([timestamp, &secret].concat());
    let digits = digest.iter().fold(String::new(), |digits, octet| format!("{digits}{octet:02x}"));
    format!("APOP {name} {digits}").into_bytes()
}

/// An exchange of AUTH, as far as it has come.
pub(super) struct Exchange<'a> {
    setup: &'a Setup,
    mechanism: &'a str,
    tls: bool,
    said: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
    /// What goes first, and has not gone yet.
    first: Option<Vec<u8>>,
}

/// What a challenge is answered with.
pub(super) enum Answer {
    Message(Vec<u8>),
    /// `*`.
    Cancel,
    /// The server is found out.
    NotVerified,
    /// Whatever mechanisms make of it.
    Unknown,
}

impl<'a> Exchange<'a> {
    /// And the line that begins it.
    pub(super) fn begin(
        setup: &'a Setup,
        mechanism: &'a str,
        announced: &Announced<'_>,
    ) -> (Self, Vec<u8>) {
        let (list, tls) = (announced.list, announced.tls);
        let (said, heard) = (Vec::new(), Vec::new());
        let mut exchange = Self { setup, mechanism, tls, said, heard, first: None };
        exchange.first = exchange.initial(list);
        let mut line = format!("AUTH {mechanism}").into_bytes();
        if let Some(first) = &exchange.first {
            let text = if first.is_empty() { b"=".to_vec() } else { base64(first) };
            let whole = [&line[..], b" ", &text].concat();
            let fits = whole.len() + "\r\n".len() <= 255 && mechanism != "XOAUTH2";
            if fits && list.is_some_and(|list| list.has("SASL")) {
                line = whole;
                exchange.said.extend(exchange.first.take());
            }
        }
        (exchange, line)
    }

    /// One in which all this was said.
    pub(super) const fn of(
        setup: &'a Setup,
        mechanism: &'a str,
        said: Vec<Vec<u8>>,
        heard: Vec<Vec<u8>>,
    ) -> Self {
        Self { setup, mechanism, tls: true, said, heard, first: None }
    }

    fn initial(&self, list: Option<&List>) -> Option<Vec<u8>> {
        let who = &self.setup.who;
        let authorization = who.authorization.unwrap_or_default();
        Some(match self.mechanism {
            "LOGIN" | "CRAM-MD5" => return None,
            "PLAIN" => [authorization.as_bytes(), who.name.as_bytes(), who.secret].join(&0),
            "XOAUTH2" => {
                let user = format!("user={}\x01auth=Bearer ", who.name);
                [user.as_bytes(), who.secret, b"\x01\x01"].concat()
            }
            "OAUTHBEARER" => {
                let header = format!("n,a={},\x01auth=Bearer ", who.name);
                [header.as_bytes(), who.secret, b"\x01\x01"].concat()
            }
            "EXTERNAL" => authorization.into(),
            "ANONYMOUS" => TRACE.into(),
            _ => format!("{}n={},r={CLIENT_NONCE}", self.header(list), self.scram_name()).into(),
        })
    }

    /// RFC 5802 §7: `gs2-header`.
    fn header(&self, list: Option<&List>) -> String {
        let plus = self.mechanism.strip_suffix("-PLUS");
        let offered = |name: &str| list.is_some_and(|list| list.offers(&format!("{name}-PLUS")));
        let flag = match &self.setup.binding {
            Some(binding) if plus.is_some() => format!("p={}", binding.name()),
            Some(_) if self.tls && !offered(self.mechanism) => "y".into(),
            _ => "n".into(),
        };
        let name = self.setup.who.authorization.map(|name| format!("a={name}"));
        format!("{flag},{},", name.unwrap_or_default())
    }

    fn scram_name(&self) -> String {
        prepared(self.setup).map_or_else(|| self.setup.who.name.into(), |(name, _)| name)
    }

    pub(super) fn answer(&mut self, challenge: &[u8]) -> Answer {
        if let Some(first) = self.first.take() {
            if !challenge.is_empty() {
                return Answer::Cancel;
            }
            self.said.push(first.clone());
            return Answer::Message(first);
        }
        self.heard.push(challenge.to_vec());
        let who = &self.setup.who;
        let message = match (self.mechanism, self.heard.len()) {
            ("LOGIN", 1) => who.name.into(),
            ("LOGIN", 2) => who.secret.into(),
            // What went wrong is told in a challenge, which has to be answered (RFC 7628 §3.2.3).
            ("OAUTHBEARER", 1) => vec![1],
            ("XOAUTH2", 1) => Vec::new(),
            ("CRAM-MD5", 1) => {
                format!("{} {}", who.name, cram_digest(who.secret, challenge)).into_bytes()
            }
            (name, 1) if name.starts_with("SCRAM-") => match self.proof() {
                Some(message) => message,
                None => return Answer::Unknown,
            },
            (name, 2) if name.starts_with("SCRAM-") => {
                if self.is_proven() {
                    Vec::new()
                } else if challenge.starts_with(b"v=") {
                    return Answer::NotVerified;
                } else {
                    return Answer::Unknown;
                }
            }
            _ => return Answer::Unknown,
        };
        self.said.push(message.clone());
        Answer::Message(message)
    }

    /// Whether `+OK` may count.
    pub(super) fn is_satisfied(&self) -> bool {
        let challenges = match self.mechanism {
            "LOGIN" => 2,
            "CRAM-MD5" => 1,
            name if name.starts_with("SCRAM-") => return self.is_proven(),
            _ => 0,
        };
        self.first.is_none() && self.heard.len() == challenges
    }

    /// Whether anything was said in it.
    pub(super) fn has_spoken(&self) -> bool {
        !self.said.is_empty()
    }

    fn hash(&self) -> ScramHash {
        if self.mechanism.contains("256") { ScramHash::Sha256 } else { ScramHash::Sha1 }
    }

    /// The client's last message, if the server's first is well-formed and not too much to ask.
    fn proof(&self) -> Option<Vec<u8>> {
        let shown = core::str::from_utf8(&self.heard[0]).ok()?;
        let [nonce, salt, count] = shown.split(',').collect::<Vec<_>>()[..] else { return None };
        let nonce = nonce.strip_prefix("r=")?;
        let more = nonce.strip_prefix(CLIENT_NONCE)?;
        if more.is_empty() || !more.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let (salt, count) = (salt.strip_prefix("s=")?, count.strip_prefix("i=")?);
        oracle::base64(salt.as_bytes()).filter(|salt| !salt.is_empty())?;
        if count != "4096" {
            return None;
        }
        let header =
            self.said[0].split(|octet| *octet == b',').collect::<Vec<_>>()[..2].join(&b',');
        let header = [&header[..], b","].concat();
        let data = match &header[..] {
            header if header.starts_with(b"p=tls-exporter,") => &[0x5a; 32][..],
            header if header.starts_with(b"p=") => b"certificate",
            _ => b"",
        };
        let binding = base64(&[&header[..], data].concat());
        let begin = [b"c=", &binding[..], b",r=", nonce.as_bytes()].concat();
        let (proof, _) = self.scram(&begin)?;
        Some([&begin[..], b",p=", &base64(&proof)].concat())
    }

    /// The server's last message.
    pub(super) fn signature(&self) -> Option<Vec<u8>> {
        let last = self.said.get(1)?;
        let (_, signature) = self.scram(&last[..memchr::memmem::rfind(last, b",p=")?])?;
        Some([b"v=", &base64(&signature)[..]].concat())
    }

    pub(super) fn is_proven(&self) -> bool {
        self.heard.len() == 2 && self.signature().as_deref() == Some(&self.heard[1])
    }

    /// RFC 5802 §3: proof and signature.
    fn scram(&self, without_proof: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let hash = self.hash();
        let secret = prepared(self.setup).map(|(_, secret)| secret);
        let secret = secret.unwrap_or_else(|| self.setup.who.secret.to_vec());
        let shown = self.heard.first()?;
        let first = self.said.first()?;
        let bare = first.splitn(3, |octet| *octet == b',').nth(2)?;
        let messages = [bare, shown, without_proof].join(&b',');
        let salt = shown.split(|octet| *octet == b',').nth(1)?.strip_prefix(b"s=")?;
        let count = core::str::from_utf8(shown).ok()?.rsplit_once(",i=")?.1;
        let count = count.parse().ok().filter(|count| (1..=8192).contains(count))?;
        let salted = salted(hash, &secret, &oracle::base64(salt)?, count);
        let client_key = hmac(hash, &salted, b"Client Key");
        let signature = hmac(hash, &digest(hash, &client_key), &messages);
        let proof = client_key.iter().zip(&signature).map(|(key, octet)| key ^ octet).collect();
        let server_key = hmac(hash, &salted, b"Server Key");
        Some((proof, hmac(hash, &server_key, &messages)))
    }
}

pub(super) fn base64(octets: &[u8]) -> Vec<u8> {
    Base64::encode(octets).expose().to_vec()
}
