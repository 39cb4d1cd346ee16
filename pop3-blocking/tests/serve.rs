//! The `serve` example of an adapter as its users have it: a process that is told to end, or killed.
//!
//! `cargo test` builds the examples; for `--test serve` alone, build it first.

#![cfg(all(unix, feature = "maildir"))]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

#[path = "support/until.rs"]
mod until;
use until::{LONG, until};

/// Both adapters have an example of this name, and one overwrites the other: what Cargo notes beside
/// each says whose it is.
fn program() -> PathBuf {
    // From target/PROFILE/deps to target/PROFILE/examples.
    let mut examples = std::env::current_exe().expect("a program");
    examples.pop();
    examples.set_file_name("examples");
    let source = concat!(env!("CARGO_PKG_NAME"), "/examples/serve.rs");
    let built = fs::read_dir(&examples).expect("examples").map(|entry| entry.expect("one").path());
    let ours = built.filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("serve-")
            && path.extension().is_some_and(|extension| extension == "d")
            && fs::read_to_string(path).is_ok_and(|sources| sources.contains(source))
    });
    // Checks leave notes too, and no program; tests of examples leave another one.
    let runs = |path: &PathBuf| {
        let help = Command::new(path).arg("--help").output();
        help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--maildir"))
    };
    let programs = ours.map(|path| path.with_extension("")).filter(runs);
    let newest = programs.max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    newest.expect("the example is built")
}

/// A Maildir of three messages.
fn maildir() -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(root.path().join("drop").join(folder)).expect("a Maildir");
    }
    for number in 1..=3 {
        let name = format!("drop/new/{number}.a.host");
        fs::write(root.path().join(name), "Subject: tea\n\nAt five?\n").expect("a message");
    }
    fs::write(root.path().join("password"), "tan staaf\n").expect("a password");
    root
}

/// The names of the messages in `new` and `cur`; nothing may be left in `tmp`.
fn messages(root: &TempDir) -> Vec<String> {
    let names = |folder: &str| {
        let entries = fs::read_dir(root.path().join("drop").join(folder)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
    };
    assert_eq!(names("tmp").count(), 0);
    let mut messages: Vec<_> = names("new").chain(names("cur")).collect();
    messages.sort();
    messages
}

const ALL: [&str; 3] = ["1.a.host", "2.a.host", "3.a.host"];

/// A running example; killed when it is dropped.
struct Serve {
    process: Child,
    address: SocketAddr,
}

impl Serve {
    fn new(root: &TempDir, more: &[&str]) -> Self {
        let mut process = Command::new(program())
            .args(["--user", "mrose", "--listen", "127.0.0.1:0"])
            .arg("--maildir")
            .arg(root.path().join("drop"))
            .arg("--password-file")
            .arg(root.path().join("password"))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening on ").expect("where it listens");
        Self { address: address.parse().expect("an address"), process }
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.expect("kill runs").success());
    }

    /// Tells it to end, and waits until nobody is let in.
    fn close(&self, signal: &str) {
        self.signal(signal);
        until("it stops listening", || TcpStream::connect(self.address).is_err());
    }

    fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("it ends", || {
            status = self.process.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("an end")
    }

    /// What POP3 calls the messages.
    fn unique_ids(&self) -> Vec<String> {
        let mut session = Session::new(self);
        let mut ids = Vec::new();
        let mut line = session.ask("UIDL");
        while line != "." {
            line = session.line();
            ids.extend(line.split_once(' ').map(|(_, id)| id.to_owned()));
        }
        assert_eq!(session.ask("QUIT"), "+OK bye");
        ids
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A session in TRANSACTION.
struct Session(BufReader<TcpStream>);

impl Session {
    fn new(serve: &Serve) -> Self {
        let stream = TcpStream::connect(serve.address).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a time");
        let mut session = Self(BufReader::new(stream));
        assert!(session.line().starts_with("+OK"), "a greeting");
        assert_eq!(session.ask("USER mrose"), "+OK send PASS");
        let opened = session.ask("PASS tan staaf");
        assert!(opened.ends_with(" messages"), "{opened}");
        session
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.strip_suffix("\r\n").expect("a whole line").to_owned()
    }

    fn ask(&mut self, command: &str) -> String {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).expect("a write");
        self.line()
    }

    /// The server has ended the connection, and says nothing more.
    fn assert_ended(mut self) {
        let mut rest = Vec::new();
        // Whether it is closed or reset says nothing.
        let _ = self.0.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{rest:?}");
    }
}

/// R1939-6.03, F20: told to end, the server lets nobody in; who is in goes on, and a QUIT commits.
#[test]
fn a_signal_lets_open_sessions_finish() {
    for signal in ["TERM", "INT"] {
        let root = maildir();
        let mut serve = Serve::new(&root, &[]);
        let mut session = Session::new(&serve);
        assert_eq!(session.ask("DELE 1"), "+OK message deleted");
        serve.close(signal);
        assert_eq!(session.ask("STAT").split(' ').nth(1), Some("2"));
        assert_eq!(session.ask("DELE 3"), "+OK message deleted");
        assert_eq!(messages(&root), ALL);
        assert_eq!(session.ask("QUIT"), "+OK bye");
        assert_eq!(serve.ended().code(), Some(0), "SIG{signal}");
        assert_eq!(messages(&root), ALL[1..2]);
    }
}

/// R1939-6.05: a session that ends without QUIT, because the server does, removes nothing; and the
/// server does not wait for what has ended.
#[test]
fn a_signal_removes_nothing() {
    for signal in ["TERM", "INT"] {
        let root = maildir();
        let mut serve = Serve::new(&root, &[]);
        let mut session = Session::new(&serve);
        assert_eq!(session.ask("DELE 1"), "+OK message deleted");
        serve.close(signal);
        assert!(serve.process.try_wait().expect("a child").is_none(), "a session is open");
        drop(session);
        assert_eq!(serve.ended().code(), Some(0), "SIG{signal}");
        assert_eq!(messages(&root), ALL);
    }
}

/// R1939-6.05, F20: who is still there when the time is over is cut off, and nothing is removed.
#[test]
fn a_session_has_the_time_that_is_given() {
    let root = maildir();
    let mut serve = Serve::new(&root, &["--grace", "1"]);
    let mut session = Session::new(&serve);
    let silent = TcpStream::connect(serve.address).expect("a connection");
    assert_eq!(session.ask("DELE 1"), "+OK message deleted");
    serve.close("TERM");
    assert_eq!(serve.ended().code(), Some(0));
    session.assert_ended();
    drop(silent);
    assert_eq!(messages(&root), ALL);
}

/// F20: a second signal ends it at once, and says so by its status; nothing is removed.
#[test]
fn a_second_signal_ends_at_once() {
    for signals in [["TERM", "TERM"], ["INT", "INT"], ["TERM", "INT"]] {
        let root = maildir();
        let mut serve = Serve::new(&root, &["--grace", "600"]);
        let mut session = Session::new(&serve);
        assert_eq!(session.ask("DELE 1"), "+OK message deleted");
        serve.close(signals[0]);
        serve.signal(signals[1]);
        assert_eq!(serve.ended().code(), Some(1), "{signals:?}");
        session.assert_ended();
        assert_eq!(messages(&root), ALL);
    }
}

/// R1939-7.12, R1939-7.13: unique-ids are the same after a server that was killed, with a session open
/// in it, and after other programs have renamed what they read.
#[test]
fn unique_ids_outlive_processes_and_names() {
    let root = maildir();
    let serve = Serve::new(&root, &[]);
    let ids = serve.unique_ids();
    assert_eq!(ids.len(), 3);
    let mut session = Session::new(&serve);
    assert_eq!(session.ask("DELE 2"), "+OK message deleted");
    serve.signal("KILL");
    session.assert_ended();
    let serve = Serve::new(&root, &[]);
    assert_eq!(serve.unique_ids(), ids);
    let folder = root.path().join("drop");
    for (number, flags) in [(1, ":2,S"), (3, ":2,FRS")] {
        let to = folder.join(format!("cur/{number}.a.host{flags}"));
        fs::rename(folder.join(format!("new/{number}.a.host")), to).expect("a rename");
    }
    assert_eq!(serve.unique_ids(), ids);
    serve.signal("KILL");
    let serve = Serve::new(&root, &[]);
    assert_eq!(serve.unique_ids(), ids);
}
