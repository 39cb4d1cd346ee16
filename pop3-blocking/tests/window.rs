//! How far a blocking client sends ahead.

use pop3_blocking::pop3_proto::client::{Channel, Choice, Credentials, Method, Security};
use pop3_blocking::pop3_proto::{Command, Mailbox, Password};
use pop3_blocking::{Client, Outcome};

mod support;
use support::{Act, Scripted, expect, send};

/// How many NOOPs have 4096 octets.
const FIT: usize = 4096 / "NOOP\r\n".len();

fn answers(count: usize) -> Act {
    send("+OK\r\n".repeat(count))
}

/// R2449-6.6.01: whatever the window, no more than 4096 octets of commands wait for their answers: a server that does
/// not read on before its answers are read finds room for them.
#[test]
fn a_pipeline_leaves_room_for_a_server_that_does_not_read_on() {
    pipelined(
        700,
        [
            expect("NOOP\r\n".repeat(FIT)),
            answers(FIT),
            expect("NOOP\r\n".repeat(700 - FIT)),
            answers(700 - FIT),
        ],
    );
}

/// R2449-6.6.01: where octets bound the window and not its length, half of it is answered before more is sent: a write
/// for half a window, not for each read.
#[test]
fn a_window_of_octets_is_refilled_by_halves() {
    pipelined(
        FIT + FIT / 2,
        [
            expect("NOOP\r\n".repeat(FIT)),
            answers(FIT / 2 - 1),
            expect(""),
            answers(1),
            expect("NOOP\r\n".repeat(FIT / 2)),
            answers(FIT),
        ],
    );
}

/// That many NOOPs, with a window of as many, by this script.
fn pipelined(commands: usize, turns: impl IntoIterator<Item = Act>) {
    let mut script = vec![
        send("+OK ready\r\n"),
        expect("USER mrose\r\n"),
        send("+OK\r\n"),
        expect("PASS x\r\n"),
        send("+OK\r\n"),
        expect("CAPA\r\n"),
        send("+OK\r\nPIPELINING\r\n.\r\n"),
    ];
    script.extend(turns);
    let builder = Client::builder(Security::PlaintextAllowed);
    let client = builder.over(Scripted::new(usize::MAX, script), Channel::Clear);
    let mailbox = Mailbox::new("mrose").expect("a mailbox");
    let credentials = Credentials::password(mailbox, Password::new("x").expect("a password"));
    let client = client.expect("a greeting");
    let session = client.login_with(credentials, Choice::Only(Method::UserPass));
    let mut session = session.expect("a login");
    assert!(session.capabilities().expect("a list").pipelining());
    let mut pipeline = session.pipeline(std::iter::repeat_n(Command::Noop, commands), commands);
    let mut answered = 0;
    while let Some(reply) = pipeline.next() {
        assert!(matches!(reply.unwrap().outcome, Outcome::Line(response) if response.is_ok()));
        answered += 1;
    }
    assert_eq!(answered, commands);
}
