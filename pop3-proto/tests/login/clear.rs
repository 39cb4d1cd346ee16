//! A login on a channel that begins in clear: what leaves before TLS, and what of the clear is used inside it.

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, Choice, ClientConfig, ClientSession, Credentials, Eof, Login, LoginError, Method,
    Security, Step, UseStls,
};
use pop3_proto::sasl::{ChannelBinding, Plain};
use pop3_proto::{Mailbox, MechanismName, Password, Secret};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{CANARY, GREETING, presets, shows_the_canary};

fn mailbox() -> Mailbox {
    Mailbox::new("mrose").unwrap()
}

fn credentials() -> Vec<Credentials> {
    let authorization = Some(Mailbox::new("shared").unwrap());
    let password = Password::new(CANARY).unwrap();
    let opaque = Password::opaque(format!("{CANARY}\u{e4}").as_bytes()).unwrap();
    vec![
        Credentials::password(mailbox(), password.clone()),
        Credentials::password(mailbox(), opaque),
        Credentials::Password {
            mailbox: mailbox(),
            password,
            authorization: authorization.clone(),
        },
        Credentials::Token { mailbox: mailbox(), token: Secret::new(CANARY) },
        Credentials::Certificate { authorization },
        Credentials::Anonymous { trace: String::from("trace") },
    ]
}

fn methods() -> Vec<Method> {
    let names = [
        MechanismName::SCRAM_SHA_256_PLUS,
        MechanismName::SCRAM_SHA_1_PLUS,
        MechanismName::SCRAM_SHA_256,
        MechanismName::SCRAM_SHA_1,
        MechanismName::CRAM_MD5,
        MechanismName::PLAIN,
        MechanismName::LOGIN,
        MechanismName::OAUTHBEARER,
        MechanismName::XOAUTH2,
        MechanismName::EXTERNAL,
        MechanismName::ANONYMOUS,
    ];
    names.into_iter().map(Method::Sasl).chain([Method::UserPass, Method::Apop]).collect()
}

fn choices() -> Vec<Choice> {
    let only = methods().into_iter().map(Choice::Only);
    let weakest_first = methods().into_iter().rev().collect();
    only.chain([Choice::Best, Choice::FirstOf(weakest_first), Choice::FirstOf(Vec::new())])
        .collect()
}

/// Every login that there is; `None` stands for one by a mechanism of the caller's own.
fn logins() -> Vec<Option<(Credentials, Choice)>> {
    let chosen = credentials()
        .into_iter()
        .flat_map(|of| choices().into_iter().map(move |choice| Some((of.clone(), choice))));
    chosen.chain([None]).collect()
}

/// What came of a login.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// What left before TLS.
    clear: Vec<u8>,
    /// What left inside it, if it came to that.
    inside: Option<Vec<u8>>,
    end: Result<Method, LoginError>,
    /// What the session knows at the end.
    known: String,
}

/// Drives a login; the server says one of `replies` when it was sent something or has nothing left to say, in pieces.
fn log_in(
    config: ClientConfig,
    how: Option<&(Credentials, Choice)>,
    stls: Option<UseStls>,
    replies: &[Vec<u8>],
    reads: &[usize],
) -> Outcome {
    let mut session = ClientSession::new(config, Channel::Clear);
    let mut login = if let Some((credentials, choice)) = how {
        Login::new(&session, credentials.clone(), choice.clone())
    } else {
        let plain = Plain::new(None, "mrose", Secret::new(CANARY)).unwrap();
        Login::with_mechanism(&session, Box::new(plain))
    };
    login = login.with_nonce("fyko+d2lbbFgONRv9qkxdawL").unwrap();
    if let Some(stls) = stls {
        login = login.with_stls(stls);
    }
    let (mut clear, mut inside) = (Vec::new(), None);
    let (mut replies, mut sizes) = (replies.iter(), reads.iter().copied().cycle());
    let mut due = Vec::new();
    // Each step takes an octet or a reply at the least; deviations are told once for each kind and reply.
    for _ in 0..2000 {
        let end = match login.step(&mut session) {
            Ok(Step::Done(method)) => Ok(method),
            Err(error) => {
                assert_eq!(login.step(&mut session), Err(error.clone()), "an error is for good");
                Err(error)
            }
            Ok(Step::Deviation(_)) => continue,
            Ok(Step::StartTls) => {
                assert!(inside.is_none(), "TLS twice");
                assert!(!session.outgoing().has_remaining() && session.incoming().is_empty());
                due.clear();
                sizes = reads.iter().copied().cycle();
                session.tls_established().unwrap();
                login.bind(ChannelBinding::tls_exporter(&[7; 32]));
                inside = Some(Vec::new());
                continue;
            }
            Ok(Step::Exchange) => {
                let mut out = session.outgoing();
                let mut sent = vec![0; out.remaining()];
                out.copy_to_slice(&mut sent);
                if !sent.is_empty() || due.is_empty() {
                    match replies.next() {
                        Some(reply) => due.extend_from_slice(reply),
                        None if due.is_empty() => session.receive_eof(Eof::Clean),
                        None => {}
                    }
                }
                inside.as_mut().unwrap_or(&mut clear).extend_from_slice(&sent);
                let len = sizes.next().unwrap_or(usize::MAX).min(due.len());
                let taken = session.receive(&due[..len]);
                due.drain(..taken);
                continue;
            }
        };
        let known = format!(
            "{:?} {:?} {:?} {:?}",
            session.state(),
            session.capabilities(),
            session.waiting(),
            session.in_flight()
        );
        // What was queued and did not leave counts as if it had.
        let mut out = session.outgoing();
        let mut queued = vec![0; out.remaining()];
        out.copy_to_slice(&mut queued);
        inside.as_mut().unwrap_or(&mut clear).extend_from_slice(&queued);
        return Outcome { clear, inside, end, known };
    }
    panic!("the login does not end");
}

const CAPABILITIES: [&str; 11] = [
    "USER",
    "TOP",
    "PIPELINING",
    "UTF8 USER",
    "LANG",
    "SASL PLAIN LOGIN",
    "SASL CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256",
    "SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN",
    "SASL XOAUTH2 OAUTHBEARER EXTERNAL ANONYMOUS",
    "RESP-CODES",
    "AUTH-RESP-CODE",
];

/// A capability list; with STLS where `stls` says so.
fn capabilities(stls: impl Strategy<Value = bool>) -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(select(&CAPABILITIES[..]), 0..6);
    (lines, stls, 0..6_usize, select(vec!["+OK", "+OK capabilities", "+OK [SYS/TEMP] x"])).prop_map(
        |(mut lines, stls, at, status)| {
            if stls {
                lines.insert(at.min(lines.len()), "STLS");
            }
            let list: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
            format!("{status}\r\n{list}.\r\n").into_bytes()
        },
    )
}

fn said() -> impl Strategy<Value = Vec<u8>> {
    let plausible = select(vec![
        "+OK\r\n",
        "+OK Begin TLS\r\n",
        "+OK [AUTH] already logged in\r\n",
        "+OK <1896.697170952@dbc.mtview.ca.us>\r\n",
        "-ERR\r\n",
        "-ERR [AUTH] no\r\n",
        "-ERR [SYS/TEMP] later\r\n",
        "+ \r\n",
        "+\r\n",
        "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n",
        "+ VXNlcm5hbWU6\r\n",
        "+ =\r\n",
        "+ok\r\n",
        ".\r\n",
        "+OK\r\n+OK\r\n+OK\r\n",
        "+OK Begin TLS\r\n+OK\r\nSASL PLAIN\r\n.\r\n",
        "+OK Begin TLS\r\n-ERR closing\r\n",
        "+OK Begin TLS\n",
        "+OK",
        "\r",
        "\n",
    ]);
    prop_oneof![
        8 => plausible.prop_map(|said| said.as_bytes().to_vec()),
        6 => capabilities(prop::bool::weighted(0.7)),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(select(&b"+-OKER .\r\n"[..]), 0..20),
    ]
}

/// A greeting and what comes behind it: mostly in an order that leads somewhere.
fn replies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let greeting = prop_oneof![8 => Just(GREETING.to_vec()), 2 => said()];
    let list = prop_oneof![6 => capabilities(prop::bool::weighted(0.8)), 2 => said()];
    let begun = prop_oneof![4 => Just(b"+OK Begin TLS\r\n".to_vec()), 3 => said()];
    (greeting, list, begun, prop::collection::vec(said(), 0..8))
        .prop_map(|(greeting, list, begun, rest)| [vec![greeting, list, begun], rest].concat())
}

fn reads() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..9_usize, 9..80_usize], 0..4)
}

/// What a login says inside TLS, which it answers: the list, the replies to the method, the list after it.
fn inside() -> impl Strategy<Value = Vec<Vec<u8>>> {
    (capabilities(Just(false)), prop::collection::vec(said(), 0..6))
        .prop_map(|(list, rest)| [vec![list], rest].concat())
}

proptest! {
    /// I10, R2595-2.2.01, R6186-6.01, R8314-5.1.01, RFC 8314 §5.2, rows B1 to B8: before TLS nothing but CAPA, STLS and
    /// QUIT leaves, STLS once, whatever the server says, whoever logs in and how; and every login ends.
    #[test]
    fn nothing_of_a_login_leaves_in_clear(
        preset in 0..3_usize,
        security in select(vec![Security::Implicit, Security::StlsRequired, Security::StlsPreferred]),
        stls in select(vec![None, Some(UseStls::Required), Some(UseStls::IfOffered), Some(UseStls::Never)]),
        replies in replies(),
        reads in reads(),
    ) {
        let mut config = presets()[preset];
        config.security = security;
        for how in logins() {
            let Outcome { clear, inside, end, .. } =
                log_in(config, how.as_ref(), stls, &replies, &reads);
            let shown = clear.escape_ascii().to_string();
            let lines: Vec<&[u8]> = clear.split_inclusive(|octet| *octet == b'\n').collect();
            prop_assert!(!shows_the_canary(&String::from_utf8_lossy(&clear)), "{shown}");
            for line in &lines {
                prop_assert!(matches!(*line, b"CAPA\r\n" | b"STLS\r\n" | b"QUIT\r\n"), "{how:?}: {shown}");
            }
            prop_assert!(lines.iter().filter(|line| **line == b"STLS\r\n").count() <= 1, "{shown}");
            prop_assert!(inside.is_some() || end.is_err(), "{how:?}: in without TLS");
            prop_assert!(inside.is_none() || lines.contains(&&b"STLS\r\n"[..]), "{shown}");
            if let Err(error) = end {
                prop_assert!(!shows_the_canary(&format!("{error:?} {error}")), "{error:?}");
            }
        }
    }

    /// I12, R2595-4.04, R5034-4.19: inside TLS a login says and comes to the same, whatever was announced in clear.
    #[test]
    fn a_login_uses_nothing_that_was_announced_in_clear(
        preset in 0..3_usize,
        list in capabilities(Just(true)),
        refused in prop::bool::weighted(0.1),
        script in inside(),
        reads in reads(),
    ) {
        let mut config = presets()[preset];
        config.security = Security::StlsRequired;
        let through = |list: &[u8]| {
            [vec![GREETING.to_vec(), list.to_vec(), b"+OK Begin TLS\r\n".to_vec()], script.clone()].concat()
        };
        // A server that knows no CAPA in clear may have it inside.
        let list = if refused { b"-ERR\r\n".to_vec() } else { list };
        for how in logins() {
            let plain = log_in(config, how.as_ref(), None, &through(b"+OK\r\nSTLS\r\n.\r\n"), &reads);
            let other = log_in(config, how.as_ref(), None, &through(&list), &reads);
            prop_assert!(other.inside.is_some(), "{:?}", other);
            prop_assert_eq!(plain, other, "{:?}", how);
        }
    }
}

/// R2595-2.2.02, R8314-5.2.05: where TLS is welcome and not required, it is used if it is offered, and only what does not
/// offer it is met in clear, by whoever allows that; what was offered and fails is no reason to go on without.
#[test]
fn tls_is_used_where_it_is_offered() {
    let list = |stls: &str| format!("+OK\r\n{stls}USER\r\n.\r\n").into_bytes();
    let ok = || b"+OK\r\n".to_vec();
    let how = (Credentials::password(mailbox(), Password::new("x").unwrap()), Choice::Best);
    for mut config in presets() {
        config.security = Security::PlaintextAllowed;
        let welcome = Some(UseStls::IfOffered);
        let outcome = |replies: &[Vec<u8>]| log_in(config, Some(&how), welcome, replies, &[]);
        let told = b"CAPA\r\nUSER mrose\r\nPASS x\r\nCAPA\r\n";
        let offers = [GREETING.to_vec(), list("STLS\r\n"), ok(), list(""), ok(), ok(), list("")];
        let offered = outcome(&offers);
        assert_eq!(offered.clear, b"CAPA\r\nSTLS\r\n");
        assert_eq!(
            (offered.inside.as_deref(), offered.end),
            (Some(&told[..]), Ok(Method::UserPass))
        );
        let silent = outcome(&[GREETING.to_vec(), list(""), ok(), ok(), list("")]);
        assert_eq!((&silent.clear[..], silent.inside), (&told[..], None));
        assert_eq!(silent.end, Ok(Method::UserPass));
        let script = [GREETING.to_vec(), list("STLS\r\n"), b"-ERR not now\r\n".to_vec()];
        let refused = outcome(&script);
        assert_eq!((&refused.clear[..], refused.inside), (&b"CAPA\r\nSTLS\r\n"[..], None));
        assert!(matches!(refused.end, Err(LoginError::StlsRefused(_))), "{:?}", refused.end);
    }
}

/// The checks above see what they are to see: inside TLS the credentials do leave, and in clear where they may.
#[test]
fn credentials_leave_where_they_may() {
    let list = b"+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN XOAUTH2 OAUTHBEARER\r\n.\r\n".to_vec();
    let ok = || b"+OK\r\n".to_vec();
    let (mut shown, mut in_clear) = (0, 0);
    for how in logins() {
        let mut config = presets()[1];
        config.security = Security::StlsRequired;
        let script =
            [GREETING.to_vec(), list.clone(), ok(), list.clone(), ok(), ok(), b"+ \r\n".to_vec()];
        let outcome = log_in(config, how.as_ref(), None, &script, &[]);
        assert_eq!(outcome.clear, b"CAPA\r\nSTLS\r\n");
        shown += usize::from(shows_the_canary(&String::from_utf8_lossy(&outcome.inside.unwrap())));
        config.security = Security::PlaintextAllowed;
        let script = [GREETING.to_vec(), list.clone(), ok(), ok(), ok()];
        let outcome = log_in(config, how.as_ref(), None, &script, &[]);
        in_clear += usize::from(shows_the_canary(&String::from_utf8_lossy(&outcome.clear)));
    }
    assert!(shown > 8 && in_clear > 8, "{shown} {in_clear}");
}
