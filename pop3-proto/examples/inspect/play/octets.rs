//! Octets as a script writes them: `\r`, `\n`, `\t`, `\xNN`, `\\`, and `\N{TEXT}` for a text that comes N times.

use std::fmt::Write as _;

use pop3_proto::Base64;

/// What a repetition comes to at most.
const MOST: usize = 1 << 20;

/// Reads the escapes of a text; whether CRLF follows.
pub(super) fn unescape(text: &[u8]) -> Result<(Vec<u8>, bool), String> {
    let text = expand(text)?;
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let Some((&octet, behind)) = rest.split_first() {
        let (octet, behind) = match (octet, behind) {
            (b'\\', []) => return Ok((octets, false)),
            (b'\\', [b'r', behind @ ..]) => (b'\r', behind),
            (b'\\', [b'n', behind @ ..]) => (b'\n', behind),
            (b'\\', [b't', behind @ ..]) => (b'\t', behind),
            (b'\\', [b'\\', behind @ ..]) => (b'\\', behind),
            (b'\\', [b'x', high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => return Err("\\x wants two hexadecimal digits".to_owned()),
            },
            (b'\\', _) => return Err("the escapes are \\r \\n \\t \\xNN \\\\ \\N{TEXT}".to_owned()),
            plain => plain,
        };
        octets.push(octet);
        rest = behind;
    }
    Ok((octets, true))
}

/// What `N{TEXT}` comes to, and what stands behind it; TEXT as it stands there.
fn repetition(text: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let malformed = || "a repetition is \\N{TEXT}".to_owned();
    let open = text.iter().position(|octet| *octet == b'{').ok_or_else(malformed)?;
    let close = text.iter().position(|octet| *octet == b'}').ok_or_else(malformed)?;
    let times = text.get(..open).and_then(|times| std::str::from_utf8(times).ok());
    let times: usize = times.and_then(|times| times.parse().ok()).ok_or_else(malformed)?;
    let repeated = text.get(open + 1..close).ok_or_else(malformed)?;
    if times.checked_mul(repeated.len()).is_none_or(|len| len > MOST) {
        return Err(format!("a repetition comes to at most {MOST} octets"));
    }
    Ok((repeated.repeat(times), text.get(close + 1..).unwrap_or_default()))
}

/// A text with its repetitions written out, and its other escapes as they are.
pub(super) fn expand(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&octet, behind)) = rest.split_first() {
        rest = behind;
        match (octet, behind) {
            (b'\\', [b'0'..=b'9', ..]) => {
                let (repeated, behind) = repetition(behind)?;
                octets.extend_from_slice(&repeated);
                rest = behind;
            }
            (b'\\', [escape, behind @ ..]) => {
                octets.extend_from_slice(&[b'\\', *escape]);
                rest = behind;
            }
            _ => octets.push(octet),
        }
    }
    Ok(octets)
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Shows octets as [`unescape`] reads them, on one line and safe for a terminal.
pub(super) fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\\' => text.push_str("\\\\"),
                ' '..='~' => text.push(character),
                _ if character.is_alphanumeric() => text.push(character),
                _ => put_hexadecimal(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        put_hexadecimal(&mut text, chunk.invalid());
    }
    // Nobody sees a space at the end, and editors take it away.
    if text.ends_with(' ') {
        text.pop();
        text.push_str("\\x20");
    }
    text
}

fn put_hexadecimal(text: &mut String, octets: &[u8]) {
    for octet in octets {
        // A String takes everything.
        let _ = write!(text, "\\x{octet:02x}");
    }
}

/// Octets behind a base64 text. The core decodes only where it has mechanisms, and this is for the lines that go
/// without.
pub(super) fn decoded(base64: &Base64) -> Vec<u8> {
    let digit = |octet: &u8| match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<_> = base64.expose().iter().filter_map(digit).map(u32::from).collect();
    let group = |digits: &[u32]| {
        let bits = digits.iter().fold(0, |bits, digit| bits << 6 | digit);
        let [_, octets @ ..] = (bits << (6 * (4 - digits.len()))).to_be_bytes();
        octets.into_iter().take(digits.len() * 6 / 8)
    };
    digits.chunks(4).flat_map(group).collect()
}
