//! Scripts, and how a session plays one.
//!
//! * [`script`] — what a script says, and [`octets`] — its escapes;
//! * [`forgiven`] — the presets and switches of leniency;
//! * [`client`] — a script in the eyes of a client, and [`told`] — what its events are called;
//! * [`server`] — a script in the eyes of a server: [`dialogue`] says which line answers which, [`offer`] what the
//!   server offers, [`answer`] how a line becomes an answer;
//! * [`trace`] — the lines that are printed, and [`secrets`] — what stands in none of them.

mod answer;
mod client;
mod dialogue;
mod forgiven;
mod octets;
mod offer;
mod script;
mod secrets;
mod server;
mod told;
mod trace;

use pop3_proto::state::State;

pub(crate) use forgiven::Forgiven;
pub(crate) use script::{BadScript, Entry, Script, Step};
use trace::Trace;

/// Whose session a script is played to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            _ => Err(format!("no such role: {name} (client, server)")),
        }
    }
}

/// How what the peer says is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the example needs the first, the tests the others")]
pub(crate) enum Cut {
    /// Line by line, as the script has it.
    Lines,
    /// All at once, up to the next word of the other side.
    Whole,
    /// One octet at a time.
    Octets,
    /// As `Whole`, but in two at this offset from the beginning of the session.
    At(usize),
}

/// What one side says before the other does.
struct Passage {
    octets: Vec<u8>,
    /// Where each line of the script ends in them, and its number.
    ends: Vec<(usize, usize)>,
}

impl Passage {
    /// The lines of `role` that `entries` begin with.
    fn of(role: Role, entries: &[&Entry]) -> Self {
        let mut passage = Self { octets: Vec::new(), ends: Vec::new() };
        for entry in entries {
            match (&entry.step, role) {
                (Step::Client(octets), Role::Client) | (Step::Server(octets), Role::Server) => {
                    passage.octets.extend_from_slice(octets);
                    passage.ends.push((passage.octets.len(), entry.line));
                }
                _ => break,
            }
        }
        passage
    }

    /// Its pieces, each with the line of the script in which it ends; `before` octets came before it. `by_line`: no
    /// piece goes beyond a line.
    fn pieces(&self, cut: Cut, before: usize, by_line: bool) -> Vec<(usize, &[u8])> {
        let len = self.octets.len();
        let mut places: Vec<_> = match cut {
            Cut::Lines => Vec::new(),
            Cut::Whole => vec![len],
            Cut::Octets => (1..=len).collect(),
            Cut::At(at) => {
                let inside = at.checked_sub(before).filter(|at| (1..len).contains(at));
                inside.into_iter().chain([len]).collect()
            }
        };
        if by_line || cut == Cut::Lines {
            places.extend(self.ends.iter().map(|(end, _)| *end));
            places.sort_unstable();
            places.dedup();
        }
        let mut from = 0;
        let piece = |to: usize| {
            let line = self.ends.iter().find(|(end, _)| *end >= to).map_or(0, |(_, line)| *line);
            let piece = self.octets.get(from..to).unwrap_or_default();
            from = to;
            (line, piece)
        };
        places.into_iter().map(piece).collect()
    }
}

/// What came of a script.
#[derive(Debug)]
pub(crate) struct Run {
    /// What is printed.
    pub(crate) lines: Vec<Told>,
    /// Whether the peer broke the protocol.
    pub(crate) failed: bool,
    /// Where the session ended.
    #[allow(dead_code, reason = "the tests ask for it")]
    pub(crate) state: State,
    /// Octets that the peer said.
    #[allow(dead_code, reason = "the tests ask for it")]
    pub(crate) received: usize,
    /// What the session wrote.
    #[allow(dead_code, reason = "the tests ask for it")]
    pub(crate) sent: Vec<u8>,
}

/// One printed line.
#[derive(Debug)]
pub(crate) struct Told {
    /// The line of the script that it came of; 0 before the first.
    #[allow(dead_code, reason = "the tests compare it")]
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Plays a script to a session of `role`.
pub(crate) fn play(
    script: &Script,
    role: Role,
    forgiven: &Forgiven,
    cut: Cut,
) -> Result<Run, BadScript> {
    match role {
        Role::Client => client::play(script, forgiven, cut),
        Role::Server => server::play(script, forgiven, cut),
    }
}
