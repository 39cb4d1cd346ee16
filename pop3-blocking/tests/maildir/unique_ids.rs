//! Unique-ids, and messages that have two names or share one.

use std::fs;
use std::time::{Duration, SystemTime};

use pop3_blocking::server::OpenMaildrop as _;

use crate::{Fixture, number, set_modified};

/// C0039, R1939-7.13: the same in each session and after each move and change of flags.
#[test]
fn unique_ids_persist() {
    let fixture = Fixture::with(&[("new/1.a.host", "one"), ("cur/2.b.host:2,", "two")]);
    let ids = fixture.ids();
    for id in &ids {
        assert!(id.len() <= 70 && id.bytes().all(|octet| octet.is_ascii_alphanumeric()), "{id}");
    }
    // sha256("1.a.host"): not even another release may change it.
    assert_eq!(ids[0], "a4c481df737dc31ad5fb03ef000c58eab775ec3d116dd08004a55802bf9ce145");
    fixture.rename("new/1.a.host", "cur/1.a.host:2,S");
    fixture.rename("cur/2.b.host:2,", "cur/2.b.host:2,FRS");
    fs::remove_file(fixture.at(".pop3-index")).expect("removed");
    assert_eq!(fixture.ids(), ids);
    // Another message, though of the same octets, has another one.
    fixture.write("new/3.c.host", "one");
    assert_eq!(fixture.ids()[..2], ids);
    assert!(!ids.contains(&fixture.ids()[2]));
}

/// C0040, R1939-7.14: two messages under one base name never have one unique-id, not one after the other either.
#[test]
fn two_messages_with_one_base_name_are_told_apart() {
    for second in ["cur/1.a.host,S=3:2,S", "cur/1.a.host,S=3", "new/1.a.host,S=3:2,"] {
        let fixture = Fixture::with(&[("new/1.a.host,S=3", "one")]);
        let ids = fixture.ids();
        fixture.write(second, "two");
        set_modified(&fixture.at(second), SystemTime::now() + Duration::from_secs(9));
        let both = fixture.ids();
        assert_eq!(fixture.contents(), ["one", "two"]);
        assert_eq!((both.len(), &both[0]), (2, &ids[0]), "the older one keeps its unique-id");
        assert_ne!(both[0], both[1]);
        assert!(fixture.files().iter().all(|file| file.contains(",S=3")), "{:?}", fixture.files());
        // The first goes; the second does not inherit its unique-id.
        fixture.open().remove(&mut [number(1)].into_iter()).expect("removed");
        assert_eq!(fixture.ids(), both[1..]);
        assert_eq!(fixture.contents(), ["two"]);
    }
}

/// A move by link and unlink that was interrupted leaves one message with two names.
#[test]
fn two_links_are_one_message() {
    let fixture = Fixture::with(&[("new/1.a", "one"), ("new/2.b", "two")]);
    let ids = fixture.ids();
    fs::hard_link(fixture.at("new/1.a"), fixture.at("cur/1.a:2,S")).expect("a link");
    assert_eq!(fixture.ids(), ids);
    assert_eq!(fixture.contents(), ["one", "two"]);
    fixture.open().remove(&mut [number(1)].into_iter()).expect("removed");
    assert_eq!(fixture.files(), ["new/2.b"]);
}

/// A process that dies while it gives the second of two messages a name of its own leaves both names:
/// the maildrop opens all the same, and the message is there once, wherever it is by then.
#[test]
fn an_interrupted_renaming_is_completed() {
    for moved in [false, true] {
        let fixture = Fixture::with(&[("new/1.a.h", "first\n"), ("cur/1.a.h:2,S", "second\n")]);
        set_modified(&fixture.at("new/1.a.h"), SystemTime::UNIX_EPOCH);
        let ids = fixture.ids();
        assert_eq!(ids.len(), 2);
        // Back to where both names were there.
        let renamed = fs::read_dir(fixture.at("cur")).unwrap().next().unwrap().unwrap().path();
        fs::hard_link(&renamed, fixture.at("cur/1.a.h:2,S")).unwrap();
        if moved {
            let name = renamed.file_name().unwrap().to_str().unwrap();
            fixture.rename(&format!("cur/{name}"), &format!("cur/{name}R"));
        }
        assert_eq!(fixture.ids(), ids, "moved: {moved}");
        assert_eq!(fixture.ids(), ids, "moved: {moved}");
        assert_eq!(fs::read_dir(fixture.at("cur")).unwrap().count(), 1, "moved: {moved}");
    }
}
