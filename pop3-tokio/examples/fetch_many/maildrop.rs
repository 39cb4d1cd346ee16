//! The maildrops that are asked for. What can be wrong with one is found here, before anything is
//! connected, and said with its place: never with its text, in which a password may stand.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::names::sha256;
use crate::options::{Options, Secrets};
use crate::terms::Terms;

/// Octets of the name of a folder at most, which is what file systems take.
const MAX_NAME: usize = 255;

/// One maildrop, how to come to it, and where its mail goes.
#[derive(Debug)]
pub(crate) struct Maildrop {
    pub(crate) account: Account,
    pub(crate) terms: Terms,
    pub(crate) to: PathBuf,
}

impl Maildrop {
    fn of(entry: &Entry<'_>, options: &Options, to: &Path) -> Result<Self, Failure> {
        let secrets = entry.password_file.map_or_else(
            || options.secrets.clone(),
            |file| Secrets { password_file: Some(file.into()), token_file: None },
        );
        let account = Account::of(entry.url)?;
        let terms = Terms::of(options, &secrets, &account, None)?;
        let to = to.join(folder(&account));
        Ok(Self { account, terms, to })
    }
}

/// `user@host`.
impl fmt::Display for Maildrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Account { mailbox, host, .. } = &self.account;
        if host.contains(':') {
            write!(f, "{mailbox}@[{host}]")
        } else {
            write!(f, "{mailbox}@{host}")
        }
    }
}

/// All maildrops of the command line.
pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Maildrop>, Failure> {
    let Some(file) = &arguments.from else {
        let entries = (1..).zip(&arguments.urls).map(|(number, url)| {
            let entry = Entry { url, password_file: None };
            (format!("URL {number}"), Ok(entry))
        });
        return collect(entries, arguments);
    };
    let text = fs::read(file).map_err(Failure::disk("read the maildrops from", file))?;
    let lines = text.split(|&octet| octet == b'\n');
    let entries = (1..).zip(lines).filter_map(|(number, line)| {
        let entry = Entry::of(line).transpose()?;
        Some((format!("{}, line {number}", file.display()), entry))
    });
    let maildrops = collect(entries, arguments)?;
    if maildrops.is_empty() {
        return Err(Failure::usage(format_args!("{}: no maildrop", file.display())));
    }
    Ok(maildrops)
}

fn collect<'a>(
    entries: impl Iterator<Item = (String, Result<Entry<'a>, Failure>)>,
    arguments: &Arguments,
) -> Result<Vec<Maildrop>, Failure> {
    let mut places: HashMap<String, String> = HashMap::new();
    let mut maildrops = Vec::new();
    for (place, entry) in entries {
        let maildrop = entry
            .and_then(|entry| Maildrop::of(&entry, &arguments.options, &arguments.to))
            .map_err(|failure| at(&place, &failure))?;
        // Not every file system tells case apart.
        let key = maildrop.to.to_string_lossy().to_ascii_lowercase();
        if let Some(before) = places.insert(key, place.clone()) {
            let said = format_args!("{maildrop} has the same Maildir as {before}");
            return Err(at(&place, &said));
        }
        maildrops.push(maildrop);
    }
    Ok(maildrops)
}

fn at(place: &str, what: &dyn fmt::Display) -> Failure {
    Failure::usage(format_args!("{place}: {what}"))
}

/// What is said of one maildrop.
struct Entry<'a> {
    url: &'a str,
    /// Its own, in place of what the options say.
    password_file: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// What a line of `--from` says, if anything.
    fn of(line: &'a [u8]) -> Result<Option<Self>, Failure> {
        let line = std::str::from_utf8(line).map_err(|_| Failure::usage("it is not UTF-8"))?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        Ok(Some(match line.split_once('\t') {
            None => Self { url: line, password_file: None },
            // It must not be taken for none: another server's password could be sent.
            Some((_, "")) => return Err(Failure::usage("no password file follows the TAB")),
            Some((url, file)) => Self { url, password_file: Some(file) },
        }))
    }
}

/// The name of the Maildir: letters, digits and `-_+=@.` stand for themselves, every other octet is
/// `%` and two hexadecimal digits; so is a `.` at either end, and so no name is `..` or hidden. No
/// host holds an `@`: the last one is where it begins.
fn folder(account: &Account) -> String {
    let name = format!("{}@{}", account.mailbox.as_str(), account.host);
    let last = name.len() - 1;
    let mut form = String::with_capacity(name.len());
    for (at, octet) in name.bytes().enumerate() {
        let inside = at > 0 && at < last;
        if octet.is_ascii_alphanumeric() || b"-_+=@".contains(&octet) || (octet == b'.' && inside) {
            form.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(form, "%{octet:02x}");
        }
    }
    // `%` is followed by two hexadecimal digits in any other name, never by `h`.
    if form.len() > MAX_NAME { format!("%h{}", sha256(&[name.as_bytes()])) } else { form }
}
