//! Many commands at a time.

use std::collections::VecDeque;

use pop3_proto::client::{CommandId, Event, Item, SendError};
use pop3_proto::{Command, Response};

use crate::body::Body;
use crate::deadline::Timeouts;
use crate::driver::Driver;
use crate::error::Error;
use crate::listing::Items;

/// Octets of commands in flight at most. A server that has stopped reading because its answers are
/// not read must still find room for them in the buffers between, or both would wait for ever
/// (RFC 2449 §6.6).
const MAX_OCTETS: usize = 4096;

/// Commands sent ahead of their replies; see [`Session::pipeline`](crate::Session::pipeline).
///
/// [`Pipeline::next`] gives one reply after the other, in the order of the commands. It lends the
/// session to the reply, so this is no `Iterator`; a reply that is dropped half-read is read and
/// dropped by the next call. Dropped itself, it abandons what is in flight: the session goes on.
#[derive(Debug)]
pub struct Pipeline<'a, S: Timeouts, I: Iterator<Item = Command>> {
    driver: &'a mut Driver<S>,
    commands: I,
    /// The next command, if it could not be sent yet.
    next: Option<Command>,
    /// The commands that were sent, and the octets of each.
    in_flight: VecDeque<(CommandId, Command, usize)>,
    /// Of all commands in flight.
    octets: usize,
    window: usize,
    over: bool,
}

/// The reply to one command of a pipeline.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<'a, S: Timeouts> {
    /// The command.
    pub command: Command,
    /// What the server answered.
    pub outcome: Outcome<'a, S>,
}

/// What a server answered to a command.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a, S: Timeouts> {
    /// A single line, positive or negative.
    Line(Response),
    /// A positive line that says something: STAT, LIST n, UIDL n.
    Item(Item),
    /// The lines of RETR, TOP or a raw command.
    Body(Body<'a, S>),
    /// The items of LIST, UIDL or CAPA.
    Items(Items<'a, S>),
}

impl<'a, S: Timeouts, I: Iterator<Item = Command>> Pipeline<'a, S, I> {
    pub(crate) fn new(driver: &'a mut Driver<S>, commands: I, window: usize) -> Self {
        let window = window.max(1);
        Self {
            driver,
            commands,
            next: None,
            in_flight: VecDeque::new(),
            octets: 0,
            window,
            over: false,
        }
    }

    /// The next reply; `None` once every command is answered.
    ///
    /// # Errors
    /// [`Error::Send`] for a command that the session does not take: it is skipped, the pipeline goes
    /// on. Any other error ends the pipeline and the session.
    #[expect(
        clippy::should_implement_trait,
        reason = "a reply borrows the pipeline, an iterator cannot say so"
    )]
    pub fn next(&mut self) -> Option<Result<Reply<'_, S>, Error>> {
        if self.over {
            return None;
        }
        // Once something is to be written anyway, as much as may be goes with it.
        let low = self.in_flight.len() <= self.window / 2 && self.octets <= MAX_OCTETS / 2;
        if low || self.driver.session.wants_write() {
            if let Err(error) = self.refill() {
                self.over = !matches!(&error, Error::Send(error) if *error != SendError::Over);
                return Some(Err(error));
            }
        }
        let (id, command, octets) = self.in_flight.pop_front()?;
        self.octets -= octets;
        let event = match self.driver.event_of(id) {
            Ok(event) => event,
            Err(error) => {
                self.over = true;
                return Some(Err(error));
            }
        };
        let outcome = match event {
            Event::Started { response, .. } if command.lists_items() => {
                Outcome::Items(Items::new(self.driver, id, response))
            }
            Event::Started { response, .. } => Outcome::Body(Body::new(self.driver, id, response)),
            Event::Completed { response, .. } => Outcome::Line(response),
            Event::Item { item, .. } => match self.driver.event_of(id) {
                Ok(_) => Outcome::Item(item),
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            },
            _ => return Some(Err(Error::Unexpected)),
        };
        Some(Ok(Reply { command, outcome }))
    }

    /// Sends ahead until the window is full. A refusal waits until what was sent before is answered,
    /// so that it is reported in its order.
    fn refill(&mut self) -> Result<(), Error> {
        while self.in_flight.len() < self.window {
            let Some(command) = self.next.take().or_else(|| self.commands.next()) else { break };
            let octets = command.octets();
            if !self.in_flight.is_empty() && self.octets + octets > MAX_OCTETS {
                self.next = Some(command);
                break;
            }
            if self.in_flight.is_empty() {
                // Waits for what was abandoned before, if need be.
                let id = self.driver.send(&command)?;
                self.queue(id, command, octets);
                continue;
            }
            let Ok(id) = self.driver.session.send(&command) else {
                self.next = Some(command);
                break;
            };
            self.driver.trace.sent(id, &command);
            self.queue(id, command, octets);
        }
        Ok(())
    }

    fn queue(&mut self, id: CommandId, command: Command, octets: usize) {
        self.octets += octets;
        self.in_flight.push_back((id, command, octets));
    }
}

impl<S: Timeouts, I: Iterator<Item = Command>> Drop for Pipeline<'_, S, I> {
    fn drop(&mut self) {
        for (id, ..) in &self.in_flight {
            self.driver.session.abandon(*id);
        }
    }
}
