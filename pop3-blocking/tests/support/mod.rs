//! A transport that follows a script, and hands it over in whatever pieces the test wants.

#![allow(dead_code, reason = "not every test needs each of them")]

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Duration;

use pop3_blocking::Timeouts;

/// One thing that the peer does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Exactly this must have been written by now, since the last time that this was looked at.
    Expect(String),
    /// What was written does not matter, as where TLS begins with somebody who has none.
    Ignore,
    /// The peer writes this.
    Send(Vec<u8>),
    /// The same, but it need not be read.
    Surplus(Vec<u8>),
    /// A read is interrupted once.
    Interrupt,
    /// The peer says nothing for so long.
    Pause(Duration),
    /// The peer says nothing until the other's time is over.
    Silence,
    /// From here on the peer takes nothing, and says nothing either.
    Deaf,
    /// From here on every write fails like this, or takes nothing, though reads go on.
    Break(io::ErrorKind),
    /// From here on every write takes what it is given, and every flush fails like this.
    BreakFlush(io::ErrorKind),
    /// From here on the peer speaks TLS, if the transport knows how.
    BeginTls,
    /// The peer says by `close_notify` that it ends.
    EndTls,
    /// By the time that the transport is dropped the other must have said that it ends.
    ExpectEnd,
    /// The peer closes.
    Close,
    /// The connection breaks.
    Reset,
}

pub(crate) fn send(octets: impl AsRef<[u8]>) -> Act {
    Act::Send(octets.as_ref().to_vec())
}

pub(crate) fn surplus(octets: impl AsRef<[u8]>) -> Act {
    Act::Surplus(octets.as_ref().to_vec())
}

pub(crate) fn expect(octets: impl Into<String>) -> Act {
    Act::Expect(octets.into())
}

/// How many octets pass at a time at most.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cuts {
    Each(usize),
    /// As a generator with this state says.
    Random(u32),
}

impl Cuts {
    /// Octet by octet, in small pieces, whole, and at random.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [1, 2, 3, 7, 65536].map(Self::Each).into_iter().chain((0..4).map(Self::Random))
    }

    fn next(&mut self) -> usize {
        match self {
            Self::Each(piece) => *piece,
            Self::Random(state) => 1 + (next_random(state) >> 8) as usize % 23,
        }
    }
}

impl From<usize> for Cuts {
    fn from(piece: usize) -> Self {
        Self::Each(piece)
    }
}

pub(crate) fn next_random(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 8
}

/// A peer whose pauses can be waited for by another clock.
pub(crate) trait Pauses: Read + Write {
    /// How long the peer pauses where it is read from; then it is done.
    fn take_pause(&mut self) -> Option<Duration>;
}

/// A transport on which the peer follows a script.
#[derive(Debug)]
pub(crate) struct Scripted {
    script: VecDeque<Act>,
    cuts: Cuts,
    written: Vec<u8>,
    broken: Option<io::ErrorKind>,
    flush_broken: Option<io::ErrorKind>,
    /// The other said by `close_notify` that it ends.
    pub(crate) ended: bool,
    /// Whoever reads may have more to write: TLS reads ahead.
    pub(crate) patient: bool,
    timeout: Duration,
    /// What is left of the script when the transport is dropped does not matter.
    loose: bool,
}

impl Scripted {
    pub(crate) fn new(cuts: impl Into<Cuts>, script: impl IntoIterator<Item = Act>) -> Self {
        Self {
            script: script.into_iter().collect(),
            cuts: cuts.into(),
            written: Vec::new(),
            broken: None,
            flush_broken: None,
            ended: false,
            patient: false,
            timeout: Duration::MAX,
            loose: false,
        }
    }

    pub(crate) fn loose(cuts: impl Into<Cuts>, script: impl IntoIterator<Item = Act>) -> Self {
        let mut scripted = Self::new(cuts, script);
        scripted.loose = true;
        scripted
    }

    /// Whether the peer does this where it is read from; then it is done.
    pub(crate) fn take_act(&mut self, matches: impl FnOnce(&Act) -> bool) -> bool {
        self.heard();
        self.take_unheard(matches)
    }

    /// The same where it is written to.
    pub(crate) fn take_unheard(&mut self, matches: impl FnOnce(&Act) -> bool) -> bool {
        self.settle();
        let takes = self.script.front().is_some_and(matches);
        if takes {
            self.script.pop_front();
        }
        takes
    }

    /// Passes by what has been done.
    fn settle(&mut self) {
        loop {
            match self.script.front() {
                Some(Act::Send(octets) | Act::Surplus(octets)) if octets.is_empty() => {}
                Some(Act::Break(kind)) => self.broken = Some(*kind),
                Some(Act::BreakFlush(kind)) => self.flush_broken = Some(*kind),
                _ => return,
            }
            self.script.pop_front();
        }
    }

    /// The same, and looks at what was written: whoever reads has written all that he means to.
    fn heard(&mut self) {
        self.settle();
        while let Some(act @ (Act::Expect(_) | Act::Ignore)) = self.script.front() {
            if let Act::Expect(octets) = act {
                let begun = octets.as_bytes().starts_with(&self.written);
                if self.patient && begun && octets.len() > self.written.len() {
                    return;
                }
                assert_eq!(String::from_utf8_lossy(&self.written), *octets);
            }
            self.written.clear();
            self.script.pop_front();
            self.settle();
        }
    }
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        self.heard();
        match self.script.front_mut() {
            Some(Act::Send(octets) | Act::Surplus(octets)) => {
                let len = buffer.len().min(self.cuts.next()).min(octets.len());
                buffer[..len].copy_from_slice(&octets[..len]);
                octets.drain(..len);
                Ok(len)
            }
            Some(Act::Interrupt) => {
                self.script.pop_front();
                Err(io::ErrorKind::Interrupted.into())
            }
            Some(Act::Pause(left)) => {
                let pause = self.timeout.min(*left);
                std::thread::sleep(pause);
                *left -= pause;
                if left.is_zero() {
                    self.script.pop_front();
                    return self.read(buffer);
                }
                Err(io::ErrorKind::WouldBlock.into())
            }
            Some(Act::Silence | Act::Deaf | Act::Expect(_)) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Some(Act::Close) => Ok(0),
            Some(Act::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => panic!("it is read, and the script has ended: {self:?}"),
        }
    }
}

impl Write for Scripted {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.settle();
        match self.broken {
            Some(io::ErrorKind::WriteZero) => return Ok(0),
            Some(kind) => return Err(kind.into()),
            None => {}
        }
        if matches!(self.script.front(), Some(Act::Deaf)) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = octets.len().min(self.cuts.next());
        self.written.extend_from_slice(&octets[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.settle();
        self.flush_broken.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Pauses for Scripted {
    fn take_pause(&mut self) -> Option<Duration> {
        self.heard();
        let Some(Act::Pause(pause)) = self.script.front() else { return None };
        let pause = *pause;
        self.script.pop_front();
        Some(pause)
    }
}

impl Timeouts for Scripted {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        assert!(!timeout.is_zero());
        self.timeout = timeout;
        Ok(())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if std::thread::panicking() || self.loose {
            return;
        }
        self.settle();
        while let Some(act) = self.script.pop_front() {
            match act {
                Act::Surplus(_)
                | Act::Pause(_)
                | Act::Silence
                | Act::Deaf
                | Act::EndTls
                | Act::Close
                | Act::Reset => {}
                Act::Expect(octets) => {
                    assert_eq!(String::from_utf8_lossy(&self.written), octets);
                    self.written.clear();
                }
                Act::Ignore => self.written.clear(),
                Act::ExpectEnd => assert!(self.ended, "it does not say that it ends"),
                act => panic!("the script goes on: {act:?}"),
            }
        }
        assert_eq!(String::from_utf8_lossy(&self.written), "", "nobody expects it");
    }
}
