//! Base names that stand more than once.
//!
//! No two messages of a Maildir may have one base name, nor may two messages have one unique-id, then or
//! later (RFC 1939 §7): if the second were only hidden, it would come up under the unique-id of the
//! first when that is removed. So it gets a base name of its own, for good.

use std::io;

use rustix::fs::{AtFlags, linkat};

use super::folders::Folders;
use super::listing::{Listed, Stamp};
use super::name::{File, Key, Place};

/// Puts messages in order and sees to it that each has a base name of its own.
pub(super) fn settle(folders: &Folders, messages: &mut Vec<Listed>) -> io::Result<()> {
    messages.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
    if messages.windows(2).all(|pair| pair[0].file.key() != pair[1].file.key()) {
        return Ok(());
    }
    let mut settled: Vec<Listed> = Vec::with_capacity(messages.len());
    let mut renamed = Vec::new();
    for message in messages.drain(..) {
        let Some(first) = settled.last_mut().filter(|last| last.file.key() == message.file.key())
        else {
            settled.push(message);
            continue;
        };
        // One message that was moved while the folders were read stands there twice.
        if folders.stat(&message.file)?.is_none() {
            continue;
        }
        if folders.stat(&first.file)?.is_none() {
            *first = message;
        } else if first.inode == message.inode {
            first.links.push(message.file);
        } else {
            renamed.push(rename(folders, message)?);
        }
    }
    settled.append(&mut renamed);
    settled.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
    *messages = settled;
    Ok(())
}

/// Of two messages with one base name, the older one keeps it: clients may know it.
fn order(message: &Listed) -> (Key<'_>, Stamp, Place, &[u8]) {
    (message.file.key(), message.stamp, message.file.place, &message.file.name)
}

/// Gives a message a base name that no other has, and that sorts behind its old one.
fn rename(folders: &Folders, message: Listed) -> io::Result<Listed> {
    let Listed { file, stamp, inode, .. } = &message;
    let base = file.key().base;
    // Behind the host, in front of the sizes that some programs append: `812.7.dewey,S=120`.
    let host = base.iter().position(|&octet| octet == b',').unwrap_or(base.len());
    let (seconds, nanoseconds) = stamp.modified;
    let own = format!("-{inode:x}-{seconds:x}-{nanoseconds:x}");
    let name = [&base[..host], own.as_bytes(), &file.name[host..]].concat();
    let new = File::new(file.place, &name);
    // A link and not a rename: it does not replace a file that has the name already.
    let folder = folders.folder(file.place);
    linkat(folder, &*file.name, folder, &*new.name, AtFlags::empty())?;
    folders.unlink(file)?;
    Ok(Listed { file: new, ..message })
}
