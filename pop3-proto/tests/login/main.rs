//! The sans-I/O login: what is sent, in which order, and what is chosen.

#[cfg(feature = "md5")]
mod apop;
mod choice;
#[cfg(all(feature = "md5", feature = "scram"))]
mod clear;
mod credentials;
mod order;
#[cfg(feature = "scram")]
mod scram;
mod tls;
mod told;

#[cfg(all(feature = "md5", feature = "scram"))]
#[path = "../support/mod.rs"]
mod support;

use bytes::Buf as _;
use pop3_proto::client::{
    Channel, Choice, ClientConfig, ClientSession, Credentials, Eof, Login, LoginError, Method,
    Security, Step,
};
use pop3_proto::state::State;
use pop3_proto::{Mailbox, MechanismName, Password};

const GREETING: &str = "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n";
const NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";

/// What a server expects and says; `None` stands for the TLS handshake.
type Line<'a> = (Option<&'a str>, &'a str);

fn c<'a>(line: &'a str, reply: &'a str) -> Line<'a> {
    (Some(line), reply)
}

const TLS: Line<'static> = (None, "");

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).expect("a name")
}

fn password(password: &str) -> Credentials {
    Credentials::password(mailbox("user"), Password::new(password).expect("printable"))
}

fn session(security: Security, channel: Channel) -> ClientSession {
    let mut session = ClientSession::new(ClientConfig::new(security), channel);
    assert_eq!(session.receive(GREETING.as_bytes()), GREETING.len());
    session
}

/// Drives `step` against a script; what left and was not in the script is the second value.
fn drive<T>(
    session: &mut ClientSession,
    mut step: impl FnMut(&mut ClientSession) -> Result<Step<T>, LoginError>,
    script: &[Line<'_>],
) -> (Result<T, LoginError>, Vec<String>) {
    let mut script = script.iter();
    let mut surplus = Vec::new();
    for _ in 0..1000 {
        match step(session) {
            Err(error) => {
                assert_eq!(script.next(), None, "{error}");
                return (Err(error), surplus);
            }
            Ok(Step::Done(done)) => {
                assert_eq!(script.next(), None, "done too early");
                return (Ok(done), surplus);
            }
            Ok(Step::Deviation(_)) => {}
            Ok(Step::StartTls) => {
                assert_eq!(script.next(), Some(&TLS));
                assert!(session.incoming().is_empty() && !session.outgoing().has_remaining());
                session.tls_established().expect("TLS is due");
            }
            Ok(Step::Exchange) => {
                let mut out = session.outgoing();
                let mut sent = vec![0; out.remaining()];
                out.copy_to_slice(&mut sent);
                let sent = String::from_utf8(sent).expect("ASCII");
                if sent.is_empty() {
                    session.receive_eof(Eof::Clean);
                    continue;
                }
                let line = sent.strip_suffix("\r\n").expect("whole lines");
                match script.next() {
                    Some((Some(expected), reply)) => {
                        assert_eq!(line, *expected);
                        for octet in reply.bytes() {
                            assert_eq!(session.receive(&[octet]), 1);
                        }
                    }
                    other => {
                        assert_eq!(other, None, "{line}");
                        surplus.push(line.to_owned());
                    }
                }
            }
        }
    }
    panic!("the stepper does not end");
}

fn log_in(
    security: Security,
    channel: Channel,
    credentials: Credentials,
    choice: Choice,
    script: &[Line<'_>],
) -> Result<Method, LoginError> {
    let mut session = session(security, channel);
    let mut login =
        Login::new(&session, credentials, choice).with_nonce(NONCE).expect("a good nonce");
    let (outcome, surplus) = drive(&mut session, |session| login.step(session), script);
    assert_eq!(surplus, [""; 0]);
    assert_eq!(session.state() == State::Transaction, outcome.is_ok());
    outcome
}

fn sasl(name: MechanismName) -> Choice {
    Choice::Only(Method::Sasl(name))
}

const PLAIN_IR: &str = "AUTH PLAIN AHVzZXIAcGVuY2ls";

fn in_utf8(name: &str, password: &[u8]) -> Credentials {
    let name = Mailbox::utf8(name).expect("a name");
    Credentials::password(name, Password::opaque(password).expect("a password"))
}
