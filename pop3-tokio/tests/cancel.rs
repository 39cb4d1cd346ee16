//! I11: every future dropped at every await point, and what the next call does then.

use std::time::Duration;

use pop3_tokio::pop3_proto::client::{
    Channel, Choice, Credentials, Method, Security, SendError, Update,
};
use pop3_tokio::pop3_proto::{Command, DropListing, Mailbox, MessageNumber, Password};
use pop3_tokio::{Client, Error, Outcome, Session};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite};

mod support;
use support::{Answering, Lines, Pace, Paced, message, next_random, polled};

const LOGIN: [&str; 3] = ["CAPA", "USER mrose", "PASS secret"];

type Transport = Paced<Answering>;

fn paces() -> impl Iterator<Item = Pace> {
    [1, 2, 3, 7, 64, 65536].map(Pace::Each).into_iter().chain((0..24).map(Pace::Random))
}

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

async fn client(pace: Pace, lines: &Lines) -> Client<Transport> {
    let transport = Paced::new(Answering::new(lines), pace);
    let builder = Client::builder(Security::PlaintextAllowed);
    builder.over(transport, Channel::Clear).await.expect("a greeting")
}

fn credentials() -> Credentials {
    let mailbox = Mailbox::new("mrose").expect("a mailbox");
    Credentials::password(mailbox, Password::new("secret").expect("a password"))
}

/// The server has announced PIPELINING.
async fn session(pace: Pace, lines: &Lines) -> Session<Transport> {
    let mut client = client(pace, lines).await;
    client.capabilities().await.expect("a list");
    let choice = Choice::Only(Method::UserPass);
    let mut session = client.login_with(credentials(), choice).await.expect("a login");
    session.capabilities().await.expect("a list");
    assert_eq!(said(lines), ["CAPA", "USER mrose", "PASS secret", "CAPA", "CAPA"]);
    lines.lock().unwrap().clear();
    session
}

fn said(lines: &Lines) -> Vec<String> {
    lines.lock().unwrap().clone()
}

/// Something that is done to a session, and dropped at some point.
#[derive(Clone, Copy, Debug)]
enum What {
    Stat,
    Capabilities,
    List,
    HalfAList,
    Uidl,
    Retr,
    Chunks,
    Lines,
    HalfABody,
    Noop,
    ListOne,
    Pipeline,
    HalfAPipeline,
}

const ALL: [What; 13] = [
    What::Stat,
    What::Capabilities,
    What::List,
    What::HalfAList,
    What::Uidl,
    What::Retr,
    What::Chunks,
    What::Lines,
    What::HalfABody,
    What::Noop,
    What::ListOne,
    What::Pipeline,
    What::HalfAPipeline,
];

impl What {
    /// What it makes the client say.
    const fn says(self) -> &'static [&'static str] {
        match self {
            Self::Stat => &["STAT"],
            Self::Capabilities => &["CAPA"],
            Self::List | Self::HalfAList => &["LIST"],
            Self::Uidl => &["UIDL"],
            Self::Retr | Self::Chunks | Self::Lines | Self::HalfABody => &["RETR 1"],
            Self::Noop => &["NOOP"],
            Self::ListOne => &["LIST 3"],
            Self::Pipeline | Self::HalfAPipeline => &["RETR 1", "STAT", "LIST", "LIST 2", "RETR 2"],
        }
    }

    /// Does it; panics if anything else comes of it than has to.
    async fn perform<S: AsyncRead + AsyncWrite + Unpin>(self, session: &mut Session<S>) {
        match self {
            Self::Stat => assert_eq!(session.stat().await.unwrap(), DropListing::new(3, 60)),
            Self::Capabilities => assert!(session.capabilities().await.unwrap().pipelining()),
            Self::List => {
                let mut listings = session.list().await.unwrap();
                for n in 1..=3 {
                    let listing = listings.next().await.unwrap().unwrap();
                    assert_eq!((listing.message, listing.octets), (number(n), u64::from(n) * 10));
                }
                assert!(listings.next().await.is_none());
            }
            Self::HalfAList => {
                let mut listings = session.list().await.unwrap();
                assert_eq!(listings.next().await.unwrap().unwrap().octets, 10);
            }
            Self::Uidl => {
                let mut listings = session.uidl().await.unwrap();
                let mut ids = String::new();
                while let Some(listing) = listings.next().await {
                    ids.push_str(listing.unwrap().id.as_str());
                }
                assert_eq!(ids, "abc");
            }
            Self::Retr => {
                let mut octets = Vec::new();
                let mut body = session.retr(number(1)).await.unwrap();
                body.read_to_end(&mut octets).await.unwrap();
                assert_eq!(octets, message("1").as_bytes());
            }
            Self::Chunks => {
                let body = session.retr(number(1)).await.unwrap();
                assert_eq!(body.collect(1000).await.unwrap(), message("1").as_bytes());
            }
            Self::Lines => {
                let mut lines = session.retr(number(1)).await.unwrap().lines();
                assert_eq!(lines.next_line().await.unwrap().unwrap(), "Subject: 1");
                assert_eq!(lines.next_line().await.unwrap().unwrap(), "");
                assert_eq!(lines.next_line().await.unwrap().unwrap(), ".dots");
            }
            Self::HalfABody => {
                let mut body = session.retr(number(1)).await.unwrap();
                assert_eq!(body.read_u8().await.unwrap(), b'S');
                assert_eq!(body.read_u8().await.unwrap(), b'u');
            }
            Self::Noop => assert!(session.noop().await.unwrap().is_ok()),
            Self::ListOne => assert_eq!(session.list_one(number(3)).await.unwrap().octets, 30),
            Self::Pipeline | Self::HalfAPipeline => {
                let commands = [
                    Command::Retr(number(1)),
                    Command::Stat,
                    Command::List(None),
                    Command::List(Some(number(2))),
                    Command::Retr(number(2)),
                ];
                let mut pipeline = session.pipeline(commands, 4);
                let mut seen = Vec::new();
                while let Some(reply) = pipeline.next().await {
                    seen.push(match reply.unwrap().outcome {
                        Outcome::Body(body) => {
                            String::from_utf8(body.collect(1000).await.unwrap()).unwrap()
                        }
                        Outcome::Item(item) => format!("{item:?}\r\n"),
                        Outcome::Items(mut items) => {
                            assert!(items.next().await.unwrap().is_ok());
                            "half a list\r\n".to_owned()
                        }
                        Outcome::Line(response) => panic!("{response:?}"),
                        _ => panic!("a new outcome"),
                    });
                    if matches!(self, Self::HalfAPipeline) && seen.len() == 3 {
                        return;
                    }
                }
                let seen = seen.concat();
                assert!(seen.starts_with(&message("1")), "{seen}");
                assert!(seen.contains("Drop(DropListing"), "{seen}");
                assert!(seen.contains("half a list\r\nScan(ScanListing"), "{seen}");
                assert!(seen.ends_with(&message("2")), "{seen}");
            }
        }
    }
}

/// I11: the next call is right, nothing was said twice and nothing was left out, at whatever point the one
/// before was dropped.
#[tokio::test(start_paused = true)]
async fn dropped_at_every_point_a_call_leaves_the_session_in_step() {
    for pace in paces() {
        for what in ALL {
            let mut polls = 0;
            loop {
                let lines = Lines::default();
                let mut session = session(pace, &lines).await;
                let done = polled(polls, what.perform(&mut session)).await.is_some();
                let context = format!("{what:?} dropped after {polls} polls, {pace:?}");
                assert_eq!(session.list_one(number(2)).await.expect(&context).octets, 20);
                assert_eq!(session.stat().await.expect(&context).octets, Some(60), "{context}");
                assert_eq!(session.quit().await.expect(&context), Update::Committed);
                let said = said(&lines);
                let (before, after) = said.split_at(said.len() - 3);
                assert_eq!(after, ["LIST 2", "STAT", "QUIT"], "{context}");
                assert_eq!(before, &what.says()[..before.len()], "{context}");
                assert_eq!(polls == 0, before.is_empty(), "{context}");
                if done {
                    let waits = matches!(pace, Pace::Each(_));
                    assert!(polls > 1 || !waits, "{context}: it never waited");
                    break;
                }
                polls += 1;
            }
        }
    }
}

/// One call after the other is dropped at some point, and those that are not are right.
#[tokio::test(start_paused = true)]
async fn any_number_of_dropped_calls_leaves_the_session_in_step() {
    let mut done = 0;
    for seed in 0..60 {
        let lines = Lines::default();
        let mut session = session(Pace::Random(seed), &lines).await;
        let mut random = seed;
        for _ in 0..60 {
            let what = ALL[next_random(&mut random) as usize % ALL.len()];
            let polls = next_random(&mut random) as usize % 12;
            done += usize::from(polled(polls, what.perform(&mut session)).await.is_some());
        }
        What::Retr.perform(&mut session).await;
        assert_eq!(session.quit().await.unwrap(), Update::Committed);
    }
    assert!((600..3000).contains(&done), "{done} of 3600 calls were not dropped");
}

/// What an abandoned DELE does, the session knows.
#[tokio::test(start_paused = true)]
async fn an_abandoned_dele_is_known_to_the_session() {
    for pace in paces() {
        for polls in 0.. {
            let lines = Lines::default();
            let mut session = session(pace, &lines).await;
            let done = polled(polls, session.dele(number(1))).await.is_some();
            session.noop().await.unwrap();
            let marked = said(&lines).contains(&"DELE 1".to_owned());
            assert_eq!(marked, polls > 0);
            match session.retr(number(1)).await {
                Ok(_) => assert!(!marked),
                Err(Error::Send(SendError::MarkedDeleted(_))) => assert!(marked),
                Err(error) => panic!("{error:?}"),
            }
            session.rset().await.unwrap();
            assert_eq!(session.quit().await.unwrap(), Update::Committed);
            if done {
                break;
            }
        }
    }
}

/// A reader, a listing and a pipeline lose nothing when the future that waits for their next piece is
/// dropped.
#[tokio::test(start_paused = true)]
async fn what_gives_one_thing_after_the_other_goes_on_where_it_stopped() {
    for pace in paces() {
        let lines = Lines::default();
        let mut session = session(pace, &lines).await;

        let mut body = session.retr(number(1)).await.unwrap();
        let mut octets = Vec::new();
        loop {
            match polled(1, body.chunk()).await {
                Some(Ok(Some(chunk))) => octets.extend_from_slice(&chunk),
                Some(end) => break assert!(end.unwrap().is_none()),
                None => tokio::task::yield_now().await,
            }
        }
        assert_eq!(octets, message("1").as_bytes(), "{pace:?}");
        drop(body);

        let mut body = session.retr(number(2)).await.unwrap();
        let mut octets = Vec::new();
        let mut room = [0; 5];
        loop {
            match polled(1, body.read(&mut room)).await.transpose().unwrap() {
                Some(0) => break,
                Some(read) => octets.extend_from_slice(&room[..read]),
                None => tokio::task::yield_now().await,
            }
        }
        assert_eq!(octets, message("2").as_bytes(), "{pace:?}");
        drop(body);

        let mut listings = session.list().await.unwrap();
        let mut listed = 0;
        loop {
            match polled(1, listings.next()).await {
                Some(Some(listing)) => listed += listing.unwrap().octets,
                Some(None) => break,
                None => tokio::task::yield_now().await,
            }
        }
        assert_eq!(listed, 60, "{pace:?}");
        drop(listings);

        let commands = (1..=3).map(|n| Command::List(Some(number(n))));
        let mut pipeline = session.pipeline(commands.chain([Command::Stat]), 2);
        let mut answered = 0;
        loop {
            match polled(1, pipeline.next()).await {
                Some(Some(reply)) => {
                    assert!(matches!(reply.unwrap().outcome, Outcome::Item(_)));
                    answered += 1;
                }
                Some(None) => break,
                None => tokio::task::yield_now().await,
            }
        }
        assert_eq!(answered, 4, "{pace:?}");
        drop(pipeline);

        session.quit().await.unwrap();
        assert_eq!(
            said(&lines),
            ["RETR 1", "RETR 2", "LIST", "LIST 1", "LIST 2", "LIST 3", "STAT", "QUIT"]
        );
    }
}

/// Time in which nothing is owed is no silence, whatever was awaited before it.
#[tokio::test(start_paused = true)]
async fn an_idle_session_does_not_time_out() {
    for pace in paces() {
        let mut session = session(pace, &Lines::default()).await;
        for _ in 0..5 {
            assert_eq!(session.stat().await.unwrap(), DropListing::new(3, 60), "{pace:?}");
            tokio::time::sleep(Duration::from_secs(1000)).await;
        }
    }
}

/// A login that is dropped takes its connection with it: it is heard of no more.
#[tokio::test(start_paused = true)]
async fn a_login_dropped_at_every_point_says_nothing_more() {
    for pace in paces() {
        let mut heard = Vec::new();
        for polls in 0.. {
            let lines = Lines::default();
            let client = client(pace, &lines).await;
            let login = Box::pin(client.login_with(credentials(), Choice::Only(Method::UserPass)));
            let done = polled(polls, login).await;
            tokio::task::yield_now().await;
            let said = said(&lines);
            assert_eq!(said, &LOGIN[1..][..said.len()], "{pace:?} {polls}");
            heard.push(said.len());
            if let Some(session) = done {
                assert_eq!(session.unwrap().quit().await.unwrap(), Update::Committed);
                break;
            }
        }
        assert!(heard.is_sorted() || matches!(pace, Pace::Random(_)), "{heard:?}");
        assert_eq!((heard.first(), heard.last()), (Some(&0), Some(&2)), "{heard:?}");
    }
}

/// A client whose CAPA was dropped logs in all the same.
#[tokio::test(start_paused = true)]
async fn a_client_goes_on_behind_a_dropped_call() {
    for pace in paces() {
        for polls in 0.. {
            let lines = Lines::default();
            let mut client = client(pace, &lines).await;
            let done = polled(polls, client.capabilities()).await.is_some();
            let session = client.login_with(credentials(), Choice::Only(Method::UserPass)).await;
            session.expect("a login").quit().await.expect("an answer");
            let said = said(&lines);
            let skipped = usize::from(polls == 0);
            let logged_in =
                LOGIN[skipped..].iter().all(|line| said.iter().any(|said| said == line));
            assert!(logged_in && said.last().unwrap() == "QUIT", "{said:?}");
            if done {
                break;
            }
        }
    }
}

/// R1939-6.02: dropped at any point QUIT is heard once or not at all.
#[tokio::test(start_paused = true)]
async fn a_quit_dropped_at_every_point_is_heard_at_most_once() {
    for pace in paces() {
        for polls in 0.. {
            let lines = Lines::default();
            let session = session(pace, &lines).await;
            let update = polled(polls, session.quit()).await;
            let said = said(&lines);
            assert!(said.is_empty() || said == ["QUIT"], "{said:?}");
            if let Some(update) = update {
                assert_eq!((update.unwrap(), said.len()), (Update::Committed, 1));
                break;
            }
        }
    }
}
