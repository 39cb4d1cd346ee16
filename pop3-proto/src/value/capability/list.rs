//! The whole list that CAPA gives.

use alloc::vec::Vec;

use super::{Capability, Expire, KnownCapability, LoginDelay};
use crate::state::Keyword;
use crate::{KnownCode, MechanismName, ResponseCode};

/// A whole capability list (RFC 2449 §5), in the order in which it was sent.
///
/// Where a tag comes twice, the questions about parameters are answered by the first line that says
/// something, [`Capabilities::mechanisms`] and the yes-or-no questions by all of them.
///
/// ```
/// use pop3_proto::{Capabilities, Capability, MechanismName};
/// let list: Capabilities =
///     [Capability::new("SASL", &["PLAIN"])?, Capability::new("LOGIN-DELAY", &["900"])?]
///         .into_iter()
///         .collect();
/// assert!(list.offers(MechanismName::PLAIN) && !list.stls());
/// assert_eq!(list.login_delay().map(|delay| delay.seconds), Some(900));
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// The first capability with `tag`, whatever the case.
    #[must_use]
    pub fn find(&self, tag: &str) -> Option<&Capability> {
        self.0.iter().find(|capability| capability.is(tag))
    }

    /// Whether the server announced PIPELINING: commands may be sent before the replies to earlier
    /// ones are in (RFC 2449 §6.6).
    #[must_use]
    pub fn pipelining(&self) -> bool {
        self.find("PIPELINING").is_some()
    }

    /// Whether the optional command `keyword` was announced: AUTH by `SASL`, USER and PASS by
    /// `USER`, the others by their own names. Absence proves little: servers in the field support
    /// TOP and UIDL without saying so.
    #[must_use]
    pub fn announces(&self, keyword: Keyword) -> bool {
        let tag = match keyword {
            Keyword::Auth => "SASL",
            Keyword::Pass => "USER",
            _ => keyword.as_str(),
        };
        self.find(tag).is_some()
    }

    /// The mechanisms of AUTH (RFC 5034 §3), in the order in which they were sent.
    pub fn mechanisms(&self) -> impl Iterator<Item = MechanismName> {
        self.known()
            .filter_map(|known| match known {
                KnownCapability::Sasl(mechanisms) => Some(mechanisms),
                _ => None,
            })
            .flatten()
    }

    /// Whether AUTH takes `mechanism` (RFC 5034 §3).
    #[must_use]
    pub fn offers(&self, mechanism: MechanismName) -> bool {
        self.mechanisms().any(|offered| offered == mechanism)
    }

    /// Whether USER and PASS are there (RFC 2449 §6.2).
    #[must_use]
    pub fn user(&self) -> bool {
        self.announces(Keyword::User)
    }

    /// Whether STLS is there, and permitted in the state in which the list was sent (RFC 2595 §4).
    #[must_use]
    pub fn stls(&self) -> bool {
        self.announces(Keyword::Stls)
    }

    /// Whether UTF8 is there (RFC 6856 §2).
    #[must_use]
    pub fn utf8(&self) -> bool {
        self.announces(Keyword::Utf8)
    }

    /// `UTF8 USER`: whether names and passwords may be UTF-8; without it they must not be (RFC 6856
    /// §2.2).
    #[must_use]
    pub fn utf8_user(&self) -> bool {
        self.known().any(|known| known == KnownCapability::Utf8 { user: true })
    }

    /// How long to wait from one login to the next (RFC 2449 §6.5): what
    /// [`Advice::Wait`](crate::Advice::Wait) means, and the least interval to look for mail in.
    #[must_use]
    pub fn login_delay(&self) -> Option<LoginDelay> {
        self.known().find_map(|known| match known {
            KnownCapability::LoginDelay(delay) => Some(delay),
            _ => None,
        })
    }

    /// How long messages stay on the server (RFC 2449 §6.7).
    #[must_use]
    pub fn expire(&self) -> Option<Expire> {
        self.known().find_map(|known| match known {
            KnownCapability::Expire(expire) => Some(expire),
            _ => None,
        })
    }

    /// What identifies the server, for logs and nothing else (RFC 2449 §6.9).
    #[must_use]
    pub fn implementation(&self) -> Option<&str> {
        self.known().find_map(|known| match known {
            KnownCapability::Implementation(words) => Some(words),
            _ => None,
        })
    }

    /// Whether the list announced `code`, so that it is a response code and no mere text in
    /// brackets.
    ///
    /// `RESP-CODES` announces all of them (RFC 2449 §6.4), `AUTH-RESP-CODE` announces `[AUTH]` and
    /// nothing else (RFC 3206 §6). `UTF8` announces none: RFC 6856 §5 adds its code to those of
    /// RESP-CODES.
    #[must_use]
    pub fn covers(&self, code: ResponseCode<'_>) -> bool {
        self.find("RESP-CODES").is_some()
            || (code.known() == Some(KnownCode::Auth) && self.auth_resp_code())
    }

    /// Whether every error that credentials caused has the response code `[AUTH]` (RFC 3206 §6).
    pub(crate) fn auth_resp_code(&self) -> bool {
        self.find("AUTH-RESP-CODE").is_some()
    }

    /// What of a list that was sent before login holds after it: all but `STLS`, which is announced
    /// only where it is permitted (RFC 2595 §4). What depends on the user was announced as a bound
    /// that holds for this one too (RFC 2449 §6.5, §6.7).
    ///
    /// After TLS began nothing holds: discard the list (RFC 2595 §4).
    #[must_use]
    pub fn after_login(mut self) -> Self {
        self.0.retain(|capability| !capability.is("STLS"));
        self
    }

    fn known(&self) -> impl Iterator<Item = KnownCapability<'_>> {
        self.0.iter().filter_map(Capability::known)
    }

    /// All of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Capability> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().collect())
    }
}

impl Extend<Capability> for Capabilities {
    fn extend<I: IntoIterator<Item = Capability>>(&mut self, capabilities: I) {
        self.0.extend(capabilities);
    }
}

impl<'a> IntoIterator for &'a Capabilities {
    type Item = &'a Capability;
    type IntoIter = core::slice::Iter<'a, Capability>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expiry, Leniency, codec};
    use alloc::string::ToString as _;

    fn list(lines: &[&str]) -> Capabilities {
        let read = |line: &&str| codec::capability(line.as_bytes(), &Leniency::strict());
        lines.iter().map(|line| read(line).expect("a line").value).collect()
    }

    /// RFC 2449 §5, the example.
    const EXAMPLE: [&str; 9] = [
        "TOP",
        "USER",
        "SASL CRAM-MD5 KERBEROS_V4",
        "RESP-CODES",
        "LOGIN-DELAY 900",
        "PIPELINING",
        "EXPIRE 60",
        "UIDL",
        "IMPLEMENTATION Shlemazle-Plotz-v302",
    ];

    /// R2449-5.05, R2449-6.1.01, R2449-6.5.01, R2449-6.6.02, R2449-6.7.01: each question, yes and no.
    #[test]
    fn the_list_answers_what_it_was_asked() {
        let given = list(&EXAMPLE);
        let names: Vec<_> = given.mechanisms().map(|name| name.to_string()).collect();
        assert_eq!(names, ["CRAM-MD5", "KERBEROS_V4"]);
        assert!(given.offers(MechanismName::CRAM_MD5) && !given.offers(MechanismName::PLAIN));
        assert!(given.user() && given.pipelining());
        assert!(!given.stls() && !given.utf8() && !given.utf8_user());
        assert_eq!(given.login_delay(), Some(LoginDelay { seconds: 900, per_user: false }));
        assert_eq!(given.expire(), Some(Expire { expiry: Expiry::Days(60), per_user: false }));
        assert_eq!(given.implementation(), Some("Shlemazle-Plotz-v302"));

        let none = Capabilities::default();
        assert_eq!(none.mechanisms().count(), 0);
        assert!(!none.user() && !none.pipelining() && !none.offers(MechanismName::PLAIN));
        assert_eq!((none.login_delay(), none.expire(), none.implementation()), (None, None, None));

        let other = list(&["stls", "utf8"]);
        assert!(other.stls() && other.utf8() && !other.utf8_user() && !other.user());
    }

    /// R2449-5.01: tags are case-insensitive.
    #[test]
    fn a_tag_is_found_whatever_its_case() {
        let list = list(&["Pipelining", "uidl"]);
        assert!(list.pipelining() && list.announces(Keyword::Uidl));
        assert!(!list.announces(Keyword::Top));
    }

    /// R2449-5.06, R2449-6.1.01, R5034-3.01: a command is announced by the capability that adds it.
    #[test]
    fn each_command_is_announced_by_its_capability() {
        for (line, keywords) in [
            ("SASL PLAIN", &[Keyword::Auth][..]),
            ("AUTH PLAIN", &[]),
            ("USER", &[Keyword::User, Keyword::Pass]),
            ("PASS", &[]),
            ("TOP", &[Keyword::Top]),
            ("UIDL", &[Keyword::Uidl]),
            ("STLS", &[Keyword::Stls]),
            ("UTF8 USER", &[Keyword::Utf8]),
            ("LANG", &[Keyword::Lang]),
        ] {
            let list = list(&[line]);
            for keyword in Keyword::ALL {
                assert_eq!(
                    list.announces(*keyword),
                    keywords.contains(keyword),
                    "{line} {keyword}"
                );
            }
        }
    }

    /// R2449-6.7.01, G16, R6856-2.2.03: lines that come twice or say nothing take nothing from the others.
    #[test]
    fn a_bad_line_hides_no_good_one() {
        let list = list(&[
            "EXPIRENEVER",
            "EXPIRE soon",
            "EXPIRE 5",
            "EXPIRE 6",
            "LOGIN-DELAY -1",
            "LOGIN-DELAY 10 USER",
            "SASL",
            "SASL PLAIN",
            "SASL X.Y LOGIN",
            "UTF8",
            "UTF8 user",
            "IMPLEMENTATION",
            "IMPLEMENTATION a b",
        ]);
        assert_eq!(list.expire(), Some(Expire { expiry: Expiry::Days(5), per_user: false }));
        assert_eq!(list.login_delay(), Some(LoginDelay { seconds: 10, per_user: true }));
        assert!(list.mechanisms().eq([MechanismName::PLAIN, MechanismName::LOGIN]));
        assert!(list.utf8_user());
        assert_eq!(list.implementation(), Some("a b"));
        assert_eq!(list.len(), 13);
    }

    /// R2449-6.4.01, R3206-6.01, R6856-5.01: which capability announces which code.
    #[test]
    fn a_code_is_covered_by_the_capability_that_announces_it() {
        let covered = |lines: &[&str], code| list(lines).covers(ResponseCode::framed(code));
        for code in ["IN-USE", "LOGIN-DELAY", "SYS/TEMP", "SYS/PERM", "AUTH", "UTF8", "x/y"] {
            assert!(covered(&["TOP", "resp-codes"], code), "{code}");
            assert!(!covered(&["TOP", "UTF8 USER", "LOGIN-DELAY 900", "SASL PLAIN"], code));
            let auth = code == "AUTH";
            assert_eq!(covered(&["Auth-Resp-Code"], code), auth, "{code}");
        }
        assert!(covered(&["AUTH-RESP-CODE"], "auth/expired"));
        assert!(!covered(&["AUTH-RESP-CODE"], "AUTHX"));
    }

    /// R2595-4.06, R2595-4.07, R2449-5.04, R5034-3.04: login voids STLS and nothing else.
    #[test]
    fn only_stls_ends_with_login() {
        let lines = [&EXAMPLE[..], &["Stls", "EXPIRE 5 USER", "X-OTHER", "UTF8"]].concat();
        let after = list(&lines).after_login();
        assert!(!after.stls());
        let kept: Vec<_> = lines.into_iter().filter(|line| *line != "Stls").collect();
        assert_eq!(after, list(&kept));
    }
}
