//! What a server does with a client that follows a script, over maildrops in memory.

use pop3_blocking::TlsErrorKind;
use pop3_blocking::pop3_proto::client::Channel;
use pop3_blocking::server::{
    Ended, Memory, OpenError, Passwords, Server, ServerDeadlines, ServerError, Store as _,
};

use super::super::support::{Act, Cuts, expect, send, surplus};
use super::{mailbox, password, pause, ticks};

/// A client's script, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) channel: Channel,
    pub(crate) deadlines: ServerDeadlines,
    messages: Vec<Vec<u8>>,
    pub(crate) script: Vec<Act>,
    pub(crate) ended: Result<Ended, TlsErrorKind>,
    /// TLS from the first octet.
    pub(crate) implicit: bool,
    /// Which of the messages are gone, counted from 0 on.
    pub(crate) removed: &'static [usize],
    /// How many ticks of the clock it takes, where that is what it is about.
    pub(crate) lasts: Option<u32>,
    /// What the client says at once arrives at once.
    pub(crate) at_once: bool,
}

impl Scenario {
    /// With a maildrop of two messages, at a connection that nobody can be on the way of.
    pub(crate) fn new(name: impl Into<String>, script: Vec<Act>, ended: Ended) -> Self {
        Self {
            name: name.into(),
            channel: Channel::Trusted,
            deadlines: ServerDeadlines::DEFAULT,
            messages: vec![b"Subject: a\n\none\n.two\n".to_vec(), b"b\r\n\xff".to_vec()],
            script,
            ended: Ok(ended),
            implicit: false,
            removed: &[],
            lasts: None,
            at_once: false,
        }
    }

    /// The same behind a login.
    fn logged_in(name: impl Into<String>, script: Vec<Act>, ended: Ended) -> Self {
        let login = [send(LOGIN), expect(LOGGED_IN)];
        Self::new(name, login.into_iter().chain(script).collect(), ended)
    }

    pub(crate) fn with(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }

    /// In which pieces it is run: deadlines cost time.
    pub(crate) fn cuts(&self) -> Vec<Cuts> {
        match (self.at_once, self.lasts) {
            (true, _) => vec![Cuts::Each(65536)],
            (false, Some(_)) => vec![Cuts::Random(1)],
            (false, None) => Cuts::all().collect(),
        }
    }

    /// The server, and its maildrops.
    pub(crate) fn server(&self) -> (Server<Memory, Passwords>, Memory) {
        let (store, mrose) = (Memory::with_prefix(7), mailbox("mrose"));
        store.create(&mrose);
        for message in &self.messages {
            store.deliver(&mrose, message.clone());
        }
        let passwords = [(mrose, password("tan staaf"))].into_iter().collect();
        let mut server = Server::new(store.clone(), passwords);
        server.deadlines = self.deadlines;
        (server, store)
    }

    /// Compares how it ended, and what it left behind.
    pub(crate) fn compare(&self, ended: &Result<Ended, ServerError>, store: &Memory) {
        let kept = (0..).zip(&self.messages).filter(|(index, _)| !self.removed.contains(index));
        let expected: Vec<_> = kept.map(|(_, message)| message.clone()).collect();
        let left = store.messages(&mailbox("mrose"));
        let ended = match ended {
            Ok(ended) => Ok(*ended),
            Err(ServerError::Tls(error)) => Err(error.kind()),
            Err(error) => panic!("{}: {error:?}", self.name),
        };
        assert_eq!(ended, self.ended, "{}", self.name);
        assert_eq!(left, expected, "{}: the messages that are left", self.name);
        let locked = matches!(store.open(&mailbox("mrose")), Err(OpenError::InUse));
        assert!(!locked, "{}: the lock is given back", self.name);
    }
}

const LOGIN: &str = "USER mrose\r\nPASS tan staaf\r\n";
pub(crate) const GREETING: &str = "+OK POP3 server ready\r\n";
const LOGGED_IN: &str = "+OK POP3 server ready\r\n+OK send PASS\r\n+OK 2 messages\r\n";

/// What a client says and is answered, in turn.
pub(crate) fn asks(turns: &[(&str, &str)]) -> Vec<Act> {
    turns.iter().flat_map(|(said, heard)| [send(said), expect(*heard)]).collect()
}

pub(crate) fn and(mut script: Vec<Act>, end: impl IntoIterator<Item = Act>) -> Vec<Act> {
    script.extend(end);
    script
}

/// Calls `$each!` with the names of all that follow.
macro_rules! server_scenarios {
    ($each:ident) => {
        $each! {
            a_session_sees_what_the_maildrop_holds,
            commands_that_are_pipelined_are_answered_in_order,
            nothing_is_removed_without_a_complete_quit,
            an_unknown_user_is_answered_as_a_wrong_password,
            attempts_have_a_budget,
            lines_that_are_no_commands,
            a_client_that_vanishes_leaves_no_lock,
            an_idle_client_is_closed_without_a_word,
            every_command_resets_the_autologout_timer,
            a_login_that_takes_too_long_is_closed,
            a_client_that_never_reads_is_given_up,
        }
    };
}
pub(crate) use server_scenarios;

/// R1939-5.07, R1939-5.08, R1939-5.10, R1939-5.12, R1939-6.03, R1939-7.12: every command once.
pub(crate) fn a_session_sees_what_the_maildrop_holds() -> Vec<Scenario> {
    let ids = "+OK 2 messages (31 octets)\r\n1 00000000000000070000000000000001\r\n\
               2 00000000000000070000000000000002\r\n.\r\n";
    let script = asks(&[
        ("STAT\r\n", "+OK 2 31\r\n"),
        ("LIST\r\n", "+OK 2 messages (31 octets)\r\n1 25\r\n2 6\r\n.\r\n"),
        ("LIST 2\r\n", "+OK 2 6\r\n"),
        ("UIDL\r\n", ids),
        ("TOP 1 1\r\n", "+OK message follows\r\nSubject: a\r\n\r\none\r\n.\r\n"),
        ("RETR 1\r\n", "+OK message follows\r\nSubject: a\r\n\r\none\r\n..two\r\n.\r\n"),
        ("RETR 3\r\n", "-ERR no such message\r\n"),
        ("DELE 1\r\n", "+OK message deleted\r\n"),
        ("RETR 1\r\n", "-ERR message already deleted\r\n"),
        ("LIST\r\n", "+OK 1 messages (6 octets)\r\n2 6\r\n.\r\n"),
        ("RSET\r\n", "+OK 2 messages (31 octets)\r\n"),
        ("NOOP\r\n", "+OK nothing done\r\n"),
        ("DELE 2\r\n", "+OK message deleted\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]);
    let interrupted = std::iter::once(Act::Interrupt).chain(script).collect();
    let scenario = Scenario::logged_in("every command", interrupted, Ended::Committed);
    vec![scenario.with(|scenario| scenario.removed = &[1])]
}

/// R2449-6.6.01: all that is sent at once is answered, in order.
pub(crate) fn commands_that_are_pipelined_are_answered_in_order() -> Vec<Scenario> {
    let script = asks(&[(
        "NOOP\r\nRETR 9\r\nLIST 1\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n",
        "+OK nothing done\r\n-ERR no such message\r\n+OK 1 25\r\n+OK message deleted\r\n\
         +OK message deleted\r\n+OK bye\r\n",
    )]);
    let behind = and(script.clone(), [surplus("DELE 1\r\n")]);
    [script, behind]
        .map(|script| {
            let scenario = Scenario::logged_in("pipelined", script, Ended::Committed);
            scenario.with(|scenario| scenario.removed = &[0, 1])
        })
        .into()
}

/// R1939-5.11, R1939-6.04, R1939-6.05, F20, I9: only a complete QUIT in TRANSACTION removes anything.
pub(crate) fn nothing_is_removed_without_a_complete_quit() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for end in [Act::Close, Act::Reset] {
        for said in ["", "QUI", "QUIT", "QUIT\r"] {
            let script =
                and(asks(&[("DELE 1\r\n", "+OK message deleted\r\n")]), [send(said), end.clone()]);
            let name = format!("{said:?}, {end:?}");
            scenarios.push(Scenario::logged_in(name, script, Ended::NothingRemoved));
        }
        let script = asks(&[
            ("DELE 1\r\n", "+OK message deleted\r\n"),
            ("QUIT x\r\n", "-ERR syntax error in arguments\r\n"),
        ]);
        let script = and(script, [end.clone()]);
        scenarios.push(Scenario::logged_in("QUIT x", script, Ended::NothingRemoved));
    }
    let unmarked = asks(&[
        ("DELE 1\r\n", "+OK message deleted\r\n"),
        ("RSET\r\n", "+OK 2 messages (31 octets)\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]);
    scenarios.push(Scenario::logged_in("behind RSET", unmarked, Ended::Committed));
    let other = asks(&[
        ("DELE 1\r\n", "+OK message deleted\r\n"),
        ("RSET\r\n", "+OK 2 messages (31 octets)\r\n"),
        ("DELE 2\r\n", "+OK message deleted\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]);
    let other = Scenario::logged_in("the other one", other, Ended::Committed);
    scenarios.push(other.with(|scenario| scenario.removed = &[1]));
    let before = asks(&[("", GREETING), ("QUIT\r\n", "+OK bye\r\n")]);
    scenarios.push(Scenario::new("before a login", before, Ended::NothingRemoved));
    scenarios
}

/// R1939-7.15, I25: who exists is not told, and nobody is let in.
pub(crate) fn an_unknown_user_is_answered_as_a_wrong_password() -> Vec<Scenario> {
    ["mrose", "nobody"]
        .map(|name| {
            let user = format!("USER {name}\r\n");
            let script = asks(&[
                ("", GREETING),
                (&user, "+OK send PASS\r\n"),
                ("PASS nonsense\r\n", "-ERR [AUTH] authentication failed\r\n"),
                ("STAT\r\n", "-ERR command not valid in this state\r\n"),
                ("QUIT\r\n", "+OK bye\r\n"),
            ]);
            Scenario::new(name, script, Ended::NothingRemoved)
        })
        .into()
}

/// S14.6, F18: the last of three attempts ends the session, and so do too many bad commands.
pub(crate) fn attempts_have_a_budget() -> Vec<Scenario> {
    let refused = "-ERR [AUTH] authentication failed\r\n";
    let wrong = [("USER mrose\r\n", "+OK send PASS\r\n"), ("PASS x\r\n", refused)];
    let script = and(vec![expect(GREETING)], asks(&[wrong, wrong, wrong].concat()));
    let script = and(script, [surplus(LOGIN)]);
    vec![Scenario::new("passwords", script, Ended::NothingRemoved)]
}

/// R1939-3.02, F12, F23: a line that is no command is answered once; a bare LF ends the session.
pub(crate) fn lines_that_are_no_commands() -> Vec<Scenario> {
    let long = format!("NOOP {}\r\n", "x".repeat(5000));
    let script = asks(&[
        ("XYZZY\r\n", "-ERR unknown command\r\n"),
        ("RETR x\r\n", "-ERR syntax error in arguments\r\n"),
        (&long, "-ERR command line too long\r\n"),
        ("NOOP\r\n", "+OK nothing done\r\n"),
    ]);
    let bare = vec![
        send("NOOP\n"),
        expect("-ERR command line not ended by CRLF\r\n"),
        surplus("DELE 1\r\nQUIT\r\n"),
    ];
    vec![
        Scenario::logged_in("no commands", and(script, [Act::Close]), Ended::NothingRemoved),
        Scenario::logged_in("a bare LF", bare, Ended::NothingRemoved),
    ]
}

/// F15: a client that vanishes in the middle of anything leaves no lock.
pub(crate) fn a_client_that_vanishes_leaves_no_lock() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for end in [Act::Close, Act::Reset] {
        for said in ["", "LI", "LIST", "RETR 1\r"] {
            let name = format!("{end:?} behind {said:?}");
            let script = vec![send(said), end.clone()];
            scenarios.push(Scenario::logged_in(name, script, Ended::NothingRemoved));
        }
    }
    for (said, kind) in [("LIST\r\n", "LIST"), ("RETR 1\r\n", "RETR"), ("DELE 1\r\n", "DELE")] {
        let gone = Act::Break(std::io::ErrorKind::BrokenPipe);
        let script = vec![Act::Interrupt, send(said), gone, Act::Reset];
        let name = format!("while {kind} is answered");
        scenarios.push(Scenario::logged_in(name, script, Ended::NothingRemoved));
    }
    scenarios
}

/// R1939-3.16, R1939-3.17, R1939-3.18: autologout without a word, nothing removed, the lock given back. Octets
/// that are no complete command do not put it off.
pub(crate) fn an_idle_client_is_closed_without_a_word() -> Vec<Scenario> {
    let marked = || asks(&[("DELE 1\r\n", "+OK message deleted\r\n")]);
    let drip = (0..20).flat_map(|_| [pause(1), surplus("N")]);
    [("silent", and(marked(), [pause(1000)])), ("dripping", and(marked(), drip))]
        .map(|(name, script)| {
            Scenario::logged_in(name, script, Ended::TimedOut).with(|scenario| {
                scenario.deadlines.idle = ticks(4);
                scenario.lasts = Some(4);
            })
        })
        .into()
}

/// R1939-3.17: any command resets the timer, also one that nobody has to be asked about, and one that
/// is none.
pub(crate) fn every_command_resets_the_autologout_timer() -> Vec<Scenario> {
    let script = ["NOOP\r\n", "XYZZY\r\n", "NOOP\r\n"].into_iter().flat_map(|said| {
        let heard =
            if said == "NOOP\r\n" { "+OK nothing done\r\n" } else { "-ERR unknown command\r\n" };
        [pause(2), send(said), expect(heard)]
    });
    let script = script.chain([pause(1000)]).collect();
    vec![Scenario::logged_in("now and then", script, Ended::TimedOut).with(|scenario| {
        scenario.deadlines.idle = ticks(4);
        scenario.lasts = Some(10);
    })]
}

/// F19: the time for a login is absolute, whatever is sent in between.
pub(crate) fn a_login_that_takes_too_long_is_closed() -> Vec<Scenario> {
    let drip = |said: &'static str, heard: &'static str| {
        (0..2).flat_map(move |_| [pause(1), send(said), expect(heard)]).chain([pause(1000)])
    };
    [
        ("silent", vec![pause(1000)]),
        ("dripping", drip("C", "").collect()),
        ("asking", drip("NOOP\r\n", "-ERR command not valid in this state\r\n").collect()),
    ]
    .map(|(name, script)| {
        let script = and(vec![expect(GREETING)], script);
        Scenario::new(name, script, Ended::TimedOut).with(|scenario| {
            scenario.deadlines.login = ticks(4);
            scenario.lasts = Some(4);
        })
    })
    .into()
}

/// F17: a client that asks for much and never reads is given up, and leaves no lock.
pub(crate) fn a_client_that_never_reads_is_given_up() -> Vec<Scenario> {
    let script = asks(&[
        ("DELE 1\r\n", "+OK message deleted\r\n"),
        ("RSET\r\n", "+OK 2 messages (31 octets)\r\n"),
    ]);
    let script = and(script, [send("RETR 1\r\n"), Act::Deaf]);
    vec![Scenario::logged_in("deaf", script, Ended::TimedOut)]
}
