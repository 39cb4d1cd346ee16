//! Fetches many maildrops over POP3, several at a time, each into a Maildir of its own:
//! `cargo run --release -p pop3-tokio --example fetch_many -- --to DIR [OPTIONS] URL… | --from FILE`.
//!
//! Each is fetched as the example `fetch` of `pop3-blocking` fetches it, with that example's modules
//! for all but the connection. Nothing is deleted from any server. Read [`run`] first:
//!
//! * [`arguments`] — what the user says, and [`maildrop`] — what that comes to: whose mail goes where;
//! * [`run`] — so many at a time, and [`stop`] — until the user has had enough;
//! * [`fetching`] — one maildrop, from connecting to QUIT, and [`desk`] — its Maildir, off the
//!   runtime's threads;
//! * [`screen`] — what the user is told.

#[path = "../../../pop3-blocking/examples/fetch/account.rs"]
mod account;
#[allow(dead_code, reason = "what is deleted is asked for by `fetch` only")]
#[path = "../../../pop3-blocking/examples/fetch/archive.rs"]
mod archive;
mod arguments;
#[path = "../../../pop3-blocking/examples/fetch/credentials.rs"]
mod credentials;
mod desk;
#[allow(dead_code, reason = "what is deleted is asked for by `fetch` only")]
#[path = "../../../pop3-blocking/examples/fetch/failure.rs"]
mod failure;
mod fetching;
#[path = "../../../pop3-blocking/examples/fetch/listing.rs"]
mod listing;
#[allow(dead_code, reason = "what is deleted is asked for by `fetch` only")]
#[path = "../../../pop3-blocking/examples/fetch/maildir.rs"]
mod maildir;
mod maildrop;
#[path = "../../../pop3-blocking/examples/fetch/names.rs"]
mod names;
#[path = "../../../pop3-blocking/examples/fetch/options.rs"]
mod options;
#[path = "../../../pop3-blocking/examples/fetch/progress.rs"]
mod progress;
#[path = "../../../pop3-blocking/examples/fetch/protection.rs"]
mod protection;
mod run;
mod screen;
mod stop;
#[path = "../../../pop3-blocking/examples/fetch/summary.rs"]
mod summary;
#[path = "../../../pop3-blocking/examples/fetch/terms.rs"]
mod terms;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime;

use arguments::Arguments;
use failure::Failure;
use progress::tell;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    fetch_many(&arguments).unwrap_or_else(|failure| {
        tell(&format_args!("fetch_many: {failure}"));
        failure.exit_code()
    })
}

fn fetch_many(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = run::Settings::of(arguments)?;
    let maildrops = maildrop::all(arguments)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::Local { doing: "start the runtime", reason: error.to_string() }
    })?;
    let code = runtime.block_on(run::run(maildrops, settings));
    // A name that nobody wants looked up any more is no reason to wait.
    runtime.shutdown_background();
    code
}
