//! The table of states as the RFCs have it, walked on both sides at once: every command and every malformed line × every
//! point of a session × every outcome, alone and behind every command that may be in flight.
//!
//! Nothing here reads the table of `pop3_proto::state`. A session is not believed to stand at a point because it says so,
//! but for what may be said there: after each step every line of the table is tried again, on the client and on the server.
//!
//! What is covered, at 35 points (AUTHORIZATION, after USER, TRANSACTION with and without a marked message, within an AUTH
//! exchange, before QUIT's answer and after it, each in clear and under TLS, in UTF-8 mode and not; before the greeting,
//! before STLS's answer and before the handshake):
//!
//! - the 24 rows: what the client takes and how it refuses, what the server takes and how it refuses (I8);
//! - every row that is taken, answered `+OK` and `-ERR`: where both sides stand (I5, I9), and that the answer of no other
//!   command is taken (I8); and answered by what is no reply (I2);
//! - the 66 malformed lines and every row that is out of place, to the server;
//! - every row behind every row that is taken, its reply owed: sent or withheld by the client, and both lines at once to
//!   the server (I5, I12).

mod pair;
mod point;

#[path = "../server_support/mod.rs"]
mod server_support;

use std::sync::LazyLock;

use pop3_proto::client::{SendError, Update};
use pop3_proto::server::{RespondError, Waiting};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Base64, CommandError};

use pair::{ANSWERS, Outcome, Pair, Row, Seen, answer_by, rows};
use point::Phase::{AfterUser, Authorization, Exchange, Marked, Transaction};
use point::{Phase, Point};
use server_support::written;

/// RFC 1939 §§4–7, RFC 2449 §5, RFC 2595 §4, RFC 5034 §4, RFC 6856 §§2, 3.
///
/// Given in: `A` AUTHORIZATION, `U` directly after an accepted USER, `T` TRANSACTION; `*` only in clear and before UTF8, `s`
/// a server lists there what it would list in AUTHORIZATION (MS-OXPOP3). Beside it: what may be in flight. Answered by: what
/// a server may answer but for a plain `-ERR`, the positive answer first.
const TABLE: &str = "
    command         | given in | +OK leads to | beside it      | answered by
    ----------------|----------|--------------|----------------|------------------------------
    USER mrose      | A        | after USER   | nothing behind | ok
    PASS secret     | U        | TRANSACTION  | nothing behind | authenticated failed
    APOP mrose c4c9334bac560ecc979e58001b3e22fb | A | TRANSACTION | nothing behind | authenticated failed
    AUTH PLAIN AGE= | A        | TRANSACTION  | nothing        | authenticated failed challenge
    AUTH PLAIN      | A        | exchange     | nothing        | challenge failed authenticated
    AUTH            | A U(s)   | here         | nothing        | itself
    STLS            | A*       | TLS          | nothing        | ok
    UTF8            | A        | UTF-8 mode   | nothing behind | itself
    LANG            | A T      | here         | nothing behind | itself
    LANG en         | A T      | here         | nothing behind | language
    CAPA            | A T      | here         | anything       | itself
    STAT            | T        | here         | anything       | drop
    LIST            | T        | here         | anything       | begin
    LIST 1          | T        | here         | anything       | scan
    UIDL            | T        | here         | anything       | begin
    UIDL 1          | T        | here         | anything       | id
    RETR 1          | T        | here         | anything       | begin
    RETR 2          | T        | here         | anything       | begin
    TOP 1 0         | T        | here         | anything       | begin
    DELE 1          | T        | marked       | anything       | ok
    RSET            | T        | unmarked     | anything       | ok
    NOOP            | T        | here         | anything       | ok
    QUIT            | A U T    | the end      | nothing behind | ok
    XTND 1          | A T      | here         | anything       | rejection
";

/// What is no command, wherever it is said (RFC 1939 §3, RFC 2449 §§3, 4).
#[rustfmt::skip]
fn malformed() -> Vec<(Vec<u8>, CommandError)> {
    use CommandError::{Arguments, Empty, ForbiddenOctet, MessageNumber, TooLong, Unknown};
    let mut lines: Vec<(&[u8], CommandError)> = vec![
        (b"", Empty), (b" STAT", Unknown), (b"STATS", Unknown), (b"ST", Unknown), (b"*", Unknown),
        (b"STAT\0", ForbiddenOctet), (b"QUIT\r", ForbiddenOctet), (b"USER\tmrose", ForbiddenOctet),
        (b"LIST 0", MessageNumber(Keyword::List)), (b"UIDL 0", MessageNumber(Keyword::Uidl)),
        (b"RETR 0", MessageNumber(Keyword::Retr)), (b"DELE 0", MessageNumber(Keyword::Dele)),
        (b"TOP 0 0", MessageNumber(Keyword::Top)), (b"DELE 4294967296", MessageNumber(Keyword::Dele)),
    ];
    for (keyword, malformed) in [
        (Keyword::User, [&b"USER"[..], b"USER ", b"USER a b"]),
        (Keyword::Pass, [b"PASS", b"PASS ", b"pass"]),
        (Keyword::Apop, [b"APOP", b"APOP mrose", b"APOP mrose x"]),
        (Keyword::Auth, [b"AUTH  ", b"AUTH PLAIN A", b"AUTH PLAIN AGE= AGE="]),
        (Keyword::Stls, [b"STLS ", b"STLS x", b"stls 1"]),
        (Keyword::Utf8, [b"UTF8 ", b"UTF8 x", b"utf8 1"]),
        (Keyword::Lang, [b"LANG ", b"LANG en fr", b"LANG  en"]),
        (Keyword::Capa, [b"CAPA ", b"CAPA x", b"capa 1"]),
        (Keyword::Stat, [b"STAT ", b"STAT x", b"stat 1"]),
        (Keyword::List, [b"LIST ", b"LIST x", b"LIST 1 2"]),
        (Keyword::Uidl, [b"UIDL ", b"UIDL x", b"UIDL 1 2"]),
        (Keyword::Retr, [b"RETR", b"RETR x", b"RETR 1 2"]),
        (Keyword::Top, [b"TOP", b"TOP 1", b"TOP 1 x"]),
        (Keyword::Dele, [b"DELE", b"DELE -1", b"DELE 1 2"]),
        (Keyword::Rset, [b"RSET ", b"RSET x", b"rset 1"]),
        (Keyword::Noop, [b"NOOP ", b"NOOP x", b"noop 1"]),
        (Keyword::Quit, [b"QUIT ", b"QUIT x", b"quit 1"]),
    ] {
        lines.extend(malformed.map(|line| (line, Arguments(keyword))));
    }
    let mut lines: Vec<_> = lines.into_iter().map(|(line, error)| (line.to_vec(), error)).collect();
    lines.push((b"a".repeat(511), TooLong));
    lines
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(TABLE));

/// The row of a line.
fn row(line: &str) -> &'static Row {
    ROWS.iter().find(|row| row.line == line).expect("a row")
}

/// R1939-3.11, R1939-3.15, R1939-4.02, R1939-5.04, R1939-7.07, R1939-7.16, R2595-4.06, R5034-4.22, R6856-2.1.01, I8: what each
/// side takes at each point.
#[test]
fn what_is_taken_at_every_point() {
    let points = Point::all();
    assert_eq!((points.len(), ROWS.len()), (35, 24));
    for point in points {
        point.client_stands(|| point.reach(), &format!("{point:?}"));
        point.server_stands(|| point.reach(), &format!("{point:?}"));
    }
}

/// R1939-3.09, R1939-6.01, R1939-6.02, R1939-7.07, R1939-7.08, I5, I8, I9: both sides of every command
/// that is sent, answered either way: no answer of another command is taken, the command ends once, and both stand where
/// the table says.
#[test]
fn both_sides_agree_after_every_answer() {
    let mut answered = 0;
    for point in Point::all() {
        for row in ROWS.iter().filter(|row| point.client(row, None).is_none()) {
            for outcome in [Outcome::Ok, Outcome::Err] {
                agree(point, row, outcome);
                answered += 1;
            }
        }
    }
    assert_eq!(answered, 322);
}

fn agree(point: Point, row: &Row, outcome: Outcome) {
    let told = format!("{point:?}, {} answered {outcome:?}", row.line);
    let asked = || {
        let mut pair = point.reach();
        pair.ask(row);
        assert_eq!(pair.listen(), point.server(row), "{told}");
        pair
    };
    // What only the server decides it decides one way; the other may come from another server.
    let decided = match row.answers[0].as_str() {
        "itself" => outcome == Outcome::Ok,
        "rejection" => outcome == Outcome::Err,
        _ => true,
    };
    let answered = || {
        let mut pair = asked();
        if decided {
            pair.answer(row, outcome);
        } else {
            pair.tell(if outcome == Outcome::Ok { b"+OK\r\n" } else { b"-ERR\r\n" });
        }
        pair
    };
    let after = point.after(row, outcome);
    after.client_stands(answered, &told);
    let mut pair = answered();
    let ends = usize::from(after.phase != Exchange);
    assert_eq!((pair.ended.len(), pair.client.in_flight()), (ends, 1 - ends), "I5: {told}");
    assert!(pair.ended.iter().all(|keyword| *keyword == row.keyword()), "I5: {told}");
    let update = match (after.phase, outcome) {
        (Phase::Update, Outcome::Ok) => Update::Committed,
        (Phase::Update, Outcome::Err) => Update::Refused,
        _ => Update::NotRequested,
    };
    assert_eq!(pair.client.update(), update, "I9: {told}");
    if decided {
        after.server_stands(answered, &told);
        pair.listen();
        assert_eq!(pair.commit, after.closed(), "I9: {told}");
        only_its_answers_are_taken(asked, row, &told);
    }
}

/// I8: what is no answer to the command is refused, and changes nothing.
fn only_its_answers_are_taken(asked: impl Fn() -> Pair, row: &Row, told: &str) {
    let due = asked().server.waiting() == Waiting::Response;
    for answer in ANSWERS {
        let mut server = asked().server;
        let before = format!("{server:?}");
        let fits =
            due && (answer == "refuse" || row.answers.iter().any(|fitting| fitting == answer));
        let taken = answer_by(&mut server, answer);
        assert_eq!(taken.is_ok(), fits, "{told}: by {answer}");
        if !fits {
            let refused = if due { RespondError::Mismatch } else { RespondError::NothingToAnswer };
            assert_eq!(
                (taken, format!("{server:?}")),
                (Err(refused), before),
                "{told}: by {answer}"
            );
        }
    }
}

/// I8: an answer of many lines goes on as it was begun, and nothing else is taken until it is finished.
#[test]
fn an_answer_that_was_begun_goes_on() {
    let mut begun = 0;
    for point in Point::all() {
        for row in ROWS.iter().filter(|row| point.server(row) == Seen::Command) {
            if row.answers[0] != "begin" {
                continue;
            }
            for answer in ANSWERS {
                let told = format!("{point:?}, {} begun, then {answer}", row.line);
                let mut pair = point.reach();
                pair.hear(row.line.as_bytes());
                answer_by(&mut pair.server, "begin").expect("it is due");
                let before = format!("{:?}", pair.server);
                let fits = match answer {
                    "finish" => true,
                    "scan" => row.line == "LIST",
                    "id" => row.line == "UIDL",
                    _ => false,
                };
                let taken = answer_by(&mut pair.server, answer);
                if fits {
                    assert_eq!(taken, Ok(()), "{told}");
                } else {
                    let after = format!("{:?}", pair.server);
                    assert_eq!((taken, after), (Err(RespondError::Mismatch), before), "{told}");
                }
            }
            begun += 1;
        }
    }
    assert_eq!(begun, 40);
}

/// R1939-3.05, I2, I8: what is no reply ends the session for good, at every point and for every command; nothing is sent
/// any more, and what was marked is not removed.
#[test]
fn what_is_no_reply_ends_everything() {
    let mut tried = 0;
    for point in Point::all() {
        for row in ROWS.iter().filter(|row| point.client(row, None).is_none()) {
            for reply in
                [&b"OOPS\r\n"[..], b"\r\n", b"+OKAY\r\n", b"-ERROR\r\n", b"+\tOK\r\n", b"+OK\n"]
            {
                let told = format!("{point:?}, {} answered {}", row.line, reply.escape_ascii());
                let mut pair = point.reach();
                pair.ask(row);
                pair.tell(reply);
                assert_eq!(pair.client.state(), State::Failed, "{told}");
                let quit = row.leads_to == "the end" && point.state() == State::Transaction;
                let update = if quit { Update::Unknown } else { Update::NotRequested };
                assert_eq!(pair.client.update(), update, "I9: {told}");
                assert!(pair.ended.is_empty() && pair.client.in_flight() == 0, "{told}");
                for next in ROWS.iter() {
                    let refused = pair.client.send(&next.command).err();
                    assert_eq!(refused, Some(SendError::Over), "{told}, then {}", next.line);
                }
                assert!(!pair.client.wants_write() && !pair.client.wants_read(), "{told}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 966);
}

/// R1939-3.14, R1939-3.15, R1939-7.16: what the client would not have sent, and what is no command,
/// is refused by the server at every point; the session stays where it was, but for a name that USER gave.
#[test]
fn a_server_refuses_everything_else() {
    let mut refused = 0;
    for point in Point::all() {
        let rejected = |line: &[u8], error: CommandError| {
            let told = format!("{point:?}, {} rejected", line.escape_ascii());
            let reach = || {
                let mut pair = point.reach();
                assert_eq!(pair.hear(line), Seen::Rejected(error), "{told}");
                answer_by(&mut pair.server, "rejection").expect("a rejected line");
                written(&mut pair.server);
                pair
            };
            point.refusing().server_stands(reach, &told);
        };
        for row in ROWS.iter() {
            if let Seen::Rejected(error) = point.server(row) {
                rejected(row.line.as_bytes(), error);
                refused += 1;
            }
        }
        if matches!(point.phase, Authorization | AfterUser | Transaction) {
            for (line, error) in malformed() {
                rejected(&line, error);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 1068);
}

/// RFC 5034 §4, R5034-4.26, R5034-4.33, I5, I8: every end of an exchange, on both sides.
#[test]
fn an_exchange_ends_on_both_sides() {
    let row = row("AUTH PLAIN");
    for point in Point::all().into_iter().filter(|point| point.phase == Exchange) {
        for (response, answer, phase) in [
            (Some("AGE="), "authenticated", Transaction),
            (Some("AGE="), "failed", Authorization),
            (Some("AGE="), "refuse", Authorization),
            (Some("AGE="), "challenge", Exchange),
            (None, "itself", Authorization),
        ] {
            let told = format!("{point:?}, {response:?} answered {answer}");
            let asked = || {
                let mut pair = point.reach();
                match response {
                    Some(response) => pair.client.answer(&Base64::new(response).expect("base64")),
                    None => pair.client.cancel_auth(),
                }
                .expect("a challenge waits");
                pair.carry();
                let seen = if response.is_some() { Seen::Response } else { Seen::Cancelled };
                assert_eq!(pair.listen(), seen, "{told}");
                pair
            };
            let answered = || {
                let mut pair = asked();
                answer_by(&mut pair.server, answer).expect("it is due");
                pair.deliver();
                pair
            };
            let after = Point { phase, ..point };
            after.client_stands(answered, &told);
            after.server_stands(answered, &told);
            assert_eq!(answered().ended.len(), usize::from(phase != Exchange), "I5: {told}");
            only_its_answers_are_taken(asked, row, &told);
        }
    }
}

/// R2449-6.6.02, R2595-4.03, R5034-4.22, C0045, C0047, I5, I8, I12: every command behind every other whose reply is owed. The
/// client sends no more than the table has; the server takes one after the other whatever the client sends, but for what
/// stands behind STLS.
#[test]
fn every_command_behind_every_other() {
    let (mut sent, mut withheld) = (0, 0);
    let points = Point::all().into_iter();
    for point in points
        .filter(|point| matches!(point.phase, Authorization | AfterUser | Transaction | Marked))
    {
        for first in ROWS.iter().filter(|row| point.client(row, None).is_none()) {
            for second in ROWS.iter() {
                let taken = withheld_or_sent(point, first, second);
                *if taken { &mut sent } else { &mut withheld } += 1;
                for outcome in [Outcome::Ok, Outcome::Err] {
                    heard_together(point, first, second, outcome);
                }
            }
        }
    }
    assert_eq!((sent, withheld), (1248, 2616));
}

/// Whether the client sends `second` while the reply to `first` is owed; then both end in order, and both sides agree.
fn withheld_or_sent(point: Point, first: &Row, second: &Row) -> bool {
    let told = format!("{point:?}, {} behind {}", second.line, first.line);
    let mut pair = point.reach();
    pair.client.send(&first.command).expect("legal");
    let before = format!("{:?}", pair.client);
    let refused = pair.client.send(&second.command).err();
    assert_eq!(refused, point.client(second, Some(first)), "{told}");
    if refused.is_some() {
        assert_eq!(format!("{:?}", pair.client), before, "I8: {told}");
        return false;
    }
    for (one, other) in
        [(Outcome::Ok, Outcome::Ok), (Outcome::Ok, Outcome::Err), (Outcome::Err, Outcome::Ok)]
    {
        let told = format!("{told}, answered {one:?} and {other:?}");
        let mut point = point;
        let mut pair = point.reach();
        for row in [first, second] {
            pair.client.send(&row.command).expect("it was taken before");
        }
        pair.carry();
        for (row, outcome) in [(first, one), (second, other)] {
            let decided = match row.answers[0].as_str() {
                "itself" => Outcome::Ok,
                "rejection" => Outcome::Err,
                _ => outcome,
            };
            pair.listen();
            if row.answers[0] != "itself" {
                pair.answer(row, decided);
            }
            point = point.after(row, decided);
        }
        pair.deliver();
        assert_eq!(pair.ended, [first.keyword(), second.keyword()], "I5: {told}");
        assert_eq!(pair.client.state(), point.state(), "{told}");
        assert!(point.marks(&pair.client), "{told}");
        pair.listen();
        assert_eq!(pair.commit, point.closed(), "I9: {told}");
    }
    true
}

/// What a server makes of two lines that came at once.
fn heard_together(point: Point, first: &Row, second: &Row, outcome: Outcome) {
    let told = format!("{point:?}, {} at once behind {}", second.line, first.line);
    let mut pair = point.reach();
    let lines = format!("{}\r\n{}\r\n", first.line, second.line);
    pair.server.receive(lines.as_bytes());
    if first.leads_to == "TLS" {
        assert_eq!((pair.listen(), pair.commit), (Seen::Nothing, Some(false)), "I12: {told}");
        return;
    }
    let seen = pair.listen();
    let (decided, expected) = match point.server(first) {
        Seen::Itself => (Outcome::Ok, Seen::Itself),
        Seen::Rejected(error) => (Outcome::Err, Seen::Rejected(error)),
        seen => (outcome, seen),
    };
    let then = point.after(first, decided).server(second);
    if expected == Seen::Itself {
        assert_eq!(seen, if then == Seen::Nothing { expected } else { then }, "{told}");
        return;
    }
    assert_eq!(seen, expected, "{told}");
    let answer = if decided == Outcome::Ok { first.answers[0].as_str() } else { "refuse" };
    answer_by(&mut pair.server, answer).expect("it is due");
    if answer == "begin" {
        answer_by(&mut pair.server, "finish").expect("it was begun");
    }
    written(&mut pair.server);
    assert_eq!(pair.listen(), then, "{told}, answered {outcome:?}");
}
