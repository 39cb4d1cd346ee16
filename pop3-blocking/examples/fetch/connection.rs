//! From the command line to somebody who is logged in.

use std::net::TcpStream;

use pop3_blocking::pop3_proto::Password;
use pop3_blocking::pop3_proto::client::{self, Channel, Support};
use pop3_blocking::pop3_proto::state::Keyword;
use pop3_blocking::{Client, Error, LoginError, Session, Tls};

use crate::account::Account;
use crate::credentials;
use crate::failure::{Doing, Failure};
use crate::options::Options;
use crate::progress::tell;
use crate::terms::{self, Terms};

/// A connection that is to be made, and a login that is to be made on it.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    account: &'a Account,
    terms: Terms,
    tls: Option<Tls>,
}

impl<'a> Connection<'a> {
    /// What the URL and the options say; `password` is the sample's.
    pub(crate) fn of(
        options: &Options,
        account: &'a Account,
        password: Option<Password>,
    ) -> Result<Self, Failure> {
        let tls = terms::authorities(options)?;
        let terms = Terms::of(options, &options.secrets, account, password)?;
        Ok(Self { account, terms, tls })
    }

    /// Connects, logs in, and says how.
    pub(crate) fn open(self) -> Result<Session<TcpStream>, Failure> {
        let Self { account, terms, tls } = self;
        let mut builder = Client::builder(terms.config.security);
        builder.config = terms.config;
        builder.stls = terms.stls;
        builder.deadlines = terms.deadlines;
        builder.tls = tls;
        let client = builder
            .connect(&account.host, account.port)
            .map_err(|error| terms::connecting_failed(account, error))?;
        let login = match credentials::own_mechanism(&terms.choice, &terms.credentials)? {
            Some(mechanism) => client.login_by(mechanism),
            None => client.login_with(terms.credentials.clone(), terms.choice.clone()),
        };
        let mut session = login.map_err(|error| terms.login_failed(&reason(error)))?;
        let channel = if session.channel() == Channel::Tls { "over TLS" } else { "in clear" };
        tell(&format_args!("logged in by {} {channel}", session.method()));
        if session.channel() == Channel::Clear {
            tell(&terms::IN_CLEAR);
        }
        // USER and APOP are taken without a look at what the server announces.
        if session.support(Keyword::Capa) == Support::Unknown {
            match session.capabilities() {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(Failure::server(Doing::Command("CAPA"))(error)),
            }
        }
        Ok(session)
    }
}

fn reason(error: LoginError<TcpStream>) -> Error {
    match error {
        // The server was asked nothing that its answer could change.
        LoginError::Refused { client, reason }
            if !matches!(reason, client::LoginError::Send(_)) =>
        {
            let _ = client.quit();
            reason.into()
        }
        error => error.into(),
    }
}
