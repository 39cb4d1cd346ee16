//! What is told of sessions, and that it is never a secret.

use std::fmt::{self, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pop3_blocking::pop3_proto::client::{self, Channel, Choice, Credentials, Method, Security};
use pop3_blocking::pop3_proto::{Base64, Mailbox, MechanismName, MessageNumber, Password};
use pop3_blocking::server::{Memory, Passwords, Server, ServerTls};
use pop3_blocking::{Client, LoginError, Tls};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[path = "support/certificates.rs"]
mod certificates;
mod support;
use certificates::Authority;
use support::{Act, Scripted, send};

const CANARY: &str = "Tr0ub4dor+3canary";

/// Keeps everything that it is told.
#[derive(Clone, Default)]
struct Recorder {
    records: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

impl Recorder {
    fn keep(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Words)) {
        let mut words = Words(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut words);
        self.records.lock().expect("records").push(words.0);
    }

    fn records(&self) -> Vec<String> {
        self.records.lock().expect("records").clone()
    }
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = if field.name() == "message" { "" } else { field.name() };
        write!(self.0, " {name}{value:?}").expect("a string takes everything");
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.keep(span.metadata(), |words| span.record(words));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep(event.metadata(), |words| event.record(words));
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn records(run: impl FnOnce()) -> Vec<String> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), run);
    recorder.records()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |digits, octet| digits + &format!("{octet:02x}"))
}

fn base64(octets: &[u8]) -> String {
    String::from_utf8(Base64::encode(octets).expose().to_vec()).expect("base64")
}

/// A secret as it may stand in a text: raw, in hexadecimal, and in base64 behind 0, 1 or 2 octets,
/// without the characters that its neighbours have a part in.
fn disguises(secret: &str) -> Vec<String> {
    let mut disguises = vec![secret.to_lowercase(), hex(secret.as_bytes())];
    for shift in 0..3 {
        let text = base64(&[&[0; 2][..shift], secret.as_bytes()].concat());
        let (from, to) = ((shift * 8).div_ceil(6), (shift + secret.len()) * 8 / 6);
        disguises.push(text[from..to].to_lowercase());
    }
    disguises
}

fn shows(records: &[String], secret: &str) -> bool {
    let told = records.join("\n").to_lowercase();
    disguises(secret).iter().any(|disguise| told.contains(disguise))
}

#[track_caller]
fn assert_in_order(records: &[String], expected: &[&str]) {
    let mut rest = records.iter();
    for record in expected {
        assert!(rest.any(|told| told == record), "no {record:?} in its place in {records:#?}");
    }
}

/// Everything that a server can say of what it was sent.
fn echo() -> String {
    let shifted = base64(format!("\0mrose\0{CANARY}").as_bytes());
    format!("{CANARY} {} {} {shifted}", hex(CANARY.as_bytes()), base64(CANARY.as_bytes()))
}

/// Logs in, in vain, with a server that says `script` line by line, and quits.
fn refused(method: Method, script: &[String]) -> Vec<String> {
    records(|| {
        let script = script.iter().map(|line| send(format!("{line}\r\n")));
        let bye = send(format!("+OK bye {}\r\n", echo()));
        let transport = Scripted::loose(65536, script.chain([bye, Act::Close]));
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Tls).expect("a greeting");
        let mailbox = Mailbox::new("mrose").expect("a mailbox");
        let password = Password::new(CANARY).expect("a password");
        let credentials = Credentials::password(mailbox, password);
        match client.login_with(credentials, Choice::Only(method)) {
            Err(LoginError::Refused { client, reason }) => {
                // The server's text is there for the caller; what is shown of it tells nothing.
                let client::LoginError::Refused(refused) = &reason else { panic!("{reason:?}") };
                assert!(!refused.may_be_shown() && !shows(&[reason.to_string()], CANARY));
                let text = refused.response.text.octets().escape_ascii().to_string();
                assert!(refused.cancelled.is_some() || shows(&[text], CANARY), "{reason}");
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
    let refusal = format!("-ERR no {}", echo());
    let challenge = format!("+ {}", base64(format!("<{CANARY}@x>").as_bytes()));
    let ready = "+OK ready <1896.697170952@dbc.mtview.ca.us>".to_owned();
    let no_capa = "-ERR no CAPA".to_owned();
    let announced = "+OK\r\nSASL PLAIN LOGIN CRAM-MD5\r\n.".to_owned();
    let sasl = Method::Sasl;
    for (method, script, told) in [
        (
            Method::UserPass,
            vec![ready.clone(), format!("+OK {}", echo()), refusal.clone()],
            &["USER <withheld>", "PASS <withheld>"][..],
        ),
        (Method::Apop, vec![ready.clone(), refusal.clone()], &["APOP <withheld>"]),
        (
            sasl(MechanismName::PLAIN),
            vec![ready.clone(), no_capa.clone(), "+ ".into(), refusal.clone()],
            &["CAPA", "AUTH PLAIN <withheld>", "<withheld>"],
        ),
        (
            sasl(MechanismName::PLAIN),
            vec![ready.clone(), announced.clone(), refusal.clone()],
            &["CAPA", "AUTH PLAIN <withheld>"],
        ),
        (
            sasl(MechanismName::LOGIN),
            vec![ready.clone(), no_capa, "+ ".into(), challenge.clone(), refusal.clone()],
            &["CAPA", "AUTH LOGIN <withheld>", "<withheld>", "<withheld>"],
        ),
        (
            sasl(MechanismName::CRAM_MD5),
            vec![ready, announced, challenge, refusal],
            &["CAPA", "AUTH CRAM-MD5 <withheld>", "<withheld>"],
        ),
    ] {
        let records = refused(method, &script);
        assert!(!shows(&records, CANARY), "{method}: {records:#?}");
        let mut expected: Vec<String> =
            told.iter().map(|line| format!("TRACE pop3::wire C: {line}")).collect();
        expected.insert(0, format!("DEBUG pop3::client logging in by {method}"));
        if told[0] == "CAPA" {
            expected.swap(0, 1);
        }
        expected.extend([
            "TRACE pop3::wire S: <withheld>".into(),
            format!("DEBUG pop3::client login by {method} refused"),
            "TRACE pop3::wire C: QUIT".into(),
            "TRACE pop3::wire S: <withheld>".into(),
            "DEBUG pop3::client closed: nothing was removed".into(),
        ]);
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_in_order(&records, &expected);
    }
}

/// Commands with what is no secret of them, status lines escaped, bodies counted, deviations, the end.
#[test]
fn a_session_is_told() {
    let records = records(|| {
        let script = [
            "+OK ready",
            "+OK",
            "+OK",
            "+OK 2 320",
            "+OK\r\n1 120\r\n2 200\r\n.",
            "+OK evil \x1b[31m\r\nSubject: x\r\n\r\nsecret body\r\n.",
            "+OK\r\nSubject: x\r\n\r\n.",
            "-ERR no such message",
            "-ERR\tno UIDL",
            "+OK bye",
        ];
        let script = script.iter().map(|line| send(format!("{line}\r\n")));
        let transport = Scripted::loose(65536, script);
        let builder = Client::builder(Security::PlaintextAllowed);
        let client = builder.over(transport, Channel::Trusted).expect("a greeting");
        let mailbox = Mailbox::new("mrose").expect("a mailbox");
        let password = Password::new(CANARY).expect("a password");
        let credentials = Credentials::password(mailbox, password);
        let mut session =
            client.login_with(credentials, Choice::Only(Method::UserPass)).expect("a login");
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
    assert_in_order(
        &records,
        &[
            "DEBUG pop3::client",
            "TRACE pop3::wire S: +OK ready",
            "DEBUG pop3::client connected over Trusted",
            "DEBUG pop3::client logging in by USER",
            "TRACE pop3::wire C: USER <withheld>",
            "TRACE pop3::wire S: <withheld>",
            "TRACE pop3::wire C: PASS <withheld>",
            "TRACE pop3::wire S: <withheld>",
            "DEBUG pop3::client logged in by USER",
            "TRACE pop3::wire C: STAT",
            "TRACE pop3::wire C: LIST",
            "TRACE pop3::wire S: <2 items>",
            "TRACE pop3::wire C: RETR 1",
            "TRACE pop3::wire S: +OK evil \\u{1b}[31m",
            "TRACE pop3::wire S: <27 octets>",
            "TRACE pop3::wire C: TOP 1 0",
            "TRACE pop3::wire S: <14 octets>",
            "TRACE pop3::wire C: DELE 1",
            "TRACE pop3::wire S: -ERR no such message",
            "TRACE pop3::wire C: UIDL",
            "TRACE pop3::wire C: QUIT",
            "TRACE pop3::wire S: +OK bye",
            "DEBUG pop3::client closed: deletions were committed",
        ],
    );
    assert!(records.iter().any(|told| told.contains("the server was forgiven")), "{records:#?}");
    assert!(!shows(&records, CANARY) && !records.join("").contains("secret body"), "{records:#?}");
}

/// A time-out and a break of the protocol are told; after a credential the latter without its words.
#[test]
fn errors_are_told() {
    let tell = |script: Vec<Act>| {
        records(|| {
            let transport = Scripted::loose(65536, script);
            let builder = Client::builder(Security::PlaintextAllowed);
            let Ok(client) = builder.over(transport, Channel::Trusted) else { return };
            let mailbox = Mailbox::new("mrose").expect("a mailbox");
            let password = Password::new(CANARY).expect("a password");
            let credentials = Credentials::password(mailbox, password);
            let only = Choice::Only(Method::UserPass);
            assert!(client.login_with(credentials, only).is_err());
        })
    };
    let silent = tell(vec![Act::Silence]);
    assert!(silent.iter().any(|told| told.contains("failed: timed out")), "{silent:#?}");
    for words in ["-ERR", "* BYE"] {
        let records = tell(vec![
            send("+OK ready\r\n"),
            send("+OK\r\n"),
            send(format!("{words} {}\r\n{}\r\n", echo(), echo())),
            Act::Close,
        ]);
        assert!(!shows(&records, CANARY), "{records:#?}");
        assert!(records.iter().any(|told| told.contains("login")), "{records:#?}");
    }
}

fn server() -> Server<Memory, Passwords> {
    let mailbox = Mailbox::new("mrose").expect("a mailbox");
    let store = Memory::new();
    store.create(&mailbox);
    let mut passwords = Passwords::new();
    passwords.insert(mailbox, &Password::new(CANARY).expect("a password"));
    Server::new(store, passwords)
}

/// R8314-4.04, I10: a server tells whose login failed, and not by what; nor what came with AUTH.
#[test]
fn a_server_tells_of_logins() {
    let records = records(|| {
        let script = [
            format!("USER \\mr\"ose\r\nPASS wrong{CANARY}\r\n"),
            format!("AUTH PLAIN {}\r\n", base64(format!("\0mrose\0x{CANARY}").as_bytes())),
            format!("APOP mrose {CANARY}\r\nUSER mrose\r\nPASS {CANARY}\r\nTOP 1 5\r\nQUIT\r\n"),
        ];
        let transport = Scripted::loose(65536, script.iter().map(send).chain([Act::Close]));
        server().serve_connection(transport, Channel::Trusted).expect("an end");
    });
    assert_in_order(
        &records,
        &[
            "TRACE pop3::wire C: USER <withheld>",
            "TRACE pop3::wire C: PASS <withheld>",
            "DEBUG pop3::server login of \\\\mr\"ose failed",
            "TRACE pop3::wire C: AUTH PLAIN <withheld>",
            "DEBUG pop3::server login of mrose failed",
            "TRACE pop3::wire C: USER <withheld>",
            "TRACE pop3::wire C: PASS <withheld>",
            "DEBUG pop3::server mrose is authenticated",
            "TRACE pop3::wire C: TOP 1 5",
            "TRACE pop3::wire C: QUIT",
            "DEBUG pop3::server ended: Committed",
        ],
    );
    assert!(!shows(&records, CANARY), "{records:#?}");
    assert!(records.iter().any(|told| told.contains("rejected: ")), "{records:#?}");
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
