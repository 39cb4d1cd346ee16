//! The examples of the documents, octet for octet, from both sides.

use std::num::NonZeroU32;

use pop3_proto::sasl::*;
use pop3_proto::{Base64, MechanismName, Secret};

use crate::sasl_support::{self, identity, mailbox, octets, secret, timestamp};

fn in_base64(message: &Secret) -> String {
    String::from_utf8(Base64::encode(message.expose()).expose().to_vec()).unwrap()
}

fn first(mechanism: &mut dyn Mechanism) -> String {
    in_base64(&mechanism.initial_response().unwrap().expect("the client speaks first"))
}

fn response(mechanism: &mut dyn Mechanism, challenge: &str) -> String {
    in_base64(&mechanism.respond(&octets(challenge)).unwrap())
}

fn asked(step: Step) -> Question {
    let Step::Ask(question) = step else { panic!("{step:?}") };
    question
}

fn challenged(step: Step) -> String {
    let Step::Challenge(challenge) = step else { panic!("{step:?}") };
    in_base64(&challenge)
}

fn done(step: Step) -> Identity {
    let Step::Done(identity) = step else { panic!("{step:?}") };
    identity
}

/// R5034-4.15, R4616-2.01: RFC 5034 §6; and without an authorization identity, which is left out then.
#[test]
fn plain() {
    let mut alone = Plain::new(None, "test", secret("test")).unwrap();
    assert_eq!(alone.initial_response(), Ok(Some(secret("\0test\0test"))));

    let line = "dGVzdAB0ZXN0AHRlc3Q=";
    let mut client = Plain::new(Some("test"), "test", secret("test")).unwrap();
    assert_eq!(first(&mut client), line);
    assert!(client.is_satisfied());

    let mut server = PlainAcceptor::new();
    let question = asked(server.step(Input::Initial(&octets(line))));
    let verify = Question::Verify { mailbox: mailbox("test"), password: secret("test") };
    assert_eq!(question, verify);
    assert_eq!(done(server.step(Input::Answer(Answer::Accepted))), identity("test", "test"));

    let mut server = PlainAcceptor::new();
    assert_eq!(challenged(server.step(Input::Start)), "");
    assert_eq!(asked(server.step(Input::Response(&octets(line)))), verify);
}

/// RLOGIN-2.1.01, RLOGIN-2.2.01: draft-murchison-sasl-login-00 §2.3, whose challenges end with NUL.
#[test]
fn login() {
    let mut client = Login::new("tim", secret("tanstaaftanstaaf")).unwrap();
    assert_eq!(client.initial_response(), Ok(None));
    assert_eq!(response(&mut client, "VXNlciBOYW1lAA=="), "dGlt");
    assert!(!client.is_satisfied());
    assert_eq!(response(&mut client, "UGFzc3dvcmQA"), "dGFuc3RhYWZ0YW5zdGFhZg==");
    assert!(client.is_satisfied());

    let mut server = LoginAcceptor::new();
    assert_eq!(octets(&challenged(server.step(Input::Start))), b"Username:");
    assert_eq!(octets(&challenged(server.step(Input::Response(b"tim")))), b"Password:");
    let password = octets("dGFuc3RhYWZ0YW5zdGFhZg==");
    assert_eq!(
        asked(server.step(Input::Response(&password))),
        Question::Verify { mailbox: mailbox("tim"), password: secret("tanstaaftanstaaf") }
    );
    assert_eq!(done(server.step(Input::Answer(Answer::Accepted))), identity("tim", "tim"));
}

/// R2195-2.01, R2195-2.02: RFC 2195 §2.
#[test]
fn cram_md5() {
    let challenge = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
    let line = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw";
    let mut client = CramMd5::new("tim", secret("tanstaaftanstaaf")).unwrap();
    assert_eq!(client.initial_response(), Ok(None));
    assert_eq!(response(&mut client, challenge), line);
    assert!(client.is_satisfied());

    let mut server = CramMd5Acceptor::new(timestamp());
    assert_eq!(challenged(server.step(Input::Start)), challenge);
    let question = asked(server.step(Input::Response(&octets(line))));
    assert_eq!(question, Question::Secret { mailbox: mailbox("tim") });
    let answer = Answer::Secret(secret("tanstaaftanstaaf"));
    assert_eq!(done(server.step(Input::Answer(answer))), identity("tim", "tim"));
}

struct ScramVector {
    hash: ScramHash,
    client_nonce: &'static str,
    server_nonce: &'static str,
    salt: &'static str,
    /// The four messages in base64.
    messages: [&'static str; 4],
    keys: [&'static str; 2],
}

/// RFC 5802 §5 and RFC 7677 §3, `user` and `pencil` both.
const SCRAM: [ScramVector; 2] = [
    ScramVector {
        hash: ScramHash::Sha1,
        client_nonce: "fyko+d2lbbFgONRv9qkxdawL",
        server_nonce: "3rfcNHYJY1ZVvWVs7j",
        salt: "QSXCR+Q6sek8bf92",
        messages: [
            "biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM",
            "cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==",
            "Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==",
            "dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9",
        ],
        keys: [
            "e9d94660c39d65c38fbad91c358f14da0eef2bd6",
            "0fe09258b3ac852ba502cc62ba903eaacdbf7d31",
        ],
    },
    ScramVector {
        hash: ScramHash::Sha256,
        client_nonce: "rOprNGfwEbeRWgbNEkqO",
        server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        messages: [
            "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=",
            "cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=",
            "Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscD1kSHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==",
            "dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==",
        ],
        keys: [
            "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6",
            "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5",
        ],
    },
];

/// R4422-3.01, R5802-4.01, R5802-5.01, R5802-5.1.01, R5034-4.23.
#[test]
fn scram() {
    for vector in SCRAM {
        let [client_first, server_first, client_final, server_final] = vector.messages;
        let password = secret("pencil");
        let binding = Binding::Unsupported;
        let mut client =
            Scram::new(vector.hash, None, "user", password, vector.client_nonce, binding).unwrap();
        assert_eq!(first(&mut client), client_first);
        assert_eq!(response(&mut client, server_first), client_final);
        assert!(!client.is_satisfied());
        assert_eq!(response(&mut client, server_final), "");
        assert!(client.is_satisfied());

        let iterations = NonZeroU32::new(4096).unwrap();
        let keys =
            ScramKeys::derive(vector.hash, &secret("pencil"), &octets(vector.salt), iterations)
                .unwrap();
        for (key, expected) in [keys.stored_key(), keys.server_key()].into_iter().zip(vector.keys) {
            assert_eq!(sasl_support::hexadecimal(key.expose()), expected);
        }
        let mut server = ScramAcceptor::new(
            vector.hash,
            vector.server_nonce,
            sasl_support::decoy(),
            ScramOffer::WithoutPlus,
        )
        .unwrap();
        let question = asked(server.step(Input::Initial(&octets(client_first))));
        assert_eq!(question, Question::ScramKeys { mailbox: mailbox("user"), hash: vector.hash });
        let step = server.step(Input::Answer(Answer::ScramKeys(keys)));
        assert_eq!(challenged(step), server_first);
        let step = server.step(Input::Response(&octets(client_final)));
        assert_eq!(challenged(step), server_final);
        assert_eq!(done(server.step(Input::Response(b""))), identity("user", "user"));
    }
}

/// Keys as they are stored are the keys that were derived.
#[test]
fn stored_keys_can_be_given_back() {
    let iterations = sasl_support::iterations();
    for hash in [ScramHash::Sha1, ScramHash::Sha256] {
        let keys = ScramKeys::derive(hash, &secret("pencil"), b"salt", iterations).unwrap();
        let (stored, server) = (keys.stored_key().expose(), keys.server_key().expose());
        let again = match hash {
            ScramHash::Sha1 => ScramKeys::sha_1(
                keys.salt(),
                keys.iterations(),
                stored.try_into().unwrap(),
                server.try_into().unwrap(),
            ),
            _ => ScramKeys::sha_256(
                keys.salt(),
                keys.iterations(),
                stored.try_into().unwrap(),
                server.try_into().unwrap(),
            ),
        };
        assert_eq!(again, Ok(keys));
    }
    assert!(ScramKeys::sha_1(b"", iterations, &[0; 20], &[0; 20]).is_err());
    assert!(ScramKeys::sha_1(&[0; 1025], iterations, &[0; 20], &[0; 20]).is_err());
}

/// R7628-3.1.01: RFC 7628 §4.1.
#[test]
fn oauthbearer() {
    let line = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
    let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
    let user = "user@example.com";
    let mut client = OAuthBearer::new(Some(user), secret(token))
        .and_then(|client| client.connected_to("server.example.com", 143))
        .unwrap();
    assert_eq!(first(&mut client), line);
    assert!(client.is_satisfied());

    let mut server = OAuthBearerAcceptor::new(sasl_support::failure());
    assert_eq!(
        asked(server.step(Input::Initial(&octets(line)))),
        Question::Token {
            mechanism: MechanismName::OAUTHBEARER,
            mailbox: Some(mailbox(user)),
            token: secret(token)
        }
    );
    let answer = Answer::Identified(mailbox(user));
    assert_eq!(done(server.step(Input::Answer(answer))), identity(user, user));
}

/// R7628-3.2.3.01, R7628-3.2.2.02, I10: RFC 7628 §4.3. The `+OK` that may follow counts for nothing.
#[test]
fn oauthbearer_that_fails() {
    let line =
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=";
    let reasons = "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=";
    let mut client = OAuthBearer::new(None, secret("stale")).unwrap();
    first(&mut client);
    assert_eq!(response(&mut client, reasons), "AQ==");
    assert_eq!(client.failure().map(|text| text.octets().to_vec()), Some(octets(reasons)));
    assert!(!client.is_satisfied());
    assert_eq!(client.respond(b"{}"), Err(MechanismError::UnexpectedChallenge));

    let failure = sasl_support::failure()
        .with_openid_configuration("https://example.com/.well-known/openid-configuration")
        .unwrap();
    let mut server = OAuthBearerAcceptor::new(failure);
    assert_eq!(challenged(server.step(Input::Initial(&octets(line)))), reasons);
    assert_eq!(server.step(Input::Response(b"\x01")), Step::Refused(Refusal::Credentials));
}

/// RXOAUTH2-0.01, RXOAUTH2-MS.01: the examples of Google and of Microsoft.
#[test]
fn xoauth2() {
    for (user, token, line) in [
        (
            "someuser@example.com",
            "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
        ),
        (
            "test@contoso.onmicrosoft.com",
            "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
            "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==",
        ),
    ] {
        let mut client = XOAuth2::new(user, secret(token)).unwrap();
        assert!(!client.initial_response_in_command());
        assert_eq!(first(&mut client), line);
        assert!(client.is_satisfied());

        let mut server = XOAuth2Acceptor::new(TokenFailure::new("401").unwrap());
        assert_eq!(challenged(server.step(Input::Start)), "");
        assert_eq!(
            asked(server.step(Input::Response(&octets(line)))),
            Question::Token {
                mechanism: MechanismName::XOAUTH2,
                mailbox: Some(mailbox(user)),
                token: secret(token)
            }
        );
        let answer = Answer::Identified(mailbox(user));
        assert_eq!(done(server.step(Input::Answer(answer))), identity(user, user));
    }
}

/// RXOAUTH2-0.01, I10: Google's failure, answered by the empty response.
#[test]
fn xoauth2_that_fails() {
    let reasons = "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K";
    let mut client = XOAuth2::new("someuser@example.com", secret("stale")).unwrap();
    first(&mut client);
    assert_eq!(response(&mut client, reasons), "");
    assert_eq!(client.failure().map(|text| text.octets().to_vec()), Some(octets(reasons)));
    assert!(!client.is_satisfied());

    let failure = TokenFailure::new("401").unwrap().with_scope("https://mail.google.com/").unwrap();
    let mut server = XOAuth2Acceptor::new(failure);
    asked(server.step(Input::Initial(b"user=tim\x01auth=Bearer stale\x01\x01")));
    assert_eq!(
        octets(&challenged(server.step(Input::Answer(Answer::Refused)))),
        br#"{"status":"401","schemes":"Bearer","scope":"https://mail.google.com/"}"#
    );
    assert_eq!(server.step(Input::Response(b"")), Step::Refused(Refusal::Credentials));
}

/// R4505-2.01: RFC 4505 §4.
#[test]
fn anonymous() {
    let mut client = Anonymous::new("sirhc").unwrap();
    assert_eq!(first(&mut client), "c2lyaGM=");
    assert!(client.is_satisfied());
    let mut server = AnonymousAcceptor::new();
    let question = asked(server.step(Input::Initial(b"sirhc")));
    let Question::Anonymous { trace } = question else { panic!("{question:?}") };
    assert_eq!(trace.octets(), b"sirhc");
}
