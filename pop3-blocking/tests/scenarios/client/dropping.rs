//! Replies that the caller drops before their end.

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::Command;
use pop3_blocking::pop3_proto::client::{Pipelining, ProtocolError};

use super::{Scenario, usable};
use crate::scenarios::{Call, Take, does, fails, is, number, over, talk};
use crate::support::{expect, surplus};

/// I11: what is dropped half-way is read and dropped by the next call, under its own command.
pub(crate) fn dropping_half_way_leaves_the_session_in_step() -> Vec<Scenario> {
    let script = talk(&[
        ("RETR 1\r\n", "+OK\r\nabc\r\n-ERR in a body\r\n.\r\n"),
        ("TOP 1 9\r\n", "+OK\r\nabc\r\n.\r\n"),
        ("LIST\r\n", "+OK\r\n1 1\r\n2 2\r\n.\r\n"),
        ("UIDL\r\n", "+OK\r\n1 a\r\n2 b\r\n.\r\n"),
        ("STAT\r\n", "+OK 2 3\r\n"),
    ]);
    let steps = vec![
        does(Call::Retr(1, Take::First(1)), [is("a")]),
        does(Call::Top(1, 9, Take::First(0)), [is("")]),
        does(Call::List(Take::First(1)), [is("1 1")]),
        does(Call::Uidl(Take::First(0)), []),
        does(Call::Stat, [is("2 3")]),
    ];
    vec![Scenario::logged_in("dropped half-way", script, steps)]
}

/// I11, and the refill at half of the window: the first reply is dropped unread, the second begun, the
/// third never asked for.
pub(crate) fn a_pipeline_dropped_half_way_leaves_the_session_in_step() -> Vec<Scenario> {
    let script = talk(&[
        ("RETR 1\r\nRETR 2\r\n", "+OK\r\none\r\n.\r\n+OK\r\ntwo\r\n.\r\n"),
        ("RETR 3\r\nNOOP\r\n", "+OK\r\nthree\r\n.\r\n+OK\r\n"),
    ]);
    let commands = [1, 2, 3].map(|message| Command::Retr(number(message))).into();
    let takes = vec![Take::First(0), Take::First(2), Take::Leave];
    let steps = vec![
        does(Call::Pipeline(commands, 2, takes), [is(""), is("tw")]),
        does(Call::Noop, [is("+OK ")]),
    ];
    vec![Scenario::pipelining("a window of two", script, steps)]
}

/// I3, I11: more than the drain limit is not read for nobody; the session says that it is over.
pub(crate) fn what_is_dropped_is_read_up_to_a_limit() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (octets, ends) in [(50, false), (500, true)] {
        let body = format!("+OK\r\n{}\r\n.\r\n", "x".repeat(octets));
        let listing = format!("+OK\r\n{}.\r\n", "1 1\r\n".repeat(octets / 5));
        let first = vec![Take::All, Take::Leave];
        let pipeline = Call::Pipeline(vec![Command::Noop, Command::Retr(number(1))], 2, first);
        for (heard, said, step) in [
            ("RETR 1\r\n", body.clone(), does(Call::Retr(1, Take::First(0)), [is("")])),
            ("LIST\r\n", listing, does(Call::List(Take::First(0)), [])),
            ("NOOP\r\nRETR 1\r\n", format!("+OK\r\n{body}"), does(pipeline, [is("+OK ")])),
        ] {
            let (more, usable) = usable();
            let mut script = vec![expect(heard), surplus(said)];
            let drained = if ends {
                let limit = fails!(Error::Protocol(ProtocolError::DrainLimit { limit: 100 }));
                vec![does(Call::Noop, [limit]), over()]
            } else {
                script.extend(more);
                vec![usable]
            };
            let steps = std::iter::once(step).chain(drained).collect();
            let name = format!("{octets} octets are left of {heard:?}");
            let mut scenario = Scenario::logged_in(name, script, steps);
            scenario.config.limits.drain = 100;
            if heard.starts_with("NOOP") {
                scenario.config.pipelining = Pipelining::Always;
                // NOOP may leave before so much has come.
                scenario.at_once = ends;
            }
            scenarios.push(scenario);
        }
    }
    scenarios
}
