//! What a client does with a server that follows a script.

mod commands;
mod deadlines;
mod dropping;
mod ends;
mod logins;
mod pipelines;
mod replies;

use pop3_blocking::pop3_proto::client::{ClientConfig, Eof, ProtocolError, Security, UseStls};
use pop3_blocking::{Deadlines, Error};

use super::{Call, Seen, Step, does, fails, is, talk};
use crate::support::{Act, Cuts, expect, send};

pub(crate) use commands::*;
pub(crate) use deadlines::*;
pub(crate) use dropping::*;
pub(crate) use ends::*;
pub(crate) use logins::*;
pub(crate) use pipelines::*;
pub(crate) use replies::*;

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
            a_message_is_as_long_as_it_is,
            utf8_and_languages,
            a_refusal_leaves_the_session_usable,
            quit_has_three_outcomes,
            greetings_that_are_none,
            a_refused_login_gives_the_client_back,
            a_login_by_auth,
            no_password_leaves_in_clear_by_default,
            a_pipeline_answers_in_order_and_goes_on_behind_a_refusal,
            a_pipeline_waits_where_it_must,
            a_pipeline_tells_listings_from_bodies,
            a_command_that_the_session_refuses_is_reported_in_its_order,
            a_pipeline_that_breaks_ends,
            dropping_half_way_leaves_the_session_in_step,
            a_pipeline_dropped_half_way_leaves_the_session_in_step,
            what_is_dropped_is_read_up_to_a_limit,
            surplus_octets_and_farewells,
            an_answer_before_its_command_answers_nothing,
            lines_that_are_none,
            a_listing_beyond_its_limits,
            a_malformed_line_does_not_end_a_listing,
            an_answer_for_another_message,
            an_unfinished_reply_is_an_error,
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
