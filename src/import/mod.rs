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
//! - **An order that is told anew**, with other rows or amounts, is an `Order Updated`, for it was placed once; unless a
//!   row turns up that is earlier than all before, which says that it was placed earlier.
//! - **A row of customers** is a statement of its time: equal to what its source said of them last, it is known already.
//! - **Consent**: an orders file only grants; what a file of customers says is a state, and its no denies.
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
mod dates;
mod encoding;
mod guess;
mod header;
mod input;
mod kind;
mod looks;
mod mapping;
mod message;
mod money;
mod names;
mod order;
mod orders;
mod permission;
mod rows;
mod status;
mod traits;
mod values;
mod zones;

pub use dates::DateOrder;
pub(crate) use input::{is_utf16, refuse_other_formats};
pub use mapping::From;
pub use rows::Detected;

use crate::Result;
use crate::base::{Currency, Decimal, Timestamp, TraitKind, Trust};
use crate::error::Error;
use crate::message::reason::Refusal;
use crate::message::{Flag, Reason};
use csv::Cells;
use customers::{Customers, Groups};
use input::Origin;
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

/// What the store says about files that do not say it themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home {
    /// The zone of the source's shop, or of the store, and which of the two.
    pub(crate) time_zone: Option<(String, &'static str)>,
    pub(crate) currency: Option<Currency>,
    /// The traits whose type is declared.
    pub(crate) trait_kinds: BTreeMap<String, TraitKind>,
}

/// How a file is to be read; what is not said is found out.
#[derive(Clone, Debug, Default)]
struct Options {
    kind: Option<Kind>,
    mapping: BTreeMap<String, From>,
    delimiter: Option<char>,
    decimal_comma: Option<bool>,
    date_order: Option<DateOrder>,
    time_zone: Option<String>,
    encoding: Option<String>,
    skip: Option<u64>,
    as_of: Option<Timestamp>,
    memory_bytes: Option<usize>,
}

impl Options {
    fn memory_bytes(&self) -> usize {
        self.memory_bytes.unwrap_or(MEMORY_BYTES)
    }

    /// A digest of all that decides what cells mean; none where all of it is found out.
    fn declared(&self) -> Option<String> {
        let mut said: Vec<String> = self.mapping.iter().map(|(key, from)| format!("{key} from {from}")).collect();
        said.extend(self.delimiter.map(|delimiter| format!("delimiter {delimiter}")));
        said.extend(self.decimal_comma.map(|comma| format!("decimal_comma {comma}")));
        said.extend(self.date_order.map(|order| order.to_string()));
        said.extend(self.time_zone.as_ref().map(|zone| format!("time_zone {zone}")));
        said.extend(self.encoding.as_ref().map(|name| format!("encoding {name}")));
        let digest = || message::hex(message::hash_of(said.iter().map(|text| text.as_str().into())));
        Some(digest()).filter(|_| !said.is_empty())
    }
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
    origin: Origin<'r>,
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
    /// **Cost**: a file is read twice, for what its bytes, dates and amounts look like has to be known before anything is
    /// stored. A stream cannot be wound back and is held in memory meanwhile, packed to about a third; give a large file
    /// to [`CsvFile::open`].
    ///
    /// ```
    /// let file = regulars::import::CsvFile::new(&b"email\n"[..], None);
    /// ```
    pub fn new(stream: impl Read + 'r, kind: Option<Kind>) -> Self {
        Self::of(Origin::Stream(Box::new(stream)), kind)
    }

    fn of(origin: Origin<'r>, kind: Option<Kind>) -> Self {
        Self {
            origin,
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
        Ok(CsvFile::of(Origin::File(file), kind))
    }

    /// Reads a value from a column, or takes a constant for it.
    ///
    /// Keys are order_id, time, user_id, customer_id, email, phone, loyalty_card, product_id, name, brand, category,
    /// price, quantity, line_total, total, discount, refunded, currency, country, status, trait.NAME,
    /// consent.CHANNEL.PURPOSE. Where order_id and time (of customers an identifier) are mapped, nothing else is guessed.
    /// Headers compare without case, blanks and punctuation.
    ///
    /// Further keys are time_of_day and time_zone, where they stand beside the date; row_kind, whose words tell payments
    /// from refunds; refund_of, the order that a refund with a number of its own came back of; cancelled_at, when or that
    /// an order was cancelled. Files of customers have consent_time.CHANNEL (since when the consent holds),
    /// opted_in.CHANNEL (when they said yes to marketing), unsubscribed.CHANNEL (that, when or why they said no),
    /// bounced.CHANNEL, complained.CHANNEL, and contact_status.CHANNEL (a word such as `Unsubscribed`).
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

    /// The IANA zone of times that name none; else that of the source's shop, of the store, or UTC.
    ///
    /// A date without a time is midnight there. Where this does not say the zone, it is the first instant that has this
    /// date in UTC as well.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).time_zone("Europe/Copenhagen");
    /// ```
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        self.options.time_zone = Some(zone.into());
        self
    }

    /// How the file's bytes are characters: `windows-1252`, `iso-8859-1`, `utf-16le`, `macintosh` and so on. Else it is
    /// UTF-16 if it begins with a mark of that, or UTF-8; a file of other bytes fails as a whole.
    ///
    /// ```
    /// use regulars::{Store, id, import::CustomersCsv};
    /// let file = b"email,city\nann@example.com,K\xf8benhavn\n";
    /// let store = Store::in_memory()?;
    /// assert!(store.import(CustomersCsv::new(&file[..])).is_err());
    /// store.import(CustomersCsv::new(&file[..]).encoding("windows-1252"))?;
    /// let ann = store.snapshot().profile(id::email("ann@example.com"))?.expect("known");
    /// assert_eq!(ann.traits["city"].as_str(), "\"København\"");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn encoding(mut self, name: impl Into<String>) -> Self {
        self.options.encoding = Some(name.into());
        self
    }

    /// How many lines stand before the header and are left out.
    ///
    /// ```
    /// let file = regulars::import::OrdersCsv::new(&b"All amounts in USD\norder_id,date,total,email\n"[..]).skip(1);
    /// ```
    pub fn skip(mut self, lines: u64) -> Self {
        self.options.skip = Some(lines);
        self
    }

    /// When a file of customers says what it says, where its rows do not: instead of when it is received.
    ///
    /// ```
    /// let file = regulars::import::CustomersCsv::new(&b"email\n"[..]).as_of("2026-01-31".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn as_of(mut self, at: Timestamp) -> Self {
        self.options.as_of = Some(at);
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

    /// What the file is and how it is written: all that an import would find out before it stores anything.
    ///
    /// # Errors
    /// As those of [`Store::import`](crate::Store::import) that leave nothing stored.
    ///
    /// ```
    /// use regulars::import::CsvFile;
    /// let file = "Bestellnummer;Datum;E-Mail;Gesamtbetrag\n1;31.12.2025;ann@example.com;19,90 €\n";
    /// let found = CsvFile::new(file.as_bytes(), None).inspect()?;
    /// assert_eq!((found.currency.as_deref(), found.decimal_comma), (Some("EUR"), true));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn inspect(self) -> Result<Detected> {
        Ok(Rows::open(self.origin, &self.options, &Home::default())?.detected)
    }

    /// Reads the file for the first time.
    pub(crate) fn start(self, home: &Home) -> Result<(Started, OnProgress<'r>)> {
        let source = self.source.clone().unwrap_or_default();
        let (memory, as_of) = (self.options.memory_bytes(), self.options.as_of);
        let rows = Rows::open(self.origin, &self.options, home)?;
        Ok((Started { rows, source, memory, as_of }, self.progress))
    }
}

/// What was told of an order before, by the same source.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) message_id: String,
    /// As Completed; else as Updated.
    pub(crate) completed: bool,
    pub(crate) time: Timestamp,
    pub(crate) lines: u32,
}

/// What a source said of a customer last: when, and the digest of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) time: Timestamp,
    pub(crate) says: String,
}

/// A customer by their strongest usable identifier.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) namespace: u8,
    pub(crate) value: String,
    pub(crate) key: [u8; 16],
}

/// Who takes what a file turns out to hold, piece by piece.
pub(crate) trait Sink {
    /// What follows is said about another order or customer: its messages are committed together.
    fn begin(&mut self) -> Result<()>;
    /// A message that stands for these rows, by their lines; none for what is said beside the row of `line`.
    fn message(&mut self, json: &str, rows: &[u64], line: u64);
    /// A row that was refused.
    fn reject(&mut self, line: u64, refusal: Refusal);
    /// Something was noticed about a row beside what its messages show.
    fn note(&mut self, line: u64, flag: Flag);
    /// So many rows and bytes were read.
    fn read(&mut self, rows: u64, bytes: u64);
    /// Whether a message with that id is in the store.
    fn holds(&self, message_id: &str) -> Result<bool>;
    /// Whether an order may have that id; one that may not is known to the store by its message only.
    fn names_order(&self, order_id: &str) -> bool;
    /// How much is known to have come back of an order, in the currency that the file says.
    fn refunded(&self, order_id: &str, currency: Option<&str>) -> Result<Decimal>;
    /// What the file's source told of an order as Completed or Updated.
    fn told(&self, order_id: &str) -> Result<Vec<Told>>;
    /// Who is meant by these identifiers, in the order of the mapping's keys of people; nobody, where none is usable or
    /// the source is not believed about people.
    fn customer(&self, people: [Option<&str>; 5]) -> Option<Customer>;
    /// What the file's source said last of a customer, up to an instant; of an import that is taken back, the last that
    /// says the same as the file.
    fn last_said(&self, customer: &Customer, until: Timestamp, says: &str) -> Result<Option<Said>>;
    /// Of an import that is taken back: the amount that a message of it tells, where it depended on what was known then.
    fn recall(&self, message_id: &str) -> Result<Option<Decimal>>;
    /// When the import was received.
    fn received_at(&self) -> Timestamp;
}

/// A file that was read once.
pub(crate) struct Started {
    rows: Rows,
    source: String,
    memory: usize,
    as_of: Option<Timestamp>,
}

/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

impl Started {
    pub(crate) fn detected(&self) -> Detected {
        self.rows.detected.clone()
    }

    /// Hands out everything in the file.
    pub(crate) fn run(&self, sink: &mut dyn Sink) -> Result<()> {
        match self.rows.detected.kind {
            Kind::Orders => {
                let mut orders = Orders::new(&self.source, self.memory);
                self.each_row(sink, &mut |line, cells, sink| orders.take(line, cells, &self.rows.dialect, sink))?;
                orders.emit(sink)
            }
            Kind::Customers => {
                let mut groups = Groups::new(self.memory);
                self.each_row(&mut Unheard(sink), &mut |_, cells, sink| groups.add(cells, &self.rows.dialect, sink))?;
                let mut customers = Customers::new(&self.source, self.as_of, groups);
                self.each_row(sink, &mut |line, cells, sink| customers.take(line, cells, &self.rows.dialect, sink))
            }
        }
    }

    fn each_row(&self, sink: &mut dyn Sink, take: &mut TakeRow<'_>) -> Result<()> {
        let columns = self.rows.dialect.columns;
        let mut reader = self.rows.read()?;
        let mut rows = 0;
        loop {
            if rows % PROGRESS_ROWS == 0 {
                sink.read(rows, reader.read_bytes());
            }
            let Some(row) = reader.next_row().map_err(read_error)? else { break };
            rows += 1;
            let line = row.line;
            let fits = |cells: &Cells<'_>| cells.len() == columns;
            match row.cells.and_then(|cells| Some(cells).filter(fits).ok_or(Reason::InvalidCsv)) {
                Err(reason) => sink.reject(line, reason.into()),
                Ok(cells) => take(line, cells, sink)?,
            }
        }
        sink.read(rows, reader.read_bytes());
        Ok(())
    }
}

/// What to do with a row, by its line.
type TakeRow<'t> = dyn FnMut(u64, Cells<'_>, &mut dyn Sink) -> Result<()> + 't;

/// A sink that is asked and not told: of a file that is read to learn what it says of whom.
struct Unheard<'s>(&'s mut dyn Sink);

impl Sink for Unheard<'_> {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn message(&mut self, _: &str, _: &[u64], _: u64) {}

    fn reject(&mut self, _: u64, _: Refusal) {}

    fn note(&mut self, _: u64, _: Flag) {}

    fn read(&mut self, _: u64, _: u64) {}

    fn holds(&self, message_id: &str) -> Result<bool> {
        self.0.holds(message_id)
    }

    fn names_order(&self, order_id: &str) -> bool {
        self.0.names_order(order_id)
    }

    fn refunded(&self, order_id: &str, currency: Option<&str>) -> Result<Decimal> {
        self.0.refunded(order_id, currency)
    }

    fn told(&self, order_id: &str) -> Result<Vec<Told>> {
        self.0.told(order_id)
    }

    fn customer(&self, people: [Option<&str>; 5]) -> Option<Customer> {
        self.0.customer(people)
    }

    fn last_said(&self, customer: &Customer, until: Timestamp, says: &str) -> Result<Option<Said>> {
        self.0.last_said(customer, until, says)
    }

    fn recall(&self, message_id: &str) -> Result<Option<Decimal>> {
        self.0.recall(message_id)
    }

    fn received_at(&self) -> Timestamp {
        self.0.received_at()
    }
}
