//! What the client says in an exchange: how long it may be, and that nothing shows it.

use pop3_proto::MechanismName;
use pop3_proto::client::{Channel, ClientConfig, Event, Security, SendError};
use pop3_proto::state::Keyword;

use crate::support::{
    self, GREETING, Run, Step, auth, base64, presets, s, shows_the_canary, tolerant,
};

/// R5034-4.17: a line of AUTH has 255 octets at most; what is longer is refused, not cut and not put off.
#[test]
fn an_initial_response_keeps_the_line_within_255_octets() {
    let text = "QUJD".repeat(60);
    for (mechanism, octets) in [("ABCDEFG", 255), ("ABCDEFGH", 256)] {
        let command = auth(mechanism, Some(&text));
        assert_eq!(command.octets(), octets);
        for config in presets() {
            let mut run = Run::greeted(config);
            let sent = run.send(&command);
            if octets <= 255 {
                assert!(sent.is_ok());
                assert_eq!(run.sent, format!("AUTH {mechanism} {text}\r\n").as_bytes());
            } else {
                assert_eq!(sent, Err(SendError::TooLong { octets, limit: 255 }));
                assert!(run.send(&auth(mechanism, None)).is_ok());
                run.feed(b"+ \r\n");
                run.answer(&text).unwrap();
                assert_eq!(run.sent, format!("AUTH {mechanism}\r\n{text}\r\n").as_bytes());
            }
        }
    }
}

/// R5034-4.08: a response may be as long as the limit.
#[test]
fn a_response_of_the_limit() {
    let mut config = tolerant();
    config.limits.sasl_line = 66;
    let mut run = Run::greeted(config);
    run.run(&[Step::C(auth("X", None)), s("+ \r\n")], support::Cut::Whole);
    let refused = SendError::TooLong { octets: 70, limit: 66 };
    assert_eq!(run.answer(&"A".repeat(68)), Err(refused));
    assert_eq!(run.answer(&"A".repeat(64)), Ok(()));
}

/// I6: the mechanism and the text of an exchange are whole words; a line end cannot be made to stand in them.
#[test]
fn nothing_is_injected_into_an_exchange() {
    for text in ["QUJD\r\nDELE 1", "QUJD\r\n", "*", "\n", "QU JD", "=", "QUJD\0"] {
        assert!(pop3_proto::Base64::new(text).is_err(), "{text:?}");
        assert!(MechanismName::new(text).is_err(), "{text:?}");
    }
}

/// I10, K7 to K11: nothing shows what the client says in an exchange, nor what the server challenges it with; not where it
/// waits, has left or comes back.
#[test]
fn nothing_shows_a_response() {
    // `\0mrose\0Tr0ub4dor&3`, and a challenge that echoes the password.
    const RESPONSE: &str = "AG1yb3NlAFRyMHViNGRvciYz";
    const ECHO: &str = "VHIwdWI0ZG9yJjM=";
    assert!(shows_the_canary(RESPONSE) && shows_the_canary(ECHO));
    let check = |text: String| assert!(!shows_the_canary(&text), "{text}");
    let command = auth("PLAIN", Some(RESPONSE));
    check(format!("{command:?}{command:#?}{:?}", base64(RESPONSE)));
    for config in presets() {
        let challenged = || {
            let mut run = Run::greeted(config);
            run.queue(&command).unwrap();
            check(format!("{:?}{:#?}", run.session, run.session));
            run.flush();
            check(format!("{:?}", run.session));
            run.session.receive(format!("+ {ECHO}\r\n").as_bytes());
            check(format!("{:?}", run.session));
            let event = run.session.poll_event();
            assert!(matches!(event, Ok(Some(Event::Challenge { .. }))));
            check(format!("{event:?}{event:#?}{:?}", run.session));
            run.session.answer(&base64(RESPONSE)).unwrap();
            check(format!("{:?}{:?}", run.session, run.session.waiting()));
            let outgoing = format!("{:?}", run.session.outgoing());
            check(outgoing);
            run.flush();
            run
        };
        assert!(challenged().sent.ends_with(format!("{RESPONSE}\r\n").as_bytes()));
        // Echoes: whole, cut off, too long, as junk, and as a challenge that is none.
        for said in [
            format!("{RESPONSE}\r\n"),
            format!("{RESPONSE}\n"),
            format!("{RESPONSE}{}\r\n", "x".repeat(70_000)),
            format!("+OK\r\n{RESPONSE}\r\n"),
            format!("+ {RESPONSE} \r\n"),
            format!("+{RESPONSE}\r\n"),
        ] {
            // Under `any_plus_positive` an echo is a reply, and its text is the caller's.
            if config.leniency.any_plus_positive {
                continue;
            }
            let mut run = challenged();
            run.session.receive(said.as_bytes());
            loop {
                match run.session.poll_event() {
                    Ok(Some(event)) => check(format!("{event:?}{event:#?}")),
                    Ok(None) => break,
                    Err(error) => {
                        check(format!("{error:?} {error}"));
                        break;
                    }
                }
            }
            check(format!("{:?}{:#?}", run.session, run.session));
            let error = run.session.time_out();
            check(format!("{error:?} {error}"));
        }
    }
    let mut session = Run::new(ClientConfig::new(Security::StlsPreferred), Channel::Clear);
    session.feed(GREETING);
    let error = session.send(&command).unwrap_err();
    assert_eq!(error, SendError::NotProtected { keyword: Some(Keyword::Auth) });
    check(format!("{error:?} {error}"));
    assert_eq!(session.sent, b"");
}
