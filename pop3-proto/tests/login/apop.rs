//! A login by APOP.

use pop3_proto::Password;
use pop3_proto::client::{
    Channel, Choice, Credentials, Login, LoginError, Method, Security, Unfit,
};
use pop3_proto::sasl::Preparation;
use pop3_proto::sasl::PreparedAs;

use crate::{c, drive, in_utf8, log_in, mailbox, password, session};

/// R1939-7.03: the digest is of the timestamp and the secret.
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

/// R6856-2.2.01: what is not ASCII is prepared for APOP, the name as a query and the secret as a stored string, or not
/// said; nor is it to a server that does not announce that it takes it.
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
