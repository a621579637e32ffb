//! Live segments: kept current after every commit and every step of time.
//!
//! Time passes by cursors without state. A rule says at which distances from which events its truth can change (a
//! window `last(30d)`: 30 days after the event); advancing from L to L' looks at the events whose distance falls in
//! between, and at nobody else. So the persisted schedule is the live instant itself.

use super::book::Book;
use crate::Result;
use crate::base::{Rate, Timestamp};
use crate::column::rows::RowSet;
use crate::error::Error;
use crate::event::row::At;
use crate::fact::kind::Kind;
use crate::identity::change::Change;
use crate::identity::evidence::NONE;
use crate::identity::graph::NodeState;
use crate::profile::contacts::Hearing;
use crate::profile::person::Person;
use crate::profile::records::Records;
use crate::rule::node::{Segment, Universe};
use crate::segment::schedule::{Boundary, Input, boundaries, check_references, inputs, references};
use crate::segment::subject::Subject;
use ahash::AHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A defined segment and who is in it.
#[derive(Clone)]
pub(super) struct LiveSegment {
    pub(super) segment: Segment,
    /// What its membership depends on, references followed.
    inputs: Vec<Input>,
    boundaries: Vec<Boundary>,
    pub(super) members: RowSet,
}

/// Somebody entered or left a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crossing {
    pub(super) segment: String,
    pub(super) profile: u32,
    pub(super) entered: bool,
}

/// Rows to look at again, and why.
#[derive(Default)]
pub(super) struct Touched {
    rows: BTreeMap<u32, Reason>,
    /// The catalogue says something else.
    catalogue: bool,
    /// Some segment asks for consent.
    heeds_consent: bool,
    /// Shared identifiers found to lead no event.
    pub(super) leadless: Vec<u32>,
}

/// What a commit brought.
pub(super) struct News<'a> {
    /// Rows of the active tail.
    pub(super) rows: std::ops::Range<u32>,
    /// Facts that count no longer.
    pub(super) gone: &'a BTreeSet<At>,
    /// Identifiers with another state, and the state before.
    pub(super) moved: &'a [(u32, NodeState)],
    /// Shared identifiers whose events are attributed by another rule.
    pub(super) pooled: &'a BTreeSet<u32>,
}

/// The shared identifiers that an event names.
fn shared_names(records: &Records, at: At, shared: &mut BTreeSet<u32>) -> Result<()> {
    let mut nodes = Vec::new();
    records.events.nodes(at, &mut nodes)?;
    for named in nodes.iter().filter(|named| named.is_live()) {
        if records.nodes.state(named.node())?.is_shared() {
            shared.insert(named.node());
        }
    }
    Ok(())
}

/// What changed about a row.
#[derive(Default)]
struct Reason {
    /// Anything: its identifiers changed.
    all: bool,
    /// Events of these names came or went.
    names: BTreeSet<u16>,
    /// An order of the person changed.
    orders: bool,
    /// Something was said about consent of an identifier of the person.
    consent: bool,
    /// The catalogue says something else of a product.
    catalogue: bool,
    /// Exchange rates were recorded.
    rates: bool,
}

impl Touched {
    fn touch(&mut self, row: u32) -> &mut Reason {
        self.rows.entry(row).or_default()
    }

    /// Looks again at what a row answered about consent.
    pub(super) fn touch_consent(&mut self, row: u32) {
        self.touch(row).consent = true;
    }

    /// The rows whose consent is to be looked at again.
    pub(super) fn rows_for_consent(&self) -> Vec<u32> {
        self.rows.iter().filter(|(_, reason)| reason.all || reason.consent).map(|(row, _)| *row).collect()
    }

    /// Everybody, for any reason.
    pub(super) fn everything_of(rows: &[&RowSet]) -> Self {
        let mut touched = Self::default();
        for row in rows.iter().flat_map(|rows| rows.to_bitmap()) {
            touched.touch(row).all = true;
        }
        touched
    }

    /// Looks at the rows of another reason too.
    pub(super) fn add(&mut self, other: Self) {
        self.catalogue |= other.catalogue;
        for (row, reason) in other.rows {
            let own = self.touch(row);
            own.all |= reason.all;
            own.orders |= reason.orders;
            own.consent |= reason.consent;
            own.catalogue |= reason.catalogue;
            own.rates |= reason.rates;
            own.names.extend(reason.names);
        }
    }

    /// Everybody whom a commit can have changed: owners of its events, and of those it erased, of the orders they name,
    /// of events that time attributes differently now, and whoever got or lost an identifier.
    pub(super) fn by_commit(before: &Records, after: &Records, news: &News<'_>, heeds_consent: bool) -> Result<Self> {
        let mut touched = Self { heeds_consent, ..Self::default() };
        let mut hearings = [Hearing::new(before), Hearing::new(after)];
        let [heard_before, heard_after] = &mut hearings;
        let mut shared = news.pooled.clone();
        for at in news.rows.clone().map(|row| after.events.at_tail(row)) {
            shared_names(after, at, &mut shared)?;
            touched.by_event(heard_after, at)?;
        }
        // An erased event counts no longer, but was somebody's.
        for at in news.gone.iter().filter(|at| before.events.holds(**at)) {
            shared_names(before, *at, &mut shared)?;
            touched.by_event(heard_before, *at)?;
        }
        if touched.catalogue {
            for owner in after.owners_of_leaning()? {
                touched.touch(owner).orders = true;
            }
        }
        for (node, old) in news.moved {
            let new = after.nodes.state(*node)?;
            for row in [old.profile, new.profile].into_iter().filter(|row| *row != NONE) {
                touched.touch(row).all = true;
            }
            // A claimant that moved may take pooled events along; so may an identifier that is shared now, or was.
            for (neighbor, _) in after.nodes.neighbors(*node)? {
                if after.nodes.state(neighbor)?.is_shared() {
                    shared.insert(neighbor);
                }
            }
            if old.is_shared() || new.is_shared() {
                shared.insert(*node);
            }
            if old.is_shared() != new.is_shared() || !new.exists() {
                touched.by_sharing([before, after], *node, &mut shared)?;
            }
        }
        for node in shared {
            let pools = [before.pool_of_events(node)?, after.pool_of_events(node)?];
            if pools.last().is_some_and(|pool| pool.as_ref().is_some_and(|pool| !pool.leads())) {
                touched.leadless.push(node);
            }
            for owner in pools.into_iter().flatten().flat_map(|pool| pool.owners().collect::<Vec<_>>()) {
                touched.touch(owner).all = true;
            }
        }
        if heeds_consent {
            hearings.iter_mut().try_for_each(|hearing| touched.follow_contacts(hearing))?;
        }
        Ok(touched)
    }

    /// An identifier that is shared or gone now, or no more, gives its events to whoever else they name, or takes them:
    /// one of the profiles of their identifiers, or of whoever time says for those that are shared.
    fn by_sharing(&mut self, [before, after]: [&Records; 2], node: u32, shared: &mut BTreeSet<u32>) -> Result<()> {
        let mut nodes = Vec::new();
        for at in after.events.of_node(node)? {
            after.events.nodes(at, &mut nodes)?;
            for named in nodes.iter().filter(|named| named.is_live()).map(|named| named.node()) {
                for records in [before, after].into_iter().filter(|records| named < records.nodes.len()) {
                    if let Some(profile) = records.nodes.profile(named)? {
                        self.touch(profile).all = true;
                    }
                    if records.nodes.state(named)?.is_shared() {
                        shared.insert(named);
                    }
                }
            }
        }
        Ok(())
    }

    /// The owner of an event, and of the order that it names.
    fn by_event(&mut self, hearing: &mut Hearing<'_>, at: At) -> Result<()> {
        let records = hearing.records;
        let head = records.events.head(at)?;
        if head.kind == Kind::Product {
            self.catalogue = true;
        }
        if self.heeds_consent {
            self.by_consent(hearing, at, head)?;
        }
        if let Some(owner) = records.owner(at)?.profile() {
            self.touch(owner).names.insert(head.name);
        }
        if head.kind == Kind::Track && crate::profile::person::is_order(records.names.name(head.name)) {
            for other in records.order_siblings(at)? {
                if let Some(owner) = records.owner(other)?.profile() {
                    self.touch(owner).orders = true;
                }
            }
        }
        Ok(())
    }
}

impl LiveSegment {
    /// A segment without members yet; `known` are the segments that it may refer to.
    fn new(segment: Segment, known: &[Arc<Self>]) -> Self {
        let find = |name: &str| known.iter().find(|live| live.segment.name() == name);
        let mut inputs = inputs(segment.rule());
        let mut boundaries = boundaries(segment.rule());
        for live in references(segment.rule()).into_iter().filter_map(find) {
            inputs.extend(live.inputs.iter().cloned());
            boundaries.extend(live.boundaries.iter().cloned());
        }
        Self { segment, inputs, boundaries, members: RowSet::default() }
    }

    /// Whether a change of that kind can change membership.
    fn depends_on(&self, reason: &Reason, records: &Records) -> bool {
        reason.all
            || self.inputs.iter().any(|input| match input {
                Input::Event(name) => records.names.code(name).is_some_and(|code| reason.names.contains(&code)),
                Input::Trait(_) => records.identify_code().is_some_and(|code| reason.names.contains(&code)),
                Input::Orders => reason.orders,
                Input::Consent => reason.consent,
                Input::Catalogue => reason.catalogue,
                Input::Rates => reason.rates,
                Input::Identity | Input::Segment(_) => false,
            })
    }

    /// The segments that it refers to.
    pub(super) fn references(&self) -> Vec<&str> {
        references(self.segment.rule())
    }

    /// Segments as they were stored, with their members, by name.
    pub(super) fn restore_all(stored: Vec<(Segment, RowSet)>) -> Vec<Arc<Self>> {
        let mut open = stored;
        let mut all: Vec<Arc<Self>> = Vec::new();
        // A segment's inputs include those of the segments that it refers to, so these come first; references form no
        // circle, so each round places one.
        while !open.is_empty() {
            let placed = |name: &str| all.iter().any(|live| live.segment.name() == name);
            let ready = open.iter().position(|(segment, _)| references(segment.rule()).into_iter().all(placed));
            let (segment, members) = open.remove(ready.unwrap_or(0));
            let live = Self { members, ..Self::new(segment, &all) };
            all.push(Arc::new(live));
        }
        all.sort_by(|a, b| a.segment.name().cmp(b.segment.name()));
        all
    }
}

/// Whether a person is a member, references evaluated on the same records.
pub(super) fn is_member(
    segment: &Segment,
    person: &Person<'_>,
    known: bool,
    segments: &[Arc<LiveSegment>],
    at: Timestamp,
) -> Result<bool> {
    let find = |name: &str| segments.iter().find(|live| live.segment.name() == name).map(|live| live.segment.clone());
    crate::segment::evaluate::is_member(segment, &Subject::new(person, known, &find), at)
}

impl Book {
    fn now(&self) -> Timestamp {
        self.live.unwrap_or(Timestamp::MAX)
    }

    /// Looks again at the touched rows, and says who entered or left what.
    pub(super) fn reevaluate(
        &mut self,
        records: &Records,
        mut touched: Touched,
        changes: &[Change],
    ) -> Result<Vec<Crossing>> {
        // Nothing tells who bought what, so everybody is looked at; a catalogue changes once a night.
        if touched.catalogue && self.segments.iter().any(|live| live.inputs.contains(&Input::Catalogue)) {
            self.all.to_bitmap().iter().for_each(|row| touched.touch(row).catalogue = true);
        }
        let mut segments: Vec<Arc<LiveSegment>> = self.segments.iter().map(Arc::clone).collect();
        let mut crossings = Vec::new();
        let names = Succession::new(changes);
        let mut verdicts: AHashMap<(usize, u32), bool> = AHashMap::new();
        for (row, reason) in &touched.rows {
            if !self.all.contains(*row) {
                continue;
            }
            let affected: Vec<usize> = (0..segments.len())
                .filter(|at| segments.get(*at).is_some_and(|live| live.depends_on(reason, records)))
                .collect();
            if affected.is_empty() {
                continue;
            }
            let person = Person::read(records, *row)?;
            for at in affected {
                let Some(live) = segments.get(at) else { continue };
                let member = is_member(&live.segment, &person, self.known.contains(*row), &self.segments, self.now())?;
                verdicts.insert((at, *row), member);
            }
        }
        for (at, live) in segments.iter_mut().enumerate() {
            for row in touched.rows.keys() {
                let verdict = verdicts.get(&(at, *row)).copied();
                let gone = !self.all.contains(*row);
                let Some(member) = verdict.or(gone.then_some(false)) else { continue };
                let was = live.members.contains(*row);
                let came = names.old.get(row).is_some_and(|old| live.members.contains(*old));
                // Whoever goes on under another name, or inside somebody else, neither left nor entered.
                let heir = if gone { names.heirs.get(row) } else { None };
                let goes_on = heir.is_some_and(|heir| {
                    verdicts.get(&(at, *heir)).copied().unwrap_or_else(|| live.members.contains(*heir))
                });
                // Of a renamed profile that is no member any more, the old name left; the new one never was in.
                let crossed = if member { !(was || came) } else { was };
                if crossed && !goes_on {
                    let segment = live.segment.name().to_owned();
                    crossings.push(Crossing { segment, profile: *row, entered: member });
                }
            }
            let differs = |row: &&u32| {
                let member = verdicts.get(&(at, **row)).copied().unwrap_or_else(|| live.members.contains(**row));
                (member && self.all.contains(**row)) != live.members.contains(**row)
            };
            let flips: Vec<u32> = touched.rows.keys().filter(differs).copied().collect();
            if !flips.is_empty() {
                let members = &mut Arc::make_mut(live).members;
                flips.into_iter().for_each(|row| {
                    let member = !members.contains(row);
                    members.put(row, member);
                });
            }
        }
        self.segments = Arc::new(segments);
        crossings.sort();
        Ok(crossings)
    }

    /// Moves the live instant to `to`, unless it is there already, and says who entered or left by the passing of time.
    pub(super) fn advance(&mut self, to: Timestamp) -> Result<Vec<Crossing>> {
        let touched = self.pass_time(to)?;
        let records = self.records();
        self.reevaluate(&records, touched, &[])
    }

    /// Moves the live instant to `to`, unless it is there already, and says whom to look at again.
    pub(super) fn pass_time(&mut self, to: Timestamp) -> Result<Touched> {
        let mut touched = Touched::default();
        let from = match self.live {
            Some(live) if to <= live => return Ok(touched),
            live => live,
        };
        self.live = Some(to);
        if self.segments.is_empty() {
            return Ok(touched);
        }
        match from {
            // Until now the store saw everything; from now on the future is invisible.
            None => touched = Touched::everything_of(&[&self.all]),
            Some(from) => self.touch_between(&self.records(), from, to, &mut touched)?,
        }
        Ok(touched)
    }

    /// Touches whoever has an event at a distance that the step from `from` to `to` passes over.
    fn touch_between(&self, records: &Records, from: Timestamp, to: Timestamp, touched: &mut Touched) -> Result<()> {
        let mut hearing = Hearing::new(records);
        for (name, offset_ms) in self.cursors(records) {
            let back = |at: Timestamp| at.plus_millisecond(offset_ms.saturating_neg());
            for at in records.events.in_window(name, back(from), back(to))? {
                // All of a row's segments are cheap to look at compared with reading the row.
                if let Some(owner) = records.owner(at)?.profile() {
                    touched.touch(owner).all = true;
                }
                let mut siblings = Touched { heeds_consent: self.heeds_consent(), ..Touched::default() };
                siblings.by_event(&mut hearing, at)?;
                siblings.rows.into_keys().for_each(|row| touched.touch(row).all = true);
            }
        }
        if self.heeds_consent() { touched.follow_contacts(&mut hearing) } else { Ok(()) }
    }

    /// Whether some live segment asks for consent.
    pub(super) fn heeds_consent(&self) -> bool {
        self.segments.iter().any(|live| live.inputs.contains(&Input::Consent))
    }

    /// The distinct (event name, distance) pairs that live segments wait for.
    fn cursors(&self, records: &Records) -> BTreeSet<(u16, i64)> {
        let order_names = ["Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"];
        let mut cursors = BTreeSet::new();
        for boundary in self.segments.iter().flat_map(|live| &live.boundaries) {
            let names: Vec<&str> = match &boundary.input {
                Input::Event(name) => vec![name.as_str()],
                Input::Trait(_) => vec![Kind::Identify.name()],
                Input::Orders => order_names.to_vec(),
                // Any message can carry consent.
                Input::Consent => records.names.iter().collect(),
                Input::Catalogue | Input::Rates | Input::Identity | Input::Segment(_) => Vec::new(),
            };
            cursors.extend(names.into_iter().filter_map(|name| Some((records.names.code(name)?, boundary.offset_ms))));
        }
        cursors
    }

    /// The next instant at which time alone can change a membership; never later than the true one.
    pub(super) fn next_change(&self, records: &Records) -> Result<Option<Timestamp>> {
        let Some(live) = self.live else { return Ok(None) };
        let mut next: Option<Timestamp> = None;
        for (name, offset_ms) in self.cursors(records) {
            let after = live.plus_millisecond(offset_ms.saturating_neg());
            let here = records.events.next_time(name, after)?.map(|ts| ts.plus_millisecond(offset_ms));
            next = [next, here].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Adds a segment, or replaces the one of that name, and says who is in it now: a new one counts as empty before.
    ///
    /// Segments that refer to it are worked out anew too.
    pub(super) fn define(&mut self, segment: Segment) -> Result<Vec<Crossing>> {
        let rule = |other: &str| {
            self.segments.iter().find(|live| live.segment.name() == other).map(|live| live.segment.rule())
        };
        check_references(segment.name(), segment.rule(), &rule)?;
        let mut stale = vec![segment];
        let mut crossings = Vec::new();
        let mut at = 0;
        while let Some(name) = stale.get(at).map(|segment| segment.name().to_owned()) {
            at += 1;
            for live in self.segments.iter().filter(|live| references(live.segment.rule()).contains(&name.as_str())) {
                // Whoever is reached twice is worked out after the later one: a DAG ends.
                stale.retain(|segment| segment.name() != live.segment.name());
                stale.push(live.segment.clone());
            }
        }
        for segment in stale {
            crossings.extend(self.put(segment)?);
        }
        Ok(net(crossings))
    }

    /// Records exchange rates, and says who entered or left by them.
    pub(super) fn record_rates(&mut self, rates: &[Rate]) -> Result<Vec<Crossing>> {
        let known = Arc::make_mut(&mut self.rates);
        rates.iter().for_each(|rate| known.record(*rate));
        let records = self.records();
        let mut touched = Touched::default();
        let read =
            |live: &Arc<LiveSegment>| [Input::Orders, Input::Rates].iter().any(|read| live.inputs.contains(read));
        if self.segments.iter().any(read) {
            for row in &self.all.to_bitmap() {
                let reason = touched.touch(row);
                (reason.orders, reason.rates) = (true, true);
            }
        }
        self.reevaluate(&records, touched, &[])
    }

    /// Works out a segment and puts it in its place among the others.
    fn put(&mut self, segment: Segment) -> Result<Vec<Crossing>> {
        let name = segment.name().to_owned();
        let mut crossings = self.undefine(&name);
        let mut live = LiveSegment::new(segment, &self.segments);
        let records = self.records();
        live.members = super::members::evaluate(
            &records,
            self.universe(&live.segment),
            &self.known,
            &self.segments,
            &live.segment,
            self.now(),
        )?;
        let entered = live.members.to_bitmap();
        crossings.extend(entered.iter().map(|profile| Crossing { segment: name.clone(), profile, entered: true }));
        let mut segments: Vec<Arc<LiveSegment>> = self.segments.iter().map(Arc::clone).collect();
        segments.push(Arc::new(live));
        segments.sort_by(|a, b| a.segment.name().cmp(b.segment.name()));
        self.segments = Arc::new(segments);
        Ok(crossings)
    }

    /// Removes a segment, and says who left it.
    pub(super) fn undefine(&mut self, name: &str) -> Vec<Crossing> {
        let Some(live) = self.segments.iter().find(|live| live.segment.name() == name).map(Arc::clone) else {
            return Vec::new();
        };
        self.segments =
            Arc::new(self.segments.iter().filter(|other| other.segment.name() != name).map(Arc::clone).collect());
        let members = live.members.to_bitmap();
        members.iter().map(|profile| Crossing { segment: name.to_owned(), profile, entered: false }).collect()
    }

    /// Refuses to undefine what another segment refers to.
    pub(super) fn check_unreferenced(&self, name: &str) -> Result<()> {
        let user = self.segments.iter().find(|live| references(live.segment.rule()).contains(&name));
        user.map_or(Ok(()), |live| {
            let text = format!("segment {:?} refers to {name:?}; undefine or change it first", live.segment.name());
            Err(Error::invalid(text))
        })
    }

    /// Whether anonymous visitors count for a segment.
    pub(super) fn universe(&self, segment: &Segment) -> &RowSet {
        match segment.universe() {
            Universe::Known => &self.known,
            Universe::All => &self.all,
        }
    }
}

/// Who left and entered again by one change did neither.
fn net(mut crossings: Vec<Crossing>) -> Vec<Crossing> {
    crossings.sort();
    let mut net: Vec<Crossing> = Vec::new();
    for crossing in crossings {
        match net.last() {
            Some(last) if last.segment == crossing.segment && last.profile == crossing.profile => {
                net.pop();
            }
            _ => net.push(crossing),
        }
    }
    net
}

/// Who goes on as whom after some changes.
struct Succession {
    /// Of a profile with another name: the old one.
    old: AHashMap<u32, u32>,
    /// Of a row that ends: the one that it goes on as.
    heirs: AHashMap<u32, u32>,
}

impl Succession {
    fn new(changes: &[Change]) -> Self {
        let (mut old_names, mut heirs) = (AHashMap::new(), AHashMap::new());
        for change in changes {
            match change {
                Change::Renamed { old, new } => {
                    old_names.insert(*new, *old);
                    heirs.insert(*old, *new);
                }
                Change::Merged { into, from } => _ = heirs.insert(*from, *into),
                _ => {}
            }
        }
        Self { old: old_names, heirs }
    }
}
