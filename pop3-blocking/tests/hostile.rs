//! What hostile clients leave behind in a process with the blocking server: nothing.

#![cfg(all(target_os = "linux", feature = "maildir", feature = "tls"))]

use std::net::TcpListener;

use pop3_blocking::server::{Listener, Maildir, Passwords, Server};

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/hostile.rs"]
mod hostile;
use hostile::Served;

fn serve(server: Server<Maildir, Passwords>) -> Served {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let listeners = [Listener::Clear(bind()), Listener::Tls(bind())];
    let running = server.spawn_all(listeners).expect("a server");
    let [clear, tls] = running.addresses().try_into().expect("two");
    Served { clear, tls, tasks: Box::new(|| 0), stop: Box::new(|| running.stop()) }
}

/// F15, F17, F19, F20, S19.1, R1939-3.16, R1939-6.05: alone in its process, which it counts through.
#[test]
fn hostile_clients_leave_nothing_behind() {
    hostile::clients_leave_nothing_behind(serve);
    hostile::a_crowd_leaves_the_first_alone(serve);
}
