//! The login of a client and that of a server, both of this library, and perhaps somebody between them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use bytes::Buf;

use super::caller::{Entry, Run};
use super::judge::{self, End};
use super::model;
use super::script::Server;
use super::setup::{Kind, SHARED, Setup, Who};
use crate::client::{self, Channel, ClientSession, Eof, LoginError, Method, Security, Step as Due};
use crate::fuzzing::Sizes;
use crate::fuzzing::pair::link::Link;
use crate::fuzzing::sasl::parties::{CHALLENGE, SALT, SERVER_NONCE, bindings, failure};
use crate::sasl::{Acceptor, Acceptors, Answer, Identity, Question, ScramDecoy, ScramKeys};
use crate::server::{self, Event, ServerConfig, ServerSession, Turn, Utf8Offer};
use crate::state::State;
use crate::{ApopTimestamp, Command, Mailbox, MechanismName, Secret, Text};

/// Of the link; each moves an octet at least, or somebody goes on.
const MAX_ROUNDS: usize = 1 << 14;

/// Over a link that cuts nothing.
pub(super) fn outcome(setup: &Setup, server: &Server) -> Option<Result<Method, LoginError>> {
    let link = [true, false].map(|up| link(server, up, Sizes::always(4096)));
    Some(Both::new(setup, server, link)?.run().0.outcome)
}

fn link(server: &Server, up: bool, sizes: Sizes) -> Link {
    Link::new(sizes, None, server.edit.clone().filter(|edit| edit.up == up))
}

pub(super) fn check(setup: &Setup, server: &Server) {
    let runs =
        [(server.up.clone(), server.down.clone()), (Sizes::always(4096), Sizes::always(4096))].map(
            |(up, down)| {
                let link = [(true, up), (false, down)].map(|(up, sizes)| link(server, up, sizes));
                let (run, both) = Both::new(setup, server, link)?.run();
                check_common(setup, server, &both, &run);
                if server.edit.is_some() {
                    check_edited(setup, &both, &run);
                } else {
                    check_honest(setup, &both, &run);
                }
                Some((run.outcome, both.opened, both.server.state()))
            },
        );
    let [one, other] = runs;
    assert!(
        server.edit.is_some() || one == other,
        "I1: {one:?} over one link, {other:?} over another"
    );
}

/// Who does not know the secret is not let in.
fn check_common(setup: &Setup, server: &Server, both: &Both<'_>, run: &Run) {
    judge::check_lines(setup, run);
    assert!(both.opened.len() <= 1, "a maildrop is opened once");
    let who = &setup.who;
    let nobodys = [MechanismName::EXTERNAL, MechanismName::ANONYMOUS];
    let needs_secret = !both.mechanisms.iter().any(|name| nobodys.contains(name));
    let told = |octets: &[u8]| memchr::memmem::find(octets, who.right).is_some();
    let is_told = server.edit.as_ref().is_some_and(|edit| told(&edit.octets));
    assert!(
        both.opened.is_empty() || !who.is_wrong() || !needs_secret || is_told,
        "somebody is let in who does not know the secret"
    );
}

/// Where TLS is required, and where the server proves itself, an attacker in clear convinces nobody.
fn check_edited(setup: &Setup, both: &Both<'_>, run: &Run) {
    let Ok(method) = run.outcome else { return };
    let scram = alloc::format!("{method}").starts_with("SCRAM-");
    let tls = both.client.channel() == Channel::Tls;
    let ours = both.opened.first().is_some_and(|identity| is_ours(setup, identity));
    assert!(ours || !(scram || tls), "it is content, and nobody was let in");
    let required = setup.config.security == Security::StlsRequired;
    assert!(tls || !required || setup.channel == Channel::Trusted, "logged in without TLS");
}

/// Who knows it is, by the method of the model, and both sides stand alike.
fn check_honest(setup: &Setup, both: &Both<'_>, run: &Run) {
    let end = judge::check(setup, run).expect("both speak plainly");
    let standing = run.standing.as_ref().expect("nobody adds to what is said");
    assert_eq!(standing.state, both.server.state());
    let wrong = setup.who.is_wrong() || both.unavailable;
    match end {
        End::Done(_) => {
            assert!(!wrong && standing.state == State::Transaction);
            assert!(is_ours(setup, &both.opened[0]), "{:?}", both.opened);
        }
        End::Refused { method, .. } => {
            assert!(wrong || !both.takes(method), "{method}: {:?}", run.outcome);
            assert_eq!(both.opened, []);
        }
        End::NoMethod(_) | End::Send(_) | End::StlsNotOffered => assert_eq!(both.opened, []),
        end => panic!("{end:?}, and nobody did that"),
    }
}

fn is_ours(setup: &Setup, identity: &Identity) -> bool {
    let who = &setup.who;
    is_named(setup, &identity.authentication)
        && match who.authorization {
            None => is_named(setup, &identity.authorization),
            Some(name) => identity.authorization.as_str() == name,
        }
}

/// As it was given, or prepared.
fn is_named(setup: &Setup, mailbox: &Mailbox) -> bool {
    let name = setup.who.name;
    mailbox.as_str() == name
        || mailbox.as_str().as_bytes() == model::queried(setup, name.as_bytes())
}

#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Both<'a> {
    setup: &'a Setup,
    client: ClientSession,
    login: client::Login,
    server: ServerSession,
    conversation: server::Login,
    up: Link,
    down: Link,
    mechanisms: Vec<MechanismName>,
    unavailable: bool,
    unbound: bool,
    /// The server waits for the handshake.
    tls_due: bool,
    opened: Vec<Identity>,
    /// The server has ended the connection.
    over: bool,
    log: Vec<Entry>,
}

impl<'a> Both<'a> {
    /// `None` if the server has no way to log in.
    fn new(setup: &'a Setup, server: &Server, [up, down]: [Link; 2]) -> Option<Self> {
        let known = MechanismName::KNOWN.iter().filter(|name| **name != MechanismName::NTLM);
        let offered = known.enumerate().filter(|(bit, _)| server.mechanisms >> bit & 1 != 0);
        let mechanisms: Vec<_> = offered.map(|(_, name)| *name).collect();
        let offers = |bit: u8| server.offers >> bit & 1 != 0;
        let mut config = ServerConfig::new();
        config.mechanisms.clone_from(&mechanisms);
        (config.user_pass, config.apop, config.stls) = (offers(0), offers(1), offers(2));
        (config.plaintext, config.leniency.opaque_passwords) = (offers(3), true);
        config.utf8 = if offers(4) { Utf8Offer::User } else { Utf8Offer::No };
        let text = text("ready");
        let made = if config.apop {
            let timestamp = ApopTimestamp::new(CHALLENGE).expect("a msg-id");
            ServerSession::with_timestamp(config, setup.channel, text, timestamp)
        } else {
            ServerSession::new(config, setup.channel, text)
        };
        let mut session = made.ok()?;
        if offers(5) {
            session.without_channel_binding();
        }
        let mut conversation = server::Login::new();
        if let Some(prepare) = setup.prepare {
            conversation = conversation.with_preparation(prepare);
        }
        let client = setup.session();
        let mut both = Self {
            setup,
            login: setup.login(&client),
            client,
            server: session,
            conversation,
            up,
            down,
            mechanisms,
            unavailable: offers(6),
            unbound: offers(5),
            tls_due: false,
            opened: Vec::new(),
            over: false,
            log: Vec::new(),
        };
        if setup.channel == Channel::Tls {
            both.nobody_between();
        }
        Some(both)
    }

    /// Whether the server has `method` where they stand: a client may try what was not announced.
    fn takes(&self, method: Method) -> bool {
        let config = self.server.config();
        let tls = self.server.channel() == Channel::Tls;
        let offered = match method {
            Method::UserPass => config.user_pass,
            Method::Apop => config.apop,
            Method::Sasl(name) => {
                let (scram, binds) =
                    (name.as_str().starts_with("SCRAM-"), name.as_str().ends_with("-PLUS"));
                // Only SCRAM prepares a name, and acceptors know names in ASCII.
                let named = scram || self.setup.who.name.is_ascii();
                named && self.mechanisms.contains(&name) && (!binds || tls && !self.unbound)
            }
        };
        offered && (config.plaintext || self.server.channel() != Channel::Clear)
    }

    fn nobody_between(&mut self) {
        (self.up.edit, self.down.edit) = (None, None);
    }

    fn run(mut self) -> (Run, Self) {
        let mut ended = false;
        for round in 0.. {
            assert!(round < MAX_ROUNDS, "I2: it never ends");
            let tls_due = match self.login.step(&mut self.client) {
                Ok(Due::Deviation(_)) => continue,
                Ok(Due::Exchange) => false,
                Ok(Due::StartTls) => true,
                Ok(Due::Done(method)) => return self.finish(Ok(method)),
                Err(error) => return self.finish(Err(error)),
            };
            let served = self.serve();
            let carried = self.carry();
            if tls_due && self.tls_due && !carried && self.is_empty() {
                self.begin_tls();
            } else if !served && !carried {
                // What was taken away is waited for, or what was added is no handshake.
                assert!(!ended, "I2: the end of the connection ended nothing");
                ended = true;
                self.client.receive_eof(Eof::Clean);
                self.log.push(Entry::End);
            }
        }
        unreachable!("it ends")
    }

    fn is_empty(&self) -> bool {
        self.up.on_the_way.is_empty() && self.down.on_the_way.is_empty()
    }

    fn begin_tls(&mut self) {
        assert_eq!(self.client.tls_established(), Ok(()));
        assert_eq!(self.server.tls_established(), Ok(()));
        if self.unbound {
            self.server.without_channel_binding();
        }
        self.setup.bind(&mut self.login);
        self.nobody_between();
        self.tls_due = false;
        self.log.push(Entry::Tls);
    }

    /// Moves octets both ways; whether any moved.
    fn carry(&mut self) -> bool {
        let Self { client, server, up, down, log, over, .. } = self;
        let written = |len| {
            let octets =
                if client.wants_write() { taken(client.outgoing(), len) } else { Vec::new() };
            if !octets.is_empty() {
                say(log, client, &octets);
            }
            octets
        };
        let received = |octets: &[u8]| if *over { octets.len() } else { server.receive(octets) };
        let went_up = up.carry(written, received);
        let written = |len| taken(server.outgoing(), len);
        let went_down = down.carry(written, |octets| {
            let taken = client.receive(octets);
            if taken > 0 {
                log.push(Entry::Heard(octets[..taken].to_vec()));
            }
            taken
        });
        went_up || went_down
    }

    /// Does what there is to do at the server; whether there was anything.
    fn serve(&mut self) -> bool {
        let Some(event) = self.server.poll_event() else { return false };
        let session = &mut self.server;
        let mut turn = self.conversation.take(session, event).expect("it was the last");
        loop {
            let session = &mut self.server;
            let answered = match turn {
                Turn::Answered => Ok(()),
                Turn::Begin(name) => {
                    let acceptor = self.acceptor(name);
                    let session = &mut self.server;
                    turn = self.conversation.begin(session, acceptor).expect("AUTH waits");
                    continue;
                }
                Turn::Ask(question) => {
                    let answer = self.answer(&question);
                    let session = &mut self.server;
                    turn = self.conversation.answer(session, answer).expect("it waits");
                    continue;
                }
                Turn::Open(identity) => {
                    self.opened.push(identity);
                    session.authenticated(&text("open"))
                }
                Turn::Other(Event::Command(Command::Quit | Command::Stls)) => {
                    session.ok(&text("fine"))
                }
                Turn::Other(Event::Command(_)) => session.err(None, &text("not here")),
                Turn::Other(Event::Rejected(_)) => session.reject(),
                Turn::Other(Event::StartTls) => {
                    self.tls_due = true;
                    Ok(())
                }
                Turn::Other(_) => {
                    self.over = true;
                    Ok(())
                }
            };
            assert_eq!(answered, Ok(()));
            return true;
        }
    }

    fn acceptor(&self, name: MechanismName) -> Option<Box<dyn Acceptor>> {
        let offered: Vec<_> = self.server.mechanisms().collect();
        let acceptors = Acceptors {
            offered: &offered,
            nonce: SERVER_NONCE,
            challenge: &ApopTimestamp::new(CHALLENGE).expect("a msg-id"),
            decoy: &ScramDecoy::new(Secret::new("a key"), iterations(), SALT.len()).expect("a key"),
            bindings: &bindings(),
            failure: &failure(),
        };
        acceptors.make(name)
    }

    /// The back end, which knows one user.
    fn answer(&self, question: &Question) -> Answer {
        if self.unavailable {
            return Answer::Unavailable;
        }
        let who = &self.setup.who;
        let right = Setup { who: Who { secret: who.right, ..*who }, ..self.setup.clone() };
        let prepared = model::prepared(&right);
        let (_, secret) = prepared.unwrap_or_else(|| (who.name.into(), who.right.to_vec()));
        let shown = model::queried(&right, who.right);
        let is_user = |of: &Mailbox| is_named(self.setup, of);
        let named = |name| Answer::Identified(Mailbox::utf8(name).expect("no blank"));
        let known = match question {
            Question::Verify { mailbox, password } => {
                let right = [who.right, &secret, &shown].contains(&password.expose());
                (is_user(mailbox) && right).then_some(Answer::Accepted)
            }
            Question::Secret { mailbox } => {
                is_user(mailbox).then(|| Answer::Secret(Secret::new(who.right)))
            }
            Question::ScramKeys { mailbox, hash } => is_user(mailbox).then(|| {
                let keys = ScramKeys::derive(*hash, &Secret::new(secret), SALT, iterations());
                Answer::ScramKeys(keys.expect("a salt"))
            }),
            Question::Token { token, .. } => {
                (who.kind == Kind::Token && token.expose() == who.right).then(|| named(who.name))
            }
            Question::Anonymous { .. } => Some(named("anonymous")),
            Question::External { .. } => Some(named("mrose")),
            Question::Authorize { authentication, authorization } => {
                let allowed = is_user(authentication) && authorization.as_str() == SHARED;
                allowed.then_some(Answer::Accepted)
            }
        };
        known.unwrap_or(Answer::Refused)
    }

    fn finish(mut self, outcome: Result<Method, LoginError>) -> (Run, Self) {
        // What the client had not said to its end.
        self.log
            .retain(|entry| !matches!(entry, Entry::Said { line, .. } if !line.ends_with(b"\n")));
        let run = Run::of(self.setup, &self.client, &self.login, self.log.split_off(0), outcome);
        (run, self)
    }
}

fn iterations() -> NonZeroU32 {
    NonZeroU32::new(4096).expect("not 0")
}

fn taken(mut outgoing: impl Buf, len: usize) -> Vec<u8> {
    let len = len.min(outgoing.remaining());
    outgoing.copy_to_bytes(len).to_vec()
}

/// Adds to the line that is leaving, or begins one.
fn say(log: &mut Vec<Entry>, client: &ClientSession, octets: &[u8]) {
    let last = log.iter_mut().rev().find_map(|entry| match entry {
        Entry::Said { line, .. } => Some(line),
        _ => None,
    });
    match last.filter(|line| !line.ends_with(b"\n")) {
        Some(line) => line.extend_from_slice(octets),
        None => log.push(Entry::said(client, octets.to_vec())),
    }
}

fn text(text: &str) -> Text {
    Text::new(text).expect("printable")
}
