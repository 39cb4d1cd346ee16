//! Commands that are sent ahead.

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::Command;
use pop3_blocking::pop3_proto::client::{ProtocolError, SendError};

use super::{ENDS, Scenario, unexpected_end, usable};
use crate::scenarios::{Call, Take, does, fails, is, number, over, talk};
use crate::support::{expect, send, surplus};

/// R2449-6.6.02, I5: replies come in the order of their commands, whatever they say.
pub(crate) fn a_pipeline_answers_in_order_and_goes_on_behind_a_refusal() -> Vec<Scenario> {
    let script = talk(&[
        (
            "RETR 1\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\n",
            "+OK\r\none\r\n.\r\n-ERR gone\r\n+OK\r\nthree\r\n.\r\n+OK\r\n",
        ),
        ("STAT\r\n", "+OK 3 9\r\n"),
    ]);
    let commands = [1, 2, 3].map(|message| Command::Retr(number(message)));
    let commands = commands.into_iter().chain([Command::Dele(number(1))]).collect();
    let seen = [is("one\r\n"), is("-ERR gone"), is("three\r\n"), is("+OK ")];
    let steps =
        vec![does(Call::Pipeline(commands, 8, vec![]), seen), does(Call::Stat, [is("3 9")])];
    vec![Scenario::pipelining("a refusal in between", script, steps)]
}

/// R2449-6.6.02: nothing is sent ahead where PIPELINING was not announced.
pub(crate) fn a_pipeline_waits_where_it_must() -> Vec<Scenario> {
    let script = talk(&[
        ("DELE 1\r\n", "+OK\r\n"),
        ("DELE 2\r\n", "+OK\r\n"),
        ("LIST 3\r\n", "+OK 3 7\r\n"),
    ]);
    let commands =
        vec![Command::Dele(number(1)), Command::Dele(number(2)), Command::List(Some(number(3)))];
    let seen = [is("+OK "), is("+OK "), is("3 7")];
    let steps = vec![does(Call::Pipeline(commands, 32, vec![]), seen)];
    vec![Scenario::logged_in("one at a time", script, steps)]
}

/// What gives items and what gives a body follows from the command, also in a pipeline.
pub(crate) fn a_pipeline_tells_listings_from_bodies() -> Vec<Scenario> {
    let reply = "+OK\r\n1 a\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\nTOP\r\nUIDL\r\n.\r\n";
    let script = talk(&[("UIDL\r\nTOP 1 0\r\nCAPA\r\n", reply)]);
    let top = Command::Top { message: number(1), lines: 0 };
    let commands = vec![Command::Uidl(None), top, Command::Capa];
    let seen = [is("1 a"), is("1 a\r\n"), is("TOP"), is("UIDL")];
    let steps = vec![does(Call::Pipeline(commands, 8, vec![]), seen)];
    vec![Scenario::pipelining("UIDL, TOP and CAPA", script, steps)]
}

/// I5, I8: what the session does not take is told in its place.
pub(crate) fn a_command_that_the_session_refuses_is_reported_in_its_order() -> Vec<Scenario> {
    let (more, usable) = usable();
    let mut script = talk(&[("DELE 1\r\n", "+OK\r\n"), ("NOOP\r\n", "+OK\r\n")]);
    script.extend(more);
    let marked = || fails!(Error::Send(SendError::MarkedDeleted(_)));
    let commands = vec![Command::Noop, Command::Retr(number(1))];
    let steps = vec![
        does(Call::Dele(1), [is("+OK ")]),
        does(Call::Retr(1, Take::All), [marked()]),
        does(Call::Pipeline(commands, 4, vec![]), [is("+OK "), marked()]),
        usable,
    ];
    vec![Scenario::pipelining("a marked message", script, steps)]
}

/// H6, H17: replies that are out of step, and a connection that ends between and inside them.
pub(crate) fn a_pipeline_that_breaks_ends() -> Vec<Scenario> {
    let commands = || [1, 2].map(|message| Command::Retr(number(message))).into();
    let heard = "RETR 1\r\nRETR 2\r\n";
    let mut scenarios = vec![
        Scenario::pipelining(
            "a body where a status is due",
            vec![expect(heard), send("+OK\r\none\r\n.\r\nFrom: x\r\n"), surplus("\r\n.\r\n")],
            vec![
                does(
                    Call::Pipeline(commands(), 8, vec![]),
                    [is("one\r\n"), fails!(Error::Protocol(ProtocolError::MalformedStatus { .. }))],
                ),
                over(),
            ],
        ),
        Scenario::pipelining(
            "a reply too many",
            vec![expect(heard), send("-ERR no\r\n-ERR no\r\n+OK\r\n"), surplus("three\r\n.\r\n")],
            vec![
                does(Call::Pipeline(commands(), 8, vec![]), [is("-ERR no"), is("-ERR no")]),
                does(Call::Noop, [fails!(Error::Protocol(ProtocolError::Unsolicited))]),
                over(),
            ],
        )
        .at_once(),
    ];
    for (end, eof) in ENDS {
        for (said, seen) in [
            ("+OK\r\none\r\n.\r\n", vec![is("one\r\n"), unexpected_end(eof)]),
            ("+OK\r\none\r\n.\r\n+O", vec![is("one\r\n"), unexpected_end(eof)]),
            ("+OK\r\none\r\n", vec![is("one\r\n"), unexpected_end(eof), unexpected_end(eof)]),
        ] {
            let script = vec![expect(heard), send(said), end.clone()];
            let steps = vec![does(Call::Pipeline(commands(), 8, vec![]), seen), over()];
            let name = format!("{end:?} behind {said:?} in a pipeline");
            scenarios.push(Scenario::pipelining(name, script, steps));
        }
    }
    scenarios
}
