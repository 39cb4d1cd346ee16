//! Searching octets: one forward pass, and no input for which it would pay to search octet by octet instead.
//!
//! Two tools share the work. [`memchr`] passes over long stretches without a hit at the speed of memory, but each hit costs
//! it a restart. A block of [`BLOCK`] octets compared lane by lane (the compiler turns the loops below into vector
//! instructions) costs little to start. So a search looks at the near octets by blocks and hands only what lies farther
//! away to `memchr`: sparse hits get the one, thick ones the other.

use core::hint::black_box;

use memchr::memmem::Finder;

use super::LineEnding;
use crate::effort::scanned;

pub(super) const CARRIAGE_RETURN: u8 = b'\r';
pub(super) const LINE_FEED: u8 = b'\n';
/// The termination octet of RFC 1939 §3.
pub(super) const TERMINATION: u8 = b'.';

/// Octets compared at a time: one cache line, and four of the narrowest vectors.
pub(super) const BLOCK: usize = 64;

/// Room for a block of which [`expand`] doubles every octet, and for what it writes too much.
pub(super) const EXPANDED: usize = 2 * BLOCK + 8;

/// A one in each lane of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// How far the first search goes by blocks: far enough for a short reply, which then never pays for a `Finder`.
const NEAR: usize = 4 * BLOCK;

/// Hits nearer to each other than this are found faster by blocks. Farther apart a block is about as likely to hold one as
/// not, and the branch missed costs more than the restart saved: lines of ordinary length, each with a dot, came slower.
const THICK: usize = 32;

/// Behind a hit farther away than this the next search begins at the start of a cache line: vectors that lie across two
/// take a tenth longer.
const SPARSE: usize = 64 * BLOCK;

/// Searches for termination octets at the start of a line.
#[derive(Clone, Debug)]
pub(super) struct LeadingDots {
    ending: LineEnding,
    /// How many octets to search by blocks before `far` is asked.
    near: usize,
    /// The last hit lay far away, as the next one is likely to.
    sparse: bool,
    /// Made when it is first asked.
    far: Option<Finder<'static>>,
}

impl LeadingDots {
    pub(super) const fn new(ending: LineEnding) -> Self {
        Self { ending, near: NEAR, sparse: false, far: None }
    }

    pub(super) const fn ending(&self) -> LineEnding {
        self.ending
    }

    /// Where the first termination octet is that follows a line end lying wholly in `input`.
    #[inline]
    pub(super) fn find(&mut self, input: &[u8]) -> Option<usize> {
        let hit = self.find_near(input);
        scanned(hit.map_or(input.len(), |hit| input.len().min(hit + BLOCK)));
        // The next hit is likely to lie as far away as this one.
        self.near = if hit.is_some_and(|hit| hit < THICK) { BLOCK } else { 0 };
        self.sparse = hit.is_none_or(|hit| hit >= SPARSE);
        hit
    }

    fn find_near(&mut self, input: &[u8]) -> Option<usize> {
        let lenient = self.lenient();
        if lenient && input.starts_with(b"\n.") {
            return Some(1);
        }
        let mut at = 0;
        while at < self.near {
            let rest = input.get(at..)?;
            let Some(window) = rest.first_chunk() else {
                return first(&leading_dots(&padded(rest), lenient)).map(|hit| at + hit + 2);
            };
            if let Some(hit) = first(&leading_dots(window, lenient)) {
                return Some(at + hit + 2);
            }
            at += BLOCK;
        }
        if self.sparse {
            let rest = input.get(at..)?;
            let unaligned = rest.as_ptr().align_offset(BLOCK).min(BLOCK);
            if let Some(window) = rest.first_chunk().filter(|_| unaligned > 0) {
                if let Some(hit) = first(&leading_dots(window, lenient)) {
                    return Some(at + hit + 2);
                }
                at += unaligned;
            }
        }
        self.find_far(input.get(at..)?).map(|hit| at + hit)
    }

    fn find_far(&mut self, input: &[u8]) -> Option<usize> {
        // The whole line end is in the needle: a body full of LF and dot without CR would otherwise cost a restart each.
        let needle: &'static [u8] = if self.lenient() { b"\n." } else { b"\r\n." };
        let finder = self.far.get_or_insert_with(|| Finder::new(needle));
        finder.find(input).map(|start| start + needle.len() - 1)
    }

    /// Takes the leading dots out of one block, `window` without its first and last two octets.
    ///
    /// The first two decide whether the block's first octets begin a line, the last two whether its last dots end the
    /// body. `None`: the body ends in this block, which is for somebody else to walk.
    #[inline]
    pub(super) fn strip(&self, window: &[u8; BLOCK + 4]) -> Option<Stripped> {
        scanned(window.len());
        let lenient = self.lenient();
        let [head @ .., _, _] = window;
        let [_, _, block @ .., _, _] = window;
        let [_, _, _, second @ .., _] = window;
        let [_, _, _, _, third @ ..] = window;
        let dots = leading_dots(head, lenient);
        let mut ends = dots;
        for ((end, &second), &third) in ends.iter_mut().zip(second).zip(third) {
            let line_end = is(second, CARRIAGE_RETURN) & is(third, LINE_FEED);
            *end &= line_end | (is(second, LINE_FEED) & u8::from(lenient));
        }
        if any(&ends) {
            return None;
        }
        let mut octets = [0; BLOCK];
        let mut kept = 0;
        for (word, dots) in words(block).zip(words(&dots)) {
            let (word, length) = without(word, dots);
            // All eight are always written, and the last of them written over if they do not belong there.
            if let Some(place) = octets.get_mut(kept..kept + 8) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            kept += length;
        }
        Some(Stripped { octets, kept })
    }

    fn lenient(&self) -> bool {
        self.ending == LineEnding::CrlfOrLf
    }
}

/// A block without its leading dots.
pub(super) struct Stripped {
    /// The octets that stay; what lies behind the first `kept` has no meaning.
    pub(super) octets: [u8; BLOCK],
    pub(super) kept: usize,
}

/// Closes the gaps in a word where `dots` has a lane set; how many octets stay.
///
/// What lost: octet by octet, each written and written over if it was a dot, half as slow again on lines of one dot and
/// twice as slow on short ones; the whole rest of the block copied behind each dot, as slow on lines of one dot.
#[inline]
fn without(mut word: u64, mut dots: u64) -> (u64, usize) {
    let mut length = 8;
    while dots != 0 {
        // The octets in front of the first dot stay where they are, those behind it move up, and so do their lanes.
        let before = !dots & (dots - 1);
        word = (word & before) | ((word >> 8) & !before);
        dots = (dots & (dots - 1)) >> 8;
        length -= 1;
    }
    (word, length)
}

/// Where the encoder has to put something in: the first of two neighbours that are a CR without LF or an LF without CR, or
/// of a CRLF that a termination octet follows.
#[inline]
pub(super) fn find_repair(input: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = input.get(at..)?;
        let Some(window) = rest.first_chunk() else {
            // Behind the end there is no neighbour, so that nothing is known yet of a CR that comes last.
            return first(&repairs(&padded(rest)))
                .map(|hit| at + hit)
                .filter(|hit| hit + 1 < input.len());
        };
        // Near to the last repair the next one is likely, and a block that holds it is not asked first.
        if at < NEAR || !is_in_repair(window) {
            if let Some(hit) = first(&repairs(window)) {
                return Some(at + hit);
            }
        }
        at += BLOCK;
    }
}

/// One bit for each place of a block where [`find_repair`] would stop; the block is `window` without its last two octets.
#[inline]
pub(super) fn repair_bits(window: &[u8; BLOCK + 2]) -> u64 {
    bits(&black_box(repairs(window)))
}

/// Encodes one block, `window` without its first and last octet, into `octets[..length]`, and returns that length; what
/// lies behind has no meaning.
///
/// Each octet becomes one or two, and its neighbours say which: a bare CR brings its LF, a bare LF its CR, a dot at the
/// start of a line the second dot. So no state goes from octet to octet, and the comparisons are done in vectors; the second
/// loop only puts the octets together. No branch in it depends on more than whether eight octets stay as they are.
/// It costs the same for any input; a loop of branches comes close only where it guesses them all.
#[inline]
pub(super) fn expand(window: &[u8; BLOCK + 2], octets: &mut [u8; EXPANDED]) -> usize {
    let [left @ .., _, _] = window;
    let [_, block @ .., _] = window;
    let [_, _, right @ ..] = window;
    let mut pairs = [0; BLOCK];
    let mut lengths = [0; BLOCK];
    let lanes = pairs.iter_mut().zip(&mut lengths).zip(left).zip(block).zip(right);
    for ((((pair, length), &left), &octet), &right) in lanes {
        let after_return = is(left, CARRIAGE_RETURN);
        let bare_feed = is(octet, LINE_FEED) & (after_return ^ 1);
        let bare_return = is(octet, CARRIAGE_RETURN) & (is(right, LINE_FEED) ^ 1);
        let leading_dot = is(octet, TERMINATION) & (after_return | is(left, LINE_FEED));
        *length = 1 + (bare_feed | bare_return | leading_dot);
        // The second octet has a meaning only where the length is two.
        let first = if bare_feed != 0 { CARRIAGE_RETURN } else { octet };
        let second = if octet == CARRIAGE_RETURN { LINE_FEED } else { octet };
        *pair = u16::from_le_bytes([first, second]);
    }
    let mut end = 0;
    let groups = pairs.chunks_exact(8).zip(block.chunks_exact(8)).zip(words(&lengths));
    for ((pairs, group), lengths) in groups {
        // Of a constant length, and longer than the sixteen octets needed, so that no store has to be checked.
        let Some(places) = octets.get_mut(end..).and_then(<[u8]>::first_chunk_mut::<24>) else {
            break;
        };
        if lengths == ONES {
            if let Some(places) = places.first_chunk_mut::<8>() {
                places.copy_from_slice(group);
            }
            end += 8;
            continue;
        }
        // In each lane the sum of the lengths up to there: where the next octet starts.
        let ends = lengths.wrapping_mul(ONES);
        for (pair, start) in pairs.iter().zip((ends << 8).to_le_bytes()) {
            let start = usize::from(start % 16);
            // Always both are written, and the second written over when it has no meaning.
            if let Some(place) = places.get_mut(start..start + 2) {
                place.copy_from_slice(&pair.to_le_bytes());
            }
        }
        let [.., sum] = ends.to_le_bytes();
        end += usize::from(sum);
    }
    end
}

/// How many octets normalisation adds inside `input`: one for each CR without LF and each LF without CR, ends excepted.
pub(super) fn count_halves(input: &[u8]) -> usize {
    let neighbours = input.get(1..).unwrap_or_default();
    // Short enough for the sum to fit into an octet, so that it stays in the lanes of a vector.
    let sum = |(left, right): (&[u8], &[u8])| -> usize {
        let halves = left
            .iter()
            .zip(right)
            .map(|(&left, &right)| is(left, CARRIAGE_RETURN) ^ is(right, LINE_FEED));
        usize::from(halves.sum::<u8>())
    };
    input.chunks(2 * BLOCK).zip(neighbours.chunks(2 * BLOCK)).map(sum).sum()
}

/// One bit for each LF in a block that a termination octet follows; the block is `window` without its first octet and its
/// last three.
#[inline]
pub(super) fn dotted_feeds(window: &[u8; BLOCK + 4]) -> u64 {
    let [_, left @ .., _, _, _] = window;
    let [_, _, right @ .., _, _] = window;
    let mut hits = [0; BLOCK];
    for ((hit, &left), &right) in hits.iter_mut().zip(left).zip(right) {
        *hit = is(left, LINE_FEED) & is(right, TERMINATION);
    }
    // By way of memory: otherwise what compares and multiplies is kept busy with bringing lanes from vectors to words.
    bits(&black_box(hits))
}

/// Lanes as bits: a multiplication brings the eight of a word next to each other.
///
/// What lost, on lines that each begin with a dot: the lanes of all words laid over each other and transposed, one fifth;
/// bits that were each shifted to their place, more than that, because the comparison leaves the vectors.
#[inline]
fn bits(lanes: &[u8; BLOCK]) -> u64 {
    words(lanes)
        .rfold(0, |bits, word| (bits << 8) | (word.wrapping_mul(0x0102_0408_1020_4080) >> 56))
}

/// One where two octets ahead of a lane stands a dot behind a line end.
#[inline]
fn leading_dots(window: &[u8; BLOCK + 2], lenient: bool) -> [u8; BLOCK] {
    let [first @ .., _, _] = window;
    let [_, second @ .., _] = window;
    let [_, _, third @ ..] = window;
    let mut hits = [0; BLOCK];
    for (((hit, &first), &second), &third) in hits.iter_mut().zip(first).zip(second).zip(third) {
        let before = is(first, CARRIAGE_RETURN) | u8::from(lenient);
        *hit = before & is(second, LINE_FEED) & is(third, TERMINATION);
    }
    hits
}

/// Whether nothing in a block stops [`find_repair`].
///
/// Seven operations for a vector, and on ordinary text they are all that it costs: the lanes come together in registers.
/// What lost: the lanes by way of memory, as where their places matter, a quarter; eight cache lines at a time, a tenth.
#[inline]
pub(super) fn is_in_repair(window: &[u8; BLOCK + 2]) -> bool {
    let [left @ .., _, _] = window;
    let [_, octets @ .., _] = window;
    let [_, _, right @ ..] = window;
    let lanes = left.iter().zip(octets).zip(right);
    lanes.fold(0, |any, ((&left, &octet), &right)| any | repair(left, octet, right)) == 0
}

/// Whether a block holds a CR without LF or an LF without CR.
#[inline]
pub(super) fn has_halves(window: &[u8; BLOCK + 2]) -> bool {
    let [left @ .., _, _] = window;
    let [_, octets @ .., _] = window;
    let half = |(&left, &octet): (&u8, &u8)| is(left, CARRIAGE_RETURN) ^ is(octet, LINE_FEED);
    left.iter().zip(octets).map(half).fold(0, |any, half| any | half) != 0
}

/// One where [`find_repair`] stops.
#[inline]
fn repairs(window: &[u8; BLOCK + 2]) -> [u8; BLOCK] {
    let [left @ .., _, _] = window;
    let [_, octets @ .., _] = window;
    let [_, _, right @ ..] = window;
    let mut hits = [0; BLOCK];
    for (((hit, &left), &octet), &right) in hits.iter_mut().zip(left).zip(octets).zip(right) {
        *hit = repair(left, octet, right);
    }
    hits
}

#[inline]
fn repair(left: u8, octet: u8, right: u8) -> u8 {
    let feed = is(octet, LINE_FEED);
    (is(left, CARRIAGE_RETURN) ^ feed) | (feed & is(right, TERMINATION))
}

#[inline]
fn is(octet: u8, wanted: u8) -> u8 {
    u8::from(octet == wanted)
}

/// The first lane that is set.
///
/// What lost against words as here: a bit gathered from each octet by multiplication, slower for a block with a hit; four
/// lanes packed into one octet, or a fold over the octets, several times slower, because the comparison itself is then no
/// longer done in vectors.
#[inline]
fn first(hits: &[u8; BLOCK]) -> Option<usize> {
    // Nearly every block has none: that answer must cost one comparison.
    if !any(hits) {
        return None;
    }
    let mut base = 0;
    for word in words(hits) {
        if word != 0 {
            return usize::try_from(word.trailing_zeros() / 8).map(|lane| base + lane).ok();
        }
        base += 8;
    }
    None
}

#[inline]
fn any(hits: &[u8; BLOCK]) -> bool {
    words(hits).fold(0, |any, word| any | word) != 0
}

#[allow(clippy::inline_always, reason = "as a call it costs the decoder half as much again")]
#[inline(always)]
fn words(hits: &[u8; BLOCK]) -> impl DoubleEndedIterator<Item = u64> {
    hits.chunks_exact(8).filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
}

/// A last block filled up with an octet that nothing looks for.
#[inline]
pub(super) fn padded<const N: usize>(rest: &[u8]) -> [u8; N] {
    let mut window = [0; N];
    if let Some(octets) = window.get_mut(..rest.len()) {
        octets.copy_from_slice(rest);
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Class D15: any eight octets, with dots in any lanes of them.
    #[test]
    fn words_lose_their_dots_and_nothing_else() {
        let octets = *b"abcdefgh";
        for lanes in 0..=u8::MAX {
            let is_dot = |lane: usize| lanes >> lane & 1;
            let dots = u64::from_le_bytes(core::array::from_fn(is_dot));
            let kept: Vec<u8> =
                (0..8).filter(|&lane| is_dot(lane) == 0).map(|lane| octets[lane]).collect();
            let (word, length) = without(u64::from_le_bytes(octets), dots);
            assert_eq!(word.to_le_bytes()[..length], kept, "{lanes:#010b}");
        }
    }

    /// Class D1: behind a hit that lay far away, at any distance from the start of a cache line, the first hit is found
    /// wherever it stands.
    #[test]
    fn dots_are_found_at_every_distance_from_a_cache_line() {
        let mut octets = [b'a'; 6 * BLOCK];
        for (ending, needle) in
            [(LineEnding::Crlf, &b"\r\n."[..]), (LineEnding::CrlfOrLf, &b"\n."[..])]
        {
            for start in 0..BLOCK {
                for at in start..start + 3 * BLOCK {
                    octets[at..at + needle.len()].copy_from_slice(needle);
                    octets[at + BLOCK..at + BLOCK + needle.len()].copy_from_slice(needle);
                    let mut dots = LeadingDots::new(ending);
                    assert_eq!(dots.find(&[b'a'; 2 * SPARSE]), None);
                    assert!(dots.sparse);
                    let hit = at - start + needle.len() - 1;
                    assert_eq!(dots.find(&octets[start..]), Some(hit), "{start} {at}");
                    octets[at..at + BLOCK + needle.len()].fill(b'a');
                }
            }
        }
    }

    /// Class D15: every pair of neighbours at every place of a block, beside what looks like one half of a hit.
    #[test]
    fn feeds_are_found_at_every_place() {
        for filler in *b"a.\n\r" {
            for place in 0..BLOCK + 3 {
                for pair in [*b"\n.", *b"\na", *b"a.", *b".\n"] {
                    let mut window = [filler; BLOCK + 4];
                    window[place..place + 2].copy_from_slice(&pair);
                    let expected = (0..BLOCK)
                        .filter(|lane| window[lane + 1..].starts_with(b"\n."))
                        .fold(0, |feeds, lane| feeds | 1 << lane);
                    assert_eq!(dotted_feeds(&window), expected, "{pair:?} at {place}");
                }
            }
        }
        let thick: [u8; BLOCK + 4] = core::array::from_fn(|at| b"\n."[at % 2]);
        assert_eq!(dotted_feeds(&thick), 0xaaaa_aaaa_aaaa_aaaa);
    }
}
