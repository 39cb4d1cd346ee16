//! Listings that fail or disagree, and unique-ids that are not unique.

use crate::Fetch;
use crate::scripted::{Server, mail, say, three};

#[test]
fn a_list_is_only_printed() {
    let server = Server::new(&[mail(2, "x/..", "two\r\n"), mail(9, "b", "nine\r\n")])
        .instead("UIDL", say("+OK\r\n2 x/..\r\n.\r\n"));
    let fetch = Fetch::new("list");
    let said = fetch.run(&server, &["--list"]).exit(0);
    assert_eq!(said.out, "2\t5\tx/..\n9\t6\t\n");
    assert!(!fetch.root.join("Maildir").exists());
}

/// R3206-4.01: a failure of the moment is not the lack of unique-ids, for which all would come again.
#[test]
fn unique_ids_that_fail_for_the_moment_are_waited_for() {
    let server = Server::new(&three()).instead("UIDL", say("-ERR [SYS/TEMP] later\r\n"));
    let fetch = Fetch::new("moment");
    fetch.run(&server, &[]).exit(1).says("[SYS/TEMP] later");
    assert_eq!(server.took("RETR"), [""; 0]);
}

/// R1957-1.02, R2449-7.01: UIDL is optional.
#[test]
fn without_unique_ids_mail_is_delivered_again_and_that_is_said() {
    let server = Server::new(&three()).instead("UIDL", say("-ERR never heard of it\r\n"));
    let fetch = Fetch::new("no-uidl");
    for times in 1..=2 {
        let said = fetch.run(&server, &[]).exit(0).says("delivered again by the next run");
        assert_eq!(said.err.matches("never heard of it").count(), 1, "{}", said.err);
        assert_eq!(fetch.delivered().len(), 3 * times);
    }
    fetch.run(&server, &["--delete"]).exit(0);
    assert!(server.left().is_empty());
}

#[test]
fn a_message_in_only_one_of_the_lists_is_a_message() {
    let server = Server::new(&three())
        .instead("LIST", say("+OK\r\n1 5\r\n2 5\r\n.\r\n"))
        .instead("UIDL", say("+OK\r\n2 b\r\n3 c\r\n.\r\n"));
    let fetch = Fetch::new("disagree");
    fetch.run(&server, &["--delete"]).exit(0).says("3 messages fetched").says("1 message without");
    assert_eq!(fetch.delivered(), ["one\r\n", "three\r\n", "two\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn a_message_with_two_unique_ids_is_taken_for_no_other() {
    let fetch = Fetch::new("two-ids");
    fetch.run(&Server::new(&three()[..2]), &[]).exit(0);
    let server =
        Server::new(&[mail(1, "z", "new\r\n")]).instead("UIDL", say("+OK\r\n1 a\r\n1 b\r\n.\r\n"));
    fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    assert_eq!(fetch.delivered(), ["new\r\n", "one\r\n", "two\r\n"]);
}

#[test]
fn a_malformed_line_of_list_hides_no_message() {
    let fetch = Fetch::new("list-line");
    let server = Server::new(&three())
        .instead("LIST", say("+OK\r\n1 5\r\n2 \x1b\r\n3 7\r\n.\r\n"))
        .instead("UIDL", say("-ERR\r\n"));
    fetch.run(&server, &[]).exit(0).says("3 messages fetched").says("\"2 \\u{1b}\"");

    let fetch = Fetch::new("list-line-unreadable");
    let server = Server::new(&three()).instead("LIST", say("+OK\r\n1 5\r\ntwo 5\r\n3 7\r\n.\r\n"));
    fetch.run(&server, &["--leniency", "strict"]).exit(1).says("LIST: ").says("two 5");
    fetch.run(&server, &["--list"]).exit(1).says("messages that were not seen");
    fetch.run(&server, &[]).exit(1).says("messages that were not seen");
    // It has a unique-id.
    assert_eq!(fetch.delivered().len(), 3);
}

#[test]
fn messages_that_share_a_unique_id_are_all_delivered() {
    let same = [mail(1, "x", "one\r\n"), mail(2, "x", "two\r\n"), mail(3, "x", "one\r\n")];
    let server = Server::new(&same);
    let fetch = Fetch::new("shared");
    fetch.run(&server, &[]).exit(0);
    assert_eq!(fetch.delivered(), ["one\r\n", "one\r\n", "two\r\n"]);
    server.took("RETR");
    fetch.run(&server, &[]).exit(0).says("3 there already");
    assert!(server.took("RETR").is_empty());
    // Before they are deleted each is looked at again.
    fetch.run(&server, &["--delete"]).exit(0).says("0 messages fetched").says("3 there already");
    assert_eq!(server.took("RETR").len(), 3);
    assert_eq!(fetch.delivered().len(), 3);
    assert!(server.left().is_empty());
}

#[test]
fn of_messages_that_share_a_unique_id_none_is_deleted_before_all_are_here() {
    let mails = [mail(1, "x", "one\r\n"), mail(2, "x", "two\r\n"), mail(3, "c", "3\r\n")];
    let server = Server::new(&mails).instead("RETR 2", say("-ERR busy\r\n"));
    let fetch = Fetch::new("shared-refused");
    fetch.run(&server, &["--delete"]).exit(1).says("message 1: not deleted");
    assert_eq!(server.left(), [1, 2]);
    server.mend();
    fetch.run(&server, &["--delete"]).exit(0);
    assert_eq!(fetch.delivered(), ["3\r\n", "one\r\n", "two\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn a_message_that_moved_up_is_not_taken_for_the_one_before_it() {
    let server = Server::new(&[mail(1, "x", "one\r\n"), mail(2, "x", "second\r\n")])
        .instead("RETR 2", say("-ERR busy\r\n"));
    let fetch = Fetch::new("moved-up");
    fetch.run(&server, &[]).exit(1);
    // Somebody else removes the first.
    server.set(&[mail(1, "x", "second\r\n")]);
    fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    assert_eq!(fetch.delivered(), ["one\r\n", "second\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn a_unique_id_that_is_used_again_deletes_no_message_unread() {
    let server = Server::new(&[mail(1, "1", "first\r\n")]);
    let fetch = Fetch::new("used-again");
    fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    for body in ["second, longer\r\n", "third, longer still\r\n"] {
        server.set(&[mail(1, "1", body)]);
        fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    }
    assert_eq!(fetch.delivered().len(), 3);
}
