//! A client that knows what is due, and a link: what the tests of both sides together share.

#![allow(dead_code, reason = "each test file uses its part")]

mod client;
mod model;

use std::collections::VecDeque;

use bytes::Buf;

pub(crate) use client::{Act, Client};
pub(crate) use model::Model;
use pop3_proto::{LanguageListing, LanguageTag};

use crate::server_support::text;

/// The language that a server has where it offers any.
pub(crate) fn english() -> LanguageListing {
    LanguageListing::new(LanguageTag::new("en").unwrap(), text("English"))
}

/// One direction of the link.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) held: VecDeque<u8>,
    pub(crate) arrived: usize,
    /// Nothing more arrives; the receiver has been told.
    pub(crate) ended: bool,
}

impl Way {
    pub(crate) fn put(&mut self, mut out: impl Buf, limit: usize, link: usize) -> bool {
        let len = out.chunk().len().min(limit).min(link.saturating_sub(self.held.len()));
        self.held.extend(&out.chunk()[..len]);
        out.advance(len);
        len > 0
    }

    /// At most so many octets, of which `take` says how many it took.
    pub(crate) fn arrive(&mut self, limit: usize, take: impl FnOnce(&[u8]) -> usize) -> bool {
        let held = self.held.make_contiguous();
        let len = held.len().min(limit);
        let taken = take(&held[..len]);
        self.held.drain(..taken);
        self.arrived += taken;
        taken > 0
    }
}

/// Through the window or by copying, as it comes.
pub(crate) fn offer(window: &mut [u8], octets: &[u8]) -> usize {
    let len = window.len().min(octets.len());
    window[..len].copy_from_slice(&octets[..len]);
    len
}
