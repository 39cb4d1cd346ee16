//! Commands: written, read, sent in batches, and served.
//!
//! `encode` writes a thousand lines, `parse` reads them one by one without looking for their ends, `frame and parse` does
//! both; `split` is what words cost in a loop that believes everything. `send` is a client session that sends a window and takes
//! its one-line replies, `serve` a server session that reads a window and answers it.

use std::hint::black_box;

use benches::client;
use benches::limits::BLOCK;
use benches::rows::Rows;
use benches::server::Server;
use criterion::Throughput;
use pop3_proto::codec::{LineDecoder, LineEnding, LineStep, command};
use pop3_proto::{Command, MAX_COMMAND_OCTETS, MessageNumber};

const COMMANDS: usize = 1000;
const WINDOW: usize = 100;

/// What a client says that fetches and deletes.
fn commands() -> Vec<Command> {
    let number = |number: usize| {
        let number = u32::try_from(number / 4 + 1).expect("few commands");
        MessageNumber::new(number).expect("not 0")
    };
    let command = |index: usize| match index % 4 {
        0 => Command::Retr(number(index)),
        1 => Command::Dele(number(index)),
        2 => Command::Top { message: number(index), lines: 10 },
        _ => Command::Noop,
    };
    (0..COMMANDS).map(command).collect()
}

fn encode(commands: &[Command], out: &mut Vec<u8>) -> usize {
    out.clear();
    for command in commands {
        command.encode(out);
    }
    black_box(out).len()
}

fn frame_and_parse(mut input: &[u8]) -> usize {
    let mut decoder = LineDecoder::new(LineEnding::Crlf);
    let mut commands = 0;
    while let LineStep::Line { len, consumed } = decoder.decode(input, MAX_COMMAND_OCTETS) {
        black_box(command(&input[..len]).expect("a command"));
        input = &input[consumed..];
        commands += 1;
    }
    commands
}

fn main() {
    let commands = commands();
    let mut wire = Vec::new();
    encode(&commands, &mut wire);
    let lines: Vec<&[u8]> =
        wire.split(|octet| *octet == b'\n').filter_map(|line| line.strip_suffix(b"\r")).collect();
    let mut out = Vec::new();
    let mut session = client::logged_in();
    let replies = b"+OK\r\n".repeat(WINDOW);
    let mut server = Server::new(1, b"x\r\n".to_vec());
    let batch = b"NOOP\r\n".repeat(WINDOW);
    let answers = b"+OK nothing done\r\n".len() * WINDOW;

    let mut rows = Rows::new();
    rows.group("commands", Throughput::Elements(COMMANDS as u64))
        .row("encode", wire.len(), || encode(black_box(&commands), &mut out))
        .row("parse", COMMANDS, || {
            let parsed = black_box(&lines).iter().map(|line| command(line).expect("a command"));
            parsed.map(black_box).count()
        })
        .row("frame and parse", COMMANDS, || frame_and_parse(black_box(&wire)))
        .row("split", COMMANDS, || {
            let lines = black_box(&wire).split(|octet| *octet == b'\n');
            let words = |line: &[u8]| {
                let text = String::from_utf8_lossy(line);
                let mut words = text.split_whitespace();
                let keyword = words.next()?.to_ascii_uppercase();
                let numbers: Vec<u32> = words.filter_map(|word| word.parse().ok()).collect();
                Some((keyword, numbers))
            };
            lines.filter_map(words).map(black_box).count()
        });
    rows.group("commands in a window", Throughput::Elements(WINDOW as u64))
        .row("send", (0, WINDOW), || {
            client::send(&mut session, &Command::Noop, WINDOW);
            client::poll(&mut session, black_box(&replies), BLOCK)
        })
        .row("serve", answers, || server.serve(black_box(&batch), |_| {}));
    rows.run();
}
