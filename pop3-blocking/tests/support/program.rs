//! The examples that fetch, run as their users run them, and what they say.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a program said.
pub(crate) struct Said {
    code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    pub(crate) fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    pub(crate) fn says(self, what: &str) -> Self {
        assert!(self.err.contains(what), "not said: {what}\n{}", self.err);
        self
    }

    pub(crate) fn says_not(self, what: &str) -> Self {
        assert!(!self.err.contains(what) && !self.out.contains(what), "{}{}", self.out, self.err);
        self
    }
}

pub(crate) fn end(command: &mut Command) -> Said {
    command.output().unwrap().into()
}

/// An empty folder of a test's own.
pub(crate) fn folder(example: &str, test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(example).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// An example of this package, to be run in a folder.
pub(crate) fn program(example: &str, folder: &Path) -> Command {
    // From target/PROFILE/deps to target/PROFILE/examples.
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.set_file_name("examples");
    program.push(example);
    let package = env!("CARGO_PKG_NAME");
    assert!(program.exists(), "not built: cargo build -p {package} --example {example}");
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An IPv4 address of this machine that is not loopback, if it has one. Nothing is sent.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
