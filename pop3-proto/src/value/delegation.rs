//! Whose maildrop to open, and who asks.

use alloc::format;

use super::Mailbox;
use crate::error::InvalidValue;

/// Delegate access to an Exchange server (MS-OXPOP3 §2.2.2): the name in USER says who logs in, the
/// delegate, and whose maildrop to open, the principal. PASS follows with the delegate's password.
///
/// [`Mailbox::delegation`] reads it, [`Delegation::to_mailbox`] writes it. Nothing of it is
/// announced, and any name that looks so may be just a name: a server that grants no delegate access
/// takes the whole for the mailbox, and one that does must ask whether this delegate may open this
/// maildrop.
///
/// ```
/// use pop3_proto::{Delegate, Delegation};
/// let delegate = Delegate::Alias { domain: "CONTOSO", alias: "alice" };
/// let mailbox = Delegation { delegate, principal: "bob@contoso.com" }.to_mailbox()?;
/// assert_eq!(mailbox.as_str(), "CONTOSO/alice/bob@contoso.com");
/// assert_eq!(mailbox.delegation().map(|read| read.principal), Some("bob@contoso.com"));
/// # Ok::<(), pop3_proto::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delegation<'a> {
    /// Who logs in.
    pub delegate: Delegate<'a>,
    /// Whose maildrop to open: an alias, or a user principal name (`user@domain`).
    pub principal: &'a str,
}

/// Who logs in to open another's maildrop (MS-OXPOP3 §2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "MS-OXPOP3 §2.2.2 gives these two forms")]
pub enum Delegate<'a> {
    /// By `domain/alias`.
    Alias {
        /// The delegate's domain.
        domain: &'a str,
        /// The delegate's e-mail alias.
        alias: &'a str,
    },
    /// By user principal name: `user@domain`.
    PrincipalName(&'a str),
}

impl Delegation<'_> {
    /// The name to send in USER.
    ///
    /// # Errors
    /// [`InvalidValue`] if the name could not be read back as this delegation, since a part is empty,
    /// holds a `/`, or is no alias or user principal name where there must be one; and as
    /// [`Mailbox::utf8`] does.
    pub fn to_mailbox(&self) -> Result<Mailbox, InvalidValue> {
        let mailbox = Mailbox::utf8(&match self.delegate {
            Delegate::Alias { domain, alias } => format!("{domain}/{alias}/{}", self.principal),
            Delegate::PrincipalName(name) => format!("{name}/{}", self.principal),
        })?;
        match mailbox.delegation() {
            Some(read) if read == *self => Ok(mailbox),
            _ => Err(InvalidValue::Delegation),
        }
    }
}

impl Mailbox {
    /// The delegate and the principal that the name tells of, if it has one of the forms of
    /// [`Delegation`]: what follows the last `/` is the principal, what precedes it is `domain/alias`
    /// or `user@domain` (MS-OXPOP3 §2.2.2).
    #[must_use]
    pub fn delegation(&self) -> Option<Delegation<'_>> {
        let (delegate, principal) = self.as_str().rsplit_once('/')?;
        let delegate = match delegate.split_once('/') {
            Some((domain, alias)) => Delegate::Alias { domain, alias },
            None => Delegate::PrincipalName(delegate),
        };
        let sound = match delegate {
            Delegate::Alias { domain, alias } => is_alias(domain) && is_alias(alias),
            Delegate::PrincipalName(name) => is_principal_name(name),
        };
        (sound && (is_alias(principal) || is_principal_name(principal)))
            .then_some(Delegation { delegate, principal })
    }
}

/// Without a `/`, which would begin another part, and without an `@`, which would make it a user
/// principal name.
fn is_alias(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '@'])
}

fn is_principal_name(name: &str) -> bool {
    name.split_once('@').is_some_and(|(user, domain)| is_alias(user) && is_alias(domain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    /// OX-22, OX-23, OX-24, ROXPOP3-2.2.2.01: the four forms, both ways.
    #[test]
    fn each_form_is_read_and_written() {
        let alice = Delegate::Alias { domain: "CONTOSO", alias: "alice" };
        let upn = Delegate::PrincipalName("alice@contoso.com");
        for (name, delegate, principal) in [
            ("CONTOSO/alice/bob", alice, "bob"),
            ("CONTOSO/alice/bob@contoso.com", alice, "bob@contoso.com"),
            ("alice@contoso.com/bob", upn, "bob"),
            ("alice@contoso.com/bob@contoso.com", upn, "bob@contoso.com"),
        ] {
            let delegation = Delegation { delegate, principal };
            assert_eq!(Mailbox::new(name).unwrap().delegation(), Some(delegation), "{name}");
            assert_eq!(delegation.to_mailbox(), Mailbox::new(name));
        }
    }

    /// OX-23, OX-25: other names with slashes, backslashes and signs are names.
    #[test]
    fn what_has_no_such_form_is_a_name() {
        for name in [
            "bob",
            "bob@contoso.com",
            "alice/bob",
            "CONTOSO\\alice",
            "CONTOSO\\alice/bob",
            "CONTOSO\\alice\\bob",
            "/",
            "//",
            "///",
            "/alice/bob",
            "CONTOSO//bob",
            "CONTOSO/alice/",
            "a/CONTOSO/alice/bob",
            "/bob",
            "alice@contoso.com/",
            "@contoso.com/bob",
            "alice@/bob",
            "@/bob",
            "a@b@c/bob",
            "alice@contoso.com/b@c@d",
            "alice@contoso.com/@d",
            "CONTOSO/alice@contoso.com/bob",
            "a@b/alice/bob",
        ] {
            assert_eq!(Mailbox::new(name).unwrap().delegation(), None, "{name}");
        }
    }

    /// OX-23, I6: parts that would be read for something else are refused, and so is what breaks a line.
    #[test]
    fn no_part_can_pass_for_another() {
        let alias = |domain, alias, principal| {
            Delegation { delegate: Delegate::Alias { domain, alias }, principal }.to_mailbox()
        };
        let named = |name, principal| {
            Delegation { delegate: Delegate::PrincipalName(name), principal }.to_mailbox()
        };
        for refused in [
            alias("a", "b", ""),
            alias("", "b", "c"),
            alias("a", "", "c"),
            alias("a", "b/c", "d"),
            alias("a/b", "c", "d"),
            alias("a", "b", "c/d"),
            alias("a@b", "c", "d"),
            alias("a", "b", "c@"),
            named("alice", "bob"),
            named("a/b", "bob"),
            named("a@b", "c/d"),
            named("a@b", ""),
        ] {
            assert_eq!(refused, Err(InvalidValue::Delegation));
        }
        assert_eq!(named("a@b", "c\r\nQUIT"), Err(InvalidValue::ForbiddenOctet { at: 5 }));
        assert_eq!(alias("a b", "c", "d"), Err(InvalidValue::ForbiddenOctet { at: 1 }));
    }

    proptest! {
        /// I7, OX-23: what is written is read back, what is read is written as it was.
        #[test]
        fn delegations_are_inverse(name in "[a/@é\\\\]{0,12}", parts in any::<[Option<char>; 3]>()) {
            let mailbox = Mailbox::utf8(&name).ok();
            if let Some(delegation) = mailbox.as_ref().and_then(Mailbox::delegation) {
                let again = delegation.to_mailbox().ok();
                prop_assert_eq!(again.as_ref(), mailbox.as_ref());
            }
            let [domain, alias, principal] = parts.map(String::from_iter);
            let delegate = Delegate::Alias { domain: &domain, alias: &alias };
            let delegation = Delegation { delegate, principal: &principal };
            if let Ok(mailbox) = delegation.to_mailbox() {
                prop_assert_eq!(mailbox.delegation(), Some(delegation));
            }
        }
    }
}
