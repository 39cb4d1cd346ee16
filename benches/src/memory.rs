//! A connection in memory, whose other end answers at once: what an adapter takes beside system calls.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use memchr::memchr_iter;
use pop3_blocking::Timeouts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const GREETING: &[u8] = b"+OK ready\r\n";
const CAPABILITIES: &[u8] = b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n";

/// A connection to a maildrop in which every message is alike.
#[derive(Debug)]
pub struct Connection {
    /// What RETR is answered with.
    reply: Vec<u8>,
    /// How often that is owed, and how much of it was read.
    owed: usize,
    at: usize,
    /// What comes before it.
    lines: Vec<u8>,
}

impl Connection {
    /// One whose server has greeted.
    #[must_use]
    pub fn new(reply: Vec<u8>) -> Self {
        Self { reply, owed: 0, at: 0, lines: GREETING.to_vec() }
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = self.lines.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.lines[..read]);
        self.lines.drain(..read);
        while self.owed > 0 && read < buffer.len() {
            let len = (self.reply.len() - self.at).min(buffer.len() - read);
            buffer[read..read + len].copy_from_slice(&self.reply[self.at..self.at + len]);
            read += len;
            self.at += len;
            if self.at == self.reply.len() {
                (self.at, self.owed) = (0, self.owed - 1);
            }
        }
        Ok(read)
    }
}

impl Write for Connection {
    /// Takes whole lines; the adapters write no others.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut start = 0;
        for end in memchr_iter(b'\n', octets) {
            match octets[start..end].trim_ascii_end() {
                line if line.starts_with(b"RETR ") => self.owed += 1,
                b"CAPA" => self.lines.extend_from_slice(CAPABILITIES),
                _ => self.lines.extend_from_slice(b"+OK\r\n"),
            }
            start = end + 1;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Timeouts for Connection {
    fn set_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.get_mut().read(buffer.initialize_unfilled())?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(octets))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
