//! Whose maildrop, and where.

use std::fmt;

use pop3_blocking::pop3_proto::client::{Method, Security};
use pop3_blocking::pop3_proto::{Mailbox, MechanismName};
use pop3_blocking::{Address, AddressError, Authentication};

use crate::failure::Failure;

/// Whose maildrop, where, and what the URL says of the way to it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) mailbox: Mailbox,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What the scheme asks for.
    pub(crate) security: Option<Security>,
    /// The only way to log in that may be taken (RFC 2384 §4).
    pub(crate) method: Option<Method>,
}

impl Account {
    /// What the URL says.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        let address: Address = url.parse().map_err(|error: AddressError| Failure::usage(error))?;
        let method = match address.authentication() {
            Authentication::Any => None,
            Authentication::Apop => Some(Method::Apop),
            Authentication::Mechanism(name) => {
                Some(Method::Sasl(MechanismName::new(name).map_err(Failure::usage)?))
            }
            _ => return Err(Failure::usage("the URL's ;AUTH= is not supported here")),
        };
        let mailbox = address
            .mailbox()
            .ok_or_else(|| Failure::usage("the URL names no user: pop://USER@HOST"))?;
        Ok(Self {
            mailbox: mailbox.clone(),
            host: address.host().to_ascii_lowercase(),
            port: address.port(),
            security: address.security(),
            method,
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mailbox, host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{mailbox} at [{host}]:{port}")
        } else {
            write!(f, "{mailbox} at {host}:{port}")
        }
    }
}
