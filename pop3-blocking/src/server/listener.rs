//! Many connections.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pop3_proto::client::Channel;

use super::Server;
use super::authenticator::Authenticator;
use super::places::Places;
use super::store::Store;
use crate::deadline::after;
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
    stop: Arc<Stop>,
    /// Of the listeners.
    threads: Vec<JoinHandle<()>>,
}

/// Set once nothing is accepted any more: until when what is open may go on, if that has an end.
type Stop = OnceLock<Option<Instant>>;

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
        self.stop_by(None);
    }

    /// The same, but what is open after `grace` is cut off. That removes nothing, unless a complete QUIT
    /// has come: what it removes is removed to the end, and waited for.
    pub fn stop_within(self, grace: Duration) {
        self.stop_by(Some(after(grace)));
    }

    fn stop_by(self, until: Option<Instant>) {
        // Nobody else sets it.
        let _ = self.stop.set(until);
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
        let stop = Arc::new(Stop::new());
        let server = Arc::new(self);
        let places = Places::new(server.connections);
        let threads = listeners.into_iter().map(|listener| {
            let (server, places) = (Arc::clone(&server), places.clone());
            let stop = Arc::clone(&stop);
            thread::spawn(move || accept(&server, listener, &places, &stop))
        });
        Ok(Running { addresses, threads: threads.collect(), stop })
    }
}

fn accept<T: Store + 'static, A: Authenticator + 'static>(
    server: &Arc<Server<T, A>>,
    listener: Listener,
    places: &Places,
    stop: &Stop,
) {
    let (listener, tls) = match listener {
        Listener::Clear(listener) => (listener, false),
        Listener::Tls(listener) => (listener, true),
    };
    // Nothing is ever sent: what is received is that every thread is done.
    let (running, done) = mpsc::channel::<Infallible>();
    let mut open: Vec<Weak<TcpStream>> = Vec::new();
    while stop.get().is_none() {
        let Ok((stream, peer)) = listener.accept() else {
            // Out of descriptors, most likely: some will be free again.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if stop.get().is_some() {
            break;
        }
        open.retain(|stream| stream.strong_count() > 0);
        // A listener for both families shows ::ffff:127.0.0.1.
        let peer = peer.ip().to_canonical();
        let Some(place) = places.admit(peer) else {
            // In front of TLS there is nothing that could be said.
            if !tls {
                refuse(stream);
            }
            continue;
        };
        let stream = Arc::new(stream);
        open.push(Arc::downgrade(&stream));
        let (server, running) = (Arc::clone(server), running.clone());
        // What finds no thread is closed.
        let _ = thread::Builder::new().spawn(move || {
            let _running = running;
            let _place = place;
            serve(&server, stream, peer, tls);
        });
    }
    drop((listener, running));
    if let Some(until) = stop.get().copied().flatten() {
        let left = until.saturating_duration_since(Instant::now());
        if done.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            for stream in open.iter().filter_map(Weak::upgrade) {
                // One that is gone already cannot be cut off.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
    let _ = done.recv();
}

#[expect(clippy::needless_pass_by_value, reason = "it is closed when this is over")]
fn serve<T: Store, A: Authenticator>(
    server: &Server<T, A>,
    stream: Arc<TcpStream>,
    peer: IpAddr,
    tls: bool,
) {
    let span = Span::connection(peer);
    let _entered = span.enter();
    // Nothing depends on how a connection that broke has broken.
    let _ = stream.set_nodelay(true);
    let _ = if tls {
        server.serve_tls_connection(&*stream)
    } else {
        server.serve_connection(&*stream, Channel::in_clear(peer))
    };
}

fn refuse(mut stream: TcpStream) {
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let _ = stream.write_all(&Places::refusal());
}
