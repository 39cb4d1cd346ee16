//! Every command at every point of a session with every outcome.

use pop3_proto::Command;
use pop3_proto::client::{Eof, SendError, Update, Waiting};
use pop3_proto::state::{Keyword, State};

use super::{After, Point, Row, table};
use crate::support::{Step, all_ways, encoded, number, pass, s, strict};

const POINTS: [Point; 7] = [
    Point::BeforeGreeting,
    Point::Authorization,
    Point::AfterUser,
    Point::Transaction,
    Point::AfterQuit,
    Point::Closed,
    Point::Failed,
];

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
