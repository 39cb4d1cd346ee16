//! The library's own server, and one whose second message never ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pop3_blocking::server::{Memory, Passwords, Running, Server};
use pop3_tokio::pop3_proto::{Mailbox, Password};

fn mailbox(user: &str) -> Mailbox {
    Mailbox::new(user).unwrap()
}

pub(crate) fn password(user: &str) -> String {
    format!("tanstaaf {user}")
}

/// A server of these maildrops, each with its messages. The password of `mrose` is `tanstaaf mrose`.
pub(crate) fn server(maildrops: &[(&str, &[&str])]) -> Server<Memory, Passwords> {
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

pub(crate) fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

pub(crate) fn serve(maildrops: &[(&str, &[&str])]) -> Running {
    server(maildrops).spawn(listener()).unwrap()
}

pub(crate) const THREE: &[(&str, &[&str])] =
    &[("mrose", &["one\r\n", "two\r\n"]), ("fred", &["three\r\n"]), ("nobody", &[])];

/// A server on which nothing is removed and everything noted: each message is the same, the second
/// never ends. It knows how many sessions there were at a time.
#[derive(Clone)]
pub(crate) struct Endless {
    pub(crate) port: u16,
    told: Arc<Mutex<Vec<String>>>,
    pub(crate) most: Arc<AtomicUsize>,
}

impl Endless {
    /// With this many messages.
    pub(crate) fn new(messages: usize) -> Self {
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

    pub(crate) fn took(&self, command: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|line| line.as_str() == command).count()
    }
}

pub(crate) fn at(port: u16) -> impl Fn(&str) -> String {
    move |user| format!("pop://{user}@127.0.0.1:{port}")
}
