//! Every command at every point of a session with every outcome, and what may be sent when.

mod support;

use pop3_proto::client::{
    Channel, ClientConfig, Eof, Pipelining, Security, SendError, SendPolicy, Support, Update,
    Waiting,
};
use pop3_proto::state::{Barrier, Keyword, Points, State};
use pop3_proto::{Command, InvalidValue, LanguageRange, Mailbox, Password, RawFraming};
use support::{
    GREETED, GREETING, Run, Step, all_ways, apop, auth, dele, encoded, expect_in_transaction,
    login, number, outlook, pass, presets, retr, s, strict, tolerant, user,
};

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

const POINTS: [Point; 7] = [
    Point::BeforeGreeting,
    Point::Authorization,
    Point::AfterUser,
    Point::Transaction,
    Point::AfterQuit,
    Point::Closed,
    Point::Failed,
];

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

/// What becomes of a command that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Positive,
    Negative,
    MalformedStatus,
    EofBefore,
    EofMidway,
}

const OUTCOMES: [Outcome; 5] = [
    Outcome::Positive,
    Outcome::Negative,
    Outcome::MalformedStatus,
    Outcome::EofBefore,
    Outcome::EofMidway,
];

/// The table of `state.rs` says of every command what the rows say, and the octets are these.
///
/// R1939-3.02, R1939-5.04, R1939-7.04, R1939-7.07, R1939-7.08, R2449-5.01, R2595-4.06, R5034-4.01, R5034-4.05,
/// R5034-4.22, R6856-2.1.01, R6856-3.1.01, R6856-3.2.03, R4422-3.8.01, C0012, C0015, C0024, C0027, C0030, C0032, C0042,
/// C0046, V0004.
#[test]
fn the_rows_agree_with_the_table_of_states() {
    for row in table() {
        let keyword = row.command.keyword();
        assert_eq!(encoded(&row.command), format!("{}\r\n", row.wire).as_bytes());
        for point in POINTS {
            let legal = point.letter().is_some_and(|letter| row.legal.contains(letter));
            if let (Some(keyword), Some(here)) = (keyword, point.points()) {
                assert_eq!(keyword.rule().legal.contains(here), legal, "{keyword} at {point:?}");
            }
        }
    }
}

/// Every command × every point × every outcome: whether it is taken, the octets sent, the events, the state, the marks
/// and what became of the maildrop.
///
/// R1939-3.09, R1939-3.11, R1939-5.04, R1939-6.01, R1939-6.02, R1939-7.07, R1939-7.08, R1939-7.09, R1939-4.02, C0007, C0014, C0016,
/// C0018, C0025, C0028, C0033, C0035, C0043, C0044, C0045, C0047, V0005, I1, I5, I8, I9; H3, H4, H6, H7, H10, H16.
#[test]
fn every_command_at_every_point_with_every_outcome() {
    for row in table() {
        for point in POINTS {
            if point.letter().is_some_and(|letter| row.legal.contains(letter)) {
                for outcome in OUTCOMES {
                    taken(&row, point, outcome);
                }
            } else {
                refused(&row, point);
            }
        }
    }
}

fn refused(row: &Row, point: Point) {
    let mut run = all_ways(strict(), &point.script());
    let keyword = row.command.keyword();
    let error = match point {
        Point::BeforeGreeting => SendError::BeforeGreeting,
        Point::AfterQuit | Point::Closed | Point::Failed => SendError::Over,
        Point::Authorization | Point::AfterUser => {
            SendError::WrongState { keyword, state: State::Authorization }
        }
        Point::Transaction => SendError::WrongState { keyword, state: State::Transaction },
    };
    assert!(!error.is_transient());
    let (sent, _) = (run.sent.clone(), run.take_trace());
    assert_eq!(run.send(&row.command), Err(error), "{} at {point:?}", row.wire);
    run.poll();
    run.flush();
    assert_eq!(run.sent, sent, "{} at {point:?} left", row.wire);
}

fn taken(row: &Row, point: Point, outcome: Outcome) {
    let mut script = point.script();
    let before = all_ways(strict(), &script);
    let (sent_before, id) = (before.sent.len(), before.ids.len());
    script.push(Step::C(row.command.clone()));
    script.extend(row.response.into_iter().flat_map(|text| [s("+ \r\n"), Step::Answer(text)]));
    let reply = match outcome {
        Outcome::Positive => row.positive,
        Outcome::Negative => "-ERR [SYS/TEMP] not now\r\n",
        Outcome::MalformedStatus => "OOPS secret\r\n",
        Outcome::EofBefore => "",
        // All but the last octet.
        Outcome::EofMidway => &row.positive[..row.positive.len() - 1],
    };
    script.push(s(reply));
    if matches!(outcome, Outcome::EofBefore | Outcome::EofMidway) {
        script.push(Step::End(Eof::Clean));
    }
    let mut run = all_ways(strict(), &script);
    let context = format!("{} at {point:?}: {outcome:?}", row.wire);
    let response = row.response.map_or_else(String::new, |text| format!("{text}\r\n"));
    assert_eq!(
        run.sent[sent_before..],
        *format!("{}\r\n{response}", row.wire).as_bytes(),
        "{context}"
    );

    let told: Vec<String> = run.take_trace().split_off(login_lines(point));
    assert_eq!(told, told_of(row, point, outcome, id), "{context}");

    let quit = row.command == Command::Quit;
    let in_transaction = point == Point::Transaction;
    let state = match (outcome, row.after) {
        (Outcome::Positive | Outcome::Negative, After::Closed) => State::Closed,
        (Outcome::Positive, After::Transaction) => State::Transaction,
        (Outcome::Positive | Outcome::Negative, _) if in_transaction => State::Transaction,
        (Outcome::Positive | Outcome::Negative, _) => State::Authorization,
        (Outcome::MalformedStatus, _) => State::Failed,
        _ if quit => State::Closed,
        _ => State::Failed,
    };
    assert_eq!(run.session.state(), state, "{context}");
    let update = match outcome {
        _ if !quit || !in_transaction => Update::NotRequested,
        Outcome::Positive => Update::Committed,
        Outcome::Negative => Update::Refused,
        _ => Update::Unknown,
    };
    assert_eq!(run.session.update(), update, "{context}");
    let now = |after| outcome == Outcome::Positive && row.after == after;
    assert_eq!(run.session.is_marked(number(1)), now(After::Marked), "{context}");
    assert_eq!(run.session.utf8(), now(After::Utf8), "{context}");
    let waiting = if now(After::Tls) { Waiting::Tls } else { Waiting::Nothing };
    assert_eq!(run.session.waiting(), waiting, "{context}");
    assert_eq!(run.session.in_flight(), 0, "{context}");
    let list = run.session.capabilities().map(pop3_proto::Capabilities::len);
    let complete = outcome == Outcome::Positive && row.command == Command::Capa;
    assert_eq!(list, complete.then_some(2), "{context}");
    if state == State::Authorization {
        assert_eq!(run.send(&pass("x")).is_ok(), now(After::Named), "{context}: PASS behind it");
    }
}

/// Lines of the trace before the command.
fn login_lines(point: Point) -> usize {
    match point {
        Point::Authorization => 1,
        Point::AfterUser => 2,
        _ => 3,
    }
}

fn told_of(row: &Row, point: Point, outcome: Outcome, id: usize) -> Vec<String> {
    let keyword = row.command.keyword();
    let quit = keyword == Some(Keyword::Quit);
    let update = |asked| if point == Point::Transaction { asked } else { "NotRequested" };
    let mut lines: Vec<String> =
        row.response.iter().map(|_| format!("#{id} challenge \"\"")).collect();
    lines.extend(match outcome {
        Outcome::Positive => row.events.iter().map(|event| format!("#{id} {event}")).collect(),
        Outcome::Negative => vec![format!("#{id} completed - \"[SYS/TEMP] not now\"")],
        Outcome::MalformedStatus => {
            let line = if row.command.holds_credential() {
                "(withheld: it may echo a credential)"
            } else {
                "\"OOPS secret\""
            };
            vec![format!("error MalformedStatus {{ line: {line} }}")]
        }
        Outcome::EofBefore | Outcome::EofMidway if matches!(row.command, Command::Auth { .. }) => {
            vec!["error AuthenticationInterrupted { refusal: None, eof: Clean }".to_owned()]
        }
        Outcome::EofBefore | Outcome::EofMidway if quit => {
            vec![format!("closed {} Clean", update("Unknown"))]
        }
        Outcome::EofMidway if row.is_multiline() => {
            let events = &row.events[..row.events.len() - 1];
            let mut lines: Vec<_> = events.iter().map(|event| format!("#{id} {event}")).collect();
            lines.push(eof("Rest", id));
            lines
        }
        Outcome::EofBefore | Outcome::EofMidway => vec![eof("Reply", id)],
    });
    match outcome {
        Outcome::Positive if quit => lines.push(format!("closed {}", update("Committed"))),
        Outcome::Negative if quit => lines.push(format!("closed {}", update("Refused"))),
        _ => {}
    }
    lines
}

fn eof(waiting: &str, id: usize) -> String {
    format!("error UnexpectedEof {{ waiting: {waiting}(CommandId({id})), eof: Clean }}")
}

/// C0045, C0047, R2595-4.03, H16: behind what logs in, STLS, UTF8, LANG and QUIT nothing is taken until their reply is
/// in; once it is, what is legal then is taken.
#[test]
fn nothing_behind_a_barrier() {
    let barriers: Vec<Row> = table()
        .into_iter()
        .filter(|row| {
            row.command.keyword().is_some_and(|keyword| keyword.rule().barrier > Barrier::None)
        })
        .collect();
    let names: Vec<_> = barriers.iter().map(|row| row.wire).collect();
    assert_eq!(
        names,
        [
            "USER mrose",
            "PASS secret",
            "PASS  two  words ",
            "APOP mrose c4c9334bac560ecc979e58001b3e22fb",
            "AUTH PLAIN AG1yb3NlAHNlY3JldA==",
            "AUTH EXTERNAL =",
            "AUTH PLAIN",
            "AUTH",
            "AUTH ",
            "STLS",
            "UTF8",
            "LANG",
            "LANG sv",
            "LANG *",
            "QUIT",
        ]
    );
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    for barrier in &barriers {
        let point = if barrier.legal == "U" { Point::AfterUser } else { Point::Authorization };
        for behind in table() {
            let mut run = all_ways(config, &point.script());
            run.send(&barrier.command).unwrap();
            let keyword = barrier.command.keyword().unwrap();
            let error = match keyword {
                Keyword::Quit => SendError::Over,
                keyword => SendError::Barrier { keyword },
            };
            assert_eq!(error.is_transient(), keyword != Keyword::Quit);
            assert_eq!(run.send(&behind.command), Err(error), "{}", behind.wire);
        }
    }
}

/// R2595-4.03, RFC 5034 §4: AUTH and STLS are not taken while a reply is owed, not even where everything else may be
/// pipelined; once it is in, they are.
#[test]
fn nothing_before_auth_and_stls() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let around = table().into_iter().filter(|row| {
        row.command.keyword().is_some_and(|keyword| keyword.rule().barrier == Barrier::Around)
    });
    let mut tried = 0;
    for row in around {
        let keyword = row.command.keyword().unwrap();
        let mut run = Run::greeted(config);
        run.queue(&Command::Capa).unwrap();
        let refused = Err(SendError::Barrier { keyword });
        assert_eq!(run.send(&row.command), refused, "{}", row.wire);
        run.flush();
        run.feed(b"+OK\r\n");
        assert_eq!(run.send(&row.command), refused, "{}", row.wire);
        run.feed(b".\r\n");
        assert!(run.send(&row.command).is_ok(), "{}", row.wire);
        tried += 1;
    }
    assert_eq!(tried, 6);
}

/// R2449-6.6.02: more than one command is in flight only where PIPELINING was announced, or the caller says so; replies
/// are matched in order.
#[test]
fn pipelining_announced_always_and_never() {
    let list = "+OK\r\nPipelining\r\n.\r\n";
    let bare = "+OK\r\nTOP\r\n.\r\n";
    for (pipelining, capabilities, may) in [
        (Pipelining::Announced, None, false),
        (Pipelining::Announced, Some(bare), false),
        (Pipelining::Announced, Some(list), true),
        (Pipelining::Announced, Some("-ERR\r\n"), false),
        (Pipelining::Always, None, true),
        (Pipelining::Always, Some(bare), true),
        (Pipelining::Never, None, false),
        (Pipelining::Never, Some(list), false),
    ] {
        let mut config = tolerant();
        config.pipelining = pipelining;
        let mut run = Run::in_transaction(config);
        if let Some(capabilities) = capabilities {
            run.send(&Command::Capa).unwrap();
            run.feed(capabilities.as_bytes());
            run.take_trace();
            run.sent.clear();
        }
        assert_eq!(run.session.may_pipeline(), may);
        let first = run.send(&Command::Stat).unwrap();
        let second = run.send(&retr(1));
        if may {
            let second = second.unwrap();
            let third = run.send(&Command::Noop).unwrap();
            assert_eq!(run.sent, b"STAT\r\nRETR 1\r\nNOOP\r\n");
            run.feed(b"+OK 1 2\r\n+OK\r\nx\r\n.\r\n-ERR\r\n");
            let lines = [
                format!("{first} drop 1 2"),
                format!("{first} completed + \"1 2\""),
                format!("{second} started + \"\""),
                format!("{second} data \"x\\r\\n\""),
                format!("{second} finished"),
                format!("{third} completed - \"\""),
            ];
            assert_eq!(run.take_trace(), lines);
        } else {
            assert_eq!(second, Err(SendError::NotPipelined));
            assert!(SendError::NotPipelined.is_transient());
            run.feed(b"+OK 1 2\r\n");
            assert!(run.send(&retr(1)).is_ok());
        }
    }
}

/// H17: a pipelined run of which every command fails does not shift a reply.
#[test]
fn refusals_in_a_pipeline_do_not_shift() {
    let mut config = strict();
    config.pipelining = Pipelining::Always;
    let commands = [Command::Stat, retr(1), Command::List(None), Command::Uidl(None), dele(1)];
    let mut script: Vec<Step> = commands.into_iter().map(Step::C).collect();
    script.push(s("-ERR a\r\n-ERR b\r\n-ERR c\r\n+OK\r\n1 x\r\n.\r\n-ERR e\r\n"));
    expect_in_transaction(
        config,
        &script,
        &[
            "#2 completed - \"a\"",
            "#3 completed - \"b\"",
            "#4 completed - \"c\"",
            "#5 started + \"\"",
            "#5 id 1 x",
            "#5 finished",
            "#6 completed - \"e\"",
        ],
    );
}

/// I3: no more commands are in flight than the limit says, and one reply makes room for one.
#[test]
fn the_limit_of_commands_in_flight() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    config.limits.in_flight = 3;
    let mut run = Run::in_transaction(config);
    for _ in 0..3 {
        run.send(&Command::Noop).unwrap();
    }
    let full = SendError::TooManyInFlight { limit: 3 };
    assert!(full.is_transient());
    assert_eq!(run.send(&Command::Noop), Err(full.clone()));
    run.feed(b"+OK\r\n");
    assert_eq!(run.session.in_flight(), 2);
    assert!(run.send(&Command::Noop).is_ok());
    assert_eq!(run.send(&Command::Noop), Err(full));

    // Nothing could ever leave under a limit of 0: it counts as 1.
    config.limits.in_flight = 0;
    let mut run = Run::in_transaction(config);
    run.send(&Command::Noop).unwrap();
    assert_eq!(run.send(&Command::Noop), Err(SendError::TooManyInFlight { limit: 1 }));
}

/// I3: output waits up to the limit and no octet beyond; a single line always goes.
#[test]
fn the_limit_of_output() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    config.limits.output = 12;
    let mut run = Run::in_transaction(config);
    run.queue(&Command::Noop).unwrap();
    run.queue(&Command::Noop).unwrap();
    assert!(SendError::OutputFull.is_transient());
    assert_eq!(run.queue(&Command::Noop), Err(SendError::OutputFull));
    bytes::Buf::advance(&mut run.session.outgoing(), 5);
    assert_eq!(run.queue(&Command::Noop), Err(SendError::OutputFull));
    bytes::Buf::advance(&mut run.session.outgoing(), 1);
    run.queue(&Command::Noop).unwrap();
    run.flush();
    let long = Command::raw(&"x".repeat(253), RawFraming::SingleLine).unwrap();
    assert!(run.queue(&long).is_ok());
}

/// R1939-5.03, C0026: what DELE marked can be named no more, until RSET is answered `+OK`. Nothing else marks, and
/// nothing else clears.
#[test]
fn marked_messages_are_not_named() {
    let naming: [fn(u32) -> Command; 5] = [
        retr,
        dele,
        |message| Command::Top { message: number(message), lines: 1 },
        |message| Command::List(Some(number(message))),
        |message| Command::Uidl(Some(number(message))),
    ];
    let mut run = Run::in_transaction(tolerant());
    let marked = |run: &mut Run, message: u32, is: bool| {
        assert_eq!(run.session.is_marked(number(message)), is);
        for command in naming {
            let command = command(message);
            if is {
                assert_eq!(run.send(&command), Err(SendError::MarkedDeleted(number(message))));
            }
        }
    };
    for (command, reply, one, two) in [
        (dele(1), "-ERR\r\n", false, false),
        (dele(1), "+OK\r\n", true, false),
        (retr(2), "+OK\r\n.\r\n", true, false),
        (Command::Rset, "-ERR\r\n", true, false),
        (dele(2), "+OK\r\n", true, true),
        (Command::List(None), "+OK\r\n1 1\r\n2 2\r\n.\r\n", true, true),
        (Command::Rset, "+OK\r\n", false, false),
        (dele(2), "+OK\r\n", false, true),
    ] {
        run.send(&command).unwrap();
        run.feed(reply.as_bytes());
        marked(&mut run, 1, one);
        marked(&mut run, 2, two);
        marked(&mut run, 3, false);
    }
    assert!(!SendError::MarkedDeleted(number(1)).is_transient());

    // While an RSET is in flight nobody knows: waiting for its answer decides.
    run.send(&Command::Rset).unwrap();
    let undecided = SendError::Barrier { keyword: Keyword::Rset };
    assert_eq!(run.send(&retr(2)), Err(undecided.clone()));
    assert!(undecided.is_transient());
    run.feed(b"+OK\r\n");
    run.send(&retr(2)).unwrap();
}

/// I5: marks follow the order of the replies, also in a pipeline, and legality the replies that are in.
#[test]
fn marks_follow_the_replies() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let mut run = Run::in_transaction(config);
    for command in [dele(1), retr(1), Command::Rset, dele(2)] {
        run.send(&command).unwrap();
    }
    let mut marks = Vec::new();
    for reply in ["+OK\r\n", "-ERR deleted\r\n", "+OK\r\n", "+OK\r\n"] {
        run.feed(reply.as_bytes());
        marks.push((run.session.is_marked(number(1)), run.session.is_marked(number(2))));
    }
    assert_eq!(marks, [(true, false), (true, false), (false, false), (false, true)]);
}

/// V0003, V0006, V0007, V0008: what Outlook never sends is refused under its send policy, and only that.
#[test]
fn the_send_policy_of_outlook() {
    let mut config = ClientConfig::outlook(Security::PlaintextAllowed);
    assert_eq!(config.send_policy, SendPolicy::outlook());
    for row in table() {
        let refused = ["LIST 2", "UIDL 2", "RSET"].contains(&row.wire)
            || row.command.keyword() == Some(Keyword::Apop);
        let point = match row.legal {
            "U" => Point::AfterUser,
            legal if legal.contains('A') => Point::Authorization,
            _ => Point::Transaction,
        };
        config.send_policy = SendPolicy::outlook();
        let mut run = all_ways(config, &point.script());
        match row.command.keyword() {
            Some(keyword) if refused => {
                assert_eq!(run.send(&row.command), Err(SendError::Forbidden(keyword)));
                assert!(!SendError::Forbidden(keyword).is_transient());
            }
            _ => assert!(run.send(&row.command).is_ok(), "{}", row.wire),
        }
        config.send_policy = SendPolicy::all();
        assert!(all_ways(config, &point.script()).send(&row.command).is_ok(), "{}", row.wire);
    }
}

/// R1939-7.09, R2449-6.01: APOP only behind a greeting with one well-formed timestamp.
#[test]
fn apop_needs_a_timestamp() {
    for (greeting, has) in [
        ("+OK <a@b>\r\n", true),
        ("+OK ready <1.2@c.d> go\r\n", true),
        ("+OK\r\n", false),
        ("+OK <>\r\n", false),
        ("+OK <@>\r\n", false),
        ("+OK <a@b><c@d>\r\n", false),
        ("+OK <a\x07@b>\r\n", false),
    ] {
        for config in presets() {
            let mut run = all_ways(config, &[s(greeting)]);
            let sent = run.send(&apop());
            if has {
                assert!(sent.is_ok(), "{greeting}");
            } else {
                assert_eq!(sent, Err(SendError::NoTimestamp), "{greeting}");
            }
        }
    }
    assert!(!SendError::NoTimestamp.is_transient());
}

/// R6856-2.2.02, R6856-2.2.03: UTF-8 in USER, PASS and APOP, before UTF8 too, where `UTF8 USER` was announced or the
/// caller says so, and not elsewhere.
#[test]
fn utf8_in_credentials_is_announced() {
    let name = Mailbox::utf8("j\u{fc}rgen").unwrap();
    let Command::Apop { digest, .. } = apop() else { panic!() };
    let word = |octets: &[u8]| Command::Pass(Password::opaque(octets).unwrap());
    let (utf8, latin) = (word("p\u{e4}ss".as_bytes()), word(b"p\xe4ss"));
    for (list, unannounced, taken) in [
        (None, false, false),
        (Some("-ERR\r\n"), false, false),
        (Some("+OK\r\nUSER\r\nUTF8\r\n.\r\n"), false, false),
        (Some("+OK\r\nUTF8 USER\r\n.\r\n"), false, true),
        (None, true, true),
    ] {
        let mut config = tolerant();
        config.send_policy.unannounced_utf8 = unannounced;
        let after_user = [Step::C(user("mrose")), s("+OK\r\n")];
        for (before, command) in [
            (&[][..], Command::User(name.clone())),
            (&[], Command::Apop { mailbox: name.clone(), digest: digest.clone() }),
            (&after_user, utf8.clone()),
            (&after_user, latin.clone()),
        ] {
            let mut script = vec![s(GREETING)];
            if let Some(list) = list {
                script.extend([Step::C(Command::Capa), s(list)]);
            }
            script.extend_from_slice(before);
            let keyword = command.keyword().unwrap();
            let sent = all_ways(config, &script).send(&command).map(|_| ());
            let expected = taken || command == latin;
            let refused = SendError::NotAscii(keyword);
            assert!(!refused.is_transient());
            assert_eq!(sent, if expected { Ok(()) } else { Err(refused) }, "{keyword} {list:?}");
        }
    }
}

/// R6856-3.2.03, R6856-3.2.04: `+OK` to LANG tells of a language, `-ERR` of none.
#[test]
fn a_refused_language_is_not_chosen() {
    let lang = |range| Step::C(Command::Lang(Some(LanguageRange::new(range).unwrap())));
    let chosen = ["#2 language fr \"\"", "#2 completed + \"fr \""];
    for config in presets() {
        let refused = [lang("uga"), s("-ERR pas support\u{e9}\r\n")];
        expect_in_transaction(config, &refused, &["#2 completed - \"pas support\u{e9}\""]);
        expect_in_transaction(config, &[lang("*"), s("+OK fr \r\n")], &chosen);
    }
}

/// R2449-6.9.01: whatever a server calls itself, it is told the same, and the same is made of what it says.
#[test]
fn an_implementation_changes_nothing() {
    let play = |name: &str| {
        let list = format!("+OK\r\nPIPELINING\r\nSASL PLAIN\r\n{name}.\r\n");
        let script = [
            &[s(GREETING), Step::C(Command::Capa), s(list)][..],
            &login()[1..],
            &[Step::C(Command::List(None)), s("+OK\r\n1 5 more\r\n2 x\r\n.\r\n")],
            &[Step::C(retr(1)), s("+OK\r\n..x\r\n.\r\n"), Step::C(Command::Uidl(None))],
            &[s("-ERR what\r\n"), Step::C(Command::Quit), s("+OK\r\n"), Step::End(Eof::Clean)],
        ]
        .concat();
        let mut run = all_ways(tolerant(), &script);
        let mut trace = run.take_trace();
        trace.retain(|line| !line.contains("IMPLEMENTATION"));
        (run.sent, trace)
    };
    let none = play("");
    assert!(none.0.ends_with(b"UIDL\r\nQUIT\r\n") && none.1.len() > 10, "{none:?}");
    for name in ["Cyrus POP3 3.6.1", "Microsoft Exchange", "Dovecot", "Shlemazle-Plotz-v302"] {
        assert_eq!(play(&format!("IMPLEMENTATION {name}\r\n")), none, "{name}");
    }
}

/// R2449-3.01, R2449-4.01, J8: a line has 255 octets at most, CRLF included.
#[test]
fn a_line_has_at_most_255_octets() {
    let filled = |octets: usize| {
        let opaque = Command::Pass(Password::opaque(&vec![0xe4; octets - 7]).unwrap());
        let apop = |name: usize| match apop() {
            Command::Apop { digest, .. } => {
                Command::Apop { mailbox: "a".repeat(name).parse().unwrap(), digest }
            }
            other => other,
        };
        [
            (Point::Authorization, user(&"a".repeat(octets - 7))),
            (Point::AfterUser, pass(&"a".repeat(octets - 7))),
            (Point::AfterUser, opaque),
            (Point::Authorization, apop(octets - 40)),
        ]
    };
    for (point, command) in filled(255) {
        assert_eq!((command.octets(), encoded(&command).len()), (255, 255));
        let mut run = all_ways(tolerant(), &point.script());
        let before = run.sent.len();
        assert!(run.send(&command).is_ok());
        assert_eq!(run.sent[before..], encoded(&command));
    }
    let too_long = SendError::TooLong { octets: 256, limit: 255 };
    assert!(!too_long.is_transient());
    for (point, command) in filled(256) {
        assert_eq!((command.octets(), encoded(&command).len()), (256, 256));
        let mut run = all_ways(tolerant(), &point.script());
        assert_eq!(run.send(&command), Err(too_long.clone()));
    }
    assert!(Command::raw(&"x".repeat(253), RawFraming::SingleLine).is_ok());
    assert_eq!(
        Command::raw(&"x".repeat(254), RawFraming::SingleLine),
        Err(InvalidValue::TooLong { octets: 254, limit: 253 })
    );
}

/// R1939-13.01, R8314-5.2.02, R2595-2.3.01, I10, B1, B4: which commands leave under which policy over which channel.
#[test]
fn security_policies_and_channels() {
    let policies = [
        Security::Implicit,
        Security::StlsRequired,
        Security::StlsPreferred,
        Security::PlaintextAllowed,
    ];
    for row in table() {
        for security in policies {
            for channel in [Channel::Clear, Channel::Tls, Channel::Trusted] {
                let keyword = row.command.keyword();
                let secret =
                    matches!(keyword, None | Some(Keyword::User | Keyword::Pass | Keyword::Apop))
                        || matches!(row.command, Command::Auth { .. });
                assert_eq!(row.command.holds_credential(), secret);
                // R2595-2.2.01: over a channel that is protected everything, in clear what the policy says.
                let leaves = channel != Channel::Clear
                    || match security {
                        Security::PlaintextAllowed => true,
                        Security::StlsPreferred => !secret,
                        _ => matches!(keyword, Some(Keyword::Capa | Keyword::Stls | Keyword::Quit)),
                    };
                // Behind a login only where there can be one; everything else is not legal anyway.
                let mut run = Run::new(ClientConfig::strict(security), channel);
                run.feed(GREETING);
                if !row.legal.contains('A') {
                    let named = run.send(&user("mrose")).is_ok();
                    let may = channel != Channel::Clear || security == Security::PlaintextAllowed;
                    assert_eq!(named, may);
                    if !named {
                        assert_eq!(run.sent, b"");
                        continue;
                    }
                    run.feed(b"+OK\r\n");
                    if row.legal != "U" {
                        run.send(&pass("secret")).unwrap();
                        run.feed(b"+OK\r\n");
                    }
                }
                let before = run.sent.len();
                let context = format!("{} under {security:?} over {channel}", row.wire);
                match run.send(&row.command) {
                    Err(SendError::TooLateForTls) => {
                        assert!(keyword == Some(Keyword::Stls) && channel == Channel::Tls);
                    }
                    Ok(_) => assert!(leaves, "{context} left"),
                    Err(error) => {
                        assert_eq!(error, SendError::NotProtected { keyword }, "{context}");
                        assert!(!leaves && !error.is_transient(), "{context}");
                        assert_eq!(run.sent.len(), before, "{context}");
                    }
                }
            }
        }
    }
}

/// A raw line cannot get around the rules of a command that has rules, whatever its case and its arguments.
#[test]
fn raw_refuses_every_keyword_in_any_case() {
    for &keyword in Keyword::ALL {
        let upper = keyword.as_str();
        let mixed: String = upper
            .char_indices()
            .map(|(at, c)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c })
            .collect();
        for word in [upper, &upper.to_ascii_lowercase(), &mixed] {
            for line in
                [word.to_owned(), format!("{word} "), format!("{word} 1"), format!("{word}  x")]
            {
                for framing in [RawFraming::SingleLine, RawFraming::Multiline] {
                    assert_eq!(
                        Command::raw(&line, framing),
                        Err(InvalidValue::RawKeyword(keyword)),
                        "{line:?}"
                    );
                }
            }
        }
    }
    for (line, error) in [
        ("", InvalidValue::Empty),
        (" DELE 1", InvalidValue::ForbiddenOctet { at: 0 }),
        ("XTND\r\nDELE 1", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND\nDELE 1", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND\0", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND\tx", InvalidValue::ForbiddenOctet { at: 4 }),
        ("XTND ü", InvalidValue::ForbiddenOctet { at: 5 }),
    ] {
        assert_eq!(Command::raw(line, RawFraming::SingleLine), Err(error), "{line:?}");
    }
}

/// I8: after the transport's end, and after a farewell, nothing is taken.
#[test]
fn nothing_is_taken_once_the_server_has_left() {
    let mut run = Run::greeted(tolerant());
    run.session.receive_eof(Eof::Clean);
    assert_eq!(run.send(&Command::Capa), Err(SendError::Over));
    let mut run = Run::greeted(tolerant());
    run.feed(b"-ERR going down\r\n");
    assert_eq!(run.send(&Command::Capa), Err(SendError::Over));
    assert_eq!(run.session.state(), State::Authorization);
    run.end(Eof::Clean);
    assert_eq!(run.take_trace(), ["closed NotRequested farewell - \"going down\" Clean"]);
}

/// R1939-4.03, R1939-7.07, C0045: after a refusal of USER or PASS the client may try again.
#[test]
fn a_refused_login_may_be_tried_again() {
    let script = [
        s(GREETING),
        Step::C(user("a")),
        s("-ERR\r\n"),
        Step::C(user("b")),
        s("+OK\r\n"),
        Step::C(pass("x")),
        s("-ERR [AUTH] no\r\n"),
        Step::C(apop()),
        s("-ERR\r\n"),
        Step::C(user("b")),
        s("+OK\r\n"),
        Step::C(pass("y")),
        s("+OK\r\n"),
    ];
    let run = support::expect(
        outlook(),
        &script,
        &[
            GREETED,
            "#0 completed - \"\"",
            "#1 completed + \"\"",
            "#2 completed - \"[AUTH] no\"",
            "#3 completed - \"\"",
            "#4 completed + \"\"",
            "#5 completed + \"\"",
        ],
    );
    assert_eq!(run.session.state(), State::Transaction);
}

/// RFC 2449 §5: what a server does not have is told from what failed at the moment, and what it does from what it
/// announces.
#[test]
fn what_a_server_supports() {
    let uidl = Command::Uidl(None);
    let one = Command::Uidl(Some(number(1)));
    let top = Command::Top { message: number(1), lines: 0 };
    for (keyword, command, reply, support) in [
        (Keyword::Uidl, &uidl, "+OK\r\n.\r\n", Support::Proven),
        (Keyword::Uidl, &uidl, "-ERR what?\r\n", Support::Missing),
        (Keyword::Uidl, &uidl, "-ERR [SYS/TEMP] later\r\n", Support::Unknown),
        (Keyword::Uidl, &uidl, "-ERR [SYS/OTHER] later\r\n", Support::Unknown),
        (Keyword::Uidl, &uidl, "-ERR [OTHER] what?\r\n", Support::Missing),
        (Keyword::Uidl, &one, "-ERR no such message\r\n", Support::Unknown),
        (Keyword::Top, &top, "+OK\r\n.\r\n", Support::Proven),
        (Keyword::Top, &top, "-ERR what?\r\n", Support::Missing),
        (Keyword::Capa, &Command::Capa, "+OK\r\n.\r\n", Support::Proven),
        (Keyword::Capa, &Command::Capa, "-ERR what?\r\n", Support::Missing),
        (Keyword::Capa, &Command::Capa, "+OK\r\nUIDL\r\n.\r\n", Support::Proven),
    ] {
        let mut run = Run::in_transaction(tolerant());
        assert_eq!(run.session.support(keyword), Support::Unknown);
        run.send(command).unwrap();
        run.feed(reply.as_bytes());
        assert_eq!(run.session.support(keyword), support, "{keyword} {reply}");
    }
    // What is announced counts until it is refused, and what was refused until it is not.
    let mut run = Run::in_transaction(tolerant());
    for (command, reply, support) in [
        (&Command::Capa, "+OK\r\nUIDL\r\n.\r\n", Support::Announced),
        (&uidl, "-ERR [SYS/TEMP] later\r\n", Support::Announced),
        (&uidl, "-ERR what?\r\n", Support::Missing),
        (&Command::Capa, "+OK\r\n.\r\n", Support::Missing),
        (&uidl, "+OK\r\n.\r\n", Support::Proven),
    ] {
        run.send(command).unwrap();
        run.feed(reply.as_bytes());
        assert_eq!(run.session.support(Keyword::Uidl), support, "{reply}");
    }
}
