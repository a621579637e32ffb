//! How to open a store.

use super::handle::Store;
use crate::Result;
use crate::base::{Config, NamespaceRule};
use std::path::Path;
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
    /// It survives after [`Store::flush`] or [`Store::close`]; a crash leaves a prefix. For bulk imports.
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
    /// Only the host moves time, with [`Store::advance`] and the receivedAt of its commits.
    Manual,
}

/// Everything that can be set when a store is opened. Made by [`Store::options`].
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
    pub(super) durability: Durability,
    pub(super) clock: Clock,
    pub(super) no_mmap: bool,
    pub(super) seal_events: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: Config::default(),
            config_given: false,
            key: None,
            durability: Durability::Sync,
            clock: Clock::System,
            no_mmap: false,
            seal_events: 16_384,
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
    /// ```
    /// let store = regulars::Store::options().key([7; 32]).in_memory()?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn key(mut self, key: [u8; 32]) -> Self {
        self.key = Some(key);
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
