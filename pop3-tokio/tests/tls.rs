//! TLS from the first octet and by STLS, against the blocking server and against servers without this
//! library.

#![cfg(feature = "tls")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use pop3_blocking::server::{Memory, Passwords, Running, Server, ServerTls};
use pop3_tokio::pop3_proto::client::{
    Channel, Choice, Credentials, Method, Security, SendError, Update,
};
use pop3_tokio::pop3_proto::{Command, Mailbox, MessageNumber, Password};
use pop3_tokio::{Builder, COLLECT_LIMIT, Client, Error, Outcome, Session, Tls};
use rustls::ALL_VERSIONS;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

mod support;
use support::{Lines, Pace, Paced, Responder, message, polled};

#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
use certificates::{Authority, Issued};

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn password() -> Password {
    Password::new("tan staaf").expect("a password")
}

fn builder(authority: &Authority, security: Security) -> Builder {
    let mut builder = Client::builder(security);
    builder.tls = Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
    builder
}

/// The blocking server, TLS from the first octet.
fn running(authority: &Authority, messages: &[&[u8]]) -> Running {
    let store = Memory::new();
    store.create(&mrose());
    for message in messages {
        store.deliver(&mrose(), message.to_vec());
    }
    let mut passwords = Passwords::new();
    passwords.insert(mrose(), &password());
    let mut server = Server::new(store, passwords);
    let issued = authority.issue();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    server.tls = Some(tls.expect("a certificate"));
    server.spawn_tls(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a server")
}

fn acceptor(issued: &Issued) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(issued.server(ALL_VERSIONS, &["pop3"])))
}

/// R8314-3.1.01, R8314-3.1.02: a whole session, octet for octet, by name and by address.
#[cfg(feature = "net")]
#[tokio::test]
async fn a_whole_session() {
    let authority = Authority::new();
    let large = b"Subject: large\r\n\r\n..\r\n".iter().chain(&[b'x'; 60]).chain(b"\r\n");
    let large: Vec<u8> = large.copied().cycle().take(84 * 12000).collect();
    let small: &[u8] = b"Subject: small\r\n\r\n.\r\n";
    let running = running(&authority, &[&large, small, small]);
    let builder = builder(&authority, Security::Implicit);
    for host in ["localhost", "127.0.0.1", "LocalHost"] {
        let client = builder.connect(host, running.address().port()).await.expect("a greeting");
        let bindings = client.channel_bindings();
        assert!(bindings.tls_exporter.is_some() && bindings.tls_server_end_point.is_some());
        let mut session = client.login(&mrose(), &password()).await.expect("a login");
        assert_eq!(session.channel(), Channel::Tls);
        assert!(session.capabilities().await.expect("a list").pipelining());
        let mut pipeline = session.pipeline((1..=3).map(|n| Command::Retr(number(n))), 3);
        let mut bodies = Vec::new();
        while let Some(reply) = pipeline.next().await {
            let Outcome::Body(body) = reply.unwrap().outcome else { panic!("refused") };
            bodies.push(body.collect(COLLECT_LIMIT).await.unwrap());
        }
        drop(pipeline);
        assert!(bodies[0] == large, "{} octets of {}", bodies[0].len(), large.len());
        assert_eq!(bodies[1..], [small, small]);
        assert_eq!(session.quit().await.unwrap(), Update::Committed);
    }
    running.stop();
}

/// Speaks POP3 over TLS until the client has gone; how it went.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: TlsStream<S>, lines: Lines) -> bool {
    let mut responder = Responder::default();
    responder.lines = lines;
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return true,
            Ok(read) => {
                let reply = responder.answer(&buffer[..read]);
                if stream.write_all(reply.as_bytes()).await.is_err()
                    || stream.flush().await.is_err()
                {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}

async fn user_pass<S>(client: Client<S>) -> Session<S>
where
    S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug,
{
    let credentials = Credentials::password(mrose(), password());
    client.login_with(credentials, Choice::Only(Method::UserPass)).await.expect("a login")
}

/// A record that was tampered with is an error of TLS, and the session is over.
#[tokio::test(start_paused = true)]
async fn a_broken_record_ends_the_session() {
    let authority = Authority::new();
    let (server, transport) = duplex(4096);
    let acceptor = acceptor(&authority.issue());
    let spoiled = tokio::spawn(async move {
        let mut server = acceptor.accept(server).await.unwrap();
        server.write_all(b"+OK\r\n").await.unwrap();
        server.read_exact(&mut [0; 6]).await.unwrap();
        let (mut bare, _) = server.into_inner();
        bare.write_all(b"\x17\x03\x03\x00\x20").await.unwrap();
        bare.write_all(&[7; 32]).await.unwrap();
        bare
    });
    let builder = builder(&authority, Security::Implicit);
    let mut client = builder.over_tls(transport, "localhost").await.unwrap();
    let error = client.capabilities().await.unwrap_err();
    assert!(error.is_tls(), "{error:?}");
    let error = client.capabilities().await.unwrap_err();
    assert!(matches!(error, Error::Send(SendError::Over)), "{error:?}");
    drop(spoiled.await.unwrap());
}

/// I11 under TLS: a record half written and one half read are as safe as a line.
#[tokio::test(start_paused = true)]
async fn dropped_at_every_point_a_call_leaves_the_session_in_step() {
    let authority = Authority::new();
    let acceptor = acceptor(&authority.issue());
    let builder = builder(&authority, Security::Implicit);
    for pace in [1, 5, 4096].map(Pace::Each).into_iter().chain((0..8).map(Pace::Random)) {
        for polls in 0.. {
            let lines = Lines::default();
            let (server, transport) = duplex(64);
            let (accepting, heard) = (acceptor.clone(), Arc::clone(&lines));
            tokio::spawn(async move {
                let mut stream = accepting.accept(server).await.expect("a handshake");
                stream.write_all(b"+OK ready\r\n").await.expect("a client");
                stream.flush().await.expect("a client");
                serve(stream, heard).await
            });
            let transport = Paced::new(transport, pace);
            let client = builder.over_tls(transport, "localhost").await.expect("a greeting");
            let mut session = user_pass(client).await;
            lines.lock().unwrap().clear();
            let retr = async {
                let body = session.retr(number(1)).await.unwrap();
                body.collect(COLLECT_LIMIT).await.unwrap()
            };
            let done = polled(polls, retr).await;
            assert_eq!(session.list_one(number(2)).await.unwrap().octets, 20, "{polls} {pace:?}");
            let said = lines.lock().unwrap().clone();
            let expected = ["RETR 1", "LIST 2"];
            assert_eq!(said, expected[usize::from(polls == 0)..], "{polls} {pace:?}");
            assert_eq!(session.quit().await.unwrap(), Update::Committed);
            if let Some(octets) = done {
                assert_eq!(octets, message("1").as_bytes());
                assert!(polls > 2, "it never waited");
                break;
            }
        }
    }
}

/// A server that takes nothing more does not hold up an end that it has answered already.
#[tokio::test(start_paused = true)]
async fn saying_goodbye_takes_no_more_than_a_moment() {
    let authority = Authority::new();
    let (server, transport) = duplex(16);
    let acceptor = acceptor(&authority.issue());
    let talk = tokio::spawn(async move {
        let mut server = acceptor.accept(server).await.unwrap();
        server.write_all(b"+OK\r\n").await.unwrap();
        server.flush().await.unwrap();
        server.read_exact(&mut [0; 6]).await.unwrap();
        server.write_all(b"+OK\r\n").await.unwrap();
        server.flush().await.unwrap();
        // Until the client has gone, without reading.
        tokio::time::sleep(Duration::from_secs(100)).await;
    });
    let builder = builder(&authority, Security::Implicit);
    let client = builder.over_tls(transport, "localhost").await.unwrap();
    let since = Instant::now();
    assert_eq!(client.quit().await.unwrap(), Update::NotRequested);
    assert!(since.elapsed() <= Duration::from_secs(2), "{:?}", since.elapsed());
    talk.await.unwrap();
}
