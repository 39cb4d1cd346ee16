//! What the machine can do at most: rows that stand beside the others in the same run.

use std::hint::black_box;

use memchr::memmem::Finder;

/// Octets that a read of the adapters brings at most.
pub const BLOCK: usize = 64 << 10;

/// The speed of memory.
pub fn memcpy(octets: &[u8], out: &mut [u8]) -> usize {
    out[..octets.len()].copy_from_slice(octets);
    black_box(out);
    octets.len()
}

/// A pass of the search that finds the ends of bodies, without any decoding; how often it found `LF "."`.
pub fn search(octets: &[u8], finder: &Finder<'_>) -> usize {
    finder.find_iter(octets).count()
}

/// Copies into one block, as reads from a socket do.
pub fn copy_in(octets: &[u8], block: &mut [u8]) -> usize {
    for part in octets.chunks(block.len()) {
        block[..part.len()].copy_from_slice(part);
        black_box(&mut *block);
    }
    octets.len()
}

/// The same with a [`search`] over the block, which is what receiving costs at least; how often it found `LF "."`.
pub fn copy_in_and_search(octets: &[u8], block: &mut [u8], finder: &Finder<'_>) -> usize {
    let mut found = 0;
    for part in octets.chunks(block.len()) {
        block[..part.len()].copy_from_slice(part);
        found += search(black_box(&block[..part.len()]), finder);
    }
    found
}
