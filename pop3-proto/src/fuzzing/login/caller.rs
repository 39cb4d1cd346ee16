//! Who drives a login as an adapter does, looks at everything, and remembers what must not depend on habits.
//!
//! Output leaves between two rounds only, as in `fuzzing/client`: whether octets answer a line depends on how many had come when
//! it left. The end of the connection is a round of its own, since no read gives octets and an end.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Buf as _;

use super::judge;
use super::replies::List;
use super::script::Act;
use super::setup::Setup;
use crate::client::{
    Channel, ClientSession, Eof, Login, LoginError, Method, ProtocolError, Step as Due, UseStls,
};
use crate::fuzzing::script::Step;
use crate::fuzzing::{Sizes, assert_printable};
use crate::state::State;
use crate::{Capabilities, Deviation};

/// What leaves no trace.
pub(super) struct Habits {
    pub(super) reads: Sizes,
    /// Reads into the window instead of handing octets over.
    pub(super) window: bool,
    /// Steps after each read, and not only when it has to.
    pub(super) steps: bool,
    pub(super) writes: Sizes,
}

impl Habits {
    pub(super) fn whole() -> Self {
        let whole = || Sizes::always(usize::MAX);
        Self { reads: whole(), window: false, steps: true, writes: whole() }
    }

    pub(super) const fn octets() -> Self {
        Self { reads: Sizes::octets(), window: true, steps: true, writes: Sizes::octets() }
    }
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A line of the client, and what the session knew of the server then.
    Said {
        line: Vec<u8>,
        list: Option<List>,
        timestamp: bool,
    },
    Heard(Vec<u8>),
    Tls,
    /// The connection has ended, or its time has.
    End,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) log: Vec<Entry>,
    pub(super) outcome: Result<Method, LoginError>,
    deviations: Vec<Deviation>,
    /// Unless octets behind the answer to STLS are left to TLS, which tells them from what was read with it.
    pub(super) standing: Option<Standing>,
    /// At which step of the script the client spoke first, and at which there was TLS.
    spoke_at: Option<usize>,
    tls_at: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: State,
    channel: Channel,
    capabilities: Option<Capabilities>,
    method: Option<Method>,
}

impl Entry {
    pub(super) fn said(session: &ClientSession, line: Vec<u8>) -> Self {
        let list = session.capabilities().map(List::of);
        let timestamp = session.greeting().and_then(crate::Greeting::timestamp).is_some();
        Self::Said { line, list, timestamp }
    }
}

impl Run {
    /// I10: the end of it, shown.
    pub(super) fn of(
        setup: &Setup,
        session: &ClientSession,
        login: &Login,
        log: Vec<Entry>,
        outcome: Result<Method, LoginError>,
    ) -> Self {
        let mut shown = vec![format!("{login:?}")];
        if let Err(error) = &outcome {
            let error = [format!("{error}"), format!("{error:?}")];
            for shown in &error {
                assert_printable(shown);
            }
            shown.extend(error);
        }
        judge::check_shown(setup, &log, &format!("{session:?}"), &shown);
        let standing = Standing {
            state: session.state(),
            channel: session.channel(),
            capabilities: session.capabilities().cloned(),
            method: login.method(),
        };
        let alike = outcome != Err(LoginError::Protocol(ProtocolError::OctetsAfterStls));
        let standing = alike.then_some(standing);
        Self { log, outcome, deviations: Vec::new(), standing, spoke_at: None, tls_at: None }
    }

    /// What was said and heard after the handshake.
    pub(super) fn inside_tls(&self) -> Option<&[Entry]> {
        let at = self.log.iter().position(|entry| *entry == Entry::Tls)?;
        Some(&self.log[at..])
    }

    /// The same script behind other words in clear that lead to TLS.
    pub(super) fn other_words_in_clear(
        &self,
        setup: &Setup,
        steps: &[Step<Act>],
    ) -> Vec<Vec<Step<Act>>> {
        let (Some(spoke_at), Some(tls_at)) = (self.spoke_at, self.tls_at) else {
            return Vec::new();
        };
        let lists = [
            &b"+OK\r\nSTLS\r\n.\r\n"[..],
            b"+OK\r\nSTLS\r\nSASL PLAIN LOGIN CRAM-MD5 XOAUTH2\r\nUSER\r\nUTF8 USER\r\nPIPELINING\r\nRESP-CODES\r\n.\r\n",
            b"-ERR what\r\n",
        ];
        let lists = if setup.use_stls() == UseStls::Required { &lists[..] } else { &lists[..2] };
        let other = |list: &&[u8]| {
            let said = [&**list, b"+OK begin\r\n"]
                .map(|said| [Step::Octets(said.to_vec()), Step::Act(Act::Rest)]);
            [&steps[..=spoke_at], &said.concat()[..], &steps[tls_at..]].concat()
        };
        lists.iter().map(other).collect()
    }
}

pub(super) struct Caller<'a> {
    setup: &'a Setup,
    session: ClientSession,
    login: Login,
    habits: Habits,
    log: Vec<Entry>,
    deviations: Vec<Deviation>,
    outcome: Option<Result<Method, LoginError>>,
    tls_due: bool,
    left_to_tls: bool,
    spoke_at: Option<usize>,
    tls_at: Option<usize>,
}

impl<'a> Caller<'a> {
    pub(super) fn run(setup: &'a Setup, steps: &[Step<Act>], habits: Habits) -> Run {
        let session = setup.session();
        let login = setup.login(&session);
        let mut caller = Self {
            setup,
            session,
            login,
            habits,
            log: Vec::new(),
            deviations: Vec::new(),
            outcome: None,
            tls_due: false,
            left_to_tls: false,
            spoke_at: None,
            tls_at: None,
        };
        caller.go_on(0);
        for (at, step) in steps.iter().enumerate() {
            match step {
                Step::Octets(octets) => caller.round(octets),
                Step::Act(act) => caller.act(act, at),
            }
            if caller.outcome.is_some() {
                break;
            }
            caller.write(at);
        }
        caller.finish()
    }

    fn act(&mut self, act: &Act, at: usize) {
        match act {
            Act::TlsEstablished if self.tls_due => {
                assert_eq!(self.session.tls_established(), Ok(()));
                assert!(self.session.capabilities().is_none(), "I12: capabilities of the clear");
                self.setup.bind(&mut self.login);
                self.log.push(Entry::Tls);
                self.tls_at = Some(at);
                self.go_on(0);
            }
            Act::TlsEstablished => assert!(self.session.tls_established().is_err()),
            Act::NoTls if self.tls_due => self.end(Eof::Abrupt),
            Act::NoTls | Act::Rest => {}
            Act::TimeOut => {
                self.session.time_out();
                self.log.push(Entry::End);
                self.go_on(0);
            }
            Act::Eof(eof) => self.end(*eof),
            Act::First => self.round(&judge::first_of_scram()),
            Act::Last { right } => {
                let said = judge::last_of_scram(self.setup, &self.log, *right);
                self.round(&said);
            }
        }
    }

    fn end(&mut self, eof: Eof) {
        self.session.receive_eof(eof);
        self.log.push(Entry::End);
        self.go_on(0);
    }

    fn round(&mut self, octets: &[u8]) {
        if self.tls_due {
            assert_eq!(self.offer(octets), 0, "I12: it reads while TLS is due");
            return;
        }
        if octets.is_empty() {
            return;
        }
        self.log.push(Entry::Heard(octets.to_vec()));
        let mut rest = octets;
        while !rest.is_empty() {
            let (mut piece, later) = self.habits.reads.cut(rest);
            rest = later;
            loop {
                let taken = self.offer(piece);
                piece = &piece[taken..];
                if piece.is_empty() {
                    break;
                }
                self.go_on(octets.len());
                if self.outcome.is_some() {
                    return;
                }
                if self.tls_due {
                    return self.fail_behind_stls();
                }
                assert!(self.session.wants_read(), "all is polled, and there is no room");
            }
            if self.habits.steps || rest.is_empty() {
                self.go_on(octets.len());
            }
            if self.outcome.is_some() {
                return;
            }
            if self.tls_due && !rest.is_empty() {
                return self.fail_behind_stls();
            }
        }
        self.look();
    }

    /// Read together with the answer to STLS they would have been an error.
    fn fail_behind_stls(&mut self) {
        self.left_to_tls = true;
        self.outcome = Some(Err(LoginError::Protocol(ProtocolError::OctetsAfterStls)));
    }

    fn offer(&mut self, octets: &[u8]) -> usize {
        if !self.habits.window {
            return self.session.receive(octets);
        }
        let window = self.session.incoming();
        let len = window.len().min(octets.len());
        window[..len].copy_from_slice(&octets[..len]);
        self.session.received(len);
        len
    }

    /// Steps until something is to be done by somebody else, who has just said so many octets.
    fn go_on(&mut self, heard: usize) {
        let mut steps = 0;
        while self.outcome.is_none() {
            steps += 1;
            assert!(steps <= 64 + heard, "I2: steps without end");
            match self.login.step(&mut self.session) {
                Ok(Due::Deviation(deviation)) => self.deviations.push(deviation),
                Ok(Due::Done(method)) => self.outcome = Some(Ok(method)),
                Err(error) => self.outcome = Some(Err(error)),
                Ok(due) => {
                    self.tls_due = due == Due::StartTls;
                    let waits = self.session.wants_read() || self.session.wants_write();
                    assert!(self.tls_due != waits, "I2: it waits for nothing");
                    assert_eq!(self.login.step(&mut self.session), Ok(due), "nothing has happened");
                    return;
                }
            }
        }
    }

    /// Lets the client's line leave.
    fn write(&mut self, at: usize) {
        let mut line = Vec::new();
        while self.session.wants_write() {
            let mut outgoing = self.session.outgoing();
            let len = self.habits.writes.next().min(outgoing.remaining());
            line.extend_from_slice(&outgoing.chunk()[..len]);
            outgoing.advance(len);
            self.go_on(0);
        }
        if !line.is_empty() {
            self.spoke_at.get_or_insert(at);
            self.log.push(Entry::said(&self.session, line));
        }
    }

    /// I10: nothing secret is shown, unless the server says it itself.
    fn look(&self) {
        let (session, login) = (format!("{:?}", self.session), format!("{:?}", self.login));
        judge::check_shown(self.setup, &self.log, &session, &[login]);
    }

    fn finish(mut self) -> Run {
        if self.outcome.is_none() {
            self.end(Eof::Clean);
        }
        let outcome = self.outcome.clone().expect("I2: the end of the connection ended nothing");
        if !self.left_to_tls {
            self.check_final(&outcome);
        }
        let (session, login) = (&self.session, &self.login);
        let run = Run::of(self.setup, session, login, self.log, outcome);
        Run { deviations: self.deviations, spoke_at: self.spoke_at, tls_at: self.tls_at, ..run }
    }

    /// I2: whatever comes behind the end, it stays, and nothing more leaves.
    fn check_final(&mut self, outcome: &Result<Method, LoginError>) {
        for said in [&b""[..], b"+OK\r\n", b"+ \r\n", b"-ERR\r\n"] {
            assert!(!self.session.wants_write(), "I14: it goes on behind its end");
            if outcome.is_err() {
                self.session.receive(said);
            }
            let again = self.login.step(&mut self.session);
            assert_eq!(again, outcome.clone().map(Due::Done), "I2: an end that changed");
        }
    }
}
