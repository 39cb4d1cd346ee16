//! What binds a login to the channel that it is made on.

use std::sync::Arc;

use pop3_blocking::pop3_proto::client::Method;
use pop3_blocking::pop3_proto::sasl::{Binding, ChannelBinding, Mechanism as _, Scram, ScramHash};
use pop3_blocking::pop3_proto::{Base64, MechanismName, Secret};
use pop3_blocking::rustls::version::{TLS12, TLS13};

use crate::certificates::Authority;
use crate::{
    EVERYWHERE, Over, builder, capabilities, connect, mailbox, password, passwords, raw, raw_stls,
    said, server, spawn,
};

/// R5802-6.01, RFC 9266 §3, RFC 5929 §4.1: over TLS the best is bound to the channel, by what the version of
/// TLS has; in clear it cannot be.
#[test]
fn the_best_over_tls_is_bound_to_it() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    for over in EVERYWHERE {
        for version in [&TLS12, &TLS13] {
            let mut builder = builder(&authority, over);
            builder.tls = Some(Arc::new(authority.client(&[version], &[])).into());
            let client = connect(&running, &builder);
            assert_eq!(
                client.channel_bindings().tls_exporter.is_some(),
                over != Over::Clear && *version == TLS13
            );
            let session = client.login(&mailbox("mrose"), &password("tan staaf")).expect("a login");
            let best = match over {
                Over::Clear => MechanismName::SCRAM_SHA_256,
                _ => MechanismName::SCRAM_SHA_256_PLUS,
            };
            assert_eq!(session.method(), Method::Sasl(best));
            session.quit().expect("an answer");
        }
    }
    running.stop();
}

/// R9266-3.01: TLS 1.3 is bound to by its exporter, with this label, no context and 32 octets, and by no other.
#[test]
fn the_exporter_is_that_of_rfc_9266() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    for (label, context, binds) in [
        ("EXPORTER-Channel-Binding", Some(&b""[..]), true),
        ("EXPORTER-Channel-Bindings", Some(b""), false),
        ("EXPORTER-Channel-Binding", Some(b"x"), false),
    ] {
        let mut stream = raw_stls(&authority, raw(&running));
        // Ends the handshake.
        assert!(capabilities(&mut stream).contains(&"+OK capability list follows".to_owned()));
        let exported = stream.conn.export_keying_material([0; 32], label.as_bytes(), context);
        let binding = Binding::Bound(ChannelBinding::tls_exporter(&exported.expect("TLS 1.3")));
        let secret = Secret::new("tan staaf");
        let scram = Scram::new(ScramHash::Sha256, None, "mrose", secret, "fyko+d2lbbFg", binding);
        let mut scram = scram.expect("a mechanism");
        let mut message = scram.initial_response().expect("fresh").expect("it speaks first");
        assert_eq!(said(&mut stream, &["AUTH SCRAM-SHA-256-PLUS"]), ["+ \r\n"]);
        let outcome = loop {
            let line = Base64::encode(message.expose());
            let line = String::from_utf8_lossy(line.expose()).into_owned();
            let answer = said(&mut stream, &[&line]).remove(0);
            let Some(challenge) = answer.strip_prefix("+ ") else { break answer };
            let challenge = Base64::new(challenge.trim_end()).expect("base64").decode();
            message = scram.respond(challenge.expect("octets").expose()).expect("a response");
        };
        let refused = "-ERR channel binding does not match\r\n";
        assert_eq!(outcome, if binds { "+OK 0 messages\r\n" } else { refused }, "{label}");
        assert_eq!(scram.is_satisfied(), binds);
    }
    running.stop();
}

/// R5802-6.01: a server that does not know which certificate it shows has nothing to bind TLS 1.2 to, and
/// offers nothing that would have to be.
#[test]
fn without_anything_to_bind_to_there_is_no_plus() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.tls = Some(Arc::new(authority.issue().server(&[&TLS12], &[])).into());
    let running = spawn(server);
    for over in [Over::Stls, Over::Tls] {
        let client = connect(&running, &builder(&authority, over));
        assert!(client.channel_bindings().tls_server_end_point.is_some());
        let session = client.login(&mailbox("mrose"), &password("tan staaf")).expect("a login");
        assert_eq!(session.method(), Method::Sasl(MechanismName::SCRAM_SHA_256));
        session.quit().expect("an answer");
    }
    running.stop();
}
