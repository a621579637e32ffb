//! Files of other systems in: their rows go the way of every other message.

use super::commit::{Batch, Rows};
use super::handle::Store;
use super::ingest::{BATCH_BYTES_MAX, Ingest};
use super::receipt::Receipt;
use crate::Result;
use crate::base::{Currency, Decimal, MessageId, Timestamp};
use crate::error::Error;
use crate::event::named_order_key;
use crate::import::{CsvFile, Detected, Kind, OnProgress, Progress, Sink, text_head};
use crate::message::Reason;
use crate::message::reason::Refusal;
use crate::normalize::fact::{Amount, OrderAction};
use crate::normalize::intake::{Outcome, Scratch, read_line};
use crate::normalize::normalizer::Intake;
use serde::Serialize;
use std::fmt;
use std::io::{Cursor, Read};
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
    /// Orders of the file that brought something new: that were not in the store, or had grown or changed.
    pub orders: u64,
    /// Orders of the file of which something came back that the store did not know yet.
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
        let (mut started, progress) = file.start(&self.inner.normalizer.trait_kinds)?;
        let mut run = Run::new(self, &how, batch_len, progress)?;
        started.run(&mut run)?;
        run.finish(started.detected())
    }

    /// Takes in a file of Segment messages, one a line, as [`Store::ingest_reader`] does; a file that is something else is
    /// refused as a whole.
    ///
    /// # Errors
    /// `Invalid` for a file that is empty, compressed or UTF-16: nothing of it is stored. Else as [`Store::ingest_reader`].
    ///
    /// ```
    /// use regulars::{Ingest, Store};
    /// let store = Store::in_memory()?;
    /// let lines = b"{\"type\":\"page\",\"userId\":\"1\"}\n";
    /// assert_eq!(store.import_ndjson(&lines[..], &Ingest::new(), |_| {})?.accepted, 1);
    /// assert!(store.import_ndjson(&b"\x1f\x8b\x08"[..], &Ingest::new(), |_| {}).is_err());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn import_ndjson(
        &self,
        mut stream: impl Read,
        how: &Ingest,
        progress: impl FnMut(super::ingest::Progress),
    ) -> Result<Receipt> {
        let head = text_head(&mut stream)?;
        if head.is_empty() {
            return Err(Error::invalid("the file is empty"));
        }
        self.ingest_reader(Cursor::new(head).chain(stream), how, progress)
    }
}

/// An import under way.
struct Run<'s, 'r> {
    store: &'s Store,
    how: &'s Ingest,
    /// What the messages of the commit under way share, and the instant that it moves the store to.
    intake: Intake<'s>,
    advance: Option<Timestamp>,
    batch: Batch,
    batch_len: usize,
    /// Counts the orders or customers that messages are about.
    subject: u64,
    scratch: Scratch,
    total: Receipt,
    rows: u64,
    begun: Instant,
    progress: OnProgress<'r>,
}

impl<'s, 'r> Run<'s, 'r> {
    fn new(store: &'s Store, how: &'s Ingest, batch_len: usize, progress: OnProgress<'r>) -> Result<Self> {
        let (intake, advance) = moment(store, how)?;
        Ok(Self {
            store,
            how,
            intake,
            advance,
            batch: Batch::default(),
            batch_len,
            subject: 0,
            scratch: Scratch::default(),
            total: Receipt::default(),
            rows: 0,
            begun: Instant::now(),
            progress,
        })
    }

    fn commit(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.total.absorb(self.store.commit(batch, self.advance)?);
        (self.intake, self.advance) = moment(self.store, self.how)?;
        Ok(())
    }

    fn finish(mut self, detected: Detected) -> Result<ImportReport> {
        self.commit()?;
        let Self { store, total: mut receipt, rows, .. } = self;
        receipt.rejects.sort_by_key(|reject| reject.line);
        let (orders, refunds, people) = (receipt.orders, receipt.refunds, store.snapshot().people());
        Ok(ImportReport { receipt, rows, orders, refunds, people, detected })
    }
}

/// What the messages of one commit share, and the instant that it moves the store to.
fn moment<'s>(store: &'s Store, how: &'s Ingest) -> Result<(Intake<'s>, Option<Timestamp>)> {
    let (received_at, advance) = store.inner.moment(how);
    let intake = store.inner.intake(how, received_at)?;
    Ok((Intake { rows: true, ..intake }, advance))
}

impl Sink for Run<'_, '_> {
    fn begin(&mut self) -> Result<()> {
        self.subject += 1;
        let full = self.batch.len() >= self.batch_len || self.batch.size_bytes() >= BATCH_BYTES_MAX;
        if full { self.commit() } else { Ok(()) }
    }

    fn message(&mut self, json: &str, rows: &[u64]) {
        let (batch, subject) = (&mut self.batch, self.subject);
        let first = rows.first().copied().unwrap_or(0);
        read_line(json.as_bytes(), first, &self.intake, &mut self.scratch, &mut |outcome| match outcome {
            Outcome::Fact { fact, flags, .. } => batch.push_rows(Rows { lines: rows.into(), subject }, fact, flags),
            Outcome::Reject { reason, field, .. } => {
                rows.iter().for_each(|row| batch.receipt.reject(*row, None, Refusal { reason, field }));
            }
        });
    }

    fn reject(&mut self, line: u64, reason: Reason) {
        self.batch.receipt.reject(line, None, reason);
    }

    fn read(&mut self, rows: u64, bytes: u64) {
        self.rows = rows;
        let seconds = self.begun.elapsed().as_secs_f64().max(1e-9);
        (self.progress)(Progress { rows, bytes, rows_per_second: rows as f64 / seconds });
    }

    fn holds(&self, message_id: &str) -> Result<bool> {
        let writer = self.store.inner.writer.lock();
        Ok(writer.book.find_message((&MessageId::new(message_id)).into())?.is_some())
    }

    fn names_order(&self, order_id: &str) -> bool {
        self.intake.normalizer.identifiers.names_order(order_id)
    }

    fn refunded(&self, order_id: &str, currency: Option<&str>) -> Result<Decimal> {
        let said = currency.map_or(self.intake.currency, Currency::from_code);
        let key = named_order_key(self.intake.shop, order_id);
        let facts = self.store.inner.gate.published().records.events.of_order(&key)?;
        let refunds = facts.iter().filter(|(_, brief)| brief.action == OrderAction::Refunded);
        let known = refunds.filter_map(|(_, brief)| match brief.amount {
            Amount::Known(money) | Amount::Assumed(money) if Some(money.currency) == said => {
                Some(i128::from(money.minor))
            }
            _ => None,
        });
        Ok(Decimal::new(known.sum(), said.map_or(0, |currency| currency.decimals())))
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
        let Detected { delimiter, decimal_comma, date_order, dates_ambiguous, time_zone, mapping, unmapped, .. } =
            &self.detected;
        let mark = if *decimal_comma { "comma" } else { "point" };
        write!(f, "  read with delimiter {delimiter:?}, decimal {mark}, times in {time_zone}")?;
        match date_order {
            Some(order) => writeln!(f, ", dates {order}")?,
            None if *dates_ambiguous => writeln!(f, ", dates such as 05/06/2025 refused: say what comes first")?,
            None => writeln!(f)?,
        }
        let columns: Vec<String> = mapping.iter().map(|(key, from)| format!("{key} from {from}")).collect();
        writeln!(f, "  {}", columns.join(", "))?;
        if !unmapped.is_empty() {
            writeln!(f, "  not read: {}", unmapped.join(", "))?;
        }
        Ok(())
    }
}
