//! Opening: the manifest, its parts, and the log since the last seal, through the same book as every commit.

use super::book::{Applied, Book};
use super::catalog::{Catalog, Charter, DATA, Key, log_name, number_of};
use super::live_segment::Crossing;
use super::options::{Options, Recovery};
use super::part::OpenPart;
use super::record::{Record, decode};
use super::relog::{List, copy_logs, follow_copies, read_log, replay};
use super::seal::read_state;
use super::writer::{Settled, Writer};
use crate::Result;
use crate::base::name::nfc;
use crate::base::namespaces::Namespaces;
use crate::base::zone::Zone;
use crate::error::Error;
use crate::event::feed::Cause;
use crate::normalize::normalizer::Normalizer;
use crate::profile::records::Reading;
use crate::storage::log_format::LogId;
use crate::storage::log_format::Tail;
use crate::storage::manifest::{MANIFEST_NAME, Manifest};
use crate::storage::proof::{PROOF_NAME, Proof, Prover};
use crate::storage::vfs::Vfs;
use crate::storage::wal::Wal;
use std::path::Path;
use std::sync::Arc;

/// A store's writer, ready to go on, and what it took to get there.
pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) normalizer: Arc<Normalizer>,
    pub(super) charter: Charter,
    pub(super) prover: Prover,
    /// Every record up to this one is on disk.
    pub(super) durable: u64,
    pub(super) recovery: Recovery,
}

/// Opens the store in a directory, or creates it.
pub(super) fn open(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Opened> {
    let catalog = match Manifest::read(vfs.as_ref())? {
        Some(manifest) => {
            if manifest.files.is_empty() {
                write_again(vfs.as_ref(), &manifest)?;
            }
            Catalog::open(vfs, manifest)?
        }
        None => create(vfs, options)?,
    };
    let charter = catalog.charter()?;
    agree(&charter, options)?;
    let normalizer = Arc::new(Normalizer::new(&charter.config)?);
    let namespaces = Arc::new(Namespaces::new(&charter.config.namespaces)?);
    let key = charter.key(options.host_key)?;
    let prover = Prover::read(catalog.vfs.as_ref(), catalog.store_id())?;
    if prover.proven().generation > catalog.generation() {
        return Err(outdated(&catalog, PROOF_NAME));
    }
    follow_copies(&catalog, prover.proven())?;
    let mut book = Book::new(namespaces, key, Arc::new(reading(&charter)?));
    book.people.set_limit(options.column_bytes);
    let parts = open_parts(&catalog, &mut book)?;
    let settled = Settled::of(&book.events, &parts);
    let mut replay = Replaying { book, recovery: Recovery::default() };
    let tail = replay.logs(&catalog, prover.proven())?;
    let Replaying { book, mut recovery } = replay;
    check_leftovers(&catalog, book.sequence)?;
    recovery.leftover_files = catalog.leftovers().len() as u64;
    let (log, durable) = go_on(&catalog, tail, prover.proven(), &mut recovery, book.sequence)?;
    let (wal, log_number) = log.map_or((None, 0), |(wal, number)| (Some(wal), number));
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
        full_until: None,
    };
    writer.follow();
    Ok(Opened { writer, normalizer, charter, prover, durable, recovery })
}

/// The log to append to, and up to where everything is on disk. `None` while the disk is full: it is made when there is
/// room.
type Continued = (Option<(Wal, u64)>, u64);

/// Goes on in the last log where every byte of it is proven durable, and in a copy otherwise.
fn go_on(
    catalog: &Catalog,
    tail: Option<(Tail, u64)>,
    proof: Proof,
    recovery: &mut Recovery,
    sequence: u64,
) -> Result<Continued> {
    let proven = proof.sequence.max(catalog.sealed_sequence());
    if let Some((tail, number)) = tail {
        recovery.torn_bytes = tail.cut;
        recovery.torn_at = (tail.cut > 0).then(|| (catalog.vfs.path(&log_name(number)), tail.len));
        if tail.cut == 0 && proven >= sequence && (proof.generation, proof.log) == (catalog.generation(), number) {
            // Whoever died before may have made names and not synced them.
            catalog.vfs.sync_dir()?;
            let id = LogId { store_id: catalog.store_id(), number };
            let wal = Wal::reopen(catalog.vfs.as_ref(), &log_name(number), id, &tail)?;
            return Ok((Some((wal, number)), sequence));
        }
        recovery.copied_records = sequence.saturating_sub(catalog.sealed_sequence());
    }
    let list = if tail.is_some() && proof.generation == catalog.generation() { List::Durable } else { List::Unproven };
    match copy_logs(catalog, sequence, list) {
        Ok(log) => Ok((Some(log), sequence)),
        Err(error) if error.is_out_of_space() => Ok((None, proven.max(tail.map_or(0, |(tail, _)| tail.durable)))),
        Err(error) => Err(error),
    }
}

/// Refuses to go on by a list of files that is older than what lies beside it: a log that no list names holds commits
/// that no listed one has. Whoever follows an old list would lose them.
fn check_leftovers(catalog: &Catalog, sequence: u64) -> Result<()> {
    for name in catalog.leftovers().iter().filter(|name| name.ends_with(".log")) {
        let Some(number) = number_of(name) else { continue };
        let bytes = catalog.vfs.read(name)?;
        // What does not even begin as a log of ours was never written to.
        let Ok(log) = replay(catalog, number, &bytes, 0) else { continue };
        if sequence.max(log.span().copied.unwrap_or(0)) < log.last_sequence() {
            return Err(outdated(catalog, name));
        }
    }
    Ok(())
}

fn outdated(catalog: &Catalog, by: &str) -> Error {
    let what = format!("this list of files is older than {by} beside it, so commits are missing; nothing was changed");
    Error::corrupt(&catalog.vfs.path(MANIFEST_NAME), 0, &what)
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

/// A first list whose sync failed may be the one that a power cut takes back, and there is none before it.
fn write_again(vfs: &dyn Vfs, manifest: &Manifest) -> Result<()> {
    match manifest.write(vfs) {
        Err(error) if error.is_out_of_space() => Ok(()),
        written => written,
    }
}

fn create(vfs: Arc<dyn Vfs>, options: &Options) -> Result<Catalog> {
    // Refuse bad options before anything is written.
    Normalizer::new(&options.config)?;
    Namespaces::new(&options.config.namespaces)?;
    let key = match options.host_key {
        Some(key) => Key::of_host(&key),
        None => Key::stored(options.key.map_or_else(random, Ok)?),
    };
    let store_id: [u8; 16] = random()?;
    Catalog::create(vfs, store_id, &Charter::new(options.config.clone(), key))
}

/// Bytes that nobody can guess, from the operating system.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let failed = |error: getrandom::Error| Error::io("draw randomness for", Path::new("the new store"), error.into());
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// An existing store's meaning is decided: whoever gives options gives the same ones.
fn agree(charter: &Charter, options: &Options) -> Result<()> {
    if options.config_given && options.config != charter.config {
        let text = "the store was created with other options; open it without them, or with the same ones";
        return Err(Error::invalid(text));
    }
    charter.agree_on_key(options.key)
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
    recovery: Recovery,
}

impl Replaying {
    /// Replays the live logs; returns how the last one ended, and its number.
    fn logs(&mut self, catalog: &Catalog, proof: Proof) -> Result<Option<(Tail, u64)>> {
        let numbers = catalog.logs();
        let Some((last, whole)) = numbers.split_last() else { return Ok(None) };
        for (at, number) in whole.iter().enumerate() {
            // One that has a successor was whole on disk before that was made.
            let next = *whole.get(at + 1).unwrap_or(last);
            let first = replay(catalog, next, &read_log(catalog, next)?, 0)?.span().first;
            self.log(catalog, *number, first.saturating_sub(1))?;
        }
        let tail = self.log(catalog, *last, proof.sequence.max(catalog.sealed_sequence()))?;
        Ok(Some((tail, *last)))
    }

    /// Replays one log, whose records up to `durable` must be there.
    fn log(&mut self, catalog: &Catalog, number: u64, durable: u64) -> Result<Tail> {
        let path = catalog.vfs.path(&log_name(number));
        let bytes = read_log(catalog, number)?;
        let mut replay = replay(catalog, number, &bytes, durable)?;
        while let Some(record) = replay.next()? {
            if record.sequence <= self.book.sequence {
                continue;
            }
            if record.sequence != self.book.sequence + 1 {
                return Err(Error::corrupt(&path, record.offset, "the records before this one are missing"));
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
            self.recovery.replayed_records += 1;
        }
        replay.finish()
    }

    fn apply(&mut self, record: &Record) -> Result<()> {
        match record {
            Record::Facts { facts, advance } => {
                let facts: Vec<&[u8]> = facts.iter().collect();
                self.recovery.replayed_events += facts.len() as u64;
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
