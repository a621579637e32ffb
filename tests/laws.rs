//! The laws of the store, on universes so small that everything collides: few identifiers, shared devices, the same
//! order ids by several people, equal times, repeated message ids, events of the future.
//!
//! `PROPTEST_CASES` raises the number of cases.

#![expect(clippy::indexing_slicing, reason = "places are taken modulo the length; a panic fails the test")]

use crate::model::check::{self, Checked, all_segments, at, body, groups, members, segment};
use crate::model::message::{BASE, DAY, MINUTE, Message, instant, message};
use crate::model::rules::{Shape, shapes};
use crate::model::spec::{self, Said, SpecFact};
use crate::model::stated::{ids, statement, tell};
use crate::model::{Model, STRICT, Verdict, world};
use proptest::prelude::*;
use regulars::{
    Change, Clock, Digest, Durability, Ingest, MessageId, Options, ProfileId, Receipt, Segment, Snapshot, Store, Trust,
    Universe,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub(crate) fn cases(default: u32) -> ProptestConfig {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    // A shrunk failure prints its input; the seed files would only repeat it.
    ProptestConfig { cases: given.unwrap_or(default), failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn options(strict: bool) -> Options {
    let config = if strict { STRICT } else { r#"{"currency":"EUR"}"# };
    let options = Store::options().config(serde_json::from_str(config).expect("options"));
    let options = options.key([7; 32]).clock(Clock::Manual);
    options.durability(Durability::OnFlush).seal_events(64)
}

/// A directory that is gone when the test is over, failed or not.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("regulars-laws-{name}-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Commit {
        messages: Vec<Message>,
        received_at: Option<i64>,
    },
    State(SpecFact),
    Retract(Vec<String>),
    Block(&'static str),
    Advance(i64),
    /// Of the rule at that place, over everybody or known people.
    Define(usize, bool),
    Undefine(usize),
    /// A segment that refers to those two.
    Refer(usize, usize),
    Seal,
    Compact,
    Reopen,
}

/// Values that are found to identify nobody.
const BLOCKED: &[&str] = &["u2", "c1", "e1@x.example", "+4520123451", "d1", "a1"];

fn commit(most: usize) -> impl Strategy<Value = Step> {
    (prop::collection::vec(message(), 1..most), Just(None))
        .prop_map(|(messages, received_at)| Step::Commit { messages, received_at })
}

fn history() -> impl Strategy<Value = Vec<Step>> {
    let stated = statement().prop_map(Step::State);
    let retract = ids().prop_map(Step::Retract);
    let block = prop::sample::select(BLOCKED).prop_map(Step::Block);
    let step = prop_oneof![
        20 => commit(5),
        10 => stated,
        4 => retract,
        1 => block,
        2 => Just(Step::Seal),
        2 => Just(Step::Compact),
    ];
    prop::collection::vec(step, 1..12)
}

/// Histories in which time passes: by days, and by single milliseconds over the borders of windows.
fn lively() -> impl Strategy<Value = Vec<Step>> {
    let border = (instant(), prop::sample::select(vec![0, DAY, 2 * DAY, 20 * MINUTE, 3 * DAY]), -1i64..2);
    let moment = prop_oneof![2 => border.prop_map(|(ts, span, near)| ts + span + near), 1 => instant()];
    let told = (prop::collection::vec(message(), 1..4), moment.clone());
    let rule = 0..shapes().len();
    let step = prop_oneof![
        8 => commit(4),
        3 => told.prop_map(|(messages, now)| Step::Commit { messages, received_at: Some(now) }),
        8 => moment.prop_map(Step::Advance),
        5 => statement().prop_map(Step::State),
        2 => ids().prop_map(Step::Retract),
        2 => (rule.clone(), any::<bool>()).prop_map(|(rule, all)| Step::Define(rule, all)),
        1 => rule.clone().prop_map(Step::Undefine),
        2 => (rule.clone(), rule).prop_map(|(one, other)| Step::Refer(one, other)),
        1 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 4..24)
}

/// Takes messages in, one call for each trust, and compares the receipt with the model's verdicts.
pub(crate) fn ingest(
    store: &Store,
    model: &mut Model,
    messages: &[Message],
    received_at: Option<i64>,
) -> Result<Receipt, TestCaseError> {
    let mut last = Receipt::default();
    for (claimed, trust) in [(false, Trust::Verified), (true, Trust::Claimed)] {
        let some: Vec<Message> = messages.iter().filter(|message| message.claimed == claimed).cloned().collect();
        if some.is_empty() {
            continue;
        }
        let mut how = Ingest::new().trust(trust);
        if let Some(now) = received_at {
            how = how.received_at(at(now));
        }
        let receipt = store.ingest(&body(&some), &how).expect("ingests");
        let verdicts: Vec<Verdict> = some.iter().map(|message| model.accept(message)).collect();
        let count =
            |wanted: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count() as u64;
        prop_assert_eq!(receipt.accepted, count(&|verdict| *verdict == Verdict::Accepted));
        prop_assert_eq!(receipt.duplicates, count(&|verdict| matches!(verdict, Verdict::Duplicate { .. })));
        prop_assert_eq!(receipt.conflicting, count(&|verdict| *verdict == Verdict::Duplicate { conflicting: true }));
        prop_assert_eq!(receipt.rejected, count(&|verdict| *verdict == Verdict::Rejected));
        last = receipt;
    }
    Ok(last)
}

/// Tells a statement, and compares the receipt with the model's verdict.
pub(crate) fn state(store: &Store, model: &mut Model, fact: &SpecFact) -> Result<Receipt, TestCaseError> {
    let receipt = tell(store, fact);
    let said = (receipt.accepted, receipt.duplicates, receipt.conflicting, receipt.rejected);
    let expected = match model.state(fact) {
        Verdict::Accepted => (1, 0, 0, 0),
        Verdict::Duplicate { conflicting } => (0, 1, u64::from(conflicting), 0),
        Verdict::Rejected => (0, 0, 0, 1),
    };
    prop_assert_eq!(said, expected, "{:?}", fact);
    Ok(receipt)
}

/// Lets a value identify nobody.
fn block(store: &Store, model: &mut Model, value: &str) {
    store.block([value]).expect("blocks");
    model.block(value);
}

/// Takes messages back, and compares with what the model takes back.
fn retract(store: &Store, model: &mut Model, ids: &[String]) -> Result<Receipt, TestCaseError> {
    let done = store.retract(ids.iter().map(|id| MessageId::new(id))).expect("retracts");
    let count = model.retract(ids);
    prop_assert_eq!((done.retracted, done.unknown), (count, ids.len() as u64 - count));
    prop_assert_eq!(done.receipt.accepted, u64::from(count > 0));
    Ok(done.receipt)
}

/// Who there is, by the change feed alone.
#[derive(Default)]
struct Followed {
    cursor: u64,
    profiles: BTreeSet<ProfileId>,
    /// Every id that was ever told.
    ever: BTreeSet<ProfileId>,
    shared: BTreeSet<regulars::Id>,
}

impl Followed {
    fn follow(&mut self, snapshot: &Snapshot) -> Checked {
        let feed = snapshot.changes(self.cursor, usize::MAX).expect("readable");
        prop_assert_eq!(feed.cursor, snapshot.changes_end());
        self.cursor = feed.cursor;
        for change in feed.changes {
            if let Change::Merged { from: gone, .. }
            | Change::Renamed { old: gone, .. }
            | Change::Removed { profile: gone, .. } = &change
            {
                prop_assert!(self.profiles.remove(gone), "{:?}", change);
            }
            match change {
                Change::Created { profile: new, .. }
                | Change::Split { into: new, .. }
                | Change::Renamed { new, .. } => {
                    prop_assert!(self.profiles.insert(new));
                    self.ever.insert(new);
                }
                Change::Shared { identifier, .. } => self.shared.extend(identifier),
                Change::Unshared { identifier: Some(identifier), .. } => drop(self.shared.remove(&identifier)),
                _ => {}
            }
        }
        let all = snapshot.identifiers().expect("readable");
        let now: BTreeSet<ProfileId> = all.iter().filter_map(|owner| owner.profile).collect();
        prop_assert_eq!(&now, &self.profiles);
        for owner in all.iter().filter(|owner| owner.shared) {
            prop_assert!(self.shared.contains(&owner.id) || self.cursor == 0);
        }
        for id in &self.ever {
            let current = snapshot.current_id(*id).expect("readable");
            let known = now.contains(id);
            prop_assert!(current.is_none_or(|current| now.contains(&current)) && (!known || current == Some(*id)));
        }
        Ok(())
    }
}

fn agrees(snapshot: &Snapshot, model: &Model, instant: i64, round: usize) -> Checked {
    let world = model.world();
    check::identity(snapshot, &world)?;
    check::resolution(snapshot, &world, instant)?;
    check::profiles(snapshot, &world, instant)?;
    let (then, world_then) = (snapshot.as_of(at(instant)).expect("rebuilds"), model.world_as_of(instant));
    check::identity(&then, &world_then)?;
    check::profiles(&then, &world_then, instant)?;
    let all = shapes();
    check::membership(&then, &world_then, &all[round % all.len()], Universe::All, instant)?;
    // A few rules each time; over the cases all of them, at many instants.
    for nth in 0..8 {
        let shape = &all[(round * 8 + nth) % all.len()];
        let universe = if nth % 2 == 0 { Universe::All } else { Universe::Known };
        check::membership(snapshot, &world, shape, universe, instant)?;
    }
    Ok(())
}

/// Whatever took facts away: the feed names no identifier that none names any more, not even what was told long ago.
fn forgets(snapshot: &Snapshot, model: &Model) -> Checked {
    let held = model.held();
    for change in snapshot.changes(0, usize::MAX).expect("readable").changes {
        if let Change::Moved { identifier: Some(identifier), .. }
        | Change::Shared { identifier: Some(identifier), .. }
        | Change::Unshared { identifier: Some(identifier), .. } = &change
        {
            let named = (identifier.namespace().to_owned(), identifier.value().to_owned());
            prop_assert!(held.contains(&named), "{:?} of {:?}", change, named);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn the_engine_says_what_the_model_says_after_every_commit(
        steps in history(),
        moments in prop::collection::vec(instant(), 12),
        start in 0usize..64,
        strict: bool,
    ) {
        let store = options(strict).in_memory().expect("opens");
        let mut model = Model::new(strict);
        let mut followed = Followed::default();
        for (nth, step) in steps.iter().enumerate() {
            match step {
                Step::Commit { messages, .. } => drop(ingest(&store, &mut model, messages, None)?),
                Step::State(fact) => drop(state(&store, &mut model, fact)?),
                Step::Retract(ids) => drop(retract(&store, &mut model, ids)?),
                Step::Block(value) => block(&store, &mut model, value),
                Step::Seal => store.seal().expect("seals"),
                _ => store.compact().expect("compacts"),
            }
            agrees(&store.snapshot(), &model, moments[nth], start + nth)?;
            followed.follow(&store.snapshot())?;
            forgets(&store.snapshot(), &model)?;
        }
        agrees(&store.snapshot(), &model, BASE + 100 * DAY, start)?;
        prop_assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
    }
}

fn referring(one: usize, other: usize) -> Segment {
    let json = format!(r#"{{"or":[{{"not":{{"segment":"s{one}"}}}},{{"segment":"s{other}"}}]}}"#);
    Segment::new("refers", regulars::Rule::from_json(&json).expect("reads")).within(Universe::All)
}

/// Everything that must not depend on how the facts came.
fn outcome(store: &Store) -> (Digest, Vec<regulars::IdentifierOwner>) {
    let snapshot = store.snapshot();
    (snapshot.digest().expect("digests"), snapshot.identifiers().expect("readable"))
}

/// What a store is told.
#[derive(Clone, Debug)]
enum Told {
    Message(Message),
    Statement(SpecFact),
    /// What has that id is taken back.
    Retracted(String),
    Blocked(&'static str),
}

impl Told {
    fn id(&self) -> &str {
        match self {
            Self::Message(message) => &message.id,
            Self::Statement(fact) => &fact.id,
            Self::Retracted(id) => id,
            Self::Blocked(value) => value,
        }
    }
}

/// Facts whose ids are distinct: which of two with one id counts depends on what came first.
fn told_facts() -> impl Strategy<Value = Vec<Told>> {
    let one = prop_oneof![
        40 => message().prop_map(Told::Message),
        10 => statement().prop_map(Told::Statement),
        1 => prop::sample::select(BLOCKED).prop_map(Told::Blocked),
    ];
    prop::collection::vec(one, 1..60).prop_map(|all| {
        let mut ids = BTreeSet::new();
        naming_what_lies_ahead(all.into_iter().filter(|told| ids.insert(told.id().to_owned())).collect())
    })
}

/// Erasures that name whatever of all lies ahead of them, so that they say the same whenever they are told: what else
/// they found at the call would depend on what had come.
fn naming_what_lies_ahead(mut all: Vec<Told>) -> Vec<Told> {
    let as_fact = |told: &Told| match told {
        Told::Message(message) => world::facts(std::slice::from_ref(message), &[]),
        Told::Statement(fact) => vec![fact.clone()],
        Told::Retracted(_) | Told::Blocked(_) => Vec::new(),
    };
    let facts: Vec<SpecFact> = all.iter().flat_map(as_fact).collect();
    for told in &mut all {
        if let Told::Statement(SpecFact { ts, said: Said::Erase { identifiers, messages }, .. }) = told {
            messages.extend(spec::ahead(facts.iter(), identifiers, *ts));
        }
    }
    all
}

type Outcome = (Digest, Vec<regulars::IdentifierOwner>);

/// Plays facts in a given order, in batches, with restarts and seals in between, on a disk. Also
/// whether an erasure took a no away: it remembers that one, and could not have had it come later.
fn replay(order: &[(Told, u8)], now: i64, strict: bool) -> Result<(Outcome, bool), TestCaseError> {
    let folder = Scratch::new("order");
    let mut store = options(strict).open(&folder.0).expect("creates");
    let mut model = Model::new(strict);
    let mut pending: Vec<Message> = Vec::new();
    let segments = all_segments();
    for (place, (told, what)) in (0..).zip(order) {
        match told {
            Told::Message(message) => pending.push(message.clone()),
            Told::Statement(fact) => {
                ingest(&store, &mut model, &std::mem::take(&mut pending), None)?;
                state(&store, &mut model, fact)?;
            }
            Told::Blocked(value) => {
                ingest(&store, &mut model, &std::mem::take(&mut pending), None)?;
                block(&store, &mut model, value);
            }
            Told::Retracted(id) => {
                ingest(&store, &mut model, &std::mem::take(&mut pending), None)?;
                // Told now or then, it says the same.
                store.advance(at(BASE - DAY + place)).expect("advances");
                retract(&store, &mut model, std::slice::from_ref(id))?;
            }
        }
        if what % 3 != 0 {
            continue;
        }
        ingest(&store, &mut model, &std::mem::take(&mut pending), None)?;
        match what {
            0 => {
                store.close().expect("closes");
                store = options(strict).open(&folder.0).expect("opens");
            }
            3 => {
                // A handle that is dropped without close.
                drop(store);
                store = options(strict).open(&folder.0).expect("opens");
            }
            6 => store.seal().expect("seals"),
            9 => store.compact().expect("compacts"),
            12 => segments.iter().take(4).for_each(|segment| drop(store.define(segment.clone()).expect("defines"))),
            _ => {}
        }
    }
    ingest(&store, &mut model, &pending, None)?;
    segments.iter().for_each(|segment| drop(store.define(segment.clone()).expect("defines")));
    store.advance(at(now)).expect("advances");
    prop_assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
    let before = outcome(&store);
    let feed = store.snapshot().changes(0, usize::MAX).expect("readable");
    store.close().expect("closes");
    let store = options(strict).open(&folder.0).expect("opens");
    prop_assert_eq!(&outcome(&store), &before, "after a restart");
    store.compact().expect("compacts");
    prop_assert_eq!(&outcome(&store), &before, "after compaction");
    prop_assert_eq!(store.snapshot().changes(0, usize::MAX).expect("readable"), feed);
    Ok((before, !model.objections.is_empty()))
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn t1_any_order_batching_duplication_and_restart_gives_the_same_store(
        facts in told_facts(),
        plans in prop::collection::vec(prop::collection::vec((any::<u32>(), 0u8..40), 120), 2),
        now in instant(),
        strict: bool,
    ) {
        let mut outcomes = Vec::new();
        for plan in &plans {
            // Every fact once, some twice, in the order that the plan's numbers give.
            let twice = facts.iter().chain(facts.iter().step_by(3));
            let mut order: Vec<(u32, Told, u8)> =
                twice.zip(plan).map(|(told, (place, what))| (*place, told.clone(), *what)).collect();
            order.sort_by_key(|(place, ..)| *place);
            let order: Vec<(Told, u8)> = order.into_iter().map(|(_, told, what)| (told, what)).collect();
            outcomes.push(replay(&order, now, strict)?);
        }
        let [((one, owners), remembers), ((other, others), remembers_too)] = outcomes.try_into().expect("two plans");
        prop_assert_eq!(owners, others);
        prop_assert_eq!(&one.identity, &other.identity);
        if !remembers && !remembers_too {
            prop_assert_eq!(one, other);
        }
    }

    /// The same where messages are taken back at any time after they came, and come again.
    #[test]
    fn t1_what_was_taken_back_is_gone_in_any_order(
        facts in told_facts(),
        taken in prop::collection::vec((any::<prop::sample::Index>(), any::<[prop::sample::Index; 2]>()), 1..6),
        plans in prop::collection::vec(prop::collection::vec((any::<u32>(), 0u8..40), 120), 2),
        now in instant(),
    ) {
        let erases = |told: &Told| matches!(told, Told::Statement(SpecFact { said: Said::Erase { .. }, .. }));
        // What an erasure took first is not there to be taken back: that would be another set of facts.
        let facts: Vec<Told> = facts.into_iter().filter(|told| !erases(told)).collect();
        prop_assume!(!facts.is_empty());
        let mut ids = BTreeSet::new();
        let taken: Vec<_> = taken.into_iter().map(|(which, when)| (which.get(&facts).id().to_owned(), when)).collect();
        let taken: Vec<_> = taken.into_iter().filter(|(id, _)| ids.insert(id.clone())).collect();
        let mut outcomes = Vec::new();
        for (nth, plan) in plans.iter().enumerate() {
            let twice = facts.iter().chain(facts.iter().step_by(3));
            let mut order: Vec<(u32, Told, u8)> =
                twice.zip(plan).map(|(told, (place, what))| (*place, told.clone(), *what)).collect();
            order.sort_by_key(|(place, ..)| *place);
            let mut order: Vec<(Told, u8)> = order.into_iter().map(|(_, told, what)| (told, what)).collect();
            for (id, when) in &taken {
                let came = order.iter().position(|(told, _)| told.id() == *id).expect("it was told");
                let place = came + 1 + when[nth].index(order.len() - came);
                order.insert(place, (Told::Retracted(id.clone()), (place % 40).try_into().expect("small")));
            }
            outcomes.push(replay(&order, now, false)?);
        }
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}

/// The members of every live segment, and who is who.
struct Seen {
    members: BTreeMap<String, BTreeSet<ProfileId>>,
    groups: BTreeMap<ProfileId, crate::model::spec::Group>,
}

impl Seen {
    fn of(store: &Store) -> Self {
        let snapshot = store.snapshot();
        let one = |(segment, _): (Segment, u64)| {
            let members = snapshot.members(&segment).expect("readable");
            (segment.name().to_owned(), members.profiles().expect("readable").into_iter().collect())
        };
        Self { members: snapshot.segments().into_iter().map(one).collect(), groups: groups(&snapshot) }
    }

    fn in_segment(&self, name: &str) -> BTreeSet<ProfileId> {
        self.members.get(name).cloned().unwrap_or_default()
    }

    /// The profiles that hold an identifier of a group.
    fn holders(&self, group: &crate::model::spec::Group) -> Vec<ProfileId> {
        self.groups.iter().filter(|(_, other)| !other.is_disjoint(group)).map(|(profile, _)| *profile).collect()
    }
}

/// What a receipt says is the difference of membership; who goes on under another name neither left nor entered.
fn told(receipt: &Receipt, before: &Seen, after: &Seen) -> Checked {
    let names: BTreeSet<&String> = before.members.keys().chain(after.members.keys()).collect();
    for name in receipt.entered.keys().chain(receipt.left.keys()) {
        prop_assert!(names.contains(name));
    }
    for name in names {
        let (was, is) = (before.in_segment(name), after.in_segment(name));
        let listed = |list: &BTreeMap<String, Vec<ProfileId>>| list.get(name).cloned().unwrap_or_default();
        let (entered, left) = (listed(&receipt.entered), listed(&receipt.left));
        let (entered_set, left_set): (BTreeSet<_>, BTreeSet<_>) =
            (entered.iter().copied().collect(), left.iter().copied().collect());
        prop_assert_eq!((entered_set.len(), left_set.len()), (entered.len(), left.len()), "{} tells twice", name);
        let (came, went): (BTreeSet<_>, BTreeSet<_>) = (&is - &was, &was - &is);
        prop_assert!(entered_set.is_subset(&came), "{}: {:?} entered, of {:?}", name, entered, came);
        prop_assert!(left_set.is_subset(&went), "{}: {:?} left, of {:?}", name, left, went);
        for profile in came {
            let ancestors = after.groups.get(&profile).map(|group| before.holders(group)).unwrap_or_default();
            let existed = before.groups.contains_key(&profile);
            let inherits = !existed && ancestors.iter().any(|ancestor| was.contains(ancestor));
            prop_assert!(entered_set.contains(&profile) || inherits, "{}: {:?} entered untold", name, profile);
            // One profile before, gone now, of which this is all that is left: the same under another name.
            let only_heir = |one: &ProfileId| before.groups.get(one).map(|group| after.holders(group).len()) == Some(1);
            let renamed = matches!(ancestors.as_slice(), [one] if !after.groups.contains_key(one) && was.contains(one) && only_heir(one));
            prop_assert!(existed || !renamed || !entered_set.contains(&profile), "{}: spurious entry", name);
        }
        for profile in went {
            let heirs = before.groups.get(&profile).map(|group| after.holders(group)).unwrap_or_default();
            let exists = after.groups.contains_key(&profile);
            let goes_on = !exists && heirs.iter().any(|heir| is.contains(heir));
            prop_assert!(left_set.contains(&profile) || goes_on, "{}: {:?} left untold", name, profile);
            let renamed = matches!(heirs.as_slice(), [one] if is.contains(one));
            prop_assert!(exists || !renamed || !left_set.contains(&profile), "{}: spurious exit", name);
        }
    }
    Ok(())
}

/// Every live segment holds whom its rule holds for at the live instant, by the engine from scratch and by the model.
fn current(store: &Store, model: &Model, round: usize) -> Checked {
    let snapshot = store.snapshot();
    // Before anybody told the time, everything is visible.
    let live = snapshot.live_instant().unwrap_or(at(i64::MAX));
    for (segment, count) in snapshot.segments() {
        let kept: BTreeSet<ProfileId> =
            snapshot.members(&segment).expect("readable").profiles().expect("readable").into_iter().collect();
        prop_assert_eq!(&kept, &members(&snapshot, &segment, live), "{}", segment.name());
        prop_assert_eq!(kept.len() as u64, count);
    }
    let (all, world) = (shapes(), model.world());
    if snapshot.live_instant().is_none() {
        return Ok(());
    }
    for nth in 0..4 {
        let shape = &all[(round * 4 + nth) % all.len()];
        check::membership(&snapshot, &world, shape, Universe::All, live.as_millisecond())?;
    }
    Ok(())
}

/// Up to the next change nothing changes.
fn nothing_before_the_next_change(store: &Store, moments: &[i64]) -> Checked {
    let snapshot = store.snapshot();
    let Some(live) = snapshot.live_instant() else { return Ok(()) };
    let next = store.next_change().expect("readable").map_or(i64::MAX, |next| next.as_millisecond());
    let live = live.as_millisecond();
    prop_assert!(next > live);
    let borders = moments.iter().flat_map(|ts| [0, 20 * MINUTE, DAY, 2 * DAY, 3 * DAY, 4 * DAY].map(|span| ts + span));
    let asked = borders.chain([live + 1, next.min(live + 1000 * DAY) - 1]).filter(|ts| live < *ts && *ts < next);
    for ts in asked {
        for (segment, _) in snapshot.segments() {
            let (now, then) = (members(&snapshot, &segment, at(live)), members(&snapshot, &segment, at(ts)));
            prop_assert_eq!(now, then, "{} changes at {}, before {}", segment.name(), ts, next);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn live_segments_are_current_and_receipts_tell_the_difference(
        early: bool,
        strict: bool,
        defined_first in prop::sample::subsequence((0..shapes().len()).collect::<Vec<_>>(), 8),
        steps in lively(),
    ) {
        let folder = Scratch::new("live");
        let mut store = options(strict).open(&folder.0).expect("creates");
        let mut model = Model::new(strict);
        let mut told_instant = early.then_some(BASE);
        if early {
            store.advance(at(BASE)).expect("advances");
        }
        let define = |store: &Store, rule: usize, all: bool| {
            let universe = if all { Universe::All } else { Universe::Known };
            store.define(segment(&format!("s{rule}"), &shapes()[rule], universe)).expect("defines")
        };
        defined_first.iter().for_each(|rule| drop(define(&store, *rule, rule % 2 == 0)));
        for (round, step) in steps.iter().enumerate() {
            let before = Seen::of(&store);
            let receipt = match step {
                Step::Commit { messages, received_at } => {
                    // One trust at a time: each call has a receipt of its own.
                    let verified: Vec<Message> = messages.iter().filter(|message| !message.claimed).cloned().collect();
                    let claimed: Vec<Message> = messages.iter().filter(|message| message.claimed).cloned().collect();
                    let receipt = ingest(&store, &mut model, &verified, *received_at)?;
                    let between = Seen::of(&store);
                    told(&receipt, &before, &between)?;
                    let receipt = ingest(&store, &mut model, &claimed, *received_at)?;
                    told(&receipt, &between, &Seen::of(&store))?;
                    None
                }
                Step::State(fact) => Some(state(&store, &mut model, fact)?),
                Step::Retract(ids) => Some(retract(&store, &mut model, ids)?),
                Step::Block(_) => None,
                Step::Advance(to) => Some(store.advance(at(*to)).expect("advances")),
                Step::Define(rule, all) => Some(define(&store, *rule, *all)),
                // Refused while one of the two is not defined.
                Step::Refer(one, other) => store.define(referring(*one, *other)).ok(),
                Step::Undefine(rule) => store.undefine(&format!("s{rule}")).ok(),
                Step::Seal => store.seal().map(|()| None).expect("seals"),
                Step::Compact => store.compact().map(|()| None).expect("compacts"),
                Step::Reopen => {
                    store.close().expect("closes");
                    store = options(strict).open(&folder.0).expect("opens");
                    None
                }
            };
            if let Some(receipt) = receipt {
                told(&receipt, &before, &Seen::of(&store))?;
            }
            // A call that brought nothing new tells the time only if a segment waits for it.
            let (live, segments) = (store.snapshot().live_instant(), store.snapshot().segments().len());
            told_instant = match step {
                Step::Advance(to) => told_instant.max(Some(*to)),
                Step::Commit { received_at, .. } if segments > 0 => told_instant.max(*received_at),
                Step::Commit { .. } => live.map(|live| live.as_millisecond()),
                _ => told_instant,
            };
            prop_assert_eq!(live.map(|live| live.as_millisecond()), told_instant);
            current(&store, &model, round)?;
            let moments: Vec<i64> = model.accepted.iter().map(|message| message.ts).collect();
            nothing_before_the_next_change(&store, &moments)?;
        }
        prop_assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
    }
}

/// Segments that refer to segments follow them.
#[test]
fn references_are_kept_current() {
    let store = options(false).in_memory().expect("opens");
    store.advance(at(BASE)).expect("advances");
    let active = Shape::Count("View", None, None, 1);
    store.define(segment("active", &active, Universe::All)).expect("defines");
    let rule = regulars::Rule::from_json(r#"{"not":{"segment":"active"}}"#).expect("reads");
    store.define(Segment::new("idle", rule).within(Universe::All)).expect("defines");
    let view = format!(r#"{{"type":"track","event":"View","anonymousId":"a1","timestamp":{}}}"#, BASE + DAY);
    let receipt = store.ingest_json(view.as_bytes()).expect("ingests");
    assert_eq!((receipt.entered.get("idle").map(Vec::len), receipt.entered.get("active")), (Some(1), None));
    assert_eq!(store.next_change().expect("readable"), Some(at(BASE + DAY)));
    let receipt = store.advance(at(BASE + DAY)).expect("advances");
    assert_eq!(
        (receipt.left.get("idle").map(Vec::len), receipt.entered.get("active").map(Vec::len)),
        (Some(1), Some(1))
    );
}
