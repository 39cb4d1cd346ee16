//! Each switch of [`Leniency`] forbidden and allowed, through a session. The three that concern AUTH are tested with
//! their exchanges.

mod lines;
mod listings;
mod presets;

use pop3_proto::client::ClientConfig;
use pop3_proto::{Command, Leniency};

use crate::support::{Step, expect_in_transaction, s, with};

/// Strict, but for one switch.
fn only(switch: impl FnOnce(&mut Leniency)) -> ClientConfig {
    let mut leniency = Leniency::strict();
    switch(&mut leniency);
    with(leniency)
}

/// As Outlook, but for one switch.
fn all_but(switch: impl FnOnce(&mut Leniency)) -> ClientConfig {
    let mut leniency = Leniency::outlook();
    switch(&mut leniency);
    with(leniency)
}

/// Sends `command` in TRANSACTION, where it is `#2`, and expects `lines`.
#[track_caller]
fn reply(config: ClientConfig, command: Command, octets: impl AsRef<[u8]>, lines: &[&str]) {
    expect_in_transaction(config, &[Step::C(command), s(octets)], lines);
}

/// A line as `Debug` shows it.
fn shown(line: &str) -> String {
    pop3_proto::Escaped::new(line.as_bytes()).to_string()
}
