//! The `fetch_many` example against the library's own server, and against one that never ends.
//!
//! `cargo test` builds the examples; for `--test fetch_many` alone, build it first.

#![cfg(all(unix, feature = "net", feature = "server", feature = "tls"))]

mod command_line;
mod delivery;
mod failures;
mod servers;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

use program::{Said, end, folder, program};
use servers::password;

#[path = "../../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
#[path = "../../../pop3-blocking/tests/support/program.rs"]
mod program;
#[path = "../../../pop3-blocking/tests/support/until.rs"]
mod until;

/// The program, and a folder of the test's own for it.
struct FetchMany {
    root: PathBuf,
}

impl FetchMany {
    fn new(test: &str) -> Self {
        Self { root: folder("fetch_many", test) }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = program("fetch_many", &self.root);
        command.args(["--to", "mail"]).args(words).env_remove("POP3_PASSWORD");
        command
    }

    fn run(&self, words: &[&str]) -> Said {
        end(&mut self.command(words))
    }

    fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().unwrap()
    }

    /// A file in the folder, by its name there.
    fn file<'a>(&self, name: &'a str, holds: impl AsRef<[u8]>) -> &'a str {
        fs::write(self.root.join(name), holds).unwrap();
        name
    }

    /// A file for `--from`, with a password file for each of these users.
    fn list(&self, users: &[&str], url: impl Fn(&str) -> String) -> &'static str {
        let lines: Vec<String> = users
            .iter()
            .map(|user| {
                self.file(user, password(user) + "\nsecond line\n");
                format!("{}\t{user}\n", url(user))
            })
            .collect();
        self.file("list", lines.concat())
    }

    fn inside(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join("mail").join(folder)).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// The names of the Maildirs.
    fn maildirs(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        self.inside("").iter().map(name).collect()
    }

    /// What was delivered into a Maildir, sorted, once nothing of it is being written.
    fn delivered(&self, maildir: &str) -> Vec<String> {
        assert!(self.inside(&format!("{maildir}/tmp")).is_empty(), "tmp/ is not empty");
        let files = self.inside(&format!("{maildir}/new"));
        let mut contents: Vec<String> =
            files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        contents.sort();
        contents
    }
}

impl Said {
    /// The lines of stdout: the outcomes, in whatever order they came, and then the sum.
    fn prints(self, outcomes: &[&str], sum: &str) -> Self {
        let mut lines: Vec<&str> = self.out.lines().collect();
        assert_eq!(lines.pop(), Some(sum), "{}{}", self.out, self.err);
        lines.sort_unstable();
        assert_eq!(lines, outcomes, "{}", self.err);
        self
    }
}
