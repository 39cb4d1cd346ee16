//! Fetching mail by the adapters' pipelines, as the benches that go over a socket do it.

use std::error::Error;
use std::hint::black_box;

use pop3_blocking::pop3_proto::client::Security;
use pop3_blocking::pop3_proto::{Command, Mailbox, MessageNumber, Password};
use pop3_blocking::{COLLECT_LIMIT, Client, Session, Timeouts, Tls};
use tokio::io::{AsyncRead, AsyncWrite};

/// What any password will do for.
pub const PASSWORD: &str = "secret";

/// Anything that went wrong.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What is done with the body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// Its chunks are dropped as they come.
    Streamed,
    /// It is collected into a `Vec`.
    Collected,
}

/// How the blocking adapter connects: in clear, or over TLS to whom `tls` believes.
#[must_use]
pub fn blocking(tls: Option<Tls>) -> pop3_blocking::Builder {
    let mut builder = Client::builder(security(tls.as_ref()));
    builder.tls = tls;
    builder
}

/// The same for the asynchronous adapter.
#[must_use]
pub fn asynchronous(tls: Option<Tls>) -> pop3_tokio::Builder {
    let mut builder = pop3_tokio::Client::builder(security(tls.as_ref()));
    builder.tls = tls;
    builder
}

const fn security(tls: Option<&Tls>) -> Security {
    if tls.is_some() { Security::Implicit } else { Security::PlaintextAllowed }
}

/// A mailbox and its password.
///
/// # Errors
/// If the name is no name.
pub fn credentials(user: &str) -> Result<(Mailbox, Password), Failure> {
    Ok((Mailbox::new(user)?, Password::new(PASSWORD)?))
}

/// Fetches so many messages with up to `window` commands in flight; the octets of their bodies.
///
/// # Errors
/// If one of them does not come.
pub fn fetch<S: Timeouts>(
    session: &mut Session<S>,
    messages: usize,
    window: usize,
    taken: Taken,
) -> Result<usize, Failure> {
    let mut octets = 0;
    let mut replies = session.pipeline(commands(messages)?, window);
    while let Some(reply) = replies.next() {
        let pop3_blocking::Outcome::Body(mut body) = reply?.outcome else {
            return Err("no message".into());
        };
        if taken == Taken::Collected {
            octets += black_box(body.collect(COLLECT_LIMIT)?).len();
        } else {
            while let Some(chunk) = body.chunk()? {
                octets += black_box(chunk).len();
            }
        }
    }
    Ok(octets)
}

/// The same by the asynchronous adapter.
///
/// # Errors
/// As [`fetch`].
///
/// # Cancel safety
/// Dropped, it has fetched nobody knows how many.
pub async fn fetch_asynchronously<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut pop3_tokio::Session<S>,
    messages: usize,
    window: usize,
    taken: Taken,
) -> Result<usize, Failure> {
    let mut octets = 0;
    let mut replies = session.pipeline(commands(messages)?, window);
    while let Some(reply) = replies.next().await {
        let pop3_tokio::Outcome::Body(mut body) = reply?.outcome else {
            return Err("no message".into());
        };
        if taken == Taken::Collected {
            octets += black_box(body.collect(COLLECT_LIMIT).await?).len();
        } else {
            while let Some(chunk) = body.chunk().await? {
                octets += black_box(chunk).len();
            }
        }
    }
    Ok(octets)
}

fn commands(messages: usize) -> Result<impl Iterator<Item = Command>, Failure> {
    let last = u32::try_from(messages)?;
    Ok((1..=last).filter_map(MessageNumber::new).map(Command::Retr))
}
