//! What every public type promises beside its methods.

use std::error::Error;
use std::fmt::Debug;

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
