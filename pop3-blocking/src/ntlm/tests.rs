use super::*;
use bytes::Buf as _;
use pop3_proto::Base64;
use pop3_proto::client::{Channel, ClientConfig, ClientSession, Event, ProtocolError, Security};
use pop3_proto::state::State;
use proptest::prelude::*;

/// [MS-NLMP] 4.2.4.3.
const CHALLENGE: &str = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef\
    00000000000000002400240044000000060070170000000f5300650072007600650072000200\
    0c0044006f006d00610069006e0001000c0053006500720076006500720000000000";

/// [MS-POP3] 4.1.
const POP3_CHALLENGE: &str = "TlRMTVNTUAACAAAAFAAUADgAAAAFgoqinziKqGYjdlEAAAAAAAAAAGQAZABMAAAABQLODgAAAA9UAEUA\
    UwBUAFMARQBSAFYARQBSAAIAFABUAEUAUwBUAFMARQBSAFYARQBSAAEAFABUAEUAUwBUAFMARQBSAFYARQBSAAQAFABUAGUA\
    cwB0AFMAZQByAHYAZQByAAMAFABUAGUAcwB0AFMAZQByAHYAZQByAAAAAAA=";

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |octet: &u8| u8::try_from((*octet as char).to_digit(16).unwrap()).unwrap();
    digits.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}

fn unbase64(text: &[u8]) -> Vec<u8> {
    Base64::new(std::str::from_utf8(text).unwrap()).unwrap().decode().unwrap().expose().to_vec()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What the length and the offset at `at` say.
fn field(message: &[u8], at: usize) -> &[u8] {
    let length = u16::from_le_bytes([message[at], message[at + 1]]);
    let room = u16::from_le_bytes([message[at + 2], message[at + 3]]);
    assert_eq!(length, room);
    let start = u32::from_le_bytes(message[at + 4..at + 8].try_into().unwrap()) as usize;
    &message[start..start + usize::from(length)]
}

fn ntlm() -> Ntlm {
    let mut ntlm = Ntlm::new("User", Some("Domain"), Secret::new("Password")).unwrap();
    ntlm = ntlm.with_workstation("COMPUTER").unwrap();
    ntlm.nonce = [0xaa; 8];
    ntlm
}

/// That an entry of the list tells the time.
fn with_timestamp(message: &[u8], time: [u8; 8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let end = message.len() - 4;
    message.splice(end..end, [&[7, 0, 8, 0][..], &time].concat());
    message[40] += 12;
    message[42] += 12;
    message
}

/// [MS-NLMP] 4.2.4: the key, both responses and the names, octet for octet.
#[test]
fn the_responses_are_those_of_the_specification() {
    let ntlm = ntlm();
    assert_eq!(ntlm.key.expose(), unhex("0c868a403bfd7a93a3001ef22ef02e3f"));
    let challenge = unhex(CHALLENGE);
    let message = ntlm.authenticate(&Challenge::parse(&challenge).unwrap(), 0);
    let message = message.expose();
    assert!(message.starts_with(b"NTLMSSP\0\x03\0\0\0"));
    assert_eq!(field(message, 12), unhex("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"));
    assert_eq!(
        field(message, 20),
        unhex(
            "68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000\
             02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000"
        )
    );
    assert_eq!(field(message, 28), utf16("Domain"));
    assert_eq!(field(message, 36), utf16("User"));
    assert_eq!(field(message, 44), utf16("COMPUTER"));
    // A session key is not said to whoever listens.
    assert_eq!(field(message, 52), b"");
}

/// [MS-NLMP] 3.1.5.1.2: a server's time is taken for the client's, and `LMv2` is not said to it.
#[test]
fn the_time_of_the_server_counts() {
    let time = [1, 2, 3, 4, 5, 6, 7, 8];
    let challenge = with_timestamp(&unhex(CHALLENGE), time);
    let message = ntlm().authenticate(&Challenge::parse(&challenge).unwrap(), 0);
    assert_eq!(field(message.expose(), 12), [0; 24]);
    assert_eq!(&field(message.expose(), 20)[24..32], time);
}

/// OX-01, OX-03, OX-05, OX-07, OX-08: NEGOTIATE, which asks for neither signing nor sealing nor datagrams, then
/// AUTHENTICATE, and nothing after it.
#[test]
fn one_challenge_is_answered_once() {
    let (mut ntlm, mut early) = (ntlm(), ntlm());
    assert!(!ntlm.is_satisfied() && !ntlm.initial_response_in_command());
    let negotiate = ntlm.initial_response().unwrap().unwrap();
    let expected = unhex(
        "4e544c4d5353500001000000058288000000000028000000000000002800000000000000\
         00000000",
    );
    assert_eq!(negotiate.expose(), expected);
    assert_eq!(negotiate.expose()[12] & 0x70, 0, "SIGN, SEAL and DATAGRAM");
    assert!(!ntlm.is_satisfied());
    let authenticate = ntlm.respond(&unhex(CHALLENGE)).unwrap();
    assert!(authenticate.expose().starts_with(b"NTLMSSP\0\x03\0\0\0") && ntlm.is_satisfied());
    assert_eq!(ntlm.respond(&unhex(CHALLENGE)), Err(MechanismError::UnexpectedChallenge));
    assert!(!ntlm.is_satisfied());
    assert_eq!(ntlm.initial_response(), Err(MechanismError::Used));
    // And nothing before NEGOTIATE.
    assert_eq!(early.respond(&unhex(CHALLENGE)), Err(MechanismError::UnexpectedChallenge));
    assert_eq!(early.initial_response(), Err(MechanismError::Used));
}

/// OX-02, OX-03, OX-05, OX-06, OX-07, OX-08, OX-10, ROXPOP3-2.2.1.01, ROXPOP3-3.1.5.01,
/// ROXPOP3-3.1.5.02, ROXPOP3-3.1.5.03: the exchange of [MS-POP3] 4.1 through a session, with `+ ` as [MS-OXPOP3] has
/// it and with `+OK` as [MS-POP3] has it, and its failure as in 4.2.
#[test]
fn the_exchange_of_the_specification_is_conducted() {
    for (empty, outcome, succeeds) in [
        ("+ ", "+OK User successfully logged on", true),
        ("+OK", "+OK User successfully logged on", true),
        ("+ ", "-ERR Command not valid", false),
    ] {
        let config = ClientConfig::new(Security::Implicit);
        let mut session = ClientSession::new(config, Channel::Tls);
        let said = |session: &mut ClientSession, line: &str| {
            session.receive(format!("{line}\r\n").as_bytes());
            let mut last = None;
            while let Some(event) = session.poll_event().unwrap() {
                last = Some(event);
            }
            let answer = session.outgoing().chunk().to_vec();
            session.outgoing().advance(answer.len());
            (last, answer)
        };
        said(&mut session, "+OK ready");
        let ntlm = Ntlm::new("user", None, Secret::new("password")).unwrap();
        let ntlm = Box::new(ntlm.with_workstation("NF-CLIENT").unwrap());
        session.authenticate(ntlm).unwrap();
        assert_eq!(session.outgoing().chunk(), b"AUTH NTLM\r\n");
        session.outgoing().advance(11);

        let (_, negotiate) = said(&mut session, empty);
        let negotiate = unbase64(negotiate.strip_suffix(b"\r\n").unwrap());
        assert!(negotiate.starts_with(b"NTLMSSP\0\x01\0\0\0"));

        let (_, answer) = said(&mut session, &format!("+ {POP3_CHALLENGE}"));
        let answer = unbase64(answer.strip_suffix(b"\r\n").unwrap());
        assert!(answer.starts_with(b"NTLMSSP\0\x03\0\0\0"));
        assert_eq!(field(&answer, 12).len(), 24);
        assert_eq!(field(&answer, 28), b"");
        assert_eq!(field(&answer, 36), utf16("user"));
        assert_eq!(field(&answer, 44), utf16("NF-CLIENT"));
        let info = &unbase64(POP3_CHALLENGE.as_bytes())[0x4c..];
        let response = field(&answer, 20);
        assert_eq!(&response[44..response.len() - 4], info);

        let (last, _) = said(&mut session, outcome);
        let Some(Event::Completed { response, .. }) = last else { panic!("{last:?}") };
        assert_eq!(response.is_ok(), succeeds);
        assert_eq!(session.state() == State::Transaction, succeeds);
    }
}

/// OX-09, ROXPOP3-3.1.5.03: what NTLM makes nothing of fails the login: the server hears `*` and nothing of NTLM, and
/// after its `-ERR` the session is as before. A success in place of the challenge is none.
#[test]
fn an_error_of_ntlm_ends_the_exchange() {
    fn sent(session: &mut ClientSession) -> Vec<u8> {
        let sent = session.outgoing().chunk().to_vec();
        session.outgoing().advance(sent.len());
        sent
    }
    /// How many events come of it, and what is said to it.
    fn said(session: &mut ClientSession, line: &str) -> (usize, Vec<u8>) {
        session.receive(format!("{line}\r\n").as_bytes());
        let events = std::iter::from_fn(|| session.poll_event().unwrap()).count();
        (events, sent(session))
    }
    let begun = || {
        let mut session = ClientSession::new(ClientConfig::new(Security::Implicit), Channel::Tls);
        let ntlm = Ntlm::new("user", None, Secret::new("password")).unwrap();
        assert_eq!(said(&mut session, "+OK ready"), (1, Vec::new()));
        session.authenticate(Box::new(ntlm)).unwrap();
        assert_eq!(sent(&mut session), b"AUTH NTLM\r\n");
        said(&mut session, "+ ");
        session
    };
    // Nothing, what is no challenge, and NEGOTIATE again.
    for challenge in ["", "QUJD", "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAFASgKAAAADw=="] {
        let mut session = begun();
        assert_eq!(said(&mut session, &format!("+ {challenge}")).1, b"*\r\n", "{challenge}");
        assert_eq!(said(&mut session, "-ERR cancelled"), (1, Vec::new()));
        assert_eq!(session.state(), State::Authorization);
        session.send(&pop3_proto::Command::Capa).unwrap();
    }
    let mut session = begun();
    session.receive(b"+OK at once\r\n");
    assert_eq!(session.poll_event(), Err(ProtocolError::ServerNotVerified));
}

/// A server without names to tell: what Cyrus sends for a host called LOCALHOST.
#[test]
fn a_challenge_without_target_info() {
    let mut message = b"NTLMSSP\0\x02\0\0\0\x12\0\x12\0\x30\0\0\0\x05\x82\x02\0".to_vec();
    message.extend(b"\x2f\x5b\x5d\xf6\xb4\x09\xfd\xb3");
    message.extend([0; 16]);
    message.extend("LOCALHOST".encode_utf16().flat_map(u16::to_le_bytes));
    let challenge = Challenge::parse(&message).expect("a challenge");
    assert_eq!((challenge.target_info, challenge.timestamp), (&[0; 4][..], None));
}

/// C1: every cut of a message, and every lie about what lies where, is refused.
#[test]
fn a_challenge_that_lies_is_refused() {
    let good = unhex(CHALLENGE);
    assert!(Challenge::parse(&good).is_some());
    for len in 0..good.len() {
        assert_eq!(Challenge::parse(&good[..len]), None, "cut at {len}");
    }
    let lies: &[(&str, usize, &[u8])] = &[
        ("no signature", 0, b"M"),
        ("of another type", 8, &[3]),
        ("without Unicode", 20, &[0x32]),
        ("without NTLM", 21, &[0x80]),
        ("no target info", 40, &[0, 0]),
        ("target info beyond the end", 40, &[0xff, 0xff]),
        ("one octet beyond the end", 40, &[0x25]),
        ("an offset of 2^32-1", 44, &[0xff; 4]),
        ("an offset of 2^31-1", 44, &[0xff, 0xff, 0xff, 0x7f]),
        ("target info in the header", 44, &[0x20]),
        ("target info over the name", 44, &[0x40]),
        ("a name over target info", 16, &[0x40]),
        ("a name beyond the end", 16, &[0xff; 4]),
        ("all at most", 12, &[0xff; 8]),
        ("an entry beyond the list", 0x46, &[0xff, 0xff]),
        ("a list without end", 0x64, &[9]),
        ("an end with something in it", 0x56, &[0]),
        ("a time of another length", 0x44, &[7]),
    ];
    for (lie, at, octets) in lies {
        let mut message = good.clone();
        message[*at..at + octets.len()].copy_from_slice(octets);
        assert_eq!(Challenge::parse(&message), None, "{lie}");
        let mut ntlm = ntlm();
        ntlm.initial_response().unwrap();
        assert_eq!(ntlm.respond(&message), Err(MechanismError::MalformedChallenge), "{lie}");
        assert!(!ntlm.is_satisfied());
    }
}

/// C1, B1: the largest message that is taken is answered, one octet more is not.
#[test]
fn a_challenge_has_a_limit() {
    for (octets, taken) in
        [(challenge::MAX_OCTETS, true), (challenge::MAX_OCTETS + 1, false), (65_536, false)]
    {
        let mut message = unhex(CHALLENGE);
        message.truncate(0x44);
        let value = octets - 0x44 - 8;
        message.extend([9, 0]);
        message.extend(u16::try_from(value).unwrap().to_le_bytes());
        message.resize(octets, 0);
        let info = u16::try_from(octets - 0x44).unwrap_or(u16::MAX).to_le_bytes();
        message[40..42].copy_from_slice(&info);
        let mut ntlm = ntlm();
        ntlm.initial_response().unwrap();
        assert_eq!(ntlm.respond(&message).is_ok(), taken, "{octets}");
    }
}

/// The forms of a name, and what is none.
#[test]
fn a_domain_may_stand_in_front_of_the_user() {
    let new = |user: &str, domain| Ntlm::new(user, domain, Secret::new("x"));
    for (user, domain, expected) in [
        ("mrose", None, ("", "mrose")),
        (r"EXAMPLE\mrose", None, ("EXAMPLE", "mrose")),
        ("mrose@example.com", None, ("", "mrose@example.com")),
        ("mrose", Some("EXAMPLE"), ("EXAMPLE", "mrose")),
    ] {
        let ntlm = new(user, domain).unwrap();
        assert_eq!((&*ntlm.domain, &*ntlm.user), expected);
    }
    for (user, domain) in [("", None), (r"\mrose", None), (r"X\", None), ("a\0b", None)] {
        assert!(matches!(new(user, domain), Err(Error::Invalid(_))), "{user}");
    }
    assert!(new(&"x".repeat(256), None).is_err() && new("x", Some("")).is_err());
    for password in [&b""[..], b"\xff", b"a\nb"] {
        assert!(Ntlm::new("x", None, Secret::new(password)).is_err());
    }
    assert!(new("x", None).unwrap().with_workstation("").is_err());
}

/// I10: neither the password nor what is as good as it is shown.
#[test]
fn the_key_is_not_shown() {
    let shown = format!("{:?}", ntlm());
    assert!(!shown.contains("Password") && shown.contains("Secret(..)"), "{shown}");
}

/// A client challenge is used once (\[MS-NLMP\] 3.3.2).
#[test]
fn each_exchange_has_a_challenge_of_its_own() {
    let nonce = || Ntlm::new("x", None, Secret::new("x")).unwrap().nonce;
    assert_ne!(nonce(), nonce());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// C1: whatever comes is answered or refused.
    #[test]
    fn arbitrary_challenges_never_panic(message in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut ntlm = ntlm();
        ntlm.initial_response().unwrap();
        prop_assert_eq!(ntlm.respond(&message).is_ok(), ntlm.is_satisfied());
    }

    /// C1: and so is what is nearly right; what is answered is answered within the limit.
    #[test]
    fn mutated_challenges_never_panic(
        mutations in proptest::collection::vec((12_usize..104, any::<u8>()), 1..6),
        tail in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut message = unhex(CHALLENGE);
        message.extend(tail);
        for (at, octet) in mutations {
            message[at] = octet;
        }
        let mut ntlm = ntlm();
        ntlm.initial_response().unwrap();
        if let Ok(response) = ntlm.respond(&message) {
            prop_assert!(response.expose().len() <= 512 + message.len());
            prop_assert_eq!(field(response.expose(), 36), utf16("User"));
        }
    }
}
