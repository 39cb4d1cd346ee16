//! Fetches mail over POP3 into a Maildir:
//! `cargo run --release -p pop3-blocking --example fetch -- [OPTIONS] URL`.
//!
//! It can be killed anywhere and run again: nothing is lost, and where the server has unique-ids
//! nothing is delivered twice. Read [`run`] first, the rest from there:
//!
//! * [`arguments`], [`options`], [`account`], [`credentials`] — what the user says, and [`sample`] — what is
//!   fetched if it is nothing;
//! * [`terms`] — what that comes to, [`protection`] — when the connection is encrypted, and [`connection`] —
//!   from there to a login;
//! * [`listing`] — what the server has, and [`archive`] — what of it is here already;
//! * [`maildir`] — how a message becomes a file, and [`names`] — what the file is called;
//! * [`interrupt`] — what happens on Ctrl-C;
//! * [`progress`], [`summary`], [`failure`] — what the user is told.
//!
//! Where a connection does not come in, the example `fetch_many` of `pop3-tokio` has these modules too.

mod account;
mod archive;
mod arguments;
mod connection;
mod credentials;
mod failure;
mod interrupt;
mod listing;
mod maildir;
mod names;
mod options;
mod progress;
mod protection;
mod run;
mod sample;
mod summary;
mod terms;

use std::process::ExitCode;

use clap::Parser as _;

use account::Account;
use arguments::Arguments;
use connection::Connection;
use failure::Failure;
use interrupt::Interrupt;
use progress::tell;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    fetch(&arguments).unwrap_or_else(|failure| {
        tell(&format_args!("fetch: {failure}"));
        failure.exit_code()
    })
}

fn fetch(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (account, password) = if let Some(url) = &arguments.url {
        (Account::of(url)?, None)
    } else {
        let (account, password) = sample::serve()?;
        (account, Some(password))
    };
    let connection = Connection::of(&arguments.options, &account, password)?;
    // Only now: whoever ends the prompt for the password should get the echo of the terminal back,
    // which shells see to when the signal itself ends a program.
    let interrupt = Interrupt::install()?;
    run::run(arguments, &account, connection, &interrupt)
}
