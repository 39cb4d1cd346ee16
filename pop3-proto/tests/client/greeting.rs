//! What greets, and what does not.

use pop3_proto::client::{Eof, SendError};
use pop3_proto::state::State;
use pop3_proto::{Command, KnownCode};

use super::ends::eof;
use crate::support::{Step, expect, outlook, presets, s, strict, tolerant};

/// R1939-3.11, H4: a `-ERR` greeting is the end, and nothing is sent.
#[test]
fn a_refused_greeting() {
    for config in presets() {
        let script = [s("-ERR [IN-USE] POP3 server not ready\r\n+OK really\r\n")];
        let lines = ["greeting - \"[IN-USE] POP3 server not ready\"", "closed NotRequested"];
        let mut run = expect(config, &script, &lines);
        assert_eq!(run.send(&Command::Capa), Err(SendError::Over));
        assert_eq!((run.session.state(), run.sent.as_slice()), (State::Closed, &b""[..]));
        let greeting = run.session.greeting().unwrap();
        let code = greeting.response.code().unwrap();
        assert_eq!(code.known(), Some(KnownCode::InUse));
    }
}

/// R1957-1.01, R1939-3.11, H5: any positive response greets, with or without text.
#[test]
fn positive_greetings() {
    for (line, text) in [("+OK", ""), ("+OK ", ""), ("+OK  x", " x"), ("+OK \u{e4}", "\u{e4}")] {
        for config in presets() {
            let greeting = format!("greeting + \"{text}\"");
            let run = expect(config, &[s(format!("{line}\r\n"))], &[&greeting]);
            assert_eq!(run.session.state(), State::Authorization);
        }
    }
}

/// H5: another protocol's banner is no greeting; under `any_plus_positive` it is a negative one. Nothing is sent.
#[test]
fn foreign_banners() {
    for (banner, text) in [
        ("220 smtp", "220 smtp"),
        ("* OK imap", "* OK imap"),
        ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
        ("SSH-2.0-x", "SSH-2.0-x"),
        ("OK", "OK"),
        ("-ERRfoo", "foo"),
        ("", ""),
        ("\0+OK", "\0+OK"),
        (" +OK", " +OK"),
    ] {
        let line = s(format!("{banner}\r\n"));
        let shown = pop3_proto::Escaped::new(banner.as_bytes()).to_string();
        let error = format!("error NotAGreeting {{ line: \"{shown}\" }}");
        for config in [strict(), tolerant()] {
            let run = expect(config, std::slice::from_ref(&line), &[&error]);
            assert_eq!((run.session.state(), run.sent.as_slice()), (State::Failed, &b""[..]));
        }
        let text = pop3_proto::Escaped::new(text.as_bytes()).to_string();
        let greeting = format!("greeting - \"{text}\"");
        let lines = ["deviation AnyPlusPositive", &greeting, "closed NotRequested"];
        let run = expect(outlook(), &[line], &lines);
        assert_eq!((run.session.state(), run.sent.as_slice()), (State::Closed, &b""[..]));
    }
}

/// H5: a server that speaks TLS where none was asked for.
#[test]
fn records_of_tls() {
    for config in presets() {
        // An alert: unexpected_message.
        let alert = s(b"\x15\x03\x01\x00\x02\x02\x0a");
        expect(config, &[alert], &["error BareLineFeed"]);
        let hello = [&b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"[..], &[0xaa; 100]].concat();
        let end = eof("Greeting", Eof::Clean);
        expect(config, &[s(&hello), Step::End(Eof::Clean)], &[&end]);
        let mut config = config;
        config.limits.status_line = 64;
        expect(config, &[s(&hello)], &["error LineTooLong { limit: 64 }"]);
    }
}
