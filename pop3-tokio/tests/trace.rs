//! What is told of asynchronous sessions: the same as of blocking ones, and never a secret.

use std::time::Duration;

use pop3_tokio::pop3_proto::client::{Channel, Choice, Method, Security, UseStls};
use pop3_tokio::pop3_proto::{Command, MessageNumber};
use pop3_tokio::server::{Listener, Server, ServerTls};
use pop3_tokio::{Client, LoginError, Outcome, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
mod support;
#[path = "../../pop3-blocking/tests/support/told.rs"]
#[allow(dead_code, reason = "some of it is for the other adapter")]
mod told;
use certificates::Authority;
use support::{Act, Answering, Lines, Pace, Paced, Script, Scripted, polled, send};
use told::{
    Attempt, CANARY, Recorder, SESSION, assert_break_told, assert_in_order, assert_logins_told,
    assert_refused, assert_session_told, attempts, breaks, credentials, logins, records, shows,
};

/// What is told while this runs, on a runtime of one thread.
fn told_while(future: impl Future<Output = ()>) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    records(|| runtime.block_on(future))
}

fn lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Act> {
    lines.into_iter().map(|line| send(format!("{line}\r\n")))
}

/// Logs in, in vain, and quits.
fn refused(attempt: &Attempt) -> Vec<String> {
    told_while(async {
        let script = lines(attempt.script.iter().map(String::as_str)).chain([Act::Close]);
        let transport = Script::new(Scripted::loose(65536, script));
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Tls).await.expect("a greeting");
        match client.login_with(credentials(), Choice::Only(attempt.method)).await {
            Err(LoginError::Refused { client, reason }) => {
                assert_refused(&reason);
                client.quit().await.expect("an answer");
            }
            other => panic!("{other:?}"),
        }
    })
}

/// I10: no way of logging in tells the password, nor does a server that repeats it in its refusal, in
/// a challenge or in its farewell.
#[test]
fn no_login_tells_its_secret() {
    for attempt in attempts() {
        attempt.assert_told(&refused(&attempt));
    }
}

/// Commands with what is no secret of them, status lines escaped, bodies counted, deviations, the end.
#[test]
fn a_session_is_told() {
    let records = told_while(async {
        let transport = Script::new(Scripted::loose(65536, lines(SESSION)));
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Trusted).await.expect("a greeting");
        let only = Choice::Only(Method::UserPass);
        let mut session = client.login_with(credentials(), only).await.expect("a login");
        session.stat().await.expect("a drop listing");
        let mut listings = session.list().await.expect("a listing");
        while let Some(listing) = listings.next().await {
            listing.expect("an item");
        }
        drop(listings);
        let mut octets = Vec::new();
        let mut body = session.retr(MessageNumber::FIRST).await.expect("a message");
        body.read_to_end(&mut octets).await.expect("a message");
        assert_eq!(octets.len(), 27);
        drop(body);
        let top = session.top(MessageNumber::FIRST, 0).await.expect("headers");
        assert_eq!(top.collect(100).await.expect("headers").len(), 14);
        session.dele(MessageNumber::FIRST).await.expect_err("a refusal");
        assert!(session.uidl().await.is_err());
        session.quit().await.expect("an answer");
    });
    assert_session_told(&records);
}

/// A command that is sent ahead is told as well.
#[test]
fn a_pipeline_is_told() {
    let records = told_while(async {
        let script = ["+OK ready", "+OK", "+OK", "+OK 1", "+OK 2", "+OK 3"];
        let transport = Script::new(Scripted::loose(65536, lines(script)));
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Trusted).await.expect("a greeting");
        let only = Choice::Only(Method::UserPass);
        let mut session = client.login_with(credentials(), only).await.expect("a login");
        let numbers = [1, 2, 3].map(|number| MessageNumber::new(number).expect("not 0"));
        let mut pipeline = session.pipeline(numbers.map(Command::Dele), 3);
        while let Some(reply) = pipeline.next().await {
            assert!(matches!(reply.expect("a reply").outcome, Outcome::Line(_)));
        }
    });
    let commands = [1, 2, 3].map(|number| format!("TRACE pop3::wire C: DELE {number}"));
    assert_in_order(&records, &commands.each_ref().map(String::as_str));
    assert_in_order(&records, &["TRACE pop3::wire S: +OK 2", "TRACE pop3::wire S: +OK 3"]);
}

/// A time-out and a break of the protocol are told, each once; after a credential the latter without
/// its words.
#[test]
fn errors_are_told() {
    let tell = |script: Vec<Act>| {
        told_while(async {
            let transport = Script::new(Scripted::loose(65536, script));
            let mut builder = Client::builder(Security::PlaintextAllowed);
            builder.deadlines.greeting = Duration::from_millis(20);
            let Ok(client) = builder.over(transport, Channel::Trusted).await else { return };
            let only = Choice::Only(Method::UserPass);
            assert!(client.login_with(credentials(), only).await.is_err());
        })
    };
    let silent = tell(vec![Act::Silence]);
    let failed = silent.iter().filter(|told| told.contains("failed: timed out")).count();
    assert_eq!(failed, 1, "{silent:#?}");
    for script in breaks() {
        assert_break_told(&tell(script.iter().map(send).chain([Act::Close]).collect()));
    }
}

/// R8314-4.04, I10: a server tells whose login failed, and not by what; nor what came with AUTH.
#[test]
fn a_server_tells_of_logins() {
    let records = told_while(async {
        let (mut client, transport) = duplex(65536);
        client.write_all(logins().concat().as_bytes()).await.expect("a write");
        let server = Server::from(told::server());
        server.serve_connection(transport, Channel::Trusted).await.expect("an end");
    });
    assert_logins_told(&records);
}

/// A connection that cannot be served at all does not end in silence.
#[test]
fn a_configuration_that_serves_nobody_is_told() {
    let records = told_while(async {
        let (_client, transport) = duplex(64);
        let server = Server::from(told::server());
        let ended = server.serve_connection(transport, Channel::Clear).await;
        ended.expect_err("no way to log in");
    });
    assert!(records.iter().any(|told| told.contains("pop3::server failed: ")), "{records:#?}");
}

/// R8314-4.04: both sides tell the version and the cipher suite of TLS, the server within a span that
/// names the peer, however TLS begins.
#[test]
fn connections_and_tls_are_told() {
    // The runtime's threads know no other; the other tests have recorders of their own.
    let of_server = Recorder::default();
    tracing::subscriber::set_global_default(of_server.clone()).expect("the only one");
    let authority = Authority::new();
    let issued = authority.issue();
    let trusts = Tls::with_authorities(authority.pem().as_bytes()).expect("an authority");
    for (listener, security) in [
        (Listener::Tls as fn(_) -> _, Security::Implicit),
        (Listener::Clear, Security::StlsRequired),
    ] {
        let mut builder = told::server();
        let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
        builder.tls = Some(tls.expect("a certificate"));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (stop, stopped) = oneshot::channel::<()>();
        let bound = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = bound.local_addr().expect("an address").port();
        let serving = runtime.spawn(async move {
            let stopped = async { drop(stopped.await) };
            Server::from(builder).serve([listener(bound)], stopped).await
        });
        let of_client = told_while(async {
            let mut builder = Client::builder(security);
            builder.stls = (security == Security::StlsRequired).then_some(UseStls::Required);
            builder.tls = Some(trusts.clone());
            let client = builder.connect("127.0.0.1", port).await.expect("a greeting");
            let only = Choice::Only(Method::UserPass);
            let session = client.login_with(credentials(), only).await.expect("a login");
            session.quit().await.expect("an answer");
        });
        stop.send(()).expect("it runs");
        runtime.block_on(serving).expect("no panic").expect("no error");
        let tls = "TLS established: TLSv1_3, TLS13_";
        assert!(of_client.iter().any(|told| told.contains(tls)), "{of_client:#?}");
        assert_in_order(&of_client, &["DEBUG pop3::client connected over Tls"]);
        let told = of_server.records();
        assert!(told.iter().any(|told| told.contains(tls)), "{told:#?}");
        assert_in_order(
            &told,
            &[
                "DEBUG pop3::server peer127.0.0.1",
                "DEBUG pop3::server connected: 127.0.0.1",
                "DEBUG pop3::server mrose is authenticated",
                "DEBUG pop3::server ended: Committed",
            ],
        );
        assert!(!shows(&told, CANARY), "{told:#?}");
    }
}

/// However little is taken and given at a time, and whoever waits for it, each command is told once, when
/// it has left.
#[test]
fn what_comes_in_pieces_is_told_once() {
    for pace in [Pace::Each(1), Pace::Each(3), Pace::Random(1), Pace::Random(2)] {
        let records = told_while(async {
            let transport = Paced::new(Answering::new(&Lines::default()), pace);
            let builder = Client::builder(Security::PlaintextAllowed);
            let client = builder.over(transport, Channel::Trusted).await.expect("a greeting");
            let only = Choice::Only(Method::UserPass);
            let mut session = client.login_with(credentials(), only).await.expect("a login");
            assert!(polled(1, session.stat()).await.is_none(), "it is abandoned");
            session.quit().await.expect("an answer");
        });
        let expected = ["USER <withheld>", "PASS <withheld>", "STAT", "QUIT"];
        let told = records.iter().filter_map(|told| told.strip_prefix("TRACE pop3::wire C: "));
        assert_eq!(told.collect::<Vec<_>>(), expected, "{pace:?}: {records:#?}");
        assert!(!shows(&records, CANARY), "{records:#?}");
    }
}
