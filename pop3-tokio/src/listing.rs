//! Listings on their way in.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use pop3_blocking::{Error, FromItem};
use pop3_proto::client::{Event, Item};
use pop3_proto::{Response, ScanListing, UniqueIdListing};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::driver::InFlight;

/// The items of a multi-line listing, whatever they are, as they are received: by [`Items::next`],
/// or as a [`Stream`].
///
/// After an error it ends.
///
/// # Cancel safety
/// Dropped before its end, the rest is read and dropped by the next call to the session.
#[derive(Debug)]
pub struct Items<'a, S> {
    sent: InFlight<'a, S>,
    response: Response,
    ended: bool,
}

impl<'a, S> Items<'a, S> {
    pub(crate) const fn new(sent: InFlight<'a, S>, response: Response) -> Self {
        Self { sent, response, ended: false }
    }

    /// The status line.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Items<'_, S> {
    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// [`Error`] if the listing cannot be completed.
    ///
    /// # Cancel safety
    /// Dropped, it loses nothing: call it again.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Items<'_, S> {
    type Item = Result<Item, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        match ready!(this.sent.poll_event(cx)) {
            Ok(Event::Item { item, .. }) => Poll::Ready(Some(Ok(item))),
            Ok(_) => {
                this.ended = true;
                Poll::Ready(None)
            }
            Err(error) => {
                this.ended = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FusedStream for Items<'_, S> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// The items of one kind: by [`Listing::next`], or as a [`Stream`].
///
/// A line that is no item is [`Error::MalformedItem`], and the listing goes on behind it: collect
/// into a `Result` to stop there, or look at each. Any other error ends it.
///
/// # Cancel safety
/// As [`Items`].
pub struct Listing<'a, S, T> {
    items: Items<'a, S>,
    kind: PhantomData<fn() -> T>,
}

/// What LIST gives.
pub type ScanListings<'a, S> = Listing<'a, S, ScanListing>;

/// What UIDL gives.
pub type UniqueIdListings<'a, S> = Listing<'a, S, UniqueIdListing>;

impl<'a, S, T> Listing<'a, S, T> {
    pub(crate) const fn new(items: Items<'a, S>) -> Self {
        Self { items, kind: PhantomData }
    }

    /// The status line.
    #[must_use]
    pub const fn response(&self) -> &Response {
        self.items.response()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, T: FromItem> Listing<'_, S, T> {
    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// [`Error::MalformedItem`] for a line that is none; any other [`Error`] if the listing cannot be
    /// completed.
    ///
    /// # Cancel safety
    /// Dropped, it loses nothing: call it again.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        Some(self.items.next().await?.and_then(T::from_item))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, T: FromItem> Stream for Listing<'_, S, T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.get_mut().items).poll_next(cx));
        Poll::Ready(item.map(|item| item.and_then(T::from_item)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, T: FromItem> FusedStream for Listing<'_, S, T> {
    fn is_terminated(&self) -> bool {
        self.items.is_terminated()
    }
}

impl<S: fmt::Debug, T> fmt::Debug for Listing<'_, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listing").field(&self.items).finish()
    }
}
