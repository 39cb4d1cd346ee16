//! The blocking server, through the blocking client and through raw octets.

#![cfg(feature = "server")]

use std::io::{self, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{Channel, Security, Update};
use pop3_blocking::pop3_proto::server::{ConfigError, Entry};
use pop3_blocking::pop3_proto::{Command, KnownCode, Mailbox, MessageNumber, Password, UniqueId};
use pop3_blocking::server::{
    Ended, Memory, OpenError, OpenMaildrop, Passwords, RemoveError, Running, Server,
    ServerDeadlines, ServerError, Store, sample,
};
use pop3_blocking::{COLLECT_LIMIT, Client, Error, LoginError, Outcome, Session, Timeouts};

mod support;
use support::Scripted;
#[path = "support/until.rs"]
mod until;
use until::{LONG, until};

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn passwords() -> Passwords {
    let mut passwords = Passwords::new();
    passwords.insert(mrose(), &Password::new("tan staaf").expect("a password"));
    passwords
}

fn store(messages: &[&[u8]]) -> Memory {
    let store = Memory::new();
    store.create(&mrose());
    for message in messages {
        store.deliver(&mrose(), message.to_vec());
    }
    store
}

fn spawn<T: Store + 'static>(store: T, set: impl FnOnce(&mut Server<T, Passwords>)) -> Running {
    let mut server = Server::new(store, passwords());
    set(&mut server);
    server.spawn(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a server")
}

fn connect(running: &Running) -> Client<TcpStream> {
    try_connect(running).expect("a greeting")
}

fn try_connect(running: &Running) -> Result<Client<TcpStream>, Error> {
    let address = running.address();
    let builder = Client::builder(Security::StlsRequired);
    builder.connect(&address.ip().to_string(), address.port())
}

fn log_in(running: &Running) -> Session<TcpStream> {
    let password = Password::new("tan staaf").expect("a password");
    connect(running).login(&mrose(), &password).expect("a login")
}

/// As a client without a library: sends `octets`, closes its side, reads to the end.
fn raw(running: &Running, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.address()).expect("a connection");
    stream.write_all(octets).expect("a write");
    stream.shutdown(std::net::Shutdown::Write).expect("a half-close");
    let mut said = Vec::new();
    stream.read_to_end(&mut said).expect("a read");
    String::from_utf8(said).expect("ASCII")
}

const LOGIN: &str = "USER mrose\r\nPASS tan staaf\r\n";

#[test]
fn the_sample_arrives_pipelined() {
    let messages = sample();
    let store = Memory::new();
    for message in &messages {
        store.deliver(&mrose(), message.clone());
    }
    let running = spawn(store, |_| {});
    let mut session = log_in(&running);
    session.capabilities().unwrap();
    assert!(session.may_pipeline());
    let sizes: Vec<u64> = session.list().unwrap().map(|listing| listing.unwrap().octets).collect();
    let commands = (1..).map(number).map(Command::Retr).take(messages.len());
    let mut pipeline = session.pipeline(commands, 4);
    let mut received = Vec::new();
    while let Some(reply) = pipeline.next() {
        let Outcome::Body(body) = reply.unwrap().outcome else { panic!("refused") };
        received.push(u64::try_from(body.collect(COLLECT_LIMIT).unwrap().len()).unwrap());
    }
    drop(pipeline);
    assert_eq!(received, sizes);
    session.quit().unwrap();
    running.stop();
}

/// R1939-4.06, R2449-8.1.2.02: one session at a time, and the other is told so after the right
/// password only.
#[test]
fn a_maildrop_is_open_in_one_session() {
    let running = spawn(store(&[]), |_| {});
    let first = log_in(&running);
    let error =
        connect(&running).login(&mrose(), &Password::new("tan staaf").unwrap()).unwrap_err();
    let LoginError::Refused { client, reason } = error else { panic!("{error:?}") };
    let error = Error::from(reason);
    let response = error.response().expect("what the server said");
    assert_eq!(response.code().unwrap().known(), Some(KnownCode::InUse));
    let error = client.login(&mrose(), &Password::new("wrong").unwrap()).unwrap_err();
    let LoginError::Refused { client, reason } = error else { panic!("{error:?}") };
    let error = Error::from(reason);
    let response = error.response().expect("what the server said");
    assert_eq!(response.code().unwrap().known(), Some(KnownCode::Auth));
    first.quit().unwrap();
    let second = client.login(&mrose(), &Password::new("tan staaf").unwrap()).unwrap();
    second.quit().unwrap();
    running.stop();
}

/// A message that another program took away is answered `-ERR`; the others are served.
#[test]
fn a_message_that_vanished_is_refused() {
    let store = store(&[b"a\n", b"b\n"]);
    let running = spawn(store.clone(), |_| {});
    let mut session = log_in(&running);
    let id = session.uidl_one(number(1)).unwrap().id;
    store.discard(&mrose(), &id);
    assert!(matches!(session.retr(number(1)), Err(Error::Refused(_))));
    assert_eq!(session.retr(number(2)).unwrap().collect(9).unwrap(), b"b\r\n");
    session.dele(number(1)).unwrap();
    assert_eq!(session.quit().unwrap(), Update::Committed);
    running.stop();
}

/// A store whose disk fails: as a whole, or for its one message.
#[derive(Clone, Copy, Debug)]
enum Disk {
    Fails,
    FailsLater,
}

/// A maildrop of one message that breaks in the middle, and cannot be removed.
#[derive(Debug)]
struct Broken(Vec<Entry>);

impl Store for Disk {
    type Maildrop = Broken;

    fn open(&self, _: &Mailbox) -> Result<Broken, OpenError> {
        match self {
            Self::Fails => Err(OpenError::Io(io::Error::other("disk"))),
            Self::FailsLater => {
                Ok(Broken(vec![Entry::new(9, UniqueId::new(b"a").expect("an id"))]))
            }
        }
    }
}

impl OpenMaildrop for Broken {
    fn entries(&self) -> &[Entry] {
        &self.0
    }

    fn message(&mut self, _: MessageNumber) -> io::Result<Box<dyn Read + Send>> {
        struct Half(bool);
        impl Read for Half {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("disk"));
                }
                buffer[..6].copy_from_slice(b"half\r\n");
                Ok(6)
            }
        }
        Ok(Box::new(Half(false)))
    }

    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError> {
        Err(RemoveError::new(0, messages.count(), io::Error::other("disk")))
    }
}

/// A message that cannot be read to its end never looks complete.
#[test]
fn a_message_that_breaks_ends_the_connection_inside_it() {
    let running = spawn(Disk::FailsLater, |_| {});
    let mut session = log_in(&running);
    let mut read = Vec::new();
    let error = session.retr(number(1)).unwrap().read_to_end(&mut read).unwrap_err();
    assert_eq!((read.as_slice(), error.kind()), (&b"half\r\n"[..], io::ErrorKind::UnexpectedEof));
    running.stop();
}

/// R1939-4.07, R3206-4.03: a maildrop that cannot be opened leaves the session in AUTHORIZATION.
#[test]
fn a_maildrop_that_cannot_be_opened_is_a_temporary_failure() {
    let running = spawn(Disk::Fails, |_| {});
    let said = raw(&running, format!("{LOGIN}STAT\r\nQUIT\r\n").as_bytes());
    assert_eq!(
        said,
        "+OK POP3 server ready\r\n+OK send PASS\r\n-ERR [SYS/TEMP] the maildrop cannot be opened\r\n\
         -ERR command not valid in this state\r\n+OK bye\r\n"
    );
    running.stop();
}

/// A store of one maildrop, which notes whether it is locked; its message has this unique-id.
struct Locks {
    locked: Arc<AtomicBool>,
    id: UniqueId,
}

/// It cannot be read, and nothing can be removed from it.
struct Locked {
    entries: Vec<Entry>,
    locked: Arc<AtomicBool>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.locked.store(false, Ordering::SeqCst);
    }
}

impl OpenMaildrop for Locked {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn message(&mut self, _: MessageNumber) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::other("disk"))
    }

    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError> {
        Err(RemoveError::new(0, messages.count(), io::Error::other("disk")))
    }
}

impl Store for Locks {
    type Maildrop = Locked;

    fn open(&self, _: &Mailbox) -> Result<Locked, OpenError> {
        assert!(!self.locked.swap(true, Ordering::SeqCst), "locked before");
        let entries = vec![Entry::new(1, self.id.clone())];
        Ok(Locked { entries, locked: Arc::clone(&self.locked) })
    }
}

/// R1939-6.03: what could not be removed is answered `-ERR`, and the session ends all the same, the lock given
/// back.
#[test]
fn a_failed_removal_is_told() {
    let locked = Arc::default();
    let id = UniqueId::new(b"a").expect("an id");
    let running = spawn(Locks { locked: Arc::clone(&locked), id }, |_| {});
    let mut session = log_in(&running);
    assert!(locked.load(Ordering::SeqCst));
    session.dele(number(1)).unwrap();
    assert_eq!(session.quit().unwrap(), Update::Refused);
    until("the lock is given back", || !locked.load(Ordering::SeqCst));
    let said = raw(&running, format!("{LOGIN}DELE 1\r\nQUIT\r\nNOOP\r\n").as_bytes());
    assert!(
        said.ends_with("+OK message deleted\r\n-ERR some deleted messages not removed\r\n"),
        "{said}"
    );
    running.stop();
}

/// R1939-4.07: a lock that was acquired is released before the client is told `-ERR`, and not only when it
/// goes. R1939-7.02: what no server may send is not sent.
#[test]
fn a_lock_is_released_before_the_refusal() {
    let locked = Arc::default();
    let id = UniqueId::lenient(&[b'x'; 71]).expect("an id that a client takes");
    let running = spawn(Locks { locked: Arc::clone(&locked), id }, |_| {});
    let mut client = connect(&running);
    for _ in 0..2 {
        let password = Password::new("tan staaf").expect("a password");
        let Err(LoginError::Refused { client: again, .. }) = client.login(&mrose(), &password)
        else {
            panic!("a login");
        };
        assert!(!locked.load(Ordering::SeqCst), "still locked");
        client = *again;
    }
    client.quit().expect("an answer");
    running.stop();
}

/// R1939-3.17: the autologout timer has at least 10 minutes, unless somebody says otherwise.
#[test]
fn the_autologout_timer_has_ten_minutes() {
    assert!(ServerDeadlines::DEFAULT.idle >= Duration::from_secs(10 * 60));
    assert_eq!(Server::new(store(&[]), passwords()).deadlines, ServerDeadlines::DEFAULT);
}

/// F17: a client that never reads is given up and leaves no lock.
#[test]
fn a_client_that_never_reads_is_given_up() {
    let large = b"x\n".repeat(4 << 20);
    let store = store(&[&large]);
    let running =
        spawn(store.clone(), |server| server.deadlines.write = Duration::from_millis(300));
    let mut stream = TcpStream::connect(running.address()).unwrap();
    stream.write_all(format!("{LOGIN}DELE 1\r\nRSET\r\nRETR 1\r\n").as_bytes()).unwrap();
    until("it is logged in", || matches!(store.open(&mrose()), Err(OpenError::InUse)));
    until("the lock is given back", || store.open(&mrose()).is_ok());
    assert_eq!(store.messages(&mrose()).len(), 1);
    running.stop();
}

/// A client that takes its time with everything; it notes how much it was given for what is flushed.
struct Slow {
    given: Duration,
    flushes: Arc<Mutex<Vec<Duration>>>,
}

const SLOWNESS: Duration = Duration::from_millis(100);

impl Read for Slow {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl io::Write for Slow {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        std::thread::sleep(SLOWNESS);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes.lock().unwrap().push(self.given);
        Ok(())
    }
}

impl Timeouts for Slow {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.given = timeout;
        Ok(())
    }
}

/// F20, B17.2: over TLS it is the flush that waits for the client: it has the time that the writes before
/// it left, and not all of it once more.
#[test]
fn a_flush_has_the_time_that_is_left() {
    let flushes = Arc::default();
    let slow = Slow { given: Duration::ZERO, flushes: Arc::clone(&flushes) };
    let mut server = Server::new(store(&[]), passwords());
    server.deadlines.write = Duration::from_secs(10);
    let ended = server.serve_connection(slow, Channel::Trusted).expect("a session");
    assert_eq!(ended, Ended::NothingRemoved);
    let flushes = flushes.lock().unwrap();
    assert!(!flushes.is_empty());
    assert!(
        flushes.iter().all(|given| *given + SLOWNESS <= Duration::from_secs(10)),
        "{flushes:?}"
    );
}

/// F19, B17.2: the time for a login is absolute, whoever is waited for.
#[test]
fn a_client_that_does_not_read_gains_no_time_for_a_login() {
    let flushes = Arc::default();
    let slow = Slow { given: Duration::ZERO, flushes: Arc::clone(&flushes) };
    let mut server = Server::new(store(&[]), passwords());
    server.deadlines.login = Duration::from_secs(10);
    server.serve_connection(slow, Channel::Trusted).expect("a session");
    let flushes = flushes.lock().unwrap();
    assert!(!flushes.is_empty());
    assert!(flushes.iter().all(|given| *given <= Duration::from_secs(10)), "{flushes:?}");
}

/// S19.1: more connections than allowed are told so, and places are given back.
#[test]
fn connections_are_limited() {
    let running = spawn(store(&[]), |server| server.connections.per_address = 2);
    let (first, second) = (connect(&running), connect(&running));
    let refused = raw(&running, b"");
    assert_eq!(refused, "-ERR [SYS/TEMP] too many connections\r\n");
    first.quit().unwrap();
    until("a place is free", || try_connect(&running).is_ok_and(|client| client.quit().is_ok()));
    second.quit().unwrap();
    running.stop();
}

/// F20: a server that is stopped accepts nothing more at once. Who is in may finish; who does not in time
/// is cut off, and nothing is removed.
#[test]
fn a_server_that_is_stopped_waits_for_a_while() {
    for (grace, left) in [(Duration::from_secs(60), 1), (Duration::from_millis(50), 2)] {
        let store = store(&[b"a\n", b"b\n"]);
        let running = spawn(store.clone(), |_| {});
        let (address, mut session) = (running.address(), log_in(&running));
        session.dele(number(1)).expect("a mark");
        let began = Instant::now();
        let stopping = std::thread::spawn(move || running.stop_within(grace));
        until("it stops listening", || TcpStream::connect(address).is_err());
        if left == 1 {
            assert!(!stopping.is_finished());
            assert_eq!(session.quit().expect("an answer"), Update::Committed);
            stopping.join().expect("no panic");
        } else {
            stopping.join().expect("no panic");
            session.noop().expect_err("it is cut off");
        }
        assert!(began.elapsed() < LONG);
        assert_eq!(store.messages(&mrose()).len(), left);
        assert!(store.open(&mrose()).is_ok(), "the lock is given back");
    }
}

/// C0009: a server that nobody can log in to is not served.
#[test]
fn a_server_that_nobody_can_log_in_to_is_refused() {
    let server = Server::new(store(&[]), passwords());
    let error = server.serve_connection(Scripted::new(1, []), Channel::Clear).unwrap_err();
    assert!(matches!(error, ServerError::Config(ConfigError::NoAuthentication)));
}

/// RFC 1939 §3 is about silence of the client: while an answer leaves nobody expects a command, however
/// long it takes.
#[test]
fn a_long_answer_is_no_inactivity() {
    let message = vec![b'x'; 32 * 1024 * 1024];
    let running =
        spawn(store(&[&message]), |server| server.deadlines.idle = Duration::from_millis(500));
    let mut session = log_in(&running);
    let mut body = session.retr(number(1)).expect("a message");
    body.chunk().expect("its first octets");
    std::thread::sleep(Duration::from_secs(1));
    body.collect(COLLECT_LIMIT).expect("the rest");
    session.dele(number(1)).expect("the session goes on");
    assert_eq!(session.quit().expect("an answer"), Update::Committed);
    running.stop();
}

/// A listener for both families takes a loopback peer for one, whichever family it came by.
#[test]
fn a_mapped_loopback_address_is_loopback() {
    // Not every machine has both families.
    let Ok(listener) = TcpListener::bind("[::]:0") else { return };
    let port = listener.local_addr().expect("an address").port();
    let Ok(probe) = TcpStream::connect(("127.0.0.1", port)) else { return };
    drop(probe);
    let running = Server::new(store(&[]), passwords()).spawn(listener).expect("a server");
    for host in ["127.0.0.1", "::ffff:127.0.0.1"] {
        let client = Client::builder(Security::StlsRequired).connect(host, port);
        let password = Password::new("tan staaf").expect("a password");
        let session = client.expect("a greeting").login(&mrose(), &password).expect("a login");
        session.quit().expect("an answer");
    }
    running.stop();
}
