//! The store against the model.

#![expect(clippy::indexing_slicing, reason = "the model names its people by their places; a panic fails the test")]

use super::consent;
use super::message::Message;
use super::orders::summary;
use super::rules::{Shape, shapes};
use super::spec::{Group, Ident};
use super::world::World;
use proptest::prelude::*;
use regulars::{Id, Ingest, Profile, ProfileId, Rule, Segment, Snapshot, Store, Timestamp, Trust, Universe};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Checked = Result<(), TestCaseError>;

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms)
}

pub(crate) fn segment(name: &str, shape: &Shape, universe: Universe) -> Segment {
    let rule = Rule::from_json(&shape.to_json().to_string()).expect("the shape prints a rule");
    Segment::new(name, rule).within(universe)
}

/// A body in one of the forms of the wire: lines, an array, an envelope.
pub(crate) fn body(messages: &[Message]) -> Vec<u8> {
    let lines: Vec<String> = messages.iter().map(|message| message.to_json().to_string()).collect();
    let text = match messages.len() % 3 {
        0 => format!(r#"{{"batch":[{}],"sentAt":"2026-01-01T00:00:00Z"}}"#, lines.join(",")),
        1 => lines.join("\n"),
        _ => format!("[{}]", lines.join(",\n")),
    };
    text.into_bytes()
}

/// The identifiers of every profile.
pub(crate) fn groups(snapshot: &Snapshot) -> BTreeMap<ProfileId, Group> {
    let mut groups: BTreeMap<ProfileId, Group> = BTreeMap::new();
    for owner in snapshot.identifiers().expect("readable") {
        if let Some(profile) = owner.profile {
            groups.entry(profile).or_default().insert(ident(&owner.id));
        }
    }
    groups
}

fn ident(id: &Id) -> Ident {
    (id.namespace().to_owned(), id.value().to_owned())
}

/// Partition, shared set and attribution.
pub(crate) fn identity(snapshot: &Snapshot, world: &World) -> Checked {
    let groups = groups(snapshot);
    let expected: BTreeSet<Group> = world.people.iter().map(|person| person.group.clone()).collect();
    prop_assert_eq!(groups.values().cloned().collect::<BTreeSet<_>>(), expected);
    let identifiers = snapshot.identifiers().expect("readable");
    let shared: Group = identifiers.iter().filter(|owner| owner.shared).map(|owner| ident(&owner.id)).collect();
    prop_assert_eq!(&shared, &world.outcome.shared);
    let attribution: BTreeMap<String, Option<Group>> = snapshot
        .attribution()
        .expect("readable")
        .into_iter()
        .map(|(id, profile)| (id.to_string(), profile.map(|profile| groups[&profile].clone())))
        .collect();
    let expected: BTreeMap<String, Option<Group>> = world
        .messages
        .iter()
        .map(|(message, owner)| (message.id.clone(), owner.map(|owner| world.people[owner].group.clone())))
        .collect();
    prop_assert_eq!(attribution, expected);
    Ok(())
}

/// `resolve`, of shared identifiers too.
pub(crate) fn resolution(snapshot: &Snapshot, world: &World, instant: i64) -> Checked {
    let groups = groups(snapshot);
    for identifier in world.identifiers() {
        let id = Id::new(identifier.0.as_str(), identifier.1.as_str());
        let found = snapshot.resolve(id, Some(at(instant))).expect("readable");
        prop_assert_eq!(found.map(|found| groups[&found].clone()), world.resolve(identifier, instant));
    }
    Ok(())
}

/// Every profile page as of an instant.
pub(crate) fn profiles(snapshot: &Snapshot, world: &World, instant: i64) -> Checked {
    for (index, person) in world.people.iter().enumerate() {
        let (namespace, value) = person.group.first().expect("a member");
        let id = Id::new(namespace.as_str(), value.as_str());
        let page = snapshot.profile_at(id, at(instant), 1000).expect("readable").expect("known to the model");
        prop_assert_eq!(page.identifiers.iter().map(ident).collect::<Group>(), person.group.clone());
        prop_assert_eq!(page.known, person.known);
        let parse = |json: &str| serde_json::from_str(json).expect("JSON");
        let traits = page.traits.iter().map(|(name, value)| (name.clone(), parse(value.as_str()))).collect();
        prop_assert_eq!(world.traits(index, instant), traits);
        prop_assert_eq!(world.activity(index, instant), page.activity.clone());
        let events: Vec<&Message> = world.events(index, instant).collect();
        let seen = |ts: Option<Timestamp>| ts.map(Timestamp::as_millisecond);
        prop_assert_eq!(seen(page.first_seen), events.first().map(|event| event.ts));
        prop_assert_eq!(seen(page.last_seen), events.last().map(|event| event.ts));
        let expected: Vec<_> = events
            .iter()
            .rev()
            .map(|event| (event.id.clone(), event.ts, event.kind(), event.event().to_owned()))
            .collect();
        let timeline: Vec<_> = page
            .events
            .iter()
            .map(|event| (event.message_id.clone(), event.ts.as_millisecond(), event.kind, event.event.clone()))
            .collect();
        prop_assert_eq!(timeline, expected);
        orders(&page, world, index, instant)?;
        let shown = told(&page.consent, &page.suppressed);
        prop_assert_eq!(shown, consent::of_person(world, index, instant), "{:?} at {}", person.group, instant);
    }
    for identifier in world.identifiers() {
        let id = Id::new(identifier.0.as_str(), identifier.1.as_str());
        let contact = snapshot.contact(&id, Some(at(instant))).expect("readable").expect("known to the model");
        prop_assert_eq!(contact.shared, world.outcome.shared.contains(identifier));
        let shown = told(&contact.consent, &contact.suppressed);
        prop_assert_eq!(shown, consent::of_contact(world, identifier, instant), "{:?} at {}", identifier, instant);
    }
    Ok(())
}

/// What a page tells of consent, as the model does.
fn told(
    answers: &[regulars::Consent],
    stops: &[regulars::Suppression],
) -> (BTreeSet<consent::Answer>, BTreeSet<consent::Stop>) {
    let answer = |told: &regulars::Consent| {
        let at = (told.identifier.as_ref().map(ident), told.status.name(), told.ts.as_millisecond());
        (told.channel.clone(), told.purpose.clone(), at.0, at.1, at.2, told.message_id.clone())
    };
    let stop = |told: &regulars::Suppression| {
        let contact = told.identifier.as_ref().map(ident);
        (told.channel.clone(), told.cause.name(), contact, told.ts.as_millisecond(), told.message_id.clone())
    };
    (answers.iter().map(answer).collect(), stops.iter().map(stop).collect())
}

fn orders(page: &Profile, world: &World, person: usize, instant: i64) -> Checked {
    let (orders, expected) = (&page.orders, summary(world, person, instant));
    prop_assert_eq!(orders.count, expected.count, "orders");
    prop_assert_eq!((orders.gross_minor, orders.refunded_minor), (expected.gross, expected.refunded));
    prop_assert_eq!(orders.net_minor, expected.gross - expected.refunded);
    let seen = |ts: Option<Timestamp>| ts.map(Timestamp::as_millisecond);
    prop_assert_eq!((seen(orders.first), seen(orders.last)), (expected.first, expected.last));
    prop_assert_eq!(&orders.other_currencies, &expected.others);
    prop_assert_eq!(orders.conflicts, expected.conflicts as u64, "conflicts");
    prop_assert_eq!(orders.average_minor, expected.average, "average");
    Ok(())
}

/// The groups of identifiers for which a rule holds, as the store says.
pub(crate) fn members(snapshot: &Snapshot, segment: &Segment, instant: Timestamp) -> BTreeSet<ProfileId> {
    let members = snapshot.members_at(segment, instant).expect("evaluates");
    members.profiles().expect("readable").into_iter().collect()
}

/// Membership of one rule at one instant.
pub(crate) fn membership(
    snapshot: &Snapshot,
    world: &World,
    shape: &Shape,
    universe: Universe,
    instant: i64,
) -> Checked {
    let groups = groups(snapshot);
    let found: BTreeSet<Group> = members(snapshot, &segment("asked", shape, universe), at(instant))
        .iter()
        .map(|profile| groups[profile].clone())
        .collect();
    let counts = |(index, person): &(usize, &super::world::Person)| {
        (universe == Universe::All || person.known) && shape.holds(world, *index, instant)
    };
    let expected: BTreeSet<Group> =
        world.people.iter().enumerate().filter(counts).map(|(_, person)| person.group.clone()).collect();
    prop_assert_eq!(found, expected, "{:?} at {}", shape, instant);
    Ok(())
}

/// A segment of each shape.
pub(crate) fn all_segments() -> Vec<Segment> {
    shapes().iter().enumerate().map(|(nth, shape)| segment(&format!("s{nth}"), shape, Universe::All)).collect()
}

/// Makes a live segment of each shape.
pub(crate) fn define(store: &Store) {
    all_segments().into_iter().for_each(|segment| drop(store.define(segment).expect("defined")));
}

/// Tells a store these messages: the verified ones, then the claimed ones.
pub(crate) fn ingest(store: &Store, messages: &[Message]) {
    for (claimed, trust) in [(false, Trust::Verified), (true, Trust::Claimed)] {
        let some: Vec<Message> = messages.iter().filter(|message| message.claimed == claimed).cloned().collect();
        if !some.is_empty() {
            store.ingest(&body(&some), &Ingest::new().trust(trust)).expect("ingests");
        }
    }
}
