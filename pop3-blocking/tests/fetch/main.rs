//! The `fetch` example against scripted servers, which do what a good one never does.
//!
//! `cargo test` builds the examples; for `--test fetch` alone, build it first.

#![cfg(all(unix, feature = "server", feature = "tls"))]

mod command_line;
mod delivery;
mod failures;
mod listings;
mod logins;
mod scripted;
mod tls;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

use program::{Said, end, folder, program};
use scripted::Server;

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/program.rs"]
mod program;
#[path = "../../examples/fetch/protection.rs"]
mod protection;
#[path = "../support/until.rs"]
mod until;

const PASSWORD: &str = "tanstaaf";

/// The program, and a folder of the test's own for it.
struct Fetch {
    root: PathBuf,
    password: String,
}

impl Fetch {
    fn new(test: &str) -> Self {
        Self { root: folder("fetch", test), password: PASSWORD.to_owned() }
    }

    fn command(&self, url: &str, options: &[&str]) -> Command {
        let mut command = program("fetch", &self.root);
        command
            .arg("--to")
            .arg(self.root.join("Maildir"))
            .args(options)
            .args(Some(url).filter(|url| !url.is_empty()))
            .env("POP3_PASSWORD", &self.password);
        command
    }

    /// A file in the folder, by its name there.
    fn file<'a>(&self, name: &'a str, holds: &str) -> &'a str {
        fs::write(self.root.join(name), holds).unwrap();
        name
    }

    fn url(server: &Server) -> String {
        format!("pop://mrose@127.0.0.1:{}", server.port)
    }

    fn run(&self, server: &Server, options: &[&str]) -> Said {
        end(&mut self.command(&Self::url(server), options))
    }

    fn start(&self, server: &Server, options: &[&str]) -> Child {
        self.command(&Self::url(server), options).spawn().unwrap()
    }

    fn inside(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join("Maildir").join(folder)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// What the files in `new/` hold, sorted.
    fn in_new(&self) -> Vec<String> {
        let read = |path: &PathBuf| String::from_utf8(fs::read(path).unwrap()).unwrap();
        let mut contents: Vec<String> = self.inside("new").iter().map(read).collect();
        contents.sort();
        contents
    }

    /// The same once the program has ended: then `tmp/` must be empty.
    fn delivered(&self) -> Vec<String> {
        assert!(self.inside("tmp").is_empty(), "tmp/ is not empty");
        self.in_new()
    }
}
