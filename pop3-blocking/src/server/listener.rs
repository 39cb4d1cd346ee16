//! Many connections.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pop3_proto::client::Channel;
use pop3_proto::{Response, Status, Text};

use super::Server;
use super::authenticator::Authenticator;
use super::store::Store;

/// How many connections a server serves at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// All together: 200. Each costs a thread and the buffers of its session.
    pub total: usize,
    /// From one address: 20.
    pub per_address: usize,
}

impl ConnectionLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self { total: 200, per_address: 20 };
}

impl Default for ConnectionLimits {
    /// [`ConnectionLimits::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A server that runs on threads of its own; made by [`Server::spawn`]. Dropped, it goes on running.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more connections, and waits until the open ones have ended: by themselves, or by
    /// their deadlines.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // The listener waits for a connection: this is one. If it cannot be made, nobody waits.
        drop(TcpStream::connect_timeout(&reachable(self.address), Duration::from_secs(1)));
        // A thread that panicked has nothing to wait for.
        let _ = self.thread.join();
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
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let server = Arc::new(self);
        let thread = thread::spawn(move || accept(&server, &listener, &stopped));
        Ok(Running { address, stop, thread })
    }
}

fn accept<T: Store + 'static, A: Authenticator + 'static>(
    server: &Arc<Server<T, A>>,
    listener: &TcpListener,
    stop: &AtomicBool,
) {
    let open = Arc::new(Served::default());
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
        let Some(place) = open.admit(peer, server.connections) else {
            refuse(stream);
            continue;
        };
        let server = Arc::clone(server);
        let builder = thread::Builder::new();
        let spawned = builder.spawn(move || {
            let _place = place;
            serve(&server, stream, peer);
        });
        threads.extend(spawned);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn serve<T: Store, A: Authenticator>(server: &Server<T, A>, stream: TcpStream, peer: IpAddr) {
    let channel = if peer.is_loopback() { Channel::Trusted } else { Channel::Clear };
    // Nothing depends on how a connection that broke has broken.
    let _ = stream.set_nodelay(true);
    let _ = server.serve_connection(stream, channel);
}

fn refuse(mut stream: TcpStream) {
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let Ok(text) = Text::new("[SYS/TEMP] too many connections") else { return };
    let mut line = Vec::new();
    Response::new(Status::Err, text).encode(&mut line);
    let _ = stream.write_all(&line);
}

/// How many connections are served, by address.
#[derive(Debug, Default)]
struct Served(Mutex<HashMap<IpAddr, usize>>);

/// One connection's place; dropped, it is free again.
struct Place {
    served: Arc<Served>,
    address: IpAddr,
}

impl Served {
    fn admit(self: &Arc<Self>, address: IpAddr, limits: ConnectionLimits) -> Option<Place> {
        let mut served = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = served.get(&address).copied().unwrap_or(0);
        if here >= limits.per_address || served.values().sum::<usize>() >= limits.total {
            return None;
        }
        served.insert(address, here + 1);
        Some(Place { served: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut served = self.served.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = served.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                served.remove(&self.address);
            }
        }
    }
}
