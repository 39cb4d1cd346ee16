//! A caller: drives a session, looks at everything, and remembers what must not depend on its habits.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bytes::{Buf as _, Bytes};

use super::{Habits, Seen, Standing};
use crate::client::{
    BodyRead, Channel, ClientConfig, ClientSession, CommandId, Eof, Event, ProtocolError, Security,
    SendError, Update, Waiting,
};
use crate::fuzzing::script::{Act, Conducted, Script, Step, shows_the_canary};
use crate::fuzzing::{
    assert_debug_printable, assert_one_line, assert_printable, assert_shown_printable,
};
use crate::state::{Keyword, State};
use crate::{Base64, Command, MAX_COMMAND_OCTETS, MessageNumber};

#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Caller {
    session: ClientSession,
    habits: Habits,
    seen: Vec<Seen>,
    /// Commands that were taken, in order, and how many of them have ended.
    taken: Vec<CommandId>,
    ended: usize,
    abandoned: Vec<CommandId>,
    /// What the commands are on the wire, and what has left.
    expected: Vec<u8>,
    written: Vec<u8>,
    /// Where the line of each command ends in that.
    line_ends: Vec<usize>,
    /// Of the AUTH in flight.
    exchange: Option<Exchange>,
    /// How many octets had left when TLS was established.
    in_clear: Option<usize>,
    /// The session began on a channel that is trusted.
    trusted: bool,
    /// Octets were left behind the answer to STLS.
    left_to_tls: bool,
    /// A QUIT that was taken in TRANSACTION, and whether its reply was positive.
    quit: Option<(usize, Option<bool>)>,
    /// The last octet that was received.
    last: Option<u8>,
    /// A command left while part of a line stood there that answered nothing.
    unsolicited: bool,
    holding: bool,
    held: VecDeque<Bytes>,
    abandon_after: Option<u8>,
    failed: Option<ProtocolError>,
    closed: bool,
    eof: bool,
    polls: usize,
    holds_canary: bool,
}

/// What the caller knows of an exchange.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Exchange {
    /// The client has said something.
    said: bool,
    /// The session conducts it, and so many messages of the client have been put into its output.
    conducted: Option<(Conducted, usize)>,
    /// A challenge waits for an answer.
    challenged: bool,
    abandoned: bool,
    /// `*` was sent.
    cancelled: bool,
    /// The session, which conducts, has sent it.
    starred: bool,
}

impl Caller {
    pub(super) fn run(script: &Script, habits: Habits) -> (Vec<Seen>, Vec<u8>) {
        let mut caller = Self {
            session: ClientSession::new(script.config, script.channel),
            habits,
            seen: Vec::new(),
            taken: Vec::new(),
            ended: 0,
            abandoned: Vec::new(),
            expected: Vec::new(),
            written: Vec::new(),
            line_ends: Vec::new(),
            exchange: None,
            in_clear: None,
            trusted: script.channel == Channel::Trusted,
            left_to_tls: false,
            quit: None,
            last: None,
            unsolicited: false,
            holding: false,
            held: VecDeque::new(),
            abandon_after: None,
            failed: None,
            closed: false,
            eof: false,
            polls: 0,
            holds_canary: script.holds_canary,
        };
        let mut steps = script.steps.iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Octets(octets) => {
                    let eof = match steps.peek() {
                        Some(Step::Act(Act::Eof(eof))) => Some(*eof),
                        _ => None,
                    };
                    caller.round(octets, eof);
                }
                Step::Act(act) => caller.act(act),
            }
            caller.poll_all();
            if caller.left_to_tls || caller.failed == Some(ProtocolError::OctetsAfterStls) {
                break;
            }
            let standing = caller.standing();
            caller.seen.push(Seen::Standing(standing));
        }
        caller.finish()
    }

    /// The server sends `octets`, and then perhaps ends the connection before they are polled.
    fn round(&mut self, octets: &[u8], eof: Option<Eof>) {
        let due = self.session.waiting() == Waiting::Tls;
        assert!(!due || self.offer(octets) == 0, "I12: it reads while TLS is due");
        let mut rest = if due { &[] } else { octets };
        while !rest.is_empty() {
            let (mut piece, later) = self.habits.reads.cut(rest);
            rest = later;
            let mut polled = false;
            loop {
                let taken = self.offer(piece);
                piece = &piece[taken..];
                if piece.is_empty() {
                    break;
                }
                if self.is_over() || self.eof {
                    return;
                }
                if self.session.waiting() == Waiting::Tls {
                    self.fail_behind_stls();
                    return;
                }
                assert!(
                    taken > 0 || !polled,
                    "all is polled, more is wanted, and there is no room"
                );
                self.poll_all();
                polled = true;
            }
            if rest.is_empty() {
                break;
            }
            match self.habits.polls {
                None => self.poll_all(),
                Some(polls) => {
                    for _ in 0..polls {
                        if !self.poll() {
                            break;
                        }
                    }
                }
            }
        }
        if let Some(eof) = eof {
            self.session.receive_eof(eof);
            self.eof = true;
        }
    }

    /// Octets are left behind the answer to STLS: read together with it they would have been an error.
    fn fail_behind_stls(&mut self) {
        self.poll_all();
        let last = self.seen.pop();
        assert!(matches!(last, Some(Seen::Event(Event::StartTls { .. }))), "{last:?}");
        self.seen.push(Seen::Failed(ProtocolError::OctetsAfterStls));
        self.left_to_tls = true;
    }

    /// Hands octets over; how many were taken.
    fn offer(&mut self, octets: &[u8]) -> usize {
        let limits = self.session.config().limits;
        let lines = limits.status_line.max(limits.listing_line).max(limits.sasl_line);
        let block = limits.input_block.max(lines).max(2);
        let wants = self.session.wants_read();
        let window = self.session.incoming();
        assert!(window.len() <= block, "I3: a window larger than the limits");
        assert!(!wants || !window.is_empty(), "it wants to read and gives no room");
        let taken = if self.habits.window {
            let len = window.len().min(octets.len());
            window[..len].copy_from_slice(&octets[..len]);
            self.session.received(len);
            len
        } else {
            self.session.receive(octets)
        };
        self.polls = 0;
        self.last = taken.checked_sub(1).map(|at| octets[at]).or(self.last);
        taken
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Send(command) => self.send(command),
            Act::Authenticate(conducted) => self.authenticate(*conducted),
            Act::Hold(holding) => self.holding = *holding,
            Act::Write(len) => self.write(*len),
            Act::Abandon(back) => {
                if let Some(id) = self.taken.iter().rev().nth(*back).copied() {
                    let owed = self.taken[self.ended..].contains(&id) && !self.is_over();
                    assert_eq!(self.abandon(id), owed, "what is owed can be given up");
                }
            }
            Act::Answer(response) => {
                let mut line = response.expose().to_vec();
                line.extend_from_slice(b"\r\n");
                self.answer(Some(response), &line);
            }
            Act::CancelAuth => self.answer(None, b"*\r\n"),
            Act::TlsEstablished => self.establish_tls(),
            Act::AbandonAfter(events) => self.abandon_after = Some(*events),
            Act::ReleaseIdle => self.session.release_idle(),
            Act::TimeOut => {
                let waiting = self.session.waiting();
                let over = self.is_over();
                let error = self.session.time_out();
                assert!(over || error == ProtocolError::TimedOut { waiting });
                self.seen.push(Seen::TimedOut(error));
            }
            Act::Eof(eof) => {
                self.session.receive_eof(*eof);
                self.eof = true;
            }
            Act::Rest => {}
        }
        if !self.holding {
            self.write(usize::MAX);
        }
    }

    fn send(&mut self, command: &Command) {
        let before = self.standing();
        let sent = self.session.send(command);
        match &sent {
            Ok(id) => {
                assert!(self.taken.last().is_none_or(|last| last < id), "ids only grow");
                assert!(may_leave(command, self.session.config(), self.session.channel()));
                if *command == Command::Quit && before.state == State::Transaction {
                    self.quit = Some((self.taken.len(), None));
                }
                if let Command::Auth { initial, .. } = command {
                    self.exchange =
                        Some(Exchange { said: initial.is_some(), ..Exchange::default() });
                }
                self.taken.push(*id);
                command.encode(&mut self.expected);
                self.line_ends.push(self.expected.len());
            }
            Err(error) => {
                assert_eq!(self.standing(), before, "I8: an error that changed something");
                assert_shown_printable(error);
            }
        }
        self.seen.push(Seen::Sent(sent));
    }

    fn authenticate(&mut self, conducted: Conducted) {
        let before = self.standing();
        let mechanism = conducted.mechanism();
        let name = mechanism.name();
        let sent = self.session.authenticate(mechanism);
        match &sent {
            Ok(id) => {
                assert!(self.taken.last().is_none_or(|last| last < id), "ids only grow");
                let command = Command::Auth { mechanism: name, initial: None };
                assert!(may_leave(&command, self.session.config(), self.session.channel()));
                self.taken.push(*id);
                self.line_ends.push(self.expected.len());
                let lines = self.unexpected();
                let due = format!("AUTH {name}");
                let rest = lines.strip_prefix(due.as_bytes()).expect("AUTH");
                let initial = usize::from(rest != b"\r\n");
                assert_one_line(&lines);
                self.exchange = Some(Exchange {
                    said: initial > 0,
                    conducted: Some((conducted, initial)),
                    ..Exchange::default()
                });
                self.expect_line(&lines);
            }
            Err(error) => {
                assert_eq!(self.standing(), before, "I8: an error that changed something");
                assert_shown_printable(error);
            }
        }
        self.seen.push(Seen::Sent(sent));
    }

    /// Output of which nothing is known yet.
    fn unexpected(&mut self) -> Vec<u8> {
        let known = self.expected.len() - self.written.len();
        let outgoing = self.session.outgoing();
        outgoing.chunk().get(known..).unwrap_or_default().to_vec()
    }

    /// What a session says that conducts an exchange: messages in base64, and `*` once.
    fn expect_messages(&mut self) {
        let lines = self.unexpected();
        for line in lines.split_inclusive(|octet| *octet == b'\n') {
            let exchange = self.exchange.as_mut().expect("it is conducted");
            let text = assert_one_line(line);
            if text == b"*" {
                assert!(!exchange.starred, "it gives up twice");
                exchange.starred = true;
            } else {
                assert!(core::str::from_utf8(text).is_ok_and(|text| Base64::new(text).is_ok()));
                exchange.said = true;
                if let Some((_, messages)) = &mut exchange.conducted {
                    *messages += 1;
                }
            }
            self.expect_line(line);
        }
    }

    /// Answers a challenge, or gives the exchange up.
    fn answer(&mut self, response: Option<&Base64>, line: &[u8]) {
        let before = self.standing();
        let answered = match response {
            Some(response) => self.session.answer(response),
            None => self.session.cancel_auth(),
        };
        match &answered {
            Ok(()) => {
                let exchange = self.exchange.as_mut().expect("an exchange");
                assert!(exchange.challenged, "an answer to no challenge");
                exchange.challenged = false;
                exchange.said |= response.is_some();
                exchange.cancelled |= response.is_none();
                assert!(response.is_none() || line.len() <= self.session.config().limits.sasl_line);
                self.expect_line(line);
            }
            Err(error) => {
                assert_eq!(self.standing(), before, "I8: an error that changed something");
                assert_shown_printable(error);
            }
        }
        self.seen.push(Seen::Answered(answered));
    }

    /// A line of the exchange in flight is to leave; nothing answers before it has.
    fn expect_line(&mut self, line: &[u8]) {
        self.expected.extend_from_slice(line);
        let end = self.expected.len();
        *self.line_ends.last_mut().expect("AUTH") = end;
    }

    /// Of what was given up no event tells that `*` is to leave.
    fn expect_cancellation(&mut self) {
        if self.is_conducted() {
            self.expect_messages();
            return;
        }
        let more = self.session.outgoing().remaining() > self.expected.len() - self.written.len();
        if let Some(exchange) = self.exchange.as_mut().filter(|_| more) {
            assert!(exchange.abandoned && !exchange.cancelled, "nobody gave up, or once more");
            exchange.cancelled = true;
            self.expect_line(b"*\r\n");
        }
    }

    fn is_conducted(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.conducted.is_some())
    }

    fn establish_tls(&mut self) {
        let due = self.session.waiting() == Waiting::Tls && !self.eof;
        let before = self.standing();
        let established = self.session.tls_established();
        assert_eq!(established.is_ok(), due);
        if due {
            assert_eq!(self.session.channel(), Channel::Tls);
            assert!(self.session.capabilities().is_none(), "I12: capabilities of the clear");
            assert_eq!(self.expected.len(), self.written.len(), "RFC 2595 §4");
            self.in_clear.get_or_insert(self.written.len());
        } else {
            assert_eq!(self.standing(), before, "I8: an error that changed something");
        }
        self.seen.push(Seen::Tls(established));
    }

    fn abandon(&mut self, id: CommandId) -> bool {
        let owed = self.taken[self.ended..].contains(&id);
        let abandoned = self.session.abandon(id);
        assert!(owed || !abandoned, "what is not owed cannot be given up");
        if abandoned {
            self.abandoned.push(id);
            if let Some(exchange) = &mut self.exchange {
                exchange.abandoned = true;
                exchange.challenged = false;
            }
        }
        self.seen.push(Seen::Abandoned(abandoned));
        abandoned
    }

    /// Commands whose last octet has left.
    fn left(&self) -> usize {
        self.line_ends.partition_point(|end| *end <= self.written.len())
    }

    fn write(&mut self, len: usize) {
        self.expect_cancellation();
        let owed = self.left() > self.ended;
        let mut outgoing = self.session.outgoing();
        let len = len.min(outgoing.remaining());
        self.written.extend_from_slice(&outgoing.chunk()[..len]);
        outgoing.advance(len);
        assert!(self.expected.starts_with(&self.written), "what leaves is what was sent");
        // Nothing was due, all is polled, and yet a line is half there.
        self.unsolicited |= !owed && self.left() > self.ended && self.last != Some(b'\n');
    }

    fn poll_all(&mut self) {
        while self.poll() {}
    }

    /// Polls once; whether there was an event.
    fn poll(&mut self) -> bool {
        self.polls += 1;
        assert!(self.polls < 1 << 20, "I2: events without end");
        let body = self.read_body();
        let polled = self.session.poll_event();
        match (&body, &polled) {
            (Some((_, Ok(BodyRead::NeedMore))), polled) => assert_eq!(*polled, Ok(None)),
            (Some((_, Ok(BodyRead::EventFirst))), polled) => {
                assert!(matches!(polled, Ok(Some(_))), "{polled:?}");
            }
            (Some((_, Err(error))), polled) => assert_eq!(polled.as_ref(), Err(error)),
            _ => {}
        }
        match polled {
            Ok(Some(event)) => {
                assert!(self.failed.is_none(), "an event after a failure: {event:?}");
                self.see(event);
                true
            }
            Ok(None) => {
                assert!(self.failed.is_none(), "I2: a failure that did not last");
                false
            }
            Err(error) => {
                if let Some(first) = &self.failed {
                    assert_eq!(*first, error, "I2: a failure that changed");
                } else {
                    self.check_error(&error);
                    self.seen.push(Seen::Failed(error.clone()));
                    self.failed = Some(error);
                }
                false
            }
        }
    }

    /// Reads some of the body of a command, mostly of the one that is due.
    fn read_body(&mut self) -> Option<(CommandId, Result<BodyRead, ProtocolError>)> {
        let room = self.habits.body?;
        let due = self.ended + usize::from(self.polls % 7 == 0);
        let id = *self.taken.get(due).or_else(|| self.taken.last())?;
        let mut out = vec![0; room];
        let read = self.session.read_body(id, &mut out);
        if let Ok(BodyRead::Data(len)) = read {
            assert!(len > 0 || room == 0);
            self.see_data(id, &out[..len]);
        }
        Some((id, read))
    }

    fn see_data(&mut self, id: CommandId, octets: &[u8]) {
        assert_eq!(self.taken.get(self.ended), Some(&id), "I5: out of order");
        assert!(!self.abandoned.contains(&id), "data of what was given up");
        match self.seen.last_mut() {
            _ if octets.is_empty() => {}
            Some(Seen::Data(of, data)) if *of == id => data.extend_from_slice(octets),
            _ => self.seen.push(Seen::Data(id, octets.to_vec())),
        }
    }

    fn see(&mut self, event: Event) {
        assert!(!self.closed, "an event after the end: {event:?}");
        if self.is_conducted() {
            self.expect_messages();
        }
        let due = self.taken.get(self.ended).copied();
        match &event {
            Event::Data { id, data } => {
                assert!(!data.is_empty());
                self.see_data(*id, data);
                self.held.push_back(data.clone());
                while self.held.len() > self.habits.hold {
                    self.held.pop_front();
                }
                return;
            }
            Event::Greeting(_) => assert!(self.taken.is_empty(), "C0007"),
            Event::Started { id, .. }
            | Event::Item { id, .. }
            | Event::Challenge { id, .. }
            | Event::Cancelled { id, .. }
            | Event::FailureDetail { id, .. } => {
                assert_eq!(due, Some(*id), "I5: out of order");
                assert!(!self.abandoned.contains(id), "an event of what was given up");
                assert!(!self.unsolicited, "class H2: an answer begun before the question");
            }
            Event::Deviation { id, .. } => assert!(id.is_none() || due == *id, "I5"),
            Event::Finished { id } => {
                assert_eq!(due, Some(*id), "I5: out of order");
                self.ended += 1;
            }
            Event::StartTls { id, response } => {
                assert_eq!(due, Some(*id), "I5: out of order");
                assert!(response.is_ok() && !self.abandoned.contains(id));
                assert!(!self.unsolicited, "A16: an answer begun before the question");
                assert_eq!(id.keyword(), Some(Keyword::Stls));
                self.ended += 1;
            }
            Event::Completed { id, response } => {
                assert_eq!(due, Some(*id), "I5: out of order");
                assert!(!self.unsolicited, "class H2: an answer begun before the question");
                if let Some(exchange) = self.exchange.take() {
                    let may = exchange.said && !exchange.cancelled;
                    assert!(may || !response.is_ok(), "C14.3: {exchange:?}");
                    if let Some((conducted, messages)) = exchange.conducted {
                        let may = conducted.may_succeed(messages);
                        assert!(may || !response.is_ok(), "C14.3: {exchange:?}");
                    }
                    assert!(!exchange.challenged, "an end where an answer is due");
                }
                match &mut self.quit {
                    Some((at, outcome)) if *at == self.ended => *outcome = Some(response.is_ok()),
                    _ => {}
                }
                self.ended += 1;
            }
            Event::Closed { update, farewell, eof } => {
                assert_eq!(self.session.state(), State::Closed);
                assert_eq!(self.session.update(), *update);
                assert!(farewell.is_none() || eof.is_some(), "octets behind a farewell");
                self.closed = true;
            }
        }
        match (&event, &mut self.exchange) {
            (Event::Challenge { .. }, Some(exchange)) => {
                assert!(!exchange.challenged && !exchange.cancelled, "{exchange:?}");
                assert_eq!(exchange.conducted, None, "the session answers by itself");
                exchange.challenged = true;
            }
            (Event::Cancelled { .. }, Some(exchange)) => {
                assert!(!exchange.challenged && !exchange.cancelled, "{exchange:?}");
                exchange.cancelled = true;
                if exchange.conducted.is_none() {
                    self.expect_line(b"*\r\n");
                }
            }
            (Event::Challenge { .. } | Event::Cancelled { .. }, None) => panic!("no exchange"),
            _ => {}
        }
        assert_debug_printable(&event);
        self.seen.push(Seen::Event(event));
        match &mut self.abandon_after {
            Some(0) => {
                self.abandon_after = None;
                if let Some(id) = self.taken.get(self.ended).copied() {
                    self.abandon(id);
                }
            }
            Some(events) => *events -= 1,
            None => {}
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.session.state(), State::Closed | State::Failed)
    }

    /// I9: what has become of the messages marked as deleted, going by what left and what came.
    fn update(&self) -> Update {
        match self.quit {
            Some((_, Some(true))) => Update::Committed,
            Some((_, Some(false))) => Update::Refused,
            Some((at, None)) if at < self.left() => Update::Unknown,
            _ => Update::NotRequested,
        }
    }

    fn standing(&mut self) -> Standing {
        self.expect_cancellation();
        if let Some(exchange) = &self.exchange {
            let told = exchange.cancelled || exchange.abandoned;
            assert!(told || !exchange.starred, "it gives up, and nobody is told");
        }
        assert_eq!(self.session.update(), self.update(), "I9");
        let session = &mut self.session;
        let limits = session.config().limits;
        let output = session.outgoing().remaining();
        let line = MAX_COMMAND_OCTETS.max(limits.sasl_line);
        assert!(output <= limits.output.max(line), "I3: more output than the limit");
        assert!(
            session.in_flight() <= limits.in_flight.max(1),
            "I3: more in flight than the limit"
        );
        assert!(session.capabilities().is_none_or(|list| list.len() <= limits.capabilities));
        Standing {
            state: session.state(),
            update: session.update(),
            waiting: session.waiting(),
            in_flight: session.in_flight(),
            output,
            wants_read: session.wants_read(),
            wants_write: session.wants_write(),
            may_pipeline: session.may_pipeline(),
            marked: (1..16)
                .filter(|number| MessageNumber::new(*number).is_some_and(|n| session.is_marked(n)))
                .collect(),
        }
    }

    fn check_error(&self, error: &ProtocolError) {
        assert_eq!(self.session.state(), State::Failed);
        let shown = format!("{error} {error:?}");
        assert_printable(&shown);
        assert!(shown.len() < 2048, "class K: {} octets", shown.len());
        assert!(self.holds_canary || !shows_the_canary(shown.as_bytes()), "I10: {shown}");
    }

    /// I10, I12: where TLS is required nothing but whole lines that lead to it leaves before it; the last may have been
    /// leaving when the session broke.
    fn check_clear(&self) {
        let required =
            matches!(self.session.config().security, Security::Implicit | Security::StlsRequired);
        let began_in_clear = self.session.channel() == Channel::Clear || self.in_clear.is_some();
        if !required || !began_in_clear || self.trusted {
            return;
        }
        let to = self.in_clear.unwrap_or(self.written.len());
        for line in self.written[..to].split_inclusive(|octet| *octet == b'\n') {
            let whole = [&b"CAPA\r\n"[..], b"STLS\r\n", b"QUIT\r\n"];
            assert!(whole.iter().any(|of| of.starts_with(line)), "{}", line.escape_ascii());
        }
    }

    fn finish(mut self) -> (Vec<Seen>, Vec<u8>) {
        self.check_clear();
        assert!(!self.eof || self.is_over(), "C18.1: the end of the connection ended nothing");
        if let Some(error) = self.failed.clone() {
            assert!(!self.closed);
            let sent = self.session.send(&Command::Quit);
            assert_eq!(sent, Err(SendError::Over));
            assert_eq!(self.session.time_out(), error);
            assert!(self.session.incoming().is_empty() && self.session.receive(b"+OK\r\n") == 0);
            if let Some(id) = self.taken.first().copied() {
                assert_eq!(self.session.read_body(id, &mut [0; 8]), Err(error.clone()));
            }
            assert_eq!(self.session.poll_event(), Err(error));
        }
        let owed = if self.is_over() { 0 } else { self.taken.len() - self.ended };
        assert_eq!(self.session.in_flight(), owed, "I5: every command ends once");
        assert_eq!(self.closed, self.session.state() == State::Closed);
        let shown = format!("{:?}", self.session);
        assert!(self.holds_canary || !shows_the_canary(shown.as_bytes()), "I10");
        (self.seen, self.written)
    }
}

/// I10, RFC 8314 §5.2.
fn may_leave(command: &Command, config: &ClientConfig, channel: Channel) -> bool {
    let credential = matches!(
        command,
        Command::User(_) | Command::Pass(_) | Command::Apop { .. } | Command::Auth { .. }
    );
    let first = matches!(command.keyword(), Some(Keyword::Capa | Keyword::Stls | Keyword::Quit));
    match (channel, config.security) {
        (Channel::Tls | Channel::Trusted, _) | (_, Security::PlaintextAllowed) => true,
        (Channel::Clear, Security::StlsPreferred) => !credential && command.keyword().is_some(),
        (Channel::Clear, _) => first,
    }
}
