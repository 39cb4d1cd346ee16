//! From a name to a greeting.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use pop3_proto::client::{Channel, ClientConfig, ClientSession, Security, UseStls};

use crate::client::Client;
use crate::deadline::{Deadlines, Timeouts, Untimed};
use crate::driver::Driver;
use crate::error::Error;
use crate::tls::{Peer, TlsError, TlsErrorKind};

/// Describes a connection before it is made.
///
/// ```no_run
/// use pop3_blocking::Client;
/// use pop3_proto::client::Security;
///
/// let mut builder = Client::builder(Security::PlaintextAllowed);
/// builder.deadlines.reply = std::time::Duration::from_secs(20);
/// let client = builder.connect("::1", 110)?;
/// # Ok::<(), pop3_blocking::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Builder {
    /// What the session may do, and how forgiving it is.
    pub config: ClientConfig,
    /// When STLS is used; `None` is what the policy calls for ([`UseStls::of`]). What the policy forbids
    /// in clear stays forbidden.
    pub stls: Option<UseStls>,
    /// How long what may take.
    pub deadlines: Deadlines,
    /// Whom to believe over TLS. `None` is [`Tls::platform`](crate::Tls::platform), made anew for each connection: who
    /// connects often makes it once.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Tls>,
}

impl Builder {
    /// The defaults, with `security` as the policy.
    #[must_use]
    pub const fn new(security: Security) -> Self {
        Self {
            config: ClientConfig::new(security),
            stls: None,
            deadlines: Deadlines::DEFAULT,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Connects over TCP and waits for the greeting. TLS begins at once under [`Security::Implicit`], and
    /// by STLS as [`Builder::stls`] says, with a server whose certificate is for `host` (RFC 8314 §3.3,
    /// RFC 2595 §4).
    ///
    /// Every address that `host` resolves to is tried, all within one deadline; looking them up takes as
    /// long as the system lets it. `host` may be an IPv6 literal, with or without brackets. In clear a
    /// connection to a loopback address is [`Channel::Trusted`], any other is [`Channel::Clear`].
    ///
    /// # Errors
    /// [`Error::Io`] if no address could be connected, with the last reason; [`Error::Tls`] if TLS
    /// could not be begun, and without feature `tls` before anything is connected;
    /// [`Error::Refused`] for a negative greeting; any other [`Error`] if no greeting came.
    pub fn connect(&self, host: &str, port: u16) -> Result<Client<TcpStream>, Error> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let implicit = self.config.security == Security::Implicit;
        let peer = if implicit { Some(self.peer(host)?) } else { None };
        let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
        let stream = connect_any(&addresses, self.deadlines.connect)?;
        stream.set_nodelay(true)?;
        if let Some(peer) = peer {
            return self.secured(stream, peer);
        }
        let channel = Channel::in_clear(stream.peer_addr()?.ip());
        self.over_stls(stream, channel, host)
    }

    /// Waits for the greeting on a transport that is connected already; `channel` says what it is. No
    /// STLS is sent, since nobody says for whom a certificate would have to be: see
    /// [`Builder::over_stls`].
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn over<S: Timeouts>(&self, stream: S, channel: Channel) -> Result<Client<S>, Error> {
        Client::opened(self.driver(stream, channel), UseStls::Never, || {
            Err(TlsErrorKind::ServerName.into())
        })
    }

    /// The same, and begins TLS by STLS as [`Builder::stls`] says, with a server whose certificate is for
    /// `host`, a name or an address.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn over_stls<S: Timeouts>(
        &self,
        stream: S,
        channel: Channel,
        host: &str,
    ) -> Result<Client<S>, Error> {
        let stls = self.stls.unwrap_or_else(|| UseStls::of(self.config.security, channel));
        Client::opened(self.driver(stream, channel), stls, || self.peer(host))
    }

    /// Begins TLS on a transport that is connected already, with a server whose certificate is for
    /// `host`, a name or an address, and waits for the greeting.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn over_tls<S: Timeouts>(&self, stream: S, host: &str) -> Result<Client<S>, Error> {
        self.secured(stream, self.peer(host)?)
    }

    /// The same over any transport; there are no deadlines then: see [`Untimed`].
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn over_untimed<S: Read + Write>(
        &self,
        stream: S,
        channel: Channel,
    ) -> Result<Client<Untimed<S>>, Error> {
        self.over(Untimed(stream), channel)
    }

    fn secured<S: Timeouts>(&self, stream: S, peer: Peer) -> Result<Client<S>, Error> {
        let mut driver = self.driver(stream, Channel::Tls);
        driver.begin_tls(peer)?;
        Client::opened(driver, UseStls::Never, || Err(TlsErrorKind::Failed.into()))
    }

    fn driver<S: Timeouts>(&self, stream: S, channel: Channel) -> Driver<S> {
        Driver::new(ClientSession::new(self.config, channel), stream, self.deadlines)
    }

    /// Whom to begin TLS with.
    #[cfg(feature = "tls")]
    fn peer(&self, host: &str) -> Result<Peer, TlsError> {
        match &self.tls {
            Some(tls) => tls.peer(host),
            None => crate::tls::Tls::platform()?.peer(host),
        }
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it holds whom to believe")]
    fn peer(&self, _: &str) -> Result<Peer, TlsError> {
        Err(TlsErrorKind::Unsupported.into())
    }
}

/// Tries one address after the other; each gets an equal share of the time that is left.
fn connect_any(addresses: &[SocketAddr], within: Duration) -> io::Result<TcpStream> {
    let started = Instant::now();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = within.saturating_sub(started.elapsed());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "timed out connecting"));
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
