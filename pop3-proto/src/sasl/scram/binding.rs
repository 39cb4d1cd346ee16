//! Channel binding: both sides show that they are at the two ends of one TLS connection.

use crate::Secret;
use crate::error::InvalidValue;

/// Octets of the longest hash of a certificate: SHA-512.
const MAX_HASH_OCTETS: usize = 64;

/// What names one TLS connection or one end of it. It comes from the TLS library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    name: &'static str,
    data: Secret,
}

impl ChannelBinding {
    /// `tls-exporter` (RFC 9266 §2): 32 octets of the exporter with label
    /// `EXPORTER-Channel-Binding` and an empty context. Only of TLS 1.3, or of TLS 1.2 with the
    /// extended master secret, and for one exchange on each connection.
    #[must_use]
    pub fn tls_exporter(exported: &[u8; 32]) -> Self {
        Self { name: "tls-exporter", data: Secret::new(*exported) }
    }

    /// `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate, by the hash of
    /// its signature, SHA-256 in the place of MD5 and SHA-1.
    ///
    /// # Errors
    /// [`InvalidValue`] if it is empty or longer than 64 octets.
    pub fn tls_server_end_point(certificate_hash: &[u8]) -> Result<Self, InvalidValue> {
        match certificate_hash.len() {
            0 => Err(InvalidValue::Empty),
            octets if octets > MAX_HASH_OCTETS => {
                Err(InvalidValue::TooLong { octets, limit: MAX_HASH_OCTETS })
            }
            _ => Ok(Self { name: "tls-server-end-point", data: Secret::new(certificate_hash) }),
        }
    }

    /// Its registered name (RFC 5056 §7).
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn data(&self) -> &[u8] {
        self.data.expose()
    }
}

/// What a client makes of channel binding (RFC 5802 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "gs2-cbind-flag has three values (RFC 5802 §7)")]
pub enum Binding {
    /// The client cannot bind: there is no TLS, or its library says nothing about it (`n`).
    Unsupported,
    /// The client could, but the server does not offer the -PLUS of this mechanism (`y`). If
    /// somebody struck it off the list, the server refuses.
    NotOffered,
    /// The mechanism is the -PLUS, bound to this (`p=`).
    Bound(ChannelBinding),
}
