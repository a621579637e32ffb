//! Imports taken back: what a file brought, and nothing that was in the store before it came.
//!
//! A file is read as for an import, and its messages are looked up instead of taken in. Those of rows that an earlier import
//! brought, of last week's export say, are other messages' of their receipt: an import is received at one instant, and the
//! one that is taken back is the last of those that brought any of them.

use super::batch::Batch;
use super::brought::Brought;
use super::handle::Store;
use super::import::{Run, how_of, moment};
use super::ingest::Ingest;
use super::inner::Inner;
use super::retract::{Found, Retracted};
use crate::Result;
use crate::import::CsvFile;
use std::io::Read;

/// So many messages one statement takes back.
const NAMED_MAX: usize = 10_000;

impl Store {
    /// Takes back what the import of a file brought: the same file, with all that was declared about it then. As if it
    /// had never been imported, also for questions about the past; see [`Store::retract`].
    ///
    /// Rows that were in the store before, of last week's shorter export, stay: [`Retracted::earlier`]. Taking the file
    /// back again takes those. A corrected import of the file may follow: what is declared about a file is part of its
    /// messages, so that none of them is one of those that were taken back.
    ///
    /// **Cost**: as [`Store::import`].
    ///
    /// # Errors
    /// As [`Store::import`]: those that leave nothing changed.
    ///
    /// ```
    /// use regulars::{Store, import::{CsvFile, DateOrder}};
    /// let rows = "order_id,date,email,total\n1,01/02/2026,ann@example.com,10.00\n";
    /// let file = |order| CsvFile::new(rows.as_bytes(), None).date_order(order);
    /// let store = Store::options().currency("EUR").in_memory()?;
    /// store.import(file(DateOrder::MonthFirst))?;
    /// assert_eq!(store.undo(file(DateOrder::MonthFirst))?.retracted, 1);
    /// assert_eq!(store.snapshot().events(), 0);
    /// assert_eq!(store.import(file(DateOrder::DayFirst))?.receipt.accepted, 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn undo(&self, file: CsvFile<'_>) -> Result<Retracted> {
        let how = how_of(&file);
        let batch_len = file.batch;
        let (started, progress) = file.start(&self.home(&how)?)?;
        let mut run = Run::undoing(self, &how, batch_len, progress)?;
        started.run(&mut run)?;
        let (brought, receipt) = run.found()?;
        let (_, advance) = moment(self, &how, None)?;
        self.commit(Batch::default(), advance)?;
        self.inner.take_back_last(brought, Retracted { receipt, ..Retracted::default() })
    }

    /// Takes back what a file of messages brought: all that were accepted with these ids and this content. See
    /// [`Store::import_ndjson`] and [`Store::take_back`].
    ///
    /// # Errors
    /// As [`Store::import_ndjson`].
    ///
    /// ```
    /// use regulars::{Ingest, Store};
    /// let store = Store::in_memory()?;
    /// let lines = b"{\"type\":\"page\",\"userId\":\"1\"}\n{\"type\":\"page\",\"userId\":\"2\"}\n";
    /// store.import_ndjson(&lines[..], &Ingest::new(), |_| {})?;
    /// assert_eq!(store.undo_ndjson(&lines[..], &Ingest::new())?.retracted, 2);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn undo_ndjson(&self, stream: impl Read, how: &Ingest) -> Result<Retracted> {
        let mut done = Retracted::default();
        self.read_file(stream, how, &mut |batch, _, _| {
            done.absorb(self.inner.take_back(batch)?);
            Ok(())
        })?;
        Ok(done)
    }
}

impl Inner {
    /// Takes back what the last of the imports brought that brought any of these.
    fn take_back_last(&self, brought: Brought, mut done: Retracted) -> Result<Retracted> {
        let Brought { all, unknown } = brought;
        done.unknown = unknown;
        let last = all.values().map(|known| known.received_at).max();
        let (mut found, mut rows) = (Found::default(), 0);
        for (hash, known) in all {
            if Some(known.received_at) != last {
                done.earlier += known.rows;
                continue;
            }
            rows += known.rows;
            found.0.insert(hash, Some(known.id));
            if found.0.len() == NAMED_MAX {
                done = self.retract(self.writer.lock(), std::mem::take(&mut found), done)?;
            }
        }
        done.retracted = rows;
        self.retract(self.writer.lock(), found, done)
    }
}
