//! The invariants of a client session, by random scripts and by counting.

#[path = "support/ceiling.rs"]
mod ceiling;
mod support;

use std::collections::BTreeMap;

use allocation_counter::measure;
use ceiling::Holds;
use pop3_proto::client::{
    BodyRead, Channel, ClientConfig, ClientSession, CommandId, Eof, Event, Pipelining,
    ProtocolError,
};
use pop3_proto::codec::{self, LineEnding};
use pop3_proto::state::State;
use pop3_proto::{
    ApopDigest, ApopTimestamp, Base64, Capability, Command, CommandError, DropListing, Greeting,
    LanguageRange, Leniency, Mailbox, MechanismName, MessageNumber, Password, RawFraming, Response,
    ScanListing, Secret, Status, Text, UniqueId, UniqueIdListing,
};
use proptest::prelude::*;
use support::{
    CANARY, DIGEST, GREETING, Run, auth, dele, encoded, number, outlook, pass, presets, retr,
    shows_the_canary, strict, tolerant, user,
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

/// Text with everything in it that might hurt.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[!-~]{1,12}",
        1 => "[ -~]{0,8}",
        1 => Just("\r\n".to_owned()),
        1 => Just("\r\nDELE 1".to_owned()),
        1 => prop::sample::select(&["\r", "\n", "\0", "\t", " ", ".", "ü", "\u{7f}", "\u{85}"][..])
            .prop_map(str::to_owned),
    ];
    prop_oneof![
        6 => prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat()),
        1 => (0..600_usize).prop_map(|len| "x".repeat(len)),
    ]
}

/// Every command that the public constructors make of such text.
fn constructible() -> impl Strategy<Value = Option<Command>> {
    let message = || any::<u32>().prop_filter_map("0", MessageNumber::new);
    prop_oneof![
        hostile().prop_map(|name| Mailbox::new(&name).ok().map(Command::User)),
        hostile().prop_map(|password| Password::new(&password).ok().map(Command::Pass)),
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|password| Password::opaque(&password).ok().map(Command::Pass)),
        (hostile(), "[0-9a-f]{32}").prop_map(|(name, digest)| {
            let mailbox = Mailbox::new(&name).ok()?;
            Some(Command::Apop { mailbox, digest: ApopDigest::new(&digest).ok()? })
        }),
        prop::option::of(message()).prop_map(|message| Some(Command::List(message))),
        prop::option::of(message()).prop_map(|message| Some(Command::Uidl(message))),
        message().prop_map(|message| Some(Command::Retr(message))),
        message().prop_map(|message| Some(Command::Dele(message))),
        (message(), any::<u64>())
            .prop_map(|(message, lines)| Some(Command::Top { message, lines })),
        prop::sample::select(vec![
            Command::Stat,
            Command::Noop,
            Command::Rset,
            Command::Capa,
            Command::Stls,
            Command::Utf8,
            Command::Lang(None),
            Command::Mechanisms { trailing_space: false },
            Command::Mechanisms { trailing_space: true },
            Command::Quit,
        ])
        .prop_map(Some),
        hostile().prop_map(|range| Some(Command::Lang(Some(LanguageRange::new(&range).ok()?)))),
        (hostile(), prop::option::of(prop_oneof![hostile(), "[A-Za-z0-9+/]{0,40}={0,2}"]))
            .prop_map(|(mechanism, initial)| {
                let initial = initial.map(|text| Base64::new(&text)).transpose().ok()?;
                Some(Command::Auth { mechanism: MechanismName::new(&mechanism).ok()?, initial })
            }),
        ("[A-Z0-9_-]{1,20}", "([A-Za-z0-9+/]{4}){0,9}([A-Za-z0-9+/]{2}==)?").prop_map(
            |(mechanism, initial)| {
                let initial = Some(Base64::new(&initial).ok()?);
                Some(Command::Auth { mechanism: MechanismName::new(&mechanism).ok()?, initial })
            }
        ),
        hostile().prop_map(|line| Command::raw(&line, RawFraming::SingleLine).ok()),
    ]
}

/// I6: one CRLF, at the end, and no other CR, LF or NUL.
fn is_one_line(line: &[u8]) -> bool {
    line.strip_suffix(b"\r\n")
        .is_some_and(|line| !line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)))
}

fn reading() -> [Leniency; 3] {
    [Leniency::strict(), Leniency::tolerant(), Leniency::outlook()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// R2449-3.01, I6, I7, C0003, J1 to J7: a command is one line of printable ASCII, but for an opaque password; and
    /// a server reads the same command from it.
    #[test]
    fn commands_are_one_line_and_read_back(command in constructible()) {
        if let Some(command) = command {
            let line = encoded(&command);
            prop_assert!(is_one_line(&line), "{:?}", line);
            prop_assert_eq!(line.len(), command.octets());
            let text = &line[..line.len() - 2];
            let opaque = matches!(&command, Command::Pass(password) if password.is_opaque());
            prop_assert_eq!(text.iter().all(|octet| matches!(octet, 0x20..=0x7e)), !opaque);
            let read = Command::parse(text);
            let raw = matches!(command, Command::Raw(_));
            prop_assert_eq!(read, if raw { Err(CommandError::Unknown) } else { Ok(command) });
        }
    }

    /// I6, I7: responses and greetings, in every preset and with nothing to forgive.
    #[test]
    fn responses_read_back(ok in any::<bool>(), text in hostile()) {
        if let Ok(text) = Text::new(&text) {
            let status = if ok { Status::Ok } else { Status::Err };
            let response = Response::new(status, text);
            let mut line = Vec::new();
            response.encode(&mut line);
            prop_assert!(is_one_line(&line) && line.len() <= 512);
            for leniency in reading() {
                let read = codec::response(&line[..line.len() - 2], &leniency).unwrap();
                prop_assert!(read.deviations.is_empty());
                prop_assert_eq!((read.value.status, read.value.text), (status, response.text.octets()));
            }
            let mut run = Run::new(strict(), Channel::Clear);
            run.feed(&line);
            let greeting = Greeting::new(response);
            prop_assert_eq!(run.session.greeting(), Some(&greeting));
        }
    }

    /// I7: listings, in every preset and with nothing to forgive.
    #[test]
    fn listings_read_back(messages in any::<u32>(), octets in any::<u64>(), id in hostile()) {
        let mut line = Vec::new();
        let listing = DropListing::new(messages, octets);
        listing.encode(&mut line);
        for leniency in reading() {
            let read = codec::drop_listing(&line, &leniency).unwrap();
            prop_assert_eq!((read.value, read.deviations.is_empty()), (listing, true));
        }
        let Some(message) = MessageNumber::new(messages) else { return Ok(()) };
        line.clear();
        let listing = ScanListing::new(message, octets);
        listing.encode(&mut line);
        for leniency in reading() {
            let read = codec::scan_listing(&line, &leniency).unwrap();
            prop_assert_eq!((read.value, read.deviations.is_empty()), (listing, true));
        }
        if let Ok(id) = UniqueId::lenient(id.as_bytes()) {
            line.clear();
            let listing = UniqueIdListing::new(message, id.clone());
            listing.encode(&mut line);
            prop_assert!(!line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
            for leniency in reading() {
                let read = codec::unique_id_listing(&line, &leniency);
                if id.is_long() && !leniency.long_unique_ids {
                    prop_assert!(read.is_err());
                } else {
                    let read = read.unwrap();
                    prop_assert_eq!((read.value, read.deviations.is_empty()), (listing.clone(), !id.is_long()));
                }
            }
        }
    }

    /// I6, I7, J14: capabilities, which never begin with the termination octet.
    #[test]
    fn capabilities_read_back(tag in hostile(), params in prop::collection::vec(hostile(), 0..3)) {
        let params: Vec<&str> = params.iter().map(String::as_str).collect();
        if let Ok(capability) = Capability::new(&tag, &params) {
            let mut line = Vec::new();
            capability.encode(&mut line);
            prop_assert!(line.len() <= 510 && line[0] != b'.');
            prop_assert!(line.iter().all(|octet| matches!(octet, 0x20..=0x7e)));
            for leniency in reading() {
                let read = codec::capability(&line, &leniency).unwrap();
                prop_assert_eq!((&read.value, read.deviations.is_empty()), (&capability, true));
            }
            prop_assert_eq!(capability.params().collect::<Vec<_>>(), params);
        }
    }

    /// I6: an APOP timestamp that can be made is found again in a greeting.
    #[test]
    fn timestamps_read_back(local in hostile(), domain in hostile()) {
        let timestamp = format!("<{local}@{domain}>");
        if let Ok(made) = ApopTimestamp::new(&timestamp) {
            let text = Text::new(&format!("ready {timestamp} go"));
            let greeting = text.map(|text| Greeting::new(Response::new(Status::Ok, text)));
            prop_assert!(greeting.is_ok_and(|greeting| greeting.timestamp() == Some(made)) || timestamp.len() > 490);
        }
    }
}

/// The checker sees what it is to see.
#[test]
fn the_canary_is_seen() {
    for shown in [
        "xTr0ub4dor&3x",
        "VHIwdWI0ZG9yJjM=",
        "eFRyMHViNGRvciYz",
        "eHlUcjB1YjRkb3ImMw==",
        "547230756234646F722633",
    ] {
        assert!(shows_the_canary(shown), "{shown}");
    }
    assert!(shows_the_canary(&format!("{:?}{:#?}", CANARY.as_bytes(), ())));
    assert!(shows_the_canary(&format!("{:#?}", CANARY.as_bytes())));
    assert!(!shows_the_canary("Password(..)"));
}

/// I10, K7 to K11: no `Debug` and no `Display` shows a password: not of a command, nor of a session that has it in
/// flight, has sent it, has lost it or was told it back by a server that takes it for a line of its own.
#[test]
fn nothing_shows_a_password() {
    let mut shown = String::new();
    let mut show = |text: String| {
        assert!(!shows_the_canary(&text), "{text}");
        shown += &text;
    };
    let password = pass(CANARY);
    let digest = ApopDigest::new(DIGEST).unwrap();
    show(format!("{password:?}{password:#?}{:?}", Secret::new(CANARY)));
    let apop = Command::Apop { mailbox: Mailbox::new("mrose").unwrap(), digest };
    show(format!("{apop:?}{apop:#?}"));
    let raw = Command::raw(&format!("XAUTH {CANARY}"), RawFraming::SingleLine).unwrap();
    show(format!("{raw:?}{raw:#?}"));
    show(format!("{:?}", Password::new(&format!("{CANARY}\n"))));
    let parsed = Command::parse(format!("PASS {CANARY}").as_bytes());
    show(format!("{parsed:?} {:?}", Command::parse(format!("PASS {CANARY}\0").as_bytes())));
    show(format!("{:?}", Command::parse(format!("pas {CANARY}").as_bytes())));

    for (command, named) in [(password, true), (apop, false), (raw, false)] {
        for config in presets() {
            let reach = || {
                let mut run = Run::greeted(config);
                if named {
                    run.send(&user("mrose")).unwrap();
                    run.feed(b"+OK\r\n");
                    run.take_trace();
                }
                run
            };
            let mut run = reach();
            run.queue(&command).unwrap();
            show(format!("{:?}{:#?}", run.session, run.session));
            show(format!("{:?}", run.session.outgoing()));
            bytes::Buf::advance(&mut run.session.outgoing(), 8);
            show(format!("{:?}", run.session));
            run.flush();
            show(format!("{:?}", run.session));
            assert!(
                run.sent
                    .windows(3)
                    .any(|octets| octets == b"bad" || octets == b"dor" || octets == b"c4c")
            );
            // The server echoes the line: whole, in part, as junk behind a reply, too long, and with a bare LF.
            let echo = encoded(&command);
            let long = [&echo[..echo.len() - 2], &[b'x'; 9000], b"\r\n"].concat();
            for said in [
                echo.clone(),
                echo[..echo.len() - 1].to_vec(),
                [b"+OK\r\n", &echo[..]].concat(),
                [&echo[..echo.len() - 2], b"\n"].concat(),
                long,
            ] {
                let mut run = reach();
                run.send(&command).unwrap();
                assert_ne!(run.session.receive(&said), 0);
                show(format!("{:?}", run.session));
                // Under `any_plus_positive` an echo is a reply, and its text is the caller's.
                if config.leniency.any_plus_positive {
                    continue;
                }
                loop {
                    match run.session.poll_event() {
                        Ok(Some(event)) => show(format!("{event:?}")),
                        Ok(None) => break,
                        Err(error) => {
                            show(format!("{error:?} {error}"));
                            break;
                        }
                    }
                }
                show(format!("{:?}{:#?}", run.session, run.session));
                let error = run.session.time_out();
                show(format!("{error:?} {error} {:?}", run.session));
            }
        }
    }
    // Refusals.
    let mut session = ClientSession::new(
        ClientConfig::strict(pop3_proto::client::Security::StlsRequired),
        Channel::Clear,
    );
    session.receive(GREETING);
    for command in [user(CANARY), pass(CANARY)] {
        let error = session.send(&command).unwrap_err();
        show(format!("{error:?} {error}"));
    }
    assert!(shown.contains("Password(..)") && shown.contains("withheld"));
}

/// I3: an idle session gives both buffers back, and goes on as if nothing had been.
#[test]
fn buffers_come_again() {
    let config = tolerant();
    let mut run = Run::in_transaction(config);
    let held = measure(|| run.session.release_idle());
    let input = i64::try_from(config.limits.input_block).unwrap();
    assert!(held.bytes_current <= -(input + 512), "{held:?}");
    run.send(&Command::Noop).unwrap();
    run.feed(b"+O");
    run.session.release_idle();
    run.feed(b"K\r\n");
    assert_eq!(run.take_trace(), ["#2 completed + \"\""], "part of a line is not given away");
}

/// Feeds octets in windows of at most `read`, drops every event at once, and stops at an error or when all is fed.
fn pump(session: &mut ClientSession, mut octets: &[u8], read: usize) -> Result<(), ProtocolError> {
    loop {
        while session.poll_event()?.is_some() {}
        let window = session.incoming();
        let len = window.len().min(read).min(octets.len());
        if len == 0 {
            return Ok(());
        }
        window[..len].copy_from_slice(&octets[..len]);
        session.received(len);
        octets = &octets[len..];
    }
}

fn session_with(config: ClientConfig) -> ClientSession {
    ClientSession::new(config, Channel::Trusted)
}

/// Sends and writes out, without keeping anything.
fn ask(session: &mut ClientSession, command: &Command) -> CommandId {
    let id = session.send(command).unwrap();
    let mut out = session.outgoing();
    let len = bytes::Buf::remaining(&out);
    bytes::Buf::advance(&mut out, len);
    id
}

fn log_in(session: &mut ClientSession) {
    pump(session, b"+OK <a@b>\r\n", 4096).unwrap();
    ask(session, &support::apop());
    pump(session, b"+OK\r\n", 4096).unwrap();
}

/// I3, E1, E11, E13, E16, E18, E20, E21, G5, G10, G18: whatever the server sends or announces, a session allocates no
/// more than its limits say.
#[test]
fn memory_is_bounded() {
    let megabyte = 1 << 20;
    let listing = |line: &str| {
        [b"+OK\r\n".to_vec(), line.repeat(megabyte / line.len()).into_bytes()].concat()
    };
    let id = "9".repeat(70);
    let long_id = "9".repeat(255);
    let endless: Vec<(Command, Vec<u8>)> = vec![
        (Command::Noop, vec![b'A'; megabyte]),
        (Command::Noop, [b"+OK ".to_vec(), vec![b'<'; megabyte]].concat()),
        (Command::Stat, b"+OK 4294967295 18446744073709551615\r\n".to_vec()),
        (
            Command::List(None),
            b"+OK 4294967295 messages\r\n4294967295 18446744073709551615\r\n".to_vec(),
        ),
        (Command::List(None), listing("4294967295 1\r\n")),
        (Command::List(None), listing("\r\n")),
        (Command::List(None), vec![b'1'; megabyte]),
        (Command::Uidl(None), listing(&format!("1 {id}\r\n"))),
        (Command::Uidl(None), listing(&format!("1 {long_id}\r\n"))),
        (Command::Uidl(None), listing(&format!("1 {}\r\n", "x".repeat(8000)))),
        (retr(1), [b"+OK 999999999999 octets\r\n".to_vec(), vec![b'A'; 4 * megabyte]].concat()),
        (retr(1), listing("\r\n")),
        (retr(1), listing("..\r\n")),
        (retr(1), listing("\r\n.\r")),
    ];
    for config in presets() {
        for (command, octets) in &endless {
            for read in [1 << 20, 1000] {
                let counted = measure(|| {
                    let mut session = session_with(config);
                    log_in(&mut session);
                    ask(&mut session, command);
                    // Repeated numbers are an error in strict, and so are malformed items.
                    let _ = pump(&mut session, octets, read);
                });
                let bound = ceiling::client(&config.limits, Holds::default());
                assert!(counted.bytes_max <= bound, "{command:?}: {} > {bound}", counted.bytes_max);
                assert_eq!(counted.bytes_current, 0, "{command:?}");
            }
        }
    }
}

/// I3, E16, E18: capability lists are kept, the last whole one and the one being read; each within its limits.
#[test]
fn capability_lists_are_bounded() {
    for config in [tolerant(), outlook()] {
        let line = format!("X {}\r\n", "y".repeat(8192 - 4));
        let full = ["+OK\r\n", &line.repeat(512), ".\r\n"].concat();
        let endless = ["+OK\r\n", &line.repeat(514)].concat();
        let counted = measure(|| {
            let mut session = session_with(config);
            log_in(&mut session);
            for _ in 0..3 {
                ask(&mut session, &Command::Capa);
                pump(&mut session, full.as_bytes(), 65_536).unwrap();
            }
            assert_eq!(session.capabilities().map(pop3_proto::Capabilities::len), Some(512));
            ask(&mut session, &Command::Capa);
            let error = pump(&mut session, endless.as_bytes(), 65_536);
            assert_eq!(error, Err(ProtocolError::TooManyItems { limit: 512 }));
        });
        let holding = |lists| ceiling::client(&config.limits, Holds { lists, ..Holds::default() });
        let (one, two) = (holding(1), holding(2));
        assert!(counted.bytes_max <= two, "{} > {two}", counted.bytes_max);
        assert!(counted.bytes_max > one, "the old list is kept until the new one is whole");
    }
}

/// I3, E19, H15: so is what the caller queues.
#[test]
fn queues_are_bounded() {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let counted = measure(|| {
        let mut session = session_with(config);
        log_in(&mut session);
        let long = Command::raw(&"x".repeat(253), RawFraming::SingleLine).unwrap();
        let mut queued = 0;
        while session.send(&long).is_ok() {
            queued += 1;
        }
        assert_eq!(queued, 65_536 / 255);
        drop(session);
        let mut session = session_with(config);
        log_in(&mut session);
        for _ in 0..1024 {
            session.send(&Command::Noop).unwrap();
        }
        assert!(session.send(&Command::Noop).is_err());
    });
    let bound = ceiling::client(&config.limits, Holds { in_flight: 1024, ..Holds::default() });
    assert!(counted.bytes_max <= bound, "{} > {bound}", counted.bytes_max);
}

/// I3: strict sessions compare message-numbers, 24 octets for each gap and nothing for a run.
#[test]
fn seen_numbers_are_bounded() {
    let listing = |step: usize| {
        let mut lines = b"+OK\r\n".to_vec();
        for message in (1..=100_000_usize).step_by(step) {
            lines.extend_from_slice(format!("{message} 1\r\n").as_bytes());
        }
        lines
    };
    let peak = |listing: &[u8]| {
        measure(|| {
            let mut session = session_with(strict());
            log_in(&mut session);
            ask(&mut session, &Command::List(None));
            pump(&mut session, listing, 65_536).unwrap();
        })
        .bytes_max
    };
    let fixed = ceiling::client(&strict().limits, Holds::default());
    assert!(peak(&listing(1)) <= fixed);
    assert!(peak(&listing(2)) <= fixed + 50_000 * 24);
}

/// I4, E15: reading octet by octet costs no more allocations than reading whole blocks, and a drained session always
/// has a window: nothing is gathered, moved away or begun anew for a read.
#[test]
fn small_reads_cost_nothing_more() {
    let wires = [
        (retr(1), ["+OK\r\n", &"..dot\r\nline\r\n".repeat(5000), ".\r\n"].concat()),
        (retr(1), ["+OK\r\n", &"x".repeat(100_000), "\r\n.\r\n"].concat()),
        (Command::List(None), ["+OK\r\n", &"7 7\r\n".repeat(10_000), ".\r\n"].concat()),
        (Command::Noop, ["+OK ", &"y".repeat(8000), "\r\n"].concat()),
    ];
    for (command, wire) in wires {
        let count = |read: usize| {
            let mut session = session_with(tolerant());
            log_in(&mut session);
            ask(&mut session, &command);
            measure(|| pump(&mut session, wire.as_bytes(), read).unwrap()).count_total
        };
        let whole = count(usize::MAX);
        for read in [1, 2, 7, 4096] {
            let count = count(read);
            assert!(count <= whole, "{command:?} in reads of {read}: {count} > {whole}");
        }
        assert!(whole <= 2, "{command:?}: {whole}");
    }
}

/// I3: in steady state a RETR allocates nothing, whatever the message and the reads, with `poll_event` and with
/// `read_body`: the block is used again.
#[test]
fn a_retr_allocates_nothing() {
    let lines = "Subject: x\r\n\r\n..dot and a longer line behind it, as mail has them\r\n";
    let dots = "..\r\n";
    for (line, count) in [
        (lines, 0),
        (lines, 4096 / lines.len()),
        (lines, (1 << 20) / lines.len()),
        (dots, 4096 / dots.len()),
        (dots, (1 << 20) / dots.len()),
    ] {
        let body = line.repeat(count);
        let wire = ["+OK\r\n", &body, ".\r\n"].concat();
        for read in [1024, 65_536] {
            allocates_nothing(wire.as_bytes(), body.len() - count, read);
        }
    }
}

/// For the answer `wire` to RETR, whose message has so many `octets`.
fn allocates_nothing(wire: &[u8], octets: usize, read: usize) {
    let mut session = session_with(tolerant());
    log_in(&mut session);
    let command = retr(1);
    let polled = |session: &mut ClientSession| {
        ask(session, &command);
        pump(session, wire, read).unwrap();
        assert_eq!(session.in_flight(), 0);
    };
    polled(&mut session);
    let counted = measure(|| (0..10).for_each(|_| polled(&mut session)));
    assert_eq!(counted.count_total, 0, "poll_event, {octets} octets in reads of {read}");

    let mut out = vec![0; 16 * 1024];
    let mut copied = |session: &mut ClientSession| {
        let id = ask(session, &command);
        let (mut rest, mut copied) = (wire, 0);
        loop {
            match session.read_body(id, &mut out).unwrap() {
                BodyRead::Data(len) => copied += len,
                BodyRead::EventFirst => drop(session.poll_event().unwrap()),
                BodyRead::End => break,
                BodyRead::NeedMore => {
                    let window = session.incoming();
                    let len = window.len().min(read).min(rest.len());
                    window[..len].copy_from_slice(&rest[..len]);
                    session.received(len);
                    rest = &rest[len..];
                }
            }
        }
        assert!(matches!(session.poll_event(), Ok(Some(Event::Finished { .. }))));
        assert_eq!(copied, octets);
    };
    copied(&mut session);
    let counted = measure(|| (0..10).for_each(|_| copied(&mut session)));
    assert_eq!(counted.count_total, 0, "read_body, {octets} octets in reads of {read}");
}

/// E17: a session that is not polled takes one block and no more; what it could not take was not lost.
#[test]
fn a_session_that_is_not_polled_stops_reading() {
    let mut run = Run::in_transaction(tolerant());
    run.send(&retr(1)).unwrap();
    let wire = [b"+OK\r\n".to_vec(), vec![b'x'; 1 << 20], b"\r\n.\r\n".to_vec()].concat();
    let taken = run.session.receive(&wire);
    assert!(taken <= 64 * 1024);
    assert!(!run.session.wants_read() && run.session.incoming().is_empty());
    assert_eq!(run.session.receive(&wire[taken..]), 0);
    run.poll();
    run.feed(&wire[taken..]);
    let data = format!("#2 data \"{}\\r\\n\"", "x".repeat(1 << 20));
    assert_eq!(run.take_trace(), ["#2 started + \"\"", &data, "#2 finished"]);
}
