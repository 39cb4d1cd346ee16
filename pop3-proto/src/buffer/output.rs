//! What is to go out.

use alloc::vec::Vec;
use core::mem;

use super::wipe;
use crate::codec::octets;
use crate::effort::moved;

/// Lines on their way out. Octets of credentials are wiped as they leave, and whenever the buffer
/// moves.
#[derive(Default)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    start: usize,
    /// Octets that have left since the session began.
    left: u64,
    /// Offset, since the session began, behind which no credential waits.
    secret_to: u64,
}

impl Output {
    /// What waits to be written.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Octets that have left since the session began.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Appends a line of `len` octets that `write` encodes; gives the offset of its end.
    pub(crate) fn append(
        &mut self,
        len: usize,
        secret: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> u64 {
        self.reserve(len);
        write(&mut self.buffer);
        let end = self.left + octets(self.waiting().len());
        if secret {
            self.secret_to = end;
        }
        end
    }

    /// Lets `write` append at most `room` octets.
    pub(crate) fn write<T>(&mut self, room: usize, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        self.reserve(room);
        write(&mut self.buffer)
    }

    /// Says that `len` octets have left.
    pub(crate) fn advance(&mut self, len: usize) {
        let to = self.buffer.len().min(self.start + len);
        if self.left < self.secret_to {
            wipe(self.buffer.get_mut(self.start..to).unwrap_or_default());
        }
        self.left += octets(to - self.start);
        self.start = to;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
    }

    /// Gives the memory back if nothing waits.
    pub(crate) fn release(&mut self) {
        if self.waiting().is_empty() {
            self.buffer = Vec::new();
            self.start = 0;
        }
    }

    /// Makes room without leaving a copy of a credential behind.
    fn reserve(&mut self, len: usize) {
        if self.buffer.capacity() - self.buffer.len() >= len {
            return;
        }
        let secret = self.left < self.secret_to;
        let waiting = self.waiting().len();
        moved(waiting);
        let needed = waiting + len;
        // Moving within the buffer costs no more than what has left since the last move; for that a
        // buffer out of which little leaves at a time is twice as large.
        if self.buffer.capacity() >= needed && self.start >= waiting {
            self.buffer.copy_within(self.start.., 0);
            if secret {
                wipe(self.buffer.get_mut(waiting..).unwrap_or_default());
            }
            self.buffer.truncate(waiting);
        } else {
            let capacity =
                if self.start == 0 { needed.next_power_of_two() } else { needed.saturating_mul(2) };
            let mut moved = Vec::with_capacity(capacity.max(512));
            moved.extend_from_slice(self.waiting());
            let mut old = mem::replace(&mut self.buffer, moved);
            if secret {
                wipe(&mut old);
            }
        }
        self.start = 0;
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        wipe(&mut self.buffer);
    }
}

impl core::fmt::Debug for Output {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Output")
            .field("waiting", &self.waiting().len())
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(output: &mut Output, line: &[u8], secret: bool) -> u64 {
        output.append(line.len(), secret, |buffer| buffer.extend_from_slice(line))
    }

    #[test]
    fn lines_leave_in_order_at_any_pace() {
        let mut output = Output::default();
        assert_eq!(put(&mut output, b"USER a\r\n", true), 8);
        assert_eq!(put(&mut output, b"STAT\r\n", false), 14);
        let mut sent = Vec::new();
        while let Some(&octet) = output.waiting().first() {
            sent.push(octet);
            output.advance(1);
        }
        assert_eq!(sent, b"USER a\r\nSTAT\r\n");
        assert_eq!(output.left(), 14);
        assert_eq!(put(&mut output, b"QUIT\r\n", false), 20);
    }

    /// I10: what has left is gone from the buffer.
    #[test]
    fn a_credential_is_wiped_as_it_leaves() {
        let mut output = Output::default();
        put(&mut output, b"PASS hunter2\r\n", true);
        put(&mut output, b"STAT\r\n", false);
        output.advance(10);
        assert_eq!(&output.buffer[..14], b"\0\0\0\0\0\0\0\0\0\0r2\r\n");
        output.advance(4);
        assert_eq!(&output.buffer[..14], [0; 14]);
        assert_eq!(output.waiting(), b"STAT\r\n");
        output.advance(2);
        assert_eq!(&output.buffer[14..], b"STAT\r\n", "which is no credential");
    }

    /// I3, I4: a line behind a line, each leaving in time, takes one buffer; lines that wait take buffers
    /// that double, and little more than their octets.
    #[test]
    fn lines_that_leave_take_no_memory() {
        let mut output = Output::default();
        let line = [b'x'; 100];
        let counted = allocation_counter::measure(|| {
            put(&mut output, &line, false);
            for _ in 0..10_000 {
                put(&mut output, &line, false);
                output.advance(100);
            }
        });
        assert!(counted.count_total <= 2 && counted.bytes_max <= 1024, "{counted:?}");
        let mut output = Output::default();
        let counted = allocation_counter::measure(|| {
            for _ in 0..10_000 {
                put(&mut output, &line, false);
            }
        });
        assert!(counted.count_total <= 12, "{counted:?}");
        assert!(counted.bytes_max <= 3 * 1024 * 1024, "{counted:?}");
        assert!(output.buffer.capacity() <= 2 * 1024 * 1024);
        let counted = allocation_counter::measure(|| {
            for _ in 0..10_000 {
                output.advance(100);
                put(&mut output, &line, false);
            }
        });
        assert!(counted.count_total <= 1, "{counted:?}");
        output.advance(1_000_000);
        let counted = allocation_counter::measure(|| output.release());
        assert!(counted.bytes_current <= -1_000_000 && output.waiting().is_empty(), "{counted:?}");
    }

    /// Lines are not torn apart or lost when they move, and as many as have left are counted.
    #[test]
    fn lines_move_as_they_are() {
        let mut source = (0..=u8::MAX).cycle();
        let mut expected = (0..=u8::MAX).cycle();
        let mut output = Output::default();
        let mut left = 0;
        for round in 0..2000_usize {
            let line: Vec<u8> = source.by_ref().take(round * 7 % 300).collect();
            put(&mut output, &line, round % 3 == 0);
            let len = output.waiting().len().min(round * 11 % 310);
            assert!(expected.by_ref().take(len).eq(output.waiting()[..len].iter().copied()));
            output.advance(len);
            left += octets(len);
            assert_eq!(output.left(), left);
        }
    }
}
