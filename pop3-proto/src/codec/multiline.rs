//! Bodies on their way in: where one ends, and which dots are not part of it.

mod place;
mod runs;

use super::LineEnding;
use super::scan::{BLOCK, CARRIAGE_RETURN, LINE_FEED, LeadingDots, TERMINATION};
use place::{Apart, InPlace, Place};
use runs::Runs;

/// Runs shorter than this come faster block by block than each on its own.
const SHORT: usize = 32;

/// Finds the end of a multi-line response and takes the byte-stuffing out of it (RFC 1939 §3).
///
/// Only `CRLF "." CRLF` ends a body, and the first CRLF may be the one of the status line: the start of a body is the start
/// of a line, and an empty body is `.CRLF`. From any other line that begins with the termination octet that one octet is
/// taken, and nothing else is changed: bare CR and LF, NUL and octets above 127 are data. The CRLF in front of the
/// terminator belongs to the body.
///
/// Four methods share their state, so that they can be mixed: [`decode`](Self::decode) answers with offsets and copies
/// nothing, nor does [`decode_runs`](Self::decode_runs), which lends all runs of an input,
/// [`decode_in_place`](Self::decode_in_place) closes the gaps where they are many, and [`decode_into`](Self::decode_into)
/// copies. However the stream is cut, they give the same octets and the same end. No
/// octet is held here: what is undecided, a CR behind a leading dot, is left for the caller to present again.
///
/// ```
/// use pop3_proto::codec::{BodyStep, LineEnding, MultilineDecoder};
///
/// let mut decoder = MultilineDecoder::new(LineEnding::Crlf);
/// let mut input: &[u8] = b"one\r\n..two\r\n.\r\n+OK";
/// let mut body = Vec::new();
/// while !decoder.ended() {
///     match decoder.decode(input) {
///         BodyStep::Data { len, skip } | BodyStep::End { len, skip } => {
///             body.extend_from_slice(&input[..len]);
///             input = &input[len + skip..];
///         }
///         BodyStep::NeedMore => panic!("the body is whole"),
///     }
/// }
/// assert_eq!(body, b"one\r\n.two\r\n");
/// assert_eq!(input, b"+OK");
/// ```
#[derive(Clone, Debug)]
pub struct MultilineDecoder {
    dots: LeadingDots,
    before: Before,
}

/// What was consumed right before the next octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// A line end, or the status line.
    LineEnd,
    CarriageReturn,
    /// A termination octet at the start of a line, of which nobody knows yet what it means.
    LeadingDot,
    Other,
    /// The terminator; nothing is consumed any more.
    Terminator,
}

/// What [`MultilineDecoder::decode`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(
    clippy::exhaustive_enums,
    reason = "a caller has to answer each of them; another one would be a new contract"
)]
pub enum BodyStep {
    /// A run of the body. Drop `len + skip` octets and call again with the rest. Not both are 0.
    Data {
        /// `input[..len]` is body.
        len: usize,
        /// Octets behind the run that are no data: a leading dot.
        skip: usize,
    },
    /// The last run of the body. Drop `len + skip` octets; what follows belongs to the next response. Every later call
    /// answers `End { len: 0, skip: 0 }`.
    End {
        /// `input[..len]` is body.
        len: usize,
        /// Octets behind the run that are no data: the terminator, or what was left of it.
        skip: usize,
    },
    /// Nothing can be said yet: call again with the same octets, of which there is at most one, and more.
    NeedMore,
}

/// How far [`MultilineDecoder::decode_runs`], [`MultilineDecoder::decode_in_place`] or [`MultilineDecoder::decode_into`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_structs, reason = "two positions and the end are the whole answer")]
pub struct Decoded {
    /// Octets of the body that were handed over, or put at the start of the output.
    pub written: usize,
    /// Octets of the input to drop. What lies behind them is unchanged.
    pub read: usize,
    /// The body has ended; what follows belongs to the next response.
    pub end: bool,
}

/// [`BodyStep`], but for an output that can be full.
enum Step {
    Data { len: usize, skip: usize },
    End { len: usize, skip: usize },
    NeedMore,
    Full,
}

impl MultilineDecoder {
    /// A decoder in front of the first octet of a body.
    #[must_use]
    pub const fn new(ending: LineEnding) -> Self {
        Self { dots: LeadingDots::new(ending), before: Before::LineEnd }
    }

    /// Stands in front of the first octet of another body. What was made for searching is kept, and how far away the last
    /// hit was: bodies of one maildrop are like one another.
    pub(crate) const fn restart(&mut self) {
        self.before = Before::LineEnd;
    }

    /// Finds the next run of the body; `input` starts with the first octet not yet consumed.
    ///
    /// One run ends at each leading dot. Where runs are so short that each costs more than its octets are worth, go on with
    /// [`decode_runs`](Self::decode_runs) or [`decode_in_place`](Self::decode_in_place).
    pub fn decode(&mut self, input: &[u8]) -> BodyStep {
        match self.step(input, usize::MAX) {
            Step::Data { len, skip } => BodyStep::Data { len, skip },
            Step::End { len, skip } => BodyStep::End { len, skip },
            Step::NeedMore | Step::Full => BodyStep::NeedMore,
        }
    }

    /// Calls `each` with the runs of the body in `input`, which starts with the first octet not yet consumed; none is empty.
    ///
    /// What [`decode`](Self::decode) finds one by one, without a search for each: where runs are short several times as
    /// fast. [`Decoded::written`] counts the octets of all runs. Without an end, at most one octet stays unread: present it
    /// again with more.
    ///
    /// ```
    /// use pop3_proto::codec::{Decoded, LineEnding, MultilineDecoder};
    ///
    /// let mut runs = Vec::new();
    /// let decoded = MultilineDecoder::new(LineEnding::Crlf)
    ///     .decode_runs(b"one\r\n..two\r\n.\r\n+OK", |run| runs.push(run));
    /// assert_eq!(decoded, Decoded { written: 11, read: 15, end: true });
    /// assert_eq!(runs, [&b"one\r\n"[..], b".two\r\n"]);
    /// ```
    pub fn decode_runs<'i>(&mut self, input: &'i [u8], each: impl FnMut(&'i [u8])) -> Decoded {
        Runs::new(input, each).walk(self)
    }

    /// Takes the byte-stuffing out of `buffer`, which starts with the first octet not yet consumed: `buffer[..written]` is
    /// body, and `buffer[read..]` is what comes next, unchanged. Between the two lies nothing of meaning.
    ///
    /// Without an end, at most one octet stays unread: present it again with more.
    ///
    /// ```
    /// use pop3_proto::codec::{Decoded, LineEnding, MultilineDecoder};
    ///
    /// let mut buffer = *b"..\r\n..\r\n.\r\n-ERR";
    /// let decoded = MultilineDecoder::new(LineEnding::Crlf).decode_in_place(&mut buffer);
    /// assert_eq!(decoded, Decoded { written: 6, read: 11, end: true });
    /// assert_eq!(&buffer[..6], b".\r\n.\r\n");
    /// ```
    pub fn decode_in_place(&mut self, buffer: &mut [u8]) -> Decoded {
        self.walk(&mut InPlace { octets: buffer })
    }

    /// Copies the body into `out`, as much as it has room for; `input` starts with the first octet not yet consumed.
    ///
    /// Fewer than `out.len()` octets written, and no end: at most one octet stays unread, to be presented again with more.
    /// An end that follows right behind is found even when there is no room left.
    pub fn decode_into(&mut self, input: &[u8], out: &mut [u8]) -> Decoded {
        self.walk(&mut Apart { input, out })
    }

    /// Whether the terminator has been consumed.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.before == Before::Terminator
    }

    fn walk(&mut self, place: &mut impl Place) -> Decoded {
        let (mut read, mut written) = (0, 0);
        let end = loop {
            let rest = place.input().get(read..).unwrap_or_default();
            let (len, skip, end) = match self.step(rest, place.room(written)) {
                Step::Data { len, skip } => (len, skip, false),
                Step::End { len, skip } => (len, skip, true),
                Step::NeedMore | Step::Full => break false,
            };
            place.keep(read, len, written);
            read += len + skip;
            written += len;
            if end {
                break true;
            }
            if skip > 0 && len < SHORT {
                self.strip_blocks(place, &mut read, &mut written);
            }
        };
        Decoded { written, read, end }
    }

    /// Takes leading dots out block by block, for as long as they come thick.
    ///
    /// To be called behind a leading dot only. If there are octets enough for a block behind it, it is known not to begin
    /// the terminator: [`step`](Self::step) has seen them.
    #[inline]
    fn strip_blocks(&mut self, place: &mut impl Place, read: &mut usize, written: &mut usize) {
        loop {
            let Some(window) = read.checked_sub(2).and_then(|start| place.window(start, *written))
            else {
                return;
            };
            let Some(stripped) = self.dots.strip(window) else { return };
            let [.., last_but_one, last, _, _] = *window;
            // A leading dot that came last is decided, too: `strip` has seen the two octets behind it.
            self.before = match last {
                CARRIAGE_RETURN => Before::CarriageReturn,
                LINE_FEED if self.ends_line(Some(last_but_one)) => Before::LineEnd,
                _ => Before::Other,
            };
            place.put(*written, &stripped.octets);
            *read += BLOCK;
            *written += stripped.kept;
            if BLOCK - stripped.kept < BLOCK / SHORT {
                return;
            }
        }
    }

    fn step(&mut self, input: &[u8], room: usize) -> Step {
        let Some(&first) = input.first() else {
            return if self.ended() { Step::End { len: 0, skip: 0 } } else { Step::NeedMore };
        };
        match self.before {
            Before::Terminator => return Step::End { len: 0, skip: 0 },
            Before::LineEnd if first == TERMINATION => return self.leading_dot(input, 0),
            Before::LeadingDot => {
                if let Some(skip) = self.rest_of_terminator(input) {
                    self.before = Before::Terminator;
                    return Step::End { len: 0, skip };
                }
                if input == [CARRIAGE_RETURN] {
                    return Step::NeedMore;
                }
            }
            _ => {}
        }
        if room == 0 {
            return Step::Full;
        }
        // The line end of a leading dot must have room, the dot itself needs none.
        let shown = input.get(..room.saturating_add(1)).unwrap_or(input);
        if self.before == Before::CarriageReturn && shown.starts_with(b"\n.") {
            return self.leading_dot(input, 1);
        }
        if let Some(dot) = self.dots.find(shown) {
            return self.leading_dot(input, dot);
        }
        let run = input.get(..room).unwrap_or(input);
        self.before = self.after(run);
        Step::Data { len: run.len(), skip: 0 }
    }

    fn leading_dot(&mut self, input: &[u8], dot: usize) -> Step {
        let rest = input.get(dot + 1..).unwrap_or_default();
        if let Some(skip) = self.rest_of_terminator(rest) {
            self.before = Before::Terminator;
            return Step::End { len: dot, skip: 1 + skip };
        }
        self.before = Before::LeadingDot;
        Step::Data { len: dot, skip: 1 }
    }

    /// How long the line end is that makes a terminator of the leading dot before it.
    fn rest_of_terminator(&self, input: &[u8]) -> Option<usize> {
        match input {
            [CARRIAGE_RETURN, LINE_FEED, ..] => Some(2),
            [LINE_FEED, ..] if self.dots.ending() == LineEnding::CrlfOrLf => Some(1),
            _ => None,
        }
    }

    /// What stands before the next octet once `run` is consumed, which is not empty.
    fn after(&self, run: &[u8]) -> Before {
        match *run {
            [.., CARRIAGE_RETURN] => Before::CarriageReturn,
            [.., octet, LINE_FEED] if self.ends_line(Some(octet)) => Before::LineEnd,
            [LINE_FEED] if self.ends_line(None) => Before::LineEnd,
            _ => Before::Other,
        }
    }

    /// Whether an LF ends a line, given the octet before it if that is at hand.
    fn ends_line(&self, octet: Option<u8>) -> bool {
        self.dots.ending() == LineEnding::CrlfOrLf
            || octet.map_or(self.before == Before::CarriageReturn, |octet| octet == CARRIAGE_RETURN)
    }
}
