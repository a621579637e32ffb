//! One commit: admit, log, resolve, apply, re-evaluate, and make durable.

use super::book::{Applied, TYPE_NAMES};
use super::handle::Inner;
use super::options::Durability;
use super::receipt::Receipt;
use super::state::State;
use super::writer::Writer;
use crate::Result;
use crate::base::bytes::{Reader, low32, put_bytes, put_varint};
use crate::base::namespaces::Namespaces;
use crate::base::{Currency, NamespaceRule, Rate, Timestamp};
use crate::error::Error;
use crate::event::feed::Cause;
use crate::event::keys::traits_of;
use crate::event::layout::message_key;
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::{IdRef, set_bits};
use crate::fact::named::Named;
use crate::fact::order::OrderAction;
use crate::fact::view::Fact;
use crate::identity::change::Change;
use crate::message::reason::Flags;
use crate::message::{Limit, Reason};
use crate::normalize::recast::Recast;
use crate::rule::node::Segment;
use ahash::{AHashMap, AHashSet};
use parking_lot::MutexGuard;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// With more profiles than this a definition is sealed at once.
const SLOW_TO_DEFINE: u64 = 50_000;

/// The version of every record kind below.
pub(super) const RECORD_VERSION: u8 = 1;

/// Kinds of log records. An unknown one is refused as `Version`; 18 to 31 are kept for products, lists, holdouts,
/// deliveries, annotations and retention.
pub(super) mod kind {
    pub(in crate::store) const FACTS: u8 = 1;
    pub(in crate::store) const DEFINE: u8 = 2;
    pub(in crate::store) const UNDEFINE: u8 = 3;
    pub(in crate::store) const ADVANCE: u8 = 4;
    pub(in crate::store) const RATES: u8 = 5;
    pub(in crate::store) const RULES: u8 = 16;
    pub(in crate::store) const BLOCK: u8 = 17;
}

/// Facts in one buffer, and what became of the rest of a call's messages.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
    pub(super) receipt: Receipt,
}

struct Item {
    line: u64,
    ordinal: Option<u32>,
    range: Range<usize>,
    flags: Flags,
    /// Of its message id; see [`message_key`].
    key: u32,
    /// What it stands for, where that is not its own line.
    rows: Option<Rows>,
}

/// Rows of a file that one message stands for.
pub(super) struct Rows {
    /// By their lines.
    pub(super) lines: Box<[u64]>,
    /// Which order or customer of the file they are about.
    pub(super) subject: u64,
}

/// Of which subjects an order or a refund was counted last: each counts once, however many messages tell of it.
#[derive(Default)]
struct Counted {
    order: Option<u64>,
    refund: Option<u64>,
}

impl Counted {
    fn count(&mut self, item: &Item, fact: &Fact<'_>, receipt: &mut Receipt) {
        let (Some(rows), Some(order)) = (&item.rows, fact.order) else { return };
        let (last, count) = match order.action {
            OrderAction::Completed | OrderAction::Updated => (&mut self.order, &mut receipt.orders),
            OrderAction::Refunded | OrderAction::Cancelled => (&mut self.refund, &mut receipt.refunds),
            OrderAction::Listed => return,
        };
        *count += u64::from(last.replace(rows.subject) != Some(rows.subject));
    }
}

impl Item {
    /// How many messages or rows it counts as.
    fn weight(&self) -> u64 {
        self.rows.as_ref().map_or(1, |rows| rows.lines.len() as u64)
    }

    fn refuse(&self, reason: Reason, receipt: &mut Receipt) {
        match &self.rows {
            None => receipt.reject(self.line, self.ordinal, reason),
            Some(rows) => rows.lines.iter().for_each(|line| receipt.reject(*line, None, reason)),
        }
    }
}

impl Batch {
    pub(super) fn push(&mut self, line: u64, ordinal: Option<u32>, fact: &[u8], flags: Flags) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(fact);
        let (range, key) = (start..self.bytes.len(), message_key(fact));
        self.items.push(Item { line, ordinal, range, flags, key, rows: None });
    }

    /// A fact that stands for rows of a file, or is told beside the row of a line.
    pub(super) fn push_rows(&mut self, rows: Rows, line: u64, fact: &[u8], flags: Flags) {
        self.push(line, None, fact, flags);
        if let Some(item) = self.items.last_mut() {
            item.rows = Some(rows);
        }
    }

    /// Facts held.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Bytes of facts held.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Each fact, and for how many messages or rows it stands.
    pub(super) fn weighted(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.items.iter().map(|item| (self.fact(item), item.weight()))
    }

    fn fact(&self, item: &Item) -> &[u8] {
        self.bytes.get(item.range.clone()).unwrap_or_default()
    }

    /// Puts the facts, which were written by the rules of the store's creation, into the form of those in force.
    fn recast(&mut self, written: &Namespaces, in_force: &Namespaces) {
        if in_force.has_form_of(written) {
            return;
        }
        let recast = Recast::new(written, in_force);
        let old = std::mem::take(&mut self.bytes);
        for item in &mut self.items {
            let start = self.bytes.len();
            if let Some(fact) = old.get(item.range.clone()).and_then(Fact::parse) {
                recast.append(&fact, &mut self.bytes);
            }
            item.range = start..self.bytes.len();
        }
    }
}

/// A log record, read back.
pub(super) enum Record {
    Facts { facts: FactList, advance: Option<Timestamp> },
    Define(Box<Segment>),
    Undefine(String),
    Advance(Timestamp),
    Rates(Vec<Rate>),
    Rules(BTreeMap<String, NamespaceRule>),
    Block(Vec<String>),
}

/// Facts of one record, in one buffer.
pub(super) struct FactList {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl FactList {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().filter_map(|range| self.bytes.get(range.clone()))
    }
}

/// Facts of fewer bytes are logged as they are: they would hardly shrink, and the table that LZ4 fills costs more.
const COMPRESSED_MIN: usize = 1024;

/// The payload of a facts record: the instant to advance to (`i64::MIN`: none), then the facts, LZ4 in one piece behind
/// the length before; where that is the length behind it too, as they are.
///
/// # Errors
/// `Invalid` for more than one record can hold.
fn encode_facts(facts: &[&[u8]], advance: Option<Timestamp>) -> Result<Vec<u8>> {
    let bytes = facts.iter().map(|fact| fact.len() + 10).sum::<usize>() + 20;
    if u32::try_from(bytes).is_err() {
        let text = "one commit holds at most 4 GiB of messages; nothing was stored: send the body in smaller batches";
        return Err(Error::invalid(text));
    }
    let mut raw = Vec::with_capacity(bytes);
    raw.extend(advance.map_or(i64::MIN, Timestamp::as_millisecond).to_le_bytes());
    put_varint(&mut raw, facts.len() as u64);
    facts.iter().for_each(|fact| put_bytes(&mut raw, fact));
    if raw.len() >= COMPRESSED_MIN {
        let packed = lz4_flex::block::compress_prepend_size(&raw);
        if packed.len() < raw.len() + 4 {
            return Ok(packed);
        }
    }
    Ok([&low32(raw.len() as u64).to_le_bytes(), raw.as_slice()].concat())
}

fn decode_facts(payload: &[u8]) -> Option<Record> {
    // LZ4 makes at most 255 bytes of one: a length beyond that is damage, not a reason to allocate.
    let len = usize::try_from(Reader::new(payload).u32()?).ok()?;
    if len > payload.len().saturating_mul(255) {
        return None;
    }
    let bytes = match payload.get(4..)? {
        raw if raw.len() == len => raw.to_vec(),
        _ => lz4_flex::block::decompress_size_prepended(payload).ok()?,
    };
    let mut reader = Reader::new(&bytes);
    let advance = Some(reader.i64()?).filter(|ms| *ms != i64::MIN).map(Timestamp::from_millisecond);
    let count = reader.len()?;
    let mut ranges = Vec::new();
    for _ in 0..count {
        let fact = reader.bytes()?;
        let end = bytes.len() - reader.rest().len();
        ranges.push(end - fact.len()..end);
    }
    Some(Record::Facts { facts: FactList { bytes, ranges }, advance })
}

/// Rates as bytes: day, from, to, and the rate as text, each.
pub(super) fn encode_rates(rates: &[Rate]) -> Vec<u8> {
    let mut out = Vec::new();
    for rate in rates {
        out.extend(rate.day.to_le_bytes());
        out.extend(rate.from.bytes());
        out.extend(rate.to.bytes());
        put_bytes(&mut out, rate.rate.to_string().as_bytes());
    }
    out
}

pub(super) fn decode_rates(bytes: &[u8]) -> Option<Vec<Rate>> {
    let mut reader = Reader::new(bytes);
    let mut rates = Vec::new();
    while !reader.is_empty() {
        let day = reader.i64()?;
        let [from, to] = [Currency::from_bytes(reader.array()?)?, Currency::from_bytes(reader.array()?)?];
        rates.push(Rate { day, from, to, rate: reader.str()?.parse().ok()? });
    }
    Some(rates)
}

/// Reads a record of the log.
///
/// # Errors
/// `Version` for a kind or version that this program does not know.
pub(super) fn decode(record_kind: u8, version: u8, payload: &[u8]) -> Result<Record> {
    if version != RECORD_VERSION {
        return Err(Error::version(format!(
            "the log holds records of version {version}; open it with a newer version"
        )));
    }
    let text = || std::str::from_utf8(payload).ok();
    let record = match record_kind {
        kind::FACTS => decode_facts(payload),
        kind::DEFINE => {
            text().and_then(|text| serde_json::from_str(text).ok()).map(|segment| Record::Define(Box::new(segment)))
        }
        kind::UNDEFINE => text().map(|name| Record::Undefine(name.to_owned())),
        kind::ADVANCE => Reader::new(payload).i64().map(|ms| Record::Advance(Timestamp::from_millisecond(ms))),
        kind::RATES => decode_rates(payload).map(Record::Rates),
        kind::RULES => text().and_then(|text| serde_json::from_str(text).ok()).map(Record::Rules),
        kind::BLOCK => text().and_then(|text| serde_json::from_str(text).ok()).map(Record::Block),
        other => {
            return Err(Error::version(format!("the log holds facts of kind {other}; open it with a newer version")));
        }
    };
    record.ok_or_else(|| Error::corrupt(Path::new("log"), 0, "a record cannot be read"))
}

impl Inner {
    /// Takes in a batch: all of it or nothing. Durable when this returns, as far as the store's durability says.
    pub(super) fn commit(&self, batch: Batch, advance: Option<Timestamp>) -> Result<Receipt> {
        self.commit_with(self.writer.lock(), batch, advance)
    }

    /// The same, by a caller who has the writer already.
    pub(super) fn commit_with(
        &self,
        mut writer: MutexGuard<'_, Writer>,
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

    /// Notes the new state, seals what is due, and lets the next writer in.
    pub(super) fn settle(
        &self,
        mut writer: MutexGuard<'_, Writer>,
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

/// What is remembered of an accepted message.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) content: u64,
    pub(super) claimed: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_record_could_give_back_is_refused_before_it_is_logged() {
        let fact = vec![0; 1 << 26];
        assert_eq!(encode_facts(&vec![fact.as_slice(); 64], None).unwrap_err().kind(), crate::ErrorKind::Invalid);
        let Some(Record::Facts { facts, advance }) = decode_facts(&encode_facts(&[&fact[..9], b"x"], None).unwrap())
        else {
            panic!("it was just written");
        };
        assert_eq!((facts.iter().collect::<Vec<_>>(), advance), (vec![&fact[..9], b"x"], None));
    }
}
