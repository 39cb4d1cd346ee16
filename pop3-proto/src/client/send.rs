//! What a client may send, and when.

use super::exchange::Exchange;
use super::reply::Shape;
use super::{Channel, Security};
use super::{ClientSession, CommandId, Event, InFlight, SendError};
use crate::state::{Barrier, Keyword, Points, Rule, State};
use crate::{Command, MAX_COMMAND_OCTETS};

impl ClientSession {
    /// Takes a command to send; its events carry the id that this gives.
    ///
    /// Legality is judged on the state that the replies so far confirm (RFC 1939 §3). Behind
    /// USER, PASS, APOP and QUIT nothing is taken until their reply is in (C0045, C0047); more than
    /// one command is in flight only where PIPELINING was announced (RFC 2449 §6.6).
    ///
    /// # Errors
    /// [`SendError`] says why not; nothing has changed. With [`SendError::is_transient`] the same
    /// command may be taken once output has left and replies are in.
    pub fn send(&mut self, command: &Command) -> Result<CommandId, SendError> {
        let octets = self.check(command)?;
        let id = CommandId { number: self.next_id, keyword: command.keyword() };
        self.next_id += 1;
        let credential = command.holds_credential();
        let ends_at = self.output.append(octets, credential, |buffer| command.encode(buffer));
        if let Command::Auth { initial, .. } = command {
            self.exchange = Some(Exchange::new(initial.is_some()));
        }
        self.in_flight.push_back(InFlight {
            id,
            shape: Shape::of(command),
            message: command.message(),
            ends_at,
            left_at: None,
            credential,
            abandoned: false,
            drained: 0,
        });
        Ok(id)
    }

    /// Gives up interest in a command: from now on nothing is told of it but its end and deviations.
    /// Its end is still reported, what its reply does to the session still happens, and its octets are
    /// still read, up to [`Limits::drain`](crate::Limits::drain). An AUTH exchange is cancelled with `*`
    /// at its next challenge. STLS cannot be given up: if its answer is `+OK`, the session fails.
    ///
    /// `false` if no such command is in flight.
    pub fn abandon(&mut self, id: CommandId) -> bool {
        // Asked of every reply that is dropped, read to its end or not, so that no long queue may be walked for it.
        let Ok(at) = self.in_flight.binary_search_by_key(&id, |command| command.id) else {
            return false;
        };
        let Some(command) = self.in_flight.get_mut(at) else { return false };
        command.abandoned = true;
        if self.check_challenge().is_ok() {
            self.put_cancel();
        }
        self.events.retain(|event| match event {
            Event::Started { id: of, .. }
            | Event::Item { id: of, .. }
            | Event::Data { id: of, .. }
            | Event::Challenge { id: of, .. }
            | Event::Cancelled { id: of, .. }
            | Event::FailureDetail { id: of, .. } => *of != id,
            _ => true,
        });
        true
    }

    /// Whether `command` may be sent; gives the octets of its line.
    pub(super) fn check(&self, command: &Command) -> Result<usize, SendError> {
        let keyword = command.keyword();
        let rule = keyword.map(Keyword::rule);
        match self.state {
            State::Greeting => return Err(SendError::BeforeGreeting),
            State::Authorization | State::Transaction
                if self.farewell.is_none() && self.eof.is_none() => {}
            _ => return Err(SendError::Over),
        }
        if self.tls_due {
            return Err(SendError::TlsDue);
        }
        let octets = command.octets();
        if octets > MAX_COMMAND_OCTETS {
            return Err(SendError::TooLong { octets, limit: MAX_COMMAND_OCTETS });
        }
        self.check_barriers(rule)?;
        let here = Points::of(self.state, self.after_user);
        let legal = rule.map_or(Points::AUTHORIZATION.and(Points::TRANSACTION), |rule| rule.legal);
        if !here.is_some_and(|here| legal.contains(here)) {
            return Err(SendError::WrongState { keyword, state: self.state });
        }
        self.check_policies(command)?;
        if let Some(message) = command.message().filter(|message| self.marked.contains(*message)) {
            // Its answer may unmark the message.
            let unmarking = self.in_flight.iter().any(|command| command.is(Keyword::Rset));
            return Err(if unmarking {
                SendError::Barrier { keyword: Keyword::Rset }
            } else {
                SendError::MarkedDeleted(message)
            });
        }
        if !self.in_flight.is_empty() && !self.may_pipeline() {
            return Err(SendError::NotPipelined);
        }
        // A limit of 0 would make every command wait for nothing.
        let limit = self.config.limits.in_flight.max(1);
        if self.in_flight.len() >= limit {
            return Err(SendError::TooManyInFlight { limit });
        }
        let waiting = self.output.waiting().len();
        if waiting > 0 && waiting + octets > self.config.limits.output {
            return Err(SendError::OutputFull);
        }
        Ok(octets)
    }

    /// Whether names and passwords may be UTF-8 in USER, PASS and APOP (RFC 6856 §2.2).
    pub(super) fn may_name_in_utf8(&self) -> bool {
        self.config.send_policy.unannounced_utf8
            || self.capabilities.as_ref().is_some_and(crate::Capabilities::utf8_user)
    }

    fn check_barriers(&self, rule: Option<Rule>) -> Result<(), SendError> {
        // Nothing is taken behind a barrier, so only the last command in flight can be one.
        let Some(last) = self.in_flight.back() else { return Ok(()) };
        if last.is(Keyword::Quit) {
            return Err(SendError::Over);
        }
        if let Some(rule) = last.rule().filter(|rule| rule.barrier > Barrier::None) {
            return Err(SendError::Barrier { keyword: rule.keyword });
        }
        match rule {
            Some(Rule { keyword, barrier: Barrier::Around, .. }) => {
                Err(SendError::Barrier { keyword })
            }
            _ => Ok(()),
        }
    }

    fn check_policies(&self, command: &Command) -> Result<(), SendError> {
        let keyword = command.keyword();
        let rule = keyword.map(Keyword::rule);
        let policy = self.config.send_policy;
        let permitted = match command {
            Command::List(Some(_)) | Command::Uidl(Some(_)) => policy.single_listings,
            Command::Rset => policy.rset,
            Command::Apop { .. } if !policy.apop => false,
            Command::User(mailbox) | Command::Apop { mailbox, .. } => {
                policy.beyond_ascii || mailbox.is_ascii()
            }
            Command::Pass(password) => policy.beyond_ascii || !password.is_opaque(),
            _ => true,
        };
        if let Some(keyword) = keyword.filter(|_| !permitted) {
            return Err(SendError::Forbidden(keyword));
        }
        if !may_leave(
            self.channel,
            self.config.security,
            command.holds_credential(),
            rule.is_some_and(|rule| rule.before_tls),
        ) {
            return Err(SendError::NotProtected { keyword });
        }
        match command {
            Command::Stls if self.channel == Channel::Tls || self.utf8 => {
                Err(SendError::TooLateForTls)
            }
            Command::User(mailbox) if !mailbox.is_ascii() && !self.may_name_in_utf8() => {
                Err(SendError::NotAscii(Keyword::User))
            }
            Command::Pass(password) if password.is_utf8() && !self.may_name_in_utf8() => {
                Err(SendError::NotAscii(Keyword::Pass))
            }
            Command::Apop { mailbox, .. } if !mailbox.is_ascii() && !self.may_name_in_utf8() => {
                Err(SendError::NotAscii(Keyword::Apop))
            }
            Command::Apop { .. }
                if self.greeting.as_ref().and_then(crate::Greeting::timestamp).is_none() =>
            {
                Err(SendError::NoTimestamp)
            }
            _ => Ok(()),
        }
    }
}

/// RFC 8314 §5.2: where TLS is required, only what leads to it leaves before it.
const fn may_leave(
    channel: Channel,
    security: Security,
    credential: bool,
    before_tls: bool,
) -> bool {
    channel.is_protected()
        || match security {
            Security::Implicit | Security::StlsRequired => before_tls,
            Security::StlsPreferred => !credential,
            Security::PlaintextAllowed => true,
        }
}
