//! Every command at every point of a session with every outcome, and what may be sent when.

mod effects;
mod outcomes;
mod pipelining;
mod refusals;

use pop3_proto::client::Eof;
use pop3_proto::state::{Keyword, Points};
use pop3_proto::{Command, LanguageRange, RawFraming};

use crate::support::{GREETING, Step, apop, auth, dele, login, number, pass, retr, s, user};

/// Where a session stands when a command is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    BeforeGreeting,
    Authorization,
    AfterUser,
    Transaction,
    AfterQuit,
    Closed,
    Failed,
}

impl Point {
    /// What leads to it.
    fn script(self) -> Vec<Step> {
        match self {
            Self::BeforeGreeting => vec![],
            Self::Authorization => vec![s(GREETING)],
            Self::AfterUser => login().drain(..3).collect(),
            Self::Transaction => login(),
            Self::AfterQuit => [login(), vec![Step::C(Command::Quit)]].concat(),
            Self::Closed => {
                [login(), vec![Step::C(Command::Quit), s("+OK\r\n"), Step::End(Eof::Clean)]]
                    .concat()
            }
            Self::Failed => [login(), vec![s("+OK nobody asked\r\n")]].concat(),
        }
    }

    /// Letters for the rows below.
    fn letter(self) -> Option<char> {
        match self {
            Self::Authorization => Some('A'),
            Self::AfterUser => Some('U'),
            Self::Transaction => Some('T'),
            _ => None,
        }
    }

    fn points(self) -> Option<Points> {
        match self {
            Self::Authorization => Some(Points::AUTHORIZATION),
            Self::AfterUser => Some(Points::AFTER_USER),
            Self::Transaction => Some(Points::TRANSACTION),
            _ => None,
        }
    }
}

/// One command, and what a positive reply to it comes to.
struct Row {
    command: Command,
    wire: &'static str,
    /// Where it is legal: A, U (after USER), T.
    legal: &'static str,
    positive: &'static str,
    /// The events of it, without the id.
    events: &'static [&'static str],
    after: After,
    /// The answer to an empty challenge that comes first.
    response: Option<&'static str>,
}

/// The session after a positive reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Unchanged,
    Named,
    Transaction,
    Marked,
    Tls,
    Utf8,
    Closed,
}

fn row(command: Command, wire: &'static str, legal: &'static str) -> Row {
    Row {
        command,
        wire,
        legal,
        positive: "+OK done\r\n",
        events: &["completed + \"done\""],
        after: After::Unchanged,
        response: None,
    }
}

impl Row {
    fn says(mut self, positive: &'static str, events: &'static [&'static str]) -> Self {
        (self.positive, self.events) = (positive, events);
        self
    }

    fn leads_to(mut self, after: After) -> Self {
        self.after = after;
        self
    }

    fn answers(mut self, response: &'static str) -> Self {
        self.response = Some(response);
        self
    }

    fn is_multiline(&self) -> bool {
        self.events.last() == Some(&"finished")
    }
}

const BODY: (&str, &[&str]) = (
    "+OK 8 octets\r\na\r\n..b\r\n.\r\n",
    &["started + \"8 octets\"", "data \"a\\r\\n.b\\r\\n\"", "finished"],
);

/// The rows of `keyword`. A new keyword without a row fails here.
fn rows(keyword: Keyword) -> Vec<Row> {
    match keyword {
        Keyword::User => vec![row(user("mrose"), "USER mrose", "A").leads_to(After::Named)],
        Keyword::Pass => vec![
            row(pass("secret"), "PASS secret", "U").leads_to(After::Transaction),
            row(pass(" two  words "), "PASS  two  words ", "U").leads_to(After::Transaction),
        ],
        Keyword::Apop => vec![
            row(apop(), "APOP mrose c4c9334bac560ecc979e58001b3e22fb", "A")
                .leads_to(After::Transaction),
        ],
        Keyword::Stat => vec![
            row(Command::Stat, "STAT", "T")
                .says("+OK 2 320\r\n", &["drop 2 320", "completed + \"2 320\""]),
        ],
        Keyword::List => vec![
            row(Command::List(None), "LIST", "T").says(
                "+OK two\r\n1 120\r\n2 200\r\n.\r\n",
                &["started + \"two\"", "scan 1 120", "scan 2 200", "finished"],
            ),
            row(Command::List(Some(number(2))), "LIST 2", "T")
                .says("+OK 2 200\r\n", &["scan 2 200", "completed + \"2 200\""]),
        ],
        Keyword::Uidl => vec![
            row(Command::Uidl(None), "UIDL", "T").says(
                "+OK\r\n1 a\r\n2 b\r\n.\r\n",
                &["started + \"\"", "id 1 a", "id 2 b", "finished"],
            ),
            row(Command::Uidl(Some(number(2))), "UIDL 2", "T")
                .says("+OK 2 b\r\n", &["id 2 b", "completed + \"2 b\""]),
        ],
        Keyword::Retr => vec![row(retr(1), "RETR 1", "T").says(BODY.0, BODY.1)],
        Keyword::Top => vec![
            row(Command::Top { message: number(1), lines: 0 }, "TOP 1 0", "T").says(BODY.0, BODY.1),
            row(
                Command::Top { message: number(u32::MAX), lines: u64::MAX },
                "TOP 4294967295 18446744073709551615",
                "T",
            )
            .says(BODY.0, BODY.1),
        ],
        Keyword::Dele => vec![row(dele(1), "DELE 1", "T").leads_to(After::Marked)],
        Keyword::Noop => vec![row(Command::Noop, "NOOP", "T")],
        Keyword::Rset => vec![row(Command::Rset, "RSET", "T")],
        Keyword::Capa => vec![row(Command::Capa, "CAPA", "AT").says(
            "+OK\r\nTOP\r\nSASL PLAIN\r\n.\r\n",
            &["started + \"\"", "capability TOP", "capability SASL PLAIN", "finished"],
        )],
        Keyword::Quit => vec![row(Command::Quit, "QUIT", "AUT").leads_to(After::Closed)],
        Keyword::Auth => vec![
            row(
                auth("PLAIN", Some("AG1yb3NlAHNlY3JldA==")),
                "AUTH PLAIN AG1yb3NlAHNlY3JldA==",
                "A",
            )
            .leads_to(After::Transaction),
            row(auth("EXTERNAL", Some("")), "AUTH EXTERNAL =", "A").leads_to(After::Transaction),
            row(auth("PLAIN", None), "AUTH PLAIN", "A")
                .answers("AG1yb3NlAHNlY3JldA==")
                .leads_to(After::Transaction),
            mechanisms(false, "AUTH"),
            mechanisms(true, "AUTH "),
        ],
        Keyword::Stls => vec![
            row(Command::Stls, "STLS", "A")
                .says("+OK done\r\n", &["starts TLS + \"done\""])
                .leads_to(After::Tls),
        ],
        Keyword::Utf8 => vec![row(Command::Utf8, "UTF8", "A").leads_to(After::Utf8)],
        Keyword::Lang => vec![
            row(Command::Lang(None), "LANG", "AT").says(
                "+OK\r\nen English\r\ni-default\r\n.\r\n",
                &[
                    "started + \"\"",
                    "language en \"English\"",
                    "language i-default \"\"",
                    "finished",
                ],
            ),
            row(language("sv"), "LANG sv", "AT").says(
                "+OK sv Kommandot lyckades\r\n",
                &["language sv \"Kommandot lyckades\"", "completed + \"sv Kommandot lyckades\""],
            ),
            row(language("*"), "LANG *", "AT")
                .says("+OK en ok\r\n", &["language en \"ok\"", "completed + \"en ok\""]),
        ],
        other => panic!("{other} has no row"),
    }
}

/// The list that no RFC has.
fn mechanisms(trailing_space: bool, wire: &'static str) -> Row {
    row(Command::Mechanisms { trailing_space }, wire, "A").says(
        "+OK\r\nPLAIN\r\nx-own_1\r\n.\r\n",
        &["started + \"\"", "mechanism PLAIN", "mechanism X-OWN_1", "finished"],
    )
}

fn language(range: &str) -> Command {
    Command::Lang(Some(LanguageRange::new(range).unwrap()))
}

fn table() -> Vec<Row> {
    let raw = |framing| Command::raw("XTND XLST", framing).unwrap();
    let mut table: Vec<Row> = Keyword::ALL.iter().copied().flat_map(rows).collect();
    table.push(row(raw(RawFraming::SingleLine), "XTND XLST", "AT"));
    table.push(row(raw(RawFraming::Multiline), "XTND XLST", "AT").says(BODY.0, BODY.1));
    table
}
