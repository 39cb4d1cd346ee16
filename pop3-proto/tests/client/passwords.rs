//! No password is shown: not of a command, nor of a session that has it.

use pop3_proto::client::{Channel, ClientConfig, ClientSession};
use pop3_proto::{ApopDigest, Command, Mailbox, Password, RawFraming, Secret};

use crate::support::{
    CANARY, DIGEST, GREETING, Run, encoded, pass, presets, shows_the_canary, user,
};

/// The checker sees what it is to see.
#[test]
fn the_canary_is_seen() {
    for shown in [
        "xTr0ub4dor&3x",
        "VHIwdWI0ZG9yJjM=",
        "eFRyMHViNGRvciYz",
        "eHlUcjB1YjRkb3ImMw==",
        "547230756234646F722633",
    ] {
        assert!(shows_the_canary(shown), "{shown}");
    }
    assert!(shows_the_canary(&format!("{:?}{:#?}", CANARY.as_bytes(), ())));
    assert!(shows_the_canary(&format!("{:#?}", CANARY.as_bytes())));
    assert!(!shows_the_canary("Password(..)"));
}

/// I10, K7 to K11: no `Debug` and no `Display` shows a password: not of a command, nor of a session that has it in
/// flight, has sent it, has lost it or was told it back by a server that takes it for a line of its own.
#[test]
fn nothing_shows_a_password() {
    let mut shown = String::new();
    let mut show = |text: String| {
        assert!(!shows_the_canary(&text), "{text}");
        shown += &text;
    };
    let password = pass(CANARY);
    let digest = ApopDigest::new(DIGEST).unwrap();
    show(format!("{password:?}{password:#?}{:?}", Secret::new(CANARY)));
    let apop = Command::Apop { mailbox: Mailbox::new("mrose").unwrap(), digest };
    show(format!("{apop:?}{apop:#?}"));
    let raw = Command::raw(&format!("XAUTH {CANARY}"), RawFraming::SingleLine).unwrap();
    show(format!("{raw:?}{raw:#?}"));
    show(format!("{:?}", Password::new(&format!("{CANARY}\n"))));
    let parsed = Command::parse(format!("PASS {CANARY}").as_bytes());
    show(format!("{parsed:?} {:?}", Command::parse(format!("PASS {CANARY}\0").as_bytes())));
    show(format!("{:?}", Command::parse(format!("pas {CANARY}").as_bytes())));

    for (command, named) in [(password, true), (apop, false), (raw, false)] {
        for config in presets() {
            let reach = || {
                let mut run = Run::greeted(config);
                if named {
                    run.send(&user("mrose")).unwrap();
                    run.feed(b"+OK\r\n");
                    run.take_trace();
                }
                run
            };
            let mut run = reach();
            run.queue(&command).unwrap();
            show(format!("{:?}{:#?}", run.session, run.session));
            show(format!("{:?}", run.session.outgoing()));
            bytes::Buf::advance(&mut run.session.outgoing(), 8);
            show(format!("{:?}", run.session));
            run.flush();
            show(format!("{:?}", run.session));
            assert!(
                run.sent
                    .windows(3)
                    .any(|octets| octets == b"bad" || octets == b"dor" || octets == b"c4c")
            );
            // The server echoes the line: whole, in part, as junk behind a reply, too long, and with a bare LF.
            let echo = encoded(&command);
            let long = [&echo[..echo.len() - 2], &[b'x'; 9000], b"\r\n"].concat();
            for said in [
                echo.clone(),
                echo[..echo.len() - 1].to_vec(),
                [b"+OK\r\n", &echo[..]].concat(),
                [&echo[..echo.len() - 2], b"\n"].concat(),
                long,
            ] {
                let mut run = reach();
                run.send(&command).unwrap();
                assert_ne!(run.session.receive(&said), 0);
                show(format!("{:?}", run.session));
                // Under `any_plus_positive` an echo is a reply, and its text is the caller's.
                if config.leniency.any_plus_positive {
                    continue;
                }
                loop {
                    match run.session.poll_event() {
                        Ok(Some(event)) => show(format!("{event:?}")),
                        Ok(None) => break,
                        Err(error) => {
                            show(format!("{error:?} {error}"));
                            break;
                        }
                    }
                }
                show(format!("{:?}{:#?}", run.session, run.session));
                let error = run.session.time_out();
                show(format!("{error:?} {error} {:?}", run.session));
            }
        }
    }
    // Refusals.
    let mut session = ClientSession::new(
        ClientConfig::strict(pop3_proto::client::Security::StlsRequired),
        Channel::Clear,
    );
    session.receive(GREETING);
    for command in [user(CANARY), pass(CANARY)] {
        let error = session.send(&command).unwrap_err();
        show(format!("{error:?} {error}"));
    }
    assert!(shown.contains("Password(..)") && shown.contains("withheld"));
}
