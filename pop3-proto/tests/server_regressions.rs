//! What once went wrong in a server session or its maildrop, each in the fewest words.

mod server_support;

use pop3_proto::server::{Event, ServerConfig};
use server_support::*;

/// R2449-6.4.02, RFC 2449 §8: a response code may stand in a positive response too, so that no text
/// of one begins with `[`.
#[test]
fn a_positive_text_is_not_taken_for_a_response_code() {
    let mut session = greeted(ServerConfig::new());
    say(&mut session, b"USER alice\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Command(_))));
    session.ok(&text("[1] please")).expect("USER waits");
    assert_eq!(written(&mut session), b"+OK  [1] please\r\n");
}
