//! A message on its way in.

use std::io::{self, BufRead, Read};

use bytes::{Buf as _, Bytes};
use pop3_proto::Response;
use pop3_proto::client::{BodyRead, CommandId};

use crate::collected::Collected;
use crate::deadline::Timeouts;
use crate::driver::Driver;
use crate::error::Error;

/// Octets that [`Body::collect`] is content with when asked for no other limit: 64 MiB.
pub const COLLECT_LIMIT: u64 = 64 * 1024 * 1024;

/// Octets that [`Body::collect`] allocates at most because a server announces them: 1 MiB.
pub const COLLECT_AHEAD: u64 = 1024 * 1024;

/// The body of a multi-line reply while it is received: a message with its byte-stuffing undone and
/// its CRLFs kept.
///
/// Read it as [`Read`] into a buffer of your own, as [`BufRead`] or [`Body::chunk`] without a copy.
/// The end of the reader is the end of the message: a connection that ends before is an error.
///
/// Dropped before its end, the rest is read and dropped by the next call to the session, up to the
/// session's drain limit.
#[derive(Debug)]
pub struct Body<'a, S: Timeouts> {
    driver: &'a mut Driver<S>,
    id: CommandId,
    response: Response,
    /// What was taken from the session and not yet read.
    current: Bytes,
    ended: bool,
}

impl<'a, S: Timeouts> Body<'a, S> {
    pub(crate) const fn new(driver: &'a mut Driver<S>, id: CommandId, response: Response) -> Self {
        Self { driver, id, response, current: Bytes::new(), ended: false }
    }

    /// The status line. A size in it is a hint only, and often wrong.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// The next octets of the message, never empty; `None` at its end. Drop a chunk before the next
    /// call, and its memory is used again.
    ///
    /// # Errors
    /// [`Error`] if the message cannot be completed; what was read of it is not the message.
    pub fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.current.is_empty() {
            return Ok(Some(std::mem::take(&mut self.current)));
        }
        if self.ended {
            return Ok(None);
        }
        let data = self.driver.data_of(self.id)?;
        self.ended = data.is_none();
        Ok(data)
    }

    /// The whole message, if it has at most `limit` octets ([`COLLECT_LIMIT`] is a good one).
    /// It is allocated at once as large as the server says that it is, up to [`COLLECT_AHEAD`], and beyond that
    /// as it comes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it has more; the rest is dropped as if the body was. Otherwise as
    /// [`Body::chunk`].
    pub fn collect(mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let mut message = Collected::new(&self.response, limit);
        while let Some(chunk) = self.chunk()? {
            message.push(&chunk)?;
        }
        Ok(message.into())
    }

    fn read_into(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        while !self.ended {
            let read = self.driver.session.read_body(self.id, buffer).map_err(Error::from);
            match read.inspect_err(|error| self.driver.trace.failed(error))? {
                BodyRead::Data(read) => {
                    self.driver.trace.body(read);
                    return Ok(read);
                }
                BodyRead::NeedMore => self.driver.exchange()?,
                BodyRead::EventFirst | BodyRead::End => match self.driver.data_of(self.id)? {
                    Some(data) => {
                        self.current = data;
                        return Ok(self.take_from_current(buffer));
                    }
                    None => self.ended = true,
                },
            }
        }
        Ok(0)
    }

    fn take_from_current(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..len]);
        self.forget_empty();
        len
    }

    /// An exhausted chunk still holds its block.
    fn forget_empty(&mut self) {
        if self.current.is_empty() {
            self.current = Bytes::new();
        }
    }
}

impl<S: Timeouts> Read for Body<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            Ok(0)
        } else if self.current.is_empty() {
            Ok(self.read_into(buffer)?)
        } else {
            Ok(self.take_from_current(buffer))
        }
    }
}

impl<S: Timeouts> BufRead for Body<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_empty() {
            self.current = self.chunk()?.unwrap_or_default();
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
        self.forget_empty();
    }
}

impl<S: Timeouts> Drop for Body<'_, S> {
    fn drop(&mut self) {
        if !self.ended {
            self.driver.session.abandon(self.id);
        }
    }
}
