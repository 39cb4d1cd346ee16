//! What a server says plainly, read without a parser: what no leniency and no split could make anything else of.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Capabilities;
use crate::fuzzing::oracle;

/// A status line or a challenge.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Ok(String),
    Err(String),
    Challenge(Vec<u8>),
}

/// A capability list: each line as its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List(pub(super) Vec<Vec<String>>);

/// Longer lines and lists may meet limits.
const MAX_OCTETS: usize = 200;
const MAX_LINES: usize = 40;

impl List {
    pub(super) fn of(capabilities: &Capabilities) -> Self {
        let words = |params: &mut dyn Iterator<Item = &str>| params.map(String::from).collect();
        let line = |capability: &crate::Capability| {
            words(&mut core::iter::once(capability.tag()).chain(capability.params()))
        };
        Self(capabilities.iter().map(line).collect())
    }

    pub(super) fn has(&self, tag: &str) -> bool {
        self.lines(tag).next().is_some()
    }

    fn lines<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a [String]> {
        let lines = self.0.iter().filter(move |line| line[0].eq_ignore_ascii_case(tag));
        lines.map(|line| &line[1..])
    }

    /// RFC 4422 §3.1: names of mechanisms, what cannot be one left out.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = &str> {
        let is_name = |name: &&str| {
            let letter = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
            (1..=20).contains(&name.len()) && name.bytes().all(letter)
        };
        self.lines("SASL").flatten().map(String::as_str).filter(is_name)
    }

    pub(super) fn offers(&self, mechanism: &str) -> bool {
        self.mechanisms().any(|name| name.eq_ignore_ascii_case(mechanism))
    }

    /// RFC 6856 §2.2.
    pub(super) fn utf8_user(&self) -> bool {
        self.lines("UTF8").flatten().any(|param| param.eq_ignore_ascii_case("USER"))
    }
}

/// One line and nothing else.
pub(super) fn reply(octets: &[u8]) -> Option<Reply> {
    let line = core::str::from_utf8(octets.strip_suffix(b"\r\n")?).ok()?;
    let printable = line.bytes().all(|octet| (0x20..0x7f).contains(&octet));
    if !printable {
        return None;
    }
    if let Some(text) = line.strip_prefix("+ ") {
        return oracle::base64(text.as_bytes()).map(Reply::Challenge);
    }
    if line.len() > MAX_OCTETS {
        return None;
    }
    let text = |indicator| match line.strip_prefix(indicator)? {
        "" => Some(String::new()),
        text => text.strip_prefix(' ').map(String::from),
    };
    text("+OK").map(Reply::Ok).or_else(|| text("-ERR").map(Reply::Err))
}

/// A list that was given, or `None` for one that was refused.
#[expect(clippy::option_option, reason = "nothing plain, a refusal, a list")]
pub(super) fn list(octets: &[u8]) -> Option<Option<List>> {
    let first = octets.split_inclusive(|octet| *octet == b'\n').next()?;
    match reply(first)? {
        Reply::Err(_) => (first == octets).then_some(None),
        Reply::Challenge(_) => None,
        Reply::Ok(_) => {
            let lines = octets[first.len()..].strip_suffix(b".\r\n")?;
            let lines = core::str::from_utf8(lines).ok()?;
            let plain = |line: &str| {
                let words: Vec<_> =
                    line.strip_suffix("\r\n")?.split(' ').map(String::from).collect();
                let word = |word: &String| {
                    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_graphic())
                };
                let fits = line.len() <= MAX_OCTETS && !words[0].contains('.');
                (fits && words.iter().all(word)).then_some(words)
            };
            let lines: Option<Vec<_>> = lines.split_inclusive('\n').map(plain).collect();
            Some(Some(List(lines.filter(|lines| lines.len() <= MAX_LINES)?)))
        }
    }
}
