//! What a login asks for, and what it waits for.

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, Choice, ClientSession, Login, Method, Opening, Security, UseStls,
};
use pop3_proto::sasl::Plain;
use pop3_proto::{Capabilities, Command, Expiry, MechanismName, Secret};

use crate::{PLAIN_IR, TLS, c, drive, password, session};

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
