//! The index of sizes: what it spares, and what it is not believed.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Instant, SystemTime};

use proptest::prelude::*;

use crate::{Fixture, set_modified};

/// Replaces a message by as many other octets at the same time: a size that stays shows that nobody read it.
fn swap_unseen(path: &Path, content: &str) {
    let before = fs::metadata(path).expect("a file");
    assert_eq!(before.len(), content.len() as u64);
    fs::write(path, content).expect("written");
    set_modified(path, before.modified().expect("a time"));
}

/// A warm index spares reading; a message that changed, or that is new, is read alone.
#[test]
fn only_changed_messages_are_read() {
    let fixture = Fixture::with(&[("new/1.a", "abc"), ("new/2.b", "abc"), ("new/3.c", "abc")]);
    assert_eq!(fixture.sizes(), [5, 5, 5]);
    for name in ["new/1.a", "new/2.b", "new/3.c"] {
        swap_unseen(&fixture.at(name), "\n\n\n");
    }
    assert_eq!(fixture.sizes(), [5, 5, 5], "nobody read them");
    // Flags and moves keep the sizes; another time, another length or a missing record do not.
    fixture.rename("new/1.a", "cur/1.a:2,S");
    assert_eq!(fixture.sizes(), [5, 5, 5]);
    set_modified(&fixture.at("new/2.b"), SystemTime::UNIX_EPOCH);
    assert_eq!(fixture.sizes(), [5, 6, 5]);
    let modified = fs::metadata(fixture.at("new/3.c")).expect("a file").modified().expect("a time");
    fixture.write("new/3.c", "\n\n\n\n");
    set_modified(&fixture.at("new/3.c"), modified);
    fixture.write("new/0.z", "");
    assert_eq!(fixture.sizes(), [0, 5, 6, 8]);
}

/// Records of files that are gone are dropped.
#[test]
fn the_index_forgets_what_is_gone() {
    let fixture = Fixture::with(&[("new/1.a", "x"), ("new/2.b", "x"), ("new/3.c", "x")]);
    let index = || fs::read(fixture.at(".pop3-index")).expect("an index");
    let names = |index: &[u8]| {
        ["1.a", "2.b", "3.c"].map(|name| index.windows(3).any(|window| window == name.as_bytes()))
    };
    drop(fixture.open());
    assert_eq!(names(&index()), [true; 3]);
    fs::remove_file(fixture.at("new/1.a")).expect("removed");
    drop(fixture.open());
    assert_eq!(names(&index()), [false, true, true]);
    fs::remove_file(fixture.at("new/3.c")).expect("removed");
    drop(fixture.open());
    assert_eq!(names(&index()), [false, true, false]);
}

/// However many messages there are, a warm index spares reading each. `--nocapture` shows the times.
#[test]
fn a_large_maildrop_opens_without_being_read() {
    const MESSAGES: u32 = 2_000;
    let fixture = Fixture::new();
    let name = |message: u32| {
        let time = 1_700_000_000 + message / 7;
        fixture.at(format!("cur/{time}.M{message}P4711Q{message}.mail.example.org,S=4,W=6:2,S"))
    };
    for message in 0..MESSAGES {
        fs::write(name(message), "a\nb\n").expect("a file");
    }
    let start = Instant::now();
    let cold = fixture.entries();
    let cold_time = start.elapsed();
    assert_eq!(u32::try_from(cold.len()), Ok(MESSAGES));
    assert!(cold.iter().all(|entry| entry.octets == 6));
    // As many octets, which count otherwise, so that any message that is read shows.
    for message in 0..MESSAGES {
        swap_unseen(&name(message), "\n\n\n\n");
    }
    let start = Instant::now();
    let warm = fixture.entries();
    println!("{MESSAGES} messages: cold {cold_time:?}, warm {:?}", start.elapsed());
    assert!(warm == cold);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// An index of any octets changes nothing.
    #[test]
    fn any_index_gives_the_same_entries(
        index in prop::collection::vec(any::<u8>(), 0..300),
        header in any::<bool>(),
    ) {
        let fixture = Fixture::with(&[("new/1.a", "one\n"), ("cur/2.b:2,S", "two")]);
        let start: &[u8] = if header { b"pop3-index 1 " } else { b"" };
        fixture.write(".pop3-index", [start, &index].concat());
        prop_assert_eq!(fixture.sizes(), [5, 5]);
        prop_assert_eq!(fixture.sizes(), [5, 5]);
    }

    /// An index that was damaged in one place, cut off or added to changes nothing.
    #[test]
    fn a_damaged_index_gives_the_same_entries(at in any::<prop::sample::Index>(), how in 0..3, octet in any::<u8>()) {
        let fixture = Fixture::with(&[("new/1.a", "one\n"), ("cur/2.b:2,S", "two"), ("new/3.c", "")]);
        let entries = fixture.entries();
        let mut index = fs::read(fixture.at(".pop3-index")).expect("an index");
        let at = at.index(index.len());
        match how {
            0 => index[at] = octet,
            1 => index.truncate(at),
            _ => index.insert(at, octet),
        }
        fixture.write(".pop3-index", &index);
        prop_assert_eq!(fixture.entries(), entries);
    }
}

/// No digit of an index can change without the whole being thrown away.
#[test]
fn each_octet_of_the_index_counts() {
    let fixture = Fixture::with(&[("new/1.a", "one\n"), ("cur/2.b:2,S", "two")]);
    let entries = fixture.entries();
    let whole = fs::read(fixture.at(".pop3-index")).expect("an index");
    for at in 0..whole.len() {
        for octet in *b"01 \0" {
            let mut index = whole.clone();
            index[at] = octet;
            fixture.write(".pop3-index", &index);
            assert_eq!(fixture.entries(), entries, "{octet} at {at}");
        }
    }
    // Nor is an index read that lies elsewhere.
    fixture.rename(".pop3-index", "elsewhere");
    symlink(fixture.at("elsewhere"), fixture.at(".pop3-index")).expect("a link");
    swap_unseen(&fixture.at("cur/2.b:2,S"), "\n\n\n");
    assert_eq!(fixture.sizes(), [5, 6]);
}

/// The digest is no secret: records that contradict the folder are not believed, and no records panic.
#[test]
fn a_forged_index_is_believed_about_sizes_only() {
    let fixture = Fixture::with(&[("new/1.a", "one\n"), ("new/2.b", "two\n")]);
    let entries = fixture.entries();
    let whole = fs::read(fixture.at(".pop3-index")).expect("an index");
    let records = &whole[whole.iter().position(|&octet| octet == b'\n').expect("a header") + 1..];
    let forge = |records: &[u8]| {
        let header = format!("pop3-index 1 {}\n", sha256(records));
        fixture.write(".pop3-index", [header.as_bytes(), records].concat());
    };
    let second = records.iter().position(|&octet| octet == 0).expect("a record") + 1;
    let reversed = [&records[second..], &records[..second]].concat();
    let doubled = [records, records].concat();
    let huge = b"18446744073709551615 9223372036854775807 4294967295 18446744073709551615 1.a\0";
    let cases: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\0\0\0",
        b"    \0",
        b"4 0 0 99 1.a\0",
        b"4 0 0 99\0",
        b"-4 0 0 99 1.a\0",
        b"4 0 0 1.a",
        b"4 99999999999999999999 0 5 1.a\0",
        huge,
        &reversed,
        &doubled,
    ];
    for case in cases {
        forge(case);
        assert_eq!(fixture.entries(), entries, "{}", case.escape_ascii());
        assert_eq!(fs::read(fixture.at(".pop3-index")).expect("an index"), whole, "rebuilt");
    }
    // A file of any size is not read into memory.
    File::create(fixture.at(".pop3-index")).expect("a file").set_len(1 << 40).expect("a length");
    assert_eq!(fixture.entries(), entries);
    // What stands in its way does not keep anybody out.
    fs::remove_file(fixture.at(".pop3-index")).expect("removed");
    fs::create_dir(fixture.at(".pop3-index")).expect("a folder");
    fs::create_dir(fixture.at(".pop3-index.tmp")).expect("a folder");
    assert_eq!(fixture.entries(), entries);
}

fn sha256(octets: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(octets)
        .iter()
        .fold(String::new(), |hex, octet| format!("{hex}{octet:02x}"))
}
