//! What has come in and is not yet decoded.

use core::mem;

use bytes::{Buf as _, Bytes, BytesMut};

use crate::codec::octets;
use crate::effort::moved;

/// One block of initialised octets: read into at its end, decoded from its start.
///
/// A body chunk is a slice of the block, which is frozen for it; before the next read the block is
/// taken back if every chunk has been dropped. The octets stay initialised throughout, so no read
/// pays for zeroing, and the block is shared from its birth, so freezing allocates nothing. While
/// chunks are held the block alternates with one spare, and a block that is less than half full
/// gives away only the part that was filled.
pub(crate) struct Input {
    size: usize,
    block: Block,
    /// Pending octets are `block[start..end]`.
    start: usize,
    end: usize,
    /// A block whose chunks were held when it was last looked at.
    spare: Option<Bytes>,
    /// The block could not be taken back when that was last tried.
    held: bool,
    /// Nothing more can be decoded from what is pending.
    drained: bool,
    received: u64,
}

#[derive(Default)]
enum Block {
    #[default]
    None,
    Writable(BytesMut),
    Frozen(Bytes),
}

impl Input {
    pub(crate) const fn new(size: usize) -> Self {
        Self {
            size,
            block: Block::None,
            start: 0,
            end: 0,
            spare: None,
            held: false,
            drained: true,
            received: 0,
        }
    }

    /// What has come in and is not yet consumed.
    pub(crate) fn pending(&self) -> &[u8] {
        let block: &[u8] = match &self.block {
            Block::None => &[],
            Block::Writable(block) => block,
            Block::Frozen(block) => block,
        };
        block.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether all that has come in is consumed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What is pending, to be rewritten in place; `None` while a chunk of the block is held.
    pub(crate) fn pending_mut(&mut self) -> Option<&mut [u8]> {
        self.thaw();
        match &mut self.block {
            Block::Writable(block) => block.get_mut(self.start..self.end),
            _ => None,
        }
    }

    /// Octets received since the session began.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// Offset of the next pending octet since the session began.
    pub(crate) fn position(&self) -> u64 {
        self.received - octets(self.end - self.start)
    }

    /// Drops `len` pending octets.
    pub(crate) fn consume(&mut self, len: usize) {
        self.start = self.end.min(self.start + len);
    }

    /// Drops `len` pending octets that may hold a credential.
    pub(crate) fn consume_wiped(&mut self, len: usize) {
        if let Some(octets) = self.pending_mut().and_then(|pending| pending.get_mut(..len)) {
            super::wipe(octets);
        }
        self.consume(len);
    }

    /// Takes `len` pending octets without copying them.
    pub(crate) fn take(&mut self, len: usize) -> Bytes {
        let to = self.end.min(self.start + len);
        if let Block::Writable(block) = &mut self.block {
            if self.held && self.end <= block.len() / 2 {
                let mut part = block.split_to(to);
                part.advance(self.start);
                self.end -= to;
                self.start = 0;
                return part.freeze();
            }
            self.block = Block::Frozen(mem::take(block).freeze());
        }
        let Block::Frozen(block) = &self.block else { return Bytes::new() };
        let chunk = block.slice(self.start..to);
        self.start = to;
        chunk
    }

    /// Says that nothing more can be decoded before more comes in.
    pub(crate) const fn drained(&mut self) {
        self.drained = true;
    }

    /// Whether [`Input::window`] would give room.
    pub(crate) fn has_room(&self) -> bool {
        self.drained
            || match &self.block {
                Block::None => true,
                Block::Writable(block) => self.end < block.len(),
                Block::Frozen(_) => false,
            }
    }

    /// Initialised room to read into; empty as long as what is pending has to be decoded first.
    pub(crate) fn window(&mut self) -> &mut [u8] {
        self.make_room();
        match &mut self.block {
            Block::Writable(block) => block.get_mut(self.end..).unwrap_or_default(),
            _ => &mut [],
        }
    }

    /// Says that `len` octets of the window have been filled.
    pub(crate) fn filled(&mut self, len: usize) {
        if len > 0 {
            self.end += len;
            self.received += octets(len);
            self.drained = false;
        }
    }

    /// Fills the window from `source` as far as there is room; gives how many octets it took.
    pub(crate) fn copy_from(&mut self, source: &[u8]) -> usize {
        let mut taken = 0;
        // No room is asked for once all is taken: to make it might move what is pending.
        while let Some(rest) = source.get(taken..).filter(|rest| !rest.is_empty()) {
            let window = self.window();
            let len = window.len().min(rest.len());
            if len == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (window.get_mut(..len), rest.get(..len)) {
                to.copy_from_slice(from);
            }
            self.filled(len);
            taken += len;
        }
        taken
    }

    /// The size of blocks from the next one on. It must exceed what can be pending when drained.
    pub(crate) const fn resize(&mut self, size: usize) {
        self.size = size;
    }

    /// Gives the memory back, and drops what is pending, which may hold a credential.
    pub(crate) fn release_all(&mut self) {
        self.consume_wiped(self.pending().len());
        self.release();
    }

    /// Gives the memory back if nothing is pending.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            self.block = Block::None;
            self.spare = None;
            self.held = false;
            (self.start, self.end) = (0, 0);
        }
    }

    fn make_room(&mut self) {
        self.thaw();
        match &mut self.block {
            Block::None => self.block = Block::Writable(self.fresh()),
            Block::Writable(block) => {
                let pending = self.end - self.start;
                // Moving costs no more than what has been consumed since the last move; part of a
                // line that stands at the block's end moves whatever it costs, but only once.
                let stuck = self.drained && self.end == block.len();
                if self.start > 0 && (stuck || pending <= self.start && self.end > block.len() / 2)
                {
                    block.copy_within(self.start..self.end, 0);
                    // Part of a line may be part of a credential.
                    let left_behind = pending.max(self.start)..self.end;
                    super::wipe(block.get_mut(left_behind).unwrap_or_default());
                    (self.start, self.end) = (0, pending);
                    moved(pending);
                }
                // What is left of a block that was given away in parts, or one of another size.
                let unfit = block.len() < self.size / 2
                    || block.len() > self.size
                    || self.end == block.len();
                if self.drained && unfit {
                    self.change_block();
                }
            }
            Block::Frozen(_) => {
                self.held = true;
                if self.drained {
                    self.change_block();
                }
            }
        }
    }

    /// Goes on with the spare block, or a fresh one; what is pending moves there. Only once drained,
    /// when no more than part of a line is pending.
    fn change_block(&mut self) {
        // A spare that had given parts away may be too short for what is pending.
        let spare = self.spare.take().filter(|spare| spare.len() == self.size);
        let mut next = match spare.map(Bytes::try_into_mut) {
            Some(Ok(block)) => block,
            _ => self.fresh(),
        };
        let pending = self.pending();
        let len = pending.len();
        if let Some(room) = next.get_mut(..len) {
            room.copy_from_slice(pending);
        }
        match mem::replace(&mut self.block, Block::Writable(next)) {
            Block::Frozen(block) => self.spare = Some(block),
            // Part of a line may be part of a credential.
            Block::Writable(mut block) => {
                super::wipe(block.get_mut(self.start..self.end).unwrap_or_default());
            }
            Block::None => {}
        }
        (self.start, self.end) = (0, len);
        moved(len);
    }

    fn fresh(&self) -> BytesMut {
        let mut block = BytesMut::zeroed(self.size);
        // Splitting, if only off nothing, makes the block shared once and for all.
        drop(block.split_off(self.size));
        block
    }

    fn thaw(&mut self) {
        self.block = match mem::take(&mut self.block) {
            Block::Frozen(block) => match block.try_into_mut() {
                Ok(block) => {
                    self.held = false;
                    Block::Writable(block)
                }
                Err(block) => Block::Frozen(block),
            },
            block => block,
        };
    }
}

impl core::fmt::Debug for Input {
    /// Shows no octets: servers echo what they do not understand, passwords too.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Input")
            .field("pending", &self.pending().len())
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effort::effort;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const SIZE: usize = 64;

    fn fill(input: &mut Input, source: &mut impl Iterator<Item = u8>, at_most: usize) -> usize {
        let window = input.window();
        let len = window.len().min(at_most);
        for slot in &mut window[..len] {
            *slot = source.next().unwrap();
        }
        input.filled(len);
        len
    }

    #[derive(Clone, Debug)]
    enum Act {
        Fill(usize),
        Take(usize),
        Consume(usize),
        Drained,
        Drop(usize),
        Release,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            4 => (0..SIZE).prop_map(Act::Fill),
            4 => (0..SIZE).prop_map(Act::Take),
            1 => (0..8_usize).prop_map(Act::Consume),
            4 => Just(Act::Drained),
            2 => any::<usize>().prop_map(Act::Drop),
            1 => Just(Act::Release),
        ];
        prop::collection::vec(act, 0..200)
    }

    proptest! {
        /// I3 and I1 of the buffer: whatever is held and whenever it is dropped, octets come out as
        /// they went in, chunks never change under their holder, and a drained buffer has room.
        #[test]
        fn octets_come_out_as_they_went_in(acts in acts()) {
            let stream = |from: u64| (from..).map(|at| u8::try_from(at % 251).unwrap());
            let mut source = stream(0);
            let mut input = Input::new(SIZE);
            let mut held: Vec<(u64, Bytes)> = Vec::new();
            for act in acts {
                match act {
                    Act::Fill(len) => {
                        fill(&mut input, &mut source, len);
                    }
                    Act::Take(len) => {
                        let position = input.position();
                        let len = len.min(input.pending().len());
                        let chunk = input.take(len);
                        prop_assert_eq!(chunk.len(), len);
                        held.push((position, chunk));
                    }
                    Act::Consume(len) => input.consume(len.min(input.pending().len())),
                    Act::Drained => {
                        // A session is drained with no more than part of a line pending, and a
                        // line may be as long as the block.
                        let over = input.pending().len().saturating_sub(SIZE - 1);
                        input.consume(over);
                        input.drained();
                        prop_assert!(input.has_room() && !input.window().is_empty());
                    }
                    Act::Drop(at) => if !held.is_empty() {
                        held.swap_remove(at % held.len());
                    },
                    Act::Release => input.release(),
                }
                let position = input.position();
                prop_assert!(input.pending().iter().copied().eq(stream(position).take(input.pending().len())));
                for (at, chunk) in &held {
                    prop_assert!(chunk.iter().copied().eq(stream(*at).take(chunk.len())));
                }
            }
        }
    }

    /// I10: neither what is pending nor what has been consumed is shown.
    #[test]
    fn no_octet_is_shown() {
        let mut input = Input::new(SIZE);
        fill(&mut input, &mut b"gone;here".iter().copied().cycle(), 9);
        for _ in 0..2 {
            assert_eq!(
                alloc::format!("{input:?}"),
                alloc::format!("Input {{ pending: {}, received: 9, .. }}", input.pending().len())
            );
            drop(input.take(5));
        }
    }

    /// I4: what is consumed before more comes in is never moved.
    #[test]
    fn what_is_consumed_at_once_is_not_moved() {
        for read in 1..=SIZE {
            let mut input = Input::new(SIZE);
            let cost = effort(|| {
                for _ in 0..100 {
                    assert_eq!(input.copy_from(&[b'x'; SIZE][..read]), read);
                    input.consume(read);
                    input.drained();
                }
            });
            assert_eq!(cost.moved, 0, "reads of {read}");
        }
    }

    /// I2: part of a line that stands at the block's end leaves room for the rest, though moving it
    /// gains little.
    #[test]
    fn part_of_a_line_is_not_stuck_at_the_end() {
        let mut source = (0..=u8::MAX).cycle();
        let mut input = Input::new(SIZE);
        assert_eq!(fill(&mut input, &mut source, SIZE), SIZE);
        input.consume(3);
        assert!(!input.has_room() && input.window().is_empty());
        input.drained();
        assert!(input.has_room());
        let counted = allocation_counter::measure(|| assert_eq!(input.window().len(), 3));
        assert_eq!(counted.count_total, 0, "it moves, to no other block");
        assert_eq!(input.pending()[0], 3);
    }

    /// I2: a read that gave nothing changes nothing.
    #[test]
    fn nothing_that_was_read_takes_no_room() {
        let mut input = Input::new(SIZE);
        assert_eq!(fill(&mut input, &mut (0..=u8::MAX).cycle(), SIZE), SIZE);
        assert!(!input.has_room());
        input.drained();
        input.filled(0);
        assert!(input.has_room());
    }

    /// I2: nor is it stuck where it fills what is left of a block that was given away in parts.
    #[test]
    fn part_of_a_line_is_not_stuck_in_what_is_left() {
        let mut source = (0..=u8::MAX).cycle();
        let mut input = Input::new(SIZE);
        fill(&mut input, &mut source, 1);
        let first = input.take(1);
        input.drained();
        fill(&mut input, &mut source, 8);
        let second = input.take(8);
        assert_eq!(fill(&mut input, &mut source, SIZE), SIZE - 8);
        input.drained();
        assert_eq!(input.window().len(), 8);
        assert_eq!(
            (first[0], second[0], input.pending()[0], input.pending().len()),
            (0, 1, 9, SIZE - 8)
        );
    }

    proptest! {
        /// I4: making room copies no more than twice what was received, whatever the lengths of the
        /// lines, up to the whole block, and of the reads.
        #[test]
        fn making_room_costs_no_more_than_reading(
            lines in prop::collection::vec(1..=SIZE, 1..200),
            reads in prop::collection::vec(1..=SIZE, 1..8),
        ) {
            let mut source = (0..=u8::MAX).cycle();
            let mut input = Input::new(SIZE);
            let mut reads = reads.into_iter().cycle();
            let cost = effort(|| {
                for line in lines {
                    while input.pending().len() < line {
                        input.drained();
                        assert_ne!(fill(&mut input, &mut source, reads.next().unwrap()), 0);
                    }
                    input.consume(line);
                }
            });
            prop_assert!(cost.moved <= 2 * input.received, "{} of {}", cost.moved, input.received);
        }
    }

    /// I1, I3: blocks grow and shrink while lines are pending, which lose nothing.
    #[test]
    fn a_change_of_size_loses_nothing() {
        let mut source = (0..=u8::MAX).cycle();
        let mut input = Input::new(SIZE);
        fill(&mut input, &mut source, SIZE);
        input.consume(SIZE - 10);
        input.resize(4 * SIZE);
        input.drained();
        let cost = effort(|| assert_eq!(input.window().len(), 4 * SIZE - 10));
        assert_eq!(cost.moved, 2 * 10, "within the block, and to the next");
        fill(&mut input, &mut source, 3 * SIZE);
        let expected: Vec<u8> = (54..=u8::MAX).take(10 + 3 * SIZE).collect();
        assert_eq!(input.pending(), expected);
        input.resize(SIZE);
        // Not before what is pending is decoded.
        assert_eq!(input.window().len(), SIZE - 10);
        input.consume(3 * SIZE);
        input.drained();
        assert_eq!(input.window().len(), SIZE - 10);
        assert_eq!(input.pending(), &expected[3 * SIZE..]);
    }

    /// I1: what is pending survives a change to a block that had given parts of itself away.
    #[test]
    fn a_spare_that_became_short_loses_nothing() {
        let mut source = (0..=u8::MAX).cycle();
        let mut input = Input::new(SIZE);
        let mut held = Vec::new();
        fill(&mut input, &mut source, 8);
        held.push(input.take(8));
        input.drained();
        // A caller that reads after each event, and so never drains, gives the block away in parts.
        for _ in 0..8 {
            assert_eq!(fill(&mut input, &mut source, 8), 8);
            held.push(input.take(8));
        }
        input.drained();
        assert_eq!(fill(&mut input, &mut source, 40), 40);
        held.clear();
        held.push(input.take(1));
        input.drained();
        let pending = input.pending().to_vec();
        assert_eq!(pending.len(), 39);
        assert!(!input.window().is_empty());
        assert_eq!(input.pending(), pending);
    }

    /// The claim of the type: no allocation when chunks are dropped before the next read, and none
    /// when each is held for one read more.
    #[test]
    fn steady_reading_allocates_nothing() {
        for kept in [0, 1] {
            let mut input = Input::new(SIZE);
            let mut last: Vec<Bytes> = Vec::with_capacity(1);
            let mut round = |input: &mut Input| {
                let window = input.window();
                assert!(window.len() >= SIZE - 2, "{}", window.len());
                let len = window.len();
                input.filled(len);
                last.clear();
                let chunk = input.take(len - 1);
                if kept == 1 {
                    last.push(chunk);
                }
                input.consume(1);
                input.drained();
            };
            for _ in 0..4 {
                round(&mut input);
            }
            let counted = allocation_counter::measure(|| (0..1000).for_each(|_| round(&mut input)));
            assert_eq!(counted.count_total, 0, "chunks kept: {kept}");
        }
    }

    /// Chunks that are held pin little more than their own octets.
    #[test]
    fn small_chunks_do_not_pin_a_block_each() {
        let mut input = Input::new(64 * 1024);
        let counted = allocation_counter::measure(|| {
            let mut held = Vec::new();
            for _ in 0..1024 {
                let len = 512.min(input.window().len());
                input.filled(len);
                held.push(input.take(len));
                input.drained();
            }
            assert_eq!(held.iter().map(Bytes::len).sum::<usize>(), 512 * 1024);
        });
        assert!(
            counted.bytes_max < 3 * 512 * 1024,
            "{} octets for 512 KiB of chunks",
            counted.bytes_max
        );
    }
}
