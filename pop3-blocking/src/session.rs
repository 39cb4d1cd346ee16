//! A session in TRANSACTION.

use pop3_proto::client::{Channel, CommandId, Event, Method, Support, Update};
use pop3_proto::state::Keyword;
use pop3_proto::{
    Capabilities, Command, Deviations, DropListing, Greeting, LanguageListing, LanguageRange,
    MessageNumber, Response, ScanListing, UniqueIdListing,
};

use crate::body::Body;
use crate::deadline::Timeouts;
use crate::driver::Driver;
use crate::error::{Error, QuitError};
use crate::listing::{FromItem, Items, ScanListings, UniqueIdListings};
use crate::pipeline::Pipeline;

/// An open maildrop (RFC 1939 §5).
///
/// Messages marked as deleted are removed by [`Session::quit`] and by nothing else: a session that is
/// dropped, or whose connection breaks, removes nothing. Message-numbers mean nothing in any other
/// session.
#[derive(Debug)]
pub struct Session<S> {
    driver: Driver<S>,
    greeting: Greeting,
    method: Method,
}

impl<S: Timeouts> Session<S> {
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

    /// Asks what the server can do, now that somebody is logged in (CAPA, RFC 2449 §5).
    ///
    /// # Errors
    /// [`Error::Refused`] from a server that does not know CAPA.
    pub fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.driver.capabilities()
    }

    /// The languages that the server's texts can be in (LANG, RFC 6856 §3).
    ///
    /// # Errors
    /// As [`Session::stat`]; [`Error::Refused`] from a server that cannot list them.
    pub fn languages(&mut self) -> Result<Vec<LanguageListing>, Error> {
        self.driver.languages()
    }

    /// Asks for the server's texts in another language, and gives the one that it chose (LANG, RFC 6856
    /// §3). Texts are shown, never decided by.
    ///
    /// # Errors
    /// As [`Session::stat`]; after [`Error::Refused`] the language is as before.
    pub fn choose_language(&mut self, range: &LanguageRange) -> Result<LanguageListing, Error> {
        self.driver.item(&Command::Lang(Some(range.clone())))
    }

    /// How many messages there are, and their octets together (STAT).
    ///
    /// # Errors
    /// [`Error`]; see there for which leave the session usable.
    pub fn stat(&mut self) -> Result<DropListing, Error> {
        self.driver.item(&Command::Stat)
    }

    /// The sizes of all messages, as they are received (LIST). Sizes are hints.
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn list(&mut self) -> Result<ScanListings<'_, S>, Error> {
        self.driver.items(&Command::List(None)).map(ScanListings::new)
    }

    /// The size of one message (LIST n).
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn list_one(&mut self, message: MessageNumber) -> Result<ScanListing, Error> {
        self.driver.item(&Command::List(Some(message)))
    }

    /// The unique-ids of all messages, as they are received (UIDL).
    ///
    /// # Errors
    /// As [`Session::stat`]; [`Error::Refused`] from a server that does not know UIDL.
    pub fn uidl(&mut self) -> Result<UniqueIdListings<'_, S>, Error> {
        self.driver.items(&Command::Uidl(None)).map(UniqueIdListings::new)
    }

    /// The unique-id of one message (UIDL n).
    ///
    /// # Errors
    /// As [`Session::uidl`].
    pub fn uidl_one(&mut self, message: MessageNumber) -> Result<UniqueIdListing, Error> {
        self.driver.item(&Command::Uidl(Some(message)))
    }

    /// A message (RETR).
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn retr(&mut self, message: MessageNumber) -> Result<Body<'_, S>, Error> {
        self.driver.body(&Command::Retr(message))
    }

    /// The headers of a message, the blank line and the first `lines` lines of its body (TOP).
    ///
    /// # Errors
    /// As [`Session::stat`]; [`Error::Refused`] from a server that does not know TOP.
    pub fn top(&mut self, message: MessageNumber, lines: u64) -> Result<Body<'_, S>, Error> {
        self.driver.body(&Command::Top { message, lines })
    }

    /// Marks a message as deleted (DELE). [`Session::quit`] removes it.
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn dele(&mut self, message: MessageNumber) -> Result<Response, Error> {
        self.driver.positive(&Command::Dele(message))
    }

    /// Does nothing; the server's inactivity timer starts again (NOOP).
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn noop(&mut self) -> Result<Response, Error> {
        self.driver.positive(&Command::Noop)
    }

    /// Unmarks all messages (RSET).
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn rset(&mut self) -> Result<Response, Error> {
        self.driver.positive(&Command::Rset)
    }

    /// Sends a command of your own whose reply is one line; see [`Command::raw`].
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn raw_line(&mut self, command: &Command) -> Result<Response, Error> {
        self.driver.positive(command)
    }

    /// Sends a command of your own whose reply is multi-line; see [`Command::raw`].
    ///
    /// # Errors
    /// As [`Session::stat`].
    pub fn raw_body(&mut self, command: &Command) -> Result<Body<'_, S>, Error> {
        self.driver.body(command)
    }

    /// Sends many commands ahead of their replies, `window` at most at a time (0 is as good as 1), and
    /// gives the replies in order. Where the server did not announce PIPELINING it sends one at a time.
    pub fn pipeline<I>(&mut self, commands: I, window: usize) -> Pipeline<'_, S, I::IntoIter>
    where
        I: IntoIterator<Item = Command>,
    {
        Pipeline::new(&mut self.driver, commands.into_iter(), window)
    }

    /// Ends the session: the server removes what is marked as deleted (QUIT, RFC 1939 §6).
    ///
    /// [`Update::Refused`] means that some or none were removed.
    ///
    /// # Errors
    /// [`QuitError`] if the answer did not come; its `update` says whether QUIT had left.
    pub fn quit(self) -> Result<Update, QuitError> {
        self.driver.quit()
    }
}

impl<S: Timeouts> Driver<S> {
    /// A command whose reply is a single line, positive or negative.
    pub(crate) fn line(&mut self, command: &Command) -> Result<Response, Error> {
        let id = self.send(command)?;
        self.completed(id)
    }

    /// The same, with a negative one as an error.
    pub(crate) fn positive(&mut self, command: &Command) -> Result<Response, Error> {
        let response = self.line(command)?;
        if response.is_ok() { Ok(response) } else { Err(Error::Refused(response)) }
    }

    /// A command whose single line is an item.
    pub(crate) fn item<T: FromItem>(&mut self, command: &Command) -> Result<T, Error> {
        let id = self.send(command)?;
        match self.event_of(id)? {
            Event::Item { item, .. } => {
                self.completed(id)?;
                T::from_item(item)
            }
            Event::Completed { response, .. } if !response.is_ok() => Err(Error::Refused(response)),
            _ => Err(Error::Unexpected),
        }
    }

    /// The languages that LANG lists.
    pub(crate) fn languages(&mut self) -> Result<Vec<LanguageListing>, Error> {
        self.items(&Command::Lang(None))?
            .map(|item| item.and_then(LanguageListing::from_item))
            .collect()
    }

    fn items(&mut self, command: &Command) -> Result<Items<'_, S>, Error> {
        let (id, response) = self.started(command)?;
        Ok(Items::new(self, id, response))
    }

    fn body(&mut self, command: &Command) -> Result<Body<'_, S>, Error> {
        let (id, response) = self.started(command)?;
        Ok(Body::new(self, id, response))
    }

    pub(crate) fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.items(&Command::Capa)?.try_for_each(|item| item.map(drop))?;
        self.session.capabilities().cloned().ok_or(Error::Unexpected)
    }

    fn started(&mut self, command: &Command) -> Result<(CommandId, Response), Error> {
        let id = self.send(command)?;
        match self.event_of(id)? {
            Event::Started { response, .. } => Ok((id, response)),
            Event::Completed { response, .. } if !response.is_ok() => Err(Error::Refused(response)),
            _ => Err(Error::Unexpected),
        }
    }

    fn completed(&mut self, id: CommandId) -> Result<Response, Error> {
        match self.event_of(id)? {
            Event::Completed { response, .. } => Ok(response),
            _ => Err(Error::Unexpected),
        }
    }

    pub(crate) fn quit(mut self) -> Result<Update, QuitError> {
        match self.line(&Command::Quit) {
            Ok(_) => {
                self.stream.close();
                self.trace.quit(self.session.update());
                Ok(self.session.update())
            }
            Err(error) => Err(QuitError::new(self.session.update(), error)),
        }
    }
}
