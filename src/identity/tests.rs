//! The laws of the partition, on universes so small that everything collides.

use super::attribute::{Claim, attribute, resolve_at};
use super::clean::partition;
use super::evidence::NONE;
use super::explain::{Obstacle, why, why_not};
use super::graph::Graph as _;
use super::model::{Model, profiles};
use super::region::{Dirty, Gathered, around};
use super::solve::{Link, Solution};
use super::spec::{self, Group, Ident, Live, Outcome, Said, SpecFact};
use crate::base::bytes::row32;
use crate::base::namespaces::Namespaces;
use crate::base::{NamespaceRule, Span, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn cases() -> ProptestConfig {
    let config = crate::base::cases::cases(2000);
    // Some laws pass over inputs that do not fit them.
    ProptestConfig { max_global_rejects: 10 * config.cases, ..config }
}

const NAMES: [&str; 5] = ["user_id", "email", "phone", "device", "anonymous_id"];

fn ident() -> impl Strategy<Value = Ident> {
    (0usize..5, 0u8..3).prop_map(|(namespace, value)| (NAMES[namespace].to_owned(), value.to_string()))
}

fn said(operators: u32) -> impl Strategy<Value = Said> {
    let event = (any::<bool>(), prop::bool::weighted(0.2), prop::collection::vec(ident(), 1..5))
        .prop_map(|(strong, claimed, identifiers)| Said::Event { strong, claimed, identifiers });
    let probability = prop_oneof![Just(0.8), Just(0.9), Just(0.95), Just(1.0)];
    let matched = (ident(), ident(), probability).prop_map(|(a, b, probability)| Said::Match { a, b, probability });
    let two = || (ident(), ident());
    let messages = prop::collection::vec((0u8..20).prop_map(|at| format!("m{at}")), 0..2);
    prop_oneof![
        12 => event,
        3 => matched,
        operators => two().prop_map(|(a, b)| Said::Alias { a, b }),
        operators => two().prop_map(|(a, b)| Said::Deny { a, b }),
        1 => two().prop_map(|(a, b)| Said::Revoke { a, b }),
        1 => (prop::collection::vec(ident(), 0..2), messages)
            .prop_map(|(identifiers, messages)| Said::Erase { identifiers, messages }),
        1 => (0u8..20).prop_map(|at| Said::Retract { message: format!("m{at}"), content: String::new() }),
    ]
}

fn facts(max: usize) -> impl Strategy<Value = Vec<SpecFact>> {
    let some = |operators| prop::collection::vec((0i64..9, said(operators)), 1..max);
    prop_oneof![some(1), some(3)].prop_map(|all| {
        let fact = |(at, (ts, said))| SpecFact { id: format!("m{at}"), ts, said };
        let all: Vec<SpecFact> = all.into_iter().enumerate().map(fact).collect();
        let contents: BTreeMap<String, String> =
            all.iter().map(|fact| (fact.id.clone(), spec::content(fact))).collect();
        let meant = |fact: SpecFact| match fact.said {
            // Of every third another content is meant, which the message does not have.
            Said::Retract { message, .. } if !message.ends_with(['0', '3', '6', '9']) => {
                let content = contents.get(&message).cloned().unwrap_or_default();
                SpecFact { said: Said::Retract { message, content }, ..fact }
            }
            _ => fact,
        };
        all.into_iter().map(meant).collect()
    })
}

fn rule() -> impl Strategy<Value = NamespaceRule> {
    let limit = prop_oneof![3 => Just(None), 1 => Just(Some(0)), 6 => Just(Some(1)), 3 => Just(Some(2))];
    let window = prop_oneof![3 => Just(None), 2 => (0i64..6).prop_map(Some)];
    let glue = prop_oneof![2 => Just(None), 1 => Just(Some(0)), 6 => Just(Some(1)), 4 => Just(Some(2))];
    let fan = prop::collection::btree_map((0usize..5).prop_map(|at| NAMES[at].to_owned()), 0u32..3, 0..2);
    let ttl = prop_oneof![Just(None), (0i64..4).prop_map(Some)];
    (limit, window, glue, fan, ttl, prop::bool::weighted(0.7)).prop_map(|(limit, window, glue, fan, ttl, person)| {
        let (window, ttl) = (window.map(Span::from_millisecond), ttl.map(Span::from_millisecond));
        NamespaceRule { rank: 0, limit, window, glue, fan, ttl, person, per_shop: false }
    })
}

/// Rules of every kind over shuffled ranks, the defaults, and what a profile may hold at most.
fn rules() -> impl Strategy<Value = (Namespaces, u32)> {
    let ranks = Just((2u16..7).collect::<Vec<_>>()).prop_shuffle();
    let wild = (prop::collection::vec(rule(), 5), ranks).prop_map(|(rules, ranks)| {
        let named = NAMES.iter().zip(rules).zip(ranks);
        let mut all: BTreeMap<String, NamespaceRule> =
            named.map(|((name, rule), rank)| ((*name).to_owned(), NamespaceRule { rank, ..rule })).collect();
        // The rest of the defaults makes room: the weakest namespace is one that is used.
        for (name, rank) in [("customer_id", 0), ("loyalty_card", 1)] {
            all.insert(name.to_owned(), NamespaceRule { rank, ..NamespaceRule::default() });
        }
        Namespaces::new(&all).unwrap()
    });
    let defaults = Just(()).prop_map(|()| Namespaces::new(&BTreeMap::new()).unwrap());
    (prop_oneof![4 => wild, 1 => defaults], prop_oneof![Just(1000u32), 2u32..6])
}

fn judged(model: &Model) -> Outcome {
    spec::outcome(&model.rules, &model.live)
}

/// People with a limit of one or two of everything, whose weaker identifiers join two or three of them.
fn household_rules() -> impl Strategy<Value = Namespaces> {
    let rule = (prop_oneof![3 => Just(1u32), 1 => Just(2)], 1u32..4, prop::bool::weighted(0.2));
    prop::collection::vec(rule, 5).prop_map(|rules| {
        let named = NAMES.iter().zip(rules).zip(2u16..);
        let mut all: BTreeMap<String, NamespaceRule> = named
            .map(|((name, (limit, glue, free)), rank)| {
                let limit = (!free).then_some(limit);
                let rule = NamespaceRule { rank, limit, glue: Some(glue), person: true, ..NamespaceRule::default() };
                ((*name).to_owned(), rule)
            })
            .collect();
        for (name, rank) in [("customer_id", 0), ("loyalty_card", 1)] {
            all.insert(name.to_owned(), NamespaceRule { rank, ..NamespaceRule::default() });
        }
        Namespaces::new(&all).unwrap()
    })
}

/// Pairs of identifiers, seen together or matched, now and then revoked, erased or aliased.
fn households() -> impl Strategy<Value = Vec<SpecFact>> {
    let ident = || (1usize..5, 0u8..4).prop_map(|(namespace, value)| (NAMES[namespace].to_owned(), value.to_string()));
    let said = (ident(), ident(), 0u8..40).prop_map(|(a, b, what)| match what {
        0 => Said::Revoke { a, b },
        1 => Said::Erase { identifiers: vec![a], messages: Vec::new() },
        2 => Said::Alias { a, b },
        3 => Said::Deny { a, b },
        4..10 => Said::Match { a, b, probability: 1.0 },
        _ => Said::Event { strong: what % 2 == 0, claimed: false, identifiers: vec![a, b] },
    });
    prop::collection::vec((0i64..9, said), 8..32).prop_map(|all| {
        let fact = |(at, (ts, said))| SpecFact { id: format!("m{at}"), ts, said };
        all.into_iter().enumerate().map(fact).collect()
    })
}

/// Profiles, names, shared set and rings are those of the specification.
fn check(model: &Model) -> Result<Outcome, TestCaseError> {
    let outcome = judged(model);
    let mut expected: BTreeMap<Ident, Option<Ident>> = outcome.shared.iter().map(|n| (n.clone(), None)).collect();
    for profile in &outcome.profiles {
        let (eldest, _) = spec::eldest(&model.rules, &model.live, profile);
        expected.extend(profile.iter().map(|n| (n.clone(), Some(eldest.clone()))));
        let start = model.nodes[profile.first().unwrap()];
        let mut ring = Group::new();
        let mut node = start;
        for _ in 0..profile.len() {
            ring.insert(model.idents[node as usize].clone());
            node = model.states[node as usize].next;
        }
        prop_assert_eq!((&ring, node), (profile, start));
    }
    prop_assert_eq!(profiles(model), expected);
    let names = (0u32..).zip(&model.states).filter(|(node, state)| state.profile == *node).map(|(node, _)| node);
    prop_assert_eq!(&model.told, &names.collect::<BTreeSet<u32>>(), "the change feed tells which profiles there are");
    Ok(outcome)
}

fn everything(model: &Model) -> (Gathered, Solution) {
    let all: Vec<u32> = (0..row32(model.idents.len())).collect();
    let (gathered, solution) = around(model, &all).unwrap();
    let fast = partition(&gathered.region, model.rulebook());
    assert_eq!((&fast.profile, &fast.rejected), (&solution.profile, &solution.rejected));
    (gathered, solution)
}

/// After every commit of every order and batching the engine says what the definition says.
fn same_in_any_order(
    namespaces: &Namespaces,
    size: u32,
    facts: &[SpecFact],
    seed: u64,
    batch: usize,
) -> Result<(), TestCaseError> {
    for (salt, batch, rounds) in [(0, 1, 3), (1, 1, 0), (2, batch, 1)] {
        let mut order: Vec<&SpecFact> = facts.iter().collect();
        if salt > 0 {
            order.sort_by_cached_key(|fact| xxhash_rust::xxh3::xxh3_64_with_seed(fact.id.as_bytes(), seed ^ salt));
        }
        let mut model = Model::new(namespaces.clone(), size);
        model.rounds = rounds;
        for commit in order.chunks(batch) {
            model.add(&commit.iter().map(|fact| (*fact).clone()).collect::<Vec<_>>());
            check(&model)?;
        }
        let outcome = judged(&model);
        let (gathered, solution) = everything(&model);
        let name = |local: u32| model.idents[gathered.node(local) as usize].clone();
        let rejected = solution.rejected.iter().map(|rejected| &gathered.region.edges[rejected.edge as usize]);
        let rejected: BTreeSet<_> = rejected.map(|edge| (name(edge.a), name(edge.b))).collect();
        prop_assert_eq!(rejected, outcome.rejected);
    }
    Ok(())
}

/// Two people whom an address and a cookie could both join, aliases of devices and a match at the threshold: a partition that
/// was once found to depend on the order.
#[test]
fn aliases_beside_shared_cookies_come_in_any_order() {
    let ident = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let rule = |rank, limit, glue, person| NamespaceRule { rank, limit, glue, person, ..NamespaceRule::default() };
    let all = [
        ("customer_id", rule(0, None, None, false)),
        ("loyalty_card", rule(1, None, None, false)),
        ("phone", rule(2, None, None, true)),
        ("anonymous_id", rule(3, None, Some(1), true)),
        ("email", rule(4, None, Some(1), false)),
        ("device", rule(5, Some(1), Some(1), false)),
        ("user_id", rule(6, Some(1), Some(0), false)),
    ];
    let namespaces = Namespaces::new(&all.map(|(name, rule)| (name.to_owned(), rule)).into()).unwrap();
    let alias = |a, b| Said::Alias { a: ident(a), b: ident(b) };
    let event = |named: &[(&str, &str)]| {
        let identifiers = named.iter().map(|one| ident(*one)).collect();
        Said::Event { strong: false, claimed: false, identifiers }
    };
    let said = [
        alias(("device", "0"), ("anonymous_id", "1")),
        Said::Match { a: ident(("phone", "1")), b: ident(("email", "1")), probability: 0.9 },
        event(&[("email", "1"), ("anonymous_id", "0")]),
        event(&[("user_id", "2"), ("device", "2")]),
        event(&[("phone", "0"), ("anonymous_id", "2"), ("anonymous_id", "0")]),
        alias(("phone", "0"), ("user_id", "2")),
        alias(("device", "2"), ("anonymous_id", "2")),
        event(&[("email", "0"), ("phone", "1"), ("anonymous_id", "2")]),
    ];
    let facts: Vec<SpecFact> =
        said.into_iter().enumerate().map(|(nth, said)| SpecFact { id: format!("m{nth}"), ts: 0, said }).collect();
    for seed in 0..64 {
        for batch in 1..5 {
            same_in_any_order(&namespaces, 1000, &facts, seed, batch).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn t1_order_independence((namespaces, size) in rules(), facts in facts(22), seed: u64, batch in 1usize..5) {
        same_in_any_order(&namespaces, size, &facts, seed, batch)?;
    }

    /// The same where nearly everybody shares something with somebody: what pins rest on.
    #[test]
    fn t1_order_independence_of_households(namespaces in household_rules(), facts in households(), seed: u64, batch in 1usize..5) {
        same_in_any_order(&namespaces, 1000, &facts, seed, batch)?;
    }

    #[test]
    fn t2_safety_and_t3_maximality((namespaces, size) in rules(), facts in facts(30)) {
        let zero = namespaces.iter().any(|(_, of)| of.rule.limit == Some(0));
        let mut model = Model::new(namespaces, size);
        model.add(&facts);
        let outcome = judged(&model);
        for group in outcome.components.iter().filter(|group| group.len() > 1 && !zero) {
            prop_assert!(spec::feasible(&model.rules, &model.live, group));
        }
        for (a, b) in model.live.evidence.keys().filter(|(a, b)| !outcome.shared.contains(a) && !outcome.shared.contains(b)) {
            let of = |n: &Ident| outcome.components.iter().find(|group| group.contains(n)).cloned().unwrap();
            prop_assert!(of(a) == of(b) || !spec::feasible(&model.rules, &model.live, &(&of(a) | &of(b))));
        }
    }

    #[test]
    fn t4_layer_stability((namespaces, size) in rules(), facts in facts(30), a in ident(), b in ident()) {
        let mut model = Model::new(namespaces, size);
        for rule in model.rules.namespaces.values_mut() {
            rule.fan.clear();
            rule.window = None;
        }
        let before = spec::live(&model.rules, &facts);
        prop_assume!(a != b && before.first.contains_key(&a) && before.first.contains_key(&b));
        let rank = model.rules.namespaces[&a.0].rank.max(model.rules.namespaces[&b.0].rank);
        let said = Said::Event { strong: true, claimed: false, identifiers: vec![a, b] };
        let more: Vec<SpecFact> = facts.iter().cloned().chain([SpecFact { id: "new".to_owned(), ts: 9, said }]).collect();
        let after = spec::live(&model.rules, &more);
        let (before, after) = (spec::outcome(&model.rules, &before), spec::outcome(&model.rules, &after));
        for (at, stage) in before.stages.iter().filter(|(at, _)| **at <= rank) {
            prop_assert_eq!(stage, &after.stages[at]);
        }
    }

    #[test]
    fn t5_clean_components((namespaces, size) in rules(), facts in facts(30)) {
        let mut model = Model::new(namespaces, size);
        model.add(&facts);
        let outcome = judged(&model);
        for candidate in candidates(&model, &outcome) {
            if spec::feasible(&model.rules, &model.live, &candidate) {
                prop_assert!(outcome.components.contains(&candidate));
            }
        }
    }

    #[test]
    fn t6_undo((namespaces, size) in rules(), facts in facts(30), a in ident(), b in ident(), ts in 0i64..9) {
        let model = Model::new(namespaces, size);
        let rules = &model.rules;
        let all = spec::live(rules, &facts);
        let never: Vec<SpecFact> = spec::live_facts(&facts);
        prop_assert_eq!(&all, &spec::live(rules, &never));

        // A revoke: nothing up to its instant speaks for the pair. Erasures would void the revoke itself.
        let facts: Vec<SpecFact> = facts.into_iter().filter(|fact| !matches!(fact.said, Said::Erase { .. })).collect();
        let revoke = SpecFact { id: "new".to_owned(), ts, said: Said::Revoke { a: a.clone(), b: b.clone() } };
        let with: Vec<SpecFact> = facts.iter().cloned().chain([revoke]).collect();
        let mut expected = spec::live(rules, &facts);
        let of = spec::pair(&a, &b);
        if let Some(keys) = expected.evidence.get_mut(&of) {
            keys.retain(|key| key.5 > ts);
        }
        expected.evidence.retain(|_, keys| !keys.is_empty());
        expected.alias.retain(|pair, alias| *pair != of || *alias > ts);
        let got = spec::live(rules, &with);
        prop_assert!(a == b || (&got.evidence, &got.alias, &got.deny) == (&expected.evidence, &expected.alias, &expected.deny));
    }

    /// Whatever the store has of an identifier goes at the call, however far ahead it lies.
    #[test]
    fn an_erasure_leaves_nothing_of_what_it_names((namespaces, size) in rules(), facts in facts(30), n in ident(), ts in 0i64..9) {
        let model = Model::new(namespaces, size);
        let accepted = spec::live_facts(&facts);
        let messages = spec::ahead(accepted.iter(), std::slice::from_ref(&n), ts).into_iter().collect();
        let erase = SpecFact { id: "new".to_owned(), ts, said: Said::Erase { identifiers: vec![n.clone()], messages } };
        let left = spec::live(&model.rules, &accepted.into_iter().chain([erase]).collect::<Vec<_>>());
        prop_assert!(!left.first.contains_key(&n) && left.evidence.keys().all(|(a, b)| *a != n && *b != n));
    }

    #[test]
    fn t7_guard((namespaces, size) in rules(), facts in facts(30)) {
        let model = Model::new(namespaces, size);
        let rules = &model.rules;
        let claimed = |fact: &SpecFact| matches!(fact.said, Said::Event { claimed: true, .. });
        let verified: Vec<SpecFact> = facts.iter().filter(|fact| !claimed(fact)).cloned().collect();
        let (with, without) = (spec::live(rules, &facts), spec::live(rules, &verified));
        let (after, before) = (spec::outcome(rules, &with), spec::outcome(rules, &without));
        let joined = |outcome: &Outcome| outcome.components.iter().filter(|group| group.len() > 1).cloned().collect::<Vec<_>>();
        prop_assert_eq!(joined(&after), joined(&before));
        // A single identifier alone may be over its cap of none at all; it joins nobody either way.
        let known = |outcome: &Outcome| outcome.shared.iter().filter(|n| without.first.contains_key(*n)).cloned().collect::<Group>();
        prop_assert_eq!((known(&after), &after.rejected), (known(&before), &before.rejected));
        for n in with.first.keys().filter(|n| !without.first.contains_key(*n)) {
            prop_assert!(!rules.namespaces[&n.0].person && after.components.contains(&Group::from([n.clone()])));
        }
        let (mine, theirs) = (spec::attribution(rules, &with, &after), spec::attribution(rules, &without, &before));
        for (id, owner) in theirs {
            prop_assert_eq!(&mine[&id], &owner);
        }
    }

    #[test]
    fn events_of_shared_identifiers_go_where_the_definition_sends_them((namespaces, size) in rules(), facts in facts(30)) {
        let mut model = Model::new(namespaces, size);
        model.add(&facts);
        let outcome = check(&model)?;
        let expected = spec::attribution(&model.rules, &model.live, &outcome);
        for ((ts, id), (_, names)) in &model.live.events {
            let got = owner(&model, *ts, id, names);
            prop_assert_eq!(got.and_then(|node| group_of(&outcome, &model.idents[node as usize])), expected[id].clone());
        }
        for n in model.live.first.keys().filter(|n| outcome.shared.contains(*n)) {
            for ts in -1..10 {
                let claims = claims(&model, n);
                let got = resolve_at(&claims, Timestamp::from_millisecond(ts), ttl(&model, n)).map(|claim| claim.owner);
                let expected = spec::resolve(&model.rules, &model.live, &outcome, n, ts);
                prop_assert_eq!(got.and_then(|node| group_of(&outcome, &model.idents[node as usize])), expected);
            }
        }
    }

    #[test]
    fn one_path_explains_a_join_and_obstacles_its_absence((namespaces, size) in rules(), facts in facts(30)) {
        let mut model = Model::new(namespaces, size);
        model.add(&facts);
        let (gathered, solution) = everything(&model);
        let region = &gathered.region;
        let count = row32(region.nodes.len());
        for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
            let one = solution.profile[a as usize] != NONE && solution.profile[a as usize] == solution.profile[b as usize];
            let path = why(region, &solution, a, b);
            prop_assert_eq!(path.is_some(), one);
            let obstacles = why_not(region, &solution, a, b);
            prop_assert_eq!(obstacles.is_empty(), one || a == b && !solution.is_shared(a));
            let mut at = a;
            for step in path.into_iter().flatten() {
                prop_assert_eq!(step.from, at);
                at = step.to;
                let mut without = solution.clone();
                without.joins.retain(|link| *link != step.link);
                prop_assert!(without.joins.len() < solution.joins.len());
                prop_assert_eq!(why(region, &without, a, b), None);
                if let Link::Edge(edge) = step.link {
                    let edge = &region.edges[edge as usize];
                    prop_assert_eq!((edge.a, edge.b), (step.from.min(step.to), step.from.max(step.to)));
                }
            }
            prop_assert!(!one || at == b);
            for obstacle in obstacles {
                if let Obstacle::Rejected { clash: Some((x, y)), .. } = obstacle {
                    prop_assert_ne!(solution.component[x as usize], solution.component[y as usize]);
                }
            }
        }
    }
}

fn group_of(outcome: &Outcome, n: &Ident) -> Option<Group> {
    outcome.profiles.iter().find(|group| group.contains(n)).cloned()
}

fn strongest(model: &Model, names: &[Ident]) -> Option<u32> {
    names.iter().map(|n| model.nodes[n]).find(|node| model.states[*node as usize].profile != NONE)
}

fn ttl(model: &Model, n: &Ident) -> Option<Span> {
    model.rules.namespaces[&n.0].ttl.map(Span::from_millisecond)
}

fn claims(model: &Model, x: &Ident) -> Vec<Claim<String>> {
    let events = model.live.events.iter().filter(|(_, (claimed, names))| !claimed && names.contains(x));
    let claim = |((ts, id), (_, names)): (&(i64, String), &(bool, Vec<Ident>))| {
        let owner = strongest(model, names)?;
        let profile = model.states[owner as usize].profile;
        Some(Claim { ts: Timestamp::from_millisecond(*ts), id: id.clone(), owner, profile })
    };
    events.filter_map(claim).collect()
}

fn owner(model: &Model, ts: i64, id: &String, names: &[Ident]) -> Option<u32> {
    strongest(model, names).or_else(|| {
        let x = names.first()?;
        let claims = claims(model, x);
        attribute(&claims, Timestamp::from_millisecond(ts), id, ttl(model, x)).map(|claim| claim.owner)
    })
}

/// Connected over edges between non-shared identifiers and over atoms.
fn candidates(model: &Model, outcome: &Outcome) -> Vec<Group> {
    let plain = |n: &Ident| !outcome.shared.contains(n);
    let edges = model
        .live
        .evidence
        .keys()
        .filter(|(a, b)| plain(a) && plain(b))
        .map(|(a, b)| Group::from([a.clone(), b.clone()]));
    // Components hold atoms; those of components that are one anyway add nothing else.
    let mut groups: Vec<Group> = outcome.components.iter().cloned().collect();
    for edge in edges {
        let (touched, mut rest): (Vec<Group>, Vec<Group>) =
            groups.into_iter().partition(|group| !group.is_disjoint(&edge));
        rest.push(touched.into_iter().flatten().collect());
        groups = rest;
    }
    groups
}

fn defaults() -> Model {
    Model::new(Namespaces::new(&BTreeMap::new()).unwrap(), 1000)
}

fn event(id: usize, identifiers: &[(&str, &str)]) -> SpecFact {
    let identifiers =
        identifiers.iter().map(|(namespace, value)| ((*namespace).to_owned(), (*value).to_owned())).collect();
    SpecFact {
        id: format!("m{id:03}"),
        ts: id as i64,
        said: Said::Event { strong: false, claimed: false, identifiers },
    }
}

#[test]
fn an_identifier_seen_with_two_people_glues_nobody_in_either_order() {
    let (one, two) =
        (event(1, &[("user_id", "1"), ("anonymous_id", "a")]), event(2, &[("user_id", "2"), ("anonymous_id", "a")]));
    for order in [[one.clone(), two.clone()], [two, one]] {
        let mut model = defaults();
        model.add(&order[..1]);
        model.add(&order[1..]);
        let (user, cookie) =
            (model.nodes[&("user_id".into(), "1".into())], model.nodes[&("anonymous_id".into(), "a".into())]);
        assert_eq!(model.states[user as usize].profile, user);
        assert!(model.states[cookie as usize].is_shared());
        assert_eq!(judged(&model).shared.len(), 1);
    }
}

/// A cookie of a bot with very many e-mails, and a household phone, must not be read through by everybody beside them.
#[test]
fn a_hub_that_stays_shared_costs_a_few_steps() {
    let mut model = defaults();
    let hub = model.node(&("anonymous_id".to_owned(), "hub".to_owned()));
    let mut all = vec![hub];
    for at in 0..100_000 {
        let email = model.node(&("email".to_owned(), format!("e{at}")));
        model.link(hub, email, at);
        all.push(email);
    }
    model.resolve(Dirty { nodes: &all, ruled: &[] });
    assert!(model.states[hub as usize].is_shared());
    let email = model.node(&("email".to_owned(), "new".to_owned()));
    model.link(hub, email, 7);
    let resolution = model.resolve(Dirty { nodes: &[hub, email], ruled: &[] });
    assert_eq!(resolution.states.len(), 1);
    assert!(resolution.solved == 2 && model.visited.get() < 20, "{} {}", resolution.solved, model.visited.get());
}

#[test]
fn a_new_cookie_of_a_known_person_takes_the_fast_way() {
    let mut model = defaults();
    model.add(&[event(1, &[("user_id", "1"), ("email", "e")])]);
    model.add(&[event(2, &[("user_id", "1"), ("email", "e"), ("anonymous_id", "a")])]);
    assert_eq!((model.appended, profiles(&model).len()), (1, 3));
    check(&model).unwrap();
}

/// Only a match makes the two e-mails one person, and that comes after the cookie was decided.
#[test]
fn a_new_cookie_of_two_matched_people_is_shared() {
    let mut model = defaults();
    let email = |value: &str| ("email".to_owned(), value.to_owned());
    let said = Said::Match { a: email("e"), b: email("f"), probability: 1.0 };
    model.add(&[SpecFact { id: "m".to_owned(), ts: 1, said }]);
    model
        .add(&[event(2, &[("email", "e"), ("anonymous_id", "a")]), event(3, &[("email", "f"), ("anonymous_id", "a")])]);
    let outcome = check(&model).unwrap();
    assert_eq!((outcome.shared.len(), outcome.profiles.len()), (1, 1));
}

/// Two kiosks that stay shared become two atoms by a revoke between two others: the e-mail beside both must be counted
/// again, though it has no edge to anything that changed.
#[test]
fn atoms_that_part_far_away_are_counted_again() {
    let mut email = Namespaces::new(&BTreeMap::new()).unwrap().get(3).unwrap().rule.clone();
    email.fan = BTreeMap::from([("device".to_owned(), 1)]);
    let mut model = Model::new(Namespaces::new(&BTreeMap::from([("email".to_owned(), email)])).unwrap(), 1000);
    model.add(&[("q", "1"), ("e1", "1"), ("f1", "1"), ("q", "2"), ("e2", "2"), ("f2", "2")].map({
        let mut at = 0;
        move |(email, device)| {
            at += 1;
            event(at, &[("email", email), ("device", device)])
        }
    }));
    let device = |value: &str| ("device".to_owned(), value.to_owned());
    let pairs = [("1", "x"), ("x", "y"), ("y", "2")];
    for (at, (a, b)) in pairs.into_iter().enumerate() {
        let said = Said::Alias { a: device(a), b: device(b) };
        model.add(&[SpecFact { id: format!("a{at}"), ts: 50, said }]);
    }
    assert_eq!(check(&model).unwrap().shared.len(), 2);
    let said = Said::Revoke { a: device("x"), b: device("y") };
    model.add(&[SpecFact { id: "r".to_owned(), ts: 60, said }]);
    assert_eq!(check(&model).unwrap().shared.len(), 3);
}

#[test]
fn a_household_phone_keeps_its_people_apart_cheaply() {
    let mut model = defaults();
    let mut all = Vec::new();
    let mut id = |model: &mut Model, namespace: &str, value: String| {
        let node = model.node(&(namespace.to_owned(), value));
        all.push(node);
        node
    };
    // A chain of people, each sharing a phone with the next one.
    let mut last = None;
    for at in 0..200 {
        let user = id(&mut model, "user_id", at.to_string());
        let email = id(&mut model, "email", at.to_string());
        let phone = id(&mut model, "phone", at.to_string());
        model.link(user, email, at);
        model.link(email, phone, at);
        if let Some(last) = last {
            model.link(email, last, at);
        }
        last = Some(phone);
    }
    model.resolve(Dirty { nodes: &all, ruled: &[] });
    let (phone, email) = (model.node(&("phone".into(), "100".into())), model.node(&("email".into(), "100".into())));
    assert!(model.states[phone as usize].is_shared());
    let cookie = model.node(&("anonymous_id".to_owned(), "new".to_owned()));
    model.link(cookie, email, 500);
    let resolution = model.resolve(Dirty { nodes: &[cookie, email], ruled: &[] });
    assert!(resolution.solved < 30, "{}", resolution.solved);
}

#[test]
fn live_tables_keep_their_shape() {
    let model = defaults();
    assert_eq!(spec::live(&model.rules, &[]), Live::default());
}
