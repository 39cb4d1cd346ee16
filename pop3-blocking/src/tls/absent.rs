//! What stands in for TLS in a build without it: the same names, and no values.

#![allow(
    clippy::needless_pass_by_ref_mut,
    clippy::needless_pass_by_value,
    reason = "there is nothing that could be passed"
)]

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::time::Duration;

use super::{ChannelBindings, TlsError};
use crate::deadline::Timeouts;

#[derive(Debug)]
pub(crate) enum Peer {}

#[cfg(feature = "server")]
#[derive(Debug)]
pub(crate) enum ServerTls {}

#[derive(Debug)]
pub(crate) struct TlsStream<S>(Infallible, PhantomData<S>);

impl<S> TlsStream<S> {
    pub(crate) fn client(peer: Peer, _: S, _: Duration) -> Result<Self, TlsError> {
        match peer {}
    }

    #[cfg(feature = "server")]
    pub(crate) fn server(tls: &ServerTls, _: S, _: Duration) -> Result<Self, TlsError> {
        match *tls {}
    }

    pub(crate) fn close(&mut self) {
        match self.0 {}
    }

    pub(crate) fn negotiated(&self) -> Option<(&'static str, &'static str)> {
        match self.0 {}
    }

    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        match self.0 {}
    }
}

impl<S> Read for TlsStream<S> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }
}

impl<S> Write for TlsStream<S> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0 {}
    }
}

impl<S> Timeouts for TlsStream<S> {
    fn set_timeout(&mut self, _: Duration) -> io::Result<()> {
        match self.0 {}
    }
}
