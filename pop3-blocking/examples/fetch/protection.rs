//! When the connection is encrypted, and what may pass if it is not.

use clap::ValueEnum;
use pop3_blocking::pop3_proto::client::{Security, UseStls};

/// When TLS is begun by STLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stls {
    /// Always: without TLS nobody logs in
    Require,
    /// If the server offers it; what was offered and fails is a failure
    Prefer,
    /// Never
    Never,
}

/// The policy and the use of STLS that the URL's scheme and the options come to; `None` if they
/// contradict each other.
///
/// Without `--stls` the library decides by the channel: TLS is required, and on loopback, where
/// nobody can listen, used if it is offered. `--allow-plaintext` takes nothing from that: only who
/// says `prefer` or `never` can mean it.
pub(crate) const fn protection(
    scheme: Option<Security>,
    stls: Option<Stls>,
    allow_plaintext: bool,
) -> Option<(Security, Option<UseStls>)> {
    Some(match (scheme, stls) {
        (Some(security), None | Some(Stls::Require)) => (security, None),
        (Some(_), Some(Stls::Prefer | Stls::Never)) => return None,
        (None, None) => (Security::StlsRequired, None),
        (None, Some(Stls::Require)) => (Security::StlsRequired, Some(UseStls::Required)),
        (None, Some(Stls::Prefer)) if allow_plaintext => {
            (Security::PlaintextAllowed, Some(UseStls::IfOffered))
        }
        (None, Some(Stls::Prefer)) => (Security::StlsPreferred, Some(UseStls::IfOffered)),
        (None, Some(Stls::Never)) if allow_plaintext => {
            (Security::PlaintextAllowed, Some(UseStls::Never))
        }
        // In clear nothing of a login leaves under this policy, but to loopback.
        (None, Some(Stls::Never)) => (Security::StlsRequired, Some(UseStls::Never)),
    })
}
