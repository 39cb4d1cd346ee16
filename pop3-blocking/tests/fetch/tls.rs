//! TLS, and what leaves without it.

use std::io::Read as _;
use std::net::{IpAddr, TcpListener};
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::{Mailbox, Password};
use pop3_blocking::rustls::ALL_VERSIONS;
use pop3_blocking::server::{self, Memory, Passwords, ServerTls};

use crate::certificates::{Authority, raw_server};
use crate::program::{Said, end, own_address};
use crate::scripted::{Instead, Server, say, three};
use crate::{Fetch, PASSWORD};

/// The login by USER, over TLS if STLS stands before it.
const LOGIN: [&str; 3] = ["CAPA", "USER mrose", "PASS tanstaaf"];

/// R8314-5.2.05, R2595-4.05: on loopback too STLS is used where it is offered, and the login goes behind it.
#[test]
fn stls_is_used_where_it_is_offered() {
    let authority = Authority::new();
    let fetch = Fetch::new("stls");
    let ca = fetch.file("ca.pem", &authority.pem());
    for options in [&[][..], &["--stls", "require"], &["--stls", "prefer", "--allow-plaintext"]] {
        let server =
            Server::new(&three()).with_stls(authority.issue().server(ALL_VERSIONS, &["pop3"]));
        let options = [options, &["--ca", ca, "--list"]].concat();
        fetch.run(&server, &options).exit(0).says("logged in by USER over TLS\n");
        let log = server.log();
        assert_eq!(log[..2], ["CAPA", "STLS"]);
        assert_eq!(log[2..5], LOGIN);
    }
    let server = Server::new(&three()).with_stls(authority.issue().server(ALL_VERSIONS, &[]));
    fetch.run(&server, &["--stls", "never", "--list"]).exit(0).says("logged in by USER in clear");
    assert_eq!(server.log()[..3], LOGIN);
}

/// A4, A5: a server that offers STLS and refuses it, or puts octets behind its answer, which somebody on
/// the way may have done.
#[test]
fn stls_that_fails_is_no_reason_to_go_on_in_clear() {
    let authority = Authority::new();
    let fetch = Fetch::new("stls-fails");
    for (answer, said) in [
        ("-ERR not now\r\n", "refused to begin TLS: not now; nothing of the login was sent"),
        ("+OK\r\n+OK injected\r\n", "; nothing of the login was sent"),
    ] {
        for options in [&[][..], &["--stls", "require"], &["--stls", "prefer", "--allow-plaintext"]]
        {
            let server = Server::new(&three())
                .with_stls(authority.issue().server(ALL_VERSIONS, &[]))
                .instead("STLS", say(answer));
            fetch.run(&server, options).exit(1).says("connecting to mrose at 127.0.0.1").says(said);
            assert_eq!(server.log(), ["CAPA", "STLS"]);
        }
    }
}

/// B11, B15, R5034-4.21, R8314-3.1.03: from the first octet and by STLS; of the login nothing is sent.
#[test]
fn a_certificate_that_is_not_to_be_believed() {
    let authority = Authority::new();
    let fetch = Fetch::new("certificates");
    let ca = fetch.file("ca.pem", &authority.pem());
    let another = Authority::named("another", &rcgen::PKCS_ECDSA_P256_SHA256);
    let expired = |parameters: &mut rcgen::CertificateParams| {
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    for (issued, said) in [
        (
            authority.issue_for(&["elsewhere.example"], |_| {}),
            "the certificate is for another name",
        ),
        (another.issue(), "the certificate was issued by nobody who is trusted"),
        (authority.issue_for(&["127.0.0.1"], expired), "the certificate has expired"),
    ] {
        let server = Server::new(&three()).with_stls(issued.server(ALL_VERSIONS, &[]));
        let says = |said_by: Said| {
            said_by.exit(1).says(said).says("; nothing of the login was sent").says_not(PASSWORD)
        };
        says(fetch.run(&server, &["--ca", ca]));
        assert_eq!(server.log(), ["CAPA", "STLS"]);

        let (port, received) = raw_server(issued.server(ALL_VERSIONS, &[]), |stream| {
            let mut received = Vec::new();
            let _ = stream.read_to_end(&mut received);
            received
        });
        let url = format!("pops://mrose@127.0.0.1:{port}");
        says(end(&mut fetch.command(&url, &["--ca", ca])));
        assert_eq!(received.join().unwrap(), b"");
    }
    let server = Server::new(&three()).with_stls(another.issue().server(ALL_VERSIONS, &[]));
    fetch.run(&server, &["--ca", ca]).exit(1).says("--ca names authorities to trust");
    fetch.run(&server, &["--ca", "missing.pem"]).exit(1).says("missing.pem");
}

/// RFC 8314 §3.3, with the library's own server.
#[test]
fn a_maildrop_is_fetched_over_tls() {
    let authority = Authority::new();
    let fetch = Fetch::new("pops");
    let ca = fetch.file("ca.pem", &authority.pem());
    let mrose = Mailbox::new("mrose").unwrap();
    let store = Memory::new();
    for body in ["one\r\n", "two\r\n"] {
        store.deliver(&mrose, body);
    }
    let mut passwords = Passwords::new();
    passwords.insert(mrose, &Password::new(PASSWORD).unwrap());
    let mut server = server::Server::new(store, passwords);
    let issued = authority.issue();
    server.tls = Some(ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap());
    let running = server.spawn_tls(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let port = running.address().port();
    for (scheme, options, said) in [
        ("pops", &["--auth", "user"][..], "logged in by USER over TLS\n"),
        ("pop3s", &["--stls", "require"], " over TLS\n"),
    ] {
        let url = format!("{scheme}://mrose@127.0.0.1:{port}");
        let options = [options, &["--ca", ca]].concat();
        end(&mut fetch.command(&url, &options)).exit(0).says("logged in by ").says(said);
        assert_eq!(fetch.delivered(), ["one\r\n", "two\r\n"]);
    }
    running.stop();
}

/// B9: silence and a server that speaks no TLS.
#[test]
fn a_handshake_that_does_not_come_ends() {
    let fetch = Fetch::new("handshake");
    for (greeting, said) in [
        (
            Instead::Hang(Vec::new()),
            "timed out waiting for the TLS handshake; nothing of the login",
        ),
        (say("+OK ready\r\n"), "the peer does not speak TLS"),
    ] {
        let server = Server::new(&[]).instead("", greeting);
        let url = format!("pops://mrose@127.0.0.1:{}", server.port);
        let began = Instant::now();
        let ca = fetch.file("ca.pem", &Authority::new().pem());
        end(&mut fetch.command(&url, &["--timeout", "1", "--ca", ca])).exit(1).says(said);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

/// R2384-4.05, R2595-9.02, R8314-5.2.01, R8314-5.2.02, R8314-5.2.03: each policy against a server without STLS, on
/// another host and on this one: how it ends, and what of the login leaves.
#[test]
fn nothing_of_a_login_leaves_in_clear_unless_that_is_allowed() {
    let Some(address) = own_address() else { return };
    let server = Server::at("0.0.0.0", &three());
    let fetch = Fetch::new("clear");
    let hint = "nothing of the login was sent; --stls never --allow-plaintext";
    for (options, elsewhere, here, said) in [
        (&[][..], 1, 0, hint),
        (&["--allow-plaintext"], 1, 0, hint),
        (&["--stls", "require"], 1, 1, hint),
        (&["--stls", "require", "--allow-plaintext"], 1, 1, hint),
        (&["--stls", "prefer"], 1, 0, "nothing of the login was sent; --allow-plaintext"),
        (&["--stls", "never"], 2, 0, "nothing of the login was sent; --allow-plaintext"),
        (&["--stls", "prefer", "--allow-plaintext"], 0, 0, "logged in by USER in clear"),
        (&["--stls", "never", "--allow-plaintext"], 0, 0, "logged in by USER in clear"),
    ] {
        let local = IpAddr::from([127, 0, 0, 1]);
        for (host, code) in [(address, elsewhere), (local, here)] {
            let url = format!("pop://mrose@{host}:{}", server.port);
            let ended = end(&mut fetch.command(&url, &[options, &["--list"]].concat()));
            let ended = ended.exit(code).says_not(PASSWORD);
            let log = server.log();
            if code == 0 {
                let ended = ended.says("logged in by USER in clear\n");
                let warned = ended.err.contains("neither the login nor the messages are private");
                assert_eq!(warned, host != local, "{options:?}");
                assert_eq!(log[..3], ["CAPA", "USER mrose", "PASS tanstaaf"], "{options:?}");
            } else {
                ended.says(said).says_not("logged in");
                assert_eq!(log, ["CAPA"], "{options:?}");
            }
        }
    }
}
