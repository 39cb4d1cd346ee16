//! The example session of RFC 1939 §10, octet by octet in both directions.

use pop3_proto::Command;
use pop3_proto::client::Update;
use pop3_proto::state::State;

use crate::support::{
    GREETED, GREETING, Step, apop, dele, expect, outlook, retr, s, strict, tolerant,
};

/// RFC 1939 §10: what stands behind `S:`, the two messages filled in with 120 and 200 octets.
fn messages() -> [String; 2] {
    let head = |subject: &str| format!("Subject: {subject}\r\n\r\n");
    [("one", 120), ("two", 200)].map(|(subject, octets)| {
        let head = head(subject);
        let body = "x".repeat(octets - head.len() - ".\r\n\r\n".len());
        // A line that is only a dot, so that the byte-stuffing shows.
        format!("{head}.\r\n{body}\r\n")
    })
}

fn stuffed(message: &str) -> String {
    message.replace("\r\n.", "\r\n..")
}

/// R1939-3.02, R1939-3.05, R1939-3.06, R1939-3.07, R1939-3.08, R1939-3.09, R1939-3.10, R1939-3.11, R1939-5.01,
/// R1939-5.02, R1939-6.01, R1939-11.02, I1: RFC 1939 §10 as it is printed.
#[test]
fn the_example_session() {
    let [one, two] = messages();
    assert_eq!((one.len(), two.len()), (120, 200));
    let script = [
        s(GREETING),
        Step::C(apop()),
        s("+OK mrose's maildrop has 2 messages (320 octets)\r\n"),
        Step::C(Command::Stat),
        s("+OK 2 320\r\n"),
        Step::C(Command::List(None)),
        s("+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"),
        Step::C(retr(1)),
        s(format!("+OK 120 octets\r\n{}.\r\n", stuffed(&one))),
        Step::C(dele(1)),
        s("+OK message 1 deleted\r\n"),
        Step::C(retr(2)),
        s(format!("+OK 200 octets\r\n{}.\r\n", stuffed(&two))),
        Step::C(dele(2)),
        s("+OK message 2 deleted\r\n"),
        Step::C(Command::Quit),
        s("+OK dewey POP3 server signing off (maildrop empty)\r\n"),
    ];
    for config in [strict(), tolerant(), outlook()] {
        let run = expect(
            config,
            &script,
            &[
                GREETED,
                "#0 completed + \"mrose's maildrop has 2 messages (320 octets)\"",
                "#1 drop 2 320",
                "#1 completed + \"2 320\"",
                "#2 started + \"2 messages (320 octets)\"",
                "#2 scan 1 120",
                "#2 scan 2 200",
                "#2 finished",
                "#3 started + \"120 octets\"",
                &format!("#3 data \"{}\"", one.as_bytes().escape_ascii()),
                "#3 finished",
                "#4 completed + \"message 1 deleted\"",
                "#5 started + \"200 octets\"",
                &format!("#5 data \"{}\"", two.as_bytes().escape_ascii()),
                "#5 finished",
                "#6 completed + \"message 2 deleted\"",
                "#7 completed + \"dewey POP3 server signing off (maildrop empty)\"",
                "closed Committed",
            ],
        );
        assert_eq!(
            run.sent.escape_ascii().to_string(),
            "APOP mrose c4c9334bac560ecc979e58001b3e22fb\\r\\nSTAT\\r\\nLIST\\r\\nRETR 1\\r\\nDELE 1\\r\\nRETR 2\\r\\n\
             DELE 2\\r\\nQUIT\\r\\n"
        );
        assert_eq!((run.session.state(), run.session.update()), (State::Closed, Update::Committed));
    }
}
