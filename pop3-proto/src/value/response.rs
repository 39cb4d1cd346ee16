//! Response lines and the codes in them.

use bytes::BufMut;

use super::Text;
use crate::codec;

/// The status indicator (RFC 1939 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 1939 §3: there are currently two status indicators, and no extension may add one"
)]
pub enum Status {
    /// `+OK`.
    Ok,
    /// `-ERR`.
    Err,
}

impl Status {
    /// As it is written: servers MUST send it in upper case (RFC 1939 §3).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "+OK",
            Self::Err => "-ERR",
        }
    }
}

/// A status line: the whole of a single-line response, the first line of a multi-line one
/// (RFC 1939 §3).
///
/// A server's `-ERR` is a value like any other, not an error of this library.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Response {
    /// Positive or negative.
    pub status: Status,
    /// What follows the status indicator and one separator; often empty.
    pub text: Text,
}

impl Response {
    /// A response with `status` and `text`.
    #[must_use]
    pub const fn new(status: Status, text: Text) -> Self {
        Self { status, text }
    }

    /// Whether the status is positive.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The response code at the start of the text (RFC 2449 §8), if there is one.
    ///
    /// It is parsed whether or not the server announced RESP-CODES, so that nothing is lost; without
    /// the announcement a bracketed text may be just text.
    #[must_use]
    pub fn code(&self) -> Option<ResponseCode<'_>> {
        codec::response_code(self.text.octets()).map(|(code, _)| code)
    }

    /// Writes the line with its CRLF. An octet that cannot stand in a line (CR, LF or NUL in a text
    /// that a peer sent) is written as `?`.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(self.status.as_str().as_bytes());
        if !self.text.is_empty() {
            out.put_u8(b' ');
        }
        for &octet in self.text.octets() {
            out.put_u8(if matches!(octet, b'\r' | b'\n' | 0) { b'?' } else { octet });
        }
        out.put_slice(b"\r\n");
    }
}

/// A response code: `[IN-USE]`, `[SYS/TEMP]` (RFC 2449 §8, RFC 3206), a view of the response's text.
///
/// Codes are hierarchical: a client must ignore levels that it does not know, so compare with
/// [`ResponseCode::known`] or the first of [`ResponseCode::levels`], never with the whole.
///
/// ```
/// use pop3_proto::{KnownCode, Response, Status, Text};
/// let response = Response::new(Status::Err, Text::new("[sys/temp/quota] try later")?);
/// let code = response.code().unwrap();
/// assert_eq!(code.known(), Some(KnownCode::SysTemp));
/// assert_eq!(code.levels().collect::<Vec<_>>(), ["sys", "temp", "quota"]);
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponseCode<'a>(&'a str);

impl<'a> ResponseCode<'a> {
    /// `inside`: what stands between the brackets, checked by the grammar.
    pub(crate) const fn framed(inside: &'a str) -> Self {
        Self(inside)
    }

    /// The code as it was sent, without its brackets.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Its levels, the most general first; at least one.
    #[must_use]
    pub fn levels(self) -> Levels<'a> {
        Levels(self.0.split('/'))
    }

    /// The longest prefix of levels that a specification defines, whatever the case (RFC 2449 §8).
    #[must_use]
    pub fn known(self) -> Option<KnownCode> {
        let mut levels = self.levels();
        let first = levels.next()?;
        if first.eq_ignore_ascii_case("SYS") {
            let second = levels.next()?;
            return [("TEMP", KnownCode::SysTemp), ("PERM", KnownCode::SysPerm)]
                .into_iter()
                .find_map(|(name, code)| second.eq_ignore_ascii_case(name).then_some(code));
        }
        [
            ("IN-USE", KnownCode::InUse),
            ("LOGIN-DELAY", KnownCode::LoginDelay),
            ("AUTH", KnownCode::Auth),
            ("UTF8", KnownCode::Utf8),
        ]
        .into_iter()
        .find_map(|(name, code)| first.eq_ignore_ascii_case(name).then_some(code))
    }
}

/// The levels of a [`ResponseCode`], the most general first.
#[derive(Clone, Debug)]
pub struct Levels<'a>(core::str::Split<'a, char>);

impl<'a> Iterator for Levels<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }
}

/// A response code that a specification defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnownCode {
    /// `[IN-USE]`: the credentials were right, the maildrop is locked; try later (RFC 2449 §8.1.2).
    InUse,
    /// `[LOGIN-DELAY]`: this user logged in too short a time ago (RFC 2449 §8.1.1).
    LoginDelay,
    /// `[SYS/TEMP]`: a system failure that will likely pass (RFC 3206 §4).
    SysTemp,
    /// `[SYS/PERM]`: a system failure that needs somebody's help (RFC 3206 §4).
    SysPerm,
    /// `[AUTH]`: the credentials are the problem (RFC 3206 §5).
    Auth,
    /// `[UTF8]`: the message needs UTF-8 mode (RFC 6856 §5).
    Utf8,
}

impl KnownCode {
    /// The code as it is sent, without its brackets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
            Self::Auth => "AUTH",
            Self::Utf8 => "UTF8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn with_text(text: &[u8]) -> Response {
        Response::new(Status::Err, Text::received(text))
    }

    /// R2449-8.01, R2449-8.03, R3206-4.02: case does not matter, unknown detail is ignored.
    #[test]
    fn the_longest_known_prefix_decides() {
        for (text, known) in [
            (&b"[IN-USE] x"[..], Some(KnownCode::InUse)),
            (b"[in-use/by/pid] x", Some(KnownCode::InUse)),
            (b"[LOGIN-DELAY]", Some(KnownCode::LoginDelay)),
            (b"[SYS/TEMP]", Some(KnownCode::SysTemp)),
            (b"[Sys/Perm/disk] x", Some(KnownCode::SysPerm)),
            (b"[SYS]", None),
            (b"[SYS/OTHER]", None),
            (b"[AUTH] wrong", Some(KnownCode::Auth)),
            (b"[UTF8]", Some(KnownCode::Utf8)),
            (b"[AUTHX]", None),
        ] {
            let response = with_text(text);
            assert_eq!(response.code().expect("a code").known(), known, "{response:?}");
        }
    }

    /// R2449-3.04: the code comes first, its levels are not empty, and it is closed.
    #[test]
    fn what_is_no_code_is_text() {
        for text in [
            &b""[..],
            b"x [AUTH]",
            b" [AUTH]",
            b"[]",
            b"[/]",
            b"[A/]",
            b"[/A]",
            b"[A B]",
            b"[AUTH",
            b"[A\x01]",
            b"[\xff]",
        ] {
            assert_eq!(with_text(text).code(), None, "{text:?}");
        }
    }

    /// I6: a response that was received cannot break a line when it is passed on.
    #[test]
    fn a_line_has_one_end_whatever_the_text() {
        let mut line = Vec::new();
        with_text(b"a\rb\0c\nd").encode(&mut line);
        assert_eq!(line, b"-ERR a?b?c?d\r\n");
    }
}
