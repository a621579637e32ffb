//! How to open a store.

use crate::base::{Config, NamespaceRule};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// When a commit is safe.
///
/// ```
/// use regulars::{Durability, Store};
/// let store = Store::options().durability(Durability::OnFlush).in_memory()?;
/// store.flush()?;
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the call returns, it survives a kill, a crash of the system and a power loss. Concurrent commits share one
    /// fsync.
    #[default]
    Sync,
    /// When the call returns, it survives a kill of the process; a power loss after this long.
    Interval(Duration),
    /// It survives after [`Store::flush`](crate::Store::flush) or [`Store::close`](crate::Store::close); a crash leaves a
    /// prefix. For bulk imports.
    OnFlush,
}

/// What time it is for the store.
///
/// ```
/// use regulars::{Clock, Store};
/// let store = Store::options().clock(Clock::Manual).in_memory()?;
/// store.advance("2026-01-01T00:00:00Z".parse()?)?;
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's: each commit advances the store to now.
    #[default]
    System,
    /// Only the host moves time, with [`Store::advance`](crate::Store::advance) and the receivedAt of its commits.
    Manual,
}

/// What an open found, and did about it.
///
/// ```
/// let recovery = regulars::Recovery::default();
/// assert_eq!((recovery.replayed_events, recovery.torn_bytes), (0, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Events replayed from the log.
    pub replayed_events: u64,
    /// Log records replayed.
    pub replayed_records: u64,
    /// Log records written once more into a new log, since nothing proved that they were on disk.
    pub copied_records: u64,
    /// Bytes at the end of the log that were left out: the remains of a commit that was never acknowledged, or damage
    /// there. 0 after an orderly end.
    pub torn_bytes: u64,
    /// The log that had them, and at which byte.
    pub torn_at: Option<(PathBuf, u64)>,
    /// Files of the store that are not part of it any more, left by a crash. They are kept until the store has
    /// sealed a part, is compacted, or closed in order.
    pub leftover_files: u64,
}

impl Recovery {
    /// Whether the store was not closed in an orderly way, or files were damaged at their end since.
    pub(super) fn is_notable(&self) -> bool {
        self.copied_records > 0 || self.torn_bytes > 0 || self.leftover_files > 0
    }
}

/// Whom an open tells about its recovery.
#[derive(Clone)]
pub(super) struct Listener(pub(super) Arc<dyn Fn(&Recovery) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// Everything that can be set when a store is opened. Made by [`Store::options`](crate::Store::options).
///
/// ```
/// use regulars::Store;
/// let store = Store::options().currency("EUR").default_region("DK").in_memory()?;
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options open nothing until open or in_memory is called"]
pub struct Options {
    pub(super) config: Config,
    /// Whether the caller set any of the config: an existing store then has to agree.
    pub(super) config_given: bool,
    pub(super) key: Option<[u8; 32]>,
    pub(super) host_key: Option<[u8; 32]>,
    pub(super) on_recovery: Option<Listener>,
    pub(super) durability: Durability,
    pub(super) clock: Clock,
    pub(super) no_mmap: bool,
    pub(super) seal_events: u32,
    pub(super) column_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: Config::default(),
            config_given: false,
            key: None,
            host_key: None,
            on_recovery: None,
            durability: Durability::Sync,
            clock: Clock::System,
            no_mmap: false,
            seal_events: 16_384,
            column_bytes: None,
        }
    }
}

impl Options {
    /// All meaning-deciding options at once. Stored when the store is created; a later open may omit them, and fails
    /// with `Invalid` if it gives others.
    ///
    /// ```
    /// use regulars::{Config, Store};
    /// let config = Config::from_json(r#"{"currency":"GBP"}"#)?;
    /// let store = Store::options().config(config).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.config_given = true;
        self
    }

    /// The ISO 4217 currency of amounts that name none, and of every sum.
    ///
    /// ```
    /// let store = regulars::Store::options().currency("DKK").in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn currency(mut self, code: &str) -> Self {
        self.config.currency = Some(code.to_owned());
        self.config_given = true;
        self
    }

    /// The ISO 3166 region of phone numbers without a country code.
    ///
    /// ```
    /// let store = regulars::Store::options().default_region("DK").in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn default_region(mut self, region: &str) -> Self {
        self.config.default_region = Some(region.to_owned());
        self.config_given = true;
        self
    }

    /// The rule of a namespace: another one than its default, or one of the host's own.
    ///
    /// ```
    /// use regulars::{NamespaceRule, Store};
    /// let email = NamespaceRule::default_of("email").expect("every store has it");
    /// let store = Store::options().namespace("email", NamespaceRule { limit: Some(1), ..email }).in_memory()?;
    /// assert_eq!(store.snapshot().rules().namespaces["email"].glue, Some(2));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn namespace(mut self, name: &str, rule: NamespaceRule) -> Self {
        self.config.namespaces.insert(name.to_owned(), rule);
        self.config_given = true;
        self
    }

    /// The identity key: stores with the same key give the same people the same public ids. Random if not given.
    ///
    /// It also hashes what the store remembers of erased identifiers. It lies in the store's manifest, beside them: so
    /// the hashes keep erased values from whoever sees a part of the directory, and from tables of hashes made in
    /// advance; whoever has the whole directory can try addresses one by one. Where that is not enough, keep the key
    /// elsewhere: [`Options::host_key`].
    ///
    /// ```
    /// let store = regulars::Store::options().key([7; 32]).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn key(mut self, key: [u8; 32]) -> Self {
        self.key = Some(key);
        self
    }

    /// An identity key that the host keeps: the store never writes it, and every open has to give it.
    ///
    /// Without it the directory does not tell whether an address was ever erased, nor the public ids of people. A lost
    /// key cannot be replaced.
    ///
    /// ```
    /// use regulars::{ErrorKind, Store};
    /// # let dir = std::env::temp_dir().join(format!("regulars-doc-host-key-{}", std::process::id()));
    /// Store::options().host_key([7; 32]).open(&dir)?.close()?;
    /// assert_eq!(Store::open(&dir).unwrap_err().kind(), ErrorKind::Invalid);
    /// Store::options().host_key([7; 32]).open(&dir)?.close()?;
    /// # std::fs::remove_dir_all(&dir).expect("made above");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn host_key(mut self, key: [u8; 32]) -> Self {
        self.host_key = Some(key);
        self
    }

    /// Called once while the store is opened, if the open found the traces of a crash: what it replayed, what it copied,
    /// and what a torn tail had to be cut off. [`Stats`](crate::Stats) tell the same later.
    ///
    /// ```
    /// use regulars::Store;
    /// let store = Store::options()
    ///     .on_recovery(|recovery| eprintln!("{} torn bytes left out", recovery.torn_bytes))
    ///     .in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn on_recovery(mut self, tell: impl Fn(&Recovery) + Send + Sync + 'static) -> Self {
        self.on_recovery = Some(Listener(Arc::new(tell)));
        self
    }

    /// When a commit is safe; [`Durability::Sync`] by default.
    ///
    /// ```
    /// use regulars::{Durability, Store};
    /// let store = Store::options().durability(Durability::OnFlush).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// What time it is for the store; [`Clock::System`] by default.
    ///
    /// ```
    /// use regulars::{Clock, Store};
    /// let store = Store::options().clock(Clock::Manual).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Read sealed files into memory instead of mapping them: where a failing disk must give an error, not a signal.
    ///
    /// A mapped file that somebody else cuts short, or whose disk fails, ends the **whole process** with SIGBUS when the
    /// missing page is touched: no library can turn that into an error. Files are held against their sealed length when
    /// they are opened, so this concerns only what happens while the store is open. Choose `no_mmap` on network and
    /// removable disks, and where other programs write into the directory.
    ///
    /// **Cost**: all sealed parts in memory, and an open that reads them.
    ///
    /// ```
    /// let store = regulars::Store::options().no_mmap(true).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn no_mmap(mut self, no_mmap: bool) -> Self {
        self.no_mmap = no_mmap;
        self
    }

    /// How many events the unsealed tail holds before it is sealed into a part; 16,384 by default, at least 64.
    ///
    /// Smaller: less memory and a shorter log to replay; larger: fewer parts to merge.
    ///
    /// ```
    /// let store = regulars::Store::options().seal_events(4096).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn seal_events(mut self, events: u32) -> Self {
        self.seal_events = events.max(64);
        self
    }

    /// How many bytes of memory columns of people may take, which answer questions about everybody; by default a quarter
    /// of what the sealed parts take, and at least 64 MiB.
    ///
    /// A column that does not fit is made again whenever it is asked for.
    ///
    /// ```
    /// let store = regulars::Store::options().column_bytes(256 << 20).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn column_bytes(mut self, bytes: u64) -> Self {
        self.column_bytes = Some(bytes);
        self
    }
}
