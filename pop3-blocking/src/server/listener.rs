//! Many connections.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pop3_proto::client::Channel;

use super::Server;
use super::authenticator::Authenticator;
use super::places::Places;
use super::store::Store;
use crate::trace::Span;

/// Where connections come from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listener {
    /// POP3 begins in clear (port 110).
    Clear(TcpListener),
    /// TLS begins at once (port 995, RFC 8314 §3.3).
    Tls(TcpListener),
}

/// A server that runs on threads of its own; made by [`Server::spawn`]. Dropped, it goes on running.
#[derive(Debug)]
pub struct Running {
    /// At least one.
    addresses: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// The address that its first listener listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The addresses that it listens on, in the order of the listeners.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts no more connections, and waits until the open ones have ended: by themselves, or by
    /// their deadlines.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        for address in self.addresses {
            // A listener waits for a connection: this is one. If it cannot be made, nobody waits.
            drop(TcpStream::connect_timeout(&reachable(address), Duration::from_secs(1)));
        }
        for thread in self.threads {
            // A thread that panicked has nothing to wait for.
            let _ = thread.join();
        }
    }
}

/// An address that "any" can be reached at.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

impl<T: Store + 'static, A: Authenticator + 'static> Server<T, A> {
    /// Serves every connection that `listener` accepts, each on a thread of its own. A connection
    /// beyond the limits is answered `-ERR` and closed. A loopback peer's channel is
    /// [`Channel::Trusted`], any other is [`Channel::Clear`].
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn spawn(self, listener: TcpListener) -> io::Result<Running> {
        self.spawn_all([Listener::Clear(listener)])
    }

    /// The same over TLS that begins at once: the channel is [`Channel::Tls`]. The handshake is each
    /// connection's own affair and has a deadline, [`ServerDeadlines::tls`]; until it is done the
    /// connection counts as any other. A connection beyond the limits is closed.
    ///
    /// # Errors
    /// If the listener has no address, or the server no certificate.
    ///
    /// [`ServerDeadlines::tls`]: super::ServerDeadlines::tls
    pub fn spawn_tls(self, listener: TcpListener) -> io::Result<Running> {
        self.spawn_all([Listener::Tls(listener)])
    }

    /// Serves the connections of several listeners, in clear and over TLS, under the same limits.
    ///
    /// # Errors
    /// As [`Server::spawn_tls`]; if there is no listener.
    pub fn spawn_all(self, listeners: impl IntoIterator<Item = Listener>) -> io::Result<Running> {
        let listeners: Vec<_> = listeners.into_iter().collect();
        let mut addresses = Vec::new();
        for listener in &listeners {
            addresses.push(match listener {
                Listener::Clear(listener) => listener.local_addr()?,
                Listener::Tls(listener) => {
                    self.certificate()?;
                    listener.local_addr()?
                }
            });
        }
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no listener"));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let server = Arc::new(self);
        let places = Places::new(server.connections);
        let threads = listeners.into_iter().map(|listener| {
            let (server, places) = (Arc::clone(&server), places.clone());
            let stop = Arc::clone(&stop);
            thread::spawn(move || accept(&server, &listener, &places, &stop))
        });
        Ok(Running { addresses, threads: threads.collect(), stop })
    }
}

fn accept<T: Store + 'static, A: Authenticator + 'static>(
    server: &Arc<Server<T, A>>,
    listener: &Listener,
    places: &Places,
    stop: &AtomicBool,
) {
    let (listener, tls) = match listener {
        Listener::Clear(listener) => (listener, false),
        Listener::Tls(listener) => (listener, true),
    };
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let Ok((stream, peer)) = listener.accept() else {
            // Out of descriptors, most likely: some will be free again.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if stop.load(Ordering::Acquire) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        // A listener for both families shows ::ffff:127.0.0.1.
        let peer = peer.ip().to_canonical();
        let Some(place) = places.admit(peer) else {
            // In front of TLS there is nothing that could be said.
            if !tls {
                refuse(stream);
            }
            continue;
        };
        let server = Arc::clone(server);
        let builder = thread::Builder::new();
        let spawned = builder.spawn(move || {
            let _place = place;
            serve(&server, stream, peer, tls);
        });
        threads.extend(spawned);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn serve<T: Store, A: Authenticator>(
    server: &Server<T, A>,
    stream: TcpStream,
    peer: IpAddr,
    tls: bool,
) {
    let span = Span::connection(peer);
    let _entered = span.enter();
    let channel = if peer.is_loopback() { Channel::Trusted } else { Channel::Clear };
    // Nothing depends on how a connection that broke has broken.
    let _ = stream.set_nodelay(true);
    let _ = if tls {
        server.serve_tls_connection(stream)
    } else {
        server.serve_connection(stream, channel)
    };
}

fn refuse(mut stream: TcpStream) {
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let _ = stream.write_all(&Places::refusal());
}
