//! Many connections.

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pop3_blocking::server::{Authenticator, Places, Store};
use pop3_blocking::trace::Span;
use pop3_proto::client::Channel;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Server;
use crate::tls::has_certificate;

/// Where connections come from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listener {
    /// POP3 begins in clear (port 110).
    Clear(TcpListener),
    /// TLS begins at once (port 995, RFC 8314 §3.3).
    Tls(TcpListener),
}

/// What comes next.
enum Next {
    Stop,
    Accepted(io::Result<(TcpStream, SocketAddr)>, bool),
}

impl<T: Store + 'static, A: Authenticator + 'static> Server<T, A> {
    /// Serves every connection that the listeners accept, each in a task of its own, until `stop` is
    /// done. No connection is accepted then; those that are open may go on until they have ended, for
    /// [`Server::with_grace`] at most.
    ///
    /// A connection beyond the limits is answered `-ERR` and closed; over TLS it is closed. A loopback
    /// peer's channel is [`Channel::Trusted`], any other is [`Channel::Clear`].
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if there is no listener, or one for TLS and no certificate.
    ///
    /// # Cancel safety
    /// Dropped, it drops all connections: see [`Server::serve_connection`].
    pub async fn serve(
        &self,
        listeners: impl IntoIterator<Item = Listener>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut listeners: Vec<_> = listeners.into_iter().collect();
        let wants_tls = listeners.iter().any(|listener| matches!(listener, Listener::Tls(_)));
        if listeners.is_empty() || wants_tls && !has_certificate(&self.served) {
            let error = "no listener, or one for TLS and no certificate";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        let places = Places::new(self.served.connections);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let next = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Next::Stop);
                }
                // Nothing depends on how a connection has ended.
                while let Poll::Ready(Some(_)) = connections.poll_join_next(cx) {}
                // None of them goes without: the first one is another each time.
                listeners.rotate_left(1);
                for listener in &listeners {
                    let (listener, tls) = match listener {
                        Listener::Clear(listener) => (listener, false),
                        Listener::Tls(listener) => (listener, true),
                    };
                    if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                        return Poll::Ready(Next::Accepted(accepted, tls));
                    }
                }
                Poll::Pending
            });
            match next.await {
                Next::Stop => break,
                // Out of descriptors, most likely: some will be free again.
                Next::Accepted(Err(_), _) => sleep(Duration::from_millis(50)).await,
                Next::Accepted(Ok((stream, peer)), tls) => {
                    // A listener for both families shows ::ffff:127.0.0.1.
                    let peer = peer.ip().to_canonical();
                    if let Some(place) = places.admit(peer) {
                        let server = self.clone();
                        connections.spawn(async move {
                            let _place = place;
                            let span = Span::connection(peer);
                            let mut connection = pin!(server.serve_socket(stream, peer, tls));
                            poll_fn(|cx| {
                                let _entered = span.enter();
                                connection.as_mut().poll(cx)
                            })
                            .await;
                        });
                    } else if !tls {
                        refuse(stream);
                    }
                }
            }
        }
        drop(listeners);
        let ended = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(self.grace, ended).await;
        connections.shutdown().await;
        Ok(())
    }

    async fn serve_socket(&self, stream: TcpStream, peer: IpAddr, tls: bool) {
        // Nothing depends on how a connection that broke has broken.
        let _ = stream.set_nodelay(true);
        let _ = if tls {
            self.serve_tls_connection(stream).await
        } else {
            self.serve_connection(stream, Channel::in_clear(peer)).await
        };
    }
}

/// Says so to a client that finds no place, if that takes no waiting. In front of TLS there is nothing
/// that could be said.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&Places::refusal());
    }
}
