//! Status lines and what may stand in their text.

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::character::complete::char;
use nom::combinator::{all_consuming, opt, recognize, value};
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser as _};

use super::token::is_blank;
use super::{Malformed, Parsed};
use crate::leniency::{Deviation, Deviations, Leniency};
use crate::{ResponseCode, Status};

/// A status line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseLine<'a> {
    /// Positive or negative.
    pub status: Status,
    /// What follows the status indicator and one separator.
    pub text: &'a [u8],
}

/// Reads a status line without its line end.
///
/// ```abnf
/// single-line = status [SP text] CRLF     ; RFC 2449 §3
/// status      = "+OK" / "-ERR"
/// ```
///
/// Exactly one separator is taken away: a text that begins with a space keeps it. With
/// `field_separators` the separator may be a tab, with `status_case` the indicator may be in any
/// case, with `any_plus_positive` every line is a status line (V0001).
///
/// # Errors
/// [`Malformed`] if the line is no status line under `leniency`.
///
/// ```
/// use pop3_proto::{Leniency, Status, codec};
/// let line = codec::response(b"+OK 2 320", &Leniency::strict())?.value;
/// assert_eq!((line.status, line.text), (Status::Ok, &b"2 320"[..]));
/// # Ok::<(), codec::Malformed>(())
/// ```
pub fn response<'a>(
    line: &'a [u8],
    leniency: &Leniency,
) -> Result<Parsed<ResponseLine<'a>>, Malformed> {
    let mut deviations = Deviations::NONE;
    if let Ok((rest, status)) = status(line, leniency, &mut deviations) {
        match rest.split_first() {
            None => return Ok(Parsed { value: ResponseLine { status, text: rest }, deviations }),
            Some((b' ', text)) => {
                return Ok(Parsed { value: ResponseLine { status, text }, deviations });
            }
            Some((b'\t', text)) if leniency.field_separators => {
                deviations.insert(Deviation::FieldSeparators);
                return Ok(Parsed { value: ResponseLine { status, text }, deviations });
            }
            Some(_) => {}
        }
    }
    if !leniency.any_plus_positive {
        return Err(Malformed);
    }
    let (status, text) = any_line(line);
    let mut deviations = Deviations::NONE;
    deviations.insert(Deviation::AnyPlusPositive);
    Ok(Parsed { value: ResponseLine { status, text }, deviations })
}

fn status<'a>(
    line: &'a [u8],
    leniency: &Leniency,
    deviations: &mut Deviations,
) -> IResult<&'a [u8], Status> {
    let exact = alt((value(Status::Ok, tag(&b"+OK"[..])), value(Status::Err, tag(&b"-ERR"[..]))))
        .parse(line);
    if exact.is_ok() || !leniency.status_case {
        return exact;
    }
    deviations.insert(Deviation::StatusCase);
    alt((
        value(Status::Ok, tag_no_case(&b"+OK"[..])),
        value(Status::Err, tag_no_case(&b"-ERR"[..])),
    ))
    .parse(line)
}

/// V0001: what begins with `+` is positive, everything else negative.
fn any_line(line: &[u8]) -> (Status, &[u8]) {
    let after = |prefix: &'static [u8]| {
        line.split_at_checked(prefix.len())
            .and_then(|(start, rest)| start.eq_ignore_ascii_case(prefix).then_some(rest))
    };
    let (status, text) = match (after(b"+OK"), after(b"+"), after(b"-ERR")) {
        (Some(text), ..) | (None, Some(text), _) => (Status::Ok, text),
        (None, None, Some(text)) => (Status::Err, text),
        // Without an indicator there is no separator either.
        (None, None, None) => return (Status::Err, line),
    };
    match text.split_first() {
        Some((&octet, rest)) if is_blank(octet) => (status, rest),
        _ => (status, text),
    }
}

/// Reads a response code at the start of a text; gives it and what follows.
///
/// ```abnf
/// resp-code  = "[" resp-level *("/" resp-level) "]"   ; RFC 2449 §3
/// resp-level = 1*rchar
/// rchar      = %x21-2E / %x30-5C / %x5E-7F            ; no SP, "/", "]"; DEL is not let through
/// ```
pub(crate) fn response_code(text: &[u8]) -> Option<(ResponseCode<'_>, &[u8])> {
    let level = take_while1(|octet: u8| octet.is_ascii_graphic() && octet != b'/' && octet != b']');
    let levels = recognize(separated_list1(char('/'), level));
    let (rest, inside) =
        delimited(char::<_, nom::error::Error<&[u8]>>('['), levels, char(']')).parse(text).ok()?;
    Some((ResponseCode::framed(core::str::from_utf8(inside).ok()?), rest))
}

/// Finds the one timestamp of a greeting's text.
///
/// ```abnf
/// msg-id       = "<" local-part "@" domain ">"            ; RFC 822 §4.6
/// local-part   = atom *("." atom)
/// domain       = sub-domain *("." sub-domain)
/// sub-domain   = atom / "[" *dtext "]"
/// ```
///
/// A second `<` anywhere yields nothing: RFC 2449 §3 allows one timestamp.
pub(crate) fn timestamp(text: &[u8]) -> Option<&str> {
    let (_, from) = text.split_at_checked(memchr::memchr(b'<', text)?)?;
    let (candidate, rest) = from.split_at_checked(memchr::memchr(b'>', from)?.checked_add(1)?)?;
    if memchr::memchr(b'<', rest).is_some() {
        return None;
    }
    let mut msg_id = all_consuming(delimited(
        char('<'),
        (local_part, preceded(char('@'), domain)),
        char::<_, nom::error::Error<&[u8]>>('>'),
    ));
    msg_id.parse(candidate).ok()?;
    core::str::from_utf8(candidate).ok()
}

fn local_part(input: &[u8]) -> IResult<&[u8], ()> {
    value((), (atom, opt(dotted))).parse(input)
}

fn dotted(input: &[u8]) -> IResult<&[u8], ()> {
    let mut rest = input;
    loop {
        match preceded(char::<_, nom::error::Error<&[u8]>>('.'), atom).parse(rest) {
            Ok((after, _)) => rest = after,
            Err(_) => return Ok((rest, ())),
        }
    }
}

fn domain(input: &[u8]) -> IResult<&[u8], ()> {
    let dtext = take_while1(|octet: u8| octet.is_ascii_graphic() && !b"[]\\<>".contains(&octet));
    let literal = value((), delimited(char('['), dtext, char(']')));
    alt((literal, local_part)).parse(input)
}

/// An RFC 822 atom: graphic ASCII but the specials.
fn atom(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|octet: u8| octet.is_ascii_graphic() && !b"()<>@,;:\\\".[]".contains(&octet))
        .parse(input)
}
