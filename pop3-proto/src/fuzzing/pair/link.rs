//! What carries octets between a client and a server, and who has a hand in it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::script::{Cut, Edit, EditKind};
use crate::client::Eof;
use crate::fuzzing::Sizes;

/// One direction: octets on their way.
pub(in crate::fuzzing) struct Link {
    sizes: Sizes,
    pub(in crate::fuzzing) on_the_way: VecDeque<u8>,
    pub(in crate::fuzzing) edit: Option<Edit>,
    /// Octets that one side has written.
    entered: usize,
    /// What will be said twice.
    again: Vec<u8>,
    /// Somebody has a hand in it, here or on the way back.
    pub(in crate::fuzzing) tampered: bool,
    pub(in crate::fuzzing) received: Vec<u8>,
    /// Octets that pass before it is cut.
    left: Option<usize>,
    pub(in crate::fuzzing) eof: Option<Eof>,
}

impl Link {
    pub(in crate::fuzzing) fn new(sizes: Sizes, cut: Option<Cut>, edit: Option<Edit>) -> Self {
        Self {
            sizes,
            on_the_way: VecDeque::new(),
            edit,
            entered: 0,
            again: Vec::new(),
            tampered: false,
            received: Vec::new(),
            left: cut.map(|cut| cut.at),
            eof: None,
        }
    }

    /// Takes some octets in and hands some over; whether it moved any.
    pub(in crate::fuzzing) fn carry(
        &mut self,
        write: impl FnOnce(usize) -> Vec<u8>,
        receive: impl FnOnce(&[u8]) -> usize,
    ) -> bool {
        let size = self.sizes.next();
        let written = write(size);
        self.enter(&written);
        let len = self.sizes.next().min(self.on_the_way.len()).min(self.left.unwrap_or(usize::MAX));
        let piece = &self.on_the_way.make_contiguous()[..len];
        let taken = receive(piece);
        if self.tampered {
            self.received.extend_from_slice(&piece[..taken]);
        }
        self.on_the_way.drain(..taken);
        if let Some(left) = &mut self.left {
            *left -= taken;
        }
        taken > 0 || !written.is_empty()
    }

    /// What was written comes upon the link, as the attacker lets it.
    fn enter(&mut self, written: &[u8]) {
        let Some(edit) = &self.edit else {
            self.on_the_way.extend(written);
            return;
        };
        let end = edit.at + edit.octets.len();
        for &octet in written {
            let at = self.entered;
            self.entered += 1;
            if edit.kind == EditKind::Insert && at == edit.at {
                self.on_the_way.extend(&edit.octets);
            }
            let changed = (edit.at..end).contains(&at);
            match edit.kind {
                EditKind::Delete if changed => continue,
                EditKind::Replace if changed => {
                    self.on_the_way.push_back(edit.octets[at - edit.at]);
                }
                _ => self.on_the_way.push_back(octet),
            }
            if edit.kind == EditKind::Duplicate && changed {
                self.again.push(octet);
                if at + 1 == end {
                    self.on_the_way.extend(self.again.drain(..));
                }
            }
        }
    }

    pub(in crate::fuzzing) fn is_cut(&self) -> bool {
        self.left == Some(0)
    }
}
