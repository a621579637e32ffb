//! A run of people with the columns that were asked for: each made at the first question that reads it.

use super::identifiers::Counts;
use super::ledger::{Ledger, Wanted};
use super::orders::Orders;
use super::run::Population;
use super::traits::TraitColumn;
use crate::Result;
use crate::base::Timestamp;
use crate::base::name::nfc;
use crate::profile::records::Records;
use ahash::AHashMap;
use parking_lot::{Mutex, RwLock};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whoever asks columns: the facts that those are read from which are not there yet.
pub(crate) struct Asking<'r> {
    pub(crate) records: &'r Records,
    /// The commit that the records are of.
    commit: u64,
    /// The number of the question.
    question: u64,
    /// The newest commit that any column was read at.
    newest: Cell<u64>,
    /// Lets go of columns where there are too many.
    trim: &'r dyn Fn(),
}

impl<'r> Asking<'r> {
    /// The question of that number, about the records of a commit.
    pub(crate) fn new(records: &'r Records, commit: u64, question: u64, trim: &'r dyn Fn()) -> Self {
        Self { records, commit, question, newest: Cell::new(0), trim }
    }

    /// The newest commit that anything asked for was read at.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.get()
    }
}

/// A column, and the commit whose facts it was read from.
type Read<V> = (Arc<V>, u64);

/// A column that is kept.
struct Kept<V> {
    read: Read<V>,
    /// The question that asked it last.
    used: AtomicU64,
}

/// The columns of one kind of input.
struct Shelf<K, V>(RwLock<AHashMap<K, Kept<V>>>);

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Hash + Eq + Clone, V> Shelf<K, V> {
    fn get(&self, key: &K, asking: &Asking<'_>) -> Option<Read<V>> {
        let kept = self.0.read();
        let Kept { read, used } = kept.get(key)?;
        used.store(asking.question, Ordering::Relaxed);
        Some(read.clone())
    }

    fn put(&self, key: K, column: V, asking: &Asking<'_>) -> Arc<V> {
        let column = Arc::new(column);
        let kept = Kept { read: (Arc::clone(&column), asking.commit), used: AtomicU64::new(asking.question) };
        self.0.write().insert(key, kept);
        column
    }

    /// What each takes, by what `of` says.
    fn bytes(&self, of: impl Fn(&V) -> usize) -> Vec<(K, usize)> {
        self.0.read().iter().map(|(key, kept)| (key.clone(), of(&kept.read.0))).collect()
    }

    /// When the column that nobody asked for longest was asked.
    fn oldest(&self) -> Option<u64> {
        self.0.read().values().map(|kept| kept.used.load(Ordering::Relaxed)).min()
    }

    /// Lets go of what was asked last by that question.
    fn forget(&self, question: u64) {
        self.0.write().retain(|_, kept| kept.used.load(Ordering::Relaxed) != question);
    }
}

/// Some people and their columns; see the module. What a column says of a person is so as long as nothing touched them:
/// whoever was touched is somewhere else, and their place here means nothing any more.
pub(crate) struct Run {
    pub(crate) people: Population,
    /// The commit that it was made at: what older records say of its people may be outdated.
    born: u64,
    traits: Shelf<String, TraitColumn>,
    events: Shelf<String, Ledger>,
    orders: Shelf<(), Orders>,
    identifiers: Shelf<u8, Counts>,
    /// Held while a column is made, so that two questions do not make the same one. Readers of others do not wait.
    making: Mutex<()>,
}

impl Run {
    pub(crate) fn new(people: Population, born: u64) -> Self {
        Self {
            people,
            born,
            traits: Shelf::default(),
            events: Shelf::default(),
            orders: Shelf::default(),
            identifiers: Shelf::default(),
            making: Mutex::default(),
        }
    }

    /// The winning values of a trait by all facts.
    pub(crate) fn trait_column(&self, asking: &Asking<'_>, name: &str) -> Result<Arc<TraitColumn>> {
        let key = nfc(name).into_owned();
        let read = || TraitColumn::read(asking.records, &self.people, name, Timestamp::MAX);
        self.get_or_make(&self.traits, key, asking, |_| true, |_| read())
    }

    /// The events of a name, with what is wanted of them.
    pub(crate) fn events(&self, asking: &Asking<'_>, name: &str, wanted: &Wanted) -> Result<Arc<Ledger>> {
        let read = |known: Option<Arc<Ledger>>| match known {
            Some(ledger) if ledger.is_of(&asking.records.events) => {
                let (amounts, wanted) = (super::ledger::amounts_of(name), ledger.wanted_and(wanted));
                Ledger::of_entries(asking.records, Arc::clone(&ledger.entries), amounts, &wanted)
            }
            Some(ledger) => Ledger::of_events(asking.records, &self.people, name, &ledger.wanted_and(wanted)),
            None => Ledger::of_events(asking.records, &self.people, name, wanted),
        };
        self.get_or_make(&self.events, name.to_owned(), asking, |ledger| ledger.has(wanted), read)
    }

    /// The orders by all facts, with what is wanted of them.
    pub(crate) fn orders(&self, asking: &Asking<'_>, wanted: &Wanted) -> Result<Arc<Orders>> {
        let read = |known: Option<Arc<Orders>>| match known {
            Some(orders) if orders.ledger.is_of(&asking.records.events) => orders.with(asking.records, wanted),
            Some(orders) => {
                Orders::read(asking.records, &self.people, Timestamp::MAX, &orders.ledger.wanted_and(wanted))
            }
            None => Orders::read(asking.records, &self.people, Timestamp::MAX, wanted),
        };
        self.get_or_make(&self.orders, (), asking, |orders| orders.ledger.has(wanted), read)
    }

    /// How many identifiers of a namespace people have.
    pub(crate) fn identifiers(&self, asking: &Asking<'_>, namespace: u8) -> Result<Arc<Counts>> {
        let read = || Counts::read(asking.records, &self.people, namespace);
        self.get_or_make(&self.identifiers, namespace, asking, |_| true, |_| read())
    }

    fn get_or_make<K: Hash + Eq + Clone, V>(
        &self,
        shelf: &Shelf<K, V>,
        key: K,
        asking: &Asking<'_>,
        does: impl Fn(&V) -> bool,
        read: impl Fn(Option<Arc<V>>) -> Result<V>,
    ) -> Result<Arc<V>> {
        let usable = |known: Option<Read<V>>| {
            let (column, read) = known.filter(|(column, _)| does(column))?;
            asking.newest.set(asking.newest.get().max(read));
            Some(column)
        };
        if let Some(column) = usable(shelf.get(&key, asking)) {
            return Ok(column);
        }
        let _making = self.making.lock();
        let known = shelf.get(&key, asking);
        if let Some(column) = usable(known.clone()) {
            return Ok(column);
        }
        asking.newest.set(asking.newest.get().max(asking.commit));
        let newest = known.as_ref().map_or(self.born, |(_, read)| self.born.max(*read));
        if asking.commit < newest {
            // An older snapshot asks: what it reads is its own.
            return read(None).map(Arc::new);
        }
        let column = shelf.put(key, read(known.map(|(column, _)| column))?, asking);
        (asking.trim)();
        Ok(column)
    }

    /// When the column that nobody asked for longest was asked.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let all = [self.traits.oldest(), self.events.oldest(), self.orders.oldest(), self.identifiers.oldest()];
        all.into_iter().flatten().min()
    }

    /// Lets go of the columns that were asked last by that question.
    pub(crate) fn forget(&self, question: u64) {
        self.traits.forget(question);
        self.events.forget(question);
        self.orders.forget(question);
        self.identifiers.forget(question);
    }

    /// The bytes in memory, by input.
    pub(crate) fn bytes(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::from([("people".to_owned(), self.people.bytes())]);
        all.extend(self.traits.bytes(TraitColumn::bytes).into_iter().map(|(name, len)| (format!("trait {name}"), len)));
        all.extend(self.events.bytes(Ledger::bytes).into_iter().map(|(name, len)| (format!("event {name}"), len)));
        all.extend(self.orders.bytes(Orders::bytes).into_iter().map(|(_, len)| ("orders".to_owned(), len)));
        let counts = self.identifiers.bytes(Counts::bytes).into_iter();
        all.extend(counts.map(|(namespace, len)| (format!("identifiers {namespace}"), len)));
        all
    }
}
