//! AUTH and APOP: what is offered, how an exchange goes and how it ends, and what is left of it.

use pop3_proto::client::{Channel, Eof};
use pop3_proto::server::{ConfigError, Event, RespondError, ServerConfig, ServerSession, Waiting};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{ApopTimestamp, Base64, Command, CommandError, KnownCode, MechanismName, Text};

use crate::server_support::*;

const CANCELLED: &str = "-ERR authentication cancelled\r\n";
const FAILED: &str = "-ERR [AUTH] authentication failed\r\n";
const OPEN: &str = "+OK maildrop locked and ready\r\n";

fn config() -> ServerConfig {
    let mut config = ServerConfig::new();
    config.mechanisms = vec![MechanismName::CRAM_MD5, MechanismName::PLAIN];
    config
}

/// What comes of `input`, however it is cut, without the greeting.
fn dialogue(config: &ServerConfig, input: &str) -> Dialogue {
    Dialogue::however_cut(|| greeted(config.clone()), input.as_bytes())
}

fn base64(text: &str) -> Base64 {
    Base64::new(text).expect("base64")
}

/// RFC 5034 §6, RFC 2195 §2, R5034-4.02, R5034-4.03, R5034-4.04, R5034-4.27, R5034-4.30, R5034-5.01, R1734-2.01: with
/// an initial response, with an empty challenge, with a challenge; mechanisms in any case. OX-14 to OX-17.
#[test]
fn an_exchange_ends_in_transaction() {
    for (input, output) in [
        (format!("AUTH PLAIN {PLAIN}\r\n"), OPEN.to_owned()),
        (format!("auth plain {PLAIN}\r\n"), OPEN.to_owned()),
        (format!("AUTH PLAIN\r\n{PLAIN}\r\n"), format!("+ \r\n{OPEN}")),
        (format!("AUTH CRAM-MD5\r\n{PLAIN}\r\n"), format!("+ {CHALLENGE}\r\n{OPEN}")),
        (
            format!("AUTH Cram-Md5\r\nAQ==\r\n{PLAIN}\r\nSTAT\r\n"),
            format!("+ {CHALLENGE}\r\n+ AQ==\r\n{OPEN}+OK 2 320\r\n"),
        ),
    ] {
        let seen = dialogue(&config(), &input);
        assert_eq!(seen.output, output, "{input}");
        assert_eq!(seen.state, Some(State::Transaction));
    }
}

/// R5034-4.01, R5034-4.05: an empty response is an empty line, an empty initial response is `=`, and they
/// are told from none.
#[test]
fn an_empty_response_is_one() {
    let seen = dialogue(&config(), "AUTH PLAIN =\r\n");
    let auth = |initial| Command::Auth { mechanism: MechanismName::PLAIN, initial };
    assert_eq!(seen.events, [Event::Command(auth(Some(Base64::empty())))]);
    let seen = dialogue(&config(), "AUTH PLAIN\r\n\r\n");
    assert_eq!(seen.events, [Event::Command(auth(None)), Event::SaslResponse(Base64::empty())]);
    assert_eq!(seen.output, format!("+ \r\n{FAILED}"));
}

/// R5034-4.26, R5034-4.33, OX-20: `*` ends the exchange, and nothing is left of it.
#[test]
fn a_star_cancels() {
    for start in ["AUTH PLAIN\r\n*\r\n", "AUTH CRAM-MD5\r\nAQ==\r\n*\r\n"] {
        let seen = dialogue(&config(), &format!("{start}USER alice\r\nPASS {PASSWORD}\r\n"));
        assert!(seen.events.contains(&Event::SaslCancelled));
        let end = format!("{CANCELLED}+OK password, please\r\n{OPEN}");
        assert!(seen.output.ends_with(&end), "{}", seen.output);
    }
}

/// I18, S14.6: cancelled exchanges are counted as failed logins, together with those that failed.
#[test]
fn cancelled_exchanges_are_borne_so_often() {
    let seen = dialogue(&config(), &"AUTH PLAIN\r\n*\r\n".repeat(20));
    assert_eq!(seen.output, format!("+ \r\n{CANCELLED}").repeat(3));
    assert_eq!(seen.events.last(), Some(&Event::Closed { commit: false }));
    let mixed = "AUTH PLAIN AAAA\r\nAUTH PLAIN\r\n*\r\nUSER a\r\nPASS b\r\nUSER a\r\n";
    let seen = dialogue(&config(), mixed);
    let output = format!("{FAILED}+ \r\n{CANCELLED}+OK password, please\r\n{FAILED}");
    assert_eq!(seen.output, output);
    assert_eq!(seen.state, Some(State::Closed));
}

/// R5034-4.01, R5034-4.06, R5034-4.07, R5034-4.29, R5034-4.33, R5034-5.02, I16, I17, OX-21: what is no base64 ends the
/// exchange; a line of it is never a command, not even QUIT; the state is AUTHORIZATION and another login is as good as
/// the first.
#[test]
fn what_is_no_base64_ends_the_exchange() {
    for line in [
        "%%%", "%%%%", "QU-_", "QU D", "QU\tD", "=", "====", "=AAA", "AAA=BBB", "AAA=BBBB", "A=AA",
        "QUI", "A", "AQ== ", " AQ==", "* ", "**", "\t",
    ] {
        let input = format!("AUTH PLAIN\r\n{line}\r\nAUTH PLAIN {PLAIN}\r\n");
        let seen = dialogue(&config(), &input);
        assert_eq!(seen.rejected(), [CommandError::Base64], "{line}");
        assert_eq!(seen.output, format!("+ \r\n-ERR not base64\r\n{OPEN}"));
    }
    // These are.
    for line in ["QUIT", "STLS", "USER", "CAPA", "STAT"] {
        let seen = dialogue(&config(), &format!("AUTH PLAIN\r\n{line}\r\n"));
        assert_eq!(seen.events.last(), Some(&Event::SaslResponse(base64(line))));
        assert_eq!(
            (seen.output, seen.state),
            (format!("+ \r\n{FAILED}"), Some(State::Authorization))
        );
    }
    for line in ["NOOP x", "USER alice", "AUTH PLAIN", "\0\0\0\0", "\u{e4}"] {
        let seen = dialogue(&config(), &format!("AUTH PLAIN\r\n{line}\r\n"));
        assert_eq!(seen.rejected(), [CommandError::Base64], "{line}");
    }
    for initial in ["=AAA", "AAA=BBB", "AAA=BBBB", "==", "%%%%", "QU-_", "A", "AQ==  ", "AQ== AQ=="]
    {
        let seen = dialogue(&config(), &format!("AUTH PLAIN {initial}\r\n"));
        assert_eq!(seen.rejected(), [CommandError::Arguments(Keyword::Auth)], "{initial}");
    }
}

/// R5034-4.25, OX-14, I16: a mechanism that is not offered is refused, and not as an unknown command.
#[test]
fn another_mechanism_is_refused() {
    for line in ["AUTH NTLM", "AUTH NTLM AQ==", "AUTH X", "AUTH PLAIN-PLUS ="] {
        let seen = dialogue(&config(), &format!("{line}\r\nAUTH PLAIN {PLAIN}\r\n"));
        assert_eq!(seen.rejected(), [CommandError::Mechanism], "{line}");
        assert_eq!(seen.output, format!("-ERR mechanism not supported\r\n{OPEN}"));
    }
}

/// R5034-4.28: the caller refuses an initial response for a mechanism that speaks first.
#[test]
fn an_initial_response_may_be_refused() {
    let seen = dialogue(&config(), "AUTH CRAM-MD5 AQ==\r\n");
    assert_eq!(seen.output, "-ERR the server speaks first\r\n");
    assert_eq!(seen.state, Some(State::Authorization));
}

/// R5034-4.24, R4422-3.8.01, R1939-7.16: after login, and between USER and PASS, there is no AUTH and
/// no APOP.
#[test]
fn nobody_logs_in_twice() {
    let mut config = config();
    config.apop = true;
    let new = || {
        let timestamp = ApopTimestamp::new("<1@a>").expect("a msg-id");
        ServerSession::with_timestamp(config.clone(), Channel::Tls, text("ready"), timestamp)
            .expect("ways to log in")
    };
    for before in [format!("AUTH PLAIN {PLAIN}\r\n"), "USER alice\r\n".to_owned()] {
        for (line, keyword) in [
            (format!("AUTH PLAIN {PLAIN}\r\n"), Keyword::Auth),
            ("AUTH PLAIN\r\n".to_owned(), Keyword::Auth),
            (format!("APOP alice {DIGEST}\r\n"), Keyword::Apop),
        ] {
            let seen = Dialogue::however_cut(new, [&*before, &*line].concat().as_bytes());
            assert_eq!(seen.rejected(), [CommandError::WrongState(keyword)], "{before}{line}");
        }
    }
    let seen = dialogue(&config, &format!("AUTH PLAIN {PLAIN}\r\nAUTH\r\n"));
    assert_eq!(seen.rejected(), [CommandError::WrongState(Keyword::Auth)]);
}

/// R5034-3.04, R2449-5.04, `AUTH` and `AUTH `: mechanisms are listed in their order, by CAPA before and
/// after login.
#[test]
fn mechanisms_are_announced() {
    let capabilities = "+OK capability list follows\r\nTOP\r\nUSER\r\nSASL CRAM-MD5 PLAIN\r\nRESP-CODES\r\n\
                        AUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\n.\r\n";
    let seen = dialogue(&config(), &format!("CAPA\r\nAUTH PLAIN {PLAIN}\r\nCAPA\r\n"));
    assert_eq!(seen.output, format!("{capabilities}{OPEN}{capabilities}"));
    let seen = dialogue(&config(), "AUTH\r\nauth \r\n");
    let list = "+OK mechanism list follows\r\nCRAM-MD5\r\nPLAIN\r\n.\r\n";
    assert_eq!((seen.output, seen.events.len()), (list.repeat(2), 0));
    let mut strict = config();
    strict.leniency.auth_listing = false;
    let seen = dialogue(&strict, "AUTH\r\n");
    assert_eq!(seen.rejected(), [CommandError::Arguments(Keyword::Auth)]);
}

/// R5034-4.34, R4616-5.01, R7628-3.01, RLOGIN-1.02, R2595-2.3.01, R2595-6.01, R8314-4.1.01: in clear no credential is
/// taken, whatever it is, nor announced, and the answer does not depend on it.
#[test]
fn in_clear_there_is_no_way_in() {
    let mut config = config();
    config.mechanisms.extend([MechanismName::LOGIN, MechanismName::OAUTHBEARER]);
    (config.stls, config.apop) = (true, true);
    let new = |config: &ServerConfig| {
        let timestamp = ApopTimestamp::new("<1@a>").expect("a msg-id");
        ServerSession::with_timestamp(config.clone(), Channel::Clear, text("ready"), timestamp)
            .expect("STLS leads on")
    };
    for (line, keyword) in [
        ("USER alice\r\n".to_owned(), Keyword::User),
        (format!("APOP alice {DIGEST}\r\n"), Keyword::Apop),
        (format!("AUTH PLAIN {PLAIN}\r\n"), Keyword::Auth),
        ("AUTH PLAIN AAAA\r\n".to_owned(), Keyword::Auth),
        ("AUTH LOGIN\r\n".to_owned(), Keyword::Auth),
        ("AUTH OAUTHBEARER AAAA\r\n".to_owned(), Keyword::Auth),
        ("AUTH NTLM\r\n".to_owned(), Keyword::Auth),
    ] {
        let seen = Dialogue::however_cut(|| new(&config), line.as_bytes());
        assert_eq!(seen.rejected(), [CommandError::NotProtected(keyword)], "{line}");
        let output = "+OK ready <1@a>\r\n-ERR credentials are not accepted in clear\r\n";
        assert_eq!(seen.output, output);
    }
    let seen = Dialogue::however_cut(|| new(&config), b"CAPA\r\nAUTH\r\n");
    let output = "+OK ready <1@a>\r\n+OK capability list follows\r\nTOP\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n\
                  PIPELINING\r\nUIDL\r\nSTLS\r\n.\r\n+OK mechanism list follows\r\n.\r\n";
    assert_eq!(seen.output, output);
    config.plaintext = true;
    let input = format!("APOP alice {DIGEST}\r\n");
    let seen = Dialogue::however_cut(|| new(&config), input.as_bytes());
    assert_eq!(seen.state, Some(State::Transaction));
}

/// R2449-3.05, R1939-7.18, R1939-7.19, I4, C0009: the timestamp stands behind the greeting's text, goes into the digest
/// as it is, and is the one way in where it is the only one.
#[test]
fn apop_with_a_timestamp() {
    let mut config = ServerConfig::new();
    (config.user_pass, config.apop) = (false, true);
    let timestamp = ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").expect("a msg-id");
    let with = |config: &ServerConfig, greeting: &str| {
        let (config, timestamp) = (config.clone(), timestamp.clone());
        ServerSession::with_timestamp(config, Channel::Tls, text(greeting), timestamp)
    };
    let new = || with(&config, "POP3 server ready").expect("APOP is a way");
    assert_eq!(new().timestamp(), Some(&timestamp));
    let greeting = "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n";
    let input = format!("APOP mrose {DIGEST}\r\n");
    let seen = Dialogue::however_cut(new, input.as_bytes());
    assert_eq!(seen.output, format!("{greeting}{OPEN}"));
    let wrong = input.replace("22fb", "22fc").repeat(5);
    let seen = Dialogue::however_cut(new, wrong.as_bytes());
    assert_eq!(seen.output, format!("{greeting}{}", FAILED.repeat(3)));
    assert_eq!(seen.state, Some(State::Closed));

    let none = ServerSession::new(config.clone(), Channel::Tls, text("ready"));
    assert_eq!(none.err(), Some(ConfigError::NoAuthentication));
    for (greeting, error) in [
        ("<a@b>", ConfigError::GreetingTimestamp),
        ("a < b", ConfigError::GreetingTimestamp),
        (&*"x".repeat(500), ConfigError::GreetingTooLong),
    ] {
        assert_eq!(with(&config, greeting).err(), Some(error), "{greeting}");
    }
    // R2449-3.02: 512 octets are the most that a response has.
    let longest = "x".repeat(Text::MAX_OCTETS - 1 - timestamp.as_str().len());
    assert!(with(&config, &longest).is_ok());
    let longer = longest + "x";
    assert_eq!(with(&config, &longer).err(), Some(ConfigError::GreetingTooLong));
    let mut bare = with(&config, "").expect("a greeting");
    assert_eq!(written(&mut bare), b"+OK <1896.697170952@dbc.mtview.ca.us>\r\n");
    // R2449-6.1.01: a timestamp announces APOP, so that there is none without.
    let mut off = with(&ServerConfig::new(), "ready").expect("USER is a way");
    assert_eq!(off.timestamp(), None);
    assert_eq!(written(&mut off), GREETING);
}

/// R2449-4.02, R5034-4.08, F24, I17, I19: a response may be as long as the limit and no longer; what is longer is
/// dropped to its end and is never a command, and the exchange is over.
#[test]
fn a_response_has_a_limit() {
    for (octets, taken) in [(4 << 10, true), (12 << 10, true), ((12 << 10) + 4, false)] {
        let line = "A".repeat(octets - 4);
        let input = format!("AUTH PLAIN\r\n{line}\r\nCAPA\r\n");
        for read in [1, 511, 2048, 4097, usize::MAX] {
            let pieces: Vec<_> = input.as_bytes().chunks(read.min(input.len())).collect();
            let seen = Dialogue::hold(&mut greeted(config()), &pieces);
            let status = if taken { FAILED } else { "-ERR command line too long\r\n" };
            let start = format!("+ \r\n{status}+OK capability list follows\r\n");
            assert!(seen.output.starts_with(&start), "{octets} {read}");
        }
    }
    // S5.3: its tail is no command.
    let input = format!("AUTH PLAIN\r\n{}QUIT\r\nUSER alice\r\n", "A".repeat(12 << 10));
    let seen = Dialogue::hold(&mut greeted(config()), &[input.as_bytes()]);
    assert_eq!(seen.rejected(), [CommandError::TooLong]);
    assert!(seen.output.ends_with("+OK password, please\r\n"));
}

/// I3, S14.6: an exchange has so many rounds.
#[test]
fn an_exchange_has_so_many_rounds() {
    let input = format!("AUTH CRAM-MD5\r\n{}AUTH PLAIN {PLAIN}\r\n", "AQ==\r\n".repeat(17));
    let seen = dialogue(&config(), &input);
    let rounds = "+ AQ==\r\n".repeat(16);
    assert_eq!(seen.output, format!("+ {CHALLENGE}\r\n{rounds}-ERR too many rounds\r\n{OPEN}"));
    assert_eq!(seen.rejected(), [CommandError::TooManyRounds]);
}

/// I3: a block for a long response is there while an exchange is going on, and at no other time.
#[test]
fn the_block_grows_for_an_exchange_only() {
    let mut session = greeted(config());
    let idle = session.incoming().len();
    assert_eq!(idle, 2048);
    say(&mut session, b"AUTH PLAIN\r\n");
    assert!(session.poll_event().is_some());
    session.challenge(&Base64::empty()).expect("AUTH waits");
    written(&mut session);
    assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::SaslResponse));
    assert_eq!(session.incoming().len(), 12 << 10);
    say(&mut session, format!("{PLAIN}\r\n").as_bytes());
    assert!(session.poll_event().is_some());
    session.authenticated(&text("open")).expect("a response waits");
    written(&mut session);
    assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Command));
    assert_eq!(session.incoming().len(), idle);
}

/// R2449-6.5.04, R2449-8.1.1.01, R2449-8.1.2.02, R3206-6.01, I8: codes of logins go with AUTH and every response,
/// `[AUTH]` with failed ones only; what does not fit changes nothing.
#[test]
fn an_exchange_is_answered_as_a_login() {
    for input in ["AUTH PLAIN AAAA\r\n", "AUTH PLAIN\r\nAAAA\r\n"] {
        let waiting = || {
            let mut session = greeted(config());
            say(&mut session, input.as_bytes());
            assert!(session.poll_event().is_some());
            if input.ends_with("\nAAAA\r\n") {
                session.challenge(&Base64::empty()).expect("AUTH waits");
                assert!(session.poll_event().is_some());
            }
            written(&mut session);
            session
        };
        for code in [KnownCode::InUse, KnownCode::LoginDelay, KnownCode::SysTemp] {
            let mut session = waiting();
            session.err(Some(code), &text("no")).expect("a login waits");
            assert_eq!(
                written(&mut session),
                format!("-ERR [{}] no\r\n", code.as_str()).as_bytes()
            );
            say(&mut session, b"QUIT\r\n");
            assert_eq!(session.poll_event(), Some(Event::Command(Command::Quit)));
        }
        let mut session = waiting();
        let before = format!("{session:?}");
        assert_eq!(session.err(Some(KnownCode::Auth), &text("no")), Err(RespondError::Mismatch));
        assert_eq!(session.err(Some(KnownCode::Utf8), &text("no")), Err(RespondError::Mismatch));
        assert_eq!(session.ok(&text("no")), Err(RespondError::Mismatch));
        assert_eq!(session.begin_multiline(&text("no")), Err(RespondError::Mismatch));
        assert_eq!(session.tls_established(), Err(RespondError::Mismatch));
        let long = base64(&"A".repeat(12 << 10));
        assert_eq!(session.challenge(&long), Err(RespondError::TooLong));
        assert_eq!(format!("{session:?}"), before);
        let longest = base64(&"A".repeat((12 << 10) - 4));
        waiting().challenge(&longest).expect("it is as long as the limit");
        session.challenge(&base64("AQ==")).expect("a login waits");
        assert_eq!(session.challenge(&base64("AQ==")), Err(RespondError::NothingToAnswer));
        assert_eq!(session.authenticated(&text("x")), Err(RespondError::NothingToAnswer));
    }
    let mut session = greeted(config());
    assert_eq!(session.challenge(&Base64::empty()), Err(RespondError::NothingToAnswer));
    say(&mut session, b"USER alice\r\n");
    assert!(session.poll_event().is_some());
    assert_eq!(session.challenge(&Base64::empty()), Err(RespondError::Mismatch));
}

/// I17: an end of the connection inside an exchange is an end, and part of a response is none.
#[test]
fn an_end_inside_an_exchange() {
    for eof in [Eof::Clean, Eof::Abrupt] {
        for input in
            ["AUTH PLAIN\r\n", "AUTH PLAIN\r\nAQ", "AUTH PLAIN\r\nAQ==\r", "AUTH PLAIN\r\n*"]
        {
            let mut session = greeted(config());
            let seen = Dialogue::hold(&mut session, &[input.as_bytes()]);
            assert_eq!((seen.events.len(), seen.state), (1, Some(State::Authorization)));
            session.receive_eof(eof);
            assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }), "{input}");
        }
    }
}

/// I10: nothing that is said in an exchange is shown.
#[test]
fn nothing_of_an_exchange_is_shown() {
    let mut session = greeted(config());
    let seen =
        Dialogue::hold(&mut session, &[b"AUTH PLAIN c2VjcmV0\r\nAUTH PLAIN\r\nc2VjcmV0\r\nc2Vj"]);
    let shown = format!("{:?}{session:?}", seen.events);
    assert!(!shown.contains("c2V"), "{shown}");
    assert_eq!(seen.events.len(), 3);
}

/// C0009, R2449-3.03: what could never be announced is refused when the session is made.
#[test]
fn mechanisms_that_do_not_fit_are_refused() {
    let name = |at: u32| MechanismName::new(&format!("ABCDEFGHIJKLMNOPQ-{at:02}")).expect("a name");
    let mut config = ServerConfig::new();
    config.mechanisms = (0..24).map(name).collect();
    assert!(ServerSession::new(config.clone(), Channel::Tls, text("ready")).is_ok());
    config.mechanisms.push(name(24));
    let made = ServerSession::new(config, Channel::Tls, text("ready"));
    assert_eq!(made.err(), Some(ConfigError::Mechanisms));
}
