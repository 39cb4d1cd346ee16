//! One client that fetches mail, and nothing else in the process; `benches/clients` starts it.
//!
//! ```text
//! receive CLIENT ADDRESS USER MESSAGES WINDOW [AUTHORITY]
//! ```
//!
//! over TLS if there is an authority. `CLIENT` is `blocking` or `tokio`, by the adapters; `blocking-collected` or
//! `tokio-collected`, each message in a `Vec`; `blocking-2KiB`, over a transport that gives 2 KiB at a time; `drain`, which
//! looks for terminators and nothing else; or `read`, which counts octets. It prints the octets of all messages (of all
//! replies, for the last two), and the most KiB that were ever resident.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use benches::drain::Drain;
use benches::fetch::{
    Failure, PASSWORD, Taken, asynchronous, blocking, credentials, fetch, fetch_asynchronously,
};
use pop3_blocking::pop3_proto::Limits;
use pop3_blocking::pop3_proto::client::Channel;
use pop3_blocking::rustls::{ClientConnection, StreamOwned};
use pop3_blocking::{Client, Timeouts, Tls};

/// What a slow line brings at a time.
const SHORT: usize = 2 << 10;

/// A server that says nothing for so long has not understood.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (client, address, mail) = match &arguments[..] {
        [client, address, user, messages, window, authority @ ..] if authority.len() <= 1 => {
            let tls = match authority {
                [path] => Some(Tls::with_authorities(&fs::read(path)?)?),
                _ => None,
            };
            let (messages, window) = (messages.parse()?, window.parse()?);
            (&**client, address.parse()?, Mail { user, messages, window, tls })
        }
        _ => return Err("usage: receive CLIENT ADDRESS USER MESSAGES WINDOW [AUTHORITY]".into()),
    };
    let octets = match client {
        "blocking" => mail.by_blocking(address, Taken::Streamed)?,
        "blocking-collected" => mail.by_blocking(address, Taken::Collected)?,
        "blocking-2KiB" => mail.by_blocking_over_short_reads(address)?,
        "tokio" => mail.by_tokio(address, Taken::Streamed)?,
        "tokio-collected" => mail.by_tokio(address, Taken::Collected)?,
        "drain" => mail.by_drain(address, false)?,
        "read" => mail.by_drain(address, true)?,
        _ => return Err(format!("no such client: {client}").into()),
    };
    println!("{octets} {}", most_resident()?);
    Ok(())
}

/// What is fetched, and how.
struct Mail<'a> {
    user: &'a str,
    messages: usize,
    window: usize,
    tls: Option<Tls>,
}

impl Mail<'_> {
    fn by_blocking(self, address: SocketAddr, taken: Taken) -> Result<usize, Failure> {
        let builder = blocking(self.tls.clone());
        self.by_client(builder.connect(&address.ip().to_string(), address.port())?, taken)
    }

    fn by_blocking_over_short_reads(self, address: SocketAddr) -> Result<usize, Failure> {
        let stream = Short(TcpStream::connect(address)?);
        stream.0.set_nodelay(true)?;
        let client = blocking(None).over(stream, Channel::Trusted)?;
        self.by_client(client, Taken::Streamed)
    }

    fn by_client<S: Timeouts>(self, client: Client<S>, taken: Taken) -> Result<usize, Failure> {
        let (mailbox, password) = credentials(self.user)?;
        let mut session = client.login(&mailbox, &password).map_err(pop3_blocking::Error::from)?;
        let octets = fetch(&mut session, self.messages, self.window, taken)?;
        session.quit()?;
        Ok(octets)
    }

    #[tokio::main(flavor = "current_thread")]
    async fn by_tokio(self, address: SocketAddr, taken: Taken) -> Result<usize, Failure> {
        let builder = asynchronous(self.tls);
        let client = builder.connect(&address.ip().to_string(), address.port()).await?;
        let (mailbox, password) = credentials(self.user)?;
        let login = client.login(&mailbox, &password).await;
        let mut session = login.map_err(pop3_blocking::Error::from)?;
        let octets = fetch_asynchronously(&mut session, self.messages, self.window, taken).await?;
        session.quit().await?;
        Ok(octets)
    }

    fn by_drain(self, address: SocketAddr, read_only: bool) -> Result<usize, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let Some(tls) = &self.tls else { return self.drained(stream, read_only) };
        let name = Tls::server_name(&address.ip().to_string())?;
        let connection = ClientConnection::new(Arc::clone(tls.config()), name)?;
        self.drained(StreamOwned::new(connection, stream), read_only)
    }

    /// With blocks of the size that the adapters have.
    fn drained<S: Read + Write>(&self, stream: S, read_only: bool) -> Result<usize, Failure> {
        let mut drain = Drain::new(stream, Limits::DEFAULT.input_block, self.window);
        drain.log_in(self.user, PASSWORD)?;
        let octets = if read_only {
            drain.read_only(self.messages)?
        } else {
            drain.messages(self.messages)?
        };
        drain.ask("QUIT")?;
        Ok(octets.try_into()?)
    }
}

/// A transport that gives little at a time.
struct Short(TcpStream);

impl Read for Short {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(SHORT);
        self.0.read(&mut buffer[..len])
    }
}

impl Write for Short {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Timeouts for Short {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.set_timeout(timeout)
    }
}

/// KiB; what `getrusage` gives would be the parent's, had that had more.
fn most_resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let octets = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(octets.parse()?)
}
