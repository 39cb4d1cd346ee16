//! The options that say how to deal with a server, whatever is fetched from it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use pop3_blocking::pop3_proto::client::{ClientConfig, Method, Security};
use pop3_blocking::pop3_proto::{InvalidValue, MechanismName};

use crate::account::Account;
use crate::failure::Failure;
use crate::protection::Stls;

/// How to log in, over what, and how to go on.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) secrets: Secrets,
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

/// Where a password or a token is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Secrets {
    /// Read the password from the first line of a file
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Read an OAuth access token from the first line of a file, and log in by that
    #[arg(long, value_name = "FILE", conflicts_with = "password_file", requires = "maildrops")]
    pub(crate) token_file: Option<PathBuf>,
}

impl Options {
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
            Self::Tolerant => {
                let mut config = ClientConfig::new(security);
                // Who has such a password has it from a server that takes it, announced or not.
                config.send_policy.unannounced_utf8 = true;
                config
            }
            Self::Outlook => ClientConfig::outlook(security),
        }
    }
}
