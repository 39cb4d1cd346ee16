//! One client that fetches mail in clear, and nothing else in the process; `benches/clients --peers` starts it.
//!
//! ```text
//! peers CLIENT HOST:PORT USER MESSAGES
//! ```
//!
//! `CLIENT` is `async-pop`, `pop3-client` (its blocking half), `pop3-client-tokio` or `rust-pop3-client`. It prints the octets
//! of all messages, as the client gave them, and their number.

use std::env;
use std::error::Error;

use pop3_client::{AsyncClient, SyncClient};
use rust_pop3_client::{Pop3Connection as _, Pop3ConnectionFactory};
use tokio::net::TcpStream;

const PASSWORD: &str = "secret";

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [client, address, user, messages] = &arguments[..] else {
        return Err("usage: peers CLIENT HOST:PORT USER MESSAGES".into());
    };
    let messages = messages.parse()?;
    let (host, port) = address.rsplit_once(':').ok_or("no port")?;
    let (host, port) = (host, port.parse()?);
    let octets = match client.as_str() {
        "async-pop" => async_pop(address, user, messages)?,
        "pop3-client" => pop3_client(host, port, user, messages)?,
        "pop3-client-tokio" => pop3_client_tokio(host, port, user, messages)?,
        "rust-pop3-client" => rust_pop3_client(host, port, user, messages)?,
        _ => return Err(format!("no such client: {client}").into()),
    };
    println!("{octets} {messages}");
    Ok(())
}

/// Over a stream with `TCP_NODELAY`, which the crate's own way to connect does not set: each of its commands would wait for
/// a delayed acknowledgement between its two writes.
#[tokio::main(flavor = "current_thread")]
async fn async_pop(address: &str, user: &str, messages: u32) -> Result<usize, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut client = async_pop::new(stream).await.map_err(said)?;
    client.login(user, PASSWORD).await.map_err(said)?;
    let mut octets = 0;
    for message in 1..=messages {
        octets += client.retr(usize::try_from(message)?).await.map_err(said)?.len();
    }
    client.quit().await.map_err(said)?;
    Ok(octets)
}

fn pop3_client(host: &str, port: u16, user: &str, messages: u32) -> Result<usize, Failure> {
    let mut client = SyncClient::connect(host, port)?;
    client.login(user, PASSWORD)?;
    let mut octets = 0;
    for message in 1..=messages {
        octets += client.retr(message.into())?.len();
    }
    client.quit()?;
    Ok(octets)
}

#[tokio::main(flavor = "current_thread")]
async fn pop3_client_tokio(
    host: &str,
    port: u16,
    user: &str,
    messages: u32,
) -> Result<usize, Failure> {
    let mut client = AsyncClient::connect(host, port).await?;
    client.login(user, PASSWORD).await?;
    let mut octets = 0;
    for message in 1..=messages {
        octets += client.retr(message.into()).await?.len();
    }
    client.quit().await?;
    Ok(octets)
}

/// It writes a message to where it is told, and cannot say QUIT.
fn rust_pop3_client(host: &str, port: u16, user: &str, messages: u32) -> Result<usize, Failure> {
    let mut client = Pop3ConnectionFactory::without_tls(host, port)?;
    client.login(user, PASSWORD)?;
    let mut octets = 0;
    for number in 1..=messages {
        let mut message = Vec::new();
        client.retrieve(number, &mut message)?;
        octets += message.len();
    }
    Ok(octets)
}

fn said(error: async_pop::error::Error) -> Failure {
    error.to_string().into()
}
