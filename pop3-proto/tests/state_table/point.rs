//! The points of a session, and what may be said at each.

use pop3_proto::CommandError;
use pop3_proto::client::{Channel, ClientSession, SendError};
use pop3_proto::state::{Keyword, State};

use crate::pair::{Outcome, Pair, Row, Seen};
use crate::server_support::number;
use crate::{ROWS, row};

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Greeting,
    Authorization,
    AfterUser,
    /// A challenge waits for its response.
    Exchange,
    /// STLS is not answered.
    Stls,
    /// STLS was answered `+OK`.
    Handshake,
    Transaction,
    /// TRANSACTION with message 1 marked as deleted.
    Marked,
    /// QUIT in TRANSACTION is not answered.
    Quit,
    /// QUIT in TRANSACTION was answered.
    Update,
    /// QUIT in AUTHORIZATION was answered.
    Closed,
}

use Phase::{
    AfterUser, Authorization, Closed, Exchange, Greeting, Handshake, Marked, Quit, Stls,
    Transaction,
};

/// A point of the table: where a session stands, under TLS or not, in UTF-8 mode or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) phase: Phase,
    pub(crate) tls: bool,
    pub(crate) utf8: bool,
}

impl Point {
    pub(crate) const fn new(phase: Phase) -> Self {
        Self { phase, tls: false, utf8: false }
    }

    pub(crate) fn all() -> Vec<Self> {
        let everywhere =
            [Authorization, AfterUser, Exchange, Transaction, Marked, Quit, Phase::Update, Closed];
        let mut points = [Greeting, Stls, Handshake].map(Self::new).to_vec();
        for (tls, utf8) in [(false, false), (true, false), (false, true), (true, true)] {
            points.extend(everywhere.map(|phase| Self { phase, tls, utf8 }));
        }
        points
    }

    /// What leads to it.
    pub(crate) fn reach(self) -> Pair {
        let mut pair = Pair::new();
        if self.phase == Greeting {
            return pair;
        }
        pair.deliver();
        if self.tls {
            pair.give(row("STLS"));
            pair.establish_tls();
        }
        if self.utf8 {
            pair.give(row("UTF8"));
        }
        let login: &[&str] = match self.phase {
            Transaction | Marked | Quit | Phase::Update => &["USER mrose", "PASS secret"],
            AfterUser => &["USER mrose"],
            _ => &[],
        };
        for line in login {
            pair.give(row(line));
        }
        match self.phase {
            Exchange => pair.give(row("AUTH PLAIN")),
            Stls => pair.ask(row("STLS")),
            Handshake => pair.give(row("STLS")),
            Marked => pair.give(row("DELE 1")),
            Quit => pair.ask(row("QUIT")),
            Phase::Update | Closed => pair.give(row("QUIT")),
            _ => {}
        }
        pair.ended.clear();
        pair
    }

    /// Where a row may be given.
    fn admits(self, row: &Row) -> bool {
        match self.phase {
            Authorization if row.given.contains("A*") => !self.tls && !self.utf8,
            Authorization => row.given.contains('A'),
            AfterUser => row.given.contains('U') && !row.given.contains("U(s)"),
            Transaction | Marked => row.given.contains('T'),
            _ => false,
        }
    }

    pub(crate) const fn state(self) -> State {
        match self.phase {
            Greeting => State::Greeting,
            Transaction | Marked | Quit => State::Transaction,
            Phase::Update | Closed => State::Closed,
            _ => State::Authorization,
        }
    }

    /// What the client says to a row before it sends it; `None` if it is taken.
    pub(crate) fn client(self, row: &Row, beside: Option<&Row>) -> Option<SendError> {
        let keyword = row.keyword();
        match (self.phase, beside) {
            (Greeting, _) => return Some(SendError::BeforeGreeting),
            (Quit | Phase::Update | Closed, _) => return Some(SendError::Over),
            (Handshake, _) => return Some(SendError::TlsDue),
            (Exchange, _) => return Some(SendError::Barrier { keyword: Keyword::Auth }),
            (Stls, _) => return Some(SendError::Barrier { keyword: Keyword::Stls }),
            (_, Some(before)) if before.leads_to == "the end" => return Some(SendError::Over),
            (_, Some(before)) if before.beside != "anything" => {
                return before.keyword().map(|keyword| SendError::Barrier { keyword });
            }
            (_, Some(_)) if row.beside == "nothing" => {
                return keyword.map(|keyword| SendError::Barrier { keyword });
            }
            _ => {}
        }
        let late = row.given.contains("A*") && (self.tls || self.utf8);
        if late && self.phase == Authorization {
            return Some(SendError::TooLateForTls);
        }
        if !self.admits(row) {
            return Some(SendError::WrongState { keyword, state: self.state() });
        }
        let unmarking = beside.is_some_and(|before| before.leads_to == "unmarked");
        match row.message().filter(|message| self.phase == Marked && message.value() == 1) {
            Some(_) if unmarking => Some(SendError::Barrier { keyword: Keyword::Rset }),
            Some(message) => Some(SendError::MarkedDeleted(message)),
            None => None,
        }
    }

    /// What the server makes of a row.
    pub(crate) fn server(self, row: &Row) -> Seen {
        let listed = self.phase == AfterUser && row.given.contains("U(s)");
        match (self.phase, row.keyword()) {
            (Stls | Handshake | Quit | Phase::Update | Closed, _) => Seen::Nothing,
            // A keyword of four letters may be base64 (RFC 5034 §4).
            (Exchange, _) if !row.line.contains(' ') => Seen::Response,
            (Exchange, _) => Seen::Rejected(CommandError::Base64),
            (Greeting, _) => Self::new(Authorization).server(row),
            (_, None) => Seen::Rejected(CommandError::Unknown),
            (_, Some(keyword)) if !self.admits(row) && !listed => {
                Seen::Rejected(CommandError::WrongState(keyword))
            }
            _ if row.answers[0] == "itself" => Seen::Itself,
            _ => Seen::Command,
        }
    }

    /// Where both stand once a row was answered here.
    pub(crate) fn after(self, row: &Row, outcome: Outcome) -> Self {
        let ended = if matches!(self.phase, Transaction | Marked) { Phase::Update } else { Closed };
        let phase = match (row.leads_to.as_str(), outcome) {
            ("the end", _) => ended,
            ("after USER", Outcome::Ok) => AfterUser,
            ("TRANSACTION" | "unmarked", Outcome::Ok) => Transaction,
            ("exchange", Outcome::Ok) => Exchange,
            ("TLS", Outcome::Ok) => Handshake,
            ("marked", Outcome::Ok) => Marked,
            ("UTF-8 mode", Outcome::Ok) => return Self { utf8: true, ..self },
            _ => return self.refusing(),
        };
        Self { phase, ..self }
    }

    /// Where a server stands once it has refused a line here: a name that USER gave is forgotten, and so is an exchange.
    pub(crate) const fn refusing(self) -> Self {
        match self.phase {
            AfterUser | Exchange | Greeting => Self { phase: Authorization, ..self },
            _ => self,
        }
    }

    /// Whether a server that stands here removes what is marked, once it is closed (RFC 1939 §6).
    pub(crate) fn closed(self) -> Option<bool> {
        matches!(self.phase, Phase::Update | Closed).then_some(self.phase == Phase::Update)
    }

    /// Whether a client holds message 1 for marked where it is, and only there. Once it has left, it says what was.
    pub(crate) fn marks(self, client: &ClientSession) -> bool {
        self.phase == Phase::Update || client.is_marked(number(1)) == (self.phase == Marked)
    }

    /// Whether a client stands here: by what it says of itself, and by what it lets be sent. What it refuses changes nothing.
    pub(crate) fn client_stands(self, reach: impl Fn() -> Pair, told: &str) {
        let pair = reach();
        let client = &pair.client;
        assert_eq!(client.state(), self.state(), "{told}");
        assert_eq!(
            (client.channel() == Channel::Tls, client.utf8()),
            (self.tls, self.utf8),
            "{told}"
        );
        assert!(self.marks(client), "{told}");
        for row in ROWS.iter() {
            let mut pair = reach();
            let before = format!("{:?}", pair.client);
            let refused = pair.client.send(&row.command).err();
            assert_eq!(refused, self.client(row, None), "{told}, then {}", row.line);
            if refused.is_some() {
                assert_eq!(format!("{:?}", pair.client), before, "I8: {told}, then {}", row.line);
            }
        }
    }

    /// Whether a server stands here.
    pub(crate) fn server_stands(self, reach: impl Fn() -> Pair, told: &str) {
        let state = match self.phase {
            Greeting => State::Authorization,
            Quit => State::Update,
            _ => self.state(),
        };
        let mut pair = reach();
        pair.listen();
        assert_eq!((pair.server.state(), pair.server.utf8()), (state, self.utf8), "{told}");
        assert_eq!(pair.server.channel() == Channel::Tls, self.tls, "{told}");
        for row in ROWS.iter() {
            let seen = reach().hear(row.line.as_bytes());
            assert_eq!(seen, self.server(row), "{told}, then {}", row.line);
        }
    }
}
