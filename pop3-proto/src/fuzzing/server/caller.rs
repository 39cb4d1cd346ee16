//! A caller: drives a session, answers what it reports, and remembers what must not depend on its habits.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use bytes::Buf as _;

use super::model::{Model, Next};
use super::replies;
use super::script::{Act, Decision, Script, listing};
use super::{Habits, Seen, Standing};
use crate::client::{Channel, Eof};
use crate::fuzzing::script::Step;
use crate::fuzzing::store::{FOLLOWS, Reply, Store};
use crate::fuzzing::{assert_debug_printable, assert_shown_printable};
use crate::server::{Action, ConfigError, Event, Maildrop, RespondError, ServerSession, Waiting};
use crate::state::State;
use crate::{
    ApopTimestamp, Base64, Command, CommandError, KnownCode, MAX_RESPONSE_OCTETS, MessageNumber,
    ScanListing, Text,
};

/// What no line out may hold, if only the client says it.
const CANARY: &[u8] = b"hunter2";

/// What the caller says of its own accord; the last two have to be set apart, and to be cut.
const TEXTS: [&str; 4] = ["", "not today", "[IN-USE] by whom", "[AUTH"];

pub(super) struct Caller<'a> {
    script: &'a Script,
    pub(super) session: ServerSession,
    pub(super) store: Store,
    pub(super) maildrop: Maildrop,
    model: Model,
    habits: Habits,
    seen: Vec<Seen>,
    /// What the client has sent, and how much of it was taken.
    client: Vec<u8>,
    taken: usize,
    pub(super) open: Open,
    decisions: VecDeque<Decision>,
    /// What has to be read from the output.
    replies: Vec<Reply>,
    written: Vec<u8>,
    holding: bool,
    /// How the client has ended its side; nobody knows before all that it sent has been taken.
    ending: Option<Eof>,
    eof: Option<Eof>,
    aborted: bool,
    closed: bool,
    polls: usize,
}

/// What is to be answered, and how far that is.
#[derive(Clone, Debug)]
pub(super) enum Open {
    Nothing,
    Command(Command),
    Response(Base64),
    Rejection(CommandError),
    Listing(Command),
    Message {
        index: usize,
        given: usize,
        stop: Option<usize>,
    },
    /// The `+OK` to STLS is on its way.
    Tls,
}

impl Open {
    pub(super) fn is_login(&self) -> bool {
        matches!(
            self,
            Self::Response(_)
                | Self::Command(Command::Pass(_) | Command::Apop { .. } | Command::Auth { .. })
        )
    }
}

impl<'a> Caller<'a> {
    pub(super) fn run(script: &'a Script, habits: Habits) -> Option<(Vec<Seen>, Vec<u8>)> {
        let greeting = Text::new("ready").expect("printable");
        let (config, timestamp) = (script.config.clone(), "<1.2@fuzz.example>");
        let session = ServerSession::with_timestamp(
            config.clone(),
            script.channel,
            greeting,
            ApopTimestamp::new(timestamp).expect("a msg-id"),
        );
        let clear = script.channel == Channel::Clear && !config.plaintext && !config.stls;
        assert_eq!(
            session.as_ref().err(),
            clear.then_some(&ConfigError::NoAuthentication),
            "C0009"
        );
        let entries = script.store.entries(script.config.leniency);
        let mut caller = Caller {
            script,
            session: session.ok()?,
            store: script.store.clone(),
            maildrop: Maildrop::new(entries).expect("few messages"),
            model: Model::new(config.clone(), script.channel),
            habits,
            seen: Vec::new(),
            client: Vec::new(),
            taken: 0,
            open: Open::Nothing,
            decisions: VecDeque::new(),
            replies: [Reply::Line(if config.apop {
                format!("+OK ready {timestamp}")
            } else {
                "+OK ready".into()
            })]
            .into(),
            written: Vec::new(),
            holding: false,
            ending: None,
            eof: None,
            aborted: false,
            closed: false,
            polls: 0,
        };
        for step in &script.steps {
            match step {
                Step::Octets(octets) if caller.ending.is_none() => {
                    caller.client.extend_from_slice(octets);
                }
                Step::Octets(_) => {}
                Step::Act(act) => caller.act(act),
            }
            caller.settle();
        }
        Some(caller.finish())
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Decide(decision) => self.decisions.push_back(*decision),
            Act::Answer => {
                if let Open::Command(command) = self.open.clone() {
                    self.answer(&command);
                } else if let Open::Response(response) = self.open.clone() {
                    self.answer_response(&response);
                } else if let Open::Rejection(error) = self.open {
                    self.reject(error);
                }
            }
            Act::Hold(holding) => self.holding = *holding,
            Act::Write(len) => self.write(*len),
            Act::Abort => self.abort(),
            Act::ReleaseIdle => self.session.release_idle(),
            Act::Eof(Eof::Clean) => self.ending = Some(Eof::Clean),
            Act::Eof(eof) => self.end(*eof),
            Act::Rest | Act::Message => {}
        }
    }

    fn end(&mut self, eof: Eof) {
        self.session.receive_eof(eof);
        if self.eof != Some(Eof::Abrupt) {
            self.eof = Some(eof);
        }
    }

    /// Goes on until nothing does.
    fn settle(&mut self) {
        // Twice, since there may be room once all is polled.
        let mut idle = 0;
        while idle < 2 {
            let mut progress = self.offer();
            if self.eof.is_none() && self.taken == self.client.len() {
                if let Some(eof) = self.ending {
                    self.end(eof);
                    progress = true;
                }
            }
            for _ in 0..self.habits.polls.unwrap_or(usize::MAX) {
                if !self.poll() {
                    break;
                }
                progress = true;
            }
            progress |= self.go_on();
            if !self.holding {
                progress |= self.session.wants_write();
                let piece = self.habits.writes.next();
                self.write(piece);
            }
            self.check_limits();
            idle = if progress { 0 } else { idle + 1 };
            self.polls += 1;
            assert!(self.polls < 1 << 20, "I2: it never settles");
        }
        self.probe();
        let standing = self.standing();
        self.seen.push(Seen::Standing(standing));
    }

    /// Hands over the next octets; whether any were taken.
    fn offer(&mut self) -> bool {
        let rest = &self.client[self.taken..];
        let wants = self.session.wants_read();
        let window = self.session.incoming();
        assert!(!wants || !window.is_empty(), "it wants to read and gives no room");
        let locked = matches!(self.open, Open::Tls | Open::Command(Command::Stls));
        assert!(!locked || window.is_empty(), "S2.2: it reads what is for TLS");
        if rest.is_empty() {
            return false;
        }
        let (piece, _) = self.habits.reads.cut(rest);
        let taken = if self.habits.window {
            let len = window.len().min(piece.len());
            window[..len].copy_from_slice(&piece[..len]);
            self.session.received(len);
            len
        } else {
            self.session.receive(piece)
        };
        assert!(taken == 0 || (self.eof.is_none() && !self.closed));
        self.taken += taken;
        taken > 0
    }

    fn write(&mut self, len: usize) {
        let mut outgoing = self.session.outgoing();
        let len = len.min(outgoing.remaining());
        self.written.extend_from_slice(&outgoing.chunk()[..len]);
        outgoing.advance(len);
    }

    fn poll(&mut self) -> bool {
        let Some(event) = self.session.poll_event() else { return false };
        assert!(!self.closed, "an event after the end: {event:?}");
        assert_debug_printable(&event);
        if let Event::Closed { commit } = event {
            self.seen.push(Seen::Event(event));
            assert_eq!(commit, self.model.commit, "I9");
            assert_eq!(self.session.state(), State::Closed);
            self.closed = true;
            if self.eof != Some(Eof::Abrupt) {
                assert!(matches!(self.open, Open::Nothing | Open::Tls), "an answer is owed");
                self.expect_no_more();
            }
            assert!(self.model.over || self.aborted || self.eof.is_some(), "ended for no reason");
            self.open = Open::Nothing;
            self.probe();
            return true;
        }
        if event == Event::StartTls {
            assert!(matches!(self.open, Open::Tls), "nobody asked for TLS");
            assert!(!self.session.wants_write(), "S2.3: before its answer has left");
            self.seen.push(Seen::Event(event));
            assert_eq!(self.session.tls_established(), Ok(()));
            self.model.tls();
            self.open = Open::Nothing;
            return true;
        }
        assert!(matches!(self.open, Open::Nothing), "one command at a time: {event:?}");
        self.expect_replies();
        let next = self.model.next(&self.client[..self.taken]);
        if self.model.stls && self.taken < self.client.len() {
            self.model.over = true;
            self.abort();
            return true;
        }
        self.seen.push(Seen::Event(event.clone()));
        match (event, next) {
            (Event::Command(command), Next::Command(expected)) => {
                assert_eq!(command, expected);
                self.open = Open::Command(command.clone());
                self.probe();
                self.decide(&command);
            }
            (Event::SaslResponse(response), Next::Response(expected)) => {
                assert_eq!(response, expected);
                self.open = Open::Response(response.clone());
                self.probe();
                match self.decisions.pop_front() {
                    Some(Decision::Later) => {}
                    Some(Decision::Refuse(choice)) => self.refuse(choice),
                    Some(Decision::Fail) => self.fail(),
                    Some(Decision::Abort(_)) => self.abort(),
                    _ => self.answer_response(&response),
                }
            }
            (Event::SaslCancelled, Next::Cancelled) => {
                self.replies.push(Reply::Line("-ERR authentication cancelled".into()));
                self.probe();
            }
            (Event::Rejected(error), Next::Rejected) => {
                assert_shown_printable(&error);
                self.open = Open::Rejection(error);
                self.probe();
                match self.decisions.pop_front() {
                    Some(Decision::Later) => {}
                    Some(Decision::Refuse(choice)) => self.refuse(choice),
                    Some(Decision::Abort(_)) => self.abort(),
                    _ => self.reject(error),
                }
            }
            (event, expected) => panic!("{event:?} where {expected:?} is due"),
        }
        true
    }

    /// What the session answers by itself.
    fn expect_replies(&mut self) {
        loop {
            let mut ahead = self.model.clone();
            let Next::Auto(reply) = ahead.next(&self.client[..self.taken]) else { return };
            self.model = ahead;
            self.replies.push(reply);
        }
    }

    fn expect_no_more(&mut self) {
        if !self.aborted {
            self.expect_replies();
            assert_eq!(
                self.model.next(&self.client[..self.taken]),
                Next::Nothing,
                "a line was lost"
            );
        }
    }

    fn decide(&mut self, command: &Command) {
        let decision = self.decisions.pop_front().unwrap_or(Decision::Answer);
        match (decision, command) {
            (Decision::Later, _) => {}
            (Decision::Refuse(choice), _) => self.refuse(choice),
            (Decision::Fail, _) if self.open.is_login() => self.fail(),
            (Decision::Fail, _) => self.refuse(0),
            (Decision::Abort(None), _) => self.abort(),
            (Decision::Abort(Some(stop)), Command::Retr(message)) => {
                match self.store.find(*message) {
                    Ok((index, _)) => self.send(command, index, Some(stop)),
                    Err(_) => self.answer(command),
                }
            }
            (Decision::Abort(Some(stop)), Command::List(None)) => {
                self.session.begin_multiline(&text("begun")).expect("legal");
                let kept: Vec<_> = self.store.kept().map(|(number, _)| number).collect();
                for number in kept.into_iter().take(stop % 8) {
                    let number = u32::try_from(number).ok().and_then(MessageNumber::new);
                    let listing = ScanListing::new(number.expect("a number"), 1);
                    if self.session.scan_listing(listing).is_err() {
                        if self.holding {
                            break;
                        }
                        // How much room there is depends on how much has left.
                        self.write(usize::MAX);
                        if self.session.scan_listing(listing).is_err() {
                            break;
                        }
                    }
                }
                self.replies.push(Reply::Cut("+OK begun".into(), self.cut_listing(stop % 8)));
                self.abort();
            }
            (Decision::Answer | Decision::Abort(Some(_)), _) => self.answer(command),
        }
    }

    fn cut_listing(&self, lines: usize) -> Vec<u8> {
        let mut octets = Vec::new();
        for (number, _) in self.store.kept().take(lines) {
            octets.extend_from_slice(format!("{number} 1\r\n").as_bytes());
        }
        octets
    }

    /// Answers as the maildrop says.
    fn answer(&mut self, command: &Command) {
        let done = match command {
            Command::User(_) => {
                self.model.named();
                (self.session.ok(&text("send PASS")), "+OK send PASS")
            }
            Command::Pass(_) | Command::Apop { .. } | Command::Auth { initial: Some(_), .. } => {
                self.model.authenticated();
                (self.session.authenticated(&text("open")), "+OK open")
            }
            Command::Auth { .. } => return self.challenge(&Base64::empty()),
            Command::Lang(_) => (self.session.language(&listing("en", "spoken")), "+OK en spoken"),
            Command::Stls => {
                assert_eq!(self.session.ok(&text("begin TLS")), Ok(()));
                self.answered(Reply::Line("+OK begin TLS".into()));
                self.open = Open::Tls;
                return self.probe();
            }
            Command::Quit => (self.session.ok(&text("bye")), "+OK bye"),
            _ => return self.answer_in_transaction(command),
        };
        assert_eq!(done.0, Ok(()));
        self.answered(Reply::Line(done.1.into()));
    }

    /// `AQ==` asks for one more challenge.
    fn answer_response(&mut self, response: &Base64) {
        if response.expose() == b"AQ==" {
            return self.challenge(response);
        }
        self.model.answered();
        self.model.authenticated();
        assert_eq!(self.session.authenticated(&text("open")), Ok(()));
        self.answered(Reply::Line("+OK open".into()));
    }

    fn challenge(&mut self, challenge: &Base64) {
        let line = format!("+ {}", challenge.expose().escape_ascii());
        match self.session.challenge(challenge) {
            Ok(()) => {
                self.model.challenged();
                self.answered(Reply::Line(line));
            }
            Err(error) => {
                assert_eq!(error, RespondError::TooLong);
                assert!(line.len() + 2 > self.script.config.limits.sasl_line);
                self.refuse(0);
            }
        }
    }

    fn fail(&mut self) {
        self.session.authentication_failed().expect("legal");
        self.model.answered();
        self.model.failed();
        self.answered(Reply::Line("-ERR [AUTH] authentication failed".into()));
    }

    fn answer_in_transaction(&mut self, command: &Command) {
        let action = self.maildrop.answer(command, &mut self.session).expect("it is due");
        match action {
            Action::Answered => {
                let reply = self.store.answer(command);
                self.answered(reply);
            }
            Action::Listing => {
                let reply = self.store.answer(command);
                self.replies.push(reply);
                self.open = Open::Listing(command.clone());
                self.probe();
            }
            Action::Send(message) => {
                let (index, _) = self.store.find(message).expect("it can be sent");
                self.send(command, index, None);
            }
            action => panic!("{command:?} came to {action:?}"),
        }
        let marked: Vec<_> = self.maildrop.marked().map(MessageNumber::value).collect();
        assert_eq!(marked, self.store.marked());
    }

    fn send(&mut self, command: &Command, index: usize, stop: Option<usize>) {
        self.session.begin_multiline(&text(FOLLOWS)).expect("legal");
        let stop = stop.filter(|stop| *stop < self.store.messages[index].octets.len());
        let reply = match (self.store.answer(command), stop) {
            (Reply::Body(status, body), Some(_)) => Reply::Cut(status, body),
            (reply, _) => reply,
        };
        self.replies.push(reply);
        self.open = Open::Message { index, given: 0, stop };
        self.probe();
    }

    fn refuse(&mut self, choice: u8) {
        let said = TEXTS[usize::from(choice >> 2) % TEXTS.len()];
        let mut code = Decision::code(choice);
        // RFC 2449 §8.1, RFC 3206 §6, RFC 6856 §5: some go with a login only, or with messages and listings, one is
        // said of failed logins alone.
        let fits = match code {
            Some(KnownCode::Auth) => false,
            Some(KnownCode::InUse) => self.open.is_login(),
            Some(KnownCode::Utf8) => {
                let reads = matches!(
                    self.open,
                    Open::Command(Command::List(_) | Command::Retr(_) | Command::Top { .. })
                );
                reads && !self.session.utf8()
            }
            _ => true,
        };
        if !fits {
            assert_eq!(self.session.err(code, &text(said)), Err(RespondError::Mismatch));
            code = None;
        }
        self.session.err(code, &text(said)).expect("-ERR is always legal");
        self.model.answered();
        if code.is_none() && self.open.is_login() {
            self.model.failed();
        }
        // RFC 2449 §6.4: a text is not taken for a response code.
        let line = match code {
            Some(code) => format!("-ERR [{}] {said}", code.as_str()),
            None if said.starts_with('[') => format!("-ERR  {said}"),
            None if said.is_empty() => "-ERR".into(),
            None => format!("-ERR {said}"),
        };
        self.answered(Reply::Line(line));
    }

    fn reject(&mut self, error: CommandError) {
        self.session.reject().expect("legal");
        self.answered(Reply::Line(format!("-ERR {}", error.text())));
    }

    fn answered(&mut self, reply: Reply) {
        self.replies.push(reply);
        self.open = Open::Nothing;
    }

    fn abort(&mut self) {
        if !self.closed {
            // Of what was begun the end never comes.
            match (&self.open, self.replies.last_mut()) {
                (Open::Message { .. }, Some(reply)) => {
                    if let Reply::Body(status, body) = reply {
                        *reply = Reply::Cut(core::mem::take(status), core::mem::take(body));
                    }
                }
                (Open::Listing(_), Some(reply)) => {
                    if let Reply::Lines(status, lines) = reply {
                        let mut octets = lines.join("\r\n").into_bytes();
                        octets.extend_from_slice(b"\r\n");
                        *reply = Reply::Cut(core::mem::take(status), octets);
                    }
                }
                _ => {}
            }
            self.expect_replies_unless_open();
            self.aborted = true;
        }
        self.session.abort();
        self.open = Open::Nothing;
    }

    fn expect_replies_unless_open(&mut self) {
        if matches!(self.open, Open::Nothing) {
            self.expect_replies();
        }
    }

    /// Goes on with what was begun; whether that came any further.
    fn go_on(&mut self) -> bool {
        if self.closed {
            return false;
        }
        match &mut self.open {
            Open::Listing(_) => {
                let before = self.session.outgoing().remaining();
                let done = self.maildrop.resume(&mut self.session).expect("it was begun");
                if done {
                    self.open = Open::Nothing;
                    assert_eq!(self.maildrop.resume(&mut self.session), Ok(true));
                }
                done || self.session.outgoing().remaining() > before
            }
            Open::Message { index, given, stop } => {
                let (mut given_now, stop) = (*given, *stop);
                let octets = &self.store.messages[*index].octets;
                let end = stop.unwrap_or(octets.len());
                let before = self.session.outgoing().remaining();
                while given_now < end && (self.habits.to_the_end || self.session.wants_body()) {
                    let (piece, _) = self.habits.parts.cut(&octets[given_now..end]);
                    let taken = self.session.write_body(piece).expect("it was begun");
                    given_now += taken;
                    if taken < piece.len() {
                        break;
                    }
                }
                let mut progress = given_now > *given;
                *given = given_now;
                if stop.is_some() && given_now == end {
                    if self.session.wants_write() && !self.holding {
                        return true;
                    }
                    // Of its last octet a dot may be owed, which finds room now.
                    assert_eq!(self.session.write_body(b""), Ok(0));
                    self.abort();
                    return true;
                }
                if given_now == end || !self.session.wants_body() {
                    match self.session.finish_multiline() {
                        Ok(()) => {
                            self.open = Open::Nothing;
                            progress = true;
                        }
                        Err(error) => assert!(error.is_transient()),
                    }
                }
                progress || self.session.outgoing().remaining() > before
            }
            _ => false,
        }
    }

    /// I3, F17.
    fn check_limits(&mut self) {
        let limits = self.script.config.limits;
        let most = limits.output.max(MAX_RESPONSE_OCTETS) + MAX_RESPONSE_OCTETS;
        assert!(self.session.outgoing().remaining() <= most, "I3: more output than the limit");
        let auth = !self.script.config.mechanisms.is_empty();
        let sasl_line = if auth { limits.sasl_line } else { 0 };
        let block = limits.input_block.max(limits.command_line).max(sasl_line).max(1);
        assert!(self.session.incoming().len() <= block, "I3: a window larger than the limits");
    }

    pub(super) fn standing(&mut self) -> Standing {
        let session = &mut self.session;
        let output = session.outgoing().chunk().to_vec();
        let waiting = session.waiting();
        assert_eq!(session.wants_write(), !output.is_empty());
        Standing {
            state: session.state(),
            waiting,
            output,
            wants_write: session.wants_write(),
            wants_read: matches!(waiting, Waiting::Command | Waiting::SaslResponse)
                .then(|| session.wants_read()),
        }
    }

    fn finish(mut self) -> (Vec<Seen>, Vec<u8>) {
        let idle = matches!(self.open, Open::Nothing);
        if self.closed {
            assert_eq!(self.session.poll_event(), None);
            assert!(self.session.incoming().is_empty() && self.session.receive(b"NOOP\r\n") == 0);
            assert!(!self.session.wants_read() && !self.session.wants_write());
            assert_eq!(self.session.waiting(), Waiting::Nothing);
        } else if idle && !self.holding {
            self.expect_no_more();
            assert!(!self.model.over && !self.aborted && self.eof.is_none(), "it does not end");
        }
        if idle && !self.aborted {
            self.expect_replies();
        }
        let said = self.store.messages.iter().map(|message| message.octets.as_slice());
        let canary = |octets: &[u8]| memchr::memmem::find(octets, CANARY).is_some();
        let mut output = core::mem::take(&mut self.written);
        output.extend_from_slice(self.session.outgoing().chunk());
        assert!(said.into_iter().any(canary) || !canary(&output), "the client's octets come back");
        let shown = format!("{:?} {:?}", self.session, self.maildrop);
        assert!(!canary(shown.as_bytes()), "I10: {shown}");
        let complete = idle && !self.holding && !self.aborted && self.eof != Some(Eof::Abrupt);
        replies::check(&output, &self.replies, complete);
        (self.seen, output)
    }
}

pub(super) fn text(text: &str) -> Text {
    Text::new(text).expect("printable")
}
