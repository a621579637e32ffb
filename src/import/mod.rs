//! Foreign files -> messages: the order and customer exports that a shop has.
//!
//! A CSV file is read as a stream; its delimiter, decimal mark, date order and columns are declared or found out, and
//! reported. Rows become messages of the Segment spec and go the way of every other message; their ids follow from
//! their content, so importing a file twice changes nothing, and next week's longer export adds only what is new.
//!
//! What is not said elsewhere:
//!
//! - **Guesses** go by headers and by cells: a `Customer` column is a customer_id only where every cell has a digit and
//!   no blank, for a name taken for an id would make one person of all who bear it; other names become a trait. What
//!   looks like the order's total but differs between rows of one order is the line's.
//! - **An order that grows** takes the place of the one before: its latest row is as late or later, and it has more
//!   lines. Of two exports that tell the same lines with different amounts, the message id decides.
//! - **A refund** (all quantities negative) is one of each row, so that new rows add to known ones; where the file has a
//!   column of totals, one of each total.
//! - **Status**: see what its words mean at [`CsvFile::map`]. Blank ones say nothing. Where rows of one order differ,
//!   what is cancelled or refunded is the line.
//! - **A quote that nothing closes** costs the row in which it stands; reading goes on behind that line.
//! - **A row's first failed check** names it: too_large, invalid_utf8, invalid_csv, wrong_type, missing_field,
//!   invalid_timestamp, number_out_of_range, and of customers no_identifier; then what the order as a whole fails.
//!
//! ```
//! use regulars::{Store, id, import::OrdersCsv};
//! let file = "Order ID,Date,Email,Product,Quantity,Unit price\n\
//!             1001,2025-11-03 10:12,ann@example.com,Kettle,1,24.90\n\
//!             1001,2025-11-03 10:12,ann@example.com,Tea,2,4.50\n\
//!             1002,2025-11-04,bob@example.com,Cup,1,cheap\n";
//! let store = Store::options().currency("EUR").in_memory()?;
//! let report = store.import(OrdersCsv::new(file.as_bytes()))?;
//! assert_eq!((report.orders, report.receipt.rejected, report.receipt.rejects[0].line), (1, 1, 4));
//! let ann = store.snapshot().profile(id::email("ann@example.com"))?.expect("known");
//! assert_eq!(ann.orders.net_minor, 3390);
//! # Ok::<(), regulars::Error>(())
//! ```

mod csv;
mod customers;
mod guess;
mod mapping;
mod message;
mod order;
mod orders;
mod rows;
mod status;
mod traits;
mod values;

pub use mapping::From;
pub use rows::Detected;
pub(crate) use rows::text_head;
pub use values::DateOrder;

use crate::Result;
use crate::base::{Decimal, Timestamp, TraitKind, Trust};
use crate::error::Error;
use crate::message::Reason;
use csv::Cells;
use customers::Customers;
use orders::Orders;
use rows::{Rows, read_error};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// How much memory the orders of one file may take, or what is remembered of its customers.
const MEMORY_BYTES: usize = 2 << 30;

/// What a file is about.
///
/// ```
/// assert_eq!(serde_json::to_string(&regulars::import::Kind::Orders)?, "\"orders\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A row an order, or a row a line of one.
    Orders,
    /// A row a customer.
    Customers,
}

/// A file of orders: a row an order, or a row a line. Give the result to [`Store::import`](crate::Store::import).
///
/// ```no_run
/// use regulars::{Store, import::OrdersCsv};
/// let store = Store::open("shop.regulars")?;
/// println!("{}", store.import(OrdersCsv::open("orders.csv")?)?);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Debug)]
pub struct OrdersCsv;

impl OrdersCsv {
    /// The file at a path.
    ///
    /// # Errors
    /// `Io` for a file that cannot be opened.
    ///
    /// ```
    /// assert!(regulars::import::OrdersCsv::open("no such file").is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<CsvFile<'static>> {
        CsvFile::open(path, Some(Kind::Orders))
    }

    /// A stream.
    ///
    /// ```
    /// let file = regulars::import::OrdersCsv::new(&b"order_id,date,total,email\n"[..]);
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "the name says what is read; what it is read with is one type")]
    pub fn new<'r>(stream: impl Read + 'r) -> CsvFile<'r> {
        CsvFile::new(stream, Some(Kind::Orders))
    }
}

/// A file of customers, a row each. Give the result to [`Store::import`](crate::Store::import).
///
/// ```
/// use regulars::{Store, id, import::CustomersCsv};
/// let file = "Customer ID,Email,First Name,Accepts Email Marketing\n7,ann@example.com,Ann,yes\n";
/// let store = Store::in_memory()?;
/// store.import(CustomersCsv::new(file.as_bytes()))?;
/// let ann = store.snapshot().profile(id::email("ann@example.com"))?.expect("known");
/// assert_eq!((ann.traits["firstName"].as_str(), ann.consent[0].status.name()), ("\"Ann\"", "granted"));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Debug)]
pub struct CustomersCsv;

impl CustomersCsv {
    /// The file at a path.
    ///
    /// # Errors
    /// `Io` for a file that cannot be opened.
    ///
    /// ```
    /// assert!(regulars::import::CustomersCsv::open("no such file").is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<CsvFile<'static>> {
        CsvFile::open(path, Some(Kind::Customers))
    }

    /// A stream.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]);
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "the name says what is read; what it is read with is one type")]
    pub fn new<'r>(stream: impl Read + 'r) -> CsvFile<'r> {
        CsvFile::new(stream, Some(Kind::Customers))
    }
}

/// How far an import has come.
///
/// ```
/// use regulars::{Store, import::CustomersCsv};
/// let mut rows = 0;
/// let file = CustomersCsv::new(&b"email\nann@example.com\n"[..]).on_progress(|progress| rows = progress.rows);
/// Store::in_memory()?.import(file)?;
/// assert_eq!(rows, 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Rows a second since the start.
    pub rows_per_second: f64,
}

/// Told how far an import has come.
pub(crate) type OnProgress<'r> = Box<dyn FnMut(Progress) + 'r>;

/// How a file is to be read; what is not said is found out.
#[derive(Clone, Debug, Default)]
struct Options {
    kind: Option<Kind>,
    mapping: BTreeMap<String, From>,
    delimiter: Option<char>,
    decimal_comma: Option<bool>,
    date_order: Option<DateOrder>,
    time_zone: Option<String>,
    memory_bytes: Option<usize>,
}

/// A CSV file to import, and what is declared about it.
///
/// ```
/// use regulars::import::{From, OrdersCsv};
/// let file = OrdersCsv::new(&b"bon;kunde;belob\n"[..])
///     .map("order_id", From::Column("bon".into()))
///     .map("loyalty_card", From::Column("kunde".into()))
///     .map("total", From::Column("belob".into()))
///     .map("time", From::Const("2025-12-31".into()))
///     .source("till")
///     .decimal_comma(true);
/// ```
#[must_use = "this says what to import; pass it to Store::import"]
pub struct CsvFile<'r> {
    stream: Box<dyn Read + 'r>,
    options: Options,
    pub(crate) source: Option<String>,
    pub(crate) trust: Option<Trust>,
    pub(crate) received_at: Option<Timestamp>,
    pub(crate) batch: usize,
    progress: OnProgress<'r>,
}

impl std::fmt::Debug for CsvFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvFile").field("kind", &self.options.kind).finish_non_exhaustive()
    }
}

impl<'r> CsvFile<'r> {
    /// A stream; orders or customers, as its header says if `kind` does not.
    ///
    /// ```
    /// let file = regulars::import::CsvFile::new(&b"email\n"[..], None);
    /// ```
    pub fn new(stream: impl Read + 'r, kind: Option<Kind>) -> Self {
        Self {
            stream: Box::new(stream),
            options: Options { kind, ..Options::default() },
            source: None,
            trust: None,
            received_at: None,
            batch: 10_000,
            progress: Box::new(|_| {}),
        }
    }

    /// The file at a path.
    ///
    /// # Errors
    /// `Io` for a file that cannot be opened.
    ///
    /// ```
    /// assert!(regulars::import::CsvFile::open("no such file", None).is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>, kind: Option<Kind>) -> Result<CsvFile<'static>> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|error| Error::io("open", path, error))?;
        Ok(CsvFile::new(file, kind))
    }

    /// Reads a value from a column, or takes a constant for it.
    ///
    /// Keys are order_id, time, user_id, customer_id, email, phone, loyalty_card, product_id, name, brand, category,
    /// price, quantity, line_total, total, discount, refunded, currency, country, status, trait.NAME,
    /// consent.CHANNEL.PURPOSE. Where order_id and time (of customers an identifier) are mapped, nothing else is guessed.
    ///
    /// `status` may be a word of Shopify or WooCommerce. `pending` is an order that awaits its payment, and counts; drafts,
    /// failed payments, `wc-pending` and `Pending payment` are checkouts that were never finished: not_an_order. `voided`
    /// and `cancelled` are an order and its cancellation, `refunded` an order and its refund, at the order's time.
    ///
    /// `refunded` is what came back of an order so far, all in all (Shopify's `Refunded Amount`): a refund at the order's
    /// time, of what the store does not know yet. A trait whose type the store declares is read as that type; a cell that
    /// cannot be is kept as text, and flagged.
    ///
    /// ```
    /// use regulars::import::{From, OrdersCsv};
    /// let file = OrdersCsv::new(&b"order_id,date,total,email\n"[..]).map("currency", From::Const("GBP".into()));
    /// ```
    pub fn map(mut self, key: impl Into<String>, from: From) -> Self {
        self.options.mapping.insert(key.into(), from);
        self
    }

    /// What stands between cells: one ASCII character that is no letter, digit, quote or line end.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).delimiter(';');
    /// ```
    pub fn delimiter(mut self, delimiter: char) -> Self {
        self.options.delimiter = Some(delimiter);
        self
    }

    /// Whether amounts are written `19,90`.
    ///
    /// ```
    /// let file = regulars::import::OrdersCsv::new(&b"order_id,date,total,email\n"[..]).decimal_comma(true);
    /// ```
    pub fn decimal_comma(mut self, comma: bool) -> Self {
        self.options.decimal_comma = Some(comma);
        self
    }

    /// Whether the day or the month comes first in dates such as 05/06/2025.
    ///
    /// ```
    /// use regulars::import::{DateOrder, OrdersCsv};
    /// let file = OrdersCsv::new(&b"order_id,date,total,email\n"[..]).date_order(DateOrder::DayFirst);
    /// ```
    pub fn date_order(mut self, order: DateOrder) -> Self {
        self.options.date_order = Some(order);
        self
    }

    /// The IANA zone of times that name none; UTC if this does not say so.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).time_zone("Europe/Copenhagen");
    /// ```
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        self.options.time_zone = Some(zone.into());
        self
    }

    /// How much memory the orders of the file may take while they are put together; 2 GiB.
    ///
    /// ```
    /// let file = regulars::import::OrdersCsv::new(&b"order_id,date,total,email\n"[..]).memory_bytes(64 << 20);
    /// ```
    pub fn memory_bytes(mut self, bytes: usize) -> Self {
        self.options.memory_bytes = Some(bytes);
        self
    }

    /// The source that the rows come from; part of their message ids.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).source("erp");
    /// ```
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How far the rows are believed, instead of what the source declares.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).trust(regulars::Trust::Claimed);
    /// ```
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// When the rows were received, instead of now: the time of customers whose rows tell none.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).received_at("2026-01-31".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn received_at(mut self, at: Timestamp) -> Self {
        self.received_at = Some(at);
        self
    }

    /// How many messages are committed together; 10,000.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).batch(1000);
    /// ```
    pub fn batch(mut self, messages: usize) -> Self {
        self.batch = messages.max(1);
        self
    }

    /// Calls `progress` every few thousand rows, and at the end.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).on_progress(|progress| eprint!("\r{}", progress.rows));
    /// ```
    pub fn on_progress(mut self, progress: impl FnMut(Progress) + 'r) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Reads the head of the file.
    pub(crate) fn start(self, trait_kinds: &BTreeMap<String, TraitKind>) -> Result<(Started<'r>, OnProgress<'r>)> {
        let source = self.source.clone().unwrap_or_default();
        let memory = self.options.memory_bytes.unwrap_or(MEMORY_BYTES);
        let rows = Rows::open(self.stream, &self.options, trait_kinds)?;
        Ok((Started { rows, source, memory }, self.progress))
    }
}

/// Who takes what a file turns out to hold, piece by piece.
pub(crate) trait Sink {
    /// What follows is said about another order or customer: its messages are committed together.
    fn begin(&mut self) -> Result<()>;
    /// A message that stands for these rows, by their lines; none for what is said beside them.
    fn message(&mut self, json: &str, rows: &[u64]);
    /// A row that was refused.
    fn reject(&mut self, line: u64, reason: Reason);
    /// So many rows and bytes were read.
    fn read(&mut self, rows: u64, bytes: u64);
    /// Whether a message with that id is in the store.
    fn holds(&self, message_id: &str) -> Result<bool>;
    /// Whether an order may have that id; one that may not is known to the store by its message only.
    fn names_order(&self, order_id: &str) -> bool;
    /// How much is known to have come back of an order, in the currency that the file says.
    fn refunded(&self, order_id: &str, currency: Option<&str>) -> Result<Decimal>;
}

/// A file whose head was read.
pub(crate) struct Started<'r> {
    rows: Rows<'r>,
    source: String,
    memory: usize,
}

/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

impl Started<'_> {
    pub(crate) fn detected(&self) -> Detected {
        self.rows.detected.clone()
    }

    /// Hands out everything in the file.
    pub(crate) fn run(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let Rows { reader, dialect, detected } = &mut self.rows;
        let mut orders = (detected.kind == Kind::Orders).then(|| Orders::new(&self.source, self.memory));
        let mut customers = Customers::new(&self.source, self.memory);
        let mut rows = 0;
        loop {
            if rows % PROGRESS_ROWS == 0 {
                sink.read(rows, reader.read_bytes());
            }
            let Some(row) = reader.next_row().map_err(read_error)? else { break };
            rows += 1;
            let line = row.line;
            let fits = |cells: &Cells<'_>| cells.len() == dialect.columns;
            let whole = row.cells.and_then(|cells| Some(cells).filter(fits).ok_or(Reason::InvalidCsv));
            match (whole, &mut orders) {
                (Err(reason), _) => sink.reject(line, reason),
                (Ok(cells), Some(orders)) => {
                    if let Err(reason) = orders.take(line, cells, dialect, sink)? {
                        sink.reject(line, reason);
                    }
                }
                (Ok(cells), None) => customers.take(line, cells, dialect, sink)?,
            }
        }
        if let Some(orders) = orders {
            orders.emit(sink)?;
        }
        sink.read(rows, reader.read_bytes());
        Ok(())
    }
}
