//! STLS and every way to log in, over loopback: the server of this library, through its client and
//! through raw octets.

#![cfg(all(feature = "server", feature = "tls"))]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{
    Choice, Credentials, LoginError as Refused, Method, Security, UseStls,
};
use pop3_blocking::pop3_proto::sasl::{
    Answer, Binding, ChannelBinding, CramMd5, Mechanism as _, Question, Scram, ScramHash,
};
use pop3_blocking::pop3_proto::server::Utf8Offer;
use pop3_blocking::pop3_proto::{Base64, Mailbox, MechanismName, Password, Secret};
use pop3_blocking::server::{
    Authenticator, Listener, Memory, Passwords, Running, Server, ServerTls, Store as _,
};
use pop3_blocking::{Builder, Client, LoginError, Session, Tls, rustls};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, StreamOwned};

#[path = "support/certificates.rs"]
mod certificates;
use certificates::{Authority, RawClient};

/// Time that only a broken test needs.
const LONG: Duration = Duration::from_secs(20);
const GREETING: &str = "+OK POP3 server ready\r\n";

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).expect("a mailbox")
}

fn password(password: &str) -> Password {
    Password::new(password).expect("a password")
}

fn passwords() -> Passwords {
    let mut passwords = Passwords::new();
    passwords.insert(mailbox("mrose"), &password("tan staaf"));
    passwords.insert_token(mailbox("mrose"), &Secret::new("dG9rZW4="));
    passwords.allow_anonymous(mailbox("anybody"));
    passwords
}

fn server<A: Authenticator>(authority: &Authority, authenticator: A) -> Server<Memory, A> {
    let store = Memory::new();
    for name in ["mrose", "anybody", "bob"] {
        store.create(&mailbox(name));
    }
    let mut server = Server::new(store, authenticator);
    let issued = authority.issue();
    let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
    server.tls = Some(tls.expect("a certificate"));
    server
}

/// In clear and over TLS.
fn spawn<A: Authenticator + 'static>(server: Server<Memory, A>) -> Running {
    let listeners = [Listener::Clear, Listener::Tls]
        .map(|kind| kind(TcpListener::bind("127.0.0.1:0").expect("a port")));
    server.spawn_all(listeners).expect("a server")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Clear,
    Stls,
    Tls,
}

const EVERYWHERE: [Over; 3] = [Over::Clear, Over::Stls, Over::Tls];

fn builder(authority: &Authority, over: Over) -> Builder {
    let (security, stls) = match over {
        Over::Clear => (Security::StlsRequired, UseStls::Never),
        Over::Stls => (Security::StlsRequired, UseStls::Required),
        Over::Tls => (Security::Implicit, UseStls::Never),
    };
    let mut builder = Client::builder(security);
    builder.stls = Some(stls);
    builder.tls = Some(Tls::with_authorities(authority.pem().as_bytes()).expect("an authority"));
    builder
}

fn connect(running: &Running, builder: &Builder) -> Client<TcpStream> {
    let implicit = builder.config.security == Security::Implicit;
    let port = running.addresses()[usize::from(implicit)].port();
    builder.connect("127.0.0.1", port).expect("a greeting")
}

fn refusal(outcome: Result<Session<TcpStream>, LoginError<TcpStream>>) -> String {
    match outcome {
        Err(LoginError::Refused { reason: Refused::Refused(refused), .. }) => {
            String::from_utf8_lossy(refused.response.text.octets()).into_owned()
        }
        outcome => panic!("{outcome:?}"),
    }
}

/// What a client's lines are answered, as many as there are.
fn said(stream: &mut (impl Read + Write), lines: &[&str]) -> Vec<String> {
    let mut answers = Vec::new();
    for line in lines {
        stream.write_all(format!("{line}\r\n").as_bytes()).expect("a write");
        stream.flush().expect("a flush");
        answers.push(read_line(stream));
    }
    answers
}

fn read_line(stream: &mut impl Read) -> String {
    let mut line = String::new();
    // One octet at a time, so that nothing is read that is TLS's.
    BufReader::with_capacity(1, stream).read_line(&mut line).expect("a line");
    line
}

fn raw(running: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(running.address()).expect("a connection");
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    assert_eq!(read_line(&mut stream), GREETING);
    stream
}

fn capabilities(stream: &mut (impl Read + Write)) -> Vec<String> {
    let mut lines = said(stream, &["CAPA"]);
    while lines.last().is_some_and(|line| line != ".\r\n") {
        lines.push(read_line(stream));
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A client without this library behind STLS.
fn raw_stls(authority: &Authority, mut stream: TcpStream) -> RawClient {
    assert_eq!(said(&mut stream, &["STLS"]), ["+OK begin TLS\r\n"]);
    let name = "localhost".try_into().expect("a name");
    let config = Arc::new(authority.client(&[&TLS13], &[]));
    StreamOwned::new(ClientConnection::new(config, name).expect("a configuration"), stream)
}

fn encoded(octets: &str) -> String {
    String::from_utf8_lossy(Base64::encode(octets.as_bytes()).expose()).into_owned()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// R1939-7.15, R5034-4.15, R5034-4.16, R5034-4.30, R2595-4.05, R8314-3.1.01: every method in clear on loopback, by STLS
/// and over TLS; wrong passwords and users that there are not are told the same.
#[test]
fn every_method_everywhere() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.config.apop = true;
    server.config.mechanisms.extend([
        MechanismName::OAUTHBEARER,
        MechanismName::XOAUTH2,
        MechanismName::ANONYMOUS,
    ]);
    let running = spawn(server);
    let with_password = [Method::UserPass, Method::Apop].into_iter().chain(
        [
            MechanismName::SCRAM_SHA_256_PLUS,
            MechanismName::SCRAM_SHA_1_PLUS,
            MechanismName::SCRAM_SHA_256,
            MechanismName::SCRAM_SHA_1,
            MechanismName::CRAM_MD5,
            MechanismName::PLAIN,
            MechanismName::LOGIN,
        ]
        .map(Method::Sasl),
    );
    let methods: Vec<_> = with_password.collect();
    for over in EVERYWHERE {
        let builder = builder(&authority, over);
        for &method in &methods {
            let log_in = |client: Client<TcpStream>, name, word| {
                let credentials = Credentials::password(mailbox(name), password(word));
                client.login_with(credentials, Choice::Only(method))
            };
            if over == Over::Clear && method.to_string().ends_with("-PLUS") {
                let outcome = log_in(connect(&running, &builder), "mrose", "tan staaf");
                assert!(matches!(outcome, Err(LoginError::Refused { .. })), "{method}");
                continue;
            }
            let outcome = log_in(connect(&running, &builder), "mrose", "tan staag");
            let Err(LoginError::Refused { client, reason: Refused::Refused(wrong) }) = outcome
            else {
                panic!("{method} {over:?}: {outcome:?}")
            };
            let unknown = refusal(log_in(connect(&running, &builder), "mallory", "tan staaf"));
            assert_eq!(unknown, "[AUTH] authentication failed", "{method} {over:?}");
            assert_eq!(wrong.response.text.octets(), unknown.as_bytes());
            // On the same connection, the right one.
            let session = log_in(*client, "mrose", "tan staaf").expect("a login");
            assert_eq!(session.method(), method);
            session.quit().expect("an answer");
        }
        let token = |token: &str| Credentials::Token {
            mailbox: mailbox("mrose"),
            token: Secret::new(token),
        };
        for name in [MechanismName::OAUTHBEARER, MechanismName::XOAUTH2] {
            let choice = || Choice::Only(Method::Sasl(name));
            let session = connect(&running, &builder).login_with(token("dG9rZW4="), choice());
            session.expect("a login").quit().expect("an answer");
            let outcome = connect(&running, &builder).login_with(token("bm9uZQ=="), choice());
            let Err(LoginError::Refused { reason: Refused::Refused(refused), .. }) = outcome else {
                panic!("{name} {over:?}: {outcome:?}")
            };
            let detail = refused.detail.expect("what is wrong with it").to_string();
            let status = if name == MechanismName::XOAUTH2 { "401" } else { "invalid_token" };
            assert!(detail.contains(status), "{name}: {detail}");
        }
        let nobody = Credentials::Anonymous { trace: String::new() };
        let session = connect(&running, &builder).login_with(nobody, Choice::Best);
        session.expect("a login").quit().expect("an answer");
    }
    running.stop();
}

/// R4616-2.03, R5802-5.1.03, R5802-2.2.01: a password that is not ASCII is prepared on both sides, so that the best
/// method is no obstacle to who has one.
#[test]
fn passwords_that_are_not_ascii_are_prepared_on_both_sides() {
    let authority = Authority::new();
    let word = |octets: &str| Password::opaque(octets.as_bytes()).expect("a password");
    let mut known = Passwords::new();
    known.insert(mailbox("mrose"), &word("I\u{ad}X \u{2168} p\u{e4}ss"));
    let running = spawn(server(&authority, known));
    for over in EVERYWHERE {
        for typed in ["I\u{ad}X \u{2168} p\u{e4}ss", "IX IX pa\u{308}ss"] {
            let client = connect(&running, &builder(&authority, over));
            let session = client.login(&mailbox("mrose"), &word(typed)).expect(typed);
            assert!(session.method().to_string().starts_with("SCRAM-SHA-256"), "{over:?}");
            drop(session);
            let client = connect(&running, &builder(&authority, over));
            let credentials = Credentials::password(mailbox("mrose"), word(typed));
            let plain = Choice::Only(Method::Sasl(MechanismName::PLAIN));
            client.login_with(credentials, plain).expect(typed).quit().expect("an answer");
        }
        let client = connect(&running, &builder(&authority, over));
        let wrong = refusal(client.login(&mailbox("mrose"), &word("IX IX pass")));
        assert_eq!(wrong, "[AUTH] authentication failed");
    }
}

/// R5802-6.01, RFC 9266 §3, RFC 5929 §4.1: over TLS the best is bound to the channel, by what the version of
/// TLS has; in clear it cannot be.
#[test]
fn the_best_over_tls_is_bound_to_it() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    for over in EVERYWHERE {
        for version in [&TLS12, &TLS13] {
            let mut builder = builder(&authority, over);
            builder.tls = Some(Arc::new(authority.client(&[version], &[])).into());
            let client = connect(&running, &builder);
            assert_eq!(
                client.channel_bindings().tls_exporter.is_some(),
                over != Over::Clear && *version == TLS13
            );
            let session = client.login(&mailbox("mrose"), &password("tan staaf")).expect("a login");
            let best = match over {
                Over::Clear => MechanismName::SCRAM_SHA_256,
                _ => MechanismName::SCRAM_SHA_256_PLUS,
            };
            assert_eq!(session.method(), Method::Sasl(best));
            session.quit().expect("an answer");
        }
    }
    running.stop();
}

/// R9266-3.01: TLS 1.3 is bound to by its exporter, with this label, no context and 32 octets, and by no other.
#[test]
fn the_exporter_is_that_of_rfc_9266() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    for (label, context, binds) in [
        ("EXPORTER-Channel-Binding", Some(&b""[..]), true),
        ("EXPORTER-Channel-Bindings", Some(b""), false),
        ("EXPORTER-Channel-Binding", Some(b"x"), false),
    ] {
        let mut stream = raw_stls(&authority, raw(&running));
        // Ends the handshake.
        assert!(capabilities(&mut stream).contains(&"+OK capability list follows".to_owned()));
        let exported = stream.conn.export_keying_material([0; 32], label.as_bytes(), context);
        let binding = Binding::Bound(ChannelBinding::tls_exporter(&exported.expect("TLS 1.3")));
        let secret = Secret::new("tan staaf");
        let scram = Scram::new(ScramHash::Sha256, None, "mrose", secret, "fyko+d2lbbFg", binding);
        let mut scram = scram.expect("a mechanism");
        let mut message = scram.initial_response().expect("fresh").expect("it speaks first");
        assert_eq!(said(&mut stream, &["AUTH SCRAM-SHA-256-PLUS"]), ["+ \r\n"]);
        let outcome = loop {
            let line = Base64::encode(message.expose());
            let line = String::from_utf8_lossy(line.expose()).into_owned();
            let answer = said(&mut stream, &[&line]).remove(0);
            let Some(challenge) = answer.strip_prefix("+ ") else { break answer };
            let challenge = Base64::new(challenge.trim_end()).expect("base64").decode();
            message = scram.respond(challenge.expect("octets").expose()).expect("a response");
        };
        let refused = "-ERR channel binding does not match\r\n";
        assert_eq!(outcome, if binds { "+OK 0 messages\r\n" } else { refused }, "{label}");
        assert_eq!(scram.is_satisfied(), binds);
    }
    running.stop();
}

/// R2195-2.02: every challenge of CRAM-MD5 is a message-id of digits that nobody was given before, and only the digest
/// of the last one counts.
#[test]
fn every_challenge_is_fresh() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let response = |challenge: &[u8]| {
        let mut client = CramMd5::new("mrose", Secret::new("tan staaf")).expect("a mechanism");
        client.initial_response().expect("fresh");
        let response = client.respond(challenge).expect("a response");
        encoded(std::str::from_utf8(response.expose()).expect("ASCII"))
    };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for _ in 0..2 {
        let mut stream = raw(&running);
        for last in [false, true] {
            let answer = said(&mut stream, &["AUTH CRAM-MD5"]).remove(0);
            let challenge = answer.trim_end().strip_prefix("+ ").expect("a challenge");
            let challenge = Base64::new(challenge).and_then(|text| text.decode()).expect("octets");
            let text = std::str::from_utf8(challenge.expose()).expect("ASCII");
            let digits = text.strip_prefix('<').and_then(|text| text.strip_suffix("@localhost>"));
            assert!(digits.is_some_and(|of| of.len() > 20 && of.parse::<u128>().is_ok()), "{text}");
            assert!(!seen.iter().any(|seen| seen == challenge.expose()), "{text} twice");
            let replayed = seen.last().cloned().unwrap_or_else(|| b"<1@localhost>".to_vec());
            seen.push(challenge.expose().to_vec());
            let answered = if last { challenge.expose() } else { &replayed };
            let outcome = said(&mut stream, &[&response(answered)]).remove(0);
            let failed = "-ERR [AUTH] authentication failed\r\n";
            assert_eq!(outcome, if last { "+OK 0 messages\r\n" } else { failed });
        }
    }
    running.stop();
}

/// R5802-6.01: a server that does not know which certificate it shows has nothing to bind TLS 1.2 to, and
/// offers nothing that would have to be.
#[test]
fn without_anything_to_bind_to_there_is_no_plus() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.tls = Some(Arc::new(authority.issue().server(&[&TLS12], &[])).into());
    let running = spawn(server);
    for over in [Over::Stls, Over::Tls] {
        let client = connect(&running, &builder(&authority, over));
        assert!(client.channel_bindings().tls_server_end_point.is_some());
        let session = client.login(&mailbox("mrose"), &password("tan staaf")).expect("a login");
        assert_eq!(session.method(), Method::Sasl(MechanismName::SCRAM_SHA_256));
        session.quit().expect("an answer");
    }
    running.stop();
}

/// R6856-2.2.01, R6856-2.2.04: names and passwords in UTF-8 are prepared on both sides where they are announced: who is
/// known by one spelling logs in by another, by USER and PASS and by APOP. R6856-2.2.05: what is prohibited logs nobody
/// in.
#[test]
fn names_in_utf8_are_prepared_on_both_sides() {
    let name = |name: &str| Mailbox::utf8(name).expect("a name");
    let word = |octets: &str| Password::opaque(octets.as_bytes()).expect("a password");
    let authority = Authority::new();
    let mut known = Passwords::new();
    known.insert(name("j\u{fc}\u{2168}"), &word("I\u{ad}X p\u{e4}ss"));
    let mut server = server(&authority, known);
    server.config.apop = true;
    server.config.utf8 = Utf8Offer::User;
    // Maildrops have prepared names.
    server.store.create(&name("j\u{fc}IX"));
    let running = spawn(server);
    let log_in = |method, who: &str, typed: &str| {
        let client = connect(&running, &builder(&authority, Over::Tls));
        client.login_with(Credentials::password(name(who), word(typed)), Choice::Only(method))
    };
    for method in [Method::UserPass, Method::Apop] {
        for who in ["j\u{fc}\u{2168}", "ju\u{308}IX"] {
            for typed in ["I\u{ad}X p\u{e4}ss", "IX pa\u{308}ss"] {
                let session = log_in(method, who, typed).expect(who);
                assert_eq!(session.method(), method);
                session.quit().expect("an answer");
            }
            let wrong = refusal(log_in(method, who, "IX pass"));
            assert_eq!(wrong, "[AUTH] authentication failed");
        }
    }
    let refused = refusal(log_in(Method::UserPass, "j\u{e000}", "IX pa\u{308}ss"));
    assert_eq!(refused, "[AUTH] authentication failed");
    running.stop();
}

/// B10, F19: silence behind STLS ends, and its place is free again.
#[test]
fn silence_behind_stls_is_given_up() {
    for login in [false, true] {
        let authority = Authority::new();
        let mut server = server(&authority, passwords());
        let short = Duration::from_millis(300);
        *if login { &mut server.deadlines.login } else { &mut server.deadlines.tls } = short;
        server.connections.per_address = 1;
        let running = spawn(server);
        let began = Instant::now();
        let mut stream = raw(&running);
        assert_eq!(said(&mut stream, &["STLS"]), ["+OK begin TLS\r\n"]);
        assert_eq!(stream.read_to_end(&mut Vec::new()).expect("the end"), 0);
        assert!(began.elapsed() >= short && began.elapsed() < LONG);
        until("its place is free", || {
            let mut stream = TcpStream::connect(running.address()).expect("a connection");
            read_line(&mut stream) == GREETING
        });
        running.stop();
    }
}

/// S14.6: attempts are counted, whatever became of them: malformed, cancelled, refused. The last one ends
/// the session.
#[test]
fn logins_are_limited() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let wrong = format!("AUTH PLAIN {}", encoded("\0mrose\0wrong"));
    let malformed = format!("AUTH PLAIN {}", encoded("mrose"));
    let out_of_place = format!("AUTH CRAM-MD5 {}", encoded("mrose"));
    let attempts: [&[&str]; 5] = [
        &["AUTH PLAIN", "*"],
        &[&wrong],
        &[&malformed],
        &[&out_of_place],
        &["USER mrose", "PASS wrong"],
    ];
    for first in attempts {
        for last in attempts {
            let mut stream = raw(&running);
            for attempt in [first, first, last] {
                let answers = said(&mut stream, attempt);
                let refused = answers.last().is_some_and(|answer| answer.starts_with("-ERR "));
                assert!(refused, "{attempt:?}: {answers:?}");
            }
            assert_eq!(stream.read(&mut [0]).expect("the end"), 0, "{first:?} {last:?}");
        }
    }
    running.stop();
}

/// R2449-5.04, R2595-4.09, R4505-5.01, R5034-3.04: what is announced in clear, over TLS and behind a login.
#[test]
fn capabilities_follow_the_channel() {
    const ALL: &str =
        "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN";
    const BARE: &str = "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN";
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let mut clear = raw(&running);
    let listed = capabilities(&mut clear);
    assert!(
        listed.contains(&format!("SASL {BARE}")) && listed.contains(&"STLS".to_owned()),
        "{listed:?}"
    );
    // TLS has more to offer.
    let mut tls = raw_stls(&authority, clear);
    let listed = capabilities(&mut tls);
    assert!(
        listed.contains(&format!("SASL {ALL}")) && !listed.contains(&"STLS".to_owned()),
        "{listed:?}"
    );
    assert_eq!(said(&mut tls, &["USER mrose", "PASS tan staaf"])[1], "+OK 0 messages\r\n");
    assert_eq!(capabilities(&mut tls), listed);
    drop(tls);
    let mut clear = raw(&running);
    assert_eq!(
        said(&mut clear, &["USER anybody", "PASS x"])[1],
        "-ERR [AUTH] authentication failed\r\n"
    );
    drop(clear);
    running.stop();
    // R8314-4.03: without a certificate there is no STLS.
    let mut server = server(&authority, passwords());
    server.tls = None;
    let running =
        server.spawn(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a server");
    let mut clear = raw(&running);
    assert!(!capabilities(&mut clear).contains(&"STLS".to_owned()));
    assert!(said(&mut clear, &["STLS"])[0].starts_with("-ERR "));
    drop(clear);
    running.stop();
}

/// What nobody could log in by is not announced, so that clients take what is left.
#[test]
fn without_a_decoy_no_mechanism_is_announced() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.decoy = None;
    let running = spawn(server);
    let listed = capabilities(&mut raw(&running));
    assert!(!listed.iter().any(|line| line.starts_with("SASL")), "{listed:?}");
    let client = connect(&running, &builder(&authority, Over::Stls));
    let session = client.login(&mailbox("mrose"), &password("tan staaf")).expect("a login");
    assert_eq!(session.method(), Method::UserPass);
    drop(session);
    running.stop();
}

/// R1939-7.18: a timestamp of its own in every session that offers APOP, which says nothing of the host;
/// none in the others.
#[test]
fn every_greeting_has_a_timestamp_of_its_own() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.config.apop = true;
    let running = spawn(server);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(running.address()).expect("a connection");
        let greeting = read_line(&mut stream);
        let timestamp = greeting.strip_prefix("+OK POP3 server ready <").expect("a timestamp");
        let digits = timestamp.strip_suffix("@localhost>\r\n").expect("no host");
        assert!(
            digits.len() > 20 && digits.bytes().all(|digit| digit.is_ascii_digit()),
            "{digits}"
        );
        assert!(seen.insert(digits.to_owned()));
    }
    running.stop();
}

/// R4616-2.04: nobody opens another's maildrop with his own password.
#[test]
fn another_maildrop_is_refused() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let builder = builder(&authority, Over::Tls);
    for name in [MechanismName::PLAIN, MechanismName::SCRAM_SHA_256_PLUS] {
        for (wanted, opens) in [("mrose", true), ("bob", false)] {
            let mut credentials = Credentials::password(mailbox("mrose"), password("tan staaf"));
            if let Credentials::Password { authorization, .. } = &mut credentials {
                *authorization = Some(mailbox(wanted));
            }
            let client = connect(&running, &builder);
            let outcome = client.login_with(credentials, Choice::Only(Method::Sasl(name)));
            if opens {
                outcome.expect("a login").quit().expect("an answer");
            } else {
                assert_eq!(refusal(outcome), "[AUTH] authentication failed", "{name}");
            }
        }
    }
    running.stop();
}

/// OX-22, OX-23: a delegate opens the principal's maildrop where that is switched on.
#[test]
fn delegates_where_they_are_switched_on() {
    fn back_end(question: &Question) -> Answer {
        let delegate = mailbox("alice@contoso.com");
        let yes = match question {
            Question::Verify { mailbox, password } => {
                *mailbox == delegate && *password == Secret::new("hers")
            }
            Question::Authorize { authentication, authorization } => {
                *authentication == delegate && authorization.as_str() == "bob"
            }
            _ => false,
        };
        if yes { Answer::Accepted } else { Answer::Refused }
    }
    struct Delegates;
    impl Authenticator for Delegates {
        fn answer(&self, question: &Question) -> Answer {
            back_end(question)
        }
    }
    let authority = Authority::new();
    for delegates in [false, true] {
        let mut server = server(&authority, Delegates);
        server.delegates = delegates;
        let store = server.store.clone();
        let running = spawn(server);
        let mut stream = raw(&running);
        let answers = said(&mut stream, &["USER alice@contoso.com/bob", "PASS hers"]);
        assert_eq!(answers[1].starts_with("+OK"), delegates, "{answers:?}");
        assert_eq!(store.open(&mailbox("bob")).is_err(), delegates, "it is open");
        drop(stream);
        running.stop();
    }
}
