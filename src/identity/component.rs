//! What a component of the identity graph holds, as far as the limits ask: kept while components join, so that
//! whether two may join is answered without walking their members.

use crate::base::Timestamp;
use crate::base::namespaces::Namespaces;
use std::mem;

/// The rule that a union would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breaks {
    /// More values of this namespace than its limit.
    Limit(u8),
    /// More values of this namespace first seen inside one window than its limit.
    Window(u8),
    /// Two identifiers that an operator keeps apart.
    Denied,
    /// More identifiers than a profile may hold.
    Size,
}

/// A namespace with a limit.
#[derive(Clone, Copy)]
struct Limited {
    code: u8,
    limit: usize,
    window_ms: Option<i64>,
}

/// The limits of a store, strongest namespace first.
#[derive(Clone)]
pub(crate) struct Limits {
    limited: Vec<Limited>,
    profile_size: u32,
}

impl Limits {
    pub(crate) fn new(namespaces: &Namespaces, profile_size: u32) -> Self {
        let limited = namespaces.iter().filter_map(|(code, namespace)| {
            let limit = usize::try_from(namespace.rule.limit?).unwrap_or(usize::MAX);
            Some(Limited { code, limit, window_ms: namespace.rule.window.map(|span| span.as_millisecond()) })
        });
        Self { limited: limited.collect(), profile_size }
    }

    /// Whether values of a namespace are counted at all.
    pub(crate) fn counts(&self, code: u8) -> bool {
        self.limited.iter().any(|limited| limited.code == code)
    }

    /// The namespaces that have a limit, and how many values it allows.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u8, usize)> + '_ {
        self.limited.iter().map(|limited| (limited.code, limited.limit))
    }

    /// The limit of a namespace, if it counts values whenever they were seen.
    pub(crate) fn whenever(&self, code: u8) -> Option<usize> {
        let limited = self.limited.iter().find(|limited| limited.code == code)?;
        limited.window_ms.is_none().then_some(limited.limit)
    }

    pub(crate) fn profile_size(&self) -> u32 {
        self.profile_size
    }

    /// The first rule, strongest namespace first, that the union of `parts` breaks; denied pairs are not looked at.
    pub(crate) fn broken(&self, parts: &[&Component]) -> Option<Breaks> {
        let over = self.limited.iter().find_map(|limited| limited.broken(parts));
        let size = || parts.iter().map(|part| u64::from(part.size)).sum::<u64>() > u64::from(self.profile_size);
        over.or_else(|| size().then_some(Breaks::Size))
    }
}

impl Limited {
    fn broken(self, parts: &[&Component]) -> Option<Breaks> {
        let held = || parts.iter().filter_map(|part| part.held.iter().find(|held| held.code == self.code));
        let atoms = held().map(|held| held.atoms).fold(0usize, usize::saturating_add);
        if atoms <= self.limit {
            return None;
        }
        let Some(window_ms) = self.window_ms else { return Some(Breaks::Limit(self.code)) };
        let seen: Vec<&[Timestamp]> = held().map(|held| held.seen.as_slice()).collect();
        crowded(&seen, self.limit, window_ms).then_some(Breaks::Window(self.code))
    }
}

/// Whether more than `limit` of the instants lie in some half-open interval of `window_ms`. Each list is sorted.
///
/// The longest list is clipped to what can share a window with the others: it was checked when it came to be, and one
/// new cookie beside a thousand old ones must not cost a thousand steps. A list that stands alone is read in full.
fn crowded(lists: &[&[Timestamp]], limit: usize, window_ms: i64) -> bool {
    let Some((longest, _)) = lists.iter().enumerate().max_by_key(|(_, list)| list.len()) else { return false };
    let mut merged: Vec<Timestamp> = Vec::new();
    for (at, list) in lists.iter().enumerate() {
        if at != longest {
            merged.extend_from_slice(list);
        }
    }
    merged.sort_unstable();
    let long = lists.get(longest).copied().unwrap_or_default();
    let clipped = match (merged.first(), merged.last()) {
        (Some(first), Some(last)) => {
            let from = long.partition_point(|ts| *ts <= first.plus_millisecond(window_ms.saturating_neg()));
            let to = long.partition_point(|ts| *ts < last.plus_millisecond(window_ms));
            long.get(from..to).unwrap_or_default()
        }
        _ => long,
    };
    merged.extend_from_slice(clipped);
    merged.sort();
    merged.iter().zip(merged.iter().skip(limit)).any(|(early, late)| {
        i128::from(late.as_millisecond()) - i128::from(early.as_millisecond()) < i128::from(window_ms)
    })
}

/// Values of one limited namespace.
struct Held {
    code: u8,
    atoms: usize,
    /// When each atom was first seen by a verified fact, sorted; kept for namespaces with a window only.
    seen: Vec<Timestamp>,
}

/// The sums of one component.
#[derive(Default)]
pub(crate) struct Component {
    pub(crate) size: u32,
    pub(crate) person: bool,
    held: Vec<Held>,
    /// The other ends of denied pairs that have an end in here.
    pub(crate) denied: Vec<u32>,
}

impl Component {
    /// One identifier, of which nothing is counted yet.
    pub(crate) fn single() -> Self {
        Self { size: 1, ..Self::default() }
    }

    /// Counts one atom's values of a namespace, first seen at `seen`.
    pub(crate) fn count(&mut self, limits: &Limits, code: u8, seen: Option<Timestamp>) {
        if limits.counts(code) {
            self.take(Held { code, atoms: 1, seen: seen.into_iter().collect() });
        }
    }

    /// Takes everything of another component.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.size = self.size.saturating_add(other.size);
        self.person |= other.person;
        if self.denied.len() < other.denied.len() {
            mem::swap(&mut self.denied, &mut other.denied);
        }
        self.denied.append(&mut other.denied);
        if self.held.len() < other.held.len() {
            mem::swap(&mut self.held, &mut other.held);
        }
        other.held.into_iter().for_each(|held| self.take(held));
    }

    fn take(&mut self, mut held: Held) {
        let Some(mine) = self.held.iter_mut().find(|mine| mine.code == held.code) else {
            self.held.push(held);
            return;
        };
        mine.atoms = mine.atoms.saturating_add(held.atoms);
        if mine.seen.len() < held.seen.len() {
            mem::swap(&mut mine.seen, &mut held.seen);
        }
        if let [one] = held.seen.as_slice() {
            let at = mine.seen.partition_point(|ts| ts < one);
            mine.seen.insert(at, *one);
        } else {
            mine.seen.append(&mut held.seen);
            mine.seen.sort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(raw: &[i64]) -> Vec<Timestamp> {
        let mut all: Vec<Timestamp> = raw.iter().map(|ms| Timestamp::from_millisecond(*ms)).collect();
        all.sort();
        all
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        /// Against the definition: some interval that starts at a sighting holds too many.
        #[test]
        fn windows_are_counted_as_defined(
            a in prop::collection::vec(0i64..30, 0..8),
            b in prop::collection::vec(0i64..30, 0..4),
            c in prop::collection::vec(0i64..30, 0..2),
            limit in 0usize..4,
            window in 0i64..12,
        ) {
            let all: Vec<i64> = a.iter().chain(&b).chain(&c).copied().collect();
            let over = |part: &[i64]| part.iter().any(|t| part.iter().filter(|x| **x >= *t && **x < t + window).count() > limit);
            if [&a, &b, &c].into_iter().any(|part| over(part)) {
                return Ok(());
            }
            let (a, b, c) = (times(&a), times(&b), times(&c));
            prop_assert_eq!(crowded(&[&a, &b, &c], limit, window), over(&all));
        }
    }
}
