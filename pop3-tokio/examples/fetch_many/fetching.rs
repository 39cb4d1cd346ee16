//! One maildrop: connect, log in, look, fetch, quit, and say what came of it.

use std::fmt;
use std::sync::Arc;

use pop3_tokio::pop3_proto::client::{self, Channel, Support};
use pop3_tokio::pop3_proto::state::Keyword;
use pop3_tokio::pop3_proto::{Command, MessageNumber};
use pop3_tokio::{Client, Error, LoginError, Outcome, Session};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::credentials;
use crate::desk::{self, Desk, Wanted};
use crate::failure::{Doing, Failure};
use crate::listing::{Listing, Lists};
use crate::maildir::Maildir;
use crate::maildrop::Maildrop;
use crate::names::Names;
use crate::progress::Progress;
use crate::run::Settings;
use crate::screen::Screen;
use crate::stop::{Stop, Stopped};
use crate::summary::Summary;
use crate::terms;

/// Octets of a message that are written at a time; a message that has no more is delivered at once.
const BLOCK: u64 = 64 * 1024;

/// A maildrop that is being fetched.
pub(crate) struct Fetching {
    maildrop: Maildrop,
    settings: Arc<Settings>,
    screen: Screen,
    stop: Stop,
    progress: Progress,
    summary: Summary,
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Complete,
    Failed,
    Interrupted,
}

/// Why there is no more of it.
enum Over {
    Failed(Failure),
    Stopped,
}

impl From<Failure> for Over {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stopped> for Over {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl Fetching {
    pub(crate) fn new(
        maildrop: Maildrop,
        settings: Arc<Settings>,
        screen: Screen,
        stop: Stop,
    ) -> Self {
        let progress = screen.bar(&maildrop);
        Self { maildrop, settings, screen, stop, progress, summary: Summary::default() }
    }

    /// Fetches it, and says what came of it.
    pub(crate) async fn run(mut self) -> (Summary, End) {
        let transferred = self.transfer().await;
        for remark in self.summary.remarks() {
            self.tell(&remark);
        }
        let (end, why) = match transferred {
            Ok(()) if self.summary.is_complete() => (End::Complete, String::new()),
            Ok(()) => (End::Failed, "not complete; ".to_owned()),
            Err(Over::Failed(failure)) => (End::Failed, format!("{failure}; ")),
            Err(Over::Stopped) => (End::Interrupted, "interrupted; ".to_owned()),
        };
        let Summary { fetched, here, refused, .. } = self.summary;
        let refused = if refused == 0 { String::new() } else { format!(", refused {refused}") };
        let said = format!("{why}fetched {fetched}, skipped {here}{refused}");
        match end {
            End::Complete => self.screen.print(&format_args!("{}: {said}", self.maildrop)),
            End::Failed | End::Interrupted => self.tell(&said),
        }
        (self.summary, end)
    }

    /// Everything that happens with a server. Only what waits for it is stopped: what is being done
    /// on the disk ends, and is counted.
    async fn transfer(&mut self) -> Result<(), Over> {
        // What cannot be kept need not be asked for.
        let maildir = desk::open(self.maildrop.to.clone()).await?;
        // Large, and not needed any more once it is over.
        let opening = Box::pin(self.open());
        let mut session = self.stop.or(opening).await??;
        let fetched = self.fetch_from(&mut session, maildir).await;
        self.summary.deviations = session.deviations();
        fetched?;
        // Its answer decides nothing: no message is marked as deleted.
        if let Err(error) = self.stop.or(session.quit()).await? {
            self.tell(&format_args!("QUIT: {}", error.error));
        }
        Ok(())
    }

    /// Connects and logs in.
    async fn open(&self) -> Result<Session<TcpStream>, Failure> {
        let Maildrop { account, terms, .. } = &self.maildrop;
        let mut builder = Client::builder(terms.config.security);
        builder.config = terms.config;
        builder.stls = terms.stls;
        builder.deadlines = terms.deadlines;
        builder.tls.clone_from(&self.settings.tls);
        let client = builder
            .connect(&account.host, account.port)
            .await
            .map_err(|error| terms::connecting_failed(account, error))?;
        let login = match credentials::own_mechanism(&terms.choice, &terms.credentials)? {
            Some(mechanism) => client.login_by(mechanism).await,
            None => client.login_with(terms.credentials.clone(), terms.choice.clone()).await,
        };
        let mut session = match login {
            Ok(session) => session,
            Err(error) => return Err(terms.login_failed(&reason(error).await)),
        };
        if session.channel() == Channel::Clear {
            self.tell(&terms::IN_CLEAR);
        }
        // USER and APOP are taken without a look at what the server announces.
        if session.support(Keyword::Capa) == Support::Unknown {
            match session.capabilities().await {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(Failure::server(Doing::Command("CAPA"))(error)),
            }
        }
        Ok(session)
    }

    /// Asks the server what there is.
    async fn look(&self, session: &mut Session<TcpStream>) -> Result<Listing, Failure> {
        let tell = |line: &dyn fmt::Display| self.tell(line);
        let mut lists = Lists::new(&tell);
        let mut sizes = session.list().await.map_err(Failure::server(Doing::Command("LIST")))?;
        while let Some(listing) = sizes.next().await {
            lists.size(listing)?;
        }
        drop(sizes);
        match session.uidl().await {
            Ok(mut names) => {
                while let Some(listing) = names.next().await {
                    lists.name(listing)?;
                }
            }
            Err(error) => lists.no_names(error)?,
        }
        Ok(lists.listing())
    }

    async fn fetch_from(
        &mut self,
        session: &mut Session<TcpStream>,
        maildir: Maildir,
    ) -> Result<(), Over> {
        let listing = self.stop.or(self.look(session)).await??;
        self.summary.unreadable = listing.unreadable;
        let names = Names::of(&self.maildrop.account);
        let (desk, wanted, here) = Desk::new(maildir, names, listing).await?;
        self.summary.here = here;
        self.fetch(session, desk, wanted).await
    }

    /// Fetches what is wanted: in blocks, each of which is on its way to the disk before the next is
    /// read.
    async fn fetch(
        &mut self,
        session: &mut Session<TcpStream>,
        mut desk: Desk,
        wanted: Vec<Wanted>,
    ) -> Result<(), Over> {
        let octets = wanted.iter().filter_map(|(message, _)| message.octets);
        self.progress.begin(wanted.len(), octets.fold(0, u64::saturating_add));
        let numbers: Vec<MessageNumber> =
            wanted.iter().map(|(message, _)| message.number).collect();
        let mut replies =
            session.pipeline(numbers.into_iter().map(Command::Retr), self.settings.window);
        let mut block = Vec::new();
        for (message, occurrence) in wanted {
            let failed = || Failure::server(Doing::Fetching(message.number));
            // There is one reply for each command.
            let Some(reply) = self.stop.or(replies.next()).await? else { break };
            let mut body = match reply.map_err(failed())?.outcome {
                Outcome::Body(body) => body,
                Outcome::Line(response) => {
                    self.summary.refused += 1;
                    self.tell(&format_args!(
                        "message {}: the server refused it: {}",
                        message.number, response.text
                    ));
                    self.progress.ended(message.octets, 0);
                    continue;
                }
                _ => return Err(failed()(Error::Unexpected).into()),
            };
            loop {
                block.clear();
                let mut next = (&mut body).take(BLOCK);
                let read = self.stop.or(next.read_to_end(&mut block)).await?;
                self.progress.received(read.map_err(|error| failed()(error.into()))?);
                if next.limit() > 0 {
                    break;
                }
                let write = move |desk: &mut Desk| desk.write(&block).map(|()| block);
                (desk, block) = desk.at(write).await?;
            }
            let (listed, without_id) = (message.octets, message.id.is_none());
            let deliver = move |desk: &mut Desk| {
                let delivered = desk.deliver(&block, &message, occurrence)?;
                Ok((delivered, block))
            };
            let (octets, new);
            (desk, ((octets, new), block)) = desk.at(deliver).await?;
            if new {
                self.summary.fetched += 1;
                self.summary.octets += octets;
                self.summary.without_id += usize::from(without_id);
            } else {
                self.summary.here += 1;
            }
            self.progress.ended(listed, octets);
        }
        Ok(())
    }

    fn tell(&self, line: &dyn fmt::Display) {
        self.progress.tell(&format_args!("{}: {line}", self.maildrop));
    }
}

async fn reason(error: LoginError<TcpStream>) -> Error {
    match error {
        // The server was asked nothing that its answer could change.
        LoginError::Refused { client, reason }
            if !matches!(reason, client::LoginError::Send(_)) =>
        {
            let _ = client.quit().await;
            reason.into()
        }
        error => error.into(),
    }
}
