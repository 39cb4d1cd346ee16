//! The product of client and server: every short list of what a client can do, over links that deliver in every order.
//!
//! What is covered, with a maildrop of two messages, of which one is longer than a server's output: every list of up to
//! [`LENGTH`] of the [`ALPHABET`]'s acts, begun in AUTHORIZATION and in TRANSACTION, pipelined and each reply awaited, by
//! each of the [`SCHEDULES`]; and every list of one act more, by the first of them.

use std::collections::VecDeque;

use pop3_proto::client::{Channel, ClientConfig, ClientSession, Eof, Pipelining, Security, Update};
use pop3_proto::server::{Event as ServerEvent, ServerConfig, Utf8Offer};
use pop3_proto::state::State;
use pop3_proto::{Command, Mailbox, MechanismName, Password};

use crate::server_support::{MAILBOX, PASSWORD, Server, number};
use crate::support::{Act, Client, Model, Way, english};

/// What a client does, a few steps at a time.
const ALPHABET: [&str; 18] = [
    "log in",
    "wrong password",
    "AUTH",
    "AUTH, cancelled",
    "AUTH, given up",
    "STLS",
    "UTF8",
    "LANG",
    "CAPA",
    "STAT",
    "LIST",
    "UIDL 2",
    "RETR 1",
    "TOP 2",
    "DELE 1",
    "RSET",
    "QUIT",
    "give up",
];

/// Acts in a list, but for those of one more.
const LENGTH: usize = 3;

fn acts(name: &str, late: bool) -> Vec<Act> {
    let login = |password| {
        let mailbox = Mailbox::new(MAILBOX).expect("a name");
        let password = Password::new(password).expect("a password");
        vec![Act::Send(Command::User(mailbox)), Act::Send(Command::Pass(password))]
    };
    let auth = Act::Send(Command::Auth { mechanism: MechanismName::PLAIN, initial: None });
    match name {
        "log in" => login(PASSWORD),
        "wrong password" => login("wrong"),
        "AUTH" => vec![auth, Act::Respond],
        "AUTH, cancelled" => vec![auth, Act::Cancel],
        "AUTH, given up" => vec![auth, Act::Abandon { late }],
        "LANG" => vec![Act::Send(Command::parse(b"LANG en").expect("a command"))],
        "TOP 2" => vec![Act::Send(Command::Top { message: number(2), lines: 1 })],
        "give up" => vec![Act::Abandon { late }],
        line => vec![Act::Send(Command::parse(line.as_bytes()).expect("a command"))],
    }
}

/// Who goes on as long as that side can, before the other moves at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Nobody,
    Client,
    Server,
}

/// Octets that each direction of the link holds, octets that move at once, and whose they are.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    link: usize,
    step: usize,
    first: First,
}

const WHOLE: usize = usize::MAX;

/// Whole, octet by octet, client first, server first, over a link of one octet, and in between.
const SCHEDULES: [Schedule; 7] = [
    Schedule { link: WHOLE, step: WHOLE, first: First::Nobody },
    Schedule { link: WHOLE, step: 1, first: First::Nobody },
    Schedule { link: WHOLE, step: WHOLE, first: First::Client },
    Schedule { link: WHOLE, step: WHOLE, first: First::Server },
    Schedule { link: 1, step: 1, first: First::Client },
    Schedule { link: 1, step: 1, first: First::Server },
    Schedule { link: 11, step: 5, first: First::Nobody },
];

#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    names: &'a [&'static str],
    logged_in: bool,
    pipelining: Pipelining,
    schedule: Schedule,
}

/// I1, I2, I5, I7, I9, I11, C12.1, S12.4, R1939-3.09, R1939-6.01, R2449-6.6.02: no deadlock; replies in the order of commands, each
/// command ended once, and with what the model says; both sides stand at the same point once the link is quiet; what is
/// marked is removed if and only if a complete QUIT came in TRANSACTION.
#[test]
fn every_short_session_over_every_schedule() {
    let mut sessions = 0;
    for length in 0..=LENGTH {
        for_each_list(length, |names| {
            for logged_in in [false, true] {
                for pipelining in [Pipelining::Always, Pipelining::Never] {
                    for schedule in SCHEDULES {
                        run(Case { names, logged_in, pipelining, schedule });
                        sessions += 1;
                    }
                }
            }
        });
    }
    assert_eq!(sessions, 6_175 * 2 * 2 * 7);
}

/// The same one act further.
#[test]
fn every_session_of_one_act_more() {
    let mut sessions = 0;
    for_each_list(LENGTH + 1, |names| {
        for logged_in in [false, true] {
            for pipelining in [Pipelining::Always, Pipelining::Never] {
                run(Case { names, logged_in, pipelining, schedule: SCHEDULES[0] });
                sessions += 1;
            }
        }
    });
    assert_eq!(sessions, 104_976 * 2 * 2);
}

fn for_each_list(length: usize, mut check: impl FnMut(&[&'static str])) {
    let mut lists = vec![Vec::new()];
    for _ in 0..length {
        let longer = |list: &Vec<_>| ALPHABET.map(|name| [list, &[name][..]].concat());
        lists = lists.iter().flat_map(longer).collect();
    }
    for list in &lists {
        check(list);
    }
}

fn run(case: Case<'_>) {
    let mut pair = Pair::new(case);
    // A client drops what was given up without a word: only then is there room again.
    while pair.moves(case.schedule) || pair.moves(case.schedule) {}
    pair.check_quiet(case);
    pair.hang_up();
    pair.check_closed(case);
}

/// What a server was to answer; it was never to refuse anything.
fn command(event: &ServerEvent) -> Option<&Command> {
    match event {
        ServerEvent::Command(command) => Some(command),
        ServerEvent::Rejected(error) => panic!("{error}"),
        _ => None,
    }
}

struct Pair {
    client: Client,
    server: Server,
    up: Way,
    down: Way,
}

impl Pair {
    fn new(case: Case<'_>) -> Self {
        // The first does not find room in the output that a server holds at most.
        let long = [&b"A: b\n\n.one\n.\n"[..], &b"x".repeat(512)].concat();
        let messages = vec![long, b"A: c\r\n\r\n1\r\n2\r\n".to_vec()];
        let mut config = ServerConfig::new();
        config.stls = true;
        config.utf8 = Utf8Offer::Yes;
        config.mechanisms = vec![MechanismName::PLAIN];
        config.languages = vec![english()];
        config.limits.login_attempts = 100;
        (config.limits.sasl_line, config.limits.output) = (512, 512);
        let server = Server::new(config, messages.clone());

        let mut config = ClientConfig::strict(Security::PlaintextAllowed);
        config.pipelining = case.pipelining;
        let limits = &mut config.limits;
        (limits.status_line, limits.listing_line) = (512, 512);
        (limits.sasl_line, limits.input_block) = (512, 512);
        let mut model = Model::new(&messages);
        model.extended = true;
        let late = case.pipelining == Pipelining::Never;
        let login = if case.logged_in { &["log in"][..] } else { &[] };
        let names = login.iter().chain(case.names);
        let list: VecDeque<_> = names.flat_map(|name| acts(name, late)).collect();
        let client = Client::new(ClientSession::new(config, Channel::Trusted), list, model);
        Self { client, server, up: Way::default(), down: Way::default() }
    }

    /// Does what can be done; whether there was anything.
    fn moves(&mut self, Schedule { link, step, first }: Schedule) -> bool {
        let tls = self.client.tls_due && self.server.tls_due;
        if tls {
            self.client.tls_due = false;
            self.client.session.tls_established().expect("it is due");
            self.server.establish_tls();
        }
        tls || match first {
            First::Nobody => self.client_moves(link, step) | self.server_moves(link, step),
            First::Client => self.client_moves(link, step) || self.server_moves(link, step),
            First::Server => self.server_moves(link, step) || self.client_moves(link, step),
        }
    }

    fn client_moves(&mut self, link: usize, step: usize) -> bool {
        let acted = self.client.turn();
        let put = self.up.put(self.client.session.outgoing(), step, link);
        acted | put | self.up.arrive(step, |octets| self.server.session.receive(octets))
    }

    fn server_moves(&mut self, link: usize, step: usize) -> bool {
        let before = self.server.events.len();
        self.server.turn();
        let put = self.down.put(self.server.session.outgoing(), step, link);
        let answered = self.server.events.len() > before;
        answered | put | self.down.arrive(step, |octets| self.client.session.receive(octets))
    }

    /// Nothing moves any more.
    fn check_quiet(&self, case: Case<'_>) {
        let Self { client, server, .. } = self;
        assert_eq!(client.failed, None, "{case:?}");
        assert_eq!(client.due.len(), 0, "I2, I5: {case:?}: replies are still due");
        assert!(client.acts.is_empty(), "I2: {case:?}: {:?} is still to do", client.acts);
        assert!(self.up.held.is_empty() && self.down.held.is_empty(), "I2: {case:?}");
        assert_eq!(client.session.in_flight(), 0, "{case:?}");
        let seen: Vec<_> = server.events.iter().filter_map(command).collect();
        let by_itself = |command: &&Command| !matches!(command, Command::Capa | Command::Utf8);
        let sent: Vec<_> = client.sent.iter().filter(by_itself).collect();
        assert_eq!(seen, sent, "I5: {case:?}");
        let state = if client.model.left {
            State::Closed
        } else if client.model.open {
            State::Transaction
        } else {
            State::Authorization
        };
        assert_eq!((client.session.state(), server.session.state()), (state, state), "{case:?}");
        let modes = (client.model.tls, client.model.utf8);
        let of_client = (client.session.channel() == Channel::Tls, client.session.utf8());
        let of_server = (server.session.channel() == Channel::Tls, server.session.utf8());
        assert_eq!((of_client, of_server), (modes, modes), "{case:?}");
        let marked: Vec<_> = client.model.marked.iter().copied().collect();
        assert_eq!(server.marked().collect::<Vec<_>>(), marked, "{case:?}");
        let at_client = (1..=2).filter(|message| client.session.is_marked(number(*message)));
        assert_eq!(at_client.collect::<Vec<_>>(), marked, "{case:?}");
    }

    /// The client leaves, with or without having said so.
    fn hang_up(&mut self) {
        self.server.session.receive_eof(Eof::Clean);
        self.client.session.receive_eof(Eof::Clean);
        self.server.turn();
        self.client.turn();
    }

    fn check_closed(&self, case: Case<'_>) {
        let Self { client, server, .. } = self;
        let commit = client.model.left && client.model.open;
        let update = if commit { Update::Committed } else { Update::NotRequested };
        assert_eq!((client.failed.as_ref(), client.closed), (None, Some(update)), "I9: {case:?}");
        assert_eq!(server.closed, Some(commit), "I9: {case:?}");
        let marked = client.model.marked.iter().copied().collect();
        assert_eq!(server.removed, commit.then_some(marked), "I9: {case:?}");
    }
}
