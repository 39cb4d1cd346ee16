//! AUTH conducted by the caller: challenges and responses, and every way in which an exchange ends.

mod challenges;
mod ends;
mod examples;
mod responses;

use pop3_proto::client::ClientConfig;
use pop3_proto::state::State;

use crate::support::{GREETING, Step, all_ways, apop, auth, pass, s, user};

/// A greeting and AUTH without an initial response, and then `script`.
fn auth_and(script: &[Step]) -> Vec<Step> {
    [&[s(GREETING), Step::C(auth("PLAIN", None))], script].concat()
}

/// An exchange in which the client has said something: a challenge, and a response to it.
fn answered() -> Vec<Step> {
    auth_and(&[s("+ \r\n"), Step::Answer("QUJD")])
}

/// Asserts that AUTH changed nothing: another login works, by AUTH or without it (R5034-4.20, R5034-4.33).
fn others_work(script: &[Step], config: ClientConfig) {
    for login in [
        vec![Step::C(user("mrose")), s("+OK\r\n"), Step::C(pass("secret")), s("+OK in\r\n")],
        vec![Step::C(auth("LOGIN", None)), s("+ \r\n"), Step::Answer(""), s("+OK in\r\n")],
        vec![Step::C(apop()), s("+OK in\r\n")],
    ] {
        let mut run = all_ways(config, &[script, &login].concat());
        assert_eq!(run.session.state(), State::Transaction);
        assert!(run.take_trace().last().unwrap().ends_with("completed + \"in\""));
    }
}
