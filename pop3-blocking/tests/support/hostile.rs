//! Clients that vanish, stall and dribble, over real sockets; and what a server holds afterwards.

use std::alloc::System;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;
use pop3_blocking::pop3_proto::{Mailbox, Password};
use pop3_blocking::rustls::server::NoServerSessionStorage;
use pop3_blocking::rustls::version::TLS13;
use pop3_blocking::rustls::{ClientConfig, ClientConnection, StreamOwned};
use pop3_blocking::server::{Maildir, Passwords, Server};
use socket2::{Domain, SockRef, Socket, Type};

use crate::certificates::{Authority, Issued};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Longer than anything here takes, and shorter than each of a server's deadlines but that for TLS: what
/// is over by then is not over for one of them.
const LIMIT: Duration = Duration::from_secs(60);
/// A deadline that a row sets; clients dribble ten times as fast.
const SHORT: Duration = Duration::from_millis(400);
const INTERVAL: Duration = Duration::from_millis(40);

const USERS: [&str; 4] = ["anne", "bert", "cora", "dirk"];
/// How often each of them does what a row says.
const ROUNDS: usize = 4;
const MESSAGES: usize = 100;
/// Octets of the last message: more than all buffers between the two sides hold.
const LARGE: usize = 8 << 20;
/// Octets on the heap that nobody accounts for: less than the sessions of a row would hold, of which each
/// has buffers of more than 2 KiB.
const SLACK: usize = 24 * 1024;
const TOTAL: usize = 24;
const PER_ADDRESS: usize = 16;

/// A server of the adapter's.
pub(crate) struct Served {
    pub(crate) clear: SocketAddr,
    pub(crate) tls: SocketAddr,
    /// How many tasks are alive, where there are any.
    pub(crate) tasks: Box<dyn Fn() -> usize>,
    pub(crate) stop: Box<dyn FnOnce()>,
}

/// What a client does, for one user.
struct Row {
    name: &'static str,
    set: fn(&mut Server<Maildir, Passwords>),
    act: fn(&Target, &str),
    /// Each time one message is removed.
    removes: bool,
}

const fn row(name: &'static str, act: fn(&Target, &str)) -> Row {
    Row { name, set: |_| {}, act, removes: false }
}

const ROWS: [Row; 19] = [
    row("reset in a listing", |target, user| {
        let mut stream = target.log_in(user);
        say(&mut stream, &"LIST\r\n".repeat(12_000));
        hear(&mut stream, 99);
        reset(stream);
    }),
    row("reset in a message", |target, user| {
        let mut stream = target.log_in(user);
        say(&mut stream, &format!("RETR {MESSAGES}\r\n"));
        hear(&mut stream, 99);
        reset(stream);
    }),
    row("reset in a message over TLS", |target, user| {
        let mut stream = target.log_in_by_tls(user);
        say(&mut stream, &format!("RETR {MESSAGES}\r\n"));
        hear(&mut stream, 99);
        reset(stream.sock);
    }),
    row("gone in a message", |target, user| {
        let mut stream = target.log_in(user);
        say(&mut stream, &format!("RETR {MESSAGES}\r\n"));
        hear(&mut stream, 99);
    }),
    row("reset with a message marked", |target, user| {
        let mut stream = target.log_in(user);
        say(&mut stream, "DELE 1\r\n");
        hear(&mut stream, "+OK message deleted\r\n".len());
        reset(stream);
    }),
    row("gone in a command", |target, user| {
        let mut stream = target.log_in(user);
        say(&mut stream, "DELE 1\r\nQUIT");
    }),
    row("half-closed in a command", |target, user| {
        let mut stream = target.log_in(user);
        say(&mut stream, "DELE 1\r\nQUIT");
        stream.shutdown(Shutdown::Write).expect("a half-close");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("the end");
        assert_eq!(said, "+OK message deleted\r\n");
    }),
    row("killed after PASS", |target, user| {
        let mut stream = connect(target.clear);
        say(&mut stream, &login(user));
        killed(stream);
    }),
    row("killed in AUTH", |target, _| {
        let mut stream = greeted(target.clear);
        say(&mut stream, "AUTH PLAIN\r\n");
        hear(&mut stream, "+ \r\n".len());
        killed(stream);
    }),
    row("killed in the handshake", |target, _| {
        let hello = target.client_hello();
        for sent in [1, hello.len() / 2, hello.len()] {
            let mut stream = connect(target.tls);
            stream.write_all(&hello[..sent]).expect("a write");
            killed(stream);
        }
    }),
    Row {
        removes: true,
        ..row("killed after QUIT", |target, user| {
            let mut stream = target.log_in(user);
            say(&mut stream, "DELE 1\r\n");
            hear(&mut stream, "+OK message deleted\r\n".len());
            say(&mut stream, "QUIT\r\n");
            killed(stream);
        })
    },
    Row {
        set: |server| server.deadlines.write = SHORT,
        ..row("reads nothing", |target, user| {
            let mut stream = target.log_in(user);
            say(&mut stream, &format!("RETR {MESSAGES}\r\n"));
            // It is still connected while the next one is let in.
            target.assert_usable(user);
        })
    },
    Row {
        set: |server| server.deadlines.write = SHORT,
        ..row("reads an octet now and then", |target, user| {
            let mut stream = target.log_in(user);
            say(&mut stream, &format!("RETR {MESSAGES}\r\n"));
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    target.assert_usable(user);
                    done.store(true, Ordering::Release);
                });
                while !done.load(Ordering::Acquire) {
                    let _ = stream.read(&mut [0]);
                    thread::sleep(INTERVAL);
                }
            });
        })
    },
    Row {
        set: |server| server.deadlines.idle = SHORT,
        ..row("dribbles a command", |target, user| {
            let stream = target.log_in(user);
            dribble(stream, std::iter::repeat(b'N'));
        })
    },
    Row {
        set: |server| server.deadlines.login = SHORT,
        ..row("dribbles before the login", |target, _| {
            dribble(connect(target.clear), b"USER mrose\r\n".iter().copied().cycle());
        })
    },
    Row {
        set: |server| server.deadlines.login = SHORT,
        ..row("dribbles a response", |target, _| {
            let mut stream = connect(target.clear);
            say(&mut stream, "AUTH PLAIN\r\n");
            dribble(stream, std::iter::repeat(b'A'));
        })
    },
    Row {
        set: |server| server.deadlines.tls = SHORT,
        ..row("dribbles a handshake", |target, _| {
            dribble(connect(target.tls), target.client_hello());
        })
    },
    Row {
        set: |server| server.deadlines.tls = SHORT,
        ..row("dribbles a handshake behind STLS", |target, _| {
            let mut stream = greeted(target.clear);
            say(&mut stream, "STLS\r\n");
            hear(&mut stream, "+OK begin TLS\r\n".len());
            dribble(stream, target.client_hello());
        })
    },
    Row {
        set: |server| (server.deadlines.login, server.deadlines.tls) = (SHORT, SHORT),
        ..row("says nothing", |target, _| {
            for address in [target.clear, target.tls] {
                // Whether it is closed or reset says nothing; that it goes on is a time-out.
                let ended = connect(address).read_to_end(&mut Vec::new());
                assert!(!is_timeout(&ended), "{ended:?}");
            }
        })
    },
];

/// F15, F17, F19, F20, R1939-3.16, R1939-6.05: whatever a client does, and however it goes, no place,
/// lock, file, descriptor, thread, task or memory is left behind.
pub(crate) fn clients_leave_nothing_behind(serve: fn(Server<Maildir, Passwords>) -> Served) {
    let authority = Authority::new();
    let issued = authority.issue();
    let trusts = Arc::new(authority.client(&[&TLS13], &["pop3"]));
    for row in ROWS {
        let began = Instant::now();
        let root = maildrops();
        let mut server = server(root.path(), &issued);
        (row.set)(&mut server);
        let running = serve(server);
        let target = Target { clear: running.clear, tls: running.tls, trusts: Arc::clone(&trusts) };
        let before = Held::now(&running);
        for user in USERS {
            target.assert_usable(user);
            drop(target.log_in_by_tls(user));
        }
        target.fill_all_places();
        settle(row.name, || Held::now(&running).but_memory() == before.but_memory());
        let before = Held::now(&running);
        let files_before = USERS.map(|user| files(&root.path().join(user)));
        thread::scope(|scope| {
            for user in USERS {
                let (target, row) = (&target, &row);
                scope.spawn(move || (0..ROUNDS).for_each(|_| (row.act)(target, user)));
            }
        });
        let removed = if row.removes { ROUNDS } else { 0 };
        for (user, before) in USERS.into_iter().zip(files_before) {
            settle(row.name, || target.messages(user) == MESSAGES - removed);
            let left = files(&root.path().join(user));
            assert!(left.is_subset(&before), "{}: {left:?}", row.name);
            assert_eq!(left.len(), before.len() - removed, "{}", row.name);
        }
        target.fill_all_places();
        settle(row.name, || Held::now(&running).is_at_most(&before));
        (running.stop)();
        println!("{}: {:?}", row.name, began.elapsed());
    }
}

/// S19.1: thousands who say nothing take the places that there are, and none of those who were there
/// before; when they are gone so is all that they held.
pub(crate) fn a_crowd_leaves_the_first_alone(serve: fn(Server<Maildir, Passwords>) -> Served) {
    let authority = Authority::new();
    let issued = authority.issue();
    let root = maildrops();
    let running = serve(server(root.path(), &issued));
    let trusts = Arc::new(authority.client(&[&TLS13], &["pop3"]));
    let target = Target { clear: running.clear, tls: running.tls, trusts };
    let before = Held::now(&running);
    target.assert_usable(USERS[0]);
    target.fill_all_places();
    settle("a crowd", || Held::now(&running).but_memory() == before.but_memory());
    let before = Held::now(&running);
    let mut first = target.log_in(USERS[0]);
    let mut crowd = Vec::new();
    let (one, other) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    for (from, places) in [(one, PER_ADDRESS - 1), (other, TOTAL - PER_ADDRESS)] {
        let all = crowd.len() + places;
        settle("a crowd", || {
            crowd.extend(admitted(from, target.clear));
            crowd.len() == all
        });
    }
    for _ in 0..700 {
        for from in [one, other, Ipv4Addr::new(127, 0, 0, 3)] {
            assert!(admitted(from, target.clear).is_none(), "there is no place");
        }
    }
    for _ in 0..100 {
        let ended = connect(target.tls).read(&mut [0]);
        assert!(!matches!(ended, Ok(1..)) && !is_timeout(&ended), "{ended:?}");
    }
    say(&mut first, "NOOP\r\n");
    hear(&mut first, "+OK\r\n".len());
    for (number, mut stream) in crowd.drain(..).enumerate() {
        if number % 2 == 0 {
            say(&mut stream, "QUIT\r\n");
            hear(&mut stream, "+OK bye\r\n".len());
        }
    }
    drop((first, crowd));
    target.assert_usable(USERS[0]);
    target.fill_all_places();
    settle("a crowd", || Held::now(&running).is_at_most(&before));
    (running.stop)();
}

/// What the process holds.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    threads: usize,
    tasks: usize,
    octets: usize,
}

impl Held {
    fn now(running: &Served) -> Self {
        let count = |of| fs::read_dir(of).expect("a folder").count();
        Self {
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            tasks: (running.tasks)(),
            octets: HEAP.allocated(),
        }
    }

    const fn but_memory(&self) -> (usize, usize, usize) {
        (self.descriptors, self.threads, self.tasks)
    }

    fn is_at_most(&self, before: &Self) -> bool {
        let settled =
            self.but_memory() == before.but_memory() && self.octets <= before.octets + SLACK;
        if !settled {
            NOTED.with_borrow_mut(|noted| *noted = format!("{self:?}, before {before:?}"));
        }
        settled
    }
}

thread_local! {
    /// Why something has not settled yet.
    static NOTED: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// Waits until this is so.
#[track_caller]
fn settle(row: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        let noted = || NOTED.with_borrow(String::clone);
        assert!(began.elapsed() < LIMIT, "{row}: it does not settle: {}", noted());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Where a server is, and whom it is believed to be.
struct Target {
    clear: SocketAddr,
    tls: SocketAddr,
    trusts: Arc<ClientConfig>,
}

impl Target {
    fn log_in(&self, user: &str) -> TcpStream {
        logged_in(user, || connect(self.clear))
    }

    fn log_in_by_tls(&self, user: &str) -> StreamOwned<ClientConnection, TcpStream> {
        logged_in(user, || StreamOwned::new(self.client(), connect(self.tls)))
    }

    fn assert_usable(&self, user: &str) {
        self.messages(user);
    }

    /// How many messages a session finds.
    fn messages(&self, user: &str) -> usize {
        let began = Instant::now();
        loop {
            let mut lines = BufReader::new(self.log_in(user));
            let mut said = String::new();
            let asked = lines.get_mut().write_all(b"STAT\r\nQUIT\r\n");
            let asked = asked.and_then(|()| lines.read_line(&mut said));
            let bye = asked.and_then(|_| lines.read_line(&mut String::new()));
            match said.split(' ').nth(1) {
                Some(messages) if bye.is_ok() => return messages.parse().expect("a number"),
                // Another deadline than the one that the row is about, on a slow machine.
                _ => assert!(began.elapsed() < LIMIT, "{user}: {said:?}, {bye:?}"),
            }
        }
    }

    /// All places that one address may take can be taken at once.
    fn fill_all_places(&self) {
        settle("places", || {
            let all: Vec<_> =
                (0..PER_ADDRESS).map_while(|_| admitted(Ipv4Addr::LOCALHOST, self.clear)).collect();
            all.len() == PER_ADDRESS
        });
    }

    fn client(&self) -> ClientConnection {
        let name = "localhost".try_into().expect("a name");
        ClientConnection::new(Arc::clone(&self.trusts), name).expect("a configuration")
    }

    fn client_hello(&self) -> Vec<u8> {
        let mut hello = Vec::new();
        self.client().write_tls(&mut hello).expect("its first record");
        hello
    }
}

/// A session in TRANSACTION over what `connect` gives, as soon as the maildrop is to be had.
fn logged_in<S: Read + Write>(user: &str, connect: impl Fn() -> S) -> S {
    let began = Instant::now();
    loop {
        let mut stream = connect();
        let mut said = String::new();
        let asked = stream.write_all(login(user).as_bytes()).and_then(|()| {
            while said.matches("\r\n").count() < 3 && !said.starts_with("-ERR") {
                let mut octet = [0];
                stream.read_exact(&mut octet)?;
                said.push(octet[0].into());
            }
            Ok(())
        });
        if asked.is_ok() && said.ends_with(" messages\r\n") {
            return stream;
        }
        assert!(began.elapsed() < LIMIT, "{user} cannot log in: {said:?}, {asked:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn login(user: &str) -> String {
    format!("USER {user}\r\nPASS tan staaf\r\n")
}

fn mailbox(user: &str) -> Mailbox {
    Mailbox::new(user).expect("a mailbox")
}

fn password() -> Password {
    Password::new("tan staaf").expect("a password")
}

/// One for all users, with few places.
fn server(root: &Path, issued: &Issued) -> Server<Maildir, Passwords> {
    let passwords: Passwords = USERS.iter().map(|user| (mailbox(user), password())).collect();
    let mut server = Server::new(Maildir::folders(root), passwords);
    let mut config = issued.server(&[&TLS13], &["pop3"]);
    // What a client may resume is kept on purpose.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    server.tls = Some(Arc::new(config).into());
    server.connections.total = TOTAL;
    server.connections.per_address = PER_ADDRESS;
    server
}

/// A Maildir for each user; the last message is large.
fn maildrops() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let large = root.path().join("large");
    fs::write(&large, b"0123456789abcde\n".repeat(LARGE / 16)).expect("a message");
    let store = Maildir::folders(root.path());
    for user in USERS {
        store.create(&mailbox(user)).expect("a Maildir");
        let new = root.path().join(user).join("new");
        for number in 1..MESSAGES {
            fs::write(new.join(format!("{number}.host")), "Subject: tea\n\n").expect("a message");
        }
        fs::hard_link(&large, new.join(format!("{MESSAGES}.host"))).expect("a message");
    }
    root
}

/// The files of a Maildir, whatever they are.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for name in ["", "tmp", "new", "cur"] {
        for entry in fs::read_dir(folder.join(name)).expect("a folder") {
            let entry = entry.expect("an entry").file_name();
            files.insert(format!("{name}/{}", entry.to_str().expect("ASCII")));
        }
    }
    files
}

fn connect(to: SocketAddr) -> TcpStream {
    connect_from(Ipv4Addr::LOCALHOST, to)
}

/// With little room for what comes, so that who does not read is noticed soon.
fn connect_from(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(8 * 1024).expect("a size");
    socket.bind(&SocketAddr::from((from, 0)).into()).expect("an address");
    socket.connect(&to.into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LIMIT)).expect("a time");
    stream.set_write_timeout(Some(LIMIT)).expect("a time");
    stream.set_nodelay(true).expect("an option");
    stream
}

/// A connection that was greeted, if it was not turned away.
fn admitted(from: Ipv4Addr, to: SocketAddr) -> Option<TcpStream> {
    let mut stream = connect_from(from, to);
    let mut said = [0; 23];
    stream.read_exact(&mut said).expect("a line");
    match &said {
        b"+OK POP3 server ready\r\n" => Some(stream),
        refusal => {
            assert_eq!(refusal, b"-ERR [SYS/TEMP] too man");
            None
        }
    }
}

fn greeted(to: SocketAddr) -> TcpStream {
    let mut stream = None;
    settle("places", || {
        stream = admitted(Ipv4Addr::LOCALHOST, to);
        stream.is_some()
    });
    stream.expect("a greeting")
}

fn say(stream: &mut impl Write, octets: &str) {
    stream.write_all(octets.as_bytes()).expect("a write");
}

fn hear(stream: &mut impl Read, octets: usize) {
    let mut said = vec![0; octets];
    stream.read_exact(&mut said).expect("so much");
    assert!(said.starts_with(b"+"), "{}", said.escape_ascii());
}

/// Ends a connection by RST.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
    drop(stream);
}

/// Ends a connection with the process that has it.
fn killed(stream: TcpStream) {
    let mut process = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::from(OwnedFd::from(stream)))
        .spawn()
        .expect("a process");
    process.kill().expect("a child");
    process.wait().expect("its end");
}

/// An octet at a time, until the server has had enough.
fn dribble(mut stream: TcpStream, octets: impl IntoIterator<Item = u8>) {
    let began = Instant::now();
    for octet in octets {
        if stream.write_all(&[octet]).is_err() {
            return;
        }
        assert!(began.elapsed() < LIMIT, "it goes on");
        thread::sleep(INTERVAL);
    }
    panic!("it took all of it");
}

fn is_timeout(read: &io::Result<usize>) -> bool {
    matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
