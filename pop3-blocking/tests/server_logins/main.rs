//! STLS and every way to log in, over loopback: the server of this library, through its client and
//! through raw octets.

#![cfg(all(feature = "server", feature = "tls"))]

mod binding;
mod limits;
mod methods;
mod offers;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use pop3_blocking::pop3_proto::client::{LoginError as Refused, Security, UseStls};
use pop3_blocking::pop3_proto::{Base64, Mailbox, Password, Secret};
use pop3_blocking::rustls::version::TLS13;
use pop3_blocking::rustls::{ClientConnection, StreamOwned};
use pop3_blocking::server::{
    Authenticator, Listener, Memory, Passwords, Running, Server, ServerTls,
};
use pop3_blocking::{Builder, Client, LoginError, Session, Tls};

use certificates::{Authority, RawClient};
use until::LONG;

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/until.rs"]
mod until;

const GREETING: &str = "+OK POP3 server ready\r\n";

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).expect("a mailbox")
}

fn password(password: &str) -> Password {
    Password::new(password).expect("a password")
}

fn passwords() -> Passwords {
    let mut passwords = Passwords::new();
    passwords.insert(mailbox("mrose"), &password("tan staaf"));
    passwords.insert_token(mailbox("mrose"), &Secret::new("dG9rZW4="));
    passwords.allow_anonymous(mailbox("anybody"));
    passwords
}

fn server<A: Authenticator>(authority: &Authority, authenticator: A) -> Server<Memory, A> {
    let store = Memory::new();
    for name in ["mrose", "anybody", "bob"] {
        store.create(&mailbox(name));
    }
    let mut server = Server::new(store, authenticator);
    let issued = authority.issue();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    server.tls = Some(tls.expect("a certificate"));
    server
}

/// In clear and over TLS.
fn spawn<A: Authenticator + 'static>(server: Server<Memory, A>) -> Running {
    let listeners = [Listener::Clear, Listener::Tls]
        .map(|kind| kind(TcpListener::bind("127.0.0.1:0").expect("a port")));
    server.spawn_all(listeners).expect("a server")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Clear,
    Stls,
    Tls,
}

const EVERYWHERE: [Over; 3] = [Over::Clear, Over::Stls, Over::Tls];

fn builder(authority: &Authority, over: Over) -> Builder {
    let (security, stls) = match over {
        Over::Clear => (Security::StlsRequired, UseStls::Never),
        Over::Stls => (Security::StlsRequired, UseStls::Required),
        Over::Tls => (Security::Implicit, UseStls::Never),
    };
    let mut builder = Client::builder(security);
    builder.stls = Some(stls);
    builder.tls = Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
    builder
}

fn connect(running: &Running, builder: &Builder) -> Client<TcpStream> {
    let implicit = builder.config.security == Security::Implicit;
    let port = running.addresses()[usize::from(implicit)].port();
    builder.connect("127.0.0.1", port).expect("a greeting")
}

fn refusal(outcome: Result<Session<TcpStream>, LoginError<TcpStream>>) -> String {
    match outcome {
        Err(LoginError::Refused { reason: Refused::Refused(refused), .. }) => {
            String::from_utf8_lossy(refused.response.text.octets()).into_owned()
        }
        outcome => panic!("{outcome:?}"),
    }
}

/// What a client's lines are answered, as many as there are.
fn said(stream: &mut (impl Read + Write), lines: &[&str]) -> Vec<String> {
    let mut answers = Vec::new();
    for line in lines {
        stream.write_all(format!("{line}\r\n").as_bytes()).expect("a write");
        stream.flush().expect("a flush");
        answers.push(read_line(stream));
    }
    answers
}

fn read_line(stream: &mut impl Read) -> String {
    let mut line = String::new();
    // One octet at a time, so that nothing is read that is TLS's.
    BufReader::with_capacity(1, stream).read_line(&mut line).expect("a line");
    line
}

fn raw(running: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(running.address()).expect("a connection");
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    assert_eq!(read_line(&mut stream), GREETING);
    stream
}

fn capabilities(stream: &mut (impl Read + Write)) -> Vec<String> {
    let mut lines = said(stream, &["CAPA"]);
    while lines.last().is_some_and(|line| line != ".\r\n") {
        lines.push(read_line(stream));
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A client without this library behind STLS.
fn raw_stls(authority: &Authority, mut stream: TcpStream) -> RawClient {
    assert_eq!(said(&mut stream, &["STLS"]), ["+OK begin TLS\r\n"]);
    let name = "localhost".try_into().expect("a name");
    let config = Arc::new(authority.client(&[&TLS13], &[]));
    StreamOwned::new(ClientConnection::new(config, name).expect("a configuration"), stream)
}

fn encoded(octets: &str) -> String {
    String::from_utf8_lossy(Base64::encode(octets.as_bytes()).expose()).into_owned()
}
