//! What people read: every error, state and deviation has words of its own, and names what it is about.

use std::fmt::Display;

use pop3_proto::client::{Channel, Eof, ProtocolError, SendError, Update, Waiting};
use pop3_proto::server::{ConfigError, RespondError};
use pop3_proto::state::{Barrier, Effect, Framing, Keyword, Points, State};
use pop3_proto::{CommandError, Deviation, Deviations, InvalidValue, MessageNumber};

/// All different, none empty, each one line.
fn have_words<T: Display>(values: impl IntoIterator<Item = T>) {
    let mut seen = Vec::new();
    for value in values {
        let words = value.to_string();
        assert!(!words.is_empty() && !words.contains(['\r', '\n']), "{words:?}");
        assert!(!seen.contains(&words), "{words:?} twice");
        seen.push(words);
    }
}

/// Every word of `words` stands in what `value` says.
fn says(value: &impl Display, words: &[&str]) {
    let said = value.to_string();
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

#[test]
fn states_and_the_table() {
    have_words([
        State::Greeting,
        State::Authorization,
        State::Transaction,
        State::Update,
        State::Closed,
        State::Failed,
    ]);
    have_words([Points::AUTHORIZATION, Points::AFTER_USER, Points::TRANSACTION]);
    have_words([
        Framing::SingleLine,
        Framing::Multiline,
        Framing::MultilineWithoutArgument,
        Framing::Sasl,
    ]);
    have_words([
        Effect::Nothing,
        Effect::Named,
        Effect::Authenticated,
        Effect::Tls,
        Effect::Marked,
        Effect::Unmarked,
        Effect::Ended,
        Effect::Utf8,
        Effect::Language,
    ]);
    have_words([Barrier::None, Barrier::After, Barrier::Around]);
    have_words([Channel::Clear, Channel::Tls, Channel::Trusted]);
    have_words([Waiting::Nothing, Waiting::Greeting, Waiting::Write, Waiting::Tls, Waiting::Close]);
    have_words([Update::NotRequested, Update::Committed, Update::Refused, Update::Unknown]);
}

/// A report of what a server was forgiven names each deviation; a set of none is empty.
#[test]
fn deviations() {
    have_words(Deviation::ALL);
    let mut set = Deviations::NONE;
    assert!(set.is_empty());
    for deviation in Deviation::ALL {
        set.insert(*deviation);
        assert!(!set.is_empty());
    }
}

/// The caller's errors: with the numbers that are over a limit, and the keyword that was refused.
#[test]
fn errors_of_the_caller() {
    let too_long = InvalidValue::TooLong { octets: 300, limit: 255 };
    says(&too_long, &["300", "255"]);
    says(&InvalidValue::ForbiddenOctet { at: 17 }, &["17"]);
    says(&InvalidValue::RawKeyword(Keyword::Stls), &["STLS"]);
    have_words([
        InvalidValue::Empty,
        too_long,
        InvalidValue::ForbiddenOctet { at: 17 },
        InvalidValue::MessageNumberZero,
        InvalidValue::ApopDigest,
        InvalidValue::ApopTimestamp,
        InvalidValue::Base64,
        InvalidValue::Delegation,
        InvalidValue::RawKeyword(Keyword::Stls),
    ]);
    let message = MessageNumber::new(7).unwrap();
    let wrong = |keyword| SendError::WrongState { keyword, state: State::Update };
    let too_long = SendError::TooLong { octets: 300, limit: 255 };
    says(&wrong(Some(Keyword::Retr)), &["RETR", "UPDATE"]);
    says(&wrong(None), &["raw", "UPDATE"]);
    says(&SendError::Barrier { keyword: Keyword::Pass }, &["PASS"]);
    says(&SendError::TooManyInFlight { limit: 1024 }, &["1024"]);
    says(&SendError::NotAscii(Keyword::User), &["USER", "UTF-8"]);
    says(&SendError::MarkedDeleted(message), &["7"]);
    says(&SendError::Forbidden(Keyword::Rset), &["RSET"]);
    says(&SendError::NotProtected { keyword: Some(Keyword::Apop) }, &["APOP", "in clear"]);
    says(&too_long, &["300", "255"]);
    have_words([
        SendError::BeforeGreeting,
        SendError::Over,
        wrong(None),
        SendError::Barrier { keyword: Keyword::Pass },
        SendError::NotPipelined,
        SendError::TooManyInFlight { limit: 1024 },
        SendError::OutputFull,
        SendError::TooLateForTls,
        SendError::TlsDue,
        SendError::NoChallenge,
        SendError::NotAscii(Keyword::User),
        SendError::MarkedDeleted(message),
        SendError::NoTimestamp,
        SendError::Forbidden(Keyword::Rset),
        SendError::NotProtected { keyword: None },
        too_long,
    ]);
    have_words([
        ConfigError::NoAuthentication,
        ConfigError::Capability,
        ConfigError::Mechanisms,
        ConfigError::Language,
        ConfigError::GreetingTooLong,
        ConfigError::GreetingNotAscii,
        ConfigError::GreetingTimestamp,
    ]);
    have_words([
        RespondError::NothingToAnswer,
        RespondError::Mismatch,
        RespondError::Full,
        RespondError::NotAscii,
        RespondError::TooLong,
    ]);
}

/// The peer's errors: with what was due, the limit that was passed, the message that was meant.
#[test]
fn errors_of_the_peer() {
    let [asked, answered] = [7, 8].map(|number| MessageNumber::new(number).unwrap());
    let eof = |eof| ProtocolError::UnexpectedEof { waiting: Waiting::Greeting, eof };
    let interrupted = |eof| ProtocolError::AuthenticationInterrupted { refusal: None, eof };
    says(&eof(Eof::Clean), &["the greeting"]);
    says(&ProtocolError::TimedOut { waiting: Waiting::Tls }, &["the TLS handshake"]);
    says(&ProtocolError::LineTooLong { limit: 8192 }, &["8192"]);
    says(&ProtocolError::WrongMessage { asked, answered }, &["message 8", "7"]);
    says(&ProtocolError::RepeatedNumber(asked), &["7"]);
    says(&ProtocolError::TooManyItems { limit: 512 }, &["512"]);
    says(&ProtocolError::DrainLimit { limit: 1024 }, &["1024"]);
    have_words([
        eof(Eof::Clean),
        eof(Eof::Abrupt),
        ProtocolError::TimedOut { waiting: Waiting::Tls },
        interrupted(Eof::Clean),
        interrupted(Eof::Abrupt),
        ProtocolError::ServerNotVerified,
        ProtocolError::NotCancelled,
        ProtocolError::OctetsAfterStls,
        ProtocolError::StlsAbandoned,
        ProtocolError::Unsolicited,
        ProtocolError::LineTooLong { limit: 8192 },
        ProtocolError::BareLineFeed,
        ProtocolError::WrongMessage { asked, answered },
        ProtocolError::RepeatedNumber(asked),
        ProtocolError::TooManyItems { limit: 512 },
        ProtocolError::DrainLimit { limit: 1024 },
    ]);
    have_words([
        CommandError::Empty,
        CommandError::ForbiddenOctet,
        CommandError::Unknown,
        CommandError::Unsupported(Keyword::Top),
        CommandError::Arguments(Keyword::Top),
        CommandError::MessageNumber(Keyword::Top),
        CommandError::WrongState(Keyword::Top),
        CommandError::NotProtected(Keyword::Pass),
        CommandError::Mechanism,
        CommandError::Base64,
        CommandError::TooManyRounds,
        CommandError::TooLong,
        CommandError::BareLineFeed,
    ]);
}

/// What mechanisms and logins say of themselves; what a login failed for is its source.
#[cfg(feature = "sasl")]
#[test]
fn logins() {
    use std::error::Error as _;

    use pop3_proto::MechanismName;
    use pop3_proto::client::CancelReason;
    use pop3_proto::client::{LoginError, Method, Unfit};
    use pop3_proto::sasl::{MechanismError, Refusal, ServerError};

    let iterations = MechanismError::Iterations { count: 9, minimum: 4096, maximum: 600_000 };
    says(&iterations, &["9", "4096", "600000"]);
    says(&MechanismError::ServerError(ServerError::NoResources), &["no-resources"]);
    have_words([
        MechanismError::Used,
        MechanismError::MalformedChallenge,
        MechanismError::UnexpectedChallenge,
        MechanismError::Nonce,
        iterations,
        MechanismError::Extension,
        MechanismError::ServerError(ServerError::NoResources),
        MechanismError::ServerSignature,
    ]);
    have_words([
        CancelReason::MalformedChallenge,
        CancelReason::TooManyRounds,
        CancelReason::Mechanism(MechanismError::Nonce),
    ]);
    have_words([
        Refusal::Malformed,
        Refusal::InitialResponse,
        Refusal::ChannelBinding,
        Refusal::Credentials,
        Refusal::Unavailable,
    ]);
    have_words([Method::UserPass, Method::Apop, Method::Sasl(MechanismName::PLAIN)]);
    have_words([
        Unfit::Credentials,
        Unfit::NotAscii,
        Unfit::Prohibited,
        Unfit::TooLong,
        Unfit::Authorization,
        Unfit::ChannelBinding,
        Unfit::Nonce,
    ]);
    let unfit = LoginError::Unfit { method: Method::Apop, reason: Unfit::Nonce };
    let announced = vec![MechanismName::CRAM_MD5, MechanismName::PLAIN];
    let no_method = LoginError::NoMethod { announced };
    says(&unfit, &["APOP", &Unfit::Nonce.to_string()]);
    says(&no_method, &["CRAM-MD5 PLAIN"]);
    let sources = [
        LoginError::from(ProtocolError::Unsolicited),
        LoginError::from(SendError::Over),
        LoginError::from(InvalidValue::Empty),
    ];
    for error in &sources {
        assert_eq!(error.source().map(ToString::to_string), Some(error.to_string()));
    }
    let others = [LoginError::Closed(None), LoginError::StlsNotOffered, unfit, no_method];
    assert!(others.iter().all(|error| error.source().is_none()));
    have_words(sources.into_iter().chain(others));
}
