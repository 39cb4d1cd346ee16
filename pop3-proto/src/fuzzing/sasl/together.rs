//! A client and an acceptor, and somebody between them.

use alloc::vec::Vec;

use super::client::check_standing;
use super::model::Transcript;
use super::parties::{
    BackEnd, Bound, ITERATIONS, Kind, Offer, PASSWORD, Said, Setup, USER, identity,
};
use super::script::Alteration;
use super::server::{check_end, check_over};
use crate::sasl::{Identity, Input, Refusal};

/// What one side said, and what the other heard.
#[derive(Default)]
struct Direction {
    said: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
}

struct Between<'a> {
    alteration: Option<&'a Alteration>,
    messages: usize,
    altered: Option<usize>,
}

impl Between<'_> {
    fn pass(&mut self, direction: &mut Direction, message: &[u8]) -> Vec<u8> {
        let here = self.alteration.filter(|alteration| alteration.message == self.messages);
        let before = direction.said.last().map(Vec::as_slice);
        let heard = here.map_or_else(|| message.to_vec(), |here| here.alter(message, before));
        if heard != message {
            self.altered = Some(self.messages);
        }
        self.messages += 1;
        assert!(self.messages <= 8, "I2: an exchange without end");
        direction.said.push(message.to_vec());
        direction.heard.push(heard.clone());
        heard
    }
}

/// T20.
pub(super) fn check(setup: &Setup, starts: bool, alteration: Option<&Alteration>) {
    let mut client = setup.client();
    let mut acceptor = setup.acceptor();
    if client.name() != acceptor.name() {
        return;
    }
    let mut back_end = BackEnd::new(setup);
    let mut between = Between { alteration, messages: 0, altered: None };
    let (mut up, mut down) = (Direction::default(), Direction::default());
    let mut first = client.initial_response().expect("the first time");
    let starts = starts || first.is_none();
    let mut failed = None;
    let mut said = match first.take_if(|_| !starts) {
        Some(message) => {
            let heard = between.pass(&mut up, message.expose());
            back_end.say(&mut *acceptor, Input::Initial(&heard))
        }
        None => back_end.say(&mut *acceptor, Input::Start),
    };
    let end = loop {
        let challenge = match said {
            Said::End(end) => break Some(end),
            Said::Challenge(challenge) => challenge,
        };
        let response = if let Some(message) = first.take() {
            // Whether the challenge that asks for it is empty is the session's business.
            Ok(message)
        } else {
            let heard = between.pass(&mut down, challenge.expose());
            let response = client.respond(&heard);
            let error = response.as_ref().err().copied();
            let mut client_said = up.said.clone();
            client_said.extend(response.iter().map(|response| response.expose().to_vec()));
            check_standing(setup, &*client, &client_said, &down.heard, error);
            response
        };
        said = match response {
            Ok(response) => {
                let heard = between.pass(&mut up, response.expose());
                back_end.say(&mut *acceptor, Input::Response(&heard))
            }
            Err(error) => {
                failed = Some(error);
                break None;
            }
        };
    };
    if end.is_some() {
        check_over(&mut *acceptor);
    }

    let transcript =
        Transcript { setup, password: PASSWORD, client: &up.heard, server: &down.said };
    let expected = transcript.lets_in(starts).filter(|_| !back_end.failed);
    check_end(setup, end.as_ref(), expected.as_ref());

    let content = matches!(end, Some(Ok(_))) && client.is_satisfied();
    match between.altered {
        None if back_end.failed => assert!(!content),
        None => check_honest(setup, end.as_ref(), client.is_satisfied(), failed.is_some()),
        Some(message) if matches!(setup.kind, Kind::Scram(_)) => {
            // RFC 5802 §7: nothing protects extensions behind the server's signature, and nobody heeds them.
            let extended =
                message == 3 && down.heard[1].starts_with(&[&down.said[1], &b","[..]].concat());
            assert!(!content || extended, "altered, and both are content");
            if let Some(Ok(found)) = &end {
                assert_eq!(*found, identity(setup.authorization.unwrap_or(USER)));
            }
        }
        Some(_) => {}
    }
}

/// Whoever knows the password gets in, unless one of them cannot have it so.
fn check_honest(
    setup: &Setup,
    end: Option<&Result<Identity, Refusal>>,
    satisfied: bool,
    failed: bool,
) {
    let scram = matches!(setup.kind, Kind::Scram(_));
    let named = match setup.kind {
        Kind::Login | Kind::CramMd5 | Kind::Anonymous => None,
        _ => setup.authorization,
    };
    let believes = match (setup.bound, setup.offer) {
        (Bound::NotOffered, offer) => offer == Offer::WithoutPlus,
        (Bound::EndPoint, offer) => offer == Offer::Both,
        _ => true,
    };
    let asked_too_much = scram && !ITERATIONS.contains(&setup.iterations.get()) && believes;
    let secret = !matches!(setup.kind, Kind::External | Kind::Anonymous);
    let right = !(secret && setup.wrong) && named != Some("mallory") && (!scram || believes);
    assert_eq!(failed, asked_too_much, "of its own accord");
    let expected = match setup.kind {
        Kind::Anonymous => "anonymous",
        _ => named.unwrap_or(USER),
    };
    match end {
        Some(Ok(identity)) => {
            assert!(right && satisfied && !asked_too_much);
            assert_eq!(identity.authorization.as_str(), expected);
        }
        Some(Err(_)) => assert!(!right && (!scram || !satisfied || named == Some("mallory"))),
        None => assert!(failed),
    }
}
