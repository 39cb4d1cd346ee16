//! Each mechanism against its own other side.

use pop3_proto::sasl::*;

use crate::sasl_support::*;

const HASHES: [ScramHash; 2] = [ScramHash::Sha1, ScramHash::Sha256];

type Pair = (Box<dyn Mechanism>, Box<dyn Acceptor>);

fn bindings() -> [ChannelBinding; 2] {
    [
        ChannelBinding::tls_exporter(&[0xe7; 32]),
        ChannelBinding::tls_server_end_point(&[0x5e; 48]).unwrap(),
    ]
}

fn scram(hash: ScramHash, user: &str, password: &str, as_whom: Option<&str>, b: Binding) -> Scram {
    Scram::new(hash, as_whom, user, secret(password), "fyko+d2lbbFgONRv", b).unwrap()
}

fn acceptor(hash: ScramHash, offer: ScramOffer) -> ScramAcceptor {
    ScramAcceptor::new(hash, "3rfcNHYJY1ZVvWVs7j", decoy(), offer).unwrap()
}

/// All mechanisms with passwords and a name.
fn with_password(user: &str, password: &str) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = vec![
        (
            Box::new(Plain::new(None, user, secret(password)).unwrap()),
            Box::new(PlainAcceptor::new()),
        ),
        (Box::new(Login::new(user, secret(password)).unwrap()), Box::new(LoginAcceptor::new())),
        (
            Box::new(CramMd5::new(user, secret(password)).unwrap()),
            Box::new(CramMd5Acceptor::new(timestamp())),
        ),
    ];
    for hash in HASHES {
        for (binding, offer) in [
            (Binding::Unsupported, ScramOffer::WithoutPlus),
            (Binding::Unsupported, ScramOffer::BesidePlus),
            (Binding::NotOffered, ScramOffer::WithoutPlus),
        ] {
            let client = scram(hash, user, password, None, binding);
            pairs.push((Box::new(client), Box::new(acceptor(hash, offer))));
        }
        for binding in bindings() {
            let client = scram(hash, user, password, None, Binding::Bound(binding));
            let offer = ScramOffer::Plus(bindings().to_vec());
            pairs.push((Box::new(client), Box::new(acceptor(hash, offer))));
        }
    }
    pairs
}

/// All mechanisms that can name another maildrop, wanting this one.
fn wanting(as_whom: Option<&str>) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = vec![
        (
            Box::new(Plain::new(as_whom, USER, secret(PASSWORD)).unwrap()),
            Box::new(PlainAcceptor::new()),
        ),
        (Box::new(External::new(as_whom).unwrap()), Box::new(ExternalAcceptor::new())),
        (
            Box::new(OAuthBearer::new(as_whom, secret(TOKEN)).unwrap()),
            Box::new(OAuthBearerAcceptor::new(failure())),
        ),
        (
            Box::new(XOAuth2::new(as_whom.unwrap_or(USER), secret(TOKEN)).unwrap()),
            Box::new(XOAuth2Acceptor::new(failure())),
        ),
    ];
    for hash in HASHES {
        let client = scram(hash, USER, PASSWORD, as_whom, Binding::Unsupported);
        pairs.push((Box::new(client), Box::new(acceptor(hash, ScramOffer::WithoutPlus))));
        let [binding, _] = bindings();
        let client = scram(hash, USER, PASSWORD, as_whom, Binding::Bound(binding));
        let offer = ScramOffer::Plus(bindings().to_vec());
        pairs.push((Box::new(client), Box::new(acceptor(hash, offer))));
    }
    pairs
}

/// R5034-4.30, R5034-4.27: the first message in the command or behind an empty challenge.
#[test]
fn the_right_password_logs_in() {
    for in_command in [true, false] {
        for (mut client, mut server) in with_password(USER, PASSWORD) {
            let outcome = exchange(&mut *client, &mut *server, in_command);
            assert_eq!(outcome.end, Ok(identity(USER, USER)), "{client:?}");
            assert!(outcome.satisfied, "{client:?}");
        }
    }
}

/// R4422-3.6.01, I25: wrong password and unknown user take the same steps to the same end.
#[test]
fn nobody_learns_who_exists() {
    let wrong = with_password(USER, "a wrong password");
    let unknown = with_password("tom", PASSWORD);
    for ((mut a, mut b), (mut c, mut d)) in wrong.into_iter().zip(unknown) {
        let wrong = exchange(&mut *a, &mut *b, true);
        let unknown = exchange(&mut *c, &mut *d, true);
        for outcome in [&wrong, &unknown] {
            assert_eq!(outcome.end, Err(Refusal::Credentials), "{a:?}");
        }
        let shape = |outcome: &Outcome| {
            let lines = outcome.lines.iter().map(|(who, octets)| (*who, octets.len()));
            lines.collect::<Vec<_>>()
        };
        // A name of as many letters, a password of as many octets: nothing but the salt differs.
        if !a.exposes_secret() {
            assert_eq!(shape(&wrong), shape(&unknown), "{a:?}");
            assert_eq!(wrong.satisfied, unknown.satisfied);
        }
        assert_eq!(wrong.lines.len(), unknown.lines.len());
    }
}

/// An unknown user's salt stays the same, is another's for another name, key or hash, and hides
/// nothing behind its length.
#[test]
fn a_decoy_is_stable() {
    let first_words = |key: &str, user: &str, hash| {
        let decoy = ScramDecoy::new(secret(key), iterations(), 16).unwrap();
        let mut server = ScramAcceptor::new(hash, "nonce", decoy, ScramOffer::WithoutPlus).unwrap();
        server.step(Input::Initial(format!("n,,n={user},r=x").as_bytes()));
        let step = server.step(Input::Answer(Answer::Refused));
        let Step::Challenge(challenge) = step else { panic!("{step:?}") };
        challenge.expose().to_vec()
    };
    let known = first_words("key", "tom", ScramHash::Sha256);
    assert_eq!(known, first_words("key", "tom", ScramHash::Sha256));
    assert_ne!(known, first_words("key", "tim", ScramHash::Sha256));
    assert_ne!(known, first_words("yek", "tom", ScramHash::Sha256));
    assert_ne!(known, first_words("key", "tom", ScramHash::Sha1));
    assert!(known.starts_with(b"r=xnonce,s=") && known.ends_with(b",i=4096"));
    assert_eq!(known.len(), b"r=xnonce,s=,i=4096".len() + 24);
    assert!(ScramDecoy::new(secret(""), iterations(), 16).is_err());
    assert!(ScramDecoy::new(secret("key"), iterations(), 0).is_err());
    assert!(ScramDecoy::new(secret("key"), iterations(), 33).is_err());
}

/// R4616-2.04, R4422-3.4.1.01: who it is and whose maildrop it is are two things, and the second is
/// allowed by the back end or by nobody.
#[test]
fn another_identity_has_to_be_allowed() {
    for (as_whom, expected) in [
        (None, Ok(identity(USER, USER))),
        (Some(USER), Ok(identity(USER, USER))),
        (Some("shared"), Ok(identity(USER, "shared"))),
        (Some("root"), Err(Refusal::Credentials)),
        (Some("no mailbox"), Err(Refusal::Credentials)),
        (Some("a,b=c"), Err(Refusal::Credentials)),
    ] {
        for (mut client, mut server) in wanting(as_whom) {
            let outcome = exchange(&mut *client, &mut *server, true);
            assert_eq!(outcome.end, expected, "{client:?}");
        }
    }
}

/// R7628-3.2.2.02, RXOAUTH2-0.01: a bad token is told what is wrong with it, then refused whatever is answered.
#[test]
fn a_bad_token_is_told() {
    let pairs: [Pair; 2] = [
        (
            Box::new(OAuthBearer::new(Some(USER), secret("stale")).unwrap()),
            Box::new(OAuthBearerAcceptor::new(failure())),
        ),
        (
            Box::new(XOAuth2::new(USER, secret("stale")).unwrap()),
            Box::new(XOAuth2Acceptor::new(failure())),
        ),
    ];
    for (mut client, mut server) in pairs {
        let outcome = exchange(&mut *client, &mut *server, false);
        assert_eq!(outcome.end, Err(Refusal::Credentials));
        assert!(!outcome.satisfied, "a +OK would not count");
        let failure = client.failure().expect("the server's reasons").to_string();
        assert!(failure.starts_with(r#"{"status":"invalid_token","#), "{failure}");
        assert!(failure.contains(r#""scope":"example_scope""#), "{failure}");
    }
}

/// The back end may know better what a token lacks, and may be out of order.
#[test]
fn a_back_end_says_why() {
    let asked = || {
        let mut server = OAuthBearerAcceptor::new(failure());
        let step = server.step(Input::Initial(b"n,,\x01auth=bearer stale\x01\x01"));
        assert!(matches!(step, Step::Ask(Question::Token { mailbox: None, .. })), "{step:?}");
        server
    };
    let better = TokenFailure::new("insufficient_scope").unwrap();
    let step = asked().step(Input::Answer(Answer::TokenRefused(better)));
    assert_eq!(step, Step::Challenge(secret(r#"{"status":"insufficient_scope"}"#)));
    let step = asked().step(Input::Answer(Answer::Unavailable));
    assert_eq!(step, Step::Refused(Refusal::Unavailable));
    for wrong in ["", "a\"b", "a\\b", "a\r\nb", "\u{e9}"] {
        assert!(TokenFailure::new(wrong).is_err(), "{wrong:?}");
    }
}

/// R7628-3.2.01: who was sent elsewhere is not let in here.
#[test]
fn a_token_for_another_server_is_refused() {
    for (host, port, fits) in [
        ("pop.example.com", 995, true),
        ("POP.example.com", 995, true),
        ("pop.example.com", 110, false),
        ("evil.example.com", 995, false),
    ] {
        let mut client = OAuthBearer::new(Some(USER), secret(TOKEN))
            .and_then(|client| client.connected_to(host, port))
            .unwrap();
        let server = OAuthBearerAcceptor::new(failure());
        let mut server = server.serving("pop.example.com", 995).unwrap();
        let outcome = exchange(&mut client, &mut server, true);
        assert_eq!(outcome.end.is_ok(), fits, "{host}:{port}");
    }
    for host in ["", "a b", "a\x01b", "h\u{f6}st"] {
        assert!(OAuthBearerAcceptor::new(failure()).serving(host, 1).is_err());
        assert!(OAuthBearer::new(None, secret("t")).unwrap().connected_to(host, 1).is_err());
    }
}

/// R5802-6.01, R5802-6.02, R7677-4.01, I15: every flag against every offer.
#[test]
fn channel_binding_fits_or_fails() {
    let [exporter, end_point] = bindings();
    let foreign = ChannelBinding::tls_exporter(&[0xe8; 32]);
    for hash in HASHES {
        for (binding, offer, fits) in [
            (Binding::NotOffered, ScramOffer::BesidePlus, false),
            (Binding::Bound(foreign.clone()), ScramOffer::Plus(bindings().to_vec()), false),
            (Binding::Bound(end_point.clone()), ScramOffer::Plus(vec![exporter.clone()]), false),
            (Binding::Bound(exporter.clone()), ScramOffer::Plus(vec![]), false),
            (Binding::Bound(exporter.clone()), ScramOffer::Plus(vec![exporter.clone()]), true),
        ] {
            let mut client = scram(hash, USER, PASSWORD, None, binding);
            let mut server = acceptor(hash, offer);
            let outcome = exchange(&mut client, &mut server, true);
            let expected =
                if fits { Ok(identity(USER, USER)) } else { Err(Refusal::ChannelBinding) };
            assert_eq!(outcome.end, expected, "{server:?}");
            assert_eq!(outcome.satisfied, fits);
        }
        // The flag of the other mechanism.
        for (offer, flag) in [
            (ScramOffer::Plus(bindings().to_vec()), "n"),
            (ScramOffer::Plus(bindings().to_vec()), "y"),
            (ScramOffer::Plus(bindings().to_vec()), "p=tls-unique"),
            (ScramOffer::WithoutPlus, "p=tls-exporter"),
            (ScramOffer::BesidePlus, "p=tls-exporter"),
        ] {
            let step = acceptor(hash, offer)
                .step(Input::Initial(format!("{flag},,n=tim,r=abc").as_bytes()));
            assert_eq!(step, Step::Refused(Refusal::ChannelBinding), "{flag}");
        }
    }
    assert!(ChannelBinding::tls_server_end_point(b"").is_err());
    assert!(ChannelBinding::tls_server_end_point(&[0; 65]).is_err());
}

/// R4505-2.01, R4422-3.01, I23: the mechanisms without a secret.
#[test]
fn who_needs_no_secret() {
    let outcome = exchange(&mut Anonymous::new("").unwrap(), &mut AnonymousAcceptor::new(), true);
    assert_eq!(outcome.end, Ok(identity("anonymous", "anonymous")));
    let outcome = exchange(&mut External::new(None).unwrap(), &mut ExternalAcceptor::new(), false);
    assert_eq!(outcome.end, Ok(identity(USER, USER)));
    assert!(outcome.satisfied);
}

/// R5802-5.1.03, R5802-5.1.04: commas and equals signs in names, which are hashed as they were sent.
#[test]
fn names_are_escaped() {
    let mut client = Scram::new(
        ScramHash::Sha256,
        Some("x,=y"),
        "a=b,c",
        secret("p"),
        "nonce",
        Binding::Unsupported,
    )
    .unwrap();
    let message = client.initial_response().unwrap().unwrap();
    assert_eq!(message.expose(), b"n,a=x=2C=3Dy,n=a=3Db=2Cc,r=nonce");
    let mut server = acceptor(ScramHash::Sha256, ScramOffer::WithoutPlus);
    assert_eq!(
        server.step(Input::Initial(message.expose())),
        Step::Ask(Question::ScramKeys { mailbox: mailbox("a=b,c"), hash: ScramHash::Sha256 })
    );
    let keys = ScramKeys::derive(ScramHash::Sha256, &secret("p"), SALT, iterations()).unwrap();
    let Step::Challenge(challenge) = server.step(Input::Answer(Answer::ScramKeys(keys))) else {
        panic!("no challenge")
    };
    let proof = client.respond(challenge.expose()).unwrap();
    let Step::Challenge(signature) = server.step(Input::Response(proof.expose())) else {
        panic!("the proof is refused")
    };
    assert_eq!(client.respond(signature.expose()), Ok(secret("")));
    let mut client = OAuthBearer::new(Some("x,=y"), secret("t")).unwrap();
    let message = client.initial_response().unwrap().unwrap();
    assert_eq!(message.expose(), b"n,a=x=2C=3Dy,\x01auth=Bearer t\x01\x01");
}
