//! Files of other systems in: their rows go the way of every other message.

use super::batch::{Batch, Rows};
use super::brought::Brought;
use super::handle::Store;
use super::ingest::TakeBatch;
use super::ingest::{BATCH_BYTES_MAX, Ingest};
use super::receipt::Receipt;
use crate::Result;
use crate::base::ident::uuid_text;
use crate::base::{Currency, Decimal, MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::error::Error;
use crate::event::keys::named_order_key;
use crate::fact::kind::Kind as FactKind;
use crate::fact::order::{Amount, OrderAction};
use crate::import::{
    CsvFile, Customer, Detected, Home, Kind, OnProgress, Progress, Said, Sink, Told, hash_of, is_utf16, read_error,
    refuse_other_formats,
};
use crate::message::Flag;
use crate::message::reason::{Flags, Refusal};
use crate::normalize::intake::{Outcome, Scratch, read_line};
use crate::normalize::normalizer::{Intake, ReceivedAt};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::io::{Cursor, Read};
use std::time::Instant;

/// How much of a file of messages is looked at to find out whether it is one.
const HEAD_BYTES: u64 = 64 << 10;
/// A JSON value over several lines is held whole; a larger file has a message a line.
const VALUE_BYTES_MAX: u64 = 256 << 20;

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
    /// `Invalid` for a file that is empty, compressed, of another encoding or without a usable header, that fits no kind of
    /// file, and for a mapping that does not fit it; `Io`; as [`Store::ingest`].
    ///
    /// ```
    /// use regulars::{Store, import::CustomersCsv};
    /// let store = Store::in_memory()?;
    /// let report = store.import(CustomersCsv::new(&b"email;city\nann@example.com;Aarhus\n"[..]))?;
    /// assert_eq!((report.receipt.accepted, report.detected.delimiter), (1, ';'));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn import(&self, file: CsvFile<'_>) -> Result<ImportReport> {
        let how = how_of(&file);
        let batch_len = file.batch;
        let home = self.home(&how)?;
        let (started, progress) = file.start(&home)?;
        let mut run = Run::new(self, &how, batch_len, progress)?;
        started.run(&mut run)?;
        run.finish(started.detected())
    }

    /// What the store says about files that do not say it themselves.
    pub(super) fn home(&self, how: &Ingest) -> Result<Home> {
        let (received_at, _) = self.inner.moment(how);
        let intake = self.inner.intake(how, received_at)?;
        let config = &self.inner.charter.config;
        let shop = config.shops.get(intake.shop).and_then(|shop| shop.time_zone.clone()).map(|zone| (zone, "shop"));
        let store = || config.time_zone.clone().map(|zone| (zone, "store"));
        Ok(Home {
            time_zone: shop.or_else(store),
            currency: intake.currency,
            trait_kinds: self.inner.normalizer.trait_kinds.clone(),
        })
    }

    /// Takes in a file of Segment messages, one a line, as [`Store::ingest_reader`] does; a file that is something else is
    /// refused as a whole.
    ///
    /// One JSON value over several lines is read as well: an array of messages, or one message that somebody wrote out. It
    /// has at most 256 MiB, and is one commit.
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
        stream: impl Read,
        how: &Ingest,
        progress: impl FnMut(super::ingest::Progress),
    ) -> Result<Receipt> {
        self.commit_each(progress, |take| self.read_file(stream, how, take))
    }

    /// Hands out the messages of a file, batch by batch.
    pub(super) fn read_file(&self, mut stream: impl Read, how: &Ingest, take: &mut TakeBatch<'_>) -> Result<()> {
        let mut head = Vec::new();
        (&mut stream).take(HEAD_BYTES).read_to_end(&mut head).map_err(read_error)?;
        refuse_other_formats(&head)?;
        if is_utf16(&head) {
            return Err(Error::invalid("the file is no UTF-8 text but UTF-16; save it as UTF-8"));
        }
        if begins_a_value_of_lines(&head) {
            (&mut stream).take(VALUE_BYTES_MAX).read_to_end(&mut head).map_err(read_error)?;
            let whole = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
            if serde_json::from_slice::<serde::de::IgnoredAny>(whole).is_ok() {
                let (batch, advance) = self.inner.read(&head, how)?;
                let lines = head.split(|byte| *byte == b'\n').count() as u64;
                return take(batch, advance, super::ingest::Progress { lines, bytes: head.len() as u64, accepted: 0 });
            }
        }
        self.inner.read_lines(Cursor::new(head).chain(stream), how, take)
    }
}

/// Whether the first line opens an array or an object and does not close it.
fn begins_a_value_of_lines(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let opens = matches!(line.first(), Some(b'[' | b'{'));
    opens && line.len() < text.len() && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err()
}

/// An import under way, or one that is being taken back.
pub(super) struct Run<'s, 'r> {
    store: &'s Store,
    how: &'s Ingest,
    /// What the messages of the commit under way share, and the instant that it moves the store to.
    intake: Intake<'s>,
    advance: Option<Timestamp>,
    batch: Batch,
    batch_len: usize,
    /// What it brought, where it is to be taken back: nothing is committed then.
    undo: Option<Brought>,
    /// Counts the orders or customers that messages are about.
    subject: u64,
    scratch: Scratch,
    total: Receipt,
    rows: u64,
    /// When all of the import was received, though the clock goes on between its commits.
    received_at: Timestamp,
    begun: Instant,
    progress: OnProgress<'r>,
}

impl<'s, 'r> Run<'s, 'r> {
    fn new(store: &'s Store, how: &'s Ingest, batch_len: usize, progress: OnProgress<'r>) -> Result<Self> {
        let (intake, advance) = moment(store, how, None)?;
        let ReceivedAt::At(received_at) = intake.received_at else {
            return Err(Error::invalid("rows of a file have no receivedAt of their own"));
        };
        Ok(Self {
            received_at,
            store,
            how,
            intake,
            advance,
            batch: Batch::default(),
            batch_len,
            undo: None,
            subject: 0,
            scratch: Scratch::default(),
            total: Receipt::default(),
            rows: 0,
            begun: Instant::now(),
            progress,
        })
    }

    /// The same, to find out what it brought.
    pub(super) fn undoing(
        store: &'s Store,
        how: &'s Ingest,
        batch_len: usize,
        progress: OnProgress<'r>,
    ) -> Result<Self> {
        Ok(Self { undo: Some(Brought::default()), ..Self::new(store, how, batch_len, progress)? })
    }

    fn commit(&mut self) -> Result<()> {
        let mut batch = std::mem::take(&mut self.batch);
        if let Some(brought) = &mut self.undo {
            self.total.absorb(std::mem::take(&mut batch.receipt));
            return brought.look_up(&batch, &self.store.inner.writer.lock());
        }
        self.total.absorb(self.store.commit(batch, self.advance)?);
        (self.intake, self.advance) = moment(self.store, self.how, Some(self.received_at))?;
        Ok(())
    }

    /// What the import brought, and which rows of it nothing could be read from.
    pub(super) fn found(mut self) -> Result<(Brought, Receipt)> {
        self.commit()?;
        Ok((self.undo.unwrap_or_default(), in_order(self.total)))
    }

    fn finish(mut self, detected: Detected) -> Result<ImportReport> {
        self.commit()?;
        let Self { store, total, rows, .. } = self;
        let receipt = in_order(total);
        let (orders, refunds, people) = (receipt.orders, receipt.refunds, store.snapshot().people());
        Ok(ImportReport { receipt, rows, orders, refunds, people, detected })
    }
}

/// What the host says about a file's rows as messages.
pub(super) fn how_of(file: &CsvFile<'_>) -> Ingest {
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
    how
}

/// Rows of one order are refused together, wherever they stand.
fn in_order(mut receipt: Receipt) -> Receipt {
    receipt.rejects.sort_by_key(|reject| reject.line);
    receipt
}

/// What the messages of one commit share, and the instant that it moves the store to; `received_at` is that of the call.
pub(super) fn moment<'s>(
    store: &'s Store,
    how: &'s Ingest,
    received_at: Option<Timestamp>,
) -> Result<(Intake<'s>, Option<Timestamp>)> {
    let (now, advance) = store.inner.moment(how);
    let intake = store.inner.intake(how, received_at.unwrap_or(now))?;
    Ok((Intake { rows: true, ..intake }, advance))
}

impl Sink for Run<'_, '_> {
    fn begin(&mut self) -> Result<()> {
        self.subject += 1;
        let full = self.batch.len() >= self.batch_len || self.batch.size_bytes() >= BATCH_BYTES_MAX;
        if full { self.commit() } else { Ok(()) }
    }

    fn message(&mut self, json: &str, rows: &[u64], line: u64) {
        let (batch, subject) = (&mut self.batch, self.subject);
        read_line(json.as_bytes(), line, &self.intake, &mut self.scratch, &mut |outcome| match outcome {
            Outcome::Fact { fact, flags, .. } => {
                batch.push_rows(Rows { lines: rows.into(), subject }, line, fact, flags);
            }
            Outcome::Reject { reason, field, .. } => {
                rows.iter().for_each(|row| batch.receipt.reject(*row, None, Refusal { reason, field }));
            }
        });
    }

    fn reject(&mut self, line: u64, refusal: Refusal) {
        self.batch.receipt.reject(line, None, refusal);
    }

    fn note(&mut self, line: u64, flag: Flag) {
        let mut flags = Flags::default();
        flags.set(flag);
        self.batch.receipt.accept(0, flags);
        self.batch.receipt.note_flags(line, flags);
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

    fn recall(&self, message_id: &str) -> Result<Option<Decimal>> {
        if self.undo.is_none() {
            return Ok(None);
        }
        let writer = self.store.inner.writer.lock();
        let Some(at) = writer.book.find_message((&MessageId::new(message_id)).into())? else { return Ok(None) };
        let mut cache = BlockCache::default();
        let fact = writer.book.events.fact(at, &mut cache)?;
        let total = fact.doc.get("properties").and_then(|properties| properties.get("total"));
        Ok(total.and_then(|total| total.as_decimal()))
    }

    fn told(&self, order_id: &str) -> Result<Vec<Told>> {
        let key = named_order_key(self.intake.shop, order_id);
        let state = self.store.inner.gate.published();
        let events = &state.records.events;
        let mut cache = BlockCache::default();
        let mut told = Vec::new();
        for (at, brief) in events.of_order(&key)? {
            if !matches!(brief.action, OrderAction::Completed | OrderAction::Updated) {
                continue;
            }
            let fact = events.fact(at, &mut cache)?;
            if fact.source == self.intake.source {
                told.push(Told {
                    message_id: fact.id().to_string(),
                    completed: brief.action == OrderAction::Completed,
                    time: fact.ts,
                    lines: brief.lines,
                });
            }
        }
        Ok(told)
    }

    fn customer(&self, people: [Option<&str>; 5]) -> Option<Customer> {
        // What a claimed source says of people is data: nobody is found by it again.
        if self.intake.claimed {
            return None;
        }
        let identifiers = &self.intake.normalizer.identifiers;
        let namespaces = ["user_id", "customer_id", "email", "phone", "loyalty_card"];
        namespaces.into_iter().zip(people).find_map(|(namespace, value)| {
            let code = self.intake.normalizer.namespaces().code(namespace)?;
            let value = identifiers.identifier(namespace, value?, self.intake.env).ok()?;
            let key = hash_of([self.intake.source, namespace, &value].into_iter().map(Cow::Borrowed));
            Some(Customer { namespace: code, value, key })
        })
    }

    /// Of the statements about one identifier the last that this source made about this customer, newest first: most
    /// look at one. Of an import that is taken back, the last that says this.
    fn last_said(&self, customer: &Customer, until: Timestamp, says: &str) -> Result<Option<Said>> {
        let state = self.store.inner.gate.published();
        let Some(node) = state.records.nodes.find(customer.namespace, &customer.value)? else { return Ok(None) };
        let events = &state.records.events;
        let mut stated = Vec::new();
        for at in events.of_node(node)? {
            let head = events.head(at)?;
            if head.kind == FactKind::Identify && head.ts <= until {
                stated.push((head.ts, at));
            }
        }
        stated.sort_unstable_by_key(|(ts, _)| std::cmp::Reverse(*ts));
        let whom = uuid_text(&customer.key);
        let mut cache = BlockCache::default();
        for (time, at) in stated {
            let fact = events.fact(at, &mut cache)?;
            let statement = fact.doc.get("context").and_then(|context| context.get("statement"));
            let text = |key: &str| statement.and_then(|statement| statement.get(key)).and_then(|value| value.as_str());
            let own = fact.source == self.intake.source && text("customer").is_some_and(|customer| *customer == whom);
            let Some(said) = text("says").filter(|_| own) else { continue };
            if self.undo.is_none() || *said == *says {
                return Ok(Some(Said { time, says: said.into_owned() }));
            }
        }
        Ok(None)
    }

    fn received_at(&self) -> Timestamp {
        self.received_at
    }
}

/// `1 order`, `2 orders`
fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { several })
}

/// How many lines a report names.
const LINES_SHOWN: usize = 5;

/// `lines 2, 5, ...`
fn lines(all: impl Iterator<Item = u64>, count: u64) -> String {
    let shown: Vec<String> = all.take(LINES_SHOWN).map(|line| line.to_string()).collect();
    let more = if count > LINES_SHOWN as u64 { ", ..." } else { "" };
    format!("{} {}{more}", if count == 1 { "line" } else { "lines" }, shown.join(", "))
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
            let refused = self.receipt.rejects.iter().filter(|reject| reject.reason == *reason);
            writeln!(
                f,
                "  {reason}: {}, {}",
                counted(*count, "row", "rows"),
                lines(refused.map(|reject| reject.line), *count)
            )?;
        }
        for flag in self.receipt.flags.keys() {
            let noticed = self.receipt.flagged.get(flag).map_or(&[][..], Vec::as_slice);
            writeln!(f, "  noticed {flag}: {}", lines(noticed.iter().copied(), noticed.len() as u64))?;
        }
        let Detected { delimiter, decimal_comma, date_order, dates_ambiguous, dates_serial, .. } = &self.detected;
        let Detected { encoding, time_zone, time_zone_from, mapping, unmapped, .. } = &self.detected;
        let mark = if *decimal_comma { "comma" } else { "point" };
        write!(f, "  read as {encoding} with delimiter {delimiter:?}, decimal {mark}, ")?;
        write!(f, "times in {time_zone} ({time_zone_from})")?;
        match date_order {
            Some(order) => writeln!(f, ", dates {order}")?,
            None if *dates_ambiguous => writeln!(f, ", dates such as 05/06/2025 refused: say what comes first")?,
            None => writeln!(f)?,
        }
        if *dates_serial {
            writeln!(
                f,
                "  numbers such as 46268 are how a spreadsheet keeps dates, and refused: format the column as a date \
                 (yyyy-mm-dd) and save the file again"
            )?;
        }
        let columns: Vec<String> = mapping.iter().map(|(key, from)| format!("{key} from {from}")).collect();
        writeln!(f, "  {}", columns.join(", "))?;
        if !unmapped.is_empty() {
            writeln!(f, "  not read: {}", unmapped.join(", "))?;
        }
        Ok(())
    }
}
