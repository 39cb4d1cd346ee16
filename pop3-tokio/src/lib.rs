//! The place of the asynchronous adapter for [`pop3-proto`](https://docs.rs/pop3-proto).
//!
//! This crate is empty. It will hold the same `Client`, `Session` and `Body` as `pop3-blocking`,
//! `async`, over any `AsyncRead + AsyncWrite`, with every method documented for cancel safety.
//! Until then `pop3-blocking` is the adapter to use, or the sessions of `pop3-proto` directly.
