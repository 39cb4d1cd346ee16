//! What single lines say, read the slow way and without a parser.

use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4, its §3.5 included: the bits of the text, cut into octets; none may be left that is set.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let (mut bits, mut count) = (0_u32, 0);
    let mut octets = Vec::new();
    for digit in digits {
        let value = ALPHABET.iter().position(|known| known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from(bits >> count).expect("8 bits"));
            bits &= (1 << count) - 1;
        }
    }
    let padded = digits.len().div_ceil(4) * 4;
    (bits == 0 && count < 6 && text.len() == padded).then_some(octets)
}

/// A drop listing, or a scan listing whose first number may not be 0.
pub(super) fn two_numbers(line: &[u8]) -> Option<(u64, u64)> {
    let mut words = line.splitn(3, |octet| *octet == b' ');
    let (first, second) = (number(words.next()?)?, number(words.next()?)?);
    u32::try_from(first).is_ok().then_some((first, second))
}

/// RFC 1939 §7.
pub(super) fn unique_id(line: &[u8]) -> Option<(u64, &[u8])> {
    let (message, id) = line.split_at(line.iter().position(|octet| *octet == b' ')?);
    let (message, id) = (number(message)?, &id[1..]);
    let fits = (1..=u64::from(u32::MAX)).contains(&message) && (1..=70).contains(&id.len());
    (fits && id.iter().all(u8::is_ascii_graphic)).then_some((message, id))
}

fn number(digits: &[u8]) -> Option<u64> {
    if !(1..=20).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_u128, |value, digit| value * 10 + u128::from(digit - b'0'));
    u64::try_from(value).ok()
}

/// RFC 822 §6.1, the one msg-id of a greeting, without quoted strings, comments and route.
pub(super) fn timestamp(text: &[u8]) -> Option<&[u8]> {
    let at = text.iter().position(|octet| *octet == b'<')?;
    let from = &text[at..];
    let msg_id = &from[..=from.iter().position(|octet| *octet == b'>')?];
    let inside = &msg_id[1..msg_id.len() - 1];
    let (local, domain) = inside.split_at(inside.iter().position(|octet| *octet == b'@')?);
    let domain = &domain[1..];
    let atoms = |text: &[u8]| {
        text.split(|octet| *octet == b'.').all(|atom| {
            let special = |octet: &u8| b"()<>@,;:\\\".[]".contains(octet);
            !atom.is_empty() && atom.iter().all(|octet| octet.is_ascii_graphic() && !special(octet))
        })
    };
    let literal = |text: &[u8]| match text {
        [b'[', inside @ .., b']'] if !inside.is_empty() => {
            inside.iter().all(|octet| octet.is_ascii_graphic() && !b"[]\\<>".contains(octet))
        }
        _ => false,
    };
    let one = !from[1..].contains(&b'<');
    (one && atoms(local) && (atoms(domain) || literal(domain))).then_some(msg_id)
}
