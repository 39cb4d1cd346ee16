//! Many commands at a time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use pop3_blocking::Error;
use pop3_proto::client::{CommandId, Event, Item, SendError};
use pop3_proto::{Command, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Body;
use crate::driver::{Driver, InFlight};
use crate::listing::Items;

/// Commands sent ahead of their replies; see [`Session::pipeline`](crate::Session::pipeline).
///
/// [`Pipeline::next`] gives one reply after the other, in the order of the commands. It lends the
/// session to the reply, so this is no `Stream`; a reply that is dropped half-read is read and
/// dropped by the next call.
///
/// # Cancel safety
/// [`Pipeline::next`] loses nothing. The pipeline itself dropped, it abandons what is in flight, and
/// the session goes on: commands that were sent ahead do what they do.
#[derive(Debug)]
pub struct Pipeline<'a, S, I: Iterator<Item = Command>> {
    driver: &'a mut Driver<S>,
    commands: I,
    /// The next command, if it could not be sent yet.
    next: Option<Command>,
    in_flight: VecDeque<(CommandId, Command)>,
    /// What the first command in flight said, before its end is in.
    item: Option<Item>,
    window: usize,
    over: bool,
}

/// The reply to one command of a pipeline.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<'a, S> {
    /// The command.
    pub command: Command,
    /// What the server answered.
    pub outcome: Outcome<'a, S>,
}

/// What a server answered to a command.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a, S> {
    /// A single line, positive or negative.
    Line(Response),
    /// A positive line that says something: STAT, LIST n, UIDL n.
    Item(Item),
    /// The lines of RETR, TOP or a raw command.
    Body(Body<'a, S>),
    /// The items of LIST, UIDL or CAPA.
    Items(Items<'a, S>),
}

impl<'a, S, I: Iterator<Item = Command>> Pipeline<'a, S, I> {
    pub(crate) fn new(driver: &'a mut Driver<S>, commands: I, window: usize) -> Self {
        Self {
            driver,
            commands,
            next: None,
            in_flight: VecDeque::new(),
            item: None,
            window: window.max(1),
            over: false,
        }
    }

    fn queue(&mut self, id: CommandId, command: Command) {
        self.in_flight.push_back((id, command));
    }
}

impl<S, I> Pipeline<'_, S, I>
where
    S: AsyncRead + AsyncWrite + Unpin,
    I: Iterator<Item = Command>,
{
    /// The next reply; `None` once every command is answered.
    ///
    /// # Errors
    /// [`Error::Send`] for a command that the session does not take: it is skipped, the pipeline goes
    /// on. Any other error ends the pipeline and the session.
    ///
    /// # Cancel safety
    /// Dropped, it loses nothing: call it again.
    pub async fn next(&mut self) -> Option<Result<Reply<'_, S>, Error>> {
        let answer = poll_fn(|cx| self.poll_answer(cx)).await;
        let (id, command, event) = match answer {
            Ok(answer) => answer?,
            Err(error) => {
                self.over = !matches!(&error, Error::Send(error) if *error != SendError::Over);
                return Some(Err(error));
            }
        };
        let mut sent = InFlight::new(self.driver, id);
        let outcome = match event {
            Event::Started { response, .. } if command.lists_items() => {
                Outcome::Items(Items::new(sent, response))
            }
            Event::Started { response, .. } => Outcome::Body(Body::new(sent, response)),
            Event::Completed { response, .. } => {
                sent.ended = true;
                self.item.take().map_or(Outcome::Line(response), Outcome::Item)
            }
            _ => return Some(Err(Error::Unexpected)),
        };
        Some(Ok(Reply { command, outcome }))
    }

    /// What begins or is the reply to the first command in flight.
    #[expect(clippy::type_complexity, reason = "it is taken apart where it is given")]
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<(CommandId, Command, Event)>, Error>> {
        if self.over {
            return Poll::Ready(Ok(None));
        }
        // Once something is to be written anyway, as much as may be goes with it.
        if self.in_flight.len() <= self.window / 2 || self.driver.session.wants_write() {
            ready!(self.poll_refill(cx))?;
        }
        let Some((id, _)) = self.in_flight.front() else { return Poll::Ready(Ok(None)) };
        loop {
            let event = ready!(self.driver.poll_event_of(cx, *id))?;
            if let Event::Item { item, .. } = event {
                self.item = Some(item);
                continue;
            }
            let answered = self.in_flight.pop_front();
            return Poll::Ready(Ok(answered.map(|(id, command)| (id, command, event))));
        }
    }

    /// Sends ahead until the window is full. A refusal waits until what was sent before is answered,
    /// so that it is reported in its order.
    fn poll_refill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.in_flight.len() < self.window {
            let Some(command) = self.next.take().or_else(|| self.commands.next()) else { break };
            if self.in_flight.is_empty() {
                // Waits for what was abandoned before, if need be.
                match self.driver.poll_send(cx, &command) {
                    Poll::Ready(sent) => self.queue(sent?, command),
                    Poll::Pending => {
                        self.next = Some(command);
                        return Poll::Pending;
                    }
                }
            } else if let Ok(id) = self.driver.session.send(&command) {
                self.driver.trace.sent(id, &command);
                self.queue(id, command);
            } else {
                self.next = Some(command);
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S, I: Iterator<Item = Command>> Drop for Pipeline<'_, S, I> {
    fn drop(&mut self) {
        for (id, _) in &self.in_flight {
            self.driver.session.abandon(*id);
        }
    }
}
