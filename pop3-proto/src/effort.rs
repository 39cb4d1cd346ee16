//! Octets searched and octets moved, counted: so it is shown without a clock that time is linear (I4).
//!
//! Tests and fuzz targets count. In any other build nothing does.

#[cfg(any(test, all(feature = "fuzzing", feature = "std")))]
#[allow(unreachable_pub, unused_imports, reason = "`fuzzing` shows them")]
pub use counted::{Effort, effort};
#[cfg(any(test, all(feature = "fuzzing", feature = "std")))]
pub(crate) use counted::{moved, scanned};

/// Octets were searched for what ends a line, begins one or has to be repaired.
#[cfg(not(any(test, all(feature = "fuzzing", feature = "std"))))]
pub(crate) const fn scanned(_: usize) {}

/// Octets were copied within or between buffers.
#[cfg(not(any(test, all(feature = "fuzzing", feature = "std"))))]
pub(crate) const fn moved(_: usize) {}

#[cfg(any(test, all(feature = "fuzzing", feature = "std")))]
#[allow(unreachable_pub, reason = "`fuzzing` shows them")]
mod counted {
    extern crate std;

    use core::cell::Cell;

    use crate::codec::octets;

    /// What was done to octets.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[allow(clippy::exhaustive_structs, reason = "not part of the public API")]
    pub struct Effort {
        /// Octets searched for what ends a line, begins one or has to be repaired. A search by blocks
        /// counts the block in which it ends to its end.
        pub scanned: u64,
        /// Octets copied within or between buffers.
        pub moved: u64,
    }

    std::thread_local! {
        static EFFORT: Cell<Effort> = const { Cell::new(Effort { scanned: 0, moved: 0 }) };
    }

    /// What `work` costs, on this thread.
    pub fn effort(work: impl FnOnce()) -> Effort {
        let before = EFFORT.get();
        work();
        let after = EFFORT.get();
        Effort { scanned: after.scanned - before.scanned, moved: after.moved - before.moved }
    }

    pub(crate) fn scanned(len: usize) {
        let effort = EFFORT.get();
        EFFORT.set(Effort { scanned: effort.scanned + octets(len), ..effort });
    }

    pub(crate) fn moved(len: usize) {
        let effort = EFFORT.get();
        EFFORT.set(Effort { moved: effort.moved + octets(len), ..effort });
    }
}
