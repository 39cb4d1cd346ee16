//! Whatever the constructors of values take is one line, and reads back equal.

use pop3_proto::client::Channel;
use pop3_proto::codec;
use pop3_proto::{
    ApopDigest, ApopTimestamp, Base64, Capability, Command, CommandError, DropListing, Greeting,
    LanguageRange, Leniency, Mailbox, MechanismName, MessageNumber, Password, RawFraming, Response,
    ScanListing, Status, Text, UniqueId, UniqueIdListing,
};
use proptest::prelude::*;

use crate::support::{Run, encoded, strict};

/// Text with everything in it that might hurt.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[!-~]{1,12}",
        1 => "[ -~]{0,8}",
        1 => Just("\r\n".to_owned()),
        1 => Just("\r\nDELE 1".to_owned()),
        1 => prop::sample::select(&["\r", "\n", "\0", "\t", " ", ".", "ü", "\u{7f}", "\u{85}"][..])
            .prop_map(str::to_owned),
    ];
    prop_oneof![
        6 => prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat()),
        1 => (0..600_usize).prop_map(|len| "x".repeat(len)),
    ]
}

/// Every command that the public constructors make of such text.
fn constructible() -> impl Strategy<Value = Option<Command>> {
    let message = || any::<u32>().prop_filter_map("0", MessageNumber::new);
    prop_oneof![
        hostile().prop_map(|name| Mailbox::new(&name).ok().map(Command::User)),
        hostile().prop_map(|password| Password::new(&password).ok().map(Command::Pass)),
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|password| Password::opaque(&password).ok().map(Command::Pass)),
        (hostile(), "[0-9a-f]{32}").prop_map(|(name, digest)| {
            let mailbox = Mailbox::new(&name).ok()?;
            Some(Command::Apop { mailbox, digest: ApopDigest::new(&digest).ok()? })
        }),
        prop::option::of(message()).prop_map(|message| Some(Command::List(message))),
        prop::option::of(message()).prop_map(|message| Some(Command::Uidl(message))),
        message().prop_map(|message| Some(Command::Retr(message))),
        message().prop_map(|message| Some(Command::Dele(message))),
        (message(), any::<u64>())
            .prop_map(|(message, lines)| Some(Command::Top { message, lines })),
        prop::sample::select(vec![
            Command::Stat,
            Command::Noop,
            Command::Rset,
            Command::Capa,
            Command::Stls,
            Command::Utf8,
            Command::Lang(None),
            Command::Mechanisms { trailing_space: false },
            Command::Mechanisms { trailing_space: true },
            Command::Quit,
        ])
        .prop_map(Some),
        hostile().prop_map(|range| Some(Command::Lang(Some(LanguageRange::new(&range).ok()?)))),
        (hostile(), prop::option::of(prop_oneof![hostile(), "[A-Za-z0-9+/]{0,40}={0,2}"]))
            .prop_map(|(mechanism, initial)| {
                let initial = initial.map(|text| Base64::new(&text)).transpose().ok()?;
                Some(Command::Auth { mechanism: MechanismName::new(&mechanism).ok()?, initial })
            }),
        ("[A-Z0-9_-]{1,20}", "([A-Za-z0-9+/]{4}){0,9}([A-Za-z0-9+/]{2}==)?").prop_map(
            |(mechanism, initial)| {
                let initial = Some(Base64::new(&initial).ok()?);
                Some(Command::Auth { mechanism: MechanismName::new(&mechanism).ok()?, initial })
            }
        ),
        hostile().prop_map(|line| Command::raw(&line, RawFraming::SingleLine).ok()),
    ]
}

/// I6: one CRLF, at the end, and no other CR, LF or NUL.
fn is_one_line(line: &[u8]) -> bool {
    line.strip_suffix(b"\r\n")
        .is_some_and(|line| !line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)))
}

fn reading() -> [Leniency; 3] {
    [Leniency::strict(), Leniency::tolerant(), Leniency::outlook()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// R2449-3.01, I6, I7, C0003, J1 to J7: a command is one line of printable ASCII, but for an opaque password; and
    /// a server reads the same command from it.
    #[test]
    fn commands_are_one_line_and_read_back(command in constructible()) {
        if let Some(command) = command {
            let line = encoded(&command);
            prop_assert!(is_one_line(&line), "{:?}", line);
            prop_assert_eq!(line.len(), command.octets());
            let text = &line[..line.len() - 2];
            let opaque = matches!(&command, Command::Pass(password) if password.is_opaque());
            prop_assert_eq!(text.iter().all(|octet| matches!(octet, 0x20..=0x7e)), !opaque);
            let read = Command::parse(text);
            let raw = matches!(command, Command::Raw(_));
            prop_assert_eq!(read, if raw { Err(CommandError::Unknown) } else { Ok(command) });
        }
    }

    /// I6, I7: responses and greetings, in every preset and with nothing to forgive.
    #[test]
    fn responses_read_back(ok in any::<bool>(), text in hostile()) {
        if let Ok(text) = Text::new(&text) {
            let status = if ok { Status::Ok } else { Status::Err };
            let response = Response::new(status, text);
            let mut line = Vec::new();
            response.encode(&mut line);
            prop_assert!(is_one_line(&line) && line.len() <= 512);
            for leniency in reading() {
                let read = codec::response(&line[..line.len() - 2], &leniency).unwrap();
                prop_assert!(read.deviations.is_empty());
                prop_assert_eq!((read.value.status, read.value.text), (status, response.text.octets()));
            }
            let mut run = Run::new(strict(), Channel::Clear);
            run.feed(&line);
            let greeting = Greeting::new(response);
            prop_assert_eq!(run.session.greeting(), Some(&greeting));
        }
    }

    /// I7: listings, in every preset and with nothing to forgive.
    #[test]
    fn listings_read_back(messages in any::<u32>(), octets in any::<u64>(), id in hostile()) {
        let mut line = Vec::new();
        let listing = DropListing::new(messages, octets);
        listing.encode(&mut line);
        for leniency in reading() {
            let read = codec::drop_listing(&line, &leniency).unwrap();
            prop_assert_eq!((read.value, read.deviations.is_empty()), (listing, true));
        }
        let Some(message) = MessageNumber::new(messages) else { return Ok(()) };
        line.clear();
        let listing = ScanListing::new(message, octets);
        listing.encode(&mut line);
        for leniency in reading() {
            let read = codec::scan_listing(&line, &leniency).unwrap();
            prop_assert_eq!((read.value, read.deviations.is_empty()), (listing, true));
        }
        if let Ok(id) = UniqueId::lenient(id.as_bytes()) {
            line.clear();
            let listing = UniqueIdListing::new(message, id.clone());
            listing.encode(&mut line);
            prop_assert!(!line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
            for leniency in reading() {
                let read = codec::unique_id_listing(&line, &leniency);
                if id.is_long() && !leniency.long_unique_ids {
                    prop_assert!(read.is_err());
                } else {
                    let read = read.unwrap();
                    prop_assert_eq!((read.value, read.deviations.is_empty()), (listing.clone(), !id.is_long()));
                }
            }
        }
    }

    /// I6, I7, J14: capabilities, which never begin with the termination octet.
    #[test]
    fn capabilities_read_back(tag in hostile(), params in prop::collection::vec(hostile(), 0..3)) {
        let params: Vec<&str> = params.iter().map(String::as_str).collect();
        if let Ok(capability) = Capability::new(&tag, &params) {
            let mut line = Vec::new();
            capability.encode(&mut line);
            prop_assert!(line.len() <= 510 && line[0] != b'.');
            prop_assert!(line.iter().all(|octet| matches!(octet, 0x20..=0x7e)));
            for leniency in reading() {
                let read = codec::capability(&line, &leniency).unwrap();
                prop_assert_eq!((&read.value, read.deviations.is_empty()), (&capability, true));
            }
            prop_assert_eq!(capability.params().collect::<Vec<_>>(), params);
        }
    }

    /// I6: an APOP timestamp that can be made is found again in a greeting.
    #[test]
    fn timestamps_read_back(local in hostile(), domain in hostile()) {
        let timestamp = format!("<{local}@{domain}>");
        if let Ok(made) = ApopTimestamp::new(&timestamp) {
            let text = Text::new(&format!("ready {timestamp} go"));
            let greeting = text.map(|text| Greeting::new(Response::new(Status::Ok, text)));
            prop_assert!(greeting.is_ok_and(|greeting| greeting.timestamp() == Some(made)) || timestamp.len() > 490);
        }
    }
}
