//! The asynchronous server, over transports in memory and through raw octets.

#![cfg(feature = "server")]

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use pop3_tokio::pop3_proto::client::{Channel, Security, Update};
use pop3_tokio::pop3_proto::sasl::{Answer, Question};
use pop3_tokio::pop3_proto::server::{ConfigError, Entry};
use pop3_tokio::pop3_proto::{Command, Mailbox, MessageNumber, Password, UniqueId};
use pop3_tokio::server::{
    Authenticator, Builder, Ended, Memory, OpenError, OpenMaildrop, Passwords, RemoveError, Server,
    ServerError, Store,
};
use pop3_tokio::{COLLECT_LIMIT, Client, Outcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn password() -> Password {
    Password::new("tan staaf").expect("a password")
}

fn passwords() -> Passwords {
    [(mrose(), password())].into_iter().collect()
}

fn store(messages: &[&[u8]]) -> Memory {
    let store = Memory::new();
    store.create(&mrose());
    for message in messages {
        store.deliver(&mrose(), message.to_vec());
    }
    store
}

type Served = JoinHandle<Result<Ended, ServerError>>;

/// Serves one connection over a pipe that holds so many octets.
fn served<T: Store + 'static, A: Authenticator + 'static>(
    builder: Builder<T, A>,
    octets: usize,
) -> (DuplexStream, Served) {
    let (client, transport) = duplex(octets);
    let server = Server::from(builder);
    let serve = async move { server.serve_connection(transport, Channel::Trusted).await };
    (client, tokio::spawn(serve))
}

async fn ended(served: Served) -> Ended {
    served.await.expect("no panic").expect("no error")
}

/// All that the server says to these octets and the end behind them.
async fn said(client: &mut DuplexStream, octets: &str) -> String {
    client.write_all(octets.as_bytes()).await.expect("a write");
    client.shutdown().await.expect("a half-close");
    rest(client).await
}

async fn rest(client: &mut DuplexStream) -> String {
    let mut said = String::new();
    client.read_to_string(&mut said).await.expect("a read");
    said
}

/// What the server says next; it is as long as `expected`.
async fn hear(client: &mut DuplexStream, expected: &str) {
    let mut said = vec![0; expected.len()];
    client.read_exact(&mut said).await.expect("so much");
    assert_eq!(String::from_utf8_lossy(&said), expected);
}

/// What a connection costs a task: the conversation is not held in the future, let alone more than once.
#[test]
fn the_future_of_a_connection_is_small() {
    let server = Server::from(Server::builder(store(&[]), passwords()));
    let clear = server.serve_connection(duplex(1).0, Channel::Trusted);
    let tls = server.serve_tls_connection(duplex(1).0);
    assert!(size_of_val(&clear) <= 2048, "{} octets", size_of_val(&clear));
    assert!(size_of_val(&tls) <= 2048, "{} octets", size_of_val(&tls));
}

const LOGIN: &str = "USER mrose\r\nPASS tan staaf\r\n";
const LOGGED_IN: &str = "+OK POP3 server ready\r\n+OK send PASS\r\n+OK 2 messages\r\n";

fn is_open(store: &Memory) -> bool {
    matches!(store.open(&mrose()), Err(OpenError::InUse))
}

/// R1939-5.07 to R1939-5.12, R1939-6.03: a whole session, through pipes of every size.
#[tokio::test]
async fn a_session_sees_what_the_maildrop_holds() {
    let large = [b"Subject: large\r\n\r\n".to_vec(), b".dots and more\r\n".repeat(65536)].concat();
    for octets in [1, 7, 65536] {
        // Pipes of an octet are for small messages.
        let large: &[u8] = if octets == 1 { b".\n" } else { &large };
        let store = store(&[large, b"Subject: b\n\n\xff\0", b"a\n"]);
        let (client, served) = served(Server::builder(store.clone(), passwords()), octets);
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(client, Channel::Trusted).await.expect("a greeting");
        let mut session = client.login(&mrose(), &password()).await.expect("a login");
        assert!(session.capabilities().await.expect("a list").pipelining());
        let mut pipeline = session.pipeline([1, 2, 3].map(|n| Command::Retr(number(n))), 3);
        let mut bodies = Vec::new();
        while let Some(reply) = pipeline.next().await {
            let Outcome::Body(body) = reply.expect("a reply").outcome else { panic!("refused") };
            bodies.push(body.collect(COLLECT_LIMIT).await.expect("a message"));
        }
        drop(pipeline);
        let sent = if octets == 1 { b".\r\n" } else { large };
        assert!(bodies[0] == sent, "{} octets of {}", bodies[0].len(), sent.len());
        assert_eq!(bodies[1..], [&b"Subject: b\r\n\r\n\xff\0\r\n"[..], b"a\r\n"]);
        let top = session.top(number(2), 0).await.expect("a message");
        assert_eq!(top.collect(99).await.expect("its top"), b"Subject: b\r\n\r\n");
        let mut listed = session.uidl().await.expect("a listing");
        let mut ids = Vec::new();
        while let Some(listing) = listed.next().await {
            ids.push(listing.expect("a unique-id").id);
        }
        drop(listed);
        assert_eq!(ids.len(), 3);
        session.dele(number(2)).await.expect("a mark");
        assert_eq!(session.quit().await.expect("an answer"), Update::Committed);
        assert_eq!(ended(served).await, Ended::Committed);
        assert_eq!(store.messages(&mrose()).len(), 2);
    }
}

/// F19: an authenticator that does not answer is waited for no longer than a login may take, and a
/// maildrop that is opened after that is not left open.
#[tokio::test]
async fn an_authenticator_that_takes_too_long_is_not_waited_for() {
    #[derive(Debug)]
    struct Slow(Passwords);
    impl Authenticator for Slow {
        fn answer(&self, question: &Question) -> Answer {
            thread::sleep(Duration::from_millis(400));
            self.0.answer(question)
        }
    }
    let store = store(&[]);
    let mut builder = Server::builder(store.clone(), Slow(passwords()));
    builder.deadlines.login = Duration::from_millis(100);
    let (mut client, served) = served(builder, 4096);
    client.write_all(b"USER mrose\r\n").await.expect("a write");
    hear(&mut client, "+OK POP3 server ready\r\n+OK send PASS\r\n").await;
    client.write_all(b"PASS tan staaf\r\n").await.expect("a write");
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(ended(served).await, Ended::TimedOut);
    sleep(Duration::from_millis(600)).await;
    assert!(!is_open(&store));
}

/// RFC 1939 §3 is about silence of the client: while an answer leaves nobody expects a command, however
/// long it takes.
#[tokio::test(start_paused = true)]
async fn a_long_answer_is_no_inactivity() {
    let store = store(&[&b"x\n".repeat(1 << 20)]);
    let (mut client, served) = served(Server::builder(store, passwords()), 65536);
    client.write_all(format!("{LOGIN}RETR 1\r\n").as_bytes()).await.expect("a write");
    let mut heard = Vec::new();
    let mut slow = vec![0; 32768];
    while !heard.ends_with(b"\r\n.\r\n") {
        sleep(Duration::from_secs(20)).await;
        let read = client.read(&mut slow).await.expect("a read");
        assert_ne!(read, 0, "it goes on");
        heard.extend_from_slice(&slow[..read]);
    }
    assert_eq!(said(&mut client, "QUIT\r\n").await, "+OK bye\r\n");
    assert_eq!(ended(served).await, Ended::Committed);
}

/// I11: a connection whose future is dropped removes nothing and leaves no lock.
#[tokio::test]
async fn a_connection_that_is_dropped_leaves_no_lock() {
    let store = store(&[b"a\n", b"b\n"]);
    let (mut client, served) = served(Server::builder(store.clone(), passwords()), 4096);
    client.write_all(format!("{LOGIN}DELE 1\r\n").as_bytes()).await.expect("a write");
    hear(&mut client, LOGGED_IN).await;
    hear(&mut client, "+OK message deleted\r\n").await;
    assert!(is_open(&store));
    served.abort();
    assert!(served.await.expect_err("it was dropped").is_cancelled());
    assert_eq!(rest(&mut client).await, "");
    assert!(!is_open(&store), "the lock is given back");
    assert_eq!(store.messages(&mrose()).len(), 2);
}

/// C0009: a server that nobody can log in to is not served.
#[tokio::test]
async fn a_server_that_nobody_can_log_in_to_is_refused() {
    let server = Server::from(Server::builder(store(&[]), passwords()));
    let (_client, transport) = duplex(64);
    let error = server.serve_connection(transport, Channel::Clear).await.expect_err("no way in");
    assert!(matches!(error, ServerError::Config(ConfigError::NoAuthentication)));
}

/// Notes the threads on which it is asked.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Mutex<Vec<ThreadId>>>);

impl Watched {
    fn note(&self) {
        self.0.lock().expect("no panic").push(thread::current().id());
    }
}

impl Authenticator for Watched {
    fn answer(&self, question: &Question) -> Answer {
        self.note();
        passwords().answer(question)
    }
}

impl Store for Watched {
    type Maildrop = WatchedMaildrop;

    fn open(&self, _: &Mailbox) -> Result<WatchedMaildrop, OpenError> {
        self.note();
        let id = UniqueId::new(b"a").expect("an id");
        Ok(WatchedMaildrop { watched: self.clone(), entries: vec![Entry::new(1 << 20, id)] })
    }
}

#[derive(Debug)]
struct WatchedMaildrop {
    watched: Watched,
    entries: Vec<Entry>,
}

/// A megabyte, of which never more than 256 KiB are asked for at a time.
struct Megabyte(Watched, u64);

impl Read for Megabyte {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.note();
        assert!(buffer.len() <= 256 * 1024, "{} octets at a time", buffer.len());
        let read = io::repeat(b'x').take(self.1).read(buffer)?;
        self.1 -= u64::try_from(read).expect("64 bits");
        Ok(read)
    }
}

impl OpenMaildrop for WatchedMaildrop {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn message(&mut self, _: MessageNumber) -> io::Result<Box<dyn Read + Send>> {
        self.watched.note();
        Ok(Box::new(Megabyte(self.watched.clone(), 1 << 20)))
    }

    fn remove(
        &mut self,
        messages: &mut dyn Iterator<Item = MessageNumber>,
    ) -> Result<(), RemoveError> {
        self.watched.note();
        assert_eq!(messages.count(), 1);
        Ok(())
    }
}

impl Drop for WatchedMaildrop {
    fn drop(&mut self) {
        self.watched.note();
    }
}

/// Whatever may wait does so on threads that are not the runtime's.
#[tokio::test]
async fn the_store_is_asked_on_threads_of_its_own() {
    for last in ["DELE 1\r\nQUIT\r\n", ""] {
        let watched = Watched::default();
        let (client, served) = served(Server::builder(watched.clone(), watched.clone()), 1 << 16);
        let (mut heard, mut says) = tokio::io::split(client);
        says.write_all(format!("{LOGIN}RETR 1\r\n{last}").as_bytes()).await.expect("a write");
        says.shutdown().await.expect("a half-close");
        let mut said = Vec::new();
        heard.read_to_end(&mut said).await.expect("a read");
        assert!(said.len() > 1 << 20);
        ended(served).await;
        let threads = watched.0.lock().expect("no panic");
        assert!(threads.len() > 8 && !threads.contains(&thread::current().id()));
    }
}

#[cfg(feature = "net")]
mod listeners {
    use super::*;

    use std::net::SocketAddr;

    use pop3_tokio::server::Listener;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    struct Running {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        served: JoinHandle<io::Result<()>>,
    }

    async fn spawn(builder: Builder<Memory, Passwords>, grace: Duration) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let server = Server::from(builder).with_grace(grace);
        let task = tokio::spawn(async move {
            let stopped = async { stopped.await.expect("somebody stops it") };
            server.serve([Listener::Clear(listener)], stopped).await
        });
        Running { address, stop, served: task }
    }

    async fn connect(running: &Running) -> Client<TcpStream> {
        let builder = Client::builder(Security::PlaintextAllowed);
        builder.connect("127.0.0.1", running.address.port()).await.expect("a greeting")
    }

    async fn stopped(running: Running) {
        running.stop.send(()).expect("it runs");
        timeout(Duration::from_secs(20), running.served)
            .await
            .expect("it ends")
            .expect("no panic")
            .expect("no error");
    }

    const LONG: Duration = Duration::from_secs(60);

    /// S19.1: more connections than allowed are told so, and places are given back.
    #[tokio::test]
    async fn connections_are_limited() {
        for total in [2, 200] {
            let mut builder = Server::builder(store(&[]), passwords());
            builder.connections.total = total;
            builder.connections.per_address = if total == 2 { 200 } else { 2 };
            let running = spawn(builder, LONG).await;
            let (first, second) = (connect(&running).await, connect(&running).await);
            let mut refused = TcpStream::connect(running.address).await.expect("a connection");
            let mut said = String::new();
            refused.read_to_string(&mut said).await.expect("a read");
            assert_eq!(said, "-ERR [SYS/TEMP] too many connections\r\n");
            first.quit().await.expect("an answer");
            let builder = Client::builder(Security::PlaintextAllowed);
            let began = Instant::now();
            let third = loop {
                if let Ok(client) = builder.connect("127.0.0.1", running.address.port()).await {
                    break client;
                }
                assert!(began.elapsed() < Duration::from_secs(20), "no place is free");
                sleep(Duration::from_millis(5)).await;
            };
            third.quit().await.expect("an answer");
            second.quit().await.expect("an answer");
            stopped(running).await;
        }
    }

    /// No new connection, but an open session may finish, and its QUIT removes what it marked.
    #[tokio::test]
    async fn a_server_that_is_stopped_lets_sessions_finish() {
        let store = store(&[b"a\n", b"b\n"]);
        let running = spawn(Server::builder(store.clone(), passwords()), LONG).await;
        let client = connect(&running).await;
        let mut session = client.login(&mrose(), &password()).await.expect("a login");
        running.stop.send(()).expect("it runs");
        let began = Instant::now();
        while TcpStream::connect(running.address).await.is_ok() {
            assert!(began.elapsed() < Duration::from_secs(20), "it goes on accepting");
            sleep(Duration::from_millis(5)).await;
        }
        session.dele(number(1)).await.expect("a mark");
        assert!(!running.served.is_finished());
        assert_eq!(session.quit().await.expect("an answer"), Update::Committed);
        let served = timeout(Duration::from_secs(20), running.served).await.expect("it ends");
        served.expect("no panic").expect("no error");
        assert_eq!(store.messages(&mrose()).len(), 1);
    }

    /// F20: a session that does not finish in time is dropped, and removes nothing.
    #[tokio::test]
    async fn a_server_that_is_stopped_does_not_wait_for_ever() {
        let store = store(&[b"a\n", b"b\n"]);
        let running =
            spawn(Server::builder(store.clone(), passwords()), Duration::from_millis(50)).await;
        let client = connect(&running).await;
        let mut session = client.login(&mrose(), &password()).await.expect("a login");
        session.dele(number(1)).await.expect("a mark");
        stopped(running).await;
        assert!(session.stat().await.is_err());
        assert_eq!(store.messages(&mrose()).len(), 2);
        assert!(!is_open(&store), "the lock is given back");
    }

    #[tokio::test]
    async fn a_server_without_a_listener_or_a_certificate_is_refused() {
        let server = Server::from(Server::builder(store(&[]), passwords()));
        let error = server.serve([], std::future::pending()).await.expect_err("no listener");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let listeners = [Listener::Tls(listener)];
        let error = server.serve(listeners, std::future::pending()).await.expect_err("no TLS");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
