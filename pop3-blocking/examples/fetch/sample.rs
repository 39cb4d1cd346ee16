//! The maildrop that is fetched when the command line names none: a server with a few messages, on
//! loopback, in this very process.

use std::net::TcpListener;

use pop3_blocking::pop3_proto::{Mailbox, Password};
use pop3_blocking::server::{Memory, Passwords, Running, Server, sample};

use crate::account::Account;
use crate::failure::Failure;

/// The sample has the same unique-ids in every run, so that a second one finds it fetched.
const PREFIX: u64 = 0x1939;

/// Starts the server; it runs until the process ends.
pub(crate) fn serve() -> Result<(Account, Password), Failure> {
    let local = |reason: String| Failure::Local { doing: "serve the sample", reason };
    let mailbox = Mailbox::new("demo").map_err(|error| local(error.to_string()))?;
    let password = Password::new("demo").map_err(|error| local(error.to_string()))?;
    let store = Memory::with_prefix(PREFIX);
    for message in sample() {
        store.deliver(&mailbox, message);
    }
    let mut passwords = Passwords::new();
    passwords.insert(mailbox.clone(), &password);
    let started = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| Server::new(store, passwords).spawn(listener));
    let address =
        started.as_ref().map(Running::address).map_err(|error| local(error.to_string()))?;
    let host = address.ip().to_string();
    let account = Account { mailbox, host, port: address.port(), security: None, method: None };
    Ok((account, password))
}
