//! Idle sessions, the server's side and the clients', each in a process of its own; `benches/servers` runs both.
//!
//! ```text
//! sessions serve N [CERTIFICATE KEY]     a server with N maildrops in memory, which prints where it listens
//! sessions hold N ADDRESS [AUTHORITY]    N sessions with it, logged in, over TLS if there is an authority
//! ```
//!
//! Both say so when they are ready, and go on until their input ends.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io};

use pop3_blocking::Tls;
use pop3_tokio::pop3_proto::Mailbox;
use pop3_tokio::pop3_proto::sasl::{Answer, Question};
use pop3_tokio::server::{Authenticator, Listener, Memory, Server, ServerTls};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, stdin};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

const MESSAGES: usize = 10;
const PASSWORD: &str = "secret";

/// Logins at a time: more would wait for each other.
const LOGINS: usize = 32;
/// Sessions from one address: no more than it has ports.
const PER_ADDRESS: usize = 5000;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", sessions] => serve(sessions.parse()?, None).await,
        ["serve", sessions, certificate, key] => {
            let tls = ServerTls::from_pem(&fs::read(certificate)?, &fs::read(key)?)?;
            serve(sessions.parse()?, Some(tls)).await
        }
        ["hold", sessions, address] => hold(sessions.parse()?, address.parse()?, None).await,
        ["hold", sessions, address, authority] => {
            let tls = Tls::with_authorities(&fs::read(authority)?)?;
            hold(sessions.parse()?, address.parse()?, Some(tls)).await
        }
        _ => Err("usage: sessions serve N [CERTIFICATE KEY] | hold N ADDRESS [AUTHORITY]".into()),
    }
}

/// Knows every user by the same password: keys for each of them would take longer than all the rest.
struct Anybody;

impl Authenticator for Anybody {
    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Verify { password, .. } if password.expose() == PASSWORD.as_bytes() => {
                Answer::Accepted
            }
            _ => Answer::Refused,
        }
    }
}

fn user(session: usize) -> String {
    format!("user{session}")
}

async fn serve(sessions: usize, tls: Option<ServerTls>) -> Result<(), Failure> {
    let store = Memory::new();
    for session in 0..sessions {
        let mailbox = Mailbox::new(&user(session))?;
        for message in 0..MESSAGES {
            store.deliver(&mailbox, format!("Subject: {message}\n\nAt five?\n"));
        }
    }
    let mut server = Server::builder(store, Anybody);
    server.config.mechanisms.clear();
    server.connections.total = sessions;
    server.connections.per_address = sessions;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on {}", listener.local_addr()?);
    let listener = if tls.is_some() { Listener::Tls(listener) } else { Listener::Clear(listener) };
    server.tls = tls;
    Ok(Server::from(server).with_grace(Duration::ZERO).serve([listener], ended()).await?)
}

async fn hold(sessions: usize, address: SocketAddr, tls: Option<Tls>) -> Result<(), Failure> {
    let places = Arc::new(Semaphore::new(LOGINS));
    let mut logins = JoinSet::new();
    for session in 0..sessions {
        let (tls, place) = (tls.clone(), Arc::clone(&places).acquire_owned().await?);
        logins.spawn(async move {
            let _place = place;
            let stream = connect(session, address).await?;
            let Some(tls) = tls else { return log_in(stream, session).await };
            let name = Tls::server_name("localhost")?;
            let connector = TlsConnector::from(tls.config().clone());
            log_in(connector.connect(name, stream).await?, session).await
        });
    }
    let mut held = Vec::with_capacity(sessions);
    while let Some(login) = logins.join_next().await {
        held.push(login??);
    }
    println!("holding {}", held.len());
    ended().await;
    Ok(())
}

async fn connect(session: usize, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let host = u8::try_from(2 + session / PER_ADDRESS).map_err(io::Error::other)?;
    socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into())?;
    socket.connect(address).await
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A session in TRANSACTION that has said and heard all that there is to be.
async fn log_in(
    mut stream: impl Stream + 'static,
    session: usize,
) -> Result<Box<dyn Stream>, Failure> {
    let (user, stat) = (user(session), format!("+OK {MESSAGES} "));
    hear(&mut stream, "+OK ").await?;
    for (command, answer) in [
        (format!("USER {user}\r\n"), "+OK "),
        (format!("PASS {PASSWORD}\r\n"), "+OK "),
        ("STAT\r\n".into(), &*stat),
    ] {
        stream.write_all(command.as_bytes()).await?;
        stream.flush().await?;
        hear(&mut stream, answer).await?;
    }
    Ok(Box::new(stream))
}

/// One line, which begins like this.
async fn hear(stream: &mut impl Stream, beginning: &str) -> Result<(), Failure> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await?);
    }
    if line.starts_with(beginning.as_bytes()) {
        return Ok(());
    }
    Err(format!("the server said: {}", line.escape_ascii()).into())
}

/// Ready when nobody writes to the input any more.
async fn ended() {
    let mut octets = [0; 64];
    while stdin().read(&mut octets).await.is_ok_and(|read| read > 0) {}
}
