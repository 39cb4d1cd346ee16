//! What Outlook demands of a server, and our server against the octets that Outlook sends.

use pop3_proto::client::Channel;
use pop3_proto::server::{ConfigError, Entry, Maildrop, ServerConfig, ServerSession};
use pop3_proto::state::State;
use pop3_proto::{Capability, MechanismName};

use crate::server_support::{Server, say, session, text, unique_id, written};

const LOGIN: &str = "USER alice\r\nPASS correct horse\r\n";
const LOGGED_IN: &str = "+OK password, please\r\n+OK maildrop open\r\n";

fn messages() -> Vec<Vec<u8>> {
    vec![b"A: b\n\n.\n..c\nd\n".to_vec(), b"A: c\r\n\r\nx".to_vec()]
}

/// A server that has greeted and holds two messages, of 19 and 11 octets.
fn server() -> Server {
    let mut server = Server::new(ServerConfig::new(), messages());
    assert_eq!(written(&mut server.session), b"+OK ready\r\n");
    server
}

impl Server {
    /// What it says to these lines.
    fn hears(&mut self, lines: &str) -> String {
        String::from_utf8(self.converse(lines.as_bytes())).expect("ASCII")
    }
}

/// A server to which Outlook has logged in.
fn logged_in() -> Server {
    let mut server = server();
    assert_eq!(server.hears(LOGIN), LOGGED_IN);
    server
}

const RETR: &str = "+OK message follows\r\nA: b\r\n\r\n..\r\n...c\r\nd\r\n.\r\n";

/// Each line that Outlook sends in a whole session, and the answer.
const SESSION: [(&str, &str); 13] = [
    (
        "CAPA\r\n",
        "+OK capability list follows\r\nTOP\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\n.\r\n",
    ),
    ("USER alice\r\n", "+OK password, please\r\n"),
    ("PASS correct horse\r\n", "+OK maildrop open\r\n"),
    ("STAT\r\n", "+OK 2 30\r\n"),
    ("UIDL\r\n", "+OK 2 messages (30 octets)\r\n1 id0\r\n2 id1\r\n.\r\n"),
    ("LIST\r\n", "+OK 2 messages (30 octets)\r\n1 19\r\n2 11\r\n.\r\n"),
    ("TOP 1 1\r\n", "+OK message follows\r\nA: b\r\n\r\n..\r\n.\r\n"),
    ("RETR 1\r\n", RETR),
    ("RETR 3\r\n", "-ERR no such message\r\n"),
    ("DELE 1\r\n", "+OK message deleted\r\n"),
    ("DELE 1\r\n", "-ERR message already deleted\r\n"),
    ("NOOP\r\n", "+OK nothing done\r\n"),
    ("QUIT\r\n", "+OK bye\r\n"),
];

/// C0002: the greeting waits to be written before anything has come, and nothing has to come for it.
#[test]
fn the_greeting_is_the_first_thing() {
    let mut session = session(ServerConfig::new());
    assert_eq!(session.poll_event(), None);
    assert!(session.wants_write());
    assert_eq!(written(&mut session), b"+OK ready\r\n");
    assert_eq!(written(&mut session), b"");
}

/// C0004, C0005, C0006, C0014: each line of a session has its answer before the next one comes, neither more nor less:
/// a line, or lines and one with the termination octet, all of which end in CRLF. Part of a line has none.
#[test]
fn each_command_is_answered_at_once() {
    let mut server = server();
    for (command, answer) in SESSION {
        let (part, end) = command.split_at(command.len() - 1);
        assert_eq!(server.hears(part), "", "{part:?}");
        assert_eq!(server.hears(end), answer);
        for line in answer.split_inclusive('\n') {
            let text = line.strip_suffix("\r\n").expect("CRLF");
            assert!(!text.contains(['\r', '\n']), "{line:?}");
        }
    }
    assert_eq!((server.removed, server.closed), (Some(vec![1]), Some(true)));
}

/// C0014: what is no command, or none that may be said now, is answered too, by one line each.
#[test]
fn what_is_wrong_is_answered_too() {
    let long = "x".repeat(600);
    for line in ["", " ", "XTND", "AUTH NTLM", "RETR", "RETR 0", "TOP 1", "USER bob", &long] {
        for (mut server, noop) in
            [(server(), "-ERR not now\r\n"), (logged_in(), "+OK nothing done\r\n")]
        {
            let answer = server.hears(&format!("{line}\r\n"));
            let expected =
                if line == "USER bob" && noop.starts_with('-') { "+OK " } else { "-ERR " };
            assert!(answer.starts_with(expected), "{line:?}: {answer:?}");
            assert_eq!(answer.find("\r\n"), Some(answer.len() - 2), "{line:?}: {answer:?}");
            assert_eq!(&server.hears("NOOP\r\n")[..4], &noop[..4]);
        }
    }
}

/// C0003, C0004: one space stands between a keyword and its arguments, none behind them, and nothing but printable
/// ASCII; what ends in LF alone is no line. The name of a mailbox that is not ASCII is refused as well.
#[test]
fn lines_that_outlook_does_not_send() {
    for line in [
        "RETR  1",
        "RETR\t1",
        "RETR 1 ",
        " RETR 1",
        "RETR 1\t",
        "RETR 1\x01",
        "RETR 1\x7f",
        "RETR 1\0",
        "STAT\u{e4}",
        "DELE  1",
        "TOP 1  1",
        "TOP  1 1",
    ] {
        let mut server = logged_in();
        let answer = server.hears(&format!("{line}\r\n"));
        assert!(answer.starts_with("-ERR ") && answer.ends_with("\r\n"), "{line:?}: {answer}");
        assert_eq!(server.hears("STAT\r\n"), "+OK 2 30\r\n", "{line:?}");
    }
    assert!(server().hears("USER j\u{fc}rgen\r\n").starts_with("-ERR "));
    let mut server = logged_in();
    let answer = server.hears("DELE 1\nDELE 2\r\nQUIT\r\n");
    assert!(answer.starts_with("-ERR ") && answer.matches('\n').count() == 1, "{answer}");
    assert_eq!((server.removed, server.closed), (None, Some(false)));
}

/// V0001: status indicators are in upper case, `+OK` for yes and `-ERR` for no, for whom asks in whatever case.
#[test]
fn status_indicators_are_in_upper_case() {
    let mut server = server();
    for (command, answer) in SESSION {
        let mut command = command.to_owned();
        command[..4].make_ascii_lowercase();
        let said = server.hears(&command);
        assert_eq!(said, answer);
        assert!(said.starts_with("+OK ") || said.starts_with("-ERR "), "{said}");
    }
}

/// V0002: no line of LIST, UIDL and CAPA begins with the termination octet but the last one, whatever the unique-ids and
/// the capabilities are; in a message it is doubled.
#[test]
fn only_the_last_line_of_a_listing_begins_with_the_termination_octet() {
    let mut config = ServerConfig::new();
    config.capabilities = vec![Capability::new("IMPLEMENTATION", &[".x"]).unwrap()];
    config.mechanisms = vec![MechanismName::PLAIN];
    let mut session = crate::server_support::in_transaction(config);
    let entries = [".", "..", ".x"].map(|id| Entry::new(3, unique_id(id)));
    let mut maildrop = Maildrop::new(entries.to_vec()).unwrap();
    for (command, lines) in [("CAPA", None), ("LIST", Some(3)), ("UIDL", Some(3))] {
        say(&mut session, format!("{command}\r\n").as_bytes());
        if let Some(pop3_proto::server::Event::Command(command)) = session.poll_event() {
            let _ = maildrop.answer(&command, &mut session).unwrap();
        }
        let said = String::from_utf8(written(&mut session)).unwrap();
        let dotted: Vec<_> = said.split("\r\n").filter(|line| line.starts_with('.')).collect();
        assert_eq!(dotted, ["."], "{said}");
        assert!(said.ends_with("\r\n.\r\n"));
        assert!(lines.is_none_or(|lines| said.matches("\r\n").count() == lines + 2), "{said}");
    }
    assert!(Capability::new(".X", &[]).is_err());
    assert_eq!(logged_in().hears("RETR 1\r\n"), RETR);
}

/// C0008, C0016, C0018, C0025, C0028, C0033, C0035, V0005: who is not logged in is refused each command of TRANSACTION,
/// before USER and behind it.
#[test]
fn commands_of_transaction_are_refused_before_the_login() {
    for command in ["STAT", "LIST", "DELE 1", "NOOP", "TOP 1 1", "UIDL", "RETR 1", "RSET"] {
        for before in ["", "USER alice\r\n"] {
            let mut server = server();
            server.hears(before);
            let answer = server.hears(&format!("{command}\r\n"));
            assert!(
                answer.starts_with("-ERR ") && !answer.contains("\r\n."),
                "{command}: {answer}"
            );
            assert_eq!(server.hears(LOGIN), LOGGED_IN);
            assert_eq!(server.hears("STAT\r\n"), "+OK 2 30\r\n", "{command} did something");
        }
    }
}

/// C0009, OX-27: a server to which nobody could log in does not come to be; a channel without credentials in clear is one
/// unless STLS leads away from it.
#[test]
fn a_server_has_a_way_to_log_in() {
    let made = |set: fn(&mut ServerConfig), channel| {
        let mut config = ServerConfig::new();
        set(&mut config);
        ServerSession::new(config, channel, text("ready")).map(|_| ())
    };
    let none = Err(ConfigError::NoAuthentication);
    for channel in [Channel::Clear, Channel::Tls, Channel::Trusted] {
        assert_eq!(made(|config| config.user_pass = false, channel), none);
    }
    assert_eq!(made(|_| {}, Channel::Clear), none);
    assert_eq!(made(|config| config.stls = true, Channel::Clear), Ok(()));
    assert_eq!(made(|config| config.plaintext = true, Channel::Clear), Ok(()));
    assert_eq!(made(|_| {}, Channel::Tls), Ok(()));
}

/// C0010, C0045: after a refusal the connection stays, for another attempt and for QUIT, of which the client chooses.
#[test]
fn a_refused_login_leaves_both_ways_open() {
    let refused = "+OK password, please\r\n-ERR [AUTH] authentication failed\r\n";
    for wrong in ["USER alice\r\nPASS wrong\r\n", "USER nobody\r\nPASS correct horse\r\n"] {
        let mut server = server();
        assert_eq!(server.hears(wrong), refused);
        assert_eq!(server.hears(LOGIN), LOGGED_IN);
        let mut server = super::server::server();
        assert_eq!(server.hears(wrong), refused);
        assert_eq!(server.hears("QUIT\r\n"), "+OK bye\r\n");
        assert_eq!((server.removed, server.closed), (None, Some(false)));
    }
    // Directly behind USER, too, there is QUIT.
    assert_eq!(server().hears("USER alice\r\nQUIT\r\n"), "+OK password, please\r\n+OK bye\r\n");
}

/// C0042, C0043, C0044, C0046, C0047: USER has a name and PASS a password, PASS comes directly behind USER, and neither
/// comes after the login.
#[test]
fn user_and_pass_stand_next_to_one_another() {
    for lines in [
        "PASS correct horse\r\n",
        "USER alice\r\nPASS wrong\r\nPASS correct horse\r\n",
        "USER alice\r\nCAPA\r\nPASS correct horse\r\n",
        "USER alice\r\nNOOP\r\nPASS correct horse\r\n",
        "USER alice\r\nUSER alice\r\nPASS correct horse\r\n",
        "USER\r\nPASS correct horse\r\n",
        "USER \r\nPASS correct horse\r\n",
        "USER alice b\r\nPASS correct horse\r\n",
        "USER alice\r\nPASS\r\n",
        "USER alice\r\nPASS \r\n",
    ] {
        let mut server = server();
        let answer = server.hears(lines);
        assert_eq!(server.session.state(), State::Authorization, "{lines}");
        assert!(answer.lines().last().unwrap().starts_with("-ERR "), "{lines}: {answer}");
    }
    for line in ["USER alice\r\n", "PASS correct horse\r\n"] {
        assert!(logged_in().hears(line).starts_with("-ERR "));
    }
}

/// C0011: the first message is 1, the second 2, and they stay so when one before them is marked.
#[test]
fn messages_are_numbered_from_one_on() {
    let mut server =
        Server::new(ServerConfig::new(), (0..12).map(|_| b"A: b\r\n".to_vec()).collect());
    written(&mut server.session);
    server.hears(LOGIN);
    let numbers = |said: &str| -> Vec<u32> {
        let lines = said.lines().skip(1).take_while(|line| *line != ".");
        lines.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
    };
    let all: Vec<u32> = (1..=12).collect();
    for command in ["LIST\r\n", "UIDL\r\n"] {
        assert_eq!(numbers(&server.hears(command)), all);
    }
    server.hears("DELE 1\r\nDELE 11\r\n");
    let kept: Vec<u32> = all.into_iter().filter(|number| ![1, 11].contains(number)).collect();
    for command in ["LIST\r\n", "UIDL\r\n"] {
        assert_eq!(numbers(&server.hears(command)), kept);
    }
    assert!(server.hears("RETR 12\r\n").starts_with("+OK "));
    assert!(server.hears("RETR 13\r\n").starts_with("-ERR "));
}

/// C0012, C0015, C0027, C0030: QUIT in both states, STAT and NOOP have no arguments; with one they do nothing.
#[test]
fn commands_that_have_no_arguments() {
    for line in ["QUIT 1\r\n", "QUIT now please\r\n", "STAT 1\r\n", "NOOP x\r\n", "QUIT \r\n"] {
        let mut server = logged_in();
        server.hears("DELE 1\r\n");
        let answer = server.hears(line);
        assert!(answer.starts_with("-ERR "), "{line}: {answer}");
        assert_eq!((server.session.state(), &server.removed), (State::Transaction, &None));
        assert_eq!(server.hears("QUIT\r\n"), "+OK bye\r\n");
        assert_eq!(server.removed, Some(vec![1]));
    }
    let mut server = server();
    assert!(server.hears("QUIT 1\r\n").starts_with("-ERR "));
    assert_eq!(server.hears(LOGIN), LOGGED_IN);
}

/// C0013: each command of TRANSACTION is answered again and again, the same where nothing was marked.
#[test]
fn commands_of_transaction_repeat() {
    let mut server = logged_in();
    for (command, answer) in &SESSION[3..9] {
        assert_eq!(server.hears(&command.repeat(3)), answer.repeat(3));
    }
    assert_eq!(server.hears(&"NOOP\r\n".repeat(25)), "+OK nothing done\r\n".repeat(25));
}

/// C0024, C0032, V0004: DELE and RETR without a message-number, and TOP without both of its arguments, or with one
/// that is none, are refused and do nothing.
#[test]
fn commands_that_have_arguments() {
    for line in [
        "DELE",
        "DELE ",
        "DELE 0",
        "DELE x",
        "DELE -1",
        "DELE 1 2",
        "RETR",
        "RETR ",
        "RETR 0",
        "RETR x",
        "RETR 1 2",
        "TOP",
        "TOP 1",
        "TOP 1 ",
        "TOP 1 -1",
        "TOP 0 1",
        "TOP 1 x",
        "TOP 1 1 1",
    ] {
        let mut server = logged_in();
        let answer = server.hears(&format!("{line}\r\n"));
        assert!(answer.starts_with("-ERR ") && answer.matches("\r\n").count() == 1, "{line}");
        assert_eq!(server.hears("STAT\r\n"), "+OK 2 30\r\n", "{line}");
    }
}

/// C0017, C0020, C0021, C0037, C0038: `+OK`, the number of messages and their octets; message-number and octets;
/// message-number and unique-id, a line for each message: one space between them, which is what one or more are for
/// Outlook, and nothing behind.
#[test]
fn listings_have_their_format() {
    let mut server = logged_in();
    assert_eq!(server.hears("STAT\r\n"), "+OK 2 30\r\n");
    let lines = |said: &str| -> Vec<String> { said.lines().skip(1).map(str::to_owned).collect() };
    assert_eq!(lines(&server.hears("LIST\r\n")), ["1 19", "2 11", "."]);
    assert_eq!(lines(&server.hears("UIDL\r\n")), ["1 id0", "2 id1", "."]);
    server.hears("DELE 1\r\n");
    assert_eq!(server.hears("STAT\r\n"), "+OK 1 11\r\n");
    assert_eq!(lines(&server.hears("LIST\r\n")), ["2 11", "."]);
    assert_eq!(lines(&server.hears("UIDL\r\n")), ["2 id1", "."]);
    server.hears("DELE 2\r\n");
    assert_eq!(server.hears("STAT\r\n"), "+OK 0 0\r\n");
}

/// V0003, V0007, C0019, C0036: Outlook does not ask for one message; who does gets one line, for that message.
#[test]
fn one_line_answers_a_message_number() {
    let mut server = logged_in();
    assert_eq!(server.hears("LIST 2\r\n"), "+OK 2 11\r\n");
    assert_eq!(server.hears("UIDL 2\r\n"), "+OK 2 id1\r\n");
    for line in ["LIST 3\r\n", "UIDL 3\r\n", "LIST x\r\n", "UIDL 0\r\n"] {
        let answer = server.hears(line);
        assert!(answer.starts_with("-ERR ") && answer.matches("\r\n").count() == 1, "{answer}");
    }
}

/// C0020, C0022, C0034, C0037: LIST, RETR, TOP and UIDL are answered by several lines if the answer is positive, also
/// where there is nothing to list, and by one if it is not.
#[test]
fn several_lines_answer_what_lists_or_reads() {
    let mut server = logged_in();
    for command in ["LIST\r\n", "UIDL\r\n", "RETR 2\r\n", "TOP 2 0\r\n", "TOP 2 9\r\n"] {
        let answer = server.hears(command);
        assert!(answer.starts_with("+OK ") && answer.ends_with("\r\n.\r\n"), "{command}{answer}");
    }
    for command in ["RETR 3\r\n", "TOP 3 0\r\n"] {
        assert_eq!(server.hears(command), "-ERR no such message\r\n");
    }
    server.hears("DELE 1\r\nDELE 2\r\n");
    for command in ["LIST\r\n", "UIDL\r\n"] {
        assert_eq!(server.hears(command), "+OK 0 messages (0 octets)\r\n.\r\n");
    }
}

/// C0023, C0034: RETR sends the message with that number, whole; TOP its headers, the blank line and as many lines of
/// the body as were asked for, or as there are.
#[test]
fn messages_are_those_that_were_asked_for() {
    let mut server = logged_in();
    assert_eq!(server.hears("RETR 1\r\n"), RETR);
    assert_eq!(server.hears("RETR 2\r\n"), "+OK message follows\r\nA: c\r\n\r\nx\r\n.\r\n");
    let head = "+OK message follows\r\nA: b\r\n\r\n";
    for (lines, body) in [
        ("0", ""),
        ("1", "..\r\n"),
        ("2", "..\r\n...c\r\n"),
        ("3", "..\r\n...c\r\nd\r\n"),
        ("18446744073709551615", "..\r\n...c\r\nd\r\n"),
    ] {
        assert_eq!(server.hears(&format!("TOP 1 {lines}\r\n")), format!("{head}{body}.\r\n"));
    }
}

/// C0026, MS-2.3: what DELE has marked is an error for every command that names it. That is the one error there is
/// beside RFC 1939's own, and the session goes on behind it; the message goes with QUIT.
#[test]
fn a_marked_message_cannot_be_named() {
    let mut server = logged_in();
    assert_eq!(server.hears("DELE 1\r\n"), "+OK message deleted\r\n");
    for command in ["DELE 1", "RETR 1", "TOP 1 0", "LIST 1", "UIDL 1"] {
        let answer = server.hears(&format!("{command}\r\n"));
        assert_eq!(answer, "-ERR message already deleted\r\n", "{command}");
    }
    assert_eq!(server.hears("RETR 2\r\n"), "+OK message follows\r\nA: c\r\n\r\nx\r\n.\r\n");
    assert_eq!(server.hears("QUIT\r\n"), "+OK bye\r\n");
    assert_eq!(server.removed, Some(vec![1]));
}

/// C0029: NOOP is answered `+OK` and does nothing.
#[test]
fn noop_does_nothing() {
    let mut server = logged_in();
    server.hears("DELE 1\r\n");
    assert_eq!(server.hears("NOOP\r\n"), "+OK nothing done\r\n");
    assert_eq!(
        server.hears("STAT\r\nNOOP\r\nSTAT\r\n"),
        "+OK 1 11\r\n+OK nothing done\r\n+OK 1 11\r\n"
    );
}

/// C0031, V0006: every server has STAT, LIST, RETR, DELE, NOOP, RSET and QUIT, however little it is configured to
/// offer; RSET, though Outlook never sends it, unmarks.
#[test]
fn the_required_commands_are_always_there() {
    let mut config = ServerConfig::new();
    (config.top, config.uidl) = (false, false);
    let mut server = Server::new(config, messages());
    written(&mut server.session);
    assert_eq!(server.hears(LOGIN), LOGGED_IN);
    for (command, answer) in [
        ("STAT\r\n", "+OK 2 30\r\n"),
        ("LIST\r\n", "+OK 2 messages (30 octets)\r\n1 19\r\n2 11\r\n.\r\n"),
        ("LIST 1\r\n", "+OK 1 19\r\n"),
        ("RETR 1\r\n", RETR),
        ("DELE 1\r\n", "+OK message deleted\r\n"),
        ("NOOP\r\n", "+OK nothing done\r\n"),
        ("RSET\r\n", "+OK 2 messages (30 octets)\r\n"),
        ("STAT\r\n", "+OK 2 30\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ] {
        assert_eq!(server.hears(command), answer);
    }
    assert_eq!(server.removed, Some(Vec::new()));
}

/// C0041: two messages may have one unique-id; each is listed and read under its own number.
#[test]
fn two_copies_with_one_unique_id() {
    let mut session = crate::server_support::in_transaction(ServerConfig::new());
    let entries = vec![Entry::new(3, unique_id("same")), Entry::new(3, unique_id("same"))];
    let mut maildrop = Maildrop::new(entries).unwrap();
    for (line, answer) in [
        ("UIDL\r\n", "+OK 2 messages (6 octets)\r\n1 same\r\n2 same\r\n.\r\n"),
        ("DELE 1\r\n", "+OK message deleted\r\n"),
        ("UIDL\r\n", "+OK 1 messages (3 octets)\r\n2 same\r\n.\r\n"),
    ] {
        say(&mut session, line.as_bytes());
        let Some(pop3_proto::server::Event::Command(command)) = session.poll_event() else {
            panic!("{line}");
        };
        let _ = maildrop.answer(&command, &mut session).unwrap();
        assert_eq!(written(&mut session), answer.as_bytes());
    }
}

/// C0039: a server sends unique-ids of 70 octets at most.
#[test]
fn unique_ids_have_at_most_seventy_octets() {
    let long = |octets: usize| {
        let id = pop3_proto::UniqueId::lenient("x".repeat(octets).as_bytes()).unwrap();
        Maildrop::new(vec![Entry::new(1, id)]).map(|_| ())
    };
    assert_eq!(long(70), Ok(()));
    assert_eq!(long(1), Ok(()));
    assert!(long(71).is_err());
    for octets in [&b""[..], b" ", b"a b", b"a\x7f", b"\xe4"] {
        assert!(pop3_proto::UniqueId::new(octets).is_err(), "{octets:?}");
    }
}

/// V0008, OX-28: APOP, which Outlook does not have, is refused unless it is offered, and who offers it still has USER and PASS.
#[test]
fn apop_is_not_needed() {
    let apop = "APOP alice c4c9334bac560ecc979e58001b3e22fb\r\n";
    let mut server = server();
    assert!(server.hears(apop).starts_with("-ERR "));
    assert_eq!(server.hears(LOGIN), LOGGED_IN);
    let mut config = ServerConfig::new();
    config.apop = true;
    let stamp = pop3_proto::ApopTimestamp::new("<1.2@example>").unwrap();
    let mut session =
        ServerSession::with_timestamp(config, Channel::Trusted, text("ready"), stamp).unwrap();
    let held = crate::server_support::Dialogue::hold(&mut session, &[LOGIN.as_bytes()]);
    assert_eq!(held.state, Some(State::Transaction));
}
