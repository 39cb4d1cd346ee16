//! What every store promises, on the store in memory; and who may open it.
#![cfg(feature = "server")]

use std::io::{self, Read as _};
use std::sync::Arc;

use pop3_blocking::pop3_proto::sasl::{Answer, Question, ScramHash, ScramKeys};
use pop3_blocking::pop3_proto::{Mailbox, MechanismName, MessageNumber, Password, Secret, Text};
use pop3_blocking::server::{
    Authenticator, Memory, OpenError, OpenMaildrop, Passwords, RemoveError, Store,
};

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).expect("a mailbox")
}

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("not 0")
}

fn read(maildrop: &mut impl OpenMaildrop, message: u32) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    maildrop.message(number(message))?.read_to_end(&mut octets)?;
    Ok(octets)
}

/// R1939-4.08, R1939-11.03: numbers from 1 on in the order of delivery, sizes as they are sent.
#[test]
fn messages_are_numbered_as_they_came() {
    let (store, mrose) = (Memory::new(), mailbox("mrose"));
    store.deliver(&mrose, "one\n");
    store.deliver(&mrose, "two\r\n.\r\n");
    store.deliver(&mrose, "");
    let mut maildrop = store.open(&mrose).expect("open");
    let sizes: Vec<u64> = maildrop.entries().iter().map(|entry| entry.octets).collect();
    assert_eq!(sizes, [5, 8, 0]);
    assert_eq!(read(&mut maildrop, 2).expect("a message"), b"two\r\n.\r\n");
    for none in [4, u32::MAX] {
        let error = read(&mut maildrop, none).expect_err("no message");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

/// R1939-4.06, R1939-6.03: one session at a time, until it is over.
#[test]
fn a_maildrop_is_open_once() {
    let (store, mrose) = (Memory::new(), mailbox("mrose"));
    store.create(&mrose);
    let maildrop = store.open(&mrose).expect("open");
    assert!(matches!(store.clone().open(&mrose), Err(OpenError::InUse)));
    store.deliver(&mailbox("alice"), "other mailboxes are not locked");
    assert!(store.open(&mailbox("alice")).is_ok());
    drop(maildrop);
    assert!(store.open(&mrose).is_ok());
    assert!(matches!(store.open(&mailbox("Mrose")), Err(OpenError::Missing)));
}

/// R1939-4.08: what is delivered meanwhile is for the next session.
#[test]
fn an_open_maildrop_does_not_grow() {
    let (store, mrose) = (Memory::new(), mailbox("mrose"));
    store.deliver(&mrose, "one\n");
    let mut maildrop = store.open(&mrose).expect("open");
    store.deliver(&mrose, "two\n");
    assert_eq!(maildrop.entries().len(), 1);
    maildrop.remove(&mut [number(1)].into_iter()).expect("removed");
    drop(maildrop);
    assert_eq!(store.messages(&mrose), ["two\n"]);
    assert_eq!(store.open(&mrose).expect("open").entries().len(), 1);
}

/// R1939-6.04, R1939-6.05: only what is removed goes, and nothing by dropping the maildrop.
#[test]
fn only_removed_messages_go() {
    let (store, mrose) = (Memory::new(), mailbox("mrose"));
    let ids: Vec<_> = ["one", "two", "three"].map(|text| store.deliver(&mrose, text)).into();
    drop(store.open(&mrose).expect("open"));
    assert_eq!(store.messages(&mrose).len(), 3);
    let mut maildrop = store.open(&mrose).expect("open");
    store.discard(&mrose, &ids[0]);
    let error = read(&mut maildrop, 1).expect_err("discarded");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    // Number 1 is gone already, and counts as removed.
    maildrop.remove(&mut [number(1), number(3)].into_iter()).expect("removed");
    let error = maildrop.remove(&mut [number(2), number(9)].into_iter()).expect_err("no number 9");
    assert_eq!((error.removed, error.failed), (1, 1));
    assert!(store.messages(&mrose).is_empty());
}

/// C0039, C0040, R1939-7.13, R1939-7.14: `0-9A-Za-z`, at most 70, the same in each session, never again.
#[test]
fn unique_ids_are_never_reused() {
    let (store, other, mrose) = (Memory::new(), Memory::new(), mailbox("mrose"));
    let mut seen = std::collections::HashSet::new();
    for round in 0..20 {
        for store in [&store, &other] {
            let id = store.deliver(&mrose, "the same octets");
            assert!(id.octets().iter().all(u8::is_ascii_alphanumeric) && id.octets().len() <= 70);
            let mut maildrop = store.open(&mrose).expect("open");
            assert_eq!(maildrop.entries().last().expect("a message").id, id);
            if round % 2 == 0 {
                let last = u32::try_from(maildrop.entries().len()).expect("few");
                maildrop.remove(&mut [number(last)].into_iter()).expect("removed");
            }
            assert!(seen.insert(id));
        }
    }
}

/// Pointers to stores are stores, and an open maildrop can be a trait object.
#[test]
fn stores_stand_behind_pointers() {
    fn first<S: Store>(store: S) -> Box<dyn OpenMaildrop>
    where
        S::Maildrop: 'static,
    {
        Box::new(store.open(&mailbox("mrose")).expect("open"))
    }
    let store = Memory::new();
    store.deliver(&mailbox("mrose"), "one\n");
    assert_eq!(first(&store).entries().len(), 1);
    assert_eq!(first(Arc::new(store.clone())).entries().len(), 1);
    let mut maildrop = first(Box::new(store.clone()));
    assert_eq!(read(&mut maildrop, 1).expect("a message"), b"one\n");
    maildrop.remove(&mut [number(1)].into_iter()).expect("removed");
    assert!(store.messages(&mailbox("mrose")).is_empty());
}

#[test]
fn errors_say_what_happened() {
    let error = OpenError::from(io::Error::other("disk"));
    assert_eq!(error.to_string(), "the maildrop cannot be opened: disk");
    assert!(std::error::Error::source(&error).is_some());
    assert!(OpenError::InUse.to_string().contains("in use"));
    assert!(OpenError::Missing.to_string().contains("no such maildrop"));
    let error = RemoveError::new(2, 1, io::Error::other("disk"));
    assert_eq!(error.to_string(), "1 messages not removed, 2 removed: disk");
    assert!(std::error::Error::source(&error).is_some());
}

fn password(password: &str) -> Password {
    Password::new(password).expect("a password")
}

fn verify(known: &impl Authenticator, name: &str, word: &str) -> bool {
    let (mailbox, password) = (mailbox(name), Secret::new(word));
    match known.answer(&Question::Verify { mailbox, password }) {
        Answer::Accepted => true,
        Answer::Refused => false,
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn passwords_open_their_own_mailbox() {
    let passwords: Passwords =
        [(mailbox("mrose"), password("tan staaf")), (mailbox("alice"), password("x"))]
            .into_iter()
            .collect();
    assert!(verify(&passwords, "mrose", "tan staaf") && verify(&passwords, "alice", "x"));
    for wrong in ["x", "tan staa", "tan staaf ", "Tan staaf", "tan staag", " ", "", "tan staaf\0"] {
        assert!(!verify(&passwords, "mrose", wrong), "{wrong}");
    }
    for unknown in ["Mrose", "mros", "mallory"] {
        assert!(!verify(&passwords, unknown, "tan staaf") && !verify(&passwords, unknown, "x"));
    }
    assert!(!verify(&Passwords::new(), "mrose", "x"));
}

#[test]
fn a_password_can_be_changed() {
    let (mut passwords, mrose) = (Passwords::default(), mailbox("mrose"));
    passwords.insert(mrose.clone(), &password("old"));
    passwords.insert(mrose.clone(), &password("new"));
    assert!(verify(&passwords, "mrose", "new") && !verify(&passwords, "mrose", "old"));
    // For APOP and the like; behind pointers too.
    let secret = |mailbox| Question::Secret { mailbox };
    let pointer: Box<dyn Authenticator> = Box::new(Arc::new(passwords.clone()));
    assert_eq!(pointer.answer(&secret(mrose)), Answer::Secret(Secret::new("new")));
    let pointer: &dyn Authenticator = &&passwords;
    assert_eq!(pointer.answer(&secret(mailbox("alice"))), Answer::Refused);
}

/// R4616-2.03: what is shown and what is kept are prepared, and what cannot be is nobody's password. Octets that are
/// no text are compared as they are.
#[test]
fn passwords_are_compared_as_they_are_prepared() {
    let known = |octets: &[u8]| -> Passwords {
        [(mailbox("mrose"), Password::opaque(octets).expect("octets"))].into_iter().collect()
    };
    let shown = |known: &Passwords, octets: &[u8]| {
        let (mailbox, password) = (mailbox("mrose"), Secret::new(octets));
        known.answer(&Question::Verify { mailbox, password }) == Answer::Accepted
    };
    // RFC 4013 §3, and composition.
    for (kept, typed) in [
        ("I\u{ad}X", "IX"),
        ("IX", "I\u{ad}X"),
        ("\u{2168}", "IX"),
        ("p\u{e4}ss", "pa\u{308}ss"),
        ("a\u{a0}b", "a b"),
    ] {
        let known = known(kept.as_bytes());
        assert!(shown(&known, typed.as_bytes()) && shown(&known, kept.as_bytes()), "{kept:?}");
        assert!(!shown(&known, b"ix") && !shown(&known, b""), "{kept:?}");
    }
    // A private use character, a check for direction that fails, and nothing that is left.
    for prohibited in ["a\u{e000}b", "\u{627}1", "\u{ad}"] {
        let known = known(prohibited.as_bytes());
        for typed in [prohibited, "", "ab"] {
            assert!(!shown(&known, typed.as_bytes()), "{prohibited:?} {typed:?}");
        }
    }
    for octets in [&b"ren\xe9"[..], b"a\tb"] {
        assert!(shown(&known(octets), octets) && !shown(&known(octets), b"ren"));
    }
}

/// R5802-5.1.05, RFC 7677 §4: keys of each hash, with a salt of each user's own, of one form for all.
#[test]
fn passwords_become_keys() {
    let mut passwords = Passwords::new();
    for name in ["mrose", "alice"] {
        passwords.insert(mailbox(name), &password("tanstaaf"));
    }
    passwords.insert(mailbox("rene"), &Password::opaque(b"ren\xe9").expect("octets"));
    let ask = |name, hash| passwords.answer(&Question::ScramKeys { mailbox: mailbox(name), hash });
    for hash in [ScramHash::Sha1, ScramHash::Sha256] {
        let [mrose, alice] = ["mrose", "alice"].map(|name| match ask(name, hash) {
            Answer::ScramKeys(keys) => keys,
            answer => panic!("{answer:?}"),
        });
        for keys in [&mrose, &alice] {
            let (secret, salt) = (Secret::new("tanstaaf"), keys.salt());
            assert_eq!((salt.len(), keys.iterations().get()), (16, 4096));
            let derived = ScramKeys::derive(hash, &secret, salt, keys.iterations());
            assert_eq!(derived.as_ref(), Ok(keys));
        }
        assert_ne!(mrose.salt(), alice.salt());
        for nobody in ["rene", "mallory"] {
            assert_eq!(ask(nobody, hash), Answer::Refused);
        }
    }
}

/// R4505-5.01: nobody comes in by what was not given, and nobody acts for another.
#[test]
fn what_was_not_given_is_refused() {
    let (mrose, alice) = (mailbox("mrose"), mailbox("alice"));
    let mut passwords: Passwords = [(mrose.clone(), password("x"))].into_iter().collect();
    let token = |token: &str| Question::Token {
        mechanism: MechanismName::OAUTHBEARER,
        mailbox: Some(mailbox("mrose")),
        token: Secret::new(token),
    };
    let anonymous = Question::Anonymous { trace: Text::new("").expect("a text") };
    let external = Question::External { authorization: Some(mrose.clone()) };
    let authorize = |authentication: &Mailbox, authorization: &Mailbox| Question::Authorize {
        authentication: authentication.clone(),
        authorization: authorization.clone(),
    };
    for question in [&token("t1"), &anonymous, &external, &authorize(&mrose, &alice)] {
        assert_eq!(passwords.answer(question), Answer::Refused, "{question:?}");
    }
    assert_eq!(passwords.answer(&authorize(&mrose, &mrose)), Answer::Accepted);
    passwords.insert_token(mrose.clone(), &Secret::new("t1"));
    passwords.insert_token(alice.clone(), &Secret::new("t2"));
    passwords.allow_anonymous(alice.clone());
    assert_eq!(passwords.answer(&token("t1")), Answer::Identified(mrose));
    assert_eq!(passwords.answer(&token("t2")), Answer::Identified(alice.clone()));
    assert_eq!(passwords.answer(&token("t3")), Answer::Refused);
    assert_eq!(passwords.answer(&anonymous), Answer::Identified(alice));
    assert_eq!(passwords.answer(&external), Answer::Refused);
}

/// I10: neither passwords nor their digests are shown.
#[test]
fn passwords_are_not_shown() {
    let passwords: Passwords = [(mailbox("mrose"), password("Tr0ub4dor"))].into_iter().collect();
    let shown = format!("{passwords:?}{passwords:#?}");
    assert_eq!(shown, "{Mailbox(\"mrose\")}{\n    Mailbox(\n        \"mrose\",\n    ),\n}");
    assert!(!format!("{:?}", Memory::new()).contains("mrose"));
}
