//! AUTH conducted by the session with a mechanism: where its first message goes, what it answers, and when it believes.

use pop3_proto::Command;
use pop3_proto::client::ClientConfig;
use pop3_proto::sasl::*;
use pop3_proto::state::State;

use crate::sasl_support::{self, CHALLENGE, PASSWORD, TOKEN, USER, secret};
use crate::support::{Run, presets, strict};

fn plain(password: &str) -> Box<dyn Mechanism> {
    Box::new(Plain::new(None, USER, secret(password)).unwrap())
}

fn login() -> Box<dyn Mechanism> {
    Box::new(Login::new(USER, secret(PASSWORD)).unwrap())
}

fn cram_md5() -> Box<dyn Mechanism> {
    Box::new(CramMd5::new(USER, secret(PASSWORD)).unwrap())
}

fn external() -> Box<dyn Mechanism> {
    Box::new(External::new(None).unwrap())
}

fn scram() -> Box<dyn Mechanism> {
    let nonce = "fyko+d2lbbFgONRv9qkxdawL";
    let binding = Binding::Unsupported;
    Box::new(Scram::new(ScramHash::Sha1, None, "user", secret("pencil"), nonce, binding).unwrap())
}

fn oauthbearer() -> Box<dyn Mechanism> {
    Box::new(OAuthBearer::new(Some(USER), secret(TOKEN)).unwrap())
}

fn xoauth2() -> Box<dyn Mechanism> {
    Box::new(XOAuth2::new(USER, secret(TOKEN)).unwrap())
}

fn encoded(octets: impl AsRef<[u8]>) -> String {
    let text = pop3_proto::Base64::encode(octets.as_ref());
    String::from_utf8(text.expose().to_vec()).unwrap()
}

/// A session that begins AUTH, with a server that announces SASL or that has no CAPA.
fn begun(config: ClientConfig, mechanism: Box<dyn Mechanism>, announced: bool) -> Run {
    let mut run = Run::greeted(config);
    run.send(&Command::Capa).unwrap();
    run.feed(if announced { b"+OK\r\nSASL ANY\r\n.\r\n" } else { b"-ERR\r\n" });
    run.take_trace();
    run.sent.clear();
    run.session.authenticate(mechanism).unwrap();
    run.flush();
    run
}

/// What the client says to `line`.
fn said(run: &mut Run, line: &str) -> String {
    let before = run.sent.len();
    run.feed(format!("{line}\r\n").as_bytes());
    run.flush();
    String::from_utf8(run.sent[before..].to_vec()).unwrap()
}

/// R5034-3.02, R5034-4.01, R5034-4.05, R4422-3.01: what the client says first goes with AUTH, as `=` if it is nothing;
/// behind the empty challenge where SASL is not announced; and nowhere if the server speaks first.
#[test]
fn where_the_first_message_goes() {
    let message = encoded(format!("\0{USER}\0{PASSWORD}"));
    for config in presets() {
        for (mechanism, with, without, later) in [
            (plain(PASSWORD), &*format!("AUTH PLAIN {message}\r\n"), "AUTH PLAIN\r\n", &*message),
            (external(), "AUTH EXTERNAL =\r\n", "AUTH EXTERNAL\r\n", ""),
        ] {
            let mut run = begun(config, mechanism, true);
            assert_eq!(run.sent, with.as_bytes());
            run.feed(b"+OK in\r\n");
            assert_eq!(run.session.state(), State::Transaction);
            let again: Box<dyn Mechanism> =
                if later.is_empty() { external() } else { plain(PASSWORD) };
            let mut run = begun(config, again, false);
            assert_eq!(run.sent, without.as_bytes());
            assert_eq!(said(&mut run, "+ "), format!("{later}\r\n"));
            run.feed(b"+OK in\r\n");
            assert_eq!(run.session.state(), State::Transaction);
        }
        for (mechanism, line) in [(login(), "AUTH LOGIN\r\n"), (cram_md5(), "AUTH CRAM-MD5\r\n")] {
            assert_eq!(begun(config, mechanism, true).sent, line.as_bytes());
        }
    }
    // A server that has something to say where the client speaks first is not talked to (RFC 4422 §3).
    let mut run = begun(strict(), plain(PASSWORD), false);
    assert_eq!(said(&mut run, "+ QUJD"), "*\r\n");
    assert_eq!(run.take_trace(), ["#1 cancelled MalformedChallenge"]);
}

/// R5034-4.17: as long as the line keeps within 255 octets; an octet more, and it goes behind the empty challenge.
#[test]
fn a_long_first_message_waits_for_the_empty_challenge() {
    let name = USER.len() + "\0\0".len();
    // `AUTH PLAIN `, 240 octets of base64, CRLF.
    for (octets, in_command) in [(180 - name, true), (181 - name, false)] {
        let password = "x".repeat(octets);
        let message = encoded(format!("\0{USER}\0{password}"));
        let mut run = begun(strict(), plain(&password), true);
        if in_command {
            assert_eq!(run.sent, format!("AUTH PLAIN {message}\r\n").as_bytes());
            assert!(run.sent.len() <= 255 && run.sent.len() + 4 > 255);
        } else {
            assert_eq!(run.sent, b"AUTH PLAIN\r\n");
            assert_eq!(said(&mut run, "+ "), format!("{message}\r\n"));
        }
        run.feed(b"+OK in\r\n");
        assert_eq!(run.session.state(), State::Transaction);
    }
}

/// R5034-4.18, R5034-4.06: a challenge that does not decode is answered `*`, by a mechanism too; also one whose last
/// group has bits that stand for nothing.
#[test]
fn a_mechanism_cancels_what_does_not_decode() {
    for malformed in ["+ QR==", "+ =AAA", "+ AAA=BBBB", "+ QU JD", "+ QUJ", "+ %%%%"] {
        let mut run = begun(strict(), cram_md5(), true);
        assert_eq!(said(&mut run, malformed), "*\r\n", "{malformed}");
        run.feed(b"-ERR cancelled\r\n");
        let trace = ["#1 cancelled MalformedChallenge", "#1 completed - \"cancelled\""];
        assert_eq!(run.take_trace(), trace);
        assert_eq!(run.session.state(), State::Authorization);
    }
}

/// RLOGIN-2.1.01: the name, then the password, each when it is its turn and whatever the challenge says; no third.
#[test]
fn login_ignores_what_challenges_say() {
    let (name, password) = (encoded(USER), encoded(PASSWORD));
    for (first, second) in [
        ("Username:", "Password:"),
        ("User Name\0", "Password\0"),
        ("Password:", "Username:"),
        ("", ""),
        ("\u{e4}", "Password: again"),
    ] {
        let mut run = begun(strict(), login(), true);
        assert_eq!(run.sent, b"AUTH LOGIN\r\n");
        assert_eq!(said(&mut run, &format!("+ {}", encoded(first))), format!("{name}\r\n"));
        assert_eq!(said(&mut run, &format!("+ {}", encoded(second))), format!("{password}\r\n"));
        assert_eq!(said(&mut run, "+ "), "*\r\n");
        assert_eq!(run.session.state(), State::Authorization);
    }
    // `+OK` between the two logs nobody in.
    let mut run = begun(strict(), login(), true);
    said(&mut run, "+ ");
    run.feed(b"+OK\r\n");
    assert_eq!(run.take_trace(), ["error ServerNotVerified"]);
}

/// R2195-2.01: the name, a space and the digest in lower case, to the challenge and not before.
#[test]
fn cram_md5_answers_its_challenge() {
    let mut run = begun(strict(), cram_md5(), true);
    assert_eq!(run.sent, b"AUTH CRAM-MD5\r\n");
    let digest = encoded("tim b913a602c7eda7a495b4e6e7334d3890");
    assert_eq!(said(&mut run, &format!("+ {}", encoded(CHALLENGE))), format!("{digest}\r\n"));
    run.feed(b"+OK in\r\n");
    assert_eq!(run.session.state(), State::Transaction);
    let mut run = begun(strict(), cram_md5(), true);
    run.feed(b"+OK in\r\n");
    assert_eq!(run.take_trace(), ["error ServerNotVerified"], "without a challenge it is nobody");
}

/// R7628-3.2.3.01, RXOAUTH2-0.01, I10: the failure is answered, `AQ==` by the one and nothing by the other, and after
/// it only `-ERR` will do.
#[test]
fn a_refused_token_is_answered() {
    let json = r#"{"status":"401"}"#;
    for (mechanism, first, dummy) in [
        (oauthbearer as fn() -> Box<dyn Mechanism>, "AUTH OAUTHBEARER ", "AQ==\r\n"),
        (xoauth2, "AUTH XOAUTH2\r\n", "\r\n"),
    ] {
        let failed = || {
            let mut run = begun(strict(), mechanism(), true);
            assert!(run.sent.starts_with(first.as_bytes()));
            if first.ends_with('\n') {
                let message = format!("user={USER}\x01auth=Bearer {TOKEN}\x01\x01");
                assert_eq!(said(&mut run, "+ "), format!("{}\r\n", encoded(message)));
            }
            assert_eq!(said(&mut run, &format!("+ {}", encoded(json))), dummy);
            run
        };
        let mut run = failed();
        run.feed(b"-ERR no\r\n");
        let trace = run.take_trace();
        assert!(trace[0].starts_with("#1 failure ") && trace[0].contains("401"), "{trace:?}");
        assert_eq!(trace[1], "#1 completed - \"no\"");
        assert_eq!(run.session.state(), State::Authorization);
        let mut run = failed();
        run.feed(b"+OK in\r\n");
        assert_eq!(run.take_trace().last().unwrap(), "error ServerNotVerified");
        // Nor is there anything more to be told.
        assert_eq!(said(&mut failed(), "+ "), "*\r\n");
    }
}

/// R5034-4.12, R5034-4.23, R5802-5.01: the outcome carries no data. What SCRAM's server has to prove comes as a
/// challenge that is answered by nothing, and in the text of `+OK` it is not there.
#[test]
fn an_outcome_carries_no_data() {
    // RFC 5802 §5.
    let first = "+ cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==";
    let last = "Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==\r\n";
    let signature = "dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9";
    let proven = || {
        let mut run = begun(strict(), scram(), true);
        assert_eq!(said(&mut run, first), last);
        run
    };
    for outcome in ["+OK", &format!("+OK {signature}"), "+OK v=rmF9pqV8S7suAoZWja4dJRkFsKQ="] {
        let mut run = proven();
        run.feed(format!("{outcome}\r\n").as_bytes());
        assert_eq!(run.take_trace(), ["error ServerNotVerified"], "{outcome}");
    }
    let mut run = proven();
    assert_eq!(said(&mut run, &format!("+ {signature}")), "\r\n");
    run.feed(b"+OK in\r\n");
    assert_eq!(run.take_trace(), ["#1 completed + \"in\""]);
    assert_eq!(run.session.state(), State::Transaction);
    // R5802-5.1.06: a server may say what failed, or nothing.
    for refusal in ["-ERR no".to_owned(), format!("+ {}", encoded("e=invalid-proof"))] {
        let mut run = proven();
        let answer = said(&mut run, &refusal);
        assert_eq!(answer, if refusal.starts_with('+') { "*\r\n" } else { "" });
        if refusal.starts_with('+') {
            run.feed(b"-ERR no\r\n");
        }
        assert_eq!(run.take_trace().last().unwrap(), "#1 completed - \"no\"");
    }
}

/// R5034-4.13: the service of DIGEST-MD5's `digest-uri` in RFC 5034 §6, for mechanisms that name one.
#[test]
fn the_service_is_named() {
    let response = "Y2hhcnNldD11dGYtOCx1c2VybmFtZT0iY2hyaXMiLHJlYWxtPSJlbHdvb2QuaW5ub3NvZnQuY29tIixub25jZT0iT0E2TUc5dEVRR20yaGgiLG5jPTAwMDAwMDAxLGNub25jZT0iT0E2TUhYaDZWcVRyUmsiLGRpZ2VzdC11cmk9InBvcC9lbHdvb2QuaW5ub3NvZnQuY29tIixyZXNwb25zZT1iMGQ1NmQyZjA1NGMyNGI2MjA3MjMyMjEwNjQ2OGRiOSxxb3A9YXV0aA==";
    let response = String::from_utf8(sasl_support::octets(response)).unwrap();
    let uri = format!("digest-uri=\"{SERVICE_NAME}/elwood.innosoft.com\"");
    assert!(response.contains(&uri), "{response}");
    assert_eq!(SERVICE_NAME, "pop");
}
