//! Where the password comes from. Never from the command line, which every user of a machine can
//! read, and never from the URL, which ends up in histories and logs.

use std::env;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _};
use std::path::Path;

use pop3_blocking::pop3_proto::Password;

use crate::arguments::Account;
use crate::failure::Failure;

const VARIABLE: &str = "POP3_PASSWORD";

/// More than fits into a command line of POP3, so that a wrong file is not read to its end.
const MAX_OCTETS: u64 = 4096;

/// The first line of `file`, else the environment, else what the user types without an echo.
pub(crate) fn find(file: Option<&Path>, account: &Account) -> Result<Password, Failure> {
    let octets = match (file, env::var_os(VARIABLE)) {
        (Some(file), _) => {
            first_line(file).map_err(Failure::disk("read the password from", file))?
        }
        (None, Some(password)) if !password.is_empty() => password.into_encoded_bytes(),
        (None, _) => prompt(account)?.into_bytes(),
    };
    Password::opaque(&octets)
        .map_err(|error| Failure::usage(format_args!("the password cannot be one: {error}")))
}

fn first_line(file: &Path) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(File::open(file)?.take(MAX_OCTETS)).read_until(b'\n', &mut line)?;
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Ok(line)
}

fn prompt(account: &Account) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format_args!(
            "no password: there is no --password-file, no ${VARIABLE} and no terminal to ask at"
        )));
    }
    rpassword::prompt_password(format!("Password of {account}: ")).map_err(|error| Failure::Local {
        doing: "ask for the password",
        reason: error.to_string(),
    })
}
