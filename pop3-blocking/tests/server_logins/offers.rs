//! What a server offers before a login, and gives out but once.

use std::net::{TcpListener, TcpStream};

use pop3_blocking::pop3_proto::client::Method;
use pop3_blocking::pop3_proto::sasl::{CramMd5, Mechanism as _};
use pop3_blocking::pop3_proto::{Base64, Secret};

use crate::certificates::Authority;
use crate::{
    Over, builder, capabilities, connect, encoded, mailbox, password, passwords, raw, raw_stls,
    read_line, said, server, spawn,
};

/// R2449-5.04, R2595-4.09, R4505-5.01, R5034-3.04: what is announced in clear, over TLS and behind a login.
#[test]
fn capabilities_follow_the_channel() {
    const ALL: &str =
        "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN";
    const BARE: &str = "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN";
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let mut clear = raw(&running);
    let listed = capabilities(&mut clear);
    assert!(
        listed.contains(&format!("SASL {BARE}")) && listed.contains(&"STLS".to_owned()),
        "{listed:?}"
    );
    // TLS has more to offer.
    let mut tls = raw_stls(&authority, clear);
    let listed = capabilities(&mut tls);
    assert!(
        listed.contains(&format!("SASL {ALL}")) && !listed.contains(&"STLS".to_owned()),
        "{listed:?}"
    );
    assert_eq!(said(&mut tls, &["USER mrose", "PASS tan staaf"])[1], "+OK 0 messages\r\n");
    assert_eq!(capabilities(&mut tls), listed);
    drop(tls);
    let mut clear = raw(&running);
    assert_eq!(
        said(&mut clear, &["USER anybody", "PASS x"])[1],
        "-ERR [AUTH] authentication failed\r\n"
    );
    drop(clear);
    running.stop();
    // R8314-4.03: without a certificate there is no STLS.
    let mut server = server(&authority, passwords());
    server.tls = None;
    let running =
        server.spawn(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a server");
    let mut clear = raw(&running);
    assert!(!capabilities(&mut clear).contains(&"STLS".to_owned()));
    assert!(said(&mut clear, &["STLS"])[0].starts_with("-ERR "));
    drop(clear);
    running.stop();
}

/// What nobody could log in by is not announced, so that clients take what is left.
#[test]
fn without_a_decoy_no_mechanism_is_announced() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.decoy = None;
    let running = spawn(server);
    let listed = capabilities(&mut raw(&running));
    assert!(!listed.iter().any(|line| line.starts_with("SASL")), "{listed:?}");
    let client = connect(&running, &builder(&authority, Over::Stls));
    let session = client.login(&mailbox("mrose"), &password("tan staaf")).expect("a login");
    assert_eq!(session.method(), Method::UserPass);
    drop(session);
    running.stop();
}

/// R1939-7.18: a timestamp of its own in every session that offers APOP, which says nothing of the host;
/// none in the others.
#[test]
fn every_greeting_has_a_timestamp_of_its_own() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.config.apop = true;
    let running = spawn(server);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(running.address()).expect("a connection");
        let greeting = read_line(&mut stream);
        let timestamp = greeting.strip_prefix("+OK POP3 server ready <").expect("a timestamp");
        let digits = timestamp.strip_suffix("@localhost>\r\n").expect("no host");
        assert!(
            digits.len() > 20 && digits.bytes().all(|digit| digit.is_ascii_digit()),
            "{digits}"
        );
        assert!(seen.insert(digits.to_owned()));
    }
    running.stop();
}

/// R2195-2.02: every challenge of CRAM-MD5 is a message-id of digits that nobody was given before, and only the digest
/// of the last one counts.
#[test]
fn every_challenge_is_fresh() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let response = |challenge: &[u8]| {
        let mut client = CramMd5::new("mrose", Secret::new("tan staaf")).expect("a mechanism");
        client.initial_response().expect("fresh");
        let response = client.respond(challenge).expect("a response");
        encoded(std::str::from_utf8(response.expose()).expect("ASCII"))
    };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for _ in 0..2 {
        let mut stream = raw(&running);
        for last in [false, true] {
            let answer = said(&mut stream, &["AUTH CRAM-MD5"]).remove(0);
            let challenge = answer.trim_end().strip_prefix("+ ").expect("a challenge");
            let challenge = Base64::new(challenge).and_then(|text| text.decode()).expect("octets");
            let text = std::str::from_utf8(challenge.expose()).expect("ASCII");
            let digits = text.strip_prefix('<').and_then(|text| text.strip_suffix("@localhost>"));
            assert!(digits.is_some_and(|of| of.len() > 20 && of.parse::<u128>().is_ok()), "{text}");
            assert!(!seen.iter().any(|seen| seen == challenge.expose()), "{text} twice");
            let replayed = seen.last().cloned().unwrap_or_else(|| b"<1@localhost>".to_vec());
            seen.push(challenge.expose().to_vec());
            let answered = if last { challenge.expose() } else { &replayed };
            let outcome = said(&mut stream, &[&response(answered)]).remove(0);
            let failed = "-ERR [AUTH] authentication failed\r\n";
            assert_eq!(outcome, if last { "+OK 0 messages\r\n" } else { failed });
        }
    }
    running.stop();
}
