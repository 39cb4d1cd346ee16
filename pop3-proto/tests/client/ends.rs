//! The end of a session, asked for or not, and what became of the maildrop.

use pop3_proto::Command;
use pop3_proto::client::{Channel, Eof, Pipelining, ProtocolError, SendError, Update, Waiting};
use pop3_proto::state::State;

use crate::support::{
    GREETED, GREETING, Run, Step, dele, error_line, expect, expect_in_transaction, presets, retr,
    s, strict, tolerant,
};

pub(super) fn eof(waiting: &str, eof: Eof) -> String {
    format!("error UnexpectedEof {{ waiting: {waiting}, eof: {eof:?} }}")
}

/// H6, H7, H11, E23: the end where something is due says what was due, once and for good.
#[test]
fn the_end_in_each_state() {
    for config in presets() {
        for end in [Eof::Clean, Eof::Abrupt] {
            let closed = format!("closed NotRequested {end:?}");
            for begun in ["", "+", "+OK hello\r"] {
                expect(config, &[s(begun), Step::End(end)], &[&eof("Greeting", end)]);
            }
            expect(config, &[s(GREETING), Step::End(end)], &[GREETED, &closed]);
            expect_in_transaction(config, &[Step::End(end)], &[&closed]);
            let started = "#2 started + \"\"";
            let rest = eof("Rest(CommandId(2))", end);
            for (command, octets, lines) in [
                (retr(1), "+OK\r\n", vec![started]),
                (retr(1), "+OK\r\nhalf", vec![started, "#2 data \"half\""]),
                (retr(1), "+OK\r\nhalf\r\n.", vec![started, "#2 data \"half\\r\\n\""]),
                (retr(1), "+OK\r\nhalf\r\n.\r", vec![started, "#2 data \"half\\r\\n\""]),
                (Command::Uidl(None), "+OK\r\n1 a\r\n2", vec![started, "#2 id 1 a"]),
                (Command::List(None), "+OK\r\n1 2\r\n.", vec![started, "#2 scan 1 2"]),
                (Command::Capa, "+OK\r\nTOP\r\n.\r", vec![started, "#2 capability TOP"]),
            ] {
                let script = [Step::C(command), s(octets), Step::End(end)];
                let run = expect_in_transaction(config, &script, &[lines, vec![&rest]].concat());
                assert_eq!(run.session.capabilities(), None);
                assert_eq!(run.session.update(), Update::NotRequested);
            }
            let mut run = Run::in_transaction(config);
            run.queue(&retr(1)).unwrap();
            run.end(end);
            assert_eq!(run.take_trace(), [eof("Write", end)]);
        }
    }
}

/// R1939-6.01, R1939-6.02, I9, H10: committed only with its `+OK`, refused with `-ERR`, unknown when QUIT left and its
/// answer never came.
#[test]
fn the_three_outcomes_of_quit() {
    let marked = [Step::C(dele(1)), s("+OK\r\n"), Step::C(Command::Quit)];
    let done = "#2 completed + \"\"";
    for (rest, lines, update) in [
        (
            vec![s("+OK bye\r\n")],
            vec!["#3 completed + \"bye\"", "closed Committed"],
            Update::Committed,
        ),
        (
            vec![s("-ERR some\r\n")],
            vec!["#3 completed - \"some\"", "closed Refused"],
            Update::Refused,
        ),
        (vec![Step::End(Eof::Clean)], vec!["closed Unknown Clean"], Update::Unknown),
        (vec![Step::End(Eof::Abrupt)], vec!["closed Unknown Abrupt"], Update::Unknown),
        (vec![s("+O"), Step::End(Eof::Abrupt)], vec!["closed Unknown Abrupt"], Update::Unknown),
        (
            vec![s("+OK bye\r"), Step::End(Eof::Clean)],
            vec!["closed Unknown Clean"],
            Update::Unknown,
        ),
        (vec![s("bye\r\n")], vec!["error MalformedStatus { line: \"bye\" }"], Update::Unknown),
        (vec![s("+OK\n")], vec!["error BareLineFeed"], Update::Unknown),
    ] {
        let script = [&marked[..], &rest].concat();
        let run = expect_in_transaction(strict(), &script, &[vec![done], lines].concat());
        assert_eq!(run.session.update(), update);
    }
    let mut run = Run::in_transaction(tolerant());
    run.send(&Command::Quit).unwrap();
    assert_eq!(run.session.update(), Update::Unknown);
    run.session.time_out();
    assert_eq!(run.session.update(), Update::Unknown);
}

/// I9: a QUIT that has not left commits nothing; one that left behind an unanswered command may have.
#[test]
fn a_quit_that_waits() {
    let mut run = Run::in_transaction(tolerant());
    run.queue(&Command::Quit).unwrap();
    bytes::Buf::advance(&mut run.session.outgoing(), 5);
    assert_eq!(run.session.update(), Update::NotRequested);
    run.end(Eof::Clean);
    assert_eq!(run.take_trace(), [eof("Write", Eof::Clean)]);
    assert_eq!(run.session.update(), Update::NotRequested);

    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let script = [Step::C(retr(1)), Step::C(Command::Quit), s("+OK\r\nx"), Step::End(Eof::Clean)];
    let rest = eof("Rest(CommandId(2))", Eof::Clean);
    let lines = ["#2 started + \"\"", "#2 data \"x\"", &rest];
    let run = expect_in_transaction(config, &script, &lines);
    assert_eq!(run.session.update(), Update::Unknown);
    // From AUTHORIZATION there is nothing to commit (R1939-4.09).
    let script = [s(GREETING), Step::C(Command::Quit), Step::End(Eof::Clean)];
    expect(config, &script, &[GREETED, "closed NotRequested Clean"]);
}

/// H8, R1939-3.09: a time-out says what was awaited, is final, and nothing that comes later is read.
#[test]
fn a_time_out_says_what_was_awaited() {
    type Case = (fn() -> Run, fn(&Run) -> Waiting, bool);
    let cases: [Case; 7] = [
        (|| Run::new(tolerant(), Channel::Clear), |_| Waiting::Greeting, true),
        (|| Run::in_transaction(tolerant()), |_| Waiting::Nothing, true),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.queue(&Command::Noop).unwrap();
                run
            },
            |_| Waiting::Write,
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.send(&Command::Noop).unwrap();
                run.feed(b"+O");
                run
            },
            |run| Waiting::Reply(run.ids[2]),
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.send(&retr(1)).unwrap();
                run.feed(b"+OK\r\nx");
                run
            },
            |run| Waiting::Rest(run.ids[2]),
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.feed(b"-ERR idle\r\n");
                run
            },
            |_| Waiting::Close,
            true,
        ),
        (
            || {
                let mut run = Run::in_transaction(tolerant());
                run.end(Eof::Clean);
                run
            },
            |_| Waiting::Nothing,
            false,
        ),
    ];
    for (reach, waiting, open) in cases {
        let mut run = reach();
        let waiting = waiting(&run);
        assert_eq!(run.session.waiting(), waiting);
        run.take_trace();
        let error = ProtocolError::TimedOut { waiting };
        assert_eq!(run.session.time_out(), error);
        run.feed(b"+OK late\r\n");
        assert_eq!(run.session.incoming(), b"");
        assert!(!run.session.wants_read() && !run.session.wants_write());
        assert_eq!(run.session.in_flight(), 0);
        assert_eq!(run.send(&Command::Noop), Err(SendError::Over));
        if open {
            assert_eq!(run.session.time_out(), error, "the first error stays");
            assert_eq!(run.take_trace(), [error_line(&error)]);
            assert_eq!(run.session.state(), State::Failed);
        } else {
            assert_eq!(run.take_trace(), [""; 0]);
            assert_eq!(run.session.state(), State::Closed);
        }
    }
}
