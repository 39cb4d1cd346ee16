//! How long a server may take.

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::client::{Security, SendError, UseStls};

use super::{Opening, Scenario, opens};
use crate::scenarios::{Call, Step, Take, does, fails, is, over, pause, says, talk, ticks};
use crate::support::{Act, expect, send, surplus};

/// C0002, C0005, C0006, C0014: a server that falls silent ends in a time-out that says what was awaited, when
/// its time is over and not before, and the session is over.
pub(crate) fn silence_ends_in_a_time_out() -> Vec<Scenario> {
    let forever = || pause(1000);
    let capa = |seen| vec![opens(), does(Call::Capa, [seen]), over_client()];
    let greeting = says!("timed out waiting for the greeting");
    let reply = says!("timed out waiting for the reply to CAPA");
    let rest = says!("timed out waiting for the rest of the reply to CAPA");
    let stuck = says!("timed out waiting for a command to be sent");
    let begin = || vec![send("+OK ready\r\n"), expect("CAPA\r\n")];
    let say = |said| begin().into_iter().chain([send(said), forever()]).collect::<Vec<_>>();
    vec![
        (vec![forever()], vec![does(Call::Open, [greeting.clone()])], 5),
        (vec![send("+OK ready"), forever()], vec![does(Call::Open, [greeting])], 5),
        (say(""), capa(reply.clone()), 4),
        (say("+OK"), capa(reply), 4),
        (say("+OK\r\nUIDL\r\n"), capa(rest), 4),
    ]
    .into_iter()
    .map(|(script, steps, lasts)| {
        let name = format!("{script:?}");
        Scenario::new(name, script, steps).with(|scenario| {
            scenario.deadlines.greeting = ticks(5);
            scenario.deadlines.reply = ticks(4);
            scenario.lasts = Some(lasts);
        })
    })
    .chain([Scenario::new(
        "a server that takes nothing",
        vec![send("+OK ready\r\n"), Act::Deaf],
        capa(stuck),
    )])
    .collect()
}

/// As [`over`], before a login.
fn over_client() -> Step {
    does(Call::Capa, [fails!(Error::Send(SendError::Over))])
}

/// B9: a greeting and a status line have an end, however they come.
pub(crate) fn nobody_who_dribbles_gains_time() -> Vec<Scenario> {
    let dribble = |text: &str| {
        let octets = text.chars().map(|octet| surplus(octet.to_string()));
        octets.flat_map(|octet| [pause(1), octet]).collect::<Vec<_>>()
    };
    let greeting = vec![does(Call::Open, [says!("timed out waiting for the greeting")])];
    let stat = says!("timed out waiting for the reply to STAT");
    let mut script = vec![expect("STAT\r\n")];
    script.extend(dribble("+OK 1 1 and more"));
    vec![
        Scenario::new("a greeting", dribble("+OK ready and more"), greeting),
        Scenario::logged_in("a status line", script, vec![does(Call::Stat, [stat]), over()]),
    ]
    .into_iter()
    .map(|scenario| {
        scenario.with(|scenario| {
            scenario.deadlines.greeting = ticks(4);
            scenario.deadlines.reply = ticks(4);
            scenario.lasts = Some(4);
        })
    })
    .collect()
}

/// A body may go on for as long as something comes of it, and silence inside it may not.
pub(crate) fn a_body_that_goes_on_is_in_time() -> Vec<Scenario> {
    let mut script = vec![expect("RETR 1\r\n"), send("+OK\r\n")];
    script.extend((0..4).flat_map(|_| [pause(2), send("line\r\n")]));
    script.push(pause(1000));
    let late = says!("timed out waiting for the rest of the reply to RETR");
    let steps = vec![does(Call::Retr(1, Take::All), [is("line\r\n".repeat(4)), late]), over()];
    vec![Scenario::logged_in("four lines", script, steps).with(|scenario| {
        scenario.deadlines.reply = ticks(5);
        scenario.lasts = Some(13);
    })]
}

/// Time counts only while something is awaited.
pub(crate) fn an_idle_session_does_not_time_out() -> Vec<Scenario> {
    let script = talk(&[("NOOP\r\n", "+OK\r\n"), ("NOOP\r\n", "+OK\r\n")]);
    let noop = || does(Call::Noop, [is("+OK ")]);
    let steps = vec![noop(), does(Call::Rest(9), []), noop()];
    vec![Scenario::logged_in("a rest", script, steps).with(|scenario| {
        scenario.deadlines.reply = ticks(4);
        scenario.lasts = Some(9);
    })]
}

/// B9, B17.2: what comes before a login and the login itself have ends of their own, however long each
/// reply may take.
pub(crate) fn openings_and_logins_have_an_end_of_their_own() -> Vec<Scenario> {
    let login = vec![
        send("+OK\r\n"),
        expect("USER mrose\r\n"),
        pause(3),
        send("+OK\r\n"),
        expect("PASS x\r\n"),
        pause(1000),
    ];
    let late = says!("timed out waiting for the reply to PASS");
    let steps = vec![opens(), does(Call::UserPass("mrose", "x"), [late])];
    let mut opening = vec![send("+OK ready\r\n"), expect("CAPA\r\n"), send("+OK\r\n")];
    opening.extend((0..20).flat_map(|_| [pause(1), surplus("X-MORE\r\n")]));
    let listing = says!("timed out waiting for the rest of the reply to CAPA");
    vec![
        Scenario::new("a login", login, steps).with(|scenario| {
            scenario.deadlines.login = ticks(6);
            scenario.lasts = Some(6);
        }),
        Scenario::new("an opening", opening, vec![does(Call::Open, [listing])]).with(|scenario| {
            scenario.opening = Opening::Stls(UseStls::IfOffered);
            scenario.config.security = Security::StlsPreferred;
            scenario.deadlines.greeting = ticks(2);
            scenario.deadlines.login = ticks(4);
            scenario.lasts = Some(6);
        }),
    ]
}
