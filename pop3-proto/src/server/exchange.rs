//! AUTH exchanges: challenges out, responses in, until a status line ends them (RFC 5034 §4).

use super::{Event, Open, RespondError, ServerSession};
use crate::error::CommandError;
use crate::{Base64, Response, Status, Text};

/// The exchange that is going on: the next line is no command but a response.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Responses so far.
    rounds: u32,
}

impl ServerSession {
    /// Answers AUTH, or what the client said to the last challenge, with a challenge; an empty one
    /// where a client that speaks first has not spoken yet (RFC 5034 §4). The response comes as
    /// [`Event::SaslResponse`].
    ///
    /// # Errors
    /// [`RespondError`] if no such answer is due; [`RespondError::TooLong`] beyond
    /// [`ServerLimits::sasl_line`](super::ServerLimits::sasl_line).
    pub fn challenge(&mut self, challenge: &Base64) -> Result<(), RespondError> {
        self.exchanges()?;
        let (before, text, behind) = (b"+ ", challenge.expose(), b"\r\n");
        let octets = before.len() + text.len() + behind.len();
        if octets > self.config.limits.sasl_line {
            return Err(RespondError::TooLong);
        }
        self.output.append(octets, true, |buffer| {
            buffer.extend_from_slice(before);
            buffer.extend_from_slice(text);
            buffer.extend_from_slice(behind);
        });
        self.open = Open::Nothing;
        self.exchange.get_or_insert_default();
        self.fit_input();
        Ok(())
    }

    /// Takes the line that answers a challenge.
    pub(super) fn read_response(&mut self, len: usize, consumed: usize) -> Event {
        let line = self.input.pending().get(..len).unwrap_or_default();
        let cancels = line == b"*";
        let response = Base64::received(line);
        self.input.consume_wiped(consumed);
        if cancels {
            self.end_exchange();
            self.count_failed_login();
            let text = Text::received(b"authentication cancelled");
            self.put(&Response::new(Status::Err, text));
            return Event::SaslCancelled;
        }
        let rounds = self.exchange.as_ref().map_or(0, |exchange| exchange.rounds);
        if rounds >= self.config.limits.sasl_rounds {
            return self.rejected(CommandError::TooManyRounds);
        }
        let Ok(response) = response else { return self.rejected(CommandError::Base64) };
        self.exchange = Some(Exchange { rounds: rounds + 1 });
        self.open = Open::Response;
        Event::SaslResponse(response)
    }

    /// Goes back to commands; nothing is left of the exchange (RFC 5034 §4).
    pub(super) fn end_exchange(&mut self) {
        self.exchange = None;
        self.fit_input();
    }

    /// Octets of the line that is due.
    pub(super) fn line_limit(&self) -> usize {
        let limits = &self.config.limits;
        if self.exchange.is_some() { limits.sasl_line } else { limits.command_line }
    }

    /// Makes room for the line that is due, and for no more.
    fn fit_input(&mut self) {
        // One octet at the least, or nothing could ever be read.
        let block = self.config.limits.input_block.max(self.line_limit()).max(1);
        self.input.resize(block);
    }
}
