//! A session in AUTHORIZATION.

use std::fmt;

use pop3_blocking::{ChannelBindings, Error, QuitError, TlsError};
use pop3_proto::client::{self, Choice, Credentials, Login, Opening, Security, Update, UseStls};
use pop3_proto::sasl::Mechanism;
use pop3_proto::state::State;
use pop3_proto::{
    Capabilities, Command, Deviations, Greeting, LanguageListing, LanguageRange, Mailbox, Password,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connect::Builder;
use crate::driver::{Driver, Stop};
use crate::session::Session;
use crate::tls::Peer;

/// A connection in AUTHORIZATION: the server has greeted, nobody is logged in.
#[derive(Debug)]
pub struct Client<S> {
    driver: Driver<S>,
    greeting: Greeting,
}

impl Client<()> {
    /// Begins to describe a connection, over whatever transport; `security` says what may be sent in
    /// clear.
    #[must_use]
    pub const fn builder(security: Security) -> Builder {
        Builder::new(security)
    }
}

impl<S> Client<S> {
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

    /// What the server has been forgiven so far.
    #[must_use]
    pub const fn deviations(&self) -> Deviations {
        self.driver.deviations
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Waits for the greeting, and begins TLS by STLS where that is called for.
    pub(crate) async fn opened(
        mut driver: Driver<S>,
        stls: UseStls,
        peer: impl FnOnce() -> Result<Peer, TlsError>,
    ) -> Result<Self, Error> {
        let mut opening = Opening::new(stls);
        driver.clock.begin_opening();
        if driver.run(|session| opening.step(session)).await?.is_none() {
            driver.begin_tls(peer()?).await?;
            driver.session.tls_established()?;
            driver.run(|session| opening.step(session)).await?;
        }
        driver.clock.end();
        let greeting = driver.session.greeting().cloned().ok_or(Error::Unexpected)?;
        Ok(Self { driver, greeting })
    }

    /// Asks what the server can do (CAPA, RFC 2449 §5). Many servers answer otherwise after login.
    ///
    /// # Errors
    /// [`Error::Refused`] from a server that does not know CAPA; it may still know everything else.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command; what was known of the server before stays known.
    pub async fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.driver.capabilities().await
    }

    /// Turns UTF-8 mode on: messages may come with UTF-8 in their headers (UTF8, RFC 6856 §2). Before the
    /// login and behind STLS only, which a client that is made with a name has behind it.
    ///
    /// # Errors
    /// [`Error::Refused`] from a server that does not know it, or does not want to now.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command; if it has left, the server does it nevertheless.
    pub async fn utf8(&mut self) -> Result<(), Error> {
        self.driver.positive(&Command::Utf8).await.map(drop)
    }

    /// The languages that the server's texts can be in (LANG, RFC 6856 §3).
    ///
    /// # Errors
    /// [`Error::Refused`] from a server that does not know LANG, or cannot list them.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command.
    pub async fn languages(&mut self) -> Result<Vec<LanguageListing>, Error> {
        self.driver.languages().await
    }

    /// Asks for the server's texts in another language, and gives the one that it chose (LANG, RFC 6856
    /// §3).
    ///
    /// # Errors
    /// After [`Error::Refused`] the language is as before.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command; if it has left, the server does it nevertheless.
    pub async fn choose_language(
        &mut self,
        range: &LanguageRange,
    ) -> Result<LanguageListing, Error> {
        self.driver.item(&Command::Lang(Some(range.clone()))).await
    }

    /// Logs in by the best method that the policy allows and the server announces:
    /// [`Choice::Best`]. [`Session::method`] tells which it was.
    ///
    /// # Errors
    /// As [`Client::login_with`].
    ///
    /// # Cancel safety
    /// As [`Client::login_with`].
    pub async fn login(
        self,
        mailbox: &Mailbox,
        password: &Password,
    ) -> Result<Session<S>, LoginError<S>> {
        let credentials = Credentials::password(mailbox.clone(), password.clone());
        self.login_with(credentials, Choice::Best).await
    }

    /// Logs in by one of the methods that `choice` allows. One is tried: where it fails, nothing weaker
    /// is tried by itself.
    ///
    /// # Errors
    /// [`LoginError::Refused`] gives the connection back, to try again or to quit; nothing was sent if
    /// the security policy forbids it. [`LoginError::Failed`] is anything else.
    ///
    /// # Cancel safety
    /// Dropped, it drops the connection: in the middle of a login there is nothing to go on with.
    pub async fn login_with(
        self,
        credentials: Credentials,
        choice: Choice,
    ) -> Result<Session<S>, LoginError<S>> {
        let login = Login::new(&self.driver.session, credentials, choice);
        self.run(login).await
    }

    /// Logs in by AUTH with a mechanism of the caller's own, and no other (RFC 5034).
    ///
    /// # Errors
    /// As [`Client::login_with`].
    ///
    /// # Cancel safety
    /// As [`Client::login_with`].
    pub async fn login_by(
        self,
        mechanism: Box<dyn Mechanism>,
    ) -> Result<Session<S>, LoginError<S>> {
        let login = Login::with_mechanism(&self.driver.session, mechanism);
        self.run(login).await
    }

    async fn run(mut self, login: Login) -> Result<Session<S>, LoginError<S>> {
        // Where STLS was called for it is behind us.
        let login = login.with_stls(UseStls::Never);
        let mut login = self.channel_bindings().prepare(login).map_err(LoginError::Failed)?;
        self.driver.clock.begin_login();
        let outcome = self.driver.run(|session| login.step(session)).await;
        self.driver.clock.end();
        match outcome {
            Ok(Some(method)) => Ok(Session::new(self.driver, self.greeting, method)),
            Ok(None) => Err(LoginError::Failed(Error::Unexpected)),
            Err(Stop::Login(reason)) if self.driver.session.state() == State::Authorization => {
                Err(LoginError::Refused { client: Box::new(self), reason })
            }
            Err(stop) => Err(LoginError::Failed(stop.into())),
        }
    }

    /// Ends the session without having logged in.
    ///
    /// # Errors
    /// [`QuitError`] if the answer did not come.
    ///
    /// # Cancel safety
    /// Dropped, it drops the connection; nothing is lost by it.
    pub async fn quit(self) -> Result<Update, QuitError> {
        self.driver.quit().await
    }
}

/// Why a login failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError<S> {
    /// Nobody is logged in; the connection is still there.
    Refused {
        /// The connection, in AUTHORIZATION.
        client: Box<Client<S>>,
        /// What the server said, or why nothing was sent.
        reason: client::LoginError,
    },
    /// Anything else.
    Failed(Error),
}

impl<S> fmt::Display for LoginError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason, .. } => reason.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<S: fmt::Debug> std::error::Error for LoginError<S> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused { reason, .. } => Some(reason),
            Self::Failed(error) => Some(error),
        }
    }
}

impl<S> From<LoginError<S>> for Error {
    fn from(error: LoginError<S>) -> Self {
        match error {
            LoginError::Refused { reason, .. } => reason.into(),
            LoginError::Failed(error) => error,
        }
    }
}
