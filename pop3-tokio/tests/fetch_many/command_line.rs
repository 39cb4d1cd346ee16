//! What is said on the command line, and in the list that it names.

use std::sync::atomic::Ordering;

use crate::FetchMany;
use crate::program::end;
use crate::servers::{Endless, THREE, at, password, serve};

/// A bad line is found before anything is connected, and named by its place: it may hold a password.
#[test]
fn a_line_that_cannot_be_is_named() {
    let server = Endless::new(0);
    let fetch = FetchMany::new("lines");
    fetch.file("secret", password("mrose"));
    let good =
        format!("# comment\r\n\r\n \t \r\npop://mrose@127.0.0.1:{}\tsecret\r\n", server.port);
    for (bad, said) in [
        ("pop://fred:hunter2@127.0.0.1", "a password must not stand in a URL"),
        ("http://fred@127.0.0.1", "pop://"),
        ("pop://127.0.0.1\tsecret", "names no user"),
        ("pop://fred@127.0.0.1 secret", "host is missing or malformed"),
        ("pop://fred@127.0.0.1\t", "no password file follows the TAB"),
        ("pop://fred@127.0.0.1\tmissing", "cannot read the password from missing"),
        ("pop://fred@127.0.0.1", "no password"),
        ("pop://fred;AUTH=GSSAPI@127.0.0.1\tsecret", "GSSAPI is not supported"),
        ("pops://fred@127.0.0.1\tsecret", "--stls"),
        ("pop://MRose@127.0.0.1\tsecret", "the same Maildir as list, line 4"),
        ("pop://mrose@127.0.0.1:1\tsecret", "the same Maildir as list, line 4"),
    ] {
        fetch.file("list", format!("{good}{bad}\n"));
        fetch
            .run(&["--stls", "never", "--from", "list"])
            .exit(2)
            .says("fetch_many: list, line 5: ")
            .says(said)
            .says_not("hunter2");
    }
    fetch.file("list", [good.as_bytes(), b"pop://\xff@127.0.0.1\n"].concat());
    fetch.run(&["--from", "list"]).exit(2).says("list, line 5: it is not UTF-8");
    fetch.file("list", "# nothing\n");
    fetch.run(&["--from", "list"]).exit(2).says("list: no maildrop");
    fetch.run(&["--from", "missing"]).exit(1).says("missing");
    assert_eq!(server.most.load(Ordering::SeqCst), 0);
    assert!(!fetch.root.join("mail").exists());
    fetch.file("list", good);
    fetch.run(&["--stls", "never", "--from", "list"]).exit(0);
}

#[test]
fn what_cannot_be_is_a_usage_error() {
    let fetch = FetchMany::new("usage");
    fetch.file("secret", "hunter2\n");
    let url = "pop://u@127.0.0.1";
    for (words, said) in [
        (&[][..], "URL"),
        (&[url, "--from", "list"], "--from"),
        (&["pop://u:hunter2@127.0.0.1"], "URL 1: a password must not stand in a URL"),
        (&[url, "pop://127.0.0.1", "--password-file", "secret"], "URL 2: the URL names no user"),
        (
            &[url, url, "--password-file", "secret"],
            "URL 2: u@127.0.0.1 has the same Maildir as URL 1",
        ),
        (&[url], "URL 1: no password"),
        (&[url, "--concurrency", "0"], "--concurrency"),
        (&[url, "--token-file", "a", "--password-file", "b"], "--password-file"),
        (&["--token-file", "a"], "URL"),
        (&[url, "--password-file", "secret", "--ca", "secret"], "--ca secret: "),
        (&[url, "--delete"], "--delete"),
    ] {
        fetch.run(words).exit(2).says(said).says_not("hunter2");
    }
    assert!(!fetch.root.join("mail").exists());
}

/// A line's own password comes before the options', those before the environment.
#[test]
fn a_password_is_where_it_is_said_to_be() {
    let server = serve(THREE);
    let url = at(server.address().port());
    let fetch = FetchMany::new("password");
    fetch.file("mrose", password("mrose") + "\r\n");
    fetch.file("fred", password("fred"));
    fetch.file("list", format!("{}\tmrose\n{}\n", url("mrose"), url("fred")));
    fetch.run(&["--from", "list", "--password-file", "fred"]).exit(0);
    let said = end(fetch.command(&["--from", "list"]).env("POP3_PASSWORD", password("fred")));
    said.exit(0).prints(
        &["fred@127.0.0.1: fetched 0, skipped 1", "mrose@127.0.0.1: fetched 0, skipped 2"],
        "2 of 2 maildrops complete, 0 failed; 0 messages fetched (0 octets), 3 skipped",
    );
    server.stop();
}
