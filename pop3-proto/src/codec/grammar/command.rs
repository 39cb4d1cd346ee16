//! Command lines, as a server reads them.

use core::str;

use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::{all_consuming, opt};
use nom::sequence::preceded;
use nom::{IResult, Parser as _};

use super::token::{message_number, number};
use crate::error::CommandError;
use crate::state::Keyword;
use crate::{
    ApopDigest, Base64, Command, LanguageRange, Mailbox, MechanismName, MessageNumber, Password,
};

/// Reads a command line, without its line end.
///
/// ```abnf
/// command = keyword *(SP param) CRLF      ; RFC 2449 §3
/// keyword = 3*4VCHAR                      ; in any case
/// param   = 1*VCHAR
/// ```
///
/// Exactly one space separates fields, and none may follow the last (C0004).
///
/// # Errors
/// [`CommandError`] says what to answer `-ERR` for. It never holds an argument.
pub fn command(line: &[u8]) -> Result<Command, CommandError> {
    if line.is_empty() {
        return Err(CommandError::Empty);
    }
    let (word, rest) = match memchr::memchr(b' ', line).and_then(|at| line.split_at_checked(at)) {
        Some((word, rest)) => (word, rest),
        None => (line, &b""[..]),
    };
    let keyword = Keyword::parse(word);
    // A password is opaque to the grammar: only what would end its line cannot stand in it. A name
    // may be UTF-8 (RFC 6856 §2.2), which its value checks.
    let legal = |octet: &u8| match keyword {
        Some(Keyword::Pass) => !matches!(octet, 0 | b'\r' | b'\n'),
        Some(Keyword::User | Keyword::Apop) => matches!(octet, 0x20..=0x7e | 0x80..),
        _ => matches!(octet, 0x20..=0x7e),
    };
    if !line.iter().all(legal) || keyword != Some(Keyword::Pass) && str::from_utf8(line).is_err() {
        return Err(CommandError::ForbiddenOctet);
    }
    let keyword = keyword.ok_or(CommandError::Unknown)?;
    arguments(keyword, rest)
}

/// `rest`: what follows the keyword, from its separating space on.
fn arguments(keyword: Keyword, rest: &[u8]) -> Result<Command, CommandError> {
    let malformed = CommandError::Arguments(keyword);
    let none = |command| if rest.is_empty() { Ok(command) } else { Err(malformed) };
    match keyword {
        Keyword::User => {
            Ok(Command::User(mailbox(rest.strip_prefix(b" ").ok_or(malformed)?).ok_or(malformed)?))
        }
        Keyword::Pass => {
            let password = Password::opaque(rest.strip_prefix(b" ").ok_or(malformed)?);
            password.map(Command::Pass).map_err(|_| malformed)
        }
        Keyword::Apop => {
            let (name, digest) =
                whole((preceded(char(' '), word), preceded(char(' '), word)), rest)
                    .ok_or(malformed)?;
            let mailbox = mailbox(name).ok_or(malformed)?;
            let digest =
                str::from_utf8(digest).ok().and_then(|digest| ApopDigest::new(digest).ok());
            Ok(Command::Apop { mailbox, digest: digest.ok_or(malformed)? })
        }
        Keyword::Stat => none(Command::Stat),
        Keyword::Noop => none(Command::Noop),
        Keyword::Rset => none(Command::Rset),
        Keyword::Capa => none(Command::Capa),
        Keyword::Quit => none(Command::Quit),
        Keyword::List | Keyword::Uidl => {
            let message = match rest {
                b"" => None,
                rest => Some(message(keyword, rest)?),
            };
            Ok(if keyword == Keyword::List {
                Command::List(message)
            } else {
                Command::Uidl(message)
            })
        }
        Keyword::Retr => message(keyword, rest).map(Command::Retr),
        Keyword::Dele => message(keyword, rest).map(Command::Dele),
        Keyword::Top => {
            let (first, lines) =
                whole((preceded(char(' '), digits), preceded(char(' '), number)), rest)
                    .ok_or(malformed)?;
            let message =
                whole(message_number, first).ok_or(CommandError::MessageNumber(keyword))?;
            Ok(Command::Top { message, lines })
        }
        Keyword::Auth => auth(rest).ok_or(malformed),
        Keyword::Stls => none(Command::Stls),
        Keyword::Utf8 => none(Command::Utf8),
        Keyword::Lang => match rest.strip_prefix(b" ") {
            None => none(Command::Lang(None)),
            Some(range) => {
                let range = str::from_utf8(range).ok().map(LanguageRange::new);
                range.and_then(Result::ok).map(|range| Command::Lang(Some(range))).ok_or(malformed)
            }
        },
    }
}

/// ```abnf
/// auth-command     = "AUTH" SP mechanism [SP initial-response]   ; RFC 5034 §5
/// initial-response = base64 / "="
/// auth-listing     = "AUTH" [SP]                                 ; MS-OXPOP3
/// ```
fn auth(rest: &[u8]) -> Option<Command> {
    match rest {
        b"" => return Some(Command::Mechanisms { trailing_space: false }),
        b" " => return Some(Command::Mechanisms { trailing_space: true }),
        _ => {}
    }
    let grammar = (preceded(char(' '), word), opt(preceded(char(' '), word)));
    let (mechanism, initial) = whole(grammar, rest)?;
    let mechanism = MechanismName::new(str::from_utf8(mechanism).ok()?).ok()?;
    let initial = match initial {
        None => None,
        Some(b"=") => Some(Base64::empty()),
        Some(text) => Some(Base64::received(text).ok()?),
    };
    Some(Command::Auth { mechanism, initial })
}

/// A number that is no message-number is told apart from what is no number.
fn message(keyword: Keyword, rest: &[u8]) -> Result<MessageNumber, CommandError> {
    let digits =
        whole(preceded(char(' '), digits), rest).ok_or(CommandError::Arguments(keyword))?;
    whole(message_number, digits).ok_or(CommandError::MessageNumber(keyword))
}

fn mailbox(name: &[u8]) -> Option<Mailbox> {
    str::from_utf8(name).ok().and_then(|name| Mailbox::utf8(name).ok())
}

fn word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|octet: u8| !matches!(octet, 0..=0x20 | 0x7f)).parse(input)
}

fn digits(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|octet: u8| octet.is_ascii_digit()).parse(input)
}

fn whole<'a, O>(
    grammar: impl nom::Parser<&'a [u8], Output = O, Error = nom::error::Error<&'a [u8]>>,
    input: &'a [u8],
) -> Option<O> {
    all_consuming(grammar).parse(input).ok().map(|(_, output)| output)
}
