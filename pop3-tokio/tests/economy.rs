//! What an asynchronous session costs its transport and its memory: counted, never timed.

#![cfg(feature = "server")]

use allocation_counter::measure;
use pop3_blocking::server::{Ended, Memory, Passwords};
use pop3_tokio::pop3_proto::client::{Channel, Choice, Credentials, Method, Security};
use pop3_tokio::pop3_proto::{Command, Mailbox, MessageNumber, Password};
use pop3_tokio::server::Server;
use pop3_tokio::{Body, COLLECT_LIMIT, Client, Session};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::{Builder, Runtime};

mod support;
use support::{Act, Script, Scripted, send};
#[path = "../../pop3-blocking/tests/support/noted.rs"]
mod noted;
use noted::{Asked, BATCH, BATCHES, Noted, Notes, batch, batch_writes, message, notes, retrs};
#[cfg(target_os = "linux")]
#[path = "../../pop3-blocking/tests/support/sockets.rs"]
mod sockets;

type Scripts = Script<Noted<Scripted>>;

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn password() -> Password {
    Password::new("x").expect("a password")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn log_in(script: Vec<Act>, notes: &Notes) -> Session<Scripts> {
    let stream = Script::new(Noted::new(Scripted::new(usize::MAX, script), notes));
    let builder = Client::builder(Security::PlaintextAllowed);
    let client = builder.over(stream, Channel::Clear).await.expect("a greeting");
    let credentials = Credentials::password(mrose(), password());
    client.login_with(credentials, Choice::Only(Method::UserPass)).await.expect("a login")
}

/// How a message is taken.
#[derive(Clone, Copy, Debug)]
enum Take {
    Chunks,
    Reads,
    Collected,
}

async fn retr(session: &mut Session<Scripts>) -> Body<'_, Scripts> {
    session.retr(MessageNumber::FIRST).await.expect("a message")
}

/// Takes the whole message; gives its octets.
async fn take(session: &mut Session<Scripts>, how: Take) -> usize {
    let mut body = retr(session).await;
    let mut octets = 0;
    match how {
        Take::Chunks => {
            while let Some(chunk) = body.chunk().await.expect("more") {
                octets += chunk.len();
            }
        }
        Take::Reads => {
            let mut buffer = [0; 8192];
            loop {
                match body.read(&mut buffer).await.expect("more") {
                    0 => break,
                    read => octets += read,
                }
            }
        }
        Take::Collected => octets = body.collect(COLLECT_LIMIT).await.expect("a message").len(),
    }
    octets
}

/// I5, R2449-6.6.01: each command is one write, line end and all, and so is each batch: of one whose replies come
/// together the next leaves together.
#[test]
fn a_batch_is_one_write() {
    runtime().block_on(async {
        let notes = notes();
        let mut session = log_in(batch(), &notes).await;
        assert!(session.capabilities().await.expect("a list").pipelining());
        let mut pipeline =
            session.pipeline(std::iter::repeat_n(Command::Noop, BATCHES * BATCH), BATCH);
        while let Some(reply) = pipeline.next().await {
            drop(reply.expect("a reply"));
        }
        let asked = Asked::take(&notes);
        assert_eq!(asked.writes, batch_writes());
        // The greeting, and what each write is answered with.
        assert_eq!(asked.reads.len(), 4 + BATCHES, "all replies are there at once");
    });
}

/// I4, E17: a body is read in pieces of 32 KiB to 128 KiB, each asked for once, however it is taken.
#[test]
fn a_body_is_read_in_large_pieces() {
    for dense in [false, true] {
        let message = message(1 << 20, dense);
        for how in [Take::Chunks, Take::Reads, Take::Collected] {
            runtime().block_on(async {
                let notes = notes();
                let mut session = log_in(retrs(&message, 2), &notes).await;
                for _ in 0..2 {
                    Asked::take(&notes);
                    assert_eq!(take(&mut session, how).await, message.len());
                    let asked = Asked::take(&notes);
                    asked.assert_large_reads();
                    assert_eq!(asked.writes, ["RETR 1\r\n"]);
                }
            });
        }
    }
}

/// I3: in the steady state a message costs no allocation but the one that it is handed over in.
#[test]
fn a_message_costs_one_allocation_at_the_most() {
    for (octets, dense) in
        [(0, false), (4096, false), (1 << 20, false), (4096, true), (1 << 20, true)]
    {
        let message = message(octets, dense);
        for (how, allocations) in
            [(Take::Chunks, 0), (Take::Reads, 0), (Take::Collected, u64::from(octets > 0))]
        {
            let runtime = runtime();
            let notes = notes();
            let mut session = runtime.block_on(log_in(retrs(&message, 12), &notes));
            let mut times = |times: usize| {
                runtime.block_on(async {
                    for _ in 0..times {
                        assert_eq!(take(&mut session, how).await, octets);
                    }
                });
            };
            times(2);
            let (none, ten) = (measure(|| times(0)), measure(|| times(10)));
            // The notes keep what was written.
            let counted = ten.count_total - none.count_total;
            assert_eq!(counted, 10 * (allocations + 1), "{how:?} {octets} octets, dense: {dense}");
        }
    }
}

fn server(messages: &[Vec<u8>]) -> Server<Memory, Passwords> {
    let store = Memory::new();
    store.create(&mrose());
    for message in messages {
        store.deliver(&mrose(), message.clone());
    }
    Server::from(Server::builder(store, [(mrose(), password())].into_iter().collect()))
}

/// R2449-6.6.01, F17: what a server says to commands that came together leaves together.
#[test]
fn a_batch_of_answers_is_one_write() {
    let noops = "NOOP\r\n".repeat(20);
    for (commands, most) in [(noops, 1), ("RETR 1\r\n".repeat(4), 1 + 4 * (1 << 20) / (128 * 1024))]
    {
        let notes = notes();
        let server = server(&[message(1 << 20, true)]);
        let login = send("USER mrose\r\nPASS x\r\n");
        let script = [login, send(&commands), send("QUIT\r\n"), Act::Close];
        let stream = Script::new(Noted::new(Scripted::loose(usize::MAX, script), &notes));
        let ended = runtime().block_on(server.serve_connection(stream, Channel::Trusted));
        assert_eq!(ended.expect("a connection"), Ended::Committed);
        let writes = Asked::take(&notes).writes.len();
        // The greeting, the two answers of the login, and the one to QUIT.
        assert!(writes <= 4 + most, "{writes} writes");
    }
}

/// `TCP_NODELAY` is set on a client's socket and on a server's, and the peer's shows that it need not have been.
#[cfg(all(target_os = "linux", feature = "net"))]
#[test]
fn sockets_send_at_once() {
    use std::io::Write as _;
    use std::net::TcpListener;

    use pop3_tokio::server::Listener;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let runtime = runtime();
    let accepted = std::thread::spawn(move || {
        let (mut accepted, peer) = listener.accept().expect("a client");
        accepted.write_all(b"+OK ready\r\n").expect("a greeting");
        (accepted, peer)
    });
    let builder = Client::builder(Security::PlaintextAllowed);
    let client = runtime.block_on(builder.connect("127.0.0.1", address.port()));
    let client = client.expect("a greeting");
    let (accepted, peer) = accepted.join().expect("no panic");
    assert!(sockets::sends_at_once(peer, address));
    assert!(!sockets::sends_at_once(address, peer));
    drop((client, accepted));

    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = server(&[]);
        let serving = tokio::spawn(async move {
            server.serve([Listener::Clear(listener)], std::future::pending()).await
        });
        let mut client = tokio::net::TcpStream::connect(address).await.expect("a server");
        assert_ne!(client.read(&mut [0; 64]).await.expect("a greeting"), 0);
        let here = client.local_addr().expect("an address");
        assert!(sockets::sends_at_once(address, here));
        assert!(!sockets::sends_at_once(here, address));
        serving.abort();
    });
}
