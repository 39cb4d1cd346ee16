//! A server that knows one user, and a connection on which it echoes.

use std::fmt::Debug;
use std::num::NonZeroU32;

use bytes::Buf as _;
use pop3_proto::client::{Channel, ClientSession};
use pop3_proto::sasl::{
    Acceptors, Answer, ChannelBinding, Question, ScramDecoy, ScramKeys, TokenFailure,
};
use pop3_proto::server::{self, ServerConfig, ServerSession, Turn};
use pop3_proto::{ApopTimestamp, Command, Secret, Text};

use crate::{BINDING, CHALLENGE, MECHANISMS, Secrets, base64};

/// A server that knows one user, and what of it is seen.
pub(crate) struct Server {
    pub(crate) session: ServerSession,
    login: server::Login,
    password: String,
}

impl Server {
    pub(crate) fn new(password: &str) -> Self {
        let mut config = ServerConfig::new();
        config.mechanisms = MECHANISMS.to_vec();
        config.apop = true;
        config.limits.bad_commands_before_login = u32::MAX;
        config.limits.login_attempts = u32::MAX;
        let timestamp = ApopTimestamp::new(CHALLENGE).unwrap();
        let text = Text::new("ready").unwrap();
        let session = ServerSession::with_timestamp(config, Channel::Tls, text, timestamp);
        Self {
            session: session.unwrap(),
            login: server::Login::new(),
            password: password.to_owned(),
        }
    }

    pub(crate) fn look(&mut self, secrets: &Secrets) {
        secrets.look(&self.session);
        secrets.look(&self.session.outgoing());
        secrets.look(&self.session.waiting());
        secrets.look(&self.login);
    }

    fn answer(&self, question: &Question) -> Answer {
        let secret = Secret::new(self.password.as_bytes());
        match question {
            Question::Verify { password, .. } if *password == secret => Answer::Accepted,
            Question::Secret { .. } => Answer::Secret(secret),
            Question::ScramKeys { hash, .. } => {
                let iterations = NonZeroU32::new(4096).unwrap();
                Answer::ScramKeys(ScramKeys::derive(*hash, &secret, b"salt", iterations).unwrap())
            }
            Question::Token { token, mailbox: Some(mailbox), .. } if *token == secret => {
                Answer::Identified(mailbox.clone())
            }
            _ => Answer::Refused,
        }
    }

    /// Takes octets and answers; gives what it says.
    pub(crate) fn converse(&mut self, octets: &[u8], secrets: &mut Secrets) -> Vec<u8> {
        self.look(secrets);
        let mut rest = octets;
        let mut said = Vec::new();
        loop {
            let taken = self.session.receive(rest);
            rest = &rest[taken..];
            while let Some(event) = self.session.poll_event() {
                secrets.look(&event);
                self.take(event, secrets);
            }
            self.look(secrets);
            let mut out = self.session.outgoing();
            let mut written = vec![0; out.remaining()];
            out.copy_to_slice(&mut written);
            if taken == 0 && written.is_empty() {
                return said;
            }
            said.extend_from_slice(&written);
        }
    }

    fn take(&mut self, event: server::Event, secrets: &mut Secrets) {
        let decoy = Secret::new("the server's own key");
        let decoy = ScramDecoy::new(decoy, NonZeroU32::new(4096).unwrap(), 4).unwrap();
        let challenge = ApopTimestamp::new(CHALLENGE).unwrap();
        let acceptors = Acceptors {
            offered: &MECHANISMS,
            nonce: "3rfcNHYJY1ZVvWVs7j",
            challenge: &challenge,
            decoy: &decoy,
            bindings: &[ChannelBinding::tls_exporter(&BINDING)],
            failure: &TokenFailure::new("invalid_token").unwrap(),
        };
        let mut turn = self.login.take(&mut self.session, event).unwrap();
        loop {
            secrets.look(&turn);
            secrets.look(&self.login);
            let session = &mut self.session;
            turn = match turn {
                Turn::Begin(name) => {
                    let acceptor = acceptors.make(name);
                    secrets.look(&acceptor);
                    self.login.begin(session, acceptor).unwrap()
                }
                Turn::Ask(question) => {
                    let answer = self.answer(&question);
                    if let Answer::ScramKeys(keys) = &answer {
                        secrets.add(keys.stored_key().expose());
                        secrets.add(keys.server_key().expose());
                    }
                    secrets.look(&(&question, &answer));
                    self.login.answer(&mut self.session, answer).unwrap()
                }
                Turn::Open(_) => {
                    return session.authenticated(&Text::new("open").unwrap()).unwrap();
                }
                Turn::Other(server::Event::Rejected(error)) => {
                    secrets.check(&error.to_string());
                    return session.reject().unwrap();
                }
                Turn::Other(server::Event::Command(Command::Quit)) => {
                    return session.ok(&Text::new("bye").unwrap()).unwrap();
                }
                Turn::Other(server::Event::Command(_)) => {
                    return session.err(None, &Text::new("not here").unwrap()).unwrap();
                }
                Turn::Answered | Turn::Other(_) => return,
            };
        }
    }
}

/// What a server makes of the line that it got last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Echo {
    /// It comes back as it is.
    Line,
    /// And without CR.
    BareLineFeed,
    /// And without an end.
    Endless,
    /// In a line that is too long.
    Long,
    /// As the challenge that it is, or is not.
    Challenge,
    /// In a challenge, encoded.
    Encoded,
    /// In lines behind a positive status line.
    Listing,
    /// In the text of a status line.
    Ok,
    Err,
    /// In a farewell behind a reply.
    Farewell,
}

impl Echo {
    pub(crate) const WITHOUT_TEXT: [Self; 7] = [
        Self::Line,
        Self::BareLineFeed,
        Self::Endless,
        Self::Long,
        Self::Challenge,
        Self::Encoded,
        Self::Listing,
    ];

    fn of(self, line: &[u8]) -> Vec<u8> {
        let word = line.rsplit(|octet| *octet == b' ').next().unwrap_or_default();
        match self {
            Self::Line => [line, b"\r\n"].concat(),
            Self::BareLineFeed => [line, b"\n"].concat(),
            Self::Endless => line.to_vec(),
            Self::Long => [line, &vec![b'x'; 70_000], b"\r\n"].concat(),
            Self::Challenge => [b"+ ", word, b"\r\n"].concat(),
            Self::Encoded => [b"+ ", base64(line).as_bytes(), b"\r\n"].concat(),
            Self::Listing => [b"+OK\r\n", line, b"\r\n.\r\n"].concat(),
            Self::Ok => [b"+OK ", line, b"\r\n"].concat(),
            Self::Err => [b"-ERR what is ", line, b"\r\n"].concat(),
            Self::Farewell => [b"-ERR no\r\n-ERR bye to ", line, b"\r\n"].concat(),
        }
    }
}

/// A connection on which the server echoes from its `turns`th answer on.
pub(crate) struct Link<'a> {
    pub(crate) server: Server,
    pub(crate) secrets: &'a mut Secrets,
    pub(crate) echo: Option<(usize, Echo)>,
    pub(crate) turns: usize,
}

impl Link<'_> {
    /// What comes back for what the client wrote; `None` if that is the end.
    pub(crate) fn exchange(&mut self, client: &mut ClientSession) -> Option<Vec<u8>> {
        self.secrets.look(&client.outgoing());
        self.secrets.look(&client);
        let mut sent = Vec::new();
        let mut out = client.outgoing();
        while out.has_remaining() {
            sent.push(out.get_u8());
        }
        for line in sent.split(|octet| *octet == b'\n') {
            self.secrets.add_answer(line.trim_ascii_end());
        }
        self.secrets.look(&client);
        self.secrets.look_at_room(self.server.session.incoming());
        self.turns += 1;
        let said = match self.echo {
            Some((turns, echo)) if self.turns > turns && !sent.is_empty() => {
                echo.of(sent.trim_ascii_end())
            }
            _ => self.server.converse(&sent, self.secrets),
        };
        if said.is_empty() { None } else { Some(said) }
    }
}
