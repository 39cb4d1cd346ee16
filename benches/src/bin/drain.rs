//! Fetches a whole maildrop and drops it, at no more cost than reading it takes; `benches/servers` drives servers by it.
//!
//! ```text
//! drain ADDRESS USER PASSWORD SESSIONS    prints how many octets came for RETR, status lines and terminators included
//! ```

use std::env;
use std::error::Error;
use std::net::TcpStream;
use std::time::Duration;

use benches::drain::Drain;

/// Commands in flight.
const WINDOW: usize = 32;
const BLOCK: usize = 128 * 1024;

/// A server that says nothing for so long has not understood.
const PATIENCE: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, user, password, sessions] = &arguments[..] else {
        return Err("usage: drain ADDRESS USER PASSWORD SESSIONS".into());
    };
    let mut octets = 0;
    for _ in 0..sessions.parse()? {
        octets += maildrop(address, user, password)?;
    }
    println!("{octets}");
    Ok(())
}

fn maildrop(address: &str, user: &str, password: &str) -> Result<u64, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut connection = Drain::new(stream, BLOCK, WINDOW);
    connection.log_in(user, password)?;
    let stat = connection.ask("STAT")?;
    let messages: usize = stat.split(' ').nth(1).ok_or("no drop listing")?.parse()?;
    let octets = connection.messages(messages)?;
    connection.ask("QUIT")?;
    Ok(octets)
}
