//! What the rules of a store's namespaces ask of the solver, read once and by code, so that no region pays for it.

use super::component::Limits;
use crate::base::NamespaceRule;
use crate::base::namespaces::Namespaces;

/// What a namespace's rule says.
#[derive(Clone)]
pub(crate) struct Rule {
    /// How many people an identifier may be seen with.
    pub(crate) glue: usize,
    pub(crate) person: bool,
    /// The caps on neighbors in weaker namespaces.
    pub(crate) fan: Vec<(u8, usize)>,
    /// The smallest fan cap: with no more neighbors than this there is nothing to count.
    pub(crate) least_cap: usize,
}

/// The rules by namespace code, and the limits.
#[derive(Clone)]
pub(crate) struct Rulebook {
    rules: Vec<Rule>,
    limits: Limits,
}

impl Rulebook {
    /// `profile_size` is how many identifiers a profile may hold.
    pub(crate) fn new(namespaces: &Namespaces, profile_size: u32) -> Self {
        let rules = namespaces.iter().map(|(code, namespace)| {
            let fan = fan_caps(namespaces, code, &namespace.rule);
            let least_cap = fan.iter().map(|(_, cap)| *cap).min().unwrap_or(usize::MAX);
            Rule { glue: glue(&namespace.rule), person: namespace.rule.person, fan, least_cap }
        });
        Self { rules: rules.collect(), limits: Limits::new(namespaces, profile_size) }
    }

    /// `None` for a code that no namespace has.
    pub(crate) fn get(&self, code: u8) -> Option<&Rule> {
        self.rules.get(usize::from(code))
    }

    /// The rules of namespaces, strongest first: by code.
    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The caps of a rule on neighbors in weaker namespaces; a cap on a stronger one says nothing.
pub(crate) fn fan_caps(namespaces: &Namespaces, code: u8, rule: &NamespaceRule) -> Vec<(u8, usize)> {
    let cap =
        |(name, cap): (&String, &u32)| Some((namespaces.code(name)?, usize::try_from(*cap).unwrap_or(usize::MAX)));
    rule.fan.iter().filter_map(cap).filter(|(weaker, _)| *weaker > code).collect()
}

/// How many people an identifier may be seen with.
pub(crate) fn glue(rule: &NamespaceRule) -> usize {
    rule.glue.and_then(|glue| usize::try_from(glue).ok()).unwrap_or(usize::MAX)
}
