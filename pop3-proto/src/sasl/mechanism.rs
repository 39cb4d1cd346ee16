//! The client's side of an exchange.

use core::fmt;

use super::MechanismError;
use crate::{MechanismName, Secret, Text};

/// The client's side of one exchange: made for one AUTH, used once, then dropped.
///
/// The session calls [`initial_response`](Self::initial_response) once, then
/// [`respond`](Self::respond) for each challenge, and believes a `+OK` only if
/// [`is_satisfied`](Self::is_satisfied). Nothing here has a default that could make a mechanism
/// weaker than it is by being forgotten.
///
/// The empty challenge that asks for a first message held back (RFC 5034 §4) is the session's own:
/// it does not come to `respond`. Nor is there a security layer (RFC 4422 §3.7) that a mechanism could
/// negotiate: what follows the exchange is sent and read as it is.
pub trait Mechanism: fmt::Debug + Send + Sync {
    /// The name that follows AUTH.
    fn name(&self) -> MechanismName;

    /// The first message of a mechanism in which the client speaks first (RFC 4422 §3), which may
    /// be empty; `None` if the server speaks first. It is called exactly once, before anything
    /// else.
    ///
    /// # Errors
    /// [`MechanismError::Used`] the second time.
    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError>;

    /// Answers a challenge, given without its base64.
    ///
    /// # Errors
    /// [`MechanismError`] says what is wrong with it. The mechanism is never satisfied afterwards;
    /// the session sends `*`, or gives up if the error [is fatal](MechanismError::is_fatal).
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError>;

    /// Whether `+OK` may count now: all that the mechanism has to say was said, and the server was
    /// verified where the mechanism does that.
    fn is_satisfied(&self) -> bool;

    /// Whether the first message goes with the AUTH line, if that keeps within 255 octets
    /// (RFC 5034 §4); otherwise it waits for the empty challenge.
    fn initial_response_in_command(&self) -> bool {
        true
    }

    /// Whether what it sends lets whoever reads it log in, now or later: a password or a token.
    /// For a caller that ranks mechanisms.
    fn exposes_secret(&self) -> bool;

    /// What the server said in a challenge that only tells of a failure, as XOAUTH2 and OAUTHBEARER
    /// have it: JSON, cut at [`Text::MAX_OCTETS`]. It is the peer's text and not to be trusted.
    fn failure(&self) -> Option<&Text>;
}
