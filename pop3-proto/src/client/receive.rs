//! From octets to events.

use core::mem;

use bytes::Bytes;

use super::reply::{self, Kind, Listing, Progress, Shape};
use super::{
    BodyRead, ClientSession, CommandId, Eof, Event, Excerpt, InFlight, Item, ProtocolError,
    Refusal, Support, Update,
};
use crate::buffer::Output;
use crate::codec::{self, BodyStep, LineStep, Parsed, octets};
use crate::leniency::{Deviation, Deviations};
use crate::state::{Effect, Keyword, State};
use crate::{Capabilities, Greeting, Leniency, Response, Text};

/// A run of a body that is shorter than this is not worth a slice of its own.
const SHORT_RUN: usize = 256;

/// Octets that are moved together where runs are short.
const DENSE_WINDOW: usize = 4096;

/// Lines that `junk_before_greeting` skips.
const MAX_JUNK_LINES: u32 = 100;

const STRICT: Leniency = Leniency::strict();

/// What one step of decoding came to.
pub(super) enum Step {
    /// This happened, behind what the same step has already reported.
    Event(Event),
    /// Something was consumed or reported.
    Again,
    /// More has to be received first.
    NeedMore,
}

impl ClientSession {
    /// The next event, or `None`: then write, read, and poll again.
    ///
    /// # Errors
    /// [`ProtocolError`] once the server broke the protocol, after the events of what came before. It is
    /// final: every later call gives the same error, and no event comes any more.
    pub fn poll_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if let Some(id) = self.finished.take() {
                return Ok(Some(Event::Finished { id }));
            }
            match self.step() {
                Ok(Step::Event(event)) if self.events.is_empty() => return Ok(Some(event)),
                Ok(Step::Event(event)) => self.events.push_back(event),
                Ok(Step::Again) => {}
                Ok(Step::NeedMore) => {
                    if !self.ends()? {
                        return Ok(None);
                    }
                }
                Err(error) => {
                    let error = self.fail(error);
                    // What was reported before goes before.
                    if self.events.is_empty() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Copies octets of the body of `id` into `out`, byte-stuffing undone: the way for callers that
    /// have a buffer of their own. It may be mixed freely with [`ClientSession::poll_event`] and
    /// never consumes an event: `Started` must have been polled before, `Finished` is to be polled
    /// after [`BodyRead::End`].
    ///
    /// # Errors
    /// As [`ClientSession::poll_event`].
    pub fn read_body(&mut self, id: CommandId, out: &mut [u8]) -> Result<BodyRead, ProtocolError> {
        loop {
            match (self.events.front(), self.finished) {
                (None, None) => {}
                (Some(Event::Finished { id: of }), _) if *of == id => return Ok(BodyRead::End),
                (None, Some(of)) if of == id => return Ok(BodyRead::End),
                _ => return Ok(BodyRead::EventFirst),
            }
            match (self.in_flight.front(), &self.progress) {
                (Some(head), Progress::Body { .. }) if head.id == id && !head.abandoned => {
                    let decoded = self.body.decode_into(self.input.pending(), out);
                    self.input.consume(decoded.read);
                    if decoded.end {
                        self.finish(id);
                    }
                    if decoded.written > 0 || (out.is_empty() && !decoded.end) {
                        return Ok(BodyRead::Data(decoded.written));
                    }
                    if decoded.read == 0 {
                        // Only what comes in can go on from here.
                        if !self.ends()? {
                            return Ok(BodyRead::NeedMore);
                        }
                    }
                }
                (Some(head), _) if head.id <= id => match self.poll_event()? {
                    Some(event) => self.events.push_front(event),
                    None => return Ok(BodyRead::NeedMore),
                },
                _ if self.failed.is_some() => {
                    self.poll_event()?;
                }
                _ => return Ok(BodyRead::End),
            }
        }
    }

    /// Gives the session up because what it waits for did not come in the time that the caller
    /// allows; it has failed then, since the answer may still come and would be taken for another's.
    pub fn time_out(&mut self) -> ProtocolError {
        let error = ProtocolError::TimedOut { waiting: self.waiting() };
        self.fail(error)
    }

    /// All that came in is decoded: whether the transport has ended too, which is reported then.
    fn ends(&mut self) -> Result<bool, ProtocolError> {
        self.input.drained();
        match self.eof.filter(|_| self.state != State::Closed) {
            None => Ok(false),
            Some(eof) => match self.end(eof) {
                Ok(()) => Ok(true),
                Err(error) => Err(self.fail(error)),
            },
        }
    }

    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        match (&self.failed, self.state) {
            (Some(error), _) => return error.clone(),
            (None, State::Closed) => return error,
            (None, _) => {}
        }
        self.update = self.update();
        self.state = State::Failed;
        self.exchange = None;
        self.in_flight.clear();
        self.output = Output::default();
        self.failed = Some(error.clone());
        error
    }

    /// One step of decoding, made when every event has been polled.
    fn step(&mut self) -> Result<Step, ProtocolError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.state == State::Closed || self.input.is_empty() {
            return Ok(Step::NeedMore);
        }
        if self.state == State::Greeting {
            return self.read_greeting();
        }
        let position = self.input.position();
        match (self.in_flight.front(), &self.progress) {
            (Some(head), Progress::Status)
                if self.farewell.is_none()
                    && head.left_at.is_some_and(|left_at| position >= left_at) =>
            {
                match self.exchange {
                    Some(_) => match self.read_challenge()? {
                        Some(step) => Ok(step),
                        None => self.read_status(),
                    },
                    None => self.read_status(),
                }
            }
            (None, _) | (_, Progress::Status | Progress::Answer) => self.read_unsolicited(),
            (Some(_), Progress::Listing(_)) => self.read_listing_line(),
            (Some(_), Progress::Body { .. }) => self.read_body_run(),
        }
    }

    /// Frames a line of at most `limit` octets of the reply to `of`: its length, and its length with
    /// its end.
    pub(super) fn frame(
        &mut self,
        of: Option<CommandId>,
        limit: usize,
    ) -> Result<Option<(usize, usize)>, ProtocolError> {
        match self.line.decode(self.input.pending(), limit) {
            LineStep::Line { len, consumed } => {
                if consumed - len == b"\n".len() {
                    if of.and_then(CommandId::keyword) == Some(Keyword::Stls) {
                        return Err(ProtocolError::BareLineFeed);
                    }
                    self.report(of, Deviation::BareLineFeed.into());
                }
                Ok(Some((len, consumed)))
            }
            LineStep::NeedMore => Ok(None),
            LineStep::TooLong { .. } => Err(ProtocolError::LineTooLong { limit }),
            LineStep::BareLineFeed { .. } => Err(ProtocolError::BareLineFeed),
        }
    }

    fn read_greeting(&mut self) -> Result<Step, ProtocolError> {
        let Some((len, consumed)) = self.frame(None, self.config.limits.status_line)? else {
            return Ok(Step::NeedMore);
        };
        let line = self.input.pending().get(..len).unwrap_or_default();
        let parsed = match codec::response(line, &self.config.leniency) {
            Ok(parsed) => parsed,
            Err(_) if self.config.leniency.junk_before_greeting && self.junk < MAX_JUNK_LINES => {
                self.junk += 1;
                self.input.consume(consumed);
                self.report(None, Deviation::JunkBeforeGreeting.into());
                return Ok(Step::Again);
            }
            Err(_) => return Err(ProtocolError::NotAGreeting { line: Excerpt::of(line) }),
        };
        let greeting =
            Greeting::new(Response::new(parsed.value.status, Text::received(parsed.value.text)));
        let deviations = parsed.deviations;
        self.input.consume(consumed);
        self.report(None, deviations);
        self.reported = Deviations::NONE;
        self.greeting = Some(greeting.clone());
        self.state = State::Authorization;
        if greeting.response.is_ok() {
            return Ok(Step::Event(Event::Greeting(greeting)));
        }
        self.events.push_back(Event::Greeting(greeting));
        self.close(None);
        Ok(Step::Again)
    }

    /// Octets that answer nothing: an error, but for one `-ERR` line that is the server's farewell
    /// if the connection ends behind it.
    fn read_unsolicited(&mut self) -> Result<Step, ProtocolError> {
        if self.farewell.is_some() || self.input.pending().first() != Some(&b'-') {
            return Err(ProtocolError::Unsolicited);
        }
        let Some((len, consumed)) = self
            .frame(None, self.config.limits.status_line)
            .map_err(|_| ProtocolError::Unsolicited)?
        else {
            return Ok(Step::NeedMore);
        };
        let line = self.input.pending().get(..len).unwrap_or_default();
        let parsed =
            codec::response(line, &self.config.leniency).map_err(|_| ProtocolError::Unsolicited)?;
        self.farewell = Some(
            Response::new(parsed.value.status, Text::received(parsed.value.text))
                .announced_by(self.capabilities.as_ref()),
        );
        let deviations = parsed.deviations;
        self.input.consume(consumed);
        self.report(None, deviations);
        Ok(Step::Again)
    }

    fn read_status(&mut self) -> Result<Step, ProtocolError> {
        let Some(head) = self.in_flight.front() else { return Ok(Step::NeedMore) };
        let (id, shape, abandoned) = (head.id, head.shape, head.abandoned);
        let (is_stls, optional) = (head.is(Keyword::Stls), head.optional());
        let Some((len, consumed)) = self.frame(Some(id), self.config.limits.status_line)? else {
            return Ok(Step::NeedMore);
        };
        // Whether TLS begins is for nobody to guess.
        let leniency = if is_stls { &STRICT } else { &self.config.leniency };
        let line = self.input.pending().get(..len).unwrap_or_default();
        let parsed = codec::response(line, leniency).map_err(|_| {
            let line = self.in_flight.front().map(|head| head.excerpt(line));
            ProtocolError::MalformedStatus { line: line.unwrap_or_else(Excerpt::withheld) }
        })?;
        let mut response = Response::new(parsed.value.status, Text::received(parsed.value.text));
        response.announce(self.capabilities.as_ref());
        let deviations = parsed.deviations;
        if is_stls {
            self.input.consume(consumed);
            return self.switch(id, abandoned, response);
        }
        // Put in place by each arm: `Progress` is large, and mostly empty here.
        match shape {
            Shape::Listing(kind) if response.is_ok() => {
                self.progress = Progress::Listing(Listing::new(kind));
            }
            Shape::Body if response.is_ok() => {
                self.body.restart();
                self.progress = Progress::Body { dense: false };
            }
            _ => return self.read_single(consumed, Parsed { value: response, deviations }),
        }
        self.input.consume(consumed);
        self.report(Some(id), deviations);
        if let Some(keyword) = optional {
            self.note(keyword, &response);
        }
        if abandoned {
            return Ok(Step::Again);
        }
        Ok(Step::Event(Event::Started { id, response }))
    }

    /// The status line is the whole reply.
    fn read_single(
        &mut self,
        consumed: usize,
        status: Parsed<Response>,
    ) -> Result<Step, ProtocolError> {
        let Some(head) = self.in_flight.front() else { return Ok(Step::NeedMore) };
        let (id, shape, abandoned) = (head.id, head.shape, head.abandoned);
        let Parsed { value: response, deviations } = status;
        let item = if response.is_ok() {
            reply::single(shape, response.text.octets(), &self.config.leniency)?
        } else {
            None
        };
        if let Some(exchange) = self.exchange.as_ref().filter(|_| response.is_ok()) {
            exchange.check_success()?;
        }
        self.input.consume(consumed);
        self.report(Some(id), deviations);
        if let Some(item) = item {
            self.report(Some(id), item.deviations);
            if !abandoned {
                self.events.push_back(Event::Item { id, item: item.value });
            }
        }
        Ok(self.complete(response))
    }

    /// STLS is answered. In clear nothing may stand behind a positive answer (RFC 2595 §4); behind a
    /// negative one the session goes on in clear, and what answers nothing is an error as ever.
    fn switch(
        &mut self,
        id: CommandId,
        abandoned: bool,
        response: Response,
    ) -> Result<Step, ProtocolError> {
        if !response.is_ok() {
            return Ok(self.complete(response));
        }
        if abandoned {
            return Err(ProtocolError::StlsAbandoned);
        }
        if !self.input.is_empty() {
            return Err(ProtocolError::OctetsAfterStls);
        }
        self.next_reply();
        self.tls_due = true;
        Ok(Step::Event(Event::StartTls { id, response }))
    }

    fn read_listing_line(&mut self) -> Result<Step, ProtocolError> {
        let Some((len, consumed)) = self.frame(self.head(), self.config.limits.listing_line)?
        else {
            return Ok(Step::NeedMore);
        };
        let (Some(head), Progress::Listing(listing)) =
            (self.in_flight.front_mut(), &mut self.progress)
        else {
            return Ok(Step::NeedMore);
        };
        let (id, abandoned) = (head.id, head.abandoned);
        if abandoned {
            drain(head, consumed, self.config.limits.drain)?;
        }
        let line = self.input.pending().get(..len).unwrap_or_default();
        if let Some(deviations) = reply::end_of_listing(line, &self.config.leniency) {
            let kind = listing.kind;
            self.input.consume(consumed);
            self.report(Some(id), deviations);
            let collected = mem::take(&mut self.collecting);
            if kind == Kind::Capability && !abandoned {
                self.learn(Some(collected.into_iter().collect()));
            }
            self.finish(id);
            return Ok(Step::Again);
        }
        if abandoned {
            self.input.consume(consumed);
            return Ok(Step::Again);
        }
        let Parsed { value: item, deviations } =
            listing.item(line, &self.config.leniency, &self.config.limits)?;
        self.input.consume(consumed);
        if let Item::Capability(capability) = &item {
            self.collecting.push(Clone::clone(capability));
        }
        self.report(Some(id), deviations);
        Ok(Step::Event(Event::Item { id, item }))
    }

    fn read_body_run(&mut self) -> Result<Step, ProtocolError> {
        let (Some(head), Progress::Body { dense }) =
            (self.in_flight.front_mut(), &mut self.progress)
        else {
            return Ok(Step::NeedMore);
        };
        let id = head.id;
        if !head.abandoned && *dense {
            if let Some(pending) = self.input.pending_mut() {
                let len = pending.len().min(DENSE_WINDOW);
                let decoded = self.body.decode_in_place(pending.get_mut(..len).unwrap_or_default());
                *dense = decoded.read - decoded.written > decoded.read / SHORT_RUN;
                let data = (decoded.written > 0).then(|| self.input.take(decoded.written));
                self.input.consume(decoded.read - decoded.written);
                return Ok(self.tell_run(id, data, decoded.end));
            }
        }
        let (len, skip, end) = match self.body.decode(self.input.pending()) {
            BodyStep::Data { len, skip } => (len, skip, false),
            BodyStep::End { len, skip } => (len, skip, true),
            BodyStep::NeedMore => return Ok(Step::NeedMore),
        };
        *dense = len < SHORT_RUN && !end;
        let data = if head.abandoned {
            drain(head, len + skip, self.config.limits.drain)?;
            self.input.consume(len);
            None
        } else {
            (len > 0).then(|| self.input.take(len))
        };
        self.input.consume(skip);
        Ok(self.tell_run(id, data, end))
    }

    /// A run of a body is in, or its end, or both.
    fn tell_run(&mut self, id: CommandId, data: Option<Bytes>, end: bool) -> Step {
        if end {
            self.finish(id);
        }
        data.map_or(Step::Again, |data| Step::Event(Event::Data { id, data }))
    }

    /// The reply at the head of the queue was one line, and it is in.
    fn complete(&mut self, response: Response) -> Step {
        let Some(head) = self.next_reply() else { return Step::Again };
        let ok = response.is_ok();
        let effect = head.rule().map_or(Effect::Nothing, |rule| rule.effect);
        // PASS must follow USER directly, whatever becomes of it (RFC 1939 §7).
        self.after_user = ok && effect == Effect::Named;
        match effect {
            Effect::Authenticated if ok => {
                self.state = State::Transaction;
                self.refusal = None;
                let capabilities = self.capabilities.take().map(Capabilities::after_login);
                self.learn(capabilities);
            }
            Effect::Authenticated | Effect::Named if !ok && head.credential => {
                self.refusal = Some(Refusal::of(&response));
            }
            Effect::Utf8 if ok => self.utf8 = true,
            Effect::Marked if ok => {
                if let Some(message) = head.message {
                    self.marked.insert(message);
                }
            }
            Effect::Unmarked if ok => self.marked.clear(),
            Effect::Ended if self.state == State::Transaction => {
                self.update = if ok { Update::Committed } else { Update::Refused };
            }
            _ => {}
        }
        if let Some(keyword) = head.optional() {
            self.note(keyword, &response);
        }
        let completed = Event::Completed { id: head.id, response };
        if effect != Effect::Ended {
            return Step::Event(completed);
        }
        self.events.push_back(completed);
        self.close(None);
        Step::Again
    }

    /// Remembers whether the server knows an optional command.
    fn note(&mut self, keyword: Keyword, response: &Response) {
        let support = match response.is_ok() {
            true => Support::Proven,
            false if response.means_not_implemented() => Support::Missing,
            false => return,
        };
        self.answered.retain(|(of, _)| *of != keyword);
        self.answered.push((keyword, support));
    }

    /// The multi-line reply at the head of the queue is complete.
    fn finish(&mut self, id: CommandId) {
        self.next_reply();
        self.finished = Some(id);
    }

    #[inline]
    fn next_reply(&mut self) -> Option<InFlight> {
        self.progress = Progress::Status;
        self.exchange = None;
        self.reported = Deviations::NONE;
        self.in_flight.pop_front()
    }

    /// The transport has ended and all that came is decoded.
    fn end(&mut self, eof: Eof) -> Result<(), ProtocolError> {
        let quitting = |head: &InFlight| head.is(Keyword::Quit) && head.left_at.is_some();
        let waiting = self.waiting();
        match self.in_flight.front() {
            _ if self.state == State::Greeting || self.tls_due => {
                Err(ProtocolError::UnexpectedEof { waiting, eof })
            }
            Some(_) if self.farewell.is_none() && self.exchange.is_some() => {
                Err(ProtocolError::AuthenticationInterrupted { refusal: self.refusal.take(), eof })
            }
            Some(head) if self.farewell.is_none() && !quitting(head) => {
                Err(ProtocolError::UnexpectedEof { waiting, eof })
            }
            None if !self.input.is_empty() => Err(ProtocolError::Unsolicited),
            _ => {
                self.update = self.update();
                self.close(Some(eof));
                Ok(())
            }
        }
    }

    fn close(&mut self, eof: Option<Eof>) {
        self.state = State::Closed;
        self.exchange = None;
        self.in_flight.clear();
        self.output = Output::default();
        let farewell = self.farewell.take();
        self.events.push_back(Event::Closed { update: self.update, farewell, eof });
    }

    pub(super) fn head(&self) -> Option<CommandId> {
        self.in_flight.front().map(|head| head.id)
    }

    #[inline]
    pub(super) fn report(&mut self, id: Option<CommandId>, deviations: Deviations) {
        // So it is nearly always, and this is asked for every line.
        if !deviations.is_empty() {
            self.report_each(id, deviations);
        }
    }

    #[cold]
    fn report_each(&mut self, id: Option<CommandId>, deviations: Deviations) {
        for deviation in deviations.iter() {
            if self.reported.insert(deviation) {
                self.events.push_back(Event::Deviation { id, deviation });
            }
        }
    }
}

/// Counts octets dropped for an abandoned command.
fn drain(command: &mut InFlight, len: usize, limit: u64) -> Result<(), ProtocolError> {
    command.drained += octets(len);
    if command.drained > limit { Err(ProtocolError::DrainLimit { limit }) } else { Ok(()) }
}

impl From<Deviation> for Deviations {
    fn from(deviation: Deviation) -> Self {
        let mut deviations = Self::NONE;
        deviations.insert(deviation);
        deviations
    }
}
