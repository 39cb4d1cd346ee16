//! How many connections are served, and for whom.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
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
    /// From one address: 20. Of IPv6 the first 64 bits count: whoever has one address has all of that
    /// network.
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
    holder: IpAddr,
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
        let holder = holder(address);
        let here = taken.get(&holder).copied().unwrap_or(0);
        if here >= self.limits.per_address || taken.values().sum::<usize>() >= self.limits.total {
            trace::turned_away(address);
            return None;
        }
        taken.insert(holder, here + 1);
        Some(Place { places: self.clone(), holder })
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
        if let Some(here) = taken.get_mut(&self.holder) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

/// Whom an address belongs to, as far as an address can tell.
fn holder(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = !0 << 64;
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F19: one host with a network of its own has no more places than one with an address, whichever way it comes.
    #[test]
    fn places_are_counted_by_who_holds_the_address() {
        let taken = |first: &str, second: &str| {
            let places = Places::new(ConnectionLimits { total: 9, per_address: 1 });
            let _first = places.admit(first.parse().unwrap()).expect("the first one");
            places.admit(second.parse().unwrap()).is_none()
        };
        assert!(taken("192.0.2.1", "192.0.2.1"));
        assert!(!taken("192.0.2.1", "192.0.2.2"));
        assert!(taken("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!taken("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
        assert!(taken("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
        assert!(!taken("2001:db8::1", "2001:db8:0:1::1"));
    }
}
