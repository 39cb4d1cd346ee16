//! The blocking client against scripted servers, in pieces of every size.

use std::io::{BufRead as _, Read as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{
    self, Channel, Eof, Item, ProtocolError, Security, SendError, Update, Waiting,
};
use pop3_blocking::pop3_proto::{
    Command, DropListing, KnownCode, LanguageRange, Mailbox, MessageNumber, Password, ScanListing,
};
use pop3_blocking::{COLLECT_LIMIT, Client, Error, LoginError, Outcome, Session, Timeouts};

mod support;
use support::{Act, Scripted, send};

const PIECES: [usize; 5] = [1, 2, 3, 7, 65536];

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

fn connect(piece: usize, script: Vec<Act>) -> Result<Client<Scripted>, Error> {
    Client::builder(Security::PlaintextAllowed).over(Scripted::new(piece, script), Channel::Clear)
}

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

/// A session that is logged in and goes on with `script`.
fn session(piece: usize, script: Vec<Act>) -> Session<Scripted> {
    let mut whole = vec![
        send("+OK ready\r\n"),
        Act::Expect("USER mrose\r\n"),
        send("+OK\r\n"),
        Act::Expect("PASS tan staaf\r\n"),
        send("+OK\r\n"),
    ];
    whole.extend(script);
    let client = connect(piece, whole).expect("a greeting");
    let mailbox = Mailbox::new("mrose").expect("a mailbox");
    user_pass(client, &mailbox, "tan staaf").expect("a login")
}

/// The same, where the server announces PIPELINING.
fn pipelining(piece: usize, script: Vec<Act>) -> Session<Scripted> {
    let mut whole = vec![Act::Expect("CAPA\r\n"), send("+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n")];
    whole.extend(script);
    let mut session = session(piece, whole);
    assert!(session.capabilities().expect("a list").pipelining());
    session
}

#[test]
fn a_whole_session_in_pieces_of_every_size() {
    for piece in PIECES {
        let mut session = session(
            piece,
            vec![
                Act::Expect("STAT\r\n"),
                send("+OK 2 320\r\n"),
                Act::Expect("LIST\r\n"),
                Act::Interrupt,
                send("+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"),
                Act::Expect("UIDL\r\n"),
                send("+OK\r\n1 a\r\n2 b\r\n.\r\n"),
                Act::Expect("LIST 2\r\n"),
                send("+OK 2 200\r\n"),
                Act::Expect("UIDL 2\r\n"),
                send("+OK 2 b\r\n"),
                Act::Expect("RETR 1\r\n"),
                send("+OK 120 octets\r\none\r\n..two\r\n\r\n.\r\n"),
                Act::Expect("TOP 2 0\r\n"),
                send("+OK\r\nSubject: x\r\n\r\n.\r\n"),
                Act::Expect("DELE 1\r\n"),
                send("+OK\r\n"),
                Act::Expect("NOOP\r\n"),
                send("+OK\r\n"),
                Act::Expect("RSET\r\n"),
                send("+OK\r\n"),
                Act::Expect("QUIT\r\n"),
                send("+OK bye\r\n"),
            ],
        );
        assert_eq!(session.stat().unwrap(), DropListing::new(2, 320));
        let sizes: Vec<_> = session.list().unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(sizes, [ScanListing::new(number(1), 120), ScanListing::new(number(2), 200)]);
        let ids: Vec<_> =
            session.uidl().unwrap().map(|listing| listing.unwrap().id.to_string()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(session.list_one(number(2)).unwrap().octets, 200);
        assert_eq!(session.uidl_one(number(2)).unwrap().id.as_str(), "b");
        assert_eq!(
            session.retr(number(1)).unwrap().collect(COLLECT_LIMIT).unwrap(),
            b"one\r\n.two\r\n\r\n"
        );
        let mut top = Vec::new();
        session.top(number(2), 0).unwrap().read_to_end(&mut top).unwrap();
        assert_eq!(top, b"Subject: x\r\n\r\n");
        session.dele(number(1)).unwrap();
        session.noop().unwrap();
        session.rset().unwrap();
        assert_eq!(session.quit().unwrap(), Update::Committed);
    }
}

#[test]
fn a_body_reads_the_same_in_every_way() {
    let body = "..dots\r\n\r\n...\r\nlast\r\n";
    let expected = b".dots\r\n\r\n..\r\nlast\r\n";
    for piece in PIECES {
        let script = |ways: usize| {
            let reply = format!("+OK\r\n{body}.\r\n");
            (0..ways).flat_map(|_| [Act::Expect("RETR 1\r\n"), send(&reply)]).collect::<Vec<_>>()
        };
        let mut session = session(piece, script(4));
        for room in [1, 3, 4096] {
            let mut read = Vec::new();
            let mut reader = session.retr(number(1)).unwrap();
            let mut buffer = vec![0; room];
            loop {
                let len = reader.read(&mut buffer).unwrap();
                if len == 0 {
                    break;
                }
                read.extend_from_slice(&buffer[..len]);
            }
            assert_eq!(read, expected, "room {room}");
        }
        let mut lines = Vec::new();
        let mut reader = session.retr(number(1)).unwrap();
        while reader.read_until(b'\n', &mut lines).unwrap() > 0 {}
        assert_eq!(reader.chunk().unwrap(), None);
        drop(reader);
        assert_eq!(lines, expected);
    }
}

/// I11: what is dropped half-way is read and dropped by the next call, under its own command.
#[test]
fn dropping_half_way_leaves_the_session_in_step() {
    for piece in PIECES {
        let mut session = session(
            piece,
            vec![
                Act::Expect("RETR 1\r\n"),
                send("+OK\r\nabc\r\n-ERR in a body\r\n.\r\n"),
                Act::Expect("LIST\r\n"),
                send("+OK\r\n1 1\r\n2 2\r\n.\r\n"),
                Act::Expect("STAT\r\n"),
                send("+OK 2 3\r\n"),
            ],
        );
        let mut body = session.retr(number(1)).unwrap();
        assert_eq!(body.read(&mut [0]).unwrap(), 1);
        drop(body);
        assert_eq!(session.list().unwrap().next().unwrap().unwrap().octets, 1);
        assert_eq!(session.stat().unwrap(), DropListing::new(2, 3));
    }
}

#[test]
fn a_pipeline_answers_in_order_and_goes_on_behind_a_refusal() {
    for piece in PIECES {
        let mut session = pipelining(
            piece,
            vec![
                Act::Expect("RETR 1\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\n"),
                send("+OK\r\none\r\n.\r\n-ERR gone\r\n+OK\r\nthree\r\n.\r\n+OK\r\n"),
                Act::Expect("STAT\r\n"),
                send("+OK 3 9\r\n"),
            ],
        );
        let commands = [1, 2, 3].map(|message| Command::Retr(number(message)));
        let mut pipeline =
            session.pipeline(commands.into_iter().chain([Command::Dele(number(1))]), 8);
        let mut seen = Vec::new();
        while let Some(reply) = pipeline.next() {
            let reply = reply.unwrap();
            seen.push(match reply.outcome {
                Outcome::Body(body) => String::from_utf8(body.collect(99).unwrap()).unwrap(),
                Outcome::Line(response) => format!("{}{}", response.status.as_str(), response.text),
                other => panic!("{other:?}"),
            });
        }
        drop(pipeline);
        assert_eq!(seen, ["one\r\n", "-ERRgone", "three\r\n", "+OK"]);
        assert_eq!(session.stat().unwrap(), DropListing::new(3, 9));
    }
}

/// RFC 2449 §6.6: nothing is sent ahead where PIPELINING was not announced.
#[test]
fn a_pipeline_waits_where_it_must() {
    let mut session = session(
        3,
        vec![
            Act::Expect("DELE 1\r\n"),
            send("+OK\r\n"),
            Act::Expect("DELE 2\r\n"),
            send("+OK\r\n"),
            Act::Expect("LIST 3\r\n"),
            send("+OK 3 7\r\n"),
        ],
    );
    let commands =
        [Command::Dele(number(1)), Command::Dele(number(2)), Command::List(Some(number(3)))];
    let mut pipeline = session.pipeline(commands, 32);
    let mut items = 0;
    while let Some(reply) = pipeline.next() {
        match reply.unwrap().outcome {
            Outcome::Line(response) => assert!(response.is_ok()),
            Outcome::Item(Item::Scan(listing)) => {
                assert_eq!(listing.octets, 7);
                items += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(items, 1);
}

/// What gives items and what gives a body follows from the command, also in a pipeline.
#[test]
fn a_pipeline_tells_listings_from_bodies() {
    let mut session = pipelining(
        7,
        vec![
            Act::Expect("UIDL\r\nTOP 1 0\r\nCAPA\r\n"),
            send("+OK\r\n1 a\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\nTOP\r\nUIDL\r\n.\r\n"),
        ],
    );
    let top = Command::Top { message: number(1), lines: 0 };
    let mut pipeline = session.pipeline([Command::Uidl(None), top, Command::Capa], 8);
    let mut seen = Vec::new();
    while let Some(reply) = pipeline.next() {
        seen.push(match reply.unwrap().outcome {
            Outcome::Items(items) => format!("{} items", items.count()),
            Outcome::Body(body) => format!("{} octets", body.collect(99).unwrap().len()),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, ["1 items", "5 octets", "2 items"]);
}

/// I11, and the refill at half of the window.
#[test]
fn a_pipeline_dropped_half_way_leaves_the_session_in_step() {
    let mut session = pipelining(
        5,
        vec![
            Act::Expect("RETR 1\r\nRETR 2\r\n"),
            send("+OK\r\none\r\n.\r\n+OK\r\ntwo\r\n.\r\n"),
            Act::Expect("RETR 3\r\nNOOP\r\n"),
            send("+OK\r\nthree\r\n.\r\n+OK\r\n"),
        ],
    );
    let mut pipeline =
        session.pipeline((1..).map(|message| Command::Retr(number(message))).take(3), 2);
    drop(pipeline.next());
    // The first reply is dropped unread, the second begun.
    match pipeline.next().unwrap().unwrap().outcome {
        Outcome::Body(mut body) => assert_eq!(body.read(&mut [0; 2]).unwrap(), 2),
        other => panic!("{other:?}"),
    }
    drop(pipeline);
    session.noop().unwrap();
}

#[test]
fn a_command_that_the_session_refuses_is_reported_in_its_order() {
    let mut session = pipelining(
        64,
        vec![Act::Expect("DELE 1\r\n"), send("+OK\r\n"), Act::Expect("NOOP\r\n"), send("+OK\r\n")],
    );
    session.dele(number(1)).unwrap();
    let mut pipeline = session.pipeline([Command::Noop, Command::Retr(number(1))], 4);
    assert!(matches!(pipeline.next(), Some(Ok(reply)) if reply.command == Command::Noop));
    assert!(matches!(
        pipeline.next(),
        Some(Err(Error::Send(SendError::MarkedDeleted(message)))) if message == number(1)
    ));
    assert!(pipeline.next().is_none());
}

#[test]
fn a_refused_login_gives_the_client_back() {
    let client = connect(
        4,
        vec![
            send("+OK\r\n"),
            Act::Expect("USER a\r\n"),
            send("+OK\r\n"),
            Act::Expect("PASS b\r\n"),
            send("-ERR [AUTH] wrong\r\n"),
            Act::Expect("USER a\r\n"),
            send("+OK\r\n"),
            Act::Expect("PASS c\r\n"),
            send("+OK\r\n"),
            Act::Expect("QUIT\r\n"),
            send("+OK\r\n"),
        ],
    )
    .unwrap();
    let mailbox = Mailbox::new("a").unwrap();
    let error = user_pass(client, &mailbox, "b").unwrap_err();
    let LoginError::Refused { client, reason } = error else { panic!("{error:?}") };
    let error = Error::from(reason);
    let response = error.response().expect("what the server said");
    assert_eq!(response.code().unwrap().known(), Some(KnownCode::Auth));
    assert!(!error.is_auth(), "nothing announced the code");
    let session = user_pass(*client, &mailbox, "c").unwrap();
    assert_eq!(session.quit().unwrap(), Update::Committed);
}

/// R1939-6.02: the three outcomes of QUIT.
#[test]
fn quit_has_three_outcomes() {
    let quit = |act: Act| session(2, vec![Act::Expect("QUIT\r\n"), act]).quit();
    assert_eq!(quit(send("+OK\r\n")).unwrap(), Update::Committed);
    assert_eq!(quit(send("-ERR some deleted messages not removed\r\n")).unwrap(), Update::Refused);
    for act in [Act::Close, Act::Reset, Act::Silence] {
        let error = quit(act.clone()).unwrap_err();
        assert_eq!(error.update, Update::Unknown, "{act:?}");
    }
    assert!(quit(Act::Silence).unwrap_err().error.is_timeout());
}

/// H6, H7: an unfinished reply is an error whatever has come of it.
#[test]
fn an_unfinished_reply_is_an_error() {
    for (act, eof) in [(Act::Close, Eof::Clean), (Act::Reset, Eof::Abrupt)] {
        let mut session =
            session(9, vec![Act::Expect("RETR 1\r\n"), send("+OK\r\nhalf\r\n.\r"), act.clone()]);
        let mut body = session.retr(number(1)).unwrap();
        let mut read = Vec::new();
        let error = Error::from(body.read_to_end(&mut read).unwrap_err());
        assert_eq!(read, b"half\r\n");
        assert!(
            matches!(&error, Error::Protocol(ProtocolError::UnexpectedEof { waiting: Waiting::Rest(_), eof: of }) if *of == eof),
            "{error:?}"
        );
        drop(body);
        assert!(matches!(session.noop(), Err(Error::Send(SendError::Over))));
    }
}

#[test]
fn surplus_octets_and_farewells() {
    let mut closed = session(64, vec![Act::Expect("NOOP\r\n"), send("+OK\r\n+OK 2 320\r\n")]);
    closed.noop().unwrap();
    assert!(matches!(closed.stat(), Err(Error::Protocol(ProtocolError::Unsolicited))));

    let mut closed = session(
        64,
        vec![Act::Expect("NOOP\r\n"), send("+OK\r\n-ERR [SYS/TEMP] idle\r\n"), Act::Close],
    );
    closed.noop().unwrap();
    let error = closed.stat().unwrap_err();
    assert!(matches!(&error, Error::Closed { farewell: Some(_) }), "{error:?}");
    assert!(!error.is_transient(), "nothing announced the code");

    let script = vec![
        Act::Expect("CAPA\r\n"),
        send("+OK\r\nRESP-CODES\r\n.\r\n-ERR [SYS/TEMP] idle\r\n"),
        Act::Close,
    ];
    let mut closed = session(64, script);
    closed.capabilities().unwrap();
    assert!(closed.stat().unwrap_err().is_transient());
}

#[test]
fn a_message_too_large_to_collect_is_refused_and_the_session_goes_on() {
    let mut session = session(
        64,
        vec![
            Act::Expect("RETR 1\r\n"),
            send("+OK 5 octets\r\n0123456789\r\n.\r\n"),
            Act::Expect("NOOP\r\n"),
            send("+OK\r\n"),
        ],
    );
    let error = session.retr(number(1)).unwrap().collect(5).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 5 }));
    session.noop().unwrap();
}

#[test]
fn a_malformed_line_does_not_end_a_listing() {
    let mut session =
        session(64, vec![Act::Expect("UIDL\r\n"), send("+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n")]);
    let listed: Vec<_> = session.uidl().unwrap().collect();
    assert_eq!(listed.len(), 3);
    assert!(matches!(&listed[1], Err(Error::MalformedItem(text)) if text.octets() == b"2"));
    assert_eq!(listed[2].as_ref().unwrap().id.as_str(), "c");
}

/// The security policy: no credential leaves in clear unless the caller says so.
#[test]
fn no_password_leaves_in_clear_by_default() {
    let scripted = Scripted::new(9, [send("+OK\r\n")]);
    let client = Client::builder(Security::StlsRequired).over(scripted, Channel::Clear).unwrap();
    let error = user_pass(client, &Mailbox::new("a").unwrap(), "b").unwrap_err();
    let LoginError::Refused { reason, .. } = error else { panic!("{error:?}") };
    assert!(matches!(reason, client::LoginError::Send(SendError::NotProtected { .. })));
}

#[test]
fn a_negative_greeting_is_a_refusal() {
    let error = connect(1, vec![send("-ERR [SYS/PERM] closed\r\n")]).unwrap_err();
    assert!(matches!(&error, Error::Refused(response) if response.code().is_some()), "{error:?}");
}

/// C0002, C0005, C0014: a server that falls silent ends in a time-out that says what was awaited.
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

/// A flush is a write: interrupted it is repeated, out of time it is a time-out, and when the
/// connection is gone what the server said before is still read.
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
    let error = capabilities(0, Some(std::io::ErrorKind::BrokenPipe), "-ERR [SYS/TEMP] later\r\n");
    assert!(matches!(error, Err(Error::Refused(_))), "{error:?}");
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

/// R6856-2.1.01, R6856-3.1.01, R6856-3.2.03 to R6856-3.2.05: UTF-8 mode before the login, languages before and after.
#[test]
fn utf8_and_languages() {
    let script = vec![
        send("+OK ready\r\n"),
        Act::Expect("UTF8\r\n"),
        send("+OK UTF8 enabled\r\n"),
        Act::Expect("LANG\r\n"),
        send(
            "+OK Language listing follows:\r\nen English\r\nsv Svenska \u{e5}\r\ni-default\r\n.\r\n",
        ),
        Act::Expect("USER mrose\r\n"),
        send("+OK\r\n"),
        Act::Expect("PASS x\r\n"),
        send("+OK\r\n"),
        Act::Expect("LANG uga\r\n"),
        send("-ERR Ce Language n'est pas support\u{e9}\r\n"),
        Act::Expect("LANG *\r\n"),
        send("+OK fr La Language commande a ex\u{e9}cut\u{e9}e\r\n"),
    ];
    for piece in PIECES {
        let mut client = connect(piece, script.clone()).expect("a greeting");
        client.utf8().expect("UTF-8 mode");
        let languages = client.languages().expect("a list");
        let tags: Vec<_> = languages.iter().map(|listing| listing.tag.as_str()).collect();
        assert_eq!(tags, ["en", "sv", "i-default"]);
        assert_eq!(languages[1].description.octets(), "Svenska \u{e5}".as_bytes());
        let mailbox = Mailbox::new("mrose").expect("a mailbox");
        let mut session = user_pass(client, &mailbox, "x").expect("a login");
        let range = |range| LanguageRange::new(range).expect("a range");
        assert!(matches!(session.choose_language(&range("uga")), Err(Error::Refused(_))));
        assert_eq!(session.choose_language(&range("*")).expect("a language").tag.as_str(), "fr");
    }
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
