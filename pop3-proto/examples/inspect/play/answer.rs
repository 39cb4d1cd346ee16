//! How a line of the script becomes an answer of the server.

use bytes::Buf as _;
use pop3_proto::codec::{self, LineEnding, MultilineDecoder};
use pop3_proto::server::{Event, RespondError, ServerSession};
use pop3_proto::state::{Effect, Keyword};
use pop3_proto::{Base64, Command, KnownCode, Leniency, Response, ResponseCode, Status, Text};

use super::dialogue::{Turn, is_challenge, trim};

/// An answer of the script that a server of ours cannot give.
pub(super) type Unfit = String;

/// Answers an event as the script does; what is written meanwhile goes to `out`.
pub(super) fn answer(
    session: &mut ServerSession,
    event: &Event,
    turn: &Turn,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    let reply = &turn.reply[..];
    let status = reply.split_inclusive(|octet| *octet == b'\n').next().unwrap_or_default();
    let (line, rest) = (trim(status), &reply[status.len()..]);
    let answered = match event {
        Event::Rejected(_) => match line.strip_prefix(b"-ERR") {
            Some(text) => negative(session, text),
            None => Ok(session.reject()),
        },
        Event::Command(_) | Event::SaslResponse(_) if is_challenge(&turn.line, line) => {
            let text = line.strip_prefix(b"+ ").unwrap_or_default();
            let challenge = std::str::from_utf8(text).ok().and_then(|text| Base64::new(text).ok());
            Ok(session.challenge(&challenge.ok_or("a challenge that is no base64")?))
        }
        Event::Command(_) | Event::SaslResponse(_) => {
            match (line.strip_prefix(b"+OK"), line.strip_prefix(b"-ERR")) {
                (Some(text), _) => positive(session, event, text, rest, out),
                (_, Some(text)) => negative(session, text),
                _ => Err("neither +OK nor -ERR".to_owned()),
            }
        }
        _ => Ok(Ok(())),
    };
    answered?.map_err(|error| error.to_string())
}

type Given = Result<Result<(), RespondError>, Unfit>;

fn positive(
    session: &mut ServerSession,
    event: &Event,
    text: &[u8],
    rest: &[u8],
    out: &mut Vec<u8>,
) -> Given {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let malformed = |_| "what the line says cannot be read".to_owned();
    let strict = &Leniency::strict();
    let Event::Command(command) = event else {
        return Ok(session.authenticated(&own(text)?));
    };
    Ok(match command {
        Command::Stat => {
            session.drop_listing(codec::drop_listing(text, strict).map_err(malformed)?.value)
        }
        Command::List(Some(_)) => {
            session.scan_listing(codec::scan_listing(text, strict).map_err(malformed)?.value)
        }
        Command::Uidl(Some(_)) => {
            let listing = codec::unique_id_listing(text, strict).map_err(malformed)?.value;
            session.unique_id_listing(&listing)
        }
        Command::Lang(Some(_)) => {
            session.language(&codec::language_listing(text, strict).map_err(malformed)?.value)
        }
        Command::List(None) | Command::Uidl(None) => listing(session, command, text, rest)?,
        Command::Retr(_) | Command::Top { .. } => message(session, text, rest, out)?,
        _ if command
            .keyword()
            .map(Keyword::rule)
            .is_some_and(|rule| rule.effect == Effect::Authenticated) =>
        {
            session.authenticated(&own(text)?)
        }
        _ => session.ok(&own(text)?),
    })
}

fn listing(session: &mut ServerSession, command: &Command, text: &[u8], rest: &[u8]) -> Given {
    let begun = session.begin_multiline(&own(text)?);
    for line in rest.split_inclusive(|octet| *octet == b'\n').map(trim) {
        let strict = &Leniency::strict();
        let malformed = |_| "an item of the listing cannot be read".to_owned();
        let given = match command {
            _ if line == b"." => session.finish_multiline(),
            Command::List(_) => {
                session.scan_listing(codec::scan_listing(line, strict).map_err(malformed)?.value)
            }
            _ => {
                let listing = codec::unique_id_listing(line, strict).map_err(malformed)?.value;
                session.unique_id_listing(&listing)
            }
        };
        given.map_err(|error| error.to_string())?;
    }
    Ok(begun)
}

fn message(session: &mut ServerSession, text: &[u8], rest: &[u8], out: &mut Vec<u8>) -> Given {
    let mut message = vec![0; rest.len()];
    let decoded = MultilineDecoder::new(LineEnding::Crlf).decode_into(rest, &mut message);
    if !decoded.end {
        return Err("the message has no end".to_owned());
    }
    session.begin_multiline(&own(text)?).map_err(|error| error.to_string())?;
    let mut message = &message[..decoded.written];
    while !message.is_empty() && session.wants_body() {
        let taken = session.write_body(message).map_err(|error| error.to_string())?;
        message = &message[taken..];
        write(session, out);
    }
    Ok(session.finish_multiline())
}

/// Takes what the session has written.
pub(super) fn write(session: &mut ServerSession, out: &mut Vec<u8>) {
    let mut outgoing = session.outgoing();
    while outgoing.has_remaining() {
        let chunk = outgoing.chunk();
        out.extend_from_slice(chunk);
        let len = chunk.len();
        outgoing.advance(len);
    }
}

fn negative(session: &mut ServerSession, text: &[u8]) -> Given {
    let text = own(text.strip_prefix(b" ").unwrap_or(text))?;
    let response = Response::new(Status::Err, text.clone());
    let Some(code) = response.code().and_then(ResponseCode::known) else {
        return Ok(session.err(None, &text));
    };
    if code == KnownCode::Auth {
        return Ok(session.authentication_failed());
    }
    let behind = text.octets().iter().position(|octet| *octet == b']').map_or(0, |at| at + 1);
    let rest = text.octets().get(behind..).unwrap_or_default();
    Ok(session.err(Some(code), &own(rest.strip_prefix(b" ").unwrap_or(rest))?))
}

fn own(text: &[u8]) -> Result<Text, Unfit> {
    let text = std::str::from_utf8(text).map_err(|_| "a text that is not UTF-8".to_owned())?;
    Text::utf8(text).map_err(|error| error.to_string())
}
