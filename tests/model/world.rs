//! What a set of messages means: people, shared identifiers, whose each event is, traits and activity.

use super::consent::Objection;
use super::message::Message;
use super::spec::{self, Group, Ident, Live, Outcome, Rules, Said, SpecFact};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) struct World {
    rules: Rules,
    live: Live,
    pub(crate) outcome: Outcome,
    pub(crate) people: Vec<Person>,
    /// What erasures remember.
    pub(crate) objections: Vec<Objection>,
    /// Each message with the index of the person it belongs to, by (time, message id).
    pub(crate) messages: Vec<(Message, Option<usize>)>,
}

pub(crate) struct Person {
    pub(crate) group: Group,
    pub(crate) known: bool,
}

/// Messages and statements as the specification has them.
pub(crate) fn facts(accepted: &[Message], stated: &[SpecFact]) -> Vec<SpecFact> {
    let fact = |message: &Message| SpecFact {
        id: message.id.clone(),
        ts: message.ts,
        said: Said::Event { strong: message.strong(), claimed: message.claimed, identifiers: message.identifiers() },
    };
    accepted.iter().map(fact).chain(stated.iter().cloned()).collect()
}

impl World {
    pub(crate) fn new(rules: &Rules, accepted: &[Message], stated: &[SpecFact], objections: &[Objection]) -> Self {
        let live = spec::live(rules, &facts(accepted, stated));
        let outcome = spec::outcome(rules, &live);
        let owners = spec::attribution(rules, &live, &outcome);
        let person = |group: &Group| Person {
            group: group.clone(),
            known: group.iter().any(|(namespace, _)| !["device", "anonymous_id"].contains(&namespace.as_str())),
        };
        let people: Vec<Person> = outcome.profiles.iter().map(person).collect();
        let owner = |message: &Message| {
            let group = owners.get(&message.id).cloned().flatten()?;
            people.iter().position(|person| person.group == group)
        };
        let mut messages: Vec<(Message, Option<usize>)> =
            accepted.iter().map(|message| (message.clone(), owner(message))).collect();
        messages.iter_mut().for_each(|(message, _)| message.blocked.clone_from(&rules.blocked));
        messages.sort_by(|(a, _), (b, _)| (a.ts, &a.id).cmp(&(b.ts, &b.id)));
        let objections = objections.to_vec();
        Self { rules: rules.clone(), live, outcome, people, objections, messages }
    }

    /// Who an identifier means at an instant.
    pub(crate) fn resolve(&self, identifier: &Ident, at: i64) -> Option<Group> {
        spec::resolve(&self.rules, &self.live, &self.outcome, identifier, at)
    }

    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &Ident> {
        self.live.first.keys()
    }

    /// The messages of a person up to an instant, oldest first.
    pub(crate) fn events(&self, person: usize, at: i64) -> impl Iterator<Item = &Message> {
        let own = self.messages.iter().filter(move |(message, owner)| *owner == Some(person) && message.ts <= at);
        own.map(|(message, _)| message)
    }

    /// The latest value of each trait; `null` takes it away.
    pub(crate) fn traits(&self, person: usize, at: i64) -> BTreeMap<String, Value> {
        let mut traits = BTreeMap::new();
        for message in self.events(person, at) {
            for (name, value) in message.trait_settings() {
                if value.is_null() {
                    traits.remove(&name);
                } else {
                    traits.insert(name, value);
                }
            }
        }
        traits
    }

    pub(crate) fn activity(&self, person: usize, at: i64) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for message in self.events(person, at) {
            *counts.entry(message.event().to_owned()).or_default() += 1;
        }
        counts
    }
}
