//! What the statements of MS-STANOPOP3 say of connections and of silence, over TCP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{
    Choice, ClientConfig, Credentials, Method, ProtocolError, Security, Waiting,
};
use pop3_blocking::pop3_proto::state::Keyword;
use pop3_blocking::pop3_proto::{Mailbox, MessageNumber, Password};
use pop3_blocking::{Builder, Client, Error, Session};

/// As Outlook, with deadlines that pass soon.
fn outlook(deadline: Duration) -> Builder {
    let mut builder = Client::builder(Security::PlaintextAllowed);
    builder.config = ClientConfig::outlook(Security::PlaintextAllowed);
    builder.deadlines.greeting = deadline;
    builder.deadlines.reply = deadline;
    builder
}

fn credentials() -> Credentials {
    let mailbox = Mailbox::new("mrose").expect("a mailbox");
    Credentials::password(mailbox, Password::new("tan staaf").expect("a password"))
}

fn log_in(builder: &Builder, port: u16) -> Result<Session<TcpStream>, Error> {
    let client = builder.connect("127.0.0.1", port)?;
    let method = Choice::Only(Method::UserPass);
    Ok(client.login_with(credentials(), method).expect("a login"))
}

/// A server that says the first line at once and each other one after a command; then it says nothing, until the
/// client has gone.
fn says(lines: &[&'static str]) -> (u16, JoinHandle<()>) {
    let lines = lines.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut commands = BufReader::new(stream.try_clone().expect("the same"));
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                commands.read_line(&mut String::new()).expect("a command");
            }
            stream.write_all(line.as_bytes()).expect("a write");
        }
        let _ = commands.read_to_end(&mut Vec::new());
    });
    (port, server)
}

/// What the session waited for when its time was over.
fn awaited(error: &Error) -> Waiting {
    match error {
        Error::Protocol(ProtocolError::TimedOut { waiting }) => *waiting,
        error => panic!("{error:?}"),
    }
}

/// A command and the whole of its reply.
type Ask = fn(&mut Session<TcpStream>, MessageNumber) -> Result<(), Error>;

const SHORT: Duration = Duration::from_millis(150);

/// C0002, C0005: where Outlook hangs for want of a greeting, or of its CRLF, the client gives up and says so.
#[test]
fn a_greeting_that_does_not_come() {
    for part in ["", "+OK ready", "+OK ready\r"] {
        let (port, server) = says(&[part]);
        let began = Instant::now();
        let error = outlook(SHORT).connect("127.0.0.1", port).expect_err("no greeting");
        assert_eq!(awaited(&error), Waiting::Greeting);
        assert_eq!(error.to_string(), "timed out waiting for the greeting");
        assert!((SHORT..Duration::from_secs(10)).contains(&began.elapsed()));
        server.join().expect("no panic");
    }
}

/// C0005, C0006, C0014: where Outlook hangs for want of a reply, of its CRLF, of the line that ends it or of that
/// line's CRLF, the client gives up and says for what command.
#[test]
fn a_reply_that_does_not_come() {
    let first = MessageNumber::new(1).expect("not 0");
    let stat: Ask = |session, _| session.stat().map(|_| ());
    let list: Ask = |session, _| session.list()?.try_for_each(|item| item.map(|_| ()));
    let uidl: Ask = |session, _| session.uidl()?.try_for_each(|item| item.map(|_| ()));
    let retr: Ask = |session, message| {
        let mut body = session.retr(message)?;
        body.read_to_end(&mut Vec::new()).map(|_| ()).map_err(Error::from)
    };
    for (ask, reply, keyword, rest) in [
        (stat, "", Keyword::Stat, false),
        (stat, "+OK 2 320", Keyword::Stat, false),
        (stat, "+OK 2 320\r", Keyword::Stat, false),
        (retr, "+OK", Keyword::Retr, false),
        (list, "+OK\r\n1 120\r\n", Keyword::List, true),
        (list, "+OK\r\n1 120\r\n.", Keyword::List, true),
        (uidl, "+OK\r\n1 a\r\n.\r", Keyword::Uidl, true),
        (retr, "+OK\r\nSubject: one\r\n", Keyword::Retr, true),
        (retr, "+OK\r\nSubject: one\r\n.", Keyword::Retr, true),
    ] {
        let (port, server) = says(&["+OK\r\n", "+OK\r\n", "+OK\r\n", reply]);
        let mut session = log_in(&outlook(SHORT), port).expect("a greeting");
        let began = Instant::now();
        let error = ask(&mut session, first).expect_err("no end");
        let name = match awaited(&error) {
            Waiting::Reply(id) if !rest => id.keyword(),
            Waiting::Rest(id) if rest => id.keyword(),
            waiting => panic!("{keyword} {reply:?}: {waiting:?}"),
        };
        assert_eq!(name, Some(keyword), "{reply:?}");
        let what = if rest { "the rest of the reply" } else { "the reply" };
        assert_eq!(error.to_string(), format!("timed out waiting for {what} to {keyword}"));
        assert!((SHORT / 2..Duration::from_secs(10)).contains(&began.elapsed()));
        drop(session);
        server.join().expect("no panic");
    }
}

#[cfg(feature = "server")]
mod server {
    use pop3_blocking::pop3_proto::client::Update;
    use pop3_blocking::server::{Memory, Passwords, Running, Server};

    use super::*;

    fn served() -> (Memory, Running) {
        let mailbox = Mailbox::new("mrose").expect("a mailbox");
        let store = Memory::new();
        for message in ["Subject: one\n\n.\n", "Subject: two\n\nx\n"] {
            store.deliver(&mailbox, message);
        }
        let mut passwords = Passwords::new();
        passwords.insert(mailbox, &Password::new("tan staaf").expect("a password"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let running = Server::new(store.clone(), passwords).spawn(listener).expect("a server");
        (store, running)
    }

    /// C0001, C0039: the client connects over TCP, the server serves it there, and in the next connection each message
    /// has the unique-id that it had, though another one has gone.
    #[test]
    fn sessions_over_tcp() {
        let (store, running) = served();
        let port = running.address().port();
        let builder = outlook(Duration::from_secs(20));
        let ids = |session: &mut Session<TcpStream>| -> Vec<_> {
            let listings = session.uidl().expect("a listing");
            listings.map(|listing| listing.expect("an item").id).collect()
        };
        let mut session = log_in(&builder, port).expect("a greeting");
        let before = ids(&mut session);
        assert_eq!(session.stat().expect("an answer").messages, 2);
        session.dele(MessageNumber::new(1).expect("not 0")).expect("an answer");
        assert_eq!(session.quit().expect("an answer"), Update::Committed);
        let mut session = log_in(&builder, port).expect("a greeting");
        assert_eq!(ids(&mut session), before[1..]);
        // What the statement has for octets, and RFC 1939 §7 too.
        for id in &before {
            assert!((1..=70).contains(&id.octets().len()), "{id}");
            assert!(id.octets().iter().all(|octet| (0x2e..=0x7e).contains(octet)), "{id}");
        }
        assert_eq!(store.messages(&Mailbox::new("mrose").expect("a mailbox")).len(), 1);
    }

    /// C0002, C0005, C0006, C0014: the server greets as soon as the connection is there, and answers each line that
    /// Outlook sends as soon as it is there, with all of the answer.
    #[test]
    fn each_answer_comes_at_once() {
        let (_, running) = served();
        let mut stream = TcpStream::connect(running.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
        let mut hear = |command: &str, several: bool| {
            stream.write_all(command.as_bytes()).expect("a write");
            let mut said = Vec::new();
            let end: &[u8] = if several { b"\r\n.\r\n" } else { b"\r\n" };
            while !said.ends_with(end) {
                let mut octet = [0];
                stream.read_exact(&mut octet).expect("an answer");
                said.extend(octet);
            }
            String::from_utf8(said).expect("ASCII")
        };
        for (command, several) in [
            ("", false),
            ("USER mrose\r\n", false),
            ("PASS tan staaf\r\n", false),
            ("STAT\r\n", false),
            ("UIDL\r\n", true),
            ("LIST\r\n", true),
            ("TOP 1 0\r\n", true),
            ("RETR 1\r\n", true),
            ("DELE 1\r\n", false),
            ("NOOP\r\n", false),
            ("QUIT\r\n", false),
        ] {
            assert!(hear(command, several).starts_with("+OK "), "{command}");
        }
        assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
    }
}
