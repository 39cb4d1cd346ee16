//! What happens on Ctrl-C, SIGTERM and SIGHUP: nothing more is asked of any server. Connections are
//! dropped without QUIT, and what lies whole in memory is delivered. Who asks a second time does not
//! even wait for the disk; what that leaves in `tmp/` a later run removes.

use std::io;
use std::process;

use tokio::sync::watch;

use crate::failure::Failure;

/// The exit status of who was interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// Whether the user wants it to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// The user wants it to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped;

impl Stop {
    /// Listens for signals from now on.
    pub(crate) fn install() -> Result<Self, Failure> {
        let mut signals = Signals::new().map_err(|error| Failure::Local {
            doing: "take care of interruptions",
            reason: error.to_string(),
        })?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            stop.send_replace(true);
            signals.next().await;
            process::exit(INTERRUPTED.into());
        });
        Ok(Self(stopped))
    }

    pub(crate) fn is_wanted(&self) -> bool {
        *self.0.borrow()
    }

    /// What `future` gives, unless the user does not want to wait for it.
    pub(crate) async fn or<T>(&self, future: impl Future<Output = T>) -> Result<T, Stopped> {
        let mut stop = self.0.clone();
        let wanted = async { drop(stop.wait_for(|wanted| *wanted).await) };
        tokio::select! {
            biased;
            () = wanted => Err(Stopped),
            value = future => Ok(value),
        }
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
