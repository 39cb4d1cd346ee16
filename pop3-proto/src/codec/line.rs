//! Lines: where one ends, and what is not one.

use memchr::memchr;

use super::scan::{CARRIAGE_RETURN, LINE_FEED};
use crate::effort::scanned;

/// Which octets end a line.
///
/// RFC 1939 §3 knows CRLF only, and so does [`LineEnding::Crlf`], the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum LineEnding {
    /// CRLF and nothing else. A bare LF where a line was due is an answer of its own; in a body it is data.
    #[default]
    Crlf,
    /// CRLF or a bare LF, for lines and for the terminator of a body alike.
    ///
    /// **Unsafe against a hostile message.** Whoever wrote a message can end its body early with `LF . LF` and put
    /// forged replies behind it, because a server that keeps to RFC 1939 §3 passes these octets on as they are. It is
    /// meant for one known, broken, trusted server.
    CrlfOrLf,
}

/// Finds the lines in a stream of octets, and answers with offsets.
///
/// It holds no octets. It remembers how far it has searched, so that each octet is searched once, whatever the size of
/// the reads: show it the octets from the first one not yet consumed, and after [`LineStep::NeedMore`] the same octets
/// and more.
///
/// ```
/// use pop3_proto::codec::{LineDecoder, LineEnding, LineStep};
///
/// let mut decoder = LineDecoder::new(LineEnding::Crlf);
/// assert_eq!(decoder.decode(b"+OK\r", 512), LineStep::NeedMore);
/// assert_eq!(decoder.decode(b"+OK\r\n+OK 2 320\r\n", 512), LineStep::Line { len: 3, consumed: 5 });
/// assert_eq!(decoder.decode(b"+OK 2 320\r\n", 512), LineStep::Line { len: 9, consumed: 11 });
/// ```
#[derive(Clone, Debug)]
pub struct LineDecoder {
    ending: LineEnding,
    /// Octets of the input known to hold no LF.
    searched: usize,
    tail: Tail,
}

/// Whether the octets shown belong to a line that is already given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    No,
    /// They do, and the octet dropped last was none that matters.
    Of,
    /// They do, and the octet dropped last was a CR.
    OfAfterCarriageReturn,
}

/// What [`LineDecoder::decode`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(
    clippy::exhaustive_enums,
    reason = "a caller has to answer each of them; another one would be a new contract"
)]
pub enum LineStep {
    /// A whole line.
    Line {
        /// `input[..len]` is the line without its line end.
        len: usize,
        /// Octets to drop before the next call: the line with its line end.
        consumed: usize,
    },
    /// No line end yet, and still room under the limit: call again with the same octets and more.
    NeedMore,
    /// The line is longer than the limit. Its octets are never a line, not even the last ones.
    TooLong {
        /// Octets to drop before the next call.
        skip: usize,
        /// `false`: more of the same line follows, and `decode` goes on answering `TooLong` until it has ended.
        end: bool,
    },
    /// An LF without a CR before it, under [`LineEnding::Crlf`] only. Nobody can say whether the peer meant a line end,
    /// so that this is for the caller to refuse; the same octets get the same answer again.
    BareLineFeed {
        /// `input[at]` is the LF.
        at: usize,
    },
}

impl LineDecoder {
    /// A decoder in front of the first octet of a line.
    #[must_use]
    pub const fn new(ending: LineEnding) -> Self {
        Self { ending, searched: 0, tail: Tail::No }
    }

    /// Looks for the end of the line that `input` starts with.
    ///
    /// `limit` counts the octets of a line with its line end (RFC 1939 §4 and RFC 2449 §4 count them so). It holds on
    /// incomplete data: as soon as `limit` octets have come without an LF, the answer is [`LineStep::TooLong`], and an
    /// LF behind them does not make a line of them any more. The answers do not depend on how the stream was cut,
    /// but that what is dropped of one long line may come in more or fewer parts.
    ///
    /// ```
    /// use pop3_proto::codec::{LineDecoder, LineEnding, LineStep};
    ///
    /// let mut decoder = LineDecoder::new(LineEnding::Crlf);
    /// assert_eq!(decoder.decode(b"NOOP NOOP N", 8), LineStep::TooLong { skip: 11, end: false });
    /// assert_eq!(decoder.decode(b"OOP\r\nQUIT\r\n", 8), LineStep::TooLong { skip: 5, end: true });
    /// assert_eq!(decoder.decode(b"QUIT\r\n", 8), LineStep::Line { len: 4, consumed: 6 });
    /// ```
    #[inline]
    pub fn decode(&mut self, input: &[u8], limit: usize) -> LineStep {
        if input.is_empty() {
            return LineStep::NeedMore;
        }
        if self.tail != Tail::No {
            return self.discard(input);
        }
        let line = input.get(..limit).unwrap_or(input);
        match self.search(line) {
            Some(at) => self.end_line(line, at),
            None if input.len() < limit => LineStep::NeedMore,
            None => {
                self.tail = Tail::Of;
                self.discard(input)
            }
        }
    }

    fn end_line(&mut self, line: &[u8], at: usize) -> LineStep {
        let before = line.get(..at).unwrap_or_default();
        match (before.strip_suffix(&[CARRIAGE_RETURN]), self.ending) {
            (None, LineEnding::Crlf) => LineStep::BareLineFeed { at },
            (text, _) => {
                self.searched = 0;
                LineStep::Line { len: text.unwrap_or(before).len(), consumed: at + 1 }
            }
        }
    }

    fn discard(&mut self, input: &[u8]) -> LineStep {
        let Some(at) = self.search(input) else {
            self.drop_tail(input);
            return LineStep::TooLong { skip: input.len(), end: false };
        };
        let before = input.get(..at).unwrap_or_default();
        let after_carriage_return = match before.last() {
            Some(&octet) => octet == CARRIAGE_RETURN,
            None => self.tail == Tail::OfAfterCarriageReturn,
        };
        if after_carriage_return || self.ending == LineEnding::CrlfOrLf {
            self.searched = 0;
            self.tail = Tail::No;
            return LineStep::TooLong { skip: at + 1, end: true };
        }
        if before.is_empty() {
            return LineStep::BareLineFeed { at };
        }
        // The line is too long before it is ill-formed, however the octets were cut.
        self.drop_tail(before);
        LineStep::TooLong { skip: at, end: false }
    }

    fn drop_tail(&mut self, dropped: &[u8]) {
        self.searched = 0;
        self.tail = if dropped.ends_with(&[CARRIAGE_RETURN]) {
            Tail::OfAfterCarriageReturn
        } else {
            Tail::Of
        };
    }

    /// Where the first LF is; an octet is looked at once, but for an LF that was refused.
    fn search(&mut self, input: &[u8]) -> Option<usize> {
        let from = self.searched.min(input.len());
        let found = memchr(LINE_FEED, input.get(from..)?).map(|at| from + at);
        self.searched = found.unwrap_or(input.len());
        scanned(self.searched - from + usize::from(found.is_some()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I4, class E (endless line): an octet that was searched is not searched again, though the line comes octet by octet.
    #[test]
    fn a_line_of_one_mebioctet_is_searched_once() {
        const LENGTH: usize = 1 << 20;
        let mut line = alloc::vec![b'a'; LENGTH];
        line.extend_from_slice(b"\r\n");
        let mut decoder = LineDecoder::new(LineEnding::Crlf);
        let mut searched = 0;
        for end in 1..line.len() {
            let before = decoder.searched;
            assert_eq!(decoder.decode(&line[..end], usize::MAX), LineStep::NeedMore);
            assert_eq!(decoder.searched, end);
            searched += decoder.searched - before;
        }
        assert_eq!(searched, line.len() - 1);
        assert_eq!(
            decoder.decode(&line, usize::MAX),
            LineStep::Line { len: LENGTH, consumed: LENGTH + 2 }
        );
        assert_eq!(decoder.searched, 0);
    }
}
