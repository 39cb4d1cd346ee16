//! The example exchanges of the documents, octet for octet.

use pop3_proto::Command;
use pop3_proto::client::{ClientConfig, Security};
use pop3_proto::state::State;

use super::others_work;
use crate::support::{GREETED, GREETING, Step, auth, expect, presets, s, strict};

// MS-POP3 §4, the same octets as MS-OXPOP3.
const NEGOTIATE: &str = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAFASgKAAAADw==";
const CHALLENGE: &str = "TlRMTVNTUAACAAAAFAAUADgAAAAFgoqinziKqGYjdlEAAAAAAAAAAGQAZABMAAAABQLODgAAAA9UAEUAUwBUAFMARQBSAFYARQBSAAIAFABUAEUAUwBUAFMARQBSAFYARQBSAAEAFABUAEUAUwBUAFMARQBSAFYARQBSAAQAFABUAGUAcwB0AFMAZQByAHYAZQByAAMAFABUAGUAcwB0AFMAZQByAHYAZQByAAAAAAA=";
const AUTHENTICATE: &str = "TlRMTVNTUAADAAAAGAAYAGIAAAAYABgAegAAAAAAAABIAAAACAAIAEgAAAASABIAUAAAAAAAAACSAAAABYKIogUBKAoAAAAPdQBzAGUAcgBOAEYALQBDAEwASQBFAE4AVABKMiQ4djhcSgAAAAAAAAAAAAAAAAAAAAC7zUSgB0Auy98bRi6h3mwHMJfbKNtxmmo=";
const FAILING_CHALLENGE: &str = "TlRMTVNTUAACAAAAFAAUADgAAAAFgoqieUWd5ES4Bi0AAAAAAAAAAGQAZABMAAAABQLODgAAAA9UAEUAUwBUAFMARQBSAFYARQBSAAIAFABUAEUAUwBUAFMARQBSAFYARQBSAAEAFABUAEUAUwBUAFMARQBSAFYARQBSAAQAFABUAGUAcwB0AFMAZQByAHYAZQByAAMAFABUAGUAcwB0AFMAZQByAHYAZQByAAAAAAA=";
const FAILING_AUTHENTICATE: &str = "TlRMTVNTUAADAAAAGAAYAGIAAAAYABgAegAAAAAAAABIAAAACAAIAEgAAAASABIAUAAAAAAAAACSAAAABYKIogUBKAoAAAAPdQBzAGUAcgBOAEYALQBDAEwASQBFAE4AVAAOarJ6lZ5ZNwAAAAAAAAAAAAAAAAAAAACD9mD8jmWs4FkZe59/nNb1cF2HkL0CGZw=";

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
