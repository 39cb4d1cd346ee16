//! Where a server's maildrops live, and who may open them.
//!
//! A [`Store`] opens maildrops, locked against every other session; an [`Authenticator`] knows
//! passwords. [`Memory`] is a store, and so is `Maildir` (feature `maildir`, on Unix); [`Passwords`] is
//! an authenticator. None of them knows the protocol: what a command means for an open maildrop is
//! `pop3_proto`'s business.

mod authenticator;
#[cfg(all(feature = "maildir", unix))]
mod maildir;
mod memory;
mod store;

pub use authenticator::{Authenticator, Passwords};
#[cfg(all(feature = "maildir", unix))]
pub use maildir::{Maildir, MaildirMaildrop};
pub use memory::{Memory, MemoryMaildrop};
pub use store::{OpenError, OpenMaildrop, RemoveError, Store};
