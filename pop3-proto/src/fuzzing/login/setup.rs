//! Who logs in, how, and under which policy.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::client::{
    Channel, Choice, ClientConfig, ClientSession, Credentials, Login, Method, Security, UseStls,
};
use crate::fuzzing::sasl::parties::{CLIENT_NONCE, PASSWORD, TOKEN, bindings};
use crate::fuzzing::script;
use crate::sasl::{ChannelBinding, Plain, Preparation, PreparedAs};
use crate::{Base64, Mailbox, MechanismName, Password, Secret};

/// Whom whoever logs in may act for.
pub(super) const SHARED: &str = "shared";
pub(super) const TRACE: &str = "just looking";
/// More characters than LOGIN takes, and with a secret more than the line of AUTH holds.
const LONG: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Password,
    Token,
    Certificate,
    Anonymous,
}

/// Credentials, and what is right where they are wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) secret: &'static [u8],
    pub(super) right: &'static [u8],
    pub(super) authorization: Option<&'static str>,
}

impl Who {
    fn read(letter: u8, wrong: bool) -> Self {
        let named = |name, right: &'static [u8]| (Kind::Password, name, right, None);
        let ascii = PASSWORD.as_bytes();
        let (kind, name, right, authorization) = match letter {
            b'P' => (Kind::Password, "mrose", ascii, Some(SHARED)),
            b'8' => named("mros\u{e9}", ascii),
            b'9' => named("mrose", "hunter2\u{aa}".as_bytes()),
            b'l' => named(LONG, ascii),
            // No UTF-8, and a control of ASCII.
            b'b' => named("mrose", b"hunter2\xe4"),
            b'd' => named("mrose", b"hunter2\x7f"),
            b't' => (Kind::Token, "mrose", TOKEN.as_bytes(), None),
            b'c' => (Kind::Certificate, "mrose", &b""[..], None),
            b'C' => (Kind::Certificate, "mrose", &b""[..], Some(SHARED)),
            b'a' => (Kind::Anonymous, "anonymous", &b""[..], None),
            _ => named("mrose", ascii),
        };
        let secret: &[u8] = match kind {
            Kind::Password if wrong => b"tanstaaf",
            Kind::Token if wrong => b"stale-token",
            _ => right,
        };
        Self { kind, name, secret, right, authorization }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.secret != self.right
    }

    fn credentials(&self) -> Credentials {
        let mailbox = |name| Mailbox::utf8(name).expect("no blank");
        let authorization = self.authorization.map(mailbox);
        match self.kind {
            Kind::Password => Credentials::Password {
                mailbox: mailbox(self.name),
                password: Password::opaque(self.secret).expect("one line"),
                authorization,
            },
            Kind::Token => {
                let token = Secret::new(self.secret);
                Credentials::Token { mailbox: mailbox(self.name), token }
            }
            Kind::Certificate => Credentials::Certificate { authorization },
            Kind::Anonymous => Credentials::Anonymous { trace: TRACE.into() },
        }
    }

    /// RFC 6856 §2.2: whether USER, PASS and APOP take them from whom they told so.
    pub(super) fn is_utf8(&self) -> bool {
        let text = core::str::from_utf8(self.secret).is_ok_and(|text| !text.is_ascii());
        self.kind == Kind::Password && (!self.name.is_ascii() || text)
    }

    pub(super) fn is_printable(&self) -> bool {
        self.name.is_ascii() && self.secret.iter().all(|octet| (0x20..0x7f).contains(octet))
    }

    /// What nothing may show: the secret as it is, and the digits of base64 that it alone decides.
    pub(super) fn forms(&self) -> Vec<Vec<u8>> {
        if self.secret.is_empty() {
            return Vec::new();
        }
        let encoded = (0..3_usize).map(|before| {
            let text = Base64::encode(&[&[0; 2][..before], self.secret].concat());
            let digits = (before * 8).div_ceil(6)..(before + self.secret.len()) * 8 / 6;
            text.expose()[digits].to_vec()
        });
        encoded.chain([self.secret.to_vec()]).collect()
    }
}

#[derive(Clone, Debug)]
pub(super) enum Way {
    Choose(Choice),
    /// PLAIN, as a mechanism of the caller's own.
    Mechanism,
}

#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) config: ClientConfig,
    pub(super) channel: Channel,
    pub(super) stls: Option<UseStls>,
    pub(super) way: Way,
    pub(super) who: Who,
    pub(super) nonce: bool,
    pub(super) prepare: Option<Preparation>,
    pub(super) binding: Option<ChannelBinding>,
}

impl Setup {
    pub(super) fn read([preset, security, channel, stls, choice, who, more]: [u8; 7]) -> Self {
        let mut config = script::config(preset, security);
        let more = more.wrapping_sub(b'0');
        config.send_policy.unannounced_utf8 = more & 0x20 != 0;
        let [exporter, end_point] = bindings();
        let binding = if more & 0x40 == 0 { exporter } else { end_point };
        let prepare: Preparation = if more & 8 == 0 { folded } else { prohibited };
        let way = way(choice);
        let by_choice = matches!(way, Way::Choose(_));
        Self {
            config,
            channel: script::channel_of(channel),
            stls: match stls {
                b'R' => Some(UseStls::Required),
                b'O' => Some(UseStls::IfOffered),
                b'N' => Some(UseStls::Never),
                _ => None,
            },
            way,
            who: Who::read(if by_choice { who } else { b'p' }, more & 0x10 != 0),
            nonce: more & 1 != 0,
            prepare: (more & 2 != 0).then_some(prepare),
            binding: (more & 4 != 0).then_some(binding),
        }
    }

    pub(super) fn session(&self) -> ClientSession {
        ClientSession::new(self.config, self.channel)
    }

    pub(super) fn login(&self, session: &ClientSession) -> Login {
        let mut login = match &self.way {
            Way::Choose(choice) => Login::new(session, self.who.credentials(), choice.clone()),
            Way::Mechanism => {
                let made = Plain::new(None, self.who.name, Secret::new(self.who.secret));
                Login::with_mechanism(session, Box::new(made.expect("RFC 4616 §2")))
            }
        };
        if let Some(stls) = self.stls {
            login = login.with_stls(stls);
        }
        if self.nonce {
            login = login.with_nonce(CLIENT_NONCE).expect("printable");
        }
        if let Some(prepare) = self.prepare {
            login = login.with_preparation(prepare);
        }
        if self.channel == Channel::Tls {
            self.bind(&mut login);
        }
        login
    }

    /// As an adapter does that has TLS now.
    pub(super) fn bind(&self, login: &mut Login) {
        if let Some(binding) = &self.binding {
            login.bind(binding.clone());
        }
    }

    /// RFC 8314 §5.2.
    pub(super) fn use_stls(&self) -> UseStls {
        let policy = match (self.config.security, self.channel) {
            (_, Channel::Tls) => UseStls::Never,
            (Security::StlsRequired, Channel::Clear) => UseStls::Required,
            (Security::StlsRequired | Security::StlsPreferred, _) => UseStls::IfOffered,
            _ => UseStls::Never,
        };
        self.stls.unwrap_or(policy)
    }

    /// Whether it matters what the server announces.
    pub(super) fn asks(&self) -> bool {
        let Way::Choose(Choice::Only(Method::UserPass | Method::Apop)) = self.way else {
            return true;
        };
        self.who.is_utf8()
    }

    pub(super) fn clear_is_trusted(&self) -> bool {
        self.channel == Channel::Trusted || self.config.security == Security::PlaintextAllowed
    }
}

fn way(letter: u8) -> Way {
    let sasl = Method::Sasl;
    let only = |name| Choice::Only(sasl(name));
    let first_of = |methods: &[Method]| Choice::FirstOf(methods.to_vec());
    Way::Choose(match letter {
        b'm' => return Way::Mechanism,
        b'u' => Choice::Only(Method::UserPass),
        b'a' => Choice::Only(Method::Apop),
        b'P' => only(MechanismName::PLAIN),
        b'L' => only(MechanismName::LOGIN),
        b'C' => only(MechanismName::CRAM_MD5),
        b'1' => only(MechanismName::SCRAM_SHA_1),
        b'2' => only(MechanismName::SCRAM_SHA_256),
        b'3' => only(MechanismName::SCRAM_SHA_1_PLUS),
        b'4' => only(MechanismName::SCRAM_SHA_256_PLUS),
        b'o' => only(MechanismName::OAUTHBEARER),
        b'x' => only(MechanismName::XOAUTH2),
        b'e' => only(MechanismName::EXTERNAL),
        b'y' => only(MechanismName::ANONYMOUS),
        b'n' => only(MechanismName::NTLM),
        b'0' => Choice::FirstOf(vec![]),
        b'F' => {
            first_of(&[Method::UserPass, sasl(MechanismName::LOGIN), sasl(MechanismName::PLAIN)])
        }
        b'G' => first_of(&[
            sasl(MechanismName::SCRAM_SHA_1_PLUS),
            Method::Apop,
            sasl(MechanismName::CRAM_MD5),
            Method::UserPass,
        ]),
        b'H' => first_of(&[
            sasl(MechanismName::NTLM),
            sasl(MechanismName::XOAUTH2),
            sasl(MechanismName::EXTERNAL),
            sasl(MechanismName::ANONYMOUS),
            sasl(MechanismName::LOGIN),
            sasl(MechanismName::SCRAM_SHA_256),
        ]),
        _ => Choice::Best,
    })
}

/// In place of the tables of RFC 4013.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Preparation`")]
fn folded(text: &str, _: PreparedAs) -> Option<String> {
    Some(text.replace('\u{e9}', "e").replace('\u{aa}', "a"))
}

/// The same where every secret that is not printable ASCII holds what is prohibited.
fn prohibited(text: &str, kind: PreparedAs) -> Option<String> {
    let printable = text.bytes().all(|octet| (0x20..0x7f).contains(&octet));
    folded(text, kind).filter(|_| kind == PreparedAs::Query || printable)
}
