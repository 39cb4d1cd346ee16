//! Serving mail: who may open a maildrop, where it lies, and the connections.
//!
//! A [`Store`] opens maildrops, locked against every other session; an [`Authenticator`] knows who may
//! open them; a [`Server`] serves connections with them. [`Memory`] is a store, and so is `Maildir`
//! (feature `maildir`, on Unix); [`Passwords`] is an authenticator. None of them knows the protocol:
//! what a command means for an open maildrop is `pop3_proto`'s business.
//!
//! An adapter for another runtime drives a [`Conversation`] for each connection, and counts them by
//! [`Places`].

mod authenticator;
mod connection;
mod conversation;
mod listener;
#[cfg(all(feature = "maildir", unix))]
mod maildir;
mod memory;
mod places;
mod sample;
mod store;

use std::fmt;
use std::io;
use std::time::Duration;

pub use authenticator::{Authenticator, Passwords};
pub use conversation::{Conversation, Done, Ended, Step, Work};
pub use listener::{Listener, Running};
#[cfg(all(feature = "maildir", unix))]
pub use maildir::{Maildir, MaildirMaildrop};
pub use memory::{Memory, MemoryMaildrop};
pub use places::{ConnectionLimits, Place, Places};
use pop3_proto::client::Channel;
use pop3_proto::sasl::ScramDecoy;
use pop3_proto::server::{ConfigError, RespondError, ServerConfig};
use pop3_proto::{MechanismName, Text};
pub use sample::sample;
pub use store::{OpenError, OpenMaildrop, RemoveError, Store};

#[cfg(feature = "tls")]
pub use crate::tls::ServerTls;

use crate::deadline::Timeouts;
use crate::tls::TlsError;
use crate::transport::Transport;
use connection::Connection;

/// How long what may take on the server's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServerDeadlines {
    /// For the handshake of TLS, all of it: 30 s.
    pub tls: Duration,
    /// From the greeting to the end of the login, whatever is sent in between: 180 s.
    pub login: Duration,
    /// From the end of the answer to one complete command to the next complete command: 10 min, and
    /// RFC 1939 §3 allows no less. When it has passed the connection is closed without a word, and
    /// nothing is removed.
    pub idle: Duration,
    /// For each [`WRITE_OCTETS`](Self::WRITE_OCTETS) that are written, and for what is left of an answer:
    /// 2 min. A client that does not read is given up then.
    pub write: Duration,
}

impl ServerDeadlines {
    /// Octets that have to be written within [`write`](Self::write): 64 KiB.
    pub const WRITE_OCTETS: usize = 64 * 1024;

    /// The defaults.
    pub const DEFAULT: Self = Self {
        tls: Duration::from_secs(30),
        login: Duration::from_secs(180),
        idle: Duration::from_secs(600),
        write: Duration::from_secs(120),
    };
}

impl Default for ServerDeadlines {
    /// [`ServerDeadlines::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Octets of output at which no further command is taken: what is asked of a store at a time. Going there costs as much
/// as sending a few small messages.
const OUTPUT: usize = 256 * 1024;

/// What is offered by default, for clients that take the first that they know: what needs no trust in
/// the server first, passwords themselves last.
const MECHANISMS: [MechanismName; 7] = [
    MechanismName::SCRAM_SHA_256_PLUS,
    MechanismName::SCRAM_SHA_1_PLUS,
    MechanismName::SCRAM_SHA_256,
    MechanismName::SCRAM_SHA_1,
    MechanismName::CRAM_MD5,
    MechanismName::PLAIN,
    MechanismName::LOGIN,
];

/// A POP3 server: maildrops, and who may open them.
///
/// ```no_run
/// use pop3_blocking::server::{Memory, Passwords, Server};
/// use std::net::TcpListener;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Memory::new();
/// let authenticator = Passwords::new();
/// let running = Server::new(store, authenticator).spawn(TcpListener::bind("127.0.0.1:0")?)?;
/// println!("listening on {}", running.address());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server<T, A> {
    /// Where maildrops lie.
    pub store: T,
    /// Who may open them.
    pub authenticator: A,
    /// What is offered and what is forgiven; see [`Server::new`].
    pub config: ServerConfig,
    /// Names in USER that have the form of a delegate's are taken for that, and the authenticator is
    /// asked whether the one may open the other's maildrop (MS-OXPOP3 §2.2.2). Off by default.
    pub delegates: bool,
    /// What SCRAM shows of users that there are not; without one nobody logs in by AUTH. By default it
    /// looks like what [`Passwords`] shows of the others, and its key is this server's own: who wants
    /// the same salts after a restart keeps one. An authenticator with salts of another length, or
    /// another iteration count, needs one that fits.
    pub decoy: Option<ScramDecoy>,
    /// How long what may take.
    pub deadlines: ServerDeadlines,
    /// How many connections are served at a time.
    pub connections: ConnectionLimits,
    /// The text of the greeting.
    pub greeting: Text,
    /// The certificate. Without one there is no TLS, and STLS is not offered.
    #[cfg(feature = "tls")]
    pub tls: Option<ServerTls>,
}

impl<T: Store, A: Authenticator> Server<T, A> {
    /// A server with the defaults: USER and PASS, and AUTH with SCRAM, CRAM-MD5, PLAIN and LOGIN, of
    /// which the -PLUS of SCRAM over TLS alone; no credentials in clear but on loopback; STLS as soon
    /// as there is a certificate; no APOP.
    #[must_use]
    pub fn new(store: T, authenticator: A) -> Self {
        let greeting =
            Text::new("POP3 server ready").unwrap_or_else(|_| unreachable!("printable ASCII"));
        let mut config = ServerConfig::new();
        config.mechanisms = MECHANISMS.to_vec();
        config.stls = true;
        config.limits.output = OUTPUT;
        Self {
            store,
            authenticator,
            config,
            delegates: false,
            decoy: authenticator::decoy(),
            deadlines: ServerDeadlines::DEFAULT,
            connections: ConnectionLimits::DEFAULT,
            greeting,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Serves one connection from its greeting to its end, on the caller's thread.
    ///
    /// # Errors
    /// [`ServerError`] if the configuration leaves no way to log in, the handshake behind STLS did not
    /// come to its end, or the transport failed in an unusual way. A client that goes away is no error.
    pub fn serve_connection<S: Timeouts>(
        &self,
        stream: S,
        channel: Channel,
    ) -> Result<Ended, ServerError> {
        self.serve(Transport::Clear(stream), channel)
    }

    /// The same with a client that begins TLS at once (RFC 8314 §3.3): the channel is
    /// [`Channel::Tls`].
    ///
    /// # Errors
    /// As [`Server::serve_connection`]; [`ServerError::Tls`] if the handshake did not come to its end,
    /// or the server has no certificate.
    pub fn serve_tls_connection<S: Timeouts>(&self, stream: S) -> Result<Ended, ServerError> {
        let mut transport = Transport::Clear(stream);
        transport.upgrade_server(self.certificate()?, self.deadlines.tls)?;
        self.serve(transport, Channel::Tls)
    }

    fn serve<S: Timeouts>(
        &self,
        transport: Transport<S>,
        channel: Channel,
    ) -> Result<Ended, ServerError> {
        let ended = Connection::new(self, transport, channel).and_then(Connection::run);
        crate::trace::ended(&ended);
        ended
    }
}

impl<T, A> Server<T, A> {
    #[cfg(feature = "tls")]
    fn certificate(&self) -> Result<&ServerTls, TlsError> {
        self.tls.as_ref().ok_or_else(|| {
            TlsError::new(crate::tls::TlsErrorKind::Configuration, "the server has no certificate")
        })
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it holds the certificate")]
    fn certificate(&self) -> Result<&crate::tls::ServerTls, TlsError> {
        Err(crate::tls::TlsErrorKind::Unsupported.into())
    }
}

/// Why a connection could not be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The configuration is wrong.
    Config(ConfigError),
    /// TLS could not be begun, or it broke.
    Tls(TlsError),
    /// The transport failed.
    Io(io::Error),
    /// An answer did not fit its command: a fault of this library.
    Respond(RespondError),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Respond(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Respond(error) => Some(error),
        }
    }
}

impl From<ConfigError> for ServerError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<TlsError> for ServerError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<io::Error> for ServerError {
    /// An error that TLS wrapped for `std::io` is unwrapped again.
    fn from(error: io::Error) -> Self {
        error.downcast::<TlsError>().map_or_else(Self::Io, Self::Tls)
    }
}

impl From<RespondError> for ServerError {
    fn from(error: RespondError) -> Self {
        Self::Respond(error)
    }
}
