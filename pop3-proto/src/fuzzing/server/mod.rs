//! One script, three callers with different habits, one outcome: the server's side.
//!
//! The comparison is fair because a caller decides at two kinds of moments only, which no cut of the input can move:
//!
//! - *Between two rounds.* The client's octets up to the next act are one round. It has ended when nothing goes on any more:
//!   nothing is left to hand over or the session takes none, no event comes, what was begun of an answer is given or finds
//!   no room, and the output has left unless it is held back. Only then are output held back, single octets written, the
//!   session broken off or the connection ended.
//! - *At an event.* What becomes of the k-th command was decided by the script, whatever has been received beyond it; a
//!   message that is broken off is broken off behind the same octet of it.
//!
//! Everything else is habit and must leave no trace: the size of reads and of writes, the window or the copying way in,
//! polling a little or all after each read, a message in large parts or octet by octet, going on with a message of which
//! TOP has its lines.
//!
//! One cut does leave a trace: whether an octet behind an STLS line is in when the line is read, or still on its way. A
//! caller who knows that it is on its way ends the session, as the session itself would have done.

mod caller;
mod model;
mod probe;
mod replies;
pub(super) mod script;

use alloc::vec::Vec;

use super::Sizes;
use crate::server::{Event, Waiting};
use crate::state::State;
use caller::Caller;
use script::Script;

/// I1 to I3, I5, I8, I9 and class F: the same script, by callers who share no habit, gives the same events, the same octets
/// out and the same end. Each line of the client comes to what an independent model says, each answer that does not fit is
/// refused and changes nothing, and an independent reader finds the replies, whole and in order.
///
/// Input: see the script's format.
pub fn server_session(data: &[u8]) {
    let Some(script) = Script::read(data) else { return };
    let [small, large] = script.seed;
    let habits = [
        Habits { reads: Sizes::always(usize::MAX), ..Habits::plain() },
        Habits {
            reads: Sizes::new(small, large),
            writes: Sizes::new(large, small),
            parts: Sizes::new(small ^ large, small),
            window: small & 0x20 != 0,
            polls: Some(usize::from(small >> 6)).filter(|polls| *polls > 0),
            to_the_end: large & 1 != 0,
        },
        Habits {
            reads: Sizes::octets(),
            writes: Sizes::octets(),
            parts: Sizes::octets(),
            window: true,
            ..Habits::plain()
        },
    ];
    let [whole, pieces, octets] = habits.map(|habits| Caller::run(&script, habits));
    assert_eq!(whole, pieces, "in pieces");
    assert_eq!(whole, octets, "octet by octet");
}

/// What leaves no trace.
struct Habits {
    reads: Sizes,
    writes: Sizes,
    /// Of messages.
    parts: Sizes,
    /// Reads into the window instead of handing octets over.
    window: bool,
    /// Polls so many events after each read; all if `None`.
    polls: Option<usize>,
    /// Offers a message to its end, though TOP has its lines.
    to_the_end: bool,
}

impl Habits {
    const fn plain() -> Self {
        Self {
            reads: Sizes::octets(),
            writes: Sizes::always(usize::MAX),
            parts: Sizes::always(usize::MAX),
            window: false,
            polls: None,
            to_the_end: false,
        }
    }
}

/// What can be seen from outside and must not depend on habits.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Event(Event),
    Standing(Standing),
}

/// The session between two rounds.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: State,
    waiting: Waiting,
    output: Vec<u8>,
    wants_write: bool,
    /// If nothing is withheld: then all that came is decoded.
    wants_read: Option<bool>,
}
