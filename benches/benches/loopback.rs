//! Mail fetched over a real socket from a server that only replays, by each adapter, beside a drain: time on the wall, and so
//! what a user waits for. What counts is processor time, which `benches/clients` measures.
//!
//! One turn fetches some mail over a connection that is logged in already.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use benches::drain::Drain;
use benches::fetch::{
    self, Failure, PASSWORD, Taken, asynchronous, blocking, credentials, fetch_asynchronously,
};
use benches::replay;
use criterion::{Criterion, Throughput};
use pop3_blocking::pop3_proto::Limits;
use tokio::runtime;

/// What the mail is, how much of it a turn fetches, and with how many commands in flight.
const MAIL: [(&str, usize, usize); 7] = [
    ("text-4096", 1000, 1),
    ("text-4096", 1000, 16),
    ("text-4096", 1000, 32),
    ("text-4096", 1000, 100),
    ("text-4096", 1000, 1000),
    ("text-1048576", 16, 16),
    ("base64-1048576", 16, 16),
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
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let rows = MAIL.into_iter().flat_map(|mail| CLIENTS.map(|client| (mail, client)));
    for ((user, messages, window), client) in shuffled(rows.collect()) {
        let mut turn = client.log_in(address, user, window)?;
        let octets = turn(messages)?;
        let mut group = criterion.benchmark_group(format!("loopback {user} window {window}"));
        group.throughput(Throughput::Bytes(octets));
        group.bench_function(format!("{client:?}"), |bencher| {
            bencher.iter(|| turn(messages).expect("it came before"));
        });
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}

/// Fetches so many messages; the octets of them.
type Turn = Box<dyn FnMut(usize) -> Result<u64, Failure>>;

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
                Ok(Box::new(move |messages| Ok(drain.messages(messages)?)))
            }
            Self::Blocking(taken) => {
                let client = blocking(None).connect(&host, port)?;
                let login = client.login(&mailbox, &password);
                let mut session = login.map_err(pop3_blocking::Error::from)?;
                Ok(Box::new(move |messages| {
                    Ok(fetch::fetch(&mut session, messages, window, taken)?.try_into()?)
                }))
            }
            Self::Tokio(taken) => {
                let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
                let mut session = runtime.block_on(async {
                    let client = asynchronous(None).connect(&host, port).await?;
                    let login = client.login(&mailbox, &password).await;
                    login.map_err(pop3_blocking::Error::from)
                })?;
                Ok(Box::new(move |messages| {
                    let fetched = fetch_asynchronously(&mut session, messages, window, taken);
                    Ok(runtime.block_on(fetched)?.try_into()?)
                }))
            }
        }
    }
}

/// In an order that is another one in each run: a row that comes behind a slow one is slower.
fn shuffled<T>(mut rows: Vec<T>) -> Vec<T> {
    let (order, mut row) = (RandomState::new(), 0_u32);
    rows.sort_by_cached_key(|_| {
        row += 1;
        order.hash_one(row)
    });
    rows
}
