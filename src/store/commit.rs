//! One commit: admit, log, resolve, apply, re-evaluate, and make durable.

use super::batch::{Batch, Counted};
use super::book::{Applied, Hints, Known, TYPE_NAMES};
use super::inner::Inner;
use super::measured::Writing;
use super::options::Durability;
use super::receipt::Receipt;
use super::record::{encode_facts, encode_rates, kind};
use super::state::State;
use super::writer::Writer;
use crate::Result;
use crate::base::{Rate, Timestamp};
use crate::error::Error;
use crate::event::feed::Cause;
use crate::event::keys::traits_of;
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::{IdRef, set_bits};
use crate::fact::named::Named;
use crate::fact::view::Fact;
use crate::identity::change::Change;
use crate::message::{Limit, Reason};
use crate::rule::node::Segment;
use ahash::{AHashMap, AHashSet};
use std::borrow::Cow;
use std::sync::Arc;

/// With more profiles than this a definition is sealed at once.
const SLOW_TO_DEFINE: u64 = 50_000;

impl Inner {
    /// Takes in a batch: all of it or nothing. Durable when this returns, as far as the store's durability says.
    pub(super) fn commit(&self, batch: Batch, advance: Option<Timestamp>) -> Result<Receipt> {
        self.commit_with(self.writer.lock(), batch, advance)
    }

    /// The same, by a caller who has the writer already.
    pub(super) fn commit_with(
        &self,
        mut writer: Writing<'_>,
        mut batch: Batch,
        advance: Option<Timestamp>,
    ) -> Result<Receipt> {
        let known = &mut *writer;
        batch.recast(self.normalizer.namespaces(), &known.book.nodes.namespaces);
        known.book.sealed.learn(&known.parts);
        let accepted = self.admit(&writer, &mut batch)?;
        let mut receipt = std::mem::take(&mut batch.receipt);
        let facts: Vec<&[u8]> =
            accepted.iter().filter_map(|at| batch.items.get(*at)).map(|item| batch.fact(item)).collect();
        let advance = advance.filter(|to| writer.book.live.is_none_or(|live| *to > live));
        if facts.is_empty() && advance.is_none() {
            return Ok(receipt);
        }
        let sequence = writer.log(&self.gate, kind::FACTS, &encode_facts(&facts, advance)?)?;
        let (applied, records) = writer.book.take_in(&facts, advance).map_err(|error| self.gate.poison(error))?;
        let state = self.settle(writer, records)?;
        self.make_durable(sequence)?;
        report(&applied, &state, &mut receipt)?;
        Ok(receipt)
    }

    /// Commits a fact that takes others away. It names hashes only; whoever has the names spares the store a search.
    pub(super) fn commit_naming(&self, mut writer: Writing<'_>, batch: Batch, named: Hints) -> Result<Receipt> {
        writer.book.hinted = named;
        let receipt = self.commit_with(writer, batch, None);
        self.writer.lock().book.hinted = Hints::default();
        receipt
    }

    /// Notes the new state, seals what is due, and lets the next writer in.
    pub(super) fn settle(
        &self,
        mut writer: Writing<'_>,
        records: Arc<crate::profile::records::Records>,
    ) -> Result<Arc<State>> {
        let state = Arc::new(writer.book.state(records));
        self.gate.log(Arc::clone(&state));
        writer.keep_house(&self.gate)?;
        Ok(state)
    }

    pub(super) fn make_durable(&self, sequence: u64) -> Result<()> {
        match self.durability {
            Durability::Sync => self.gate.make_durable(sequence),
            Durability::Interval(_) | Durability::OnFlush => {
                self.gate.publish();
                Ok(())
            }
        }
    }

    /// Which items are new, by index; the others are counted in the receipt.
    fn admit(&self, writer: &Writer, batch: &mut Batch) -> Result<Vec<usize>> {
        let mut accepted = Vec::new();
        let mut receipt = std::mem::take(&mut batch.receipt);
        let mut admission = Admission::default();
        let (mut displacing, mut counted) = (Vec::new(), Counted::default());
        let keys: Vec<u32> = batch.items.iter().map(|item| item.key).collect();
        let in_parts = writer.book.sealed.may_hold_messages(&keys);
        for ((at, item), in_parts) in batch.items.iter().enumerate().zip(in_parts) {
            let unreadable =
                || Error::invalid("a message was written in a form that cannot be read back; nothing was stored");
            let fact = Fact::parse(batch.fact(item)).ok_or_else(unreadable)?;
            match admission.judge(self, writer, &fact, in_parts)? {
                verdict @ (Verdict::New | Verdict::Displaces) => {
                    if matches!(verdict, Verdict::Displaces) {
                        displacing.push(at);
                    }
                    accepted.push(at);
                    let flags = writer.book.flagged(&fact, item.flags);
                    receipt.accept(item.weight(), flags);
                    if item.rows.is_some() {
                        receipt.note_flags(item.line, flags);
                    }
                    counted.count(item, &fact, &mut receipt);
                }
                Verdict::Duplicate { conflicting } => {
                    receipt.duplicates += item.weight();
                    receipt.conflicting += if conflicting { item.weight() } else { 0 };
                }
                Verdict::Refused(reason) => item.refuse(reason, &mut receipt),
            }
        }
        for range in displacing.into_iter().filter_map(|at| batch.items.get(at)).map(|item| item.range.clone()) {
            set_bits(batch.bytes.get_mut(range).unwrap_or_default(), Bits::DISPLACES);
        }
        // Rejects of shape were noted while reading, those of the store only now: put them in the order of the lines.
        receipt.rejects.sort_by_key(|reject| (reject.line, reject.ordinal));
        batch.receipt = receipt;
        Ok(accepted)
    }

    /// Logs and applies a change of the segments or of time.
    fn change(
        &self,
        record_kind: u8,
        payload: &[u8],
        apply: impl FnOnce(&mut Writer) -> Result<Applied>,
    ) -> Result<Receipt> {
        let mut writer = self.writer.lock();
        self.gate.check()?;
        // Applied before it is logged, since only applying tells whether it is refused; taken back if that fails.
        let before = Arc::clone(&writer.book.segments);
        let (live, rates) = (writer.book.live, Arc::clone(&writer.book.rates));
        let logged =
            apply(&mut writer).and_then(|applied| Ok((applied, writer.log(&self.gate, record_kind, payload)?)));
        let (applied, sequence) = match logged {
            Ok(logged) => logged,
            Err(error) => {
                writer.book.segments = before;
                writer.book.live = live;
                writer.book.rates = rates;
                return Err(error);
            }
        };
        writer.book.tell(&applied, cause_of(record_kind)).map_err(|error| self.gate.poison(error))?;
        let records = Arc::new(writer.book.records());
        if record_kind == kind::DEFINE && writer.book.all.len() > SLOW_TO_DEFINE {
            // Working out the members again would make the next open slow: let it find them sealed.
            let started = writer.start_seal(&self.gate);
            writer.unless_full(&self.gate, started)?;
        }
        let state = self.settle(writer, records)?;
        self.make_durable(sequence)?;
        let mut receipt = Receipt::default();
        report(&applied, &state, &mut receipt)?;
        Ok(receipt)
    }

    pub(super) fn define(&self, segment: Segment) -> Result<Receipt> {
        let json = serde_json::to_vec(&segment).map_err(|_| Error::invalid("the segment cannot be written as JSON"))?;
        self.change(kind::DEFINE, &json, |writer| {
            Ok(Applied { crossings: writer.book.define(segment)?, ..Applied::default() })
        })
    }

    pub(super) fn record_rates(&self, rates: &[Rate]) -> Result<Receipt> {
        self.change(kind::RATES, &encode_rates(rates), |writer| {
            Ok(Applied { crossings: writer.book.record_rates(rates)?, ..Applied::default() })
        })
    }

    pub(super) fn undefine(&self, name: &str) -> Result<Receipt> {
        self.change(kind::UNDEFINE, name.as_bytes(), |writer| {
            if !writer.book.segments.iter().any(|live| live.segment.name() == name) {
                return Err(Error::not_found(format!("no segment is called {name:?}")));
            }
            writer.book.check_unreferenced(name)?;
            Ok(Applied { crossings: writer.book.undefine(name), ..Applied::default() })
        })
    }

    pub(super) fn advance(&self, to: Timestamp) -> Result<Receipt> {
        let payload = to.as_millisecond().to_le_bytes();
        if self.writer.lock().book.live.is_some_and(|live| to <= live) {
            return Ok(Receipt::default());
        }
        self.change(kind::ADVANCE, &payload, |writer| {
            Ok(Applied { crossings: writer.book.advance(to)?, ..Applied::default() })
        })
    }
}

/// Why a record changes anything.
fn cause_of(record_kind: u8) -> Cause {
    match record_kind {
        kind::DEFINE | kind::UNDEFINE => Cause::Definition,
        kind::ADVANCE => Cause::Time,
        kind::RATES => Cause::Rates,
        _ => Cause::Facts,
    }
}

enum Verdict {
    New,
    /// New, in the place of a claimed event with its id.
    Displaces,
    Duplicate {
        conflicting: bool,
    },
    Refused(Reason),
}

/// Whether a fact is one that the store forgot, or would make it remember whom it forgot; `always`: whenever it happened.
fn suppressed(writer: &Writer, fact: &Fact<'_>, always: bool) -> bool {
    let nodes = &writer.book.nodes;
    if nodes.tombs.is_empty() {
        return false;
    }
    let erased = |named: Named<'_>| {
        let namespace = nodes.namespaces.name(named.namespace);
        let until = nodes.tombs.erased_until(&nodes.key, namespace, named.value);
        until.is_some_and(|until| always || fact.ts <= until)
    };
    nodes.tombs.has_message(&nodes.key, &fact.id()) || fact.identifiers().any(erased)
}

/// Why a fact may not come back, if it is one that the store forgot.
fn gone_for_good(inner: &Inner, writer: &Writer, fact: &Fact<'_>) -> Option<Reason> {
    let nodes = &writer.book.nodes;
    if fact.kind.takes_away() {
        None
    } else if suppressed(writer, fact, inner.charter.config.suppress) {
        Some(Reason::Suppressed)
    } else {
        nodes.tombs.has_content(&nodes.key, &fact.id(), fact.content).then_some(Reason::Retracted)
    }
}

/// What a batch has brought so far, beside what the store has.
#[derive(Default)]
struct Admission<'a> {
    ids: AHashMap<IdRef<'a>, Known>,
    event_names: AHashSet<Box<str>>,
    trait_names: AHashSet<Box<str>>,
}

impl<'a> Admission<'a> {
    fn judge(&mut self, inner: &Inner, writer: &Writer, fact: &Fact<'a>, in_parts: bool) -> Result<Verdict> {
        let id = fact.id_ref();
        if let Some(reason) = gone_for_good(inner, writer, fact) {
            return Ok(Verdict::Refused(reason));
        }
        let fresh = match self.fresh_names(inner, writer, fact) {
            Ok(fresh) => fresh,
            Err(limit) => return Ok(Verdict::Refused(Reason::Limit(limit))),
        };
        let known = match self.ids.get(&id) {
            Some(known) => Some(*known),
            None => writer.book.known_message(id, in_parts)?,
        };
        // Nobody can squat on an id: what a trusted source says stands in the place of what a public one claimed.
        let displaces = known.is_some_and(|known| known.claimed) && !fact.claimed();
        if let Some(known) = known.filter(|_| !displaces) {
            return Ok(Verdict::Duplicate { conflicting: known.content != fact.content });
        }
        self.event_names.extend(fresh.event);
        self.trait_names.extend(fresh.traits);
        self.ids.insert(id, Known { content: fact.content, claimed: fact.claimed() });
        Ok(if displaces { Verdict::Displaces } else { Verdict::New })
    }

    /// The names that the store would learn from a fact, or which of its own limits they go beyond. A claimed source may
    /// use half of the names.
    fn fresh_names(&self, inner: &Inner, writer: &Writer, fact: &Fact<'_>) -> Result<FreshNames, Limit> {
        let limits = &inner.charter.config.limits;
        let share = |limit: usize| if fact.claimed() { limit / 2 } else { limit };
        let (book, mut fresh) = (&writer.book, FreshNames::default());
        if fact.kind == Kind::Track && book.names.code(fact.name).is_none() && !self.event_names.contains(fact.name) {
            let known = book.names.len().saturating_sub(TYPE_NAMES.len());
            if known + self.event_names.len() >= share(limits.event_names) {
                return Err(Limit::EventNames);
            }
            fresh.event = Some(fact.name.into());
        }
        if fact.kind == Kind::Identify {
            let names = traits_of(fact.doc).into_iter().map(|(name, _)| name);
            let unknown =
                |name: &Cow<'_, str>| book.trait_names.code(name).is_none() && !self.trait_names.contains(&**name);
            fresh.traits = names.filter(unknown).map(Into::into).collect();
            if book.trait_names.len() + self.trait_names.len() + fresh.traits.len() > share(limits.trait_names) {
                return Err(Limit::TraitNames);
            }
        }
        Ok(fresh)
    }
}

/// Names that a fact would bring.
#[derive(Default)]
struct FreshNames {
    event: Option<Box<str>>,
    traits: Vec<Box<str>>,
}

/// Tells the receipt what changed, people by their public ids.
fn report(applied: &Applied, state: &State, receipt: &mut Receipt) -> Result<()> {
    for change in &applied.changes {
        receipt.merges += u64::from(matches!(change, Change::Merged { .. }));
        receipt.splits += u64::from(matches!(change, Change::Split { .. }));
    }
    let nodes = &state.records.nodes;
    for crossing in &applied.crossings {
        let id = match applied.tombs_before.as_ref().filter(|_| !crossing.entered) {
            Some(before) => nodes.profile_id_before(crossing.profile, before)?,
            None => nodes.profile_id(crossing.profile)?,
        };
        let side = if crossing.entered { &mut receipt.entered } else { &mut receipt.left };
        side.entry(crossing.segment.clone()).or_default().push(id);
    }
    Ok(())
}
