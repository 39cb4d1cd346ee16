//! Where the octets of a body come to lie: over the input, or apart from it.

use crate::codec::scan::BLOCK;
use crate::effort::moved;

/// The input of a walk and its output. Positions of the output never lie behind those of the input.
pub(super) trait Place {
    fn input(&self) -> &[u8];

    /// Octets that fit behind the first `written`.
    fn room(&self, written: usize) -> usize;

    /// Puts `len` octets of the input from `read` at `written`.
    fn keep(&mut self, read: usize, len: usize, written: usize);

    /// A block of the input with the two octets before it and behind it, if they are all there, unchanged, and if a block
    /// can be put at `written`.
    fn window(&self, start: usize, written: usize) -> Option<&[u8; BLOCK + 4]>;

    /// Puts a block at `written`.
    fn put(&mut self, written: usize, block: &[u8; BLOCK]);
}

/// The output overwrites the input.
pub(super) struct InPlace<'a> {
    pub(super) octets: &'a mut [u8],
}

impl Place for InPlace<'_> {
    fn input(&self) -> &[u8] {
        self.octets
    }

    fn room(&self, _: usize) -> usize {
        usize::MAX
    }

    fn keep(&mut self, read: usize, len: usize, written: usize) {
        // Nothing has moved before the first dot: most buffers have none.
        if read != written && read.checked_add(len).is_some_and(|end| end <= self.octets.len()) {
            self.octets.copy_within(read..read + len, written);
            moved(len);
        }
    }

    fn window(&self, start: usize, written: usize) -> Option<&[u8; BLOCK + 4]> {
        // Whole blocks are written, also where fewer octets are kept. From `start` on they would overwrite the two octets
        // that the next window begins with.
        if written > start {
            return None;
        }
        self.octets.get(start..)?.first_chunk()
    }

    fn put(&mut self, written: usize, block: &[u8; BLOCK]) {
        if let Some(place) = self.octets.get_mut(written..).and_then(<[u8]>::first_chunk_mut) {
            *place = *block;
            moved(block.len());
        }
    }
}

/// The output lies apart from the input.
pub(super) struct Apart<'a> {
    pub(super) input: &'a [u8],
    pub(super) out: &'a mut [u8],
}

impl Place for Apart<'_> {
    fn input(&self) -> &[u8] {
        self.input
    }

    fn room(&self, written: usize) -> usize {
        self.out.len().saturating_sub(written)
    }

    fn keep(&mut self, read: usize, len: usize, written: usize) {
        let from = self.input.get(read..).and_then(|rest| rest.get(..len));
        let to = self.out.get_mut(written..).and_then(|rest| rest.get_mut(..len));
        if let (Some(from), Some(to)) = (from, to) {
            to.copy_from_slice(from);
            moved(len);
        }
    }

    fn window(&self, start: usize, written: usize) -> Option<&[u8; BLOCK + 4]> {
        if self.room(written) < BLOCK {
            return None;
        }
        self.input.get(start..)?.first_chunk()
    }

    fn put(&mut self, written: usize, block: &[u8; BLOCK]) {
        if let Some(place) = self.out.get_mut(written..).and_then(<[u8]>::first_chunk_mut) {
            *place = *block;
            moved(block.len());
        }
    }
}
