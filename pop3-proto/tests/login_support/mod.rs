//! The client of this library against the server of this library, in memory, both without I/O.

#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Buf as _;
use pop3_proto::client::{
    self, Channel, Choice, ClientConfig, ClientSession, Credentials, LoginError, Method, Security,
    Step, UseStls,
};
use pop3_proto::sasl::{Acceptor, Acceptors, Answer, ChannelBinding, Identity, Question};
use pop3_proto::server::{Event, Login, ServerConfig, ServerSession, Turn};
use pop3_proto::{Base64, Command, MechanismName, Password, Response};

use crate::sasl_support::{answer, decoy, failure, mailbox, timestamp};
use crate::server_support::{text, written};

pub(crate) fn config(mechanisms: &[MechanismName]) -> ServerConfig {
    let mut config = ServerConfig::new();
    config.mechanisms = mechanisms.to_vec();
    config
}

pub(crate) const NONCE: &str = "3rfcNHYJY1ZVvWVs7j";
pub(crate) const CLIENT_NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";
pub(crate) const EXPORTED: [u8; 32] = [7; 32];
pub(crate) const CERTIFICATE: [u8; 32] = [9; 32];

pub(crate) fn mechanisms() -> Vec<MechanismName> {
    let known = MechanismName::KNOWN.iter().copied();
    known.filter(|name| *name != MechanismName::NTLM).collect()
}

pub(crate) fn bindings() -> [ChannelBinding; 2] {
    [
        ChannelBinding::tls_exporter(&EXPORTED),
        ChannelBinding::tls_server_end_point(&CERTIFICATE).expect("a hash"),
    ]
}

/// A server's side without I/O: a session, its login, and whom to ask.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) session: ServerSession,
    pub(crate) login: Login,
    pub(crate) bindings: Vec<ChannelBinding>,
    pub(crate) back_end: fn(&Question) -> Answer,
    pub(crate) questions: Vec<Question>,
    pub(crate) opened: Vec<Identity>,
}

impl Side {
    /// Over TLS with every way to log in, and APOP.
    pub(crate) fn new() -> Self {
        let mut config = config(&mechanisms());
        (config.apop, config.stls, config.plaintext) = (true, true, true);
        config.limits.login_attempts = 9;
        Self::with(config, Channel::Tls)
    }

    pub(crate) fn with(config: ServerConfig, channel: Channel) -> Self {
        let made = ServerSession::with_timestamp(config, channel, text("ready"), timestamp());
        Self {
            session: made.expect("a way"),
            login: Login::new(),
            bindings: if channel == Channel::Tls { bindings().to_vec() } else { Vec::new() },
            back_end: answer,
            questions: Vec::new(),
            opened: Vec::new(),
        }
    }

    pub(crate) fn greeted() -> Self {
        let mut side = Self::new();
        written(&mut side.session);
        side
    }

    pub(crate) fn acceptor(&self, name: MechanismName) -> Option<Box<dyn Acceptor>> {
        let offered: Vec<_> = self.session.mechanisms().collect();
        let acceptors = Acceptors {
            offered: &offered,
            nonce: NONCE,
            challenge: &timestamp(),
            decoy: &decoy(),
            bindings: &self.bindings,
            failure: &failure(),
        };
        acceptors.make(name)
    }

    /// Does all that can be done; an adapter in miniature.
    pub(crate) fn turn(&mut self) {
        while let Some(event) = self.session.poll_event() {
            let mut turn = self.login.take(&mut self.session, event).expect("it was the last");
            loop {
                let session = &mut self.session;
                turn = match turn {
                    Turn::Answered | Turn::Other(Event::Closed { .. }) => break,
                    Turn::Begin(name) => {
                        let acceptor = self.acceptor(name);
                        self.login.begin(&mut self.session, acceptor).expect("AUTH waits")
                    }
                    Turn::Ask(question) => {
                        let answer = (self.back_end)(&question);
                        self.questions.push(question);
                        self.login.answer(session, answer).expect("it waits")
                    }
                    Turn::Open(identity) => {
                        session.authenticated(&text("open")).expect("a login waits");
                        self.opened.push(identity);
                        break;
                    }
                    Turn::Other(Event::Command(Command::Quit | Command::Stls)) => {
                        session.ok(&text("fine")).expect("it waits");
                        break;
                    }
                    Turn::Other(Event::Rejected(_)) => {
                        session.reject().expect("it waits");
                        break;
                    }
                    Turn::Other(Event::StartTls) => {
                        session.tls_established().expect("it is due");
                        self.bindings = bindings().to_vec();
                        break;
                    }
                    Turn::Other(event) => panic!("{event:?}"),
                };
            }
        }
    }

    /// What a client's lines are answered.
    pub(crate) fn said(&mut self, lines: &str) -> String {
        let mut out = String::new();
        for line in lines.split_inclusive("\r\n") {
            assert_eq!(self.session.receive(line.as_bytes()), line.len(), "{line}");
            self.turn();
            let written = written(&mut self.session);
            out += std::str::from_utf8(&written).expect("ASCII");
            // The +OK to STLS has left.
            self.turn();
        }
        out
    }
}

pub(crate) fn encoded(octets: impl AsRef<[u8]>) -> String {
    String::from_utf8(Base64::encode(octets.as_ref()).expose().to_vec()).expect("ASCII")
}

/// The client of this library against the server of this library, in memory.
pub(crate) fn log_in(
    mut side: Side,
    credentials: Credentials,
    method: Method,
    binding: Option<ChannelBinding>,
) -> (Result<Method, LoginError>, Side) {
    let config = ClientConfig::new(Security::PlaintextAllowed);
    let mut session = ClientSession::new(config, side.session.channel());
    let login = client::Login::new(&session, credentials, Choice::Only(method));
    let mut login = login.with_stls(UseStls::Never).with_nonce(CLIENT_NONCE).expect("a nonce");
    if let Some(binding) = binding {
        login.bind(binding);
    }
    for _ in 0..100 {
        match login.step(&mut session) {
            Ok(Step::Done(method)) => return (Ok(method), side),
            Err(error) => return (Err(error), side),
            Ok(Step::Deviation(deviation)) => panic!("{deviation:?}"),
            Ok(Step::StartTls) => panic!("no STLS was asked for"),
            Ok(Step::Exchange) => {
                let mut out = session.outgoing();
                let mut sent = vec![0; out.remaining()];
                out.copy_to_slice(&mut sent);
                assert_eq!(side.session.receive(&sent), sent.len());
                side.turn();
                let said = written(&mut side.session);
                assert_eq!(session.receive(&said), said.len());
            }
        }
    }
    panic!("it does not end");
}

pub(crate) fn password(name: &str, password: &str, authorization: Option<&str>) -> Credentials {
    let password = Password::new(password).expect("a password");
    let mut credentials = Credentials::password(mailbox(name), password);
    if let Credentials::Password { authorization: wanted, .. } = &mut credentials {
        *wanted = authorization.map(mailbox);
    }
    credentials
}

pub(crate) fn with_passwords() -> Vec<Method> {
    let sasl = [
        MechanismName::SCRAM_SHA_256,
        MechanismName::SCRAM_SHA_1,
        MechanismName::CRAM_MD5,
        MechanismName::PLAIN,
        MechanismName::LOGIN,
    ];
    [Method::UserPass, Method::Apop].into_iter().chain(sasl.map(Method::Sasl)).collect()
}

pub(crate) fn line(response: &Response) -> String {
    let mut line = Vec::new();
    response.encode(&mut line);
    String::from_utf8(line).expect("ASCII").trim_end().to_owned()
}

pub(crate) fn refused(outcome: Result<Method, LoginError>) -> String {
    match outcome {
        Err(LoginError::Refused(refused)) => line(&refused.response),
        outcome => panic!("{outcome:?}"),
    }
}
