//! When the thing that is awaited must have come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pop3_blocking::Deadlines;
use pop3_proto::client::Waiting;
use tokio::time::{Instant, Sleep, sleep_until};

/// The one timer of a session.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) deadlines: Deadlines,
    /// What was awaited when the clock was last looked at, and until when.
    awaited: Option<(Waiting, Instant)>,
    /// An end that holds whatever is awaited: that of an opening or a login.
    overall: Option<Instant>,
    /// Made when something is awaited for the first time.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) const fn new(deadlines: Deadlines) -> Self {
        Self { deadlines, awaited: None, overall: None, sleep: None }
    }

    pub(crate) fn begin_opening(&mut self) {
        let Deadlines { greeting, login, .. } = self.deadlines;
        self.overall = Some(after(greeting.saturating_add(login)));
    }

    pub(crate) fn begin_login(&mut self) {
        self.overall = Some(after(self.deadlines.login));
    }

    /// The opening or the login is over.
    pub(crate) const fn end(&mut self) {
        self.overall = None;
    }

    /// Something came while `waiting` for this: silence begins anew, and so does whatever comes next.
    pub(crate) fn progress(&mut self, waiting: Waiting) {
        let same = self.awaited.is_some_and(|(same, _)| same == waiting);
        if !same || matches!(waiting, Waiting::Rest(_)) {
            self.awaited = None;
        }
    }

    /// Ready when the time of what is awaited is over. It is to be asked only where nothing comes: what
    /// has come already is in time.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, waiting: Waiting) -> Poll<()> {
        let until = match self.awaited {
            Some((same, until)) if same == waiting => until,
            _ => {
                let until = after(match waiting {
                    Waiting::Greeting => self.deadlines.greeting,
                    _ => self.deadlines.reply,
                });
                self.awaited = Some((waiting, until));
                until
            }
        };
        let until = self.overall.map_or(until, |overall| overall.min(until));
        while Instant::now() < until {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
            // An end that has moved away is looked at when the timer fires: setting it costs a lock.
            if sleep.is_elapsed() || sleep.deadline() > until {
                sleep.as_mut().reset(until);
            }
            ready!(sleep.as_mut().poll(cx));
        }
        Poll::Ready(())
    }
}

/// The end of a time that begins now; a time beyond the end of time lasts thirty years.
pub(crate) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + Duration::from_secs(946_080_000))
}
