//! What the URL and the options come to, before anything is connected, and what is said if it fails.

use std::fs;

use pop3_blocking::pop3_proto::Password;
use pop3_blocking::pop3_proto::client::{
    self, Choice, ClientConfig, Credentials, SendError, UseStls,
};
use pop3_blocking::{Deadlines, Error, Tls, TlsErrorKind};

use crate::account::Account;
use crate::credentials;
use crate::failure::Failure;
use crate::options::{Options, Secrets};
use crate::protection::protection;

/// What to say of a session that others can read (RFC 8314 §5.2).
pub(crate) const IN_CLEAR: &str =
    "the connection is not encrypted: neither the login nor the messages are private";

/// How to connect, and how to log in.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) config: ClientConfig,
    pub(crate) stls: Option<UseStls>,
    pub(crate) deadlines: Deadlines,
    pub(crate) credentials: Credentials,
    pub(crate) choice: Choice,
}

impl Terms {
    /// `secrets` may be others than those of the options; `password` is known already.
    pub(crate) fn of(
        options: &Options,
        secrets: &Secrets,
        account: &Account,
        password: Option<Password>,
    ) -> Result<Self, Failure> {
        let (security, stls) = protection(account.security, options.stls, options.allow_plaintext)
            .ok_or_else(|| {
                Failure::usage("the URL wants TLS from the first octet: there --stls is no choice")
            })?;
        let timeout = options.timeout();
        let mut deadlines = Deadlines::DEFAULT;
        deadlines.connect = timeout;
        deadlines.tls = timeout;
        deadlines.greeting = timeout;
        deadlines.reply = timeout;
        deadlines.login = deadlines.login.max(timeout);
        let method = options.method(account)?;
        Ok(Self {
            config: options.leniency.config(security),
            stls,
            deadlines,
            credentials: credentials::find(secrets, account, method, password)?,
            choice: method.map_or(Choice::Best, Choice::Only),
        })
    }

    /// What came of the login. Servers repeat what they do not like: a secret is not shown even so.
    pub(crate) fn login_failed(&self, error: &Error) -> Failure {
        if matches!(error, Error::Send(SendError::NotProtected { .. })) {
            return self.not_protected();
        }
        let credentials = &self.credentials;
        let mut said = error.to_string();
        if let Error::Login(client::LoginError::Refused(refused)) = error {
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
    fn not_protected(&self) -> Failure {
        let said = "the connection is not encrypted and its other end not on this machine: nothing \
                    of the login was sent; --allow-plaintext logs in all the same";
        if self.stls == Some(UseStls::Never) {
            Failure::usage(said)
        } else {
            Failure::Login { said: said.to_owned() }
        }
    }
}

/// Whom to believe over TLS, if an option says so.
pub(crate) fn authorities(options: &Options) -> Result<Option<Tls>, Failure> {
    let Some(file) = options.ca.as_deref() else { return Ok(None) };
    let pem = fs::read(file).map_err(Failure::disk("read the authorities from", file))?;
    Tls::with_authorities(&pem)
        .map(Some)
        .map_err(|error| Failure::usage(format_args!("--ca {}: {error}", file.display())))
}

/// What came of connecting.
pub(crate) fn connecting_failed(account: &Account, error: Error) -> Failure {
    let advice = advice(&error);
    Failure::Connecting { to: account.to_string(), error: Box::new(error), advice }
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
