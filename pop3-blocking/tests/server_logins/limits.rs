//! How long and how often one may try.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::certificates::Authority;
use crate::until::{LONG, until};
use crate::{GREETING, encoded, passwords, raw, read_line, said, server, spawn};

/// B10, F19: silence behind STLS ends, and its place is free again.
#[test]
fn silence_behind_stls_is_given_up() {
    for login in [false, true] {
        let authority = Authority::new();
        let mut server = server(&authority, passwords());
        let short = Duration::from_millis(300);
        *if login { &mut server.deadlines.login } else { &mut server.deadlines.tls } = short;
        server.connections.per_address = 1;
        let running = spawn(server);
        let began = Instant::now();
        let mut stream = raw(&running);
        assert_eq!(said(&mut stream, &["STLS"]), ["+OK begin TLS\r\n"]);
        assert_eq!(stream.read_to_end(&mut Vec::new()).expect("the end"), 0);
        assert!(began.elapsed() >= short && began.elapsed() < LONG);
        until("its place is free", || {
            let mut stream = TcpStream::connect(running.address()).expect("a connection");
            read_line(&mut stream) == GREETING
        });
        running.stop();
    }
}

/// S14.6: attempts are counted, whatever became of them: malformed, cancelled, refused. The last one ends
/// the session.
#[test]
fn logins_are_limited() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let wrong = format!("AUTH PLAIN {}", encoded("\0mrose\0wrong"));
    let malformed = format!("AUTH PLAIN {}", encoded("mrose"));
    let out_of_place = format!("AUTH CRAM-MD5 {}", encoded("mrose"));
    let attempts: [&[&str]; 5] = [
        &["AUTH PLAIN", "*"],
        &[&wrong],
        &[&malformed],
        &[&out_of_place],
        &["USER mrose", "PASS wrong"],
    ];
    for first in attempts {
        for last in attempts {
            let mut stream = raw(&running);
            for attempt in [first, first, last] {
                let answers = said(&mut stream, attempt);
                let refused = answers.last().is_some_and(|answer| answer.starts_with("-ERR "));
                assert!(refused, "{attempt:?}: {answers:?}");
            }
            assert_eq!(stream.read(&mut [0]).expect("the end"), 0, "{first:?} {last:?}");
        }
    }
    running.stop();
}
