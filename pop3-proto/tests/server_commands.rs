//! Every command line at every point of a session: the event, the answer, and what it leaves behind;
//! and every answer to every open command.

mod server_support;

use pop3_proto::server::{Event, RespondError, ServerConfig, ServerLeniency, ServerSession};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{
    Command, CommandError, DropListing, KnownCode, Mailbox, MessageNumber, Password, ScanListing,
    UniqueIdListing,
};
use server_support::*;

use CommandError::{
    Arguments, Empty, ForbiddenOctet, NotProtected, TooLong, Unknown, Unsupported, WrongState,
};

const MESSAGE: &[u8] = b"Subject: tea\n\n.one\ntwo\n";

const CAPABILITIES: &str = "+OK capability list follows\r\nTOP\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n\
                            PIPELINING\r\nUIDL\r\n.\r\n";
const NO_MECHANISMS: &str = "+OK mechanism list follows\r\n.\r\n";

/// What a line comes to at one point.
#[derive(Clone, Debug)]
enum Outcome {
    Command(Command),
    /// The session answers by itself.
    Session(&'static str),
    Rejected(CommandError),
}

/// A line without its CRLF, and what it comes to in AUTHORIZATION, after USER and in TRANSACTION.
struct Row(Vec<u8>, [Outcome; 3]);

fn everywhere(line: impl AsRef<[u8]>, error: CommandError) -> Row {
    let outcome = Outcome::Rejected(error);
    Row(line.as_ref().to_vec(), [outcome.clone(), outcome.clone(), outcome])
}

fn taken(line: impl AsRef<[u8]>, command: &Command, legal: [bool; 3]) -> Row {
    let wrong = WrongState(command.keyword().expect("a known command"));
    let outcomes =
        legal.map(
            |legal| {
                if legal { Outcome::Command(command.clone()) } else { Outcome::Rejected(wrong) }
            },
        );
    Row(line.as_ref().to_vec(), outcomes)
}

fn pass(password: &[u8]) -> Command {
    Command::Pass(Password::opaque(password).expect("a password"))
}

fn user(name: &str) -> Command {
    Command::User(Mailbox::new(name).expect("a mailbox"))
}

const AUTHORIZATION: [bool; 3] = [true, false, false];
const AFTER_USER: [bool; 3] = [false, true, false];
const TRANSACTION: [bool; 3] = [false, false, true];
const ANYWHERE: [bool; 3] = [true, true, true];

const DIGEST: &str = "c4c9334bac560ecc979e58001b3e22fb";

/// R1939-3.14, 3.15, 7.11, 7.16, 7.17; R2449-3.01, R2449-4.02, R2449-5.05; classes F1–F12, F21–F26, G6, G7.
#[allow(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<Row> {
    let first = MessageNumber::FIRST;
    let mut rows = vec![
        taken("USER alice", &user("alice"), AUTHORIZATION),
        taken("USER a.b+c/d@e", &user("a.b+c/d@e"), AUTHORIZATION),
        taken("USER %s%n", &user("%s%n"), AUTHORIZATION),
        taken("PASS x", &pass(b"x"), AFTER_USER),
        taken("PASS two words", &pass(b"two words"), AFTER_USER),
        taken("PASS  before", &pass(b" before"), AFTER_USER),
        taken("PASS behind ", &pass(b"behind "), AFTER_USER),
        taken("PASS %n%n", &pass(b"%n%n"), AFTER_USER),
        taken("QUIT", &Command::Quit, ANYWHERE),
        taken("STAT", &Command::Stat, TRANSACTION),
        taken("NOOP", &Command::Noop, TRANSACTION),
        taken("RSET", &Command::Rset, TRANSACTION),
        taken("LIST", &Command::List(None), TRANSACTION),
        taken("LIST 1", &Command::List(Some(first)), TRANSACTION),
        taken("LIST 4294967295", &Command::List(Some(number(u32::MAX))), TRANSACTION),
        taken("LIST 00000000000000000001", &Command::List(Some(first)), TRANSACTION),
        taken("UIDL", &Command::Uidl(None), TRANSACTION),
        taken("UIDL 2", &Command::Uidl(Some(number(2))), TRANSACTION),
        taken("RETR 1", &Command::Retr(first), TRANSACTION),
        taken("DELE 1", &Command::Dele(first), TRANSACTION),
        taken("TOP 1 0", &Command::Top { message: first, lines: 0 }, TRANSACTION),
        taken(
            "TOP 2 00000000000000000010",
            &Command::Top { message: number(2), lines: 10 },
            TRANSACTION,
        ),
        taken(
            "TOP 1 18446744073709551615",
            &Command::Top { message: first, lines: u64::MAX },
            TRANSACTION,
        ),
        Row(
            b"CAPA".to_vec(),
            [
                Outcome::Session(CAPABILITIES),
                Outcome::Rejected(WrongState(Keyword::Capa)),
                Outcome::Session(CAPABILITIES),
            ],
        ),
        // A password that would have to be opaque is refused where a password may stand.
        Row(
            b"PASS p\xe4ss".to_vec(),
            [WrongState(Keyword::Pass), ForbiddenOctet, WrongState(Keyword::Pass)]
                .map(Outcome::Rejected),
        ),
        Row(
            b"PASS a\tb".to_vec(),
            [WrongState(Keyword::Pass), ForbiddenOctet, WrongState(Keyword::Pass)]
                .map(Outcome::Rejected),
        ),
    ];
    for line in ["AUTH", "AUTH "] {
        let listing = Outcome::Session(NO_MECHANISMS);
        let unsupported = Outcome::Rejected(Unsupported(Keyword::Auth));
        rows.push(Row(line.into(), [listing.clone(), listing, unsupported]));
    }
    rows.push(everywhere("", Empty));
    for line in [
        " ",
        "  ",
        " STAT",
        "X",
        "XTND",
        "XTND XMIT",
        "EUIDL",
        "STATS",
        "STA",
        "a:b",
        ":",
        ".",
        "*",
        "+OK",
        "-ERR",
        "MDEF x()",
        "GET / HTTP/1.1",
        "EHLO relay.example",
        "[AUTH]",
        "USER:alice",
        "LIST,1",
    ] {
        rows.push(everywhere(line, Unknown));
    }
    for (line, keyword) in [
        (&*format!("APOP alice {DIGEST}"), Keyword::Apop),
        ("AUTH PLAIN", Keyword::Auth),
        ("AUTH PLAIN =", Keyword::Auth),
        ("STLS", Keyword::Stls),
        ("UTF8", Keyword::Utf8),
        ("LANG", Keyword::Lang),
        ("LANG en", Keyword::Lang),
    ] {
        rows.push(everywhere(line, Unsupported(keyword)));
    }
    for (line, keyword) in [
        ("AUTH  ", Keyword::Auth),
        ("AUTH PLAIN =AAA", Keyword::Auth),
        ("AUTH PLAIN\\", Keyword::Auth),
        ("LANG ", Keyword::Lang),
        ("LANG en fr", Keyword::Lang),
    ] {
        rows.push(everywhere(line, Arguments(keyword)));
    }
    for keyword in [
        Keyword::Stat,
        Keyword::Noop,
        Keyword::Rset,
        Keyword::Capa,
        Keyword::Quit,
        Keyword::Stls,
        Keyword::Utf8,
    ] {
        for rest in [" ", "  ", " x", " 1", " AAAAAAAAAAAAAAAAAAAA"] {
            rows.push(everywhere(format!("{keyword}{rest}"), Arguments(keyword)));
        }
    }
    for rest in ["", " ", "  ", "  alice", " alice ", " a b"] {
        rows.push(everywhere(format!("USER{rest}"), Arguments(Keyword::User)));
    }
    for rest in ["", " "] {
        rows.push(everywhere(format!("PASS{rest}"), Arguments(Keyword::Pass)));
    }
    for rest in ["", " ", " alice", " alice ", " alice 1", &format!("  alice {DIGEST}")] {
        rows.push(everywhere(format!("APOP{rest}"), Arguments(Keyword::Apop)));
    }
    for digest in [
        DIGEST.to_uppercase(),
        format!("{DIGEST} "),
        format!(" {DIGEST}"),
        format!("{DIGEST}0"),
        "a".repeat(400),
    ] {
        rows.push(everywhere(format!("APOP alice {digest}"), Arguments(Keyword::Apop)));
    }
    for keyword in [Keyword::List, Keyword::Uidl, Keyword::Retr, Keyword::Dele] {
        let optional = matches!(keyword, Keyword::List | Keyword::Uidl);
        for rest in ["", " ", "  1", " 1 ", " 1 2", " +1", " -1", " x", " 1x", " 0x1", " 1,2"] {
            if !(optional && rest.is_empty()) {
                rows.push(everywhere(format!("{keyword}{rest}"), Arguments(keyword)));
            }
        }
        for rest in [
            "0",
            "00000000000000000000",
            "4294967296",
            "4294967297",
            "18446744073709551615",
            "18446744073709551616",
            "000000000000000000001",
            "99999999999999999999999999999999",
        ] {
            rows.push(everywhere(
                format!("{keyword} {rest}"),
                CommandError::MessageNumber(keyword),
            ));
        }
    }
    for rest in [
        "",
        " ",
        " 1",
        " 1 ",
        "  1 1",
        " 1  1",
        " 1 1 ",
        " 1 1 1",
        " 1 -1",
        " 1 x",
        " x 1",
        " -1 1",
        " 1 99999999999999999999",
        " 1 18446744073709551616",
        " 1 000000000000000000001",
    ] {
        rows.push(everywhere(format!("TOP{rest}"), Arguments(Keyword::Top)));
    }
    for rest in [" 0 1", " 4294967296 1", " 99999999999999999999 1"] {
        rows.push(everywhere(format!("TOP{rest}"), CommandError::MessageNumber(Keyword::Top)));
    }
    for line in [
        &b"\0"[..],
        b"\t",
        b"\tSTAT",
        b"STAT\t",
        b"LIST\t1",
        b"LIST 1\t",
        b"USER\talice",
        b"PASS\tx",
        b"US\0ER a",
        b"USER root\0x",
        b"PASS a\0",
        b"RETR 1\0",
        b"USER \xe4",
        b"RETR \xd9\xa1",
        b"\xffSTAT",
        b"NOOP\x7f",
        b"NOOP\x1b[2J",
        b"US\rER a",
        b"NOOP\rDELE 1",
        b"NOOP\r",
        b"\r",
        b"PASS a\rb",
        b"\x16\x03\x01\x02",
    ] {
        rows.push(everywhere(line, ForbiddenOctet));
    }
    // R2449-4.02: 255 octets must be taken, 512 are; the limit counts the CRLF.
    for octets in [255, 256, 511, 512, 513, 514, 1024, 2047, 2048] {
        let fill = |start: &str| format!("{start}{}", "A".repeat(octets - 2 - start.len()));
        let [name, password, unknown, list, noop] =
            ["USER ", "PASS ", "X", "LIST 1 ", "NOOP "].map(fill);
        if octets > 512 {
            rows.extend(
                [name, password, unknown, list, noop].map(|line| everywhere(line, TooLong)),
            );
        } else {
            rows.push(taken(&name, &user(&name[5..]), AUTHORIZATION));
            rows.push(taken(&password, &pass(&password.as_bytes()[5..]), AFTER_USER));
            rows.push(everywhere(unknown, Unknown));
            rows.push(everywhere(list, Arguments(Keyword::List)));
            rows.push(everywhere(noop, Arguments(Keyword::Noop)));
        }
    }
    rows
}

/// The standard text of each rejection, written once more.
fn standard_text(error: CommandError) -> &'static str {
    match error {
        Empty => "-ERR empty command\r\n",
        ForbiddenOctet => "-ERR octet not allowed in a command\r\n",
        Unknown => "-ERR unknown command\r\n",
        Unsupported(_) => "-ERR command not supported\r\n",
        Arguments(_) => "-ERR syntax error in arguments\r\n",
        CommandError::MessageNumber(_) => "-ERR no such message\r\n",
        WrongState(_) => "-ERR command not valid in this state\r\n",
        NotProtected(_) => "-ERR credentials are not accepted in clear\r\n",
        TooLong => "-ERR command line too long\r\n",
        CommandError::BareLineFeed => "-ERR command line not ended by CRLF\r\n",
        error => panic!("{error:?}"),
    }
}

/// What [`respond`] makes the session write.
fn answer_to(command: &Command) -> String {
    match command {
        Command::User(_) => "+OK who else\r\n".into(),
        Command::Pass(_) => "+OK open\r\n".into(),
        Command::Quit => "+OK bye\r\n".into(),
        Command::Stat => "+OK 2 320\r\n".into(),
        Command::Noop | Command::Rset | Command::Dele(_) => "+OK done\r\n".into(),
        Command::List(None) => "+OK listing\r\n1 120\r\n.\r\n".into(),
        Command::Uidl(None) => "+OK listing\r\n1 .id\r\n.\r\n".into(),
        Command::List(Some(message)) => format!("+OK {message} 120\r\n"),
        Command::Uidl(Some(message)) => format!("+OK {message} .id\r\n"),
        Command::Retr(_) | Command::Top { lines: 3.., .. } => {
            "+OK message\r\nSubject: tea\r\n\r\n..one\r\ntwo\r\n.\r\n".into()
        }
        Command::Top { .. } => "+OK message\r\nSubject: tea\r\n\r\n.\r\n".into(),
        command => panic!("{command:?}"),
    }
}

fn respond(session: &mut ServerSession, command: &Command) -> Result<(), RespondError> {
    let scan = |message| ScanListing::new(message, 120);
    let unique = |message| UniqueIdListing::new(message, unique_id(".id"));
    match command {
        Command::User(_) => session.ok(&text("who else")),
        Command::Pass(_) => session.authenticated(&text("open")),
        Command::Quit => session.ok(&text("bye")),
        Command::Stat => session.drop_listing(DropListing::new(2, 320)),
        Command::List(Some(message)) => session.scan_listing(scan(*message)),
        Command::Uidl(Some(message)) => session.unique_id_listing(&unique(*message)),
        Command::List(None) => {
            session.begin_multiline(&text("listing"))?;
            session.scan_listing(scan(MessageNumber::FIRST))?;
            session.finish_multiline()
        }
        Command::Uidl(None) => {
            session.begin_multiline(&text("listing"))?;
            session.unique_id_listing(&unique(MessageNumber::FIRST))?;
            session.finish_multiline()
        }
        Command::Retr(_) | Command::Top { .. } => {
            session.begin_multiline(&text("message"))?;
            assert_eq!(session.write_body(MESSAGE), Ok(MESSAGE.len()));
            session.finish_multiline()
        }
        _ => session.ok(&text("done")),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Authorization,
    AfterUser,
    Transaction,
    /// QUIT was taken in TRANSACTION and is not answered.
    AfterQuit,
    Closed,
}

fn at(point: Point, config: ServerConfig) -> ServerSession {
    match point {
        Point::Authorization => greeted(config),
        Point::AfterUser => after_user(config),
        Point::Transaction => in_transaction(config),
        Point::AfterQuit => {
            let mut session = in_transaction(config.clone());
            say(&mut session, b"QUIT\r\n");
            assert_eq!(session.poll_event(), Some(Event::Command(Command::Quit)));
            session
        }
        Point::Closed => {
            let mut session = at(Point::AfterQuit, config);
            session.ok(&text("bye")).expect("QUIT waits");
            assert_eq!(written(&mut session), b"+OK bye\r\n");
            assert_eq!(session.poll_event(), Some(Event::Closed { commit: true }));
            session
        }
    }
}

/// All that can be seen of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Trace {
    events: Vec<Event>,
    output: Vec<u8>,
    state: Option<State>,
}

impl Trace {
    fn feed(&mut self, session: &mut ServerSession, pieces: &[&[u8]]) {
        for piece in pieces {
            let mut rest = *piece;
            loop {
                let taken = session.receive(rest);
                rest = &rest[taken..];
                self.drive(session);
                if taken == 0 || rest.is_empty() {
                    break;
                }
            }
        }
        self.state = Some(session.state());
    }

    fn drive(&mut self, session: &mut ServerSession) {
        while let Some(event) = session.poll_event() {
            match &event {
                Event::Command(command) => respond(session, command),
                Event::Rejected(_) => session.reject(),
                _ => Ok(()),
            }
            .expect("an answer that fits");
            self.events.push(event);
            self.output.extend_from_slice(&written(session));
        }
        self.output.extend_from_slice(&written(session));
    }
}

/// What is seen of `line` at `point`, and whether PASS is taken behind it.
fn observed(point: Point, config: ServerConfig, pieces: &[&[u8]]) -> (Trace, bool) {
    let mut session = at(point, config);
    let mut trace = Trace::default();
    trace.feed(&mut session, pieces);
    let mut probe = Trace::default();
    probe.feed(&mut session, &[b"PASS probe\r\n"]);
    let pass = Event::Command(pass(b"probe"));
    (trace, probe.events.first() == Some(&pass))
}

fn expected(point: Point, outcome: &Outcome) -> (Trace, bool) {
    let mut trace = Trace::default();
    let mut state = match point {
        Point::Transaction => State::Transaction,
        _ => State::Authorization,
    };
    let mut after_user = false;
    match outcome {
        Outcome::Command(command) => {
            trace.events.push(Event::Command(command.clone()));
            trace.output.extend_from_slice(answer_to(command).as_bytes());
            match command {
                Command::User(_) => after_user = true,
                Command::Pass(_) => state = State::Transaction,
                Command::Quit => {
                    let commit = point == Point::Transaction;
                    trace.events.push(Event::Closed { commit });
                    state = State::Closed;
                }
                _ => {}
            }
        }
        Outcome::Session(answer) => trace.output.extend_from_slice(answer.as_bytes()),
        Outcome::Rejected(error) => {
            trace.events.push(Event::Rejected(*error));
            trace.output.extend_from_slice(standard_text(*error).as_bytes());
        }
    }
    trace.state = Some(state);
    (trace, after_user)
}

/// The row as it stands, and with its keyword in lower and in mixed case (R1939-3.03).
fn cases(line: &[u8]) -> Vec<Vec<u8>> {
    let word = line.iter().position(|octet| *octet == b' ').unwrap_or(line.len());
    let mut lower = line.to_vec();
    lower[..word].make_ascii_lowercase();
    let mut mixed = lower.clone();
    for octet in mixed[..word].iter_mut().step_by(2) {
        octet.make_ascii_uppercase();
    }
    let mut all = vec![line.to_vec(), lower, mixed];
    all.dedup();
    all
}

const POINTS: [Point; 3] = [Point::Authorization, Point::AfterUser, Point::Transaction];

/// R1939-3.02, R1939-3.03, R1939-3.09, R1939-3.14, R1939-3.15, R1939-4.01, R1939-4.09, R1939-7.16, R1939-7.17;
/// R2449-3.01, R2449-4.02, R2449-5.05;
/// I1 and class F13: every line at every point, whole, octet by octet and cut in two everywhere.
#[test]
fn every_line_at_every_point_however_it_is_cut() {
    for Row(line, outcomes) in table() {
        for mut line in cases(&line) {
            let shown = line.escape_ascii().to_string();
            line.extend_from_slice(b"\r\n");
            for (point, outcome) in POINTS.into_iter().zip(&outcomes) {
                let config = ServerConfig::new();
                let expected = expected(point, outcome);
                assert_eq!(
                    observed(point, config.clone(), &[&line]),
                    expected,
                    "{shown} {point:?}"
                );
                let octets: Vec<&[u8]> = line.chunks(1).collect();
                assert_eq!(observed(point, config.clone(), &octets), expected, "{shown} {point:?}");
                for cut in 1..line.len() {
                    let (start, end) = line.split_at(cut);
                    assert_eq!(
                        observed(point, config.clone(), &[start, end]),
                        expected,
                        "{shown} {point:?} cut at {cut}"
                    );
                }
            }
        }
    }
}

/// Every keyword has a row for a line that is taken, or is not offered at all.
#[test]
fn the_table_has_every_keyword() {
    let rows = table();
    for keyword in Keyword::ALL {
        assert!(
            rows.iter().any(|Row(line, outcomes)| {
                line.starts_with(keyword.as_str().as_bytes())
                    && outcomes.iter().any(|outcome| match outcome {
                        Outcome::Command(command) => command.keyword() == Some(*keyword),
                        Outcome::Session(_) => true,
                        Outcome::Rejected(error) => *error == Unsupported(*keyword),
                    })
            }),
            "{keyword}"
        );
    }
}

/// R1939-6.03: behind QUIT no line is a command any more, whatever it is and however it comes.
#[test]
fn behind_quit_nothing_is_a_command() {
    for Row(mut line, _) in table() {
        let shown = line.escape_ascii().to_string();
        line.extend_from_slice(b"\r\n");
        let mut session = at(Point::AfterQuit, ServerConfig::new());
        session.receive(&line);
        assert_eq!((session.poll_event(), session.state()), (None, State::Update), "{shown}");
        session.ok(&text("bye")).expect("QUIT still waits");
        assert_eq!((session.poll_event(), session.receive(&line)), (None, 0), "{shown}");
        assert_eq!(written(&mut session), b"+OK bye\r\n");
        assert_eq!(session.poll_event(), Some(Event::Closed { commit: true }));

        let mut session = at(Point::Closed, ServerConfig::new());
        let before = format!("{session:?}");
        assert_eq!((session.receive(&line), session.incoming().len()), (0, 0), "{shown}");
        assert_eq!((session.poll_event(), session.wants_read()), (None, false));
        assert_eq!(session.ok(&text("x")), Err(RespondError::NothingToAnswer));
        assert_eq!(format!("{session:?}"), before);
    }
}

/// R2449-6.1.01, R1939-7.11: what is not offered is neither announced nor taken.
#[test]
fn what_is_not_offered_is_neither_announced_nor_taken() {
    let mut config = ServerConfig::new();
    (config.top, config.uidl) = (false, false);
    let capabilities = "+OK capability list follows\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n.\r\n";
    for point in [Point::Authorization, Point::Transaction] {
        let (trace, _) = observed(point, config.clone(), &[b"CAPA\r\n"]);
        assert_eq!(trace.output, capabilities.as_bytes());
        for (line, keyword) in [
            (&b"TOP 1 0\r\n"[..], Keyword::Top),
            (b"UIDL\r\n", Keyword::Uidl),
            (b"UIDL 1\r\n", Keyword::Uidl),
        ] {
            let (trace, _) = observed(point, config.clone(), &[line]);
            assert_eq!(trace.events, [Event::Rejected(Unsupported(keyword))]);
            assert_eq!(trace.output, b"-ERR command not supported\r\n");
        }
    }
}

/// MS-OXPOP3: `AUTH` alone lists mechanisms where that is switched on, and only then.
#[test]
fn a_strict_server_lists_no_mechanisms() {
    let mut config = ServerConfig::new();
    config.leniency = ServerLeniency::strict();
    for (line, point) in [(&b"AUTH\r\n"[..], POINTS[0]), (b"auth \r\n", POINTS[0])] {
        let (trace, _) = observed(point, config.clone(), &[line]);
        assert_eq!(trace.events, [Event::Rejected(Unsupported(Keyword::Auth))]);
    }
}

/// R1939-7.17 and `opaque_passwords`: forbidden and allowed.
#[test]
fn passwords_with_spaces_and_other_octets() {
    let line = |config: ServerConfig, line: &[u8]| observed(Point::AfterUser, config, &[line]).0;
    let mut config = ServerConfig::new();
    config.leniency.password_spaces = false;
    assert_eq!(
        line(config.clone(), b"PASS two words\r\n").events,
        [Event::Rejected(Arguments(Keyword::Pass))]
    );
    assert_eq!(line(config.clone(), b"PASS one\r\n").events, [Event::Command(pass(b"one"))]);
    config.leniency.opaque_passwords = true;
    for password in [&b"p\xe4\x7f\x01"[..], b"a\tb", b"\xff"] {
        let octets = [b"PASS ", password, b"\r\n"].concat();
        assert_eq!(line(config.clone(), &octets).events, [Event::Command(pass(password))]);
    }
    assert_eq!(line(config, b"PASS a\0\r\n").events, [Event::Rejected(ForbiddenOctet)]);
}

/// R1939-7.16, class F21: PASS only directly behind a USER that was accepted.
#[test]
fn pass_follows_user_directly() {
    let between: [&[u8]; 9] = [
        b"NOOP\r\n",
        b"STAT\r\n",
        b"CAPA\r\n",
        b"AUTH\r\n",
        b"AUTH PLAIN\r\n",
        b"USER bob\r\n",
        b"\r\n",
        b"PASS\r\n",
        &[b'A'; 600],
    ];
    for line in between {
        let (_, taken) = observed(Point::AfterUser, ServerConfig::new(), &[line]);
        assert!(!taken, "{}", line.escape_ascii());
    }
    let mut session = greeted(ServerConfig::new());
    say(&mut session, b"USER alice\r\nPASS x\r\n");
    assert_eq!(session.poll_event(), Some(Event::Command(user("alice"))));
    session.err(None, &text("no")).expect("USER waits");
    let refused = Event::Rejected(WrongState(Keyword::Pass));
    assert_eq!(session.poll_event(), Some(refused), "behind a USER that was refused");
    // A PASS that failed ends the pair.
    let mut session = after_user(ServerConfig::new());
    say(&mut session, b"PASS x\r\nPASS x\r\n");
    assert_eq!(session.poll_event(), Some(Event::Command(pass(b"x"))));
    session.authentication_failed().expect("PASS waits");
    assert_eq!(session.poll_event(), Some(Event::Rejected(WrongState(Keyword::Pass))));
}

/// One way to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Ok,
    Err,
    /// `-ERR` with a code that any command may be given.
    System,
    /// `-ERR` with a code that only a login may be given.
    InUse,
    /// `-ERR` with the code that only [`Answer::Failed`] gives.
    Auth,
    Reject,
    Authenticated,
    Failed,
    Drop,
    Scan(u32),
    Unique(u32),
    Begin,
    Write,
    Finish,
}

use Answer::{
    Auth, Authenticated, Begin, Drop, Err as Negative, Failed, Finish, InUse, Ok as Positive,
    Reject, Scan, System, Unique, Write,
};

const ANSWERS: [Answer; 16] = [
    Positive,
    Negative,
    System,
    InUse,
    Auth,
    Reject,
    Authenticated,
    Failed,
    Drop,
    Scan(1),
    Scan(2),
    Unique(1),
    Unique(2),
    Begin,
    Write,
    Finish,
];

fn give(session: &mut ServerSession, answer: Answer) -> Result<(), RespondError> {
    let text = text("text");
    match answer {
        Positive => session.ok(&text),
        Negative => session.err(None, &text),
        System => session.err(Some(KnownCode::SysTemp), &text),
        InUse => session.err(Some(KnownCode::InUse), &text),
        Auth => session.err(Some(KnownCode::Auth), &text),
        Reject => session.reject(),
        Authenticated => session.authenticated(&text),
        Failed => session.authentication_failed(),
        Drop => session.drop_listing(DropListing::new(1, 2)),
        Scan(message) => session.scan_listing(ScanListing::new(number(message), 3)),
        Unique(message) => {
            session.unique_id_listing(&UniqueIdListing::new(number(message), unique_id("a")))
        }
        Begin => session.begin_multiline(&text),
        Write => session.write_body(b"octets").map(|taken| assert_eq!(taken, 6)),
        Finish => session.finish_multiline(),
    }
}

/// A point, a line, whether its multi-line answer is begun, and the answers that are taken then.
type Situation = (Point, &'static [u8], bool, &'static [Answer]);

const SITUATIONS: [Situation; 25] = [
    (Point::Authorization, b"", false, &[]),
    (Point::Transaction, b"", false, &[]),
    (Point::Authorization, b"USER a\r\n", false, &[Positive, Negative, System]),
    (Point::AfterUser, b"PASS a\r\n", false, &[Negative, System, InUse, Authenticated, Failed]),
    (Point::Authorization, b"QUIT\r\n", false, &[Positive, Negative, System]),
    (Point::AfterUser, b"QUIT\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"QUIT\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"STAT\r\n", false, &[Negative, System, Drop]),
    (Point::Transaction, b"LIST\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"LIST 1\r\n", false, &[Negative, System, Scan(1)]),
    (Point::Transaction, b"LIST 2\r\n", false, &[Negative, System, Scan(2)]),
    (Point::Transaction, b"UIDL\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"UIDL 1\r\n", false, &[Negative, System, Unique(1)]),
    (Point::Transaction, b"UIDL 2\r\n", false, &[Negative, System, Unique(2)]),
    (Point::Transaction, b"RETR 1\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"TOP 1 1\r\n", false, &[Negative, System, Begin]),
    (Point::Transaction, b"DELE 1\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"RSET\r\n", false, &[Positive, Negative, System]),
    (Point::Transaction, b"NOOP\r\n", false, &[Positive, Negative, System]),
    (Point::Authorization, b"PASS x\r\n", false, &[Negative, System, Reject]),
    (Point::Transaction, b"XTND\r\n", false, &[Negative, System, Reject]),
    (Point::Transaction, b"LIST\r\n", true, &[Scan(1), Scan(2), Finish]),
    (Point::Transaction, b"UIDL\r\n", true, &[Unique(1), Unique(2), Finish]),
    (Point::Transaction, b"RETR 1\r\n", true, &[Write, Finish]),
    (Point::Transaction, b"TOP 1 1\r\n", true, &[Write, Finish]),
];

fn situation(&(point, line, begun, _): &Situation) -> ServerSession {
    let mut session = at(point, ServerConfig::new());
    say(&mut session, line);
    assert_eq!(session.poll_event().is_some(), !line.is_empty());
    if begun {
        session.begin_multiline(&text("begun")).expect("a multi-line answer");
    }
    session
}

/// R3206-4.03, I8, R1939-5.08, R2449-8.1.2.02, R3206-5.03, R3206-6.01: what fits is taken, and what does not fit
/// changes nothing, neither the output nor anything else that the session knows.
#[test]
fn only_what_fits_the_command_is_taken() {
    for case @ &(_, line, begun, fitting) in &SITUATIONS {
        for answer in ANSWERS {
            let mut session = situation(case);
            let before = format!("{session:?}");
            let shown = format!("{} {begun} {answer:?}", line.escape_ascii());
            let given = give(&mut session, answer);
            if fitting.contains(&answer) {
                assert_eq!(given, Ok(()), "{shown}");
                assert_ne!(format!("{session:?}"), before, "{shown}");
                continue;
            }
            let refused = if line.is_empty() {
                RespondError::NothingToAnswer
            } else {
                RespondError::Mismatch
            };
            assert_eq!(given, Err(refused), "{shown}");
            assert_eq!(format!("{session:?}"), before, "{shown}");
            // And the right answer still is.
            if let Some(right) = fitting.first() {
                assert_eq!(give(&mut session, *right), Ok(()), "{shown}");
            }
        }
    }
}

/// One answer ends a command: none fits any more, until the next one is polled.
#[test]
fn a_command_is_answered_once() {
    for case @ &(_, line, begun, fitting) in &SITUATIONS {
        for ends in fitting.iter().filter(|ends| {
            let goes_on = matches!(ends, Begin | Write) || begun && **ends != Finish;
            !goes_on
        }) {
            let mut session = situation(case);
            give(&mut session, *ends).expect("an answer that fits");
            let before = format!("{session:?}");
            for answer in ANSWERS {
                assert_eq!(
                    give(&mut session, answer),
                    Err(RespondError::NothingToAnswer),
                    "{} {ends:?} {answer:?}",
                    line.escape_ascii()
                );
            }
            assert_eq!(format!("{session:?}"), before);
        }
    }
}

/// I8: an answer that finds no room changes nothing, at any height of the output, and finds its
/// place once output has left.
#[test]
fn a_full_output_changes_nothing() {
    let mut config = ServerConfig::new();
    config.limits.output = 600;
    for (line, items) in [(&b"LIST\r\n"[..], true), (b"UIDL\r\n", true), (b"RETR 1\r\n", false)] {
        for filled in 0..=600 {
            let mut session = in_transaction(config.clone());
            say(&mut session, line);
            assert!(session.poll_event().is_some());
            session.begin_multiline(&text("begun")).expect("a multi-line answer");
            let begun = b"+OK begun\r\n".len();
            let item = if line.starts_with(b"LIST") { Scan(1) } else { Unique(1) };
            let mut expected = b"+OK begun\r\n".to_vec();
            if items {
                for _ in 0..filled {
                    if give(&mut session, item).is_ok() {
                        let line: &[u8] = if item == Scan(1) { b"1 3\r\n" } else { b"1 a\r\n" };
                        expected.extend_from_slice(line);
                    }
                }
                if filled > 100 {
                    let before = format!("{session:?}");
                    assert_eq!(give(&mut session, item), Err(RespondError::Full));
                    assert_eq!(format!("{session:?}"), before);
                }
            } else {
                let octets = vec![b'x'; filled];
                let taken = session.write_body(&octets).expect("a message was begun");
                assert_eq!(taken, filled.min(600 - begun));
                expected.extend_from_slice(&octets[..taken]);
                if taken > 0 {
                    expected.extend_from_slice(b"\r\n");
                }
            }
            let before = format!("{session:?}");
            let mut out = Vec::new();
            if let Err(error) = session.finish_multiline() {
                assert_eq!(error, RespondError::Full);
                assert_eq!(format!("{session:?}"), before);
                out = written(&mut session);
                session.finish_multiline().expect("room");
            }
            out.extend_from_slice(&written(&mut session));
            expected.extend_from_slice(b".\r\n");
            assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
    }
}

/// R2449-3.04, R2449-6.4.02, S13.3: with RESP-CODES announced, no text of the caller begins with `[`.
#[test]
fn a_text_is_never_taken_for_a_response_code() {
    let forged = text("[AUTH] forged");
    let mut session = ServerSession::new(
        ServerConfig::new(),
        pop3_proto::client::Channel::Trusted,
        forged.clone(),
    )
    .expect("a way to authenticate");
    assert_eq!(written(&mut session), b"+OK  [AUTH] forged\r\n");
    let mut answer = |line: &[u8], give: &dyn Fn(&mut ServerSession), wire: &[u8]| {
        say(&mut session, line);
        assert!(session.poll_event().is_some());
        give(&mut session);
        let out = written(&mut session);
        assert_eq!(out.escape_ascii().to_string(), wire.escape_ascii().to_string());
    };
    answer(b"USER a\r\n", &|s| s.err(None, &forged).unwrap(), b"-ERR  [AUTH] forged\r\n");
    answer(b"USER a\r\n", &|s| s.ok(&forged).unwrap(), b"+OK  [AUTH] forged\r\n");
    answer(
        b"PASS a\r\n",
        &|s| s.err(Some(KnownCode::InUse), &forged).unwrap(),
        b"-ERR [IN-USE] [AUTH] forged\r\n",
    );
    answer(b"USER a\r\n", &|s| s.ok(&text("who")).unwrap(), b"+OK who\r\n");
    answer(b"PASS a\r\n", &|s| s.authenticated(&forged).unwrap(), b"+OK  [AUTH] forged\r\n");
    answer(b"XTND\r\n", &|s| s.err(None, &forged).unwrap(), b"-ERR  [AUTH] forged\r\n");
    answer(
        b"LIST\r\n",
        &|s| {
            s.begin_multiline(&forged).unwrap();
            s.finish_multiline().unwrap();
        },
        b"+OK  [AUTH] forged\r\n.\r\n",
    );
}

/// R2449-3.02, R1939-3.05: whatever the text and the code, no line has more than 512 octets.
#[test]
fn no_line_is_longer_than_512_octets() {
    let long = text(&"x".repeat(pop3_proto::Text::MAX_OCTETS));
    let bracketed = text(&"[".repeat(pop3_proto::Text::MAX_OCTETS));
    for text in [&long, &bracketed] {
        for code in [None, Some(KnownCode::SysPerm), Some(KnownCode::SysTemp)] {
            let mut session = in_transaction(ServerConfig::new());
            say(&mut session, b"NOOP\r\nNOOP\r\n");
            assert!(session.poll_event().is_some());
            session.err(code, text).expect("NOOP waits");
            let negative = written(&mut session);
            assert!(session.poll_event().is_some());
            session.ok(text).expect("NOOP waits");
            let positive = written(&mut session);
            assert_eq!((negative.len(), positive.len()), (512, 511));
            for line in [negative, positive] {
                let end = line.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
                assert_eq!(end, Some(line.len() - 2));
                assert!(line.ends_with(b"\r\n"));
            }
        }
    }
}
