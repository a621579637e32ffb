//! Opening: the manifest, its parts, and the log since the last seal, through the same book as every commit.

use super::book::{Applied, Book};
use super::catalog::{Catalog, Charter, DATA, log_name};
use super::commit::{Record, decode};
use super::live::Crossing;
use super::options::Options;
use super::seal::{OpenPart, read_state};
use super::writer::{Settled, Writer};
use crate::Result;
use crate::base::config::Namespaces;
use crate::base::name::nfc;
use crate::base::zone::Zone;
use crate::error::Error;
use crate::event::feed::Cause;
use crate::normalize::normalizer::Normalizer;
use crate::profile::records::Reading;
use crate::storage::manifest::Manifest;
use crate::storage::replay::{Replay, Tail};
use crate::storage::vfs::Vfs;
use crate::storage::wal::{LogId, Wal};
use std::sync::Arc;

/// A store's writer, ready to go on, and what it took to get there.
pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) normalizer: Arc<Normalizer>,
    pub(super) charter: Charter,
    pub(super) replayed_records: u64,
    pub(super) replayed_events: u64,
}

/// Opens the store in a directory, or creates it.
pub(super) fn open(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Opened> {
    let catalog = match Manifest::read(vfs.as_ref())? {
        Some(manifest) => Catalog::open(vfs, manifest)?,
        None => create(vfs, options)?,
    };
    let charter = catalog.charter()?;
    agree(&charter, options)?;
    let normalizer = Arc::new(Normalizer::new(&charter.config)?);
    let namespaces = Arc::new(Namespaces::new(&charter.config.namespaces)?);
    let key = charter.key().ok_or_else(|| Error::invalid("the stored identity key is no key"))?;
    let mut book = Book::new(namespaces, key, Arc::new(reading(&charter)?));
    let parts = open_parts(&catalog, &mut book)?;
    let settled = Settled::of(&book.events, &parts);
    let mut replay = Replaying { book, records: 0, events: 0 };
    let (wal, log_number) = replay.logs(&catalog)?;
    let Replaying { book, records, events } = replay;
    let mut writer = Writer {
        book,
        wal,
        log_number,
        parts,
        catalog: Arc::new(catalog),
        seal_events: options.seal_events,
        sealing: None,
        merging: None,
        retired: Vec::new(),
        settled,
    };
    writer.follow();
    Ok(Opened { writer, normalizer, charter, replayed_records: records, replayed_events: events })
}

pub(super) fn reading(charter: &Charter) -> Result<Reading> {
    let currency = charter.config.currency.as_deref().map(str::parse).transpose()?;
    let shops = charter.config.shops.iter();
    let shop_currencies =
        shops.filter_map(|(name, shop)| Some((name.clone(), shop.currency.as_deref()?.parse().ok()?)));
    let shop_currencies = shop_currencies.collect();
    let zone = charter.config.time_zone.as_deref().and_then(Zone::named).unwrap_or_default();
    let traits = charter.config.traits.iter().map(|(name, rule)| (nfc(name).into_owned(), rule.clone())).collect();
    Ok(Reading { currency, shop_currencies, zone, traits })
}

fn create(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Catalog> {
    // Refuse bad options before anything is written.
    Normalizer::new(&options.config)?;
    Namespaces::new(&options.config.namespaces)?;
    let key = options.key.unwrap_or_else(random);
    let id: [u8; 32] = random();
    let store_id = id.first_chunk().copied().unwrap_or_default();
    Catalog::create(vfs, store_id, &Charter::new(options.config.clone(), key))
}

/// 32 bytes that nobody can guess: hashed from the operating system's per-process keys and the moment.
fn random() -> [u8; 32] {
    use std::hash::{BuildHasher, RandomState};
    let mut hasher = blake3::Hasher::new();
    for round in 0..8u64 {
        hasher.update(&RandomState::new().hash_one((round, std::process::id())).to_le_bytes());
    }
    if let Ok(since) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        hasher.update(&since.as_nanos().to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// An existing store's meaning is decided: whoever gives options gives the same ones.
fn agree(charter: &Charter, options: &Options) -> Result<()> {
    if options.config_given && options.config != charter.config {
        let text = "the store was created with other options; open it without them, or with the same ones";
        return Err(Error::invalid(text));
    }
    if options.key.is_some() && options.key != charter.key() {
        return Err(Error::invalid("the store was created with another identity key; open it without one"));
    }
    Ok(())
}

fn open_parts(catalog: &Catalog, book: &mut Book) -> Result<Vec<OpenPart>> {
    let parts = catalog.sealed(DATA).into_iter().map(|sealed| OpenPart::open(catalog, sealed));
    let parts: Vec<OpenPart> = parts.collect::<Result<_>>()?;
    for part in &parts {
        for change in part.nodes.sparse() {
            let (node, state) = change?;
            book.nodes.overlay.set(node, state);
        }
    }
    book.restart_tail(&parts);
    read_state(book, &parts, catalog)?;
    Ok(parts)
}

struct Replaying {
    book: Book,
    records: u64,
    events: u64,
}

impl Replaying {
    /// Replays the live logs, and opens the last one, or a first one, for appending.
    fn logs(&mut self, catalog: &Catalog) -> Result<(Wal, u64)> {
        let numbers = catalog.logs();
        let Some((last, whole)) = numbers.split_last() else {
            let number = catalog.new_number();
            let id = LogId { store_id: catalog.store_id(), number };
            let wal = Wal::create(catalog.vfs.as_ref(), &log_name(number), id, self.book.sequence + 1)?;
            catalog.add_log(number)?;
            return Ok((wal, number));
        };
        for (at, number) in whole.iter().enumerate() {
            let next = whole.get(at + 1).unwrap_or(last);
            self.log(catalog, *number, Some(*next))?;
        }
        let tail = self.log(catalog, *last, None)?;
        let id = LogId { store_id: catalog.store_id(), number: *last };
        Ok((Wal::reopen(catalog.vfs.as_ref(), &log_name(*last), id, &tail)?, *last))
    }

    /// Replays one log. One that has a successor was whole on disk before that was made.
    fn log(&mut self, catalog: &Catalog, number: u64, next: Option<u64>) -> Result<Tail> {
        let name = log_name(number);
        let path = catalog.vfs.path(&name);
        let bytes = catalog.vfs.read(&name)?;
        let id = LogId { store_id: catalog.store_id(), number };
        let durable = match next {
            Some(next) => first_sequence(catalog, next)?.saturating_sub(1),
            None => catalog.sealed_sequence(),
        };
        let mut replay = Replay::new(&bytes, &path, id, durable)?;
        while let Some(record) = replay.next()? {
            if record.sequence <= self.book.sequence {
                continue;
            }
            let decoded = decode(record.kind, record.version, record.payload).map_err(|error| {
                if error.kind() == crate::ErrorKind::Version {
                    error
                } else {
                    Error::corrupt(&path, record.offset, "a log record cannot be decoded")
                }
            })?;
            self.apply(&decoded)?;
            self.book.sequence = record.sequence;
            self.records += 1;
        }
        replay.finish()
    }

    fn apply(&mut self, record: &Record) -> Result<()> {
        match record {
            Record::Facts { facts, advance } => {
                let facts: Vec<&[u8]> = facts.iter().collect();
                self.events += facts.len() as u64;
                self.book.take_in(&facts, *advance).map(drop)
            }
            Record::Define(segment) => {
                let crossings = self.book.define(segment.as_ref().clone())?;
                self.tell(crossings, Cause::Definition)
            }
            Record::Undefine(name) => {
                let crossings = self.book.undefine(name);
                self.tell(crossings, Cause::Definition)
            }
            Record::Advance(to) => {
                let crossings = self.book.advance(*to)?;
                self.tell(crossings, Cause::Time)
            }
            Record::Rates(rates) => {
                let crossings = self.book.record_rates(rates)?;
                self.tell(crossings, Cause::Rates)
            }
            Record::Rules(rules) => {
                let rules = self.book.nodes.namespaces.with(rules)?;
                self.book.set_rules(rules).map(drop)
            }
            Record::Block(values) => {
                let next = self.book.nodes.namespaces.with_blocked(values)?;
                self.book.set_rules(next).map(drop)
            }
        }
    }

    fn tell(&mut self, crossings: Vec<Crossing>, cause: Cause) -> Result<()> {
        self.book.tell(&Applied { crossings, ..Applied::default() }, cause)
    }
}

fn first_sequence(catalog: &Catalog, number: u64) -> Result<u64> {
    let name = log_name(number);
    let bytes = catalog.vfs.read(&name)?;
    let id = LogId { store_id: catalog.store_id(), number };
    Ok(Replay::new(&bytes, &catalog.vfs.path(&name), id, 0)?.first_sequence())
}
