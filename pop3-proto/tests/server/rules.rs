//! The rules of RFC 1939 for servers, one test a rule where a session and a maildrop can keep it, in
//! the words of the specification: an index to the larger tests, which prove the same with every input.
//!
//! Left to whoever has a socket, a clock or a store: R1939-3.01 (the port), R1939-3.17 (the timer itself),
//! R1939-4.06 and R1939-4.07 (the lock), R1939-6.04 (the removal itself), R1939-7.14 (ids that are never
//! reused), R1939-8.02 (site policy). AUTH, APOP, STLS, UTF8 and LANG have tests of their own.

use bytes::Buf as _;
use pop3_proto::client::{Channel, Eof};
#[cfg(feature = "md5")]
use pop3_proto::sasl::{Answer, Question};
use pop3_proto::server::{ConfigError, Event, ServerConfig, ServerSession, Waiting};
#[cfg(feature = "md5")]
use pop3_proto::server::{Login, Turn};
use pop3_proto::state::State;
#[cfg(feature = "md5")]
use pop3_proto::{ApopTimestamp, Mailbox, Secret};

use crate::server_support::*;

const STORED: &[u8] = b"Subject: tea\n\n.one\ntwo\nthree";

fn server() -> Server {
    Server::new(ServerConfig::new(), vec![STORED.to_vec(), b"second\r\n".to_vec()])
}

fn open() -> Server {
    let mut server = server();
    said(&mut server, "USER alice\r\nPASS correct horse\r\n");
    assert_eq!(server.session.state(), State::Transaction);
    server
}

fn said(server: &mut Server, lines: &str) -> String {
    String::from_utf8(server.converse(lines.as_bytes())).expect("text")
}

/// R1939-3.01, R1939-4.04: the server speaks first, one positive line.
#[test]
fn the_greeting_comes_first() {
    let mut session = session(ServerConfig::new());
    assert_eq!(session.outgoing().chunk(), b"+OK ready\r\n");
    assert_eq!((session.poll_event(), session.state()), (None, State::Authorization));
}

/// R1939-3.06, R1939-3.13: the status indicators are in upper case, whatever the case of the command.
#[test]
fn status_indicators_are_in_upper_case() {
    let mut server = open();
    let out = said(&mut server, "stat\r\nnoop\r\nlist 9\r\nxtnd\r\ncapa x\r\nquit\r\n");
    let indicators: Vec<_> = out.lines().map(|line| &line[..4]).collect();
    assert_eq!(indicators, ["+OK ", "+OK ", "-ERR", "-ERR", "-ERR", "+OK "]);
}

/// R1939-3.14: unrecognised, unimplemented and syntactically invalid commands are answered negatively.
#[test]
fn what_is_no_command_is_answered_negatively() {
    let mut server = open();
    let out = said(&mut server, "XTND\r\nAUTH PLAIN\r\nAPOP a b\r\nRETR\r\nSTAT 1\r\n\r\n");
    assert_eq!(out.lines().filter(|line| line.starts_with("-ERR ")).count(), 6);
    assert_eq!(out.lines().count(), 6);
}

/// R1939-3.15: commands in the wrong state are answered negatively and change nothing.
#[test]
fn what_is_no_command_here_is_answered_negatively() {
    let mut before = Server::new(ServerConfig::new(), Vec::new());
    assert_eq!(
        said(&mut before, "STAT\r\nRETR 1\r\n"),
        "+OK ready\r\n-ERR command not valid in this state\r\n\
         -ERR command not valid in this state\r\n"
    );
    let mut after = open();
    assert_eq!(
        said(&mut after, "USER bob\r\nPASS x\r\nSTAT\r\n"),
        "-ERR command not valid in this state\r\n-ERR command not valid in this state\r\n\
         +OK 2 42\r\n"
    );
}

/// R1939-3.16, R1939-3.17: only a complete command ends the waiting for one, so that a timer can be begun
/// anew with each and with nothing less.
#[test]
fn part_of_a_command_is_still_waited_for() {
    let mut session = in_transaction(ServerConfig::new());
    for octet in b"NOOP\r" {
        say(&mut session, &[*octet]);
        assert_eq!((session.poll_event(), session.waiting()), (None, Waiting::Command));
    }
    say(&mut session, b"\n");
    assert!(session.poll_event().is_some());
    assert_eq!(session.waiting(), Waiting::Response);
}

/// R1939-3.18, R1939-6.05: a session that is ended without QUIT, by a timer or by the client, is not in
/// UPDATE, removes nothing, and says nothing.
#[test]
fn an_end_without_quit_removes_nothing() {
    for eof in [Eof::Clean, Eof::Abrupt] {
        let mut server = open();
        said(&mut server, "DELE 1\r\nDELE 2\r\n");
        server.session.receive_eof(eof);
        assert_eq!(said(&mut server, ""), "");
        assert_eq!((server.closed, server.removed), (Some(false), None));
    }
    let mut server = open();
    said(&mut server, "DELE 1\r\n");
    server.session.abort();
    assert_eq!(said(&mut server, "QUIT\r\n"), "");
    assert_eq!((server.closed, server.removed), (Some(false), None));
}

/// R1939-3.07, R1939-3.08, R1939-3.19: multi-line responses are byte-stuffed and end with a dot on its own line.
#[test]
fn multi_line_responses_are_byte_stuffed_and_end() {
    let mut server = open();
    assert_eq!(
        said(&mut server, "RETR 1\r\n"),
        "+OK message follows\r\nSubject: tea\r\n\r\n..one\r\ntwo\r\nthree\r\n.\r\n"
    );
    for line in ["LIST\r\n", "UIDL\r\n", "CAPA\r\n", "TOP 1 0\r\n", "RETR 2\r\n"] {
        let out = said(&mut server, line);
        assert!(out.starts_with("+OK ") && out.ends_with("\r\n.\r\n"), "{out}");
        assert_eq!(out.matches("\r\n.\r\n").count(), 1);
    }
}

/// R1939-4.05: at least one way to authenticate.
#[test]
fn there_is_a_way_to_authenticate() {
    let mut config = ServerConfig::new();
    config.user_pass = false;
    let made = ServerSession::new(config, Channel::Tls, text("ready"));
    assert_eq!(made.err(), Some(ConfigError::NoAuthentication));
}

/// R1939-4.06, R1939-4.07: TRANSACTION is entered when the caller says that the maildrop is open and locked,
/// with nothing marked; if it cannot be, `-ERR` leaves the session in AUTHORIZATION.
#[test]
fn transaction_begins_once_the_maildrop_is_open() {
    let mut session = after_user(ServerConfig::new());
    say(&mut session, b"PASS x\r\n");
    assert!(session.poll_event().is_some());
    session.err(Some(pop3_proto::KnownCode::InUse), &text("locked")).expect("PASS waits");
    assert_eq!(written(&mut session), b"-ERR [IN-USE] locked\r\n");
    assert_eq!(session.state(), State::Authorization);
    let mut server = open();
    assert_eq!(said(&mut server, "STAT\r\nQUIT\r\n"), "+OK 2 42\r\n+OK bye\r\n");
    assert_eq!(server.removed, Some(Vec::new()));
}

/// R1939-4.01, R1939-4.08: messages are numbered from 1, in decimal, and keep their numbers.
#[test]
fn message_numbers_begin_at_1_and_stay() {
    let mut server = open();
    let list = said(&mut server, "LIST\r\n");
    assert_eq!(list, "+OK 2 messages (42 octets)\r\n1 34\r\n2 8\r\n.\r\n");
    said(&mut server, "DELE 1\r\n");
    assert_eq!(said(&mut server, "LIST\r\n"), "+OK 1 messages (8 octets)\r\n2 8\r\n.\r\n");
}

/// R1939-4.09: QUIT in AUTHORIZATION ends the session, and there is no UPDATE.
#[test]
fn quit_before_login_is_no_update() {
    let mut server = server();
    assert_eq!(said(&mut server, "USER alice\r\nQUIT\r\n").lines().last(), Some("+OK bye"));
    assert_eq!((server.closed, server.removed), (Some(false), None));
}

/// R1939-5.02, R1939-5.07: STAT says count and octets and nothing else, deleted messages in neither.
#[test]
fn stat_counts_what_is_not_deleted() {
    let mut server = open();
    let out = said(&mut server, "STAT\r\nDELE 1\r\nSTAT\r\n");
    assert_eq!(out, "+OK 2 42\r\n+OK message deleted\r\n+OK 1 8\r\n");
}

/// R1939-5.01, R1939-5.08: LIST with and without a message-number, and in an empty maildrop.
#[test]
fn list_gives_scan_listings() {
    let mut server = open();
    assert_eq!(said(&mut server, "LIST 2\r\n"), "+OK 2 8\r\n");
    said(&mut server, "DELE 1\r\nDELE 2\r\n");
    assert_eq!(said(&mut server, "LIST\r\n"), "+OK 0 messages (0 octets)\r\n.\r\n");
}

/// R1939-5.09, R1939-11.01, R1939-11.02, R1939-11.03, R6856-2.1.07: a size counts each line end as two and no stuffed
/// dot: it is what RETR gives once the dots are taken away again.
#[test]
fn a_size_is_what_retr_gives() {
    let mut server = open();
    let out = said(&mut server, "LIST 1\r\nRETR 1\r\n");
    let body = out.strip_prefix("+OK 1 34\r\n+OK message follows\r\n").expect("its size");
    let body = body.strip_suffix(".\r\n").expect("its end").replace("\r\n.", "\r\n");
    assert_eq!(body.len(), 34);
}

/// R1939-5.10: RETR gives the whole message, or `-ERR`.
#[test]
fn retr_gives_the_message_or_an_error() {
    let mut server = open();
    assert_eq!(said(&mut server, "RETR 2\r\n"), "+OK message follows\r\nsecond\r\n.\r\n");
    said(&mut server, "DELE 2\r\n");
    assert_eq!(
        said(&mut server, "RETR 2\r\nRETR 3\r\n"),
        "-ERR message already deleted\r\n-ERR no such message\r\n"
    );
}

/// R1939-5.11, R1939-5.12: DELE marks and removes nothing, the number is an error from then on, and RSET
/// takes the marks away. NOOP does nothing.
#[test]
fn dele_marks_and_rset_unmarks() {
    let mut server = open();
    assert_eq!(
        said(&mut server, "DELE 1\r\nDELE 1\r\nNOOP\r\nRSET\r\nSTAT\r\nLIST 1\r\n"),
        "+OK message deleted\r\n-ERR message already deleted\r\n+OK nothing done\r\n\
         +OK 2 messages (42 octets)\r\n+OK 2 42\r\n+OK 1 34\r\n"
    );
    assert_eq!(server.removed, None);
}

/// R1939-6.03, R1939-6.04: QUIT removes what is marked and nothing else, then answers, and the session ends in any case.
#[test]
fn quit_is_update() {
    let mut server = open();
    assert_eq!(said(&mut server, "DELE 2\r\nQUIT\r\n"), "+OK message deleted\r\n+OK bye\r\n");
    assert_eq!((server.closed, server.removed), (Some(true), Some(vec![2])));
    // Some could not be removed.
    let mut session = in_transaction(ServerConfig::new());
    say(&mut session, b"QUIT\r\nSTAT\r\n");
    assert!(session.poll_event().is_some());
    assert_eq!(session.state(), State::Update);
    session.err(None, &text("some deleted messages not removed")).expect("QUIT waits");
    assert_eq!(written(&mut session), b"-ERR some deleted messages not removed\r\n");
    assert_eq!(session.poll_event(), Some(Event::Closed { commit: true }));
}

/// R1939-7.11: the commands that every server has.
#[test]
fn the_mandatory_commands_are_there() {
    let mut config = ServerConfig::new();
    (config.top, config.uidl) = (false, false);
    let mut server = Server::new(config, vec![b"one".to_vec()]);
    said(&mut server, "USER alice\r\nPASS correct horse\r\n");
    for line in ["STAT", "LIST", "LIST 1", "RETR 1", "DELE 1", "NOOP", "RSET", "QUIT"] {
        let out = said(&mut server, &format!("{line}\r\n"));
        assert!(out.starts_with("+OK "), "{line}: {out}");
    }
}

/// R1939-7.12: TOP gives headers, blank line and so many lines, the whole message if it has no more.
#[test]
fn top_gives_the_top() {
    let mut server = open();
    let head = "+OK message follows\r\nSubject: tea\r\n\r\n";
    for (lines, body) in [
        (0, ""),
        (1, "..one\r\n"),
        (3, "..one\r\ntwo\r\nthree\r\n"),
        (9, "..one\r\ntwo\r\nthree\r\n"),
    ] {
        let out = said(&mut server, &format!("TOP 1 {lines}\r\n"));
        assert_eq!(out, format!("{head}{body}.\r\n"));
    }
}

/// R1939-7.01, R1939-7.13: UIDL gives number and unique-id and nothing else, deleted messages not.
#[test]
fn uidl_gives_unique_ids() {
    let mut server = open();
    assert_eq!(said(&mut server, "UIDL 2\r\n"), "+OK 2 id1\r\n");
    let out = said(&mut server, "DELE 1\r\nUIDL\r\nUIDL 1\r\n");
    assert_eq!(
        out,
        "+OK message deleted\r\n+OK 1 messages (8 octets)\r\n2 id1\r\n.\r\n\
         -ERR message already deleted\r\n"
    );
}

/// R1939-7.15, R1939-7.16, R1939-7.17: USER is accepted for whoever, PASS only right behind it, with
/// spaces in it; after a failure USER is legal again.
#[test]
fn user_then_pass() {
    let mut server = server();
    assert_eq!(
        said(&mut server, "USER nobody\r\nPASS x\r\nPASS correct horse\r\nUSER alice\r\n"),
        "+OK ready\r\n+OK password, please\r\n-ERR [AUTH] authentication failed\r\n\
         -ERR command not valid in this state\r\n+OK password, please\r\n"
    );
    assert_eq!(said(&mut server, "PASS correct horse\r\n"), "+OK maildrop open\r\n");
}

/// R1939-7.18, R1939-7.19: without a timestamp APOP is not offered, and no greeting looks as if it
/// were.
#[test]
fn apop_is_not_offered_without_a_timestamp() {
    let mut config = ServerConfig::new();
    config.apop = true;
    for greeting in ["ready <1896.697170952@dbc.mtview.ca.us>", "<a@b><c@d>", "<< x@y >"] {
        let made = ServerSession::new(config.clone(), Channel::Tls, text(greeting));
        assert_eq!(made.err(), Some(ConfigError::GreetingTimestamp), "{greeting}");
    }
    let mut session = ServerSession::new(config, Channel::Tls, text("ready @ <home>"))
        .expect("a way to authenticate");
    assert_eq!(session.timestamp(), None);
    written(&mut session);
    say(&mut session, b"CAPA\r\nAPOP alice c4c9334bac560ecc979e58001b3e22fb\r\n");
    assert!(matches!(session.poll_event(), Some(Event::Rejected(_))));
    session.reject().expect("it waits");
    let out = written(&mut session);
    assert!(out.ends_with(b".\r\n-ERR command not supported\r\n"));
    assert!(!out.windows(4).any(|word| word == b"APOP"));
}

/// R1939-13.02: APOP is there only if it was switched on, and where PASS is too, the back end opens a mailbox
/// to the one or to the other.
#[cfg(feature = "md5")]
#[test]
fn a_mailbox_is_open_to_pass_or_to_apop() {
    let mrose = |mailbox: &Mailbox| mailbox.as_str() == "mrose";
    let back_end = |question: &Question| match question {
        Question::Secret { mailbox } if mrose(mailbox) => Answer::Secret(Secret::new("tanstaaf")),
        Question::Verify { mailbox, .. } if !mrose(mailbox) => Answer::Accepted,
        _ => Answer::Refused,
    };
    let opened = |config: ServerConfig, lines: &str| {
        let timestamp = ApopTimestamp::new("<1896.697170952@dbc.mtview.ca.us>").expect("a msg-id");
        let made = ServerSession::with_timestamp(config, Channel::Tls, text("ready"), timestamp);
        let (mut session, mut login) = (made.expect("a way"), Login::new());
        say(&mut session, lines.as_bytes());
        written(&mut session);
        while let Some(event) = session.poll_event() {
            let mut turn = login.take(&mut session, event).expect("it waits");
            if let Turn::Ask(question) = turn {
                turn = login.answer(&mut session, back_end(&question)).expect("it waits");
            }
            match turn {
                Turn::Open(identity) => return Some(identity.authorization.to_string()),
                Turn::Other(Event::Rejected(_)) => session.reject().expect("it waits"),
                turn => assert_eq!(turn, Turn::Answered),
            }
        }
        None
    };
    let mut both = ServerConfig::new();
    both.apop = true;
    for (name, by_pass, by_apop) in [("mrose", false, true), ("alice", true, false)] {
        let pass = format!("USER {name}\r\nPASS tanstaaf\r\n");
        let apop = format!("APOP {name} {DIGEST}\r\n");
        assert_eq!(opened(both.clone(), &pass), by_pass.then(|| name.into()));
        assert_eq!(opened(both.clone(), &apop), by_apop.then(|| name.into()));
        assert_eq!(opened(ServerConfig::new(), &apop), None);
    }
}
