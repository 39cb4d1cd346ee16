//! A client that works through a list of acts and compares each answer with the model.

use std::collections::{BTreeSet, VecDeque};

use pop3_proto::client::{
    BodyRead, ClientSession, CommandId, Event, ProtocolError, SendError, Update, Waiting,
};
use pop3_proto::state::Keyword;
use pop3_proto::{Base64, Command};

use super::model::{Due, Model};

use crate::server_support::PLAIN;

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Send(Command),
    /// It answers the challenge of AUTH as is right.
    Respond,
    /// It gives the exchange up.
    Cancel,
    /// It loses interest in the command that was taken last: at once, or `late` once something of it came.
    Abandon {
        late: bool,
    },
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) session: ClientSession,
    pub(crate) acts: VecDeque<Act>,
    pub(crate) sent: Vec<Command>,
    pub(crate) model: Model,
    pub(crate) due: VecDeque<(CommandId, Due)>,
    got: Due,
    /// Read bodies by `read_body`, so many octets at a time.
    pub(crate) read: Option<usize>,
    body: Option<CommandId>,
    abandoned: BTreeSet<CommandId>,
    /// Something came of the head of what is due.
    begun: bool,
    /// STLS was answered `+OK`.
    pub(crate) tls_due: bool,
    pub(crate) closed: Option<Update>,
    pub(crate) failed: Option<ProtocolError>,
}

impl Client {
    pub(crate) fn new(session: ClientSession, acts: VecDeque<Act>, model: Model) -> Self {
        Self {
            session,
            acts,
            sent: Vec::new(),
            model,
            due: VecDeque::new(),
            got: Due::default(),
            read: None,
            body: None,
            abandoned: BTreeSet::new(),
            begun: false,
            tls_due: false,
            closed: None,
            failed: None,
        }
    }

    pub(crate) fn over(&self) -> bool {
        self.closed.is_some() || self.failed.is_some()
    }

    /// Whoever has said QUIT goes on to be refused.
    fn goes_on(&self) -> bool {
        self.failed.is_none() && (self.closed.is_none() || self.model.left)
    }

    /// Polls and acts until neither goes on; whether anything happened.
    pub(crate) fn turn(&mut self) -> bool {
        let mut any = false;
        while self.goes_on() && (self.poll() || self.act()) {
            any = true;
        }
        any
    }

    fn poll(&mut self) -> bool {
        if let (Some(id), Some(size)) = (self.body, self.read) {
            let mut room = vec![0; size];
            match self.session.read_body(id, &mut room) {
                Ok(BodyRead::Data(len)) => {
                    self.got.data.extend_from_slice(&room[..len]);
                    return true;
                }
                Ok(BodyRead::NeedMore) => return false,
                Ok(BodyRead::EventFirst) => {}
                Ok(BodyRead::End) => self.body = None,
                Err(error) => {
                    self.failed = Some(error);
                    return true;
                }
            }
        }
        match self.session.poll_event() {
            Ok(None) => false,
            Ok(Some(event)) => {
                self.take(event);
                // Whoever gives up does so as soon as there is something to give up.
                while self.acts.front() == Some(&Act::Abandon { late: true }) && self.act() {}
                true
            }
            Err(error) => {
                assert_eq!(self.session.poll_event(), Err(error.clone()), "an error is final");
                self.failed = Some(error);
                true
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Greeting(greeting) => assert!(greeting.response.is_ok()),
            Event::Started { id, response } => {
                self.begin(id);
                assert!(response.is_ok());
                self.body = Some(id);
            }
            Event::Item { id, item } => {
                self.begin(id);
                self.got.items.push(item);
            }
            Event::Data { id, data } => {
                self.begin(id);
                self.got.data.extend_from_slice(&data);
            }
            Event::Challenge { id, .. } => self.begin(id),
            Event::Finished { id } => self.end(id, true),
            Event::Completed { id, response } => self.end(id, response.is_ok()),
            Event::StartTls { id, response } => {
                self.tls_due = true;
                self.end(id, response.is_ok());
            }
            Event::Closed { update, farewell, .. } => {
                assert_eq!((self.closed, farewell), (None, None));
                self.closed = Some(update);
            }
            event => panic!("{event:?}"),
        }
    }

    /// Something comes of a command: of the one whose turn it is, and of none that was given up.
    fn begin(&mut self, id: CommandId) {
        assert_eq!(self.due.front().map(|(id, _)| *id), Some(id), "I5");
        assert!(!self.abandoned.contains(&id), "I11");
        self.begun = true;
    }

    fn end(&mut self, id: CommandId, ok: bool) {
        let (due_id, due) = self.due.pop_front().expect("a command ends once");
        assert_eq!((id, ok), (due_id, due.ok), "I5");
        let got = Due { ok, ..std::mem::take(&mut self.got) };
        if !self.abandoned.contains(&id) {
            assert_eq!(got, due);
        }
        (self.body, self.begun) = (None, false);
    }

    fn act(&mut self) -> bool {
        match self.acts.front() {
            None => false,
            Some(Act::Send(command)) => {
                let command = command.clone();
                self.send(&command)
            }
            Some(Act::Respond | Act::Cancel) => self.go_on(),
            Some(Act::Abandon { late }) => {
                let waits = *late && !self.begun && !self.due.is_empty();
                if !waits {
                    self.abandon();
                }
                !waits
            }
        }
    }

    fn send(&mut self, command: &Command) -> bool {
        match self.session.send(command) {
            Ok(id) => {
                assert!(self.model.admits(command), "{command:?} was taken");
                self.acts.pop_front();
                let due = match command {
                    Command::Auth { .. } => {
                        self.model.authenticate(self.acts.front() == Some(&Act::Respond))
                    }
                    command => self.model.due(command),
                };
                self.due.push_back((id, due));
                self.sent.push(command.clone());
            }
            // An RSET may be on its way.
            Err(SendError::MarkedDeleted(_)) if !self.due.is_empty() => return false,
            Err(SendError::MarkedDeleted(_)) => {
                assert!(self.model.names_marked(command), "{command:?}");
                self.acts.pop_front();
            }
            Err(SendError::BeforeGreeting | SendError::TlsDue) => return false,
            Err(error) if error.is_transient() => return false,
            Err(error) => {
                assert!(!self.model.admits(command), "{command:?}: {error}");
                self.acts.pop_front();
            }
        }
        true
    }

    /// Answers a challenge, or gives the exchange up; there is none if AUTH was not taken.
    fn go_on(&mut self) -> bool {
        let exchanges = self.due.back().is_some_and(|(id, _)| id.keyword() == Some(Keyword::Auth));
        if exchanges {
            if !matches!(self.session.waiting(), Waiting::Answer(_)) {
                return false;
            }
            match self.acts.front() {
                Some(Act::Respond) => self.session.answer(&Base64::new(PLAIN).unwrap()),
                _ => self.session.cancel_auth(),
            }
            .expect("a challenge waits");
        }
        self.acts.pop_front();
        true
    }

    fn abandon(&mut self) {
        self.acts.pop_front();
        // STLS cannot be given up.
        let last = self.due.back().filter(|(id, _)| id.keyword() != Some(Keyword::Stls));
        // Nor can what is over, though nobody has been told yet.
        if let Some((id, _)) = last.filter(|(id, _)| self.session.abandon(*id)) {
            self.abandoned.insert(*id);
            self.body = self.body.filter(|body| body != id);
        }
    }
}
