//! The mechanisms of a server over its lines: what is taken, what is refused, and what is offered.

use pop3_proto::MechanismName;
use pop3_proto::client::{Channel, Credentials, Method};
use pop3_proto::sasl::{Answer, Question};
use pop3_proto::state::State;

use crate::login_support::{CLIENT_NONCE, Side, config, encoded, log_in};
use crate::sasl_support::{PASSWORD, USER, identity, mailbox, secret};
use crate::server_support::written;

const OPEN: &str = "+OK open\r\n";
const FAILED: &str = "-ERR [AUTH] authentication failed\r\n";

/// R5034-5.01, R5034-4.02, R1734-2.01: keyword and mechanism in any case, with an initial response or without one, and
/// behind one space each; base64 in its own case only.
#[test]
fn case_and_spaces() {
    let right = encoded(format!("\0{USER}\0{PASSWORD}"));
    for auth in ["AUTH PLAIN", "auth plain", "Auth pLAIN"] {
        assert_eq!(Side::greeted().said(&format!("{auth} {right}\r\n")), OPEN, "{auth}");
        assert_eq!(
            Side::greeted().said(&format!("{auth}\r\n{right}\r\n")),
            format!("+ \r\n{OPEN}")
        );
    }
    let swapped: String =
        right
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            })
            .collect();
    let mut side = Side::greeted();
    assert!(side.said(&format!("AUTH PLAIN {swapped}\r\n")).starts_with("-ERR "));
    assert_eq!((side.questions.len(), side.session.state()), (0, State::Authorization));
    // RFC 1734 §2 let there be more, RFC 5034 §5 does not.
    for line in ["AUTH  PLAIN", "AUTH\tPLAIN", "AUTH PLAIN ", "AUTH PLAIN  "] {
        let mut side = Side::greeted();
        let behind = if line.ends_with("  ") { &*right } else { "" };
        assert!(side.said(&format!("{line}{behind}\r\n")).starts_with("-ERR "), "{line:?}");
        assert_eq!(side.questions, []);
    }
}

/// R5034-4.08: the longest message of PLAIN, and a token of OAuth that no command line would hold: both sides have
/// room, and the client lets it wait for the empty challenge (R5034-4.17).
#[test]
fn long_messages_have_room() {
    let word = "w".repeat(255);
    let message = encoded(format!("{word}\0{word}\0{word}"));
    let mut side = Side::greeted();
    assert_eq!(side.said(&format!("AUTH PLAIN\r\n{message}\r\n")), format!("+ \r\n{FAILED}"));
    let asked = Question::Verify { mailbox: mailbox(&word), password: secret(&word) };
    assert_eq!(side.questions, [asked]);
    let token = "t".repeat(8000);
    for name in [MechanismName::OAUTHBEARER, MechanismName::XOAUTH2] {
        let back_end: fn(&Question) -> Answer = |question| match question {
            Question::Token { token, .. } if token.expose().len() == 8000 => {
                Answer::Identified(mailbox(USER))
            }
            _ => Answer::Refused,
        };
        let side = Side { back_end, ..Side::new() };
        let credentials = Credentials::Token { mailbox: mailbox(USER), token: secret(&token) };
        let (outcome, side) = log_in(side, credentials, Method::Sasl(name), None);
        assert_eq!(outcome, Ok(Method::Sasl(name)));
        assert_eq!(side.opened, [identity(USER, USER)]);
    }
}

/// R5034-4.14, R5034-4.31, R4616-2.03, R4616-2.04, R4422-3.4.1.01: whose maildrop is wanted is a simple name in ASCII,
/// which its preparation leaves as it is; one that preparation would change, prohibit or leave nothing of is nobody's.
/// Empty is the same as absent, and then it is the one who was verified.
#[test]
fn an_authorization_identity_is_a_simple_name() {
    let plain = |whom: &str| encoded(format!("{whom}\0{USER}\0{PASSWORD}"));
    let external = |whom: &str| encoded(whom);
    for (auth, said) in [("AUTH PLAIN", plain as fn(&str) -> String), ("AUTH EXTERNAL", external)] {
        let log_in = |whom: &str| {
            let mut side = Side::greeted();
            let message = said(whom);
            let answer = side.said(&format!("{auth}\r\n{message}\r\n"));
            (answer, side)
        };
        for (whom, opened) in [("", USER), (USER, USER), ("shared", "shared")] {
            let (answer, side) = log_in(whom);
            assert_eq!(answer, format!("+ \r\n{OPEN}"), "{auth} {whom}");
            assert_eq!(side.opened, [identity(USER, opened)]);
        }
        // Mapped to nothing, mapped to ASCII, composed, prohibited; and what is known, in another case.
        for whom in ["\u{ad}", "\u{ad}tim", "\u{2168}", "ti\u{308}m", "\u{e000}", "\x7f", "Tim"] {
            let (answer, side) = log_in(whom);
            assert!(answer.starts_with("+ \r\n-ERR "), "{auth} {whom:?}: {answer}");
            assert_eq!(side.opened, [], "{auth} {whom:?}");
        }
        let (answer, side) = log_in("sha\0red");
        assert!(answer.starts_with("+ \r\n-ERR ") && side.questions.is_empty(), "{auth}: {answer}");
    }
}

/// R5802-6.02: a server whose policy is -PLUS and nothing else lists nothing else and takes nothing else.
#[test]
fn nothing_but_plus() {
    let mut config = config(&[MechanismName::SCRAM_SHA_256_PLUS]);
    config.user_pass = false;
    let mut only = Side::with(config, Channel::Tls);
    written(&mut only.session);
    let list = only.said("CAPA\r\n");
    assert!(list.contains("\r\nSASL SCRAM-SHA-256-PLUS\r\n"), "{list}");
    for flag in ["n", "y"] {
        let first = encoded(format!("{flag},,n={USER},r={CLIENT_NONCE}"));
        for name in ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
            let said = only.said(&format!("AUTH {name} {first}\r\n"));
            assert!(said.starts_with("-ERR "), "{name} {flag}: {said}");
        }
    }
    assert_eq!(only.opened, []);
}
