//! One run: connect, log in, look, fetch, delete, quit, and say what came of it.

use std::fmt;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget};
use pop3_blocking::pop3_proto::{Command, UniqueId};
use pop3_blocking::{Error, Outcome, Session};

use crate::account::Account;
use crate::archive::{Archive, Occurrence};
use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::failure::{Doing, Failure};
use crate::interrupt::{Interrupt, Quit};
use crate::listing::{Listing, Lists, Message};
use crate::maildir::Maildir;
use crate::names::Names;
use crate::progress::{Progress, tell};
use crate::summary::{Summary, messages};

/// Does what the command line says; a failure is one that came before there was anything to sum up.
pub(crate) fn run(
    arguments: &Arguments,
    account: &Account,
    connection: Connection<'_>,
    interrupt: &Interrupt,
) -> Result<ExitCode, Failure> {
    if arguments.list {
        let mut session = connection.open()?;
        let listing = look(&mut session)?;
        print(&listing)?;
        let mut summary = Summary { unreadable: listing.unreadable, ..Summary::default() };
        summary.deviations = session.deviations();
        quit(session, &mut summary, interrupt);
        summary.remarks().iter().for_each(|remark| tell(remark));
        return Ok(exit_code(&summary));
    }

    // What cannot be kept need not be asked for.
    let maildir = Maildir::open(&arguments.to, interrupt.writing.clone())?;
    let session = connection.open()?;
    let mut run = Run { arguments, maildir, session, summary: Summary::default() };
    let outcome = run.transfer(account);
    let Run { session, mut summary, .. } = run;
    summary.deviations = session.deviations();
    match outcome {
        Ok(()) => quit(session, &mut summary, interrupt),
        // Without QUIT the server keeps everything.
        Err(failure) => problem(&mut summary, &format_args!("fetch: {failure}")),
    }
    tell(&format_args!(
        "{} fetched ({} octets) into {}, {} there already, {} refused",
        messages(summary.fetched),
        summary.octets,
        arguments.to.display(),
        summary.here,
        summary.refused
    ));
    if arguments.delete {
        tell(&format_args!("{} marked as deleted: {}", messages(summary.marked), summary.update));
    }
    summary.remarks().iter().for_each(|remark| tell(remark));
    Ok(exit_code(&summary))
}

/// Asks the server what there is.
fn look(session: &mut Session<TcpStream>) -> Result<Listing, Failure> {
    let mut lists = Lists::new(&tell);
    for listing in session.list().map_err(Failure::server(Doing::Command("LIST")))? {
        lists.size(listing)?;
    }
    match session.uidl() {
        Ok(listings) => {
            for listing in listings {
                lists.name(listing)?;
            }
        }
        Err(error) => lists.no_names(error)?,
    }
    Ok(lists.listing())
}

fn print(listing: &Listing) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut print = || {
        for Message { number, octets, id } in &listing.messages {
            let octets = octets.map(|octets| octets.to_string()).unwrap_or_default();
            let id = id.as_ref().map(UniqueId::as_str).unwrap_or_default();
            writeln!(out, "{number}\t{octets}\t{id}")?;
        }
        out.flush()
    };
    print().map_err(|error: io::Error| Failure::Local {
        doing: "print the list",
        reason: error.to_string(),
    })
}

/// A run that delivers.
struct Run<'a> {
    arguments: &'a Arguments,
    maildir: Maildir,
    session: Session<TcpStream>,
    summary: Summary,
}

impl Run<'_> {
    /// Everything between login and QUIT.
    fn transfer(&mut self, account: &Account) -> Result<(), Failure> {
        let listing = look(&mut self.session)?;
        let mut archive = Archive::of(Names::of(account), &listing, &self.maildir)?;
        self.summary.unreadable = listing.unreadable;
        let mut safe = Vec::new();
        let mut wanted = Vec::new();
        for message in &listing.messages {
            match archive.look(message, self.arguments.delete) {
                (_, true) => safe.push(message),
                (occurrence, false) => wanted.push((message, occurrence)),
            }
        }
        self.summary.here = safe.len();
        tell(&format_args!(
            "{account}: {}, {} to fetch",
            messages(listing.messages.len()),
            wanted.len()
        ));
        self.fetch(&wanted, &mut archive, &mut safe)?;
        if self.arguments.delete {
            self.maildir.sync()?;
            safe.retain(|message| {
                let may = archive.may_delete(message);
                if !may {
                    tell(&format_args!(
                        "message {}: not deleted: another with its unique-id was not fetched",
                        message.number
                    ));
                }
                may
            });
            self.delete(&safe)?;
        }
        Ok(())
    }

    /// Fetches what is wanted; what is on disk then is added to `safe`.
    fn fetch<'m>(
        &mut self,
        wanted: &[(&'m Message, Occurrence)],
        archive: &mut Archive,
        safe: &mut Vec<&'m Message>,
    ) -> Result<(), Failure> {
        let Self { arguments, maildir, session, summary } = self;
        let octets = wanted.iter().filter_map(|(message, _)| message.octets);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let mut progress = Progress::on(bar);
        progress.begin(wanted.len(), octets.fold(0, u64::saturating_add));
        let commands = wanted.iter().map(|(message, _)| Command::Retr(message.number));
        let mut replies = session.pipeline(commands, arguments.options.window());
        for &(message, occurrence) in wanted {
            let failed = || Failure::server(Doing::Fetching(message.number));
            // There is one reply for each command.
            let Some(reply) = replies.next() else { break };
            let mut body = match reply.map_err(failed())?.outcome {
                Outcome::Body(body) => body,
                Outcome::Line(response) => {
                    summary.refused += 1;
                    progress.tell(&format_args!(
                        "message {}: the server refused it: {}",
                        message.number, response.text
                    ));
                    progress.ended(message.octets, 0);
                    continue;
                }
                _ => return Err(failed()(Error::Unexpected)),
            };
            let mut delivery = maildir.begin()?;
            while let Some(chunk) = body.chunk().map_err(failed())? {
                delivery.write(&chunk)?;
                progress.received(chunk.len());
            }
            let octets = delivery.octets();
            if archive.deliver(message, occurrence, delivery)? {
                summary.fetched += 1;
                summary.octets += octets;
                summary.without_id += usize::from(message.id.is_none());
            } else {
                summary.here += 1;
            }
            safe.push(message);
            progress.ended(message.octets, octets);
        }
        Ok(())
    }

    /// Marks what is safe as deleted; QUIT is what deletes.
    fn delete(&mut self, safe: &[&Message]) -> Result<(), Failure> {
        let Self { arguments, session, summary, .. } = self;
        let commands = safe.iter().map(|message| Command::Dele(message.number));
        let mut replies = session.pipeline(commands, arguments.options.window());
        for &Message { number, .. } in safe.iter().copied() {
            let failed = || Failure::server(Doing::Deleting(number));
            let Some(reply) = replies.next() else { break };
            match reply.map_err(failed())?.outcome {
                Outcome::Line(response) if response.is_ok() => summary.marked += 1,
                Outcome::Line(response) => problem(
                    summary,
                    &format_args!(
                        "message {number}: the server refused to delete it: {}",
                        response.text
                    ),
                ),
                _ => return Err(failed()(Error::Unexpected)),
            }
        }
        Ok(())
    }
}

/// Ends the session. Its answer matters only if there is something to commit.
fn quit(session: Session<TcpStream>, summary: &mut Summary, interrupt: &Interrupt) {
    if summary.marked > 0 {
        *interrupt.quit() = Quit::Committing;
    }
    summary.update = match session.quit() {
        Ok(update) => update,
        Err(error) => {
            tell(&format_args!("QUIT: {}", error.error));
            error.update
        }
    };
    *interrupt.quit() = Quit::Answered;
}

/// Says at once what went wrong.
fn problem(summary: &mut Summary, what: &dyn fmt::Display) {
    summary.problems += 1;
    tell(what);
}

fn exit_code(summary: &Summary) -> ExitCode {
    if summary.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
