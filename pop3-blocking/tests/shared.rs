//! The scenarios of all adapters, by this one.

use std::io::{BufRead as _, Read as _};
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::client::{Channel, Choice, Credentials, Method};
use pop3_blocking::pop3_proto::sasl::Plain;
use pop3_blocking::pop3_proto::{Command, LanguageRange, RawFraming, Secret};
use pop3_blocking::{Body, Builder, Client, Error, LoginError, Outcome, Session, Timeouts};

#[cfg(all(feature = "server", feature = "tls"))]
#[path = "support/certificates.rs"]
mod certificates;
#[path = "../../pop3-proto/examples/inspect/play/mod.rs"]
mod play;
mod scenarios;
mod support;
#[path = "../../pop3-proto/tests/support/transcript.rs"]
mod transcript;

use scenarios::client::{Opening, Scenario, client_scenarios};
use scenarios::{Call, Show, Sight, Take, mailbox, number, password};
use support::Scripted;

/// What a deadline is counted in.
const TICK: Duration = Duration::from_millis(100);
/// How late a busy machine may be.
const SLACK: Duration = Duration::from_secs(10);

macro_rules! clients {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            for scenario in scenarios::client::$name() {
                for cuts in scenario.cuts() {
                    client(&scenario, Scripted::new(cuts, scenario.script.clone()), |_| {});
                }
            }
        }
    )*};
}
client_scenarios!(clients);

#[cfg(feature = "server")]
macro_rules! servers {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            for scenario in scenarios::server::$name() {
                for cuts in scenario.cuts() {
                    server(&scenario, Scripted::new(cuts, scenario.script.clone()), |_| {});
                }
            }
        }
    )*};
}

#[cfg(feature = "server")]
scenarios::server::server_scenarios!(servers);

#[cfg(all(feature = "server", feature = "tls"))]
macro_rules! tls_clients {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            for tls in scenarios::tls::$name() {
                for cuts in tls.scenario.cuts() {
                    let believes = |builder: &mut Builder| builder.tls = Some(tls.tls.clone());
                    client(&tls.scenario, tls.transport(cuts), believes);
                }
            }
        }
    )*};
}

#[cfg(all(feature = "server", feature = "tls"))]
scenarios::tls::tls_client_scenarios!(tls_clients);

#[cfg(all(feature = "server", feature = "tls"))]
macro_rules! tls_servers {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            for tls in scenarios::tls::$name() {
                for cuts in tls.scenario.cuts() {
                    let shows = |server: &mut Served| server.tls.clone_from(&tls.tls);
                    server(&tls.scenario, tls.transport(cuts), shows);
                }
            }
        }
    )*};
}

#[cfg(all(feature = "server", feature = "tls"))]
scenarios::tls::tls_server_scenarios!(tls_servers);

/// Hostile servers, as `pop3-proto/tests/attacks` has them.
#[test]
fn hostile_servers() {
    for scenario in scenarios::attacks::hostile_servers(false) {
        for cuts in scenarios::attacks::cuts(scenario.at_once) {
            let transport = Scripted::new(cuts, scenario.script.clone());
            client(&scenario, transport, |_| {});
        }
    }
}

/// Those that meddle with STLS.
#[cfg(all(feature = "server", feature = "tls"))]
#[test]
fn hostile_servers_at_stls() {
    for tls in scenarios::tls::hostile_servers() {
        for cuts in scenarios::attacks::cuts(tls.scenario.at_once) {
            let believes = |builder: &mut Builder| builder.tls = Some(tls.tls.clone());
            client(&tls.scenario, tls.transport(cuts), believes);
        }
    }
}

/// Hostile clients, as `pop3-proto/tests/attacks` has them: nothing is removed, and no lock is kept.
#[cfg(feature = "server")]
#[test]
fn hostile_clients() {
    for scenario in scenarios::attacks::hostile_clients() {
        for cuts in scenarios::attacks::cuts(scenario.at_once) {
            let transport = Scripted::new(cuts, scenario.script.clone());
            server(&scenario, transport, |_| {});
        }
    }
}

/// A caller, before and behind his login.
struct Caller<S> {
    client: Option<Client<S>>,
    session: Option<Session<S>>,
    sight: Sight,
}

fn client<S: Timeouts>(scenario: &Scenario, transport: S, set: impl FnOnce(&mut Builder)) {
    let mut builder = Client::builder(scenario.config.security);
    (builder.config, builder.deadlines) = (scenario.config, scenario.deadlines);
    set(&mut builder);
    let began = Instant::now();
    let mut transport = Some(transport);
    let mut caller = Caller { client: None, session: None, sight: Sight::default() };
    for (call, seen) in &scenario.steps {
        match call {
            Call::Open => caller.open(&mut builder, scenario.opening, transport.take()),
            call => caller.call(call),
        }
        caller.sight.compare(seen, &(&scenario.name, call));
    }
    in_time(&scenario.name, began, scenario.lasts);
}

#[cfg(feature = "server")]
type Served =
    pop3_blocking::server::Server<pop3_blocking::server::Memory, pop3_blocking::server::Passwords>;

/// One connection of a server.
#[cfg(feature = "server")]
fn server<S: Timeouts>(
    scenario: &scenarios::server::Scenario,
    transport: S,
    set: impl FnOnce(&mut Served),
) {
    let (mut server, store) = scenario.server();
    set(&mut server);
    let began = Instant::now();
    let ended = if scenario.implicit {
        server.serve_tls_connection(transport)
    } else {
        server.serve_connection(transport, scenario.channel)
    };
    in_time(&scenario.name, began, scenario.lasts);
    scenario.compare(&ended, &store);
}

/// A deadline holds when it is due, and not before.
fn in_time(name: &str, began: Instant, lasts: Option<u32>) {
    let Some(lasts) = lasts else { return };
    let (took, due) = (began.elapsed(), TICK * lasts);
    assert!(took >= due && took < due + SLACK, "{name}: {took:?} of {due:?}");
}

impl<S: Timeouts> Caller<S> {
    fn open(&mut self, builder: &mut Builder, opening: Opening, transport: Option<S>) {
        let transport = transport.expect("it is opened once");
        let opened = match opening {
            Opening::Clear => builder.over(transport, Channel::Clear),
            Opening::Stls(stls) => {
                builder.stls = Some(stls);
                builder.over_stls(transport, Channel::Clear, "localhost")
            }
            Opening::Tls => builder.over_tls(transport, "localhost"),
        };
        self.sight.result(opened.map(|client| self.client = Some(client)));
    }

    fn logged_in(&mut self, outcome: Result<Session<S>, LoginError<S>>) {
        match outcome {
            Ok(session) => {
                self.sight.value(&session.method().to_string());
                self.session = Some(session);
            }
            Err(LoginError::Refused { client, reason }) => {
                self.client = Some(*client);
                self.sight.error(reason);
            }
            Err(error) => self.sight.error(error),
        }
    }

    fn log_in(&mut self, call: &Call) {
        let client = self.client.take().expect("a client");
        let outcome = match call {
            Call::UserPass(name, word) => {
                let credentials = Credentials::password(mailbox(name), password(word));
                client.login_with(credentials, Choice::Only(Method::UserPass))
            }
            Call::Login(name, word) => client.login(&mailbox(name), &password(word)),
            Call::OwnPlain(name, word) => {
                let plain = Plain::new(None, name, Secret::new(word.as_bytes()));
                client.login_by(Box::new(plain.expect("a name")))
            }
            call => panic!("{call:?} is no login"),
        };
        self.logged_in(outcome);
    }

    fn quit(&mut self) {
        let quit = match (self.client.take(), self.session.take()) {
            (Some(client), _) => client.quit(),
            (None, session) => session.expect("a session").quit(),
        };
        match quit {
            Ok(update) => self.sight.value(&update),
            Err(error) => {
                self.sight.value(&error.update);
                self.sight.error(error);
            }
        }
    }

    fn call(&mut self, call: &Call) {
        let sight = &mut self.sight;
        match call {
            Call::UserPass(..) | Call::Login(..) | Call::OwnPlain(..) => self.log_in(call),
            Call::Quit => self.quit(),
            Call::Rest(ticks) => std::thread::sleep(TICK * *ticks),
            call => match (&mut self.client, &mut self.session) {
                (Some(client), _) => before_login(client, call, sight),
                (_, Some(session)) => behind_login(session, call, sight),
                _ => panic!("{call:?} without a session"),
            },
        }
    }
}

fn before_login<S>(client: &mut Client<S>, call: &Call, sight: &mut Sight)
where
    S: Timeouts,
{
    match call {
        Call::Capa => sight.result(client.capabilities()),
        Call::Utf8 => sight.result(client.utf8()),
        Call::Languages => sight.result(client.languages()),
        Call::ChooseLanguage(range) => {
            let range = LanguageRange::new(range).expect("a range");
            sight.result(client.choose_language(&range));
        }
        call => panic!("{call:?} before a login"),
    }
}

fn behind_login<S>(session: &mut Session<S>, call: &Call, sight: &mut Sight)
where
    S: Timeouts,
{
    match call {
        Call::Capa => sight.result(session.capabilities()),
        Call::Languages => sight.result(session.languages()),
        Call::ChooseLanguage(range) => {
            let range = LanguageRange::new(range).expect("a range");
            sight.result(session.choose_language(&range));
        }
        Call::Stat => sight.result(session.stat()),
        Call::List(take) => items(session.list(), *take, sight),
        Call::ListOne(message) => sight.result(session.list_one(number(*message))),
        Call::Uidl(take) => items(session.uidl(), *take, sight),
        Call::UidlOne(message) => sight.result(session.uidl_one(number(*message))),
        Call::Retr(message, take) => {
            body(session.retr(number(*message)), *take, sight);
        }
        Call::Top(message, lines, take) => {
            body(session.top(number(*message), *lines), *take, sight);
        }
        Call::Raw(line, take) => {
            let raw = Command::raw(line, RawFraming::Multiline).expect("a line");
            body(session.raw_body(&raw), *take, sight);
        }
        Call::Dele(message) => sight.result(session.dele(number(*message))),
        Call::Noop => sight.result(session.noop()),
        Call::Rset => sight.result(session.rset()),
        Call::Pipeline(commands, window, takes) => {
            pipeline(session, commands, *window, takes, sight);
        }
        call => panic!("{call:?} behind a login"),
    }
}

/// The items of a listing.
fn items<T: Show>(
    listing: Result<impl Iterator<Item = Result<T, Error>>, Error>,
    take: Take,
    sight: &mut Sight,
) {
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => return sight.error(error),
    };
    let most = if let Take::First(items) = take { items } else { usize::MAX };
    listing.take(most).for_each(|item| sight.result(item));
}

/// The octets of a body, and what went wrong with it.
fn body<S>(body: Result<Body<'_, S>, Error>, take: Take, sight: &mut Sight)
where
    S: Timeouts,
{
    let mut body = match body {
        Ok(body) => body,
        Err(error) => return sight.error(error),
    };
    let mut octets = Vec::new();
    let end = match take {
        Take::UpTo(limit) => return sight.result(body.collect(limit)),
        Take::First(most) => {
            octets.resize(most, 0);
            body.read_exact(&mut octets).map_err(Error::from)
        }
        Take::Reads(room) => read(&mut body, room, &mut octets),
        Take::Lines => loop {
            match body.read_until(b'\n', &mut octets) {
                Ok(0) => break body.chunk().map(|chunk| assert_eq!(chunk, None)),
                Ok(_) => {}
                Err(error) => break Err(error.into()),
            }
        },
        Take::All | Take::Leave => loop {
            match body.chunk() {
                Ok(Some(chunk)) => octets.extend_from_slice(&chunk),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        },
    };
    if end.is_ok() || !octets.is_empty() {
        sight.value(&octets);
    }
    if let Err(error) = end {
        sight.error(error);
    }
}

fn read<S>(body: &mut Body<'_, S>, room: usize, octets: &mut Vec<u8>) -> Result<(), Error>
where
    S: Timeouts,
{
    let mut buffer = vec![0; room];
    loop {
        match body.read(&mut buffer)? {
            0 => return Ok(()),
            len => octets.extend_from_slice(&buffer[..len]),
        }
    }
}

fn pipeline<S>(
    session: &mut Session<S>,
    commands: &[Command],
    window: usize,
    takes: &[Take],
    sight: &mut Sight,
) where
    S: Timeouts,
{
    let mut pipeline = session.pipeline(commands.to_vec(), window);
    for take in takes.iter().copied().chain(std::iter::repeat(Take::All)) {
        if take == Take::Leave {
            return;
        }
        let reply = match pipeline.next() {
            None => return,
            Some(Err(error)) => {
                sight.error(error);
                continue;
            }
            Some(Ok(reply)) => reply,
        };
        match reply.outcome {
            Outcome::Line(response) => sight.value(&response),
            Outcome::Item(item) => sight.value(&item),
            Outcome::Items(listing) => items(Ok(listing), take, sight),
            Outcome::Body(octets) => body(Ok(octets), take, sight),
            _ => panic!("an outcome that nobody knows"),
        }
    }
}
