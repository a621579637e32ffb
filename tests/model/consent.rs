//! Consent, naively: walk through everything that was said and remember the last answer at each identifier.

#![expect(clippy::indexing_slicing, reason = "the model names its people by their places; a panic fails the test")]

use super::message::{Body, Message};
use super::spec::Ident;
use super::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// The identifiers that a statement of a message on a channel hangs on.
fn hangs_on(message: &Message, channel: Option<&str>) -> BTreeSet<Ident> {
    let person = |namespace: &str| !["device", "anonymous_id"].contains(&namespace);
    let all: BTreeSet<Ident> =
        message.identifiers().into_iter().filter(|(namespace, _)| !message.claimed || !person(namespace)).collect();
    let address = match channel {
        Some("email") => "email",
        Some("sms") => "phone",
        _ => return all,
    };
    let addresses: BTreeSet<Ident> = all.iter().filter(|(namespace, _)| namespace == address).cloned().collect();
    if addresses.is_empty() { all } else { addresses }
}

/// (channel, purpose, status) of everything that a message says about consent.
fn answers(message: &Message) -> Vec<(Option<&'static str>, &'static str, &'static str)> {
    let preference = message.preference.map(|yes| (None, "ads", if yes { "granted" } else { "denied" }));
    let update = match &message.body {
        Body::Consent { channel, status } => Some((*channel, "marketing", *status)),
        _ => None,
    };
    preference.into_iter().chain(update).collect()
}

/// What the person answered up to an instant.
pub(crate) fn status(
    world: &World,
    person: usize,
    channel: Option<&str>,
    purpose: &str,
    at: i64,
) -> Option<&'static str> {
    let group = &world.people[person].group;
    let address = match channel {
        Some("email") => Some("email"),
        Some("sms") => Some("phone"),
        _ => None,
    };
    let mut known: BTreeMap<Ident, &str> = BTreeMap::new();
    let mut newest = None;
    for (message, _) in world.messages.iter().filter(|(message, _)| message.ts <= at) {
        for (_, _, status) in answers(message).into_iter().filter(|answer| answer.0 == channel && answer.1 == purpose) {
            for identifier in hangs_on(message, channel).intersection(group) {
                newest = Some(status);
                if address.is_some_and(|address| identifier.0 != address) {
                    known.values_mut().for_each(|known| *known = status);
                } else {
                    known.insert(identifier.clone(), status);
                }
            }
        }
    }
    if known.values().any(|status| *status == "granted") { Some("granted") } else { newest }
}

/// Whether somebody unsubscribed from e-mail with one of the person's identifiers, and did not come back with it.
pub(crate) fn unsubscribed(world: &World, person: usize, at: i64) -> bool {
    world.people[person].group.iter().any(|identifier| {
        let mut out = false;
        for (message, _) in world.messages.iter().filter(|(message, _)| message.ts <= at) {
            if !hangs_on(message, Some("email")).contains(identifier) {
                continue;
            }
            match &message.body {
                Body::Unsubscribed => out = true,
                Body::Consent { channel: Some("email"), status: "granted" } => out = false,
                _ => {}
            }
        }
        out
    })
}
