//! NTLM, client side ([MS-OXPOP3], [MS-NLMP]).

mod challenge;
#[cfg(test)]
mod tests;

use std::io;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use ntlmclient::{AuthenticateMessage, Credentials, Flags, Message, NegotiateMessage, OsVersion};
use pop3_proto::sasl::{Mechanism, MechanismError};
use pop3_proto::{InvalidValue, MechanismName, Secret, Text};

use crate::error::Error;
use challenge::Challenge;

/// Octets of a name or password at most.
const MAX_FIELD_OCTETS: usize = 255;

/// From 1601, where Windows begins to count, to 1970.
const WINDOWS_EPOCH: Duration = Duration::from_secs(11_644_473_600);

/// What a client asks for ([MS-NLMP] 3.1.5.1.1). Of the key that comes of it POP3 makes no use.
const FLAGS: Flags = Flags::NEGOTIATE_UNICODE
    .union(Flags::REQUEST_TARGET)
    .union(Flags::NEGOTIATE_NTLM)
    .union(Flags::NEGOTIATE_ALWAYS_SIGN)
    .union(Flags::NEGOTIATE_NTLM2_KEY)
    .union(Flags::NEGOTIATE_TARGET_INFO);

/// NTLM with `NTLMv2` responses, client side: the mechanism of Exchange ([MS-OXPOP3]; the messages are
/// those of [MS-NLMP]). It is old and weak: whoever sees an exchange can guess the password at leisure,
/// and a server can pass it on to another. Use it over TLS, where there is nothing better.
///
/// ```no_run
/// use pop3_blocking::{Client, Ntlm};
/// use pop3_proto::Secret;
/// use pop3_proto::client::Security;
///
/// # fn main() -> Result<(), pop3_blocking::Error> {
/// let client = Client::builder(Security::Implicit).connect("mail.example.com", 995)?;
/// let ntlm = Ntlm::new(r"EXAMPLE\mrose", None, Secret::new("tanstaaf"))?;
/// let session = client.login_by(Box::new(ntlm))?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
///
/// The password is made into a key at once and wiped, and the key is wiped with the value; copies that
/// `ntlmclient` makes on the way are freed without that. There is no message integrity code and no
/// channel binding: a server that insists on either (Extended Protection) refuses the login.
#[derive(Debug)]
pub struct Ntlm {
    user: Box<str>,
    domain: Box<str>,
    workstation: Box<str>,
    /// `NTOWFv2`: as good as the password.
    key: Secret,
    /// The client's challenge.
    nonce: [u8; 8],
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Negotiate,
    Authenticate,
    Done,
    Failed,
}

impl Ntlm {
    /// Logs in as `user` of `domain`. Without a domain `user` may be `DOMAIN\user`, which is taken
    /// apart, or `user@domain`, which is sent as it is, as servers expect it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a name or the password is empty, longer than 255 octets or holds a control,
    /// or the password is not UTF-8; [`Error::Io`] if the system has no randomness.
    pub fn new(user: &str, domain: Option<&str>, password: Secret) -> Result<Self, Error> {
        let (domain, user) = match domain {
            Some(domain) => (name(domain)?, name(user)?),
            None => match user.split_once('\\') {
                Some((domain, user)) => (name(domain)?, name(user)?),
                None => (Box::default(), name(user)?),
            },
        };
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let key = key(&user, &domain, &password)?;
        drop(password);
        Ok(Self { user, domain, workstation: Box::default(), key, nonce, turn: Turn::Negotiate })
    }

    /// Tells the server the name of this machine. Most servers do not ask.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty, longer than 255 octets or holds a control.
    pub fn with_workstation(mut self, workstation: &str) -> Result<Self, InvalidValue> {
        self.workstation = name(workstation)?;
        Ok(self)
    }

    /// The `AUTHENTICATE_MESSAGE` ([MS-NLMP] 3.1.5.1.2 and 3.3.2); `now` counts 100 nanoseconds since
    /// 1601.
    fn authenticate(&self, challenge: &Challenge<'_>, now: u64) -> Secret {
        let time = challenge.timestamp.unwrap_or_else(|| now.to_le_bytes());
        let info = challenge.target_info;
        let temp =
            [&[1, 1, 0, 0, 0, 0, 0, 0], &time[..], &self.nonce, &[0; 4], info, &[0; 4]].concat();
        let proof = self.keyed(&[&challenge.nonce, &temp]);
        // To a server that tells its time, LMv2 is not said any more.
        let lm_response = match challenge.timestamp {
            Some(_) => vec![0; 24],
            None => [&self.keyed(&[&challenge.nonce, &self.nonce])[..], &self.nonce].concat(),
        };
        encoded(&Message::Authenticate(AuthenticateMessage {
            lm_response,
            ntlm_response: [&proof[..], &temp].concat(),
            domain_name: (*self.domain).to_owned(),
            user_name: (*self.user).to_owned(),
            workstation_name: (*self.workstation).to_owned(),
            // No key is exchanged.
            session_key: Vec::new(),
            flags: FLAGS & challenge.flags,
            os_version: OsVersion::default(),
        }))
    }

    fn keyed(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = Hmac::<Md5>::new_from_slice(self.key.expose())
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl Mechanism for Ntlm {
    fn name(&self) -> MechanismName {
        MechanismName::NTLM
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        if self.turn != Turn::Negotiate {
            self.turn = Turn::Failed;
            return Err(MechanismError::Used);
        }
        self.turn = Turn::Authenticate;
        Ok(Some(encoded(&Message::Negotiate(NegotiateMessage {
            flags: FLAGS,
            supplied_domain: String::new(),
            supplied_workstation: String::new(),
            os_version: OsVersion::default(),
        }))))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        let turn = std::mem::replace(&mut self.turn, Turn::Failed);
        if turn != Turn::Authenticate {
            return Err(MechanismError::UnexpectedChallenge);
        }
        let challenge = Challenge::parse(challenge).ok_or(MechanismError::MalformedChallenge)?;
        self.turn = Turn::Done;
        Ok(self.authenticate(&challenge, now()))
    }

    fn is_satisfied(&self) -> bool {
        self.turn == Turn::Done
    }

    /// [MS-OXPOP3] has `AUTH NTLM` alone.
    fn initial_response_in_command(&self) -> bool {
        false
    }

    fn exposes_secret(&self) -> bool {
        false
    }

    fn failure(&self) -> Option<&Text> {
        None
    }
}

/// A name of one to 255 octets without controls.
fn name(name: &str) -> Result<Box<str>, InvalidValue> {
    if name.is_empty() {
        return Err(InvalidValue::Empty);
    }
    if name.len() > MAX_FIELD_OCTETS {
        return Err(InvalidValue::TooLong { octets: name.len(), limit: MAX_FIELD_OCTETS });
    }
    match name.bytes().position(|octet| octet.is_ascii_control()) {
        Some(at) => Err(InvalidValue::ForbiddenOctet { at }),
        None => Ok(name.into()),
    }
}

/// `NTOWFv2` ([MS-NLMP] 3.3.2).
fn key(user: &str, domain: &str, password: &Secret) -> Result<Secret, InvalidValue> {
    let text = std::str::from_utf8(password.expose())
        .map_err(|error| InvalidValue::ForbiddenOctet { at: error.valid_up_to() })?;
    let credentials = Credentials {
        username: user.to_owned(),
        password: String::from(name(text)?),
        domain: domain.to_owned(),
    };
    let key = Secret::new(ntlmclient::ntlm_v2_password_func(&credentials));
    // It is wiped as a secret.
    drop(Secret::new(credentials.password));
    Ok(key)
}

fn encoded(message: &Message) -> Secret {
    let octets = message.to_bytes();
    Secret::new(octets.unwrap_or_else(|_| unreachable!("in Unicode everything can be said")))
}

/// Intervals of 100 nanoseconds since 1601; a clock that is out of its mind stands at 0.
fn now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since_1601 = since_1970.saturating_add(WINDOWS_EPOCH);
    u64::try_from(since_1601.as_nanos() / 100).unwrap_or_default()
}
