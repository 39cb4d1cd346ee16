//! What fetching mail costs at least: the same commands, reads of the same size, a search for terminators and nothing else.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use memchr::memmem::Finder;

const TERMINATOR: &[u8] = b"\r\n.\r\n";

/// A connection whose messages are found and dropped.
#[derive(Debug)]
pub struct Drain<S> {
    stream: S,
    block: Vec<u8>,
    /// What has come and was not looked at.
    filled: usize,
    window: usize,
}

impl<S: Read + Write> Drain<S> {
    /// Reads `block` octets at a time and keeps up to `window` commands in flight.
    #[must_use]
    pub fn new(stream: S, block: usize, window: usize) -> Self {
        Self { stream, block: vec![0; block], filled: 0, window }
    }

    /// Waits for the greeting and logs in.
    ///
    /// # Errors
    /// What the server said, if it was not `+OK`, or what the transport says.
    pub fn log_in(&mut self, user: &str, password: &str) -> io::Result<()> {
        self.line()?;
        self.ask(&format!("USER {user}"))?;
        self.ask(&format!("PASS {password}")).map(drop)
    }

    /// A command that is answered by one line, and that line.
    ///
    /// # Errors
    /// As [`Drain::log_in`].
    pub fn ask(&mut self, command: &str) -> io::Result<String> {
        self.stream.write_all(format!("{command}\r\n").as_bytes())?;
        self.line()
    }

    /// Fetches that many messages; the octets that came, status lines and terminators included.
    ///
    /// Every reply is positive, or this waits in vain: a message is counted by its terminator.
    ///
    /// # Errors
    /// As [`Drain::log_in`].
    pub fn messages(&mut self, messages: usize) -> io::Result<u64> {
        let (mut asked, mut answered, mut octets) = (0, 0, 0);
        let terminator = Finder::new(TERMINATOR);
        while answered < messages {
            asked = self.ask_ahead(asked, answered, messages)?;
            octets += as_octets(self.read()?);
            let mut looked_at = 0;
            for at in terminator.find_iter(&self.block[..self.filled]) {
                answered += 1;
                looked_at = at + TERMINATOR.len();
            }
            // The terminator that comes next may have begun.
            let rest = looked_at.max(self.filled.saturating_sub(TERMINATOR.len() - 1));
            self.block.copy_within(rest..self.filled, 0);
            self.filled -= rest;
        }
        self.filled = 0;
        Ok(octets)
    }

    /// The same where all messages are alike, so that counting octets does for a search.
    ///
    /// # Errors
    /// As [`Drain::log_in`].
    pub fn read_only(&mut self, messages: usize) -> io::Result<u64> {
        let each = self.messages(1)?;
        let (mut asked, mut octets) = (1, each);
        while octets < each * as_octets(messages) {
            let answered = usize::try_from(octets / each).map_err(io::Error::other)?;
            asked = self.ask_ahead(asked, answered, messages)?;
            self.filled = 0;
            octets += as_octets(self.read()?);
        }
        self.filled = 0;
        Ok(octets)
    }

    /// Half a window at a time: few writes, and there is always something to answer.
    fn ask_ahead(&mut self, asked: usize, answered: usize, of: usize) -> io::Result<usize> {
        if asked - answered > self.window / 2 || asked == of {
            return Ok(asked);
        }
        let next = of.min(answered + self.window);
        let mut commands = String::new();
        for message in asked..next {
            write!(commands, "RETR {}\r\n", message + 1).map_err(io::Error::other)?;
        }
        self.stream.write_all(commands.as_bytes())?;
        Ok(next)
    }

    /// The one line that is awaited, without its end.
    fn line(&mut self) -> io::Result<String> {
        self.filled = 0;
        while !self.block[..self.filled].ends_with(b"\r\n") {
            self.read()?;
        }
        let line = String::from_utf8_lossy(&self.block[..self.filled - 2]).into_owned();
        self.filled = 0;
        if line.starts_with("+OK") { Ok(line) } else { Err(io::Error::other(line)) }
    }

    fn read(&mut self) -> io::Result<usize> {
        let read = self.stream.read(&mut self.block[self.filled..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled += read;
        Ok(read)
    }
}

fn as_octets(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
