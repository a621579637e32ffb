//! Live segments: kept current after every commit and every step of time.
//!
//! Time passes by cursors without state. A rule says at which distances from which events its truth can change (a
//! window `last(30d)`: 30 days after the event); advancing from L to L' looks at the events whose distance falls in
//! between, and at nobody else. So the persisted schedule is the live instant itself.

use super::book::Book;
use super::everybody::Everybody;
use super::live_segment::{Crossing, LiveSegment, is_member};
use super::state::State;
use super::touched::Touched;
use crate::Result;
use crate::base::{Rate, Timestamp};
use crate::column::rows::RowSet;
use crate::error::Error;
use crate::fact::kind::Kind;
use crate::identity::change::Change;
use crate::profile::contacts::Hearing;
use crate::profile::person::Person;
use crate::profile::records::Records;
use crate::rule::node::Segment;
use crate::segment::schedule::{Input, check_references, references};
use ahash::AHashMap;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// About what it costs to read a person, to test a rule of theirs, and to pass a person in a scan.
const READ_NS: u64 = 150_000;
const TEST_NS: u64 = 2_000;
const SCAN_NS: u64 = 2;
/// So few are looked at person by person in any case.
const FEW_PASSED: u64 = 8;

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
        if let Some(names) = self.passed_by_many(to)? {
            self.live = Some(to);
            return self.evaluate_again(&names);
        }
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

    /// The segments that a step of time concerns, where it passes so much that they are sooner evaluated over everybody than
    /// looked at again person by person.
    fn passed_by_many(&self, to: Timestamp) -> Result<Option<Vec<String>>> {
        let names = |live: &Arc<LiveSegment>| live.segment.name().to_owned();
        let from = match self.live {
            Some(live) if to <= live => return Ok(None),
            // The future is invisible from now on: that concerns all that looks at anything with a time.
            None => return Ok((!self.segments.is_empty()).then(|| self.segments.iter().map(names).collect())),
            Some(live) => live,
        };
        let records = self.records();
        let waiting: Vec<_> = self.segments.iter().map(|live| (live, cursors_of(live, &records))).collect();
        let mut passing = BTreeMap::new();
        for cursor in waiting.iter().flat_map(|(_, cursors)| cursors).collect::<BTreeSet<_>>() {
            passing.insert(cursor, Self::passing(&records, *cursor, from, to)?);
        }
        let (passed, segments) = (passing.values().sum::<u64>(), self.segments.len() as u64);
        let (one_by_one, at_once) = (passed * (READ_NS + segments * TEST_NS), segments * self.all.len() * SCAN_NS);
        if passed < FEW_PASSED || one_by_one < at_once {
            return Ok(None);
        }
        let is_concerned =
            |cursors: &BTreeSet<_>| cursors.iter().any(|cursor| passing.get(cursor).is_some_and(|any| *any > 0));
        let concerned = waiting.iter().filter(|(_, cursors)| is_concerned(cursors));
        Ok(Some(concerned.map(|(live, _)| names(live)).collect()))
    }

    /// How many events a step of time passes at a distance.
    fn passing(records: &Records, (name, offset_ms): (u16, i64), from: Timestamp, to: Timestamp) -> Result<u64> {
        let back = |at: Timestamp| at.plus_millisecond(offset_ms.saturating_neg());
        Ok(records.events.in_window(name, back(from), back(to))?.len() as u64)
    }

    /// Evaluates live segments over everybody, and says who entered or left.
    fn evaluate_again(&mut self, names: &[String]) -> Result<Vec<Crossing>> {
        let records = self.records();
        let mut segments: Vec<Arc<LiveSegment>> = self.segments.iter().map(Arc::clone).collect();
        let mut crossings = Vec::new();
        for live in segments.iter_mut().filter(|live| names.iter().any(|name| name == live.segment.name())) {
            let (before, after) = (live.members.to_bitmap(), self.evaluated(&records, &live.segment)?);
            let crossing =
                |profile: u32, entered| Crossing { segment: live.segment.name().to_owned(), profile, entered };
            crossings.extend((&after - &before).iter().map(|row| crossing(row, true)));
            crossings.extend((&before - &after).iter().map(|row| crossing(row, false)));
            if after != before {
                Arc::make_mut(live).members = RowSet::from(&after);
            }
        }
        self.segments = Arc::new(segments);
        crossings.sort();
        Ok(crossings)
    }

    /// The rows of the members of a segment now.
    fn evaluated(&self, records: &Records, segment: &Segment) -> Result<RoaringBitmap> {
        let everybody = Everybody {
            records,
            people: &self.people,
            all: &self.all,
            known: &self.known,
            segments: &self.segments,
            commit: self.people.commit(),
        };
        Ok(everybody.members(segment, self.now())?.rows())
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
        self.segments.iter().flat_map(|live| cursors_of(live, records)).collect()
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
        self.people.reset();
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
        let entered = self.evaluated(&records, &live.segment)?;
        live.members = RowSet::from(&entered);
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
}

/// The distinct (event name, distance) pairs that a live segment waits for.
fn cursors_of(live: &LiveSegment, records: &Records) -> BTreeSet<(u16, i64)> {
    let order_names = ["Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"];
    let mut cursors = BTreeSet::new();
    for boundary in &live.boundaries {
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
pub(super) fn next_change(state: &State) -> Result<Option<Timestamp>> {
    let Some(live) = state.live else { return Ok(None) };
    let mut next: Option<Timestamp> = None;
    let cursors = state.segments.iter().flat_map(|live| cursors_of(live, &state.records));
    for (name, offset_ms) in cursors.collect::<BTreeSet<_>>() {
        let after = live.plus_millisecond(offset_ms.saturating_neg());
        let here = state.records.events.next_time(name, after)?.map(|ts| ts.plus_millisecond(offset_ms));
        next = [next, here].into_iter().flatten().min();
    }
    Ok(next)
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
