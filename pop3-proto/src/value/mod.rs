//! The words of the protocol as values that cannot be wrong.

mod base64;
mod capability;
mod command;
mod delegation;
#[cfg(feature = "sasl")]
mod echo;
mod greeting;
mod language;
mod listing;
mod mailbox;
mod mechanism;
mod message_number;
mod response;
mod secret;
mod short;
mod text;
mod unique_id;

pub use base64::Base64;
pub use capability::{
    Capabilities, Capability, Expire, Expiry, KnownCapability, LoginDelay, Mechanisms,
};
pub use command::{Command, RawCommand, RawFraming};
pub use delegation::{Delegate, Delegation};
pub use greeting::{ApopTimestamp, Greeting};
pub use language::{LanguageListing, LanguageRange, LanguageTag};
pub use listing::{DropListing, ScanListing, UniqueIdListing};
pub use mailbox::Mailbox;
pub use mechanism::MechanismName;
pub use message_number::MessageNumber;
pub(crate) use message_number::NumberSet;
pub use response::{Advice, CredentialProblem, KnownCode, Levels, Response, ResponseCode, Status};
pub use secret::{ApopDigest, Password, Secret};
pub use text::Text;
pub(crate) use text::put_text;
pub use unique_id::UniqueId;
