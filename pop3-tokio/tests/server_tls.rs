//! The asynchronous server over TLS, from the first octet and by STLS.

#![cfg(all(feature = "server", feature = "net", feature = "tls"))]

use std::net::SocketAddr;
use std::sync::Arc;

use pop3_tokio::pop3_proto::client::{Method, Security, Update, UseStls};
use pop3_tokio::pop3_proto::{Command, Mailbox, MechanismName, MessageNumber, Password};
use pop3_tokio::server::{Builder, Listener, Memory, Passwords, Server, ServerTls};
use pop3_tokio::{COLLECT_LIMIT, Client, Outcome};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpListener;

#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
use certificates::Authority;

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

/// RFC 8314 §3.3, R2595-4.01, R5802-6.01: whole sessions, and over TLS the best login is bound to it.
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
