//! What is told of sessions, and that it is never a secret.

use std::net::TcpListener;

use pop3_blocking::pop3_proto::MessageNumber;
use pop3_blocking::pop3_proto::client::{Channel, Choice, Method, Security};
use pop3_blocking::server::ServerTls;
use pop3_blocking::{Client, LoginError, Tls};

#[path = "support/certificates.rs"]
mod certificates;
mod support;
#[path = "support/told.rs"]
mod told;
use certificates::Authority;
use support::{Act, Scripted, send};
use told::{
    Attempt, CANARY, Recorder, SESSION, assert_break_told, assert_in_order, assert_logins_told,
    assert_refused, assert_session_told, attempts, base64, breaks, credentials, echo, hex, logins,
    records, server, shows,
};

/// Logs in, in vain, and quits.
fn refused(attempt: &Attempt) -> Vec<String> {
    records(|| {
        let script = attempt.script.iter().map(|line| send(format!("{line}\r\n")));
        let transport = Scripted::loose(65536, script.chain([Act::Close]));
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Tls).expect("a greeting");
        match client.login_with(credentials(), Choice::Only(attempt.method)) {
            Err(LoginError::Refused { client, reason }) => {
                assert_refused(&reason);
                client.quit().expect("an answer");
            }
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn a_disguise_is_seen_through() {
    for text in [
        echo(),
        base64(CANARY.as_bytes()),
        base64(format!("x{CANARY}y").as_bytes()),
        base64(format!("xx{CANARY}yy").as_bytes()),
        hex(format!("x{CANARY}").as_bytes()),
    ] {
        assert!(shows(std::slice::from_ref(&text), CANARY), "{text}");
    }
    assert!(!shows(&["PASS <withheld>".into()], CANARY));
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
    let records = records(|| {
        let script = SESSION.iter().map(|line| send(format!("{line}\r\n")));
        let transport = Scripted::loose(65536, script);
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Trusted).expect("a greeting");
        let mut session =
            client.login_with(credentials(), Choice::Only(Method::UserPass)).expect("a login");
        session.stat().expect("a drop listing");
        assert_eq!(session.list().expect("a listing").count(), 2);
        let mut octets = Vec::new();
        let mut body = session.retr(MessageNumber::FIRST).expect("a message");
        std::io::Read::read_to_end(&mut body, &mut octets).expect("a message");
        assert_eq!(octets.len(), 27);
        drop(body);
        let top = session.top(MessageNumber::FIRST, 0).expect("headers");
        assert_eq!(top.collect(100).expect("headers").len(), 14);
        session.dele(MessageNumber::FIRST).expect_err("a refusal");
        assert!(session.uidl().is_err());
        session.quit().expect("an answer");
    });
    assert_session_told(&records);
}

/// A time-out and a break of the protocol are told; after a credential the latter without its words.
#[test]
fn errors_are_told() {
    let tell = |script: Vec<Act>| {
        records(|| {
            let transport = Scripted::loose(65536, script);
            let builder = Client::builder(Security::PlaintextAllowed);
            let Ok(client) = builder.over(transport, Channel::Trusted) else { return };
            let only = Choice::Only(Method::UserPass);
            assert!(client.login_with(credentials(), only).is_err());
        })
    };
    let silent = tell(vec![Act::Silence]);
    assert!(silent.iter().any(|told| told.contains("failed: timed out")), "{silent:#?}");
    for script in breaks() {
        assert_break_told(&tell(script.iter().map(send).chain([Act::Close]).collect()));
    }
}

/// R8314-4.04, I10: a server tells whose login failed, and not by what; nor what came with AUTH.
#[test]
fn a_server_tells_of_logins() {
    let records = records(|| {
        let transport = Scripted::loose(65536, logins().iter().map(send).chain([Act::Close]));
        server().serve_connection(transport, Channel::Trusted).expect("an end");
    });
    assert_logins_told(&records);
}

/// R8314-4.04: both sides tell the version and the cipher suite of TLS, the server within a span that
/// names the peer.
#[test]
fn tls_is_told() {
    let authority = Authority::new();
    let issued = authority.issue();
    let mut server = server();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    server.tls = Some(tls.expect("a certificate"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    // The threads of a listener know no other; those of the other tests have recorders of their own.
    let of_server = Recorder::default();
    tracing::subscriber::set_global_default(of_server.clone()).expect("the only one");
    let running = server.spawn_tls(listener).expect("a server");
    let of_client = records(|| {
        let mut builder = Client::builder(Security::Implicit);
        builder.tls =
            Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
        let client = builder.connect("127.0.0.1", running.address().port()).expect("a greeting");
        client.quit().expect("an answer");
    });
    running.stop();
    let tls = "TLS established: TLSv1_3, TLS13_";
    assert!(of_client.iter().any(|told| told.contains(tls)), "{of_client:#?}");
    assert_in_order(&of_client, &["DEBUG pop3::client connected over Tls"]);
    let of_server = of_server.records();
    assert!(of_server.iter().any(|told| told.contains(tls)), "{of_server:#?}");
    assert_in_order(
        &of_server,
        &[
            "DEBUG pop3::server peer127.0.0.1",
            "DEBUG pop3::server connected: 127.0.0.1",
            "DEBUG pop3::server ended: NothingRemoved",
        ],
    );
}

/// R8314-4.04: what STLS came to is told as well.
#[test]
fn tls_by_stls_is_told() {
    let authority = Authority::new();
    let issued = authority.issue();
    let mut server = server();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    server.tls = Some(tls.expect("a certificate"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let client = std::thread::spawn(move || {
        let mut builder = Client::builder(Security::StlsRequired);
        builder.tls =
            Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
        builder.connect("127.0.0.1", port).expect("a greeting").quit().expect("an answer");
    });
    let records = records(|| {
        let (stream, _) = listener.accept().expect("a connection");
        server.serve_connection(stream, Channel::Trusted).expect("an end");
    });
    client.join().expect("a session");
    assert_in_order(&records, &["TRACE pop3::wire C: STLS", "TRACE pop3::wire C: QUIT"]);
    let tls = "TLS established: TLSv1_3, TLS13_";
    assert!(records.iter().any(|told| told.contains(tls)), "{records:#?}");
}

/// A connection that cannot be served at all does not end in silence.
#[test]
fn a_configuration_that_serves_nobody_is_told() {
    let records = records(|| {
        let transport = Scripted::loose(65536, []);
        server().serve_connection(transport, Channel::Clear).expect_err("no way to log in");
    });
    assert!(records.iter().any(|told| told.contains("pop3::server failed: ")), "{records:#?}");
}
