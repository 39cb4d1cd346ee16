//! What only a blocking client has: sockets, timeouts of a transport, threads.

use std::io::Read as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{self, Channel, ProtocolError, Security};
use pop3_blocking::pop3_proto::{Mailbox, Password};
use pop3_blocking::{Client, Error, LoginError, Session, Timeouts};

mod support;
use support::{Act, Scripted, send};

/// Logs in by USER and PASS alone: nothing else is in the scripts.
fn user_pass<S: Timeouts>(
    client: Client<S>,
    mailbox: &Mailbox,
    password: &str,
) -> Result<Session<S>, LoginError<S>> {
    let password = Password::new(password).expect("a password");
    let credentials = client::Credentials::password(mailbox.clone(), password);
    client.login_with(credentials, client::Choice::Only(client::Method::UserPass))
}

/// C0002, C0005, C0014: the same over a socket.
#[test]
fn silence_over_tcp_ends_in_a_time_out() {
    let said: [(&[u8], &str); 3] = [
        (b"", "timed out waiting for the greeting"),
        (b"+OK ready", "timed out waiting for the greeting"),
        (b"+OK ready\r\n", "timed out waiting for the reply to CAPA"),
    ];
    for (octets, message) in said {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            std::io::Write::write_all(&mut stream, octets).unwrap();
            // Until the client has gone.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let mut builder = Client::builder(Security::PlaintextAllowed);
        builder.deadlines.greeting = Duration::from_millis(200);
        builder.deadlines.reply = Duration::from_millis(200);
        let started = Instant::now();
        let error = match builder.connect("127.0.0.1", port) {
            Ok(mut client) => client.capabilities().unwrap_err(),
            Err(error) => error,
        };
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(error.to_string(), message);
        assert!(started.elapsed() < Duration::from_secs(10));
        server.join().unwrap();
    }
}

#[test]
fn a_port_that_nobody_listens_on_is_an_io_error() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Client::builder(Security::PlaintextAllowed).connect("[::1]", port).err();
    assert!(matches!(error, Some(Error::Io(_))));
    let error = Client::builder(Security::PlaintextAllowed).connect("127.0.0.1", port).unwrap_err();
    assert!(
        matches!(&error, Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused),
        "{error}"
    );
}

/// Without TLS nothing is connected where TLS is asked for, and nothing goes on in clear.
#[cfg(not(feature = "tls"))]
#[test]
fn there_is_no_tls_without_tls() {
    let builder = Client::builder(Security::Implicit);
    let error = builder.connect("127.0.0.1", 1).expect_err("no TLS");
    assert_eq!(error.to_string(), "TLS is not supported by this build");
    let error = builder.over_tls(Scripted::new(1, []), "localhost").expect_err("no TLS");
    assert!(error.is_tls());
}

/// Clients, sessions and errors may go to another thread.
#[test]
fn everything_can_cross_threads() {
    fn sendable<T: Send + Sync + std::fmt::Debug>() {}
    sendable::<Client<std::net::TcpStream>>();
    sendable::<Session<std::net::TcpStream>>();
    sendable::<Error>();
    sendable::<LoginError<std::net::TcpStream>>();
    sendable::<pop3_blocking::QuitError>();
    sendable::<pop3_blocking::Address>();
}

/// A transport that writes what it was given only when it is flushed, as TLS does, and has to be asked
/// `interrupted` times; it notes its timeouts.
#[derive(Debug)]
struct Flushing {
    inner: Scripted,
    interrupted: usize,
    fails: Option<std::io::ErrorKind>,
    timeouts: std::sync::Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl Flushing {
    fn new(script: Vec<Act>) -> Self {
        let inner = Scripted::loose(usize::MAX, script);
        Self { inner, interrupted: 0, fails: None, timeouts: std::sync::Arc::default() }
    }
}

impl std::io::Read for Flushing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl std::io::Write for Flushing {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.inner.write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.interrupted > 0 {
            self.interrupted -= 1;
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        self.fails.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Timeouts for Flushing {
    fn set_timeout(&mut self, timeout: Duration) -> std::io::Result<()> {
        self.timeouts.lock().unwrap().push(timeout);
        Ok(())
    }
}

/// A flush is a write: interrupted it is repeated, and out of time it is a time-out.
#[test]
fn a_flush_fails_as_a_write_does() {
    let capabilities = |interrupted, fails, last| {
        let mut transport = Flushing::new(vec![send("+OK ready\r\n"), send(last), Act::Close]);
        (transport.interrupted, transport.fails) = (interrupted, fails);
        let builder = Client::builder(Security::PlaintextAllowed);
        builder.over(transport, Channel::Clear).expect("a greeting").capabilities()
    };
    assert!(capabilities(3, None, "+OK\r\nUIDL\r\n.\r\n").is_ok());
    for kind in [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut] {
        let error = capabilities(0, Some(kind), "").unwrap_err();
        assert!(matches!(error, Error::Protocol(ProtocolError::TimedOut { .. })), "{error:?}");
    }
}

/// The end of a login holds however long a single reply may take: the transport is never given
/// noticeably more time than is left.
#[test]
fn a_long_reply_deadline_does_not_stretch_a_login() {
    let mut builder = Client::builder(Security::PlaintextAllowed);
    builder.deadlines.reply = Duration::from_secs(24 * 60 * 60);
    builder.deadlines.login = Duration::from_secs(10);
    let transport = Flushing::new(vec![send("+OK ready\r\n"), Act::Silence]);
    let timeouts = transport.timeouts.clone();
    let client = builder.over(transport, Channel::Clear).expect("a greeting");
    let mailbox = Mailbox::new("mrose").expect("a mailbox");
    user_pass(client, &mailbox, "x").expect_err("silence");
    let last = timeouts.lock().unwrap().last().copied().expect("a timeout");
    assert!(last <= Duration::from_secs(11), "{last:?}");
}

/// B9, B17.2: nor does it stretch what comes before a login. A server that says a line of its
/// capabilities now and then is not waited for without an end.
#[test]
fn a_long_reply_deadline_does_not_stretch_an_opening() {
    let mut builder = Client::builder(Security::StlsPreferred);
    builder.stls = Some(client::UseStls::IfOffered);
    builder.deadlines.reply = Duration::from_secs(24 * 60 * 60);
    builder.deadlines.greeting = Duration::from_secs(5);
    builder.deadlines.login = Duration::from_secs(5);
    let script = vec![send("+OK ready\r\n"), send("+OK\r\nUSER\r\n"), Act::Silence];
    let transport = Flushing::new(script);
    let timeouts = transport.timeouts.clone();
    let error = builder.over_stls(transport, Channel::Clear, "localhost").expect_err("silence");
    assert!(error.is_timeout(), "{error:?}");
    let last = timeouts.lock().unwrap().last().copied().expect("a timeout");
    assert!(last <= Duration::from_secs(11), "{last:?}");
}
