//! A new log for what nothing proves durable.
//!
//! After a crash, or a sync that failed, what an open reads of a log may lie in the memory of the operating system only.
//! Appending behind it would acknowledge commits that stand behind a hole after a power cut. So all records since the
//! last seal are written once more, into a new file, which takes the old one's place when it is on disk.

use super::catalog::{Catalog, log_name};
use crate::Result;
use crate::error::{Error, ErrorKind};
use crate::storage::log_format::{LogId, Span};
use crate::storage::replay::Replay;
use crate::storage::wal::Wal;

/// Copies the records of all live logs up to `through` into a new one, and makes it the only one. Returns it with its
/// number; everything in it is durable.
///
/// **Cost**: the bytes logged since the last seal, read and written; four syncs.
///
/// # Errors
/// `Poisoned` when it is unknown which logs the store has now; after any other error it has the old ones.
pub(super) fn copy_logs(catalog: &Catalog, through: u64) -> Result<(Wal, u64)> {
    let number = catalog.new_number();
    let copied = copy(catalog, number, through).and_then(|wal| {
        wal.sync_handle().sync_data()?;
        catalog.replace_logs(number)?;
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
    let mut new = Wal::begin(catalog.vfs.as_ref(), &log_name(number), id, Span { first, copied: through })?;
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
        return Err(Error::corrupt(&catalog.vfs.path(&name), 0, "the log is missing"));
    }
    catalog.vfs.read(&name)
}

/// Starts to read a log of the store; see [`Replay::new`].
pub(super) fn replay<'a>(catalog: &Catalog, number: u64, bytes: &'a [u8], durable: u64) -> Result<Replay<'a>> {
    let id = LogId { store_id: catalog.store_id(), number };
    Replay::new(bytes, &catalog.vfs.path(&log_name(number)), id, durable)
}
