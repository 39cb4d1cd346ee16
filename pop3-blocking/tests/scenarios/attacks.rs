//! The attacks of `pop3-proto/tests/attacks`, as callers of an adapter and its servers meet them.
//!
//! What a session makes of each octet is compared there. Here a client must do the same calls on the same
//! octets, see the same error, and write what the script has and nothing else; and a server must commit nothing
//! and keep no lock.

use pop3_blocking::pop3_proto::Command;
use pop3_blocking::pop3_proto::client::{ClientConfig, UseStls};
use pop3_blocking::pop3_proto::codec::{LineEnding, MultilineDecoder};

use super::super::play::{Role, Step};
use super::super::support::{Act, Cuts, expect, send, surplus};
use super::super::transcript::{Transcript, read_folder};
use super::client::{Opening, Scenario};
#[cfg(feature = "server")]
use super::server;
use super::{Call, Seen, Take, does, is, over};

/// What is told of octets that the next call meets, if they are read with what this one waits for.
const UNSOLICITED: &str = "the server sent something that nothing had asked for";
/// The same where TLS begins.
const IN_CLEAR: &str = "the server sent something in clear where TLS was to begin";

fn attacks(role: Role) -> impl Iterator<Item = Transcript> {
    let attacks = read_folder("../pop3-proto/tests/attacks", Transcript::read_all);
    let plays = move |of: &Transcript| of.core.is_none() && of.roles.contains(&role);
    attacks.into_iter().filter(plays)
}

/// All scripts of hostile servers; those that begin TLS, or those that do not.
pub(crate) fn hostile_servers(stls: bool) -> Vec<Scenario> {
    let scenarios: Vec<_> = attacks(Role::Client).map(|attack| client(&attack)).collect();
    assert!(!scenarios.is_empty());
    let begins = |scenario: &Scenario| matches!(scenario.opening, Opening::Stls(_));
    scenarios.into_iter().filter(|scenario| begins(scenario) == stls).collect()
}

/// A line that the client says, what comes of it, and what a session tells of that.
#[derive(Default)]
struct Turn {
    line: String,
    heard: Vec<u8>,
    told: Vec<String>,
    ends: bool,
}

impl Turn {
    /// The reason behind `refused` or `error`.
    fn error(&self) -> Option<&str> {
        self.told.iter().find_map(|told| {
            let reason = told.strip_prefix("error: ");
            match reason.and_then(|reason| reason.rsplit_once(" (at octet ")) {
                Some((reason, _)) => Some(reason),
                None => told.strip_prefix("refused ")?.split_once(": ").map(|(_, reason)| reason),
            }
        })
    }

    /// Whether its reply is whole, or came to nothing.
    fn is_over(&self) -> bool {
        let words = ["greeting:", " completed:", " finished", "refused"];
        self.told.iter().any(|told| words.iter().any(|word| told.contains(word)))
    }

    fn is_refusal(&self) -> bool {
        self.told.iter().any(|told| told.contains(" completed: -ERR"))
    }

    fn is_sent(&self) -> bool {
        !self.told.iter().any(|told| told.starts_with("refused"))
    }
}

fn turns(attack: &Transcript) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    for entry in &attack.script.entries {
        let turn = turns.last_mut().expect("one at least");
        match &entry.step {
            Step::Client(line) => {
                let line = String::from_utf8(line.clone()).expect("a client of ours says this");
                turns.push(Turn { line, ..Turn::default() });
            }
            Step::Server(octets) => turn.heard.extend_from_slice(octets),
            Step::Told(Role::Client, text) => turn.told.push(text.clone()),
            Step::Told(Role::Server, _) => {}
            Step::Eof => turn.ends = true,
            Step::Tls => panic!("{}: no adapter begins TLS at will", attack.name),
        }
    }
    turns
}

/// Whoever calls an adapter for what the client says in a script.
struct Caller<'a> {
    attack: &'a Transcript,
    script: Vec<Act>,
    steps: Vec<super::Step>,
    in_session: bool,
    /// What the next call meets.
    pending: Option<Seen>,
}

fn client(attack: &Transcript) -> Scenario {
    let turns = turns(attack);
    let mut caller =
        Caller { attack, script: Vec::new(), steps: Vec::new(), in_session: false, pending: None };
    let mut opening = Opening::Clear;
    let mut rest = &turns[..];
    if let [greeting, capa, stls, behind @ ..] = rest {
        if (&capa.line[..], &stls.line[..]) == ("CAPA\r\n", "STLS\r\n") {
            opening = Opening::Stls(UseStls::Required);
            for turn in [greeting, capa, stls] {
                caller.hear(turn);
            }
            // Refused, it ends there, whatever else was said.
            let error = stls.error().filter(|_| !stls.is_refusal());
            let seen = error.map_or(Seen::Fault, |error| Seen::Says(error.to_owned()));
            caller.steps.push(does(Call::Open, [seen]));
            let left = behind.iter().find(|turn| turn.is_sent());
            assert!(left.is_none_or(|turn| turn.line == "QUIT\r\n"), "{}", attack.name);
            rest = &[];
        }
    }
    while let Some((turn, behind)) = rest.split_first() {
        let pair = behind.first().filter(|pass| pass.line.starts_with("PASS ") && turn.is_sent());
        caller.call(turn, pair);
        rest = if pair.is_some() { &behind[1..] } else { behind };
    }
    let too_much = |turn: &Turn| matches!(turn.error(), Some(UNSOLICITED | IN_CLEAR));
    let at_once = caller.pending.is_some() || turns.iter().any(too_much);
    if let Some(seen) = caller.pending.take() {
        let session = (Call::Stat, "STAT\r\n");
        let (call, line) = if caller.in_session { session } else { (Call::Capa, "CAPA\r\n") };
        if matches!(caller.script.last(), Some(Act::Close)) {
            caller.script.insert(caller.script.len() - 1, expect(line));
        }
        caller.steps.push(does(call, [seen]));
        if caller.in_session {
            caller.steps.push(over());
        }
    }
    let mut config = ClientConfig::new(attack.security);
    config.leniency = attack.leniency.client().leniency;
    let (name, script, steps) = (attack.name.clone(), caller.script, caller.steps);
    Scenario::new(name, script, steps).with(|scenario| {
        (scenario.opening, scenario.config) = (opening, config);
        scenario.at_once = at_once;
    })
}

impl Caller<'_> {
    fn hear(&mut self, turn: &Turn) {
        if !turn.is_sent() {
            return;
        }
        if !turn.line.is_empty() {
            self.script.push(expect(turn.line.clone()));
        }
        // What comes behind an error need not be read.
        let fails = turn.error().is_some();
        self.script.push(if fails { surplus(&turn.heard) } else { send(&turn.heard) });
        if turn.ends {
            self.script.push(Act::Close);
        }
    }

    fn call(&mut self, turn: &Turn, pass: Option<&Turn>) {
        let name = &self.attack.name;
        assert!(self.pending.is_none(), "{name}: {} comes too late", turn.line);
        self.hear(turn);
        let last = pass.unwrap_or(turn);
        if let Some(pass) = pass {
            self.hear(pass);
        }
        let line = turn.line.trim_end_matches("\r\n");
        let command = Command::parse(line.as_bytes());
        let (call, mut seen) = match (&command, pass) {
            _ if line.is_empty() => (Call::Open, vec![Seen::Given]),
            (Ok(Command::User(_)), Some(pass)) => {
                let word = pass.line["PASS ".len()..].trim_end_matches("\r\n");
                let (user, word) = (leak(&line["USER ".len()..]), leak(word));
                self.in_session = !turn.is_refusal() && !pass.is_refusal();
                let seen = if self.in_session { is("USER") } else { Seen::Fault };
                (Call::UserPass(user, word), vec![seen])
            }
            (Ok(Command::Quit), None) => (Call::Quit, vec![Seen::Given]),
            (Ok(command), None) if self.in_session => {
                let seen = reply(command, turn);
                (Call::Pipeline(vec![command.clone()], 1, vec![Take::All]), seen)
            }
            (Ok(Command::Capa), None) => {
                let refused = turn.is_refusal();
                (Call::Capa, vec![if refused { Seen::Fault } else { Seen::Given }])
            }
            _ => panic!("{name}: {line:?} is said by no adapter; `core` says why"),
        };
        let closed = last.told.iter().any(|told| told.starts_with("closed"));
        match last.error() {
            Some(error) if last.is_over() && last.is_sent() => {
                self.pending = Some(Seen::Says(error.to_owned()));
            }
            Some(error) => {
                if matches!(call, Call::Quit) {
                    seen = vec![Seen::Given];
                } else if !matches!(call, Call::Pipeline(..)) {
                    seen.clear();
                }
                seen.push(Seen::Says(error.to_owned()));
            }
            None if closed && !matches!(call, Call::Quit) => self.pending = Some(Seen::Fault),
            None if last.ends => seen.push(Seen::Fault),
            None => {}
        }
        let fails = self.pending.is_none() && last.error().is_some() && last.is_sent();
        self.in_session &= !matches!(call, Call::Quit);
        self.steps.push(does(call, seen));
        if fails && self.in_session {
            self.steps.push(over());
        }
    }
}

/// What is seen of a reply before an error.
fn reply(command: &Command, turn: &Turn) -> Vec<Seen> {
    let status = turn.heard.iter().position(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    let positive = turn.heard.starts_with(b"+OK") && turn.is_sent();
    match command {
        Command::Retr(_) | Command::Top { .. } if positive && status > 0 => {
            let wire = &turn.heard[status..];
            let mut body = vec![0; wire.len()];
            let decoded = MultilineDecoder::new(LineEnding::Crlf).decode_into(wire, &mut body);
            body.truncate(decoded.written);
            let empty = body.is_empty() && !decoded.end;
            let seen = (!empty).then(|| is(String::from_utf8_lossy(&body)));
            seen.into_iter().collect()
        }
        command if command.lists_items() && positive => {
            let items = turn.told.iter().filter(|told| told.contains(" item: "));
            items.map(|_| Seen::Given).collect()
        }
        _ if turn.is_over() && turn.is_sent() => vec![Seen::Given],
        _ => Vec::new(),
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// All scripts of hostile clients.
#[cfg(feature = "server")]
pub(crate) fn hostile_clients() -> Vec<server::Scenario> {
    let scenarios: Vec<_> = attacks(Role::Server).map(|attack| served(&attack)).collect();
    assert!(!scenarios.is_empty());
    scenarios
}

/// A server that answers as it means to.
#[cfg(feature = "server")]
fn served(attack: &Transcript) -> server::Scenario {
    use pop3_blocking::server::Ended;

    let mut script = Vec::new();
    let mut committed = false;
    for entry in &attack.script.entries {
        match &entry.step {
            // Where it gives up, what comes behind need not be read.
            Step::Client(octets) => script.extend([Act::Ignore, Act::Surplus(octets.clone())]),
            Step::Told(Role::Server, text) => committed |= text == "closed: UPDATE was entered",
            Step::Tls => panic!("{}: no adapter begins TLS at will", attack.name),
            _ => {}
        }
    }
    script.extend([Act::Ignore, Act::Close, Act::Ignore]);
    let ended = if committed { Ended::Committed } else { Ended::NothingRemoved };
    server::Scenario::new(attack.name.clone(), script, ended)
}

/// In which pieces they are run: whole, one octet at a time, and one in between.
pub(crate) fn cuts(at_once: bool) -> impl Iterator<Item = Cuts> {
    let cuts = if at_once { &[1 << 20][..] } else { &[1 << 20, 7, 1] };
    cuts.iter().copied().map(Cuts::Each)
}
