//! What the tests of SASL share: a back end, and an exchange between the two sides.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::num::NonZeroU32;

use pop3_proto::sasl::*;
use pop3_proto::{ApopTimestamp, Base64, Mailbox, Secret};

pub(crate) const USER: &str = "tim";
pub(crate) const PASSWORD: &str = "tanstaaftanstaaf";
pub(crate) const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
pub(crate) const CHALLENGE: &str = "<1896.697170952@postoffice.reston.mci.net>";
pub(crate) const SALT: &[u8] = b"sixteen octets!!";

pub(crate) fn secret(octets: impl AsRef<[u8]>) -> Secret {
    Secret::new(octets.as_ref())
}

pub(crate) fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

pub(crate) fn timestamp() -> ApopTimestamp {
    ApopTimestamp::new(CHALLENGE).unwrap()
}

pub(crate) fn iterations() -> NonZeroU32 {
    NonZeroU32::new(4096).unwrap()
}

pub(crate) fn decoy() -> ScramDecoy {
    ScramDecoy::new(secret("the server's own key"), iterations(), SALT.len()).unwrap()
}

pub(crate) fn failure() -> TokenFailure {
    TokenFailure::new("invalid_token").unwrap().with_scope("example_scope").unwrap()
}

pub(crate) fn identity(authentication: &str, authorization: &str) -> Identity {
    Identity::new(mailbox(authentication), mailbox(authorization))
}

/// Base64 to octets.
pub(crate) fn octets(base64: &str) -> Vec<u8> {
    Base64::new(base64).and_then(|text| text.decode()).unwrap().expose().to_vec()
}

pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |digits, octet| digits + &format!("{octet:02x}"))
}

/// Knows `tim`, who may act for `shared`, and nobody else.
pub(crate) fn answer(question: &Question) -> Answer {
    let known = |mailbox: &Mailbox| mailbox.as_str() == USER;
    let yes_if = |yes: bool| if yes { Answer::Accepted } else { Answer::Refused };
    match question {
        Question::Verify { mailbox, password } => {
            yes_if(known(mailbox) && *password == secret(PASSWORD))
        }
        Question::Secret { mailbox } if known(mailbox) => Answer::Secret(secret(PASSWORD)),
        Question::ScramKeys { mailbox, hash } if known(mailbox) => Answer::ScramKeys(
            ScramKeys::derive(*hash, &secret(PASSWORD), SALT, iterations()).unwrap(),
        ),
        Question::Token { token, .. } if *token == secret(TOKEN) => {
            Answer::Identified(mailbox(USER))
        }
        Question::Anonymous { .. } => Answer::Identified(mailbox("anonymous")),
        Question::External { .. } => Answer::Identified(mailbox(USER)),
        Question::Authorize { authentication, authorization } => {
            yes_if(known(authentication) && authorization.as_str() == "shared")
        }
        _ => Answer::Refused,
    }
}

/// How an exchange ended, and all that was said in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) end: Result<Identity, Refusal>,
    /// Whether the client believes a `+OK` at the end.
    pub(crate) satisfied: bool,
    /// What the client said of the server.
    pub(crate) error: Option<MechanismError>,
    /// C or S, and the octets.
    pub(crate) lines: Vec<(char, Vec<u8>)>,
}

/// Runs an exchange; the first message goes with AUTH if `in_command`.
pub(crate) fn exchange(
    client: &mut dyn Mechanism,
    server: &mut dyn Acceptor,
    in_command: bool,
) -> Outcome {
    assert_eq!(client.name(), server.name());
    let mut lines = Vec::new();
    let mut error = None;
    let mut held_back = client.initial_response().unwrap();
    let mut step = match held_back.take() {
        Some(message) if in_command => {
            lines.push(('C', message.expose().to_vec()));
            server.step(Input::Initial(message.expose()))
        }
        message => {
            held_back = message;
            server.step(Input::Start)
        }
    };
    let end = loop {
        step = match step {
            Step::Ask(question) => server.step(Input::Answer(answer(&question))),
            Step::Done(identity) => break Ok(identity),
            Step::Refused(refusal) => break Err(refusal),
            Step::Challenge(challenge) => {
                lines.push(('S', challenge.expose().to_vec()));
                let response = match held_back.take() {
                    Some(message) => {
                        assert!(challenge.expose().is_empty(), "R5034-4.27");
                        Ok(message)
                    }
                    None => client.respond(challenge.expose()),
                };
                match response {
                    Ok(response) => {
                        lines.push(('C', response.expose().to_vec()));
                        server.step(Input::Response(response.expose()))
                    }
                    Err(found) => {
                        error = Some(found);
                        break Err(Refusal::Malformed);
                    }
                }
            }
        };
    };
    Outcome { end, satisfied: client.is_satisfied(), error, lines }
}
