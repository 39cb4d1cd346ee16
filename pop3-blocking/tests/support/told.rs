//! What is told of sessions, and how it must look, whichever adapter tells it.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pop3_blocking::pop3_proto::client::{self, Credentials, Method};
use pop3_blocking::pop3_proto::{Base64, Mailbox, MechanismName, Password};
use pop3_blocking::server::{Memory, Passwords, Server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

pub(crate) const CANARY: &str = "Tr0ub4dor+3canary";

/// Keeps everything that it is told.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    records: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

impl Recorder {
    fn keep(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Words)) {
        let mut words = Words(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut words);
        self.records.lock().expect("records").push(words.0);
    }

    pub(crate) fn records(&self) -> Vec<String> {
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

pub(crate) fn records(run: impl FnOnce()) -> Vec<String> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), run);
    recorder.records()
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |digits, octet| digits + &format!("{octet:02x}"))
}

pub(crate) fn base64(octets: &[u8]) -> String {
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

pub(crate) fn shows(records: &[String], secret: &str) -> bool {
    let told = records.join("\n").to_lowercase();
    disguises(secret).iter().any(|disguise| told.contains(disguise))
}

#[track_caller]
pub(crate) fn assert_in_order(records: &[String], expected: &[&str]) {
    let mut rest = records.iter();
    for record in expected {
        assert!(rest.any(|told| told == record), "no {record:?} in its place in {records:#?}");
    }
}

/// Everything that a server can say of what it was sent.
pub(crate) fn echo() -> String {
    let shifted = base64(format!("\0mrose\0{CANARY}").as_bytes());
    format!("{CANARY} {} {} {shifted}", hex(CANARY.as_bytes()), base64(CANARY.as_bytes()))
}

pub(crate) fn mrose() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

pub(crate) fn credentials() -> Credentials {
    Credentials::password(mrose(), Password::new(CANARY).expect("a password"))
}

/// A login in vain: what the server says line by line, and what is told of the client's lines.
pub(crate) struct Attempt {
    pub(crate) method: Method,
    pub(crate) script: Vec<String>,
    told: &'static [&'static str],
}

/// One by each way of logging in, with a server that repeats the password in its refusal, in a
/// challenge or in its farewell.
pub(crate) fn attempts() -> Vec<Attempt> {
    let refusal = format!("-ERR no {}", echo());
    let challenge = format!("+ {}", base64(format!("<{CANARY}@x>").as_bytes()));
    let ready = "+OK ready <1896.697170952@dbc.mtview.ca.us>".to_owned();
    let no_capa = "-ERR no CAPA".to_owned();
    let announced = "+OK\r\nSASL PLAIN LOGIN CRAM-MD5\r\n.".to_owned();
    let sasl = Method::Sasl;
    let bye = format!("+OK bye {}", echo());
    let attempts: [(_, _, &[_]); 6] = [
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
    ];
    let attempts = attempts.into_iter().map(|(method, mut script, told)| {
        script.push(bye.clone());
        Attempt { method, script, told }
    });
    attempts.collect()
}

impl Attempt {
    /// Of all that was said nothing but this.
    pub(crate) fn assert_told(&self, records: &[String]) {
        let Self { method, told, .. } = self;
        assert!(!shows(records, CANARY), "{method}: {records:#?}");
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
        assert_in_order(records, &expected);
    }
}

/// The server's text is there for the caller; what is shown of it tells nothing.
pub(crate) fn assert_refused(reason: &client::LoginError) {
    let client::LoginError::Refused(refused) = reason else { panic!("{reason:?}") };
    assert!(!refused.may_be_shown() && !shows(&[reason.to_string()], CANARY));
    let text = refused.response.text.octets().escape_ascii().to_string();
    assert!(refused.cancelled.is_some() || shows(&[text], CANARY), "{reason}");
}

/// What a server says in a session of `STAT`, `LIST`, `RETR 1`, `TOP 1 0`, `DELE 1`, `UIDL` and `QUIT`.
pub(crate) const SESSION: [&str; 10] = [
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

/// Commands with what is no secret of them, status lines escaped, bodies counted, deviations, the end.
pub(crate) fn assert_session_told(records: &[String]) {
    assert_in_order(
        records,
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
    assert!(!shows(records, CANARY) && !records.join("").contains("secret body"), "{records:#?}");
}

/// A break of the protocol, and a farewell, behind a credential; both repeat it.
pub(crate) fn breaks() -> [[String; 3]; 2] {
    ["-ERR", "* BYE"].map(|words| {
        let said = format!("{words} {}\r\n{}\r\n", echo(), echo());
        ["+OK ready\r\n".into(), "+OK\r\n".into(), said]
    })
}

pub(crate) fn assert_break_told(records: &[String]) {
    assert!(!shows(records, CANARY), "{records:#?}");
    assert!(records.iter().any(|told| told.contains("login")), "{records:#?}");
}

/// A server that knows one user.
pub(crate) fn server() -> Server<Memory, Passwords> {
    let store = Memory::new();
    store.create(&mrose());
    let mut passwords = Passwords::new();
    passwords.insert(mrose(), &Password::new(CANARY).expect("a password"));
    Server::new(store, passwords)
}

/// What a client says that logs in in vain, by USER and by AUTH, and then does.
pub(crate) fn logins() -> [String; 3] {
    [
        format!("USER \\mr\"ose\r\nPASS wrong{CANARY}\r\n"),
        format!("AUTH PLAIN {}\r\n", base64(format!("\0mrose\0x{CANARY}").as_bytes())),
        format!("APOP mrose {CANARY}\r\nUSER mrose\r\nPASS {CANARY}\r\nTOP 1 5\r\nQUIT\r\n"),
    ]
}

/// It is told whose login failed, and not by what; nor what came with AUTH.
pub(crate) fn assert_logins_told(records: &[String]) {
    assert_in_order(
        records,
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
    assert!(!shows(records, CANARY), "{records:#?}");
    assert!(records.iter().any(|told| told.contains("rejected: ")), "{records:#?}");
}
