//! A naive model of the whole store: lists and nested loops, written from the specifications of events, identity and
//! segments. It shares no code with the crate but the executable specification of the partition, which is `std` only.

pub(crate) mod check;
pub(crate) mod consent;
pub(crate) mod message;
pub(crate) mod orders;
pub(crate) mod rules;
#[expect(clippy::indexing_slicing, reason = "every namespace has a rule; a panic fails the test")]
#[expect(dead_code, reason = "the engine's own tests ask the specification more than the model of the store does")]
#[path = "../../src/identity/spec.rs"]
pub(crate) mod spec;
pub(crate) mod stated;
pub(crate) mod world;

use consent::Objection;
use message::Message;
use spec::{Ident, Rule, Rules, Said, SpecFact};
use std::collections::{BTreeMap, BTreeSet};
use world::World;

/// The accepted facts that count, in the order of arrival.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    rules: Rules,
    pub(crate) accepted: Vec<Message>,
    pub(crate) stated: Vec<SpecFact>,
    /// Messages that were taken back, and statements.
    retracted: (Vec<Message>, Vec<SpecFact>),
    /// Erasures as they were given, without what they found ahead of them.
    given: Vec<SpecFact>,
    /// What erasures remembered at their call.
    pub(crate) objections: Vec<Objection>,
}

/// Whether two statements say the same; the sides of a pair have no order.
fn same(one: &SpecFact, other: &SpecFact) -> bool {
    let sorted = |said: &Said| {
        let mut said = said.clone();
        match &mut said {
            Said::Match { a, b, .. } | Said::Alias { a, b } | Said::Deny { a, b } | Said::Revoke { a, b }
                if *b < *a =>
            {
                std::mem::swap(a, b);
            }
            Said::Erase { identifiers, messages } => {
                identifiers.sort();
                identifiers.dedup();
                messages.sort();
                messages.dedup();
            }
            _ => {}
        }
        said
    };
    one.ts == other.ts && sorted(&one.said) == sorted(&other.said)
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Duplicate {
        conflicting: bool,
    },
    /// No identifier field is there at all, or it was erased or retracted.
    Rejected,
}

impl Model {
    /// A store with the default rules, or the strict ones of [`STRICT`].
    pub(crate) fn new(strict: bool) -> Self {
        Self {
            rules: if strict { strict_rules() } else { default_rules() },
            accepted: Vec::new(),
            stated: Vec::new(),
            retracted: Default::default(),
            given: Vec::new(),
            objections: Vec::new(),
        }
    }

    pub(crate) fn accept(&mut self, message: &Message) -> Verdict {
        if message.raw_identifiers().is_empty() || self.is_erased(&message.id, message.ts, &message.identifiers()) {
            return Verdict::Rejected;
        }
        let says_the_same = |known: &Message| known.id == message.id && known.to_json() == message.to_json();
        if self.retracted.0.iter().any(says_the_same) {
            return Verdict::Rejected;
        }
        if self.stated.iter().any(|known| known.id == message.id) {
            return Verdict::Duplicate { conflicting: true };
        }
        match self.accepted.iter().find(|known| known.id == message.id) {
            Some(known) => Verdict::Duplicate { conflicting: known.to_json() != message.to_json() },
            None => {
                self.accepted.push(message.clone());
                Verdict::Accepted
            }
        }
    }

    pub(crate) fn state(&mut self, fact: &SpecFact) -> Verdict {
        let named = sides(fact);
        let erases = matches!(fact.said, Said::Erase { .. });
        if !erases && self.is_erased(&fact.id, fact.ts, &named) {
            return Verdict::Rejected;
        }
        if !erases && self.retracted.1.iter().any(|known| known.id == fact.id && same(known, fact)) {
            return Verdict::Rejected;
        }
        let given = self.given.iter().find(|known| known.id == fact.id);
        if let Some(known) = given.or_else(|| self.stated.iter().find(|known| known.id == fact.id)) {
            return Verdict::Duplicate { conflicting: !same(known, fact) };
        }
        match &fact.said {
            Said::Erase { identifiers, messages } => {
                let before = self.world();
                self.given.push(fact.clone());
                let facts = world::facts(&self.accepted, &self.stated);
                let mut named = spec::ahead(facts.iter(), identifiers, fact.ts);
                named.extend(messages.iter().cloned());
                let messages = named.into_iter().collect();
                let said = Said::Erase { identifiers: identifiers.clone(), messages };
                self.stated.push(SpecFact { said, ..fact.clone() });
                self.forget();
                let goes = |message: &Message| !self.accepted.iter().any(|left| left.id == message.id);
                let new = consent::remembered(&before, (&fact.id, fact.ts), identifiers, &goes);
                self.objections.extend(new);
            }
            _ => self.stated.push(fact.clone()),
        }
        Verdict::Accepted
    }

    /// From now on a value identifies nobody.
    pub(crate) fn block(&mut self, value: &str) {
        self.rules.blocked.insert(value.to_owned());
    }

    /// Takes back what has these ids, unless it takes away something itself. Returns how many had.
    pub(crate) fn retract(&mut self, ids: &[String]) -> u64 {
        let mut count = 0;
        for id in ids {
            let messages = self.accepted.extract_if(.., |known| known.id == *id);
            let (before, messages) = (count, messages.collect::<Vec<_>>());
            let erases = |known: &SpecFact| matches!(known.said, Said::Erase { .. });
            let statements: Vec<SpecFact> =
                self.stated.extract_if(.., |known| known.id == *id && !erases(known)).collect();
            count += (messages.len() + statements.len()) as u64;
            assert!(count - before <= 1, "an id names one fact");
            self.retracted.0.extend(messages);
            self.retracted.1.extend(statements);
        }
        count
    }

    /// The identifiers that any fact names, whoever sent it and whatever rules block.
    pub(crate) fn held(&self) -> BTreeSet<Ident> {
        self.accepted.iter().flat_map(Message::identifiers).chain(self.stated.iter().flat_map(sides)).collect()
    }

    /// Drops what counts no longer.
    fn forget(&mut self) {
        let facts = spec::live_facts(&world::facts(&self.accepted, &self.stated));
        let counts = |id: &String| facts.iter().any(|fact| fact.id == *id);
        self.accepted.retain(|message| counts(&message.id));
        self.stated.retain(|fact| counts(&fact.id));
    }

    /// Whether a fact is one that was erased, or names what was erased at or after it.
    fn is_erased(&self, id: &String, ts: i64, named: &[Ident]) -> bool {
        self.stated.iter().any(|fact| match &fact.said {
            Said::Erase { identifiers, messages } => {
                messages.contains(id) || ts <= fact.ts && identifiers.iter().any(|n| named.contains(n))
            }
            _ => false,
        })
    }

    /// What the facts up to an instant mean, and all erasures.
    pub(crate) fn world_as_of(&self, at: i64) -> World {
        let accepted: Vec<Message> = self.accepted.iter().filter(|message| message.ts <= at).cloned().collect();
        let counts = |fact: &&SpecFact| fact.ts <= at || matches!(fact.said, Said::Erase { .. });
        let stated: Vec<SpecFact> = self.stated.iter().filter(counts).cloned().collect();
        World::new(&self.rules, &accepted, &stated, &self.objections)
    }

    /// Everything that the accepted facts mean.
    pub(crate) fn world(&self) -> World {
        World::new(&self.rules, &self.accepted, &self.stated, &self.objections)
    }
}

/// The identifiers that a statement names.
fn sides(fact: &SpecFact) -> Vec<Ident> {
    match &fact.said {
        Said::Match { a, b, .. } | Said::Alias { a, b } | Said::Deny { a, b } | Said::Revoke { a, b } => {
            vec![a.clone(), b.clone()]
        }
        Said::Event { .. } | Said::Erase { .. } | Said::Retract { .. } => Vec::new(),
    }
}

/// The table of defaults in section 1 of the identity specification.
fn default_rules() -> Rules {
    const HALF_AN_HOUR: i64 = 30 * 60_000;
    const WEEK: i64 = 7 * 86_400_000;
    let rule = |rank, limit, glue, fan: &[(&str, u32)], person| Rule {
        rank,
        limit,
        window: None,
        glue,
        fan: fan.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect(),
        ttl: None,
        person,
    };
    let user_fan = [("email", 50), ("phone", 50), ("device", 500), ("anonymous_id", 5000)];
    let email_fan = [("phone", 10), ("device", 100), ("anonymous_id", 500)];
    let cookie = Rule { ttl: Some(HALF_AN_HOUR), ..rule(60, Some(20), Some(1), &[], false) };
    let namespaces: BTreeMap<String, Rule> = [
        ("user_id", rule(0, Some(1), None, &user_fan, true)),
        ("customer_id", rule(10, Some(1), Some(1), &[("email", 20), ("phone", 20)], true)),
        ("loyalty_card", rule(20, Some(5), Some(2), &[("email", 6), ("phone", 6)], true)),
        ("email", rule(30, Some(5), Some(2), &email_fan, true)),
        ("phone", rule(40, Some(5), Some(2), &[("device", 100), ("anonymous_id", 500)], true)),
        ("device", Rule { ttl: Some(HALF_AN_HOUR), ..rule(50, None, Some(1), &[], false) }),
        ("anonymous_id", Rule { window: Some(WEEK), ..cookie }),
    ]
    .into_iter()
    .map(|(name, rule)| (name.to_owned(), rule))
    .collect();
    Rules { namespaces, profile_size: 1000, identifiers_per_event: 20, blocked: BTreeSet::new() }
}

/// Rules under which edges are rejected, fan caps are hit and cookies stick: the options, and below what they mean.
pub(crate) const STRICT: &str = r#"{"currency":"EUR","namespaces":{
    "email":{"limit":1,"fan":{"anonymous_id":1}},
    "device":{"rank":55,"limit":1,"glue":null},
    "anonymous_id":{"limit":1,"window":"2d","glue":2,"ttl":null}}}"#;

fn strict_rules() -> Rules {
    const DAYS: i64 = 86_400_000;
    let none = Rule::default();
    let mut rules = default_rules();
    let fan = BTreeMap::from([("anonymous_id".to_owned(), 1)]);
    let own = [
        ("email", Rule { rank: 30, limit: Some(1), glue: Some(2), fan, person: true, ..none.clone() }),
        ("device", Rule { rank: 55, limit: Some(1), ttl: Some(30 * 60_000), ..none.clone() }),
        ("anonymous_id", Rule { rank: 60, limit: Some(1), window: Some(2 * DAYS), glue: Some(2), ..none }),
    ];
    rules.namespaces.extend(own.map(|(name, rule)| (name.to_owned(), rule)));
    rules
}
