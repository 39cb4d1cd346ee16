//! Logs in, says commands one by one, and prints what became of each.
//!
//! ```text
//! cargo run --release -p pop3-blocking --example ask -- --user NAME --password-file F HOST:PORT STAT "RETR 1"
//! ```
//!
//! The login and each command has a line: `ok` and what the reply says, octets escaped; or what came instead of it, which
//! is `refused` (`-ERR`), `closed`, `silent` (nothing in time), `broken` (the server broke the protocol)
//! or `unsent` (our client does not say this here), and why. All
//! but `refused` ends the session. `QUIT` is said only if it is among the commands.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use pop3_blocking::pop3_proto::client::{
    Choice, ClientConfig, Credentials, LoginError, Method, ProtocolError, Security, Update, UseStls,
};
use pop3_blocking::pop3_proto::{Command, Mailbox, Password, RawFraming};
use pop3_blocking::{COLLECT_LIMIT, Client, Error, Session};

/// Say commands to a POP3 server, in clear, and see what becomes of them.
#[derive(Debug, Parser)]
struct Arguments {
    /// Who logs in, by USER and PASS; another host than this one is not told
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The first line of this file is the password
    #[arg(long, value_name = "F")]
    password_file: PathBuf,
    /// What the server is forgiven
    #[arg(long, value_enum, default_value_t = Leniency::Tolerant)]
    leniency: Leniency,
    /// Wait for an answer for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    /// The server
    #[arg(value_name = "HOST:PORT")]
    server: String,
    /// What to say: one argument for each command
    #[arg(value_name = "COMMAND")]
    commands: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Leniency {
    Strict,
    Tolerant,
    Outlook,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("ask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let commands: Vec<Command> =
        arguments.commands.iter().map(|line| command(line)).collect::<Result<_, _>>()?;
    let secret = fs::read(&arguments.password_file)?;
    let line = secret.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    let credentials =
        Credentials::password(Mailbox::new(&arguments.user)?, Password::opaque(line)?);
    let session = match log_in(arguments, credentials) {
        Ok(session) => session,
        Err(error) => {
            println!("{}", instead(&error));
            return Ok(());
        }
    };
    println!("ok");
    ask(session, &commands);
    Ok(())
}

/// A line as a command; one that nobody here knows has a reply of one line.
fn command(line: &str) -> Result<Command, Box<dyn std::error::Error>> {
    match Command::parse(line.as_bytes()) {
        Ok(Command::User(_) | Command::Pass(_) | Command::Apop { .. } | Command::Auth { .. }) => {
            Err("the login is not among the commands".into())
        }
        Ok(command) => Ok(command),
        Err(error) => Command::raw(line, RawFraming::SingleLine)
            .map_err(|_| format!("{line}: {error}").into()),
    }
}

fn log_in(arguments: &Arguments, credentials: Credentials) -> Result<Session<TcpStream>, Error> {
    let security = Security::StlsRequired;
    let mut builder = Client::builder(security);
    builder.config = match arguments.leniency {
        Leniency::Strict => ClientConfig::strict(security),
        Leniency::Tolerant => ClientConfig::new(security),
        Leniency::Outlook => ClientConfig::outlook(security),
    };
    builder.stls = Some(UseStls::Never);
    let timeout = Duration::from_secs_f64(arguments.timeout);
    builder.deadlines.greeting = timeout;
    builder.deadlines.reply = timeout;
    let (host, port) = arguments.server.rsplit_once(':').unwrap_or((&arguments.server, ""));
    let port = port.parse().map_err(io::Error::other)?;
    let client = builder.connect(host, port)?;
    Ok(client.login_with(credentials, Choice::Only(Method::UserPass))?)
}

/// Says each command, until one ends the session.
fn ask(mut session: Session<TcpStream>, commands: &[Command]) {
    for command in commands {
        if *command == Command::Quit {
            match session.quit() {
                Ok(Update::Committed) => println!("ok"),
                Ok(update) => println!("refused: {update}"),
                Err(error) => println!("{}", instead(&error.into())),
            }
            return;
        }
        match said(&mut session, command) {
            Ok(reply) if reply.is_empty() => println!("ok"),
            Ok(reply) => println!("ok {}", reply.escape_ascii()),
            Err(error @ Error::Refused(_)) => println!("{}", instead(&error)),
            Err(error) => {
                println!("{}", instead(&error));
                return;
            }
        }
    }
}

/// What the reply says, but for the words of its status line.
fn said(session: &mut Session<TcpStream>, command: &Command) -> Result<Vec<u8>, Error> {
    let text = match command {
        Command::Stat => {
            let drop = session.stat()?;
            let octets = drop.octets.map_or_else(|| "?".to_owned(), |octets| octets.to_string());
            format!("{} {octets}", drop.messages)
        }
        Command::List(Some(message)) => {
            let scan = session.list_one(*message)?;
            format!("{} {}", scan.message, scan.octets)
        }
        Command::List(None) => {
            return items(session.list()?, |scan| format!("{} {}", scan.message, scan.octets));
        }
        Command::Uidl(Some(message)) => {
            let listing = session.uidl_one(*message)?;
            format!("{} {}", listing.message, listing.id)
        }
        Command::Uidl(None) => {
            return items(session.uidl()?, |listed| format!("{} {}", listed.message, listed.id));
        }
        Command::Capa => {
            let capabilities = session.capabilities()?;
            capabilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Command::Retr(message) => return session.retr(*message)?.collect(COLLECT_LIMIT),
        Command::Top { message, lines } => {
            return session.top(*message, *lines)?.collect(COLLECT_LIMIT);
        }
        Command::Dele(message) => return session.dele(*message).map(|_| Vec::new()),
        Command::Noop => return session.noop().map(|_| Vec::new()),
        Command::Rset => return session.rset().map(|_| Vec::new()),
        command => return Ok(session.raw_line(command)?.text.octets().to_vec()),
    };
    Ok(text.into_bytes())
}

/// Each item; a line that is none stands among them as it came, behind `malformed`.
fn items<T>(
    listing: impl Iterator<Item = Result<T, Error>>,
    item: impl Fn(T) -> String,
) -> Result<Vec<u8>, Error> {
    let mut items = Vec::new();
    for listed in listing {
        items.push(match listed {
            Ok(listed) => item(listed).into_bytes(),
            Err(Error::MalformedItem(line)) => [b"malformed ", line.octets()].concat(),
            Err(error) => return Err(error),
        });
    }
    Ok(items.join(&b", "[..]))
}

/// What came instead of a reply, in a word, and why.
fn instead(error: &Error) -> String {
    let word = match error {
        Error::Refused(_) | Error::Login(LoginError::Refused(_)) => "refused",
        Error::Closed { .. }
        | Error::Protocol(
            ProtocolError::UnexpectedEof { .. } | ProtocolError::AuthenticationInterrupted { .. },
        ) => "closed",
        Error::Io(error) if pop3_blocking::is_end(error) => "closed",
        Error::Send(_) => "unsent",
        error if error.is_timeout() => "silent",
        _ => "broken",
    };
    format!("{word}: {error}")
}
