//! A client session: what it sends and when, what it makes of what a server says, and where it stops.

mod abandoned;
mod bodies;
mod clear;
mod commands;
mod ends;
mod exchange;
mod greeting;
mod leniency;
mod passwords;
mod random_scripts;
mod read_body;
mod regressions;
mod replies;
mod rfc1939_session;
mod rules;
mod stls;
mod unasked;

#[path = "../support/mod.rs"]
mod support;
