//! Messages that no honest peer sends.

mod scram;

use pop3_proto::InvalidValue;
use pop3_proto::sasl::*;

use crate::sasl_support::*;

const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

fn refused(server: &mut dyn Acceptor, message: impl AsRef<[u8]>) -> Refusal {
    let message = message.as_ref();
    match server.step(Input::Initial(message)) {
        Step::Refused(refusal) => refusal,
        step => panic!("{:?}: {step:?}", String::from_utf8_lossy(message)),
    }
}

/// I24, R4616-2.02, R4616-2.03: exactly two NUL, both fields there, UTF-8, no controls.
#[test]
fn plain() {
    let octets_255 = LONG.repeat(4)[..255].to_owned();
    let octets_256 = LONG.repeat(4);
    for malformed in [
        String::new(),
        "\0\0".into(),
        "a\0b".into(),
        "a\0b\0c\0d".into(),
        "\0u\0".into(),
        "\0\0p".into(),
        "u".into(),
        "\0u\0p\0".into(),
        "\0u\0p\nx".into(),
        "\0u\r\0p".into(),
        "a\x01\0u\0p".into(),
        "\0u\0\x7f".into(),
        format!("{octets_256}\0u\0p"),
        format!("\0{octets_256}\0p"),
        format!("\0u\0{octets_256}"),
    ] {
        assert_eq!(refused(&mut PlainAcceptor::new(), malformed), Refusal::Malformed);
    }
    for malformed in [&b"\0u\xff\0p"[..], b"\0u\0\xc3", b"\x80\0u\0p"] {
        assert_eq!(refused(&mut PlainAcceptor::new(), malformed), Refusal::Malformed);
    }
    // Well-formed names that no mailbox can have.
    for nobody in ["\0t m\0p", "\0t\u{ef}m\0p", "a b\0tim\0p"] {
        let step = PlainAcceptor::new().step(Input::Initial(nobody.as_bytes()));
        assert!(matches!(step, Step::Refused(Refusal::Credentials)), "{nobody:?}: {step:?}");
    }
    let message = format!("{octets_255}\0{octets_255}\0{octets_255}");
    let step = PlainAcceptor::new().step(Input::Initial(message.as_bytes()));
    assert!(matches!(step, Step::Ask(Question::Verify { .. })), "{step:?}");
    let step = PlainAcceptor::new().step(Input::Initial("\0u\0p\u{e4}ss w\u{f6}rd".as_bytes()));
    assert!(matches!(step, Step::Ask(Question::Verify { .. })), "{step:?}");
}

/// R5034-4.28, R4422-3.01: who may not speak first is not heard, not even with nothing to say.
#[test]
fn an_initial_response_where_the_server_speaks_first() {
    for message in ["", "tim", "dGlt"] {
        assert_eq!(refused(&mut LoginAcceptor::new(), message), Refusal::InitialResponse);
        let mut server = CramMd5Acceptor::new(timestamp());
        assert_eq!(refused(&mut server, message), Refusal::InitialResponse);
    }
}

#[test]
fn login() {
    for (name, password, refusal) in [
        ("", None, Refusal::Malformed),
        ("t\0m", None, Refusal::Malformed),
        ("t\nm", None, Refusal::Malformed),
        (&LONG.repeat(4), None, Refusal::Malformed),
        ("tim", Some(""), Refusal::Malformed),
        ("tim", Some("a\0b"), Refusal::Malformed),
        ("tim", Some("a\r\nb"), Refusal::Malformed),
        ("tim", Some(&LONG.repeat(4)), Refusal::Malformed),
        // Nobody has such a name, and the password is asked for all the same.
        ("t m", Some("p"), Refusal::Credentials),
    ] {
        let mut server = LoginAcceptor::new();
        assert!(matches!(server.step(Input::Start), Step::Challenge(_)));
        let mut step = server.step(Input::Response(name.as_bytes()));
        if let Some(password) = password {
            assert!(matches!(step, Step::Challenge(_)), "{step:?}");
            step = server.step(Input::Response(password.as_bytes()));
        }
        assert_eq!(step, Step::Refused(refusal), "{name:?}");
    }
    let mut server = LoginAcceptor::new();
    server.step(Input::Start);
    assert_eq!(server.step(Input::Response(b"\xff")), Step::Refused(Refusal::Malformed));
}

/// I19, I20: a digest is right or wrong, however often one tries; it is 32 lower-case digits.
#[test]
fn cram_md5() {
    let right = "b913a602c7eda7a495b4e6e7334d3890";
    for malformed in [
        String::new(),
        " ".into(),
        "tim".into(),
        "tim ".into(),
        format!(" {right}"),
        format!("tim {}", right.to_uppercase()),
        format!("tim {right}0"),
        format!("tim {}", &right[1..]),
        format!("tim {right} "),
        format!("t\0m {right}"),
        format!("{} {right}", LONG.repeat(4)),
        LONG.repeat(1000),
    ] {
        let mut server = CramMd5Acceptor::new(timestamp());
        server.step(Input::Start);
        let step = server.step(Input::Response(malformed.as_bytes()));
        assert_eq!(step, Step::Refused(Refusal::Malformed), "{malformed:?}");
    }
    // I26: each octet of the digest counts.
    for at in 0..right.len() {
        let mut wrong = right.as_bytes().to_vec();
        wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
        let mut server = CramMd5Acceptor::new(timestamp());
        server.step(Input::Start);
        server.step(Input::Response(&[b"tim ", &wrong[..]].concat()));
        let step = server.step(Input::Answer(Answer::Secret(secret(PASSWORD))));
        assert_eq!(step, Step::Refused(Refusal::Credentials));
        let step = server.step(Input::Response(format!("tim {right}").as_bytes()));
        assert_eq!(step, Step::Refused(Refusal::Malformed), "the exchange was over");
    }
}

/// Nobody logs in with the secret of somebody who has none, nor with the one that is made up.
#[test]
fn cram_md5_without_a_secret() {
    for guess in ["unknown", "x"] {
        let mut client = CramMd5::new("tim", secret(guess)).unwrap();
        client.initial_response().unwrap();
        let response = client.respond(CHALLENGE.as_bytes()).unwrap();
        let mut server = CramMd5Acceptor::new(timestamp());
        server.step(Input::Start);
        server.step(Input::Response(response.expose()));
        let step = server.step(Input::Answer(Answer::Refused));
        assert_eq!(step, Step::Refused(Refusal::Credentials));
    }
    // HMAC-MD5 with the empty key, which no client of this library would send.
    let mut server = CramMd5Acceptor::new(timestamp());
    server.step(Input::Start);
    server.step(Input::Response(format!("tim {EMPTY_KEY}").as_bytes()));
    let step = server.step(Input::Answer(Answer::Secret(secret(""))));
    assert_eq!(step, Step::Refused(Refusal::Credentials));
}

/// HMAC-MD5 of `CHALLENGE` with no key.
const EMPTY_KEY: &str = "a00b54b824afa19ec2de0f73cb2a04c2";

fn oauthbearer(message: &str) -> Step {
    OAuthBearerAcceptor::new(failure()).step(Input::Initial(message.as_bytes()))
}

/// R7628-3.1.01, R7628-3.1.02, R7628-3.2.01.
#[test]
fn oauthbearer_messages() {
    for malformed in [
        "",
        "\x01",
        "\x01\x01",
        "n,,\x01\x01",
        "n,,\x01auth=Bearer t\x01",
        "n,,auth=Bearer t\x01\x01",
        "n,\x01auth=Bearer t\x01\x01",
        "x,,\x01auth=Bearer t\x01\x01",
        "p=tls-exporter,,\x01auth=Bearer t\x01\x01",
        "n,a=,\x01auth=Bearer t\x01\x01",
        "n,a=a=2D,\x01auth=Bearer t\x01\x01",
        "n,a=a,b,\x01auth=Bearer t\x01\x01",
        "n,b=tim,\x01auth=Bearer t\x01\x01",
        "n,,\x01auth=Basic dGlt\x01\x01",
        "n,,\x01auth=Bearer\x01\x01",
        "n,,\x01auth=Bearer a b\x01\x01",
        "n,,\x01auth=Bearer t\x01auth=Bearer u\x01\x01",
        "n,,\x01host=a\x01host=b\x01auth=Bearer t\x01\x01",
        "n,,\x01auth\x01\x01",
        "n,,\x01=x\x01auth=Bearer t\x01\x01",
        "n,,\x01k1=x\x01auth=Bearer t\x01\x01",
        "n,,\x01k=\0\x01auth=Bearer t\x01\x01",
        "n,,\x01auth=Bearer t\x01\x01\x01",
        "n,,\x01host=x\x01port=1\x01\x01",
    ] {
        assert_eq!(oauthbearer(malformed), Step::Refused(Refusal::Malformed), "{malformed:?}");
    }
    for fine in [
        "n,,\x01auth=Bearer t\x01\x01",
        "y,,\x01auth=BEARER t\x01\x01",
        "n,a=tim,\x01unknown=x y\x01auth=Bearer t\x01another=\x01\x01",
    ] {
        let step = oauthbearer(fine);
        assert!(matches!(step, Step::Ask(Question::Token { .. })), "{fine:?}: {step:?}");
    }
    // RFC 7628 §4.3: no token, or one for a name that no mailbox can have.
    for told in
        ["n,,\x01auth=\x01\x01", "n,,\x01auth=Bearer \x01\x01", "n,a=a b,\x01auth=Bearer t\x01\x01"]
    {
        assert!(matches!(oauthbearer(told), Step::Challenge(_)), "{told:?}");
    }
}

/// RXOAUTH2-0.01.
#[test]
fn xoauth2_messages() {
    for malformed in [
        "",
        "\x01\x01",
        "user=\x01auth=Bearer t\x01\x01",
        "user=tim\x01auth=Bearer t\x01",
        "user=tim\x01auth=Basic t\x01\x01",
        "user=tim\x01auth=Bearer a b\x01\x01",
        "user=tim\x01auth=Bearer a\x01b\x01\x01",
        "user=t\x01m\x01auth=Bearer t\x01\x01",
        "auth=Bearer t\x01user=tim\x01\x01",
        "n,,\x01auth=Bearer t\x01\x01",
    ] {
        let mut server = XOAuth2Acceptor::new(failure());
        assert_eq!(refused(&mut server, malformed), Refusal::Malformed, "{malformed:?}");
    }
}

/// R4505-2.01, I23.
#[test]
fn anonymous_and_external() {
    for malformed in [&b"a\0b"[..], b"\xff", b"a\nb", &[b'x'; 256]] {
        assert_eq!(refused(&mut AnonymousAcceptor::new(), malformed), Refusal::Malformed);
        assert_eq!(refused(&mut ExternalAcceptor::new(), malformed), Refusal::Malformed);
    }
    let longest = "\u{e9}".repeat(255);
    let step = AnonymousAcceptor::new().step(Input::Initial(longest.as_bytes()));
    assert!(matches!(step, Step::Ask(Question::Anonymous { .. })), "{step:?}");
    assert!(Anonymous::new(&longest).is_ok());
    assert!(Anonymous::new(&"\u{e9}".repeat(256)).is_err());
    assert!(Anonymous::new("a\0b").is_err());
}

fn scram_acceptor(offer: ScramOffer) -> ScramAcceptor {
    ScramAcceptor::new(ScramHash::Sha256, "SERVER", decoy(), offer).unwrap()
}

fn scram_client() -> Scram {
    let binding = Binding::Unsupported;
    Scram::new(ScramHash::Sha256, None, USER, secret(PASSWORD), "CLIENT", binding).unwrap()
}

fn clients() -> Vec<Box<dyn Mechanism>> {
    vec![
        Box::new(Plain::new(None, USER, secret(PASSWORD)).unwrap()),
        Box::new(Login::new(USER, secret(PASSWORD)).unwrap()),
        Box::new(CramMd5::new(USER, secret(PASSWORD)).unwrap()),
        Box::new(scram_client()),
        Box::new(XOAuth2::new(USER, secret(TOKEN)).unwrap()),
        Box::new(OAuthBearer::new(None, secret(TOKEN)).unwrap()),
        Box::new(External::new(None).unwrap()),
        Box::new(Anonymous::new("").unwrap()),
    ]
}

/// I9, I12: a `+OK` is too early until everything was said, and a challenge too many spoils it.
#[test]
fn no_mechanism_is_satisfied_too_early_or_for_too_long() {
    for mut client in clients() {
        assert!(!client.is_satisfied(), "before anything: {client:?}");
        let first = client.initial_response().unwrap();
        let steps = match client.name().as_str() {
            "LOGIN" => 2,
            "CRAM-MD5" => 1,
            "SCRAM-SHA-256" => 0,
            _ => {
                assert!(first.is_some() && client.is_satisfied(), "{client:?}");
                0
            }
        };
        for _ in 0..steps {
            assert!(!client.is_satisfied(), "{client:?}");
            assert!(client.respond(b"").is_ok());
        }
        assert_eq!(client.is_satisfied(), client.name().as_str() != "SCRAM-SHA-256");
        let _ = client.respond(b"");
        assert!(!client.is_satisfied(), "a challenge too many: {client:?}");
        assert!(client.respond(b"").is_err());
    }
    for mut client in clients() {
        assert!(client.initial_response().is_ok());
        assert_eq!(client.initial_response(), Err(MechanismError::Used));
        assert!(!client.is_satisfied(), "{client:?}");
    }
    for mut client in clients() {
        assert_eq!(client.respond(b""), Err(MechanismError::UnexpectedChallenge));
        assert!(!client.is_satisfied(), "{client:?}");
    }
}

fn acceptors() -> Vec<Box<dyn Acceptor>> {
    vec![
        Box::new(PlainAcceptor::new()),
        Box::new(LoginAcceptor::new()),
        Box::new(CramMd5Acceptor::new(timestamp())),
        Box::new(scram_acceptor(ScramOffer::WithoutPlus)),
        Box::new(XOAuth2Acceptor::new(failure())),
        Box::new(OAuthBearerAcceptor::new(failure())),
        Box::new(ExternalAcceptor::new()),
        Box::new(AnonymousAcceptor::new()),
    ]
}

/// An answer to a question that was not asked lets nobody in, nor does the wrong kind of answer.
#[test]
fn acceptors_keep_their_turn() {
    let all = || {
        [
            Answer::Accepted,
            Answer::Identified(mailbox(USER)),
            Answer::Secret(secret(PASSWORD)),
            Answer::Unavailable,
        ]
    };
    for (at, name) in acceptors().iter().map(|server| server.name()).enumerate() {
        for unasked in all() {
            let mut server = acceptors().remove(at);
            let step = server.step(Input::Answer(unasked));
            assert_eq!(step, Step::Refused(Refusal::Unavailable), "{name}");
            assert!(matches!(server.step(Input::Start), Step::Refused(_)), "{name}");
        }
        let mut server = acceptors().remove(at);
        assert_eq!(server.step(Input::Response(b"")), Step::Refused(Refusal::Malformed));
        let mut server = acceptors().remove(at);
        server.step(Input::Start);
        assert_eq!(server.step(Input::Start), Step::Refused(Refusal::Malformed), "{name}");
        let mut server = acceptors().remove(at);
        server.step(Input::Start);
        let step = server.step(Input::Answer(Answer::Accepted));
        assert_eq!(step, Step::Refused(Refusal::Unavailable), "{name}");
    }
    for wrong in all() {
        if wrong == Answer::Accepted {
            continue;
        }
        let mut server = PlainAcceptor::new();
        server.step(Input::Initial(b"\0tim\0tanstaaftanstaaf"));
        let step = server.step(Input::Answer(wrong.clone()));
        assert_eq!(step, Step::Refused(Refusal::Unavailable), "{wrong:?}");
        let mut server = PlainAcceptor::new();
        server.step(Input::Initial(b"shared\0tim\0tanstaaftanstaaf"));
        server.step(Input::Answer(Answer::Accepted));
        let step = server.step(Input::Answer(wrong.clone()));
        assert_eq!(step, Step::Refused(Refusal::Unavailable), "{wrong:?}");
    }
    let mut server = ExternalAcceptor::new();
    server.step(Input::Initial(b"tim"));
    let step = server.step(Input::Answer(Answer::Accepted));
    assert_eq!(step, Step::Refused(Refusal::Unavailable), "I23: a name is needed");
}

/// R4616-2.01, R4616-2.02, R4422-3.4.1.01, R5802-2.2.01, RLOGIN-1.01, I6: what cannot be said is refused before
/// anything is sent.
#[test]
fn constructors_refuse() {
    let empty = || Err(InvalidValue::Empty);
    let forbidden = |at| Err(InvalidValue::ForbiddenOctet { at });
    let long = LONG.repeat(4);
    for (name, password, expected) in [
        ("", "p", empty()),
        ("u", "", empty()),
        ("u\0", "p", forbidden(1)),
        ("u", "p\0", forbidden(1)),
        (&*long, "p", Err(InvalidValue::TooLong { octets: 256, limit: 255 })),
    ] {
        assert_eq!(Plain::new(None, name, secret(password)).map(drop), expected);
        if name.len() <= 255 {
            assert_eq!(Login::new(name, secret(password)).map(drop), expected);
        }
        assert_eq!(scram_for(name, password.as_bytes(), "n"), expected);
        if !password.contains('\0') {
            assert_eq!(CramMd5::new(name, secret(password)).map(drop), expected);
            assert_eq!(XOAuth2::new(name, secret(password)).map(drop), expected);
        }
    }
    assert_eq!(Plain::new(Some(""), "u", secret("p")).map(drop), empty());
    assert_eq!(Plain::new(Some("a\0b"), "u", secret("p")).map(drop), forbidden(1));
    assert_eq!(Plain::new(None, "u", secret(b"p\xff")).map(drop), forbidden(1));
    assert!(Plain::new(None, "u", secret(&long)).is_err());
    assert!(Login::new("u", secret(b"p\xff")).is_ok());
    // draft-murchison-sasl-login-00 §2: fewer than 64 characters.
    assert!(Login::new(&"\u{e4}".repeat(63), secret("p")).is_ok());
    let too_long = InvalidValue::TooLong { octets: 64, limit: 63 };
    assert_eq!(Login::new(LONG, secret("p")).map(drop), Err(too_long));
    assert!(Plain::new(None, "t\u{ef}m", secret("p\u{e4}ss")).is_ok());
    assert_eq!(scram_for("t\u{ef}m", b"p", "n"), forbidden(1));
    assert_eq!(scram_for("tim", b"p\xc3\xa4", "n"), forbidden(1));
    for nonce in ["", "a,b", "a b", "a\n", "\u{e9}"] {
        assert!(scram_for("tim", b"p", nonce).is_err(), "{nonce:?}");
        let offer = ScramOffer::WithoutPlus;
        assert!(ScramAcceptor::new(ScramHash::Sha1, nonce, decoy(), offer).is_err(), "{nonce:?}");
    }
    let prepared = |password: &[u8]| {
        let binding = Binding::Unsupported;
        Scram::prepared(ScramHash::Sha1, None, "t\u{ef}m", secret(password), "n", binding).is_ok()
    };
    assert!(prepared("p\u{e4}ss".as_bytes()) && !prepared(b"p\xff") && !prepared(b"a\nb"));
    for token in ["a b", "a\x01b", "\u{e9}"] {
        assert!(XOAuth2::new("u", secret(token)).is_err());
        assert!(OAuthBearer::new(None, secret(token)).is_err());
    }
    assert!(XOAuth2::new("u\x01auth=Bearer x", secret("t")).is_err());
    assert!(OAuthBearer::new(Some("u\x01"), secret("t")).is_err());
    assert!(External::new(Some("")).is_err() && External::new(Some("a\0")).is_err());
}

fn scram_for(name: &str, password: &[u8], nonce: &str) -> Result<(), InvalidValue> {
    let binding = Binding::Unsupported;
    Scram::new(ScramHash::Sha256, None, name, secret(password), nonce, binding).map(drop)
}
