//! Logins by each method, by hand and by `Login`.

use pop3_proto::client::{
    Channel, Choice, ClientConfig, ClientSession, Credentials, Eof, Event, Login, LoginError,
    Method, Security, Step,
};
use pop3_proto::sasl::{
    self, ChannelBinding, Mechanism, OAuthBearer, Plain, Scram, ScramHash, XOAuth2,
};
use pop3_proto::{Base64, Command, Mailbox, MechanismName, Password, Secret};

use crate::server::Link;
use crate::{BINDING, Secrets, USER, digest};

pub(crate) fn config() -> ClientConfig {
    ClientConfig::new(Security::Implicit)
}

/// Feeds the client; the room that it reads into shows nothing of what was.
fn feed(client: &mut ClientSession, said: Option<Vec<u8>>, secrets: &Secrets) {
    match said {
        None => client.receive_eof(Eof::Clean),
        Some(said) => drop(client.receive(&said)),
    }
    secrets.look(&client);
}

/// A login by [`Login`]; gives whether somebody is in.
pub(crate) fn by_login(
    method: Method,
    password: &str,
    link: &mut Link<'_>,
) -> Result<Method, LoginError> {
    let mailbox = Mailbox::new(USER).unwrap();
    let credentials = match method {
        Method::Sasl(MechanismName::XOAUTH2 | MechanismName::OAUTHBEARER) => {
            Credentials::Token { mailbox, token: Secret::new(password) }
        }
        _ => Credentials::password(mailbox, Password::new(password).unwrap()),
    };
    let mut client = ClientSession::new(config(), Channel::Tls);
    link.secrets.look(&credentials);
    let mut login = Login::new(&client, credentials, Choice::Only(method))
        .with_nonce("fyko+d2lbbFgONRv9qkxdawL")
        .unwrap();
    login.bind(ChannelBinding::tls_exporter(&BINDING));
    for _ in 0..100 {
        let step = login.step(&mut client);
        link.secrets.look(&login);
        link.secrets.look(&step);
        link.secrets.look(&client);
        match step {
            Ok(Step::Exchange) => {
                link.secrets.look_at_room(client.incoming());
                let said = link.exchange(&mut client);
                feed(&mut client, said, link.secrets);
            }
            Ok(Step::Done(method)) => return Ok(method),
            Ok(step) => assert!(matches!(step, Step::Deviation(_)), "{step:?}"),
            Err(error) => {
                link.secrets.check(&error.to_string());
                return Err(error);
            }
        }
    }
    panic!("the login does not end");
}

pub(crate) fn mechanism(name: MechanismName, password: &str) -> Box<dyn Mechanism> {
    let secret = Secret::new(password);
    let hash =
        if name.as_str().starts_with("SCRAM-SHA-1") { ScramHash::Sha1 } else { ScramHash::Sha256 };
    let binding = if name.as_str().ends_with("-PLUS") {
        sasl::Binding::Bound(ChannelBinding::tls_exporter(&BINDING))
    } else {
        sasl::Binding::Unsupported
    };
    match name {
        MechanismName::PLAIN => Box::new(Plain::new(None, USER, secret).unwrap()),
        MechanismName::LOGIN => Box::new(sasl::Login::new(USER, secret).unwrap()),
        MechanismName::CRAM_MD5 => Box::new(sasl::CramMd5::new(USER, secret).unwrap()),
        MechanismName::XOAUTH2 => Box::new(XOAuth2::new(USER, secret).unwrap()),
        MechanismName::OAUTHBEARER => Box::new(OAuthBearer::new(Some(USER), secret).unwrap()),
        _ => {
            let nonce = "fyko+d2lbbFgONRv9qkxdawL";
            Box::new(Scram::new(hash, None, USER, secret, nonce, binding).unwrap())
        }
    }
}

/// A login by commands, the exchange conducted by the session or by the caller, so that every event is seen.
pub(crate) fn by_hand(method: Method, password: &str, link: &mut Link<'_>, conducts: bool) {
    let mut client = ClientSession::new(config(), Channel::Tls);
    let mailbox = Mailbox::new(USER).unwrap();
    let mut own = None;
    let mut commands = match method {
        Method::UserPass => {
            vec![Command::Pass(Password::new(password).unwrap()), Command::User(mailbox)]
        }
        Method::Apop => {
            vec![Command::Apop { mailbox, digest: digest(password) }]
        }
        Method::Sasl(name) if conducts => {
            let mut of = mechanism(name, password);
            let initial = of.initial_response().unwrap();
            own = Some(of);
            let initial = initial.map(|initial| Base64::encode(initial.expose()));
            vec![Command::Auth { mechanism: name, initial }]
        }
        _ => Vec::new(),
    };
    commands.push(Command::Capa);
    let mut begins = matches!(method, Method::Sasl(_)) && !conducts;
    for _ in 0..100 {
        loop {
            match client.poll_event() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    link.secrets.look(&event);
                    if let (Event::Challenge { challenge, .. }, Some(of)) = (&event, &mut own) {
                        let response = challenge
                            .decode()
                            .ok()
                            .and_then(|challenge| of.respond(challenge.expose()).ok());
                        link.secrets.look(&(&of, &response));
                        match response {
                            Some(response) => client.answer(&Base64::encode(response.expose())),
                            None => client.cancel_auth(),
                        }
                        .unwrap();
                    }
                }
                Err(error) => {
                    link.secrets.look(&(&error, &client));
                    return link.secrets.check(&error.to_string());
                }
            }
        }
        let idle = client.in_flight() == 0 && client.greeting().is_some();
        if idle && (!commands.is_empty() || begins) {
            let sent = if let Some(command) = commands.pop() {
                link.secrets.look(&command);
                client.send(&command)
            } else {
                begins = false;
                let Method::Sasl(name) = method else { return };
                let mechanism = mechanism(name, password);
                link.secrets.look(&mechanism);
                client.authenticate(mechanism)
            };
            if let Err(error) = sent {
                return link.secrets.check(&format!("{error:?} {error}"));
            }
        } else if idle || client.state() == pop3_proto::state::State::Closed {
            return;
        }
        let said = link.exchange(&mut client);
        feed(&mut client, said, link.secrets);
    }
    panic!("the login does not end");
}
