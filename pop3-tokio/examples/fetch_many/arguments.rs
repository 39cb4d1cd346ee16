//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Parser};

use crate::options::Options;

const MORE: &str = "\
The Maildir of pop://alice@mail.example.org is DIR/alice@mail.example.org; what cannot safely stand
in the name of a folder is % and two hexadecimal digits there. A user at a host can be given once,
whatever the port: unique-ids mean nothing outside their maildrop, and a port changes with every
tunnel.
In --from a line is a URL, or a URL, a TAB and the name of a file whose first line is the password;
blank lines and those that begin with # say nothing. Every other password is the first line of
--password-file, else $POP3_PASSWORD, else it is asked for.
Nothing is deleted from a server. Run it again as often as you like: what is in a Maildir is not
fetched again. Ctrl-C ends it: what is delivered by then is whole.
For each maildrop that is complete a line on stdout says what was fetched, for any other one on
stderr what is wrong; the last line on stdout is the sum.
Exit status: 0 if every message was fetched, 1 if anything failed or was refused, 2 for a command
line or a --from that cannot be, 130 if it was interrupted.";

/// What a user may say.
#[derive(Debug, Parser)]
#[command(
    name = "fetch_many",
    about = "Fetches many maildrops over POP3, each into a Maildir of its own",
    after_help = MORE,
    group = ArgGroup::new("maildrops").required(true)
)]
pub(crate) struct Arguments {
    #[arg(
        group = "maildrops",
        value_name = "URL",
        help = "The maildrops: pop://USER@HOST or pop://USER;AUTH=TYPE@HOST:PORT (RFC 2384), \
                pops:// for TLS from the first octet"
    )]
    // No `Address` here: for a value that is refused clap repeats it, and a password may stand in it.
    pub(crate) urls: Vec<String>,
    /// Read the maildrops from a file, one a line
    #[arg(long, value_name = "FILE", group = "maildrops")]
    pub(crate) from: Option<PathBuf>,
    /// The folder of the Maildirs; what is missing is made
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// How many maildrops to fetch at a time
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    #[command(flatten)]
    pub(crate) options: Options,
}

impl Arguments {
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.into()
    }
}
