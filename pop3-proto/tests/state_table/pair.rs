//! Rows of a table, and a client and a server that know of each other what their octets tell.

use bytes::Buf as _;
use pop3_proto::client::{Channel, ClientConfig, ClientSession, Event, Pipelining, Security};
use pop3_proto::server::{
    Event as ServerEvent, RespondError, ServerConfig, ServerSession, Utf8Offer,
};
use pop3_proto::state::Keyword;
use pop3_proto::{
    ApopTimestamp, Base64, Command, CommandError, DropListing, LanguageListing, LanguageTag,
    MechanismName, MessageNumber, RawFraming, ScanListing, UniqueIdListing,
};

use crate::server_support::{number, text, unique_id, written};

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: String,
    pub(crate) command: Command,
    pub(crate) given: String,
    pub(crate) leads_to: String,
    pub(crate) beside: String,
    pub(crate) answers: Vec<String>,
}

pub(crate) fn rows(table: &str) -> Vec<Row> {
    let rows = table.lines().skip(3).filter(|line| line.contains('|'));
    rows.map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().to_owned());
        let mut cell = || cells.next().expect("five cells");
        let line = cell();
        let command = Command::parse(line.as_bytes())
            .or_else(|_| Command::raw(&line, RawFraming::SingleLine))
            .expect("a command");
        Row {
            line,
            command,
            given: cell(),
            leads_to: cell(),
            beside: cell(),
            answers: cell().split(' ').map(str::to_owned).collect(),
        }
    })
    .collect()
}

impl Row {
    pub(crate) fn keyword(&self) -> Option<Keyword> {
        self.command.keyword()
    }

    pub(crate) fn message(&self) -> Option<MessageNumber> {
        self.command.message()
    }
}

/// What a server makes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing is looked at.
    Nothing,
    Command,
    /// It answered without asking.
    Itself,
    Response,
    Cancelled,
    Rejected(CommandError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Err,
}

/// A client, a server, and nothing between them.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: ClientSession,
    pub(crate) server: ServerSession,
    /// Commands that ended at the client, in their order.
    pub(crate) ended: Vec<Option<Keyword>>,
    /// Whether the server is to remove what is marked, once it is closed.
    pub(crate) commit: Option<bool>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let mut client = ClientConfig::strict(Security::PlaintextAllowed);
        client.pipelining = Pipelining::Always;
        let limits = &mut client.limits;
        (limits.status_line, limits.listing_line) = (512, 512);
        (limits.sasl_line, limits.input_block) = (512, 512);
        let mut server = ServerConfig::new();
        (server.plaintext, server.apop, server.stls) = (true, true, true);
        server.mechanisms = vec![MechanismName::PLAIN];
        server.utf8 = Utf8Offer::Yes;
        server.languages = vec![english()];
        let limits = &mut server.limits;
        (limits.sasl_line, limits.input_block) = (512, 512);
        (limits.bad_commands_before_login, limits.login_attempts) = (100, 100);
        let timestamp = ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").expect("RFC 1939");
        let server =
            ServerSession::with_timestamp(server, Channel::Clear, text("ready"), timestamp)
                .expect("a way to authenticate");
        let client = ClientSession::new(client, Channel::Clear);
        Self { client, server, ended: Vec::new(), commit: None }
    }

    /// The client asks, and is answered `+OK`.
    pub(crate) fn give(&mut self, row: &Row) {
        self.ask(row);
        self.listen();
        self.answer(row, Outcome::Ok);
    }

    /// The client says it, and the server has it.
    pub(crate) fn ask(&mut self, row: &Row) {
        self.client.send(&row.command).expect("legal");
        self.carry();
    }

    /// What the client wrote goes to the server.
    pub(crate) fn carry(&mut self) {
        let mut out = self.client.outgoing();
        let len = out.remaining();
        // Behind STLS nothing is taken.
        self.server.receive(out.chunk());
        out.advance(len);
    }

    /// What the server wrote goes to the client.
    pub(crate) fn deliver(&mut self) {
        let octets = written(&mut self.server);
        self.tell(&octets);
    }

    /// The client is told this, by whomever.
    pub(crate) fn tell(&mut self, octets: &[u8]) {
        assert_eq!(self.client.receive(octets), octets.len());
        while let Ok(Some(event)) = self.client.poll_event() {
            match event {
                Event::Completed { id, .. }
                | Event::Finished { id }
                | Event::StartTls { id, .. } => self.ended.push(id.keyword()),
                _ => {}
            }
        }
    }

    /// What the server makes of what it has.
    pub(crate) fn listen(&mut self) -> Seen {
        loop {
            return match self.server.poll_event() {
                Some(ServerEvent::Command(_)) => Seen::Command,
                Some(ServerEvent::Rejected(error)) => Seen::Rejected(error),
                Some(ServerEvent::SaslResponse(_)) => Seen::Response,
                Some(ServerEvent::SaslCancelled) => Seen::Cancelled,
                Some(ServerEvent::Closed { commit }) => {
                    self.commit = Some(commit);
                    continue;
                }
                Some(_) => continue,
                None if self.server.wants_write() => Seen::Itself,
                None => Seen::Nothing,
            };
        }
    }

    /// What the server makes of this line.
    pub(crate) fn hear(&mut self, line: &[u8]) -> Seen {
        self.listen();
        let line = [line, b"\r\n"].concat();
        let (mut rest, mut seen) = (line.as_slice(), Seen::Nothing);
        while seen == Seen::Nothing && !rest.is_empty() {
            let taken = self.server.receive(rest);
            if taken == 0 {
                break;
            }
            rest = &rest[taken..];
            seen = self.listen();
        }
        self.server.receive(rest);
        seen
    }

    /// The server answers what it has seen of a row, and the client has the answer.
    pub(crate) fn answer(&mut self, row: &Row, outcome: Outcome) {
        let answer = match outcome {
            Outcome::Ok => row.answers[0].as_str(),
            Outcome::Err => "refuse",
        };
        answer_by(&mut self.server, answer).expect("an answer that fits");
        if answer == "begin" {
            answer_by(&mut self.server, "finish").expect("it was begun");
        }
        self.deliver();
    }

    pub(crate) fn establish_tls(&mut self) {
        self.listen();
        self.server.tls_established().expect("STLS was answered");
        self.client.tls_established().expect("STLS was answered");
    }
}

/// Every way to answer.
pub(crate) const ANSWERS: [&str; 13] = [
    "refuse",
    "ok",
    "authenticated",
    "failed",
    "challenge",
    "language",
    "drop",
    "scan",
    "id",
    "begin",
    "finish",
    "rejection",
    "tls",
];

pub(crate) fn answer_by(server: &mut ServerSession, name: &str) -> Result<(), RespondError> {
    let text = text("text");
    match name {
        "itself" => Ok(()),
        "refuse" => server.err(None, &text),
        "ok" => server.ok(&text),
        "authenticated" => server.authenticated(&text),
        "failed" => server.authentication_failed(),
        "challenge" => server.challenge(&Base64::empty()),
        "language" => server.language(&english()),
        "drop" => server.drop_listing(DropListing::new(2, 320)),
        "scan" => server.scan_listing(ScanListing::new(number(1), 120)),
        "id" => server.unique_id_listing(&UniqueIdListing::new(number(1), unique_id("a"))),
        "begin" => server.begin_multiline(&text),
        "finish" => server.finish_multiline(),
        "rejection" => server.reject(),
        "tls" => server.tls_established(),
        name => panic!("{name}"),
    }
}

fn english() -> LanguageListing {
    LanguageListing::new(LanguageTag::new("en").expect("a tag"), text("English"))
}
