//! The server's side of a POP3 session.

mod maildrop;

pub use maildrop::Entry;
