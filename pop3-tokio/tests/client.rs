//! What only an asynchronous client has: streams, timeouts of the caller's own, reads and writes at a time.

use std::pin::Pin;
use std::time::Duration;

use pop3_tokio::pop3_proto::client::{
    Channel, Choice, Credentials, Method, Pipelining, Security, Update,
};
use pop3_tokio::pop3_proto::sasl::External;
use pop3_tokio::pop3_proto::{Command, Mailbox, MessageNumber, Password};
use pop3_tokio::{
    Address, Body, Builder, Client, Error, Items, LoginError, Outcome, Pipeline, QuitError, Session,
};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    DuplexStream, duplex,
};
use tokio::time::{Instant, sleep, timeout};

mod support;
use support::{Act, Cuts, Script, Scripted, expect, send};

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
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
async fn session(cuts: Cuts, script: impl IntoIterator<Item = Act>) -> Session<Script> {
    let mut whole = vec![
        send("+OK ready\r\n"),
        expect("USER mrose\r\n"),
        send("+OK\r\n"),
        expect("PASS tan staaf\r\n"),
        send("+OK\r\n"),
    ];
    whole.extend(script);
    let transport = Script::new(Scripted::new(cuts, whole));
    let builder = Client::builder(Security::PlaintextAllowed);
    let client = builder.over(transport, Channel::Clear).await.expect("a greeting");
    user_pass(client, "mrose", "tan staaf").await.expect("a login")
}

/// As a stream, and as a reader and a stream in turn.
#[tokio::test(start_paused = true)]
async fn a_body_streams_as_it_reads() {
    let expected = b".dots\r\n\r\n..\r\nlast\r\n";
    for cuts in Cuts::all() {
        let reply = "+OK\r\n..dots\r\n\r\n...\r\nlast\r\n.\r\n";
        let script = (0..2).flat_map(|_| [expect("RETR 1\r\n"), send(reply)]);
        let mut session = session(cuts, script).await;
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

/// H6, H7: what is unfinished never becomes an end, neither for a reader nor for a stream.
#[tokio::test(start_paused = true)]
async fn an_unfinished_body_never_ends() {
    for end in [Act::Close, Act::Reset] {
        let script = [expect("RETR 1\r\n"), send("+OK\r\nhalf\r\n.\r"), end];
        let mut session = session(Cuts::Each(9), script).await;
        let mut body = session.retr(number(1)).await.unwrap();
        assert!(body.read_to_end(&mut Vec::new()).await.is_err());
        assert!(body.chunk().await.is_err());
        assert!(next(&mut body).await.unwrap().is_err());
        assert!(next(&mut body).await.is_none());
        assert!(body.read(&mut [0]).await.is_err());
    }
}

/// Without TLS nothing is connected where TLS is asked for, and nothing goes on in clear.
#[cfg(not(feature = "tls"))]
#[tokio::test(start_paused = true)]
async fn there_is_no_tls_without_tls() {
    let builder = Client::builder(Security::Implicit);
    let transport = Script::new(Scripted::new(1, []));
    let error = builder.over_tls(transport, "localhost").await.expect_err("no TLS");
    assert_eq!(error.to_string(), "TLS is not supported by this build");
    assert!(error.is_tls());
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
        matches!(&error, Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused),
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
