//! The `fetch` example against scripted servers, which do what a good one never does.
//!
//! `cargo test` builds the examples; for `--test fetch` alone, build it first.

#![cfg(all(unix, feature = "server", feature = "tls"))]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use pop3_blocking::pop3_proto::client::{Security, UseStls};
use pop3_blocking::pop3_proto::codec::{LineEnding, MultilineDecoder, MultilineEncoder};
use pop3_blocking::pop3_proto::{Base64, Mailbox, Password};
use pop3_blocking::rustls::{ALL_VERSIONS, ServerConfig, ServerConnection, StreamOwned};
use pop3_blocking::server::{self, Memory, Passwords, ServerTls};

#[path = "support/certificates.rs"]
mod certificates;
#[path = "../examples/fetch/protection.rs"]
mod protection;
use certificates::{Authority, raw_server};
use protection::{Stls, protection};

const PASSWORD: &str = "tanstaaf";

// The server.

/// A message on the server.
#[derive(Clone)]
struct Mail {
    number: u32,
    id: String,
    body: Vec<u8>,
}

fn mail(number: u32, id: &str, body: &str) -> Mail {
    Mail { number, id: id.to_owned(), body: body.as_bytes().to_vec() }
}

fn three() -> [Mail; 3] {
    [mail(1, "a", "one\r\n"), mail(2, "b", "two\r\n"), mail(3, "c", "three\r\n")]
}

/// What a server does on a command instead of what it should.
#[derive(Clone)]
enum Instead {
    Say(Vec<u8>),
    /// Says this and closes.
    Close(Vec<u8>),
    /// Says this, and nothing more until the client has gone.
    Hang(Vec<u8>),
    /// Does what it should, once this file exists.
    Await(PathBuf),
}

fn say(octets: &str) -> Instead {
    Instead::Say(octets.as_bytes().to_vec())
}

/// What a server has and does, and what it was told.
#[derive(Default)]
struct Script {
    mails: Vec<Mail>,
    /// By the whole command, or by all of it but its last word; the greeting is that to `""`.
    instead: BTreeMap<String, Instead>,
    /// STLS is announced and taken.
    tls: Option<Arc<ServerConfig>>,
    log: Vec<String>,
    /// A command came before the reply to the one before it had left.
    sent_ahead: bool,
}

impl Script {
    fn listing(&self, line: impl Fn(&Mail) -> String) -> Vec<u8> {
        let lines: String = self.mails.iter().map(|mail| line(mail) + "\r\n").collect();
        format!("+OK\r\n{lines}.\r\n").into_bytes()
    }

    fn reply(&self, command: &str) -> Vec<u8> {
        let (keyword, argument) = command.split_once(' ').unwrap_or((command, ""));
        match keyword {
            "CAPA" => {
                let stls = if self.tls.is_some() { "STLS\r\n" } else { "" };
                format!("+OK\r\nUIDL\r\nPIPELINING\r\n{stls}.\r\n").into_bytes()
            }
            "LIST" => self.listing(|mail| format!("{} {}", mail.number, mail.body.len())),
            "UIDL" => self.listing(|mail| format!("{} {}", mail.number, mail.id)),
            "RETR" => match self.mails.iter().find(|mail| mail.number.to_string() == argument) {
                Some(mail) => [b"+OK\r\n", &stuffed(&mail.body)[..], b".\r\n"].concat(),
                None => b"-ERR no such message\r\n".to_vec(),
            },
            _ => b"+OK\r\n".to_vec(),
        }
    }
}

/// A line begins behind CRLF and nowhere else.
fn stuffed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &octet in body {
        if octet == b'.' && (out.is_empty() || out.ends_with(b"\r\n")) {
            out.push(b'.');
        }
        out.push(octet);
    }
    out
}

/// Serves one connection after the other for as long as the test lives.
struct Server {
    port: u16,
    script: Arc<Mutex<Script>>,
}

impl Server {
    fn new(mails: &[Mail]) -> Self {
        Self::at("127.0.0.1", mails)
    }

    fn at(address: &str, mails: &[Mail]) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Script { mails: mails.to_vec(), ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let served = Arc::clone(&script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // That a client goes away is one of the cases.
                let _ = serve(stream.unwrap(), &served);
            }
        });
        Self { port, script }
    }

    fn instead(self, command: impl Into<String>, instead: Instead) -> Self {
        self.script.lock().unwrap().instead.insert(command.into(), instead);
        self
    }

    fn with_stls(self, config: ServerConfig) -> Self {
        self.script.lock().unwrap().tls = Some(Arc::new(config));
        self
    }

    /// Makes the server behave again.
    fn mend(&self) {
        self.script.lock().unwrap().instead.clear();
    }

    fn set(&self, mails: &[Mail]) {
        self.script.lock().unwrap().mails = mails.to_vec();
    }

    /// The commands since the last call.
    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().log)
    }

    /// Those of them whose keyword is this one.
    fn took(&self, keyword: &str) -> Vec<String> {
        self.log()
            .into_iter()
            .filter(|command| command.split(' ').next() == Some(keyword))
            .collect()
    }

    /// The numbers of the messages that are left.
    fn left(&self) -> Vec<u32> {
        self.script.lock().unwrap().mails.iter().map(|mail| mail.number).collect()
    }
}

/// TCP, or TLS over it.
trait Transport: Read + Write {}

impl<T: Read + Write> Transport for T {}

fn serve(stream: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    let socket = stream.try_clone()?;
    let mut lines = BufReader::new(Box::new(stream) as Box<dyn Transport>);
    let mut command = String::new();
    let mut marked = Vec::new();
    loop {
        let (reply, instead) = {
            let mut script = script.lock().unwrap();
            if !command.is_empty() {
                script.log.push(command.clone());
            }
            script.sent_ahead |= !lines.buffer().is_empty();
            let but_last = || script.instead.get(command.rsplit_once(' ')?.0);
            let instead = script.instead.get(&command).or_else(but_last).cloned();
            if instead.is_none() {
                if let Some(number) = command.strip_prefix("DELE ") {
                    marked.push(number.to_owned());
                }
                if command == "QUIT" {
                    script.mails.retain(|mail| !marked.contains(&mail.number.to_string()));
                }
            }
            (script.reply(&command), instead)
        };
        match instead {
            None => {
                lines.get_mut().write_all(&reply)?;
                let tls = script.lock().unwrap().tls.clone().filter(|_| command == "STLS");
                if let Some(config) = tls {
                    let connection = ServerConnection::new(config).unwrap();
                    let stream = StreamOwned::new(connection, socket.try_clone()?);
                    lines = BufReader::new(Box::new(stream));
                }
            }
            Some(Instead::Await(file)) => {
                until("the file is there", || file.exists());
                lines.get_mut().write_all(&reply)?;
            }
            Some(Instead::Say(reply)) => lines.get_mut().write_all(&reply)?,
            Some(Instead::Close(reply)) => return lines.get_mut().write_all(&reply),
            Some(Instead::Hang(reply)) => {
                lines.get_mut().write_all(&reply)?;
                lines.read_to_end(&mut Vec::new())?;
                return Ok(());
            }
        }
        lines.get_mut().flush()?;
        command.clear();
        if lines.read_line(&mut command)? == 0 {
            return Ok(());
        }
        command.truncate(command.trim_end_matches(['\r', '\n']).len());
    }
}

// The program.

/// The program, and a folder of the test's own for it.
struct Fetch {
    root: PathBuf,
    password: String,
}

/// What the program said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    fn says(self, what: &str) -> Self {
        assert!(self.err.contains(what), "not said: {what}\n{}", self.err);
        self
    }

    fn says_not(self, what: &str) -> Self {
        assert!(!self.err.contains(what) && !self.out.contains(what), "{}{}", self.out, self.err);
        self
    }
}

impl Fetch {
    fn new(test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fetch").join(test);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Self { root, password: PASSWORD.to_owned() }
    }

    fn command(&self, url: &str, options: &[&str]) -> Command {
        // From target/PROFILE/deps to target/PROFILE/examples.
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.set_file_name("examples");
        program.push("fetch");
        assert!(program.exists(), "not built: cargo build -p pop3-blocking --example fetch");
        let mut command = Command::new(program);
        command
            .arg("--to")
            .arg(self.root.join("Maildir"))
            .args(options)
            .args(Some(url).filter(|url| !url.is_empty()))
            .current_dir(&self.root)
            .env("POP3_PASSWORD", &self.password)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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

fn end(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

// What is delivered.

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
fn a_list_is_only_printed() {
    let server = Server::new(&[mail(2, "x/..", "two\r\n"), mail(9, "b", "nine\r\n")])
        .instead("UIDL", say("+OK\r\n2 x/..\r\n.\r\n"));
    let fetch = Fetch::new("list");
    let said = fetch.run(&server, &["--list"]).exit(0);
    assert_eq!(said.out, "2\t5\tx/..\n9\t6\t\n");
    assert!(!fetch.root.join("Maildir").exists());
}

#[test]
fn commands_are_sent_ahead_only_where_that_was_announced() {
    let fetch = Fetch::new("capa");
    let server = Server::new(&three());
    fetch.run(&server, &["--window", "1"]).exit(0);
    assert!(!server.script.lock().unwrap().sent_ahead);
    fetch.run(&server, &["--delete"]).exit(0);
    assert!(server.script.lock().unwrap().sent_ahead);

    let server = Server::new(&three());
    fetch.run(&server, &["--auth", "USER", "--stls", "never", "--delete"]).exit(0);
    assert!(server.script.lock().unwrap().sent_ahead);

    let server = Server::new(&three()).instead("CAPA", say("-ERR what?\r\n"));
    fetch.run(&server, &["--delete"]).exit(0).says_not("CAPA");
    assert!(!server.script.lock().unwrap().sent_ahead);
    assert_eq!(fetch.delivered().len(), 3);
    assert!(server.left().is_empty());
}

// Names.

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

// Interruption.

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

// Servers that fail.

#[test]
fn the_end_of_the_connection_is_not_the_end_of_a_message() {
    let server =
        Server::new(&three()).instead("RETR 2", Instead::Close(b"+OK\r\ntwo\r\n".to_vec()));
    let fetch = Fetch::new("eof");
    fetch
        .run(&server, &["--delete"])
        .exit(1)
        .says("fetch: message 2: ")
        .says("0 messages marked as deleted: nothing was removed");
    assert_eq!(fetch.delivered(), ["one\r\n"]);
    assert_eq!(server.left(), [1, 2, 3]);
}

#[test]
fn a_message_that_is_refused_does_not_stop_the_others() {
    let server = Server::new(&three()).instead("RETR 2", say("-ERR \x1b[31mgone\x07\r\n"));
    let fetch = Fetch::new("refused");
    fetch
        .run(&server, &["--delete"])
        .exit(1)
        .says("message 2: the server refused it: \\u{1b}[31mgone\\u{7}")
        .says("1 refused")
        .says("2 messages marked as deleted: deletions were committed")
        .says_not("\x1b");
    assert_eq!(fetch.delivered(), ["one\r\n", "three\r\n"]);
    assert_eq!(server.left(), [2]);
}

#[test]
fn a_silent_server_is_left_with_a_word_about_what_was_awaited() {
    let fetch = Fetch::new("silent");
    for (command, awaited) in [
        ("", "timed out waiting for the greeting"),
        ("PASS tanstaaf", "login failed: timed out waiting for the reply"),
        ("UIDL", "UIDL: timed out waiting for the reply"),
        ("RETR 3", "message 3: timed out waiting for the reply"),
        ("QUIT", "QUIT: timed out waiting for the reply"),
    ] {
        let server = Server::new(&three()).instead(command, Instead::Hang(Vec::new()));
        let began = Instant::now();
        fetch.run(&server, &["--timeout", "1", "--delete"]).exit(1).says(awaited);
        assert!(began.elapsed() < Duration::from_secs(3), "{command}");
    }
}

#[test]
fn a_message_that_stops_is_no_message() {
    let server = Server::new(&three()).instead("RETR 3", Instead::Hang(b"+OK\r\nthr".to_vec()));
    let fetch = Fetch::new("stops");
    fetch
        .run(&server, &["--timeout", "1"])
        .exit(1)
        .says("message 3: timed out waiting for the rest of");
    assert_eq!(fetch.delivered(), ["one\r\n", "two\r\n"]);
}

#[test]
fn nothing_is_counted_as_deleted_that_was_refused() {
    let fetch = Fetch::new("dele");
    let server = Server::new(&three()).instead("DELE 2", say("-ERR locked\r\n"));
    fetch
        .run(&server, &["--delete"])
        .exit(1)
        .says("message 2: the server refused to delete it: locked")
        .says("2 messages marked as deleted: deletions were committed");
    assert_eq!(server.left(), [2]);
    server.mend();
    fetch.run(&server, &["--delete"]).exit(0).says("1 there already");
    assert!(server.left().is_empty());
    assert_eq!(fetch.delivered().len(), 3);
}

#[test]
fn what_became_of_deletions_is_said_as_it_is() {
    for (name, instead, said) in [
        ("quit-err", say("-ERR some messages not removed\r\n"), "some or no messages were removed"),
        ("quit-eof", Instead::Close(Vec::new()), "deletions may or may not be committed"),
    ] {
        let server = Server::new(&three()).instead("QUIT", instead);
        let fetch = Fetch::new(name);
        fetch.run(&server, &["--delete"]).exit(1).says(said);
        assert_eq!(fetch.delivered().len(), 3);
        // Without deletions QUIT decides nothing.
        fetch.run(&server, &[]).exit(0).says("3 there already");
    }
}

#[test]
fn a_greeting_that_refuses_is_shown_escaped() {
    let server = Server::new(&[]).instead("", Instead::Close(b"-ERR go\x1b[2Jaway\r\n".to_vec()));
    Fetch::new("greeting").run(&server, &[]).exit(1).says("go\\u{1b}[2Jaway").says_not("\x1b");
}

// Listings that fail.

/// R3206-4.01: a failure of the moment is not the lack of unique-ids, for which all would come again.
#[test]
fn unique_ids_that_fail_for_the_moment_are_waited_for() {
    let server = Server::new(&three()).instead("UIDL", say("-ERR [SYS/TEMP] later\r\n"));
    let fetch = Fetch::new("moment");
    fetch.run(&server, &[]).exit(1).says("[SYS/TEMP] later");
    assert_eq!(server.took("RETR"), [""; 0]);
}

/// R1957-1.02, R2449-7.01: UIDL is optional.
#[test]
fn without_unique_ids_mail_is_delivered_again_and_that_is_said() {
    let server = Server::new(&three()).instead("UIDL", say("-ERR never heard of it\r\n"));
    let fetch = Fetch::new("no-uidl");
    for times in 1..=2 {
        let said = fetch.run(&server, &[]).exit(0).says("delivered again by the next run");
        assert_eq!(said.err.matches("never heard of it").count(), 1, "{}", said.err);
        assert_eq!(fetch.delivered().len(), 3 * times);
    }
    fetch.run(&server, &["--delete"]).exit(0);
    assert!(server.left().is_empty());
}

#[test]
fn a_message_in_only_one_of_the_lists_is_a_message() {
    let server = Server::new(&three())
        .instead("LIST", say("+OK\r\n1 5\r\n2 5\r\n.\r\n"))
        .instead("UIDL", say("+OK\r\n2 b\r\n3 c\r\n.\r\n"));
    let fetch = Fetch::new("disagree");
    fetch.run(&server, &["--delete"]).exit(0).says("3 messages fetched").says("1 message without");
    assert_eq!(fetch.delivered(), ["one\r\n", "three\r\n", "two\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn a_message_with_two_unique_ids_is_taken_for_no_other() {
    let fetch = Fetch::new("two-ids");
    fetch.run(&Server::new(&three()[..2]), &[]).exit(0);
    let server =
        Server::new(&[mail(1, "z", "new\r\n")]).instead("UIDL", say("+OK\r\n1 a\r\n1 b\r\n.\r\n"));
    fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    assert_eq!(fetch.delivered(), ["new\r\n", "one\r\n", "two\r\n"]);
}

#[test]
fn a_malformed_line_of_list_hides_no_message() {
    let fetch = Fetch::new("list-line");
    let server = Server::new(&three())
        .instead("LIST", say("+OK\r\n1 5\r\n2 \x1b\r\n3 7\r\n.\r\n"))
        .instead("UIDL", say("-ERR\r\n"));
    fetch.run(&server, &[]).exit(0).says("3 messages fetched").says("\"2 \\u{1b}\"");

    let fetch = Fetch::new("list-line-unreadable");
    let server = Server::new(&three()).instead("LIST", say("+OK\r\n1 5\r\ntwo 5\r\n3 7\r\n.\r\n"));
    fetch.run(&server, &["--leniency", "strict"]).exit(1).says("LIST: ").says("two 5");
    fetch.run(&server, &["--list"]).exit(1).says("messages that were not seen");
    fetch.run(&server, &[]).exit(1).says("messages that were not seen");
    // It has a unique-id.
    assert_eq!(fetch.delivered().len(), 3);
}

// Unique-ids that are not unique.

#[test]
fn messages_that_share_a_unique_id_are_all_delivered() {
    let same = [mail(1, "x", "one\r\n"), mail(2, "x", "two\r\n"), mail(3, "x", "one\r\n")];
    let server = Server::new(&same);
    let fetch = Fetch::new("shared");
    fetch.run(&server, &[]).exit(0);
    assert_eq!(fetch.delivered(), ["one\r\n", "one\r\n", "two\r\n"]);
    server.took("RETR");
    fetch.run(&server, &[]).exit(0).says("3 there already");
    assert!(server.took("RETR").is_empty());
    // Before they are deleted each is looked at again.
    fetch.run(&server, &["--delete"]).exit(0).says("0 messages fetched").says("3 there already");
    assert_eq!(server.took("RETR").len(), 3);
    assert_eq!(fetch.delivered().len(), 3);
    assert!(server.left().is_empty());
}

#[test]
fn of_messages_that_share_a_unique_id_none_is_deleted_before_all_are_here() {
    let mails = [mail(1, "x", "one\r\n"), mail(2, "x", "two\r\n"), mail(3, "c", "3\r\n")];
    let server = Server::new(&mails).instead("RETR 2", say("-ERR busy\r\n"));
    let fetch = Fetch::new("shared-refused");
    fetch.run(&server, &["--delete"]).exit(1).says("message 1: not deleted");
    assert_eq!(server.left(), [1, 2]);
    server.mend();
    fetch.run(&server, &["--delete"]).exit(0);
    assert_eq!(fetch.delivered(), ["3\r\n", "one\r\n", "two\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn a_message_that_moved_up_is_not_taken_for_the_one_before_it() {
    let server = Server::new(&[mail(1, "x", "one\r\n"), mail(2, "x", "second\r\n")])
        .instead("RETR 2", say("-ERR busy\r\n"));
    let fetch = Fetch::new("moved-up");
    fetch.run(&server, &[]).exit(1);
    // Somebody else removes the first.
    server.set(&[mail(1, "x", "second\r\n")]);
    fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    assert_eq!(fetch.delivered(), ["one\r\n", "second\r\n"]);
    assert!(server.left().is_empty());
}

#[test]
fn a_unique_id_that_is_used_again_deletes_no_message_unread() {
    let server = Server::new(&[mail(1, "1", "first\r\n")]);
    let fetch = Fetch::new("used-again");
    fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    for body in ["second, longer\r\n", "third, longer still\r\n"] {
        server.set(&[mail(1, "1", body)]);
        fetch.run(&server, &["--delete"]).exit(0).says("1 message fetched");
    }
    assert_eq!(fetch.delivered().len(), 3);
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

// TLS.

/// The login by USER, over TLS if STLS stands before it.
const LOGIN: [&str; 3] = ["CAPA", "USER mrose", "PASS tanstaaf"];

/// R8314-5.2.05, R2595-4.05: on loopback too STLS is used where it is offered, and the login goes behind it.
#[test]
fn stls_is_used_where_it_is_offered() {
    let authority = Authority::new();
    let fetch = Fetch::new("stls");
    let ca = fetch.file("ca.pem", &authority.pem());
    for options in [&[][..], &["--stls", "require"], &["--stls", "prefer", "--allow-plaintext"]] {
        let server =
            Server::new(&three()).with_stls(authority.issue().server(ALL_VERSIONS, &["pop3"]));
        let options = [options, &["--ca", ca, "--list"]].concat();
        fetch.run(&server, &options).exit(0).says("logged in by USER over TLS\n");
        let log = server.log();
        assert_eq!(log[..2], ["CAPA", "STLS"]);
        assert_eq!(log[2..5], LOGIN);
    }
    let server = Server::new(&three()).with_stls(authority.issue().server(ALL_VERSIONS, &[]));
    fetch.run(&server, &["--stls", "never", "--list"]).exit(0).says("logged in by USER in clear");
    assert_eq!(server.log()[..3], LOGIN);
}

/// A4, A5: a server that offers STLS and refuses it, or puts octets behind its answer, which somebody on
/// the way may have done.
#[test]
fn stls_that_fails_is_no_reason_to_go_on_in_clear() {
    let authority = Authority::new();
    let fetch = Fetch::new("stls-fails");
    for (answer, said) in [
        ("-ERR not now\r\n", "refused to begin TLS: not now; nothing of the login was sent"),
        ("+OK\r\n+OK injected\r\n", "; nothing of the login was sent"),
    ] {
        for options in [&[][..], &["--stls", "require"], &["--stls", "prefer", "--allow-plaintext"]]
        {
            let server = Server::new(&three())
                .with_stls(authority.issue().server(ALL_VERSIONS, &[]))
                .instead("STLS", say(answer));
            fetch.run(&server, options).exit(1).says("connecting to mrose at 127.0.0.1").says(said);
            assert_eq!(server.log(), ["CAPA", "STLS"]);
        }
    }
}

/// B11, B15, R5034-4.21, R8314-3.1.03: from the first octet and by STLS; of the login nothing is sent.
#[test]
fn a_certificate_that_is_not_to_be_believed() {
    let authority = Authority::new();
    let fetch = Fetch::new("certificates");
    let ca = fetch.file("ca.pem", &authority.pem());
    let another = Authority::named("another", &rcgen::PKCS_ECDSA_P256_SHA256);
    let expired = |parameters: &mut rcgen::CertificateParams| {
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    for (issued, said) in [
        (
            authority.issue_for(&["elsewhere.example"], |_| {}),
            "the certificate is for another name",
        ),
        (another.issue(), "the certificate was issued by nobody who is trusted"),
        (authority.issue_for(&["127.0.0.1"], expired), "the certificate has expired"),
    ] {
        let server = Server::new(&three()).with_stls(issued.server(ALL_VERSIONS, &[]));
        let says = |said_by: Said| {
            said_by.exit(1).says(said).says("; nothing of the login was sent").says_not(PASSWORD)
        };
        says(fetch.run(&server, &["--ca", ca]));
        assert_eq!(server.log(), ["CAPA", "STLS"]);

        let (port, received) = raw_server(issued.server(ALL_VERSIONS, &[]), |stream| {
            let mut received = Vec::new();
            let _ = stream.read_to_end(&mut received);
            received
        });
        let url = format!("pops://mrose@127.0.0.1:{port}");
        says(end(&mut fetch.command(&url, &["--ca", ca])));
        assert_eq!(received.join().unwrap(), b"");
    }
    let server = Server::new(&three()).with_stls(another.issue().server(ALL_VERSIONS, &[]));
    fetch.run(&server, &["--ca", ca]).exit(1).says("--ca names authorities to trust");
    fetch.run(&server, &["--ca", "missing.pem"]).exit(1).says("missing.pem");
}

/// RFC 8314 §3.3, with the library's own server.
#[test]
fn a_maildrop_is_fetched_over_tls() {
    let authority = Authority::new();
    let fetch = Fetch::new("pops");
    let ca = fetch.file("ca.pem", &authority.pem());
    let mrose = Mailbox::new("mrose").unwrap();
    let store = Memory::new();
    for body in ["one\r\n", "two\r\n"] {
        store.deliver(&mrose, body);
    }
    let mut passwords = Passwords::new();
    passwords.insert(mrose, &Password::new(PASSWORD).unwrap());
    let mut server = server::Server::new(store, passwords);
    let issued = authority.issue();
    server.tls = Some(ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap());
    let running = server.spawn_tls(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let port = running.address().port();
    for (scheme, options, said) in [
        ("pops", &["--auth", "user"][..], "logged in by USER over TLS\n"),
        ("pop3s", &["--stls", "require"], " over TLS\n"),
    ] {
        let url = format!("{scheme}://mrose@127.0.0.1:{port}");
        let options = [options, &["--ca", ca]].concat();
        end(&mut fetch.command(&url, &options)).exit(0).says("logged in by ").says(said);
        assert_eq!(fetch.delivered(), ["one\r\n", "two\r\n"]);
    }
    running.stop();
}

/// B9: silence and a server that speaks no TLS.
#[test]
fn a_handshake_that_does_not_come_ends() {
    let fetch = Fetch::new("handshake");
    for (greeting, said) in [
        (
            Instead::Hang(Vec::new()),
            "timed out waiting for the TLS handshake; nothing of the login",
        ),
        (say("+OK ready\r\n"), "the peer does not speak TLS"),
    ] {
        let server = Server::new(&[]).instead("", greeting);
        let url = format!("pops://mrose@127.0.0.1:{}", server.port);
        let began = Instant::now();
        let ca = fetch.file("ca.pem", &Authority::new().pem());
        end(&mut fetch.command(&url, &["--timeout", "1", "--ca", ca])).exit(1).says(said);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

// Ways to log in.

fn base64(octets: &str) -> String {
    String::from_utf8(Base64::encode(octets.as_bytes()).expose().to_vec()).unwrap()
}

/// A server that announces USER and these mechanisms.
fn announcing(mechanisms: &str) -> Server {
    let list = format!("+OK\r\nUIDL\r\nUSER\r\nSASL {mechanisms}\r\n.\r\n");
    Server::new(&[]).instead("CAPA", say(&list))
}

/// What a server is told before LIST, but for CAPA.
fn login(server: &Server) -> Vec<String> {
    let log = server.log();
    log.into_iter().take_while(|line| line != "LIST").filter(|line| line != "CAPA").collect()
}

/// R2384-4.01, R2384-4.02, R2384-4.03, R1939-7.03: what is asked for is what is done.
#[test]
fn a_login_is_made_in_the_way_that_is_asked_for() {
    let mut fetch = Fetch::new("ways");
    let token = fetch.file("token", "vF9dft4qmTc\r\nsecond line\n");
    let user = || vec!["USER mrose".to_owned(), "PASS tanstaaf".to_owned()];
    let apop = || vec!["APOP mrose c4c9334bac560ecc979e58001b3e22fb".to_owned()];
    let plain = || vec![format!("AUTH PLAIN {}", base64("\0mrose\0tanstaaf"))];
    let anonymous = || vec![format!("AUTH ANONYMOUS {}", base64("mrose"))];
    let bearer = base64("n,a=mrose,\x01auth=Bearer vF9dft4qmTc\x01\x01");
    let bearer = || vec![format!("AUTH OAUTHBEARER {bearer}")];
    let xoauth2 = base64("user=mrose\x01auth=Bearer vF9dft4qmTc\x01\x01");
    let xoauth2 = || vec!["AUTH XOAUTH2".to_owned(), xoauth2.clone()];
    let token = ["--token-file", token];
    let all = "PLAIN XOAUTH2 OAUTHBEARER ANONYMOUS";
    for (announced, parameter, options, method, told) in [
        (all, "", &[][..], "PLAIN", plain()),
        ("ANONYMOUS", "", &[], "USER", user()),
        (all, "", &["--auth", "USER"], "USER", user()),
        (all, "", &["--auth", "apop"], "APOP", apop()),
        (all, ";AUTH=+APOP", &[], "APOP", apop()),
        (all, ";AUTH=+apop", &["--auth", "APOP"], "APOP", apop()),
        (all, ";AUTH=*", &["--auth", "user"], "USER", user()),
        ("LOGIN PLAIN", ";AUTH=plain", &["--auth", "Plain"], "PLAIN", plain()),
        (all, "", &["--auth", "ANONYMOUS"], "ANONYMOUS", anonymous()),
        (all, "", &token, "OAUTHBEARER", bearer()),
        ("PLAIN XOAUTH2", "", &token, "XOAUTH2", xoauth2()),
        (all, ";AUTH=XOAUTH2", &token, "XOAUTH2", xoauth2()),
    ] {
        let server = announcing(announced)
            .instead("", say("+OK <1896.697170952@dbc.mtview.ca.us>\r\n"))
            .instead("AUTH XOAUTH2", say("+ \r\n"));
        // What needs no password asks for none.
        let needs = matches!(method, "PLAIN" | "USER" | "APOP");
        fetch.password = if needs { PASSWORD.to_owned() } else { String::new() };
        let url = format!("pop://mrose{parameter}@127.0.0.1:{}", server.port);
        let said = end(&mut fetch.command(&url, &[options, &["--list"]].concat()));
        said.exit(0).says(&format!("logged in by {method} in clear\n"));
        assert_eq!(login(&server), told, "{announced} {parameter} {options:?}");
    }
}

/// One way is tried; where it fails no other is.
#[test]
fn a_login_that_is_refused_is_tried_in_no_other_way() {
    let fetch = Fetch::new("no-other-way");
    for (command, options, said) in [
        ("AUTH CRAM-MD5", &["--auth", "cram-md5"][..], "refused the login by CRAM-MD5: [AUTH] no"),
        ("AUTH SCRAM-SHA-256", &[], "refused the login by SCRAM-SHA-256: [AUTH] no"),
        ("AUTH LOGIN", &["--auth", "LOGIN"], "refused the login by LOGIN: [AUTH] no"),
    ] {
        let server = announcing("CRAM-MD5 SCRAM-SHA-256 PLAIN LOGIN")
            .instead(command, say("-ERR [AUTH] no\r\n"));
        fetch.run(&server, options).exit(1).says(said).says_not("logged in");
        let told = login(&server);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with(command) && told[1] == "QUIT", "{told:?}");
    }
    let server = announcing("GSSAPI");
    fetch
        .run(&server, &["--token-file", fetch.file("token", "vF9dft4qmTc")])
        .exit(1)
        .says("login failed: the server offers no acceptable way to log in; it announces GSSAPI");
    assert_eq!(login(&server), ["QUIT"]);
}

/// R7628-3.2.3.01, I10: what the server says of a token is shown, and the token is not.
#[test]
fn a_refused_token_is_told_with_its_reason() {
    let fetch = Fetch::new("token");
    let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
    let options = ["--token-file", fetch.file("token", token)];
    let initial = base64(&format!("n,a=mrose,\x01auth=Bearer {token}\x01\x01"));
    let auth = format!("AUTH OAUTHBEARER {initial}");
    let json = r#"{"status":"invalid_token","scope":"mail"}"#;
    let expired = say(&format!("+ {}\r\n", base64(json)));
    let server = announcing("OAUTHBEARER")
        .instead(&auth, expired.clone())
        .instead("AQ==", say("-ERR [AUTH] it has expired\r\n"));
    fetch
        .run(&server, &options)
        .exit(1)
        .says("the login by OAUTHBEARER: [AUTH] it has expired")
        .says(json)
        .says_not(token);
    assert_eq!(login(&server), [auth.as_str(), "AQ==", "QUIT"]);

    let detail = say(&format!("+ {}\r\n", base64(&format!(r#"{{"token":"{token}"}}"#))));
    let cut = say(&format!("-ERR what is {}?\r\n", &initial[..60]));
    for (first, last) in [
        (detail, say("-ERR no\r\n")),
        (expired.clone(), say(&format!("-ERR what is {token}?\r\n"))),
        (expired.clone(), say(&format!("-ERR what is {}?\r\n", &token[..20]))),
        (expired, cut),
    ] {
        let server = announcing("OAUTHBEARER").instead(&auth, first).instead("AQ==", last);
        let said = fetch.run(&server, &options).exit(1).says("withheld");
        said.says_not(&token[..20]).says_not(&initial[40..60]);
    }
}

/// I8: a challenge that cannot be one ends the exchange, and it is said who gave up and why.
#[test]
fn a_login_that_is_given_up_is_told_with_its_reason() {
    let fetch = Fetch::new("given-up");
    let server = announcing("CRAM-MD5")
        .instead("AUTH CRAM-MD5", say("+ no base64!\r\n"))
        .instead("*", say("-ERR as you like\r\n"));
    fetch
        .run(&server, &["--leniency", "strict"])
        .exit(1)
        .says("the login by CRAM-MD5 was given up: the server's challenge is malformed")
        .says("the server said: as you like");
    assert_eq!(login(&server), ["AUTH CRAM-MD5", "*", "QUIT"]);
}

// Whoever runs it.

#[test]
fn the_password_is_never_shown() {
    let fetch = Fetch::new("echo");
    for echo in ["-ERR 'tanstaaf' is wrong\r\n", "what is tanstaaf?\r\n"] {
        let server = Server::new(&[]).instead("PASS tanstaaf", say(echo));
        fetch.run(&server, &[]).exit(1).says("login failed").says_not(PASSWORD);
    }
    let server = Server::new(&[]).instead("PASS tanstaaf", say("-ERR [AUTH] no\r\n"));
    fetch
        .run(&server, &[])
        .exit(1)
        .says("login failed: the server refused the login by USER: [AUTH] no")
        .says_not("logged in");
    assert_eq!(server.took("QUIT").len(), 1);
}

/// I10: nor in base64, as it stands in the messages of the mechanisms.
#[test]
fn no_secret_is_shown_in_base64() {
    let fetch = Fetch::new("echo-base64");
    let initial = base64("\0mrose\0tanstaaf");
    let auth = format!("AUTH PLAIN {initial}");
    for echo in [initial, base64(PASSWORD), base64("mrose tanstaaf?")] {
        let server = announcing("PLAIN").instead(&auth, say(&format!("-ERR no {echo}\r\n")));
        fetch.run(&server, &[]).exit(1).says("login failed").says("withheld").says_not(&echo);
    }
    let server = announcing("PLAIN").instead(&auth, say("-ERR dGhlIG90aGVy\r\n"));
    fetch.run(&server, &[]).exit(1).says("the login by PLAIN: dGhlIG90aGVy");
}

#[test]
fn the_password_file_comes_before_the_environment() {
    let server = Server::new(&[]);
    let mut fetch = Fetch::new("password");
    fs::write(fetch.root.join("file"), "from the file\r\nsecond line\n").unwrap();
    fetch.run(&server, &["--password-file", "file"]).exit(0);
    assert_eq!(server.took("PASS"), ["PASS from the file"]);
    fetch.run(&server, &["--password-file", "missing"]).exit(1).says("missing");
    fetch.password.clear();
    fetch.run(&server, &[]).exit(2).says("no password");
    fs::write(fetch.root.join("file"), "\n").unwrap();
    fetch.run(&server, &["--password-file", "file"]).exit(2);
    assert!(server.took("PASS").is_empty());
}

/// R2384-4.01, R2384-4.02.
#[test]
fn what_cannot_be_is_a_usage_error() {
    let fetch = Fetch::new("usage");
    fetch.file("token", "hunter2\n");
    fetch.file("empty", "\n");
    fetch.file("two words", "hunter2 hunter2\n");
    for (url, options, said) in [
        ("pop://u:hunter2@127.0.0.1", &[][..], "password"),
        ("pop://127.0.0.1", &[], "no user"),
        ("http://u@127.0.0.1", &[], "pop://"),
        ("pop://u;AUTH=+APOP@127.0.0.1", &["--auth", "USER"], "by APOP and no other, --auth one"),
        ("pop://u;AUTH=PLAIN@127.0.0.1", &["--auth", "scram-sha-1"], "SCRAM-SHA-1"),
        ("pop://u;AUTH=GSSAPI@127.0.0.1", &[], "GSSAPI is not supported"),
        ("pop://u@127.0.0.1", &["--auth", "GSSAPI"], "GSSAPI is not supported"),
        ("pop://u@127.0.0.1", &["--auth", "a b"], "--auth"),
        ("pop://u@127.0.0.1", &["--auth", "external"], "EXTERNAL logs in by a certificate"),
        ("pop://u;AUTH=EXTERNAL@127.0.0.1", &[], "EXTERNAL logs in by a certificate"),
        ("pop://u@127.0.0.1", &["--auth", "XOAUTH2"], "--token-file"),
        ("pop://u@127.0.0.1", &["--token-file", "token", "--auth", "PLAIN"], "a token is for"),
        ("pop://u@127.0.0.1", &["--token-file", "token", "--auth", "ANONYMOUS"], "a token is for"),
        ("pop://u@127.0.0.1", &["--token-file", "a", "--password-file", "b"], "--password-file"),
        ("pop://u@127.0.0.1", &["--token-file", "empty"], "the token cannot be one"),
        ("pop://u@127.0.0.1", &["--token-file", "two words"], "the token cannot be one"),
        ("", &["--token-file", "token"], "URL"),
        ("pop://u@127.0.0.1", &["--ca", "token"], "--ca token: "),
        ("pops://u@127.0.0.1", &["--stls", "never"], "--stls"),
        ("pop3s://u@127.0.0.1", &["--stls", "prefer", "--allow-plaintext"], "--stls"),
        ("pop://u@127.0.0.1", &["--list", "--delete"], "--delete"),
        ("pop://u@127.0.0.1", &["--window", "0"], "--window"),
        ("pop://u@127.0.0.1", &["--timeout", "0"], "--timeout"),
        ("pop://u@127.0.0.1", &["--stls", "always"], "--stls"),
    ] {
        end(&mut fetch.command(url, options)).exit(2).says(said).says_not("hunter2");
    }
    assert!(!fetch.root.join("Maildir").exists());
}

/// R2384-4.05, R2595-9.02, R8314-5.2.01, R8314-5.2.02, R8314-5.2.03: each policy against a server without STLS, on
/// another host and on this one: how it ends, and what of the login leaves.
#[test]
fn nothing_of_a_login_leaves_in_clear_unless_that_is_allowed() {
    let Some(address) = own_address() else { return };
    let server = Server::at("0.0.0.0", &three());
    let fetch = Fetch::new("clear");
    let hint = "nothing of the login was sent; --stls never --allow-plaintext";
    for (options, elsewhere, here, said) in [
        (&[][..], 1, 0, hint),
        (&["--allow-plaintext"], 1, 0, hint),
        (&["--stls", "require"], 1, 1, hint),
        (&["--stls", "require", "--allow-plaintext"], 1, 1, hint),
        (&["--stls", "prefer"], 1, 0, "nothing of the login was sent; --allow-plaintext"),
        (&["--stls", "never"], 2, 0, "nothing of the login was sent; --allow-plaintext"),
        (&["--stls", "prefer", "--allow-plaintext"], 0, 0, "logged in by USER in clear"),
        (&["--stls", "never", "--allow-plaintext"], 0, 0, "logged in by USER in clear"),
    ] {
        let local = IpAddr::from([127, 0, 0, 1]);
        for (host, code) in [(address, elsewhere), (local, here)] {
            let url = format!("pop://mrose@{host}:{}", server.port);
            let ended = end(&mut fetch.command(&url, &[options, &["--list"]].concat()));
            let ended = ended.exit(code).says_not(PASSWORD);
            let log = server.log();
            if code == 0 {
                let ended = ended.says("logged in by USER in clear\n");
                let warned = ended.err.contains("neither the login nor the messages are private");
                assert_eq!(warned, host != local, "{options:?}");
                assert_eq!(log[..3], ["CAPA", "USER mrose", "PASS tanstaaf"], "{options:?}");
            } else {
                ended.says(said).says_not("logged in");
                assert_eq!(log, ["CAPA"], "{options:?}");
            }
        }
    }
}

/// Each combination, and what it comes to.
#[test]
fn a_policy_says_what_the_options_say() {
    use Security::{Implicit, PlaintextAllowed, StlsPreferred, StlsRequired};
    for (scheme, stls, allow_plaintext, policy) in [
        (None, None, false, Some((StlsRequired, None))),
        (None, None, true, Some((StlsRequired, None))),
        (None, Some(Stls::Require), false, Some((StlsRequired, Some(UseStls::Required)))),
        (None, Some(Stls::Require), true, Some((StlsRequired, Some(UseStls::Required)))),
        (None, Some(Stls::Prefer), false, Some((StlsPreferred, Some(UseStls::IfOffered)))),
        (None, Some(Stls::Prefer), true, Some((PlaintextAllowed, Some(UseStls::IfOffered)))),
        (None, Some(Stls::Never), false, Some((StlsRequired, Some(UseStls::Never)))),
        (None, Some(Stls::Never), true, Some((PlaintextAllowed, Some(UseStls::Never)))),
        (Some(Implicit), None, false, Some((Implicit, None))),
        (Some(Implicit), None, true, Some((Implicit, None))),
        (Some(Implicit), Some(Stls::Require), false, Some((Implicit, None))),
        (Some(Implicit), Some(Stls::Require), true, Some((Implicit, None))),
        (Some(Implicit), Some(Stls::Prefer), false, None),
        (Some(Implicit), Some(Stls::Prefer), true, None),
        (Some(Implicit), Some(Stls::Never), false, None),
        (Some(Implicit), Some(Stls::Never), true, None),
    ] {
        let found = protection(scheme, stls, allow_plaintext);
        assert_eq!(found, policy, "{scheme:?} {stls:?} {allow_plaintext}");
    }
}

/// An IPv4 address of this machine that is not loopback, if it has one. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn what_was_forgiven_is_mentioned() {
    let server = Server::new(&three()).instead("RETR 1", say("+ok\r\none\r\n.\r\n"));
    let fetch = Fetch::new("forgiven");
    fetch.run(&server, &[]).exit(0).says("forgiven: status indicator not in upper case");
    let fetch = Fetch::new("not-forgiven");
    fetch.run(&server, &["--leniency", "strict"]).exit(1).says("message 1: ");
}

#[test]
fn a_disk_that_refuses_loses_nothing() {
    let server = Server::new(&three());
    let fetch = Fetch::new("disk");
    fs::write(fetch.root.join("Maildir"), "a file").unwrap();
    fetch.run(&server, &["--delete"]).exit(1).says("cannot make the folder");
    assert_eq!(server.left(), [1, 2, 3]);
}
