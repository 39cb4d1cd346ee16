//! A session in AUTHORIZATION.

use std::fmt;
use std::net::TcpStream;

use pop3_proto::client::{Event, Security, Update};
use pop3_proto::{
    ApopDigest, Capabilities, Command, Deviations, Greeting, Mailbox, Password, Response,
};

use crate::connect::Builder;
use crate::deadline::Timeouts;
use crate::driver::Driver;
use crate::error::{Error, QuitError};
use crate::session::Session;
use crate::tls::ChannelBindings;

/// A connection in AUTHORIZATION: the server has greeted, nobody is logged in.
#[derive(Debug)]
pub struct Client<S> {
    pub(crate) driver: Driver<S>,
    greeting: Greeting,
}

impl Client<TcpStream> {
    /// Begins to describe a connection; `security` says what may be sent in clear.
    #[must_use]
    pub const fn builder(security: Security) -> Builder {
        Builder::new(security)
    }
}

impl<S: Timeouts> Client<S> {
    pub(crate) fn greeted(mut driver: Driver<S>) -> Result<Self, Error> {
        match driver.event()? {
            Event::Greeting(greeting) if greeting.response.is_ok() => Ok(Self { driver, greeting }),
            Event::Greeting(greeting) => Err(Error::Refused(greeting.response)),
            _ => Err(Error::Unexpected),
        }
    }

    /// The greeting.
    #[must_use]
    pub const fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// What ties an authentication to this connection, if it is TLS.
    #[must_use]
    pub fn channel_bindings(&self) -> ChannelBindings {
        self.driver.stream.channel_bindings()
    }

    /// Asks what the server can do (CAPA, RFC 2449 §5). Many servers answer otherwise after login.
    ///
    /// # Errors
    /// [`Error::Refused`] from a server that does not know CAPA; it may still know everything else.
    pub fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.driver.capabilities()
    }

    /// What the server has been forgiven so far.
    #[must_use]
    pub const fn deviations(&self) -> Deviations {
        self.driver.deviations
    }

    /// Logs in with USER and PASS (RFC 1939 §7).
    ///
    /// # Errors
    /// [`LoginError::Refused`] gives the connection back with the server's `-ERR`, to try again or to
    /// quit. [`LoginError::Failed`] is anything else; nothing was sent if the security policy forbids.
    pub fn login(
        self,
        mailbox: &Mailbox,
        password: &Password,
    ) -> Result<Session<S>, LoginError<S>> {
        self.authenticate(&[Command::User(mailbox.clone()), Command::Pass(password.clone())])
    }

    /// Logs in with APOP (RFC 1939 §7); the caller has made the digest from
    /// [`Greeting::timestamp`] and the shared secret. It is MD5: of little worth without TLS.
    ///
    /// # Errors
    /// As [`Client::login`].
    pub fn login_apop(
        self,
        mailbox: &Mailbox,
        digest: &ApopDigest,
    ) -> Result<Session<S>, LoginError<S>> {
        self.authenticate(&[Command::Apop { mailbox: mailbox.clone(), digest: digest.clone() }])
    }

    fn authenticate(mut self, commands: &[Command]) -> Result<Session<S>, LoginError<S>> {
        self.driver.clock.begin_login();
        for command in commands {
            match self.driver.line(command) {
                Ok(response) if response.is_ok() => {}
                Ok(response) => {
                    self.driver.clock.end_login();
                    return Err(LoginError::Refused { client: Box::new(self), response });
                }
                Err(error) => return Err(LoginError::Failed(error)),
            }
        }
        self.driver.clock.end_login();
        Ok(Session::new(self.driver, self.greeting))
    }

    /// Ends the session without having logged in.
    ///
    /// # Errors
    /// [`QuitError`] if the answer did not come.
    pub fn quit(self) -> Result<Update, QuitError> {
        self.driver.quit()
    }
}

/// Why a login failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError<S> {
    /// The server refused; the connection is still there.
    Refused {
        /// The connection, in AUTHORIZATION.
        client: Box<Client<S>>,
        /// What the server said.
        response: Response,
    },
    /// Anything else.
    Failed(Error),
}

impl<S> fmt::Display for LoginError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { response, .. } => {
                write!(f, "the server refused the login: {}", response.text)
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<S: fmt::Debug> std::error::Error for LoginError<S> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused { .. } => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl<S> From<LoginError<S>> for Error {
    fn from(error: LoginError<S>) -> Self {
        match error {
            LoginError::Refused { response, .. } => Self::Refused(response),
            LoginError::Failed(error) => error,
        }
    }
}
