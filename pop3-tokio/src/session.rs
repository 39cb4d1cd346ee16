//! A session in TRANSACTION.

use std::future::poll_fn;

use pop3_blocking::{Error, FromItem, QuitError};
use pop3_proto::client::{Channel, Event, Method, Support, Update};
use pop3_proto::state::Keyword;
use pop3_proto::{
    Capabilities, Command, Deviations, DropListing, Greeting, LanguageListing, LanguageRange,
    MessageNumber, Response, ScanListing, UniqueIdListing,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Body;
use crate::driver::{Driver, InFlight};
use crate::listing::{Items, ScanListings, UniqueIdListings};
use crate::pipeline::Pipeline;

/// An open maildrop (RFC 1939 §5).
///
/// Messages marked as deleted are removed by [`Session::quit`] and by nothing else: a session that is
/// dropped, or whose connection breaks, removes nothing. Message-numbers mean nothing in any other
/// session.
///
/// # Cancel safety
/// The future of any method that borrows the session may be dropped at any point: it abandons its
/// command, and the session goes on in step. A part of the command that has left is completed by the
/// next call, its reply is read and dropped, and what it does it may do.
#[derive(Debug)]
pub struct Session<S> {
    driver: Driver<S>,
    greeting: Greeting,
    method: Method,
}

impl<S> Session<S> {
    pub(crate) const fn new(driver: Driver<S>, greeting: Greeting, method: Method) -> Self {
        Self { driver, greeting, method }
    }

    /// The greeting.
    #[must_use]
    pub const fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// How the login was made.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// What carries the session.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.driver.session.channel()
    }

    /// What is known of the server and an optional command, so that a caller can do without UIDL, TOP or
    /// CAPA where they are missing, and try again where they failed for the moment.
    #[must_use]
    pub fn support(&self, keyword: Keyword) -> Support {
        self.driver.session.support(keyword)
    }

    /// What the server has been forgiven so far.
    #[must_use]
    pub const fn deviations(&self) -> Deviations {
        self.driver.deviations
    }

    /// Whether [`Session::pipeline`] will send ahead: the server has announced PIPELINING, or the
    /// configuration says so.
    #[must_use]
    pub fn may_pipeline(&self) -> bool {
        self.driver.session.may_pipeline()
    }

    /// Sends many commands ahead of their replies, `window` at most at a time (0 is as good as 1), and
    /// gives the replies in order. Where the server did not announce PIPELINING it sends one at a time.
    /// Nothing is sent before [`Pipeline::next`].
    ///
    /// # Cancel safety
    /// See [`Pipeline`].
    pub fn pipeline<I>(&mut self, commands: I, window: usize) -> Pipeline<'_, S, I::IntoIter>
    where
        I: IntoIterator<Item = Command>,
    {
        Pipeline::new(&mut self.driver, commands.into_iter(), window)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Asks what the server can do, now that somebody is logged in (CAPA, RFC 2449 §5).
    ///
    /// # Errors
    /// [`Error::Refused`] from a server that does not know CAPA.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command; what was known of the server before stays known.
    pub async fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.driver.capabilities().await
    }

    /// The languages that the server's texts can be in (LANG, RFC 6856 §3).
    ///
    /// # Errors
    /// As [`Session::stat`]; [`Error::Refused`] from a server that cannot list them.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command.
    pub async fn languages(&mut self) -> Result<Vec<LanguageListing>, Error> {
        self.driver.languages().await
    }

    /// Asks for the server's texts in another language, and gives the one that it chose (LANG, RFC 6856
    /// §3). Texts are shown, never decided by.
    ///
    /// # Errors
    /// As [`Session::stat`]; after [`Error::Refused`] the language is as before.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command; if it has left, the server does it nevertheless.
    pub async fn choose_language(
        &mut self,
        range: &LanguageRange,
    ) -> Result<LanguageListing, Error> {
        self.driver.item(&Command::Lang(Some(range.clone()))).await
    }

    /// How many messages there are, and their octets together (STAT).
    ///
    /// # Errors
    /// [`Error`]; see there for which leave the session usable.
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command: see [`Session`].
    pub async fn stat(&mut self) -> Result<DropListing, Error> {
        self.driver.item(&Command::Stat).await
    }

    /// The sizes of all messages, as they are received (LIST). Sizes are hints.
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`]; the same holds for the listing.
    pub async fn list(&mut self) -> Result<ScanListings<'_, S>, Error> {
        self.driver.items(&Command::List(None)).await.map(ScanListings::new)
    }

    /// The size of one message (LIST n).
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`].
    pub async fn list_one(&mut self, message: MessageNumber) -> Result<ScanListing, Error> {
        self.driver.item(&Command::List(Some(message))).await
    }

    /// The unique-ids of all messages, as they are received (UIDL).
    ///
    /// # Errors
    /// As [`Session::stat`]; [`Error::Refused`] from a server that does not know UIDL.
    ///
    /// # Cancel safety
    /// As [`Session::stat`]; the same holds for the listing.
    pub async fn uidl(&mut self) -> Result<UniqueIdListings<'_, S>, Error> {
        self.driver.items(&Command::Uidl(None)).await.map(UniqueIdListings::new)
    }

    /// The unique-id of one message (UIDL n).
    ///
    /// # Errors
    /// As [`Session::uidl`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`].
    pub async fn uidl_one(&mut self, message: MessageNumber) -> Result<UniqueIdListing, Error> {
        self.driver.item(&Command::Uidl(Some(message))).await
    }

    /// A message (RETR).
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`]; the same holds for the body.
    pub async fn retr(&mut self, message: MessageNumber) -> Result<Body<'_, S>, Error> {
        self.driver.body(&Command::Retr(message)).await
    }

    /// The headers of a message, the blank line and the first `lines` lines of its body (TOP).
    ///
    /// # Errors
    /// As [`Session::stat`]; [`Error::Refused`] from a server that does not know TOP.
    ///
    /// # Cancel safety
    /// As [`Session::stat`]; the same holds for the body.
    pub async fn top(&mut self, message: MessageNumber, lines: u64) -> Result<Body<'_, S>, Error> {
        self.driver.body(&Command::Top { message, lines }).await
    }

    /// Marks a message as deleted (DELE). [`Session::quit`] removes it.
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command. The message may be marked all the same: a later
    /// [`Session::rset`] unmarks it, and a session that is dropped without QUIT removes nothing.
    pub async fn dele(&mut self, message: MessageNumber) -> Result<Response, Error> {
        self.driver.positive(&Command::Dele(message)).await
    }

    /// Does nothing; the server's inactivity timer starts again (NOOP).
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`].
    pub async fn noop(&mut self) -> Result<Response, Error> {
        self.driver.positive(&Command::Noop).await
    }

    /// Unmarks all messages (RSET).
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// Dropped, it abandons the command; the messages may be unmarked all the same.
    pub async fn rset(&mut self) -> Result<Response, Error> {
        self.driver.positive(&Command::Rset).await
    }

    /// Sends a command of your own whose reply is one line; see [`Command::raw`].
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`].
    pub async fn raw_line(&mut self, command: &Command) -> Result<Response, Error> {
        self.driver.positive(command).await
    }

    /// Sends a command of your own whose reply is multi-line; see [`Command::raw`].
    ///
    /// # Errors
    /// As [`Session::stat`].
    ///
    /// # Cancel safety
    /// As [`Session::stat`]; the same holds for the body.
    pub async fn raw_body(&mut self, command: &Command) -> Result<Body<'_, S>, Error> {
        self.driver.body(command).await
    }

    /// Ends the session: the server removes what is marked as deleted (QUIT, RFC 1939 §6).
    ///
    /// [`Update::Refused`] means that some or none were removed.
    ///
    /// # Errors
    /// [`QuitError`] if the answer did not come; its `update` says whether QUIT had left.
    ///
    /// # Cancel safety
    /// Dropped, it drops the connection. Whether QUIT had left by then, and so whether anything is
    /// removed, nobody can tell.
    pub async fn quit(self) -> Result<Update, QuitError> {
        self.driver.quit().await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Sends a command; nothing is awaited between its being taken and there being somebody to
    /// abandon it.
    async fn send(&mut self, command: &Command) -> Result<InFlight<'_, S>, Error> {
        let id = poll_fn(|cx| self.poll_send(cx, command)).await?;
        Ok(InFlight::new(self, id))
    }

    /// A command whose reply is a single line, positive or negative.
    async fn line(&mut self, command: &Command) -> Result<Response, Error> {
        match self.send(command).await?.event().await? {
            Event::Completed { response, .. } => Ok(response),
            _ => Err(Error::Unexpected),
        }
    }

    /// The same, with a negative one as an error.
    pub(crate) async fn positive(&mut self, command: &Command) -> Result<Response, Error> {
        let response = self.line(command).await?;
        if response.is_ok() { Ok(response) } else { Err(Error::Refused(response)) }
    }

    /// A command whose single line is an item.
    pub(crate) async fn item<T: FromItem>(&mut self, command: &Command) -> Result<T, Error> {
        let mut sent = self.send(command).await?;
        match sent.event().await? {
            Event::Item { item, .. } => match sent.event().await? {
                Event::Completed { .. } => T::from_item(item),
                _ => Err(Error::Unexpected),
            },
            Event::Completed { response, .. } if !response.is_ok() => Err(Error::Refused(response)),
            _ => Err(Error::Unexpected),
        }
    }

    pub(crate) async fn languages(&mut self) -> Result<Vec<LanguageListing>, Error> {
        let mut items = self.items(&Command::Lang(None)).await?;
        let mut languages = Vec::new();
        while let Some(item) = items.next().await {
            languages.push(LanguageListing::from_item(item?)?);
        }
        Ok(languages)
    }

    async fn items(&mut self, command: &Command) -> Result<Items<'_, S>, Error> {
        let (sent, response) = self.started(command).await?;
        Ok(Items::new(sent, response))
    }

    async fn body(&mut self, command: &Command) -> Result<Body<'_, S>, Error> {
        let (sent, response) = self.started(command).await?;
        Ok(Body::new(sent, response))
    }

    async fn started(&mut self, command: &Command) -> Result<(InFlight<'_, S>, Response), Error> {
        let mut sent = self.send(command).await?;
        match sent.event().await? {
            Event::Started { response, .. } => Ok((sent, response)),
            Event::Completed { response, .. } if !response.is_ok() => Err(Error::Refused(response)),
            _ => Err(Error::Unexpected),
        }
    }

    pub(crate) async fn capabilities(&mut self) -> Result<Capabilities, Error> {
        let mut items = self.items(&Command::Capa).await?;
        while let Some(item) = items.next().await {
            item?;
        }
        drop(items);
        self.session.capabilities().cloned().ok_or(Error::Unexpected)
    }

    pub(crate) async fn quit(mut self) -> Result<Update, QuitError> {
        match self.line(&Command::Quit).await {
            Ok(_) => {
                self.stream.close().await;
                self.trace.quit(self.session.update());
                Ok(self.session.update())
            }
            Err(error) => Err(QuitError::new(self.session.update(), error)),
        }
    }
}
