//! OAUTHBEARER (RFC 7628): a bearer token, and where it is meant to be used.

use alloc::boxed::Box;
use alloc::string::String;

use super::octets::{checked, escaped, joined, name, unescaped};
use super::token::{Client, Server, bearer};
use super::turn::{Exchange, Next, Turn, step};
use super::{Acceptor, Answer, Input, Mechanism, MechanismError, Refusal, Step, TokenFailure};
use crate::error::InvalidValue;
use crate::{MechanismName, Secret, Text};

/// OAUTHBEARER, client side (RFC 7628): a bearer token, only over TLS.
#[derive(Debug)]
pub struct OAuthBearer {
    authorization: Option<Box<str>>,
    place: Option<Place>,
    client: Client,
}

impl OAuthBearer {
    /// Opens the maildrop of `authorization`, or else the one of the token's owner, with `token`,
    /// which the caller has from its authorization server and keeps fresh.
    ///
    /// # Errors
    /// [`InvalidValue`] if the identity is empty, longer than 255 octets or holds a control, or the
    /// token is empty or holds anything but printable ASCII without spaces.
    pub fn new(authorization: Option<&str>, token: Secret) -> Result<Self, InvalidValue> {
        let authorization = authorization.map(name).transpose()?;
        Ok(Self { authorization, place: None, client: Client::new(token)? })
    }

    /// Tells the server which host and port the client connected to (RFC 7628 §3.1).
    ///
    /// # Errors
    /// [`InvalidValue`] if the host is empty, longer than 255 octets or holds anything but printable
    /// ASCII without spaces.
    pub fn connected_to(self, host: &str, port: u16) -> Result<Self, InvalidValue> {
        Ok(Self { place: Some(Place::new(host, port)?), ..self })
    }
}

/// A server, as a client names it.
#[derive(Debug)]
struct Place {
    host: Box<str>,
    port: String,
}

impl Place {
    fn new(host: &str, port: u16) -> Result<Self, InvalidValue> {
        checked(host.as_bytes(), |octet| octet.is_ascii_graphic())?;
        Ok(Self { host: host.into(), port: alloc::format!("{port}") })
    }
}

impl Mechanism for OAuthBearer {
    fn name(&self) -> MechanismName {
        MechanismName::OAUTHBEARER
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        self.client.once.say()?;
        let header = self
            .authorization
            .as_deref()
            .map_or_else(String::new, |name| alloc::format!("a={}", escaped(name)));
        let place = self.place.as_ref().map_or_else(String::new, |place| {
            alloc::format!("host={}\x01port={}\x01", place.host, place.port)
        });
        Ok(Some(joined(&[
            b"n,",
            header.as_bytes(),
            b",\x01",
            place.as_bytes(),
            b"auth=Bearer ",
            self.client.token.expose(),
            b"\x01\x01",
        ])))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.client.respond(challenge, b"\x01")
    }

    fn is_satisfied(&self) -> bool {
        self.client.once.is_said()
    }

    fn exposes_secret(&self) -> bool {
        true
    }

    fn failure(&self) -> Option<&Text> {
        self.client.failure()
    }
}

/// OAUTHBEARER, server side (RFC 7628). It asks [`Question::Token`](super::Question::Token), and
/// [`Question::Authorize`](super::Question::Authorize) if the token is another's.
#[derive(Debug)]
pub struct OAuthBearerAcceptor {
    turn: Turn,
    server: Server,
    place: Option<Place>,
}

impl OAuthBearerAcceptor {
    /// One exchange; a client whose token is refused, or that sends none, is told `failure`, unless
    /// the back end says otherwise.
    #[must_use]
    pub const fn new(failure: TokenFailure) -> Self {
        let server = Server::new(MechanismName::OAUTHBEARER, failure);
        Self { turn: Turn::Start, server, place: None }
    }

    /// Refuses a client that says it connected to another host or port (RFC 7628 §3.2); for a
    /// server that knows what its clients call it.
    ///
    /// # Errors
    /// [`InvalidValue`] if the host is empty, longer than 255 octets or holds anything but printable
    /// ASCII without spaces.
    pub fn serving(self, host: &str, port: u16) -> Result<Self, InvalidValue> {
        Ok(Self { place: Some(Place::new(host, port)?), ..self })
    }

    fn is_elsewhere(&self, fields: &Fields<'_>) -> bool {
        self.place.as_ref().is_some_and(|place| {
            fields.host.is_some_and(|host| !host.eq_ignore_ascii_case(&place.host))
                || fields.port.is_some_and(|port| port != place.port)
        })
    }
}

impl Acceptor for OAuthBearerAcceptor {
    fn name(&self) -> MechanismName {
        self.server.mechanism()
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        step(self, input)
    }
}

impl Exchange for OAuthBearerAcceptor {
    fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    fn message(&mut self, message: &[u8]) -> Next {
        if self.server.is_over() {
            return Next::Refused(Refusal::Credentials);
        }
        match Fields::of(message) {
            None => Next::Refused(Refusal::Malformed),
            Some(fields) if self.is_elsewhere(&fields) => self.server.fail(),
            Some(fields) => self.server.ask(fields.authorization.as_deref(), fields.token),
        }
    }

    fn answer(&mut self, answer: Answer) -> Next {
        self.server.answer(answer)
    }

    fn not_authorized(&mut self, answer: Answer) -> Next {
        self.server.refuse(answer)
    }
}

struct Fields<'a> {
    authorization: Option<String>,
    host: Option<&'a str>,
    port: Option<&'a str>,
    token: &'a str,
}

impl<'a> Fields<'a> {
    /// `client-resp` (RFC 7628 §3.1), unknown keys ignored. There is no channel to bind.
    fn of(message: &'a [u8]) -> Option<Self> {
        let message = core::str::from_utf8(message).ok()?;
        let (header, pairs) = message.strip_suffix("\x01\x01")?.split_once('\x01')?;
        let name = header.strip_prefix("n,").or_else(|| header.strip_prefix("y,"))?;
        let name = name.strip_suffix(',')?;
        let authorization = match name.strip_prefix("a=") {
            Some(name) => Some(unescaped(name).filter(|name| super::octets::name(name).is_ok())?),
            None if name.is_empty() => None,
            None => return None,
        };
        let (mut host, mut port, mut credentials) = (None, None, None);
        for pair in pairs.split('\x01') {
            let (key, value) = pair.split_once('=')?;
            let legal = |octet: u8| matches!(octet, b'\t' | b'\n' | b'\r' | b' '..=b'~');
            let known = match key {
                "auth" => &mut credentials,
                "host" => &mut host,
                "port" => &mut port,
                _ => &mut None,
            };
            let word = !key.is_empty() && key.bytes().all(|octet| octet.is_ascii_alphabetic());
            if !word || !value.bytes().all(legal) || known.replace(value).is_some() {
                return None;
            }
        }
        Some(Self { authorization, host, port, token: bearer(credentials?)? })
    }
}
