//! A transport that notes what is asked of the one below it.

#![allow(dead_code, reason = "not every test needs each of them")]

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pop3_blocking::Timeouts;

use crate::support::{Act, Pauses, expect, send};

/// What was asked of a transport.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What each write was given.
    pub(crate) writes: Vec<String>,
    /// For each read its room, and the octets that it gave.
    pub(crate) reads: Vec<(usize, usize)>,
}

pub(crate) type Notes = Arc<Mutex<Asked>>;

/// Notes with room enough that taking them costs no allocation but a write's own.
pub(crate) fn notes() -> Notes {
    let asked = Asked { writes: Vec::with_capacity(4096), reads: Vec::with_capacity(4096) };
    Arc::new(Mutex::new(asked))
}

#[derive(Debug)]
pub(crate) struct Noted<T> {
    inner: T,
    notes: Notes,
}

impl<T> Noted<T> {
    pub(crate) fn new(inner: T, notes: &Notes) -> Self {
        Self { inner, notes: Arc::clone(notes) }
    }
}

impl<T: Read> Read for Noted<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.notes.lock().unwrap().reads.push((buffer.len(), read));
        Ok(read)
    }
}

impl<T: Write> Write for Noted<T> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(octets)?;
        let octets = String::from_utf8_lossy(&octets[..written]).into_owned();
        self.notes.lock().unwrap().writes.push(octets);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Timeouts> Timeouts for Noted<T> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.inner.set_timeout(timeout)
    }
}

impl<T: Pauses> Pauses for Noted<T> {
    fn take_pause(&mut self) -> Option<Duration> {
        self.inner.take_pause()
    }
}

impl Asked {
    /// Since the last time that this was looked at.
    pub(crate) fn take(notes: &Notes) -> Self {
        let mut asked = notes.lock().unwrap();
        let (writes, reads) = (asked.writes.clone(), asked.reads.clone());
        asked.writes.clear();
        asked.reads.clear();
        Self { writes, reads }
    }

    /// Reads are of 32 KiB at the least and of 128 KiB at the most, and where all is there one suffices for 32 KiB.
    pub(crate) fn assert_large_reads(&self) {
        const KIB: usize = 1024;
        let octets: usize = self.reads.iter().map(|(_, read)| read).sum();
        let rooms = self.reads.iter().map(|(room, _)| room);
        assert!(
            rooms.clone().all(|room| (32 * KIB..=128 * KIB).contains(room)),
            "{:?}",
            self.reads
        );
        assert!(self.reads.len() <= 1 + octets / (32 * KIB), "{} reads", self.reads.len());
    }
}

/// Up to the end of a login by USER and PASS with the name mrose and the password x.
pub(crate) fn login() -> Vec<Act> {
    vec![
        send("+OK ready\r\n"),
        expect("USER mrose\r\n"),
        send("+OK\r\n"),
        expect("PASS x\r\n"),
        send("+OK\r\n"),
    ]
}

/// How often a batch of commands is sent at once.
pub(crate) const BATCH: usize = 20;

/// How many batches there are.
pub(crate) const BATCHES: usize = 3;

/// That login, a question for what the server can do, and so many commands at once, as often.
pub(crate) fn batch() -> Vec<Act> {
    let mut script = login();
    script.extend([expect("CAPA\r\n"), send("+OK\r\nPIPELINING\r\n.\r\n")]);
    for _ in 0..BATCHES {
        script.extend([expect("NOOP\r\n".repeat(BATCH)), send("+OK\r\n".repeat(BATCH))]);
    }
    script
}

/// What is written then, each write by itself.
pub(crate) fn batch_writes() -> Vec<String> {
    let alone = ["USER mrose\r\n", "PASS x\r\n", "CAPA\r\n"].map(str::to_owned);
    let batches = std::iter::repeat_n("NOOP\r\n".repeat(BATCH), BATCHES);
    alone.into_iter().chain(batches).collect()
}

/// A message of so many octets, on the wire and whole, in lines of 64 with a dot at each beginning if they are `dense`.
pub(crate) fn message(octets: usize, dense: bool) -> Vec<u8> {
    let line = format!("{}{}\r\n", if dense { "." } else { "x" }, "x".repeat(61));
    line.repeat(octets / 64).into_bytes()
}

/// How RETR is answered with `message`, with its octets in the status line.
pub(crate) fn answer(message: &[u8]) -> Vec<u8> {
    let mut wire = format!("+OK {} octets\r\n", message.len()).into_bytes();
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

/// The same `message` again and again, behind a login.
pub(crate) fn retrs(message: &[u8], times: usize) -> Vec<Act> {
    let answer = answer(message);
    let each = || [expect("RETR 1\r\n"), send(&answer)];
    login().into_iter().chain((0..times).flat_map(|_| each())).collect()
}
