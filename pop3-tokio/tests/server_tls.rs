//! The asynchronous server over TLS, from the first octet and by STLS.

#![cfg(all(feature = "server", feature = "net", feature = "tls"))]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pop3_tokio::pop3_proto::client::{Channel, Method, Security, Update, UseStls};
use pop3_tokio::pop3_proto::{Command, Mailbox, MechanismName, MessageNumber, Password};
use pop3_tokio::server::{Builder, Listener, Memory, Passwords, Server, ServerError, ServerTls};
use pop3_tokio::{COLLECT_LIMIT, Client, Outcome, Tls, TlsErrorKind};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
use certificates::Authority;

const GREETING: &str = "+OK POP3 server ready\r\n";

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn password() -> Password {
    Password::new("tan staaf").expect("a password")
}

fn server(authority: &Authority, messages: &[&[u8]]) -> Builder<Memory, Passwords> {
    let store = Memory::new();
    store.create(&mrose());
    for message in messages {
        store.deliver(&mrose(), message.to_vec());
    }
    let passwords = [(mrose(), password())].into_iter().collect();
    let mut builder = Server::builder(store, passwords);
    let issued = authority.issue();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    builder.tls = Some(tls.expect("a certificate"));
    builder
}

/// In clear and over TLS, until the test ends.
async fn spawn(builder: Builder<Memory, Passwords>) -> [SocketAddr; 2] {
    let (mut addresses, mut listeners) = (Vec::new(), Vec::new());
    for kind in [Listener::Clear, Listener::Tls] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        addresses.push(listener.local_addr().expect("an address"));
        listeners.push(kind(listener));
    }
    let server = Server::from(builder);
    tokio::spawn(async move { server.serve(listeners, std::future::pending()).await });
    addresses.try_into().expect("two")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Clear,
    Stls,
    Tls,
}

/// R8314-3.3, R2595-4.03, R5802-6.01: whole sessions, and over TLS the best login is bound to it.
#[tokio::test]
async fn a_whole_session_however_tls_begins() {
    let large = b"Subject: large\r\n\r\n..\r\n".iter().chain(&[b'x'; 60]).chain(b"\r\n");
    let large: Vec<u8> = large.copied().cycle().take(84 * 12500).collect();
    let authority = Authority::new();
    let addresses = spawn(server(&authority, &[&large, b"a\r\n"])).await;
    for version in [&TLS12, &TLS13] {
        for over in [Over::Clear, Over::Stls, Over::Tls] {
            let (security, stls) = match over {
                Over::Clear => (Security::StlsRequired, UseStls::Never),
                Over::Stls => (Security::StlsRequired, UseStls::Required),
                Over::Tls => (Security::Implicit, UseStls::Never),
            };
            let mut builder = Client::builder(security);
            builder.stls = Some(stls);
            builder.tls = Some(Arc::new(authority.client(&[version], &["pop3"])).into());
            let port = addresses[usize::from(over == Over::Tls)].port();
            let client = builder.connect("127.0.0.1", port).await.expect("a greeting");
            let mut session = client.login(&mrose(), &password()).await.expect("a login");
            let best = match over {
                Over::Clear => MechanismName::SCRAM_SHA_256,
                _ => MechanismName::SCRAM_SHA_256_PLUS,
            };
            assert_eq!(session.method(), Method::Sasl(best), "{over:?}");
            session.capabilities().await.expect("a list");
            let commands = [1, 2].map(|n| Command::Retr(MessageNumber::new(n).expect("not 0")));
            let mut pipeline = session.pipeline(commands, 2);
            let mut bodies = Vec::new();
            while let Some(reply) = pipeline.next().await {
                let Outcome::Body(body) = reply.expect("a reply").outcome else { panic!("none") };
                bodies.push(body.collect(COLLECT_LIMIT).await.expect("a message"));
            }
            drop(pipeline);
            assert!(bodies == [&large[..], b"a\r\n"], "{over:?}");
            assert_eq!(session.quit().await.expect("an answer"), Update::Committed);
        }
    }
}

/// S2.3, R2595-4.08: what comes in clear behind STLS is not answered, not in clear and not over TLS.
#[tokio::test]
async fn octets_behind_stls_are_never_answered() {
    let authority = Authority::new();
    let [address, _] = spawn(server(&authority, &[])).await;
    for behind in ["CAPA\r\n", "USER mrose\r\nPASS tan staaf\r\n", "x"] {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(format!("STLS\r\n{behind}").as_bytes()).await.expect("a write");
        let mut said = Vec::new();
        // A reset is as good an end.
        let _ = stream.read_to_end(&mut said).await;
        let said = String::from_utf8_lossy(&said);
        assert!(GREETING.starts_with(&*said) || said == GREETING, "{behind:?}: {said:?}");

        let stream = TcpStream::connect(address).await.expect("a connection");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("the greeting");
        stream.write_all(b"STLS\r\n").await.expect("a write");
        stream.read_line(&mut line).await.expect("an answer");
        assert_eq!(line, format!("{GREETING}+OK begin TLS\r\n"));
        stream.write_all(behind.as_bytes()).await.expect("a write");
        stream.shutdown().await.expect("a half-close");
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        // At most an alert of TLS.
        assert!(said.is_empty() || said[0] == 21, "{behind:?}: {said:?}");
    }
}

/// What was said before TLS is forgotten, and STLS does not come twice (RFC 2595 §4).
#[tokio::test]
async fn what_was_said_before_tls_is_forgotten() {
    let authority = Authority::new();
    let [address, _] = spawn(server(&authority, &[])).await;
    let mut stream = BufReader::new(TcpStream::connect(address).await.expect("a connection"));
    let mut said = String::new();
    stream.read_line(&mut said).await.expect("the greeting");
    stream.write_all(b"USER mrose\r\n").await.expect("a write");
    stream.read_line(&mut said).await.expect("an answer");
    // Directly behind USER there is no STLS.
    stream.write_all(b"CAPA x\r\nSTLS\r\n").await.expect("a write");
    stream.read_line(&mut said).await.expect("an answer");
    stream.read_line(&mut said).await.expect("an answer");
    assert!(said.ends_with("+OK begin TLS\r\n"), "{said}");
    let config = authority.client(&[&TLS13], &["pop3"]);
    let name = "localhost".try_into().expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream.into_inner()).await.expect("a handshake");
    let mut stream = BufReader::new(stream);
    let mut said = String::new();
    stream.write_all(b"PASS tan staaf\r\nSTLS\r\n").await.expect("a write");
    stream.read_line(&mut said).await.expect("an answer");
    stream.read_line(&mut said).await.expect("an answer");
    assert!(said.lines().all(|line| line.starts_with("-ERR")) && !said.is_empty(), "{said}");
}

type Refused = JoinHandle<Result<pop3_tokio::server::Ended, ServerError>>;

async fn kind(served: Refused) -> TlsErrorKind {
    match served.await.expect("no panic") {
        Err(ServerError::Tls(error)) => error.kind(),
        outcome => panic!("{outcome:?}"),
    }
}

/// B10, F19: silence within the handshake is given up, be it the first thing or behind STLS.
#[tokio::test(start_paused = true)]
async fn silence_within_the_handshake_is_given_up() {
    let authority = Authority::new();
    let server = Server::from(server(&authority, &[]));
    let began = Instant::now();
    let (_silent, transport) = duplex(4096);
    let tls = server.clone();
    let outcome = tokio::spawn(async move { tls.serve_tls_connection(transport).await });
    assert_eq!(kind(outcome).await, TlsErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), 30);

    let (mut silent, transport) = duplex(4096);
    let outcome =
        tokio::spawn(async move { server.serve_connection(transport, Channel::Trusted).await });
    silent.write_all(b"STLS\r\n").await.expect("a write");
    assert_eq!(kind(outcome).await, TlsErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), 60);
    let mut said = String::new();
    silent.read_to_string(&mut said).await.expect("a read");
    assert_eq!(said, format!("{GREETING}+OK begin TLS\r\n"));
}

/// RFC 8314 §4: a server without a certificate offers no STLS and begins none.
#[tokio::test]
async fn without_a_certificate_there_is_no_tls() {
    let authority = Authority::new();
    let mut builder = server(&authority, &[]);
    builder.tls = None;
    let server = Server::from(builder);
    let (mut client, transport) = duplex(4096);
    let clear = server.clone();
    let outcome =
        tokio::spawn(async move { clear.serve_connection(transport, Channel::Trusted).await });
    client.write_all(b"CAPA\r\nSTLS\r\n").await.expect("a write");
    let mut said = String::new();
    client.shutdown().await.expect("a half-close");
    let read = client.read_to_string(&mut said);
    timeout(Duration::from_secs(20), read).await.expect("an end").expect("a read");
    assert!(!said.contains("STLS"), "{said}");
    assert!(
        said.rsplit_once("\r\n.\r\n").is_some_and(|(_, last)| last.starts_with("-ERR")),
        "{said}"
    );
    outcome.await.expect("no panic").expect("no error");
    let (_client, transport) = duplex(64);
    let outcome = tokio::spawn(async move { server.serve_tls_connection(transport).await });
    assert_eq!(kind(outcome).await, TlsErrorKind::Configuration);
}

/// The certificate is what the client asks for: somebody else's authority is not believed.
#[tokio::test]
async fn a_client_that_does_not_believe_the_certificate_says_nothing() {
    let authority = Authority::new();
    let [_, address] = spawn(server(&authority, &[])).await;
    let mut builder = Client::builder(Security::Implicit);
    let another = Authority::new();
    builder.tls = Some(Tls::with_authorities(another.pem().as_bytes()).expect("an authority"));
    assert!(builder.connect("127.0.0.1", address.port()).await.is_err());
}
