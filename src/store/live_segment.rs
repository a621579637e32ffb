//! A live segment: its definition, what its membership depends on, and who is in it.

use super::touched::Reason;
use crate::Result;
use crate::base::Timestamp;
use crate::column::rows::RowSet;
use crate::profile::person::Person;
use crate::profile::records::Records;
use crate::rule::node::Segment;
use crate::segment::schedule::{Boundary, Input, boundaries, inputs, references};
use crate::segment::subject::Subject;
use std::sync::Arc;

/// A defined segment and who is in it.
#[derive(Clone)]
pub(super) struct LiveSegment {
    pub(super) segment: Segment,
    /// What its membership depends on, references followed.
    pub(super) inputs: Vec<Input>,
    pub(super) boundaries: Vec<Boundary>,
    pub(super) members: RowSet,
}

/// Somebody entered or left a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crossing {
    pub(super) segment: String,
    pub(super) profile: u32,
    pub(super) entered: bool,
}

impl LiveSegment {
    /// A segment without members yet; `known` are the segments that it may refer to.
    pub(super) fn new(segment: Segment, known: &[Arc<Self>]) -> Self {
        let find = |name: &str| known.iter().find(|live| live.segment.name() == name);
        let mut inputs = inputs(segment.rule());
        let mut boundaries = boundaries(segment.rule());
        for live in references(segment.rule()).into_iter().filter_map(find) {
            inputs.extend(live.inputs.iter().cloned());
            boundaries.extend(live.boundaries.iter().cloned());
        }
        Self { segment, inputs, boundaries, members: RowSet::default() }
    }

    /// Whether a change of that kind can change membership.
    pub(super) fn depends_on(&self, reason: &Reason, records: &Records) -> bool {
        reason.all
            || self.inputs.iter().any(|input| match input {
                Input::Event(name) => records.names.code(name).is_some_and(|code| reason.names.contains(&code)),
                Input::Trait(_) => records.identify_code().is_some_and(|code| reason.names.contains(&code)),
                Input::Orders => reason.orders,
                Input::Consent => reason.consent,
                Input::Catalogue => reason.catalogue,
                Input::Rates => reason.rates,
                Input::Identity | Input::Segment(_) => false,
            })
    }

    /// The segments that it refers to.
    pub(super) fn references(&self) -> Vec<&str> {
        references(self.segment.rule())
    }

    /// Segments as they were stored, with their members, by name.
    pub(super) fn restore_all(stored: Vec<(Segment, RowSet)>) -> Vec<Arc<Self>> {
        let mut open = stored;
        let mut all: Vec<Arc<Self>> = Vec::new();
        // A segment's inputs include those of the segments that it refers to, so these come first; references form no
        // circle, so each round places one.
        while !open.is_empty() {
            let placed = |name: &str| all.iter().any(|live| live.segment.name() == name);
            let ready = open.iter().position(|(segment, _)| references(segment.rule()).into_iter().all(placed));
            let (segment, members) = open.remove(ready.unwrap_or(0));
            let live = Self { members, ..Self::new(segment, &all) };
            all.push(Arc::new(live));
        }
        all.sort_by(|a, b| a.segment.name().cmp(b.segment.name()));
        all
    }
}

/// Whether a person is a member, references evaluated on the same records.
pub(super) fn is_member(
    segment: &Segment,
    person: &Person<'_>,
    known: bool,
    segments: &[Arc<LiveSegment>],
    at: Timestamp,
) -> Result<bool> {
    let find = |name: &str| segments.iter().find(|live| live.segment.name() == name).map(|live| live.segment.clone());
    crate::segment::evaluate::is_member(segment, &Subject::new(person, known, &find), at)
}
