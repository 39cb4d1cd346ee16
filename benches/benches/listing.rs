//! Listings of LIST and UIDL through a client session, beside what lines cost others.
//!
//! `session` sends the command, receives 64 KiB at a time, and polls an item for each line: message-numbers checked, the order
//! too. `split` only finds the lines, `split and parse` makes a number and a size or a `String` of each, and believes
//! everything.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::hint::black_box;

use benches::client;
use benches::limits::{self, BLOCK};
use benches::rows::Rows;
use criterion::Throughput;
use pop3_proto::Command;

struct Listing {
    name: String,
    command: Command,
    lines: usize,
    reply: Vec<u8>,
}

impl Listing {
    fn list(lines: usize) -> Self {
        Self::new(Command::List(None), lines, |reply, number| {
            write!(reply, "{number} {}\r\n", 1000 + number % 9000)
        })
    }

    fn uidl(lines: usize) -> Self {
        Self::new(Command::Uidl(None), lines, |reply, number| {
            write!(reply, "{number} {number:08x}5d9f3a21\r\n")
        })
    }

    fn new(
        command: Command,
        lines: usize,
        line: impl Fn(&mut String, usize) -> std::fmt::Result,
    ) -> Self {
        let mut reply = String::from("+OK\r\n");
        for number in 1..=lines {
            line(&mut reply, number).expect("a String takes everything");
        }
        reply.push_str(".\r\n");
        let keyword = command.keyword().map_or("", |keyword| keyword.as_str());
        Self { name: format!("listing {keyword} {lines}"), command, lines, reply: reply.into() }
    }

    fn rows<'a>(&'a self, rows: &mut Rows<'a>, block: &'a RefCell<Vec<u8>>) {
        let reply = &self.reply[..];
        let mut session = client::logged_in();
        let mut group = rows.group(&self.name, Throughput::Elements(self.lines as u64));
        group
            .row("copy in", reply.len(), || {
                limits::copy_in(black_box(reply), &mut block.borrow_mut())
            })
            .row("split", self.lines, || split(black_box(reply)).map(black_box).count())
            .row("session", (0, self.lines), move || {
                client::send(&mut session, &self.command, 1);
                client::poll(&mut session, black_box(reply), BLOCK)
            });
        if matches!(self.command, Command::List(_)) {
            group.row("split and parse", self.lines, || {
                let scan = |line: &str| {
                    let mut words = line.split_whitespace();
                    let number: u32 = words.next()?.parse().ok()?;
                    let octets: u64 = words.next()?.parse().ok()?;
                    Some((number, octets))
                };
                parse(black_box(reply), scan)
            });
        } else {
            group.row("split and parse", self.lines, || {
                let unique_id = |line: &str| {
                    let mut words = line.split_whitespace();
                    let number: u32 = words.next()?.parse().ok()?;
                    Some((number, words.next()?.to_string()))
                };
                parse(black_box(reply), unique_id)
            });
        }
    }
}

/// The lines between the status line and the terminator.
fn split(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = reply.split(|octet| *octet == b'\n').skip(1);
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).take_while(|line| *line != b".")
}

fn parse<T>(reply: &[u8], item: impl Fn(&str) -> Option<T>) -> usize {
    let lines = split(reply).filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(item).map(black_box).count()
}

fn main() {
    let block = RefCell::new(vec![0; BLOCK]);
    let listings: Vec<Listing> = [10, 1000, 100_000, 1_000_000]
        .into_iter()
        .flat_map(|lines| [Listing::list(lines), Listing::uidl(lines)])
        .collect();
    let mut rows = Rows::new();
    for listing in &listings {
        listing.rows(&mut rows, &block);
    }
    rows.run();
}
