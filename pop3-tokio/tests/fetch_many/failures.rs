//! Maildrops that fail, and those that are left.

use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;

use crate::FetchMany;
use crate::program::Said;
use crate::servers::{Endless, THREE, at, listener, serve};
use crate::until::until;

#[test]
fn who_fails_is_named_and_stops_nobody_else() {
    let server = serve(THREE);
    let closed = listener().local_addr().unwrap().port();
    for concurrency in ["1", "8"] {
        let fetch = FetchMany::new("fails");
        fetch.list(&["mrose", "fred", "nobody"], at(server.address().port()));
        let lines = fs::read_to_string(fetch.root.join("list")).unwrap();
        fetch.file("list", format!("pop://gone@127.0.0.1:{closed}\tfred\n{lines}"));
        fetch.file("fred", "not to be seen\n");
        fetch
            .run(&["--concurrency", concurrency, "--from", "list"])
            .exit(1)
            .says("gone@127.0.0.1: connecting to gone at 127.0.0.1")
            .says("fred@127.0.0.1: login failed: ")
            .says_not("not to be seen")
            .prints(
                &[
                    "mrose@127.0.0.1: fetched 2, skipped 0",
                    "nobody@127.0.0.1: fetched 0, skipped 0",
                ],
                "2 of 4 maildrops complete, 2 failed; 2 messages fetched (10 octets), 0 skipped",
            );
        assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n", "two\r\n"]);
        assert!(fetch.delivered("fred@127.0.0.1").is_empty());
    }
    server.stop();
}

#[test]
fn a_maildir_that_cannot_be_made_is_not_asked_for() {
    let server = serve(THREE);
    let fetch = FetchMany::new("disk");
    fs::create_dir(fetch.root.join("mail")).unwrap();
    fs::write(fetch.root.join("mail/fred@127.0.0.1"), "a file").unwrap();
    fetch
        .run(&["--from", fetch.list(&["mrose", "fred"], at(server.address().port()))])
        .exit(1)
        .says("fred@127.0.0.1: cannot make the folder")
        .prints(
            &["mrose@127.0.0.1: fetched 2, skipped 0"],
            "1 of 2 maildrops complete, 1 failed; 2 messages fetched (10 octets), 0 skipped",
        );
    server.stop();
}

/// A message that stops is no message, and the session no success.
#[test]
fn a_server_that_falls_silent_is_left() {
    let server = Endless::new(2);
    let fetch = FetchMany::new("silent");
    let list = fetch.list(&["mrose"], at(server.port));
    fetch
        .run(&["--timeout", "1", "--from", list])
        .exit(1)
        .says("mrose@127.0.0.1: message 2: timed out waiting for the rest of")
        .says("; fetched 1, skipped 0\n");
    assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n"]);
    assert_eq!(server.took("QUIT"), 0);
}

#[test]
fn no_more_sessions_are_open_than_were_asked_for() {
    for (concurrency, most) in [("1", 1), ("3", 3)] {
        let server = Endless::new(1);
        let fetch = FetchMany::new("concurrency");
        let users = ["a", "b", "c", "d", "e", "f", "g"];
        let list = fetch.list(&users, at(server.port));
        fetch.run(&["--concurrency", concurrency, "--from", list]).exit(0);
        assert_eq!(server.took("QUIT"), users.len());
        assert_eq!(server.most.load(Ordering::SeqCst), most);
    }
}

#[test]
fn interrupted_it_leaves_nothing_half_written() {
    for signal in ["INT", "TERM", "HUP"] {
        let server = Endless::new(3);
        let fetch = FetchMany::new("interrupted");
        let list = fetch.list(&["mrose", "fred", "nobody"], at(server.port));
        let child = fetch.start(&["--concurrency", "2", "--from", list]);
        until("two messages half here", || server.took("RETR 2") == 2);
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let said = Said::from(child.wait_with_output().unwrap());
        said.exit(130)
            .says("mrose@127.0.0.1: interrupted; fetched 1, skipped 0\n")
            .says("fred@127.0.0.1: interrupted; fetched 1, skipped 0\n")
            .says_not("nobody")
            .prints(
                &[],
                "0 of 3 maildrops complete, 0 failed, 3 interrupted; \
                 2 messages fetched (10 octets), 0 skipped",
            );
        for maildir in ["mrose@127.0.0.1", "fred@127.0.0.1"] {
            assert_eq!(fetch.delivered(maildir), ["one\r\n"], "SIG{signal}");
        }
        assert_eq!((server.took("QUIT"), server.took("USER nobody")), (0, 0));
    }
}
