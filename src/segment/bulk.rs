//! Who, of everybody: rules evaluated over columns and bitmaps, not person by person.
//!
//! A combinator works on bitmaps. A leaf first asks what it says of somebody without any data; only people who have
//! data of its input are looked at, and for the common leaves that takes no more than a scan of one projection: counts
//! of events in a window, the winning value of a trait, measures of orders. What is left (conditions on properties and
//! lines, sequences of windows) reads the people concerned one by one, and comes last inside an `and`.

use super::condition::{count_value, trait_paths, trait_value_holds};
use super::evaluate::holds;
use super::orders::Totals;
use super::person::{EventRef, LineView, OrderView, Person as Asked};
use super::subject::{Subject, amounts};
use crate::Result;
use crate::base::Timestamp;
use crate::base::config::TraitPick;
use crate::base::doc::Doc;
use crate::base::name::{label, nfc};
use crate::column::rows::RowSet;
use crate::event::row::At;
use crate::fact::kind::Kind;
use crate::normalize::consent::ConsentStatus;
use crate::profile::consent::{Contact, together};
use crate::profile::contacts::of_everybody;
use crate::profile::orders::Settled;
use crate::profile::person::{Person, currency_of};
use crate::profile::records::Records;
use crate::rule::compare::{Test, Value};
use crate::rule::node::{Ask, EventNode, Measure, Node, OrdersNode, Rule, Segment, Topic, Universe, Window};
use ahash::AHashMap;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Takes an owner, the event, its time and the value.
type TraitVisitor<'v> = dyn FnMut(u32, At, Timestamp, &[u8]) -> Result<()> + 'v;

/// Everybody, as of one commit and one instant.
pub(crate) struct Crowd<'a> {
    pub(crate) records: &'a Records,
    pub(crate) known: &'a RowSet,
    pub(crate) at: Timestamp,
    /// The segments that rules may refer to.
    pub(crate) find: &'a dyn Fn(&str) -> Option<Segment>,
}

impl Crowd<'_> {
    /// The rows of `within` for which the rule holds.
    pub(crate) fn rows(&self, rule: &Rule, within: &RoaringBitmap) -> Result<RoaringBitmap> {
        self.node(&rule.0, within)
    }

    /// As deep as the rule, which parsing and definition bound.
    fn node(&self, node: &Node, within: &RoaringBitmap) -> Result<RoaringBitmap> {
        if within.is_empty() {
            return Ok(RoaringBitmap::new());
        }
        match node {
            Node::And(rules) => {
                let mut left = within.clone();
                for rule in quick_first(rules) {
                    left = self.node(rule, &left)?;
                }
                Ok(left)
            }
            Node::Or(rules) => {
                let mut left = within.clone();
                for rule in quick_first(rules) {
                    left -= self.node(rule, &left)?;
                }
                Ok(within - left)
            }
            Node::Not(rule) => Ok(within - self.node(rule, within)?),
            Node::AtLeast(needed, rules) => self.at_least(*needed, rules, within),
            Node::Segment(name) => self.reference(name, within),
            Node::Anonymous => Ok(within - self.known.to_bitmap()),
            Node::Has { .. } | Node::Identifiers { .. } => self.one_by_one(node, within),
            Node::Trait { .. }
            | Node::Event(_)
            | Node::Orders(_)
            | Node::Consent { .. }
            | Node::Suppressed { .. }
            | Node::Bought { .. }
            | Node::BoughtTogether { .. } => self.leaf(node, within),
        }
    }

    fn at_least(&self, needed: u32, rules: &[Node], within: &RoaringBitmap) -> Result<RoaringBitmap> {
        let mut held: AHashMap<u32, u32> = AHashMap::new();
        for rule in rules {
            for row in self.node(rule, within)? {
                *held.entry(row).or_default() += 1;
            }
        }
        Ok(within.iter().filter(|row| held.get(row).copied().unwrap_or(0) >= needed).collect())
    }

    fn reference(&self, name: &str, within: &RoaringBitmap) -> Result<RoaringBitmap> {
        let segment = (self.find)(name).ok_or_else(|| super::subject::undefined(name))?;
        match segment.universe() {
            Universe::All => self.rows(segment.rule(), within),
            Universe::Known => self.rows(segment.rule(), &(within & self.known.to_bitmap())),
        }
    }

    /// A leaf about data that most people may not have.
    fn leaf(&self, node: &Node, within: &RoaringBitmap) -> Result<RoaringBitmap> {
        let without_data = holds(node, &Nobody, self.at)?;
        let (concerned, mut hits) = match self.scan(node)? {
            Some((concerned, hits)) => (concerned, hits & within),
            None => {
                let concerned = self.concerned(node)?;
                let hits = self.one_by_one(node, &(within & &concerned))?;
                (concerned, hits)
            }
        };
        if without_data {
            hits |= within - concerned;
        }
        Ok(hits)
    }

    fn one_by_one(&self, node: &Node, within: &RoaringBitmap) -> Result<RoaringBitmap> {
        let mut hits = RoaringBitmap::new();
        for row in within {
            let person = Person::read(self.records, row)?;
            if holds(node, &Subject::new(&person, self.known.contains(row), self.find), self.at)? {
                hits.insert(row);
            }
        }
        Ok(hits)
    }

    /// Everybody with data that a leaf reads.
    fn concerned(&self, node: &Node) -> Result<RoaringBitmap> {
        let mut rows = RoaringBitmap::new();
        match node {
            Node::Event(event) => rows.extend(self.counts(&event.name, Timestamp::MIN, self.at)?.keys()),
            Node::Trait { path, .. } => {
                for (name, _) in trait_paths(path) {
                    self.visit_trait(name, &mut |row, _, _, _| {
                        rows.insert(row);
                        Ok(())
                    })?;
                }
            }
            _ => {
                for (_, at, _) in self.records.events.all_orders()? {
                    rows.extend(self.records.owner(at)?.profile());
                }
            }
        }
        Ok(rows)
    }

    /// The common leaves by a scan: who is concerned, and for whom of them it holds.
    fn scan(&self, node: &Node) -> Result<Option<(RoaringBitmap, RoaringBitmap)>> {
        match node {
            Node::Event(EventNode { name, shop: None, filter: None, ask }) => match ask {
                Ask::Did(window) => self.count(name, *window, &|count| count > 0),
                Ask::Measure(Measure::Count, window, test) => {
                    self.count(name, *window, &|count| test.holds(count_value(count)))
                }
                _ => Ok(None),
            },
            Node::Trait { path, test } if self.latest_wins(path) => self.trait_verdicts(path, test).map(Some),
            Node::Orders(orders) if orders.filter.is_none() && orders.shop.is_none() => self.orders(orders).map(Some),
            Node::Consent { topic, answer } => {
                let (channel, purpose) = topic.names();
                let asked = (channel.as_deref(), Some(&*purpose));
                let of_contact = |contact: &Contact| contact.status(asked, self.at);
                let of_person = |answers: &[_]| answer.holds(together(answers.iter().copied()));
                of_everybody(self.records, asked.0, self.at, &of_contact, &of_person).map(Some)
            }
            Node::Suppressed { channel } => {
                let channel = label(channel);
                let of_contact = |contact: &Contact| contact.is_suppressed(&channel, self.at);
                let of_person = |answers: &[bool]| !answers.contains(&false);
                of_everybody(self.records, Some(&channel), self.at, &of_contact, &of_person).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn count(
        &self,
        name: &str,
        window: Option<Window>,
        holds: &dyn Fn(usize) -> bool,
    ) -> Result<Option<(RoaringBitmap, RoaringBitmap)>> {
        let (after, to) = Window::bounds(window, self.at);
        let counts = self.counts(name, after, to)?;
        let hits = counts.iter().filter(|(_, count)| holds(**count)).map(|(row, _)| *row).collect();
        Ok(Some((counts.keys().copied().collect(), hits)))
    }

    /// How many events of a name each person has in `(after, to]`.
    fn counts(&self, name: &str, after: Timestamp, to: Timestamp) -> Result<AHashMap<u32, usize>> {
        let mut counts = AHashMap::new();
        let Some(code) = self.records.names.code(name) else { return Ok(counts) };
        let mut nodes = Vec::new();
        for at in self.records.events.in_window(code, after, to)? {
            self.records.events.nodes(at, &mut nodes)?;
            if let Some(owner) = self.records.owner_among(at, &nodes)?.profile() {
                *counts.entry(owner).or_default() += 1;
            }
        }
        Ok(counts)
    }

    fn latest_wins(&self, path: &str) -> bool {
        let plain = |name: &str| {
            self.records
                .reading
                .traits
                .get(&*nfc(name))
                .is_none_or(|rule| rule.rule == TraitPick::Latest && rule.kind.is_none())
        };
        trait_paths(path).all(|(name, _)| plain(name))
    }

    /// Visits every value that was set for a top-level trait up to now, with its owner.
    fn visit_trait(&self, name: &str, visit: &mut TraitVisitor<'_>) -> Result<()> {
        let (Some(code), Some(identify)) =
            (self.records.trait_names.code(name), self.records.names.code(Kind::Identify.name()))
        else {
            return Ok(());
        };
        self.records.events.trait_rows(code, name, identify, &mut |row| {
            let ts = self.records.events.head(row.at)?.ts;
            let owner = if ts <= self.at { self.records.owner(row.at)?.profile() } else { None };
            owner.map_or(Ok(()), |owner| visit(owner, row.at, ts, &row.value))
        })
    }

    /// Who has any of the traits that a path may start in, and for whom the test holds. Of each value only the verdict
    /// is kept.
    fn trait_verdicts(&self, path: &str, test: &Test) -> Result<(RoaringBitmap, RoaringBitmap)> {
        let without = trait_value_holds(std::iter::empty(), test);
        // By the first trait that has something at the path; what others say then does not count.
        let mut verdicts: AHashMap<u32, bool> = AHashMap::new();
        let mut concerned = RoaringBitmap::new();
        for (name, tail) in trait_paths(path) {
            for (owner, latest) in self.latest(name, tail, test)? {
                concerned.insert(owner);
                if let Some(verdict) = latest {
                    verdicts.entry(owner).or_insert(verdict);
                }
            }
        }
        let holds = |row: &u32| verdicts.get(row).copied().unwrap_or(without);
        let hits = concerned.iter().filter(holds).collect();
        Ok((concerned, hits))
    }

    /// The verdict on each person's latest value of one trait; `None` where nothing is at the path.
    fn latest<'t>(
        &self,
        name: &str,
        tail: Option<&'t str>,
        test: &'t Test,
    ) -> Result<impl Iterator<Item = (u32, Option<bool>)>> {
        let mut latest: AHashMap<u32, (Timestamp, At, Option<bool>)> = AHashMap::new();
        self.visit_trait(name, &mut |owner, at, ts, value| {
            let wins = match latest.get(&owner) {
                None => true,
                Some((known, known_at, _)) if *known == ts => {
                    self.records.message_id(*known_at)? < self.records.message_id(at)?
                }
                Some((known, ..)) => *known < ts,
            };
            if wins {
                let value = Some(Doc::new(value)).filter(|value| !value.is_null());
                let verdict = value.and_then(|value| verdict(value, tail, test));
                latest.insert(owner, (ts, at, verdict));
            }
            Ok(())
        })?;
        Ok(latest.into_iter().map(|(owner, (.., verdict))| (owner, verdict)))
    }

    fn orders(&self, node: &OrdersNode) -> Result<(RoaringBitmap, RoaringBitmap)> {
        let (after, to) = Window::bounds(node.window, self.at);
        let (mut concerned, mut hits) = (RoaringBitmap::new(), RoaringBitmap::new());
        let decimals = self.records.reading.currency.map_or(2, |currency| currency.decimals());
        for (row, mut orders) in self.settled()? {
            orders.sort_by_key(|order| order.ts);
            let currency = currency_of(self.records, &orders);
            let mut totals = Totals::default();
            for order in orders.iter().filter(|order| after < order.ts && order.ts <= to) {
                totals.add(&amounts(order, currency, &self.records.rates));
            }
            concerned.insert(row);
            if node.test.holds(totals.measure(node.measure, self.at, decimals)) {
                hits.insert(row);
            }
        }
        Ok((concerned, hits))
    }

    /// Every order and lone refund, by owner.
    fn settled(&self) -> Result<AHashMap<u32, Vec<Settled>>> {
        let mut all: AHashMap<u32, Vec<Settled>> = AHashMap::new();
        self.records.visit_settled(self.at, &mut |settled| {
            if let Some(owner) = settled.owner {
                all.entry(owner).or_default().push(settled);
            }
        })?;
        Ok(all)
    }
}

/// What the test says of the value at a path inside a trait; `None` where nothing is there.
fn verdict(value: Doc<'_>, tail: Option<&str>, test: &Test) -> Option<bool> {
    let found = Value::of(tail.map_or(Some(value), |tail| value.path(tail)));
    (!matches!(found, Value::Missing)).then(|| test.holds(found))
}

/// Leaves that a scan answers before those that read people one by one, so that these see fewer.
fn quick_first(rules: &[Node]) -> impl Iterator<Item = &Node> {
    rules.iter().filter(|node| !is_slow(node)).chain(rules.iter().filter(|node| is_slow(node)))
}

fn is_slow(node: &Node) -> bool {
    match node {
        Node::Event(event) => {
            event.filter.is_some()
                || event.shop.is_some()
                || !matches!(event.ask, Ask::Did(_) | Ask::Measure(Measure::Count, ..))
        }
        Node::Orders(orders) => orders.filter.is_some() || orders.shop.is_some(),
        Node::Bought { .. } | Node::BoughtTogether { .. } | Node::Has { .. } | Node::Identifiers { .. } => true,
        Node::Trait { .. } | Node::Anonymous | Node::Segment(_) | Node::Consent { .. } | Node::Suppressed { .. } => {
            false
        }
        Node::And(_) | Node::Or(_) | Node::Not(_) | Node::AtLeast(..) => node.children().iter().any(is_slow),
    }
}

/// Somebody of whom nothing is known: what a leaf says of everybody without its data.
struct Nobody;

impl Asked for Nobody {
    fn trait_value(&self, _: &str, _: Timestamp) -> Result<Option<Cow<'_, [u8]>>> {
        Ok(None)
    }

    fn visit_events(
        &self,
        _: &str,
        _: Timestamp,
        _: Timestamp,
        _: &mut dyn FnMut(EventRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        Ok(())
    }

    fn orders(&self, _: Timestamp) -> Result<Vec<OrderView<'_>>> {
        Ok(Vec::new())
    }

    fn lines(&self, _: &EventRef<'_>) -> Result<Vec<LineView>> {
        Ok(Vec::new())
    }

    fn consent(&self, _: &Topic, _: Timestamp) -> Result<Option<ConsentStatus>> {
        Ok(None)
    }

    fn is_suppressed(&self, _: &str, _: Timestamp) -> Result<bool> {
        Ok(false)
    }

    fn count_identifiers(&self, _: &str) -> Result<usize> {
        Ok(0)
    }

    fn is_known(&self) -> Result<bool> {
        Ok(false)
    }

    fn currency_decimals(&self) -> u8 {
        2
    }

    fn calendar_day(&self, _: Timestamp) -> i64 {
        0
    }

    fn is_member(&self, _: &str, _: Timestamp) -> Result<bool> {
        Ok(false)
    }
}
