//! What a method can say of a name, a password or a nonce, and what it cannot.

use pop3_proto::client::{
    Channel, Choice, ClientConfig, ClientSession, Credentials, Login, LoginError, Method, Security,
    Unfit,
};
use pop3_proto::{InvalidValue, MechanismName, Password};

use crate::{
    GREETING, Line, NONCE, PLAIN_IR, c, drive, in_utf8, log_in, mailbox, password, session,
};

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
