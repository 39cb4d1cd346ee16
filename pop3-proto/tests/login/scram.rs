//! A login by SCRAM.

use pop3_proto::client::{
    Channel, Choice, Credentials, Login, LoginError, Method, ProtocolError, Security, Unfit,
};
use pop3_proto::sasl::ChannelBinding;
use pop3_proto::sasl::Preparation;
use pop3_proto::sasl::PreparedAs;
use pop3_proto::{MechanismName, Password};

use crate::{Line, NONCE, c, drive, log_in, mailbox, password, sasl, session};

/// R5802-2.2.01: what is not ASCII is prepared or not said.
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

/// RFC 5802 §5, R5034-4.23, R5802-4.01, R5802-5.01, R5802-6.01.
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

/// R5802-2.2.01: neither the name nor the password is said where its preparation prohibits it; the next method may have
/// both.
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
