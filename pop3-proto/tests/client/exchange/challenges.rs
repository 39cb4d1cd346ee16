//! What is a challenge, how many there may be, and how long.

use pop3_proto::client::{Channel, ClientConfig, Eof, ProtocolError, SendError};
use pop3_proto::state::State;

use super::{answered, auth_and, others_work};
use crate::support::{
    self, GREETED, GREETING, Run, Step, all_ways, auth, base64, error_line, expect, outlook,
    presets, s, strict, tolerant, user,
};

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
