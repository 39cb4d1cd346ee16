//! One session has a maildrop at a time.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pop3_blocking::server::{Maildir, OpenError, Store as _};

use crate::{Fixture, mailbox};

/// R1939-4.06: within one process too, through whatever store; released when the session ends.
#[test]
fn a_maildir_is_open_once() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let other = Maildir::single(mailbox(), fixture.path.join("../mrose"));
    let maildrop = fixture.open();
    for store in [&fixture.store, &other] {
        let before = Instant::now();
        assert!(matches!(store.open(&mailbox()), Err(OpenError::InUse)));
        assert!(before.elapsed() < Duration::from_secs(1), "it does not wait");
    }
    drop(maildrop);
    drop(other.open(&mailbox()).expect("released"));
    // R1939-4.07: a maildrop that cannot be opened is not locked.
    fs::rename(fixture.at("cur"), fixture.at("away")).expect("renamed");
    assert!(fixture.store.open(&mailbox()).is_err());
    fs::rename(fixture.at("away"), fixture.at("cur")).expect("renamed");
    drop(fixture.open());
}

/// Sessions race for one maildrop: never do two have it.
#[test]
fn sessions_race_for_the_lock() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let opened = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let Ok(maildrop) = fixture.store.open(&mailbox()) else { continue };
                    assert_eq!(holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    opened.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(maildrop);
                }
            });
        }
    });
    assert!(opened.into_inner() > 0);
}

const HOLD: &str = "POP3_TEST_HOLD";

/// Not a test of its own: the other process of the next one.
#[test]
fn another_process_holds_the_lock() {
    let Some(root) = std::env::var_os(HOLD) else { return };
    let _maildrop = Maildir::folders(root).open(&mailbox()).expect("open");
    println!("held");
    let _ = io::stdin().read(&mut [0]);
}

/// R1939-4.06: locked against other processes, and released by their death.
#[test]
fn the_lock_holds_between_processes_and_dies_with_its_holder() {
    let fixture = Fixture::with(&[("new/1.a", "one")]);
    let mut holder = Command::new(std::env::current_exe().expect("a test"))
        .args(["--exact", "lock::another_process_holds_the_lock", "--nocapture"])
        .env(HOLD, fixture.path.parent().expect("a root"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut lines = BufReader::new(holder.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("a line").contains("held")));
    assert!(matches!(fixture.store.open(&mailbox()), Err(OpenError::InUse)));
    holder.kill().expect("killed");
    holder.wait().expect("dead");
    drop(fixture.open());
}
