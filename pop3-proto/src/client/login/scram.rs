//! SCRAM, and what it is bound to.

use alloc::boxed::Box;

use super::method::Circumstances;
use super::{LoginError, Method, Unfit};
use crate::client::ClientSession;
use crate::sasl::{Binding, Mechanism, PreparedAs, Scram, ScramHash};
use crate::{Mailbox, MechanismName, Secret};

/// The mechanism `name`, if it is a SCRAM and there is what it needs.
pub(super) fn mechanism(
    name: MechanismName,
    mailbox: &Mailbox,
    secret: Secret,
    authorization: Option<&str>,
    circumstances: &Circumstances,
    session: &ClientSession,
) -> Result<Option<Box<dyn Mechanism>>, LoginError> {
    let hashes = [ScramHash::Sha1, ScramHash::Sha256];
    let (Some(hash), Some(nonce)) = (
        hashes
            .into_iter()
            .find(|hash| [false, true].map(|plus| hash.mechanism(plus)).contains(&name)),
        &circumstances.nonce,
    ) else {
        return Ok(None);
    };
    let plus = hash.mechanism(true);
    let offered = session.capabilities().map(|list| list.offers(plus));
    let binding = match (&circumstances.binding, offered) {
        (Some(binding), _) if name == plus => Binding::Bound(binding.clone()),
        // To say so to a server that does offer it would look as if somebody had struck it off the
        // list; to one whose list was kept from us it shows that (RFC 5802 §6).
        (Some(_), None | Some(false)) => Binding::NotOffered,
        _ => Binding::Unsupported,
    };
    let Some(prepare) = circumstances.prepare else {
        let scram = Scram::new(hash, authorization, mailbox.as_str(), secret, nonce, binding)?;
        return Ok(Some(Box::new(scram)));
    };
    let prohibited = || LoginError::Unfit { method: Method::Sasl(name), reason: Unfit::Prohibited };
    let prepared = |text: &str, kind| prepare(text, kind).ok_or_else(prohibited);
    let name = |name| prepared(name, PreparedAs::Query);
    let authorization = authorization.map(name).transpose()?;
    let authentication = name(mailbox.as_str())?;
    let password = core::str::from_utf8(secret.expose()).map_err(|_| prohibited())?;
    let password = Secret::new(prepared(password, PreparedAs::Stored)?);
    let scram =
        Scram::prepared(hash, authorization.as_deref(), &authentication, password, nonce, binding)?;
    Ok(Some(Box::new(scram)))
}
