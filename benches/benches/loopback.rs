//! Mail fetched over a real socket from a server that only replays, by each adapter, beside a drain.
//!
//! One turn fetches some mail over a connection that is logged in already. The time is that of the thread that fetches, so
//! that what it waits for the server is not in it; `benches/clients` measures whole processes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use benches::corpora::{Corpus, base64, text};
use benches::drain::Drain;
use benches::fetch::{
    self, Failure, PASSWORD, Taken, asynchronous, blocking, credentials, fetch_asynchronously,
};
use benches::replay;
use benches::rows::Rows;
use pop3_blocking::pop3_proto::Limits;
use tokio::runtime;

/// Mail of one kind, how much of it a turn fetches, and with how many commands in flight.
struct Mail {
    kind: &'static str,
    corpus: fn(usize) -> Corpus,
    octets: usize,
    messages: usize,
    windows: &'static [usize],
}

const MAIL: [Mail; 3] = [
    Mail {
        kind: "text",
        corpus: text,
        octets: 4 << 10,
        messages: 1000,
        windows: &[1, 16, 32, 100, 1000],
    },
    Mail { kind: "text", corpus: text, octets: 1 << 20, messages: 16, windows: &[16] },
    Mail { kind: "base64", corpus: base64, octets: 1 << 20, messages: 16, windows: &[16] },
];

#[derive(Clone, Copy, Debug)]
enum Client {
    Drain,
    Blocking(Taken),
    Tokio(Taken),
}

const CLIENTS: [Client; 5] = [
    Client::Drain,
    Client::Blocking(Taken::Streamed),
    Client::Blocking(Taken::Collected),
    Client::Tokio(Taken::Streamed),
    Client::Tokio(Taken::Collected),
];

fn main() -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || replay::serve(&listener, None));
    let mut rows = Rows::new();
    for Mail { kind, corpus, octets, messages, windows } in MAIL {
        let user = format!("{kind}-{octets}");
        let Corpus { wire, body, .. } = corpus(octets);
        let reply = format!("+OK {body} octets\r\n").len() + wire.len();
        for window in windows {
            let mut group =
                rows.octets(format!("loopback {user} window {window}"), body * messages);
            for client in CLIENTS {
                // A drain counts what comes, a client what is in it.
                let each = if matches!(client, Client::Drain) { reply } else { body };
                let mut turn = client.log_in(address, &user, *window)?;
                group.row(format!("{client:?}"), each * messages, move || {
                    turn(messages).expect("the mail comes")
                });
            }
        }
    }
    rows.run();
    Ok(())
}

/// Fetches so many messages; the octets of them.
type Turn = Box<dyn FnMut(usize) -> Result<usize, Failure>>;

impl Client {
    fn log_in(self, address: SocketAddr, user: &str, window: usize) -> Result<Turn, Failure> {
        let (host, port) = (address.ip().to_string(), address.port());
        let (mailbox, password) = credentials(user)?;
        match self {
            Self::Drain => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                let mut drain = Drain::new(stream, Limits::DEFAULT.input_block, window);
                drain.log_in(user, PASSWORD)?;
                Ok(Box::new(move |messages| Ok(drain.messages(messages)?.try_into()?)))
            }
            Self::Blocking(taken) => {
                let client = blocking(None).connect(&host, port)?;
                let login = client.login(&mailbox, &password);
                let mut session = login.map_err(pop3_blocking::Error::from)?;
                Ok(Box::new(move |messages| fetch::fetch(&mut session, messages, window, taken)))
            }
            Self::Tokio(taken) => {
                let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
                let mut session = runtime.block_on(async {
                    let client = asynchronous(None).connect(&host, port).await?;
                    let login = client.login(&mailbox, &password).await;
                    login.map_err(pop3_blocking::Error::from)
                })?;
                Ok(Box::new(move |messages| {
                    runtime.block_on(fetch_asynchronously(&mut session, messages, window, taken))
                }))
            }
        }
    }
}
