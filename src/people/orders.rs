//! Orders of everybody, settled, with their amounts in the currency of each person's sums.

use super::bits::Bits;
use super::entries::{Entries, Entry};
use super::entry::{OrderView, amounts};
use super::late::Late;
use super::ledger::{Amounts, Ledger, Property, Wanted};
use super::run::Population;
use super::totals::Totals;
use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::row32;
use crate::profile::orders::{OrderEntry, Settled, settle};
use crate::profile::person::{Person, currency_of};
use crate::profile::records::Records;
use crate::rule::compare::Test;
use crate::rule::node::OrderMeasure;
use ahash::AHashMap;
use std::sync::{Arc, OnceLock};

/// An order's amounts in minor units.
#[derive(Clone, Copy)]
struct Amount {
    lone_refund: bool,
    gross_minor: Option<i64>,
    refunded_minor: i64,
    discount_minor: Option<i64>,
}

/// The orders and lone refunds of a population, as known at an instant.
pub(crate) struct Orders {
    /// An entry an order, at the time that it was placed.
    pub(crate) ledger: Ledger,
    /// By entry.
    amounts: Arc<Vec<Amount>>,
    /// Who has a fact about an order, and when.
    pub(crate) late: Arc<Late>,
    sums: Arc<Sums>,
}

/// What all orders of each person add up to, made when it is first asked for.
#[derive(Default)]
struct Sums {
    totals: OnceLock<Vec<(u32, Totals)>>,
    /// By ordinal: of the measures that are numbers whatever the instant.
    count: OnceLock<Property>,
    net: OnceLock<Property>,
    gross: OnceLock<Property>,
}

/// What is gathered before it is sorted.
#[derive(Default)]
struct Gathered {
    /// By ordinal, in the order of keys.
    settled: AHashMap<u32, Vec<Settled>>,
    late: Vec<(Timestamp, u32)>,
}

impl Orders {
    /// Settles the orders by the facts up to `at`.
    pub(crate) fn read(records: &Records, people: &Population, at: Timestamp, wanted: &Wanted) -> Result<Self> {
        let mut gathered = Gathered::default();
        if people.is_whole() {
            records.visit_order_entries(&mut |entries| {
                gathered.add(entries, &|row| people.ordinal(row), at, records);
            })?;
        } else {
            for (ordinal, row) in (0u32..).zip(people.rows()) {
                let person = Person::read(records, *row)?;
                for entries in person.order_entries()? {
                    gathered.add(entries, &|owner| (owner == *row).then_some(ordinal), at, records);
                }
            }
        }
        gathered.finish(records, people, wanted)
    }

    /// The same orders, with more read of them.
    pub(crate) fn with(&self, records: &Records, wanted: &Wanted) -> Result<Self> {
        let wanted = self.ledger.wanted_and(wanted);
        let ledger = Ledger::of_entries(records, Arc::clone(&self.ledger.entries), Amounts::Exchanged, &wanted)?;
        let (amounts, late, sums) = (Arc::clone(&self.amounts), Arc::clone(&self.late), Arc::clone(&self.sums));
        Ok(Self { ledger, amounts, late, sums })
    }

    /// What some orders add up to, by whose they are.
    pub(crate) fn totals_of(&self, entries: impl Iterator<Item = usize>) -> Vec<(u32, Totals)> {
        let mut places = vec![0u32; self.ledger.entries.people() as usize];
        let mut totals: Vec<(u32, Totals)> = Vec::new();
        for entry in entries {
            let Some(ordinal) = self.ledger.entries.ordinal(entry) else { continue };
            let Some(place) = places.get_mut(ordinal as usize) else { continue };
            if *place == 0 {
                totals.push((ordinal, Totals::default()));
                *place = row32(totals.len());
            }
            if let Some((_, totals)) = totals.get_mut(*place as usize - 1) {
                totals.add(&self.view(entry));
            }
        }
        totals
    }

    /// Whose orders, all of them, add up to what passes the test.
    pub(crate) fn matching(&self, measure: OrderMeasure, decimals: u8, at: Timestamp, test: &Test) -> Bits {
        let totals = self.sums.totals.get_or_init(|| self.totals_of(0..self.ledger.entries.len()));
        let people = self.ledger.entries.people();
        let number = |of: &OnceLock<Property>| {
            let column = of.get_or_init(|| {
                let mut values = vec![Totals::default().measure(measure, at, decimals); people as usize];
                for (ordinal, totals) in totals {
                    if let Some(value) = values.get_mut(*ordinal as usize) {
                        *value = totals.measure(measure, at, decimals);
                    }
                }
                Property::of_values(values.into_iter())
            });
            column.matching(&column.verdict(test))
        };
        match measure {
            OrderMeasure::Count => number(&self.sums.count),
            OrderMeasure::Net => number(&self.sums.net),
            OrderMeasure::Gross => number(&self.sums.gross),
            _ => {
                let verdict = |totals: &Totals| test.holds(totals.measure(measure, at, decimals));
                let nobody = verdict(&Totals::default());
                let mut held = if nobody { Bits::all(people) } else { Bits::none(people) };
                totals.iter().for_each(|(ordinal, totals)| held.put(*ordinal, verdict(totals)));
                held
            }
        }
    }

    /// The order of an entry: its time and amounts.
    pub(crate) fn view(&self, entry: usize) -> OrderView<'static> {
        let ts = self.ledger.entries.ts(entry).unwrap_or(Timestamp::MIN);
        let Some(Amount { lone_refund, gross_minor, refunded_minor, discount_minor }) =
            self.amounts.get(entry).copied()
        else {
            return OrderView { ts, ..OrderView::default() };
        };
        OrderView { ts, lone_refund, gross_minor, refunded_minor, discount_minor, ..OrderView::default() }
    }

    pub(crate) fn is_lone_refund(&self, entry: usize) -> bool {
        self.amounts.get(entry).is_none_or(|amount| amount.lone_refund)
    }

    pub(crate) fn bytes(&self) -> usize {
        let totals = self.sums.totals.get().map_or(0, |totals| totals.len() * size_of::<(u32, Totals)>());
        let numbers = [&self.sums.count, &self.sums.net, &self.sums.gross];
        let numbers: usize = numbers.into_iter().filter_map(OnceLock::get).map(Property::bytes).sum();
        self.ledger.bytes() + self.amounts.len() * size_of::<Amount>() + self.late.bytes() + totals + numbers
    }
}

impl Gathered {
    /// Takes in the facts about one order.
    fn add(&mut self, entries: &[OrderEntry], ordinal: &dyn Fn(u32) -> Option<u32>, at: Timestamp, records: &Records) {
        if let Some(last) = entries.iter().map(|entry| entry.ts).max() {
            // Whose order it is can change with any of its facts.
            let owners = entries.iter().filter_map(|entry| entry.owner).filter_map(ordinal);
            self.late.extend(owners.map(|owner| (last, owner)));
        }
        for order in settle(entries, at, &records.rates) {
            if let Some(owner) = order.owner.and_then(ordinal) {
                self.settled.entry(owner).or_default().push(order);
            }
        }
    }

    fn finish(self, records: &Records, people: &Population, wanted: &Wanted) -> Result<Orders> {
        let mut all: Vec<(Entry, Amount)> = Vec::new();
        for (ordinal, mut orders) in self.settled {
            orders.sort_by_key(|order| order.ts);
            let currency = currency_of(records, &orders);
            for order in &orders {
                let OrderView { ts, lone_refund, gross_minor, refunded_minor, discount_minor, .. } =
                    amounts(order, currency, &records.rates);
                let amount = Amount { lone_refund, gross_minor, refunded_minor, discount_minor };
                all.push((Entry { ts, ordinal, at: order.at }, amount));
            }
        }
        let facts: Vec<Entry> = all.iter().map(|(entry, _)| *entry).collect();
        let entries = Arc::new(Entries::new(records, people.len(), facts)?);
        // A fact stands for one order of one person at most.
        let by_place: AHashMap<_, Amount> =
            all.into_iter().map(|(entry, amount)| ((entry.at, entry.ordinal), amount)).collect();
        let amount = |entry: usize| {
            let entry = entries.get(entry)?;
            by_place.get(&(entry.at, entry.ordinal)).copied()
        };
        let amounts = Arc::new((0..entries.len()).filter_map(amount).collect());
        let ledger = Ledger::of_entries(records, entries, Amounts::Exchanged, wanted)?;
        Ok(Orders { ledger, amounts, late: Arc::new(Late::new(self.late)), sums: Arc::default() })
    }
}
