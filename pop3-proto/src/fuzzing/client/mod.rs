//! One script, three callers with different habits, one outcome.
//!
//! The comparison is fair because a caller acts at two kinds of moments only, which no cut of the input can move:
//!
//! - *Between two rounds.* The server's octets up to the next act are one round. A caller acts when the whole round has been
//!   received and polled until nothing came. Above all, output leaves only then: whether octets answer a command depends on
//!   how many had been received when the command left, and rightly so.
//! - *Right after an event that is no `Data`*, and then it may only give up a command: so many events into a session the same
//!   octets have been decoded, whatever has been received beyond them.
//!
//! One place of the protocol is a matter of what is read together: octets behind the `+OK` to STLS are an error if they
//! are read with it, and TLS's if they are not. A caller who has some left then takes them for that error.
//!
//! Everything else is habit and must leave no trace: the size of reads, the window or the copying way in, polling a little or
//! all after each read, `read_body` of any command at any moment, holding chunks or dropping them.

mod caller;

use alloc::vec::Vec;

use super::Sizes;
use super::script::Script;
use crate::client::{CommandId, Eof, Event, ProtocolError, SendError, Update, Waiting};
use crate::state::State;
use caller::Caller;

/// I1 to I3, I5, I6, I8, I10, I12 and class H: the same script, read whole, in pieces and octet by octet, by callers who share no
/// habit, gives the same events, the same failure, the same state after each act and the same output.
///
/// Input: see the script's format.
pub fn client_session(data: &[u8]) {
    let Some(script) = Script::read(data) else { return };
    let [small, large] = script.seed;
    let habits = [
        Habits { reads: Sizes::always(usize::MAX), ..Habits::plain() },
        Habits {
            reads: Sizes::new(small, large),
            window: small & 0x20 != 0,
            polls: Some(usize::from(small >> 6)).filter(|polls| *polls > 0),
            body: Some(usize::from(large % 67)),
            hold: usize::from(large % 5),
        },
        Habits { reads: Sizes::octets(), window: true, hold: 3, ..Habits::plain() },
    ];
    let [whole, pieces, octets] = habits.map(|habits| Caller::run(&script, habits));
    assert_eq!(whole, pieces, "in pieces");
    assert_eq!(whole, octets, "octet by octet");
}

/// T24, C18.1: a connection that ends behind any octet ends the session, and nothing is complete by it: what was answered to
/// the end is what the whole script had answered by then.
///
/// Input: a script of [`client_session`].
pub fn client_session_cut_anywhere(data: &[u8]) {
    let Some(script) = Script::read(data) else { return };
    let ends = |script: &Script| {
        let habits = Habits { reads: Sizes::always(usize::MAX), ..Habits::plain() };
        let seen = Caller::run(script, habits).0.into_iter();
        let is_end = |seen: &Seen| {
            matches!(seen, Seen::Event(Event::Completed { .. } | Event::Finished { .. }))
        };
        seen.filter(is_end).collect::<Vec<_>>()
    };
    let whole = ends(&script);
    for (at, eof) in
        (0..script.octets()).step_by(1 + script.octets() / MAX_CUTS).zip(ENDS.into_iter().cycle())
    {
        let cut = ends(&script.cut(at, eof));
        assert!(whole.starts_with(&cut), "{cut:?} of {whole:?}, cut at {at}");
    }
}

/// In one script.
const MAX_CUTS: usize = 512;
const ENDS: [Eof; 3] = [Eof::Clean, Eof::Abrupt, Eof::Clean];

/// What leaves no trace.
struct Habits {
    reads: Sizes,
    /// Reads into the window instead of handing octets over.
    window: bool,
    /// Polls so many events after each read; all if `None`.
    polls: Option<usize>,
    /// Before each poll, reads so many octets of a body.
    body: Option<usize>,
    /// Holds so many chunks.
    hold: usize,
}

impl Habits {
    const fn plain() -> Self {
        Self { reads: Sizes::octets(), window: false, polls: None, body: None, hold: 0 }
    }
}

/// What can be seen from outside and must not depend on habits.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Event(Event),
    /// Adjacent chunks, merged.
    Data(CommandId, Vec<u8>),
    Sent(Result<CommandId, SendError>),
    Abandoned(bool),
    Answered(Result<(), SendError>),
    Tls(Result<(), SendError>),
    TimedOut(ProtocolError),
    Failed(ProtocolError),
    Standing(Standing),
}

/// The session between two rounds.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: State,
    update: Update,
    waiting: Waiting,
    in_flight: usize,
    output: usize,
    wants_read: bool,
    wants_write: bool,
    may_pipeline: bool,
    marked: Vec<u32>,
}
