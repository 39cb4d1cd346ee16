//! Peer text made safe to show.

use core::fmt::{self, Write as _};

/// Octets from a peer, shown so that they cannot drive a terminal or forge a log line.
///
/// Valid UTF-8 is shown as it is, except for controls (C0, DEL, C1), bidirectional controls and
/// line separators, which are shown as `\u{..}`; octets that are not UTF-8 are shown as `\x..`, and
/// a backslash is doubled. Output is bounded: see [`Escaped::bounded`].
///
/// ```
/// use pop3_proto::Escaped;
/// assert_eq!(Escaped::new(b"caf\xc3\xa9 \x1b[31m\xff").to_string(), "café \\u{1b}[31m\\xff");
/// ```
#[derive(Clone, Copy)]
pub struct Escaped<'a> {
    octets: &'a [u8],
    limit: usize,
}

impl<'a> Escaped<'a> {
    /// Shows all of `octets`.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets, limit: usize::MAX }
    }

    /// Shows the first `limit` octets and then `…` if there are more.
    #[must_use]
    pub const fn bounded(octets: &'a [u8], limit: usize) -> Self {
        Self { octets, limit }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, cut) = match self.octets.split_at_checked(self.limit) {
            Some((shown, rest)) => (shown, !rest.is_empty()),
            None => (self.octets, false),
        };
        for chunk in shown.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character == '\\' {
                    f.write_str("\\\\")?;
                } else if must_escape(character) {
                    write!(f, "\\u{{{:x}}}", u32::from(character))?;
                } else {
                    f.write_char(character)?;
                }
            }
            for octet in chunk.invalid() {
                write!(f, "\\x{octet:02x}")?;
            }
        }
        if cut { f.write_char('…') } else { Ok(()) }
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

fn must_escape(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}'                       // Arabic letter mark
            | '\u{200b}'..='\u{200f}'        // zero-width and directional marks
            | '\u{2028}'..='\u{202e}'        // separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}'        // invisible operators and isolates
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}') // tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString as _;

    /// K3, K4: what drives a terminal, ends a line or turns the direction of a text around is spelled out.
    #[test]
    fn controls_and_bidi_never_pass() {
        let is_plain = |shown: &str| shown.bytes().all(|octet| matches!(octet, b' '..=b'~'));
        for hostile in
            ["\x1b[31m", "\x07", "\r\n", "\u{9b}31m", "\u{202e}", "\u{2028}", "\x7f", "\0"]
        {
            let shown = Escaped::new(hostile.as_bytes()).to_string();
            assert!(is_plain(&shown), "{hostile:?}");
        }
        let controls = ('\0'..='\x1f').chain('\x7f'..='\u{9f}');
        let directions = "\u{61c}\u{200e}\u{200f}\u{2066}\u{2067}\u{2068}\u{2069}".chars();
        for hostile in controls.chain('\u{2028}'..='\u{202e}').chain(directions) {
            let shown = Escaped::new(hostile.encode_utf8(&mut [0; 4]).as_bytes()).to_string();
            assert_eq!(shown, format!("\\u{{{:x}}}", u32::from(hostile)));
        }
        for octet in 0x80..=0xff {
            assert_eq!(Escaped::new(&[octet]).to_string(), format!("\\x{octet:02x}"));
        }
    }

    #[test]
    fn bounded_output_says_that_it_was_cut() {
        assert_eq!(Escaped::bounded(b"abcdef", 3).to_string(), "abc…");
        assert_eq!(Escaped::bounded(b"abc", 3).to_string(), "abc");
    }

    #[test]
    fn different_octets_stay_different() {
        assert_ne!(Escaped::new(b"\\xff").to_string(), Escaped::new(b"\xff").to_string());
    }
}
