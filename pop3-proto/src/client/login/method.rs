//! How a login may be made, and which way is taken.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{LoginError, Unfit};
use crate::client::ClientSession;
#[cfg(feature = "scram")]
use crate::sasl::ChannelBinding;
use crate::sasl::{self, Mechanism, Preparation, PreparedAs};
use crate::{Capabilities, Mailbox, MechanismName, Password, Secret};

/// One way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// USER and PASS (RFC 1939 §7).
    UserPass,
    /// APOP (RFC 1939 §7). It is MD5, and never taken unless it is asked for.
    Apop,
    /// AUTH with this mechanism (RFC 5034).
    Sasl(MechanismName),
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserPass => f.write_str("USER"),
            Self::Apop => f.write_str("APOP"),
            Self::Sasl(name) => name.fmt(f),
        }
    }
}

/// Which ways are acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Choice {
    /// The best that the server announces: SCRAM, with channel binding before without and SHA-256
    /// before SHA-1; then CRAM-MD5, PLAIN, LOGIN, USER and PASS. For a token, OAUTHBEARER before
    /// XOAUTH2.
    #[default]
    Best,
    /// The first of these that the server announces.
    FirstOf(Vec<Method>),
    /// This one, also of a server that announces nothing; but no mechanism that is missing in a list of
    /// mechanisms.
    Only(Method),
}

/// Whom to log in as, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// A name and a password.
    Password {
        /// The name.
        mailbox: Mailbox,
        /// The password.
        password: Password,
        /// Whose maildrop to open, if it is not the name's own. Only PLAIN and SCRAM can say that.
        authorization: Option<Mailbox>,
    },
    /// An OAuth 2.0 access token, for OAUTHBEARER and XOAUTH2.
    Token {
        /// Whose maildrop to open.
        mailbox: Mailbox,
        /// The token.
        token: Secret,
    },
    /// The certificate that the client gave in the TLS handshake, for EXTERNAL.
    Certificate {
        /// Whose maildrop to open; `None` leaves it to the server.
        authorization: Option<Mailbox>,
    },
    /// Nobody, for ANONYMOUS.
    Anonymous {
        /// What to leave in the server's log: at most 255 characters, no secret.
        trace: String,
    },
}

impl Credentials {
    /// A name and its password.
    #[must_use]
    pub const fn password(mailbox: Mailbox, password: Password) -> Self {
        Self::Password { mailbox, password, authorization: None }
    }

    /// Whether the name or the password is UTF-8 and more than ASCII.
    pub(super) fn are_utf8(&self) -> bool {
        match self {
            Self::Password { mailbox, password, .. } => !mailbox.is_ascii() || password.is_utf8(),
            _ => false,
        }
    }

    /// What must not be shown.
    pub(super) fn secret(&self) -> Option<Secret> {
        match self {
            Self::Password { password, .. } => Some(Secret::new(password.expose())),
            Self::Token { token, .. } => Some(token.clone()),
            Self::Certificate { .. } | Self::Anonymous { .. } => None,
        }
    }

    /// Methods that these credentials are enough for, the best first.
    fn methods(&self) -> &'static [Method] {
        const PASSWORD: &[Method] = &[
            #[cfg(feature = "scram")]
            Method::Sasl(MechanismName::SCRAM_SHA_256_PLUS),
            #[cfg(feature = "scram")]
            Method::Sasl(MechanismName::SCRAM_SHA_1_PLUS),
            #[cfg(feature = "scram")]
            Method::Sasl(MechanismName::SCRAM_SHA_256),
            #[cfg(feature = "scram")]
            Method::Sasl(MechanismName::SCRAM_SHA_1),
            #[cfg(feature = "md5")]
            Method::Sasl(MechanismName::CRAM_MD5),
            Method::Sasl(MechanismName::PLAIN),
            Method::Sasl(MechanismName::LOGIN),
            Method::UserPass,
        ];
        match self {
            Self::Password { .. } => PASSWORD,
            Self::Token { .. } => {
                &[Method::Sasl(MechanismName::OAUTHBEARER), Method::Sasl(MechanismName::XOAUTH2)]
            }
            Self::Certificate { .. } => &[Method::Sasl(MechanismName::EXTERNAL)],
            Self::Anonymous { .. } => &[Method::Sasl(MechanismName::ANONYMOUS)],
        }
    }
}

/// What the transport and the caller add to the credentials.
#[derive(Debug)]
pub(super) struct Circumstances {
    pub(super) nonce: Option<String>,
    pub(super) prepare: Option<Preparation>,
    #[cfg(feature = "scram")]
    pub(super) binding: Option<ChannelBinding>,
}

impl Circumstances {
    pub(super) const NONE: Self = Self {
        nonce: None,
        prepare: None,
        #[cfg(feature = "scram")]
        binding: None,
    };

    /// The name that APOP sends and the secret of its digest: both prepared, if either is not ASCII (RFC 6856
    /// §2.2).
    pub(super) fn for_apop(
        &self,
        mailbox: &Mailbox,
        password: &Password,
    ) -> Result<(Mailbox, Secret), Unfit> {
        if mailbox.is_ascii() && password.expose().is_ascii() {
            return Ok((mailbox.clone(), Secret::new(password.expose())));
        }
        let prepare = self.prepare.ok_or(Unfit::NotAscii)?;
        let text = core::str::from_utf8(password.expose()).map_err(|_| Unfit::Prohibited)?;
        let secret = prepare(text, PreparedAs::Stored).ok_or(Unfit::Prohibited)?;
        let name = prepare(mailbox.as_str(), PreparedAs::Query).ok_or(Unfit::Prohibited)?;
        let mailbox = Mailbox::utf8(&name).map_err(|_| Unfit::Prohibited)?;
        Ok((mailbox, Secret::new(secret)))
    }
}

/// Chooses among what is acceptable, announced and possible.
pub(super) fn choose(
    choice: &Choice,
    credentials: &Credentials,
    circumstances: &Circumstances,
    session: &ClientSession,
) -> Result<Method, LoginError> {
    let capabilities = session.capabilities();
    let acceptable: &[Method] = match choice {
        Choice::Only(method) if may_be_tried(*method, capabilities) => {
            let unfit = |reason| LoginError::Unfit { method: *method, reason };
            let fit = check_fit(*method, credentials, circumstances, session);
            return fit.map_err(unfit).map(|()| *method);
        }
        Choice::Only(_) => &[],
        Choice::Best => credentials.methods(),
        Choice::FirstOf(methods) => methods,
    };
    let possible = |method: &&Method| {
        announced(**method, session)
            && check_fit(**method, credentials, circumstances, session).is_ok()
    };
    acceptable.iter().find(possible).copied().ok_or_else(|| none_of(capabilities))
}

pub(super) fn none_of(list: Option<&Capabilities>) -> LoginError {
    LoginError::NoMethod {
        announced: list
            .map(|list| list.mechanisms().take(LoginError::MAX_ANNOUNCED).collect())
            .unwrap_or_default(),
    }
}

/// Whether nothing speaks against trying it (RFC 5034 §3).
pub(super) fn may_be_tried(method: Method, list: Option<&Capabilities>) -> bool {
    match (method, list) {
        (Method::Sasl(name), Some(list)) => list.offers(name) || list.mechanisms().next().is_none(),
        _ => true,
    }
}

fn announced(method: Method, session: &ClientSession) -> bool {
    match (method, session.capabilities()) {
        (Method::Sasl(name), Some(list)) => list.offers(name),
        (Method::Sasl(_), None) => false,
        // Servers that list neither USER nor a mechanism know USER all the same.
        (Method::UserPass, Some(list)) => list.user() || list.mechanisms().next().is_none(),
        (Method::UserPass, None) => true,
        (Method::Apop, _) => {
            session.greeting().is_some_and(|greeting| greeting.timestamp().is_some())
        }
    }
}

/// Whether the method can say what there is to be said.
fn check_fit(
    method: Method,
    credentials: &Credentials,
    circumstances: &Circumstances,
    session: &ClientSession,
) -> Result<(), Unfit> {
    let is_scram = matches!(method, Method::Sasl(name) if name.as_str().starts_with("SCRAM-"));
    let is_of_kind = credentials.methods().contains(&method)
        || method == Method::Apop && matches!(credentials, Credentials::Password { .. });
    if !is_of_kind {
        return Err(Unfit::Credentials);
    }
    #[cfg(feature = "scram")]
    if matches!(method, Method::Sasl(name) if name.as_str().ends_with("-PLUS"))
        && circumstances.binding.is_none()
    {
        return Err(Unfit::ChannelBinding);
    }
    if is_scram && circumstances.nonce.is_none() {
        return Err(Unfit::Nonce);
    }
    if let Credentials::Password { mailbox, password, authorization } = credentials {
        let ascii = mailbox.is_ascii() && !password.is_opaque();
        // No preparation lets a control through (RFC 4013 §2.3).
        let is_text = |octets: &[u8]| {
            core::str::from_utf8(octets).is_ok() && !octets.iter().any(u8::is_ascii_control)
        };
        if is_scram && !ascii {
            let prepare = circumstances.prepare.ok_or(Unfit::NotAscii)?;
            let prepared = |text: &[u8], kind| {
                let text = core::str::from_utf8(text).ok();
                let prepared = text.and_then(|text| prepare(text, kind)).map(Secret::new);
                prepared.is_some_and(|prepared| is_text(prepared.expose()))
            };
            if !prepared(mailbox.as_str().as_bytes(), PreparedAs::Query)
                || !prepared(password.expose(), PreparedAs::Stored)
            {
                return Err(Unfit::Prohibited);
            }
        }
        if matches!(method, Method::UserPass | Method::Apop)
            && credentials.are_utf8()
            && !session.may_name_in_utf8()
        {
            return Err(Unfit::NotAscii);
        }
        if method == Method::Apop {
            circumstances.for_apop(mailbox, password)?;
        }
        if method == Method::Sasl(MechanismName::PLAIN) && !is_text(password.expose()) {
            return Err(Unfit::Prohibited);
        }
        if method == Method::Sasl(MechanismName::LOGIN)
            && mailbox.as_str().chars().nth(sasl::MAX_NAME_CHARACTERS).is_some()
        {
            return Err(Unfit::TooLong);
        }
        if authorization.is_some() && !is_scram && method != Method::Sasl(MechanismName::PLAIN) {
            return Err(Unfit::Authorization);
        }
    }
    Ok(())
}

/// Makes the mechanism, which [`check_fit`] has found to fit.
#[cfg_attr(not(feature = "scram"), expect(unused_variables, reason = "SCRAM alone needs them"))]
pub(super) fn mechanism(
    name: MechanismName,
    credentials: &Credentials,
    circumstances: &Circumstances,
    session: &ClientSession,
) -> Result<Box<dyn Mechanism>, LoginError> {
    let unfit = || LoginError::Unfit { method: Method::Sasl(name), reason: Unfit::Credentials };
    Ok(match credentials {
        Credentials::Password { mailbox, password, authorization } => {
            let secret = Secret::new(password.expose());
            let authorization = authorization.as_ref().map(Mailbox::as_str);
            match name {
                MechanismName::PLAIN => {
                    Box::new(sasl::Plain::new(authorization, mailbox.as_str(), secret)?)
                }
                MechanismName::LOGIN => Box::new(sasl::Login::new(mailbox.as_str(), secret)?),
                #[cfg(feature = "md5")]
                MechanismName::CRAM_MD5 => Box::new(sasl::CramMd5::new(mailbox.as_str(), secret)?),
                #[cfg(feature = "scram")]
                name => super::scram::mechanism(
                    name,
                    mailbox,
                    secret,
                    authorization,
                    circumstances,
                    session,
                )?
                .ok_or_else(unfit)?,
                #[cfg(not(feature = "scram"))]
                _ => return Err(unfit()),
            }
        }
        Credentials::Token { mailbox, token } => match name {
            MechanismName::OAUTHBEARER => {
                Box::new(sasl::OAuthBearer::new(Some(mailbox.as_str()), token.clone())?)
            }
            MechanismName::XOAUTH2 => {
                Box::new(sasl::XOAuth2::new(mailbox.as_str(), token.clone())?)
            }
            _ => return Err(unfit()),
        },
        Credentials::Certificate { authorization } => {
            Box::new(sasl::External::new(authorization.as_ref().map(Mailbox::as_str))?)
        }
        Credentials::Anonymous { trace } => Box::new(sasl::Anonymous::new(trace)?),
    })
}
