//! The client's side of a pair: what it was promised and what it got.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Buf as _;

use super::script::{Act, Script, Sent};
use crate::client::{BodyRead, ClientSession, CommandId, Event, Item, ProtocolError, SendError};
use crate::fuzzing::store::{LIST_FOLLOWS, Reply, Store};
use crate::state::State;
use crate::{Command, Mailbox, Password};

/// What the client waits for.
#[derive(Debug)]
struct Expected {
    id: CommandId,
    reply: Reply,
    abandoned: bool,
    /// What came of it so far.
    status: Option<String>,
    lines: Vec<String>,
    body: Vec<u8>,
}

pub(super) struct Client {
    pub(super) session: ClientSession,
    /// The maildrop as the server will see it when the commands taken so far are executed.
    store: Store,
    todo: VecDeque<Act>,
    login: Login,
    /// Wrong passwords so far.
    attempts: usize,
    expected: VecDeque<Expected>,
    last: Option<CommandId>,
    buffer: Vec<u8>,
    pub(super) failed: Option<ProtocolError>,
    closed: bool,
    /// Whatever is said to it, somebody else may have said it.
    tampered: bool,
    /// QUIT was taken in TRANSACTION; replies that are complete, and how many of them have an end of their own.
    pub(super) quit: bool,
    pub(super) completed: usize,
    pub(super) finished: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Login {
    User,
    Pass,
    Done,
}

impl Client {
    pub(super) fn new(script: &Script) -> Self {
        Self {
            session: ClientSession::new(script.client, script.channel),
            store: script.store.clone(),
            todo: script.acts.iter().copied().collect(),
            login: Login::User,
            attempts: 0,
            expected: VecDeque::new(),
            last: None,
            buffer: Vec::new(),
            failed: None,
            closed: false,
            tampered: script.edit.is_some(),
            quit: false,
            completed: 0,
            finished: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.session.state(), State::Closed | State::Failed)
    }

    /// Whether all that was begun is complete.
    pub(super) fn is_done(&self) -> bool {
        self.expected.is_empty() && (self.todo.is_empty() || self.closed)
    }

    /// Does what comes next, if it can be done; whether it was.
    pub(super) fn act(&mut self, script: &Script) -> bool {
        if self.is_over() || self.session.state() == State::Greeting {
            return false;
        }
        if self.login != Login::Done {
            return self.expected.is_empty() && self.log_in(script);
        }
        let Some(act) = self.todo.front().copied() else { return false };
        match act {
            Act::Send(sent) => {
                let command = sent.command();
                match self.session.send(&command) {
                    Ok(id) => {
                        self.quit |= sent == Sent::Quit;
                        let reply = self.reply(sent, &command, script);
                        self.expect(id, reply);
                    }
                    Err(error) if error.is_transient() => return false,
                    Err(SendError::MarkedDeleted(message)) => {
                        assert!(self.session.is_marked(message));
                    }
                    Err(SendError::Over) => {}
                    Err(_) if self.tampered => {}
                    Err(error) => panic!("{command:?}: {error}"),
                }
            }
            Act::Abandon => {
                if let Some(id) = self.last {
                    let abandoned = self.session.abandon(id);
                    let mut owed = self.expected.iter_mut().filter(|expected| expected.id == id);
                    if let Some(expected) = owed.next() {
                        expected.abandoned |= abandoned;
                    }
                }
            }
            Act::Read(len) => self.buffer = vec![0; len],
            Act::Wait if !self.expected.is_empty() => return false,
            Act::Wait => {}
            Act::ReleaseIdle => self.session.release_idle(),
        }
        self.todo.pop_front();
        true
    }

    fn log_in(&mut self, script: &Script) -> bool {
        let wrong = self.attempts < script.wrong;
        let (command, reply) = match self.login {
            Login::User => {
                let mailbox = Mailbox::new("mrose").expect("RFC 1939 §7");
                (Command::User(mailbox), "+OK send PASS")
            }
            _ if wrong => (password("wrong"), "-ERR [AUTH] authentication failed"),
            _ => (password("right"), "+OK open"),
        };
        match self.session.send(&command) {
            Ok(id) => self.expect(id, Reply::Line(reply.into())),
            // The link was cut.
            Err(SendError::Over) => return false,
            Err(_) if self.tampered => return false,
            Err(error) => panic!("{error}"),
        }
        self.login = match self.login {
            Login::User => Login::Pass,
            _ if wrong => Login::User,
            _ => Login::Done,
        };
        self.attempts += usize::from(self.login == Login::User);
        true
    }

    fn reply(&mut self, sent: Sent, command: &Command, script: &Script) -> Reply {
        match sent {
            Sent::Quit if script.refuses => {
                Reply::Line("-ERR [SYS/TEMP] some messages were not removed".into())
            }
            Sent::Quit => Reply::Line("+OK bye".into()),
            Sent::Capa => Reply::Lines(
                LIST_FOLLOWS.into(),
                ["TOP", "USER", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UIDL"]
                    .map(Into::into)
                    .into(),
            ),
            _ => self.store.answer(command),
        }
    }

    fn expect(&mut self, id: CommandId, reply: Reply) {
        assert!(self.last.is_none_or(|last| last < id), "ids only grow");
        self.last = Some(id);
        self.expected.push_back(Expected {
            id,
            reply,
            abandoned: false,
            status: None,
            lines: Vec::new(),
            body: Vec::new(),
        });
    }

    pub(super) fn write(&mut self, len: usize) -> Vec<u8> {
        let mut outgoing = self.session.outgoing();
        let len = len.min(outgoing.remaining());
        let octets = outgoing.chunk()[..len].to_vec();
        outgoing.advance(len);
        octets
    }

    pub(super) fn receive(&mut self, octets: &[u8]) -> usize {
        if self.is_over() { octets.len() } else { self.session.receive(octets) }
    }

    /// Polls all there is; whether there was anything.
    pub(super) fn poll(&mut self) -> bool {
        let mut any = false;
        while self.failed.is_none() {
            if !self.buffer.is_empty() {
                if let Some(expected) = self.expected.front_mut() {
                    let read = self.session.read_body(expected.id, &mut self.buffer);
                    if let Ok(BodyRead::Data(len)) = read {
                        expected.body.extend_from_slice(&self.buffer[..len]);
                        any = true;
                        continue;
                    }
                }
            }
            match self.session.poll_event() {
                Ok(Some(event)) => self.see(event),
                Ok(None) => break,
                Err(error) => self.failed = Some(error),
            }
            any = true;
        }
        any
    }

    fn see(&mut self, event: Event) {
        assert!(!self.closed, "an event after the end");
        let expected = self.expected.front_mut();
        match event {
            Event::Greeting(greeting) => assert!(greeting.response.is_ok() || self.tampered),
            Event::Deviation { .. } if self.tampered => {}
            Event::Deviation { deviation, .. } => panic!("our server deviates: {deviation}"),
            Event::Closed { farewell, .. } => {
                assert!(farewell.is_none() || self.tampered);
                self.closed = true;
            }
            Event::Started { id, response } => {
                let expected = expected.expect("a command");
                assert_eq!(id, expected.id, "I5: out of order");
                assert!(!expected.abandoned, "an event of what was given up");
                expected.status = Some(line(&response));
            }
            Event::Item { id, item } => {
                let expected = expected.expect("a command");
                assert_eq!(id, expected.id, "I5: out of order");
                assert!(!expected.abandoned, "an event of what was given up");
                if self.tampered {
                    return;
                }
                expected.lines.push(match item {
                    Item::Drop(drop) => {
                        format!("{} {}", drop.messages, drop.octets.expect("known"))
                    }
                    Item::Scan(scan) => format!("{} {}", scan.message, scan.octets),
                    Item::UniqueId(listing) => format!("{} {}", listing.message, listing.id),
                    Item::Capability(capability) => format!("{capability}"),
                    Item::Mechanism(name) => format!("{name}"),
                    Item::Language(listing) => format!("{}", listing.tag),
                    Item::Malformed(text) => panic!("malformed: {text}"),
                });
            }
            Event::Challenge { .. }
            | Event::Cancelled { .. }
            | Event::FailureDetail { .. }
            | Event::StartTls { .. } => panic!("nothing had asked for {event:?}"),
            Event::Data { id, data } => {
                let expected = expected.expect("a command");
                assert_eq!(id, expected.id, "I5: out of order");
                assert!(!expected.abandoned, "an event of what was given up");
                expected.body.extend_from_slice(&data);
            }
            Event::Finished { id } => {
                let expected = self.expected.pop_front().expect("a command");
                assert_eq!(id, expected.id, "I5: out of order");
                self.completed += 1;
                self.finished += 1;
                if expected.abandoned || self.tampered {
                    return;
                }
                let found = match expected.reply {
                    Reply::Body(..) => Reply::Body(expected.status.expect("begun"), expected.body),
                    _ => Reply::Lines(expected.status.expect("begun"), expected.lines),
                };
                assert_eq!(found, expected.reply);
            }
            Event::Completed { id, response } => {
                let expected = self.expected.pop_front().expect("a command");
                assert_eq!(id, expected.id, "I5: out of order");
                self.completed += 1;
                if self.tampered {
                    return;
                }
                let line = line(&response);
                for item in &expected.lines {
                    assert_eq!(line, format!("+OK {item}"));
                }
                assert_eq!(Reply::Line(line), expected.reply);
            }
        }
    }
}

fn line(response: &crate::Response) -> String {
    let separator = if response.text.is_empty() { "" } else { " " };
    format!("{}{separator}{}", response.status.as_str(), response.text)
}

fn password(password: &str) -> Command {
    Command::Pass(Password::new(password).expect("graphic ASCII"))
}
