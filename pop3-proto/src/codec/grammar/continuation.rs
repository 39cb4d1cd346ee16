//! The server's lines inside AUTH.

use super::{Malformed, Parsed};
use crate::leniency::{Deviation, Deviations, Leniency};

/// What a server's line inside an AUTH exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 5034 §4: a line continues the exchange or ends it"
)]
pub enum Continuation<'a> {
    /// A challenge, still in base64; empty if the challenge is.
    Challenge(&'a [u8]),
    /// A status line: read it with [`response`](super::response).
    Response,
}

/// Reads a server's line inside an AUTH exchange, without its line end.
///
/// ```abnf
/// continue-req = "+" SP [base64] CRLF     ; RFC 5034 §5
/// base64       = base64-terminal / ( 1*(4base64-char) [base64-terminal] )
/// ```
///
/// `first`: no challenge of this exchange has been read yet. Only the first may be `+OK`
/// (`ok_as_continuation`) or a text that is no base64 (`text_challenge`); both count as empty.
/// `+` followed by a space or nothing is a continuation whatever `any_plus_positive` says, and
/// `+OK` later is a response.
///
/// # Errors
/// [`Malformed`] for a challenge that is no base64: the exchange must be cancelled with `*`
/// (RFC 5034 §4).
pub fn continuation<'a>(
    line: &'a [u8],
    leniency: &Leniency,
    first: bool,
) -> Result<Parsed<Continuation<'a>>, Malformed> {
    let empty = |deviation| {
        let mut deviations = Deviations::NONE;
        deviations.insert(deviation);
        Ok(Parsed { value: Continuation::Challenge(b""), deviations })
    };
    let response = Ok(Parsed { value: Continuation::Response, deviations: Deviations::NONE });
    match line.strip_prefix(b"+") {
        Some(b"") if leniency.bare_plus => empty(Deviation::BarePlus),
        Some(b"") => Err(Malformed),
        Some([b' ', challenge @ ..]) if is_base64(challenge) => {
            Ok(Parsed { value: Continuation::Challenge(challenge), deviations: Deviations::NONE })
        }
        Some([b' ', ..]) if first && leniency.text_challenge => empty(Deviation::TextChallenge),
        Some([b' ', ..]) => Err(Malformed),
        Some(b"OK" | [b'O', b'K', b' ', ..]) if first && leniency.ok_as_continuation => {
            empty(Deviation::OkAsContinuation)
        }
        _ => response,
    }
}

/// RFC 5034 §5: groups of four, padding only at the end and only where due.
pub(crate) fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|octet| **octet == b'=').count();
    let (data, _) = text.split_at_checked(text.len().saturating_sub(padding)).unwrap_or_default();
    text.len() % 4 == 0
        && padding <= 2
        && (padding == 0 || !data.is_empty())
        && data.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(line: &[u8], leniency: &Leniency, first: bool) -> Option<&'static str> {
        match continuation(line, leniency, first).ok()?.value {
            Continuation::Challenge(b"") => Some("empty"),
            Continuation::Challenge(_) => Some("challenge"),
            Continuation::Response => Some("response"),
        }
    }

    /// R5034-4.02 to R5034-4.07.
    #[test]
    fn strict_base64_behind_plus_and_space() {
        let strict = Leniency::strict();
        for (line, kind) in [
            (&b"+ "[..], Some("empty")),
            (b"+ QUJD", Some("challenge")),
            (b"+ QUI=", Some("challenge")),
            (b"+ QQ==", Some("challenge")),
            (b"+ =AAA", None),
            (b"+ AAA=BBB", None),
            (b"+ AAA=BBBB", None),
            (b"+ ====", None),
            (b"+ A", None),
            (b"+ QU JD", None),
            (b"+  QUJD", None),
            (b"+ %%%%", None),
            (b"+OK done", Some("response")),
            (b"-ERR no", Some("response")),
        ] {
            assert_eq!(challenge(line, &strict, true), kind, "{line:?}");
        }
    }

    #[test]
    fn bare_plus_allow() {
        assert_eq!(challenge(b"+", &Leniency::strict(), false), Some("empty"));
        assert_eq!(challenge(b"+", &Leniency::tolerant(), false), Some("empty"));
    }

    #[test]
    fn bare_plus_forbid() {
        let leniency = Leniency { bare_plus: false, ..Leniency::outlook() };
        assert_eq!(challenge(b"+", &leniency, true), None);
    }

    #[test]
    fn ok_as_continuation_allow() {
        assert_eq!(challenge(b"+OK", &Leniency::tolerant(), true), Some("empty"));
        assert_eq!(challenge(b"+OK", &Leniency::tolerant(), false), Some("response"));
    }

    #[test]
    fn ok_as_continuation_forbid() {
        assert_eq!(challenge(b"+OK", &Leniency::strict(), true), Some("response"));
    }

    #[test]
    fn text_challenge_allow() {
        assert_eq!(challenge(b"+ go ahead", &Leniency::tolerant(), true), Some("empty"));
        assert_eq!(challenge(b"+ go ahead", &Leniency::tolerant(), false), None);
    }

    #[test]
    fn text_challenge_forbid() {
        assert_eq!(challenge(b"+ go ahead", &Leniency::strict(), true), None);
    }

    #[test]
    fn a_continuation_stays_one_where_any_plus_is_positive() {
        assert_eq!(challenge(b"+ QUJD", &Leniency::outlook(), false), Some("challenge"));
        assert_eq!(challenge(b"+", &Leniency::outlook(), false), Some("empty"));
        assert_eq!(challenge(b"+foo", &Leniency::outlook(), false), Some("response"));
    }
}
