//! What to write for one input, borrowed, without a search for each repair.

use super::{MultilineEncoder, Stuff, Written};
use crate::codec::scan::{
    BLOCK, CARRIAGE_RETURN, LINE_FEED, TERMINATION, has_halves, is_in_repair, padded, repair_bits,
};
use crate::effort::scanned;

/// One walk over an input, from repair to repair.
pub(super) struct Runs<'i, F> {
    input: &'i [u8],
    each: F,
    /// Where the next run begins.
    start: usize,
    /// Octets handed over.
    written: usize,
}

impl<'i, F: FnMut(&'i [u8])> Runs<'i, F> {
    pub(super) const fn new(input: &'i [u8], each: F) -> Self {
        Self { input, each, start: 0, written: 0 }
    }

    pub(super) fn walk(mut self, encoder: &mut MultilineEncoder) -> usize {
        self.insert(core::mem::take(&mut encoder.owed));
        if encoder.written == Written::Terminator {
            return self.written;
        }
        while let Some(Stuff { copy, insert }) = encoder.repair_first(self.input) {
            if let Some(dot) = copy.checked_sub(1) {
                self.double(dot);
                break;
            }
            self.insert(insert);
        }
        self.walk_blocks();
        self.hand_over(self.input.len());
        encoder.written = encoder.written.after(self.input);
        self.written
    }

    #[inline]
    fn walk_blocks(&mut self) {
        let mut at = self.start;
        // Where the last block had repairs, this one is likely to have some: it is not asked first.
        let mut quiet = true;
        while let Some(window) = self.input.get(at..).and_then(<[u8]>::first_chunk) {
            scanned(BLOCK);
            if !quiet || !is_in_repair(window) {
                quiet = self.repair_block(window, at);
            }
            at += BLOCK;
        }
        let rest = self.input.get(at..).unwrap_or_default();
        scanned(rest.len());
        self.repair_block(&padded(rest), at);
    }

    /// Whether there was nothing to repair.
    #[inline]
    fn repair_block(&mut self, window: &[u8; BLOCK + 2], at: usize) -> bool {
        let mut places = repair_bits(window);
        // One or none is what ordinary lines come to, and a loop left at once is a branch missed.
        if places & places.wrapping_sub(1) == 0 {
            if places != 0 {
                self.repair(window, at, places);
            }
            return places == 0;
        }
        if has_halves(window) {
            while places != 0 {
                self.repair(window, at, places);
                places &= places - 1;
            }
        } else {
            while places != 0 {
                self.double(at + first_lane(places) + 2);
                places &= places - 1;
            }
        }
        false
    }

    /// Repairs the first of `places`, at which a line end lacks a half, or a termination octet stands behind it.
    #[inline]
    fn repair(&mut self, window: &[u8; BLOCK + 2], at: usize, places: u64) {
        let lane = first_lane(places);
        let around = window.get(lane..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        let next = at + lane + 1;
        match around {
            [CARRIAGE_RETURN, LINE_FEED, _] => self.double(next + 1),
            [_, LINE_FEED, TERMINATION] => {
                self.hand_over(next);
                self.insert(b"\r\n.");
                self.start = next + 1;
            }
            [_, LINE_FEED, _] => {
                self.hand_over(next);
                self.insert(b"\r");
            }
            // Of the CR that comes last nothing is known yet.
            _ if next >= self.input.len() => {}
            [_, octet, _] => {
                self.hand_over(next);
                self.insert(if octet == TERMINATION { b"\n." } else { b"\n" });
            }
        }
    }

    /// The second dot is the first once more.
    #[inline]
    fn double(&mut self, dot: usize) {
        self.hand_over(dot + 1);
        self.start = dot;
    }

    #[inline]
    fn insert(&mut self, octets: &'static [u8]) {
        if !octets.is_empty() {
            self.written += octets.len();
            (self.each)(octets);
        }
    }

    #[inline]
    fn hand_over(&mut self, end: usize) {
        if let Some(run @ [_, ..]) = self.input.get(self.start..end) {
            self.start = end;
            self.written += run.len();
            (self.each)(run);
        }
    }
}

#[inline]
fn first_lane(places: u64) -> usize {
    usize::try_from(places.trailing_zeros()).unwrap_or(0) % BLOCK
}
