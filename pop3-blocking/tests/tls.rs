//! TLS from the first octet, both sides, against each other and against peers without this library.

#![cfg(all(feature = "server", feature = "tls"))]

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{Channel, ProtocolError, Security, Update};
use pop3_blocking::pop3_proto::{Command, Mailbox, MessageNumber, Password};
use pop3_blocking::rustls;
use pop3_blocking::server::{Ended, Listener, Memory, Passwords, Running, Server, ServerTls};
use pop3_blocking::{
    COLLECT_LIMIT, Client, Error, Outcome, Session, Timeouts, Tls, TlsError, TlsErrorKind,
};
use rustls::ALL_VERSIONS;
use rustls::version::{TLS12, TLS13};

#[path = "support/certificates.rs"]
mod certificates;
use certificates::{Authority, RawServer, raw_client, raw_server};

/// Time that only a broken test needs.
const LONG: Duration = Duration::from_secs(20);

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn password() -> Password {
    Password::new("tan staaf").expect("a password")
}

fn server(authority: &Authority, messages: &[&[u8]]) -> Server<Memory, Passwords> {
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
    server
}

fn spawn(server: Server<Memory, Passwords>) -> Running {
    server.spawn_tls(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a server")
}

fn builder(authority: &Authority) -> pop3_blocking::Builder {
    let mut builder = Client::builder(Security::Implicit);
    builder.tls = Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
    builder
}

fn log_in(authority: &Authority, port: u16) -> Session<TcpStream> {
    let client = builder(authority).connect("localhost", port).expect("a greeting");
    client.login(&mrose(), &password()).expect("a login")
}

fn tls_error<T>(result: Result<T, Error>) -> TlsError {
    match result {
        Ok(_) => panic!("TLS succeeded"),
        Err(Error::Tls(error)) => error,
        Err(error) => panic!("{error:?}"),
    }
}

/// A POP3 server of a few words: answers all but CAPA with `+OK`, and RETR with the beginning of a
/// message; ends with QUIT, or after the beginning.
fn few_words(stream: &mut RawServer) -> io::Result<()> {
    stream.write_all(b"+OK\r\n")?;
    loop {
        let mut line = Vec::new();
        BufReader::with_capacity(1, &mut *stream).read_until(b'\n', &mut line)?;
        stream.write_all(if line.starts_with(b"CAPA") { b"-ERR\r\n" } else { b"+OK\r\n" })?;
        if line.starts_with(b"RETR") {
            stream.write_all(b"Subject: cut\r\n")?;
        }
        stream.flush()?;
        if line.is_empty() || line.starts_with(b"RETR") || line.starts_with(b"QUIT") {
            return Ok(());
        }
    }
}

/// R8314-3.1.01, R8314-3.1.02: a whole session, octet for octet, by name and by address.
#[test]
fn a_whole_session() {
    let authority = Authority::new();
    let mut large = b"Subject: large\r\n\r\n".to_vec();
    let mut state = 1_u32;
    while large.len() < 1024 * 1024 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [octet, _, _, dots] = state.to_be_bytes();
        large.push(octet | 0x20);
        if dots < 8 {
            large.extend(b"\r\n..");
        }
    }
    large.extend(b"\r\n");
    let small: &[u8] = b"Subject: small\r\n\r\n.\r\n";
    let running = spawn(server(&authority, &[&large, small, small]));
    for host in ["localhost", "127.0.0.1", "LocalHost"] {
        let builder = builder(&authority);
        let client = builder.connect(host, running.address().port()).expect("a greeting");
        let bindings = client.channel_bindings();
        assert!(bindings.tls_exporter.is_some() && bindings.tls_server_end_point.is_some());
        let mut session = client.login(&mrose(), &password()).expect("a login");
        session.capabilities().expect("a list");
        assert!(session.may_pipeline());
        let mut pipeline = session.pipeline((1..=3).map(|n| Command::Retr(number(n))), 3);
        let mut bodies = Vec::new();
        while let Some(reply) = pipeline.next() {
            let Outcome::Body(body) = reply.unwrap().outcome else { panic!("refused") };
            bodies.push(body.collect(COLLECT_LIMIT).unwrap());
        }
        drop(pipeline);
        assert!(bodies[0] == large, "{} octets of {}", bodies[0].len(), large.len());
        assert_eq!(bodies[1..], [small, small]);
        assert_eq!(session.quit().unwrap(), Update::Committed);
    }
    let mut session = log_in(&authority, running.address().port());
    session.dele(number(1)).unwrap();
    assert_eq!(session.quit().unwrap(), Update::Committed);
    let mut session = log_in(&authority, running.address().port());
    assert_eq!(session.stat().unwrap().messages, 2);
    drop(session);
    running.stop();
}

/// R6186-4.02, R6186-5.01: a client names the host that it wants, so that domains that share an address show a
/// certificate each, and a user of either logs in by his address.
#[test]
fn domains_that_share_an_address_are_told_apart() {
    let authority = Authority::new();
    let mut by_name = rustls::server::ResolvesServerCertUsingSni::new();
    let provider = rustls::crypto::ring::default_provider();
    let mut config = authority.issue().server(ALL_VERSIONS, &["pop3"]);
    let domains = ["pop.example.com", "pop.example.net"];
    for domain in domains {
        let issued = authority.issue_for(&[domain], |_| {});
        by_name.add(domain, issued.certified(&provider)).expect("a certificate");
    }
    config.cert_resolver = Arc::new(by_name);
    let mut server = server(&authority, &[]);
    server.tls = Some(Arc::new(config).into());
    for name in ["user@example.com", "user@example.net"] {
        let mailbox = Mailbox::new(name).expect("a mailbox");
        server.store.create(&mailbox);
        server.authenticator.insert(mailbox, &password());
    }
    let running = spawn(server);
    for domain in domains {
        let transport = TcpStream::connect(running.address()).expect("a connection");
        let client = builder(&authority).over_tls(transport, domain).expect(domain);
        let user = Mailbox::new(&domain.replace("pop.", "user@")).expect("a mailbox");
        client.login(&user, &password()).expect(domain).quit().expect("an answer");
    }
    // Whoever names no host, or another, is shown none.
    let transport = TcpStream::connect(running.address()).expect("a connection");
    tls_error(builder(&authority).over_tls(transport, "pop.example.org"));
    running.stop();
}

/// B11: what no verifier could verify is refused before anything is connected.
#[test]
fn a_name_that_no_certificate_could_be_for() {
    let authority = Authority::new();
    let error = tls_error(builder(&authority).connect("not a name", 1));
    assert_eq!(error.kind(), TlsErrorKind::ServerName);
    let bare = Tls::server_name("::1").expect("an address");
    assert_eq!(Tls::server_name("[::1]").expect("an address"), bare);
    for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x"] {
        let error = Tls::with_authorities(pem.as_bytes()).expect_err("no authority");
        assert_eq!(error.kind(), TlsErrorKind::Configuration);
    }
    let (one, other) = (authority.issue(), authority.issue());
    for (chain, key) in [(&one.chain, &other.key), (&one.chain, &one.chain), (&one.key, &one.key)] {
        let error = ServerTls::from_pem(chain.as_bytes(), key.as_bytes()).expect_err("no match");
        assert_eq!(error.kind(), TlsErrorKind::Configuration);
    }
}

/// B9: silence within the handshake ends, and so does a record that never becomes whole.
#[test]
fn a_silent_peer_times_out() {
    let authority = Authority::new();
    for dribbles in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let began = Instant::now();
            // A handshake record of 16384 octets.
            let mut octets = [22, 3, 3, 0x40, 0].into_iter().chain(std::iter::repeat(0));
            while dribbles && stream.write_all(&[octets.next().unwrap()]).is_ok() {
                assert!(began.elapsed() < LONG, "it is never given up");
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let mut builder = builder(&authority);
        builder.deadlines.tls = Duration::from_millis(300);
        let began = Instant::now();
        let error = builder.connect("127.0.0.1", port).expect_err("silence");
        assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < LONG);
        assert!(error.is_timeout() && error.is_tls(), "{error:?}");
        assert_eq!(error.to_string(), "timed out waiting for the TLS handshake");
        peer.join().unwrap();
    }
}

/// B9: records that say nothing do not stretch a deadline.
#[test]
fn records_without_octets_gain_no_time() {
    let authority = Authority::new();
    let (port, peer) = raw_server(authority.issue().server(&[&TLS13], &[]), |stream| {
        stream.write_all(b"+OK\r\n")?;
        stream.flush()?;
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < LONG, "it is never given up");
            stream.conn.refresh_traffic_keys().expect("TLS 1.3");
            if stream.flush().is_err() {
                return io::Result::Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut builder = builder(&authority);
    builder.deadlines.reply = Duration::from_millis(300);
    let mut client = builder.connect("localhost", port).expect("a greeting");
    let error = client.capabilities().expect_err("nothing");
    assert!(matches!(error, Error::Protocol(ProtocolError::TimedOut { .. })), "{error:?}");
    drop(client);
    peer.join().unwrap().unwrap();
}

/// B10: unfinished handshakes hold their places until their deadline, and no longer; clear and TLS
/// count together.
#[test]
fn an_unfinished_handshake_is_freed() {
    let authority = Authority::new();
    let mut server = server(&authority, &[]);
    server.deadlines.tls = Duration::from_millis(500);
    server.connections.per_address = 2;
    let listeners = [Listener::Clear, Listener::Tls]
        .map(|listener| listener(TcpListener::bind("127.0.0.1:0").unwrap()));
    let running = server.spawn_all(listeners).unwrap();
    let [clear, tls] = *running.addresses() else { panic!("two listeners") };
    assert_eq!(running.address(), clear);
    let mut silent = [TcpStream::connect(tls).unwrap(), TcpStream::connect(tls).unwrap()];
    let refused = |port| builder(&authority).connect("localhost", port).is_err();
    assert!(refused(tls.port()));
    let mut in_clear = Client::builder(Security::StlsRequired);
    in_clear.tls = builder(&authority).tls;
    let error = in_clear.connect("127.0.0.1", clear.port()).expect_err("no place");
    assert!(matches!(&error, Error::Refused(_)), "{error}");
    for silent in &mut silent {
        let _ = silent.read_to_end(&mut Vec::new());
    }
    let began = Instant::now();
    while refused(tls.port()) {
        assert!(began.elapsed() < LONG, "the places are never free");
        std::thread::sleep(Duration::from_millis(5));
    }
    log_in(&authority, tls.port()).quit().unwrap();
    in_clear.connect("127.0.0.1", clear.port()).expect("a place").quit().unwrap();
    running.stop();
}

/// B10: the handshake of one is awaited by nobody else.
#[test]
fn a_silent_client_holds_nobody_up() {
    let authority = Authority::new();
    let mut server = server(&authority, &[]);
    server.deadlines.tls = LONG;
    let running = spawn(server);
    let silent = TcpStream::connect(running.address()).unwrap();
    let began = Instant::now();
    log_in(&authority, running.address().port()).quit().unwrap();
    assert!(began.elapsed() < LONG / 2);
    drop(silent);
    running.stop();
}

#[test]
fn without_a_certificate_there_is_no_listener() {
    let server = Server::new(Memory::new(), Passwords::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = server.spawn_tls(listener).expect_err("no certificate");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

/// R8314-3.4.01: the client says that it ends, after QUIT and dropped in the middle.
#[test]
fn a_client_closes_tls() {
    let authority = Authority::new();
    for quits in [true, false] {
        for version in [&TLS12, &TLS13] {
            let (port, peer) = raw_server(authority.issue().server(&[version], &[]), |stream| {
                stream.write_all(b"+OK\r\n")?;
                stream.flush()?;
                let mut line = [0; 6];
                stream.read_exact(&mut line)?;
                stream.write_all(if line == *b"QUIT\r\n" {
                    b"+OK\r\n"
                } else {
                    b"+OK\r\n.\r\n"
                })?;
                stream.flush()?;
                // Without close_notify this is an error.
                stream.read_to_end(&mut Vec::new())
            });
            if quits {
                // A transport that knows no write without waiting.
                let stream = Dribble::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
                builder(&authority).over_tls(stream, "localhost").unwrap().quit().unwrap();
            } else {
                let client = builder(&authority).connect("localhost", port);
                client.expect("a greeting").capabilities().unwrap();
            }
            assert_eq!(peer.join().unwrap().expect("close_notify"), 0);
        }
    }
}

/// RFC 7301 §3.2 at the server: `pop3` and nothing are served, anything else is refused.
#[test]
fn a_server_refuses_other_protocols() {
    let authority = Authority::new();
    let running = spawn(server(&authority, &[]));
    let said = |protocols: &[&str]| {
        let config = authority.client(ALL_VERSIONS, protocols);
        let mut client = raw_client(config, running.address().port());
        let written = client.write_all(b"QUIT\r\n");
        let mut said = String::new();
        let read = written.and_then(|()| client.read_to_string(&mut said));
        read.map(|_| (said, client.conn.alpn_protocol().map(<[u8]>::to_vec)))
    };
    let served = "+OK POP3 server ready\r\n+OK bye\r\n".to_owned();
    assert_eq!(said(&[]).unwrap(), (served.clone(), None));
    for protocols in [&["pop3"][..], &["imap", "pop3"]] {
        assert_eq!(said(protocols).unwrap(), (served.clone(), Some(b"pop3".to_vec())));
    }
    let error = said(&["imap", "http/1.1"]).expect_err("no protocol in common");
    let error = error.downcast::<rustls::Error>().expect("an alert");
    assert_eq!(
        error,
        rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol)
    );
    running.stop();
}

/// RFC 7301 §3.2 at the client, and how to go without.
#[test]
fn a_client_offers_pop3() {
    let authority = Authority::new();
    let connect = |protocols: &[&str], alpn: bool| {
        let (port, peer) =
            raw_server(authority.issue().server(ALL_VERSIONS, protocols), |stream| {
                let words = few_words(stream);
                words.map(|()| stream.conn.alpn_protocol().map(<[u8]>::to_vec))
            });
        let mut builder = builder(&authority);
        if !alpn {
            builder.tls = builder.tls.map(Tls::without_alpn);
        }
        let quit = builder.connect("localhost", port).map(|client| client.quit().unwrap());
        (quit, peer.join().unwrap().ok())
    };
    for (protocols, alpn, chosen) in [
        (&["pop3"][..], true, Some(b"pop3".to_vec())),
        (&["imap", "pop3"], true, Some(b"pop3".to_vec())),
        (&[], true, None),
        (&["imap"], false, None),
    ] {
        let (quit, alpn) = connect(protocols, alpn);
        quit.expect("a session");
        assert_eq!(alpn, Some(chosen), "{protocols:?}");
    }
    let error = tls_error(connect(&["imap"], true).0);
    assert_eq!(error.kind(), TlsErrorKind::NoApplicationProtocol);
}

/// R9266-3.01: what a client binds to over TLS 1.3 is what the label and no context export at the other end.
#[test]
fn both_ends_export_the_same() {
    let authority = Authority::new();
    let (port, peer) = raw_server(authority.issue().server(&[&TLS13], &[]), |stream| {
        few_words(stream)?;
        let exported =
            stream.conn.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[]));
        io::Result::Ok(exported.expect("TLS 1.3"))
    });
    let client = builder(&authority).connect("localhost", port).expect("a greeting");
    let exported = client.channel_bindings().tls_exporter;
    client.quit().unwrap();
    assert_eq!(exported, Some(peer.join().unwrap().unwrap()));
}

/// R8314-4.01: 1.2 and 1.3, and each alone; the exporter binds in 1.3 only (RFC 9266 §4.2).
#[test]
fn either_version_will_do() {
    let authority = Authority::new();
    for (version, exports) in [(&TLS12, false), (&TLS13, true)] {
        let config = authority.issue().server(&[version], &["pop3"]);
        let (port, peer) = raw_server(config, few_words);
        let client = builder(&authority).connect("localhost", port).expect("a greeting");
        let bindings = client.channel_bindings();
        assert_eq!(bindings.tls_exporter.is_some(), exports);
        assert_eq!(bindings.tls_server_end_point.map(|hash| hash.len()), Some(32));
        client.quit().unwrap();
        peer.join().unwrap().unwrap();

        let mut server = server(&authority, &[]);
        server.tls = Some(Arc::new(authority.issue().server(&[version], &[])).into());
        let running = spawn(server);
        log_in(&authority, running.address().port()).quit().unwrap();
        let mut builder = builder(&authority);
        builder.tls = Some(Arc::new(authority.client(&[version], &[])).into());
        builder.connect("localhost", running.address().port()).unwrap().quit().unwrap();
        running.stop();
    }
    let (port, peer) = raw_server(authority.issue().server(&[&TLS12], &[]), few_words);
    let mut builder = builder(&authority);
    builder.tls = Some(Arc::new(authority.client(&[&TLS13], &[])).into());
    assert_eq!(tls_error(builder.connect("localhost", port)).kind(), TlsErrorKind::Failed);
    assert!(peer.join().unwrap().is_err());
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, there)
}

/// Reads and writes one octet at a time, and is interrupted every third time.
#[derive(Debug)]
struct Dribble {
    stream: TcpStream,
    calls: usize,
}

impl Dribble {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, calls: 0 }
    }

    fn interrupted(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls % 3 == 0 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted()?;
        self.stream.read(&mut buffer[..1])
    }
}

impl Write for Dribble {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.interrupted()?;
        self.stream.write(&octets[..1])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.interrupted()
    }
}

impl Timeouts for Dribble {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_timeout(timeout)
    }
}

/// And a name that is written to its root.
#[test]
fn one_octet_at_a_time() {
    let authority = Authority::new();
    let message = [b"Subject: x\r\n\r\n".to_vec(), b".dot and more\r\n".repeat(1500)].concat();
    let (here, there) = pair();
    let server = server(&authority, &[&message]);
    let (here, there) = (Dribble::new(here), Dribble::new(there));
    let serving = std::thread::spawn(move || server.serve_tls_connection(here).unwrap());
    let client = builder(&authority).over_tls(there, "localhost.").expect("a greeting");
    let mut session = client.login(&mrose(), &password()).expect("a login");
    session.capabilities().unwrap();
    assert_eq!(session.retr(number(1)).unwrap().collect(COLLECT_LIMIT).unwrap(), message);
    session.dele(number(1)).unwrap();
    assert_eq!(session.quit().unwrap(), Update::Committed);
    assert_eq!(serving.join().unwrap(), Ended::Committed);
}

/// R8314-5.2.01: by default a client believes whom the platform believes, and nobody else.
#[cfg(target_os = "linux")]
#[test]
fn the_platform_is_asked_by_default() {
    let authority = Authority::new();
    let running = spawn(server(&authority, &[]));
    for (known, succeeds) in [(&authority, true), (&Authority::new(), false)] {
        let mut store = tempfile::NamedTempFile::new().unwrap();
        store.write_all(known.pem().as_bytes()).unwrap();
        // The environment of a process of its own, for it cannot be changed safely in this one.
        let connecting = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "as_the_platform_believes", "--ignored"])
            .env("SSL_CERT_FILE", store.path())
            .env("PORT", running.address().port().to_string())
            .output()
            .unwrap();
        assert_eq!(connecting.status.success(), succeeds, "{connecting:?}");
        let told = String::from_utf8_lossy(&connecting.stdout);
        let outcome = if succeeds { "1 passed" } else { "InvalidCertificate" };
        assert!(told.contains(outcome), "{connecting:?}");
    }
    running.stop();
}

#[test]
#[ignore = "the test above runs it, in a process of its own"]
fn as_the_platform_believes() {
    let port = std::env::var("PORT").expect("a port").parse().expect("a port");
    let client = Client::builder(Security::Implicit).connect("localhost", port);
    client.expect("a greeting").quit().expect("an answer");
}

/// Nobody's list of authorities has one that was made for this test.
#[cfg(feature = "webpki-roots")]
#[test]
fn mozilla_does_not_know_everybody() {
    let authority = Authority::new();
    let running = spawn(server(&authority, &[]));
    let mut builder = Client::builder(Security::Implicit);
    builder.tls = Some(Tls::mozilla().expect("a list"));
    let error = tls_error(builder.connect("localhost", running.address().port()));
    assert_eq!(error.kind(), TlsErrorKind::UnknownIssuer);
    running.stop();
}

/// TLS that somebody else has begun is a channel like any other.
#[test]
fn tls_of_ones_own() {
    let authority = Authority::new();
    let running = spawn(server(&authority, &[]));
    let stream = raw_client(authority.client(ALL_VERSIONS, &["pop3"]), running.address().port());
    let client = Client::builder(Security::Implicit).over_untimed(stream, Channel::Tls);
    client.unwrap().login(&mrose(), &password()).expect("a login").quit().unwrap();
    running.stop();
}
