//! The server of `benches/clients`: see [`benches::replay`].
//!
//! ```text
//! replay [CERTIFICATE KEY]    prints where it listens in clear, and then where over TLS; ends with its input
//! ```

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::{env, fs, io, thread};

use benches::replay;
use pop3_blocking::rustls::ServerConfig;
use pop3_blocking::server::ServerTls;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    listen(None)?;
    match &arguments[..] {
        [] => {}
        [certificate, key] => {
            let tls = ServerTls::from_pem(&fs::read(certificate)?, &fs::read(key)?)?;
            listen(Some(Arc::clone(tls.config())))?;
        }
        _ => return Err("usage: replay [CERTIFICATE KEY]".into()),
    }
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn listen(tls: Option<Arc<ServerConfig>>) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    thread::spawn(move || replay::serve(&listener, tls.as_ref()));
    Ok(())
}
