//! Client against server over a link that fragments, stalls and breaks: the model decides what is due.

use std::collections::BTreeSet;

use pop3_proto::client::{
    Channel, ClientConfig, ClientSession, Eof, Pipelining, ProtocolError, Security, Update,
};
use pop3_proto::server::{Event as ServerEvent, ServerConfig};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, Leniency, Mailbox, Password};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::server_support::*;
use crate::support::{Act, Client, Model, Way, offer};

/// Where and how the link breaks.
#[derive(Clone, Copy, Debug)]
struct Cut {
    to_server: bool,
    /// So many octets still arrive in that direction.
    after: usize,
    eof: Eof,
}

#[derive(Clone, Debug)]
struct Case {
    messages: Vec<Vec<u8>>,
    commands: Vec<Command>,
    client: ClientConfig,
    server: ServerConfig,
    read: Option<usize>,
    piece: usize,
    /// Octets that the link holds in each direction, and that move in each step.
    link: usize,
    moves: Vec<usize>,
    cut: Option<Cut>,
}

/// How it ended.
#[derive(Debug)]
struct End {
    client: Client,
    server: Server,
    to_server: usize,
    to_client: usize,
}

fn run(case: &Case) -> End {
    let acts = case.commands.iter().cloned().map(Act::Send);
    let session = ClientSession::new(case.client, Channel::Trusted);
    let mut client = Client::new(session, acts.collect(), Model::new(&case.messages));
    client.read = case.read;
    let mut server =
        Server::new(case.server.clone(), case.messages.clone()).in_pieces_of(case.piece);
    let (mut up, mut down) = (Way::default(), Way::default());
    let mut moves = case.moves.iter().copied().cycle();
    let mut turn = 0;
    while !(client.over() && server.closed.is_some()) {
        turn += 1;
        let mut any = client.turn();
        let before = server.events.len();
        server.turn();
        any |= server.events.len() != before;
        let mut size = || moves.next().unwrap();

        any |= up.put(client.session.outgoing(), size(), case.link);
        any |= down.put(server.session.outgoing(), size(), case.link);
        for way in [&mut up, &mut down] {
            if way.ended {
                // It is written, and arrives nowhere.
                way.held.clear();
            }
        }
        let left = |to_server, way: &Way| match case.cut {
            Some(cut) if cut.to_server == to_server => cut.after - way.arrived,
            _ => usize::MAX,
        };
        if !up.ended {
            let limit = size().min(left(true, &up));
            any |= up.arrive(limit, |octets| {
                if turn % 2 == 0 {
                    return server.session.receive(octets);
                }
                let len = offer(server.session.incoming(), octets);
                server.session.received(len);
                len
            });
        }
        if !down.ended {
            let limit = size().min(left(false, &down));
            any |= down.arrive(limit, |octets| {
                if turn % 2 == 0 {
                    return client.session.receive(octets);
                }
                let len = offer(client.session.incoming(), octets);
                client.session.received(len);
                len
            });
        }
        // The link breaks, in one direction at first.
        if let Some(Cut { to_server, eof, .. }) = case.cut {
            let way = if to_server { &mut up } else { &mut down };
            if left(to_server, way) == 0 && !way.ended {
                way.ended = true;
                any = true;
                // What has arrived is looked at before the end is.
                client.turn();
                server.turn();
                if to_server {
                    server.session.receive_eof(eof);
                } else {
                    client.session.receive_eof(eof);
                }
                if eof == Eof::Abrupt {
                    // And at once in the other; what is under way is lost.
                    up.held.clear();
                    down.held.clear();
                    (up.ended, down.ended) = (true, true);
                    client.session.receive_eof(eof);
                    server.session.receive_eof(eof);
                }
            }
        }
        // Whoever has done closes its side, when all that it wrote has arrived.
        let idle = client.acts.is_empty() && client.due.is_empty();
        let client_done = client.over() || idle;
        if client_done && up.held.is_empty() && !up.ended && !client.session.wants_write() {
            (up.ended, any) = (true, true);
            server.session.receive_eof(Eof::Clean);
        }
        if server.closed.is_some() && down.held.is_empty() && !down.ended {
            (down.ended, any) = (true, true);
            client.session.receive_eof(Eof::Clean);
        }
        assert!(any, "deadlock: {client:#?} {server:#?} {up:?} {down:?}");
    }
    let end = End { to_server: up.arrived, to_client: down.arrived, client, server };
    check(case, &end);
    end
}

/// What holds however the link behaved.
fn check(case: &Case, End { client, server, .. }: &End) {
    // The server saw what the client sent, in that order, and nothing else.
    let seen: Vec<&Command> = server
        .events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::Command(command) => Some(command),
            ServerEvent::Closed { .. } => None,
            event => panic!("{event:?}"),
        })
        .collect();
    let sent: Vec<&Command> =
        client.sent.iter().filter(|command| **command != Command::Capa).collect();
    assert_eq!(seen[..], sent[..seen.len()]);
    // I9: both sides agree about the commit, or the client says that it does not know.
    let commit = server.removed.is_some();
    assert_eq!(server.closed, Some(commit));
    match client.session.update() {
        Update::Committed => assert!(commit),
        Update::NotRequested => assert!(!commit, "{case:?}"),
        Update::Unknown => assert!(case.cut.is_some()),
        Update::Refused => panic!("nothing was refused"),
    }
    assert!(client.closed.is_none_or(|update| update == client.session.update()));
    if commit {
        assert_eq!(server.removed, Some(client.model.marked.iter().copied().collect()));
    }
    if case.cut.is_some() {
        return;
    }
    assert_eq!((&client.failed, client.due.len(), client.acts.len()), (&None, 0, 0));
    assert_eq!(seen.len(), sent.len());
    assert_eq!(client.session.state(), State::Closed);
    assert_eq!(server.session.state(), State::Closed);
    let quit = client.sent.last() == Some(&Command::Quit);
    assert_eq!(commit, quit && client.model.open);
    let update = if commit { Update::Committed } else { Update::NotRequested };
    assert_eq!(client.closed, Some(update));
}

fn login(password: &str) -> [Command; 2] {
    [Command::User(Mailbox::new(MAILBOX).unwrap()), Command::Pass(Password::new(password).unwrap())]
}

fn client_config() -> ClientConfig {
    let mut config = ClientConfig::strict(Security::PlaintextAllowed);
    config.pipelining = Pipelining::Always;
    config
}

fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        4 => vec(prop::sample::select(&b".\r\na"[..]), 1..12),
        2 => prop::sample::select(&["A: b\r\n\r\n", "\r\n.\r\n", "\n.\n", "+OK\r\n", "-ERR x\r\n"][..])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..100),
        1 => (1..600_usize).prop_map(|len| vec![b'x'; len]),
    ];
    vec(vec(piece, 0..8).prop_map(|pieces| pieces.concat()), 0..6)
}

fn command() -> impl Strategy<Value = Command> {
    let message = || (1..8_u32).prop_map(number);
    prop_oneof![
        Just(Command::Stat),
        Just(Command::Noop),
        Just(Command::Rset),
        Just(Command::Capa),
        prop::option::of(message()).prop_map(Command::List),
        prop::option::of(message()).prop_map(Command::Uidl),
        message().prop_map(Command::Retr),
        message().prop_map(Command::Retr),
        message().prop_map(Command::Dele),
        message().prop_map(Command::Dele),
        (message(), 0..5_u64).prop_map(|(message, lines)| Command::Top { message, lines }),
    ]
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let wrong = prop::sample::select(&["wrong", "correct  horse", " correct horse", "x"][..]);
    let before = vec(
        prop_oneof![Just(vec![Command::Capa]), wrong.prop_map(|password| login(password).to_vec()),],
        0..3,
    );
    let transaction = (any::<bool>(), vec(command(), 0..25)).prop_map(|(login_first, commands)| {
        if login_first { [login(PASSWORD).to_vec(), commands].concat() } else { Vec::new() }
    });
    (before, transaction, any::<bool>()).prop_map(|(before, transaction, quit)| {
        let quit = if quit { vec![Command::Quit] } else { Vec::new() };
        [before.concat(), transaction, quit].concat()
    })
}

fn configs() -> impl Strategy<Value = (ClientConfig, ServerConfig)> {
    let client = (any::<bool>(), 1..8_usize, 1..600_usize, 512..700_usize, any::<bool>()).prop_map(
        |(pipelined, in_flight, output, block, tolerant)| {
            let mut config = client_config();
            if !pipelined {
                config.pipelining = Pipelining::Announced;
            }
            if tolerant {
                config.leniency = Leniency::tolerant();
            }
            config.limits.in_flight = in_flight;
            config.limits.output = output;
            config.limits.status_line = 512;
            config.limits.listing_line = 512;
            config.limits.input_block = block;
            config
        },
    );
    let server =
        (0..1500_usize, 255..600_usize, 0..1200_usize).prop_map(|(output, line, block)| {
            let mut config = ServerConfig::new();
            config.limits.output = output;
            config.limits.command_line = line;
            config.limits.input_block = block;
            config
        });
    (client, server)
}

fn case() -> impl Strategy<Value = Case> {
    let moves = vec(prop_oneof![3 => 1..4_usize, 2 => 4..80_usize, 1 => 80..3000_usize], 1..9);
    let cut =
        (any::<bool>(), 0..3000_usize, any::<bool>()).prop_map(|(to_server, after, clean)| {
            let eof = if clean { Eof::Clean } else { Eof::Abrupt };
            Cut { to_server, after: if to_server { after / 10 } else { after }, eof }
        });
    (
        messages(),
        commands(),
        configs(),
        prop::option::of(1..200_usize),
        prop_oneof![1..50_usize, Just(usize::MAX)],
        prop_oneof![1..40_usize, Just(usize::MAX)],
        moves,
        prop::option::weighted(0.4, cut),
    )
        .prop_map(|(messages, commands, (client, server), read, piece, link, moves, cut)| {
            Case { messages, commands, client, server, read, piece, link, moves, cut }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// I1, I2, I5, I7, I9, C12.1, S12.4: any commands, any messages, any limits, over any link.
    #[test]
    fn any_session_over_any_link(case in case()) {
        run(&case);
    }
}

fn fixed() -> Case {
    let transaction = [
        Command::Stat,
        Command::List(None),
        Command::Retr(number(1)),
        Command::Dele(number(1)),
        Command::Top { message: number(2), lines: 1 },
        Command::Dele(number(2)),
        Command::Rset,
        Command::Dele(number(2)),
        Command::Quit,
    ];
    Case {
        messages: vec![b"A: b\n\n.one\n.\n".to_vec(), b"A: c\r\n\r\n1\r\n2\r\n".to_vec()],
        commands: [
            login("wrong").to_vec(),
            vec![Command::Capa],
            login(PASSWORD).to_vec(),
            transaction.to_vec(),
        ]
        .concat(),
        client: client_config(),
        server: ServerConfig::new(),
        read: None,
        piece: usize::MAX,
        link: usize::MAX,
        moves: vec![1],
        cut: None,
    }
}

/// F20, H7, C18.1, C18.2, S18.3, I9: one session, cut at every octet of either direction, orderly and
/// not. The server removes if and only if QUIT's whole line arrived; the client says *committed* if
/// and only if the whole answer did, and *unknown* only once QUIT has left.
#[test]
fn a_session_cut_at_every_octet() {
    let whole = run(&fixed());
    let quit = whole.to_server;
    assert_eq!(whole.server.removed, Some(vec![2]));
    for pipelining in [Pipelining::Always, Pipelining::Never] {
        for moves in [vec![1], vec![7, 1, 30], vec![4096]] {
            for eof in [Eof::Clean, Eof::Abrupt] {
                for to_server in [true, false] {
                    let octets = if to_server { whole.to_server } else { whole.to_client };
                    for after in 0..=octets {
                        let mut case = fixed();
                        case.client.pipelining = pipelining;
                        case.moves.clone_from(&moves);
                        case.cut = Some(Cut { to_server, after, eof });
                        let End { client, server, to_server: arrived, .. } = run(&case);
                        let update = client.session.update();
                        let shown = format!("{pipelining:?} {moves:?} {:?}", case.cut);
                        assert_eq!(server.removed.is_some(), arrived == quit, "{shown}");
                        let quit_left = client.sent.last() == Some(&Command::Quit);
                        match update {
                            Update::Committed => assert!(server.removed.is_some(), "{shown}"),
                            Update::Unknown => assert!(quit_left, "{shown}"),
                            _ => assert_ne!(arrived, quit, "{shown}"),
                        }
                        if !to_server {
                            assert_eq!(update == Update::Committed, after == octets, "{shown}");
                        }
                        if to_server && after < octets {
                            assert_ne!(update, Update::Committed, "{shown}");
                        }
                    }
                }
            }
        }
    }
}

/// An answer that is cut is never taken for complete: what the client has of a message is an error,
/// whatever it is.
#[test]
fn a_message_cut_anywhere_is_never_complete() {
    for message in [&b"A: b\n\n.one\n.\n\n"[..], b"", b".", b"\r\n.\r\n", b"+OK\r\n.\r\n-ERR\r\n"] {
        let mut case = fixed();
        case.messages = vec![message.to_vec()];
        case.commands = [login(PASSWORD).to_vec(), vec![Command::Retr(number(1))]].concat();
        let octets = run(&case).to_client;
        for (after, eof) in
            (0..octets).flat_map(|after| [Eof::Clean, Eof::Abrupt].map(|eof| (after, eof)))
        {
            for read in [None, Some(1), Some(64)] {
                case.read = read;
                case.cut = Some(Cut { to_server: false, after, eof });
                let End { client, .. } = run(&case);
                let expected = matches!(client.failed, Some(ProtocolError::UnexpectedEof { .. }));
                // Between two commands nothing is due, and an end is an end.
                let between = client.due.is_empty() && client.closed == Some(Update::NotRequested);
                assert!(expected || between, "{after} {eof:?} {:?}", client.failed);
                let retrieved = client.sent.contains(&Command::Retr(number(1)));
                assert!(!retrieved || !client.due.is_empty(), "RETR did not end");
            }
        }
    }
}

/// What one side encodes the other decodes to an equal value: every command of the table that a
/// server takes, and every answer to it (I7).
#[test]
fn both_sides_speak_of_the_same_values() {
    let max = number(u32::MAX);
    let commands = [
        Command::User(Mailbox::new(&"x".repeat(200)).unwrap()),
        Command::Pass(Password::opaque(b" \t\xff~ ").unwrap()),
        Command::Stat,
        Command::Noop,
        Command::Rset,
        Command::Capa,
        Command::Quit,
        Command::List(None),
        Command::Uidl(None),
        Command::List(Some(max)),
        Command::Uidl(Some(max)),
        Command::Retr(max),
        Command::Dele(max),
        Command::Top { message: max, lines: u64::MAX },
    ];
    for command in &commands {
        let mut line = Vec::new();
        command.encode(&mut line);
        assert_eq!(line.len(), command.octets());
        let body = line.strip_suffix(b"\r\n").expect("a line end");
        assert!(!body.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
        assert_eq!(Command::parse(body).as_ref(), Ok(command));
    }
    let spoken = commands.iter().filter_map(Command::keyword).collect::<BTreeSet<_>>();
    let others =
        [Keyword::Apop, Keyword::Auth, Keyword::Stls, Keyword::Utf8, Keyword::Lang].into_iter();
    assert_eq!(spoken.into_iter().chain(others).count(), Keyword::ALL.len());
}
