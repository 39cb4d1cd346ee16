//! From the command line to somebody who is logged in.

use std::fs;
use std::net::TcpStream;
use std::path::Path;

use pop3_blocking::pop3_proto::Password;
use pop3_blocking::pop3_proto::client::{
    self, Channel, Choice, Credentials, SendError, Support, UseStls,
};
use pop3_blocking::pop3_proto::state::Keyword;
use pop3_blocking::{Builder, Client, Error, LoginError, Session, Tls, TlsErrorKind};

use crate::arguments::{Account, Arguments};
use crate::credentials;
use crate::failure::{Doing, Failure};
use crate::progress::tell;
use crate::protection::protection;

/// A connection that is to be made, and a login that is to be made on it.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    account: &'a Account,
    builder: Builder,
    credentials: Credentials,
    choice: Choice,
}

impl<'a> Connection<'a> {
    /// What the URL and the options say; `password` is the sample's.
    pub(crate) fn of(
        arguments: &Arguments,
        account: &'a Account,
        password: Option<Password>,
    ) -> Result<Self, Failure> {
        let (security, stls) = protection(
            account.security,
            arguments.stls,
            arguments.allow_plaintext,
        )
        .ok_or_else(|| {
            Failure::usage("the URL wants TLS from the first octet: there --stls is no choice")
        })?;
        let timeout = arguments.timeout();
        let mut builder = Client::builder(security);
        builder.config = arguments.leniency.config(security);
        builder.stls = stls;
        builder.deadlines.connect = timeout;
        builder.deadlines.tls = timeout;
        builder.deadlines.greeting = timeout;
        builder.deadlines.reply = timeout;
        builder.deadlines.login = builder.deadlines.login.max(timeout);
        builder.tls = arguments.ca.as_deref().map(authorities).transpose()?;
        let method = arguments.method(account)?;
        let credentials = credentials::find(arguments, account, method, password)?;
        let choice = method.map_or(Choice::Best, Choice::Only);
        Ok(Self { account, builder, credentials, choice })
    }

    /// Connects, logs in, and says how.
    pub(crate) fn open(self) -> Result<Session<TcpStream>, Failure> {
        let Self { account, builder, credentials, choice } = self;
        let client = builder.connect(&account.host, account.port).map_err(|error| {
            let advice = advice(&error);
            Failure::Connecting { to: account.to_string(), error: Box::new(error), advice }
        })?;
        let login = match credentials::own_mechanism(&choice, &credentials)? {
            Some(mechanism) => client.login_by(mechanism),
            None => client.login_with(credentials.clone(), choice),
        };
        let mut session = login.map_err(|error| login_failure(error, &builder, &credentials))?;
        let channel = if session.channel() == Channel::Tls { "over TLS" } else { "in clear" };
        tell(&format_args!("logged in by {} {channel}", session.method()));
        if session.channel() == Channel::Clear {
            // RFC 8314 §5.2.
            tell(
                &"the connection is not encrypted: neither the login nor the messages are private",
            );
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

fn authorities(file: &Path) -> Result<Tls, Failure> {
    let pem = fs::read(file).map_err(Failure::disk("read the authorities from", file))?;
    Tls::with_authorities(&pem)
        .map_err(|error| Failure::usage(format_args!("--ca {}: {error}", file.display())))
}

/// What to say behind an error that came before the login.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Tls(error) if error.kind() == TlsErrorKind::UnknownIssuer => {
            "; nothing of the login was sent; --ca names authorities to trust"
        }
        Error::Login(client::LoginError::StlsNotOffered | client::LoginError::StlsRefused(_)) => {
            "; nothing of the login was sent; --stls never --allow-plaintext logs in unencrypted \
             all the same"
        }
        Error::Tls(_) | Error::Protocol(_) => "; nothing of the login was sent",
        _ => "",
    }
}

/// What came of the login. Servers repeat what they do not like: a secret is not shown even so.
fn login_failure(
    error: LoginError<TcpStream>,
    builder: &Builder,
    credentials: &Credentials,
) -> Failure {
    let error = match error {
        LoginError::Refused {
            reason: client::LoginError::Send(SendError::NotProtected { .. }),
            ..
        } => return not_protected(builder),
        LoginError::Refused { client, reason } => {
            // The server was asked nothing that its answer could change.
            let _ = client.quit();
            Error::from(reason)
        }
        LoginError::Failed(error) => error,
        error => Error::from(error),
    };
    let mut said = error.to_string();
    if let Error::Login(client::LoginError::Refused(refused)) = &error {
        let text = refused.response.text.to_string();
        // Else it is what the error says; and here more is known of what must not be shown.
        let unsaid = refused.cancelled.is_some() || !refused.may_be_shown();
        if unsaid && !text.is_empty() && !credentials::are_told_by(&text, credentials) {
            said = format!("{said}; the server said: {text}");
        }
    }
    if credentials::are_told_by(&said, credentials) {
        "the server refused, with a text that is not shown because it holds a secret"
            .clone_into(&mut said);
    }
    Failure::Login { said }
}

/// Whether the server could have offered TLS, or nobody asked.
fn not_protected(builder: &Builder) -> Failure {
    let said = "the connection is not encrypted and its other end not on this machine: nothing of \
                the login was sent; --allow-plaintext logs in all the same";
    if builder.stls == Some(UseStls::Never) {
        Failure::usage(said)
    } else {
        Failure::Login { said: said.to_owned() }
    }
}
