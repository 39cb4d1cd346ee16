//! STLS: what begins TLS, what does not, and what of the clear survives it.

use pop3_proto::client::{
    Channel, ClientConfig, Eof, Event, Pipelining, ProtocolError, Security, SendError, Support,
    Update, Waiting,
};
use pop3_proto::codec::LineEnding;
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, LanguageRange};

use crate::support::{
    GREETED, GREETING, Run, Step, all_ways, apop, auth, encoded, error_line, expect, pass, presets,
    s, tolerant, user,
};

const STARTED: &str = "#0 starts TLS + \"\"";

/// A session that is to be upgraded, with STLS sent.
fn asked(config: ClientConfig) -> Run {
    let mut run = Run::greeted(config);
    run.send(&Command::Stls).unwrap();
    run
}

/// A session that waits for TLS.
fn due(config: ClientConfig) -> Run {
    let mut run = asked(config);
    run.feed(b"+OK\r\n");
    assert_eq!(run.take_trace(), [STARTED]);
    run
}

/// Every preset, under every policy.
fn configs() -> Vec<ClientConfig> {
    let policies = [
        Security::Implicit,
        Security::StlsRequired,
        Security::StlsPreferred,
        Security::PlaintextAllowed,
    ];
    policies
        .into_iter()
        .flat_map(|security| {
            presets().map(|mut preset| {
                preset.security = security;
                preset
            })
        })
        .collect()
}

/// Every command that there is, one of each form.
fn commands() -> Vec<Command> {
    vec![
        user("mrose"),
        pass("secret"),
        apop(),
        auth("PLAIN", None),
        auth("PLAIN", Some("QUJD")),
        Command::Mechanisms { trailing_space: false },
        Command::Mechanisms { trailing_space: true },
        Command::Stls,
        Command::Utf8,
        Command::Lang(None),
        Command::Lang(Some(LanguageRange::Default)),
        Command::Stat,
        Command::Noop,
        Command::Capa,
        Command::Quit,
    ]
}

/// R2595-4.01: TLS begins behind an exact `+OK`, with or without a text; the session stays in AUTHORIZATION, and its
/// channel changes only when TLS is there.
#[test]
fn an_exact_ok_begins_tls() {
    for config in configs() {
        for (reply, text) in [("+OK\r\n", ""), ("+OK \r\n", ""), ("+OK Begin TLS\r\n", "Begin TLS")]
        {
            let script = [s(GREETING), Step::C(Command::Stls), s(reply)];
            let told = format!("#0 starts TLS + \"{text}\"");
            let mut run = expect(config, &script, &[GREETED, &told]);
            assert_eq!(run.sent, b"STLS\r\n");
            assert_eq!((run.session.state(), run.session.in_flight()), (State::Authorization, 0));
            assert_eq!(run.session.channel(), Channel::Clear);
            run.session.tls_established().unwrap();
            assert_eq!(run.session.channel(), Channel::Tls);
            assert_eq!(run.session.state(), State::Authorization);
            assert_eq!(run.session.waiting(), Waiting::Nothing);
        }
    }
}

/// A17, C1.5: whatever else answers STLS does not begin TLS, in any preset.
#[test]
fn nothing_else_begins_tls() {
    for config in configs() {
        for line in [
            "+OKAY", "OK", "+", "*", "+ok", "+Ok", "+ ", "+ OK", "+OK:", "+OK\tgo", " +OK",
            "+OKgo", "", "ok", "-err", "-ERRno", "-OK", "220 go", "+OK\r", "-",
        ] {
            let script = [s(GREETING), Step::C(Command::Stls), s(format!("{line}\r\n"))];
            let mut run = all_ways(config, &script);
            let trace = run.take_trace();
            assert!(trace[1].starts_with("error MalformedStatus"), "{line:?}: {trace:?}");
            assert_eq!(
                (run.session.channel(), run.session.state()),
                (Channel::Clear, State::Failed)
            );
            assert!(run.session.tls_established().is_err());
        }
        // A bare LF ends no reply to STLS, not even where it ends others.
        for ending in [LineEnding::Crlf, LineEnding::CrlfOrLf] {
            let mut config = config;
            config.leniency.line_ending = ending;
            for reply in ["+OK\n", "+OK go\n", "-ERR\n", "\n"] {
                let script = [s(GREETING), Step::C(Command::Stls), s(reply)];
                let run = expect(config, &script, &[GREETED, "error BareLineFeed"]);
                assert_eq!(run.session.channel(), Channel::Clear);
            }
        }
    }
}

/// What somebody on the way may put behind a reply.
const SURPLUS: [&str; 14] = [
    "+",
    "x",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "\u{16}\u{3}\u{1}",
    "+O",
    "+OK",
    "+OK\r\n",
    "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n",
    "+OK user accepted\r\n+OK authenticated\r\n",
    "+OK\r\nSASL PLAIN\r\n.\r\n",
    "-ERR go away\r\n",
];

/// A1 to A15, C1.1, I12: an octet behind the `+OK`, in the same read, and there is no TLS.
#[test]
fn octets_behind_the_positive_reply() {
    for config in configs() {
        for surplus in SURPLUS {
            let mut run = asked(config);
            run.feed(format!("+OK Begin TLS\r\n{surplus}").as_bytes());
            assert_eq!(run.take_trace(), [error_line(&ProtocolError::OctetsAfterStls)]);
            assert_eq!(run.session.state(), State::Failed);
            assert_eq!(
                run.session.tls_established(),
                Err(SendError::WrongState { keyword: Some(Keyword::Stls), state: State::Failed })
            );
            assert_eq!(
                (run.session.channel(), run.sent.as_slice()),
                (Channel::Clear, &b"STLS\r\n"[..])
            );
            // However the reply before them was cut.
            for cut in 1..=5 {
                let (first, second) = "+OK\r\n".split_at(cut);
                let mut run = asked(config);
                run.session.receive(first.as_bytes());
                if cut < 5 {
                    assert_eq!(run.session.poll_event(), Ok(None));
                }
                run.session.receive(format!("{second}{surplus}").as_bytes());
                assert_eq!(run.session.poll_event(), Err(ProtocolError::OctetsAfterStls));
            }
        }
    }
}

/// A1, A14, I12: in the next read they are none of the session's: it reads nothing, so that they reach TLS, which they
/// are not.
#[test]
fn octets_behind_the_positive_reply_in_the_next_read() {
    for config in configs() {
        for surplus in SURPLUS {
            let mut run = due(config);
            assert_eq!(run.session.receive(surplus.as_bytes()), 0);
            assert!(run.session.incoming().is_empty() && !run.session.wants_read());
            run.session.received(0);
            assert_eq!(run.session.poll_event(), Ok(None));
            run.session.tls_established().unwrap();
            assert_eq!(run.session.poll_event(), Ok(None));
            run.send(&Command::Capa).unwrap();
            run.feed(b"+OK\r\nX\r\n.\r\n");
            assert_eq!(run.take_trace(), ["#1 started + \"\"", "#1 capability X", "#1 finished"]);
            assert!(run.session.into_remaining().is_empty());
        }
    }
}

/// A3, C1.1, I1: octets behind `-ERR` answer nothing: the session breaks, in the same read and in the next, and they are
/// the reply of no later command.
#[test]
fn octets_behind_the_negative_reply() {
    let refused = "#0 completed - \"no\"";
    for config in configs() {
        for surplus in SURPLUS.into_iter().filter(|surplus| !surplus.starts_with('-')) {
            for steps in
                [vec![s(format!("-ERR no\r\n{surplus}"))], vec![s("-ERR no\r\n"), s(surplus)]]
            {
                let script = [&[s(GREETING), Step::C(Command::Stls)], &steps[..]].concat();
                let run = expect(config, &script, &[GREETED, refused, "error Unsolicited"]);
                assert_eq!(
                    (run.session.state(), run.sent.as_slice()),
                    (State::Failed, &b"STLS\r\n"[..])
                );
            }
            // A command that is sent before they are looked at is not answered by them.
            let mut run = asked(config);
            run.session.receive(format!("-ERR no\r\n{surplus}").as_bytes());
            assert!(matches!(run.session.poll_event(), Ok(Some(Event::Completed { .. }))));
            run.send(&Command::Capa).unwrap();
            assert_eq!(run.session.poll_event(), Err(ProtocolError::Unsolicited));
        }
        // The one thing that may come unasked is a farewell.
        let script = [
            s(GREETING),
            Step::C(Command::Stls),
            s("-ERR no\r\n-ERR bye\r\n"),
            Step::End(Eof::Clean),
        ];
        let farewell = "closed NotRequested farewell - \"bye\" Clean";
        expect(config, &script, &[GREETED, refused, farewell]);
    }
}

/// A16, C1.3: what came before the last octet of STLS had left is no reply to it.
#[test]
fn a_reply_before_stls_has_left() {
    for config in configs() {
        for left in 0..=6 {
            let mut run = Run::greeted(config);
            run.queue(&Command::Stls).unwrap();
            bytes::Buf::advance(&mut run.session.outgoing(), left);
            run.feed(b"+OK\r\n");
            let told = if left == 6 { STARTED } else { "error Unsolicited" };
            assert_eq!(run.take_trace(), [told], "{left} octets had left");
            assert_eq!(run.session.tls_established().is_ok(), left == 6);
        }
        // Nor if only its first octet came too early, or if nobody had looked at it.
        for early in 1..=5 {
            let mut run = Run::greeted(config);
            run.session.receive(&b"+OK\r\n"[..early]);
            run.send(&Command::Stls).unwrap();
            run.feed(&b"+OK\r\n"[early..]);
            assert_eq!(run.take_trace(), ["error Unsolicited"]);
        }
        let mut run = Run::new(config, Channel::Clear);
        run.feed(&[GREETING, b"+OK Begin TLS\r\n"].concat());
        assert_eq!(run.take_trace(), [GREETED, "error Unsolicited"]);
        assert_eq!(run.send(&Command::Stls), Err(SendError::Over));
    }
}

/// R2595-4.03, C1.2: nothing stands before STLS or behind it, whatever may be pipelined.
#[test]
fn nothing_before_or_behind_stls() {
    for mut config in configs() {
        config.pipelining = Pipelining::Always;
        let mut run = Run::greeted(config);
        let barrier = Err(SendError::Barrier { keyword: Keyword::Stls });
        run.queue(&Command::Capa).unwrap();
        assert_eq!(run.queue(&Command::Stls), barrier);
        run.flush();
        assert_eq!(run.send(&Command::Stls), barrier);
        run.feed(b"+OK\r\n.\r\n");
        run.queue(&Command::Stls).unwrap();
        for flushed in [false, true] {
            if flushed {
                run.flush();
            }
            for command in commands() {
                assert_eq!(run.queue(&command), barrier);
            }
        }
        assert_eq!(run.sent, b"CAPA\r\nSTLS\r\n");
    }
}

/// R2595-4.01, R2595-4.03, C1.4: while TLS is due nothing is sent, read or waited for but TLS.
#[test]
fn nothing_happens_while_tls_is_due() {
    for config in configs() {
        let mut run = due(config);
        for command in commands() {
            assert_eq!(run.send(&command), Err(SendError::TlsDue));
        }
        assert!(!SendError::TlsDue.is_transient());
        assert_eq!(run.answer("QUJD"), Err(SendError::NoChallenge));
        assert_eq!(run.session.cancel_auth(), Err(SendError::NoChallenge));
        assert!(!run.session.abandon(run.ids[0]), "it has ended");
        assert_eq!(run.session.waiting(), Waiting::Tls);
        assert!(run.session.incoming().is_empty());
        assert_eq!(run.session.receive(b"+OK\r\n"), 0);
        assert!(!run.session.wants_read() && !run.session.wants_write());
        run.session.release_idle();
        assert!(run.session.incoming().is_empty());
        assert_eq!(run.session.poll_event(), Ok(None));
        assert_eq!(run.sent, b"STLS\r\n");
        run.session.tls_established().unwrap();
        assert!(run.session.wants_read() && !run.session.incoming().is_empty());
        run.send(&Command::Capa).unwrap();
    }
}

/// B7: nobody but the caller, and only when it is due, can say that there is TLS.
#[test]
fn tls_that_is_not_due() {
    let not_due = |run: &mut Run| {
        let state = run.session.state();
        let before = run.picture();
        let error = SendError::WrongState { keyword: Some(Keyword::Stls), state };
        assert_eq!(run.session.tls_established(), Err(error));
        assert_eq!(run.picture(), before, "I8");
    };
    for config in presets() {
        for channel in [Channel::Clear, Channel::Tls, Channel::Trusted] {
            not_due(&mut Run::new(config, channel));
        }
        not_due(&mut Run::greeted(config));
        let mut run = Run::greeted(config);
        run.queue(&Command::Stls).unwrap();
        not_due(&mut run);
        not_due(&mut asked(config));
        let mut run = asked(config);
        run.feed(b"-ERR no\r\n");
        not_due(&mut run);
        let mut run = due(config);
        run.session.tls_established().unwrap();
        not_due(&mut run);
        not_due(&mut Run::in_transaction(config));
        // The transport has ended, so there can be none; whether that has been looked at or not.
        let mut run = due(config);
        run.session.receive_eof(Eof::Clean);
        not_due(&mut run);
        run.poll();
        not_due(&mut run);
        let mut run = due(config);
        run.session.time_out();
        not_due(&mut run);
    }
}

/// B9, H6, H8: the end and a time-out while TLS is due; afterwards the session is over and not waiting for TLS.
#[test]
fn the_end_while_tls_is_due() {
    for config in configs() {
        for eof in [Eof::Clean, Eof::Abrupt] {
            let script = [s(GREETING), Step::C(Command::Stls), s("+OK\r\n"), Step::End(eof)];
            let error = error_line(&ProtocolError::UnexpectedEof { waiting: Waiting::Tls, eof });
            let mut run = expect(config, &script, &[GREETED, STARTED, &error]);
            assert_eq!(run.send(&Command::Quit), Err(SendError::Over));
            assert_eq!(run.session.waiting(), Waiting::Nothing);
            assert_eq!(run.session.update(), Update::NotRequested);
        }
        let mut run = due(config);
        let error = ProtocolError::TimedOut { waiting: Waiting::Tls };
        assert_eq!(error.to_string(), "timed out waiting for the TLS handshake");
        assert_eq!(run.session.time_out(), error);
        assert_eq!(run.session.poll_event(), Err(error));
        for command in commands() {
            assert_eq!(run.send(&command), Err(SendError::Over));
        }
        // The end before the reply is as with any command.
        let mut run = asked(config);
        run.feed(b"+OK");
        run.end(Eof::Clean);
        let waiting = Waiting::Reply(run.ids[0]);
        assert_eq!(
            run.take_trace(),
            [error_line(&ProtocolError::UnexpectedEof { waiting, eof: Eof::Clean })]
        );
    }
}

/// R2595-4.04, R5034-4.19, A4, I12: what the server told in clear is forgotten: its capabilities, with them PIPELINING, and
/// what it had refused. The greeting stays, and its timestamp is good for APOP (RFC 1939 §7).
#[test]
fn what_was_told_in_clear_is_forgotten() {
    for config in presets() {
        let mut run = Run::greeted(config);
        run.send(&Command::Capa).unwrap();
        run.feed(b"+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n");
        run.send(&apop()).unwrap();
        run.feed(b"-ERR [AUTH] in clear\r\n");
        run.send(&Command::Stls).unwrap();
        assert!(run.session.capabilities().is_some() && run.session.may_pipeline());
        run.feed(b"+OK\r\n");
        run.session.tls_established().unwrap();
        assert_eq!(run.session.capabilities(), None);
        assert!(!run.session.may_pipeline());
        assert!(run.session.greeting().is_some_and(|greeting| greeting.timestamp().is_some()));
        run.send(&apop()).unwrap();
        run.feed(b"-ERR\r\n");

        let mut run = Run::greeted(config);
        run.send(&apop()).unwrap();
        run.feed(b"-ERR [AUTH] in clear\r\n");
        run.send(&Command::Stls).unwrap();
        run.feed(b"+OK\r\n");
        run.session.tls_established().unwrap();
        run.take_trace();
        run.send(&auth("X", None)).unwrap();
        run.end(Eof::Clean);
        let error = ProtocolError::AuthenticationInterrupted { refusal: None, eof: Eof::Clean };
        assert_eq!(run.take_trace(), [error_line(&error)]);

        let mut run = Run::greeted(config);
        run.send(&Command::Capa).unwrap();
        run.feed(b"-ERR what?\r\n");
        assert_eq!(run.session.support(Keyword::Capa), Support::Missing);
        run.send(&Command::Stls).unwrap();
        run.feed(b"+OK\r\n");
        run.session.tls_established().unwrap();
        assert_eq!(run.session.support(Keyword::Capa), Support::Unknown);
    }
}

/// R2595-4.06, R6856-2.1.03: STLS comes once, not where TLS is already, and not after UTF8. R6856-7.01: after LANG it may.
#[test]
fn stls_comes_first_and_once() {
    let too_late = Err(SendError::TooLateForTls);
    assert!(!SendError::TooLateForTls.is_transient());
    for config in presets() {
        let mut run = due(config);
        run.session.tls_established().unwrap();
        assert_eq!(run.send(&Command::Stls), too_late);
        let mut run = Run::new(config, Channel::Tls);
        run.feed(GREETING);
        assert_eq!(run.send(&Command::Stls), too_late);
        for (reply, utf8) in [("+OK\r\n", true), ("-ERR\r\n", false)] {
            let mut run = Run::greeted(config);
            run.send(&Command::Utf8).unwrap();
            run.feed(reply.as_bytes());
            assert_eq!(run.session.utf8(), utf8);
            let sent = run.send(&Command::Stls);
            if utf8 {
                assert_eq!(sent, too_late);
            } else {
                assert!(sent.is_ok());
            }
        }
        let mut run = Run::greeted(config);
        run.send(&Command::Lang(Some(LanguageRange::Default))).unwrap();
        run.feed(b"+OK en go\r\n");
        run.send(&Command::Stls).unwrap();
        // Between USER and PASS there is no place for it, and none in TRANSACTION.
        let mut run = Run::greeted(config);
        run.send(&user("mrose")).unwrap();
        run.feed(b"+OK\r\n");
        let wrong = |state| Err(SendError::WrongState { keyword: Some(Keyword::Stls), state });
        assert_eq!(run.send(&Command::Stls), wrong(State::Authorization));
        assert_eq!(Run::in_transaction(config).send(&Command::Stls), wrong(State::Transaction));
    }
}

/// STLS cannot be given up: if the server is ready for TLS the session fails, if it refuses it goes on.
#[test]
fn abandoned_stls() {
    for config in configs() {
        let script = |reply| [s(GREETING), Step::C(Command::Stls), Step::Abandon(0), s(reply)];
        let mut run = expect(config, &script("+OK\r\n"), &[GREETED, "error StlsAbandoned"]);
        assert!(run.session.tls_established().is_err());
        assert_eq!(run.session.channel(), Channel::Clear);
        let mut run = expect(config, &script("-ERR no\r\n"), &[GREETED, "#0 completed - \"no\""]);
        run.send(&Command::Capa).unwrap();
        // Whatever stands behind the answer, and however it is read with it (I1).
        for pieces in [&[&b"+OK\r\n+OK\r\n"[..]][..], &[b"+OK\r\n", b"+OK\r\n"]] {
            let mut run = Run::greeted(config);
            let id = run.send(&Command::Stls).unwrap();
            assert!(run.session.abandon(id));
            for piece in pieces {
                run.feed(piece);
            }
            assert_eq!(run.take_trace(), ["error StlsAbandoned"]);
        }
    }
}

/// B1, B2, B6, B8: a refusal of STLS loosens no policy.
#[test]
fn a_refusal_of_stls_loosens_no_policy() {
    for config in configs() {
        let mut run = asked(config);
        run.feed(b"-ERR STARTTLS not supported\r\n");
        assert_eq!(run.session.channel(), Channel::Clear);
        let raw = Command::raw("XAUTH secret", pop3_proto::RawFraming::SingleLine).unwrap();
        for command in commands().into_iter().chain([raw]) {
            let refused = run.queue(&command).err();
            let not_protected = SendError::NotProtected { keyword: command.keyword() };
            let kept = match config.security {
                Security::PlaintextAllowed => false,
                Security::StlsPreferred => command.holds_credential(),
                _ => !matches!(command, Command::Capa | Command::Stls | Command::Quit),
            };
            let legal = !matches!(command, Command::Stat | Command::Noop | Command::Pass(_));
            if kept && legal {
                assert_eq!(refused, Some(not_protected), "{command:?}");
            } else {
                assert_ne!(refused, Some(not_protected), "{command:?}");
            }
            if refused.is_none() {
                run = asked(config);
                run.feed(b"-ERR STARTTLS not supported\r\n");
            }
        }
    }
}

/// RFC 8314 §5.2: over a channel that is trusted STLS may still begin TLS, and the session then stands on TLS.
#[test]
fn stls_over_a_trusted_channel() {
    for config in configs() {
        let mut run = Run::new(config, Channel::Trusted);
        run.feed(GREETING);
        run.send(&Command::Stls).unwrap();
        run.feed(b"+OK\r\n");
        assert_eq!(run.take_trace(), [GREETED, STARTED]);
        assert_eq!(run.send(&user("mrose")), Err(SendError::TlsDue));
        run.session.tls_established().unwrap();
        assert_eq!(run.session.channel(), Channel::Tls);
        assert_eq!(run.send(&Command::Stls), Err(SendError::TooLateForTls));
        run.send(&user("mrose")).unwrap();
        assert_eq!(run.sent, [&b"STLS\r\n"[..], &encoded(&user("mrose"))].concat());
    }
}

/// I9: a failed upgrade commits nothing, and marks nothing.
#[test]
fn a_handshake_that_fails_ends_the_session() {
    let mut run = due(tolerant());
    run.end(Eof::Abrupt);
    assert_eq!(run.session.update(), Update::NotRequested);
    assert_eq!(run.session.state(), State::Failed);
    assert!(run.session.into_remaining().is_empty());
}
