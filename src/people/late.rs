//! When facts of an input stand: whoever has one behind the instant of a question is not what the newest facts say.

use crate::base::Timestamp;

/// The instants of facts, each with the ordinal of whom it concerns.
pub(crate) struct Late {
    times: Vec<i64>,
    ordinals: Vec<u32>,
}

impl Late {
    pub(crate) fn new(mut facts: Vec<(Timestamp, u32)>) -> Self {
        facts.sort_unstable();
        facts.dedup();
        let times = facts.iter().map(|(ts, _)| ts.as_millisecond()).collect();
        Self { times, ordinals: facts.into_iter().map(|(_, ordinal)| ordinal).collect() }
    }

    /// Who has a fact after `at`, one or more times each.
    pub(crate) fn after(&self, at: Timestamp) -> &[u32] {
        let first = self.times.partition_point(|ts| *ts <= at.as_millisecond());
        self.ordinals.get(first..).unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.times.len() * 8 + self.ordinals.len() * 4
    }
}
