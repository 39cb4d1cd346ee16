//! A server that does what a script says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use pop3_blocking::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::until::until;

/// A message on the server.
#[derive(Clone)]
pub(crate) struct Mail {
    pub(crate) number: u32,
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn mail(number: u32, id: &str, body: &str) -> Mail {
    Mail { number, id: id.to_owned(), body: body.as_bytes().to_vec() }
}

pub(crate) fn three() -> [Mail; 3] {
    [mail(1, "a", "one\r\n"), mail(2, "b", "two\r\n"), mail(3, "c", "three\r\n")]
}

/// What a server does on a command instead of what it should.
#[derive(Clone)]
pub(crate) enum Instead {
    Say(Vec<u8>),
    /// Says this and closes.
    Close(Vec<u8>),
    /// Says this, and nothing more until the client has gone.
    Hang(Vec<u8>),
    /// Does what it should, once this file exists.
    Await(PathBuf),
}

pub(crate) fn say(octets: &str) -> Instead {
    Instead::Say(octets.as_bytes().to_vec())
}

/// What a server has and does, and what it was told.
#[derive(Default)]
pub(crate) struct Script {
    mails: Vec<Mail>,
    /// By the whole command, or by all of it but its last word; the greeting is that to `""`.
    instead: BTreeMap<String, Instead>,
    /// STLS is announced and taken.
    tls: Option<Arc<ServerConfig>>,
    log: Vec<String>,
    /// A command came before the reply to the one before it had left.
    pub(crate) sent_ahead: bool,
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
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) script: Arc<Mutex<Script>>,
}

impl Server {
    pub(crate) fn new(mails: &[Mail]) -> Self {
        Self::at("127.0.0.1", mails)
    }

    pub(crate) fn at(address: &str, mails: &[Mail]) -> Self {
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

    pub(crate) fn instead(self, command: impl Into<String>, instead: Instead) -> Self {
        self.script.lock().unwrap().instead.insert(command.into(), instead);
        self
    }

    pub(crate) fn with_stls(self, config: ServerConfig) -> Self {
        self.script.lock().unwrap().tls = Some(Arc::new(config));
        self
    }

    /// Makes the server behave again.
    pub(crate) fn mend(&self) {
        self.script.lock().unwrap().instead.clear();
    }

    pub(crate) fn set(&self, mails: &[Mail]) {
        self.script.lock().unwrap().mails = mails.to_vec();
    }

    /// The commands since the last call.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().log)
    }

    /// Those of them whose keyword is this one.
    pub(crate) fn took(&self, keyword: &str) -> Vec<String> {
        self.log()
            .into_iter()
            .filter(|command| command.split(' ').next() == Some(keyword))
            .collect()
    }

    /// The numbers of the messages that are left.
    pub(crate) fn left(&self) -> Vec<u32> {
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
