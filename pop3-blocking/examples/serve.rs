//! Serves a Maildir, or a sample, over POP3.
//!
//! ```text
//! cargo run --release -p pop3-blocking --example serve -- --maildir DIR --user NAME --password-file F
//! ```
//!
//! Without `--maildir` it serves a sample maildrop in memory: user "demo", password "demo", on loopback
//! only. It prints `listening on ADDRESS` when it is ready, and serves until it is ended.

use std::error::Error;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use pop3_blocking::pop3_proto::{Mailbox, Password};
use pop3_blocking::server::{Authenticator, Maildir, Memory, Passwords, Server, Store, sample};

/// Serve a Maildir over POP3.
#[derive(Debug, Parser)]
struct Arguments {
    /// The Maildir to serve; a sample in memory if there is none
    #[arg(long, value_name = "DIR", requires = "user", requires = "password_file")]
    maildir: Option<PathBuf>,
    /// Who may log in
    #[arg(long, value_name = "NAME", requires = "maildir")]
    user: Option<String>,
    /// The first line of this file is the password
    #[arg(long, value_name = "F", requires = "maildir")]
    password_file: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1110")]
    listen: SocketAddr,
    /// Take passwords in clear from other hosts too
    #[arg(long)]
    allow_plaintext: bool,
    /// Close a connection after so long without a command; RFC 1939 wants at least 600
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    idle: u64,
    /// Give a client up that has taken nothing for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    stalled: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("serve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut passwords = Passwords::new();
    let (Some(maildir), Some(user), Some(file)) =
        (&arguments.maildir, &arguments.user, &arguments.password_file)
    else {
        if !arguments.listen.ip().is_loopback() {
            return Err("the sample is served on loopback only".into());
        }
        let demo = Mailbox::new("demo")?;
        passwords.insert(demo.clone(), &Password::new("demo")?);
        let store = Memory::new();
        for message in sample() {
            store.deliver(&demo, message);
        }
        return listen(arguments, store, passwords);
    };
    let mailbox = Mailbox::new(user)?;
    let secret = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let line = secret.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    passwords.insert(mailbox.clone(), &Password::opaque(line)?);
    listen(arguments, Maildir::single(mailbox, maildir), passwords)
}

fn listen<T, A>(arguments: &Arguments, store: T, authenticator: A) -> Result<(), Box<dyn Error>>
where
    T: Store + 'static,
    A: Authenticator + 'static,
{
    let mut server = Server::new(store, authenticator);
    server.config.plaintext = arguments.allow_plaintext;
    // Whatever a password is, it is compared as octets.
    server.config.leniency.opaque_passwords = true;
    server.deadlines.idle = Duration::from_secs(arguments.idle);
    server.deadlines.write = Duration::from_secs(arguments.stalled);
    let running = server.spawn(TcpListener::bind(arguments.listen)?)?;
    println!("listening on {}", running.address());
    loop {
        std::thread::park();
    }
}
