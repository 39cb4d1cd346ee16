//! The words that grammars share.

use bytes::BufMut;
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::map_opt;
use nom::error::{Error, ErrorKind};
use nom::{IResult, Parser as _};

use crate::MessageNumber;
use crate::leniency::{Deviation, Deviations, Leniency};

/// ```abnf
/// number = 1*20DIGIT      ; leading zeros are read, never written
/// ```
///
/// Checked: what does not fit 64 bits is no number. A digit may not follow: 21 digits are no number.
pub(super) fn number(input: &[u8]) -> IResult<&[u8], u64> {
    let no_number = || Err(nom::Err::Error(Error::new(input, ErrorKind::Digit)));
    let (mut rest, mut value) = (input, 0_u64);
    while let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
        let Some(shifted) = value.checked_mul(10) else { return no_number() };
        let Some(sum) = shifted.checked_add(u64::from(digit - b'0')) else { return no_number() };
        (rest, value) = (behind, sum);
    }
    if (1..=20).contains(&(input.len() - rest.len())) { Ok((rest, value)) } else { no_number() }
}

/// ```abnf
/// message-number = number ; not 0, at most 2^32-1
/// ```
pub(super) fn message_number(input: &[u8]) -> IResult<&[u8], MessageNumber> {
    map_opt(number, |value| u32::try_from(value).ok().and_then(MessageNumber::new)).parse(input)
}

/// ```abnf
/// separator = SP          ; RFC 1939 §3
/// separator =/ 1*(SP / HTAB)  ; C0004, with `field_separators`
/// ```
pub(super) fn separator<'a>(
    leniency: &Leniency,
    deviations: &mut Deviations,
) -> impl FnMut(&'a [u8]) -> IResult<&'a [u8], &'a [u8]> {
    move |input| {
        if !leniency.field_separators {
            return tag(&b" "[..]).parse(input);
        }
        let (rest, run) = take_while1(is_blank).parse(input)?;
        if run != b" " {
            deviations.insert(Deviation::FieldSeparators);
        }
        Ok((rest, run))
    }
}

/// Blanks before the first field, which only `field_separators` lets through.
pub(super) fn leading_blanks<'a>(
    input: &'a [u8],
    leniency: &Leniency,
    deviations: &mut Deviations,
) -> &'a [u8] {
    let trimmed = match input.iter().position(|octet| !is_blank(*octet)) {
        Some(at) => input.get(at..).unwrap_or_default(),
        None => b"",
    };
    if leniency.field_separators && trimmed.len() != input.len() {
        deviations.insert(Deviation::FieldSeparators);
        trimmed
    } else {
        input
    }
}

pub(super) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Writes `value` in decimal, without leading zeros.
pub(crate) fn put_decimal(out: &mut impl BufMut, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        used += 1;
        if value == 0 {
            break;
        }
    }
    out.put_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// G7: signs, hexadecimal, other scripts' digits and overflow are no numbers.
    #[test]
    fn one_reader_for_all_numbers() {
        for (text, value) in [
            ("0", 0),
            ("00000000000000000001", 1),
            ("18446744073709551615", u64::MAX),
            ("4294967297", 4_294_967_297),
        ] {
            assert_eq!(number(text.as_bytes()), Ok((&b""[..], value)));
        }
        for text in [
            "",
            "-1",
            "+1",
            " 1",
            "x1",
            "18446744073709551616",
            "000000000000000000001",
            "99999999999999999999",
            "١",
        ] {
            assert!(number(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(number(b"0x1"), Ok((&b"x1"[..], 0)));
        for text in ["0", "4294967296", "4294967297"] {
            assert!(message_number(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        /// I7: what is written is read back.
        #[test]
        fn decimals_are_inverse(value: u64) {
            let mut out = Vec::new();
            put_decimal(&mut out, value);
            prop_assert_eq!(out.clone(), value.to_string().into_bytes());
            prop_assert_eq!(number(&out), Ok((&b""[..], value)));
        }
    }
}
