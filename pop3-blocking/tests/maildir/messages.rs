//! Which files are messages, and in which order.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use pop3_blocking::pop3_proto::Mailbox;
use pop3_blocking::server::{Maildir, OpenError, OpenMaildrop as _, Store as _};

use crate::{Fixture, kind, mailbox, number};

/// R1939-4.08: `new` and `cur` together, by the time of delivery as a number, then by base name.
#[test]
fn messages_are_numbered_by_delivery() {
    let fixture = Fixture::with(&[
        ("cur/1000.b.host:2,S", "4"),
        ("new/1000.a.host", "3"),
        ("new/999.z.host", "2"),
        ("cur/no time at all", "1"),
        ("new/99999999999999999999999999.x", "5"),
    ]);
    assert_eq!(fixture.contents(), ["1", "2", "3", "4", "5"]);
    // Neither flags nor the folder decide.
    fixture.rename("cur/1000.b.host:2,S", "cur/1000.b.host:2,");
    fixture.rename("new/1000.a.host", "cur/1000.a.host:2,RS");
    assert_eq!(fixture.contents(), ["1", "2", "3", "4", "5"]);
    assert_eq!(fixture.files().len(), 5, "nothing is moved");
}

/// Hidden files, folders, links and FIFOs are no messages.
#[test]
fn only_plain_files_are_messages() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("new/.hidden", "x"), ("tmp/2.b", "x")]);
    fs::create_dir(fixture.at("cur/3.c")).expect("a folder");
    fixture.write("secret", "what lies elsewhere");
    symlink(fixture.at("secret"), fixture.at("new/4.d")).expect("a link");
    symlink("nowhere", fixture.at("new/5.e")).expect("a link");
    std::os::unix::net::UnixListener::bind(fixture.at("new/6.f")).expect("a socket");
    assert_eq!(fixture.contents(), ["one"]);
}

/// A link does not lead out of the Maildir, though it takes the place of a message or a folder.
#[test]
fn links_are_not_followed() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("secret", "x")]);
    let mut maildrop = fixture.open();
    fs::remove_file(fixture.at("new/1.a")).expect("removed");
    symlink(fixture.at("secret"), fixture.at("new/1.a")).expect("a link");
    assert_eq!(kind(&mut maildrop, 1), io::ErrorKind::NotFound);
    drop(maildrop);

    for place in ["cur", "new"] {
        let fixture = Fixture::new();
        fs::remove_dir(fixture.at(place)).expect("removed");
        symlink("/tmp", fixture.at(place)).expect("a link");
        assert!(fixture.store.open(&mailbox()).is_err());
    }

    // Nor are the files that we write ourselves.
    let fixture = Fixture::with(&[("new/1.a", "one"), ("victim", "unharmed")]);
    for ours in [".pop3-index", ".pop3-index.tmp"] {
        symlink(fixture.at("victim"), fixture.at(ours)).expect("a link");
    }
    assert_eq!(fixture.sizes(), [5]);
    assert_eq!(fs::read(fixture.at("victim")).expect("a file"), b"unharmed");
    let fixture = Fixture::new();
    symlink(fixture.at("victim"), fixture.at(".pop3-lock")).expect("a link");
    assert!(matches!(fixture.store.open(&mailbox()), Err(OpenError::Io(_))));
    assert!(!fixture.at("victim").exists());
}

/// R1939-4.07: what is not there is missing, and nothing is made of it.
#[test]
fn a_missing_maildrop_is_missing() {
    let fixture = Fixture::new();
    let missing = |store: &Maildir, name: &str| {
        let opened = store.open(&Mailbox::new(name).expect("a mailbox"));
        assert!(matches!(opened, Err(OpenError::Missing)), "{name}: {opened:?}");
    };
    let long = "X".repeat(400);
    for name in ["mros", "Mrose", "mrose/", "./mrose", "..", ".", "/", "../mrose", "a/b", &long] {
        missing(&fixture.store, name);
    }
    fs::remove_dir(fixture.at("cur")).expect("removed");
    missing(&fixture.store, "mrose");
    assert!(!fixture.at(".pop3-lock").exists(), "no Maildir, no lock");

    let single = Maildir::single(mailbox(), &fixture.path);
    missing(&single, "alice");
    let alice = Mailbox::new("alice").expect("a mailbox");
    assert!(single.folder(&alice).is_none() && single.create(&alice).is_err());
    single.create(&mailbox()).expect("what lacks is made");
    assert!(single.open(&mailbox()).is_ok());
}

/// What we create is for its owner only.
#[test]
fn created_files_are_private() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    drop(fixture.open());
    let mode =
        |name: &str| fs::metadata(fixture.at(name)).expect("there").permissions().mode() & 0o7777;
    for folder in ["", "tmp", "new", "cur"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in [".pop3-lock", ".pop3-index"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert!(!fixture.at(".pop3-index.tmp").exists());
}

/// Names of any octets, which no shell and no text would take.
#[test]
fn weird_names_are_names() {
    let fixture = Fixture::new();
    let long = [&b"6."[..], &[b'x'; 250]].concat();
    let names: [&[u8]; 9] = [
        b"1.\xff\xfe\x80:2,S",
        b"2. spaces and\nline ends\r\n",
        b"3.a:2,:2,S",
        b"4.-rf",
        b"5.a:b:c",
        &long,
        b"7.%s\x1b[2J\x7f",
        b"8.0 0 0 0 x",
        b"9:2,",
    ];
    for name in names {
        fixture.write(OsStr::from_bytes(&[b"cur/", name].concat()), name);
    }
    for _ in 0..2 {
        let mut maildrop = fixture.open();
        for (message, name) in (1..).zip(names) {
            let mut octets = Vec::new();
            let found = maildrop.message(number(message)).expect("a message");
            found.take(1000).read_to_end(&mut octets).expect("octets");
            assert_eq!(octets, name);
        }
        assert!(format!("{maildrop:?}").is_ascii());
    }
    let ids: std::collections::HashSet<_> = fixture.ids().into_iter().collect();
    assert_eq!(ids.len(), names.len());
    // All of them are in the index: none is measured again.
    let before = fs::read(fixture.at(".pop3-index")).expect("an index");
    drop(fixture.open());
    assert_eq!(fs::read(fixture.at(".pop3-index")).expect("an index"), before);
    let all = (1..=9).map(number).collect::<Vec<_>>();
    fixture.open().remove(&mut all.into_iter()).expect("removed");
    assert!(fixture.files().is_empty());
}
