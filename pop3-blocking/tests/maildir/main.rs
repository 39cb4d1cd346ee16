//! Maildrops as Maildirs: order, unique-ids, sizes, the lock, and what other programs do meanwhile.
#![cfg(all(feature = "maildir", unix))]

mod changes;
mod index;
mod lock;
mod messages;
mod sizes;
mod unique_ids;

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pop3_blocking::pop3_proto::server::Entry;
use pop3_blocking::pop3_proto::{Mailbox, MessageNumber};
use pop3_blocking::server::{Maildir, MaildirMaildrop, OpenMaildrop as _, Store as _};

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
