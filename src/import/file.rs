//! A file to import, and what is declared about it.

use super::dates::DateOrder;
use super::input::Origin;
use super::mapping::From;
use super::options::{Home, Kind, Options};
use super::progress::{OnProgress, Progress};
use super::rows::{Detected, Rows};
use super::started::Started;
use crate::Result;
use crate::base::{Timestamp, Trust};
use crate::error::Error;
use std::io::Read;
use std::path::Path;

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
