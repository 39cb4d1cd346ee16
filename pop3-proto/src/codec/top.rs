//! The part of a message that TOP asks for.

use memchr::memchr2;

use super::scan::{CARRIAGE_RETURN, LINE_FEED};
use crate::effort::scanned;

/// Cuts a message at its headers, the blank line and so many lines of its body: the answer to TOP (RFC 1939 §7).
///
/// The message may come in any chunks, and before or after its line ends became CRLF: CRLF, a bare LF and a bare CR each
/// end one line, as [`MultilineEncoder`](super::MultilineEncoder) will write them. Give the octets that [`take`](Self::take)
/// accepts to the encoder, and stop reading the message when it is [`done`](Self::done).
///
/// ```
/// use pop3_proto::codec::TopLines;
///
/// let message = b"Subject: tea\r\n\r\nfirst\r\nsecond\r\n";
/// let mut top = TopLines::new(1);
/// assert_eq!(top.take(message), b"Subject: tea\r\n\r\nfirst\r\n".len());
/// assert!(top.done());
/// ```
#[derive(Clone, Debug)]
pub struct TopLines {
    /// Lines of the body still wanted.
    lines: u64,
    part: Part,
    line: Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Headers,
    Body,
    Done,
}

/// What the octets of the current line were so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    Begun,
    /// The last line ended with a CR; an LF that comes next belongs to it.
    AfterCarriageReturn,
}

impl TopLines {
    /// For the headers, the blank line and `lines` lines of the body; the whole message if it has no more than that.
    #[must_use]
    pub const fn new(lines: u64) -> Self {
        Self { lines, part: Part::Headers, line: Line::Empty }
    }

    /// How many octets of `input`, the next part of the message, belong to the answer.
    ///
    /// Fewer than `input.len()` only when the answer is complete. The LF of a CRLF always comes with its CR, also when
    /// it is the first octet of another chunk; therefore a message cut behind a last CR is not done before the next octet
    /// is known, and may then take none.
    pub fn take(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while let Some((&next, _)) = input.get(taken..).and_then(<[u8]>::split_first) {
            if self.line == Line::AfterCarriageReturn {
                taken += usize::from(next == LINE_FEED);
                self.start_line();
                continue;
            }
            if self.part == Part::Done {
                break;
            }
            let rest = input.get(taken..).unwrap_or_default();
            let found = memchr2(CARRIAGE_RETURN, LINE_FEED, rest);
            scanned(found.map_or(rest.len(), |length| length + 1));
            let Some(length) = found else {
                self.line = Line::Begun;
                return input.len();
            };
            taken += length + 1;
            self.end_line(self.line == Line::Empty && length == 0);
            if rest.get(length) == Some(&CARRIAGE_RETURN) {
                self.line = Line::AfterCarriageReturn;
            } else {
                self.start_line();
            }
        }
        taken
    }

    /// Whether the answer is complete. A message that ended before is complete as well.
    #[must_use]
    pub fn done(&self) -> bool {
        self.part == Part::Done
    }

    fn end_line(&mut self, blank: bool) {
        match self.part {
            Part::Headers if blank => self.part = Part::Body,
            Part::Body => self.lines = self.lines.saturating_sub(1),
            Part::Headers | Part::Done => {}
        }
    }

    fn start_line(&mut self) {
        self.line = Line::Empty;
        if self.part == Part::Body && self.lines == 0 {
            self.part = Part::Done;
        }
    }
}
