//! AUTH conducted by the caller: challenges and responses, and every way in which an exchange ends.

mod support;

use pop3_proto::client::{
    Channel, ClientConfig, Eof, Event, ProtocolError, Security, SendError, Waiting,
};
use pop3_proto::codec::LineEnding;
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, MechanismName};
use support::{
    GREETED, GREETING, Run, Step, all_ways, apop, auth, base64, error_line, expect, outlook, pass,
    presets, s, shows_the_canary, strict, tolerant, user,
};

// MS-POP3 §4, the same octets as MS-OXPOP3.
const NEGOTIATE: &str = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAFASgKAAAADw==";
const CHALLENGE: &str = "TlRMTVNTUAACAAAAFAAUADgAAAAFgoqinziKqGYjdlEAAAAAAAAAAGQAZABMAAAABQLODgAAAA9UAEUAUwBUAFMARQBSAFYARQBSAAIAFABUAEUAUwBUAFMARQBSAFYARQBSAAEAFABUAEUAUwBUAFMARQBSAFYARQBSAAQAFABUAGUAcwB0AFMAZQByAHYAZQByAAMAFABUAGUAcwB0AFMAZQByAHYAZQByAAAAAAA=";
const AUTHENTICATE: &str = "TlRMTVNTUAADAAAAGAAYAGIAAAAYABgAegAAAAAAAABIAAAACAAIAEgAAAASABIAUAAAAAAAAACSAAAABYKIogUBKAoAAAAPdQBzAGUAcgBOAEYALQBDAEwASQBFAE4AVABKMiQ4djhcSgAAAAAAAAAAAAAAAAAAAAC7zUSgB0Auy98bRi6h3mwHMJfbKNtxmmo=";
const FAILING_CHALLENGE: &str = "TlRMTVNTUAACAAAAFAAUADgAAAAFgoqieUWd5ES4Bi0AAAAAAAAAAGQAZABMAAAABQLODgAAAA9UAEUAUwBUAFMARQBSAFYARQBSAAIAFABUAEUAUwBUAFMARQBSAFYARQBSAAEAFABUAEUAUwBUAFMARQBSAFYARQBSAAQAFABUAGUAcwB0AFMAZQByAHYAZQByAAMAFABUAGUAcwB0AFMAZQByAHYAZQByAAAAAAA=";
const FAILING_AUTHENTICATE: &str = "TlRMTVNTUAADAAAAGAAYAGIAAAAYABgAegAAAAAAAABIAAAACAAIAEgAAAASABIAUAAAAAAAAACSAAAABYKIogUBKAoAAAAPdQBzAGUAcgBOAEYALQBDAEwASQBFAE4AVAAOarJ6lZ5ZNwAAAAAAAAAAAAAAAAAAAACD9mD8jmWs4FkZe59/nNb1cF2HkL0CGZw=";

/// A greeting and AUTH without an initial response, and then `script`.
fn auth_and(script: &[Step]) -> Vec<Step> {
    [&[s(GREETING), Step::C(auth("PLAIN", None))], script].concat()
}

/// An exchange in which the client has said something: a challenge, and a response to it.
fn answered() -> Vec<Step> {
    auth_and(&[s("+ \r\n"), Step::Answer("QUJD")])
}

/// Asserts that AUTH changed nothing: another login works, by AUTH or without it (R5034-4.20, R5034-4.33).
fn others_work(script: &[Step], config: ClientConfig) {
    for login in [
        vec![Step::C(user("mrose")), s("+OK\r\n"), Step::C(pass("secret")), s("+OK in\r\n")],
        vec![Step::C(auth("LOGIN", None)), s("+ \r\n"), Step::Answer(""), s("+OK in\r\n")],
        vec![Step::C(apop()), s("+OK in\r\n")],
    ] {
        let mut run = all_ways(config, &[script, &login].concat());
        assert_eq!(run.session.state(), State::Transaction);
        assert!(run.take_trace().last().unwrap().ends_with("completed + \"in\""));
    }
}

/// OX-02, OX-03, OX-10, OX-13, OX-30, ROXPOP3-2.2.1.01, R5034-4.02, R5034-4.30: MS-POP3 §4, octet for octet: success and
/// failure of NTLM, behind `+ `, `+` and `+OK`.
#[test]
fn ntlm_as_microsoft_has_it() {
    for (first, deviation) in [
        ("+ \r\n", None),
        ("+\r\n", Some("#0 deviation BarePlus")),
        ("+OK\r\n", Some("#0 deviation OkAsContinuation")),
    ] {
        for (challenge, response, outcome, told, state) in [
            (
                CHALLENGE,
                AUTHENTICATE,
                "+OK User successfully logged on\r\n",
                "#0 completed + \"User successfully logged on\"",
                State::Transaction,
            ),
            (
                FAILING_CHALLENGE,
                FAILING_AUTHENTICATE,
                "-ERR Command not valid\r\n",
                "#0 completed - \"Command not valid\"",
                State::Authorization,
            ),
        ] {
            let script = [
                s(GREETING),
                Step::C(auth("NTLM", None)),
                s(first),
                Step::Answer(NEGOTIATE),
                s(format!("+ {challenge}\r\n")),
                Step::Answer(response),
                s(outcome),
            ];
            let challenged = format!("#0 challenge \"{challenge}\"");
            for config in presets() {
                if config == strict() && first == "+OK\r\n" {
                    let script = &script[..3];
                    expect(config, script, &[GREETED, "error ServerNotVerified"]);
                    continue;
                }
                let mut trace = vec![GREETED];
                trace.extend(deviation);
                trace.extend(["#0 challenge \"\"", &challenged, told]);
                let run = expect(config, &script, &trace);
                let sent = format!("AUTH NTLM\r\n{NEGOTIATE}\r\n{response}\r\n");
                assert_eq!(run.sent, sent.as_bytes());
                assert_eq!(run.session.state(), state);
            }
        }
    }
}

/// OX-11, OX-12, ROXPOP3-2.2.1.02, R5034-4.09, R5034-4.26: `*` at any challenge, the server's `-ERR`, and the session is as before.
#[test]
fn ntlm_cancelled() {
    for config in presets() {
        for rounds in 0..2 {
            let mut script = vec![s(GREETING), Step::C(auth("NTLM", None)), s("+ \r\n")];
            let mut sent = "AUTH NTLM\r\n".to_owned();
            let challenged = format!("#0 challenge \"{CHALLENGE}\"");
            let mut trace = vec![GREETED, "#0 challenge \"\""];
            if rounds > 0 {
                script.extend([Step::Answer(NEGOTIATE), s(format!("+ {CHALLENGE}\r\n"))]);
                sent.push_str(NEGOTIATE);
                sent.push_str("\r\n");
                trace.push(&challenged);
            }
            script.extend([Step::CancelAuth, s("-ERR cancelled\r\n")]);
            trace.push("#0 completed - \"cancelled\"");
            let run = expect(config, &script, &trace);
            assert_eq!(run.sent, format!("{sent}*\r\n").as_bytes());
            others_work(&script, config);
        }
    }
}

/// RFC 5034 §6, octet for octet; R2595-4.04, R2595-4.05, R5034-3.03, R5034-4.12.
#[test]
fn the_examples_of_rfc_5034() {
    let greeting = "+OK pop.example.com BlurdyBlurp POP3 server ready\r\n";
    let greeted = "greeting + \"pop.example.com BlurdyBlurp POP3 server ready\"";
    let list = |sasl: &str, stls: &str| {
        s(format!(
            "+OK List of capabilities follows\r\n{sasl}\r\n{stls}IMPLEMENTATION BlurdyBlurp POP3 server\r\n.\r\n"
        ))
    };
    let in_clear = "SASL DIGEST-MD5 GSSAPI ANONYMOUS";
    let in_tls = "SASL PLAIN DIGEST-MD5 GSSAPI ANONYMOUS";
    let before = [
        s(greeting),
        Step::C(Command::Capa),
        list(in_clear, "STLS\r\n"),
        Step::C(Command::Stls),
        s("+OK Begin TLS negotiation now\r\n"),
        Step::Tls,
        Step::C(Command::Capa),
        list(in_tls, ""),
    ];
    let told = [
        greeted,
        "#0 started + \"List of capabilities follows\"",
        "#0 capability SASL DIGEST-MD5 GSSAPI ANONYMOUS",
        "#0 capability STLS",
        "#0 capability IMPLEMENTATION BlurdyBlurp POP3 server",
        "#0 finished",
        "#1 starts TLS + \"Begin TLS negotiation now\"",
        "#2 started + \"List of capabilities follows\"",
        "#2 capability SASL PLAIN DIGEST-MD5 GSSAPI ANONYMOUS",
        "#2 capability IMPLEMENTATION BlurdyBlurp POP3 server",
        "#2 finished",
    ];
    let (ready, done) =
        ("+OK Maildrop locked and ready\r\n", "#3 completed + \"Maildrop locked and ready\"");
    let response = "dGVzdAB0ZXN0AHRlc3Q=";
    let config = ClientConfig::strict(Security::StlsRequired);

    let script = [&before[..], &[Step::C(auth("PLAIN", Some(response))), s(ready)]].concat();
    let run = expect(config, &script, &[&told[..], &[done]].concat());
    assert_eq!(run.sent, format!("CAPA\r\nSTLS\r\nCAPA\r\nAUTH PLAIN {response}\r\n").as_bytes());
    assert_eq!(run.session.state(), State::Transaction);

    let later = [Step::C(auth("PLAIN", None)), s("+ \r\n"), Step::Answer(response), s(ready)];
    let script = [&before[..], &later].concat();
    let run = expect(config, &script, &[&told[..], &["#3 challenge \"\"", done]].concat());
    assert_eq!(
        run.sent,
        format!("CAPA\r\nSTLS\r\nCAPA\r\nAUTH PLAIN\r\n{response}\r\n").as_bytes()
    );

    let first = "cmVhbG09ImVsd29vZC5pbm5vc29mdC5jb20iLG5vbmNlPSJPQTZNRzl0RVFHbTJoaCIscW9wPSJhdXRoIixhbGdvcml0aG09bWQ1LXNlc3MsY2hhcnNldD11dGYtOA==";
    let answer = "Y2hhcnNldD11dGYtOCx1c2VybmFtZT0iY2hyaXMiLHJlYWxtPSJlbHdvb2QuaW5ub3NvZnQuY29tIixub25jZT0iT0E2TUc5dEVRR20yaGgiLG5jPTAwMDAwMDAxLGNub25jZT0iT0E2TUhYaDZWcVRyUmsiLGRpZ2VzdC11cmk9InBvcC9lbHdvb2QuaW5ub3NvZnQuY29tIixyZXNwb25zZT1iMGQ1NmQyZjA1NGMyNGI2MjA3MjMyMjEwNjQ2OGRiOSxxb3A9YXV0aA==";
    let proof = "cnNwYXV0aD0wYjk3MTQ2MmNlZjVlOGY5MzBkYjlhMzNiMDJmYzlhMA==";
    let script = [
        s(greeting),
        Step::C(Command::Capa),
        list(in_clear, "STLS\r\n"),
        Step::C(auth("DIGEST-MD5", None)),
        s(format!("+ {first}\r\n")),
        Step::Answer(answer),
        s(format!("+ {proof}\r\n")),
        Step::Answer(""),
        s(ready),
    ];
    let challenges = [first, proof].map(|text| format!("#1 challenge \"{text}\""));
    let end = [&challenges[0], &challenges[1], "#1 completed + \"Maildrop locked and ready\""];
    let run = expect(strict(), &script, &[&told[..6], &end].concat());
    assert_eq!(run.sent, format!("CAPA\r\nAUTH DIGEST-MD5\r\n{answer}\r\n\r\n").as_bytes());
}

/// R5034-4.04, R5034-4.05, I9: empty challenges, with their space and without; empty responses, which are `=`
/// on the line of AUTH and an empty line later.
#[test]
fn nothing_at_all_is_a_challenge_and_a_response() {
    for config in presets() {
        for (empty, deviation) in [("+ \r\n", None), ("+\r\n", Some("#0 deviation BarePlus"))] {
            for (command, sent) in [
                (auth("EXTERNAL", None), "AUTH EXTERNAL\r\n"),
                (auth("EXTERNAL", Some("")), "AUTH EXTERNAL =\r\n"),
            ] {
                let script = [
                    s(GREETING),
                    Step::C(command),
                    s(empty),
                    Step::Answer(""),
                    s(empty),
                    Step::Answer("QQ=="),
                    s("+OK\r\n"),
                ];
                let mut trace = vec![GREETED];
                trace.extend(deviation);
                trace.extend(["#0 challenge \"\"", "#0 challenge \"\"", "#0 completed + \"\""]);
                let run = expect(config, &script, &trace);
                assert_eq!(run.sent, format!("{sent}\r\nQQ==\r\n").as_bytes());
            }
        }
    }
    let mut config = strict();
    config.leniency.bare_plus = false;
    let script = auth_and(&[s("+\r\n"), Step::Flush]);
    let run = expect(config, &script, &[GREETED, "#0 cancelled MalformedChallenge"]);
    assert_eq!(run.sent, b"AUTH PLAIN\r\n*\r\n");
}

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

/// R5034-4.03, `text_challenge`: only the first challenge may be a text, only before the client has said anything, and
/// only where it is forgiven; it counts as empty. Anywhere else it is a malformed challenge.
#[test]
fn text_challenge() {
    // OX-30: the last one is what Exchange 4.0 to 5.5 say to `AUTH NTLM`.
    for text in ["+ go ahead\r\n", "+ Username:\r\n", "+ =\r\n", "+ OK\r\n"] {
        for config in [tolerant(), outlook()] {
            let script = auth_and(&[s(text), Step::Answer("QUJD"), s("+OK\r\n")]);
            let trace =
                [GREETED, "#0 deviation TextChallenge", "#0 challenge \"\"", "#0 completed + \"\""];
            let run = expect(config, &script, &trace);
            assert_eq!(run.sent, b"AUTH PLAIN\r\nQUJD\r\n");
        }
        let script = auth_and(&[s(text)]);
        expect(strict(), &script, &[GREETED, "#0 cancelled MalformedChallenge"]);
        for config in presets() {
            let command = auth("PLAIN", Some("QUJD"));
            let script = [s(GREETING), Step::C(command), s(text), Step::Flush];
            let run = expect(config, &script, &[GREETED, "#0 cancelled MalformedChallenge"]);
            assert_eq!(run.sent, b"AUTH PLAIN QUJD\r\n*\r\n");
        }
    }
}

/// Challenges that are no base64.
const MALFORMED: [&str; 12] = [
    "+ ====\r\n",
    "+ =\r\n",
    "+ A\r\n",
    "+ AB\r\n",
    "+ ABC\r\n",
    "+ %%%%\r\n",
    "+  AA==\r\n",
    "+ AA== \r\n",
    "+ =AAA\r\n",
    "+ AAA=BBB=\r\n",
    "+ QU\0D\r\n",
    "+ \u{e4}\u{e4}\r\n",
];

/// R5034-4.06, R5034-4.07, R5034-4.18, R5034-5.02, C14.2, I7, I8, I11: `*` exactly once, then the server's `-ERR`; the
/// session is as before.
#[test]
fn a_challenge_that_is_no_base64_is_cancelled() {
    for malformed in MALFORMED {
        for config in presets() {
            let end = [s(malformed), Step::Flush, s("-ERR as you like\r\n")];
            let script = [&answered()[..], &end].concat();
            let trace = [
                GREETED,
                "#0 challenge \"\"",
                "#0 cancelled MalformedChallenge",
                "#0 completed - \"as you like\"",
            ];
            let run = expect(config, &script, &trace);
            assert_eq!(run.sent, b"AUTH PLAIN\r\nQUJD\r\n*\r\n");
            let mut run = all_ways(config, &script[..script.len() - 1]);
            assert_eq!(run.answer(""), Err(SendError::NoChallenge));
            assert_eq!(run.session.cancel_auth(), Err(SendError::NoChallenge));
        }
        others_work(
            &[&answered()[..], &[s(malformed), Step::Flush, s("-ERR\r\n")]].concat(),
            tolerant(),
        );
    }
}

/// Every way in which an exchange is cancelled, `*` having left.
fn cancelled(config: ClientConfig) -> Vec<Run> {
    let mut few = config;
    few.limits.sasl_rounds = 1;
    let begin = |config, script: &[Step]| {
        let mut run = Run::new(config, Channel::Clear);
        run.run(script, support::Cut::Whole);
        run.flush();
        run.take_trace();
        assert_eq!(run.sent.iter().position(|octet| *octet == b'*'), Some(run.sent.len() - 3));
        assert!(run.sent.ends_with(b"\r\n*\r\n"));
        run
    };
    vec![
        begin(config, &[&answered()[..], &[s("+ \r\n"), Step::CancelAuth]].concat()),
        begin(config, &auth_and(&[s("+ \r\n"), Step::CancelAuth])),
        begin(config, &auth_and(&[Step::Abandon(0), s("+ \r\n")])),
        begin(config, &auth_and(&[s("+ \r\n"), Step::Abandon(0)])),
        begin(config, &[&answered()[..], &[s("+ %\r\n")]].concat()),
        begin(config, &[&answered()[..], &[Step::Abandon(0), s("+ %\r\n")]].concat()),
        begin(few, &[&answered()[..], &[s("+ QUJD\r\n")]].concat()),
    ]
}

/// R5034-4.26, C14.2, I11: after `*` only `-ERR` will do. Whoever goes on is not trusted, least of all with a success.
#[test]
fn after_cancellation_only_a_refusal_will_do() {
    for config in presets() {
        for goes_on in
            ["+ \r\n", "+\r\n", "+ QUJD\r\n", "+ go on\r\n", "+ ====\r\n", "+OK\r\n", "+OK in\r\n"]
        {
            for mut run in cancelled(config) {
                run.feed(goes_on.as_bytes());
                assert_eq!(run.take_trace(), ["error NotCancelled"], "{goes_on}");
                assert_eq!(run.session.state(), State::Failed);
                assert!(run.sent.ends_with(b"\r\n*\r\n") && !run.session.wants_write());
            }
        }
        for mut run in cancelled(config) {
            run.feed(b"-ERR no\r\n");
            assert_eq!(run.take_trace(), ["#0 completed - \"no\""]);
            assert_eq!(run.session.state(), State::Authorization);
            run.send(&user("mrose")).unwrap();
        }
    }
    for mut run in cancelled(outlook()) {
        run.feed(b"+whatever\r\n");
        assert_eq!(run.take_trace(), ["error NotCancelled"]);
    }
}

/// S14.6: so many challenges and no more; the next one is answered `*`.
#[test]
fn the_limit_of_rounds() {
    for limit in 0..3 {
        for (command, first) in
            [(auth("X", None), "AUTH X\r\n"), (auth("X", Some("QUJD")), "AUTH X QUJD\r\n")]
        {
            let mut config = strict();
            config.limits.sasl_rounds = limit;
            let mut script = vec![s(GREETING), Step::C(command)];
            for _ in 0..limit {
                script.extend([s("+ QQ==\r\n"), Step::Answer("")]);
            }
            script.extend([s("+ QQ==\r\n"), Step::Flush]);
            let rounds = usize::try_from(limit).unwrap();
            let told = vec!["#0 challenge \"QQ==\""; rounds];
            let trace = [&[GREETED], &told[..], &["#0 cancelled TooManyRounds"]].concat();
            let run = expect(config, &script, &trace);
            let answers = "\r\n".repeat(rounds);
            assert_eq!(run.sent, format!("{first}{answers}*\r\n").as_bytes());
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

/// R5034-4.08, I3, I5: challenges and responses have a limit of their own, longer or shorter than that of status lines,
/// and neither moves the other.
#[test]
fn the_limit_of_challenges_and_responses() {
    for (sasl, status) in [(128, 64), (64, 128)] {
        let mut config = strict();
        config.limits.sasl_line = sasl;
        config.limits.status_line = status;
        let challenge = |octets: usize| format!("+ {}\r\n", "A".repeat(octets - 4));
        let whole = |octets: usize| "A".repeat(octets - 4);
        let start = vec![s("+OK\r\n"), Step::C(auth("X", None))];
        let greeted = "greeting + \"\"";
        let told = format!("#0 challenge \"{}\"", whole(sasl));
        let fits = [start.clone(), vec![s(challenge(sasl))]].concat();
        let mut run = expect(config, &fits, &[greeted, &told]);
        let too_long = error_line(&ProtocolError::LineTooLong { limit: sasl });
        let beyond = [start.clone(), vec![s(challenge(sasl + 4))]].concat();
        expect(config, &beyond, &[greeted, &too_long]);

        // Text without its CRLF comes in fours.
        let most = "A".repeat(sasl - 4);
        let more = "A".repeat(sasl);
        let refused = SendError::TooLong { octets: sasl + 2, limit: sasl };
        assert!(!refused.is_transient());
        assert_eq!(run.answer(&more), Err(refused));
        run.answer(&most).unwrap();
        assert_eq!(run.sent, format!("AUTH X\r\n{most}\r\n").as_bytes());

        let refusal = |octets: usize| format!("-ERR {}\r\n", "x".repeat(octets - 7));
        let ends = |octets| [start.clone(), vec![s(refusal(octets))]].concat();
        let completed = format!("#0 completed - \"{}\"", "x".repeat(status - 7));
        expect(config, &ends(status), &[greeted, &completed]);
        let too_long = error_line(&ProtocolError::LineTooLong { limit: status });
        expect(config, &ends(status + 1), &[greeted, &too_long]);
    }
}

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

/// H2, C1.3, C12.2: what begins before our last line has left answers nothing, whether it is a challenge, a success or a
/// refusal.
#[test]
fn a_challenge_that_comes_before_our_response_has_left() {
    let unsolicited = ["error Unsolicited"];
    for early in ["+ QUJD\r\n", "+ \r\n", "+OK in\r\n", "+"] {
        for config in presets() {
            // Together with the challenge before it, or while the response is due.
            for cut in 0..=early.len() {
                let mut run = Run::greeted(config);
                run.send(&auth("X", None)).unwrap();
                run.feed(format!("+ \r\n{}", &early[..cut]).as_bytes());
                run.feed(&early.as_bytes()[cut..]);
                assert_eq!(run.take_trace(), ["#0 challenge \"\"", unsolicited[0]], "{early}");
                assert_eq!(run.session.answer(&base64("")), Err(SendError::Over));
            }
            // While the response waits, or is all but gone.
            for left in 0..6 {
                let mut run = Run::greeted(config);
                run.send(&auth("X", None)).unwrap();
                run.feed(b"+ \r\n");
                run.take_trace();
                run.session.answer(&base64("QUJD")).unwrap();
                bytes::Buf::advance(&mut run.session.outgoing(), left);
                run.feed(early.as_bytes());
                assert_eq!(run.take_trace(), unsolicited, "{early} after {left} octets");
            }
            // Before AUTH itself has left.
            let mut run = Run::greeted(config);
            run.queue(&auth("X", Some("QUJD"))).unwrap();
            run.feed(early.as_bytes());
            assert_eq!(run.take_trace(), unsolicited);
        }
    }
    // A refusal then is a farewell, if the end comes.
    let mut run = Run::greeted(tolerant());
    run.send(&auth("X", None)).unwrap();
    run.feed(b"+ \r\n");
    run.session.answer(&base64("QUJD")).unwrap();
    run.feed(b"-ERR too slow\r\n");
    run.flush();
    run.end(Eof::Clean);
    let farewell = "closed NotRequested farewell - \"too slow\" Clean";
    assert_eq!(run.take_trace(), ["#0 challenge \"\"", farewell]);
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
