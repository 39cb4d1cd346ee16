//! Bodies that are copied out instead of polled: which call says what, and that no event is lost.

use pop3_proto::client::{BodyRead, Eof, Pipelining, ProtocolError};

use crate::support::*;

/// Room for eight octets: what was copied, or what else the call said.
fn read(run: &mut Run, command: usize) -> Result<Vec<u8>, BodyRead> {
    let mut room = [0; 8];
    match run.session.read_body(run.ids[command], &mut room) {
        Ok(BodyRead::Data(len)) => Ok(room[..len].to_vec()),
        Ok(other) => Err(other),
        Err(error) => panic!("{error}"),
    }
}

fn two_in_flight() -> Run {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let mut run = Run::in_transaction(config);
    run.send(&retr(1)).unwrap();
    run.send(&retr(2)).unwrap();
    run
}

/// I5: the body of a command is what is read, whichever other is in flight; the events of each are left to
/// be polled, in their order.
#[test]
fn every_body_under_its_own_command() {
    let mut run = two_in_flight();
    let (first, second) = (2, 3);
    assert_eq!(read(&mut run, first), Err(BodyRead::NeedMore));
    assert_eq!(read(&mut run, second), Err(BodyRead::NeedMore));
    assert_eq!(run.session.receive(b"+OK\r\none\r\n.\r\n+OK\r\ntwo\r\n.\r\n"), 26);
    // The second command's body begins behind the events of the first.
    assert_eq!(read(&mut run, second), Err(BodyRead::EventFirst));
    assert_eq!(read(&mut run, first), Err(BodyRead::EventFirst));
    assert_eq!(
        run.session.poll_event().unwrap().map(|event| event_line(&event)),
        Some("#2 started + \"\"".into())
    );
    assert_eq!(read(&mut run, first), Ok(b"one\r\n".to_vec()));
    assert_eq!(read(&mut run, first), Err(BodyRead::End));
    assert_eq!(read(&mut run, second), Err(BodyRead::EventFirst), "the end of the first");
    assert_eq!(
        run.session.poll_event().unwrap().map(|event| event_line(&event)),
        Some("#2 finished".into())
    );
    assert_eq!(read(&mut run, first), Err(BodyRead::End), "it stays at its end");
    assert_eq!(read(&mut run, second), Err(BodyRead::EventFirst));
    run.poll();
    assert_eq!(run.take_trace(), ["#3 started + \"\"", "#3 data \"two\\r\\n\"", "#3 finished"]);
    assert_eq!(read(&mut run, second), Err(BodyRead::End));
}

/// Without room nothing is copied: 0 octets while the body goes on, and its end all the same.
#[test]
fn no_room() {
    let mut run = Run::in_transaction(tolerant());
    let id = run.send(&retr(1)).unwrap();
    run.session.receive(b"+OK\r\nbody\r\n");
    assert!(run.session.poll_event().unwrap().is_some());
    assert_eq!(run.session.read_body(id, &mut []), Ok(BodyRead::Data(0)));
    assert_eq!(read(&mut run, 2), Ok(b"body\r\n".to_vec()));
    assert_eq!(run.session.read_body(id, &mut []), Ok(BodyRead::Data(0)));
    run.session.receive(b".\r\n");
    assert_eq!(run.session.read_body(id, &mut []), Ok(BodyRead::End));
    run.poll();
    assert_eq!(run.take_trace(), ["#2 finished"]);
}

/// I11: nothing of an abandoned body is copied out; the next one is in step.
#[test]
fn an_abandoned_body() {
    let mut run = two_in_flight();
    run.session.receive(b"+OK\r\none\r\n");
    assert!(run.session.poll_event().unwrap().is_some());
    assert_eq!(read(&mut run, 2), Ok(b"one\r\n".to_vec()));
    assert!(run.session.abandon(run.ids[2]));
    run.session.receive(b"more\r\n.\r\n+OK\r\ntwo\r\n.\r\n");
    assert_eq!(read(&mut run, 2), Err(BodyRead::End));
    run.poll();
    assert_eq!(
        run.take_trace(),
        ["#2 finished", "#3 started + \"\"", "#3 data \"two\\r\\n\"", "#3 finished"]
    );
}

/// I2: an end inside a body is an error, and the error is final.
#[test]
fn an_end_inside_a_body() {
    let mut run = Run::in_transaction(tolerant());
    let id = run.send(&retr(1)).unwrap();
    run.session.receive(b"+OK\r\nhalf");
    assert!(run.session.poll_event().unwrap().is_some());
    assert_eq!(read(&mut run, 2), Ok(b"half".to_vec()));
    run.session.receive_eof(Eof::Clean);
    let error = run.session.read_body(id, &mut [0; 8]).unwrap_err();
    assert!(matches!(error, ProtocolError::UnexpectedEof { eof: Eof::Clean, .. }));
    assert_eq!(run.session.read_body(id, &mut [0; 8]), Err(error.clone()));
    assert_eq!(run.session.poll_event(), Err(error));
}
