//! Who logs in, and how often one may try: the sans-I/O login, by itself and against the client's.

#![cfg(all(feature = "md5", feature = "scram"))]

use pop3_proto::client::Channel;
use pop3_proto::server::{Event, ServerConfig, ServerSession};
use pop3_proto::state::State;
use pop3_proto::{ApopTimestamp, Command, CommandError, KnownCode, MechanismName};

mod server_support;
use server_support::{GREETING, say, text, written};

fn config(mechanisms: &[MechanismName]) -> ServerConfig {
    let mut config = ServerConfig::new();
    config.mechanisms = mechanisms.to_vec();
    config
}

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

/// R5802-6.01, R5034-4.01: without TLS there is nothing to bind to: -PLUS is neither listed nor taken,
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
