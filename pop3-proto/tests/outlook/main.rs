//! The statements of MS-STANOPOP3 (editions 3.0 and 5.0), in whole sessions: what Outlook does as a client and what it
//! demands of a server. Where the strict preset differs, the same session goes through it too.

#[path = "../server_support/mod.rs"]
mod server_support;
#[path = "../support/mod.rs"]
mod support;

mod client;
mod oxpop3;
mod replies;
mod server;
mod together;
