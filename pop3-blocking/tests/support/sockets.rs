//! The sockets of this process, whoever holds them.

use std::fs;
use std::net::{SocketAddr, TcpStream};

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Whether the socket from `local` to `peer` sends at once what it is given (`TCP_NODELAY`).
pub(crate) fn sends_at_once(local: SocketAddr, peer: SocketAddr) -> bool {
    let process = pidfd_open(getpid(), PidfdFlags::empty()).expect("this process");
    let numbers = fs::read_dir("/proc/self/fd").expect("its descriptors").filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok()
    });
    let descriptors =
        numbers.filter_map(|number| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok());
    let found = descriptors.map(TcpStream::from).find(|socket| {
        socket.local_addr().ok() == Some(local) && socket.peer_addr().ok() == Some(peer)
    });
    found.expect("a socket of this process").nodelay().expect("an option")
}
