//! I4, class E15: time is linear whatever the sizes of the reads and of the writes. Counted, never timed.

mod server_support;
mod support;

use bytes::Buf as _;
use pop3_proto::client::{BodyRead, Channel, ClientSession, CommandId, Pipelining};
use pop3_proto::codec::{LineEnding, MultilineDecoder, MultilineEncoder};
use pop3_proto::fuzzing::{Effort, effort};
use pop3_proto::server::ServerConfig;
use pop3_proto::{Command, MechanismName};
use server_support::{Dialogue, Server, greeted, written_at_most};
use support::{apop, auth, retr, tolerant};

/// Sizes of reads, and of writes: octet by octet, small ones, one packet or two, a block.
const SIZES: [usize; 6] = [1, 2, 3, 64, 2048, 65_536];

/// How often each octet may be searched and moved.
#[derive(Clone, Copy)]
struct Bound {
    scanned: u64,
    moved: u64,
}

/// A line is searched for its end once. It is moved when it stands at the end of a block.
const LINES: Bound = Bound { scanned: 1, moved: 1 };

/// In an exchange the line that ends it is first framed as a challenge.
const EXCHANGE: Bound = Bound { scanned: 2, moved: 1 };

/// A body is searched once, and for each leading dot a block of 64 octets at the most once more; where dots come thick
/// what follows them is moved together.
const BODY: Bound = Bound { scanned: 3, moved: 1 };

/// Where dots, or line ends to be repaired, are four octets apart, and no whole block of them is at hand: reads, writes
/// and rooms of 64 octets. Half of the piece is searched for each of them.
const THICK: Bound = Bound { scanned: 9, moved: 1 };

/// The same where blocks are at hand and the body ends in each: no block is gone through as a whole, and two of them are
/// searched for each dot.
const THICK_AND_SHORT: Bound = Bound { scanned: 34, moved: 1 };

impl Bound {
    /// Asserts that `cost` keeps within it, but for one block.
    #[track_caller]
    fn holds(self, cost: Effort, octets: usize, what: &str) {
        const BESIDES: u64 = 64;
        let octets = u64::try_from(octets).unwrap();
        let within = |done: u64, each: u64| done <= each * octets + BESIDES;
        let holds = within(cost.scanned, self.scanned) && within(cost.moved, self.moved);
        assert!(holds, "{what}: {cost:?} for {octets} octets");
    }
}

/// A client session in TRANSACTION that pipelines, with the replies to `commands` due.
fn asked(commands: &[Command]) -> (ClientSession, Vec<CommandId>) {
    let mut config = tolerant();
    config.pipelining = Pipelining::Always;
    let mut session = ClientSession::new(config, Channel::Trusted);
    receive(&mut session, b"+OK <a@b>\r\n", 64);
    let mut ids = vec![session.send(&apop()).unwrap()];
    write(&mut session);
    receive(&mut session, b"+OK\r\n", 64);
    ids.extend(commands.iter().map(|command| session.send(command).unwrap()));
    write(&mut session);
    (session, ids.split_off(1))
}

fn write(session: &mut ClientSession) {
    let mut out = session.outgoing();
    out.advance(out.remaining());
}

/// Reads at most `read` octets at a time and polls until there is nothing, each time.
fn receive(session: &mut ClientSession, mut octets: &[u8], read: usize) {
    loop {
        while session.poll_event().unwrap().is_some() {}
        octets = read_once(session, octets, read);
        if octets.is_empty() {
            break;
        }
    }
    while session.poll_event().unwrap().is_some() {}
}

fn read_once<'a>(session: &mut ClientSession, octets: &'a [u8], read: usize) -> &'a [u8] {
    let window = session.incoming();
    let len = window.len().min(read).min(octets.len());
    window[..len].copy_from_slice(&octets[..len]);
    session.received(len);
    &octets[len..]
}

fn line(before: &str, text: &str) -> Vec<u8> {
    format!("{before} {text}\r\n").into_bytes()
}

fn multiline(lines: &str, count: usize) -> Vec<u8> {
    ["+OK\r\n", &lines.repeat(count), ".\r\n"].concat().into_bytes()
}

/// I4: whatever a server sends, and however it comes, each octet is searched and moved so often and no more.
#[test]
fn a_client_searches_each_octet_once() {
    let long = "x".repeat(8000);
    let text = "a line of a message that is not very long\r\n";
    let list = || vec![Command::List(None)];
    let retrs = || vec![retr(1); 200];
    let rows: Vec<(&str, Vec<Command>, Vec<u8>, Bound)> = vec![
        ("a long status line", vec![Command::Noop], line("+OK", &long), LINES),
        ("a refusal", vec![retr(1)], line("-ERR", &long), LINES),
        ("short status lines", vec![Command::Noop; 500], b"+OK\r\n".repeat(500), LINES),
        ("a listing", list(), multiline("4294967295 18446744073709551615\r\n", 5000), LINES),
        ("lines with nothing", list(), multiline("\r\n", 20_000), LINES),
        (
            "long unique-ids",
            vec![Command::Uidl(None)],
            multiline(&format!("1 {long}\r\n"), 50),
            LINES,
        ),
        ("long capabilities", vec![Command::Capa], multiline(&format!("X {long}\r\n"), 100), LINES),
        (
            "a long line of a body",
            retrs(),
            multiline(&format!("{}\r\n", "x".repeat(200_000)), 1),
            BODY,
        ),
        ("lines of a body", vec![retr(1)], multiline(text, 5000), BODY),
        ("a body of CR", vec![retr(1)], multiline("\r", 100_000), BODY),
        ("a body of LF and dots", vec![retr(1)], multiline("\n.", 50_000), BODY),
        ("bodies of nothing", retrs(), multiline("", 0).repeat(200), BODY),
        (
            "bodies with a dot",
            retrs(),
            multiline(&[&text.repeat(8), "..\r\n"].concat(), 1).repeat(200),
            BODY,
        ),
        ("thick dots", vec![retr(1)], multiline("..\r\n", 50_000), THICK),
        ("thick half ends", vec![retr(1)], multiline("\r\n.\r", 50_000), THICK),
        (
            "short bodies of thick dots",
            retrs(),
            multiline("..\r\n", 17).repeat(200),
            THICK_AND_SHORT,
        ),
        ("a line with a dot each", vec![retr(1)], multiline(&[".", text].concat(), 5000), BODY),
    ];
    for (what, commands, wire, bound) in rows {
        for read in SIZES {
            let (mut session, _) = asked(&commands);
            let cost = effort(|| receive(&mut session, &wire, read));
            bound.holds(cost, wire.len(), &format!("{what} in reads of {read}"));
        }
    }
}

/// The distance of leading dots from each other decides how they are taken out; no distance is worse than another by
/// more than a block for each of them.
#[test]
fn no_distance_of_dots_is_searched_again() {
    for length in (4..64).chain([65, 66, 127, 128, 255, 256, 257, 300, 4095]) {
        let wire = multiline(&format!("..{}\r\n", "x".repeat(length - 4)), 20_000 / length);
        for read in SIZES {
            let (mut session, _) = asked(&[retr(1)]);
            let cost = effort(|| receive(&mut session, &wire, read));
            let bound = if read == 64 { THICK } else { BODY };
            bound.holds(cost, wire.len(), &format!("dots {length} apart in reads of {read}"));
        }
    }
}

/// The same for an exchange, whose lines may be long.
#[test]
fn a_client_searches_a_challenge_once() {
    let challenge = line("+", &"QUJD".repeat(15_000));
    let refusal = line("-ERR", &"x".repeat(8000));
    for read in SIZES {
        let mut session = ClientSession::new(tolerant(), Channel::Trusted);
        receive(&mut session, b"+OK ready\r\n", read);
        session.send(&auth("LOGIN", None)).unwrap();
        write(&mut session);
        let cost = effort(|| {
            receive(&mut session, &challenge, read);
            session.cancel_auth().unwrap();
            write(&mut session);
            receive(&mut session, &refusal, read);
        });
        let octets = challenge.len() + refusal.len();
        EXCHANGE.holds(cost, octets, &format!("an exchange in reads of {read}"));
    }
}

/// What nobody wants is searched as what somebody wants, and not moved.
#[test]
fn a_client_searches_what_it_drops_once() {
    let wire = multiline("a line of a message that is not very long\r\n", 5000);
    for command in [Command::List(None), retr(1)] {
        for read in SIZES {
            let (mut session, ids) = asked(std::slice::from_ref(&command));
            assert!(session.abandon(ids[0]));
            let cost = effort(|| receive(&mut session, &wire, read));
            LINES.holds(cost, wire.len(), &format!("{command:?} dropped in reads of {read}"));
        }
    }
}

/// Read into a buffer of the caller's, each octet is moved there once; where the buffer is as short as one octet, it
/// is searched a second time at its end.
#[test]
fn read_body_moves_each_octet_once() {
    for lines in ["a line of a message that is not very long\r\n", "..\r\n", "\r\r\n"] {
        let wire = multiline(lines, 100_000 / lines.len());
        for read in SIZES {
            for room in SIZES {
                let (mut session, ids) = asked(&[retr(1)]);
                let mut out = vec![0; room];
                let cost = effort(|| {
                    let mut rest = &wire[..];
                    loop {
                        match session.read_body(ids[0], &mut out).unwrap() {
                            BodyRead::Data(_) => {}
                            BodyRead::EventFirst => drop(session.poll_event().unwrap()),
                            BodyRead::NeedMore => rest = read_once(&mut session, rest, read),
                            BodyRead::End => break,
                        }
                    }
                });
                let bound = if read == 64 || room == 64 { THICK } else { BODY };
                bound.holds(cost, wire.len(), &format!("{lines:?}, reads of {read}, room {room}"));
            }
        }
    }
}

/// Runs of a body that are lent are not moved, and what they stand in is searched no more often than where it is copied.
#[test]
fn lent_runs_of_a_body_are_searched_once() {
    let text = "a line of a message that is not very long\r\n";
    let gap = "x".repeat(400) + "\r\n";
    for (what, lines) in [
        ("a long line", "x".repeat(50_000) + "\r\n"),
        ("lines", text.to_owned()),
        ("a line with a dot each", [".", text].concat()),
        ("dots", "..\r\n".to_owned()),
        ("LF and dots", "\n.xy".to_owned()),
        ("half ends", "\r\n.\r".to_owned()),
        ("CR", "\r".to_owned()),
        ("dots, and a gap behind some", "..\r\n".repeat(100) + &gap),
    ] {
        let wire = [lines.repeat(100_000 / lines.len()).as_bytes(), b"\r\n.\r\n"].concat();
        for ending in [LineEnding::Crlf, LineEnding::CrlfOrLf] {
            for read in SIZES {
                let mut decoder = MultilineDecoder::new(ending);
                let mut consumed = 0;
                let cost = effort(|| {
                    for start in (0..wire.len()).step_by(read) {
                        let shown = &wire[consumed..wire.len().min(start + read)];
                        consumed += decoder.decode_runs(shown, |_| {}).read;
                    }
                });
                assert_eq!((consumed, decoder.ended()), (wire.len(), true));
                assert_eq!(cost.moved, 0);
                let bound = if read == 64 { THICK } else { BODY };
                bound.holds(cost, wire.len(), &format!("{what} in reads of {read}, {ending:?}"));
            }
        }
    }
}

/// The same for the runs of a message; what has to be repaired is found in one search of all.
#[test]
fn lent_runs_of_a_message_are_searched_once() {
    for lines in ["a line of a message that is not very long\n", "x\n", "\n.", "\r\n.", "\r"] {
        let message = lines.repeat(100_000 / lines.len());
        for write in SIZES {
            let mut encoder = MultilineEncoder::new();
            let cost = effort(|| {
                for piece in message.as_bytes().chunks(write) {
                    encoder.encode_runs(piece, |_| {});
                }
            });
            assert_eq!(cost.moved, 0);
            LINES.holds(cost, message.len(), &format!("{lines:?} in writes of {write}"));
        }
    }
}

/// A server whose mailbox is open.
fn open(message: &[u8]) -> Server {
    let mut config = ServerConfig::new();
    config.limits.bad_commands_after_login = u32::MAX;
    let mut server = Server::new(config, vec![message.to_vec()]);
    server.converse(b"USER alice\r\nPASS correct horse\r\n");
    server
}

/// Serves `commands` in reads of `read` and writes of `write`; gives the octets that were written.
fn serve(server: &mut Server, commands: &[u8], read: usize, write: usize) -> usize {
    let (mut rest, mut written) = (commands, 0);
    loop {
        let window = server.session.incoming();
        let len = window.len().min(read).min(rest.len());
        window[..len].copy_from_slice(&rest[..len]);
        server.session.received(len);
        rest = &rest[len..];
        server.turn();
        let out = written_at_most(&mut server.session, write).len();
        written += out;
        if len == 0 && out == 0 {
            return written;
        }
        server.turn();
    }
}

/// I4: the same for a server, and the commands of clients that send what they like.
#[test]
fn a_server_searches_each_octet_once() {
    let exchange = ["AUTH PLAIN\r\n", &"QUJD".repeat(3000), "\r\n"].concat();
    for (what, commands) in [
        ("commands", b"NOOP\r\n".repeat(20_000)),
        ("lines with nothing", b"\r\n".repeat(20_000)),
        ("long lines", line("NOOP", &"x".repeat(500)).repeat(100)),
        ("over-long lines", line("NOOP", &"x".repeat(5000)).repeat(100)),
        ("a line without end", vec![b'x'; 60_000]),
        ("CR and no LF", vec![b'\r'; 60_000]),
    ] {
        for read in SIZES {
            let mut server = open(b"");
            let cost = effort(|| {
                serve(&mut server, &commands, read, usize::MAX);
            });
            let what = format!("{what} in reads of {read}");
            LINES.holds(cost, commands.len() + server.events.len(), &what);
        }
    }
    for read in SIZES {
        let mut config = ServerConfig::new();
        config.mechanisms = vec![MechanismName::PLAIN];
        let mut session = greeted(config);
        let pieces: Vec<&[u8]> = exchange.as_bytes().chunks(read).collect();
        let cost = effort(|| drop(Dialogue::hold(&mut session, &pieces)));
        LINES.holds(cost, exchange.len(), &format!("a response in reads of {read}"));
    }
}

/// A message is searched for what has to be repaired, for TOP for its lines too, and moved as little as it is written, in
/// whatever pieces it leaves.
#[test]
fn a_server_searches_each_octet_of_a_message_once() {
    for (what, message) in [
        ("a long line", vec![b'x'; 200_000]),
        ("CRLF", b"a line of a message that is not very long\r\n".repeat(5000)),
        ("LF", b"a line of a message that is not very long\n".repeat(5000)),
        ("short lines", b"x\n".repeat(50_000)),
        ("dots", b"\n.".repeat(50_000)),
        ("CR", b"\r".repeat(50_000)),
    ] {
        // TOP looks for the ends of its lines first, and again for those that found room.
        for (command, bound) in
            [("RETR 1", BODY), ("TOP 1 4294967295", Bound { scanned: 4, ..BODY })]
        {
            for write in SIZES {
                let mut server = open(&message);
                let line = format!("{command}\r\n");
                let mut written = 0;
                let cost = effort(|| written = serve(&mut server, line.as_bytes(), 65_536, write));
                let bound = if write == 64 { THICK } else { bound };
                bound.holds(cost, written, &format!("{command}: {what} in writes of {write}"));
            }
        }
    }
}
