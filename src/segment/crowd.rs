//! Who, of everybody: rules evaluated over columns of people, run by run.
//!
//! Every node of a rule is a set of people in flat words; combinators are `and`, `or` and `not` of those. A leaf asks its test
//! once a distinct value and then reads a column. What the newest facts do not tell, because some stand after the instant of
//! the question, is asked person by person where that concerns few, and of columns as of that instant where it concerns many.

use super::ask::{self, Events, Visit};
use super::condition::{count_value, trait_paths};
use super::evaluate::{holds, is_member};
use super::filter::{Counted, Filter, counts, read_of};
use super::plan::cheapest_first;
use super::subject::{Subject, undefined};
use crate::Result;
use crate::base::Timestamp;
use crate::base::name::{label, nfc};
use crate::column::rows::RowSet;
use crate::people::bits::Bits;
use crate::people::columns::{Asking, Run};
use crate::people::current::View;
use crate::people::ledger::{Ledger, Wanted};
use crate::people::orders::Orders;
use crate::people::totals::Totals;
use crate::people::traits::TraitColumn;
use crate::profile::consent::{Contact, together};
use crate::profile::contacts::of_everybody;
use crate::profile::person::Person;
use crate::rule::compare::{Test, Value};
use crate::rule::node::{Ask, EventNode, LineMatch, Measure, Node, OrdersNode, Segment, Shop, Universe, Window};
use roaring::RoaringBitmap;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Up to so many people are asked one by one rather than of columns as of a past instant.
const ONE_BY_ONE_MAX: usize = 256;

/// Everybody, as of one commit and one instant.
pub(crate) struct Crowd<'a> {
    pub(crate) people: &'a View,
    pub(crate) asking: Asking<'a>,
    pub(crate) all: &'a RowSet,
    pub(crate) known: &'a RowSet,
    pub(crate) at: Timestamp,
    /// The segments that rules may refer to.
    pub(crate) find: &'a dyn Fn(&str) -> Option<Segment>,
}

/// The people that were found.
pub(crate) struct Found {
    runs: Vec<(Arc<Run>, Bits)>,
    apart: Vec<u32>,
}

impl Found {
    /// How many.
    pub(crate) fn len(&self) -> u64 {
        self.runs.iter().map(|(_, found)| found.count()).sum::<u64>() + self.apart.len() as u64
    }

    /// How many are in both; `None` where the two were not found among the same people.
    pub(crate) fn overlap(&self, other: &Self) -> Option<u64> {
        let pairs = || self.runs.iter().zip(&other.runs);
        let same = pairs().all(|(own, others)| Arc::ptr_eq(&own.0, &others.0));
        let alike = self.runs.len() == other.runs.len() && self.apart.is_empty() && other.apart.is_empty();
        (alike && same).then(|| pairs().map(|(own, others)| own.1.overlap(&others.1)).sum())
    }

    /// Their rows. Cost: one step a person.
    pub(crate) fn rows(&self) -> RoaringBitmap {
        let of_run = |(run, found): &(Arc<Run>, Bits)| {
            let rows = found.iter().map(|ordinal| run.people.row(ordinal));
            // Ordinals follow the order of rows.
            RoaringBitmap::from_sorted_iter(rows).unwrap_or_default()
        };
        let mut rows = self.runs.iter().map(of_run).fold(RoaringBitmap::new(), |all, rows| all | rows);
        rows.extend(self.apart.iter().copied());
        rows
    }
}

impl Crowd<'_> {
    /// The members of a segment.
    pub(crate) fn members(&self, segment: &Segment) -> Result<Found> {
        let mut runs = Vec::with_capacity(self.people.runs.len());
        for (run, counted) in &self.people.runs {
            let of_run = OfRun { crowd: self, run };
            let within = of_run.universe(segment.universe(), counted);
            runs.push((Arc::clone(run), of_run.node(&segment.rule().0, &within)?));
        }
        let mut apart = Vec::new();
        for row in self.people.apart.iter().copied().filter(|row| self.all.contains(*row)) {
            let person = Person::read(self.asking.records, row)?;
            if is_member(segment, &Subject::new(&person, self.known.contains(row), self.find), self.at)? {
                apart.push(row);
            }
        }
        Ok(Found { runs, apart })
    }
}

/// The people of one run.
struct OfRun<'a> {
    crowd: &'a Crowd<'a>,
    run: &'a Run,
}

impl OfRun<'_> {
    fn universe(&self, universe: Universe, within: &Bits) -> Bits {
        let mut within = within.clone();
        if universe == Universe::Known {
            within.and(self.run.people.known());
        }
        within
    }

    /// Those of `within` for whom the rule holds. As deep as the rule, which parsing and definition bound.
    fn node(&self, node: &Node, within: &Bits) -> Result<Bits> {
        if within.is_empty() {
            return Ok(within.clone());
        }
        match node {
            Node::And(rules) => {
                let mut left = within.clone();
                for rule in cheapest_first(rules) {
                    left = self.node(rule, &left)?;
                }
                Ok(left)
            }
            Node::Or(rules) => {
                let mut left = within.clone();
                for rule in cheapest_first(rules) {
                    let held = self.node(rule, &left)?;
                    left.minus(&held);
                }
                Ok(without(within, &left))
            }
            Node::Not(rule) => Ok(without(within, &self.node(rule, within)?)),
            Node::AtLeast(needed, rules) => self.at_least(*needed, rules, within),
            Node::Segment(name) => {
                let segment = (self.crowd.find)(name).ok_or_else(|| undefined(name))?;
                self.node(&segment.rule().0, &self.universe(segment.universe(), within))
            }
            Node::Anonymous => Ok(without(within, self.run.people.known())),
            _ => self.leaf(node, within),
        }
    }

    fn at_least(&self, needed: u32, rules: &[Node], within: &Bits) -> Result<Bits> {
        let mut held = vec![0u32; within.len() as usize];
        for rule in rules {
            for ordinal in self.node(rule, within)?.iter() {
                if let Some(count) = held.get_mut(ordinal as usize) {
                    *count += 1;
                }
            }
        }
        let mut enough = Bits::of_column(&held, |count| count >= needed);
        enough.and(within);
        Ok(enough)
    }

    fn leaf(&self, node: &Node, within: &Bits) -> Result<Bits> {
        let wanted = read_of(node);
        if wanted.is_much() {
            // More than columns keep is asked person by person.
            return self.of_each(node, within);
        }
        let mut held = match node {
            Node::Trait { path, test } => self.of_trait(node, path, test, within)?,
            Node::Event(event) => self.of_events(event, &wanted, within)?,
            Node::Orders(orders) => self.of_orders(node, orders, &wanted, within)?,
            Node::Bought { what, shop, window } => self.bought(node, (what, None), &wanted, shop, *window, within)?,
            Node::BoughtTogether { first, second, shop, window } => {
                self.bought(node, (first, Some(second)), &wanted, shop, *window, within)?
            }
            Node::Has { namespace } => self.of_identifiers(namespace, &|count| count > 0)?,
            Node::Identifiers { namespace, test } => {
                self.of_identifiers(namespace, &|count| test.holds(count_value(count as usize)))?
            }
            _ => self.of_consent(node, within)?,
        };
        held.and(within);
        Ok(held)
    }

    fn everybody(&self, holds: bool) -> Bits {
        let len = self.run.people.len();
        if holds { Bits::all(len) } else { Bits::none(len) }
    }

    fn one_by_one(&self, node: &Node, people: impl Iterator<Item = u32>, held: &mut Bits) -> Result<()> {
        for ordinal in people {
            let row = self.run.people.row(ordinal);
            let person = Person::read(self.crowd.asking.records, row)?;
            let known = self.run.people.known().contains(ordinal);
            held.put(ordinal, holds(node, &Subject::new(&person, known, self.crowd.find), self.crowd.at)?);
        }
        Ok(())
    }

    /// Asks everybody within, one by one.
    fn of_each(&self, node: &Node, within: &Bits) -> Result<Bits> {
        let mut held = self.everybody(false);
        self.one_by_one(node, within.iter(), &mut held)?;
        Ok(held)
    }

    /// Of the people with later facts those within; `None` where they are too many to be asked one by one.
    fn few(&self, late: &[u32], within: &Bits) -> Option<BTreeSet<u32>> {
        if late.len() > ONE_BY_ONE_MAX * 16 {
            return None;
        }
        let few: BTreeSet<u32> = late.iter().copied().filter(|ordinal| within.contains(*ordinal)).collect();
        (few.len() <= ONE_BY_ONE_MAX).then_some(few)
    }

    fn of_trait(&self, node: &Node, path: &str, test: &Test, within: &Bits) -> Result<Bits> {
        let asking = &self.crowd.asking;
        let set = |name: &&str| asking.records.trait_names.code(&nfc(name)).is_some();
        let mut columns = Vec::new();
        let mut late = BTreeSet::new();
        for (name, tail) in trait_paths(path).filter(|(name, _)| set(name)) {
            let column = self.run.trait_column(asking, name)?;
            match self.few(column.late.after(self.crowd.at), within) {
                Some(few) => {
                    late.extend(few);
                    columns.push((column, tail));
                }
                None => {
                    let then = TraitColumn::read(asking.records, &self.run.people, name, self.crowd.at)?;
                    columns.push((Arc::new(then), tail));
                }
            }
        }
        let mut held = match columns.as_slice() {
            [] => self.everybody(test.holds(Value::Missing)),
            [(column, None)] => column.matching(test),
            several => {
                // The first trait that has something at the path decides.
                let (mut left, mut held) = (self.everybody(true), self.everybody(false));
                for (column, tail) in several {
                    let mut said = column.said(*tail, test);
                    said.holds.and(&left);
                    held.or(&said.holds);
                    left.minus(&said.found);
                }
                if test.holds(Value::Missing) {
                    held.or(&left);
                }
                held
            }
        };
        self.one_by_one(node, late.into_iter(), &mut held)?;
        Ok(held)
    }

    fn of_events(&self, event: &EventNode, wanted: &Wanted, within: &Bits) -> Result<Bits> {
        let asking = &self.crowd.asking;
        let without_any = ask::holds(&event.ask, &NoEvents, self.crowd.at)?;
        if asking.records.names.code(&event.name).is_none() {
            return Ok(self.everybody(without_any));
        }
        let ledger = self.run.events(asking, &event.name, wanted)?;
        let counted = Counted::new(&ledger, event.shop.as_deref(), event.filter.as_ref());
        match &event.ask {
            Ask::Did(window) => Ok(self.did(&ledger, *window, &counted)),
            Ask::Measure(Measure::Count, window, test) => Ok(self.count(&ledger, *window, &counted, test)),
            Ask::Stopped(long, short) => {
                let mut stopped = self.did(&ledger, Some(Window::Ago(*long, *short)), &counted);
                stopped.minus(&self.did(&ledger, Some(Window::Last(*short)), &counted));
                Ok(stopped)
            }
            ask => {
                let mut held = self.everybody(without_any);
                for ordinal in within.iter() {
                    let events = OfColumns { crowd: self.crowd, ledger: &ledger, counted: &counted, ordinal };
                    if ledger.entries.of(ordinal).next().is_some() {
                        held.put(ordinal, ask::holds(ask, &events, self.crowd.at)?);
                    }
                }
                Ok(held)
            }
        }
    }

    /// Who has any of the facts in the window.
    fn did(&self, ledger: &Ledger, window: Option<Window>, counted: &Counted<'_>) -> Bits {
        let (after, to) = Window::bounds(window, self.crowd.at);
        let (range, ordinals) = ledger.entries.window(after, to);
        let mut did = self.everybody(false);
        for (entry, ordinal) in range.zip(ordinals) {
            if counted.is_all() || counted.has(entry) {
                did.insert(*ordinal);
            }
        }
        did
    }

    /// Whose number of facts in the window passes the test.
    fn count(&self, ledger: &Ledger, window: Option<Window>, counted: &Counted<'_>, test: &Test) -> Bits {
        let (after, to) = Window::bounds(window, self.crowd.at);
        let (range, _) = ledger.entries.window(after, to);
        let counts = counts(ledger, self.run.people.len(), range, counted);
        let small: Vec<bool> = (0..64).map(|count| test.holds(count_value(count))).collect();
        let passes = |count: u32| match small.get(count as usize) {
            Some(passes) => *passes,
            None => test.holds(count_value(count as usize)),
        };
        Bits::of_column(&counts, passes)
    }

    /// The orders as of the instant of the question, and whom to ask one by one nevertheless.
    fn orders(&self, wanted: &Wanted, within: &Bits) -> Result<(Arc<Orders>, BTreeSet<u32>)> {
        let asking = &self.crowd.asking;
        let orders = self.run.orders(asking, wanted)?;
        match self.few(orders.late.after(self.crowd.at), within) {
            Some(few) => Ok((orders, few)),
            None => {
                let then = Orders::read(asking.records, &self.run.people, self.crowd.at, wanted)?;
                Ok((Arc::new(then), BTreeSet::new()))
            }
        }
    }

    fn of_orders(&self, node: &Node, asked: &OrdersNode, wanted: &Wanted, within: &Bits) -> Result<Bits> {
        let (orders, late) = self.orders(wanted, within)?;
        let counted = Counted::new(&orders.ledger, asked.shop.as_deref(), asked.filter.as_ref());
        let decimals = self.crowd.asking.records.reading.currency.map_or(2, |currency| currency.decimals());
        let mut held = if let (None, true) = (asked.window, counted.is_all()) {
            orders.matching(asked.measure, decimals, self.crowd.at, &asked.test)
        } else {
            self.of_some_orders(&orders, asked, &counted, decimals)
        };
        self.one_by_one(node, late.into_iter(), &mut held)?;
        Ok(held)
    }

    /// Whose orders in the window, of those that count, add up to what passes the test.
    fn of_some_orders(&self, orders: &Orders, asked: &OrdersNode, counted: &Counted<'_>, decimals: u8) -> Bits {
        let verdict = |totals: &Totals| asked.test.holds(totals.measure(asked.measure, self.crowd.at, decimals));
        let (after, to) = Window::bounds(asked.window, self.crowd.at);
        let (range, _) = orders.ledger.entries.window(after, to);
        // A refund of no known order is nothing that a condition could be true of.
        let fits = |entry: usize| asked.filter.is_none() || !orders.is_lone_refund(entry);
        let counts = range.filter(|entry| fits(*entry) && counted.has(*entry));
        let mut held = self.everybody(verdict(&Totals::default()));
        orders.totals_of(counts).iter().for_each(|(ordinal, totals)| held.put(*ordinal, verdict(totals)));
        held
    }

    /// Who has an order with a line of one kind, or with a line of each of two.
    fn bought(
        &self,
        node: &Node,
        (first, second): (&LineMatch, Option<&LineMatch>),
        wanted: &Wanted,
        shop: &Shop,
        window: Option<Window>,
        within: &Bits,
    ) -> Result<Bits> {
        let (orders, late) = self.orders(wanted, within)?;
        let mut held = self.everybody(false);
        let Some(lines) = orders.ledger.lines() else { return Ok(held) };
        let (after, to) = Window::bounds(window, self.crowd.at);
        let (range, _) = orders.ledger.entries.window(after, to);
        let counted = Counted::new(&orders.ledger, shop.as_deref(), None);
        let counts = |entry: usize| range.contains(&entry) && !orders.is_lone_refund(entry) && counted.has(entry);
        let is_first = Filter::of_match(first, lines);
        match second.map(|second| Filter::of_match(second, lines)) {
            None => {
                for line in is_first.matching(lines.len()).iter() {
                    let entry = lines.entry(line as usize);
                    if let Some(ordinal) = orders.ledger.entries.ordinal(entry).filter(|_| counts(entry)) {
                        held.insert(ordinal);
                    }
                }
            }
            Some(is_second) => {
                for entry in range.clone().filter(|entry| counts(*entry)) {
                    if stand_together(lines.of(entry), &is_first, &is_second) {
                        orders.ledger.entries.ordinal(entry).into_iter().for_each(|ordinal| held.insert(ordinal));
                    }
                }
            }
        }
        self.one_by_one(node, late.into_iter(), &mut held)?;
        Ok(held)
    }

    fn of_identifiers(&self, namespace: &str, holds: &dyn Fn(u32) -> bool) -> Result<Bits> {
        let Some(code) = self.crowd.asking.records.nodes.namespaces.code(namespace) else {
            return Ok(self.everybody(holds(0)));
        };
        let counts = self.run.identifiers(&self.crowd.asking, code)?;
        Ok(Bits::of_column(counts.as_slice(), holds))
    }

    /// What was said about consent hangs on contacts, which people share: it is read contact by contact.
    fn of_consent(&self, node: &Node, within: &Bits) -> Result<Bits> {
        let (records, at) = (self.crowd.asking.records, self.crowd.at);
        if !self.run.people.is_whole() {
            return self.of_each(node, within);
        }
        let ((concerned, hits), of_nobody) = match node {
            Node::Consent { topic, answer } => {
                let (channel, purpose) = topic.names();
                let asked = (channel.as_deref(), Some(&*purpose));
                let of_contact = |contact: &Contact| contact.status(asked, at);
                let of_person = |answers: &[_]| answer.holds(together(answers.iter().copied()));
                (of_everybody(records, asked.0, at, &of_contact, &of_person)?, answer.holds(None))
            }
            Node::Suppressed { channel } => {
                let channel = label(channel);
                let of_contact = |contact: &Contact| contact.is_suppressed(&channel, at);
                let of_person = |answers: &[bool]| !answers.contains(&false);
                (of_everybody(records, Some(&channel), at, &of_contact, &of_person)?, false)
            }
            _ => return Ok(self.everybody(false)),
        };
        let mut held = self.run.people.places(&hits);
        if of_nobody {
            held.or(&self.run.people.places(&concerned).complement());
        }
        Ok(held)
    }
}

fn without(within: &Bits, other: &Bits) -> Bits {
    let mut left = within.clone();
    left.minus(other);
    left
}

/// Two different lines of an order, one for each.
fn stand_together(lines: std::ops::Range<usize>, first: &Filter<'_>, second: &Filter<'_>) -> bool {
    let (mut firsts, mut seconds, mut either) = (0u32, 0u32, 0u32);
    for line in lines {
        let (is_first, is_second) = (first.passes(line), second.passes(line));
        firsts += u32::from(is_first);
        seconds += u32::from(is_second);
        either += u32::from(is_first || is_second);
    }
    // One line that is both needs a second line to stand beside it.
    firsts > 0 && seconds > 0 && either > 1
}

/// The events of somebody who has none.
struct NoEvents;

impl Events for NoEvents {
    fn visit(&self, _: Option<Window>, _: Option<&str>, _: &mut Visit<'_>) -> Result<()> {
        Ok(())
    }

    fn calendar_day(&self, _: Timestamp) -> i64 {
        0
    }
}

/// The events of one person, read from columns.
struct OfColumns<'a> {
    crowd: &'a Crowd<'a>,
    ledger: &'a Ledger,
    counted: &'a Counted<'a>,
    ordinal: u32,
}

impl Events for OfColumns<'_> {
    fn visit(&self, window: Option<Window>, path: Option<&str>, visit: &mut Visit<'_>) -> Result<()> {
        let (after, to) = Window::bounds(window, self.crowd.at);
        let property = path.and_then(|path| self.ledger.property(path));
        for entry in self.ledger.entries.of(self.ordinal) {
            let Some(ts) = self.ledger.entries.ts(entry).filter(|ts| after < *ts && *ts <= to) else { continue };
            if !self.counted.has(entry) {
                continue;
            }
            let flow: ControlFlow<()> = visit(ts, property.map_or(Value::Missing, |property| property.value(entry)));
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn calendar_day(&self, ts: Timestamp) -> i64 {
        self.crowd.asking.records.reading.zone.day(ts)
    }
}
