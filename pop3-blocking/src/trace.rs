//! What is told of sessions, with feature `tracing`; without it nothing is. For adapters of other
//! runtimes, so that all of them tell the same.
//!
//! It is made of commands, events and errors, never of octets, and what may hold a credential has no
//! way in: of such a command the keyword is told, of what answers it nothing, since servers repeat
//! what they were sent. From a credential until the login no text of the server is told at all.

use std::fmt;
#[cfg(feature = "server")]
use std::net::IpAddr;

use pop3_proto::client::{self, Channel, CommandId, Event, LoginError, Method, Waiting};
use pop3_proto::state::Keyword;
use pop3_proto::{Command, Deviation, Greeting, MechanismName, Response};
#[cfg(feature = "server")]
use pop3_proto::{Escaped, Mailbox, server};

use crate::error::Error;
#[cfg(feature = "server")]
use crate::server::{Ended, ServerError};
use crate::tls::TlsError;

const CLIENT: &str = "pop3::client";
#[cfg(feature = "server")]
const SERVER: &str = "pop3::server";
const WIRE: &str = "pop3::wire";

/// Octets of a name at most.
#[cfg(feature = "server")]
const MAX_OCTETS: usize = 255;

macro_rules! tell {
    ($level:ident, $target:expr, $($message:tt)+) => {{
        #[cfg(feature = "tracing")]
        tracing::event!(target: $target, tracing::Level::$level, $($message)+);
        #[cfg(not(feature = "tracing"))]
        let _ = ($target, format_args!($($message)+));
    }};
}

/// What is told of one session of a client, within a span of its own: whoever drives the session says
/// what happens, when it happens.
#[derive(Debug)]
pub struct Trace {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    /// The last command that was told.
    told: Option<CommandId>,
    /// It has not been written yet.
    fresh: bool,
    /// It holds a credential, and its reply was not told to be withheld.
    unanswered: bool,
    /// A credential was sent, and nobody is logged in.
    exposed: bool,
    method: Option<Method>,
    /// Of the multi-line reply that is being read.
    octets: u64,
    items: u64,
}

impl Trace {
    /// Nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!(target: CLIENT, "session"),
            told: None,
            fresh: false,
            unanswered: false,
            exposed: false,
            method: None,
            octets: 0,
            items: 0,
        }
    }

    /// Events belong to the session until what is returned is dropped.
    #[cfg(feature = "tracing")]
    fn enter(&self) -> tracing::span::Entered<'_> {
        self.span.enter()
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "with the feature it holds the span")]
    const fn enter(&self) -> Nothing {
        Nothing
    }

    /// The server has greeted, and the client is in AUTHORIZATION.
    pub fn connected(&self, greeting: &Greeting, channel: Channel) {
        let _entered = self.enter();
        tell!(TRACE, WIRE, "S: {}", Status(&greeting.response));
        tell!(DEBUG, CLIENT, "connected over {channel:?}");
    }

    /// The handshake of TLS is over; `negotiated` is its version and its cipher suite.
    pub fn tls(&self, begun: &Result<(), TlsError>, negotiated: Option<(&str, &str)>) {
        let _entered = self.enter();
        match (begun, negotiated) {
            (Ok(()), Some((version, suite))) => {
                tell!(DEBUG, CLIENT, "TLS established: {version}, {suite}");
            }
            (Ok(()), None) => {}
            (Err(error), _) => tell!(DEBUG, CLIENT, "TLS failed: {error}"),
        }
    }

    /// The handshake behind STLS is due.
    pub fn stls(&self) {
        let _entered = self.enter();
        tell!(DEBUG, CLIENT, "the server accepted STLS");
    }

    /// How the login is made, once that is known: to be said after each of its steps.
    pub fn chosen(&mut self, method: Option<Method>) {
        let Some(method) = method.filter(|_| method != self.method) else { return };
        self.method = Some(method);
        let _entered = self.enter();
        tell!(DEBUG, CLIENT, "logging in by {method}");
    }

    /// Somebody is logged in.
    pub fn logged_in(&mut self, method: Method) {
        self.answered();
        self.exposed = false;
        let _entered = self.enter();
        tell!(DEBUG, CLIENT, "logged in by {method}");
    }

    /// Nobody is logged in, or no login could be begun.
    pub fn not_logged_in(&mut self, error: &LoginError) {
        self.answered();
        self.method = None;
        let _entered = self.enter();
        match error {
            LoginError::Refused(refused) => match &refused.cancelled {
                Some(reason) => {
                    tell!(DEBUG, CLIENT, "login by {} given up: {reason}", refused.method);
                }
                None => tell!(DEBUG, CLIENT, "login by {} refused", refused.method),
            },
            LoginError::Send(error) => tell!(DEBUG, CLIENT, "login failed: {error}"),
            LoginError::Invalid(error) => tell!(DEBUG, CLIENT, "login failed: {error}"),
            _ if self.exposed => {
                tell!(DEBUG, CLIENT, "login failed; what the server said is withheld");
            }
            error => tell!(DEBUG, CLIENT, "login failed: {error}"),
        }
    }

    /// A command was queued.
    pub fn sent(&mut self, id: CommandId, command: &Command) {
        (self.told, self.fresh) = (Some(id), true);
        let _entered = self.enter();
        tell!(TRACE, WIRE, "C: {}", Shown(command));
    }

    /// All that was to be written has left, and `waiting` is what for: a command of a login, or a
    /// response of its exchange, is only seen by this.
    pub fn left(&mut self, waiting: Waiting) {
        let fresh = std::mem::take(&mut self.fresh);
        let Waiting::Reply(id) = waiting else { return };
        if self.told < Some(id) {
            self.answered();
            self.told = Some(id);
            let credential = holds_credential(id);
            (self.unanswered, self.exposed) = (credential, self.exposed || credential);
            let _entered = self.enter();
            let mechanism = match self.method {
                Some(Method::Sasl(name)) if id.keyword() == Some(Keyword::Auth) => Some(name),
                _ => None,
            };
            tell!(TRACE, WIRE, "C: {}", Line(id.keyword(), mechanism, credential));
        } else if !fresh && self.told == Some(id) && id.keyword() == Some(Keyword::Auth) {
            let _entered = self.enter();
            tell!(TRACE, WIRE, "S: + <withheld>");
            tell!(TRACE, WIRE, "C: <withheld>");
        }
    }

    /// The reply to a credential has come, and is told to be withheld.
    fn answered(&mut self) {
        if std::mem::take(&mut self.unanswered) {
            let _entered = self.enter();
            tell!(TRACE, WIRE, "S: <withheld>");
        }
    }

    /// The session told this.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Data { data, .. } => self.body(data.len()),
            Event::Item { .. } => self.items = self.items.saturating_add(1),
            _ => {}
        }
        self.reply(event);
        if matches!(event, Event::Completed { .. } | Event::Finished { .. }) {
            (self.octets, self.items) = (0, 0);
        }
    }

    fn reply(&self, event: &Event) {
        let _entered = self.enter();
        match event {
            Event::Started { id, .. } | Event::Completed { id, .. }
                if self.exposed || holds_credential(*id) =>
            {
                tell!(TRACE, WIRE, "S: <withheld>");
            }
            Event::Started { response, .. } | Event::Completed { response, .. } => {
                tell!(TRACE, WIRE, "S: {}", Status(response));
            }
            Event::Finished { .. } if self.octets > 0 => {
                tell!(TRACE, WIRE, "S: <{} octets>", self.octets);
            }
            Event::Finished { .. } => tell!(TRACE, WIRE, "S: <{} items>", self.items),
            Event::Closed { update, .. } => tell!(DEBUG, CLIENT, "closed: {update}"),
            _ => {}
        }
    }

    /// Octets of a body were received, and no event tells of them.
    pub fn body(&mut self, octets: usize) {
        self.octets = self.octets.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
    }

    /// The server was forgiven this.
    pub fn deviation(&self, deviation: Deviation) {
        let _entered = self.enter();
        tell!(DEBUG, CLIENT, "the server was forgiven: {deviation}");
    }

    /// The session is over.
    pub fn failed(&self, error: &Error) {
        let _entered = self.enter();
        let repeats = !error.is_timeout() && !matches!(error, Error::Io(_) | Error::Tls(_));
        if repeats && self.exposed {
            tell!(DEBUG, CLIENT, "failed; what the server said is withheld");
        } else {
            tell!(DEBUG, CLIENT, "failed: {error}");
        }
    }

    /// QUIT was answered.
    pub fn quit(&self, update: client::Update) {
        let _entered = self.enter();
        tell!(DEBUG, CLIENT, "closed: {update}");
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

/// What stands in for a span that was entered.
#[cfg(not(feature = "tracing"))]
#[derive(Debug)]
struct Nothing;

/// What one connection of a server tells belongs to it.
#[cfg(feature = "server")]
#[derive(Debug)]
pub struct Span {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// A span that was entered: it is left when this is dropped, on the thread that entered it.
#[cfg(feature = "server")]
#[derive(Debug)]
#[must_use]
pub struct Entered<'a> {
    #[cfg(feature = "tracing")]
    _entered: tracing::span::Entered<'a>,
    #[cfg(not(feature = "tracing"))]
    _entered: std::marker::PhantomData<&'a Span>,
}

#[cfg(feature = "server")]
impl Span {
    /// That of a connection which has just been accepted; `peer` is told within it.
    #[must_use]
    pub fn connection(peer: IpAddr) -> Self {
        let span = Self {
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!(target: SERVER, "connection", %peer),
        };
        let entered = span.enter();
        tell!(DEBUG, SERVER, "connected: {peer}");
        drop(entered);
        span
    }

    /// What is told belongs to it until what is returned is dropped. It is not to be held where
    /// something is awaited.
    pub fn enter(&self) -> Entered<'_> {
        Entered {
            #[cfg(feature = "tracing")]
            _entered: self.span.enter(),
            #[cfg(not(feature = "tracing"))]
            _entered: std::marker::PhantomData,
        }
    }
}

/// A connection beyond the limits was not served.
#[cfg(feature = "server")]
pub(crate) fn turned_away(peer: IpAddr) {
    tell!(DEBUG, SERVER, "too many connections: {peer} was turned away");
}

/// The handshake with a client is over; `negotiated` is its version and its cipher suite.
#[cfg(feature = "server")]
pub fn accepted_tls(begun: &Result<(), TlsError>, negotiated: Option<(&str, &str)>) {
    match (begun, negotiated) {
        (Ok(()), Some((version, suite))) => {
            tell!(DEBUG, SERVER, "TLS established: {version}, {suite}");
        }
        (Ok(()), None) => {}
        (Err(error), _) => tell!(DEBUG, SERVER, "TLS failed: {error}"),
    }
}

/// What a client did, if it did anything.
#[cfg(feature = "server")]
pub(crate) fn received(event: Option<&server::Event>) {
    match event {
        Some(server::Event::Command(command)) => tell!(TRACE, WIRE, "C: {}", Shown(command)),
        Some(server::Event::SaslResponse(_)) => tell!(TRACE, WIRE, "C: <withheld>"),
        Some(server::Event::SaslCancelled) => tell!(TRACE, WIRE, "C: *"),
        Some(server::Event::Rejected(error)) => tell!(DEBUG, SERVER, "rejected: {error}"),
        _ => {}
    }
}

/// Somebody proved who they are, or did not (RFC 8314 §4.4).
#[cfg(feature = "server")]
pub(crate) fn authenticated(mailbox: &Mailbox, verified: bool) {
    let name = Escaped::bounded(mailbox.as_str().as_bytes(), MAX_OCTETS);
    if verified {
        tell!(DEBUG, SERVER, "{name} is authenticated");
    } else {
        tell!(DEBUG, SERVER, "login of {name} failed");
    }
}

/// A connection has ended, or could not be served.
#[cfg(feature = "server")]
pub fn ended(ended: &Result<Ended, ServerError>) {
    match ended {
        Ok(ended) => tell!(DEBUG, SERVER, "ended: {ended:?}"),
        Err(error) => tell!(DEBUG, SERVER, "failed: {error}"),
    }
}

/// What a handshake came to: the version of TLS and the cipher suite (RFC 8314 §4.4).
#[cfg(feature = "tls")]
#[must_use]
pub fn negotiated(connection: &rustls::CommonState) -> Option<(&'static str, &'static str)> {
    let version = connection.protocol_version()?.as_str()?;
    Some((version, connection.negotiated_cipher_suite()?.suite().as_str()?))
}

fn holds_credential(id: CommandId) -> bool {
    id.keyword().is_none_or(|keyword| keyword.rule().credential)
}

/// A status line; its text is bounded, and shows itself escaped.
struct Status<'a>(&'a Response);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indicator = if self.0.is_ok() { "+OK" } else { "-ERR" };
        write!(f, "{indicator} {}", self.0.text)
    }
}

/// A command, with arguments that are no secret.
struct Shown<'a>(&'a Command);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mechanism = match self.0 {
            Command::Auth { mechanism, .. } => Some(*mechanism),
            _ => None,
        };
        Line(self.0.keyword(), mechanism, self.0.holds_credential()).fmt(f)?;
        if let Command::Lang(Some(range)) = self.0 {
            write!(f, " {}", range.as_str())?;
        }
        if let Some(message) = self.0.message() {
            write!(f, " {}", message.value())?;
        }
        match self.0 {
            Command::Top { lines, .. } => write!(f, " {lines}"),
            _ => Ok(()),
        }
    }
}

/// A keyword, the mechanism of AUTH, and whether there is more that is not shown.
struct Line(Option<Keyword>, Option<MechanismName>, bool);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(keyword, mechanism, withheld) = self;
        f.write_str(keyword.map_or("a raw command", Keyword::as_str))?;
        if let Some(mechanism) = mechanism {
            write!(f, " {mechanism}")?;
        }
        if *withheld { f.write_str(" <withheld>") } else { Ok(()) }
    }
}
