//! What every public type promises beside its methods.

use std::error::Error;
use std::fmt::Debug;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};

use pop3_proto::client::{
    self, BodyRead, ClientConfig, ClientSession, CommandId, Eof, Item, ProtocolError, SendError,
    Update,
};
use pop3_proto::codec::{Malformed, Parsed, ResponseLine};
use pop3_proto::server::{
    self, Action, ConfigError, Maildrop, MessageOctets, RespondError, ServerConfig, ServerLimits,
    ServerSession,
};
use pop3_proto::state::{Keyword, Points, Rule, State};
use pop3_proto::*;

fn owned<T: Debug + Send + Sync + 'static>() {}
fn value<T: Clone + Debug + PartialEq + Send + Sync + 'static>() {}
fn plain<T: Copy + Debug + Eq + Send + Sync + 'static>() {}
fn error<T: Clone + Error + Eq + Send + Sync + 'static>() {}

/// Sessions and what they give can be queued, sent to other threads and shared.
#[test]
fn everything_can_cross_threads() {
    owned::<ClientSession>();
    owned::<ServerSession>();
    owned::<Maildrop>();
    owned::<MessageOctets>();
    value::<client::Event>();
    value::<server::Event>();
    value::<Item>();
    value::<Command>();
    value::<Response>();
    value::<Greeting>();
    value::<Text>();
    value::<UniqueId>();
    value::<Mailbox>();
    value::<Password>();
    value::<Secret>();
    value::<ApopDigest>();
    value::<ApopTimestamp>();
    value::<Capability>();
    value::<Capabilities>();
    value::<KnownCapability<'static>>();
    value::<Mechanisms<'static>>();
    value::<UniqueIdListing>();
    value::<Parsed<ResponseLine<'static>>>();
    plain::<MessageNumber>();
    plain::<CommandId>();
    plain::<DropListing>();
    plain::<ScanListing>();
    plain::<ResponseCode<'static>>();
    plain::<KnownCode>();
    plain::<Advice>();
    plain::<CredentialProblem>();
    plain::<LoginDelay>();
    plain::<Expire>();
    plain::<Expiry>();
    plain::<MechanismName>();
    plain::<Delegation<'static>>();
    plain::<Delegate<'static>>();
    plain::<Status>();
    plain::<Deviation>();
    plain::<Deviations>();
    plain::<Leniency>();
    plain::<Limits>();
    plain::<ClientConfig>();
    value::<ServerConfig>();
    plain::<ServerLimits>();
    plain::<Action>();
    plain::<BodyRead>();
    plain::<Eof>();
    plain::<Update>();
    plain::<client::Waiting>();
    plain::<server::Waiting>();
    plain::<State>();
    plain::<Keyword>();
    plain::<Points>();
    plain::<Rule>();
}

/// Errors are errors everywhere, and may be kept.
#[test]
fn errors_are_errors() {
    error::<ProtocolError>();
    error::<SendError>();
    error::<RespondError>();
    error::<ConfigError>();
    error::<CommandError>();
    error::<InvalidValue>();
    error::<Malformed>();
}

/// A listing of a hundred thousand items is as large as its items: nothing hides behind them.
#[test]
fn values_are_held_in_place() {
    assert!(size_of::<UniqueIdListing>() <= 80);
    assert!(size_of::<Text>() <= 72);
    assert!(size_of::<client::Event>() <= 160, "{}", size_of::<client::Event>());
}

/// Values that are equal hash alike, whatever they were written as, and a map finds others apart.
#[test]
fn values_hash_as_they_compare() {
    fn check<T: Hash + Eq + Debug>([value, equal, other]: [T; 3]) {
        let hash = |value: &T| BuildHasherDefault::<DefaultHasher>::default().hash_one(value);
        assert!(value == equal && hash(&value) == hash(&equal), "{value:?}, {equal:?}");
        assert!(value != other && hash(&value) != hash(&other), "{value:?}, {other:?}");
    }
    check(["en-US", "EN-us", "en-GB"].map(|tag| LanguageTag::new(tag).unwrap()));
    check(["PLAIN", "plain", "LOGIN"].map(|name| MechanismName::new(name).unwrap()));
    check(["7", "7", "8"].map(|id| UniqueId::new(id.as_bytes()).unwrap()));
    check(["a", "a", "b"].map(|text| Response::new(Status::Ok, Text::new(text).unwrap())));
    let status = [Status::Ok, Status::Ok, Status::Err];
    check(status.map(|status| Response::new(status, Text::new("a").unwrap())));
}

/// Unique-ids are ordered by their octets, so that they can be looked up.
#[test]
fn unique_ids_have_an_order() {
    let id = |octets: &[u8]| UniqueId::new(octets).unwrap();
    assert!(id(b"A") < id(b"a") && id(b"a") < id(b"aa") && id(b"aa") < id(b"b"));
    let long = [b'x'; 70];
    assert!(id(&long[1..]) < id(&long));
}

/// Debug shows what a value is, and of a raw command no more than its first word.
#[test]
fn debug_shows_the_value() {
    let shown = |value: &dyn Debug| format!("{value:?}");
    assert_eq!(shown(&UniqueId::new(b"4;x").unwrap()), "UniqueId(\"4;x\")");
    assert_eq!(shown(&MechanismName::PLAIN), "MechanismName(\"PLAIN\")");
    assert_eq!(shown(&LanguageTag::new("en").unwrap()), "LanguageTag(\"en\")");
    assert_eq!(shown(&Capability::new("X-ONE", &[]).unwrap()), "Capability(\"X-ONE\")");
    let timestamp = ApopTimestamp::new("<1@a>").unwrap();
    assert_eq!(
        (shown(&timestamp), timestamp.to_string()),
        ("ApopTimestamp(\"<1@a>\")".into(), "<1@a>".into())
    );
    let names = [MechanismName::PLAIN, MechanismName::EXTERNAL];
    assert_eq!(shown(&Mechanisms::new(&names)), shown(&names));
    let raw = Command::raw("XAUTH hunter2", RawFraming::SingleLine).unwrap();
    assert!(shown(&raw).contains("XAUTH") && !shown(&raw).contains("hunter2"));
    assert_eq!(shown(&Secret::new(*b"hunter2")), "Secret(..)");
    let digest = ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").unwrap();
    assert_eq!(shown(&digest), "ApopDigest(..)");
}

/// A list of capabilities is a collection; mechanisms are compared name by name.
#[test]
fn lists_are_collections() {
    let one = |tag: &str| Capability::new(tag, &[]).unwrap();
    let mut list: Capabilities = [one("TOP")].into_iter().collect();
    assert!(!list.is_empty() && Capabilities::from_iter([]).is_empty());
    list.extend([one("UIDL"), one("X-ONE")]);
    let tags: Vec<String> = (&list).into_iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["TOP", "UIDL", "X-ONE"]);
    assert_eq!(list.len(), 3);
    let (names, others) = ([MechanismName::PLAIN], [MechanismName::LOGIN]);
    assert_eq!(Mechanisms::new(&names), Mechanisms::new(&names));
    assert_ne!(Mechanisms::new(&names), Mechanisms::new(&others));
    assert_ne!(Mechanisms::new(&names), Mechanisms::new(&[]));
}
