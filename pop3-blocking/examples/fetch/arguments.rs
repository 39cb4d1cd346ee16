//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::options::Options;

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
    #[arg(group = "maildrops")]
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
    #[command(flatten)]
    pub(crate) options: Options,
}
