//! Messages of SCRAM that no honest peer sends.

use pop3_proto::sasl::*;

use super::{refused, scram_acceptor, scram_client};
use crate::sasl_support::*;

/// R5802-5.02, R5802-5.1.02, R5802-5.1.04, R5802-5.1.07: the client's first message.
#[test]
fn scram_client_first() {
    for malformed in [
        String::new(),
        "n".into(),
        "n,,".into(),
        "n,,n=tim".into(),
        "n=tim,r=abc".into(),
        "x,,n=tim,r=abc".into(),
        "p,,n=tim,r=abc".into(),
        "p=,,n=tim,r=abc".into(),
        "n,tim,n=tim,r=abc".into(),
        "n,a=,n=tim,r=abc".into(),
        "n,a=t=2Dm,n=tim,r=abc".into(),
        "n,,r=abc,n=tim".into(),
        "n,,n=,r=abc".into(),
        "n,,n=t=m,r=abc".into(),
        "n,,n=t=,r=abc".into(),
        "n,,n=t=2,r=abc".into(),
        "n,,n=t=2c,r=abc".into(),
        "n,,n=t=3E,r=abc".into(),
        "n,,n=tim,r=".into(),
        "n,,n=tim,r=a b".into(),
        "n,,n=tim,r=\u{e9}".into(),
        "n,,n=tim,r=abc,".into(),
        "n,,n=tim,r=abc,x".into(),
        "n,,n=tim,r=abc,x=".into(),
        "n,,n=tim,r=abc,1=x".into(),
        "n,,n=tim,r=abc,r=def".into(),
        "n,,n=tim,r=abc,m=ext".into(),
        "n,,n=t\0m,r=abc".into(),
        format!("n,,n=tim,r={}", "x".repeat(1025)),
    ] {
        let mut server = scram_acceptor(ScramOffer::WithoutPlus);
        assert_eq!(refused(&mut server, &malformed), Refusal::Malformed, "{malformed:?}");
    }
    assert_eq!(
        refused(&mut scram_acceptor(ScramOffer::WithoutPlus), b"n,,n=\xff,r=a"),
        Refusal::Malformed
    );
    // R5802-5.1.02, R5802-5.1.07: a mandatory extension fails, whatever is answered to that.
    for demanding in ["n,,m=ext,n=tim,r=abc", "y,a=tim,m=x,y", "n,,m="] {
        for response in ["", "n,,n=tim,r=abc"] {
            let mut server = scram_acceptor(ScramOffer::WithoutPlus);
            let step = server.step(Input::Initial(demanding.as_bytes()));
            assert_eq!(step, Step::Challenge(secret("e=extensions-not-supported")), "{demanding}");
            let step = server.step(Input::Response(response.as_bytes()));
            assert_eq!(step, Step::Refused(Refusal::Malformed));
        }
    }
    // R5802-5.1.02: optional extensions are nobody's concern.
    let mut server = scram_acceptor(ScramOffer::WithoutPlus);
    let step = server.step(Input::Initial(b"n,,n=tim,r=abc,x=y,z=a=b"));
    assert!(matches!(step, Step::Ask(Question::ScramKeys { .. })), "{step:?}");
    // R5802-2.2.01: what would have to be prepared is nobody.
    let mut server = scram_acceptor(ScramOffer::WithoutPlus);
    assert_eq!(refused(&mut server, "n,,n=t\u{ef}m,r=abc"), Refusal::Credentials);
}

/// A client and a server, both before the client's last message; and that message.
fn before_the_proof() -> (Scram, ScramAcceptor, String) {
    let (mut client, mut server) = (scram_client(), scram_acceptor(ScramOffer::WithoutPlus));
    let first = client.initial_response().unwrap().unwrap();
    let Step::Ask(question) = server.step(Input::Initial(first.expose())) else { panic!() };
    let Step::Challenge(challenge) = server.step(Input::Answer(answer(&question))) else {
        panic!()
    };
    let proof = client.respond(challenge.expose()).unwrap();
    (client, server, String::from_utf8(proof.expose().to_vec()).unwrap())
}

/// R5802-5.1.04, R5802-5.1.06: the client's last message; a wrong one is refused without a word of the server's own.
#[test]
fn scram_client_final() {
    let (_, _, right) = before_the_proof();
    let (without, proof) = right.rsplit_once(",p=").unwrap();
    let wrong = if proof.starts_with('A') { "B" } else { "A" };
    let wrong = format!("{wrong}{}", &proof[1..]);
    for (message, refusal) in [
        (String::new(), Refusal::Malformed),
        (without.into(), Refusal::Malformed),
        (format!("{without},p="), Refusal::Malformed),
        (format!("{without},p=%%%%"), Refusal::Malformed),
        (format!("{right},x=y"), Refusal::Malformed),
        (format!("{without},m=ext,p={proof}"), Refusal::Malformed),
        (format!("{without},r=CLIENTSERVER,p={proof}"), Refusal::Malformed),
        (format!("r=CLIENTSERVER,c=biws,p={proof}"), Refusal::Malformed),
        (right.replace("CLIENTSERVER", "CLIENT"), Refusal::Malformed),
        (right.replace("CLIENTSERVER", "CLIENTSERVERX"), Refusal::Malformed),
        (right.replace("c=biws", "c="), Refusal::Malformed),
        (right.replace("c=biws", "c=eSws"), Refusal::ChannelBinding),
        (right.replace("c=biws", "c=biwsAAAA"), Refusal::ChannelBinding),
        (format!("{without},p={wrong}"), Refusal::Credentials),
        (format!("{without},p=AAAA"), Refusal::Credentials),
        (format!("{without},p={}", "A".repeat(44)), Refusal::Credentials),
        (format!("{without},x=y,p={proof}"), Refusal::Credentials),
    ] {
        let (_, mut server, _) = before_the_proof();
        let step = server.step(Input::Response(message.as_bytes()));
        assert_eq!(step, Step::Refused(refusal), "{message:?}");
        let step = server.step(Input::Response(right.as_bytes()));
        assert_eq!(step, Step::Refused(Refusal::Malformed), "the exchange was over");
    }
    let (mut client, mut server, right) = before_the_proof();
    let step = server.step(Input::Response(right.as_bytes()));
    let Step::Challenge(signature) = step else { panic!("{step:?}") };
    assert_eq!(client.respond(signature.expose()), Ok(secret("")));
    // R5034-4.23: the empty line, and nothing else.
    assert_eq!(server.step(Input::Response(b"x")), Step::Refused(Refusal::Malformed));
}

/// I12, I13, R5802-5.1.01, R5802-5.1.02, R5802-5.1.05, R5802-9.01: the server's first message.
#[test]
fn scram_hostile_server_first() {
    let out_of_bounds =
        |count| MechanismError::Iterations { count, minimum: 4096, maximum: 1_000_000 };
    let malformed = MechanismError::MalformedChallenge;
    for (message, expected) in [
        (String::new(), malformed),
        ("r=CLIENTSERVER".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA".into(), malformed),
        ("r=CLIENTSERVER,i=4096".into(), malformed),
        ("r=CLIENTSERVER,s=,i=4096".into(), malformed),
        ("r=CLIENTSERVER,s=====,i=4096".into(), malformed),
        ("r=CLIENTSERVER,s=AAA,i=4096".into(), malformed),
        ("r=CLIENTSERVER,s=AB==,i=4096".into(), malformed),
        ("r=CLIENTSERVER,i=4096,s=AAAA".into(), malformed),
        ("s=AAAA,r=CLIENTSERVER,i=4096".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=0".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=-1".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=+4096".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=08".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=04096".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=4096 ".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=0x1000".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=4294967296".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=4096,".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=4096,x".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=4096,i=1".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=4096,m=ext".into(), malformed),
        ("r=CLIENTSERVER\0,s=AAAA,i=4096".into(), malformed),
        ("r=CLIENT SERVER,s=AAAA,i=4096".into(), malformed),
        (format!("r=CLIENT{},s=AAAA,i=4096", "x".repeat(1020)), malformed),
        (format!("r=CLIENTSERVER,s={},i=4096", "AAAA".repeat(342)), malformed),
        ("v=AAAA".into(), malformed),
        ("+OK".into(), malformed),
        ("r=CLIENTSERVER,s=AAAA,i=1".into(), out_of_bounds(1)),
        ("r=CLIENTSERVER,s=AAAA,i=4095".into(), out_of_bounds(4095)),
        ("r=CLIENTSERVER,s=AAAA,i=1000001".into(), out_of_bounds(1_000_001)),
        ("r=CLIENTSERVER,s=AAAA,i=4294967295".into(), out_of_bounds(u32::MAX)),
        ("r=CLIENT,s=AAAA,i=4096".into(), MechanismError::Nonce),
        ("r=SERVERCLIENT,s=AAAA,i=4096".into(), MechanismError::Nonce),
        ("r=clientSERVER,s=AAAA,i=4096".into(), MechanismError::Nonce),
        ("r=X,s=AAAA,i=4096".into(), MechanismError::Nonce),
        ("m=ext,r=CLIENTSERVER,s=AAAA,i=4096".into(), MechanismError::Extension),
        ("e=other-error".into(), MechanismError::ServerError(ServerError::Other)),
        ("e=no-resources,x=y".into(), MechanismError::ServerError(ServerError::NoResources)),
    ] {
        let mut client = scram_client();
        client.initial_response().unwrap();
        assert_eq!(client.respond(message.as_bytes()), Err(expected), "{message:?}");
        assert!(!client.is_satisfied());
        assert!(!expected.is_fatal());
        // Nothing mends it.
        let fine = b"r=CLIENTSERVER,s=AAAA,i=4096";
        assert_eq!(client.respond(fine), Err(MechanismError::UnexpectedChallenge));
        assert!(!client.is_satisfied());
    }
    let mut client = scram_client();
    client.initial_response().unwrap();
    assert_eq!(client.respond(b"r=CLIENTSERVER,s=AAAA,i=\xff"), Err(malformed));
    // R5802-5.1.02: optional extensions are nobody's concern.
    let mut client = scram_client().with_iterations(1..=1);
    client.initial_response().unwrap();
    assert!(client.respond(b"r=CLIENTSERVER,s=AAAA,i=1,x=y,z=a=b").is_ok());
}

/// I12, R5802-5.01: the server's last message. Without the right signature it is nobody.
#[test]
fn scram_hostile_server_final() {
    let (_, mut server, proof) = before_the_proof();
    let step = server.step(Input::Response(proof.as_bytes()));
    let Step::Challenge(right) = step else { panic!("{step:?}") };
    let right = String::from_utf8(right.expose().to_vec()).unwrap();
    let wrong = if right.starts_with("v=A") { "B" } else { "A" };
    let wrong = format!("v={wrong}{}", &right[3..]);
    for (message, expected) in [
        (String::new(), MechanismError::ServerSignature),
        ("v=".into(), MechanismError::ServerSignature),
        ("v=AAAA".into(), MechanismError::ServerSignature),
        (wrong, MechanismError::ServerSignature),
        (right.replace("v=", "V="), MechanismError::ServerSignature),
        (right.replace("v=", "x=y,v="), MechanismError::ServerSignature),
        (format!("{right},v=AAAA"), MechanismError::ServerSignature),
        (format!("{right}AAAA"), MechanismError::ServerSignature),
        (format!("{right},"), MechanismError::ServerSignature),
        ("e=".into(), MechanismError::ServerSignature),
        ("r=CLIENTSERVER,s=AAAA,i=4096".into(), MechanismError::ServerSignature),
        (format!("e=other-error,{right}"), MechanismError::ServerSignature),
        ("e=invalid-proof".into(), MechanismError::ServerError(ServerError::InvalidProof)),
        ("e=unknown-user".into(), MechanismError::ServerError(ServerError::UnknownUser)),
        ("e=what is this".into(), MechanismError::ServerError(ServerError::Other)),
    ] {
        let (mut client, _, _) = before_the_proof();
        assert!(!client.is_satisfied(), "+OK before the signature");
        assert_eq!(client.respond(message.as_bytes()), Err(expected), "{message:?}");
        assert_eq!(expected.is_fatal(), expected == MechanismError::ServerSignature);
        assert_eq!(client.respond(right.as_bytes()), Err(MechanismError::UnexpectedChallenge));
        assert!(!client.is_satisfied());
    }
    // Twice is once too often.
    let (mut client, _, _) = before_the_proof();
    assert_eq!(client.respond(format!("{right},x=y").as_bytes()), Ok(secret("")));
    assert!(client.is_satisfied());
    assert_eq!(client.respond(right.as_bytes()), Err(MechanismError::UnexpectedChallenge));
    assert!(!client.is_satisfied());
}

/// Keys of one hash are of no use with another.
#[test]
fn scram_server_with_other_keys() {
    let (mut client, mut server) = (scram_client(), scram_acceptor(ScramOffer::WithoutPlus));
    let first = client.initial_response().unwrap().unwrap();
    server.step(Input::Initial(first.expose()));
    let keys = ScramKeys::derive(ScramHash::Sha1, &secret(PASSWORD), SALT, iterations()).unwrap();
    let step = server.step(Input::Answer(Answer::ScramKeys(keys)));
    assert_eq!(step, Step::Refused(Refusal::Unavailable), "keys of another hash");
}
