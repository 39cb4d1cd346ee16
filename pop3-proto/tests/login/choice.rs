//! Which method is taken, and which is not.

use pop3_proto::client::{Channel, Choice, Login, LoginError, Method, Security, Unfit};
use pop3_proto::sasl::Plain;
use pop3_proto::state::State;
use pop3_proto::{MechanismName, Secret};

use crate::{Line, PLAIN_IR, c, drive, log_in, password, sasl, session};

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

pub(crate) fn by_mechanism(script: &[Line<'_>]) -> Result<Method, LoginError> {
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
