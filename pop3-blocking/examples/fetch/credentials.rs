//! What there is to log in by. A password or a token comes never from the command line, which every
//! user of a machine can read, and never from the URL, which ends up in histories and logs.

use std::env;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _};
use std::path::Path;

use pop3_blocking::pop3_proto::client::{Choice, Credentials, Method};
use pop3_blocking::pop3_proto::sasl::{Mechanism, OAuthBearer};
use pop3_blocking::pop3_proto::{Escaped, MechanismName, Password, Secret};

use crate::account::Account;
use crate::failure::Failure;
use crate::options::Secrets;

const VARIABLE: &str = "POP3_PASSWORD";

/// More than fits into a line of POP3, so that a wrong file is not read to its end.
const MAX_OCTETS: u64 = 1 << 18;

/// What a way to log in calls for.
enum Needs {
    Password,
    Token,
    Nothing,
}

/// What `method` calls for; without one, a token if there is a file of one, else a password. The
/// sample's is known.
pub(crate) fn find(
    secrets: &Secrets,
    account: &Account,
    method: Option<Method>,
    known: Option<Password>,
) -> Result<Credentials, Failure> {
    let token_file = secrets.token_file.as_deref();
    let needs = match method {
        Some(method) => needs(method)?,
        None if token_file.is_some() => Needs::Token,
        None => Needs::Password,
    };
    let mailbox = account.mailbox.clone();
    Ok(match (needs, token_file) {
        (Needs::Token, Some(file)) => Credentials::Token { mailbox, token: token(file)? },
        (Needs::Token, None) => {
            return Err(Failure::usage("OAUTHBEARER and XOAUTH2 need a --token-file"));
        }
        (_, Some(_)) => {
            return Err(Failure::usage("a token is for OAUTHBEARER and XOAUTH2 and nothing else"));
        }
        // The name in the URL is the trace of who was there (RFC 4505 §2).
        (Needs::Nothing, None) => Credentials::Anonymous { trace: mailbox.as_str().to_owned() },
        (Needs::Password, None) => {
            let password = known.map_or_else(|| password(secrets, account), Ok)?;
            Credentials::password(mailbox, password)
        }
    })
}

fn needs(method: Method) -> Result<Needs, Failure> {
    Ok(match method {
        Method::UserPass
        | Method::Apop
        | Method::Sasl(
            MechanismName::PLAIN
            | MechanismName::LOGIN
            | MechanismName::CRAM_MD5
            | MechanismName::SCRAM_SHA_1
            | MechanismName::SCRAM_SHA_1_PLUS
            | MechanismName::SCRAM_SHA_256
            | MechanismName::SCRAM_SHA_256_PLUS,
        ) => Needs::Password,
        #[cfg(feature = "ntlm")]
        Method::Sasl(MechanismName::NTLM) => Needs::Password,
        Method::Sasl(MechanismName::OAUTHBEARER | MechanismName::XOAUTH2) => Needs::Token,
        Method::Sasl(MechanismName::ANONYMOUS) => Needs::Nothing,
        Method::Sasl(MechanismName::EXTERNAL) => {
            return Err(Failure::usage(
                "EXTERNAL logs in by a certificate of the client, and there is no option to give one",
            ));
        }
        method => {
            return Err(Failure::usage(format_args!("a login by {method} is not supported here")));
        }
    })
}

/// The mechanism of `credentials`, if it is one that the library does not choose by itself.
#[cfg(feature = "ntlm")]
pub(crate) fn own_mechanism(
    choice: &Choice,
    credentials: &Credentials,
) -> Result<Option<Box<dyn Mechanism>>, Failure> {
    let (
        Choice::Only(Method::Sasl(MechanismName::NTLM)),
        Credentials::Password { mailbox, password, .. },
    ) = (choice, credentials)
    else {
        return Ok(None);
    };
    let secret = Secret::new(password.expose());
    let ntlm = pop3_blocking::Ntlm::new(mailbox.as_str(), None, secret).map_err(Failure::usage)?;
    Ok(Some(Box::new(ntlm)))
}

#[cfg(not(feature = "ntlm"))]
#[expect(clippy::unnecessary_wraps, reason = "NTLM may not take a name")]
pub(crate) fn own_mechanism(
    _: &Choice,
    _: &Credentials,
) -> Result<Option<Box<dyn Mechanism>>, Failure> {
    Ok(None)
}

/// Whether `said`, in which texts of the server are escaped, tells the secret of `credentials`.
pub(crate) fn are_told_by(said: &str, credentials: &Credentials) -> bool {
    let secret = match credentials {
        Credentials::Password { password, .. } => password.expose(),
        Credentials::Token { token, .. } => token.expose(),
        _ => return false,
    };
    [secret.to_vec(), Escaped::new(secret).to_string().into_bytes()]
        .into_iter()
        .any(|secret| Secret::new(secret).is_told_by(said.as_bytes()))
}

/// The first line of the file.
fn token(file: &Path) -> Result<Secret, Failure> {
    let token = Secret::new(first_line(file).map_err(Failure::disk("read the token from", file))?);
    OAuthBearer::new(None, token.clone())
        .map_err(|error| Failure::usage(format_args!("the token cannot be one: {error}")))?;
    Ok(token)
}

/// The first line of the file, else the environment, else what the user types without an echo.
fn password(secrets: &Secrets, account: &Account) -> Result<Password, Failure> {
    let octets = match (&secrets.password_file, env::var_os(VARIABLE)) {
        (Some(file), _) => {
            first_line(file).map_err(Failure::disk("read the password from", file))?
        }
        (None, Some(password)) if !password.is_empty() => password.into_encoded_bytes(),
        (None, _) => prompt(account)?.into_bytes(),
    };
    Password::opaque(&octets)
        .map_err(|error| Failure::usage(format_args!("the password cannot be one: {error}")))
}

fn first_line(file: &Path) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(File::open(file)?.take(MAX_OCTETS)).read_until(b'\n', &mut line)?;
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Ok(line)
}

fn prompt(account: &Account) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format_args!(
            "no password: there is no --password-file, no ${VARIABLE} and no terminal to ask at"
        )));
    }
    rpassword::prompt_password(format!("Password of {account}: ")).map_err(|error| Failure::Local {
        doing: "ask for the password",
        reason: error.to_string(),
    })
}
