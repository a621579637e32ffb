//! Files of other systems in: their rows go the way of every other message.

use super::commit::Batch;
use super::handle::Store;
use super::ingest::Ingest;
use super::receipt::Receipt;
use crate::Result;
use crate::import::{CsvFile, Detected, Emit, Kind, Progress};
use crate::normalize::intake::{Outcome, Scratch, read_line};
use crate::normalize::normalizer::Intake;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// What an import did: an ingest receipt that counts rows, and what the file turned out to be.
///
/// ```
/// use regulars::{Store, import::OrdersCsv};
/// let file = "Order ID,Date,Email,Total\n1001,2025-11-03,ann@example.com,24.90\n";
/// let report = Store::options().currency("EUR").in_memory()?.import(OrdersCsv::new(file.as_bytes()))?;
/// assert!(report.to_string().starts_with("1 order, 1 person, 0 rows refused"));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// The outcome of every row. A row of an order counts as its order does.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// Rows read.
    pub rows: u64,
    /// Orders that are in the store now and were not before.
    pub orders: u64,
    /// Refunds that are in the store now and were not before.
    pub refunds: u64,
    /// Known people in the store after the import.
    pub people: u64,
    /// How the file is written and which column is what.
    pub detected: Detected,
}

impl Store {
    /// Takes in a file of orders or customers: a stream, in commits of 10,000 messages.
    ///
    /// A bad row is refused alone and named by its line in the report. A file that cannot be read at all is an error,
    /// and nothing of it is stored.
    ///
    /// **Cost**: the orders of a file are held in memory until its end, since their rows may stand anywhere; customers
    /// stream.
    ///
    /// # Errors
    /// `Invalid` for a file that is empty, compressed, UTF-16 or without a usable header, and for a mapping that does not
    /// fit it; `Io`; as [`Store::ingest`].
    ///
    /// ```
    /// use regulars::{Store, import::CustomersCsv};
    /// let store = Store::in_memory()?;
    /// let report = store.import(CustomersCsv::new(&b"email;city\nann@example.com;Aarhus\n"[..]))?;
    /// assert_eq!((report.receipt.accepted, report.detected.delimiter), (1, ';'));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn import(&self, file: CsvFile<'_>) -> Result<ImportReport> {
        let mut how = Ingest::new();
        if let Some(source) = &file.source {
            how = how.source(source.clone());
        }
        if let Some(trust) = file.trust {
            how = how.trust(trust);
        }
        if let Some(at) = file.received_at {
            how = how.received_at(at);
        }
        let batch_len = file.batch;
        let (mut started, mut progress) = file.start()?;
        let mut run = Run::new(self, how, batch_len)?;
        let begun = Instant::now();
        started.run(&mut |emit| match emit {
            Emit::Message { json, rows } => run.take(json, rows),
            Emit::Reject { line, reason } => {
                run.batch.receipt.reject(line, None, reason);
                Ok(())
            }
            Emit::Read { rows, bytes } => {
                run.rows = rows;
                let seconds = begun.elapsed().as_secs_f64().max(1e-9);
                progress(Progress { rows, bytes, rows_per_second: rows as f64 / seconds });
                Ok(())
            }
        })?;
        run.finish(started.detected())
    }
}

/// An import under way.
struct Run<'s> {
    store: &'s Store,
    how: Ingest,
    batch_len: usize,
    batch: Batch,
    scratch: Scratch,
    total: Receipt,
    rows: u64,
    orders: u64,
    refunds: u64,
}

impl<'s> Run<'s> {
    fn new(store: &'s Store, how: Ingest, batch_len: usize) -> Result<Self> {
        let (batch, scratch, total) = (Batch::default(), Scratch::default(), Receipt::default());
        Ok(Self { store, how, batch_len, batch, scratch, total, rows: 0, orders: 0, refunds: 0 })
    }

    fn take(&mut self, json: &str, rows: &[u64]) -> Result<()> {
        let inner = &self.store.inner;
        let (received_at, _) = inner.moment(&self.how);
        let intake = Intake { rows: true, ..inner.intake(&self.how, received_at)? };
        let batch = &mut self.batch;
        let first = rows.first().copied().unwrap_or(0);
        read_line(json.as_bytes(), first, &intake, &mut self.scratch, &mut |outcome| match outcome {
            Outcome::Fact { fact, flags, .. } => batch.push_rows(rows, fact, flags),
            Outcome::Reject { reason, .. } => rows.iter().for_each(|row| batch.receipt.reject(*row, None, reason)),
        });
        if self.batch.len() >= self.batch_len { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        let (_, advance) = self.store.inner.moment(&self.how);
        let receipt = self.store.commit(batch, advance)?;
        self.orders += receipt.orders;
        self.refunds += receipt.refunds;
        self.total.absorb(receipt);
        Ok(())
    }

    fn finish(mut self, detected: Detected) -> Result<ImportReport> {
        self.commit()?;
        self.total.rejects.sort_by_key(|reject| reject.line);
        let people = self.store.snapshot().people();
        let Self { total: receipt, rows, orders, refunds, .. } = self;
        Ok(ImportReport { receipt, rows, orders, refunds, people, detected })
    }
}

/// `1 order`, `2 orders`
fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { several })
}

/// `48,210`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detected.kind {
            Kind::Orders => write!(f, "{}, ", counted(self.orders, "order", "orders"))?,
            Kind::Customers => write!(f, "{}, ", counted(self.receipt.accepted, "customer row", "customer rows"))?,
        }
        if self.refunds > 0 {
            write!(f, "{}, ", counted(self.refunds, "refund", "refunds"))?;
        }
        write!(f, "{}, ", counted(self.people, "person", "people"))?;
        writeln!(f, "{} refused", counted(self.receipt.rejected, "row", "rows"))?;
        if self.receipt.duplicates > 0 {
            writeln!(f, "  {} known already", counted(self.receipt.duplicates, "row was", "rows were"))?;
        }
        for (reason, count) in &self.receipt.reasons {
            let lines = self.receipt.rejects.iter().filter(|reject| reject.reason == *reason);
            let lines: Vec<String> = lines.take(5).map(|reject| reject.line.to_string()).collect();
            let more = if *count > 5 { ", ..." } else { "" };
            let word = if *count == 1 { "line" } else { "lines" };
            writeln!(f, "  {reason}: {}, {word} {}{more}", counted(*count, "row", "rows"), lines.join(", "))?;
        }
        let Detected { delimiter, decimal_comma, date_order, time_zone, mapping, unmapped, .. } = &self.detected;
        let mark = if *decimal_comma { "comma" } else { "point" };
        write!(f, "  read with delimiter {delimiter:?}, decimal {mark}, times in {time_zone}")?;
        writeln!(f, "{}", date_order.map_or(String::new(), |order| format!(", dates {order:?}")))?;
        let columns: Vec<String> = mapping.iter().map(|(key, from)| format!("{key} from {from}")).collect();
        writeln!(f, "  {}", columns.join(", "))?;
        if !unmapped.is_empty() {
            writeln!(f, "  not read: {}", unmapped.join(", "))?;
        }
        Ok(())
    }
}
