//! The namespaces of a store, compiled: defaults and overrides merged, in the order of their strength.

use super::namespace::{NamespaceRule, default_namespaces};
use std::collections::{BTreeMap, BTreeSet};

/// No longer value is ever an identifier, nor kept as a blocked one.
const BLOCKED_BYTES_MAX: usize = 4096;

/// One namespace with its code, as the store uses it: defaults and overrides merged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) rule: NamespaceRule,
}

/// All namespaces of a store. The index is the namespace code, and is ordered by rank: a smaller code is stronger.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Namespaces {
    all: Vec<Namespace>,
    /// Values that identify nobody, besides those that the store was created with: lower case, sorted, distinct.
    blocked: Vec<String>,
    /// How often rules and blocked values were changed since the store was created.
    version: u64,
}

impl Namespaces {
    /// The defaults with the overrides of `config`, by rank.
    ///
    /// # Errors
    /// `Invalid` for two namespaces of one rank, a fan of an unknown namespace, a bad name, or more than 64.
    pub(crate) fn new(overrides: &BTreeMap<String, NamespaceRule>) -> crate::Result<Self> {
        let mut merged: BTreeMap<String, NamespaceRule> =
            default_namespaces().into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect();
        // A namespace given by the host may take a rank inside the defaults: those of the host are inserted before.
        merged.extend(overrides.iter().map(|(name, rule)| (name.clone(), rule.clone())));
        let mut all: Vec<Namespace> = merged.into_iter().map(|(name, rule)| Namespace { name, rule }).collect();
        all.sort_by_key(|ns| ns.rule.rank);
        Self::check(&all)?;
        Ok(Self { all, blocked: Vec::new(), version: 0 })
    }

    /// The next version: these namespaces have other rules, the others stay as they are. The same one where nothing is
    /// different.
    ///
    /// # Errors
    /// `Invalid` for a namespace that is not there and for another `per_shop`: by these values were normalized, which is
    /// decided when a store is created.
    pub(crate) fn with(&self, rules: &BTreeMap<String, NamespaceRule>) -> crate::Result<Self> {
        let mut all = self.all.clone();
        for (name, rule) in rules {
            let Some(old) = all.iter_mut().find(|known| known.name == *name) else {
                let text = format!("there is no namespace {name:?}; namespaces are decided when a store is created");
                return Err(crate::Error::invalid(text));
            };
            if rule.per_shop != old.rule.per_shop {
                let text = format!("per_shop of namespace {name:?} is decided when a store is created");
                return Err(crate::Error::invalid(text));
            }
            old.rule = rule.clone();
        }
        all.sort_by_key(|of| of.rule.rank);
        Self::check(&all)?;
        let version = self.version + u64::from(all != self.all);
        Ok(Self { all, version, blocked: self.blocked.clone() })
    }

    /// Whether facts look the same under both: the namespaces stand in one order, and the same ones name persons.
    pub(crate) fn has_form_of(&self, other: &Self) -> bool {
        let same = |(a, b): (&Namespace, &Namespace)| a.name == b.name && a.rule.person == b.rule.person;
        self.all.len() == other.all.len() && self.all.iter().zip(&other.all).all(same)
    }

    /// The next version: these values identify nobody, too. The same one where none is new.
    ///
    /// # Errors
    /// `Invalid` for a blank value, and for one that no identifier can have.
    pub(crate) fn with_blocked(&self, values: &[String]) -> crate::Result<Self> {
        let words: BTreeSet<String> = values.iter().map(|value| value.trim().to_lowercase()).collect();
        if words.iter().any(|word| word.is_empty() || word.len() > BLOCKED_BYTES_MAX) {
            return Err(crate::Error::invalid("a blocked value is a text of 1 to 4,096 bytes"));
        }
        let all: BTreeSet<String> = words.into_iter().chain(self.blocked.iter().cloned()).collect();
        let version = self.version + u64::from(all.len() != self.blocked.len());
        Ok(Self { all: self.all.clone(), blocked: all.into_iter().collect(), version })
    }

    /// What a store wrote down of its rules.
    pub(crate) fn restored(
        &self,
        rules: &BTreeMap<String, NamespaceRule>,
        blocked: &[String],
        version: u64,
    ) -> crate::Result<Self> {
        Ok(Self { version, ..self.with(rules)?.with_blocked(blocked)? })
    }

    /// Values blocked since the store was created.
    pub(crate) fn blocked(&self) -> &[String] {
        &self.blocked
    }

    /// The rule of each namespace.
    pub(crate) fn rules(&self) -> BTreeMap<String, NamespaceRule> {
        self.all.iter().map(|of| (of.name.clone(), of.rule.clone())).collect()
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    fn check(all: &[Namespace]) -> crate::Result<()> {
        if all.len() > 64 {
            return Err(crate::Error::invalid("a store has at most 64 namespaces"));
        }
        for (one, next) in all.iter().zip(all.iter().skip(1)) {
            if one.rule.rank == next.rule.rank {
                let text = format!(
                    "namespaces {} and {} both have rank {}; give each a rank of its own",
                    one.name, next.name, one.rule.rank
                );
                return Err(crate::Error::invalid(text));
            }
        }
        for ns in all {
            if let Some(unknown) = ns.rule.fan.keys().find(|weaker| !all.iter().any(|ns| ns.name == **weaker)) {
                return Err(crate::Error::invalid(format!(
                    "namespace {} has a fan cap for unknown {unknown}",
                    ns.name
                )));
            }
            if ns.name.is_empty() || ns.name.len() > 256 {
                return Err(crate::Error::invalid("a namespace's name has 1 to 256 bytes"));
            }
        }
        Ok(())
    }

    /// The code of a name.
    pub(crate) fn code(&self, name: &str) -> Option<u8> {
        self.all.iter().position(|ns| ns.name == name).and_then(|at| u8::try_from(at).ok())
    }

    /// The namespace of a code.
    pub(crate) fn get(&self, code: u8) -> Option<&Namespace> {
        self.all.get(usize::from(code))
    }

    /// The name of a code; empty for a code that does not exist.
    pub(crate) fn name(&self, code: u8) -> &str {
        self.get(code).map_or("", |ns| ns.name.as_str())
    }

    /// Whether a profile that holds such an identifier is a known person.
    pub(crate) fn is_person(&self, code: u8) -> bool {
        self.get(code).is_some_and(|ns| ns.rule.person)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &Namespace)> {
        self.all.iter().enumerate().filter_map(|(at, ns)| Some((u8::try_from(at).ok()?, ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::Span;

    #[test]
    fn the_default_table_is_the_documented_one() {
        let all = Namespaces::new(&BTreeMap::new()).unwrap();
        let names: Vec<&str> = all.iter().map(|(_, ns)| ns.name.as_str()).collect();
        assert_eq!(names, ["user_id", "customer_id", "loyalty_card", "email", "phone", "device", "anonymous_id"]);
        let anonymous = all.get(6).unwrap();
        assert_eq!((anonymous.rule.limit, anonymous.rule.window), (Some(20), Some(Span::days(7))));
        assert!(all.is_person(4) && !all.is_person(5));
        let ranks: Vec<u16> = all.iter().map(|(_, ns)| ns.rule.rank).collect();
        assert_eq!(ranks, [0, 10, 20, 30, 40, 50, 60], "a host inserts its own between them");
    }

    #[test]
    fn two_namespaces_of_one_rank_are_refused() {
        let clash = BTreeMap::from([("till".to_owned(), NamespaceRule { rank: 30, ..NamespaceRule::default() })]);
        assert!(Namespaces::new(&clash).unwrap_err().to_string().contains("rank 30"));
    }
}
