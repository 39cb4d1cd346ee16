//! What a blocking session costs its transport and its memory: counted, never timed.

#![cfg(feature = "server")]

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};

use allocation_counter::measure;
use pop3_blocking::pop3_proto::client::{Channel, Choice, Credentials, Method, Security};
use pop3_blocking::pop3_proto::{Command, Mailbox, MessageNumber, Password};
use pop3_blocking::server::{Ended, Memory, Passwords, Server};
use pop3_blocking::{COLLECT_AHEAD, COLLECT_LIMIT, Client, Session};

mod support;
use support::{Act, Scripted, expect, send};
#[path = "support/noted.rs"]
mod noted;
use noted::{Asked, BATCH, BATCHES, Noted, Notes, batch, batch_writes, message, notes, retrs};
#[cfg(target_os = "linux")]
#[path = "support/sockets.rs"]
mod sockets;

type Scripts = Noted<Scripted>;

fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn password() -> Password {
    Password::new("x").expect("a password")
}

fn log_in(script: Vec<Act>, notes: &Notes) -> Session<Scripts> {
    let stream = Noted::new(Scripted::new(usize::MAX, script), notes);
    let builder = Client::builder(Security::PlaintextAllowed);
    let client = builder.over(stream, Channel::Clear).expect("a greeting");
    let credentials = Credentials::password(mrose(), password());
    client.login_with(credentials, Choice::Only(Method::UserPass)).expect("a login")
}

/// Takes the whole message; gives its octets.
type Take = fn(&mut Session<Scripts>) -> usize;

fn retr(session: &mut Session<Scripts>) -> pop3_blocking::Body<'_, Scripts> {
    session.retr(MessageNumber::FIRST).expect("a message")
}

const BY_CHUNKS: Take = |session| {
    let (mut body, mut octets) = (retr(session), 0);
    while let Some(chunk) = body.chunk().expect("more") {
        octets += chunk.len();
    }
    octets
};

const BY_READS: Take = |session| {
    let (mut body, mut octets, mut buffer) = (retr(session), 0, [0; 8192]);
    loop {
        match body.read(&mut buffer).expect("more") {
            0 => return octets,
            read => octets += read,
        }
    }
};

const COLLECTED: Take = |session| retr(session).collect(COLLECT_LIMIT).expect("a message").len();

/// I5, R2449-6.6.01: each command is one write, line end and all, and so is each batch: of one whose replies come
/// together the next leaves together.
#[test]
fn a_batch_is_one_write() {
    let notes = notes();
    let mut session = log_in(batch(), &notes);
    assert!(session.capabilities().expect("a list").pipelining());
    let mut pipeline = session.pipeline(std::iter::repeat_n(Command::Noop, BATCHES * BATCH), BATCH);
    while let Some(reply) = pipeline.next() {
        drop(reply.expect("a reply"));
    }
    let asked = Asked::take(&notes);
    assert_eq!(asked.writes, batch_writes());
    // The greeting, and what each write is answered with.
    assert_eq!(asked.reads.len(), 4 + BATCHES, "all replies are there at once");
}

/// I4, E17: a body is read in pieces of 32 KiB to 128 KiB, each asked for once, however it is taken.
#[test]
fn a_body_is_read_in_large_pieces() {
    for dense in [false, true] {
        let message = message(1 << 20, dense);
        for take in [BY_CHUNKS, BY_READS, COLLECTED] {
            let notes = notes();
            let mut session = log_in(retrs(&message, 2), &notes);
            for _ in 0..2 {
                Asked::take(&notes);
                assert_eq!(take(&mut session), message.len());
                let asked = Asked::take(&notes);
                asked.assert_large_reads();
                assert_eq!(asked.writes, ["RETR 1\r\n"]);
            }
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
        for (take, allocations) in
            [(BY_CHUNKS, 0), (BY_READS, 0), (COLLECTED, u64::from(octets > 0))]
        {
            let notes = notes();
            let mut session = log_in(retrs(&message, 12), &notes);
            take(&mut session);
            take(&mut session);
            let counted = measure(|| (0..10).for_each(|_| assert_eq!(take(&mut session), octets)));
            // The notes keep what was written.
            assert_eq!(
                counted.count_total,
                10 * (allocations + 1),
                "{octets} octets, dense: {dense}"
            );
        }
    }
}

/// E13, D20: what a server announces allocates no more than [`COLLECT_AHEAD`], and nothing before anything has come.
#[test]
fn an_announced_size_allocates_no_more_than_its_bound() {
    for (body, limit, most) in [
        ("x\r\n.\r\n", COLLECT_LIMIT, COLLECT_AHEAD),
        ("x\r\n.\r\n", 100, 100),
        (".\r\n", COLLECT_LIMIT, 0),
    ] {
        let mut script = noted::login();
        script.extend([expect("RETR 1\r\n"), send(format!("+OK {} octets\r\n{body}", u64::MAX))]);
        let notes = notes();
        let mut session = log_in(script, &notes);
        let counted = measure(|| drop(retr(&mut session).collect(limit).expect("a message")));
        // The script gives back what has been read of it.
        assert!(counted.bytes_max.abs_diff(most) <= 1024, "{} for {most}", counted.bytes_max);
    }
}

fn server(messages: &[Vec<u8>]) -> Server<Memory, Passwords> {
    let store = Memory::new();
    store.create(&mrose());
    for message in messages {
        store.deliver(&mrose(), message.clone());
    }
    Server::new(store, [(mrose(), password())].into_iter().collect())
}

/// What one conversation with the server costs.
fn served(server: &Server<Memory, Passwords>, commands: &str) -> (Asked, u64) {
    let notes = notes();
    let script = [send("USER mrose\r\nPASS x\r\n"), send(commands), send("QUIT\r\n"), Act::Close];
    let stream = Noted::new(Scripted::loose(usize::MAX, script), &notes);
    let counted = measure(|| {
        let ended = server.serve_connection(stream, Channel::Trusted).expect("a connection");
        assert_eq!(ended, Ended::Committed);
    });
    (Asked::take(&notes), counted.count_total)
}

/// R2449-6.6.01, F17: what a server says to commands that came together leaves together.
#[test]
fn a_batch_of_answers_is_one_write() {
    let (asked, _) = served(&server(&[]), &"NOOP\r\n".repeat(20));
    let writes: Vec<usize> =
        asked.writes.iter().map(|write| write.matches("+OK").count()).collect();
    // The greeting, the login, the batch, and QUIT.
    assert_eq!(writes, [1, 2, 20, 1]);
}

/// A message that is served costs one allocation: what the store opens it as.
#[test]
fn a_message_served_costs_one_allocation() {
    for octets in [0, 4096, 1 << 20] {
        let server = server(&[message(octets, true)]);
        let cost = |times: usize| {
            let (asked, allocations) = served(&server, &"RETR 1\r\n".repeat(times));
            // The notes keep what was written.
            (allocations - u64::try_from(asked.writes.len()).unwrap(), asked)
        };
        let ((few, _), (many, many_asked)) = (cost(20), cost(120));
        // But for a buffer that grows with the first few.
        assert!((many - few).abs_diff(100) <= 4, "{octets} octets: {few}, {many}");
        let written: usize = many_asked.writes.iter().map(String::len).sum();
        let writes = many_asked.writes.len();
        assert!(writes <= 8 + written / (128 * 1024), "{writes} writes for {written} octets");
    }
}

/// `TCP_NODELAY` is set on a client's socket and on a server's, and the peer's shows that it need not have been.
#[cfg(target_os = "linux")]
#[test]
fn sockets_send_at_once() {
    use std::io::Write as _;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = std::thread::spawn(move || {
        Client::builder(Security::PlaintextAllowed).connect("127.0.0.1", address.port())
    });
    let (mut accepted, peer) = listener.accept().expect("a client");
    accepted.write_all(b"+OK ready\r\n").expect("a greeting");
    let client = client.join().expect("no panic").expect("a client");
    assert!(sockets::sends_at_once(peer, address));
    assert!(!sockets::sends_at_once(address, peer));
    drop((client, accepted));

    let running = server(&[]).spawn(TcpListener::bind("127.0.0.1:0").expect("a port"));
    let running = running.expect("a server");
    let mut client = TcpStream::connect(running.address()).expect("a server");
    assert_ne!(client.read(&mut [0; 64]).expect("a greeting"), 0);
    let here = client.local_addr().expect("an address");
    assert!(sockets::sends_at_once(running.address(), here));
    assert!(!sockets::sends_at_once(here, running.address()));
    drop(client);
    running.stop();
}
