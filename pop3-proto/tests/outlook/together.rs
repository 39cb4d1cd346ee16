//! Our client as Outlook is, with our server: whole sessions.

use pop3_proto::client::{Channel, ClientConfig, Security, Update};
use pop3_proto::server::{ServerConfig, ServerSession};
use pop3_proto::state::State;
use pop3_proto::{ApopTimestamp, Command};

use crate::client::{outlook, top};
use crate::server_support::{Dialogue, MAILBOX, PASSWORD, Server, text, written};
use crate::support::{Run, apop, dele, number, pass, retr, user};

fn messages() -> Vec<Vec<u8>> {
    vec![
        b"Subject: one\n\n.\n..two\nthree\n".to_vec(),
        b"Subject: two\r\n\r\nA\r\nB\r\n".to_vec(),
        b"Subject: three\n\n".to_vec(),
    ]
}

/// Holds a session; what the client told of it, and what it sent.
fn hold(config: ClientConfig, commands: &[Command]) -> (Vec<String>, Server, Run) {
    let mut server = Server::new(ServerConfig::new(), messages());
    let mut client = Run::new(config, Channel::Trusted);
    client.feed(&written(&mut server.session));
    for command in commands {
        let before = client.sent.len();
        client.send(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = server.converse(&client.sent[before..]);
        client.feed(&said);
    }
    (client.take_trace(), server, client)
}

fn strict() -> ClientConfig {
    ClientConfig::strict(Security::PlaintextAllowed)
}

/// MS-2.1: there are no normative variations. In a session without deviations a client that is lenient as Outlook sends
/// the same and tells the same as a strict one, and so does one that reads what a server refuses.
#[test]
fn no_variation_shows_with_a_server_that_conforms() {
    let commands = [
        Command::Capa,
        user(MAILBOX),
        pass("wrong"),
        user(MAILBOX),
        pass(PASSWORD),
        Command::Capa,
        Command::Stat,
        Command::Uidl(None),
        Command::List(None),
        top(1, 2),
        retr(1),
        retr(3),
        retr(9),
        dele(1),
        Command::List(None),
        Command::Noop,
        Command::Quit,
    ];
    let (told, server, client) = hold(outlook(), &commands);
    let (strictly, _, other) = hold(strict(), &commands);
    assert_eq!((&told, &client.sent), (&strictly, &other.sent));
    assert!(!told.iter().any(|line| line.contains("deviation")), "{told:?}");
    assert_eq!(told.last().unwrap(), "closed Committed");
    assert_eq!((server.removed, server.closed), (Some(vec![1]), Some(true)));
    for line in [
        "#2 completed - \"[AUTH] authentication failed\"",
        "#6 drop 3 73",
        "#9 data \"Subject: one\\r\\n\\r\\n.\\r\\n..two\\r\\n\"",
        "#10 data \"Subject: one\\r\\n\\r\\n.\\r\\n..two\\r\\nthree\\r\\n\"",
        "#12 completed - \"no such message\"",
    ] {
        assert!(told.iter().any(|told| told == line), "{line} is not in {told:#?}");
    }
}

/// MS-1.4: what sections 3 to 7 of RFC 1939 require, and what they leave open and is implemented, is as they say: a
/// strict client gets each command through, those of section 7 too.
#[test]
fn every_command_of_the_normative_sections() {
    let commands = [
        user(MAILBOX),
        pass(PASSWORD),
        Command::Stat,
        Command::List(None),
        Command::List(Some(number(2))),
        retr(1),
        dele(1),
        Command::Noop,
        Command::Rset,
        top(1, 0),
        Command::Uidl(None),
        Command::Uidl(Some(number(2))),
        Command::Quit,
    ];
    let (told, server, client) = hold(strict(), &commands);
    let ends =
        told.iter().filter(|line| line.ends_with(" finished") || line.contains(" completed + "));
    assert_eq!(ends.count(), commands.len(), "{told:#?}");
    assert_eq!(
        (client.session.state(), client.session.update()),
        (State::Closed, Update::Committed)
    );
    assert_eq!(server.removed, Some(Vec::new()));

    // Section 7 has APOP too, which takes a timestamp in the greeting.
    let mut config = ServerConfig::new();
    config.apop = true;
    let stamp = ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").unwrap();
    let mut server =
        ServerSession::with_timestamp(config, Channel::Trusted, text("ready"), stamp).unwrap();
    let mut client = Run::new(strict(), Channel::Trusted);
    client.feed(Dialogue::hold(&mut server, &[]).output.as_bytes());
    client.send(&apop()).unwrap();
    let said = Dialogue::hold(&mut server, &[&client.sent]).output;
    client.feed(said.as_bytes());
    assert_eq!((client.session.state(), server.state()), (State::Transaction, State::Transaction));
}

/// C0008, C0009: whom the server does not know gets nowhere; and Outlook's way in, USER and PASS, is there unless the
/// configuration says otherwise.
#[test]
fn who_is_known_gets_in() {
    let (_, server, client) = hold(outlook(), &[user(MAILBOX), pass("wrong")]);
    let states = (client.session.state(), server.session.state());
    assert_eq!(states, (State::Authorization, State::Authorization));
    let (_, server, client) = hold(outlook(), &[user(MAILBOX), pass(PASSWORD)]);
    let states = (client.session.state(), server.session.state());
    assert_eq!(states, (State::Transaction, State::Transaction));
}
