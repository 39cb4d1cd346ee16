//! A message that is put together.

use pop3_proto::Response;

use crate::body::COLLECT_AHEAD;
use crate::error::Error;

/// A message that is put together from its chunks. For adapters of other runtimes: it is what their `collect` does.
#[derive(Debug)]
pub struct Collected {
    message: Vec<u8>,
    announced: u64,
    limit: u64,
}

impl Collected {
    /// A message of which nothing has come, of `limit` octets at most; `response` is the status line before it.
    #[must_use]
    pub fn new(response: &Response, limit: u64) -> Self {
        let announced = response.octets().unwrap_or(0).min(COLLECT_AHEAD).min(limit);
        Self { message: Vec::new(), announced, limit }
    }

    /// Adds what has come.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the message passes the limit; nothing is added then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let octets = u64::try_from(self.message.len() + chunk.len()).unwrap_or(u64::MAX);
        if octets > self.limit {
            return Err(Error::TooLarge { limit: self.limit });
        }
        if self.message.is_empty() {
            // A server that announces and sends nothing has nothing allocated.
            let ahead = usize::try_from(self.announced).unwrap_or(0);
            self.message.reserve_exact(ahead.max(chunk.len()));
        }
        self.message.extend_from_slice(chunk);
        Ok(())
    }
}

impl From<Collected> for Vec<u8> {
    fn from(collected: Collected) -> Self {
        collected.message
    }
}
