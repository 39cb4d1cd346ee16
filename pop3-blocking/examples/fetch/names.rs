//! What the files of messages are called.
//!
//! `pop3.ACCOUNT.ID` with the unique-id in its file-safe form, and `pop3.ACCOUNT.ID.2` and so on for
//! further messages with the same unique-id. A mail program may append `:2,FLAGS`. A unique-id means
//! nothing outside its maildrop, so that ACCOUNT is part of the name: a hash of the user and the
//! host (not of the port, which changes with every tunnel). Two accounts may share a Maildir.
//!
//! None of the parts holds a `.`, and different unique-ids have different forms.

use std::fmt::Write as _;

use pop3_blocking::pop3_proto::UniqueId;
use sha2::{Digest as _, Sha256};

use crate::account::Account;

/// Octets of the form of a unique-id at most: file systems take names of 255 octets, and the rest
/// of the name, a mail program's flags among it, needs its share.
const MAX_FORM: usize = 180;

/// Names for the messages of one account.
#[derive(Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn of(account: &Account) -> Self {
        let tag = sha256(&[account.mailbox.as_str().as_bytes(), b"\0", account.host.as_bytes()]);
        Self { prefix: format!("pop3.{}.", &tag[..16]) }
    }

    /// The name without the count of occurrences: what all messages with this unique-id share.
    pub(crate) fn stem(&self, id: &UniqueId) -> String {
        let mut form = id.file_safe();
        if form.len() > MAX_FORM {
            // `_` is followed by two hexadecimal digits in the form of a unique-id, never by `h`.
            form = format!("_h{}", sha256(&[id.octets()]));
        }
        format!("{}{form}", self.prefix)
    }

    /// The stem and the occurrence in the name of a file of this account.
    pub(crate) fn parse<'a>(&self, name: &'a str) -> Option<(&'a str, u32)> {
        let base = name.split([':', ';', '!']).next()?;
        let rest = base.strip_prefix(&self.prefix)?;
        match rest.split_once('.') {
            None => Some((base, 1)),
            Some((form, digits)) => {
                let occurrence = digits.parse().ok().filter(|&occurrence| occurrence > 1)?;
                let stem = &base[..self.prefix.len() + form.len()];
                // `+2` and `02` are numbers, and no names of ours.
                (file_name(stem, occurrence) == base).then_some((stem, occurrence))
            }
        }
    }
}

pub(crate) fn file_name(stem: &str, occurrence: u32) -> String {
    if occurrence == 1 { stem.to_owned() } else { format!("{stem}.{occurrence}") }
}

pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, octet| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}
