//! What every adapter must do, written once: each adapter runs these scenarios by its own API.
//!
//! A scenario is what the peer says and must hear, what the caller does, and what he must see. Its name and
//! the rules that it proves stand at the function that gives it; whoever includes this module says how long a
//! [`TICK`] of its clock is, and makes a test of each function.

#![allow(dead_code, reason = "not every test needs each of them")]

pub(crate) mod attacks;
pub(crate) mod client;
#[cfg(all(feature = "server", feature = "tls"))]
pub(crate) mod secured;
#[cfg(feature = "server")]
pub(crate) mod server;
#[cfg(all(feature = "server", feature = "tls"))]
pub(crate) mod tls;

use std::fmt;
use std::time::Duration;

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::client::{Item, SendError, Update};
use pop3_blocking::pop3_proto::{
    Capabilities, Command, DropListing, LanguageListing, Mailbox, MessageNumber, Password,
    Response, ScanListing, UniqueIdListing,
};

use super::TICK;
use super::support::{Act, expect, send};

/// One thing that the caller of a client does, and what he must see of it, in order.
pub(crate) type Step = (Call, Vec<Seen>);

/// What a caller does.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Waits for the greeting.
    Open,
    /// Logs in by USER and PASS alone.
    UserPass(&'static str, &'static str),
    /// Logs in by the best that is announced.
    Login(&'static str, &'static str),
    /// Logs in by PLAIN, as a mechanism of his own.
    OwnPlain(&'static str, &'static str),
    Capa,
    Utf8,
    Languages,
    ChooseLanguage(&'static str),
    Stat,
    List(Take),
    ListOne(u32),
    Uidl(Take),
    UidlOne(u32),
    Retr(u32, Take),
    Top(u32, u64, Take),
    /// A command that nobody knows, with a multi-line reply.
    Raw(&'static str, Take),
    Dele(u32),
    Noop,
    Rset,
    /// Some commands with so many in flight; how each reply is taken, and all behind these whole.
    Pipeline(Vec<Command>, usize, Vec<Take>),
    /// Does nothing for so many ticks.
    Rest(u32),
    Quit,
}

/// How much of a body or a listing is taken before it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    All,
    /// By reads of so many octets.
    Reads(usize),
    /// By lines.
    Lines,
    /// Into memory, up to so many octets.
    UpTo(u64),
    /// So many octets, or so many items.
    First(usize),
    /// In a pipeline: the pipeline itself is dropped here.
    Leave,
}

/// What a caller sees: a value as it is shown, or an error.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Value(String),
    /// Any value.
    Given,
    Fails(Failure),
    /// An error that is told in these words.
    Says(String),
    /// Any error.
    Fault,
}

/// An error by its pattern, so that it is told whose fault it was.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) pattern: &'static str,
    pub(crate) matches: fn(&Error) -> bool,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern)
    }
}

macro_rules! fails {
    ($($pattern:tt)+) => {
        $crate::scenarios::Seen::Fails($crate::scenarios::Failure {
            pattern: stringify!($($pattern)+),
            matches: |error| matches!(error, $($pattern)+),
        })
    };
}
pub(crate) use fails;

pub(crate) fn is(value: impl Into<String>) -> Seen {
    Seen::Value(value.into())
}

/// An error that is told in these words.
macro_rules! says {
    ($text:literal) => {
        $crate::scenarios::Seen::Fails($crate::scenarios::Failure {
            pattern: $text,
            matches: |error| error.to_string() == $text,
        })
    };
}
pub(crate) use says;

/// The session is over, and says so; nothing is written.
pub(crate) fn over() -> Step {
    (Call::Noop, vec![fails!(Error::Send(SendError::Over))])
}

pub(crate) fn does(call: Call, seen: impl Into<Vec<Seen>>) -> Step {
    (call, seen.into())
}

/// What was seen in a scenario, to be compared step by step.
#[derive(Debug, Default)]
pub(crate) struct Sight(Vec<Result<String, Error>>);

impl Sight {
    pub(crate) fn value(&mut self, value: &impl Show) {
        self.0.push(Ok(value.show()));
    }

    pub(crate) fn error(&mut self, error: impl Into<Error>) {
        self.0.push(Err(error.into()));
    }

    pub(crate) fn result<T: Show>(&mut self, result: Result<T, impl Into<Error>>) {
        self.0.push(result.map(|value| value.show()).map_err(Into::into));
    }

    /// Compares what was seen since the last time.
    pub(crate) fn compare(&mut self, expected: &[Seen], context: &dyn fmt::Debug) {
        let seen = std::mem::take(&mut self.0);
        let same = |(seen, expected): (&Result<String, Error>, &Seen)| match (seen, expected) {
            (Ok(seen), Seen::Value(expected)) => seen == expected,
            (Err(error), Seen::Fails(failure)) => (failure.matches)(error),
            (Err(error), Seen::Says(text)) => error.to_string() == *text,
            (Ok(_), Seen::Given) | (Err(_), Seen::Fault) => true,
            _ => false,
        };
        assert!(
            seen.len() == expected.len() && seen.iter().zip(expected).all(same),
            "{context:?}\n    seen: {seen:?}\nexpected: {expected:?}"
        );
    }
}

/// How a value is shown: as it stands on the wire, where there is such a thing.
pub(crate) trait Show {
    fn show(&self) -> String;
}

impl Show for () {
    fn show(&self) -> String {
        "done".to_owned()
    }
}

impl Show for DropListing {
    fn show(&self) -> String {
        let octets = self.octets.expect("octets");
        format!("{} {octets}", self.messages)
    }
}

impl Show for ScanListing {
    fn show(&self) -> String {
        format!("{} {}", self.message, self.octets)
    }
}

impl Show for UniqueIdListing {
    fn show(&self) -> String {
        format!("{} {}", self.message, self.id)
    }
}

impl Show for LanguageListing {
    fn show(&self) -> String {
        format!("{} {}", self.tag, String::from_utf8_lossy(self.description.octets()))
    }
}

impl Show for Vec<LanguageListing> {
    fn show(&self) -> String {
        self.iter().map(Show::show).collect::<Vec<_>>().join(", ")
    }
}

impl Show for Capabilities {
    fn show(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl Show for Response {
    fn show(&self) -> String {
        format!("{} {}", self.status.as_str(), self.text)
    }
}

impl Show for Item {
    fn show(&self) -> String {
        match self {
            Self::Drop(listing) => listing.show(),
            Self::Scan(listing) => listing.show(),
            Self::UniqueId(listing) => listing.show(),
            Self::Capability(capability) => capability.to_string(),
            Self::Language(listing) => listing.show(),
            other => format!("{other:?}"),
        }
    }
}

impl Show for Vec<u8> {
    fn show(&self) -> String {
        String::from_utf8_lossy(self).into_owned()
    }
}

impl Show for Update {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for String {
    fn show(&self) -> String {
        self.clone()
    }
}

pub(crate) fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

pub(crate) fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).expect("a mailbox")
}

pub(crate) fn password(password: &str) -> Password {
    Password::new(password).expect("a password")
}

/// So many ticks of the adapter's clock.
pub(crate) fn ticks(ticks: u32) -> Duration {
    TICK * ticks
}

pub(crate) fn pause(length: u32) -> Act {
    Act::Pause(ticks(length))
}

/// What is heard and answered, in turn.
pub(crate) fn talk(turns: &[(&str, &str)]) -> Vec<Act> {
    turns.iter().flat_map(|(heard, said)| [expect(*heard), send(said)]).collect()
}
