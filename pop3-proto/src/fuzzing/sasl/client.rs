//! A client alone with a server that says anything.

use alloc::format;
use alloc::vec::Vec;

use super::model::{Transcript, cram_digest};
use super::parties::{Kind, PASSWORD, Setup, TOKEN, USER};
use super::script::filled_in;
use crate::fuzzing::{assert_printable, assert_shown_printable};
use crate::sasl::{Mechanism, MechanismError};

/// T18.
pub(super) fn check(setup: &Setup, messages: &[Vec<u8>]) {
    let mut client = setup.client();
    assert!(!client.is_satisfied());
    let first = client.initial_response().expect("the first time");
    assert_eq!(first.is_none(), matches!(setup.kind, Kind::Login | Kind::CramMd5));
    let mut said: Vec<_> = first.iter().map(|first| first.expose().to_vec()).collect();
    let mut heard = Vec::new();
    let mut failed = None;
    for message in messages {
        let transcript =
            Transcript { setup, password: setup.password(), client: &said, server: &heard };
        let message = filled_in(message, &transcript);
        let answered = client.respond(&message);
        heard.push(message);
        match answered {
            Ok(response) => {
                assert_eq!(failed, None, "it went on after an error");
                said.push(response.expose().to_vec());
            }
            Err(error) => {
                assert_shown_printable(&error);
                let over = failed.is_some().then_some(MechanismError::UnexpectedChallenge);
                assert!(over.is_none_or(|over| over == error), "{error:?} behind {failed:?}");
                failed = Some(error);
            }
        }
        check_standing(setup, &*client, &said, &heard, failed);
    }
    assert_eq!(client.initial_response().map(drop), Err(MechanismError::Used));
    assert!(!client.is_satisfied(), "used twice, and content");
}

/// What holds whenever a challenge was answered, or was not.
pub(super) fn check_standing(
    setup: &Setup,
    client: &dyn Mechanism,
    said: &[Vec<u8>],
    heard: &[Vec<u8>],
    failed: Option<MechanismError>,
) {
    let transcript = Transcript { setup, password: setup.password(), client: said, server: heard };
    let satisfied = client.is_satisfied();
    assert!(!satisfied || failed.is_none(), "{failed:?}, and content");
    let password = setup.password().as_bytes();
    match setup.kind {
        Kind::Login => {
            assert_eq!(satisfied, heard.len() == 2);
            assert!([USER.as_bytes(), password].iter().zip(said).all(|(due, said)| due == said));
            assert!(said.len() <= 2, "I13: it says more than it has to say");
        }
        Kind::CramMd5 => {
            assert_eq!(satisfied, heard.len() == 1);
            let digest = heard.first().map(|challenge| cram_digest(password, challenge));
            let due = digest.map(|digest| format!("{USER} {digest}").into_bytes());
            assert_eq!(said, due.as_slice());
        }
        Kind::Scram(_) => {
            assert_eq!(
                satisfied,
                heard.len() == 2 && transcript.proves_the_server() && failed.is_none()
            );
            assert!(said.len() <= 3, "it says more than it has to say");
            if let Some(last) = said.get(1) {
                assert!(transcript.may_be_answered(), "C14.4: it answers what it may not");
                let scram = transcript.last().expect("a proof");
                let proof = crate::Base64::encode(&scram.proof);
                assert!(last.ends_with(&[b",p=", proof.expose()].concat()), "RFC 5802 §3");
            }
            if let Some(response) = said.get(2) {
                assert!(satisfied || heard.len() > 2, "C14.3: it answers who proved nothing");
                assert!(response.is_empty());
            }
        }
        _ => {
            assert_eq!(satisfied, heard.is_empty());
            let most = if matches!(setup.kind, Kind::XOAuth2 | Kind::OAuthBearer) { 2 } else { 1 };
            assert!(said.len() <= most, "it says more than it has to say");
        }
    }
    if let Some(failure) = client.failure() {
        assert_shown_printable(failure);
        let token = memchr::memmem::find(failure.octets(), TOKEN.as_bytes());
        assert!(setup.wrong || token.is_none(), "I10: the reasons tell the token");
    }
    let shown = format!("{client:?}");
    assert_printable(&shown);
    let told = |secret: &str| {
        heard.iter().any(|heard| memchr::memmem::find(heard, secret.as_bytes()).is_some())
    };
    for secret in [PASSWORD, "hunter3", TOKEN] {
        assert!(!shown.contains(secret) || told(secret), "I10: {shown}");
    }
}
