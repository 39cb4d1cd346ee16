//! Drop, scan and unique-id listings.

use memchr::memchr2;
use nom::IResult;

use super::token::{is_blank, leading_blanks, message_number, number, separator};
use super::{Malformed, Parsed};
use crate::leniency::{Deviation, Deviations, Leniency};
use crate::{DropListing, ScanListing, UniqueId, UniqueIdListing};

/// Reads a drop listing: the text of a positive response to STAT.
///
/// ```abnf
/// drop-listing = number separator number [SP *OCTET]  ; RFC 1939 §5: no requirement on what follows
/// ```
///
/// With `negative_stat` the second number may be negative: the octets are unknown then.
///
/// # Errors
/// [`Malformed`] if it is none under `leniency`.
///
/// ```
/// use pop3_proto::{DropListing, Leniency, codec};
/// assert_eq!(codec::drop_listing(b"2 320", &Leniency::strict())?.value, DropListing::new(2, 320));
/// # Ok::<(), codec::Malformed>(())
/// ```
pub fn drop_listing(text: &[u8], leniency: &Leniency) -> Result<Parsed<DropListing>, Malformed> {
    read(text, leniency, |input, deviations| {
        let (rest, messages) = number(input)?;
        let (rest, _) = separator(leniency, deviations)(rest)?;
        let negative = rest.strip_prefix(b"-").filter(|_| leniency.negative_stat);
        let (rest, octets) = number(negative.unwrap_or(rest))?;
        let octets = match negative {
            Some(_) => {
                deviations.insert(Deviation::NegativeStat);
                None
            }
            None => Some(octets),
        };
        // More messages than a message-number can name is no maildrop.
        let Ok(messages) = u32::try_from(messages) else { return Err(no_match(input)) };
        Ok((rest, DropListing { messages, octets }))
    })
}

/// Reads a scan listing: a line of LIST, or the text of a positive response to `LIST n`.
///
/// ```abnf
/// scan-listing = message-number separator number [SP *OCTET]  ; RFC 1939 §5
/// ```
///
/// # Errors
/// [`Malformed`] if it is none under `leniency`.
pub fn scan_listing(line: &[u8], leniency: &Leniency) -> Result<Parsed<ScanListing>, Malformed> {
    read(line, leniency, |input, deviations| {
        let (rest, message) = message_number(input)?;
        let (rest, _) = separator(leniency, deviations)(rest)?;
        let (rest, octets) = number(rest)?;
        Ok((rest, ScanListing { message, octets }))
    })
}

/// Reads a unique-id listing: a line of UIDL, or the text of a positive response to `UIDL n`.
///
/// ```abnf
/// unique-id-listing = message-number separator unique-id  ; RFC 1939 §7
/// unique-id         = 1*70%x21-7E                         ; to 255 with `long_unique_ids`
/// ```
///
/// The unique-id ends at the first space or tab; what follows needs `trailing_information`.
///
/// # Errors
/// [`Malformed`] if it is none under `leniency`.
pub fn unique_id_listing(
    line: &[u8],
    leniency: &Leniency,
) -> Result<Parsed<UniqueIdListing>, Malformed> {
    let parsed = read(line, leniency, |input, deviations| {
        let (rest, message) = message_number(input)?;
        let (rest, _) = separator(leniency, deviations)(rest)?;
        let end = memchr2(b' ', b'\t', rest).unwrap_or(rest.len());
        let (octets, rest) = rest.split_at(end);
        let Ok(id) = UniqueId::lenient(octets) else { return Err(no_match(input)) };
        if id.is_long() {
            if !leniency.long_unique_ids {
                return Err(no_match(input));
            }
            deviations.insert(Deviation::LongUniqueId);
        }
        if !rest.is_empty() {
            if !leniency.trailing_information {
                return Err(no_match(input));
            }
            deviations.insert(Deviation::TrailingInformation);
        }
        Ok((rest, UniqueIdListing { message, id }))
    })?;
    Ok(parsed)
}

/// Runs `grammar` over the whole of `input`; what it leaves over must be set apart by a blank.
fn read<'a, T>(
    input: &'a [u8],
    leniency: &Leniency,
    grammar: impl FnOnce(&'a [u8], &mut Deviations) -> IResult<&'a [u8], T>,
) -> Result<Parsed<T>, Malformed> {
    let mut deviations = Deviations::NONE;
    let input = leading_blanks(input, leniency, &mut deviations);
    let (rest, value) = grammar(input, &mut deviations).map_err(|_| Malformed)?;
    match rest.first() {
        None | Some(b' ') => {}
        Some(octet) if is_blank(*octet) && leniency.field_separators => {
            deviations.insert(Deviation::FieldSeparators);
        }
        Some(_) => return Err(Malformed),
    }
    Ok(Parsed { value, deviations })
}

fn no_match(input: &[u8]) -> nom::Err<nom::error::Error<&[u8]>> {
    nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify))
}
