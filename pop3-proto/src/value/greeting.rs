//! The server's first line.

use alloc::boxed::Box;
use core::fmt;

use super::Response;
use crate::codec;

/// The line that the server sends first (RFC 1939 §4).
///
/// A `-ERR` greeting refuses service: the session is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Greeting {
    /// The line as a response.
    pub response: Response,
}

impl Greeting {
    /// A greeting.
    #[must_use]
    pub const fn new(response: Response) -> Self {
        Self { response }
    }

    /// The timestamp that announces APOP (RFC 1939 §7), if the greeting holds exactly one and it is
    /// a well-formed msg-id.
    ///
    /// That a greeting holds one does not mean that APOP works, nor that it is wise: the digest is
    /// MD5, and whoever stands between can choose the timestamp.
    #[must_use]
    pub fn timestamp(&self) -> Option<ApopTimestamp> {
        codec::timestamp(self.response.text.octets())
            .map(|timestamp| ApopTimestamp(timestamp.into()))
    }
}

/// The timestamp of an APOP server: an RFC 822 msg-id, angle brackets included (RFC 1939 §7).
///
/// ```
/// use pop3_proto::ApopTimestamp;
/// assert!(ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").is_ok());
/// assert!(ApopTimestamp::new("<1896>").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApopTimestamp(Box<str>);

impl ApopTimestamp {
    /// A timestamp to send; a server's must differ in every greeting.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) unless it is a msg-id: `<local-part@domain>`, each side
    /// atoms joined by dots, or a domain literal.
    pub fn new(timestamp: &str) -> Result<Self, crate::InvalidValue> {
        match codec::timestamp(timestamp.as_bytes()) {
            Some(found) if found == timestamp => Ok(Self(timestamp.into())),
            _ => Err(crate::InvalidValue::ApopTimestamp),
        }
    }

    /// The timestamp with its angle brackets, as it goes into the digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApopTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApopTimestamp").field(&self.0).finish()
    }
}

impl fmt::Display for ApopTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Status, Text};

    fn timestamp_of(text: &[u8]) -> Option<ApopTimestamp> {
        Greeting::new(Response::new(Status::Ok, Text::received(text))).timestamp()
    }

    /// R1939-7.09, R2449-3.05: one well-formed msg-id, wherever it stands.
    #[test]
    fn a_msg_id_is_found() {
        for (text, found) in [
            (
                &b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>"[..],
                "<1896.697170952@dbc.mtview.ca.us>",
            ),
            (b"<a@b> ready", "<a@b>"),
            (b"-> <12.ab=+x@[127.0.0.1]>", "<12.ab=+x@[127.0.0.1]>"),
        ] {
            assert_eq!(timestamp_of(text).expect("a timestamp").as_str(), found);
        }
    }

    /// R2449-3.05: the msg-id collision attack needs a timestamp that no mail system would write.
    #[test]
    fn anything_else_yields_none() {
        for text in [
            &b""[..],
            b"ready",
            b"<>",
            b"<@>",
            b"<a>",
            b"<a@>",
            b"<@b>",
            b"<a@b",
            b"a@b>",
            b"<a@b><c@d>",
            b"<a@b> <",
            b"<a b@c>",
            b"<a@b\x1b>",
            b"<a@\x00b>",
            b"<\xbf@b>",
            b"<a@@b>",
            b"<a@b@c>",
            b"<.a@b>",
            b"<a.@b>",
            b"<a..c@b>",
            b"<a@.b>",
            b"<a@[b>",
            b"<<a@b>>",
        ] {
            assert_eq!(timestamp_of(text), None, "{:?}", Text::received(text));
        }
    }
}
