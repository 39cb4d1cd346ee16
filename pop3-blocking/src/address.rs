//! POP URLs (RFC 2384).

use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;
use pop3_proto::client::Security;
use pop3_proto::{InvalidValue, Mailbox};

/// The port of POP3 in clear (RFC 1939 §3).
const PORT: u16 = 110;

/// The port of POP3 over TLS (RFC 8314 §3.3).
const TLS_PORT: u16 = 995;

/// A POP URL taken apart: `pop://[user[;AUTH=type]@]host[:port]` (RFC 2384 §3). `pop3://` means the
/// same; `pops://` and `pop3s://` ask for TLS from the first octet.
///
/// ```
/// use pop3_blocking::{Address, Authentication};
/// let address: Address = "pop://rg;AUTH=+APOP@mail.eudora.com:8110".parse()?;
/// assert_eq!(address.host(), "mail.eudora.com");
/// assert_eq!(address.port(), 8110);
/// assert_eq!(address.mailbox().unwrap().as_str(), "rg");
/// assert_eq!(*address.authentication(), Authentication::Apop);
/// # Ok::<(), pop3_blocking::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    security: Option<Security>,
    host: String,
    port: u16,
    mailbox: Option<Mailbox>,
    authentication: Authentication,
}

/// How a POP URL wants its user to log in (RFC 2384 §4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Authentication {
    /// `;AUTH=*`, or nothing: in whatever way both sides can.
    Any,
    /// `;AUTH=+APOP`: with APOP, and in no other way.
    Apop,
    /// `;AUTH=NAME`: with this SASL mechanism, and in no other way.
    Mechanism(String),
}

impl Address {
    /// The host: a name or an address, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The security that the scheme asks for: [`Security::Implicit`] for `pops://` and `pop3s://`. A
    /// caller that takes another one for them breaks the user's word. `None` leaves it to the caller.
    #[must_use]
    pub const fn security(&self) -> Option<Security> {
        self.security
    }

    /// The port; if the URL names none, 110, or 995 where the scheme asks for TLS.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The user, if the URL names one.
    #[must_use]
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        self.mailbox.as_ref()
    }

    /// How to log in. Where the URL names one way, no other may be taken unless the user says so.
    #[must_use]
    pub const fn authentication(&self) -> &Authentication {
        &self.authentication
    }
}

/// Why a text is no POP URL. It never repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not begin with `pop://`, `pop3://`, `pops://` or `pop3s://`.
    Scheme,
    /// The scheme asks for TLS, and this build has none: feature `tls` is off.
    TlsUnsupported,
    /// A password stands in it.
    Password,
    /// The user is malformed.
    User(InvalidValue),
    /// `;AUTH=` is malformed or missing behind `;`.
    Authentication,
    /// The host is missing or malformed.
    Host,
    /// The port is no number from 1 to 65535.
    Port,
    /// Something follows the host and port.
    Path,
    /// A `%` is not followed by two hexadecimal digits.
    Escape,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("the URL does not begin with pop:// or pops://"),
            Self::TlsUnsupported => {
                f.write_str("the URL asks for TLS, which is not supported by this build")
            }
            Self::Password => f.write_str("a password must not stand in a URL"),
            Self::User(error) => write!(f, "the user in the URL is malformed: {error}"),
            Self::Authentication => f.write_str("the URL has a malformed ;AUTH="),
            Self::Host => f.write_str("the URL's host is missing or malformed"),
            Self::Port => f.write_str("the URL's port is no number from 1 to 65535"),
            Self::Path => f.write_str("a POP URL ends with its host and port"),
            Self::Escape => f.write_str("the URL has a malformed percent-escape"),
        }
    }
}

impl std::error::Error for AddressError {}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::Scheme)?;
        let (security, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "pop" | "pop3" => (None, PORT),
            "pops" | "pop3s" if cfg!(feature = "tls") => (Some(Security::Implicit), TLS_PORT),
            "pops" | "pop3s" => return Err(AddressError::TlsUnsupported),
            _ => return Err(AddressError::Scheme),
        };
        let (user, server) = match rest.rsplit_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, rest),
        };
        let server = server.strip_suffix('/').unwrap_or(server);
        if server.contains(['/', '?', '#']) {
            return Err(AddressError::Path);
        }
        let (host, port) = host_and_port(server, default_port)?;
        let (mailbox, authentication) = match user {
            Some(user) => user_and_type(user)?,
            None => (None, Authentication::Any),
        };
        Ok(Self { security, host, port, mailbox, authentication })
    }
}

fn host_and_port(server: &str, default_port: u16) -> Result<(String, u16), AddressError> {
    let (host, port) = if let Some(rest) = server.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or(AddressError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| AddressError::Host)?;
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':').ok_or(AddressError::Host)?),
        };
        (host, port)
    } else {
        let (host, port) = match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        };
        let legal =
            |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
        if host.is_empty() || !host.bytes().all(legal) {
            return Err(AddressError::Host);
        }
        (host, port)
    };
    let port = match port {
        None => default_port,
        Some(port) if port.bytes().all(|octet| octet.is_ascii_digit()) => match port.parse() {
            Ok(0) | Err(_) => return Err(AddressError::Port),
            Ok(port) => port,
        },
        Some(_) => return Err(AddressError::Port),
    };
    Ok((host.to_owned(), port))
}

fn user_and_type(user: &str) -> Result<(Option<Mailbox>, Authentication), AddressError> {
    if user.contains(':') {
        return Err(AddressError::Password);
    }
    let (user, authentication) = match user.split_once(';') {
        None => (user, Authentication::Any),
        Some((user, parameter)) => {
            let (name, value) = parameter.split_once('=').ok_or(AddressError::Authentication)?;
            let value = decoded(value)?;
            let mechanism =
                |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
            let authentication = match value.as_str() {
                _ if !name.eq_ignore_ascii_case("AUTH") => {
                    return Err(AddressError::Authentication);
                }
                "*" => Authentication::Any,
                value if value.eq_ignore_ascii_case("+APOP") => Authentication::Apop,
                value if (1..=20).contains(&value.len()) && value.bytes().all(mechanism) => {
                    Authentication::Mechanism(value.to_ascii_uppercase())
                }
                _ => return Err(AddressError::Authentication),
            };
            (user, authentication)
        }
    };
    let mailbox = Mailbox::new(&decoded(user)?).map_err(AddressError::User)?;
    Ok((Some(mailbox), authentication))
}

/// Undoes percent-encoding; whether the octets may stand in a command is for the value to say.
fn decoded(text: &str) -> Result<String, AddressError> {
    for (at, _) in text.match_indices('%') {
        let digits = text.as_bytes().get(at + 1..at + 3).ok_or(AddressError::Escape)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(AddressError::Escape);
        }
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| AddressError::Escape)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<(String, u16, Option<String>, Authentication), AddressError> {
        let address: Address = url.parse()?;
        let mailbox = address.mailbox().map(|mailbox| mailbox.as_str().to_owned());
        Ok((address.host, address.port, mailbox, address.authentication))
    }

    /// R1939-3.01, R2384-3.01, R2384-4.01, R2384-4.03, R2384-4.04.
    #[test]
    fn the_forms_of_rfc_2384() {
        let user = |user: &str| Some(user.to_owned());
        let apop = Authentication::Apop;
        let any = Authentication::Any;
        let mechanism = |name: &str| Authentication::Mechanism(name.to_owned());
        for (url, host, port, mailbox, authentication) in [
            ("pop://rg@mailsrv.qualcomm.com", "mailsrv.qualcomm.com", 110, user("rg"), any.clone()),
            ("pop://rg;AUTH=+APOP@mail.eudora.com:8110", "mail.eudora.com", 8110, user("rg"), apop),
            (
                "pop://baz;AUTH=SCRAM-MD5@foo.bar",
                "foo.bar",
                110,
                user("baz"),
                mechanism("SCRAM-MD5"),
            ),
            ("POP3://host/", "host", 110, None, any.clone()),
            ("pop://a;auth=*@host", "host", 110, user("a"), any.clone()),
            ("pop://a%40b%3Bc@[::1]:2110", "::1", 2110, user("a@b;c"), any.clone()),
            ("pop://a@b@127.0.0.1", "127.0.0.1", 110, user("a@b"), any),
        ] {
            assert_eq!(parts(url), Ok((host.to_owned(), port, mailbox, authentication)), "{url}");
        }
    }

    /// R8314-3.1.01, RFC 8314 §3.3: 995 is the port; without TLS such a URL is refused, and never taken
    /// for one in clear.
    #[test]
    fn the_schemes_that_ask_for_tls() {
        for (url, port) in [("pops://host", 995), ("POP3S://a@[::1]/", 995), ("pops://h:110", 110)]
        {
            let address = url.parse::<Address>();
            if cfg!(feature = "tls") {
                let address = address.expect(url);
                assert_eq!((address.port(), address.security()), (port, Some(Security::Implicit)));
            } else {
                assert_eq!(address, Err(AddressError::TlsUnsupported), "{url}");
            }
        }
        let clear: Address = "pop://host:995".parse().expect("a URL");
        assert_eq!(clear.security(), None);
    }

    /// R2384-3.01, R2384-4.03, R2384-4.04.
    #[test]
    fn what_is_no_pop_url_is_refused_without_repeating_it() {
        for (url, error) in [
            ("", AddressError::Scheme),
            ("localhost", AddressError::Scheme),
            ("http://a@b", AddressError::Scheme),
            ("popx://host", AddressError::Scheme),
            ("pop://u:hunter2@host", AddressError::Password),
            (
                "pop://u%0d%0aDELE%201@host",
                AddressError::User(InvalidValue::ForbiddenOctet { at: 1 }),
            ),
            ("pop://u%00@host", AddressError::User(InvalidValue::ForbiddenOctet { at: 1 })),
            ("pop://@host", AddressError::User(InvalidValue::Empty)),
            ("pop://u%zz@host", AddressError::Escape),
            ("pop://u%4@host", AddressError::Escape),
            ("pop://u%ff@host", AddressError::Escape),
            ("pop://u;x@host", AddressError::Authentication),
            ("pop://u;AUTH=@host", AddressError::Authentication),
            ("pop://u;AUTH=+OTHER@host", AddressError::Authentication),
            ("pop://u@", AddressError::Host),
            ("pop://u@ho st", AddressError::Host),
            ("pop://u@[::1", AddressError::Host),
            ("pop://u@[::g]", AddressError::Host),
            ("pop://u@[::1]x", AddressError::Host),
            ("pop://u@host:", AddressError::Port),
            ("pop://u@host:0", AddressError::Port),
            ("pop://u@host:+1", AddressError::Port),
            ("pop://u@host:65536", AddressError::Port),
            ("pop://u@host/1", AddressError::Path),
            ("pop://u@host?x", AddressError::Path),
        ] {
            let refused = parts(url).expect_err(url);
            assert_eq!(refused, error, "{url}");
            assert!(!refused.to_string().contains("hunter2"));
        }
    }
}
