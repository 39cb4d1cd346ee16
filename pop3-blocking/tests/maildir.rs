//! Maildrops as Maildirs: order, unique-ids, sizes, the lock, and what other programs do meanwhile.
#![cfg(all(feature = "maildir", unix))]

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use pop3_blocking::pop3_proto::codec::{LineEnding, MultilineDecoder, MultilineEncoder};
use pop3_blocking::pop3_proto::server::Entry;
use pop3_blocking::pop3_proto::{Mailbox, MessageNumber};
use pop3_blocking::server::{Maildir, MaildirMaildrop, OpenError, OpenMaildrop as _, Store as _};
use proptest::prelude::*;

fn mailbox() -> Mailbox {
    Mailbox::new("mrose").expect("a mailbox")
}

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

/// A Maildir of its own for a test.
struct Fixture {
    path: PathBuf,
    store: Maildir,
    _root: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let store = Maildir::folders(root.path());
        store.create(&mailbox()).expect("a Maildir");
        Self { path: root.path().join("mrose"), store, _root: root }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let fixture = Self::new();
        for (name, content) in files {
            fixture.write(name, content);
        }
        fixture
    }

    fn at(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(Path::new(name.as_ref()))
    }

    fn write(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) {
        fs::write(self.at(name), content).expect("a file");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).expect("renamed");
    }

    fn open(&self) -> MaildirMaildrop {
        self.store.open(&mailbox()).expect("open")
    }

    fn entries(&self) -> Vec<Entry> {
        self.open().entries().to_vec()
    }

    fn ids(&self) -> Vec<String> {
        self.entries().iter().map(|entry| entry.id.to_string()).collect()
    }

    fn sizes(&self) -> Vec<u64> {
        self.entries().iter().map(|entry| entry.octets).collect()
    }

    /// All messages, in order.
    fn contents(&self) -> Vec<String> {
        let mut maildrop = self.open();
        let messages = 1..=u32::try_from(maildrop.entries().len()).expect("few");
        messages.map(|message| read(&mut maildrop, message).expect("a message")).collect()
    }

    /// What lies in `new` and `cur`, sorted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for place in ["cur", "new"] {
            for entry in fs::read_dir(self.at(place)).expect("a folder") {
                let name = entry.expect("an entry").file_name();
                files.push(format!("{place}/{}", name.to_string_lossy()));
            }
        }
        files.sort();
        files
    }
}

fn read(maildrop: &mut MaildirMaildrop, message: u32) -> io::Result<String> {
    let mut content = String::new();
    maildrop.message(number(message))?.read_to_string(&mut content)?;
    Ok(content)
}

fn kind(maildrop: &mut MaildirMaildrop, message: u32) -> io::ErrorKind {
    read(maildrop, message).expect_err("no message").kind()
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = File::options().append(true).open(path).expect("a file");
    file.set_times(FileTimes::new().set_modified(time)).expect("a time");
}

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

/// What a client has after RETR.
fn delivered(message: &[u8]) -> Vec<u8> {
    let (mut encoder, mut wire) = (MultilineEncoder::new(), Vec::new());
    assert_eq!(encoder.encode(message, &mut wire), message.len());
    assert!(encoder.finish(&mut wire));
    let mut out = vec![0; wire.len()];
    let decoded = MultilineDecoder::new(LineEnding::Crlf).decode_into(&wire, &mut out);
    assert!(decoded.end);
    out.truncate(decoded.written);
    out
}

/// R1939-5.09, R1939-11.03: LIST says how many octets RETR gives, whatever the line ends, measured or
/// from the index.
#[test]
fn sizes_are_what_retr_gives() {
    let messages: [&[u8]; 12] = [
        b"",
        b"\n",
        b"\r",
        b"one\r\ntwo\r\n",
        b"one\ntwo\n",
        b"one\r\ntwo\nthree",
        b"one\rtwo",
        b".\n..\n.",
        b"\r\n.\r\n",
        b"a\r\r\n\n\r",
        b"\0\xff\n\x80",
        &vec![b'\n'; 200_001],
    ];
    let fixture = Fixture::new();
    for (at, message) in messages.iter().enumerate() {
        fixture.write(format!("new/{at}.a"), message);
    }
    let expected: Vec<_> = messages.iter().map(|message| delivered(message).len() as u64).collect();
    assert_eq!(fixture.sizes(), expected);
    assert_eq!(fixture.sizes(), expected, "from the index");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// R1939-11.03, for any octets.
    #[test]
    fn any_size_is_what_retr_gives(message in prop::collection::vec(prop::sample::select(b"\r\n.ab\xff".to_vec()), 0..200)) {
        let fixture = Fixture::new();
        fixture.write("new/1.a", &message);
        let expected = delivered(&message).len() as u64;
        prop_assert_eq!(fixture.sizes(), [expected]);
        prop_assert_eq!(fixture.sizes(), [expected]);
    }

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

/// R1939-4.06: within one process too, through whatever store; released when the session ends.
#[test]
fn a_maildir_is_open_once() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let other = Maildir::single(mailbox(), fixture.path.join("../mrose"));
    let maildrop = fixture.open();
    for store in [&fixture.store, &other] {
        let before = Instant::now();
        assert!(matches!(store.open(&mailbox()), Err(OpenError::InUse)));
        assert!(before.elapsed() < Duration::from_secs(1), "it does not wait");
    }
    drop(maildrop);
    drop(other.open(&mailbox()).expect("released"));
    // R1939-4.07: a maildrop that cannot be opened is not locked.
    fs::rename(fixture.at("cur"), fixture.at("away")).expect("renamed");
    assert!(fixture.store.open(&mailbox()).is_err());
    fs::rename(fixture.at("away"), fixture.at("cur")).expect("renamed");
    drop(fixture.open());
}

/// Sessions race for one maildrop: never do two have it.
#[test]
fn sessions_race_for_the_lock() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let opened = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let Ok(maildrop) = fixture.store.open(&mailbox()) else { continue };
                    assert_eq!(holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    opened.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(maildrop);
                }
            });
        }
    });
    assert!(opened.into_inner() > 0);
}

const HOLD: &str = "POP3_TEST_HOLD";

/// Not a test of its own: the other process of the next one.
#[test]
fn another_process_holds_the_lock() {
    let Some(root) = std::env::var_os(HOLD) else { return };
    let _maildrop = Maildir::folders(root).open(&mailbox()).expect("open");
    println!("held");
    let _ = io::stdin().read(&mut [0]);
}

/// R1939-4.06: locked against other processes, and released by their death.
#[test]
fn the_lock_holds_between_processes_and_dies_with_its_holder() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let mut holder = Command::new(std::env::current_exe().expect("a test"))
        .args(["--exact", "another_process_holds_the_lock", "--nocapture"])
        .env(HOLD, fixture.path.parent().expect("a root"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut lines = BufReader::new(holder.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("a line").contains("held")));
    assert!(matches!(fixture.store.open(&mailbox()), Err(OpenError::InUse)));
    holder.kill().expect("killed");
    holder.wait().expect("dead");
    drop(fixture.open());
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
