//! Serving mail: the connections. Stores and authenticators are those of
//! [`pop3_blocking::server`], and they are asked on the runtime's blocking threads.
//!
//! ```no_run
//! # #[cfg(feature = "net")]
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use pop3_tokio::server::{Listener, Memory, Passwords, Server};
//! use tokio::net::TcpListener;
//!
//! let mut builder = Server::builder(Memory::new(), Passwords::new());
//! builder.connections.total = 10_000;
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! println!("listening on {}", listener.local_addr()?);
//! let stop = std::future::pending();
//! Server::from(builder).serve([Listener::Clear(listener)], stop).await?;
//! # Ok(())
//! # }
//! ```

mod connection;
#[cfg(feature = "net")]
mod listener;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "net")]
pub use listener::Listener;
#[cfg(feature = "tls")]
pub use pop3_blocking::server::ServerTls;
pub use pop3_blocking::server::{
    Authenticator, ConnectionLimits, Ended, Memory, MemoryMaildrop, OpenError, OpenMaildrop,
    Passwords, RemoveError, Server as Builder, ServerDeadlines, ServerError, Store, sample,
};
#[cfg(all(feature = "maildir", unix))]
pub use pop3_blocking::server::{Maildir, MaildirMaildrop};
use pop3_blocking::trace;
use pop3_proto::client::Channel;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::tls::ServerStream;
use crate::transport::Transport;
use connection::{Connection, secure};

/// A POP3 server on the tokio runtime. A clone is another handle to the same server.
///
/// What it serves, and how, is said by a [`Builder`], which is the server of `pop3_blocking`.
pub struct Server<T, A> {
    served: Arc<Builder<T, A>>,
    grace: Duration,
}

impl<T: Store, A: Authenticator> Server<T, A> {
    /// Describes a server with the defaults of [`Builder::new`]; [`Server::from`] makes it.
    #[must_use]
    pub fn builder(store: T, authenticator: A) -> Builder<T, A> {
        Builder::new(store, authenticator)
    }
}

impl<T, A> Server<T, A> {
    /// How long open sessions may go on when the server is stopped: 30 s. Those that are open then are
    /// dropped, and remove nothing, unless a complete QUIT has come.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

impl<T: Store + 'static, A: Authenticator + 'static> Server<T, A> {
    /// Serves one connection from its greeting to its end.
    ///
    /// # Errors
    /// [`ServerError`] if the configuration leaves no way to log in, the handshake behind STLS did not
    /// come to its end, or the transport failed in an unusual way. A client that goes away is no error.
    ///
    /// # Panics
    /// If the store or the authenticator does.
    ///
    /// # Cancel safety
    /// Dropped, it drops the connection and gives the maildrop back. Nothing is removed, unless a complete
    /// QUIT has come: what it removes is removed to the end, by a thread of the runtime.
    pub async fn serve_connection<S>(
        &self,
        stream: S,
        channel: Channel,
    ) -> Result<Ended, ServerError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.serve_over(Transport::Clear(stream), channel).await
    }

    /// The same with a client that begins TLS at once (RFC 8314 §3.3): the channel is
    /// [`Channel::Tls`].
    ///
    /// # Errors
    /// As [`Server::serve_connection`]; [`ServerError::Tls`] if the handshake did not come to its end,
    /// or the server has no certificate.
    ///
    /// # Panics
    /// As [`Server::serve_connection`].
    ///
    /// # Cancel safety
    /// As [`Server::serve_connection`].
    pub async fn serve_tls_connection<S>(&self, stream: S) -> Result<Ended, ServerError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut transport = Transport::Clear(stream);
        secure(&mut transport, &self.served, self.served.deadlines.tls).await?;
        self.serve_over(transport, Channel::Tls).await
    }

    async fn serve_over<S>(
        &self,
        transport: Transport<S, ServerStream<S>>,
        channel: Channel,
    ) -> Result<Ended, ServerError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let ended = match Connection::new(Arc::clone(&self.served), transport, channel) {
            Ok((connection, conversation)) => connection.run(conversation).await,
            Err(error) => Err(error),
        };
        trace::ended(&ended);
        ended
    }
}

impl<T, A> From<Builder<T, A>> for Server<T, A> {
    fn from(builder: Builder<T, A>) -> Self {
        Self { served: Arc::new(builder), grace: Duration::from_secs(30) }
    }
}

impl<T, A> Clone for Server<T, A> {
    fn clone(&self) -> Self {
        Self { served: Arc::clone(&self.served), grace: self.grace }
    }
}

impl<T: fmt::Debug, A: fmt::Debug> fmt::Debug for Server<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("served", &self.served).field("grace", &self.grace).finish()
    }
}
