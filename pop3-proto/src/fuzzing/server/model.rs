//! The states of RFC 1939 §3, once more and on their own: what each line of a client comes to.

use alloc::vec;
use alloc::vec::Vec;

use crate::client::Channel;
use crate::codec::LineEnding;
use crate::fuzzing::store::{LIST_FOLLOWS, Reply};
use crate::server::{ServerConfig, Utf8Offer};
use crate::state::State;
use crate::{Base64, Command, Mailbox};

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Model {
    config: ServerConfig,
    channel: Channel,
    /// Octets of the client that are done with.
    at: usize,
    /// The line that begins there is too long, and that was said.
    dropping: bool,
    state: State,
    after_user: bool,
    /// Responses of the AUTH exchange that is going on.
    exchange: Option<u32>,
    utf8: bool,
    /// The line that was read last might be STLS.
    pub(super) stls: bool,
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
    Response(Base64),
    Cancelled,
    Rejected,
}

impl Model {
    pub(super) fn new(config: ServerConfig, channel: Channel) -> Self {
        Self {
            config,
            channel,
            at: 0,
            dropping: false,
            state: State::Authorization,
            after_user: false,
            exchange: None,
            utf8: false,
            stls: false,
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

    pub(super) fn challenged(&mut self) {
        self.exchange.get_or_insert(0);
    }

    /// There is no exchange any more.
    pub(super) fn answered(&mut self) {
        self.exchange = None;
    }

    /// S2.4: nothing of what was before is left.
    pub(super) fn tls(&mut self) {
        self.channel = Channel::Tls;
        (self.bad, self.failed) = (0, 0);
    }

    fn credentials(&self) -> bool {
        self.config.plaintext || self.channel != Channel::Clear
    }

    pub(super) fn failed(&mut self) {
        self.failed += 1;
        self.over |= self.failed >= self.config.limits.login_attempts;
    }

    pub(super) fn next(&mut self, client: &[u8]) -> Next {
        let limits = self.config.limits;
        let lenient = self.config.leniency.line_ending == LineEnding::CrlfOrLf;
        let limit = if self.exchange.is_some() { limits.sasl_line } else { limits.command_line };
        let rest = &client[self.at..];
        self.stls = false;
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
        match line_feed.filter(|at| *at < limit) {
            None if rest.len() < limit => Next::Nothing,
            None => {
                self.dropping = true;
                self.over |= self.exchange.is_none() && is_stls(&rest[..limit]);
                self.rejected()
            }
            Some(at) if after_return(at) || lenient => {
                self.at += at + 1;
                let line = &rest[..at - usize::from(after_return(at))];
                if let Some(rounds) = self.exchange {
                    return self.response(line, rounds);
                }
                self.stls = is_stls(line);
                if self.stls && self.at < client.len() {
                    self.over = true;
                    return Next::Nothing;
                }
                self.line(line)
            }
            Some(_) => {
                self.over = true;
                self.rejected()
            }
        }
    }

    fn response(&mut self, line: &[u8], rounds: u32) -> Next {
        let response = core::str::from_utf8(line).ok().and_then(|text| Base64::new(text).ok());
        match response {
            _ if line == b"*" => {
                self.exchange = None;
                self.failed();
                Next::Cancelled
            }
            Some(response) if rounds < self.config.limits.sasl_rounds => {
                self.exchange = Some(rounds + 1);
                Next::Response(response)
            }
            _ => self.rejected(),
        }
    }

    fn line(&mut self, line: &[u8]) -> Next {
        let after_user = core::mem::take(&mut self.after_user);
        let here = (self.state == State::Transaction, after_user);
        let asks = line.eq_ignore_ascii_case(b"AUTH") || line.eq_ignore_ascii_case(b"AUTH ");
        if asks && self.state == State::Authorization && self.config.leniency.auth_listing {
            let mut names = Vec::new();
            if self.credentials() {
                names.extend(self.config.mechanisms.iter().map(|name| name.as_str().into()));
            }
            return Next::Auto(Reply::Lines("+OK mechanism list follows".into(), names));
        }
        let Ok(command) = Command::parse(line) else { return self.rejected() };
        let legal = match &command {
            Command::Quit => true,
            Command::Capa => here != (false, true),
            Command::User(mailbox) => {
                here == (false, false) && self.credentials() && self.takes_name(mailbox)
            }
            Command::Apop { mailbox, .. } => {
                let offered = self.credentials() && self.config.apop;
                here == (false, false) && offered && self.takes_name(mailbox)
            }
            Command::Auth { mechanism, .. } => {
                let known = self.config.mechanisms.contains(mechanism);
                here == (false, false) && self.credentials() && known
            }
            Command::Stls => {
                let clear = self.channel != Channel::Tls && !self.utf8;
                here == (false, false) && clear && self.config.stls
            }
            Command::Utf8 => here == (false, false) && self.config.utf8 != Utf8Offer::No,
            Command::Lang(_) => here != (false, true) && !self.config.languages.is_empty(),
            Command::Pass(password) => {
                let utf8 =
                    core::str::from_utf8(password.expose()).is_ok_and(|text| self.takes_utf8(text));
                here == (false, true)
                    && self.credentials()
                    && (self.config.leniency.opaque_passwords || utf8 || !password.is_opaque())
                    && (self.config.leniency.password_spaces || !password.expose().contains(&b' '))
            }
            Command::Top { .. } => here.0 && self.config.top,
            Command::Uidl(_) => here.0 && self.config.uidl,
            Command::Mechanisms { .. } | Command::Raw(_) => false,
            _ => here.0,
        };
        if !legal {
            return self.rejected();
        }
        match command {
            Command::Capa => Next::Auto(Reply::Lines(LIST_FOLLOWS.into(), self.capabilities())),
            Command::Utf8 => {
                self.utf8 = true;
                Next::Auto(Reply::Line("+OK UTF8 enabled".into()))
            }
            Command::Lang(None) => Next::Auto(Reply::Lines(
                "+OK language listing follows".into(),
                ["en English".into(), "mul".into()].into(),
            )),
            Command::Quit => {
                self.over = true;
                self.commit = here.0;
                Next::Command(command)
            }
            _ => Next::Command(command),
        }
    }

    /// RFC 6856 §2.2: UTF-8 in a name or a password, where that is announced.
    fn takes_utf8(&self, text: &str) -> bool {
        self.config.utf8 == Utf8Offer::User && !text.chars().any(char::is_control)
    }

    fn takes_name(&self, mailbox: &Mailbox) -> bool {
        mailbox.as_str().is_ascii() || self.takes_utf8(mailbox.as_str())
    }

    fn rejected(&mut self) -> Next {
        self.after_user = false;
        self.exchange = None;
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
        let stls = self.config.stls && self.state == State::Authorization;
        let mechanisms = !self.config.mechanisms.is_empty();
        for (offered, tag) in [
            (self.credentials(), "USER"),
            (self.credentials() && mechanisms, "SASL PLAIN SCRAM-SHA-256"),
            (stls && self.channel != Channel::Tls && !self.utf8, "STLS"),
            (self.config.utf8 == Utf8Offer::Yes, "UTF8"),
            (self.config.utf8 == Utf8Offer::User, "UTF8 USER"),
            (!self.config.languages.is_empty(), "LANG"),
            (!self.config.capabilities.is_empty(), "IMPLEMENTATION fuzz"),
            (self.config.top, "TOP"),
            (self.config.uidl, "UIDL"),
        ] {
            if offered {
                list.push(tag.into());
            }
        }
        list.sort();
        list
    }
}

/// What a careless reader might take for STLS.
fn is_stls(line: &[u8]) -> bool {
    let mut words = line.split(|octet| !matches!(octet, 0x21..=0x7e));
    let first = words.find(|word| !word.is_empty());
    first.is_some_and(|word| word.eq_ignore_ascii_case(b"STLS"))
}
