//! A script in the eyes of a server: the C lines come in, the S lines are what to answer.

use pop3_proto::client::{Channel, Eof};
use pop3_proto::codec::LineEnding;
use pop3_proto::server::{Event, ServerSession, Waiting};
use pop3_proto::state::Keyword;
use pop3_proto::{Command, CommandError};

use super::answer::{answer, write};
use super::dialogue::{Dialogue, Turn, is_challenge, reply_len, trim};
use super::octets::{decoded, escape};
use super::{BadScript, Cut, Entry, Forgiven, Passage, Role, Run, Script, Step, Trace, offer};

/// Somebody may have put them there (RFC 2595 §4).
const BEHIND_STLS: &str = "the client sent something in clear where TLS was to begin";

pub(super) fn play(script: &Script, forgiven: &Forgiven, cut: Cut) -> Result<Run, BadScript> {
    let said = |entry: &&Entry| !matches!(entry.step, Step::Told(..));
    let entries: Vec<_> = script.entries.iter().filter(said).collect();
    let (channel, rest) = match &entries[..] {
        [first, rest @ ..] if first.step == Step::Tls => (Channel::Tls, rest),
        all => (Channel::Clear, all),
    };
    let config = forgiven.server();
    let bare = config.leniency.line_ending == LineEnding::CrlfOrLf;
    let dialogue = Dialogue::of(script, bare);
    let first = script.entries.iter().find(|entry| matches!(entry.step, Step::Server(_)));
    let line = first.map_or(1, |entry| entry.line);
    let session = offer::session(config, channel, &dialogue);
    let session = session.map_err(|reason| BadScript::new(line, reason))?;
    let mut server = Server {
        session,
        trace: Trace::default(),
        cut,
        dialogue,
        received: 0,
        sent: Vec::new(),
        said: Vec::new(),
        exchange: false,
        eof: false,
        over: false,
    };
    server.greet();
    server.play(rest)?;
    Ok(server.end())
}

struct Server {
    session: ServerSession,
    trace: Trace,
    cut: Cut,
    /// Whose turns are still to come.
    dialogue: Dialogue,
    received: usize,
    /// What was written.
    sent: Vec<u8>,
    /// What was written and not compared with the script yet.
    said: Vec<u8>,
    /// The next line of the client answers a challenge.
    exchange: bool,
    eof: bool,
    over: bool,
}

impl Server {
    fn greet(&mut self) {
        write(&mut self.session, &mut self.said);
        let said = std::mem::take(&mut self.said);
        let greeting = std::mem::take(&mut self.dialogue.greeting);
        self.compare(&said, &greeting);
    }

    fn play(&mut self, mut entries: &[&Entry]) -> Result<(), BadScript> {
        while let Some(entry) = entries.first() {
            self.trace.begin(entry.line);
            let mut played = 1;
            match &entry.step {
                Step::Client(_) if self.eof => {
                    return Err(BadScript::new(entry.line, "the client's input has ended"));
                }
                _ if self.over => return Ok(()),
                Step::Client(_) => {
                    let passage = Passage::of(Role::Client, entries);
                    self.hear(&passage);
                    played = passage.ends.len();
                }
                Step::Tls => {
                    let established = self.session.tls_established();
                    established.map_err(|_| BadScript::new(entry.line, "no TLS is due"))?;
                }
                Step::Eof => {
                    self.eof = true;
                    self.session.receive_eof(Eof::Clean);
                    self.poll();
                }
                Step::Server(_) | Step::Told(..) => {}
            }
            entries = entries.get(played..).unwrap_or_default();
        }
        Ok(())
    }

    /// Hears lines of the client, in pieces.
    fn hear(&mut self, passage: &Passage) {
        for (line, piece) in passage.pieces(self.cut, self.received, false) {
            if !self.over {
                self.trace.begin(line);
                self.receive(piece);
            }
        }
    }

    fn receive(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() && !self.over {
            if self.session.waiting() == Waiting::Tls {
                return self.broken(BEHIND_STLS, self.received);
            }
            let taken = self.session.receive(octets);
            self.received += taken;
            octets = octets.get(taken..).unwrap_or_default();
            self.poll();
            if taken == 0 && !self.session.wants_read() && self.session.waiting() != Waiting::Tls {
                return;
            }
        }
    }

    fn poll(&mut self) {
        while !self.over {
            let event = self.session.poll_event();
            // What is written before the event answers lines that the session answers by itself.
            self.settle();
            let Some(event) = event else { return };
            self.tell(&event);
            if self.trace.failed {
                return;
            }
            let Some(turn) = self.dialogue.turns.front() else { continue };
            if matches!(event, Event::Command(_) | Event::SaslResponse(_)) && turn.reply.is_empty()
            {
                return;
            }
            let answered = answer(&mut self.session, &event, turn, &mut self.said);
            if let Err(error) = answered {
                self.trace.line(format_args!("unfit answer: {error}"));
                self.session.abort();
            }
            self.settle();
        }
    }

    fn tell(&mut self, event: &Event) {
        if let Some(turn) = self.dialogue.turns.front() {
            if self.exchange {
                self.trace.secrets.learn_response(&turn.line);
            } else {
                self.trace.secrets.learn_command(&turn.line);
            }
        }
        match event {
            Event::Command(command) => self.trace.line(format_args!("command: {}", shown(command))),
            Event::Rejected(CommandError::BareLineFeed) => {
                let at = self.dialogue.turns.front().map_or(self.received, |turn| turn.at);
                self.broken(&CommandError::BareLineFeed.to_string(), at);
            }
            Event::Rejected(error) => self.trace.line(format_args!("rejected: {error}")),
            Event::SaslResponse(response) => {
                let octets = decoded(response).len();
                self.trace.line(format_args!("response: {octets} octets"));
            }
            Event::SaslCancelled => self.trace.line("cancelled"),
            Event::StartTls => self.trace.line("TLS begins"),
            Event::Closed { .. } if !self.eof && self.is_stls_unanswered() => {
                let at = self.dialogue.turns.front().map_or(0, |turn| turn.at + turn.octets);
                self.broken(BEHIND_STLS, at);
            }
            Event::Closed { commit } => {
                let commit = if *commit { "UPDATE was entered" } else { "UPDATE was not entered" };
                self.trace.line(format_args!("closed: {commit}"));
                self.over = true;
            }
            // Whoever adds an event gives it a name here; until then it shows what it shows everywhere.
            other => self.trace.line(format_args!("{other:?}")),
        }
    }

    fn is_stls_unanswered(&self) -> bool {
        let stls = |turn: &Turn| turn.line.eq_ignore_ascii_case(Keyword::Stls.as_str().as_bytes());
        self.dialogue.turns.front().is_some_and(stls)
    }

    fn broken(&mut self, error: &str, at: usize) {
        self.trace.error(error, at);
        self.over = true;
    }

    /// Compares what was written, reply by reply, with what the script has.
    fn settle(&mut self) {
        write(&mut self.session, &mut self.said);
        while !self.said.is_empty() {
            let turn = self.dialogue.turns.pop_front();
            let (line, reply) = turn.map(|turn| (turn.line, turn.reply)).unwrap_or_default();
            let len = reply_len(&line, self.exchange, &self.said);
            let said: Vec<_> = self.said.drain(..len).collect();
            self.exchange = is_challenge(&line, &said);
            self.compare(&said, &reply);
        }
    }

    fn compare(&mut self, said: &[u8], reply: &[u8]) {
        self.sent.extend_from_slice(said);
        if said != reply {
            for line in said.split_inclusive(|octet| *octet == b'\n').map(trim) {
                self.trace.text("says: ", line);
            }
        }
    }

    fn end(mut self) -> Run {
        match self.session.waiting() {
            _ if self.over => {}
            Waiting::Response => self.trace.line("waiting: an answer"),
            Waiting::SaslResponse => self.trace.line("waiting: a response to the challenge"),
            Waiting::Tls => self.trace.line("waiting: the TLS handshake"),
            _ => {}
        }
        Run {
            failed: self.trace.failed,
            state: self.session.state(),
            received: self.received,
            sent: self.sent,
            lines: self.trace.into_lines(),
        }
    }
}

/// A command without what may be a credential.
fn shown(command: &Command) -> String {
    let mut line = Vec::new();
    match command {
        Command::Auth { mechanism, initial: None } => return format!("AUTH {mechanism}"),
        Command::Auth { mechanism, initial: Some(initial) } => {
            let octets = decoded(initial).len();
            return format!("AUTH {mechanism}, {octets} octets");
        }
        command if command.holds_credential() => {
            let name = command.keyword().map_or("raw", Keyword::as_str);
            return format!("{name} (withheld)");
        }
        command => command.encode(&mut line),
    }
    escape(trim(&line))
}
