//! A server session and its maildrop: what is taken, what is answered, and what a hostile client comes to.

mod auth;
mod budgets;
mod commands;
mod languages;
#[cfg(all(feature = "md5", feature = "scram"))]
mod login;
mod maildrop;
#[cfg(all(feature = "md5", feature = "scram"))]
mod mechanisms;
mod messages;
mod regressions;
mod rules;
mod tls;

#[cfg(all(feature = "md5", feature = "scram"))]
#[path = "../login_support/mod.rs"]
mod login_support;
#[cfg(all(feature = "md5", feature = "scram"))]
#[path = "../sasl_support/mod.rs"]
mod sasl_support;
#[path = "../server_support/mod.rs"]
mod server_support;
