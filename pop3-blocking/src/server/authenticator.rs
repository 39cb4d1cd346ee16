//! Who may open a maildrop.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use pop3_proto::sasl::{Answer, PreparedAs, Question, ScramDecoy, ScramHash, ScramKeys};
use pop3_proto::{Mailbox, Password, Secret};
use sha2::{Digest as _, Sha256};

use crate::preparation::prepared;

/// Knows who may open which maildrop. Shared by all connections.
///
/// Each [`Question`] says which answers it takes; what an authenticator does not know of it refuses
/// ([`Answer::Refused`]). About an unknown mailbox it answers `Refused` too, after the same steps and
/// the same time as about a known one with a wrong password, so that nobody learns from it which
/// mailboxes there are.
///
/// An authenticator that only verifies passwords cannot serve SCRAM, CRAM-MD5 and APOP: their names are to
/// be taken out of [`Server::config`](super::Server::config), since clients try the best that is offered
/// and nothing weaker.
pub trait Authenticator: Send + Sync {
    /// Answers what a login needs to know. It may take its time: the connection waits.
    fn answer(&self, question: &Question) -> Answer;
}

macro_rules! authenticator_behind_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<A: Authenticator + ?Sized> Authenticator for $pointer {
            fn answer(&self, question: &Question) -> Answer {
                (**self).answer(question)
            }
        }
    )*};
}

authenticator_behind_a_pointer!(&A, Arc<A>, Box<A>);

/// Rounds of SCRAM's hash, for every user there is and every one there is not (RFC 7677 §4).
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
/// Octets of a salt, likewise.
const SALT_OCTETS: usize = 16;

/// Mailboxes and their passwords, in memory.
///
/// Passwords are compared by their digests, so that neither the lengths nor the place of the first
/// difference show in the time that it takes. Text is prepared first (RFC 4013, RFC 4616 §2); text that
/// cannot be prepared is nobody's password, octets that are no text are compared as they are. Passwords are
/// kept as they are too, for CRAM-MD5 and APOP, and as keys for SCRAM; `Debug` shows none of it. Nobody may
/// open another's maildrop.
///
/// ```
/// use pop3_blocking::server::{Authenticator as _, Passwords};
/// use pop3_proto::sasl::{Answer, Question};
/// use pop3_proto::{Mailbox, Password, Secret};
///
/// let mrose = Mailbox::new("mrose")?;
/// let passwords: Passwords = [(mrose.clone(), Password::new("tanstaaf")?)].into_iter().collect();
/// let verify = |password: &str| Question::Verify {
///     mailbox: mrose.clone(),
///     password: Secret::new(password),
/// };
/// assert_eq!(passwords.answer(&verify("tanstaaf")), Answer::Accepted);
/// assert_eq!(passwords.answer(&verify("tanstaag")), Answer::Refused);
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone)]
pub struct Passwords {
    known: HashMap<Mailbox, Known>,
    /// The digests of tokens, and whose they are.
    tokens: Vec<(Secret, Mailbox)>,
    /// Who comes without a name.
    anonymous: Option<Mailbox>,
    /// What an unknown mailbox is compared with: the digest of nothing that anybody knows.
    nobody: Secret,
}

#[derive(Clone)]
struct Known {
    password: Secret,
    /// `None` of a password that nobody can show.
    digest: Option<Secret>,
    /// None for a password that SCRAM cannot have.
    keys: Vec<ScramKeys>,
}

impl Passwords {
    /// Knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Self {
            known: HashMap::new(),
            tokens: Vec::new(),
            anonymous: None,
            nobody: Secret::new([0; 32]),
        }
    }

    /// Gives a mailbox a password, instead of the one that it may have. A name that is not ASCII is kept as
    /// [`Login`](pop3_proto::server::Login) asks about it: prepared (RFC 4013).
    ///
    /// SCRAM's keys are derived here, with 4096 iterations and a new salt of 16 octets, from the password
    /// as clients prepare it (RFC 4013). One that cannot be prepared has none.
    pub fn insert(&mut self, mailbox: Mailbox, password: &Password) {
        let password = Secret::new(password.expose());
        let digest = comparable(&password).as_ref().map(digest);
        let known = Known { digest, keys: keys(&password), password };
        let name = prepared(mailbox.as_str(), PreparedAs::Query);
        let mailbox = name.and_then(|name| Mailbox::utf8(&name).ok()).unwrap_or(mailbox);
        self.known.insert(mailbox, known);
    }

    /// Lets whoever shows this bearer token open the mailbox, by OAUTHBEARER and XOAUTH2. A mailbox may
    /// have several.
    pub fn insert_token(&mut self, mailbox: Mailbox, token: &Secret) {
        self.tokens.push((digest(token), mailbox));
    }

    /// Lets anybody open this mailbox, by ANONYMOUS.
    pub fn allow_anonymous(&mut self, mailbox: Mailbox) {
        self.anonymous = Some(mailbox);
    }

    fn verify(&self, mailbox: &Mailbox, password: &Secret) -> bool {
        let known = self.known.get(mailbox).and_then(|known| known.digest.as_ref());
        let shown = comparable(password);
        let digest = digest(shown.as_ref().unwrap_or(password));
        (digest == *known.unwrap_or(&self.nobody)) & known.is_some() & shown.is_some()
    }

    fn owner(&self, token: &Secret) -> Option<Mailbox> {
        let shown = digest(token);
        let mut owner = None;
        // All of them, whichever it is.
        for (digest, mailbox) in &self.tokens {
            if *digest == shown {
                owner = Some(mailbox.clone());
            }
        }
        owner
    }
}

impl Authenticator for Passwords {
    fn answer(&self, question: &Question) -> Answer {
        let answer = match question {
            Question::Verify { mailbox, password } => {
                self.verify(mailbox, password).then_some(Answer::Accepted)
            }
            Question::Secret { mailbox } => {
                self.known.get(mailbox).map(|known| Answer::Secret(known.password.clone()))
            }
            Question::ScramKeys { mailbox, hash } => {
                let known = self.known.get(mailbox);
                let keys =
                    known.and_then(|known| known.keys.iter().find(|keys| keys.hash() == *hash));
                keys.cloned().map(Answer::ScramKeys)
            }
            Question::Token { token, .. } => self.owner(token).map(Answer::Identified),
            Question::Anonymous { .. } => self.anonymous.clone().map(Answer::Identified),
            Question::Authorize { authentication, authorization } => {
                (authentication == authorization).then_some(Answer::Accepted)
            }
            _ => None,
        };
        answer.unwrap_or(Answer::Refused)
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

/// What SCRAM shows of users that there are not: it looks like what [`Passwords`] shows of the others.
/// `None` without random numbers.
pub(super) fn decoy() -> Option<ScramDecoy> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).ok()?;
    ScramDecoy::new(Secret::new(key), ITERATIONS, SALT_OCTETS).ok()
}

fn keys(password: &Secret) -> Vec<ScramKeys> {
    let mut salt = [0; SALT_OCTETS];
    let text = std::str::from_utf8(password.expose()).ok();
    let Some(password) = text.and_then(|text| prepared(text, PreparedAs::Stored)).map(Secret::new)
    else {
        return Vec::new();
    };
    if getrandom::fill(&mut salt).is_err() {
        return Vec::new();
    }
    let hashes = [ScramHash::Sha256, ScramHash::Sha1].into_iter();
    hashes.filter_map(|hash| ScramKeys::derive(hash, &password, &salt, ITERATIONS).ok()).collect()
}

/// What is compared of a password; `None` of text whose preparation fails or leaves nothing. Controls are
/// prohibited in text: what holds one is octets.
fn comparable(password: &Secret) -> Option<Secret> {
    match std::str::from_utf8(password.expose()) {
        Ok(text) if !text.contains(|c: char| c.is_ascii_control()) => {
            prepared(text, PreparedAs::Query).filter(|text| !text.is_empty()).map(Secret::new)
        }
        _ => Some(password.clone()),
    }
}

/// `Secret` compares secrets of one length without saying where they differ; digests have one length.
fn digest(secret: &Secret) -> Secret {
    Secret::new(<[u8; 32]>::from(Sha256::digest(secret.expose())))
}
