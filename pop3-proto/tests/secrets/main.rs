//! I10: nothing that is shown of a login holds a secret, at any step, by any method, right or wrong, and whatever a
//! peer does with what it was told.

#![cfg(all(feature = "md5", feature = "scram"))]

mod client;
mod server;

use std::fmt::Debug;

use bytes::Buf as _;
use pop3_proto::client::{Channel, ClientSession, Eof, Event, Method};
use pop3_proto::{
    ApopDigest, ApopTimestamp, Base64, Command, MechanismName, Response, Secret, Status, Text,
};
use proptest::prelude::*;
use proptest::sample::select;

use client::{by_hand, by_login, config};
use server::{Echo, Link, Server};

const USER: &str = "mrose";
const CHALLENGE: &str = "<1896.697170952@dbc.mtview.ca.us>";
const BINDING: [u8; 32] = [7; 32];
const MECHANISMS: [MechanismName; 9] = [
    MechanismName::PLAIN,
    MechanismName::LOGIN,
    MechanismName::CRAM_MD5,
    MechanismName::SCRAM_SHA_1,
    MechanismName::SCRAM_SHA_256,
    MechanismName::SCRAM_SHA_1_PLUS,
    MechanismName::SCRAM_SHA_256_PLUS,
    MechanismName::XOAUTH2,
    MechanismName::OAUTHBEARER,
];

fn methods() -> impl Iterator<Item = Method> {
    MECHANISMS.into_iter().map(Method::Sasl).chain([Method::UserPass, Method::Apop])
}

fn base64(octets: &[u8]) -> String {
    String::from_utf8(Base64::encode(octets).expose().to_vec()).unwrap()
}

/// What must not be seen: each form of each secret, in halves. Of two neighbours over which a form is split one has a half.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add(&mut self, secret: &[u8]) {
        let hex = secret.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat();
        let list = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        let mut forms = vec![hex.to_uppercase(), hex, list];
        forms.extend(String::from_utf8(secret.to_vec()).ok());
        // The characters that only the secret decides, whatever stands before and behind it.
        for (before, from) in [(0, 0), (1, 2), (2, 3)] {
            let encoded = base64(&[&vec![0; before], secret].concat());
            forms.push(encoded[from..(before + secret.len()) * 8 / 6].to_owned());
        }
        for form in forms {
            let (first, second) = form.split_at(form.len() / 2);
            self.0.extend([first.to_owned(), second.to_owned()]);
        }
    }

    /// What goes over the wire and is as good as the password to whoever guesses or replays.
    fn add_answer(&mut self, line: &[u8]) {
        let Some(word) = line.rsplit(|octet| *octet == b' ').next() else { return };
        if line.starts_with(b"APOP ") {
            return self.add(word);
        }
        let decoded = std::str::from_utf8(word).ok().and_then(|word| Base64::new(word).ok());
        let Some(decoded) = decoded.and_then(|text| text.decode().ok()) else { return };
        let Ok(text) = std::str::from_utf8(decoded.expose()) else { return };
        if let Some((_, proof)) = text.split_once(",p=").filter(|_| text.starts_with("c=")) {
            self.add(Base64::new(proof).unwrap().decode().unwrap().expose());
        }
        if let Some((_, digest)) =
            text.rsplit_once(' ').filter(|(_, digest)| ApopDigest::new(digest).is_ok())
        {
            self.add(digest.as_bytes());
        }
    }

    fn found(&self, text: &str) -> Option<&str> {
        // No form holds a space; lists and pretty printing do.
        let text = text.replace([' ', '\n'], "");
        self.0.iter().map(String::as_str).find(|form| text.contains(form))
    }

    #[track_caller]
    fn check(&self, text: &str) {
        assert_eq!(self.found(text), None, "{text}");
    }

    #[track_caller]
    fn look(&self, shown: &dyn Debug) {
        self.check(&format!("{shown:?} {shown:#?}"));
    }

    #[track_caller]
    fn look_at_room(&self, room: &[u8]) {
        self.check(&String::from_utf8_lossy(room));
    }
}

/// Printable and never escaped; halves that nothing says by accident.
fn canary() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!#$%&()*+./:;<=>?@^_{|}~-]{12,24}".prop_filter(
        "looks like base64 of nothing",
        |of| {
            let first: std::collections::BTreeSet<_> = of.bytes().collect();
            first.len() > 8
        },
    )
}

/// What `run` makes of a link.
fn with_link(
    password: &str,
    known: &str,
    echo: Option<(usize, Echo)>,
    run: impl FnOnce(&mut Link<'_>),
) {
    let mut secrets = Secrets::default();
    secrets.add(password.as_bytes());
    secrets.add(known.as_bytes());
    secrets.add(b"the server's own key");
    run(&mut Link { server: Server::new(known), secrets: &mut secrets, echo, turns: 0 });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// I10, I19: by every method, right and wrong: no session, login, event, question, answer, mechanism or acceptor shows a
    /// secret at any step of either side.
    #[test]
    fn no_login_shows_a_secret((password, other) in (canary(), canary())) {
        for method in methods() {
            for known in [&password, &other] {
                with_link(&password, known, None, |link| {
                    let outcome = by_login(method, &password, link);
                    assert_eq!(outcome.is_ok(), *known == password, "{method}: {outcome:?}");
                });
                for conducts in [false, true] {
                    with_link(&password, known, None, |link| by_hand(method, &password, link, conducts));
                }
            }
        }
    }

    /// I10: nor where the text of a status line, or what a server says of a failure, is what it was told.
    #[test]
    fn no_echoed_text_shows_a_secret(
        password in canary(),
        echo in select(vec![Echo::Ok, Echo::Err, Echo::Farewell, Echo::Challenge, Echo::Encoded]),
        turns in 1..6_usize,
    ) {
        for method in methods() {
            with_link(&password, &password, Some((turns, echo)), |link| {
                drop(by_login(method, &password, link));
            });
        }
    }

    /// I10, K7 to K11: nor does anything if the server gives back what it was told, from any point on: in a challenge, a
    /// listing, or a line that is none.
    #[test]
    fn no_echo_shows_a_secret(
        password in canary(),
        echo in select(&Echo::WITHOUT_TEXT[..]),
        turns in 1..6_usize,
    ) {
        for method in methods() {
            // What a server says of a failure is the caller's: `FailureDetail`.
            let tells = [MechanismName::XOAUTH2, MechanismName::OAUTHBEARER].map(Method::Sasl);
            if tells.contains(&method) && matches!(echo, Echo::Challenge | Echo::Encoded) {
                continue;
            }
            with_link(&password, &password, Some((turns, echo)), |link| {
                drop(by_login(method, &password, link));
            });
            for conducts in [false, true] {
                with_link(&password, &password, Some((turns, echo)), |link| {
                    by_hand(method, &password, link, conducts);
                });
            }
        }
    }
}

fn digest(password: &str) -> ApopDigest {
    ApopDigest::compute(&ApopTimestamp::new(CHALLENGE).unwrap(), &Secret::new(password))
}

/// What an echoing client says.
fn lines(password: &str, said: &[u8]) -> Vec<Vec<u8>> {
    let plain = base64(format!("\0{USER}\0{password}").as_bytes());
    let token = base64(format!("n,a={USER},\x01auth=Bearer {password}\x01\x01").as_bytes());
    let digest = digest(password);
    let digest = std::str::from_utf8(digest.expose()).unwrap();
    let last = said.trim_ascii_end();
    let challenge = last.strip_prefix(b"+ ").unwrap_or(last);
    let mut lines: Vec<Vec<u8>> = [
        format!("USER {USER}"),
        format!("PASS {password}"),
        format!("pAsS  {password}"),
        format!("PASS{password}"),
        format!("PASS\t{password}"),
        format!("PASS {password}\0"),
        format!("PASS {password}\n"),
        format!("PASS {password}{}", "x".repeat(600)),
        format!("{password} PASS"),
        format!("APOP {USER} {password}"),
        format!("APOP {USER} {:x<32}", base64(password.as_bytes())),
        format!("APOP {USER} {digest}"),
        format!("AUTH {password}"),
        format!("AUTH PLAIN {plain}"),
        format!("AUTH PLAIN {password}"),
        format!("AUTH OAUTHBEARER {token}"),
        format!("AUTH XOAUTH2 {token}"),
        format!("AUTH CRAM-MD5 {plain}"),
        format!("XAUTH {password}"),
        format!("RETR {password}"),
        format!("LANG {password}"),
        format!("QUIT {password}"),
        String::from("AUTH PLAIN"),
        String::from("AUTH LOGIN"),
        String::from("AUTH CRAM-MD5"),
        String::from("AUTH XOAUTH2"),
        plain,
        token,
        // Where a name is due a password would be one.
        format!("{}\r\n{}", base64(USER.as_bytes()), base64(password.as_bytes())),
        base64(format!("{USER} {password}").as_bytes()),
        String::from("*"),
    ]
    .map(String::into_bytes)
    .into();
    lines.extend([last.to_vec(), challenge.to_vec(), [b"AUTH PLAIN ", challenge].concat()]);
    lines
}

proptest! {
    /// I10, K1, K4: whatever a client says where, the server neither shows it nor says it back.
    #[test]
    fn no_client_makes_a_server_show_a_secret(
        (password, known) in (canary(), canary()),
        right in any::<bool>(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        let known = if right { &password } else { &known };
        let mut secrets = Secrets::default();
        secrets.add(password.as_bytes());
        secrets.add(known.as_bytes());
        secrets.add(digest(&password).expose());
        let mut server = Server::new(known);
        let mut said = server.converse(b"", &mut secrets);
        for index in chosen {
            let lines = lines(&password, &said);
            let line = [index.get(&lines), &b"\r\n"[..]].concat();
            said = server.converse(&line, &mut secrets);
            secrets.look_at_room(&said);
        }
        server.session.receive_eof(Eof::Clean);
        while let Some(event) = server.session.poll_event() {
            secrets.look(&event);
        }
        server.look(&secrets);
    }
}

/// I10: the room that a session reads into shows nothing of what was in it, however often the input begins anew.
#[test]
fn no_room_shows_what_was_read() {
    let password = "correct-horse-battery";
    let mut secrets = Secrets::default();
    secrets.add(password.as_bytes());
    let mut server = Server::new(password);
    for _ in 0..200 {
        server.converse(format!("XAUTH {password}\r\n").as_bytes(), &mut secrets);
        secrets.look_at_room(server.session.incoming());
    }
    let mut config = config();
    let limits = &mut config.limits;
    (limits.status_line, limits.listing_line, limits.sasl_line) = (512, 512, 512);
    (limits.input_block, limits.sasl_rounds) = (512, u32::MAX);
    let mut client = ClientSession::new(config, Channel::Tls);
    client.receive(b"+OK\r\n");
    assert!(matches!(client.poll_event(), Ok(Some(Event::Greeting(_)))));
    client.send(&Command::Auth { mechanism: MechanismName::LOGIN, initial: None }).unwrap();
    for _ in 0..200 {
        let waiting = client.outgoing().remaining();
        client.outgoing().advance(waiting);
        client.receive(format!("+ {}\r\n", base64(password.as_bytes())).as_bytes());
        assert!(matches!(client.poll_event(), Ok(Some(Event::Challenge { .. }))));
        secrets.look_at_room(client.incoming());
        client.answer(&Base64::empty()).unwrap();
    }
}

/// The checks above see what they are to see.
#[test]
fn a_secret_is_seen() {
    let secret = "s3cr3t/Zh1ng+";
    let mut secrets = Secrets::default();
    secrets.add(secret.as_bytes());
    for before in ["", "a", "ab", "abc"] {
        for behind in ["", "y", "yz"] {
            let text = base64(format!("{before}{secret}{behind}").as_bytes());
            assert!(secrets.found(&text).is_some(), "{text}");
            assert!(secrets.found(&text[..before.len() + 14]).is_some(), "{text}");
        }
    }
    for shown in [
        "PASS s3cr3t/Zh1ng+",
        "s3cr3t/",
        "t/Zh1ng+",
        "7333637233742F5A",
        "2f5a68316e672b",
        "[115, 51, 99, 114, 51, 116, 47]",
    ] {
        assert!(secrets.found(shown).is_some(), "{shown}");
    }
    assert!(secrets.found(&format!("{:#?}", secret.as_bytes())).is_some());
    let response = Response::new(Status::Err, Text::new(&format!("what is {secret}")).unwrap());
    assert!(secrets.found(&format!("{response:?}")).is_some());
    assert_eq!(secrets.found("Password(..)"), None);
}
