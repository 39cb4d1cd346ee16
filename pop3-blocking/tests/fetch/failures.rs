//! Servers that fail, refuse, deviate and fall silent.

use std::time::{Duration, Instant};

use crate::Fetch;
use crate::scripted::{Instead, Server, say, three};

#[test]
fn the_end_of_the_connection_is_not_the_end_of_a_message() {
    let server =
        Server::new(&three()).instead("RETR 2", Instead::Close(b"+OK\r\ntwo\r\n".to_vec()));
    let fetch = Fetch::new("eof");
    fetch
        .run(&server, &["--delete"])
        .exit(1)
        .says("fetch: message 2: ")
        .says("0 messages marked as deleted: nothing was removed");
    assert_eq!(fetch.delivered(), ["one\r\n"]);
    assert_eq!(server.left(), [1, 2, 3]);
}

#[test]
fn a_message_that_is_refused_does_not_stop_the_others() {
    let server = Server::new(&three()).instead("RETR 2", say("-ERR \x1b[31mgone\x07\r\n"));
    let fetch = Fetch::new("refused");
    fetch
        .run(&server, &["--delete"])
        .exit(1)
        .says("message 2: the server refused it: \\u{1b}[31mgone\\u{7}")
        .says("1 refused")
        .says("2 messages marked as deleted: deletions were committed")
        .says_not("\x1b");
    assert_eq!(fetch.delivered(), ["one\r\n", "three\r\n"]);
    assert_eq!(server.left(), [2]);
}

#[test]
fn a_silent_server_is_left_with_a_word_about_what_was_awaited() {
    let fetch = Fetch::new("silent");
    for (command, awaited) in [
        ("", "timed out waiting for the greeting"),
        ("PASS tanstaaf", "login failed: timed out waiting for the reply"),
        ("UIDL", "UIDL: timed out waiting for the reply"),
        ("RETR 3", "message 3: timed out waiting for the reply"),
        ("QUIT", "QUIT: timed out waiting for the reply"),
    ] {
        let server = Server::new(&three()).instead(command, Instead::Hang(Vec::new()));
        let began = Instant::now();
        fetch.run(&server, &["--timeout", "1", "--delete"]).exit(1).says(awaited);
        assert!(began.elapsed() < Duration::from_secs(3), "{command}");
    }
}

#[test]
fn a_message_that_stops_is_no_message() {
    let server = Server::new(&three()).instead("RETR 3", Instead::Hang(b"+OK\r\nthr".to_vec()));
    let fetch = Fetch::new("stops");
    fetch
        .run(&server, &["--timeout", "1"])
        .exit(1)
        .says("message 3: timed out waiting for the rest of");
    assert_eq!(fetch.delivered(), ["one\r\n", "two\r\n"]);
}

#[test]
fn nothing_is_counted_as_deleted_that_was_refused() {
    let fetch = Fetch::new("dele");
    let server = Server::new(&three()).instead("DELE 2", say("-ERR locked\r\n"));
    fetch
        .run(&server, &["--delete"])
        .exit(1)
        .says("message 2: the server refused to delete it: locked")
        .says("2 messages marked as deleted: deletions were committed");
    assert_eq!(server.left(), [2]);
    server.mend();
    fetch.run(&server, &["--delete"]).exit(0).says("1 there already");
    assert!(server.left().is_empty());
    assert_eq!(fetch.delivered().len(), 3);
}

#[test]
fn what_became_of_deletions_is_said_as_it_is() {
    for (name, instead, said) in [
        ("quit-err", say("-ERR some messages not removed\r\n"), "some or no messages were removed"),
        ("quit-eof", Instead::Close(Vec::new()), "deletions may or may not be committed"),
    ] {
        let server = Server::new(&three()).instead("QUIT", instead);
        let fetch = Fetch::new(name);
        fetch.run(&server, &["--delete"]).exit(1).says(said);
        assert_eq!(fetch.delivered().len(), 3);
        // Without deletions QUIT decides nothing.
        fetch.run(&server, &[]).exit(0).says("3 there already");
    }
}

#[test]
fn a_greeting_that_refuses_is_shown_escaped() {
    let server = Server::new(&[]).instead("", Instead::Close(b"-ERR go\x1b[2Jaway\r\n".to_vec()));
    Fetch::new("greeting").run(&server, &[]).exit(1).says("go\\u{1b}[2Jaway").says_not("\x1b");
}

#[test]
fn what_was_forgiven_is_mentioned() {
    let server = Server::new(&three()).instead("RETR 1", say("+ok\r\none\r\n.\r\n"));
    let fetch = Fetch::new("forgiven");
    fetch.run(&server, &[]).exit(0).says("forgiven: status indicator not in upper case");
    let fetch = Fetch::new("not-forgiven");
    fetch.run(&server, &["--leniency", "strict"]).exit(1).says("message 1: ");
}

#[test]
fn commands_are_sent_ahead_only_where_that_was_announced() {
    let fetch = Fetch::new("capa");
    let server = Server::new(&three());
    fetch.run(&server, &["--window", "1"]).exit(0);
    assert!(!server.script.lock().unwrap().sent_ahead);
    fetch.run(&server, &["--delete"]).exit(0);
    assert!(server.script.lock().unwrap().sent_ahead);

    let server = Server::new(&three());
    fetch.run(&server, &["--auth", "USER", "--stls", "never", "--delete"]).exit(0);
    assert!(server.script.lock().unwrap().sent_ahead);

    let server = Server::new(&three()).instead("CAPA", say("-ERR what?\r\n"));
    fetch.run(&server, &["--delete"]).exit(0).says_not("CAPA");
    assert!(!server.script.lock().unwrap().sent_ahead);
    assert_eq!(fetch.delivered().len(), 3);
    assert!(server.left().is_empty());
}
