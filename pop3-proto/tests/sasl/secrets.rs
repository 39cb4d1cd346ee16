//! What no step shows, and what no peer can do.

use std::fmt::Debug;

use pop3_proto::sasl::*;
use pop3_proto::{Base64, MechanismName};
use proptest::prelude::*;

use crate::sasl_support::*;

/// What must not be seen, in all the forms in which it could be.
struct Canaries(Vec<String>);

impl Canaries {
    fn new(secrets: &[&[u8]]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            forms.push(String::from_utf8_lossy(secret).into_owned());
            let base64 = Base64::encode(secret);
            forms.push(String::from_utf8(base64.expose().to_vec()).unwrap());
            forms.push(hexadecimal(secret));
            let list = format!("{secret:?}");
            forms.push(list[1..list.len() - 1].to_owned());
        }
        Self(forms)
    }

    fn look(&self, shown: &dyn Debug) {
        for shown in [format!("{shown:?}"), format!("{shown:#?}").replace([' ', '\n'], "")] {
            for canary in &self.0 {
                assert!(!shown.contains(canary.as_str()), "{canary} in {shown}");
                assert!(!shown.contains(&canary.replace(", ", ",")), "{canary} in {shown}");
            }
        }
    }
}

fn pairs() -> Vec<(Box<dyn Mechanism>, Box<dyn Acceptor>)> {
    let binding = ChannelBinding::tls_exporter(b"EXPORTED EXPORTED EXPORTED EXPOR");
    let scram = |hash, binding| {
        Box::new(Scram::new(hash, None, USER, secret(PASSWORD), "CLIENT", binding).unwrap())
    };
    let acceptor =
        |hash, offer| Box::new(ScramAcceptor::new(hash, "SERVER", decoy(), offer).unwrap());
    vec![
        (
            Box::new(Plain::new(None, USER, secret(PASSWORD)).unwrap()),
            Box::new(PlainAcceptor::new()),
        ),
        (Box::new(Login::new(USER, secret(PASSWORD)).unwrap()), Box::new(LoginAcceptor::new())),
        (
            Box::new(CramMd5::new(USER, secret(PASSWORD)).unwrap()),
            Box::new(CramMd5Acceptor::new(timestamp())),
        ),
        (
            scram(ScramHash::Sha1, Binding::Unsupported),
            acceptor(ScramHash::Sha1, ScramOffer::WithoutPlus),
        ),
        (
            scram(ScramHash::Sha256, Binding::Bound(binding.clone())),
            acceptor(ScramHash::Sha256, ScramOffer::Plus(vec![binding])),
        ),
        (
            Box::new(XOAuth2::new(USER, secret(TOKEN)).unwrap()),
            Box::new(XOAuth2Acceptor::new(failure())),
        ),
        (
            Box::new(OAuthBearer::new(None, secret(TOKEN)).unwrap()),
            Box::new(OAuthBearerAcceptor::new(failure())),
        ),
    ]
}

/// I10: neither side, no message, no question and no answer shows a secret, at any step.
#[test]
fn nothing_secret_is_shown_at_any_step() {
    for (mut client, mut server) in pairs() {
        let mut known: Vec<Vec<u8>> = vec![
            PASSWORD.into(),
            TOKEN.into(),
            b"EXPORTED EXPORTED EXPORTED EXPOR".to_vec(),
            b"the server's own key".to_vec(),
        ];
        for hash in [ScramHash::Sha1, ScramHash::Sha256] {
            let keys = ScramKeys::derive(hash, &secret(PASSWORD), SALT, iterations()).unwrap();
            Canaries::new(&[keys.stored_key().expose(), keys.server_key().expose()]).look(&keys);
            known.push(keys.stored_key().expose().to_vec());
            known.push(keys.server_key().expose().to_vec());
        }
        let canaries = Canaries::new(&known.iter().map(Vec::as_slice).collect::<Vec<_>>());
        canaries.look(&client);
        canaries.look(&server);
        let mut message = client.initial_response().unwrap();
        let mut step = match &message {
            Some(message) => server.step(Input::Initial(message.expose())),
            None => server.step(Input::Start),
        };
        loop {
            canaries.look(&client);
            canaries.look(&server);
            canaries.look(&step);
            canaries.look(&message);
            step = match &step {
                Step::Ask(question) => {
                    let answer = answer(question);
                    canaries.look(&answer);
                    server.step(Input::Answer(answer))
                }
                Step::Challenge(challenge) => {
                    // What comes out of a challenge is the proof, which a guess can be tried at.
                    let response = client.respond(challenge.expose()).unwrap();
                    let step = server.step(Input::Response(response.expose()));
                    message = Some(response);
                    step
                }
                Step::Done(_) => break,
                Step::Refused(refusal) => panic!("{refusal}"),
            };
        }
        canaries.look(&server);
    }
}

/// I14: what a policy has to know of each.
#[test]
fn who_exposes_a_secret() {
    for (client, _) in pairs() {
        let exposes = matches!(
            client.name(),
            MechanismName::PLAIN
                | MechanismName::LOGIN
                | MechanismName::XOAUTH2
                | MechanismName::OAUTHBEARER
        );
        assert_eq!(client.exposes_secret(), exposes, "{}", client.name());
    }
    assert!(!External::new(None).unwrap().exposes_secret());
    assert!(!Anonymous::new("").unwrap().exposes_secret());
}

/// The reasons of a server are cut, not believed, and shown with their controls escaped.
#[test]
fn a_long_failure_is_cut() {
    let mut client = OAuthBearer::new(None, secret(TOKEN)).unwrap();
    client.initial_response().unwrap();
    client.respond(&vec![0x1b; 100_000]).unwrap();
    let failure = client.failure().expect("the reasons");
    assert_eq!(failure.octets().len(), pop3_proto::Text::MAX_OCTETS);
    assert!(!failure.to_string().contains('\x1b'));
}

/// Everything can cross threads; errors are errors.
#[test]
fn what_every_type_promises() {
    fn owned<T: Debug + Send + Sync + 'static>() {}
    fn value<T: Clone + Debug + PartialEq + Send + Sync + 'static>() {}
    fn error<T: Clone + std::error::Error + Eq + Send + Sync + 'static>() {}
    owned::<Box<dyn Mechanism>>();
    owned::<Box<dyn Acceptor>>();
    owned::<ScramDecoy>();
    owned::<Step>();
    owned::<Input<'static>>();
    value::<Question>();
    value::<Answer>();
    value::<Identity>();
    value::<Refusal>();
    value::<TokenFailure>();
    value::<ScramKeys>();
    value::<ScramHash>();
    value::<ScramOffer>();
    value::<Binding>();
    value::<ChannelBinding>();
    error::<MechanismError>();
    for (error, shown) in [
        (MechanismError::ServerSignature, "the server did not prove who it is"),
        (
            MechanismError::Iterations { count: 1, minimum: 2, maximum: 3 },
            "1 iterations asked for, 2 to 3 are allowed",
        ),
        (
            MechanismError::ServerError(ServerError::ChannelBindingsDontMatch),
            "the server refuses: channel-bindings-dont-match",
        ),
    ] {
        assert_eq!(error.to_string(), shown);
    }
    for refusal in [Refusal::Malformed, Refusal::Unavailable, Refusal::ChannelBinding] {
        assert!(!refusal.is_failed_login());
    }
    assert!(Refusal::Credentials.is_failed_login());
}

/// Octets that look like something, in parts and out of order.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::sample::select(vec![
        "r=CLIENTSERVER",
        "r=",
        "s=AAAA",
        "s=",
        "i=4096",
        "i=",
        "v=",
        "v=AAAA",
        "e=",
        "m=x",
        "c=biws",
        "p=",
        "p=AAAA",
        "n=tim",
        "n,,",
        "y,,",
        "p=tls-exporter,,",
        "a=",
        "=2C",
        "=3D",
        "=",
        ",",
        "user=",
        "\x01",
        "auth=Bearer ",
        "auth=",
        "\0",
        " ",
        "host=",
        "tim",
        "\u{e9}",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(parts.clone(), 0..12).prop_map(|parts| parts.concat().into_bytes()),
        prop::collection::vec(parts, 0..6).prop_map(|parts| parts.join(",").into_bytes()),
    ]
}

proptest! {
    /// I5, I6, I9, I17: whatever a server says, no client panics, and no client of SCRAM believes it.
    #[test]
    fn no_server_can_break_or_convince_a_client(challenges in prop::collection::vec(hostile(), 1..5)) {
        for (mut client, _) in pairs() {
            let _ = client.initial_response();
            for challenge in &challenges {
                let _ = client.respond(challenge);
                if client.name().as_str().starts_with("SCRAM") {
                    prop_assert!(!client.is_satisfied());
                }
            }
        }
    }

    /// I12: nor does it after a first message that it had to take.
    #[test]
    fn no_server_forges_a_signature(challenges in prop::collection::vec(hostile(), 1..5)) {
        let binding = Binding::Unsupported;
        let mut client =
            Scram::new(ScramHash::Sha256, None, USER, secret(PASSWORD), "CLIENT", binding)
                .unwrap()
                .with_iterations(1..=1);
        client.initial_response().unwrap();
        prop_assert!(client.respond(b"r=CLIENTSERVER,s=AAAA,i=1").is_ok());
        for challenge in &challenges {
            prop_assert!(client.respond(challenge).is_err());
            prop_assert!(!client.is_satisfied());
        }
    }

    /// I17, I24: whatever a client says, no server panics, and none lets it in that was not told a
    /// secret; each comes to an end.
    #[test]
    fn no_client_can_break_or_convince_a_server(
        initial in prop::option::of(hostile()),
        responses in prop::collection::vec(hostile(), 4),
    ) {
        for (_, mut server) in pairs() {
            let mut step = match &initial {
                Some(initial) => server.step(Input::Initial(initial)),
                None => server.step(Input::Start),
            };
            let mut responses = responses.iter();
            while let Step::Ask(_) | Step::Challenge(_) = step {
                step = match &step {
                    Step::Ask(question) => server.step(Input::Answer(answer(question))),
                    _ => match responses.next() {
                        Some(response) => server.step(Input::Response(response)),
                        None => panic!("{server:?} never ends"),
                    },
                };
            }
            prop_assert!(matches!(step, Step::Refused(_)), "{step:?}");
        }
    }
}
