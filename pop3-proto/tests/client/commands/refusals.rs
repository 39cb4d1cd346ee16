//! What is refused before it leaves: by a policy, for what the server has not announced, or because it is too long.

use pop3_proto::client::{Channel, ClientConfig, Eof, Security, SendError, SendPolicy};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, InvalidValue, Mailbox, Password, RawFraming};

use super::{Point, table};
use crate::support::{
    GREETING, Run, Step, all_ways, apop, encoded, pass, presets, s, tolerant, user,
};

/// V0003, V0006, V0007, V0008: what Outlook never sends is refused under its send policy, and only that.
#[test]
fn the_send_policy_of_outlook() {
    let mut config = ClientConfig::outlook(Security::PlaintextAllowed);
    assert_eq!(config.send_policy, SendPolicy::outlook());
    for row in table() {
        let refused = ["LIST 2", "UIDL 2", "RSET"].contains(&row.wire)
            || row.command.keyword() == Some(Keyword::Apop);
        let point = match row.legal {
            "U" => Point::AfterUser,
            legal if legal.contains('A') => Point::Authorization,
            _ => Point::Transaction,
        };
        config.send_policy = SendPolicy::outlook();
        let mut run = all_ways(config, &point.script());
        match row.command.keyword() {
            Some(keyword) if refused => {
                assert_eq!(run.send(&row.command), Err(SendError::Forbidden(keyword)));
                assert!(!SendError::Forbidden(keyword).is_transient());
            }
            _ => assert!(run.send(&row.command).is_ok(), "{}", row.wire),
        }
        config.send_policy = SendPolicy::all();
        assert!(all_ways(config, &point.script()).send(&row.command).is_ok(), "{}", row.wire);
    }
}

/// R1939-7.09, R2449-6.01: APOP only behind a greeting with one well-formed timestamp.
#[test]
fn apop_needs_a_timestamp() {
    for (greeting, has) in [
        ("+OK <a@b>\r\n", true),
        ("+OK ready <1.2@c.d> go\r\n", true),
        ("+OK\r\n", false),
        ("+OK <>\r\n", false),
        ("+OK <@>\r\n", false),
        ("+OK <a@b><c@d>\r\n", false),
        ("+OK <a\x07@b>\r\n", false),
    ] {
        for config in presets() {
            let mut run = all_ways(config, &[s(greeting)]);
            let sent = run.send(&apop());
            if has {
                assert!(sent.is_ok(), "{greeting}");
            } else {
                assert_eq!(sent, Err(SendError::NoTimestamp), "{greeting}");
            }
        }
    }
    assert!(!SendError::NoTimestamp.is_transient());
}

/// R6856-2.2.02, R6856-2.2.03: UTF-8 in USER, PASS and APOP, before UTF8 too, where `UTF8 USER` was announced or the
/// caller says so, and not elsewhere.
#[test]
fn utf8_in_credentials_is_announced() {
    let name = Mailbox::utf8("j\u{fc}rgen").unwrap();
    let Command::Apop { digest, .. } = apop() else { panic!() };
    let word = |octets: &[u8]| Command::Pass(Password::opaque(octets).unwrap());
    let (utf8, latin) = (word("p\u{e4}ss".as_bytes()), word(b"p\xe4ss"));
    for (list, unannounced, taken) in [
        (None, false, false),
        (Some("-ERR\r\n"), false, false),
        (Some("+OK\r\nUSER\r\nUTF8\r\n.\r\n"), false, false),
        (Some("+OK\r\nUTF8 USER\r\n.\r\n"), false, true),
        (None, true, true),
    ] {
        let mut config = tolerant();
        config.send_policy.unannounced_utf8 = unannounced;
        let after_user = [Step::C(user("mrose")), s("+OK\r\n")];
        for (before, command) in [
            (&[][..], Command::User(name.clone())),
            (&[], Command::Apop { mailbox: name.clone(), digest: digest.clone() }),
            (&after_user, utf8.clone()),
            (&after_user, latin.clone()),
        ] {
            let mut script = vec![s(GREETING)];
            if let Some(list) = list {
                script.extend([Step::C(Command::Capa), s(list)]);
            }
            script.extend_from_slice(before);
            let keyword = command.keyword().unwrap();
            let sent = all_ways(config, &script).send(&command).map(|_| ());
            let expected = taken || command == latin;
            let refused = SendError::NotAscii(keyword);
            assert!(!refused.is_transient());
            assert_eq!(sent, if expected { Ok(()) } else { Err(refused) }, "{keyword} {list:?}");
        }
    }
}

/// R2449-3.01, R2449-4.01, J8: a line has 255 octets at most, CRLF included.
#[test]
fn a_line_has_at_most_255_octets() {
    let filled = |octets: usize| {
        let opaque = Command::Pass(Password::opaque(&vec![0xe4; octets - 7]).unwrap());
        let apop = |name: usize| match apop() {
            Command::Apop { digest, .. } => {
                Command::Apop { mailbox: "a".repeat(name).parse().unwrap(), digest }
            }
            other => other,
        };
        [
            (Point::Authorization, user(&"a".repeat(octets - 7))),
            (Point::AfterUser, pass(&"a".repeat(octets - 7))),
            (Point::AfterUser, opaque),
            (Point::Authorization, apop(octets - 40)),
        ]
    };
    for (point, command) in filled(255) {
        assert_eq!((command.octets(), encoded(&command).len()), (255, 255));
        let mut run = all_ways(tolerant(), &point.script());
        let before = run.sent.len();
        assert!(run.send(&command).is_ok());
        assert_eq!(run.sent[before..], encoded(&command));
    }
    let too_long = SendError::TooLong { octets: 256, limit: 255 };
    assert!(!too_long.is_transient());
    for (point, command) in filled(256) {
        assert_eq!((command.octets(), encoded(&command).len()), (256, 256));
        let mut run = all_ways(tolerant(), &point.script());
        assert_eq!(run.send(&command), Err(too_long.clone()));
    }
    assert!(Command::raw(&"x".repeat(253), RawFraming::SingleLine).is_ok());
    assert_eq!(
        Command::raw(&"x".repeat(254), RawFraming::SingleLine),
        Err(InvalidValue::TooLong { octets: 254, limit: 253 })
    );
}

/// R1939-13.01, R8314-5.2.02, R2595-2.3.01, I10, B1, B4: which commands leave under which policy over which channel.
#[test]
fn security_policies_and_channels() {
    let policies = [
        Security::Implicit,
        Security::StlsRequired,
        Security::StlsPreferred,
        Security::PlaintextAllowed,
    ];
    for row in table() {
        for security in policies {
            for channel in [Channel::Clear, Channel::Tls, Channel::Trusted] {
                let keyword = row.command.keyword();
                let secret =
                    matches!(keyword, None | Some(Keyword::User | Keyword::Pass | Keyword::Apop))
                        || matches!(row.command, Command::Auth { .. });
                assert_eq!(row.command.holds_credential(), secret);
                // R2595-2.2.01: over a channel that is protected everything, in clear what the policy says.
                let leaves = channel != Channel::Clear
                    || match security {
                        Security::PlaintextAllowed => true,
                        Security::StlsPreferred => !secret,
                        _ => matches!(keyword, Some(Keyword::Capa | Keyword::Stls | Keyword::Quit)),
                    };
                // Behind a login only where there can be one; everything else is not legal anyway.
                let mut run = Run::new(ClientConfig::strict(security), channel);
                run.feed(GREETING);
                if !row.legal.contains('A') {
                    let named = run.send(&user("mrose")).is_ok();
                    let may = channel != Channel::Clear || security == Security::PlaintextAllowed;
                    assert_eq!(named, may);
                    if !named {
                        assert_eq!(run.sent, b"");
                        continue;
                    }
                    run.feed(b"+OK\r\n");
                    if row.legal != "U" {
                        run.send(&pass("secret")).unwrap();
                        run.feed(b"+OK\r\n");
                    }
                }
                let before = run.sent.len();
                let context = format!("{} under {security:?} over {channel}", row.wire);
                match run.send(&row.command) {
                    Err(SendError::TooLateForTls) => {
                        assert!(keyword == Some(Keyword::Stls) && channel == Channel::Tls);
                    }
                    Ok(_) => assert!(leaves, "{context} left"),
                    Err(error) => {
                        assert_eq!(error, SendError::NotProtected { keyword }, "{context}");
                        assert!(!leaves && !error.is_transient(), "{context}");
                        assert_eq!(run.sent.len(), before, "{context}");
                    }
                }
            }
        }
    }
}

/// A raw line cannot get around the rules of a command that has rules, whatever its case and its arguments.
#[test]
fn raw_refuses_every_keyword_in_any_case() {
    for &keyword in Keyword::ALL {
        let upper = keyword.as_str();
        let mixed: String = upper
            .char_indices()
            .map(|(at, c)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c })
            .collect();
        for word in [upper, &upper.to_ascii_lowercase(), &mixed] {
            for line in
                [word.to_owned(), format!("{word} "), format!("{word} 1"), format!("{word}  x")]
            {
                for framing in [RawFraming::SingleLine, RawFraming::Multiline] {
                    assert_eq!(
                        Command::raw(&line, framing),
                        Err(InvalidValue::RawKeyword(keyword)),
                        "{line:?}"
                    );
                }
            }
        }
    }
    for (line, error) in [
        ("", InvalidValue::Empty),
        (" DELE 1", InvalidValue::ForbiddenOctet { at: 0 }),
        ("XTND\r\nDELE 1", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND\nDELE 1", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND\0", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND\tx", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND ü", InvalidValue::ForbiddenOctet { at: 5 }),
    ] {
        assert_eq!(Command::raw(line, RawFraming::SingleLine), Err(error), "{line:?}");
    }
}

/// I8: after the transport's end, and after a farewell, nothing is taken.
#[test]
fn nothing_is_taken_once_the_server_has_left() {
    let mut run = Run::greeted(tolerant());
    run.session.receive_eof(Eof::Clean);
    assert_eq!(run.send(&Command::Capa), Err(SendError::Over));
    let mut run = Run::greeted(tolerant());
    run.feed(b"-ERR going down\r\n");
    assert_eq!(run.send(&Command::Capa), Err(SendError::Over));
    assert_eq!(run.session.state(), State::Authorization);
    run.end(Eof::Clean);
    assert_eq!(run.take_trace(), ["closed NotRequested farewell - \"going down\" Clean"]);
}
