//! The client's side of a POP3 session.
//!
//! Drive a [`ClientSession`] like this, over any transport and at any pace:
//!
//! 1. poll events until there is none;
//! 2. write what [`ClientSession::outgoing`] holds and advance it by what was really written;
//! 3. read into [`ClientSession::incoming`] and say so with [`ClientSession::received`], or hand
//!    octets over with [`ClientSession::receive`]; at the end of the transport call
//!    [`ClientSession::receive_eof`]; then begin again.
//!
//! Commands may be sent whenever [`ClientSession::send`] takes them.

mod config;
mod error;
mod event;
mod exchange;
#[cfg(feature = "sasl")]
mod login;
mod outgoing;
mod receive;
mod reply;
mod send;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

pub use config::{Channel, ClientConfig, Pipelining, Security, SendPolicy};
pub use error::{Excerpt, ProtocolError, Refusal, SendError};
pub use event::{BodyRead, CancelReason, CommandId, Eof, Event, Item, Support, Update, Waiting};
#[cfg(feature = "sasl")]
pub use login::{
    Choice, Credentials, Login, LoginError, Method, Opening, RefusedLogin, Step, Unfit, UseStls,
};
pub use outgoing::Outgoing;

use crate::buffer::{Input, Output};
use crate::codec::{LineDecoder, MultilineDecoder};
use crate::leniency::Deviations;
use crate::state::{Keyword, Rule, State};
use crate::value::NumberSet;
use crate::{Capabilities, Capability, Greeting, MessageNumber, Response};
use exchange::Exchange;
use reply::{Progress, Shape};

/// One POP3 session, seen from the client: octets in, events out (RFC 1939).
///
/// It never reads, writes, sleeps or looks at a clock, and everything it knows lives in it: a caller
/// may stop between any two calls and go on later. After a [`ProtocolError`] it has failed for good.
///
/// The session remembers which messages are marked as deleted, what the server can do and what
/// became of QUIT; it does not keep messages or listings.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
pub struct ClientSession {
    config: ClientConfig,
    channel: Channel,
    /// As confirmed by the replies that are in.
    state: State,
    after_user: bool,
    input: Input,
    line: LineDecoder,
    body: MultilineDecoder,
    output: Output,
    in_flight: VecDeque<InFlight>,
    /// Of the reply to the first command in flight.
    progress: Progress,
    /// Of the AUTH command in flight.
    exchange: Option<Exchange>,
    /// STLS was answered `+OK`, and TLS is not established.
    tls_due: bool,
    /// UTF8 was answered `+OK`.
    utf8: bool,
    /// Optional commands that were answered, and whether that was positive.
    answered: Vec<(Keyword, Support)>,
    /// The last `-ERR` to a login.
    refusal: Option<Refusal>,
    /// Deviations already reported of the reply being read.
    reported: Deviations,
    events: VecDeque<Event>,
    /// The multi-line reply that has ended, to be told behind `events`.
    finished: Option<CommandId>,
    next_id: u64,
    greeting: Option<Greeting>,
    capabilities: Option<Capabilities>,
    /// Whether they announce PIPELINING, which is asked for every command: set with them, by `learn`.
    announced_pipelining: bool,
    /// The capability list being read.
    collecting: Vec<Capability>,
    marked: NumberSet,
    update: Update,
    farewell: Option<Response>,
    eof: Option<Eof>,
    /// Lines skipped before the greeting.
    junk: u32,
    failed: Option<ProtocolError>,
}

/// A command whose reply is owed, or that has yet to leave.
#[derive(Debug)]
struct InFlight {
    id: CommandId,
    shape: Shape,
    /// The message that DELE marks.
    message: Option<MessageNumber>,
    /// Offset of the end of its line in the output.
    ends_at: u64,
    /// Octets that had been received when its last octet left.
    left_at: Option<u64>,
    /// Its line holds a credential, or may hold one.
    credential: bool,
    abandoned: bool,
    /// Octets of its reply that were dropped.
    drained: u64,
}

impl InFlight {
    fn is(&self, keyword: Keyword) -> bool {
        self.id.keyword == Some(keyword)
    }

    fn rule(&self) -> Option<Rule> {
        self.id.keyword.map(Keyword::rule)
    }

    /// Of a command whose answer tells whether the server knows it. One message or mechanism may be refused for what
    /// it is.
    fn optional(&self) -> Option<Keyword> {
        let whole = matches!(self.shape, Shape::Listing(_)) || self.is(Keyword::Top);
        self.id.keyword.filter(|_| whole)
    }

    fn excerpt(&self, line: &[u8]) -> Excerpt {
        if self.credential { Excerpt::withheld() } else { Excerpt::of(line) }
    }
}

impl ClientSession {
    /// A session over a transport that has just been connected; `channel` says what it is.
    #[must_use]
    pub fn new(config: ClientConfig, channel: Channel) -> Self {
        let limits = &config.limits;
        // Two octets at the least: one of a body may be undecided.
        let block = [limits.status_line, limits.listing_line, limits.sasl_line, 2]
            .into_iter()
            .fold(limits.input_block, usize::max);
        Self {
            channel,
            state: State::Greeting,
            after_user: false,
            input: Input::new(block),
            line: LineDecoder::new(config.leniency.line_ending),
            body: MultilineDecoder::new(config.leniency.line_ending),
            output: Output::default(),
            in_flight: VecDeque::new(),
            progress: Progress::Status,
            exchange: None,
            tls_due: false,
            utf8: false,
            answered: Vec::new(),
            refusal: None,
            reported: Deviations::NONE,
            events: VecDeque::new(),
            finished: None,
            next_id: 0,
            greeting: None,
            capabilities: None,
            announced_pipelining: false,
            collecting: Vec::new(),
            marked: NumberSet::default(),
            update: Update::NotRequested,
            farewell: None,
            eof: None,
            junk: 0,
            failed: None,
            config,
        }
    }

    /// Initialised room to read into; then call [`ClientSession::received`].
    ///
    /// Empty means: do not read now. Either there are events to poll first, or TLS is due, or the
    /// session is over.
    pub fn incoming(&mut self) -> &mut [u8] {
        if self.reads() { self.input.window() } else { &mut [] }
    }

    /// Says that the first `n` octets of [`ClientSession::incoming`] are input now.
    ///
    /// # Panics
    /// If `n` is more than the last call to `incoming` gave.
    pub fn received(&mut self, n: usize) {
        assert!(n <= self.incoming().len(), "more octets received than there was room for");
        self.input.filled(n);
    }

    /// Takes octets by copying them and says how many it took: when it is less than all, poll events
    /// and offer the rest again. It takes none once the session is over.
    pub fn receive(&mut self, octets: &[u8]) -> usize {
        if self.reads() { self.input.copy_from(octets) } else { 0 }
    }

    /// Says that the transport has ended; nothing can be received any more. Poll events: what was
    /// still due is an error, and an end between replies is [`Event::Closed`].
    pub fn receive_eof(&mut self, eof: Eof) {
        self.eof.get_or_insert(eof);
    }

    /// What is to be written, as a [`bytes::Buf`]: advance it by what the transport really took.
    /// Credentials are wiped from it as they leave.
    pub fn outgoing(&mut self) -> Outgoing<'_> {
        Outgoing::new(&mut self.output, &mut self.in_flight, self.input.received())
    }

    /// Whether it makes sense to read: there is room, and more can come.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.reads() && self.input.has_room()
    }

    /// Whether something waits to be written.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        !self.is_over() && !self.output.waiting().is_empty()
    }

    /// What the session waits for, to choose a deadline by and to name in a time-out.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        match (self.state, self.in_flight.front()) {
            (State::Closed | State::Failed, _) => Waiting::Nothing,
            (State::Greeting, _) => Waiting::Greeting,
            _ if self.tls_due => Waiting::Tls,
            _ if self.farewell.is_some() => Waiting::Close,
            (_, Some(head)) if matches!(self.progress, Progress::Answer) => {
                Waiting::Answer(head.id)
            }
            (_, Some(head)) if matches!(self.progress, Progress::Status) => {
                if head.left_at.is_some() { Waiting::Reply(head.id) } else { Waiting::Write }
            }
            (_, Some(head)) => Waiting::Rest(head.id),
            (_, None) => Waiting::Nothing,
        }
    }

    /// Gives the buffers back while the session is idle; they come again when needed. Nothing
    /// happens if anything is pending.
    pub fn release_idle(&mut self) {
        self.input.release();
        self.output.release();
    }

    /// Ends the session and gives what was received and not consumed.
    #[must_use]
    pub fn into_remaining(self) -> Vec<u8> {
        self.input.pending().into()
    }

    /// The state, as confirmed by the replies that are in.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Commands that were taken and have not ended.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The greeting, once it is in.
    #[must_use]
    pub const fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    /// The last complete capability list.
    #[must_use]
    pub const fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Whether the message is marked as deleted, as far as the replies that are in confirm it.
    #[must_use]
    pub fn is_marked(&self, message: MessageNumber) -> bool {
        self.marked.contains(message)
    }

    /// What has become so far of the messages marked as deleted; valid in every state, also after a
    /// failure.
    #[must_use]
    pub fn update(&self) -> Update {
        let quit_left = |last: &InFlight| last.is(Keyword::Quit) && last.left_at.is_some();
        if self.state == State::Transaction && self.in_flight.back().is_some_and(quit_left) {
            Update::Unknown
        } else {
            self.update
        }
    }

    /// Whether a command may be sent while replies are owed.
    #[must_use]
    pub const fn may_pipeline(&self) -> bool {
        match self.config.pipelining {
            Pipelining::Always => true,
            Pipelining::Never => false,
            Pipelining::Announced => self.announced_pipelining,
        }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// What carries the session.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// What is known of the server and an optional command: CAPA, UIDL, TOP, AUTH without a mechanism, and
    /// whatever else it announces (RFC 2449 §5). Servers in the field support more than they announce,
    /// and some announce nothing.
    #[must_use]
    pub fn support(&self, keyword: Keyword) -> Support {
        let answered = self.answered.iter().find(|(of, _)| *of == keyword);
        match answered.map(|(_, support)| *support) {
            Some(Support::Missing) => Support::Missing,
            _ if self.capabilities.as_ref().is_some_and(|list| list.announces(keyword)) => {
                Support::Announced
            }
            Some(support) => support,
            None => Support::Unknown,
        }
    }

    /// Whether UTF-8 mode is on (RFC 6856 §2).
    #[must_use]
    pub const fn utf8(&self) -> bool {
        self.utf8
    }

    /// Says that the TLS handshake that [`Event::StartTls`] called for is done and the server's
    /// certificate verified. Everything that the server told in clear is forgotten but the greeting,
    /// whose timestamp stays good for APOP: ask for the capabilities anew (RFC 2595 §4).
    ///
    /// If the handshake fails there is no way on: drop the session.
    ///
    /// # Errors
    /// [`SendError::WrongState`] if no TLS is due, or none can come because the transport has ended.
    pub fn tls_established(&mut self) -> Result<(), SendError> {
        if !self.tls_due || self.is_over() || self.eof.is_some() {
            return Err(SendError::WrongState { keyword: Some(Keyword::Stls), state: self.state });
        }
        self.tls_due = false;
        self.channel = Channel::Tls;
        self.learn(None);
        self.answered.clear();
        self.refusal = None;
        Ok(())
    }

    /// What the server can do is this from now on.
    fn learn(&mut self, capabilities: Option<Capabilities>) {
        self.announced_pipelining = capabilities.as_ref().is_some_and(Capabilities::pipelining);
        self.capabilities = capabilities;
    }

    fn reads(&self) -> bool {
        !self.is_over() && self.eof.is_none() && !self.tls_due
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Failed)
    }
}
