//! The asynchronous client against scripted servers, in pieces of every size.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pop3_tokio::pop3_proto::client::{
    self, Channel, Choice, Credentials, Eof, Item, Method, Pipelining, ProtocolError, Security,
    SendError, Support, Update, Waiting,
};
use pop3_tokio::pop3_proto::sasl::{External, Plain};
use pop3_tokio::pop3_proto::state::Keyword;
use pop3_tokio::pop3_proto::{
    Command, DropListing, KnownCode, Mailbox, MessageNumber, Password, RawFraming, ScanListing,
    Secret,
};
use pop3_tokio::{
    Address, Body, Builder, COLLECT_LIMIT, Client, Error, Items, LoginError, Outcome, Pipeline,
    QuitError, Session,
};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, sleep, timeout};

mod support;
use support::{Act, Script, Scripted, send};

const PIECES: [usize; 5] = [1, 2, 3, 7, 65536];

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

async fn connect(
    piece: usize,
    script: impl IntoIterator<Item = Act>,
) -> Result<Client<Script>, Error> {
    let transport = Script(Scripted::new(piece, script));
    Client::builder(Security::PlaintextAllowed).over(transport, Channel::Clear).await
}

/// Logs in by USER and PASS alone: nothing else is in the scripts.
async fn user_pass<S: AsyncRead + AsyncWrite + Unpin>(
    client: Client<S>,
    mailbox: &str,
    password: &str,
) -> Result<Session<S>, LoginError<S>> {
    let mailbox = Mailbox::new(mailbox).expect("a mailbox");
    let password = Password::new(password).expect("a password");
    let credentials = Credentials::password(mailbox, password);
    client.login_with(credentials, Choice::Only(Method::UserPass)).await
}

/// A session that is logged in and goes on with `script`.
async fn session(piece: usize, script: impl IntoIterator<Item = Act>) -> Session<Script> {
    session_of(&Client::builder(Security::PlaintextAllowed), piece, script).await
}

async fn session_of(
    builder: &Builder,
    piece: usize,
    script: impl IntoIterator<Item = Act>,
) -> Session<Script> {
    let mut whole = vec![
        send("+OK ready\r\n"),
        Act::Expect("USER mrose\r\n"),
        send("+OK\r\n"),
        Act::Expect("PASS tan staaf\r\n"),
        send("+OK\r\n"),
    ];
    whole.extend(script);
    let transport = Script(Scripted::new(piece, whole));
    let client = builder.over(transport, Channel::Clear).await.expect("a greeting");
    user_pass(client, "mrose", "tan staaf").await.expect("a login")
}

/// The same, where the server announces PIPELINING.
async fn pipelining(piece: usize, script: impl IntoIterator<Item = Act>) -> Session<Script> {
    let mut whole = vec![Act::Expect("CAPA\r\n"), send("+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n")];
    whole.extend(script);
    let mut session = session(piece, whole).await;
    assert!(session.capabilities().await.expect("a list").pipelining());
    session
}

#[tokio::test(start_paused = true)]
async fn a_whole_session_in_pieces_of_every_size() {
    for piece in PIECES {
        let script = [
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
            Act::Expect("XRAW\r\n"),
            send("+OK\r\nline\r\n.\r\n"),
            Act::Expect("DELE 1\r\n"),
            send("+OK\r\n"),
            Act::Expect("NOOP\r\n"),
            send("+OK\r\n"),
            Act::Expect("RSET\r\n"),
            send("+OK\r\n"),
            Act::Expect("QUIT\r\n"),
            send("+OK bye\r\n"),
        ];
        // A task may be moved from thread to thread: all its futures are `Send`.
        tokio::spawn(async move {
            let mut session = session(piece, script).await;
            assert_eq!(session.stat().await.unwrap(), DropListing::new(2, 320));
            let mut listings = session.list().await.unwrap();
            let mut sizes = Vec::new();
            while let Some(listing) = listings.next().await {
                sizes.push(listing.unwrap());
            }
            drop(listings);
            assert_eq!(sizes, [ScanListing::new(number(1), 120), ScanListing::new(number(2), 200)]);
            let mut listings = session.uidl().await.unwrap();
            for id in ["a", "b"] {
                assert_eq!(listings.next().await.unwrap().unwrap().id.as_str(), id);
            }
            assert!(listings.next().await.is_none());
            assert!(listings.next().await.is_none());
            drop(listings);
            assert_eq!(session.list_one(number(2)).await.unwrap().octets, 200);
            assert_eq!(session.uidl_one(number(2)).await.unwrap().id.as_str(), "b");
            let body = session.retr(number(1)).await.unwrap();
            assert_eq!(body.response().text.octets(), b"120 octets");
            assert_eq!(body.collect(COLLECT_LIMIT).await.unwrap(), b"one\r\n.two\r\n\r\n");
            let mut top = Vec::new();
            session.top(number(2), 0).await.unwrap().read_to_end(&mut top).await.unwrap();
            assert_eq!(top, b"Subject: x\r\n\r\n");
            let raw = Command::raw("XRAW", RawFraming::Multiline).unwrap();
            let body = session.raw_body(&raw).await.unwrap();
            assert_eq!(body.collect(99).await.unwrap(), b"line\r\n");
            session.dele(number(1)).await.unwrap();
            session.noop().await.unwrap();
            session.rset().await.unwrap();
            assert_eq!(session.quit().await.unwrap(), Update::Committed);
        })
        .await
        .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_reads_the_same_in_every_way() {
    let body = "..dots\r\n\r\n...\r\nlast\r\n";
    let expected = b".dots\r\n\r\n..\r\nlast\r\n";
    for piece in PIECES {
        let reply = format!("+OK\r\n{body}.\r\n");
        let script = (0..6).flat_map(|_| [Act::Expect("RETR 1\r\n"), send(&reply)]);
        let mut session = session(piece, script).await;
        for room in [1, 3, 4096] {
            let mut read = Vec::new();
            let mut reader = session.retr(number(1)).await.unwrap();
            let mut buffer = vec![0; room];
            loop {
                let len = reader.read(&mut buffer).await.unwrap();
                if len == 0 {
                    break;
                }
                read.extend_from_slice(&buffer[..len]);
            }
            assert_eq!(read, expected, "room {room}");
        }
        let mut lines = Vec::new();
        let mut reader = session.retr(number(1)).await.unwrap();
        while reader.read_until(b'\n', &mut lines).await.unwrap() > 0 {}
        assert_eq!(reader.chunk().await.unwrap(), None);
        drop(reader);
        assert_eq!(lines, expected);

        let mut streamed = Vec::new();
        let mut body = session.retr(number(1)).await.unwrap();
        while let Some(chunk) = next(&mut body).await {
            streamed.extend_from_slice(&chunk.unwrap());
        }
        assert!(next(&mut body).await.is_none());
        drop(body);
        assert_eq!(streamed, expected);

        let mut mixed = Vec::new();
        let mut body = session.retr(number(1)).await.unwrap();
        loop {
            if body.fill_buf().await.unwrap().is_empty() {
                break;
            }
            mixed.push(body.read_u8().await.unwrap());
            if let Some(chunk) = next(&mut body).await {
                mixed.extend_from_slice(&chunk.unwrap());
            }
        }
        assert_eq!(mixed, expected);
    }
}

/// A stream's next item, without another crate.
async fn next<T: futures_core::Stream + Unpin>(stream: &mut T) -> Option<T::Item> {
    std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// I11: what is dropped half-way is read and dropped by the next call, under its own command.
#[tokio::test(start_paused = true)]
async fn dropping_half_way_leaves_the_session_in_step() {
    for piece in PIECES {
        let script = [
            Act::Expect("RETR 1\r\n"),
            send("+OK\r\nabc\r\n-ERR in a body\r\n.\r\n"),
            Act::Expect("LIST\r\n"),
            send("+OK\r\n1 1\r\n2 2\r\n.\r\n"),
            Act::Expect("STAT\r\n"),
            send("+OK 2 3\r\n"),
        ];
        let mut session = session(piece, script).await;
        let mut body = session.retr(number(1)).await.unwrap();
        assert_eq!(body.read(&mut [0]).await.unwrap(), 1);
        drop(body);
        assert_eq!(session.list().await.unwrap().next().await.unwrap().unwrap().octets, 1);
        assert_eq!(session.stat().await.unwrap(), DropListing::new(2, 3));
    }
}

/// I3, I11: more than the drain limit is not read for nobody; the session says that it is over.
#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_read_up_to_a_limit() {
    for (octets, over) in [(50, false), (500, true)] {
        let reply = format!("+OK\r\n{}\r\n.\r\n", "x".repeat(octets));
        let listing = format!("+OK\r\n{}.\r\n", "1 1\r\n".repeat(octets / 5));
        for dropped in ["a body", "a listing", "a pipeline"] {
            let noop = [Act::Expect("NOOP\r\n"), send("+OK\r\n")];
            let script = match dropped {
                "a body" => vec![Act::Expect("RETR 1\r\n"), send(&reply)],
                "a listing" => vec![Act::Expect("LIST\r\n"), send(&listing)],
                _ => vec![Act::Expect("NOOP\r\nRETR 1\r\n"), send("+OK\r\n"), send(&reply)],
            };
            let mut builder = Client::builder(Security::PlaintextAllowed);
            builder.config.limits.drain = 100;
            builder.config.pipelining = Pipelining::Always;
            let script = script.into_iter().chain(noop.into_iter().filter(|_| !over));
            let mut session = session_of(&builder, 65536, script).await;
            match dropped {
                "a body" => drop(session.retr(number(1)).await.unwrap()),
                "a listing" => drop(session.list().await.unwrap()),
                _ => {
                    let commands = [Command::Noop, Command::Retr(number(1))];
                    assert!(session.pipeline(commands, 2).next().await.unwrap().is_ok());
                }
            }
            let noop = session.noop().await;
            let limit = matches!(noop, Err(Error::Protocol(ProtocolError::DrainLimit { .. })));
            assert_eq!((limit, noop.is_ok()), (over, !over), "{dropped} of {octets}: {noop:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_answers_in_order_and_goes_on_behind_a_refusal() {
    for piece in PIECES {
        let script = [
            Act::Expect("RETR 1\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\n"),
            send("+OK\r\none\r\n.\r\n-ERR gone\r\n+OK\r\nthree\r\n.\r\n+OK\r\n"),
            Act::Expect("STAT\r\n"),
            send("+OK 3 9\r\n"),
        ];
        let mut session = pipelining(piece, script).await;
        let commands = [1, 2, 3].map(|message| Command::Retr(number(message)));
        let mut pipeline =
            session.pipeline(commands.into_iter().chain([Command::Dele(number(1))]), 8);
        let mut seen = Vec::new();
        while let Some(reply) = pipeline.next().await {
            let reply = reply.unwrap();
            seen.push(match reply.outcome {
                Outcome::Body(body) => String::from_utf8(body.collect(99).await.unwrap()).unwrap(),
                Outcome::Line(response) => format!("{}{}", response.status.as_str(), response.text),
                other => panic!("{other:?}"),
            });
        }
        drop(pipeline);
        assert_eq!(seen, ["one\r\n", "-ERRgone", "three\r\n", "+OK"]);
        assert_eq!(session.stat().await.unwrap(), DropListing::new(3, 9));
    }
}

/// RFC 2449 §6.6: nothing is sent ahead where PIPELINING was not announced.
#[tokio::test(start_paused = true)]
async fn a_pipeline_waits_where_it_must() {
    let script = [
        Act::Expect("DELE 1\r\n"),
        send("+OK\r\n"),
        Act::Expect("DELE 2\r\n"),
        send("+OK\r\n"),
        Act::Expect("LIST 3\r\n"),
        send("+OK 3 7\r\n"),
    ];
    let mut session = session(3, script).await;
    let commands =
        [Command::Dele(number(1)), Command::Dele(number(2)), Command::List(Some(number(3)))];
    let mut pipeline = session.pipeline(commands, 32);
    let mut items = 0;
    while let Some(reply) = pipeline.next().await {
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
#[tokio::test(start_paused = true)]
async fn a_pipeline_tells_listings_from_bodies() {
    let script = [
        Act::Expect("UIDL\r\nTOP 1 0\r\nCAPA\r\n"),
        send("+OK\r\n1 a\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\nTOP\r\nUIDL\r\n.\r\n"),
    ];
    let mut session = pipelining(7, script).await;
    let top = Command::Top { message: number(1), lines: 0 };
    let mut pipeline = session.pipeline([Command::Uidl(None), top, Command::Capa], 8);
    let mut seen = Vec::new();
    while let Some(reply) = pipeline.next().await {
        seen.push(match reply.unwrap().outcome {
            Outcome::Items(mut items) => {
                let mut count = 0;
                while items.next().await.is_some() {
                    count += 1;
                }
                format!("{count} items")
            }
            Outcome::Body(body) => format!("{} octets", body.collect(99).await.unwrap().len()),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, ["1 items", "5 octets", "2 items"]);
}

/// I11, and the refill at half of the window.
#[tokio::test(start_paused = true)]
async fn a_pipeline_dropped_half_way_leaves_the_session_in_step() {
    let script = [
        Act::Expect("RETR 1\r\nRETR 2\r\n"),
        send("+OK\r\none\r\n.\r\n+OK\r\ntwo\r\n.\r\n"),
        Act::Expect("RETR 3\r\nNOOP\r\n"),
        send("+OK\r\nthree\r\n.\r\n+OK\r\n"),
    ];
    let mut session = pipelining(5, script).await;
    let mut pipeline =
        session.pipeline((1..).map(|message| Command::Retr(number(message))).take(3), 2);
    drop(pipeline.next().await);
    // The first reply is dropped unread, the second begun.
    match pipeline.next().await.unwrap().unwrap().outcome {
        Outcome::Body(mut body) => assert_eq!(body.read(&mut [0; 2]).await.unwrap(), 2),
        other => panic!("{other:?}"),
    }
    drop(pipeline);
    session.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_command_that_the_session_refuses_is_reported_in_its_order() {
    let script =
        [Act::Expect("DELE 1\r\n"), send("+OK\r\n"), Act::Expect("NOOP\r\n"), send("+OK\r\n")];
    let mut session = pipelining(64, script).await;
    session.dele(number(1)).await.unwrap();
    let mut pipeline = session.pipeline([Command::Noop, Command::Retr(number(1))], 4);
    assert!(matches!(pipeline.next().await, Some(Ok(reply)) if reply.command == Command::Noop));
    assert!(matches!(
        pipeline.next().await,
        Some(Err(Error::Send(SendError::MarkedDeleted(message)))) if message == number(1)
    ));
    assert!(pipeline.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_gives_the_client_back() {
    let script = [
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
    ];
    let client = connect(4, script).await.unwrap();
    let error = user_pass(client, "a", "b").await.unwrap_err();
    let LoginError::Refused { client, reason } = error else { panic!("{error:?}") };
    let error = Error::from(reason);
    let response = error.response().expect("what the server said");
    assert_eq!(response.code().unwrap().known(), Some(KnownCode::Auth));
    assert!(!error.is_auth(), "nothing announced the code");
    let session = user_pass(*client, "a", "c").await.unwrap();
    assert_eq!(session.quit().await.unwrap(), Update::Committed);
}

/// RFC 5034 §4: the best that is announced, or a mechanism of the caller's own.
#[tokio::test(start_paused = true)]
async fn a_login_by_auth() {
    let mailbox = Mailbox::new("mrose").unwrap();
    let password = Password::new("x").unwrap();
    for piece in PIECES {
        for own in [false, true] {
            let script = [
                send("+OK\r\n"),
                Act::Expect("CAPA\r\n"),
                send("+OK\r\nSASL PLAIN\r\n.\r\n"),
                Act::Expect("AUTH PLAIN AG1yb3NlAHg=\r\n"),
                send("+OK\r\n"),
                Act::Expect("CAPA\r\n"),
                send("+OK\r\nUIDL\r\n.\r\n"),
            ];
            let client = connect(piece, script).await.unwrap();
            let session = if own {
                let plain = Plain::new(None, "mrose", Secret::new(b"x")).unwrap();
                client.login_by(Box::new(plain)).await.unwrap()
            } else {
                client.login(&mailbox, &password).await.unwrap()
            };
            assert_eq!(session.method().to_string(), "PLAIN");
            assert_eq!(session.support(Keyword::Uidl), Support::Announced);
        }
    }
}

/// R1939-6.02: the three outcomes of QUIT.
#[tokio::test(start_paused = true)]
async fn quit_has_three_outcomes() {
    async fn quit(act: Act) -> Result<Update, QuitError> {
        session(2, [Act::Expect("QUIT\r\n"), act]).await.quit().await
    }
    assert_eq!(quit(send("+OK\r\n")).await.unwrap(), Update::Committed);
    let refused = send("-ERR some deleted messages not removed\r\n");
    assert_eq!(quit(refused).await.unwrap(), Update::Refused);
    for act in [Act::Close, Act::Reset, Act::Silence] {
        let error = quit(act.clone()).await.unwrap_err();
        assert_eq!(error.update, Update::Unknown, "{act:?}");
    }
    assert!(quit(Act::Silence).await.unwrap_err().error.is_timeout());
}

/// H6, H7: an unfinished reply is an error whatever has come of it.
#[tokio::test(start_paused = true)]
async fn an_unfinished_reply_is_an_error() {
    for (act, eof) in [(Act::Close, Eof::Clean), (Act::Reset, Eof::Abrupt)] {
        let script = [Act::Expect("RETR 1\r\n"), send("+OK\r\nhalf\r\n.\r"), act.clone()];
        let mut session = session(9, script).await;
        let mut body = session.retr(number(1)).await.unwrap();
        let mut read = Vec::new();
        let error = Error::from(body.read_to_end(&mut read).await.unwrap_err());
        assert_eq!(read, b"half\r\n");
        assert!(
            matches!(&error, Error::Protocol(ProtocolError::UnexpectedEof { waiting: Waiting::Rest(_), eof: of }) if *of == eof),
            "{error:?}"
        );
        // It never becomes an end: neither for a reader nor for a stream.
        assert!(body.chunk().await.is_err());
        assert!(next(&mut body).await.unwrap().is_err());
        assert!(next(&mut body).await.is_none());
        assert!(body.read(&mut [0]).await.is_err());
        drop(body);
        assert!(matches!(session.noop().await, Err(Error::Send(SendError::Over))));
    }
}

#[tokio::test(start_paused = true)]
async fn surplus_octets_and_farewells() {
    let script = [Act::Expect("NOOP\r\n"), send("+OK\r\n+OK 2 320\r\n")];
    let mut closed = session(64, script).await;
    closed.noop().await.unwrap();
    let error = closed.stat().await.unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Unsolicited)));

    let script = [Act::Expect("NOOP\r\n"), send("+OK\r\n-ERR [SYS/TEMP] idle\r\n"), Act::Close];
    let mut closed = session(64, script).await;
    closed.noop().await.unwrap();
    let error = closed.stat().await.unwrap_err();
    assert!(matches!(&error, Error::Closed { farewell: Some(_) }), "{error:?}");
    assert!(!error.is_transient(), "nothing announced the code");

    let script = [
        Act::Expect("CAPA\r\n"),
        send("+OK\r\nRESP-CODES\r\n.\r\n-ERR [SYS/TEMP] idle\r\n"),
        Act::Close,
    ];
    let mut closed = session(64, script).await;
    closed.capabilities().await.unwrap();
    assert!(closed.stat().await.unwrap_err().is_transient());
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_to_collect_is_refused_and_the_session_goes_on() {
    let script = [
        Act::Expect("RETR 1\r\n"),
        send("+OK 5 octets\r\n0123456789\r\n.\r\n"),
        Act::Expect("NOOP\r\n"),
        send("+OK\r\n"),
    ];
    let mut session = session(64, script).await;
    let error = session.retr(number(1)).await.unwrap().collect(5).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 5 }));
    session.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_malformed_line_does_not_end_a_listing() {
    let script = [Act::Expect("UIDL\r\n"), send("+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n")];
    let mut session = session(64, script).await;
    let mut listings = session.uidl().await.unwrap();
    let mut listed = Vec::new();
    while let Some(listing) = next(&mut listings).await {
        listed.push(listing);
    }
    assert_eq!(listed.len(), 3);
    assert!(matches!(&listed[1], Err(Error::MalformedItem(text)) if text.octets() == b"2"));
    assert_eq!(listed[2].as_ref().unwrap().id.as_str(), "c");
}

/// The security policy: no credential leaves in clear unless the caller says so.
#[tokio::test(start_paused = true)]
async fn no_password_leaves_in_clear_by_default() {
    let transport = Script(Scripted::new(9, [send("+OK\r\n")]));
    let builder = Client::builder(Security::StlsRequired);
    let client = builder.over(transport, Channel::Clear).await.unwrap();
    let error = user_pass(client, "a", "b").await.unwrap_err();
    let LoginError::Refused { reason, .. } = error else { panic!("{error:?}") };
    assert!(matches!(reason, client::LoginError::Send(SendError::NotProtected { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_negative_greeting_is_a_refusal() {
    let error = connect(1, [send("-ERR [SYS/PERM] closed\r\n")]).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(response) if response.code().is_some()), "{error:?}");
}

/// Without TLS nothing is connected where TLS is asked for, and nothing goes on in clear.
#[cfg(not(feature = "tls"))]
#[tokio::test(start_paused = true)]
async fn there_is_no_tls_without_tls() {
    let builder = Client::builder(Security::Implicit);
    let transport = Script(Scripted::new(1, []));
    let error = builder.over_tls(transport, "localhost").await.expect_err("no TLS");
    assert_eq!(error.to_string(), "TLS is not supported by this build");
    assert!(error.is_tls());
}

/// C0002, C0005, C0014: a server that falls silent ends in a time-out that says what was awaited, when
/// its time is over and not before, and the session is over.
#[tokio::test(start_paused = true)]
async fn silence_ends_in_a_time_out() {
    for (octets, message) in [
        ("", "timed out waiting for the greeting"),
        ("+OK ready", "timed out waiting for the greeting"),
        ("+OK ready\r\n", "timed out waiting for the reply to CAPA"),
        ("+OK ready\r\n+OK\r\nUIDL\r\n", "timed out waiting for the rest of the reply to CAPA"),
    ] {
        let (mut server, transport) = duplex(64);
        let mut builder = Client::builder(Security::PlaintextAllowed);
        builder.deadlines.greeting = Duration::from_secs(50);
        builder.deadlines.reply = Duration::from_secs(40);
        let started = Instant::now();
        let (greeting, rest) = octets.split_at(octets.find('\n').map_or(octets.len(), |at| at + 1));
        server.write_all(greeting.as_bytes()).await.unwrap();
        let error = match builder.over(transport, Channel::Clear).await {
            Ok(mut client) => {
                let talk = async {
                    server.read_exact(&mut [0; 6]).await.unwrap();
                    server.write_all(rest.as_bytes()).await.unwrap();
                };
                let error = tokio::join!(client.capabilities(), talk).0.unwrap_err();
                let over = client.capabilities().await.unwrap_err();
                assert!(matches!(over, Error::Send(SendError::Over)), "{over:?}");
                error
            }
            Err(error) => error,
        };
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(error.to_string(), message);
        let limit = if greeting == "+OK ready\r\n" { 40 } else { 50 };
        let took = started.elapsed();
        assert!((limit..=limit + 1).contains(&took.as_secs()), "{took:?}");
    }
}

/// A server at the other end of a pipe, which greets and logs in.
async fn logged_in(
    builder: &Builder,
    size: usize,
) -> (Session<DuplexStream>, BufReader<DuplexStream>) {
    let (server, transport) = duplex(size);
    let mut server = BufReader::new(server);
    let greet = async {
        server.write_all(b"+OK\r\n").await.unwrap();
        for _ in ["USER", "PASS"] {
            heard(&mut server).await;
            server.write_all(b"+OK\r\n").await.unwrap();
        }
    };
    let log_in = async {
        let client = builder.over(transport, Channel::Clear).await.unwrap();
        user_pass(client, "mrose", "x").await.unwrap()
    };
    let (session, ()) = tokio::join!(log_in, greet);
    (session, server)
}

async fn heard(server: &mut BufReader<DuplexStream>) -> String {
    let mut line = String::new();
    server.read_line(&mut line).await.unwrap();
    line
}

/// A body may go on for as long as something comes of it, and silence inside it may not.
#[tokio::test(start_paused = true)]
async fn a_body_that_goes_on_is_in_time() {
    let builder = Client::builder(Security::PlaintextAllowed);
    let (mut session, mut server) = logged_in(&builder, 64).await;
    let serve = tokio::spawn(async move {
        heard(&mut server).await;
        server.write_all(b"+OK\r\n").await.unwrap();
        for _ in 0..30 {
            sleep(Duration::from_secs(50)).await;
            server.write_all(b"line\r\n").await.unwrap();
        }
        server
    });
    let mut body = session.retr(number(1)).await.unwrap();
    let mut octets = vec![0; 30 * 6];
    body.read_exact(&mut octets).await.unwrap();
    let _server = serve.await.unwrap();
    let since = Instant::now();
    let error = body.chunk().await.unwrap_err();
    assert_eq!(error.to_string(), "timed out waiting for the rest of the reply to RETR");
    assert!((59..=60).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
}

/// A login has an end of its own, however long each reply may take.
#[tokio::test(start_paused = true)]
async fn a_login_has_an_end_of_its_own() {
    let (mut server, transport) = duplex(64);
    let mut builder = Client::builder(Security::PlaintextAllowed);
    builder.deadlines.login = Duration::from_secs(100);
    let serve = tokio::spawn(async move {
        server.write_all(b"+OK\r\n").await.unwrap();
        let mut server = BufReader::new(server);
        for _ in ["USER", "PASS"] {
            heard(&mut server).await;
            sleep(Duration::from_secs(55)).await;
            let _ = server.write_all(b"+OK\r\n").await;
        }
    });
    let client = builder.over(transport, Channel::Clear).await.unwrap();
    let since = Instant::now();
    let error = Error::from(user_pass(client, "mrose", "x").await.unwrap_err());
    assert_eq!(error.to_string(), "timed out waiting for the reply to PASS");
    assert!((100..=101).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    serve.await.unwrap();
}

/// A deadline of the caller's own abandons: the late reply is read under its own command, and the session
/// goes on. What nobody waits for is no silence.
#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_callers_own_abandons() {
    let builder = Client::builder(Security::PlaintextAllowed);
    let (mut session, mut server) = logged_in(&builder, 64).await;
    for pause in [0, 1, 20, 4000] {
        assert!(timeout(Duration::from_secs(5), session.stat()).await.is_err());
        assert_eq!(heard(&mut server).await, "STAT\r\n");
        server.write_all(b"+OK 999 999\r\n").await.unwrap();
        sleep(Duration::from_secs(pause)).await;
        let answer = async {
            assert_eq!(heard(&mut server).await, "LIST 7\r\n");
            server.write_all(b"+OK 7 70\r\n").await.unwrap();
        };
        let (listing, ()) = tokio::join!(session.list_one(number(7)), answer);
        assert_eq!(listing.unwrap().octets, 70, "after {pause} s");
        sleep(Duration::from_secs(pause)).await;
    }
    // A reply that is owed for longer than its deadline is never awaited again.
    assert!(timeout(Duration::from_secs(5), session.stat()).await.is_err());
    sleep(Duration::from_secs(56)).await;
    let error = session.noop().await.unwrap_err();
    assert_eq!(error.to_string(), "timed out waiting for the reply to STAT");
}

/// A write that is stuck has a deadline too.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_times_out() {
    let builder = Client::builder(Security::PlaintextAllowed);
    let (mut session, _server) = logged_in(&builder, 2).await;
    let since = Instant::now();
    let stat = timeout(Duration::from_secs(3600), session.stat()).await;
    let error = stat.expect("a deadline").unwrap_err();
    assert_eq!(error.to_string(), "timed out waiting for a command to be sent");
    assert!((60..=61).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
}

/// R2449-6.6.01, RFC 2449 §6.6: a server may answer one command before it reads the next. Its replies are read while
/// commands wait to leave, so that neither side waits for the other, however little stands between them.
#[tokio::test(start_paused = true)]
async fn a_window_of_a_thousand_needs_no_buffers() {
    for size in [1, 2, 3, 7, 64] {
        let mut builder = Client::builder(Security::PlaintextAllowed);
        builder.config.pipelining = Pipelining::Always;
        let (mut session, mut server) = logged_in(&builder, size).await;
        let serve = tokio::spawn(async move {
            loop {
                let line = heard(&mut server).await;
                let Some(number) = line.strip_prefix("RETR ") else { break };
                let reply = format!("+OK\r\n{}\r\n.\r\n", number.trim().repeat(20));
                server.write_all(reply.as_bytes()).await.unwrap();
            }
            server.write_all(b"+OK\r\n").await.unwrap();
        });
        let mut pipeline = session.pipeline((1..=1000).map(|n| Command::Retr(number(n))), 1000);
        let mut answered = 0;
        let long = Duration::from_secs(3600);
        while let Some(reply) = timeout(long, pipeline.next()).await.expect("no deadlock") {
            let reply = reply.unwrap();
            let Outcome::Body(body) = reply.outcome else { panic!("refused") };
            answered += 1;
            assert_eq!(reply.command, Command::Retr(number(answered)));
            let octets = timeout(long, body.collect(1000)).await.expect("no deadlock").unwrap();
            assert_eq!(octets, format!("{}\r\n", answered.to_string().repeat(20)).as_bytes());
        }
        assert_eq!(answered, 1000);
        drop(pipeline);
        assert_eq!(session.quit().await.unwrap(), Update::Committed);
        serve.await.unwrap();
    }
}

/// A transport that greets and takes nothing: it fails as this says, or takes no octet at all.
#[derive(Debug)]
struct Broken(Script, Option<io::ErrorKind>);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.1.map_or(Ok(0), |kind| Err(kind.into())))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A transport that fails ends the session, and every later call says so.
#[tokio::test(start_paused = true)]
async fn a_broken_transport_ends_the_session() {
    let denied = io::ErrorKind::PermissionDenied;
    for (fails, kind) in [(Some(denied), denied), (None, io::ErrorKind::WriteZero)] {
        let transport = Broken(Script(Scripted::new(9, [send("+OK\r\n")])), fails);
        let builder = Client::builder(Security::PlaintextAllowed);
        let mut client = builder.over(transport, Channel::Clear).await.unwrap();
        let error = client.capabilities().await.unwrap_err();
        assert!(matches!(&error, Error::Io(error) if error.kind() == kind), "{error:?}");
        let error = client.capabilities().await.unwrap_err();
        assert!(matches!(error, Error::Send(SendError::Over)), "{error:?}");
    }
}

/// When the connection is gone for writing, what the server said before is still read.
#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_nothing_more_may_have_said_something() {
    let script = [send("+OK\r\n"), send("-ERR [SYS/TEMP] later\r\n"), Act::Close];
    let transport = Broken(Script(Scripted::new(5, script)), Some(io::ErrorKind::BrokenPipe));
    let builder = Client::builder(Security::PlaintextAllowed);
    let mut client = builder.over(transport, Channel::Clear).await.unwrap();
    let error = client.capabilities().await.unwrap_err();
    assert!(matches!(&error, Error::Closed { farewell: Some(_) }), "{error:?}");
}

#[cfg(feature = "net")]
#[tokio::test]
async fn a_port_that_nobody_listens_on_is_an_io_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let builder = Client::builder(Security::PlaintextAllowed);
    let error = builder.connect("[::1]", port).await.err();
    assert!(matches!(error, Some(Error::Io(_))));
    let error = builder.connect("127.0.0.1", port).await.unwrap_err();
    assert!(
        matches!(&error, Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused),
        "{error}"
    );
}

/// Clients, sessions, what they lend and errors may go to another thread, and so may every future.
#[test]
fn everything_can_cross_threads() {
    fn sendable<T: Send + Sync + std::fmt::Debug>() {}
    fn future<T: Future + Send>(_: &T) {}
    type Commands = std::vec::IntoIter<Command>;
    sendable::<Client<DuplexStream>>();
    sendable::<Session<DuplexStream>>();
    sendable::<Body<'static, DuplexStream>>();
    sendable::<Items<'static, DuplexStream>>();
    sendable::<pop3_tokio::ScanListings<'static, DuplexStream>>();
    sendable::<Pipeline<'static, DuplexStream, Commands>>();
    sendable::<Builder>();
    sendable::<Error>();
    sendable::<LoginError<DuplexStream>>();
    sendable::<QuitError>();
    sendable::<Address>();

    // Nobody calls it: that it compiles is the proof.
    let _ = |client: &mut Client<DuplexStream>,
             [one, two, three, four]: [Client<DuplexStream>; 4]| {
        future(&client.capabilities());
        let (mailbox, password) = (Mailbox::new("a").unwrap(), Password::new("b").unwrap());
        future(&one.login(&mailbox, &password));
        future(&two.login_with(Credentials::password(mailbox, password), Choice::Best));
        future(&three.login_by(Box::new(External::new(None).unwrap())));
        future(&four.quit());
    };
    let _ = |session: &mut Session<DuplexStream>, quits: Session<DuplexStream>| {
        future(&session.capabilities());
        future(&session.stat());
        future(&session.list());
        future(&session.list_one(number(1)));
        future(&session.uidl());
        future(&session.uidl_one(number(1)));
        future(&session.retr(number(1)));
        future(&session.top(number(1), 0));
        future(&session.dele(number(1)));
        future(&session.noop());
        future(&session.rset());
        future(&session.raw_line(&Command::Noop));
        future(&session.raw_body(&Command::Noop));
        future(&session.pipeline([], 1).next());
        future(&quits.quit());
    };
    let _ = |mut body: Body<'_, DuplexStream>| {
        future(&body.chunk());
        future(&body.collect(1));
    };
    let _ = |builder: &Builder, [one, two, three]: [DuplexStream; 3]| {
        future(&builder.over(one, Channel::Clear));
        future(&builder.over_stls(two, Channel::Clear, "localhost"));
        future(&builder.over_tls(three, "localhost"));
        #[cfg(feature = "net")]
        future(&builder.connect("localhost", 110));
    };
}

/// B9: what comes before a login has an end, however slowly a server lists what it can do.
#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn a_dribbled_list_does_not_stretch_an_opening() {
    let (ours, mut theirs) = duplex(1024);
    let server = tokio::spawn(async move {
        theirs.write_all(b"+OK ready\r\n").await?;
        theirs.read_exact(&mut [0; b"CAPA\r\n".len()]).await?;
        theirs.write_all(b"+OK\r\n").await?;
        loop {
            sleep(Duration::from_secs(30)).await;
            theirs.write_all(b"X-MORE\r\n").await?;
        }
        #[expect(unreachable_code, reason = "it names the type of the error")]
        Ok::<(), io::Error>(())
    });
    let mut builder = Client::builder(Security::StlsPreferred);
    builder.stls = Some(client::UseStls::IfOffered);
    let began = Instant::now();
    let error = builder.over_stls(ours, Channel::Clear, "localhost").await.expect_err("no end");
    assert!(error.is_timeout(), "{error:?}");
    let within = builder.deadlines.greeting + builder.deadlines.login;
    assert!(began.elapsed() <= within + Duration::from_secs(1), "{:?}", began.elapsed());
    server.abort();
}
