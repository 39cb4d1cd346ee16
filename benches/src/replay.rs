//! A server that answers RETR with octets made beforehand: no disk, no state, nothing that a client could wait for.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use memchr::memchr;
use pop3_blocking::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::corpora::{Corpus, TERMINATOR, base64, text};

/// Octets of small replies that leave by one write.
const BATCH: usize = 256 << 10;

/// A longer message is one of so many octets over and over.
const LONGEST: usize = 1 << 20;

const GREETING: &[u8] = b"+OK ready\r\n";
const CAPABILITIES: &[u8] = b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n";

/// Serves everybody who connects, a thread for each, until accepting fails. Any password will do, and the name says what
/// each message is: `text-4096`, `base64-1048576`. A maildrop has every message-number.
///
/// # Errors
/// Those of accepting.
pub fn serve(listener: &TcpListener, tls: Option<&Arc<ServerConfig>>) -> io::Result<()> {
    let maildrops = Arc::new(Maildrops::default());
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let (maildrops, tls) = (Arc::clone(&maildrops), tls.cloned());
        // A client that has what it wanted may be gone before its QUIT is answered.
        thread::spawn(move || converse_over(stream, tls, &maildrops));
    }
}

fn converse_over(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    maildrops: &Maildrops,
) -> io::Result<()> {
    let Some(tls) = tls else { return converse(stream, maildrops) };
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    converse(StreamOwned::new(connection, stream), maildrops)
}

fn converse(mut stream: impl Read + Write, maildrops: &Maildrops) -> io::Result<()> {
    stream.write_all(GREETING)?;
    stream.flush()?;
    let mut block = vec![0; 64 << 10];
    let mut filled = 0;
    let mut replies = Arc::<Replies>::default();
    loop {
        let read = stream.read(&mut block[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let (mut start, mut wanted) = (0, 0);
        while let Some(end) = memchr(b'\n', &block[start..filled]) {
            let line = block[start..start + end].trim_ascii_end();
            start += end + 1;
            if line.starts_with(b"RETR ") {
                wanted += 1;
                continue;
            }
            replies.write(wanted, &mut stream)?;
            wanted = 0;
            match line {
                b"CAPA" => stream.write_all(CAPABILITIES)?,
                b"QUIT" => {
                    stream.write_all(b"+OK\r\n")?;
                    return stream.flush();
                }
                _ => {
                    if let Some(user) = line.strip_prefix(b"USER ") {
                        replies = maildrops.open(user)?;
                    }
                    stream.write_all(b"+OK\r\n")?;
                }
            }
        }
        replies.write(wanted, &mut stream)?;
        stream.flush()?;
        block.copy_within(start..filled, 0);
        filled -= start;
    }
}

/// Those that somebody asked for.
#[derive(Debug, Default)]
struct Maildrops(Mutex<HashMap<Vec<u8>, Arc<Replies>>>);

impl Maildrops {
    fn open(&self, user: &[u8]) -> io::Result<Arc<Replies>> {
        let mut maildrops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(replies) = maildrops.get(user) {
            return Ok(Arc::clone(replies));
        }
        let replies = Replies::named(user).ok_or(io::ErrorKind::InvalidInput)?;
        let replies = Arc::new(replies);
        maildrops.insert(user.to_vec(), Arc::clone(&replies));
        Ok(replies)
    }
}

/// What RETR is answered with.
#[derive(Debug, Default)]
struct Replies {
    /// Whole replies behind each other, so that many small ones leave by one write.
    batch: Vec<u8>,
    batched: usize,
    /// A reply that is longer than that: its beginning, lines so many times, its end.
    begin: Vec<u8>,
    lines: Vec<u8>,
    times: usize,
}

impl Replies {
    fn named(user: &[u8]) -> Option<Self> {
        let (kind, octets) = std::str::from_utf8(user).ok()?.split_once('-')?;
        let corpus: fn(usize) -> Corpus = match kind {
            "text" => text,
            "base64" => base64,
            _ => return None,
        };
        let octets: usize = octets.parse().ok()?;
        let times = octets.div_ceil(LONGEST);
        let Corpus { wire, body, .. } = corpus(octets.min(LONGEST));
        let begin = format!("+OK {} octets\r\n", body * times.max(1)).into_bytes();
        if times > 1 {
            let lines = wire.strip_suffix(TERMINATOR)?.to_vec();
            return Some(Self { begin, lines, times, ..Self::default() });
        }
        let reply = [begin, wire].concat();
        let batched = (BATCH / reply.len()).max(1);
        Some(Self { batch: reply.repeat(batched), batched, ..Self::default() })
    }

    fn write(&self, mut wanted: usize, stream: &mut impl Write) -> io::Result<()> {
        while wanted > 0 {
            if self.batched > 0 {
                let now = wanted.min(self.batched);
                stream.write_all(&self.batch[..self.batch.len() / self.batched * now])?;
                wanted -= now;
            } else {
                stream.write_all(&self.begin)?;
                for _ in 0..self.times {
                    stream.write_all(&self.lines)?;
                }
                stream.write_all(TERMINATOR)?;
                wanted -= 1;
            }
        }
        Ok(())
    }
}
