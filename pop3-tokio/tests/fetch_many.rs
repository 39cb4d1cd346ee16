//! The `fetch_many` example against the library's own server, and against one that never ends.
//!
//! `cargo test` builds the examples; for `--test fetch_many` alone, build it first.

#![cfg(all(unix, feature = "net", feature = "server", feature = "tls"))]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pop3_blocking::server::{Memory, Passwords, Running, Server, ServerTls};
use pop3_tokio::pop3_proto::{Mailbox, Password};

#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
use certificates::Authority;

// The servers.

fn mailbox(user: &str) -> Mailbox {
    Mailbox::new(user).unwrap()
}

fn password(user: &str) -> String {
    format!("tanstaaf {user}")
}

/// A server of these maildrops, each with its messages. The password of `mrose` is `tanstaaf mrose`.
fn server(maildrops: &[(&str, &[&str])]) -> Server<Memory, Passwords> {
    let store = Memory::with_prefix(0x1939);
    let mut passwords = Passwords::new();
    for (user, messages) in maildrops {
        store.create(&mailbox(user));
        for message in *messages {
            store.deliver(&mailbox(user), (*message).to_owned());
        }
        passwords.insert(mailbox(user), &Password::opaque(password(user).as_bytes()).unwrap());
    }
    Server::new(store, passwords)
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn serve(maildrops: &[(&str, &[&str])]) -> Running {
    server(maildrops).spawn(listener()).unwrap()
}

const THREE: &[(&str, &[&str])] =
    &[("mrose", &["one\r\n", "two\r\n"]), ("fred", &["three\r\n"]), ("nobody", &[])];

/// A server on which nothing is removed and everything noted: each message is the same, the second
/// never ends. It knows how many sessions there were at a time.
#[derive(Clone)]
struct Endless {
    port: u16,
    told: Arc<Mutex<Vec<String>>>,
    most: Arc<AtomicUsize>,
}

impl Endless {
    /// With this many messages.
    fn new(messages: usize) -> Self {
        let listener = listener();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, told: Arc::default(), most: Arc::default() };
        let behind = server.clone();
        let open = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, open) = (behind.clone(), Arc::clone(&open));
                thread::spawn(move || {
                    server
                        .most
                        .fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // That a client goes away is one of the cases.
                    let _ = server.session(stream.unwrap(), messages, &open);
                });
            }
        });
        server
    }

    fn session(
        &self,
        stream: TcpStream,
        messages: usize,
        open: &AtomicUsize,
    ) -> std::io::Result<()> {
        let mut socket = stream.try_clone()?;
        socket.write_all(b"+OK\r\n")?;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            self.told.lock().unwrap().push(line.clone());
            let list = |item: &dyn Fn(usize) -> String| {
                let lines: String = (1..=messages).map(item).collect();
                format!("+OK\r\n{lines}.\r\n")
            };
            let reply = match line.as_str() {
                "CAPA" => "+OK\r\nUIDL\r\nUSER\r\n.\r\n".to_owned(),
                "LIST" => list(&|number| format!("{number} 5\r\n")),
                "UIDL" => list(&|number| format!("{number} a{number}\r\n")),
                "RETR 2" => "+OK\r\nhalf of".to_owned(),
                "RETR 1" => "+OK\r\none\r\n.\r\n".to_owned(),
                "QUIT" => {
                    // Long enough for one too many to be seen, and noted before the client goes on.
                    thread::sleep(Duration::from_millis(50));
                    open.fetch_sub(1, Ordering::SeqCst);
                    "+OK\r\n".to_owned()
                }
                _ => "+OK\r\n".to_owned(),
            };
            socket.write_all(reply.as_bytes())?;
        }
        Ok(())
    }

    fn took(&self, command: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|line| line.as_str() == command).count()
    }
}

// The program.

/// The program, and a folder of the test's own for it.
struct FetchMany {
    root: PathBuf,
}

/// What the program said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The lines of stdout: the outcomes, in whatever order they came, and then the sum.
    fn prints(self, outcomes: &[&str], sum: &str) -> Self {
        let mut lines: Vec<&str> = self.out.lines().collect();
        assert_eq!(lines.pop(), Some(sum), "{}{}", self.out, self.err);
        lines.sort_unstable();
        assert_eq!(lines, outcomes, "{}", self.err);
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

impl FetchMany {
    fn new(test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fetch_many").join(test);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    fn command(&self, words: &[&str]) -> Command {
        // From target/PROFILE/deps to target/PROFILE/examples.
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.set_file_name("examples");
        program.push("fetch_many");
        assert!(program.exists(), "not built: cargo build -p pop3-tokio --example fetch_many");
        let mut command = Command::new(program);
        command
            .args(["--to", "mail"])
            .args(words)
            .current_dir(&self.root)
            .env_remove("POP3_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Said {
        self.command(words).output().unwrap().into()
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

fn at(port: u16) -> impl Fn(&str) -> String {
    move |user| format!("pop://{user}@127.0.0.1:{port}")
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

// What is delivered, and where.

#[test]
fn each_maildrop_has_a_maildir_and_an_outcome() {
    let server = serve(THREE);
    for concurrency in ["1", "2", "8"] {
        let fetch = FetchMany::new("each");
        let list = fetch.list(&["mrose", "fred", "nobody"], at(server.address().port()));
        let words = ["--concurrency", concurrency, "--from", list];
        fetch.run(&words).exit(0).says_not("tanstaaf").prints(
            &[
                "fred@127.0.0.1: fetched 1, skipped 0",
                "mrose@127.0.0.1: fetched 2, skipped 0",
                "nobody@127.0.0.1: fetched 0, skipped 0",
            ],
            "3 of 3 maildrops complete, 0 failed; 3 messages fetched (17 octets), 0 skipped",
        );
        assert_eq!(fetch.maildirs(), ["fred@127.0.0.1", "mrose@127.0.0.1", "nobody@127.0.0.1"]);
        assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n", "two\r\n"]);
        assert_eq!(fetch.delivered("fred@127.0.0.1"), ["three\r\n"]);
        fetch.run(&words).exit(0).prints(
            &[
                "fred@127.0.0.1: fetched 0, skipped 1",
                "mrose@127.0.0.1: fetched 0, skipped 2",
                "nobody@127.0.0.1: fetched 0, skipped 0",
            ],
            "3 of 3 maildrops complete, 0 failed; 0 messages fetched (0 octets), 3 skipped",
        );
    }
    server.stop();
}

/// A message longer than what is written at a time, and one that ends where a block does.
#[test]
fn a_message_may_have_any_length() {
    let messages =
        [65_534, 65_536, 65_538, 200_000, 2].map(|length| "x".repeat(length - 2) + "\r\n");
    let server = serve(&[("mrose", &messages.each_ref().map(String::as_str))]);
    let fetch = FetchMany::new("length");
    fetch.run(&["--from", fetch.list(&["mrose"], at(server.address().port()))]).exit(0);
    let lengths = |messages: &[String]| {
        let mut lengths: Vec<usize> = messages.iter().map(String::len).collect();
        lengths.sort_unstable();
        lengths
    };
    assert_eq!(lengths(&fetch.delivered("mrose@127.0.0.1")), lengths(&messages));
    server.stop();
}

/// No name of a user leaves `--to`, hides there, or is taken for another.
#[test]
fn no_user_leaves_the_folder() {
    let users = ["../../x", "..", ".hidden", "a/b", "a\\b", "a%2fb", "me@example.org", "c:d"];
    let maildrops: Vec<(&str, &[&str])> =
        users.iter().map(|user| (*user, &["hello\r\n"][..])).collect();
    let server = serve(&maildrops);
    let fetch = FetchMany::new("names");
    let escaped = |user: &str| user.replace('%', "%25").replace('/', "%2F").replace(':', "%3A");
    let lines: Vec<String> = (0..)
        .zip(users)
        .map(|(number, user)| {
            fs::write(fetch.root.join(format!("{number}.password")), password(user)).unwrap();
            let url = at(server.address().port())(&escaped(user));
            format!("{url}\t{number}.password\n")
        })
        .collect();
    fetch.run(&["--from", fetch.file("list", lines.concat())]).exit(0);
    assert_eq!(
        fetch.maildirs(),
        [
            "%2e.%2f..%2fx@127.0.0.1",
            "%2e.@127.0.0.1",
            "%2ehidden@127.0.0.1",
            "a%252fb@127.0.0.1",
            "a%2fb@127.0.0.1",
            "a%5cb@127.0.0.1",
            "c%3ad@127.0.0.1",
            "me@example.org@127.0.0.1",
        ]
    );
    for maildir in fetch.maildirs() {
        assert_eq!(fetch.delivered(&maildir), ["hello\r\n"], "{maildir}");
    }
    server.stop();
}

#[test]
fn a_long_name_of_a_user_has_a_short_maildir() {
    let fetch = FetchMany::new("long");
    let [one, two] = ["x", "y"].map(|end| "/".repeat(100) + end);
    let server = serve(&[(&one, &["one\r\n"]), (&two, &["two\r\n"])]);
    let lines: String = [&one, &two]
        .map(|user| {
            let file = format!("password.{}", &user[100..]);
            fs::write(fetch.root.join(&file), password(user)).unwrap();
            let url = at(server.address().port())(&user.replace('/', "%2F"));
            format!("{url}\t{file}\n")
        })
        .concat();
    fetch.run(&["--from", fetch.file("list", lines)]).exit(0);
    let maildirs = fetch.maildirs();
    assert_eq!(maildirs.len(), 2);
    for maildir in &maildirs {
        assert!(maildir.starts_with("%h") && maildir.len() == 66, "{maildir}");
        assert_eq!(fetch.delivered(maildir).len(), 1);
    }
    server.stop();
}

/// RFC 2595 §4, RFC 8314 §3.3.
#[test]
fn maildrops_are_fetched_over_tls() {
    let authority = Authority::new();
    let issued = authority.issue();
    let certified = || {
        let mut server = server(THREE);
        let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
        server.tls = Some(tls.unwrap());
        server
    };
    let (stls, tls) =
        (certified().spawn(listener()).unwrap(), certified().spawn_tls(listener()).unwrap());
    for (test, url) in [
        ("stls", format!("pop://mrose@127.0.0.1:{}", stls.address().port())),
        ("tls", format!("pops://mrose@127.0.0.1:{}", tls.address().port())),
    ] {
        let fetch = FetchMany::new(test);
        let ca = fetch.file("ca.pem", authority.pem());
        let secret = fetch.file("secret", password("mrose"));
        let words = ["--stls", "require", "--password-file", secret, &url];
        let untrusted = fetch.run(&words).exit(1);
        untrusted
            .says("mrose@127.0.0.1: connecting to mrose at 127.0.0.1")
            .says("nothing of the login was sent")
            .prints(
                &[],
                "0 of 1 maildrops complete, 1 failed; 0 messages fetched (0 octets), 0 skipped",
            );
        fetch.run(&[&words[..], &["--ca", ca]].concat()).exit(0);
        assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n", "two\r\n"]);
    }
    stls.stop();
    tls.stop();
}

/// R8314-5.2.03: on another host than this one nothing of a login leaves in clear.
#[test]
fn nothing_of_a_login_leaves_in_clear_unless_that_is_allowed() {
    let Some(IpAddr::V4(address)) = own_address() else { return };
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let mut open = server(THREE);
    open.config.plaintext = true;
    let server = open.spawn(listener).unwrap();
    let fetch = FetchMany::new("clear");
    let secret = fetch.file("secret", password("mrose"));
    let url = format!("pop://mrose@{address}:{}", server.address().port());
    let words = ["--password-file", secret, &url];
    fetch.run(&words).exit(1).says("nothing of the login was sent; --stls never --allow-plaintext");
    fetch
        .run(&[&words[..], &["--stls", "never", "--allow-plaintext"]].concat())
        .exit(0)
        .says(&format!("mrose@{address}: the connection is not encrypted"));
    server.stop();
}

/// An IPv4 address of this machine that is not loopback, if it has one. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

// One that fails, one that is left.

#[test]
fn who_fails_is_named_and_stops_nobody_else() {
    let server = serve(THREE);
    let closed = listener().local_addr().unwrap().port();
    for concurrency in ["1", "8"] {
        let fetch = FetchMany::new("fails");
        fetch.list(&["mrose", "fred", "nobody"], at(server.address().port()));
        let lines = fs::read_to_string(fetch.root.join("list")).unwrap();
        fetch.file("list", format!("pop://gone@127.0.0.1:{closed}\tfred\n{lines}"));
        fetch.file("fred", "not to be seen\n");
        fetch
            .run(&["--concurrency", concurrency, "--from", "list"])
            .exit(1)
            .says("gone@127.0.0.1: connecting to gone at 127.0.0.1")
            .says("fred@127.0.0.1: login failed: ")
            .says_not("not to be seen")
            .prints(
                &[
                    "mrose@127.0.0.1: fetched 2, skipped 0",
                    "nobody@127.0.0.1: fetched 0, skipped 0",
                ],
                "2 of 4 maildrops complete, 2 failed; 2 messages fetched (10 octets), 0 skipped",
            );
        assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n", "two\r\n"]);
        assert!(fetch.delivered("fred@127.0.0.1").is_empty());
    }
    server.stop();
}

#[test]
fn a_maildir_that_cannot_be_made_is_not_asked_for() {
    let server = serve(THREE);
    let fetch = FetchMany::new("disk");
    fs::create_dir(fetch.root.join("mail")).unwrap();
    fs::write(fetch.root.join("mail/fred@127.0.0.1"), "a file").unwrap();
    fetch
        .run(&["--from", fetch.list(&["mrose", "fred"], at(server.address().port()))])
        .exit(1)
        .says("fred@127.0.0.1: cannot make the folder")
        .prints(
            &["mrose@127.0.0.1: fetched 2, skipped 0"],
            "1 of 2 maildrops complete, 1 failed; 2 messages fetched (10 octets), 0 skipped",
        );
    server.stop();
}

/// A message that stops is no message, and the session no success.
#[test]
fn a_server_that_falls_silent_is_left() {
    let server = Endless::new(2);
    let fetch = FetchMany::new("silent");
    let list = fetch.list(&["mrose"], at(server.port));
    fetch
        .run(&["--timeout", "1", "--from", list])
        .exit(1)
        .says("mrose@127.0.0.1: message 2: timed out waiting for the rest of")
        .says("; fetched 1, skipped 0\n");
    assert_eq!(fetch.delivered("mrose@127.0.0.1"), ["one\r\n"]);
    assert_eq!(server.took("QUIT"), 0);
}

#[test]
fn no_more_sessions_are_open_than_were_asked_for() {
    for (concurrency, most) in [("1", 1), ("3", 3)] {
        let server = Endless::new(1);
        let fetch = FetchMany::new("concurrency");
        let users = ["a", "b", "c", "d", "e", "f", "g"];
        let list = fetch.list(&users, at(server.port));
        fetch.run(&["--concurrency", concurrency, "--from", list]).exit(0);
        assert_eq!(server.took("QUIT"), users.len());
        assert_eq!(server.most.load(Ordering::SeqCst), most);
    }
}

#[test]
fn interrupted_it_leaves_nothing_half_written() {
    for signal in ["INT", "TERM", "HUP"] {
        let server = Endless::new(3);
        let fetch = FetchMany::new("interrupted");
        let list = fetch.list(&["mrose", "fred", "nobody"], at(server.port));
        let child = fetch.start(&["--concurrency", "2", "--from", list]);
        until("two messages half here", || server.took("RETR 2") == 2);
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let said = Said::from(child.wait_with_output().unwrap());
        said.exit(130)
            .says("mrose@127.0.0.1: interrupted; fetched 1, skipped 0\n")
            .says("fred@127.0.0.1: interrupted; fetched 1, skipped 0\n")
            .says_not("nobody")
            .prints(
                &[],
                "0 of 3 maildrops complete, 0 failed, 3 interrupted; \
                 2 messages fetched (10 octets), 0 skipped",
            );
        for maildir in ["mrose@127.0.0.1", "fred@127.0.0.1"] {
            assert_eq!(fetch.delivered(maildir), ["one\r\n"], "SIG{signal}");
        }
        assert_eq!((server.took("QUIT"), server.took("USER nobody")), (0, 0));
    }
}

// What is said on the command line.

/// A bad line is found before anything is connected, and named by its place: it may hold a password.
#[test]
fn a_line_that_cannot_be_is_named() {
    let server = Endless::new(0);
    let fetch = FetchMany::new("lines");
    fetch.file("secret", password("mrose"));
    let good =
        format!("# comment\r\n\r\n \t \r\npop://mrose@127.0.0.1:{}\tsecret\r\n", server.port);
    for (bad, said) in [
        ("pop://fred:hunter2@127.0.0.1", "a password must not stand in a URL"),
        ("http://fred@127.0.0.1", "pop://"),
        ("pop://127.0.0.1\tsecret", "names no user"),
        ("pop://fred@127.0.0.1 secret", "host is missing or malformed"),
        ("pop://fred@127.0.0.1\t", "no password file follows the TAB"),
        ("pop://fred@127.0.0.1\tmissing", "cannot read the password from missing"),
        ("pop://fred@127.0.0.1", "no password"),
        ("pop://fred;AUTH=GSSAPI@127.0.0.1\tsecret", "GSSAPI is not supported"),
        ("pops://fred@127.0.0.1\tsecret", "--stls"),
        ("pop://MRose@127.0.0.1\tsecret", "the same Maildir as list, line 4"),
        ("pop://mrose@127.0.0.1:1\tsecret", "the same Maildir as list, line 4"),
    ] {
        fetch.file("list", format!("{good}{bad}\n"));
        fetch
            .run(&["--stls", "never", "--from", "list"])
            .exit(2)
            .says("fetch_many: list, line 5: ")
            .says(said)
            .says_not("hunter2");
    }
    fetch.file("list", [good.as_bytes(), b"pop://\xff@127.0.0.1\n"].concat());
    fetch.run(&["--from", "list"]).exit(2).says("list, line 5: it is not UTF-8");
    fetch.file("list", "# nothing\n");
    fetch.run(&["--from", "list"]).exit(2).says("list: no maildrop");
    fetch.run(&["--from", "missing"]).exit(1).says("missing");
    assert_eq!(server.most.load(Ordering::SeqCst), 0);
    assert!(!fetch.root.join("mail").exists());
    fetch.file("list", good);
    fetch.run(&["--stls", "never", "--from", "list"]).exit(0);
}

#[test]
fn what_cannot_be_is_a_usage_error() {
    let fetch = FetchMany::new("usage");
    fetch.file("secret", "hunter2\n");
    let url = "pop://u@127.0.0.1";
    for (words, said) in [
        (&[][..], "URL"),
        (&[url, "--from", "list"], "--from"),
        (&["pop://u:hunter2@127.0.0.1"], "URL 1: a password must not stand in a URL"),
        (&[url, "pop://127.0.0.1", "--password-file", "secret"], "URL 2: the URL names no user"),
        (
            &[url, url, "--password-file", "secret"],
            "URL 2: u@127.0.0.1 has the same Maildir as URL 1",
        ),
        (&[url], "URL 1: no password"),
        (&[url, "--concurrency", "0"], "--concurrency"),
        (&[url, "--token-file", "a", "--password-file", "b"], "--password-file"),
        (&["--token-file", "a"], "URL"),
        (&[url, "--password-file", "secret", "--ca", "secret"], "--ca secret: "),
        (&[url, "--delete"], "--delete"),
    ] {
        fetch.run(words).exit(2).says(said).says_not("hunter2");
    }
    assert!(!fetch.root.join("mail").exists());
}

/// A line's own password comes before the options', those before the environment.
#[test]
fn a_password_is_where_it_is_said_to_be() {
    let server = serve(THREE);
    let url = at(server.address().port());
    let fetch = FetchMany::new("password");
    fetch.file("mrose", password("mrose") + "\r\n");
    fetch.file("fred", password("fred"));
    fetch.file("list", format!("{}\tmrose\n{}\n", url("mrose"), url("fred")));
    fetch.run(&["--from", "list", "--password-file", "fred"]).exit(0);
    let said: Said = fetch
        .command(&["--from", "list"])
        .env("POP3_PASSWORD", password("fred"))
        .output()
        .unwrap()
        .into();
    said.exit(0).prints(
        &["fred@127.0.0.1: fetched 0, skipped 1", "mrose@127.0.0.1: fetched 0, skipped 2"],
        "2 of 2 maildrops complete, 0 failed; 0 messages fetched (0 octets), 3 skipped",
    );
    server.stop();
}
