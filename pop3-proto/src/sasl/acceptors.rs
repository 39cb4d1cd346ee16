//! Every acceptor of this library, by the name of its mechanism.

use alloc::boxed::Box;

use super::{
    Acceptor, AnonymousAcceptor, ChannelBinding, CramMd5Acceptor, ExternalAcceptor, LoginAcceptor,
    OAuthBearerAcceptor, PlainAcceptor, ScramAcceptor, ScramDecoy, ScramHash, ScramOffer,
    TokenFailure, XOAuth2Acceptor,
};
use crate::{ApopTimestamp, MechanismName};

/// What the acceptor of one exchange is made of.
///
/// Nonce and challenge must be unpredictable and never used again: the randomness is the caller's.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes one must know of each")]
pub struct Acceptors<'a> {
    /// The mechanisms that the client was offered
    /// ([`ServerSession::mechanisms`](crate::server::ServerSession::mechanisms)): what SCRAM believes of
    /// a client that does not bind to its channel follows from it.
    pub offered: &'a [MechanismName],
    /// For SCRAM: printable ASCII without a comma, such as 18 random octets in base64.
    pub nonce: &'a str,
    /// For CRAM-MD5.
    pub challenge: &'a ApopTimestamp,
    /// What unknown users are shown by SCRAM.
    pub decoy: &'a ScramDecoy,
    /// What this TLS connection is bound to, for the -PLUS of SCRAM.
    pub bindings: &'a [ChannelBinding],
    /// What a client is told whose OAuth token is refused without a word of the back end.
    pub failure: &'a TokenFailure,
}

impl Acceptors<'_> {
    /// The acceptor of `name`; `None` if this library has none, SCRAM's nonce cannot be one, or there is
    /// nothing that a -PLUS could bind to.
    #[must_use]
    pub fn make(&self, name: MechanismName) -> Option<Box<dyn Acceptor>> {
        Some(match name {
            MechanismName::PLAIN => Box::new(PlainAcceptor::new()),
            MechanismName::LOGIN => Box::new(LoginAcceptor::new()),
            MechanismName::CRAM_MD5 => Box::new(CramMd5Acceptor::new(self.challenge.clone())),
            MechanismName::XOAUTH2 => Box::new(XOAuth2Acceptor::new(self.failure.clone())),
            MechanismName::OAUTHBEARER => Box::new(OAuthBearerAcceptor::new(self.failure.clone())),
            MechanismName::EXTERNAL => Box::new(ExternalAcceptor::new()),
            MechanismName::ANONYMOUS => Box::new(AnonymousAcceptor::new()),
            name => Box::new(self.scram(name)?),
        })
    }

    fn scram(&self, name: MechanismName) -> Option<ScramAcceptor> {
        let hashes = [ScramHash::Sha1, ScramHash::Sha256];
        let of = |hash: &ScramHash| [false, true].map(|plus| hash.mechanism(plus)).contains(&name);
        let hash = hashes.into_iter().find(of)?;
        let plus = hash.mechanism(true);
        let offer = if name == plus && self.bindings.is_empty() {
            return None;
        } else if name == plus {
            ScramOffer::Plus(self.bindings.to_vec())
        } else if self.offered.contains(&plus) {
            ScramOffer::BesidePlus
        } else {
            ScramOffer::WithoutPlus
        };
        ScramAcceptor::new(hash, self.nonce, self.decoy.clone(), offer).ok()
    }
}
