//! The profile: everything about one person, on one page.

use super::asked::Asked;
use super::consent::{Consent, Suppression, Told};
use super::details::EventDetails;
use super::group::{self, Membership};
use super::json::Json;
use crate::Result;
use crate::base::doc::Doc;
use crate::base::rates::Rates;
use crate::base::{Currency, Id, MessageId, Money, ProfileId, Timestamp};
use crate::profile::orders::Settled;
use crate::profile::owned::PersonEvent;
use crate::profile::person::Person;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything known about one person, as of one instant of one snapshot.
///
/// `Display` prints the page that a support agent reads: it shows personal data. `Debug` does not.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::options().currency("EUR").in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Order Completed","anonymousId":"a1",
///     "properties":{"order_id":"o1","total":19.90,"email":"ann@example.com"}}"#)?;
/// let ann = store.snapshot().profile(id::email("Ann@Example.com"))?.expect("known");
/// assert_eq!((ann.orders.count, ann.orders.net_minor), (1, 1990));
/// println!("{ann}");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Profile {
    /// The stable public id.
    pub id: ProfileId,
    /// What was asked for: of a shared identifier, who else could be meant.
    pub asked: Asked,
    /// Whether any identifier is one of a person, not only of a visitor.
    pub known: bool,
    /// Every identifier, by strength, then value.
    pub identifiers: Vec<Id>,
    /// The winning value of every trait, by name.
    pub traits: BTreeMap<String, Json>,
    /// What was bought and what came back.
    pub orders: OrderSummary,
    /// The last answer about each channel and purpose, at each contact: also at shared ones that the person used.
    pub consent: Vec<Consent>,
    /// Contacts that must not be used on a channel, and why. Whoever has another one can still be reached there.
    pub suppressed: Vec<Suppression>,
    /// The time zone that the person's messages last came from; an IANA name.
    pub time_zone: Option<String>,
    /// The groups that the person said to belong to.
    pub groups: Vec<Membership>,
    /// How many events of each name.
    pub activity: BTreeMap<String, u64>,
    /// The live segments that the person is in now, by name.
    pub segments: Vec<String>,
    /// The first event, by its time.
    pub first_seen: Option<Timestamp>,
    /// The last event, by its time.
    pub last_seen: Option<Timestamp>,
    /// The latest events, newest first; as many as were asked for.
    pub events: Vec<TimelineEvent>,
}

/// The orders of a person, summed: minor units of `currency`.
///
/// ```
/// # use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// assert_eq!((ann.orders.count, ann.orders.average_minor), (0, None));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OrderSummary {
    /// Orders placed, whether refunded or not.
    pub count: u64,
    /// Their amounts before refunds.
    pub gross_minor: i64,
    /// What was refunded, lone refunds included.
    pub refunded_minor: i64,
    /// Gross less refunded; below zero for somebody who only ever returned.
    pub net_minor: i64,
    /// The net of the orders whose amount is known by their number, half to even; none without one. Refunds that stand alone
    /// leave it as it is.
    pub average_minor: Option<i64>,
    /// The store's currency, or that of the latest order where the store has none.
    pub currency: Option<Currency>,
    /// When the first order was placed.
    pub first: Option<Timestamp>,
    /// When the last order was placed.
    pub last: Option<Timestamp>,
    /// Facts about these orders that changed nothing: of other people, or claimed where a verified one tells of the order.
    pub conflicts: u64,
    /// Net amounts in other currencies that no recorded rate converts, in minor units each.
    pub other_currencies: BTreeMap<String, i64>,
}

/// One event of a timeline.
///
/// ```
/// # use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Signed Up","userId":"42"}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// assert_eq!(ann.events[0].event, "Signed Up");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineEvent {
    /// The id of the message.
    pub message_id: String,
    /// When it happened.
    pub ts: Timestamp,
    /// The type of the message.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The event name of a track, else the type.
    pub event: String,
    /// The source it came from; empty for the default one.
    pub source: String,
    /// What it says, where it is one of the Segment spec's events for shops or e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<EventDetails>,
    /// The properties of a track, page or screen; the traits of an identify or group.
    pub properties: Option<Json>,
}

/// A message id may be anything, somebody's address too.
impl std::fmt::Debug for TimelineEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimelineEvent")
            .field("message_id", &MessageId::new(&self.message_id))
            .field("ts", &self.ts)
            .field("kind", &self.kind)
            .field("event", &self.event)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// How much of a profile to read, and what was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) at: Timestamp,
    pub(crate) events: usize,
    pub(crate) asked: Asked,
}

impl Profile {
    pub(crate) fn read(person: &Person<'_>, known: bool, segments: Vec<String>, question: Question) -> Result<Self> {
        let Question { at, events, asked } = question;
        let visible: Vec<&PersonEvent> = person.events.iter().filter(|event| event.ts <= at).collect();
        let mut activity: BTreeMap<String, u64> = BTreeMap::new();
        for event in &visible {
            *activity.entry(person.records.names.name(event.name).to_owned()).or_default() += 1;
        }
        let mut traits = BTreeMap::new();
        for name in person.trait_names(at)? {
            if let Some(value) = person.trait_value(name, at)? {
                traits.insert(name.to_owned(), Json::new(Doc::new(&value)));
            }
        }
        let latest = visible.iter().rev().take(events).map(|event| timeline_event(person, event));
        let settled = person.orders(at)?;
        let (consent, suppressed) = Told::of(person, at)?.sorted();
        Ok(Self {
            id: person.records.nodes.profile_id(person.profile)?,
            asked,
            known,
            identifiers: identifiers(person)?,
            traits,
            orders: OrderSummary::of(&settled, person.currency(&settled), &person.records.rates),
            consent,
            suppressed,
            time_zone: person.time_zone(at)?,
            groups: group::memberships(person, at)?,
            activity,
            segments,
            first_seen: visible.first().map(|event| event.ts),
            last_seen: visible.last().map(|event| event.ts),
            events: latest.collect::<Result<_>>()?,
        })
    }
}

/// The identifiers of a person by strength, then value.
fn identifiers(person: &Person<'_>) -> Result<Vec<Id>> {
    let nodes = &person.records.nodes;
    let mut all = person.members.iter().map(|member| nodes.identifier(*member)).collect::<Result<Vec<_>>>()?;
    all.sort_unstable();
    Ok(all.into_iter().map(|(namespace, value)| Id::new(nodes.namespaces.name(namespace), value)).collect())
}

fn timeline_event(person: &Person<'_>, event: &PersonEvent) -> Result<TimelineEvent> {
    let (source, properties, details) = person.with_fact(event.at, |fact| {
        let field = ["properties", "traits"].into_iter().find_map(|field| fact.doc.get(field));
        (fact.source.to_owned(), field.map(Json::new), EventDetails::read(fact, person.records))
    })?;
    Ok(TimelineEvent {
        message_id: event.id.to_string(),
        ts: event.ts,
        kind: event.kind.name(),
        event: person.records.names.name(event.name).to_owned(),
        source,
        details: details?,
        properties,
    })
}

impl OrderSummary {
    pub(crate) fn of(settled: &[Settled], currency: Option<Currency>, rates: &Rates) -> Self {
        let orders = || settled.iter().filter(|order| order.order.is_some());
        let mut sums = Sums::default();
        for order in settled {
            sums.add(order, currency, rates);
        }
        let count = orders().count() as u64;
        Self {
            count,
            gross_minor: clamp(sums.gross),
            refunded_minor: clamp(sums.refunded),
            net_minor: clamp(sums.gross - sums.refunded),
            average_minor: average(sums.gross - sums.refunded_of_orders, sums.priced),
            currency,
            first: orders().map(|order| order.ts).min(),
            last: orders().map(|order| order.ts).max(),
            conflicts: orders()
                .filter_map(|order| order.order.as_ref())
                .map(|placed| u64::from(placed.conflicts))
                .sum(),
            other_currencies: sums.others.into_iter().map(|(code, net)| (code, clamp(net))).collect(),
        }
    }
}

/// Sums that cannot wrap.
#[derive(Default)]
struct Sums {
    /// Orders whose amount is known.
    priced: u64,
    gross: i128,
    refunded: i128,
    /// Of that, what came back of orders.
    refunded_of_orders: i128,
    others: BTreeMap<String, i128>,
}

impl Sums {
    fn add(&mut self, order: &Settled, currency: Option<Currency>, rates: &Rates) {
        let worth = order.worth(currency, rates);
        let amount = order.order.as_ref().and_then(|placed| placed.amount);
        let converts = |money: &Money| currency.is_some_and(|to| rates.convert(*money, to, order.ts).is_some());
        for (money, sign) in [(amount, 1), (order.refunded, -1)] {
            if let Some(money) = money.filter(|money| !converts(money)) {
                *self.others.entry(money.currency.code().to_owned()).or_default() += sign * i128::from(money.minor);
            }
        }
        for money in &order.unconverted {
            *self.others.entry(money.currency.code().to_owned()).or_default() -= i128::from(money.minor);
        }
        self.gross += i128::from(worth.gross_minor.unwrap_or(0));
        self.refunded += i128::from(worth.refunded_minor);
        if worth.gross_minor.is_some() {
            self.priced += 1;
            self.refunded_of_orders += i128::from(worth.refunded_minor);
        }
    }
}

/// The average order: the net of those whose amount is known by their number, half to even.
pub(super) fn average(net: i128, priced: u64) -> Option<i64> {
    (priced > 0).then(|| clamp(crate::base::decimal::div_half_even(net, i128::from(priced))))
}

fn clamp(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Profile({}, {} identifiers)", self.id, self.identifiers.len())
    }
}
