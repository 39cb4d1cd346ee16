//! Names and passwords as RFC 4013 prepares them.

use pop3_proto::sasl::PreparedAs;
use stringprep::tables::unassigned_code_point;

/// Assigned, neither mapped nor composed nor moved by normalization, and of no direction, as is every code
/// point that is not assigned (RFC 3454 §7).
const INERT: char = '\u{2603}';

/// The text as it is compared or hashed; `None` if it holds what is prohibited.
pub(crate) fn prepared(text: &str, kind: PreparedAs) -> Option<String> {
    match kind {
        PreparedAs::Query => query(text),
        PreparedAs::Stored => stored(text),
    }
}

fn stored(text: &str) -> Option<String> {
    stringprep::saslprep(text).ok().map(std::borrow::Cow::into_owned)
}

/// As [`stored`], with what is not assigned left as it is and where it is.
fn query(text: &str) -> Option<String> {
    // Newer tables than those of RFC 3454 may know what it is equivalent to.
    let is_unknown =
        |c: char| unassigned_code_point(c) && stored(c.encode_utf8(&mut [0; 4])).is_none();
    let is_left = |c: &char| *c == INERT || is_unknown(*c);
    let mut left = text.chars().filter(is_left);
    let assigned: String = text.chars().map(|c| if is_left(&c) { INERT } else { c }).collect();
    let prepared = stored(&assigned)?;
    let restored = |c| if c == INERT { left.next().unwrap_or(c) } else { c };
    Some(prepared.chars().map(restored).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R6856-2.2.01, R6856-2.2.05, RFC 4013 §3: what both make of a text.
    #[test]
    fn the_examples_of_rfc_4013() {
        for (text, expected) in [
            ("I\u{ad}X", Some("IX")),
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{aa}", Some("a")),
            ("\u{2168}", Some("IX")),
            ("\u{7}", None),
            ("\u{627}1", None),
            ("\u{2603}\u{2603}", Some("\u{2603}\u{2603}")),
        ] {
            for kind in [PreparedAs::Query, PreparedAs::Stored] {
                assert_eq!(prepared(text, kind).as_deref(), expected, "{text:?} {kind:?}");
            }
        }
    }

    /// R6856-2.2.01, R6856-2.2.05: a query may hold what is not assigned, a stored string may not; what RFC 4013 §2.3
    /// prohibits neither may.
    #[test]
    fn a_query_may_hold_what_is_not_assigned() {
        for character in '\0'..=char::MAX {
            let text = format!("x{character}\u{2603}");
            let [query, stored] =
                [PreparedAs::Query, PreparedAs::Stored].map(|as_| prepared(&text, as_));
            let alone = prepared(&character.to_string(), PreparedAs::Stored);
            if unassigned_code_point(character) && alone.is_none() {
                assert_eq!((query, stored), (Some(text), None), "{character:?}");
            } else {
                assert_eq!(query, stored, "{character:?}");
            }
        }
        let kept = prepared("\u{1f600}\u{2603}\u{1f601} \u{2168}a\u{308}", PreparedAs::Query);
        assert_eq!(kept.as_deref(), Some("\u{1f600}\u{2603}\u{1f601} IX\u{e4}"));
        for prohibited in ["\u{e000}\u{1f600}", "\u{627}\u{1f600}", "\u{627}a\u{1f600}\u{627}"] {
            assert_eq!(prepared(prohibited, PreparedAs::Query), None, "{prohibited:?}");
        }
    }
}
