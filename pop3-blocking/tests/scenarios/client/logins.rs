//! Greetings and logins.

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::client::{Eof, ProtocolError, Security, SendError};
use pop3_blocking::pop3_proto::{KnownCode, ResponseCode};

use super::{ENDS, Scenario, opens, unexpected_end};
use crate::scenarios::{Call, does, fails, is, talk};
use crate::support::{Act, expect, send, surplus};

/// R1939-3.11, H4, H5: what is no greeting, and a greeting that never ends.
pub(crate) fn greetings_that_are_none() -> Vec<Scenario> {
    [
        (
            send("-ERR [SYS/PERM] closed\r\n"),
            fails!(Error::Refused(response) if response.code().is_some()),
        ),
        (send("* OK IMAP4rev1\r\n"), fails!(Error::Protocol(ProtocolError::NotAGreeting { .. }))),
        (
            surplus("x".repeat(100_000)),
            fails!(Error::Protocol(ProtocolError::LineTooLong { limit: 8192 })),
        ),
        (surplus("+OK ready\n"), fails!(Error::Protocol(ProtocolError::BareLineFeed))),
        (Act::Close, unexpected_end(Eof::Clean)),
        (Act::Reset, unexpected_end(Eof::Abrupt)),
    ]
    .into_iter()
    .map(|(act, seen)| {
        let mut name = format!("{act:?}");
        name.truncate(80);
        Scenario::new(name, vec![act], vec![does(Call::Open, [seen])])
    })
    .collect()
}

/// R1939-3.09: a refused login leaves AUTHORIZATION; its code counts only if announced.
pub(crate) fn a_refused_login_gives_the_client_back() -> Vec<Scenario> {
    let mut script = vec![send("+OK\r\n")];
    script.extend(talk(&[
        ("USER a\r\n", "+OK\r\n"),
        ("PASS b\r\n", "-ERR [AUTH] wrong\r\n"),
        ("USER a\r\n", "+OK\r\n"),
        ("PASS c\r\n", "+OK\r\n"),
        ("QUIT\r\n", "+OK\r\n"),
    ]));
    let refused = fails!(
        error if !error.is_auth() && error.response().is_some_and(|response| {
            response.code().and_then(ResponseCode::known) == Some(KnownCode::Auth)
        })
    );
    let steps = vec![
        opens(),
        does(Call::UserPass("a", "b"), [refused]),
        does(Call::UserPass("a", "c"), [is("USER")]),
        does(Call::Quit, [is("deletions were committed")]),
    ];
    let mut scenarios = vec![Scenario::new("the second time", script, steps)];
    for (end, eof) in ENDS {
        let script = vec![send("+OK\r\n"), expect("USER a\r\n"), end.clone()];
        let steps = vec![opens(), does(Call::UserPass("a", "b"), [unexpected_end(eof)])];
        scenarios.push(Scenario::new(format!("{end:?} in a login"), script, steps));
    }
    scenarios
}

/// I14: the best that is announced, or a mechanism of the caller's own.
pub(crate) fn a_login_by_auth() -> Vec<Scenario> {
    [Call::Login("mrose", "x"), Call::OwnPlain("mrose", "x")]
        .map(|login| {
            let mut script = vec![send("+OK\r\n")];
            script.extend(talk(&[
                ("CAPA\r\n", "+OK\r\nSASL PLAIN\r\n.\r\n"),
                ("AUTH PLAIN AG1yb3NlAHg=\r\n", "+OK\r\n"),
                ("CAPA\r\n", "+OK\r\nUIDL\r\n.\r\n"),
                ("STAT\r\n", "+OK 0 0\r\n"),
            ]));
            let name = format!("{login:?}");
            let steps = vec![opens(), does(login, [is("PLAIN")]), does(Call::Stat, [is("0 0")])];
            Scenario::new(name, script, steps)
        })
        .into()
}

/// R1939-13.01, R8314-5.2.02: no credential leaves in clear unless the caller says so.
pub(crate) fn no_password_leaves_in_clear_by_default() -> Vec<Scenario> {
    [Security::Implicit, Security::StlsRequired, Security::StlsPreferred]
        .map(|security| {
            let refused = fails!(Error::Send(SendError::NotProtected { .. }));
            let steps = vec![opens(), does(Call::UserPass("a", "b"), [refused])];
            let scenario = Scenario::new(format!("{security:?}"), vec![send("+OK\r\n")], steps);
            scenario.with(|scenario| scenario.config.security = security)
        })
        .into()
}
