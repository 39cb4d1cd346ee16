//! What a client does with a server that follows a script.

use std::io;

use pop3_blocking::pop3_proto::client::{
    ClientConfig, Eof, Pipelining, ProtocolError, Security, SendError, UseStls,
};
use pop3_blocking::pop3_proto::{Command, KnownCode, Leniency, ResponseCode};
use pop3_blocking::{Deadlines, Error};

use super::super::support::{Act, Cuts, expect, send, surplus};
use super::{Call, Seen, Step, Take, does, fails, is, number, over, pause, says, talk, ticks};

/// How a client comes by its greeting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening {
    Clear,
    Stls(UseStls),
    Tls,
}

/// A server's script, what the caller does, and what he sees.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) opening: Opening,
    pub(crate) config: ClientConfig,
    pub(crate) deadlines: Deadlines,
    pub(crate) script: Vec<Act>,
    pub(crate) steps: Vec<Step>,
    /// How many ticks of the clock it takes, where that is what it is about.
    pub(crate) lasts: Option<u32>,
    /// What the server says at once arrives at once.
    pub(crate) at_once: bool,
}

impl Scenario {
    /// From the connection on.
    pub(crate) fn new(name: impl Into<String>, script: Vec<Act>, steps: Vec<Step>) -> Self {
        Self {
            name: name.into(),
            opening: Opening::Clear,
            config: ClientConfig::new(Security::PlaintextAllowed),
            deadlines: Deadlines::DEFAULT,
            script,
            steps,
            lasts: None,
            at_once: false,
        }
    }

    /// From a login on.
    fn logged_in(name: impl Into<String>, script: Vec<Act>, steps: Vec<Step>) -> Self {
        let login = [
            send("+OK ready\r\n"),
            expect("USER mrose\r\n"),
            send("+OK\r\n"),
            expect("PASS tan staaf\r\n"),
            send("+OK\r\n"),
        ];
        let begin = [opens(), does(Call::UserPass("mrose", "tan staaf"), [is("USER")])];
        let script = login.into_iter().chain(script).collect();
        Self::new(name, script, begin.into_iter().chain(steps).collect())
    }

    /// From a login on, at a server that announces PIPELINING.
    fn pipelining(name: impl Into<String>, script: Vec<Act>, steps: Vec<Step>) -> Self {
        let list = talk(&[("CAPA\r\n", "+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n")]);
        let listed = does(Call::Capa, [is("PIPELINING, UIDL")]);
        let script = list.into_iter().chain(script).collect();
        Self::logged_in(name, script, std::iter::once(listed).chain(steps).collect())
    }

    /// In which pieces it is run: deadlines cost time.
    pub(crate) fn cuts(&self) -> Vec<Cuts> {
        match (self.at_once, self.lasts) {
            (true, _) => vec![Cuts::Each(65536)],
            (false, Some(_)) => vec![Cuts::Random(1)],
            (false, None) => Cuts::all().collect(),
        }
    }

    pub(crate) fn at_once(self) -> Self {
        self.with(|scenario| scenario.at_once = true)
    }

    pub(crate) fn with(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }
}

/// A greeting.
pub(crate) fn opens() -> Step {
    does(Call::Open, [is("done")])
}

/// The session is as good as before.
fn usable() -> (Vec<Act>, Step) {
    (talk(&[("NOOP\r\n", "+OK still here\r\n")]), does(Call::Noop, [is("+OK still here")]))
}

const ENDS: [(Act, Eof); 2] = [(Act::Close, Eof::Clean), (Act::Reset, Eof::Abrupt)];

/// What is told of an end in the middle.
pub(crate) fn unexpected_end(eof: Eof) -> Seen {
    if eof == Eof::Clean {
        fails!(Error::Protocol(ProtocolError::UnexpectedEof { eof: Eof::Clean, .. }))
    } else {
        fails!(Error::Protocol(ProtocolError::UnexpectedEof { eof: Eof::Abrupt, .. }))
    }
}

/// Calls `$each!` with the names of all that follow.
macro_rules! client_scenarios {
    ($each:ident) => {
        $each! {
            a_whole_session_in_pieces_of_every_size,
            a_body_reads_the_same_in_every_way,
            dropping_half_way_leaves_the_session_in_step,
            what_is_dropped_is_read_up_to_a_limit,
            a_pipeline_answers_in_order_and_goes_on_behind_a_refusal,
            a_pipeline_waits_where_it_must,
            a_pipeline_tells_listings_from_bodies,
            a_pipeline_dropped_half_way_leaves_the_session_in_step,
            a_command_that_the_session_refuses_is_reported_in_its_order,
            a_pipeline_that_breaks_ends,
            a_refused_login_gives_the_client_back,
            a_login_by_auth,
            no_password_leaves_in_clear_by_default,
            utf8_and_languages,
            quit_has_three_outcomes,
            greetings_that_are_none,
            an_unfinished_reply_is_an_error,
            surplus_octets_and_farewells,
            an_answer_before_its_command_answers_nothing,
            lines_that_are_none,
            a_listing_beyond_its_limits,
            a_malformed_line_does_not_end_a_listing,
            an_answer_for_another_message,
            a_message_is_as_long_as_it_is,
            a_refusal_leaves_the_session_usable,
            a_broken_transport_ends_the_session,
            what_was_said_before_the_end_is_still_read,
            silence_ends_in_a_time_out,
            nobody_who_dribbles_gains_time,
            a_body_that_goes_on_is_in_time,
            an_idle_session_does_not_time_out,
            openings_and_logins_have_an_end_of_their_own,
        }
    };
}
pub(crate) use client_scenarios;

/// R1939-6.01, I5: every command once, and QUIT to commit.
pub(crate) fn a_whole_session_in_pieces_of_every_size() -> Vec<Scenario> {
    let mut script = talk(&[("STAT\r\n", "+OK 2 320\r\n")]);
    script.extend([expect("LIST\r\n"), Act::Interrupt]);
    script.push(send("+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"));
    script.extend(talk(&[
        ("UIDL\r\n", "+OK\r\n1 a\r\n2 b\r\n.\r\n"),
        ("LIST 2\r\n", "+OK 2 200\r\n"),
        ("UIDL 2\r\n", "+OK 2 b\r\n"),
        ("RETR 1\r\n", "+OK 120 octets\r\none\r\n..two\r\n\r\n.\r\n"),
        ("TOP 2 0\r\n", "+OK\r\nSubject: x\r\n\r\n.\r\n"),
        ("XRAW\r\n", "+OK\r\nline\r\n.\r\n"),
        ("DELE 1\r\n", "+OK marked\r\n"),
        ("NOOP\r\n", "+OK\r\n"),
        ("RSET\r\n", "+OK\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]));
    let steps = vec![
        does(Call::Stat, [is("2 320")]),
        does(Call::List(Take::All), [is("1 120"), is("2 200")]),
        does(Call::Uidl(Take::All), [is("1 a"), is("2 b")]),
        does(Call::ListOne(2), [is("2 200")]),
        does(Call::UidlOne(2), [is("2 b")]),
        does(Call::Retr(1, Take::All), [is("one\r\n.two\r\n\r\n")]),
        does(Call::Top(2, 0, Take::Reads(99)), [is("Subject: x\r\n\r\n")]),
        does(Call::Raw("XRAW", Take::All), [is("line\r\n")]),
        does(Call::Dele(1), [is("+OK marked")]),
        does(Call::Noop, [is("+OK ")]),
        does(Call::Rset, [is("+OK ")]),
        does(Call::Quit, [is("deletions were committed")]),
    ];
    vec![Scenario::logged_in("every command", script, steps)]
}

/// R1939-3.10, I1: a body is the same however it is read.
pub(crate) fn a_body_reads_the_same_in_every_way() -> Vec<Scenario> {
    let takes = [
        Take::Reads(1),
        Take::Reads(3),
        Take::Reads(4096),
        Take::Lines,
        Take::All,
        Take::First(19),
        Take::UpTo(19),
    ];
    let reply = "+OK\r\n..dots\r\n\r\n...\r\nlast\r\n.\r\n";
    let script = takes.iter().flat_map(|_| talk(&[("RETR 1\r\n", reply)])).collect();
    let octets = || is(".dots\r\n\r\n..\r\nlast\r\n");
    let steps = takes.map(|take| does(Call::Retr(1, take), [octets()]));
    vec![Scenario::logged_in("a body", script, steps.into())]
}

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

/// R1939-3.09: a refused login leaves AUTHORIZATION; its code counts only if announced.
pub(crate) fn a_refused_login_gives_the_client_back() -> Vec<Scenario> {
    let mut script = vec![send("+OK\r\n")];
    script.extend(talk(&[
        ("USER a\r\n", "+OK\r\n"),
        ("PASS b\r\n", "-ERR [AUTH] wrong\r\n"),
        ("USER a\r\n", "+OK\r\n"),
        ("PASS c\r\n", "+OK\r\n"),
        ("QUIT\r\n", "+OK\r\n"),
    ]));
    let refused = fails!(
        error if !error.is_auth() && error.response().is_some_and(|response| {
            response.code().and_then(ResponseCode::known) == Some(KnownCode::Auth)
        })
    );
    let steps = vec![
        opens(),
        does(Call::UserPass("a", "b"), [refused]),
        does(Call::UserPass("a", "c"), [is("USER")]),
        does(Call::Quit, [is("deletions were committed")]),
    ];
    let mut scenarios = vec![Scenario::new("the second time", script, steps)];
    for (end, eof) in ENDS {
        let script = vec![send("+OK\r\n"), expect("USER a\r\n"), end.clone()];
        let steps = vec![opens(), does(Call::UserPass("a", "b"), [unexpected_end(eof)])];
        scenarios.push(Scenario::new(format!("{end:?} in a login"), script, steps));
    }
    scenarios
}

/// I14: the best that is announced, or a mechanism of the caller's own.
pub(crate) fn a_login_by_auth() -> Vec<Scenario> {
    [Call::Login("mrose", "x"), Call::OwnPlain("mrose", "x")]
        .map(|login| {
            let mut script = vec![send("+OK\r\n")];
            script.extend(talk(&[
                ("CAPA\r\n", "+OK\r\nSASL PLAIN\r\n.\r\n"),
                ("AUTH PLAIN AG1yb3NlAHg=\r\n", "+OK\r\n"),
                ("CAPA\r\n", "+OK\r\nUIDL\r\n.\r\n"),
                ("STAT\r\n", "+OK 0 0\r\n"),
            ]));
            let name = format!("{login:?}");
            let steps = vec![opens(), does(login, [is("PLAIN")]), does(Call::Stat, [is("0 0")])];
            Scenario::new(name, script, steps)
        })
        .into()
}

/// R1939-13.01, R8314-5.2.02: no credential leaves in clear unless the caller says so.
pub(crate) fn no_password_leaves_in_clear_by_default() -> Vec<Scenario> {
    [Security::Implicit, Security::StlsRequired, Security::StlsPreferred]
        .map(|security| {
            let refused = fails!(Error::Send(SendError::NotProtected { .. }));
            let steps = vec![opens(), does(Call::UserPass("a", "b"), [refused])];
            let scenario = Scenario::new(format!("{security:?}"), vec![send("+OK\r\n")], steps);
            scenario.with(|scenario| scenario.config.security = security)
        })
        .into()
}

/// R6856-2.1.01, R6856-3.1.01, R6856-3.2.03, R6856-3.2.04, R6856-3.2.05: UTF-8 mode before the login, languages before and after.
pub(crate) fn utf8_and_languages() -> Vec<Scenario> {
    let languages = "+OK Language listing follows:\r\nen English\r\nsv Svenska \u{e5}\r\n\
                     i-default\r\n.\r\n";
    let mut script = vec![send("+OK ready\r\n")];
    script.extend(talk(&[
        ("UTF8\r\n", "+OK UTF8 enabled\r\n"),
        ("LANG\r\n", languages),
        ("USER mrose\r\n", "+OK\r\n"),
        ("PASS x\r\n", "+OK\r\n"),
        ("LANG uga\r\n", "-ERR Ce Language n'est pas support\u{e9}\r\n"),
        ("LANG *\r\n", "+OK fr La Language commande a ex\u{e9}cut\u{e9}e\r\n"),
    ]));
    let steps = vec![
        opens(),
        does(Call::Utf8, [is("done")]),
        does(Call::Languages, [is("en English, sv Svenska \u{e5}, i-default ")]),
        does(Call::UserPass("mrose", "x"), [is("USER")]),
        does(Call::ChooseLanguage("uga"), [fails!(Error::Refused(_))]),
        does(Call::ChooseLanguage("*"), [is("fr La Language commande a ex\u{e9}cut\u{e9}e")]),
    ];
    vec![Scenario::new("UTF8 and LANG", script, steps)]
}

/// R1939-6.02, I9: the three outcomes of QUIT, and the one that removes nothing.
pub(crate) fn quit_has_three_outcomes() -> Vec<Scenario> {
    let closed = || fails!(Error::Closed { farewell: None });
    let unknown = || is("the answer to QUIT never came: deletions may or may not be committed");
    let mut scenarios: Vec<_> = [
        (send("+OK\r\n"), vec![is("deletions were committed")]),
        (
            send("-ERR some deleted messages not removed\r\n"),
            vec![is("the server refused to commit: some or no messages were removed")],
        ),
        (Act::Close, vec![unknown(), closed()]),
        (Act::Reset, vec![unknown(), closed()]),
        (Act::Silence, vec![unknown(), says!("timed out waiting for the reply to QUIT")]),
    ]
    .into_iter()
    .map(|(act, seen)| {
        let name = format!("QUIT, and {act:?}");
        let script = vec![expect("QUIT\r\n"), act];
        Scenario::logged_in(name, script, vec![does(Call::Quit, seen)])
    })
    .collect();
    let script = vec![send("+OK\r\n"), expect("QUIT\r\n"), send("+OK\r\n")];
    let steps = vec![opens(), does(Call::Quit, [is("nothing was removed")])];
    scenarios.push(Scenario::new("QUIT in AUTHORIZATION", script, steps));
    scenarios
}

/// R1939-3.11, H4, H5: what is no greeting, and a greeting that never ends.
pub(crate) fn greetings_that_are_none() -> Vec<Scenario> {
    [
        (
            send("-ERR [SYS/PERM] closed\r\n"),
            fails!(Error::Refused(response) if response.code().is_some()),
        ),
        (send("* OK IMAP4rev1\r\n"), fails!(Error::Protocol(ProtocolError::NotAGreeting { .. }))),
        (
            surplus("x".repeat(100_000)),
            fails!(Error::Protocol(ProtocolError::LineTooLong { limit: 8192 })),
        ),
        (surplus("+OK ready\n"), fails!(Error::Protocol(ProtocolError::BareLineFeed))),
        (Act::Close, unexpected_end(Eof::Clean)),
        (Act::Reset, unexpected_end(Eof::Abrupt)),
    ]
    .into_iter()
    .map(|(act, seen)| {
        let mut name = format!("{act:?}");
        name.truncate(80);
        Scenario::new(name, vec![act], vec![does(Call::Open, [seen])])
    })
    .collect()
}

/// H6, H7: an unfinished reply is an error whatever has come of it, and the session is over.
pub(crate) fn an_unfinished_reply_is_an_error() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (end, eof) in ENDS {
        for (call, heard, said, seen) in [
            (Call::Retr(1, Take::All), "RETR 1\r\n", "+OK\r\nhalf\r\n.\r", vec![is("half\r\n")]),
            (Call::Retr(1, Take::Reads(4)), "RETR 1\r\n", "+OK\r\nhalf", vec![is("half")]),
            (Call::Retr(1, Take::UpTo(99)), "RETR 1\r\n", "+OK\r\nhalf", vec![]),
            (Call::Retr(1, Take::All), "RETR 1\r\n", "+OK 9 octets", vec![]),
            (Call::List(Take::All), "LIST\r\n", "+OK\r\n1 1\r\n2 2", vec![is("1 1")]),
            (Call::List(Take::All), "LIST\r\n", "+OK\r\n1 1\r\n", vec![is("1 1")]),
            (Call::Uidl(Take::All), "UIDL\r\n", "+OK\r\n", vec![]),
            (Call::Capa, "CAPA\r\n", "+OK\r\nUIDL\r\n", vec![]),
            (Call::Stat, "STAT\r\n", "+OK 1 1", vec![]),
            (Call::Stat, "STAT\r\n", "", vec![]),
        ] {
            let name = format!("{end:?} behind {said:?}, {call:?}");
            let script = vec![expect(heard), send(said), end.clone()];
            let seen: Vec<_> = seen.into_iter().chain([unexpected_end(eof)]).collect();
            scenarios.push(Scenario::logged_in(name, script, vec![does(call, seen), over()]));
        }
    }
    scenarios
}

/// H1: what answers nothing is fatal, but for a `-ERR` with which the server closes.
pub(crate) fn surplus_octets_and_farewells() -> Vec<Scenario> {
    let noop = || does(Call::Noop, [is("+OK ")]);
    let unsolicited = || fails!(Error::Protocol(ProtocolError::Unsolicited));
    let mut scenarios: Vec<_> = ["+OK 2 320\r\n", "x", "-ERR one\r\n-ERR two\r\n"]
        .into_iter()
        .map(|said| {
            let script = vec![expect("NOOP\r\n"), send(format!("+OK\r\n{said}")), Act::Close];
            let steps = vec![noop(), does(Call::Stat, [unsolicited()]), over()];
            Scenario::logged_in(format!("{said:?} behind a reply"), script, steps).at_once()
        })
        .collect();
    for announced in [false, true] {
        let list = if announced { "+OK\r\nRESP-CODES\r\n.\r\n" } else { "+OK\r\n.\r\n" };
        let listed = is(if announced { "RESP-CODES" } else { "" });
        let said = format!("{list}-ERR [SYS/TEMP] idle\r\n");
        let script = vec![expect("CAPA\r\n"), send(said), expect("STAT\r\n"), Act::Close];
        let closed = if announced {
            fails!(error @ Error::Closed { farewell: Some(_) } if error.is_transient())
        } else {
            fails!(error @ Error::Closed { farewell: Some(_) } if !error.is_transient())
        };
        let steps = vec![does(Call::Capa, [listed]), does(Call::Stat, [closed]), over()];
        let name = format!("a farewell, RESP-CODES announced: {announced}");
        scenarios.push(Scenario::logged_in(name, script, steps).at_once());
    }
    scenarios
}

/// A16, H2, I5: a server that answers before it is asked is not believed.
pub(crate) fn an_answer_before_its_command_answers_nothing() -> Vec<Scenario> {
    let unsolicited = || fails!(Error::Protocol(ProtocolError::Unsolicited));
    let early = vec![send("+OK ready\r\n+OK\r\n"), surplus("+OK\r\n")];
    let steps = vec![opens(), does(Call::UserPass("mrose", "x"), [unsolicited()])];
    let behind = vec![expect("STAT\r\n"), send("+OK 1 1\r\n+OK 1 1\r\n")];
    let stat = vec![does(Call::Stat, [is("1 1")]), does(Call::ListOne(1), [unsolicited()]), over()];
    vec![
        Scenario::new("behind the greeting", early, steps).at_once(),
        Scenario::logged_in("behind STAT", behind, stat).at_once(),
    ]
}

/// R1939-3.06, E1, D17: a line that never ends, one that ends by LF, and one that says neither `+OK` nor `-ERR`.
pub(crate) fn lines_that_are_none() -> Vec<Scenario> {
    let long = "x".repeat(20_000);
    let too_long = || fails!(Error::Protocol(ProtocolError::LineTooLong { limit: 8192 }));
    let bare = || fails!(Error::Protocol(ProtocolError::BareLineFeed));
    let malformed = fails!(Error::Protocol(ProtocolError::MalformedStatus { .. }));
    let strict = |scenario: &mut Scenario| scenario.config.leniency = Leniency::strict();
    vec![
        (Call::Stat, "STAT\r\n", format!("+OK {long}"), vec![too_long()]),
        (Call::Retr(1, Take::All), "RETR 1\r\n", format!("+OK {long}"), vec![too_long()]),
        (
            Call::List(Take::All),
            "LIST\r\n",
            format!("+OK\r\n1 1\r\n2 {long}"),
            vec![is("1 1"), too_long()],
        ),
        (Call::Stat, "STAT\r\n", "+OK 1 1\n".to_owned(), vec![bare()]),
        (
            Call::Uidl(Take::All),
            "UIDL\r\n",
            "+OK\r\n1 a\r\n2 b\n.\r\n".to_owned(),
            vec![is("1 a"), bare()],
        ),
        (Call::Noop, "NOOP\r\n", "250 done\r\n".to_owned(), vec![malformed]),
    ]
    .into_iter()
    .map(|(call, heard, said, seen)| {
        let name = format!("{call:?}, {}", &said[..said.len().min(24)]);
        let script = vec![expect(heard), surplus(said)];
        Scenario::logged_in(name, script, vec![does(call, seen), over()]).with(strict)
    })
    .collect()
}

/// I3: a listing has as many items as the limits allow, and a message-number stands in it once.
pub(crate) fn a_listing_beyond_its_limits() -> Vec<Scenario> {
    let script = || {
        let listing = "1 1\r\n2 1\r\n3 1\r\n4 1\r\n5 1\r\n";
        vec![expect("LIST\r\n"), surplus(format!("+OK\r\n{listing}.\r\n"))]
    };
    let too_many = || fails!(Error::Protocol(ProtocolError::TooManyItems { limit: 3 }));
    let seen = [is("1 1"), is("2 1"), is("3 1"), too_many()];
    let repeated = vec![expect("LIST\r\n"), surplus("+OK\r\n1 1\r\n2 1\r\n1 1\r\n.\r\n")];
    let twice = fails!(Error::Protocol(ProtocolError::RepeatedNumber(_)));
    let steps = vec![does(Call::List(Take::All), [is("1 1"), is("2 1"), twice]), over()];
    vec![
        Scenario::logged_in("too many", script(), vec![does(Call::List(Take::All), seen), over()])
            .with(|scenario| scenario.config.limits.listing_items = 3),
        Scenario::logged_in("twice", repeated, steps)
            .with(|scenario| scenario.config.leniency = Leniency::strict()),
    ]
}

/// A line that is no item is told, and those behind it are items again.
pub(crate) fn a_malformed_line_does_not_end_a_listing() -> Vec<Scenario> {
    let (more, usable) = usable();
    let mut script = talk(&[("UIDL\r\n", "+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n")]);
    script.extend(more);
    let malformed = fails!(Error::MalformedItem(text) if text.octets() == b"2");
    let seen = [is("1 a"), malformed, is("3 c")];
    let steps = vec![does(Call::Uidl(Take::All), seen), usable];
    vec![Scenario::logged_in("UIDL", script, steps)]
}

/// G9: LIST and UIDL with a message-number are answered for that message.
pub(crate) fn an_answer_for_another_message() -> Vec<Scenario> {
    [
        (Call::ListOne(2), "LIST 2\r\n", "+OK 3 200\r\n"),
        (Call::UidlOne(2), "UIDL 2\r\n", "+OK 3 c\r\n"),
    ]
    .map(|(call, heard, said)| {
        let wrong = fails!(Error::Protocol(ProtocolError::WrongMessage { .. }));
        let script = talk(&[(heard, said)]);
        Scenario::logged_in(heard, script, vec![does(call, [wrong]), over()])
    })
    .into()
}

/// D20, E13: no message is as long as a server announces, and what a caller will not hold is no end.
pub(crate) fn a_message_is_as_long_as_it_is() -> Vec<Scenario> {
    let (more, usable) = usable();
    let mut script = talk(&[
        ("RETR 1\r\n", "+OK 5 octets\r\n0123456789\r\n.\r\n"),
        ("RETR 1\r\n", "+OK 99999999999 octets\r\n0123456789\r\n.\r\n"),
        ("RETR 1\r\n", "+OK 5 octets\r\n0123456789\r\n.\r\n"),
    ]);
    script.extend(more);
    let too_large = fails!(Error::TooLarge { limit: 5 });
    let steps = vec![
        does(Call::Retr(1, Take::All), [is("0123456789\r\n")]),
        does(Call::Retr(1, Take::UpTo(12)), [is("0123456789\r\n")]),
        does(Call::Retr(1, Take::UpTo(5)), [too_large]),
        usable,
    ];
    vec![Scenario::logged_in("RETR", script, steps)]
}

/// H3: `-ERR` is an answer like any other.
pub(crate) fn a_refusal_leaves_the_session_usable() -> Vec<Scenario> {
    let refused = || fails!(Error::Refused(response) if response.text.octets() == b"no");
    [
        (Call::Stat, "STAT\r\n"),
        (Call::List(Take::All), "LIST\r\n"),
        (Call::ListOne(1), "LIST 1\r\n"),
        (Call::Uidl(Take::All), "UIDL\r\n"),
        (Call::UidlOne(1), "UIDL 1\r\n"),
        (Call::Retr(1, Take::All), "RETR 1\r\n"),
        (Call::Top(1, 1, Take::All), "TOP 1 1\r\n"),
        (Call::Dele(1), "DELE 1\r\n"),
        (Call::Rset, "RSET\r\n"),
        (Call::Capa, "CAPA\r\n"),
    ]
    .into_iter()
    .map(|(call, heard)| {
        let (more, usable) = usable();
        let script = talk(&[(heard, "-ERR no\r\n")]).into_iter().chain(more).collect();
        Scenario::logged_in(heard, script, vec![does(call, [refused()]), usable])
    })
    .collect()
}

/// A transport that fails is told as it failed, and ends the session; every later call says so.
pub(crate) fn a_broken_transport_ends_the_session() -> Vec<Scenario> {
    let denied = io::ErrorKind::PermissionDenied;
    let nothing = io::ErrorKind::WriteZero;
    [(Act::Break(denied), ""), (Act::Break(nothing), ""), (Act::BreakFlush(denied), "NOOP\r\n")]
        .map(|(act, written)| {
            let name = format!("{act:?}");
            let failed = if matches!(act, Act::Break(io::ErrorKind::WriteZero)) {
                fails!(Error::Io(error) if error.kind() == io::ErrorKind::WriteZero)
            } else {
                fails!(Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied)
            };
            let script = vec![act, expect(written)];
            let steps = vec![does(Call::Noop, [failed]), over()];
            Scenario::logged_in(name, script, steps)
        })
        .into()
}

/// When the connection is gone for writing, what the server said before is still read.
pub(crate) fn what_was_said_before_the_end_is_still_read() -> Vec<Scenario> {
    let kind = io::ErrorKind::BrokenPipe;
    let mut scenarios = Vec::new();
    // What was only flushed in vain may have left, and is answered.
    for (act, written) in [(Act::Break(kind), ""), (Act::BreakFlush(kind), "NOOP\r\n")] {
        let name = format!("{act:?}");
        let said = send("-ERR [SYS/TEMP] later\r\n");
        let seen = if written.is_empty() {
            fails!(Error::Closed { farewell: Some(_) })
        } else {
            fails!(Error::Refused(_))
        };
        let script = vec![act, expect(written), said, Act::Close];
        scenarios.push(Scenario::logged_in(name, script, vec![does(Call::Noop, [seen])]));
    }
    scenarios
}

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
pub(crate) fn over_client() -> Step {
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
