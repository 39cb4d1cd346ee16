//! STLS: where it is offered, and that nothing said before TLS is worth anything behind it.

use bytes::Buf as _;
use pop3_proto::client::{Channel, Eof};
use pop3_proto::server::{
    ConfigError, Event, RespondError, ServerConfig, ServerSession, Utf8Offer, Waiting,
};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, CommandError, LanguageListing, LanguageTag, MechanismName, Text};

use crate::server_support::*;

const BEGIN: &[u8] = b"+OK done\r\n";

fn config() -> ServerConfig {
    let mut config = ServerConfig::new();
    config.stls = true;
    config.utf8 = Utf8Offer::Yes;
    config.mechanisms = vec![MechanismName::PLAIN];
    let tag = LanguageTag::new("es").expect("a tag");
    config.languages = vec![LanguageListing::new(tag, text("Espanol"))];
    config
}

fn on(config: &ServerConfig, channel: Channel) -> ServerSession {
    let mut session =
        ServerSession::new(config.clone(), channel, text("ready")).expect("a way to log in");
    assert_eq!(written(&mut session), GREETING);
    session
}

/// STLS was recognised and waits for its answer.
fn recognised(config: &ServerConfig) -> ServerSession {
    let mut session = on(config, Channel::Clear);
    say(&mut session, b"STLS\r\n");
    assert_eq!(session.poll_event(), Some(Event::Command(Command::Stls)));
    session
}

/// The `+OK` has left, and the handshake is due.
fn due(config: &ServerConfig) -> ServerSession {
    let mut session = recognised(config);
    session.ok(&text("done")).expect("STLS waits");
    assert_eq!(written(&mut session), BEGIN);
    assert_eq!(session.poll_event(), Some(Event::StartTls));
    session
}

fn takes_nothing(session: &mut ServerSession) {
    assert!(!session.wants_read() && session.incoming().is_empty());
    assert_eq!(session.receive(b"CAPA\r\n"), 0);
}

/// R2595-4.01, R2595-4.10, S2.2, S2.3, C12: TLS begins once the `+OK` has left, is called for once, and from
/// the moment that STLS is read nothing is until TLS is there.
#[test]
fn tls_begins_when_the_answer_has_left() {
    let mut session = recognised(&config());
    takes_nothing(&mut session);
    assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Response));
    session.ok(&text("done")).expect("STLS waits");
    while session.outgoing().has_remaining() {
        takes_nothing(&mut session);
        assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Write));
        assert_eq!(session.tls_established(), Err(RespondError::Mismatch));
        session.outgoing().advance(1);
    }
    assert_eq!(
        (session.tls_established(), session.waiting()),
        (Err(RespondError::Mismatch), Waiting::Tls)
    );
    assert_eq!(session.poll_event(), Some(Event::StartTls));
    takes_nothing(&mut session);
    assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Tls));
    let before = format!("{session:?}");
    for refused in [
        session.ok(&text("x")),
        session.err(None, &text("x")),
        session.reject(),
        session.authenticated(&text("x")),
        session.authentication_failed(),
    ] {
        assert_eq!(refused, Err(RespondError::Mismatch));
    }
    assert_eq!(format!("{session:?}"), before);
    session.tls_established().expect("TLS is due");
    assert_eq!(session.tls_established(), Err(RespondError::NothingToAnswer));
    assert_eq!((session.channel(), session.state()), (Channel::Tls, State::Authorization));
    assert!(session.wants_read() && !session.wants_write(), "no second greeting");
    let seen = Dialogue::hold(&mut session, &[format!("AUTH PLAIN {PLAIN}\r\n").as_bytes()]);
    assert_eq!(seen.state, Some(State::Transaction));
}

/// R8314-4.03, R2595-4.08: the caller may refuse; the session goes on in clear.
#[test]
fn stls_may_be_refused() {
    let mut session = recognised(&config());
    session.err(None, &text("no certificate")).expect("STLS waits");
    assert_eq!(written(&mut session), b"-ERR no certificate\r\n");
    let seen = Dialogue::hold(&mut session, &[b"USER alice\r\n"]);
    assert_eq!(seen.rejected(), [CommandError::NotProtected(Keyword::User)]);
    assert_eq!(session.channel(), Channel::Clear);
}

/// R2595-4.03, R2595-4.10, C1 to C10, S2.1, C8: one octet behind STLS is enough to end the session, whatever it
/// is and whether STLS would have been accepted or not: no `+OK`, and nothing of the tail is read.
#[test]
fn octets_behind_stls_end_the_session() {
    let tails: [&[u8]; 12] = [
        b"\r",
        b"\n",
        b"\0",
        b" ",
        b"\r\n",
        b"U",
        b"USER att",
        b"CAPA\r\n",
        b"QUIT\r\n",
        b"STLS\r\n",
        b"\x16\x03\x01\x02\x00",
        b"USER attacker\r\nPASS x\r\n",
    ];
    let lines: [&[u8]; 9] = [
        b"STLS\r\n",
        b"stls\r\n",
        b"STLS \r\n",
        b"STLS unexpected\r\n",
        b" STLS\r\n",
        b"\tStls\t\r\n",
        b"STLS\0\r\n",
        b"\0 sTLS\xff\r\n",
        b"STLS\rCAPA\r\n",
    ];
    let mut without = config();
    (without.stls, without.plaintext) = (false, true);
    let mut logged_in = config();
    logged_in.plaintext = true;
    let situations: [(&ServerConfig, Channel, &[u8]); 5] = [
        (&config(), Channel::Clear, b""),
        (&config(), Channel::Tls, b""),
        (&config(), Channel::Clear, b"UTF8\r\n"),
        (&without, Channel::Clear, b""),
        (&logged_in, Channel::Clear, b"AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n"),
    ];
    for (config, channel, before) in situations {
        for line in lines {
            for tail in tails {
                let mut session = on(config, channel);
                Dialogue::hold(&mut session, &[before]);
                let input = [line, tail].concat();
                assert_eq!(session.receive(&input), input.len());
                let shown = input.escape_ascii();
                assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }), "{shown}");
                assert!(!session.wants_write(), "{shown}");
                takes_nothing(&mut session);
            }
        }
    }
    // What had been asked for before is still answered.
    let mut session = on(&config(), Channel::Clear);
    say(&mut session, b"CAPA\r\nSTLS\r\nCAPA\r\n");
    assert_eq!(session.poll_event(), None);
    let out = String::from_utf8(written(&mut session)).expect("text");
    assert_eq!(out.matches("+OK").count(), 1, "{out}");
    assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
}

/// C8: what is hidden behind a bare LF, or behind a line that is too long, is not read either.
#[test]
fn what_hides_behind_a_malformed_stls_is_not_read() {
    let long = [b"STLS ", &[b'A'; 600][..], b"\r\nCAPA\r\n"].concat();
    for input in [b"STLS\nCAPA\r\n", &long[..]] {
        let seen = Dialogue::however_cut(|| on(&config(), Channel::Clear), input);
        assert_eq!(seen.output.lines().count(), 1, "{}", seen.output);
        assert!(seen.output.starts_with("-ERR "));
        assert_eq!(seen.events.last(), Some(&Event::Closed { commit: false }));
    }
    // Others are told from it.
    for line in ["STLSX", "STL S", "XSTLS", "S TLS"] {
        let input = format!("{line}\r\nCAPA\r\n");
        let seen = Dialogue::however_cut(|| on(&config(), Channel::Clear), input.as_bytes());
        assert!(seen.output.ends_with("\r\n.\r\n"), "{line}");
    }
    // In an exchange STLS is a response.
    let mut config = config();
    config.plaintext = true;
    let input = b"AUTH PLAIN\r\nSTLS\r\nCAPA\r\n";
    let seen = Dialogue::however_cut(|| on(&config, Channel::Clear), input);
    assert!(seen.output.ends_with("STLS\r\nUTF8\r\nLANG\r\n.\r\n"), "{}", seen.output);
}

/// R2595-4.07, R2595-4.08, C11, R6856-2.1.08: STLS is announced and taken in AUTHORIZATION, once, and
/// not behind UTF8.
#[test]
fn stls_only_where_it_is_legal() {
    let mut config = config();
    config.plaintext = true;
    let login = format!("AUTH PLAIN {PLAIN}\r\n");
    for (channel, before, legal) in [
        (Channel::Clear, "", true),
        (Channel::Trusted, "", true),
        (Channel::Clear, "LANG es\r\n", true),
        (Channel::Clear, "UTF8\r\n", false),
        (Channel::Tls, "", false),
        (Channel::Clear, &*login, false),
    ] {
        let mut session = on(&config, channel);
        Dialogue::hold(&mut session, &[before.as_bytes()]);
        let seen = Dialogue::hold(&mut session, &[b"CAPA\r\n"]);
        assert_eq!(seen.output.contains("\r\nSTLS\r\n"), legal, "{channel:?} {before}");
        say(&mut session, b"STLS\r\n");
        let event = session.poll_event();
        let refused = Event::Rejected(CommandError::WrongState(Keyword::Stls));
        assert_eq!(event, Some(if legal { Event::Command(Command::Stls) } else { refused }));
    }
    let mut session = on(&config, Channel::Clear);
    let seen = Dialogue::hold(&mut session, &[b"USER alice\r\n", b"STLS\r\n"]);
    assert_eq!(seen.rejected(), [CommandError::WrongState(Keyword::Stls)]);
    let mut session = due(&config);
    session.tls_established().expect("TLS is due");
    let seen = Dialogue::hold(&mut session, &[b"STLS\r\n"]);
    assert_eq!(seen.rejected(), [CommandError::WrongState(Keyword::Stls)]);
}

/// S2.4, C11: the same script under TLS has the same outcome, whatever was said in clear.
#[test]
fn what_was_said_in_clear_is_forgotten() {
    let mut config = config();
    config.plaintext = true;
    config.apop = true;
    let scripts = [
        format!("PASS {PASSWORD}\r\n"),
        "X\r\nX\r\nX\r\nX\r\n".to_owned(),
        "USER alice\r\nPASS a\r\nUSER alice\r\nPASS a\r\nUSER alice\r\nPASS a\r\n".to_owned(),
        "CAPA\r\nLANG\r\nAUTH\r\nAUTH PLAIN\r\n*\r\n".to_owned(),
        format!("AUTH PLAIN {PLAIN}\r\nSTAT\r\nCAPA\r\n"),
    ];
    let preludes = [
        "",
        "CAPA\r\n",
        "USER alice\r\n",
        "USER alice\r\nPASS wrong\r\n",
        "X\r\nX\r\n",
        "AUTH PLAIN\r\n*\r\n",
        "AUTH PLAIN\r\n%\r\n",
        "AUTH PLAIN\r\nAQ==\r\nAQ==\r\n*\r\nUSER alice\r\nPASS x\r\n",
        "LANG es\r\n",
    ];
    for script in &scripts {
        let under_tls = |prelude: &str| {
            let mut session = on(&config, Channel::Clear);
            Dialogue::hold(&mut session, &[prelude.as_bytes()]);
            // A line in between, since STLS is not legal directly behind USER.
            Dialogue::hold(&mut session, &[b"CAPA\r\n", b"STLS\r\n"]);
            session.tls_established().expect("TLS is due");
            let spanish = Text::utf8("se\u{f1}or").expect("UTF-8");
            let mut seen = Dialogue::hold(&mut session, &[script.as_bytes()]);
            if session.state() != State::Closed {
                say(&mut session, b"QUIT\r\n");
                assert_eq!(session.poll_event(), Some(Event::Command(Command::Quit)));
                assert_eq!(session.ok(&spanish), Err(RespondError::NotAscii));
                seen.events.push(Event::Command(Command::Quit));
            }
            seen
        };
        let expected = under_tls("");
        for prelude in preludes {
            assert_eq!(under_tls(prelude), expected, "{prelude} {script}");
        }
    }
}

/// R2595-2.2.03, R2595-2.3.01, R2595-6.01: where the caller says so clients that have nothing but USER and PASS are
/// served in clear, and PLAIN is announced and taken there; where he does not, neither is.
#[test]
fn a_channel_in_clear_may_be_enough() {
    for plaintext in [false, true] {
        let mut config = config();
        config.plaintext = plaintext;
        let new = || on(&config, Channel::Clear);
        let seen = Dialogue::however_cut(new, b"CAPA\r\n");
        for announced in ["\r\nUSER\r\n", "\r\nSASL PLAIN\r\n"] {
            assert_eq!(seen.output.contains(announced), plaintext, "{}", seen.output);
        }
        let user_pass = format!("USER alice\r\nPASS {PASSWORD}\r\n");
        for login in [user_pass, format!("AUTH PLAIN {PLAIN}\r\n")] {
            let seen = Dialogue::however_cut(new, login.as_bytes());
            assert_eq!(seen.state == Some(State::Transaction), plaintext, "{login}");
        }
    }
}

/// R2595-2.3.02: where the channel is enough for some, the caller may still refuse others in clear, as soon as they are
/// named and before a password is said; over TLS they get in.
#[test]
fn some_may_have_to_come_over_tls() {
    let mut config = config();
    config.plaintext = true;
    let named = |session: &mut ServerSession, name: &str| {
        say(session, format!("USER {name}\r\n").as_bytes());
        let Some(Event::Command(Command::User(mailbox))) = session.poll_event() else {
            panic!("USER is taken");
        };
        if mailbox.as_str() == "alice" && session.channel() == Channel::Clear {
            session.err(None, &text("not in clear")).expect("USER waits");
        } else {
            session.ok(&text("go on")).expect("USER waits");
        }
        written(session)
    };
    let mut session = on(&config, Channel::Clear);
    assert_eq!(named(&mut session, "alice"), b"-ERR not in clear\r\n");
    let pass = format!("PASS {PASSWORD}\r\n");
    let seen = Dialogue::hold(&mut session, &[pass.as_bytes()]);
    assert_eq!(seen.rejected(), [CommandError::WrongState(Keyword::Pass)]);
    assert_eq!(named(&mut session, "bob"), b"+OK go on\r\n");
    let mut session = due(&config);
    session.tls_established().expect("TLS is due");
    assert_eq!(named(&mut session, "alice"), b"+OK go on\r\n");
    let seen = Dialogue::hold(&mut session, &[pass.as_bytes()]);
    assert_eq!(seen.state, Some(State::Transaction));
}

/// H7: an end of the connection before TLS is there is an end, orderly or not.
#[test]
fn an_end_before_tls() {
    for eof in [Eof::Clean, Eof::Abrupt] {
        let mut session = due(&config());
        session.receive_eof(eof);
        assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
        assert_eq!(session.tls_established(), Err(RespondError::NothingToAnswer));
        let mut session = recognised(&config());
        session.receive_eof(eof);
        if eof == Eof::Clean {
            assert_eq!(session.poll_event(), None);
            session.ok(&text("done")).expect("STLS waits");
            assert_eq!(written(&mut session), BEGIN);
        }
        assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
    }
    let mut session = due(&config());
    session.abort();
    assert_eq!(session.poll_event(), Some(Event::Closed { commit: false }));
}

/// C0009, RFC 8314 §4.1: a channel in clear is fine if STLS leads out of it, and if there is a way in
/// behind it.
#[test]
fn stls_is_a_way_on() {
    let made = |change: fn(&mut ServerConfig)| {
        let mut config = config();
        change(&mut config);
        ServerSession::new(config, Channel::Clear, text("ready")).err()
    };
    assert_eq!(made(|_| {}), None);
    assert_eq!(made(|config| config.user_pass = false), None);
    let neither = made(|config| {
        config.user_pass = false;
        config.mechanisms.clear();
    });
    assert_eq!(neither, Some(ConfigError::NoAuthentication));
    assert_eq!(made(|config| config.stls = false), Some(ConfigError::NoAuthentication));
}
