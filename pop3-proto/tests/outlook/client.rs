//! What Outlook sends and when: `ClientConfig::outlook`.

use pop3_proto::client::{Channel, ClientConfig, Security, SendError, SendPolicy};
use pop3_proto::state::{Keyword, State};
use pop3_proto::{Command, InvalidValue, Mailbox, MessageNumber, Password, RawFraming};

use crate::support::{
    GREETED, GREETING, Run, Step, apop, dele, encoded, expect, number, pass, retr, s, user,
};

pub(crate) fn outlook() -> ClientConfig {
    ClientConfig::outlook(Security::PlaintextAllowed)
}

pub(crate) fn top(message: u32, lines: u64) -> Command {
    Command::Top { message: number(message), lines }
}

/// What Outlook sends in TRANSACTION: all but LIST and UIDL with a message-number, and RSET.
pub(crate) fn in_transaction() -> [Command; 7] {
    [
        Command::Stat,
        Command::Uidl(None),
        Command::List(None),
        top(1, 0),
        retr(1),
        dele(1),
        Command::Noop,
    ]
}

/// Sends each command, which is answered with one positive line, or with none behind it.
fn converse(run: &mut Run, commands: &[Command]) {
    for command in commands {
        run.send(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
        run.feed(match command {
            Command::Stat => b"+OK 2 320\r\n",
            Command::Retr(_) | Command::Top { .. } | Command::List(None) | Command::Uidl(None) => {
                b"+OK\r\n.\r\n"
            }
            _ => b"+OK\r\n",
        });
    }
}

/// C0003, C0004, V0003, V0007: the octets of a whole session. Each command is a line of printable ASCII that ends in
/// CRLF, its arguments behind one space each.
#[test]
fn the_octets_of_a_session() {
    for config in [outlook(), ClientConfig::strict(Security::PlaintextAllowed)] {
        let mut run = Run::greeted(config);
        converse(&mut run, &[user("mrose"), pass("tan staaf")]);
        converse(&mut run, &in_transaction());
        converse(&mut run, &[Command::Quit]);
        assert_eq!(
            run.sent.escape_ascii().to_string(),
            r"USER mrose\r\nPASS tan staaf\r\nSTAT\r\nUIDL\r\nLIST\r\nTOP 1 0\r\nRETR 1\r\nDELE 1\r\nNOOP\r\nQUIT\r\n"
        );
        assert_eq!(run.session.state(), State::Closed);
    }
}

/// C0003: nothing but printable ASCII stands in a command, and nothing ends its line but its own CRLF. What goes
/// beyond ASCII under other policies (RFC 6856 §2.2, passwords that exist) does not leave under this one.
#[test]
fn nothing_but_printable_ascii_is_sent() {
    for text in ["a\r\nDELE 1", "a\nb", "a\rb", "a\0b", "a\tb", "a\x7fb", "a\x1bb", "a\u{e4}"] {
        let refused = InvalidValue::ForbiddenOctet { at: 1 };
        assert_eq!(Mailbox::new(text).unwrap_err(), refused, "{text:?}");
        assert_eq!(Password::new(text).unwrap_err(), refused, "{text:?}");
        let raw = Command::raw(text, RawFraming::SingleLine);
        assert_eq!(raw.unwrap_err(), refused, "{text:?}");
    }
    let announced = [
        s(GREETING),
        Step::C(Command::Capa),
        s("+OK\r\nUSER\r\nUTF8 USER\r\n.\r\n"),
        Step::C(user("mrose")),
        s("+OK\r\n"),
    ];
    let (before_user, after_user) = (&announced[..3], &announced[..]);
    let name = Command::User(Mailbox::utf8("j\u{fc}rgen").unwrap());
    let passwords = [&b"tan\tstaaf"[..], b"st\xe4\xe4f", b"\x7f"];
    let mut all = outlook();
    all.send_policy = SendPolicy::all();
    for (config, refused) in [(outlook(), true), (all, false)] {
        let sent = |script: &[Step], command: Command| {
            let mut run = Run::new(config, Channel::Clear);
            run.run(script, crate::support::Cut::Whole);
            run.sent.clear();
            let taken = run.send(&command).map(|_| ());
            let forbidden = SendError::Forbidden(command.keyword().unwrap());
            assert_eq!(taken, if refused { Err(forbidden) } else { Ok(()) });
            assert_eq!(run.sent, if refused { Vec::new() } else { encoded(&command) });
        };
        sent(before_user, name.clone());
        for password in passwords {
            sent(after_user, Command::Pass(Password::opaque(password).unwrap()));
        }
    }
    // What is printable ASCII leaves, whichever way it was made.
    let mut run = Run::greeted(outlook());
    let mailbox = Command::User(Mailbox::utf8("mrose").unwrap());
    converse(&mut run, &[mailbox, Command::Pass(Password::opaque(b"tan staaf").unwrap())]);
    assert_eq!(run.session.state(), State::Transaction);
}

/// C0007, C0043: nothing leaves before the greeting is in; then the client identifies itself.
#[test]
fn the_greeting_comes_first() {
    let mut run = Run::new(outlook(), Channel::Clear);
    for part in ["", "+OK POP3 server", " ready\r"] {
        run.feed(part.as_bytes());
        for command in [user("mrose"), Command::Capa, Command::Quit, Command::Stat] {
            assert_eq!(run.send(&command), Err(SendError::BeforeGreeting), "{part}");
        }
    }
    assert_eq!((run.sent.len(), run.take_trace().len()), (0, 0));
    run.feed(b"\n");
    assert_eq!(run.take_trace(), ["greeting + \"POP3 server ready\""]);
    assert!(run.send(&user("mrose")).is_ok());
    assert_eq!(run.sent, b"USER mrose\r\n");
}

/// C0008, C0016, C0018, C0025, C0028, C0033, C0035, V0005: before it is logged in the client sends none of STAT, LIST,
/// DELE, NOOP, TOP, UIDL and RETR; then it does; and behind QUIT it sends nothing at all.
#[test]
fn commands_of_transaction_wait_for_the_login() {
    for config in [outlook(), ClientConfig::strict(Security::PlaintextAllowed)] {
        for command in in_transaction() {
            let early =
                SendError::WrongState { keyword: command.keyword(), state: State::Authorization };
            let mut run = Run::greeted(config);
            assert_eq!(run.send(&command), Err(early.clone()));
            run.send(&user("mrose")).unwrap();
            run.feed(b"+OK\r\n");
            assert_eq!(run.send(&command), Err(early));
            assert_eq!(run.sent, b"USER mrose\r\n", "{command:?}");
            run.send(&pass("tan staaf")).unwrap();
            run.feed(b"+OK\r\n");
            run.sent.clear();
            assert!(run.send(&command).is_ok(), "{command:?}");
            assert_eq!(run.sent, encoded(&command));

            let mut run = Run::in_transaction(config);
            run.send(&Command::Quit).unwrap();
            assert_eq!(run.send(&command), Err(SendError::Over));
            assert_eq!(run.sent, b"QUIT\r\n");
        }
    }
}

/// C0010, C0045: a client that was refused, at USER or at PASS, begins anew or says QUIT; nothing is removed by that.
#[test]
fn a_refused_login_leaves_both_ways_open() {
    let (name, password) = (Step::C(user("mrose")), Step::C(pass("tan staaf")));
    let (yes, no) = (s("+OK\r\n"), s("-ERR no\r\n"));
    let refused_name = [s(GREETING), name.clone(), no.clone()];
    let refused_password = [s(GREETING), name.clone(), yes.clone(), password.clone(), no.clone()];
    let at_user = [GREETED, "#0 completed - \"no\""];
    let at_pass = [GREETED, "#0 completed + \"\"", "#1 completed - \"no\""];
    for (script, lines) in [(&refused_name[..], &at_user[..]), (&refused_password, &at_pass)] {
        let id = lines.len() - 1;
        let again = [name.clone(), yes.clone(), password.clone(), yes.clone()];
        let run = expect(
            outlook(),
            &[script, &again].concat(),
            &[
                lines,
                &[&format!("#{id} completed + \"\""), &format!("#{} completed + \"\"", id + 1)],
            ]
            .concat(),
        );
        assert_eq!(run.session.state(), State::Transaction);
        let quit = [Step::C(Command::Quit), yes.clone()];
        let bye = format!("#{id} completed + \"\"");
        expect(
            outlook(),
            &[script, &quit].concat(),
            &[lines, &[&bye, "closed NotRequested"]].concat(),
        );
    }
}

/// C0043, C0044, C0045, C0047: USER, then PASS directly behind its `+OK`, or QUIT, and nothing else; what is refused
/// begins with USER again; and neither is sent once logged in.
#[test]
fn user_and_pass_stand_next_to_one_another() {
    let out_of_place =
        |command: &Command, state| Err(SendError::WrongState { keyword: command.keyword(), state });
    for config in [outlook(), ClientConfig::strict(Security::PlaintextAllowed)] {
        let (name, password) = (user("mrose"), pass("tan staaf"));
        let authorization = State::Authorization;
        let mut run = Run::greeted(config);
        assert_eq!(run.send(&password), out_of_place(&password, authorization));
        run.send(&name).unwrap();
        // Its answer decides.
        assert_eq!(run.send(&password), Err(SendError::Barrier { keyword: Keyword::User }));
        run.feed(b"-ERR who\r\n");
        assert_eq!(run.send(&password), out_of_place(&password, authorization));
        converse(&mut run, std::slice::from_ref(&name));
        for command in [name.clone(), Command::Capa, Command::Stls, Command::Noop] {
            assert_eq!(run.send(&command), out_of_place(&command, authorization));
        }
        run.send(&password).unwrap();
        assert_eq!(run.send(&Command::Stat), Err(SendError::Barrier { keyword: Keyword::Pass }));
        run.feed(b"-ERR wrong\r\n");
        assert_eq!(run.send(&password), out_of_place(&password, authorization));
        converse(&mut run, &[name.clone(), password.clone()]);
        for command in [name, password] {
            assert_eq!(run.send(&command), out_of_place(&command, State::Transaction));
        }
        assert_eq!(
            run.sent,
            b"USER mrose\r\nUSER mrose\r\nPASS tan staaf\r\nUSER mrose\r\nPASS tan staaf\r\n"
        );
        let mut run = Run::greeted(config);
        converse(&mut run, &[user("mrose"), Command::Quit]);
        assert_eq!(run.session.state(), State::Closed);
    }
}

/// C0012, C0015, C0027, C0030: QUIT in both states, STAT and NOOP have no arguments, and no other way leads to any.
#[test]
fn commands_that_have_no_arguments() {
    for config in [outlook(), ClientConfig::strict(Security::PlaintextAllowed)] {
        let mut run = Run::greeted(config);
        converse(&mut run, &[Command::Quit]);
        assert_eq!(run.sent, b"QUIT\r\n");
        let mut run = Run::in_transaction(config);
        converse(&mut run, &[Command::Stat, Command::Noop, Command::Quit]);
        assert_eq!(run.sent, b"STAT\r\nNOOP\r\nQUIT\r\n");
    }
    for keyword in [Keyword::Quit, Keyword::Stat, Keyword::Noop] {
        for line in [format!("{keyword} 1"), format!("{keyword} "), format!("{keyword}  x")] {
            let raw = Command::raw(&line, RawFraming::SingleLine);
            assert_eq!(raw, Err(InvalidValue::RawKeyword(keyword)), "{line:?}");
        }
    }
}

/// C0024, C0032, C0042, C0046, V0004: DELE and RETR have a message-number, TOP has one and a number of lines that is not
/// negative, USER a name and PASS a password. None can be made without, or with another one.
#[test]
fn commands_that_have_arguments() {
    let mut run = Run::greeted(outlook());
    converse(&mut run, &[user("m"), pass(" two  words ")]);
    converse(&mut run, &[retr(1), retr(u32::MAX), top(1, 0), top(2, u64::MAX), dele(2)]);
    assert_eq!(
        run.sent.escape_ascii().to_string(),
        r"USER m\r\nPASS  two  words \r\nRETR 1\r\nRETR 4294967295\r\nTOP 1 0\r\nTOP 2 18446744073709551615\r\nDELE 2\r\n"
    );
    assert_eq!(MessageNumber::new(0), None);
    assert_eq!(Mailbox::new("").unwrap_err(), InvalidValue::Empty);
    assert_eq!(Mailbox::new("two words").unwrap_err(), InvalidValue::ForbiddenOctet { at: 3 });
    assert_eq!(Password::new("").unwrap_err(), InvalidValue::Empty);
    for keyword in [Keyword::Retr, Keyword::Dele, Keyword::Top, Keyword::User, Keyword::Pass] {
        for line in [format!("{keyword}"), format!("{keyword} 0"), format!("{keyword} 1 -1")] {
            let raw = Command::raw(&line, RawFraming::SingleLine);
            assert_eq!(raw, Err(InvalidValue::RawKeyword(keyword)), "{line:?}");
        }
    }
}

/// C0013: what may be sent in TRANSACTION may be sent again and again.
#[test]
fn commands_of_transaction_repeat() {
    let mut run = Run::in_transaction(outlook());
    let marks = |command: &Command| command.keyword() == Some(Keyword::Dele);
    let repeated: Vec<_> = in_transaction().into_iter().filter(|command| !marks(command)).collect();
    for _ in 0..3 {
        converse(&mut run, &repeated);
    }
    converse(&mut run, &[dele(1), dele(2), dele(3), Command::Quit]);
    let once = "STAT\r\nUIDL\r\nLIST\r\nTOP 1 0\r\nRETR 1\r\nNOOP\r\n";
    let sent = format!("{once}{once}{once}DELE 1\r\nDELE 2\r\nDELE 3\r\nQUIT\r\n");
    assert_eq!(run.sent.escape_ascii().to_string(), sent.as_bytes().escape_ascii().to_string());
}

/// C0026: what was marked is named no more, by no command, however often it is tried.
#[test]
fn a_marked_message_is_not_named() {
    for config in [outlook(), ClientConfig::strict(Security::PlaintextAllowed)] {
        let mut run = Run::in_transaction(config);
        converse(&mut run, &[dele(1)]);
        for command in [dele(1), retr(1), top(1, 0), dele(1)] {
            assert_eq!(run.send(&command), Err(SendError::MarkedDeleted(number(1))));
        }
        assert_eq!(run.sent, b"DELE 1\r\n");
        converse(&mut run, &[retr(2), dele(2)]);
    }
}

/// V0003, V0006, V0007, V0008, OX-28, OX-29: Outlook sends no LIST or UIDL with a message-number, no RSET and no APOP, though the
/// greeting would allow it. Whoever is not Outlook sends them.
#[test]
fn what_outlook_never_sends() {
    let refused = [Command::List(Some(number(1))), Command::Uidl(Some(number(1))), Command::Rset];
    let strict = ClientConfig::strict(Security::PlaintextAllowed);
    for command in refused {
        let mut run = Run::in_transaction(outlook());
        let forbidden = Err(SendError::Forbidden(command.keyword().unwrap()));
        assert_eq!(run.send(&command), forbidden);
        assert_eq!(run.sent, b"");
        let mut run = Run::in_transaction(strict);
        assert!(run.send(&command).is_ok());
        assert_eq!(run.sent, encoded(&command));
    }
    let mut run = Run::greeted(outlook());
    assert!(run.session.greeting().unwrap().timestamp().is_some());
    assert_eq!(run.send(&apop()), Err(SendError::Forbidden(Keyword::Apop)));
    converse(&mut run, &[user("mrose"), pass("tan staaf")]);
    assert_eq!(run.sent, b"USER mrose\r\nPASS tan staaf\r\n");
    assert!(Run::greeted(strict).send(&apop()).is_ok());
}

/// C0009: with a server that has no method that this client has, nothing of the credentials leaves, and the error says
/// what was wrong with each.
#[cfg(feature = "sasl")]
#[test]
fn a_server_without_a_known_method() {
    use pop3_proto::MechanismName;
    use pop3_proto::client::{Choice, Credentials, Login, LoginError, Step as Do};
    let log_in = |capabilities: &str| {
        let mut run = Run::greeted(outlook());
        let mailbox = Mailbox::new("mrose").unwrap();
        let credentials = Credentials::password(mailbox, Password::new("tan staaf").unwrap());
        let mut login = Login::new(&run.session, credentials, Choice::Best);
        loop {
            match login.step(&mut run.session) {
                Ok(Do::Exchange) => {
                    run.sent.clear();
                    run.flush();
                    let reply = match &run.sent[..] {
                        b"CAPA\r\n" => capabilities,
                        _ => "+OK\r\n",
                    };
                    assert_eq!(run.session.receive(reply.as_bytes()), reply.len());
                }
                Ok(Do::Done(_)) => return (None, run),
                Ok(step) => panic!("{step:?}"),
                Err(error) => return (Some(error), run),
            }
        }
    };
    let (error, run) = log_in("+OK\r\nSASL X-OWN\r\nTOP\r\n.\r\n");
    let Some(LoginError::NoMethod { announced }) = error else { panic!("{error:?}") };
    assert_eq!(announced, [MechanismName::new("X-OWN").unwrap()]);
    assert_eq!(run.sent, b"CAPA\r\n");
    let (error, run) = log_in("+OK\r\nUSER\r\n.\r\n");
    assert_eq!((error, run.session.state()), (None, State::Transaction));
}
