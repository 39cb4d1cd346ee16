//! Serves a Maildir, or a sample, over POP3.
//!
//! ```text
//! cargo run --release -p pop3-tokio --example serve -- --maildir DIR --user NAME --password-file F
//! ```
//!
//! With `--cert F --key F` there is STLS, and with `--tls-listen ADDRESS` a listener for TLS from the first
//! octet. Without `--maildir` it serves a sample maildrop in memory: user "demo", password "demo", on
//! loopback only. It prints `listening on ADDRESS` for each listener when it is ready, the one for TLS
//! last. SIGINT and SIGTERM end it: open sessions may finish, for 30 seconds at most, or as `--grace` says;
//! a second one ends it at once.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use pop3_tokio::pop3_proto::{Mailbox, Password};
#[cfg(feature = "tls")]
use pop3_tokio::server::ServerTls;
use pop3_tokio::server::{Builder, Listener, Maildir, Memory, Passwords, Server, Store, sample};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

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
    /// Where to listen for TLS from the first octet
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "ADDRESS", requires = "cert")]
    tls_listen: Option<SocketAddr>,
    /// The certificate, in PEM, and what leads to its authority
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "F", requires = "key")]
    cert: Option<PathBuf>,
    /// The key of the certificate, in PEM
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "F", requires = "cert")]
    key: Option<PathBuf>,
    /// Take passwords in clear from other hosts too
    #[arg(long)]
    allow_plaintext: bool,
    /// Serve so many connections at a time, from any number of hosts
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,
    /// Close a connection after so long without a command; RFC 1939 wants at least 600
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    idle: u64,
    /// Give a client up that has taken nothing for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    stalled: u64,
    /// When it is ended, let open sessions go on for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("serve: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut passwords = Passwords::new();
    let (Some(maildir), Some(user), Some(file)) =
        (&arguments.maildir, &arguments.user, &arguments.password_file)
    else {
        if !arguments.addresses().all(|address| address.ip().is_loopback()) {
            return Err("the sample is served on loopback only".into());
        }
        let demo = Mailbox::new("demo")?;
        passwords.insert(demo.clone(), &Password::new("demo")?);
        let store = Memory::new();
        for message in sample() {
            store.deliver(&demo, message);
        }
        return listen(arguments, store, passwords).await;
    };
    let mailbox = Mailbox::new(user)?;
    let secret = read(file)?;
    let line = secret.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    passwords.insert(mailbox.clone(), &Password::opaque(line)?);
    listen(arguments, Maildir::single(mailbox, maildir), passwords).await
}

async fn listen<T: Store + 'static>(
    arguments: &Arguments,
    store: T,
    passwords: Passwords,
) -> Result<(), Box<dyn Error>> {
    let mut server = Server::builder(store, passwords);
    server.config.plaintext = arguments.allow_plaintext;
    server.config.apop = true;
    // Whatever a password is, it is compared as octets.
    server.config.leniency.opaque_passwords = true;
    server.deadlines.idle = Duration::from_secs(arguments.idle);
    server.deadlines.write = Duration::from_secs(arguments.stalled);
    if !arguments.certify(&mut server)? && !arguments.allow_plaintext {
        if let Some(address) = arguments.addresses().find(|address| !address.ip().is_loopback()) {
            eprintln!(
                "serve: other hosts cannot log in at {address}: there is neither --cert and --key \
                 nor --allow-plaintext"
            );
        }
    }
    if let Some(connections) = arguments.max_connections {
        server.connections.total = connections;
        server.connections.per_address = connections;
    }
    let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let mut listeners = Vec::new();
    for address in arguments.addresses() {
        let kind = if listeners.is_empty() { Listener::Clear } else { Listener::Tls };
        let listener = TcpListener::bind(address).await?;
        println!("listening on {}", listener.local_addr()?);
        listeners.push(kind(listener));
    }
    let server = Server::from(server).with_grace(Duration::from_secs(arguments.grace));
    let (stop, stopped) = oneshot::channel();
    let signalled_twice = async {
        signalled(&mut signals).await;
        // Nobody listens if all is over already.
        let _ = stop.send(());
        signalled(&mut signals).await;
    };
    tokio::select! {
        ended = server.serve(listeners, async { drop(stopped.await) }) => Ok(ended?),
        () = signalled_twice => Err("ended before its sessions had".into()),
    }
}

async fn signalled([terminated, interrupted]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(feature = "tls")]
impl Arguments {
    /// Where to listen: in clear, and then for TLS.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        [self.listen].into_iter().chain(self.tls_listen)
    }

    /// Whether there is a certificate.
    fn certify<T, A>(&self, server: &mut Builder<T, A>) -> Result<bool, Box<dyn Error>> {
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            server.tls = Some(ServerTls::from_pem(&read(certificate)?, &read(key)?)?);
        }
        Ok(server.tls.is_some())
    }
}

#[cfg(not(feature = "tls"))]
impl Arguments {
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        [self.listen].into_iter()
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "with TLS there is a certificate"
    )]
    fn certify<T, A>(&self, _: &mut Builder<T, A>) -> Result<bool, Box<dyn Error>> {
        Ok(false)
    }
}
