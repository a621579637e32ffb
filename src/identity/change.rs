//! What became of the people between two partitions, in the words of the change feed. Profiles are named by the node of
//! their eldest identifier.

use super::evidence::NONE;
use super::graph::NodeState;
use crate::base::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that happened to a profile or an identifier.
///
/// `old` and `from` name profiles of the partition before, `new`, `into` and `to` profiles of the one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// A profile of identifiers that belonged to nobody.
    Created { profile: u32 },
    /// A profile went on as part of another one.
    Merged { into: u32, from: u32 },
    /// A profile gave away identifiers that are a profile of their own now.
    Split { from: u32, into: u32 },
    /// A profile went on under another eldest identifier.
    Renamed { old: u32, new: u32 },
    /// No identifier of the profile belongs to anybody any more.
    Removed { profile: u32 },
    /// An identifier did not go where its profile went.
    Moved { node: u32, from: u32, to: u32 },
    /// An identifier belongs to nobody any more.
    Shared { node: u32 },
    /// An identifier belongs to somebody again, or no fact that counts names it any more.
    Unshared { node: u32 },
}

/// An identifier before and after.
pub(crate) struct Moment {
    pub(crate) node: u32,
    /// By this the eldest is chosen: (first, rank, place in (namespace, value) order), as of now.
    pub(crate) age: (Timestamp, u8, u32),
    pub(crate) old: NodeState,
    pub(crate) new: NodeState,
}

/// The changes between the states of `moments`, which hold every member of every profile that they touch.
///
/// A profile goes on as the one that has its name, else as the one with its eldest remaining member. In a fixed order
/// that follows the identifiers, not their node numbers.
pub(crate) fn changes(moments: &[Moment]) -> Vec<Change> {
    if moments.iter().all(|moment| moment.old == moment.new) {
        return Vec::new();
    }
    let eldest_first = {
        let mut order: Vec<&Moment> = moments.iter().collect();
        order.sort_unstable_by_key(|moment| moment.age);
        order
    };
    let kept: BTreeSet<u32> =
        moments.iter().map(|moment| moment.new.profile).filter(|profile| *profile != NONE).collect();
    let heirs = heirs(&eldest_first, &kept);
    let mut out = Vec::new();
    let mut origin = BTreeMap::new();
    let mut begun: BTreeMap<u32, u32> = BTreeMap::new();
    for moment in &eldest_first {
        let (old, new) = (moment.old.profile, moment.new.profile);
        if old != NONE && new != NONE {
            origin.entry(new).or_insert(old);
        }
        // The heir that carries the name, else the one with the eldest remaining member, stands for the profile.
        if let Some(heir) = heirs.get(&old).filter(|heir| **heir == new) {
            begun.entry(*heir).or_insert(if heirs.get(heir) == Some(heir) { *heir } else { old });
        }
    }
    let mut told = BTreeSet::new();
    for moment in &eldest_first {
        let new = moment.new.profile;
        if new != NONE && told.insert(new) && !begun.contains_key(&new) {
            out.push(match origin.get(&new) {
                Some(from) => Change::Split { from: *from, into: new },
                None => Change::Created { profile: new },
            });
        }
    }
    out.extend(fates(&eldest_first, &heirs, &begun));
    for moment in &eldest_first {
        let (old, new) = (moment.old.profile, moment.new.profile);
        let split = !begun.contains_key(&new) && origin.get(&new) == Some(&old);
        if old != NONE && new != NONE && heirs.get(&old) != Some(&new) && !split {
            out.push(Change::Moved { node: moment.node, from: old, to: new });
        }
        match (moment.old.is_shared(), moment.new.is_shared()) {
            (false, true) => out.push(Change::Shared { node: moment.node }),
            (true, false) => out.push(Change::Unshared { node: moment.node }),
            _ => {}
        }
    }
    out
}

/// For each old profile the new one that goes on for it.
fn heirs(eldest_first: &[&Moment], kept: &BTreeSet<u32>) -> BTreeMap<u32, u32> {
    let mut heirs = BTreeMap::new();
    for moment in eldest_first {
        let (old, new) = (moment.old.profile, moment.new.profile);
        if old != NONE && new != NONE {
            heirs.entry(old).or_insert(if kept.contains(&old) { old } else { new });
        }
    }
    heirs
}

/// What became of each old profile.
fn fates(eldest_first: &[&Moment], heirs: &BTreeMap<u32, u32>, begun: &BTreeMap<u32, u32>) -> Vec<Change> {
    let mut told = BTreeSet::new();
    let mut out = Vec::new();
    for moment in eldest_first {
        let old = moment.old.profile;
        if old == NONE || !told.insert(old) {
            continue;
        }
        match heirs.get(&old) {
            None => out.push(Change::Removed { profile: old }),
            Some(new) if *new == old => {}
            Some(new) if begun.get(new) == Some(&old) => out.push(Change::Renamed { old, new: *new }),
            Some(new) => out.push(Change::Merged { into: *new, from: old }),
        }
    }
    out
}
