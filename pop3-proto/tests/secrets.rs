//! I10: nothing that is shown of a login holds a secret, at any step, by any method, right or wrong, and whatever a
//! peer does with what it was told.

#![cfg(all(feature = "md5", feature = "scram"))]

use std::fmt::Debug;
use std::num::NonZeroU32;

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, Choice, ClientConfig, ClientSession, Credentials, Eof, Event, Login, LoginError,
    Method, Security, Step,
};
use pop3_proto::sasl::{
    self, Acceptors, Answer, ChannelBinding, Mechanism, OAuthBearer, Plain, Question, Scram,
    ScramDecoy, ScramHash, ScramKeys, TokenFailure, XOAuth2,
};
use pop3_proto::server::{self, ServerConfig, ServerSession, Turn};
use pop3_proto::{
    ApopDigest, ApopTimestamp, Base64, Command, Mailbox, MechanismName, Password, Response, Secret,
    Status, Text,
};
use proptest::prelude::*;
use proptest::sample::select;

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

/// A server that knows one user, and what of it is seen.
struct Server {
    session: ServerSession,
    login: server::Login,
    password: String,
}

impl Server {
    fn new(password: &str) -> Self {
        let mut config = ServerConfig::new();
        config.mechanisms = MECHANISMS.to_vec();
        config.apop = true;
        config.limits.bad_commands_before_login = u32::MAX;
        config.limits.login_attempts = u32::MAX;
        let timestamp = ApopTimestamp::new(CHALLENGE).unwrap();
        let text = Text::new("ready").unwrap();
        let session = ServerSession::with_timestamp(config, Channel::Tls, text, timestamp);
        Self {
            session: session.unwrap(),
            login: server::Login::new(),
            password: password.to_owned(),
        }
    }

    fn look(&mut self, secrets: &Secrets) {
        secrets.look(&self.session);
        secrets.look(&self.session.outgoing());
        secrets.look(&self.session.waiting());
        secrets.look(&self.login);
    }

    fn answer(&self, question: &Question) -> Answer {
        let secret = Secret::new(self.password.as_bytes());
        match question {
            Question::Verify { password, .. } if *password == secret => Answer::Accepted,
            Question::Secret { .. } => Answer::Secret(secret),
            Question::ScramKeys { hash, .. } => {
                let iterations = NonZeroU32::new(4096).unwrap();
                Answer::ScramKeys(ScramKeys::derive(*hash, &secret, b"salt", iterations).unwrap())
            }
            Question::Token { token, mailbox: Some(mailbox), .. } if *token == secret => {
                Answer::Identified(mailbox.clone())
            }
            _ => Answer::Refused,
        }
    }

    /// Takes octets and answers; gives what it says.
    fn converse(&mut self, octets: &[u8], secrets: &mut Secrets) -> Vec<u8> {
        self.look(secrets);
        let mut rest = octets;
        let mut said = Vec::new();
        loop {
            let taken = self.session.receive(rest);
            rest = &rest[taken..];
            while let Some(event) = self.session.poll_event() {
                secrets.look(&event);
                self.take(event, secrets);
            }
            self.look(secrets);
            let mut out = self.session.outgoing();
            let mut written = vec![0; out.remaining()];
            out.copy_to_slice(&mut written);
            if taken == 0 && written.is_empty() {
                return said;
            }
            said.extend_from_slice(&written);
        }
    }

    fn take(&mut self, event: server::Event, secrets: &mut Secrets) {
        let decoy = Secret::new("the server's own key");
        let decoy = ScramDecoy::new(decoy, NonZeroU32::new(4096).unwrap(), 4).unwrap();
        let challenge = ApopTimestamp::new(CHALLENGE).unwrap();
        let acceptors = Acceptors {
            offered: &MECHANISMS,
            nonce: "3rfcNHYJY1ZVvWVs7j",
            challenge: &challenge,
            decoy: &decoy,
            bindings: &[ChannelBinding::tls_exporter(&BINDING)],
            failure: &TokenFailure::new("invalid_token").unwrap(),
        };
        let mut turn = self.login.take(&mut self.session, event).unwrap();
        loop {
            secrets.look(&turn);
            secrets.look(&self.login);
            let session = &mut self.session;
            turn = match turn {
                Turn::Begin(name) => {
                    let acceptor = acceptors.make(name);
                    secrets.look(&acceptor);
                    self.login.begin(session, acceptor).unwrap()
                }
                Turn::Ask(question) => {
                    let answer = self.answer(&question);
                    if let Answer::ScramKeys(keys) = &answer {
                        secrets.add(keys.stored_key().expose());
                        secrets.add(keys.server_key().expose());
                    }
                    secrets.look(&(&question, &answer));
                    self.login.answer(&mut self.session, answer).unwrap()
                }
                Turn::Open(_) => {
                    return session.authenticated(&Text::new("open").unwrap()).unwrap();
                }
                Turn::Other(server::Event::Rejected(error)) => {
                    secrets.check(&error.to_string());
                    return session.reject().unwrap();
                }
                Turn::Other(server::Event::Command(Command::Quit)) => {
                    return session.ok(&Text::new("bye").unwrap()).unwrap();
                }
                Turn::Other(server::Event::Command(_)) => {
                    return session.err(None, &Text::new("not here").unwrap()).unwrap();
                }
                Turn::Answered | Turn::Other(_) => return,
            };
        }
    }
}

/// What a server makes of the line that it got last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Echo {
    /// It comes back as it is.
    Line,
    /// And without CR.
    BareLineFeed,
    /// And without an end.
    Endless,
    /// In a line that is too long.
    Long,
    /// As the challenge that it is, or is not.
    Challenge,
    /// In a challenge, encoded.
    Encoded,
    /// In lines behind a positive status line.
    Listing,
    /// In the text of a status line.
    Ok,
    Err,
    /// In a farewell behind a reply.
    Farewell,
}

impl Echo {
    const WITHOUT_TEXT: [Self; 7] = [
        Self::Line,
        Self::BareLineFeed,
        Self::Endless,
        Self::Long,
        Self::Challenge,
        Self::Encoded,
        Self::Listing,
    ];

    fn of(self, line: &[u8]) -> Vec<u8> {
        let word = line.rsplit(|octet| *octet == b' ').next().unwrap_or_default();
        match self {
            Self::Line => [line, b"\r\n"].concat(),
            Self::BareLineFeed => [line, b"\n"].concat(),
            Self::Endless => line.to_vec(),
            Self::Long => [line, &vec![b'x'; 70_000], b"\r\n"].concat(),
            Self::Challenge => [b"+ ", word, b"\r\n"].concat(),
            Self::Encoded => [b"+ ", base64(line).as_bytes(), b"\r\n"].concat(),
            Self::Listing => [b"+OK\r\n", line, b"\r\n.\r\n"].concat(),
            Self::Ok => [b"+OK ", line, b"\r\n"].concat(),
            Self::Err => [b"-ERR what is ", line, b"\r\n"].concat(),
            Self::Farewell => [b"-ERR no\r\n-ERR bye to ", line, b"\r\n"].concat(),
        }
    }
}

/// A connection on which the server echoes from its `turns`th answer on.
struct Link<'a> {
    server: Server,
    secrets: &'a mut Secrets,
    echo: Option<(usize, Echo)>,
    turns: usize,
}

impl Link<'_> {
    /// What comes back for what the client wrote; `None` if that is the end.
    fn exchange(&mut self, client: &mut ClientSession) -> Option<Vec<u8>> {
        self.secrets.look(&client.outgoing());
        self.secrets.look(&client);
        let mut sent = Vec::new();
        let mut out = client.outgoing();
        while out.has_remaining() {
            sent.push(out.get_u8());
        }
        for line in sent.split(|octet| *octet == b'\n') {
            self.secrets.add_answer(line.trim_ascii_end());
        }
        self.secrets.look(&client);
        self.secrets.look_at_room(self.server.session.incoming());
        self.turns += 1;
        let said = match self.echo {
            Some((turns, echo)) if self.turns > turns && !sent.is_empty() => {
                echo.of(sent.trim_ascii_end())
            }
            _ => self.server.converse(&sent, self.secrets),
        };
        if said.is_empty() { None } else { Some(said) }
    }
}

fn config() -> ClientConfig {
    ClientConfig::new(Security::Implicit)
}

/// Feeds the client; the room that it reads into shows nothing of what was.
fn feed(client: &mut ClientSession, said: Option<Vec<u8>>, secrets: &Secrets) {
    match said {
        None => client.receive_eof(Eof::Clean),
        Some(said) => drop(client.receive(&said)),
    }
    secrets.look(&client);
}

/// A login by [`Login`]; gives whether somebody is in.
fn by_login(method: Method, password: &str, link: &mut Link<'_>) -> Result<Method, LoginError> {
    let mailbox = Mailbox::new(USER).unwrap();
    let credentials = match method {
        Method::Sasl(MechanismName::XOAUTH2 | MechanismName::OAUTHBEARER) => {
            Credentials::Token { mailbox, token: Secret::new(password) }
        }
        _ => Credentials::password(mailbox, Password::new(password).unwrap()),
    };
    let mut client = ClientSession::new(config(), Channel::Tls);
    link.secrets.look(&credentials);
    let mut login = Login::new(&client, credentials, Choice::Only(method))
        .with_nonce("fyko+d2lbbFgONRv9qkxdawL")
        .unwrap();
    login.bind(ChannelBinding::tls_exporter(&BINDING));
    for _ in 0..100 {
        let step = login.step(&mut client);
        link.secrets.look(&login);
        link.secrets.look(&step);
        link.secrets.look(&client);
        match step {
            Ok(Step::Exchange) => {
                link.secrets.look_at_room(client.incoming());
                let said = link.exchange(&mut client);
                feed(&mut client, said, link.secrets);
            }
            Ok(Step::Done(method)) => return Ok(method),
            Ok(step) => assert!(matches!(step, Step::Deviation(_)), "{step:?}"),
            Err(error) => {
                link.secrets.check(&error.to_string());
                return Err(error);
            }
        }
    }
    panic!("the login does not end");
}

fn mechanism(name: MechanismName, password: &str) -> Box<dyn Mechanism> {
    let secret = Secret::new(password);
    let hash =
        if name.as_str().starts_with("SCRAM-SHA-1") { ScramHash::Sha1 } else { ScramHash::Sha256 };
    let binding = if name.as_str().ends_with("-PLUS") {
        sasl::Binding::Bound(ChannelBinding::tls_exporter(&BINDING))
    } else {
        sasl::Binding::Unsupported
    };
    match name {
        MechanismName::PLAIN => Box::new(Plain::new(None, USER, secret).unwrap()),
        MechanismName::LOGIN => Box::new(sasl::Login::new(USER, secret).unwrap()),
        MechanismName::CRAM_MD5 => Box::new(sasl::CramMd5::new(USER, secret).unwrap()),
        MechanismName::XOAUTH2 => Box::new(XOAuth2::new(USER, secret).unwrap()),
        MechanismName::OAUTHBEARER => Box::new(OAuthBearer::new(Some(USER), secret).unwrap()),
        _ => {
            let nonce = "fyko+d2lbbFgONRv9qkxdawL";
            Box::new(Scram::new(hash, None, USER, secret, nonce, binding).unwrap())
        }
    }
}

/// A login by commands, the exchange conducted by the session or by the caller, so that every event is seen.
fn by_hand(method: Method, password: &str, link: &mut Link<'_>, conducts: bool) {
    let mut client = ClientSession::new(config(), Channel::Tls);
    let mailbox = Mailbox::new(USER).unwrap();
    let mut own = None;
    let mut commands = match method {
        Method::UserPass => {
            vec![Command::Pass(Password::new(password).unwrap()), Command::User(mailbox)]
        }
        Method::Apop => {
            vec![Command::Apop { mailbox, digest: digest(password) }]
        }
        Method::Sasl(name) if conducts => {
            let mut of = mechanism(name, password);
            let initial = of.initial_response().unwrap();
            own = Some(of);
            let initial = initial.map(|initial| Base64::encode(initial.expose()));
            vec![Command::Auth { mechanism: name, initial }]
        }
        _ => Vec::new(),
    };
    commands.push(Command::Capa);
    let mut begins = matches!(method, Method::Sasl(_)) && !conducts;
    for _ in 0..100 {
        loop {
            match client.poll_event() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    link.secrets.look(&event);
                    if let (Event::Challenge { challenge, .. }, Some(of)) = (&event, &mut own) {
                        let response = challenge
                            .decode()
                            .ok()
                            .and_then(|challenge| of.respond(challenge.expose()).ok());
                        link.secrets.look(&(&of, &response));
                        match response {
                            Some(response) => client.answer(&Base64::encode(response.expose())),
                            None => client.cancel_auth(),
                        }
                        .unwrap();
                    }
                }
                Err(error) => {
                    link.secrets.look(&(&error, &client));
                    return link.secrets.check(&error.to_string());
                }
            }
        }
        let idle = client.in_flight() == 0 && client.greeting().is_some();
        if idle && (!commands.is_empty() || begins) {
            let sent = if let Some(command) = commands.pop() {
                link.secrets.look(&command);
                client.send(&command)
            } else {
                begins = false;
                let Method::Sasl(name) = method else { return };
                let mechanism = mechanism(name, password);
                link.secrets.look(&mechanism);
                client.authenticate(mechanism)
            };
            if let Err(error) = sent {
                return link.secrets.check(&format!("{error:?} {error}"));
            }
        } else if idle || client.state() == pop3_proto::state::State::Closed {
            return;
        }
        let said = link.exchange(&mut client);
        feed(&mut client, said, link.secrets);
    }
    panic!("the login does not end");
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
