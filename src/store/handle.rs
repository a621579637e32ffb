//! The handle of a store.

use super::batch::Batch;
use super::inner::Inner;
use super::measured::Desk;
use super::options::{Durability, Options};
use super::receipt::Receipt;
use super::recover::{Opened, open};
use super::snapshot::Snapshot;
use super::stats::Stats;
use super::sync::{Gate, LogFile};
use super::syncer::Syncer;
use super::verify::Verification;
use super::writer::Writer;
use crate::Result;
use crate::base::{Rate, Timestamp};
use crate::rule::node::Segment;
use crate::storage::disk::DiskVfs;
use crate::storage::memory::MemoryVfs;
use crate::storage::vfs::Vfs;
use std::path::Path;
use std::sync::Arc;

/// A customer store: one directory, one handle, any number of threads.
///
/// Clones are the same store. One commit at a time is applied; readers take a [`Snapshot`] and never wait. The store is
/// closed when the last clone is dropped; [`Store::close`] tells whether that went well.
///
/// ```
/// use regulars::{Store, id};
/// # let dir = std::env::temp_dir().join(format!("regulars-doc-store-{}", std::process::id()));
/// let store = Store::open(&dir)?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"email":"ann@example.com"}}"#)?;
/// let ann = store.snapshot().profile(id::email("Ann@Example.com"))?.expect("known");
/// assert_eq!(ann.identifiers.len(), 2);
/// store.close()?;
/// # std::fs::remove_dir_all(&dir).expect("made above");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

impl Store {
    /// Opens the store in the directory `path`, or creates it; the parent must exist. See [`Options::open`].
    ///
    /// # Errors
    /// As [`Options::open`].
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("regulars-doc-open-{}", std::process::id()));
    /// let store = regulars::Store::open(&dir)?;
    /// # store.close()?;
    /// # std::fs::remove_dir_all(&dir).expect("made above");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// A store that lives in memory only: for tests.
    ///
    /// # Errors
    /// None with the default options.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// assert_eq!(store.stats().events, 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn in_memory() -> Result<Self> {
        Self::options().in_memory()
    }

    /// Everything that can be set when a store is opened.
    ///
    /// ```
    /// let store = regulars::Store::options().currency("EUR").in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn options() -> Options {
        Options::default()
    }

    pub(super) fn open_with(options: Options, path: &Path) -> Result<Self> {
        Self::over(Arc::new(DiskVfs::open(path, true, options.no_mmap)?), options)
    }

    pub(super) fn in_memory_with(options: Options) -> Result<Self> {
        Self::over(Arc::new(MemoryVfs::default()), options)
    }

    pub(super) fn over(vfs: Arc<dyn Vfs>, options: Options) -> Result<Self> {
        let lock = vfs.lock()?;
        let Opened { mut writer, normalizer, charter, prover, durable, recovery } = open(vfs, &options)?;
        let state = Arc::new(writer.book.state(Arc::new(writer.book.records())));
        let log = writer.wal.as_ref().map(|wal| LogFile { file: wal.sync_handle(), number: writer.log_number });
        let gate = Arc::new(Gate::new(state, log, durable, prover));
        let catalog = Arc::clone(&writer.catalog);
        if writer.book.anew {
            // Or the next open would have to take in everything again, too.
            writer.keep_house(&gate)?;
        }
        gate.prove(catalog.vfs.as_ref(), catalog.generation());
        if let Some(listener) = options.on_recovery.as_ref().filter(|_| recovery.is_notable()) {
            (listener.0)(&recovery);
        }
        let syncer = match options.durability {
            Durability::Interval(period) => Some(Syncer::start(&gate, &catalog, period)?),
            Durability::Sync | Durability::OnFlush => None,
        };
        let inner = Arc::new(Inner {
            writer: Desk::new(writer),
            gate,
            catalog,
            normalizer,
            charter,
            durability: options.durability,
            clock: options.clock,
            recovery,
            syncer,
            _lock: lock,
        });
        Ok(Self { inner })
    }

    /// The newest state, frozen: readers keep it as long as they like and nothing moves under them.
    ///
    /// **Cost**: two reference counts, whatever the store's size.
    ///
    /// ```
    /// let snapshot = regulars::Store::in_memory()?.snapshot();
    /// assert_eq!(snapshot.people(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.inner.gate.published(), Arc::clone(&self.inner.normalizer))
    }

    /// Defines a segment: live from here on, replacing the one of that name. The receipt tells who entered and left.
    ///
    /// **Cost**: one look at everybody; afterwards each commit looks only at whom it touched.
    ///
    /// # Errors
    /// `Invalid` for a rule that refers to itself, `NotFound` for one that refers to a segment nobody defined.
    ///
    /// ```
    /// use regulars::{Segment, Store, when};
    /// let store = Store::in_memory()?;
    /// store.define(Segment::new("gold", when::trait_("tier").is("gold")))?;
    /// let receipt = store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"tier":"gold"}}"#)?;
    /// assert_eq!(receipt.entered["gold"].len(), 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn define(&self, segment: Segment) -> Result<Receipt> {
        segment.check()?;
        self.inner.define(segment)
    }

    /// Records exchange rates: facts of the store, from now on and for the past that they speak of.
    ///
    /// An amount is converted at the day of its order by the latest rate at or before that day, rounded half to even.
    /// What no rate converts is shown under other currencies. There are no inverse and no cross rates.
    ///
    /// # Errors
    /// `Io` and `Poisoned`, as for every commit.
    ///
    /// ```
    /// use regulars::{Rate, Store, id};
    /// let store = Store::options().currency("EUR").in_memory()?;
    /// store.record_rates(&[Rate::new("2026-01-01", "SEK".parse()?, "EUR".parse()?, "0.09".parse()?)?])?;
    /// store.ingest_json(br#"{"type":"track","event":"Order Completed","userId":"42","timestamp":"2026-01-02",
    ///     "properties":{"order_id":"o1","total":100,"currency":"SEK"}}"#)?;
    /// assert_eq!(store.snapshot().profile(id::user("42"))?.expect("known").orders.net_minor, 900);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn record_rates(&self, rates: &[Rate]) -> Result<Receipt> {
        self.inner.record_rates(rates)
    }

    /// Removes a live segment.
    ///
    /// # Errors
    /// `NotFound` where there is none of that name, `Invalid` while another segment refers to it.
    ///
    /// ```
    /// use regulars::{Segment, Store, when};
    /// let store = Store::in_memory()?;
    /// store.define(Segment::new("gold", when::trait_("tier").is("gold")))?;
    /// store.undefine("gold")?;
    /// assert!(store.undefine("gold").is_err());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn undefine(&self, name: &str) -> Result<Receipt> {
        self.inner.undefine(name)
    }

    /// Tells the store what time it is: who enters or leaves a live segment by the passing of time does so now.
    ///
    /// Time never goes back: an earlier instant than the last changes nothing.
    ///
    /// **Cost**: the events whose windows end in between.
    ///
    /// # Errors
    /// `Io` and `Poisoned`, as for every commit.
    ///
    /// ```
    /// use regulars::{Clock, Segment, Span, Store, when};
    /// let store = Store::options().clock(Clock::Manual).in_memory()?;
    /// store.advance("2026-01-01T00:00:00Z".parse()?)?;
    /// store.define(Segment::new("active", when::event("Visit").within(Span::days(30)).at_least(1)))?;
    /// store.ingest_json(br#"{"type":"track","event":"Visit","userId":"42","timestamp":"2026-01-01"}"#)?;
    /// assert!(store.advance("2026-01-30T23:59:59.999Z".parse()?)?.left.is_empty());
    /// assert_eq!(store.advance("2026-01-31T00:00:00Z".parse()?)?.left["active"].len(), 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn advance(&self, to: Timestamp) -> Result<Receipt> {
        self.inner.advance(to)
    }

    /// The next instant at which time alone can change a live segment; never later than the true one. `None`: time
    /// changes nothing until something happens.
    ///
    /// Reads what readers see, and waits for no writer.
    ///
    /// # Errors
    /// `Corrupt` where the history cannot be read.
    ///
    /// ```
    /// assert_eq!(regulars::Store::in_memory()?.next_change()?, None);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn next_change(&self) -> Result<Option<Timestamp>> {
        let state = self.inner.gate.published();
        super::live::next_change(&state)
    }

    /// Makes everything accepted so far durable, whatever the store's durability.
    ///
    /// # Errors
    /// `Io` and `Poisoned`.
    ///
    /// ```
    /// regulars::Store::in_memory()?.flush()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn flush(&self) -> Result<()> {
        let mut writer = self.inner.writer.lock();
        writer.log_file(&self.inner.gate)?;
        let sequence = writer.book.sequence;
        drop(writer);
        self.inner.gate.make_durable(sequence)?;
        self.inner.prove();
        Ok(())
    }

    /// Seals the events since the last seal into a part now, and waits for it.
    ///
    /// The store does so by itself; this is for hosts that want the next open to replay nothing.
    ///
    /// # Errors
    /// `Io` and `Poisoned`.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
    /// store.seal()?;
    /// assert_eq!(store.stats().unsealed_events, 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn seal(&self) -> Result<()> {
        let mut writer = self.inner.writer.lock();
        self.inner.gate.check()?;
        let sealed = writer.start_seal(&self.inner.gate).and_then(|()| writer.finish_seal());
        writer.stop_unless_full(&self.inner.gate, sealed)?;
        self.publish(&mut writer);
        Ok(())
    }

    /// Seals, and merges parts as far as is due.
    ///
    /// **Cost**: up to a rewrite of the store.
    ///
    /// # Errors
    /// `Io` and `Poisoned`.
    ///
    /// ```
    /// regulars::Store::in_memory()?.compact()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn compact(&self) -> Result<()> {
        self.seal()?;
        let mut writer = self.inner.writer.lock();
        let merged = writer.finish_merge().and_then(|()| writer.merge_all());
        writer.stop_unless_full(&self.inner.gate, merged)?;
        self.publish(&mut writer);
        let retired = std::mem::take(&mut writer.retired);
        drop(writer);
        drop(retired);
        self.inner.catalog.tidy()
    }

    /// Lets readers read from the parts instead of the tails that they replace. Commits that came meanwhile and are not
    /// durable yet stay unseen, unless the store was opened so that they may be seen.
    pub(super) fn publish(&self, writer: &mut Writer) {
        let state = Arc::new(writer.book.state(Arc::new(writer.book.records())));
        self.inner.gate.log(state);
        match self.inner.durability {
            Durability::Sync => self.inner.gate.publish_durable(),
            Durability::Interval(_) | Durability::OnFlush => self.inner.gate.publish(),
        }
    }

    /// Checks every sealed byte against its checksum, rebuilds every derived state from the facts alone, and says what
    /// differs: nothing, unless the disk or this program is broken.
    ///
    /// **Cost**: reads the whole store, and holds a second one in memory.
    ///
    /// # Errors
    /// `Corrupt` where a checksum does not match.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
    /// assert!(store.verify()?.differences.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn verify(&self) -> Result<Verification> {
        super::verify::verify(&self.inner)
    }

    /// Counts and sizes, for dashboards and for the person on call: those of the last commit that is over. Waits for no
    /// writer and no disk.
    ///
    /// ```
    /// let stats = regulars::Store::in_memory()?.stats();
    /// assert_eq!((stats.events, stats.replayed_events), (0, 0));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(&self.inner)
    }

    /// The options in force, as they were stored when the store was created.
    ///
    /// ```
    /// let store = regulars::Store::options().currency("EUR").in_memory()?;
    /// assert_eq!(store.config().currency.as_deref(), Some("EUR"));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn config(&self) -> &crate::Config {
        &self.inner.charter.config
    }

    /// Makes everything durable and closes this handle; the store itself is closed with its last handle.
    ///
    /// # Errors
    /// `Io` and `Poisoned`: what was acknowledged before is safe, what was not may be lost.
    ///
    /// ```
    /// regulars::Store::in_memory()?.close()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn close(self) -> Result<()> {
        let durable = self.flush();
        self.inner.finish(&mut self.inner.writer.lock(), durable)
    }

    /// One commit of a batch that was read already.
    pub(super) fn commit(&self, batch: Batch, advance: Option<Timestamp>) -> Result<Receipt> {
        self.inner.commit(batch, advance)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({} events)", self.stats().events)
    }
}

impl Options {
    /// Opens the store in the directory `path`, or creates it; the parent must exist.
    ///
    /// **Cost**: the replay of the log's tail; independent of the store's size.
    ///
    /// # Errors
    /// `Locked` while another process has it open, `Invalid` for options that contradict the store's or themselves,
    /// `Corrupt`, `Version` and `Io`.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("regulars-doc-options-{}", std::process::id()));
    /// let store = regulars::Store::options().currency("EUR").open(&dir)?;
    /// store.close()?;
    /// # std::fs::remove_dir_all(&dir).expect("made above");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn open(self, path: impl AsRef<Path>) -> Result<Store> {
        Store::open_with(self, path.as_ref())
    }

    /// A store that lives in memory only: for tests.
    ///
    /// # Errors
    /// `Invalid` for options that contradict themselves.
    ///
    /// ```
    /// let store = regulars::Store::options().in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn in_memory(self) -> Result<Store> {
        Store::in_memory_with(self)
    }
}
