//! Who is at the other end of TLS, and how it is known: names in certificates, versions and suites, certificates
//! of clients.

#![cfg(all(feature = "server", feature = "tls"))]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3_blocking::pop3_proto::client::{Channel, Security};
use pop3_blocking::pop3_proto::{Mailbox, Password};
use pop3_blocking::rustls;
use pop3_blocking::server::{Memory, Passwords, Server, ServerTls};
use pop3_blocking::{Builder, Client, Error, Tls, TlsErrorKind};
use rcgen::{DnType, ExtendedKeyUsagePurpose, SanType};
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ALL_VERSIONS, CipherSuite, ClientConfig, ClientConnection, RootCertStore, ServerConfig,
    SignatureScheme, StreamOwned,
};

#[path = "support/certificates.rs"]
mod certificates;
use certificates::{Authority, Issued, RawServer, raw_client, raw_server};

fn builder(authority: &Authority) -> Builder {
    let mut builder = Client::builder(Security::Implicit);
    builder.tls = Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
    builder
}

/// Greets, and hears a client say QUIT; gives what `look` sees, however far that came.
fn greets<T>(stream: &mut RawServer, look: impl FnOnce(&RawServer) -> T) -> T {
    let mut line = [0; 6];
    let talk = stream
        .write_all(b"+OK\r\n")
        .and_then(|()| stream.flush())
        .and_then(|()| stream.read_exact(&mut line))
        .and_then(|()| stream.write_all(b"+OK\r\n"))
        .and_then(|()| stream.flush());
    assert!(talk.is_err() || line == *b"QUIT\r\n");
    look(stream)
}

/// What was wrong with the peer, if anything was.
fn kind(opened: Result<Client<TcpStream>, Error>) -> Option<TlsErrorKind> {
    match opened {
        Ok(client) => {
            client.quit().expect("an answer");
            None
        }
        Err(Error::Tls(error)) => Some(error.kind()),
        Err(error) => panic!("{error:?}"),
    }
}

/// R7817-3.02, R7817-3.04: the certificate has to be for the host as the caller named it, not for what that leads to; a
/// name is told to the server (SNI, RFC 6066 §3), an address is not.
#[test]
fn the_name_that_is_verified_is_the_callers() {
    let authority = Authority::new();
    for (certified, host, told, wrong) in [
        ("localhost", "localhost", Some("localhost"), None),
        ("localhost", "127.0.0.1", None, Some(TlsErrorKind::WrongName)),
        ("127.0.0.1", "localhost", Some("localhost"), Some(TlsErrorKind::WrongName)),
        ("127.0.0.1", "127.0.0.1", None, None),
    ] {
        let config = authority.issue_for(&[certified], |_| {}).server(ALL_VERSIONS, &[]);
        let (port, peer) = raw_server(config, |stream| {
            greets(stream, |stream| stream.conn.server_name().map(str::to_owned))
        });
        assert_eq!(kind(builder(&authority).connect(host, port)), wrong, "{certified} {host}");
        assert_eq!(peer.join().expect("a server").as_deref(), told, "{certified} {host}");
    }
}

/// R7817-3.01, R7817-3.04, R7817-3.05, R7817-3.06: a DNS-ID matches as a whole, or by a first label that is `*` and
/// nothing else; a URI-ID never does, nor a CN-ID.
#[test]
fn identifiers_match_by_label() {
    let authority = Authority::new();
    let other: &[&str] = &["other.example.org"];
    let uri = || SanType::URI("pop://mail.example.org".try_into().expect("ASCII"));
    let cases: [(&[&str], bool, &str, bool); 16] = [
        (&["mail.example.org"], false, "mail.example.org", true),
        (&["mail.example.org"], false, "MAIL.Example.ORG", true),
        (&["other.example.org", "mail.example.org"], false, "mail.example.org", true),
        (&["*.example.org"], false, "mail.example.org", true),
        (&["*.example.org"], false, "example.org", false),
        (&["*.example.org"], false, "a.mail.example.org", false),
        (&["*.example.org"], false, "mail.example.com", false),
        (&["m*.example.org"], false, "mail.example.org", false),
        (&["*l.example.org"], false, "mail.example.org", false),
        (&["ma*l.example.org"], false, "mail.example.org", false),
        (&["mail.*.org"], false, "mail.example.org", false),
        (&["example.org"], false, "mail.example.org", false),
        (&["mail.example.org.example.com"], false, "mail.example.org", false),
        (other, false, "mail.example.org", false),
        (other, true, "mail.example.org", false),
        (&[], true, "mail.example.org", false),
    ];
    for (names, elsewhere, host, matches) in cases {
        let issued = authority.issue_for(names, |parameters| {
            if elsewhere {
                parameters.subject_alt_names.push(uri());
                parameters.distinguished_name.push(DnType::CommonName, "mail.example.org");
            }
        });
        let (port, peer) =
            raw_server(issued.server(ALL_VERSIONS, &[]), |stream| greets(stream, |_| ()));
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        let wrong = match builder(&authority).over_tls(stream, host) {
            Ok(client) => {
                client.quit().expect("an answer");
                None
            }
            Err(Error::Tls(error)) => Some(error.kind()),
            Err(error) => panic!("{error:?}"),
        };
        let expected = if matches { None } else { Some(TlsErrorKind::WrongName) };
        assert_eq!(wrong, expected, "{names:?} {host}");
        peer.join().expect("a server");
    }
}

/// R8996-4.01, R8314-4.01: what a client offers is TLS 1.3 and 1.2, and nothing below.
#[test]
fn a_client_offers_no_old_version() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 5];
        stream.read_exact(&mut head).expect("a record");
        let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut hello).expect("a ClientHello");
        hello
    });
    let failed = kind(builder(&Authority::new()).connect("localhost", port));
    assert_eq!(failed, Some(TlsErrorKind::Closed));
    let hello = peer.join().expect("a server");
    // ClientHello, its length, and its version, which is that of TLS 1.2 (RFC 8446 §4.1.2).
    assert_eq!((hello[0], &hello[4..6]), (1, &[3, 3][..]));
    // The extension supported_versions, its length, and both versions in two octets each.
    let versions = [0, 43, 0, 5, 4, 3, 4, 3, 3];
    assert!(hello.windows(9).any(|window| window == versions), "{hello:02x?}");
}

fn provider(suite: CipherSuite) -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|known| known.suite() == suite);
    Arc::new(provider)
}

/// R2595-9.01: which suites are good enough is the caller's to say, on either side; with nothing in common there is no
/// session.
#[test]
fn weak_suites_can_be_refused() {
    let authority = Authority::new();
    let suites =
        [CipherSuite::TLS13_AES_256_GCM_SHA384, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256];
    for ours in suites {
        for theirs in suites {
            let (chain, key) = parts(&authority.issue());
            let server = ServerConfig::builder_with_provider(provider(theirs))
                .with_protocol_versions(&[&TLS13])
                .expect("a version")
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .expect("a certificate");
            let (port, peer) = raw_server(server, |stream| greets(stream, |_| ()));
            let client = ClientConfig::builder_with_provider(provider(ours))
                .with_protocol_versions(&[&TLS13])
                .expect("a version")
                .with_root_certificates(roots(&authority))
                .with_no_client_auth();
            let mut builder = Client::builder(Security::Implicit);
            builder.tls = Some(Arc::new(client).into());
            let failed = kind(builder.connect("localhost", port));
            assert_eq!(failed, (ours != theirs).then_some(TlsErrorKind::Failed));
            peer.join().expect("a server");
        }
    }
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("an authority");
    roots.add(root).expect("an authority");
    roots
}

fn parts(issued: &Issued) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::from_pem_slice(issued.chain.as_bytes()).expect("a certificate");
    (vec![chain], PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("a key"))
}

/// A server that asks for a certificate and can do without.
fn asking(authority: &Authority) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::new(roots(authority));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let (chain, key) = parts(&authority.issue());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().expect("a verifier"))
        .with_single_cert(chain, key)
        .expect("a certificate")
}

/// A client that has a certificate.
fn certified(authority: &Authority) -> ClientConfig {
    let issued = authority.issue_for(&["mrose.example"], |parameters| {
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (chain, key) = parts(&issued);
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots(authority))
        .with_client_auth_cert(chain, key)
        .expect("a certificate")
}

/// R8314-5.5.01: a client shows a certificate if the caller gave it one and the server asks for it, and not otherwise.
#[test]
fn a_certificate_is_shown_to_whom_it_is_meant_for() {
    let authority = Authority::new();
    for (asks, has) in [(true, false), (false, true), (false, false), (true, true)] {
        let config =
            if asks { asking(&authority) } else { authority.issue().server(ALL_VERSIONS, &[]) };
        let (port, peer) = raw_server(config, |stream| {
            greets(stream, |stream| stream.conn.peer_certificates().map(<[_]>::len))
        });
        let mut builder = builder(&authority);
        if has {
            builder.tls = Some(Arc::new(certified(&authority)).into());
        }
        assert_eq!(kind(builder.connect("localhost", port)), None);
        let shown = peer.join().expect("a server");
        assert_eq!(shown.is_some(), asks && has, "asked for: {asks}, there: {has}");
    }
}

/// Has no certificate, and counts how often it is asked for one.
#[derive(Debug, Default)]
struct Asked(AtomicUsize);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn server(authority: &Authority) -> Server<Memory, Passwords> {
    let (store, mrose) = (Memory::new(), Mailbox::new("mrose").expect("a mailbox"));
    store.create(&mrose);
    let password = Password::new("tan staaf").expect("a password");
    let mut server = Server::new(store, [(mrose, password)].into_iter().collect());
    let issued = authority.issue();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    server.tls = Some(tls.expect("a certificate"));
    server
}

/// R8314-4.2.01: a server asks nobody for a certificate, unless its configuration is the caller's, who knows whose they
/// are.
#[test]
fn nobody_is_asked_for_a_certificate() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        for asks in [false, true] {
            let mut server = server(&authority);
            if asks {
                server.tls = Some(Arc::new(asking(&authority)).into());
            }
            let running = server.spawn_tls(TcpListener::bind("127.0.0.1:0").expect("a port"));
            let running = running.expect("a server");
            let asked = Arc::new(Asked::default());
            let mut config = authority.client(&[version], &[]);
            config.client_auth_cert_resolver = Arc::clone(&asked) as Arc<dyn ResolvesClientCert>;
            let mut client = raw_client(config, running.address().port());
            client.write_all(b"QUIT\r\n").expect("a write");
            client.read_to_string(&mut String::new()).expect("an answer");
            assert_eq!(asked.0.load(Ordering::Relaxed), usize::from(asks), "{version:?}");
            running.stop();
        }
    }
}

/// R2595-4.01, R8314-3.1.02: behind the greeting over TLS and behind STLS a session is in AUTHORIZATION, and a
/// certificate that the client showed changes nothing about that.
#[test]
fn a_certificate_logs_nobody_in() {
    let authority = Authority::new();
    for stls in [false, true] {
        for has in [false, true] {
            let mut server = server(&authority);
            server.tls = Some(Arc::new(asking(&authority)).into());
            let (mut here, there) = pair();
            let serving = std::thread::spawn(move || {
                if stls {
                    server.serve_connection(there, Channel::Trusted)
                } else {
                    server.serve_tls_connection(there)
                }
            });
            let greeting = "+OK POP3 server ready\r\n";
            let begin = "+OK begin TLS\r\n";
            if stls {
                hears(&mut here, greeting);
                here.write_all(b"STLS\r\n").expect("a write");
                hears(&mut here, begin);
            }
            let config =
                if has { certified(&authority) } else { authority.client(ALL_VERSIONS, &[]) };
            let name = "localhost".try_into().expect("a name");
            let client = ClientConnection::new(Arc::new(config), name).expect("a configuration");
            let mut client = StreamOwned::new(client, here);
            if !stls {
                hears(&mut client, greeting);
            }
            for (line, answer) in [
                ("STAT\r\n", "-ERR command not valid in this state\r\n"),
                ("USER mrose\r\n", "+OK send PASS\r\n"),
                ("PASS tan staaf\r\n", "+OK 0 messages\r\n"),
                ("STAT\r\n", "+OK 0 0\r\n"),
                ("QUIT\r\n", "+OK bye\r\n"),
            ] {
                client.write_all(line.as_bytes()).and_then(|()| client.flush()).expect("a write");
                hears(&mut client, answer);
            }
            serving.join().expect("a server").expect("a session");
        }
    }
}

fn hears(stream: &mut impl std::io::Read, expected: &str) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).expect("a line");
    assert_eq!(String::from_utf8_lossy(&heard), expected);
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = TcpStream::connect(listener.local_addr().expect("an address")).expect("a socket");
    (here, listener.accept().expect("a connection").0)
}
