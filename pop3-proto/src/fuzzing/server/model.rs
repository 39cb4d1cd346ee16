//! The states of RFC 1939 §3, once more and on their own: what each line of a client comes to.

use alloc::vec;
use alloc::vec::Vec;

use crate::Command;
use crate::client::Channel;
use crate::codec::LineEnding;
use crate::fuzzing::store::{LIST_FOLLOWS, Reply};
use crate::server::ServerConfig;
use crate::state::State;

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Model {
    config: ServerConfig,
    passwords: bool,
    /// Octets of the client that are done with.
    at: usize,
    /// The line that begins there is too long, and that was said.
    dropping: bool,
    state: State,
    after_user: bool,
    bad: u32,
    failed: u32,
    pub(super) commit: bool,
    /// Nothing more is read.
    pub(super) over: bool,
}

/// What comes of the next line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is no whole line, or none is read any more.
    Nothing,
    /// The session answers by itself.
    Auto(Reply),
    Command(Command),
    Rejected,
}

impl Model {
    pub(super) fn new(config: ServerConfig, channel: Channel) -> Self {
        Self {
            config,
            passwords: config.plaintext || channel != Channel::Clear,
            at: 0,
            dropping: false,
            state: State::Authorization,
            after_user: false,
            bad: 0,
            failed: 0,
            commit: false,
            over: false,
        }
    }

    pub(super) fn named(&mut self) {
        self.after_user = true;
    }

    pub(super) fn authenticated(&mut self) {
        self.state = State::Transaction;
        self.bad = 0;
    }

    pub(super) fn failed(&mut self) {
        self.failed += 1;
        self.over |= self.failed >= self.config.limits.login_attempts;
    }

    pub(super) fn next(&mut self, client: &[u8]) -> Next {
        let limits = self.config.limits;
        let lenient = self.config.leniency.line_ending == LineEnding::CrlfOrLf;
        let rest = &client[self.at..];
        if self.over || rest.is_empty() {
            return Next::Nothing;
        }
        let line_feed = rest.iter().position(|octet| *octet == b'\n');
        let after_return = |at: usize| at > 0 && rest[at - 1] == b'\r';
        if self.dropping {
            let dropped = line_feed.map_or(rest.len(), |at| at + 1);
            self.over = dropped > limits.discard;
            return match line_feed {
                Some(at) if after_return(at) || lenient => {
                    self.at += at + 1;
                    self.dropping = false;
                    self.next(client)
                }
                line_feed => {
                    self.over |= line_feed.is_some();
                    Next::Nothing
                }
            };
        }
        match line_feed.filter(|at| *at < limits.command_line) {
            None if rest.len() < limits.command_line => Next::Nothing,
            None => {
                self.dropping = true;
                self.rejected()
            }
            Some(at) if after_return(at) || lenient => {
                self.at += at + 1;
                self.line(&rest[..at - usize::from(after_return(at))])
            }
            Some(_) => {
                self.over = true;
                self.rejected()
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Next {
        let after_user = core::mem::take(&mut self.after_user);
        let here = (self.state == State::Transaction, after_user);
        let asks = line.eq_ignore_ascii_case(b"AUTH") || line.eq_ignore_ascii_case(b"AUTH ");
        if asks && self.state == State::Authorization && self.config.leniency.auth_listing {
            return Next::Auto(Reply::Lines("+OK mechanism list follows".into(), Vec::new()));
        }
        let Ok(command) = Command::parse(line) else { return self.rejected() };
        let legal = match &command {
            Command::Quit => true,
            Command::Capa => here != (false, true),
            Command::User(_) => here == (false, false) && self.passwords,
            Command::Pass(password) => {
                here == (false, true)
                    && self.passwords
                    && (self.config.leniency.opaque_passwords || !password.is_opaque())
                    && (self.config.leniency.password_spaces || !password.expose().contains(&b' '))
            }
            Command::Top { .. } => here.0 && self.config.top,
            Command::Uidl(_) => here.0 && self.config.uidl,
            Command::Apop { .. } | Command::Raw(_) => false,
            _ => here.0,
        };
        if !legal {
            return self.rejected();
        }
        match command {
            Command::Capa => Next::Auto(Reply::Lines(LIST_FOLLOWS.into(), self.capabilities())),
            Command::Quit => {
                self.over = true;
                self.commit = here.0;
                Next::Command(command)
            }
            _ => Next::Command(command),
        }
    }

    fn rejected(&mut self) -> Next {
        self.after_user = false;
        self.bad += 1;
        let limits = self.config.limits;
        self.over |= self.bad
            >= match self.state {
                State::Authorization => limits.bad_commands_before_login,
                _ => limits.bad_commands_after_login,
            };
        Next::Rejected
    }

    fn capabilities(&self) -> Vec<alloc::string::String> {
        let mut list = vec!["RESP-CODES".into(), "AUTH-RESP-CODE".into(), "PIPELINING".into()];
        for (offered, tag) in
            [(self.passwords, "USER"), (self.config.top, "TOP"), (self.config.uidl, "UIDL")]
        {
            if offered {
                list.push(tag.into());
            }
        }
        list.sort();
        list
    }
}
