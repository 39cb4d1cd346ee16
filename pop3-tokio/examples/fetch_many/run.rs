//! All maildrops, so many at a time.

use std::process::ExitCode;
use std::sync::Arc;

use pop3_tokio::Tls;
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::fetching::{End, Fetching};
use crate::maildrop::Maildrop;
use crate::screen::Screen;
use crate::stop::{INTERRUPTED, Stop};
use crate::summary::{Summary, messages};
use crate::terms;

/// What all maildrops have in common.
#[derive(Debug)]
pub(crate) struct Settings {
    concurrency: usize,
    pub(crate) window: usize,
    pub(crate) tls: Option<Tls>,
}

impl Settings {
    pub(crate) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let authorities = terms::authorities(&arguments.options)?;
        Ok(Self {
            concurrency: arguments.concurrency(),
            window: arguments.options.window(),
            // Where the platform has none, who needs them says so.
            tls: authorities.or_else(|| Tls::platform().ok()),
        })
    }
}

/// Fetches all maildrops and says what came of each.
pub(crate) async fn run(maildrops: Vec<Maildrop>, settings: Settings) -> Result<ExitCode, Failure> {
    let stop = Stop::install()?;
    let screen = Screen::new();
    let settings = Arc::new(settings);
    let mut sum = Sum { maildrops: maildrops.len(), ..Sum::default() };
    let mut waiting = maildrops.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < settings.concurrency && !stop.is_wanted() {
            let Some(maildrop) = waiting.next() else { break };
            let fetching =
                Fetching::new(maildrop, Arc::clone(&settings), screen.clone(), stop.clone());
            running.spawn(fetching.run());
        }
        match running.join_next().await {
            Some(Ok((summary, end))) => sum.add(&summary, end),
            // What the panic was is on stderr.
            Some(Err(_)) => sum.failed += 1,
            None => break,
        }
    }
    sum.interrupted += waiting.len();
    screen.print(&sum.said());
    Ok(sum.exit_code())
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Sum {
    maildrops: usize,
    failed: usize,
    interrupted: usize,
    fetched: usize,
    octets: u64,
    here: usize,
}

impl Sum {
    fn add(&mut self, summary: &Summary, end: End) {
        self.fetched += summary.fetched;
        self.octets += summary.octets;
        self.here += summary.here;
        match end {
            End::Complete => {}
            End::Failed => self.failed += 1,
            End::Interrupted => self.interrupted += 1,
        }
    }

    fn said(&self) -> String {
        let Self { maildrops, failed, interrupted, fetched, octets, here } = self;
        let complete = maildrops - failed - interrupted;
        let interrupted = match interrupted {
            0 => String::new(),
            count => format!(", {count} interrupted"),
        };
        format!(
            "{complete} of {maildrops} maildrops complete, {failed} failed{interrupted}; \
             {} fetched ({octets} octets), {here} skipped",
            messages(*fetched)
        )
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self { interrupted: 1.., .. } => ExitCode::from(INTERRUPTED),
            Self { failed: 1.., .. } => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        }
    }
}
