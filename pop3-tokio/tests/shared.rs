//! The scenarios of all adapters, by this one.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use pop3_tokio::pop3_proto::client::{Channel, Choice, Credentials, Method};
use pop3_tokio::pop3_proto::sasl::Plain;
use pop3_tokio::pop3_proto::{Command, LanguageRange, RawFraming, Secret};
use pop3_tokio::{Body, Builder, Client, Error, LoginError, Outcome, Session};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::{Instant, sleep};

#[cfg(all(feature = "server", feature = "tls"))]
#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
#[path = "../../pop3-proto/examples/inspect/play/mod.rs"]
mod play;
#[path = "../../pop3-blocking/tests/scenarios/mod.rs"]
mod scenarios;
mod support;
#[path = "../../pop3-proto/tests/support/transcript.rs"]
mod transcript;

use scenarios::client::{Opening, Scenario, client_scenarios};
use scenarios::{Call, Show, Sight, Take, mailbox, number, password};
use support::{Script, Scripted};

/// What a deadline is counted in.
const TICK: Duration = Duration::from_secs(20);
/// How late a timer may be.
const SLACK: Duration = Duration::from_secs(1);

macro_rules! clients {
    ($($name:ident,)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            for scenario in scenarios::client::$name() {
                for cuts in scenario.cuts() {
                    let transport = Scripted::new(cuts, scenario.script.clone());
                    client(&scenario, Script::new(transport), |_| {}).await;
                }
            }
        }
    )*};
}
client_scenarios!(clients);

#[cfg(feature = "server")]
macro_rules! servers {
    ($($name:ident,)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            for scenario in scenarios::server::$name() {
                for cuts in scenario.cuts() {
                    let transport = Scripted::new(cuts, scenario.script.clone());
                    server(&scenario, Script::new(transport), |_| {}).await;
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
        #[tokio::test(start_paused = true)]
        async fn $name() {
            for tls in scenarios::tls::$name() {
                for cuts in tls.scenario.cuts() {
                    let believes = |builder: &mut Builder| builder.tls = Some(tls.tls.clone());
                    client(&tls.scenario, Script::new(tls.transport(cuts)), believes).await;
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
        #[tokio::test(start_paused = true)]
        async fn $name() {
            for tls in scenarios::tls::$name() {
                for cuts in tls.scenario.cuts() {
                    let shows = |server: &mut Served| server.tls.clone_from(&tls.tls);
                    server(&tls.scenario, Script::new(tls.transport(cuts)), shows).await;
                }
            }
        }
    )*};
}

#[cfg(all(feature = "server", feature = "tls"))]
scenarios::tls::tls_server_scenarios!(tls_servers);

/// Hostile servers, as `pop3-proto/tests/attacks` has them.
#[tokio::test(start_paused = true)]
async fn hostile_servers() {
    for scenario in scenarios::attacks::hostile_servers(false) {
        for cuts in scenarios::attacks::cuts(scenario.at_once) {
            let transport = Scripted::new(cuts, scenario.script.clone());
            client(&scenario, Script::new(transport), |_| {}).await;
        }
    }
}

/// Those that meddle with STLS.
#[cfg(all(feature = "server", feature = "tls"))]
#[tokio::test(start_paused = true)]
async fn hostile_servers_at_stls() {
    for tls in scenarios::tls::hostile_servers() {
        for cuts in scenarios::attacks::cuts(tls.scenario.at_once) {
            let believes = |builder: &mut Builder| builder.tls = Some(tls.tls.clone());
            let transport = Script::new(tls.transport(cuts));
            Box::pin(client(&tls.scenario, transport, believes)).await;
        }
    }
}

/// Hostile clients, as `pop3-proto/tests/attacks` has them: nothing is removed, and no lock is kept.
#[cfg(feature = "server")]
#[tokio::test(start_paused = true)]
async fn hostile_clients() {
    for scenario in scenarios::attacks::hostile_clients() {
        for cuts in scenarios::attacks::cuts(scenario.at_once) {
            let transport = Scripted::new(cuts, scenario.script.clone());
            server(&scenario, Script::new(transport), |_| {}).await;
        }
    }
}

/// A caller, before and behind his login.
struct Caller<S> {
    client: Option<Client<S>>,
    session: Option<Session<S>>,
    sight: Sight,
}

async fn client<S: AsyncRead + AsyncWrite + Unpin>(
    scenario: &Scenario,
    transport: S,
    set: impl FnOnce(&mut Builder),
) {
    let mut builder = Client::builder(scenario.config.security);
    (builder.config, builder.deadlines) = (scenario.config, scenario.deadlines);
    set(&mut builder);
    let began = Instant::now();
    let mut transport = Some(transport);
    let mut caller = Caller { client: None, session: None, sight: Sight::default() };
    for (call, seen) in &scenario.steps {
        match call {
            Call::Open => caller.open(&mut builder, scenario.opening, transport.take()).await,
            call => caller.call(call).await,
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
async fn server<S: AsyncRead + AsyncWrite + Unpin>(
    scenario: &scenarios::server::Scenario,
    transport: S,
    set: impl FnOnce(&mut Served),
) {
    let (mut builder, store) = scenario.server();
    set(&mut builder);
    let began = Instant::now();
    let server = pop3_tokio::server::Server::from(builder);
    let ended = if scenario.implicit {
        server.serve_tls_connection(transport).await
    } else {
        server.serve_connection(transport, scenario.channel).await
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

impl<S: AsyncRead + AsyncWrite + Unpin> Caller<S> {
    async fn open(&mut self, builder: &mut Builder, opening: Opening, transport: Option<S>) {
        let transport = transport.expect("it is opened once");
        let opened = match opening {
            Opening::Clear => builder.over(transport, Channel::Clear).await,
            Opening::Stls(stls) => {
                builder.stls = Some(stls);
                builder.over_stls(transport, Channel::Clear, "localhost").await
            }
            Opening::Tls => builder.over_tls(transport, "localhost").await,
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

    async fn log_in(&mut self, call: &Call) {
        let client = self.client.take().expect("a client");
        let outcome = match call {
            Call::UserPass(name, word) => {
                let credentials = Credentials::password(mailbox(name), password(word));
                client.login_with(credentials, Choice::Only(Method::UserPass)).await
            }
            Call::Login(name, word) => client.login(&mailbox(name), &password(word)).await,
            Call::OwnPlain(name, word) => {
                let plain = Plain::new(None, name, Secret::new(word.as_bytes()));
                client.login_by(Box::new(plain.expect("a name"))).await
            }
            call => panic!("{call:?} is no login"),
        };
        self.logged_in(outcome);
    }

    async fn quit(&mut self) {
        let quit = match (self.client.take(), self.session.take()) {
            (Some(client), _) => client.quit().await,
            (None, session) => session.expect("a session").quit().await,
        };
        match quit {
            Ok(update) => self.sight.value(&update),
            Err(error) => {
                self.sight.value(&error.update);
                self.sight.error(error);
            }
        }
    }

    async fn call(&mut self, call: &Call) {
        let sight = &mut self.sight;
        match call {
            Call::UserPass(..) | Call::Login(..) | Call::OwnPlain(..) => self.log_in(call).await,
            Call::Quit => self.quit().await,
            Call::Rest(ticks) => sleep(TICK * *ticks).await,
            call => match (&mut self.client, &mut self.session) {
                (Some(client), _) => before_login(client, call, sight).await,
                (_, Some(session)) => behind_login(session, call, sight).await,
                _ => panic!("{call:?} without a session"),
            },
        }
    }
}

async fn before_login<S>(client: &mut Client<S>, call: &Call, sight: &mut Sight)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match call {
        Call::Capa => sight.result(client.capabilities().await),
        Call::Utf8 => sight.result(client.utf8().await),
        Call::Languages => sight.result(client.languages().await),
        Call::ChooseLanguage(range) => {
            let range = LanguageRange::new(range).expect("a range");
            sight.result(client.choose_language(&range).await);
        }
        call => panic!("{call:?} before a login"),
    }
}

async fn behind_login<S>(session: &mut Session<S>, call: &Call, sight: &mut Sight)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match call {
        Call::Capa => sight.result(session.capabilities().await),
        Call::Languages => sight.result(session.languages().await),
        Call::ChooseLanguage(range) => {
            let range = LanguageRange::new(range).expect("a range");
            sight.result(session.choose_language(&range).await);
        }
        Call::Stat => sight.result(session.stat().await),
        Call::List(take) => items(session.list().await, *take, sight).await,
        Call::ListOne(message) => sight.result(session.list_one(number(*message)).await),
        Call::Uidl(take) => items(session.uidl().await, *take, sight).await,
        Call::UidlOne(message) => sight.result(session.uidl_one(number(*message)).await),
        Call::Retr(message, take) => {
            body(session.retr(number(*message)).await, *take, sight).await;
        }
        Call::Top(message, lines, take) => {
            body(session.top(number(*message), *lines).await, *take, sight).await;
        }
        Call::Raw(line, take) => {
            let raw = Command::raw(line, RawFraming::Multiline).expect("a line");
            body(session.raw_body(&raw).await, *take, sight).await;
        }
        Call::Dele(message) => sight.result(session.dele(number(*message)).await),
        Call::Noop => sight.result(session.noop().await),
        Call::Rset => sight.result(session.rset().await),
        Call::Pipeline(commands, window, takes) => {
            pipeline(session, commands, *window, takes, sight).await;
        }
        call => panic!("{call:?} behind a login"),
    }
}

/// The items of a listing.
async fn items<T: Show>(
    listing: Result<impl Stream<Item = Result<T, Error>> + Unpin, Error>,
    take: Take,
    sight: &mut Sight,
) {
    let mut listing = match listing {
        Ok(listing) => listing,
        Err(error) => return sight.error(error),
    };
    let most = if let Take::First(items) = take { items } else { usize::MAX };
    for _ in 0..most {
        match poll_fn(|cx| Pin::new(&mut listing).poll_next(cx)).await {
            Some(item) => sight.result(item),
            None => return,
        }
    }
}

/// The octets of a body, and what went wrong with it.
async fn body<S>(body: Result<Body<'_, S>, Error>, take: Take, sight: &mut Sight)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut body = match body {
        Ok(body) => body,
        Err(error) => return sight.error(error),
    };
    let mut octets = Vec::new();
    let end = match take {
        Take::UpTo(limit) => return sight.result(body.collect(limit).await),
        Take::First(most) => {
            octets.resize(most, 0);
            body.read_exact(&mut octets).await.map(drop).map_err(Error::from)
        }
        Take::Reads(room) => read(&mut body, room, &mut octets).await,
        Take::Lines => loop {
            match body.read_until(b'\n', &mut octets).await {
                Ok(0) => break body.chunk().await.map(|chunk| assert_eq!(chunk, None)),
                Ok(_) => {}
                Err(error) => break Err(error.into()),
            }
        },
        Take::All | Take::Leave => loop {
            match body.chunk().await {
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

async fn read<S>(body: &mut Body<'_, S>, room: usize, octets: &mut Vec<u8>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = vec![0; room];
    loop {
        match body.read(&mut buffer).await? {
            0 => return Ok(()),
            len => octets.extend_from_slice(&buffer[..len]),
        }
    }
}

async fn pipeline<S>(
    session: &mut Session<S>,
    commands: &[Command],
    window: usize,
    takes: &[Take],
    sight: &mut Sight,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut pipeline = session.pipeline(commands.to_vec(), window);
    for take in takes.iter().copied().chain(std::iter::repeat(Take::All)) {
        if take == Take::Leave {
            return;
        }
        let reply = match pipeline.next().await {
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
            Outcome::Items(listing) => items(Ok(listing), take, sight).await,
            Outcome::Body(octets) => body(Ok(octets), take, sight).await,
            _ => panic!("an outcome that nobody knows"),
        }
    }
}
