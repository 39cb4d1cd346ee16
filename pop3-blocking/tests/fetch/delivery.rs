//! What is delivered, under which name, and what a run that was interrupted leaves.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use pop3_blocking::pop3_proto::codec::{LineEnding, MultilineDecoder, MultilineEncoder};
use pop3_blocking::server;

use crate::Fetch;
use crate::program::end;
use crate::scripted::{Instead, Mail, Server, mail, three};
use crate::until::until;

#[test]
fn octets_arrive_as_they_are() {
    let body = b"Subject: \xfc\r\n\r\n.\r\n..\r\n.x\rlone\n.\xff\0\r\n".to_vec();
    let server = Server::new(&[Mail { number: 1, id: "A1".to_owned(), body: body.clone() }]);
    let fetch = Fetch::new("octets");
    fetch.run(&server, &[]).exit(0).says("1 message fetched");
    let files = fetch.inside("new");
    assert_eq!(files.len(), 1);
    assert_eq!(fs::read(&files[0]).unwrap(), body);
    assert!(files[0].to_str().unwrap().ends_with("._411"), "{files:?}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.took("QUIT").len(), 1);
}

/// The main job needs no server and no network: without a URL it brings its own.
#[test]
fn without_a_url_a_sample_is_fetched() {
    let fetch = Fetch::new("sample");
    end(&mut fetch.command("", &[])).exit(0).says("11 messages fetched");
    let mut expected: Vec<Vec<u8>> = server::sample()
        .iter()
        .map(|message| {
            let mut encoder = MultilineEncoder::new();
            let mut wire = Vec::new();
            encoder.encode(message, &mut wire);
            assert!(encoder.finish(&mut wire));
            let mut body = vec![0; wire.len()];
            let octets = MultilineDecoder::new(LineEnding::Crlf).decode_into(&wire, &mut body);
            assert!(octets.end);
            body.truncate(octets.written);
            body
        })
        .collect();
    expected.sort();
    let files = fetch.inside("new");
    let mut delivered: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    delivered.sort();
    assert!(delivered == expected, "the Maildir is not the sample");
    end(&mut fetch.command("", &[])).exit(0).says("11 there already");
}

#[test]
fn gaps_in_message_numbers_are_kept() {
    let server = Server::new(&[mail(2, "a", "two\r\n"), mail(70_000, "b", "many\r\n")]);
    let fetch = Fetch::new("gaps");
    fetch.run(&server, &[]).exit(0);
    assert_eq!(fetch.delivered(), ["many\r\n", "two\r\n"]);
    assert_eq!(server.took("RETR"), ["RETR 2", "RETR 70000"]);
}

#[test]
fn no_unique_id_leaves_its_place_in_new() {
    let ids = [
        "../../x".to_owned(),
        "/etc/passwd".to_owned(),
        "..".to_owned(),
        "@".repeat(70),
        "~%".repeat(127) + "~",
    ];
    let mails: Vec<Mail> =
        (1..).zip(&ids).map(|(number, id)| mail(number, id, &format!("{number}\r\n"))).collect();
    let server = Server::new(&mails);
    let fetch = Fetch::new("weird");
    fetch.run(&server, &[]).exit(0).says("the server was forgiven: unique-id of more than 70");
    assert_eq!(fetch.delivered(), ["1\r\n", "2\r\n", "3\r\n", "4\r\n", "5\r\n"]);
    for path in fetch.inside("new") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.len() < 220, "no room for flags: {name}");
        assert!(!name.starts_with('.') && !name.contains(".."), "{name}");
    }
    assert_eq!(fs::read_dir(&fetch.root).unwrap().count(), 1);
    server.took("RETR");
    fetch.run(&server, &[]).exit(0).says("5 there already");
    assert!(server.took("RETR").is_empty());
}

#[test]
fn accounts_may_share_a_maildir() {
    let server = Server::new(&[mail(1, "1", "mrose\r\n")]);
    let other = Server::new(&[mail(1, "1", "other\r\n")]);
    let fetch = Fetch::new("accounts");
    fetch.run(&server, &["--delete"]).exit(0);
    let url = format!("pop://other@127.0.0.1:{}", other.port);
    end(&mut fetch.command(&url, &["--delete"])).exit(0);
    assert_eq!(fetch.delivered(), ["mrose\r\n", "other\r\n"]);
}

#[test]
fn a_message_that_was_read_and_flagged_is_still_here() {
    let server = Server::new(&three());
    let fetch = Fetch::new("flagged");
    fetch.run(&server, &[]).exit(0);
    for path in fetch.inside("new") {
        let name = path.file_name().unwrap().to_str().unwrap();
        fs::rename(&path, fetch.root.join("Maildir/cur").join(format!("{name}:2,FS"))).unwrap();
    }
    server.took("RETR");
    fetch.run(&server, &["--delete"]).exit(0).says("3 there already").says("were committed");
    assert!(server.took("RETR").is_empty());
    assert!(fetch.delivered().is_empty() && server.left().is_empty());
}

/// Two runs at a time, against a server that locks nothing: neither replaces what the other delivered,
/// and what both have is there once.
#[test]
fn a_run_replaces_nothing_that_another_delivers_meanwhile() {
    for (other, delivered) in [("one\r\n", &["one\r\n"][..]), ("1\r\n", &["1\r\n", "one\r\n"])] {
        let fetch = Fetch::new("meanwhile");
        let server = Server::new(&[mail(1, "a", "one\r\n")]);
        fetch.run(&server, &[]).exit(0);
        let [file] = &fetch.inside("new")[..] else { panic!("not one file") };
        fs::remove_file(file).unwrap();
        server.took("RETR");
        let server = server.instead("RETR 1", Instead::Await(file.clone()));
        let run = fetch.start(&server, &[]);
        until("it has looked what is there", || !server.took("RETR").is_empty());
        let written = fetch.root.join("other");
        fs::write(&written, other).unwrap();
        fs::rename(&written, file).unwrap();
        assert!(run.wait_with_output().unwrap().status.success());
        assert_eq!(fetch.delivered(), delivered);
    }
}

#[test]
fn a_disk_that_refuses_loses_nothing() {
    let server = Server::new(&three());
    let fetch = Fetch::new("disk");
    fs::write(fetch.root.join("Maildir"), "a file").unwrap();
    fetch.run(&server, &["--delete"]).exit(1).says("cannot make the folder");
    assert_eq!(server.left(), [1, 2, 3]);
}

#[test]
fn killed_and_repeated_it_loses_nothing_and_doubles_nothing() {
    let server = Server::new(&three()).instead("RETR 2", Instead::Hang(b"+OK\r\ntw".to_vec()));
    let fetch = Fetch::new("killed");
    for signal in ["KILL", "INT", "TERM"] {
        let mut child = fetch.start(&server, &["--delete"]);
        until("a message half here", || {
            fetch.root.join("Maildir/cur").exists()
                && !fetch.inside("tmp").is_empty()
                && !fetch.inside("new").is_empty()
        });
        // The file of message 1 may be in tmp/ still when it is looked into, but not twice so long.
        thread::sleep(Duration::from_millis(100));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(fetch.in_new(), ["one\r\n"]);
        if signal == "KILL" {
            assert_eq!(status.signal(), Some(9));
            assert_eq!(fetch.inside("tmp").len(), 1);
            fs::remove_file(&fetch.inside("tmp")[0]).unwrap();
        } else {
            assert_eq!(status.code(), Some(130), "{signal}");
            assert!(fetch.inside("tmp").is_empty(), "SIG{signal} leaves something in tmp/");
            let mut err = String::new();
            child.stderr.unwrap().read_to_string(&mut err).unwrap();
            assert!(err.contains("interrupted; nothing was removed"), "{err}");
        }
        assert!(server.took("QUIT").is_empty());
    }
    server.mend();
    fetch.run(&server, &["--delete"]).exit(0).says("2 messages fetched").says("1 there already");
    assert_eq!(fetch.delivered(), ["one\r\n", "three\r\n", "two\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn only_our_own_old_files_are_removed_from_tmp() {
    let fetch = Fetch::new("stale");
    let tmp = fetch.root.join("Maildir/tmp");
    fs::create_dir_all(&tmp).unwrap();
    let hours = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3600);
    for (name, age) in [("pop3-fetch.1.2.3", 37), ("pop3-fetch.4.5.6", 35), ("1700.M1P2.host", 99)]
    {
        fs::File::create(tmp.join(name)).unwrap().set_modified(hours(age)).unwrap();
    }
    fetch.run(&Server::new(&[]), &[]).exit(0);
    assert_eq!(fetch.inside("tmp"), [tmp.join("1700.M1P2.host"), tmp.join("pop3-fetch.4.5.6")]);
}
