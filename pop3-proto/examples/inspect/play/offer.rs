//! What a server offers: what the script announces and uses.

use pop3_proto::client::Channel;
use pop3_proto::server::{ServerConfig, ServerSession, Utf8Offer};
use pop3_proto::state::Keyword;
use pop3_proto::{
    Capability, Command, Greeting, Leniency, MechanismName, Response, Status, Text, codec,
};

use super::dialogue::{Dialogue, Turn, trim};

/// What a greeting is if the script has none.
const GREETING: &[u8] = b"+OK POP3 server ready";

/// A session that has greeted as the script does.
pub(super) fn session(
    mut config: ServerConfig,
    channel: Channel,
    dialogue: &Dialogue,
) -> Result<ServerSession, String> {
    for turn in &dialogue.turns {
        match Command::parse(&turn.line) {
            Ok(Command::Capa) => announced(&mut config, turn),
            Ok(Command::Auth { mechanism, .. }) => add(&mut config.mechanisms, mechanism),
            Ok(Command::Lang(None)) => {
                for line in lines(turn) {
                    let listing = codec::language_listing(line, &Leniency::strict());
                    config.languages.extend(listing.map(|listing| listing.value));
                }
            }
            Ok(Command::Stls) => config.stls = true,
            Ok(Command::Utf8) if config.utf8 == Utf8Offer::No => config.utf8 = Utf8Offer::Yes,
            Ok(Command::Apop { .. }) => config.apop = true,
            _ => {}
        }
    }
    let greeting = match trim(&dialogue.greeting) {
        b"" => GREETING,
        line => line,
    };
    let text = greeting.strip_prefix(b"+OK").ok_or("a server of ours greets with +OK")?;
    let text = std::str::from_utf8(text.strip_prefix(b" ").unwrap_or(text));
    let text = text.map_err(|_| "the greeting is not UTF-8")?;
    let checked = |text: &str| Text::utf8(text).map_err(|error| format!("the greeting: {error}"));
    let timestamp = Greeting::new(Response::new(Status::Ok, checked(text)?)).timestamp();
    let session = match timestamp.filter(|_| config.apop) {
        Some(timestamp) => {
            let text = text.strip_suffix(timestamp.as_str()).unwrap_or(text).trim_end();
            ServerSession::with_timestamp(config, channel, checked(text)?, timestamp)
        }
        None => ServerSession::new(config, channel, checked(text)?),
    };
    session.map_err(|error| error.to_string())
}

fn announced(config: &mut ServerConfig, turn: &Turn) {
    for line in lines(turn) {
        let Ok(capability) = codec::capability(line, &Leniency::strict()) else { continue };
        let capability: Capability = capability.value;
        let own = Keyword::parse(capability.tag().as_bytes());
        match own {
            Some(Keyword::Stls) => config.stls = true,
            Some(Keyword::Utf8)
                if capability.params().any(|of| of.eq_ignore_ascii_case("USER")) =>
            {
                config.utf8 = Utf8Offer::User;
            }
            Some(Keyword::Utf8) => config.utf8 = Utf8Offer::Yes,
            Some(_) => {}
            None if capability.is("SASL") => {
                for name in capability.params() {
                    if let Ok(name) = MechanismName::new(name) {
                        add(&mut config.mechanisms, name);
                    }
                }
            }
            None if ["RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
                .iter()
                .any(|tag| capability.is(tag)) => {}
            None if config.capabilities.iter().any(|of| of.is(capability.tag())) => {}
            None => config.capabilities.push(capability),
        }
    }
}

fn lines(turn: &Turn) -> impl Iterator<Item = &[u8]> {
    let lines = turn.reply.split(|octet| *octet == b'\n').map(trim).skip(1);
    lines.take_while(|line| *line != b".").filter(|line| !line.is_empty())
}

fn add(mechanisms: &mut Vec<MechanismName>, name: MechanismName) {
    if !mechanisms.contains(&name) {
        mechanisms.push(name);
    }
}
