//! Fetches a whole maildrop and drops it, at no more cost than reading it takes; `benches/servers` drives servers by it.
//!
//! ```text
//! drain ADDRESS USER PASSWORD SESSIONS    prints how many octets came for RETR, status lines and terminators included
//! ```

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use memchr::memmem;

/// Commands in flight.
const WINDOW: usize = 32;
const BLOCK: usize = 128 * 1024;
const TERMINATOR: &[u8] = b"\r\n.\r\n";

/// A server that says nothing for so long has not understood.
const PATIENCE: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, user, password, sessions] = &arguments[..] else {
        return Err("usage: drain ADDRESS USER PASSWORD SESSIONS".into());
    };
    let mut octets = 0;
    for _ in 0..sessions.parse()? {
        octets += Connection::open(address)?.drain(user, password)?;
    }
    println!("{octets}");
    Ok(())
}

struct Connection {
    stream: TcpStream,
    block: Vec<u8>,
    /// What has come and was not looked at.
    filled: usize,
}

impl Connection {
    fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, block: vec![0; BLOCK], filled: 0 })
    }

    fn drain(mut self, user: &str, password: &str) -> Result<u64, Failure> {
        self.line()?;
        self.ask(&format!("USER {user}"))?;
        self.ask(&format!("PASS {password}"))?;
        let stat = self.ask("STAT")?;
        let messages: usize = stat.split(' ').nth(1).ok_or("no drop listing")?.parse()?;
        let octets = self.messages(messages)?;
        self.ask("QUIT")?;
        Ok(octets)
    }

    /// Every reply is positive, or this waits in vain: a message is counted by its terminator.
    fn messages(&mut self, messages: usize) -> Result<u64, Failure> {
        let (mut asked, mut answered, mut octets) = (0, 0, 0);
        let terminator = memmem::Finder::new(TERMINATOR);
        while answered < messages {
            // Half a window at a time: few writes, and there is always something to answer.
            if asked - answered <= WINDOW / 2 && asked < messages {
                let next = messages.min(answered + WINDOW);
                let mut commands = String::new();
                for message in asked..next {
                    writeln!(commands, "RETR {}\r", message + 1)?;
                }
                self.stream.write_all(commands.as_bytes())?;
                asked = next;
            }
            octets += u64::try_from(self.read()?)?;
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

    fn ask(&mut self, command: &str) -> Result<String, Failure> {
        self.stream.write_all(format!("{command}\r\n").as_bytes())?;
        self.line()
    }

    /// The one line that is awaited, without its end.
    fn line(&mut self) -> Result<String, Failure> {
        self.filled = 0;
        while !self.block[..self.filled].ends_with(b"\r\n") {
            self.read()?;
        }
        let line = String::from_utf8_lossy(&self.block[..self.filled - 2]).into_owned();
        self.filled = 0;
        if line.starts_with("+OK") { Ok(line) } else { Err(line.into()) }
    }

    fn read(&mut self) -> Result<usize, Failure> {
        let read = self.stream.read(&mut self.block[self.filled..])?;
        if read == 0 {
            return Err("the server has closed the connection".into());
        }
        self.filled += read;
        Ok(read)
    }
}
