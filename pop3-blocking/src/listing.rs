//! Listings on their way in.

use std::fmt;
use std::marker::PhantomData;

use pop3_proto::client::{CommandId, Event, Item};
use pop3_proto::{Response, ScanListing, UniqueIdListing};

use crate::deadline::Timeouts;
use crate::driver::Driver;
use crate::error::Error;

/// The items of a multi-line listing, whatever they are, as they are received.
///
/// After an error it ends. Dropped before its end, the rest is read and dropped by the next call to
/// the session.
#[derive(Debug)]
pub struct Items<'a, S: Timeouts> {
    driver: &'a mut Driver<S>,
    id: CommandId,
    response: Response,
    ended: bool,
}

impl<'a, S: Timeouts> Items<'a, S> {
    pub(crate) const fn new(driver: &'a mut Driver<S>, id: CommandId, response: Response) -> Self {
        Self { driver, id, response, ended: false }
    }

    /// The status line.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }
}

impl<S: Timeouts> Iterator for Items<'_, S> {
    type Item = Result<Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.driver.event_of(self.id) {
            Ok(Event::Item { item, .. }) => Some(Ok(item)),
            Ok(_) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

impl<S: Timeouts> std::iter::FusedIterator for Items<'_, S> {}

impl<S: Timeouts> Drop for Items<'_, S> {
    fn drop(&mut self) {
        if !self.ended {
            self.driver.session.abandon(self.id);
        }
    }
}

/// The items of one kind.
///
/// A line that is no item is [`Error::MalformedItem`], and the listing goes on behind it: collect
/// into a `Result` to stop there, or look at each. Any other error ends it.
pub struct Listing<'a, S: Timeouts, T> {
    items: Items<'a, S>,
    kind: PhantomData<fn() -> T>,
}

/// What LIST gives.
pub type ScanListings<'a, S> = Listing<'a, S, ScanListing>;

/// What UIDL gives.
pub type UniqueIdListings<'a, S> = Listing<'a, S, UniqueIdListing>;

impl<'a, S: Timeouts, T> Listing<'a, S, T> {
    pub(crate) const fn new(items: Items<'a, S>) -> Self {
        Self { items, kind: PhantomData }
    }

    /// The status line.
    #[must_use]
    pub const fn response(&self) -> &Response {
        self.items.response()
    }
}

impl<S: Timeouts, T: FromItem> Iterator for Listing<'_, S, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.items.next()?.and_then(T::from_item))
    }
}

impl<S: Timeouts + fmt::Debug, T> fmt::Debug for Listing<'_, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listing").field(&self.items).finish()
    }
}

/// What an item of a listing may be asked to be.
pub trait FromItem: Sized {
    /// The item, as that.
    ///
    /// # Errors
    /// [`Error::MalformedItem`] if the line was no item, [`Error::Unexpected`] if it is one of another kind.
    fn from_item(item: Item) -> Result<Self, Error>;
}

macro_rules! from_item {
    ($($variant:ident => $value:ty,)*) => {$(
        impl FromItem for $value {
            fn from_item(item: Item) -> Result<Self, Error> {
                match item {
                    Item::$variant(value) => Ok(value),
                    Item::Malformed(text) => Err(Error::MalformedItem(text)),
                    _ => Err(Error::Unexpected),
                }
            }
        }
    )*};
}

from_item! {
    Drop => pop3_proto::DropListing,
    Scan => ScanListing,
    UniqueId => UniqueIdListing,
    Capability => Box<pop3_proto::Capability>,
    Language => pop3_proto::LanguageListing,
}
