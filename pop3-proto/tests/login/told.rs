//! What is told of a login that failed, and what is not.

use bytes::Buf as _;
use pop3_proto::client::{
    CancelReason, Channel, Choice, ClientConfig, ClientSession, Credentials, Eof, Login,
    LoginError, Method, Opening, Security, Step, UseStls,
};
use pop3_proto::{Deviation, MechanismName, Secret};

use crate::choice::by_mechanism;
use crate::{GREETING, PLAIN_IR, c, drive, log_in, mailbox, password, session};

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
