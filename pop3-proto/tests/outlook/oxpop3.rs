//! What MS-OXPOP3 and its sister MS-POP3 say of a session: NTLM within AUTH, how one asks for it, and the sizes that
//! Exchange tells.

use pop3_proto::server::{Event, ServerConfig, ServerSession};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Base64, Command, CommandError, KnownCode, MechanismName};

use crate::server_support::{self, Dialogue, PLAIN, greeted, say, text, written};
use crate::support::{
    GREETED, GREETING, Run, Step, auth, expect, expect_in_transaction, presets, s,
};

// How the three messages of NTLM begin, which is no business of a session's.
const NEGOTIATE: &str = "TlRMTVNTUAABAAAA";
const CHALLENGE: &str = "TlRMTVNTUAACAAAA";
const AUTHENTICATE: &str = "TlRMTVNTUAADAAAA";

/// A server whose caller has NTLM.
fn server() -> ServerSession {
    let mut config = ServerConfig::new();
    config.mechanisms = vec![MechanismName::NTLM];
    greeted(config)
}

/// What comes of one line.
fn told(session: &mut ServerSession, line: &str) -> Event {
    say(session, format!("{line}\r\n").as_bytes());
    session.poll_event().expect("an event")
}

fn response(text: &str) -> Event {
    Event::SaslResponse(Base64::new(text).unwrap())
}

fn asks(mechanism: MechanismName) -> Event {
    Event::Command(Command::Auth { mechanism, initial: None })
}

/// An exchange in which the server has challenged so often.
fn challenged(rounds: usize) -> ServerSession {
    let mut session = server();
    assert_eq!(told(&mut session, "AUTH NTLM"), asks(MechanismName::NTLM));
    session.challenge(&Base64::empty()).unwrap();
    assert_eq!(written(&mut session), b"+ \r\n");
    if rounds > 0 {
        assert_eq!(told(&mut session, NEGOTIATE), response(NEGOTIATE));
        session.challenge(&Base64::new(CHALLENGE).unwrap()).unwrap();
        assert_eq!(written(&mut session), format!("+ {CHALLENGE}\r\n").as_bytes());
    }
    session
}

/// OX-14, ROXPOP3-3.2.5.01: `AUTH NTLM` is answered `+`, a space and nothing else, and the exchange is on; where there is
/// no NTLM it is answered `-ERR`, and there is none.
#[test]
fn ntlm_is_begun_or_refused() {
    let mut session = challenged(0);
    assert_eq!(told(&mut session, "QUIT"), response("QUIT"), "no command inside the exchange");
    let mut config = ServerConfig::new();
    config.mechanisms = vec![MechanismName::PLAIN];
    for line in ["AUTH NTLM", "auth ntlm"] {
        let mut session = greeted(config.clone());
        let refused = Event::Rejected(CommandError::Mechanism);
        assert_eq!(told(&mut session, line), refused);
        session.reject().unwrap();
        assert_eq!(written(&mut session), b"-ERR mechanism not supported\r\n");
        let seen = Dialogue::hold(&mut session, &[format!("AUTH PLAIN {PLAIN}\r\n").as_bytes()]);
        assert_eq!(seen.state, Some(State::Transaction));
    }
}

/// OX-15, OX-16, OX-17, OX-18, OX-19, ROXPOP3-3.2.5.02: what the client says is handed over as it was encoded, what NTLM
/// says to it is a challenge, and its outcome `+OK` or `-ERR`, after which the exchange is over.
#[test]
fn ntlm_goes_on_until_it_has_an_outcome() {
    type Outcome = fn(&mut ServerSession);
    let outcomes: [(Outcome, &str, State); 3] = [
        (
            |session| session.authenticated(&text("User successfully logged on")).unwrap(),
            "+OK User successfully logged on\r\n",
            State::Transaction,
        ),
        (
            |session| session.authentication_failed().unwrap(),
            "-ERR [AUTH] authentication failed\r\n",
            State::Authorization,
        ),
        (
            |session| session.err(Some(KnownCode::SysTemp), &text("no domain")).unwrap(),
            "-ERR [SYS/TEMP] no domain\r\n",
            State::Authorization,
        ),
    ];
    for (outcome, line, state) in outcomes {
        for rounds in 0..2 {
            let mut session = challenged(rounds);
            assert_eq!(told(&mut session, AUTHENTICATE), response(AUTHENTICATE));
            #[cfg(feature = "sasl")]
            assert_eq!(
                Base64::new(AUTHENTICATE).unwrap().decode().unwrap().expose(),
                b"NTLMSSP\0\x03\0\0\0"
            );
            outcome(&mut session);
            assert_eq!(written(&mut session), line.as_bytes());
            assert_eq!(session.state(), state);
            let command = match state {
                State::Transaction => Event::Command(Command::Stat),
                _ => Event::Rejected(CommandError::WrongState(Keyword::Stat)),
            };
            assert_eq!(told(&mut session, "STAT"), command, "the exchange is over");
        }
    }
}

/// OX-20, ROXPOP3-3.2.5.03: `*` is answered `-ERR` at either challenge, and the exchange is over.
#[test]
fn ntlm_is_cancelled() {
    for rounds in 0..2 {
        let mut session = challenged(rounds);
        assert_eq!(told(&mut session, "*"), Event::SaslCancelled);
        assert_eq!(written(&mut session), b"-ERR authentication cancelled\r\n");
        assert_eq!(session.state(), State::Authorization);
        assert_eq!(told(&mut session, "AUTH NTLM"), asks(MechanismName::NTLM));
    }
}

/// OX-21, ROXPOP3-3.2.5.04: what cannot be a message of NTLM where one is due ends the exchange, and is no command either.
#[test]
fn what_ntlm_does_not_expect_ends_it() {
    for rounds in 0..2 {
        for line in ["STAT 1", "USER alice", "AUTH NTLM", "+ TlRMTVNTUAADAAAA", "%", " ", "= "] {
            let mut session = challenged(rounds);
            assert_eq!(told(&mut session, line), Event::Rejected(CommandError::Base64));
            session.reject().unwrap();
            assert_eq!(written(&mut session), b"-ERR not base64\r\n", "{line}");
            assert_eq!(session.state(), State::Authorization);
            assert_eq!(told(&mut session, "AUTH NTLM"), asks(MechanismName::NTLM));
        }
    }
}

/// OX-06, ROXPOP3-3.1.5.03: `-ERR` to `AUTH NTLM` ends it before it began: nothing more is said of it, and any other login
/// may follow.
#[test]
fn a_refusal_of_ntlm_ends_it() {
    for config in presets() {
        let script = [s(GREETING), Step::C(auth("NTLM", None)), s("-ERR no NTLM\r\n")];
        let mut run = expect(config, &script, &[GREETED, "#0 completed - \"no NTLM\""]);
        assert_eq!(run.sent, b"AUTH NTLM\r\n");
        assert_eq!(run.session.state(), State::Authorization);
        assert!(run.answer(NEGOTIATE).is_err());
        run.send(&auth("PLAIN", Some(PLAIN))).unwrap();
        run.feed(b"+OK in\r\n");
        assert_eq!(run.session.state(), State::Transaction);
    }
}

/// OX-04, RMSPOP3-2.2.1.01: AUTH with a space and nothing behind it asks for the mechanisms, `-ERR` means that nobody
/// knows, and neither changes anything; a server answers.
#[test]
fn mechanisms_may_be_asked_for() {
    let ask = Command::Mechanisms { trailing_space: true };
    for config in presets() {
        let before = Run::greeted(config).picture();
        for (reply, told) in [
            (
                "+OK\r\nNTLM\r\nPLAIN\r\n.\r\n",
                &["#0 started + \"\"", "#0 mechanism NTLM", "#0 mechanism PLAIN", "#0 finished"][..],
            ),
            ("-ERR what?\r\n", &["#0 completed - \"what?\""]),
        ] {
            let script = [s(GREETING), Step::C(ask.clone()), s(reply)];
            let mut run = expect(config, &script, &[&[GREETED], told].concat());
            assert_eq!(run.sent, b"AUTH \r\n");
            assert_eq!(run.picture(), before, "it changes nothing");
            run.send(&auth("NTLM", None)).unwrap();
        }
    }
    let mut session = server();
    let seen = Dialogue::hold(&mut session, &[b"AUTH \r\n"]);
    assert_eq!(seen.output, "+OK mechanism list follows\r\nNTLM\r\n.\r\n");
    assert_eq!(seen.state, Some(State::Authorization));
    assert_eq!(told(&mut session, "AUTH NTLM"), asks(MechanismName::NTLM));
}

/// OX-26: the octets that LIST and RETR tell may be those of another form of the message: it ends where its end is, before
/// them or behind them.
#[test]
fn sizes_that_are_not_those_of_the_message() {
    for config in presets() {
        for octets in [0, 1, 5, 6, 7, 4_000_000_000_u64] {
            let script = [
                Step::C(Command::List(Some(server_support::number(1)))),
                s(format!("+OK 1 {octets}\r\n")),
                Step::C(Command::Retr(server_support::number(1))),
                s(format!("+OK {octets} octets\r\none\r\n.\r\n")),
                Step::C(Command::Noop),
                s("+OK\r\n"),
            ];
            let started = format!("#3 started + \"{octets} octets\"");
            let (scan, size) =
                (format!("#2 scan 1 {octets}"), format!("#2 completed + \"1 {octets}\""));
            expect_in_transaction(
                config,
                &script,
                &[
                    &scan,
                    &size,
                    &started,
                    "#3 data \"one\\r\\n\"",
                    "#3 finished",
                    "#4 completed + \"\"",
                ],
            );
        }
    }
}
