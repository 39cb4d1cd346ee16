//! One kind of work, so and so often, for `benches/instructions` to count what it takes.
//!
//! ```text
//! instructions WHAT TURNS
//! ```

use std::env;
use std::hint::black_box;

use benches::client::{self, Seen};
use benches::corpora::text;
use benches::drain::Drain;
use benches::fetch::{self, PASSWORD, Taken, credentials};
use benches::limits::BLOCK;
use benches::memory::Connection;
use benches::server::Server;
use pop3_proto::client::Channel;
use pop3_proto::{Command, MessageNumber};
use tokio::runtime;

/// Commands in flight.
const WINDOW: usize = 64;
/// Lines of a listing.
const LINES: usize = 1000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, turns] = &arguments[..] else { panic!("usage: instructions WHAT TURNS") };
    let turns = turns.parse().expect("a number");
    let retr = Command::Retr(MessageNumber::FIRST);
    match what.as_str() {
        "empty" => receive(&retr, WINDOW, &reply(0), (0, 0), turns),
        "4K" => receive(&retr, WINDOW, &reply(4 << 10), (text(4 << 10).body, 0), turns),
        "LIST" => {
            let listing = listing(|number| format!("{number} {}\r\n", 1000 + number));
            receive(&Command::List(None), 1, &listing, (0, LINES), turns);
        }
        "UIDL" => {
            let listing = listing(|number| format!("{number} {number:08x}5d9f3a21\r\n"));
            receive(&Command::Uidl(None), 1, &listing, (0, LINES), turns);
        }
        "drain" => drain(turns),
        "blocking" => blocking(turns),
        "tokio" => asynchronous(turns),
        "NOOP" => serve(b"NOOP\r\n", b"+OK nothing done\r\n".len(), turns),
        "RETR" => serve(b"RETR 1\r\n", b"+OK\r\n".len() + text(4 << 10).wire.len(), turns),
        _ => panic!("no such work: {what}"),
    }
}

/// What the adapters are beside: the same over the same transport, by a search for terminators.
fn drain(turns: usize) {
    let mut drain = Drain::new(Connection::new(reply(4 << 10)), BLOCK, WINDOW);
    drain.log_in("a", PASSWORD).expect("a login");
    let octets = drain.messages(WINDOW * turns).expect("messages");
    assert_eq!(octets, (reply(4 << 10).len() * WINDOW * turns) as u64);
}

fn blocking(turns: usize) {
    let (mailbox, password) = credentials("a").expect("a name");
    let connection = Connection::new(reply(4 << 10));
    let client = fetch::blocking(None).over(connection, Channel::Trusted).expect("a greeting");
    let mut session = client.login(&mailbox, &password).expect("a login");
    let octets = fetch::fetch(&mut session, WINDOW * turns, WINDOW, Taken::Streamed);
    assert_eq!(octets.expect("messages"), text(4 << 10).body * WINDOW * turns);
}

fn asynchronous(turns: usize) {
    let (mailbox, password) = credentials("a").expect("a name");
    let connection = Connection::new(reply(4 << 10));
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let octets = runtime.block_on(async {
        let client = fetch::asynchronous(None).over(connection, Channel::Trusted).await;
        let login = client.expect("a greeting").login(&mailbox, &password).await;
        let mut session = login.expect("a login");
        let messages = WINDOW * turns;
        fetch::fetch_asynchronously(&mut session, messages, WINDOW, Taken::Streamed).await
    });
    assert_eq!(octets.expect("messages"), text(4 << 10).body * WINDOW * turns);
}

fn reply(octets: usize) -> Vec<u8> {
    [b"+OK\r\n", &text(octets).wire[..]].concat()
}

fn listing(line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut listing = String::from("+OK\r\n");
    listing.extend((1..=LINES).map(line));
    listing.push_str(".\r\n");
    listing.into()
}

/// A client session sends `command` in windows and polls the replies.
fn receive(command: &Command, window: usize, reply: &[u8], expected: Seen, turns: usize) {
    let replies = reply.repeat(window);
    let mut session = client::logged_in();
    for _ in 0..turns {
        client::send(&mut session, command, window);
        let seen = client::poll(&mut session, black_box(&replies), BLOCK);
        assert_eq!(seen, (expected.0 * window, expected.1 * window));
    }
}

/// A server session is sent `command` in windows and answers.
fn serve(command: &[u8], reply: usize, turns: usize) {
    let commands = command.repeat(WINDOW);
    let mut server = Server::new(1, text(4 << 10).message(b"\r\n"));
    for _ in 0..turns {
        assert_eq!(server.serve(black_box(&commands), |_| {}), reply * WINDOW);
    }
}
