//! The sans-I/O login: what is sent, in which order, and what is chosen.

use bytes::Buf as _;
use pop3_proto::client::{
    CancelReason, Channel, Choice, ClientConfig, ClientSession, Credentials, Eof, Login,
    LoginError, Method, Opening, ProtocolError, Security, SendError, Step, Unfit, UseStls, Waiting,
};
#[cfg(feature = "scram")]
use pop3_proto::sasl::ChannelBinding;
use pop3_proto::sasl::Plain;
#[cfg(any(feature = "md5", feature = "scram"))]
use pop3_proto::sasl::Preparation;
#[cfg(any(feature = "md5", feature = "scram"))]
use pop3_proto::sasl::PreparedAs;
use pop3_proto::state::State;
use pop3_proto::{
    Capabilities, Command, Deviation, Expiry, InvalidValue, Mailbox, MechanismName, Password,
    Secret,
};

const GREETING: &str = "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n";
const NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";

/// What a server expects and says; `None` stands for the TLS handshake.
type Line<'a> = (Option<&'a str>, &'a str);

fn c<'a>(line: &'a str, reply: &'a str) -> Line<'a> {
    (Some(line), reply)
}

const TLS: Line<'static> = (None, "");

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).expect("a name")
}

fn password(password: &str) -> Credentials {
    Credentials::password(mailbox("user"), Password::new(password).expect("printable"))
}

fn session(security: Security, channel: Channel) -> ClientSession {
    let mut session = ClientSession::new(ClientConfig::new(security), channel);
    assert_eq!(session.receive(GREETING.as_bytes()), GREETING.len());
    session
}

/// Drives `step` against a script; what left and was not in the script is the second value.
fn drive<T>(
    session: &mut ClientSession,
    mut step: impl FnMut(&mut ClientSession) -> Result<Step<T>, LoginError>,
    script: &[Line<'_>],
) -> (Result<T, LoginError>, Vec<String>) {
    let mut script = script.iter();
    let mut surplus = Vec::new();
    for _ in 0..1000 {
        match step(session) {
            Err(error) => {
                assert_eq!(script.next(), None, "{error}");
                return (Err(error), surplus);
            }
            Ok(Step::Done(done)) => {
                assert_eq!(script.next(), None, "done too early");
                return (Ok(done), surplus);
            }
            Ok(Step::Deviation(_)) => {}
            Ok(Step::StartTls) => {
                assert_eq!(script.next(), Some(&TLS));
                assert!(session.incoming().is_empty() && !session.outgoing().has_remaining());
                session.tls_established().expect("TLS is due");
            }
            Ok(Step::Exchange) => {
                let mut out = session.outgoing();
                let mut sent = vec![0; out.remaining()];
                out.copy_to_slice(&mut sent);
                let sent = String::from_utf8(sent).expect("ASCII");
                if sent.is_empty() {
                    session.receive_eof(Eof::Clean);
                    continue;
                }
                let line = sent.strip_suffix("\r\n").expect("whole lines");
                match script.next() {
                    Some((Some(expected), reply)) => {
                        assert_eq!(line, *expected);
                        for octet in reply.bytes() {
                            assert_eq!(session.receive(&[octet]), 1);
                        }
                    }
                    other => {
                        assert_eq!(other, None, "{line}");
                        surplus.push(line.to_owned());
                    }
                }
            }
        }
    }
    panic!("the stepper does not end");
}

fn log_in(
    security: Security,
    channel: Channel,
    credentials: Credentials,
    choice: Choice,
    script: &[Line<'_>],
) -> Result<Method, LoginError> {
    let mut session = session(security, channel);
    let mut login =
        Login::new(&session, credentials, choice).with_nonce(NONCE).expect("a good nonce");
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), script);
    assert_eq!(surplus, [""; 0]);
    assert_eq!(session.state() == State::Transaction, outcome.is_ok());
    outcome
}

fn sasl(name: MechanismName) -> Choice {
    Choice::Only(Method::Sasl(name))
}

const PLAIN_IR: &str = "AUTH PLAIN AHVzZXIAcGVuY2ls";
/// R2449-5.02, R2595-4.04, R2595-4.05, R2595-4.09, R5034-3.03: CAPA, STLS, TLS, and all that was learned asked anew.
#[test]
fn what_was_learned_in_clear_is_asked_again() {
    let script = [
        c("CAPA", "+OK\r\nSASL LOGIN\r\nSTLS\r\n.\r\n"),
        c("STLS", "+OK begin\r\n"),
        TLS,
        c("CAPA", "+OK\r\nSASL PLAIN\r\n.\r\n"),
        c(PLAIN_IR, "+OK in\r\n"),
        c("CAPA", "+OK\r\nUIDL\r\n.\r\n"),
    ];
    for security in [Security::StlsRequired, Security::StlsPreferred] {
        let method = log_in(security, Channel::Clear, password("pencil"), Choice::Best, &script);
        assert_eq!(method, Ok(Method::Sasl(MechanismName::PLAIN)));
    }
}

/// R2595-4.06, R2595-9.02, rows B1, B2, B3, B8 of the attack catalogue; C3.2: STLS once at most, and then nothing.
#[test]
fn stripped_tls_ends_it() {
    let refused = |script: &[Line<'_>]| {
        log_in(Security::StlsRequired, Channel::Clear, password("pencil"), Choice::Best, script)
    };
    assert_eq!(refused(&[c("CAPA", "+OK\r\nUSER\r\n.\r\n")]), Err(LoginError::StlsNotOffered));
    assert!(matches!(
        refused(&[c("CAPA", "+OK\r\nSTLS\r\n.\r\n"), c("STLS", "-ERR not now\r\n")]),
        Err(LoginError::StlsRefused(_))
    ));
    assert!(matches!(
        refused(&[c("CAPA", "-ERR what\r\n"), c("STLS", "-ERR what\r\n")]),
        Err(LoginError::StlsRefused(_))
    ));
    assert_eq!(
        refused(&[c("CAPA", "-ERR what\r\n"), c("STLS", "+OK\r\n+OK\r\n")]),
        Err(LoginError::Protocol(ProtocolError::OctetsAfterStls))
    );
    // What was offered and is refused is no reason to go on in clear.
    let script = [c("CAPA", "+OK\r\nSTLS\r\n.\r\n"), c("STLS", "-ERR not now\r\n")];
    let preferred = log_in(
        Security::StlsPreferred,
        Channel::Trusted,
        password("pencil"),
        Choice::Best,
        &script,
    );
    assert!(matches!(preferred, Err(LoginError::StlsRefused(_))));
}

/// Rows B4, B17; R2384-4.05, R8314-5.2.02, R4616-5.01, R7628-3.01, RLOGIN-1.02: where the policy forbids it nothing of
/// the login leaves.
#[test]
fn no_credential_in_clear() {
    let list = "+OK\r\nSASL PLAIN SCRAM-SHA-1 CRAM-MD5 LOGIN OAUTHBEARER XOAUTH2\r\nUSER\r\n.\r\n";
    for choice in [Choice::Best, sasl(MechanismName::OAUTHBEARER), sasl(MechanismName::XOAUTH2)] {
        let token = Secret::new(*b"vF9dft4qmTc");
        let credentials = Credentials::Token { mailbox: mailbox("user"), token };
        let security = Security::StlsPreferred;
        let outcome = log_in(security, Channel::Clear, credentials, choice, &[c("CAPA", list)]);
        let refused = matches!(outcome, Err(LoginError::Send(SendError::NotProtected { .. })));
        assert!(refused, "{outcome:?}");
    }
    for choice in [
        Choice::Best,
        Choice::Only(Method::UserPass),
        #[cfg(feature = "md5")]
        Choice::Only(Method::Apop),
        #[cfg(feature = "md5")]
        sasl(MechanismName::CRAM_MD5),
        sasl(MechanismName::PLAIN),
        sasl(MechanismName::LOGIN),
    ] {
        let outcome = log_in(
            Security::StlsPreferred,
            Channel::Clear,
            password("pencil"),
            choice,
            &[c("CAPA", list)],
        );
        assert!(
            matches!(outcome, Err(LoginError::Send(SendError::NotProtected { .. }))),
            "{outcome:?}"
        );
    }
    let implicit = log_in(
        Security::Implicit,
        Channel::Clear,
        password("p"),
        Choice::Only(Method::UserPass),
        &[],
    );
    assert!(matches!(implicit, Err(LoginError::Send(SendError::NotProtected { .. }))));
}

/// R2449-5.03, R2449-7.01, R5034-3.01: a server without CAPA is logged in to by USER and PASS.
#[test]
fn no_capabilities_leave_user_and_pass() {
    let script =
        [c("CAPA", "-ERR what\r\n"), c("USER user", "+OK\r\n"), c("PASS pencil", "+OK\r\n")];
    let channel = Channel::Trusted;
    let method =
        log_in(Security::PlaintextAllowed, channel, password("pencil"), Choice::Best, &script);
    assert_eq!(method, Ok(Method::UserPass));
}

/// R2449-5.02, R2449-6.5.02, R2449-6.7.03: the list is asked for again behind the login, and what it says of this user
/// takes the place of what was said of all.
#[test]
fn what_depends_on_the_user_is_asked_again() {
    let mut session = session(Security::Implicit, Channel::Tls);
    let mut login = Login::new(&session, password("pencil"), Choice::Best);
    let before = "+OK\r\nUSER\r\nLOGIN-DELAY 900 USER\r\nEXPIRE 5 USER\r\n.\r\n";
    let after = "+OK\r\nLOGIN-DELAY 60\r\nEXPIRE NEVER\r\n.\r\n";
    let script = [
        c("CAPA", before),
        c("USER user", "+OK\r\n"),
        c("PASS pencil", "+OK\r\n"),
        c("CAPA", after),
    ];
    let mut delays = Vec::new();
    let (outcome, _) = drive(
        &mut session,
        |session| {
            let delay = session.capabilities().and_then(Capabilities::login_delay);
            delays.extend(delay.map(|delay| (delay.seconds, delay.per_user)));
            login.step(session)
        },
        &script,
    );
    assert_eq!(outcome, Ok(Method::UserPass));
    delays.dedup();
    assert_eq!(delays, [(900, true)]);
    let list = session.capabilities().expect("a list");
    let delay = list.login_delay().expect("a delay");
    assert_eq!((delay.seconds, delay.per_user), (60, false));
    let expire = list.expire().expect("an expiry");
    assert_eq!((expire.expiry, expire.per_user), (Expiry::Never, false));
}

/// R5034-3.01, RLOGIN-1.01: AUTH only by what SASL announces, and LOGIN only where there is nothing else.
#[test]
fn the_best_that_is_announced_is_taken() {
    for (list, method, script) in [
        ("SASL LOGIN PLAIN", Method::Sasl(MechanismName::PLAIN), c(PLAIN_IR, "+OK\r\n")),
        ("SASL PLAIN LOGIN\r\nUSER", Method::Sasl(MechanismName::PLAIN), c(PLAIN_IR, "+OK\r\n")),
        // SASL alone: no USER where it is not listed.
        ("SASL LOGIN", Method::Sasl(MechanismName::LOGIN), c("AUTH LOGIN", "-ERR\r\n")),
        ("USER\r\nSASL DIGEST-MD5", Method::UserPass, c("USER user", "-ERR\r\n")),
        ("TOP", Method::UserPass, c("USER user", "-ERR\r\n")),
        ("SASL", Method::UserPass, c("USER user", "-ERR\r\n")),
    ] {
        let reply = format!("+OK\r\n{list}\r\n.\r\n");
        let mut script = vec![c("CAPA", &reply), script];
        if script[1].1.starts_with('+') {
            script.push(c("CAPA", "+OK\r\n.\r\n"));
        }
        let outcome = log_in(
            Security::PlaintextAllowed,
            Channel::Tls,
            password("pencil"),
            Choice::Best,
            &script,
        );
        match outcome {
            Ok(of) => assert_eq!(of, method, "{list}"),
            Err(LoginError::Refused(refused)) => assert_eq!(refused.method, method, "{list}"),
            Err(error) => panic!("{list}: {error}"),
        }
    }
    let outcome = log_in(
        Security::PlaintextAllowed,
        Channel::Tls,
        password("pencil"),
        Choice::Best,
        &[c("CAPA", "+OK\r\nSASL XOAUTH2\r\n.\r\n")],
    );
    assert_eq!(outcome, Err(LoginError::NoMethod { announced: vec![MechanismName::XOAUTH2] }));
}

/// Row I14, C3.3: what fails is not tried again by something weaker.
#[test]
fn a_failure_starts_nothing_weaker() {
    let script = [
        c("CAPA", "+OK\r\nSASL PLAIN LOGIN CRAM-MD5\r\nUSER\r\n.\r\n"),
        c("AUTH PLAIN AHVzZXIAcGVuY2ls", "-ERR [AUTH] no\r\n"),
    ];
    let choice = Choice::FirstOf(vec![
        Method::Sasl(MechanismName::PLAIN),
        Method::Sasl(MechanismName::LOGIN),
        Method::UserPass,
    ]);
    let mut session = session(Security::PlaintextAllowed, Channel::Tls);
    let mut login = Login::new(&session, password("pencil"), choice);
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), &script);
    assert!(matches!(outcome, Err(LoginError::Refused(_))));
    assert_eq!(surplus, [""; 0]);
    assert_eq!(login.step(&mut session).err(), outcome.err(), "an error is for good");
    assert_eq!(session.state(), State::Authorization, "another login may be made");
}

/// R2384-4.02, R2595-9.01: what was asked for and no other, whatever the server announces.
#[test]
fn only_means_only() {
    let script = [c("USER user", "+OK\r\n"), c("PASS pencil", "+OK\r\n")];
    let only = Choice::Only(Method::UserPass);
    let method =
        log_in(Security::PlaintextAllowed, Channel::Tls, password("pencil"), only, &script);
    assert_eq!(method, Ok(Method::UserPass));
    // R5034-3.02: without the announcement no initial response.
    let script =
        [c("CAPA", "-ERR\r\n"), c("AUTH PLAIN", "+ \r\n"), c("AHVzZXIAcGVuY2ls", "+OK\r\n")];
    let plain = sasl(MechanismName::PLAIN);
    let method =
        log_in(Security::PlaintextAllowed, Channel::Tls, password("pencil"), plain, &script);
    assert_eq!(method, Ok(Method::Sasl(MechanismName::PLAIN)));
    let xoauth2 = Method::Sasl(MechanismName::XOAUTH2);
    for (list, error) in [
        ("-ERR\r\n", LoginError::Unfit { method: xoauth2, reason: Unfit::Credentials }),
        (
            "+OK\r\nSASL LOGIN\r\n.\r\n",
            LoginError::NoMethod { announced: vec![MechanismName::LOGIN] },
        ),
    ] {
        let method = log_in(
            Security::PlaintextAllowed,
            Channel::Tls,
            password("pencil"),
            Choice::Only(xoauth2),
            &[c("CAPA", list)],
        );
        assert_eq!(method, Err(error));
    }
}

/// R5034-3.01: a method that is not for such credentials is passed over, though the server has it.
#[test]
fn a_method_for_other_credentials_is_passed_over() {
    let methods = [MechanismName::OAUTHBEARER, MechanismName::EXTERNAL, MechanismName::PLAIN];
    let choice = Choice::FirstOf(methods.map(Method::Sasl).to_vec());
    let capa = c("CAPA", "+OK\r\nSASL EXTERNAL OAUTHBEARER PLAIN\r\n.\r\n");
    let script = [capa, c(PLAIN_IR, "+OK in\r\n"), capa];
    let method = log_in(Security::Implicit, Channel::Tls, password("pencil"), choice, &script);
    assert_eq!(method, Ok(Method::Sasl(MechanismName::PLAIN)));
}

/// R5802-2.2.01: what is not ASCII is prepared or not said.
#[cfg(feature = "scram")]
#[test]
fn what_is_not_ascii_is_prepared_for_scram() {
    let credentials = || {
        let secret = Password::opaque("p\u{aa}ss".as_bytes()).expect("a password");
        Credentials::password(mailbox("user"), secret)
    };
    let list = "+OK\r\nSASL SCRAM-SHA-256 PLAIN\r\n.\r\n";
    for (choice, prepare, left) in [
        (Choice::Best, None, "AUTH PLAIN AHVzZXIAcMKqc3M="),
        (sasl(MechanismName::SCRAM_SHA_256), None, ""),
        (
            Choice::Best,
            Some((|text, _| Some(text.replace('\u{aa}', "a"))) as Preparation),
            "AUTH SCRAM-SHA-256 ",
        ),
        (Choice::Best, Some((|_, _| None) as Preparation), "AUTH PLAIN AHVzZXIAcMKqc3M="),
        (sasl(MechanismName::SCRAM_SHA_256), Some((|_, _| None) as Preparation), ""),
    ] {
        let mut session = session(Security::Implicit, Channel::Tls);
        let mut login = Login::new(&session, credentials(), choice).with_nonce(NONCE).unwrap();
        if let Some(prepare) = prepare {
            login = login.with_preparation(prepare);
        }
        let (outcome, surplus) =
            drive(&mut session, |session| login.step(session), &[c("CAPA", list)]);
        assert_eq!(surplus.len(), usize::from(!left.is_empty()), "{outcome:?}");
        assert!(surplus.iter().all(|line| line.starts_with(left)), "{surplus:?}");
        if left.is_empty() {
            assert!(matches!(
                outcome,
                Err(LoginError::Unfit { reason: Unfit::NotAscii | Unfit::Prohibited, .. })
            ));
        }
    }
}

/// RFC 7628 §4, RXOAUTH2-MS.01, I10: in two lines, though SASL is announced; the failure is answered and shown.
#[test]
fn what_an_oauth_server_says_is_shown() {
    let token = Secret::new(*b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    let credentials = Credentials::Token { mailbox: mailbox("user@example.com"), token };
    let outcome = log_in(
        Security::Implicit,
        Channel::Tls,
        credentials,
        Choice::Best,
        &[
            c("CAPA", "+OK\r\nSASL XOAUTH2\r\n.\r\n"),
            c("AUTH XOAUTH2", "+ \r\n"),
            c(
                "dXNlcj11c2VyQGV4YW1wbGUuY29tAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
                "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n",
            ),
            c("", "-ERR no\r\n"),
        ],
    );
    let Err(LoginError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refused.cancelled, None);
    assert_eq!(refused.detail.expect("the JSON").octets(), br#"{"status":"401"}"#);
}

/// R1939-7.03: the digest is of the timestamp and the secret.
#[cfg(feature = "md5")]
#[test]
fn apop_only_if_asked_for() {
    let credentials =
        Credentials::password(mailbox("mrose"), Password::new("tanstaaf").expect("printable"));
    let script = [c("APOP mrose c4c9334bac560ecc979e58001b3e22fb", "+OK\r\n")];
    let method = log_in(
        Security::PlaintextAllowed,
        Channel::Clear,
        credentials,
        Choice::Only(Method::Apop),
        &script,
    );
    assert_eq!(method, Ok(Method::Apop));
    let script = [c("CAPA", "+OK\r\n.\r\n"), c("USER user", "-ERR\r\n")];
    let best =
        log_in(Security::PlaintextAllowed, Channel::Clear, password("p"), Choice::Best, &script);
    assert!(
        matches!(best, Err(LoginError::Refused(refused)) if refused.method == Method::UserPass)
    );
}

fn in_utf8(name: &str, password: &[u8]) -> Credentials {
    let name = Mailbox::utf8(name).expect("a name");
    Credentials::password(name, Password::opaque(password).expect("a password"))
}

/// R6856-2.2.01: what is not ASCII is prepared for APOP, the name as a query and the secret as a stored string, or not
/// said; nor is it to a server that does not announce that it takes it.
#[cfg(feature = "md5")]
#[test]
fn what_is_not_ascii_is_prepared_for_apop() {
    let prepare: Preparation = |text, kind| {
        let mapped = if kind == PreparedAs::Query { '\u{2168}' } else { '\u{ad}' };
        let to = if kind == PreparedAs::Query { "IX" } else { "" };
        Some(text.replace(mapped, to))
    };
    let nobody: Preparation = |_, _| None;
    let spaced: Preparation = |_, _| Some("a b".into());
    // Made of `IX` and U+00E4, and of `tanstaaf`.
    let digest = "16612cff8f1a617668d7090db8d2339c";
    let plain = "c4c9334bac560ecc979e58001b3e22fb";
    let user = "+OK\r\nUTF8 USER\r\n.\r\n";
    let secret = "I\u{ad}X\u{e4}".as_bytes();
    let unfit = |reason| Err(LoginError::Unfit { method: Method::Apop, reason });
    for (name, secret, list, prepare, said) in [
        ("\u{2168}\u{e9}", secret, user, Some(prepare), Ok(format!("IX\u{e9} {digest}"))),
        ("mrose", secret, user, Some(prepare), Ok(format!("mrose {digest}"))),
        ("\u{2168}", b"tanstaaf", user, Some(prepare), Ok(format!("IX {plain}"))),
        ("\u{2168}", b"tanstaaf", user, None, unfit(Unfit::NotAscii)),
        ("mrose", secret, user, None, unfit(Unfit::NotAscii)),
        ("mrose", secret, user, Some(nobody), unfit(Unfit::Prohibited)),
        ("\u{e9}", b"tanstaaf", user, Some(spaced), unfit(Unfit::Prohibited)),
        ("mrose", secret, "+OK\r\nUTF8\r\n.\r\n", Some(prepare), unfit(Unfit::NotAscii)),
        ("\u{e9}", b"x", "-ERR\r\n", Some(prepare), unfit(Unfit::NotAscii)),
    ] {
        let mut session = session(Security::Implicit, Channel::Tls);
        let mut login = Login::new(&session, in_utf8(name, secret), Choice::Only(Method::Apop));
        if let Some(prepare) = prepare {
            login = login.with_preparation(prepare);
        }
        let script = [c("CAPA", list)];
        let (outcome, surplus) = drive(&mut session, |session| login.step(session), &script);
        match said {
            Ok(said) => assert_eq!(surplus, [format!("APOP {said}")]),
            Err(error) => assert_eq!((outcome, surplus), (Err(error), vec![]), "{name} {list}"),
        }
    }
    let mut session = session(Security::Implicit, Channel::Tls);
    let credentials = in_utf8("mrose", b"p\xe4ss");
    let mut login = Login::new(&session, credentials, Choice::Only(Method::Apop));
    login = login.with_preparation(prepare);
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), &[]);
    let unfit = LoginError::Unfit { method: Method::Apop, reason: Unfit::Prohibited };
    assert_eq!((outcome, surplus), (Err(unfit), vec![]));
}

/// R6856-2.2.03: a name or a password in UTF-8 is said in USER and PASS where `UTF8 USER` is announced, and nowhere
/// else but by the caller's word; octets that are no UTF-8 are no matter of it.
#[test]
fn utf8_is_said_in_user_and_pass_where_it_is_announced() {
    let (name, secret) = ("j\u{fc}rgen", "p\u{e4}ss".as_bytes());
    let only = || Choice::Only(Method::UserPass);
    let first = |line: &str| Ok(line.to_owned());
    let unfit = || Err(LoginError::Unfit { method: Method::UserPass, reason: Unfit::NotAscii });
    let none = || Err(LoginError::NoMethod { announced: vec![] });
    for (name, secret, list, unannounced, choice, expected) in [
        (name, secret, "UTF8 USER", false, only(), first("USER j\u{fc}rgen")),
        ("mrose", secret, "utf8 user", false, Choice::Best, first("USER mrose")),
        (name, b"x", "UTF8", false, only(), unfit()),
        ("mrose", secret, "UTF8", false, only(), unfit()),
        ("mrose", secret, "USER", false, Choice::Best, none()),
        ("mrose", secret, "USER\r\nUTF8", true, Choice::Best, first("USER mrose")),
        (name, secret, "TOP", true, only(), first("USER j\u{fc}rgen")),
        (
            "mrose",
            secret,
            "USER\r\nSASL PLAIN",
            false,
            Choice::Best,
            first("AUTH PLAIN AG1yb3NlAHDDpHNz"),
        ),
        ("mrose", b"p\xe4ss", "TOP", false, Choice::Best, first("USER mrose")),
    ] {
        let mut config = ClientConfig::new(Security::Implicit);
        config.send_policy.unannounced_utf8 = unannounced;
        let mut session = ClientSession::new(config, Channel::Tls);
        session.receive(GREETING.as_bytes());
        let credentials = in_utf8(name, secret);
        let mut login = Login::new(&session, credentials, choice);
        let reply = format!("+OK\r\n{list}\r\n.\r\n");
        let script = [c("CAPA", &reply)];
        let (outcome, surplus) = drive(&mut session, |session| login.step(session), &script);
        match expected {
            Ok(line) => assert_eq!(surplus, [line]),
            Err(error) => assert_eq!((outcome, surplus), (Err(error), vec![]), "{list}"),
        }
    }
}

/// RFC 5802 §5, R5034-4.23, R5802-4.01, R5802-5.01, R5802-6.01.
#[cfg(feature = "scram")]
#[test]
fn scram_is_taken_first_and_verifies_the_server() {
    // gs2-header `n,,`: there is nothing to bind to.
    let first = "AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM";
    let challenge = "+ cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==\r\n";
    let last = "Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==";
    let signature = "+ dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\r\n";
    let capa = c("CAPA", "+OK\r\nSASL PLAIN SCRAM-SHA-1\r\n.\r\n");
    let script = [capa, c(first, challenge), c(last, signature), c("", "+OK\r\n"), capa];
    let tls = |script: &[Line<'_>]| {
        log_in(Security::Implicit, Channel::Tls, password("pencil"), Choice::Best, script)
    };
    assert_eq!(tls(&script), Ok(Method::Sasl(MechanismName::SCRAM_SHA_1)));
    for impostor in ["+OK\r\n", "+ dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1A9\r\n"] {
        let script = [capa, c(first, challenge), c(last, impostor)];
        assert_eq!(tls(&script), Err(LoginError::Protocol(ProtocolError::ServerNotVerified)));
    }
    // A nonce that does not extend ours: the exchange is given up, nothing weaker is tried.
    let foreign = "+ cj1hYmMscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==\r\n";
    let outcome = tls(&[capa, c(first, foreign), c("*", "-ERR cancelled\r\n")]);
    assert!(
        matches!(&outcome, Err(LoginError::Refused(refused)) if refused.cancelled.is_some()),
        "{outcome:?}"
    );
}

/// Row I15, R5802-6.01: bound if the server can, `y` if only we can, `n` if we cannot.
#[cfg(feature = "scram")]
#[test]
fn the_channel_is_bound_where_both_can() {
    for (list, choice, first) in [
        (
            "SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            Choice::Best,
            "AUTH SCRAM-SHA-256-PLUS cD10bHMtZXhwb3J0ZXIsL",
        ),
        ("SCRAM-SHA-256", Choice::Best, "AUTH SCRAM-SHA-256 eSwsb"),
        (
            "SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
            sasl(MechanismName::SCRAM_SHA_256),
            "AUTH SCRAM-SHA-256 biwsb",
        ),
    ] {
        let mut session = session(Security::Implicit, Channel::Tls);
        let mut login = Login::new(&session, password("pencil"), choice)
            .with_nonce(NONCE)
            .expect("a good nonce");
        login.bind(ChannelBinding::tls_exporter(&[7; 32]));
        let capa = format!("+OK\r\nSASL {list}\r\n.\r\n");
        let script = [c("CAPA", &capa)];
        let (_, surplus) = drive(&mut session, |session| login.step(session), &script);
        assert_eq!(surplus.len(), 1);
        assert!(surplus[0].starts_with(first), "{list}: {}", surplus[0]);
    }
}

/// Row I15, R5802-6.01: whoever makes the server tell nothing strikes -PLUS off its list too. `n` is not for a client
/// that could bind.
#[cfg(feature = "scram")]
#[test]
fn a_refused_list_offers_no_binding() {
    let mut session = session(Security::Implicit, Channel::Tls);
    let choice = sasl(MechanismName::SCRAM_SHA_256);
    let mut login =
        Login::new(&session, password("pencil"), choice).with_nonce(NONCE).expect("a good nonce");
    login.bind(ChannelBinding::tls_exporter(&[7; 32]));
    let script = [c("CAPA", "-ERR what?\r\n"), c("AUTH SCRAM-SHA-256", "+ \r\n")];
    let (_, surplus) = drive(&mut session, |session| login.step(session), &script);
    assert!(surplus[0].starts_with("eSwsb"), "{surplus:?}");
}

/// RFC 2595 §4: where STLS is welcome and not required, a server that does not list it, or lists nothing, is not asked.
#[test]
fn stls_is_not_asked_of_a_server_that_does_not_offer_it() {
    for reply in ["-ERR what?\r\n", "+OK\r\nUSER\r\n.\r\n"] {
        let mut session = session(Security::StlsPreferred, Channel::Clear);
        let mut opening = Opening::new(UseStls::IfOffered);
        let script = [c("CAPA", reply)];
        let (outcome, surplus) = drive(&mut session, |session| opening.step(session), &script);
        assert_eq!((outcome, surplus), (Ok(()), Vec::new()), "{reply}");
        assert_eq!(session.channel(), Channel::Clear);
    }
}

/// B9, I2: no handshake is called for in a session that is over.
#[test]
fn no_handshake_is_due_once_the_session_is_over() {
    let waiting = Waiting::Tls;
    for (ends, error) in [
        (true, ProtocolError::UnexpectedEof { waiting, eof: Eof::Abrupt }),
        (false, ProtocolError::TimedOut { waiting }),
    ] {
        let mut session = session(Security::StlsRequired, Channel::Clear);
        let mut opening = Opening::new(UseStls::Required);
        for (line, reply) in [("CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n"), ("STLS\r\n", "+OK\r\n")] {
            assert_eq!(opening.step(&mut session), Ok(Step::Exchange));
            let mut out = session.outgoing();
            assert_eq!(out.chunk(), line.as_bytes());
            out.advance(line.len());
            session.receive(reply.as_bytes());
        }
        for _ in 0..2 {
            assert_eq!(opening.step(&mut session), Ok(Step::StartTls));
        }
        if ends {
            session.receive_eof(Eof::Abrupt);
        } else {
            drop(session.time_out());
        }
        for _ in 0..2 {
            assert_eq!(opening.step(&mut session), Err(LoginError::Protocol(error.clone())));
        }
    }
}

/// H4: the greeting may be negative, also where something of it is forgiven, and the server may say farewell at any time.
#[test]
fn no_service_is_told() {
    for greeting in ["-ERR full\r\n", "-err full\r\n", "-ERR\tfull\r\n"] {
        for stls in [UseStls::Required, UseStls::IfOffered, UseStls::Never] {
            let config = ClientConfig::new(Security::StlsRequired);
            let mut session = ClientSession::new(config, Channel::Clear);
            session.receive(greeting.as_bytes());
            let mut opening = Opening::new(stls);
            let (outcome, _) = drive(&mut session, |session| opening.step(session), &[]);
            let Err(LoginError::NoService(response)) = outcome else {
                panic!("{greeting} {stls:?}")
            };
            assert_eq!(response.text.octets(), b"full");
        }
    }
    let mut session = session(Security::Implicit, Channel::Tls);
    session.receive(b"-ERR closing\r\n");
    let mut login = Login::new(&session, password("p"), Choice::Best);
    let (outcome, _) = drive(&mut session, |session| login.step(session), &[]);
    match outcome {
        Err(LoginError::Closed(Some(farewell))) => assert_eq!(farewell.text.octets(), b"closing"),
        other => panic!("{other:?}"),
    }
}

/// I10, K7: a farewell may tell what was said before it: behind a login that was accepted, or in an exchange that was
/// given up.
#[test]
fn no_farewell_tells_the_secret() {
    let told = "-ERR goodbye to PASS the pencil of an ox\r\n";
    let encoded = "+ \r\n-ERR AHVzZXIAdGhlIHBlbmNpbCBvZiBhbiBveA==\r\n";
    let plain = "AUTH PLAIN AHVzZXIAdGhlIHBlbmNpbCBvZiBhbiBveA==";
    let capa = c("CAPA", "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n");
    let in_ = format!("+OK in\r\n{told}");
    let bye = "+OK in\r\n-ERR [SYS/TEMP] bye\r\n";
    let (user, pass) = (c("USER user", "+OK\r\n"), "PASS the pencil of an ox");
    let by_pass = Choice::FirstOf(vec![Method::UserPass]);
    for (choice, script, farewell) in [
        (by_pass.clone(), vec![capa, user, c(pass, &in_)], None),
        (by_pass, vec![capa, user, c(pass, bye)], Some("[SYS/TEMP] bye")),
        (Choice::Best, vec![capa, c(plain, encoded)], None),
    ] {
        let mut session = session(Security::Implicit, Channel::Tls);
        let mut login = Login::new(&session, password("the pencil of an ox"), choice);
        let mut script = script.into_iter();
        let error = loop {
            match login.step(&mut session) {
                Ok(Step::Exchange) => {
                    let Some((line, reply)) = script.next() else {
                        session.receive_eof(Eof::Clean);
                        continue;
                    };
                    let mut out = session.outgoing();
                    let mut sent = vec![0; out.remaining()];
                    out.copy_to_slice(&mut sent);
                    let sent = String::from_utf8(sent).expect("ASCII");
                    assert_eq!(sent.strip_suffix("\r\n"), line);
                    session.receive(reply.as_bytes());
                }
                Ok(step) => panic!("{step:?}"),
                Err(error) => break error,
            }
        };
        let shown = format!("{error} {error:?} {login:?}");
        for secret in ["pencil", "IHBlbmNpbC"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        match error {
            LoginError::Closed(said) => {
                let said = said.map(|said| said.text.octets().to_vec());
                assert_eq!(said.as_deref(), farewell.map(str::as_bytes));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// I10, K7: nor does an error tell it that shows a line of the server's: not of the list behind a login either.
#[test]
fn no_malformed_line_tells_the_secret() {
    let capa = c("CAPA", "+OK\r\nUSER\r\n.\r\n");
    let login = [capa, c("USER user", "+OK\r\n"), c("PASS pencil", "+OK in\r\n")];
    for (reply, shown) in [
        ("what is PASS pencil?\r\n", false),
        ("what is AHVzZXIAcGVuY2ls?\r\n", false),
        ("+OK\r\nPASS pencil\x01\r\n", false),
        ("what is that?\r\n", true),
        ("+OK\r\nwhat is that\x01\r\n", true),
    ] {
        let config = ClientConfig::strict(Security::Implicit);
        let mut session = ClientSession::new(config, Channel::Tls);
        session.receive(GREETING.as_bytes());
        let mut login_by_pass = Login::new(&session, password("pencil"), Choice::Best);
        let script = [&login[..], &[c("CAPA", reply)]].concat();
        let (outcome, _) = drive(&mut session, |session| login_by_pass.step(session), &script);
        let Err(LoginError::Protocol(error)) = outcome else { panic!("{reply}: {outcome:?}") };
        for text in [format!("{error} {error:?}"), format!("{login_by_pass:?}")] {
            assert!(!text.contains("pencil") && !text.contains("AHVzZXIAcGVuY2ls"), "{text}");
        }
        assert_eq!(format!("{error}").contains("what is that"), shown, "{error}");
    }
}

/// I3: a server may list as many mechanisms as its lines hold; what is told of them is bounded.
#[test]
fn no_endless_list_is_told() {
    let line = format!("SASL{}\r\n", " A".repeat(4000));
    let list = format!("+OK\r\n{}.\r\n", line.repeat(4));
    let script = [c("CAPA", &list)];
    let outcome = log_in(Security::Implicit, Channel::Tls, password("p"), Choice::Best, &script);
    let a = MechanismName::new("A").expect("a name");
    let announced = vec![a; LoginError::MAX_ANNOUNCED];
    assert_eq!(outcome, Err(LoginError::NoMethod { announced }));
}

/// I6.
#[test]
fn a_nonce_is_printable() {
    let session = session(Security::Implicit, Channel::Tls);
    for (nonce, error) in [
        ("", InvalidValue::Empty),
        ("a,b", InvalidValue::ForbiddenOctet { at: 1 }),
        ("a b", InvalidValue::ForbiddenOctet { at: 1 }),
        ("\u{e4}", InvalidValue::ForbiddenOctet { at: 0 }),
    ] {
        let login = Login::new(&session, password("p"), Choice::Best);
        assert_eq!(login.with_nonce(nonce).err(), Some(error), "{nonce:?}");
    }
}

/// I10: no form of `Debug` shows what the login holds.
#[test]
fn debug_shows_no_secret() {
    let session = session(Security::Implicit, Channel::Tls);
    let login = Login::new(&session, password("hunter2"), Choice::Best);
    let shown = format!("{login:?}");
    assert!(!shown.contains("hunter2"));
    assert!(shown.contains("Dialogue { open: None"), "but where it stands: {shown}");
}

/// I10, K: an echo of the password is not shown, in whatever form it comes back.
#[test]
fn what_echoes_the_password_is_withheld() {
    for (answer, shown) in [
        ("-ERR no such user\r\n", true),
        ("-ERR what is PASS hunter2secret\r\n", false),
        ("-ERR bad AHVzZXIAaHVudGVyMnNlY3JldA==\r\n", false),
        // Of what looks computed nobody can say what it was computed from.
        ("-ERR no such user, but v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=\r\n", false),
        ("-ERR no such user, 1234567890abcdefABCD?\r\n", false),
        ("-ERR no such user, 1234567890abcdefABC?\r\n", true),
    ] {
        let script = [c("USER user", "+OK\r\n"), c("PASS hunter2secret", answer)];
        let only = Choice::Only(Method::UserPass);
        let credentials = password("hunter2secret");
        let outcome = log_in(Security::PlaintextAllowed, Channel::Tls, credentials, only, &script);
        let Err(LoginError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(refused.may_be_shown(), shown, "{answer}");
        for text in [format!("{refused}"), format!("{refused:?}")] {
            assert_eq!(text.contains("no such user"), shown, "{answer} {text}");
            assert!(!text.contains("hunter2") && !text.contains("HVudGVyMnNlY3Jld"), "{text}");
        }
    }
}

/// I11: a login waits for what was given up before it, and for nothing else.
#[test]
fn behind_a_command_that_was_given_up() {
    let mut session = session(Security::PlaintextAllowed, Channel::Clear);
    while session.poll_event().expect("a greeting").is_some() {}
    let given_up = session.send(&Command::Capa).expect("it is its turn");
    assert!(session.abandon(given_up));
    let script =
        [c("CAPA", "+OK\r\nUIDL\r\n.\r\n"), c("USER user", "+OK\r\n"), c("PASS x", "+OK\r\n")];
    let mut login = Login::new(&session, password("x"), Choice::Only(Method::UserPass));
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), &script);
    assert_eq!((outcome, surplus), (Ok(Method::UserPass), vec![]));
}

/// A session that knows the server's list, which has `more`, and in which a second CAPA was given up.
fn behind_a_list_that_was_given_up(more: &str) -> ClientSession {
    let mut session = session(Security::PlaintextAllowed, Channel::Clear);
    while session.poll_event().expect("a greeting").is_some() {}
    session.send(&Command::Capa).expect("it is its turn");
    session.outgoing().advance("CAPA\r\n".len());
    session.receive(format!("+OK\r\nUSER\r\nSASL PLAIN\r\n{more}.\r\n").as_bytes());
    while session.poll_event().expect("a list").is_some() {}
    let given_up = session.send(&Command::Capa).expect("it is its turn");
    assert!(session.abandon(given_up));
    session
}

/// I5, I11: in a pipeline the reply to what was given up is not taken for the answer to what was sent behind it.
#[test]
fn behind_a_command_that_was_given_up_in_a_pipeline() {
    let capa = c("CAPA", "+OK\r\n.\r\n");
    for reply in ["-ERR no\r\n+OK\r\n", "+OK\r\nTOP\r\n.\r\n+OK\r\n"] {
        let mut session = behind_a_list_that_was_given_up("PIPELINING\r\n");
        let mut login = Login::new(&session, password("x"), Choice::Only(Method::UserPass));
        let script = [c("CAPA\r\nUSER user", reply), c("PASS x", "+OK\r\n"), capa];
        let (outcome, surplus) = drive(&mut session, |session| login.step(session), &script);
        assert_eq!((outcome, surplus), (Ok(Method::UserPass), vec![]), "{reply}");
    }
}

/// I11: a mechanism of the caller's own is used once: not before its turn.
#[test]
fn a_mechanism_waits_for_what_was_given_up() {
    let mut session = behind_a_list_that_was_given_up("");
    let plain = Plain::new(None, "user", Secret::new(*b"pencil")).expect("a name");
    let mut login = Login::with_mechanism(&session, Box::new(plain));
    let list = "+OK\r\nSASL PLAIN\r\n.\r\n";
    let script = [c("CAPA", list), c(PLAIN_IR, "+OK in\r\n"), c("CAPA", list)];
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), &script);
    assert_eq!((outcome, surplus), (Ok(Method::Sasl(MechanismName::PLAIN)), vec![]));
}

/// R4616-2.01: a password that is no text is not PLAIN's, nor is one that holds a control, and the next method may have it.
#[test]
fn a_password_that_is_no_text_is_for_user_and_pass() {
    for secret in [&b"p\xe4ss"[..], b"p\x7fss", b"p\tss"] {
        let mut session = session(Security::Implicit, Channel::Tls);
        let secret = Password::opaque(secret).expect("octets");
        let credentials = Credentials::password(mailbox("user"), secret);
        let login = Login::new(&session, credentials, Choice::Best);
        let login = login.with_preparation(|text, _| Some(text.to_owned()));
        let mut login = login.with_nonce(NONCE).expect("a good nonce");
        let list = "+OK\r\nSASL PLAIN SCRAM-SHA-256\r\nUSER\r\n.\r\n";
        let script = [c("CAPA", list), c("USER user", "-ERR no\r\n")];
        let (outcome, _) = drive(&mut session, |session| login.step(session), &script);
        let Err(LoginError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(refused.method, Method::UserPass);
    }
}

/// RLOGIN-1.01: names of 64 characters and more are not for LOGIN; another method may have them.
#[test]
fn a_long_name_is_not_for_login() {
    let name = "x".repeat(64);
    let credentials = || {
        let password = Password::new("pencil").expect("printable");
        Credentials::password(mailbox(&name), password)
    };
    let user = format!("USER {name}");
    let script = [c("CAPA", "+OK\r\nSASL LOGIN\r\nUSER\r\n.\r\n"), c(&user, "-ERR no\r\n")];
    let log_in = |choice, script: &[Line<'_>]| {
        log_in(Security::Implicit, Channel::Tls, credentials(), choice, script)
    };
    let Err(LoginError::Refused(refused)) = log_in(Choice::Best, &script) else { panic!("in") };
    assert_eq!(refused.method, Method::UserPass);
    let method = Method::Sasl(MechanismName::LOGIN);
    let error = LoginError::Unfit { method, reason: Unfit::TooLong };
    assert_eq!(log_in(Choice::Only(method), &script[..1]), Err(error));
}

fn by_mechanism(script: &[Line<'_>]) -> Result<Method, LoginError> {
    let mut session = session(Security::Implicit, Channel::Tls);
    let plain = Plain::new(None, "user", Secret::new(*b"pencil")).expect("a name");
    let mut login = Login::with_mechanism(&session, Box::new(plain));
    assert_eq!(login.method(), None, "it is not known yet whether the server has it");
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), script);
    assert_eq!(surplus, [""; 0]);
    assert_eq!(login.method().is_some(), !matches!(outcome, Err(LoginError::NoMethod { .. })));
    outcome
}

/// R5034-3.01: a mechanism of the caller's own is tried where the server lists it or lists none, and nowhere else.
#[test]
fn a_mechanism_of_the_callers_own() {
    let method = Method::Sasl(MechanismName::PLAIN);
    let capa = c("CAPA", "+OK\r\nSASL LOGIN PLAIN\r\n.\r\n");
    assert_eq!(by_mechanism(&[capa, c(PLAIN_IR, "+OK in\r\n"), capa]), Ok(method));
    for none in ["-ERR what?\r\n", "+OK\r\nTOP\r\n.\r\n"] {
        let refused = by_mechanism(&[c("CAPA", none), c("AUTH PLAIN", "-ERR\r\n")]);
        assert!(matches!(refused, Err(LoginError::Refused(_))), "{none}: {refused:?}");
    }
    let others = c("CAPA", "+OK\r\nSASL LOGIN\r\n.\r\n");
    let announced = vec![MechanismName::LOGIN];
    assert_eq!(by_mechanism(&[others]), Err(LoginError::NoMethod { announced }));
}

/// I10: what a mechanism of the caller's own holds is not known here, so that no text may be shown; where the server
/// says nothing, nothing is withheld and nothing is made up.
#[test]
fn no_text_is_shown_behind_a_mechanism_of_the_callers_own() {
    let capa = c("CAPA", "+OK\r\nSASL PLAIN\r\n.\r\n");
    for (reply, shown, says) in [
        (
            "-ERR no\r\n",
            false,
            "the server refused the login by PLAIN, with a text that is withheld: it may echo a credential",
        ),
        ("-ERR\r\n", true, "the server refused the login by PLAIN"),
    ] {
        let Err(LoginError::Refused(refused)) = by_mechanism(&[capa, c(PLAIN_IR, reply)]) else {
            panic!("in")
        };
        assert_eq!((refused.may_be_shown(), &*refused.to_string()), (shown, says));
    }
}

/// The server's answer to `*` says nothing about the login: why it was given up does.
#[test]
fn a_login_that_was_given_up_says_why() {
    let script = [
        c("CAPA", "+OK\r\nSASL LOGIN\r\n.\r\n"),
        c("AUTH LOGIN", "+ no base64\r\n"),
        c("*", "-ERR cancelled\r\n"),
    ];
    let mut session = ClientSession::new(ClientConfig::strict(Security::Implicit), Channel::Tls);
    session.receive(GREETING.as_bytes());
    let mut login = Login::new(&session, password("pencil"), Choice::Best);
    let (outcome, _) = drive(&mut session, |session| login.step(session), &script);
    let Err(LoginError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refused.cancelled, Some(CancelReason::MalformedChallenge));
    assert_eq!(
        refused.to_string(),
        "the login by LOGIN was given up: the server's challenge is malformed"
    );
}

/// What a server had to be forgiven is told before the step goes on.
#[test]
fn what_is_forgiven_is_told() {
    let mut session = ClientSession::new(ClientConfig::new(Security::Implicit), Channel::Tls);
    session.receive(b"+ok ready\r\n");
    let mut opening = Opening::new(UseStls::Never);
    assert_eq!(opening.step(&mut session), Ok(Step::Deviation(Deviation::StatusCase)));
    assert_eq!(opening.step(&mut session), Ok(Step::Done(())));
}

/// B9: an STLS that the caller had sent leads to TLS as well.
#[test]
fn an_stls_of_the_callers_own() {
    let mut session = session(Security::StlsRequired, Channel::Clear);
    while session.poll_event().expect("a greeting").is_some() {}
    session.send(&Command::Stls).expect("it is its turn");
    let sent = session.outgoing().remaining();
    session.outgoing().advance(sent);
    session.receive(b"+OK begin\r\n");
    let mut opening = Opening::new(UseStls::Required);
    let (outcome, surplus) = drive(&mut session, |session| opening.step(session), &[TLS]);
    assert_eq!((outcome, surplus), (Ok(()), vec![]));
}

/// R2449-5.02: what the session has asked for before is not asked for twice.
#[test]
fn a_list_that_is_known_is_not_asked_for() {
    let mut session = session(Security::StlsRequired, Channel::Clear);
    while session.poll_event().expect("a greeting").is_some() {}
    session.send(&Command::Capa).expect("it is its turn");
    let sent = session.outgoing().remaining();
    session.outgoing().advance(sent);
    session.receive(b"+OK\r\nSTLS\r\n.\r\n");
    while session.poll_event().expect("a list").is_some() {}
    let mut opening = Opening::new(UseStls::Required);
    let script = [c("STLS", "+OK begin\r\n"), TLS];
    let (outcome, surplus) = drive(&mut session, |session| opening.step(session), &script);
    assert_eq!((outcome, surplus), (Ok(()), vec![]));
}

/// R5802-2.2.01: neither the name nor the password is said where its preparation prohibits it; the next method may have
/// both.
#[cfg(feature = "scram")]
#[test]
fn what_its_preparation_prohibits_is_not_for_scram() {
    let as_query = (|text, kind| (kind == PreparedAs::Query).then(|| text.into())) as Preparation;
    let as_stored = (|text, kind| (kind == PreparedAs::Stored).then(|| text.into())) as Preparation;
    for prepare in [as_query, as_stored] {
        let log_in = |choice| {
            let mut session = session(Security::Implicit, Channel::Tls);
            let secret = Password::opaque("p\u{e4}ss".as_bytes()).expect("a password");
            let credentials = Credentials::password(mailbox("user"), secret);
            let login = Login::new(&session, credentials, choice).with_preparation(prepare);
            let mut login = login.with_nonce(NONCE).expect("a good nonce");
            let script = [c("CAPA", "+OK\r\nSASL SCRAM-SHA-256 PLAIN\r\n.\r\n")];
            drive(&mut session, |session| login.step(session), &script)
        };
        let method = Method::Sasl(MechanismName::SCRAM_SHA_256);
        let error = LoginError::Unfit { method, reason: Unfit::Prohibited };
        assert_eq!(log_in(Choice::Only(method)), (Err(error), vec![]));
        assert_eq!(log_in(Choice::Best).1, ["AUTH PLAIN AHVzZXIAcMOkc3M="]);
    }
}
