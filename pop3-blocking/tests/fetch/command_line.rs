//! What is said on the command line.

use std::fs;

use pop3_blocking::pop3_proto::client::{Security, UseStls};

use crate::Fetch;
use crate::program::end;
use crate::protection::{Stls, protection};
use crate::scripted::Server;

/// R2384-4.01, R2384-4.02.
#[test]
fn what_cannot_be_is_a_usage_error() {
    let fetch = Fetch::new("usage");
    fetch.file("token", "hunter2\n");
    fetch.file("empty", "\n");
    fetch.file("two words", "hunter2 hunter2\n");
    for (url, options, said) in [
        ("pop://u:hunter2@127.0.0.1", &[][..], "password"),
        ("pop://127.0.0.1", &[], "no user"),
        ("http://u@127.0.0.1", &[], "pop://"),
        ("pop://u;AUTH=+APOP@127.0.0.1", &["--auth", "USER"], "by APOP and no other, --auth one"),
        ("pop://u;AUTH=PLAIN@127.0.0.1", &["--auth", "scram-sha-1"], "SCRAM-SHA-1"),
        ("pop://u;AUTH=GSSAPI@127.0.0.1", &[], "GSSAPI is not supported"),
        ("pop://u@127.0.0.1", &["--auth", "GSSAPI"], "GSSAPI is not supported"),
        ("pop://u@127.0.0.1", &["--auth", "a b"], "--auth"),
        ("pop://u@127.0.0.1", &["--auth", "external"], "EXTERNAL logs in by a certificate"),
        ("pop://u;AUTH=EXTERNAL@127.0.0.1", &[], "EXTERNAL logs in by a certificate"),
        ("pop://u@127.0.0.1", &["--auth", "XOAUTH2"], "--token-file"),
        ("pop://u@127.0.0.1", &["--token-file", "token", "--auth", "PLAIN"], "a token is for"),
        ("pop://u@127.0.0.1", &["--token-file", "token", "--auth", "ANONYMOUS"], "a token is for"),
        ("pop://u@127.0.0.1", &["--token-file", "a", "--password-file", "b"], "--password-file"),
        ("pop://u@127.0.0.1", &["--token-file", "empty"], "the token cannot be one"),
        ("pop://u@127.0.0.1", &["--token-file", "two words"], "the token cannot be one"),
        ("", &["--token-file", "token"], "URL"),
        ("pop://u@127.0.0.1", &["--ca", "token"], "--ca token: "),
        ("pops://u@127.0.0.1", &["--stls", "never"], "--stls"),
        ("pop3s://u@127.0.0.1", &["--stls", "prefer", "--allow-plaintext"], "--stls"),
        ("pop://u@127.0.0.1", &["--list", "--delete"], "--delete"),
        ("pop://u@127.0.0.1", &["--window", "0"], "--window"),
        ("pop://u@127.0.0.1", &["--timeout", "0"], "--timeout"),
        ("pop://u@127.0.0.1", &["--stls", "always"], "--stls"),
    ] {
        end(&mut fetch.command(url, options)).exit(2).says(said).says_not("hunter2");
    }
    assert!(!fetch.root.join("Maildir").exists());
}

#[test]
fn the_password_file_comes_before_the_environment() {
    let server = Server::new(&[]);
    let mut fetch = Fetch::new("password");
    fs::write(fetch.root.join("file"), "from the file\r\nsecond line\n").unwrap();
    fetch.run(&server, &["--password-file", "file"]).exit(0);
    assert_eq!(server.took("PASS"), ["PASS from the file"]);
    fetch.run(&server, &["--password-file", "missing"]).exit(1).says("missing");
    fetch.password.clear();
    fetch.run(&server, &[]).exit(2).says("no password");
    fs::write(fetch.root.join("file"), "\n").unwrap();
    fetch.run(&server, &["--password-file", "file"]).exit(2);
    assert!(server.took("PASS").is_empty());
}

/// Each combination, and what it comes to.
#[test]
fn a_policy_says_what_the_options_say() {
    use Security::{Implicit, PlaintextAllowed, StlsPreferred, StlsRequired};
    for (scheme, stls, allow_plaintext, policy) in [
        (None, None, false, Some((StlsRequired, None))),
        (None, None, true, Some((StlsRequired, None))),
        (None, Some(Stls::Require), false, Some((StlsRequired, Some(UseStls::Required)))),
        (None, Some(Stls::Require), true, Some((StlsRequired, Some(UseStls::Required)))),
        (None, Some(Stls::Prefer), false, Some((StlsPreferred, Some(UseStls::IfOffered)))),
        (None, Some(Stls::Prefer), true, Some((PlaintextAllowed, Some(UseStls::IfOffered)))),
        (None, Some(Stls::Never), false, Some((StlsRequired, Some(UseStls::Never)))),
        (None, Some(Stls::Never), true, Some((PlaintextAllowed, Some(UseStls::Never)))),
        (Some(Implicit), None, false, Some((Implicit, None))),
        (Some(Implicit), None, true, Some((Implicit, None))),
        (Some(Implicit), Some(Stls::Require), false, Some((Implicit, None))),
        (Some(Implicit), Some(Stls::Require), true, Some((Implicit, None))),
        (Some(Implicit), Some(Stls::Prefer), false, None),
        (Some(Implicit), Some(Stls::Prefer), true, None),
        (Some(Implicit), Some(Stls::Never), false, None),
        (Some(Implicit), Some(Stls::Never), true, None),
    ] {
        let found = protection(scheme, stls, allow_plaintext);
        assert_eq!(found, policy, "{scheme:?} {stls:?} {allow_plaintext}");
    }
}
