//! The definition of the partition, as slow and plain as it can be written: the executable specification.
//!
//! Sets of strings, nested loops, nothing kept between calls, no code in common with the solver. What the engine says
//! after any history must equal [`outcome`] of the set of accepted facts.

use std::collections::{BTreeMap, BTreeSet};

/// (namespace, value), normalized.
pub(crate) type Ident = (String, String);
/// Two identifiers in (namespace, value) order.
pub(crate) type Pair = (Ident, Ident);
/// A component or a profile.
pub(crate) type Group = BTreeSet<Ident>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) rank: u32,
    pub(crate) limit: Option<u32>,
    pub(crate) window: Option<i64>,
    pub(crate) glue: Option<u32>,
    pub(crate) fan: BTreeMap<String, u32>,
    /// Session length; none: sticky.
    pub(crate) ttl: Option<i64>,
    pub(crate) person: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) namespaces: BTreeMap<String, Rule>,
    pub(crate) profile_size: usize,
    pub(crate) identifiers_per_event: usize,
    /// Values that identify nobody.
    pub(crate) blocked: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Event {
        strong: bool,
        claimed: bool,
        identifiers: Vec<Ident>,
    },
    Match {
        a: Ident,
        b: Ident,
        probability: f64,
    },
    Alias {
        a: Ident,
        b: Ident,
    },
    Deny {
        a: Ident,
        b: Ident,
    },
    Revoke {
        a: Ident,
        b: Ident,
    },
    Erase {
        identifiers: Vec<Ident>,
        messages: Vec<String>,
    },
    /// The message with that id, if that is its [`content`].
    Retract {
        message: String,
        content: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SpecFact {
    pub(crate) id: String,
    pub(crate) ts: i64,
    pub(crate) said: Said,
}

/// The key of a piece of evidence, without the pair: is_match, weaker rank, stronger rank, class, 255 - confidence, ts.
pub(crate) type Key = (bool, u32, u32, u8, u8, i64);

/// S0 to S2.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Live {
    pub(crate) first: BTreeMap<Ident, i64>,
    pub(crate) first_verified: BTreeMap<Ident, i64>,
    pub(crate) evidence: BTreeMap<Pair, BTreeSet<Key>>,
    /// The latest alias after the latest revoke.
    pub(crate) alias: BTreeMap<Pair, i64>,
    pub(crate) deny: BTreeMap<Pair, i64>,
    pub(crate) generation: BTreeMap<Ident, usize>,
    /// Live events: (ts, id) -> claimed, identifiers by strength.
    pub(crate) events: BTreeMap<(i64, String), (bool, Vec<Ident>)>,
}

/// Everything that the strata decide.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) components: BTreeSet<Group>,
    pub(crate) profiles: BTreeSet<Group>,
    pub(crate) shared: Group,
    pub(crate) rejected: BTreeSet<Pair>,
    /// Components before the certain edges of each rank, of identifiers of stronger ranks, and which of them are
    /// shared.
    pub(crate) stages: BTreeMap<u32, (BTreeSet<Group>, Group)>,
}

pub(crate) fn pair(a: &Ident, b: &Ident) -> Pair {
    if a <= b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) }
}

fn sides(said: &Said) -> Option<Pair> {
    match said {
        Said::Match { a, b, .. } | Said::Alias { a, b } | Said::Deny { a, b } | Said::Revoke { a, b } => {
            Some(pair(a, b))
        }
        Said::Event { .. } | Said::Erase { .. } | Said::Retract { .. } => None,
    }
}

/// What a fact says, beside its id.
pub(crate) fn content(fact: &SpecFact) -> String {
    format!("{} {:?}", fact.ts, fact.said)
}

pub(crate) fn names(fact: &SpecFact) -> Vec<Ident> {
    match &fact.said {
        Said::Event { identifiers, .. } => identifiers.clone(),
        other => sides(other).map(|(a, b)| vec![a, b]).unwrap_or_default(),
    }
}

/// What an erasure of identifiers names at the call, beside them: the ids of the accepted facts that lie after it.
pub(crate) fn ahead<'f>(
    accepted: impl Iterator<Item = &'f SpecFact>,
    identifiers: &[Ident],
    ts: i64,
) -> BTreeSet<String> {
    let later = accepted.filter(|fact| fact.ts > ts && names(fact).iter().any(|n| identifiers.contains(n)));
    later.map(|fact| fact.id.clone()).collect()
}

/// S0: the facts that count. Those that take others away always do.
pub(crate) fn live_facts(facts: &[SpecFact]) -> Vec<SpecFact> {
    let mut tomb: BTreeMap<&Ident, i64> = BTreeMap::new();
    let mut gone: BTreeSet<&String> = BTreeSet::new();
    let mut retracted: BTreeSet<(&String, &String)> = BTreeSet::new();
    for fact in facts {
        if let Said::Erase { identifiers, messages } = &fact.said {
            gone.extend(messages);
            for n in identifiers {
                let latest = tomb.entry(n).or_insert(i64::MIN);
                *latest = fact.ts.max(*latest);
            }
        }
        if let Said::Retract { message, content } = &fact.said {
            retracted.insert((message, content));
        }
    }
    let void = |fact: &SpecFact| {
        if matches!(fact.said, Said::Erase { .. } | Said::Retract { .. }) {
            return false;
        }
        gone.contains(&fact.id)
            || retracted.contains(&(&fact.id, &content(fact)))
            || names(fact).iter().any(|n| tomb.get(n).is_some_and(|tomb| fact.ts <= *tomb))
    };
    facts.iter().filter(|fact| !void(fact)).cloned().collect()
}

/// S1: what of an event's identifiers names the person.
fn usable(rules: &Rules, claimed: bool, identifiers: &[Ident]) -> Vec<Ident> {
    let distinct: BTreeSet<Ident> = identifiers.iter().filter(|n| !rules.blocked.contains(&n.1)).cloned().collect();
    let mut left: Vec<Ident> = distinct.into_iter().filter(|n| !(claimed && rules.namespaces[&n.0].person)).collect();
    left.sort_by_key(|n| (rules.namespaces[&n.0].rank, n.1.clone()));
    left.truncate(rules.identifiers_per_event);
    left
}

/// S0 to S2: the live facts as tables.
pub(crate) fn live(rules: &Rules, facts: &[SpecFact]) -> Live {
    let mut out = Live::default();
    let mut erasures: BTreeMap<Ident, BTreeSet<i64>> = BTreeMap::new();
    let blocked = |n: &Ident| rules.blocked.contains(&n.1);
    let says = |fact: &SpecFact| sides(&fact.said).is_none_or(|(a, b)| a != b && !blocked(&a) && !blocked(&b));
    let live: Vec<SpecFact> = live_facts(facts).into_iter().filter(says).collect();
    let mut revoked: BTreeMap<Pair, i64> = BTreeMap::new();
    for fact in &live {
        if let Said::Revoke { a, b } = &fact.said {
            let latest = revoked.entry(pair(a, b)).or_insert(i64::MIN);
            *latest = fact.ts.max(*latest);
        }
    }
    let speaks = |of: &Pair, ts: i64| revoked.get(of).is_none_or(|revoked| ts > *revoked);
    for fact in &live {
        let ts = fact.ts;
        match &fact.said {
            Said::Event { strong, claimed, identifiers } => {
                let names = usable(rules, *claimed, identifiers);
                out.date(&names, ts, !claimed);
                out.events.insert((ts, fact.id.clone()), (*claimed, names.clone()));
                let pairs = names.iter().flat_map(|a| names.iter().filter(move |b| a < *b).map(move |b| pair(a, b)));
                for of in pairs.filter(|of| !claimed && speaks(of, ts)) {
                    let (weaker, stronger) = ranks(rules, &of);
                    let key = (false, weaker, stronger, if *strong { 0 } else { 1 }, 0, ts);
                    out.evidence.entry(of).or_default().insert(key);
                }
            }
            Said::Match { a, b, probability } if *probability >= 0.9 => {
                out.date(&[a.clone(), b.clone()], ts, true);
                let of = pair(a, b);
                let confidence = (0..=255u8).rfind(|whole| f64::from(*whole) <= 255.0 * probability).unwrap_or(0);
                if speaks(&of, ts) {
                    let (weaker, stronger) = ranks(rules, &of);
                    let key = (true, weaker, stronger, 2, 255 - confidence, ts);
                    out.evidence.entry(of).or_default().insert(key);
                }
            }
            Said::Alias { a, b } if speaks(&pair(a, b), ts) => {
                out.date(&[a.clone(), b.clone()], ts, true);
                let latest = out.alias.entry(pair(a, b)).or_insert(i64::MIN);
                *latest = ts.max(*latest);
            }
            Said::Deny { a, b } => {
                out.date(&[a.clone(), b.clone()], ts, true);
                let latest = out.deny.entry(pair(a, b)).or_insert(i64::MIN);
                *latest = ts.max(*latest);
            }
            Said::Erase { identifiers, .. } => {
                for n in identifiers {
                    erasures.entry(n.clone()).or_default().insert(ts);
                }
            }
            Said::Match { .. } | Said::Alias { .. } | Said::Revoke { .. } | Said::Retract { .. } => {}
        }
    }
    out.generation = erasures.into_iter().map(|(n, instants)| (n, instants.len())).collect();
    out
}

fn ranks(rules: &Rules, (a, b): &Pair) -> (u32, u32) {
    let (a, b) = (rules.namespaces[&a.0].rank, rules.namespaces[&b.0].rank);
    (a.max(b), a.min(b))
}

impl Live {
    fn date(&mut self, names: &[Ident], ts: i64, verified: bool) {
        for n in names {
            let first = self.first.entry(n.clone()).or_insert(i64::MAX);
            *first = ts.min(*first);
            if verified {
                let first = self.first_verified.entry(n.clone()).or_insert(i64::MAX);
                *first = ts.min(*first);
            }
        }
    }

    fn certain(&self, of: &Pair) -> bool {
        self.evidence.get(of).is_some_and(|keys| keys.iter().any(|key| !key.0))
    }

    /// Pairs with the smallest key of their evidence, in key order.
    fn edges(&self) -> Vec<(Key, Pair)> {
        let mut all: Vec<(Key, Pair)> =
            self.evidence.iter().map(|(of, keys)| (*keys.iter().min().expect("evidence"), of.clone())).collect();
        all.sort();
        all
    }

    /// Pairs whose latest ruling is a deny.
    fn denied(&self) -> BTreeSet<Pair> {
        self.deny
            .iter()
            .filter(|(of, deny)| self.alias.get(*of).is_none_or(|alias| alias <= *deny))
            .map(|(of, _)| of.clone())
            .collect()
    }
}

/// The state of the strata: a partition of all identifiers.
struct Strata<'a> {
    rules: &'a Rules,
    live: &'a Live,
    denied: BTreeSet<Pair>,
    atoms: Vec<Group>,
    groups: Vec<Group>,
    shared: Group,
    rejected: BTreeSet<Pair>,
}

/// S3 to S5.
pub(crate) fn outcome(rules: &Rules, live: &Live) -> Outcome {
    let groups: Vec<Group> = live.first.keys().map(|n| Group::from([n.clone()])).collect();
    let denied = live.denied();
    let mut strata =
        Strata { rules, live, denied, atoms: Vec::new(), groups, shared: Group::new(), rejected: BTreeSet::new() };
    strata.aliases();
    strata.atoms = strata.groups.clone();
    let mut stages = BTreeMap::new();
    let mut by_rank: Vec<(u32, &String)> = rules.namespaces.iter().map(|(name, rule)| (rule.rank, name)).collect();
    by_rank.sort();
    for (rank, namespace) in by_rank {
        stages.insert(rank, strata.stage(rank));
        let shared: Vec<Ident> =
            live.first.keys().filter(|n| n.0 == *namespace && strata.is_shared(n)).cloned().collect();
        strata.shared.extend(shared);
        for (_, of) in live.edges().into_iter().filter(|(key, _)| !key.0 && key.1 == rank) {
            strata.join_unless_infeasible(&of);
        }
    }
    for (_, of) in live.edges().into_iter().filter(|(key, _)| key.0) {
        strata.join_unless_infeasible(&of);
    }
    let profile = |group: &Group| group.difference(&strata.shared).cloned().collect::<Group>();
    Outcome {
        profiles: strata.groups.iter().map(profile).filter(|group| !group.is_empty()).collect(),
        components: strata.groups.iter().cloned().collect(),
        shared: strata.shared,
        rejected: strata.rejected,
        stages,
    }
}

impl Strata<'_> {
    fn group(&self, n: &Ident) -> Group {
        self.groups.iter().find(|group| group.contains(n)).cloned().unwrap_or_default()
    }

    fn unite(&mut self, a: &Ident, b: &Ident) {
        let (a, b) = (self.group(a), self.group(b));
        self.groups.retain(|group| *group != a && *group != b);
        self.groups.push(&a | &b);
    }

    fn holds_denied(&self, group: &Group) -> bool {
        self.denied.iter().any(|(a, b)| group.contains(a) && group.contains(b))
    }

    fn aliases(&mut self) {
        let surviving = self.live.alias.iter().filter(|(of, _)| !self.denied.contains(*of));
        let mut order: Vec<(i64, Pair)> = surviving.map(|(of, ts)| (*ts, of.clone())).collect();
        order.sort();
        for (_, (a, b)) in order {
            let class = &self.group(&a) | &self.group(&b);
            if !self.holds_denied(&class) && class.len() <= self.rules.profile_size {
                self.unite(&a, &b);
            }
        }
    }

    fn within_limit(&self, group: &Group, namespace: &str, rule: &Rule) -> bool {
        let Some(limit) = rule.limit else { return true };
        let of_namespace = |atom: &Group| -> Vec<Ident> {
            atom.iter().filter(|n| group.contains(*n) && n.0 == namespace).cloned().collect()
        };
        let values: Vec<Vec<Ident>> = self.atoms.iter().map(of_namespace).filter(|atom| !atom.is_empty()).collect();
        let Some(window) = rule.window else { return values.len() <= limit as usize };
        let seen: Vec<i64> = values
            .iter()
            .filter_map(|atom| atom.iter().filter_map(|n| self.live.first_verified.get(n)).min().copied())
            .collect();
        seen.iter().all(|t| seen.iter().filter(|s| *s >= t && **s < t + window).count() <= limit as usize)
    }

    fn feasible(&self, group: &Group) -> bool {
        group.len() <= self.rules.profile_size
            && !self.holds_denied(group)
            && self.rules.namespaces.iter().all(|(name, rule)| self.within_limit(group, name, rule))
    }

    fn is_shared(&self, n: &Ident) -> bool {
        let rule = &self.rules.namespaces[&n.0];
        let neighbors: Vec<&Ident> =
            self.live.first.keys().filter(|m| *m != n && self.live.certain(&pair(n, m))).collect();
        let people: BTreeSet<Group> = neighbors
            .iter()
            .filter(|m| self.rules.namespaces[&m.0].rank < rule.rank && !self.shared.contains(**m))
            .map(|m| self.group(m))
            .filter(|group| !group.contains(n) && group.iter().any(|m| self.rules.namespaces[&m.0].person))
            .collect();
        let union: Group = people.iter().flatten().cloned().collect();
        let over_fan = |(namespace, cap): (&String, &u32)| {
            let there = |atom: &&Group| neighbors.iter().any(|m| m.0 == *namespace && atom.contains(*m));
            self.rules.namespaces[namespace].rank > rule.rank && self.atoms.iter().filter(there).count() > *cap as usize
        };
        rule.glue.is_some_and(|glue| people.len() > glue as usize)
            || !self.feasible(&union)
            || rule.fan.iter().any(over_fan)
    }

    fn join_unless_infeasible(&mut self, (a, b): &Pair) {
        if self.shared.contains(a) || self.shared.contains(b) || self.group(a).contains(b) {
            return;
        }
        if self.feasible(&(&self.group(a) | &self.group(b))) {
            self.unite(a, b);
        } else {
            self.rejected.insert((a.clone(), b.clone()));
        }
    }

    fn stage(&self, rank: u32) -> (BTreeSet<Group>, Group) {
        let stronger = |group: &Group| -> Group {
            group.iter().filter(|n| self.rules.namespaces[&n.0].rank < rank).cloned().collect()
        };
        (self.groups.iter().map(stronger).filter(|group| !group.is_empty()).collect(), stronger(&self.shared))
    }
}

/// Whether a group could be one profile.
pub(crate) fn feasible(rules: &Rules, live: &Live, group: &Group) -> bool {
    let groups: Vec<Group> = live.first.keys().map(|n| Group::from([n.clone()])).collect();
    let (denied, shared, rejected) = (live.denied(), Group::new(), BTreeSet::new());
    let mut strata = Strata { rules, live, denied, atoms: Vec::new(), groups, shared, rejected };
    strata.aliases();
    strata.atoms = strata.groups.clone();
    strata.feasible(group)
}

/// The eldest identifier of a profile and its generation: what the public id is made of.
pub(crate) fn eldest(rules: &Rules, live: &Live, profile: &Group) -> (Ident, usize) {
    let n = profile.iter().min_by_key(|n| (live.first[*n], rules.namespaces[&n.0].rank, *n)).expect("a member");
    (n.clone(), live.generation.get(n).copied().unwrap_or(0))
}

/// Section 3: event id -> its profile, or `None` in a pool and for nobody's.
pub(crate) fn attribution(rules: &Rules, live: &Live, outcome: &Outcome) -> BTreeMap<String, Option<Group>> {
    let of = |(ts, id): &(i64, String), names: &Vec<Ident>| {
        let plain = names.iter().find(|n| !outcome.shared.contains(*n));
        match (plain, names.first()) {
            (Some(n), _) => profile_of(outcome, n),
            (None, Some(x)) => at(rules, live, outcome, x, &|claim| claim < &(*ts, id.clone()), *ts),
            (None, None) => None,
        }
    };
    live.events.iter().map(|(when, (_, names))| (when.1.clone(), of(when, names))).collect()
}

/// `resolve(identifier, at)`.
pub(crate) fn resolve(rules: &Rules, live: &Live, outcome: &Outcome, n: &Ident, instant: i64) -> Option<Group> {
    profile_of(outcome, n).or_else(|| at(rules, live, outcome, n, &|claim| claim.0 <= instant, instant))
}

fn profile_of(outcome: &Outcome, n: &Ident) -> Option<Group> {
    outcome.profiles.iter().find(|profile| profile.contains(n)).cloned()
}

fn at(
    rules: &Rules,
    live: &Live,
    outcome: &Outcome,
    x: &Ident,
    before: &dyn Fn(&(i64, String)) -> bool,
    ts: i64,
) -> Option<Group> {
    let claims: Vec<(&(i64, String), Group)> = live
        .events
        .iter()
        .filter(|(_, (claimed, names))| !claimed && names.contains(x))
        .filter_map(|(when, (_, names))| {
            let strongest = names.iter().find(|n| !outcome.shared.contains(*n))?;
            Some((when, profile_of(outcome, strongest)?))
        })
        .collect();
    let last = claims.iter().rfind(|(when, _)| before(when));
    let next = claims.iter().find(|(when, _)| !before(when));
    let Some(ttl) = rules.namespaces[&x.0].ttl else {
        return last.or(next).map(|(_, profile)| profile.clone());
    };
    if let (Some((_, last)), Some((_, next))) = (last, next)
        && last == next
    {
        return Some(last.clone());
    }
    let near: Vec<&Group> = [last, next]
        .into_iter()
        .flatten()
        .filter(|(when, _)| (when.0 - ts).abs() <= ttl)
        .map(|(_, profile)| profile)
        .collect();
    match near.as_slice() {
        [one] => Some((*one).clone()),
        _ => None,
    }
}
