//! Bodies on their way out: line ends, byte-stuffing and the terminator.

mod runs;

use bytes::BufMut;
use memchr::memchr2;

use super::octets;
use super::scan::{
    BLOCK, CARRIAGE_RETURN, EXPANDED, LINE_FEED, TERMINATION, count_halves, expand, find_repair,
};
use crate::effort::scanned;
use runs::Runs;

/// Runs shorter than this come faster block by block than each on its own: a run costs as much as a few dozen octets
/// of a block.
const SHORT: usize = 24;

/// Encodes the body of a multi-line response (RFC 1939 §3): makes every line end CRLF, byte-stuffs each line that begins
/// with the termination octet, and ends with the terminator.
///
/// A bare CR and a bare LF each become CRLF, *before* the byte-stuffing: a client that takes either for a line end would
/// otherwise read a line of one dot where the message has none, and with it a forged end. So the encoding of any octets
/// has one end under every reading, and [`MultilineDecoder`](super::MultilineDecoder) gives back the message with its
/// line ends made CRLF.
///
/// [`encode`](Self::encode) and [`finish`](Self::finish) write into a [`BufMut`]. A caller who sends the octets of the message
/// from where they are has offsets of [`step`](Self::step) and slices of [`encode_runs`](Self::encode_runs). The four share
/// their state.
///
/// ```
/// use pop3_proto::codec::MultilineEncoder;
///
/// let mut encoder = MultilineEncoder::new();
/// let mut wire = Vec::new();
/// assert_eq!(encoder.encode(b"one\n.two", &mut wire), 8);
/// assert!(encoder.finish(&mut wire));
/// assert_eq!(wire, b"one\r\n..two\r\n.\r\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct MultilineEncoder {
    written: Written,
    /// What has to be written before the next octet of the message.
    owed: &'static [u8],
}

/// What stands on the wire (with what is owed) right before the next octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Written {
    /// Nothing, or a line end: a termination octet would have to be doubled.
    #[default]
    LineEnd,
    CarriageReturn,
    Other,
    Terminator,
}

impl Written {
    fn after(self, octets: &[u8]) -> Self {
        match octets.last() {
            None => self,
            Some(&CARRIAGE_RETURN) => Self::CarriageReturn,
            Some(&LINE_FEED) => Self::LineEnd,
            Some(_) => Self::Other,
        }
    }
}

/// What [`MultilineEncoder::step`] wants written: `input[..copy]`, then `insert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_structs, reason = "two writes are the whole answer")]
pub struct Stuff {
    /// Octets of the input to write as they are, and to drop.
    pub copy: usize,
    /// Octets to write behind them: the second dot of a byte-stuffed line, or the missing half of a line end. May be empty.
    pub insert: &'static [u8],
}

impl MultilineEncoder {
    /// An encoder in front of the first octet of a body, which is the start of a line.
    #[must_use]
    pub const fn new() -> Self {
        Self { written: Written::LineEnd, owed: b"" }
    }

    /// Says how the next octets of the message are written: `input[..copy]`, then `insert`. Drop `copy` octets and call
    /// again until none are left, then [`finish`](Self::finish).
    ///
    /// A call may copy nothing and only insert. After `finish` it does neither.
    ///
    /// One call ends at each repair. Where repairs come thick, a call costs more than its octets are worth: use
    /// [`encode_runs`](Self::encode_runs) or [`encode`](Self::encode) there, which then go on block by block.
    ///
    /// ```
    /// use pop3_proto::codec::{MultilineEncoder, Stuff};
    ///
    /// let mut encoder = MultilineEncoder::new();
    /// assert_eq!(encoder.step(b"one\r\n.two"), Stuff { copy: 6, insert: b"." });
    /// assert_eq!(encoder.step(b"two"), Stuff { copy: 3, insert: b"" });
    /// ```
    pub fn step(&mut self, input: &[u8]) -> Stuff {
        if !self.owed.is_empty() {
            return Stuff { copy: 0, insert: core::mem::take(&mut self.owed) };
        }
        if self.written == Written::Terminator {
            return Stuff { copy: 0, insert: b"" };
        }
        self.repair_first(input).unwrap_or_else(|| self.repair(input))
    }

    /// Calls `each` with the runs of octets to write, one after the other, for all of `input`; none is empty. How many
    /// octets they are together.
    ///
    /// What [`step`](Self::step) finds one by one, without a search for each: where repairs come thick several times as
    /// fast. A run is of `input`, or a line end that was repaired, or its missing half. Of a doubled dot the second is the
    /// first once more: it begins the next run. After [`finish`](Self::finish) there are no runs.
    ///
    /// ```
    /// use pop3_proto::codec::MultilineEncoder;
    ///
    /// let mut runs = Vec::new();
    /// assert_eq!(MultilineEncoder::new().encode_runs(b"one\n.two", |run| runs.push(run)), 10);
    /// assert_eq!(runs, [&b"one"[..], b"\r\n.", b".two"]);
    /// ```
    pub fn encode_runs<'i>(&mut self, input: &'i [u8], each: impl FnMut(&'i [u8])) -> usize {
        Runs::new(input, each).walk(self)
    }

    /// Writes the encoding of as much of `input` as `out` has room for, and returns how many octets of `input` that took.
    ///
    /// Call it again with the rest when there is more room: any room will do, though it be one octet. It never writes more
    /// than [`remaining_mut`](BufMut::remaining_mut) says (a `Vec` or `BytesMut` says nearly `usize::MAX` and grows). After
    /// [`finish`](Self::finish) it takes nothing.
    pub fn encode(&mut self, input: &[u8], out: &mut impl BufMut) -> usize {
        let (mut taken, mut last) = (0, usize::MAX);
        while self.flush(out) && self.written != Written::Terminator {
            let rest = input.get(taken..).unwrap_or_default();
            let shown = rest.get(..out.remaining_mut()).unwrap_or(rest);
            if shown.is_empty() {
                break;
            }
            let Stuff { copy, insert } = self.step(shown);
            out.put_slice(shown.get(..copy).unwrap_or_default());
            self.owed = insert;
            taken += copy;
            // Two runs, for one short run alone may just be what the last block left of a line.
            if !insert.is_empty() && last.saturating_add(copy) < 2 * SHORT && self.flush(out) {
                self.expand_blocks(input, &mut taken, out);
                last = usize::MAX;
            } else {
                last = copy;
                if insert == b"\r" && self.flush(out) {
                    taken += end_lines(input.get(taken..).unwrap_or_default(), out);
                }
            }
        }
        taken
    }

    /// Ends the message: completes its last line, if it lacks its line end, and writes the terminator.
    ///
    /// `false`: not all of it fitted; call again when there is more room. Once it has said `true` it writes nothing more.
    /// The terminator of an empty message stands alone.
    ///
    /// ```
    /// use pop3_proto::codec::MultilineEncoder;
    ///
    /// let mut wire = Vec::new();
    /// assert!(MultilineEncoder::new().finish(&mut wire));
    /// assert_eq!(wire, b".\r\n");
    /// ```
    #[must_use = "`false` means that the terminator is not yet written"]
    pub fn finish(&mut self, out: &mut impl BufMut) -> bool {
        if !self.flush(out) {
            return false;
        }
        self.owed = match self.written {
            Written::LineEnd => b".\r\n",
            Written::CarriageReturn => b"\n.\r\n",
            Written::Other => b"\r\n.\r\n",
            Written::Terminator => b"",
        };
        self.written = Written::Terminator;
        self.flush(out)
    }

    /// Encodes block by block, for as long as repairs come thick and any block finds room.
    ///
    /// To be called behind a repair only, with nothing owed. Then [`expand`] can tell from the message alone what stands
    /// before its first octet, except where that repair began a line end: the CR is written, the LF comes next.
    fn expand_blocks(&mut self, input: &[u8], taken: &mut usize, out: &mut impl BufMut) {
        if self.written == Written::CarriageReturn && out.has_remaining_mut() {
            out.put_u8(LINE_FEED);
            *taken += 1;
            self.written = Written::LineEnd;
        }
        let mut octets = [0; EXPANDED];
        while let Some(window) =
            taken.checked_sub(1).and_then(|start| input.get(start..)?.first_chunk())
        {
            let length = expand(window, &mut octets);
            scanned(window.len());
            if out.remaining_mut() < length {
                return;
            }
            out.put_slice(octets.get(..length).unwrap_or_default());
            *taken += BLOCK;
            let [.., last, next] = *window;
            self.written = match last {
                CARRIAGE_RETURN if next == LINE_FEED => Written::CarriageReturn,
                CARRIAGE_RETURN | LINE_FEED => Written::LineEnd,
                _ => Written::Other,
            };
            if length - BLOCK < BLOCK / SHORT {
                return;
            }
        }
    }

    /// Inside the input neighbours show what is missing; here those on the left are already written.
    fn repair_first(&mut self, input: &[u8]) -> Option<Stuff> {
        match (self.written, input) {
            (Written::CarriageReturn, [LINE_FEED, TERMINATION, ..]) => Some(self.double(2)),
            (Written::CarriageReturn, [LINE_FEED, ..]) => None,
            (Written::CarriageReturn, [_, ..]) => Some(self.complete_line_end(0)),
            (Written::LineEnd | Written::Other, [LINE_FEED, ..]) => Some(self.begin_line_end(0)),
            (Written::LineEnd, [TERMINATION, ..]) => Some(self.double(1)),
            _ => None,
        }
    }

    fn repair(&mut self, input: &[u8]) -> Stuff {
        let found = find_repair(input);
        scanned(found.map_or(input.len(), |at| input.len().min(at + BLOCK)));
        let Some(at) = found else {
            self.written = self.written.after(input);
            return Stuff { copy: input.len(), insert: b"" };
        };
        match (input.get(at), input.get(at + 1)) {
            (Some(&CARRIAGE_RETURN), Some(&LINE_FEED)) => self.double(at + 3),
            (Some(&CARRIAGE_RETURN), _) => self.complete_line_end(at + 1),
            _ => self.begin_line_end(at + 1),
        }
    }

    /// Behind the dot and not in front of it, so that what is owed never stands on the wire without its octet.
    fn double(&mut self, copy: usize) -> Stuff {
        self.written = Written::Other;
        Stuff { copy, insert: b"." }
    }

    fn begin_line_end(&mut self, copy: usize) -> Stuff {
        self.written = Written::CarriageReturn;
        Stuff { copy, insert: b"\r" }
    }

    fn complete_line_end(&mut self, copy: usize) -> Stuff {
        self.written = Written::LineEnd;
        Stuff { copy, insert: b"\n" }
    }

    /// Writes what is owed; whether all of it fitted.
    fn flush(&mut self, out: &mut impl BufMut) -> bool {
        let (now, later) =
            self.owed.split_at_checked(out.remaining_mut()).unwrap_or((self.owed, b""));
        out.put_slice(now);
        self.owed = later;
        later.is_empty()
    }
}

/// Encodes line by line, for as long as lines end by LF alone and any line finds room: so is a message stored where that is
/// the line end. How many octets it took.
///
/// To be called behind a CR that was put in, with nothing owed, and with the LF that comes next; so it leaves off.
fn end_lines(input: &[u8], out: &mut impl BufMut) -> usize {
    let mut taken = 0;
    while let Some(rest @ [LINE_FEED, line @ ..]) = input.get(taken..) {
        let found = memchr2(CARRIAGE_RETURN, LINE_FEED, line);
        scanned(found.map_or(line.len(), |length| length + 1));
        let Some(length) = found else { break };
        let is_ended = line.get(length) == Some(&LINE_FEED);
        if !is_ended || length < SHORT || out.remaining_mut() < length.saturating_add(3) {
            break;
        }
        if line.first() == Some(&TERMINATION) {
            out.put_slice(b"\n.");
            out.put_slice(line.get(..length).unwrap_or_default());
        } else {
            out.put_slice(rest.get(..=length).unwrap_or_default());
        }
        out.put_u8(CARRIAGE_RETURN);
        taken += length + 1;
    }
    taken
}

/// Counts the octets of a message as a client will have them: every line end CRLF, the last line completed, without the
/// dots of the byte-stuffing and without the terminator.
///
/// This is the number that LIST and STAT announce (RFC 1939 §11), and with it a client that compares finds what RETR gave.
///
/// ```
/// use pop3_proto::codec::WireOctets;
///
/// let mut octets = WireOctets::new();
/// octets.update(b"one\n.two");
/// assert_eq!(octets.octets(), 11); // "one\r\n.two\r\n"
/// ```
#[derive(Clone, Debug, Default)]
pub struct WireOctets {
    written: Written,
    octets: u64,
}

impl WireOctets {
    /// For a message of which nothing has been counted yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { written: Written::LineEnd, octets: 0 }
    }

    /// Counts the next octets of the message.
    pub fn update(&mut self, input: &[u8]) {
        let Some(&first) = input.first() else { return };
        let across = (self.written == Written::CarriageReturn) != (first == LINE_FEED);
        let added = usize::from(across).saturating_add(count_halves(input));
        self.octets = self.octets.saturating_add(octets(input.len())).saturating_add(octets(added));
        self.written = self.written.after(input);
    }

    /// The octets of the message, if it ended here.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets.saturating_add(match self.written {
            Written::LineEnd | Written::Terminator => 0,
            Written::CarriageReturn => 1,
            Written::Other => 2,
        })
    }
}
