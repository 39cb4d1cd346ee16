//! The example exchanges of AUTH, conducted by the mechanisms of the core: they say the very octets of the transcripts
//! (`transcripts/*.txt`), and come to the same end.

use std::num::NonZeroU32;

use pop3_proto::client::{Channel, ClientConfig, ClientSession, Event, Security, Waiting};
use pop3_proto::sasl::*;
use pop3_proto::server::{self, ServerConfig, ServerSession, Turn};
use pop3_proto::state::State;
use pop3_proto::{ApopTimestamp, Command, Leniency, Mailbox, MechanismName, Secret, Text, codec};

use crate::server_support::written;
use crate::support::{Cut, base64};

type Client = fn() -> Box<dyn Mechanism>;
type Server = fn() -> Box<dyn Acceptor>;

struct Transcript {
    name: &'static str,
    text: &'static str,
    /// Who conducts the exchange; the test does where there is none.
    client: Option<Client>,
    server: Option<Server>,
    /// Lines of the transcript that our server says otherwise.
    ours: &'static [(&'static str, &'static str)],
}

macro_rules! transcripts {
    ($($name:literal: $client:expr, $server:expr, $ours:expr;)*) => {
        &[$(Transcript {
            name: $name,
            text: include_str!(concat!("../transcripts/", $name, ".txt")),
            client: $client,
            server: $server,
            ours: $ours,
        },)*]
    };
}

const REFUSED: (&str, &str) =
    ("-ERR SASL authentication failed", "-ERR [AUTH] authentication failed");
const CANCELLED: (&str, &str) =
    ("-ERR SASL authentication failed", "-ERR authentication cancelled");
const TRANSCRIPTS: &[Transcript] = transcripts! {
    "rfc2195-cram-md5": Some(cram_md5), Some(cram_md5_acceptor), &[];
    "rfc5034-empty-initial": Some(external), Some(external_acceptor), &[];
    // Ours would send an initial response.
    "rfc5034-empty-response": None, Some(external_acceptor), &[];
    "rfc5034-plain-initial": Some(plain), Some(plain_acceptor), &[];
    "rfc5034-plain": None, Some(plain_acceptor), &[];
    "rfc5802-scram-sha-1": Some(scram_sha_1), Some(scram_sha_1_acceptor), &[];
    "rfc7628-cancel": None, Some(oauthbearer_acceptor), &[CANCELLED];
    // Ours has no query without a token.
    "rfc7628-failure": None, Some(oauthbearer_acceptor), &[REFUSED];
    "rfc7628-success": Some(oauthbearer), Some(oauthbearer_acceptor), &[];
    "rfc7677-scram-sha-256": Some(scram_sha_256), Some(scram_sha_256_acceptor), &[];
    // The challenges are another server's.
    "draft-murchison-sasl-login": Some(login), None, &[];
    "xoauth2-failure": Some(xoauth2_gmail), None, &[];
    "xoauth2-refused": Some(xoauth2_exchange), None, &[];
    "xoauth2-success": Some(xoauth2_exchange), Some(xoauth2_acceptor), &[];
};

const TOKENS: [&str; 3] = [
    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
    "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
    "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
];
const NONCES: [(&str, &str); 2] = [
    ("fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"),
    ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
];

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn plain() -> Box<dyn Mechanism> {
    Box::new(Plain::new(Some("test"), "test", secret("test")).unwrap())
}

fn login() -> Box<dyn Mechanism> {
    Box::new(Login::new("tim", secret("tanstaaftanstaaf")).unwrap())
}

fn cram_md5() -> Box<dyn Mechanism> {
    Box::new(CramMd5::new("tim", secret("tanstaaftanstaaf")).unwrap())
}

fn external() -> Box<dyn Mechanism> {
    Box::new(External::new(None).unwrap())
}

fn scram(hash: ScramHash, (nonce, _): (&str, &str)) -> Box<dyn Mechanism> {
    let binding = Binding::Unsupported;
    Box::new(Scram::new(hash, None, "user", secret("pencil"), nonce, binding).unwrap())
}

fn scram_sha_1() -> Box<dyn Mechanism> {
    scram(ScramHash::Sha1, NONCES[0])
}

fn scram_sha_256() -> Box<dyn Mechanism> {
    scram(ScramHash::Sha256, NONCES[1])
}

fn oauthbearer() -> Box<dyn Mechanism> {
    let mechanism = OAuthBearer::new(Some("user@example.com"), secret(TOKENS[0])).unwrap();
    Box::new(mechanism.connected_to("server.example.com", 143).unwrap())
}

fn xoauth2_exchange() -> Box<dyn Mechanism> {
    Box::new(XOAuth2::new("test@contoso.onmicrosoft.com", secret(TOKENS[1])).unwrap())
}

fn xoauth2_gmail() -> Box<dyn Mechanism> {
    Box::new(XOAuth2::new("someuser@example.com", secret(TOKENS[2])).unwrap())
}

fn plain_acceptor() -> Box<dyn Acceptor> {
    Box::new(PlainAcceptor::new())
}

fn cram_md5_acceptor() -> Box<dyn Acceptor> {
    let challenge = ApopTimestamp::new("<1896.697170952@postoffice.reston.mci.net>").unwrap();
    Box::new(CramMd5Acceptor::new(challenge))
}

fn external_acceptor() -> Box<dyn Acceptor> {
    Box::new(ExternalAcceptor::new())
}

fn scram_acceptor(hash: ScramHash, (_, nonce): (&str, &str)) -> Box<dyn Acceptor> {
    let decoy = ScramDecoy::new(secret("key"), NonZeroU32::MIN, 12).unwrap();
    Box::new(ScramAcceptor::new(hash, nonce, decoy, ScramOffer::WithoutPlus).unwrap())
}

fn scram_sha_1_acceptor() -> Box<dyn Acceptor> {
    scram_acceptor(ScramHash::Sha1, NONCES[0])
}

fn scram_sha_256_acceptor() -> Box<dyn Acceptor> {
    scram_acceptor(ScramHash::Sha256, NONCES[1])
}

fn failure() -> TokenFailure {
    let failure = TokenFailure::new("invalid_token").unwrap().with_scope("example_scope").unwrap();
    failure
        .with_openid_configuration("https://example.com/.well-known/openid-configuration")
        .unwrap()
}

fn oauthbearer_acceptor() -> Box<dyn Acceptor> {
    Box::new(OAuthBearerAcceptor::new(failure()).serving("server.example.com", 143).unwrap())
}

fn xoauth2_acceptor() -> Box<dyn Acceptor> {
    Box::new(XOAuth2Acceptor::new(failure()))
}

/// What the back end of the examples knows.
fn answer(question: &Question) -> Answer {
    let yes_if = |yes: bool| if yes { Answer::Accepted } else { Answer::Refused };
    match question {
        Question::Verify { mailbox, password } => {
            yes_if(mailbox.as_str() == "test" && *password == secret("test"))
        }
        Question::Secret { mailbox } if mailbox.as_str() == "tim" => {
            Answer::Secret(secret("tanstaaftanstaaf"))
        }
        Question::ScramKeys { mailbox, hash } if mailbox.as_str() == "user" => {
            let salt = match hash {
                ScramHash::Sha1 => "QSXCR+Q6sek8bf92",
                _ => "W22ZaJ0SNY7soEsUEjb6gQ==",
            };
            let salt = base64(salt).decode().unwrap();
            let iterations = NonZeroU32::new(4096).unwrap();
            let keys = ScramKeys::derive(*hash, &secret("pencil"), salt.expose(), iterations);
            Answer::ScramKeys(keys.unwrap())
        }
        Question::Token { mailbox: Some(mailbox), token, .. }
            if TOKENS.map(secret).contains(token) =>
        {
            Answer::Identified(mailbox.clone())
        }
        Question::External { .. } => Answer::Identified(Mailbox::new("user").unwrap()),
        _ => Answer::Refused,
    }
}

#[derive(Debug, PartialEq)]
enum Part {
    Reply(Vec<&'static str>),
    Line(&'static str),
    Tls,
}

impl Transcript {
    /// What is said, and the state at the end.
    fn parts(&self) -> (Vec<Part>, State) {
        let mut parts = Vec::new();
        for line in self.text.lines() {
            match line.split_at_checked(3) {
                Some(("S: ", line)) => match parts.last_mut() {
                    Some(Part::Reply(lines)) => lines.push(line),
                    _ => parts.push(Part::Reply(vec![line])),
                },
                Some(("C: ", line)) => parts.push(Part::Line(line)),
                Some(("TLS", "")) => parts.push(Part::Tls),
                _ => {}
            }
        }
        let ends = self.text.lines().find_map(|line| match line.strip_prefix("# ends: ")? {
            "AUTHORIZATION" => Some(State::Authorization),
            "TRANSACTION" => Some(State::Transaction),
            _ => None,
        });
        (parts, ends.expect("an end"))
    }

    /// Octets that each side says.
    fn octets(&self) -> (usize, usize) {
        let wire = |mark: &str| {
            let lines = self.text.lines().filter(|line| line.starts_with(mark));
            lines.map(|line| line.len() - mark.len() + "\r\n".len()).sum()
        };
        (wire("C: "), wire("S: "))
    }

    fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.text.lines().filter_map(|line| line.strip_prefix("S: "))
    }
}

fn wire(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, "\r\n"]).collect::<String>().into_bytes()
}

/// What comes next of what a peer says, after `before` octets of it, in pieces.
fn pieces(octets: &[u8], before: usize, cut: Cut) -> Vec<&[u8]> {
    match cut {
        Cut::Whole => vec![octets],
        Cut::Octets => octets.chunks(1).collect(),
        Cut::At(at) => match at.checked_sub(before).filter(|at| *at < octets.len()) {
            Some(at) => vec![&octets[..at], &octets[at..]],
            None => vec![octets],
        },
    }
}

fn cuts(octets: usize) -> impl Iterator<Item = Cut> {
    [Cut::Whole, Cut::Octets].into_iter().chain((1..octets).map(Cut::At))
}

/// Plays the server's lines to a client, which has to say the client's; gives what it reported.
fn play_to_client(transcript: &Transcript, cut: Cut) -> Vec<Event> {
    let config = ClientConfig::strict(Security::PlaintextAllowed);
    let mut session = ClientSession::new(config, Channel::Clear);
    let mut mechanism = transcript.client.map(|make| make());
    let (mut events, mut before) = (Vec::new(), 0);
    let (parts, ends) = transcript.parts();
    for part in &parts {
        match part {
            Part::Reply(lines) => {
                assert!(!session.wants_write(), "more left than the transcript has");
                let reply = wire(lines);
                for piece in pieces(&reply, before, cut) {
                    assert_eq!(session.receive(piece), piece.len());
                    while let Some(event) = session.poll_event().unwrap() {
                        events.push(event);
                    }
                }
                before += reply.len();
            }
            Part::Line(line) => {
                // A mechanism answers challenges by itself.
                if !session.wants_write() {
                    say(&mut session, line, &mut mechanism);
                }
                let mut out = session.outgoing();
                let mut sent = vec![0; bytes::Buf::remaining(&out)];
                bytes::Buf::copy_to_slice(&mut out, &mut sent);
                assert_eq!(
                    sent.escape_ascii().to_string(),
                    wire(&[line]).escape_ascii().to_string()
                );
            }
            Part::Tls => session.tls_established().unwrap(),
        }
    }
    assert!(!session.wants_write() && session.in_flight() == 0);
    assert!(mechanism.is_none(), "the mechanism was not used");
    assert_eq!(session.state(), ends);
    events
}

fn say(session: &mut ClientSession, line: &str, mechanism: &mut Option<Box<dyn Mechanism>>) {
    if let Waiting::Answer(_) = session.waiting() {
        return match line {
            "*" => session.cancel_auth(),
            response => session.answer(&base64(response)),
        }
        .unwrap();
    }
    let command = Command::parse(line.as_bytes()).unwrap();
    let sent = match mechanism.take_if(|_| matches!(command, Command::Auth { .. })) {
        Some(mechanism) => session.authenticate(mechanism),
        None => session.send(&command),
    };
    sent.unwrap_or_else(|error| panic!("{line}: {error}"));
}

/// A server that offers what the transcript announces and uses.
fn server(transcript: &Transcript) -> ServerSession {
    let mut config = ServerConfig::new();
    config.plaintext = true;
    for line in transcript.lines() {
        match codec::capability(line.as_bytes(), &Leniency::strict()).map(|parsed| parsed.value) {
            Ok(capability) if capability.is("SASL") => {
                config.mechanisms =
                    capability.params().map(|name| MechanismName::new(name).unwrap()).collect();
            }
            Ok(capability) if capability.is("IMPLEMENTATION") => {
                config.capabilities = vec![capability];
            }
            _ => {}
        }
    }
    for line in transcript.text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["C:", "AUTH", name, ..] => {
                let name = MechanismName::new(name).unwrap();
                if !config.mechanisms.contains(&name) {
                    config.mechanisms.push(name);
                }
            }
            ["C:" | "S:", "STLS"] => config.stls = true,
            _ => {}
        }
    }
    let (status, text) = transcript.lines().next().unwrap().split_at(4);
    assert_eq!(status, "+OK ");
    ServerSession::new(config, Channel::Clear, Text::new(text).unwrap()).unwrap()
}

/// Plays the client's lines to a server, which has to say the server's.
fn play_to_server(transcript: &Transcript, cut: Cut) {
    let mut session = server(transcript);
    let mut login = transcript.server.map(|make| (server::Login::new(), make));
    let (mut before, mut asked) = (0, "");
    let (parts, ends) = transcript.parts();
    for part in &parts {
        match part {
            Part::Reply(lines) => {
                let ours = |line: &&'static str| {
                    transcript
                        .ours
                        .iter()
                        .find(|(of, _)| of == line)
                        .map_or(*line, |(_, ours)| ours)
                };
                let lines: Vec<_> = lines.iter().map(ours).collect();
                while let Some(event) = session.poll_event() {
                    respond(&mut session, &mut login, event, lines[0]);
                }
                let said = String::from_utf8(written(&mut session)).unwrap();
                match asked {
                    "CAPA" => compare_capabilities(&lines, &said),
                    _ => assert_eq!(
                        said.as_bytes().escape_ascii().to_string(),
                        wire(&lines).escape_ascii().to_string()
                    ),
                }
            }
            Part::Line(line) => {
                let octets = wire(&[line]);
                for piece in pieces(&octets, before, cut) {
                    assert_eq!(session.poll_event(), None);
                    assert_eq!(session.receive(piece), piece.len());
                }
                before += octets.len();
                asked = line;
            }
            Part::Tls => {
                assert_eq!(session.poll_event(), Some(server::Event::StartTls));
                session.tls_established().unwrap();
            }
        }
    }
    assert_eq!((session.poll_event(), session.wants_write()), (None, false));
    assert_eq!(session.state(), ends);
}

/// Ours lists what is listed there, and may list more.
fn compare_capabilities(lines: &[&str], said: &str) {
    let tags = |lines: &mut dyn Iterator<Item = &str>| {
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(said.starts_with("+OK ") && said.ends_with("\r\n.\r\n"), "{said}");
    let said = tags(&mut said.lines());
    for tag in tags(&mut lines.iter().copied()) {
        assert!(said.contains(&tag), "{tag} in {said:?}");
    }
    assert_eq!(lines.contains(&"STLS"), said.iter().any(|tag| tag == "STLS"));
}

/// Answers an event so that `line` comes of it.
fn respond(
    session: &mut ServerSession,
    login: &mut Option<(server::Login, Server)>,
    event: server::Event,
    line: &'static str,
) {
    use server::Event::{Command as Said, SaslCancelled, SaslResponse};
    let text = |text: &str| Text::new(text).unwrap();
    let positive = line.strip_prefix("+OK").map(|rest| text(rest.trim_start()));
    if let (Said(Command::Auth { .. }) | SaslResponse(_) | SaslCancelled, Some((login, make))) =
        (&event, login)
    {
        let mut turn = login.take(session, event).unwrap();
        loop {
            turn = match turn {
                Turn::Answered => return,
                Turn::Begin(_) => login.begin(session, Some(make())).unwrap(),
                Turn::Ask(question) => login.answer(session, answer(&question)).unwrap(),
                Turn::Open(_) => return session.authenticated(&positive.expect("an end")).unwrap(),
                Turn::Other(event) => panic!("{event:?}"),
            };
        }
    }
    match event {
        Said(Command::Stls) => session.ok(&positive.expect("TLS")).unwrap(),
        event => panic!("{line} to {event:?}"),
    }
}

/// I1: a client says what the examples say, comes where they come, and reports the same however the octets are cut.
#[test]
fn mechanisms_play_every_exchange() {
    for transcript in TRANSCRIPTS.iter().filter(|of| of.client.is_some()) {
        let events = play_to_client(transcript, Cut::Whole);
        for cut in cuts(transcript.octets().1) {
            assert_eq!(play_to_client(transcript, cut), events, "{} {cut:?}", transcript.name);
        }
    }
}

/// I1: a server says what the examples say, and comes where they come, however the octets are cut.
#[test]
fn acceptors_play_every_exchange() {
    for transcript in TRANSCRIPTS.iter().filter(|of| of.server.is_some()) {
        for cut in cuts(transcript.octets().0) {
            play_to_server(transcript, cut);
        }
    }
}
