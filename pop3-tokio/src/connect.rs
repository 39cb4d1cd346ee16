//! From a name to a greeting.

#[cfg(feature = "net")]
use std::{io, net::SocketAddr, time::Duration};

use pop3_blocking::{Deadlines, Error, TlsError, TlsErrorKind};
use pop3_proto::client::{Channel, ClientConfig, ClientSession, Security, UseStls};
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(feature = "net")]
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::client::Client;
use crate::driver::Driver;
use crate::tls::Peer;

/// Describes a connection before it is made.
///
/// ```no_run
/// # #[cfg(feature = "net")]
/// # async fn connect() -> Result<(), pop3_tokio::Error> {
/// use pop3_tokio::Client;
/// use pop3_tokio::pop3_proto::client::Security;
///
/// let mut builder = Client::builder(Security::PlaintextAllowed);
/// builder.deadlines.reply = std::time::Duration::from_secs(20);
/// let client = builder.connect("::1", 110).await?;
/// # Ok(())
/// # }
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
    /// Whom to believe over TLS. `None` is [`Tls::platform`](crate::Tls::platform), made anew for
    /// each connection: who connects often makes it once.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::Tls>,
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

    /// Connects over TCP and waits for the greeting. TLS begins at once under
    /// [`Security::Implicit`], and by STLS as [`Builder::stls`] says, with a server whose
    /// certificate is for `host` (RFC 8314 §3.3, RFC 2595 §4).
    ///
    /// Every address that `host` resolves to is tried; looking them up and trying them have one
    /// deadline. `host` may be an IPv6 literal, with or without brackets. In clear a connection to a
    /// loopback address is [`Channel::Trusted`], any other is [`Channel::Clear`].
    ///
    /// # Errors
    /// [`Error::Io`] if no address could be connected, with the last reason; [`Error::Tls`] if TLS
    /// could not be begun, and without feature `tls` before anything is connected;
    /// [`Error::Refused`] for a negative greeting; any other [`Error`] if no greeting came.
    ///
    /// # Cancel safety
    /// Dropped, it drops the connection. A name that is being looked up is looked up to the end, by a
    /// thread of the runtime.
    #[cfg(feature = "net")]
    pub async fn connect(&self, host: &str, port: u16) -> Result<Client<TcpStream>, Error> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let implicit = self.config.security == Security::Implicit;
        let peer = if implicit { Some(self.peer(host)?) } else { None };
        let stream = connect_any(host, port, self.deadlines.connect).await?;
        stream.set_nodelay(true)?;
        if let Some(peer) = peer {
            return self.secured(stream, peer).await;
        }
        let channel = Channel::in_clear(stream.peer_addr()?.ip());
        self.over_stls(stream, channel, host).await
    }

    /// Waits for the greeting on a transport that is connected already; `channel` says what it is. No
    /// STLS is sent, since nobody says for whom a certificate would have to be: see
    /// [`Builder::over_stls`].
    ///
    /// # Errors
    /// As [`Builder::connect`].
    ///
    /// # Cancel safety
    /// Dropped, it drops the transport.
    pub async fn over<S>(&self, stream: S, channel: Channel) -> Result<Client<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Client::opened(self.driver(stream, channel), UseStls::Never, || {
            Err(TlsErrorKind::ServerName.into())
        })
        .await
    }

    /// The same, and begins TLS by STLS as [`Builder::stls`] says, with a server whose certificate
    /// is for `host`, a name or an address. The transport itself must read nothing ahead: what it holds
    /// in clear when TLS begins is taken for TLS.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    ///
    /// # Cancel safety
    /// As [`Builder::over`].
    pub async fn over_stls<S>(
        &self,
        stream: S,
        channel: Channel,
        host: &str,
    ) -> Result<Client<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stls = self.stls.unwrap_or_else(|| UseStls::of(self.config.security, channel));
        Client::opened(self.driver(stream, channel), stls, || self.peer(host)).await
    }

    /// Begins TLS on a transport that is connected already, with a server whose certificate is for
    /// `host`, a name or an address, and waits for the greeting.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    ///
    /// # Cancel safety
    /// As [`Builder::over`].
    pub async fn over_tls<S>(&self, stream: S, host: &str) -> Result<Client<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.secured(stream, self.peer(host)?).await
    }

    async fn secured<S>(&self, stream: S, peer: Peer) -> Result<Client<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut driver = self.driver(stream, Channel::Tls);
        driver.begin_tls(peer).await?;
        Client::opened(driver, UseStls::Never, || Err(TlsErrorKind::Failed.into())).await
    }

    fn driver<S>(&self, stream: S, channel: Channel) -> Driver<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Driver::new(ClientSession::new(self.config, channel), stream, self.deadlines)
    }

    /// Whom to begin TLS with.
    #[cfg(feature = "tls")]
    fn peer(&self, host: &str) -> Result<Peer, TlsError> {
        let tls = self.tls.clone().map_or_else(crate::Tls::platform, Ok)?;
        Peer::new(tls, host)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it holds whom to believe")]
    fn peer(&self, _: &str) -> Result<Peer, TlsError> {
        Err(TlsErrorKind::Unsupported.into())
    }
}

/// Tries one address after the other; each gets an equal share of the time that is left.
#[cfg(feature = "net")]
async fn connect_any(host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
    let started = Instant::now();
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "timed out connecting");
    let addresses: Vec<SocketAddr> = timeout(within, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| timed_out())??
        .collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = within.saturating_sub(started.elapsed());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = timed_out(),
        }
    }
    Err(last)
}
