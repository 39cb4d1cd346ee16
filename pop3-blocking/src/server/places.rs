//! How many connections are served, and for whom.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use pop3_proto::{Response, Status, Text};

use crate::trace;

/// How many connections a server serves at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// All together: 200. Each costs a thread and the buffers of its session; in an adapter
    /// without threads, less.
    pub total: usize,
    /// From one address: 20.
    pub per_address: usize,
}

impl ConnectionLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self { total: 200, per_address: 20 };
}

impl Default for ConnectionLimits {
    /// [`ConnectionLimits::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The places for connections that a server has, counted by address. A clone counts the same ones.
#[derive(Clone, Debug)]
pub struct Places {
    limits: ConnectionLimits,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place; dropped, it is free again.
#[derive(Debug)]
#[must_use]
pub struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    /// All of them are free.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// A place for a connection from `address`, if one is free; otherwise [`Places::refusal`] is all
    /// that the client gets, and over TLS not even that.
    pub fn admit(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let here = taken.get(&address).copied().unwrap_or(0);
        if here >= self.limits.per_address || taken.values().sum::<usize>() >= self.limits.total {
            trace::turned_away(address);
            return None;
        }
        taken.insert(address, here + 1);
        Some(Place { places: self.clone(), address })
    }

    /// The line for a client that finds no place: `-ERR`, with SYS/TEMP (RFC 3206 §4).
    #[must_use]
    pub fn refusal() -> Vec<u8> {
        let text = Text::new("[SYS/TEMP] too many connections");
        let text = text.unwrap_or_else(|_| unreachable!("printable ASCII"));
        let mut line = Vec::new();
        Response::new(Status::Err, text).encode(&mut line);
        line
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = taken.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&self.address);
            }
        }
    }
}
