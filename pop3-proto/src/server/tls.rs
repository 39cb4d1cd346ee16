//! STLS: the switch from clear to TLS, over which nothing is carried (RFC 2595 §4).

use super::{Event, Open, RespondError, ServerSession};
use crate::client::Channel;
use crate::state::Keyword;

impl ServerSession {
    /// Says that the TLS handshake that [`Event::StartTls`] called for is done. Everything that the
    /// client did in clear is forgotten: the name that USER gave, the language, what was counted. What
    /// the caller knows of it must be forgotten too. There is no second greeting; the timestamp of
    /// the first one stays good for APOP (RFC 2595 §4).
    ///
    /// If the handshake fails there is no way on: drop the session.
    ///
    /// # Errors
    /// [`RespondError`] if no TLS is due.
    pub fn tls_established(&mut self) -> Result<(), RespondError> {
        if !matches!(self.open, Open::Tls { begun: true }) {
            return Err(self.nothing_or_mismatch());
        }
        self.open = Open::Nothing;
        self.channel = Channel::Tls;
        self.unbound = false;
        self.language = false;
        self.bad_commands = 0;
        self.failed_logins = 0;
        Ok(())
    }

    /// What becomes of a session whose `+OK` to STLS was given: TLS begins once that has left, unless
    /// the client has.
    pub(super) fn begin_tls(&mut self) -> Option<Event> {
        let Open::Tls { begun } = &mut self.open else { return None };
        if !self.output.waiting().is_empty() {
            return None;
        }
        if self.eof.is_some() {
            return Some(self.close());
        }
        let first = !core::mem::replace(begun, true);
        first.then_some(Event::StartTls)
    }

    /// Whether what comes in is for TLS.
    pub(super) const fn is_locked(&self) -> bool {
        matches!(self.open, Open::Command { keyword: Keyword::Stls, .. } | Open::Tls { .. })
    }
}

/// Whether a line is STLS, or would be to somebody who reads it carelessly.
pub(super) fn is_stls(line: &[u8]) -> bool {
    let keyword = line.iter().skip_while(|octet| !octet.is_ascii_graphic());
    let mut keyword = keyword.take_while(|octet| octet.is_ascii_graphic());
    let same = |wanted: u8| keyword.next().is_some_and(|octet| octet.eq_ignore_ascii_case(&wanted));
    Keyword::Stls.as_str().bytes().all(same) && keyword.next().is_none()
}
