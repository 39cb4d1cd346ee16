//! Every way in which an exchange ends: success, refusal, the end of the connection, and the client's own will.

use pop3_proto::Command;
use pop3_proto::client::{Eof, Event, ProtocolError, SendError, Waiting};
use pop3_proto::codec::LineEnding;
use pop3_proto::state::{Keyword, State};

use super::{answered, auth_and, others_work};
use crate::support::{
    self, GREETED, GREETING, Run, Step, all_ways, apop, auth, base64, expect, outlook, pass,
    presets, s, strict, tolerant, user,
};

/// C14.3, I12: `+OK` before the client has said anything authenticates nobody.
#[test]
fn a_success_before_a_word_of_the_client() {
    for (config, line) in [
        (strict(), "+OK\r\n"),
        (strict(), "+OK welcome\r\n"),
        (tolerant(), "+ok\r\n"),
        (tolerant(), "+Ok welcome\r\n"),
        (tolerant(), "+OK\twelcome\r\n"),
        (outlook(), "+ok\r\n"),
        (outlook(), "+OKAY\r\n"),
        (outlook(), "+welcome\r\n"),
    ] {
        let run = expect(config, &auth_and(&[s(line)]), &[GREETED, "error ServerNotVerified"]);
        assert_eq!(run.session.state(), State::Failed, "{line}");
    }
    // Where `+OK` is a challenge it is answered before anything else counts.
    for config in [tolerant(), outlook()] {
        let trace = [GREETED, "#0 deviation OkAsContinuation", "#0 challenge \"\""];
        for twice in [vec![s("+OK\r\n+OK in\r\n")], vec![s("+OK\r\n"), s("+OK in\r\n")]] {
            let run =
                expect(config, &auth_and(&twice), &[&trace[..], &["error Unsolicited"]].concat());
            assert_eq!(run.session.state(), State::Failed);
        }
        let script = auth_and(&[s("+OK\r\n"), Step::Answer("QUJD"), s("+OK in\r\n")]);
        let run = expect(config, &script, &[&trace[..], &["#0 completed + \"in\""]].concat());
        assert_eq!(run.session.state(), State::Transaction);
    }
    // With an initial response `+OK` is the success that it says, in every preset.
    for config in presets() {
        for first in ["QUJD", ""] {
            let script = [s(GREETING), Step::C(auth("PLAIN", Some(first))), s("+OK in\r\n")];
            let run = expect(config, &script, &[GREETED, "#0 completed + \"in\""]);
            assert_eq!(run.session.state(), State::Transaction);
        }
    }
}

/// I6, R5034-4.20, R5034-4.25, R5034-4.30, R5034-4.33: `-ERR` ends an exchange wherever it stands, is decoded by nobody,
/// and leaves the session as it was.
#[test]
fn a_refusal_ends_an_exchange_anywhere() {
    for config in presets() {
        let scripts = [
            auth_and(&[]),
            [s(GREETING), Step::C(auth("PLAIN", Some("QUJD")))].to_vec(),
            answered(),
            [&answered()[..], &[s("+ QUJD\r\n"), Step::Answer("")]].concat(),
        ];
        for script in scripts {
            for (line, text) in
                [("-ERR\r\n", ""), ("-ERR QUJD\r\n", "QUJD"), ("-ERR [AUTH] %\r\n", "[AUTH] %")]
            {
                let before = Run::greeted(config).picture();
                let script = [&script[..], &[s(line)]].concat();
                let mut run = all_ways(config, &script);
                assert_eq!(run.take_trace().last().unwrap(), &format!("#0 completed - \"{text}\""));
                assert_eq!(run.picture(), before, "as if AUTH had not been sent");
                others_work(&script, config);
            }
        }
    }
}

/// R5034-4.22, R4422-3.8.01: after a success there is no other, and before one no PASS.
#[test]
fn one_success_is_enough() {
    for config in presets() {
        let script = [answered(), vec![s("+OK in\r\n")]].concat();
        let mut run = all_ways(config, &script);
        assert_eq!(run.session.state(), State::Transaction);
        for (command, keyword) in [
            (auth("PLAIN", None), Keyword::Auth),
            (auth("PLAIN", Some("QUJD")), Keyword::Auth),
            (Command::Mechanisms { trailing_space: false }, Keyword::Auth),
            (user("mrose"), Keyword::User),
            (Command::Stls, Keyword::Stls),
        ] {
            let error = SendError::WrongState { keyword: Some(keyword), state: State::Transaction };
            assert_eq!(run.send(&command), Err(error));
        }
        run.send(&Command::Stat).unwrap();
    }
}

/// PEERS, C14.2: the end inside an exchange, at each of its points, with what the server had said to an earlier login.
#[test]
fn the_end_inside_an_exchange() {
    type Reach = fn(&mut Run);
    let points: [Reach; 9] = [
        |_| {},
        |run| run.feed(b"+"),
        |run| run.feed(b"-ERR go"),
        |run| run.feed(b"+ \r\n"),
        |run| {
            run.feed(b"+ \r\n");
            run.session.answer(&base64("QUJD")).unwrap();
        },
        |run| {
            run.feed(b"+ \r\n");
            run.answer("QUJD").unwrap();
        },
        |run| {
            run.feed(b"+ \r\n");
            run.answer("QUJD").unwrap();
            run.feed(b"+ QUJ");
        },
        |run| {
            run.feed(b"+ \r\n");
            run.session.cancel_auth().unwrap();
            run.flush();
        },
        |run| {
            run.feed(b"+ \r\n");
            assert!(run.session.abandon(*run.ids.last().unwrap()));
        },
    ];
    let earlier: [(&[Step], Option<&str>); 8] = [
        (&[], None),
        (&[Step::C(user("a")), s("-ERR no user\r\n")], Some("no user")),
        (
            &[Step::C(user("a")), s("+OK\r\n"), Step::C(pass("b")), s("-ERR [AUTH] b\r\n")],
            Some("[AUTH] b"),
        ),
        (&[Step::C(apop()), s("-ERR no APOP\r\n")], Some("no APOP")),
        (&[Step::C(auth("PLAIN", Some("QQ=="))), s("-ERR\r\n")], Some("")),
        (
            &[Step::C(apop()), s("-ERR first\r\n"), Step::C(auth("X", None)), s("-ERR last\r\n")],
            Some("last"),
        ),
        // What is no login is refused without being remembered.
        (&[Step::C(Command::Mechanisms { trailing_space: false }), s("-ERR no list\r\n")], None),
        (
            &[Step::C(Command::Capa), s("-ERR no CAPA\r\n"), Step::C(Command::Utf8), s("-ERR\r\n")],
            None,
        ),
    ];
    for config in presets() {
        for (before, refusal) in &earlier {
            for reach in points {
                for eof in [Eof::Clean, Eof::Abrupt] {
                    let mut run = Run::greeted(config);
                    run.run(before, support::Cut::Whole);
                    run.send(&auth("LOGIN", None)).unwrap();
                    reach(&mut run);
                    run.end(eof);
                    let error = run.session.poll_event().unwrap_err();
                    let ProtocolError::AuthenticationInterrupted { refusal: of, eof: how } = &error
                    else {
                        panic!("{error:?}");
                    };
                    let text = of.as_ref().map(|of| of.response().text.octets());
                    assert_eq!((text, *how), (refusal.map(str::as_bytes), eof));
                    assert!(of.as_ref().is_none_or(|of| !of.response().is_ok()));
                    assert_eq!(run.session.state(), State::Failed);
                    assert_eq!(run.session.answer(&base64("")), Err(SendError::Over));
                    assert_eq!(run.session.cancel_auth(), Err(SendError::Over));
                }
            }
        }
    }
    // AUTH that waits to be written is an exchange too; after a success, and in another command, there is none.
    let mut run = Run::greeted(tolerant());
    run.queue(&auth("X", None)).unwrap();
    run.end(Eof::Clean);
    assert_eq!(run.take_trace(), ["error AuthenticationInterrupted { refusal: None, eof: Clean }"]);
    let mut run = Run::greeted(tolerant());
    run.send(&user("a")).unwrap();
    run.end(Eof::Clean);
    assert_eq!(
        run.take_trace(),
        ["error UnexpectedEof { waiting: Reply(CommandId(0)), eof: Clean }"]
    );
}

/// K5: a refusal that an error holds is no longer than a line that one holds.
#[test]
fn a_remembered_refusal_is_bounded() {
    let mut run = Run::greeted(tolerant());
    run.send(&apop()).unwrap();
    run.feed(format!("-ERR \x1b{}\r\n", "x".repeat(8000)).as_bytes());
    run.send(&auth("X", None)).unwrap();
    run.end(Eof::Clean);
    let error = run.session.poll_event().unwrap_err();
    let ProtocolError::AuthenticationInterrupted { refusal: Some(refusal), .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(refusal.response().text.octets().len(), 120);
    for shown in [format!("{error}"), format!("{error:?}")] {
        assert!(shown.len() < 1024 && !shown.contains('\x1b'), "{shown}");
        assert!(shown.contains("withheld"), "{shown}");
    }
}

/// H1: a farewell while our response is due. Nothing is answered any more, and what is waited for is the end.
#[test]
fn a_farewell_while_our_response_is_due() {
    for config in presets() {
        for eof in [Eof::Clean, Eof::Abrupt] {
            let farewell = format!("closed NotRequested farewell - \"too slow\" {eof:?}");
            let script = auth_and(&[s("+ \r\n-ERR too slow\r\n"), Step::End(eof)]);
            expect(config, &script, &[GREETED, "#0 challenge \"\"", &farewell]);
        }
        let mut run = all_ways(config, &auth_and(&[s("+ \r\n-ERR too slow\r\n")]));
        assert_eq!(run.session.waiting(), Waiting::Close);
        assert_eq!(run.answer("QUJD"), Err(SendError::Over));
        assert_eq!(run.session.cancel_auth(), Err(SendError::Over));
        assert!(run.session.abandon(run.ids[0]));
        assert!(!run.session.wants_write(), "there is nobody to tell");
        run.feed(b"+OK\r\n");
        assert_eq!(run.take_trace().last().unwrap(), "error Unsolicited");
    }
}

/// R5034-4.09, I5: an abandoned exchange is cancelled at its next challenge or at the one that waits, once; nothing more is
/// told of it but its end.
#[test]
fn abandoned_exchanges() {
    for config in presets() {
        // Before the challenge, whatever that is.
        for challenge in ["+ \r\n", "+ QUJD\r\n", "+ ====\r\n"] {
            let script = [&answered()[..], &[Step::Abandon(0), s(challenge)]].concat();
            let mut run = expect(config, &script, &[GREETED, "#0 challenge \"\""]);
            run.flush();
            assert_eq!(run.sent, b"AUTH PLAIN\r\nQUJD\r\n*\r\n");
            assert!(run.session.abandon(run.ids[0]), "it is in flight still");
            assert!(!run.session.wants_write(), "once is enough");
            run.feed(b"-ERR no\r\n");
            assert_eq!(run.take_trace(), ["#0 completed - \"no\""]);
            assert!(!run.session.abandon(run.ids[0]));
        }
        // While the challenge waits to be polled: it is not told.
        let mut run = Run::greeted(config);
        let id = run.send(&auth("X", None)).unwrap();
        assert_eq!(run.session.receive(b"+\r\n"), 3);
        let deviation = run.session.poll_event();
        assert!(matches!(deviation, Ok(Some(Event::Deviation { .. }))));
        assert_eq!(run.session.waiting(), Waiting::Answer(id));
        assert!(run.session.abandon(id));
        assert_eq!(run.session.poll_event(), Ok(None));
        run.flush();
        assert_eq!(run.sent, b"AUTH X\r\n*\r\n");
        // While the cancellation waits to be polled: nor is that.
        let mut lines = config;
        lines.leniency.line_ending = LineEnding::CrlfOrLf;
        let mut run = Run::greeted(lines);
        let id = run.send(&auth("X", Some("QUJD"))).unwrap();
        assert_eq!(run.session.receive(b"+ %\n"), 4);
        assert!(matches!(run.session.poll_event(), Ok(Some(Event::Deviation { .. }))));
        assert!(run.session.abandon(id));
        assert_eq!(run.session.poll_event(), Ok(None));
        run.flush();
        assert_eq!(run.sent, b"AUTH X QUJD\r\n*\r\n");
        // After it was cancelled: nothing more is sent.
        let script = auth_and(&[s("+ \r\n"), Step::CancelAuth, Step::Abandon(0), s("-ERR no\r\n")]);
        let run = expect(config, &script, &[GREETED, "#0 challenge \"\"", "#0 completed - \"no\""]);
        assert_eq!(run.sent, b"AUTH PLAIN\r\n*\r\n");
        // Without another challenge its end is told, and takes effect.
        for (reply, told, state) in [
            ("+OK in\r\n", "#0 completed + \"in\"", State::Transaction),
            ("-ERR no\r\n", "#0 completed - \"no\"", State::Authorization),
        ] {
            let script = [&answered()[..], &[Step::Abandon(0), s(reply)]].concat();
            let run = expect(config, &script, &[GREETED, "#0 challenge \"\"", told]);
            assert_eq!((run.session.state(), run.sent.contains(&b'*')), (state, false));
        }
    }
}

/// What a session waits for in an exchange; H8: that is what a time-out names. I8: while it goes on nothing else is taken.
#[test]
fn what_an_exchange_waits_for() {
    let mut run = Run::greeted(tolerant());
    let refused = Err(SendError::NoChallenge);
    assert_eq!((run.answer(""), run.session.cancel_auth()), (refused.clone(), refused.clone()));
    let id = run.queue(&auth("LOGIN", None)).unwrap();
    let mut picture = Vec::new();
    let mut look = |run: &mut Run, answers: bool| {
        picture.push(run.session.waiting());
        if !answers {
            assert_eq!(run.answer("QUJD"), refused);
            assert_eq!(run.session.cancel_auth(), refused);
        }
        let barrier = SendError::Barrier { keyword: Keyword::Auth };
        for command in [Command::Capa, Command::Quit, Command::Stls, auth("X", None)] {
            assert_eq!(run.queue(&command), Err(barrier.clone()));
        }
        assert!(run.session.wants_read() && run.session.in_flight() == 1);
    };
    look(&mut run, false);
    run.flush();
    look(&mut run, false);
    run.feed(b"+ VXNlcm5hbWU6\r\n");
    look(&mut run, true);
    run.session.answer(&base64("QUJD")).unwrap();
    look(&mut run, false);
    run.flush();
    look(&mut run, false);
    run.feed(b"+ UGFzc3dvcmQ6\r\n");
    look(&mut run, true);
    let round = [Waiting::Write, Waiting::Reply(id), Waiting::Answer(id)];
    assert_eq!(picture, [round, round].concat());
    let waiting = Waiting::Answer(id);
    assert_eq!(waiting.to_string(), "a response to the server's challenge");
    assert_eq!(run.session.time_out(), ProtocolError::TimedOut { waiting });
    assert_eq!(run.answer("QUJD"), Err(SendError::Over));
    assert_eq!(run.session.in_flight(), 0);
}
