//! A transport that follows a script, and hands it over in whatever pieces the test wants.

use std::io::{self, Read, Write};
use std::time::Duration;

use pop3_blocking::Timeouts;

/// One thing that the peer does.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every test needs each of them")]
pub(crate) enum Act {
    /// The client must have written exactly this by now.
    Expect(&'static str),
    /// The peer writes this.
    Send(Vec<u8>),
    /// A read is interrupted once.
    Interrupt,
    /// The peer says nothing until the client's time is over.
    Silence,
    /// The peer closes.
    Close,
    /// The connection breaks.
    Reset,
}

pub(crate) fn send(octets: impl AsRef<[u8]>) -> Act {
    Act::Send(octets.as_ref().to_vec())
}

/// A transport on which the peer follows `script`; reads give at most `piece` octets, writes take at
/// most `piece`.
#[derive(Debug)]
pub(crate) struct Scripted {
    script: std::collections::VecDeque<Act>,
    piece: usize,
    written: Vec<u8>,
    /// What is left of the script when the transport is dropped does not matter.
    loose: bool,
}

#[allow(dead_code, reason = "not every test needs each of them")]
impl Scripted {
    pub(crate) fn new(piece: usize, script: impl IntoIterator<Item = Act>) -> Self {
        Self { script: script.into_iter().collect(), piece, written: Vec::new(), loose: false }
    }

    pub(crate) fn loose(piece: usize, script: impl IntoIterator<Item = Act>) -> Self {
        let mut scripted = Self::new(piece, script);
        scripted.loose = true;
        scripted
    }
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        loop {
            match self.script.front_mut() {
                Some(Act::Expect(line)) => {
                    assert_eq!(String::from_utf8_lossy(&self.written), *line);
                    self.written.clear();
                    self.script.pop_front();
                }
                Some(Act::Send(octets)) if octets.is_empty() => {
                    self.script.pop_front();
                }
                Some(Act::Send(octets)) => {
                    let len = buffer.len().min(self.piece).min(octets.len());
                    buffer[..len].copy_from_slice(&octets[..len]);
                    octets.drain(..len);
                    return Ok(len);
                }
                Some(Act::Interrupt) => {
                    self.script.pop_front();
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Some(Act::Silence) => return Err(io::ErrorKind::WouldBlock.into()),
                Some(Act::Close) => return Ok(0),
                Some(Act::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
                None => panic!("the client reads, and the script has ended: {self:?}"),
            }
        }
    }
}

impl Write for Scripted {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let len = octets.len().min(self.piece);
        self.written.extend_from_slice(&octets[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Timeouts for Scripted {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        assert!(!timeout.is_zero());
        Ok(())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if std::thread::panicking() || self.loose {
            return;
        }
        while let Some(act) = self.script.pop_front() {
            match act {
                Act::Close | Act::Reset | Act::Silence => {}
                Act::Send(rest) if rest.is_empty() => {}
                Act::Expect(line) => {
                    assert_eq!(String::from_utf8_lossy(&self.written), line);
                    self.written.clear();
                }
                act => panic!("the script goes on: {act:?}"),
            }
        }
    }
}
