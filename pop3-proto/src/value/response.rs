//! Response lines and the codes in them.

use core::hash::{Hash, Hasher};

use bytes::BufMut;

use super::{Capabilities, Text};
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
///
/// Two responses are equal if their lines are; what was announced does not enter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// Positive or negative.
    pub status: Status,
    /// What follows the status indicator and one separator; often empty.
    pub text: Text,
    /// Whether a capability covers the code.
    announced: bool,
    /// Whether AUTH-RESP-CODE was announced, which says something about a missing code too.
    auth_resp_code: bool,
}

impl Response {
    /// A response with `status` and `text`.
    #[must_use]
    pub const fn new(status: Status, text: Text) -> Self {
        Self { status, text, announced: false, auth_resp_code: false }
    }

    /// The same response, received while the server's capability list was `capabilities`; `None`
    /// while there is none. For sessions, and for whoever reads lines with [`codec`] alone.
    #[must_use]
    pub fn announced_by(mut self, capabilities: Option<&Capabilities>) -> Self {
        self.announce(capabilities);
        self
    }

    /// As [`Response::announced_by`], in place.
    #[inline]
    pub(crate) fn announce(&mut self, capabilities: Option<&Capabilities>) {
        self.announced =
            capabilities.is_some_and(|list| self.code().is_some_and(|code| list.covers(code)));
        self.auth_resp_code =
            !self.is_ok() && capabilities.is_some_and(Capabilities::auth_resp_code);
    }

    /// Whether the status is positive.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The response code at the start of the text (RFC 2449 §8), if there is one.
    ///
    /// It is parsed whether or not the server announced it, so that nothing is lost; without the
    /// announcement a bracketed text may be just text: see [`Response::announced`].
    #[must_use]
    pub fn code(&self) -> Option<ResponseCode<'_>> {
        codec::response_code(self.text.octets()).map(|(code, _)| code)
    }

    /// Whether there is a code and the server announced that it sends such ones, so that this is a
    /// code and no mere text in brackets (RFC 2449 §6.4; [`Capabilities::covers`]).
    ///
    /// A response that was made here, or came before any capability list, is not announced.
    #[must_use]
    pub const fn announced(&self) -> bool {
        self.announced
    }

    /// The text for people: without the code and the space behind it, where the server announced that it
    /// sends such ones (RFC 2449 §8).
    #[must_use]
    pub fn human_text(&self) -> Text {
        let octets = self.text.octets();
        let rest = codec::response_code(octets).filter(|_| self.announced).map(|(_, rest)| rest);
        let text = rest.map(|rest| rest.strip_prefix(b" ").unwrap_or(rest));
        Text::received(text.unwrap_or(octets))
    }

    /// How many octets a message has, if the answer to RETR says so: `+OK 120 octets` (RFC 1939 §5).
    ///
    /// A hint, and often wrong: it says nothing about where the message ends, and must not size anything
    /// without a bound.
    ///
    /// ```
    /// use pop3_proto::{Response, Status, Text};
    /// let response = Response::new(Status::Ok, Text::new("120 octets")?);
    /// assert_eq!(response.octets(), Some(120));
    /// # Ok::<(), pop3_proto::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn octets(&self) -> Option<u64> {
        let words = || self.text.octets().split(|octet| *octet == b' ');
        let (count, _) = words().zip(words().skip(1)).find(|(_, unit)| *unit == b"octets")?;
        let digits = Some(count).filter(|count| count.iter().all(u8::is_ascii_digit))?;
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// What to do after this `-ERR`, if it has a code that was announced and a specification
    /// defines.
    ///
    /// Only announced codes give advice, so that nothing is decided by a text that happens to begin
    /// with a bracket (RFC 2449 §6.4). Whoever trusts a server without its word asks
    /// [`Response::code`] and [`KnownCode::advice`].
    #[must_use]
    pub fn advice(&self) -> Option<Advice> {
        if self.is_ok() || !self.announced {
            return None;
        }
        self.code()?.known().map(KnownCode::advice)
    }

    /// Whether the credentials are why this was no `+OK`, for the answer to USER, PASS, APOP or
    /// AUTH.
    ///
    /// Only announced codes count, as in [`Response::advice`]. AUTH-RESP-CODE promises that errors
    /// without `[AUTH]` have another cause (RFC 3206 §5).
    #[must_use]
    pub fn credential_problem(&self) -> CredentialProblem {
        if self.is_ok() {
            return CredentialProblem::No;
        }
        match self.code().filter(|_| self.announced) {
            Some(code) if code.known() == Some(KnownCode::Auth) => CredentialProblem::Yes,
            Some(code) if code.is_defined() => CredentialProblem::No,
            _ if self.auth_resp_code => CredentialProblem::No,
            _ => CredentialProblem::Unknown,
        }
    }

    /// Whether this, as the answer to an optional command that was sent where it is legal and with
    /// arguments that are in order, says that the server does not have the command, as `-ERR` does
    /// to CAPA (RFC 2449 §5).
    ///
    /// A response code that a specification defines gives another reason: a failure of the moment,
    /// the credentials, a message that needs UTF-8 mode. Then nothing is known about the command.
    /// Here a code counts without an announcement, since none can come before the answer to CAPA,
    /// and since it keeps from a conclusion and leads to none.
    #[must_use]
    pub fn means_not_implemented(&self) -> bool {
        !self.is_ok() && !self.code().is_some_and(ResponseCode::is_defined)
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

impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status && self.text == other.text
    }
}

impl Eq for Response {}

impl Hash for Response {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.status.hash(state);
        self.text.hash(state);
    }
}

/// Whether the credentials are why a login failed: see [`Response::credential_problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the server says yes, says no, or does not say")]
pub enum CredentialProblem {
    /// The server says so by `[AUTH]`: ask for others (RFC 3206 §5).
    Yes,
    /// The server says that it is something else: do not ask for others.
    No,
    /// The server does not say.
    Unknown,
}

/// What to do after a `-ERR` with a response code: see [`Response::advice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// Try again later with the same credentials, and alarm nobody unless it goes on: `[IN-USE]`
    /// (RFC 2449 §8.1.2), `[SYS/TEMP]` (RFC 3206 §4).
    RetryLater,
    /// Try again when the delay is over, of which [`Capabilities::login_delay`] has the seconds:
    /// `[LOGIN-DELAY]` (RFC 2449 §8.1.1).
    Wait,
    /// Ask the user for other credentials, or send no more of them: `[AUTH]` (RFC 3206 §5).
    AskForCredentials,
    /// Tell the user, who should tell those who run the server: `[SYS/PERM]` (RFC 3206 §4).
    TellSomebody,
    /// Ask again in UTF-8 mode, which begins before login and so in another session: `[UTF8]`
    /// (RFC 6856 §5).
    EnterUtf8,
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

    /// Whether a specification defines at least the first level. `[SYS/OTHER]` still says that the
    /// system failed (RFC 3206 §4), whatever the detail (RFC 2449 §8).
    fn is_defined(self) -> bool {
        let system = |level: &str| level.eq_ignore_ascii_case("SYS");
        self.known().is_some() || self.levels().next().is_some_and(system)
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

    /// What to do after a `-ERR` with this code, announced or not; [`Response::advice`] heeds that.
    #[must_use]
    pub const fn advice(self) -> Advice {
        match self {
            Self::InUse | Self::SysTemp => Advice::RetryLater,
            Self::LoginDelay => Advice::Wait,
            Self::SysPerm => Advice::TellSomebody,
            Self::Auth => Advice::AskForCredentials,
            Self::Utf8 => Advice::EnterUtf8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capability;
    use alloc::vec::Vec;

    fn with_text(text: &[u8]) -> Response {
        Response::new(Status::Err, Text::received(text))
    }

    /// D20, E13: a count is one only where RFC 1939 §5 has it, and only if it is one.
    #[test]
    fn octets_are_counted_by_a_number_before_their_name() {
        for (text, octets) in [
            (&b"120 octets"[..], Some(120)),
            (b"message follows (7 lines) 120 octets", Some(120)),
            (b"18446744073709551615 octets", Some(u64::MAX)),
            (b"18446744073709551616 octets", None),
            (b"+1 octets", None),
            (b"-1 octets", None),
            (b"{120} octets", None),
            (b" octets", None),
            (b"octets 120", None),
            (b"2 messages (320 octets)", None),
            (b"120", None),
            (b"", None),
        ] {
            assert_eq!(with_text(text).octets(), octets, "{}", text.escape_ascii());
        }
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

    fn list(tags: &[&str]) -> Capabilities {
        tags.iter().map(|tag| Capability::new(tag, &[]).unwrap()).collect()
    }

    fn answer(status: Status, text: &[u8], tags: &[&str]) -> Response {
        Response::new(status, Text::received(text)).announced_by(Some(&list(tags)))
    }

    /// R2449-6.4.01, R2449-6.4.02, R3206-6.01: a code counts as announced by the list of that moment, on `+OK` too.
    #[test]
    fn a_code_is_announced_or_not() {
        for status in [Status::Ok, Status::Err] {
            for (text, tags, announced) in [
                (&b"[AUTH] x"[..], &["RESP-CODES"][..], true),
                (b"[auth/x] x", &["AUTH-RESP-CODE"], true),
                (b"[SYS/TEMP] x", &["AUTH-RESP-CODE"], false),
                (b"[sys/temp] x", &["TOP", "resp-codes"], true),
                (b"[X-FOO] x", &["RESP-CODES"], true),
                (b"[AUTH] x", &["UIDL"], false),
                (b"[a b] x", &["RESP-CODES"], false),
                (b"x [AUTH]", &["RESP-CODES", "AUTH-RESP-CODE"], false),
                (b"", &["RESP-CODES"], false),
            ] {
                let response = answer(status, text, tags);
                assert_eq!(response.announced(), announced, "{response:?} {tags:?}");
                assert!(!response.announced_by(None).announced());
                assert!(!Response::new(status, Text::received(text)).announced());
            }
        }
    }

    /// R2449-8.02: people are shown no code, unless it may be a text of the server's own.
    #[test]
    fn people_are_shown_no_code() {
        for (text, shown) in [
            (&b"[IN-USE] do you have another session?"[..], &b"do you have another session?"[..]),
            (b"[x/y]  two", b" two"),
            (b"[X]z", b"z"),
            (b"[X]", b""),
            (b"[a b] c", b"[a b] c"),
            (b"x [AUTH]", b"x [AUTH]"),
            (b"", b""),
        ] {
            for status in [Status::Ok, Status::Err] {
                let announced = answer(status, text, &["RESP-CODES"]);
                assert_eq!(announced.human_text(), Text::received(shown), "{text:?}");
                let none = answer(status, text, &["UIDL"]);
                assert_eq!(none.human_text(), Text::received(text), "{text:?}");
            }
        }
    }

    /// I7: the same line is the same response, whatever was announced.
    #[test]
    fn equality_is_of_the_line() {
        let announced = answer(Status::Err, b"[AUTH]", &["AUTH-RESP-CODE"]);
        assert!(announced.announced());
        assert_eq!(announced, with_text(b"[AUTH]"));
        assert_ne!(announced, Response::new(Status::Ok, Text::received(b"[AUTH]")));
        assert_ne!(announced, with_text(b"[AUTH] "));
    }

    /// R2449-8.1.1.01, R2449-8.1.2.01, R3206-4.01, R3206-4.02, R3206-5.01, R6856-5.01: what each code asks for, if it was
    /// announced.
    #[test]
    fn an_announced_code_gives_advice() {
        for (text, advice) in [
            (&b"[IN-USE] x"[..], Some(Advice::RetryLater)),
            (b"[sys/temp/quota] x", Some(Advice::RetryLater)),
            (b"[LOGIN-DELAY] x", Some(Advice::Wait)),
            (b"[AUTH] x", Some(Advice::AskForCredentials)),
            (b"[SYS/PERM] x", Some(Advice::TellSomebody)),
            (b"[UTF8] x", Some(Advice::EnterUtf8)),
            (b"[SYS/OTHER] x", None),
            (b"[X] x", None),
            (b"x", None),
        ] {
            assert_eq!(answer(Status::Err, text, &["RESP-CODES"]).advice(), advice, "{text:?}");
            assert_eq!(answer(Status::Ok, text, &["RESP-CODES"]).advice(), None);
            assert_eq!(answer(Status::Err, text, &["UTF8", "USER"]).advice(), None);
            assert_eq!(with_text(text).advice(), None);
            let unconditional = with_text(text).code().and_then(ResponseCode::known);
            assert_eq!(unconditional.map(KnownCode::advice), advice);
        }
    }

    /// R3206-5.01, R3206-6.01, R3206-4.01, R2449-8.1.2.01: yes, no, or nobody said.
    #[test]
    fn a_credential_problem_is_told_apart() {
        use CredentialProblem::{No, Unknown, Yes};
        for (text, by_codes, by_auth, by_both) in [
            (&b"[AUTH] x"[..], Yes, Yes, Yes),
            (b"[auth/expired] x", Yes, Yes, Yes),
            (b"[IN-USE] x", No, No, No),
            (b"[LOGIN-DELAY] x", No, No, No),
            (b"[SYS/TEMP] x", No, No, No),
            (b"[SYS/PERM] x", No, No, No),
            (b"[SYS/OTHER] x", No, No, No),
            (b"[sys] x", No, No, No),
            (b"[X-FOO] x", Unknown, No, No),
            (b"bad password", Unknown, No, No),
            (b"", Unknown, No, No),
        ] {
            let told = |tags: &[&str]| answer(Status::Err, text, tags).credential_problem();
            assert_eq!(told(&["RESP-CODES"]), by_codes, "{text:?}");
            assert_eq!(told(&["AUTH-RESP-CODE"]), by_auth, "{text:?}");
            assert_eq!(told(&["RESP-CODES", "AUTH-RESP-CODE"]), by_both, "{text:?}");
            assert_eq!(told(&["TOP"]), Unknown, "{text:?}");
            assert_eq!(with_text(text).credential_problem(), Unknown, "{text:?}");
            assert_eq!(answer(Status::Ok, text, &["RESP-CODES"]).credential_problem(), No);
        }
    }

    /// R2449-5.03, R3206-4.02, R6856-5.01: only an error that gives no other reason says that a command is missing.
    #[test]
    fn a_failure_of_the_moment_is_no_missing_command() {
        for (text, missing) in [
            (&b"unknown command"[..], true),
            (b"", true),
            (b"[X-FOO] x", true),
            (b"x [SYS/TEMP]", true),
            (b"[SYS/TEMP] x", false),
            (b"[sys/perm/disk] x", false),
            (b"[SYS/OTHER] x", false),
            (b"[IN-USE] x", false),
            (b"[LOGIN-DELAY] x", false),
            (b"[AUTH] x", false),
            (b"[UTF8] x", false),
        ] {
            for tags in [&[][..], &["RESP-CODES"], &["AUTH-RESP-CODE"]] {
                assert_eq!(answer(Status::Err, text, tags).means_not_implemented(), missing);
                assert!(!answer(Status::Ok, text, tags).means_not_implemented());
            }
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
