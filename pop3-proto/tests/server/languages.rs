//! UTF8 and LANG, and what CAPA lists beside the rest.

use pop3_proto::client::Channel;
#[cfg(feature = "md5")]
use pop3_proto::sasl::{Answer, Identity, Preparation, PreparedAs, Question};
use pop3_proto::server::{
    ConfigError, Event, RespondError, ServerConfig, ServerSession, Utf8Offer,
};
use pop3_proto::state::Keyword;
#[cfg(feature = "md5")]
use pop3_proto::{
    ApopDigest, ApopTimestamp, Secret,
    server::{Login, Turn},
};
use pop3_proto::{
    Capability, Command, CommandError, KnownCode, LanguageListing, LanguageTag, Mailbox, Password,
    Text,
};

use crate::server_support::*;

fn listing(tag: &str, description: &str) -> LanguageListing {
    let description = Text::utf8(description).expect("a text");
    LanguageListing::new(LanguageTag::new(tag).expect("a tag"), description)
}

fn config() -> ServerConfig {
    let mut config = ServerConfig::new();
    config.utf8 = Utf8Offer::Yes;
    config.languages = vec![
        listing("en", "English"),
        listing("de", "Deutsch"),
        listing("es", "Espa\u{f1}ol"),
        listing("mul", ""),
    ];
    config
}

fn dialogue(config: &ServerConfig, input: &str) -> Dialogue {
    Dialogue::however_cut(|| greeted(config.clone()), input.as_bytes())
}

const LOGIN: &str = "USER alice\r\nPASS correct horse\r\n";
const LOGGED_IN: &str = "+OK password, please\r\n+OK maildrop locked and ready\r\n";

/// R6856-3.1.01, R6856-3.2.01, R6856-3.2.02, R6856-3.2.05, R6856-3.2.06: before and after login, the listing by the
/// session, the choice by the caller; `*` is a choice too, and what is refused changes nothing.
#[test]
fn languages_are_listed_and_chosen() {
    let list = "+OK language listing follows\r\nen English\r\nde Deutsch\r\nes Espa\u{f1}ol\r\nmul\r\n.\r\n";
    for (before, output) in [("", ""), (LOGIN, LOGGED_IN)] {
        let input = format!("{before}LANG\r\nlang ES\r\nLANG uga\r\nLANG *\r\nLANG mul\r\n");
        let seen = dialogue(&config(), &input);
        let chosen =
            "+OK es Espa\u{f1}ol\r\n-ERR invalid language\r\n+OK en English\r\n+OK mul\r\n";
        assert_eq!(seen.output, format!("{output}{list}{chosen}"));
    }
    let seen = dialogue(&config(), "USER alice\r\nLANG\r\n");
    assert_eq!(seen.rejected(), [CommandError::WrongState(Keyword::Lang)]);
}

/// R6856-2.1.01, R6856-2.1.08: UTF8 has no argument and is legal in AUTHORIZATION only.
#[test]
fn utf8_is_turned_on_before_login() {
    let mut session = greeted(config());
    assert!(!session.utf8());
    let seen = Dialogue::hold(&mut session, &[b"utf8\r\n"]);
    assert_eq!((&*seen.output, session.utf8()), ("+OK UTF8 enabled\r\n", true));
    for (input, error) in [
        ("UTF8 USER\r\n", CommandError::Arguments(Keyword::Utf8)),
        (&*format!("{LOGIN}UTF8\r\n"), CommandError::WrongState(Keyword::Utf8)),
        ("USER alice\r\nUTF8\r\n", CommandError::WrongState(Keyword::Utf8)),
    ] {
        assert_eq!(dialogue(&config(), input).rejected(), [error], "{input}");
    }
}

/// A way to answer with a text.
type Give = fn(&mut ServerSession, &Text) -> Result<(), RespondError>;

/// R6856-2.1.01, R6856-2.1.04, R6856-3.2.01, R6856-3.2.04, R6856-3.2.05, I8: a text that is not ASCII is refused before
/// UTF8 or LANG was accepted, whatever it is to answer, and taken behind it.
#[test]
fn texts_are_ascii_until_the_client_asks() {
    let spanish = Text::utf8("se\u{f1}or").expect("UTF-8");
    let waiting = |before: &str, line: &str| {
        let mut session = greeted(config());
        Dialogue::hold(&mut session, &[before.as_bytes()]);
        say(&mut session, line.as_bytes());
        assert!(session.poll_event().is_some());
        session
    };
    let answers: [(&str, &str, Give, &str); 5] = [
        ("", "USER a\r\n", |s, text| s.ok(text), "+OK se\u{f1}or\r\n"),
        ("", "USER a\r\n", |s, text| s.err(None, text), "-ERR se\u{f1}or\r\n"),
        ("", "X\r\n", |s, text| s.err(None, text), "-ERR se\u{f1}or\r\n"),
        ("USER a\r\n", "PASS b\r\n", |s, text| s.authenticated(text), "+OK se\u{f1}or\r\n"),
        (LOGIN, "LIST\r\n", |s, text| s.begin_multiline(text), "+OK se\u{f1}or\r\n"),
    ];
    for (before, line, give, output) in answers {
        for asked in ["UTF8\r\n", "LANG es\r\n"] {
            let mut session = waiting(&format!("{asked}{before}"), line);
            give(&mut session, &spanish).expect("it was asked for");
            assert_eq!(written(&mut session), output.as_bytes());
        }
        for not in ["", "LANG\r\n", "LANG uga\r\n"] {
            let mut session = waiting(&format!("{not}{before}"), line);
            let unchanged = format!("{session:?}");
            assert_eq!(give(&mut session, &spanish), Err(RespondError::NotAscii), "{not}{line}");
            assert_eq!(format!("{session:?}"), unchanged);
            give(&mut session, &text("plain")).expect("ASCII is always taken");
        }
    }
    let made = ServerSession::new(config(), Channel::Tls, spanish);
    assert_eq!(made.err(), Some(ConfigError::GreetingNotAscii));
}

/// R1939-3.05, I7: a line that is cut is cut between characters, and has no more than 512 octets.
#[test]
fn a_text_is_cut_between_characters() {
    for start in ["", "x", "xx"] {
        let long = Text::utf8(&format!("[{start}{}", "\u{20ac}".repeat(167))).expect("UTF-8");
        let mut session = greeted(config());
        Dialogue::hold(&mut session, &[b"LANG\r\nUTF8\r\n"]);
        say(&mut session, b"USER a\r\nUSER a\r\nLANG es\r\n");
        for _ in 0..2 {
            assert!(session.poll_event().is_some());
            session.err(Some(KnownCode::SysTemp), &long).expect("USER waits");
        }
        assert!(session.poll_event().is_some());
        session
            .language(&LanguageListing::new(LanguageTag::new("es").unwrap(), long))
            .expect("LANG waits");
        let out = String::from_utf8(written(&mut session)).expect("whole characters");
        assert_eq!(out.lines().count(), 3);
        assert!(out.lines().all(|line| (507..=510).contains(&line.len())), "{out}");
    }
}

/// R6856-5.02: `[UTF8]` goes with LIST, RETR and TOP, and only while UTF-8 mode is off.
#[test]
fn the_code_utf8_goes_with_messages() {
    for (line, fits) in [
        ("RETR 1\r\n", true),
        ("TOP 1 0\r\n", true),
        ("LIST\r\n", true),
        ("LIST 1\r\n", true),
        ("UIDL 1\r\n", false),
        ("STAT\r\n", false),
        ("DELE 1\r\n", false),
        ("LANG es\r\n", false),
        ("X\r\n", false),
        ("QUIT\r\n", false),
    ] {
        for (before, on) in [("", false), ("UTF8\r\n", true)] {
            let mut session = greeted(config());
            Dialogue::hold(&mut session, &[before.as_bytes(), LOGIN.as_bytes()]);
            say(&mut session, line.as_bytes());
            assert!(session.poll_event().is_some());
            let answered = session.err(Some(KnownCode::Utf8), &text("no"));
            let expected = if fits && !on { Ok(()) } else { Err(RespondError::Mismatch) };
            assert_eq!(answered, expected, "{before}{line}");
        }
    }
}

/// R6856-3.2.05, I8: LANG is answered by a language or `-ERR`, and nothing else is.
#[test]
fn lang_has_an_answer_of_its_own() {
    let mut session = greeted(config());
    say(&mut session, b"LANG es\r\nUSER a\r\n");
    assert!(session.poll_event().is_some());
    let before = format!("{session:?}");
    assert_eq!(session.ok(&text("x")), Err(RespondError::Mismatch));
    assert_eq!(session.begin_multiline(&text("x")), Err(RespondError::Mismatch));
    assert_eq!(session.authenticated(&text("x")), Err(RespondError::Mismatch));
    assert_eq!(format!("{session:?}"), before);
    session.language(&listing("es", "Idioma cambiado")).expect("LANG waits");
    assert_eq!(written(&mut session), b"+OK es Idioma cambiado\r\n");
    let es = listing("es", "x");
    assert_eq!(session.language(&es), Err(RespondError::NothingToAnswer));
    assert!(session.poll_event().is_some());
    assert_eq!(session.language(&es), Err(RespondError::Mismatch));
}

/// R6856-2.2.02, R6856-2.2.03, R6856-2.2.05: a password in UTF-8 is taken where `UTF8 USER` is announced, also
/// before UTF8, if it is well-formed and holds no control.
#[test]
fn passwords_in_utf8() {
    for (offer, password, taken) in [
        (Utf8Offer::User, &b"p\xc3\xa4ss"[..], true),
        (Utf8Offer::User, b"p\xe4ss", false),
        (Utf8Offer::User, b"p\xc3\xa4\tss", false),
        (Utf8Offer::User, b"p\xc2\x85", false),
        (Utf8Offer::User, b"p\xed\xa0\x80", false),
        (Utf8Offer::Yes, b"p\xc3\xa4ss", false),
        (Utf8Offer::No, b"p\xc3\xa4ss", false),
    ] {
        let mut config = ServerConfig::new();
        config.utf8 = offer;
        let input = [b"USER alice\r\nPASS ", password, b"\r\n"].concat();
        let seen = Dialogue::however_cut(|| greeted(config.clone()), &input);
        let last = seen.events.last().cloned();
        let password = Password::opaque(password).expect("a password");
        let expected = if taken {
            Event::Command(Command::Pass(password))
        } else {
            Event::Rejected(CommandError::ForbiddenOctet)
        };
        assert_eq!(last, Some(expected));
    }
}

/// R6856-2.2.02, R6856-2.2.03, R6856-2.2.05: the same of names, in USER and in APOP.
#[test]
fn names_in_utf8() {
    for (offer, name, taken) in [
        (Utf8Offer::User, &b"m\xc3\xbcller"[..], true),
        (Utf8Offer::User, b"m\xfcller", false),
        (Utf8Offer::User, b"m\xed\xa0\x80", false),
        (Utf8Offer::Yes, b"m\xc3\xbcller", false),
        (Utf8Offer::No, b"m\xc3\xbcller", false),
    ] {
        let mut config = ServerConfig::new();
        config.utf8 = offer;
        let input = [b"USER ", name, b"\r\n"].concat();
        let seen = Dialogue::however_cut(|| greeted(config.clone()), &input);
        let expected = match core::str::from_utf8(name).ok().filter(|_| taken) {
            Some(name) => Event::Command(Command::User(Mailbox::utf8(name).expect("a name"))),
            None => Event::Rejected(CommandError::ForbiddenOctet),
        };
        assert_eq!(seen.events.last(), Some(&expected), "{}", name.escape_ascii());
    }
}

/// R6856-2.2.01, R6856-2.2.04, R6856-2.2.05: the back end is asked about names and passwords as they are prepared, in
/// USER and PASS as queries, in APOP's digest as stored strings; what holds something prohibited is refused as a
/// wrong password is.
#[cfg(feature = "md5")]
#[test]
fn names_and_passwords_are_prepared() {
    // U+E000 is prohibited; each kind has its mark.
    let prepare: Preparation = |text, kind| {
        let query = kind == PreparedAs::Query;
        let (from, to) = if query { ('\u{fc}', "query") } else { ('\u{e4}', "stored") };
        (!text.contains('\u{e000}')).then(|| text.replace(from, to))
    };
    let mailbox = |name| Mailbox::utf8(name).expect("a name");
    let verify = |name, password: &[u8]| {
        Turn::Ask(Question::Verify { mailbox: mailbox(name), password: Secret::new(password) })
    };
    let wrong = "-ERR [AUTH] authentication failed\r\n";
    let asked = |login: &mut Login, session: &mut ServerSession, lines: &str| {
        say(session, lines.as_bytes());
        let mut turn = None;
        while let Some(event) = session.poll_event() {
            turn = Some(login.take(session, event).expect("it was the last"));
        }
        let said = String::from_utf8(written(session)).expect("UTF-8");
        (turn.expect("an event"), said)
    };
    let mut config = config();
    (config.utf8, config.apop) = (Utf8Offer::User, true);
    let new = || {
        let timestamp = ApopTimestamp::new("<1@a>").expect("a msg-id");
        let made =
            ServerSession::with_timestamp(config.clone(), Channel::Tls, text("x"), timestamp);
        let mut session = made.expect("a way");
        written(&mut session);
        session
    };
    let asks = [
        ("USER \u{fc}\r\nPASS \u{e4}\u{fc}\r\n", verify("query", b"\xc3\xa4query")),
        ("USER a\r\nPASS \u{fc}\r\n", verify("a", b"query")),
        ("USER a\r\nPASS b\r\n", verify("a", b"b")),
    ];
    for (lines, question) in asks {
        let (mut login, mut session) = (Login::new().with_preparation(prepare), new());
        assert_eq!(asked(&mut login, &mut session, lines).0, question, "{lines}");
        let Ok(Turn::Open(identity)) = login.answer(&mut session, Answer::Accepted) else {
            panic!("{lines}")
        };
        let prepared = if lines.contains("USER a") { "a" } else { "query" };
        assert_eq!(identity, Identity::new(mailbox(prepared), mailbox(prepared)));
    }
    for lines in [
        "USER \u{e000}\r\nPASS b\r\n".to_owned(),
        "USER a\r\nPASS \u{e000}\r\n".to_owned(),
        format!("APOP \u{e000} {}\r\n", "0".repeat(32)),
    ] {
        let (mut login, mut session) = (Login::new().with_preparation(prepare), new());
        let (turn, said) = asked(&mut login, &mut session, &lines);
        assert_eq!(turn, Turn::Answered, "{lines}");
        assert!(said.ends_with(wrong), "{lines}: {said}");
    }
    // APOP: the digest is of the stored string, and without a preparation there is none.
    for (stored, hashed, prepare, opens) in [
        ("\u{e4}", "stored", Some(prepare), true),
        ("\u{e4}", "\u{e4}", Some(prepare), false),
        ("\u{e4}", "\u{e4}", None, false),
        ("\u{e000}", "\u{e000}", Some(prepare), false),
        ("b", "b", None, true),
    ] {
        let mut session = new();
        let mut login = Login::new();
        if let Some(prepare) = prepare {
            login = login.with_preparation(prepare);
        }
        let digest = ApopDigest::compute(session.timestamp().unwrap(), &Secret::new(hashed));
        let digest = String::from_utf8_lossy(digest.expose()).into_owned();
        let (turn, _) = asked(&mut login, &mut session, &format!("APOP a {digest}\r\n"));
        assert_eq!(turn, Turn::Ask(Question::Secret { mailbox: mailbox("a") }));
        let turn = login.answer(&mut session, Answer::Secret(Secret::new(stored))).unwrap();
        assert_eq!(matches!(turn, Turn::Open(_)), opens, "{stored} {hashed}");
        assert_eq!(written(&mut session), if opens { "" } else { wrong }.as_bytes());
    }
    let (turn, said) =
        asked(&mut Login::new(), &mut new(), &format!("APOP \u{fc} {}\r\n", "0".repeat(32)));
    assert_eq!((turn, &*said), (Turn::Answered, wrong));
}

/// R2449-3.06, R2449-5.01, R2449-5.04, R2449-5.05, R2449-5.06, R2449-6.1.01, R6856-3.1.01: CAPA lists what is offered,
/// before and after login, in one order, and the caller's behind it.
#[test]
fn capabilities_are_listed() {
    let capability = |tag, params: &[&str]| Capability::new(tag, params).expect("a capability");
    for (offer, line) in [(Utf8Offer::Yes, "UTF8"), (Utf8Offer::User, "UTF8 USER")] {
        let mut config = config();
        config.utf8 = offer;
        config.capabilities =
            vec![capability("LOGIN-DELAY", &["900", "USER"]), capability("EXPIRE", &["NEVER"])];
        let list = format!(
            "+OK capability list follows\r\nTOP\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n\
             UIDL\r\n{line}\r\nLANG\r\nLOGIN-DELAY 900 USER\r\nEXPIRE NEVER\r\n.\r\n"
        );
        let seen = dialogue(&config, &format!("CAPA\r\n{LOGIN}CAPA\r\n"));
        assert_eq!(seen.output, format!("{list}{LOGGED_IN}{list}"));
    }
}

/// R2449-6.5.03, R2449-6.5.04, R2449-6.7.03, R2449-6.9.02: before login the longest delay and the soonest expiry, with
/// USER; behind it what this user has, and nothing worse or less than was announced. R2449-5.04: nothing goes away.
#[test]
fn what_differs_from_user_to_user_is_exact_after_login() {
    let list = |lines: &[&str]| -> Vec<Capability> {
        let line = |line: &&str| {
            let mut words = line.split(' ');
            Capability::new(words.next().unwrap_or(""), &words.collect::<Vec<_>>())
        };
        lines.iter().map(|text| line(text).expect("a capability")).collect()
    };
    let mut config = ServerConfig::new();
    config.capabilities = list(&["LOGIN-DELAY 900 USER", "EXPIRE 5 USER"]);
    let mut session = greeted(config);
    let listed = |session: &mut ServerSession| {
        let seen = Dialogue::hold(session, &[b"CAPA\r\n"]).output;
        let of_ours = seen.split_once("UIDL\r\n").expect("the session's own").1;
        of_ours.trim_end_matches("\r\n.\r\n").replace("\r\n", ", ")
    };
    assert_eq!(listed(&mut session), "LOGIN-DELAY 900 USER, EXPIRE 5 USER");
    for wrong in [
        &["LOGIN-DELAY 901", "EXPIRE 5"][..],
        &["LOGIN-DELAY 60", "EXPIRE 4"],
        &["LOGIN-DELAY 60"],
        &["EXPIRE NEVER"],
        &["LOGIN-DELAY 60", "EXPIRE 5", "TOP"],
    ] {
        assert_eq!(session.announce(list(wrong)), Err(ConfigError::Capability), "{wrong:?}");
        assert_eq!(listed(&mut session), "LOGIN-DELAY 900 USER, EXPIRE 5 USER", "{wrong:?}");
    }
    say(&mut session, LOGIN.as_bytes());
    assert!(session.poll_event().is_some());
    session.ok(&text("who")).expect("USER waits");
    assert!(session.poll_event().is_some());
    let exact = list(&["LOGIN-DELAY 60", "EXPIRE NEVER", "IMPLEMENTATION tea"]);
    assert_eq!(session.announce(exact), Ok(()));
    session.authenticated(&text("in")).expect("PASS waits");
    written(&mut session);
    assert_eq!(listed(&mut session), "LOGIN-DELAY 60, EXPIRE NEVER, IMPLEMENTATION tea");
    // What nobody announced cannot come with a login.
    let mut bare = greeted(ServerConfig::new());
    for wrong in ["LOGIN-DELAY 1", "EXPIRE 0"] {
        assert_eq!(bare.announce(list(&[wrong])), Err(ConfigError::Capability), "{wrong}");
    }
    assert_eq!(bare.announce(list(&["EXPIRE NEVER"])), Ok(()));
}

/// R2449-3.03, R2449-6.1.01: the session alone says what it does, and no line is longer than 512 octets.
#[test]
fn what_cannot_be_listed_is_refused() {
    let made = |config| ServerSession::new(config, Channel::Tls, text("ready")).err();
    for tag in [
        "TOP",
        "USER",
        "sasl",
        "RESP-CODES",
        "Auth-Resp-Code",
        "PIPELINING",
        "UIDL",
        "STLS",
        "utf8",
        "LANG",
    ] {
        let mut config = config();
        config.capabilities = vec![Capability::new(tag, &[]).expect("a capability")];
        assert_eq!(made(config), Some(ConfigError::Capability), "{tag}");
    }
    for (octets, error) in [(502, None), (503, Some(ConfigError::Language))] {
        let mut config = config();
        let description = Text::utf8(&"x".repeat(octets)).expect("a text");
        let tag = LanguageTag::new("de").expect("a tag");
        config.languages = vec![LanguageListing::new(tag, description)];
        assert_eq!(made(config), error, "{octets}");
    }
}

/// R1939-3.14: what is not offered is not there.
#[test]
fn neither_is_offered_by_default() {
    for (line, keyword) in
        [("UTF8\r\n", Keyword::Utf8), ("LANG\r\n", Keyword::Lang), ("LANG es\r\n", Keyword::Lang)]
    {
        let seen = dialogue(&ServerConfig::new(), line);
        assert_eq!(seen.rejected(), [CommandError::Unsupported(keyword)]);
    }
}
