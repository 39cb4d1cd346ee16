//! What is delivered, and where.

use std::fs;
use std::net::{IpAddr, TcpListener};

use pop3_blocking::server::ServerTls;

use crate::FetchMany;
use crate::certificates::Authority;
use crate::program::own_address;
use crate::servers::{THREE, at, listener, password, serve, server};

#[test]
fn each_maildrop_has_a_maildir_and_an_outcome() {
    let server = serve(THREE);
    for concurrency in ["1", "2", "8"] {
        let fetch = FetchMany::new("each");
        let list = fetch.list(&["mrose", "fred", "nobody"], at(server.address().port()));
        let words = ["--concurrency", concurrency, "--from", list];
        fetch.run(&words).exit(0).says_not("tanstaaf").prints(
            &[
                "fred@127.0.0.1: fetched 1, skipped 0",
                "mrose@127.0.0.1: fetched 2, skipped 0",
                "nobody@127.0.0.1: fetched 0, skipped 0",
            ],
            "3 of 3 maildrops complete, 0 failed; 3 messages fetched (17 octets), 0 skipped",
        );
        assert_eq!(fetch.maildirs(), ["fred@127.0.0.1", "mrose@127.0.0.1", "nobody@127.0.0.1"]);
        assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n", "two\r\n"]);
        assert_eq!(fetch.delivered("fred@127.0.0.1"), ["three\r\n"]);
        fetch.run(&words).exit(0).prints(
            &[
                "fred@127.0.0.1: fetched 0, skipped 1",
                "mrose@127.0.0.1: fetched 0, skipped 2",
                "nobody@127.0.0.1: fetched 0, skipped 0",
            ],
            "3 of 3 maildrops complete, 0 failed; 0 messages fetched (0 octets), 3 skipped",
        );
    }
    server.stop();
}

/// A message longer than what is written at a time, and one that ends where a block does.
#[test]
fn a_message_may_have_any_length() {
    let messages =
        [65_534, 65_536, 65_538, 200_000, 2].map(|length| "x".repeat(length - 2) + "\r\n");
    let server = serve(&[("mrose", &messages.each_ref().map(String::as_str))]);
    let fetch = FetchMany::new("length");
    fetch.run(&["--from", fetch.list(&["mrose"], at(server.address().port()))]).exit(0);
    let lengths = |messages: &[String]| {
        let mut lengths: Vec<usize> = messages.iter().map(String::len).collect();
        lengths.sort_unstable();
        lengths
    };
    assert_eq!(lengths(&fetch.delivered("mrose@127.0.0.1")), lengths(&messages));
    server.stop();
}

/// No name of a user leaves `--to`, hides there, or is taken for another.
#[test]
fn no_user_leaves_the_folder() {
    let users = ["../../x", "..", ".hidden", "a/b", "a\\b", "a%2fb", "me@example.org", "c:d"];
    let maildrops: Vec<(&str, &[&str])> =
        users.iter().map(|user| (*user, &["hello\r\n"][..])).collect();
    let server = serve(&maildrops);
    let fetch = FetchMany::new("names");
    let escaped = |user: &str| user.replace('%', "%25").replace('/', "%2F").replace(':', "%3A");
    let lines: Vec<String> = (0..)
        .zip(users)
        .map(|(number, user)| {
            fs::write(fetch.root.join(format!("{number}.password")), password(user)).unwrap();
            let url = at(server.address().port())(&escaped(user));
            format!("{url}\t{number}.password\n")
        })
        .collect();
    fetch.run(&["--from", fetch.file("list", lines.concat())]).exit(0);
    assert_eq!(
        fetch.maildirs(),
        [
            "%2e.%2f..%2fx@127.0.0.1",
            "%2e.@127.0.0.1",
            "%2ehidden@127.0.0.1",
            "a%252fb@127.0.0.1",
            "a%2fb@127.0.0.1",
            "a%5cb@127.0.0.1",
            "c%3ad@127.0.0.1",
            "me@example.org@127.0.0.1",
        ]
    );
    for maildir in fetch.maildirs() {
        assert_eq!(fetch.delivered(&maildir), ["hello\r\n"], "{maildir}");
    }
    server.stop();
}

#[test]
fn a_long_name_of_a_user_has_a_short_maildir() {
    let fetch = FetchMany::new("long");
    let [one, two] = ["x", "y"].map(|end| "/".repeat(100) + end);
    let server = serve(&[(&one, &["one\r\n"]), (&two, &["two\r\n"])]);
    let lines: String = [&one, &two]
        .map(|user| {
            let file = format!("password.{}", &user[100..]);
            fs::write(fetch.root.join(&file), password(user)).unwrap();
            let url = at(server.address().port())(&user.replace('/', "%2F"));
            format!("{url}\t{file}\n")
        })
        .concat();
    fetch.run(&["--from", fetch.file("list", lines)]).exit(0);
    let maildirs = fetch.maildirs();
    assert_eq!(maildirs.len(), 2);
    for maildir in &maildirs {
        assert!(maildir.starts_with("%h") && maildir.len() == 66, "{maildir}");
        assert_eq!(fetch.delivered(maildir).len(), 1);
    }
    server.stop();
}

/// RFC 2595 §4, RFC 8314 §3.3.
#[test]
fn maildrops_are_fetched_over_tls() {
    let authority = Authority::new();
    let issued = authority.issue();
    let certified = || {
        let mut server = server(THREE);
        let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
        server.tls = Some(tls.unwrap());
        server
    };
    let (stls, tls) =
        (certified().spawn(listener()).unwrap(), certified().spawn_tls(listener()).unwrap());
    for (test, url) in [
        ("stls", format!("pop://mrose@127.0.0.1:{}", stls.address().port())),
        ("tls", format!("pops://mrose@127.0.0.1:{}", tls.address().port())),
    ] {
        let fetch = FetchMany::new(test);
        let ca = fetch.file("ca.pem", authority.pem());
        let secret = fetch.file("secret", password("mrose"));
        let words = ["--stls", "require", "--password-file", secret, &url];
        let untrusted = fetch.run(&words).exit(1);
        untrusted
            .says("mrose@127.0.0.1: connecting to mrose at 127.0.0.1")
            .says("nothing of the login was sent")
            .prints(
                &[],
                "0 of 1 maildrops complete, 1 failed; 0 messages fetched (0 octets), 0 skipped",
            );
        fetch.run(&[&words[..], &["--ca", ca]].concat()).exit(0);
        assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n", "two\r\n"]);
    }
    stls.stop();
    tls.stop();
}

/// R8314-5.2.03: on another host than this one nothing of a login leaves in clear.
#[test]
fn nothing_of_a_login_leaves_in_clear_unless_that_is_allowed() {
    let Some(IpAddr::V4(address)) = own_address() else { return };
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let mut open = server(THREE);
    open.config.plaintext = true;
    let server = open.spawn(listener).unwrap();
    let fetch = FetchMany::new("clear");
    let secret = fetch.file("secret", password("mrose"));
    let url = format!("pop://mrose@{address}:{}", server.address().port());
    let words = ["--password-file", secret, &url];
    fetch.run(&words).exit(1).says("nothing of the login was sent; --stls never --allow-plaintext");
    fetch
        .run(&[&words[..], &["--stls", "never", "--allow-plaintext"]].concat())
        .exit(0)
        .says(&format!("mrose@{address}: the connection is not encrypted"));
    server.stop();
}
