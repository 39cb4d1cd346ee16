//! Lines and values: what is written is read back as it was.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::str;

use super::{
    assert_debug_printable, assert_one_line, assert_printable, assert_shown_printable, oracle,
};
use crate::codec::{self, Continuation, Malformed, Parsed};
use crate::leniency::{Deviation, Deviations};
use crate::state::Keyword;
use crate::{
    ApopDigest, ApopTimestamp, Base64, Capability, Command, CommandError, DropListing, Greeting,
    LanguageListing, LanguageRange, LanguageTag, Leniency, Mailbox, MechanismName, MessageNumber,
    Password, RawFraming, Response, ScanListing, Secret, Status, Text, UniqueId, UniqueIdListing,
};

/// I6, I7, I10 and class J: a command that was read or made is one line, as long as it says, and reads back equal.
///
/// And T17: base64 is what a decoder without any mercy takes for it.
///
/// Input: a command line without its CRLF; the same octets are also taken as every argument.
pub fn command_roundtrip(line: &[u8]) {
    match Command::parse(line) {
        Ok(command) => {
            check_command(&command);
            let word = line.split(|octet| *octet == b' ').next().unwrap_or_default();
            let mut swapped = word.to_vec();
            for octet in swapped.iter_mut().filter(|octet| octet.is_ascii_alphabetic()) {
                *octet ^= 0x20;
            }
            swapped.extend_from_slice(&line[word.len()..]);
            assert_eq!(Command::parse(&swapped), Ok(command), "keywords have no case");
        }
        Err(error) => assert_shown_printable(&error),
    }

    if let Ok(password) = Password::opaque(line) {
        assert_eq!(password.expose(), line);
        check_command(&Command::Pass(password));
    }
    let numbers = line.split(|octet| *octet == b' ').filter_map(|word| str::from_utf8(word).ok());
    for number in numbers.filter_map(|word| word.parse::<u64>().ok()) {
        let message = u32::try_from(number).ok().and_then(MessageNumber::new);
        let named = message.unwrap_or(MessageNumber::FIRST);
        for command in [
            Command::Top { message: named, lines: number },
            Command::List(message),
            Command::Uidl(message),
            Command::Retr(named),
            Command::Dele(named),
        ] {
            check_command(&command);
        }
    }

    let Ok(text) = str::from_utf8(line) else { return };
    if let Ok(password) = Password::new(text) {
        assert!(!password.is_opaque());
        check_command(&Command::Pass(password));
    }
    if let Ok(mailbox) = Mailbox::utf8(text) {
        assert_shown_printable(&mailbox);
        assert!(!mailbox.as_str().contains(['\r', '\n', '\0', ' ']));
        if let Some(delegation) = mailbox.delegation() {
            assert_eq!(delegation.to_mailbox().as_ref(), Ok(&mailbox));
        }
    }
    if let Ok(mailbox) = Mailbox::new(text) {
        let digest = ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").expect("RFC 1939 §7");
        check_command(&Command::Apop { mailbox: mailbox.clone(), digest });
        check_command(&Command::User(mailbox));
    }
    if let Ok(digest) = ApopDigest::new(text) {
        let mailbox = Mailbox::new("mrose").expect("RFC 1939 §7");
        check_command(&Command::Apop { mailbox, digest });
    }
    if let Ok(mechanism) = MechanismName::new(text) {
        assert!(mechanism.as_str().eq_ignore_ascii_case(text) && text.len() <= 20);
        check_command(&Command::Auth { mechanism, initial: None });
        check_command(&Command::Auth { mechanism, initial: Some(Base64::empty()) });
    }
    let decoded = Base64::new(text).and_then(|text| text.decode());
    assert_eq!(decoded.as_ref().ok().map(Secret::expose), oracle::base64(line).as_deref());
    if let Ok(octets) = decoded {
        assert_eq!(
            Base64::encode(octets.expose()).expose(),
            line,
            "I18: two texts for the same octets"
        );
    }
    if let Ok(initial) = Base64::new(text) {
        assert_eq!((initial.expose(), line.len() % 4), (line, 0));
        let mechanism = MechanismName::new("PLAIN").expect("RFC 4616 §3");
        check_command(&Command::Auth { mechanism, initial: Some(initial) });
    }
    if let Ok(range) = LanguageRange::new(text) {
        assert_eq!(range == LanguageRange::Default, LanguageTag::new(text).is_err());
        check_command(&Command::Lang(Some(range)));
    }
    for framing in [RawFraming::SingleLine, RawFraming::Multiline] {
        if let Ok(command) = Command::raw(text, framing) {
            let mut wire = Vec::new();
            command.encode(&mut wire);
            assert_eq!(assert_one_line(&wire), line);
            assert_eq!(command.octets(), wire.len());
            assert_eq!(Command::parse(line), Err(CommandError::Unknown), "nobody's keyword");
        }
    }
    if let Ok(text) = Text::new(text) {
        check_response(&Response::new(Status::Err, text));
    }
    if let Ok(timestamp) = ApopTimestamp::new(text) {
        assert_shown_printable(&timestamp);
        assert!(timestamp.as_str().starts_with('<') && timestamp.as_str().ends_with('>'));
    }
}

fn check_command(command: &Command) {
    let mut wire = Vec::new();
    command.encode(&mut wire);
    let line = assert_one_line(&wire);
    assert_eq!(command.octets(), wire.len());
    assert_eq!(Command::parse(line).as_ref(), Ok(command));
    assert_debug_printable(command);
    let shown = format!("{command:?}");
    if command.keyword() == Some(Keyword::Pass) {
        assert_eq!(shown, "Pass(Password(..))");
    }
    if let Command::Auth { initial: Some(_), .. } = command {
        assert!(shown.ends_with("initial: Some(Base64(..)) }"), "{shown}");
    }
}

/// I7, classes G, K and I2: whatever a server writes, in every preset. What is read reads back equal once written; what the
/// strict preset takes the others take for the same; numbers, listings and timestamps are what an oracle reads (T15, T16,
/// T21); nothing is shown raw.
///
/// Input: a line of the server without its CRLF.
pub fn response_roundtrip(line: &[u8]) {
    let tolerant = Leniency::tolerant();
    for leniency in [Leniency::strict(), tolerant, Leniency::outlook()] {
        if let Ok(parsed) = codec::response(line, &leniency) {
            let text = Text::received(parsed.value.text);
            check_response(&Response::new(parsed.value.status, text));
        }
        if let Ok(Parsed { value, .. }) = codec::drop_listing(line, &leniency) {
            let known = DropListing { octets: value.octets.or(Some(0)), ..value };
            reads_back(&known, |out| value.encode(out), codec::drop_listing);
        }
        if let Ok(Parsed { value, .. }) = codec::scan_listing(line, &leniency) {
            reads_back(&value, |out| value.encode(out), codec::scan_listing);
            assert_eq!(value, ScanListing::new(value.message, value.octets));
        }
        if let Ok(Parsed { value, deviations }) = codec::unique_id_listing(line, &leniency) {
            check_unique_id(&value, deviations);
        }
        if let Ok(Parsed { value, .. }) = codec::mechanism_listing(line, &leniency) {
            let write = |out: &mut Vec<u8>| out.extend_from_slice(value.as_str().as_bytes());
            reads_back(&value, write, codec::mechanism_listing);
            assert_eq!(MechanismName::new(value.as_str()).as_ref(), Ok(&value));
        }
        if let Ok(Parsed { value, .. }) = codec::language_listing(line, &leniency) {
            check_language(&value);
        }
        if let Ok(Parsed { value, .. }) = codec::capability(line, &leniency) {
            reads_back(&value, |out| value.encode(out), codec::capability);
            let params: Vec<&str> = value.params().collect();
            assert!(!value.tag().is_empty() && !params.contains(&""));
            if let Some(Ok(written)) = value.known().map(|known| known.to_capability()) {
                assert_eq!(written.known(), value.known());
            }
            match Capability::new(value.tag(), &params) {
                Ok(made) => assert_eq!(made, value),
                Err(error) => assert!(line.len() > crate::MAX_RESPONSE_OCTETS - 2, "{error}"),
            }
        }
    }
    kept(line, codec::response);
    kept(line, codec::drop_listing);
    kept(line, codec::scan_listing);
    kept(line, codec::unique_id_listing);
    kept(line, codec::capability);
    kept(line, codec::mechanism_listing);
    kept(line, codec::language_listing);
    check_continuation(line, &tolerant);
    check_listings(line);

    assert_shown_printable(&Text::received(line));
    let greeting = Greeting::new(Response::new(Status::Ok, Text::received(line)));
    let timestamp = greeting.timestamp();
    let found = timestamp.as_ref().map(|timestamp| timestamp.as_str().as_bytes());
    assert_eq!(found, oracle::timestamp(greeting.response.text.octets()));
    if let Some(timestamp) = timestamp {
        assert_eq!(ApopTimestamp::new(timestamp.as_str()).as_ref(), Ok(&timestamp));
        assert!(
            line.iter().filter(|octet| **octet == b'<').eq([&b'<']),
            "RFC 2449 §3: one timestamp"
        );
        assert!(timestamp.as_str().bytes().all(|octet| octet.is_ascii_graphic()));
    }
}

fn check_response(response: &Response) {
    let mut wire = Vec::new();
    response.encode(&mut wire);
    let line = assert_one_line(&wire);
    let read = codec::response(line, &Leniency::strict()).expect("what is written is exact");
    assert!(read.deviations.is_empty());
    assert_eq!(read.value.status, response.status);
    let replaced = |octet: &u8| if b"\r\n\0".contains(octet) { b'?' } else { *octet };
    assert!(response.text.octets().iter().map(replaced).eq(read.value.text.iter().copied()));
    assert_debug_printable(response);
    assert_shown_printable(&response.text);

    if let Some(code) = response.code() {
        let shown = format!("[{}]", code.as_str());
        assert!(response.text.octets().starts_with(shown.as_bytes()));
        assert_printable(&shown);
        assert!(code.levels().count() > 0 && code.levels().all(|level| !level.is_empty()));
        let again = Response::new(Status::Ok, Text::received(shown.to_lowercase().as_bytes()));
        assert_eq!(again.code().and_then(crate::ResponseCode::known), code.known());
    }
}

/// Classes G and T16: what the strict preset reads of a listing is what the oracle reads.
fn check_listings(line: &[u8]) {
    let strict = Leniency::strict();
    let drop = codec::drop_listing(line, &strict).ok();
    let drop = drop.map(|read| (u64::from(read.value.messages), read.value.octets.expect("known")));
    assert_eq!(drop, oracle::two_numbers(line));
    let scan = codec::scan_listing(line, &strict).ok();
    let scan = scan.map(|read| (u64::from(read.value.message.value()), read.value.octets));
    assert_eq!(scan, oracle::two_numbers(line).filter(|(message, _)| *message > 0));
    let id = codec::unique_id_listing(line, &strict).ok();
    let id =
        id.as_ref().map(|read| (u64::from(read.value.message.value()), read.value.id.octets()));
    assert_eq!(id, oracle::unique_id(line));
}

fn check_language(listing: &LanguageListing) {
    let mut line = Vec::new();
    listing.encode(&mut line);
    let read =
        codec::language_listing(&line, &Leniency::strict()).expect("what is written is exact");
    assert_eq!((&read.value.tag, read.value.tag.as_str()), (&listing.tag, listing.tag.as_str()));
    assert_eq!(LanguageTag::new(listing.tag.as_str()).as_ref(), Ok(&listing.tag));
    let replaced = |octet: &u8| if b"\r\n\0".contains(octet) { b'?' } else { *octet };
    let description = read.value.description.octets();
    assert!(listing.description.octets().iter().map(replaced).eq(description.iter().copied()));
    assert_debug_printable(listing);
}

fn check_unique_id(listing: &UniqueIdListing, deviations: Deviations) {
    let id = &listing.id;
    assert_eq!(id.is_long(), deviations.contains(Deviation::LongUniqueId));
    assert_eq!(id.is_long(), UniqueId::new(id.octets()).is_err());
    assert_eq!(UniqueId::lenient(id.octets()).as_ref(), Ok(id));
    assert_shown_printable(id);
    let mut line = Vec::new();
    listing.encode(&mut line);
    let leniency = Leniency { long_unique_ids: id.is_long(), ..Leniency::strict() };
    let again = codec::unique_id_listing(&line, &leniency).expect("what is written is exact");
    assert_eq!(again.value, *listing);

    // Class G11: the form for files can be undone, so no two unique-ids share one.
    let form = id.file_safe();
    assert!(form.bytes().all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')));
    let (mut octets, mut rest) = (Vec::new(), form.as_bytes());
    while let Some((&octet, later)) = rest.split_first() {
        rest = later;
        if octet == b'_' {
            let (digits, later) = rest.split_at(2);
            let digits = str::from_utf8(digits).expect("ASCII");
            octets.push(u8::from_str_radix(digits, 16).expect("two digits"));
            rest = later;
        } else {
            octets.push(octet);
        }
    }
    assert_eq!(octets, id.octets());
}

/// Written, a value reads back equal in the strictest preset.
fn reads_back<T: PartialEq + Debug>(
    value: &T,
    write: impl Fn(&mut Vec<u8>),
    read: impl Fn(&[u8], &Leniency) -> Result<Parsed<T>, Malformed>,
) {
    let mut line = Vec::new();
    write(&mut line);
    let again = read(&line, &Leniency::strict()).expect("what is written is exact");
    assert_eq!(again.value, *value);
    assert!(again.deviations.is_empty());
    assert_debug_printable(value);
}

/// What the strict preset takes, the others take for the same, and tell of no deviation.
fn kept<'a, T: PartialEq + Debug>(
    line: &'a [u8],
    read: impl Fn(&'a [u8], &Leniency) -> Result<Parsed<T>, Malformed>,
) {
    if let Ok(strict) = read(line, &Leniency::strict()) {
        assert!(strict.deviations.is_empty());
        for leniency in [Leniency::tolerant(), Leniency::outlook()] {
            assert_eq!(read(line, &leniency).as_ref(), Ok(&strict));
        }
    }
}

fn check_continuation(line: &[u8], tolerant: &Leniency) {
    for first in [true, false] {
        let strict = codec::continuation(line, &Leniency::strict(), first);
        let read = codec::continuation(line, tolerant, first);
        assert_eq!(read, codec::continuation(line, &Leniency::outlook(), first));
        if let Ok(Parsed { value: Continuation::Challenge(challenge), .. }) = &read {
            let written = [b"+ ", *challenge].concat();
            let text = str::from_utf8(challenge).expect("ASCII");
            assert!(Base64::new(text).is_ok_and(|text| text.expose() == *challenge));
            let again = codec::continuation(&written, &Leniency::strict(), first);
            assert_eq!(again.map(|again| again.value), Ok(Continuation::Challenge(challenge)));
        }
        // `+OK` as a first challenge is the one line that means something else where it is forgiven.
        let instead = |parsed: &Parsed<_>| parsed.deviations.contains(Deviation::OkAsContinuation);
        if strict.is_ok() && !read.as_ref().is_ok_and(instead) {
            assert_eq!(read, strict);
        }
    }
    assert_shown_printable(&Malformed);
    assert!(!Malformed.to_string().is_empty());
}
