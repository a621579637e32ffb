//! A new log for what nothing proves durable.
//!
//! After a crash, or a sync that failed, what an open reads of a log may lie in the memory of the operating system only.
//! Appending behind it would acknowledge commits that stand behind a hole after a power cut. So all records since the
//! last seal are written once more, into a new file, which takes the old one's place when it and its name are on disk.
//!
//! The list of files need not be written for that. A copy says in its header that it is one, and from where to where; a
//! whole one holds whatever the log held that the list names, and nobody appends to that log any more. So the newest
//! whole copy is the log.

use super::catalog::{Catalog, log_name, number_of};
use crate::Result;
use crate::error::{Error, ErrorKind};
use crate::storage::log_format::{LogId, Span};
use crate::storage::proof::Proof;
use crate::storage::replay::Replay;
use crate::storage::wal::Wal;

/// Finds the copy that took the place of the logs that the list on disk names, and goes on with it.
///
/// **Cost**: reads the logs that are not listed, which only a crash leaves.
///
/// # Errors
/// `Corrupt` where the log that the notes say the store went on in is missing, or damaged.
pub(super) fn follow_copies(catalog: &Catalog, proof: Proof) -> Result<()> {
    let Some(listed) = catalog.logs().last().copied() else { return Ok(()) };
    let least = proof.log.max(listed + 1);
    let leftovers = catalog.leftovers();
    let logs = leftovers.iter().filter(|name| name.ends_with(".log")).filter_map(|name| number_of(name));
    let mut newer: Vec<u64> = logs.filter(|number| *number >= least).collect();
    newer.sort_unstable();
    for number in newer.into_iter().rev() {
        if number == proof.log || is_whole_copy(catalog, number)? {
            catalog.follow_copy(number);
            return Ok(());
        }
    }
    if proof.log > listed { missing(catalog, proof.log) } else { Ok(()) }
}

/// What is known of the list of files that an open reads.
#[derive(Clone, Copy)]
pub(super) enum List {
    /// It is on disk, and names a log.
    Durable,
    /// It may be in memory only.
    Unproven,
}

/// Whether a log that is not listed holds all that it was made to copy.
fn is_whole_copy(catalog: &Catalog, number: u64) -> Result<bool> {
    let bytes = catalog.vfs.read(&log_name(number))?;
    // What does not even begin as a log of ours was never written to.
    let Ok(log) = replay(catalog, number, &bytes, 0) else { return Ok(false) };
    let Span { first, copied: Some(through) } = log.span() else { return Ok(false) };
    Ok(first == catalog.sealed_sequence() + 1 && log.last_sequence() >= through)
}

/// Copies the records of all live logs up to `through` into a new one, and makes it the only one. Returns it with its
/// number; everything in it is durable, and so is its name.
///
/// A list that may be in memory only, like the log, is written once more, too.
///
/// **Cost**: the bytes logged since the last seal, read and written; two syncs where the list is durable, and four otherwise.
///
/// # Errors
/// `Poisoned` when it is unknown which logs the store has now; after any other error it has the old ones.
pub(super) fn copy_logs(catalog: &Catalog, through: u64, list: List) -> Result<(Wal, u64)> {
    let number = catalog.new_number();
    let copied = copy(catalog, number, through).and_then(|wal| {
        wal.sync_handle().sync_data()?;
        match list {
            List::Durable => {
                catalog.vfs.sync_dir()?;
                catalog.follow_copy(number);
            }
            List::Unproven => catalog.replace_logs(number)?,
        }
        Ok((wal, number))
    });
    if copied.as_ref().is_err_and(|error| error.kind() != ErrorKind::Poisoned) {
        catalog.abandon(&log_name(number));
    }
    copied
}

fn copy(catalog: &Catalog, number: u64, through: u64) -> Result<Wal> {
    let first = catalog.sealed_sequence() + 1;
    let id = LogId { store_id: catalog.store_id(), number };
    let mut new = Wal::begin(catalog.vfs.as_ref(), &log_name(number), id, Span { first, copied: Some(through) })?;
    for old in catalog.logs() {
        let bytes = read_log(catalog, old)?;
        let mut replay = replay(catalog, old, &bytes, 0)?;
        while let Some(record) = replay.next()? {
            if (first..=through).contains(&record.sequence) {
                new.append(record.sequence, record.durable, record.kind, record.version, record.payload)?;
            }
        }
    }
    Ok(new)
}

/// The bytes of a live log.
///
/// # Errors
/// `Corrupt` where it is missing.
pub(super) fn read_log(catalog: &Catalog, number: u64) -> Result<crate::storage::map::Bytes> {
    let name = log_name(number);
    if catalog.vfs.len(&name)?.is_none() {
        return missing(catalog, number);
    }
    catalog.vfs.read(&name)
}

fn missing<T>(catalog: &Catalog, number: u64) -> Result<T> {
    Err(Error::corrupt(&catalog.vfs.path(&log_name(number)), 0, "the log is missing"))
}

/// Starts to read a log of the store; see [`Replay::new`].
pub(super) fn replay<'a>(catalog: &Catalog, number: u64, bytes: &'a [u8], durable: u64) -> Result<Replay<'a>> {
    let id = LogId { store_id: catalog.store_id(), number };
    Replay::new(bytes, &catalog.vfs.path(&log_name(number)), id, durable)
}
