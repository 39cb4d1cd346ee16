//! The command line.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use pop3_blocking::pop3_proto::Mailbox;
use pop3_blocking::pop3_proto::client::{ClientConfig, Security};
use pop3_blocking::{Address, Authentication};

use crate::failure::Failure;

const MORE: &str = "\
The password is the first line of --password-file, else $POP3_PASSWORD, else it is asked for.
Run it again as often as you like: what is in the Maildir is not fetched again.
Exit status: 0 if every message was fetched, 1 if anything failed or was refused, 2 for a command
line that cannot be.";

/// What a user may say.
#[derive(Debug, Parser)]
#[command(name = "fetch", about = "Fetches mail over POP3 into a Maildir", after_help = MORE)]
pub(crate) struct Arguments {
    #[arg(help = "The maildrop: pop://USER@HOST or pop://USER@HOST:PORT (RFC 2384); \
                  a sample on this machine if there is none")]
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
    /// Send the password unencrypted, to a host that is not this one
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
    /// When to encrypt the connection
    #[arg(long, value_enum, default_value_t = Stls::Never)]
    pub(crate) stls: Stls,
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

    /// The policy says what may leave in clear; loopback is no way for anybody to listen.
    pub(crate) const fn security(&self) -> Security {
        match self.stls {
            Stls::Never if self.allow_plaintext => Security::PlaintextAllowed,
            Stls::Never => Security::StlsRequired,
        }
    }
}

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Stls {
    /// The only way for now
    Never,
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

/// Whose maildrop, and where.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) mailbox: Mailbox,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Account {
    /// What the URL says. A way to log in that it names is the only one that may be taken
    /// (RFC 2384 §4), and USER with PASS is the only one there is here.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        let address: Address =
            url.parse().map_err(|error: pop3_blocking::AddressError| Failure::usage(error))?;
        match address.authentication() {
            Authentication::Any => {}
            Authentication::Apop => return Err(no_such_login("APOP")),
            Authentication::Mechanism(name) => return Err(no_such_login(name)),
            _ => return Err(no_such_login("something else")),
        }
        let mailbox = address
            .mailbox()
            .ok_or_else(|| Failure::usage("the URL names no user: pop://USER@HOST"))?;
        Ok(Self {
            mailbox: mailbox.clone(),
            host: address.host().to_ascii_lowercase(),
            port: address.port(),
        })
    }
}

fn no_such_login(name: &str) -> Failure {
    Failure::usage(format_args!(
        "the URL wants a login by {name} and no other; only USER and PASS are supported here, \
         which ;AUTH=* or no ;AUTH= allows"
    ))
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mailbox, host, port } = self;
        if host.contains(':') {
            write!(f, "{mailbox} at [{host}]:{port}")
        } else {
            write!(f, "{mailbox} at {host}:{port}")
        }
    }
}
