//! Names: of folders for mailboxes, of files for messages.

use std::fmt::{self, Write as _};

use pop3_proto::{Mailbox, UniqueId};
use sha2::{Digest as _, Sha256};

/// The folder of a mailbox: injective, also where case is ignored, and never a path.
pub(super) fn folder_name(mailbox: &Mailbox) -> String {
    let mut name = String::with_capacity(mailbox.as_str().len());
    for octet in mailbox.as_str().bytes() {
        match octet {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'@' => name.push(char::from(octet)),
            b'.' if !name.is_empty() => name.push('.'),
            // Writing to a String cannot fail.
            _ => drop(write!(name, "_{octet:02x}")),
        }
    }
    name
}

/// One of the two folders of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Cur,
    New,
}

/// Where a message is: the folder, and the file's name in it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) place: Place,
    pub(super) name: Box<[u8]>,
    /// Read from the name once, as keys are compared often.
    time: u64,
    base: usize,
}

impl File {
    pub(super) fn new(place: Place, name: &[u8]) -> Self {
        let Key { time, base } = Key::of(name);
        Self { place, name: name.into(), time, base: base.len() }
    }

    pub(super) fn key(&self) -> Key<'_> {
        Key { time: self.time, base: &self.name[..self.base] }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Cur => "cur",
            Place::New => "new",
        };
        write!(f, "{place}/{}", self.name.escape_ascii())
    }
}

/// What a message is known and ordered by: the time of its delivery, then its base name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    time: u64,
    pub(super) base: &'a [u8],
}

impl<'a> Key<'a> {
    /// The key of a file's name, with `:2,` and flags or without.
    pub(super) fn of(name: &'a [u8]) -> Self {
        let end = name.windows(3).position(|window| window == b":2,").unwrap_or(name.len());
        let base = &name[..end];
        let digits = base.iter().take_while(|octet| octet.is_ascii_digit());
        let time = digits.fold(0_u64, |time, digit| {
            time.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        });
        Self { time, base }
    }

    /// The unique-id: 64 octets of `0-9a-f`, as long as the base name is the same (RFC 1939 §7).
    pub(super) fn unique_id(self) -> UniqueId {
        UniqueId::new(hex(self.base).as_bytes()).expect("64 hexadecimal digits are a unique-id")
    }
}

/// The SHA-256 of some octets, in hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for octet in Sha256::digest(octets) {
        for digit in [octet >> 4, octet & 0xf] {
            hex.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_mailbox_leaves_its_root() {
        for (mailbox, folder) in [
            ("mrose", "mrose"),
            ("mrose@example.com", "mrose@example.com"),
            ("Alice", "_41lice"),
            ("NUL", "_4e_55_4c"),
            (".", "_2e"),
            ("..", "_2e."),
            ("../x", "_2e._2fx"),
            ("/", "_2f"),
            ("/etc", "_2fetc"),
            ("_2f", "_5f2f"),
            (".hidden", "_2ehidden"),
            ("a\\b:c", "a_5cb_3ac"),
        ] {
            assert_eq!(folder_name(&Mailbox::new(mailbox).unwrap()), folder);
        }
    }

    proptest! {
        /// Each mailbox has a folder of its own, also where case is ignored.
        #[test]
        fn folders_are_injective(a in "[!-~]{1,6}|[._2eE]{1,6}", b in "[!-~]{1,6}|[._2eE]{1,6}") {
            let folder = |name: &str| folder_name(&Mailbox::new(name).unwrap());
            let (left, right) = (folder(&a), folder(&b));
            prop_assert_eq!(a == b, left.eq_ignore_ascii_case(&right));
            prop_assert!(!left.contains('/') && !left.starts_with('.'));
        }

        /// Names are read without panicking, and flags are no part of the base name.
        #[test]
        fn flags_do_not_change_the_key(name in prop::collection::vec(any::<u8>(), 0..40)) {
            let flagged = [&name[..], b":2,S"].concat();
            prop_assert_eq!(Key::of(&name), Key::of(&flagged));
        }
    }

    #[test]
    fn times_are_compared_as_numbers() {
        let names = ["x", "9.z", "10.b:2,", "10.c", "99999999999999999999999.a"];
        assert!(
            names.windows(2).all(|pair| Key::of(pair[0].as_bytes()) < Key::of(pair[1].as_bytes()))
        );
    }
}
