//! What hostile clients leave behind in a process with the asynchronous server: nothing.

#![cfg(all(target_os = "linux", feature = "maildir", feature = "net", feature = "tls"))]

use std::time::Duration;

use pop3_tokio::server::{Builder, Listener, Maildir, Passwords, Server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[path = "../../pop3-blocking/tests/support/certificates.rs"]
mod certificates;
#[path = "../../pop3-blocking/tests/support/hostile.rs"]
mod hostile;
use hostile::Served;

fn serve(builder: Builder<Maildir, Passwords>) -> Served {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // The threads that ask the store are the runtime's, and go when nobody needs them.
        .thread_keep_alive(Duration::from_millis(50))
        .enable_all()
        .build()
        .expect("a runtime");
    let (mut addresses, mut listeners) = (Vec::new(), Vec::new());
    for kind in [Listener::Clear, Listener::Tls] {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        addresses.push(listener.local_addr().expect("an address"));
        listeners.push(kind(listener));
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = runtime.spawn(async move {
        Server::from(builder).serve(listeners, async { drop(stopped.await) }).await
    });
    let metrics = runtime.metrics();
    Served {
        clear: addresses[0],
        tls: addresses[1],
        tasks: Box::new(move || metrics.num_alive_tasks()),
        stop: Box::new(move || {
            stop.send(()).expect("it runs");
            runtime.block_on(serving).expect("no panic").expect("no error");
        }),
    }
}

/// F15, F17, F19, F20, S19.1, R1939-3.16, R1939-6.05: alone in its process, which it counts through.
#[test]
fn hostile_clients_leave_nothing_behind() {
    hostile::clients_leave_nothing_behind(serve);
    hostile::a_crowd_leaves_the_first_alone(serve);
}
