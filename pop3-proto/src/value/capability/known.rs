//! The capabilities that specifications define.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::slice;

use super::Capability;
use crate::codec;
use crate::{InvalidValue, MechanismName};

/// What a line of a capability list says, for the tags that specifications define.
///
/// [`Capability::known`] reads it. Tags and the words `USER` and `NEVER` have no case, and
/// parameters that no specification asks for are ignored. An unknown tag, or a parameter that is
/// not what it must be, makes the line unknown; it stays in the [`Capability`] as it was sent.
///
/// A server makes its lines from it with [`KnownCapability::to_capability`].
///
/// ```
/// use pop3_proto::{KnownCapability, MechanismName, Mechanisms};
/// let offered = [MechanismName::SCRAM_SHA_256, MechanismName::PLAIN];
/// let sasl = KnownCapability::Sasl(Mechanisms::new(&offered));
/// assert_eq!(sasl.to_capability()?.to_string(), "SASL SCRAM-SHA-256 PLAIN");
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KnownCapability<'a> {
    /// `TOP`: the command TOP is there (RFC 2449 §6.1).
    Top,
    /// `USER`: the commands USER and PASS are there, though perhaps not for every user (RFC 2449
    /// §6.2).
    User,
    /// `SASL`: the command AUTH is there and takes these mechanisms (RFC 5034 §3).
    Sasl(Mechanisms<'a>),
    /// `RESP-CODES`: a text that begins with `[` begins with a response code (RFC 2449 §6.4).
    RespCodes,
    /// `LOGIN-DELAY`: how long to wait from one login to the next (RFC 2449 §6.5).
    LoginDelay(LoginDelay),
    /// `PIPELINING`: commands may be sent before the replies to earlier ones are in (RFC 2449
    /// §6.6).
    Pipelining,
    /// `EXPIRE`: how long messages stay (RFC 2449 §6.7).
    Expire(Expire),
    /// `UIDL`: the command UIDL is there (RFC 2449 §6.8).
    Uidl,
    /// `IMPLEMENTATION`: what identifies the server, one word or several with one space between
    /// each. For logs: a client must not change what it does by it (RFC 2449 §6.9).
    Implementation(&'a str),
    /// `STLS`: the command STLS is there, and permitted in the present state (RFC 2595 §4).
    Stls,
    /// `UTF8`: the command UTF8 is there (RFC 6856 §2).
    Utf8 {
        /// Whether names and passwords may be UTF-8 too, even before UTF8 is sent (RFC 6856 §2.2).
        user: bool,
    },
    /// `LANG`: the command LANG is there (RFC 6856 §3).
    Lang,
    /// `AUTH-RESP-CODE`: every error that credentials caused has the response code `[AUTH]`, and no
    /// other error has (RFC 3206 §6).
    AuthRespCode,
}

/// The parameters of LOGIN-DELAY (RFC 2449 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoginDelay {
    /// Seconds from the `+OK` to one login until the server takes another.
    pub seconds: u32,
    /// `USER`: this is the largest delay of any user; CAPA after login tells this user's.
    pub per_user: bool,
}

/// The parameters of EXPIRE (RFC 2449 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expire {
    /// When the server may delete messages.
    pub expiry: Expiry,
    /// `USER`: this is the shortest period of any user; CAPA after login tells this user's.
    pub per_user: bool,
}

/// When a server may delete messages that a client left on it (RFC 2449 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 2449 §6.7: retention days, or NEVER")]
pub enum Expiry {
    /// `NEVER`: it deletes none.
    Never,
    /// Not before this many days, counted from whatever the server chooses. 0: mail may not be
    /// left, and QUIT may delete every message that RETR fetched as if DELE had named it.
    Days(u32),
}

impl<'a> KnownCapability<'a> {
    pub(super) fn of(capability: &'a Capability) -> Option<Self> {
        let params = capability.params_as_sent();
        let first = capability.params().next();
        let user = capability.params().any(|param| param.eq_ignore_ascii_case("USER"));
        let number = first.and_then(codec::number_param);
        let expiry = match first {
            Some(param) if param.eq_ignore_ascii_case("NEVER") => Some(Expiry::Never),
            _ => number.map(Expiry::Days),
        };
        // Each as these parameters would make it; the tag says which it is.
        [
            Some(Self::Top),
            Some(Self::User),
            Some(Self::Sasl(Mechanisms(Source::Words(params)))),
            Some(Self::RespCodes),
            number.map(|seconds| Self::LoginDelay(LoginDelay { seconds, per_user: user })),
            Some(Self::Pipelining),
            expiry.map(|expiry| Self::Expire(Expire { expiry, per_user: user })),
            Some(Self::Uidl),
            first.map(|_| Self::Implementation(params)),
            Some(Self::Stls),
            Some(Self::Utf8 { user }),
            Some(Self::Lang),
            Some(Self::AuthRespCode),
        ]
        .into_iter()
        .flatten()
        .find(|known| capability.is(known.tag()))
    }

    /// The tag as it is sent.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Top => "TOP",
            Self::User => "USER",
            Self::Sasl(_) => "SASL",
            Self::RespCodes => "RESP-CODES",
            Self::LoginDelay(_) => "LOGIN-DELAY",
            Self::Pipelining => "PIPELINING",
            Self::Expire(_) => "EXPIRE",
            Self::Uidl => "UIDL",
            Self::Implementation(_) => "IMPLEMENTATION",
            Self::Stls => "STLS",
            Self::Utf8 { .. } => "UTF8",
            Self::Lang => "LANG",
            Self::AuthRespCode => "AUTH-RESP-CODE",
        }
    }

    /// The line that says this; [`Capability::known`] reads it back.
    ///
    /// # Errors
    /// [`InvalidValue`] if the line would pass 512 octets (RFC 2449 §3), or if an implementation is
    /// not printable ASCII in words with one space between each. Nothing else can fail.
    pub fn to_capability(&self) -> Result<Capability, InvalidValue> {
        let params = self.params();
        Capability::new(self.tag(), &params.split(' ').skip(1).collect::<Vec<_>>())
    }

    /// A space before each.
    fn params(&self) -> String {
        let user = |per_user| if per_user { " USER" } else { "" };
        match self {
            Self::Sasl(names) => {
                names.clone().fold(String::new(), |line, name| line + " " + name.as_str())
            }
            Self::LoginDelay(delay) => format!(" {}{}", delay.seconds, user(delay.per_user)),
            Self::Expire(Expire { expiry: Expiry::Never, per_user }) => {
                format!(" NEVER{}", user(*per_user))
            }
            Self::Expire(Expire { expiry: Expiry::Days(days), per_user }) => {
                format!(" {days}{}", user(*per_user))
            }
            Self::Implementation(words) => format!(" {words}"),
            Self::Utf8 { user: named } => user(*named).into(),
            Self::Top
            | Self::User
            | Self::RespCodes
            | Self::Pipelining
            | Self::Uidl
            | Self::Stls
            | Self::Lang
            | Self::AuthRespCode => String::new(),
        }
    }
}

/// The mechanisms of SASL, in the order in which they were sent (RFC 5034 §3).
///
/// Words that cannot be names of mechanisms are left out; [`Capability::params`] has them.
#[derive(Clone)]
pub struct Mechanisms<'a>(Source<'a>);

#[derive(Clone)]
enum Source<'a> {
    /// What is left of the parameters.
    Words(&'a str),
    Names(slice::Iter<'a, MechanismName>),
}

impl<'a> Mechanisms<'a> {
    /// The mechanisms that a server offers, the one that it likes best first.
    #[must_use]
    pub fn new(names: &'a [MechanismName]) -> Self {
        Self(Source::Names(names.iter()))
    }
}

impl Iterator for Mechanisms<'_> {
    type Item = MechanismName;

    fn next(&mut self) -> Option<MechanismName> {
        match &mut self.0 {
            Source::Words(words) => {
                while !words.is_empty() {
                    let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
                    *words = rest;
                    if let Ok(name) = MechanismName::new(word) {
                        return Some(name);
                    }
                }
                None
            }
            Source::Names(names) => names.next().copied(),
        }
    }
}

impl PartialEq for Mechanisms<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.clone().eq(other.clone())
    }
}

impl Eq for Mechanisms<'_> {}

impl fmt::Debug for Mechanisms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Leniency;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    fn read(line: &str) -> Capability {
        codec::capability(line.as_bytes(), &Leniency::strict()).expect("a line").value
    }

    fn delay(seconds: u32, per_user: bool) -> KnownCapability<'static> {
        KnownCapability::LoginDelay(LoginDelay { seconds, per_user })
    }

    fn expire(expiry: Expiry, per_user: bool) -> KnownCapability<'static> {
        KnownCapability::Expire(Expire { expiry, per_user })
    }

    /// R2449-6.5.02, R2449-3.03, R2449-5.01, R2449-6.1.01, R2449-6.5.04, R2449-6.7.01, R2449-6.7.03, R2449-6.9.02,
    /// R2595-4.07, R3206-6.01, R5034-3.04, R6856-2.2.02, R6856-3.1.01, I7: the lines of the RFCs, both ways.
    #[test]
    fn each_line_says_what_its_specification_defines() {
        use KnownCapability as K;
        let mechanisms = [MechanismName::CRAM_MD5, MechanismName::new("KERBEROS_V4").unwrap()];
        for (line, known) in [
            ("TOP", K::Top),
            ("USER", K::User),
            ("SASL CRAM-MD5 KERBEROS_V4", K::Sasl(Mechanisms::new(&mechanisms))),
            ("SASL", K::Sasl(Mechanisms::new(&[]))),
            ("RESP-CODES", K::RespCodes),
            ("LOGIN-DELAY 900", delay(900, false)),
            ("LOGIN-DELAY 0 USER", delay(0, true)),
            ("PIPELINING", K::Pipelining),
            ("EXPIRE 60", expire(Expiry::Days(60), false)),
            ("EXPIRE 5 USER", expire(Expiry::Days(5), true)),
            ("EXPIRE NEVER", expire(Expiry::Never, false)),
            ("EXPIRE NEVER USER", expire(Expiry::Never, true)),
            ("EXPIRE 0", expire(Expiry::Days(0), false)),
            ("UIDL", K::Uidl),
            ("IMPLEMENTATION Shlemazle-Plotz-v302", K::Implementation("Shlemazle-Plotz-v302")),
            ("IMPLEMENTATION Cyrus POP3 3.6.1", K::Implementation("Cyrus POP3 3.6.1")),
            ("STLS", K::Stls),
            ("UTF8", K::Utf8 { user: false }),
            ("UTF8 USER", K::Utf8 { user: true }),
            ("LANG", K::Lang),
            ("AUTH-RESP-CODE", K::AuthRespCode),
        ] {
            let capability = read(line);
            assert_eq!(capability.known(), Some(known.clone()), "{line}");
            assert_eq!(known.to_capability(), Ok(capability), "{line}");
        }
    }

    /// R2449-5.01, G16: case does not matter, and neither do parameters that nobody defined.
    #[test]
    fn what_is_beside_the_point_is_ignored() {
        use KnownCapability as K;
        for (line, known) in [
            ("top 5", K::Top),
            ("Pipelining x y", K::Pipelining),
            ("stls USER", K::Stls),
            ("Login-Delay 0900 user", delay(900, true)),
            ("LOGIN-DELAY 900 x-cached", delay(900, false)),
            ("expire never User", expire(Expiry::Never, true)),
            ("EXPIRE 0 x-policy USER", expire(Expiry::Days(0), true)),
            ("utf8 x user", K::Utf8 { user: true }),
            ("utf8 x", K::Utf8 { user: false }),
            ("auth-resp-code x", K::AuthRespCode),
            ("implementation x", K::Implementation("x")),
            ("SASL plain x!y =PLAIN", K::Sasl(Mechanisms::new(&[MechanismName::PLAIN]))),
        ] {
            assert_eq!(read(line).known(), Some(known), "{line}");
        }
    }

    /// R2449-3.03, G7, G16: an unknown tag or a parameter that is none is kept, and says nothing.
    #[test]
    fn what_is_malformed_is_kept_raw() {
        for line in [
            "EXPIRENEVER",
            "X-GOOGLE-RICO",
            "+APOP",
            "SASL-IR",
            "UTF-8",
            "LOGIN-DELAY",
            "LOGIN-DELAY -1",
            "LOGIN-DELAY USER",
            "LOGIN-DELAY USER 900",
            "LOGIN-DELAY 4294967296",
            "LOGIN-DELAY 15m",
            "LOGIN-DELAY NEVER",
            "EXPIRE",
            "EXPIRE USER",
            "EXPIRE NEVERUSER",
            "EXPIRE +5",
            "EXPIRE 0x5",
            "EXPIRE 99999999999999999999",
            "EXPIRE 000000000000000000005",
            "IMPLEMENTATION",
        ] {
            let capability = read(line);
            assert_eq!(capability.known(), None, "{line}");
            assert_eq!(capability.to_string(), line);
        }
    }

    /// R5034-3.04, R4422-3.1.01: words that name no mechanism are skipped, and still there.
    #[test]
    fn a_sasl_line_loses_nothing() {
        let line = read("SASL LOGIN x.y PLAIN ABCDEFGHIJKLMNOPQRSTU XOAUTH2 PLAIN");
        let Some(KnownCapability::Sasl(mechanisms)) = line.known() else { panic!("{line}") };
        let names: Vec<_> = mechanisms.map(|name| name.to_string()).collect();
        assert_eq!(names, ["LOGIN", "PLAIN", "XOAUTH2", "PLAIN"]);
        assert_eq!(line.params().count(), 6);
    }

    /// I6, R2449-3.03: only words go into a line, and only as many as fit.
    #[test]
    fn what_is_no_line_is_refused() {
        for words in ["", " ", "a  b", " a", "a ", "a\r\nb", "a\tb", "ä", "\0"] {
            let made = KnownCapability::Implementation(words).to_capability();
            assert!(made.is_err(), "{words:?}");
        }
        let names = [MechanismName::SCRAM_SHA_256_PLUS; 27];
        let made = |count| {
            KnownCapability::Sasl(Mechanisms::new(&names[..count])).to_capability().map(|_| ())
        };
        assert_eq!(made(26), Ok(()));
        assert_eq!(made(27), Err(InvalidValue::TooLong { octets: 517, limit: 510 }));
    }

    fn known() -> impl Strategy<Value = (Vec<MechanismName>, String, u8, u32, bool)> {
        let name = "[A-Z0-9_-]{1,20}".prop_map(|name| MechanismName::new(&name).unwrap());
        let words = "[!-~]{1,9}( [!-~]{1,9}){0,4}";
        (proptest::collection::vec(name, 0..20), words, 0_u8..15, any::<u32>(), any::<bool>())
    }

    proptest! {
        /// I7: known, a line, and known again.
        #[test]
        fn lines_are_inverse((names, words, which, number, flag) in known()) {
            let known = match which {
                0 => KnownCapability::Top,
                1 => KnownCapability::User,
                2 => KnownCapability::Sasl(Mechanisms::new(&names)),
                3 => KnownCapability::RespCodes,
                4 => delay(number, flag),
                5 => KnownCapability::Pipelining,
                6 => expire(Expiry::Never, flag),
                7 => expire(Expiry::Days(number), flag),
                8 => KnownCapability::Uidl,
                9 => KnownCapability::Implementation(&words),
                10 => KnownCapability::Stls,
                11 => KnownCapability::Utf8 { user: flag },
                12 => KnownCapability::Lang,
                13 => KnownCapability::AuthRespCode,
                _ => KnownCapability::Sasl(Mechanisms::new(&[])),
            };
            let line = known.to_capability().expect("it fits").to_string();
            let (exact, lower) = (read(&line), read(&line.to_ascii_lowercase()));
            prop_assert_eq!(exact.known(), Some(known.clone()));
            if which != 9 {
                prop_assert_eq!(lower.known(), Some(known));
            }
        }

        /// R2449-3.03, I2: whatever the line, reading it ends, and what is read can be written.
        #[test]
        fn whatever_is_read_can_be_written(
            tag in "SASL|sasl|EXPIRE|Expire|LOGIN-DELAY|UTF8|utf8|IMPLEMENTATION|Top|[!-~&&[^.]]{1,5}",
            params in proptest::collection::vec("USER|user|Never|[0-9]{1,21}|[A-Za-z0-9_-]{1,21}|[!-~]{1,22}", 0..5),
        ) {
            let params: Vec<&str> = params.iter().map(String::as_str).collect();
            let capability = Capability::new(&tag, &params).unwrap();
            if let Some(known) = capability.known() {
                let again = known.to_capability().expect("no longer than it was");
                prop_assert_eq!(again.known(), Some(known.clone()), "{}", capability);
            }
        }
    }
}
