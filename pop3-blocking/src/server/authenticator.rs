//! Who may open a maildrop.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use pop3_proto::{Mailbox, Password, Secret};
use sha2::{Digest as _, Sha256};

/// Knows what opens a mailbox. Shared by all connections.
///
/// It answers for each kind of mechanism by a method of its own; what a mechanism needs beyond these
/// comes as a method that by default offers nothing.
pub trait Authenticator: Send + Sync {
    /// Whether this is the mailbox's password (USER and PASS, RFC 1939 §7).
    ///
    /// An unknown mailbox takes the same steps and the same time as a known one with a wrong password,
    /// so that nobody learns from it which mailboxes there are.
    fn verify(&self, mailbox: &Mailbox, password: &Password) -> bool;

    /// The secret that a mailbox shares with its owner, for mechanisms that compute with it
    /// (APOP, RFC 1939 §7).
    ///
    /// `None`: such mechanisms are not offered to this mailbox. Whoever asks goes through the same
    /// steps with a secret that nothing fits.
    fn secret(&self, mailbox: &Mailbox) -> Option<Secret> {
        let _ = mailbox;
        None
    }
}

macro_rules! authenticator_behind_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<A: Authenticator + ?Sized> Authenticator for $pointer {
            fn verify(&self, mailbox: &Mailbox, password: &Password) -> bool {
                (**self).verify(mailbox, password)
            }

            fn secret(&self, mailbox: &Mailbox) -> Option<Secret> {
                (**self).secret(mailbox)
            }
        }
    )*};
}

authenticator_behind_a_pointer!(&A, Arc<A>, Box<A>);

/// Mailboxes and their passwords, in memory.
///
/// Passwords are compared by their digests, so that neither the lengths nor the place of the first
/// difference show in the time that it takes. They are kept as they are too, for
/// [`Authenticator::secret`]; `Debug` shows none of it.
///
/// ```
/// use pop3_blocking::server::{Authenticator as _, Passwords};
/// use pop3_proto::{Mailbox, Password};
///
/// let mrose = Mailbox::new("mrose")?;
/// let passwords: Passwords = [(mrose.clone(), Password::new("tanstaaf")?)].into_iter().collect();
/// assert!(passwords.verify(&mrose, &Password::new("tanstaaf")?));
/// assert!(!passwords.verify(&Mailbox::new("mallory")?, &Password::new("tanstaaf")?));
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone)]
pub struct Passwords {
    known: HashMap<Mailbox, Known>,
    /// What an unknown mailbox is compared with: the digest of nothing that anybody knows.
    nobody: Secret,
}

#[derive(Clone)]
struct Known {
    password: Secret,
    digest: Secret,
}

impl Passwords {
    /// Knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Self { known: HashMap::new(), nobody: Secret::new([0; 32]) }
    }

    /// Gives a mailbox a password, instead of the one that it may have.
    pub fn insert(&mut self, mailbox: Mailbox, password: &Password) {
        let known =
            Known { password: Secret::new(password.expose()), digest: digest(password.expose()) };
        self.known.insert(mailbox, known);
    }
}

impl Authenticator for Passwords {
    fn verify(&self, mailbox: &Mailbox, password: &Password) -> bool {
        let known = self.known.get(mailbox);
        let expected = known.map_or(&self.nobody, |known| &known.digest);
        (digest(password.expose()) == *expected) & known.is_some()
    }

    fn secret(&self, mailbox: &Mailbox) -> Option<Secret> {
        self.known.get(mailbox).map(|known| known.password.clone())
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Extend<(Mailbox, Password)> for Passwords {
    fn extend<I: IntoIterator<Item = (Mailbox, Password)>>(&mut self, passwords: I) {
        for (mailbox, password) in passwords {
            self.insert(mailbox, &password);
        }
    }
}

impl FromIterator<(Mailbox, Password)> for Passwords {
    fn from_iter<I: IntoIterator<Item = (Mailbox, Password)>>(passwords: I) -> Self {
        let mut known = Self::new();
        known.extend(passwords);
        known
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}

/// `Secret` compares secrets of one length without saying where they differ; digests have one length.
fn digest(password: &[u8]) -> Secret {
    Secret::new(<[u8; 32]>::from(Sha256::digest(password)))
}
