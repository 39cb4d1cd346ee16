//! What the session tests share: a driver that runs a script against a session and writes down all that comes of it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, ClientConfig, ClientSession, CommandId, Eof, Event, Item, ProtocolError, Security,
    SendError, Waiting,
};
use pop3_proto::state::State;
use pop3_proto::{
    ApopDigest, Base64, Command, Leniency, Mailbox, MechanismName, MessageNumber, Password,
    Response,
};

pub(crate) const GREETING: &[u8] = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n";
pub(crate) const GREETED: &str =
    "greeting + \"POP3 server ready <1896.697170952@dbc.mtview.ca.us>\"";

/// A script's step. What the server says in one step may come in any pieces; a command leaves as a whole.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The client sends this, which must be taken.
    C(Command),
    /// The server says this.
    S(Vec<u8>),
    /// The transport ends.
    End(Eof),
    /// The caller loses interest in the command with this index.
    Abandon(usize),
    /// The client answers the challenge so, which must be taken.
    Answer(&'static str),
    /// The client gives the exchange up.
    CancelAuth,
    /// What the session itself has to say is written.
    Flush,
    /// TLS is established.
    Tls,
}

pub(crate) fn s(octets: impl AsRef<[u8]>) -> Step {
    Step::S(octets.as_ref().to_vec())
}

/// How what the server says is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    Octets,
    /// In two, at this offset from the beginning of the session.
    At(usize),
}

/// A session, and all that it said and did.
pub(crate) struct Run {
    pub(crate) session: ClientSession,
    pub(crate) ids: Vec<CommandId>,
    /// What the client wrote.
    pub(crate) sent: Vec<u8>,
    /// One line for each event and for the error; adjacent data merged.
    trace: Vec<Line>,
    received: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Text(String),
    Data(CommandId, Vec<u8>),
}

impl Run {
    pub(crate) fn new(config: ClientConfig, channel: Channel) -> Self {
        let session = ClientSession::new(config, channel);
        Self { session, ids: Vec::new(), sent: Vec::new(), trace: Vec::new(), received: 0 }
    }

    /// A session that has been greeted and has told so.
    pub(crate) fn greeted(config: ClientConfig) -> Self {
        let mut run = Self::new(config, Channel::Clear);
        run.feed(GREETING);
        assert_eq!(run.take_trace(), [GREETED]);
        run
    }

    /// A session in TRANSACTION, its trace emptied.
    pub(crate) fn in_transaction(config: ClientConfig) -> Self {
        let mut run = Self::greeted(config);
        for command in [user("mrose"), pass("secret")] {
            run.send(&command).unwrap();
            run.feed(b"+OK\r\n");
        }
        assert_eq!(run.take_trace(), ["#0 completed + \"\"", "#1 completed + \"\""]);
        run.sent.clear();
        run
    }

    /// Sends a command and writes it out; a refusal must have changed nothing (I8).
    pub(crate) fn send(&mut self, command: &Command) -> Result<CommandId, SendError> {
        let id = self.queue(command)?;
        self.flush();
        Ok(id)
    }

    /// As [`Run::send`], but nothing is written yet.
    pub(crate) fn queue(&mut self, command: &Command) -> Result<CommandId, SendError> {
        let before = self.picture();
        match self.session.send(command) {
            Ok(id) => {
                self.ids.push(id);
                Ok(id)
            }
            Err(error) => {
                assert_eq!(self.picture(), before, "{error:?} changed something");
                Err(error)
            }
        }
    }

    pub(crate) fn flush(&mut self) {
        let mut out = self.session.outgoing();
        while out.has_remaining() {
            let chunk = out.chunk();
            self.sent.extend_from_slice(chunk);
            let len = chunk.len();
            out.advance(len);
        }
    }

    /// Answers a challenge and writes the response out; a refusal must have changed nothing (I8).
    pub(crate) fn answer(&mut self, response: &str) -> Result<(), SendError> {
        let before = self.picture();
        let answered = self.session.answer(&base64(response));
        if let Err(error) = &answered {
            assert_eq!(self.picture(), before, "{error:?} changed something");
        }
        self.flush();
        answered
    }

    /// Hands octets over and polls until nothing more comes of them.
    pub(crate) fn feed(&mut self, mut octets: &[u8]) {
        self.received += octets.len();
        loop {
            let taken = self.session.receive(octets);
            octets = &octets[taken..];
            let more = self.poll();
            if octets.is_empty() || !more {
                return;
            }
            if self.session.waiting() == Waiting::Tls {
                self.trace.push(Line::Text(format!("{} octets left to TLS", octets.len())));
                return;
            }
            assert!(self.session.wants_read(), "drained, and yet there is no room");
        }
    }

    pub(crate) fn end(&mut self, eof: Eof) {
        self.session.receive_eof(eof);
        self.poll();
    }

    /// Polls until there is nothing; `false` if the session is over.
    pub(crate) fn poll(&mut self) -> bool {
        loop {
            match self.session.poll_event() {
                Ok(Some(event)) => {
                    let closed = matches!(event, Event::Closed { .. });
                    self.note(event);
                    if closed {
                        assert_eq!(self.session.poll_event(), Ok(None));
                        return false;
                    }
                }
                Ok(None) => return self.session.state() != State::Closed,
                Err(error) => {
                    assert_eq!(self.session.poll_event(), Err(error.clone()), "not sticky");
                    let line = Line::Text(error_line(&error));
                    if self.trace.last() != Some(&line) {
                        self.trace.push(line);
                    }
                    return false;
                }
            }
        }
    }

    pub(crate) fn note(&mut self, event: Event) {
        match (event, self.trace.last_mut()) {
            (Event::Data { id, data }, last) => {
                assert!(!data.is_empty(), "data without octets");
                match last {
                    Some(Line::Data(of, octets)) if *of == id => octets.extend_from_slice(&data),
                    _ => self.trace.push(Line::Data(id, data.to_vec())),
                }
            }
            (event, _) => self.trace.push(Line::Text(event_line(&event))),
        }
    }

    pub(crate) fn note_data(&mut self, id: CommandId, data: &[u8]) {
        self.note(Event::Data { id, data: bytes::Bytes::copy_from_slice(data) });
    }

    /// The trace so far; a new one begins.
    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
            .into_iter()
            .map(|line| match line {
                Line::Text(line) => line,
                Line::Data(id, data) => format!("{id} data \"{}\"", data.escape_ascii()),
            })
            .collect()
    }

    /// Everything of a session that can be seen from outside.
    pub(crate) fn picture(&mut self) -> String {
        let out = self.session.outgoing().chunk().to_vec();
        let session = &self.session;
        format!(
            "{:?} {} {:?} {:?} {} {} {:?} {} {} {out:?}",
            session.state(),
            session.in_flight(),
            session.waiting(),
            session.update(),
            session.wants_read(),
            session.wants_write(),
            session.capabilities(),
            session.channel(),
            session.utf8(),
        )
    }

    pub(crate) fn run(&mut self, script: &[Step], cut: Cut) {
        for step in script {
            match step {
                Step::C(command) => {
                    self.send(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
                }
                Step::End(eof) => self.end(*eof),
                Step::Abandon(index) => {
                    assert!(self.session.abandon(self.ids[*index]));
                    self.flush();
                }
                Step::Answer(response) => self.answer(response).unwrap(),
                Step::CancelAuth => {
                    self.session.cancel_auth().unwrap();
                    self.flush();
                }
                Step::Flush => self.flush(),
                Step::Tls => self.session.tls_established().unwrap(),
                Step::S(octets) => match cut {
                    Cut::Whole => self.feed(octets),
                    Cut::Octets => octets.chunks(1).for_each(|octet| self.feed(octet)),
                    Cut::At(at) => match at.checked_sub(self.received) {
                        Some(at) if at < octets.len() => {
                            let (first, second) = octets.split_at(at);
                            self.feed(first);
                            self.feed(second);
                        }
                        _ => self.feed(octets),
                    },
                },
            }
        }
    }
}

/// Runs a script with the server's octets whole, one at a time, cut in two at every place, and with junk behind the
/// last reply; asserts that nothing differs (I1), and gives the run.
pub(crate) fn all_ways(config: ClientConfig, script: &[Step]) -> Run {
    let ways = |cut| {
        let mut run = Run::new(config, Channel::Clear);
        run.run(script, cut);
        let trace = run.trace.clone();
        (run, trace)
    };
    let (mut run, trace) = ways(Cut::Whole);
    let picture = run.picture();
    let mut cuts = vec![Cut::Octets];
    cuts.extend((0..run.received.min(4096)).map(Cut::At));
    for cut in cuts {
        let (mut other, got) = ways(cut);
        assert_eq!(got, trace, "{cut:?}");
        assert_eq!((other.picture(), &other.sent), (picture.clone(), &run.sent), "{cut:?}");
    }
    with_junk(config, script, &trace);
    run
}

/// Octets behind the last reply are an error if they answer nothing, and nothing at all once the session is over (H1).
fn with_junk(config: ClientConfig, script: &[Step], trace: &[Line]) {
    let mut run = Run::new(config, Channel::Clear);
    run.run(script, Cut::Whole);
    let over = !run.session.wants_read();
    let idle =
        matches!(run.session.waiting(), Waiting::Nothing | Waiting::Close | Waiting::Answer(_));
    // What comes behind the answer to STLS is no longer the session's.
    if !over && !idle || run.session.waiting() == Waiting::Tls {
        return;
    }
    run.feed(b"+OK junk\r\n");
    let mut expected = trace.to_vec();
    if !over {
        expected.push(Line::Text(error_line(&ProtocolError::Unsolicited)));
    }
    assert_eq!(run.trace, expected, "with trailing junk");
}

/// [`all_ways`], and the trace is `expected`.
#[track_caller]
pub(crate) fn expect(config: ClientConfig, script: &[Step], expected: &[&str]) -> Run {
    let mut run = all_ways(config, script);
    assert_eq!(run.take_trace(), expected);
    run
}

/// [`expect`] for a script that goes on in TRANSACTION; its first command is `#2`.
#[track_caller]
pub(crate) fn expect_in_transaction(
    config: ClientConfig,
    script: &[Step],
    expected: &[&str],
) -> Run {
    let mut whole = login();
    whole.extend_from_slice(script);
    let mut lines = vec![GREETED, "#0 completed + \"\"", "#1 completed + \"\""];
    lines.extend_from_slice(expected);
    expect(config, &whole, &lines)
}

/// A greeting, USER and PASS.
pub(crate) fn login() -> Vec<Step> {
    vec![s(GREETING), Step::C(user("mrose")), s("+OK\r\n"), Step::C(pass("secret")), s("+OK\r\n")]
}

fn response(response: &Response) -> String {
    format!("{} {:?}", if response.is_ok() { '+' } else { '-' }, response.text)
}

pub(crate) fn error_line(error: &ProtocolError) -> String {
    format!("error {error:?}")
}

pub(crate) fn event_line(event: &Event) -> String {
    match event {
        Event::Greeting(greeting) => format!("greeting {}", response(&greeting.response)),
        Event::Started { id, response: of } => format!("{id} started {}", response(of)),
        Event::Item { id, item } => format!("{id} {}", item_line(item)),
        Event::Data { id, data } => format!("{id} data \"{}\"", data.escape_ascii()),
        Event::Finished { id } => format!("{id} finished"),
        Event::Completed { id, response: of } => format!("{id} completed {}", response(of)),
        Event::Deviation { id: Some(id), deviation } => format!("{id} deviation {deviation:?}"),
        Event::Deviation { id: None, deviation } => format!("deviation {deviation:?}"),
        Event::Closed { update, farewell, eof } => {
            let farewell = farewell
                .as_ref()
                .map_or_else(String::new, |of| format!(" farewell {}", response(of)));
            let eof = eof.map_or_else(String::new, |eof| format!(" {eof:?}"));
            format!("closed {update:?}{farewell}{eof}")
        }
        Event::Challenge { id, challenge } => {
            format!("{id} challenge \"{}\"", challenge.expose().escape_ascii())
        }
        Event::Cancelled { id, reason } => format!("{id} cancelled {reason:?}"),
        Event::FailureDetail { id, detail } => format!("{id} failure {detail:?}"),
        Event::StartTls { id, response: of } => format!("{id} starts TLS {}", response(of)),
        other => panic!("no line for {other:?}"),
    }
}

fn item_line(item: &Item) -> String {
    match item {
        Item::Drop(drop) => match drop.octets {
            Some(octets) => format!("drop {} {octets}", drop.messages),
            None => format!("drop {} ?", drop.messages),
        },
        Item::Scan(scan) => format!("scan {} {}", scan.message, scan.octets),
        Item::UniqueId(listing) => format!("id {} {}", listing.message, listing.id),
        Item::Capability(capability) => format!("capability {capability}"),
        Item::Mechanism(name) => format!("mechanism {name}"),
        Item::Language(listing) => format!("language {} {:?}", listing.tag, listing.description),
        Item::Malformed(text) => format!("malformed {text:?}"),
        other => panic!("no line for {other:?}"),
    }
}

pub(crate) fn strict() -> ClientConfig {
    ClientConfig::strict(Security::PlaintextAllowed)
}

pub(crate) fn tolerant() -> ClientConfig {
    ClientConfig::new(Security::PlaintextAllowed)
}

/// As Outlook reads, and sending everything.
pub(crate) fn outlook() -> ClientConfig {
    with(Leniency::outlook())
}

pub(crate) fn with(leniency: Leniency) -> ClientConfig {
    let mut config = tolerant();
    config.leniency = leniency;
    config
}

pub(crate) fn presets() -> [ClientConfig; 3] {
    [strict(), tolerant(), outlook()]
}

pub(crate) fn number(value: u32) -> MessageNumber {
    MessageNumber::new(value).unwrap()
}

pub(crate) fn user(name: &str) -> Command {
    Command::User(Mailbox::new(name).unwrap())
}

pub(crate) fn pass(password: &str) -> Command {
    Command::Pass(Password::new(password).unwrap())
}

pub(crate) fn apop() -> Command {
    Command::Apop {
        mailbox: Mailbox::new("mrose").unwrap(),
        digest: ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").unwrap(),
    }
}

pub(crate) fn base64(text: &str) -> Base64 {
    Base64::new(text).unwrap()
}

/// AUTH with a mechanism, and what the client says first.
pub(crate) fn auth(mechanism: &str, initial: Option<&str>) -> Command {
    Command::Auth {
        mechanism: MechanismName::new(mechanism).unwrap(),
        initial: initial.map(base64),
    }
}

pub(crate) fn retr(message: u32) -> Command {
    Command::Retr(number(message))
}

pub(crate) fn dele(message: u32) -> Command {
    Command::Dele(number(message))
}

pub(crate) fn encoded(command: &Command) -> Vec<u8> {
    let mut line = Vec::new();
    command.encode(&mut line);
    line
}

/// What nothing may show, as it is and as a digest.
pub(crate) const CANARY: &str = "Tr0ub4dor&3";
pub(crate) const DIGEST: &str = "c4c9334bac560ecc979e58001b3e22fb";

/// Every form in which the canary might be shown: raw, base64 in its three alignments, hexadecimal, as a list of numbers.
pub(crate) fn shows_the_canary(shown: &str) -> bool {
    let hex: String =
        CANARY.bytes().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat();
    let list: Vec<String> = CANARY.bytes().map(|octet| octet.to_string()).collect();
    let folded = shown.to_lowercase();
    shown.contains(CANARY)
        || ["VHIwdWI0ZG9yJj", "RyMHViNGRvciYz", "UcjB1YjRkb3ImM"]
            .iter()
            .any(|form| shown.contains(form))
        || folded.contains(&hex)
        || shown.replace(['\n', ' '], "").contains(&list.join(","))
        || shown.contains(DIGEST)
}
