//! Waiting for what another thread or another process does.

use std::time::{Duration, Instant};

/// Time that only a broken test needs; what is open may go on for longer by default.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
