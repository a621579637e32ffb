//! The readers' view.

use super::digest::Digest;
use super::live_segment::is_member;
use super::members::Members;
use super::rebuild::rebuild;
use super::state::State;
use crate::Result;
use crate::base::{Id, MessageId, ProfileId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::fact::kind::Bits;
use crate::identity::component::Breaks;
use crate::identity::evidence::NONE;
use crate::identity::region::around;
use crate::normalize::intake::message_json;
use crate::normalize::normalizer::Normalizer;
use crate::profile::person::Person;
use crate::profile::records::Owner;
use crate::rule::node::{Rule, Segment, Universe};
use crate::segment::plan::plan;
use crate::segment::schedule::references;
use crate::segment::subject::undefined;
use crate::view::feed::published;
use crate::view::profile::Question;
use crate::view::radar::Radar;
use crate::view::revenue::by_month;
use crate::view::why::id_of;
use crate::view::why_not::rule_name;
use crate::view::{Asked, Changes, Contact, Group, Json, MonthRevenue, Profile, Why, WhyNot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many events a profile shows unless more are asked for.
const TIMELINE: usize = 20;

/// Everything in the store as of one commit. Cheap to take, cheap to clone, owned, `Send + Sync`: keep it as long as
/// you
/// like, hand it to any thread; nothing moves under it and nobody waits for it.
///
/// Questions without an instant are asked at the store's live instant: facts of the future are invisible.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// let before = store.snapshot();
/// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
/// assert!(before.profile(id::user("42"))?.is_none());
/// assert!(store.snapshot().profile(id::user("42"))?.is_some());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    pub(super) state: Arc<State>,
    pub(super) normalizer: Arc<Normalizer>,
}

/// One identifier of the store and whose it is.
///
/// ```
/// use regulars::Store;
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
/// let all = store.snapshot().identifiers()?;
/// assert_eq!((all[0].id.namespace(), all[0].shared), ("user_id", false));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct IdentifierOwner {
    /// The identifier, normalized.
    pub id: Id,
    /// The profile that holds it; none while it is shared.
    pub profile: Option<ProfileId>,
    /// Seen with several people, so it identifies nobody by itself.
    pub shared: bool,
}

/// Evidence that joined nobody, since one profile may not hold both sides.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"1","context":{"externalIds":[{"type":"user_id","id":"2"}]}}"#)?;
/// assert_eq!(store.snapshot().rejected_edges()?[0].rule, "limit(user_id)");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RejectedEdge {
    /// One side; the smaller of the two.
    pub a: Id,
    /// The other side.
    pub b: Id,
    /// The rule in the way: `limit(NAMESPACE)`, `window(NAMESPACE)`, `denied` or `profile_size`.
    pub rule: String,
}

impl Snapshot {
    pub(super) fn new(state: Arc<State>, normalizer: Arc<Normalizer>) -> Self {
        Self { state, normalizer }
    }

    /// The live instant: the greatest one that the store was told. `None` until it is told one; then everything is
    /// visible.
    ///
    /// ```
    /// use regulars::{Clock, Store};
    /// let store = Store::options().clock(Clock::Manual).in_memory()?;
    /// assert_eq!(store.snapshot().live_instant(), None);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn live_instant(&self) -> Option<Timestamp> {
        self.state.live
    }

    /// Number of known people: profiles with an identifier of a person.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// store.ingest_json(br#"[{"type":"page","anonymousId":"a1"}, {"type":"page","userId":"42"}]"#)?;
    /// assert_eq!((store.snapshot().people(), store.snapshot().profiles()), (1, 2));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn people(&self) -> u64 {
        self.state.known.len()
    }

    /// Number of profiles, anonymous visitors included.
    ///
    /// ```
    /// assert_eq!(regulars::Store::in_memory()?.snapshot().profiles(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn profiles(&self) -> u64 {
        self.state.all.len()
    }

    /// Number of accepted events.
    ///
    /// ```
    /// assert_eq!(regulars::Store::in_memory()?.snapshot().events(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn events(&self) -> u64 {
        self.state.events
    }

    /// The profile that an identifier belongs to now, with its latest 20 events; `None` for one nobody knows.
    ///
    /// The identifier is normalized as those of messages are; one that cannot be is nobody's.
    ///
    /// # Errors
    /// `Invalid` for a namespace that the store does not have, `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// assert!(store.snapshot().profile(id::email("nobody@example.com"))?.is_none());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profile(&self, id: Id) -> Result<Option<Profile>> {
        self.profile_at(id, self.state.now(), TIMELINE)
    }

    /// The profile as of the facts up to `at`, with its latest `events` events.
    ///
    /// Who is who is decided by all facts; traits, orders and events are those up to `at`.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42","timestamp":"2026-01-02"}"#)?;
    /// let then = store.snapshot().profile_at(id::user("42"), "2026-01-01".parse()?, 5)?.expect("known");
    /// assert!(then.events.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profile_at(&self, id: Id, at: Timestamp, events: usize) -> Result<Option<Profile>> {
        let (asked, row) = self.ask(&id, at)?;
        row.map(|row| self.read(row, Question { at, events, asked })).transpose()
    }

    /// What asking for an identifier means, at `at` or now: whether it is shared, with whom, and whose page is shown.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42"}"#)?;
    /// let snapshot = store.snapshot();
    /// assert_eq!(snapshot.asked(&id::user("42"), None)?.by, "identifier");
    /// assert_eq!(snapshot.asked(&id::user("43"), None)?.by, "nobody");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn asked(&self, id: &Id, at: Option<Timestamp>) -> Result<Asked> {
        Ok(self.ask(id, at.unwrap_or_else(|| self.state.now()))?.0)
    }

    /// What asking for an identifier means at `at`, and the row of whoever is meant.
    fn ask(&self, id: &Id, at: Timestamp) -> Result<(Asked, Option<u32>)> {
        match self.node(id)? {
            Some(node) => Asked::identifier(&self.state.records, node, at),
            None => Ok((Asked::nobody(id.clone()), None)),
        }
    }

    /// The public id of whoever an identifier means at `at`; of a shared one the claimant of that time.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, Timestamp, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42"}"#)?;
    /// assert!(store.snapshot().resolve(id::user("42"), None)?.is_some());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn resolve(&self, id: Id, at: Option<Timestamp>) -> Result<Option<ProfileId>> {
        let row = self.row(&id, at.unwrap_or_else(|| self.state.now()))?;
        row.map(|row| self.state.records.nodes.profile_id(row)).transpose()
    }

    /// What was said about consent and suppression at one identifier, by the facts up to `at`, else up to now: of an
    /// address that is shared no profile tells. `None` for an identifier that no fact names.
    ///
    /// **Cost**: the events that name it.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"track","event":"Email Bounced","userId":"1","properties":{"email":"a@example.com"}}"#)?;
    /// let address = store.snapshot().contact(&id::email("a@example.com"), None)?.expect("known");
    /// assert_eq!(address.suppressed[0].channel, "email");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn contact(&self, id: &Id, at: Option<Timestamp>) -> Result<Option<Contact>> {
        let records = &self.state.records;
        match self.node(id)? {
            Some(node) if records.nodes.state(node)?.exists() => {
                Contact::read(records, node, at.unwrap_or_else(|| self.state.now())).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The row of whoever an identifier means at `at`.
    fn row(&self, id: &Id, at: Timestamp) -> Result<Option<u32>> {
        match self.normalized(id)? {
            Some((namespace, value)) => self.state.records.resolve(namespace, &value, at),
            None => Ok(None),
        }
    }

    /// Namespace code and normalized value; `None` for a value that identifies nobody.
    fn normalized(&self, id: &Id) -> Result<Option<(u8, String)>> {
        self.normalizer.normalized(id, &self.state.records.nodes.namespaces).map(std::result::Result::ok)
    }

    fn node(&self, id: &Id) -> Result<Option<u32>> {
        match self.normalized(id)? {
            Some((namespace, value)) => self.state.records.nodes.find(namespace, &value),
            None => Ok(None),
        }
    }

    /// When the last event happened that is visible now; `None` in a store without events.
    ///
    /// **Cost**: one look at every event's time.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42","timestamp":"2026-01-05"}"#)?;
    /// assert_eq!(store.snapshot().last_event()?, Some("2026-01-05".parse()?));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn last_event(&self) -> Result<Option<Timestamp>> {
        let mut last = None;
        for at in self.state.records.events.iter() {
            let ts = self.state.records.events.head(at)?.ts;
            if ts <= self.state.now() {
                last = last.max(Some(ts));
            }
        }
        Ok(last)
    }

    /// What was sold in each month, whoever bought it, by the facts up to now; oldest first.
    ///
    /// **Cost**: one look at every order.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// assert!(regulars::Store::in_memory()?.snapshot().revenue_by_month()?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn revenue_by_month(&self) -> Result<Vec<MonthRevenue>> {
        by_month(&self.state.records, self.state.now())
    }

    /// A group by the facts up to `at` (now, if not given): its own traits and its members. `None` where nobody named it.
    ///
    /// **Cost**: one look at every group message.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// assert!(store.snapshot().group("acme", None)?.is_none());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn group(&self, group: &str, at: Option<Timestamp>) -> Result<Option<Group>> {
        Group::read(&self.state.records, group.trim(), at.unwrap_or_else(|| self.state.now()))
    }

    /// The store as it was known at an instant: who was who, what was whose and who was in which segment by the facts up
    /// to `at`, and all erasures: the past does not bring back the erased. A snapshot like any other, whose live instant
    /// is `at` and whose change feed is empty.
    ///
    /// Other questions that take an instant ([`Snapshot::profile_at`], [`Snapshot::members_at`]) are about today's people
    /// by the facts up to then.
    ///
    /// **Cost**: the facts up to `at` are taken in again, in memory: some 10 us each.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"[{"type":"page","userId":"1","timestamp":"2026-01-01"},
    ///     {"type":"page","anonymousId":"a1","timestamp":"2026-01-02"},
    ///     {"type":"identify","userId":"1","anonymousId":"a1","timestamp":"2026-01-03"}]"#)?;
    /// assert_eq!(store.snapshot().profiles(), 1);
    /// assert_eq!(store.snapshot().as_of("2026-01-02".parse()?)?.profiles(), 2);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn as_of(&self, at: Timestamp) -> Result<Self> {
        let (book, _) = rebuild(&self.state, at, Some(at))?;
        let mut state = book.state(Arc::new(book.records()));
        state.feed = 0;
        Ok(Self::new(Arc::new(state), Arc::clone(&self.normalizer)))
    }

    /// Why two identifiers are one person: the messages that joined them. `None` where they are not one person.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"identify","userId":"42","anonymousId":"a1"}"#)?;
    /// assert_eq!(store.snapshot().why(id::user("42"), id::anonymous("a1"))?.expect("one person").path.len(), 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn why(&self, a: Id, b: Id) -> Result<Option<Why>> {
        match (self.node(&a)?, self.node(&b)?) {
            (Some(a), Some(b)) => Why::read(&self.state.records, a, b),
            _ => Ok(None),
        }
    }

    /// What keeps two identifiers from being one person: nothing, if they are.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// for user in ["1", "2"] {
    ///     store.ingest_json(format!(r#"{{"type":"identify","userId":"{user}","anonymousId":"tablet"}}"#).as_bytes())?;
    /// }
    /// let why_not = store.snapshot().why_not(id::user("1"), id::user("2"))?;
    /// assert_eq!((why_not.obstacles[0].kind, why_not.obstacles[0].people.len()), ("shared", 2));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn why_not(&self, a: Id, b: Id) -> Result<WhyNot> {
        match (self.node(&a)?, self.node(&b)?) {
            (Some(a), Some(b)) => WhyNot::read(&self.state.records, a, b),
            _ => Ok(WhyNot::unknown()),
        }
    }

    /// Who is in a segment now: of a live one as it is kept, of any other as evaluated here.
    ///
    /// **Cost**: a copy of a bitmap for a live segment, else one look at everybody.
    ///
    /// # Errors
    /// `NotFound` for a reference to a segment that is not defined, `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Segment, Store, when};
    /// let store = Store::in_memory()?;
    /// let buyers = Segment::new("buyers", when::orders().at_least(1));
    /// assert!(store.snapshot().members(&buyers)?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn members(&self, segment: &Segment) -> Result<Members> {
        match self.state.segment(segment.name()).filter(|live| live.segment == *segment) {
            Some(live) => Ok(Members::of_rows(&self.state.records, live.members.to_bitmap())),
            None => self.members_at(segment, self.state.now()),
        }
    }

    /// Who is in a segment by the facts up to `at`.
    ///
    /// **Cost**: one look at everybody.
    ///
    /// # Errors
    /// As [`Snapshot::members`].
    ///
    /// ```
    /// use regulars::{Segment, Store, when};
    /// let store = Store::in_memory()?;
    /// let buyers = Segment::new("buyers", when::orders().at_least(1));
    /// assert_eq!(store.snapshot().members_at(&buyers, "2026-01-01".parse()?)?.len(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn members_at(&self, segment: &Segment, at: Timestamp) -> Result<Members> {
        self.check(segment)?;
        Ok(Members::of_found(&self.state.records, self.state.everybody().members(segment, at)?))
    }

    /// How a segment is evaluated over everybody: a line a node of its rule, in the order in which they are asked, each
    /// with the column that it reads. For people to look at; the wording may change.
    ///
    /// # Errors
    /// As [`Snapshot::members`].
    ///
    /// ```
    /// use regulars::{Segment, Store, when};
    /// let rule = when::orders().at_least(2) & when::trait_("tier").is("gold");
    /// let plan = Store::in_memory()?.snapshot().plan(&Segment::new("regulars", rule))?;
    /// assert!(plan.lines().nth(1).is_some_and(|line| line.contains("trait \"tier\"")));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn plan(&self, segment: &Segment) -> Result<String> {
        self.check(segment)?;
        Ok(plan(segment.rule()))
    }

    /// Refuses a rule that cannot be evaluated here, whoever is or is not in the store.
    fn check(&self, segment: &Segment) -> Result<()> {
        segment.check()?;
        let missing = references(segment.rule()).into_iter().find(|name| self.state.segment(name).is_none());
        missing.map_or(Ok(()), |name| Err(undefined(name)))
    }

    /// The change feed from `cursor` on (0: from the beginning), at most `limit` changes of it: who became whom, and who
    /// entered and left which segment, in the order of the commits. Read it again from the cursor that it returns;
    /// whoever keeps that cursor only after handling the changes misses none.
    ///
    /// **Cost**: `limit` entries, and up to 64 KiB decompressed for the first of them.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Change, Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"[{"type":"page","userId":"1"},{"type":"page","anonymousId":"a1"}]"#)?;
    /// let cursor = store.snapshot().changes(0, 100)?.cursor;
    /// store.ingest_json(br#"{"type":"identify","userId":"1","anonymousId":"a1"}"#)?;
    /// let feed = store.snapshot().changes(cursor, 100)?;
    /// assert!(matches!(feed.changes[..], [Change::Merged { .. }]));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn changes(&self, cursor: u64, limit: usize) -> Result<Changes> {
        let from = cursor.min(self.state.feed);
        let to = from.saturating_add(limit as u64).min(self.state.feed);
        let entries = self.state.records.events.feed(from, to)?.into_iter();
        let changes = entries.map(|entry| published(&self.state.records, entry)).collect::<Result<_>>()?;
        Ok(Changes { changes, cursor: to })
    }

    /// The cursor behind the last change that this snapshot knows.
    ///
    /// ```
    /// assert_eq!(regulars::Store::in_memory()?.snapshot().changes_end(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn changes_end(&self) -> u64 {
        self.state.feed
    }

    /// The public id of the profile that holds now what `id` named when it was issued: itself, the profile that it became
    /// part of, or nobody while its eldest identifier is shared or once that was erased.
    ///
    /// **Cost**: one look-up; the first one hashes every identifier of the store once.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","anonymousId":"a1","timestamp":"2026-01-02"}"#)?;
    /// let visitor = store.snapshot().resolve(id::anonymous("a1"), None)?.expect("known");
    /// store.ingest_json(br#"[{"type":"page","userId":"1","timestamp":"2026-01-01"},
    ///     {"type":"identify","userId":"1","anonymousId":"a1","timestamp":"2026-01-03"}]"#)?;
    /// let now = store.snapshot().current_id(visitor)?.expect("resolves for ever");
    /// assert_eq!(Some(now), store.snapshot().resolve(id::user("1"), None)?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn current_id(&self, id: ProfileId) -> Result<Option<ProfileId>> {
        let row = self.row_of(id)?;
        row.map(|row| self.state.records.nodes.profile_id(row)).transpose()
    }

    /// The profile that holds now what a public id named when it was issued, with its latest 20 events; see
    /// [`Snapshot::current_id`].
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42"}"#)?;
    /// let id = store.snapshot().resolve(id::user("42"), None)?.expect("known");
    /// assert_eq!(store.snapshot().profile_by_id(id)?.expect("known").id, id);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profile_by_id(&self, id: ProfileId) -> Result<Option<Profile>> {
        self.profile_by_id_at(id, self.state.now(), TIMELINE)
    }

    /// The same as of the facts up to `at`, with its latest `events` events; see [`Snapshot::profile_at`].
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42","timestamp":"2026-01-02"}"#)?;
    /// let id = store.snapshot().resolve(id::user("42"), None)?.expect("known");
    /// let then = store.snapshot().profile_by_id_at(id, "2026-01-01".parse()?, 5)?.expect("known");
    /// assert!(then.events.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profile_by_id_at(&self, id: ProfileId, at: Timestamp, events: usize) -> Result<Option<Profile>> {
        let Some(row) = self.row_of(id)? else { return Ok(None) };
        let asked = Asked::profile(&self.state.records, id, row)?;
        self.read(row, Question { at, events, asked }).map(Some)
    }

    /// The row of the profile that holds the identifier that a public id names.
    fn row_of(&self, id: ProfileId) -> Result<Option<u32>> {
        let nodes = &self.state.records.nodes;
        nodes.node_of_profile_id(id)?.map_or(Ok(None), |node| nodes.profile(node))
    }

    fn read(&self, row: u32, question: Question) -> Result<Profile> {
        let person = Person::read(&self.state.records, row)?;
        let live = self.state.segments.iter().filter(|live| live.members.contains(row));
        let segments = live.map(|live| live.segment.name().to_owned()).collect();
        Profile::read(&person, self.state.known.contains(row), segments, question)
    }

    /// Whether a rule holds for one person by the facts up to `at` (now, if not given); `false` for an identifier that
    /// nobody knows.
    ///
    /// # Errors
    /// As [`Snapshot::members`].
    ///
    /// ```
    /// use regulars::{Store, id, when};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"tier":"gold"}}"#)?;
    /// assert!(store.snapshot().matches(id::user("42"), &when::trait_("tier").is("gold"), None)?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn matches(&self, id: Id, rule: &Rule, at: Option<Timestamp>) -> Result<bool> {
        let at = at.unwrap_or_else(|| self.state.now());
        let segment = Segment::new("matches", rule.clone()).within(Universe::All);
        self.check(&segment)?;
        let Some(row) = self.row(&id, at)? else { return Ok(false) };
        let person = Person::read(&self.state.records, row)?;
        is_member(&segment, &person, self.state.known.contains(row), &self.state.segments, at)
    }

    /// The live segments with the number of their members, by name.
    ///
    /// ```
    /// use regulars::{Segment, Store, when};
    /// let store = Store::in_memory()?;
    /// store.define(Segment::new("buyers", when::orders().at_least(1)))?;
    /// let segments = store.snapshot().segments();
    /// assert_eq!((segments[0].0.name(), segments[0].1), ("buyers", 0));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn segments(&self) -> Vec<(Segment, u64)> {
        self.state.segments.iter().map(|live| (live.segment.clone(), live.members.len())).collect()
    }

    /// Every identifier ever seen and whose it is, sorted by namespace, then value.
    ///
    /// **Cost**: all identifiers, in memory at once.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// assert!(regulars::Store::in_memory()?.snapshot().identifiers()?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn identifiers(&self) -> Result<Vec<IdentifierOwner>> {
        let nodes = &self.state.records.nodes;
        let mut all = Vec::new();
        for node in 0..nodes.len() {
            let state = nodes.state(node)?;
            if state.exists() {
                let profile = nodes.profile(node)?.map(|profile| nodes.profile_id(profile)).transpose()?;
                all.push(IdentifierOwner { id: id_of(&self.state.records, node)?, profile, shared: state.is_shared() });
            }
        }
        all.sort();
        Ok(all)
    }

    /// Every event and whom it belongs to, sorted by message id; nobody's events have no profile.
    ///
    /// **Cost**: all events, in memory at once.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// let store = regulars::Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42","messageId":"m1"}"#)?;
    /// assert_eq!(store.snapshot().attribution()?[0].0.to_string(), "m1");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn attribution(&self) -> Result<Vec<(MessageId, Option<ProfileId>)>> {
        let records = &self.state.records;
        let mut all = Vec::new();
        for at in records.events.iter() {
            let profile = match records.owner(at)? {
                Owner::Profile(profile) => Some(records.nodes.profile_id(profile)?),
                Owner::Pool | Owner::Nobody => None,
            };
            all.push((records.message_id(at)?, profile));
        }
        all.sort();
        Ok(all)
    }

    /// All evidence that joined nobody, with the rule in the way, sorted.
    ///
    /// **Cost**: all identifiers, and a look around each such evidence.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// assert!(regulars::Store::in_memory()?.snapshot().rejected_edges()?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn rejected_edges(&self) -> Result<Vec<RejectedEdge>> {
        let nodes = &self.state.records.nodes;
        let mut found: BTreeMap<(u32, u32), Breaks> = BTreeMap::new();
        for node in 0..nodes.len() {
            let profile = nodes.state(node)?.profile;
            if profile == NONE {
                continue;
            }
            for (neighbor, _) in nodes.neighbors(node)? {
                let other = nodes.state(neighbor)?.profile;
                // Evidence between two profiles was rejected; solving its region again tells why, there and nearby.
                if other == NONE || other == profile || found.contains_key(&ordered(node, neighbor)) {
                    continue;
                }
                let (gathered, solution) = around(nodes, &[node, neighbor])?;
                for rejected in &solution.rejected {
                    if let Some(edge) = gathered.region.edges.get(rejected.edge as usize) {
                        found.insert(ordered(gathered.node(edge.a), gathered.node(edge.b)), rejected.breaks);
                    }
                }
            }
        }
        let mut all = found.into_iter().map(|edge| self.rejected_edge(edge)).collect::<Result<Vec<_>>>()?;
        all.sort();
        Ok(all)
    }

    fn rejected_edge(&self, ((a, b), breaks): ((u32, u32), Breaks)) -> Result<RejectedEdge> {
        let rule = rule_name(&self.state.records, breaks);
        let (a, b) = (id_of(&self.state.records, a)?, id_of(&self.state.records, b)?);
        Ok(RejectedEdge { a: a.clone().min(b.clone()), b: a.max(b), rule })
    }

    /// What looks suspicious, the worst `limit` of each kind: shared identifiers, profiles with many identifiers, traits
    /// that go back and forth, and activity on two devices at once.
    ///
    /// **Cost**: a scan over all identifiers, the personal traits, and the events of everybody with several devices.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// assert!(regulars::Store::in_memory()?.snapshot().radar(10)?.crowded.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn radar(&self, limit: usize) -> Result<Radar> {
        Radar::read(&self.state.records, limit)
    }

    /// The messages of one person, or all that the store holds, by time, then message id: the first `limit`, each equal
    /// as JSON to what came in.
    ///
    /// **Cost**: with `None` the times and ids of all events, in memory at once; then `limit` messages.
    ///
    /// # Errors
    /// As [`Snapshot::profile`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42","messageId":"m1","extra":1.50}"#)?;
    /// let (id, message) = &store.snapshot().messages(Some(id::user("42")), 10)?[0];
    /// assert_eq!(id.to_string(), "m1");
    /// assert!(message.as_str().contains("1.50"));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn messages(&self, of: Option<Id>, limit: usize) -> Result<Vec<(MessageId, Json)>> {
        let records = &self.state.records;
        let mut found = match of {
            Some(id) => match self.row(&id, self.state.now())? {
                Some(row) => {
                    Person::read(records, row)?.events.into_iter().map(|event| (event.ts, event.id, event.at)).collect()
                }
                None => Vec::new(),
            },
            None => {
                let read = |at| Ok((records.events.head(at)?.ts, records.message_id(at)?, at));
                self.came_as_messages().map(read).collect::<Result<Vec<_>>>()?
            }
        };
        found.sort_by(|(ts, id, _), (other_ts, other_id, _)| (ts, id).cmp(&(other_ts, other_id)));
        found.truncate(limit);
        let mut cache = BlockCache::default();
        let read = |(_, id, at)| {
            let message = message_json(&records.events.fact(at, &mut cache)?);
            Ok((id, Json::from_text(message)))
        };
        found.into_iter().map(read).collect()
    }

    /// Events, and operators' aliases that came as messages.
    fn came_as_messages(&self) -> impl Iterator<Item = At> + '_ {
        let events = &self.state.records.events;
        events.facts().filter(|at| {
            // One that cannot be read is handed on: whoever reads it reports the damage.
            events.head(*at).map_or(true, |head| !head.kind.is_statement() || head.bits.has(Bits::OPERATOR_ALIAS))
        })
    }

    /// A fingerprint of everything that the facts mean: equal in two stores that hold the same facts, whatever the
    /// order, batches, restarts, machines and layout.
    ///
    /// **Cost**: reads the whole store.
    ///
    /// # Errors
    /// `Corrupt` where the disk is.
    ///
    /// ```
    /// use regulars::Store;
    /// let (one, other) = (Store::in_memory()?, Store::in_memory()?);
    /// let page = br#"{"type":"page","userId":"42","messageId":"m1","timestamp":"2026-01-01"}"#;
    /// one.ingest_json(page)?;
    /// other.ingest_json(page)?;
    /// assert_eq!(one.snapshot().digest()?.identity, other.snapshot().digest()?.identity);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn digest(&self) -> Result<Digest> {
        Digest::of(&self.state)
    }
}

/// A pair of nodes, the same whichever is named first.
fn ordered(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({} profiles, {} events)", self.profiles(), self.events())
    }
}
