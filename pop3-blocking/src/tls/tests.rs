//! The transport itself: the switch in both roles, and what is between octets and records.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

#[path = "../../tests/support/certificates.rs"]
mod certificates;
use certificates::Authority;

use super::{ChannelBindings, Peer, ServerTls, Tls, TlsErrorKind};
use crate::deadline::Timeouts;
use crate::transport::Transport;

const LONG: Duration = Duration::from_secs(20);

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (server, _) = listener.accept().expect("a peer");
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket");
    }
    (client, server)
}

fn peer(authority: &Authority, version: &'static SupportedProtocolVersion) -> Peer {
    let config = authority.client(&[version], &["pop3"]);
    Tls::from(Arc::new(config)).peer("localhost").expect("a name")
}

fn server_tls(authority: &Authority) -> ServerTls {
    let issued = authority.issue();
    ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).expect("a certificate")
}

fn read_exactly<S: Timeouts>(transport: &mut Transport<S>, len: usize) -> Vec<u8> {
    let mut octets = vec![0; len];
    transport.read_exact(&mut octets).expect("octets");
    octets
}

/// Asks again for as long as it is only a matter of asking; what waits must leave.
fn write_all_out<S: Timeouts>(transport: &mut Transport<S>, mut octets: &[u8]) {
    while !octets.is_empty() {
        match transport.write(octets) {
            Ok(len) => octets = &octets[len..],
            Err(error) => assert!(is_transient(&error), "{error}"),
        }
    }
    while let Err(error) = transport.flush() {
        assert!(is_transient(&error), "{error}");
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// A12, R2595: octets in clear before, octets over TLS behind, on both sides and in both versions; and
/// both sides bind to the same channel.
#[test]
fn a_plain_transport_turns_to_tls() {
    for (authority, len) in
        [(Authority::new(), 32), (Authority::named("SHA-384", &rcgen::PKCS_ECDSA_P384_SHA384), 48)]
    {
        for version in [&TLS12, &TLS13] {
            let (client, server) = pair();
            let tls = server_tls(&authority);
            let serving = std::thread::spawn(move || -> ChannelBindings {
                let mut transport = Transport::Clear(server);
                assert_eq!(read_exactly(&mut transport, 6), b"STLS\r\n");
                write_all_out(&mut transport, b"+OK\r\n");
                assert_eq!(transport.channel_bindings(), ChannelBindings::default());
                transport.upgrade_server(&tls, LONG).expect("a handshake");
                write_all_out(&mut transport, b"greetings");
                let said = read_exactly(&mut transport, 100_000);
                write_all_out(&mut transport, &said);
                let bindings = transport.channel_bindings();
                transport.close();
                bindings
            });
            let mut transport = Transport::Clear(client);
            write_all_out(&mut transport, b"STLS\r\n");
            assert_eq!(read_exactly(&mut transport, 5), b"+OK\r\n");
            transport.upgrade_client(peer(&authority, version), LONG).expect("a handshake");
            assert_eq!(read_exactly(&mut transport, 9), b"greetings");
            let said: Vec<u8> = (0..100_000_u32).flat_map(|n| [n.to_be_bytes()[3]]).collect();
            write_all_out(&mut transport, &said);
            assert!(read_exactly(&mut transport, said.len()) == said);
            let bindings = transport.channel_bindings();
            assert_eq!(bindings.tls_exporter.is_some(), version.version == TLS13.version);
            assert_eq!(bindings.tls_server_end_point.as_ref().map(Vec::len), Some(len));
            assert_eq!(serving.join().expect("a server"), bindings);
            assert_eq!(transport.read(&mut [0; 9]).expect("close_notify"), 0);
        }
    }
}

/// RFC 5929 §4.1: nothing where the signature has no hash function.
#[test]
fn ed25519_binds_by_its_exporter_alone() {
    let authority = Authority::named("Ed25519", &rcgen::PKCS_ED25519);
    let (client, server) = pair();
    let tls = server_tls(&authority);
    let serving = std::thread::spawn(move || {
        let mut transport = Transport::Clear(server);
        transport.upgrade_server(&tls, LONG).map(|()| transport.channel_bindings())
    });
    let mut transport = Transport::Clear(client);
    transport.upgrade_client(peer(&authority, &TLS13), LONG).expect("a handshake");
    let bindings = transport.channel_bindings();
    assert_eq!(bindings.tls_server_end_point, None);
    assert!(bindings.tls_exporter.is_some());
    assert!(!format!("{bindings:?}").contains('['), "which, not what");
    assert_eq!(serving.join().expect("a server").expect("a handshake"), bindings);
}

/// A1, A12: what stood in clear behind `+OK` is taken for TLS, and is none. Nothing goes on after it.
#[test]
fn octets_injected_before_tls_end_it() {
    let authority = Authority::new();
    let (client, mut server) = pair();
    server.write_all(b"+OK\r\n+OK injected\r\n").expect("a write");
    let mut transport = Transport::Clear(client);
    assert_eq!(read_exactly(&mut transport, 5), b"+OK\r\n");
    let error = transport.upgrade_client(peer(&authority, &TLS13), LONG).expect_err("no TLS");
    assert_eq!(error.kind(), TlsErrorKind::NotTls);
    assert_eq!(transport.read(&mut [0]).map_err(|error| error.kind()), gone());
    assert_eq!(transport.write(b"USER mrose\r\n").map_err(|error| error.kind()), gone());
    assert_eq!(transport.flush().map_err(|error| error.kind()), gone().map(drop));
    let again = transport.upgrade_client(peer(&authority, &TLS13), LONG).expect_err("no transport");
    assert_eq!(again.kind(), TlsErrorKind::Failed);
    let mut said = Vec::new();
    let _ = server.read_to_end(&mut said);
    assert!(!said.windows(4).any(|octets| octets == b"USER"));
}

fn gone() -> Result<usize, io::ErrorKind> {
    Err(io::ErrorKind::NotConnected)
}

const WHOLE: u8 = 0;
const FLAKY: u8 = 1;
const DEAF: u8 = 2;

/// A transport that works, or moves one octet at a time and mostly fails, or takes nothing any more.
struct Moody {
    stream: TcpStream,
    mood: Arc<AtomicU8>,
    calls: usize,
}

impl Moody {
    fn new(stream: TcpStream) -> (Self, Arc<AtomicU8>) {
        let mood = Arc::new(AtomicU8::new(WHOLE));
        (Self { stream, mood: Arc::clone(&mood), calls: 0 }, mood)
    }

    /// How many octets may be moved.
    fn room(&mut self, len: usize) -> io::Result<usize> {
        self.calls += 1;
        match (self.mood.load(Ordering::Acquire), self.calls % 3) {
            (FLAKY, 0) => Err(io::ErrorKind::Interrupted.into()),
            (FLAKY, 1) => Err(io::ErrorKind::WouldBlock.into()),
            (FLAKY, _) => Ok(1),
            _ => Ok(len),
        }
    }
}

impl Read for Moody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.room(buffer.len())?;
        self.stream.read(&mut buffer[..room])
    }
}

impl Write for Moody {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let room = self.room(octets.len())?;
        if self.mood.load(Ordering::Acquire) == DEAF {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.stream.write(&octets[..room])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.room(0).map(drop)
    }
}

impl Timeouts for Moody {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_timeout(timeout)
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream.try_write(octets)
    }
}

/// Both sides of TLS, the client's over a [`Moody`] transport.
fn established(
    version: &'static SupportedProtocolVersion,
) -> (Transport<Moody>, Arc<AtomicU8>, Transport<TcpStream>) {
    let authority = Authority::new();
    let (client, server) = pair();
    let tls = server_tls(&authority);
    let serving = std::thread::spawn(move || {
        let mut transport = Transport::Clear(server);
        transport.upgrade_server(&tls, LONG).map(|()| transport)
    });
    let (moody, mood) = Moody::new(client);
    let mut transport = Transport::Clear(moody);
    transport.upgrade_client(peer(&authority, version), LONG).expect("a handshake");
    (transport, mood, serving.join().expect("a server").expect("a handshake"))
}

/// Nothing is lost and nothing doubled, wherever a record is interrupted.
#[test]
fn partial_writes_and_reads_lose_nothing() {
    for version in [&TLS12, &TLS13] {
        let (mut transport, mood, mut server) = established(version);
        mood.store(FLAKY, Ordering::Release);
        let octets: Vec<u8> = (0..20_000_u32).map(|n| (n / 7).to_be_bytes()[3]).collect();
        let echoing = std::thread::spawn(move || {
            let said = read_exactly(&mut server, 20_000);
            write_all_out(&mut server, &said);
            server.close();
            said
        });
        for piece in octets.chunks(777) {
            write_all_out(&mut transport, piece);
        }
        let mut received = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            match transport.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => received.extend_from_slice(&buffer[..len]),
                Err(error) => assert!(is_transient(&error), "{error}"),
            }
        }
        assert!(echoing.join().expect("a server") == octets);
        assert!(received == octets);
    }
}

/// What was taken is on its way only when it was flushed, and a failed write takes nothing.
#[test]
fn a_write_that_fails_takes_nothing() {
    let (mut transport, mood, mut server) = established(&TLS13);
    assert_eq!(transport.write(b"one").expect("room"), 3);
    mood.store(DEAF, Ordering::Release);
    for _ in 0..3 {
        let error = transport.write(b"two").expect_err("a broken pipe");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(transport.flush().expect_err("still").kind(), io::ErrorKind::BrokenPipe);
    }
    mood.store(WHOLE, Ordering::Release);
    write_all_out(&mut transport, b"three");
    assert_eq!(read_exactly(&mut server, 8), b"onethree");
}

/// What a peer said before it stopped listening is read.
#[test]
fn last_words_are_read_where_nothing_can_be_written() {
    let (mut transport, mood, mut server) = established(&TLS13);
    write_all_out(&mut server, b"-ERR [SYS/TEMP] later\r\n");
    server.close();
    assert_eq!(transport.write(b"CAPA\r\n").expect("room"), 6);
    mood.store(DEAF, Ordering::Release);
    let mut said = Vec::new();
    transport.read_to_end(&mut said).expect("the end");
    assert_eq!(said, b"-ERR [SYS/TEMP] later\r\n");
}

/// R8314-3.4.01, R8314-3.4.02: dropping says that it ends, and never waits for anybody to read it.
#[test]
fn dropping_does_not_block() {
    let (transport, _, mut server) = established(&TLS13);
    drop(transport);
    assert_eq!(server.read(&mut [0]).expect("close_notify"), 0);

    let authority = Authority::new();
    let (client, server) = pair();
    let filler = client.try_clone().expect("a socket");
    let tls = server_tls(&authority);
    let serving = std::thread::spawn(move || {
        let mut transport = Transport::Clear(server);
        transport.upgrade_server(&tls, LONG).map(|()| transport)
    });
    let mut transport = Transport::Clear(client);
    transport.upgrade_client(peer(&authority, &TLS13), LONG).expect("a handshake");
    let server = serving.join().expect("a server").expect("a handshake");
    filler.set_nonblocking(true).expect("a socket");
    while (&filler).write(&[0; 8192]).is_ok() {}
    filler.set_nonblocking(false).expect("a socket");
    filler.set_write_timeout(None).expect("a socket");
    let began = Instant::now();
    drop(transport);
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(server);
}
