//! STLS within a login: asked for, stripped, refused, or the caller's own.

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, Choice, Credentials, Eof, LoginError, Method, Opening, ProtocolError, Security,
    SendError, Step, UseStls, Waiting,
};
use pop3_proto::{Command, MechanismName, Secret};

use crate::{Line, PLAIN_IR, TLS, c, drive, log_in, mailbox, password, sasl, session};

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
