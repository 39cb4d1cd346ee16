//! Every command line at every point of a session: the event, the answer, and what it leaves behind.

use pop3_proto::server::{Event, RespondError, ServerConfig, ServerLeniency, ServerSession};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, CommandError, DropListing, MessageNumber, ScanListing, UniqueIdListing};

use super::table::{Outcome, Row, pass, table, user};
use super::{Point, at};
use crate::server_support::*;

use CommandError::{
    Arguments, Empty, ForbiddenOctet, NotProtected, TooLong, Unknown, Unsupported, WrongState,
};

const MESSAGE: &[u8] = b"Subject: tea\n\n.one\ntwo\n";

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
