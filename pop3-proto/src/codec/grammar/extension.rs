//! What extensions list: the mechanisms of AUTH, the languages of LANG.

use super::token::leading_blanks;
use super::{Malformed, Parsed};
use crate::leniency::{Deviation, Deviations, Leniency};
use crate::{LanguageListing, LanguageTag, MechanismName, Text};

/// Reads a line of the list that answers AUTH without an argument: the name of a mechanism.
///
/// # Errors
/// [`Malformed`] if it is none under `leniency`: what follows the name needs `trailing_information`.
pub fn mechanism_listing(
    line: &[u8],
    leniency: &Leniency,
) -> Result<Parsed<MechanismName>, Malformed> {
    let mut deviations = Deviations::NONE;
    let line = leading_blanks(line, leniency, &mut deviations);
    let (word, rest) = split_at_space(line);
    if rest.is_some() {
        if !leniency.trailing_information {
            return Err(Malformed);
        }
        deviations.insert(Deviation::TrailingInformation);
    }
    let name = core::str::from_utf8(word).map_err(|_| Malformed)?;
    let value = MechanismName::new(name).map_err(|_| Malformed)?;
    Ok(Parsed { value, deviations })
}

/// Reads a language listing: a line of LANG, or the text of a positive response to LANG with an
/// argument.
///
/// ```abnf
/// language-listing = language-tag [SP description]   ; RFC 6856 §3.2
/// ```
///
/// # Errors
/// [`Malformed`] if it does not begin with a language tag.
pub fn language_listing(
    line: &[u8],
    leniency: &Leniency,
) -> Result<Parsed<LanguageListing>, Malformed> {
    let mut deviations = Deviations::NONE;
    let line = leading_blanks(line, leniency, &mut deviations);
    let (tag, description) = split_at_space(line);
    let tag = core::str::from_utf8(tag).map_err(|_| Malformed)?;
    let tag = LanguageTag::new(tag).map_err(|_| Malformed)?;
    let description = Text::received(description.unwrap_or_default());
    Ok(Parsed { value: LanguageListing::new(tag, description), deviations })
}

fn split_at_space(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b' ', line).and_then(|at| line.split_at_checked(at)) {
        Some((word, rest)) => (word, rest.split_first().map(|(_, rest)| rest)),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mechanism_is_a_name_alone_on_its_line() {
        let (strict, tolerant) = (Leniency::strict(), Leniency::tolerant());
        let read = |line, leniency| mechanism_listing(line, leniency).map(|parsed| parsed.value);
        assert_eq!(read(b"cram-md5", &strict), Ok(MechanismName::CRAM_MD5));
        assert_eq!(read(b"PLAIN x", &strict), Err(Malformed));
        assert_eq!(read(b"PLAIN x", &tolerant), Ok(MechanismName::PLAIN));
        assert_eq!(read(b"", &tolerant), Err(Malformed));
        assert_eq!(read(b"PLAIN,LOGIN", &tolerant), Err(Malformed));
    }

    /// R6856-3.2.02, R6856-3.2.03, R6856-3.2.05.
    #[test]
    fn a_language_may_be_described() {
        let read = |line: &[u8]| language_listing(line, &Leniency::strict());
        let listing = read("sv Svenska \u{e5}".as_bytes()).expect("a listing").value;
        assert_eq!(listing.tag.as_str(), "sv");
        assert_eq!(listing.description.octets(), "Svenska \u{e5}".as_bytes());
        assert!(read(b"i-default").is_ok_and(|parsed| parsed.value.description.is_empty()));
        for line in [&b""[..], b" sv", b"*", b"sv\tSvenska", b"\xff"] {
            assert_eq!(read(line), Err(Malformed), "{line:?}");
        }
    }
}
