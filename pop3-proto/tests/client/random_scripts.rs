//! The invariants of a client session, by random scripts.

use std::collections::BTreeMap;

use pop3_proto::client::{BodyRead, Channel, ClientConfig, CommandId, Eof, Event, Pipelining};
use pop3_proto::codec::LineEnding;
use pop3_proto::state::State;
use pop3_proto::{Command, LanguageRange, RawFraming};
use proptest::prelude::*;

use crate::support::{
    self, GREETING, Run, auth, dele, number, pass, presets, retr, tolerant, user,
};

/// One step of a random script.
#[derive(Clone, Debug)]
enum Act {
    /// The client sends this, if it may; then the server says that.
    Ask(Command, Vec<u8>),
    /// As `Ask`, but nothing is written before the next `Ask`.
    Queue(Command),
    /// The client answers a challenge, if one waits; then the server says that.
    Answer(Vec<u8>),
    /// The server says this, asked or not.
    Say(Vec<u8>),
    End(Eof),
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(user("mrose")),
        Just(pass("secret")),
        Just(support::apop()),
        Just(auth("PLAIN", None)),
        Just(auth("PLAIN", Some("QUJD"))),
        Just(Command::Mechanisms { trailing_space: true }),
        Just(Command::Utf8),
        Just(Command::Lang(None)),
        Just(Command::Lang(Some(LanguageRange::Default))),
        Just(Command::Stat),
        Just(Command::List(None)),
        (1..4_u32).prop_map(|message| Command::List(Some(number(message)))),
        (1..4_u32).prop_map(retr),
        (1..4_u32).prop_map(retr),
        (1..4_u32).prop_map(dele),
        Just(Command::Noop),
        Just(Command::Rset),
        Just(Command::Top { message: number(1), lines: 3 }),
        Just(Command::Uidl(None)),
        (1..4_u32).prop_map(|message| Command::Uidl(Some(number(message)))),
        Just(Command::Capa),
        Just(Command::raw("XLST", RawFraming::Multiline).unwrap()),
        Just(Command::raw("XONE", RawFraming::SingleLine).unwrap()),
        Just(Command::Quit),
    ]
}

/// A body on the wire: lines with dots and odd line ends in them.
fn bodies() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just(""),
        Just("text"),
        Just(".."),
        Just("..dot"),
        Just(".dot"),
        Just("a\n.\nb"),
        Just("\r"),
        Just("a\r.\rb"),
        Just("x\r"),
    ];
    prop::collection::vec(line, 0..12)
        .prop_map(|lines| lines.iter().map(|line| [line, "\r\n"].concat()).collect())
}

fn listings(kind: &'static str) -> impl Strategy<Value = String> {
    let line = (1..6_u32, 0..8_u8).prop_map(move |(message, form)| match (kind, form) {
        ("capa", 0) => "PIPELINING\r\n".to_owned(),
        ("capa", 1) => "SASL  PLAIN\tLOGIN \r\n".to_owned(),
        ("capa", 2) => "\r\n".to_owned(),
        ("capa", _) => format!("X{message} y\r\n"),
        ("word", 0..4) => format!("x{message}\r\n"),
        (_, 0) => format!("{message}  {message}\r\n"),
        (_, 1) => format!("..{message}\r\n"),
        (_, 2) => format!("{message} 1 more\r\n"),
        (_, 3) => "0 1\r\n".to_owned(),
        _ => format!("{message} 12\r\n"),
    });
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.concat())
}

/// What a server may say to `command`: mostly what it should.
fn replies(command: &Command) -> BoxedStrategy<Vec<u8>> {
    let positive = match command {
        Command::Stat => Just("+OK 2 320\r\n".to_owned()).boxed(),
        Command::List(Some(message)) | Command::Uidl(Some(message)) => {
            Just(format!("+OK {message} 7\r\n")).boxed()
        }
        Command::List(None) => listings("scan").prop_map(|lines| whole(&lines)).boxed(),
        Command::Uidl(None) => listings("id").prop_map(|lines| whole(&lines)).boxed(),
        Command::Capa => listings("capa").prop_map(|lines| whole(&lines)).boxed(),
        Command::Mechanisms { .. } | Command::Lang(None) => {
            listings("word").prop_map(|lines| whole(&lines)).boxed()
        }
        Command::Lang(Some(_)) => Just("+OK en go\r\n".to_owned()).boxed(),
        Command::Auth { .. } => continuations(),
        Command::Retr(_) | Command::Top { .. } => bodies().prop_map(|lines| whole(&lines)).boxed(),
        Command::Raw(raw) if raw.framing() == RawFraming::Multiline => {
            bodies().prop_map(|lines| whole(&lines)).boxed()
        }
        _ => Just("+OK\r\n".to_owned()).boxed(),
    };
    let odd = prop_oneof![
        Just("-ERR no\r\n".to_owned()),
        Just("+ok\r\n.\r\n".to_owned()),
        Just("+huh\r\n".to_owned()),
        Just(String::new()),
    ];
    let mutation = (0..40_u8, any::<prop::sample::Index>(), any::<u8>());
    (prop_oneof![8 => positive, 1 => odd], mutation)
        .prop_map(|(reply, (kind, at, octet))| {
            let mut reply = reply.into_bytes();
            if !reply.is_empty() {
                let at = at.index(reply.len());
                match kind {
                    0 => reply[at] = octet,
                    1 => reply.insert(at, octet),
                    2 => drop(reply.remove(at)),
                    3 => reply.truncate(at),
                    4 => reply.extend_from_within(at..),
                    _ => {}
                }
            }
            reply
        })
        .boxed()
}

/// What a server may say in an exchange.
fn continuations() -> BoxedStrategy<String> {
    let lines =
        ["+ \r\n", "+\r\n", "+ QUJD\r\n", "+ go on\r\n", "+OK\r\n", "+OK in\r\n", "-ERR\r\n"];
    prop::sample::select(lines.map(str::to_owned).to_vec()).boxed()
}

fn whole(lines: &str) -> String {
    ["+OK\r\n", lines, ".\r\n"].concat()
}

fn scripts() -> impl Strategy<Value = Vec<Act>> {
    let ask = || {
        commands()
            .prop_flat_map(|command| (Just(command.clone()), replies(&command)))
            .prop_map(|(command, reply)| Act::Ask(command, reply))
    };
    let act = prop_oneof![
        20 => ask(),
        2 => commands().prop_map(Act::Queue),
        3 => continuations().prop_map(|line| Act::Answer(line.into_bytes())),
        1 => prop::collection::vec(prop::sample::select(&b"+-OKER .\r\n1\xff"[..]), 0..12)
            .prop_map(Act::Say),
        1 => prop_oneof![Just(Eof::Clean), Just(Eof::Abrupt)].prop_map(Act::End),
    ];
    let beginning = prop_oneof![
        6 => Just(vec![
            Act::Say(GREETING.to_vec()),
            Act::Ask(user("mrose"), b"+OK\r\n".to_vec()),
            Act::Ask(pass("secret"), b"+OK\r\n".to_vec()),
        ]),
        2 => Just(vec![Act::Say(b"+OK\r\n".to_vec())]),
        1 => Just(vec![]),
    ];
    (beginning, prop::collection::vec(act, 0..16))
        .prop_map(|(beginning, rest)| [beginning, rest].concat())
}

fn configs() -> impl Strategy<Value = ClientConfig> {
    (0..3_usize, any::<bool>(), any::<bool>(), 1..200_u64).prop_map(|(at, always, lf, drain)| {
        let mut config = presets()[at];
        config.pipelining = if always { Pipelining::Always } else { Pipelining::Announced };
        config.leniency.line_ending = if lf { LineEnding::CrlfOrLf } else { LineEnding::Crlf };
        config.limits.drain = drain;
        config.limits.status_line = 64;
        config.limits.listing_line = 64;
        config.limits.input_block = 64;
        config.limits.sasl_line = 64;
        config.limits.sasl_rounds = 2;
        config
    })
}

/// How a script is played.
#[derive(Clone, Debug, Default)]
struct Play {
    /// Sizes of the reads, over and over; none: all at once.
    reads: Vec<usize>,
    /// Counted in events that are no data: after which of them the last command is abandoned.
    abandon_after: Vec<usize>,
    /// Room for `read_body`, over and over; 0: `poll_event` instead.
    room: Vec<usize>,
}

/// A run under way.
struct Player {
    run: Run,
    play: Play,
    events: usize,
    calls: usize,
    refused: Vec<String>,
    order: Vec<(CommandId, bool)>,
}

impl Player {
    fn new(config: ClientConfig, play: Play) -> Self {
        let run = Run::new(config, Channel::Clear);
        Self { run, play, events: 0, calls: 0, refused: Vec::new(), order: Vec::new() }
    }

    fn play(mut self, script: &[Act]) -> Self {
        for act in script {
            match act {
                Act::Ask(command, reply) => match self.run.send(command) {
                    Ok(_) => self.feed(reply),
                    Err(error) => self.refused.push(format!("{error:?}")),
                },
                Act::Queue(command) => {
                    if let Err(error) = self.run.queue(command) {
                        self.refused.push(format!("{error:?}"));
                    }
                }
                Act::Answer(reply) => {
                    if let Err(error) = self.run.answer("QQ==") {
                        self.refused.push(format!("{error:?}"));
                    }
                    self.feed(reply);
                }
                Act::Say(octets) => self.feed(octets),
                Act::End(eof) => {
                    self.run.session.receive_eof(*eof);
                    self.poll();
                }
            }
        }
        self
    }

    fn feed(&mut self, octets: &[u8]) {
        let sizes =
            if self.play.reads.is_empty() { vec![octets.len()] } else { self.play.reads.clone() };
        let mut sizes = sizes.into_iter().cycle();
        let mut rest = octets;
        while !rest.is_empty() {
            let len = sizes.next().unwrap().clamp(1, rest.len());
            let taken = self.run.session.receive(&rest[..len]);
            rest = &rest[taken..];
            self.poll();
            if !self.run.session.wants_read() {
                return;
            }
            // I2, I4: what is drained has room.
            assert!(!self.run.session.incoming().is_empty());
        }
        self.poll();
    }

    fn poll(&mut self) {
        while self.step() {}
    }

    /// `false`: nothing more comes of what was received.
    fn step(&mut self) -> bool {
        self.calls += 1;
        let room = match self.play.room.len() {
            0 => 0,
            len => self.play.room[self.calls % len],
        };
        if let (Some(&id), 1..) = (self.run.ids.last(), room) {
            let mut out = vec![0; room];
            match self.run.session.read_body(id, &mut out) {
                Ok(BodyRead::Data(len)) => {
                    assert_ne!(len, 0);
                    self.run.note_data(id, &out[..len]);
                    return true;
                }
                // Whatever it is, the other way to ask must say the same.
                Ok(BodyRead::NeedMore) => assert_eq!(self.run.session.poll_event(), Ok(None)),
                Ok(BodyRead::EventFirst | BodyRead::End) | Err(_) => {}
            }
        }
        match self.run.session.poll_event() {
            Ok(Some(event)) => {
                self.note(event);
                true
            }
            Ok(None) => false,
            Err(_) => {
                self.run.poll();
                false
            }
        }
    }

    fn note(&mut self, event: Event) {
        let (id, end, data) = match &event {
            Event::Started { id, .. }
            | Event::Item { id, .. }
            | Event::Challenge { id, .. }
            | Event::Cancelled { id, .. } => (Some(*id), false, false),
            Event::Data { id, .. } => (Some(*id), false, true),
            Event::Finished { id } | Event::Completed { id, .. } => (Some(*id), true, false),
            Event::Deviation { id, .. } => (*id, false, false),
            _ => (None, false, false),
        };
        self.order.extend(id.map(|id| (id, end)));
        self.run.note(event);
        if !data {
            self.events += 1;
            if self.play.abandon_after.contains(&self.events) {
                if let Some(&id) = self.run.ids.last() {
                    self.run.session.abandon(id);
                }
            }
        }
    }

    fn outcome(mut self) -> (Vec<String>, String, Vec<String>, Vec<u8>) {
        (self.run.take_trace(), self.run.picture(), self.refused, self.run.sent)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// I1 and I8: however the octets are cut, the events, the state, what was sent and what was refused are the same;
    /// also where commands are abandoned on the way. What is refused changes nothing.
    #[test]
    fn split_invariance(
        config in configs(),
        script in scripts(),
        reads in prop::collection::vec(1..20_usize, 1..6),
        abandon_after in prop::collection::vec(1..30_usize, 0..4),
    ) {
        let play = |reads: &[usize]| {
            let play = Play { reads: reads.to_vec(), abandon_after: abandon_after.clone(), room: vec![] };
            Player::new(config, play).play(&script).outcome()
        };
        let whole = play(&[]);
        prop_assert_eq!(&play(&[1]), &whole);
        prop_assert_eq!(&play(&reads), &whole);
    }

    /// I1: `read_body` mixed with `poll_event` gives the same octets and events, and never takes an event away.
    #[test]
    fn read_body_mixes_with_poll_event(
        config in configs(),
        script in scripts(),
        reads in prop::collection::vec(1..40_usize, 0..4),
        room in prop::collection::vec(0..9_usize, 1..8),
        abandon_after in prop::collection::vec(1..30_usize, 0..2),
    ) {
        let alone = Play { reads: reads.clone(), abandon_after, room: vec![] };
        let mixed = Play { room, ..alone.clone() };
        let alone = Player::new(config, alone).play(&script).outcome();
        prop_assert_eq!(Player::new(config, mixed).play(&script).outcome(), alone);
    }

    /// I2: over octets of any kind, polling ends, and an error stays.
    #[test]
    fn polling_ends(
        config in configs(),
        octets in prop::collection::vec(any::<u8>(), 0..200),
        script in scripts(),
        end in any::<bool>(),
    ) {
        let mut script = script;
        script.push(Act::Say(octets));
        if end {
            script.push(Act::End(Eof::Clean));
        }
        let said: usize = script.iter().map(|act| match act {
            Act::Ask(_, octets) | Act::Answer(octets) | Act::Say(octets) => octets.len(),
            _ => 0,
        }).sum();
        let player = Player::new(config, Play { reads: vec![1], ..Play::default() }).play(&script);
        // One for each read, and what its octets tell: no line tells more than 16 events.
        prop_assert!(player.calls <= 2 * said + 16 * player.run.ids.len() + 64, "{} calls for {said}", player.calls);
        if end {
            prop_assert!(matches!(player.run.session.state(), State::Closed | State::Failed));
        }
        let mut run = player.run;
        if run.session.state() == State::Failed {
            let error = run.session.poll_event().unwrap_err();
            for _ in 0..3 {
                prop_assert_eq!(run.session.receive(b"+OK\r\n"), 0);
                prop_assert_eq!(run.session.poll_event(), Err(error.clone()));
                prop_assert_eq!(run.session.read_body(run.ids.last().copied().unwrap_or_else(first_id), &mut [0; 8]), Err(error.clone()));
                prop_assert_eq!(run.session.time_out(), error.clone());
            }
        }
    }

    /// I5: ids only grow, all events of a command come before those of the next, and each command ends exactly once,
    /// unless the session is over.
    #[test]
    fn events_come_in_order(
        config in configs(),
        script in scripts(),
        abandon_after in prop::collection::vec(1..30_usize, 0..4),
    ) {
        let play = Play { abandon_after, ..Play::default() };
        let player = Player::new(config, play).play(&script);
        let session = &player.run.session;
        prop_assert!(player.run.ids.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(player.order.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        let mut ends: BTreeMap<CommandId, usize> = BTreeMap::new();
        for (at, (id, end)) in player.order.iter().enumerate() {
            if *end {
                *ends.entry(*id).or_default() += 1;
                prop_assert!(player.order[at + 1..].iter().all(|(of, _)| of > id));
            }
        }
        prop_assert!(ends.values().all(|ends| *ends == 1));
        let over = matches!(session.state(), State::Closed | State::Failed);
        let unended = if over { 0 } else { player.run.ids.len() - ends.len() };
        prop_assert_eq!(session.in_flight(), unended);
    }
}

fn first_id() -> CommandId {
    let mut run = Run::greeted(tolerant());
    run.send(&Command::Capa).unwrap()
}
