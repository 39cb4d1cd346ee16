//! The command line.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use pop3_blocking::pop3_proto::client::{ClientConfig, Method, Security};
use pop3_blocking::pop3_proto::{InvalidValue, Mailbox, MechanismName};
use pop3_blocking::{Address, Authentication};

use crate::failure::Failure;
use crate::protection::Stls;

const MORE: &str = "\
The password is the first line of --password-file, else $POP3_PASSWORD, else it is asked for.
Run it again as often as you like: what is in the Maildir is not fetched again.
Exit status: 0 if every message was fetched, 1 if anything failed or was refused, 2 for a command
line that cannot be.";

/// What a user may say.
#[derive(Debug, Parser)]
#[command(name = "fetch", about = "Fetches mail over POP3 into a Maildir", after_help = MORE)]
pub(crate) struct Arguments {
    #[arg(help = "The maildrop: pop://USER@HOST or pop://USER;AUTH=TYPE@HOST:PORT (RFC 2384), \
                  pops:// for TLS from the first octet; a sample on this machine if there is none")]
    // No `Address` here: for a value that is refused clap repeats it, and a password may stand in it.
    pub(crate) url: Option<String>,
    /// The Maildir to deliver into; it is made if it is missing
    #[arg(long, value_name = "DIR", default_value = "./Maildir")]
    pub(crate) to: PathBuf,
    #[arg(long, conflicts_with = "delete")]
    #[arg(help = "Only print NUMBER<TAB>OCTETS<TAB>UNIQUE-ID for each message")]
    pub(crate) list: bool,
    /// Delete each message from the server once it is safely on disk
    #[arg(long)]
    pub(crate) delete: bool,
    /// Read the password from the first line of a file
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Read an OAuth access token from the first line of a file, and log in by that
    #[arg(long, value_name = "FILE", conflicts_with = "password_file", requires = "url")]
    pub(crate) token_file: Option<PathBuf>,
    #[arg(long, value_name = "MECHANISM", value_parser = method)]
    #[arg(
        help = "Log in by this SASL mechanism, by USER (with PASS) or by APOP, and in no other \
                  way [default: the best that the server offers]"
    )]
    pub(crate) auth: Option<Method>,
    #[arg(long, value_enum)]
    #[arg(help = "When to begin TLS by STLS [default: require, on loopback prefer]")]
    pub(crate) stls: Option<Stls>,
    /// Trust the authorities in this PEM file and no others [default: the platform's]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    #[arg(long)]
    #[arg(help = "With --stls prefer or never: log in unencrypted to a host that is not this one")]
    pub(crate) allow_plaintext: bool,
    /// Which deviations of servers are forgiven
    #[arg(long, value_enum, default_value_t = Preset::Tolerant)]
    pub(crate) leniency: Preset,
    /// How long to wait for the server before giving up
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// How many messages to ask for ahead, of a server that announces PIPELINING
    #[arg(long, value_name = "N", default_value_t = 32,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    window: u16,
}

impl Arguments {
    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    pub(crate) fn window(&self) -> usize {
        self.window.into()
    }

    /// The only way to log in that may be taken, if the URL or an option names one.
    pub(crate) fn method(&self, account: &Account) -> Result<Option<Method>, Failure> {
        match (account.method, self.auth) {
            (Some(url), Some(option)) if url != option => Err(Failure::usage(format_args!(
                "the URL wants a login by {url} and no other, --auth one by {option}"
            ))),
            (url, option) => Ok(url.or(option)),
        }
    }
}

fn method(name: &str) -> Result<Method, InvalidValue> {
    MechanismName::new(name).map(|name| match name.as_str() {
        "USER" => Method::UserPass,
        "APOP" => Method::Apop,
        _ => Method::Sasl(name),
    })
}

/// A preset of leniency.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Preset {
    /// Nothing beyond the specifications
    Strict,
    /// What servers in the field need
    Tolerant,
    /// What Outlook does
    Outlook,
}

impl Preset {
    pub(crate) const fn config(self, security: Security) -> ClientConfig {
        match self {
            Self::Strict => ClientConfig::strict(security),
            Self::Tolerant => ClientConfig::new(security),
            Self::Outlook => ClientConfig::outlook(security),
        }
    }
}

/// Whose maildrop, where, and what the URL says of the way to it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) mailbox: Mailbox,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What the scheme asks for.
    pub(crate) security: Option<Security>,
    /// The only way to log in that may be taken (RFC 2384 §4).
    pub(crate) method: Option<Method>,
}

impl Account {
    /// What the URL says.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        let address: Address =
            url.parse().map_err(|error: pop3_blocking::AddressError| Failure::usage(error))?;
        let method = match address.authentication() {
            Authentication::Any => None,
            Authentication::Apop => Some(Method::Apop),
            Authentication::Mechanism(name) => {
                Some(Method::Sasl(MechanismName::new(name).map_err(Failure::usage)?))
            }
            _ => return Err(Failure::usage("the URL's ;AUTH= is not supported here")),
        };
        let mailbox = address
            .mailbox()
            .ok_or_else(|| Failure::usage("the URL names no user: pop://USER@HOST"))?;
        Ok(Self {
            mailbox: mailbox.clone(),
            host: address.host().to_ascii_lowercase(),
            port: address.port(),
            security: address.security(),
            method,
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mailbox, host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{mailbox} at [{host}]:{port}")
        } else {
            write!(f, "{mailbox} at {host}:{port}")
        }
    }
}
