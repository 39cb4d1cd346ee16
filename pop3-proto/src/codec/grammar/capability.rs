//! Lines of a capability list.

use alloc::string::String;

use nom::bytes::complete::take_while1;
use nom::combinator::all_consuming;
use nom::{IResult, Parser as _};

use super::token::{is_blank, leading_blanks, number, separator};
use super::{Malformed, Parsed};
use crate::Capability;
use crate::leniency::{Deviation, Deviations, Leniency};

/// Reads a line of a capability list, without its line end.
///
/// ```abnf
/// capability = capa-tag *(SP param) CRLF      ; RFC 2449 §3
/// capa-tag   = 1*cchar
/// param      = 1*pchar
/// cchar      = %x21-2D / %x2F-7F              ; no "."; DEL is not let through
/// pchar      = %x21-7E
/// ```
///
/// Unknown tags and parameters are kept as they are.
///
/// # Errors
/// [`Malformed`] if it is none under `leniency`.
pub fn capability(line: &[u8], leniency: &Leniency) -> Result<Parsed<Capability>, Malformed> {
    let mut deviations = Deviations::NONE;
    let mut input = leading_blanks(line, leniency, &mut deviations);
    if leniency.field_separators {
        let kept = input.iter().rposition(|octet| !is_blank(*octet)).map_or(0, |at| at + 1);
        if kept != input.len() {
            deviations.insert(Deviation::FieldSeparators);
        }
        input = input.get(..kept).unwrap_or_default();
    }
    let mut canonical = String::with_capacity(input.len());
    let mut words = |input| -> IResult<&[u8], ()> {
        let (mut rest, tag) =
            take_while1(|octet: u8| octet.is_ascii_graphic() && octet != b'.').parse(input)?;
        push(&mut canonical, tag);
        while !rest.is_empty() {
            let (after, _) = separator(leniency, &mut deviations)(rest)?;
            let (after, param) = take_while1(|octet: u8| octet.is_ascii_graphic()).parse(after)?;
            canonical.push(' ');
            push(&mut canonical, param);
            rest = after;
        }
        Ok((rest, ()))
    };
    all_consuming(&mut words).parse(input).map_err(|_| Malformed)?;
    Ok(Parsed { value: Capability::framed(canonical.into()), deviations })
}

/// Reads a parameter that is a number and nothing else: the seconds of LOGIN-DELAY, the days of
/// EXPIRE. What does not fit 32 bits is no number.
pub(crate) fn number_param(param: &str) -> Option<u32> {
    let (_, value) = all_consuming(number).parse(param.as_bytes()).ok()?;
    u32::try_from(value).ok()
}

fn push(line: &mut String, word: &[u8]) {
    line.extend(word.iter().copied().map(char::from));
}
