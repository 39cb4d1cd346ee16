//! What a client's mechanism finds wrong with a server.

use core::fmt;

/// A mechanism cannot go on: the server's fault, but for [`MechanismError::Used`].
///
/// It repeats nothing that the server sent, since that may hold what the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MechanismError {
    /// A mechanism serves one exchange, and this one has had its own: the caller's fault.
    Used,
    /// The challenge does not follow the mechanism's grammar.
    MalformedChallenge,
    /// The mechanism has nothing to say to any challenge at this point.
    UnexpectedChallenge,
    /// The server's nonce does not extend the client's (RFC 5802 §5.1).
    Nonce,
    /// The iteration count is outside the caller's bounds: too few protect nothing, too many are an
    /// attack on the client's time (RFC 5802 §9).
    Iterations {
        /// What the server asks for.
        count: u32,
        /// The least that is done.
        minimum: u32,
        /// The most that is done.
        maximum: u32,
    },
    /// The server demands an extension that nobody has defined (`m=`, RFC 5802 §5.1).
    Extension,
    /// The server says why it refuses (`e=`, RFC 5802 §7).
    ServerError(ServerError),
    /// The server did not prove that it knows the password (RFC 5802 §5): its signature is wrong,
    /// or there is none.
    ServerSignature,
}

impl MechanismError {
    /// Whether the server could not prove who it is. Nothing is said to such a server any more, not
    /// even `*`: the session is over.
    #[must_use]
    pub const fn is_fatal(self) -> bool {
        matches!(self, Self::ServerSignature)
    }
}

impl fmt::Display for MechanismError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used => f.write_str("the mechanism was used before"),
            Self::MalformedChallenge => f.write_str("the challenge is malformed"),
            Self::UnexpectedChallenge => f.write_str("no challenge was due"),
            Self::Nonce => f.write_str("the server's nonce does not extend the client's"),
            Self::Iterations { count, minimum, maximum } => {
                write!(f, "{count} iterations asked for, {minimum} to {maximum} are allowed")
            }
            Self::Extension => f.write_str("the server demands an unknown extension"),
            Self::ServerError(error) => write!(f, "the server refuses: {error}"),
            Self::ServerSignature => f.write_str("the server did not prove who it is"),
        }
    }
}

impl core::error::Error for MechanismError {}

macro_rules! server_errors {
    ($($(#[$doc:meta])* $variant:ident $value:literal;)*) => {
        /// Why a SCRAM server refuses: `server-error-value` (RFC 5802 §7).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ServerError {
            $($(#[$doc])* $variant,)*
        }

        impl ServerError {
            /// The error that `value` names; one that is not known is [`ServerError::Other`].
            #[cfg_attr(not(feature = "scram"), allow(dead_code, reason = "SCRAM alone reads it"))]
            pub(super) fn of(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    _ => Self::Other,
                }
            }

            /// Its name as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)*
                }
            }
        }
    };
}

server_errors! {
    /// A message was not encoded as it should be.
    InvalidEncoding "invalid-encoding";
    /// The client demands an extension.
    ExtensionsNotSupported "extensions-not-supported";
    /// The proof is wrong, and so the password.
    InvalidProof "invalid-proof";
    /// Client and server are not at the two ends of one channel.
    ChannelBindingsDontMatch "channel-bindings-dont-match";
    /// The client was made to believe that the server binds no channels.
    ServerDoesSupportChannelBinding "server-does-support-channel-binding";
    /// The server binds no channels.
    ChannelBindingNotSupported "channel-binding-not-supported";
    /// The server does not know this type of channel binding.
    UnsupportedChannelBindingType "unsupported-channel-binding-type";
    /// There is no such user.
    UnknownUser "unknown-user";
    /// The user name is not encoded as it should be.
    InvalidUsernameEncoding "invalid-username-encoding";
    /// The server lacks the means.
    NoResources "no-resources";
    /// Anything else.
    Other "other-error";
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
