//! Who logs in, and how often one may try: the sans-I/O login, by itself and against the client's.

use pop3_proto::client::{Channel, Credentials, LoginError, Method};
use pop3_proto::sasl::{Acceptors, Answer, ChannelBinding, Question};
use pop3_proto::server::{Event, Login, RespondError, ServerConfig, ServerSession, Turn};
use pop3_proto::state::State;
use pop3_proto::{
    ApopDigest, ApopTimestamp, Base64, Command, CommandError, KnownCode, MechanismName,
};

use crate::login_support::{
    CLIENT_NONCE, Side, bindings, config, encoded, line, log_in, mechanisms, password, refused,
    with_passwords,
};
use crate::sasl_support::{
    PASSWORD, TOKEN, USER, decoy, failure, identity, mailbox, secret, timestamp,
};
use crate::server_support::{self, GREETING, say, text, written};

fn greeted_over(channel: Channel, config: ServerConfig) -> ServerSession {
    let mut session = ServerSession::new(config, channel, text("ready")).expect("a way");
    assert_eq!(written(&mut session), GREETING);
    session
}

/// What a line is answered by the session itself.
fn said(session: &mut ServerSession, line: &str) -> String {
    say(session, line.as_bytes());
    match session.poll_event() {
        None => {}
        Some(Event::Rejected(_)) => session.reject().expect("it waits"),
        Some(event) => panic!("{event:?}"),
    }
    String::from_utf8(written(session)).expect("ASCII")
}

/// R5802-6.01: without TLS there is nothing to bind to: -PLUS is neither listed nor taken,
/// and not a way to log in.
#[test]
fn binding_to_a_channel_needs_tls() {
    let both = [MechanismName::SCRAM_SHA_256_PLUS, MechanismName::SCRAM_SHA_256];
    let mut with_stls = config(&both);
    (with_stls.stls, with_stls.plaintext) = (true, true);
    for (channel, plus) in
        [(Channel::Clear, false), (Channel::Trusted, false), (Channel::Tls, true)]
    {
        let mut session = greeted_over(channel, with_stls.clone());
        let listed = if plus {
            "SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256\r\n"
        } else {
            "SASL SCRAM-SHA-256\r\n"
        };
        assert!(said(&mut session, "CAPA\r\n").contains(listed), "{channel:?}");
        let names =
            if plus { "SCRAM-SHA-256-PLUS\r\nSCRAM-SHA-256\r\n" } else { "SCRAM-SHA-256\r\n" };
        assert_eq!(
            said(&mut session, "AUTH\r\n"),
            format!("+OK mechanism list follows\r\n{names}.\r\n")
        );
        assert_eq!(session.mechanisms().collect::<Vec<_>>(), both[usize::from(!plus)..]);
        say(&mut session, b"AUTH SCRAM-SHA-256-PLUS\r\n");
        let event = session.poll_event();
        if plus {
            assert!(matches!(event, Some(Event::Command(Command::Auth { .. }))));
        } else {
            assert_eq!(event, Some(Event::Rejected(CommandError::Mechanism)));
        }
    }
    // With TLS they come, unless the connection has nothing to bind to.
    for (unbound, listed) in [(false, &both[..]), (true, &both[1..])] {
        let mut session = greeted_over(Channel::Clear, with_stls.clone());
        session.without_channel_binding();
        say(&mut session, b"STLS\r\n");
        assert_eq!(session.poll_event(), Some(Event::Command(Command::Stls)));
        session.ok(&text("begin")).expect("STLS waits");
        assert_eq!(written(&mut session), b"+OK begin\r\n");
        assert_eq!(session.poll_event(), Some(Event::StartTls));
        session.tls_established().expect("it is due");
        if unbound {
            session.without_channel_binding();
        }
        assert_eq!(session.mechanisms().collect::<Vec<_>>(), listed);
    }
    // C0009: what nobody could use is no way.
    for (channel, stls, possible) in [
        (Channel::Trusted, false, false),
        (Channel::Trusted, true, true),
        (Channel::Clear, true, true),
        (Channel::Tls, false, true),
    ] {
        let mut config = config(&both[..1]);
        (config.user_pass, config.stls) = (false, stls);
        assert_eq!(ServerSession::new(config, channel, text("ready")).is_ok(), possible);
    }
}

/// S14.6: every login that was refused counts, whatever it was refused for; a server that is out of order
/// is not the client's fault.
#[test]
fn every_refused_login_counts() {
    let digest = "0123456789abcdef".repeat(2);
    for line in ["PASS x", "AUTH PLAIN", &format!("APOP mrose {digest}")] {
        for (code, ends) in [(None, true), (Some(KnownCode::SysTemp), false)] {
            let mut config = config(&[MechanismName::PLAIN]);
            config.apop = true;
            let timestamp = ApopTimestamp::new("<1@localhost>").expect("a timestamp");
            let made =
                ServerSession::with_timestamp(config, Channel::Tls, text("ready"), timestamp);
            let mut session = made.expect("a way");
            written(&mut session);
            for _ in 0..3 {
                assert_eq!(session.state(), State::Authorization);
                if line.starts_with("PASS") {
                    say(&mut session, b"USER mrose\r\n");
                    assert!(matches!(session.poll_event(), Some(Event::Command(_))));
                    session.ok(&text("PASS")).expect("USER waits");
                }
                say(&mut session, format!("{line}\r\n").as_bytes());
                assert!(matches!(session.poll_event(), Some(Event::Command(_))), "{line}");
                session.err(code, &text("no")).expect("it waits");
                written(&mut session);
            }
            let over = ends.then_some(Event::Closed { commit: false });
            assert_eq!(session.poll_event(), over, "{line}");
        }
    }
}

/// I2, E18: a challenge repeats the client's nonce, and with a low limit it may find no room. The client is answered, and
/// it counts.
#[test]
fn a_challenge_without_room_is_refused() {
    let mut config = config(&[MechanismName::SCRAM_SHA_256]);
    config.limits.sasl_line = 100;
    let mut side = Side::with(config, Channel::Tls);
    written(&mut side.session);
    let auth = format!("AUTH SCRAM-SHA-256 {}\r\n", encoded(format!("n,,n=tim,r={CLIENT_NONCE}")));
    assert_eq!(side.said(&auth.repeat(3)), "-ERR malformed response\r\n".repeat(3));
    assert_eq!(side.session.state(), State::Closed);
}

/// R1939-7.03, R1939-7.15, R1939-7.19, R5034-4.15, R5034-4.16, R5034-4.30, R4422-3.6.01, R5802-4.01, S14.7: the right
/// password opens the maildrop, a wrong one and an unknown user are told the same, by every method.
#[test]
fn every_method_with_a_password() {
    for method in with_passwords() {
        let (outcome, side) = log_in(Side::new(), password(USER, PASSWORD, None), method, None);
        assert_eq!(outcome, Ok(method));
        assert_eq!(side.opened, [identity(USER, USER)], "{method}");
        assert_eq!(side.session.state(), State::Transaction);
        for (name, word) in [(USER, "tanstaaftanstaag"), ("mallory", PASSWORD)] {
            let (outcome, side) = log_in(Side::new(), password(name, word, None), method, None);
            assert_eq!(refused(outcome), "-ERR [AUTH] authentication failed", "{method} {name}");
            assert_eq!((side.opened.len(), side.session.state()), (0, State::Authorization));
            assert_eq!(side.questions.len(), 1, "{method}: nobody is asked twice");
        }
    }
}

/// R3206-4: a back end that is out of order is no wrong password, whatever it is asked and when.
#[test]
fn an_unavailable_back_end_is_not_the_clients_fault() {
    let unavailable: fn(&Question) -> Answer = |_| Answer::Unavailable;
    let misunderstood: fn(&Question) -> Answer = |question| match question {
        Question::Verify { .. } => Answer::Secret(secret(PASSWORD)),
        _ => Answer::Accepted,
    };
    for (method, back_end) in with_passwords()
        .into_iter()
        .flat_map(|method| [(method, unavailable), (method, misunderstood)])
    {
        let side = Side { back_end, ..Side::new() };
        let (outcome, side) = log_in(side, password(USER, PASSWORD, None), method, None);
        let text = "-ERR [SYS/TEMP] authentication is not available at present";
        assert_eq!(refused(outcome), text, "{method}");
        assert_eq!(side.opened, []);
    }
}

/// R5802-6.02, RFC 9266 §2, RFC 5929 §4.1: with either binding, and with none that is another connection's.
#[test]
fn scram_plus_with_both_bindings() {
    for name in [MechanismName::SCRAM_SHA_256_PLUS, MechanismName::SCRAM_SHA_1_PLUS] {
        let log_in = |side, binding| {
            log_in(side, password(USER, PASSWORD, None), Method::Sasl(name), Some(binding))
        };
        for binding in bindings() {
            let (outcome, side) = log_in(Side::new(), binding);
            assert_eq!(outcome, Ok(Method::Sasl(name)));
            assert_eq!(side.opened, [identity(USER, USER)]);
        }
        let others = [
            ChannelBinding::tls_exporter(&[8; 32]),
            ChannelBinding::tls_server_end_point(&[8; 32]).expect("a hash"),
        ];
        for binding in others {
            let (outcome, side) = log_in(Side::new(), binding);
            assert_eq!(refused(outcome), "-ERR channel binding does not match");
            assert_eq!(side.opened, []);
        }
        // What the server does not know it cannot compare.
        let [exporter, end_point] = bindings();
        let side = Side { bindings: vec![end_point], ..Side::new() };
        assert_eq!(
            refused(log_in(side, exporter.clone()).0),
            "-ERR channel binding does not match"
        );
        let side = Side { bindings: Vec::new(), ..Side::new() };
        let unavailable = "-ERR [SYS/TEMP] authentication is not available at present";
        assert_eq!(refused(log_in(side, exporter).0), unavailable);
    }
}

/// R5802-6.02: a client that was shown a list without -PLUS says so, and is refused by a server that
/// offered it: somebody struck it off.
#[test]
fn a_downgrade_of_scram_is_noticed() {
    let first = encoded(format!("y,,n={USER},r={CLIENT_NONCE}"));
    let line = format!("AUTH SCRAM-SHA-256 {first}\r\n");
    assert_eq!(Side::greeted().said(&line), "-ERR channel binding does not match\r\n");
    // In clear none was offered, and it may say so.
    let mut config = config(&mechanisms());
    config.apop = true;
    let mut side = Side::with(config, Channel::Trusted);
    written(&mut side.session);
    assert!(side.said(&line).starts_with("+ "));
}

/// R4616-2.04, R3206-4: who may act for another opens that one's maildrop; who may not fails as
/// with a wrong password.
#[test]
fn another_maildrop_is_a_question() {
    for name in [MechanismName::PLAIN, MechanismName::SCRAM_SHA_256, MechanismName::SCRAM_SHA_1] {
        for (wanted, opened) in [(USER, Some(USER)), ("shared", Some("shared")), ("boss", None)] {
            let credentials = password(USER, PASSWORD, Some(wanted));
            let (outcome, side) = log_in(Side::new(), credentials, Method::Sasl(name), None);
            if let Some(opened) = opened {
                assert_eq!(side.opened, [identity(USER, opened)], "{name}");
            } else {
                assert_eq!(refused(outcome), "-ERR [AUTH] authentication failed", "{name}");
                assert_eq!(side.opened, []);
            }
        }
    }
}

/// R7628-3.2.01, R7628-3.2.2.02, RFC 4422 appendix A, R4505-2.01: the mechanisms without a password.
#[test]
fn tokens_certificates_and_nobody() {
    let token = |token: &str| Credentials::Token { mailbox: mailbox(USER), token: secret(token) };
    for name in [MechanismName::OAUTHBEARER, MechanismName::XOAUTH2] {
        let (outcome, side) = log_in(Side::new(), token(TOKEN), Method::Sasl(name), None);
        assert_eq!((outcome, side.opened), (Ok(Method::Sasl(name)), vec![identity(USER, USER)]));
        let (outcome, side) = log_in(Side::new(), token("bm9uZQ=="), Method::Sasl(name), None);
        let Err(LoginError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(line(&refused.response), "-ERR [AUTH] authentication failed");
        let detail = refused.detail.expect("what is wrong with the token").to_string();
        assert!(detail.contains("invalid_token"), "{detail}");
        assert_eq!(side.opened, []);
    }
    let certificate =
        |wanted: Option<&str>| Credentials::Certificate { authorization: wanted.map(mailbox) };
    // R2595-4.02, R8314-4.2.02: who was known by his certificate logs in without a word more.
    let external = Method::Sasl(MechanismName::EXTERNAL);
    for (wanted, opened) in [(None, USER), (Some("shared"), "shared")] {
        let (outcome, side) = log_in(Side::new(), certificate(wanted), external, None);
        assert_eq!((outcome, side.opened), (Ok(external), vec![identity(USER, opened)]));
    }
    let (outcome, _) = log_in(Side::new(), certificate(Some("boss")), external, None);
    assert_eq!(refused(outcome), "-ERR [AUTH] authentication failed");
    let anonymous = Method::Sasl(MechanismName::ANONYMOUS);
    let nobody = || Credentials::Anonymous { trace: "a@b.example".into() };
    let (outcome, side) = log_in(Side::new(), nobody(), anonymous, None);
    assert_eq!((outcome, side.opened), (Ok(anonymous), vec![identity("anonymous", "anonymous")]));
    let side = Side { back_end: |_| Answer::Refused, ..Side::new() };
    assert_eq!(
        refused(log_in(side, nobody(), anonymous, None).0),
        "-ERR [AUTH] authentication failed"
    );
}

/// OX-22, OX-23, OX-24, ROXPOP3-2.2.2.02: the delegate's password opens the principal's maildrop, if the back end says so;
/// where that is switched off such a name is a name.
#[test]
fn delegates() {
    fn back_end(question: &Question) -> Answer {
        let delegates = ["CONTOSO/alice", "alice@contoso.com"];
        let yes = match question {
            Question::Verify { mailbox, password } => {
                delegates.contains(&mailbox.as_str()) && *password == secret("hers")
            }
            Question::Authorize { authentication, authorization } => {
                let principal = ["bob", "bob@contoso.com"].contains(&authorization.as_str());
                delegates.contains(&authentication.as_str()) && principal
            }
            _ => false,
        };
        if yes { Answer::Accepted } else { Answer::Refused }
    }
    let side = |delegates: bool| {
        let login = if delegates { Login::new().with_delegates() } else { Login::new() };
        Side { login, back_end, ..Side::greeted() }
    };
    let failed = "+OK send PASS\r\n-ERR [AUTH] authentication failed\r\n";
    for (delegate, principal) in [
        ("CONTOSO/alice", "bob"),
        ("CONTOSO/alice", "bob@contoso.com"),
        ("alice@contoso.com", "bob"),
        ("alice@contoso.com", "bob@contoso.com"),
    ] {
        let said = |side: &mut Side, principal: &str, password: &str| {
            side.said(&format!("USER {delegate}/{principal}\r\nPASS {password}\r\n"))
        };
        let mut on = side(true);
        // The wrong password, and somebody who has not given her a right.
        assert_eq!(said(&mut on, principal, "his"), failed);
        assert_eq!(on.questions.len(), 1, "the right is asked for after the password");
        assert_eq!(said(&mut on, "eve", "hers"), failed);
        assert_eq!(on.opened, []);
        assert_eq!(said(&mut on, principal, "hers"), "+OK send PASS\r\n+OK open\r\n");
        assert_eq!(on.opened, [identity(delegate, principal)]);
        let mut off = side(false);
        assert_eq!(said(&mut off, principal, "hers"), failed);
        let name = mailbox(&format!("{delegate}/{principal}"));
        let asked = Question::Verify { mailbox: name, password: secret("hers") };
        assert_eq!(off.questions, [asked]);
    }
    // One's own maildrop needs no right.
    let mut own = side(true);
    own.said("USER alice@contoso.com/alice@contoso.com\r\nPASS hers\r\n");
    assert_eq!(own.opened, [identity("alice@contoso.com", "alice@contoso.com")]);
    // Without a delegate's form a name is a name.
    let mut plain = side(true);
    assert_eq!(plain.said("USER CONTOSO/alice\r\nPASS hers\r\n"), "+OK send PASS\r\n+OK open\r\n");
    assert_eq!(plain.opened, [identity("CONTOSO/alice", "CONTOSO/alice")]);
    // A back end that fails between the two questions.
    let mut broken = side(true);
    broken.back_end = |question| match question {
        Question::Verify { .. } => Answer::Accepted,
        _ => Answer::Unavailable,
    };
    let said = broken.said("USER alice@contoso.com/bob\r\nPASS hers\r\n");
    assert!(said.ends_with("-ERR [SYS/TEMP] authentication is not available at present\r\n"));
}

/// R5034-4.09, R5034-4.26, R5034-4.33: `*` ends every exchange at every challenge, and nothing is left of it.
#[test]
fn an_exchange_is_cancelled() {
    for name in mechanisms() {
        let mut side = Side::greeted();
        let challenge = side.said(&format!("AUTH {name}\r\n"));
        assert!(challenge.starts_with("+ "), "{name}: {challenge}");
        assert_eq!(side.said("*\r\n"), "-ERR authentication cancelled\r\n");
        assert_eq!((side.questions.len(), side.opened.len()), (0, 0));
        let right = encoded(format!("\0{USER}\0{PASSWORD}"));
        assert_eq!(side.said(&format!("AUTH PLAIN {right}\r\n")), "+OK open\r\n");
    }
}

/// R5034-4.06, R5034-4.07, R5034-4.29, S14.6: what is no base64, or has bits where there are none to have, ends the
/// exchange.
#[test]
fn what_does_not_decode_is_refused() {
    for (response, refusal) in
        [("QR==", "malformed response"), ("AHRpbQB=", "malformed response"), ("!", ""), ("QQ", "")]
    {
        let mut side = Side::greeted();
        assert_eq!(side.said("AUTH PLAIN\r\n"), "+ \r\n");
        let said = side.said(&format!("{response}\r\n"));
        assert!(said.starts_with("-ERR ") && said.contains(refusal), "{response}: {said}");
        let said = side.said(&format!("AUTH PLAIN {response}\r\n"));
        assert!(said.starts_with("-ERR ") && said.contains(refusal), "{response}: {said}");
        assert_eq!(side.questions, []);
        // There is no exchange any more.
        let right = encoded(format!("\0{USER}\0{PASSWORD}"));
        assert!(side.said(&format!("{right}\r\n")).starts_with("-ERR "));
    }
}

/// R5034-4.05, R5034-4.27, R5034-4.28, R4422-3.01, R4422-3.4.1.01: initial responses, empty ones too, and where there
/// must be none.
#[test]
fn initial_responses() {
    let right = encoded(format!("\0{USER}\0{PASSWORD}"));
    assert_eq!(Side::greeted().said(&format!("AUTH PLAIN {right}\r\n")), "+OK open\r\n");
    assert_eq!(Side::greeted().said(&format!("AUTH PLAIN\r\n{right}\r\n")), "+ \r\n+OK open\r\n");
    let mut external = Side::greeted();
    assert_eq!(external.said("AUTH EXTERNAL =\r\n"), "+OK open\r\n");
    assert_eq!(external.questions, [Question::External { authorization: None }]);
    assert_eq!(Side::greeted().said("AUTH PLAIN =\r\n"), "-ERR malformed response\r\n");
    for name in [MechanismName::CRAM_MD5, MechanismName::LOGIN] {
        for initial in ["=", &encoded(USER)] {
            let said = Side::greeted().said(&format!("AUTH {name} {initial}\r\n"));
            assert_eq!(said, "-ERR no initial response with this mechanism\r\n");
        }
    }
}

/// R5034-4.24, R5034-4.33, R4422-3.8.01, I5: AUTH after AUTH begins anew; behind a login there is none.
#[test]
fn auth_twice() {
    let mut side = Side::greeted();
    assert_eq!(side.said("AUTH LOGIN\r\n"), "+ VXNlcm5hbWU6\r\n");
    // Within an exchange a line is a response, and this is none.
    assert!(side.said("AUTH PLAIN\r\n").starts_with("-ERR "));
    let wrong = encoded(format!("\0{USER}\0wrong"));
    let right = encoded(format!("\0{USER}\0{PASSWORD}"));
    let said =
        side.said(&format!("AUTH PLAIN {wrong}\r\nAUTH PLAIN {right}\r\nAUTH PLAIN {right}\r\n"));
    let mut said = said.lines();
    assert_eq!(said.next(), Some("-ERR [AUTH] authentication failed"));
    assert_eq!(said.next(), Some("+OK open"));
    assert!(said.next().is_some_and(|line| line.starts_with("-ERR ")));
    assert_eq!(side.opened.len(), 1);
}

/// R5034-4.32, S2.4: who was named in clear is forgotten with TLS.
#[test]
fn tls_forgets_who_was_named() {
    let mut config = config(&mechanisms());
    (config.stls, config.plaintext) = (true, true);
    let mut side = Side::with(config, Channel::Clear);
    written(&mut side.session);
    let said = side.said(&format!("USER {USER}\r\nNOOP\r\nSTLS\r\nPASS {PASSWORD}\r\n"));
    assert_eq!(side.session.channel(), Channel::Tls);
    let answers: Vec<_> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(answers, ["+OK", "-ER", "+OK", "-ER"], "{said}");
    assert_eq!((side.questions.len(), side.opened.len()), (0, 0));
    // Told of TLS, the login knows nobody, whatever the session has forgotten.
    let mut session = server_support::after_user(ServerConfig::new());
    let mut login = Login::new();
    let user = Event::Command(Command::User(mailbox(USER)));
    assert!(login.take(&mut session, user.clone()).is_err(), "USER was answered");
    assert_eq!(login.take(&mut session, Event::StartTls), Ok(Turn::Other(Event::StartTls)));
    say(&mut session, format!("PASS {PASSWORD}\r\n").as_bytes());
    let pass = session.poll_event().expect("PASS");
    assert_eq!(login.take(&mut session, pass), Ok(Turn::Answered));
    assert_eq!(written(&mut session), b"-ERR [AUTH] authentication failed\r\n");
}

/// S14.6: what comes out of turn logs nobody in, and what was to be answered is refused or stays open.
#[test]
fn answers_out_of_turn() {
    let mut side = Side::greeted();
    // Nothing is going on.
    for answer in [Answer::Accepted, Answer::Refused, Answer::Secret(secret(PASSWORD))] {
        let outcome = side.login.answer(&mut side.session, answer);
        assert_eq!(outcome, Err(RespondError::NothingToAnswer));
    }
    let acceptor = side.acceptor(MechanismName::PLAIN);
    let outcome = side.login.begin(&mut side.session, acceptor);
    assert_eq!(outcome, Err(RespondError::NothingToAnswer));
    // The client's turn, and the back end speaks: what the client says then is malformed.
    side.said("AUTH LOGIN\r\n");
    let outcome = side.login.answer(&mut side.session, Answer::Accepted);
    assert_eq!(outcome, Err(RespondError::NothingToAnswer));
    assert_eq!(side.said(&format!("{}\r\n", encoded(USER))), "-ERR malformed response\r\n");
    // An acceptor where an answer is due, and the other way round.
    let unavailable = "-ERR [SYS/TEMP] authentication is not available at present\r\n";
    for line in ["AUTH PLAIN\r\n", "USER tim\r\n", &format!("APOP tim {}\r\n", "0".repeat(32))] {
        say(&mut side.session, line.as_bytes());
        let event = side.session.poll_event().expect("a command");
        let mut turn = side.login.take(&mut side.session, event).expect("it waits");
        if turn == Turn::Answered {
            written(&mut side.session);
            say(&mut side.session, b"PASS x\r\n");
            let event = side.session.poll_event().expect("PASS");
            turn = side.login.take(&mut side.session, event).expect("it waits");
        }
        let outcome = if let Turn::Begin(_) = turn {
            side.login.answer(&mut side.session, Answer::Accepted)
        } else {
            let acceptor = side.acceptor(MechanismName::PLAIN);
            side.login.begin(&mut side.session, acceptor)
        };
        assert_eq!(outcome, Ok(Turn::Answered));
        assert_eq!(written(&mut side.session), unavailable.as_bytes(), "{line}");
    }
    // Nobody's event.
    let response = Event::SaslResponse(Base64::empty());
    assert_eq!(side.login.take(&mut side.session, response), Err(RespondError::NothingToAnswer));
    assert_eq!(side.opened, []);
}

/// What the caller answered by itself cannot be answered again.
#[test]
fn what_an_event_interrupts_is_over() {
    let mut side = Side::greeted();
    say(&mut side.session, format!("USER {USER}\r\n").as_bytes());
    side.turn();
    say(&mut side.session, b"PASS x\r\n");
    let pass = side.session.poll_event().expect("PASS");
    assert!(matches!(side.login.take(&mut side.session, pass), Ok(Turn::Ask(_))));
    side.session.err(Some(KnownCode::SysTemp), &text("later")).expect("PASS waits");
    say(&mut side.session, b"AUTH PLAIN\r\n");
    let auth = side.session.poll_event().expect("AUTH");
    let begin = side.login.take(&mut side.session, auth);
    assert_eq!(begin, Ok(Turn::Begin(MechanismName::PLAIN)));
    let outcome = side.login.answer(&mut side.session, Answer::Accepted);
    assert_eq!(outcome, Ok(Turn::Answered), "the answer was to the password");
    assert!(
        written(&mut side.session)
            .ends_with(b"-ERR [SYS/TEMP] authentication is not available at present\r\n")
    );
}

/// R1939-7.19: the digest of nothing opens nothing.
#[test]
fn nobody_has_an_empty_secret() {
    let digest = ApopDigest::compute(&timestamp(), &secret(""));
    let digest = std::str::from_utf8(digest.expose()).expect("digits").to_owned();
    for back_end in [|_: &Question| Answer::Secret(secret("")), |_: &Question| Answer::Refused] {
        let mut side = Side { back_end, ..Side::greeted() };
        let said = side.said(&format!("APOP {USER} {digest}\r\n"));
        assert_eq!(said, "-ERR [AUTH] authentication failed\r\n");
    }
}

/// I10: neither passwords nor digests nor what an exchange holds is shown.
#[test]
fn a_login_shows_no_secret() {
    let mut side = Side::greeted();
    side.said(&format!("USER {USER}\r\n"));
    say(&mut side.session, format!("PASS {PASSWORD}\r\n").as_bytes());
    let pass = side.session.poll_event().expect("PASS");
    let turn = side.login.take(&mut side.session, pass).expect("it waits");
    assert!(!format!("{turn:?}{:?}", side.login).contains(PASSWORD));
    let mut side = Side::greeted();
    let digest = "0123456789abcdef".repeat(2);
    say(&mut side.session, format!("APOP {USER} {digest}\r\n").as_bytes());
    let apop = side.session.poll_event().expect("APOP");
    let turn = side.login.take(&mut side.session, apop).expect("it waits");
    assert!(!format!("{turn:?}{:?}", side.login).contains(&digest));
}

/// Names that no acceptor has, and a nonce that is none.
#[test]
fn there_is_no_acceptor_for_every_name() {
    let side = Side::new();
    for name in mechanisms() {
        assert_eq!(side.acceptor(name).map(|acceptor| acceptor.name()), Some(name));
    }
    for name in ["NTLM", "GSSAPI", "SCRAM-SHA-512", "X-PLUS"] {
        assert!(side.acceptor(MechanismName::new(name).expect("a name")).is_none(), "{name}");
    }
    let (challenge, decoy, failure) = (timestamp(), decoy(), failure());
    let acceptors = Acceptors {
        offered: &[],
        nonce: "a,b",
        challenge: &challenge,
        decoy: &decoy,
        bindings: &[],
        failure: &failure,
    };
    assert!(acceptors.make(MechanismName::SCRAM_SHA_1).is_none());
    assert!(acceptors.make(MechanismName::CRAM_MD5).is_some());
}
