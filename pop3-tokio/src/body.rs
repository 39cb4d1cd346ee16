//! A message on its way in.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use pop3_blocking::{Collected, Error};
use pop3_proto::Response;
use pop3_proto::client::BodyRead;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::driver::InFlight;

/// The body of a multi-line reply while it is received: a message with its byte-stuffing undone and
/// its CRLFs kept.
///
/// Read it as [`AsyncRead`] into a buffer of your own, as [`AsyncBufRead`], [`Stream`] or
/// [`Body::chunk`] without a copy; all of them may be mixed. The end of the reader is the end of the
/// message: a connection that ends before is an error.
///
/// # Cancel safety
/// Reading loses nothing when it is dropped or not polled again. The body itself dropped before its
/// end, the rest is read and dropped by the next call to the session, up to the session's drain
/// limit.
#[derive(Debug)]
pub struct Body<'a, S> {
    sent: InFlight<'a, S>,
    response: Response,
    /// What was taken from the session and not yet read.
    current: Bytes,
    /// The stream has given its last item, which was an error.
    failed: bool,
}

impl<'a, S> Body<'a, S> {
    pub(crate) const fn new(sent: InFlight<'a, S>, response: Response) -> Self {
        Self { sent, response, current: Bytes::new(), failed: false }
    }

    /// The status line. A size in it is a hint only, and often wrong.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// An exhausted chunk still holds its block.
    fn forget_empty(&mut self) {
        if self.current.is_empty() {
            self.current = Bytes::new();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Body<'_, S> {
    /// The next octets of the message, never empty; `None` at its end. Drop a chunk before the next
    /// call, and its memory is used again.
    ///
    /// # Errors
    /// [`Error`] if the message cannot be completed; what was read of it is not the message.
    ///
    /// # Cancel safety
    /// Dropped, it loses nothing: call it again.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The whole message, if it has at most `limit` octets ([`COLLECT_LIMIT`](crate::COLLECT_LIMIT)
    /// is a good one). It is allocated at once as large as the server says that it is, up to
    /// [`COLLECT_AHEAD`](crate::COLLECT_AHEAD), and beyond that as it comes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it has more; the rest is dropped as if the body was. Otherwise as
    /// [`Body::chunk`].
    ///
    /// # Cancel safety
    /// Dropped, it drops the body.
    pub async fn collect(mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let mut message = Collected::new(&self.response, limit);
        while let Some(chunk) = self.chunk().await? {
            message.push(&chunk)?;
        }
        Ok(message.into())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        if !self.current.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.current))));
        }
        if self.sent.ended { Poll::Ready(Ok(None)) } else { self.sent.poll_data(cx) }
    }

    /// Decodes what is received straight into `buffer`; 0 if what is next is an event.
    fn poll_decode(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        loop {
            let InFlight { driver, id, .. } = &mut self.sent;
            let read = driver.session.read_body(*id, buffer).map_err(Error::from);
            match read.inspect_err(|error| driver.trace.failed(error))? {
                BodyRead::Data(read) => {
                    driver.trace.body(read);
                    return Poll::Ready(Ok(read));
                }
                BodyRead::NeedMore => ready!(driver.poll_exchange(cx))?,
                BodyRead::EventFirst | BodyRead::End => return Poll::Ready(Ok(0)),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Body<'_, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if this.current.is_empty() && !this.sent.ended {
            let read = ready!(this.poll_decode(cx, buffer.initialize_unfilled()))?;
            if read > 0 {
                buffer.advance(read);
                return Poll::Ready(Ok(()));
            }
            this.current = ready!(this.poll_chunk(cx))?.unwrap_or_default();
        }
        let len = this.current.len().min(buffer.remaining());
        buffer.put_slice(&this.current.split_to(len));
        this.forget_empty();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for Body<'_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.current.is_empty() {
            this.current = ready!(this.poll_chunk(cx))?.unwrap_or_default();
        }
        Poll::Ready(Ok(&this.current))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.current.advance(amount.min(this.current.len()));
        this.forget_empty();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Body<'_, S> {
    type Item = Result<Bytes, Error>;

    /// As [`Body::chunk`]; after an error it ends, which is not the end of the message.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(None);
        }
        let chunk = ready!(this.poll_chunk(cx));
        this.failed = chunk.is_err();
        Poll::Ready(chunk.transpose())
    }
}
