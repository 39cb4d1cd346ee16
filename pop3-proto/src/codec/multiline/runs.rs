//! The runs of one input, borrowed, without a search for each.

use super::{Before, Decoded, MultilineDecoder, Step};
use crate::codec::LineEnding;
use crate::codec::scan::{BLOCK, CARRIAGE_RETURN, LINE_FEED, dotted_feeds};
use crate::effort::scanned;

/// As long as the last leading dot lies no farther back than this, the next one is looked for block by block.
const NEAR: usize = 4 * BLOCK;

/// One walk over an input, from leading dot to leading dot.
///
/// A call of [`MultilineDecoder::decode`] for each run has to search anew, and cannot begin before the last search has
/// said where. Here the hits of a block are bits of one word, and the next block does not wait for them.
pub(super) struct Runs<'i, F> {
    input: &'i [u8],
    each: F,
    /// Octets consumed.
    read: usize,
    /// Octets handed over.
    written: usize,
    /// Octets handed over since the last dot because none was near.
    quiet: usize,
}

impl<'i, F: FnMut(&'i [u8])> Runs<'i, F> {
    pub(super) const fn new(input: &'i [u8], each: F) -> Self {
        Self { input, each, read: 0, written: 0, quiet: 0 }
    }

    pub(super) fn walk(mut self, decoder: &mut MultilineDecoder) -> Decoded {
        let end = loop {
            let rest = self.input.get(self.read..).unwrap_or_default();
            let (len, skip, end) = match decoder.step(rest, usize::MAX) {
                Step::Data { len, skip } => (len, skip, false),
                Step::End { len, skip } => (len, skip, true),
                Step::NeedMore | Step::Full => break false,
            };
            if len > 0 {
                self.hand_over(self.read + len);
            }
            self.read += skip;
            if end {
                break true;
            }
            let quiet = core::mem::take(&mut self.quiet);
            if skip > 0 && quiet + len < NEAR && self.walk_blocks(decoder) {
                break true;
            }
        };
        Decoded { written: self.written, read: self.read, end }
    }

    #[inline]
    fn hand_over(&mut self, end: usize) {
        if let Some(run) = self.input.get(self.read..end) {
            self.read = end;
            self.written += run.len();
            (self.each)(run);
        }
    }

    /// Goes on block by block, for as long as leading dots come thick; whether the body has ended.
    ///
    /// To be called behind a leading dot only.
    #[inline]
    fn walk_blocks(&mut self, decoder: &mut MultilineDecoder) -> bool {
        let searched = match decoder.dots.ending() {
            LineEnding::Crlf => self.walk_blocks_of::<false>(),
            LineEnding::CrlfOrLf => self.walk_blocks_of::<true>(),
        };
        let Some(searched) = searched else {
            decoder.before = Before::Terminator;
            return true;
        };
        if let Some(run @ [_, ..]) = self.input.get(self.read..searched) {
            // No dot begins a line in what has been searched: nobody need search it again.
            decoder.before = decoder.after(run);
            self.quiet = run.len();
            self.hand_over(searched);
        }
        false
    }

    /// How far it searched; `None`: the body has ended.
    #[inline]
    fn walk_blocks_of<const LENIENT: bool>(&mut self) -> Option<usize> {
        let mut at = self.read;
        while let Some(window) = self.input.get(at..).and_then(<[u8]>::first_chunk) {
            scanned(BLOCK);
            let mut feeds = dotted_feeds(window);
            // One or none is what ordinary lines come to, and a loop left at once is a branch missed.
            if feeds & feeds.wrapping_sub(1) == 0 {
                if feeds != 0 {
                    if self.dot::<LENIENT>(window, at, feeds) {
                        return None;
                    }
                } else if at > self.read + NEAR {
                    return Some(at + BLOCK);
                }
            } else {
                while feeds != 0 {
                    if self.dot::<LENIENT>(window, at, feeds) {
                        return None;
                    }
                    feeds &= feeds - 1;
                }
            }
            at += BLOCK;
        }
        Some(at)
    }

    /// Hands over what stands before the dot behind the first of `feeds`, if that LF ends a line; whether the dot ends the
    /// body.
    #[inline]
    fn dot<const LENIENT: bool>(
        &mut self,
        window: &[u8; BLOCK + 4],
        at: usize,
        feeds: u64,
    ) -> bool {
        let lane = usize::try_from(feeds.trailing_zeros()).unwrap_or(0) % BLOCK;
        let around = window.get(lane..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        let [before, _feed, _dot, second, third] = around;
        if before != CARRIAGE_RETURN && !LENIENT {
            return false;
        }
        self.hand_over(at + lane + 2);
        // Not one more than before: the next dot would wait for it.
        self.read = at + lane + 3;
        let end = match (second, third) {
            (CARRIAGE_RETURN, LINE_FEED) => 2,
            (LINE_FEED, _) if LENIENT => 1,
            _ => return false,
        };
        self.read += end;
        true
    }
}
