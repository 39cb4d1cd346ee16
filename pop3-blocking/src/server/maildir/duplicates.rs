//! Base names that stand more than once.
//!
//! No two messages of a Maildir may have one base name, nor may two messages have one unique-id, then or
//! later (RFC 1939 §7): if the second were only hidden, it would come up under the unique-id of the
//! first when that is removed. So it gets a base name of its own, for good.

use std::collections::HashSet;
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
    // What a process has left that died while it renamed.
    let begun: HashSet<(u64, Box<[u8]>)> =
        messages.iter().map(|message| (message.inode, message.file.key().base.into())).collect();
    let mut settled: Vec<Listed> = Vec::with_capacity(messages.len());
    let mut renamed = Vec::new();
    for message in messages.drain(..) {
        let Some(first) = settled.last_mut().filter(|last| last.file.key() == message.file.key())
        else {
            settled.push(message);
            continue;
        };
        // One message that was moved while the folders were read stands there twice.
        let Some(stat) = folders.stat(&message.file)? else { continue };
        if folders.stat(&first.file)?.is_none() {
            *first = message;
        } else if first.inode == message.inode {
            first.links.push(message.file);
        } else {
            let new = own(&message);
            if stat.st_nlink > 1 && begun.contains(&(message.inode, new.key().base.into())) {
                folders.unlink(&message.file)?;
            } else {
                renamed.push(rename(folders, message, new)?);
            }
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

/// A base name that no other message has, and that sorts behind the old one.
fn own(message: &Listed) -> File {
    let Listed { file, stamp, inode, .. } = message;
    let base = file.key().base;
    // Behind the host, in front of the sizes that some programs append: `812.7.dewey,S=120`.
    let host = base.iter().position(|&octet| octet == b',').unwrap_or(base.len());
    let (seconds, nanoseconds) = stamp.modified;
    let own = format!("-{inode:x}-{seconds:x}-{nanoseconds:x}");
    File::new(file.place, &[&base[..host], own.as_bytes(), &file.name[host..]].concat())
}

fn rename(folders: &Folders, message: Listed, new: File) -> io::Result<Listed> {
    // A link and not a rename: it does not replace a file that has the name already.
    let folder = folders.folder(new.place);
    linkat(folder, &*message.file.name, folder, &*new.name, AtFlags::empty())?;
    folders.unlink(&message.file)?;
    Ok(Listed { file: new, ..message })
}
