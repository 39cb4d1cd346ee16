//! What the tests of the server share: short names, and an adapter in miniature that serves a
//! maildrop out of memory.

#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Buf as _;
use pop3_proto::client::Channel;
use pop3_proto::server::{
    Action, Entry, Event, Maildrop, MessageOctets, ServerConfig, ServerSession,
};
use pop3_proto::state::State;
use pop3_proto::{
    Base64, Command, CommandError, DropListing, KnownCode, LanguageRange, Mailbox, MechanismName,
    MessageNumber, Text, UniqueId,
};

/// The mailbox that a [`Server`] knows.
pub(crate) const MAILBOX: &str = "alice";
/// Its password.
pub(crate) const PASSWORD: &str = "correct horse";
/// The greeting of every session here.
pub(crate) const GREETING: &[u8] = b"+OK ready\r\n";

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).expect("a text")
}

pub(crate) fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("a message-number")
}

pub(crate) fn unique_id(id: &str) -> UniqueId {
    UniqueId::new(id.as_bytes()).expect("a unique-id")
}

/// A session on a trusted channel, its greeting not yet written.
pub(crate) fn session(config: ServerConfig) -> ServerSession {
    ServerSession::new(config, Channel::Trusted, text("ready")).expect("a way to authenticate")
}

/// A session that has greeted.
pub(crate) fn greeted(config: ServerConfig) -> ServerSession {
    let mut session = session(config);
    assert_eq!(written(&mut session), GREETING);
    session
}

/// A session directly after an accepted USER.
pub(crate) fn after_user(config: ServerConfig) -> ServerSession {
    let mut session = greeted(config);
    say(&mut session, b"USER alice\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(Command::User(_)))));
    session.ok(&text("who else")).expect("USER waits");
    assert_eq!(written(&mut session), b"+OK who else\r\n");
    session
}

/// A session in TRANSACTION.
pub(crate) fn in_transaction(config: ServerConfig) -> ServerSession {
    let mut session = after_user(config);
    say(&mut session, b"PASS x\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(Command::Pass(_)))));
    session.authenticated(&text("open")).expect("PASS waits");
    assert_eq!(written(&mut session), b"+OK open\r\n");
    session
}

/// Gives octets to a session that has room for all of them.
pub(crate) fn say(session: &mut ServerSession, octets: &[u8]) {
    assert_eq!(session.receive(octets), octets.len());
}

/// Writes all that waits.
pub(crate) fn written(session: &mut ServerSession) -> Vec<u8> {
    written_at_most(session, usize::MAX)
}

/// Writes at most so many octets of what waits.
pub(crate) fn written_at_most(session: &mut ServerSession, limit: usize) -> Vec<u8> {
    let mut out = session.outgoing();
    let len = out.remaining().min(limit);
    let octets = out.chunk()[..len].to_vec();
    out.advance(len);
    octets
}

/// The message as a client receives it: what the encoder promises, said in another way.
pub(crate) fn normalised(message: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
        let (line, after) = match end {
            None => (rest, &b""[..]),
            Some(at) if rest[at..].starts_with(b"\r\n") => (&rest[..at], &rest[at + 2..]),
            Some(at) => (&rest[..at], &rest[at + 1..]),
        };
        lines.extend_from_slice(line);
        lines.extend_from_slice(b"\r\n");
        rest = after;
    }
    lines
}

/// Headers, blank line and `count` lines of the body, of a message with CRLF line ends.
pub(crate) fn top_of(normalised: &[u8], count: u64) -> Vec<u8> {
    let (mut top, mut left) = (Vec::new(), None);
    for line in normalised.split_inclusive(|octet| *octet == b'\n') {
        match &mut left {
            Some(0) => break,
            Some(left) => *left -= 1,
            None if line == b"\r\n" => left = Some(count),
            None => {}
        }
        top.extend_from_slice(line);
    }
    top
}

/// How a body stands on the wire.
pub(crate) fn stuffed(normalised: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for line in normalised.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

/// Serves one maildrop: an adapter without a transport.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) session: ServerSession,
    messages: Vec<Vec<u8>>,
    maildrop: Maildrop,
    mailbox: Option<Mailbox>,
    work: Work,
    /// Octets of a message that are offered at once.
    piece: usize,
    /// Commands, rejections and the end, in their order.
    pub(crate) events: Vec<Event>,
    /// What was removed, once QUIT asked for it.
    pub(crate) removed: Option<Vec<u32>>,
    /// Whether the session entered UPDATE, once it is closed.
    pub(crate) closed: Option<bool>,
    /// The handshake is due.
    pub(crate) tls_due: bool,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Nothing,
    Listing,
    Message { message: MessageNumber, at: usize },
}

impl Server {
    pub(crate) fn new(config: ServerConfig, messages: Vec<Vec<u8>>) -> Self {
        let leniency = config.leniency;
        let entries = messages.iter().enumerate().map(|(index, message)| {
            let mut octets = MessageOctets::new(leniency);
            octets.update(message);
            Entry::new(octets.octets(), unique_id(&format!("id{index}")))
        });
        Self {
            session: session(config),
            maildrop: Maildrop::new(entries.collect()).expect("a maildrop"),
            messages,
            mailbox: None,
            work: Work::Nothing,
            piece: usize::MAX,
            events: Vec::new(),
            removed: None,
            closed: None,
            tls_due: false,
        }
    }

    /// Offers messages in pieces of `piece` octets.
    pub(crate) fn in_pieces_of(mut self, piece: usize) -> Self {
        self.piece = piece;
        self
    }

    /// Answers all that can be answered before output has to leave or input has to come.
    pub(crate) fn turn(&mut self) {
        loop {
            match self.work {
                Work::Listing => {
                    if !self.maildrop.resume(&mut self.session).expect("a listing was begun") {
                        return;
                    }
                    self.work = Work::Nothing;
                }
                Work::Message { message, at } => {
                    if !self.send(message, at) {
                        return;
                    }
                }
                Work::Nothing => match self.session.poll_event() {
                    Some(event) => self.answer(event),
                    None => return,
                },
            }
        }
    }

    /// The messages marked as deleted.
    pub(crate) fn marked(&self) -> impl Iterator<Item = u32> {
        self.maildrop.marked().map(u32::from)
    }

    /// TLS is there; who was named in clear is forgotten.
    pub(crate) fn establish_tls(&mut self) {
        self.tls_due = false;
        self.mailbox = None;
        self.session.tls_established().expect("it is due");
    }

    /// Takes all octets, answering in between; gives what was written meanwhile.
    pub(crate) fn converse(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = octets;
        loop {
            let taken = self.session.receive(rest);
            rest = &rest[taken..];
            self.turn();
            let written = written(&mut self.session);
            if taken == 0 && written.is_empty() {
                return out;
            }
            out.extend_from_slice(&written);
        }
    }

    /// Goes on with a message; `false` when there is no more room.
    fn send(&mut self, message: MessageNumber, mut at: usize) -> bool {
        let octets = &self.messages[usize::try_from(message.value()).unwrap() - 1];
        while at < octets.len() && self.session.wants_body() {
            let to = octets.len().min(at.saturating_add(self.piece));
            let taken = self.session.write_body(&octets[at..to]).expect("a message was begun");
            at += taken;
            self.work = Work::Message { message, at };
            if taken == 0 {
                return false;
            }
        }
        match self.session.finish_multiline() {
            Ok(()) => self.work = Work::Nothing,
            Err(error) => assert!(error.is_transient()),
        }
        matches!(self.work, Work::Nothing)
    }

    fn answer(&mut self, event: Event) {
        self.events.push(event.clone());
        let session = &mut self.session;
        let answered = match event {
            Event::Command(Command::User(mailbox)) => {
                self.mailbox = Some(mailbox);
                session.ok(&text("password, please"))
            }
            Event::Command(Command::Pass(password)) => {
                let right = self.mailbox.take().is_some_and(|name| name.as_str() == MAILBOX)
                    && password.expose() == PASSWORD.as_bytes();
                if right {
                    session.authenticated(&text("maildrop open"))
                } else {
                    session.authentication_failed()
                }
            }
            Event::Command(Command::Quit) if session.state() == State::Authorization => {
                session.ok(&text("bye"))
            }
            Event::Command(Command::Auth { .. }) => session.challenge(&Base64::empty()),
            Event::SaslResponse(response) if response.expose() == PLAIN.as_bytes() => {
                session.authenticated(&text("maildrop open"))
            }
            Event::SaslResponse(_) => session.authentication_failed(),
            Event::SaslCancelled => Ok(()),
            Event::Command(Command::Lang(_)) => {
                let listing = session.config().languages[0].clone();
                session.language(&listing)
            }
            Event::Command(Command::Stls) => session.ok(&text("begin")),
            Event::StartTls => {
                self.tls_due = true;
                Ok(())
            }
            Event::Command(command) => match self.maildrop.answer(&command, session) {
                Ok(Action::Answered) => Ok(()),
                Ok(Action::Listing) => {
                    self.work = Work::Listing;
                    Ok(())
                }
                Ok(Action::Send(message)) => {
                    self.work = Work::Message { message, at: 0 };
                    session.begin_multiline(&text("message follows"))
                }
                Ok(Action::Commit) => {
                    assert_eq!(self.removed, None, "committed once");
                    self.removed = Some(self.maildrop.marked().map(u32::from).collect());
                    session.ok(&text("bye"))
                }
                action => panic!("{action:?}"),
            },
            Event::Rejected(_) => session.reject(),
            Event::Closed { commit } => {
                assert_eq!(self.closed, None, "closed once");
                self.closed = Some(commit);
                Ok(())
            }
            event => panic!("{event:?}"),
        };
        answered.expect("an answer that fits");
    }
}

/// What the exchanges of a [`Dialogue`] succeed with: "test" NUL "test" NUL "test" (RFC 4616).
pub(crate) const PLAIN: &str = "dGVzdAB0ZXN0AHRlc3Q=";
/// The challenge of RFC 2195 §2.
pub(crate) const CHALLENGE: &str = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
/// A digest that is right.
pub(crate) const DIGEST: &str = "c4c9334bac560ecc979e58001b3e22fb";

/// All that can be seen of a session whose caller answers everything at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialogue {
    pub(crate) events: Vec<Event>,
    pub(crate) output: String,
    pub(crate) state: Option<State>,
}

impl Dialogue {
    /// Hands the pieces over, polling and writing after each; octets that a session does not take
    /// while it waits for TLS are not handed over again.
    pub(crate) fn hold(session: &mut ServerSession, pieces: &[&[u8]]) -> Self {
        let mut dialogue = Self::default();
        dialogue.drive(session);
        for piece in pieces {
            let mut rest = *piece;
            loop {
                let taken = session.receive(rest);
                rest = &rest[taken..];
                dialogue.drive(session);
                if taken == 0 || rest.is_empty() {
                    break;
                }
            }
        }
        dialogue.state = Some(session.state());
        dialogue
    }

    fn drive(&mut self, session: &mut ServerSession) {
        loop {
            let event = session.poll_event();
            if let Some(event) = &event {
                answer(session, event);
            }
            let out = written(session);
            if event.is_none() && out.is_empty() {
                break;
            }
            self.output.push_str(&String::from_utf8(out).expect("UTF-8"));
            self.events.extend(event);
        }
    }

    pub(crate) fn rejected(&self) -> Vec<CommandError> {
        let rejected = self.events.iter().filter_map(|event| match event {
            Event::Rejected(error) => Some(*error),
            _ => None,
        });
        rejected.collect()
    }

    /// What comes of `input`, which must not depend on how it is cut: whole, octet by octet, and at
    /// every split.
    pub(crate) fn however_cut(new: impl Fn() -> ServerSession, input: &[u8]) -> Self {
        let whole = Self::hold(&mut new(), &[input]);
        let shown = input.escape_ascii();
        let octets: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(Self::hold(&mut new(), &octets), whole, "{shown}");
        for cut in 1..input.len() {
            let (start, end) = input.split_at(cut);
            assert_eq!(Self::hold(&mut new(), &[start, end]), whole, "{shown} cut at {cut}");
        }
        whole
    }
}

/// Answers whatever may come; PLAIN speaks first, everything else waits for a challenge.
fn answer(session: &mut ServerSession, event: &Event) {
    let base64 = |text| Base64::new(text).expect("base64");
    let open = text("maildrop locked and ready");
    let answered = match event {
        Event::Command(Command::User(_)) => session.ok(&text("password, please")),
        Event::Command(Command::Pass(password)) if password.expose() != PASSWORD.as_bytes() => {
            session.authentication_failed()
        }
        Event::Command(Command::Apop { digest, .. }) if digest.expose() != DIGEST.as_bytes() => {
            session.authentication_failed()
        }
        Event::Command(Command::Pass(_) | Command::Apop { .. }) => session.authenticated(&open),
        Event::Command(Command::Auth { mechanism: MechanismName::PLAIN, initial }) => match initial
        {
            None => session.challenge(&Base64::empty()),
            Some(initial) if *initial == base64(PLAIN) => session.authenticated(&open),
            Some(_) => session.authentication_failed(),
        },
        Event::Command(Command::Auth { initial: None, .. }) => {
            session.challenge(&base64(CHALLENGE))
        }
        Event::Command(Command::Auth { .. }) => session.err(None, &text("the server speaks first")),
        Event::SaslResponse(response) if *response == base64(PLAIN) => session.authenticated(&open),
        Event::SaslResponse(response) if *response == base64("AQ==") => session.challenge(response),
        Event::SaslResponse(_) => session.authentication_failed(),
        Event::Command(Command::Stat) => session.drop_listing(DropListing::new(2, 320)),
        Event::Command(Command::Retr(_)) => {
            session.err(Some(KnownCode::Utf8), &text("the message needs UTF8"))
        }
        Event::Command(Command::Lang(Some(LanguageRange::Tag(tag)))) => {
            let listed = session.config().languages.iter().find(|listing| listing.tag == *tag);
            match listed.cloned() {
                Some(listing) => session.language(&listing),
                None => session.err(None, &text("invalid language")),
            }
        }
        Event::Command(Command::Lang(_)) => {
            let listing = session.config().languages[0].clone();
            session.language(&listing)
        }
        Event::Command(_) => session.ok(&text("done")),
        Event::Rejected(_) => session.reject(),
        Event::SaslCancelled | Event::StartTls | Event::Closed { .. } => Ok(()),
        event => panic!("{event:?}"),
    };
    answered.expect("an answer that fits");
}
