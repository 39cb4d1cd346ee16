//! Who logs in, by which method, and into whose maildrop.

use std::net::TcpStream;

use pop3_blocking::pop3_proto::client::{Choice, Credentials, LoginError as Refused, Method};
use pop3_blocking::pop3_proto::sasl::{Answer, Question};
use pop3_blocking::pop3_proto::server::Utf8Offer;
use pop3_blocking::pop3_proto::{Mailbox, MechanismName, Password, Secret};
use pop3_blocking::server::{Authenticator, Passwords, Store as _};
use pop3_blocking::{Client, LoginError};

use crate::certificates::Authority;
use crate::{
    EVERYWHERE, Over, builder, connect, mailbox, password, passwords, raw, refusal, said, server,
    spawn,
};

/// R1939-7.15, R5034-4.15, R5034-4.16, R5034-4.30, R2595-4.05, R8314-3.1.01: every method in clear on loopback, by STLS
/// and over TLS; wrong passwords and users that there are not are told the same.
#[test]
fn every_method_everywhere() {
    let authority = Authority::new();
    let mut server = server(&authority, passwords());
    server.config.apop = true;
    server.config.mechanisms.extend([
        MechanismName::OAUTHBEARER,
        MechanismName::XOAUTH2,
        MechanismName::ANONYMOUS,
    ]);
    let running = spawn(server);
    let with_password = [Method::UserPass, Method::Apop].into_iter().chain(
        [
            MechanismName::SCRAM_SHA_256_PLUS,
            MechanismName::SCRAM_SHA_1_PLUS,
            MechanismName::SCRAM_SHA_256,
            MechanismName::SCRAM_SHA_1,
            MechanismName::CRAM_MD5,
            MechanismName::PLAIN,
            MechanismName::LOGIN,
        ]
        .map(Method::Sasl),
    );
    let methods: Vec<_> = with_password.collect();
    for over in EVERYWHERE {
        let builder = builder(&authority, over);
        for &method in &methods {
            let log_in = |client: Client<TcpStream>, name, word| {
                let credentials = Credentials::password(mailbox(name), password(word));
                client.login_with(credentials, Choice::Only(method))
            };
            if over == Over::Clear && method.to_string().ends_with("-PLUS") {
                let outcome = log_in(connect(&running, &builder), "mrose", "tan staaf");
                assert!(matches!(outcome, Err(LoginError::Refused { .. })), "{method}");
                continue;
            }
            let outcome = log_in(connect(&running, &builder), "mrose", "tan staag");
            let Err(LoginError::Refused { client, reason: Refused::Refused(wrong) }) = outcome
            else {
                panic!("{method} {over:?}: {outcome:?}")
            };
            let unknown = refusal(log_in(connect(&running, &builder), "mallory", "tan staaf"));
            assert_eq!(unknown, "[AUTH] authentication failed", "{method} {over:?}");
            assert_eq!(wrong.response.text.octets(), unknown.as_bytes());
            // On the same connection, the right one.
            let session = log_in(*client, "mrose", "tan staaf").expect("a login");
            assert_eq!(session.method(), method);
            session.quit().expect("an answer");
        }
        let token = |token: &str| Credentials::Token {
            mailbox: mailbox("mrose"),
            token: Secret::new(token),
        };
        for name in [MechanismName::OAUTHBEARER, MechanismName::XOAUTH2] {
            let choice = || Choice::Only(Method::Sasl(name));
            let session = connect(&running, &builder).login_with(token("dG9rZW4="), choice());
            session.expect("a login").quit().expect("an answer");
            let outcome = connect(&running, &builder).login_with(token("bm9uZQ=="), choice());
            let Err(LoginError::Refused { reason: Refused::Refused(refused), .. }) = outcome else {
                panic!("{name} {over:?}: {outcome:?}")
            };
            let detail = refused.detail.expect("what is wrong with it").to_string();
            let status = if name == MechanismName::XOAUTH2 { "401" } else { "invalid_token" };
            assert!(detail.contains(status), "{name}: {detail}");
        }
        let nobody = Credentials::Anonymous { trace: String::new() };
        let session = connect(&running, &builder).login_with(nobody, Choice::Best);
        session.expect("a login").quit().expect("an answer");
    }
    running.stop();
}

/// R4616-2.03, R5802-5.1.03, R5802-2.2.01: a password that is not ASCII is prepared on both sides, so that the best
/// method is no obstacle to who has one.
#[test]
fn passwords_that_are_not_ascii_are_prepared_on_both_sides() {
    let authority = Authority::new();
    let word = |octets: &str| Password::opaque(octets.as_bytes()).expect("a password");
    let mut known = Passwords::new();
    known.insert(mailbox("mrose"), &word("I\u{ad}X \u{2168} p\u{e4}ss"));
    let running = spawn(server(&authority, known));
    for over in EVERYWHERE {
        for typed in ["I\u{ad}X \u{2168} p\u{e4}ss", "IX IX pa\u{308}ss"] {
            let client = connect(&running, &builder(&authority, over));
            let session = client.login(&mailbox("mrose"), &word(typed)).expect(typed);
            assert!(session.method().to_string().starts_with("SCRAM-SHA-256"), "{over:?}");
            drop(session);
            let client = connect(&running, &builder(&authority, over));
            let credentials = Credentials::password(mailbox("mrose"), word(typed));
            let plain = Choice::Only(Method::Sasl(MechanismName::PLAIN));
            client.login_with(credentials, plain).expect(typed).quit().expect("an answer");
        }
        let client = connect(&running, &builder(&authority, over));
        let wrong = refusal(client.login(&mailbox("mrose"), &word("IX IX pass")));
        assert_eq!(wrong, "[AUTH] authentication failed");
    }
}

/// R6856-2.2.01, R6856-2.2.04: names and passwords in UTF-8 are prepared on both sides where they are announced: who is
/// known by one spelling logs in by another, by USER and PASS and by APOP. R6856-2.2.05: what is prohibited logs nobody
/// in.
#[test]
fn names_in_utf8_are_prepared_on_both_sides() {
    let name = |name: &str| Mailbox::utf8(name).expect("a name");
    let word = |octets: &str| Password::opaque(octets.as_bytes()).expect("a password");
    let authority = Authority::new();
    let mut known = Passwords::new();
    known.insert(name("j\u{fc}\u{2168}"), &word("I\u{ad}X p\u{e4}ss"));
    let mut server = server(&authority, known);
    server.config.apop = true;
    server.config.utf8 = Utf8Offer::User;
    // Maildrops have prepared names.
    server.store.create(&name("j\u{fc}IX"));
    let running = spawn(server);
    let log_in = |method, who: &str, typed: &str| {
        let client = connect(&running, &builder(&authority, Over::Tls));
        client.login_with(Credentials::password(name(who), word(typed)), Choice::Only(method))
    };
    for method in [Method::UserPass, Method::Apop] {
        for who in ["j\u{fc}\u{2168}", "ju\u{308}IX"] {
            for typed in ["I\u{ad}X p\u{e4}ss", "IX pa\u{308}ss"] {
                let session = log_in(method, who, typed).expect(who);
                assert_eq!(session.method(), method);
                session.quit().expect("an answer");
            }
            let wrong = refusal(log_in(method, who, "IX pass"));
            assert_eq!(wrong, "[AUTH] authentication failed");
        }
    }
    let refused = refusal(log_in(Method::UserPass, "j\u{e000}", "IX pa\u{308}ss"));
    assert_eq!(refused, "[AUTH] authentication failed");
    running.stop();
}

/// R4616-2.04: nobody opens another's maildrop with his own password.
#[test]
fn another_maildrop_is_refused() {
    let authority = Authority::new();
    let running = spawn(server(&authority, passwords()));
    let builder = builder(&authority, Over::Tls);
    for name in [MechanismName::PLAIN, MechanismName::SCRAM_SHA_256_PLUS] {
        for (wanted, opens) in [("mrose", true), ("bob", false)] {
            let mut credentials = Credentials::password(mailbox("mrose"), password("tan staaf"));
            if let Credentials::Password { authorization, .. } = &mut credentials {
                *authorization = Some(mailbox(wanted));
            }
            let client = connect(&running, &builder);
            let outcome = client.login_with(credentials, Choice::Only(Method::Sasl(name)));
            if opens {
                outcome.expect("a login").quit().expect("an answer");
            } else {
                assert_eq!(refusal(outcome), "[AUTH] authentication failed", "{name}");
            }
        }
    }
    running.stop();
}

/// OX-22, OX-23: a delegate opens the principal's maildrop where that is switched on.
#[test]
fn delegates_where_they_are_switched_on() {
    fn back_end(question: &Question) -> Answer {
        let delegate = mailbox("alice@contoso.com");
        let yes = match question {
            Question::Verify { mailbox, password } => {
                *mailbox == delegate && *password == Secret::new("hers")
            }
            Question::Authorize { authentication, authorization } => {
                *authentication == delegate && authorization.as_str() == "bob"
            }
            _ => false,
        };
        if yes { Answer::Accepted } else { Answer::Refused }
    }
    struct Delegates;
    impl Authenticator for Delegates {
        fn answer(&self, question: &Question) -> Answer {
            back_end(question)
        }
    }
    let authority = Authority::new();
    for delegates in [false, true] {
        let mut server = server(&authority, Delegates);
        server.delegates = delegates;
        let store = server.store.clone();
        let running = spawn(server);
        let mut stream = raw(&running);
        let answers = said(&mut stream, &["USER alice@contoso.com/bob", "PASS hers"]);
        assert_eq!(answers[1].starts_with("+OK"), delegates, "{answers:?}");
        assert_eq!(store.open(&mailbox("bob")).is_err(), delegates, "it is open");
        drop(stream);
        running.stop();
    }
}
