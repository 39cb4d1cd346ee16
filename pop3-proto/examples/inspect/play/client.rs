//! A script in the eyes of a client: the C lines are to be sent, the S lines come in.

use std::collections::VecDeque;

use bytes::Buf as _;
use pop3_proto::client::{Channel, ClientSession, Eof, ProtocolError, SendError, Waiting};
use pop3_proto::state::Keyword;
use pop3_proto::{Base64, Command, CommandError, RawFraming};

use super::{BadScript, Cut, Entry, Forgiven, Passage, Role, Run, Script, Step, Trace, told};

pub(super) fn play(script: &Script, forgiven: &Forgiven, cut: Cut) -> Result<Run, BadScript> {
    let said = |entry: &&Entry| !matches!(entry.step, Step::Told(..));
    let entries: Vec<_> = script.entries.iter().filter(said).collect();
    let (channel, entries) = match &entries[..] {
        [first, rest @ ..] if first.step == Step::Tls => (Channel::Tls, rest),
        all => (Channel::Clear, all),
    };
    let mut client = Client {
        session: ClientSession::new(forgiven.client(), channel),
        trace: Trace::default(),
        cut,
        received: 0,
        sent: Vec::new(),
        unfinished: Vec::new(),
        held: VecDeque::new(),
        unasked: false,
        eof: false,
    };
    match client.play(entries) {
        Ok(()) => Ok(client.end(None)),
        Err(Stop::Broken(error)) => Ok(client.end(Some(error))),
        Err(Stop::BadScript(error)) => Err(error),
    }
}

/// Why a script is not played to its end.
enum Stop {
    /// The server broke the protocol.
    Broken(ProtocolError),
    BadScript(BadScript),
}

impl From<ProtocolError> for Stop {
    fn from(error: ProtocolError) -> Self {
        Self::Broken(error)
    }
}

impl From<BadScript> for Stop {
    fn from(error: BadScript) -> Self {
        Self::BadScript(error)
    }
}

struct Client {
    session: ClientSession,
    trace: Trace,
    cut: Cut,
    received: usize,
    /// What was written.
    sent: Vec<u8>,
    /// What the client has begun to say.
    unfinished: Vec<u8>,
    /// What may be sent once replies are in.
    held: VecDeque<Command>,
    /// A command was refused: what the script has for an answer was never asked for.
    unasked: bool,
    eof: bool,
}

impl Client {
    fn play(&mut self, mut entries: &[&Entry]) -> Result<(), Stop> {
        while let Some((entry, rest)) = entries.split_first() {
            self.trace.begin(entry.line);
            let mut played = 1;
            match &entry.step {
                Step::Client(octets) => self.say(octets, has_lines(rest))?,
                Step::Server(_) if self.eof => {
                    return Err(BadScript::new(entry.line, "the server's input has ended").into());
                }
                Step::Server(_) => {
                    let passage = Passage::of(Role::Server, entries);
                    self.hear(&passage)?;
                    played = passage.ends.len();
                }
                Step::Tls => {
                    let established = self.session.tls_established();
                    established.map_err(|_| BadScript::new(entry.line, "no TLS is due"))?;
                }
                Step::Eof => {
                    self.eof = true;
                    self.session.receive_eof(Eof::Clean);
                    self.poll()?;
                }
                Step::Told(..) => {}
            }
            entries = entries.get(played..).unwrap_or_default();
        }
        Ok(())
    }

    /// Says what of the client's is a whole line now.
    fn say(&mut self, octets: &[u8], multiline: bool) -> Result<(), ProtocolError> {
        self.unfinished.extend_from_slice(octets);
        while let Some(len) = self.unfinished.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.unfinished.drain(..len + 2).take(len).collect();
            self.unasked = false;
            match self.session.waiting() {
                Waiting::Answer(_) => {
                    self.trace.secrets.learn_response(&line);
                    self.answer(&line);
                }
                // The session has cancelled the exchange by itself.
                Waiting::Reply(id) if id.keyword() == Some(Keyword::Auth) && line == b"*" => {}
                _ => {
                    self.trace.secrets.learn_command(&line);
                    match command(&line, multiline) {
                        Ok(command) => self.send(command),
                        Err(error) => self.refused(format_args!("refused: {error}")),
                    }
                }
            }
            self.flush();
            self.poll()?;
        }
        Ok(())
    }

    fn answer(&mut self, line: &[u8]) {
        let answered = match (line, std::str::from_utf8(line).map(Base64::new)) {
            (b"*", _) => self.session.cancel_auth(),
            (_, Ok(Ok(response))) => self.session.answer(&response),
            _ => return self.refused("refused AUTH: the response is no base64"),
        };
        if let Err(error) = answered {
            self.refused(format_args!("refused AUTH: {error}"));
        }
    }

    fn send(&mut self, command: Command) {
        let name = command.keyword().map_or("raw", Keyword::as_str);
        // What was held back goes first.
        let sent = if self.held.is_empty() {
            self.session.send(&command)
        } else {
            Err(SendError::NotPipelined)
        };
        match sent {
            Ok(_) => {}
            Err(error) if error.is_transient() => {
                if self.held.is_empty() {
                    self.trace.line(format_args!("held back {name}: {error}"));
                } else {
                    self.trace.line(format_args!("held back {name}"));
                }
                self.held.push_back(command);
            }
            Err(error) => self.refused(format_args!("refused {name}: {error}")),
        }
    }

    fn refused(&mut self, line: impl std::fmt::Display) {
        self.unasked = true;
        self.trace.line(line);
    }

    fn flush(&mut self) {
        let mut outgoing = self.session.outgoing();
        while outgoing.has_remaining() {
            let chunk = outgoing.chunk();
            self.sent.extend_from_slice(chunk);
            let len = chunk.len();
            outgoing.advance(len);
        }
    }

    /// Hears lines of the server, in pieces.
    fn hear(&mut self, passage: &Passage) -> Result<(), ProtocolError> {
        // The answer to what is still to be sent cannot come with the one before.
        let by_line = !self.held.is_empty();
        for (line, piece) in passage.pieces(self.cut, self.received, by_line) {
            self.trace.begin(line);
            if !self.is_unasked() {
                self.receive(piece)?;
            }
        }
        Ok(())
    }

    /// Whether what comes would answer what was refused, and nothing else is due.
    fn is_unasked(&self) -> bool {
        let idle = self.session.waiting() != Waiting::Greeting && self.session.in_flight() == 0;
        self.unasked && idle && self.held.is_empty()
    }

    fn receive(&mut self, mut octets: &[u8]) -> Result<(), ProtocolError> {
        while !octets.is_empty() {
            if self.session.waiting() == Waiting::Tls {
                return Err(ProtocolError::OctetsAfterStls);
            }
            let taken = self.session.receive(octets);
            self.received += taken;
            octets = octets.get(taken..).unwrap_or_default();
            self.poll()?;
            if taken == 0 && !self.session.wants_read() && self.session.waiting() != Waiting::Tls {
                break;
            }
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<(), ProtocolError> {
        loop {
            while let Some(event) = self.session.poll_event()? {
                told::event(&mut self.trace, &event);
            }
            let Some(command) = self.held.front() else { break };
            match self.session.send(command) {
                Err(error) if error.is_transient() => break,
                Err(error) => {
                    let name = command.keyword().map_or("raw", Keyword::as_str);
                    self.refused(format_args!("refused {name}: {error}"));
                }
                Ok(_) => {}
            }
            self.held.pop_front();
            self.flush();
        }
        // A mechanism of the session's own, or `*`, may have something to say.
        self.flush();
        Ok(())
    }

    fn end(mut self, error: Option<ProtocolError>) -> Run {
        self.flush();
        let state = self.session.state();
        let waiting = self.session.waiting();
        let received = self.received;
        match error {
            Some(error) => {
                let at = received - self.session.into_remaining().len();
                self.trace.error(error, at);
            }
            None if waiting != Waiting::Nothing => {
                self.trace.line(format_args!("waiting: {waiting}"));
            }
            None => {}
        }
        Run {
            state,
            received,
            sent: self.sent,
            failed: self.trace.failed,
            lines: self.trace.into_lines(),
        }
    }
}

/// A command of the script. One that nobody here knows is framed as the script has its reply.
fn command(line: &[u8], multiline: bool) -> Result<Command, CommandError> {
    let framing = if multiline { RawFraming::Multiline } else { RawFraming::SingleLine };
    match Command::parse(line) {
        Err(CommandError::Unknown) => {
            let line = std::str::from_utf8(line).map_err(|_| CommandError::ForbiddenOctet)?;
            Command::raw(line, framing).map_err(|_| CommandError::Unknown)
        }
        parsed => parsed,
    }
}

/// Whether the server goes on to a termination octet before the client says more.
fn has_lines(entries: &[&Entry]) -> bool {
    let mut lines = entries.iter().map_while(|entry| match &entry.step {
        Step::Server(octets) => Some(&octets[..]),
        _ => None,
    });
    lines.next().is_some_and(|status| status.starts_with(b"+"))
        && lines.any(|line| line == b".\r\n")
}
