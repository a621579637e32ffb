//! Rules of identity that change after the store was created: for all facts, from the beginning of time.

use super::book::{Applied, Book};
use super::feed::identity_entry;
use super::handle::Store;
use super::inner::Inner;
use super::live_segment::Crossing;
use super::record::kind;
use super::snapshot::Snapshot;
use super::state::State;
use super::touched::{News, Touched};
use crate::Result;
use crate::base::NamespaceRule;
use crate::base::given;
use crate::base::namespaces::Namespaces;
use crate::error::Error;
use crate::event::feed::Cause;
use crate::event::row::At;
use crate::identity::change::Change as Private;
use crate::identity::graph::NodeState;
use crate::identity::rules::{changes_between, resolve_rules};
use crate::profile::records::Records;
use crate::view::feed::{Change, published};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// How many changes a report lists one by one; all are counted.
const LISTED_MAX: usize = 1000;

/// The rules of identity in force.
///
/// ```
/// let rules = regulars::Store::in_memory()?.snapshot().rules();
/// assert_eq!((rules.version, rules.namespaces["user_id"].limit), (0, Some(1)));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rules {
    /// How often they were changed since the store was created.
    pub version: u64,
    /// The rule of each namespace.
    pub namespaces: BTreeMap<String, NamespaceRule>,
    /// Values that identify nobody, besides those that the store was created with; in lower case, sorted.
    pub blocked: Vec<String>,
}

impl Rules {
    /// Whole rules for [`Store::set_rules`] and [`Snapshot::what_if`], from JSON that names of each namespace what changes:
    /// the rest stays as it is in force.
    ///
    /// # Errors
    /// `Invalid` names the place and what may stand there; it repeats no value.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// let rules = store.snapshot().rules();
    /// let changed = rules.changed(r#"{"email":{"glue":1}}"#)?;
    /// assert_eq!((changed["email"].glue, changed["email"].limit), (Some(1), Some(5)));
    /// store.set_rules(&changed)?;
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn changed(&self, json: &str) -> Result<BTreeMap<String, NamespaceRule>> {
        given::changed(&self.namespaces, json)
    }
}

/// What other rules change, or would.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"[{"type":"identify","userId":"1","traits":{"email":"ann@example.com"}},
///     {"type":"identify","anonymousId":"a1","traits":{"email":"ann@example.com"}}]"#)?;
/// let mut email = store.snapshot().rules().namespaces["email"].clone();
/// email.glue = Some(0);
/// let report = store.snapshot().what_if(&[("email".to_owned(), email)].into())?;
/// assert_eq!((report.shared, report.events_moved), (1, 1));
/// assert_eq!(store.snapshot().people(), 1); // nothing happened
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RulesReport {
    /// The version of the rules that it is about.
    pub version: u64,
    /// Identifiers that were solved again: what it cost.
    pub identifiers_solved: u64,
    /// Profiles of identifiers that belonged to nobody.
    pub created: u64,
    /// Profiles that go on as part of an elder one.
    pub merged: u64,
    /// Profiles that are made of identifiers of another one.
    pub split: u64,
    /// Profiles that go on under another id.
    pub renamed: u64,
    /// Profiles none of whose identifiers belongs to anybody any more.
    pub removed: u64,
    /// Identifiers that did not go where their profile went.
    pub identifiers_moved: u64,
    /// Identifiers that belong to nobody any more.
    pub shared: u64,
    /// Identifiers that belong to somebody again.
    pub unshared: u64,
    /// Events that are another profile's.
    pub events_moved: u64,
    /// How many people entered each segment.
    pub entered: BTreeMap<String, u64>,
    /// How many people left each segment.
    pub left: BTreeMap<String, u64>,
    /// The first 1,000 changes of identity.
    pub changes: Vec<Change>,
}

impl Book {
    /// Puts other rules or blocked values in force, and tells the feed: what changing them does, and its replay.
    pub(super) fn set_rules(&mut self, next: Namespaces) -> Result<Outcome> {
        let outcome = self.apply_rules(next)?;
        self.tell(&outcome.applied, Cause::Rules)?;
        Ok(outcome)
    }

    /// The same, without telling anybody.
    pub(super) fn apply_rules(&mut self, next: Namespaces) -> Result<Outcome> {
        let now = &self.nodes.namespaces;
        if !next.has_form_of(now) {
            let (book, outcome) = self.reread(next)?;
            *self = book;
            Ok(outcome)
        } else if next.blocked() == now.blocked() {
            self.reconsider(next)
        } else {
            self.block(next)
        }
    }

    /// The book of the same facts under rules by which they look different, and what becomes of everybody.
    fn reread(&self, rules: Namespaces) -> Result<(Self, Outcome)> {
        let before = self.records();
        let mut book = self.recast(rules)?;
        let after = Arc::new(book.records());
        let changes = changes_between(&before.nodes, &after.nodes)?;
        let mut applied = Applied { changes, ..Applied::default() };
        if !book.segments.is_empty() {
            let everybody = Touched::everything_of(&[&self.all, &book.all]);
            applied.crossings = book.reevaluate(&after, everybody, &applied.changes)?;
        }
        let solved = book.nodes.len() as usize;
        let (moved, pooled) = Default::default();
        Ok((book, Outcome { applied, before, after, moved, pooled, solved, reread: true }))
    }

    /// Solves again what other rules can change.
    ///
    /// **Cost**: see [`resolve_rules`]; then as a commit that touches the same people.
    fn reconsider(&mut self, rules: Namespaces) -> Result<Outcome> {
        let before = self.records();
        self.adopt(rules);
        let resolution = resolve_rules(&self.nodes, &before.nodes.namespaces)?;
        let solved = resolution.solved;
        let mut applied = Applied::default();
        let moved = self.settle(resolution, &mut applied)?;
        let pooled = self.attributed_anew(&before)?;
        self.conclude(Changed { before, applied, moved, pooled, solved })
    }

    /// Looks at the live segments once it is known who is who.
    pub(super) fn conclude(&mut self, changed: Changed) -> Result<Outcome> {
        let Changed { before, mut applied, moved, pooled, solved } = changed;
        // Whatever columns of people say, it may mean something else now.
        self.people.reset();
        let after = Arc::new(self.records());
        let rows = self.event_tail.len()..self.event_tail.len();
        if !self.segments.is_empty() {
            let news = News { rows, gone: &BTreeSet::new(), moved: &moved, pooled: &pooled };
            let touched = self.touched_by(&before, &after, &news)?;
            applied.crossings = self.reevaluate(&after, touched, &applied.changes)?;
        }
        Ok(Outcome { applied, before, after, moved, pooled, solved, reread: false })
    }

    /// Shared identifiers whose sessions last longer or shorter than before.
    fn attributed_anew(&self, before: &Records) -> Result<BTreeSet<u32>> {
        let (old, new) = (&before.nodes.namespaces, &self.nodes.namespaces);
        let differs = |code| old.get(code).map(|of| of.rule.ttl) != new.get(code).map(|of| of.rule.ttl);
        let mut anew = BTreeSet::new();
        if !new.iter().any(|(code, _)| differs(code)) {
            return Ok(anew);
        }
        for node in 0..self.nodes.len() {
            if self.nodes.state(node)?.is_shared() && differs(self.nodes.namespace_of(node)?) {
                anew.insert(node);
            }
        }
        Ok(anew)
    }

    /// A throw-away copy of a state, to ask what would be. Cheap: nothing is copied before it changes.
    pub(super) fn copy_of(state: &State) -> Self {
        let records = &state.records;
        let (namespaces, key) = (Arc::clone(&records.nodes.namespaces), *records.nodes.key);
        let mut book = Self::new(namespaces, key, Arc::clone(&records.reading));
        book.nodes = records.nodes.clone();
        book.events = records.events.clone();
        book.names = Arc::clone(&records.names);
        book.trait_names = Arc::clone(&records.trait_names);
        book.rates = Arc::clone(&records.rates);
        book.known = state.known.clone();
        book.all = state.all.clone();
        book.segments = Arc::clone(&state.segments);
        book.live = state.live;
        book
    }
}

/// Who is who under other rules.
pub(super) struct Changed {
    pub(super) before: Records,
    pub(super) applied: Applied,
    /// Identifiers with another state, and the state before.
    pub(super) moved: Vec<(u32, NodeState)>,
    /// Shared identifiers whose events are attributed by another rule.
    pub(super) pooled: BTreeSet<u32>,
    pub(super) solved: usize,
}

/// What became of a book under other rules; as [`Changed`], with the segments.
pub(super) struct Outcome {
    applied: Applied,
    before: Records,
    after: Arc<Records>,
    moved: Vec<(u32, NodeState)>,
    pooled: BTreeSet<u32>,
    solved: usize,
    /// All facts were taken in again: what an event is called before and after differs, but not their order.
    reread: bool,
}

impl Outcome {
    /// How many events are another profile's, or nobody's any more, or somebody's now.
    fn events_moved(&self) -> Result<u64> {
        let Self { before, after, .. } = self;
        let differs = |then: At, now: At| -> Result<bool> {
            let statement = after.events.head(now)?.kind.is_statement();
            Ok(!statement && before.owner(then)?.profile() != after.owner(now)?.profile())
        };
        let mut count = 0;
        if self.reread {
            for (then, now) in before.events.facts().zip(after.events.facts()) {
                count += u64::from(differs(then, now)?);
            }
            return Ok(count);
        }
        let mut named = self.pooled.clone();
        for (node, _) in &self.moved {
            named.insert(*node);
            // Those who claim a shared identifier are other people now.
            for (neighbor, _) in after.nodes.neighbors(*node)? {
                if after.nodes.state(neighbor)?.is_shared() {
                    named.insert(neighbor);
                }
            }
        }
        let mut events: BTreeSet<At> = BTreeSet::new();
        for node in named {
            events.extend(after.events.of_node(node)?);
        }
        for at in events {
            count += u64::from(differs(at, at)?);
        }
        Ok(count)
    }

    /// For whoever asked: counting events costs reading them, which a replay need not.
    pub(super) fn report(&self) -> Result<RulesReport> {
        let nodes = &self.after.nodes;
        let mut report = RulesReport {
            version: nodes.namespaces.version(),
            identifiers_solved: self.solved as u64,
            events_moved: self.events_moved()?,
            ..RulesReport::default()
        };
        for change in &self.applied.changes {
            *report.count_of(*change) += 1;
            if report.changes.len() < LISTED_MAX {
                let entry = identity_entry(nodes, &nodes.tombs, *change, Cause::Rules)?;
                report.changes.push(published(&self.after, entry)?);
            }
        }
        for Crossing { segment, entered, .. } in &self.applied.crossings {
            let side = if *entered { &mut report.entered } else { &mut report.left };
            *side.entry(segment.clone()).or_default() += 1;
        }
        Ok(report)
    }
}

impl RulesReport {
    fn count_of(&mut self, change: Private) -> &mut u64 {
        match change {
            Private::Created { .. } => &mut self.created,
            Private::Merged { .. } => &mut self.merged,
            Private::Split { .. } => &mut self.split,
            Private::Renamed { .. } => &mut self.renamed,
            Private::Removed { .. } => &mut self.removed,
            Private::Moved { .. } => &mut self.identifiers_moved,
            Private::Shared { .. } => &mut self.shared,
            Private::Unshared { .. } => &mut self.unshared,
        }
    }
}

impl fmt::Display for RulesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.created, "created"),
            (self.merged, "merged"),
            (self.split, "split"),
            (self.renamed, "renamed"),
            (self.removed, "removed"),
        ];
        let said: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let profiles = if said.is_empty() { "none changed".to_owned() } else { said.join(", ") };
        write!(f, "rules {}: profiles: {profiles}; ", self.version)?;
        write!(f, "identifiers: {} shared, {} unshared, ", self.shared, self.unshared)?;
        write!(f, "{} moved; {} events moved", self.identifiers_moved, self.events_moved)
    }
}

impl Inner {
    /// Logs and applies other rules or blocked values: `next` makes them of those in force, `written` what is logged.
    pub(super) fn change_rules(
        &self,
        record_kind: u8,
        next: impl FnOnce(&Namespaces) -> Result<Namespaces>,
        written: impl FnOnce(&Namespaces) -> serde_json::Result<Vec<u8>>,
    ) -> Result<RulesReport> {
        let mut writer = self.writer.lock();
        self.gate.check()?;
        let now = Arc::clone(&writer.book.nodes.namespaces);
        let next = next(&now)?;
        if next.version() == now.version() {
            return Ok(RulesReport { version: now.version(), ..RulesReport::default() });
        }
        let json = written(&next).map_err(|_| Error::invalid("the rules cannot be written"))?;
        if next.has_form_of(&now) {
            let sequence = writer.log(&self.gate, record_kind, &json)?;
            let outcome = writer.book.set_rules(next).map_err(|error| self.gate.poison(error))?;
            self.settle(writer, Arc::clone(&outcome.after))?;
            self.make_durable(sequence)?;
            return outcome.report();
        }
        // It takes long, and all there is has to be read. So nothing else waits for the disk meanwhile, and what fails,
        // fails before anything is logged, which every later open would have to repeat.
        self.gate.make_durable(writer.book.sequence)?;
        let done = writer.finish_seal().and_then(|()| writer.finish_merge());
        writer.stop_unless_full(&self.gate, done)?;
        let (book, outcome) = writer.book.reread(next)?;
        let report = outcome.report()?;
        let sequence = writer.log(&self.gate, record_kind, &json)?;
        writer.replace(book);
        writer.book.tell(&outcome.applied, Cause::Rules).map_err(|error| self.gate.poison(error))?;
        self.settle(writer, Arc::clone(&outcome.after))?;
        self.make_durable(sequence)?;
        Ok(report)
    }
}

impl Store {
    /// Changes the rules of identity, for all facts from the beginning of time: from now on the store is the one that it
    /// would be had it been created with them. `rules` are the namespaces that change; [`Snapshot::rules`] tells those in
    /// force. Ask [`Snapshot::what_if`] first.
    ///
    /// Which namespaces there are, and `per_shop`, is decided when a store is created.
    ///
    /// **Cost**: a scan over all identifiers and their evidence, then as a commit that touches the same people. Another
    /// strength (the order of the ranks) or another `person` is another reading of every fact: all of them are taken in
    /// again, some 15 us and 1 KiB of memory an event, while snapshots go on with the people of before and everything
    /// that writes, or asks for [`Store::stats`], waits.
    ///
    /// # Errors
    /// `Invalid` for rules that cannot be; `Corrupt` where the facts cannot be read, and then nothing has changed; `Io` and
    /// `Poisoned`, as for every commit.
    ///
    /// ```
    /// use regulars::{NamespaceRule, Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"[{"type":"identify","userId":"1","traits":{"email":"ann@example.com"}},
    ///     {"type":"identify","userId":"1","traits":{"email":"ann@example.org"}}]"#)?;
    /// let email = store.snapshot().rules().namespaces["email"].clone();
    /// let one = NamespaceRule { limit: Some(1), ..email.clone() };
    /// assert_eq!(store.set_rules(&[("email".to_owned(), one)].into())?.split, 1);
    /// assert_eq!(store.snapshot().people(), 2);
    /// assert_eq!(store.set_rules(&[("email".to_owned(), email.clone())].into())?.merged, 1);
    /// assert_eq!(store.snapshot().rules().version, 2);
    /// // Weaker than anything else now.
    /// let weak = NamespaceRule { rank: 70, ..email };
    /// assert_eq!(store.set_rules(&[("email".to_owned(), weak)].into())?.version, 3);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn set_rules(&self, rules: &BTreeMap<String, NamespaceRule>) -> Result<RulesReport> {
        self.inner.change_rules(kind::RULES, |now| now.with(rules), |next| serde_json::to_vec(&next.rules()))
    }
}

impl Snapshot {
    /// The rules of identity in force.
    ///
    /// ```
    /// assert_eq!(regulars::Store::in_memory()?.snapshot().rules().namespaces["email"].glue, Some(2));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn rules(&self) -> Rules {
        let namespaces = &self.state.records.nodes.namespaces;
        Rules { version: namespaces.version(), namespaces: namespaces.rules(), blocked: namespaces.blocked().to_vec() }
    }

    /// What [`Store::set_rules`] would change, without changing anything.
    ///
    /// **Cost**: as that.
    ///
    /// # Errors
    /// `Invalid` for rules that cannot be.
    ///
    /// ```
    /// let report = regulars::Store::in_memory()?.snapshot().what_if(&Default::default())?;
    /// assert_eq!((report.merged, report.split), (0, 0));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn what_if(&self, rules: &BTreeMap<String, NamespaceRule>) -> Result<RulesReport> {
        let next = self.state.records.nodes.namespaces.with(rules)?;
        Book::copy_of(&self.state).apply_rules(next)?.report()
    }
}
