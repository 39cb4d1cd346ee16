//! What other programs do while a maildrop is open, and what goes at its end.

use std::fs;
use std::io;

use pop3_blocking::server::OpenMaildrop as _;

use crate::{Fixture, kind, number, read};

/// R1939-4.06: other programs may move a message and change its flags while it is open.
#[test]
fn a_message_is_found_where_it_moved() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("cur/2.b:2,", "two"), ("new/3.c", "three")]);
    let mut maildrop = fixture.open();
    let entries = maildrop.entries().to_vec();
    fixture.rename("new/1.a", "cur/1.a:2,");
    assert_eq!(read(&mut maildrop, 1).expect("found"), "one");
    fixture.rename("cur/2.b:2,", "cur/2.b:2,S");
    fixture.rename("cur/1.a:2,", "cur/1.a:2,FS");
    assert_eq!(read(&mut maildrop, 2).expect("found"), "two");
    assert_eq!(read(&mut maildrop, 1).expect("found"), "one");
    fixture.rename("cur/1.a:2,FS", "cur/1.a:2,T");
    fixture.rename("new/3.c", "cur/3.c:2,");
    fixture.write("new/4.d", "four");
    maildrop.remove(&mut [number(1), number(3)].into_iter()).expect("removed");
    assert_eq!(maildrop.entries(), entries);
    assert_eq!(fixture.files(), ["cur/2.b:2,S", "new/4.d"]);
}

/// While others are looked for, a message that is where it was stays the one that it is.
#[test]
fn a_search_does_not_confuse_messages() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("new/2.b", "two")]);
    let mut maildrop = fixture.open();
    fixture.write("cur/1.a:2,S", "another");
    fixture.rename("new/2.b", "cur/2.b:2,");
    assert_eq!(read(&mut maildrop, 2).expect("found"), "two");
    assert_eq!(read(&mut maildrop, 1).expect("a message"), "one");
    maildrop.remove(&mut [number(1)].into_iter()).expect("removed");
    assert_eq!(fixture.files(), ["cur/1.a:2,S", "cur/2.b:2,"]);
}

/// Another program that changes flags all the time makes no message appear twice, nor under another name.
#[test]
fn flags_may_change_while_a_maildrop_is_opened() {
    const MESSAGES: usize = 200;
    let fixture = Fixture::new();
    for message in 0..MESSAGES {
        fixture.write(format!("new/{message}.a"), "x\n");
    }
    let ids: std::collections::HashSet<_> = fixture.ids().into_iter().collect();
    std::thread::scope(|scope| {
        let flags = scope.spawn(|| {
            let name =
                |message: usize, flags: &str| fixture.at(format!("cur/{message}.a:2,{flags}"));
            for message in 0..MESSAGES {
                fs::rename(fixture.at(format!("new/{message}.a")), name(message, ""))
                    .expect("moved");
            }
            for (from, to) in ["", "S", "RS", "FRS", "T"].iter().zip(["S", "RS", "FRS", "T", ""]) {
                for message in 0..MESSAGES {
                    fs::rename(name(message, from), name(message, to)).expect("flagged");
                }
            }
        });
        while !flags.is_finished() {
            let now = fixture.ids();
            let distinct: std::collections::HashSet<_> = now.iter().cloned().collect();
            assert_eq!(distinct.len(), now.len());
            assert!(distinct.is_subset(&ids));
        }
    });
    assert_eq!(fixture.ids().len(), MESSAGES);
}

/// A message that another program removed is not found, and counts as removed.
#[test]
fn a_vanished_message_is_not_found() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("new/2.b", "two")]);
    let mut maildrop = fixture.open();
    fs::remove_file(fixture.at("new/1.a")).expect("removed");
    assert_eq!(kind(&mut maildrop, 1), io::ErrorKind::NotFound);
    assert_eq!(kind(&mut maildrop, 3), io::ErrorKind::NotFound);
    assert_eq!(read(&mut maildrop, 2).expect("a message"), "two");
    assert_eq!(maildrop.entries().len(), 2);
    maildrop.remove(&mut [1, 2, 2].map(number).into_iter()).expect("removed");
    maildrop.remove(&mut [1, 2].map(number).into_iter()).expect("gone already");
    assert!(fixture.files().is_empty());
}

/// R1939-6.04: what cannot be removed is said, and keeps nothing else from going.
#[test]
fn removal_goes_on_behind_a_failure() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("new/2.b", "two"), ("new/3.c", "three")]);
    fixture.write("new/0.z", "gone before it is removed");
    let mut maildrop = fixture.open();
    fs::remove_file(fixture.at("new/0.z")).expect("removed");
    fs::remove_file(fixture.at("new/2.b")).expect("removed");
    fs::create_dir(fixture.at("new/2.b")).expect("a folder");
    fs::write(fixture.at("new/2.b/x"), "x").expect("a file");
    assert_eq!(kind(&mut maildrop, 3), io::ErrorKind::NotFound);
    let all = [1, 2, 3, 4].map(number);
    let error = maildrop.remove(&mut all.into_iter()).expect_err("a folder");
    assert_eq!((error.removed, error.failed), (3, 1));
    assert!(error.error.raw_os_error().is_some(), "{error}");
    assert_eq!(fixture.files(), ["new/2.b"]);
    let error = maildrop.remove(&mut [number(5)].into_iter()).expect_err("no such message");
    assert_eq!((error.removed, error.failed), (0, 1));
}

/// R1939-6.05: without a removal nothing goes.
#[test]
fn dropping_a_maildrop_removes_nothing() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let mut maildrop = fixture.open();
    assert_eq!(read(&mut maildrop, 1).expect("a message"), "one");
    drop(maildrop);
    assert_eq!(fixture.files(), ["new/1.a"]);
}
